"""What a project does to a park's focus: share, concentration and verdict before and after.

The project is put into each park as one more enterprise of the latest year, and the parks are
measured and judged again by the very measures and rules of the review's focus family. All
parks are tried at once: no measure shown here and no rule of the family looks beyond one park.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pandas as pd

from geo_service.domain.enterprises import latest_year
from geo_service.model import FocusBasis, Severity, Verdict, park_verdict
from geo_service.zoning.batch import park_ids_of
from geo_service.zoning.check import Case, Shared
from geo_service.zoning.focus import BASIS_COLUMNS
from geo_service.zoning.review import FOCUS_FAMILY

if TYPE_CHECKING:
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rule, Rulebook

TRIAL_ID = "project on trial"


@dataclass(frozen=True, kw_only=True)
class FocusState:
    """How a park keeps to its leading industry; shares are fractions 0 to 1, None if unknown."""

    park_id: str
    share: float | None
    shares: Mapping[FocusBasis, float | None]
    hhi: float | None
    verdicts: FocusVerdicts = field(repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """What the rules of the focus family say of the park; judged when somebody asks."""
        return self.verdicts[self.park_id]


class FocusVerdicts:
    """What the rules of the focus family say of parks in one plan, by park id.

    A ranking is scored by shares alone: verdicts are found when the first one is asked for, and
    the plan is let go then.
    """

    def __init__(self, find: Callable[[], dict[str, Verdict]]) -> None:
        self._find: Callable[[], dict[str, Verdict]] | None = find
        self._found: dict[str, Verdict] = {}
        self._lock = threading.Lock()

    def __getitem__(self, park_id: str) -> Verdict:
        """Return the verdict on a park."""
        return self._all()[park_id]

    def __reduce__(self) -> tuple[type[FocusVerdicts], tuple[Callable[[], dict[str, Verdict]]]]:
        """Travel between processes as what was found."""
        return FocusVerdicts, (_KnownVerdicts(self._all()),)

    def _all(self) -> dict[str, Verdict]:
        with self._lock:
            if self._find is not None:
                self._found, self._find = self._find(), None
            return self._found


@dataclass(frozen=True)
class _KnownVerdicts:
    verdicts: dict[str, Verdict]

    def __call__(self) -> dict[str, Verdict]:
        return self.verdicts


@dataclass(frozen=True, kw_only=True)
class FocusEffect:
    """A park's focus without and with the project, by `basis`."""

    park_id: str
    basis: FocusBasis
    before: FocusState
    after: FocusState

    @property
    def change(self) -> float | None:
        """How much the leading industry's share rises (falls, below 0); None if unknown."""
        if self.before.share is None or self.after.share is None:
            return None
        return self.after.share - self.before.share


def focus_effects(
    plan: Plan,
    project: Project,
    rulebook: Rulebook,
    park_ids: Iterable[str],
    *,
    as_of: date,
) -> dict[str, FocusEffect]:
    """Return the effect of the project on each of the parks, by park id.

    The rules are those of the focus family that are in force on the day; waivers are left
    out, since nobody has waived anything of a project that is not there yet.
    """
    chosen = tuple(park_ids)
    rules = [rule for rule in rulebook.in_force(as_of) if rule.part.family == FOCUS_FAMILY]
    before = _states_now(plan, rulebook, rules, as_of)
    after = _states(Shared(_with_project(plan, project, chosen), as_of), rules, chosen)
    basis = plan.settings.focus_basis
    return {
        park_id: FocusEffect(
            park_id=park_id, basis=basis, before=before[park_id], after=after[park_id]
        )
        for park_id in chosen
    }


_lock = threading.Lock()
_now: WeakKeyDictionary[Plan, tuple[tuple[str, date], dict[str, FocusState]]] = WeakKeyDictionary()


def _states_now(
    plan: Plan, rulebook: Rulebook, rules: Sequence[Rule], as_of: date
) -> dict[str, FocusState]:
    """Return the focus of every park without any project; kept as long as its plan is."""
    asked = (rulebook.version, as_of)
    with _lock:
        cached_states = _now.get(plan)
    if cached_states is None or cached_states[0] != asked:
        parks = plan.frame("parks")["park_id"].tolist()
        states = _states(Shared(plan, as_of), rules, parks)
        _ = [state.verdict for state in states.values()]  # what is kept by plan holds no plan
        cached_states = asked, states
        with _lock:
            _now[plan] = cached_states
    return cached_states[1]


def _states(
    shared: Shared, rules: Sequence[Rule], park_ids: Sequence[str]
) -> dict[str, FocusState]:
    basis = shared.plan.settings.focus_basis
    verdicts = FocusVerdicts(lambda: _verdicts(shared, rules, park_ids))
    return {
        park_id: FocusState(
            park_id=park_id,
            share=shared.focus[park_id].shares[basis],
            shares=shared.focus[park_id].shares,
            hhi=shared.focus[park_id].hhi,
            verdicts=verdicts,
        )
        for park_id in park_ids
    }


def _verdicts(shared: Shared, rules: Sequence[Rule], park_ids: Sequence[str]) -> dict[str, Verdict]:
    heard: dict[str, list[tuple[Severity, Verdict]]] = {park_id: [] for park_id in park_ids}
    selected = frozenset(park_ids)
    for rule in rules if park_ids else ():
        part = rule.part
        case = Case(shared, part.scope, part.tolerance, part.applies_to, selected)
        outcome = rule.check.run(case, rule.parameters)
        for batch in outcome.batches:
            of_batch = (batch.severity or part.severity, batch.verdict)
            for park_id in dict.fromkeys(park_ids_of(batch)):
                if park_id in heard:
                    heard[park_id].append(of_batch)
        for finding in outcome.singles:
            if finding.park_id in heard:
                heard[finding.park_id].append((finding.severity or part.severity, finding.verdict))
    return {park_id: park_verdict(own) for park_id, own in heard.items()}


def amount_of(project: Project, basis: FocusBasis) -> float | None:
    """Return what the project adds to a park by a basis: CNY, m² or 1; None if it does not say."""
    amounts = {
        FocusBasis.OUTPUT: project.output_cny,
        FocusBasis.LAND: project.needs.land_m2,
        FocusBasis.FLOOR_AREA: project.needs.floor_area_m2,
        FocusBasis.ENTERPRISES: 1.0,
    }
    return amounts[basis]


def _with_project(plan: Plan, project: Project, park_ids: Sequence[str]) -> Plan:
    year = latest_year(plan)
    values: dict[str, Any] = {
        "year": as_year(plan) if year is None else year,
        "name": project.name,
        "industry_code": project.industry_code,
        "status": "operating",
        "is_new": True,
        **{column: amount_of(project, basis) for basis, column in BASIS_COLUMNS.items() if column},
    }
    rows = pd.DataFrame(
        {
            "enterprise_id": [f"{TRIAL_ID} {park_id}" for park_id in park_ids],
            "park_id": list(park_ids),
            **{name: [value] * len(park_ids) for name, value in values.items()},
        }
    )
    return plan.with_rows("enterprises", rows, label=f"trial of {project.name}")


def as_year(plan: Plan) -> int:
    """Return the year that a plan without enterprises speaks of."""
    day = plan.settings.data_date
    return day.year if day else 0
