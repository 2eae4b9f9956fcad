"""Signing in and out, and the page of one's own account: plain forms that need no script."""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import Translator
from geo_service.planning.accounts import Acting, Role, SignedIn
from geo_service.web import shell
from geo_service.web.gate import Asked, asked_of, cookie_name, record, session_of
from geo_service.web.language import PageLanguageDep
from geo_service.web.replies import service_of
from geo_service.web.slots import WorkKind, slots_of
from geo_service.wording import said

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_ACCOUNT = shell.Page(name="account", body="account.html")
_SIGN_IN = "POST /sign-in"
_FIELDS = 10
_FORGET = {"clear-site-data": '"cache"'}
"""So that the browser's next user does not find this one's answers in its cache."""


@router.get("/sign-in")
def sign_in_page(
    request: Request,
    language: PageLanguageDep,
    next: Annotated[str, Query(max_length=2_000)] = "/",  # noqa: A002 - the address's word
) -> Response:
    """Return the form; who is signed in, or need not, goes on at once."""
    asked = asked_of(request)
    if asked is None or asked.acting is not None:
        return _go(request, next)
    return _form(request, language, next)


@router.post("/sign-in")
async def sign_in(request: Request, language: PageLanguageDep) -> Response:
    """Begin a session, or say that account or password is wrong."""
    asked = asked_of(request)
    if asked is None:
        return _go(request, "/")
    fields = await _fields_of(request)
    name, target = fields.get("name", ""), fields.get("next", "/")
    service = service_of(request)
    desk = service.accounts

    def work() -> tuple[SignedIn, str | None]:
        return desk.sign_in(name, fields.get("password", "")), desk.known_name(name)

    result, known = await slots_of(request.app).run(WorkKind.PASSWORDS, work)
    status = HTTPStatus.SEE_OTHER
    if result.cookie is None:
        status = HTTPStatus.TOO_MANY_REQUESTS if result.wait_seconds else HTTPStatus.UNAUTHORIZED
    if known is not None:
        seen = Asked(None, _SIGN_IN, account=known)
        await slots_of(request.app).run(
            WorkKind.PASSWORDS, lambda: record(service, request.scope, seen, str(status.value))
        )
    if result.cookie is None:
        return _form(request, language, target, wait=result.wait_seconds, status=status)
    return _with_session(request, _go(request, target), result.cookie)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this session."""
    cookie = session_of(request)
    if cookie is not None:
        service_of(request).accounts.sign_out(cookie)
    return _signed_out(request)


@router.post("/sign-out/everywhere")
def sign_out_everywhere(request: Request) -> Response:
    """End every session of the account."""
    service_of(request).accounts.sign_out_everywhere(_own(request).account)
    return _signed_out(request)


@router.get("/account")
def account(request: Request, language: PageLanguageDep) -> Response:
    """Return the page of one's own account; 404 as long as there are no accounts."""
    return _account_page(request, language)


@router.post("/account/password")
async def change_password(request: Request, language: PageLanguageDep) -> Response:
    """Change one's own password; every other session ends."""
    own, fields = _own(request), await _fields_of(request)
    desk = service_of(request).accounts
    new = fields.get("new", "")

    def work() -> SignedIn | None:
        if own.by_token is not None or new != fields.get("again", ""):
            return None
        try:
            return desk.change_password(own.account, fields.get("old", ""), new)
        except InvalidQueryError:
            return None

    result = await slots_of(request.app).run(WorkKind.PASSWORDS, work)
    if result is None or result.cookie is None:
        return _account_page(request, language, "password_not_changed", status=422)
    reply = _account_page(request, language, "password_changed")
    return _with_session(request, reply, result.cookie)


def _own(request: Request) -> Acting:
    asked = asked_of(request)
    if asked is None or asked.acting is None:
        raise NotFoundError(said("problem.not_found"))
    return asked.acting


def _account_page(
    request: Request, language: PageLanguageDep, told: str = "", *, status: int = 200
) -> Response:
    own = _own(request)
    translator = Translator(language)
    roles = "<br>".join(
        html.escape(translator.text(f"account.role_{role}")) for role in Role if role in own.roles
    )
    parks = html.escape(translator.text("account.not_limited"))
    if own.parks is not None:
        root = html.escape(str(request.scope.get("root_path", "")))
        parks = ", ".join(
            f'<a href="{root}/parks/{quote(park, safe="")}">{html.escape(park)}</a>'
            for park in sorted(own.parks)
        )
    message = html.escape(translator.text(f"account.{told}")) if told else ""
    css = "account-fault" if status != HTTPStatus.OK else "cure"
    marks = {
        "account_name_shown": html.escape(own.account),
        "roles": roles,
        "limits": parks or "—",
        "told": f'<p class="{css}" role="status">{message}</p>' if told else "",
    }
    return shell.render(_ACCOUNT, request, language, marks=marks, status=status)


def _form(
    request: Request,
    language: PageLanguageDep,
    target: str,
    *,
    wait: int = 0,
    status: int = 200,
) -> Response:
    translator = Translator(language)
    key = "account.sign_in_wait" if wait else "account.sign_in_wrong"
    fault = html.escape(translator.text(key, seconds=wait))
    marks = {
        "next": html.escape(_path(target)),
        "fault": f'<p class="account-fault" role="alert">{fault}</p>' if status != 200 else "",  # noqa: PLR2004 - HTTP's own
    }
    reply = shell.render_door("sign_in.html", request, language, marks, status=status)
    reply.headers["cache-control"] = "no-store"
    if wait:
        reply.headers["retry-after"] = str(wait)
    return reply


async def _fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form, each once; of what is none, no fields."""
    try:
        text = (await request.body()).decode()
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _path(target: str) -> str:
    """Return a path of this service; its start for an address that leads elsewhere."""
    is_own = (
        target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    )
    return target if is_own else "/"


def _go(request: Request, target: str) -> Response:
    path = _path(target)
    root = str(request.scope.get("root_path", ""))
    return RedirectResponse(path if path != "/" else f"{root}/", HTTPStatus.SEE_OTHER)


def _signed_out(request: Request) -> Response:
    root = str(request.scope.get("root_path", ""))
    reply = RedirectResponse(f"{root}/sign-in", HTTPStatus.SEE_OTHER, _FORGET)
    reply.delete_cookie(
        cookie_name(request.scope),
        path=root or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    return reply


def _with_session(request: Request, reply: Response, cookie: str) -> Response:
    """Give the browser a session's cookie: no script sees it, no other site's page sends it."""
    reply.set_cookie(
        cookie_name(request.scope),
        cookie,
        path=str(request.scope.get("root_path", "")) or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    return reply
