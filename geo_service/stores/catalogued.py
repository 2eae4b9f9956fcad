"""What both stores do alike: the catalogue of versions and saved results.

A store keeps rows somewhere (files, tables) and one entry a version in its catalogue. The entry
is written last, in one transaction under the lock of all writers, so that a version is there
whole or not at all. The subclasses say where rows are kept and how writers are locked.
"""

from __future__ import annotations

import threading
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from geo_service.errors import ConflictError, NotFoundError, StoreError
from geo_service.model import Message
from geo_service.stores.base import KINDS, VERSION_LENGTH, Draft, LayerVersion, Saved
from geo_service.stores.frames import canonical, conditions, content_digest, layer_schema
from geo_service.stores.tables import documents, facts, metadata, result_layers, results, versions
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.stores.base import Box, Store, Where
    from geo_service.stores.frames import Condition

Staged = tuple[str, "pd.DataFrame", str]
"""A layer, its rows in canonical form, and their digest."""

_COUNTY, _MOVED_TO = "county", "moved_to"
_ALL_SAVED = 1_000_000


class CataloguedStore(ABC):
    """A store with a catalogue; see `base.Store` for what its methods promise."""

    def __init__(self, county: str) -> None:
        self._county = county
        self._held = threading.local()

    # ---- what a store must say ----------------------------------------------------------------

    @property
    @abstractmethod
    def shown(self) -> str:
        """Where this is, without a password."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[sa.Connection | None]:
        """Give a connection that sees one moment; None when nothing was ever written."""

    @abstractmethod
    def _locked(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection in a transaction that no other writer shares; commit at the end."""

    @abstractmethod
    def _staging(
        self, staged: Iterable[Staged]
    ) -> AbstractContextManager[tuple[sa.Connection, list[str]]]:
        """Write rows to new places, durably; then as `_locked`, with the places."""

    @abstractmethod
    def _read_rows(
        self,
        connection: sa.Connection,
        layer: str,
        place: str,
        bbox: Box | None,
        asked: tuple[Condition, ...],
    ) -> pd.DataFrame:
        """Return rows from their place; NotFoundError when the place is gone."""

    @abstractmethod
    def _drop(self, connection: sa.Connection, places: Sequence[str]) -> None:
        """Drop places, in the transaction where that can be."""

    @abstractmethod
    def _dropped(self, places: Sequence[str]) -> None:
        """Drop places that nothing refers to any more, once the transaction is over."""

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Give a locked connection: the one held already, or a new one."""
        held: sa.Connection | None = getattr(self._held, "connection", None)
        if held is not None:
            yield held
            return
        with self._locked() as connection:
            self._check_open(connection)
            yield connection

    def _check_open(self, connection: sa.Connection) -> None:
        moved_to = _fact(connection, _MOVED_TO)
        if moved_to is not None:
            msg = said("problem.store_moved", store=self.shown, target=moved_to)
            raise StoreError(msg)

    def _claim(self, connection: sa.Connection) -> None:
        """Note whose store this is; StoreError when it is another county's."""
        owner = _fact(connection, _COUNTY)
        if owner is None:
            connection.execute(sa.insert(facts).values(name=_COUNTY, value=self._county))
        elif owner != self._county:
            msg = said("problem.store_owner", store=self.shown, owner=owner, county=self._county)
            raise StoreError(msg)

    # ---- versions -----------------------------------------------------------------------------

    def newest(self) -> Mapping[str, LayerVersion]:
        """Return the newest published entry of each layer that has one."""
        return self._latest(versions.c.number > 0)

    def originals(self) -> Mapping[str, LayerVersion]:
        """Return the latest number 0 of each layer that has one."""
        return self._latest(versions.c.number == 0)

    def _latest(self, which: sa.ColumnElement[bool]) -> Mapping[str, LayerVersion]:
        with self._reading() as connection:
            return {} if connection is None else _latest(connection, which)

    def stamp(self) -> int:
        """Return a number that grows with every publish."""
        with self._reading() as connection:
            return 0 if connection is None else _stamp(connection)

    def history(self, layer: str) -> list[LayerVersion]:
        """Return all kept entries of a layer, newest first."""
        layer_schema(layer)
        query = sa.select(versions).where(versions.c.layer == layer)
        return self._entries(query.order_by(versions.c.number.desc(), versions.c.id.desc()))

    def entries(self) -> list[LayerVersion]:
        """Return every entry of every layer in the order they were made."""
        return self._entries(sa.select(versions).order_by(versions.c.id))

    def _entries(self, query: sa.Select[Any]) -> list[LayerVersion]:
        with self._reading() as connection:
            return [] if connection is None else [_entry(row) for row in connection.execute(query)]

    def entry(self, layer: str, version: str) -> LayerVersion:
        """Return the newest entry that a number or a version means."""
        layer_schema(layer)
        with self._reading() as connection:
            return _entry(_find(connection, layer, version))

    def read(
        self, layer: str, version: str, *, bbox: Box | None = None, where: Where | None = None
    ) -> pd.DataFrame:
        """Return the rows of a version in their order."""
        layer_schema(layer)
        asked = conditions(layer, where)
        with self._reading() as connection:
            row = _find(connection, layer, version)
            assert connection is not None  # noqa: S101 - `_find` raised otherwise
            frame = self._read_rows(connection, layer, row.place, bbox, asked)
            is_whole = bbox is None and not asked
            if is_whole and len(frame) != row.features:
                msg = said("problem.damaged", version=version, layer=repr(layer), store=self.shown)
                raise StoreError(msg)
            return frame

    def publish(
        self, drafts: Sequence[Draft], *, against: Mapping[str, str | None] | None = None
    ) -> list[LayerVersion]:
        """Publish layers, all or none."""
        wanted = {draft.layer: draft.expected for draft in drafts}
        if len(wanted) != len(drafts):
            msg = said("problem.once")
            raise ValueError(msg)
        staged = [_staged(draft) for draft in drafts]
        conflicts = {**(against or {}), **wanted}
        with self._reading() as connection:  # told early, before anything is written
            _check_newest({} if connection is None else _latest(connection, _PUBLISHED), conflicts)
        with self._staging(staged) as (connection, places):
            self._check_open(connection)
            now = _latest(connection, _PUBLISHED)
            _check_newest(now, conflicts)
            before = _latest(connection, versions.c.number == 0) | now
            return [
                _insert(connection, _next(draft, item, before.get(draft.layer)), place)
                for draft, item, place in zip(drafts, staged, places, strict=True)
            ]

    def rollback(
        self,
        layer: str,
        version: str,
        *,
        expected: str | None,
        note: str = "",
        against: Mapping[str, str | None] | None = None,
    ) -> LayerVersion:
        """Publish what an earlier version held, as a new number."""
        layer_schema(layer)
        with self._writing() as connection:
            row = _find(connection, layer, version)
            now = _latest(connection, _PUBLISHED)
            _check_newest(now, {**(against or {}), layer: expected})
            parent = now.get(layer) or _latest(connection, versions.c.number == 0).get(layer)
            entry = LayerVersion(
                layer=layer,
                number=now[layer].number + 1 if layer in now else 1,
                digest=row.digest,
                made_at=datetime.now(UTC),
                note=note,
                source=f"rollback to {row.number}",
                features=row.features,
                parent=parent.version if parent else None,
            )
            return _insert(connection, entry, row.place)

    def keep(self, drafts: Sequence[Draft]) -> list[LayerVersion]:
        """Keep what the workspace's own files hold as number 0, each content once."""
        items = [(draft, _staged(draft)) for draft in drafts]
        with self._reading() as connection:
            kept = {} if connection is None else _originals(connection)
        new = [(draft, item) for draft, item in items if (item[0], item[2]) not in kept]
        if new:
            with self._staging([item for _, item in new]) as (connection, places):
                self._check_open(connection)
                kept = _originals(connection)
                for (draft, item), place in zip(new, places, strict=True):
                    key = (item[0], item[2])
                    if key in kept:  # somebody else kept it meanwhile
                        self._drop(connection, [place])
                    else:
                        kept[key] = _insert(connection, _original(draft, item), place)
        return [kept[item[0], item[2]] for _, item in items]

    def retain(self, count: int) -> list[LayerVersion]:
        """Drop old versions and return their entries."""
        if count < 1:
            msg = said("problem.keep_newest")
            raise ValueError(msg)
        with self._reading() as connection:
            if connection is None:
                return []
        with self._writing() as connection:
            rows = connection.execute(sa.select(versions).order_by(versions.c.id)).all()
            used = {tuple(row) for row in connection.execute(_USED)}
            old = _old(rows, used, count)
            if not old:
                return []
            dropped = sa.delete(versions).where(versions.c.id == sa.bindparam("old"))
            connection.execute(dropped, [{"old": row.id} for row in old])
            kept = {row.place for row in rows} - {row.place for row in old}
            kept |= set(connection.scalars(sa.select(versions.c.place)))
            places = sorted({row.place for row in old} - kept)
            self._drop(connection, places)
        self._dropped(places)
        return [_entry(row) for row in old]

    # ---- saved results ------------------------------------------------------------------------

    def save(self, saved: Saved, documents: Mapping[str, bytes]) -> Saved:
        """Keep a result and its documents; of one id the first is kept."""
        packed = {name: zlib.compress(content) for name, content in documents.items()}
        with self._writing() as connection:
            there = _find_saved(connection, saved.kind, saved.id)
            if there is not None:
                return there
            _insert_saved(connection, saved, packed)
        return saved

    def saved(self, kind: str, *, limit: int = 100, offset: int = 0) -> list[Saved]:
        """Return saved results of a kind, newest first."""
        order = (results.c.made_at.desc(), results.c.id)
        query = sa.select(results).where(results.c.kind == kind).order_by(*order)
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(query.limit(limit).offset(offset)).all()
            return [_saved(connection, row) for row in rows]

    def count_saved(self, kind: str) -> int:
        """Return how many results of a kind are saved."""
        query = sa.select(sa.func.count()).select_from(results).where(results.c.kind == kind)
        with self._reading() as connection:
            return 0 if connection is None else connection.execute(query).scalar_one()

    def find(self, kind: str, identity: str) -> Saved:
        """Return a saved result."""
        with self._reading() as connection:
            found = None if connection is None else _find_saved(connection, kind, identity)
        if found is None:
            msg = said(f"problem.no_saved_{kind}", name=repr(identity))
            raise NotFoundError(msg)
        return found

    def document(self, kind: str, identity: str, name: str) -> bytes:
        """Return one document of a saved result as JSON."""
        table = documents
        query = sa.select(table.c.content).where(
            table.c.kind == kind, table.c.id == identity, table.c.name == name
        )
        with self._reading() as connection:
            found = None if connection is None else connection.execute(query).scalar()
        if found is None:
            msg = said("problem.no_document", document=repr(name), kind=kind, name=repr(identity))
            raise NotFoundError(msg)
        return zlib.decompress(found)

    def document_names(self, kind: str, identity: str) -> list[str]:
        """Return the names of a saved result's documents."""
        table = documents
        query = sa.select(table.c.name).where(table.c.kind == kind, table.c.id == identity)
        with self._reading() as connection:
            if connection is None:
                return []
            return list(connection.scalars(query.order_by(table.c.name)))

    # ---- moving -------------------------------------------------------------------------------

    @contextmanager
    def closed_to_others(self) -> Iterator[None]:
        """Let nobody else write while this holds."""
        with self._writing() as connection:
            self._held.connection = connection
            try:
                yield
            finally:
                del self._held.connection

    def retire(self, moved_to: str) -> None:
        """Refuse to write from now on."""
        with self._writing() as connection:
            connection.execute(sa.insert(facts).values(name=_MOVED_TO, value=moved_to))

    def take_over(self, other: Store) -> None:
        """Take everything that another store holds, all or nothing."""
        entries = other.entries()
        every = [item for kind in KINDS for item in other.saved(kind, limit=_ALL_SAVED)]
        contents = list({(entry.layer, entry.digest): entry for entry in entries}.values())
        with self._reading() as connection:
            if connection is not None and _fact(connection, _MOVED_TO) is None:
                own = [item for kind in KINDS for item in self.saved(kind, limit=_ALL_SAVED)]
                here = self.entries()
                if here == entries and _by_id(own) == _by_id(every):
                    return
                if here or own:
                    msg = said("problem.not_empty", store=self.shown)
                    raise ConflictError(msg)
        read = (_taken(other, entry) for entry in contents)
        with self._staging(read) as (connection, places):
            old = set(connection.scalars(sa.select(versions.c.place)))
            for table in reversed(metadata.sorted_tables):
                if table is not facts:
                    connection.execute(sa.delete(table))
            connection.execute(sa.delete(facts).where(facts.c.name == _MOVED_TO))
            self._drop(connection, sorted(old))
            home = {
                (entry.layer, entry.digest): place
                for entry, place in zip(contents, places, strict=True)
            }
            for entry in entries:
                _insert(connection, entry, home[entry.layer, entry.digest])
            for saved in every:
                names = other.document_names(saved.kind, saved.id)
                packed = {
                    name: zlib.compress(other.document(saved.kind, saved.id, name))
                    for name in names
                }
                _insert_saved(connection, saved, packed)
        self._dropped(sorted(old))


_PUBLISHED = versions.c.number > 0
_USED = sa.select(result_layers.c.layer, result_layers.c.version).distinct()


def _fact(connection: sa.Connection, name: str) -> str | None:
    found: str | None = connection.execute(
        sa.select(facts.c.value).where(facts.c.name == name)
    ).scalar()
    return found


def _staged(draft: Draft) -> Staged:
    layer_schema(draft.layer)
    frame = canonical(draft.frame, draft.layer)
    return draft.layer, frame, content_digest(frame, draft.layer)


def _taken(other: Store, entry: LayerVersion) -> Staged:
    """Read a version from another store and make sure that it is what it was."""
    frame = canonical(other.read(entry.layer, entry.version), entry.layer)
    if content_digest(frame, entry.layer) != entry.digest:
        msg = said(
            "problem.damaged",
            version=entry.version,
            layer=repr(entry.layer),
            store=other.shown,
        )
        raise StoreError(msg)
    return entry.layer, frame, entry.digest


def _by_id(items: Sequence[Saved]) -> dict[tuple[str, str], Saved]:
    return {(item.kind, item.id): item for item in items}


def _entry(row: sa.Row[Any]) -> LayerVersion:
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
    )


def _next(draft: Draft, item: Staged, before: LayerVersion | None) -> LayerVersion:
    return LayerVersion(
        layer=draft.layer,
        number=1 if before is None else before.number + 1,
        digest=item[2],
        made_at=datetime.now(UTC),
        note=draft.note,
        source=draft.source,
        features=len(item[1]),
        parent=None if before is None else before.version,
    )


def _original(draft: Draft, item: Staged) -> LayerVersion:
    return LayerVersion(
        layer=draft.layer,
        number=0,
        digest=item[2],
        made_at=datetime.now(UTC),
        note=draft.note,
        source=draft.source,
        features=len(item[1]),
        file_digest=draft.file_digest,
    )


def _originals(connection: sa.Connection) -> dict[tuple[str, str], LayerVersion]:
    """Return every kept number 0 by layer and digest."""
    rows = connection.execute(sa.select(versions).where(versions.c.number == 0))
    return {(row.layer, row.digest): _entry(row) for row in rows}


def _insert(connection: sa.Connection, entry: LayerVersion, place: str) -> LayerVersion:
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
        "place": place,
    }
    connection.execute(sa.insert(versions).values(row))
    return entry


def _latest(connection: sa.Connection, which: sa.ColumnElement[bool]) -> dict[str, LayerVersion]:
    last = sa.select(sa.func.max(versions.c.id)).where(which).group_by(versions.c.layer)
    rows = connection.execute(sa.select(versions).where(versions.c.id.in_(last)))
    return {row.layer: _entry(row) for row in rows}


def _stamp(connection: sa.Connection) -> int:
    query = sa.select(sa.func.coalesce(sa.func.max(versions.c.id), 0)).where(_PUBLISHED)
    return int(connection.execute(query).scalar_one())


def _find(connection: sa.Connection | None, layer: str, version: str) -> sa.Row[Any]:
    is_number = version.isascii() and version.isdecimal() and len(version) < VERSION_LENGTH
    is_meant: Callable[[], sa.ColumnElement[bool]] = lambda: (  # noqa: E731 - one condition
        versions.c.number == int(version)
        if is_number
        else sa.func.substr(versions.c.digest, 1, VERSION_LENGTH) == version
    )
    if connection is not None:
        query = sa.select(versions).where(versions.c.layer == layer, is_meant())
        row = connection.execute(query.order_by(versions.c.id.desc()).limit(1)).first()
        if row is not None:
            return row
    msg = said("problem.no_version_kept", layer=repr(layer), version=repr(version))
    raise NotFoundError(msg)


def _check_newest(newest: Mapping[str, LayerVersion], expected: Mapping[str, str | None]) -> None:
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


def _old(rows: Sequence[sa.Row[Any]], used: set[tuple[Any, ...]], count: int) -> list[sa.Row[Any]]:
    """Return the entries that neither are among the newest nor were a result's ground."""
    last: dict[str, int] = {}
    original: dict[str, int] = {}
    for row in rows:  # oldest first
        last[row.layer] = max(last.get(row.layer, 0), row.number)
        if row.number == 0:
            original[row.layer] = row.id
    return [
        row
        for row in rows
        if (row.layer, row.digest[:VERSION_LENGTH]) not in used
        and (
            row.id != original[row.layer]
            if row.number == 0
            else row.number <= last[row.layer] - count
        )
    ]


def _find_saved(connection: sa.Connection, kind: str, identity: str) -> Saved | None:
    query = sa.select(results).where(results.c.kind == kind, results.c.id == identity)
    row = connection.execute(query).first()
    return None if row is None else _saved(connection, row)


def _saved(connection: sa.Connection, row: sa.Row[Any]) -> Saved:
    own = (result_layers.c.kind == row.kind) & (result_layers.c.id == row.id)
    layers = connection.execute(
        sa.select(result_layers.c.layer, result_layers.c.version)
        .where(own)
        .order_by(result_layers.c.layer)
    )
    return Saved(
        kind=row.kind,
        id=row.id,
        made_at=row.made_at,
        plan_version=row.plan_version,
        layer_versions={row.layer: row.version for row in layers},
        rulebook_version=row.rulebook_version,
        software=row.software,
        recipe=orjson.loads(zlib.decompress(row.recipe)),
    )


def _insert_saved(connection: sa.Connection, saved: Saved, packed: Mapping[str, bytes]) -> None:
    own = {"kind": saved.kind, "id": saved.id}
    connection.execute(
        sa.insert(results).values(
            **own,
            made_at=saved.made_at,
            plan_version=saved.plan_version,
            rulebook_version=saved.rulebook_version,
            software=saved.software,
            recipe=zlib.compress(orjson.dumps(dict(saved.recipe))),
        )
    )
    layers = [
        {**own, "layer": layer, "version": version}
        for layer, version in saved.layer_versions.items()
    ]
    if layers:
        connection.execute(sa.insert(result_layers), layers)
    texts = [{**own, "name": name, "content": content} for name, content in packed.items()]
    if texts:
        connection.execute(sa.insert(documents), texts)
