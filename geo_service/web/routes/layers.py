"""Versions of layers: their history, and what changed from one to another."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from geo_service.planning.data import difference_of, history_of
from geo_service.reports.data import difference_document, difference_features, history_document
from geo_service.reports.document import collection
from geo_service.web.replies import GEOJSON, CountyDep, Limit, Offset, json_reply

router = APIRouter(prefix="/api/layers", tags=["layers"])

_Version = Annotated[str | None, Query(max_length=64, description="A number or a version.")]


class DiffFormat(StrEnum):
    """How a difference is told."""

    JSON = "json"
    GEOJSON = "geojson"


@router.get("/{layer}/history", summary="A layer's versions")
def history(layer: str, request: Request, county: CountyDep) -> Response:
    """Return the versions that are kept, newest first; 0 is the workspace's own file."""
    entries = history_of(county.workspace, layer)
    return json_reply(request, history_document(layer, entries))


@router.get("/{layer}/diff", summary="What changed between two versions of a layer")
def diff(  # noqa: PLR0913 - the two versions, and the paging of the contract
    layer: str,
    request: Request,
    county: CountyDep,
    *,
    before: _Version = None,
    after: _Version = None,
    format: DiffFormat = DiffFormat.JSON,  # noqa: A002 - the contract's word
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return the features added, removed and changed, and how far shapes moved.

    Of attributes the names of the columns that changed are told, not their values. Without
    `after` the newest version is meant, without `before` the one below it. As JSON each of the
    three lists is paged, as GeoJSON the features are.
    """
    old, new, found = difference_of(county.workspace, layer, before, after)
    if format is DiffFormat.GEOJSON:
        features = difference_features(found)
        page = collection(features[offset : offset + limit], len(features))
        return json_reply(request, page, media_type=GEOJSON)
    document = difference_document(old, new, found, with_values=False, page=(limit, offset))
    return json_reply(request, document)
