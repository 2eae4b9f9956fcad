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
_Id = Annotated[str, Path(max_length=200, description="The id of what is kept.")]
_CENTURY_DAYS = 36_500
_PETABYTE = 10**15


class SavedKind(StrEnum):
    """What can be kept."""

    REVIEW = "review"
    RANKING = "ranking"
    IMPORT = "import"


class Retention(BaseModel):
    """How much of what is kept shall stay."""

    model_config = ConfigDict(extra="forbid")

    days: float | None = Field(
        default=None, gt=0, le=_CENTURY_DAYS, description="What is older goes."
    )
    bytes: int | None = Field(
        default=None, ge=0, le=_PETABYTE, description="Then the oldest, until the rest fits."
    )
    kind: SavedKind | None = Field(default=None, description="Of this kind only.")


@router.get("/saved", summary="What is kept, and what it takes", responses=answers("Kept"))
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
    summary="Drop what is old or too much",
    responses=answers("Dropped", is_tagged=False),
)
def retain(request: Request, county: CountyDep, body: Retention) -> Response:
    """Drop what is beyond the limits given and return it.

    The current review, the one that it is compared with, and what is pinned stay.
    """
    spared = {(REVIEW, county.review.review_id)}
    limits = KeepLimits(body.days, body.bytes)
    gone = retain_kept(county.workspace, limits, kind=body.kind, spared=spared)
    county.forget(gone)
    return json_reply(request, {"dropped": [outline_document(item) for item in gone]})


@router.put(
    "/saved/{identity}/pin",
    summary="Keep a result whatever the limits say",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def pin(identity: _Id, request: Request, county: CountyDep) -> Response:
    """Pin a saved review or ranking; 404 for one that is not saved."""
    found = pin_kept(county.workspace, identity, is_pinned=True)
    return json_reply(request, outline_document(found))


@router.delete(
    "/saved/{identity}/pin",
    summary="Let a result go when the limits say so",
    responses=answers("KeptResult", NotFoundError, is_tagged=False),
)
def unpin(identity: _Id, request: Request, county: CountyDep) -> Response:
    """Take the pin away; the result stays until it is dropped."""
    found = pin_kept(county.workspace, identity, is_pinned=False)
    return json_reply(request, outline_document(found))


@router.delete(
    "/saved/{identity}", status_code=204, summary="Drop what is kept under an id", responses=_GONE
)
def drop(identity: _Id, county: CountyDep) -> Response:
    """Drop a saved result or the lists of an import; 409 when it is pinned or the current."""
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
    """Forget a review, saved or not; 409 for the current one and for one that is pinned."""
    county.drop_review(review_id)
    return Response(status_code=204)


@router.delete("/rankings/{ranking_id}", status_code=204, summary="Drop a ranking", responses=_GONE)
def drop_ranking(ranking_id: _Id, county: CountyDep) -> Response:
    """Forget a ranking, saved or not; 409 for one that is pinned."""
    county.rankings.drop(ranking_id)
    return Response(status_code=204)
