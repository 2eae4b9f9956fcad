"""Rows of a workbook's sheet as its XML, packed into a temporary file while they are made.

A table of hundred thousands of rows is never in memory, and a row that stands in several sheets is
worded once. What a cell says and looks like is decided in `workbook`.
"""

from __future__ import annotations

import tempfile
import weakref
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

from openpyxl.utils import get_column_letter

SheetRow = Sequence[str]
"""The XML of a row around its number, which stands in each cell's address."""
_HELD = 1 << 20
"""Characters of XML that are packed at once."""
_QUICK = 1
_READ = 1 << 18


def sheet_row(cells: Sequence[str]) -> SheetRow:
    """Return a row of cells, each given as its XML from behind its address."""
    parts = ['<row r="', f'"><c r="{get_column_letter(1)}']
    parts += [
        f'{cell}<c r="{get_column_letter(column)}' for column, cell in enumerate(cells[:-1], 2)
    ]
    parts.append(f"{cells[-1]}</row>")
    return parts


class SheetRows:
    """The rows of one sheet, in order, from a number on."""

    def __init__(self, first: int) -> None:
        """Begin with the number of the first row."""
        self._number = first
        self._held: list[str] = []
        self._size = 0
        self._packer = zlib.compressobj(_QUICK)
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - until the book is packed
        weakref.finalize(self, self._file.close)
        self.count = 0
        """How many rows there are."""
        self.bytes = 0
        """How long their XML is."""

    def add(self, row: SheetRow) -> None:
        """Add a row."""
        text = str(self._number).join(row)
        self._number += 1
        self.count += 1
        self._held.append(text)
        self._size += len(text)
        if self._size >= _HELD:
            self._pack()

    def _pack(self) -> None:
        text = "".join(self._held).encode()
        self.bytes += len(text)
        self._file.write(self._packer.compress(text))
        self._held, self._size = [], 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the XML of all rows; none can be added afterwards."""
        self._pack()
        self._file.write(self._packer.flush())
        self._file.seek(0)
        unpacker = zlib.decompressobj()
        while piece := self._file.read(_READ):
            yield unpacker.decompress(piece)
        yield unpacker.flush()
