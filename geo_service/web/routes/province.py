"""A province whose counties were reviewed together: its page, its map, and what they show.

Only a service that was started with a `PROVINCE.toml` has one; others answer 404. Routes parse,
call and reply.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import NotFoundError
from geo_service.province.desk import EXPORTS, ProvinceDesk
from geo_service.web import shell
from geo_service.web.answers import HTML, answers, files
from geo_service.web.language import LanguageDep, PageLanguageDep
from geo_service.web.replies import (
    BY_LANGUAGE,
    GEOJSON,
    BboxDep,
    Limit,
    Offset,
    download_reply,
    json_reply,
    next_address,
    reply,
)
from geo_service.web.shell import Page
from geo_service.web.slots import WorkKind, in_turn
from geo_service.wording import said

router = APIRouter(tags=["province"])
_PAGE = Page(name="province", nav_entry="province", texts=("province_page", "county_state"))


def province_of(request: Request) -> ProvinceDesk:
    """Return the province that this service was told of; NotFoundError if it was of none."""
    desk = request.app.state.province
    if desk is None:
        raise NotFoundError(said("problem.no_province"))
    return cast("ProvinceDesk", desk)


ProvinceDep = Annotated[ProvinceDesk, Depends(province_of)]


@router.get("/province", include_in_schema=False, response_class=HTMLResponse)
def province_page(request: Request, province: ProvinceDep, language: PageLanguageDep) -> Response:
    """Return the counties as a table and a map; 404 for a service without a province."""
    del province
    return shell.render(_PAGE, request, language)


@router.get(
    "/api/province",
    summary="The province: states, verdicts, what they rest on",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.PARKS)
def summary(request: Request, province: ProvinceDep, language: LanguageDep) -> Response:
    """Return the last run over the province's counties in figures; `as_of` is null without one.

    `states` counts counties: `whole`, `outdated` (of another rulebook of the province or another
    release), `broken` (with faults) and `missing` (not in the run). Whether a county's own data
    has changed since, only `province review --resume` finds out.
    """
    return json_reply(request, province.summary(language))


@router.get(
    "/api/province/counties",
    summary="The counties of the province",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.PARKS)
def counties(
    request: Request,
    province: ProvinceDep,
    language: LanguageDep,
    *,
    state: Annotated[
        Literal["whole", "outdated", "broken", "missing"] | None,
        Query(description="Only counties in this state."),
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return counties in order of codes: state, faults, versions, verdicts, sources, console."""
    rows, matched = province.counties(language, state=state, slice_=(limit, offset))
    document = {
        "counties": rows,
        "numberMatched": matched,
        "numberReturned": len(rows),
        "next": next_address(request, limit, offset, matched),
    }
    return json_reply(request, document)


@router.get(
    "/api/province/export",
    summary="The province's roll-up as a file",
    responses=files(*EXPORTS.values(), errors=(NotFoundError,)),
)
@in_turn(WorkKind.FILES, is_shared=False)
def export(
    request: Request,
    province: ProvinceDep,
    language: LanguageDep,
    *,
    format: Annotated[  # noqa: A002 - as it is called on the command line
        Literal["json", "xlsx", "gpkg", "geoparquet"], Query(description="Form of the file.")
    ] = "xlsx",
) -> Response:
    """Return what `province report` writes; 404 as long as no run has ended."""
    del request
    return download_reply(province.export(format, language))


@router.get(
    "/maps/province",
    summary="The province's map as a page",
    response_class=HTMLResponse,
    responses=answers(None, NotFoundError, media_type=HTML),
)
@in_turn(WorkKind.MAP)
def map_page(request: Request, province: ProvinceDep, language: LanguageDep) -> Response:
    """Return the counties by the share of their parks that fail, and the parks of all of them."""
    found = province.map_page(language, str(request.scope.get("root_path", "")))
    headers = {"content-security-policy": found.policy, **BY_LANGUAGE}
    return reply(
        request,
        found.html.encode(),
        media_type="text/html; charset=utf-8",
        digest=found.digest,
        headers=headers,
    )


@router.get(
    "/maps/province/features/{source}",
    summary="The features behind the province's map",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.MAP)
def map_features(  # noqa: PLR0913 - what the contract of lists names
    source: str,
    request: Request,
    province: ProvinceDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return `counties` or `province_parks` as a FeatureCollection."""
    document = province.features(source, language, bbox=bbox, slice_=(limit, offset))
    return json_reply(request, document, media_type=GEOJSON)
