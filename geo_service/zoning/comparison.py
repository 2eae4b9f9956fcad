"""Compare two reviews: what became of each finding, by rule and subject.

A finding that is gone is cured only if the later review's rule ran on the subject and passed it.
Reviews are compared as columns, those read from a file as well as new ones; nothing is made of a
finding that nobody looks at. Leaves out how changes are told (`reports.comparison`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.zoning.comparable import ComparableReview, Group
from geo_service.zoning.distance import Distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.zoning.ran_on import RanOn


class ChangeKind(StrEnum):
    """What became of a finding from one review to another, in the order in which it is told."""

    NEW = "new"
    """The earlier review looked, and found nothing."""
    WORSE = "worse"
    BECAME_UNKNOWN = "became_unknown"
    """The rule cannot be judged any more for lack of data."""
    BETTER = "better"
    CURED = "cured"
    """The later review's rule ran on the subject, and passed it."""
    SUBJECT_GONE = "subject_gone"
    UNCHANGED = "unchanged"
    """Equal, or different by less than measuring is exact."""
    NOT_COMPARED = "not_compared"
    """Only one of the reviews looked at it: `WhyNot` says why."""


class WhyNot(StrEnum):
    """Why a finding is not compared."""

    RULE = "rule"
    """One of the reviews did not apply the rule."""
    PARK = "park"
    """One of the reviews did not look at the park."""
    SUBJECT = "subject"
    """The rule does not apply to the subject in the later review."""
    RECORD = "record"
    """The later review does not record which subjects its rules ran on."""


KINDS = tuple(ChangeKind)
REASONS = tuple(WhyNot)
CHANGES = tuple(kind for kind in KINDS if kind is not ChangeKind.UNCHANGED)
_ON_EARLIER_ONLY = frozenset({ChangeKind.CURED, ChangeKind.SUBJECT_GONE})
_NOWHERE = -1


@dataclass(frozen=True)
class Change:
    """What became of one finding; `before` and `after` are its positions in the reviews."""

    kind: ChangeKind
    before: int | None
    after: int | None
    reason: WhyNot | None = None


@dataclass(frozen=True)
class Comparison:
    """What became of every finding of two reviews, as columns; each stands in one row.

    Rows are in the order of `ChangeKind`, those of a kind in that of their review.
    """

    kinds: NDArray[np.int8]
    """Positions in `KINDS`."""
    before: NDArray[np.intp]
    """Position in the earlier review, -1 for a finding that is not there."""
    after: NDArray[np.intp]
    reasons: NDArray[np.int8]
    """Positions in `REASONS`, -1 for a finding that is compared."""
    sizes: tuple[int, int]
    """How many findings each review has."""

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        counted = np.bincount(self.kinds, minlength=len(KINDS)).tolist()
        return {kind.value: count for kind, count in zip(KINDS, counted, strict=True)}

    def changes(
        self, kinds: Iterable[ChangeKind] = CHANGES, *, limit: int | None = None
    ) -> Iterator[Change]:
        """Yield the changes of these kinds, of each kind the first ones if there is a limit."""
        for kind in kinds:
            for row in np.flatnonzero(self.kinds == KINDS.index(kind))[:limit].tolist():
                yield self._change(row)

    def _change(self, row: int) -> Change:
        before, after, reason = (
            None if column[row] == _NOWHERE else int(column[row])
            for column in (self.before, self.after, self.reasons)
        )
        return Change(
            KINDS[self.kinds[row]], before, after, None if reason is None else REASONS[reason]
        )

    def kinds_of_findings(self) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Return the kind of each finding of the earlier review, and of the later one."""
        found = []
        for size, at in zip(self.sizes, (self.before, self.after), strict=True):
            kinds = np.empty(size, dtype=np.int8)
            is_there = at != _NOWHERE
            kinds[at[is_there]] = self.kinds[is_there]
            found.append(kinds)
        return found[0], found[1]


def is_on_earlier_only(kind: ChangeKind) -> bool:
    """Return whether a finding of a kind stands in the earlier review alone."""
    return kind in _ON_EARLIER_ONLY


def compare_reviews(before: ComparableReview, after: ComparableReview) -> Comparison:
    """Return what became of each finding of two reviews.

    Findings are paired by rule and subject: those of one id first, then those that remain of the
    same rule on the same subject, in their order. A pair is worse or better by whether it counts,
    its verdict, its severity, else by the distance of its measure from its threshold.
    """
    pairs, alone_before, alone_after = _paired(before, after)
    parts = [
        _of_pairs(before, after, *pairs),
        _of_new(before, after, alone_after),
        _of_gone(before, after, alone_before),
    ]
    joined = [np.concatenate(columns) for columns in zip(*map(_columns, parts), strict=True)]
    kinds, at_before, at_after, reasons = joined
    order = np.lexsort((np.where(at_after == _NOWHERE, at_before, at_after), kinds))
    return Comparison(
        kinds[order],
        at_before[order],
        at_after[order],
        reasons[order],
        (len(before), len(after)),
    )


@dataclass(frozen=True)
class _Rows:
    kinds: NDArray[np.int8]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    reasons: NDArray[np.int8]


def _columns(rows: _Rows) -> list[NDArray[Any]]:
    return [getattr(rows, field.name) for field in fields(rows)]


def _paired(
    before: ComparableReview, after: ComparableReview
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp], NDArray[np.intp]]:
    """Return the positions of pairs in both reviews, and of what is alone in each."""
    _, one, other = np.intersect1d(before.ids, after.ids, return_indices=True)
    left_before = np.setdiff1d(np.arange(len(before)), one)
    left_after = np.setdiff1d(np.arange(len(after)), other)
    waiting: dict[Group, list[int]] = defaultdict(list)
    for position in left_before.tolist():
        waiting[before.group_of(position)].append(position)
    more_before, more_after = [], []
    for position in left_after.tolist():
        own = waiting.get(after.group_of(position))
        if own:
            more_before.append(own.pop(0))
            more_after.append(position)
    pairs = (
        np.concatenate([one, np.array(more_before, dtype=np.intp)]).astype(np.intp),
        np.concatenate([other, np.array(more_after, dtype=np.intp)]).astype(np.intp),
    )
    return (
        pairs,
        np.setdiff1d(left_before, np.array(more_before, dtype=np.intp)),
        np.setdiff1d(left_after, np.array(more_after, dtype=np.intp)),
    )


def _of_pairs(
    before: ComparableReview,
    after: ComparableReview,
    at_before: NDArray[np.intp],
    at_after: NDArray[np.intp],
) -> _Rows:
    steps = np.sign(after.grades(at_after) - before.grades(at_before)).astype(np.int8)
    is_level = np.flatnonzero(steps == 0)
    steps[is_level] = Distances.of(before.measures(at_before[is_level])).steps_to(
        Distances.of(after.measures(at_after[is_level]))
    )
    kinds = np.full(len(steps), KINDS.index(ChangeKind.UNCHANGED), dtype=np.int8)
    kinds[steps > 0] = KINDS.index(ChangeKind.WORSE)
    kinds[steps < 0] = KINDS.index(ChangeKind.BETTER)
    is_lost = after.is_unknown()[at_after] & ~before.is_unknown()[at_before]
    kinds[is_lost] = KINDS.index(ChangeKind.BECAME_UNKNOWN)
    return _Rows(kinds, at_before, at_after, np.full(len(kinds), _NOWHERE, dtype=np.int8))


def _of_new(before: ComparableReview, after: ComparableReview, at: NDArray[np.intp]) -> _Rows:
    """Return what findings are that the earlier review does not have."""
    known = _groups(before)
    covered = _covered(before.ran_on, after, at)
    is_unknown = after.is_unknown()
    kinds, reasons = [], []
    for position, was_covered in zip(at.tolist(), covered.tolist(), strict=True):
        is_on_known = after.group_of(position) in known
        reason = None
        if after.rule_ids[position] not in before.rules:
            reason = WhyNot.RULE
        elif not (is_on_known or was_covered or before.has_looked(after.park_ids[position])):
            reason = WhyNot.PARK
        kind = ChangeKind.WORSE if is_on_known else ChangeKind.NEW
        if reason is not None:
            kind = ChangeKind.NOT_COMPARED
        elif is_unknown[position] and (is_on_known or was_covered):
            kind = ChangeKind.BECAME_UNKNOWN
        kinds.append(kind)
        reasons.append(reason)
    return _rows(kinds, reasons, np.full(len(at), _NOWHERE, dtype=np.intp), at)


def _of_gone(before: ComparableReview, after: ComparableReview, at: NDArray[np.intp]) -> _Rows:
    """Return what became of findings that the later review does not have."""
    later = _groups(after)
    covered = _covered(after.ran_on, before, at)
    exists = _existing(after.ran_on, before, at)
    kinds, reasons = [], []
    for position, is_covered, is_there in zip(
        at.tolist(), covered.tolist(), exists.tolist(), strict=True
    ):
        group, park_id = before.group_of(position), before.park_ids[position]
        kind, reason = ChangeKind.NOT_COMPARED, None
        if group[0] not in after.rules:
            reason = WhyNot.RULE
        elif group in later:
            kind = ChangeKind.BECAME_UNKNOWN if later[group] else ChangeKind.BETTER
        elif after.ran_on is None:
            reason = WhyNot.RECORD if after.has_looked(park_id) else WhyNot.PARK
        elif not is_there:
            kind = ChangeKind.SUBJECT_GONE
        elif is_covered:
            kind = ChangeKind.CURED
        else:
            reason = WhyNot.SUBJECT if after.has_looked(park_id) else WhyNot.PARK
        kinds.append(kind)
        reasons.append(reason)
    return _rows(kinds, reasons, at, np.full(len(at), _NOWHERE, dtype=np.intp))


def _rows(
    kinds: Sequence[ChangeKind],
    reasons: Sequence[WhyNot | None],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
) -> _Rows:
    return _Rows(
        np.array([KINDS.index(kind) for kind in kinds], dtype=np.int8),
        before,
        after,
        np.array(
            [_NOWHERE if reason is None else REASONS.index(reason) for reason in reasons],
            dtype=np.int8,
        ),
    )


def _groups(review: ComparableReview) -> dict[Group, bool]:
    """Return the rules and subjects of findings, each with whether it is unknown and no more."""
    found: dict[Group, bool] = {}
    keys = zip(review.rule_ids, review.layers, review.subject_ids, strict=True)
    for group, is_unknown in zip(keys, review.is_unknown().tolist(), strict=True):
        found[group] = is_unknown and found.get(group, True)
    return found


def _covered(
    ran_on: RanOn | None, review: ComparableReview, at: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return for which findings a record says that their rule ran on their subject."""

    def ask(record: RanOn, rule_id: str, layer: str, ids: Sequence[str]) -> NDArray[np.bool_]:
        return record.covers(rule_id, layer, ids)

    return _asked(ran_on, review, at, ask)


def _existing(
    ran_on: RanOn | None, review: ComparableReview, at: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return for which findings a record's plan has the subject."""

    def ask(record: RanOn, _: str, layer: str, ids: Sequence[str]) -> NDArray[np.bool_]:
        return record.has(layer, ids)

    return _asked(ran_on, review, at, ask)


def _asked(
    ran_on: RanOn | None,
    review: ComparableReview,
    at: NDArray[np.intp],
    ask: Callable[[RanOn, str, str, Sequence[str]], NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Return what a record answers, asked once for all subjects of a rule and layer."""
    found = np.zeros(len(at), dtype=bool)
    if ran_on is None:
        return found
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, position in enumerate(at.tolist()):
        together[review.rule_ids[position], review.layers[position]].append(row)
    for (rule_id, layer), rows in together.items():
        found[rows] = ask(ran_on, rule_id, layer, review.subject_ids[at[rows]].tolist())
    return found
