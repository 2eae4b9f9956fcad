"""Compare two versions of a layer, feature by feature.

Features are matched by the layer's key. A shape has changed if the two do not cover the same
points: another starting vertex or direction of the same outline, or the rounding of a converted
coordinate, is not a change. How far a
shape moved is measured in the workspace's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import require_metric
from geo_service.schema import SCHEMAS, LayerSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyproj
    from numpy.typing import NDArray


SAME_DEG = 2e-9
"""Degrees by which vertices may differ that are the same: 0.2 mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeChange:
    """How a feature's shape changed, measured in the metric CRS."""

    area_before_m2: float
    area_after_m2: float
    moved_area_m2: float | None
    """Area in m² that only one of the shapes covers; None if one shape is missing."""
    hausdorff_m: float | None
    """Largest distance in m from a vertex of one to the other shape; None if one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureChange:
    """A feature that differs between the two versions."""

    id: str
    columns: dict[str, tuple[Any, Any]]
    """For each changed column, the value before and after; None for a missing value."""
    shape: ShapeChange | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The changes of a layer: added and removed rows, changed features, number unchanged."""

    layer: str
    added: pd.DataFrame
    removed: pd.DataFrame
    changed: tuple[FeatureChange, ...]
    changed_rows: pd.DataFrame
    """The changed features as in the later version, in the order of `changed`."""
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCounts:
    """How many features of a layer are added, removed, changed and unchanged."""

    added: int
    removed: int
    changed: int
    unchanged: int
    moved: int = 0
    """How many of the changed features have another shape."""
    altered: int = 0
    """How many of the changed features have other values."""
    lost_values: Mapping[str, int] = field(default_factory=dict)
    """By column, how many features that stay lose the value that they have."""

    @property
    def before(self) -> int:
        """The number of features in the earlier version."""
        return self.removed + self.changed + self.unchanged


def feature_ids(frame: pd.DataFrame, schema: LayerSchema) -> pd.Index:
    """Return the features' ids; a key of several columns is joined by slashes ("E1/2025")."""
    parts = [frame[name].astype("str") for name in schema.key]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + "/" + part
    return pd.Index(whole, dtype="object")


def find_differences(
    before: pd.DataFrame, after: pd.DataFrame, *, layer: str, metric_crs: pyproj.CRS | str
) -> Difference:
    """Return the changes from one version of a layer to another.

    Both frames are in the form of `frames.canonical`, with unique ids. Added and changed
    features are in the order of `after`, removed ones in that of `before`.
    """
    found = _compare(before, after, SCHEMAS[layer])
    old, new, rows = found.old, found.new, found.rows
    differs, shapes = found.differs, found.shapes
    measured = _measure(old, new, np.flatnonzero(shapes), metric_crs)
    ids = found.ids
    changed = tuple(
        FeatureChange(
            id=str(ids[row]),
            columns={
                name: (_cell(old[name].iloc[row]), _cell(new[name].iloc[row]))
                for name, mask in differs.items()
                if mask[row]
            },
            shape=measured.get(int(row)),
        )
        for row in rows.tolist()
    )
    return Difference(
        layer=layer,
        added=after[found.is_added].reset_index(drop=True),
        removed=before[found.is_removed].reset_index(drop=True),
        changed=changed,
        changed_rows=new.iloc[rows].reset_index(drop=True),
        unchanged=len(new) - len(rows),
    )


def count_differences(before: pd.DataFrame, after: pd.DataFrame, *, layer: str) -> ChangeCounts:
    """Return how many features `find_differences` would list, without measuring shapes.

    Both frames are in the form of `frames.canonical`, with unique ids.
    """
    if before.empty:
        return ChangeCounts(added=len(after), removed=0, changed=0, unchanged=0)
    found = _compare(before, after, SCHEMAS[layer])
    return ChangeCounts(
        added=int(found.is_added.sum()),
        removed=int(found.is_removed.sum()),
        changed=len(found.rows),
        unchanged=len(found.new) - len(found.rows),
        moved=int(found.shapes.sum()),
        altered=int(_any_of(found.differs.values(), len(found.new)).sum()),
        lost_values={
            name: lost
            for name, mask in found.differs.items()
            if mask.any() and (lost := int((mask & found.new[name].isna().to_numpy()).sum()))
        },
    )


def emptied_columns(before: pd.DataFrame, after: pd.DataFrame, *, layer: str) -> dict[str, int]:
    """Return the columns that have values in the earlier version only, with how many."""
    values = {item.name: int(before[item.name].notna().sum()) for item in SCHEMAS[layer].fields}
    return {
        name: count for name, count in values.items() if count and not after[name].notna().any()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Two versions of a layer side by side."""

    is_added: NDArray[np.bool_]
    is_removed: NDArray[np.bool_]
    old: pd.DataFrame
    """Features of both versions, in the earlier one; the rows of `new` are the same features."""
    new: pd.DataFrame
    ids: pd.Index
    differs: dict[str, NDArray[np.bool_]]
    shapes: NDArray[np.bool_]
    rows: NDArray[np.intp]
    """Flags the features that differ in anything."""


def _compare(before: pd.DataFrame, after: pd.DataFrame, schema: LayerSchema) -> _Compared:
    old_ids, new_ids = feature_ids(before, schema), feature_ids(after, schema)
    position = old_ids.get_indexer(new_ids)
    is_common = position >= 0
    old = before.iloc[position[is_common]].reset_index(drop=True)
    new = after[is_common].reset_index(drop=True)
    differs = {
        item.name: _differs(old[item.name], new[item.name])
        for item in schema.fields
        if item.name not in schema.key
    }
    shapes = _moved(old, new)
    is_changed = shapes | _any_of(differs.values(), len(new))
    return _Compared(
        is_added=~is_common,
        is_removed=~old_ids.isin(new_ids),
        old=old,
        new=new,
        ids=new_ids[is_common],
        differs=differs,
        shapes=shapes,
        rows=np.flatnonzero(is_changed),
    )


def _any_of(masks: Iterable[NDArray[np.bool_]], size: int) -> NDArray[np.bool_]:
    """Return where any of several masks of a size is set."""
    found = np.zeros(size, dtype=bool)
    for mask in masks:
        found |= mask
    return found


def _differs(old: pd.Series[Any], new: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return where cells differ; two missing values are equal."""
    missing = old.isna().to_numpy(), new.isna().to_numpy()
    same = (old.astype("object") == new.astype("object")).to_numpy(dtype=bool, na_value=False)
    differs: NDArray[np.bool_] = ~(same | (missing[0] & missing[1]))
    return differs


def _moved(old: pd.DataFrame, new: pd.DataFrame) -> NDArray[np.bool_]:
    """Return where shapes do not cover the same points."""
    if not isinstance(old, gpd.GeoDataFrame) or not isinstance(new, gpd.GeoDataFrame):
        return np.zeros(len(new), dtype=bool)
    return ~are_same_shapes(old.geometry.to_numpy(), new.geometry.to_numpy())


def are_same_shapes(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return where two arrays of shapes in degrees cover the same points; None is as None.

    Vertices less than 0.2 mm apart are the same: coordinates that were converted to another CRS
    and back differ by less.
    """
    is_missing = shapely.is_missing(one), shapely.is_missing(other)
    same: NDArray[np.bool_] = shapely.equals_identical(one, other) | (is_missing[0] & is_missing[1])
    for is_same in (_nearly_equal, _nearly_equal_anyhow, shapely.equals):
        doubtful = np.flatnonzero(~same & ~is_missing[0] & ~is_missing[1])
        if not len(doubtful):
            break
        same[doubtful] = is_same(one[doubtful], other[doubtful])
    return same


def _nearly_equal(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = shapely.equals_exact(one, other, tolerance=SAME_DEG)
    return found


def _nearly_equal_anyhow(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return where shapes are nearly equal whatever vertex they begin with."""
    return _nearly_equal(shapely.normalize(one), shapely.normalize(other))


def _measure(
    old: pd.DataFrame, new: pd.DataFrame, rows: NDArray[np.intp], metric_crs: pyproj.CRS | str
) -> dict[int, ShapeChange]:
    if not len(rows) or not isinstance(old, gpd.GeoDataFrame):
        return {}
    metric = [
        gpd.GeoSeries(frame.geometry.iloc[rows], crs=frame.crs).to_crs(metric_crs)
        for frame in (old, gpd.GeoDataFrame(new))
    ]
    require_metric(*metric)
    one, other = (series.to_numpy() for series in metric)
    areas = [np.nan_to_num(shapely.area(shapes)) for shapes in (one, other)]
    moved = shapely.area(shapely.symmetric_difference(one, other))
    hausdorff = shapely.hausdorff_distance(one, other)
    return {
        int(row): ShapeChange(
            area_before_m2=float(areas[0][position]),
            area_after_m2=float(areas[1][position]),
            moved_area_m2=_number(moved[position]),
            hausdorff_m=_number(hausdorff[position]),
        )
        for position, row in enumerate(rows)
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _cell(value: Any) -> Any:  # noqa: ANN401 - any cell
    return None if pd.isna(value) else value
