"""Errors as application/problem+json (RFC 9457); the text of an unexpected one stays inside.

What is wrong is told in the language that the request names, in English when it names none.
Whoever opens an address of a page in a browser gets a page that says the same.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_service.errors import (
    AssetError,
    BusyError,
    ChoiceNeededError,
    ConflictError,
    ForeignError,
    GeoServiceError,
    GoalsError,
    InfeasibleError,
    InvalidQueryError,
    NotFoundError,
    OutOfTimeError,
    ProjectError,
    RulebookError,
    ScenarioError,
    SourceError,
    StaleError,
    StoreError,
    WorkspaceError,
)
from geo_service.language import Language, Translator, choose_language
from geo_service.reports.document import dump
from geo_service.web import shell
from geo_service.web.language import language_of
from geo_service.web.parameters import answers_with_a_page
from geo_service.web.prefix import own_path
from geo_service.wording import said, said_of, tell, tell_error, tell_fault

if TYPE_CHECKING:
    from geo_service import model

_log = logging.getLogger("geo_service")

STATUS: dict[type[GeoServiceError], int] = {
    NotFoundError: 404,
    InvalidQueryError: 400,
    RulebookError: 422,
    BusyError: 503,
    StaleError: 412,  # before the error that it is one of
    ConflictError: 409,
    ForeignError: 403,
    StoreError: 503,
    ProjectError: 422,
    ScenarioError: 422,
    GoalsError: 422,
    InfeasibleError: 409,
    OutOfTimeError: 503,
    SourceError: 422,
    ChoiceNeededError: 409,
    WorkspaceError: 500,
    AssetError: 500,
}
COME_BACK = frozenset({429, 503})
"""Whoever gets one of these is told when to ask again."""
RETRY_AFTER_SECONDS = "10"
PROBLEM_TYPE = "application/problem+json"
_SHOWN = 400
_MOST_DIGITS = 15
"""Of a length; what is longer is larger than any limit."""
_PHRASES = {
    400: "problem.bad_request",
    404: "problem.not_found",
    405: "problem.method_not_allowed",
    413: "problem.too_large",
}
"""What the framework says by a phrase of HTTP."""
DATA_PATHS = ("/api/", "/assets/", "/static/", "/pages/", "/tiles/", "/ogc", "/openapi.json")
"""Of addresses that there are not: below these a program asks, elsewhere perhaps a browser."""
_ERROR_PAGE = shell.Page(name="error")
_SAFE_TO_SHOW = 500
"""From this status on, the reason is ours and is not shown to a client."""


def problem(status: int, detail: str, **members: Any) -> Response:  # noqa: ANN401 - JSON members
    """Return a problem document with this status."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    headers = {"retry-after": RETRY_AFTER_SECONDS} if status in COME_BACK else None
    return Response(dump(content), status, headers, media_type=PROBLEM_TYPE)


class RequestRefusedError(HTTPException):
    """A request that is turned away before any use case sees it, with a message."""

    def __init__(
        self, status: int, message: model.Message, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, headers=headers)
        self.message = message


class BodyLimit:
    """Answers a body that is too large with a problem document, without reading it all."""

    def __init__(
        self, app: ASGIApp, max_bytes: int, *, uploads: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._uploads = dict(uploads or {})
        """Paths to which files are sent, and how large those may be."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless its body says, or turns out, to be over the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._uploads.get(own_path(scope), self._max_bytes)
        length = Headers(scope=scope).get("content-length", "")
        limit = said("problem.most_bytes", most=max_bytes)
        too_large = problem(413, tell(limit, translator_of(Request(scope))))
        if length.isdecimal() and (len(length) > _MOST_DIGITS or int(length) > max_bytes):
            await too_large(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > max_bytes:
                raise RequestRefusedError(413, said("problem.too_large"))
            return message

        await self._app(scope, counted, send)


class Unexpected:
    """Answers what nobody foresaw with a problem document or a page; its text goes to the log.

    It stands inside of what puts headers on answers: the framework's own handler for this
    stands outside of everything, so that its answers would go out without them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an answer that has begun is broken off."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:  # nobody is left to be answered
            _log.info("The client broke off %s %s", scope["method"], _route_of(scope))
        except Exception as error:
            if scope["type"] != "http" or has_begun:
                raise
            request = Request(scope)
            _log.error(
                "Unexpected fault on %s %s", request.method, _route_of(scope), exc_info=error
            )
            await _on_unexpected(request)(scope, receive, send)


def _route_of(scope: Scope) -> str:
    """Return the path of the route that was found: an address may hold what somebody typed."""
    return str(getattr(scope.get("route"), "path", "none"))


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of an app with a problem document."""
    app.add_exception_handler(GeoServiceError, _on_own_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http)


def _wants_page(request: Request) -> bool:
    route = request.scope.get("route")
    if isinstance(route, APIRoute):
        is_data = not answers_with_a_page(route)
    else:
        is_data = own_path(request.scope).startswith(DATA_PATHS)
    return not is_data and "text/html" in request.headers.get("accept", "")


def _page(request: Request, status: int) -> Response:
    """Return an error as a page: what happened in plain words, and where to go on."""
    values = {"status": status}
    return shell.render(_ERROR_PAGE, request, language_of(request), values=values, status=status)


def translator_of(request: Request) -> Translator:
    """Return what tells a request's errors: in its language, in English when it names none."""
    lang = request.query_params.get("lang")
    if lang in set(Language):
        return Translator(Language(lang))
    return Translator(choose_language(request.headers.get("accept-language"), Language.EN))


async def _on_own_error(request: Request, error: Exception) -> Response:
    translator = translator_of(request)
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if _wants_page(request):
        if status >= _SAFE_TO_SHOW:
            _log.error("%s", error)
        return _page(request, status)
    if isinstance(error, BusyError):
        answer = problem(status, tell(error.message, translator))
        if error.seconds is not None:
            answer.headers["retry-after"] = str(error.seconds)
        return answer
    if status >= _SAFE_TO_SHOW and isinstance(error, GeoServiceError):
        _log.error("%s", error)
        return problem(status, tell_outside(error, translator))
    members: dict[str, Any] = {}
    if isinstance(error, InvalidQueryError):
        members["parameter"] = error.parameter
    if isinstance(error, ChoiceNeededError):
        members["parameter"] = error.parameter
        members["choices"] = choice_documents(error, translator)
    if isinstance(error, (RulebookError, ProjectError, ScenarioError, GoalsError, SourceError)):
        members["errors"] = [tell_fault(fault, translator) for fault in error.faults]
    if isinstance(error, (ScenarioError, GoalsError, ProjectError)):
        members["faults"] = field_faults(error, translator)
    told = tell_error(error, translator) if isinstance(error, GeoServiceError) else str(error)
    return problem(status, told, **members)


def field_faults(
    error: ScenarioError | GoalsError | ProjectError, translator: Translator
) -> list[dict[str, str | None]]:
    """Return faults by their field, so that a form can show each where it belongs.

    Of an edit the field alone: `edits.0.reason` and `e12.parcel_id` name it last. Of goals the
    whole path, such as `locks.0.park`.
    """
    is_whole = isinstance(error, GoalsError)
    return [
        {
            "field": fault.column
            if is_whole or not fault.column
            else fault.column.rpartition(".")[2],
            "message": translator.text(
                "fault.at_field", found=fault.found, expected=fault.expected
            ),
        }
        for fault in error.faults
    ]


def tell_outside(error: GeoServiceError, translator: Translator) -> str:
    """Return what a client may be told of an error: of ours no folder, no server."""
    if isinstance(error, StoreError) and error.public_message is not None:
        return tell(error.public_message, translator)
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if status >= _SAFE_TO_SHOW and not isinstance(error, BusyError):
        return tell(said("problem.own_data"), translator)
    return tell_error(error, translator)


def choice_documents(error: ChoiceNeededError, translator: Translator) -> list[dict[str, str]]:
    """Return the choices that an error leaves open, each with what speaks for it."""
    return [
        {"value": choice.value, "evidence": tell(choice.evidence, translator)}
        for choice in error.choices
    ]


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    """A bad query, path or header is a 400 that names the parameter; a bad body is a 422."""
    translator = translator_of(request)
    faults: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    listed = [
        {
            "in": str(fault["loc"][0]),
            "parameter": ".".join(str(part) for part in fault["loc"][1:]) or "body",
            "message": tell(said_of(fault), translator)[:_SHOWN],
        }
        for fault in faults
    ]
    status = 422 if any(item["in"] == "body" for item in listed) else 400
    unreadable = tell(said("problem.unreadable"), translator)
    first = listed[0] if listed else {"parameter": "request", "message": unreadable}
    detail = said("problem.field", name=first["parameter"], reason=first["message"])
    return problem(status, tell(detail, translator), parameter=first["parameter"], errors=listed)


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if _wants_page(request):
        return _page(request, status)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    answer = problem(status, tell(_detail_of(error, status), translator_of(request)))
    answer.headers.update(headers)
    return answer


def _detail_of(error: Exception, status: int) -> model.Message | str:
    """Return what an error of HTTP says; the framework's own stay phrases where ours has none."""
    if isinstance(error, RequestRefusedError):
        return error.message
    phrase = HTTPStatus(status).phrase
    detail = error.detail if isinstance(error, HTTPException) else ""
    if detail in {"", phrase}:
        return said(_PHRASES[status]) if status in _PHRASES else phrase
    return detail


def _on_unexpected(request: Request) -> Response:
    if _wants_page(request):
        return _page(request, 500)
    return problem(500, tell(said("problem.unexpected"), translator_of(request)))
