"""A plan: the layers of a workspace at one version, frozen.

Everything the product does is a function of a plan. Frames are returned as they were
read, and nobody changes one in place; `metric` returns the same frame in the metric CRS.
`workspace` and the stores provide the layers.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import pyproj

from geo_service.crs import STORAGE_CRS
from geo_service.errors import NotFoundError
from geo_service.model import AreaMethod, FocusBasis
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from geo_service.basemaps import Basemap
    from geo_service.industry import CountyIndustries, IndustryGroups


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
    confidentiality: str | None = None
    """The mark (密级) on everything that is given out, in the county's words."""
    map_approval: str | None = None
    """The approval number (审图号) on maps."""
    dem: DemFile | None = None
    basemaps: tuple[Basemap, ...] = ()
    """Base maps for the maps; none is shown until a reader switches it on."""
    digest: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer at one version; its frame is read on first use."""

    name: str
    version: str
    read: Callable[[], pd.DataFrame]
    number: int = 0
    """The version's position in the layer's history; 0 is the workspace's own file."""


class HasPlan(Protocol):
    """What a plan can be asked of: a scenario."""

    @property
    def plan(self) -> Plan:
        """The plan."""


def plan_of(subject: Plan | HasPlan) -> Plan:
    """Return a plan, or the plan of a scenario."""
    return subject if isinstance(subject, Plan) else subject.plan


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
        self._frames: dict[str, pd.DataFrame] = {}
        self._metric: dict[str, gpd.GeoDataFrame] = {}
        self._lock = threading.RLock()
        self.metric_crs = pyproj.CRS.from_user_input(settings.metric_crs)
        """The CRS in which the plan is measured."""
        self.settings = settings

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
    def dem(self) -> DemFile | None:
        """The elevation model, read when needed; None if the workspace has none."""
        return self.settings.dem

    def has(self, name: str) -> bool:
        """Return whether the workspace has this layer (which may still be empty)."""
        return name in self._layers

    def frame(self, name: str) -> pd.DataFrame:
        """Return a layer's frame in the storage CRS; raises NotFoundError for an unknown name."""
        if name not in SCHEMAS:
            msg = said("problem.no_layer", name=repr(name), known=list(SCHEMAS))
            raise NotFoundError(msg)
        with self._lock:
            if name not in self._frames:
                layer = self._layers.get(name)
                self._frames[name] = layer.read() if layer else empty_frame(name)
            return self._frames[name]

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
        with self._lock:
            if name not in self._metric:
                self._metric[name] = self.geo(name).to_crs(self.metric_crs)
            return self._metric[name]

    def with_layers(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        label: str,
        kept: Mapping[str, pd.DataFrame] | None = None,
    ) -> Plan:
        """Return a plan with some layers replaced; `label` names the change in their versions.

        Frames with geometry must be in the storage CRS; `kept` are their rows as they are kept,
        where places were worked out. This plan does not change.
        """
        layers = dict(self._layers)
        for name, frame in frames.items():
            before = self._layers[name].version if name in self._layers else "none"
            version = hashlib.sha256(f"{before}|{label}".encode()).hexdigest()[:12]
            layers[name] = Layer(name, version, _reading(frame))
        old = {name: frame for name, frame in self._kept.items() if name not in frames}
        changed = Plan(layers, self.settings, kept={**old, **(kept or {})})
        with self._lock:
            unchanged = {name: frame for name, frame in self._frames.items() if name not in frames}
            changed._frames.update(unchanged)
            changed._metric.update(
                {name: frame for name, frame in self._metric.items() if name not in frames}
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

    def __repr__(self) -> str:
        """Name the county and the version."""
        name = next(iter(self.settings.name.values()), self.settings.county_code)
        return f"<Plan {name} {self.version}: {', '.join(self._layers)}>"


def _reading(frame: pd.DataFrame) -> Callable[[], pd.DataFrame]:
    return lambda: frame


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries by column, without the geometry.

    What is missing of a whole number or a flag is None, of a text or another number NaN.
    """
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
    import pandas as pd  # noqa: PLC0415 - kept out of the import of the values above

    schema = SCHEMAS[name]
    columns = {column: pd.Series(dtype="object") for column in schema.columns}
    if schema.geometry is None:
        return pd.DataFrame(columns)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=STORAGE_CRS), crs=STORAGE_CRS)
