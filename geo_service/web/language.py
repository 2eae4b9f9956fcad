"""Which language a request is answered in: `?lang=`, else Accept-Language."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Query

from geo_service.language import Language, choose_language


def request_language(
    lang: Annotated[Language | None, Query(description="Language of texts.")] = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Language:
    """Return the language asked for; simplified Chinese when nothing is said."""
    return lang or choose_language(accept_language)


LanguageDep = Annotated[Language, Depends(request_language)]
