"""One place: the same verdict as a ranking's, and the nearest place that would do.

The county of five sites is drawn in `made`: 8,000 m² are needed; A, B, C and D are free, E lies in
the red line. B reaches from x = 300 to 500 m, E from 800 to 880 m.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.suitability.here import PlaceAnswer, judge_land, judge_place, may_be_nearest
from geo_service.suitability.project import open_project, project_of
from geo_service.suitability.rank import rank_project
from geo_service.suitability.reasons import Reason
from geo_service.zoning.rulebook import open_rulebook
from tests.county import County, box, parcel, point, zone
from tests.suitability.made import DAY, asked, five_sites

Open = Callable[[County], Plan]
PROJECTS = Path(__file__).parents[2] / "layers" / "yunyang" / "projects"


def verdict(reasons: tuple[Reason, ...]) -> Verdict:
    """Return fail where one forbids, else unknown where one cannot be judged, else pass."""
    said = {reason.verdict for reason in reasons}
    return next((one for one in (Verdict.FAIL, Verdict.UNKNOWN) if one in said), Verdict.PASS)


def at(plan: Plan, shape: BaseGeometry, **values: object) -> PlaceAnswer:
    rules = open_rulebook(plan.settings.rulebook_path)
    return judge_place(plan, shape, project_of(asked(**values)), rules, as_of=DAY)


def test_200_parcels_get_the_verdict_that_a_ranking_gives_them(demo: Plan) -> None:
    told = open_project(PROJECTS / "battery.yaml")
    needs = told.needs.model_copy(update={"land_m2": 6_000.0})
    project = told.model_copy(update={"needs": needs, "candidates": ("parcel",)})
    rules = open_rulebook(demo.settings.rulebook_path)
    day = date(2026, 11, 1)
    ranking = rank_project(demo, project, rules, as_of=day)
    ranked = {
        item.candidate_id: verdict(ranking.unknowns.get(item.candidate_id, ()))
        for item in ranking.sites.candidates
    }
    ranked |= {item.candidate.candidate_id: verdict(item.reasons) for item in ranking.excluded}

    parcels = demo.metric("parcels")
    chosen = parcels.iloc[np.random.default_rng(7).permutation(len(parcels))[:200]]
    points = list(chosen.geometry.representative_point())
    judged = judge_land(demo, points, project, rules, as_of=day)

    seen: Counter[tuple[Verdict | None, Verdict]] = Counter()
    for (candidate, reasons), parcel_id, status, shape in zip(
        judged, chosen["parcel_id"], chosen["status"], chosen.geometry, strict=True
    ):
        assert candidate.candidate_id == f"parcel:{parcel_id}"
        expected = ranked.get(candidate.candidate_id)
        seen[expected, verdict(reasons)] += 1
        if expected is not None:
            assert verdict(reasons) is expected, parcel_id
        else:  # a ranking names neither what is not free nor what is too small
            assert status == "built" or shape.area < 6_000, parcel_id
            assert verdict(reasons) is Verdict.FAIL, parcel_id
    assert {(Verdict.PASS, Verdict.PASS), (Verdict.FAIL, Verdict.FAIL)} <= set(seen), seen
    assert seen[Verdict.PASS, Verdict.PASS] > 20, seen


def test_floors_get_the_verdict_of_the_best_run_that_a_ranking_has_there(demo: Plan) -> None:
    project = open_project(PROJECTS / "garment.yaml")
    rules = open_rulebook(demo.settings.rulebook_path)
    day = date(2026, 11, 1)
    ranking = rank_project(demo, project, rules, as_of=day)
    standing = {item.building_id for item in ranking.sites.candidates}
    out = {item.candidate.building_id for item in ranking.excluded} - standing
    buildings = demo.metric("buildings").set_index("building_id").geometry
    for building_id in [*sorted(standing)[:2], *sorted(out)[:1]]:
        place = buildings[building_id].representative_point()
        found = judge_place(
            demo, place, project, rules, as_of=day, is_nearest_wanted=building_id in out
        )
        assert found.candidate.building_id == building_id
        assert (found.verdict is Verdict.FAIL) is (building_id in out)
        if building_id in out:
            assert found.nearest is not None
            assert found.nearest.candidate.building_id in standing


def test_a_forbidden_place_names_the_rule_and_the_nearest_that_would_do(opened: Open) -> None:
    found = at(opened(five_sites()), point(840, 50))
    assert found.candidate.candidate_id == "parcel:E"
    assert found.verdict is Verdict.FAIL
    [rule] = [item for item in found.reasons if item.rule_id.startswith("control_zone.")]
    assert rule.rule_id == "control_zone.ecological_red_line"
    assert rule.legal_basis is not None
    # B ends at 500 m, E begins at 800 m; A and C are farther.
    assert found.nearest is not None
    assert found.nearest.candidate.candidate_id == "parcel:B"
    assert found.nearest.distance_m == pytest.approx(300)


def test_a_free_place_that_meets_all_needs_is_not_refused(opened: Open) -> None:
    found = at(opened(five_sites()), point(50, 50))
    assert (found.candidate.candidate_id, found.reasons) == ("parcel:A", ())
    assert found.verdict in {Verdict.PASS, Verdict.WATCH}
    assert found.nearest is None


def test_a_built_parcel_and_one_that_is_too_small_are_refused(opened: Open) -> None:
    made = five_sites()
    made.layers["parcels"] += [
        parcel("S", box(0, 500, 50, 50), status="vacant"),
        parcel("T", box(200, 500, 100, 100)),
    ]
    plan = opened(made)
    small, taken = at(plan, point(20, 520)), at(plan, point(250, 550))
    assert [item.rule_id for item in small.reasons] == ["project.land_m2"]
    # 50 m × 50 m of the 8,000 m² that are needed
    assert small.reasons[0].measure["value"] == pytest.approx(2_500)
    assert "project.free_land" in {item.rule_id for item in taken.reasons}
    assert (small.verdict, taken.verdict) == (Verdict.FAIL, Verdict.FAIL)


def test_a_drawing_that_covers_a_parcel_is_that_parcel(opened: Open) -> None:
    plan = opened(five_sites())
    inside = at(plan, box(0.2, 0.2, 99.6, 99.6))
    assert inside.candidate.candidate_id == "parcel:A"
    beyond = at(plan, box(0, 0, 150, 100))
    assert beyond.candidate.candidate_id.startswith("land:")
    # Half of it is in no parcel, and in a park: nobody knows whether it is free.
    assert "project.free_of_parks" in {item.rule_id for item in beyond.reasons}


def test_a_square_over_two_zones_names_both(opened: Open) -> None:
    made = five_sites()
    made.layers["control_zones"] += [
        zone("Z1", box(-3000, 0, 100, 100)),
        zone("Z2", box(-2900, 0, 100, 100), kind="permanent_farmland"),
    ]
    found = at(opened(made), box(-2950, 0, 100, 100))
    rules = {item.rule_id for item in found.reasons if item.verdict is Verdict.FAIL}
    assert {"control_zone.ecological_red_line", "control_zone.permanent_farmland"} <= rules


def test_a_point_in_no_parcel_is_a_square_of_the_needed_area(opened: Open) -> None:
    found = at(opened(five_sites()), point(-3000, 0))
    assert found.candidate.kind == "land"
    assert found.candidate.area_m2 == pytest.approx(8_000)


def test_boxes_leave_out_only_what_is_not_among_the_nearest() -> None:
    random = np.random.default_rng(18)
    corners, sizes = random.uniform(0, 10_000, (2_000, 2)), random.uniform(1, 400, (2_000, 2))
    shapes = shapely.box(*corners.T, *(corners + sizes).T)
    for around in (shapely.Point(5_000, 5_000), shapely.box(0, 0, 900, 40), shapes[7]):
        is_looked_at = may_be_nearest(shapes, around, 240)
        nearest = np.argsort(shapely.distance(shapes, around), kind="stable")[:240]
        assert is_looked_at[nearest].all()
        assert is_looked_at.sum() < 1_000
    # What has no shape is kept, and stays last.
    some = np.append(shapes, shapely.Polygon())
    assert may_be_nearest(some, shapely.Point(0, 0), 240)[-1]
    assert may_be_nearest(some[:9], shapely.Point(0, 0), 240).all()
