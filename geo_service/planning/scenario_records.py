"""Scenarios in the workspace's store: made, read, revised, dropped.

A scenario is kept with the versions of the layers that it begins with, which retention spares. Its
state has a tag: whoever revises it says which state was seen.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

import geo_service
from geo_service.errors import NotFoundError, StaleError
from geo_service.reports.document import dump
from geo_service.scenarios.edits import edit_document
from geo_service.scenarios.reading import kept_edits
from geo_service.scenarios.scenario import Scenario, ScenarioBase, base_document
from geo_service.stores.base import SCENARIO, Revision, Saved
from geo_service.stores.results import recipe_tag
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.workspace.opening import Workspace

MOST_LISTED = 1_000


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Edits of a scenario that were published together."""

    publication_id: str
    at: str
    author: str
    edits: tuple[Mapping[str, Any], ...]
    layers: Mapping[str, Mapping[str, str | None]]
    """By layer its version before and after."""
    undone_at: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the publication as JSON values."""
        return {
            "publication_id": self.publication_id,
            "at": self.at,
            "author": self.author,
            "edits": list(self.edits),
            "layers": {name: dict(one) for name, one in self.layers.items()},
            "undone_at": self.undone_at,
        }


@dataclass(frozen=True, kw_only=True)
class ScenarioRecord:
    """A scenario as it is kept, with when it was made and changed, and what of it was published."""

    scenario_id: str
    scenario: Scenario
    author: str
    made_at: str
    changed_at: str
    published: tuple[Publication, ...] = ()
    parks: tuple[str, ...] | None = None
    """The only parks that its author saw, in order of their ids; None for the whole county."""
    tag: str = ""
    """The tag of this state."""

    def recipe(self) -> dict[str, Any]:
        """Return what is kept, as JSON values."""
        scenario = self.scenario
        base = None if scenario.base is None else base_document(scenario.base)
        told: dict[str, Any] = {
            "name": scenario.name,
            "reason": scenario.reason,
            "author": self.author,
            "made_at": self.made_at,
            "changed_at": self.changed_at,
            "base": base,
            "edits": [edit_document(edit) for edit in scenario.edits],
            "published": [one.document() for one in self.published],
        }
        if self.parks is not None:
            told["parks"] = list(self.parks)
        plain: dict[str, Any] = orjson.loads(dump(told))
        return plain


def now() -> str:
    """Return this moment as documents tell it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def create(
    opened: Workspace,
    scenario: Scenario,
    *,
    author: str = "",
    parks: tuple[str, ...] | None = None,
) -> ScenarioRecord:
    """Keep a new scenario; StoreError when that fails."""
    moment = now()
    record = ScenarioRecord(
        scenario_id=f"s{secrets.token_hex(6)}",
        scenario=scenario,
        author=author,
        made_at=moment,
        changed_at=moment,
        parks=parks,
    )
    saved = opened.store.save(_saved(record), {})
    return replace(record, tag=recipe_tag(saved.recipe))


def revise(
    opened: Workspace, record: ScenarioRecord, documents: Mapping[str, bytes] | None = None
) -> ScenarioRecord:
    """Keep a record in the place of the state whose tag it has; StaleError if that changed."""
    revision = revision_of(record, documents)
    saved = opened.store.revise(revision)
    return record_of(saved)


def revision_of(record: ScenarioRecord, documents: Mapping[str, bytes] | None = None) -> Revision:
    """Return what puts a record in the place of the state whose tag it has."""
    changed = replace(record, changed_at=now())
    return Revision(saved=_saved(changed), documents=documents or {}, expected=record.tag)


def _saved(record: ScenarioRecord) -> Saved:
    base = record.scenario.base or ScenarioBase(plan_version="")
    return Saved(
        kind=SCENARIO,
        id=record.scenario_id,
        made_at=datetime.fromisoformat(record.changed_at),
        plan_version=base.plan_version,
        layer_versions=dict(base.layers),
        rulebook_version="",
        software=geo_service.__version__,
        recipe=record.recipe(),
    )


def find_record(opened: Workspace, scenario_id: str) -> ScenarioRecord:
    """Return a kept scenario; NotFoundError for an unknown id."""
    try:
        return record_of(opened.store.find(SCENARIO, scenario_id))
    except NotFoundError:
        raise no_such_scenario(scenario_id) from None


def no_such_scenario(scenario_id: str) -> NotFoundError:
    """Return the error of a scenario's id that is unknown."""
    return NotFoundError(said("problem.no_scenario", scenario=repr(scenario_id[:80])))


def list_records(
    opened: Workspace, *, limit: int = MOST_LISTED, offset: int = 0
) -> list[ScenarioRecord]:
    """Return kept scenarios, the one that was changed last first."""
    return [record_of(one) for one in opened.store.saved(SCENARIO, limit=limit, offset=offset)]


def drop_record(opened: Workspace, scenario_id: str, *, expected: str | None = None) -> None:
    """Drop a scenario; NotFoundError for an unknown id, StaleError if it has changed."""
    record = find_record(opened, scenario_id)
    check_tag(record, expected)
    opened.store.drop([(SCENARIO, scenario_id)])


def record_of(saved: Saved) -> ScenarioRecord:
    """Return a saved result as a scenario's record."""
    recipe = saved.recipe
    told = recipe["base"]
    base = None
    if told is not None:
        base = ScenarioBase(plan_version=told["plan_version"], layers=told["layers"])
    scenario = Scenario(
        name=recipe["name"],
        reason=recipe["reason"],
        base=base,
        edits=kept_edits(recipe["edits"]),
    )
    return ScenarioRecord(
        scenario_id=saved.id,
        scenario=scenario,
        author=recipe["author"],
        made_at=recipe["made_at"],
        changed_at=recipe["changed_at"],
        published=tuple(_publication(one) for one in recipe["published"]),
        parks=tuple(recipe["parks"]) if "parks" in recipe else None,
        tag=recipe_tag(recipe),
    )


def _publication(told: Mapping[str, Any]) -> Publication:
    edits: Sequence[Mapping[str, Any]] = told["edits"]
    return Publication(
        publication_id=told["publication_id"],
        at=told["at"],
        author=told["author"],
        edits=tuple(edits),
        layers=told["layers"],
        undone_at=told["undone_at"],
    )


def check_tag(record: ScenarioRecord, expected: str | None) -> None:
    """Raise StaleError unless a record has the expected tag; None expects any."""
    if expected is not None and expected != record.tag:
        raise StaleError(said("problem.stale", name=repr(record.scenario_id)))
