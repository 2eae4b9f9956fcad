"""Saved results of a store: reviews, rankings, layouts and scenarios with their documents.

The part of a catalogued store that reads and writes them. Each write is one transaction
under the writers' lock; documents are kept compressed.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa

from geo_service.errors import NotFoundError
from geo_service.stores.base import KINDS, Outline, Revision, Saved
from geo_service.stores.results import (
    drop_saved,
    find_saved,
    insert_saved,
    outline_of,
    packed_of,
    replace_saved,
    saved_of,
)
from geo_service.stores.tables import documents, results
from geo_service.wording import said


class SavedResults(ABC):
    """The saved results of a store; see `base.Store` for the promises of its methods."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[sa.Connection | None]:
        """Give a connection that sees one snapshot; None if nothing was ever written."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[sa.Connection]:
        """Give a connection in a transaction under the writers' lock."""

    @abstractmethod
    def _sound(self) -> AbstractContextManager[None]:
        """Turn damage into StoreError."""

    def save(self, saved: Saved, documents: Mapping[str, bytes | Iterable[bytes]]) -> Saved:
        """Save a result and its documents, unless the id is already saved."""
        packed = {name: packed_of(content) for name, content in documents.items()}
        with self._writing() as connection:
            there = find_saved(connection, saved.kind, saved.id)
            if there is not None:
                return there
            insert_saved(connection, saved, packed)
        return saved

    def revise(self, revision: Revision) -> Saved:
        """Put a new state of a saved scenario in the place of the one that is expected."""
        self.find(revision.saved.kind, revision.saved.id)  # an unwritten store stays unwritten
        with self._writing() as connection:
            replace_saved(connection, revision)
        return revision.saved

    def saved(self, kind: str, *, limit: int = 100, offset: int = 0) -> list[Saved]:
        """Return saved results of a kind, newest first."""
        order = (results.c.made_at.desc(), results.c.id)
        query = sa.select(results).where(results.c.kind == kind).order_by(*order)
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(query.limit(limit).offset(offset)).all()
            return [saved_of(connection, row) for row in rows]

    def count_saved(self, kind: str) -> int:
        """Return the number of saved results of a kind."""
        query = sa.select(sa.func.count()).select_from(results).where(results.c.kind == kind)
        with self._reading() as connection:
            return 0 if connection is None else connection.execute(query).scalar_one()

    def find(self, kind: str, identity: str) -> Saved:
        """Return a saved result."""
        with self._reading() as connection:
            found = None if connection is None else find_saved(connection, kind, identity)
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
        with self._sound():
            return zlib.decompress(found)

    def document_names(self, kind: str, identity: str) -> list[str]:
        """Return the names of a saved result's documents."""
        table = documents
        query = sa.select(table.c.name).where(table.c.kind == kind, table.c.id == identity)
        with self._reading() as connection:
            if connection is None:
                return []
            return list(connection.scalars(query.order_by(table.c.name)))

    def outlines(self) -> list[Outline]:
        """Return every saved result, newest first; scenarios are none."""
        columns = (results.c.kind, results.c.id, results.c.made_at, results.c.plan_version)
        query = sa.select(*columns, results.c.size, results.c.is_pinned, results.c.is_held)
        query = query.where(results.c.kind.in_(KINDS))
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(query.order_by(results.c.made_at.desc(), results.c.id))
            return [outline_of(row) for row in rows]

    def saved_among(self, kind: str, identities: Sequence[str]) -> frozenset[str]:
        """Return which of some ids are saved results of a kind."""
        if not identities:
            return frozenset()
        query = sa.select(results.c.id).where(results.c.kind == kind, results.c.id.in_(identities))
        with self._reading() as connection:
            found = () if connection is None else connection.scalars(query)
            return frozenset(found)

    def pin(self, kind: str, identity: str, *, is_pinned: bool) -> None:
        """Pin or unpin a saved result."""
        is_meant = (results.c.kind == kind) & (results.c.id == identity)
        self.find(kind, identity)  # so that a store that was never written stays unwritten
        with self._writing() as connection:
            connection.execute(sa.update(results).where(is_meant).values(is_pinned=is_pinned))

    def drop(self, identities: Sequence[tuple[str, str]], *, but_pinned: bool = False) -> int:
        """Drop saved results with their documents; return how many were dropped."""
        with self._reading() as connection:
            if connection is None or not identities:
                return 0
        with self._writing() as connection:
            return drop_saved(connection, identities, but_pinned=but_pinned)
