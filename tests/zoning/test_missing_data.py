"""What is missing must never pass in silence: `unknown` says which column and rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from geo_service.errors import RulebookError, WorkspaceError
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import parse_rulebook
from tests.county import County, box, enterprise, line, parcel, park, zone
from tests.zoning.made import by_subject, chemical, of_rule, reviewed, river, verdicts

Open = Callable[[County], Plan]
HEAD = 'format: "1"\ntitle: {en: t}\nextends: default\nrules:\n'


def test_a_parcel_without_park_belongs_to_the_park_that_covers_it(
    county: County, opened: Open
) -> None:
    county.layers["parcels"] = [
        parcel("in", box(10, 10, 50, 50), park_id=None, land_use="100103"),
        parcel("mostly", box(960, 10, 60, 50), park_id=None, land_use="0701"),  # 40 of 60 m in P1
        parcel("hardly", box(980, 200, 60, 50), park_id=None, land_use="0701"),  # 20 of 60 m
    ]
    plan = opened(county)
    owners = dict(zip(plan.parcels["parcel_id"], plan.parcels["park_id"], strict=True))
    assert owners["in"] == owners["mostly"] == "P1"
    assert not isinstance(owners["hardly"], str)
    assert verdicts(reviewed(plan, "land_use.permitted"), "land_use.permitted") == {
        "in": "watch",
        "mostly": "fail",
    }


def test_no_county_boundary_is_unknown(county: County, opened: Open) -> None:
    del county.layers["county"]
    assert verdicts(reviewed(opened(county), "layout.in_county"), "layout.in_county") == {
        "P1": "unknown",
        "P2": "unknown",
    }


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"is_management_boundary": False}, "rivers.is_management_boundary"),
        ({"is_management_boundary": None}, "rivers.is_management_boundary"),
        ({"rank": None}, "rivers.rank"),
    ],
)
def test_a_river_near_by_without_mapped_boundary_is_unknown(
    county: County, opened: Open, values: dict[str, object], column: str
) -> None:
    # Another river's boundary far away does not make up for this one's.
    county.layers["rivers"] = [
        river("near", line((0, -2000), (0, 2000)), **values),
        river("far", line((30_000, -2000), (30_000, 2000))),
    ]
    county.layers["enterprises"].append(chemical("C", 640, 0, is_new=True))
    (finding,) = of_rule(reviewed(opened(county), "river.chemical_1km"), "river.chemical_1km")
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.evidence["missing_column"] == column
    assert finding.evidence["missing_rows"] == ["near"]


def test_a_centreline_beside_its_own_boundary_needs_nothing_more(
    county: County, opened: Open
) -> None:
    county.layers["rivers"] = [
        river("centre", line((-450, -2000), (-450, 2000)), is_management_boundary=False),
        river("boundary", line((0, -2000), (0, 2000))),
    ]
    county.layers["enterprises"].append(chemical("C", 1_200, 0, is_new=True))
    assert of_rule(reviewed(opened(county), "river.chemical_1km"), "river.chemical_1km") == []


def test_a_grade_that_its_kind_does_not_have_is_refused(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(
        zone("Z", box(0, 0, 10, 10), kind="water_source", grade="一级")
    )
    with pytest.raises(WorkspaceError, match="a grade of water_source: 1, 2, quasi"):
        opened(county)


def test_an_enterprise_that_stopped_reporting_is_unknown(county: County, opened: Open) -> None:
    county.layers["enterprises"] += [
        enterprise("gone", "3670", 900.0, year=2024),
        enterprise("shut", "3670", 900.0, year=2024, status="closed"),
        enterprise("long gone", "3670", 900.0, year=2023),
    ]
    result = review(opened(county))
    assert verdicts(result, "focus.reported") == {"gone": "unknown"}
    assert result.park_verdicts["P1"] is Verdict.UNKNOWN


def test_naming_a_host_does_not_hide_an_overlap(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(950, 0, 400, 400), host_park_id="P1"))
    # 50 of 400 m lie in the host: 12.5 %
    assert set(verdicts(reviewed(opened(county), "layout.overlap"), "layout.overlap")) == {
        "P1",
        "P3",
    }


def test_a_park_across_a_township_line_is_told_unless_it_has_a_host(
    county: County, opened: Open
) -> None:
    across = park("P3", box(9000, 0, 500, 500), tier="building_park")
    county.layers["parks"].append(across)
    found = of_rule(reviewed(opened(county), "layout.in_township"), "layout.in_township")
    assert [(item.subject.id, item.severity.value) for item in found] == [("P3", "info")]
    across["host_park_id"] = "P2"
    result = reviewed(opened(county), "layout.in_township", "layout.enclave")
    assert "P3" not in verdicts(result, "layout.in_township")
    assert "P3" not in verdicts(result, "layout.enclave")


def test_a_declared_enclave_may_lie_outside_the_county(county: County, opened: Open) -> None:
    county.layers["county"][0]["geometry"] = box(-100, -100, 5_000, 5_000)
    county.layers["parks"].append(
        park(
            "P3",
            box(9000, 0, 500, 500),
            enclave_partner="某区",
            enclave_terms="五五分成",
        )
    )
    result = reviewed(opened(county), "layout.in_county", "layout.in_development_boundary")
    assert "P3" not in verdicts(result, "layout.in_county")
    assert "P3" not in verdicts(result, "layout.in_development_boundary")


def test_a_sliver_of_an_enclave_is_noise(county: County, opened: Open) -> None:
    two = box(0, 0, 1000, 1000).union(box(-21_000, 0, 1, 0.5))  # the county begins at -20,000
    county.layers["parks"][0]["geometry"] = two
    result = reviewed(opened(county), "layout.enclave")
    assert of_rule(result, "layout.enclave") == []
    assert result.checks["layout.enclave"].below_tolerance == 1


@pytest.mark.parametrize(
    ("use", "expected"),
    [("1207", {}), ("1401", {}), ("10", {"A": "watch"}), ("999999", {"A": "unknown"})],
)
def test_supporting_coarse_and_impossible_land_uses(
    county: County, opened: Open, use: str, expected: dict[str, str]
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 50, 50), land_use=use)]
    assert (
        verdicts(reviewed(opened(county), "land_use.permitted"), "land_use.permitted") == expected
    )


def test_a_parcel_without_status_is_unknown(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 50, 50), status=None)]
    result = reviewed(opened(county), "indicator.plot_ratio", "enterprise.idle_land")
    assert verdicts(result, "indicator.plot_ratio") == {"A": "unknown"}
    assert verdicts(result, "enterprise.idle_land") == {"A": "unknown"}


def test_a_building_without_floors_is_unknown(county: County, opened: Open) -> None:
    county.layers["buildings"] = [
        {**parcel("B", box(0, 0, 9, 9)), "building_id": "B", "parcel_id": None}
    ]
    assert verdicts(reviewed(opened(county), "building.vacancy"), "building.vacancy") == {
        "B": "unknown"
    }


def test_a_parcel_far_from_the_park_it_names_is_told(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("A", box(2100, 100, 50, 50)),
        parcel("B", box(980, 0, 39, 10)),
    ]
    found = by_subject(reviewed(opened(county), "layout.placement"), "layout.placement")
    assert list(found) == [("parcels", "A")]  # B has 20 of 39 m in P1
    assert found["parcels", "A"].evidence["value"] == pytest.approx(1.0)


def test_one_leading_industry_may_contain_the_other(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(1500, 0, 400, 400), leading_industry="131"))
    assert set(
        verdicts(
            reviewed(opened(county), "competition.same_leading_nearby"),
            "competition.same_leading_nearby",
        )
    ) == {"P1", "P3"}


def test_every_zone_s_own_area_is_in_the_evidence(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["control_zones"] += [
        zone("Z1", box(0, 0, 60, 100)),
        zone("Z2", box(40, 0, 40, 100)),
    ]
    finding = by_subject(
        reviewed(opened(county), "control_zone.ecological_red_line"),
        "control_zone.ecological_red_line",
    )["parcels", "A"]
    areas = {item["zone_id"]: item["area_m2"] for item in finding.evidence["zones"]}
    assert areas == pytest.approx({"Z1": 6_000, "Z2": 4_000}, rel=1e-6)
    assert finding.evidence["value"] == pytest.approx(8_000, rel=1e-6)


def test_what_a_caller_does_to_a_frame_does_not_change_the_plan(
    county: County, opened: Open
) -> None:
    plan = opened(county)
    parks = plan.parks
    parks.loc[0, "leading_industry"] = "99"
    parks["name"] = "nothing"
    assert plan.parks["leading_industry"].tolist() == ["13", "36"]
    assert "nothing" not in set(plan.frame("parks")["name"])


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("  layout.overlap: {scope: {tiers: [bulding_park]}}", "building_park"),
        ("  layout.overlap: {scope: {industries: [chemical]}}", "not a GB/T 4754-2017 code"),
        ("  layout.overlap: {tolerance: {area_m2: -5}}", "greater than or equal to 0"),
        ("  layout.overlap: {tolerance: {share: nan}}", "finite"),
        ("  layout.overlap: {applies_to: new}", "only rules of river_distance"),
        ("  river.chemical_1km: {parameters: {distance_m: inf}}", "finite"),
        ("  river.chemical_1km: {parameters: {industries: ['2x']}}", "not a GB/T 4754-2017 code"),
        ("  control_zone.wetland: {parameters: {kind: wetlands}}", "'wetland'?"),
        ("  indicator.plot_ratio: {parameters: {verdict: pass}}", "one of 'fail'"),
        ("  land_use.permitted: {parameters: {uses: {planing2023: {}}}}", "'planning2023'"),
        (
            "  focus.leading_share: {parameters: {pass_share: 0.3}}",
            "watch_share must not be greater",
        ),
        ("  indicator.grade: {parameters: {weights: {tax_per_mu: 0}}}", "greater than 0"),
    ],
)
def test_a_slip_that_would_disarm_a_rule_is_refused(rules: str, message: str) -> None:
    with pytest.raises(RulebookError, match=message.replace("?", r"\?")) as caught:
        parse_rulebook(HEAD + rules, "own.yaml")
    assert "own.yaml:5" in str(caught.value)


def test_aliases_are_refused_before_they_grow() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(RulebookError, match="without aliases"):
        parse_rulebook(bomb, "own.yaml")
