"""`geo-service rules` and the table of verdicts: what they say, and that they fit a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from rich.cells import cell_len

from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.planning.rules import printable_rules
from geo_service.reports.rules import rules_document
from geo_service.reports.terminal import rules_table, verdict_table
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import default_rulebook
from tests.conftest import DEMO
from tests.county import County, box, zone
from tests.terminal import run
from tests.words import word
from tests.zoning.made import LAW, three_bases

Open = Callable[[County], Plan]
DAY = date(2026, 11, 30)


@pytest.mark.parametrize("language", Language)
def test_the_table_of_rules_fits_a_hundred_cells(language: Language) -> None:
    translator = Translator(language)
    table = rules_table(rules_document(default_rulebook(), DAY, translator), translator, width=100)
    assert max(map(cell_len, table.splitlines())) <= 100
    lines = table.splitlines()
    for rule_id in default_rulebook().rules:  # whole, on one line
        assert any(f" {rule_id} " in line for line in lines), rule_id
    assert "…" not in table


def test_the_table_says_which_documents_are_in_force_and_which_to_read_again() -> None:
    told, translator = printable_rules(DEMO, Language.EN, as_of=date(2026, 8, 1))
    table = told.text(translator, width=200).decode()
    assert "not yet in force, from 2026-08-15" in table
    assert "in force, from 2021-03-01" in table
    assert "(to be read again)" in table
    assert "replaced by 中华人民共和国生态环境法典" in table


def test_a_lapsed_rule_says_so() -> None:
    translator = Translator(Language.EN)
    rules = three_bases(days="in_force_until: 2026-09-30")
    document = rules_document(rules, DAY, translator)
    (lapsed,) = [rule for rule in document["rules"] if rule["lapsed"]]
    assert lapsed["rule_id"] == LAW
    assert lapsed["lapsed"] == {"document": "An act", "ended": "2026-09-30"}
    table = rules_table(document, translator, width=160)
    assert "not applied: its document ended on 2026-09-30" in table
    assert "ended, until 2026-09-30" in table
    assert "not read, 50.0% sure" in table


def test_only_rules_of_stale_documents_are_listed_on_request() -> None:
    told, _ = printable_rules(DEMO, Language.EN, as_of=DAY, stale_months=1200)
    document = json.loads(told.json())
    # Nobody reads a document for a hundred years: these were never read at all.
    read = {item["document_id"]: item["looked_at"] for item in document["documents"]}
    for rule in document["rules"]:
        assert any(read.get(basis["document_id"]) is None for basis in rule["bases"])
    told, translator = printable_rules(DEMO, Language.EN, as_of=DAY, stale_months=0)
    assert len(json.loads(told.json())["rules"]) >= len(document["rules"])
    empty = rules_table({"rules": [], "documents": []}, translator)
    assert empty == "There are no such rules.\n"


def test_the_command_prints_json_and_refuses_a_day_that_is_none(tmp_path: Path) -> None:
    done = run(
        "rules", DEMO, "--as-of", "2026-08-01", "--format", "json", "-o", tmp_path / "r.json"
    )
    assert done.returncode == 0
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert document["as_of"] == "2026-08-01"
    assert run("rules", DEMO, "--as-of", "the first").returncode == 2


@pytest.mark.parametrize("width", [80, 100, 150])
@pytest.mark.parametrize("language", Language)
def test_the_table_of_verdicts_fits_and_keeps_ids_and_verdicts(
    demo_review: Review, width: int, language: Language
) -> None:
    translator = Translator(language, demo_review.plan.settings.names_hant)
    lines = verdict_table(demo_review, translator, width=width).splitlines()
    rows = [line for line in lines if line.startswith("│")]
    assert len(rows) == 48
    assert max(map(cell_len, rows)) <= width
    for row, (park_id, verdict) in zip(rows, demo_review.park_verdicts.items(), strict=True):
        assert f" {park_id} " in row
        assert f" {translator.text(f'verdict.{verdict}')} " in row


def test_the_table_of_verdicts_says_what_each_rests_on(county: County, opened: Open) -> None:
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    county.layers["parks"][0]["leading_industry"] = None
    result = review(opened(county), three_bases(days="in_force_until: 2026-11-30"), as_of=DAY)
    table = verdict_table(result, Translator(Language.EN), width=150)
    (first, second) = [line.split("│") for line in table.splitlines() if line.startswith("│")]
    assert (first[6].strip(), first[7].strip()) == (word("verdict.fail", Language.EN), "law")
    assert (second[6].strip(), second[7].strip()) == (word("verdict.pass", Language.EN), "")
    later = review(result.plan, three_bases(days="in_force_until: 2026-09-30"), as_of=DAY)
    table = verdict_table(later, Translator(Language.EN), width=150)
    assert "Not applied on 2026-11-30" in table
    assert "without a successor: law" in table
