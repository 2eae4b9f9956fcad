"""What is at a place, and what an area that somebody drew holds.

Pure functions of a plan and a rulebook: a longitude and latitude, or a GeoJSON polygon, in
CRS84; a document out. Figures of enterprises never go out. Whether a project may go there is
for a ranking: here only the rules on control zones are asked, and they say of the parks, parcels
and buildings at a place what they say in a review.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from geo_service.crs import STORAGE_CRS, measure_area_m2
from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.extent import county_box
from geo_service.domain.placing import NOWHERE, covering_park, holding_park
from geo_service.domain.subjects import is_any_illustrative
from geo_service.errors import InvalidQueryError
from geo_service.model import Severity, Subject
from geo_service.plan import rows_of
from geo_service.reports.document import Document, plain
from geo_service.spatial.overlay import find_overlaps
from geo_service.spatial.raster import Dem, slope_of
from geo_service.units import M2_PER_HA, M2_PER_MU
from geo_service.wording import said
from geo_service.zoning.checks.control_zone import ID_COLUMNS
from geo_service.zoning.names import named_land_use, named_zone, township_names
from geo_service.zoning.zone_rules import ZoneRules, ZoneVerdict

if TYPE_CHECKING:
    from datetime import date

    from shapely.geometry.base import BaseGeometry

    from geo_service.language import Translator
    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.spatial.live_index import Box
    from geo_service.zoning.rulebook import Rulebook

MAX_VERTICES = 5_000
MAX_OUTLINE_DEG = 50
"""Of all edges together, some 5 500 km: each is followed in steps of `_SEGMENT_DEG`."""
MAX_AREA_M2 = 2e10
"""20 000 km²: several counties; beyond it the metric CRS would measure badly."""
NEAR_DEG = 2.0
"""How far beyond the county's box ground is measured; farther off the metric CRS wraps round."""
LISTED = 50
"""How many parks, parcels or enterprises of an area are named; all are counted."""
_MOST_DEG = 1e6
_SEGMENT_DEG = 0.002
"""Edges are drawn straight in degrees; in the plane they are followed at this distance."""
_NOTHING: Mapping[str, Any] = {
    "township": None,
    "parks": [],
    "parcels": [],
    "buildings": [],
    "ground": None,
    "zones": [],
    "river": None,
    "facilities": [],
    "slope": None,
    "illustrative": False,
}
_GEOMETRY = "geometry"
_POINT_M = 0.01
"""The side of the ground that stands for a point."""


@dataclass(frozen=True)
class PointInquiry:
    """What a plan, the rules in force and a language say of places."""

    plan: Plan
    rulebook: Rulebook
    translator: Translator
    as_of: date
    left_out: int = 0
    """How many rules in force are not asked, since they rest on what is withheld."""

    # ---- a place ----------------------------------------------------------------------------

    def identify(self, lon: float, lat: float) -> Document:
        """Return what is at a longitude and latitude.

        Township, parks, parcels, buildings and control zones that hold it, the nearest river
        management boundary and the nearest facility of each kind (metres, straight), and the
        slope where the plan has a DEM. Each park, parcel and building has in `rules` what a
        review finds of it by the rules on control zones; where no parcel is, `ground` has what
        it would find of a new one. A zone has those `rules` that are about it, and a `note` if
        no rule goes by its kind. Far from the county there is nothing, and nothing is near.
        """
        if not self._is_near((lon, lat, lon, lat)):
            return {"lon": lon, "lat": lat, "is_in_county": False, **_NOTHING}
        point = self._in_metres(shapely.Point(lon, lat))
        here = {layer: self._at(layer, point) for layer in ID_COLUMNS}
        heard = self._zone_rules.judge_features(here)
        is_bare = here["parcels"].empty
        new_land = self._judge_new_land_at(point, here["parks"]) if is_bare else ()
        every = [*chain.from_iterable(heard.values()), *new_land]

        def rules(layer: str, row: Mapping[str, Any]) -> Document:
            subject = Subject(layer, row[ID_COLUMNS[layer]])
            return {"rules": self._rules(heard.get(subject, ()))}

        found: Document = {
            "lon": lon,
            "lat": lat,
            "is_in_county": self._is_in_county(point),
            "township": self._township(point),
            "parks": [
                {**self._named(row, "park_id", "tier"), **rules("parks", row)}
                for row in rows_of(here["parks"])
            ],
            "parcels": [
                {**self._parcel(row), **rules("parcels", row)} for row in rows_of(here["parcels"])
            ],
            "buildings": [
                {**self._named(row, "building_id"), **rules("buildings", row)}
                for row in rows_of(here["buildings"])
            ],
            "ground": {"rules": self._rules(new_land)} if is_bare else None,
            "zones": [self._zone(row, every) for row in rows_of(self._at("control_zones", point))],
            "river": self._river(point),
            "facilities": self._facilities(point),
            "slope": self._slope(point),
        }
        rows = [*found["parks"], *found["parcels"], *found["zones"], *found["facilities"]]
        found["illustrative"] = any(row["illustrative"] for row in rows)
        document: Document = plain(found)
        return document

    def _in_metres(self, shape: BaseGeometry) -> BaseGeometry:
        to_metres = pyproj.Transformer.from_crs(STORAGE_CRS, self.plan.metric_crs, always_xy=True)
        return shapely.transform(shape, lambda xy: np.column_stack(to_metres.transform(*xy.T)))

    def _near(self) -> Box | None:
        """West, south, east, north within which ground is measured; None for an empty plan."""
        box = county_box(self.plan)
        if box is None:
            return None
        west, south, east, north = box
        return west - NEAR_DEG, south - NEAR_DEG, east + NEAR_DEG, north + NEAR_DEG

    def _is_near(self, bounds: Box) -> bool:
        near = self._near()
        return near is None or (
            near[0] <= bounds[0]
            and near[1] <= bounds[1]
            and bounds[2] <= near[2]
            and bounds[3] <= near[3]
        )

    def _at(self, layer: str, shape: BaseGeometry) -> gpd.GeoDataFrame:
        """Rows of a layer whose shape meets another one, if only at a border."""
        frame = self.plan.metric(layer)
        return frame.iloc[np.sort(frame.sindex.query(shape, predicate="intersects"))]

    def _judge_new_land_at(
        self, point: BaseGeometry, parks: gpd.GeoDataFrame
    ) -> tuple[ZoneVerdict, ...]:
        """What is heard of a point's ground, which is of the smallest park that holds the point."""
        [position] = holding_park(parks.geometry.to_numpy(), np.array([point]))
        park_id = None if position == NOWHERE else parks["park_id"].iloc[position]
        square = point.buffer(_POINT_M / 2, cap_style="square")
        return self._zone_rules.judge_new_land(square, park_id)

    def _is_in_county(self, point: BaseGeometry) -> bool | None:
        """Whether a point lies in the county; None when the plan has no county."""
        frame = self.plan.metric("county")
        if frame.empty:
            return None
        return bool(shapely.intersects(frame.geometry.to_numpy(), point).any())

    def _township(self, point: BaseGeometry) -> Document | None:
        rows = rows_of(self._at("township_areas", point))
        if not rows:
            return None
        code = rows[0]["township_code"]
        name = township_names(self.plan).get(code)
        return {"code": code, "name": self.translator.convert(name) if name else code}

    def _named(self, row: Mapping[str, Any], key: str, *columns: str) -> Document:
        """A row's id, its name in the reader's script, whether it is made up, and `columns`."""
        name = row.get("name")
        return {
            key: row[key],
            "name": self.translator.convert(name) if isinstance(name, str) else None,
            **{column: row[column] for column in columns},
            "illustrative": bool(row["illustrative"]),
        }

    def _parcel(self, row: Mapping[str, Any]) -> Document:
        known = plain({name: row[name] for name in ("land_use", "land_use_scheme", "status")})
        use = known["land_use"]
        named = named_land_use(known["land_use_scheme"], use) if use else None
        return {
            **self._named(row, "parcel_id", "park_id", "area_m2"),
            **known,
            "land_use_name": self.translator.render(named) if named else None,
            "status_name": self.translator.text(f"status.{known['status'] or 'other'}"),
        }

    def _zone(self, row: Mapping[str, Any], verdicts: Iterable[ZoneVerdict]) -> Document:
        return {
            **self._named(row, "zone_id", "kind", "legal_basis"),
            "grade": plain(row["grade"]),
            "kind_name": self.translator.render(named_zone(row["kind"], [row["grade"]])),
            "rules": self._rules(verdicts, about={row["zone_id"]}),
            "note": self._note_on(row["kind"]),
        }

    def _note_on(self, kind: str) -> str | None:
        """Return that no rule in force goes by zones of a kind; None if one does."""
        has_rule = kind in self._zone_rules.kinds
        return None if has_rule else self.translator.text("map.zone_no_rule")

    def _river(self, point: BaseGeometry) -> Document | None:
        frame = self.plan.metric("rivers")
        frame = frame[frame["is_management_boundary"].fillna(value=False).astype(bool)]
        if frame.empty:
            return None
        far_m = shapely.distance(frame.geometry.to_numpy(), point)
        position = int(np.argmin(far_m))
        [row] = rows_of(frame.iloc[[position]])
        return {
            **self._named(row, "river_id"),
            "distance_m": float(far_m[position]),
        }

    def _facilities(self, point: BaseGeometry) -> list[Document]:
        """The nearest facility of each kind, the nearest kind first."""
        frame = self.plan.metric("facilities")
        far_m = shapely.distance(frame.geometry.to_numpy(), point)
        order = np.argsort(far_m, kind="stable")
        nearest = order[~frame["kind"].iloc[order].duplicated().to_numpy()]
        return [
            {
                **self._named(row, "facility_id", "kind"),
                "kind_name": self.translator.text(f"facility.{row['kind']}"),
                "distance_m": float(distance_m),
            }
            for row, distance_m in zip(rows_of(frame.iloc[nearest]), far_m[nearest], strict=True)
        ]

    def _slope(self, shape: BaseGeometry) -> Document | None:
        """The slope of ground, round a point of the cells there; None if no DEM tells it."""
        if self.plan.dem is None:
            return None
        dem = Dem.of(self.plan.dem)
        ground = shape if shape.area else shape.buffer(max(dem.cell_m))
        row = slope_of(dem, np.array([ground], dtype=object)).iloc[0]
        if not math.isfinite(row["mean_percent"]):
            return None
        return {"percent": float(row["mean_percent"]), "degrees": float(row["mean_degrees"])}

    # ---- rules ------------------------------------------------------------------------------

    @cached_property
    def _zone_rules(self) -> ZoneRules:
        return ZoneRules(self.plan, self.rulebook, self.as_of)

    def _rules(
        self, verdicts: Iterable[ZoneVerdict], *, about: Collection[str] | None = None
    ) -> list[Document]:
        """Documents of what rules say, or of what they say about some zones; none stands twice."""
        chosen = [item for item in verdicts if about is None or not item.zone_ids.isdisjoint(about)]
        each = {(item.rule.rule_id, item.verdict): item for item in chosen}
        return [self._rule(item) for item in each.values()]

    def _rule(self, verdict: ZoneVerdict) -> Document:
        return {
            "rule_id": verdict.rule.rule_id,
            "title": self.translator.pick(verdict.rule.part.title),
            "severity": verdict.severity.value,
            "severity_name": self.translator.text(f"severity.{verdict.severity}"),
            "verdict": verdict.verdict.value,
        }

    # ---- an area ----------------------------------------------------------------------------

    def describe(self, geometry: object) -> Document:
        """Return what an area holds: its size, zones, must-rules, parks, parcels, enterprises.

        Areas are by the workspace's method. Enterprises count where their point lies inside,
        parcels and parks where they overlap the area. `rules` has the worst that each must-rule
        on control zones would say of a new parcel of this shape; it is of the park that covers
        most of it.

        Raises
        ------
        InvalidQueryError
            `geometry` is no valid GeoJSON polygon in degrees, one too large, or one that
            reaches far beyond the county.
        """
        shape = self.in_metres(geometry)
        area_m2 = float(self._area_m2([shape])[0])
        if area_m2 > MAX_AREA_M2:
            _refuse(said("problem.area_large", most=MAX_AREA_M2 / 1e6))
        heard = self._zone_rules.judge_new_land(shape, self._park_of(shape))
        zones = self._overlapped(shape, area_m2, heard)
        members = {
            layer: self._members(shape, layer, key)
            for layer, key in (("parks", "park_id"), ("parcels", "parcel_id"))
        }
        settings = self.plan.settings
        method = self.translator.text(
            f"area_method.{settings.area_method}", crs=settings.metric_crs
        )
        found = {
            "area_m2": area_m2,
            "area_ha": area_m2 / M2_PER_HA,
            "area_mu": area_m2 / M2_PER_MU,
            "share_in_county": self._share_in_county(shape, area_m2),
            "area_method": method,
            "zones": zones,
            "rules": [self._rule(item) for item in _worst_of_must(heard)],
            **members,
            "enterprises": self._enterprises(shape),
            "illustrative": any(zone["illustrative"] for zone in zones)
            or any(part["illustrative"] for part in members.values()),
        }
        document: Document = plain(found)
        return document

    def facts(self, shape: BaseGeometry) -> Document:
        """Return what lies on ground in the metric CRS, and what is near, without any rule.

        Zones that it overlaps, its township, the nearest river management boundary and facility
        of each kind (metres from its border), and its mean slope.
        """
        inside = shape.representative_point()
        found = {
            "zones": self._overlapped(shape, float(self._area_m2([shape])[0]), ())
            if shape.area
            else [],
            "township": self._township(inside),
            "river": self._river(shape),
            "facilities": self._facilities(shape),
            "slope": self._slope(shape),
        }
        document: Document = plain(found)
        return document

    def in_metres(self, geometry: object) -> BaseGeometry:
        """Return a drawn GeoJSON polygon in the metric CRS; InvalidQueryError as `describe`."""
        return self.near_county(read_polygon(geometry))

    def near_county(self, drawn: BaseGeometry) -> BaseGeometry:
        """Return a shape in degrees in the metric CRS; InvalidQueryError for one far away."""
        near = self._near()
        if near is not None and not self._is_near(drawn.bounds):
            west, south, east, north = near
            _refuse(said("problem.area_far", west=west, south=south, east=east, north=north))
        if drawn.length > MAX_OUTLINE_DEG:
            _refuse(said("problem.outline", most=MAX_OUTLINE_DEG))
        return self._in_metres(shapely.segmentize(drawn, _SEGMENT_DEG) if drawn.area else drawn)

    def _area_m2(self, shapes: Any) -> Any:  # noqa: ANN401 - arrays
        method = self.plan.settings.area_method
        return measure_area_m2(shapes, method=method, crs=self.plan.metric_crs)

    def _over(self, shape: BaseGeometry, zones: gpd.GeoDataFrame) -> float:
        """The area in m² of a shape that zones cover, overlapping zones counted once."""
        subject = gpd.GeoDataFrame(geometry=[shape], crs=self.plan.metric_crs)
        parts = find_overlaps(subject, zones).parts
        return float(self._area_m2(parts).sum()) if len(parts) else 0.0

    def _share_in_county(self, shape: BaseGeometry, area_m2: float) -> float | None:
        """The share of a shape that lies in the county; None when the plan has no county."""
        boundary = self.plan.metric("county")
        return None if boundary.empty else min(self._over(shape, boundary) / area_m2, 1.0)

    def _park_of(self, shape: BaseGeometry) -> str | None:
        parks = self.plan.metric("parks")
        [position] = covering_park(parks.geometry.to_numpy(), np.array([shape]))
        return None if position == NOWHERE else str(parks["park_id"].iloc[position])

    def _overlapped(
        self, shape: BaseGeometry, area_m2: float, verdicts: Sequence[ZoneVerdict]
    ) -> list[Document]:
        """One entry a kind and grade of zone that the shape overlaps, the largest first."""
        frame = self._at("control_zones", shape)
        found = []
        groups: dict[tuple[str, str | None], list[int]] = {}
        for position, (kind, grade) in enumerate(zip(frame["kind"], frame["grade"], strict=True)):
            known = grade if isinstance(grade, str) else None
            groups.setdefault((kind, known), []).append(position)
        for (kind, known), positions in groups.items():
            zones = frame.iloc[positions]
            covered_m2 = self._over(shape, zones)
            if covered_m2 <= 0:
                continue
            found.append(
                {
                    "kind": kind,
                    "kind_name": self.translator.render(named_zone(kind, [known])),
                    "grade": known,
                    "name": None,
                    "area_m2": covered_m2,
                    "share": min(covered_m2 / area_m2, 1.0),
                    "zone_ids": zones["zone_id"].tolist()[:LISTED],
                    "legal_basis": "; ".join(dict.fromkeys(zones["legal_basis"].dropna())),
                    "illustrative": is_any_illustrative(zones),
                    "rules": self._rules(verdicts, about=zones["zone_id"].tolist()),
                    "note": self._note_on(kind),
                }
            )
        return sorted(found, key=lambda item: -item["area_m2"])

    def _members(self, shape: BaseGeometry, layer: str, key: str) -> Document:
        """Features of a layer that overlap a shape by more than a border."""
        frame = self.plan.metric(layer)
        near = np.sort(frame.sindex.query(shape, predicate="intersects"))
        pieces = shapely.intersection(frame.geometry.to_numpy()[near], shape)
        rows = rows_of(frame.iloc[near[shapely.area(pieces) > 0]])
        return self._listed(rows, key)

    def _enterprises(self, shape: BaseGeometry) -> Document | None:
        """Return the enterprises whose point an area covers; None if they are withheld."""
        if self.plan.is_withheld("enterprises"):
            return None
        active = active_enterprises(self.plan)
        frame = self.plan.metric("enterprises").loc[active.index]
        positions = np.sort(frame.sindex.query(shape, predicate="covers"))
        return self._listed(rows_of(frame.iloc[positions]), "enterprise_id")

    def _listed(self, rows: Sequence[Mapping[str, Any]], key: str) -> Document:
        named = [self._named(row, key) for row in rows[:LISTED]]
        return {
            "count": len(rows),
            "items": [{"id": row[key], "name": row["name"]} for row in named],
            "illustrative": any(bool(row["illustrative"]) for row in rows),
        }


def _worst_of_must(verdicts: Iterable[ZoneVerdict]) -> list[ZoneVerdict]:
    """Return the first that each must-rule says; of one rule the worst comes first."""
    found: dict[str, ZoneVerdict] = {}
    for item in verdicts:
        if item.severity is Severity.MUST:
            found.setdefault(item.rule.rule_id, item)
    return list(found.values())


def read_polygon(document: object) -> BaseGeometry:
    """Return a GeoJSON Polygon or MultiPolygon, or the feature of one, as a shape in degrees.

    Raises
    ------
    InvalidQueryError
        It is none, crosses itself, has too many vertices, or leaves the globe.
    """
    geometry = document
    if isinstance(document, Mapping) and document.get("type") == "Feature":
        geometry = document.get(_GEOMETRY)
    kinds = ("Polygon", "MultiPolygon")
    if not isinstance(geometry, Mapping) or geometry.get("type") not in kinds:
        _refuse(said("problem.polygon"))
    polygons = geometry.get("coordinates")
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    shapes = [_polygon(rings) for rings in _list(polygons)]
    shape = shapes[0] if len(shapes) == 1 else shapely.MultiPolygon(shapes)
    if shapely.get_num_coordinates(shape) > MAX_VERTICES:
        _refuse(said("problem.vertices", most=MAX_VERTICES))
    if not shapely.is_valid(shape) or shape.is_empty or shape.area == 0:
        _refuse(said("problem.crosses"))
    return shape


def _polygon(rings: object) -> shapely.Polygon:
    shell, *holes = [_ring(ring) for ring in _list(rings)]
    return shapely.Polygon(shell, holes)


def _ring(ring: object) -> list[tuple[float, float]]:
    positions = _list(ring)
    if len(positions) > MAX_VERTICES:
        _refuse(said("problem.vertices", most=MAX_VERTICES))
    found = [_position(position) for position in positions]
    if len(found) < 4 or found[0] != found[-1]:  # noqa: PLR2004 - a triangle, closed
        _refuse(said("problem.ring"))
    return found


def _position(position: object) -> tuple[float, float]:
    numbers = _list(position)[:2]
    if len(numbers) < 2 or not all(_is_number(value) for value in numbers):  # noqa: PLR2004
        _refuse(said("problem.position"))
    lon, lat = (float(value) for value in numbers)
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # noqa: PLR2004 - the globe
        _refuse(said("problem.degrees"))
    return lon, lat


def _is_number(value: object) -> bool:
    """Whether a value is a number that degrees can be; whole ones of any length are looked at."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -_MOST_DEG <= value <= _MOST_DEG


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or not value:
        _refuse(said("problem.coordinates"))
    return value


def _refuse(reason: Message) -> NoReturn:
    raise InvalidQueryError(_GEOMETRY, said("problem.named", name=_GEOMETRY, reason=reason))
