"""Rules and reviews: the rulebook in force, reviewing again, and findings by filter."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import ChoiceNeededError, NotFoundError, RulebookError
from geo_service.jobs import Job
from geo_service.language import Translator
from geo_service.model import Severity
from geo_service.planning.import_drafts import ImportDraft
from geo_service.reports.document import (
    Document,
    collection,
    comparison_document,
    rules_document,
)
from geo_service.suitability.rank import Ranking
from geo_service.web.answers import answers
from geo_service.web.errors import choice_documents, tell_outside, translator_of
from geo_service.web.language import LanguageDep
from geo_service.web.replies import GEOJSON, BboxDep, CountyDep, Limit, Offset, json_reply
from geo_service.web.results import made_reply
from geo_service.wording import tell, tell_fault
from geo_service.zoning.review import Review

router = APIRouter(prefix="/api", tags=["reviews"])
_MAX_RULEBOOK = 500_000
AT_ONCE_SECONDS = 2.0
"""Work that is done within this time is answered at once; longer work is a job."""


class ReviewRequest(BaseModel):
    """What to review by and which parks; all of it optional."""

    model_config = ConfigDict(extra="forbid")

    rulebook: str | None = Field(
        default=None, max_length=_MAX_RULEBOOK, description="A rulebook as YAML or JSON text."
    )
    parks: list[str] | None = Field(default=None, min_length=1, description="Only these park ids.")


@router.get("/rules", summary="The rulebook in force", responses=answers("Rules"))
def rules(request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return every rule with parameters, legal basis, and what the county overrode."""
    return json_reply(request, rules_document(county.rulebook, county.translator(language)))


@router.get("/reviews", summary="The reviews that are kept or saved", responses=answers("Reviews"))
def reviews(
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return summaries of the reviews, newest first; those saved outlive the service."""
    page, matched = county.review_summaries(language, limit=limit, offset=offset)
    document = {"numberMatched": matched, "numberReturned": len(page), "reviews": page}
    return json_reply(request, document)


@router.post(
    "/reviews",
    status_code=201,
    summary="Review again",
    responses=answers(
        *("Review", NotFoundError, RulebookError),
        status=201,
        may_take_long=True,
        may_be_unkept=True,
    ),
)
def create_review(
    request: Request, county: CountyDep, language: LanguageDep, body: ReviewRequest | None = None
) -> Response:
    """Review the plan by the county's rulebook or by one in the body.

    201 with the summary when it is done within two seconds and was kept, 200 when it could not
    be kept (`not_saved` says why), else 202 with the job's address in `Location`.
    """
    asked = body or ReviewRequest()
    rulebook = county.read_rulebook(asked.rulebook)
    county.check_parks(asked.parks)
    job = county.jobs.start(
        lambda progress: county.review_again(
            rulebook,
            parks=asked.parks,
            progress=progress,
            is_trial=asked.rulebook is not None or asked.parks is not None,
        )
    )
    is_ended = county.jobs.wait(job, AT_ONCE_SECONDS)
    if is_ended and job.fault is not None:
        raise job.fault
    if not is_ended or job.result is None:
        reply = json_reply(request, job_document(job, translator_of(request)), status=202)
        reply.headers["location"] = f"/api/jobs/{job.job_id}"
        return reply
    review_id = job.result.review_id
    summary = county.review_summary(review_id, language)
    return made_reply(request, summary, f"/api/reviews/{review_id}")


def job_document(job: Job, translator: Translator) -> Document:
    """Return a job's status and progress, and where its result is once there is one.

    What went wrong is told as a problem document would tell it.
    """
    fault = job.fault
    error = job.error if fault is None else tell_outside(fault, translator)
    document: Document = {
        "job_id": job.job_id,
        "status": job.status.value,
        "progress": job.progress,
        "step": job.step,
        "made_at": job.made_at.isoformat(timespec="seconds"),
        "ended_at": None if job.ended_at is None else job.ended_at.isoformat(timespec="seconds"),
        "error": None if error is None else tell(error, translator),
    }
    if isinstance(job.result, Review):
        document["result"] = f"/api/reviews/{job.result.review_id}"
    if isinstance(job.result, Ranking):
        document["result"] = f"/api/rankings/{job.result.ranking_id}"
    if isinstance(job.result, ImportDraft):
        document["result"] = f"/api/imports/{job.result.draft_id}"
    if fault is not None:
        faults = getattr(fault, "faults", ())
        document["errors"] = [tell_fault(one, translator) for one in faults]
    if isinstance(fault, ChoiceNeededError):
        document["parameter"] = fault.parameter
        document["choices"] = choice_documents(fault, translator)
    return document


@router.get(
    "/jobs",
    summary="Long work that waits, runs or ended of late",
    responses=answers("Jobs"),
)
def jobs(
    request: Request, county: CountyDep, *, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """Return jobs, newest first; one that ended is forgotten after a day."""
    translator = translator_of(request)
    found = county.jobs.jobs()
    page = [job_document(item, translator) for item in found[offset : offset + limit]]
    document = {"numberMatched": len(found), "numberReturned": len(page), "jobs": page}
    return json_reply(request, document)


@router.get(
    "/jobs/{job_id}",
    summary="How far long work is",
    responses=answers("Job", NotFoundError),
)
def job(job_id: str, request: Request, county: CountyDep) -> Response:
    """Return a job's status (waiting, running, done, failed, cancelled) and progress 0 to 1."""
    return json_reply(request, job_document(county.jobs.find(job_id), translator_of(request)))


@router.delete(
    "/jobs/{job_id}",
    summary="Cancel long work",
    responses=answers("Job", NotFoundError, is_tagged=False),
)
def cancel_job(job_id: str, request: Request, county: CountyDep) -> Response:
    """Tell a job to stop at its next step; one that ended stays as it is."""
    return json_reply(request, job_document(county.jobs.cancel(job_id), translator_of(request)))


@router.get(
    "/reviews/{review_id}/comparison",
    summary="Two reviews compared",
    responses=answers("ReviewComparison", NotFoundError),
)
def comparison(
    review_id: str,
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    before: Annotated[str, Query(max_length=64, description="The earlier review's id.")],
) -> Response:
    """Return the findings that are new, cured, persisting or changed since another review."""
    result = county.compare_reviews(before, review_id, language)
    document = {"before": before, "after": review_id, **comparison_document(result)}
    return json_reply(request, document)


@router.get(
    "/reviews/{review_id}",
    summary="One review's summary",
    responses=answers("Review", NotFoundError),
)
def review(review_id: str, request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return how a review came out: verdicts and counts by rule."""
    return json_reply(request, county.review_summary(review_id, language))


@router.get(
    "/reviews/{review_id}/findings",
    summary="A review's findings as features",
    responses=answers("Findings", NotFoundError, media_type=GEOJSON),
)
def findings(  # noqa: PLR0913 - the filters that the contract names
    review_id: str,
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    rule: Annotated[str | None, Query(max_length=100, description="Only this rule.")] = None,
    park: Annotated[str | None, Query(max_length=128, description="Only this park.")] = None,
    severity: Annotated[Severity | None, Query(description="Only this severity.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return findings, gravest first, each with its geometry where it has one."""
    page, matched = county.finding_features(
        review_id,
        language,
        rule=rule,
        park=park,
        severity=severity,
        bbox=bbox,
        page=(limit, offset),
    )
    return json_reply(request, collection(page, matched), media_type=GEOJSON)
