"""Find weights: equal, from the spread of the data (entropy), or from pairwise judgements (AHP).

Each function returns a Series (criterion to weight) that sums to one and that `mcda.score`
accepts. Weights given by hand do not need this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.mcda.scaling import Criteria, refuse
from geo_service.wording import said, said_all

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

RANDOM_INDEX = (
    *(0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41),
    *(1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59),
)
"""Saaty's mean consistency index of random matrices, n = 1 to 15 (1980)."""

MAX_CONSISTENCY_RATIO = 0.1

RECIPROCITY = 0.005
"""How far a_ij × a_ji may differ from 1: 1/3 or 1/7 written with three decimals passes."""


@dataclass(frozen=True, kw_only=True)
class AhpResult:
    """Weights from a pairwise matrix, and how consistent the judgements were."""

    weights: pd.Series
    consistency_ratio: float
    lambda_max: float

    @property
    def is_consistent(self) -> bool:
        """Whether the consistency ratio is at most 0.1."""
        return self.consistency_ratio <= MAX_CONSISTENCY_RATIO


def ahp_weights(
    matrix: pd.DataFrame | Mapping[str, Mapping[str, float]] | ArrayLike,
    *,
    allow_inconsistent: bool = False,
) -> AhpResult:
    """Return the principal eigenvector of a pairwise matrix as weights (Saaty 1980).

    Parameters
    ----------
    matrix
        Square; entry (i, j) says how many times as much i matters as j. The labels of a
        DataFrame, or the keys of a mapping of rows, name the criteria, and the columns may be
        in any order; otherwise the criteria are numbered from 0.
    allow_inconsistent
        Return the weights even if the consistency ratio exceeds 0.1.

    Returns
    -------
    The weights sum to one. The consistency ratio is (λmax - n)/(n - 1)/RI, 0 up to n = 2.

    Raises
    ------
    InvalidQueryError
        The matrix is not square, is larger than 15, has entries that are not positive or
        pairs whose product is more than 0.005 from 1 (the pairs are named), or is
        inconsistent.
    """
    table, names = _pairwise(matrix)
    values, vectors = np.linalg.eig(table)
    position = int(np.argmax(values.real))
    vector = np.abs(vectors[:, position].real)
    size = len(names)
    lambda_max = float(values[position].real)
    random = RANDOM_INDEX[size - 1]
    ratio = max(0.0, (lambda_max - size) / (size - 1) / random) if random else 0.0
    if ratio > MAX_CONSISTENCY_RATIO and not allow_inconsistent:
        worst = _worst_judgement(table, vector, names)
        limit = MAX_CONSISTENCY_RATIO
        refuse("matrix", "problem.ahp_inconsistent", ratio=ratio, limit=limit, **worst)
    weights = pd.Series(vector / vector.sum(), index=names, name="weight")
    return AhpResult(weights=weights, consistency_ratio=ratio, lambda_max=lambda_max)


def entropy_weights(matrix: pd.DataFrame) -> pd.Series:
    """Return weights by how unevenly each criterion is distributed over the candidates.

    With shares p = x/Σx and e = -Σ p ln p / ln n, the weight is (1 - e)/Σ(1 - e), where
    0 ln 0 is 0. Units do not matter, a shift of the zero point does, and costs and benefits
    are treated alike. A constant criterion gets 0; if all are constant (as with a single
    candidate) the weights are equal and a `ConstantCriterionWarning` says so.

    Raises
    ------
    InvalidQueryError
        A value is missing, infinite or negative, or there are no candidates.
    """
    senses = dict.fromkeys(matrix.columns, "benefit") if isinstance(matrix, pd.DataFrame) else {}
    criteria = Criteria.of(matrix, senses)
    if not len(matrix):
        refuse("matrix", "problem.entropy_empty")
    if (criteria.low < 0).any():
        named = [name for name, low in zip(criteria.names, criteria.low, strict=True) if low < 0]
        refuse("matrix", "problem.entropy_negative", named=named)
    spread = [
        0.0 if is_constant else _unevenness(column)
        for column, is_constant in zip(criteria.columns, criteria.is_constant, strict=True)
    ]
    total = sum(spread)
    if total == 0:
        criteria.warn_of_constants(stacklevel=2)
        return equal_weights(criteria.names)
    return _weights([item / total for item in spread], criteria.names)


def equal_weights(criteria: Sequence[str]) -> pd.Series:
    """Return the same weight for each criterion."""
    if not len(criteria):
        refuse("criteria", "problem.none")
    return _weights([1 / len(criteria)] * len(criteria), criteria)


def _weights(values: Sequence[float], names: Sequence[str]) -> pd.Series:
    return pd.Series(values, index=pd.Index(names, name="criterion"), name="weight", dtype=float)


def _unevenness(column: Floats) -> float:
    """Return 1 - e of a column, at least 0."""
    shares = column / column.max()
    shares /= shares.sum()
    shares = shares[shares > 0]
    entropy = -float(np.dot(shares, np.log(shares))) / np.log(len(column))
    return max(0.0, 1.0 - float(entropy))


def _pairwise(
    matrix: pd.DataFrame | Mapping[str, Mapping[str, float]] | ArrayLike,
) -> tuple[Floats, pd.Index]:
    """Return a checked pairwise matrix and the names of its criteria."""
    if isinstance(matrix, Mapping):
        matrix = pd.DataFrame.from_dict(dict(matrix), orient="index")
    if isinstance(matrix, pd.DataFrame):
        names = matrix.index
        if not (names.is_unique and set(names) == set(matrix.columns)) or (
            len(names) != len(matrix.columns)
        ):
            rows, columns = list(map(str, names)), list(map(str, matrix.columns))
            refuse("matrix", "problem.ahp_names", rows=rows, columns=columns)
        matrix = matrix[list(names)]
    else:
        names = pd.RangeIndex(len(np.atleast_1d(np.asarray(matrix, dtype=object))))
    try:
        table = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        refuse("matrix", "problem.ahp_numbers")
    size = len(names)
    if table.shape != (size, size) or size == 0:
        shape = " × ".join(map(str, table.shape))
        refuse("matrix", "problem.ahp_square", shape=shape)
    if size > len(RANDOM_INDEX):
        limit = len(RANDOM_INDEX)
        refuse("matrix", "problem.ahp_large", size=size, limit=limit)
    _check_pairs(table, names)
    return table, names


def _check_pairs(table: Floats, names: pd.Index) -> None:
    size = len(names)
    pairs = [(row, column) for row in range(size) for column in range(row, size)]
    faults = []
    for row, column in pairs:
        entry, mirror = table[row, column], table[column, row]
        found = {"pair": f"{names[row]} / {names[column]}", "entry": entry, "mirror": mirror}
        if not (np.isfinite([entry, mirror]).all() and min(entry, mirror) > 0):
            faults.append(said("problem.ahp_positive", **found))
        elif row == column and entry != 1:
            faults.append(said("problem.ahp_one", **found))
        elif abs(entry * mirror - 1) > RECIPROCITY:
            faults.append(said("problem.ahp_reciprocal", **found, product=entry * mirror))
    if faults:
        refuse("matrix", said_all(faults))


def _worst_judgement(table: Floats, vector: Floats, names: pd.Index) -> dict[str, Any]:
    implied = vector[:, None] / vector[None, :]
    row, column = np.unravel_index(int(np.argmax(np.log(table / implied))), table.shape)
    found, wanted = table[row, column], implied[row, column]
    pair = f"{names[int(row)]} / {names[int(column)]}"
    return {"pair": pair, "found": float(found), "wanted": float(wanted)}
