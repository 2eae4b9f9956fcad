"""The table of verdicts in a terminal: names are cut where it is narrow, nothing else is."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from geo_service.language import Language, Translator
from geo_service.reports.terminal import verdict_table
from geo_service.zoning.review import Review
from tests.words import verdict_words, word


@pytest.mark.parametrize("width", [110, 150, 200])
@pytest.mark.parametrize("language", Language)
def test_only_names_are_cut_where_a_table_is_narrow(
    demo_review: Review, language: Language, width: int
) -> None:
    translator = Translator(language, demo_review.plan.settings.names_hant)
    lines = verdict_table(demo_review, translator, width=width).splitlines()
    table = [line.rstrip() for line in lines if line.startswith(("│", "┃"))]
    assert len(table) == 1 + len(demo_review.parks)
    assert {cell_len(line) for line in table} == {cell_len(table[0])}
    assert cell_len(table[0]) <= width
    headings = [cell.strip() for cell in table[0].strip("┃").split("┃")]
    assert headings[-3:] == [
        word(f"table.{key}", language) for key in ("verdict", "rests_on", "findings")
    ]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in table[1:]]
    assert {row[-3] for row in rows} == set(verdict_words(language=language))
    assert [int(row[-1]) for row in rows] == [int(count) for count in demo_review.parks["findings"]]
    whole = (1, 4, 5, 7)  # id, share, verdict and number of findings; names are cut first
    assert not [row[column] for row in rows for column in whole if "…" in row[column]]
    if width >= 150:
        assert not [row[column] for row in rows for column in (0, 6) if "…" in row[column]]
