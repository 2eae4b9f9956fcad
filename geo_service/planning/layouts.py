"""Layouts of a county: proposed as jobs, remembered, explained, and turned into scenarios.

`LayoutDesk` answers for one running service; a layout is remembered while the service runs, and
the same goals on the same plan have the same id. `propose_for` and `offers_for` are what the
command line asks of a workspace.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.jobs import JobKind
from geo_service.language import Language, Translator
from geo_service.layout.explain import why_not
from geo_service.layout.firm import decisions_of
from geo_service.layout.fit import place_project
from geo_service.layout.goals import goals_of, goals_schema, open_goals
from geo_service.layout.proposal import Proposal, as_edits
from geo_service.layout.propose import (
    derived,
    need_decision,
    need_project,
    propose,
    replaced,
)
from geo_service.layout.solver import gap_between
from geo_service.planning.downloads import Download, file_name
from geo_service.planning.job_results import JobResultKind, MadeResult
from geo_service.planning.layout_goals import (
    form_values,
    goals_files,
    goals_for,
    read_goals_text,
)
from geo_service.planning.printable import Printable
from geo_service.reports.document import dump
from geo_service.reports.layout import (
    layout_document,
    layout_summary,
    offers_document,
    why_not_document,
)
from geo_service.scenarios.edits import EditPart, edit_document
from geo_service.suitability.project import open_project, project_of
from geo_service.wording import said

if TYPE_CHECKING:
    import os

    from geo_service.jobs import Job
    from geo_service.layout.fit import PlaceOffers
    from geo_service.layout.goals import GoalsDocument
    from geo_service.layout.solve import SearchPoint
    from geo_service.plan import Plan
    from geo_service.planning.scenarios import ScenarioDesk, ScenarioRecord
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Progress

MOST_POINTS = 240
"""Of the way of a search."""
_KIND = "layout"
CACHED_LAYOUTS = 30
"""How many layouts a running service remembers."""
_LONGEST_NAME = 60


class LayoutFormat(StrEnum):
    """The formats of a layout as a file; the value is also the file's extension."""

    JSON = "json"
    XLSX = "xlsx"
    DOCX = "docx"


LAYOUT_MEDIA_TYPES = {
    LayoutFormat.JSON: "application/json",
    LayoutFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    LayoutFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def export_layout(
    proposal: Proposal,
    format: LayoutFormat,  # noqa: A002 - the contract's word
    translator: Translator,
) -> bytes:
    """Return a layout as a file of a format, its texts in the translator's language."""
    document = layout_document(proposal, translator)
    if format is LayoutFormat.JSON:
        return dump(document, indent=True)
    if format is LayoutFormat.XLSX:
        from geo_service.reports.layout_tables import layout_xlsx  # noqa: PLC0415 - as below

        return layout_xlsx(document, translator)
    from geo_service.reports.layout_docx import layout_docx  # noqa: PLC0415 - its library is heavy

    return layout_docx(document, translator)


def layout_text(proposal: Proposal, translator: Translator, *, width: int | None) -> bytes:
    """Return a layout as tables for a terminal of so many character cells."""
    from geo_service.reports.layout_tables import layout_table  # noqa: PLC0415 - as above

    document = layout_document(proposal, translator)
    return layout_table(document, translator, width=width).encode()


# ---- what the command line asks ------------------------------------------------------------------


def read_goals_file(
    path: Path,
    *,
    max_moves: int | None = None,
    alternatives: int | None = None,
    time_limit_s: float | None = None,
) -> GoalsDocument:
    """Return the goals in a file with what the call sets; GoalsError lists what is wrong."""
    document = open_goals(path)
    if max_moves is None and alternatives is None and time_limit_s is None:
        return document
    goals = document.goals.with_settings(
        max_moves=max_moves, alternatives=alternatives, time_limit_s=time_limit_s
    )
    return type(document)(goals, document.file, document.lines)


def propose_for(
    plan: Plan,
    goals: GoalsDocument,
    *,
    has_replacements: bool = False,
    progress: Progress | None = None,
) -> Proposal:
    """Return the layout of a plan; what the command line's `layout` does."""
    made = propose(plan, goals, progress=progress)
    return replaced(made, progress=progress) if has_replacements else made


def layout_to_draw(plan: Plan, goals: Path | None, *, progress: Progress | None = None) -> Proposal:
    """Return the layout that a map of these goals shows; InfeasibleError if there is none.

    InvalidQueryError without goals.
    """
    if goals is None:
        name = "goals"
        raise InvalidQueryError(name, said("problem.layout_needs"))
    made = propose_for(plan, read_goals_file(goals, alternatives=0), progress=progress)
    need_decision(made)
    return made


def offers_for(plan: Plan, project: Path, goals: Path | None) -> PlaceOffers:
    """Return the best places for one more project; what the command line's `place` does."""
    asked = open_project(project)
    wanted = None if goals is None else open_goals(goals).goals
    return place_project(plan, asked, wanted)


def printable_offers(
    offers: PlaceOffers, translator: Translator, *, top: int | None = None
) -> Printable:
    """Return the places of one more project for a terminal."""
    from geo_service.reports.layout_tables import offers_table  # noqa: PLC0415 - as above

    document = offers_document(offers, translator, top=top)
    return Printable(lambda: document, lambda one, width: offers_table(document, one, width=width))


def save_workspace_layout(
    workspace: str | os.PathLike[str],
    proposal: Proposal,
    translator: Translator,
    *,
    base: str | None = None,
) -> str:
    """Keep a proposal as a scenario of a workspace and return the scenario's id.

    `base` is the scenario that it was made on, if any: its edits come first.
    """
    from geo_service.planning.scenarios import open_desk  # noqa: PLC0415 - its libraries are heavy

    with open_desk(workspace) as desk:
        before = () if base is None else desk.named(base).edits
        record = desk.make(scenario_of_layout(proposal, translator, before=before))
        return record.scenario_id


def scenario_of_layout(
    proposal: Proposal,
    translator: Translator,
    *,
    decisions: Sequence[str] | None = None,
    before: Sequence[EditPart] = (),
) -> Document:
    """Return a proposal, or some of its decisions, as a scenario's document.

    A decision is named by what it is about: a park's id, a project's name, an enterprise's id.
    The edits of the scenario that it was made on come `before`.

    Raises
    ------
    InvalidQueryError
        A name that the proposal decides nothing about.
    """
    edits = as_edits(proposal, translator)
    if decisions is not None:
        known = {_subject_of(edit) for edit in edits}
        unknown = sorted(set(decisions) - known)
        if unknown:
            reason = said("problem.no_decision", name=repr(unknown[0][:80]))
            parameter = "decisions"
            raise InvalidQueryError(parameter, reason)
        edits = [edit for edit in edits if _subject_of(edit) in decisions]
    return {
        "name": proposal.goals.name[:200],
        "reason": translator.text("layout.scenario_reason", layout=proposal.layout_id),
        "edits": [*map(edit_document, before), *edits],
    }


def _subject_of(edit: Mapping[str, Any]) -> str:
    if edit["op"] == "place_project":
        return str(edit["project"]["name"])
    return str(edit.get("park_id") or edit.get("enterprise_id"))


# ---- of a running service ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LayoutBase:
    """The scenario that a layout was made on: its edits come first."""

    scenario_id: str
    edits: tuple[EditPart, ...]


class SearchTrail:
    """How a search closes in: value and bound over time, thinned out where they are many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: list[SearchPoint] = []

    def add(self, at: SearchPoint) -> None:
        """Note a moment; one that tells what is known, and of another stage only that stage."""
        with self._lock:
            last = self._points[-1] if self._points else None
            if last is not None and last.stage != at.stage:
                self._points, last = [], None
            if last is None or (last.value, last.bound) != (at.value, at.bound):
                self._points.append(at)
            if len(self._points) > MOST_POINTS:
                self._points = [*self._points[:-1:2], self._points[-1]]

    def document(self) -> Document:
        """Return stage, value, bound and gap as they are now, and the way there."""
        with self._lock:
            points = list(self._points)
        if not points:
            return {"stage": None, "value": None, "bound": None, "gap": None, "points": []}
        last = points[-1]
        return {
            "stage": last.stage,
            "value": last.value,
            "bound": last.bound,
            "gap": gap_between(last.value, last.bound),
            "points": [
                {"seconds": round(at.seconds, 3), "value": at.value, "bound": at.bound}
                for at in points
            ],
        }


class LayoutDesk:
    """The layouts of one county. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState, scenarios: ScenarioDesk) -> None:
        self._state = state
        self._scenarios = scenarios
        self._lock = threading.RLock()
        self._cache: LRUCache[str, Proposal] = LRUCache(CACHED_LAYOUTS)
        self._bases: LRUCache[str, LayoutBase] = LRUCache(CACHED_LAYOUTS)
        """The scenarios that layouts were made on, by the version of the plan of each."""

    def schema(self) -> Document:
        """Return the JSON Schema of goals."""
        return goals_schema()

    def form_values(self, language: Language) -> Document:
        """Return what the goals' form begins with: defaults, terms and groups."""
        return form_values(self._state.plan, self._state.translator(language))

    def goals_files(self, language: Language) -> list[Document]:
        """Return the goals that the workspace keeps as files; none for a bare plan."""
        if not self._state.has_workspace:
            return []
        return goals_files(self._state.workspace.folder, self._state.translator(language))

    def start(
        self,
        document: Mapping[str, Any],
        *,
        scenario: str | None = None,
        time_limit_s: float | None = None,
    ) -> Job:
        """Begin to propose a layout for goals given as a document.

        GoalsError says what is wrong with them; NotFoundError for an unknown scenario.
        """
        plan, before = self._state.plan, self._state.review
        if scenario is not None:
            judged = self._scenarios.judged(scenario)
            plan, before = judged.scenario.plan, judged.review
            with self._lock:
                self._bases[plan.version] = LayoutBase(scenario, judged.scenario.edits)
        asked = goals_for(plan, document)
        if time_limit_s is not None:
            goals = asked.goals.with_settings(time_limit_s=time_limit_s)
            asked = type(asked)(goals, asked.file, asked.lines)
        rulebook, trail = self._state.rulebook, SearchTrail()

        def work(progress: Progress) -> MadeResult:
            made = propose(
                plan,
                asked,
                rulebook,
                as_of=before.as_of,
                before=before,
                progress=progress,
                watch=trail.add,
            )
            self._state.belongings.claim(_KIND, made.layout_id, is_kept=False)
            return MadeResult(JobResultKind.LAYOUTS, self._made(made).layout_id)

        return self._state.jobs.start(work, JobKind.LAYOUT, live=trail.document)

    def start_replacing(self, layout_id: str, subjects: Sequence[str] | None = None) -> Job:
        """Begin to solve again without each decision of a layout, or without these.

        NotFoundError for an unknown layout, InfeasibleError for one without a decision,
        InvalidQueryError for a decision that it does not make.
        """
        proposal = self.find(layout_id)
        known = {subject for _, subject, _ in decisions_of(proposal.model, need_decision(proposal))}
        unknown = sorted(set(subjects or ()) - known)
        if unknown:
            parameter, reason = "decisions", said("problem.no_decision", name=repr(unknown[0][:80]))
            raise InvalidQueryError(parameter, reason)

        def work(progress: Progress) -> MadeResult:
            made = self._made(replaced(proposal, subjects, progress=progress))
            return MadeResult(JobResultKind.LAYOUTS, made.layout_id)

        return self._state.jobs.start(work, JobKind.LAYOUT)

    def _made(self, proposal: Proposal) -> Proposal:
        with self._lock:
            self._cache[proposal.layout_id] = proposal
        return proposal

    def find(self, layout_id: str) -> Proposal:
        """Return a layout, one of its alternatives (`.a1`) or a point of its front (`.f1`).

        NotFoundError for an unknown id.
        """
        self._state.belongings.check_seen(_KIND, layout_id.partition(".")[0], _no_such_layout)
        with self._lock:
            known = self._cache.get(layout_id)
        if known is not None:
            return known
        whole, _, part = layout_id.partition(".")
        with self._lock:
            made = self._cache.get(whole)
        if made is not None and part[:1] in {"a", "f"} and part[1:].isdecimal():
            others = made.alternatives if part[0] == "a" else made.front
            number = int(part[1:]) - 1
            if 0 <= number < len(others) and str(number + 1) == part[1:]:
                return self._made(derived(made, others[number].decision, suffix=part))
        raise _no_such_layout(layout_id)

    def summaries(
        self, language: Language, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return summaries of the layouts that are remembered, newest first."""
        translator = self._state.translator(language)
        hidden = self._state.belongings.hidden(_KIND)
        with self._lock:
            known = list(self._cache.items())[::-1]
        proposals = [one for name, one in known if name.partition(".")[0] not in hidden]
        listed = [layout_summary(one, translator) for one in proposals[offset : offset + limit]]
        return listed, len(proposals)

    def document(self, layout_id: str, language: Language) -> Document:
        """Return a layout as it is answered; NotFoundError for an unknown id."""
        proposal = self.find(layout_id)
        with self._lock:
            base = self._bases.get(proposal.plan.version)
        document = layout_document(proposal, self._state.translator(language))
        return {**document, "scenario": None if base is None else base.scenario_id}

    def why_not(self, layout_id: str, project: str, park_id: str, language: Language) -> Document:
        """Return why a project is not in a park, in words and figures.

        NotFoundError for an unknown layout, InvalidQueryError for an unknown project or park.
        """
        proposal = self.find(layout_id)
        need_project(proposal, project)
        if park_id not in proposal.model.park:
            parameter, reason = "park", said("fault.unknown_park", name=repr(park_id[:80]))
            raise InvalidQueryError(parameter, reason)
        decision = need_decision(proposal)
        after = proposal.after
        assert after is not None  # noqa: S101 - there is a decision
        found = why_not(proposal.options, decision, after, project, park_id)
        return why_not_document(proposal, found, self._state.translator(language))

    def file(
        self,
        layout_id: str,
        format: LayoutFormat,  # noqa: A002 - as above
        language: Language,
    ) -> Download:
        """Return a layout as a file in a language."""
        proposal = self.find(layout_id)
        name = file_name(f"{proposal.goals.name[:_LONGEST_NAME]} {layout_id}", format)
        content = export_layout(proposal, format, self._state.translator(language))
        return Download(name, LAYOUT_MEDIA_TYPES[format], content)

    def accept(
        self, layout_id: str, language: Language, *, decisions: Sequence[str] | None = None
    ) -> ScenarioRecord:
        """Keep a layout, or some of its decisions, as a scenario.

        NotFoundError for an unknown layout, InfeasibleError for one without a decision,
        InvalidQueryError for a decision that it does not make.
        """
        proposal = self.find(layout_id)
        need_decision(proposal)
        translator = self._state.translator(language)
        with self._lock:
            base = self._bases.get(proposal.plan.version)
        before = () if base is None else base.edits
        document = scenario_of_layout(proposal, translator, decisions=decisions, before=before)
        return self._scenarios.make(document)

    def offers(
        self,
        project: Mapping[str, Any],
        language: Language,
        *,
        goals: Mapping[str, Any] | None = None,
        scenario: str | None = None,
        top: int | None = None,
    ) -> Document:
        """Return the best places for one more project, nothing else moved."""
        asked = project_of(project)
        wanted = None if goals is None else goals_of(goals).goals
        plan, before = self._state.plan, self._state.review
        if scenario is not None:
            judged = self._scenarios.judged(scenario)
            plan = judged.scenario.plan
        found = place_project(plan, asked, wanted, self._state.rulebook, as_of=before.as_of)
        return offers_document(found, self._state.translator(language), top=top)


def _no_such_layout(layout_id: str) -> NotFoundError:
    return NotFoundError(said("problem.no_layout", layout=repr(layout_id[:80])))


__all__ = [
    "LAYOUT_MEDIA_TYPES",
    "LayoutDesk",
    "LayoutFormat",
    "Proposal",
    "export_layout",
    "layout_text",
    "layout_to_draw",
    "offers_for",
    "printable_offers",
    "propose_for",
    "read_goals_file",
    "read_goals_text",
    "save_workspace_layout",
    "scenario_of_layout",
]
