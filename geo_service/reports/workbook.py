"""Workbooks that are safe to open, print well, and are the same for the same content.

A `Book` takes tables of plain values. A text is stored as text whatever it begins with, so
that no value of the data is ever a formula; what is to be computed by the reader's program
is a `Formula`, which the code writes from numbers and cell references alone. What stands in
the tables is decided by those who fill them.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.compat import safe_string
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer.excel import ExcelWriter

from geo_service.language import Language
from geo_service.reports.archive import pack_again
from geo_service.reports.plain_text import clean, one_line
from geo_service.reports.sheet_rows import SheetRow, SheetRows, sheet_row

FONTS = {Language.ZH_HANS: "宋体", Language.ZH_HANT: "新細明體", Language.EN: "Arial"}
"""Fonts that come with the office programs in use; another is taken where one is missing."""
MOST_CHARACTERS = 32_767
"""What a cell holds at most."""
MOST_ROWS = 1_000_000
"""Rows of one sheet; a longer table goes on in another."""
_KEPT_TEXTS = 50_000
_A4 = "9"
_TITLE_CHARACTERS = 31
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\']")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_MAY_BE_A_FORMULA = ("=", "+", "-", "@", "\t")
_LINE_POINTS = 15.0

_Sheet = Any
"""A sheet that is written row by row; openpyxl's types leave out half of what it has."""
_Stored = Any
"""A cell of such a sheet, for the same reason."""
Value = str | float | bool | date | None


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of ours: numbers, functions and cell references, never a value of the data."""

    text: str


@dataclass(frozen=True, slots=True)
class Styled:
    """A value with a look of its own: a fill (`rrggbb`), a number format, bold, or large."""

    value: Value | Formula
    fill: str | None = None
    number_format: str | None = None
    is_bold: bool = False
    size: int = 10


Cell = Value | Formula | Styled


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, its width in characters, the format of its numbers."""

    heading: str
    width: float = 14.0
    number_format: str | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """All that decides a cell's style."""

    is_bold: bool = False
    size: int = 10
    fill: str | None = None
    number_format: str | None = None
    is_heading: bool = False
    is_framed: bool = True
    is_number: bool = False
    is_quoted: bool = False


_HEADING_FILL = "DCE3E8"
_LINE = Side(style="thin", color="B8C0C6")


@dataclass
class Book:
    """A workbook in the making; `content` gives its bytes once all sheets are in.

    `header` and `mark` stand on every printed page, `page` is the footer with `&P` and `&N`.
    """

    title: str
    language: Language
    made_on: date
    header: str = ""
    mark: str = ""
    page: str = "&P / &N"
    _book: Workbook = field(default_factory=lambda: Workbook(write_only=True))
    _styles: dict[_Look, Any] = field(default_factory=dict)
    _rows: list[tuple[_Sheet, int, int, SheetRows]] = field(default_factory=list)
    """Sheets with tables: the row of the heading, the number of columns, and the rows."""
    _texts: dict[tuple[type, Styled, str | None], str] = field(default_factory=dict)
    """XML of cells, since most values stand in many rows."""

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        *,
        notes: Sequence[str] = (),
        above: Sequence[Sequence[Cell]] = (),
    ) -> None:
        """Add a sheet with a table that is framed, frozen, filtered and paged.

        Above its heading stand notes, and below them rows of cells in the table's columns
        that filters and sorting leave alone.
        """
        table = self.begin_table(name, columns, notes=notes, above=above)
        for row in rows:
            table.add(table.row(row))

    def begin_table(
        self,
        name: str,
        columns: Sequence[Column],
        *,
        notes: Sequence[str] = (),
        above: Sequence[Sequence[Cell]] = (),
    ) -> Table:
        """Add a sheet with a table as `table` does, to which rows are added one by one."""
        return Table(self, name, columns, [*([Styled(note)] for note in notes), *above])

    def table_sheet(
        self,
        name: str,
        columns: Sequence[Column],
        above: Sequence[Sequence[Cell]],
        after: _Sheet | None,
    ) -> tuple[_Sheet, SheetRows]:
        """Add a sheet with the heading of a table, and return it with room for its rows."""
        heading = len(above) + 1
        sheet = self._sheet(name, [column.width for column in columns], after)
        sheet.freeze_panes = f"B{heading + 1}"
        sheet.print_title_rows = f"{heading}:{heading}"
        for row in above:
            sheet.append([self._styled(sheet, cell, None, is_framed=len(row) > 1) for cell in row])
        look = _Look(is_bold=True, is_heading=True)
        sheet.append([self._cell(sheet, column.heading, look) for column in columns])
        rows = SheetRows(heading + 1)
        self._rows.append((sheet, heading, len(columns), rows))
        return sheet, rows

    def free_sheet(
        self, name: str, widths: Sequence[float], rows: Iterable[Sequence[Cell]]
    ) -> None:
        """Add a free sheet; a row of a label and one text lets the text take all other columns."""
        sheet = self._sheet(name, widths)
        last = get_column_letter(len(widths))
        for position, row in enumerate(rows, start=1):
            if len(row) <= 2 and len(widths) > 2:  # noqa: PLR2004 - a label and a text
                first = "B" if len(row) == 2 else "A"  # noqa: PLR2004 - the same
                sheet.merged_cells.add(f"{first}{position}:{last}{position}")
                room = sum(widths[len(row) - 1 :])
                lines = max((_lines(cell, room) for cell in row[-1:]), default=1)
                sheet.row_dimensions[position].height = lines * _LINE_POINTS * _scale(row)
            sheet.append([self._styled(sheet, cell, None, is_framed=len(row) > 1) for cell in row])

    def content(self) -> bytes:
        """Return the workbook as the bytes of an XLSX file; nothing can be added after."""
        about = self._book.properties
        about.title = one_line(self.title, most=255)
        about.creator = "geo-service"
        moment = datetime(self.made_on.year, self.made_on.month, self.made_on.day)  # noqa: DTZ001 - a day
        about.created = about.modified = moment
        for sheet, heading, width, rows in self._rows:
            last = get_column_letter(width)
            sheet.auto_filter.ref = f"A{heading}:{last}{heading + max(rows.count, 1)}"
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            # Not `save`, which would put the time of day into the file.
            ExcelWriter(self._book, archive).save()
        rows_of = {sheet.path.removeprefix("/"): rows for sheet, _, _, rows in self._rows}
        return pack_again(stream.getvalue(), rows_of)

    def _sheet(self, name: str, widths: Sequence[float], after: _Sheet | None = None) -> _Sheet:
        place = None if after is None else self._book.worksheets.index(after) + 1
        sheet = self._book.create_sheet(sheet_title(name), place)
        for position, width in enumerate(widths, start=1):
            sheet.column_dimensions[get_column_letter(position)].width = width
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = _A4
        sheet.page_setup.fitToWidth = 1
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_margins.left = sheet.page_margins.right = 0.4
        sheet.oddHeader.left.text = header_text(self.header)
        sheet.oddHeader.right.text = header_text(self.mark)
        sheet.oddFooter.center.text = self.page
        return sheet

    def _styled(
        self,
        sheet: _Sheet,
        cell: Cell,
        number_format: str | None,
        *,
        is_framed: bool = True,
    ) -> _Stored | None:
        given = cell if isinstance(cell, Styled) else Styled(cell)
        if given.value is None and given.fill is None and not is_framed:
            return None
        look = _Look(
            is_bold=given.is_bold,
            size=given.size,
            fill=given.fill,
            number_format=given.number_format or number_format,
            is_framed=is_framed,
        )
        return self._cell(sheet, given.value, look)

    def cell_text(self, sheet: _Sheet, cell: Cell, number_format: str | None) -> str:
        """Return the XML of a table's cell from behind its address, as openpyxl writes it."""
        given = cell if isinstance(cell, Styled) else Styled(cell)
        key = (type(given.value), given, number_format)
        text = self._texts.get(key)
        if text is None:
            made: _Stored = self._styled(sheet, given, number_format)
            text = _xml(made.value, made.data_type, made.style_id, self._book.epoch)
            if len(self._texts) >= _KEPT_TEXTS:
                self._texts.clear()
            self._texts[key] = text
        return text

    def _cell(self, sheet: _Sheet, value: Value | Formula, look: _Look) -> _Stored:
        cell: _Stored = WriteOnlyCell(sheet)
        is_text = isinstance(value, str)
        is_date = isinstance(value, date)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        look = _Look(
            is_bold=look.is_bold,
            size=look.size,
            fill=look.fill,
            number_format="yyyy-mm-dd" if is_date else None if is_text else look.number_format,
            is_heading=look.is_heading,
            is_framed=look.is_framed,
            is_number=is_number or isinstance(value, Formula),
            is_quoted=isinstance(value, str) and value.startswith(_MAY_BE_A_FORMULA),
        )
        if isinstance(value, Formula):
            cell.value = value.text
        elif isinstance(value, str):
            cell.value = _LOOKS_ESCAPED.sub("_x005F_", clean(value, most=MOST_CHARACTERS))
            cell.data_type = "s"  # whatever it begins with
        elif not isinstance(value, float) or math.isfinite(value):
            cell.value = value
        cell._style = self._style(sheet, look)  # noqa: SLF001 - setting five styles takes ten times as long
        return cell

    def _style(self, sheet: _Sheet, look: _Look) -> Any:  # noqa: ANN401 - openpyxl's own
        """Return the style of a look, made once for each."""
        if look not in self._styles:
            cell: _Stored = WriteOnlyCell(sheet)
            cell.font = Font(name=FONTS[self.language], size=look.size, bold=look.is_bold)
            cell.alignment = Alignment(
                wrap_text=look.is_framed or look.is_heading,
                vertical="center" if look.is_heading else "top",
                horizontal="center" if look.is_heading else "right" if look.is_number else "left",
            )
            fill = _HEADING_FILL if look.is_heading else look.fill
            if fill:
                cell.fill = PatternFill("solid", start_color=fill)
            if look.is_framed:
                cell.border = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
            if look.number_format:
                cell.number_format = look.number_format
            if look.is_quoted:
                cell.quotePrefix = True  # stays text when somebody edits it
            self._styles[look] = cell._style  # noqa: SLF001 - see `_cell`
        return self._styles[look]


class Table:
    """A table in the making; one of more rows than a sheet has goes on in another sheet."""

    def __init__(
        self, book: Book, name: str, columns: Sequence[Column], above: Sequence[Sequence[Cell]]
    ) -> None:
        """Add the table's first sheet to a book."""
        self._book, self._name, self._columns, self._above = book, name, columns, above
        self._part = 1
        self._sheet, self._rows = book.table_sheet(name, columns, above, None)

    def row(self, cells: Sequence[Cell]) -> SheetRow:
        """Return a row of this table, or of another of the book with the same columns."""
        book, sheet = self._book, self._sheet
        return sheet_row(
            [
                book.cell_text(sheet, cell, column.number_format)
                for cell, column in zip(cells, self._columns, strict=True)
            ]
        )

    def add(self, row: SheetRow) -> None:
        """Add a row."""
        if self._rows.count >= MOST_ROWS:
            self._part += 1
            self._sheet, self._rows = self._book.table_sheet(
                f"{self._name} {self._part}", self._columns, self._above, self._sheet
            )
        self._rows.add(row)


def _xml(value: object, data_type: str, style_id: int, epoch: datetime) -> str:
    """Return the XML of a stored cell from behind its address."""
    if data_type == "f":
        return f'" s="{style_id}"><f>{escape(str(value)[1:])}</f><v></v></c>'
    if data_type == "s":
        kind, text = "inlineStr", str(value)
        space = ' xml:space="preserve"' if text != text.strip() else ""
        inner = f"<is><t{space}>{escape(text)}</t></is>" if text else ""
    elif isinstance(value, date):
        day: float = to_excel(value, epoch)  # type: ignore[no-untyped-call]
        kind, inner = "n", f"<v>{safe_string(day)}</v>"
    else:
        kind, inner = data_type, "" if value is None else f"<v>{safe_string(value)}</v>"
    return f'" s="{style_id}" t="{kind}">{inner}</c>'


def sheet_title(name: str) -> str:
    """Return a name that a sheet may have.

    >>> sheet_title("a/b: [c]")
    'a-b- -c-'
    """
    return one_line(_NOT_IN_TITLES.sub("-", name), most=_TITLE_CHARACTERS) or "-"


def header_text(text: str) -> str:
    """Return a text for a printed header, in which `&` would begin a code.

    >>> header_text("A&B")
    'A&&B'
    """
    return one_line(text, most=100).replace("&", "&&")


def _cells_wide(text: str) -> int:
    """How many half-width cells a text takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _lines(cell: Cell, room: float) -> int:
    value = cell.value if isinstance(cell, Styled) else cell
    if not isinstance(value, str):
        return 1
    return sum(max(1, math.ceil(_cells_wide(line) / room)) for line in value.split("\n"))


def _scale(row: Sequence[Cell]) -> float:
    return max((cell.size / 10 for cell in row if isinstance(cell, Styled)), default=1.0)


def keyed(rows: Mapping[str, Cell]) -> Iterator[Sequence[Cell]]:
    """Yield a row of label and value for each pair."""
    for label, value in rows.items():
        yield (Styled(label, is_bold=True), value)
