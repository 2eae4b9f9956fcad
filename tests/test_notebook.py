"""Results as an analyst meets them in a notebook: short, escaped, written to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

import geo_service as gs
from geo_service.errors import InvalidQueryError
from geo_service.plan import Plan
from tests.county import County, box, parcel

Open = Callable[[County], Plan]
PROJECT = {"name": "<b>", "industry_code": "1311", "kind": "new", "needs": {"land_m2": 20_000}}


@pytest.fixture
def plan(county: County, opened: Open) -> Plan:
    """Return a county with one free parcel, whose name is an attack."""
    county.layers["parcels"] = [parcel("<i>L1", box(100, 100, 100, 200), status="vacant")]
    return opened(county)


def test_results_are_short_and_escaped_in_a_notebook(plan: Plan) -> None:
    review, ranking = gs.review(plan), gs.rank(plan, PROJECT)
    for result in (plan, review, ranking):
        assert len(repr(result)) < 300
        shown = result._repr_html_()
        assert shown.startswith("<table>")
        assert len(shown) < 4_000
        assert "<b>" not in shown
        assert "<i>" not in shown
    assert "&lt;i&gt;L1" in ranking._repr_html_()
    assert f">{len(review.results)}<" in review._repr_html_()


def test_an_explanation_is_told_in_sentences(plan: Plan) -> None:
    ranking = gs.rank(plan, PROJECT)
    explanation = ranking.explain(ranking.candidates["candidate_id"].iloc[0])
    for lang in ("zh-Hans", "zh-Hant", "en"):
        lines = explanation.text(lang).splitlines()
        assert len(lines) == len(explanation.summary) + len(explanation.sentences)
        assert all(lines)
    assert explanation.text("en").isascii()


def test_a_result_is_written_in_the_format_of_its_suffix(plan: Plan, tmp_path: Path) -> None:
    review, ranking = gs.review(plan), gs.rank(plan, PROJECT)
    for result, suffixes in (
        (review, ("json", "geojson", "xlsx", "docx", "gpkg")),
        (ranking, ("json", "geojson", "xlsx")),
    ):
        for suffix in suffixes:
            path = gs.write(result, tmp_path / f"r.{suffix}", lang="en")
            assert path.stat().st_size > 0
    told = orjson.loads(gs.write(review, tmp_path / "r.JSON").read_bytes())
    assert told["review_id"] == review.review_id
    for result, name in ((review, "r.txt"), (ranking, "r.docx"), (review, "r")):
        with pytest.raises(InvalidQueryError):
            gs.write(result, tmp_path / name)
