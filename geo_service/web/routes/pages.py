"""The console's pages: shells of catalogue texts; what they show they fetch as JSON."""

from __future__ import annotations

import html
import json
from functools import cache
from importlib.resources import files
from string import Template
from types import MappingProxyType

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import NotFoundError
from geo_service.language import catalogue
from geo_service.web.language import LanguageDep
from geo_service.web.replies import CountyDep
from geo_service.web.security import PAGE_CSP

router = APIRouter(include_in_schema=False)

_PAGES = files("geo_service.web") / "pages"
_STATIC = MappingProxyType(
    {
        "console.css": "text/css",
        "console.js": "text/javascript",
        "docs.js": "text/javascript",
    }
)
_TEXT_SECTIONS = ("verdict.", "tier.", "table.", "page.")
# Swagger UI draws its icons from data addresses and sets style attributes.
_DOCS_CSP = PAGE_CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


@router.get("/", name="home")
def home(county: CountyDep, language: LanguageDep) -> Response:
    """Return the home page: verdict counts, the map and the parks table."""
    translator = county.translator(language)
    texts = {
        key: translator.text(key)
        for key in catalogue()
        if key.startswith(_TEXT_SECTIONS) and "{" not in catalogue()[key]["zh"]
    }
    values = {key.removeprefix("page."): text for key, text in texts.items()}
    page = Template(_read("home.html")).substitute(
        {key: html.escape(text) for key, text in values.items() if "." not in key},
        lang=language.value,
        title=html.escape(translator.text("page.home_title")),
        illustrative=html.escape(translator.text("table.illustrative")),
        texts=_island(texts),
    )
    return HTMLResponse(page, headers=_headers(PAGE_CSP))


@router.get("/docs", name="docs")
def docs() -> Response:
    """Return the API's description as a page that needs nothing from outside."""
    return HTMLResponse(_read("docs.html"), headers=_headers(_DOCS_CSP))


@router.get("/pages/{name}")
def page_file(name: str, request: Request) -> Response:
    """Return one of the console's own scripts and styles."""
    del request
    if name not in _STATIC:
        msg = "There is no such file."
        raise NotFoundError(msg)
    return Response(_read(name), media_type=_STATIC[name], headers={"cache-control": "no-cache"})


@cache
def _read(name: str) -> str:
    return (_PAGES / name).read_text(encoding="utf-8")


def _headers(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "cache-control": "no-cache",
        "vary": "accept-language",
    }


def _island(texts: dict[str, str]) -> str:
    """Texts as JSON that cannot end its script element."""
    return json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
