"""Findings as columns: each row is what its finding says, made one by one here."""

from __future__ import annotations

import json

import pytest

from geo_service.language import Language, Translator
from geo_service.reports.document import dump, plain
from geo_service.reports.finding_columns import finding_columns
from geo_service.zoning.review import Review


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["demo_review", "hostile_review"])
def test_each_row_says_what_its_finding_says(
    name: str, language: Language, request: pytest.FixtureRequest
) -> None:
    made: Review = request.getfixturevalue(name)
    translator = Translator(language, made.plan.settings.names_hant)
    columns = finding_columns(made.results, translator)
    assert any(made.results.batch(part) for part in range(len(made.results.parts)))
    assert set(map(len, columns.values())) == {len(made.results)}
    for row, finding in enumerate(made.results):
        evidence = json.loads(columns["evidence"][row])
        assert evidence == json.loads(dump(plain(finding.evidence)))
        assert {key: cell[row] for key, cell in columns.items() if key != "evidence"} == {
            "finding_id": finding.finding_id,
            "rule_id": finding.rule_id,
            "severity": finding.severity,
            "verdict": finding.verdict,
            "park_id": finding.park_id,
            "subject_layer": finding.subject.layer,
            "subject_id": finding.subject.id,
            "title": translator.render(finding.title),
            "cure": translator.render(finding.cure) if finding.cure else None,
            "legal_basis": finding.legal_basis.document,
            "basis_tag": finding.basis_tag,
            "waived": finding.waived is not None,
            "approved": finding.approval is not None,
            "illustrative": finding.illustrative,
        }
