"""The rows behind a key figure of the county as a workbook: what they add up to stands above them.

Values are in base units (CNY, m², shares of 1) and not rounded. What is unknown stays empty.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from geo_service.reports.workbook import Book, Cell, Column, Styled

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.document import Document

_FORMATS = {"leading_share": "0.0%", "enterprises": "0"}


def figure_xlsx(document: Document, translator: Translator, *, county: str) -> bytes:
    """Return a figure with all its rows as the bytes of an XLSX file.

    `document` is that of `OverviewDesk.rows` with all rows, and with `as_of`, `illustrative` and
    `confidentiality` of the review.
    """
    text, name = translator.text, document["name"]
    figure = text(f"home.figure_{name}")
    title = f"{county} · {figure}"
    if document["illustrative"]:
        title += f" · {text('map.has_illustrative')}"
    mark = document["confidentiality"]
    book = Book(
        title=title,
        language=translator.language,
        made_on=date.fromisoformat(document["as_of"]),
        header=title,
        mark=f"{text('report.confidentiality')}: {mark}" if mark else "",
        page=text("report.page", page="&P", pages="&N"),
    )
    year = document["year"]
    when = text("home.no_year") if year is None else text("home.year", year=str(year))
    shape = _FORMATS.get(name, "#,##0.0")
    columns = [
        Column(text("home.row"), 34.0),
        Column(text("home.row_id"), 20.0),
        Column(text("home.park"), 34.0),
        Column(text("home.park_id"), 14.0),
        Column(text(f"home.file_{name}"), 22.0, shape),
    ]
    coverage = text(
        "home.figure_some",
        counted=str(document["counted"]),
        rows=str(document["of"]),
        unit=text(f"home.unit_{name}"),
    )
    whole: list[Cell] = [
        Styled(figure, is_bold=True),
        when,
        coverage,
        "",
        Styled(document["value"], number_format=shape, is_bold=True),
    ]
    rows = (
        [row["label"], row["id"], row["park"], row["park_id"], row["value"]]
        for row in document["rows"]
    )
    book.table(figure, columns, rows, above=[whole])
    return book.content()
