"""An empty workbook for each layer, to be filled in and imported.

Its headings are names that the import knows, with their units; each cell says what may stand in
it, and columns with fixed words offer them. It has one sheet, so that nobody is asked which.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.writer.excel import ExcelWriter

from geo_service.ingest.columns import match_columns
from geo_service.ingest.names import aliases, common_names, plain, unit_words, words
from geo_service.language import Language
from geo_service.reports.archive import pack_again
from geo_service.reports.workbook import FONTS, sheet_title
from geo_service.schema import SCHEMAS, ColumnKind, Field, LayerSchema, Need

if TYPE_CHECKING:
    from geo_service.language import Translator

_ROWS = 5_000
"""Rows below the heading that have hints and lists."""
_KEY_FILL, _NEEDED_FILL, _OTHER_FILL = "F6D9A8", "DCE3E8", "F2F4F5"
_PROMPT = 255
_LISTED = 255
_GENERIC = 2
"""Characters of names for ids that say nothing of what they identify."""
_MADE = datetime(2026, 1, 1)  # noqa: DTZ001 - the same file every time
_NOT_OWN = frozenset({ColumnKind.NUMBER, ColumnKind.INTEGER, ColumnKind.DATE})


def template_headings(layer: str, language: Language) -> dict[str, str]:
    """Return the heading of each column of a layer, by column, as an import understands them.

    Chinese headings are in simplified characters, as tables in the county are.
    """
    schema = SCHEMAS[layer]
    headings = {item.name: _heading(layer, item, language) for item in schema.fields}
    while True:
        plan = match_columns(
            tuple(headings.values()), schema, mapping=None, shown="", has_geometry=True
        )
        meant = {item.column: item.field for item in plan.matched}
        wrong = [name for name, text in headings.items() if meant.get(text) != name]
        changed = [name for name in wrong if headings[name] != name]
        if not changed:
            return headings
        headings |= {name: name for name in changed}


def _heading(layer: str, item: Field, language: Language) -> str:
    if language is Language.EN:
        return item.name
    names = [name for name in common_names(layer, item.name) if not name.isascii()]
    if not names:
        return item.name
    if item.name in SCHEMAS[layer].key:
        # Of the names of an id the one that fewest layers share: a file tells by it what it is.
        own = [name for name in names if len(name) > _GENERIC] or names
        name = min(own, key=lambda one: sum(plain(one) in aliases(other) for other in SCHEMAS))
    else:
        name = names[0]
    unit = unit_words(item)
    return f"{name}（{unit}）" if unit else name


def place_headings(schema: LayerSchema, language: Language) -> tuple[str, ...]:
    """Return the headings of the columns that say where a feature lies; none for a table."""
    if schema.geometry is None:
        return ()
    if schema.geometry == "point":
        return ("longitude", "latitude") if language is Language.EN else ("经度", "纬度")
    return ("WKT",)


def import_template(layer: str, translator: Translator) -> bytes:
    """Return a workbook with a heading for each column of a layer, as bytes of an XLSX file."""
    schema, language = SCHEMAS[layer], translator.language
    book = Workbook()
    sheet: Any = book.active
    sheet.title = sheet_title(translator.text(f"layer.{layer}"))
    headings = template_headings(layer, language)
    for position, item in enumerate(schema.fields, start=1):
        fill = _KEY_FILL if item.name in schema.key else _NEEDED_FILL
        is_other = item.need is Need.OPTIONAL or item.name in {"source", "illustrative"}
        fill = _OTHER_FILL if is_other else fill
        _column(sheet, position, headings[item.name], fill, language)
        _hint(sheet, position, _told(schema, item, translator), _choices(layer, item, language))
        letter = get_column_letter(position)
        if item.kind not in _NOT_OWN:
            # Ids and codes stay texts: a spreadsheet would cut their zeros and last digits.
            sheet.column_dimensions[letter].number_format = "@"
            for row in range(2, 202):
                sheet.cell(row, position).number_format = "@"
    for offset, heading in enumerate(place_headings(schema, language), start=1):
        position = len(schema.fields) + offset
        _column(sheet, position, heading, _OTHER_FILL, language)
        _hint(sheet, position, translator.text("template.place"), "")
    sheet.freeze_panes = f"{get_column_letter(len(schema.key) + 1)}2"
    return _packed(book, translator.text("template.title", label=sheet.title))


def _column(sheet: Any, position: int, heading: str, fill: str, language: Language) -> None:  # noqa: ANN401 - openpyxl's
    cell = sheet.cell(1, position, heading)
    cell.font = Font(name=FONTS[language], size=10, bold=True)
    cell.fill = PatternFill("solid", start_color=fill)
    cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    width = sum(2 if ord(char) > 0xFF else 1 for char in heading)  # noqa: PLR2004 - wide characters
    sheet.column_dimensions[get_column_letter(position)].width = min(max(width + 3, 10), 32)


def _hint(sheet: Any, position: int, text: str, choices: str) -> None:  # noqa: ANN401 - openpyxl's
    """Let each cell of a column tell what it may hold; a list of words can be chosen from."""
    rule = DataValidation(
        type="list" if choices else None,
        formula1=f'"{choices}"' if choices else None,
        allow_blank=True,
        showErrorMessage=False,
        showInputMessage=True,
        promptTitle=None,
        prompt=text[:_PROMPT],
    )
    letter = get_column_letter(position)
    rule.add(f"{letter}2:{letter}{_ROWS + 1}")
    sheet.add_data_validation(rule)


def _told(schema: LayerSchema, item: Field, translator: Translator) -> str:
    """Return what may stand in a column, in a few words."""
    need = "key" if item.name in schema.key else "value" if item.need is Need.VALUE else "optional"
    if item.name in {"source", "illustrative"}:
        need = "optional"
    parts = [translator.text(f"column.{item.name}"), translator.text(f"template.{need}")]
    parts.append(translator.text(f"template.kind_{item.kind}"))
    if item.unit:
        parts.append(translator.text("template.unit", unit=item.unit))
    elif item.maximum == 1:
        parts.append(translator.text("template.share"))
    return translator.text("template.joined", parts=parts)


def _choices(layer: str, item: Field, language: Language) -> str:
    """Return the words of a column with fixed ones, as a list of a workbook; "" if it has none."""
    if item.kind is ColumnKind.BOOLEAN:
        return "yes,no" if language is Language.EN else "是,否"
    if not item.choices:
        return ""
    meant: dict[str, str] = {}
    if language is not Language.EN:
        for word, value in words(layer, item).items():
            if not word.isascii():
                meant.setdefault(value, word)
    listed = ",".join(meant.get(value, value) for value in item.choices)
    return listed if len(listed) <= _LISTED else ""


def _packed(book: Workbook, title: str) -> bytes:
    book.properties.title = title
    book.properties.creator = "geo-service"
    book.properties.created = book.properties.modified = _MADE
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        ExcelWriter(book, archive).save()
    return pack_again(stream.getvalue())
