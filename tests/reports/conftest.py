"""Reviews that the tests of reports share: the demo's, a hostile county's, an orderly one's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from geo_service.language import Language, Translator
from geo_service.maps.style import SYMBOLS
from geo_service.model import Verdict
from geo_service.reports.review import ReviewContent, review_content
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review, review
from tests.county import County
from tests.maps.hostile import TEXTS, hostile_county

DAY = date(2026, 11, 22)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "_x0041_", "a\x0bb\x1fc")
"""Names that a spreadsheet would compute, or that XML cannot hold."""
Content = Callable[..., ReviewContent]


def colours() -> dict[Verdict, str]:
    """Return the map's colour of each verdict."""
    return {verdict: str(SYMBOLS[f"verdict.{verdict}"].fill) for verdict in Verdict}


def content_of(result: Review, language: Language = Language.ZH_HANS) -> ReviewContent:
    """Return what the reports of a review say in a language."""
    return review_content(result, Translator(language, result.plan.settings.names_hant))


@pytest.fixture(scope="session")
def hostile_review(tmp_path_factory: pytest.TempPathFactory) -> Review:
    """Return the review of a county whose texts are attacks on pages, sheets and XML."""
    made = hostile_county()
    names = [*TEXTS, *FORMULAS]
    for row, name in zip(made.layers["parks"], FORMULAS, strict=False):
        row["name"] = name
    for row, name in zip(made.layers["enterprises"], reversed(names), strict=False):
        row |= {"name": name, "industry_code": "9999"}
    made.extra += '\nconfidentiality = "=内部&[Page]"\nmap_approval = "审图号 <测试>"'
    return review(open_plan(made.write(tmp_path_factory.mktemp("hostile"))), as_of=DAY)


@pytest.fixture
def orderly_review(county: County, tmp_path: Path) -> Review:
    """Return the review of a county in which nothing is found."""
    return review(open_plan(county.write(tmp_path / "orderly")), as_of=DAY)
