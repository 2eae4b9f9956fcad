"""The rows of a kept review, read when somebody looks at them, and their parts, cut when asked for.

Leaves out the file (`kept`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import shapely

from geo_service.model import Message, Severity, Subject, Verdict
from geo_service.zoning.batch import LazyRows, RawFinding, Shapes, bounds_of
from geo_service.zoning.kept_values import TAG, restored
from geo_service.zoning.measured import CutLater

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan

ROW, SHAPE, SUBJECT, LAYER, ID = "row", "shape", "subject", "layer", "id"
"""The columns of a file."""
CELLS = ("values", "evidence")
"""What of a batch may differ from row to row."""


class KeptRows(LazyRows):
    """The rows of one part; each is read when somebody looks at it."""

    def __init__(self, table: pa.Table, common: dict[str, Any] | None, shapes: Shapes) -> None:
        self._table = table
        self._rows = table[ROW]
        self._common = common
        self.shapes: Shapes | None = shapes

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self._rows)

    def at(self, row: int) -> RawFinding:
        """Return one row, without its geometry."""
        content = self._rows[row].as_buffer()
        found = orjson.loads(memoryview(content))
        if TAG in bytes(content):
            found = restored(found)
        return _single(found) if self._common is None else _of_batch(found, self._common)

    def title_of(self, row: int) -> Message:
        """Return a row's title alone."""
        return self.at(row).title

    def subjects_of(
        self, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return the layers and the ids of the subjects of rows."""
        chosen = self._table.select([LAYER, ID]).take(pa.array(rows))
        layers, ids = (np.empty(len(rows), dtype=object) for _ in range(2))
        layers[:], ids[:] = chosen[LAYER].to_pylist(), chosen[ID].to_pylist()
        return layers, ids


def _single(found: dict[str, Any]) -> RawFinding:
    return RawFinding(
        verdict=Verdict(found["verdict"]),
        park_id=found["park_id"],
        subject=Subject(found["layer"], found["id"]),
        title=found["title"],
        evidence=found["evidence"],
        cure=found["cure"],
        key=found["key"],
        severity=_severity(found["severity"]),
    )


def _of_batch(found: list[Any], common: dict[str, Any]) -> RawFinding:
    subject_id, park_id, *cells = found
    values, evidence = (
        {
            name: cells[cell] if isinstance(cell, int) else cell["="]
            for name, cell in common[part].items()
        }
        for part in CELLS
    )
    return RawFinding(
        verdict=Verdict(common["verdict"]),
        park_id=park_id,
        subject=Subject(common["layer"], subject_id),
        title=Message(common["title"], values),
        evidence=evidence,
        cure=None if common["cure"] is None else Message(common["cure"], values),
        key=common["key"],
        severity=_severity(common["severity"]),
    )


def _severity(name: str | None) -> Severity | None:
    return None if name is None else Severity(name)


@dataclass(frozen=True)
class PartsInFile:
    """Parts that stand in the file."""

    shapes: pa.ChunkedArray

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows."""
        found: NDArray[np.object_] = shapely.from_wkb(
            np.array(self.shapes.take(pa.array(rows)).to_pylist(), dtype=object)
        )
        return found

    def exist(self) -> NDArray[np.bool_]:
        """Return which rows have a part."""
        return np.asarray(self.shapes.is_valid().to_numpy(), dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        """Return the parts' boxes."""
        return bounds_of(self.of(np.arange(len(self.shapes))))


@dataclass(frozen=True)
class CutOfPlan:
    """Parts of features of the plan that zones cover, cut when they are asked for."""

    plan: Plan
    head: Mapping[str, Any]
    subject: NDArray[np.int32]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the parts of these rows."""
        return self._cut.of(rows)

    @cached_property
    def _cut(self) -> CutLater:
        return CutLater(
            self.plan.metric(self.head["subjects"]).iloc[self.subject],
            self.plan.metric(self.head["zones"]).iloc[self.head["positions"]],
        )

    def exist(self) -> NDArray[np.bool_]:
        """Return that every row has a part."""
        return np.ones(len(self.subject), dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        """Return the boxes of the features of which the parts are cut."""
        return bounds_of(self.plan.metric(self.head["subjects"]).geometry.to_numpy()[self.subject])
