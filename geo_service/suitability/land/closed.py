"""Areas that are closed to a project on new land, and why: the county, rules, what stands.

The rules are those of the review (`exclusion.find_closures`); nothing here knows which zones
forbid what. Shapes are in the metric CRS. Where sites fit on the rest is found by `search`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.domain.subjects import is_any_illustrative
from geo_service.domain.vacancy import is_free
from geo_service.errors import InvalidQueryError
from geo_service.model import Verdict
from geo_service.suitability.candidates import Candidate, CandidateKind
from geo_service.suitability.exclusion import find_closures, reason_of
from geo_service.suitability.reasons import Reason
from geo_service.wording import said
from geo_service.zoning.checks.layout import township_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.zoning.rulebook import Rulebook

RIVER_LINE_M = 15.0
"""How far to keep off a river that is drawn as a line only; a default of this product."""
FACILITY_M = 100.0
"""How far to keep off the point of a facility, whose own site is not drawn; our default."""
THROUGH_ROADS = ("expressway", "national", "provincial")
"""Roads that a site cannot lie across; smaller ones can be moved. Our default."""
THROUGH_ROAD_M = 20.0
"""Half the width that such a road takes; our default."""
OCCUPYING_LAYERS = ("parks", "parcels", "buildings", "rivers", "facilities", "roads")
"""Layers whose features occupy land; see `occupied` for what of each counts."""
_THINNED_M = 1.0
"""How far a line may be off after it is thinned before a wide buffer is drawn around it."""
_SEGMENTS = 16


class Cause(StrEnum):
    """What closes an area."""

    RULE = "rule"
    OCCUPIED = "taken"


@dataclass(frozen=True, kw_only=True)
class ClosedArea:
    """An area that is not free (`fail`), or of which a rule cannot tell (`unknown`).

    `name` is the rule's id, or the layer that occupies the area. `is_closed` says whether
    sites keep off it: of an unknown area, only if the project excludes what is unknown.
    """

    cause: Cause
    name: str
    verdict: Verdict
    shapes: NDArray[np.object_]
    is_closed: bool = True


@dataclass(frozen=True, kw_only=True)
class Territory:
    """A county as a search for land sees it: its shape and all areas that are not free.

    `unjudged` are the rules that cannot be judged anywhere in the county, for lack of data.
    `is_illustrative` says whether any feature that decided is made up: of the county's
    shape, of the rules' zones and rivers, of what occupies land, or of the roads.
    """

    shape: BaseGeometry
    shape_layer: str
    closed_areas: tuple[ClosedArea, ...]
    unjudged: tuple[Reason, ...]
    is_illustrative: bool

    @property
    def closed_shapes(self) -> NDArray[np.object_]:
        """All shapes that sites keep off."""
        closed = [area.shapes for area in self.closed_areas if area.is_closed]
        return np.concatenate([np.zeros(0, dtype=object), *closed])


def survey(plan: Plan, project: Project, rulebook: Rulebook, *, as_of: date) -> Territory:
    """Return what of the county is closed or taken to a project on new land.

    Raises
    ------
    InvalidQueryError
        The workspace has neither the county's boundary nor polygons of townships.
    """
    shape, shape_layer, made_up = _county_shape(plan)
    shapely.prepare(shape)
    closed_areas: list[ClosedArea] = []
    unjudged: list[Reason] = []
    probe = _probe(shape)
    for rule, closure in find_closures(plan, probe, project, rulebook, as_of=as_of):
        if closure.features is None:
            if closure.unknown is not None:
                unjudged.append(reason_of(rule, closure.unknown, as_of))
            continue
        made_up |= is_any_illustrative(closure.features)
        shapes = around(closure.features.geometry.to_numpy(), closure.distance_m)
        closed_areas.append(
            ClosedArea(
                cause=Cause.RULE,
                name=rule.rule_id,
                verdict=closure.verdict,
                shapes=shapes,
                is_closed=closure.verdict is Verdict.FAIL or project.unknown == "exclude",
            )
        )
    for layer, shapes in occupied(plan):
        closed_areas.append(
            ClosedArea(cause=Cause.OCCUPIED, name=layer, verdict=Verdict.FAIL, shapes=shapes)
        )
        made_up |= is_any_illustrative(plan.metric(layer))
    made_up |= is_any_illustrative(plan.metric("roads"))
    return Territory(
        shape=shape,
        shape_layer=shape_layer,
        closed_areas=tuple(closed_areas),
        unjudged=tuple(unjudged),
        is_illustrative=made_up,
    )


def around(shapes: NDArray[np.object_], distance_m: float) -> NDArray[np.object_]:
    """Return shapes with all that lies nearer than a distance to them; all of it, at least.

    A buffer's arcs are drawn as chords inside the true circle; here they are drawn outside
    it, so that what lies beyond keeps the distance. Over 1,000 m that is 1.2 m too much,
    and up to 2 m more where lines are thinned.
    """
    if distance_m <= 0:
        return shapes
    thinned = shapely.simplify(shapes, _THINNED_M) if distance_m > 100 * _THINNED_M else shapes
    reach_m = distance_m + (_THINNED_M if thinned is not shapes else 0)
    outside = reach_m / math.cos(math.pi / (4 * _SEGMENTS))
    return np.asarray(shapely.buffer(thinned, outside, quad_segs=_SEGMENTS), dtype=object)


def _county_shape(plan: Plan) -> tuple[BaseGeometry, str, bool]:
    """Return the county's shape, the layer it is from, and whether it is made up."""
    boundary = plan.metric("county")
    if len(boundary):
        shape = shapely.union_all(boundary.geometry.to_numpy())
        return shape, "county", is_any_illustrative(boundary)
    homes = township_shapes(plan)
    if not homes:
        name = "candidates"
        raise InvalidQueryError(name, said("problem.no_ground"))
    made_up = any(
        is_any_illustrative(plan.metric(layer)) for layer in ("townships", "township_areas")
    )
    return shapely.union_all(list(homes.values())), "township_areas", made_up


def _probe(shape: BaseGeometry) -> Candidate:
    """Return new land somewhere in the county, to ask the rules what they close to it."""
    square = shape.representative_point().buffer(1)
    return Candidate(
        candidate_id="land:probe",
        kind=CandidateKind.LAND,
        park_id=None,
        members=(),
        area_m2=square.area,
        geometry=square,
    )


def occupied(
    plan: Plan, near: BaseGeometry | None = None
) -> Iterator[tuple[str, NDArray[np.object_]]]:
    """Yield layer by layer what occupies land already: all of it, or what meets a shape.

    Parks; parcels that are not vacant or idle; buildings; rivers and other water; facilities;
    and roads that a site cannot lie across. Vacant parcels outside parks are free.
    """

    def rows(layer: str) -> gpd.GeoDataFrame:
        frame = plan.metric(layer)
        if near is None:
            return frame
        within = near.buffer(2 * FACILITY_M)
        return frame.iloc[np.sort(frame.sindex.query(within, predicate="intersects"))]

    parcels, rivers, roads = rows("parcels"), rows("rivers"), rows("roads")
    parts = {
        "parks": rows("parks").geometry.to_numpy(),
        "parcels": parcels[~is_free(parcels)].geometry.to_numpy(),
        "buildings": rows("buildings").geometry.to_numpy(),
        "rivers": _with_area(rivers.geometry.to_numpy(), RIVER_LINE_M),
        "facilities": around(rows("facilities").geometry.to_numpy(), FACILITY_M),
        "roads": around(
            roads[roads["class"].isin(THROUGH_ROADS)].geometry.to_numpy(), THROUGH_ROAD_M
        ),
    }
    for layer in OCCUPYING_LAYERS:
        shapes = parts[layer]
        present = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        if near is not None:
            present = present[shapely.intersects(present, near)]
        if len(present):
            yield layer, present


def _with_area(shapes: NDArray[np.object_], width_m: float) -> NDArray[np.object_]:
    """Return polygons as they are, and lines with a width to either side."""
    is_flat = shapely.get_dimensions(shapes) < 2  # noqa: PLR2004 - dimension of a surface
    wide = shapes.copy()
    wide[is_flat] = around(shapes[is_flat], width_m)
    return wide
