"""The maps: their pages, the features behind their layers, and the files they load.

Routes parse, call and reply. A page and its features carry an ETag of their content;
scripts, styles and images carry a version in their address and are kept for a year.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import NotFoundError
from geo_service.planning.maps import PNG, TIMED_LAYERS, MapQuery, Side
from geo_service.web import page_files
from geo_service.web.answers import HTML, answers
from geo_service.web.finding_query import FindingFiltersDep
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    BY_LANGUAGE,
    GEOJSON,
    BboxDep,
    Limit,
    Offset,
    ServiceDep,
    json_reply,
    reply,
)
from geo_service.web.security import A_YEAR, AGAIN, AN_HOUR, SHARED_A_YEAR
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.weighing import WeighingDep

router = APIRouter(tags=["maps"])

FileVersion = Annotated[
    str | None,
    Query(alias="v", max_length=64, description="The file's version, for caching for a year."),
]


def read_query(  # noqa: PLR0913 - one for each kind of map
    service: ServiceDep,
    kind: str,
    weighing: WeighingDep,
    *,
    review_id: str | None = None,
    ranking_id: str | None = None,
    park_id: str | None = None,
    before: Annotated[str | None, Query(description="The earlier of two compared reviews.")] = None,
    layer: Annotated[
        str | None, Query(description="For `time`: " + ", ".join(TIMED_LAYERS) + ".")
    ] = None,
    import_id: Annotated[str | None, Query(description="For `preview`: the import.")] = None,
    scenario: Annotated[
        str | None, Query(max_length=64, description="Draw this scenario's plan.")
    ] = None,
    layout_id: Annotated[
        str | None, Query(max_length=80, description="For `layout`: the layout.")
    ] = None,
) -> MapQuery:
    """Return which map is asked for: 404 for an unknown kind, 400 for a missing id."""
    given = (review_id, ranking_id, park_id, before, layer, import_id, scenario, layout_id)
    return service.maps.settle(MapQuery(kind, *given, weighing))


MapQueryDep = Annotated[MapQuery, Depends(read_query)]


@router.get(
    "/maps/relief.png",
    summary="The relief under the maps",
    responses=answers(None, NotFoundError, media_type="image/png"),
)
@in_turn(WorkKind.MAP)
def relief_png(request: Request, service: ServiceDep, version: FileVersion = None) -> Response:
    """Return the shaded ground in web Mercator; 404 without an elevation model."""
    content, current = service.maps.relief()
    return _file(request, content, PNG, A_YEAR if version == current else AGAIN)


@router.get(
    "/maps/{kind}",  # noqa: FAST003 - read_query takes it
    summary="A map as a page",
    response_class=HTMLResponse,
    responses=answers(None, NotFoundError, media_type=HTML),
)
@in_turn(WorkKind.MAP)
def map_page(
    query: MapQueryDep, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Return a map as a page that asks this service for its features.

    `overview`; `review` (of `review_id`, else the current one); `park` (needs `park_id`, by
    the current review or `review_id`); `compare` (from `before` to `review_id`, or from
    `review_id` to the current review); `ranking` (needs `ranking_id`); `time` (a `layer`
    through its versions);
    `preview` (what an import, `import_id`, would publish); `layout` (today and as `layout_id`
    proposes). With `scenario`, `overview`, `review`
    and `park` are of its plan, and `compare` goes from the plan that it begins with to it.
    """
    root = str(request.scope.get("root_path", ""))
    found = service.maps.page(query, language, root)
    headers = {"content-security-policy": found.policy, **BY_LANGUAGE}
    content = found.html.encode()
    return reply(
        request,
        content,
        media_type="text/html; charset=utf-8",
        digest=found.digest,
        headers=headers,
    )


@router.get(
    "/maps/{kind}/features/{source}",  # noqa: FAST003 - read_query takes it
    summary="The features behind a map",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.MAP)
def map_features(  # noqa: PLR0913 - what the contract of lists names
    source: str,
    query: MapQueryDep,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    filters: FindingFiltersDep,
    side: Side = Side.AFTER,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a source of a map as a FeatureCollection; `side` tells two states apart.

    Findings take the filters of the list of findings, and say in `counts` how many there are.
    """
    document = service.maps.features(
        query, source, language, side=side, filters=filters, bbox=bbox, slice_=(limit, offset)
    )
    return json_reply(request, document, media_type=GEOJSON)


@router.get("/basemaps/{place}/{zoom}/{column}/{row}", include_in_schema=False)
def basemap_tile(
    place: int, zoom: int, column: int, row: int, request: Request, service: ServiceDep
) -> Response:
    """Return a picture of a base map that lies in the workspace; clear where there is none."""
    content, kind = service.maps.basemap_picture(place, zoom, column, row)
    return _file(request, content, kind, AN_HOUR)


@router.get(
    "/api/symbols",
    summary="The map's symbols and their names",
    responses=answers("Any"),
)
def symbols(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return the style table that maps draw by, and what each symbol is called."""
    return json_reply(request, service.maps.symbols(language))


@router.get(
    "/api/layers", summary="The layers: counts, versions, sources", responses=answers("Layers")
)
def layers(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return every layer of the plan: features, illustrative ones, version and sources."""
    return json_reply(request, service.layers.listed(language))


@router.get(
    "/api/layers/{layer}/features",
    summary="A layer's features, as the map draws them",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.MAP)
def layer_features(  # noqa: PLR0913 - what the contract of lists names
    layer: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a layer as a FeatureCollection with the columns that may go out."""
    document = service.maps.layer_features(layer, language, bbox=bbox, slice_=(limit, offset))
    return json_reply(request, document, media_type=GEOJSON)


@router.get("/assets/{name:path}", include_in_schema=False)
def asset(name: str, request: Request, version: FileVersion = None) -> Response:
    """Return a third-party file that stands in the manifest."""
    found = page_files.asset(name)
    cache_control = SHARED_A_YEAR if version == found.version else AN_HOUR
    return _file(request, found.content, found.media_type, cache_control)


@router.get("/static/{name:path}", include_in_schema=False)
def static(name: str, request: Request, version: FileVersion = None) -> Response:
    """Return one of the map's own scripts or styles."""
    found = page_files.own_file(name)
    cache_control = SHARED_A_YEAR if version == found.version else AGAIN
    reply = _file(request, found.content, found.media_type, cache_control)
    if found.policy is not None:
        reply.headers["content-security-policy"] = found.policy
    return reply


def _file(request: Request, content: bytes, media_type: str, cache_control: str) -> Response:
    """Reply with a file; kept for a year only when its address carries its version."""
    digest = hashlib.sha256(content).hexdigest()[:20]
    headers = {"cache-control": cache_control}
    return reply(request, content, media_type=media_type, digest=digest, headers=headers)
