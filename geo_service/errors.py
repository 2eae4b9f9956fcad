"""Errors raised on purpose; nothing here knows HTTP or exit codes.

GeoServiceError
├── NotFoundError        a park, layer, review or asset that does not exist
├── InvalidQueryError    a value in a call outside its range
├── BusyError            too much is being done already; later it may go
├── ChoiceNeededError    a call that leaves something open which only its caller knows
├── ConflictError        somebody else was first; look again, then decide
├── StoreError           the store failed, is full, read-only or cannot be reached
├── WorkspaceError       a workspace that cannot be used: every fault is listed
│   └── CrsError         no CRS, or one without metres where metres are needed
├── SourceError          a file that cannot be imported: every fault is listed
├── RulebookError        a rulebook (or waiver file) that breaks its form
├── ProjectError         a project that breaks its form
└── AssetError           a file of the map's page that is not installed

A broken *zoning rule* is a finding, not an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_SHOWN_PER_KIND = 20
"""How many faults of one kind a message spells out before it counts the rest."""


class GeoServiceError(Exception):
    """Base of every error that this package raises on purpose.

    Its text is English, for logs and programs; `wording.tell_error` tells it in a language.
    """

    def __init__(self, message: str = "", listed: str = "") -> None:
        super().__init__(message + listed)
        self.heading = message
        """What is wrong in one sentence, without the faults or choices below it."""


class NotFoundError(GeoServiceError):
    """Something was asked for by name and is not there."""


class InvalidQueryError(GeoServiceError):
    """A value in a call is outside its range; `parameter` names it."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class BusyError(GeoServiceError):
    """Too much work is waiting already; the same call may go through later."""


class ConflictError(GeoServiceError):
    """Somebody else changed what was to be changed; nothing was written."""


class StoreError(GeoServiceError):
    """The store could not do its work; what it held before is still there.

    `told` is what anybody may be told about it: its own text names folders and servers.
    """

    def __init__(
        self, message: str = "", *, told: str | None = None, is_full: bool = False
    ) -> None:
        super().__init__(message)
        self.told = told
        self.is_full = is_full
        """Whether there was no room left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to settle what a call left open: the value to give, and what speaks for it."""

    value: str
    evidence: str


class ChoiceNeededError(GeoServiceError):
    """Something is open that nobody but the caller can settle.

    `parameter` names what has to be given, `choices` the values it may take.
    """

    def __init__(self, parameter: str, message: str, choices: Sequence[Choice]) -> None:
        self.parameter = parameter
        self.choices = tuple(choices)
        listed = "".join(f"\n  - {choice.value}: {choice.evidence}" for choice in self.choices)
        super().__init__(message, listed)


class AssetError(GeoServiceError):
    """A script, style or font that a page needs is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a file: where, what was found, what was expected."""

    file: str
    found: str
    expected: str
    layer: str | None = None
    row: str | None = None
    column: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """Return the fault as one line that says where, what was found and what is wanted."""
        where = [self.file if self.line is None else f"{self.file}:{self.line}"]
        if self.layer:
            where.append(f"layer {self.layer}")
        if self.row:
            where.append(f"row {self.row}")
        if self.column:
            where.append(f"column {self.column}")
        return f"{', '.join(where)}: found {self.found}; expected {self.expected}"

    @property
    def kind(self) -> tuple[str, str | None, str | None, str]:
        """What faults that differ only in their row have in common."""
        return (self.file, self.layer, self.column, self.expected)


def list_faults(
    faults: Sequence[Fault],
    *,
    tell: Callable[[Fault], str] = str,
    count_rest: Callable[[str, int], str] = "{}: {:,} more like these".format,
) -> str:
    """Return the faults as lines; past twenty of one kind the rest are counted.

    The lines are English unless others are given for a fault, and for a place with a number.
    """
    seen: Counter[tuple[str, str | None, str | None, str]] = Counter()
    lines = []
    for fault in faults:
        seen[fault.kind] += 1
        if seen[fault.kind] <= _SHOWN_PER_KIND:
            lines.append(f"  - {tell(fault)}")
    for (file, layer, column, _), count in seen.items():
        if count > _SHOWN_PER_KIND:
            place = ", ".join(part for part in (file, layer, column) if part)
            lines.append(f"  - {count_rest(place, count - _SHOWN_PER_KIND)}")
    return "\n".join(lines)


class _FaultyFileError(GeoServiceError):
    """An error that carries every fault found, not the first one."""

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message, f"\n{list_faults(self.faults)}" if self.faults else "")


class WorkspaceError(_FaultyFileError):
    """A workspace or one of its layers cannot be used."""


class CrsError(WorkspaceError):
    """A layer has no CRS, or one that does not fit the work."""


class SourceError(_FaultyFileError):
    """A file that was to be imported cannot be."""


class RulebookError(_FaultyFileError):
    """A rulebook or waiver file breaks its form."""


class ProjectError(_FaultyFileError):
    """An investment project breaks its form."""
