"""What a layer that is imported holds against itself: parcels on each other, roads cut off.

Nothing is refused for it: the review and the rankings tell it too. Found beside other work, since
a million parcels take some seconds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from geo_service.model import Message, Quantity
from geo_service.spatial.cut_off import CutOffRoad, cut_off_note, cut_off_roads
from geo_service.spatial.network import RoadNetwork
from geo_service.spatial.pairs import may_overlap, overlapping_pairs
from geo_service.zoning.check import Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyproj

    from geo_service.ingest.run import Imported
    from geo_service.reports.document import Document

LISTED = 100
_NAMED = 5
_LEAST_M2 = 0.01
_HAIRLINE_DEG = 1e-8
"""A millimetre: boxes that share no more belong to neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two parcels that lie on each other."""

    first: str
    second: str
    area_m2: float
    share: float
    """Of the smaller one."""


@dataclass(frozen=True, kw_only=True)
class LayerFindings:
    """What was found of a layer: the largest overlaps, and their number; roads cut off."""

    overlaps: tuple[Overlap, ...] = ()
    overlap_count: int = 0
    cut_off: tuple[CutOffRoad, ...] = ()

    def notes(self) -> list[Message]:
        """Return what the report says of it."""
        notes = []
        if self.overlaps:
            pairs = [
                Message(
                    "import.overlap",
                    {
                        "first": pair.first,
                        "second": pair.second,
                        "area": Quantity(pair.area_m2, "m²"),
                        "share": pair.share,
                    },
                )
                for pair in self.overlaps[:_NAMED]
            ]
            values = {"count": self.overlap_count, "pairs": pairs}
            is_all = self.overlap_count <= _NAMED
            notes.append(Message("import.overlaps" if is_all else "import.many_overlaps", values))
        if self.cut_off:
            notes.append(cut_off_note(self.cut_off))
        return notes

    def document(self) -> Document:
        """Return it for a report: the first hundred of each."""
        return {
            "overlaps": {
                "count": self.overlap_count,
                "pairs": [
                    {
                        "first": pair.first,
                        "second": pair.second,
                        "area_m2": pair.area_m2,
                        "share": pair.share,
                    }
                    for pair in self.overlaps
                ],
            },
            "cut_off_roads": {
                "count": len(self.cut_off),
                "roads": [
                    {"road_id": road.road_id, "name": road.name, "length_m": road.length_m}
                    for road in self.cut_off[:LISTED]
                ],
            },
        }


def find_in_layer(imported: Imported, metric_crs: pyproj.CRS) -> LayerFindings:
    """Return what the rows of a layer hold against each other; nothing for other layers."""
    frame: Any = imported.frame
    if imported.layer not in {"parcels", "roads"} or not isinstance(frame, gpd.GeoDataFrame):
        return LayerFindings()
    if imported.layer == "roads":
        metric = frame.to_crs(metric_crs)
        return LayerFindings(cut_off=tuple(cut_off_roads(metric, RoadNetwork.build(metric))))
    frame = frame.iloc[may_overlap(frame.geometry.to_numpy(), least_deg=_HAIRLINE_DEG)]
    shapes = frame.geometry.to_crs(metric_crs).to_numpy()
    pairs = overlapping_pairs(shapes, least_m2=_LEAST_M2)
    areas = shapely.area(shapes)
    share = pairs.area_m2 / np.minimum(areas[pairs.first], areas[pairs.second])
    is_told = ~Tolerance().is_noise(pairs.area_m2, share)
    order = np.flatnonzero(is_told)
    order = order[np.argsort(-pairs.area_m2[order], kind="stable")]
    ids = frame["parcel_id"].to_numpy()
    listed = [
        Overlap(
            first=str(ids[pairs.first[at]]),
            second=str(ids[pairs.second[at]]),
            area_m2=float(pairs.area_m2[at]),
            share=float(share[at]),
        )
        for at in order[:LISTED].tolist()
    ]
    return LayerFindings(overlaps=tuple(listed), overlap_count=len(order))


@contextmanager
def finding_beside(
    imported: Imported, metric_crs: pyproj.CRS
) -> Iterator[Callable[[], LayerFindings]]:
    """Give a function that waits for `find_in_layer`, which works beside the caller meanwhile."""
    with ThreadPoolExecutor(1) as executor:
        yield executor.submit(find_in_layer, imported, metric_crs).result
