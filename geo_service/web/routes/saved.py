"""What is kept: saved reviews and rankings, the lists of imports; dropped, pinned, retained."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import ConflictError, NotFoundError
from geo_service.planning.retention import drop_kept, find_kept, holding, pin_kept, retain_kept
from geo_service.reports.layer import holding_document, outline_document
from geo_service.stores.base import RANKING, REVIEW, KeepLimits
from geo_service.web.answers import answers
from geo_service.web.replies import CountyDep, Limit, Offset, json_reply

router = APIRouter(prefix="/api", tags=["saved"])
_GONE = answers(None, NotFoundError, ConflictError, status=204)
_Id = Annotated[
    str, Path(max_length=200, description="The id of a saved result or of an import's lists.")
]
_CENTURY_DAYS = 36_500
_PETABYTE = 10**15


class SavedKind(StrEnum):
    """Kinds of saved results."""

    REVIEW = "review"
    RANKING = "ranking"
    IMPORT = "import"


class Retention(BaseModel):
    """Limits of the saved results to keep."""

    model_config = ConfigDict(extra="forbid")

    days: float | None = Field(
        default=None, gt=0, le=_CENTURY_DAYS, description="Drop results older than this."
    )
    bytes: int | None = Field(
        default=None, ge=0, le=_PETABYTE, description="Then drop the oldest, until the rest fits."
    )
    kind: SavedKind | None = Field(default=None, description="Only this kind.")


@router.get("/saved", summary="Saved results and their size", responses=answers("Kept"))
def saved(
    request: Request,
    county: CountyDep,
    *,
    kind: Annotated[SavedKind | None, Query(description="Only this kind.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return saved results and the lists of imports, newest first, each with its bytes."""
    found = holding(county.workspace, kind=kind)
    return json_reply(request, holding_document(found, (limit, offset)))


@router.post(
    "/saved/retain",
    summary="Drop old results, or those over a size",
    responses=answers("Dropped", is_tagged=False),
)
def retain(request: Request, county: CountyDep, body: Retention) -> Response:
    """Drop the results beyond the given limits and return them.

    The current review, the one that it is compared with, and pinned results are not dropped.
    """
    spared = {(REVIEW, county.review.review_id)}
    limits = KeepLimits(body.days, body.bytes)
    gone = retain_kept(county.workspace, limits, kind=body.kind, spared=spared)
    county.forget(gone)
    return json_reply(request, {"dropped": [outline_document(item) for item in gone]})


@router.put(
    "/saved/{identity}/pin",
    summary="Pin a result",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def pin(identity: _Id, request: Request, county: CountyDep) -> Response:
    """Keep a saved review or ranking regardless of limits; 404 for one that is not saved."""
    found = pin_kept(county.workspace, identity, is_pinned=True)
    return json_reply(request, outline_document(found))


@router.delete(
    "/saved/{identity}/pin",
    summary="Unpin a result",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def unpin(identity: _Id, request: Request, county: CountyDep) -> Response:
    """Remove the pin; the result stays until it is dropped."""
    found = pin_kept(county.workspace, identity, is_pinned=False)
    return json_reply(request, outline_document(found))


@router.delete(
    "/saved/{identity}",
    status_code=204,
    summary="Drop a saved result or an import's lists",
    responses=_GONE,
)
def drop(identity: _Id, county: CountyDep) -> Response:
    """Drop a saved result or the lists of an import; 409 if it is pinned or current."""
    kind = find_kept(county.workspace, identity).kind
    if kind == REVIEW:
        county.drop_review(identity)
    elif kind == RANKING:
        county.rankings.drop(identity)
    else:
        drop_kept(county.workspace, kind, identity)
    return Response(status_code=204)


@router.delete("/reviews/{review_id}", status_code=204, summary="Drop a review", responses=_GONE)
def drop_review(review_id: _Id, county: CountyDep) -> Response:
    """Drop a review, saved or not; 409 for the current one or a pinned one."""
    county.drop_review(review_id)
    return Response(status_code=204)


@router.delete("/rankings/{ranking_id}", status_code=204, summary="Drop a ranking", responses=_GONE)
def drop_ranking(ranking_id: _Id, county: CountyDep) -> Response:
    """Drop a ranking, saved or not; 409 for a pinned one."""
    county.rankings.drop(ranking_id)
    return Response(status_code=204)
