"""Questions about a place or a drawn area: what is here, and what stands against it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import ChoiceNeededError, ProjectError, SourceError
from geo_service.language import Language
from geo_service.planning import PlanningService
from geo_service.planning.here import (
    AUTO,
    MOST_CHARACTERS,
    MOST_CRS_CHARACTERS,
    PlaceGiven,
    SiteInquiry,
)
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
    rules = service.judging_rules
    left_out = len(service.rulebook.rules) - len(rules.rules)
    return PointInquiry(service.plan, rules, service.translator(language), today, left_out)


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


class SiteQuestion(BaseModel):
    """A project, and a place for it: a point, a polygon, or pasted boundary points."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    project: dict[str, Any] = Field(description="A project, as `POST /api/rankings` takes it.")
    lon: float | None = Field(default=None, ge=-180, le=180, description="Degrees east (CRS84).")
    lat: float | None = Field(default=None, ge=-90, le=90, description="Degrees north (CRS84).")
    geometry: dict[str, Any] | None = Field(
        default=None, description="A GeoJSON Polygon or MultiPolygon in CRS84."
    )
    points: str | None = Field(
        default=None,
        max_length=MOST_CHARACTERS,
        description="A boundary-point text, or a line for each point that ends with its two "
        "coordinates: degrees, or metres in a Gauss-Krueger zone.",
    )
    crs: str = Field(
        default=AUTO, max_length=MOST_CRS_CHARACTERS, description="Of `points`, where it is open."
    )

    @property
    def place(self) -> PlaceGiven:
        """The place that is asked about."""
        point = None
        if self.lon is not None and self.lat is not None:
            point = self.lon, self.lat
        return PlaceGiven(point=point, geometry=self.geometry, points=self.points, crs=self.crs)


@router.post(
    "/here",
    summary="Whether a project may be built at a place",
    responses=answers("SiteAnswer", ProjectError, SourceError, ChoiceNeededError, is_tagged=False),
)
@in_turn(WorkKind.PLACES, is_shared=False)
def may_stand_here(
    request: Request, service: ServiceDep, language: LanguageDep, body: SiteQuestion
) -> Response:
    """Return one verdict on a project at a place, its reasons, and the nearest that would do.

    The verdict is what a ranking says of the same ground: `pass`, `watch` (on conditions), `fail`
    or `unknown`. Nothing is saved.
    """
    found = SiteInquiry(_inquiry(service, language)).answer(body.project, body.place)
    return json_reply(request, found)
