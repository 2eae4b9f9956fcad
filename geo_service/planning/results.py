"""Results in the workspace's store, of whatever kind: saved, kept with their plan, loaded.

A result is saved as documents (what was answered, in the three languages) and as a recipe (what
it was made from), so that it can be looked at without being made again, and made again when a map
or a file of it is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

import geo_service
from geo_service.errors import NotFoundError, RulebookError
from geo_service.planning.layers import record_own
from geo_service.reports.document import dump
from geo_service.stores.base import Saved
from geo_service.zoning.laws import own_documents
from geo_service.zoning.rulebook import parse_rulebook

if TYPE_CHECKING:
    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.workspace.opening import Workspace
    from geo_service.zoning.rulebook import Rulebook


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
    """Save a result with its documents; `record_plan` records the plan that it was made from.

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
        What to answer with later by name: JSON values, or JSON as bytes in pieces.

    Raises
    ------
    StoreError
        The store failed; nothing was saved.
    """
    packed = {
        name: document if isinstance(document, Iterator) else dump(document)
        for name, document in documents.items()
    }
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


def record_plan(opened: Workspace, plan: Plan) -> None:
    """Keep the workspace's own layers in the store, so that this plan can be opened later.

    What is no own layer any more is left out: a scenario's, or a file that was changed since.
    """
    recorded = {(entry.layer, entry.version) for entry in opened.store.entries()}
    missing = [
        opened.own_of(name, layer.version)
        for name, layer in plan.layers.items()
        if layer.number == 0 and (name, layer.version) not in recorded
    ]
    record_own(opened, [own for own in missing if own is not None])


def load_document(opened: Workspace, kind: str, identity: str, name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a document of a saved result; NotFoundError when there is none."""
    return orjson.loads(opened.store.document(kind, identity, name))


def rulebook_recipe(rulebook: Rulebook) -> dict[str, Any]:
    """Return a rulebook as JSON values that `parse_rulebook` reads."""
    return {
        "format": "1",
        "title": dict(rulebook.title),
        "documents": own_documents(rulebook.register),
        "rules": {
            rule_id: rule.part.model_dump(mode="json") for rule_id, rule in rulebook.rules.items()
        },
    }


def rulebook_of(recipe: Mapping[str, Any], *, gone: Message) -> Rulebook:
    """Return the rulebook of a recipe, as `rulebook_recipe` wrote it.

    Raises
    ------
    NotFoundError
        This release does not take its rules any more; the error is `gone`.
    """
    try:
        return parse_rulebook(orjson.dumps(recipe["rulebook"]).decode(), "rulebook")
    except RulebookError as error:
        raise NotFoundError(gone) from error
