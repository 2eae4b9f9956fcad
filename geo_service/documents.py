"""Read a YAML, JSON or TOML document into a checked model, with a line for every fault.

Scalars stay text until the model converts them, so that a code such as `0601` never
turns into a number. What the documents mean is decided by their models.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from geo_service.errors import Fault
from geo_service.wording import said, said_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Location = tuple[str | int, ...]
Lines = dict[Location, int]
ModelT = TypeVar("ModelT", bound=BaseModel)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where PyYAML has it: ten times as fast."""

_TOML_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_TOML_KEY = re.compile(rf"\s*((?:{_TOML_PART.pattern})(?:\s*\.\s*(?:{_TOML_PART.pattern}))*)\s*=")
_TOML_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")

MAX_BYTES = 5_000_000
MAX_DEPTH = 40


def read_yaml(text: str, file: str) -> tuple[Any, Lines, list[Fault]]:
    """Return a YAML or JSON text as plain data, the line of each place, and faults.

    Every scalar is text except an empty or `null` one, which is None. An alias is a fault,
    since a few lines of them can stand for millions; so is a key that stands twice.
    """
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else None
                found, expected = said("fault.alias", name=event.anchor), said("fault.no_alias")
                return None, {}, [Fault(file=file, line=line, found=found, expected=expected)]
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or said("fault.unreadable")
        expected = said("fault.valid_yaml")
        return None, {}, [Fault(file=file, line=line, found=problem, expected=expected)]
    except RecursionError:
        return None, {}, [_too_deep(file)]
    lines: Lines = {}
    faults: list[Fault] = []
    data = None if node is None else _plain(node, (), file, lines, faults)
    return data, lines, faults


def _too_deep(file: str) -> Fault:
    expected = said("fault.most_levels", most=MAX_DEPTH)
    return Fault(file=file, found=said("fault.too_deep"), expected=expected)


def _plain(node: yaml.Node, place: Location, file: str, lines: Lines, faults: list[Fault]) -> Any:  # noqa: ANN401 - plain data of any shape
    lines[place] = node.start_mark.line + 1
    if len(place) > MAX_DEPTH:
        faults.append(_too_deep(file))
        return None
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                faults.append(
                    Fault(
                        file=file,
                        line=key_node.start_mark.line + 1,
                        found=said("fault.second_time", name=repr(shorten(key))),
                        expected=said("fault.each_key_once"),
                    )
                )
            result[key] = _plain(value_node, (*place, key), file, lines, faults)
            lines[(*place, key)] = key_node.start_mark.line + 1
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(item, (*place, index), file, lines, faults)
            for index, item in enumerate(node.value)
        ]
    if node.tag == "tag:yaml.org,2002:null":
        return None
    return str(node.value)


def read_toml(text: str, file: str) -> tuple[dict[str, Any], list[Fault]]:
    """Return a TOML text as plain data, or the fault that makes it unreadable."""
    try:
        return tomllib.loads(text), []
    except tomllib.TOMLDecodeError as error:
        return {}, [Fault(file=file, found=str(error), expected=said("fault.valid_toml"))]


def toml_lines(text: str) -> Lines:
    """Return the line of each table and key of a valid TOML text, for messages.

    Keys within inline tables and arrays are left out: `line_of` then gives the line around them.
    """
    lines: Lines = {}
    table: Location = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TOML_TABLE.match(line):
            table = _toml_key(header[1])
            lines.setdefault(table, number)
        elif key := _TOML_KEY.match(line):
            lines.setdefault((*table, *_toml_key(key[1])), number)
    return lines


def _toml_key(text: str) -> Location:
    return tuple(part.strip("\"'") for part in _TOML_PART.findall(text))


def read_text(path: Path) -> tuple[str, list[Fault]]:
    """Return the text of a small UTF-8 file, or the fault that keeps it from being read."""
    name = path.name
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            found, expected = said("fault.bytes", size=size), f"≤ {MAX_BYTES:,}"
            return "", [Fault(file=name, found=found, expected=expected)]
        return path.read_text(encoding="utf-8-sig"), []
    except FileNotFoundError:
        found, wanted = said("fault.no_file"), said("fault.readable_file")
        return "", [Fault(file=str(path), found=found, expected=wanted)]
    except UnicodeDecodeError:
        found, wanted = said("fault.not_utf8"), said("fault.utf8")
        return "", [Fault(file=name, found=found, expected=wanted)]
    except OSError as error:
        reason, wanted = error.strerror or said("fault.unreadable"), said("fault.readable_file")
        return "", [Fault(file=str(path), found=reason, expected=wanted)]


def parse_model(
    model: type[ModelT], data: object, file: str, *, lines: Mapping[Location, int] | None = None
) -> tuple[ModelT | None, list[Fault]]:
    """Return plain data as a model, or every fault with its line and the nearest known name."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, list(faults_of(error, model, file, lines=lines))


def faults_of(
    error: ValidationError,
    model: type[BaseModel],
    file: str,
    *,
    lines: Mapping[Location, int] | None = None,
    under: Location = (),
) -> Iterator[Fault]:
    """Yield a model's validation errors as faults."""
    for item in error.errors(include_url=False):
        place: Location = (*under, *item["loc"])
        name = ".".join(str(part) for part in place) or said("fault.document")
        found = repr(item.get("input"))
        expected = said_of(item)
        if item["type"] == "extra_forbidden":
            known = _known_names(model, item["loc"][:-1])
            found = said("fault.unknown_name", name=repr(shorten(str(item["loc"][-1]))))
            expected = nearest_name(str(item["loc"][-1]), known)
        elif item["type"] == "missing":
            found = said("fault.none_given")
        yield Fault(
            file=file,
            line=line_of(place, lines or {}),
            column=name,
            found=shorten(found),
            expected=expected,
        )


def shorten(text: str) -> str:
    """Return a text cut to one line of a screen; one that fits stays the very same."""
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - one screen line


def line_of(place: Location, lines: Mapping[Location, int]) -> int | None:
    """Return the line of a place, or of the nearest place above it that has one."""
    for length in range(len(place), -1, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def nearest_name(name: str, known: Sequence[str]) -> str:
    """Return what to say of an unknown name: the nearest known one, and all of them."""
    alike = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    if alike:
        return said("fault.nearest", near=repr(alike[0]), known=list(known))
    return said("fault.one_of", known=list(known))


def _known_names(model: type[BaseModel], place: Location) -> list[str]:
    current: Any = model
    for part in place:
        fields = getattr(current, "model_fields", None)
        if fields is None or part not in fields:
            continue
        current = _model_in(fields[part].annotation)
    fields = getattr(current, "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items())


def _model_in(annotation: Any) -> Any:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
