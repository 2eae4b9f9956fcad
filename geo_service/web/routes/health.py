"""Whether the service lives, and whether it is ready to answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from geo_service.web.replies import json_reply

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz(request: Request) -> Response:
    """Return ok as long as the process answers."""
    return json_reply(request, {"status": "ok"})


@router.get("/readyz", summary="Is the county loaded and reviewed?")
def readyz(request: Request) -> Response:
    """Return ready with the versions at hand, or 503 while the county is not loaded."""
    county = getattr(request.app.state, "county", None)
    if county is None:
        return json_reply(request, {"status": "loading"}, status=503)
    document = {
        "status": "ready",
        "plan_version": county.plan.version,
        "rulebook_version": county.rulebook.version,
        "review_id": county.review.review_id,
    }
    return json_reply(request, document)
