"""What a park's page opens with: counts from the review's own documents, figures by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from geo_service.language import Language, Translator
from geo_service.planning.pages.park_chain import chain_document
from geo_service.planning.pages.park_verdict import MOST_GROUPS, verdict_document
from geo_service.planning.pages.profile import park_profile
from geo_service.zoning.review import Review


def told(review: Review, park_id: str, language: Language = Language.ZH_HANS) -> dict[str, Any]:
    return verdict_document(review, park_id, Translator(language))


def test_rules_fold_to_ten_and_their_findings_add_up(demo_review: Review) -> None:
    for park_id in demo_review.park_ids:
        counting = Counter(
            (finding.rule_id, finding.verdict.value)
            for finding in demo_review.findings_of(park_id)
            if finding.waived is None and finding.approval is None
        )
        rows = told(demo_review, park_id)["rules"]
        assert len(rows) <= MOST_GROUPS
        every = [row for top in rows for row in (top["folded"] or [top])]
        found = {
            (row["rule_id"], verdict): number
            for row in every
            for verdict, number in row["by_verdict"].items()
        }
        assert found == dict(counting)
        for row in rows:
            assert row["findings"] == sum(row["by_verdict"].values())


def test_the_sentence_names_the_rules_that_decide(demo_review: Review) -> None:
    # 7,000 m² are 10.5 mu and 0.7 ha; red line, farmland, wetland, reserve, water source fail.
    said = told(demo_review, "YY-B-27")["sentence"]
    assert said.startswith("5 条强制性要求未满足，主要是“不占用生态保护红线”（宗地 1 宗，10.5 亩）")
    english = told(demo_review, "YY-B-27", Language.EN)["sentence"]
    assert english.startswith("Mandatory requirements not met (5): mainly ")
    assert "(parcels: 1, 0.70 ha)" in english
    assert told(demo_review, "YY-C-02")["sentence"].startswith("未违反所核查的规则")
    assert told(demo_review, "YY-C-05")["sentence"].startswith("1 条强制性要求缺少资料")


def test_figures_stand_against_the_lines_of_the_rulebook(demo_review: Review) -> None:
    share, tax, vacancy = told(demo_review, "YY-C-04")["figures"]
    focus = demo_review.focus["YY-C-04"]
    assert share["value"] == focus.shares[focus.basis]
    assert (share["line"], share["is_met"]) == (0.7, True)
    active = demo_review.plan.enterprises.query("park_id == 'YY-C-04' and year == 2025")
    expected = active["tax_cny"].sum() / (active["land_m2"].sum() * 3 / 2000)
    assert tax["value"] == pytest.approx(expected)
    assert (tax["line"], tax["is_met"]) == (120_000, True)
    assert (vacancy["line"], vacancy["is_minimum"]) == (0.4, False)
    # The rule on taxes is for other tiers than buildings; a missing value makes a figure unknown.
    assert told(demo_review, "YY-B-27")["figures"][1]["line"] is None
    assert told(demo_review, "YY-M-01")["figures"][1]["value"] is None


def test_the_chain_counts_partners_in_the_park_and_the_county(demo_review: Review) -> None:
    chain = chain_document(demo_review, "YY-C-02", Translator())
    active = demo_review.plan.enterprises.query("year == 2025 and status != 'closed'")
    for partner in chain["suppliers"]:
        is_one = active["industry_code"].fillna("").str.startswith(partner["code"])
        assert partner["in_county"] == int(is_one.sum())
        assert partner["in_park"] == int((is_one & (active["park_id"] == "YY-C-02")).sum())
    assert {partner["code"] for partner in chain["suppliers"]} >= {"17", "19", "24"}


def test_floors_name_their_tenants(demo_review: Review) -> None:
    profile = park_profile(demo_review, "YY-B-27", Translator(), limit=0)
    named = [
        tenant["enterprise_id"]
        for building in profile["buildings"]
        for floor in building["floors"]
        for tenant in floor["tenants"]
    ]
    own = demo_review.plan.enterprises.query("park_id == 'YY-B-27' and year == 2025")
    assert sorted(named) == sorted(own.loc[own["building_id"].notna(), "enterprise_id"])
