"""Proposals for the demo county: lawful, explained, the same twice, and a list of edits."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely

import geo_service as gs
from geo_service.errors import InvalidQueryError
from geo_service.jobs import Cancelled
from geo_service.language import Language, Translator
from geo_service.layout.evaluate import evaluate
from geo_service.layout.explain import why_not
from geo_service.layout.fit import place_project
from geo_service.layout.goals import TermName, goals_of
from geo_service.layout.model import Decision
from geo_service.layout.program import Key
from geo_service.layout.proposal import Proposal
from geo_service.layout.propose import derived, propose, replaced
from geo_service.layout.solve import SearchPoint
from geo_service.layout.solver import Status
from geo_service.maps.draw import draw
from geo_service.maps.kinds import KINDS, MapInput
from geo_service.maps.kinds.layout import arrow
from geo_service.model import Severity, Verdict
from geo_service.plan import Plan
from geo_service.reports.document import dump
from geo_service.reports.layout import layout_document, why_not_document
from geo_service.reports.layout_docx import layout_docx
from geo_service.reports.layout_tables import layout_table, layout_xlsx
from geo_service.scenarios.library import scenario
from geo_service.suitability.project import project_of
from geo_service.zoning.focus import measure_focus
from geo_service.zoning.review import Review
from tests.conftest import DEMO_DAY

GARMENT = {
    "name": "服装（示意）",
    "industry_code": "1811",
    "hazard_class": "丙",
    "output_cny": 40_000_000,
    "needs": {"floor_area_m2": 3_000},
}
MOVERS = ["YY-E-B12-02", "YY-E-B12-03", "YY-E-B12-06", "YY-E-B17-03"]
GOALS: dict[str, Any] = {
    "name": "三个园区",
    "industries": {"parks": ["YY-B-12", "YY-B-31", "YY-C-05"], "digits": [2, 3]},
    "moves": {"most": 2, "who": MOVERS},
    "projects": [{"project": GARMENT}],
    "wanted": {
        "terms": {
            "focus": {},
            "suitability": {},
            "move_cost": {"weight": 0.05},
            "changes": {"weight": 0.5},
            "placed": {"weight": 10},
        }
    },
    "alternatives": {"count": 1, "within": 0.05, "parks": 1},
    "front": {"terms": ["moves", "focus"], "points": 3},
    "firmness": {"draws": 1, "refusals": True},
}


@pytest.fixture(scope="module")
def proposal(demo: Plan, demo_review: Review) -> Proposal:
    """Return the proposal for three parks, one project and two moves."""
    return propose(demo, goals_of(GOALS), as_of=DEMO_DAY, before=demo_review)


def breaches(judged: Review) -> set[tuple[str, str, str]]:
    return {
        (finding.rule_id, finding.subject.layer, finding.subject.id)
        for finding in judged.results
        if finding.verdict is Verdict.FAIL and finding.severity is Severity.MUST
    }


def test_a_proposal_is_proven_best_and_breaks_nothing(proposal: Proposal) -> None:
    assert proposal.status is Status.OPTIMAL
    assert proposal.found.gap == pytest.approx(0, abs=1e-6)
    assert proposal.decision is not None
    assert evaluate(proposal.model, proposal.decision).is_met
    assert len(proposal.decision.moves) <= 2
    assert set(proposal.decision.moves) <= set(MOVERS)
    changed = set(proposal.parks.loc[proposal.parks["is_changed"], "park_id"])
    assert changed <= {"YY-B-12", "YY-B-31", "YY-C-05"}


def test_the_whole_review_finds_no_new_breach(proposal: Proposal, demo: Plan) -> None:
    made = scenario(demo, proposal.edits())
    judged = gs.review(made.plan, as_of=DEMO_DAY)
    assert proposal.review_before is not None
    assert breaches(judged) <= breaches(proposal.review_before)
    assert proposal.review_after is not None
    assert dict(judged.park_verdicts) == dict(proposal.review_after.park_verdicts)


def test_the_focus_is_what_the_review_measures(proposal: Proposal, demo: Plan) -> None:
    """The model's sums against `measure_focus` on the changed plan: other code on other data."""
    assert proposal.after is not None
    focus = measure_focus(scenario(demo, proposal.edits()).plan)
    for park_id, figures in proposal.after.parks.items():
        measured = focus[park_id]
        if measured.leading_total is not None:
            assert figures.leading == pytest.approx(measured.leading_total)
            assert figures.total == pytest.approx(measured.total)
    known = [one.leading_total for one in focus.values() if one.leading_total is not None]
    assert proposal.after.terms[TermName.FOCUS] >= math.fsum(known) - 1


def test_each_decision_says_what_it_gains_and_what_the_next_best_loses(proposal: Proposal) -> None:
    assert proposal.decision is not None
    for name in proposal.decision.places:
        why = proposal.why["put", name]
        assert why.gains[TermName.PLACED] == 1
        assert why.regret is None or why.regret >= -1e-9
    for moved in proposal.decision.moves:
        why = proposal.why["move", moved]
        assert why.gains[TermName.MOVES] == 1
        assert why.regret is not None
        assert why.regret >= -1e-9
        assert why.points >= -1e-9


def test_a_decision_costs_more_to_keep_than_to_replace(proposal: Proposal) -> None:
    """Solving again without a decision loses no more than its regret with all else as it is."""
    assert proposal.decision is not None
    name, *_ = proposal.decision.places
    told: list[tuple[int, int, str]] = []
    (one,) = replaced(proposal, [name], progress=lambda *step: told.append(step)).replacements
    assert (one.kind, one.subject, one.choice) == ("put", name, proposal.decision.places[name])
    assert one.is_proven
    regret = proposal.why["put", name].regret
    assert regret is not None
    assert one.loses is not None
    assert -1e-6 <= one.loses <= regret + 1e-6
    assert told[0] == (0, 1, "replacement")


def test_alternatives_front_and_firmness_are_lawful_layouts(proposal: Proposal) -> None:
    assert proposal.after is not None
    best = proposal.after.objective
    for other in proposal.alternatives:
        assert other.evaluation.is_met
        assert other.parks
        assert best * 0.95 - 1e-6 <= other.evaluation.objective <= best + 1e-6
    terms = [point.evaluation.terms for point in proposal.front]
    assert [one[TermName.MOVES] for one in terms] == sorted(
        (one[TermName.MOVES] for one in terms), reverse=True
    )
    assert all(point.is_proven for point in proposal.front)
    assert {one.kind for one in proposal.firm} <= {"lead", "put", "move"}
    assert all(0 <= one.share <= 1 for one in proposal.firm)


def test_a_point_of_the_front_is_a_layout_of_its_own(proposal: Proposal) -> None:
    made = derived(proposal, proposal.front[-1].decision, suffix="f1")
    assert made.layout_id == f"{proposal.layout_id}.f1"
    assert made.status is Status.FEASIBLE  # nothing is said of its bound
    assert made.found.bound is None
    assert made.review_after is not None


def test_why_a_project_is_not_in_a_park_is_told_in_words(proposal: Proposal) -> None:
    assert proposal.decision is not None
    assert proposal.after is not None
    english = Translator(Language.EN)
    asked = (proposal.options, proposal.decision, proposal.after, "服装（示意）")
    here = why_not(*asked, "YY-B-17")
    assert here.candidate_id is not None
    told = why_not_document(proposal, here, english)
    assert told["why"]
    land_only = why_not_document(proposal, why_not(*asked, "YY-C-05"), english)
    assert land_only["candidate_id"] is None
    # The park has no floor at all, and the project needs 3,000 m².
    assert "no free parcel or floor; 3,000 m²" in land_only["why"]
    assert land_only["room"] == {"largest": 0, "whole": 0, "needs": 3_000, "unit": "m²"}


def test_the_same_goals_give_the_same_bytes(demo: Plan, demo_review: Review) -> None:
    plain = {name: GOALS[name] for name in ("industries", "moves", "projects", "wanted")}
    made = [propose(demo, goals_of(plain), as_of=DEMO_DAY, before=demo_review) for _ in range(2)]
    documents = []
    for one in made:
        document = layout_document(one, Translator())
        del document["seconds"], document["first_feasible_seconds"]
        documents.append(dump(document))
    assert documents[0] == documents[1]
    assert made[0].edits() == made[1].edits()


def test_it_is_written_as_table_workbook_and_text(proposal: Proposal) -> None:
    for language in Language:
        translator = Translator(language)
        document = layout_document(proposal, translator)
        table = layout_table(document, translator, width=200)
        assert document["layout_id"] or table
        assert "YY-B-12" in table or not proposal.parks["is_changed"].any()
        assert layout_xlsx(document, translator)[:2] == b"PK"
        assert layout_docx(document, translator) == layout_docx(document, translator)


def test_its_map_has_an_arrow_for_each_way(proposal: Proposal) -> None:
    before, after = KINDS["layout"].states(MapInput(translator=Translator(), layout=proposal))
    assert (before.count("moves"), before.count("placements")) == (0, 0)
    ways = {tuple(row) for row in proposal.moves[["from", "to"]].to_numpy().tolist()}
    arrows = after.features("moves")
    assert {item["id"] for item in arrows} == {f"{home} → {to}" for home, to in ways}
    assert sum(item["properties"]["count"] for item in arrows) == len(proposal.moves)
    assert after.count("placements") == proposal.projects["candidate_id"].notna().sum()
    page = draw(proposal, language="en").get_root().render()
    assert "http://" not in page.replace("http://www.w3.org/", "")
    with pytest.raises(InvalidQueryError):
        draw(proposal, kind="review")


def test_an_arrow_ends_short_of_its_park() -> None:
    made = arrow((0, 0), (10_000, 0))
    assert made is not None
    way, head = shapely.get_parts(made)
    tip = way.coords[-1]
    assert way.coords[0] == (0, 0)
    assert head.coords[1] == tip
    # The gap of 1,800 m is along the bent way, which is a little longer than the straight one.
    assert 1_700 < math.dist(tip, (10_000, 0)) <= 1_800
    assert all(
        math.dist(tip, end) == pytest.approx(1_500) for end in (head.coords[0], head.coords[2])
    )
    assert arrow((0, 0), (math.nan, 0)) is None


def test_what_clashes_is_told_with_the_proposal(demo: Plan, demo_review: Review) -> None:
    goals = {
        "industries": {"parks": ["YY-B-12"]},
        "locks": [
            {"park": "YY-B-12", "leading_industry": "38"},
            {"park": "YY-B-12", "leading_industry": "18"},
        ],
    }
    made = propose(demo, goals_of(goals), as_of=DEMO_DAY, before=demo_review)
    assert made.status is Status.INFEASIBLE
    assert made.decision is None
    document = layout_document(made, Translator(Language.EN))
    assert [item["kind"] for item in document["conflict"]] == ["lock", "lock"]
    assert "YY-B-12" in document["conflict"][0]["requirement"]
    assert layout_table(document, Translator(Language.EN), width=200)


def test_cancelling_stops_the_solver(demo: Plan, demo_review: Review) -> None:
    steps = []

    def progress(done: int, total: int, step: str) -> None:
        steps.append((done, total, step))
        if step == "solve":
            raise Cancelled

    with pytest.raises(Cancelled):
        propose(demo, goals_of(GOALS), as_of=DEMO_DAY, before=demo_review, progress=progress)
    assert steps[-1][2] == "solve"


def test_a_first_layout_is_told_before_industries_and_moves_are_judged(
    proposal: Proposal, demo: Plan, demo_review: Review
) -> None:
    told: list[SearchPoint] = []

    def progress(_: int, __: int, step: str) -> None:
        if step == "industries":
            raise Cancelled

    with pytest.raises(Cancelled):
        propose(
            demo,
            goals_of(GOALS),
            as_of=DEMO_DAY,
            before=demo_review,
            progress=progress,
            watch=told.append,
        )
    (first,) = told
    assert (first.seconds, first.bound) == (0, None)
    assert first.value is not None
    # The project is placed (10), its place scores up to 1, its output may add 0.4 of focus.
    assert 10 < first.value - proposal.before.objective <= 11.4
    assert proposal.found.first_seconds is not None
    assert 0 < proposal.found.first_seconds < proposal.seconds


def test_what_adds_a_breach_is_left_out_and_the_search_goes_on(
    demo: Plan, demo_review: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    goals = goals_of({"projects": [{"project": GARMENT}]})
    first = propose(demo, goals, as_of=DEMO_DAY, before=demo_review)
    assert first.decision is not None
    name = str(GARMENT["name"])
    refused = first.decision.places[name]

    def judged(_: Proposal, decision: Decision, __: object) -> tuple[Review, list[list[Key]]]:
        breaks = decision.places[name] == refused
        return demo_review, [[("put", name, refused)]] if breaks else []

    monkeypatch.setattr("geo_service.layout.propose._judged", judged)
    second = propose(demo, goals, as_of=DEMO_DAY, before=demo_review)
    assert second.decision is not None
    assert second.decision.places[name] not in {None, refused}
    assert second.status is Status.OPTIMAL
    assert second.found.objective is not None
    assert first.found.objective is not None
    assert second.found.objective <= first.found.objective


def test_one_more_project_moves_nothing_else(demo: Plan) -> None:
    found = place_project(demo, project_of(GARMENT), as_of=DEMO_DAY)
    points = [offer.points for offer in found.offers]
    assert points == sorted(points, reverse=True)
    best = found.offers[0]
    assert best.gains[TermName.PLACED] == 1
    assert set(best.gains) <= {
        *(TermName.PLACED, TermName.FOCUS, TermName.SUITABILITY),
        *(TermName.CHAINS, TermName.SPREAD),
    }
    # A garment park takes garments: it gains all of the project's output inside its industry.
    assert best.gains[TermName.FOCUS] == 40_000_000


def test_one_more_project_goes_nowhere_that_the_goals_forbid(demo: Plan) -> None:
    project = project_of(GARMENT)
    free = place_project(demo, project, as_of=DEMO_DAY)
    first, *others = free.offers
    park_id = first.park_id
    other = next(one for one in others if one.park_id != park_id)
    members = {one.candidate_id: one.members for one in free.ranking.sites.candidates}
    place = members[other.candidate_id][0]
    bans = [{"park": park_id}, {"place": place}, {"project": "-", "park": other.park_id}]
    goals = goals_of({"industries": {}, "bans": bans}).goals
    found = place_project(demo, project, goals, as_of=DEMO_DAY)
    gone = {
        one.candidate_id
        for one in free.offers
        if one.park_id == park_id or place in members[one.candidate_id]
    }
    assert {other.candidate_id, first.candidate_id} <= gone
    assert set(found.forbidden) == gone
    assert [one for one in free.offers if one.candidate_id not in gone] == list(found.offers)
    locks = [{"project": project.name, "park": other.park_id}]
    locked = goals_of({"industries": {}, "locks": locks, "projects": [{"project": GARMENT}]}).goals
    found = place_project(demo, project, locked, as_of=DEMO_DAY)
    assert {one.park_id for one in found.offers} == {other.park_id}
