"""Transfer what a separate process has read to this one: JSON for metadata, Arrow for rows.

Nothing is unpickled. A frame is split into Arrow columns and rebuilt with exactly the same types;
shapes are sent as WKB. `tests/ingest/test_apart.py` checks that both directions match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from geo_service.errors import (
    Choice,
    ChoiceNeededError,
    Fault,
    GeoServiceError,
    InvalidQueryError,
    SourceError,
)
from geo_service.ingest.sources import Batch, Change, ReadShapes
from geo_service.model import Message

if TYPE_CHECKING:
    from geo_service.ingest.sources import ImportSource

Document = dict[str, Any]
UNREADABLE = (ValueError, KeyError, TypeError, pa.ArrowException)
"""Errors of reading bytes that `pack` did not make."""
_HEAD_BYTES = 4
_SHAPES = "shapes"
_NUMBERS = "numbers"


def pack(head: Document, rows: Any = None) -> bytes:  # noqa: ANN401 - an Arrow batch; pyarrow has no types
    """Return metadata, and rows if there are any, as bytes."""
    words = orjson.dumps(head)
    framed = len(words).to_bytes(_HEAD_BYTES, "big") + words
    if rows is None:
        return framed
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_batch(rows)
    return framed + bytes(memoryview(sink.getvalue()))


def unpack(content: bytes) -> tuple[Document, Any]:
    """Return what `pack` was given; raises ValueError for bytes that it did not make."""
    size = int.from_bytes(content[:_HEAD_BYTES], "big")
    head = orjson.loads(content[_HEAD_BYTES : _HEAD_BYTES + size])
    rest = content[_HEAD_BYTES + size :]
    if not isinstance(head, dict):
        msg = "no object"
        raise ValueError(msg)  # noqa: TRY004 - bytes that are none of ours, whatever they hold
    if not rest:
        return head, None
    rows = pa.ipc.open_stream(pa.py_buffer(rest)).read_next_batch()
    rows.validate(full=True)
    return head, rows


# ---- metadata -----------------------------------------------------------------------------------


def _encode(value: object) -> object:
    """Return a text, a message, or a message's value as plain JSON."""
    if isinstance(value, Message):
        return {
            "key": value.key,
            "values": {name: _encode(item) for name, item in value.values.items()},
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_encode(item) for item in value]
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, np.generic):
        return _encode(value.item())
    return str(value)


def _decode(value: Any) -> Any:  # noqa: ANN401 - whatever `_encode` returned
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, dict):
        values = {str(name): _decode(item) for name, item in value["values"].items()}
        return Message(str(value["key"]), values)
    return value


def encode_error(error: GeoServiceError) -> Document:
    """Return an error raised by reading as plain JSON."""
    document: Document = {"error": type(error).__name__, "message": _encode(error.message)}
    if isinstance(error, SourceError):
        document["faults"] = [
            {name: _encode(getattr(fault, name)) for name in Fault.__slots__}
            for fault in error.faults
        ]
    if isinstance(error, (ChoiceNeededError, InvalidQueryError)):
        document["parameter"] = error.parameter
    if isinstance(error, ChoiceNeededError):
        document["choices"] = [
            [_encode(choice.value), _encode(choice.evidence)] for choice in error.choices
        ]
    return document


def decode_error(document: Document) -> GeoServiceError:
    """Return the error that `encode_error` was given."""
    message = _decode(document["message"])
    if document["error"] == ChoiceNeededError.__name__:
        choices = [
            Choice(value=_decode(value), evidence=_decode(evidence))
            for value, evidence in document["choices"]
        ]
        return ChoiceNeededError(str(document["parameter"]), message, choices)
    if document["error"] == InvalidQueryError.__name__:
        return InvalidQueryError(str(document["parameter"]), message)
    faults = [
        Fault(**{name: _decode(value) for name, value in fault.items()})
        for fault in document.get("faults", ())
    ]
    return SourceError(message, faults)


# ---- a source -----------------------------------------------------------------------------------

_PLAIN = (
    "format",
    "shown",
    "layer",
    "has_geometry",
    "rows",
    "announced",
    "implied_crs",
    "parameters",
    "encoding",
    "cut_names",
    "is_parted_by_semicolons",
)


def encode_source(source: ImportSource) -> Document:
    """Return all fields of a source except its rows."""
    return {
        **{name: getattr(source, name) for name in _PLAIN},
        "columns": list(source.columns),
        "crs": None if source.crs is None else source.crs.srs,
        "notes": [_encode(note) for note in source.notes],
        "domains": {name: dict(words) for name, words in source.domains.items()},
        "heading_parts": {name: list(parts) for name, parts in source.heading_parts.items()},
    }


def decode_source(document: Document) -> Document:
    """Return the fields of a source, except `read`, from the result of `encode_source`."""
    crs = document["crs"]
    return {
        **{name: document[name] for name in _PLAIN},
        "columns": tuple(map(str, document["columns"])),
        "crs": None if crs is None else pyproj.CRS.from_user_input(crs),
        "notes": tuple(_decode(note) for note in document["notes"]),
        "domains": {
            str(name): {str(code): str(word) for code, word in words.items()}
            for name, words in document["domains"].items()
        },
        "heading_parts": {
            str(name): tuple(map(str, parts)) for name, parts in document["heading_parts"].items()
        },
    }


# ---- rows ---------------------------------------------------------------------------------------


def pack_batch(batch: Batch, reading: int) -> bytes:
    """Return a batch of a reading as bytes."""
    columns, types = [], []
    for position in range(batch.table.shape[1]):
        column, kind = _split_column(batch.table.iloc[:, position])
        columns.append(column)
        types.append(kind)
    names = [str(position) for position in range(len(columns))]
    head: Document = {
        "reading": reading,
        "names": [str(name) for name in batch.table.columns],
        "types": types,
        "faults": _encode_by_position(batch.faults),
        "cell_changes": _encode_changes(batch.changes),
        "changes": None,
        "unread": None,
    }
    columns.append(pa.array(batch.numbers, type=pa.int64()))
    names.append(_NUMBERS)
    if batch.geometry is not None:
        shapes = shapely.to_wkb(batch.geometry.shapes, output_dimension=4, flavor="iso")
        columns.append(pa.array(shapes, type=pa.large_binary()))
        names.append(_SHAPES)
        head["changes"] = _encode_changes(batch.geometry.changes)
        head["unread"] = _encode_by_position(batch.geometry.unread)
    return pack(head, pa.record_batch(columns, names=names))


def unpack_batch(head: Document, rows: Any) -> Batch:  # noqa: ANN401 - an Arrow batch
    """Return the batch that `pack_batch` was given."""
    frames = {
        position: _join_column(rows.column(position), kind)
        for position, kind in enumerate(head["types"])
    }
    table = pd.DataFrame(frames, index=range(rows.num_rows))
    table.columns = pd.Index(head["names"], dtype="str" if head["names"] else "object")
    geometry = None
    if _SHAPES in rows.schema.names:
        wkb = rows.column(_SHAPES).to_numpy(zero_copy_only=False)
        shapes = shapely.from_wkb(wkb)
        geometry = ReadShapes(
            shapes=shapes,
            changes=_decode_changes(head["changes"]),
            unread=_decode_by_position(head["unread"]),
        )
    return Batch(
        table=table,
        geometry=geometry,
        numbers=rows.column(_NUMBERS).to_numpy(),
        faults=_decode_by_position(head["faults"]),
        changes=_decode_changes(head["cell_changes"]),
    )


def _encode_changes(changes: Sequence[Change]) -> list[Document]:
    return [
        {
            "what": change.what,
            "column": change.column,
            "positions": change.positions.tolist(),
            "before": _encode_alike(change.before),
            "after": _encode_alike(change.after),
            "needs_look": [bool(look) for look in change.needs_look],
        }
        for change in changes
    ]


def _decode_changes(encoded: Sequence[Document]) -> tuple[Change, ...]:
    return tuple(
        Change(
            what=change["what"],
            column=change["column"],
            positions=np.array(change["positions"], dtype=np.intp),
            before=_decode_alike(change["before"], len(change["positions"])),
            after=_decode_alike(change["after"], len(change["positions"])),
            needs_look=tuple(map(bool, change["needs_look"])),
        )
        for change in encoded
    )


def _encode_by_position(messages: Mapping[int, Message]) -> list[list[object]]:
    return [[int(position), _encode(message)] for position, message in messages.items()]


def _decode_by_position(encoded: Sequence[Sequence[Any]]) -> dict[int, Message]:
    return {int(position): _decode(message) for position, message in encoded}


def _encode_alike(texts: Sequence[str | Message]) -> list[object]:
    """Return texts; if all are the same, only one."""
    is_alike = len(texts) > 1 and all(text == texts[0] for text in texts)
    return [_encode(text) for text in (texts[:1] if is_alike else texts)]


def _decode_alike(encoded: Sequence[Any], count: int) -> list[Any]:
    heard = [_decode(text) for text in encoded]
    return heard * count if len(heard) == 1 else heard


_TEXT = "text"
"""Kind of a column of Python strings and None."""


def _split_column(cells: pd.Series[Any]) -> tuple[Any, str]:
    """Return a column as an Arrow array, and its original kind."""
    if cells.dtype == object:
        found = pa.array(cells, from_pandas=True)
        is_text = pa.types.is_string(found.type) or pa.types.is_null(found.type)
        return (found.cast(pa.large_string()), _TEXT) if is_text else (found, "object")
    found = pa.array(cells, from_pandas=True)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    return found, str(cells.dtype)


def _join_column(column: Any, kind: str) -> pd.Series[Any]:  # noqa: ANN401 - an Arrow array
    """Return a column as `_split_column` was given it."""
    if kind == _TEXT:
        return pd.Series(column.to_pylist(), dtype=object)
    cells: pd.Series[Any] = column.to_pandas(integer_object_nulls=True)
    if str(cells.dtype) == kind:
        return cells
    return cells.astype(pd.api.types.pandas_dtype(kind))
