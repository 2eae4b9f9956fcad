"""Where a project fits: rankings made, weighed anew, explained and compared."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from geo_service.errors import NotFoundError, ProjectError
from geo_service.language import Language
from geo_service.planning import PlanningService
from geo_service.planning.projects import county_projects, read_project_text
from geo_service.planning.rankings import project_schema
from geo_service.web.answers import answers, shape_of
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    GEOJSON,
    MAX_LIMIT,
    Limit,
    Offset,
    ServiceDep,
    features_reply,
    json_reply,
)
from geo_service.web.results import made_reply, streamed_reply
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.weighing import NewWeights, WeighingDep
from geo_service.web.work import AT_ONCE_SECONDS, accepted_reply, ended

router = APIRouter(prefix="/api", tags=["rankings"])

SCHEMA_TYPE = "application/schema+json"
MOST_PROJECT_CHARACTERS = 200_000
RankingId = Annotated[str, Path(max_length=64, description="A ranking's id.")]
CandidateId = Annotated[str, Query(max_length=2000, description="A candidate's id.")]


@router.get(
    "/project-schema",
    summary="The JSON Schema of a project",
    responses=answers("Any", media_type=SCHEMA_TYPE),
)
def schema(request: Request, language: LanguageDep) -> Response:
    """Return the fields of a project with units and examples, for forms and editors."""
    del language
    return json_reply(request, project_schema(), media_type=SCHEMA_TYPE)


class ProjectText(BaseModel):
    """A project as the text of a file."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=MOST_PROJECT_CHARACTERS, description="YAML or JSON.")
    name: str = Field(
        default="project", max_length=200, description="The name of the file, told with faults."
    )


@router.post(
    "/projects/read",
    summary="A project read from a file's text",
    responses=answers("ProjectRead", ProjectError, is_tagged=False),
)
def read_project(request: Request, language: LanguageDep, body: ProjectText) -> Response:
    """Read a project's text, YAML or JSON, and return it as JSON; nothing is ranked or kept."""
    del language
    return json_reply(request, {"project": read_project_text(body.text, body.name)})


@router.get(
    "/projects",
    summary="The projects that the county has",
    responses=answers("Any", is_tagged=False),
)
def projects(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return the projects in the workspace's folder `projects`, by file.

    `project` is null for a file that is no usable project.
    """
    del language
    found = county_projects(service.workspace.folder) if service.has_workspace else []
    return json_reply(request, {"projects": found})


@router.get(
    "/criteria", summary="The criteria that a project may name", responses=answers("Criteria")
)
def criteria(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return every criterion with unit, sense, default weight and value function."""
    return json_reply(request, service.rankings.criteria(language))


@router.post(
    "/rankings",
    status_code=201,
    summary="Rank the sites of a project",
    responses=answers("Ranking", ProjectError, status=201, may_take_long=True, may_be_unsaved=True),
    openapi_extra={"requestBody": {"content": {"application/json": shape_of("Project")}}},
)
async def create_ranking(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: Annotated[
        dict[str, Any],
        Body(description="A project; with `scenario`, an id, its sites are sought in that plan."),
    ],
) -> Response:
    """Find, exclude, measure and score the candidates for a project.

    201 with the ranking when it is done within two seconds and was kept, 200 when it could not
    be kept (`not_saved` says why), else 202 with the job's address in `Location`.
    """
    job = await run_in_threadpool(service.rankings.start, body)
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    return await run_in_threadpool(_created_reply, request, service, language, job.result.identity)


def _created_reply(
    request: Request, service: PlanningService, language: Language, ranking_id: str
) -> Response:
    document = service.rankings.document(ranking_id, language)
    return made_reply(request, document, f"/api/rankings/{ranking_id}")


@router.get("/rankings", summary="The rankings", responses=answers("Rankings"))
def rankings(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return summaries of the rankings, newest first."""
    listed, matched = service.rankings.summaries(language, limit=limit, offset=offset)
    document = {"numberMatched": matched, "numberReturned": len(listed), "rankings": listed}
    return json_reply(request, document)


@router.get(
    "/rankings/{ranking_id}",
    summary="One ranking",
    responses=answers("Ranking", NotFoundError),
)
def ranking(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Annotated[
        int | None, Query(ge=0, le=MAX_LIMIT, description="How many candidates; by default all.")
    ] = None,
    offset: Offset = 0,
) -> Response:
    """Return a ranking: candidates by rank with every figure, exclusions with reasons.

    Without `limit` and `offset` all candidates are returned, as a stream. `numberMatched` and
    `numberReturned` count candidates.
    """
    is_whole = limit is None and not offset
    slice_ = None if is_whole else (MAX_LIMIT if limit is None else limit, offset)
    desk = service.rankings
    tells = desk.tells(ranking_id, language)
    return streamed_reply(request, desk.parts(ranking_id, language, slice_=slice_), *tells, slice_)


@router.post(
    "/rankings/{ranking_id}/weights",
    summary="Score the same candidates with other weights",
    responses=answers("Ranking", NotFoundError, is_tagged=False),
)
@in_turn(WorkKind.RANKINGS)
def reweigh(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: NewWeights,
) -> Response:
    """Score a ranking's candidates again; nothing is measured or saved."""
    return json_reply(request, service.rankings.reweigh(ranking_id, language, body.weighing))


@router.post(
    "/rankings/{ranking_id}/run",
    status_code=201,
    summary="Rank the project again",
    responses=answers("Ranking", NotFoundError, ProjectError, status=201, may_be_unsaved=True),
)
@in_turn(WorkKind.RANKINGS)
def run_again(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: NewWeights | None = None,
) -> Response:
    """Rank the same project in the current plan and by the rulebook in force.

    With a body, its weights and method become the project's own. 200 when the ranking could not
    be kept (`not_saved` says why).
    """
    made = service.rankings.run_again(ranking_id, (body or NewWeights()).weighing)
    return _created_reply(request, service, language, made.ranking_id)


@router.get(
    "/rankings/{ranking_id}/comparison",
    summary="Two rankings compared",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.RANKINGS)
def comparison(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    before: Annotated[str, Query(max_length=64, description="The earlier ranking's id.")],
) -> Response:
    """Return the candidates that moved, appeared, disappeared or were excluded in between."""
    return json_reply(request, service.rankings.compare(before, ranking_id, language))


@router.get(
    "/rankings/{ranking_id}/explanation",
    summary="Why a candidate has its rank",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.RANKINGS)
def explanation(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    candidate: CandidateId,
    weighing: WeighingDep,
) -> Response:
    """Return a sentence per criterion, from the ranking's own figures or with other weights."""
    found = service.rankings.explanation(ranking_id, candidate, language, weighing)
    return json_reply(request, found)


@router.get(
    "/rankings/{ranking_id}/features",
    summary="A ranking's candidates as features",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.RANKINGS)
def features(  # noqa: PLR0913 - what the contract of lists names
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    weighing: WeighingDep,
    *,
    limit: Limit = 1_000,
    offset: Offset = 0,
) -> Response:
    """Return ranked candidates, best first, then excluded ones."""
    every = service.rankings.features(ranking_id, language, weighing)
    return features_reply(request, every[offset : offset + limit], len(every))


@router.get(
    "/rankings/{ranking_id}/routes",
    summary="Routes to the nearest facilities",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
@in_turn(WorkKind.RANKINGS)
def routes(
    ranking_id: RankingId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    candidate: CandidateId,
) -> Response:
    """Return the fastest routes from a candidate to the facilities of its criteria, as lines."""
    found = service.rankings.routes(ranking_id, candidate, language)
    return features_reply(request, found, len(found))


@router.get(
    "/rankings/{ranking_id}/sensitivity",
    summary="Which weights the first place depends on",
    responses=answers("Any", NotFoundError),
)
@in_turn(WorkKind.RANKINGS)
def sensitivity(ranking_id: RankingId, request: Request, service: ServiceDep) -> Response:
    """Return Sobol's first-order and total indices of each weight (takes a few seconds)."""
    return json_reply(request, service.rankings.sensitivity(ranking_id))
