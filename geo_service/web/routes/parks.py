"""Parks: the list by tier, township, verdict and bbox, one park, and its focus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.model import Tier, Verdict
from geo_service.web.answers import answers
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    GEOJSON,
    BboxDep,
    Limit,
    Offset,
    OfScenario,
    ServiceDep,
    features_reply,
    json_reply,
    next_address,
)
from geo_service.web.slots import WorkKind, in_turn

router = APIRouter(prefix="/api/parks", tags=["parks"])


@router.get(
    "", summary="Parks as features", responses=answers("Parks", NotFoundError, media_type=GEOJSON)
)
@in_turn(WorkKind.PARKS, only_with="scenario")
def parks(  # noqa: PLR0913 - the filters that the contract names
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    tier: Annotated[Tier | None, Query(description="Only this tier.")] = None,
    township: Annotated[
        str | None,
        Query(max_length=100, description="A township's name, or its code in either set."),
    ] = None,
    verdict: Annotated[Verdict | None, Query(description="Only this verdict.")] = None,
    scenario: OfScenario = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return parks with their verdicts as a FeatureCollection, in the order of the layer."""
    found = service.parks.features(
        language, tier=tier, township=township, verdict=verdict, bbox=bbox, scenario=scenario
    )
    return features_reply(request, found[offset : offset + limit], len(found))


@router.get(
    "/{park_id}",
    summary="One park as a feature",
    responses=answers("Park", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.PARKS, only_with="scenario")
def park(
    park_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return one park with its verdicts and shares."""
    found = service.parks.feature(park_id, language, scenario=scenario)
    return json_reply(request, found, media_type=GEOJSON)


@router.get(
    "/{park_id}/focus",
    summary="How a park keeps to its leading industry",
    responses=answers("Focus", NotFoundError),
)
@in_turn(WorkKind.PARKS)
def focus(  # noqa: PLR0913 - what the contract of lists names
    park_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    scenario: OfScenario = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a park's shares, concentration, and the findings of the focus family.

    `findings` are the first `limit`, gravest first; `numberMatched` tells how many there are, and
    `next` is the address of the next ones, null after the last.
    """
    document = service.parks.focus(park_id, language, slice_=(limit, offset), scenario=scenario)
    address = next_address(request, limit, offset, document["numberMatched"])
    return json_reply(request, {**document, "next": address})
