"""Scenarios: made, edited, judged, compared, put on newer plans, published and undone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import (
    ConflictError,
    InvalidQueryError,
    NotFoundError,
    ScenarioError,
    SourceError,
    StaleError,
)
from geo_service.planning.scenario_files import (
    COMPARISON_MEDIA_TYPES,
    ComparisonFormat,
    comparison_file,
)
from geo_service.planning.scenarios import ScenarioPatch, ScenarioRecord
from geo_service.web.answers import answers, files, problems, shape_of
from geo_service.web.errors import problem, translator_of
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    BY_LANGUAGE,
    MAX_LIMIT,
    Limit,
    Offset,
    ServiceDep,
    attachment,
    download_reply,
    json_reply,
)
from geo_service.web.slots import WorkKind, in_turn
from geo_service.wording import said, tell

router = APIRouter(prefix="/api", tags=["scenarios"])

SCHEMA_TYPE = "application/schema+json"
_MOST_ID = 64
_MOST_IDS = 400
ScenarioId = Annotated[str, Path(max_length=_MOST_ID, description="A scenario's id.")]
EditIdPath = Annotated[str, Path(max_length=_MOST_ID, description="An edit's id.")]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description="The ETag of the state that was seen."),
]
Change = Literal[
    "new",
    "worse",
    "better",
    "became_unknown",
    "cured",
    "subject_gone",
    "unchanged",
    "not_compared",
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScenarioPatchRequest(_Asked):
    """What changes of a scenario besides its edits; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    reason: str | None = Field(default=None, max_length=2_000)
    order: list[str] | None = Field(
        default=None, max_length=500, description="All edits' ids in their new order."
    )
    enabled: dict[str, bool] | None = Field(
        default=None, description="By edit id, whether it counts."
    )
    reasons: dict[str, str] | None = Field(default=None, description="By edit id, why.")


class RebaseRequest(_Asked):
    """What was decided about edits in conflict; nothing is chosen by default."""

    choices: dict[str, Literal["ours", "theirs"]] = Field(
        default_factory=dict, description="By edit id: ours makes it, theirs switches it off."
    )


class PublishRequest(_Asked):
    """Which edits become the plan, and the plan that the scenario was compared with."""

    edits: list[str] | None = Field(
        default=None, min_length=1, max_length=500, description="Edit ids; all if left out."
    )
    plan_version: str = Field(
        max_length=64, description="The plan version that the scenario was compared with."
    )
    author: str = Field(default="", max_length=200, description="Who: free text.")


class UndoRequest(_Asked):
    """Which publication goes back; the last one if it is left out."""

    publication_id: str | None = Field(default=None, max_length=_MOST_ID)
    plan_version: str | None = Field(
        default=None, max_length=64, description="The plan version that was looked at."
    )


@router.get(
    "/scenario-schema",
    summary="The JSON Schema of a scenario",
    responses=answers("Any", media_type=SCHEMA_TYPE),
)
def schema(request: Request, service: ServiceDep, language: LanguageDep) -> Response:
    """Return the form of a scenario's file with every kind of edit, for forms and editors."""
    del language
    return json_reply(request, service.scenarios.schema(), media_type=SCHEMA_TYPE)


@router.get("/scenarios", summary="The scenarios", responses=answers("Scenarios"))
def scenarios(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return the scenarios without their edits, the one that was changed last first."""
    del language
    listed, matched = service.scenarios.listed(limit=limit, offset=offset)
    document = {"numberMatched": matched, "numberReturned": len(listed), "scenarios": listed}
    return json_reply(request, document)


@router.post(
    "/scenarios",
    status_code=201,
    summary="Make a scenario",
    responses=answers("Scenario", ScenarioError, status=201),
    openapi_extra={"requestBody": {"content": {"application/json": shape_of("ScenarioFile")}}},
)
@in_turn(WorkKind.SCENARIOS)
def create_scenario(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: Annotated[dict[str, Any], Body(description="A scenario: name, reason, edits.")],
    *,
    author: Annotated[str, Query(max_length=200, description="Who makes it: free text.")] = "",
) -> Response:
    """Make a scenario; every edit is checked. A file that was exported is taken as it is."""
    record = service.scenarios.make(body, author=author)
    answer = _reply(request, service, language, record, status=201)
    answer.headers["location"] = f"/api/scenarios/{record.scenario_id}"
    return answer


@router.get(
    "/scenarios/compare",
    summary="Scenarios and the plan side by side",
    responses=answers("ScenarioComparison", InvalidQueryError, NotFoundError, ScenarioError),
)
@in_turn(WorkKind.SCENARIOS)
def compare(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    ids: Annotated[
        str, Query(max_length=_MOST_IDS, description="Ids joined by commas; `plan` is the plan.")
    ],
) -> Response:
    """Return verdicts by park, measures, costs, and what each alone brings about."""
    asked = [part for part in ids.split(",") if part]
    document = service.scenarios.comparison(asked, service.translator(language))
    return json_reply(request, document)


@router.get(
    "/scenarios/compare/export",
    summary="Scenarios side by side as a file",
    responses=files(
        *COMPARISON_MEDIA_TYPES.values(), errors=(InvalidQueryError, NotFoundError, ScenarioError)
    ),
)
@in_turn(WorkKind.SCENARIOS)
def export_comparison(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    ids: Annotated[
        str, Query(max_length=_MOST_IDS, description="Ids joined by commas; `plan` is the plan.")
    ],
    format: Annotated[ComparisonFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a comparison as a file for a meeting; the HTML is one page without scripts."""
    del request
    asked = [part for part in ids.split(",") if part]
    found = service.scenarios.compared(asked)
    return download_reply(comparison_file(found, format, service.translator(language)))


@router.get(
    "/scenarios/{scenario_id}",
    summary="One scenario",
    responses=answers("Scenario", NotFoundError),
)
def scenario(
    scenario_id: ScenarioId, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Return a scenario with every edit, in words too; its ETag is that of its state."""
    return _reply(request, service, language, service.scenarios.find(scenario_id))


@router.patch(
    "/scenarios/{scenario_id}",
    summary="Change a scenario's name, reason, or which edits count",
    responses=answers(
        *("Scenario", NotFoundError, ConflictError, ScenarioError, StaleError), is_tagged=False
    ),
)
@in_turn(WorkKind.SCENARIOS)
def patch_scenario(
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: ScenarioPatchRequest,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Change what is given: name, reason, the order of edits, which count, and why."""
    patch = ScenarioPatch(**body.model_dump())
    record = service.scenarios.patch(scenario_id, patch, expected=_tag(if_match))
    return _reply(request, service, language, record)


@router.delete(
    "/scenarios/{scenario_id}",
    status_code=204,
    summary="Drop a scenario",
    responses=answers(None, NotFoundError, StaleError, status=204),
)
def drop_scenario(
    scenario_id: ScenarioId, service: ServiceDep, *, if_match: IfMatch = None
) -> Response:
    """Drop a scenario; what of it was published stays published."""
    service.scenarios.drop(scenario_id, expected=_tag(if_match))
    return Response(status_code=204)


@router.post(
    "/scenarios/{scenario_id}/edits",
    status_code=201,
    summary="Add an edit, or several",
    responses=answers(
        *("Scenario", NotFoundError, ConflictError, ScenarioError, StaleError), status=201
    ),
)
@in_turn(WorkKind.SCENARIOS)
def add_edits(  # noqa: PLR0913 - what is added where
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: Annotated[
        dict[str, Any] | list[dict[str, Any]],
        Body(description="An edit, or a list of edits that come together or not at all."),
    ],
    *,
    at: Annotated[
        int | None, Query(ge=0, le=1_000, description="Before which; at the end if left out.")
    ] = None,
    if_match: IfMatch = None,
) -> Response:
    """Add edits; each is checked, and refused in words where it cannot be made."""
    documents = body if isinstance(body, list) else [body]
    record = service.scenarios.add(scenario_id, documents, at=at, expected=_tag(if_match))
    return _reply(request, service, language, record, status=201)


@router.delete(
    "/scenarios/{scenario_id}/edits/{edit_id}",
    summary="Take an edit out",
    responses=answers(*("Scenario", NotFoundError, ScenarioError, StaleError), is_tagged=False),
)
@in_turn(WorkKind.SCENARIOS)
def drop_edit(
    scenario_id: ScenarioId,
    edit_id: EditIdPath,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Take an edit out; refused where others build on it."""
    record = service.scenarios.drop_edit(scenario_id, edit_id, expected=_tag(if_match))
    return _reply(request, service, language, record)


@router.get(
    "/scenarios/{scenario_id}/review",
    summary="How a scenario's plan is judged",
    responses=answers("ScenarioReview", NotFoundError, ScenarioError),
)
@in_turn(WorkKind.SCENARIOS)
def review(
    scenario_id: ScenarioId, request: Request, service: ServiceDep, language: LanguageDep
) -> Response:
    """Return verdicts before and after, focus and room of the parks touched.

    `review_id` and `base_review_id` name reviews whose findings, files and maps can be asked for.
    """
    document = service.scenarios.outcome(scenario_id, service.translator(language))
    return json_reply(request, document)


@router.get(
    "/scenarios/{scenario_id}/changes",
    summary="What a scenario does to findings, and which edit does it",
    responses=answers("ScenarioChanges", NotFoundError, ScenarioError),
)
@in_turn(WorkKind.SCENARIOS)
def changes(  # noqa: PLR0913 - what the contract of lists names
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    kind: Annotated[
        list[Change] | None, Query(description="Only these kinds; may be repeated.")
    ] = None,
    causes: Annotated[
        bool, Query(description="Whether to tell which edits bring each about.")
    ] = True,
    limit: Annotated[int | None, Query(ge=0, le=MAX_LIMIT)] = None,
    offset: Offset = 0,
) -> Response:
    """Return findings new, worse, better, cured and so on, each with `caused_by`.

    `counts` are of all kinds. Where an edit alone is not enough, `is_together` is true.
    """
    document = service.scenarios.changes(
        scenario_id,
        service.translator(language),
        kinds=kind,
        has_causes=causes,
        slice_=(limit, offset),
    )
    return json_reply(request, document)


@router.post(
    "/scenarios/{scenario_id}/rebase",
    summary="Put a scenario on the plan of now",
    responses=answers(*("Scenario", NotFoundError, ScenarioError, StaleError), is_tagged=False)
    | problems(ConflictError),
)
@in_turn(WorkKind.SCENARIOS)
def rebase(
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: RebaseRequest | None = None,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Make the edits anew on the plan of now.

    409 while conflicts are open: `conflicts` tells base, ours and theirs of each value, and the
    verdicts under each choice. Send `choices` for each to go on.
    """
    desk = service.scenarios
    asked = body or RebaseRequest()
    record, done = desk.rebase(scenario_id, choices=asked.choices, expected=_tag(if_match))
    if done.conflicts:
        told = desk.conflicts(done, service.translator(language))
        detail = tell(said("problem.conflicts", count=len(told)), translator_of(request))
        return problem(409, detail, plan_version=done.plan.version, conflicts=told)
    return _reply(request, service, language, record)


@router.post(
    "/scenarios/{scenario_id}/publish",
    summary="Let a scenario become the plan",
    responses=answers(
        "ScenarioPublished",
        *(NotFoundError, ConflictError, ScenarioError, SourceError, StaleError),
        is_tagged=False,
    ),
)
@in_turn(WorkKind.SCENARIOS)
def publish(
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: PublishRequest,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Publish some or all edits: new versions of all layers touched, all or none.

    409 if the plan is another than the one that the scenario was compared with.
    """
    done = service.scenarios.publish(
        scenario_id,
        edit_ids=body.edits,
        plan_version=body.plan_version,
        author=body.author,
        expected=_tag(if_match),
    )
    return _published_reply(request, service, language, done)


@router.post(
    "/scenarios/{scenario_id}/undo",
    summary="Undo a publication of a scenario",
    responses=answers(
        "ScenarioPublished",
        *(NotFoundError, ConflictError, SourceError, StaleError),
        is_tagged=False,
    ),
)
@in_turn(WorkKind.SCENARIOS)
def undo(
    scenario_id: ScenarioId,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    body: UndoRequest | None = None,
    *,
    if_match: IfMatch = None,
) -> Response:
    """Put back what a publication changed; the edits stand in the scenario again.

    409 where it was changed since.
    """
    asked = body or UndoRequest()
    done = service.scenarios.undo(
        scenario_id,
        publication_id=asked.publication_id,
        plan_version=asked.plan_version,
        expected=_tag(if_match),
    )
    return _published_reply(request, service, language, done)


@router.get(
    "/scenarios/{scenario_id}/export",
    summary="A scenario as a file",
    responses=files("application/json", errors=(NotFoundError,)),
)
def export(scenario_id: ScenarioId, service: ServiceDep) -> Response:
    """Return a scenario as one file that opens wherever there is the same base."""
    content = service.scenarios.export(scenario_id)
    headers = {"content-disposition": attachment(f"{scenario_id}.scenario.json"), **BY_LANGUAGE}
    return Response(content, headers=headers, media_type="application/json")


def _tag(if_match: str | None) -> str | None:
    """Return the state that a request has seen; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"')


def _reply(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    record: ScenarioRecord,
    *,
    status: int = 200,
) -> Response:
    """Reply with a scenario; the ETag is that of its state, in every language."""
    document = service.scenarios.document(record, service.translator(language))
    answer = json_reply(request, document, status=status)
    answer.headers["etag"] = f'"{record.tag}"'
    return answer


def _published_reply(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    done: Any,  # noqa: ANN401 - as `publish` returns it
) -> Response:
    document = {
        "publication_id": done.publication_id,
        "plan_version": service.plan.version,
        "layers": [
            {
                "layer": entry.layer,
                "number": entry.number,
                "version": entry.version,
                "features": entry.features,
                "note": entry.note,
            }
            for entry in done.entries
        ],
        "scenario": service.scenarios.document(done.record, service.translator(language)),
    }
    answer = json_reply(request, document)
    answer.headers["etag"] = f'"{done.record.tag}"'
    return answer
