"""What edits change in layers, row by row; and layers with these changes in them.

Rows are named by their ids as `stores.difference` names them: a key of several columns is
joined by slashes. Shapes are in the storage CRS. A missing value is None.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.plan import empty_frame
from geo_service.plan_rows import frame_with_rows
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
    kept = {layer: changed_frame(plan.kept(layer), layer, one) for layer, one in touched.items()}
    frames = _placed(plan, touched, kept)
    own = {layer: kept[layer] for layer in PLACED if layer in kept}
    for layer in PLACED:  # whose place was worked out anew, though its rows are the same
        if layer in frames and layer not in own:
            own[layer] = plan.kept(layer)
    return plan.with_layers(frames, label=f"{label} {changes_digest(touched)}", kept=own)


def _placed(
    plan: Plan, touched: PlanChanges, kept: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the frames that differ, with parks and places worked out as on opening a plan."""
    frames = dict(kept)
    moving = {layer for layer, one in touched.items() if one.places}
    if moving & {_PARKS, "parcels", "buildings"}:
        every = {
            name: (kept[name] if name in kept else plan.kept(name)).copy(deep=False)
            for name in (_PARKS, *PLACED)
            if plan.has(name) or name in kept
        }
        resolve_placement(every)
        for name in PLACED:
            if name in every and (name in kept or _differ(every[name], plan.frame(name))):
                frames[name] = every[name]
        return frames
    for name in ("parcels", "buildings", _ENTERPRISES):
        if name in touched and name not in moving:
            frames[name] = changed_frame(plan.frame(name), name, touched[name])
    if _ENTERPRISES in moving:
        around = {
            name: frames.get(name, plan.frame(name))
            for name in (_PARKS, "parcels", "buildings")
            if plan.has(name)
        }
        every = {**around, _ENTERPRISES: kept[_ENTERPRISES].copy(deep=False)}
        place_enterprises(every)
        frames[_ENTERPRISES] = every[_ENTERPRISES]
    return frames


def _differ(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether parks or places of the same rows differ."""
    same = one["park_id"].fillna("").equals(other["park_id"].fillna(""))
    if not same or not isinstance(one, gpd.GeoDataFrame):
        return not same
    shapes, others = one.geometry.to_numpy(), other.geometry.to_numpy()
    missing = shapely.is_missing(shapes) & shapely.is_missing(others)
    return not bool(np.all(shapely.equals_identical(shapes, others) | missing))


def changed_frame(frame: pd.DataFrame, layer: str, changes: LayerChanges) -> pd.DataFrame:
    """Return a layer's rows with changes in them: new rows stand at the end, in order of id.

    What does not change is shared with the frame given.
    """
    if frame.empty and changes.added:
        frame = canonical(empty_frame(layer), layer)
    positions = row_positions(frame, layer)
    key = SCHEMAS[layer].key
    told = {name: row for name, row in changes.changed.items() if name in positions}
    if told:
        places = [positions[name] for name in told]
        columns = list(dict.fromkeys(name for row in told.values() for name in row))
        old = frame.iloc[places]
        rows = {name: old[name].to_numpy(object) for name in key}
        for column in columns:
            cells = zip(told.values(), old[column].array, strict=True)
            rows[column] = _objects([row.get(column, cell) for row, cell in cells])
        frame, _ = frame_with_rows(layer, frame, pd.DataFrame(rows), ())
    if not changes.added and not changes.removed:
        return frame
    whole = [name for name in frame.columns if name in SCHEMAS[layer].columns or name == GEOMETRY]
    added = [changes.added[name] for name in sorted(changes.added)]
    rows = {name: _objects([row.get(name) for row in added]) for name in whole}
    keys = frame[list(key)].to_numpy(object)
    gone = [keys[positions[name]] for name in sorted(changes.removed) if name in positions]
    removed = [tuple(one) if len(key) > 1 else one[0] for one in gone]
    return frame_with_rows(layer, frame, pd.DataFrame(rows), removed)[0]


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
