"""Read a YAML, JSON or TOML document into a checked model, with a line for every fault.

Scalars of YAML stay text until the model converts them, so that a code such as `0601` never
turns into a number. What the documents mean is decided by their models.

A document may come from outside: `document_limits` bounds what it holds before a parser that
recurses sees it.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import tomli_w
import yaml
from pydantic import BaseModel, ValidationError

from geo_service.document_limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FAULTS,
    MAX_NODES,
    OverLimitError,
    check_json,
    check_plain,
    check_text,
    check_toml,
    check_whole,
    check_yaml,
    refuse_depth,
    refuse_nodes,
)
from geo_service.errors import Fault
from geo_service.wording import quoted, said, said_of, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from geo_service.model import Message

Location = tuple[str | int, ...]
Lines = dict[Location, int]
ModelT = TypeVar("ModelT", bound=BaseModel)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where PyYAML has it: ten times as fast."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NULL_TAG = "tag:yaml.org,2002:null"

_TOML_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_TOML_KEY = re.compile(rf"\s*((?:{_TOML_PART.pattern})(?:\s*\.\s*(?:{_TOML_PART.pattern}))*)\s*=")
_TOML_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")


def read_yaml(text: str, file: str | Message) -> tuple[Any, Lines, list[Fault]]:
    """Return a YAML or JSON text as plain data, the line of each place, and faults.

    Every scalar is text except an empty or `null` one, which is None. An alias is a fault,
    since a few lines of them can stand for millions; so is a key that stands twice.
    """
    builder = _Builder(file)
    try:
        check_whole(text)
        check_yaml(text)
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except OverLimitError as error:
        return None, {}, [*builder.faults, error.fault(file)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        words = getattr(error, "problem", None)
        found = said("fault.yaml_says", words=words) if words else said("fault.unreadable")
        expected = said("fault.valid_yaml")
        return None, {}, [Fault(file=file, line=line, found=found, expected=expected)]
    return builder.data, builder.lines, builder.faults


class _Open:
    """A list or mapping that is being read, where it stands, and the key that wants its value."""

    __slots__ = ("data", "key", "key_line", "location")

    def __init__(self, data: list[Any] | dict[str, Any], location: Location) -> None:
        self.data = data
        self.location = location
        self.key: str | None = None
        self.key_line = 0


class _Builder:
    """Makes plain data of a parser's events one by one, so that no depth exhausts a stack."""

    def __init__(self, file: str | Message) -> None:
        self.data: Any = None
        self.lines: Lines = {}
        self.faults: list[Fault] = []
        self._file = file
        self._open: list[_Open] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Add what an event says; OverLimitError when the document should be read no further."""
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            self._take_start(event, {} if is_mapping else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            found = said("fault.alias", name=shorten(str(event.anchor)))
            raise OverLimitError(found, said("fault.no_alias"), _line(event))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                found, expected = said("fault.second_document"), said("fault.one_document")
                raise OverLimitError(found, expected, _line(event))

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        line = self._count(event)
        value = event.value
        check_text(value, line)
        around = self._open[-1] if self._open else None
        if around is not None and around.key is None and isinstance(around.data, dict):
            if value in around.data:
                self._add_second(value, line)
            around.key, around.key_line = value, line
            return
        if event.tag in {None, "!"}:
            is_null = event.implicit[0] and value in _NULLS
        else:
            is_null = event.tag == _NULL_TAG
        self._put(None if is_null else value, line)

    def _take_start(self, event: yaml.Event, data: list[Any] | dict[str, Any]) -> None:
        line = self._count(event)
        around = self._open[-1] if self._open else None
        if around is not None and around.key is None and isinstance(around.data, dict):
            raise OverLimitError(said("fault.key_of_parts"), said("fault.plain_key"), line)
        self._open.append(_Open(data, self._put(data, line)))

    def _count(self, event: yaml.Event) -> int:
        """Count a node against the limits and return its line."""
        self._nodes += 1
        line = _line(event)
        if self._nodes > MAX_NODES:
            refuse_nodes()
        if len(self._open) > MAX_DEPTH:
            refuse_depth(line)
        return line

    def _put(self, value: Any, line: int) -> Location:  # noqa: ANN401 - plain data
        """Put a value where it belongs and return that place."""
        if not self._open:
            self.data = value
            self.lines[()] = line
            return ()
        around = self._open[-1]
        if isinstance(around.data, list):
            location = (*around.location, len(around.data))
            around.data.append(value)
        else:
            key = around.key or ""
            location = (*around.location, key)
            around.data[key] = value
            line, around.key = around.key_line, None
        self.lines[location] = line
        return location

    def _add_second(self, key: str, line: int) -> None:
        found, expected = said("fault.second_time", name=_shown(key)), said("fault.each_key_once")
        self.faults.append(Fault(file=self._file, line=line, found=found, expected=expected))
        if len(self.faults) >= MAX_FAULTS:
            many = too_many(self._file)
            raise OverLimitError(many.found, many.expected)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 0 if mark is None else int(mark.line) + 1


def read_toml(text: str, file: str) -> tuple[dict[str, Any], list[Fault]]:
    """Return a TOML text as plain data, or the fault that makes it unreadable."""
    try:
        check_whole(text)
        check_toml(text.replace("\r\n", "\n"))
        data = tomllib.loads(text)
        check_plain(data)
    except OverLimitError as error:
        return {}, [error.fault(file)]
    except (ValueError, RecursionError) as error:  # a number or date that Python cannot hold, too
        is_plain = isinstance(error, tomllib.TOMLDecodeError)
        found = said("fault.toml_says" if is_plain else "fault.unreadable", words=str(error))
        return {}, [Fault(file=file, found=found, expected=said("fault.valid_toml"))]
    return data, []


def read_json(text: str, file: str) -> tuple[Any, list[Fault]]:
    """Return a JSON text as plain data, or the fault that makes it unreadable.

    NaN and infinity, which Python's parser would take, are no JSON.
    """
    try:
        check_whole(text)
        check_json([text.encode()])
        return json.loads(text, parse_float=_finite, parse_constant=_finite), []
    except OverLimitError as error:
        return None, [error.fault(file)]
    except (ValueError, RecursionError):
        expected = said("fault.json_invalid")
        return None, [Fault(file=file, found=said("fault.unreadable"), expected=expected)]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise OverLimitError(said("fault.value", value=shorten(text)), said("fault.finite_number"))
    return number


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
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)  # a device or a pipe has no size to ask for
        if len(content) > MAX_BYTES:
            found = said("fault.bytes", size=max(len(content), path.stat().st_size))
            return "", [
                Fault(file=name, found=found, expected=said("fault.most_bytes", most=MAX_BYTES))
            ]
        text = content.decode("utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n"), []
    except FileNotFoundError:
        found, wanted = said("fault.no_file"), said("fault.readable_file")
        return "", [Fault(file=str(path), found=found, expected=wanted)]
    except UnicodeDecodeError:
        found, wanted = said("fault.not_utf8"), said("fault.utf8")
        return "", [Fault(file=name, found=found, expected=wanted)]
    except OSError as error:
        words, wanted = error.strerror, said("fault.readable_file")
        found = said("fault.system_says", words=words) if words else said("fault.unreadable")
        return "", [Fault(file=str(path), found=found, expected=wanted)]


def as_toml(data: Mapping[str, Any]) -> str:
    r"""Return plain data as TOML, tables behind plain values; what is None is left out.

    >>> print(as_toml({"b": {"c": "甲\n"}, "a": 1, "d": None}).strip())
    a = 1
    <BLANKLINE>
    [b]
    c = "甲\n"
    """
    return tomli_w.dumps(_without_none(data))


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if value is not None
    }


def parse_model(
    model: type[ModelT],
    data: object,
    file: str | Message,
    *,
    lines: Mapping[Location, int] | None = None,
) -> tuple[ModelT | None, list[Fault]]:
    """Return plain data as a model, or every fault with its line and the nearest known name."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, list(faults_of(error, model, file, lines=lines))


def faults_of(
    error: ValidationError,
    model: type[BaseModel],
    file: str | Message,
    *,
    lines: Mapping[Location, int] | None = None,
    under: Location = (),
) -> Iterator[Fault]:
    """Yield a model's validation errors as faults."""
    for number, item in enumerate(error.errors(include_url=False)):
        if number >= MAX_FAULTS:
            yield too_many(file)
            return
        location: Location = (*under, *item["loc"])
        name = ".".join(shorten(str(part)) for part in location) or None
        expected = said_of(item)
        if item["type"] == "extra_forbidden":
            known = _known_names(model, item["loc"][:-1])
            found = said("fault.unknown_name", name=_shown(str(item["loc"][-1])))
            expected = nearest_name(str(item["loc"][-1]), known)
        elif item["type"] == "missing":
            found = said("fault.none_given")
        else:
            found = quoted(item.get("input"))
        yield Fault(
            file=file,
            line=line_of(location, lines or {}),
            column=name,
            found=found,
            expected=expected,
        )


def too_many(file: str | Message) -> Fault:
    """Return the fault after which the others of a document are not looked for."""
    found, expected = said("fault.many_faults", most=MAX_FAULTS), said("fault.mended_first")
    return Fault(file=file, found=found, expected=expected)


def _shown(name: str) -> str:
    return repr(shorten(name))


def line_of(location: Location, lines: Mapping[Location, int]) -> int | None:
    """Return the line of a place, or of the nearest place above it that has one."""
    for length in range(len(location), -1, -1):
        if location[:length] in lines:
            return lines[location[:length]]
    return None


def nearest_name(name: str, names: Sequence[str]) -> Message:
    """Return what to say of an unknown name: the nearest known one, and all of them."""
    alike = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    if alike:
        return said("fault.nearest", near=repr(alike[0]), known=list(names))
    return said("fault.one_of", known=list(names))


def _known_names(model: type[BaseModel], location: Location) -> list[str]:
    current: Any = model
    for part in location:
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
