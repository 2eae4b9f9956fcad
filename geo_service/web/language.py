"""Which language a request is answered in.

The API goes by `?lang=`, else Accept-Language. A page is opened by links that carry no
language, so between the two it minds the cookie that an earlier `?lang=` has set.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Cookie, Depends, Header, Query, Request
from fastapi.responses import Response

from geo_service.language import Language, choose_language

LANGUAGE_COOKIE = "geo_lang"
_A_YEAR_SECONDS = 31_536_000


def request_language(
    lang: Annotated[Language | None, Query(description="Language of texts.")] = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Language:
    """Return the language asked for; simplified Chinese when nothing is said."""
    return lang or choose_language(accept_language)


LanguageDep = Annotated[Language, Depends(request_language)]


def page_language(
    lang: Annotated[str | None, Query(max_length=100)] = None,
    geo_lang: Annotated[str | None, Cookie()] = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Language:
    """Return the language of a page; one that there is not is passed over, not refused."""
    return _language_of(lang) or _language_of(geo_lang) or choose_language(accept_language)


PageLanguageDep = Annotated[Language, Depends(page_language)]


def language_of(request: Request) -> Language:
    """Return what `page_language` would, for an answer that is made outside a route."""
    return page_language(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
    )


def set_language_cookie(request: Request, reply: Response, language: Language) -> None:
    """Let a page's `?lang=` hold for the pages that are opened after it."""
    if _language_of(request.query_params.get("lang")) is None:
        return
    reply.set_cookie(
        LANGUAGE_COOKIE,
        language.value,
        max_age=_A_YEAR_SECONDS,
        path=str(request.scope.get("root_path", "")) or "/",
        httponly=True,
        samesite="lax",
    )


def _language_of(tag: str | None) -> Language | None:
    return Language(tag) if tag in set(Language) else None
