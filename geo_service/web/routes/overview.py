"""The county on one screen: key figures with the rows behind them, and parks to decide on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.model import BasisGroup, Tier, Verdict
from geo_service.planning.pages.overview import ParkFilter
from geo_service.planning.review_files import MEDIA_TYPES, ExportFormat
from geo_service.web.answers import answers, files
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    Limit,
    Offset,
    OfScenario,
    ServiceDep,
    download_reply,
    json_reply,
)
from geo_service.web.slots import WorkKind, in_turn

router = APIRouter(prefix="/api/overview", tags=["console"])


def read_park_filter(
    *,
    tier: Annotated[Tier | None, Query(description="Only this tier.")] = None,
    verdict: Annotated[Verdict | None, Query(description="Only this verdict.")] = None,
    basis: Annotated[
        BasisGroup | None, Query(description="Only verdicts that rest on this kind of basis.")
    ] = None,
) -> ParkFilter:
    """Return which parks are asked for."""
    return ParkFilter(tier=tier, verdict=verdict, basis=basis)


ParkFilterDep = Annotated[ParkFilter, Depends(read_park_filter)]


@router.get(
    "",
    summary="Key figures, and the parks to decide on",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.PARKS)
def overview(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    asked: ParkFilterDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return the figures of the parks that fit, each with its years, and what decides verdicts.

    `counted` rows, of so many (`of`), say their value; the others are unknown, not zero. `change`
    is from the year before, in part of it (of a share, as a difference). `decisions` are the parks
    that fail, or have the verdict that is asked for, the worst first. With `scenario`, all of it is
    of the scenario's plan.
    """
    return json_reply(request, service.overview.document(language, asked, scenario=scenario))


@router.get(
    "/{figure}", summary="The rows behind a key figure", responses=answers("Any", NotFoundError)
)
@in_turn(WorkKind.PARKS)
def rows(  # noqa: PLR0913 - what the contract of lists names
    figure: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    asked: ParkFilterDep,
    *,
    scenario: OfScenario = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return what a figure's latest value is made of, the greatest first, unknown ones last.

    Figures are named in `/api/overview`.
    """
    return json_reply(
        request, service.overview.rows(figure, language, asked, (limit, offset), scenario=scenario)
    )


@router.get(
    "/{figure}/export",
    summary="The rows behind a key figure as a workbook",
    responses=files(MEDIA_TYPES[ExportFormat.XLSX], errors=(NotFoundError,)),
)
@in_turn(WorkKind.FILES)
def export(
    figure: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    asked: ParkFilterDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return all rows as XLSX, with what they add up to; values in base units, not rounded."""
    del request
    return download_reply(service.overview.export(figure, language, asked, scenario=scenario))
