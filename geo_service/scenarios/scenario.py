"""A scenario: a base, and an ordered list of edits; applied, it gives a plan.

>>> import geo_service as gs
>>> plan = gs.open_plan("layers/yunyang")
>>> edit = {"op": "close_enterprise", "enterprise_id": "YY-E-M01-001", "reason": "moves away"}
>>> scenario = gs.scenario(plan, [edit])
>>> scenario.plan.version == plan.version
False
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.errors import NotFoundError
from geo_service.scenarios.apply import Applied, apply_edits
from geo_service.scenarios.edits import EditPart, PlaceProject, deed, edit_document
from geo_service.scenarios.steps.projects import with_ground
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.plan import Plan

_ID_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioBase:
    """The plan that a scenario begins with, by the versions of its layers."""

    plan_version: str
    layers: Mapping[str, str] = field(default_factory=dict)

    def differing(self, plan: Plan) -> list[str]:
        """Return the layers of a plan that are not what the base has."""
        kept = plan.kept_as
        now = kept.layers
        if not self.layers:
            return [] if kept.plan == self.plan_version else sorted(now)
        names = sorted({*self.layers, *now})
        return [name for name in names if self.layers.get(name) != now.get(name)]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A base plan and an ordered list of edits; everything that takes a plan takes a scenario."""

    name: str
    edits: tuple[EditPart, ...]
    reason: str = ""
    base: ScenarioBase | None = None
    base_plan: Plan | None = field(default=None, compare=False, repr=False)
    """The plan that `plan` is made of; None for a scenario that was only read."""

    @cached_property
    def applied(self) -> Applied:
        """What the edits do to the base plan; raises ScenarioError where one cannot be made."""
        if self.base_plan is None:
            raise NotFoundError(said("problem.scenario_without_plan"))
        return apply_edits(self.base_plan, self.edits)

    @property
    def plan(self) -> Plan:
        """The base plan with the edits made."""
        return self.applied.plan

    @property
    def enabled(self) -> tuple[EditPart, ...]:
        """The edits that are not switched off."""
        return tuple(edit for edit in self.edits if edit.enabled)

    def apply(self, plan: Plan) -> Plan:
        """Return a plan with the edits made; raises ScenarioError where one cannot be.

        What the edits saw is not asked: a plan that has moved on is for `rebase`.
        """
        return apply_edits(plan, self.edits).plan

    def with_edits(self, edits: Sequence[EditPart], *, is_strict: bool = False) -> Scenario:
        """Return a scenario of other edits on the same base, checked, with what they see."""
        if self.base_plan is None:
            raise NotFoundError(said("problem.scenario_without_plan"))
        applied, seeing = _applied(self.base_plan, edits, is_strict=is_strict)
        made = replace(self, edits=seeing)
        made.__dict__["applied"] = applied  # of the same edits: they are not made again
        return made

    def without(self, *edit_ids: str) -> Scenario:
        """Return a scenario without some edits; raises ScenarioError where others need them."""
        return self.with_edits([edit for edit in self.edits if edit.edit_id not in edit_ids])

    def position(self, edit_id: str) -> int:
        """Return where an edit stands in the list; NotFoundError for an unknown id."""
        for position, edit in enumerate(self.edits):
            if edit.edit_id == edit_id:
                return position
        raise NotFoundError(said("problem.no_edit", edit=repr(edit_id[:80])))

    def document(self) -> dict[str, Any]:
        """Return the scenario as JSON values: what `scenario export` writes."""
        told: dict[str, Any] = {"name": self.name}
        if self.base is not None:
            told["base"] = base_document(self.base)
        return {**told, "reason": self.reason, "edits": [edit_document(one) for one in self.edits]}


def base_document(base: ScenarioBase) -> dict[str, Any]:
    """Return a base as JSON values."""
    return {"plan_version": base.plan_version, "layers": dict(sorted(base.layers.items()))}


def base_of(plan: Plan) -> ScenarioBase:
    """Return what names a plan as the base of scenarios."""
    kept = plan.kept_as
    return ScenarioBase(plan_version=kept.plan, layers=kept.layers)


def make_scenario(
    plan: Plan,
    edits: Sequence[EditPart],
    *,
    name: str = "",
    reason: str = "",
    at: datetime | None = None,
) -> Scenario:
    """Return a scenario on a plan, every edit checked and complete.

    Ids that are missing are made of the edits themselves, so that the same list has the same ids
    on every machine; times that are missing are `at`, else now. An edit that says what it saw is
    refused where the plan has something else.
    """
    made = Scenario(name=name, edits=(), reason=reason, base=base_of(plan), base_plan=plan)
    return made.with_edits(stamped(edits, at=at), is_strict=True)


def stamped(
    edits: Sequence[EditPart], *, at: datetime | None = None, taken: Sequence[str] = ()
) -> list[EditPart]:
    """Return edits with an id and a time each; ids that are `taken` are not given again."""
    moment = (at or datetime.now(UTC)).replace(microsecond=0)
    known = {*taken, *(edit.edit_id for edit in edits if edit.edit_id)}
    found = []
    for number, edit in enumerate(edits):
        more: dict[str, Any] = {}
        if edit.edit_id is None:
            more["edit_id"] = _new_edit_id(edit, number, known)
            known.add(more["edit_id"])
        if edit.at is None:
            more["at"] = moment
        found.append(edit.model_copy(update=more) if more else edit)
    return found


def _new_edit_id(edit: EditPart, number: int, known: set[str]) -> str:
    told = orjson.dumps([number, deed(edit), edit.reason], option=orjson.OPT_SORT_KEYS)
    salt = 0
    while True:
        digest = hashlib.sha256(told + str(salt).encode() * bool(salt)).hexdigest()
        found = f"e{digest[:_ID_DIGITS]}"
        if found not in known:
            return found
        salt += 1


def complete(plan: Plan, edits: Sequence[EditPart]) -> tuple[EditPart, ...]:
    """Return edits with what each sees on a plan, in their order.

    Raises ScenarioError where an edit that is switched on cannot be made.
    """
    return _applied(plan, edits)[1]


def _applied(
    plan: Plan, edits: Sequence[EditPart], *, is_strict: bool = False
) -> tuple[Applied, tuple[EditPart, ...]]:
    ready = [with_ground(plan, one) if isinstance(one, PlaceProject) else one for one in edits]
    applied = apply_edits(plan, ready, is_strict=is_strict)
    seeing = tuple(
        edit.model_copy(update={"expects": applied.seen.get(edit.edit_id or "", edit.expects)})
        for edit in ready
    )
    return applied, seeing
