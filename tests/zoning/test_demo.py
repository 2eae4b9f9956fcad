"""A walk through the planted cases of the demo county; sums as in layers/yunyang/SOURCES.md.

Every rule has a pass, a watch or fail, an unknown where data can be missing, and, where it
applies in space, a sliver below tolerance.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from geo_service.model import Finding, FocusBasis, RuleCount, Verdict
from geo_service.plan import Plan
from geo_service.zoning.review import Review
from tests.conftest import DEMO, ROOT

EXPECTED = {
    "pass": "B-03 B-05 B-07 B-11 B-14 B-17 B-20 B-21 B-23 B-24 B-28 B-36 B-37 B-38 B-40 B-41 "
    "B-42 C-02 C-03",
    "watch": "M-01 C-01 B-01 B-02 B-09 B-13 B-15 B-22 B-26 B-29 B-30 B-32 B-33 B-34 B-39",
    "fail": "C-04 B-04 B-06 B-08 B-12 B-16 B-19 B-27 B-35",
    "unknown": "C-05 B-10 B-18 B-25 B-31",
}
AREA_M2 = 0.05
"""How exactly an area survives nine decimals of a degree."""


@pytest.fixture(scope="module")
def result(demo_review: Review) -> Review:
    """Return the review of the demo county on a fixed day."""
    return demo_review


def find(result: Review, rule_id: str, subject: str) -> Finding | None:
    """Return a rule's finding on a subject, named without the county's prefix, or None."""
    names = {f"YY-{subject}", f"YY-P-{subject}", subject}
    found = [
        item
        for item in result.results
        if item.rule_id == rule_id
        and (item.subject.id in names or item.subject.id.endswith(subject))
    ]
    return found[0] if found else None


def test_the_48_parks_come_out_as_planned(result: Review) -> None:
    for verdict, parks in EXPECTED.items():
        ids = {park for park, found in result.park_verdicts.items() if found == verdict}
        assert ids == {f"YY-{name}" for name in parks.split()}, verdict


@pytest.mark.parametrize(
    ("park", "share"),
    [
        ("B-42", (2500 + 2000 + 2000 + 1500) / 10_000),
        ("B-38", (3000 + 2500 + 1500) / 10_000),
        ("B-04", 7000 / 9200),
        ("B-06", 6500 / 9250),
        ("B-01", 10_000 / 11_500),
        ("B-32", (3000 + 2000 + 1200) / 10_000),
        ("B-08", (3000 + 2000) / 10_000),
        ("B-39", (2000 + 1500 + 500) / 10_000),
        ("B-34", (2000 + 1500 + 1200) / 5500),
        ("B-18", None),
        ("B-25", None),
    ],
)
def test_planted_shares(result: Review, park: str, share: float | None) -> None:
    found = result.focus[f"YY-{park}"].shares[FocusBasis.OUTPUT]
    assert found == (None if share is None else pytest.approx(share))


VERDICTS = [
    ("focus.declared", "B-42 -", "B-12 fail", "B-31 unknown", "C-05 unknown"),
    ("focus.in_group", "B-06 -", "B-15 fail", "B-31 unknown"),
    ("focus.is_top", "B-32 -", "B-39 fail", "B-18 unknown", "B-25 unknown"),
    ("focus.leading_share", "B-38 -", "B-32 watch", "B-08 watch", "B-39 fail", "B-18 unknown"),
    ("focus.few_enterprises", "B-26 -", "B-34 watch"),
    ("focus.off_focus_enterprise", "E-B42-01 -", "E-B34-04 watch", "E-B25-03 unknown"),
    ("focus.speciality", "B-42 -", "B-12 watch", "B-34 watch", "B-31 unknown", "C-05 unknown"),
    ("focus.measured", "B-42 -", "B-18 unknown", "B-25 unknown"),
    ("focus.reported", "E-B32-07 -", "E-B31-08 unknown"),
    ("competition.similar_structure", "B-09 -", "B-26 watch", "B-33 watch", "B-18 unknown"),
    ("competition.same_type", "B-09 -", "B-16 watch", "B-34 watch"),
    ("competition.same_leading_nearby", "B-26 -", "B-01 watch", "B-02 watch"),
    ("layout.overlap", "B-21 -", "B-22 fail", "C-04 fail"),
    ("layout.in_county", "C-05 -", "B-29 fail"),
    ("layout.in_township", "B-40 -", "B-36 -", "B-41 -", "B-35 watch", "B-13 watch"),
    ("layout.in_township", "B-18 unknown"),
    ("layout.in_development_boundary", "B-09 -", "B-29 -", "B-35 fail", "B-34 watch"),
    ("layout.in_development_boundary", "B-10 unknown"),
    ("layout.host", "B-20 -", "B-03 -", "B-30 fail"),
    ("layout.declared_area", "B-40 -", "B-34 watch", "B-31 unknown"),
    ("layout.minimum_area", "C-02 -", "B-34 watch"),
    ("layout.enclave", "B-41 -", "B-13 -", "B-29 fail"),
    ("layout.approved_boundary", "C-02 -", "B-27 fail", "C-05 unknown"),
    ("layout.approval", "C-02 -", "C-01 fail", "C-05 unknown"),
    ("layout.plan_eia", "C-02 -", "C-04 fail", "C-05 unknown"),
    ("layout.industry_map", "M-01 -", "C-01 watch", "C-05 unknown", "500235 -"),
    ("land_use.permitted", "B08-4 -", "B08-3 -", "B30-1 watch", "B30-4 watch", "B34-1 watch"),
    ("land_use.permitted", "B08-1 fail", "B08-2 unknown", "B10-1 unknown", "M01-003 watch"),
    ("land_use.permitted", "B09-1 -", "M01-010 watch", "M01-011 -", "M-01 -", "C04-02 fail"),
    ("control_zone.ecological_red_line", "B14-1 -", "B27-1 fail"),
    ("control_zone.permanent_farmland", "B14-2 -", "B27-2 fail", "C-04 fail"),
    ("control_zone.nature_reserve", "B28-1 -", "B-27 -", "B27-3 fail"),
    ("control_zone.water_source_1", "B23-2 -", "B16-1 fail", "B10-2 unknown"),
    ("control_zone.water_source_2", "B42-4 -", "B16-4 fail", "B-16 watch", "B19-3 unknown"),
    ("control_zone.water_source_quasi", "B42-4 -", "B27-4 fail", "B-27 watch", "B10-1 unknown"),
    ("control_zone.river_management", "B23-1 -", "B16-2 fail"),
    ("control_zone.reservoir_line", "B23-3 -", "B16-3 fail", "B23-4 fail"),
    ("control_zone.geohazard_danger", "B42-1 -", "B19-2 -", "B19-1 fail"),
    ("control_zone.geohazard_risk", "B19-1 -", "B19-2 watch", "B10-4 unknown"),
    ("control_zone.geohazard_prone", "B19-1 -", "B19-4 watch"),
    ("control_zone.geohazard", "B19-1 -", "B10-3 unknown"),
    ("control_zone.wetland", "B28-2 -", "B30-4 -", "B27-4 fail", "B10-1 unknown"),
    ("control_zone.wetland_other", "B27-4 -", "B30-4 watch"),
    ("control_zone.heritage", "B35-3 -", "B08-1 fail", "B10-2 unknown"),
    ("control_zone.heritage_control", "B08-1 -", "B35-3 watch", "B10-2 unknown"),
    ("control_zone.eco_unit", "E-B04-06 -", "E-B04-05 fail", "B10-4 unknown", "B-10 unknown"),
    ("control_zone.agricultural_land", "B35-3 -", "B35-2 watch"),
    ("land_use.unconverted_farmland", "B08-3 -", "M01-005 watch"),
    ("river.chemical_1km", "E-B06-11 -", "E-B04-05 fail", "E-B04-06 watch", "E-B04-07 unknown"),
    ("river.chemical_1km", "E-B04-08 watch", "E-B04-09 unknown", "E-B06-05 unknown"),
    ("river.tailings_main", "E-B15-05 -", "E-B06-06 fail", "E-B06-08 watch", "E-B06-07 unknown"),
    ("river.tailings_main", "E-B06-09 -"),
    ("river.tailings_main_by_code", "E-B06-06 -", "E-B06-09 watch", "E-B06-10 -"),
    ("river.heavy_pollution_1km", "E-B04-06 -", "E-B04-05 fail", "E-B04-07 unknown"),
    ("river.new_park_5km", "B-06 -", "B-04 watch", "B-15 unknown"),
    ("indicator.plot_ratio", "M01-P02 -", "M01-P01 fail", "M01-P03 unknown"),
    ("indicator.plot_ratio", "M01-P14 -", "M01-P13 fail", "B09-4 unknown"),
    ("indicator.building_coefficient", "M01-P05 -", "M01-P04 fail", "M01-P06 unknown"),
    ("indicator.building_coefficient", "M01-P02 -", "M01-P01 unknown"),
    ("indicator.ancillary_land", "M01-P08 -", "M01-P07 fail", "M01-P09 unknown"),
    ("indicator.ancillary_floor", "M01-P11 -", "M01-P10 fail", "M01-P12 unknown"),
    ("indicator.ancillary_floor", "M01-P14 -"),
    ("indicator.standard_land", "M01-P08 -", "M01-P09 fail", "M01-P03 unknown"),
    ("indicator.investment", "M01-P14 -", "M01-P13 fail", "M01-P15 unknown"),
    ("indicator.output", "E-M01-002 -", "E-M01-005 fail", "E-M01-014 unknown"),
    ("indicator.tax", "E-M01-002 -", "E-M01-008 fail", "E-M01-011 unknown"),
    ("indicator.grade", "E-M01-002 -", "E-M01-016 watch", "E-M01-011 unknown"),
    ("building.floor_load", "E-B01-05 -", "E-B01-02 fail", "E-B01-07 fail", "E-B01-06 unknown"),
    ("building.clear_height", "E-B01-05 -", "E-B01-03 fail", "E-B01-06 unknown"),
    ("building.goods_lift", "E-B01-05 -", "E-B01-08 fail", "E-B01-09 unknown"),
    ("building.fire_class", "BD-B01-1/1 -", "BD-B01-1/4 fail", "BD-B01-2/3 unknown"),
    ("building.fire_class", "BD-B01-2/1 fail", "BD-B01-4/1 watch"),
    ("building.dormitory", "BD-B01-1 -", "BD-B04-1 fail", "BD-B01-2 -"),
    ("building.vacancy", "BD-B01-2 -", "BD-B01-3 watch", "BD-B01-4 unknown"),
    ("enterprise.zombie", "E-M01-018 -", "E-M01-001 -", "E-M01-016 fail", "E-M01-020 fail"),
    ("enterprise.zombie", "E-M01-003 unknown", "E-M01-019 unknown"),
    ("enterprise.zombie", "E-M01-010 -", "E-M01-013 unknown"),
    ("enterprise.idle_land", "M01-P18 -", "M01-P16 fail", "M01-P17 watch", "M01-P20 watch"),
    ("enterprise.idle_land", "M01-P19 unknown", "M01-P12 watch", "M01-004 -"),
    ("enterprise.hazardous_outside", "E-B04-05 -", "E-B06-05 fail", "E-B06-11 unknown"),
    ("enterprise.others_in_chemical_park", "E-B04-06 -", "E-B04-01 fail", "E-B04-04 unknown"),
    ("enterprise.catalogue_class", "E-M01-007 -", "E-B04-05 fail", "E-B06-06 unknown"),
    ("enterprise.energy_review", "E-M01-004 -", "E-M01-015 fail", "E-M01-007 unknown"),
    ("enterprise.stage_missing", "E-M01-001 -", "E-M01-006 unknown"),
    ("enterprise.code_missing", "E-M01-001 -", "E-B25-03 unknown"),
    ("enterprise.code_unknown", "E-M01-001 -", "E-B16-01 fail"),
]


@pytest.mark.parametrize(
    ("rule_id", "subject", "verdict"),
    [(row[0], *case.split()) for row in VERDICTS for case in row[1:]],
)
def test_planted_verdicts(result: Review, rule_id: str, subject: str, verdict: str) -> None:
    finding = find(result, rule_id, subject)
    assert (finding.verdict.value if finding else "-") == verdict


@pytest.mark.parametrize(
    ("rule_id", "subject", "value", "within"),
    [
        ("layout.overlap", "B-22", 40 * 220, AREA_M2),
        ("layout.in_county", "B-29", 100 * 100, AREA_M2),
        ("layout.in_township", "B-35", 320 * 50, AREA_M2),
        ("layout.in_township", "B-13", 240 * 160, AREA_M2),
        ("layout.in_development_boundary", "B-35", 30 * 220, AREA_M2),
        ("layout.host", "B-30", 320 * 30, AREA_M2),
        ("layout.approved_boundary", "B-27", 20 * 220, AREA_M2),
        ("layout.enclave", "B-29", 100 * 100, AREA_M2),
        ("layout.declared_area", "B-34", 0.10 / 0.90, 1e-5),
        ("layout.minimum_area", "B-34", 0.90, 1e-5),
        ("control_zone.ecological_red_line", "B27-1", 4000 + 4000 - 1000, AREA_M2),
        ("control_zone.permanent_farmland", "B27-2", 20 * 100, AREA_M2),
        ("control_zone.permanent_farmland", "C-04", 0.6 * 100, AREA_M2),
        ("control_zone.nature_reserve", "B27-3", 0.4 * 100, AREA_M2),
        ("control_zone.water_source_1", "B16-1", 15 * 100, AREA_M2),
        ("control_zone.river_management", "B16-2", 15 * 100, AREA_M2),
        ("control_zone.reservoir_line", "B16-3", 25 * 100, AREA_M2),
        ("layout.in_development_boundary", "B-34", 5 * 90, AREA_M2),
        ("layout.in_development_boundary", "B-10", 10 * 220, AREA_M2),
        ("control_zone.water_source_2", "B19-3", 10 * 100, AREA_M2),
        ("control_zone.water_source_2", "B16-4", 50 * 10, AREA_M2),
        ("control_zone.geohazard_danger", "B19-1", 30 * 100, AREA_M2),
        ("control_zone.geohazard_risk", "B19-2", 20 * 100, AREA_M2),
        ("control_zone.heritage", "B08-1", 10 * 100, AREA_M2),
        ("control_zone.wetland", "B27-4", 50 * 10, AREA_M2),
        ("river.chemical_1km", "E-B04-05", 3_421_450 - 3_420_810, 1e-3),
        ("river.chemical_1km", "E-B04-06", 3_421_450 - 3_420_750, 1e-3),
        ("river.chemical_1km", "E-B04-08", 3_421_450 - 3_420_700, 1e-3),
        ("river.tailings_main", "E-B06-06", 3_426_150 - 3_424_850, 1e-3),
        ("river.tailings_main_by_code", "E-B06-09", 3_426_150 - 3_424_830, 1e-3),
        ("competition.similar_structure", "B-26", 4280 / (4200 * 4368) ** 0.5, 1e-9),
        ("indicator.investment", "M01-P13", 80_000_000 / 45, 1),
        ("indicator.output", "E-M01-005", 121_500_000 / 45, 1e-3),
        ("indicator.tax", "E-M01-008", 4_500_000 / 45, 1e-3),
        ("indicator.ancillary_floor", "M01-P10", 0.18, 1e-9),
        ("indicator.standard_land", "M01-P09", 1.2, 1e-9),
        ("building.vacancy", "BD-B01-3", (1600 + 2000) / 8000, 1e-9),
    ],
)
def test_planted_numbers(
    result: Review, rule_id: str, subject: str, value: float, within: float
) -> None:
    finding = find(result, rule_id, subject)
    assert finding is not None
    assert finding.evidence["value"] == pytest.approx(value, abs=within)


def test_slivers_are_counted_as_below_tolerance(result: Review) -> None:
    # each sliver of 10 m2 lies in a parcel and in its park
    expected = {
        "layout.overlap": 1,
        "layout.in_county": 1,
        "layout.in_township": 1,
        "layout.in_development_boundary": 1,
        "layout.host": 1,
        "control_zone.ecological_red_line": 2,
        "control_zone.permanent_farmland": 2,
        "control_zone.nature_reserve": 3,  # B28-1, its park, and park B-27 with 40 m2
        "control_zone.water_source_1": 2,
        "control_zone.water_source_2": 1,  # B42-2; its park is known not to discharge
        "control_zone.river_management": 2,
        "control_zone.reservoir_line": 1,  # B23-3; in its park the sliver joins the approved part
        "control_zone.geohazard_danger": 2,
        "control_zone.wetland": 2,
    }
    assert {rule: result.checks[rule].below_tolerance for rule in expected} == expected


def test_every_rule_was_put_to_something_and_passed_something(result: Review) -> None:
    # The county has no important tributary, so nothing is held against those rules.
    idle = {rule for rule, count in result.checks.items() if count == RuleCount(0, 0)}
    assert idle == {"river.tailings_tributary", "river.tailings_tributary_by_code"}
    for rule, count in result.checks.items():
        if rule not in idle | {"river.tailings_main_by_code"}:  # only suspects are put to it
            assert 0 < count.passed <= count.checked, rule


def test_a_waiver_holds_and_an_expired_one_does_not(result: Review) -> None:
    waived = find(result, "indicator.plot_ratio", "C01-04")
    expired = find(result, "building.vacancy", "BD-B01-3")
    assert waived is not None
    assert waived.waived is not None
    assert waived.waived["expires_on"] == "2027-12-31"
    assert expired is not None
    assert expired.waived is None


def test_an_approved_use_of_land_below_the_reservoir_line_does_not_count(result: Review) -> None:
    for subject in ("B23-4", "YY-B-23"):
        approved = find(result, "control_zone.reservoir_line", subject)
        assert approved is not None
        assert approved.approval is not None
        assert approved.approval["approved_on"] == "2025-06-01"
    assert result.park_verdicts["YY-B-23"] is Verdict.PASS


def test_a_declared_enclave_is_not_held_to_the_county(demo: Plan, result: Review) -> None:
    assert find(result, "layout.in_county", "B-41") is None
    assert result.park_verdicts["YY-B-41"] is Verdict.PASS
    row = demo.parks.set_index("park_id").loc["YY-B-41"]
    assert row["enclave_partner"]
    assert row["enclave_terms"]


def test_a_park_across_a_township_line_is_only_told(demo: Plan, result: Review) -> None:
    # B-13 lies in another township: that is no enclave, and no rule on it can bind.
    finding = find(result, "layout.in_township", "B-13")
    assert finding is not None
    assert finding.severity == "info"
    assert find(result, "layout.enclave", "B-13") is None
    hosted = demo.parks.set_index("park_id").loc["YY-B-36"]
    assert hosted["host_park_id"] == "YY-M-01"  # it lies where its host is


def test_the_limit_of_a_plot_ratio_says_where_it_comes_from(result: Review) -> None:
    by_parcel = {
        name: find(result, "indicator.plot_ratio", name) for name in ("M01-P01", "M01-P13")
    }
    told = {
        name: (item.evidence["threshold"], item.evidence["limit_from"])
        for name, item in by_parcel.items()
        if item is not None
    }
    assert told == {
        "M01-P01": (0.7, "reference_2008"),
        "M01-P13": (1.5, "planning_conditions"),
    }


def test_the_platform_is_1_5_42(demo: Plan) -> None:
    counts = demo.parks["tier"].value_counts().to_dict()
    assert counts == {"municipal_park": 1, "sme_cluster": 5, "building_park": 42}
    assert len(demo.townships) == 42


def test_what_is_real_and_what_is_illustrative_is_said_feature_by_feature(demo: Plan) -> None:
    assert not demo.townships["illustrative"].any()
    assert not demo.county["illustrative"].any()
    for name in demo.layers:
        if name not in {"townships", "county"}:
            assert demo.frame(name)["illustrative"].all(), name
        assert demo.frame(name)["source"].notna().all(), name


@pytest.mark.slow
def test_the_demo_files_are_what_their_command_writes() -> None:
    done = subprocess.run(
        [sys.executable, DEMO / "rebuild.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
