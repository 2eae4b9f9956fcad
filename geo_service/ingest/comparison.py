"""Compare coordinates with published layers, to distinguish GCJ-02 and BD-09 from CGCS2000.

Each reading (interpretation) of the coordinates is compared with published features: by id if
the same layer has features with the same ids, else vertex by vertex. A reading wins only by a
wide margin; its remaining offset, and how certain that is, are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from scipy.spatial import cKDTree

from geo_service.crs import STORAGE_CRS
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.model import Message
    from geo_service.plan import Plan

Reading = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]

_FEWEST_IDS = 5
_FEWEST_VERTICES = 20
_SAME_LOCATION_M = 50.0
"""Features with the same id whose middles are this close are one feature, surveyed again."""
_SAME_VERTEX_M = 2.0
_ENOUGH = 0.3
_CLEARLY = 3.0
"""How many times better the best reading must be than the next one."""
_MOST_VERTICES = 200_000
_COMPARED = (
    "parcels",
    "buildings",
    "sub_areas",
    "approved_areas",
    "parks",
    "control_zones",
    "roads",
    "rivers",
    "facilities",
    "township_areas",
    "county",
)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How the best reading fits a published layer; lengths in metres."""

    label: str
    layer: str
    pairs: int
    share: float
    offset_m: tuple[float, float]
    """Median remaining offset to the east and to the north."""
    error_m: float
    """Median remaining distance between pairs."""

    def values(self) -> dict[str, Any]:
        """Return the fit as values for a message."""
        return {
            "crs": self.label,
            "layer": self.layer,
            "pairs": f"{self.pairs:,}",
            "share": f"{self.share * 100:.1f}",
            "east": f"{self.offset_m[0]:.2f}",
            "north": f"{self.offset_m[1]:.2f}",
            "error": f"{self.error_m:.2f}",
        }

    def described(self) -> Message:
        """Return the fit as evidence beside a choice."""
        if not self.pairs:
            return said("import.fit_none", layer=self.layer)
        return said(
            "import.fit",
            layer=self.layer,
            pairs=self.pairs,
            share=self.share * 100,
            error=self.error_m,
        )


@dataclass(frozen=True, kw_only=True)
class PlacementComparison:
    """The result of comparing a file's readings with published layers."""

    best: Fit | None = None
    """The reading that clearly fits; None if none does."""
    fits: tuple[Fit, ...] = ()
    """Each reading against one layer: the layer of `best`, else the one with most pairs."""


def compare_with_plan(
    shapes: NDArray[np.object_],
    ids: pd.Series[str] | None,
    readings: Mapping[str, Reading],
    *,
    plan: Plan,
    layer: str,
) -> PlacementComparison:
    """Return which reading, if any, clearly fits published layers, and how well each fits.

    `readings` convert the file's coordinates to longitude and latitude (EPSG:4490).
    """
    to_metres = pyproj.Transformer.from_crs(STORAGE_CRS, plan.metric_crs, always_xy=True)

    def metres(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_metres.transform(lonlat[:, 0], lonlat[:, 1]))

    undecided: list[tuple[Fit, ...]] = []
    published = plan.frame(layer) if plan.has(layer) else None
    key = SCHEMAS[layer].key[0]
    if ids is not None and isinstance(published, gpd.GeoDataFrame):
        known: Any = published.drop_duplicates(key).set_index(key).geometry
        known = known[~known.is_empty & known.notna()]
        fits = _with_layer(_by_id(shapes, ids, readings, known, metres), layer)
        if fits and _is_same_location(fits):
            return PlacementComparison(best=fits[0], fits=fits)
        undecided.append(fits)
    points = shapely.get_coordinates(shapes)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[:: max(1, len(points) // 5_000)]
    for name, vertices in _published_vertices(plan, layer):
        fits = _with_layer(_by_vertex(points, readings, metres(vertices), metres), name)
        if _lies_on_published_vertices(fits):
            return PlacementComparison(best=fits[0], fits=fits)
        undecided.append(fits)
    most = max(undecided, key=lambda fits: max((fit.pairs for fit in fits), default=-1), default=())
    return PlacementComparison(fits=most)


def _with_layer(fits: list[Fit], layer: str) -> tuple[Fit, ...]:
    return tuple(replace(fit, layer=layer) for fit in fits)


def _is_same_location(fits: Sequence[Fit]) -> bool:
    """Return whether only the first of the fits by id puts features at their published places."""
    best, second = fits[0], fits[1]
    return best.error_m <= _SAME_LOCATION_M and best.error_m * _CLEARLY < second.error_m


def _lies_on_published_vertices(fits: Sequence[Fit]) -> bool:
    """Return whether only the first of the fits by vertex lies on published vertices."""
    best, second = fits[0], fits[1]
    enough = best.pairs >= _FEWEST_VERTICES and best.share >= _ENOUGH
    return enough and best.share > second.share * _CLEARLY


def _by_id(
    shapes: NDArray[np.object_],
    ids: pd.Series[str],
    readings: Mapping[str, Reading],
    published: gpd.GeoSeries,
    metres: Reading,
) -> list[Fit]:
    """Return how each reading fits features with the same ids, best first."""
    usable = ids.notna().to_numpy() & ids.isin(published.index).to_numpy()
    usable &= ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if usable.sum() < _FEWEST_IDS:
        return []
    there = shapely.get_coordinates(shapely.centroid(np.asarray(published.loc[ids[usable]])))
    here = shapely.get_coordinates(shapely.centroid(shapes[usable]))
    if len(there) != len(here):
        return []
    there_m = metres(there)
    fits = []
    for label, read in readings.items():
        residuals_m = metres(read(here)) - there_m
        distance = np.hypot(residuals_m[:, 0], residuals_m[:, 1])
        fits.append(_fit(label, residuals_m, float(np.median(distance)), share=1.0))
    return sorted(fits, key=lambda fit: fit.error_m)


def _fit(label: str, residuals_m: NDArray[np.float64], error_m: float, *, share: float) -> Fit:
    east, north = np.median(residuals_m, axis=0) if len(residuals_m) else (np.nan, np.nan)
    return Fit(
        label=label,
        layer="",
        pairs=len(residuals_m),
        share=share,
        offset_m=(float(east), float(north)),
        error_m=error_m,
    )


def _published_vertices(plan: Plan, layer: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield vertices (n, 2, degrees) of published layers, the same layer first."""
    for name in dict.fromkeys((layer, *_COMPARED)):
        frame = plan.frame(name) if plan.has(name) else None
        if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
            continue
        vertices = shapely.get_coordinates(frame.geometry.to_numpy())
        step = max(1, len(vertices) // _MOST_VERTICES)
        if len(vertices) >= _FEWEST_VERTICES and step == 1:
            yield name, vertices
        elif step > 1:
            # Sample whole features: vertices keep their neighbours; thinning hides matches.
            some = frame.geometry.to_numpy()[::step]
            yield name, shapely.get_coordinates(some)


def _by_vertex(
    points: NDArray[np.float64],
    readings: Mapping[str, Reading],
    published_m: NDArray[np.float64],
    metres: Reading,
) -> list[Fit]:
    """Return how each reading fits published vertices, the one with most matches first."""
    tree = cKDTree(published_m)
    fits = []
    for label, read in readings.items():
        here = metres(read(points))
        finite = np.isfinite(here).all(axis=1)
        found: Any = tree.query(here[finite], distance_upper_bound=_SAME_VERTEX_M)
        distance, nearest = found
        matched = np.isfinite(distance)
        residuals_m = here[finite][matched] - published_m[nearest[matched]]
        error = float(np.median(distance[matched])) if matched.any() else np.inf
        fits.append(
            _fit(label, residuals_m, error, share=float(matched.sum() / max(len(points), 1)))
        )
    return sorted(fits, key=lambda fit: -fit.share)
