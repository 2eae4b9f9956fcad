"""Read CSV as texts, row by row; its encoding and delimiter are found out."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from geo_service.ingest.formats.encodings import encodings_to_try, without_mark
from geo_service.ingest.formats.headings import find_heading
from geo_service.ingest.formats.letters import wide_encoding
from geo_service.ingest.formats.rows import row_batches
from geo_service.ingest.limits import Budget
from geo_service.ingest.sources import Batch, ImportSource
from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions

_SAMPLE_BYTES = 1 << 22
_DELIMITERS = (",", "\t", ";", "|")
_WIDE_DELIMITERS = ("，", "；")
"""Parts of texts too: they part cells only where no other mark does."""


def open_csv(path: Path, layer: str, options: ImportOptions, budget: Budget) -> ImportSource:
    """Return a CSV as a source; its encoding and delimiter are detected unless given.

    Raises
    ------
    SourceError
        No heading can be found.
    """
    encoding, note = _csv_encoding(path, options, budget)
    delimiter = _delimiter(path, encoding)
    heading = find_heading(_csv_rows(path, encoding, delimiter, budget), layer, budget)
    budget.check_columns(len(heading.names))

    def read() -> Iterator[Batch]:
        return row_batches(_csv_rows(path, encoding, delimiter, budget), heading, budget)

    return ImportSource(
        format="csv",
        shown=budget.shown,
        columns=heading.names,
        has_geometry=False,
        heading_parts=heading.parts,
        encoding=encoding,
        is_parted_by_semicolons=delimiter in {";", "；"},
        notes=(note,),
        read=read,
    )


def _csv_encoding(path: Path, options: ImportOptions, budget: Budget) -> tuple[str, Message]:
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
        is_open = wide_encoding(sample) is None
        while is_open and sample.removeprefix(codecs.BOM_UTF8).isascii():
            # Text that is not ASCII may come later in the file: the first of it decides.
            budget.check_time()
            piece = stream.read(_SAMPLE_BYTES)
            if not piece:
                break
            sample = piece
    return encodings_to_try(sample, options.encoding, budget)[0]


def _csv_text(path: Path, encoding: str, *, errors: str = "strict") -> TextIO:
    """Open a CSV after UTF-8's mark, which some programs put before texts in other encodings."""
    stream = path.open("rb")
    if without_mark(stream.read(len(codecs.BOM_UTF8)), encoding):
        stream.seek(0)
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


def _delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter that splits each of the first lines into the same, largest number."""
    with _csv_text(path, encoding, errors="replace") as stream:
        lines = [line for _, line in zip(range(30), iter(lambda: stream.readline(100_000), ""))]  # noqa: B905 - as many as there are

    def score(mark: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        common = max(set(widths), key=widths.count) if widths else 0
        return (common > 1) * widths.count(common), common

    best = max(_DELIMITERS, key=score)
    return best if score(best)[0] else max((best, *_WIDE_DELIMITERS), key=score)


def _csv_rows(path: Path, encoding: str, delimiter: str, budget: Budget) -> Iterator[list[str]]:
    """Yield the rows of a CSV; raises SourceError, naming the row, if one cannot be read."""
    number = 0
    before = csv.field_size_limit(max(budget.limits.cell_characters, 10_000_000))
    try:
        with _csv_text(path, encoding) as stream:
            for number, row in enumerate(csv.reader(stream, delimiter=delimiter), start=1):  # noqa: B007 - told in the error
                yield row
    except UnicodeDecodeError:
        expected = said("refusal.text_in", encoding=encoding)
        line = _bad_line(path, encoding) or number + 1
        raise budget.refuse(
            said("refusal.not_encoding_at", encoding=encoding, row=line), expected
        ) from None
    except csv.Error as error:
        raise budget.refuse(
            said("refusal.no_csv", row=number + 1, reason=str(error)), said("refusal.csv")
        ) from None
    finally:
        csv.field_size_limit(before)


def _bad_line(path: Path, encoding: str) -> int | None:
    """Return the number of the first line whose bytes are not in an encoding."""
    if encoding.startswith("UTF-16"):
        return None
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                without_mark(line, encoding).decode(encoding)
            except UnicodeDecodeError:
                return number
    return None
