"""A proposal: the layout that was found for goals, with everything that is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_service.industry import belongs_to, classification
from geo_service.language import Language, Translator
from geo_service.layout.solver import Status
from geo_service.model import Message, Verdict

if TYPE_CHECKING:
    from datetime import date

    from geo_service.layout.alternatives import OtherLayout
    from geo_service.layout.conflict import ClashingSet
    from geo_service.layout.evaluate import Evaluation, ParkFigures
    from geo_service.layout.explain import Why
    from geo_service.layout.firm import Firmness
    from geo_service.layout.front import FrontPoint
    from geo_service.layout.goals import Goals
    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.options import LayoutOptions
    from geo_service.layout.replacement import Replacement
    from geo_service.layout.solve import FoundLayout
    from geo_service.plan import Plan
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rulebook

Verdicts = Mapping[Verdict, int]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What was found for goals in a plan: a layout, or why there is none.

    `decision` is None if no layout meets the goals; `conflict` then says which requirements
    clash.
    """

    layout_id: str
    options: LayoutOptions
    found: FoundLayout
    decision: Decision | None
    before: Evaluation
    after: Evaluation | None
    specialities: Mapping[str, str] = field(default_factory=dict)
    """The speciality proposed for each park that gets another leading industry."""
    why: Mapping[tuple[str, str], Why] = field(default_factory=dict)
    """Why each decision was made, by its kind (`lead`, `put`, `move`) and subject."""
    alternatives: tuple[OtherLayout, ...] = ()
    front: tuple[FrontPoint, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    """What the whole layout loses without a decision, of those that were asked for."""
    front_lost: int = 0
    """How many points of the front were sought in vain since their time ran out."""
    firm: tuple[Firmness, ...] = ()
    conflict: tuple[ClashingSet, ...] = ()
    review_before: Review | None = None
    review_after: Review | None = None
    seconds: float = 0.0

    @property
    def status(self) -> Status:
        """Whether the layout is proven best, was found, or cannot be."""
        return self.found.status

    @property
    def goals(self) -> Goals:
        """What was wanted."""
        return self.options.document.goals

    @property
    def model(self) -> LayoutModel:
        """What could be decided."""
        return self.options.model

    @property
    def plan(self) -> Plan:
        """The plan of today."""
        return self.options.plan

    @property
    def rulebook(self) -> Rulebook:
        """The rules that hold."""
        return self.options.rulebook

    @property
    def as_of(self) -> date:
        """The day of the rules."""
        return self.options.as_of

    @property
    def parks(self) -> pd.DataFrame:
        """One row per park: industry today and proposed, share before and after."""
        leads = {} if self.decision is None else self.decision.leads
        before = self.before.parks
        after = before if self.after is None else self.after.parks
        rows = [
            {
                "park_id": park.park_id,
                "name": park.name,
                "leading_industry": park.today,
                "proposed": leads.get(park.park_id, park.today),
                "is_changed": leads.get(park.park_id, park.today) != park.today,
                "share_before": _share(before, park.park_id, park.today),
                "share_after": _share(after, park.park_id, leads.get(park.park_id, park.today)),
            }
            for park in self.model.parks
        ]
        return pd.DataFrame(rows)

    @property
    def projects(self) -> pd.DataFrame:
        """One row per project: the candidate and the park that it gets, if any."""
        places = {} if self.decision is None else self.decision.places
        rows = []
        for newcomer in self.model.newcomers:
            spot = newcomer.by_id.get(places.get(newcomer.name, ""))
            rows.append(
                {
                    "project": newcomer.name,
                    "candidate_id": None if spot is None else spot.candidate_id,
                    "park_id": None if spot is None else spot.park_id,
                    "score": None if spot is None else spot.score,
                }
            )
        return pd.DataFrame(rows, columns=["project", "candidate_id", "park_id", "score"])

    @property
    def moves(self) -> pd.DataFrame:
        """One row per move: enterprise, from, to, floor or parcel, cost in CNY."""
        rows = []
        if self.decision is not None:
            for moved, park_id in sorted(self.decision.moves.items()):
                tenant = self.model.tenant[moved]
                rows.append(
                    {
                        "enterprise_id": moved,
                        "name": tenant.name,
                        "from": tenant.home,
                        "to": park_id,
                        "place": self.decision.pieces.get(moved),
                        "cost_cny": tenant.cost_cny,
                    }
                )
        columns = ["enterprise_id", "name", "from", "to", "place", "cost_cny"]
        return pd.DataFrame(rows, columns=columns)

    def edits(self, language: Language = Language.ZH_HANS) -> list[dict[str, Any]]:
        """Return the proposal as edits of a scenario, reasons in a language."""
        return as_edits(self, Translator(language, self.plan.settings.names_hant))


def _share(figures: Mapping[str, ParkFigures], park_id: str, lead: str | None) -> float | None:
    return None if lead is None else figures[park_id].share


def as_edits(proposal: Proposal, translator: Translator) -> list[dict[str, Any]]:
    """Return a proposal as the edits of a scenario's file; none without a layout."""
    if proposal.decision is None:
        return []
    return edits_of_decision(proposal.options, proposal.decision, proposal.specialities, translator)


def edits_of_decision(
    options: LayoutOptions,
    decision: Decision,
    specialities: Mapping[str, str],
    translator: Translator,
) -> list[dict[str, Any]]:
    """Return a decision as the edits of a scenario's file: parks, then moves, then projects."""
    model, goals = options.model, options.document.goals
    projects = {item.project.name: item.project for item in goals.projects}

    def reason(key: str, **values: object) -> str:
        return translator.render(Message(f"layout_edit.{key}", {"goals": goals.name, **values}))

    edits: list[dict[str, Any]] = []
    for park in model.parks:
        lead = decision.leads.get(park.park_id)
        if lead is None or lead == park.today:
            continue
        edit: dict[str, Any] = {
            "op": "set_leading_industry",
            "park_id": park.park_id,
            "leading_industry": lead,
        }
        if park.park_id in specialities:
            edit["speciality"] = specialities[park.park_id]
        edits.append({**edit, "reason": reason("lead")})
    for moved, park_id in sorted(decision.moves.items()):
        piece = model.piece[decision.pieces[moved]]
        goal: dict[str, Any] = {"parcel_id": piece.piece_id}
        if piece.building_id is not None:
            goal = {"building_id": piece.building_id, "floor_no": piece.floor_no}
        told = reason("move", park=park_id)
        edits.append({"op": "move_enterprise", "enterprise_id": moved, **goal, "reason": told})
    for name, candidate_id in sorted(decision.places.items()):
        project = projects[name].model_dump(mode="json", exclude_unset=True)
        edit = {"op": "place_project", "project": project, "candidate_id": candidate_id}
        edits.append({**edit, "reason": reason("place")})
    return edits


def key_of_edit(decision: Decision, edit: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the column that an edit stands for."""
    if edit["op"] == "set_leading_industry":
        return "lead", edit["park_id"], edit["leading_industry"]
    if edit["op"] == "move_enterprise":
        return "move", edit["enterprise_id"], decision.moves[edit["enterprise_id"]]
    return "put", edit["project"]["name"], edit["candidate_id"]


def propose_specialities(options: LayoutOptions, decision: Decision) -> dict[str, str]:
    """Return a speciality for each park with another industry, none that another park has.

    It is the class of four digits with the largest amount in the park's new leading industry, by
    the classification's name; the industry's own name if the park has no class of it that is free.
    """
    open_ = options.document.goals.industries
    if open_ is None or not open_.speciality:
        return {}
    model, known = options.model, classification()
    changed = {
        park_id: lead
        for park_id, lead in sorted(decision.leads.items())
        if lead != model.park[park_id].today
    }
    frame = options.plan.frame("parks")
    taken = {
        str(text)
        for park_id, text in zip(frame["park_id"], frame["speciality"], strict=True)
        if isinstance(text, str) and park_id not in changed
    }
    found = {}
    for park_id, lead in changed.items():
        amounts: dict[str, float] = {}
        inside = [
            (one.code, one.amount)
            for one in model.tenants
            if decision.moves.get(one.enterprise_id, one.home) == park_id
        ]
        inside += [
            (model.newcomer[name].code, model.newcomer[name].amount)
            for name, place in decision.places.items()
            if model.newcomer[name].by_id[place].park_id == park_id
        ]
        for code, amount in inside:
            if code is not None and belongs_to(code, lead):
                amounts[code] = amounts.get(code, 0.0) + amount
        names = [
            known.name(code) for code in sorted(amounts, key=lambda code: (-amounts[code], code))
        ]
        free = [name for name in (*names, known.name(lead)) if name not in taken]
        if free:
            found[park_id] = free[0]
            taken.add(free[0])
    return found


def verdicts_of(review: Review) -> dict[Verdict, int]:
    """Return how many parks have each verdict."""
    verdicts = list(review.park_verdicts.values())
    return {verdict: verdicts.count(verdict) for verdict in Verdict}
