"""Rankings in the store: saved with their answers and their recipe, and made again from it.

Leaves out what a running service remembers (`rankings`).
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
from geo_service.reports.ranking import ranking_document, ranking_summary
from geo_service.stores.base import RANKING, Saved
from geo_service.suitability.project import project_of
from geo_service.suitability.rank import Ranking, rank_project
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace

if TYPE_CHECKING:
    import os

    from geo_service.reports.document import Document

SUMMARY, WHOLE = "summary", "ranking"
"""The names of a ranking's documents, before the language."""


def save_ranking(opened: Workspace, ranking: Ranking) -> Saved:
    """Save a ranking with its answers in the three languages; StoreError when that fails."""
    documents: dict[str, object] = {}
    for language in Language:
        translator = Translator(language, ranking.plan.settings.names_hant)
        documents[f"{WHOLE}.{language}"] = ranking_document(ranking, translator)
        documents[f"{SUMMARY}.{language}"] = ranking_summary(ranking, translator)
    return save_result(
        opened,
        ranking.plan,
        kind=RANKING,
        identity=ranking.ranking_id,
        rulebook_version=ranking.rulebook.version,
        recipe={
            "as_of": ranking.as_of.isoformat(),
            "project": ranking.project.model_dump(mode="json"),
            "rulebook": rulebook_recipe(ranking.rulebook),
        },
        documents=documents,
    )


def save_workspace_ranking(workspace: str | os.PathLike[str], ranking: Ranking) -> Saved:
    """Save a ranking of a workspace; what the command line's `rank --save` does."""
    with open_workspace(workspace) as opened:
        saved = save_ranking(opened, ranking)
        record_plan(opened, ranking.plan)
        retain_within(opened, spared={(saved.kind, saved.id)})
        return saved


def load_ranking(opened: Workspace, ranking_id: str, language: Language) -> Document:
    """Return what a saved ranking answered; NotFoundError for an unknown id."""
    document: Document = load_document(opened, RANKING, ranking_id, f"{WHOLE}.{language}")
    return document


def ranking_bytes(opened: Workspace, ranking_id: str, language: Language) -> bytes:
    """Return what a saved ranking answered, as JSON; NotFoundError for an unknown id."""
    return opened.store.document(RANKING, ranking_id, f"{WHOLE}.{language}")


def load_summary(opened: Workspace, ranking_id: str, language: Language) -> Document:
    """Return the summary of a saved ranking; NotFoundError for an unknown id."""
    document: Document = load_document(opened, RANKING, ranking_id, f"{SUMMARY}.{language}")
    return document


def ranking_from_recipe(opened: Workspace, ranking_id: str) -> Ranking:
    """Make a saved ranking again from what it was made from.

    Raises
    ------
    NotFoundError
        There is no such ranking, or it would not come out the same: the workspace's settings
        have changed since, a version is not kept, or this release measures otherwise or does not
        take its rules any more.
    """
    saved = opened.store.find(RANKING, ranking_id)
    recipe: dict[str, Any] = dict(saved.recipe)
    gone = said("problem.ranking_of_earlier_release", ranking=repr(ranking_id))
    rules = rulebook_of(recipe, gone=gone)
    made = rank_project(
        opened.plan_at(saved.layer_versions),
        project_of(recipe["project"]),
        rules,
        as_of=date.fromisoformat(recipe["as_of"]),
    )
    saved_result = load_ranking(opened, ranking_id, Language.ZH_HANS)
    translator = Translator(Language.ZH_HANS, made.plan.settings.names_hant)
    again = ranking_document(made, translator)
    if made.ranking_id != ranking_id or _order(again) != _order(saved_result):
        msg = said("problem.ranking_gone", ranking=repr(ranking_id))
        raise NotFoundError(msg)
    return made


def _order(document: Document) -> list[tuple[str, int, float]]:
    return [
        (item["candidate_id"], item["rank"], round(item["score"], 9))
        for item in document["candidates"]
    ]
