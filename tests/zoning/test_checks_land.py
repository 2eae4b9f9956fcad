"""Control zones, rivers, layout and indicators on squares and points; sums in comments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import parse_rulebook
from tests.county import County, box, enterprise, line, parcel, park, point, zone
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


def test_a_rank_of_which_nothing_is_mapped_is_unknown_unless_said_complete(
    county: County, opened: Open
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -2000), (0, 2000)), rank="tributary")]
    pond = {**chemical("M", 50, 50, is_new=True), "industry_code": "0911", "tailings_pond": True}
    county.layers["enterprises"].append(pond)
    county.complete_river_ranks = ["tributary"]
    rule = "river.tailings_main"
    (finding,) = of_rule(reviewed(opened(county), rule), rule)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.evidence["missing_rows"] == ["main"]
    county.complete_river_ranks = ["main"]
    assert reviewed(opened(county), rule).checks[rule].checked == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tailings_pond": True, "is_new": True}, "fail"),
        ({"tailings_pond": True, "is_new": False}, "watch"),
        ({"tailings_pond": True, "is_new": None}, "unknown"),
        ({"tailings_pond": False, "is_new": True}, None),
        ({"tailings_pond": None, "is_new": True}, None),  # a code alone is no pond
        ({"tailings_pond": True, "is_new": True, "industry_code": "3011"}, "fail"),
    ],
)
def test_tailings_are_about_ponds(
    county: County, opened: Open, values: dict[str, object], expected: str | None
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -9000), (0, 9000)))]
    county.layers["enterprises"].append(
        {**chemical("M", 2999, 0), "industry_code": "0911"} | values
    )
    rule = "river.tailings_main"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert [item.verdict.value for item in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("code", "pond", "expected"),
    [
        ("0911", None, "watch"),
        ("1020", None, "watch"),
        ("1019", None, None),  # a stone quarry has no pond
        ("0911", False, None),
        ("0911", True, None),  # judged by the law itself
        ("1311", None, None),
    ],
)
def test_a_mining_code_alone_is_at_most_watched(
    county: County,
    opened: Open,
    code: str,
    pond: bool | None,  # noqa: FBT001 - one column of the table
    expected: str | None,
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -9000), (0, 9000)))]
    row = {**chemical("M", 100, 0, is_new=True), "industry_code": code, "tailings_pond": pond}
    county.layers["enterprises"].append(row)
    rule = "river.tailings_main_by_code"
    result = reviewed(opened(county), rule)
    found = of_rule(result, rule)
    assert [item.verdict.value for item in found] == ([expected] if expected else [])
    assert result.park_verdicts["P1"] in {Verdict.PASS, Verdict.WATCH}


def test_a_pond_may_be_a_facility(county: County, opened: Open) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -9000), (0, 9000)))]
    county.layers["facilities"] = [
        {
            "facility_id": name,
            "kind": kind,
            "name": name,
            "is_new": is_new,
            "geometry": point(x, 50),
            "source": "made for tests",
            "illustrative": True,
        }
        for name, kind, is_new, x in [
            ("IN", "tailings_pond", True, 500),  # inside P1
            ("OUT", "tailings_pond", None, 1500),  # in no park
            ("FAR", "tailings_pond", True, 3001),
            ("PORT", "port", True, 500),
        ]
    ]
    rule = "river.tailings_main"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert {(item.subject.id, item.verdict.value, item.park_id) for item in found} == {
        ("IN", "fail", "P1"),
        ("OUT", "unknown", None),
    }


@pytest.mark.parametrize(
    ("code", "mixing_only", "expected"),
    [
        ("2710", None, "fail"),
        ("2681", None, "unknown"),
        ("2681", True, "watch"),
        ("2681", False, "fail"),
        ("2611", True, "fail"),  # the column is asked of household chemicals alone
    ],
)
def test_what_counts_as_chemical(
    county: County,
    opened: Open,
    code: str,
    mixing_only: bool | None,  # noqa: FBT001 - one column of the table
    expected: str,
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -2000), (0, 2000)))]
    row = {**chemical("C", 500, 0, is_new=True), "industry_code": code}
    county.layers["enterprises"].append(row | {"mixing_only": mixing_only})
    rule = "river.chemical_1km"
    (finding,) = of_rule(reviewed(opened(county), rule), rule)
    assert finding.verdict == expected


def test_tributaries_that_may_not_be_mapped_do_not_pass_in_silence(
    county: County, opened: Open
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -2000), (0, 2000)))]
    county.layers["enterprises"] += [
        chemical("NEW", 1500, 0, is_new=True),
        chemical("OLD", 1500, 10, is_new=False),
    ]
    county.complete_river_ranks = []
    rule = "river.chemical_1km"
    result = reviewed(opened(county), rule)
    (finding,) = of_rule(result, rule)
    assert (finding.subject.id, finding.verdict, finding.severity) == ("NEW", "unknown", "info")
    assert finding.evidence["rivers_measured"] == 1
    assert finding.evidence["open_ranks"] == ["main", "important_tributary", "tributary"]
    assert result.park_verdicts["P1"] is Verdict.PASS  # it is told, and decides nothing
    county.complete_river_ranks = ["main", "important_tributary", "tributary"]
    assert not of_rule(reviewed(opened(county), rule), rule)


def test_the_city_bans_new_pulp_and_dyeing_and_leaves_what_stands(
    county: County, opened: Open
) -> None:
    county.layers["rivers"] = [river("boundary", line((0, -2000), (0, 2000)))]
    for name, code, is_new in [("A", "2211", True), ("B", "1752", True), ("C", "1752", False)]:
        row = {**chemical(name, 900, 0, is_new=is_new), "industry_code": code}
        county.layers["enterprises"].append(row)
    rule = "river.heavy_pollution_1km"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert {item.subject.id: item.verdict.value for item in found} == {"A": "fail", "B": "fail"}
    assert found[0].legal_basis.article is None  # not found: none is named
    county.layers["rivers"][0]["rank"] = "tributary"
    county.complete_river_ranks = []
    assert {item.verdict for item in of_rule(reviewed(opened(county), rule), rule)} == {
        Verdict.UNKNOWN
    }


@pytest.mark.parametrize(
    ("approved_on", "expected"),
    [("2018-01-01", "watch"), ("2017-12-31", None), (None, "unknown")],
)
def test_new_parks_keep_five_kilometres(
    county: County, opened: Open, approved_on: str | None, expected: str | None
) -> None:
    county.layers["rivers"] = [river("boundary", line((-4999, -9000), (-4999, 9000)))]
    for row in county.layers["parks"]:
        row["approved_on"] = approved_on
    # P1 begins 4,999 m from the boundary, P2 at 6,999 m.
    rule = "river.new_park_5km"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert [(item.subject.id, item.verdict.value) for item in found] == (
        [("P1", expected)] if expected else []
    )


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


def test_an_enclave_outside_the_county_names_partner_and_terms(
    county: County, opened: Open
) -> None:
    abroad = box(4000, 0, 500, 500).union(box(-30_000, 0, 500, 500))  # the county begins at -20,000
    across = box(4000, 2000, 500, 500).union(
        box(6000, 2000, 500, 500)
    )  # the township ends at 4,900
    county.layers["parks"] += [
        park("P3", abroad, enclave_partner="某区"),
        park("P4", across, tier="building_park"),
    ]
    (finding,) = of_rule(reviewed(opened(county), "layout.enclave"), "layout.enclave")
    assert finding.subject.id == "P3"
    assert finding.evidence["value"] == pytest.approx(250_000, rel=1e-6)
    assert finding.evidence["missing"] == ["enclave_terms"]
    (told,) = of_rule(reviewed(opened(county), "layout.in_township"), "layout.in_township")
    assert (told.subject.id, told.severity, told.verdict) == ("P4", "info", "watch")
    county.layers["parks"][-2]["enclave_terms"] = "五五分享"
    result = reviewed(opened(county), "layout.enclave", "layout.in_county")
    assert not of_rule(result, "layout.enclave")
    assert not of_rule(result, "layout.in_county")


# ---- approval ------------------------------------------------------------------------------


def approved(park_id: str, shape: object) -> dict[str, object]:
    """Return a row of the approved areas."""
    return {
        "park_id": park_id,
        "approval_number": "文 1",
        "geometry": shape,
        "source": "made for tests",
        "illustrative": True,
    }


def test_a_park_keeps_within_its_approved_limits(county: County, opened: Open) -> None:
    county.layers["approved_areas"] = [approved("P1", box(0, 0, 990, 1000))]
    rule = "layout.approved_boundary"
    found = by_subject(reviewed(opened(county), rule), rule)
    # P1: a strip of 10 m by 1,000 m; P2, a cluster, has no approved limits.
    assert found["parks", "P1"].evidence["value"] == pytest.approx(10_000, rel=1e-6)
    assert found["parks", "P2"].verdict is Verdict.UNKNOWN
    county.layers["parks"][1]["tier"] = "building_park"
    assert ("parks", "P2") not in by_subject(reviewed(opened(county), rule), rule)


@pytest.mark.parametrize(
    ("number", "day", "expected"),
    [
        ("文 1", "2020-01-01", None),
        ("文 1", None, "unknown"),
        (None, None, "unknown"),
        ("无", None, "fail"),
        ("None", "2020-01-01", "fail"),
    ],
)
@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("layout.approval", ("approval_number", "approved_on")),
        ("layout.plan_eia", ("plan_eia_number", "plan_eia_on")),
    ],
)
def test_papers_of_parks(  # noqa: PLR0913, PLR0917 - the columns of the table
    county: County,
    opened: Open,
    rule: str,
    columns: tuple[str, str],
    number: str | None,
    day: str | None,
    expected: str | None,
) -> None:
    county.layers["parks"][1]["tier"] = "building_park"  # not asked for papers
    county.layers["parks"][0] |= dict(zip(columns, (number, day), strict=True))
    found = of_rule(reviewed(opened(county), rule), rule)
    assert [item.verdict.value for item in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("leading", "characteristic", "expected"),
    [
        ("13", "", {"P2": "watch"}),  # P2 leads in 36
        ("13", "36", {}),
        ("13 36 14", "", {"999999": "watch"}),
        ("13 36", "14 15 17 18", {}),
        ("13 36", "14 15 17 18 19", {"999999": "watch"}),
    ],
)
def test_the_county_s_own_list_of_industries(
    county: County, opened: Open, leading: str, characteristic: str, expected: dict[str, str]
) -> None:
    county.industry_map = (leading.split(), characteristic.split())
    rule = "layout.industry_map"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert {item.subject.id: item.verdict.value for item in found} == expected


def test_a_county_that_lists_no_industries_is_unknown(county: County, opened: Open) -> None:
    plan = opened(county)
    plan.settings = replace(plan.settings, industry_map=None)
    rule = "layout.industry_map"
    (finding,) = of_rule(reviewed(plan, rule), rule)
    assert (finding.subject.layer, finding.verdict) == ("county", "unknown")
    assert set(reviewed(plan, rule).park_verdicts.values()) == {Verdict.PASS}


# ---- indicators ---------------------------------------------------------------------------


NEW_LAND: dict[str, object] = {"supplied_on": "2023-07-01"}
OLD_LAND: dict[str, object] = {"supplied_on": "2023-06-30"}


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("plot_ratio", {"plot_ratio": 1.2, "plot_ratio_min": 1.2}, None),
        ("plot_ratio", {"plot_ratio": 1.19, "plot_ratio_min": 1.2}, "fail"),
        ("plot_ratio", {"plot_ratio": None, "plot_ratio_min": 1.2}, "unknown"),
        ("plot_ratio", {"plot_ratio": 9.0}, "unknown"),  # 13 is not in the table of 2008
        ("building_coefficient", {"building_coefficient": 0.40}, None),
        ("building_coefficient", {"building_coefficient": 0.39} | NEW_LAND, "fail"),
        ("building_coefficient", {"building_coefficient": 0.39} | OLD_LAND, None),
        ("building_coefficient", {"building_coefficient": 0.39}, "unknown"),
        ("building_coefficient", {"building_coefficient": None} | OLD_LAND, None),
        ("ancillary_land", {"ancillary_land_share": 0.07}, None),
        ("ancillary_land", {"ancillary_land_share": 0.071} | NEW_LAND, "fail"),
        ("ancillary_floor", {"ancillary_floor_share": 0.16} | NEW_LAND, "fail"),
        # 0.20 of which 0.05 are R&D: 0.15; more than 0.15 of R&D is not left out
        (
            "ancillary_floor",
            {"ancillary_floor_share": 0.2, "rd_floor_share": 0.05} | NEW_LAND,
            None,
        ),
        (
            "ancillary_floor",
            {"ancillary_floor_share": 0.35, "rd_floor_share": 0.3} | NEW_LAND,
            "fail",
        ),
        # 10,000 m2 = 15 mu; 2,000,000 CNY/mu needs 30,000,000
        ("investment", {"investment_cny": 30_000_000}, None),
        ("investment", {"investment_cny": 29_999_999}, "fail"),
        ("investment", {"investment_cny": None}, "unknown"),
    ],
)
def test_indicators_of_a_built_parcel(
    county: County, opened: Open, rule: str, values: dict[str, object], expected: str | None
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100), **values)]
    found = of_rule(reviewed(opened(county), f"indicator.{rule}"), f"indicator.{rule}")
    assert [item.verdict.value for item in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("code", "least"),
    [("3311", 0.7), ("2110", 0.8), ("2614", 0.6), ("2511", 0.5), ("3011", 0.7), ("3110", 0.6)],
)
def test_without_planning_conditions_the_table_of_2008_stands_in_and_is_named(
    county: County, opened: Open, code: str, least: float
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100), plot_ratio=least)]
    county.layers["enterprises"].append(enterprise("Z", code, 1.0, parcel_id="A"))
    rule = "indicator.plot_ratio"
    assert of_rule(reviewed(opened(county), rule), rule) == []
    county.layers["parcels"][0]["plot_ratio"] = least - 0.01
    (finding,) = of_rule(reviewed(opened(county), rule), rule)
    assert finding.evidence["threshold"] == least
    assert finding.evidence["limit_from"] == "reference_2008"
    county.layers["parcels"][0]["plot_ratio_min"] = 1.5  # the parcel's own go first
    (finding,) = of_rule(reviewed(opened(county), rule), rule)
    assert finding.evidence["threshold"] == 1.5
    assert finding.evidence["limit_from"] == "planning_conditions"


def test_standard_land_is_held_to_its_contract(county: County, opened: Open) -> None:
    # 10,000 m² are 15 mu: 3 million CNY of output are 200,000 a mu.
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100), plot_ratio=1.2, contract_plot_ratio=1.5),
        parcel("B", box(200, 0, 100, 100), contract_output_cny_per_mu=200_000),
        parcel("C", box(400, 0, 100, 100), contract_output_cny_per_mu=200_001),
        parcel("D", box(600, 0, 100, 100), contract_tax_cny_per_mu=1),
        parcel("E", box(800, 0, 100, 100), plot_ratio=0.1),  # no contract, not asked
        parcel(
            "F",
            box(0, 200, 100, 100),
            ancillary_land_share=0.08,
            contract_ancillary_land_share=0.07,
        ),
    ]
    county.layers["buildings"] = [
        {**parcel("H", box(410, 10, 20, 20)), "building_id": "H", "parcel_id": "C"}
    ]
    county.layers["enterprises"] += [
        enterprise("ONE", "1311", 1_000_000, parcel_id="B"),
        enterprise("TWO", "1311", 2_000_000, parcel_id="B"),
        enterprise("THREE", "1311", 3_000_000, building_id="H", floor_no=1),
        enterprise("FOUR", "1311", 1.0, parcel_id="D"),  # without tax
    ]
    rule = "indicator.standard_land"
    found = by_subject(reviewed(opened(county), rule), rule)
    assert {key[1]: item.verdict.value for key, item in found.items()} == {
        "A": "fail",
        "C": "fail",
        "D": "unknown",
        "F": "fail",
    }
    assert found["parcels", "C"].evidence["value"] == pytest.approx(200_000)
    assert found["parcels", "A"].evidence["limit_from"] == "contract"


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
