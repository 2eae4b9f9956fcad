"""What is kept: saved reviews and rankings, the lists of imports; dropped, pinned, retained."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import ConflictError, NotFoundError
from geo_service.web.answers import answers
from geo_service.web.replies import Limit, Offset, ServiceDep, json_reply

router = APIRouter(prefix="/api", tags=["saved"])
_DELETED = answers(None, NotFoundError, ConflictError, status=204)
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
    service: ServiceDep,
    *,
    kind: Annotated[SavedKind | None, Query(description="Only this kind.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return saved results and the lists of imports, newest first, each with its bytes."""
    return json_reply(request, service.saved.listed(kind=kind, slice_=(limit, offset)))


@router.post(
    "/saved/retain",
    summary="Drop old results, or those over a size",
    responses=answers("Dropped", is_tagged=False),
)
def retain(request: Request, service: ServiceDep, body: Retention) -> Response:
    """Drop the results beyond the given limits and return them.

    The current review, the one that it is compared with, and pinned results are not dropped.
    """
    gone = service.saved.retain(days=body.days, most_bytes=body.bytes, kind=body.kind)
    return json_reply(request, gone)


@router.put(
    "/saved/{identity}/pin",
    summary="Pin a result",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def pin(identity: _Id, request: Request, service: ServiceDep) -> Response:
    """Pin a saved review or ranking; 404 for one that is not saved."""
    return json_reply(request, service.saved.pin(identity, is_pinned=True))


@router.delete(
    "/saved/{identity}/pin",
    summary="Unpin a result",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def unpin(identity: _Id, request: Request, service: ServiceDep) -> Response:
    """Take the pin away; the result stays until it is dropped."""
    return json_reply(request, service.saved.pin(identity, is_pinned=False))


@router.delete(
    "/saved/{identity}",
    status_code=204,
    summary="Drop a saved result or an import's lists",
    responses=_DELETED,
)
def drop(identity: _Id, service: ServiceDep) -> Response:
    """Drop a saved result or the lists of an import; 409 when it is pinned or the current."""
    service.saved.drop(identity)
    return Response(status_code=204)


@router.delete("/reviews/{review_id}", status_code=204, summary="Drop a review", responses=_DELETED)
def drop_review(review_id: _Id, service: ServiceDep) -> Response:
    """Forget a review, saved or not; 409 for the current one and for one that is pinned."""
    service.reviews.drop(review_id)
    return Response(status_code=204)


@router.delete(
    "/rankings/{ranking_id}", status_code=204, summary="Drop a ranking", responses=_DELETED
)
def drop_ranking(ranking_id: _Id, service: ServiceDep) -> Response:
    """Drop a ranking, saved or not; 409 for a pinned one."""
    service.rankings.drop(ranking_id)
    return Response(status_code=204)
