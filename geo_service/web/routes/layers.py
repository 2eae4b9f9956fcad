"""Versions of layers: their history, and what changed from one to another."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from geo_service.errors import ConflictError, NotFoundError, SourceError
from geo_service.planning.layer_files import ENCODING
from geo_service.web.answers import answers, files, with_content
from geo_service.web.replies import (
    GEOJSON,
    BboxDep,
    Limit,
    Offset,
    ServiceDep,
    attachment,
    json_reply,
)
from geo_service.web.slots import WorkKind, in_turn

router = APIRouter(prefix="/api/layers", tags=["layers"])

_POINTS = f"text/plain; charset={ENCODING}"
_Version = Annotated[str | None, Query(max_length=64, description="A number or a version.")]
_Condition = Annotated[str, StringConstraints(max_length=200)]


class DiffFormat(StrEnum):
    """The formats of a difference."""

    JSON = "json"
    GEOJSON = "geojson"


@router.get(
    "/{layer}/history",
    summary="A layer's versions",
    responses=answers("History", NotFoundError),
)
def history(layer: str, request: Request, service: ServiceDep) -> Response:
    """Return the versions that are kept, newest first; 0 is the workspace's own file."""
    return json_reply(request, service.layers.history(layer))


class Rollback(BaseModel):
    """The version of a layer to publish again."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=64, description="A number or version from the layer's history.")
    expected: str = Field(max_length=64, description="The newest version that the caller has seen.")
    note: str = Field(default="", max_length=500, description="The reason, for the history.")


@router.post(
    "/{layer}/rollback",
    status_code=201,
    summary="Publish an earlier version again",
    responses=answers("Published", NotFoundError, ConflictError, SourceError, status=201),
)
@in_turn(WorkKind.VERSIONS)
def roll_back(layer: str, request: Request, service: ServiceDep, body: Rollback) -> Response:
    """Publish a version's content as a new version; nothing is lost.

    404 for a version that is not kept, 409 when the layer was changed meanwhile or nothing was
    published, 422 when the old rows do not fit the other layers any more.
    """
    published = service.layers.rollback(layer, body.version, expected=body.expected, note=body.note)
    return json_reply(request, published, status=201)


@router.get(
    "/{layer}/diff",
    summary="What changed between two versions of a layer",
    responses=with_content(answers("Difference", NotFoundError), {GEOJSON: "Features"}),
)
@in_turn(WorkKind.VERSIONS)
def diff(  # noqa: PLR0913 - the two versions, and the paging of the contract
    layer: str,
    request: Request,
    service: ServiceDep,
    *,
    before: _Version = None,
    after: _Version = None,
    format: DiffFormat = DiffFormat.JSON,  # noqa: A002 - the contract's word
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return the features added, removed and changed, and how far shapes moved.

    For attributes the names of the changed columns are returned, not their values. Without
    `after` the newest version is meant, without `before` the one below it. As JSON each of the
    three lists is paged, as GeoJSON the features are.
    """
    slice_ = (limit, offset)
    if format is DiffFormat.GEOJSON:
        features = service.layers.changed_features(layer, before, after, slice_=slice_)
        return json_reply(request, features, media_type=GEOJSON)
    return json_reply(request, service.layers.difference(layer, before, after, slice_=slice_))


@router.get(
    "/{layer}/history/{version}/features",
    summary="Features of any kept version",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.VERSIONS)
def features(  # noqa: PLR0913 - what the contract of lists names
    layer: str,
    version: str,
    request: Request,
    service: ServiceDep,
    bbox: BboxDep,
    *,
    where: Annotated[
        list[_Condition],
        Query(max_length=20, description="COLUMN:VALUE, such as park_id:P1; repeatable."),
    ] = [],  # noqa: B006 - FastAPI copies it
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a version's features with the columns that may be published, filtered in the store.

    `version` is a number or a version of the history. Several conditions on one column are
    alternatives; a condition without a value asks for missing ones.
    """
    document = service.layers.features(
        layer, version, bbox=bbox, where=where, slice_=(limit, offset)
    )
    return json_reply(request, document, media_type=GEOJSON)


@router.get(
    "/{layer}/boundary-points",
    summary="A layer's polygons as boundary points (界址点 TXT)",
    responses=files(_POINTS, errors=(NotFoundError,)),
)
@in_turn(WorkKind.FILES)
def points(
    layer: str,
    service: ServiceDep,
    bbox: BboxDep,
    park_id: Annotated[str | None, Query(max_length=128, description="Only this park.")] = None,
) -> Response:
    """Return polygons as land surveys exchange them: numbers, rings and points in metres."""
    content = service.layers.boundary_points(layer, park_id=park_id, bbox=bbox)
    headers = {"content-disposition": attachment(f"{layer}.txt")}
    return Response(content, headers=headers, media_type=_POINTS)
