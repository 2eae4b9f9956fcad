"""Imports: send a file, look at what became of it, publish it or drop it."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from geo_service.errors import ChoiceNeededError, ConflictError, NotFoundError, SourceError
from geo_service.language import Language
from geo_service.planning.import_drafts import ImportDesk, check_layer
from geo_service.planning.import_forms import (
    AS,
    AUTO,
    COLUMN,
    UNIT,
    import_options,
    template_file,
)
from geo_service.web.answers import answers, files, problems
from geo_service.web.language import LanguageDep
from geo_service.web.parameters import NamesAfter
from geo_service.web.replies import GEOJSON, ServiceDep, WholeFile, download_reply, json_reply
from geo_service.web.shares import client_of
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.work import AT_ONCE_SECONDS, accepted_reply, ended

router = APIRouter(prefix="/api/imports", tags=["imports"])
UPLOAD_PATH = "/api/imports"
"""Where files are sent; its bodies may be larger than others."""
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"
_LONGEST = 100
_Unit = Annotated[str, StringConstraints(max_length=_LONGEST)]
UnitAnswers = Annotated[list[tuple[str, str]], Depends(NamesAfter(UNIT))]
"""A choice may be answered under the very name that it was asked by: unit:investment_cny."""
ColumnAnswers = Annotated[list[tuple[str, str]], Depends(NamesAfter(COLUMN))]
"""So is a choice of columns: column:output_cny."""
_LONGEST_HEADING = 200
TakenAsAnswer = Annotated[
    str | None,
    Query(
        alias=AS,
        max_length=_LONGEST,
        description="What the file is for its layer: whole, add (features) or update (by id).",
    ),
]
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f]+")


def import_desk(service: ServiceDep) -> ImportDesk:
    """Return the desk that keeps this service's imports."""
    return service.imports


DeskDep = Annotated[ImportDesk, Depends(import_desk)]
ImportId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f]+$", description="Its id.")]


class _ImportForm:
    """The options of an import as a request gives them."""

    def __init__(  # noqa: PLR0913 - one for each option
        self,
        language: LanguageDep,
        service: ServiceDep,
        answers: UnitAnswers,
        columns: ColumnAnswers,
        *,
        layer: Annotated[
            str,
            Query(max_length=50, description="Layer to import the file as; auto: by its columns."),
        ] = AUTO,
        filename: Annotated[str, Query(max_length=300, description="The file's name.")] = "upload",
        crs: Annotated[
            str, Query(max_length=500, description="auto, EPSG:n, GCJ-02 or BD-09.")
        ] = "auto",
        encoding: Annotated[
            str | None, Query(max_length=30, description="Encoding of the file's texts.")
        ] = None,
        scheme: Annotated[
            str | None, Query(max_length=30, description="Scheme of the file's land-use codes.")
        ] = None,
        source_layer: Annotated[
            str | None, Query(max_length=200, description="Layer or sheet of the file.")
        ] = None,
        file: Annotated[
            str | None,
            Query(max_length=300, description="File to import from an archive with several files."),
        ] = None,
        taken_as: TakenAsAnswer = None,
        unit: Annotated[
            list[_Unit],
            Query(
                max_length=50, description="COLUMN:UNIT, such as investment_cny:万元; repeatable."
            ),
        ] = [],  # noqa: B006 - FastAPI copies it
        mapping: Annotated[
            str | None,
            Query(max_length=8_000, description="A mapping file's text (TOML): which column is."),
        ] = None,
    ) -> None:
        self.layer = layer
        self.language: Language = language
        self.filename = _UNSHOWN.sub(" ", re.split(r"[/\\]", filename)[-1])[:120] or "upload"
        self.options = import_options(
            crs=crs,
            encoding=encoding,
            scheme=scheme,
            source_layer=source_layer,
            file=file,
            units=unit,
            taken_as=taken_as,
            mapping=mapping,
            translator=service.translator(language),
            shown=self.filename,
            answers=[
                (name[:_LONGEST], value[:_LONGEST_HEADING]) for name, value in (*answers, *columns)
            ],
        )


@router.post(
    "",
    status_code=201,
    summary="Read a file as a draft of a layer",
    responses=answers(
        "Import",
        NotFoundError,
        ChoiceNeededError,
        SourceError,
        status=201,
        may_take_long=True,
    ),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/octet-stream": {}}},
    },
)
async def create_import(
    request: Request, service: ServiceDep, desk: DeskDep, form: Annotated[_ImportForm, Depends()]
) -> Response:
    """Read the request's body (the file as it is) as a layer; nothing is published.

    201 with the report when it is done within two seconds, else 202 with the job's address
    in `Location`. 409 with `parameter` and `choices` when something is open that only the
    caller knows, such as the CRS: send the file again with that parameter. 422 when it cannot
    be imported.
    """
    check_layer(form.layer)
    upload = await run_in_threadpool(desk.receive, form.filename, client_of(request.scope))
    try:
        async for part in request.stream():
            await run_in_threadpool(upload.write, part)
        await run_in_threadpool(upload.finish)
    except BaseException:  # also when the client is gone
        upload.close()
        raise
    job = await run_in_threadpool(desk.start, upload, form.layer, form.options)
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    draft = await run_in_threadpool(desk.find, job.result.identity)
    document = await run_in_threadpool(draft.document, form.options.translator)
    reply = json_reply(request, document, status=201)
    reply.headers["location"] = f"{UPLOAD_PATH}/{draft.draft_id}"
    return reply


@router.get(
    "",
    summary="Waiting imports, and the layers that can be imported",
    responses=answers("Imports"),
)
def imports(request: Request, desk: DeskDep, language: LanguageDep) -> Response:
    """Return the drafts of the last hour, newest first, with how they came out.

    `layers` are all layers that can be imported, including those the workspace does not have yet.
    """
    return json_reply(request, desk.listed(language))


@router.get(
    "/{import_id}", summary="An import's report", responses=answers("Import", NotFoundError)
)
def import_report(
    import_id: ImportId,
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
) -> Response:
    """Return what was understood, repaired and refused."""
    return json_reply(request, desk.document(import_id, language))


@router.get(
    "/{import_id}/features",
    summary="Some of an import's features",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
def import_features(
    import_id: ImportId,
    request: Request,
    desk: DeskDep,
    *,
    limit: Annotated[int, Query(ge=0, le=5_000, description="How many to return.")] = 1_000,
) -> Response:
    """Return features for a map before publishing (CRS84), the refused ones first."""
    return json_reply(request, desk.find(import_id).preview(limit), media_type=GEOJSON)


@router.get(
    "/{import_id}/changes",
    summary="What an import changes, feature by feature",
    responses=answers("ImportChanges", NotFoundError),
)
@in_turn(WorkKind.VERSIONS)
def import_changes(import_id: ImportId, request: Request, desk: DeskDep) -> Response:
    """Return features whose values change, with before and after, and those whose shape moves.

    At most 500 of each kind; `counts` says how many there are.
    """
    return json_reply(request, desk.changes(import_id))


@router.post(
    "/{import_id}/effect",
    status_code=201,
    summary="Review the plan as it would be with an import",
    responses=answers("ImportEffect", NotFoundError, SourceError, status=201, may_take_long=True),
)
async def make_import_effect(
    import_id: ImportId,
    request: Request,
    service: ServiceDep,
    desk: DeskDep,
    language: LanguageDep,
) -> Response:
    """Return what publishing would do to verdicts and findings; nothing is published or kept.

    201 when it is done within two seconds, else 202 with the job's address in `Location`.
    """
    job = await run_in_threadpool(desk.start_effect, import_id)
    if not await ended(job, AT_ONCE_SECONDS):
        return accepted_reply(request, service, job)
    reply = json_reply(request, desk.effect(import_id, language), status=201)
    reply.headers["location"] = f"{UPLOAD_PATH}/{import_id}/effect"
    return reply


@router.get(
    "/{import_id}/effect",
    summary="What publishing an import would do to the review",
    responses=answers("ImportEffect", NotFoundError),
)
def import_effect(
    import_id: ImportId, request: Request, desk: DeskDep, language: LanguageDep
) -> Response:
    """Return the effect that was asked for before; 404 when nobody did."""
    return json_reply(request, desk.effect(import_id, language))


@router.get(
    "/templates/{layer}",
    summary="An empty workbook for a layer",
    responses=files(_XLSX, errors=(NotFoundError,)),
)
def import_template(
    layer: Annotated[str, Path(max_length=50, description="The layer's name.")],
    service: ServiceDep,
    language: LanguageDep,
) -> Response:
    """Return an XLSX with a heading for each column of a layer, to fill in and import."""
    return download_reply(template_file(layer, service.translator(language)))


@router.get(
    "/{import_id}/refused",
    summary="The refused features as a table",
    responses=files(_CSV, errors=(NotFoundError,)),
)
def import_refused(import_id: ImportId, desk: DeskDep) -> Response:
    """Return every refused feature with its reason, as a CSV that a spreadsheet opens."""
    draft = desk.find(import_id)
    return WholeFile(draft.folder / "refused.csv", media_type=_CSV, filename="refused.csv")


@router.get(
    "/{import_id}/repairs",
    summary="The repairs as a table",
    responses=files(_CSV, errors=(NotFoundError,)),
)
def import_repairs(import_id: ImportId, desk: DeskDep) -> Response:
    """Return every repair with its before and after, as a CSV that a spreadsheet opens."""
    draft = desk.find(import_id)
    return WholeFile(draft.folder / "repairs.csv", media_type=_CSV, filename="repairs.csv")


@router.post(
    "/{import_id}/publish",
    summary="Publish an import",
    responses=answers(
        "Import", NotFoundError, ConflictError, ChoiceNeededError, SourceError, is_tagged=False
    ),
)
@in_turn(WorkKind.VERSIONS)
def publish_import(  # noqa: PLR0913 - the draft, and what is said of it
    import_id: ImportId,
    request: Request,
    service: ServiceDep,
    desk: DeskDep,
    language: LanguageDep,
    *,
    note: Annotated[str, Query(max_length=500, description="The reason, for the history.")] = "",
    taken_as: TakenAsAnswer = None,
) -> Response:
    """Publish the draft as the layer's new version; later reviews use it.

    409 when the layer was changed since the file was read; also, with `parameter` and `choices`,
    when publishing would remove more than half of the features or empty columns and nobody said
    that the file is the whole layer (`as=whole`, here or when it was sent). 422 when publishing
    would break other layers or most of the file was refused.
    """
    draft = desk.publish(import_id, note=note, taken_as=taken_as)
    return json_reply(request, draft.document(service.translator(language)))


@router.delete(
    "/{import_id}",
    status_code=204,
    summary="Drop an import",
    responses=problems(NotFoundError),
)
def drop_import(import_id: ImportId, desk: DeskDep) -> Response:
    """Drop a draft; nothing of it was published."""
    desk.drop(import_id)
    return Response(status_code=204)
