"""Candidates and what excludes them, on squares; areas derived by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.suitability.candidates import Candidate, combine, find_parts
from geo_service.suitability.exclusion import judge_by_rules
from geo_service.suitability.project import Project, parse_project
from geo_service.suitability.reasons import Reason, unmet_needs
from geo_service.zoning.rulebook import default_rulebook
from tests.county import County, box, line, parcel, zone

Open = Callable[[County], Plan]


def project(needs: str, code: str = "1311") -> Project:
    """Return a project with these needs."""
    return parse_project(f"name: x\nindustry_code: {code}\nneeds: {{{needs}}}\n")


def vacant(
    parcel_id: str, x: float, y: float, size: float = 100.0, **values: object
) -> dict[str, object]:
    """Return a vacant square parcel of P1."""
    return parcel(parcel_id, box(x, y, size, size), status="vacant", **values)


def found(plan: Plan, asked: Project) -> dict[str, Candidate]:
    """Return the candidates by id."""
    return {item.candidate_id: item for item in combine(find_parts(plan, asked), asked)}


def against(plan: Plan, asked: Project) -> dict[str, list[tuple[str, str]]]:
    """Return (rule, verdict) of every reason by candidate."""
    reasons = reasons_of(plan, asked)
    return {
        name: [(item.rule_id, item.verdict.value) for item in own] for name, own in reasons.items()
    }


def reasons_of(plan: Plan, asked: Project) -> dict[str, list[Reason]]:
    """Return what rules and needs say against each candidate, if anything."""
    candidates = list(found(plan, asked).values())
    day = date(2026, 6, 1)
    by_rules = judge_by_rules(plan, candidates, asked, default_rulebook(), as_of=day)
    reasons = {
        item.candidate_id: [*by_rules[item.candidate_id], *unmet_needs(item, asked)]
        for item in candidates
    }
    return {candidate_id: own for candidate_id, own in reasons.items() if own}


def test_free_parcels_large_enough_and_neighbours_taken_together(
    county: County, opened: Open
) -> None:
    county.layers["parcels"] = [
        vacant("A", 0, 0),  # 10,000 m2 each; A-B share 100 m, B-C too; D stands apart
        vacant("B", 100, 0),
        vacant("C", 200, 0),
        vacant("D", 500, 500),
        parcel("E", box(300, 0, 100, 100)),  # built
        vacant("F", 0, 100.3, park_id="P1", land_use="100101"),  # a hairline gap from A
    ]
    plan = opened(county)
    assert set(found(plan, project("land_m2: 9900"))) == {
        "park:P1",
        *(f"parcel:{name}" for name in "ABCDF"),
    }
    together = found(plan, project("land_m2: 19000"))
    assert {"parcels:A+B", "parcels:B+C"} <= set(together) | {"parcels:A+F"}
    assert not [name for name in together if "D" in name and name.startswith("parcel")]
    for name, candidate in together.items():
        if name.startswith("parcels"):
            assert candidate.area_m2 == pytest.approx(20_000, rel=1e-6)


def test_parcels_of_two_parks_are_not_taken_together(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 100, 0, park_id="P2")]
    assert found(opened(county), project("land_m2: 15000")) == {}


def test_a_corner_is_no_shared_border(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 100, 100)]
    assert set(found(opened(county), project("land_m2: 15000"))) == {"park:P1"}


@pytest.fixture
def housed(county: County) -> County:
    """A building of five floors; 400 m2 vacant on 1, 2, 4 and 5, none on 3."""
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["buildings"] = [
        {**parcel("B", box(10, 10, 40, 25)), "building_id": "B", "parcel_id": "A"}
    ]
    county.layers["floors"] = [
        {
            "building_id": "B",
            "floor_no": number,
            "area_m2": 1000,
            "vacant_m2": 0 if number == 3 else 400,
            "load_kn_m2": 12 if number == 1 else 8,
            "clear_height_m": 6 if number == 1 else 4.5,
            "goods_lift_t": 3,
            "fire_class": "丙",
            "source": "made for tests",
            "illustrative": True,
        }
        for number in range(1, 6)
    ]
    return county


def test_runs_of_vacant_floors(housed: County, opened: Open) -> None:
    plan = opened(housed)
    assert set(found(plan, project("floor_area_m2: 700"))) == {"floors:B/1+2", "floors:B/4+5"}
    assert found(plan, project("floor_area_m2: 900")) == {}
    apart = found(plan, project("floor_area_m2: 900, contiguous_floors: false"))
    assert set(apart) == {"floors:B/1+2+4+5"}
    assert apart["floors:B/1+2+4+5"].offers["load_kn_m2"] == 8  # the least of the run


def test_a_floor_must_offer_what_the_project_needs(housed: County, opened: Open) -> None:
    asked = project("floor_area_m2: 300, floor_load_kn_m2: 10")
    excluded = against(opened(housed), asked)
    assert set(excluded) == {"floors:B/2", "floors:B/4", "floors:B/5"}
    assert excluded["floors:B/2"] == [("project.floor_load_kn_m2", "fail")]


def test_fire_class_b_stays_on_the_ground_and_a_out_of_the_building(
    housed: County, opened: Open
) -> None:
    for floor in housed.layers["floors"]:
        floor["fire_class"] = "甲"  # all are built for it; the rule leaves the ground floor
    found = reasons_of(opened(housed), project("floor_area_m2: 300, fire_class: 乙"))
    assert set(found) == {"floors:B/2", "floors:B/4", "floors:B/5"}
    (reason,) = found["floors:B/2"]
    assert (reason.rule_id, reason.verdict) == ("building.fire_class", Verdict.FAIL)
    assert reason.legal_basis is not None
    assert reason.measure["value"] == "乙"
    # Class 甲 shares no building: other tenants would be above it.
    found = reasons_of(opened(housed), project("floor_area_m2: 300, fire_class: 甲"))
    assert set(found) == {"floors:B/1", "floors:B/2", "floors:B/4", "floors:B/5"}


def test_a_control_zone_excludes_with_its_measure(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 300, 0)]
    county.layers["control_zones"].append(zone("Z", box(0, 0, 20, 100)))
    (reason,) = reasons_of(opened(county), project("land_m2: 9000"))["parcel:A"]
    assert (reason.rule_id, reason.verdict) == ("control_zone.ecological_red_line", Verdict.FAIL)
    assert reason.measure["value"] == pytest.approx(20 * 100, rel=1e-6)
    assert reason.legal_basis is not None


def test_the_river_rule_is_put_to_the_project_s_industry(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 500, 0), vacant("B", 500, 880)]
    county.layers["rivers"] = [
        {
            "river_id": "R",
            "name": "R",
            "rank": "main",
            "is_management_boundary": True,
            "geometry": line((0, -100), (900, -100)),
            "source": "made for tests",
            "illustrative": True,
        }
    ]
    plan = opened(county)
    assert against(plan, project("land_m2: 9000", code="1311")) == {}
    # A begins 100 m from the boundary, B 980 m: the nearest point of the ground counts
    chemical = reasons_of(plan, project("land_m2: 9000", code="2611"))
    assert chemical["parcel:A"][0].measure["value"] == pytest.approx(100, abs=1e-3)
    assert chemical["parcel:B"][0].measure["value"] == pytest.approx(980, abs=1e-3)


def test_a_land_use_that_is_refused_or_not_known(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        vacant("A", 0, 0, land_use="1201"),
        vacant("B", 300, 0, land_use=None),
        vacant("C", 600, 0),
    ]
    excluded = against(opened(county), project("land_m2: 9000"))
    assert excluded["parcel:A"] == [("land_use.permitted", "fail")]
    assert excluded["parcel:B"] == [("land_use.permitted", "unknown")]
    assert "parcel:C" not in excluded


def test_utilities_are_summed_over_parcels(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        vacant("A", 0, 0, power_kva=600),
        vacant("B", 100, 0, power_kva=500),
        vacant("C", 500, 0),
    ]
    plan = opened(county)
    assert against(plan, project("land_m2: 15000, power_kva: 1100")).keys() == {"park:P1"}
    short = against(plan, project("land_m2: 9000, power_kva: 550"))
    assert short["parcel:B"] == [("project.power_kva", "fail")]
    assert short["parcel:C"] == [("project.power_kva", "unknown")]
    assert "parcel:A" not in short


def test_what_rules_say_does_not_depend_on_what_else_is_judged(
    housed: County, opened: Open
) -> None:
    housed.complete_zone_kinds.remove("geohazard")
    housed.layers["control_zones"].append(zone("Z", box(300, 0, 20, 100)))
    housed.layers["parcels"] += [
        vacant("V", 300, 0),
        vacant("W", 400, 0, land_use="1201"),
        vacant("X", 2000, 0, land_use=None, park_id="P2"),
    ]
    plan = opened(housed)
    rules, day = default_rulebook(), date(2026, 6, 1)
    for asked in (project("land_m2: 9000"), project("floor_area_m2: 300, fire_class: 甲")):
        parts = find_parts(plan, asked)
        together = judge_by_rules(plan, parts, asked, rules, as_of=day)
        assert any(together.values())
        for part in parts:
            alone = judge_by_rules(plan, [part], asked, rules, as_of=day)
            assert alone == {part.candidate_id: together[part.candidate_id]}
