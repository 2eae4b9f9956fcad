"""The part that both stores share: the catalogue of versions and saved results.

A store keeps rows in files or tables and one entry per version in its catalogue. The entry is
written last, in one transaction under the writers' lock, so that a version exists completely
or not at all. Subclasses define where rows are kept and how writers are locked.
"""

from __future__ import annotations

import threading
import zlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import shapely
import sqlalchemy as sa

from geo_service.access import acting_name
from geo_service.errors import (
    ConflictError,
    GeoServiceError,
    InvalidQueryError,
    NotFoundError,
    StoreError,
)
from geo_service.stores.accounts import AccountRecords
from geo_service.stores.audit import AuditRecords
from geo_service.stores.base import (
    KEPT_KINDS,
    LayerContent,
    LayerVersion,
    Revision,
    Saved,
)
from geo_service.stores.entries import (
    PUBLISHED,
    check_newest,
    counting,
    entry_of,
    find_row,
    insert_entry,
    insert_record,
    is_right,
    latest,
    next_entry,
    old_rows,
    original_entry,
    originals_by_content,
    originals_of,
    record_files,
    recorded_files,
    staged,
)
from geo_service.stores.frames import conditions, layer_schema
from geo_service.stores.ledger import LedgerRecords
from geo_service.stores.results import (
    USED,
    hold_review,
    insert_saved,
    replace_saved,
)
from geo_service.stores.saved import SavedResults
from geo_service.stores.seals import DamageError
from geo_service.stores.soundness import sound_rows
from geo_service.stores.tables import (
    KEPT_WITH_ACCOUNTS,
    facts,
    metadata,
    versions,
)
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.stores.base import Box, OwnFile, Store, Where
    from geo_service.stores.entries import Staged, StagedContent, StoredRows
    from geo_service.stores.frames import Condition

_COUNTY, _MOVED_TO = "county", "moved_to"
_ALL_SAVED = 1_000_000
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    zlib.error,
    shapely.errors.ShapelyError,
    sa.exc.InvalidRequestError,
)
"""Errors of reading a damaged row: a number, date or document that cannot be parsed."""


class CataloguedStore(SavedResults):
    """A store with a catalogue; see `base.Store` for the promises of its methods."""

    def __init__(self, county_code: str) -> None:
        self._county_code = county_code
        self._exclusive = threading.local()
        self._open_records()

    def _open_records(self) -> None:
        """Let what is recorded of people read and write through this store's connections."""
        self.accounts = AccountRecords(self._reading, self._writing)
        self.audit = AuditRecords(self._reading, self._writing)
        self.ledger = LedgerRecords(self._reading, self._writing, hold_review)

    # ---- what subclasses define ---------------------------------------------------------------

    @property
    @abstractmethod
    def shown(self) -> str:
        """The store's location, without a password."""

    @abstractmethod
    def close(self) -> None:
        """Close connections."""

    @abstractmethod
    def _locked(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection in a transaction that excludes other writers; commit at the end."""

    @abstractmethod
    def _staging(
        self, staged: Iterable[Staged]
    ) -> AbstractContextManager[tuple[sa.Connection, list[StoredRows]]]:
        """Write rows durably to new places; then give what `_locked` gives, and the places."""

    @abstractmethod
    def _read_rows(
        self,
        connection: sa.Connection,
        layer: str,
        stored: StoredRows,
        bbox: Box | None,
        conditions: tuple[Condition, ...],
    ) -> pd.DataFrame:
        """Return rows from their place; raises NotFoundError if the place no longer exists.

        Raises DamageError if they cannot be what was written.
        """

    @abstractmethod
    def _drop(self, connection: sa.Connection, locations: Sequence[str]) -> None:
        """Drop places, within the transaction if the store can."""

    @abstractmethod
    def _dropped(self, locations: Sequence[str]) -> None:
        """Drop places that nothing refers to any more, after the transaction."""

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Give a locked connection: the current one, or a new one."""
        held: sa.Connection | None = getattr(self._exclusive, "connection", None)
        if held is not None:
            yield held
            return
        with self._locked() as connection:
            self._check_open(connection)
            yield connection

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Turn damage into StoreError, naming the layer and version concerned and the ways out."""
        try:
            yield
        except GeoServiceError:
            raise
        except DamageError as damage:
            if damage.layer is None or damage.version is None:
                raise self._broken(damage.reason) from damage
            raise self._damaged(damage.layer, damage.version, damage.reason) from damage
        except _UNREADABLE as error:
            reason = f"{type(error).__name__}: {error}"
            raise self._broken(reason) from error

    def _stopped(self, reason: str, *, is_full: bool = False) -> StoreError:
        """Return the error for a store that could not do its work."""
        key = "problem.store_full" if is_full else "problem.store_failed"
        told = said("problem.store_full_told") if is_full else None
        return StoreError(
            said(key, store=self.shown, reason=reason), public_message=told, is_full=is_full
        )

    def _broken(self, reason: str) -> StoreError:
        """Return the error for a catalogue that cannot be read."""
        msg = said("problem.store_broken", store=self.shown, reason=reason)
        return StoreError(msg, public_message=said("problem.store_broken_told"))

    def _damaged(self, layer: str, version: str, reason: str = "") -> StoreError:
        """Return the error for a version that is not what was written."""
        about = {"layer": repr(layer), "version": version}
        more = {"name": layer, "store": self.shown, "reason": reason or "digest"}
        return StoreError(
            said("problem.damaged", **about, **more),
            public_message=said("problem.damaged_told", **about),
        )

    def _check_open(self, connection: sa.Connection) -> None:
        moved_to = _fact(connection, _MOVED_TO)
        if moved_to is not None:
            msg = said("problem.store_moved", store=self.shown, target=moved_to)
            raise StoreError(msg)

    def _claim(self, connection: sa.Connection) -> None:
        """Record the store's county; raises StoreError if it belongs to another county."""
        owner = _fact(connection, _COUNTY)
        if owner is None:
            connection.execute(sa.insert(facts).values(name=_COUNTY, value=self._county_code))
        elif owner != self._county_code:
            msg = said(
                "problem.store_owner", store=self.shown, owner=owner, county=self._county_code
            )
            raise StoreError(msg)

    # ---- versions -----------------------------------------------------------------------------

    def newest(self) -> Mapping[str, LayerVersion]:
        """Return the version in force of each layer, once anything was published."""
        with self._reading() as connection:
            return {} if connection is None else counting(connection)

    def originals(self) -> Mapping[str, LayerVersion]:
        """Return number 0 of each layer that has one: the recorded one, else the latest."""
        with self._reading() as connection:
            return {} if connection is None else originals_of(connection)

    def recorded(self) -> Mapping[str, OwnFile]:
        """Return the records of own files that the first publication made."""
        with self._reading() as connection:
            return {} if connection is None else recorded_files(connection)

    def stamp(self) -> int:
        """Return a number that grows with every publish."""
        query = sa.select(sa.func.coalesce(sa.func.max(versions.c.id), 0)).where(PUBLISHED)
        with self._reading() as connection:
            return 0 if connection is None else int(connection.execute(query).scalar_one())

    def history(self, layer: str) -> list[LayerVersion]:
        """Return all kept versions of a layer, newest first."""
        layer_schema(layer)
        query = sa.select(versions).where(versions.c.layer == layer)
        found = self._entries(query.order_by(versions.c.number.desc(), versions.c.id.desc()))
        in_force = self.originals().get(layer)
        # If there are several numbers 0, the one in force comes first.
        return sorted(found, key=lambda entry: (-entry.number, entry != in_force))

    def entries(self) -> list[LayerVersion]:
        """Return every entry of every layer in the order in which they were made."""
        return self._entries(sa.select(versions).order_by(versions.c.id))

    def _entries(self, query: sa.Select[Any]) -> list[LayerVersion]:
        with self._reading() as connection:
            return (
                [] if connection is None else [entry_of(row) for row in connection.execute(query)]
            )

    def entry(self, layer: str, version: str) -> LayerVersion:
        """Return the newest entry with a number or version."""
        layer_schema(layer)
        with self._reading() as connection:
            return entry_of(find_row(connection, layer, version))

    def read(
        self, layer: str, version: str, *, bbox: Box | None = None, where: Where | None = None
    ) -> pd.DataFrame:
        """Return the rows of a version in order."""
        layer_schema(layer)
        asked = conditions(layer, where)
        with self._reading() as connection:
            row = find_row(connection, layer, version)
            assert connection is not None  # noqa: S101 - `find_row` raised otherwise
            entry = entry_of(row)
            try:
                frame = self._read_rows(connection, layer, (row.place, row.checksum), bbox, asked)
            except (NotFoundError, InvalidQueryError, StoreError):
                raise
            except DamageError as damage:
                raise self._damaged(layer, entry.version, damage.reason) from damage
            except (GeoServiceError, *_UNREADABLE) as error:  # rows that break the layer's schema
                raise self._damaged(layer, entry.version, type(error).__name__) from error
            is_whole = bbox is None and not asked
            if is_whole and not is_right(frame, entry, is_checked=row.checksum is not None):
                raise self._damaged(layer, entry.version)
            return frame

    def publish(
        self,
        contents: Sequence[LayerContent],
        *,
        against: Mapping[str, str | None] | None = None,
        own: Sequence[LayerContent] = (),
        along: Revision | None = None,
    ) -> list[LayerVersion]:
        """Publish layers, all or none."""
        wanted = {content.layer: content.expected for content in contents}
        if len(wanted) != len(contents):
            msg = said("problem.once")
            raise ValueError(msg)
        originals = [(content, staged(content)) for content in own]
        items = [staged(content) for content in contents]
        conflicts = {**(against or {}), **wanted}
        self._check_early(conflicts, originals)  # before anything is written
        with self._with_originals(originals, items, is_recorded=True) as (connection, locations, _):
            check_newest(counting(connection), conflicts)
            now = latest(connection, PUBLISHED)
            before = originals_of(connection) | now
            if along is not None:
                replace_saved(connection, along)
            return [
                insert_entry(
                    connection, next_entry(content, item, before.get(content.layer)), location
                )
                for content, item, location in zip(contents, items, locations, strict=True)
            ]

    def _check_early(
        self, conflicts: Mapping[str, str | None], originals: Sequence[StagedContent]
    ) -> None:
        """Raise ConflictError early for layers that cannot be published now."""
        with self._reading() as connection:
            now = {} if connection is None else counting(connection)
        new = {content.layer: original_entry(content, item) for content, item in originals}
        check_newest({**new, **now}, conflicts)

    @contextmanager
    def _with_originals(
        self,
        own: Sequence[StagedContent],
        items: Sequence[Staged] = (),
        *,
        is_recorded: bool = False,
    ) -> Iterator[tuple[sa.Connection, list[StoredRows], dict[tuple[str, str], LayerVersion]]]:
        """Stage rows, and the content of own files, which becomes number 0.

        Gives the open transaction, the places of the rows, and every number 0 by content.
        """
        with self._reading() as connection:
            recorded = {} if connection is None else originals_by_content(connection)
        new = [(content, item) for content, item in own if (item[0], item[2]) not in recorded]
        every = [*items, *(item for _, item in new)]
        with self._staging(every) as (connection, locations):
            self._check_open(connection)
            recorded = originals_by_content(connection)
            for (content, item), stored in zip(new, locations[len(items) :], strict=True):
                key = (item[0], item[2])
                if key in recorded:  # another process has kept it in the meantime
                    self._drop(connection, [stored[0]])
                else:
                    recorded[key] = insert_entry(connection, original_entry(content, item), stored)
            if any(
                (item[0], item[2]) not in recorded for _, item in own
            ):  # retention has dropped it
                raise ConflictError(said("problem.meanwhile"))
            if is_recorded:
                record_files(connection, own, published=latest(connection, PUBLISHED))
            yield connection, locations[: len(items)], recorded

    def rollback(
        self,
        layer: str,
        version: str,
        *,
        expected: str | None,
        note: str = "",
        against: Mapping[str, str | None] | None = None,
        own: Sequence[LayerContent] = (),
    ) -> LayerVersion:
        """Publish an earlier version again under a new number."""
        layer_schema(layer)
        originals = [(content, staged(content)) for content in own]
        self.entry(layer, version)  # fail early
        with self._with_originals(originals, is_recorded=True) as (connection, _, _):
            row = find_row(connection, layer, version)
            check_newest(counting(connection), {**(against or {}), layer: expected})
            now = latest(connection, PUBLISHED)
            parent = now.get(layer) or originals_of(connection).get(layer)
            entry = LayerVersion(
                layer=layer,
                number=now[layer].number + 1 if layer in now else 1,
                digest=row.digest,
                made_at=datetime.now(UTC),
                note=note,
                source=f"rollback to {row.number}",
                features=row.features,
                parent=parent.version if parent else None,
                account=acting_name(),
            )
            return insert_entry(connection, entry, (row.place, row.checksum))

    def record_originals(self, contents: Sequence[LayerContent]) -> list[LayerVersion]:
        """Keep the content of the workspace's own files as number 0, each content once."""
        originals = [(content, staged(content)) for content in contents]
        keys = [(item[0], item[2]) for _, item in originals]
        with self._reading() as connection:
            recorded = {} if connection is None else originals_by_content(connection)
        if not all(key in recorded for key in keys):
            with self._with_originals(originals) as (_, _, now):
                recorded = now
        return [recorded[key] for key in keys]

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
            used = {tuple(row) for row in connection.execute(USED)}
            old = old_rows(rows, used, recorded_files(connection), count)
            if not old:
                return []
            dropped = sa.delete(versions).where(versions.c.id == sa.bindparam("old"))
            connection.execute(dropped, [{"old": row.id} for row in old])
            in_use = {row.place for row in rows} - {row.place for row in old}
            in_use |= set(connection.scalars(sa.select(versions.c.place)))
            locations = sorted({row.place for row in old} - in_use)
            self._drop(connection, locations)
        self._dropped(locations)
        return [entry_of(row) for row in old]

    # ---- moving -------------------------------------------------------------------------------

    @contextmanager
    def closed_to_others(self) -> Iterator[None]:
        """Keep all others from writing inside this context."""
        with self._writing() as connection:
            self._exclusive.connection = connection
            try:
                yield
            finally:
                del self._exclusive.connection

    def retire(self, moved_to: str) -> None:
        """Refuse all writes from now on."""
        with self._writing() as connection:
            connection.execute(sa.insert(facts).values(name=_MOVED_TO, value=moved_to))

    def take_over(self, other: Store) -> None:
        """Copy everything from another store, all or nothing."""
        entries, records = other.entries(), other.recorded()
        every = [item for kind in KEPT_KINDS for item in other.saved(kind, limit=_ALL_SAVED)]
        contents = list({(entry.layer, entry.digest): entry for entry in entries}.values())
        kept = other.rows_of_accounts()
        if self._contains(entries, every, kept):
            return
        read = (_staged_from(other, entry) for entry in contents)
        with self._staging(read) as (connection, locations):
            old = set(connection.scalars(sa.select(versions.c.place)))
            for table in reversed(metadata.sorted_tables):
                if table is not facts:
                    connection.execute(sa.delete(table))
            connection.execute(sa.delete(facts).where(facts.c.name == _MOVED_TO))
            self._drop(connection, sorted(old))
            home = {
                (entry.layer, entry.digest): location
                for entry, location in zip(contents, locations, strict=True)
            }
            for entry in entries:
                insert_entry(connection, entry, home[entry.layer, entry.digest])
            for record in records.values():
                insert_record(connection, record)
            for saved in every:
                names = other.document_names(saved.kind, saved.id)
                packed = {
                    name: zlib.compress(other.document(saved.kind, saved.id, name))
                    for name in names
                }
                insert_saved(connection, saved, packed)
            for name, rows in kept.items():
                if rows:
                    connection.execute(sa.insert(metadata.tables[name]), rows)
        self._dropped(sorted(old))

    def _contains(
        self,
        entries: Sequence[LayerVersion],
        results_: Sequence[Saved],
        kept: Mapping[str, list[dict[str, Any]]],
    ) -> bool:
        """Return whether this store has all that is to be copied; ConflictError if it has else."""
        with self._reading() as connection:
            if connection is None or _fact(connection, _MOVED_TO) is not None:
                return False
            own = [item for kind in KEPT_KINDS for item in self.saved(kind, limit=_ALL_SAVED)]
            here = self.entries()
            is_same = here == entries and _by_id(own) == _by_id(results_)
            if is_same and self.rows_of_accounts() == kept:
                return True
            if here or own or self.accounts.are_kept():
                msg = said("problem.not_empty", store=self.shown)
                raise ConflictError(msg)
        return False

    def rows_of_accounts(self) -> Mapping[str, list[dict[str, Any]]]:
        """Return the rows of the tables of accounts and audit by the table's name."""
        with self._reading() as connection:
            if connection is None:
                return {}
            return {
                table.name: [dict(row._mapping) for row in connection.execute(_in_order(table))]  # noqa: SLF001 - SQLAlchemy's own name
                for table in KEPT_WITH_ACCOUNTS
            }


def _fact(connection: sa.Connection, name: str) -> str | None:
    found: str | None = connection.execute(
        sa.select(facts.c.value).where(facts.c.name == name)
    ).scalar()
    return found


def _in_order(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key)


def _staged_from(other: Store, entry: LayerVersion) -> Staged:
    """Read a version from another store and check that it is unaltered."""
    return entry.layer, sound_rows(other, entry), entry.digest


def _by_id(items: Sequence[Saved]) -> dict[tuple[str, str], Saved]:
    return {(item.kind, item.id): item for item in items}
