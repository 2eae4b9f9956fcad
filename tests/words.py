"""The catalogue's words, so that a test does not quote what a screen or a report says."""

from __future__ import annotations

from typing import Any

from geo_service.language import Language, Translator
from geo_service.model import Verdict


def word(key: str, language: Language = Language.ZH_HANS, **values: Any) -> str:  # noqa: ANN401 - any value
    """Return a text of the catalogue, in simplified Chinese unless told otherwise."""
    return Translator(language).text(key, **values)


def verdict_words(*verdicts: str, language: Language = Language.ZH_HANS) -> list[str]:
    """Return what verdicts are called; all of them, the worst first, if none is named."""
    return [word(f"verdict.{verdict}", language) for verdict in verdicts or tuple(Verdict)]
