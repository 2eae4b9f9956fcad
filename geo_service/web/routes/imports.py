"""Imports: send a file, look at what became of it, publish it or drop it."""

from __future__ import annotations

import re
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from geo_service.errors import (
    BusyError,
    ChoiceNeededError,
    ConflictError,
    NotFoundError,
    SourceError,
)
from geo_service.ingest.options import UNIT, ImportOptions, parse_mapping, read_units, with_answer
from geo_service.jobs import Job
from geo_service.language import Language
from geo_service.planning.county import County
from geo_service.planning.import_drafts import ImportDesk
from geo_service.planning.uploads import Upload
from geo_service.schema import SCHEMAS
from geo_service.web.answers import answers, files, problems
from geo_service.web.errors import translator_of
from geo_service.web.language import LanguageDep
from geo_service.web.parameters import NamesAfter
from geo_service.web.replies import GEOJSON, CountyDep, WholeFile, json_reply
from geo_service.web.routes.reviews import AT_ONCE_SECONDS, job_document
from geo_service.web.shares import client_of
from geo_service.wording import said

router = APIRouter(prefix="/api/imports", tags=["imports"])
UPLOAD_PATH = "/api/imports"
"""Where files are sent; its bodies may be larger than others."""
_CSV = "text/csv; charset=utf-8"
_LONGEST = 100
_Unit = Annotated[str, StringConstraints(max_length=_LONGEST)]
UnitAnswers = Annotated[list[tuple[str, str]], Depends(NamesAfter(UNIT))]
"""A choice may be answered under the very name that it was asked by: unit:investment_cny."""
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f]+")


def import_desk(request: Request) -> ImportDesk:
    """Return the desk that keeps this service's imports."""
    return cast("ImportDesk", request.app.state.imports)


DeskDep = Annotated[ImportDesk, Depends(import_desk)]
ImportId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f]+$", description="Its id.")]


class _Asked:
    """The options of an import as a request gives them."""

    def __init__(  # noqa: PLR0913 - one for each option
        self,
        language: LanguageDep,
        county: CountyDep,
        answers: UnitAnswers,
        *,
        layer: Annotated[str, Query(max_length=50, description="Layer that it becomes.")],
        filename: Annotated[str, Query(max_length=300, description="The file's name.")] = "upload",
        crs: Annotated[
            str, Query(max_length=500, description="auto, EPSG:n, GCJ-02 or BD-09.")
        ] = "auto",
        encoding: Annotated[
            str | None, Query(max_length=30, description="Encoding of its texts.")
        ] = None,
        scheme: Annotated[
            str | None, Query(max_length=30, description="Scheme of its land-use codes.")
        ] = None,
        source_layer: Annotated[
            str | None, Query(max_length=200, description="Layer or sheet of the file.")
        ] = None,
        file: Annotated[
            str | None,
            Query(max_length=300, description="File to import, of an archive that holds several."),
        ] = None,
        unit: Annotated[
            list[_Unit],
            Query(max_length=50, description="COLUMN:UNIT, as investment_cny:万元; repeatable."),
        ] = [],  # noqa: B006 - FastAPI copies it
        mapping: Annotated[
            str | None,
            Query(max_length=8_000, description="A mapping file's text (TOML): which column is."),
        ] = None,
    ) -> None:
        self.layer = layer
        self.language: Language = language
        self.filename = _UNSHOWN.sub(" ", re.split(r"[/\\]", filename)[-1])[:120] or "upload"
        options = ImportOptions(
            crs=crs,
            encoding=encoding,
            scheme=scheme,
            source_layer=source_layer,
            file=file,
            units=read_units(unit),
            mapping=None if mapping is None else parse_mapping(mapping, "mapping"),
            shown=self.filename,
            translator=county.translator(language),
        )
        for name, value in answers:
            options = with_answer(options, name[:_LONGEST], value[:_LONGEST])
        self.options = options


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
    request: Request, county: CountyDep, desk: DeskDep, asked: Annotated[_Asked, Depends()]
) -> Response:
    """Read the request's body (the file as it is) as a layer; nothing is published.

    201 with the report when it is done within two seconds, else 202 with the job's address
    in `Location`. 409 with `parameter` and `choices` when something is open that only the
    caller knows, such as the CRS: send the file again with that parameter. 422 when it cannot
    be imported.
    """
    if asked.layer not in SCHEMAS:
        msg = said("problem.no_layer", name=repr(asked.layer), known=list(SCHEMAS))
        raise NotFoundError(msg)
    upload = await run_in_threadpool(desk.receive, asked.filename, client_of(request.scope))
    try:
        async for part in request.stream():
            await run_in_threadpool(upload.write, part)
        await run_in_threadpool(upload.finish)
    except BaseException:  # also when the client is gone
        upload.close()
        raise
    return await run_in_threadpool(_read, request, county, desk, (asked, upload))


def _read(
    request: Request, county: County, desk: ImportDesk, given: tuple[_Asked, Upload]
) -> Response:
    asked, upload = given
    try:
        job = county.jobs.start(
            lambda progress: desk.read(upload, asked.layer, asked.options, progress=progress)
        )
    except BusyError:
        upload.close()
        raise
    job.on_end(upload.close)
    is_ended = county.jobs.wait(job, AT_ONCE_SECONDS)
    if is_ended and job.fault is not None:
        raise job.fault
    if not is_ended or job.result is None:
        return _accepted(request, job)
    draft = job.result
    document = draft.document(asked.options.translator)
    reply = json_reply(request, document, status=201)
    reply.headers["location"] = f"{UPLOAD_PATH}/{draft.draft_id}"
    return reply


def _accepted(request: Request, job: Job) -> Response:
    reply = json_reply(request, job_document(job, translator_of(request)), status=202)
    reply.headers["location"] = f"/api/jobs/{job.job_id}"
    return reply


@router.get(
    "",
    summary="The imports that wait, and the layers that files may become",
    responses=answers("Imports"),
)
def imports(request: Request, county: CountyDep, desk: DeskDep, language: LanguageDep) -> Response:
    """Return the drafts of the last hour, newest first, with how they came out.

    `layers` are all that a file may become, those that the workspace does not have yet too.
    """
    names = (
        "import_id",
        "layer",
        "file",
        "format",
        "features",
        "refused_count",
        "repair_counts",
        "status",
        "version",
        "saved",
        "not_saved",
        "changes",
        "obstacle",
        "made_at",
        "expires_at",
    )
    translator = county.translator(language)
    documents = [draft.document(translator) for draft in desk.drafts()]
    listed = [{name: document[name] for name in names} for document in documents]
    layers = [
        {
            "name": name,
            "title": translator.text(f"layer.{name}"),
            "has_geometry": schema.geometry is not None,
        }
        for name, schema in SCHEMAS.items()
    ]
    document = {
        "numberMatched": len(listed),
        "numberReturned": len(listed),
        "imports": listed,
        "layers": layers,
    }
    return json_reply(request, document)


@router.get(
    "/{import_id}", summary="An import's report", responses=answers("Import", NotFoundError)
)
def import_report(
    import_id: ImportId,
    request: Request,
    county: CountyDep,
    desk: DeskDep,
    language: LanguageDep,
) -> Response:
    """Return what was understood, repaired and refused."""
    document = desk.find(import_id).document(county.translator(language))
    return json_reply(request, document)


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
    responses=answers("Import", NotFoundError, ConflictError, SourceError, is_tagged=False),
)
def publish_import(
    import_id: ImportId,
    request: Request,
    county: CountyDep,
    desk: DeskDep,
    language: LanguageDep,
    note: Annotated[str, Query(max_length=500, description="Why, for the history.")] = "",
) -> Response:
    """Publish the draft as the layer's new version; the reviews that follow are of it.

    409 when the layer was changed since the file was read, 422 when publishing would break
    other layers or most of the file was refused.
    """
    draft = desk.publish(import_id, note=note)
    return json_reply(request, draft.document(county.translator(language)))


@router.delete(
    "/{import_id}",
    status_code=204,
    summary="Drop an import",
    responses=problems(NotFoundError),
)
def drop_import(import_id: ImportId, desk: DeskDep) -> Response:
    """Forget a draft; nothing of it was published."""
    desk.drop(import_id)
    return Response(status_code=204)
