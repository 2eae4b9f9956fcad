"""A layout as a text document: what is proposed, why, and what the review says before and after."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

import docx

from geo_service.reports.archive import pack_again
from geo_service.reports.layout_tables import HEADS, LayoutWords, rows_of
from geo_service.reports.plain_text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docx.document import Document as Text

    from geo_service.language import Translator
    from geo_service.reports.document import Document
    from geo_service.reports.workbook import Cell

_MOST = 2_000
_MOST_ROWS = 500


def layout_docx(document: Document, translator: Translator) -> bytes:
    """Return a layout as the bytes of a DOCX file; the same document gives the same bytes."""
    words = LayoutWords(document, translator)
    text: Text = docx.Document()
    text.add_paragraph(one_line(words.title, most=_MOST), style="Title")
    _table(text, None, words.head)
    for line in (*words.review_lines(), *document["notes"]):
        text.add_paragraph(one_line(line, most=_MOST), style="List Bullet")
    for part, heads in HEADS.items():
        rows = rows_of(words, part, is_whole=False)
        if not rows:
            continue
        text.add_heading(words.text(part), 1)
        has_reason = heads[-1] == "reason"
        kept = heads[:-1] if has_reason else heads
        _table(
            text, [words.text(f"head_{name}") for name in kept], [row[: len(kept)] for row in rows]
        )
        if has_reason:
            for row in rows[:_MOST_ROWS]:
                text.add_paragraph(
                    clean(f"{_shown(row[0])}: {_shown(row[-1])}"), style="List Bullet"
                )
    moment = datetime.fromisoformat(document["as_of"])
    text.core_properties.created = text.core_properties.modified = moment
    text.core_properties.author = ""
    text.core_properties.title = one_line(words.title, most=200)
    stream = io.BytesIO()
    text.save(stream)
    return pack_again(stream.getvalue())


def _table(text: Text, heads: Sequence[str] | None, rows: Sequence[Sequence[Cell]]) -> None:
    shown = list(rows[:_MOST_ROWS])
    width = len(heads) if heads is not None else len(shown[0])
    table = text.add_table(rows=0, cols=width, style="Table Grid")
    for row in ([heads] if heads is not None else []) + shown:
        cells = table.add_row().cells
        for cell, value in zip(cells, row, strict=True):
            cell.text = clean(_shown(value))


def _shown(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return one_line(str(value), most=_MOST)
