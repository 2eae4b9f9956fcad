"""Record every repair and refusal: counts, the first ones in memory, all on disk.

Rows are identified by number and id. The full lists go to unnamed temporary files and from
there to CSV files for spreadsheets: UTF-8 with a byte order mark, without cells that a
spreadsheet would treat as formulas.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from geo_service.language import Translator
from geo_service.model import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

LISTED = 1_000
"""How many repairs and refusals the report itself lists; the files contain all."""
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?")
_CELL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One change: its feature, what was changed, and the value before and after."""

    row: int
    feature: str
    what: str
    column: str
    before: str
    after: str
    needs_look: bool = False
    """Whether the repair changed the area, or the area contradicts the one that the file states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One feature that was not imported, and why."""

    row: int
    feature: str
    column: str
    reason: Message


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet treats as a formula.

    >>> safe_cell("=1+1"), safe_cell("-12.5"), safe_cell("云阳")
    ("'=1+1", '-12.5', '云阳')
    """
    text = str(value)[:_CELL]
    if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


class Ledger:
    """Records repairs and refusals; rows are given by their number in the source."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._repairs_file = _table(_headings(translator, _REPAIR_COLUMNS))
        self._refused_file = _table(_headings(translator, _REFUSED_COLUMNS))
        self.close = weakref.finalize(self, _close, self._repairs_file, self._refused_file)
        """Closes the temporary files; called at the latest when the ledger is garbage-collected."""
        self._titles: dict[str, str] = {}
        self.repairs: list[Repair] = []
        self.refused: list[Refusal] = []
        self.refused_shapes: list[tuple[Refusal, BaseGeometry]] = []
        self.repair_counts: Counter[str] = Counter()
        self.reason_counts: Counter[str] = Counter()
        self._refused_rows: set[int] = set()
        self._looked_at: set[int] = set()

    @property
    def refused_count(self) -> int:
        """The number of refused features, each counted once."""
        return len(self._refused_rows)

    @property
    def needs_look_count(self) -> int:
        """The number of features that somebody should look at, each counted once."""
        return len(self._looked_at)

    def repair(  # noqa: PLR0913 - one change, and to what
        self,
        what: str,
        rows: NDArray[np.int64],
        ids: Sequence[Any],
        before: Iterable[Any],
        after: Iterable[Any],
        *,
        column: str = "geometry",
        needs_look: Sequence[bool] | None = None,
    ) -> None:
        """Record one kind of repair to several rows."""
        if not len(rows):
            return
        looks = [False] * len(rows) if needs_look is None else needs_look
        look = self.words("import.needs_look")
        self.repair_counts[what] += len(rows)
        title = self.words(f"import.repair_{what}")
        writer = csv.writer(self._repairs_file)
        found = zip(rows.tolist(), ids, before, after, looks, strict=True)
        for row, feature, old, new, is_open in found:
            name, was, now = _shown(feature), self._text(old), self._text(new)
            mark = look if is_open else ""
            writer.writerow(map(safe_cell, (row, name, title, column, was, now, mark)))
            if is_open:
                self._looked_at.add(row)
            if len(self.repairs) < LISTED:
                self.repairs.append(
                    Repair(
                        row=row,
                        feature=name,
                        what=what,
                        column=column,
                        before=was,
                        after=now,
                        needs_look=bool(is_open),
                    )
                )

    def _text(self, value: object) -> str:
        return _shown(self._translator.render(value) if isinstance(value, Message) else value)

    def refuse(
        self,
        row: int,
        feature: object,
        reason: Message,
        *,
        column: str = "geometry",
        shape: BaseGeometry | None = None,
    ) -> None:
        """Record one refused feature and its reason."""
        self._refused_rows.add(row)
        self.reason_counts[reason.key.removeprefix("import.")] += 1
        item = Refusal(row=row, feature=_shown(feature), column=column, reason=reason)
        cells = (row, item.feature, column, self._translator.render(reason))
        csv.writer(self._refused_file).writerow(map(safe_cell, cells))
        if len(self.refused) < LISTED:
            self.refused.append(item)
            if shape is not None:
                self.refused_shapes.append((item, shape))

    def write_repairs(self, path: Path) -> None:
        """Write every repair to a CSV file."""
        _copy(self._repairs_file, path)

    def write_refused(self, path: Path) -> None:
        """Write every refused feature with its reason to a CSV file."""
        _copy(self._refused_file, path)

    def words(self, key: str) -> str:
        """Return a text of the catalogue in the ledger's language."""
        if key not in self._titles:
            self._titles[key] = self._translator.text(key)
        return self._titles[key]


_REPAIR_COLUMNS = ("row", "feature", "what", "column", "before", "after", "needs_look")
_REFUSED_COLUMNS = ("row", "feature", "column", "reason")


def _headings(translator: Translator, names: Iterable[str]) -> list[str]:
    return [translator.text(f"import.column_{name}") for name in names]


def _table(headings: Sequence[str]) -> IO[str]:
    # Exists as long as the ledger; it has no name, so nothing is left behind.
    raw = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
    stream = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
    csv.writer(stream).writerow(headings)
    return stream


def _close(*streams: IO[str]) -> None:
    for stream in streams:
        stream.close()


def _copy(stream: IO[str], path: Path) -> None:
    stream.flush()
    raw = stream.buffer  # type: ignore[attr-defined]
    raw.seek(0)
    with path.open("wb") as target:
        shutil.copyfileobj(raw, target)
    raw.seek(0, io.SEEK_END)


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    text = str(value)
    return "" if text in {"nan", "<NA>", "None", "NaT"} else text[:_CELL]
