"""Layouts: proposed for the whole county at once, explained, and accepted as scenarios."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from geo_service.errors import (
    GoalsError,
    InfeasibleError,
    NotFoundError,
    ProjectError,
    ScenarioError,
)
from geo_service.language import Language
from geo_service.planning import PlanningService
from geo_service.planning.layouts import LAYOUT_MEDIA_TYPES, LayoutFormat, read_goals_text
from geo_service.web.answers import answers, files
from geo_service.web.errors import translator_of
from geo_service.web.language import LanguageDep
from geo_service.web.replies import Limit, Offset, ServiceDep, download_reply, json_reply
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.work import AT_ONCE_SECONDS, accepted_reply, ended

router = APIRouter(prefix="/api", tags=["layouts"])

SCHEMA_TYPE = "application/schema+json"
_MOST_ID = 80
_MOST_TEXT = 2_000_000
LayoutId = Annotated[str, Path(max_length=_MOST_ID, description="A layout's id.")]


class _AskedOfLayouts(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LayoutRequest(_AskedOfLayouts):
    """Goals, and perhaps a scenario whose plan is the base."""

    goals: dict[str, Any] = Field(description="What is wanted; see /api/goals-schema.")
    scenario: str | None = Field(default=None, max_length=64, description="A scenario's id.")
    time_limit_s: float | None = Field(
        default=None, ge=1, le=3_600, description="Seconds for the search; those of the goals."
    )


class AcceptRequest(_AskedOfLayouts):
    """Which decisions are meant: ids of parks and enterprises, names of projects."""

    decisions: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, min_length=1, max_length=2_000, description="All if left out."
    )


class OfferRequest(_AskedOfLayouts):
    """One more project, and perhaps the goals whose terms count."""

    project: dict[str, Any] = Field(description="A project; see /api/project-schema.")
    goals: dict[str, Any] | None = Field(default=None, description="Goals whose terms count.")
    scenario: str | None = Field(default=None, max_length=64, description="A scenario's id.")


@router.get(
    "/goals-schema",
    summary="The JSON Schema of goals",
    responses=answers("Any", media_type=SCHEMA_TYPE),
)
def schema(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return the fields of a layout's goals with units and examples, for forms and editors."""
    del language
    return json_reply(request, service.layouts.schema(), media_type=SCHEMA_TYPE)


class GoalsText(_AskedOfLayouts):
    """Goals as the text of a file."""

    text: str = Field(max_length=_MOST_TEXT, description="YAML or JSON.")
    name: str = Field(
        default="goals", max_length=200, description="The name of the file, told with faults."
    )


@router.post(
    "/goals/read",
    summary="Goals read from a file's text",
    responses=answers("Any", GoalsError, is_tagged=False),
)
def read_goals(request: Request, language: LanguageDep, body: GoalsText) -> Response:
    """Read the text of goals, YAML or JSON, and return it as JSON; nothing is solved or kept."""
    del language
    return json_reply(request, {"goals": read_goals_text(body.text, body.name)})


@router.get("/goals", summary="The goals that the workspace keeps", responses=answers("Any"))
@in_turn(WorkKind.LAYOUTS)
def goals(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return the files of goals in the workspace's folder `layouts`, each as JSON or its faults."""
    return json_reply(request, {"goals": service.layouts.goals_files(language)})


@router.post(
    "/layouts",
    status_code=201,
    summary="Propose a layout",
    responses=answers("Layout", GoalsError, NotFoundError, status=201, may_take_long=True),
)
async def create_layout(
    request: Request, service: ServiceDep, language: LanguageDep, body: LayoutRequest
) -> Response:
    """Find the best lawful layout for goals, or which of them clash.

    201 with the layout when it is done within two seconds, else 202 with the job's address in
    `Location`; deleting the job stops the solver. A layout is remembered while the service runs.
    """
    job = await run_in_threadpool(
        service.layouts.start, body.goals, scenario=body.scenario, time_limit_s=body.time_limit_s
    )
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    return await run_in_threadpool(_created_reply, request, service, language, job.result.identity)


def _created_reply(
    request: Request, service: PlanningService, language: Language, layout_id: str
) -> Response:
    document = service.layouts.document(layout_id, language)
    answer = json_reply(request, document, status=201)
    answer.headers["location"] = f"/api/layouts/{layout_id}"
    return answer


@router.post(
    "/layouts/{layout_id}/replacements",
    status_code=201,
    summary="What a layout loses without its decisions",
    responses=answers("Layout", NotFoundError, InfeasibleError, status=201, may_take_long=True),
)
async def create_replacements(
    layout_id: LayoutId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: AcceptRequest | None = None,
) -> Response:
    """Forbid each decision in turn, all or those named, and solve again.

    201 with the layout, whose `replacements` tell what each loses, when it is done within two
    seconds, else 202 with the job's address in `Location`.
    """
    asked = body or AcceptRequest()
    job = await run_in_threadpool(service.layouts.start_replacing, layout_id, asked.decisions)
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    return await run_in_threadpool(_created_reply, request, service, language, job.result.identity)


@router.get("/layouts", summary="The layouts", responses=answers("Layouts"))
def layouts(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return summaries of the layouts that are remembered, newest first."""
    listed, matched = service.layouts.summaries(language, limit=limit, offset=offset)
    document = {"numberMatched": matched, "numberReturned": len(listed), "layouts": listed}
    return json_reply(request, document)


@router.get(
    "/layouts/{layout_id}", summary="One layout", responses=answers("Layout", NotFoundError)
)
@in_turn(WorkKind.LAYOUTS)
def layout(
    layout_id: LayoutId, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Return a layout; one of its alternatives (`.a1`) or a point of its front (`.f1`) too."""
    return json_reply(request, service.layouts.document(layout_id, language))


@router.get(
    "/layouts/{layout_id}/why-not",
    summary="Why a project is not in a park",
    responses=answers("Any", NotFoundError, InfeasibleError),
)
@in_turn(WorkKind.LAYOUTS)
def why_not(
    layout_id: LayoutId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    project: Annotated[str, Query(max_length=200, description="A project's name.")],
    park: Annotated[str, Query(max_length=200, description="A park's id.")],
) -> Response:
    """Return the rules and needs that speak against it, or what the layout would lose."""
    return json_reply(request, service.layouts.why_not(layout_id, project, park, language))


@router.get(
    "/layouts/{layout_id}/export",
    summary="A layout as a file",
    responses=files(*LAYOUT_MEDIA_TYPES.values(), errors=(NotFoundError,)),
)
@in_turn(WorkKind.LAYOUTS)
def export(
    layout_id: LayoutId,
    service: ServiceDep,
    language: LanguageDep,
    format: Annotated[LayoutFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a layout as JSON, XLSX or DOCX, in the language asked for."""
    return download_reply(service.layouts.file(layout_id, format, language))


@router.post(
    "/layouts/{layout_id}/scenario",
    status_code=201,
    summary="Accept a layout into a scenario",
    responses=answers("Scenario", NotFoundError, InfeasibleError, ScenarioError, status=201),
)
@in_turn(WorkKind.LAYOUTS)
def accept_layout(
    layout_id: LayoutId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: AcceptRequest | None = None,
) -> Response:
    """Keep all or some decisions of a layout as the edits of a new scenario."""
    asked = body or AcceptRequest()
    record = service.layouts.accept(layout_id, language, decisions=asked.decisions)
    document = service.scenarios.document(record, translator_of(request))
    answer = json_reply(request, document, status=201)
    answer.headers["location"] = f"/api/scenarios/{record.scenario_id}"
    return answer


@router.post(
    "/places",
    summary="The best places for one more project",
    responses=answers("Any", GoalsError, ProjectError, NotFoundError, is_tagged=False),
)
@in_turn(WorkKind.LAYOUTS)
def places(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: Annotated[OfferRequest, Body()],
    *,
    limit: Limit = 10,
) -> Response:
    """Return the places of a project by what they bring the county; nothing else is moved."""
    found = service.layouts.offers(
        body.project, language, goals=body.goals, scenario=body.scenario, top=limit
    )
    return json_reply(request, found)
