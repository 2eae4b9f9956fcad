"""A small county for tests of scenarios, and short ways to edits."""

from __future__ import annotations

from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.language import Translator
from geo_service.plan import Plan
from geo_service.reports.document import dump, review_document
from geo_service.scenarios.library import scenario
from geo_service.zoning.review import Review
from tests.county import FEW_RULES, County, Row, box, enterprise, in_degrees, line, parcel, point

MARK = {"source": "made for tests", "illustrative": True}
Document = dict[str, Any]


def scenario_county() -> County:
    """Return two parks with parcels, a building of two floors and enterprises.

    P1 (0..1000, 0..1000): A (built, E1 and E2 on it), B beside it (vacant), and H below the
    building BD, whose floor 1 has 300 of 1000 m² vacant and floor 2 all of 1000. P2 (2000..3000):
    C (vacant).
    """
    county = County()
    county.rules = FEW_RULES
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100), investment_cny=300.0, plot_ratio=1.0),
        parcel("B", box(100, 0, 100, 100), status="vacant", investment_cny=100.0, plot_ratio=2.0),
        parcel("C", box(2000, 0, 200, 100), park_id="P2", status="vacant"),
        parcel("H", box(0, 200, 100, 100)),
    ]
    county.layers["buildings"] = [
        {
            "building_id": "BD",
            "park_id": "P1",
            "parcel_id": "H",
            "name": "一号楼",
            "geometry": box(10, 210, 50, 50),
            **MARK,
        }
    ]
    county.layers["floors"] = [floor("BD", 1, 1000, 300), floor("BD", 2, 1000, 1000)]
    rows = county.layers["enterprises"]
    for row in rows:
        row["floor_m2"] = 700
        row |= {"parcel_id": None, "building_id": None, "floor_no": None}
    rows[0] |= {"parcel_id": "A", "land_m2": 4000}
    rows[1] |= {"parcel_id": "A", "land_m2": 4000}
    rows[2] |= {"building_id": "BD", "floor_no": 1}
    rows.append(
        enterprise("E1", "1311", 90.0, year=2024, parcel_id="A", building_id=None, floor_no=None)
    )
    return county


def floor(building_id: str, number: int, area_m2: float, vacant_m2: float) -> Row:
    """Return a floor's row."""
    return {
        "building_id": building_id,
        "floor_no": number,
        "area_m2": area_m2,
        "vacant_m2": vacant_m2,
        **MARK,
    }


def geojson(shape: BaseGeometry) -> Document:
    """Return a shape, given in metres, as GeoJSON."""
    found: Document = shapely.geometry.mapping(in_degrees(shape))
    return {"type": found["type"], "coordinates": lists(found["coordinates"])}


def lists(part: Any) -> Any:  # noqa: ANN401 - nested tuples
    """Return nested tuples as lists."""
    return [lists(item) for item in part] if isinstance(part, tuple) else part


def edit(op: str, **fields: object) -> Document:
    """Return an edit as JSON values."""
    return {"op": op, "reason": "试一试", **fields}


def moved(enterprise_id: str, **place: object) -> Document:
    """Return a move of an enterprise."""
    return edit("move_enterprise", enterprise_id=enterprise_id, **place)


def cut(parcel_id: str, *places: tuple[float, float]) -> Document:
    """Return a cut of a parcel along places in metres from the origin."""
    return edit("split_parcel", parcel_id=parcel_id, line=geojson(line(*places)))


def a_point(x: float, y: float) -> Document:
    """Return a point, in metres from the origin, as GeoJSON."""
    return geojson(point(x, y))


def applied(plan: Plan, *edits: Document) -> Plan:
    """Return a plan with edits made."""
    return scenario(plan, edits).plan


def row_of(plan: Plan, layer: str, **key: object) -> Document:
    """Return the one row of a layer with these values."""
    frame = plan.frame(layer)
    for name, value in key.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return {str(name): value for name, value in frame.iloc[0].items()}


def told(review: Review) -> bytes:
    """Return a review as JSON, to be compared to the last byte."""
    return dump(review_document(review, Translator()))
