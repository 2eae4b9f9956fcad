"""A review in the form in which an earlier release saved it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

import geo_service
from geo_service.language import Language, Translator
from geo_service.planning.results import rulebook_recipe
from geo_service.reports.document import review_document
from geo_service.stores.base import REVIEW, Saved
from geo_service.workspace.opening import Workspace
from geo_service.zoning.review import Review

OLD = "r-0123456789ab"
NEW_IN_SUMMARY = (
    *("verdicts_by_basis", "approved_count", "approvals_version"),
    *("stale_approvals", "lapsed"),
)
NEW_IN_PARKS = ("verdict_by_basis", "rests_on")


def without(item: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a document without some of its members."""
    return {name: value for name, value in item.items() if name not in names}


def written_before(result: Review, language: Language) -> dict[str, Any]:
    """Return a review's document as an earlier release wrote it: without what is new."""
    whole = without(review_document(result, Translator(language)), NEW_IN_SUMMARY)
    whole["review_id"] = OLD
    whole["parks"] = [without(park, NEW_IN_PARKS) for park in whole["parks"]]
    whole["findings"] = [without(item, ("approval",)) for item in whole["findings"]]
    return whole


def recipe_before(result: Review) -> dict[str, Any]:
    """Return its recipe, whose rules said in their own words what they rest on, laws too."""
    book = rulebook_recipe(result.rulebook)
    del book["documents"]
    for rule_id, part in book["rules"].items():
        part = without(part, ("bases", "looked_at"))  # noqa: PLW2901 - the older form of it
        book["rules"][rule_id] = {**part, "basis_tag": "law", "legal_basis": {"document": "某法"}}
    return {
        "as_of": result.as_of.isoformat(),
        "parks": list(result.park_ids),
        "rulebook": book,
        "waivers": [],
        "stale_waivers": [],
        "is_trial": False,
    }


def save_as_before(opened: Workspace, result: Review) -> None:
    """Save a review under `OLD` as an earlier release did."""
    documents = {}
    for language in Language:
        whole = written_before(result, language)
        documents[f"review.{language}"] = orjson.dumps(whole)
        documents[f"summary.{language}"] = orjson.dumps(without(whole, ("parks", "findings")))
    opened.store.save(
        Saved(
            kind=REVIEW,
            id=OLD,
            made_at=datetime(2026, 6, 1, tzinfo=UTC),
            plan_version=result.plan.version,
            layer_versions={name: layer.version for name, layer in result.plan.layers.items()},
            rulebook_version="000000000000",
            software=geo_service.__version__,
            recipe=recipe_before(result),
        ),
        documents,
    )
