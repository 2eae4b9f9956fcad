"""Findings as a desk works through them: a matrix of parks and families, groups, merged rows.

Everything comes from the columns of a `FindingTable`. A verdict of a cell or a group is the one
that its findings alone would give a park. Findings of one rule and one outcome on a park and on
its parcels have one cause and are one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from geo_service.model import Severity, Verdict, park_verdict
from geo_service.zoning.worklists import Worklist

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.zoning.finding_table import FindingQuery, FindingTable

WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH, Verdict.PASS)
_PARKS, _PARCELS = "parks", "parcels"
_OUTCOME = ("rule", "severity", "verdict", "set_aside")


class GroupBy(StrEnum):
    """What rows are grouped by."""

    PARK = "park"
    RULE = "rule"


@dataclass
class Tally:
    """How many findings there are, and the verdict that those that count would give a park."""

    findings: int = 0
    counting: int = 0
    """How many of them are not set aside."""
    outcomes: set[tuple[Severity, Verdict]] = field(default_factory=set)

    def add(self, count: int, severity: str, verdict: str, *, is_counting: bool) -> None:
        """Take up so many findings of one outcome."""
        self.findings += count
        if is_counting:
            self.counting += count
            self.outcomes.add((Severity(severity), Verdict(verdict)))

    @property
    def verdict(self) -> Verdict:
        """Return the verdict that these findings alone would give."""
        return park_verdict(list(self.outcomes))


@dataclass
class Group:
    """Findings of one park or of one rule; of those without a park the key is None."""

    key: str | None
    rows: int = 0
    tally: Tally = field(default_factory=Tally)
    to_rectify: int = 0
    reasons: dict[str, Tally] = field(default_factory=dict)
    """By rule, the gravest first; for a rule by park."""

    @property
    def gravity(self) -> tuple[int, int, int]:
        """Where it stands among others: the gravest verdict, then the most to rectify."""
        place = WORST_FIRST.index(self.tally.verdict)
        return (place, -self.to_rectify, -self.tally.findings)


@dataclass(frozen=True)
class Row:
    """Findings that have one cause, told by one of them."""

    position: int
    findings: int
    by_layer: Mapping[str, int]


def matrix_of(
    table: FindingTable, query: FindingQuery, fitting: NDArray[np.bool_] | None
) -> dict[str | None, dict[str, Tally]]:
    """Return what there is by park and family, under all filters but these two."""
    asked = replace(query, park=None, without_park=False, family=None)
    cells: dict[str | None, dict[str, Tally]] = {}
    columns = ("park", "family", "severity", "verdict", "set_aside")
    for values, count in _combined(table, table.chosen(asked, fitting), columns):
        park, family, severity, verdict, aside = values
        cell = cells.setdefault(park, {}).setdefault(str(family), Tally())
        cell.add(count, str(severity), str(verdict), is_counting=aside == "no")
    return cells


def groups_of(table: FindingTable, positions: NDArray[np.intp], by: GroupBy) -> list[Group]:
    """Return findings by park or by rule, the gravest group first; ties keep their order."""
    found: dict[str | None, Group] = {}
    other = GroupBy.RULE if by is GroupBy.PARK else GroupBy.PARK
    columns = (by.value, other.value, "severity", "verdict", "set_aside", "worklist")
    for values, count in _combined(table, positions, columns):
        key, reason, severity, verdict, aside, worklist = values
        group = found.setdefault(key, Group(key))
        for tally in (group.tally, group.reasons.setdefault(str(reason or ""), Tally())):
            tally.add(count, str(severity), str(verdict), is_counting=aside == "no")
        group.to_rectify += count if worklist == Worklist.RECTIFY else 0
    for (key,), count in _combined(table, merged_rows(table, positions).leads, (by.value,)):
        found[key].rows = count
    for group in found.values():
        ranked = sorted(
            group.reasons.items(),
            key=lambda item: (WORST_FIRST.index(item[1].verdict), -item[1].findings),
        )
        group.reasons = dict(ranked)
    return sorted(found.values(), key=lambda group: group.gravity)


@dataclass(frozen=True)
class MergedRows:
    """The rows of findings in their order, each at the place of its first finding."""

    leads: NDArray[np.intp]
    """The finding that tells of each row, by its position in the review."""
    _sorted: NDArray[np.intp]
    _bounds: NDArray[np.intp]
    _layers: NDArray[np.intp]
    _names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.leads)

    def at(self, offset: int, limit: int) -> list[Row]:
        """Return some rows."""
        chosen = slice(offset, offset + limit)
        return [
            Row(int(lead), int(end - start), self._by_layer(self._sorted[start:end]))
            for lead, (start, end) in zip(self.leads[chosen], self._bounds[chosen], strict=True)
        ]

    def _by_layer(self, members: NDArray[np.intp]) -> dict[str, int]:
        codes, counts = np.unique(self._layers[members], return_counts=True)
        return {
            self._names[code]: count
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
        }


def merged_rows(table: FindingTable, positions: NDArray[np.intp]) -> MergedRows:
    """Return findings at these positions as rows."""
    causes, telling = _causes(table, positions)
    _, first, inverse = np.unique(causes, return_index=True, return_inverse=True)
    told = first.copy()
    told[inverse[telling]] = telling
    order = np.argsort(first, kind="stable")
    by_cause = np.argsort(inverse, kind="stable")
    sizes = np.bincount(inverse, minlength=len(first))
    ends = np.cumsum(sizes)
    starts = ends - sizes
    return MergedRows(
        positions[told[order]],
        positions[by_cause],
        np.stack([starts, ends], axis=1)[order],
        table.layers.codes,
        table.layers.names,
    )


def _causes(
    table: FindingTable, positions: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return a number of the cause of each finding, and the places of those that tell of many."""
    park = table.facets["park"].codes[positions]
    is_park, is_parcel = (table.layers.among({name})[positions] for name in (_PARKS, _PARCELS))
    keys = park.astype(np.int64)
    for name in _OUTCOME:
        column = table.facets[name]
        keys = keys * (len(column.names) + 1) + column.codes[positions]
    of_parks, times = np.unique(keys[is_park & (park >= 0)], return_counts=True)
    # A rule that finds several things on one park finds several causes.
    shared = np.intersect1d(of_parks[times == 1], keys[is_parcel & (park >= 0)])
    is_one = (is_park | is_parcel) & np.isin(keys, shared) & (park >= 0)
    causes = np.where(is_one, keys, -1 - np.arange(len(positions), dtype=np.int64))
    return causes, np.flatnonzero(is_one & is_park)


def _combined(
    table: FindingTable, positions: NDArray[np.intp], names: Sequence[str]
) -> Iterator[tuple[tuple[str | None, ...], int]]:
    """Return each combination of values that findings have in some columns, and how many have it.

    Combinations come in the order of the columns' values.
    """
    columns = [table.facets[name] for name in names]
    keys = np.zeros(len(positions), dtype=np.int64)
    for column in columns:
        keys = keys * (len(column.names) + 1) + (column.codes[positions] + 1)
    found, counts = np.unique(keys, return_counts=True)
    for key, count in zip(found.tolist(), counts.tolist(), strict=True):
        values: list[str | None] = []
        left = key
        for column in reversed(columns):
            left, code = divmod(left, len(column.names) + 1)
            values.append(column.names[code - 1] if code else None)
        yield tuple(reversed(values)), count
