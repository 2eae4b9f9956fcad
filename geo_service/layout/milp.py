"""A mixed-integer linear program as arrays, and whether a solution meets it.

Minimises `cost @ x` with `row_lower <= A x <= row_upper` and `lower <= x <= upper`; what the
columns mean is told elsewhere. Nothing is solved here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-6
"""How far a row, in parts of its largest number, may be missed: what a solver's floats allow."""
_FLOATS = np.dtype("<f8")


@dataclass(frozen=True, kw_only=True)
class LinearProgram:
    """Columns, rows and what is minimised."""

    cost: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    is_integer: NDArray[np.bool_]
    matrix: csr_array
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.row_lower)

    def with_rows(
        self,
        rows: Sequence[Mapping[int, float]],
        lower: Sequence[float],
        upper: Sequence[float],
    ) -> LinearProgram:
        """Return the program with more rows, each given by its coefficients by column."""
        if not rows:
            return self
        return replace(
            self,
            matrix=csr_array(vstack([self.matrix, matrix_of(rows, self.columns)])),
            row_lower=np.concatenate([self.row_lower, np.asarray(lower, dtype=float)]),
            row_upper=np.concatenate([self.row_upper, np.asarray(upper, dtype=float)]),
        )

    def part(self, free: NDArray[np.bool_], at: NDArray[np.float64]) -> LinearProgram:
        """Return the program of some columns, all others as they are in a solution.

        Rows without any of these columns are left out: the solution meets them.
        """
        others = self.matrix @ np.where(free, 0.0, at)
        matrix = csr_array(self.matrix[:, np.flatnonzero(free)])
        held = np.flatnonzero(np.diff(matrix.indptr))
        return LinearProgram(
            cost=self.cost[free],
            lower=self.lower[free],
            upper=self.upper[free],
            is_integer=self.is_integer[free],
            matrix=csr_array(matrix[held]),
            row_lower=(self.row_lower - others)[held],
            row_upper=(self.row_upper - others)[held],
        )

    def value(self, solution: NDArray[np.float64]) -> float:
        """Return what is minimised, of a solution."""
        return float(self.cost @ solution)

    def least_by(self, multipliers: NDArray[np.float64]) -> float:
        """Return a value that no solution is below: a row may be paid for by its multiplier.

        Holds for any multipliers (weak duality); the best ones are the duals of the relaxation.
        Columns are bounded.
        """
        low = np.where(np.isfinite(self.row_lower), self.row_lower, 0.0)
        high = np.where(np.isfinite(self.row_upper), self.row_upper, 0.0)
        up = np.where(np.isfinite(self.row_lower), np.maximum(multipliers, 0.0), 0.0)
        down = np.where(np.isfinite(self.row_upper), np.minimum(multipliers, 0.0), 0.0)
        reduced = self.cost - self.matrix.T @ (up + down)
        free = np.minimum(reduced * self.lower, reduced * self.upper)
        return float(up @ low + down @ high + free.sum())

    def is_met(self, solution: NDArray[np.float64]) -> bool:
        """Return whether a solution meets every row, bound and whole number."""
        if not self.rows and not self.columns:
            return True
        whole = solution[self.is_integer]
        if np.any(np.abs(whole - np.round(whole)) > ROUNDING):
            return False
        if np.any(solution < self.lower - ROUNDING) or np.any(solution > self.upper + ROUNDING):
            return False
        activity = self.matrix @ solution
        size = np.maximum(1.0, abs(self.matrix).max(axis=1).toarray().ravel())
        is_low = activity < self.row_lower - ROUNDING * size
        is_high = activity > self.row_upper + ROUNDING * size
        return not bool(np.any(is_low | is_high))

    def to_bytes(self) -> bytes:
        """Return the program for another process."""
        arrays = {
            **{
                item.name: getattr(self, item.name).astype(_FLOATS)
                for item in fields(self)
                if item.name != "matrix"
            },
            "starts": self.matrix.indptr.astype(_FLOATS),
            "index": self.matrix.indices.astype(_FLOATS),
            "value_of": self.matrix.data.astype(_FLOATS),
        }
        return pack({}, arrays)

    @classmethod
    def from_bytes(cls, content: bytes) -> LinearProgram:
        """Return the program that another process wrote."""
        _, arrays = unpack(content)
        shape = (len(arrays["row_lower"]), len(arrays["cost"]))
        parts = (arrays["value_of"], arrays["index"].astype(int), arrays["starts"].astype(int))
        return cls(
            cost=arrays["cost"],
            lower=arrays["lower"],
            upper=arrays["upper"],
            is_integer=arrays["is_integer"] > 0,
            matrix=csr_array(parts, shape=shape),
            row_lower=arrays["row_lower"],
            row_upper=arrays["row_upper"],
        )


def matrix_of(rows: Sequence[Mapping[int, float]], columns: int) -> csr_array:
    """Return rows, each given by its coefficients by column, as a matrix."""
    starts = np.cumsum([0, *map(len, rows)])
    index = np.array([column for row in rows for column in row], dtype=np.int64)
    values = np.array([value for row in rows for value in row.values()], dtype=np.float64)
    return csr_array((values, index, starts), shape=(len(rows), columns))


def pack(head: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Return values and arrays of numbers as bytes that `unpack` reads."""
    told = {"head": head, "arrays": {name: len(array) for name, array in arrays.items()}}
    text = orjson.dumps(told)
    parts = [len(text).to_bytes(8, "big"), text]
    return b"".join([*parts, *(array.astype(_FLOATS).tobytes() for array in arrays.values())])


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """Return the values and arrays that `pack` wrote."""
    size = int.from_bytes(content[:8], "big")
    told = orjson.loads(content[8 : 8 + size])
    arrays, offset = {}, 8 + size
    for name, count in told["arrays"].items():
        arrays[name] = np.frombuffer(content, _FLOATS, count, offset).astype(np.float64)
        offset += count * _FLOATS.itemsize
    return told["head"], arrays
