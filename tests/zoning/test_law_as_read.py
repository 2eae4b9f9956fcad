"""Findings and rules say what was checked, and no more: what the law says is not ours to widen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from geo_service.errors import RulebookError
from geo_service.language import Language, Translator
from geo_service.model import BasisTag, Finding, Severity, Verdict
from geo_service.plan import Plan
from geo_service.reports.document import basis_line, basis_words
from geo_service.reports.review import cover_facts, evidence_lines, review_content
from geo_service.reports.rules import rule_document, rules_document
from geo_service.reports.terminal import rules_table
from geo_service.zoning.check import Tolerance
from geo_service.zoning.checks import FAMILIES, TOLERANT_CHECKS
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, default_rulebook, parse_rulebook
from tests.county import County, box, enterprise, in_degrees, line, parcel, point, zone
from tests.zoning.made import by_subject, chemical, of_rule, reviewed, river, verdicts

Open = Callable[[County], Plan]
DAY = date(2026, 11, 30)
HEAD = 'format: "1"\ntitle: {en: Own}\nextends: default\n'
LEVEL_1 = "control_zone.water_source_1"
LEVEL_2 = "control_zone.water_source_2"
BOTH = (Language.ZH_HANS, Language.EN)


def own(text: str) -> Rulebook:
    return parse_rulebook(HEAD + text, "own.yaml")


def stands_at(name: str, x: float, y: float, **values: object) -> dict[str, object]:
    """Return an enterprise that is known by its point only."""
    place = in_degrees(point(x, y))
    row = {**enterprise(name, "1311", 1.0), **values}
    return {**row, "lon": place.x, "lat": place.y}  # type: ignore[attr-defined]


def texts(finding: Finding) -> str:
    """Return all that pages and reports say of a finding's title, cure and evidence."""
    told = []
    for language in BOTH:
        translator = Translator(language)
        words = [finding.title, *([finding.cure] if finding.cure else [])]
        told += [translator.render(word) for word in words]
        told += [
            " ".join(pair) for pair in evidence_lines({"evidence": finding.evidence}, translator)
        ]
    return "\n".join(told)


# ---- an enterprise of which only a point is known -------------------------------------------


QUASI = "control_zone.water_source_quasi"
UNIT = "control_zone.eco_unit"


@pytest.mark.parametrize(
    ("rule_id", "grade", "values", "verdict"),
    [
        (LEVEL_2, "2", {"discharges_wastewater": True}, "fail"),
        (LEVEL_2, "2", {"discharges_wastewater": None}, "unknown"),
        (LEVEL_2, None, {"discharges_wastewater": True}, "unknown"),
        (QUASI, "quasi", {"heavy_polluter": True}, "fail"),
        (QUASI, "quasi", {}, "unknown"),
        (UNIT, "key", {"banned_industries": "13"}, "fail"),
        (UNIT, "key", {"industry_code": None}, "unknown"),
        (UNIT, "key", {"banned_industries": None}, "unknown"),
    ],
)
def test_a_point_lies_in_a_zone_and_has_no_area(
    county: County,
    opened: Open,
    rule_id: str,
    grade: str | None,
    values: dict[str, object],
    verdict: str,
) -> None:
    kind = "eco_unit" if rule_id == UNIT else "water_source"
    values = dict(values)
    listed = {"banned_industries": values.pop("banned_industries", "25")} if rule_id == UNIT else {}
    county.layers["control_zones"].append(
        zone("Z", box(3_000, 3_000, 100, 100), kind=kind, grade=grade, **listed)
    )
    county.layers["enterprises"].append(stands_at("IN", 3_050, 3_050, is_new=True, **values))
    finding = by_subject(reviewed(opened(county), rule_id), rule_id)["enterprises", "IN"]
    assert finding.verdict == verdict
    assert (finding.evidence["measure"], finding.evidence["value"]) == ("point_inside", True)
    assert not {"share", "subject_area_m2", "area_method", "zones"} & set(finding.evidence)
    assert finding.geometry is not None
    assert finding.geometry.geom_type == "Point"
    assert (finding.geometry.area, finding.evidence["zone_ids"]) == (0, ["Z"])
    told = texts(finding)
    assert "m²" not in told
    assert "%" not in told
    assert "lies inside" in told
    assert "点位在" in told


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (2_999.7, {}),  # a square of a metre would have met the zone
        (3_000.001, {"E": "fail"}),
        (3_099.7, {"E": "fail"}),
        (3_100.3, {}),
    ],
)
def test_a_point_beside_a_zone_is_not_in_it(
    county: County, opened: Open, x: float, expected: dict[str, str]
) -> None:
    county.layers["control_zones"].append(
        zone("W", box(3_000, 3_000, 100, 100), kind="water_source", grade="2")
    )
    county.layers["enterprises"].append(stands_at("E", x, 3_050, discharges_wastewater=True))
    assert verdicts(reviewed(opened(county), LEVEL_2), LEVEL_2) == expected


def test_no_tolerance_of_areas_excuses_a_point(county: County, opened: Open) -> None:
    rules = own(f"rules:\n  {LEVEL_2}:\n    tolerance: {{area_m2: 1000, share: 1}}\n")
    assert rules.rules[LEVEL_2].part.tolerance == Tolerance(area_m2=1000, share=1)
    county.layers["control_zones"].append(
        zone("W", box(3_000, 3_000, 100, 100), kind="water_source", grade="2")
    )
    county.layers["enterprises"].append(stands_at("E", 3_050, 3_050, discharges_wastewater=True))
    only = Rulebook(rules.title, {LEVEL_2: rules.rules[LEVEL_2]}, rules.register)
    assert verdicts(review(opened(county), only), LEVEL_2) == {"E": "fail"}


OWN_ZONES = """documents:
  own_plan: {name: {en: The county's plan}, kind: county_policy, trust: read}
rules:
  control_zone.own:
    title: {en: Own}
    family: control_zone
    check: overlap
    severity: should
    parameters: {kind: KIND, verdicts: {"*": watch}, subjects: [parks, parcels, enterprises]ONLY}
    effective_from: 2020-01-01
    bases: [{document: own_plan}]
    basis_tag: county_policy
"""


@pytest.mark.parametrize(
    ("kind", "only"),
    [
        ("heritage", ""),
        ("wetland", ""),
        ("eco_unit", "listed_industries"),
        ("eco_unit", "discharging"),
        ("water_source", "new_heavy_polluters"),
    ],
)
def test_a_county_may_watch_what_a_law_bans(
    county: County, opened: Open, kind: str, only: str
) -> None:
    written = OWN_ZONES.replace("KIND", kind).replace("ONLY", f", only: {only}" if only else "")
    rules = own(written)
    county.layers["control_zones"].append(
        zone("Z", box(-100, -100, 3_200, 3_200), kind=kind, banned_industries="13")
    )
    county.layers["parcels"] = [parcel("L", box(0, 0, 100, 100))]
    flags = {"discharges_wastewater": True, "heavy_polluter": True, "is_new": True}
    county.layers["enterprises"] += [
        enterprise("A", "1311", 1.0, parcel_id="L", **flags),
        stands_at("E", 3_050, 3_050, **flags),
    ]
    only_own = Rulebook(rules.title, {"control_zone.own": rules.rules["control_zone.own"]})
    result = review(opened(county), only_own)
    found = by_subject(result, "control_zone.own")
    assert {key: found[key].verdict for key in (("parcels", "L"), ("enterprises", "E"))} == {
        ("parcels", "L"): Verdict.WATCH,
        ("enterprises", "E"): Verdict.WATCH,
    }
    for finding in found.values():
        assert texts(finding)  # every one has its words in both languages
    assert "park" not in Translator(Language.EN).render(found["parcels", "L"].title)


# ---- raising a rule -------------------------------------------------------------------------

ADVISING = sorted(
    rule_id
    for rule_id, rule in default_rulebook().rules.items()
    if rule.part.severity is not Severity.MUST
)


@pytest.mark.parametrize("rule_id", ADVISING)
def test_no_rule_is_raised_without_a_document_of_the_county(rule_id: str) -> None:
    with pytest.raises(RulebookError) as caught:
        own(f"rules:\n  {rule_id}: {{severity: must}}\n")
    assert rule_id in str(caught.value)
    document = "documents:\n  own_plan: {name: {en: Plan}, kind: county_policy, trust: read}\n"
    raised = own(
        f"{document}rules:\n  {rule_id}: {{severity: must, bases: [{{document: own_plan}}]}}\n"
    )
    # Whatever it rested on: the law, for one, only asks for an assessment in a prone area.
    assert raised.rules[rule_id].part.basis_tag is BasisTag.COUNTY_POLICY
    assert raised.rules[rule_id].tag_on(DAY) is BasisTag.COUNTY_POLICY


def test_a_rule_of_law_that_binds_already_keeps_its_tag() -> None:
    rule_id = "control_zone.ecological_red_line"
    rules = own(f"rules:\n  {rule_id}: {{severity: must, tolerance: {{area_m2: 10}}}}\n")
    assert rules.rules[rule_id].part.basis_tag is BasisTag.LAW


# ---- days -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (date(2025, 6, 30), "watch"),  # 1.0 years since 2024-06-30
        (date(2025, 6, 29), None),
        (date(2026, 11, 30), "watch"),  # the data end on 2026-01-01: 1.5 years are known
    ],
)
def test_idle_land_is_counted_to_the_day_and_no_further_than_the_data(
    county: County, opened: Open, as_of: date, expected: str | None
) -> None:
    county.extra += "\ndata_date = 2026-01-01"
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 10, 10), status="vacant", agreed_start_on="2024-06-30")
    ]
    rule_id = "enterprise.idle_land"
    shipped = default_rulebook()
    rules = own(f"rules:\n  {rule_id}: {{effective_from: 2020-01-01}}\n")
    only = Rulebook(shipped.title, {rule_id: rules.rules[rule_id]})
    found = of_rule(review(opened(county), only, as_of=as_of), rule_id)
    assert [item.verdict.value for item in found] == ([expected] if expected else [])
    if found:
        until = min(as_of, date(2026, 1, 1)).isoformat()
        assert found[0].evidence["counted_to"] == until
        assert until in Translator(Language.EN).render(found[0].title)


def two_rules(county: County, opened: Open, as_of: date) -> Review:
    """Review by two rules of which one begins on 2026-05-01 and one on 2021-03-01."""
    return reviewed(
        opened(county), "enterprise.hazardous_outside", "river.chemical_1km", as_of=as_of
    )


def test_a_review_says_how_many_rules_do_not_apply_on_its_day(county: County, opened: Open) -> None:
    translator = Translator(Language.EN)
    before = two_rules(county, opened, date(2026, 4, 30))
    assert [rule.rule_id for rule in before.rulebook.idle(date(2026, 4, 30))] == [
        "enterprise.hazardous_outside"
    ]
    told = "1 of 2 rules are not in force on 2026-04-30 and judged nothing"
    assert told in basis_line(before, translator)
    facts = cover_facts(review_content(before, translator))
    assert facts["Rules not in force on the day"] == "1 of 2, which judged nothing"
    after = two_rules(county, opened, date(2026, 5, 1))
    assert "not in force" not in basis_line(after, translator)
    assert "Rules not in force on the day" not in cover_facts(review_content(after, translator))


def test_rules_that_do_not_apply_on_a_day_are_marked() -> None:
    translator = Translator(Language.EN)
    shipped = default_rulebook()
    document = rules_document(shipped, date(2026, 4, 30), translator)
    idle = {rule["rule_id"] for rule in document["rules"] if not rule["in_force"]}
    assert idle == {"enterprise.hazardous_outside", "enterprise.others_in_chemical_park"}
    assert "not in force on this day" in rules_table(document, translator, width=160)
    today = rules_document(shipped, date(2026, 5, 1), translator)
    assert all(rule["in_force"] for rule in today["rules"])


# ---- what a text claims ---------------------------------------------------------------------


def test_a_limit_says_where_it_comes_from(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("OWN", box(0, 0, 10, 10), plot_ratio=1.0, plot_ratio_min=1.5),
        parcel("OLD", box(20, 0, 10, 10), plot_ratio=0.6, park_id="P2"),  # 36: 0.7 in 2008
    ]
    rule_id = "indicator.plot_ratio"
    found = by_subject(reviewed(opened(county), rule_id), rule_id)
    told = {name: Translator(Language.EN).render(item.title) for (_, name), item in found.items()}
    assert told["OWN"].endswith("below 1.5 (the parcel's planning conditions)")
    assert told["OLD"].endswith("below 0.7 (the indicators of 2008 (reference))")


def test_an_existing_pond_may_not_be_rebuilt_either(county: County, opened: Open) -> None:
    county.layers["rivers"] = [river("R", line((0, -9_000), (0, 9_000)))]
    row = {**chemical("M", 2_000, 0, is_new=False), "industry_code": "0911", "tailings_pond": True}
    county.layers["enterprises"].append(row)
    (finding,) = of_rule(
        reviewed(opened(county), "river.tailings_main"), "river.tailings_main"
    )  # fmt: skip
    translator = Translator()
    assert "不得改建、扩建" in translator.render(finding.title)
    assert finding.cure is not None
    # Law, article 26: only a rebuilding for safety or ecology is excepted.
    assert translator.render(finding.cure) == (
        "不得改建、扩建；以提升安全、生态环境保护水平为目的的改建除外"
    )


def test_what_stands_in_a_level_1_zone_is_removed(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(
        zone("W", box(0, 0, 500, 500), kind="water_source", grade="1")
    )
    finding = by_subject(reviewed(opened(county), LEVEL_1), LEVEL_1)["parks", "P1"]
    assert finding.cure is not None
    assert "removed or closed by law" in Translator(Language.EN).render(finding.cure)


@pytest.mark.parametrize(("code", "expected"), [("1311", "fail"), ("4610", "fail")])
def test_in_a_level_2_zone_waterworks_may_not_discharge_either(
    county: County, opened: Open, code: str, expected: str
) -> None:
    county.layers["parcels"] = [parcel("L", box(0, 0, 100, 100))]
    county.layers["enterprises"].append(
        enterprise("A", code, 1.0, parcel_id="L", discharges_wastewater=True)
    )
    county.layers["control_zones"].append(
        zone("W", box(0, 0, 100, 100), kind="water_source", grade="2")
    )
    assert verdicts(reviewed(opened(county), LEVEL_2), LEVEL_2)["L"] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"energy_tce": None}, ("unknown", "info")),
        ({"energy_tce": None, "energy_review_number": "审 1"}, None),
        ({"energy_tce": None, "is_new": False}, None),
        ({"energy_tce": 10}, None),
    ],
)
def test_a_new_project_of_unknown_use_of_energy_is_told(
    county: County, opened: Open, values: dict[str, object], expected: tuple[str, str] | None
) -> None:
    county.layers["enterprises"][0] |= {"is_new": True, "energy_review_number": None} | values
    found = of_rule(
        reviewed(opened(county), "enterprise.energy_review"), "enterprise.energy_review"
    )
    assert [(item.verdict, item.severity) for item in found] == ([expected] if expected else [])


def test_a_document_known_by_its_number_is_written_once() -> None:
    assert basis_words({"document": "令第31号", "number": "令第31号", "article": None}) == [
        "令第31号"
    ]
    assert basis_words({"document": "办法", "number": "令第7号", "article": "第三条"}) == [
        "办法",
        "令第7号",
        "第三条",
    ]
    document = rules_document(default_rulebook(), DAY, Translator())
    table = rules_table(document, Translator(), width=200)
    assert "令第31号 令第31号" not in table
    assert "922号 发改地区" not in table


def test_a_tolerance_is_shown_where_areas_are_compared() -> None:
    assert {(family, check) for family, check in TOLERANT_CHECKS if check in FAMILIES[family]} == (
        TOLERANT_CHECKS
    )
    rules = default_rulebook().rules
    shown = {
        rule_id
        for rule_id, rule in rules.items()
        if rule_document(rule, DAY, Translator())["has_tolerance"]
    }
    # A rule whose tolerance is written out has a use for it.
    written = {
        rule_id for rule_id, rule in rules.items() if "tolerance" in rule.part.model_fields_set
    }
    assert written == shown


def test_a_code_alone_has_no_verdict_to_choose() -> None:
    # From a code alone a pond is at most suspected, so there is no fail to set.
    parameters = default_rulebook().rules["river.tailings_main_by_code"].parameters
    assert not {"new", "existing"} & set(parameters.model_dump())


def test_codes_in_the_evidence_are_words() -> None:
    evidence = {"measure": "catalogue_class", "value": "restricted", "threshold": ["permitted"]}
    lines = evidence_lines({"evidence": evidence}, Translator())
    assert [text for _, text in lines] == ["限制类", "允许类"]
    banned = {"measure": "point_inside", "value": True, "bans": "listed_industries"}
    lines = evidence_lines({"evidence": banned}, Translator())
    assert [text for _, text in lines] == ["是", "准入清单禁止的行业"]
