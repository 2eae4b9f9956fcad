"""Whether the service lives, whether it is ready to answer, and its figures."""

from __future__ import annotations

from anyio import move_on_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import Response

from geo_service.planning.condition import condition_of
from geo_service.web.answers import JSON, answers, by_status, shape_of
from geo_service.web.errors import RETRY_AFTER_SECONDS
from geo_service.web.metrics import MEDIA_TYPE, ServiceMetrics
from geo_service.web.replies import json_reply
from geo_service.web.security import NEVER

STORE_SECONDS = 5.0
"""How long the store may take to answer."""
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
    summary="Is the county loaded and reviewed, and does its store answer?",
    responses=answers("Ready") | {503: LOADING},
)
async def readyz(request: Request) -> Response:
    """Return ready with the current versions, or 503: still loading, or the store fails.

    `layers.is_behind` says that something newer was published that cannot be opened. Queues are
    told, and do not make the service unready.
    """
    service = request.app.state.service
    if service is None:
        return _not_ready(request, {"status": "loading"})
    now = None
    with move_on_after(STORE_SECONDS):
        now = await run_sync(condition_of, service, abandon_on_cancel=True)
    document = {
        "status": "ready",
        "plan_version": service.plan.version,
        "rulebook_version": service.rulebook.version,
        "review_id": service.review.review_id,
    }
    if now is None or not now.store.answers:
        return _not_ready(request, {**document, "status": "no_store", "store": "fails"})
    document |= {
        "store": "answers",
        "publications": now.store.publications,
        "layers": {"count": now.layers, "is_behind": now.is_behind},
        "queue": {"waiting": now.waiting, "running": now.running},
    }
    return json_reply(request, document)


def _not_ready(request: Request, document: dict[str, object]) -> Response:
    reply = json_reply(request, document, status=503)
    reply.headers["retry-after"] = RETRY_AFTER_SECONDS
    return reply


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    responses=answers(None, media_type="text/plain", is_tagged=False),
)
def metrics(request: Request) -> Response:
    """Return requests, queues, jobs, memory, the store and caches, as Prometheus reads them."""
    figures: ServiceMetrics = request.app.state.metrics
    return Response(figures.text(), media_type=MEDIA_TYPE, headers={"cache-control": NEVER})
