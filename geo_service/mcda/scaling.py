"""Check a matrix of candidates × criteria and scale its columns.

A frozen `Criteria` contains all that a method needs to know of the input. Columns are scaled
a block of rows at a time, so a million candidates need no second matrix. `methods` combines
the scaled columns.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from geo_service.documents import nearest_name
from geo_service.errors import InvalidQueryError
from geo_service.model import Message
from geo_service.wording import said, said_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SENSES = ("benefit", "cost")
NORMALISATIONS = ("minmax", "vector", "sum", "max", "none")

ROUNDING = 1e-13
"""Scores, and values near 1, that differ by no more than this are treated as equal."""

_COLUMN_ROUNDING = 8 * np.finfo(float).eps
"""A column whose range is at most this share of its largest value is constant up to rounding."""

_BLOCK_ROWS = 16_384
"""Rows scaled at a time, so that the working columns stay in the processor's cache."""

_DOT = "i,i->"
"""Sum of products on one core: BLAS would wake its threads for a few milliseconds' work."""

_SAFE_SQUARES = (1e-100, 1e100)
"""Magnitudes whose squares neither underflow nor overflow."""


class ConstantCriterionWarning(UserWarning):
    """A criterion has the same value for all candidates, so it does not distinguish them."""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """The checked input: one array of floats per criterion, all finite, never written to.

    `low` and `high` are each column's smallest and largest value; a column that is constant
    (up to rounding) has True in `is_constant`.
    """

    ids: pd.Index
    names: tuple[str, ...]
    columns: tuple[Floats, ...]
    is_cost: NDArray[np.bool_]
    low: Floats
    high: Floats
    is_constant: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: pd.DataFrame, senses: Mapping[str, str] | pd.Series) -> Criteria:
        """Return the checked matrix; raise InvalidQueryError naming what is wrong."""
        names = _criterion_names(matrix)
        by_name = _by_name("senses", senses, names)
        for name in names:
            if by_name[name] not in SENSES:
                known = nearest_name(str(by_name[name]), SENSES)
                sense = repr(by_name[name])
                refuse("senses", "problem.sense", name=name, found=sense, near=known)
        columns = tuple(
            _column(matrix.iloc[:, position], names[position]) for position in range(len(names))
        )
        filled = len(matrix) > 0
        low = np.array([column.min() if filled else 0.0 for column in columns])
        high = np.array([column.max() if filled else 0.0 for column in columns])
        _check_finite(matrix, names, low, high)
        with np.errstate(over="ignore"):
            spread = high - low
        if not np.isfinite(spread).all():
            name = names[int(np.argmin(np.isfinite(spread)))]
            refuse("matrix", "problem.overflow", name=name)
        largest = np.maximum(np.abs(low), np.abs(high))
        return cls(
            ids=matrix.index,
            names=names,
            columns=columns,
            is_cost=np.array([by_name[name] == "cost" for name in names]),
            low=low,
            high=high,
            is_constant=spread <= _COLUMN_ROUNDING * largest,
        )

    def warn_of_constants(self, *, stacklevel: int) -> None:
        """Name the constant criteria in one warning; without candidates there is none."""
        if len(self.ids) and self.is_constant.any():
            named = ", ".join(
                name for name, flat in zip(self.names, self.is_constant, strict=True) if flat
            )
            message = (
                f"One value for every candidate, so no say in the ranking: {named}. "
                "Scaled to 0 (left as it is by the normalisation 'none')."
            )
            warnings.warn(message, ConstantCriterionWarning, stacklevel=stacklevel + 1)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How each column is scaled: (value - offset) / divisor, costs mirrored.

    A constant column gives 0 whatever its sense, except under `none`, which does not change
    the values.
    """

    criteria: Criteria
    offset: Floats
    divisor: Floats
    is_zero: NDArray[np.bool_]
    is_mirrored: NDArray[np.bool_]

    @classmethod
    def of(cls, criteria: Criteria, normalisation: str, *, mirror: bool = True) -> Scaling:
        """Return the scaling by name; raises InvalidQueryError if the values do not allow it."""
        check_normalisation(normalisation)
        count = len(criteria.names)
        offset, divisor = np.zeros(count), np.ones(count)
        if normalisation == "minmax":
            offset, divisor = criteria.low, criteria.high - criteria.low
        elif normalisation == "vector":
            divisor = np.array([_length(column) for column in criteria.columns])
        elif normalisation == "none":
            _refuse_outside(criteria, 0.0, 1.0, normalisation)
        else:
            _refuse_outside(criteria, 0.0, math.inf, normalisation)
            sums = [_sum(column) for column in criteria.columns]
            divisor = np.array(sums) if normalisation == "sum" else criteria.high
        is_zero = criteria.is_constant & (normalisation != "none")
        return cls(
            criteria=criteria,
            offset=offset,
            divisor=np.where(is_zero, 1.0, divisor),
            is_zero=is_zero,
            is_mirrored=criteria.is_cost & mirror & ~is_zero,
        )

    def column(self, position: int, rows: slice) -> Floats:
        """Return some rows of one scaled column, in a new array."""
        values = self.criteria.columns[position][rows]
        if self.is_zero[position]:
            return np.zeros(len(values))
        scaled: Floats = values - self.offset[position]
        scaled /= self.divisor[position]
        if self.is_mirrored[position]:
            np.subtract(1.0, scaled, out=scaled)
        return scaled

    def table(self) -> Floats:
        """Return all columns scaled, as one array of candidates × criteria."""
        every = slice(None)
        columns = [self.column(position, every) for position in range(len(self.criteria.names))]
        return np.column_stack(columns)


def blocks(count: int) -> Iterator[slice]:
    """Yield slices that cover `count` rows, each small enough for the cache."""
    for start in range(0, count, _BLOCK_ROWS):
        yield slice(start, min(start + _BLOCK_ROWS, count))


def check_weights(weights: Mapping[str, float] | pd.Series, names: Sequence[str]) -> Floats:
    """Return the weights in the order of `names`, normalised to sum to one.

    Raises
    ------
    InvalidQueryError
        A criterion is missing or unknown, a weight is negative, not finite or no number, or
        all weights are zero.
    """
    by_name = _by_name("weights", weights, names)
    values = [check_number("weights", by_name[name], low=0.0, of=name) for name in names]
    given = np.array(values)
    if not given.any():
        refuse("weights", "problem.all_zero")
    given /= given.max()
    normalised: Floats = given / given.sum()
    return normalised


def check_names(parameter: str, names: Sequence[str], expected: Sequence[str]) -> None:
    """Refuse criteria that are missing, unknown or repeated, all in one message."""
    faults = [said("problem.missing", name=name) for name in expected if name not in names]
    faults += [
        said("problem.stranger", name=repr(name), near=nearest_name(name, expected))
        for name in names
        if name not in expected
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [said("problem.twice", name=name) for name in twice]
    if faults:
        refuse(parameter, said_all(faults))


def check_number(
    parameter: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    of: str | None = None,
) -> float:
    """Return a finite number within a range; `of` names the criterion in the error."""
    of = f"{of}: " if of else ""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        refuse(parameter, "problem.not_number", of=of, found=repr(value))
    number = float(value)
    if not math.isfinite(number):
        refuse(parameter, "problem.not_finite", of=of, found=number)
    if not low <= number <= high:
        if math.isinf(high):
            refuse(parameter, "problem.too_low", of=of, found=number, low=low)
        refuse(parameter, "problem.outside", of=of, found=number, low=low, high=high)
    return number


def check_whole(parameter: str, value: object) -> int:
    """Return a whole number of at least 1; raises InvalidQueryError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        refuse(parameter, "problem.whole", found=repr(value))
    return int(value)


def check_normalisation(normalisation: str) -> None:
    """Refuse an unknown normalisation."""
    if normalisation not in NORMALISATIONS:
        known = nearest_name(str(normalisation), NORMALISATIONS)
        found = repr(normalisation)
        refuse("normalisation", "problem.normalisation", found=found, near=known)


def _by_name(
    parameter: str, values: Mapping[str, Any] | pd.Series, names: Sequence[str]
) -> dict[str, Any]:
    if not isinstance(values, (Mapping, pd.Series)):
        found = type(values).__name__
        refuse(parameter, "problem.by_criterion", found=found)
    items = [(str(name), value) for name, value in values.items()]
    check_names(parameter, [name for name, _ in items], names)
    return dict(items)


def _criterion_names(matrix: pd.DataFrame) -> tuple[str, ...]:
    if not isinstance(matrix, pd.DataFrame):
        found = type(matrix).__name__
        refuse("matrix", "problem.frame", found=found)
    names = tuple(str(name) for name in matrix.columns)
    if not names:
        refuse("matrix", "problem.no_columns")
    if len(set(names)) < len(names):
        check_names("matrix", names, names)
    return names


def _column(values: pd.Series, name: str) -> Floats:
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    is_complex = pd.api.types.is_complex_dtype(values.dtype)
    if values.dtype == object:
        numeric = all(isinstance(value, (int, float, np.number)) for value in values.dropna())
    if is_complex or not numeric:
        refuse("matrix", "problem.column_type", name=name, found=str(values.dtype))
    return np.ascontiguousarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _check_finite(matrix: pd.DataFrame, names: tuple[str, ...], low: Floats, high: Floats) -> None:
    faults = []
    for position, name in enumerate(names):
        if not (math.isfinite(low[position]) and math.isfinite(high[position])):
            broken = ~np.isfinite(_column(matrix.iloc[:, position], name))
            first = [str(item) for item in matrix.index[broken][:3]]
            count = int(broken.sum())
            faults.append(said("problem.not_there", name=name, count=count, first=first))
    if faults:
        refuse("matrix", said_all([*faults, said("problem.fill_first")]))


def _refuse_outside(criteria: Criteria, low: float, high: float, normalisation: str) -> None:
    outside = (criteria.low < low) | (criteria.high > high)
    if outside.any():
        named = [name for name, wrong in zip(criteria.names, outside, strict=True) if wrong]
        key = "problem.scale_positive" if math.isinf(high) else "problem.scale_range"
        limits = {} if math.isinf(high) else {"low": low, "high": high}
        refuse("normalisation", said(key, name=repr(normalisation), named=named, **limits))


def _length(column: Floats) -> float:
    """Return the root of the sum of squares, without overflow."""
    largest = float(np.abs(column).max(initial=0.0))
    if largest == 0 or _SAFE_SQUARES[0] < largest < _SAFE_SQUARES[1]:
        return math.sqrt(float(np.einsum(_DOT, column, column)))
    part = column / largest
    length = largest * math.sqrt(float(np.einsum(_DOT, part, part)))
    if math.isinf(length):
        refuse("matrix", "problem.length_overflow")
    return length


def _sum(column: Floats) -> float:
    with np.errstate(over="ignore"):
        total = float(column.sum())
    if math.isinf(total):
        refuse("matrix", "problem.sum_overflow")
    return total


def refused_for(error: InvalidQueryError) -> Message:
    """Return why `refuse` refused a parameter, without its name."""
    values = error.message.values  # noqa: PD011 - of a message
    reason = values.get("reason")
    return reason if isinstance(reason, Message) else error.message


def refuse(parameter: str, key: str | Message, /, **values: Any) -> NoReturn:  # noqa: ANN401 - as `said`
    """Raise InvalidQueryError for a parameter, with a key of the catalogue or a whole message."""
    message = key if isinstance(key, Message) else Message(key, values)
    reason = Message("problem.parameter", {"name": parameter, "reason": message})
    raise InvalidQueryError(parameter, reason) from None
