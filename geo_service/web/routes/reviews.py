"""Rules and reviews: the rulebook in force, reviewing again, findings by filter, files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from geo_service.errors import ConflictError, ForeignError, NotFoundError, RulebookError, StoreError
from geo_service.planning.reviews import (
    MEDIA_TYPES,
    STALE_MONTHS,
    ActState,
    ExportFormat,
    FindingSort,
    GroupBy,
)
from geo_service.web.answers import answers, files
from geo_service.web.errors import translator_of
from geo_service.web.finding_query import FindingFiltersDep, Sort
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    GEOJSON,
    MAX_LIMIT,
    BboxDep,
    Limit,
    Offset,
    ServiceDep,
    download_reply,
    features_reply,
    json_reply,
    next_address,
)
from geo_service.web.results import made_reply
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.work import AT_ONCE_SECONDS, accepted_reply, ended, job_document

router = APIRouter(prefix="/api", tags=["reviews"])
_MAX_RULEBOOK = 500_000
_MAX_NOTE = 2_000
_ACT_ERRORS = (NotFoundError, ForeignError, ConflictError, StoreError)


class ReviewRequest(BaseModel):
    """The rulebook, the parks and the day of a review; all are optional."""

    model_config = ConfigDict(extra="forbid")

    rulebook: str | None = Field(
        default=None, max_length=_MAX_RULEBOOK, description="A rulebook as YAML or JSON text."
    )
    parks: list[str] | None = Field(default=None, min_length=1, description="Only these park ids.")
    as_of: date | None = Field(
        default=None, description="The day that decides which rules apply; today if it is left out."
    )


class ActRequest(BaseModel):
    """What somebody says who submits or signs a review."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(default="", max_length=_MAX_NOTE, description="In one's own words.")


class ReturnRequest(BaseModel):
    """Why a review is returned to its author."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(min_length=1, max_length=_MAX_NOTE, description="What is to be done.")


@router.get("/rules", summary="The rulebook in force", responses=answers("Rules"))
def rules(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    as_of: Annotated[date | None, Query(description="The day; today if it is left out.")] = None,
    stale: Annotated[
        int, Query(ge=0, le=1200, description="Months after which an unread document is stale.")
    ] = STALE_MONTHS,
) -> Response:
    """Return every rule with parameters, legal basis, and what the county overrode.

    `documents` are what the rules rest on, with the days on which they are in force, the day on
    which somebody last read them, and whether that is too long ago.
    """
    return json_reply(request, service.reviews.rules(language, as_of=as_of, stale_months=stale))


@router.get("/reviews", summary="The reviews", responses=answers("Reviews"))
def reviews(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return summaries of the reviews, newest first; those saved outlive the service."""
    listed, matched = service.reviews.summaries(language, limit=limit, offset=offset)
    document = {"numberMatched": matched, "numberReturned": len(listed), "reviews": listed}
    return json_reply(request, document)


@router.post(
    "/reviews",
    status_code=201,
    summary="Review again",
    responses=answers(
        *("Review", NotFoundError, RulebookError),
        status=201,
        may_take_long=True,
        may_be_unsaved=True,
    ),
)
async def create_review(
    request: Request, service: ServiceDep, language: LanguageDep, body: ReviewRequest | None = None
) -> Response:
    """Review the plan by the county's rulebook or by one in the body.

    201 with the summary when it is done within two seconds and was kept, 200 when it could not
    be kept (`not_saved` says why), else 202 with the job's address in `Location`.
    """
    asked = body or ReviewRequest()
    desk = service.reviews
    job = await run_in_threadpool(desk.start, asked.rulebook, asked.parks, asked.as_of)
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    review_id = job.result.identity
    summary = await run_in_threadpool(desk.summary, review_id, language)
    return made_reply(request, summary, f"/api/reviews/{review_id}")


@router.get("/acts", summary="The reviews that were submitted", responses=answers("Acts"))
def acts(
    request: Request,
    service: ServiceDep,
    *,
    state: Annotated[ActState | None, Query(description="Only of this state.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return reviews that were ever submitted with each step, the last one done first."""
    found = service.reviews.acts.listed(state)
    page = found[offset : offset + limit]
    document = {"numberMatched": len(found), "numberReturned": len(page), "acts": page}
    return json_reply(request, document)


@router.post(
    "/reviews/{review_id}/submit",
    summary="Submit a review for signature",
    responses=answers("Review", *_ACT_ERRORS, is_tagged=False),
)
def submit_review(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: ActRequest | None = None,
) -> Response:
    """Submit a review that one has made; another reviewer signs or returns it.

    409 if it is a trial, or if other data or rules count by now.
    """
    service.reviews.acts.submit(review_id, (body or ActRequest()).note)
    return json_reply(request, service.reviews.summary(review_id, language))


@router.post(
    "/reviews/{review_id}/return",
    summary="Return a submitted review with reasons",
    responses=answers("Review", *_ACT_ERRORS, is_tagged=False),
)
def return_review(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: ReturnRequest,
) -> Response:
    """Return a review of another reviewer: it is a draft again."""
    service.reviews.acts.give_back(review_id, body.reason)
    return json_reply(request, service.reviews.summary(review_id, language))


@router.post(
    "/reviews/{review_id}/sign",
    summary="Sign a submitted review",
    responses=answers("Review", *_ACT_ERRORS, is_tagged=False),
)
def sign_review(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: ActRequest | None = None,
) -> Response:
    """Sign a review of another reviewer; from then on nothing changes or drops it."""
    service.reviews.acts.sign(review_id, (body or ActRequest()).note)
    return json_reply(request, service.reviews.summary(review_id, language))


@router.get(
    "/jobs",
    summary="Waiting, running and recent jobs",
    responses=answers("Jobs"),
)
def jobs(
    request: Request, service: ServiceDep, *, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """Return jobs, newest first; a job is forgotten a day after its end."""
    translator = translator_of(request)
    found = service.jobs.jobs()
    listed = [job_document(service, item, translator) for item in found[offset : offset + limit]]
    document = {"numberMatched": len(found), "numberReturned": len(listed), "jobs": listed}
    return json_reply(request, document)


@router.get(
    "/jobs/{job_id}",
    summary="A job's progress",
    responses=answers("Job", NotFoundError),
)
def job(job_id: str, request: Request, service: ServiceDep) -> Response:
    """Return a job's status (waiting, running, done, failed, cancelled) and progress 0 to 1."""
    found = service.jobs.find(job_id)
    return json_reply(request, job_document(service, found, translator_of(request)))


@router.delete(
    "/jobs/{job_id}",
    summary="Cancel a job",
    responses=answers("Job", NotFoundError, is_tagged=False),
)
def cancel_job(job_id: str, request: Request, service: ServiceDep) -> Response:
    """Tell a job to stop at its next step; an ended job does not change."""
    cancelled = service.jobs.cancel(job_id)
    return json_reply(request, job_document(service, cancelled, translator_of(request)))


@router.get(
    "/changes",
    summary="What changed since the review before the current one",
    responses=answers("Changes"),
)
def changes(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Annotated[
        int | None,
        Query(ge=0, le=MAX_LIMIT, description="How many to list of each kind; all if left out."),
    ] = None,
) -> Response:
    """Compare the current review with the one whose data or rules it replaced.

    `before` is null if there is none. After an earlier version was restored `is_restored` is
    true: the county stands as it did before the last change.
    """
    return json_reply(request, service.reviews.since_previous(language, limit=limit))


@router.get(
    "/reviews/{review_id}/comparison",
    summary="Two reviews compared",
    responses=answers("ReviewComparison", NotFoundError),
)
@in_turn(WorkKind.REVIEWS)
def comparison(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    before: Annotated[str, Query(max_length=64, description="The earlier review's id.")],
    *,
    limit: Annotated[
        int | None,
        Query(ge=0, le=MAX_LIMIT, description="How many to list of each kind; all if left out."),
    ] = None,
) -> Response:
    """Return what became of each finding since another review: new, worse, cured, ...

    `counts` tells how many there are of each kind; unchanged ones are not listed.
    """
    document = service.reviews.comparison(before, review_id, language, limit=limit)
    return json_reply(request, document)


@router.get(
    "/reviews/{review_id}",
    summary="One review's summary",
    responses=answers("Review", NotFoundError),
)
def review(
    review_id: str, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Return how a review came out: verdicts and counts by rule."""
    return json_reply(request, service.reviews.summary(review_id, language))


@router.get(
    "/reviews/{review_id}/findings",
    summary="A review's findings as features",
    responses=answers("Findings", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.REVIEWS)
def findings(  # noqa: PLR0913 - what the contract of lists names
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    filters: FindingFiltersDep,
    bbox: BboxDep,
    *,
    sort: Sort = FindingSort.SEVERITY,
    geometry: Annotated[
        bool,
        Query(
            description="Whether geometry is sent; without it each finding says `has_geometry`,"
            " `rule_title`, and its evidence as lines to read."
        ),
    ] = True,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return findings, gravest first, each with its geometry where it has one.

    `next` is the address of the next ones, null after the last.
    """
    listed, matched = service.reviews.findings(
        review_id,
        language,
        replace(filters, bbox=bbox, sort=sort),
        slice_=(limit, offset),
        has_geometry=geometry,
    )
    address = next_address(request, limit, offset, matched)
    return features_reply(request, listed, matched, next=address)


@router.get(
    "/reviews/{review_id}/counts",
    summary="How many findings a review has, by facet",
    responses=answers("FindingCounts", NotFoundError),
)
@in_turn(WorkKind.REVIEWS)
def counts(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    filters: FindingFiltersDep,
    bbox: BboxDep,
) -> Response:
    """Return how many findings pass the filters, and how many there are by each facet.

    `by_rule` tells how many would be listed by each rule under all other filters; `by_family`,
    `by_verdict`, `by_severity`, `by_park`, `by_township` (codes), `by_basis` and `by_set_aside`
    likewise. `without_park` and `without_township` count findings that belong to none.
    """
    query = replace(filters, bbox=bbox)
    return json_reply(request, service.reviews.counts(review_id, language, query))


@router.get(
    "/reviews/{review_id}/desk",
    summary="A review's findings as a matrix and in groups",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.REVIEWS)
def desk(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    filters: FindingFiltersDep,
    *,
    by: Annotated[GroupBy, Query(description="What rows are grouped by.")] = GroupBy.PARK,
) -> Response:
    """Return how many findings there are by park and family, and by group.

    `matrix` is under all filters but park and family. A `verdict` is the one that these findings
    alone would give a park. `rows` of a group are fewer than its findings, where one cause shows
    on a park and on its parcels.
    """
    return json_reply(request, service.reviews.desk(review_id, language, filters, by))


@router.get(
    "/reviews/{review_id}/rows",
    summary="A review's findings, one row a cause",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.REVIEWS)
def rows(  # noqa: PLR0913 - as above
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    filters: FindingFiltersDep,
    *,
    sort: Sort = FindingSort.VERDICT,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return findings as rows: those of one rule on a park and on its parcels are one.

    `merged` tells how many findings a row stands for, and of which layers.
    """
    query = replace(filters, sort=sort)
    found = service.reviews.merged(review_id, language, query, slice_=(limit, offset))
    return json_reply(request, found)


@router.get(
    "/reviews/{review_id}/export",
    summary="A review as a file",
    responses=files(*MEDIA_TYPES.values(), errors=(NotFoundError,)),
)
@in_turn(WorkKind.FILES, is_shared=False)
def export(
    review_id: str,
    service: ServiceDep,
    language: LanguageDep,
    format: Annotated[ExportFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a review as a file with a name of its own; texts in the language asked for."""
    return download_reply(service.reviews.file(review_id, format, language))
