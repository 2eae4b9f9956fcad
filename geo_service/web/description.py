"""The API's description (OpenAPI 3.1): what the framework knows of the routes, and what all share.

Added to every operation: `lang`, and what the doors of the service answer before a route is
reached. The framework's own body for a bad request is taken out: ours is a problem document.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from geo_service.language import Language
from geo_service.web.answers import HTML, by_status
from geo_service.web.errors import PROBLEM_TYPE
from geo_service.web.parameters import LANG
from geo_service.web.shapes import shapes

EVERYWHERE = (400, 401, 403, 408, 413, 421, 429, 500, 503)
"""A bad parameter; nobody signed in; another site's page; too slow, too large, a name that is not
ours, too many; a fault of our own; busy. Any operation may be answered with one of these."""
_FRAMEWORK_S = ("HTTPValidationError", "ValidationError")
_UNFIT_BODY = HTTPStatus.UNPROCESSABLE_ENTITY
_LANG = {
    "name": LANG,
    "in": "query",
    "required": False,
    "description": "Language of texts.",
    "schema": {"type": "string", "enum": [language.value for language in Language]},
}
_INTRODUCTION = (
    "Parameters are strict: an unknown or repeated parameter, or a number that is not "
    "in JSON's form, gives a 400 that names it. Errors are problem documents (RFC 9457)."
)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an app's API as a document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_INTRODUCTION,
        routes=app.routes,
    )
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    schemas = document["components"]["schemas"]
    for name in _FRAMEWORK_S:
        schemas.pop(name, None)
    schemas.update(shapes())
    return document


def _complete(operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    if all(given["name"] != LANG for given in parameters):
        parameters.append(_LANG)
    found = operation["responses"]
    unfit = str(_UNFIT_BODY.value)
    if _FRAMEWORK_S[0] in str(found.get(unfit, "")):
        del found[unfit]
    always = [*EVERYWHERE, *([_UNFIT_BODY.value] if "requestBody" in operation else [])]
    for status, answer in by_status(*always).items():
        found.setdefault(str(status), answer)
    if HTML in found.get("200", {}).get("content", {}):
        found = {status: _as_page_too(answer) for status, answer in found.items()}
    operation["responses"] = dict(sorted(found.items()))


def _as_page_too(answer: dict[str, Any]) -> dict[str, Any]:
    """A browser that opens a page's address is told errors as a page."""
    content = answer.get("content", {})
    return {**answer, "content": {**content, HTML: {}}} if PROBLEM_TYPE in content else answer
