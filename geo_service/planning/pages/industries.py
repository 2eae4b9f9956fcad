"""Industries of GB/T 4754-2017 looked up by what a planner types: a code or part of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.industry import DIVISION_DIGITS, classification
from geo_service.language import to_simplified
from geo_service.reports.document import Document, industry_name

if TYPE_CHECKING:
    from geo_service.language import Translator


def find_industries(query: str, translator: Translator, *, limit: int) -> list[Document]:
    """Return industries of 2 digits and more, codes that start so first, then names.

    Names match in simplified and traditional Chinese, and in English those of divisions.
    """
    wanted = to_simplified(query.strip()).lower()
    known = classification()
    if not wanted:
        return []
    by_code, by_name = [], []
    for code, entry in known.entries.items():
        if len(code) < DIVISION_DIGITS:
            continue
        if code.startswith(wanted):
            by_code.append(code)
        elif wanted in entry.name.lower() or wanted in known.english.get(code, "").lower():
            by_name.append(code)
    by_code.sort(key=lambda code: (len(code), code))
    return [
        {"code": code, "name": industry_name(code, translator)}
        for code in [*by_code, *by_name][:limit]
    ]
