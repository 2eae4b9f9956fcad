from __future__ import annotations

import re

import pytest

from geo_service.language import Language, Translator
from geo_service.reports.review import (
    cover_facts,
    evidence_lines,
    list_name,
    measure_name,
    table_unit,
)
from geo_service.zoning.review import Review
from geo_service.zoning.worklists import LISTS
from tests.reports.conftest import content_of


def finding(**members: object) -> dict[str, object]:
    return {"waived": None, "approval": None, "verdict": "fail", "severity": "must", **members}


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({}, "rectify"),
        ({"severity": "should"}, "watch"),
        ({"verdict": "watch"}, "watch"),
        ({"severity": "info", "verdict": "unknown"}, "supplement"),
        ({"verdict": "unknown"}, "supplement"),
        ({"waived": {"reason": "x"}}, None),
        ({"approval": {"document_number": "x"}}, None),
    ],
)
def test_a_finding_stands_in_one_list(members: dict[str, object], name: str | None) -> None:
    assert list_name(finding(**members)) == name


def test_the_three_lists_and_the_waived_are_all_findings(demo_review: Review) -> None:
    content = content_of(demo_review)
    ids = [item["finding_id"] for name in LISTS for item in content.list_of(name)]
    ids += [item["finding_id"] for item in (*content.waived, *content.approved)]
    assert sorted(ids) == sorted(item.finding_id for item in demo_review.results)


def test_a_park_fails_exactly_when_it_has_something_to_rectify(demo_review: Review) -> None:
    for park in content_of(demo_review).parks:
        assert (park["rectify"] > 0) == (park["verdict"] == "fail"), park["park_id"]


def test_the_cover_names_the_scheme_of_the_industry_groups(demo_review: Review) -> None:
    groups = demo_review.plan.settings.groups
    shown = list(cover_facts(content_of(demo_review)).values())
    assert f"{groups.title['zh-Hans']}（{groups.year}）；{groups.version}" in shown


def test_verdicts_by_tier_add_up(demo_review: Review) -> None:
    counts = content_of(demo_review).verdicts_by_tier()
    assert {tier: count.total() for tier, count in counts.items()} == {
        "municipal_park": 1,
        "sme_cluster": 5,
        "building_park": 42,
    }
    for verdict, number in demo_review.verdicts.items():
        assert sum(count[verdict] for count in counts.values()) == number


def test_evidence_reads_as_the_reader_writes_it() -> None:
    item = finding(
        evidence={
            "measure": "area_inside",
            "value": 7000.0,
            "unit": "m²",
            "threshold": 0,
            "share": 0.4667,
            "kind": "ecological_red_line",
            "missing_column": "enterprises.output_cny",
            "tests": {"loss": True, "subsidy": None},
            "zones": [{"zone_id": "Z1", "area_m2": 10.0}],
            "nothing": [],
        }
    )
    assert evidence_lines(item, Translator()) == [
        ("占用面积", "7,000 m²"),
        ("限值", "0 m²"),
        ("占比", "46.7%"),
        ("类别", "生态保护红线"),
        ("缺少的列", "产值（enterprises.output_cny）"),
        ("各项判断", "亏损 是，靠补贴 无数据"),
        ("涉及管控区", "管控区编号 Z1，面积 10 m²"),
    ]
    english = dict(evidence_lines(item, Translator(Language.EN)))
    assert english["Kind"] == "Ecological red line"
    assert english["Area inside"] == "7,000 m²"


def computation(told: str, language: Language = Language.ZH_HANS) -> str:
    item = finding(evidence={"computed": told})
    ((_, text),) = evidence_lines(item, Translator(language))
    return text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("area(park minus county)", "园区在县域之外的面积"),
        ("output_cny / (land_m2 / 666.67)", "产值 ÷（用地面积 ÷ 666.67 m²/亩）"),
        (
            "leading_total / total + half of supporting_share",
            "主导产业数值 ÷ 总量 + 配套产业占比的一半",
        ),
        ("floor 3{F}", "楼层 3{F}"),
        ("something / else", "something / else"),
    ],
)
def test_how_a_value_was_computed_is_told_in_words(told: str, text: str) -> None:
    assert computation(told) == text


def test_every_way_of_computing_in_the_demo_has_words(demo_review: Review) -> None:
    told = {str(item.evidence.get("computed") or "") for item in demo_review.results} - {""}
    assert len(told) > 10
    for way in told:
        text = computation(way)
        assert text.startswith("楼层") or not re.search(r"[A-Za-z]{3}", text), text
        # English words hold no names of columns.
        assert "_" not in computation(way, Language.EN), way


def test_units_are_those_that_planners_use() -> None:
    chinese = table_unit("CNY/mu", Translator())
    assert (chinese.factor, chinese.label) == (1e-4, "万元/亩")
    english = table_unit("CNY/mu", Translator(Language.EN))
    assert (english.factor, english.label) == (1.0, "CNY/mu")
    assert table_unit("bananas", Translator()).label == "bananas"


@pytest.mark.parametrize("language", Language)
def test_every_measure_of_the_demo_has_a_name(demo_review: Review, language: Language) -> None:
    translator = Translator(language)
    measures = {item.evidence["measure"] for item in demo_review.results}
    members = {key for item in demo_review.results for key in item.evidence} - {"unit", "value"}
    bare = {name for name in measures | members if measure_name(name, translator) == name}
    assert bare <= {"measure"}
