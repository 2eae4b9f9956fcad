"""Changes of a scenario besides what its edits do: names, order, which edits count, and why."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from geo_service.access import acting_name
from geo_service.errors import ConflictError
from geo_service.scenarios.edits import edit_document
from geo_service.scenarios.reading import edits_of, scenario_of
from geo_service.scenarios.scenario import stamped
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.scenarios.edits import EditPart
    from geo_service.scenarios.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class ScenarioPatch:
    """What changes of a scenario besides its edits; None stays as it is."""

    name: str | None = None
    reason: str | None = None
    order: Sequence[str] | None = None
    """All edits' ids in their new order."""
    enabled: Mapping[str, bool] | None = None
    reasons: Mapping[str, str] | None = None
    """By edit id its new reason."""


def patched(scenario: Scenario, patch: ScenarioPatch) -> Scenario:
    """Return a scenario, which has its base plan, changed as a patch says."""
    told = scenario_of(
        {
            "name": scenario.name if patch.name is None else patch.name,
            "reason": scenario.reason if patch.reason is None else patch.reason,
        }
    )
    edits = list(scenario.edits)
    for edit_id in (*(patch.enabled or ()), *(patch.reasons or ()), *(patch.order or ())):
        scenario.position(edit_id)
    if patch.order is not None:
        if sorted(patch.order) != sorted(edit.edit_id or "" for edit in edits):
            raise ConflictError(said("problem.every_edit_once"))
        edits = [edits[scenario.position(edit_id)] for edit_id in patch.order]
    edits = [_altered(edit, patch) for edit in edits]
    return replace(scenario, name=told.name, reason=told.reason).with_edits(edits)


def _altered(edit: EditPart, patch: ScenarioPatch) -> EditPart:
    more: dict[str, Any] = {}
    enabled, reasons = patch.enabled or {}, patch.reasons or {}
    edit_id = edit.edit_id or ""
    if edit_id in enabled:
        more["enabled"] = enabled[edit_id]
    if edit_id in reasons:
        told = {**edit_document(edit), "reason": reasons[edit_id]}
        more["reason"] = edits_of([told])[0].reason
    return edit.model_copy(update=more) if more else edit


def with_random_ids(edits: Sequence[EditPart], taken: Sequence[str]) -> list[EditPart]:
    """Return edits with ids that no other edit can have, where they have none."""
    known = set(taken)
    found = []
    for edit in edits:
        if edit.edit_id is None:
            edit_id = f"e{secrets.token_hex(5)}"
            known.add(edit_id)
            found.append(edit.model_copy(update={"edit_id": edit_id}))
        else:
            found.append(edit)
    return stamped(found, at=datetime.now(UTC), taken=list(known))


def by_account(edits: Sequence[EditPart]) -> tuple[EditPart, ...]:
    """Return edits as the account's that makes them; without one their authors stay."""
    name = acting_name()
    return tuple(one.model_copy(update={"author": name}) if name else one for one in edits)
