"""Review a plan again that differs little from one reviewed before.

What a rule said stays where it read nothing that changed. A rule that judges park by park judges
the part that the change reaches twice, as it was and as it is: the first leaves, the second
joins. All others are run again in full. The result is that of a review in full, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.zoning.check import Case, Outcome, Part, Shared
from geo_service.zoning.reach import PlanChange, Reached, reached
from geo_service.zoning.reads import Reach, reading_of

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from geo_service.zoning.batch import RawBatch, RawFinding
    from geo_service.zoning.rulebook import Rule, Rulebook

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
        if reads is None or reach is Reach.PLAN or not self._change.is_by_rows(reads):
            return None
        if reach is Reach.ROW:
            return self._by_row(rule, before)
        return self._by_park(rule, before)

    def _by_park(self, rule: Rule, before: Outcome) -> Outcome | None:
        part = self._reached
        if len(part.parks) > _MOST_PARKS * len(self._shared.plan.frame("parks")):
            return None
        selected = self._earlier.selected
        old_part = Part(parks=part.parks, changed={}, count=lambda name, _: before.counts[name])
        old = rule.check.run(case_of(rule, part.before, selected, old_part), rule.parameters)

        def count(name: str, here: int) -> int:
            return before.counts[name] - old.counts_here[name] + here

        new_part = Part(parks=part.parks, changed={}, count=count)
        new = rule.check.run(case_of(rule, part.after, selected, new_part), rule.parameters)
        return _renewed(before, old, new, part.parks)

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
        return _renewed(before, found[0], found[1], frozenset())

    @cached_property
    def _change(self) -> PlanChange:
        return PlanChange.between(self._earlier.shared.plan, self._shared.plan)

    @cached_property
    def _reached(self) -> Reached:
        return reached(self._change, self._earlier.shared, self._shared)


def _is_alike(one: Shared, other: Shared) -> bool:
    """Return whether two plans are of one county, with the same settings, on the same day."""
    return one.as_of == other.as_of and (
        one.plan.settings is other.plan.settings or one.plan.settings == other.plan.settings
    )


def _renewed(before: Outcome, old: Outcome, new: Outcome, parks: frozenset[str]) -> Outcome:
    """Return an outcome in which what was said of a part is replaced."""
    gone = _identities(old)
    facts = {key: value for key, value in before.facts.items() if key not in old.facts}
    return replace(
        before,
        singles=[*_kept_singles(before.singles, gone), *new.singles],
        batches=[*_kept_batches(before.batches, gone), *new.batches],
        checked=before.checked - old.checked + new.checked,
        parks={park_id for park_id in before.parks if park_id not in parks} | new.parks,
        below_tolerance=before.below_tolerance - old.below_tolerance + new.below_tolerance,
        facts=facts | new.facts,
        counts={**before.counts, **new.counts},
        counts_here={},
    )


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
