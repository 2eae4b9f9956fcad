"""How what is wrong is said: as a message, which is told in the reader's language.

Whoever raises says a key of the catalogue and values; `tell`, `tell_fault` and `tell_error` make
text of them at the edge. What somebody else's program says (a parser, GDAL, a database) is a value
of a message that introduces it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from geo_service.errors import UnfitError
from geo_service.language import Translator, catalogue
from geo_service.model import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_service.errors import Fault, GeoServiceError

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
_LONGEST = 80
"""Characters of a value that a message shows: one line of a screen."""


def said(key: str, **values: Any) -> Message:  # noqa: ANN401 - whatever a template shows
    """Return a message: a key of the catalogue, and values.

    >>> tell(said("fault.none_given"), Translator())
    '没有填写'
    """
    return Message(key, values)


def quoted(value: object) -> Message:
    """Return a value that was found, in quotation marks and cut to one line of a screen.

    >>> tell(quoted("x"), Translator())
    '“x”'
    """
    return Message("fault.value", {"value": shorten(repr(value))})


def shorten(text: str) -> str:
    """Return a text cut to one line of a screen; one that fits stays the very same."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def said_all(parts: Sequence[Message]) -> Message:
    """Return several messages as one.

    >>> tell(said_all([said("fault.none_given"), said("fault.no_value")]), Translator())
    '没有填写；没有值'
    """
    return functools.reduce(lambda one, other: said("problem.then", first=one, second=other), parts)


def said_of(item: Mapping[str, Any]) -> Message:
    """Return what a model expects where it found a fault, given as one of pydantic's.

    Of a kind of fault that the catalogue does not know, it is pydantic's own English text. A limit
    that is a whole number is told with all of its digits.
    """
    context = dict(item.get("ctx") or {})
    error = context.pop("error", None)
    if isinstance(error, UnfitError):
        return error.message
    key = f"fault.{_ALIKE.get(item['type'], item['type'])}"
    if key not in catalogue():
        return said("fault.by_model", words=str(item["msg"]))
    if "expected" in context:
        choices = str(context["expected"]).replace(" or ", ", ").split(", ")
        field = str(item["loc"][-1]) if item.get("loc") else ""
        context["expected"] = [_choice(field, choice.strip("'")) for choice in choices]
    return Message(key, {name: _plain(value) for name, value in context.items()})


_CHOICES = ("{field}.{value}", "sites.{field}_{value}", "sites.{value}_{field}")
"""Where the catalogue has the words of a field's choices."""


def _choice(field: str, value: str) -> Message:
    """Return a choice as it is written, with the words of the reader's language where there are."""
    keys = (key.format(field=field, value=value) for key in _CHOICES)
    known = next((key for key in keys if key in catalogue()), None)
    if known is None:
        return said("fault.bare_choice", value=value)
    return said("fault.choice", value=value, words=Message(known))


def _plain(value: object) -> object:
    """Return a whole number as an integer, which no template writes with an exponent."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tell(text: Message | str, translator: Translator) -> str:
    """Return a message in a language; a text that is none is told as it is."""
    return translator.render_any(text)


def tell_fault(fault: Fault, translator: Translator) -> str:
    """Return a fault in a language, as one line."""
    return fault.tell(translator)


def tell_error(error: GeoServiceError, translator: Translator) -> str:
    """Return an error in a language: what is wrong, and below it every fault or choice."""
    return error.tell(translator)
