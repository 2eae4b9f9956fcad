"""Long work as it is answered: at once when it ends soon, else as a job to come back for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from geo_service.errors import ChoiceNeededError
from geo_service.planning.job_results import MadeResult
from geo_service.web.errors import choice_documents, tell_outside, translator_of
from geo_service.web.replies import json_reply
from geo_service.wording import tell, tell_fault

if TYPE_CHECKING:
    from fastapi import Request
    from fastapi.responses import Response

    from geo_service.jobs import Job
    from geo_service.language import Translator
    from geo_service.planning import PlanningService

AT_ONCE_SECONDS = 2.0
"""Work that is done within this time is answered at once; longer work is a job."""
Document = dict[str, Any]


async def ended(job: Job, seconds: float) -> bool:
    """Wait some time for a job; return whether it has a result. What it failed with is raised.

    No thread waits meanwhile.
    """
    if job.future is not None:
        await asyncio.wait({asyncio.wrap_future(job.future)}, timeout=seconds)
    if job.fault is not None:
        raise job.fault
    return job.result is not None


def accepted_reply(request: Request, service: PlanningService, job: Job) -> Response:
    """Reply 202 with a job's document and its address."""
    document = job_document(service, job, translator_of(request))
    reply = json_reply(request, document, status=202)
    reply.headers["location"] = f"/api/jobs/{job.job_id}"
    return reply


def job_document(service: PlanningService, job: Job, translator: Translator) -> Document:
    """Return a job's status, place and progress, and where its result is once there is one.

    What went wrong is told as a problem document would tell it.
    """
    fault = job.fault
    error = job.error if fault is None else tell_outside(fault, translator)
    document: Document = {
        "job_id": job.job_id,
        "kind": job.kind.value,
        "status": job.status.value,
        "place": service.jobs.place(job),
        "progress": job.progress,
        "step": job.step,
        "made_at": job.made_at.isoformat(timespec="seconds"),
        "ended_at": None if job.ended_at is None else job.ended_at.isoformat(timespec="seconds"),
        "error": None if error is None else tell(error, translator),
    }
    if job.live is not None:
        document["search"] = job.live()
    if isinstance(job.result, MadeResult):
        document["result"] = f"/api/{job.result.kind}/{job.result.identity}"
    if fault is not None:
        faults = getattr(fault, "faults", ())
        document["errors"] = [tell_fault(one, translator) for one in faults]
    if isinstance(fault, ChoiceNeededError):
        document["parameter"] = fault.parameter
        document["choices"] = choice_documents(fault, translator)
    return document
