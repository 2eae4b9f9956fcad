"""Review a plan again that differs little from one reviewed before.

What a rule said stays where it read nothing that changed. A rule that judges park by park judges
the part that the change reaches twice, as it was and as it is: the first leaves, the second
joins. All others are run again in full. The result is that of a review in full, to the last digit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.zoning.check import Case, Outcome, Part, Shared
from geo_service.zoning.reach import PlanChange, Reached, reached
from geo_service.zoning.reads import RuleReach, layers_to_judge, reading_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from geo_service.zoning.batch import RawBatch, RawFinding
    from geo_service.zoning.rulebook import Rule, Rulebook

Parks = Counter[str | None]
"""How many things there are, by their park."""
_MANY_PARCELS = 20_000
_MOST_PARKS = 0.5
"""A change that reaches more than this share of the parks is reviewed in full."""


@dataclass(frozen=True)
class ReviewMemory:
    """What a review keeps, so that the next one of a similar plan need not begin anew."""

    shared: Shared
    rulebook: Rulebook
    selected: frozenset[str] | None
    outcomes: Mapping[str, Outcome]


def case_of(
    rule: Rule, shared: Shared, selected: frozenset[str] | None, part: Part | None = None
) -> Case:
    """Return the case that a rule puts to a plan."""
    own = rule.part
    return Case(shared, own.scope, own.tolerance, own.applies_to, selected, part)


class Renewal:
    """The outcomes of rules on a plan, given those on an earlier one."""

    def __init__(self, earlier: ReviewMemory, shared: Shared) -> None:
        self._earlier = earlier
        self._shared = shared

    @classmethod
    def of(
        cls,
        earlier: ReviewMemory | None,
        shared: Shared,
        rulebook: Rulebook,
        selected: frozenset[str] | None,
    ) -> Renewal | None:
        """Return what renews outcomes; None if the earlier ones do not bear on this review."""
        if earlier is None or not _is_alike(earlier.shared, shared):
            return None
        is_same = earlier.rulebook is rulebook or earlier.rulebook.version == rulebook.version
        return cls(earlier, shared) if is_same and earlier.selected == selected else None

    def outcome(self, rule: Rule) -> Outcome | None:
        """Return a rule's outcome on the plan; None if it has to be run in full."""
        before = self._earlier.outcomes.get(rule.rule_id)
        if before is None:
            return None
        reads, reach = reading_of(rule)
        if not self._change.touches(reads):
            return before
        if reads is None or reach is RuleReach.PLAN or not self._change.is_by_rows(reads):
            return None
        if reach is RuleReach.ROW:
            return self._by_row(rule, before)
        return self._by_park(rule, before)

    def may_alter(self, rule: Rule, parks: Collection[str | None]) -> bool:
        """Return whether a rule may say other things of these parks than on the earlier plan.

        None stands for what lies in no park. True where nobody knows.
        """
        before = self._earlier.outcomes.get(rule.rule_id)
        if before is None:
            return True
        reads, reach = reading_of(rule)
        if not self._change.touches(reads):
            return False
        if before.facts or reads is None or reach is not RuleReach.PARK:
            return True
        if not self._change.is_by_rows(reads) or not self._reached.is_in_parks:
            return True
        return not self._reached.parks.isdisjoint(parks)

    def _by_park(self, rule: Rule, before: Outcome) -> Outcome | None:
        found = self._reached
        if len(found.parks) > _MOST_PARKS * len(self._shared.plan.frame("parks")):
            return None
        if found.is_in_parks and not before.facts:
            return self._by_whole_parks(rule, before)
        selected = self._earlier.selected

        def count_before(name: str, _: Parks) -> int:
            return before.counts[name].total()

        part = Part(parks=found.parks, changed={}, count=count_before)
        old = rule.check.run(case_of(rule, found.before, selected, part), rule.parameters)

        def count(name: str, here: Parks) -> int:
            return before.counts[name].total() - old.counts[name].total() + here.total()

        part = Part(parks=found.parks, changed={}, count=count)
        new = rule.check.run(case_of(rule, found.after, selected, part), rule.parameters)
        return _exchanged(before, old, new)

    def _by_whole_parks(self, rule: Rule, before: Outcome) -> Outcome:
        """Return an outcome in which all that is said of some parks is replaced."""
        found = self._reached
        layers = layers_to_judge(rule, self._change.touches)
        if any(before.below[park_id] for park_id in found.parks):
            layers = None  # nobody knows of which layer's subjects

        def count(name: str, here: Parks) -> int:
            # Where only some layers are judged again, no layer has other subjects than before.
            counts = before.counts[name]
            return (_replaced(counts, here, found.parks) if layers is None else counts).total()

        part = Part(parks=found.parks, changed={}, count=count, layers=layers)
        case = case_of(rule, found.after, self._earlier.selected, part)
        new = rule.check.run(case, rule.parameters)
        return _with_parks(before, new, found.parks, layers)

    def _by_row(self, rule: Rule, before: Outcome) -> Outcome | None:
        every = frozenset(self._shared.plan.frame("parks")["park_id"])
        found = []
        for shared, side in ((self._earlier.shared, "before"), (self._shared, "after")):
            changed: dict[str, NDArray[np.intp]] = {
                name: getattr(change, side)
                for name, change in self._change.layers.items()
                if change is not None
            }
            part = Part(parks=every, changed=changed)
            case = case_of(rule, shared, self._earlier.selected, part)
            found.append(rule.check.run(case, rule.parameters))
        return _exchanged(before, found[0], found[1])

    @cached_property
    def _change(self) -> PlanChange:
        return PlanChange.between(self._earlier.shared.plan, self._shared.plan)

    @cached_property
    def _reached(self) -> Reached:
        return reached(self._change, self._earlier.shared, self._shared)


class Judges:
    """What rules say of a plan: renewed where that is possible, else anew.

    A rule on pairs of many features, which takes long and mostly outside of Python, is put to the
    plan in another thread while the others are.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        shared: Shared,
        selected: frozenset[str] | None,
        renewal: Renewal | None,
    ) -> None:
        self._shared = shared
        self._selected = selected
        self._renewal = renewal
        self._ahead: dict[str, Future[Outcome]] = {}
        if renewal is None and len(shared.plan.frame("parcels")) >= _MANY_PARCELS:
            pool = ThreadPoolExecutor(1)
            for rule in rules:
                if reading_of(rule)[1] is RuleReach.ROW:
                    self._ahead[rule.rule_id] = pool.submit(self._run, rule)
            pool.shutdown(wait=False)

    def outcome(self, rule: Rule) -> Outcome:
        """Return what a rule says."""
        if rule.rule_id in self._ahead:
            return self._ahead[rule.rule_id].result()
        renewed = None if self._renewal is None else self._renewal.outcome(rule)
        return self._run(rule) if renewed is None else renewed

    def _run(self, rule: Rule) -> Outcome:
        return rule.check.run(case_of(rule, self._shared, self._selected), rule.parameters)


def _is_alike(one: Shared, other: Shared) -> bool:
    """Return whether two plans are of one county, with the same settings, on the same day."""
    return one.as_of == other.as_of and (
        one.plan.settings is other.plan.settings or one.plan.settings == other.plan.settings
    )


def _exchanged(before: Outcome, old: Outcome, new: Outcome) -> Outcome:
    """Return an outcome in which what was said of a part is replaced."""
    gone = _identities(old)
    facts = {key: value for key, value in before.facts.items() if key not in old.facts}
    return Outcome(
        singles=[*_kept_singles(before.singles, gone), *new.singles],
        batches=[*_kept_batches(before.batches, gone), *new.batches],
        judged=_balance(before.judged, old.judged, new.judged),
        below=_balance(before.below, old.below, new.below),
        facts=facts | new.facts,
        looked_at=before.looked_at.exchanged(old.looked_at, new.looked_at),
        counts={
            name: _balance(before.counts[name], old.counts[name], new.counts[name])
            for name in before.counts
        },
    )


def _balance(before: Parks, old: Parks, new: Parks) -> Parks:
    found = Counter(before)
    found.subtract(old)
    found.update(new)
    return +found


def _with_parks(
    before: Outcome, new: Outcome, parks: frozenset[str], layers: frozenset[str] | None
) -> Outcome:
    """Return an outcome in which what was said of some parks is replaced.

    Given layers, only what was said of their features is, and there are as many as before.
    """
    singles = [
        item
        for item in before.singles
        if item.park_id not in parks or not (layers is None or item.subject.layer in layers)
    ]
    singles += [item for item in new.singles if item.park_id in parks]
    batches = []
    for batches_of, is_new in ((before.batches, False), (new.batches, True)):
        for batch in batches_of:
            if not is_new and layers is not None and batch.layer not in layers:
                batches.append(batch)
                continue
            inside = pd.Series(np.asarray(batch.park_ids, dtype=object)).isin(parks)
            kept = inside.to_numpy(dtype=bool) == is_new
            if kept.all():
                batches.append(batch)
            elif kept.any():
                batches.append(batch.of(np.flatnonzero(kept)))
    if layers is not None:
        below = _replaced(before.below, new.below, parks)
        return replace(before, singles=singles, batches=batches, below=below)
    return Outcome(
        singles=singles,
        batches=batches,
        judged=_replaced(before.judged, new.judged, parks),
        below=_replaced(before.below, new.below, parks),
        looked_at=before.looked_at.with_parks(new.looked_at, parks),
        counts={
            name: _replaced(before.counts[name], new.counts[name], parks) for name in before.counts
        },
    )


def _replaced(before: Parks, new: Parks, parks: frozenset[str]) -> Parks:
    found = Counter({park_id: count for park_id, count in before.items() if park_id not in parks})
    found.update({park_id: new[park_id] for park_id in parks if new[park_id]})
    return found


_Gone = Mapping[tuple[str, str], set[Any]]
"""Ids of subjects by layer and key of the finding."""


def _identities(outcome: Outcome) -> _Gone:
    found: dict[tuple[str, str], set[Any]] = {}
    for item in outcome.singles:
        found.setdefault((item.subject.layer, item.key), set()).add(item.subject.id)
    for batch in outcome.batches:
        found.setdefault((batch.layer, batch.key), set()).update(batch.subject_ids)
    return found


def _kept_singles(singles: list[RawFinding], gone: _Gone) -> list[RawFinding]:
    if not gone:
        return singles
    none: set[Any] = set()
    return [
        item
        for item in singles
        if item.subject.id not in gone.get((item.subject.layer, item.key), none)
    ]


def _kept_batches(batches: list[RawBatch], gone: _Gone) -> list[RawBatch]:
    kept = []
    for batch in batches:
        ids = gone.get((batch.layer, batch.key))
        if not ids:
            kept.append(batch)
            continue
        own = pd.Series(np.asarray(batch.subject_ids, dtype=object))
        is_gone = own.isin(ids).to_numpy(dtype=bool)
        if not is_gone.any():
            kept.append(batch)
        elif not is_gone.all():
            kept.append(batch.of(np.flatnonzero(~is_gone)))
    return kept
