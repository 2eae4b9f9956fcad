"""Work on findings, and waivers and approvals by form."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from geo_service.errors import (
    ConflictError,
    InvalidQueryError,
    NotFoundError,
    RulebookError,
    StoreError,
)
from geo_service.planning.finding_work import WorkChange, WorkFilter, WorkKey, WorkState
from geo_service.planning.grants import GrantForm, GrantKind
from geo_service.web.answers import answers
from geo_service.web.replies import Limit, Offset, ServiceDep, json_reply

router = APIRouter(prefix="/api", tags=["work"])
_MAX_WORDS = 2_000
_MAX_NAME = 128
_Layer = Literal["parks", "parcels", "buildings", "floors", "enterprises"]


class SubjectBody(BaseModel):
    """What a finding is about."""

    model_config = ConfigDict(extra="forbid")

    layer: _Layer
    id: str = Field(min_length=1, max_length=_MAX_NAME)


class WorkRequest(BaseModel):
    """What stands of a finding from now on."""

    model_config = ConfigDict(extra="forbid")

    rule_id: str = Field(min_length=1, max_length=_MAX_NAME)
    subject: SubjectBody
    state: WorkState
    owner: str | None = Field(default=None, max_length=_MAX_NAME, description="An account.")
    due: date | None = Field(default=None, description="The day until which it is to be done.")
    note: str = Field(default="", max_length=_MAX_WORDS)
    after: int = Field(default=0, ge=0, description="`last` of what was seen; 0 for none.")


class GrantRequest(BaseModel):
    """A waiver of the county's own rule, or an authority's approval."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    kind: GrantKind
    rule_id: str = Field(min_length=1, max_length=_MAX_NAME)
    subject: SubjectBody
    finding_id: str | None = Field(default=None, max_length=64, description="Only this finding.")
    document_number: str = Field(min_length=1, max_length=200)
    reason: str = Field(
        min_length=1, max_length=_MAX_WORDS, description="Why; of an approval what was approved."
    )
    authority: str | None = Field(default=None, max_length=200, description="Who has decided.")
    begins_on: date | None = Field(default=None, description="The first day; today if left out.")
    expires_on: date | None = Field(default=None, description="The last day.")

    def form(self) -> GrantForm:
        """Return it as the desk takes it."""
        values = self.model_dump(exclude={"subject"})
        return GrantForm(**values, layer=self.subject.layer, subject_id=self.subject.id)


class RevokeRequest(BaseModel):
    """Why a waiver or an approval ends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(min_length=1, max_length=_MAX_WORDS)


@router.get("/work", summary="Findings that are worked on", responses=answers("Any"))
def work(
    request: Request,
    service: ServiceDep,
    *,
    filter: Annotated[WorkFilter | None, Query(description="Only these.")] = None,  # noqa: A002 - the word of lists
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return what stands of each finding that somebody worked on, over all reviews.

    `presence` tells what the current review says: `found`, `cured` (its rule ran on the subject
    and found nothing), or `unchecked`.
    """
    found = service.work.listed(filter)
    page = found[offset : offset + limit]
    document = {"numberMatched": len(found), "numberReturned": len(page), "work": page}
    return json_reply(request, document)


@router.get("/work/of", summary="One finding's work and log", responses=answers("Any"))
def work_of(
    request: Request,
    service: ServiceDep,
    rule: Annotated[str, Query(max_length=_MAX_NAME, description="The rule's id.")],
    layer: Annotated[_Layer, Query(description="The subject's layer.")],
    subject: Annotated[str, Query(max_length=_MAX_NAME, description="The subject's id.")],
) -> Response:
    """Return what stands of a finding, and in `log` all that was ever said of it.

    `entries` are waivers and approvals by form; `may` is what the account that asks may do.
    """
    entries = service.grants.about(rule, layer, subject)
    told = service.work.one(WorkKey(rule, layer, subject))
    return json_reply(request, {**told, "entries": entries})


@router.post(
    "/work",
    summary="Say what is done about a finding",
    responses=answers(
        *("Any", NotFoundError, InvalidQueryError, ConflictError, StoreError), is_tagged=False
    ),
)
def change_work(request: Request, service: ServiceDep, body: WorkRequest) -> Response:
    """Set state, owner and due day of a finding, with a note; all that was said before stays.

    409 if somebody said something since `after`.
    """
    change = WorkChange(
        state=body.state, owner=body.owner, due=body.due, note=body.note, after=body.after
    )
    key = WorkKey(body.rule_id, body.subject.layer, body.subject.id)
    return json_reply(request, service.work.change(key, change))


@router.get("/entries", summary="Waivers and approvals by form", responses=answers("Any"))
def entries(
    request: Request, service: ServiceDep, *, limit: Limit = 100, offset: Offset = 0
) -> Response:
    """Return what was ever granted by form with its log, the last one done first."""
    found = service.grants.listed()
    page = found[offset : offset + limit]
    document = {"numberMatched": len(found), "numberReturned": len(page), "entries": page}
    return json_reply(request, document)


@router.post(
    "/entries/effect",
    summary="What a waiver or an approval would do",
    responses=answers("Any", NotFoundError, RulebookError, is_tagged=False),
)
def entry_effect(request: Request, service: ServiceDep, body: GrantRequest) -> Response:
    """Return the findings that it would set aside, and the parks' verdicts before and after."""
    return json_reply(request, service.grants.effect(body.form()))


@router.post(
    "/entries",
    summary="Grant a waiver or an approval",
    responses=answers(
        *("Any", NotFoundError, RulebookError, ConflictError, StoreError), is_tagged=False
    ),
)
def grant_entry(request: Request, service: ServiceDep, body: GrantRequest) -> Response:
    """Keep a waiver or an approval; reviews go by it from the next look at the store on."""
    return json_reply(request, service.grants.grant(body.form()))


@router.post(
    "/entries/{entry_id}/revoke",
    summary="Revoke a waiver or an approval",
    responses=answers("Any", NotFoundError, ConflictError, StoreError, is_tagged=False),
)
def revoke_entry(
    entry_id: str, request: Request, service: ServiceDep, body: RevokeRequest
) -> Response:
    """End what was granted; it stays in the list with its log."""
    return json_reply(request, service.grants.revoke(entry_id, body.reason))
