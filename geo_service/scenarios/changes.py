"""What edits change in layers, row by row; and layers with these changes in them.

Rows are named by their ids as `stores.difference` names them: a key of several columns is
joined by slashes. Shapes are in the storage CRS. A missing value is None.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.plan import empty_frame
from geo_service.plan_rows import RowChange, compare_frames, frame_with_rows_at
from geo_service.schema import SCHEMAS
from geo_service.stores.frames import canonical
from geo_service.workspace.placing import PLACED, place_enterprises, resolve_placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan

GEOMETRY = "geometry"
Row = Mapping[str, Any]
_NOTHING: Mapping[str, Row] = MappingProxyType({})
_PARKS, _ENTERPRISES = "parks", "enterprises"
_PLACING = frozenset({"park_id", "parcel_id", "building_id", GEOMETRY})
"""Columns that decide where something is."""


@dataclass(frozen=True, slots=True)
class LayerChanges:
    """What changes in one layer: cells of rows, rows that come, rows that go."""

    changed: Mapping[str, Row] = field(default_factory=lambda: _NOTHING)
    added: Mapping[str, Row] = field(default_factory=lambda: _NOTHING)
    removed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Return whether anything changes."""
        return bool(self.changed or self.added or self.removed)

    @property
    def places(self) -> bool:
        """Whether something may lie elsewhere afterwards."""
        is_moved = any(_PLACING & set(values) for values in self.changed.values())
        return is_moved or bool(self.added or self.removed)


PlanChanges = Mapping[str, LayerChanges]
"""What changes, by layer."""


def changes_digest(changes: PlanChanges) -> str:
    """Return what tells these changes from others, whatever order they were made in."""
    plain = {
        layer: {
            "changed": {key: _plain_row(row) for key, row in sorted(one.changed.items())},
            "added": {key: _plain_row(row) for key, row in sorted(one.added.items())},
            "removed": sorted(one.removed),
        }
        for layer, one in sorted(changes.items())
        if one
    }
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain_row(row: Row) -> dict[str, Any]:
    return {name: plain_cell(value) for name, value in row.items()}


def plain_cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return a cell as a JSON value: a day as its text, a shape as its bytes in digits."""
    if isinstance(value, BaseGeometry):
        return shapely.to_wkb(value, hex=True, byte_order=1)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value


def shape_digest(shape: BaseGeometry | None) -> str | None:
    """Return what tells a shape from others, whatever vertex it begins with; None for none."""
    if shape is None:
        return None
    same = shapely.to_wkb(shapely.normalize(shape), byte_order=1)
    return f"sha256:{hashlib.sha256(same).hexdigest()[:16]}"


def changed_plan(plan: Plan, changes: PlanChanges, *, label: str) -> Plan:
    """Return a plan with changes in it; layers that nothing changes are shared with this one."""
    touched = {layer: one for layer, one in changes.items() if one}
    if not touched:
        return plan
    made = {layer: _changed(plan.kept(layer), layer, one) for layer, one in touched.items()}
    kept = {layer: frame for layer, (frame, _) in made.items()}
    frames, rows = _placed(plan, touched, made)
    own = {
        # A layer may be placed anew though its rows are the same.
        layer: kept.get(layer, plan.kept(layer) if plan.has(layer) else frames[layer])
        for layer in PLACED
        if layer in frames
    }
    name = f"{label} {changes_digest(touched)}"
    return plan.with_layers(frames, label=name, changes=rows, kept=own)


Frames = dict[str, "pd.DataFrame"]
RowChanges = dict[str, RowChange]


def _placed(
    plan: Plan, touched: PlanChanges, made: Mapping[str, tuple[pd.DataFrame, RowChange]]
) -> tuple[Frames, RowChanges]:
    """Return the frames that differ, with parks and places worked out as on opening a plan."""
    frames = {layer: frame for layer, (frame, _) in made.items()}
    rows = {layer: change for layer, (_, change) in made.items()}
    moving = {layer for layer, one in touched.items() if one.places}
    if moving & {_PARKS, "parcels", "buildings"}:
        every = {
            name: frames.get(name, plan.kept(name)).copy(deep=False)
            for name in (_PARKS, *PLACED)
            if plan.has(name) or name in frames
        }
        resolve_placement(every)
        for name in PLACED:
            if name not in every:
                continue
            change = compare_frames(name, plan.frame(name), every[name])
            if name in touched or change is None or change.touches(None):
                frames[name] = every[name]
                rows.pop(name, None)
                rows |= {} if change is None else {name: change}
        return frames, rows
    for name in PLACED:
        if name in touched and name not in moving:
            frames[name], rows[name] = _changed(plan.frame(name), name, touched[name])
    if _ENTERPRISES in moving:
        around = {
            name: frames.get(name, plan.frame(name))
            for name in (_PARKS, "parcels", "buildings")
            if plan.has(name)
        }
        every = {**around, _ENTERPRISES: frames[_ENTERPRISES].copy(deep=False)}
        place_enterprises(every)
        frames[_ENTERPRISES] = every[_ENTERPRISES]
        columns = rows[_ENTERPRISES].columns
        worked_out = None if columns is None else columns | {"park_id", GEOMETRY}
        rows[_ENTERPRISES] = replace(rows[_ENTERPRISES], columns=worked_out)
    return frames, rows


def changed_frame(frame: pd.DataFrame, layer: str, changes: LayerChanges) -> pd.DataFrame:
    """Return a layer's rows with changes in them: new rows stand at the end, in order of id.

    What does not change is shared with the frame given.
    """
    return _changed(frame, layer, changes)[0]


def _changed(
    frame: pd.DataFrame, layer: str, changes: LayerChanges
) -> tuple[pd.DataFrame, RowChange]:
    """Return rows with changes in them, and which rows these are."""
    if frame.empty and changes.added:
        frame = canonical(empty_frame(layer), layer)
    positions = row_positions(frame, layer)
    told = {positions[key]: row for key, row in changes.changed.items() if key in positions}
    places, nowhere = np.array(sorted(told), dtype=np.intp), np.zeros(0, dtype=np.intp)
    columns = list(dict.fromkeys(name for row in told.values() for name in row))
    rows = {}
    for column in columns:
        old = frame[column].iloc[places].array
        cells = zip(places.tolist(), old, strict=True)
        rows[column] = _objects([told[at].get(column, cell) for at, cell in cells])
    whole, change = frame_with_rows_at(frame, pd.DataFrame(rows), places, nowhere)
    lost = np.array(
        sorted(positions[key] for key in changes.removed if key in positions), dtype=np.intp
    )
    if not changes.added and not len(lost):
        return whole, change
    new = [changes.added[key] for key in sorted(changes.added)]
    names = [name for name in frame.columns if name in SCHEMAS[layer].columns or name == GEOMETRY]
    added = pd.DataFrame({name: _objects([row.get(name) for row in new]) for name in names})
    whole, come = frame_with_rows_at(whole, added, np.full(len(new), -1, dtype=np.intp), lost)
    keep = np.ones(len(frame), dtype=bool)
    keep[lost] = False
    moved = (np.cumsum(keep) - 1)[places[keep[places]]]
    before = np.union1d(places, lost).astype(np.intp)
    return whole, RowChange(before, np.concatenate([moved, come.after]).astype(np.intp), None)


def _objects(values: list[Any]) -> NDArray[np.object_]:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def row_positions(frame: pd.DataFrame, layer: str) -> dict[str, int]:
    """Return where each row stands, by its id."""
    schema = SCHEMAS[layer]
    first, *rest = (frame[name].tolist() for name in schema.key)
    if not rest:
        return {str(key): position for position, key in enumerate(first)}
    return {
        "/".join((str(key), *(str(part) for part in others))): position
        for position, (key, *others) in enumerate(zip(first, *rest, strict=True))
    }
