"""Versions of layers: their history, and what changed from one to another."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from geo_service.errors import ConflictError, NotFoundError, SourceError, WorkspaceError
from geo_service.planning.layer_files import ENCODING, boundary_points, version_features
from geo_service.planning.layers import difference_of, history_of, rollback
from geo_service.reports.document import collection
from geo_service.reports.layer import (
    difference_document,
    difference_features,
    history_document,
    version_document,
)
from geo_service.web.answers import answers, files, with_content
from geo_service.web.replies import GEOJSON, BboxDep, CountyDep, Limit, Offset, json_reply
from geo_service.web.routes.exports import attachment

router = APIRouter(prefix="/api/layers", tags=["layers"])

_POINTS = f"text/plain; charset={ENCODING}"
_Version = Annotated[str | None, Query(max_length=64, description="A number or a version.")]
_Condition = Annotated[str, StringConstraints(max_length=200)]


class DiffFormat(StrEnum):
    """How a difference is told."""

    JSON = "json"
    GEOJSON = "geojson"


@router.get(
    "/{layer}/history",
    summary="A layer's versions",
    responses=answers("History", NotFoundError),
)
def history(layer: str, request: Request, county: CountyDep) -> Response:
    """Return the versions that are kept, newest first; 0 is the workspace's own file."""
    entries = history_of(county.workspace, layer)
    return json_reply(request, history_document(layer, entries))


class Rollback(BaseModel):
    """Which version of a layer shall stand again."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=64, description="A number or a version of its history.")
    expected: str = Field(
        max_length=64, description="The version that is the newest, as the caller saw it."
    )
    note: str = Field(default="", max_length=500, description="Why, for the history.")


@router.post(
    "/{layer}/rollback",
    status_code=201,
    summary="Publish an earlier version again",
    responses=answers("Published", NotFoundError, ConflictError, SourceError, status=201),
)
def roll_back(layer: str, request: Request, county: CountyDep, body: Rollback) -> Response:
    """Publish what a version held as a new version; nothing is lost.

    404 for a version that is not kept, 409 when the layer was changed meanwhile or nothing was
    published, 422 when the old rows do not fit the other layers any more.
    """
    county.check_files()
    at = county.workspace.at
    try:
        entry = rollback(at, layer, body.version, expected=body.expected, note=body.note)
    except WorkspaceError as error:  # what was asked for does not fit; what there is does
        raise SourceError(error.heading, error.faults) from error
    county.refresh()
    return json_reply(request, {"layer": layer, **version_document(entry)}, status=201)


@router.get(
    "/{layer}/diff",
    summary="What changed between two versions of a layer",
    responses=with_content(answers("Difference", NotFoundError), {GEOJSON: "Features"}),
)
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


@router.get(
    "/{layer}/history/{version}/features",
    summary="Features of any kept version",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
def features(  # noqa: PLR0913 - what the contract of lists names
    layer: str,
    version: str,
    request: Request,
    county: CountyDep,
    bbox: BboxDep,
    *,
    where: Annotated[
        list[_Condition],
        Query(max_length=20, description="COLUMN:VALUE, as park_id:P1; repeatable."),
    ] = [],  # noqa: B006 - FastAPI copies it
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a version's features with the columns that may go out; the store seeks them.

    `version` is a number or a version of the history. Several conditions on one column are
    alternatives; a condition without a value asks for missing ones.
    """
    document = version_features(
        county.workspace, layer, version, bbox=bbox, where=where, page=(limit, offset)
    )
    return json_reply(request, document, media_type=GEOJSON)


@router.get(
    "/{layer}/boundary-points",
    summary="A layer's polygons as boundary points (界址点 TXT)",
    responses=files(_POINTS, errors=(NotFoundError,)),
)
def points(
    layer: str,
    county: CountyDep,
    bbox: BboxDep,
    park_id: Annotated[str | None, Query(max_length=128, description="Of this park only.")] = None,
) -> Response:
    """Return polygons as land surveys exchange them: numbers, rings and points in metres."""
    content = boundary_points(county.plan, layer, park_id=park_id, bbox=bbox)
    headers = {"content-disposition": attachment(f"{layer}.txt")}
    return Response(content, headers=headers, media_type=_POINTS)
