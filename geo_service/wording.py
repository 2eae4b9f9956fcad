"""What is wrong, in the reader's language.

Whoever raises says a text under a key of the catalogue. It then is the English text that logs
and programs read, and it can be told in every language; a text without a key is told as it is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from geo_service.errors import ChoiceNeededError, list_faults
from geo_service.language import Language, Translator, catalogue
from geo_service.model import Message, Said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_service.errors import Fault, GeoServiceError

_ENGLISH = Translator(Language.EN)
_ALIKE = {
    "float_type": "float_parsing",
    "int_type": "int_parsing",
    "int_from_float": "int_parsing",
    "bool_type": "bool_parsing",
    "date_type": "date_parsing",
    "date_from_datetime_parsing": "date_parsing",
    "date_from_datetime_inexact": "date_parsing",
    "tuple_type": "list_type",
    "set_type": "list_type",
    "enum": "literal_error",
    "model_type": "dict_type",
    "model_attributes_type": "dict_type",
    "mapping_type": "dict_type",
    "json_type": "json_invalid",
}
"""Kinds of fault of a model that read the same."""


def said(key: str, **values: Any) -> Said:  # noqa: ANN401 - whatever a template shows
    """Return the English text of a key with values, which can be told in every language.

    >>> said("fault.none_given")
    'nothing'
    >>> tell(said("fault.none_given"), Translator())
    '没有填写'
    """
    message = Message(key, values)
    return Said(_ENGLISH.render(message), message)


def said_all(parts: Sequence[str]) -> str:
    """Return several texts as one; each of them is told in the reader's language.

    >>> said_all(["a", "b"])
    'a; b'
    """
    return functools.reduce(lambda one, other: said("problem.then", first=one, second=other), parts)


def said_of(item: Mapping[str, Any]) -> str:
    """Return what a model expects where it found a fault, given as one of pydantic's.

    It is pydantic's own English text; a kind of fault that is not known has no other one.
    """
    context = dict(item.get("ctx") or {})
    error = context.pop("error", None)
    if isinstance(error, ValueError) and error.args and isinstance(error.args[0], Said):
        return error.args[0]
    text = str(item["msg"]).removeprefix("Value error, ")
    key = f"fault.{_ALIKE.get(item['type'], item['type'])}"
    if key not in catalogue():
        return text
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ").split(", ")
    return Said(text, Message(key, context))


def tell(text: object, translator: Translator) -> str:
    """Return a text in a language, if it was said under a key; any other as it is."""
    if isinstance(text, Said) and translator.language is not Language.EN:
        return translator.render(text.message)
    return str(text)


def tell_fault(fault: Fault, translator: Translator) -> str:
    """Return a fault as one line that says where, what was found and what is wanted."""
    if translator.language is Language.EN:
        return str(fault)
    file = tell(fault.file, translator)
    where = [file if fault.line is None else f"{file}:{fault.line}"]
    for key, value in (("layer", fault.layer), ("row", fault.row)):
        if value:
            where.append(translator.text(f"fault.at_{key}", value=_layer_or_value(key, value)))
    if fault.column:
        where.append(translator.render(_column(fault.column, fault.layer)))
    return translator.text(
        "fault.whole",
        where="，".join(where),
        found=tell(fault.found, translator),
        expected=tell(fault.expected, translator),
    )


def _layer_or_value(key: str, value: object) -> object:
    name = f"layer.{value}"
    return Message(name) if key == "layer" and name in catalogue() else value


def _column(column: str, layer: str | None) -> Message:
    """Return a column, or a field of a document, by its name and by what it is called."""
    last = column.rpartition(".")[2]
    for key in (f"field.{layer}_{last}", f"field.{last}", f"column.{last}"):
        if key in catalogue():
            label = Message(key)
            return Message("fault.at_named", {"label": label, "column": column})
    return Message("fault.at_column", {"column": column})


def tell_error(error: GeoServiceError, translator: Translator) -> str:
    """Return an error in a language: what is wrong, and below it every fault or choice."""
    if translator.language is Language.EN:
        return str(error)
    text = tell(error.heading, translator)
    if isinstance(error, ChoiceNeededError):
        choices = ((choice.value, tell(choice.evidence, translator)) for choice in error.choices)
        return text + "".join(f"\n  - {value}：{evidence}" for value, evidence in choices)
    faults = getattr(error, "faults", ())
    if not faults:
        return text
    listed = list_faults(
        faults,
        tell=lambda fault: tell_fault(fault, translator),
        count_rest=lambda place, count: translator.text("fault.more", place=place, count=count),
    )
    return f"{text}\n{listed}"
