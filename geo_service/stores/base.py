"""The promises of a store, which keeps versions of layers and saved results.

A *version* of a layer identifies its content: `LayerVersion.version` is the start of a digest of
columns, values and shapes, so the same rows have the same version on every machine, in either
store and in the workspace's own files. Its *number* is its position in the layer's history:
1, 2, 3, ... for published versions, 0 for the workspace's own file. A rollback is therefore a
new number with an old version.

Nothing here reads or writes: `local` and `postgis` do, `opening` chooses between them. To
publish, call `planning.layers`, which checks the frame against the rest of the plan.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from geo_service.errors import ConflictError, StoreError

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.model import TakenAs
    from geo_service.stores.accounts import AccountRecords
    from geo_service.stores.audit import AuditRecords
    from geo_service.stores.ledger import LedgerRecords

__all__ = [
    "KEPT_KINDS",
    "KINDS",
    "RANKING",
    "RETAIN_ALL",
    "REVIEW",
    "SCENARIO",
    "ConflictError",
    "Holding",
    "LayerContent",
    "LayerVersion",
    "Outline",
    "OwnFile",
    "RetentionLimits",
    "Revision",
    "Saved",
    "Store",
    "StoreError",
    "WorkspaceAt",
]

REVIEW = "review"
RANKING = "ranking"
KINDS = (REVIEW, RANKING)
"""Kinds of results, which limits of what is kept apply to."""
SCENARIO = "scenario"
"""A scenario is kept as results are, and can be revised; it goes only when somebody drops it."""
KEPT_KINDS = (*KINDS, SCENARIO)
IMPORT = "import"
"""The folder, beside the store, of imports' reports and lists."""
NEARLY = 0.8
"""The share of the byte limit from which people are told that old results will be dropped."""

CATALOGUE = "catalogue.sqlite"
"""The embedded store's catalogue, in its folder; the first write makes it."""

CREATED_MARK = "catalogue.made"
"""A file made with the catalogue, so that a lost catalogue differs from one never made."""

VERSION_LENGTH = 12
"""Number of hexadecimal digits of the digest that name a version."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (EPSG:4490)."""

Where = Mapping[str, "Cell | Sequence[Cell]"]
"""For each column the value, or values, that a row may have; None means a missing value."""

Cell = str | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class RetentionLimits:
    """How long, and up to how many bytes, saved results are kept; None means no limit."""

    days: float | None = None
    bytes: int | None = None


RETAIN_ALL = RetentionLimits()


@dataclass(frozen=True, slots=True)
class WorkspaceAt:
    """A workspace's folder, and the store that the environment names instead of its own.

    It can be passed wherever a folder can (`open_plan`, `PlanningService.open`, ...).
    """

    folder: Path
    store: str | None = field(default=None, repr=False)  # may contain a password
    retention: RetentionLimits = RETAIN_ALL
    """How long saved results are kept."""

    def __fspath__(self) -> str:
        """Return the folder's path."""
        return os.fspath(self.folder)

    def __str__(self) -> str:
        """Return the folder as given."""
        return str(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """One entry in the history of a layer."""

    layer: str
    number: int
    """Its position in the history: 0 for the workspace's own file, then 1, 2, 3, ..."""
    digest: str
    """SHA-256 of the content (`frames.content_digest`), 64 hexadecimal digits."""
    made_at: datetime
    """The time of publication in UTC, to the microsecond."""
    note: str
    """The publisher's reason, in their own words."""
    source: str
    """The origin of its rows: a file's name, "rollback", ..."""
    features: int
    parent: str | None = None
    """The newest version before this one."""
    file_digest: str | None = None
    """For number 0: SHA-256 of the bytes of the workspace's file that it was read from."""
    taken_as: TakenAs | None = None
    """What the file that it was imported from was for the layer; None if it was no import."""
    account: str | None = None
    """The name of the account that published it; None if it was published without one."""

    @property
    def version(self) -> str:
        """The name of the content: the start of its digest."""
        return self.digest[:VERSION_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerContent:
    """A layer to be published.

    `frame` satisfies the layer's schema, as `reading.read_layer` and `ingest` return it; its
    geometry is in EPSG:4490. `expected` is the newest version when work on the frame began;
    None if the store had none.
    """

    layer: str
    frame: pd.DataFrame
    expected: str | None
    note: str = ""
    source: str = ""
    file_digest: str | None = None
    file_stamp: str | None = None
    declared: str | None = None
    taken_as: TakenAs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """The state of a layer's own file at the first publication, to recognise later edits."""

    layer: str
    digest: str
    """Digest of the content, which is the number 0 in force."""
    file_digest: str | None
    """SHA-256 of the file's bytes; None if the file belongs to an installed package."""
    file_stamp: str | None
    """Sizes and times of its files: if they are equal no digest is needed. None if unreliable."""
    declared: str | None
    """Digest of the settings in `workspace.toml` for reading the file; None if unknown."""

    @property
    def version(self) -> str:
        """The name of the content: the start of its digest."""
        return self.digest[:VERSION_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A saved result as listed: what it is, its size, and whether it is pinned."""

    kind: str
    id: str
    made_at: datetime
    plan_version: str
    size: int
    """Compressed bytes in the store."""
    is_pinned: bool
    is_held: bool = False
    """Whether an act rests on it, so that nothing drops it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """All saved results of a workspace, newest first, and their limits."""

    items: tuple[Outline, ...]
    limits: RetentionLimits

    @property
    def size(self) -> int:
        """Return the total of all results' bytes."""
        return sum(item.size for item in self.items)

    @property
    def is_nearly_full(self) -> bool:
        """Whether so much is saved that old results will soon be dropped."""
        most = self.limits.bytes
        results = sum(item.size for item in self.items if item.kind in KINDS)
        return most is not None and results >= NEARLY * most


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A saved result with all that it was made from, so that it can be made again."""

    kind: str
    """One of `KEPT_KINDS`."""
    id: str
    made_at: datetime
    plan_version: str
    layer_versions: Mapping[str, str]
    rulebook_version: str
    software: str
    """The version of this package that made the result."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The other inputs (rulebook text, parks, project, ...), as plain JSON values."""
    is_pinned: bool = field(default=False, compare=False)
    """Whether it is kept regardless of the limits."""
    is_held: bool = field(default=False, compare=False)
    """Whether an act rests on it, so that nothing drops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A saved scenario put in the place of an earlier state of it."""

    saved: Saved
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """JSON by name; documents of other names stay."""
    expected: str
    """The tag (`results.recipe_tag`) of the state that it replaces."""


class Store(Protocol):
    """Keeps versions of layers and saved results.

    Safe to use from several threads, and by several processes at once. Every method raises
    StoreError if the store cannot do its work (a full disk, a read-only file, an unreachable
    server); everything stored before is then still there.
    """

    accounts: AccountRecords
    """Who may sign in, and what belongs to whom."""
    audit: AuditRecords
    """What was done, line by line."""
    ledger: LedgerRecords
    """What people did to reviews and findings; what stands of it is held by acts."""

    @property
    def shown(self) -> str:
        """The store's location as shown to people; never contains a password."""

    def newest(self) -> Mapping[str, LayerVersion]:
        """Return the version in force of each layer; empty before anything was published.

        That is the newest published version or, if the layer was never published, the number 0
        that the first publication recorded. All are read at one moment: layers published
        together are seen together.
        """

    def originals(self) -> Mapping[str, LayerVersion]:
        """Return number 0 of each layer that has one: the recorded one, else the latest."""

    def recorded(self) -> Mapping[str, OwnFile]:
        """Return, by layer, the records of own files that the first publication made."""

    def stamp(self) -> int:
        """Return a number that grows with every publish by any process; cheap to call."""

    def history(self, layer: str) -> list[LayerVersion]:
        """Return all kept versions of a layer, newest first."""

    def entry(self, layer: str, version: str) -> LayerVersion:
        """Return the newest entry with a number ("3") or version (12 digits).

        Raises NotFoundError if none is kept.
        """

    def read(
        self, layer: str, version: str, *, bbox: Box | None = None, where: Where | None = None
    ) -> pd.DataFrame:
        """Return the rows of a version in order, with the index 0, 1, 2, ...

        With `bbox` only rows whose shape meets the box, with `where` only rows with these
        values. Raises NotFoundError if the version is not kept, InvalidQueryError for a
        column that the layer does not have.
        """

    def publish(
        self,
        contents: Sequence[LayerContent],
        *,
        against: Mapping[str, str | None] | None = None,
        own: Sequence[LayerContent] = (),
        along: Revision | None = None,
    ) -> list[LayerVersion]:
        """Publish one or several layers, all or none, and return their entries.

        `against` are the versions of other layers that the frames were checked against; `own` is
        the content of the workspace's own files for layers that have no number 0 in force yet,
        which is recorded with the publication; `along` is revised in the same step. Raises
        ConflictError, and writes nothing, if the version in force of a layer is no longer the
        expected one; for `along` as `revise`.
        """

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
        """Publish an earlier version again under a new number, without copying its rows.

        `own` is recorded as in `publish`. Raises NotFoundError and ConflictError as `entry`
        and `publish` do.
        """

    def record_originals(self, contents: Sequence[LayerContent]) -> list[LayerVersion]:
        """Keep the content of the workspace's own files as number 0; equal content is kept once."""

    def retain(self, count: int) -> list[LayerVersion]:
        """Drop old versions and return their entries.

        The newest `count` of each layer, the number 0 in force, and every version that a saved
        result was made from are kept.
        """

    def save(self, saved: Saved, documents: Mapping[str, bytes | Iterable[bytes]]) -> Saved:
        """Save a result and its documents (JSON by name, whole or in pieces), unless it is saved.

        Returns the saved result.
        """

    def revise(self, revision: Revision) -> Saved:
        """Put a new state of a saved scenario in the place of the one that is expected.

        Raises NotFoundError if it is not saved, StaleError if it has another state by now.
        """

    def saved(self, kind: str, *, limit: int = 100, offset: int = 0) -> list[Saved]:
        """Return saved results of a kind, newest first."""

    def count_saved(self, kind: str) -> int:
        """Return the number of saved results of a kind."""

    def find(self, kind: str, identity: str) -> Saved:
        """Return a saved result; raises NotFoundError for an unknown id."""

    def document(self, kind: str, identity: str, name: str) -> bytes:
        """Return one document of a saved result as JSON; raises NotFoundError if unknown."""

    def document_names(self, kind: str, identity: str) -> list[str]:
        """Return the names of a saved result's documents."""

    def outlines(self) -> list[Outline]:
        """Return every saved result, newest first; scenarios are none."""

    def saved_among(self, kind: str, identities: Sequence[str]) -> frozenset[str]:
        """Return which of some ids are saved results of a kind, durable in the store."""

    def pin(self, kind: str, identity: str, *, is_pinned: bool) -> None:
        """Pin a saved result, which keeps it regardless of limits, or unpin it.

        Raises NotFoundError for an unknown id.
        """

    def drop(self, identities: Sequence[tuple[str, str]], *, but_pinned: bool = False) -> int:
        """Drop saved results (kind, id) with their documents; return how many were dropped.

        With `but_pinned`, pinned ones stay, and those that an act rests on; without it
        ConflictError for one of the latter, and nothing is dropped.
        """

    # ---- moving from one store to another ---------------------------------------------------

    def entries(self) -> list[LayerVersion]:
        """Return every entry of every layer in the order in which they were made."""

    def closed_to_others(self) -> AbstractContextManager[None]:
        """Keep all others from writing inside this context."""

    def take_over(self, other: Store) -> None:
        """Copy everything from another store, all or nothing.

        Raises ConflictError if this store already contains anything; a retired store is emptied
        first. Copying the same content again does nothing.
        """

    def rows_of_accounts(self) -> Mapping[str, list[dict[str, Any]]]:
        """Return the rows of the tables of accounts and audit by the table's name."""

    def copy_to(self, folder: Path) -> None:
        """Make an embedded store in an empty folder that has all that this one has at one moment.

        Others go on reading and writing. Sessions are left out. Nothing is made if the store was
        never written.
        """

    def retire(self, moved_to: str) -> None:
        """Refuse all writes from now on: everything has moved to `moved_to`."""

    def close(self) -> None:
        """Close connections."""
