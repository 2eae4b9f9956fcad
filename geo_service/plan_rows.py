"""Make a layer's frame from another with some rows replaced, added or removed.

Rows are found by the layer's key. What does not change is shared: whole columns, and the shapes
of the other rows. Plans are in `plan`; nothing here checks rows against a layer's schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import require_metric
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_ROWS = "rows"
"""The parameter that faults of given rows name."""


@dataclass(frozen=True)
class RowChange:
    """What differs between two frames of one layer, row by row.

    `before` and `after` hold positions in the frames; a row that was removed is in `before`
    alone, one that was added in `after` alone. `columns` are those in which a row that stays
    differs; `None` if any may.
    """

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    columns: frozenset[str] | None

    def touches(self, columns: Iterable[str] | None) -> bool:
        """Return whether one of these columns differs (None stands for all of them)."""
        if columns is None or self.columns is None:
            return bool(len(self.before) or len(self.after))
        return not self.columns.isdisjoint(columns)


def key_values(name: str, frame: pd.DataFrame) -> pd.Index:
    """Return each row's key: one value, or several as a tuple."""
    key = list(SCHEMAS[name].key)
    if len(key) == 1:
        only: pd.Index = pd.Index(frame[key[0]].astype("object"))
        return only
    return pd.MultiIndex.from_frame(frame[key].astype("object"))


def frame_with_rows(
    name: str, frame: pd.DataFrame, rows: pd.DataFrame, removed: Sequence[Any]
) -> tuple[pd.DataFrame, RowChange]:
    """Return a layer's frame with rows replaced or added, others removed, and what that changed.

    Parameters
    ----------
    name, frame
        The layer and its frame, in the storage CRS.
    rows
        The rows to set, with the columns of the layer's key and those that change. Where a row
        is new, columns that are not given are missing values. New rows follow the others.
    removed
        Keys of rows to leave out.

    Raises
    ------
    InvalidQueryError
        A column is unknown, or a key is given twice.
    NotFoundError
        A key to remove does not exist.
    """
    keys = key_values(name, frame)
    given = _given(name, frame, rows)
    mine = key_values(name, given)
    if not mine.is_unique:
        twice = repr(mine[mine.duplicated()][0])
        raise InvalidQueryError(_ROWS, said("problem.row_twice", layer=repr(name), row=twice))
    place = keys.get_indexer(mine)
    return frame_with_rows_at(frame, given, place, _positions(name, keys, removed))


def frame_with_rows_at(
    frame: pd.DataFrame, given: pd.DataFrame, place: NDArray[np.intp], lost: NDArray[np.intp]
) -> tuple[pd.DataFrame, RowChange]:
    """Return what `frame_with_rows` does, of rows whose places in the frame are known.

    `place` has -1 for a row that is new, `lost` the places of rows to leave out.
    """
    is_known = place >= 0
    changed, columns = _replaced(frame, given[is_known], place[is_known])
    before = place[is_known]
    if is_known.all() and not len(lost):
        return changed, RowChange(before, before, columns)
    keep = np.ones(len(frame), dtype=bool)
    keep[lost] = False
    whole = _joined(changed[keep], given[~is_known])
    moved = np.cumsum(keep) - 1
    stays = before[keep[before]]
    after = np.concatenate([moved[stays], np.arange(int(keep.sum()), len(whole))])
    return whole, RowChange(np.union1d(before, lost), after.astype(np.intp), None)


def project_rows(
    metric: gpd.GeoDataFrame, frame: gpd.GeoDataFrame, change: RowChange, *, count_before: int
) -> gpd.GeoDataFrame:
    """Return a changed frame in the metric CRS, given the unchanged one in it.

    Only rows that changed are projected; the shapes of all others are those of `metric`.
    """
    shapes = np.empty(len(frame), dtype=object)
    is_old = np.ones(count_before, dtype=bool)
    is_old[change.before] = False
    is_new = np.zeros(len(frame), dtype=bool)
    is_new[change.after] = True
    shapes[~is_new] = metric.geometry.to_numpy()[is_old]
    chosen = gpd.GeoSeries(frame.geometry.to_numpy()[change.after], crs=frame.crs)
    shapes[change.after] = chosen.to_crs(require_metric(metric)).to_numpy()
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=metric.crs))


def _given(name: str, frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    unknown = [column for column in rows.columns if column not in frame.columns]
    lacking = [column for column in SCHEMAS[name].key if column not in rows.columns]
    for column in (*unknown, *lacking):
        raise InvalidQueryError(
            _ROWS, said("problem.no_column", layer=repr(name), name=repr(column))
        )
    return pd.DataFrame(rows).reset_index(drop=True)


def _positions(name: str, keys: pd.Index, removed: Sequence[Any]) -> NDArray[np.intp]:
    wanted = list(removed)
    if not wanted:
        return np.zeros(0, dtype=np.intp)
    asked = (
        pd.MultiIndex.from_tuples(wanted) if keys.nlevels > 1 else pd.Index(wanted, dtype=object)
    )
    place = keys.get_indexer(asked)
    for key, position in zip(wanted, place, strict=True):
        if position < 0:
            raise NotFoundError(said("problem.no_row", layer=repr(name), row=repr(key)))
    return np.asarray(place, dtype=np.intp)


def _replaced(
    frame: pd.DataFrame, rows: pd.DataFrame, place: NDArray[np.intp]
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Return a frame with cells replaced, and the columns in which anything differs."""
    changed = frame.copy(deep=False)
    columns = set()
    for column in rows.columns:
        old = frame[column].iloc[place]
        if isinstance(frame, gpd.GeoDataFrame) and column == frame.geometry.name:
            new = np.asarray(rows[column], dtype=object)
            if bool(np.all(_same_shapes(np.asarray(old, dtype=object), new))):
                continue
            shapes = frame.geometry.to_numpy().copy()
            shapes[place] = new
            moved = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)
            changed = gpd.GeoDataFrame(changed).set_geometry(moved)
        else:
            cells = pd.Series(rows[column].array, dtype=frame[column].dtype)
            if cells.equals(old.reset_index(drop=True)):
                continue
            values = frame[column].array.copy()
            values[place] = cells.array
            changed[column] = pd.Series(values, index=frame.index)
        columns.add(str(column))
    return changed, frozenset(columns)


def _same_shapes(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return where shapes are the same to the last digit, or both missing."""
    both_missing = shapely.is_missing(one) & shapely.is_missing(other)
    return np.asarray(both_missing | shapely.equals_identical(one, other), dtype=bool)


def _joined(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with new rows at its end, in its own types."""
    if rows.empty:
        return frame.reset_index(drop=True)
    columns: dict[str, Any] = {}
    for column in frame.columns:
        old = frame[column]
        cells = rows[column].array if column in rows else [None] * len(rows)
        if isinstance(frame, gpd.GeoDataFrame) and column == frame.geometry.name:
            shapes = np.concatenate([old.to_numpy(), np.asarray(cells, dtype=object)])
            columns[column] = gpd.GeoSeries(shapes, crs=frame.crs)
        else:
            new = pd.Series(cells, dtype=old.dtype)
            columns[column] = pd.concat([old, new], ignore_index=True)
    if isinstance(frame, gpd.GeoDataFrame):
        return gpd.GeoDataFrame(columns, geometry=frame.geometry.name, crs=frame.crs)
    return pd.DataFrame(columns)


def compare_frames(name: str, before: pd.DataFrame, after: pd.DataFrame) -> RowChange | None:
    """Return what differs between two frames of one layer; None if rows are not comparable.

    They are not if a key is doubled, columns or their types differ, or rows stand in another
    order.
    """
    none = np.zeros(0, dtype=np.intp)
    if before is after:
        return RowChange(none, none, frozenset())
    if list(before.dtypes.items()) != list(after.dtypes.items()):
        return None
    keys, others = key_values(name, before), key_values(name, after)
    if len(keys) == len(others) and keys.equals(others):
        old = new = np.arange(len(before))
    elif keys.is_unique and others.is_unique:
        place = keys.get_indexer(others)
        new = np.flatnonzero(place >= 0)
        old = place[new]
        if (np.diff(old) <= 0).any():
            return None
    else:
        return None
    columns, differs = _differences(before, after, old, new)
    gone, came = np.ones(len(before), dtype=bool), np.ones(len(after), dtype=bool)
    gone[old[~differs]] = False
    came[new[~differs]] = False
    is_same_rows = len(old) == len(before) == len(after)
    return RowChange(
        np.flatnonzero(gone), np.flatnonzero(came), frozenset(columns) if is_same_rows else None
    )


def _differences(
    before: pd.DataFrame, after: pd.DataFrame, old: NDArray[np.intp], new: NDArray[np.intp]
) -> tuple[set[str], NDArray[np.bool_]]:
    """Return the columns that differ, and which of the paired rows do."""
    is_whole = len(old) == len(before) and len(new) == len(after)
    columns, differs = set(), np.zeros(len(old), dtype=bool)
    for column in before.columns:
        one, other = before[column], after[column]
        if is_whole and one.array is other.array:
            continue
        if isinstance(before, gpd.GeoDataFrame) and column == before.geometry.name:
            own = _unlike_shapes(one.to_numpy()[old], other.to_numpy()[new])
        else:
            own = (
                _unlike(one.array, other.array)
                if is_whole
                else _unlike(one.iloc[old].array, other.iloc[new].array)
            )
        if own.any():
            columns.add(str(column))
            differs |= own
    return columns, differs


def _unlike(one: Any, other: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - arrays of any type
    first, second = pd.Series(one), pd.Series(other)
    if first.equals(second):
        return np.zeros(len(first), dtype=bool)
    is_equal = (first == second).fillna(value=False).to_numpy(dtype=bool)
    both_missing = first.isna().to_numpy(dtype=bool) & second.isna().to_numpy(dtype=bool)
    return np.asarray(~(is_equal | both_missing), dtype=bool)


def _is_same_object(one: object, other: object) -> bool:
    return one is other


_same_objects = np.frompyfunc(_is_same_object, 2, 1)


def _unlike_shapes(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return where shapes differ; only those that are not the same object are compared."""
    differs = ~np.asarray(_same_objects(one, other), dtype=bool)
    doubtful = np.flatnonzero(differs)
    differs[doubtful] = ~_same_shapes(one[doubtful], other[doubtful])
    return np.asarray(differs, dtype=bool)
