"""What the pages of scenarios read and send beside the contract: choices, and whole files."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import InvalidQueryError, NotFoundError, ScenarioError
from geo_service.planning.pages.scenario_picks import find_features, find_land_uses
from geo_service.web.answers import answers
from geo_service.web.language import LanguageDep
from geo_service.web.replies import Limit, Offset, ServiceDep, json_reply
from geo_service.web.slots import WorkKind, in_turn

router = APIRouter(prefix="/api", tags=["scenarios"])

_LONGEST = 300
_MOST_TEXT = 2_000_000
"""Characters of a scenario's file; the limit of bodies is met before."""
_ID = Path(max_length=64, description="A scenario's id.")
_OneId = Annotated[str | None, Query(max_length=_LONGEST)]


class ScenarioText(BaseModel):
    """A scenario's file, YAML or JSON, as its text."""

    model_config = ConfigDict(extra="forbid")
    file: str = Field(default="scenario", max_length=_LONGEST, description="The file's name.")
    text: str = Field(max_length=_MOST_TEXT)
    author: str = Field(default="", max_length=200)


@router.post(
    "/scenarios/import",
    status_code=201,
    summary="Take a scenario's file in",
    responses=answers("Scenario", ScenarioError, status=201),
)
@in_turn(WorkKind.SCENARIOS)
def take_in(
    body: ScenarioText, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Keep the scenario of a file, YAML or JSON; refused where its base is not here."""
    desk = service.scenarios
    record = desk.take_in(body.text, body.file, author=body.author)
    document = desk.document(record, service.translator(language))
    answer = json_reply(request, document, status=201)
    answer.headers["location"] = f"/api/scenarios/{record.scenario_id}"
    return answer


@router.get(
    "/scenarios/{scenario_id}/features",
    summary="Features of a scenario's plan, to choose from",
    responses=answers("Picks", InvalidQueryError, NotFoundError, ScenarioError),
)
def features(  # noqa: PLR0913 - what a list is asked by
    scenario_id: Annotated[str, _ID],
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    layer: Annotated[str, Query(max_length=50)],
    query: Annotated[str, Query(max_length=100, description="Part of an id or of a name.")] = "",
    id: _OneId = None,  # noqa: A002 - a feature's id
    park: _OneId = None,
    building: _OneId = None,
    geometry: Annotated[bool, Query(description="Whether to tell shapes.")] = False,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """Return features of a layer of the scenario's plan by id, name, park or building."""
    found = find_features(
        service.scenarios.plan(scenario_id),
        layer,
        service.translator(language),
        query=query,
        feature_id=id,
        park_id=park,
        building_id=building,
        has_geometry=geometry,
        limit=limit,
        offset=offset,
    )
    return json_reply(request, found)


@router.get(
    "/plan/features",
    summary="Features of the plan, to choose from",
    responses=answers("Picks", InvalidQueryError, NotFoundError),
)
def plan_features(  # noqa: PLR0913 - what a list is asked by
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    layer: Annotated[str, Query(max_length=50)],
    query: Annotated[str, Query(max_length=100, description="Part of an id or of a name.")] = "",
    id: _OneId = None,  # noqa: A002 - a feature's id
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """Return features of a layer of the plan of now by id or name."""
    translator = service.translator(language)
    found = find_features(
        service.plan, layer, translator, query=query, feature_id=id, limit=limit, offset=offset
    )
    return json_reply(request, found)


@router.get("/land-uses", summary="Codes of land uses", responses=answers("LandUses"))
def land_uses(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    scheme: Annotated[str, Query(max_length=30)] = "planning2023",
    query: Annotated[
        str, Query(max_length=100, description="The start of a code, or part of a name.")
    ] = "",
    *,
    limit: Limit = 50,
) -> Response:
    """Return codes of a scheme whose code starts with, or name contains, the query."""
    found = find_land_uses(scheme, query, service.translator(language), limit=limit)
    return json_reply(request, {"scheme": scheme, "land_uses": found})
