"""What a job made: which kind of result, and under which id it is found."""

from __future__ import annotations

from geo_service.layout.proposal import Proposal
from geo_service.planning.import_drafts import DraftEffect, ImportDraft
from geo_service.suitability.rank import Ranking
from geo_service.zoning.review import Review


def identify_result(result: object) -> tuple[str, str] | None:
    """Return a result's kind (its place under `/api`) and id; None for no result."""
    if isinstance(result, Review):
        return "reviews", result.review_id
    if isinstance(result, Ranking):
        return "rankings", result.ranking_id
    if isinstance(result, Proposal):
        return "layouts", result.layout_id
    if isinstance(result, ImportDraft):
        return "imports", result.draft_id
    if isinstance(result, DraftEffect):
        return "imports", f"{result.draft_id}/effect"
    return None
