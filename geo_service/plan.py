"""A plan: the layers of a workspace at one version, frozen.

Everything the product does is a function of a plan. Frames are returned as they were
read, and nobody changes one in place; `metric` returns the same frame in the metric CRS.
`workspace` and the stores provide the layers. A plan is made from another with `with_rows` or
`with_layers`; the two share every frame, projection and measure that the change leaves alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import geopandas as gpd
import numpy as np
import pyproj

from geo_service.crs import STORAGE_CRS, projected
from geo_service.errors import NotFoundError
from geo_service.model import AreaMethod, FocusBasis
from geo_service.notebook import small_table
from geo_service.plan_rows import frame_with_rows, project_rows
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.access import Role
    from geo_service.basemaps import Basemap
    from geo_service.industry import CountyIndustries, IndustryGroups
    from geo_service.plan_rows import RowChange

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DemFile:
    """The elevation model that a workspace's settings declare; `spatial.raster` reads it."""

    path: Path
    version: str
    metric_crs: str
    """The CRS in which slopes are measured."""
    source: str
    illustrative: bool
    vertical_datum: str
    """The vertical datum of the heights, in the workspace's words."""


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """A county's decisions on how its plan is measured, named and judged."""

    county_code: str
    name: Mapping[str, str]
    platform: Mapping[str, int] = field(default_factory=dict)
    metric_crs: str
    area_method: AreaMethod = AreaMethod.PLANAR
    focus_basis: FocusBasis = FocusBasis.OUTPUT
    groups: IndustryGroups
    names_hant: Mapping[str, str] = field(default_factory=dict)
    data_date: date | None = None
    """The day that the data describes; durations are counted up to it."""
    complete_zone_kinds: frozenset[str] = frozenset()
    """Kinds of control zone declared complete: if no zone of the kind is mapped, none exists."""
    complete_river_ranks: frozenset[str] = frozenset()
    """Ranks of river declared complete: every river of the rank is in the layer."""
    industry_map: CountyIndustries | None = None
    """The industries that the county has chosen to lead and to be characteristic."""
    rulebook_path: Path | None = None
    waivers_path: Path | None = None
    approvals_path: Path | None = None
    granted: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """Waivers and approvals that were granted by form, as JSON values, by the list's name."""
    confidentiality: str | None = None
    """The mark (密级) on everything that is given out, in the county's words."""
    map_approval: str | None = None
    """The approval number (审图号) on maps."""
    dem: DemFile | None = None
    basemaps: tuple[Basemap, ...] = ()
    """Base maps for the maps; none is shown until a reader switches it on."""
    restricted: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """Layers and columns that only accounts of some roles see: `enterprises.tax_cny`."""
    digest: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer at one version; its frame is read on first use."""

    name: str
    version: str
    read: Callable[[], pd.DataFrame]
    number: int = 0
    """The version's position in the layer's history; 0 is the workspace's own file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVersions:
    """The versions by which a store knows a plan."""

    plan: str
    layers: Mapping[str, str]


class HasPlan(Protocol):
    """What a plan can be asked of: a scenario."""

    @property
    def plan(self) -> Plan:
        """The plan."""


def plan_of(subject: Plan | HasPlan) -> Plan:
    """Return a plan, or the plan of a scenario."""
    return subject if isinstance(subject, Plan) else subject.plan


class _HeldLayer:
    """A layer's frames, made on first use; plans that have the layer alike share them."""

    def __init__(self, read: Callable[[], pd.DataFrame]) -> None:
        self._read = read
        self._frame: pd.DataFrame | None = None
        self._metric: gpd.GeoDataFrame | None = None
        self._lock = threading.RLock()

    def frame(self) -> pd.DataFrame:
        """Return the frame in the storage CRS."""
        with self._lock:
            if self._frame is None:
                self._frame = self._read()
            return self._frame

    def metric(self, frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> gpd.GeoDataFrame:
        """Return the frame, which has geometry, in the metric CRS."""
        with self._lock:
            if self._metric is None:
                shapes = projected(frame.geometry.to_numpy(), frame.crs or STORAGE_CRS, crs)
                self._take(frame, shapes, crs)
            assert self._metric is not None  # noqa: S101 - just taken
            return self._metric

    def take_metric(
        self, frame: pd.DataFrame, shapes: NDArray[np.object_], crs: pyproj.CRS
    ) -> None:
        """Keep shapes as those of the frame in the metric CRS."""
        with self._lock:
            self._take(frame, shapes, crs)

    def _take(self, frame: pd.DataFrame, shapes: NDArray[np.object_], crs: pyproj.CRS) -> None:
        columns = frame.drop(columns="geometry")
        series = gpd.GeoSeries(shapes, index=frame.index, crs=crs)
        self._metric = gpd.GeoDataFrame(columns, geometry=series)

    def changed(self, frame: pd.DataFrame, change: RowChange) -> _HeldLayer:
        """Return the layer with some rows replaced; only these are projected anew."""
        held = _HeldLayer(_reading(frame))
        with self._lock:
            if self._metric is not None and isinstance(frame, gpd.GeoDataFrame):
                count = len(self._metric)
                held._metric = project_rows(self._metric, frame, change, count_before=count)
        return held


class Plan:
    """The layers of one county at one version.

    Layers are attributes: `plan.parks`, `plan.enterprises`, ... GeoDataFrames in the
    storage CRS (EPSG:4490), a DataFrame for tables. A layer that the workspace does not
    have is an empty frame with its columns; `has` says which it is. Changing such a frame
    does not change the plan.
    """

    def __init__(
        self,
        layers: Mapping[str, Layer],
        settings: PlanSettings,
        *,
        kept: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        self._layers = dict(layers)
        self._kept = dict(kept or {})
        self._held = {name: _HeldLayer(layer.read) for name, layer in self._layers.items()}
        self._remembered: dict[Hashable, tuple[Reads, Any]] = {}
        self._lock = threading.RLock()
        self.metric_crs = pyproj.CRS.from_user_input(settings.metric_crs)
        """The CRS in which the plan is measured."""
        self.settings = settings
        self.withheld: frozenset[str] = frozenset()
        """Layers and columns that were left out for whoever the plan is shown to."""
        self.only_parks: frozenset[str] | None = None
        """The parks that a reader is limited to, whose rows alone are left; None for all."""
        self._seen_of: PlanVersions | None = None

    @property
    def layers(self) -> Mapping[str, Layer]:
        """The layers that the workspace has, by name."""
        return dict(self._layers)

    @property
    def version(self) -> str:
        """A short hash of every layer's version and the settings."""
        parts = [f"{name}={layer.version}" for name, layer in sorted(self._layers.items())]
        parts.append(self.settings.digest)
        if self.dem is not None:
            parts.append(f"dem={self.dem.version}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    @property
    def kept_as(self) -> PlanVersions:
        """What a store knows the plan by; of a part that is seen, the plan that it is a part of."""
        if self._seen_of is not None:
            return self._seen_of
        layers = {name: layer.version for name, layer in self._layers.items()}
        return PlanVersions(plan=self.version, layers=layers)

    @property
    def dem(self) -> DemFile | None:
        """The elevation model, read when needed; None if the workspace has none."""
        return self.settings.dem

    def has(self, name: str) -> bool:
        """Return whether the workspace has this layer (which may still be empty)."""
        return name in self._layers

    @property
    def is_part(self) -> bool:
        """Whether something was left out for whoever the plan is shown to."""
        return bool(self.withheld) or self.only_parks is not None

    def is_withheld(self, layer: str, *columns: str) -> bool:
        """Return whether a layer, or one of these columns of it, was left out for a reader."""
        return layer in self.withheld or any(f"{layer}.{name}" in self.withheld for name in columns)

    def frame(self, name: str) -> pd.DataFrame:
        """Return a layer's frame in the storage CRS; raises NotFoundError for an unknown name."""
        if name not in SCHEMAS:
            msg = said("problem.no_layer", name=repr(name), known=list(SCHEMAS))
            raise NotFoundError(msg)
        return self._held_layer(name).frame()

    def geo(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer that has geometry, in the storage CRS."""
        frame = self.frame(name)
        if not isinstance(frame, gpd.GeoDataFrame):
            msg = said("problem.table", name=repr(name))
            raise NotFoundError(msg)
        return frame

    def kept(self, name: str) -> pd.DataFrame:
        """Return a layer's rows as they are kept: without places and parks that were worked out.

        The index is that of `frame`; of a layer that is placed by nothing it is the same frame.
        """
        return self._kept[name] if name in self._kept else self.frame(name)

    def metric(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer in the metric CRS of the workspace, with the same index."""
        frame, held = self.geo(name), self._held_layer(name)
        return held.metric(frame, self.metric_crs)

    def project_ahead(self, *names: str) -> None:
        """Begin to project layers in another thread: who asks for one of them waits less."""

        def project() -> None:
            for name in names:
                if self.has(name):
                    self.metric(name)

        threading.Thread(target=project, name="project ahead", daemon=True).start()

    def _held_layer(self, name: str) -> _HeldLayer:
        with self._lock:
            if name not in self._held:
                self._held[name] = _HeldLayer(lambda: empty_frame(name))
            return self._held[name]

    def remember(self, key: Hashable, reads: Reads, make: Callable[[], T]) -> T:
        """Return what `make` makes of the plan, made once and kept with the plan.

        `reads` are the layers, and the columns of each, that it depends on (None for all
        columns). A plan made from this one keeps it too unless one of these changed; nobody
        changes what is kept.
        """
        with self._lock:
            if key in self._remembered:
                kept: T = self._remembered[key][1]
                return kept
        made = make()
        with self._lock:
            first: T = self._remembered.setdefault(key, (reads, made))[1]
            return first

    def with_granted(self, granted: Mapping[str, tuple[Mapping[str, Any], ...]]) -> Plan:
        """Return this plan with other waivers and approvals by form; all else is shared."""
        if granted == self.settings.granted:
            return self
        same = self._changed({}, {}, "")
        same.settings = replace(self.settings, granted=granted)
        return same

    def forget(self) -> None:
        """Give back the memory of what `remember` keeps; it is made again when it is needed."""
        with self._lock:
            self._remembered.clear()

    def with_rows(
        self,
        name: str,
        rows: pd.DataFrame | None = None,
        *,
        removed: Sequence[Any] = (),
        label: str,
    ) -> Plan:
        """Return a plan with some rows of a layer replaced, added or removed.

        Everything else is shared with this plan, which does not change: frames, columns, shapes
        in the metric CRS and what `remember` keeps. A `review` that is given the earlier plan's
        review judges only what this can alter.

        Parameters
        ----------
        name
            The layer.
        rows
            Rows to set, found by the layer's key (`SCHEMAS[name].key`): the columns of the key
            and those to change, geometry in the storage CRS. A row with a new key is added at
            the end; columns that are not given are missing values there.
        removed
            Keys of rows to leave out; a tuple for a key of several columns.
        label
            Names the change in the layer's version: equal labels on equal plans give equal
            versions, so it must tell different changes apart.

        Raises
        ------
        NotFoundError
            No such layer, or a key in `removed` that no row has.
        InvalidQueryError
            A column that the layer does not have, or a key twice in `rows`.

        Examples
        --------
        >>> import geo_service as gs
        >>> plan = gs.open_plan("layers/yunyang")
        >>> parcels = plan.parcels.iloc[:1][["parcel_id"]].assign(status="vacant")
        >>> changed = plan.with_rows("parcels", parcels, label="parcels[0].status=vacant")
        >>> changed.parcels["status"].iloc[0], changed.metric("parks") is plan.metric("parks")
        ('vacant', True)
        """
        import pandas as pd  # noqa: PLC0415 - kept out of the import of the values above

        before = self.frame(name)
        given = pd.DataFrame(columns=list(SCHEMAS[name].key)) if rows is None else rows
        frame, change = frame_with_rows(name, before, given, removed)
        return self._changed({name: frame}, {name: change}, label)

    def with_layers(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        label: str,
        changes: Mapping[str, RowChange] | None = None,
        kept: Mapping[str, pd.DataFrame] | None = None,
        in_metric_crs: Mapping[str, NDArray[np.object_]] | None = None,
    ) -> Plan:
        """Return a plan with some layers replaced; `label` names the change in their versions.

        Frames with geometry must be in the storage CRS. `changes` say of layers which rows differ:
        all that the others give is shared. `kept` are the rows of layers as they are kept, where
        places were worked out; `in_metric_crs` the shapes in the metric CRS of layers of which they
        are known. This plan does not change.
        """
        changed = self._changed(frames, changes or {}, label, kept)
        for name, shapes in (in_metric_crs or {}).items():
            changed._held_layer(name).take_metric(frames[name], shapes, self.metric_crs)  # noqa: SLF001 - of its own class
        return changed

    def seen(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        withheld: frozenset[str],
        label: str,
        only_parks: frozenset[str] | None = None,
    ) -> Plan:
        """Return the plan as somebody sees it from whom a part is withheld.

        `frames` are layers of which something was left out; `withheld` names layers, which the
        plan then does not have, and columns. Every layer has a version of its own, so that
        nothing that was kept of one plan is taken for the other's. This plan does not change.
        """
        gone = {name: empty_frame(name) for name in self._layers if name in withheld}
        shown = self._changed({**frames, **gone}, {}, label)
        shown._leave_out(frozenset(gone), label)  # noqa: SLF001 - of its own class
        shown.withheld = self.withheld | withheld
        shown.only_parks = only_parks
        shown._seen_of = self.kept_as  # noqa: SLF001 - of its own class
        return shown

    def _leave_out(self, gone: frozenset[str], label: str) -> None:
        """Have some layers no more, and the others under versions of their own."""
        self._layers = {
            name: dataclasses.replace(
                layer, version=hashlib.sha256(f"{layer.version}|{label}".encode()).hexdigest()[:12]
            )
            for name, layer in self._layers.items()
            if name not in gone
        }

    def _changed(
        self,
        frames: Mapping[str, pd.DataFrame],
        changes: Mapping[str, RowChange],
        label: str,
        kept: Mapping[str, pd.DataFrame] | None = None,
    ) -> Plan:
        """Return a plan with other frames; `changes` are those of which the rows are known."""
        layers = dict(self._layers)
        for name, frame in frames.items():
            before = self._layers[name].version if name in self._layers else "none"
            version = hashlib.sha256(f"{before}|{label}".encode()).hexdigest()[:12]
            layers[name] = Layer(name, version, _reading(frame))
        old = {name: frame for name, frame in self._kept.items() if name not in frames}
        changed = Plan(layers, self.settings, kept={**old, **(kept or {})})
        changed.withheld, changed.only_parks = self.withheld, self.only_parks
        with self._lock:
            held, remembered = dict(self._held), dict(self._remembered)
        changed._held.update({name: held[name] for name in held if name not in frames})
        for name, change in changes.items():
            if name in held:
                changed._held[name] = held[name].changed(frames[name], change)
        changed._remembered.update(
            {
                key: (reads, made)
                for key, (reads, made) in remembered.items()
                if not any(_is_touched(name, reads, changes) for name in frames)
            }
        )
        return changed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a frame or a GeoDataFrame by layer
        """Return the layer of that name."""
        if name.startswith("_") or name not in SCHEMAS:
            raise AttributeError(name)
        # A shallow copy: pandas copies on write, so a caller's changes do not reach the plan.
        return self.frame(name).copy(deep=False)

    def __dir__(self) -> list[str]:
        """List the layers among the attributes."""
        return [*super().__dir__(), *SCHEMAS]

    def _repr_html_(self) -> str:
        """Return the layers with their numbers of features, as a notebook shows them."""
        name = next(iter(self.settings.name.values()), self.settings.county_code)
        rows = [(layer, len(self.frame(layer))) for layer in self._layers if layer in SCHEMAS]
        return small_table(f"{name} · {self.version}", ["layer", "features"], rows)

    def __repr__(self) -> str:
        """Name the county and the version."""
        name = next(iter(self.settings.name.values()), self.settings.county_code)
        return f"<Plan {name} {self.version}: {', '.join(self._layers)}>"


Reads = Mapping[str, frozenset[str] | None]
"""Layers that something depends on, with the columns; None for all columns of a layer."""


def _is_touched(name: str, reads: Reads, changes: Mapping[str, RowChange]) -> bool:
    """Return whether what reads these columns may be another after a layer's change."""
    if name not in reads:
        return False
    return name not in changes or changes[name].touches(reads[name])


def _reading(frame: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    return lambda: frame


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries by column, without the geometry.

    What is missing of a whole number or a flag is None, of a text or another number NaN.
    """
    if not len(frame):
        return []
    columns = {str(name): _cells(frame[name]) for name in frame.columns if name != "geometry"}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _cells(column: pd.Series[Any]) -> list[Any]:
    is_nullable = column.dtype.kind in "biu" and not isinstance(column.dtype, np.dtype)
    cells: list[Any] = (
        column.array.to_numpy(object, na_value=None) if is_nullable else column
    ).tolist()
    return cells


def empty_frame(name: str) -> pd.DataFrame:
    """Return a layer's frame without rows."""
    return _frame_without_rows(name).copy(deep=False)


@cache
def _frame_without_rows(name: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - kept out of the import of the values above

    schema = SCHEMAS[name]
    columns = {column: pd.Series(dtype="object") for column in schema.columns}
    if schema.geometry is None:
        return pd.DataFrame(columns)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=STORAGE_CRS), crs=STORAGE_CRS)
