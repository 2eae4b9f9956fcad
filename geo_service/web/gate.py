"""Who asks, whether they may, and what is recorded of it.

`Gate` finds out who asks, by the cookie of a session or a token; `check_access` decides for the
route that was found, by `web/decisions.py`; what changes something is recorded in the audit. As
long as a county has no accounts, both pass everything on. Leaves out names and origins (`doors`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.routing import compile_path

from geo_service.access import Acting, Action, Partial, Sight, acting_as
from geo_service.errors import StoreError, WorkspaceError
from geo_service.web.decisions import DECISIONS
from geo_service.web.doors import SAFE_METHODS
from geo_service.web.errors import (
    DATA_PATHS,
    RequestRefusedError,
    problem,
    tell_outside,
    translator_of,
)
from geo_service.web.parameters import check_parameters
from geo_service.web.prefix import own_path
from geo_service.web.security import A_YEAR, AGAIN
from geo_service.wording import said, tell

if TYPE_CHECKING:
    from starlette.datastructures import State
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from geo_service.planning import PlanningService
    from geo_service.planning.accounts import AccountDesk

SESSION_COOKIE = "geo_session"
SECURE_COOKIE = "__Host-geo_session"
"""The same under TLS, where a browser takes it from this very host only."""
ASKED = "geo_service.asked"
"""Where a request's scope keeps what the gate knows of it."""
_BEARER = "bearer "
_LONGEST_SECRET = 200
_log = logging.getLogger(__name__)


@dataclass
class Asked:
    """A request as the gate sees it: for whom, and what became of it."""

    acting: Acting | None
    route: str = ""
    """Method and path of the route that was found, as the route writes it."""
    subject: str = ""
    account: str | None = None
    """The account that is meant, of a request for nobody: somebody tries to sign in."""


def asked_of(request: Request) -> Asked | None:
    """Return what the gate knows of a request; None as long as there are no accounts."""
    found: Asked | None = request.scope.get(ASKED)
    return found


def cookie_name(scope: Scope) -> str:
    """Return what the cookie of a session is called, by how the request came."""
    is_plain = scope.get("scheme") != "https" or scope.get("root_path")
    return SESSION_COOKIE if is_plain else SECURE_COOKIE


def session_of(request: Request) -> str | None:
    """Return the value of a request's session cookie."""
    value = request.cookies.get(cookie_name(request.scope))
    return value[:_LONGEST_SECRET] if value else None


_OPEN_PATHS = tuple(
    (method, compile_path(path)[0])
    for method, path in (
        name.split(" ", 1) for name, decision in DECISIONS.items() if decision.action is Action.OPEN
    )
)


def is_open(method: str, path: str) -> bool:
    """Return whether a path is answered to anybody."""
    return any(method == one and pattern.match(path) for one, pattern in _OPEN_PATHS)


class Gate:
    """Finds out for whom a request is, refuses what nobody signed in for, records changes."""

    def __init__(self, app: ASGIApp, *, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with who asks, or answer what is missing."""
        service: PlanningService | None = self._state.service
        if scope["type"] != "http" or service is None:
            await self._app(scope, receive, send)
            return
        desk = service.accounts
        if not (desk.are_kept() if desk.is_known else await run_in_threadpool(desk.are_kept)):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            acting, refusal = await _who(desk, request)
        except StoreError as error:
            told = tell_outside(error, translator_of(request))
            await problem(503, told)(scope, receive, send)
            return
        path = own_path(scope)
        if refusal is None and acting is None and not is_open(scope["method"], path):
            refusal = _sign_in_needed(request, path)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        asked = scope[ASKED] = Asked(acting)
        with acting_as(acting):
            await self._app(scope, receive, _watched(send, scope, service, asked))


async def _who(desk: AccountDesk, request: Request) -> tuple[Acting | None, Any]:
    """Return who asks, or the answer to a request that says so wrongly."""
    translator = translator_of(request)
    said_by = request.headers.getlist("authorization")
    if said_by:
        token = said_by[0][len(_BEARER) :].strip()[:_LONGEST_SECRET]
        is_bearer = len(said_by) == 1 and said_by[0].lower().startswith(_BEARER)
        find = desk.who_by_token
        acting = await _looked_up(desk, token, find) if is_bearer else None
        if acting is None:
            refused = problem(401, tell(said("account.token_wrong"), translator))
            refused.headers["www-authenticate"] = 'Bearer error="invalid_token"'
            return None, refused
        return acting, None
    cookie = session_of(request)
    if cookie is None:
        return None, None
    acting = await _looked_up(desk, cookie, desk.who_by_cookie)
    if acting is not None and request.method not in SAFE_METHODS and not _states_origin(request):
        return None, problem(403, tell(said("account.no_origin"), translator))
    return acting, None


async def _looked_up(desk: AccountDesk, secret: str, find: Any) -> Acting | None:  # noqa: ANN401 - a method of the desk
    if desk.is_remembered(secret):
        found: Acting | None = find(secret)
        return found
    return await run_in_threadpool(find, secret)


def _states_origin(request: Request) -> bool:
    """Whether a request says that it comes from a page; `doors` has made sure that it is ours."""
    return any(name in request.headers for name in ("origin", "sec-fetch-site"))


def _sign_in_needed(request: Request, path: str) -> Any:  # noqa: ANN401 - an answer
    """Return the sign-in page's address to who opens a page, else a 401."""
    headers = request.headers
    is_page = (
        request.method == "GET"
        and not path.startswith(DATA_PATHS)
        and "text/html" in headers.get("accept", "")
        and headers.get("sec-fetch-dest", "document") == "document"
    )
    if is_page:
        query = f"?{request.url.query}" if request.url.query else ""
        root = request.scope.get("root_path", "")
        address = f"{root}/sign-in?next={quote(path + query, safe='/')}"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, {"cache-control": "no-store"})
    answer = problem(401, tell(said("account.needed"), translator_of(request)))
    answer.headers["www-authenticate"] = "Bearer"
    return answer


async def check_access(request: Request) -> None:
    """Refuse what the account that asks may not do; with accounts every route is asked for.

    Raises
    ------
    RequestRefusedError
        404 for what it may not see, 403 for what it may see and not do.
    """
    asked = asked_of(request)
    if asked is None:
        return
    asked.route = f"{request.method} {request.scope['route'].path}"
    asked.subject = " ".join(f"{name}={value}" for name, value in request.path_params.items())
    decision = DECISIONS.get(asked.route)
    if decision is not None and decision.action is Action.OPEN:
        return
    acting = asked.acting
    if acting is None:  # `Gate` has refused it already, unless tables disagree
        raise RequestRefusedError(401, said("account.needed"))
    if decision is None:
        raise RequestRefusedError(404, said("problem.not_found"))
    service: PlanningService = request.app.state.service
    try:
        sight = service.sight_of(acting)
    except WorkspaceError as error:
        _log.error("What is restricted cannot be read, so nobody is answered: %s", error)
        raise RequestRefusedError(503, said("account.restricted_unread")) from error
    if not decision.lets(acting, sight):
        raise _refused(request, acting, sight, decision.action)


_OF_THE_WHOLE = frozenset({Action.PLAN, Action.IMPORT})
"""What makes or changes something of the county as a whole."""


def _refused(request: Request, acting: Acting, sight: Sight, action: Action) -> RequestRefusedError:
    """Return the refusal of a route: in words where that there is such a thing is no secret."""
    if not sight.partial:
        is_told = request.method not in SAFE_METHODS and acting.sees_all
        if is_told and not acting.may(action):
            return RequestRefusedError(403, said("account.not_permitted", action=action.value))
        return RequestRefusedError(404, said("problem.not_found"))
    is_page = request.method == "GET" and not request.url.path.startswith(DATA_PATHS)
    is_masked = sight.partial == {Partial.MASKED}
    if not request.path_params and acting.may(action) and action in _OF_THE_WHOLE:
        way = Partial.MASKED if Partial.MASKED in sight.partial else Partial.LIMITED
        return RequestRefusedError(403, said(f"account.of_part_making_{way}"))
    if not request.path_params and (is_page or is_masked):
        [way] = sorted(sight.partial)[:1]
        return RequestRefusedError(403, said(f"account.of_part_{way}"))
    return RequestRefusedError(404, said("problem.not_found"))


async def check_request(request: Request) -> None:
    """Check every request to a route: first whether it is allowed, then what its address says."""
    await check_access(request)
    await check_parameters(request)


def _watched(send: Send, scope: Scope, service: PlanningService, asked: Asked) -> Send:
    """Return what sends an answer, after it was recorded if it changed something."""
    is_change = scope["method"] not in SAFE_METHODS

    async def send_watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("cache-control") == A_YEAR:  # another account may use this browser next
                headers["cache-control"] = AGAIN
            if is_change and asked.route and asked.acting is not None:
                await run_in_threadpool(record, service, scope, asked, str(message["status"]))
        await send(message)

    return send_watched


def record(service: PlanningService, scope: Scope, asked: Asked, outcome: str) -> None:
    """Add a request to the audit; if the store fails, the log says so."""
    acting = asked.acting
    try:
        service.audit.record(
            asked.route,
            subject=asked.subject,
            outcome=outcome,
            origin=str((scope.get("client") or ("",))[0]),
            acting=acting,
            account=asked.account,
            versions={"plan": service.plan.version, "rulebook": service.rulebook.version},
        )
    except StoreError as error:
        _log.error("The audit was not written: %s", error)
