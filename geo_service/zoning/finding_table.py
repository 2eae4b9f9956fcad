"""The findings of a review as a table to be asked: filtered, counted, ordered.

Everything is answered from columns of codes: no finding is made for a filter or a count, so that a
hundred thousand findings are counted as fast as a page of them is shown. Leaves out the texts that
findings are searched by and their geometry: who asks gives a mask of the findings that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.model import BasisGroup, BasisTag, Severity, Verdict
from geo_service.zoning.names import township_codes, township_keys
from geo_service.zoning.portions import SEVERITY_ORDER, VERDICT_ORDER
from geo_service.zoning.worklists import Worklist, worklist_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.zoning.findings import Findings
    from geo_service.zoning.portions import Stamp

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
_NONE = -1
"""The code of a finding that has no value: of no park, of no township."""


class SetAside(StrEnum):
    """Whether a finding counts for the verdict of its park, and if not, why."""

    NO = "no"
    WAIVED = "waived"
    APPROVED = "approved"


class FindingSort(StrEnum):
    """What findings are sorted by; with a minus, the other way round.

    `severity` is the order of the review: the most binding rules first, then the gravest verdicts.
    `verdict` puts those that count first, then the gravest verdicts. Ties keep the review's order,
    findings without a park come last.
    """

    SEVERITY = "severity"
    VERDICT = "verdict"
    RULE = "rule"
    PARK = "park"
    SUBJECT = "subject"
    SEVERITY_DOWN = "-severity"
    VERDICT_DOWN = "-verdict"
    RULE_DOWN = "-rule"
    PARK_DOWN = "-park"
    SUBJECT_DOWN = "-subject"


@dataclass(frozen=True, kw_only=True)
class FindingQuery:
    """Which findings are asked for; None for what does not matter.

    `rule` is a rule's id, or a family for all of its rules. `township` is a name or a code of
    either set. `without_park` asks for those that belong to none. `words` is looked for in texts,
    `bbox` in the offending parts. `work` is what is done about them, which the caller knows.
    """

    rule: str | None = None
    family: str | None = None
    severity: Severity | None = None
    verdict: Verdict | None = None
    park: str | None = None
    township: str | None = None
    basis: BasisGroup | None = None
    set_aside: SetAside | None = None
    worklist: Worklist | None = None
    without_park: bool = False
    words: str | None = None
    bbox: Box | None = None
    work: str | None = None
    sort: FindingSort = FindingSort.SEVERITY


EVERY_FINDING = FindingQuery()
FACETS = (
    *("rule", "family", "severity", "verdict", "park", "township", "basis", "set_aside"),
    "worklist",
)
"""What findings are counted by, each a filter of the same name."""


@dataclass(frozen=True)
class Coded:
    """A column with few values: their names, and each row's position among these, -1 for none."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, values: Iterable[str | None], names: Iterable[str] = ()) -> Coded:
        """Code a column's values; `names` are those that are counted even if no row has them."""
        positions = {name: position for position, name in enumerate(dict.fromkeys(names))}
        codes = [
            _NONE if value is None else positions.setdefault(value, len(positions))
            for value in values
        ]
        return cls(tuple(positions), np.array(codes, dtype=np.intp))

    def among(self, wanted: Collection[str]) -> NDArray[np.bool_]:
        """Return which rows have one of these values."""
        chosen = [position for position, name in enumerate(self.names) if name in wanted]
        return np.isin(self.codes, chosen)

    def counts(self, mask: NDArray[np.bool_]) -> dict[str, int]:
        """Return how many of the rows in a mask have each value."""
        found = np.bincount(self.codes[mask & (self.codes != _NONE)], minlength=len(self.names))
        return dict(zip(self.names, found.tolist(), strict=True))

    def mapped(self, value: Callable[[str], str | None], names: Iterable[str] = ()) -> Coded:
        """Return the column of what `value` says of each value."""
        own = Coded.of([value(name) for name in self.names], names)
        codes = np.append(own.codes, _NONE)  # the last for rows without a value
        return Coded(own.names, codes[self.codes])


@dataclass(frozen=True)
class FacetCounts:
    """How many findings fit a query, and how many there are by each facet.

    A facet is counted under all filters but its own: so many would be listed if one of its values
    were chosen instead.
    """

    matched: int
    by: Mapping[str, Mapping[str, int]]
    without: Mapping[str, int]
    """For park and township: findings that have none."""


@dataclass(frozen=True, kw_only=True)
class FindingTable:
    """The columns of a review's findings, in the review's order."""

    facets: Mapping[str, Coded]
    ids: NDArray[np.str_]
    subjects: Callable[[], tuple[Any, Any]]
    """Makes the columns of subjects' layers and ids."""
    find_townships: Callable[[str], Collection[str]]
    """Returns the keys of the townships that a name or a code means."""

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.facets["verdict"].codes)

    @classmethod
    def of(
        cls, found: Findings, plan: Plan, *, parks: Iterable[str], rules: Mapping[str, str]
    ) -> FindingTable:
        """Return the table of a review's findings.

        `parks` and `rules` are those of the review, the rules with their families: each is counted
        even if nothing was found of it.
        """
        frame, keys = plan.frame("parks"), township_keys(plan)
        townships = {
            park_id: keys.get(code, code if isinstance(code, str) else None)
            for park_id, code in zip(frame["park_id"], frame["township_code"], strict=True)
        }
        aside = np.zeros(len(found), dtype=np.intp)
        for value, positions in (
            (SetAside.WAIVED, found.waived),
            (SetAside.APPROVED, found.approved),
        ):
            aside[positions] = list(SetAside).index(value)
        of_park = _coded_parks(found, parks)
        severity = Coded(SEVERITY_ORDER, found.severity_codes.astype(np.intp))
        verdict = Coded(VERDICT_ORDER, found.verdict_codes.astype(np.intp))
        set_aside = Coded(tuple(SetAside), aside)
        return cls(
            facets={
                "rule": _coded_rules(found, lambda stamp: stamp.rule_id, rules),
                "family": _coded_rules(found, lambda stamp: stamp.family, rules.values()),
                "severity": severity,
                "verdict": verdict,
                "park": of_park,
                "township": of_park.mapped(townships.get),
                "basis": _coded_rules(found, lambda stamp: stamp.basis_tag.group, BasisGroup),
                "set_aside": set_aside,
                "worklist": _coded_lists(severity, verdict, set_aside),
            },
            ids=found.ids,
            subjects=lambda: (found.subject_layers, found.subject_ids),
            find_townships=lambda text: {
                keys.get(code, code) for code in township_codes(plan, text)
            },
        )

    @classmethod
    def of_documents(
        cls,
        findings: Sequence[Mapping[str, Any]],
        *,
        rules: Iterable[str],
        parks: Iterable[str],
    ) -> FindingTable:
        """Return the table of saved findings; their townships were not saved."""

        def column(value: Callable[[Mapping[str, Any]], Any], names: Iterable[str] = ()) -> Coded:
            return Coded.of(map(value, findings), names)

        layers = [finding["subject"]["layer"] for finding in findings]
        ids = [finding["subject"]["id"] for finding in findings]
        severity = column(lambda item: item["severity"], SEVERITY_ORDER)
        verdict = column(lambda item: item["verdict"], VERDICT_ORDER)
        set_aside = column(_set_aside_of, SetAside)
        return cls(
            facets={
                "rule": column(lambda item: item["rule_id"], rules),
                "family": column(lambda item: item["family"]),
                "severity": severity,
                "verdict": verdict,
                "park": column(lambda item: item["park_id"], parks),
                "township": column(lambda _: None),
                "basis": column(lambda item: BasisTag(item["basis_tag"]).group, BasisGroup),
                "set_aside": set_aside,
                "worklist": _coded_lists(severity, verdict, set_aside),
            },
            ids=np.array([finding["finding_id"] for finding in findings], dtype=np.str_),
            subjects=lambda: (layers, ids),
            find_townships=lambda _: (),
        )

    def chosen(
        self, query: FindingQuery, fitting: NDArray[np.bool_] | None = None
    ) -> NDArray[np.intp]:
        """Return the positions of the findings that a query means, in its order.

        `fitting` tells which findings fit what the table does not know: words and place.
        """
        mask = self._misses(query) == 0
        if fitting is not None:
            mask &= fitting
        order = self._order(query.sort)
        return np.flatnonzero(mask) if order is None else order[mask[order]]

    def near(self, query: FindingQuery) -> NDArray[np.intp]:
        """Return the positions of findings that fail one filter at most: all that are counted."""
        return np.flatnonzero(self._misses(query) <= 1)

    def counts(self, query: FindingQuery, fitting: NDArray[np.bool_] | None = None) -> FacetCounts:
        """Return how many findings a query means, and how many there are by facet."""
        misses = self._misses(query)
        is_fitting = np.ones(len(self), dtype=bool) if fitting is None else fitting
        by, without = {}, {}
        for name, column in self.facets.items():
            own = self._mask(name, query)
            mask = is_fitting & ((misses == 0) if own is None else (misses == ~own))
            by[name] = column.counts(mask)
            without[name] = int(np.count_nonzero(mask & (column.codes == _NONE)))
        matched = int(np.count_nonzero(is_fitting & (misses == 0)))
        return FacetCounts(matched, by, {name: without[name] for name in ("park", "township")})

    def _misses(self, query: FindingQuery) -> NDArray[np.uint8]:
        """Return how many filters each finding fails."""
        misses = np.zeros(len(self), dtype=np.uint8)
        for name in FACETS:
            mask = self._mask(name, query)
            if mask is not None:
                misses += ~mask
        if query.without_park:
            misses += self.facets["park"].codes != _NONE
        return misses

    def _mask(self, name: str, query: FindingQuery) -> NDArray[np.bool_] | None:
        """Return which findings pass the filter of a facet; None if there is no such filter."""
        value = getattr(query, name)
        if value is None:
            return None
        if name == "township":
            return self.facets[name].among(set(self.find_townships(value)))
        mask = self.facets[name].among({value})
        return mask | self.facets["family"].among({value}) if name == "rule" else mask

    @cached_property
    def layers(self) -> Coded:
        """The column of the layers of the findings' subjects."""
        return Coded.of(map(str, self.subjects()[0]))

    def _order(self, sort: FindingSort) -> NDArray[np.intp] | None:
        """Return the positions in another order; None for the review's own."""
        name = sort.value.removeprefix("-")
        if sort is FindingSort.SEVERITY:
            return None
        return self._orders(name)[::-1] if sort.value.startswith("-") else self._orders(name)

    def _orders(self, name: str) -> NDArray[np.intp]:
        if name not in self._made_orders:
            self._made_orders[name] = np.lexsort(self._keys(name)[::-1])
        return self._made_orders[name]

    @cached_property
    def _made_orders(self) -> dict[str, NDArray[np.intp]]:
        return {}

    def _keys(self, name: str) -> list[NDArray[Any]]:
        """Return what findings are sorted by, the foremost first; lexsort keeps ties in order."""
        if name == "severity":
            return [np.arange(len(self))]
        if name == "verdict":
            is_aside = self.facets["set_aside"].codes != 0
            return [is_aside, self.facets["verdict"].codes, self.facets["severity"].codes]
        if name == "subject":
            return [np.unique(column, return_inverse=True)[1] for column in self.subjects()]
        column = self.facets[name]
        ranks = np.append(np.argsort(np.argsort(column.names)), len(column.names))
        return [ranks[column.codes]]


def boxes_meet(bounds: NDArray[np.float64], bbox: Box) -> NDArray[np.bool_]:
    """Return which rows of bounds (west, south, east, north; NaN for none) meet a box."""
    west, south, east, north = bbox
    met: NDArray[np.bool_] = (
        (bounds[:, 0] <= east)
        & (bounds[:, 2] >= west)
        & (bounds[:, 1] <= north)
        & (bounds[:, 3] >= south)
    )
    return met


def _coded_rules(found: Findings, value: Callable[[Stamp], str], names: Iterable[str]) -> Coded:
    """Return the column of what the stamps of the findings' rules say."""
    return Coded(*found.coded(value)).mapped(str, names)


def _coded_parks(found: Findings, parks: Iterable[str]) -> Coded:
    names = tuple(dict.fromkeys((*parks, *found.by_park)))
    codes = np.full(len(found), _NONE, dtype=np.intp)
    for position, park_id in enumerate(names):
        if park_id in found.by_park:
            codes[found.by_park[park_id]] = position
    return Coded(names, codes)


def _coded_lists(severity: Coded, verdict: Coded, aside: Coded) -> Coded:
    """Return the column of the list that each finding stands in."""
    names = tuple(Worklist)
    lists = np.array(
        [
            [
                [names.index(worklist_of(grave, found, why)) for why in aside.names]
                for found in verdict.names
            ]
            for grave in severity.names
        ],
        dtype=np.intp,
    )
    return Coded(names, lists[severity.codes, verdict.codes, aside.codes])


def _set_aside_of(finding: Mapping[str, Any]) -> SetAside:
    if finding.get("approval"):
        return SetAside.APPROVED
    return SetAside.WAIVED if finding.get("waived") else SetAside.NO
