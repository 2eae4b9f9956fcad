"""A county's rulebook may only be stricter: every kind of parameter, both ways round."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.province.stricter import MEANINGS, weaker_rules
from geo_service.zoning.checks import FAMILIES
from geo_service.zoning.checks.zone_parameters import ZoneParameters
from geo_service.zoning.rulebook import Rulebook, default_rulebook, parse_rulebook
from geo_service.zoning.zones import verdict_of

DAY = date(2026, 11, 22)
PAPER = {"legal_basis": {"document": "文件", "number": "1"}, "basis_tag": "county_policy"}


def rulebook(**rules: dict[str, Any]) -> Rulebook:
    """Return the shipped rules with some changed; `a__b` stands for `a.b`."""
    named = {name.replace("__", "."): changes for name, changes in rules.items()}
    named = named or {"focus.declared": {"severity": "must"}}
    text = {"format": "1", "title": {"en": "x"}, "extends": "default", "rules": named}
    return parse_rulebook(json.dumps(text, ensure_ascii=False), "own.yaml")


def weaker(own: Rulebook, province: Rulebook | None = None) -> set[str | None]:
    """Return which fields of which rules are weaker than the shipped ones."""
    faults = weaker_rules(own, province or default_rulebook(), DAY, file="own.yaml")
    return {fault.column for fault in faults}


def test_equal_rulebooks_are_as_strict() -> None:
    assert weaker(default_rulebook()) == set()


def test_every_parameter_of_every_check_has_a_direction() -> None:
    models = {check.parameters for checks in FAMILIES.values() for check in checks.values()}
    assert {model.__name__ for model in models} <= set(MEANINGS)
    for model in models:
        assert set(model.model_fields) == set(MEANINGS[model.__name__]), model.__name__


SIZES = {"municipal_park": 100, "sme_cluster": 20, "building_park": 1}
TIERS = ["municipal_park", "sme_cluster", "building_park"]
RED_LINE = "control_zone.ecological_red_line"
BOUNDARY = "layout.in_development_boundary"


@pytest.mark.parametrize(
    ("rule", "stricter", "laxer"),
    [
        ("focus.leading_share", {"pass_share": 0.8}, {"pass_share": 0.6}),
        ("focus.leading_share", {"watch_share": 0.6}, {"count_supporting": "half"}),
        ("focus.few_enterprises", {"minimum": 6}, {"minimum": 4}),
        ("competition.same_type", {"maximum": 4}, {"maximum": 6}),
        ("competition.same_leading_nearby", {"distance_m": 4000}, {"distance_m": 2000}),
        ("layout.declared_area", {"difference": 0.01}, {"difference": 0.1}),
        ("layout.minimum_area", {"verdict": "fail"}, {"minimum_ha": {"sme_cluster": 20}}),
        (
            "layout.minimum_area",
            {"minimum_ha": {**SIZES, "sme_cluster": 25}},
            {"minimum_ha": {**SIZES, "sme_cluster": 15}},
        ),
        (BOUNDARY, {"watch_industries": ["131"]}, {"watch_industries": ["13", "14", "15", "17"]}),
        (BOUNDARY, {"existing": "fail"}, {"watch_industries": ["22"]}),
        ("layout.approved_boundary", {"needed": TIERS}, {"needed": TIERS[:1]}),
        ("land_use.unconverted_farmland", {"farmland": ["0"]}, {"farmland": ["01", "02"]}),
        (
            RED_LINE,
            {"subjects": ["parks", "parcels", "buildings", "enterprises"]},
            {"subjects": []},
        ),
        (RED_LINE, {"cover_all": True}, {"only": "discharging"}),
        (RED_LINE, {"verdicts": {"*": "fail"}}, {"parcel_statuses": ["built"]}),
        (
            "control_zone.water_source_1",
            {"exceptions": {}},
            {"exceptions": {"industries": ["46"]}},
        ),
        (
            "control_zone.geohazard_risk",
            {"verdicts": {"extreme": "fail", "high": "watch"}},
            {"verdicts": {"extreme": "watch"}},
        ),
    ],
)
def test_a_parameter_may_only_grow_stricter(
    rule: str, stricter: dict[str, Any], laxer: dict[str, Any]
) -> None:
    assert weaker(rulebook(**{rule: {"parameters": stricter}})) == set()
    found = weaker(rulebook(**{rule: {"parameters": laxer}}))
    assert found
    assert all(str(column).startswith(f"rules.{rule}.parameters.") for column in found)


def test_what_cannot_be_judged_is_refused() -> None:
    """Shares of land are no stricter than shares of output, nor is another digit."""
    assert weaker(rulebook(**{"focus.leading_share": {"parameters": {"basis": "land"}}})) == {
        "rules.focus.leading_share.parameters.basis"
    }
    changed = rulebook(**{"competition.similar_structure": {"parameters": {"digits": 2}}})
    assert weaker(changed) == {"rules.competition.similar_structure.parameters.digits"}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"enabled": False}, ""),
        ({"effective_to": "2026-11-21"}, ""),
        ({"effective_from": "2026-11-23"}, ""),
        ({"severity": "info"}, ".severity"),
        ({"scope": {"tiers": ["municipal_park"]}}, ".scope.tiers"),
        ({"tolerance": {"area_m2": 60}}, ".tolerance.area_m2"),
    ],
)
def test_the_head_of_a_rule_may_not_be_weakened(changes: dict[str, Any], column: str) -> None:
    rule = "control_zone.ecological_red_line"
    assert weaker(rulebook(**{rule: changes})) == {f"rules.{rule}{column}"}


def test_a_wider_scope_and_a_graver_severity_are_stricter() -> None:
    rule = "focus.leading_share"
    narrow = rulebook(**{rule: {"scope": {"tiers": ["sme_cluster"], "industries": ["131"]}}})
    wide = rulebook(
        **{rule: {"scope": {"industries": ["13"]}, "severity": "must", **PAPER, "bases": []}}
    )
    assert weaker(wide, narrow) == set()
    assert weaker(narrow, wide) == {
        f"rules.{rule}.severity",
        f"rules.{rule}.scope.tiers",
        f"rules.{rule}.scope.industries",
    }


def test_rules_of_the_countys_own_are_stricter_and_missing_ones_are_not() -> None:
    rules = default_rulebook().rules
    more = replace(rules["focus.declared"], rule_id="own.rule")
    own = Rulebook({}, {**rules, "own.rule": more})
    assert weaker(own) == set()
    assert weaker(default_rulebook(), own) == {"rules.own.rule"}


def test_a_law_may_not_become_a_rule_that_the_county_can_waive() -> None:
    rule = "control_zone.ecological_red_line"
    changes = {"basis_tag": "county_policy", "bases": [], "legal_basis": {"document": "县文件"}}
    assert weaker(rulebook(**{rule: changes})) == {f"rules.{rule}.basis_tag"}


def test_uses_are_compared_by_what_each_code_means() -> None:
    def uses(**lists: list[str]) -> Rulebook:
        tables = {"planning2023": {"sme_cluster": lists}}
        parameters = {"uses": tables, "ancillary_share": 0.2}
        part = default_rulebook().rules["land_use.permitted"].part
        return Rulebook(
            {},
            parse_rulebook(
                _one(
                    "land_use.permitted", {**part.model_dump(mode="json"), "parameters": parameters}
                ),
                "own.yaml",
            ).rules,
        )

    province = uses(permitted=["1001"], conditional=["16"], supporting=["1207"])
    column = {"rules.land_use.permitted.parameters.uses"}
    assert (
        weaker(uses(permitted=["100101"], conditional=["16"], supporting=["1207"]), province)
        == set()
    )
    # 1002 is refused by the province, and on conditions by the county
    assert (
        weaker(uses(permitted=["1001"], conditional=["16", "1002"], supporting=["1207"]), province)
        == column
    )
    # roads on conditions are watched in a park, but no longer refused to a project
    assert weaker(uses(permitted=["1001"], conditional=["16"]), province) == set()
    assert weaker(uses(permitted=["1001"], conditional=["16", "1207"]), province) == column
    # a permitted use that is supporting now
    assert weaker(uses(conditional=["16"], supporting=["1207", "1001"]), province) == set()


def _one(rule_id: str, part: dict[str, Any]) -> str:
    clean = {key: value for key, value in part.items() if value is not None}
    text = {"format": "1", "title": {"en": "x"}, "rules": {rule_id: clean}}
    return json.dumps(text, ensure_ascii=False)


GRADES = ("national", "provincial", "general")
VERDICTS = st.dictionaries(
    st.sampled_from(("*", *GRADES)), st.sampled_from(("fail", "watch", "unknown")), min_size=1
)


@given(own=VERDICTS, province=VERDICTS)
def test_verdicts_by_grade_are_compared_grade_by_grade(
    own: dict[str, str], province: dict[str, str]
) -> None:
    """What is accepted never makes a zone of any grade milder."""
    rule = default_rulebook().rules["control_zone.wetland"]
    books = [_with(rule, ZoneParameters(kind="wetland", verdicts=side)) for side in (own, province)]
    if weaker(books[0], books[1]):
        return
    for grade in (*GRADES, "国家级", None):
        mine, wanted = (verdict_of(side, grade, "wetland") for side in (own, province))
        assert wanted is None or mine in {wanted, "fail"}


def _with(rule: Any, parameters: ZoneParameters) -> Rulebook:  # noqa: ANN401 - a rule
    return Rulebook({}, {rule.rule_id: replace(rule, parameters=parameters)})


def bound(**parameters: Any) -> Rulebook:  # noqa: ANN401 - parameters of a check
    return rulebook(**{"indicator.investment": {"parameters": parameters}})


def test_bounds_are_compared_for_every_industry() -> None:
    """The longest prefix decides: a limit for 131 hides the one for 13."""
    province = bound(at_least=300, by_industry={"13": 200, "17": 400})
    assert weaker(bound(at_least=300, by_industry={"13": 250, "17": 400}), province) == set()
    assert weaker(bound(at_least=300, by_industry={"17": 400, "13": 300}), province) == set()
    place = "rules.indicator.investment.parameters."
    hidden = bound(at_least=300, by_industry={"13": 200, "131": 190, "17": 400})
    assert weaker(hidden, province) == {f"{place}by_industry"}
    assert weaker(bound(at_least=300, by_industry={"13": 300, "17": 300}), province) == {
        f"{place}by_industry"
    }
    # the same list below another limit for the rest
    assert weaker(bound(at_least=250, by_industry={"13": 200, "17": 400}), province) == {
        f"{place}at_least"
    }
