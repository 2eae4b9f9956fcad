"""Vector tiles of the map's layers, for our own pages and for QGIS, ArcGIS and GDAL.

Routes parse, call and reply. A tile carries an ETag of its content, one for each encoding;
asked for with the layer's version in its address it is kept for a year. A tile with
nothing in it is a 204, a number outside the pyramid a 400.
"""

from __future__ import annotations

import functools
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.planning.tiles import MAX_ZOOM, Tile
from geo_service.web.answers import answers
from geo_service.web.replies import has_already, seen_service
from geo_service.web.routes.province import province_of
from geo_service.web.security import A_YEAR, AGAIN
from geo_service.web.slots import WorkKind, slots_of

router = APIRouter(tags=["tiles"])

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"

Version = Annotated[
    str | None, Query(max_length=64, description="The layer's version, for caching for a year.")
]
Zoom = Annotated[int, Path(ge=0, le=MAX_ZOOM, description="Zoom of the Web Mercator pyramid.")]
Column = Annotated[int, Path(ge=0, description="Column, from west to east.")]
Row = Annotated[int, Path(ge=0, description="Row, from north to south.")]


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    summary="A vector tile of a layer",
    responses=answers(None, NotFoundError, media_type=MEDIA_TYPE)
    | {204: {"description": "Nothing is there."}},
)
async def tile(
    layer: str, z: Zoom, x: Column, y: Row, request: Request, v: Version = None
) -> Response:
    """Return a tile as a Mapbox Vector Tile 2.1; its one layer carries the layer's name."""
    desk = (await seen_service(request)).tiles
    made = desk.made(layer, z, x, y)
    if made is None:
        find = functools.partial(desk.find, layer, z, x, y)
        alike = (id(desk), layer, z, x, y)  # no part of a county waits for another's tile
        made = await slots_of(request.app).run(WorkKind.TILES, find, alike=alike)
    return _reply(request, *made, asked=v)


router.head("/tiles/{layer}/{z}/{x}/{y}.mvt", include_in_schema=False)(tile)


@router.get(
    "/tiles/province/{layer}/{z}/{x}/{y}.mvt",
    summary="A vector tile of the parks of all counties of the province",
    responses=answers(None, NotFoundError, media_type=MEDIA_TYPE)
    | {204: {"description": "Nothing is there."}},
)
async def province_tile(
    layer: str, z: Zoom, x: Column, y: Row, request: Request, v: Version = None
) -> Response:
    """Return a tile of `province_parks` as a Mapbox Vector Tile 2.1."""
    find = functools.partial(province_of(request).tile, layer, z, x, y)
    alike = ("province", layer, z, x, y)
    found, version = await slots_of(request.app).run(WorkKind.TILES, find, alike=alike)
    return _reply(request, found, version, asked=v)


router.head("/tiles/province/{layer}/{z}/{x}/{y}.mvt", include_in_schema=False)(province_tile)


def _reply(request: Request, found: Tile | None, version: str, *, asked: str | None) -> Response:
    headers = {"cache-control": A_YEAR if asked == version else AGAIN}
    if found is None:
        return Response(status_code=204, headers=headers)
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    headers["etag"] = f'"{found.digest}-gzip"' if is_packed else f'"{found.digest}"'
    if has_already(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["content-encoding"] = "gzip"
    content = found.content if is_packed else found.plain()
    return Response(content, headers=headers, media_type=MEDIA_TYPE)
