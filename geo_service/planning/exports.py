"""A review handed out as a file: which formats there are, their bytes and their names."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.maps.style import SYMBOLS
from geo_service.model import Verdict
from geo_service.reports.document import (
    collection,
    dump,
    finding_features,
    park_features,
    review_document,
    review_summary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.language import Translator
    from geo_service.zoning.review import Review


class ExportFormat(StrEnum):
    """The formats of a review as a file; the value is also the file's extension."""

    JSON = "json"
    GEOJSON = "geojson"
    XLSX = "xlsx"
    DOCX = "docx"
    GPKG = "gpkg"


BINARY = frozenset({ExportFormat.XLSX, ExportFormat.DOCX, ExportFormat.GPKG})
"""Formats that are not for a terminal."""
_OFFICE = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES = {
    ExportFormat.JSON: "application/json",
    ExportFormat.GEOJSON: "application/geo+json",
    ExportFormat.XLSX: f"{_OFFICE}.spreadsheetml.sheet",
    ExportFormat.DOCX: f"{_OFFICE}.wordprocessingml.document",
    ExportFormat.GPKG: "application/geopackage+sqlite3",
}
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 100


def export_review(
    review: Review,
    format: ExportFormat,  # noqa: A002 - the contract's word
    translator: Translator,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a review as a file of a format, its texts in the translator's language.

    `more` are members of its document beside those of the review: whether it is saved.
    """
    if format is ExportFormat.JSON:
        return dump({**review_document(review, translator), **(more or {})}, indent=True)
    if format is ExportFormat.GEOJSON:
        features = [*park_features(review, translator), *finding_features(review, translator)]
        summary = {**review_summary(review, translator), **(more or {})}
        return dump(collection(features, len(features), review=summary))
    return _report(review, format, translator)


def _report(review: Review, format: ExportFormat, translator: Translator) -> bytes:  # noqa: A002 - as above
    """A report in one of the binary formats; their libraries are loaded only for them."""
    from geo_service.reports.review import review_content  # noqa: PLC0415

    content = review_content(review, translator)
    colours = {
        verdict: SYMBOLS[f"verdict.{verdict}"].fill or SYMBOLS[f"verdict.{verdict}"].stroke
        for verdict in Verdict
    }
    if format is ExportFormat.XLSX:
        from geo_service.reports.xlsx import review_workbook  # noqa: PLC0415

        return review_workbook(content, colours)
    if format is ExportFormat.DOCX:
        from geo_service.reports.docx import review_text  # noqa: PLC0415

        return review_text(content, colours)
    from geo_service.reports.geopackage import review_geopackage  # noqa: PLC0415

    return review_geopackage(review, content, colours)


def export_name(review: Review, format: ExportFormat, translator: Translator) -> str:  # noqa: A002 - as above
    """Return what the file is called: letters, digits, `.`, `-` and `_` of any script, no path."""
    name = translator.text(
        "report.file",
        county=translator.pick(review.plan.settings.name),
        day=review.as_of.isoformat(),
        review=review.review_id,
    )
    return file_name(name, format)


def file_name(words: str, extension: str) -> str:
    """Return words as a file's name: letters, digits, `.`, `-` and `_` of any script, no path.

    >>> file_name("../a: 云 b", "xlsx")
    'a_云_b.xlsx'
    """
    safe = _NOT_IN_NAMES.sub("_", words).strip("._-")[:_LONGEST_NAME]
    return f"{safe}.{extension}"
