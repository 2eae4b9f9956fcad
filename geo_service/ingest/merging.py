"""Settle what only the whole layer shows: repeated ids, and references to missing features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.domain.references import known_values, target_of
from geo_service.ingest.conversion import known_references
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.shapes import CHANGED, SAME_AREA, STATED_AREAS, area_m2
from geo_service.model import Message
from geo_service.schema import LayerSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan


@dataclass
class Whole:
    """All good rows of an import and their numbers in the source."""

    frame: pd.DataFrame
    numbers: NDArray[np.int64]
    schema: LayerSchema
    ledger: Ledger
    measured: tuple[str, ...] = ()
    """Columns measured from the shapes, which change with them."""

    def select(self, good: NDArray[np.bool_]) -> None:
        """Drop the rows that are not good."""
        if not good.all():
            self.frame = self.frame[good].reset_index(drop=True)
            self.numbers = self.numbers[good]

    def refuse(self, position: int, reason: Message, column: str) -> None:
        """Record the refusal of one row."""
        feature = self.frame[self.schema.key[0]].iloc[position]
        shape = None
        if isinstance(self.frame, gpd.GeoDataFrame):
            shape = self.frame.geometry.iloc[position]
        self.ledger.refuse(int(self.numbers[position]), feature, reason, column=column, shape=shape)


def settle_repeated_ids(whole: Whole) -> bool:
    """Merge rows with the same id that are one feature; refuse those that disagree.

    Identical rows become one row; rows that differ only in their shape become parts of one
    feature. Returns whether shapes were merged, so that areas must be measured again.
    """
    key = list(whole.schema.key)
    twice = whole.frame.duplicated(key, keep=False).to_numpy()
    if not twice.any():
        return False
    good = np.ones(len(whole.frame), dtype=bool)
    has_shapes = isinstance(whole.frame, gpd.GeoDataFrame)
    shapes = whole.frame.geometry.to_numpy().copy() if has_shapes else None
    compared = [name for name in whole.schema.columns if name not in whole.measured]
    some = whole.frame.loc[twice, compared].reset_index(drop=True)
    digests = pd.util.hash_pandas_object(some.astype("object").fillna("").astype(str), index=False)
    positions = np.flatnonzero(twice)
    is_merged = False
    groups: Any = some.groupby(key, sort=False).indices
    for local in groups.values():
        repeated = positions[np.sort(np.asarray(local))]
        rows = whole.numbers[repeated]
        if len(set(digests.iloc[local])) > 1:
            listed = ", ".join(map(str, rows[:10].tolist()))
            for position in repeated:
                message = Message("import.repeated_id", {"rows": listed})
                whole.refuse(int(position), message, "+".join(key))
            good[repeated] = False
            continue
        parts = None if shapes is None else shapes[repeated]
        merged = None if parts is None else _merge(parts)
        feature = whole.frame[key[0]].iloc[repeated[0]]
        what = "same_row"
        if merged is not None and shapes is not None:
            shapes[repeated[0]] = merged
            is_merged, what = True, "merged"
        before = ", ".join(map(str, rows[:10].tolist()))
        whole.ledger.repair(
            what,
            rows[:1],
            [feature],
            [before],
            [str(rows[0])],
            column="+".join(key),
            needs_look=[
                merged is not None
                and (_overlap(parts, merged) or _contradicts(whole, int(repeated[0]), merged))
            ],
        )
        good[repeated[1:]] = False
    if is_merged and shapes is not None:
        frame: Any = whole.frame  # it has geometry if shapes are given
        whole.frame = frame.set_geometry(
            gpd.GeoSeries(shapes, index=whole.frame.index, crs=whole.frame.crs)
        )
    whole.select(good)
    return is_merged


def _merge(shapes: NDArray[np.object_]) -> Any:  # noqa: ANN401 - a shape, or None when all are the same
    there = shapes[~shapely.is_missing(shapes)]
    if not len(there) or all(shapely.equals_exact(there, there[0], normalize=True)):
        return None
    return shapely.union_all(there)


def _overlap(parts: NDArray[np.object_] | None, merged: BaseGeometry) -> bool:
    """Return whether shapes cover clearly less together than one by one."""
    if parts is None:
        return False
    each = float(shapely.area(parts[~shapely.is_missing(parts)]).sum())
    return each - merged.area > CHANGED * each


def _contradicts(whole: Whole, position: int, merged: BaseGeometry) -> bool:
    """Return whether the area that the rows state, each for itself, is not that of all parts."""
    for name, size in STATED_AREAS.items():
        if name in whole.frame.columns and name not in whole.measured:
            stated_m2 = float(whole.frame[name].iloc[position]) * size
            return abs(area_m2(merged) - stated_m2) > SAME_AREA * stated_m2
    return False


def _texts(cells: pd.Series[Any]) -> list[str | None]:
    """Return cells as plain texts; None where a value is missing."""
    missing = cells.isna().tolist()
    return [None if gone else str(cell) for cell, gone in zip(cells.tolist(), missing, strict=True)]


def settle_references(whole: Whole, plan: Plan, *, beside: pd.DataFrame | None = None) -> None:
    """Refuse rows that refer to features in neither the plan nor the new layer.

    `beside` are the published rows that stay in the layer with those of a part file.
    """
    known = known_references(whole.schema, plan)
    while True:
        bad = np.zeros(len(whole.frame), dtype=bool)
        for item in whole.schema.fields:
            target, _ = target_of(item) or ("", "")
            if not target:
                continue
            if target == whole.schema.name:
                own = known_values(whole.schema.name, item, whole.frame)
                values = frozenset(own.astype(str))
                if beside is not None:
                    values |= frozenset(known_values(whole.schema.name, item, beside).astype(str))
            elif item.name in known:
                values = known[item.name]
            else:
                continue
            cells = whole.frame[item.name]
            # With a set: `isin` would copy a million ids into a list first, column after column.
            lost = np.fromiter(
                (text is not None and text not in values for text in _texts(cells)), bool
            )
            for position in np.flatnonzero(lost & ~bad):
                named = {"found": str(cells.iloc[position]), "column": item.name, "layer": target}
                whole.refuse(int(position), Message("import.no_reference", named), item.name)
            bad |= lost
        if not bad.any():
            return
        whole.select(~bad)
