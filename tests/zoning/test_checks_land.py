"""Control zones, rivers, layout and indicators on squares and points; sums in comments."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import parse_rulebook
from tests.county import County, box, enterprise, line, parcel, park, zone
from tests.zoning.made import RED, by_subject, chemical, of_rule, reviewed, river

Open = Callable[[County], Plan]


def test_a_boundary_that_is_said_to_be_nowhere_leaves_every_park_outside(
    county: County, opened: Open
) -> None:
    rule_id = "layout.in_development_boundary"
    county.layers["control_zones"] = [zone("Z", box(9_000, 9_000, 10, 10))]
    county.layers["parks"][1]["status"] = "planned"
    unknown = of_rule(review(opened(county)), rule_id)
    assert {item.verdict for item in unknown} == {Verdict.UNKNOWN}
    county.complete_zone_kinds.append("development_boundary")
    del county.layers["county"]
    outside = by_subject(review(opened(county)), rule_id)
    # P1 makes food and is to be looked at; P2 makes vehicles and is new.
    assert {park_id: item.verdict for (_, park_id), item in outside.items()} == {
        "P1": Verdict.WATCH,
        "P2": Verdict.FAIL,
    }
    # All of P1, 1 km by 1 km, lies outside.
    assert outside["parks", "P1"].evidence["value"] == pytest.approx(1e6)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("planned", "fail"),
        ("under_construction", "fail"),
        ("operating", "watch"),
        ("closed", "watch"),
        (None, "unknown"),
    ],
)
def test_the_ban_outside_the_boundary_is_on_new_parks(
    county: County, opened: Open, status: str | None, verdict: str
) -> None:
    rule_id = "layout.in_development_boundary"
    county.layers["control_zones"] = [
        zone("D", box(0, 0, 2_900, 1_000), kind="development_boundary")
    ]
    county.layers["parks"][1]["status"] = status
    found = by_subject(reviewed(opened(county), rule_id), rule_id)
    assert set(found) == {("parks", "P2")}
    assert found["parks", "P2"].verdict == verdict
    # P2 reaches from x 2,000 to 3,000: 100 m by 1,000 m lie outside.
    assert found["parks", "P2"].evidence["value"] == pytest.approx(1e5)


def test_village_land_outside_the_boundary_is_to_be_looked_at(county: County, opened: Open) -> None:
    rule_id = "layout.in_development_boundary"
    county.layers["control_zones"] = [
        zone("D", box(0, 0, 2_900, 1_000), kind="development_boundary"),
        zone("V", box(2_850, 0, 500, 400), kind="village_construction_land"),
    ]
    county.layers["parks"][1]["status"] = "planned"
    found = of_rule(reviewed(opened(county), rule_id), rule_id)
    # Of 100 m by 1,000 m outside, 100 m by 400 m are land of a village plan.
    areas = {item.verdict.value: item.evidence["value"] for item in found}
    assert areas == pytest.approx({"fail": 6e4, "watch": 4e4})
    assert len({item.finding_id for item in found}) == 2


# ---- control zones ------------------------------------------------------------------------


def test_every_parcel_building_and_park_is_measured(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["buildings"] = [
        {**parcel("B", box(50, 50, 20, 20)), "building_id": "B", "parcel_id": "A"}
    ]
    county.layers["control_zones"].append(zone("Z", box(60, -100, 500, 160)))
    found = by_subject(reviewed(opened(county), RED), RED)
    # parcel: x 60..100, y 0..60 = 2,400; building: x 60..70, y 50..60 = 100;
    # park: x 60..560, y 0..60 = 30,000
    areas = {subject: finding.evidence["value"] for subject, finding in found.items()}
    assert areas == pytest.approx(
        {("parcels", "A"): 2_400, ("buildings", "B"): 100, ("parks", "P1"): 30_000}, rel=1e-6
    )
    assert found["parcels", "A"].evidence["share"] == pytest.approx(0.24)
    part = found["parcels", "A"].geometry
    assert part is not None
    assert part.area == pytest.approx(2_400, rel=1e-6)  # the intersection, not the parcel


def test_overlapping_zones_of_one_kind_count_once(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["control_zones"] += [
        zone("Z1", box(0, 0, 60, 100)),  # 6,000
        zone("Z2", box(40, 0, 40, 100)),  # 4,000, of which 2,000 in Z1
    ]
    finding = by_subject(reviewed(opened(county), RED), RED)["parcels", "A"]
    assert finding.evidence["value"] == pytest.approx(8_000, rel=1e-6)
    assert finding.evidence["zone_ids"] == ["Z1", "Z2"]


def test_a_sliver_is_counted_as_below_tolerance(county: County, opened: Open) -> None:
    # 0.05 m x 100 m = 5 m2 of 10,000 m2 = 0.05 %: below 50 m2 and below 0.1 %; the park too
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["control_zones"].append(zone("Z", box(-10, 0, 10.05, 100)))
    result = reviewed(opened(county), RED)
    assert of_rule(result, RED) == []
    assert result.checks[RED].below_tolerance == 2


def test_a_small_overlap_of_a_small_parcel_is_no_noise(county: County, opened: Open) -> None:
    # 5 m2 of 400 m2 = 1.25 %: small, but not against the parcel
    county.layers["parcels"] = [parcel("A", box(0, 0, 20, 20))]
    county.layers["control_zones"].append(zone("Z", box(-10, 0, 10.25, 20)))
    assert ("parcels", "A") in by_subject(reviewed(opened(county), RED), RED)


def test_a_touching_border_is_no_overlap(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(zone("Z", box(-100, 0, 100, 1000)))
    result = reviewed(opened(county), RED)
    assert of_rule(result, RED) == []


def test_a_hole_in_a_zone_is_not_inside(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    ring = box(-500, -500, 2000, 2000).difference(box(0, 0, 100, 90))
    county.layers["control_zones"].append(zone("Z", ring))
    finding = by_subject(reviewed(opened(county), RED), RED)["parcels", "A"]
    assert finding.evidence["value"] == pytest.approx(100 * 10, rel=1e-6)


def test_grades_have_verdicts_of_their_own(county: County, opened: Open) -> None:
    rule_id = "control_zone.geohazard_risk"
    county.layers["parcels"] = [
        parcel(name, box(200 * n, 0, 100, 100)) for n, name in enumerate("ABCDE")
    ]
    county.layers["control_zones"] += [
        zone(f"Z{n}", box(200 * n, 0, 100, 100), kind="geohazard_risk", grade=grade)
        for n, grade in enumerate(["extreme", "high", "mid", "low", None])
    ]
    found = by_subject(reviewed(opened(county), rule_id), rule_id)
    verdicts = {name: found[("parcels", name)].verdict for name in "ABE"}
    assert verdicts == {"A": Verdict.WATCH, "B": Verdict.WATCH, "E": Verdict.UNKNOWN}
    assert not {("parcels", "C"), ("parcels", "D")} & set(found)
    assert found["parcels", "E"].evidence["missing_rows"] == ["Z4"]


def test_no_zone_of_a_kind_is_unknown_unless_declared_complete(
    county: County, opened: Open
) -> None:
    county.complete_zone_kinds.remove("ecological_red_line")
    found = of_rule(reviewed(opened(county), RED), RED)
    assert [(item.park_id, item.verdict) for item in found] == [
        ("P1", Verdict.UNKNOWN),
        ("P2", Verdict.UNKNOWN),
    ]


def test_exceptions_are_data(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100), land_use="1301")]
    county.layers["control_zones"].append(zone("Z", box(0, 0, 100, 100)))
    rulebook = parse_rulebook(
        'format: "1"\ntitle: {en: t}\nextends: default\nrules:\n'
        f"  {RED}: {{parameters: {{exceptions: {{land_uses: ['1301']}}}}}}\n",
        "own.yaml",
    )
    found = by_subject(review(opened(county), rulebook), RED)
    assert ("parcels", "A") not in found
    assert ("parks", "P1") in found


# ---- rivers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_new", "x", "expected"),
    [
        (True, 640.0, "fail"),
        (True, 999.99, "fail"),
        (True, 1000.01, None),
        (False, 640.0, "watch"),
        (None, 640.0, "unknown"),
    ],
)
def test_the_river_distance_is_exact_and_tells_new_from_existing(
    county: County,
    opened: Open,
    is_new: bool | None,  # noqa: FBT001 - one column of the table
    x: float,
    expected: str | None,
) -> None:
    county.layers["rivers"] = [
        river("boundary", line((0, -2000), (0, 2000))),
        river("centre", line((600, -2000), (600, 2000)), is_management_boundary=False),
    ]
    county.layers["enterprises"].append(chemical("C", x, 0.0, is_new=is_new))
    found = of_rule(reviewed(opened(county), "river.chemical_1km"), "river.chemical_1km")
    assert [item.verdict.value for item in found] == ([expected] if expected else [])
    if found:
        assert found[0].evidence["value"] == pytest.approx(x, abs=1e-3)


def test_inside_a_management_range_the_distance_is_zero(county: County, opened: Open) -> None:
    county.layers["rivers"] = [river("range", box(-100, -100, 300, 300))]
    county.layers["enterprises"].append(chemical("C", 50, 50, is_new=True))
    (finding,) = of_rule(reviewed(opened(county), "river.chemical_1km"), "river.chemical_1km")
    assert finding.evidence["value"] == 0


def test_a_centreline_alone_is_not_measured_from(county: County, opened: Open) -> None:
    county.layers["rivers"] = [river("centre", line((0, 0), (1, 1)), is_management_boundary=False)]
    county.layers["enterprises"].append(chemical("C", 50, 50, is_new=True))
    (finding,) = of_rule(reviewed(opened(county), "river.chemical_1km"), "river.chemical_1km")
    assert finding.verdict is Verdict.UNKNOWN


def test_a_rank_that_the_county_has_no_river_of_does_not_apply(
    county: County, opened: Open
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -2000), (0, 2000)), rank="tributary")]
    county.layers["enterprises"].append(
        {**chemical("M", 50, 50, is_new=True), "industry_code": "0911"}
    )
    checks = reviewed(opened(county), "river.tailings_main").checks
    assert checks["river.tailings_main"].checked == 0


# ---- layout -------------------------------------------------------------------------------


def test_the_part_outside_the_development_boundary_fails(county: County, opened: Open) -> None:
    county.layers["control_zones"][0]["geometry"] = box(-100, -100, 1090, 2000)  # to x = 990
    found = {
        item.park_id: item
        for item in of_rule(
            reviewed(opened(county), "layout.in_development_boundary"),
            "layout.in_development_boundary",
        )
    }
    assert found["P1"].evidence["value"] == pytest.approx(10 * 1000, rel=1e-6)
    assert found["P2"].evidence["share"] == pytest.approx(1.0)


def test_a_hosted_park_outside_its_host(county: County, opened: Open) -> None:
    county.layers["parks"].append(
        park("P3", box(900, 0, 200, 100), host_park_id="P1")
    )  # x 1000..1100 outside
    (finding,) = of_rule(reviewed(opened(county), "layout.host"), "layout.host")
    assert finding.evidence["value"] == pytest.approx(10_000, rel=1e-6)


@pytest.mark.parametrize(
    ("declared_ha", "expected"), [(105.0, None), (105.1, 0.051), (94.9, 0.051)]
)
def test_the_declared_area_may_differ_by_five_percent(
    county: County, opened: Open, declared_ha: float, expected: float | None
) -> None:
    county.layers["parks"][0]["declared_area_ha"] = declared_ha  # measured: 100 ha
    found = of_rule(reviewed(opened(county), "layout.declared_area"), "layout.declared_area")
    assert [item.evidence["value"] for item in found] == (
        [pytest.approx(expected, abs=1e-6)] if expected else []
    )


def test_a_park_smaller_than_its_tier_s_minimum(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(4000, 0, 400, 400)))  # 16 ha of 20 ha
    (finding,) = of_rule(reviewed(opened(county), "layout.minimum_area"), "layout.minimum_area")
    assert finding.evidence["value"] == pytest.approx(16.0)


def test_an_enclave_names_host_partner_and_terms(county: County, opened: Open) -> None:
    two_parts = box(4000, 0, 500, 500).union(box(6000, 0, 500, 500))  # the second is outside T1
    county.layers["parks"].append(park("P3", two_parts, enclave_partner="某区"))
    (finding,) = of_rule(reviewed(opened(county), "layout.enclave"), "layout.enclave")
    assert finding.evidence["value"] == pytest.approx(250_000, rel=1e-6)
    assert finding.evidence["missing"] == ["host_park_id", "enclave_terms"]


# ---- indicators ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("plot_ratio", {"plot_ratio": 1.0}, None),
        ("plot_ratio", {"plot_ratio": 0.99}, "fail"),
        ("plot_ratio", {"plot_ratio": None}, "unknown"),
        ("building_coefficient", {"building_coefficient": 0.40}, None),
        ("building_coefficient", {"building_coefficient": 0.39}, "fail"),
        ("ancillary_land", {"ancillary_land_share": 0.07}, None),
        ("ancillary_land", {"ancillary_land_share": 0.071}, "fail"),
        ("ancillary_floor", {"ancillary_floor_share": 0.16}, "fail"),
        # 10,000 m2 = 15 mu; 2,000,000 CNY/mu needs 30,000,000
        ("investment", {"investment_cny": 30_000_000}, None),
        ("investment", {"investment_cny": 29_999_999}, "fail"),
        ("investment", {"investment_cny": None}, "unknown"),
    ],
)
def test_indicators_of_a_built_parcel(
    county: County, opened: Open, rule: str, values: dict[str, float | None], expected: str | None
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100), **values)]
    found = of_rule(reviewed(opened(county), f"indicator.{rule}"), f"indicator.{rule}")
    assert [item.verdict.value for item in found] == ([expected] if expected else [])


def test_the_plot_ratio_s_minimum_follows_the_parcel_s_industry(
    county: County, opened: Open
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100), plot_ratio=0.75)]
    county.layers["enterprises"].append(enterprise("Z", "3311", 1.0, parcel_id="A"))
    assert (
        of_rule(reviewed(opened(county), "indicator.plot_ratio"), "indicator.plot_ratio") == []
    )  # 33: at least 0.7


def test_vacant_parcels_have_no_indicators(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 10, 10), status="vacant", plot_ratio=0)]
    result = reviewed(opened(county), "indicator.plot_ratio")
    assert result.checks["indicator.plot_ratio"].checked == 0


@pytest.mark.parametrize(("land_m2", "expected"), [(2000, None), (2000.7, "fail")])
def test_output_per_mu(county: County, opened: Open, land_m2: float, expected: str | None) -> None:
    # 9,000,000 CNY on 2,000 m2 = 3 mu is 3,000,000 CNY/mu exactly
    county.layers["enterprises"].append(enterprise("Z", "1311", 9_000_000, land_m2=land_m2))
    found = of_rule(reviewed(opened(county), "indicator.output"), "indicator.output")
    assert [item.verdict.value for item in found] == ([expected] if expected else [])


def test_the_grade_is_relative_to_the_county_s_average(county: County, opened: Open) -> None:
    # Two enterprises of 1 mu each; G has 3 times H's value added, tax and R&D per output,
    # and the same energy. Averages: value added 2, tax 2 per mu, per tce 2, R&D 0.2.
    mu = 2000 / 3
    same = {"land_m2": mu, "energy_tce": 1.0}
    county.layers["enterprises"] += [
        enterprise("G", "1311", 10.0, value_added_cny=3.0, tax_cny=3.0, rd_cny=3.0, **same),
        enterprise("H", "1311", 10.0, value_added_cny=1.0, tax_cny=1.0, rd_cny=1.0, **same),
    ]
    # H: every indicator 0.5 of the average: 50 points, C; G capped at 1.5: 150 points, A
    assert of_rule(reviewed(opened(county), "indicator.grade"), "indicator.grade") == []
    county.layers["enterprises"][-1] |= {"value_added_cny": 0.5, "tax_cny": 0.5, "rd_cny": 0.5}
    # averages now 1.75: H has 0.5 / 1.75 = 0.285714 of each
    (finding,) = of_rule(reviewed(opened(county), "indicator.grade"), "indicator.grade")
    assert finding.subject.id == "H"
    assert finding.evidence["value"] == pytest.approx(100 * 0.5 / 1.75)
    assert finding.evidence["grade"] == "D"
