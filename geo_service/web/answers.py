"""What a route can answer, for the description of the API: statuses, media types, shapes.

A route names the shape of what it returns and the errors that it lets through; the table of
statuses says which status each of those is. What any route may answer (a bad parameter, a
door that is shut) is added to all of them in `web/description.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from geo_service.errors import GeoServiceError
from geo_service.web.errors import COME_BACK, PROBLEM_TYPE, STATUS

JSON = "application/json"
HTML = "text/html"
Answers = dict[int | str, dict[str, Any]]
_TEXT = {"type": "string"}
TAGGED = {
    "ETag": {"description": "Tells this content from others; see If-None-Match.", "schema": _TEXT},
}
_LOCATION_HEADER = {
    "Location": {"description": "Where the result is, or the job.", "schema": _TEXT}
}
_LATER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}},
}
_SAVED = {"Content-Disposition": {"description": "The file's name.", "schema": _TEXT}}
_MEANING: Mapping[int, str] = {
    400: "A parameter is unknown, given twice or has a bad value; `parameter` names it.",
    401: "With accounts: nobody is signed in, or the token counts no longer.",
    403: "Another site sent the request; with accounts: the account may not do this.",
    404: "Nothing has this name.",
    408: "The request came too slowly.",
    409: "Something was changed meanwhile, or is left open: see `parameter` and `choices`.",
    412: "It was changed since the state that `If-Match` names; read it again.",
    413: "The body is too large.",
    421: "The service is not known by this name.",
    422: "The body does not fit its schema; `errors` lists every fault.",
    429: "Too many requests; see Retry-After.",
    500: "A fault of the service itself, or of its own data; the log says more.",
    503: "Too much is being done already, or the store failed; see Retry-After.",
}


def answers(
    shape: str | None,
    *errors: type[GeoServiceError],
    status: int = 200,
    media_type: str = JSON,
    may_take_long: bool = False,
    is_tagged: bool = True,
    may_be_unsaved: bool = False,
) -> Answers:
    """Return what a route answers: a shape by its name (None for what is no JSON), and errors.

    `may_take_long` adds 202 with a job; `is_tagged` 304, for who has the content already;
    `may_be_unsaved` 200 beside 201, for a result that could not be saved. A 204 has no content.
    """
    if status == HTTPStatus.NO_CONTENT:
        return {status: {"description": "Done."}} | problems(*errors)
    is_read = status == HTTPStatus.OK
    headers = TAGGED if is_read and is_tagged else {} if is_read else _LOCATION_HEADER
    content = {media_type: shape_of(shape) if shape else {}}
    found: Answers = {status: _content(status, content, headers)}
    if may_be_unsaved:
        unsaved = _content(200, content, _LOCATION_HEADER)
        found[200] = {**unsaved, "description": "It was made, and could not be kept: `not_saved`."}
    if may_take_long:
        found[202] = _content(202, {JSON: shape_of("Job")}, _LOCATION_HEADER)
    if is_read and is_tagged:
        found[304] = {"description": "The client has this content already.", "headers": TAGGED}
    return found | problems(*errors)


def with_content(found: Answers, more: Mapping[str, str]) -> Answers:
    """Return answers whose 200 may also be of other media types, given with their shapes."""
    content = {kind: shape_of(shape) for kind, shape in more.items()}
    return found | {200: {**found[200], "content": {**found[200]["content"], **content}}}


def files(*media_types: str, errors: tuple[type[GeoServiceError], ...] = ()) -> Answers:
    """Return what a route answers with a file to save, of one of several media types."""
    content: dict[str, Any] = {kind: {} for kind in media_types}
    return {200: _content(200, content, _SAVED)} | problems(*errors)


def problems(*errors: type[GeoServiceError]) -> Answers:
    """Return the problem documents that errors become."""
    return by_status(*(STATUS[error] for error in errors))


def by_status(*statuses: int) -> Answers:
    """Return the problem documents of some statuses."""
    content = {PROBLEM_TYPE: shape_of("Problem")}
    return {
        status: {
            **_content(status, content, _LATER if status in COME_BACK else {}),
            "description": _MEANING[status],
        }
        for status in statuses
    }


def shape_of(name: str) -> dict[str, Any]:
    """Return a media type's entry that refers to a shape of `web/shapes.py`."""
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _content(status: int, content: Mapping[str, Any], headers: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": HTTPStatus(status).phrase, "content": dict(content)}
    return described | ({"headers": dict(headers)} if headers else {})
