"""A plan under work: rows as edits have left them so far, and what each edit saw and changed.

Nothing is copied: a row is read from the plan until an edit changes it. Rows are those that the
workspace keeps; where a park or a place is worked out, the worked-out one can be asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import geopandas as gpd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.crs import STORAGE_CRS
from geo_service.domain.enterprises import latest_year
from geo_service.domain.references import known_values, target_of
from geo_service.scenarios.changes import GEOMETRY, LayerChanges, row_positions
from geo_service.schema import SCHEMAS
from geo_service.workspace.reading import python_cell

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.plan import Plan

Key = tuple[str, str]
"""A layer and the id of a row."""


@dataclass(frozen=True, slots=True)
class SeenCell:
    """A value that an edit found where it puts another."""

    layer: str
    key: str
    column: str
    value: Any


class _Index:
    """Where a plan's rows stand; made once for each plan, however many scenarios look at it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._positions: dict[str, dict[str, int]] = {}
        self._groups: dict[tuple[str, str], dict[Any, list[str]]] = {}
        self._known: dict[tuple[str, str], frozenset[Any]] = {}

    def positions(self, layer: str) -> dict[str, int]:
        if layer not in self._positions:
            self._positions[layer] = row_positions(self._plan.kept(layer), layer)
        return self._positions[layer]

    def groups(self, layer: str, column: str) -> dict[Any, list[str]]:
        """Return the ids of rows by a column's value, as the plan has it worked out."""
        if (layer, column) not in self._groups:
            found: dict[Any, list[str]] = defaultdict(list)
            cells = self._plan.frame(layer)[column].tolist()
            for key, cell in zip(self.positions(layer), cells, strict=True):
                found[cell].append(key)
            self._groups[layer, column] = dict(found)
        return self._groups[layer, column]

    def known(self, layer: str, column: str) -> frozenset[Any]:
        """Return the values that a column which refers to a layer may have."""
        if (layer, column) not in self._known:
            item = SCHEMAS[layer].field(column)
            target = target_of(item)
            assert target is not None  # noqa: S101 - only asked of such columns
            values = known_values(layer, item, self._plan.kept(target[0]))
            self._known[layer, column] = frozenset(values)
        return self._known[layer, column]

    @cached_property
    def latest(self) -> dict[str, str]:
        """The row of each enterprise's latest year, by its id."""
        frame = self._plan.kept("enterprises")
        best: dict[str, tuple[int, str]] = {}
        pairs = zip(frame["enterprise_id"].tolist(), frame["year"].tolist(), strict=True)
        for identity, year in pairs:
            if identity not in best or year > best[identity][0]:
                best[identity] = (year, f"{identity}/{year}")
        return {identity: key for identity, (_, key) in best.items()}

    @cached_property
    def county(self) -> BaseGeometry | None:
        """The county's ground, prepared to be asked often; None without a layer of it."""
        frame = self._plan.frame("county")
        if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
            return None
        whole = shapely.union_all(frame.geometry.to_numpy())
        shapely.prepare(whole)
        return whole


_indexes: WeakKeyDictionary[Plan, _Index] = WeakKeyDictionary()


def _index_of(plan: Plan) -> _Index:
    if plan not in _indexes:
        _indexes[plan] = _Index(plan)
    return _indexes[plan]


class Workbench:
    """Rows of a plan as edits leave them. One thread works at one bench."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._index = _index_of(plan)
        self._changed: dict[str, dict[str, dict[str, Any]]] = {}
        self._added: dict[str, dict[str, dict[str, Any]]] = {}
        self._removed: dict[str, set[str]] = {}
        self.seen: list[SeenCell] = []
        """What the edit at work has found where it put something else."""

    def fork(self) -> Workbench:
        """Return a bench in the same state, on which an edit can be tried."""
        other = Workbench(self.plan)
        other._changed = {
            layer: {key: dict(row) for key, row in rows.items()}
            for layer, rows in self._changed.items()
        }
        other._added = {
            layer: {key: dict(row) for key, row in rows.items()}
            for layer, rows in self._added.items()
        }
        other._removed = {layer: set(keys) for layer, keys in self._removed.items()}
        return other

    # ---- reading ------------------------------------------------------------------------------

    def has(self, layer: str, key: str) -> bool:
        """Return whether there is such a row."""
        if key in self._added.get(layer, ()):
            return True
        return key in self._index.positions(layer) and key not in self._removed.get(layer, ())

    def cell(self, layer: str, key: str, column: str) -> Any:  # noqa: ANN401 - any cell
        """Return a value of a row as it is kept, None where it is missing."""
        return self._cell(layer, key, column, self.plan.kept(layer))

    def worked_out(self, layer: str, key: str, column: str) -> Any:  # noqa: ANN401 - any cell
        """Return a value of a row as the plan has it, which may have been worked out."""
        return self._cell(layer, key, column, self.plan.frame(layer))

    def _cell(self, layer: str, key: str, column: str, frame: pd.DataFrame) -> Any:  # noqa: ANN401
        added = self._added.get(layer, {}).get(key)
        if added is not None:
            return added.get(column)
        changed = self._changed.get(layer, {}).get(key, {})
        if column in changed:
            return changed[column]
        return python_cell(frame[column].array[self._index.positions(layer)[key]])

    def row(self, layer: str, key: str) -> dict[str, Any]:
        """Return all columns of a row as they are kept, its shape too."""
        names = (*SCHEMAS[layer].columns, *((GEOMETRY,) if SCHEMAS[layer].geometry else ()))
        return {name: self.cell(layer, key, name) for name in names}

    def metric_shape(self, layer: str, key: str) -> BaseGeometry | None:
        """Return the shape of a row, as the plan has it, in the metric CRS."""
        return self.to_metric(self.worked_out(layer, key, GEOMETRY))

    def to_metric(self, shape: BaseGeometry | None) -> BaseGeometry | None:
        """Return a shape in the metric CRS."""
        if shape is None:
            return None
        moved = gpd.GeoSeries([shape], crs=STORAGE_CRS).to_crs(self.plan.metric_crs)
        return moved.iloc[0]

    def keys_of(self, layer: str, column: str, value: object) -> list[str]:
        """Return the rows with a value in a column, as the plan has it worked out, in order."""
        found = [
            key
            for key in self._index.groups(layer, column).get(value, ())
            if key not in self._removed.get(layer, ())
            and column not in self._changed.get(layer, {}).get(key, {})
        ]
        found += [
            key
            for key, row in self._changed.get(layer, {}).items()
            if row.get(column) == value and column in row
        ]
        added = self._added.get(layer, {})
        found += [key for key in added if added[key].get(column) == value]
        return sorted(found)

    def latest(self, enterprise_id: str) -> str | None:
        """Return the row of an enterprise's latest year; None if there is no such enterprise."""
        added = [
            key
            for key, row in self._added.get("enterprises", {}).items()
            if row["enterprise_id"] == enterprise_id
        ]
        known = self._index.latest.get(enterprise_id)
        rows = [*added, *([known] if known is not None else [])]
        return max(rows, key=lambda key: int(key.rpartition("/")[2])) if rows else None

    @property
    def year(self) -> int | None:
        """The year that enterprises are counted in."""
        return latest_year(self.plan)

    @property
    def county(self) -> BaseGeometry | None:
        """The county's ground in the storage CRS; None where the plan has no layer of it."""
        return self._index.county

    def refers(self, layer: str, column: str, value: object) -> bool:
        """Return whether a value of a column that refers to another layer is known there."""
        target = target_of(SCHEMAS[layer].field(column))
        if target is None:
            return True
        other, named = target
        if len(SCHEMAS[other].key) == 1 and SCHEMAS[other].key[0] == named:
            if self.has(other, str(value)):
                return True
            if str(value) in self._removed.get(other, ()):
                return False
        return value in self._index.known(layer, column)

    # ---- writing ------------------------------------------------------------------------------

    def put(self, layer: str, key: str, **values: object) -> None:
        """Change cells of a row; what stood there counts as seen."""
        before = {name: self.cell(layer, key, name) for name in values}
        self.seen += [SeenCell(layer, key, name, value) for name, value in before.items()]
        self.follow(layer, key, **values)

    def follow(self, layer: str, key: str, **values: object) -> None:
        """Change cells that follow from an edit; what stood there is nobody's precondition."""
        added = self._added.get(layer, {}).get(key)
        if added is not None:
            added.update(values)
            return
        self._changed.setdefault(layer, {}).setdefault(key, {}).update(values)

    def see(self, layer: str, key: str, *columns: str) -> None:
        """Note values of a row that an edit builds on."""
        self.seen += [SeenCell(layer, key, name, self.cell(layer, key, name)) for name in columns]

    def add(self, layer: str, key: str, row: Mapping[str, Any]) -> None:
        """Add a row; the id must be free."""
        self._added.setdefault(layer, {})[key] = dict(row)

    def remove(self, layer: str, keys: Iterable[str]) -> None:
        """Take rows away."""
        for key in keys:
            if self._added.get(layer, {}).pop(key, None) is None:
                self._changed.get(layer, {}).pop(key, None)
                self._removed.setdefault(layer, set()).add(key)

    def changes(self) -> dict[str, LayerChanges]:
        """Return what differs from the plan, by layer."""
        layers = [
            name for name in SCHEMAS if name in {*self._changed, *self._added, *self._removed}
        ]
        found = {
            layer: LayerChanges(
                changed=self._differing(layer),
                added=dict(self._added.get(layer, {})),
                removed=frozenset(self._removed.get(layer, ())),
            )
            for layer in layers
        }
        return {layer: one for layer, one in found.items() if one}

    def _differing(self, layer: str) -> dict[str, dict[str, Any]]:
        """Return the changed cells that hold something else than the plan's."""
        frame, positions = self.plan.kept(layer), self._index.positions(layer)
        found = {}
        for key, row in self._changed.get(layer, {}).items():
            told = {
                name: value
                for name, value in row.items()
                if not same_cell(python_cell(frame[name].array[positions[key]]), value)
            }
            if told:
                found[key] = told
        return found


def same_cell(one: Any, other: Any) -> bool:  # noqa: ANN401 - any cells
    """Return whether two cells hold the same."""
    if isinstance(one, BaseGeometry) and isinstance(other, BaseGeometry):
        return bool(shapely.equals_identical(one, other))
    return (type(one) is type(other) and one == other) or (
        isinstance(one, (int, float)) and isinstance(other, (int, float)) and one == other
    )
