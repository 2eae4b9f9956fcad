"""Questions about a place or a drawn area: what is here, and what stands against it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response

from geo_service.language import Language
from geo_service.planning import PlanningService
from geo_service.planning.identify import PointInquiry
from geo_service.web.answers import answers, shape_of
from geo_service.web.language import LanguageDep
from geo_service.web.replies import ServiceDep, json_reply
from geo_service.web.slots import WorkKind, in_turn

router = APIRouter(prefix="/api", tags=["places"])

Longitude = Annotated[float, Query(ge=-180, le=180, description="Degrees east (CRS84).")]
Latitude = Annotated[float, Query(ge=-90, le=90, description="Degrees north (CRS84).")]


def _inquiry(service: PlanningService, language: Language) -> PointInquiry:
    today = date.today()  # noqa: DTZ011 - the county's calendar day
    return PointInquiry(service.plan, service.rulebook, service.translator(language), today)


@router.get("/identify", summary="Identify a point", responses=answers("Place"))
@in_turn(WorkKind.PLACES)
def identify(
    request: Request, service: ServiceDep, language: LanguageDep, lon: Longitude, lat: Latitude
) -> Response:
    """Return township, parks, parcels, control zones and what they forbid, and what is near.

    Distances are straight, in metres in the plan's metric CRS; `slope` is null without a DEM.
    """
    return json_reply(request, _inquiry(service, language).identify(lon, lat))


@router.post(
    "/areas",
    summary="Identify an area",
    responses=answers("Area", is_tagged=False),
    openapi_extra={"requestBody": {"content": {"application/json": shape_of("Polygon")}}},
)
@in_turn(WorkKind.PLACES)
def describe_area(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: Annotated[
        dict[str, Any],
        Body(
            description="A GeoJSON Polygon or MultiPolygon, or a Feature of one, in CRS84.",
            examples=[
                {
                    "type": "Polygon",
                    "coordinates": [
                        [[108.7, 30.9], [108.72, 30.9], [108.72, 30.92], [108.7, 30.9]]
                    ],
                }
            ],
        ),
    ],
) -> Response:
    """Return an area's size, its overlap with control zones, broken must-rules, and members.

    Nothing is saved: the answer depends only on the polygon, the plan and the rulebook.
    """
    return json_reply(request, _inquiry(service, language).describe(body))
