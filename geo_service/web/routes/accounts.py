"""Signing in and out, and the page of one's own account: plain forms that need no script."""

from __future__ import annotations

import html
import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import Translator
from geo_service.planning.accounts import Acting, Role, SignedIn
from geo_service.web import shell
from geo_service.web.doors import LEADS_OUT
from geo_service.web.gate import Asked, asked_of, cookie_name, record, session_of
from geo_service.web.issuer import COOKIE_SECONDS, Issuer, IssuerRefusedError
from geo_service.web.language import PageLanguageDep
from geo_service.web.replies import service_of
from geo_service.web.slots import WorkKind, slots_of
from geo_service.wording import said

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_log = logging.getLogger(__name__)
_ACCOUNT = shell.Page(name="account", body="account.html")
_SIGN_IN = "POST /sign-in"
_FROM_ISSUER = "GET /sign-in/issuer/back"
_FIELDS = 10
_LONGEST_ANSWER = 4_000
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
    told: str | None = None,
) -> Response:
    translator = Translator(language)
    key = told or ("account.sign_in_wait" if wait else "account.sign_in_wrong")
    fault = html.escape(translator.text(key, seconds=wait))
    marks = {
        "next": html.escape(_path(target)),
        "fault": f'<p class="account-fault" role="alert">{fault}</p>' if status != 200 else "",  # noqa: PLR2004 - HTTP's own
        "issuer": _issuer_door(request, translator, target),
    }
    reply = shell.render_door("sign_in.html", request, language, marks, status=status)
    reply.headers["cache-control"] = "no-store"
    if wait:
        reply.headers["retry-after"] = str(wait)
    return reply


def _issuer_door(request: Request, translator: Translator, target: str) -> str:
    """Return the links to sign in, and out, at the issuer; nothing if none is configured."""
    issuer = issuer_of(request)
    if issuer is None:
        return ""
    root = html.escape(str(request.scope.get("root_path", "")))
    place = html.escape(f"/sign-in/issuer?next={quote(_path(target), safe='')}")
    enter = html.escape(translator.text("account.issuer_enter", title=issuer.title))
    leave = html.escape(translator.text("account.issuer_leave", title=issuer.title))
    return (
        f'<div class="account-issuer"><a class="button" href="{root}{place}">{enter}</a>'
        f'<a class="note" href="{root}/sign-in/issuer/out">{leave}</a></div>'
    )


@router.get("/sign-in/issuer")
async def go_to_issuer(
    request: Request,
    language: PageLanguageDep,
    next: Annotated[str, Query(max_length=2_000)] = "/",  # noqa: A002 - the address's word
) -> Response:
    """Send the browser to the issuer, with a cookie that knows what was asked there."""
    issuer = _issuer_in_use(request)
    try:
        address, cookie = await slots_of(request.app).run(
            WorkKind.ISSUER, lambda: issuer.begin(_back(request), _path(next))
        )
    except IssuerRefusedError as error:
        _log.warning("The issuer cannot be used: %s", error.reason)
        return _form(request, language, next, status=503, told="account.issuer_refused")
    reply = _leading_out(request, address)
    reply.set_cookie(
        _issuer_cookie(request),
        cookie,
        max_age=COOKIE_SECONDS,
        path=str(request.scope.get("root_path", "")) or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    return reply


@router.get("/sign-in/issuer/back")
async def come_from_issuer(request: Request, language: PageLanguageDep) -> Response:
    """Begin a session for whom the issuer vouches, or say that it does not."""
    issuer, service = _issuer_in_use(request), service_of(request)
    desk, cookie = service.accounts, request.cookies.get(_issuer_cookie(request), "")
    query = {name: value[:_LONGEST_ANSWER] for name, value in request.query_params.items()}

    def work() -> tuple[str, str, bool]:
        claimed, target = issuer.end(_back(request), cookie[:_LONGEST_ANSWER], query)
        account = desk.sign_in_from(claimed.subject, claimed.name, claimed.roles)
        seen = Asked(None, _FROM_ISSUER, account=None if account is None else account.name)
        status = HTTPStatus.FORBIDDEN if account is None else HTTPStatus.SEE_OTHER
        record(service, request.scope, seen, str(status.value))
        if account is None:
            _log.warning("Somebody whom the issuer knows has no role or no account here.")
            return "", target, False
        session = desk.begin_session(account.name).cookie or ""
        who = desk.who_by_cookie(session)
        return session, target, who is not None and who.sees_all

    try:
        session, target, sees_all = await slots_of(request.app).run(WorkKind.ISSUER, work)
    except IssuerRefusedError as error:
        _log.warning("A sign-in by the issuer was refused: %s", error.reason)
        reply = _form(request, language, "/", status=403, told="account.issuer_refused")
    except InvalidQueryError:
        reply = _form(request, language, "/", status=403, told="account.issuer_no_account")
    else:
        if not session:
            reply = _form(request, language, "/", status=403, told="account.issuer_no_account")
        else:
            if not sees_all and _path(target) == "/":
                target = f"{request.scope.get('root_path', '')}/account"
            reply = _with_session(request, _go(request, target), session)
    reply.delete_cookie(
        _issuer_cookie(request),
        path=str(request.scope.get("root_path", "")) or "/",
        httponly=True,
        samesite="lax",
        secure=request.scope.get("scheme") == "https",
    )
    return reply


@router.get("/sign-in/issuer/out")
async def sign_out_at_issuer(request: Request) -> Response:
    """Send the browser to where one signs out at the issuer, if it has such a place."""
    issuer = _issuer_in_use(request)
    back = _own_address(request, "/sign-in")
    address = None
    with suppress(IssuerRefusedError):
        address = await slots_of(request.app).run(
            WorkKind.ISSUER, lambda: issuer.sign_out_address(back)
        )
    return _go(request, "/") if address is None else _leading_out(request, address)


def issuer_of(request: Request) -> Issuer | None:
    """Return the issuer that is configured."""
    found: Issuer | None = request.app.state.issuer
    return found


def _issuer_in_use(request: Request) -> Issuer:
    """Return the issuer; NotFoundError if there is none, or as long as there are no accounts."""
    issuer = issuer_of(request)
    if issuer is None or asked_of(request) is None:
        raise NotFoundError(said("problem.not_found"))
    return issuer


def _back(request: Request) -> str:
    return _own_address(request, "/sign-in/issuer/back")


def _own_address(request: Request, path: str) -> str:
    """Return an address of this service; `doors` has made sure that Host is one of our names."""
    root = str(request.scope.get("root_path", ""))
    return f"{request.scope.get('scheme', 'http')}://{request.headers['host']}{root}{path}"


def _issuer_cookie(request: Request) -> str:
    return f"{cookie_name(request.scope)}_begun"


def _leading_out(request: Request, address: str) -> Response:
    reply = RedirectResponse(address, HTTPStatus.SEE_OTHER, {"cache-control": "no-store"})
    request.scope[LEADS_OUT] = reply.headers["location"]
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
