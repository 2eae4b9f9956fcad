"""What rules rest on: documents in force on the day, what a rule may claim, what lapses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pytest

from geo_service.errors import RulebookError
from geo_service.model import BasisGroup, BasisTag, Message, Severity, Verdict
from geo_service.plan import Plan
from geo_service.zoning.laws import default_register
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import Rule, Rulebook, default_rulebook, parse_rulebook
from tests.county import County, box, zone
from tests.zoning.made import HABIT, LAW, POLICY, of_rule, three_bases

Open = Callable[[County], Plan]
DAY = date(2026, 11, 30)
HEAD = 'format: "1"\ntitle: {zh-Hans: 县, en: County}\nextends: default\n'
SHIPPED = default_rulebook().rules
DAY_OF_CODE = date(2026, 8, 15)
"""The first day of the Code, which repealed the law on water pollution."""


def own(rules: str, documents: str = "") -> Rulebook:
    """Return a county's rulebook over the shipped one."""
    return parse_rulebook(f"{HEAD}{documents}rules:\n{rules}", "own.yaml")


def refused(rules: str, documents: str = "") -> str:
    """Return the message with which a county's rulebook is refused."""
    with pytest.raises(RulebookError) as caught:
        own(rules, documents)
    return str(caught.value)


# ---- every shipped rule ----------------------------------------------------------------------


@pytest.mark.parametrize("rule", SHIPPED.values(), ids=list(SHIPPED))
def test_a_shipped_rule_rests_on_a_document_of_the_register(rule: Rule) -> None:
    register = default_register()
    assert rule.bases
    for basis in rule.bases:
        assert basis.document.document_id in register, rule.rule_id
        assert basis.article is None or basis.article.strip()
    texts = [basis.demands for basis in rule.bases if basis.demands is not None]
    assert rule.cited(DAY).demands in texts, "no paraphrase of what the document demands"
    note = rule.part.note_by_language
    title: Mapping[str, str] = {str(key): text for key, text in rule.part.title.items()}
    given: list[Mapping[str, str]] = [title, *texts, *([] if note is None else [note])]
    for wording in given:
        words = {language: text.strip() for language, text in wording.items()}
        assert words["zh-Hans"]
        assert words["en"]


@pytest.mark.parametrize("rule", SHIPPED.values(), ids=list(SHIPPED))
def test_a_shipped_rule_is_in_force_and_no_graver_than_its_document(rule: Rule) -> None:
    assert rule.is_in_force(DAY) == rule.part.enabled
    assert rule.lapsed_on(DAY) is None
    cited = rule.cited(DAY)
    assert cited.document.is_in_force(DAY)
    tag = rule.tag_on(DAY)
    assert tag.is_binding or rule.part.severity is not Severity.MUST
    if tag.group is BasisGroup.LAW and rule.part.severity is Severity.MUST:
        assert cited.document.part.kind.value in {
            "law",
            "regulation",
            "normative_document",
            "standard",
        }


# ---- the day decides -------------------------------------------------------------------------


def test_the_water_rules_cite_the_old_law_before_the_code_and_the_code_from_its_first_day() -> None:
    rule = SHIPPED["control_zone.water_source_1"]
    names = {
        day: rule.cited(day).legal_basis.document_id
        for day in (DAY_OF_CODE - timedelta(days=1), DAY_OF_CODE)
    }
    assert list(names.values()) == ["water_pollution_law", "ecological_environment_code"]


def test_a_document_is_in_force_on_its_first_and_on_its_last_day() -> None:
    rule = three_bases(days="in_force_from: 2026-03-01, in_force_until: 2026-09-30").rules[LAW]
    assert [
        rule.is_in_force(day)
        for day in (
            date(2026, 2, 28),
            date(2026, 3, 1),
            date(2026, 9, 30),
            date(2026, 10, 1),
        )
    ] == [False, True, True, False]
    # Before its first day the document has not ended: the rule has not lapsed yet.
    assert rule.lapsed_on(date(2026, 2, 28)) is None
    assert rule.lapsed_on(date(2026, 9, 30)) is None
    ended = rule.lapsed_on(date(2026, 10, 1))
    assert ended is not None
    assert ended.document_id == "made_act"


def test_a_rule_whose_document_ended_is_not_applied_and_stands_as_lapsed(
    county: County, opened: Open
) -> None:
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    plan = opened(county)
    rules = three_bases(days="in_force_until: 2026-09-30")
    before, after = (
        review(plan, rules, as_of=day) for day in (date(2026, 9, 30), date(2026, 10, 1))
    )
    assert before.park_verdicts["P1"] is Verdict.FAIL
    assert before.lapsed == []
    assert after.park_verdicts["P1"] is Verdict.PASS
    assert LAW not in after.checks
    assert of_rule(after, LAW) == []
    ((rule, document),) = after.lapsed
    assert (rule.rule_id, document.last_day) == (LAW, date(2026, 9, 30))
    assert before.review_id != after.review_id


def test_a_rule_that_is_switched_off_or_over_has_not_lapsed() -> None:
    days = "in_force_until: 2026-09-30"
    for line in ("enabled: false", "effective_to: 2026-09-30"):
        assert three_bases(days=days, law=line).lapsed(DAY) == []


def test_findings_cite_the_document_of_the_day(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(
        zone("W", box(0, 0, 100, 100), kind="water_source", grade="1")
    )
    plan, shipped = opened(county), default_rulebook()
    rule_id = "control_zone.water_source_1"
    rules = Rulebook(shipped.title, {rule_id: shipped.rules[rule_id]})
    names = {
        item.legal_basis.document
        for day in (date(2026, 8, 1), date(2026, 9, 1))
        for item in of_rule(review(plan, rules, as_of=day), rule_id)
    }
    assert names == {"中华人民共和国水污染防治法", "中华人民共和国生态环境法典"}


# ---- what a county's rulebook may do -----------------------------------------------------------


def test_raising_a_rule_to_must_needs_a_document() -> None:
    message = refused("  focus.leading_share:\n    severity: must\n")
    assert "own.yaml:6" in message
    assert "rules.focus.leading_share.severity" in message
    assert "names its document" in message


def test_a_rule_raised_to_must_by_the_county_s_own_document_is_county_policy() -> None:
    lines = "  focus.leading_share:\n    severity: must\n"
    in_words = own(f"{lines}    legal_basis: {{document: 县规划一号文}}\n")
    documents = (
        "documents:\n  our_plan: {name: {zh-Hans: 规划}, kind: county_policy, trust: read}\n"
    )
    registered = own(f"{lines}    bases: [{{document: our_plan, article: 三}}]\n", documents)
    for book in (in_words, registered):
        rule = book.rules["focus.leading_share"]
        assert rule.part.severity is Severity.MUST
        assert rule.tag_on(DAY) is BasisTag.COUNTY_POLICY
        assert rule.overridden["severity"] == "should"
    assert registered.rules["focus.leading_share"].cited(DAY).legal_basis.document_id == "our_plan"
    assert "our_plan" in {item.document_id for item in registered.documents}


@pytest.mark.parametrize("tag", ["law", "normative_document"])
def test_nothing_claims_to_be_law_in_the_county_s_own_words(tag: str) -> None:
    message = refused(
        f"  focus.leading_share:\n    basis_tag: {tag}\n    legal_basis: {{document: 某法}}\n"
    )
    assert "cites a document of the register" in message


def test_a_rule_claims_no_more_than_its_documents_are() -> None:
    documents = "documents:\n  elsewhere: {name: {zh-Hans: 外地}, kind: practice, trust: copy}\n"
    bases = "    bases: [{document: elsewhere}]\n"
    assert "no more than the documents are" in refused(
        f"  focus.leading_share:\n    basis_tag: law\n{bases}", documents
    )
    # Nor does a county's word make a practice elsewhere bind.
    assert "every document of a mandatory rule" in refused(
        f"  focus.leading_share:\n    severity: must\n{bases}", documents
    )


def test_an_unknown_document_names_its_line_and_the_nearest() -> None:
    message = refused("  focus.leading_share:\n    bases: [{document: product_defalt}]\n")
    assert "own.yaml:6" in message
    assert "'product_default'?" in message


def test_a_county_neither_changes_a_shipped_document_nor_leaves_a_successor_open() -> None:
    rules = "  focus.leading_share: {severity: info}\n"
    shipped = "documents:\n  water_law: {name: {zh-Hans: 水法}, kind: law, trust: read}\n"
    lost = (
        "documents:\n  old: {name: {zh-Hans: 旧}, kind: county_policy, trust: read,"
        " superseded_by: new}\n"
    )
    for documents, named in ((shipped, "'water_law'"), (lost, "'new'")):
        with pytest.raises(RulebookError) as caught:
            own(rules, documents)
        (fault,) = caught.value.faults
        assert isinstance(fault.found, Message)
        assert fault.found.values["document"] == named
        assert fault.line is not None


def test_an_own_document_ends_on_the_day_before_its_successor_begins() -> None:
    documents = (
        "documents:\n"
        "  old: {name: {zh-Hans: 旧}, kind: county_policy, trust: read, superseded_by: new}\n"
        "  new: {name: {zh-Hans: 新}, kind: county_policy, trust: read,"
        " in_force_from: 2026-07-01}\n"
    )
    rule = own(
        "  focus.leading_share:\n    bases: [{document: new, article: 2}, {document: old}]\n",
        documents,
    ).rules["focus.leading_share"]
    cited = [rule.cited(day).legal_basis for day in (date(2026, 6, 30), date(2026, 7, 1))]
    assert [(item.document_id, item.article) for item in cited] == [("old", None), ("new", "2")]


def test_the_version_follows_the_documents() -> None:
    one, other = (three_bases(days=f"in_force_from: {day}") for day in ("2000-01-01", "2000-01-02"))
    assert one.version != other.version


# ---- by which basis a park has its verdict -----------------------------------------------------


def by_basis(county: County, opened: Open, rules: Rulebook) -> dict[str, tuple[str | None, ...]]:
    """Return for each park (law, county, reference) and what its verdict rests on."""
    result = review(opened(county), rules, as_of=DAY)
    return {
        park_id: (
            *(None if item is None else item.value for item in verdicts.values()),
            ";".join(result.rests_on[park_id]),
        )
        for park_id, verdicts in result.verdicts_by_basis.items()
    }


def test_a_county_in_order_passes_by_every_basis_and_rests_on_none(
    county: County, opened: Open
) -> None:
    assert by_basis(county, opened, three_bases()) == {
        "P1": ("pass", "pass", "pass", ""),
        "P2": ("pass", "pass", "pass", ""),
    }


def test_a_park_that_breaks_a_law_differs_from_one_that_misses_a_reference_value(
    county: County, opened: Open
) -> None:
    # P1 has a red line on it; P2 declares 36, its enterprises say 13 (5 of 5).
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    for row in county.layers["enterprises"]:
        row["industry_code"] = "1311"
    assert by_basis(county, opened, three_bases()) == {
        "P1": ("fail", "pass", "pass", "law"),
        "P2": ("pass", "pass", "watch", "reference"),
    }


def test_a_park_without_declaration_is_unknown_by_the_county_s_policy(
    county: County, opened: Open
) -> None:
    county.layers["parks"][0]["leading_industry"] = None
    # What cannot be judged by a practice elsewhere (`should`) does not make the verdict unknown.
    assert by_basis(county, opened, three_bases())["P1"] == ("pass", "unknown", "pass", "county")


def test_a_verdict_may_rest_on_several_kinds_of_basis(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    county.layers["parks"][0]["leading_industry"] = "13;36"
    found = by_basis(county, opened, three_bases())
    assert found["P1"][:2] == ("fail", "fail")
    assert found["P1"][3] == "law;county"


def test_where_no_rule_on_a_basis_applied_there_is_no_verdict(county: County, opened: Open) -> None:
    county.layers["parks"][0]["tier"] = "building_park"
    rules = three_bases(policy="scope: {tiers: [building_park]}", law="enabled: false")
    assert by_basis(county, opened, rules) == {
        "P1": (None, "pass", "pass", ""),
        "P2": (None, None, "pass", ""),
    }
    ended = three_bases(days="in_force_until: 2026-09-30")
    assert {item[0] for item in by_basis(county, opened, ended).values()} == {None}


def test_the_parks_frame_tells_the_same(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    result = review(opened(county), three_bases(law="scope: {parks: [P1]}"), as_of=DAY)
    rows = result.parks.set_index("park_id")
    columns = ["verdict_law", "verdict_county", "verdict_reference", "rests_on"]
    told = {name: list(rows[name]) for name in columns}
    assert told["verdict_law"][0] == "fail"
    assert rows["verdict_law"].isna().tolist() == [False, True]  # P2 was not judged by it
    assert told["verdict_county"] == told["verdict_reference"] == ["pass", "pass"]
    assert told["rests_on"] == ["law", ""]
    assert {HABIT, LAW, POLICY} == set(result.checks)
