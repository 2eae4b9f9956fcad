"""Competition, buildings and enterprises; waivers. Numbers derived by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from geo_service.errors import RulebookError
from geo_service.language import Translator
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import default_rulebook
from geo_service.zoning.waivers import open_waivers
from tests.county import County, box, enterprise, parcel, park
from tests.zoning.made import of_rule, reviewed, verdicts

Open = Callable[[County], Plan]


# ---- competition --------------------------------------------------------------------------


def test_similar_structures_at_three_digits(county: County, opened: Open) -> None:
    # P1: 131 at 0.8, 137 at 0.2; P3: 131 at 0.8, 367 at 0.2.
    # UNIDO = 0.64 / 0.68 = 0.941; Krugman = 0.2 + 0.2 = 0.4
    county.layers["enterprises"] = [
        enterprise("A", "1311", 80.0),
        enterprise("B", "1371", 20.0),
        enterprise("C", "1312", 80.0, park_id="P3"),
        enterprise("D", "3670", 20.0, park_id="P3"),
    ]
    county.layers["parks"].append(park("P3", box(9000, 0, 1000, 1000)))
    found = of_rule(
        reviewed(opened(county), "competition.similar_structure"), "competition.similar_structure"
    )
    assert {item.verdict for item in found} <= {Verdict.UNKNOWN}  # P2 has no enterprises
    county.layers["enterprises"][3] = enterprise("D", "1371", 20.0, park_id="P3")
    found = of_rule(
        reviewed(opened(county), "competition.similar_structure"), "competition.similar_structure"
    )
    alike = {item.subject.id: item for item in found if item.verdict is Verdict.WATCH}
    assert set(alike) == {"P1", "P3"}
    assert alike["P1"].evidence["value"] == pytest.approx(1.0)
    assert alike["P1"].evidence["others"][0]["krugman"] == pytest.approx(0.0)


def test_too_many_parks_of_one_type(county: County, opened: Open) -> None:
    county.layers["parks"] += [
        park(f"Q{n}", box(0, 10_000 + 5_000 * n, 500, 500), leading_industry="131")
        for n in range(4)
    ]
    assert (
        of_rule(reviewed(opened(county), "competition.same_type"), "competition.same_type") == []
    )  # 5 parks of 13
    county.layers["parks"].append(park("Q9", box(0, 40_000, 500, 500)))
    found = verdicts(reviewed(opened(county), "competition.same_type"), "competition.same_type")
    assert set(found) == {"P1", "Q0", "Q1", "Q2", "Q3", "Q9"}


@pytest.mark.parametrize(("x", "expected"), [(4_000.0, {"P1", "P3"}), (4_000.1, set())])
def test_the_same_leading_industry_within_three_kilometres(
    county: County, opened: Open, x: float, expected: set[str]
) -> None:
    county.layers["parks"].append(park("P3", box(x, 0, 500, 500)))  # P1 ends at x = 1,000
    found = verdicts(
        reviewed(opened(county), "competition.same_leading_nearby"),
        "competition.same_leading_nearby",
    )
    assert set(found) == expected


# ---- buildings ----------------------------------------------------------------------------


def floor(number: int, **values: object) -> dict[str, object]:
    """Return a floor's row that fits any light industry."""
    return {
        "building_id": "B",
        "floor_no": number,
        "area_m2": 1000,
        "vacant_m2": 100,
        "load_kn_m2": 8,
        "clear_height_m": 4.5,
        "goods_lift_t": 2,
        "fire_class": "丙",
        "source": "made for tests",
        "illustrative": True,
        **values,
    }


@pytest.fixture
def housed(county: County) -> County:
    """A county with one building of two floors in P1 and one tenant, E1, on floor 2."""
    county.layers["buildings"] = [
        {**parcel("B", box(50, 50, 40, 25)), "building_id": "B", "parcel_id": None}
    ]
    county.layers["floors"] = [floor(1), floor(2)]
    county.layers["enterprises"][0] |= {"building_id": "B", "floor_no": 2}
    return county


def test_a_fitting_floor_passes(housed: County, opened: Open) -> None:
    checks = reviewed(opened(housed), "building.floor_load").checks
    assert (checks["building.floor_load"].checked, checks["building.floor_load"].passed) == (1, 1)


@pytest.mark.parametrize(
    ("rule", "column", "low", "missing"),
    [
        ("floor_load", "load_kn_m2", 6.4, None),
        ("clear_height", "clear_height_m", 3.9, None),
        ("goods_lift", "goods_lift_t", 1.9, None),
    ],
)
def test_a_floor_that_offers_less_than_is_needed(
    housed: County, opened: Open, rule: str, column: str, low: float, missing: None
) -> None:
    housed.layers["floors"][1][column] = low
    assert verdicts(reviewed(opened(housed), f"building.{rule}"), f"building.{rule}") == {
        "E1": "fail"
    }
    housed.layers["floors"][1][column] = missing
    assert verdicts(reviewed(opened(housed), f"building.{rule}"), f"building.{rule}") == {
        "E1": "unknown"
    }


def test_heavy_industry_needs_more(housed: County, opened: Open) -> None:
    housed.layers["enterprises"][0]["industry_code"] = "3411"  # 34 needs 10 kN/m2
    (finding,) = of_rule(reviewed(opened(housed), "building.floor_load"), "building.floor_load")
    assert finding.evidence["threshold"] == 10


def test_a_floor_that_is_not_in_the_table_is_unknown(housed: County, opened: Open) -> None:
    housed.layers["enterprises"][0]["floor_no"] = 7
    assert verdicts(reviewed(opened(housed), "building.floor_load"), "building.floor_load") == {
        "E1": "unknown"
    }


def test_fire_classes_a_and_b_stay_on_the_ground(housed: County, opened: Open) -> None:
    housed.layers["floors"] = [
        floor(1, fire_class="乙"),
        floor(2, fire_class="乙"),
        floor(3, fire_class=None),
        floor(4, fire_class="甲"),
    ]
    found = verdicts(reviewed(opened(housed), "building.fire_class"), "building.fire_class")
    assert found == {"B/2": "fail", "B/3": "unknown", "B/4": "fail"}


def test_class_a_shares_no_building_not_even_from_the_ground_floor(
    housed: County, opened: Open
) -> None:
    rule = "building.fire_class"
    housed.layers["floors"] = [floor(1, fire_class="甲"), floor(2)]
    # E1 alone is in the building, which has two storeys: to be looked at.
    assert verdicts(reviewed(opened(housed), rule), rule) == {"B/1": "watch"}
    housed.layers["enterprises"][1] |= {"building_id": "B", "floor_no": 1}
    result = reviewed(opened(housed), rule)
    assert verdicts(result, rule) == {"B/1": "fail"}
    # The cure is a building of its own, and never the ground floor of a shared one.
    (finding,) = of_rule(result, rule)
    assert finding.cure is not None
    assert "首层" not in Translator().render(finding.cure)
    assert "单独" in Translator().render(finding.cure)
    housed.layers["floors"] = [floor(1, fire_class="甲")]
    housed.layers["enterprises"][0] |= {"floor_no": 1}
    assert verdicts(reviewed(opened(housed), rule), rule) == {"B/1": "fail"}
    housed.layers["enterprises"][1] |= {"building_id": None, "floor_no": None}
    assert verdicts(reviewed(opened(housed), rule), rule) == {}  # one storey, one tenant


@pytest.mark.parametrize(("told", "expected"), [(True, {"B": "fail"}), (False, {}), (None, {})])
def test_no_dormitory_in_a_factory_where_it_is_known(
    housed: County,
    opened: Open,
    told: bool | None,  # noqa: FBT001 - one column of the table
    expected: dict[str, str],
) -> None:
    housed.layers["buildings"][0]["has_dormitory"] = told
    result = reviewed(opened(housed), "building.dormitory")
    assert verdicts(result, "building.dormitory") == expected
    assert result.checks["building.dormitory"].checked == (told is not None)


@pytest.mark.parametrize(
    ("vacant", "expected"), [(700, {}), (701, {"B": "watch"}), (None, {"B": "unknown"})]
)
def test_vacancy_of_a_building(
    housed: County, opened: Open, vacant: float | None, expected: dict[str, str]
) -> None:
    housed.layers["floors"][1]["vacant_m2"] = vacant  # 100 + 700 = 800 of 2,000 is 40 %
    assert verdicts(reviewed(opened(housed), "building.vacancy"), "building.vacancy") == expected


# ---- enterprises --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"loss_years": 3, "insolvent": True}, None),  # one test of four
        ({"loss_years": 3, "insolvent": True, "in_arrears": True}, "fail"),
        # Losses count only where debts exceed assets.
        ({"loss_years": 3, "insolvent": False, "in_arrears": True}, None),
        ({"loss_years": 3, "insolvent": None, "in_arrears": True}, "unknown"),
        ({"loss_years": 2, "insolvent": None, "in_arrears": True}, None),
        ({"status": "stopped", "stopped_months": 6, "subsidised": True}, "fail"),
        ({"status": "stopped", "stopped_months": 5, "subsidised": True}, None),
        ({"status": "half_stopped", "stopped_months": 11, "subsidised": True}, None),
        ({"status": "half_stopped", "stopped_months": 12, "subsidised": True}, "fail"),
        ({"loss_years": 3, "insolvent": True, "in_arrears": None}, "unknown"),
        ({"in_arrears": None}, None),  # whatever it is, one test at most
        ({"loss_years": None, "in_arrears": None}, "unknown"),
    ],
)
def test_zombies_meet_two_of_four_tests(
    county: County, opened: Open, values: dict[str, object], expected: str | None
) -> None:
    county.layers["enterprises"][0] |= values
    found = verdicts(reviewed(opened(county), "enterprise.zombie"), "enterprise.zombie")
    assert found == ({"E1": expected} if expected else {})


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2025-03-02", {}),
        ("2025-03-01", {"A": "watch"}),
        ("2024-03-02", {"A": "watch"}),
        ("2024-03-01", {"A": "fail"}),
        (None, {"A": "unknown"}),
    ],
)
def test_idle_land_by_the_calendar_from_the_agreed_start(
    county: County, opened: Open, since: str | None, expected: dict[str, str]
) -> None:
    county.layers["parcels"] = [
        parcel(
            "A", box(0, 0, 10, 10), status="idle", agreed_start_on=since, idle_since="2020-01-01"
        ),
        parcel("B", box(20, 0, 10, 10), agreed_start_on="2000-01-01"),  # built since: not idle
        parcel("C", box(40, 0, 10, 10), status="vacant"),  # not supplied yet
    ]
    result = reviewed(opened(county), "enterprise.idle_land", as_of=date(2026, 3, 1))
    assert verdicts(result, "enterprise.idle_land") == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "vacant", "agreed_start_on": "2024-03-01"}, "fail"),
        ({"status": "idle", "agreed_start_on": "2020-01-01", "government_delay": True}, None),
        ({"status": "idle", "agreed_start_on": "2020-01-01", "government_delay": False}, "fail"),
        # Begun and stopped: at most watched, after a year, with less than a third or a quarter.
        ({"stopped_on": "2025-03-01", "built_share": 0.33}, "watch"),
        ({"stopped_on": "2025-03-02", "built_share": 0.33}, None),
        ({"stopped_on": "2025-03-01", "built_share": 0.34, "invested_share": 0.25}, None),
        ({"stopped_on": "2025-03-01", "built_share": 0.34, "invested_share": 0.24}, "watch"),
        ({"stopped_on": "2025-03-01", "built_share": 0.34}, "unknown"),
        ({"stopped_on": "2020-03-01", "built_share": 0.1, "status": "idle"}, "watch"),
        ({"stopped_on": "2020-03-01", "built_share": 0.1, "government_delay": True}, None),
        ({"status": "idle", "agreed_start_on": "2020-01-01", "built_share": 0.2}, None),  # begun
    ],
)
def test_two_kinds_of_idle_land(
    county: County, opened: Open, values: dict[str, object], expected: str | None
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 10, 10), **values)]
    result = reviewed(opened(county), "enterprise.idle_land", as_of=date(2026, 3, 1))
    found = verdicts(result, "enterprise.idle_land")
    assert found == ({"A": expected} if expected else {})


@pytest.mark.parametrize(
    ("is_chemical", "values", "outside", "inside"),
    [
        (True, {"hazardous_chemicals": True}, None, None),
        (False, {"hazardous_chemicals": True}, "fail", None),
        (None, {"hazardous_chemicals": True}, "unknown", None),
        (False, {"hazardous_chemicals": None}, None, None),  # 1311 is no likely maker
        (False, {"industry_code": "2611", "hazardous_chemicals": None}, "unknown", None),
        (False, {"industry_code": "2611", "hazardous_chemicals": False}, None, None),
        (True, {"hazardous_chemicals": False}, None, "fail"),
        (True, {"hazardous_chemicals": None}, None, "unknown"),
        (True, {"industry_code": "2611", "hazardous_chemicals": None}, None, None),
        (True, {"industry_code": "2611", "hazardous_chemicals": False}, None, None),
    ],
)
def test_hazardous_chemicals_and_chemical_parks(
    county: County,
    opened: Open,
    is_chemical: bool | None,  # noqa: FBT001
    values: dict[str, object],
    outside: str | None,
    inside: str | None,
) -> None:
    county.layers["parks"][0]["is_chemical_park"] = is_chemical
    county.layers["enterprises"] = [enterprise("E1", "1311", 1.0, **values)]
    rules = ("enterprise.hazardous_outside", "enterprise.others_in_chemical_park")
    result = reviewed(opened(county), *rules, as_of=date(2026, 5, 1))
    for rule, expected in zip(rules, (outside, inside), strict=True):
        assert verdicts(result, rule) == ({"E1": expected} if expected else {}), rule
    before = reviewed(opened(county), *rules, as_of=date(2026, 4, 30))
    assert not before.results  # the law is of 1 May 2026


def test_a_maker_of_hazardous_chemicals_in_no_park_is_outside(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(
        enterprise("Z", "2611", 1.0, park_id=None, hazardous_chemicals=True)
    )
    rule = "enterprise.hazardous_outside"
    assert verdicts(reviewed(opened(county), rule, as_of=date(2026, 6, 1)), rule) == {"Z": "fail"}


@pytest.mark.parametrize(
    ("values", "expected", "severity"),
    [
        ({"is_new": True, "catalogue_class": "restricted"}, "fail", "must"),
        ({"is_new": True, "catalogue_class": "eliminated"}, "fail", "must"),
        ({"is_new": True, "catalogue_class": "permitted"}, None, None),
        ({"is_new": True, "catalogue_class": None}, "unknown", "info"),
        ({"is_new": None, "catalogue_class": "restricted"}, "unknown", "info"),
        ({"is_new": False, "catalogue_class": "restricted"}, None, None),
    ],
)
def test_nothing_restricted_is_newly_built(
    county: County,
    opened: Open,
    values: dict[str, object],
    expected: str | None,
    severity: str | None,
) -> None:
    county.layers["enterprises"][0] |= values
    rule = "enterprise.catalogue_class"
    found = of_rule(reviewed(opened(county), rule), rule)
    assert [(item.verdict, item.severity) for item in found] == (
        [(expected, severity)] if expected else []
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"energy_tce": 1000, "energy_review_number": "审 1"}, None),
        ({"energy_tce": 1000, "energy_review_number": None}, "unknown"),
        ({"energy_tce": 1000, "energy_review_number": "无"}, "fail"),
        ({"energy_tce": 999.9, "energy_review_number": "无"}, None),
        ({"energy_tce": 1000, "energy_review_number": "无", "is_new": None}, "unknown"),
        ({"energy_tce": 1000, "energy_review_number": "无", "is_new": False}, None),
    ],
)
def test_large_users_of_energy_have_a_review(
    county: County, opened: Open, values: dict[str, object], expected: str | None
) -> None:
    county.layers["enterprises"][0] |= {"is_new": True} | values
    rule = "enterprise.energy_review"
    found = verdicts(reviewed(opened(county), rule), rule)
    assert found == ({"E1": expected} if expected else {})


def test_codes_missing_and_unknown(county: County, opened: Open) -> None:
    county.layers["enterprises"][0]["industry_code"] = None
    county.layers["enterprises"][1]["industry_code"] = "1399"
    county.layers["enterprises"][2]["industry_code"] = "1398"
    result = reviewed(opened(county), "enterprise.code_missing", "enterprise.code_unknown")
    assert verdicts(result, "enterprise.code_missing") == {"E1": "unknown"}
    assert verdicts(result, "enterprise.code_unknown") == {"E3": "fail"}
    assert of_rule(result, "enterprise.code_unknown")[0].evidence["nearest"] == "139"


def test_a_missing_ladder_stage(county: County, opened: Open) -> None:
    county.layers["enterprises"][0]["stage"] = None
    assert verdicts(
        reviewed(opened(county), "enterprise.stage_missing"), "enterprise.stage_missing"
    ) == {"E1": "unknown"}


# ---- waivers ------------------------------------------------------------------------------

WAIVER = """
format: "1"
waivers:
  - rule_id: focus.off_focus_enterprise
    subject: {layer: enterprises, id: Z}
    reason: moves out by the end of the year
    author: 张三
    granted_on: 2026-01-01
    expires_on: 2026-12-31
"""


def waived_county(county: County, folder: Path, text: str = WAIVER) -> Plan:
    """Write a county with one off-focus enterprise and a file of waivers, and open it."""
    county.extra += '\nwaivers = "waivers.yaml"'
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    county.write(folder)
    (folder / "waivers.yaml").write_text(text, encoding="utf-8")
    return open_plan(folder)


def test_a_waived_finding_is_shown_and_does_not_count(county: County, tmp_path: Path) -> None:
    result = review(waived_county(county, tmp_path), as_of=date(2026, 12, 31))
    (finding,) = of_rule(result, "focus.off_focus_enterprise")
    assert finding.waived is not None
    assert finding.waived["author"] == "张三"
    assert result.park_verdicts["P1"] is Verdict.PASS


@pytest.mark.parametrize("day", ["9" * 400, "1e400", ".nan", "Infinity", "99999999999"])
@pytest.mark.parametrize("field", ["granted_on", "expires_on"])
def test_a_day_past_all_bounds_is_a_fault(
    county: County, tmp_path: Path, field: str, day: str
) -> None:
    text = re.sub(rf"{field}: .*", f"{field}: {day}", WAIVER)
    plan = waived_county(county, tmp_path, text)
    with pytest.raises(RulebookError, match=field):
        review(plan, as_of=date(2026, 12, 31))


def test_many_waivers_of_features_that_are_gone_are_looked_up_once_a_layer(
    county: County, tmp_path: Path
) -> None:
    entry = WAIVER.partition("waivers:\n")[2]
    many = "".join(entry.replace("id: Z", f"id: Z{number}") for number in range(3_000))
    plan = waived_county(county, tmp_path, WAIVER + many)
    found = open_waivers(tmp_path / "waivers.yaml", default_rulebook(), plan)
    assert len(found.entries) == 3_001
    assert len(found.stale) == 3_000


def test_an_expired_waiver_comes_back(county: County, tmp_path: Path) -> None:
    result = review(waived_county(county, tmp_path), as_of=date(2027, 1, 1))
    assert of_rule(result, "focus.off_focus_enterprise")[0].waived is None
    assert result.park_verdicts["P1"] is Verdict.WATCH


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("off_focus_enterprise", "off_focus", r"waivers\.yaml:4.*focus\.off_focus_enterprise"),
        ("reason: moves out by the end of the year", "reason: ''", r"waivers\.yaml:6"),
        ("expires_on: 2026-12-31", "expires_on: 2025-12-31", "expires_on must not be before"),
    ],
)
def test_a_waiver_that_cannot_hold_is_refused(
    county: County, tmp_path: Path, old: str, new: str, message: str
) -> None:
    plan = waived_county(county, tmp_path, WAIVER.replace(old, new))
    with pytest.raises(RulebookError, match=message):
        review(plan)


def test_a_waiver_of_what_is_gone_is_listed_and_harms_nothing(
    county: County, tmp_path: Path
) -> None:
    result = review(waived_county(county, tmp_path, WAIVER.replace("id: Z", "id: Y")))
    assert result.waivers.stale == ("enterprises/Y",)


def test_a_waiver_may_name_one_finding(county: County, tmp_path: Path) -> None:
    plan = waived_county(
        county, tmp_path, WAIVER.replace("reason:", "finding_id: f-0\n    reason:")
    )
    (finding,) = of_rule(review(plan, as_of=date(2026, 6, 1)), "focus.off_focus_enterprise")
    assert finding.waived is None
