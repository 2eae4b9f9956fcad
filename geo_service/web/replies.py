"""What routes share: the running county, paging, bbox, and replies in JSON."""

from __future__ import annotations

import hashlib
import math
from typing import Annotated, cast

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from geo_service.errors import InvalidQueryError
from geo_service.planning import County
from geo_service.reports.document import dump
from geo_service.spatial.live_index import Box
from geo_service.wording import said

MAX_LIMIT = 10_000
GEOJSON = "application/geo+json"
_BOX_NUMBERS = 4
_BBOX = "bbox"


def running_county(request: Request) -> County:
    """Return the county that this service runs; it learns of newer versions by being asked."""
    county = cast("County", request.app.state.county)
    county.look_for_news()
    return county


CountyDep = Annotated[County, Depends(running_county)]
Limit = Annotated[int, Query(ge=0, le=MAX_LIMIT, description="How many to return.")]
Offset = Annotated[int, Query(ge=0, description="How many to pass over.")]


def read_bbox(
    bbox: Annotated[
        str | None, Query(description="west,south,east,north in degrees (CRS84).")
    ] = None,
) -> Box | None:
    """Return a bbox parameter as four numbers; InvalidQueryError when it is none."""
    if bbox is None:
        return None
    try:
        numbers = [float(part) for part in bbox.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != _BOX_NUMBERS or not all(map(math.isfinite, numbers)):
        raise InvalidQueryError(_BBOX, said("problem.bbox"))
    west, south, east, north = numbers
    if west > east or south > north:
        raise InvalidQueryError(_BBOX, said("problem.bbox_order"))
    return (west, south, east, north)


BboxDep = Annotated[Box | None, Depends(read_bbox)]


def json_reply(
    request: Request, document: object, *, media_type: str = "application/json", status: int = 200
) -> Response:
    """Return a document as JSON with an ETag; 304 when the client has it already."""
    content = dump(document)
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"etag": etag, "cache-control": "no-cache", "vary": "accept-language"}
    if status == 200 and request.headers.get("if-none-match") == etag:  # noqa: PLR2004 - OK
        return Response(status_code=304, headers=headers)
    return Response(content, status, headers=headers, media_type=media_type)
