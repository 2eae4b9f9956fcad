"""A scenario becomes the plan: all layers that it touches in one step, and back the same way.

What was published is kept with the scenario, cell by cell before and after, so that it can be
undone as long as nobody has changed these cells since; everything else may have moved on.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd
import shapely

from geo_service.errors import (
    ConflictError,
    NotFoundError,
    ScenarioError,
    SourceError,
    WorkspaceError,
)
from geo_service.plan import Layer, Plan
from geo_service.planning.layers import publish_contents
from geo_service.planning.scenario_records import (
    Publication,
    ScenarioRecord,
    now,
    record_of,
    revision_of,
)
from geo_service.reports.document import dump
from geo_service.reports.scenario import history_note
from geo_service.scenarios.apply import Applied, apply_edits
from geo_service.scenarios.changes import (
    GEOMETRY,
    LayerChanges,
    PlanChanges,
    changed_frame,
    changed_plan,
    plain_cell,
)
from geo_service.scenarios.edits import edit_document
from geo_service.scenarios.expects import told_cell
from geo_service.scenarios.reading import kept_edits
from geo_service.scenarios.scenario import ScenarioBase, base_of, complete
from geo_service.scenarios.workbench import Workbench
from geo_service.schema import SCHEMAS, ColumnKind
from geo_service.stores.base import SCENARIO, VERSION_LENGTH, LayerContent, LayerVersion
from geo_service.stores.frames import content_digest
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.scenarios.edits import EditPart
    from geo_service.workspace.opening import Workspace

DONE, UNDONE = "scenario", "scenario undone"
"""How notes in the history of a layer begin."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was published, and the scenario as it stands then."""

    publication_id: str
    entries: tuple[LayerVersion, ...]
    record: ScenarioRecord


def publish_edits(
    opened: Workspace,
    record: ScenarioRecord,
    plan: Plan,
    *,
    edit_ids: Sequence[str] | None = None,
    plan_version: str | None = None,
    author: str = "",
) -> Published:
    """Publish some or all edits of a scenario, all or none.

    Parameters
    ----------
    opened
        The workspace.
    record
        The scenario; its base must be the plan of now.
    plan
        The plan of now.
    edit_ids
        The edits to publish; all that are switched on if None. The others stay in the scenario.
    plan_version
        The plan that the scenario was compared with.
    author
        Who publishes.

    Raises
    ------
    ConflictError
        The plan is another than the scenario's base, or than `plan_version`.
    ScenarioError
        The edits cannot be made, alone or without the others.
    SourceError
        The layers as they would be do not fit the others.
    """
    scenario = record.scenario
    _check_base(scenario.base, plan, plan_version)
    chosen = _chosen(scenario.edits, edit_ids)
    applied = apply_edits(plan, chosen)
    if not applied.changes:
        raise ConflictError(said("problem.nothing_to_publish"))
    publication_id = f"p{secrets.token_hex(6)}"
    note = history_note(scenario.name, record.scenario_id, scenario.reason, chosen, key=DONE)
    contents, after = _contents(opened, plan, applied.changes, note, record.scenario_id)
    publication = Publication(
        publication_id=publication_id,
        at=now(),
        author=author,
        edits=tuple(edit_document(edit) for edit in chosen),
        layers=_versions(plan, after),
    )
    left = [edit for edit in scenario.edits if edit not in chosen]
    later = _moved(plan, after, applied.changes)
    kept = replace(
        record,
        scenario=replace(scenario, edits=_seen_anew(later, left), base=base_of(later)),
        published=(*record.published, publication),
    )
    inverse = dump(_told(plan, applied))
    return _publish(
        opened, kept, publication_id, contents, {_document_name(publication_id): inverse}
    )


def undo_publication(
    opened: Workspace,
    record: ScenarioRecord,
    plan: Plan,
    *,
    publication_id: str | None = None,
    plan_version: str | None = None,
) -> Published:
    """Publish the plan as it was before a publication of a scenario, the last one if None.

    Only what it changed goes back; the edits stand in the scenario again. Raises NotFoundError
    for an unknown publication, ConflictError where it was undone or its cells were changed since.
    """
    done = _publication(record, publication_id)
    if plan_version is not None and plan_version != plan.version:
        raise ConflictError(said("problem.plan_moved", now=plan.version, expected=plan_version))
    name = _document_name(done.publication_id)
    told = orjson.loads(opened.store.document(SCENARIO, record.scenario_id, name))
    changes = _inverse(plan, told)
    scenario = record.scenario
    edits = kept_edits(done.edits)
    note = history_note(scenario.name, record.scenario_id, scenario.reason, edits, key=UNDONE)
    contents, after = _contents(opened, plan, changes, note, record.scenario_id)
    back = _moved(plan, after, changes)
    undone = replace(done, undone_at=now())
    kept = replace(
        record,
        scenario=replace(
            scenario,
            edits=_seen_anew(back, [*edits, *scenario.edits]),
            base=base_of(back),
        ),
        published=tuple(
            undone if one.publication_id == done.publication_id else one for one in record.published
        ),
    )
    return _publish(opened, kept, done.publication_id, contents, {})


def _publish(
    opened: Workspace,
    record: ScenarioRecord,
    publication_id: str,
    contents: Sequence[LayerContent],
    documents: Mapping[str, bytes],
) -> Published:
    """Publish layers and the scenario's new state in one step."""
    revision = revision_of(record, documents)
    try:
        entries = publish_contents(opened, contents, along=revision)
    except WorkspaceError as error:  # what was asked for does not fit; what there is does
        raise SourceError(error.message, error.faults) from error
    return Published(
        publication_id=publication_id, entries=tuple(entries), record=record_of(revision.saved)
    )


def _check_base(base: ScenarioBase | None, plan: Plan, plan_version: str | None) -> None:
    if plan_version is not None and plan_version != plan.version:
        raise ConflictError(said("problem.plan_moved", now=plan.version, expected=plan_version))
    differing = [] if base is None else base.differing(plan)
    if differing:
        raise ConflictError(said("problem.rebase_first", names=differing))


def _chosen(edits: Sequence[EditPart], edit_ids: Sequence[str] | None) -> list[EditPart]:
    if edit_ids is None:
        return [edit for edit in edits if edit.enabled]
    known = {edit.edit_id for edit in edits}
    lost = [name for name in edit_ids if name not in known]
    if lost:
        raise NotFoundError(said("problem.no_edit", edit=repr(lost[0][:80])))
    wanted = set(edit_ids)
    return [
        edit.model_copy(update={"enabled": True}) if edit.edit_id in wanted else edit
        for edit in edits
        if edit.edit_id in wanted
    ]


def _contents(
    opened: Workspace, plan: Plan, changes: PlanChanges, note: str, scenario_id: str
) -> tuple[list[LayerContent], dict[str, str]]:
    """Return the layers to be published, and the versions that they will have."""
    contents, after = [], {}
    for layer, one in changes.items():
        frame = changed_frame(plan.kept(layer), layer, one)
        try:
            checked = opened.checked(layer, frame)
        except WorkspaceError as error:
            raise SourceError(error.message, error.faults) from error
        after[layer] = content_digest(checked, layer)[:VERSION_LENGTH]
        before = plan.layers[layer].version if layer in plan.layers else None
        contents.append(
            LayerContent(
                layer=layer,
                frame=frame,
                expected=before,
                note=note,
                source=f"{DONE} {scenario_id}",
            )
        )
    return contents, after


def _versions(plan: Plan, after: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    before = plan.layers
    return {
        layer: {"before": before[layer].version if layer in before else None, "after": version}
        for layer, version in after.items()
    }


def _moved(plan: Plan, after: Mapping[str, str], changes: PlanChanges) -> Plan:
    """Return the plan that a publication makes, with the versions that its layers will have."""
    made = changed_plan(plan, changes, label=DONE)
    before = plan.layers
    layers = {
        # A layer that is merely placed anew has the rows, and so the version, that it had.
        name: Layer(
            name, after[name] if name in after else before[name].version, _reading(made, name)
        )
        for name in (*before, *(name for name in after if name not in before))
    }
    return Plan(layers, plan.settings, kept={name: made.kept(name) for name in layers})


def _reading(plan: Plan, name: str) -> Any:  # noqa: ANN401 - a function without arguments
    return lambda: plan.frame(name)


def _seen_anew(plan: Plan, edits: Sequence[EditPart]) -> tuple[EditPart, ...]:
    """Return edits with what they see on another plan; as they were where one cannot be made."""
    try:
        return complete(plan, edits)
    except ScenarioError:
        return tuple(edits)


def _document_name(publication_id: str) -> str:
    return f"publication.{publication_id}"


def _publication(record: ScenarioRecord, publication_id: str | None) -> Publication:
    standing = [one for one in record.published if one.undone_at is None]
    if publication_id is None:
        if not standing:
            raise ConflictError(said("problem.nothing_to_undo"))
        return standing[-1]
    for one in record.published:
        if one.publication_id == publication_id:
            if one.undone_at is not None:
                raise ConflictError(said("problem.undone_already"))
            return one
    raise NotFoundError(said("problem.no_publication", name=repr(publication_id[:80])))


# ---- cells before and after -------------------------------------------------------------------


def _told(plan: Plan, applied: Applied) -> dict[str, Any]:
    """Return what a publication changes, cell by cell, before and after."""
    old = Workbench(plan)
    return {
        layer: {
            "changed": {
                key: {
                    name: [plain_cell(old.cell(layer, key, name)), plain_cell(value)]
                    for name, value in row.items()
                }
                for key, row in one.changed.items()
            },
            "added": {
                key: {name: plain_cell(value) for name, value in row.items()}
                for key, row in one.added.items()
            },
            "removed": {
                key: {name: plain_cell(value) for name, value in old.row(layer, key).items()}
                for key in sorted(one.removed)
            },
        }
        for layer, one in applied.changes.items()
    }


def _inverse(plan: Plan, told: Mapping[str, Any]) -> dict[str, LayerChanges]:
    """Return the changes that undo a publication; ConflictError where its cells were changed."""
    bench = Workbench(plan)
    moved = sorted(_moved_on(bench, told))
    if moved:
        raise ConflictError(said("problem.changed_since", names=moved[:10]))
    return {
        layer: LayerChanges(
            changed={
                key: {name: _cell(layer, name, pair[0]) for name, pair in row.items()}
                for key, row in one["changed"].items()
            },
            added={
                key: {name: _cell(layer, name, value) for name, value in row.items()}
                for key, row in one["removed"].items()
            },
            removed=frozenset(one["added"]),
        )
        for layer, one in told.items()
    }


def _moved_on(bench: Workbench, told: Mapping[str, Any]) -> set[str]:
    """Return the features of a publication that are not as it left them."""
    found = set()
    for layer, one in told.items():
        stood = {
            key: {name: pair[1] for name, pair in row.items()}
            for key, row in one["changed"].items()
        }
        for key, row in {**stood, **one["added"]}.items():
            if not bench.has(layer, key) or any(
                not _is_as_told(bench.cell(layer, key, name), _cell(layer, name, value))
                for name, value in row.items()
            ):
                found.add(key)
        found |= {key for key in one["removed"] if bench.has(layer, key)}
    return found


def _is_as_told(found: Any, told: Any) -> bool:  # noqa: ANN401 - any cells
    return bool(told_cell(found) == told_cell(told))


def _cell(layer: str, name: str, value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return a cell as rows have it, from how `plain_cell` told it."""
    if value is None:
        return None
    if name == GEOMETRY:
        return shapely.from_wkb(value)
    if SCHEMAS[layer].field(name).kind is ColumnKind.DATE:
        return pd.Timestamp(value)
    return value
