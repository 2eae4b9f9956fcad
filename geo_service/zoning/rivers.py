"""Rivers: which management boundaries a rule measures from, and what is missing to do so.

A rule names rivers by rank. The workspace says of which ranks it has all rivers
(`complete_river_ranks`); of the others the layer may lack some.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import shapely

from geo_service.model import Message, Subject, Verdict
from geo_service.spatial.nearest import LineSides, nearest_lines
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import text_or_none
from geo_service.zoning.names import named_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan

Rank = Literal["main", "important_tributary", "tributary"]

UNMAPPED_MARGIN_M = 1_000.0
"""How far a management boundary may lie from the centreline of a river that lacks one."""


@dataclass(frozen=True)
class Rivers:
    """The management boundaries to measure from, and the other rivers of the ranks."""

    boundaries: gpd.GeoDataFrame
    others: gpd.GeoDataFrame
    """Centrelines, and rivers whose rank or flag is not given."""
    is_all_missing: bool
    open_ranks: tuple[Rank, ...]
    """Ranks of which the workspace does not say that it has all rivers."""

    @classmethod
    def of(cls, plan: Plan, ranks: tuple[Rank, ...]) -> Rivers | None:
        """Sort the rivers; None when the workspace says that the county has none of the ranks."""
        rivers = plan.metric("rivers")
        complete = plan.settings.complete_river_ranks
        open_ranks = tuple(rank for rank in ranks if rank not in complete)
        rank, flag = rivers["rank"], rivers["is_management_boundary"].astype("boolean")
        of_rank = (rank.isin(ranks) | rank.isna()).to_numpy(dtype=bool)
        if not of_rank.any() and not open_ranks:
            return None
        is_boundary = (flag.fillna(value=False) & rank.notna()).to_numpy(dtype=bool)
        others = rivers[of_rank & ~is_boundary]
        boundaries = rivers[of_rank & is_boundary]
        return cls(boundaries, others, not of_rank.any(), open_ranks)

    @cached_property
    def _other_shapes(self) -> NDArray[np.object_]:
        return self.others.geometry.to_numpy()

    @property
    def missing(self) -> tuple[str, list[str]]:
        """What is missing where the layer has no river of the ranks."""
        return "rivers.rank", list(self.open_ranks)

    def nearest(self, shapes: Sequence[BaseGeometry | None]) -> list[tuple[int | None, float]]:
        """Return, for each shape, the position of the nearest boundary and the distance to it.

        None and infinity for no shape, or if there is no boundary.
        """
        result: list[tuple[int | None, float]] = [(None, np.inf)] * len(shapes)
        given = np.empty(len(shapes), dtype=object)
        given[:] = shapes
        asked = gpd.GeoSeries(given, crs=self.boundaries.crs)
        found = nearest_lines(asked, self.boundaries)
        lines = found.line
        rows = np.flatnonzero(lines >= 0)
        # Measured again by shapely, so that a distance does not depend on the kernel.
        known = zip(lines[rows].tolist(), given[rows], found.distance_m[rows].tolist(), strict=True)
        near = [self._near(*each) for each in known]
        distances = shapely.distance(near, given[rows])
        measured = zip(rows.tolist(), lines[rows].tolist(), distances.tolist(), strict=True)
        for row, position, distance_m in measured:
            result[row] = (position, distance_m)
        return result

    @cached_property
    def _sides(self) -> dict[int, LineSides]:
        return {}

    def _near(self, position: int, shape: BaseGeometry, distance_m: float) -> BaseGeometry:
        """Return what runs near a shape of a boundary that is about so far from it."""
        if position not in self._sides:
            self._sides[position] = LineSides(self.boundaries.geometry.iloc[position])
        return self._sides[position].near(shape, distance_m)

    def name(self, position: int) -> Message:
        """Return the name of a boundary."""
        river = self.boundaries.iloc[position]
        return _named_boundary(text_or_none(river["name"]) or river["river_id"])

    def with_line(
        self, finding: RawFinding, shape: BaseGeometry | None, position: int
    ) -> RawFinding:
        """Return a finding with the shortest line to a boundary."""
        river = self.boundaries.iloc[position]
        line = shapely.shortest_line(shape, river["geometry"])
        evidence = {**finding.evidence, "river_id": river["river_id"]}
        return replace(finding, geometry=line, evidence=evidence)

    def unmapped_near(self, shape: BaseGeometry, distance_m: float) -> tuple[str, list[str]] | None:
        """Return the column and rows that are missing to judge a place, or None."""
        if self.is_all_missing:
            return self.missing
        reach = distance_m + UNMAPPED_MARGIN_M
        is_close = shapely.dwithin(self._other_shapes, shape, reach)
        if not is_close.any():
            return None
        close = self.others[is_close]
        unsure = [
            not isinstance(rank, str) or not self._is_mapped_at(shapely.shortest_line(line, shape))
            for rank, line in zip(close["rank"], close.geometry, strict=True)
        ]
        found = close[np.array(unsure, dtype=bool)]
        if found.empty:
            return None
        lacks_rank = bool(found["rank"].isna().any())
        column = "rivers.rank" if lacks_rank else "rivers.is_management_boundary"
        return column, sorted(found["river_id"])

    def unmapped(self) -> gpd.GeoDataFrame:
        """Return what `unmapped_near` may find: rivers without a rank, and unmapped stretches."""
        mapped = shapely.union_all(
            shapely.buffer(self.boundaries.geometry.to_numpy(), UNMAPPED_MARGIN_M)
        )
        has_rank = self.others["rank"].notna().to_numpy(dtype=bool)
        shapes = self.others.geometry.to_numpy().copy()
        shapes[has_rank] = shapely.difference(shapes[has_rank], mapped)
        rest = self.others.set_geometry(shapes, crs=self.others.crs)
        return rest[~rest.geometry.is_empty]

    def _is_mapped_at(self, way: BaseGeometry) -> bool:
        """Whether a boundary runs near where the way from a centreline begins."""
        start = shapely.get_point(way, 0)
        near = shapely.dwithin(self.boundaries.geometry.to_numpy(), start, UNMAPPED_MARGIN_M)
        return bool(np.any(near))

    def unmeasurable(
        self, subject: Subject, park_id: str | None, column: str, rows: list[str]
    ) -> RawFinding:
        """Return the `unknown` of a feature that nothing can be measured from."""
        is_no_river = self.is_all_missing and column == "rivers.rank"
        ranks = [Message(f"river.{rank}") for rank in self.open_ranks]
        values = {
            "column": named_column(column),
            "rows": rows or [subject.id],
            "ranks": ranks,
            "names": list(self.open_ranks),
        }
        return RawFinding(
            verdict=Verdict.UNKNOWN,
            park_id=park_id,
            subject=subject,
            title=Message("finding.no_rivers" if is_no_river else "finding.missing_value", values),
            evidence={
                "measure": "distance_to_management_boundary",
                "value": None,
                "missing_column": column,
                "missing_rows": rows or [subject.id],
            },
            cure=Message("cure.add_rivers" if is_no_river else "cure.fill_value", values),
            key="missing",
        )


def _named_boundary(river: str) -> Message:
    """Return the name of a management boundary, whose row may carry the river's name only."""
    is_its_own = "管理范围" in river
    return Message("name.boundary" if is_its_own else "name.boundary_of", {"name": river})
