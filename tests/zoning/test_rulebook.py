"""Rulebooks: faults are named with line and nearest name; a county's own overrides the shipped."""

from __future__ import annotations

from datetime import date

import pytest

from geo_service.errors import RulebookError
from geo_service.language import Language, Translator, catalogue
from geo_service.reports.rules import rule_document
from geo_service.zoning.rulebook import Rulebook, RulePart, default_rulebook, parse_rulebook

DAY = date(2026, 11, 30)
HEAD = 'format: "1"\ntitle: {zh-Hans: 县, en: County}\nextends: default\nrules:\n'


def own(rules: str) -> Rulebook:
    """Return a county's rulebook over the shipped one."""
    return parse_rulebook(HEAD + rules, "own.yaml")


def refused(text: str) -> str:
    """Return the message with which a rulebook is refused."""
    with pytest.raises(RulebookError) as caught:
        parse_rulebook(text, "own.yaml")
    return str(caught.value)


def test_every_shipped_rule_says_where_it_comes_from() -> None:
    for rule in default_rulebook().rules.values():
        assert rule.bases
        assert {"zh-Hans", "en"} <= set(rule.part.title)


def test_a_county_overrides_one_parameter_and_it_shows() -> None:
    rule = own("  focus.leading_share:\n    parameters: {pass_share: 0.65}\n").rules[
        "focus.leading_share"
    ]
    assert rule.parameters.model_dump()["pass_share"] == pytest.approx(0.65)
    assert rule.parameters.model_dump()["watch_share"] == pytest.approx(0.5)  # kept
    assert rule.overridden["parameters"].get("pass_share") == "0.70"
    assert default_rulebook().rules["focus.leading_share"].overridden == {}


def test_the_version_follows_the_content() -> None:
    changed = own("  focus.leading_share:\n    parameters: {pass_share: 0.65}\n")
    assert changed.version != default_rulebook().version
    assert (
        changed.version == own("  focus.leading_share: {parameters: {pass_share: 0.65}}\n").version
    )


def test_an_unknown_rule_names_line_and_nearest() -> None:
    message = refused(HEAD + "  focus.leading_shar:\n    severity: should\n")
    assert "own.yaml:5: found unknown rule 'focus.leading_shar'" in message
    assert "'focus.leading_share'?" in message


def test_an_unknown_parameter_names_line_and_nearest() -> None:
    message = refused(HEAD + "  focus.leading_share:\n    parameters:\n      pass_shar: 0.6\n")
    assert "own.yaml:7" in message
    assert "unknown name 'pass_shar'; expected 'pass_share'?" in message


def test_an_unknown_family_and_check_name_the_nearest() -> None:
    assert "unknown family 'focuss'; expected 'focus'?" in refused(
        HEAD + "  focus.declared: {family: focuss}\n"
    )
    assert "unknown check 'declred'; expected 'declared'?" in refused(
        HEAD + "  focus.declared: {check: declred}\n"
    )


def test_an_unknown_field_and_a_wrong_value_are_both_listed() -> None:
    message = refused(HEAD + "  focus.declared:\n    severty: must\n    basis_tag: lore\n")
    assert "own.yaml:6" in message
    assert "'severity'?" in message
    assert "own.yaml:7" in message


def test_broken_yaml_names_its_line() -> None:
    assert "own.yaml:4" in refused('format: "1"\ntitle: {en: x}\nrules: [\n')


def test_a_key_that_stands_twice_is_refused() -> None:
    assert "'severity' a second time" in refused(
        HEAD + "  focus.declared:\n    severity: must\n    severity: info\n"
    )


def test_deep_nesting_is_refused_without_harm() -> None:
    assert "nesting that is too deep" in refused("a: " + "[" * 5000 + "]" * 5000)


def test_yaml_tags_construct_nothing() -> None:
    refused("!!python/object/apply:os.system ['echo hi']")


def test_notes_and_our_own_words_of_a_basis_follow_the_reader() -> None:
    rule = default_rulebook().rules["focus.leading_share"]
    told = {language: rule_document(rule, DAY, Translator(language)) for language in Language}
    assert told[Language.ZH_HANS]["note"].startswith("未查到官方的量化标准")
    assert told[Language.ZH_HANT]["note"].startswith("未查到官方的量化標準")
    assert told[Language.EN]["note"].startswith("No official numeric test")
    assert told[Language.ZH_HANT]["legal_basis"]["document"].startswith("系統參考值")
    assert told[Language.EN]["legal_basis"]["document"].startswith("Reference value")
    assert told[Language.EN]["legal_basis"]["demands"].startswith("A share of output of 70 %")


def test_a_law_keeps_its_own_words() -> None:
    rule = default_rulebook().rules["river.chemical_1km"]
    for language in Language:
        document = rule_document(rule, DAY, Translator(language))
        assert document["legal_basis"]["document"] == "中华人民共和国长江保护法"


def test_every_part_of_a_rule_that_a_county_may_change_has_a_name() -> None:
    assert {f"parameter.{name}" for name in RulePart.model_fields} <= set(catalogue())
