"""What a change of a plan can reach: the parks and rows that have to be judged again.

Two plans are compared layer by layer and row by row. What differs, and all that stands in the same
parks or on the same ground, in either plan, is the part of the county that a change reaches; it is
judged in both plans as a plan of its own (`PartPlan`). What the rules say is in `checks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import ACTIVE_KEY, YEAR_KEY, active_enterprises, latest_year
from geo_service.plan import Plan
from geo_service.plan_rows import RowChange, compare_frames
from geo_service.schema import SCHEMAS
from geo_service.zoning.check import Shared
from geo_service.zoning.standing import Tenants

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.plan import Reads
    from geo_service.zoning.focus import Focus

T = TypeVar("T")

PARTED = ("parcels", "buildings", "enterprises", "floors")
"""The layers of which a part is judged; the others are read whole."""


@dataclass(frozen=True)
class PlanChange:
    """What differs between two plans of one county: by layer, None if anything may."""

    layers: Mapping[str, RowChange | None]

    @classmethod
    def between(cls, before: Plan, after: Plan) -> PlanChange:
        """Compare two plans."""
        found: dict[str, RowChange | None] = {}
        for name in SCHEMAS:
            if before.has(name) != after.has(name):
                found[name] = None
                continue
            change = compare_frames(name, before.frame(name), after.frame(name))
            if change is None or len(change.before) or len(change.after):
                found[name] = change
        return cls(found)

    def touches(self, reads: Reads | None) -> bool:
        """Return whether something of what is read has changed; None stands for everything."""
        if reads is None:
            return bool(self.layers)
        return any(
            change is None or change.touches(reads[name])
            for name, change in self.layers.items()
            if name in reads
        )

    def is_by_rows(self, reads: Reads) -> bool:
        """Return whether what changed of this is known row by row, in layers that have parks."""
        return all(
            change is not None and (name == "parks" or name in PARTED)
            for name, change in self.layers.items()
            if name in reads and (change is None or change.touches(reads[name]))
        )


@dataclass(frozen=True)
class _Ids:
    """Ids by layer; those of floors are their building's."""

    parks: set[Any] = field(default_factory=set)
    parcels: set[Any] = field(default_factory=set)
    buildings: set[Any] = field(default_factory=set)
    enterprises: set[Any] = field(default_factory=set)


@dataclass(frozen=True)
class _RowsById:
    """Where each id stands in a column, found without looking through the column."""

    ids: pd.Index[Any]
    order: NDArray[np.intp]
    """The rows by id, in the order of `ids`."""
    borders: NDArray[np.intp]
    """Where the rows of each id begin, and where those of the last one end."""

    @classmethod
    def of(cls, column: NDArray[np.object_]) -> _RowsById:
        """Sort a column by its ids; None is none."""
        codes, ids = pd.factorize(column)
        order = np.argsort(codes, kind="stable")
        borders = np.searchsorted(codes[order], np.arange(len(ids) + 1))
        return cls(pd.Index(ids, dtype=object), order, borders)

    def rows(self, ids: set[Any]) -> NDArray[np.intp]:
        """Return the rows that have one of these ids, in their order."""
        if not ids:
            return np.zeros(0, dtype=np.intp)
        found = self.ids.get_indexer(pd.Index(list(ids), dtype=object))
        pieces = [self.order[self.borders[at] : self.borders[at + 1]] for at in found if at >= 0]
        return np.sort(np.concatenate(pieces)) if pieces else np.zeros(0, dtype=np.intp)


class _Side:
    """One of two plans: who stands where."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.plan = shared.plan

    def ids(self, name: str, column: str) -> NDArray[np.object_]:
        """Return a column of a layer as it is compared: missing values are None."""
        return self.plan.remember(
            ("column", name, column),
            {name: frozenset({column})},
            lambda: _plain(self.plan.frame(name)[column]),
        )

    @cached_property
    def ground(self) -> pd.DataFrame:
        """The enterprises that count with the parcel that each stands on; the index is the id."""
        return self.shared.tenants.places

    def rows(self, name: str, column: str, ids: set[Any]) -> NDArray[np.intp]:
        """Return the rows of a layer with one of these ids."""
        places = self.plan.remember(
            ("places", name, column),
            {name: frozenset({column})},
            lambda: _RowsById.of(self.ids(name, column)),
        )
        return places.rows({identity for identity in ids if identity is not None})

    def spread(self, ids: _Ids) -> None:
        """Add what shares ground with changed things: their buildings, enterprises and parks."""
        ground = self.ground
        for row in self.rows("enterprises", "enterprise_id", ids.enterprises):
            ids.parks.add(self.ids("enterprises", "park_id")[row])
            ids.parcels.add(self.ids("enterprises", "parcel_id")[row])
            ids.buildings.add(self.ids("enterprises", "building_id")[row])
        here = ground[ground["enterprise_id"].isin(ids.enterprises)]
        ids.parcels.update(_plain(here["parcel_id"]))
        for row in self.rows("buildings", "building_id", ids.buildings):
            ids.parcels.add(self.ids("buildings", "parcel_id")[row])
        for row in self.rows("buildings", "parcel_id", ids.parcels):
            ids.buildings.add(self.ids("buildings", "building_id")[row])
        for name, column, own in (
            ("parcels", "parcel_id", ids.parcels),
            ("buildings", "building_id", ids.buildings),
            ("enterprises", "building_id", ids.buildings),
        ):
            parks = self.ids(name, "park_id")
            ids.parks.update(parks[self.rows(name, column, own)])

    def members(self, parks: set[Any], ids: _Ids) -> None:
        """Add all that lies in parks, and who stands on it."""
        keys = {"parcels": "parcel_id", "buildings": "building_id", "enterprises": "enterprise_id"}
        for name, key in keys.items():
            found = self.ids(name, key)[self.rows(name, "park_id", parks)]
            getattr(ids, name).update(found)
        for row in self.rows("enterprises", "enterprise_id", ids.enterprises):
            ids.buildings.add(self.ids("enterprises", "building_id")[row])

    def tenants(self, ids: _Ids) -> None:
        """Add the buildings on parcels, and the enterprises on and in both."""
        on = self.rows("buildings", "parcel_id", ids.parcels)
        ids.buildings.update(self.ids("buildings", "building_id")[on])
        ground = self.ground
        is_here = ground["parcel_id"].isin(ids.parcels - {None})
        is_here |= ground["building_id"].isin(ids.buildings - {None})
        ids.enterprises.update(_plain(ground.loc[is_here, "enterprise_id"]))
        for column, own in (("parcel_id", ids.parcels), ("building_id", ids.buildings)):
            rows = self.rows("enterprises", column, own)
            ids.enterprises.update(self.ids("enterprises", "enterprise_id")[rows])


def _plain(cells: pd.Series[Any]) -> NDArray[np.object_]:
    values = cells.astype("object").to_numpy(copy=True)
    values[cells.isna().to_numpy(dtype=bool)] = None
    return np.asarray(values, dtype=object)


class PartPlan(Plan):
    """Some rows of a plan, as a plan: labels, shapes and measures are those of the whole."""

    def __init__(self, whole: Plan, rows: Mapping[str, NDArray[np.intp]]) -> None:
        """Take a plan and, by layer, the positions of the rows to keep."""
        super().__init__(whole.layers, whole.settings)
        self._whole = whole
        self._rows = rows
        self._parts: dict[tuple[str, str], Any] = {}

    def frame(self, name: str) -> pd.DataFrame:
        """Return a layer's rows that are kept."""
        whole = self._whole.frame(name)
        return self._part(name, "frame", whole)

    def metric(self, name: str) -> gpd.GeoDataFrame:
        """Return the same in the metric CRS."""
        whole = self._whole.metric(name)
        return self._part(name, "metric", whole)

    def _part(self, name: str, kind: str, whole: T) -> T:
        if name not in self._rows:
            return whole
        if (name, kind) not in self._parts:
            self._parts[name, kind] = whole.iloc[self._rows[name]]  # type: ignore[attr-defined]
        found: T = self._parts[name, kind]
        return found

    def remember(self, key: Hashable, reads: Reads, make: Callable[[], T]) -> T:
        """Return what is remembered of the whole plan where it does not depend on the part."""
        if key == YEAR_KEY:
            return latest_year(self._whole)  # type: ignore[return-value] # as under this key
        if key == ACTIVE_KEY:
            return super().remember(key, reads, self._active)  # type: ignore[return-value]
        if not any(name in self._rows for name in reads):
            return self._whole.remember(key, reads, make)
        return super().remember(key, reads, make)

    def _active(self) -> pd.DataFrame:
        active = active_enterprises(self._whole)
        return active[active.index.isin(self.frame("enterprises").index)]


@dataclass(frozen=True)
class PartShared(Shared):
    """What checks measure alike, of a part of a plan: the whole's where it depends on the whole."""

    whole: Shared

    @property
    def focus(self) -> dict[str, Focus]:
        """The focus of every park of the whole plan."""
        return self.whole.focus

    @property
    def park_area_m2(self) -> dict[str, float]:
        """The area of every park of the whole plan."""
        return self.whole.park_area_m2

    @cached_property
    def tenants(self) -> Tenants:
        """The part's enterprises, on the ground that the whole plan gives them."""
        ids = self.plan.frame("enterprises")["enterprise_id"]
        return self.whole.tenants.of(self.plan, ids)


@dataclass(frozen=True)
class Reached:
    """The part of a county that a change reaches, in the plan before it and in the one after."""

    parks: frozenset[str]
    is_in_parks: bool
    """Whether all that it reaches lies in a park."""
    before: PartShared
    after: PartShared


def reached(change: PlanChange, before: Shared, after: Shared) -> Reached:
    """Return the part of a county that a change of rows reaches."""
    sides = _Side(before), _Side(after)
    ids = _Ids()
    for side, rows_of in zip(sides, (_before, _after), strict=True):
        _add_changed(ids, side, {name: rows_of(item) for name, item in change.layers.items()})
    ids.enterprises.update(_moved(*sides))
    for side in sides:
        side.spread(ids)
    for side in sides:
        side.spread(ids)
    # A park that lies in a changed one is judged by it.
    for side in sides:
        guests = side.rows("parks", "host_park_id", ids.parks)
        ids.parks.update(side.ids("parks", "park_id")[guests])
    for side in sides:
        side.members(ids.parks, ids)
    for _ in range(2):
        for side in sides:
            side.tenants(ids)
    parks = frozenset(park_id for park_id in ids.parks if park_id is not None)
    return Reached(parks, None not in ids.parks, *(_part_of(side, ids) for side in sides))


def _before(change: RowChange | None) -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp) if change is None else change.before


def _after(change: RowChange | None) -> NDArray[np.intp]:
    return np.zeros(0, dtype=np.intp) if change is None else change.after


def _add_changed(ids: _Ids, side: _Side, rows: Mapping[str, NDArray[np.intp]]) -> None:
    """Add the ids of changed rows, and their parks."""
    for name, key in (
        ("parks", "park_id"),
        ("parcels", "parcel_id"),
        ("buildings", "building_id"),
        ("enterprises", "enterprise_id"),
    ):
        chosen = rows.get(name, np.zeros(0, dtype=np.intp))
        getattr(ids, name).update(side.ids(name, key)[chosen])
        ids.parks.update(side.ids(name, "park_id")[chosen])
    floors = rows.get("floors", np.zeros(0, dtype=np.intp))
    ids.buildings.update(side.ids("floors", "building_id")[floors])


def _moved(before: _Side, after: _Side) -> Iterable[Any]:
    """Return the enterprises that stand on another parcel in one of the plans."""
    one, other = before.ground, after.ground
    if one is other:
        return []
    pairs, others = (
        set(zip(table["enterprise_id"], _plain(table["parcel_id"]), strict=True))
        for table in (one, other)
    )
    return [enterprise_id for enterprise_id, _ in pairs ^ others]


def _part_of(side: _Side, ids: _Ids) -> PartShared:
    rows = {
        "parcels": side.rows("parcels", "parcel_id", ids.parcels),
        "buildings": side.rows("buildings", "building_id", ids.buildings),
        "enterprises": side.rows("enterprises", "enterprise_id", ids.enterprises),
        "floors": side.rows("floors", "building_id", ids.buildings),
    }
    return PartShared(PartPlan(side.plan, rows), side.shared.as_of, side.shared)
