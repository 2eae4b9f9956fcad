"""A review as a file: JSON, GeoJSON, a workbook, a text document, a GeoPackage.

A review that cannot be made again goes out as it was saved, in the formats that need no more.
Leaves out which reviews there are (`reviews`).
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.errors import NotFoundError
from geo_service.maps.style import SYMBOLS
from geo_service.model import Verdict
from geo_service.planning.downloads import Download, file_name
from geo_service.planning.saved_reviews import saved_geojson, saved_json
from geo_service.reports.document import (
    collection,
    dump,
    finding_features,
    park_features,
    review_summary,
)
from geo_service.reports.stream import review_pieces
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from geo_service.language import Translator
    from geo_service.reports.comparison import ComparedReviews
    from geo_service.reports.document import Document
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


def export_review(
    review: Review,
    format: ExportFormat,  # noqa: A002 - the contract's word
    translator: Translator,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a review as a file of a format, its texts in the translator's language.

    `more` are members of its document beside those of the review: whether it is saved, whether it
    is a trial, which reports say in their titles, what was done with it as an act, and what is done
    about its findings.
    """
    return b"".join(export_pieces(review, format, translator, more))


def export_pieces(
    review: Review,
    format: ExportFormat,  # noqa: A002 - the contract's word
    translator: Translator,
    more: Mapping[str, Any] | None = None,
) -> Iterator[bytes]:
    """Yield what `export_review` returns; JSON and GeoPackages piece by piece."""
    if format is ExportFormat.JSON:
        yield from review_pieces(review, translator, more)
    elif format is ExportFormat.GEOJSON:
        features = [*park_features(review, translator), *finding_features(review, translator)]
        summary = {**review_summary(review, translator), **(more or {})}
        yield dump(collection(features, len(features), review=summary))
    else:
        yield from _report(review, format, translator, more or {})


def write_review(
    review: Review,
    format: ExportFormat,  # noqa: A002 - the contract's word
    translator: Translator,
    more: Mapping[str, Any],
    path: Path,
) -> None:
    """Write what `export_review` returns to a file."""
    with path.open("wb") as file:
        file.writelines(export_pieces(review, format, translator, more))


def _report(
    review: Review,
    format: ExportFormat,  # noqa: A002 - as above
    translator: Translator,
    more: Mapping[str, Any],
) -> Iterator[bytes]:
    """A report in one of the binary formats; their libraries are loaded only for them."""
    from geo_service.reports.review import review_content  # noqa: PLC0415

    content = review_content(
        review,
        translator,
        is_trial=bool(more.get("is_trial")),
        act=more.get("act"),
        work=more.get("work", ()),
    )
    colours = {
        verdict: SYMBOLS[f"verdict.{verdict}"].fill or SYMBOLS[f"verdict.{verdict}"].stroke
        for verdict in Verdict
    }
    if format is ExportFormat.XLSX:
        from geo_service.reports.xlsx import review_workbook  # noqa: PLC0415

        yield review_workbook(content, colours)
    elif format is ExportFormat.DOCX:
        from geo_service.reports.docx import review_text  # noqa: PLC0415

        # A text tells park by park, and goes through the findings several times.
        yield review_text(replace(content, findings=tuple(content.findings)), colours)
    else:
        from geo_service.reports.geopackage import geopackage_pieces  # noqa: PLC0415

        yield from geopackage_pieces(review, content, colours)


def export_comparison(compared: ComparedReviews, translator: Translator) -> bytes:
    """Return how two reviews differ as the bytes of an XLSX file."""
    from geo_service.reports.comparison_xlsx import comparison_workbook  # noqa: PLC0415 - openpyxl

    return comparison_workbook(compared, translator)


def export_name(review: Review, format: ExportFormat, translator: Translator) -> str:  # noqa: A002 - as above
    """Return what the file is called: letters, digits, `.`, `-` and `_` of any script, no path."""
    county = translator.pick(review.plan.settings.name)
    return _file_name(county, review.as_of.isoformat(), review.review_id, format, translator)


def _file_name(
    county: str,
    day: str,
    review_id: str,
    format: ExportFormat,  # noqa: A002 - as above
    translator: Translator,
) -> str:
    name = translator.text("report.file", county=county, day=day, review=review_id)
    return file_name(name, format)


_SAVED_FORMATS = {ExportFormat.JSON: saved_json, ExportFormat.GEOJSON: saved_geojson}
"""How a review that cannot be made again is written, from its saved documents."""


def review_download(
    review: Review,
    format: ExportFormat,  # noqa: A002 - as above
    translator: Translator,
    more: Mapping[str, Any],
) -> Download:
    """Return a review as a file to download."""
    return Download(
        export_name(review, format, translator),
        MEDIA_TYPES[format],
        export_review(review, format, translator, more),
    )


def saved_download(
    whole: Document,
    format: ExportFormat,  # noqa: A002 - as above
    translator: Translator,
    more: Mapping[str, Any],
) -> Download:
    """Return a review as it was saved; NotFoundError for a format that needs it made again."""
    write = _SAVED_FORMATS.get(format)
    if write is None:
        raise NotFoundError(said("problem.review_not_exported", review=repr(whole["review_id"])))
    name = _file_name(whole["county"], whole["as_of"], whole["review_id"], format, translator)
    return Download(name, MEDIA_TYPES[format], write(whole, more))
