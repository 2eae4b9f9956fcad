"""Whether the service lives, and whether it is ready to answer."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from geo_service.web.answers import JSON, answers, by_status, shape_of
from geo_service.web.errors import RETRY_AFTER_SECONDS
from geo_service.web.replies import json_reply

router = APIRouter(tags=["health"])
LOADING = by_status(503)[503]
"""Not ready yet, or not able to answer: a document of its own, or a problem."""
LOADING["content"] |= {JSON: shape_of("Ready")}


@router.get("/healthz", summary="Is the process alive?", responses=answers("Alive"))
async def healthz(request: Request) -> Response:
    """Return ok as long as the process answers."""
    return json_reply(request, {"status": "ok"})


@router.get(
    "/readyz",
    summary="Is the county loaded and reviewed?",
    responses=answers("Ready") | {503: LOADING},
)
async def readyz(request: Request) -> Response:
    """Return ready with the current versions, or 503 while the county is not loaded."""
    service = getattr(request.app.state, "service", None)
    if service is None:
        reply = json_reply(request, {"status": "loading"}, status=503)
        reply.headers["retry-after"] = RETRY_AFTER_SECONDS
        return reply
    document = {
        "status": "ready",
        "plan_version": service.plan.version,
        "rulebook_version": service.rulebook.version,
        "review_id": service.review.review_id,
    }
    return json_reply(request, document)
