"""Results that outlive the process: reviews and rankings in the workspace's store.

A result is saved as documents (what was answered, in the three languages) and as a recipe (what
it was made from), so that it can be looked at without being made again, and made again when a map
or a file of it is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import orjson
import shapely
import shapely.geometry

import geo_service
from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator
from geo_service.planning.layers import keep_own
from geo_service.planning.retention import retain_within
from geo_service.reports.document import dump, review_document
from geo_service.stores.base import REVIEW, Saved
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import parse_rulebook
from geo_service.zoning.waivers import Waiver, Waivers

if TYPE_CHECKING:
    import os

    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.stores.base import Box
    from geo_service.zoning.rulebook import Rulebook

SUMMARY, WHOLE = "summary", "review"
_PARTS = ("parks", "findings")


def save_result(  # noqa: PLR0913 - what a result is made of
    opened: Workspace,
    plan: Plan,
    *,
    kind: str,
    identity: str,
    rulebook_version: str,
    recipe: Mapping[str, Any],
    documents: Mapping[str, object],
) -> Saved:
    """Save a result with its documents; `keep_plan` keeps the plan that it was made from.

    Parameters
    ----------
    opened
        The workspace whose store it goes to.
    plan
        What it was made from.
    kind
        `stores.base.REVIEW` or `RANKING`.
    identity
        Its id; of one id the first is kept.
    rulebook_version
        The version of the rulebook that it was made by.
    recipe
        What else it was made from, as JSON values.
    documents
        What to answer with later, as JSON values by name.

    Raises
    ------
    StoreError
        The store failed; nothing was saved.
    """
    packed = {name: dump(document) for name, document in documents.items()}
    saved = Saved(
        kind=kind,
        id=identity,
        made_at=datetime.now(UTC),
        plan_version=plan.version,
        layer_versions={name: layer.version for name, layer in plan.layers.items()},
        rulebook_version=rulebook_version,
        software=geo_service.__version__,
        recipe=orjson.loads(dump(recipe)),
    )
    return opened.store.save(saved, packed)


def keep_plan(opened: Workspace, plan: Plan) -> None:
    """Keep the workspace's own layers in the store, so that this plan can be opened later.

    What is no own layer any more is left out: a scenario's, or a file that was changed since.
    """
    kept = {(entry.layer, entry.version) for entry in opened.store.entries()}
    missing = [
        opened.own_of(name, layer.version)
        for name, layer in plan.layers.items()
        if layer.number == 0 and (name, layer.version) not in kept
    ]
    keep_own(opened, [own for own in missing if own is not None])


def load_document(opened: Workspace, kind: str, identity: str, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a document of a saved result; NotFoundError when there is none."""
    return orjson.loads(opened.store.document(kind, identity, name))


# ---- reviews -------------------------------------------------------------------------------------


def save_review(opened: Workspace, result: Review, *, is_trial: bool = False) -> Saved:
    """Save a review with its answers in the three languages; StoreError when that fails.

    `is_trial` marks one by another rulebook than the county's own, or of some parks only.
    """
    documents: dict[str, object] = {}
    for language in Language:
        translator = Translator(language, result.plan.settings.names_hant)
        whole = review_document(result, translator)
        documents[f"{WHOLE}.{language}"] = whole
        documents[f"{SUMMARY}.{language}"] = {
            name: value for name, value in whole.items() if name not in _PARTS
        }
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
        keep_plan(opened, result.plan)
        retain_within(opened, spared={(saved.kind, saved.id)})
        return saved


def _recipe(result: Review) -> dict[str, Any]:
    return {
        "as_of": result.as_of.isoformat(),
        "parks": list(result.park_ids),
        "rulebook": rulebook_recipe(result.rulebook),
        "waivers": [entry.model_dump(mode="json") for entry in result.waivers.entries],
        "stale_waivers": list(result.waivers.stale),
    }


def rulebook_recipe(rulebook: Rulebook) -> dict[str, Any]:
    """Return a rulebook as JSON values that `parse_rulebook` reads."""
    return {
        "format": "1",
        "title": dict(rulebook.title),
        "rules": {
            rule_id: rule.part.model_dump(mode="json") for rule_id, rule in rulebook.rules.items()
        },
    }


def review_from_recipe(opened: Workspace, identity: str) -> Review:
    """Make a saved review again from what it was made from.

    Raises
    ------
    NotFoundError
        There is no such review, or it would not come out the same: the workspace's settings
        have changed since, a version is not kept, or this release judges otherwise.
    """
    saved = opened.store.find(REVIEW, identity)
    recipe = saved.recipe
    plan = opened.plan_at(saved.layer_versions)
    text = orjson.dumps(recipe["rulebook"]).decode()
    waivers = tuple(Waiver.model_validate(entry) for entry in recipe["waivers"])
    is_whole = recipe["parks"] == plan.frame("parks")["park_id"].tolist()
    for parks in (None, recipe["parks"]) if is_whole else (recipe["parks"],):
        made = review(  # a review of all parks and one of each park by name have different ids
            plan,
            parse_rulebook(text, "rulebook"),
            parks=parks,
            as_of=date.fromisoformat(recipe["as_of"]),
            waivers=Waivers(waivers, tuple(recipe["stale_waivers"])),
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


def feature_of(finding: Mapping[str, Any]) -> Document:
    """Return a finding of a saved review as a feature."""
    return {
        "type": "Feature",
        "id": finding["finding_id"],
        "geometry": finding["geometry"],
        "properties": {name: value for name, value in finding.items() if name != "geometry"},
    }


def saved_features(
    whole: Mapping[str, Any],
    *,
    rule: str | None = None,
    park: str | None = None,
    severity: str | None = None,
    bbox: Box | None = None,
) -> list[Document]:
    """Return the findings of a saved review's document that pass every filter, as features."""
    window = None if bbox is None else shapely.box(*bbox)
    found = []
    for item in whole["findings"]:
        is_wanted = (
            (rule is None or item["rule_id"] == rule)
            and (park is None or item["park_id"] == park)
            and (severity is None or item["severity"] == severity)
        )
        if is_wanted and (window is None or _meets(item["geometry"], window)):
            found.append(feature_of(item))
    return found


def _meets(geometry: Mapping[str, Any] | None, window: shapely.Geometry) -> bool:
    return geometry is not None and bool(shapely.geometry.shape(dict(geometry)).intersects(window))
