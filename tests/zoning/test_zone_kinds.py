"""What lies in zones by what stands there: who discharges, new polluters, lists of eco units."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.schema import ZONE_GRADES
from geo_service.zoning.checks.zone_parameters import ZoneParameters
from geo_service.zoning.rulebook import default_rulebook
from tests.county import County, box, enterprise, in_degrees, parcel, park, point, zone
from tests.depth import thorough
from tests.zoning.made import by_subject, of_rule, reviewed, verdicts

Open = Callable[[County], Plan]
LEVEL_2 = "control_zone.water_source_2"
QUASI = "control_zone.water_source_quasi"
UNIT = "control_zone.eco_unit"


def with_parcels(county: County, *names: str) -> None:
    """Put parcels of 100 m by 100 m beside each other into a park of their own."""
    county.layers["parks"].append(park("P3", box(0, 2_000, 1_000, 100)))
    county.layers["parcels"] = [
        parcel(name, box(100 * n, 2_000, 100, 100), park_id="P3") for n, name in enumerate(names)
    ]


def on(county: County, parcel_id: str, name: str, code: str = "1311", **values: object) -> None:
    county.layers["enterprises"].append(
        enterprise(name, code, 100.0, park_id="P3", parcel_id=parcel_id, **values)
    )


def water(county: County, grade: str | None) -> None:
    county.layers["control_zones"].append(
        zone("W", box(-100, 1_900, 2_000, 2_000), kind="water_source", grade=grade)
    )


# ---- water sources --------------------------------------------------------------------------


def test_a_level_2_zone_bans_what_is_known_to_discharge(county: County, opened: Open) -> None:
    with_parcels(county, "YES", "NO", "NOBODY", "UNSAID", "MIXED")
    on(county, "YES", "A", discharges_wastewater=True)
    on(county, "NO", "B", discharges_wastewater=False)
    on(county, "UNSAID", "C", discharges_wastewater=None)
    on(county, "MIXED", "D", discharges_wastewater=False)
    on(county, "MIXED", "E", discharges_wastewater=True)
    water(county, "2")
    result = reviewed(opened(county), LEVEL_2)
    assert verdicts(result, LEVEL_2) == {
        "YES": "fail",
        "NOBODY": "unknown",
        "UNSAID": "unknown",
        "MIXED": "fail",
        # Something in the park discharges, nobody knows whether it does so in the zone.
        "P3": "watch",
    }
    found = by_subject(result, LEVEL_2)
    assert found["parcels", "MIXED"].evidence["enterprise_ids"] == ["E"]
    assert found["parcels", "UNSAID"].evidence["missing_rows"] == ["C"]
    assert found["parcels", "UNSAID"].evidence["missing_column"] == (
        "enterprises.discharges_wastewater"
    )


def test_a_quasi_zone_bans_new_heavy_polluters_alone(county: County, opened: Open) -> None:
    cases = {
        "NEW": (True, True, "fail"),
        "STANDS": (False, True, None),
        "CLEAN": (True, False, None),
        "NEW?": (None, True, "unknown"),
        "HEAVY?": (True, None, "unknown"),
        "OLD?": (False, None, None),
    }
    with_parcels(county, *cases)
    for name, (is_new, is_heavy, _) in cases.items():
        on(county, name, f"E-{name}", is_new=is_new, heavy_polluter=is_heavy)
    water(county, "quasi")
    found = verdicts(reviewed(opened(county), QUASI), QUASI)
    assert found.pop("P3") == "watch"
    assert found == {name: verdict for name, (*_, verdict) in cases.items() if verdict}


def test_a_building_is_judged_by_its_tenants_or_those_of_its_parcel(
    county: County, opened: Open
) -> None:
    with_parcels(county, "L")
    homes = {"LET": "L", "OWN": "L", "LOST": None}
    county.layers["buildings"] = [
        {
            **parcel(name, box(20 * n, 2_000, 10, 10), park_id="P3"),
            "building_id": name,
            "parcel_id": parcel_id,
        }
        for n, (name, parcel_id) in enumerate(homes.items())
    ]
    on(county, "L", "A", discharges_wastewater=True)
    county.layers["enterprises"].append(
        enterprise("B", "1311", 1.0, park_id="P3", building_id="OWN", discharges_wastewater=False)
    )
    water(county, "2")
    found = by_subject(reviewed(opened(county), LEVEL_2), LEVEL_2)
    told = {name: finding.verdict.value for (layer, name), finding in found.items()}
    # The parcel has both enterprises on it; LET has none of its own, LOST none at all.
    assert told == {"L": "fail", "LET": "fail", "LOST": "unknown", "P3": "watch"}


def test_an_enterprise_that_stands_on_no_parcel_is_judged_where_it_stands(
    county: County, opened: Open
) -> None:
    with_parcels(county, "L")
    for name, (x, y) in {"IN": (50, 2_050), "BESIDE": (500, 2_500), "FAR": (9_000, 9_000)}.items():
        spot = in_degrees(point(x, y))
        county.layers["enterprises"].append(
            {
                **enterprise(name, "1311", 1.0, park_id="P3", discharges_wastewater=True),
                "lon": spot.x,  # type: ignore[attr-defined]
                "lat": spot.y,  # type: ignore[attr-defined]
            }
        )
    water(county, "2")
    found = verdicts(reviewed(opened(county), LEVEL_2), LEVEL_2)
    # IN stands on the parcel L by its place; FAR is out of the zone.
    assert found == {"L": "fail", "BESIDE": "fail", "P3": "watch"}


def test_level_1_and_level_2_are_named_as_the_law_names_them(county: County, opened: Open) -> None:
    with_parcels(county, "L")
    water(county, "1")
    rule_id = "control_zone.water_source_1"
    finding = by_subject(reviewed(opened(county), rule_id), rule_id)["parcels", "L"]
    assert finding.title.values["zone"].key == "zone_grade.water_source_1"


# ---- eco units ------------------------------------------------------------------------------


def unit(name: str, x: float, width: float, banned: str | None) -> dict[str, object]:
    return zone(
        name,
        box(x, 1_900, width, 300),
        kind="eco_unit",
        grade="key",
        banned_industries=banned,
    )


def test_a_unit_fails_what_its_list_names_by_code(county: County, opened: Open) -> None:
    county.complete_zone_kinds.remove("eco_unit")
    with_parcels(county, "BANNED", "FREE", "NOBODY", "NO CODE", "NO LIST", "NO UNIT")
    for name, code in {
        "BANNED": "2614",
        "FREE": "1311",
        "NO LIST": "1311",
        "NO UNIT": "13",
    }.items():
        on(county, name, f"E-{name}", code)
    on(county, "NO CODE", "E-NO CODE", None)  # type: ignore[arg-type]
    county.layers["control_zones"] += [unit("U1", -100, 500, "25;261"), unit("U2", 400, 100, None)]
    found = by_subject(reviewed(opened(county), UNIT), UNIT)
    told = {
        name: (finding.verdict.value, finding.title.key.removeprefix("finding.zone_"))
        for (layer, name), finding in found.items()
        if layer == "parcels"
    }
    assert told == {
        "BANNED": ("fail", "listed_industries_fail"),
        "NO CODE": ("unknown", "listed_industries_unknown"),
        "NO LIST": ("unknown", "no_list"),
        "NO UNIT": ("unknown", "uncovered"),
    }
    # P1 and P2 lie in no unit; P3 lies in two, of which one has no list.
    parks = {
        name: finding.verdict.value for (layer, name), finding in found.items() if layer == "parks"
    }
    assert parks == {"P1": "unknown", "P2": "unknown", "P3": "unknown"}


def test_a_park_is_held_to_the_list_by_its_leading_industry(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(
        zone("U", box(-100, -100, 9_000, 9_000), kind="eco_unit", banned_industries="36")
    )
    found = of_rule(reviewed(opened(county), UNIT), UNIT)
    assert {(item.subject.id, item.verdict) for item in found} == {("P2", Verdict.FAIL)}


# ---- geohazards, wetlands, heritage ---------------------------------------------------------


def test_older_geohazard_areas_are_unknown_and_none_of_them_is_asked_for(
    county: County, opened: Open
) -> None:
    rule_id = "control_zone.geohazard"
    county.complete_zone_kinds.remove("geohazard")
    assert of_rule(reviewed(opened(county), rule_id), rule_id) == []
    county.layers["control_zones"] += [
        zone("G", box(0, 0, 100, 100), kind="geohazard", grade="high"),
        zone("H", box(2_000, 0, 100, 100), kind="geohazard", grade=None),
    ]
    found = by_subject(reviewed(opened(county), rule_id), rule_id)
    assert {key[1]: item.verdict.value for key, item in found.items()} == {
        "P1": "unknown",
        "P2": "unknown",
    }
    cure = found["parks", "P1"].cure
    assert cure is not None
    assert cure.key == "cure.zone_geohazard"


@pytest.mark.parametrize(
    ("kind", "grade", "told"),
    [
        ("geohazard_danger", None, {"geohazard_danger": "fail"}),
        ("geohazard_risk", "extreme", {"geohazard_risk": "watch"}),
        ("geohazard_risk", "mid", {}),
        ("geohazard_prone", "high", {"geohazard_prone": "watch"}),
        ("wetland", "national", {"wetland": "fail"}),
        ("wetland", "general", {"wetland_other": "watch"}),
        ("wetland", None, {"wetland": "unknown", "wetland_other": "unknown"}),
        ("wetland", "国家级", {"wetland": "unknown", "wetland_other": "unknown"}),
        ("heritage", "protection", {"heritage": "fail"}),
        ("heritage", "control", {"heritage_control": "watch"}),
        ("nature_reserve", "core", {"nature_reserve": "fail"}),
        ("nature_reserve", "general", {"nature_reserve": "fail"}),
        ("nature_reserve", None, {"nature_reserve": "fail"}),
        ("slope", None, {}),
        ("agricultural_land", None, {"agricultural_land": "watch"}),
    ],
)
def test_kinds_and_grades_have_the_verdicts_of_the_law(
    county: County, opened: Open, kind: str, grade: str | None, told: dict[str, str]
) -> None:
    county.layers["parcels"] = [parcel("L", box(5_000, 5_000, 100, 100), status="vacant")]
    county.layers["parcels"][0]["park_id"] = None
    county.layers["control_zones"].append(
        zone("Z", box(4_900, 4_900, 500, 500), kind=kind, grade=grade)
    )
    rules = [name for name in default_rulebook().rules if name.startswith("control_zone.")]
    result = reviewed(opened(county), *rules)
    found = {
        item.rule_id.removeprefix("control_zone."): item.verdict.value
        for item in result.results
        if item.subject.id == "L"
    }
    assert found == told


# ---- unknown stays unknown --------------------------------------------------------------------

ZONE_RULES = {
    rule_id: rule.parameters
    for rule_id, rule in default_rulebook().rules.items()
    if isinstance(rule.parameters, ZoneParameters)
}
WORDS = ("高", "一级", "核心区", "1 级", "")


@thorough(40, also_allowed=(HealthCheck.function_scoped_fixture,))
@given(
    rule_id=st.sampled_from(sorted(ZONE_RULES)),
    word=st.sampled_from((None, *WORDS)),
    is_known=st.sampled_from((None, True)),
)
def test_no_grade_makes_what_is_unknown_a_pass(
    opened: Open,
    rule_id: str,
    word: str | None,
    is_known: bool | None,  # noqa: FBT001 - drawn
) -> None:
    """A word that is no grade, and a fact that nobody knows, never pass."""
    parameters = ZONE_RULES[rule_id]
    county = County()
    with_parcels(county, "L")
    county.layers["parcels"][0]["status"] = "vacant"
    on(county, "L", "E", None, is_new=is_known, discharges_wastewater=None)  # type: ignore[arg-type]
    fixed = ZONE_GRADES.get(parameters.kind, ())
    is_free = parameters.kind not in ZONE_GRADES
    grades = {None, *(fixed if parameters.only else ())}
    grades |= {word} if is_free or parameters.kind in {"wetland", "heritage"} else set()
    for grade in grades:
        meant = parameters.verdicts.get(grade or "", parameters.verdicts.get("*"))
        if grade in fixed and meant is None:
            continue  # the rule says that it is not about this grade
        county.layers["control_zones"] = [
            zone("Z", box(-100, 1_900, 2_000, 2_000), kind=parameters.kind, grade=grade)
        ]
        found = by_subject(reviewed(opened(county), rule_id), rule_id)
        assert ("parcels", "L") in found, (rule_id, grade)
        if parameters.only is not None:
            assert found["parcels", "L"].verdict is Verdict.UNKNOWN
