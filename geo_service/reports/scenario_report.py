"""Scenarios side by side as files for a meeting: a workbook, a text document, one page of HTML.

What they say is gathered once, as tables of plain texts and numbers; each format lays it out. No
value is ever a formula, a field or markup.
"""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from geo_service.reports.archive import pack_again
from geo_service.reports.document import is_illustrative
from geo_service.reports.docx import FONTS as TEXT_FONTS
from geo_service.reports.plain_text import clean, one_line, with_minus
from geo_service.reports.scenario import Names, compared_message, edit_message, unit_of
from geo_service.reports.workbook import Book, Column

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.scenarios.compare import Alternative, SideBySide

_MOST = 4_000
_MOST_ROWS = 2_000
"""Rows of one table in a text document or a page; the workbook has them all."""
_NARROW, _WIDE = 16.0, 40.0
Value = str | float | None


class ComparisonFormat(StrEnum):
    """The formats of a comparison as a file; the value is also the file's extension."""

    JSON = "json"
    XLSX = "xlsx"
    DOCX = "docx"
    HTML = "html"


COMPARISON_MEDIA_TYPES = {
    ComparisonFormat.JSON: "application/json",
    ComparisonFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ComparisonFormat.DOCX: (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    ComparisonFormat.HTML: "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """One table of a comparison: its title, headings and rows."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @property
    def is_cut(self) -> bool:
        """Whether a text document or a page does not show all rows."""
        return len(self.rows) > _MOST_ROWS

    def rest(self, translator: Translator) -> str:
        """Return how many rows are not shown there."""
        return translator.text("compared.rest", count=len(self.rows) - _MOST_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonContent:
    """What a comparison says, whatever file it goes into."""

    title: str
    notes: tuple[str, ...]
    tables: tuple[ReportTable, ...]


def comparison_content(found: SideBySide, translator: Translator) -> ComparisonContent:
    """Return what a comparison says, in a language."""
    text = translator.text
    first = found.alternatives[0].review
    county = translator.pick(first.plan.settings.name)
    notes = [
        translator.render(compared_message(found)),
        text("compared.as_of", day=first.as_of.isoformat()),
        text("compared.trial"),
    ]
    if first.plan.only_parks is not None:
        notes.append(text("compared.of_own_parks", count=len(first.rulebook.rules)))
    if any(is_illustrative(one.review.plan) for one in found.alternatives):
        notes.append(text("report.illustrative_note"))
    return ComparisonContent(
        title=text("compared.title", county=county),
        notes=tuple(notes),
        tables=(
            _figures(found, translator, "measure"),
            _figures(found, translator, "cost"),
            _verdicts(found, translator),
            _edits(found, translator),
            *(_only_in(found, one, translator) for one in found.alternatives if one.scenario),
        ),
    )


def _name(one: Alternative, translator: Translator) -> str:
    return one.name if one.scenario is not None else translator.text("edit.the_plan")


def _figures(found: SideBySide, translator: Translator, prefix: str) -> ReportTable:
    frame = found.measures if prefix == "measure" else found.costs
    heads = [_name(one, translator) for one in found.alternatives]
    rows = []
    for name, row in frame.iterrows():
        label = translator.text(f"{prefix}_of_plan.{name}")
        unit = unit_of(str(name))
        cells: list[Value] = [None if value != value else float(value) for value in row]  # noqa: PLR0124 - NaN
        is_share = unit == "share"
        told = [None if cell is None else _number(cell, is_share=is_share) for cell in cells]
        rows.append((f"{label} (%)" if is_share else f"{label} ({unit})" if unit else label, *told))
    title = translator.text(f"compared.{prefix}s")
    return ReportTable(title=title, headings=(title, *heads), rows=tuple(rows))


def _number(value: Value, *, is_share: bool) -> float:
    number = float(value or 0.0)
    return round(100 * number, 1) if is_share else round(number, 1)


def _verdicts(found: SideBySide, translator: Translator) -> ReportTable:
    keys = [one.key for one in found.alternatives]
    heads = [_name(one, translator) for one in found.alternatives]
    rows = [
        (
            str(row["name"]),
            str(park_id),
            *("—" if row[key] is None else translator.text(f"verdict.{row[key]}") for key in keys),
            translator.text("compared.differs") if park_id in found.differing.index else "",
        )
        for park_id, row in found.verdicts.to_dict("index").items()
    ]
    columns = (
        translator.text("compared.park"),
        translator.text("compared.park_id"),
        *heads,
        translator.text("compared.differing"),
    )
    title = translator.text("compared.verdicts")
    return ReportTable(title=title, headings=columns, rows=tuple(rows))


def _edits(found: SideBySide, translator: Translator) -> ReportTable:
    rows = []
    for one in found.alternatives:
        names = Names(one.base.plan)
        for edit in () if one.scenario is None else one.scenario.enabled:
            sentence = translator.render(edit_message(edit, names))
            rows.append((_name(one, translator), sentence, edit.reason, edit.author))
    heads = ("scenario", "edit", "reason", "author")
    return ReportTable(
        title=translator.text("compared.edits"),
        headings=tuple(translator.text(f"compared.{name}") for name in heads),
        rows=tuple(rows),
    )


def _only_in(found: SideBySide, one: Alternative, translator: Translator) -> ReportTable:
    rows = tuple(
        (
            translator.text(f"finding_kind.{change.kind.value}"),
            change.finding.park_id or "—",
            change.finding.rule_id,
            translator.render(change.finding.title),
        )
        for change in found.only_in(one.key)
    )
    heads = ("change", "park_id", "rule", "finding")
    return ReportTable(
        title=translator.text("compared.only_in", name=_name(one, translator)),
        headings=tuple(translator.text(f"compared.{name}") for name in heads),
        rows=rows,
    )


# ---- laid out ---------------------------------------------------------------------------------


def comparison_workbook(found: SideBySide, translator: Translator) -> bytes:
    """Return a comparison as the bytes of an XLSX file."""
    content = comparison_content(found, translator)
    book = Book(content.title, translator.language, found.alternatives[0].review.as_of)
    for table in content.tables:
        columns = [
            Column(heading, _WIDE if number == 0 or len(heading) > _NARROW else _NARROW)
            for number, heading in enumerate(table.headings)
        ]
        book.table(table.title, columns, table.rows, notes=[content.title, *content.notes])
    return book.content()


def comparison_text(found: SideBySide, translator: Translator) -> bytes:
    """Return a comparison as the bytes of a DOCX file."""
    content = comparison_content(found, translator)
    text = docx.Document()
    section = text.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    serif, _ = TEXT_FONTS[translator.language]
    normal = text.styles["Normal"]
    normal.font.size = Pt(10.5)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), serif)
    text.add_heading(one_line(content.title, most=_MOST), 0)
    for note in content.notes:
        text.add_paragraph(clean(note, most=_MOST), style="List Bullet")
    for table in content.tables:
        text.add_heading(one_line(table.title, most=_MOST), 1)
        if not table.rows:
            text.add_paragraph(translator.text("compared.none"))
            continue
        grid = text.add_table(rows=1, cols=len(table.headings))
        grid.style = "Table Grid"
        for cell, heading in zip(grid.rows[0].cells, table.headings, strict=True):
            cell.paragraphs[0].add_run(one_line(heading, most=_MOST)).bold = True
        for row in table.rows[:_MOST_ROWS]:
            cells = grid.add_row().cells
            for cell, value in zip(cells, row, strict=True):
                cell.text = clean(_shown(value), most=_MOST)
        if table.is_cut:
            text.add_paragraph(table.rest(translator))
    about = text.core_properties
    about.title, about.author = one_line(content.title, most=255), "geo-service"
    day = found.alternatives[0].review.as_of
    about.created = about.modified = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a day
    stream = io.BytesIO()
    text.save(stream)
    return pack_again(stream.getvalue())


_STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2rem;"
    "color:#1b2a33}table{border-collapse:collapse;margin:.5rem 0 2rem}"
    "th,td{border:1px solid #b8c0c6;padding:.25rem .6rem;text-align:left;vertical-align:top}"
    "th{background:#dce3e8}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "@media print{body{margin:0}h2{break-after:avoid}}"
)


def comparison_page(found: SideBySide, translator: Translator) -> bytes:
    """Return a comparison as one page of HTML that needs nothing else; it runs no script."""
    content = comparison_content(found, translator)
    title = html.escape(one_line(content.title, most=_MOST))
    parts = [
        f'<!doctype html>\n<html lang="{translator.language.value}">\n<head>\n',
        '<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" ',
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        "<ul>\n",
        *(f"<li>{_escaped(note)}</li>\n" for note in content.notes),
        "</ul>\n",
    ]
    for table in content.tables:
        parts.append(f"<h2>{_escaped(table.title)}</h2>\n")
        if not table.rows:
            parts.append(f"<p>{_escaped(translator.text('compared.none'))}</p>\n")
            continue
        heads = "".join(f"<th>{_escaped(heading)}</th>" for heading in table.headings)
        parts.append(f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n")
        parts += [_row(row) for row in table.rows[:_MOST_ROWS]]
        parts.append("</tbody>\n</table>\n")
        if table.is_cut:
            parts.append(f"<p>{_escaped(table.rest(translator))}</p>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode()


def _row(row: Sequence[Value]) -> str:
    cells = (
        f'<td class="n">{_escaped(_shown(value))}</td>'
        if isinstance(value, float)
        else f"<td>{_escaped(_shown(value))}</td>"
        for value in row
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def _escaped(text: str) -> str:
    return html.escape(clean(text, most=_MOST))


def _shown(value: Value) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return with_minus(f"{value:,.1f}".removesuffix(".0"))
    return value
