"""One box for everything: first hits, scripts, pinyin, and an index that finds what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Language
from geo_service.planning import PlanningService as Running
from geo_service.planning.word_index import SHORTEST_INSIDE, WordFit, WordIndex, normalised
from geo_service.stores.base import WorkspaceAt
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.county import County
from tests.depth import thorough
from tests.patience import eventually
from tests.stores.made import publish_parcels

LETTERS = st.text(alphabet="abAB1-乙江 ", max_size=6)


@pytest.mark.parametrize(
    ("typed", "kind", "name"),
    [
        ("服装", "industry", "18"),
        ("fuzhuang", "industry", "18"),
        ("1811", "industry", "1811"),
        ("红线", "rule", "control_zone.ecological_red_line"),
        ("紅線", "rule", "control_zone.ecological_red_line"),
        ("hongxian", "rule", "control_zone.ecological_red_line"),
        ("示例双龙纸品389", "enterprise", None),
        ("示例雙龍紙品389", "enterprise", None),
        ("YY-P-M01-010", "parcel", "YY-P-M01-010"),
        ("yy-p-m01-010", "parcel", "YY-P-M01-010"),
        ("江口", "park", "YY-C-01"),
        ("jkz", "park", "YY-C-01"),
        ("yyb27", None, None),
        ("规则集", "page", "rulebook"),
        ("rulebook", "page", "rulebook"),
        ("permanent basic farmland", "rule", "control_zone.permanent_farmland"),
    ],
)
def test_the_first_hit_is_what_was_meant(
    demo_county: Running, typed: str, kind: str | None, name: str | None
) -> None:
    hits = demo_county.finder.find(typed, Language.ZH_HANS)
    assert [hit["kind"] for hit in hits[:1]] == ([kind] if kind else [])
    assert name is None or hits[0]["id"] == name


def test_parks_are_found_by_their_leading_industry_after_names(demo_county: Running) -> None:
    hits = demo_county.finder.find("服装", Language.ZH_HANS)
    parks = [hit["id"] for hit in hits if hit["kind"] == "park"]
    leading = demo_county.plan.parks.set_index("park_id")["leading_industry"]
    assert "YY-C-02" in parks
    assert leading["YY-C-02"] == "18"


def test_findings_are_found_by_their_id(demo_county: Running) -> None:
    finding = demo_county.review.results[0]
    (hit,) = demo_county.finder.find(finding.finding_id, Language.ZH_HANS)
    assert hit["kind"] == "finding"
    assert f"finding={finding.finding_id}" in hit["page"]


def test_nothing_typed_and_nothing_known_find_nothing(demo_county: Running) -> None:
    assert demo_county.finder.find("  ", Language.ZH_HANS) == []
    assert demo_county.finder.find("没有这个东西", Language.ZH_HANS) == []


def test_every_hit_leads_to_a_page_that_there_is(demo_client: TestClient) -> None:
    for typed in ("江口", "服装", "YY-P-M01-010", "红线", "示例双龙纸品389", "数据"):
        answer = demo_client.get("/api/search", params={"q": typed, "lang": "en", "limit": 3})
        for hit in answer.json()["hits"]:
            for address in filter(None, (hit["page"], hit["map"])):
                assert demo_client.get(address.partition("#")[0]).status_code == 200, address


def test_labels_come_in_the_reader_s_language(demo_county: Running) -> None:
    (hit,) = demo_county.finder.find("1811", Language.ZH_HANT, limit=1)
    assert hit["label"].startswith("1811 運動")
    (rule,) = demo_county.finder.find("红线", Language.EN, limit=1)
    assert "red line" in rule["label"]


def test_the_index_is_made_before_anybody_looks(tmp_path: Path) -> None:
    folder = County().write(tmp_path)
    running = Running.open(folder)
    with TestClient(create_app(running)):
        eventually(lambda: running.finder.is_made, "the index is made")
        # A publication makes it anew, of the plan that counts then.
        before = running.plan.version
        publish_parcels(WorkspaceAt(folder), "idle")
        assert running.refresh()
        assert running.plan.version != before
        eventually(lambda: running.finder.is_made, "the index is made anew")


@pytest.mark.parametrize("given_", [{"q": "x", "limit": 0}, {"q": "x" * 101}, {}])
def test_what_cannot_be_asked_is_refused(demo_client: TestClient, given_: dict[str, str]) -> None:
    assert demo_client.get("/api/search", params=given_).status_code in {400, 422}


@given(entries=st.lists(st.lists(LETTERS, min_size=1, max_size=3), max_size=12), typed=LETTERS)
@thorough(200)
def test_the_index_finds_what_looking_at_each_form_finds(
    entries: list[list[str]], typed: str
) -> None:
    wanted = normalised(typed)
    expected: dict[int, WordFit] = {}
    for position, forms in enumerate(entries):
        plain = [normalised(form) for form in forms]
        is_short = wanted.isascii() and len(wanted) < SHORTEST_INSIDE
        if wanted in plain:
            expected[position] = WordFit.EQUAL
        elif any(form.startswith(wanted) for form in plain):
            expected[position] = WordFit.BEGINS
        elif any(wanted in form for form in plain) and not is_short:
            expected[position] = WordFit.CONTAINS
    found = WordIndex(entries).find(typed, len(entries) + 1)
    assert {position: fit for fit, position in found} == (expected if wanted else {})
    assert found == sorted(found, key=lambda item: item[0])
