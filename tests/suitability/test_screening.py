"""Screening: rules and needs of single parts first, then what is combined of the rest.

Parcels are squares of 100 m (10,000 m²) unless told otherwise; buildings have floors of 400 m².
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest

from geo_service.language import Language, Translator
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.suitability.candidates import combine, find_parts
from geo_service.suitability.project import Project, parse_project
from geo_service.suitability.rank import rank
from geo_service.suitability.screening import Screening, screen
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import Rulebook, parse_rulebook
from tests.county import County, box, parcel, park, zone

Open = Callable[[County], Plan]
DAY = date(2026, 6, 1)


def project(
    needs: str, *, kinds: Sequence[str] = (), code: str = "1311", more: str = ""
) -> Project:
    """Return a project with these needs that looks for these kinds of places."""
    text = f"name: x\nindustry_code: {code}\nneeds: {{{needs}}}\n{more}"
    return parse_project(text + (f"candidates: [{', '.join(kinds)}]\n" if kinds else ""))


def rules(text: str = "") -> Rulebook:
    """Return the shipped rules with a county's changes."""
    own = text or "  building.vacancy: {severity: should}\n"
    head = "format: '1'\ntitle: {zh-Hans: x, zh-Hant: x, en: x}\nextends: default\nrules:\n"
    return parse_rulebook(head + own, "rulebook.yaml")


def screened(plan: Plan, asked: Project, rulebook: Rulebook | None = None) -> Screening:
    return screen(plan, asked, rulebook or rules(), as_of=DAY)


def standing(found: Screening) -> set[str]:
    return {item.candidate.candidate_id for item in found.standing}


def excluded(found: Screening) -> dict[str, list[str]]:
    """Return the rules against each excluded candidate."""
    return {
        item.candidate.candidate_id: [reason.rule_id for reason in item.reasons]
        for item in found.excluded
    }


def vacant(parcel_id: str, x: float, y: float, **values: object) -> dict[str, object]:
    """Return a vacant square parcel of P1."""
    return parcel(parcel_id, box(x, y, 100, 100), **{"status": "vacant", **values})


REFUSED = "1201"
"""A land use that no park permits."""


UNMAPPED = 13
"""The `must` rules that need zones: twelve on kinds of zones, and that on the boundary."""


# ---- what nobody mapped ----------------------------------------------------------------------


@pytest.mark.parametrize("kinds", [["parcel"], ["parcels"], ["park"]])
def test_zones_that_nobody_mapped_mark_every_candidate(
    county: County, opened: Open, kinds: list[str]
) -> None:
    county.complete_zone_kinds = []
    del county.layers["control_zones"]
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 100, 0), vacant("C", 200, 0)]
    plan = opened(county)
    area = 9_000 if kinds == ["parcel"] else 19_000
    found = screened(plan, project(f"land_m2: {area}", kinds=kinds))
    # What the review cannot judge of any park: the zone rules that forbid, and the boundary.
    unsure = {
        finding.rule_id
        for finding in review(plan, rules(), as_of=DAY).results
        if finding.severity == "must" and finding.title.key == "finding.no_zones"
    }
    # The enterprises that stand are no new ones, but the project is.
    unsure.add("control_zone.water_source_quasi")
    assert {"control_zone.ecological_red_line", "layout.in_development_boundary"} < unsure
    assert found.standing
    for item in found.standing:
        reasons = found.unknowns[item.candidate.candidate_id]
        assert item.by_rules == reasons
        assert {reason.rule_id for reason in reasons} == unsure
        assert len(reasons) == len(unsure)  # each once, however many parcels
        assert {reason.verdict for reason in reasons} == {Verdict.UNKNOWN}
        assert all(reason.legal_basis for reason in reasons)
    strict = project(f"land_m2: {area}", kinds=kinds, more="unknown: exclude\n")
    left = screened(plan, strict)
    assert not left.standing
    assert all(unsure == set(own) for own in excluded(left).values())


def test_floors_and_new_land_are_marked_too(housed: County, opened: Open) -> None:
    housed.complete_zone_kinds = []
    del housed.layers["control_zones"]
    plan = opened(housed)
    found = screened(plan, project("floor_area_m2: 300"))
    (number,) = {len(item.by_rules) for item in found.standing}
    assert number > 1
    land = screened(plan, project("land_m2: 1000000", kinds=["land"]))
    assert land.standing
    assert {len(item.by_rules) for item in land.standing} == {number}


def test_a_rule_excepts_land_uses_also_where_nothing_is_mapped(
    county: County, opened: Open
) -> None:
    county.complete_zone_kinds = ["permanent_farmland"]
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 300, 0, land_use="1101")]
    own = "  control_zone.ecological_red_line: {parameters: {exceptions: {land_uses: ['1101']}}}\n"
    found = screened(opened(county), project("land_m2: 9000", kinds=["parcel"]), rules(own))
    red = "control_zone.ecological_red_line"
    by_name = {
        name: {reason.rule_id for reason in reasons} for name, reasons in found.unknowns.items()
    }
    assert red in by_name["parcel:A"]
    assert red not in by_name["parcel:B"]


# ---- rules on floors, fire and area ----------------------------------------------------------


@pytest.fixture
def housed(county: County) -> County:
    """A building of five floors, 400 m² vacant on each; the upper ones carry less."""
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["buildings"] = [
        {**parcel("B", box(10, 10, 40, 25)), "building_id": "B", "parcel_id": "A"}
    ]
    county.layers["floors"] = [
        {
            "building_id": "B",
            "floor_no": number,
            "area_m2": 1000,
            "vacant_m2": 400,
            "load_kn_m2": 15 if number == 1 else 11,
            "clear_height_m": 6 if number == 1 else 4.5,
            "goods_lift_t": 3,
            "fire_class": "丙",
            "source": "made for tests",
            "illustrative": True,
        }
        for number in range(1, 6)
    ]
    return county


UPPER = {f"floors:B/{number}" for number in range(2, 6)}


def test_a_must_rule_on_floor_loads_excludes_weak_floors(housed: County, opened: Open) -> None:
    own = (
        "  building.floor_load: {severity: must, legal_basis: {document: x},"
        " parameters: {column: load_kn_m2, at_least: 12, by_industry: {'18': 5}}}\n"
    )
    plan = opened(housed)
    found = screened(plan, project("floor_area_m2: 300", code="3511"), rules(own))
    assert standing(found) == {"floors:B/1"}
    assert set(excluded(found)) == UPPER
    reason = found.excluded[0].reasons[0]
    assert (reason.rule_id, reason.verdict) == ("building.floor_load", Verdict.FAIL)
    assert (reason.measure["value"], reason.measure["threshold"]) == (11, 12)
    assert reason.legal_basis is not None
    # An industry for which less will do, and a rule that only recommends:
    assert not screened(plan, project("floor_area_m2: 300", code="1811"), rules(own)).excluded
    assert not screened(plan, project("floor_area_m2: 300", code="3511")).excluded


def test_a_floor_without_a_load_is_unknown_to_a_must_rule(housed: County, opened: Open) -> None:
    housed.layers["floors"][1]["load_kn_m2"] = None
    own = "  building.floor_load: {severity: must, legal_basis: {document: x}}\n"
    found = screened(opened(housed), project("floor_area_m2: 300"), rules(own))
    assert set(found.unknowns) == {"floors:B/2"}


def test_a_fire_rule_keeps_the_classes_that_it_names_downstairs(
    housed: County, opened: Open
) -> None:
    own = (
        "  building.fire_class: {severity: must, legal_basis: {document: x},"
        " parameters: {not_upstairs: [甲, 乙, 丙]}}\n"
    )
    plan = opened(housed)
    asked = project("floor_area_m2: 300", more="hazard_class: 丙\n")
    assert standing(screened(plan, asked)) == UPPER | {"floors:B/1"}
    found = screened(plan, asked, rules(own))
    assert standing(found) == {"floors:B/1"}
    assert excluded(found) == {name: ["building.fire_class"] for name in UPPER}
    assert found.excluded[0].reasons[0].measure["threshold"] == ["甲", "乙", "丙"]
    # A project that does not say how hazardous it is cannot be judged on any floor.
    silent = screened(plan, project("floor_area_m2: 300"), rules(own))
    assert set(silent.unknowns) == UPPER | {"floors:B/1"}
    text = Translator(Language.EN).render(silent.unknowns["floors:B/2"][0].detail)
    assert "gives no fire class" in text


def test_a_floor_takes_its_own_fire_class_and_less_hazardous_ones(
    housed: County, opened: Open
) -> None:
    for floor, letter in zip(housed.layers["floors"], ["乙", "丙", "丁", "戊", None], strict=True):
        floor["fire_class"] = letter
    plan = opened(housed)
    found = screened(plan, project("floor_area_m2: 300, fire_class: 丙"))
    assert standing(found) == {"floors:B/1", "floors:B/2", "floors:B/5"}
    assert set(found.unknowns) == {"floors:B/5"}
    assert excluded(found) == {f"floors:B/{number}": ["project.fire_class"] for number in (3, 4)}
    reason = found.excluded[0].reasons[0]
    assert (reason.measure["value"], reason.measure["threshold"]) == ("丁", "丙")
    # The hazard class of the production counts as well; without either nothing is asked.
    hazard = screened(plan, project("floor_area_m2: 300", more="hazard_class: 丁\n"))
    assert set(excluded(hazard)) == {"floors:B/4"}
    assert not screened(plan, project("floor_area_m2: 300")).excluded


def test_a_must_rule_on_output_per_mu_is_put_to_the_project(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0)]
    own = (
        "  indicator.output: {severity: must, legal_basis: {document: x}, "
        "parameters: {amount: output_cny, at_least: 300000, by_industry: {}}}\n"
    )
    plan = opened(county)
    # 10,000 m² are 15 mu: 3 million CNY are 200,000 a mu, 6 million 400,000.
    low = screened(plan, project("land_m2: 10000", more="output_cny: 3000000\n"), rules(own))
    assert excluded(low)["parcel:A"] == ["indicator.output"]
    assert low.excluded[0].reasons[0].measure["value"] == pytest.approx(200_000)
    high = screened(plan, project("land_m2: 10000", more="output_cny: 6000000\n"), rules(own))
    assert standing(high) == {"parcel:A"}
    assert not high.unknowns
    silent = screened(plan, project("land_m2: 10000"), rules(own))
    assert set(silent.unknowns) == {"parcel:A"}


def test_a_must_rule_on_the_area_of_parks_excludes_what_lies_in_small_ones(
    county: County, opened: Open
) -> None:
    county.layers["parks"].append(park("P3", box(4000, 0, 100, 100)))  # 1 ha, P1 100 ha
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("C", 4000, 0, park_id="P3")]
    asked = project("land_m2: 9000", kinds=["parcel"])
    plan = opened(county)
    own = (
        "  layout.minimum_area: {{severity: must, legal_basis: {{document: x}}, "
        "parameters: {{minimum_ha: {{sme_cluster: 50}}{}}}}}\n"
    )
    found = screened(plan, asked, rules(own.format(", verdict: fail")))
    assert excluded(found) == {"parcel:C": ["layout.minimum_area"]}
    assert found.excluded[0].reasons[0].measure["value"] == pytest.approx(1)
    # As shipped a smaller park is watched, which forbids nothing.
    assert not screened(plan, asked, rules(own.format(""))).excluded


def test_ground_outside_the_development_boundary_is_out(county: County, opened: Open) -> None:
    county.layers["control_zones"] = [zone("D", box(0, 0, 250, 500), kind="development_boundary")]
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 200, 0)]
    plan = opened(county)
    found = screened(plan, project("land_m2: 9000", kinds=["parcel"], code="3670"))
    assert excluded(found) == {"parcel:B": ["layout.in_development_boundary"]}
    assert found.excluded[0].reasons[0].measure["value"] == pytest.approx(5000, abs=0.1)
    # What processes farm products is to be looked at there, which forbids nothing.
    assert not screened(plan, project("land_m2: 9000", kinds=["parcel"])).excluded


def test_a_project_that_discharges_is_out_of_level_2_zones(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 200, 0)]
    county.layers["control_zones"] += [
        zone("W", box(200, 0, 100, 100), kind="water_source", grade="2"),
        zone("Q", box(0, 0, 100, 100), kind="water_source", grade="quasi"),
    ]
    plan = opened(county)

    def against(needs: str = "land_m2: 9000", more: str = "") -> dict[str, list[str]]:
        found = screened(plan, project(needs, kinds=["parcel"], more=more))
        told = {name: [*rules] for name, rules in excluded(found).items()}
        for name, reasons in found.unknowns.items():
            told[name] = [f"? {reason.rule_id}" for reason in reasons]
        return told

    level_2, quasi = "control_zone.water_source_2", "control_zone.water_source_quasi"
    assert against() == {"parcel:A": [f"? {quasi}"], "parcel:B": [f"? {level_2}"]}
    clean = "discharges_wastewater: false\nheavy_polluter: false\n"
    assert against(more=clean) == {}
    dirty = "discharges_wastewater: true\nheavy_polluter: true\n"
    assert against(more=dirty) == {"parcel:A": [quasi], "parcel:B": [level_2]}
    # A need of waste-water capacity says more than the field; nobody knows what B offers.
    needed = against("land_m2: 9000, wastewater_m3_d: 5", clean)
    assert level_2 in needed["parcel:B"]


def test_a_project_on_a_units_list_is_out(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0), vacant("B", 200, 0)]
    county.layers["control_zones"].append(
        zone("U", box(200, 0, 100, 100), kind="eco_unit", banned_industries="17;22")
    )
    plan = opened(county)
    banned = screened(plan, project("land_m2: 9000", kinds=["parcel"], code="2221"))
    assert excluded(banned) == {"parcel:B": ["control_zone.eco_unit"]}
    assert not screened(plan, project("land_m2: 9000", kinds=["parcel"])).excluded


# ---- land use, chemical parks, the catalogue -------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"land_use": REFUSED}, "excluded"),
        ({"land_use": "1401"}, "excluded"),  # green space: not for a factory
        ({"land_use": "0701"}, "excluded"),
        ({"land_use": "0101", "land_use_scheme": "survey3"}, "unknown"),
        (
            {"land_use": "0101", "land_use_scheme": "survey3", "planned_land_use": "100101"},
            "standing",
        ),
        ({"planned_land_use": "0701"}, "excluded"),
    ],
)
def test_a_project_stands_only_on_land_that_the_plan_has_for_it(
    county: County, opened: Open, values: dict[str, object], expected: str
) -> None:
    county.layers["parks"][0]["tier"] = "municipal_park"
    county.layers["parcels"] = [vacant("A", 0, 0, **values)]
    found = screened(opened(county), project("land_m2: 9000", kinds=["parcel"]))
    is_unknown = "parcel:A" in found.unknowns
    told = "unknown" if is_unknown else "standing" if standing(found) else "excluded"
    assert told == expected
    if told == "excluded":
        assert excluded(found) == {"parcel:A": ["land_use.permitted"]}


@pytest.mark.parametrize(
    ("is_chemical", "code", "said", "expected"),
    [
        (False, "2611", "hazardous_chemicals: true", ["enterprise.hazardous_outside"]),
        (True, "2611", "hazardous_chemicals: true", []),
        (True, "1311", "hazardous_chemicals: false", ["enterprise.others_in_chemical_park"]),
        (False, "1311", "", []),
        (False, "1311", "catalogue_class: eliminated", ["enterprise.catalogue_class"]),
        (False, "1311", "catalogue_class: permitted", []),
    ],
)
def test_what_a_project_says_of_itself_is_put_to_the_rules(
    county: County,
    opened: Open,
    is_chemical: bool,  # noqa: FBT001 - one column of the table
    code: str,
    said: str,
    expected: list[str],
) -> None:
    county.layers["parks"][0]["is_chemical_park"] = is_chemical
    county.layers["parcels"] = [vacant("A", 0, 0)]
    asked = project("land_m2: 9000", kinds=["parcel"], code=code, more=f"{said}\n")
    found = screened(opened(county), asked)
    assert excluded(found) == ({"parcel:A": expected} if expected else {})


# ---- needs -----------------------------------------------------------------------------------


def test_floors_have_the_utilities_of_their_buildings_parcel(housed: County, opened: Open) -> None:
    housed.layers["parcels"][0] |= {"power_kva": 800}
    plan = opened(housed)
    assert standing(screened(plan, project("floor_area_m2: 300, power_kva: 800")))
    short = screened(plan, project("floor_area_m2: 300, power_kva: 801"))
    assert not short.standing
    assert {rule for own in excluded(short).values() for rule in own} == {"project.power_kva"}
    blank = screened(plan, project("floor_area_m2: 300, gas_m3_d: 5"))
    assert set(blank.unknowns) == standing(blank)
    housed.layers["buildings"][0]["parcel_id"] = None
    homeless = screened(opened(housed), project("floor_area_m2: 300, power_kva: 800"))
    assert set(homeless.unknowns) == standing(homeless) != set()


# ---- members ---------------------------------------------------------------------------------


def test_a_forbidden_parcel_is_no_member_and_hides_no_combination(
    county: County, opened: Open
) -> None:
    # A in the middle of a plus; with the forbidden N it would be as compact as with any other.
    county.layers["parcels"] = [
        vacant("A", 100, 100),
        vacant("B", 200, 100),
        vacant("C", 300, 100),
        vacant("N", 0, 100, land_use=REFUSED),
        vacant("X", 600, 600, land_use=REFUSED),  # no neighbour: it was never a member
    ]
    plan = opened(county)
    found = screened(plan, project("land_m2: 19000", kinds=["parcels"]))
    assert standing(found) == {"parcels:A+B", "parcels:B+C"}
    assert excluded(found) == {"parcel:N": ["land_use.permitted"]}
    # Three in a row, the middle one forbidden: nothing is joined over it.
    county.layers["parcels"][1]["land_use"] = REFUSED
    assert not screened(opened(county), project("land_m2: 19000", kinds=["parcels"])).standing


def test_a_park_consists_of_its_permitted_parcels(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        vacant("A", 0, 0, land_use=REFUSED, power_kva=1000),
        vacant("B", 300, 0, power_kva=1000),
        vacant("C", 600, 0, power_kva=1000),
    ]
    plan = opened(county)
    (found,) = screened(plan, project("land_m2: 15000, power_kva: 2000")).sites.candidates
    assert found.candidate_id == "park:P1"
    assert found.members == ("B", "C")
    assert found.area_m2 == pytest.approx(20_000)
    assert found.geometry.area == pytest.approx(20_000)
    assert found.offers["power_kva"] == 2000
    # 2,500 kVA were there only with the forbidden A, and so were 25,000 m².
    short = screened(plan, project("land_m2: 15000, power_kva: 2500"))
    assert excluded(short)["park:P1"] == ["project.power_kva"]
    small = screened(plan, project("land_m2: 25000"))
    assert excluded(small)["park:P1"] == ["land_use.permitted"]


def test_the_doubts_about_its_parcels_are_a_parks(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 0, land_use=None), vacant("B", 300, 0)]
    plan = opened(county)
    found = screened(plan, project("land_m2: 15000"))
    assert [reason.rule_id for reason in found.unknowns["park:P1"]] == ["land_use.permitted"]
    strict = screened(plan, project("land_m2: 15000", more="unknown: exclude\n"))
    assert not strict.standing
    assert excluded(strict) == {"park:P1": ["land_use.permitted"]}


def test_a_park_is_kept_where_its_own_parcels_are_forbidden(county: County, opened: Open) -> None:
    # A alone would do but is refused; B and C do it together although they do not touch.
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 200, 100), status="vacant", land_use=REFUSED),
        vacant("B", 400, 0),
        vacant("C", 600, 0),
    ]
    plan = opened(county)
    found = screened(plan, project("land_m2: 15000"))
    assert standing(found) == {"park:P1"}
    assert excluded(found) == {"parcel:A": ["land_use.permitted"]}
    county.layers["parcels"][0]["land_use"] = "100101"
    assert standing(screened(opened(county), project("land_m2: 15000"))) == {"parcel:A"}


def test_floors_that_fail_a_need_are_no_members(housed: County, opened: Open) -> None:
    housed.layers["floors"][3]["load_kn_m2"] = 2  # floor 4 of 5
    plan = opened(housed)
    needs = "floor_area_m2: 1500, floor_load_kn_m2: 5"
    apart = screened(plan, project(f"{needs}, contiguous_floors: false"))
    assert standing(apart) == {"floors:B/1+2+3+5"}  # 4 × 400 m²
    assert excluded(apart) == {"floors:B/4": ["project.floor_load_kn_m2"]}
    assert not screened(plan, project(needs)).standing  # 1, 2 and 3 have 1,200 m²
    run = screened(plan, project("floor_area_m2: 1200, floor_load_kn_m2: 5"))
    assert standing(run) == {"floors:B/1+2+3"}


def test_a_hazard_goes_to_the_ground_floor_where_that_is_enough(
    housed: County, opened: Open
) -> None:
    for floor in housed.layers["floors"]:
        floor["fire_class"] = "甲"
    more = "hazard_class: 乙\n"
    found = screened(
        opened(housed), project("floor_area_m2: 400, contiguous_floors: false", more=more)
    )
    assert standing(found) == {"floors:B/1"}
    assert set(excluded(found)) == UPPER


def test_ids_do_not_hang_on_the_order_of_rows(housed: County, opened: Open) -> None:
    housed.layers["parcels"] += [vacant(name, 100 * x, 500) for x, name in enumerate("QWERTZ")]
    asked = [
        project("land_m2: 19000", kinds=["parcels", "park"]),
        project("land_m2: 29000", kinds=["parcels", "park"]),
        project("floor_area_m2: 700, contiguous_floors: false"),
    ]

    def ids(plan: Plan) -> list[list[str]]:
        return [
            [item.candidate_id for item in combine(find_parts(plan, one), one)] for one in asked
        ]

    first = ids(opened(housed))
    assert "parcels:Q+W" in first[0]
    for layer in ("parcels", "floors"):
        housed.layers[layer].reverse()
    assert ids(opened(housed)) == first


def test_where_the_compact_way_takes_too_many_parcels_the_large_ones_are_taken(
    county: County, opened: Open
) -> None:
    # A small parcel amid a ring of thin strips (2 m of 100) and one large neighbour behind.
    strips = [parcel(f"S{n}", box(100 + 2 * n, 0, 2, 100), status="vacant") for n in range(8)]
    large = parcel("L", box(0, 100, 116, 80), status="vacant")
    county.layers["parcels"] = [vacant("A", 0, 0), *strips, large]
    found = screened(opened(county), project("land_m2: 19200", kinds=["parcels"]))
    # A 10,000 m² and L 9,280 m²: 19,280 m²; A with seven strips only 11,400 m².
    assert "parcels:A+L" in standing(found)


# ---- nearest misses --------------------------------------------------------------------------


def test_misses_are_of_the_kinds_asked_for(county: County, opened: Open) -> None:
    county.layers["county"][0]["geometry"] = box(-100, -100, 4100, 4100)
    county.layers["townships"][0]["geometry"] = box(-100, -100, 4100, 4100)
    county.layers["parcels"] = [vacant("A", 0, 0)]
    ranking = rank(
        opened(county),
        {
            "name": "x",
            "industry_code": "1311",
            "needs": {"land_m2": 30_000_000},
            "candidates": ["land"],
        },
        as_of=DAY,
    )
    (miss,) = ranking.misses
    assert miss.candidate.kind == "land"
    assert ranking.land is not None
    assert ranking.land.nearest_miss is not None
    free_m2 = ranking.land.nearest_miss.area_m2
    # 4.1 km squared less two parks of 1 km², one open to the rest: 14.81 km², counted in cells.
    assert free_m2 == pytest.approx(14.81e6, rel=0.03)
    assert miss.reasons[0].measure["value"] == free_m2
    assert miss.distance == pytest.approx(1 - free_m2 / 30e6)


def test_neighbouring_parcels_that_fall_short_together_are_a_miss(
    county: County, opened: Open
) -> None:
    county.layers["parcels"] = [
        vacant("A", 0, 0),
        vacant("B", 100, 0),
        vacant("C", 200, 0),
        vacant("D", 600, 0),
    ]
    asked = {
        "name": "x",
        "industry_code": "1311",
        "needs": {"land_m2": 40_000},
        "candidates": ["parcel", "parcels"],
    }
    misses = rank(opened(county), asked, as_of=DAY).misses
    # Of 40,000 m² the three neighbours lack a quarter, a single parcel three quarters.
    assert misses[0].candidate.members == ("A", "B", "C")
    assert misses[0].distance == pytest.approx(0.25, abs=1e-4)
    (reason,) = misses[0].reasons
    assert (reason.rule_id, reason.measure["value"]) == ("project.land_m2", pytest.approx(30_000))
    single = {miss.candidate.candidate_id: miss.distance for miss in misses[1:]}
    assert set(single) == {"parcel:A", "parcel:B", "parcel:C", "parcel:D"}
    assert list(single.values()) == pytest.approx([0.75] * 4, abs=1e-4)


def test_floors_that_are_enough_but_apart_say_so(housed: County, opened: Open) -> None:
    housed.layers["floors"][2]["vacant_m2"] = 0
    ranking = rank(
        opened(housed),
        {"name": "x", "industry_code": "1311", "needs": {"floor_area_m2": 1500}},
        as_of=DAY,
    )
    first = ranking.misses[0]
    assert first.candidate.candidate_id == "floors:B/1+2+4+5"
    assert [reason.rule_id for reason in first.reasons] == ["project.contiguous_floors"]
