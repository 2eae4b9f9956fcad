"""What a store promises: versions of layers, and results that were saved.

A *version* of a layer is its content: `LayerVersion.version` is the start of a digest over
columns, values and shapes, so the same rows have the same version on every machine, in either
store and in the workspace's own files. Its *number* is its place in the layer's history:
1, 2, 3, ... for what was published, 0 for what the workspace's own file held. A rollback is
therefore a new number with an old version.

Nothing here reads or writes: `local` and `postgis` do, `opening` chooses between them. Whoever
wants to publish calls `planning.data`, which checks the frame against the rest of the plan.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from geo_service.errors import ConflictError, StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "KEEP_ALL",
    "KINDS",
    "RANKING",
    "REVIEW",
    "ConflictError",
    "Draft",
    "Holding",
    "KeepLimits",
    "LayerVersion",
    "Outline",
    "OwnFile",
    "Saved",
    "Store",
    "StoreError",
    "WorkspaceAt",
]

REVIEW = "review"
RANKING = "ranking"
KINDS = (REVIEW, RANKING)
IMPORT = "import"
"""The lists of an import, which lie beside the store."""
NEARLY = 0.8
"""From this share of the bytes on it is told that old results will go."""

CATALOGUE = "catalogue.sqlite"
"""The embedded store's catalogue, in its folder; it is made when something is first written."""

MADE = "catalogue.made"
"""A file beside it from then on: a catalogue that is gone is not one that never was."""

VERSION_LENGTH = 12
"""How many hexadecimal digits of the digest name a version."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees (EPSG:4490)."""

Where = Mapping[str, "Cell | Sequence[Cell]"]
"""By column the value, or the values, that a row may have; None stands for a missing value."""

Cell = str | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class KeepLimits:
    """How long, and in how many bytes, saved results are kept; None is without a limit."""

    days: float | None = None
    bytes: int | None = None


KEEP_ALL = KeepLimits()


@dataclass(frozen=True, slots=True)
class WorkspaceAt:
    """A workspace's folder, and the store that the environment names in place of its own.

    Goes wherever a folder goes (`open_plan`, `County.open`, ...).
    """

    folder: Path
    store: str | None = field(default=None, repr=False)  # may hold a password
    keep: KeepLimits = KEEP_ALL
    """What becomes of saved results in time."""

    def __fspath__(self) -> str:
        """Return the folder's path."""
        return os.fspath(self.folder)

    def __str__(self) -> str:
        """Return the folder as it was given."""
        return str(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """One entry in the history of a layer."""

    layer: str
    number: int
    """Its place in the history: 0 for the workspace's own file, then 1, 2, 3, ..."""
    digest: str
    """SHA-256 over the content (`frames.content_digest`), 64 hexadecimal digits."""
    made_at: datetime
    """When it was published, UTC, whole microseconds."""
    note: str
    """Why, in the words of whoever published it."""
    source: str
    """Where its rows came from: a file's name, "rollback", ..."""
    features: int
    parent: str | None = None
    """The version that was the newest before it."""
    file_digest: str | None = None
    """Of number 0: SHA-256 over the bytes of the workspace's file that it was read from."""

    @property
    def version(self) -> str:
        """What the content is called: the start of its digest."""
        return self.digest[:VERSION_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A layer that is to be published.

    `frame` satisfies the layer's schema, as `reading.read_layer` and `ingest` return it; the
    geometry is in EPSG:4490. `expected` is the version that was the newest when the work on
    the frame began, None when the store had none.
    """

    layer: str
    frame: pd.DataFrame
    expected: str | None
    note: str = ""
    source: str = ""
    file_digest: str | None = None
    file_stamp: str | None = None
    declared: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """What the first publication found of a layer's own file: a later edit is told by it."""

    layer: str
    digest: str
    """Of the content, which is the number 0 that is in force."""
    file_digest: str | None
    """SHA-256 over the file's bytes; None when it comes from an installed package."""
    file_stamp: str | None
    """Sizes and times of its files: equal ones need no digest. None when they say nothing."""
    declared: str | None
    """A digest over how `workspace.toml` has the file read; None when that is not known."""

    @property
    def version(self) -> str:
        """What the content is called."""
        return self.digest[:VERSION_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A saved result in a list: what it is, how large, and whether it is pinned."""

    kind: str
    id: str
    made_at: datetime
    plan_version: str
    size: int
    """Bytes in the store, compressed."""
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """All that a workspace keeps, newest first, and what it takes."""

    items: tuple[Outline, ...]
    limits: KeepLimits

    @property
    def size(self) -> int:
        """Return the bytes of all."""
        return sum(item.size for item in self.items)

    @property
    def is_nearly_full(self) -> bool:
        """Whether so much is kept that old results will go before long."""
        most = self.limits.bytes
        results = sum(item.size for item in self.items if item.kind in KINDS)
        return most is not None and results >= NEARLY * most


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A result that is kept: what it was made from, so that it can be made again."""

    kind: str
    """`REVIEW` or `RANKING`."""
    id: str
    made_at: datetime
    plan_version: str
    layer_versions: Mapping[str, str]
    rulebook_version: str
    software: str
    """The version of this package that made it."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """What else went into it (rulebook text, parks, project, ...), as plain JSON values."""
    is_pinned: bool = field(default=False, compare=False)
    """Whether it is kept whatever the limits say."""


class Store(Protocol):
    """Where versions of layers and saved results live.

    Safe to use from several threads, and by several processes at once. Every method raises
    StoreError when the store cannot do its work (a full disk, a read-only file, a server that
    cannot be reached); what was there before is then still there.
    """

    @property
    def shown(self) -> str:
        """What people are told about where this is; never a password."""

    def newest(self) -> Mapping[str, LayerVersion]:
        """Return what counts of each layer since something was published; nothing before.

        That is its newest published version, or, where it never was published, the number 0
        that the first publication recorded. All are from one moment: what was published
        together is seen together.
        """

    def originals(self) -> Mapping[str, LayerVersion]:
        """Return number 0 of each layer that has one: the recorded one, else the latest."""

    def recorded(self) -> Mapping[str, OwnFile]:
        """Return what the first publication found in the workspace's own files, by layer."""

    def stamp(self) -> int:
        """Return a number that grows with every publish, whoever does it; cheap to ask for."""

    def history(self, layer: str) -> list[LayerVersion]:
        """Return all versions of a layer that are kept, newest first."""

    def entry(self, layer: str, version: str) -> LayerVersion:
        """Return the newest entry that a number ("3") or a version (12 digits) means.

        Raises NotFoundError when none is kept.
        """

    def read(
        self, layer: str, version: str, *, bbox: Box | None = None, where: Where | None = None
    ) -> pd.DataFrame:
        """Return the rows of a version in their order, index 0, 1, 2, ...

        With `bbox` only those whose shape meets the box, with `where` only those with these
        values. Raises NotFoundError when the version is not kept, InvalidQueryError for a
        column that the layer does not have.
        """

    def publish(
        self,
        drafts: Sequence[Draft],
        *,
        against: Mapping[str, str | None] | None = None,
        own: Sequence[Draft] = (),
    ) -> list[LayerVersion]:
        """Publish one or several layers, all or none, and return their entries.

        `against` are versions of other layers that the frames were checked against; `own` is
        what the workspace's own files hold of layers that have no number 0 in force yet, which
        is recorded with the publication. Raises ConflictError when what counts of a layer is
        not the version expected any more; nothing is written then.
        """

    def rollback(
        self,
        layer: str,
        version: str,
        *,
        expected: str | None,
        note: str = "",
        against: Mapping[str, str | None] | None = None,
        own: Sequence[Draft] = (),
    ) -> LayerVersion:
        """Publish what an earlier version held, as a new number; its rows are not copied.

        `own` is recorded as `publish` does. Raises NotFoundError and ConflictError as `entry`
        and `publish` do.
        """

    def keep(self, drafts: Sequence[Draft]) -> list[LayerVersion]:
        """Keep what the workspace's own files hold as number 0; the same content is kept once."""

    def retain(self, count: int) -> list[LayerVersion]:
        """Drop old versions and return their entries.

        Kept are the newest `count` of each layer, the number 0 in force, and every version that
        a saved result was made from.
        """

    def save(self, saved: Saved, documents: Mapping[str, bytes]) -> Saved:
        """Keep a result and its documents (JSON by name); of one id the first is kept.

        Returns what is kept.
        """

    def saved(self, kind: str, *, limit: int = 100, offset: int = 0) -> list[Saved]:
        """Return saved results of a kind, newest first."""

    def count_saved(self, kind: str) -> int:
        """Return how many results of a kind are saved."""

    def find(self, kind: str, identity: str) -> Saved:
        """Return a saved result; NotFoundError for an unknown id."""

    def document(self, kind: str, identity: str, name: str) -> bytes:
        """Return one document of a saved result as JSON; NotFoundError when there is none."""

    def document_names(self, kind: str, identity: str) -> list[str]:
        """Return the names of a saved result's documents."""

    def outlines(self) -> list[Outline]:
        """Return every saved result, newest first."""

    def saved_among(self, kind: str, identities: Sequence[str]) -> frozenset[str]:
        """Return which of some ids are saved results of a kind; durable, not merely asked for."""

    def pin(self, kind: str, identity: str, *, is_pinned: bool) -> None:
        """Keep a saved result whatever the limits say, or no longer; NotFoundError if unknown."""

    def drop(self, results: Sequence[tuple[str, str]], *, but_pinned: bool = False) -> int:
        """Drop saved results (kind, id) with their documents; return how many there were.

        With `but_pinned`, pinned ones stay.
        """

    # ---- moving from one store to another ---------------------------------------------------

    def entries(self) -> list[LayerVersion]:
        """Return every entry of every layer in the order they were made."""

    def closed_to_others(self) -> AbstractContextManager[None]:
        """Let nobody else write while this holds."""

    def take_over(self, other: Store) -> None:
        """Take everything that another store holds, all or nothing.

        Raises ConflictError when this store holds anything already; a store that was retired
        is emptied first. Taking over what is here already does nothing.
        """

    def retire(self, moved_to: str) -> None:
        """Refuse to write from now on: everything lives at `moved_to`."""

    def close(self) -> None:
        """Give back connections."""
