"""Scenarios side by side, and beside the plan: verdicts, measures, costs, and what is in one only.

>>> import geo_service as gs
>>> plan = gs.open_plan("layers/yunyang")
>>> one = {"op": "set_leading_industry", "park_id": "YY-B-08", "leading_industry": "18",
...        "reason": "garments"}
>>> a, b = gs.scenario(plan, [one], name="a"), gs.scenario(plan, [], name="b")
>>> list(gs.compare([a, b]).verdicts.columns)
['name', 'plan', 'a', 'b']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from geo_service.errors import InvalidQueryError
from geo_service.scenarios.differences import CHANGING, FindingChange, find_changes
from geo_service.scenarios.figures import COSTS, MEASURES, costs_of, measures_of
from geo_service.scenarios.judging import Judge
from geo_service.wording import said
from geo_service.zoning.review import review

if TYPE_CHECKING:
    from geo_service.scenarios.scenario import Scenario
    from geo_service.zoning.review import Review

FEWEST, MOST = 1, 4
PLAN = "plan"
"""What the column of the plan itself is called."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """One column of a comparison: the plan itself, or a scenario, with its review."""

    key: str
    name: str
    review: Review
    base: Review
    """The review of the plan that the scenario begins with; of the plan, its own."""
    scenario: Scenario | None = None

    @cached_property
    def changes(self) -> tuple[FindingChange, ...]:
        """What becomes of findings from the scenario's base."""
        return tuple(one for one in find_changes(self.base, self.review) if one.kind in CHANGING)

    @cached_property
    def measures(self) -> Mapping[str, float | None]:
        """The figures of its plan."""
        return measures_of(self.review)

    @cached_property
    def costs(self) -> Mapping[str, float]:
        """What it asks for; nothing, for the plan itself."""
        return dict.fromkeys(COSTS, 0.0) if self.scenario is None else costs_of(self.scenario)


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Alternatives compared; the frames have a column for each, by its key."""

    alternatives: tuple[Alternative, ...]

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """The verdict on each park (index `park_id`); None where there is no such park."""
        names: dict[str, str] = {}
        for one in self.alternatives:
            parks = one.review.plan.frame("parks")
            names |= dict(zip(parks["park_id"], parks["name"], strict=True))
        frame = pd.DataFrame({"name": pd.Series(names, dtype="object")})
        frame.index.name = "park_id"
        for one in self.alternatives:
            told = {park: verdict.value for park, verdict in one.review.park_verdicts.items()}
            frame[one.key] = pd.Series(
                [told.get(park) for park in names], index=frame.index, dtype="object"
            )
        return frame

    @cached_property
    def differing(self) -> pd.DataFrame:
        """The rows of `verdicts` on which not all agree."""
        keys = [one.key for one in self.alternatives]
        rows = self.verdicts[keys].fillna("")
        differs = rows.ne(rows[keys[0]], axis=0).any(axis=1)
        return self.verdicts[differs]

    @cached_property
    def measures(self) -> pd.DataFrame:
        """The figures of each alternative (index `measure`)."""
        return self._table(MEASURES, {one.key: one.measures for one in self.alternatives})

    @cached_property
    def costs(self) -> pd.DataFrame:
        """What each alternative asks for (index `cost`)."""
        return self._table(COSTS, {one.key: one.costs for one in self.alternatives})

    def _table(
        self, rows: Sequence[str], values: Mapping[str, Mapping[str, float | None]]
    ) -> pd.DataFrame:
        table = {key: [told[row] for row in rows] for key, told in values.items()}
        return pd.DataFrame(table, index=pd.Index(rows), dtype="float64")

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What becomes of each finding that any alternative changes: a row each, a kind or None.

        Index `finding_id`; `rule_id`, `subject_layer`, `subject_id`, `park_id` say what it is.
        """
        rows: dict[str, dict[str, str | None]] = {}
        for one in self.alternatives:
            for change in one.changes:
                finding = change.finding
                row = rows.setdefault(
                    change.key,
                    {
                        "rule_id": finding.rule_id,
                        "subject_layer": finding.subject.layer,
                        "subject_id": finding.subject.id,
                        "park_id": finding.park_id,
                    },
                )
                row[one.key] = change.kind.value
        columns = ["rule_id", "subject_layer", "subject_id", "park_id"]
        columns += [one.key for one in self.alternatives if one.scenario is not None]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).sort_index()
        frame.index.name = "finding_id"
        return frame

    def only_in(self, key: str) -> tuple[FindingChange, ...]:
        """Return the changes that one alternative alone brings about."""
        others = {
            (change.key, change.kind)
            for one in self.alternatives
            if one.key != key
            for change in one.changes
        }
        mine = next(one for one in self.alternatives if one.key == key)
        return tuple(one for one in mine.changes if (one.key, one.kind) not in others)


def check_count(count: int) -> None:
    """Raise InvalidQueryError unless so many scenarios can stand side by side."""
    if not FEWEST <= count <= MOST:
        parameter = "ids"
        raise InvalidQueryError(parameter, said("problem.compare_count", most=MOST))


def compare_scenarios(scenarios: Sequence[Scenario]) -> SideBySide:
    """Return scenarios beside each other and beside the plan of the first, by the county's rules.

    Raises InvalidQueryError for more than four, ScenarioError where an edit cannot be made.
    """
    check_count(len(scenarios))
    judges: dict[str, Judge] = {}
    found: list[Alternative] = []
    for number, one in enumerate(scenarios):
        base = one.applied.bench.plan
        if base.version not in judges:
            judges[base.version] = Judge(review(base))
        judge = judges[base.version]
        if not found:
            found.append(Alternative(key=PLAN, name=PLAN, review=judge.base, base=judge.base))
        key = _free_key(one.name or f"scenario {number + 1}", found)
        found.append(
            Alternative(
                key=key, name=one.name, review=judge.review(one.plan), base=judge.base, scenario=one
            )
        )
    return SideBySide(alternatives=tuple(found))


def _free_key(name: str, taken: Sequence[Alternative]) -> str:
    known = {one.key for one in taken}
    key, number = name, 2
    while key in known:
        key, number = f"{name} ({number})", number + 1
    return key
