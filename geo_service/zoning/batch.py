"""Raw findings as columns: what a check says of many subjects at once.

A check that judges single features, of which a county has a hundred thousand, answers batches: one
value per row where the rows differ, one value where they don't. Rows become findings one by one,
when somebody looks at them; their geometry is cut when somebody asks for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import shapely

from geo_service.model import Message, Severity, Subject, Verdict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry


class Shapes(Protocol):
    """The offending parts of a batch's rows, in the metric CRS."""

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows, None where a row has none."""
        ...

    def exist(self) -> NDArray[np.bool_]:
        """Return which rows have a part, without making any."""
        ...

    def bounds(self) -> NDArray[np.float64]:
        """Return boxes that hold the parts, NaN where a row has none, without making any."""
        ...


def bounds_of(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the box of each shape (west, south, east, north), NaN for none."""
    found: NDArray[np.float64] = shapely.bounds(shapes).reshape(-1, 4)
    return found


@dataclass(frozen=True)
class GivenShapes:
    """Parts that are there already."""

    shapes: NDArray[np.object_]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows."""
        return self.shapes[rows]

    def exist(self) -> NDArray[np.bool_]:
        """Return which rows have a part."""
        return np.array([shape is not None for shape in self.shapes], dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        """Return the parts' boxes."""
        return bounds_of(self.shapes)


@dataclass(frozen=True)
class SomeShapes:
    """Some of the rows of shapes."""

    shapes: Shapes
    rows: NDArray[np.intp]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows."""
        return self.shapes.of(self.rows[rows])

    def exist(self) -> NDArray[np.bool_]:
        """Return which rows have a part."""
        return self.shapes.exist()[self.rows]

    def bounds(self) -> NDArray[np.float64]:
        """Return boxes that hold the parts of these rows."""
        return self.shapes.bounds()[self.rows]


class PerRow:
    """One value per row; `shown` makes of it what a message or the evidence holds."""

    __slots__ = ("_rows", "_shown", "_values")

    def __init__(
        self,
        values: Sequence[Any] | NDArray[Any],
        shown: Callable[[Any], Any] | None = None,
        *,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Take the values of all rows; those of an array become Python's own numbers.

        `rows` are the positions of the values that count, if not all do.
        """
        self._values: Sequence[Any] = values.tolist() if isinstance(values, np.ndarray) else values
        self._shown = shown
        self._rows = rows

    def __getitem__(self, row: int) -> Any:  # noqa: ANN401 - as the column holds it
        """Return a row's value."""
        value = self._values[row if self._rows is None else self._rows[row]]
        return value if self._shown is None else self._shown(value)

    def cells(self) -> Sequence[Any]:
        """Return the values of all rows."""
        values = self._values
        if self._rows is not None:
            values = [values[row] for row in self._rows.tolist()]
        return values if self._shown is None else list(map(self._shown, values))

    @property
    def numbers(self) -> Sequence[float] | None:
        """The values from which `place` chooses, if they are plain numbers; else None."""
        is_plain = self._shown is None and isinstance(self._values, list)
        return self._values if is_plain and set(map(type, self._values)) == {float} else None

    def place(self, row: int) -> int:
        """Return where among `numbers` a row's value is."""
        return row if self._rows is None else int(self._rows[row])

    def of(self, rows: NDArray[np.intp]) -> PerRow:
        """Return the values of some rows."""
        kept = rows if self._rows is None else self._rows[rows]
        return PerRow(self._values, self._shown, rows=kept)


class LazyRows(ABC):
    """Findings of which each is made when somebody looks at it, and its geometry when asked for."""

    shapes: Shapes | None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of findings."""

    @abstractmethod
    def at(self, row: int) -> RawFinding:
        """Return one row, without its geometry."""

    @abstractmethod
    def title_of(self, row: int) -> Message:
        """Return a row's title alone."""

    @abstractmethod
    def subjects_of(
        self, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return the layers and the ids of the subjects of rows."""


@dataclass(frozen=True, kw_only=True)
class RawFinding:
    """A finding before the review has put its rule on it.

    `key` tells apart several findings of one rule on one subject (another park, a zone).
    """

    verdict: Verdict
    park_id: str | None
    subject: Subject
    title: Message
    evidence: Mapping[str, Any]
    cure: Message | None = None
    geometry: BaseGeometry | None = None
    key: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, kw_only=True)
class RawBatch(LazyRows):
    """Findings alike but for their subjects and figures.

    `evidence` and `values` hold a `PerRow` where rows differ; `values` fill both the title and
    the cure, which are keys of the catalogue.
    """

    verdict: Verdict
    layer: str
    subject_ids: Sequence[str] | NDArray[np.object_]
    park_ids: Sequence[str | None] | NDArray[np.object_]
    """None, or another value that is no text, for a subject without a park."""
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cure: str | None = None
    shapes: Shapes | None = None
    key: str = ""
    severity: Severity | None = None
    origin: tuple[RawBatch, NDArray[np.intp]] | None = None
    """The batch of which these are some rows, and which."""

    @classmethod
    def alike(
        cls, finding: RawFinding, layer: str, subject_ids: pd.Series[str], park_ids: pd.Series[str]
    ) -> RawBatch:
        """Return a finding said of many subjects of a layer; title and cure share their values."""
        return cls(
            verdict=finding.verdict,
            layer=layer,
            subject_ids=subject_ids.to_numpy(object),
            park_ids=park_ids.to_numpy(object),
            title=finding.title.key,
            values=finding.title.values,
            evidence=finding.evidence,
            cure=None if finding.cure is None else finding.cure.key,
            key=finding.key,
            severity=finding.severity,
        )

    @property
    def is_alike(self) -> bool:
        """Whether all rows say the same, of other subjects."""
        cells = (*self.values.values(), *self.evidence.values())
        return not any(isinstance(cell, PerRow) for cell in cells)

    @cached_property
    def kept_ids(self) -> dict[str, NDArray[np.uint64]]:
        """The findings' ids as numbers, by rule, once they have been made."""
        return {}

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.subject_ids)

    def park_of(self, row: int) -> str | None:
        """Return the park of a row's subject."""
        park_id = self.park_ids[row]
        return park_id if isinstance(park_id, str) else None

    def subjects_of(
        self, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return the layers and the ids of the subjects of rows."""
        ids = np.empty(len(rows), dtype=object)
        given: Any = self.subject_ids
        ids[:] = [given[row] for row in rows.tolist()]
        return np.full(len(rows), self.layer, dtype=object), ids

    def title_of(self, row: int) -> Message:
        """Return a row's title alone."""
        return Message(self.title, _row(self.values, row))

    def evidence_of(self, row: int, names: Sequence[str]) -> tuple[Any, ...]:
        """Return parts of a row's evidence, None for one that it does not have."""
        cells = (self.evidence.get(name) for name in names)
        return tuple(cell[row] if isinstance(cell, PerRow) else cell for cell in cells)

    def of(self, rows: NDArray[np.intp]) -> RawBatch:
        """Return some of the rows."""
        base, taken = self, rows
        if self.origin is not None:
            base, taken = self.origin[0], self.origin[1][rows]
        return replace(
            self,
            subject_ids=np.asarray(self.subject_ids, dtype=object)[rows],
            park_ids=np.asarray(self.park_ids, dtype=object)[rows],
            values=_rows(self.values, rows),
            evidence=_rows(self.evidence, rows),
            shapes=None if base.shapes is None else SomeShapes(base.shapes, taken),
            origin=(base, taken),
        )

    def said_at(self, row: int) -> tuple[Message, dict[str, Any]]:
        """Return the title and the evidence of a row."""
        return self.title_of(row), _row(self.evidence, row)

    def at(self, row: int) -> RawFinding:
        """Return one row, without its geometry."""
        values = _row(self.values, row)
        return RawFinding(
            verdict=self.verdict,
            park_id=self.park_of(row),
            subject=Subject(self.layer, self.subject_ids[row]),
            title=Message(self.title, values),
            evidence=_row(self.evidence, row),
            cure=None if self.cure is None else Message(self.cure, values),
            key=self.key,
            severity=self.severity,
        )


def _row(cells: Mapping[str, Any], row: int) -> dict[str, Any]:
    return {name: cell[row] if isinstance(cell, PerRow) else cell for name, cell in cells.items()}


def _rows(cells: Mapping[str, Any], rows: NDArray[np.intp]) -> dict[str, Any]:
    return {
        name: cell.of(rows) if isinstance(cell, PerRow) else cell for name, cell in cells.items()
    }


def park_ids_of(batch: RawBatch | Iterable[RawFinding]) -> list[str | None]:
    """Return the parks of the subjects of raw findings, in their order."""
    if isinstance(batch, RawBatch):
        return [batch.park_of(row) for row in range(len(batch))]
    return [finding.park_id for finding in batch]
