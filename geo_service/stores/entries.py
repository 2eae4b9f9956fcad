"""Convert rows of the catalogue's two tables of versions: entries, and records of own files.

Every function works in its caller's transaction. A row whose seal does not match raises
DamageError, which the stores turn into StoreError.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from geo_service.access import acting_name
from geo_service.errors import ConflictError, NotFoundError
from geo_service.model import Message, TakenAs
from geo_service.stores.base import VERSION_LENGTH, LayerVersion, OwnFile
from geo_service.stores.frames import canonical, content_digest, layer_schema
from geo_service.stores.seals import ENTRY, SEAL, DamageError, is_sound, seal_of
from geo_service.stores.tables import own_files, versions
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from geo_service.stores.base import LayerContent

Staged = tuple[str, "pd.DataFrame", str]
"""A layer's draft, its rows in canonical form, and their digest."""
StoredRows = tuple[str, str | None]
"""The place of rows, and SHA-256 of the file that contains them."""
StagedContent = tuple["LayerContent", Staged]
"""The record of an own file, and its rows in canonical form."""

PUBLISHED = versions.c.number > 0
_SEALED = (
    "layer",
    "number",
    "digest",
    "made_at",
    "note",
    "source",
    "features",
    "parent",
    "file_digest",
    "place",
    "checksum",
    "taken_as",
    "account",
)
_LATER = frozenset({"taken_as", "account"})
"""Columns that came after rows were sealed: each counts for a seal once it has a value."""
_RECORDED = ("layer", "digest", "file_digest", "file_stamp", "declared")


def staged(content: LayerContent) -> Staged:
    """Return a draft's rows in canonical form with their digest."""
    layer_schema(content.layer)
    frame = canonical(content.frame, content.layer)
    return content.layer, frame, content_digest(frame, content.layer)


def entry_of(row: sa.Row[Any]) -> LayerVersion:
    """Return a row of `layer_versions` as an entry; raises DamageError if it was altered."""
    values = {name: getattr(row, name) for name in _SEALED}
    if not is_sound(_counting(values), row.seal):
        raise DamageError(SEAL, layer=row.layer, version=str(row.digest)[:VERSION_LENGTH])
    return LayerVersion(
        layer=row.layer,
        number=row.number,
        digest=row.digest,
        made_at=row.made_at,
        note=row.note,
        source=row.source,
        features=row.features,
        parent=row.parent,
        file_digest=row.file_digest,
        taken_as=None if row.taken_as is None else TakenAs(row.taken_as),
        account=row.account,
    )


def _counting(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a row that its seal covers."""
    return {
        name: value for name, value in values.items() if name not in _LATER or value is not None
    }


def next_entry(content: LayerContent, item: Staged, before: LayerVersion | None) -> LayerVersion:
    """Return the entry that follows `before`."""
    return LayerVersion(
        layer=content.layer,
        number=1 if before is None else before.number + 1,
        digest=item[2],
        made_at=datetime.now(UTC),
        note=content.note,
        source=content.source,
        features=len(item[1]),
        parent=None if before is None else before.version,
        taken_as=content.taken_as,
        account=acting_name(),
    )


def original_entry(content: LayerContent, item: Staged) -> LayerVersion:
    """Return the entry of number 0."""
    return LayerVersion(
        layer=content.layer,
        number=0,
        digest=item[2],
        made_at=datetime.now(UTC),
        note=content.note,
        source=content.source,
        features=len(item[1]),
        file_digest=content.file_digest,
    )


def originals_by_content(connection: sa.Connection) -> dict[tuple[str, str], LayerVersion]:
    """Return every kept number 0, by layer and digest."""
    rows = connection.execute(sa.select(versions).where(versions.c.number == 0))
    return {(row.layer, row.digest): entry_of(row) for row in rows}


def insert_entry(
    connection: sa.Connection, entry: LayerVersion, stored: StoredRows
) -> LayerVersion:
    """Add an entry to the catalogue."""
    location, checksum = stored
    row = {
        "layer": entry.layer,
        "number": entry.number,
        "digest": entry.digest,
        "made_at": entry.made_at,
        "note": entry.note,
        "source": entry.source,
        "features": entry.features,
        "parent": entry.parent,
        "file_digest": entry.file_digest,
        "place": location,
        "checksum": checksum,
        "taken_as": None if entry.taken_as is None else entry.taken_as.value,
        "account": entry.account,
    }
    connection.execute(sa.insert(versions).values(**row, seal=seal_of(_counting(row))))
    return entry


def latest(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[str, LayerVersion]:
    """Return each layer's latest entry among those selected by `which`."""
    last = sa.select(sa.func.max(versions.c.id)).where(which).group_by(versions.c.layer)
    rows = connection.execute(sa.select(versions).where(versions.c.id.in_(last)))
    return {row.layer: entry_of(row) for row in rows}


def recorded_files(connection: sa.Connection) -> dict[str, OwnFile]:
    """Return the records of own files; raises DamageError if one was altered."""
    found = {}
    for row in connection.execute(sa.select(own_files)):
        values = {name: getattr(row, name) for name in _RECORDED}
        if not is_sound(values, row.seal):
            raise DamageError(SEAL, layer=row.layer, version=str(row.digest)[:VERSION_LENGTH])
        found[row.layer] = OwnFile(**values)
    return found


def insert_record(connection: sa.Connection, record: OwnFile) -> None:
    """Record the content of a layer's own file that is in force from now on."""
    values = {name: getattr(record, name) for name in _RECORDED}
    connection.execute(sa.insert(own_files).values(**values, seal=seal_of(values)))


def recorded_originals(connection: sa.Connection) -> dict[str, LayerVersion]:
    """Return the number 0 in force of each recorded layer."""
    records = recorded_files(connection)
    if not records:
        return {}
    by_content = originals_by_content(connection)
    lost = [one for one in records.values() if (one.layer, one.digest) not in by_content]
    if lost:
        raise DamageError(ENTRY, layer=lost[0].layer, version=lost[0].version)
    return {layer: by_content[layer, record.digest] for layer, record in records.items()}


def originals_of(connection: sa.Connection) -> dict[str, LayerVersion]:
    """Return number 0 of each layer that has one: the recorded one, else the latest."""
    return {**latest(connection, versions.c.number == 0), **recorded_originals(connection)}


def is_right(frame: pd.DataFrame, entry: LayerVersion, *, is_checked: bool) -> bool:
    """Return whether all rows of a version are as written; files were checked before."""
    is_counted = len(frame) == entry.features
    return is_counted and (is_checked or content_digest(frame, entry.layer) == entry.digest)


def counting(connection: sa.Connection) -> dict[str, LayerVersion]:
    """Return the version in force of each layer; see `Store.newest`."""
    return {**recorded_originals(connection), **latest(connection, PUBLISHED)}


def record_files(
    connection: sa.Connection,
    own: Sequence[StagedContent],
    *,
    published: Mapping[str, LayerVersion],
) -> None:
    """Record own files of layers that have neither a record nor a published version."""
    known = recorded_files(connection)
    for content, (layer, _, digest) in own:
        if layer in known or layer in published:
            continue
        record = OwnFile(
            layer=layer,
            digest=digest,
            file_digest=content.file_digest,
            file_stamp=content.file_stamp,
            declared=content.declared,
        )
        insert_record(connection, record)


def find_row(connection: sa.Connection | None, layer: str, version: str) -> sa.Row[Any]:
    """Return the newest row with a number or version; for number 0 the one in force."""
    if connection is not None:
        is_number = version.isascii() and version.isdecimal() and len(version) < VERSION_LENGTH
        is_meant = (
            versions.c.number == int(version)
            if is_number
            else sa.func.substr(versions.c.digest, 1, VERSION_LENGTH) == version
        )
        in_force = sa.select(own_files.c.digest).where(own_files.c.layer == layer)
        is_other = sa.case((versions.c.digest.in_(in_force), 0), else_=1)
        query = sa.select(versions).where(versions.c.layer == layer, is_meant)
        row = connection.execute(query.order_by(is_other, versions.c.id.desc()).limit(1)).first()
        if row is not None:
            return row
    msg = said("problem.no_version_kept", layer=repr(layer), version=repr(version))
    raise NotFoundError(msg)


def check_newest(newest: Mapping[str, LayerVersion], expected: Mapping[str, str | None]) -> None:
    """Raise ConflictError if a layer's version in force is not the expected one."""
    for layer, version in expected.items():
        found = newest.get(layer)
        if (found.version if found else None) == version:
            continue
        if found is None:
            now: object = Message("problem.not_in_store")
        else:
            values = {"version": found.version, "number": found.number}
            now = Message("problem.numbered_version", values)
        meant = version or Message("problem.own_file")
        msg = said("problem.not_newest", layer=repr(layer), now=now, expected=meant)
        raise ConflictError(msg)


def old_rows(
    rows: Sequence[sa.Row[Any]],
    used: set[tuple[Any, ...]],
    recorded: Mapping[str, OwnFile],
    count: int,
) -> list[sa.Row[Any]]:
    """Return the rows that are neither among the newest, nor in force, nor used by a result."""
    last: dict[str, int] = {}
    original: dict[str, str] = {}
    for row in rows:  # oldest first
        last[row.layer] = max(last.get(row.layer, 0), row.number)
        if row.number == 0:
            original[row.layer] = row.digest
    original |= {layer: record.digest for layer, record in recorded.items()}
    return [
        row
        for row in rows
        if (row.layer, row.digest[:VERSION_LENGTH]) not in used
        and (
            row.digest != original[row.layer]
            if row.number == 0
            else row.number <= last[row.layer] - count
        )
    ]
