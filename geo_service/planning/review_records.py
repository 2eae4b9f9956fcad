"""Reviews in the store: saved with their answers and their recipe, and made again from it.

Leaves out what a running service remembers (`reviews`), and reviews as files beside the store
(`kept_reviews`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator
from geo_service.planning.results import (
    load_document,
    record_plan,
    rulebook_of,
    rulebook_recipe,
    save_result,
)
from geo_service.planning.saved import retain_within
from geo_service.planning.saved_reviews import summary_of
from geo_service.reports.document import review_head
from geo_service.reports.stream import KeptShapes, review_pieces
from geo_service.stores.base import REVIEW, Saved
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.zoning.approvals import Approval, Approvals
from geo_service.zoning.review import Review, review
from geo_service.zoning.waivers import Waiver, Waivers

if TYPE_CHECKING:
    import os

SUMMARY, WHOLE = "summary", "review"
"""The names of a review's documents, before the language."""


def save_review(opened: Workspace, result: Review, *, is_trial: bool = False) -> Saved:
    """Save a review with its answers in the three languages; StoreError when that fails.

    `is_trial` marks one by another rulebook than the county's own, or of some parks only.
    """
    documents: dict[str, object] = {}
    kept = KeptShapes(result)
    for language in Language:
        translator = Translator(language, result.plan.settings.names_hant)
        documents[f"{WHOLE}.{language}"] = review_pieces(result, translator, kept=kept)
        documents[f"{SUMMARY}.{language}"] = summary_of(review_head(result, translator))
    return save_result(
        opened,
        result.plan,
        kind=REVIEW,
        identity=result.review_id,
        rulebook_version=result.rulebook.version,
        recipe={**_recipe(result), "is_trial": is_trial},
        documents=documents,
    )


def save_workspace_review(
    workspace: str | os.PathLike[str], result: Review, *, is_trial: bool = False
) -> Saved:
    """Save a review of a workspace; what the command line's `review --save` does."""
    with open_workspace(workspace) as opened:
        saved = save_review(opened, result, is_trial=is_trial)
        record_plan(opened, result.plan)
        retain_within(opened, spared={(saved.kind, saved.id)})
        return saved


def _recipe(result: Review) -> dict[str, Any]:
    return {
        "as_of": result.as_of.isoformat(),
        "parks": list(result.park_ids),
        "rulebook": rulebook_recipe(result.rulebook),
        "waivers": [entry.model_dump(mode="json") for entry in result.waivers.entries],
        "stale_waivers": list(result.waivers.stale),
        "approvals": [entry.model_dump(mode="json") for entry in result.approvals.entries],
        "stale_approvals": list(result.approvals.stale),
    }


def review_from_recipe(opened: Workspace, identity: str) -> Review:
    """Make a saved review again from what it was made from.

    Raises
    ------
    NotFoundError
        There is no such review, or it would not come out the same: the workspace's settings
        have changed since, a version is not kept, or this release judges otherwise or does not
        take its rules any more.
    """
    saved = opened.store.find(REVIEW, identity)
    recipe = saved.recipe
    plan = opened.plan_at(saved.layer_versions)
    gone = said("problem.review_of_earlier_release", review=repr(identity))
    rules = rulebook_of(recipe, gone=gone)
    waivers = tuple(Waiver.model_validate(entry) for entry in recipe["waivers"])
    approvals = tuple(Approval.model_validate(entry) for entry in recipe.get("approvals", ()))
    is_whole = recipe["parks"] == plan.frame("parks")["park_id"].tolist()
    for parks in (None, recipe["parks"]) if is_whole else (recipe["parks"],):
        made = review(  # a review of all parks and one of each park by name have different ids
            plan,
            rules,
            parks=parks,
            as_of=date.fromisoformat(recipe["as_of"]),
            waivers=Waivers(waivers, tuple(recipe["stale_waivers"])),
            approvals=Approvals(approvals, tuple(recipe.get("stale_approvals", ()))),
        )
        if made.review_id == identity:
            break
    summary = load_document(opened, REVIEW, identity, f"{SUMMARY}.{Language.ZH_HANS}")
    is_same = (
        made.review_id == identity
        and dict(made.verdicts) == summary["verdicts"]
        and len(made.results) == summary["findings_count"]
    )
    if not is_same:
        msg = said("problem.review_gone", review=repr(identity))
        raise NotFoundError(msg)
    return made
