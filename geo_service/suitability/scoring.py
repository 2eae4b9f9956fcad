"""From measured criteria to a score: values, weights, method, and what was assumed on the way.

Without a normalisation in the project every criterion goes through its value function, so
that a candidate's values do not hang on which others are compared; with one, the raw numbers
are scaled by it. A missing value, and a facility out of reach, counts as the worst and is
said so. A criterion that no candidate has a value of is left out and is said so too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.documents import nearest_name
from geo_service.errors import Fault, InvalidQueryError, ProjectError
from geo_service.mcda.methods import build_method
from geo_service.mcda.robustness import draw_weights, rank_acceptability
from geo_service.mcda.scaling import Criteria, Scaling, refused_for
from geo_service.mcda.scores import METHODS, Scorer, ahp_weights, entropy_weights
from geo_service.mcda.weights import AhpResult, equal_weights
from geo_service.model import Message
from geo_service.suitability.project import unusable_project
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.suitability.choice import ChosenCriterion
    from geo_service.suitability.project import Weights


def cell(frame: pd.DataFrame, row: str, column: str) -> float:
    """Return one number of a frame."""
    return float(frame[column].to_numpy(dtype=float)[frame.index.get_loc(row)])


VALUE_FUNCTIONS = "value_function"
"""How values made by value functions are named where a normalisation is stated."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Candidates with their scores, and everything it takes to recompute one by hand.

    Frames are candidates × criteria, in one order. `raw` is in each criterion's own unit,
    `matrix` what the method was given, `normalised` from 0 (worst) to 1 (best) under the
    normalisations minmax, max and of value functions.
    """

    chosen: tuple[ChosenCriterion, ...]
    raw: pd.DataFrame
    matrix: pd.DataFrame
    scorer: Scorer
    method: str
    normalisation: str | None
    weights: pd.Series
    weights_from: str
    ahp: AhpResult | None = None
    notes: tuple[Message, ...] = ()
    unweighed: Unweighed

    @property
    def normalisation_name(self) -> str:
        """The normalisation as it is stated: its name, or `value_function`."""
        return self.normalisation or VALUE_FUNCTIONS

    @cached_property
    def result(self) -> pd.DataFrame:
        """`score`, `rank` and the method's own columns, in the order of `raw`."""
        return self.scorer.score(self.weights)

    @property
    def normalised(self) -> pd.DataFrame:
        """The scaled values, costs mirrored, so that more is better in every column."""
        return self.unweighed.normalised

    @cached_property
    def contributions(self) -> pd.DataFrame:
        """Weight × what the method adds up; the rows sum to the score where it is a sum.

        For TOPSIS and VIKOR, whose scores are no sums, weight × scaled value.
        """
        parts = self.scorer.method.parts()
        table = self.normalised.to_numpy() if parts is None else parts
        return pd.DataFrame(
            table * self.weights.to_numpy(), index=self.matrix.index, columns=self.matrix.columns
        )

    @property
    def is_sum(self) -> bool:
        """Whether the contributions of a candidate sum to its score."""
        return self.scorer.method.parts() is not None

    def by_method(self) -> dict[str, pd.DataFrame]:
        """Return the results of every method on the same matrix and weights."""
        scorers = self.unweighed.scorers.items()
        return {method: scorer.score(self.weights) for method, scorer in scorers}

    def weighed(self, weights: Mapping[str, float]) -> Scored:
        """Return the same candidates with other weights; what does not hang on them is kept."""
        return replace(self, weights=self.scorer.weights(weights), weights_from="given", ahp=None)


@dataclass(frozen=True)
class Unweighed:
    """What of scored candidates does not hang on their weights, found when first asked for."""

    scorer: Scorer
    normalisation: str | None

    @cached_property
    def normalised(self) -> pd.DataFrame:
        """The scaled values, costs mirrored."""
        criteria = self.scorer.method.criteria
        table = Scaling.of(criteria, self.normalisation or "none").table()
        return pd.DataFrame(table, index=self.scorer.ids, columns=list(self.scorer.names))

    @cached_property
    def scorers(self) -> dict[str, Scorer]:
        """The same matrix made ready for every method."""
        criteria, scaling = self.scorer.method.criteria, self.normalisation or "none"
        return {method: Scorer(build_method(criteria, method, scaling, {})) for method in METHODS}

    @cached_property
    def _anywhere(self) -> dict[int, pd.DataFrame]:
        return {}

    def acceptability(self, *, draws: int, top: int) -> pd.DataFrame:
        """Return how often each candidate leads with any weights at all."""
        if draws not in self._anywhere:
            weights = draw_weights(self.scorer, count=draws)
            self._anywhere[draws] = rank_acceptability(self.scorer, weights, top=top)
        return self._anywhere[draws]


def score_table(
    raw: pd.DataFrame,
    chosen: Sequence[ChosenCriterion],
    *,
    method: str,
    normalisation: str | None,
    weights: Weights,
) -> Scored:
    """Score measured candidates.

    Parameters
    ----------
    raw
        Candidates × criteria in their units; NaN is missing, infinity out of reach.
    chosen
        The criteria with weights, senses and value functions, in the order of the columns.
    method, normalisation
        As in a project; None for value functions.
    weights
        Where the weights come from.

    Raises
    ------
    ProjectError
        No criterion has a value, or the pairwise matrix does not fit the criteria.
    InvalidQueryError
        Weights or values that the method cannot take.
    """
    usable = [item for item in chosen if not raw[item.name].isna().all()]
    notes = _notes_of_missing(raw, chosen, usable)
    if not usable:
        found, expected = said("fault.no_criterion_known"), said("fault.at_least_one")
        raise _unusable(column="criteria", found=found, expected=expected)
    valued = pd.DataFrame({item.name: _valued(item, raw[item.name]) for item in usable})
    matrix, senses = valued, dict.fromkeys(valued.columns, "benefit")
    if normalisation is not None:
        matrix = pd.DataFrame(
            {
                item.name: valued[item.name]
                if item.is_value_given
                else _filled(item, raw[item.name])
                for item in usable
            }
        )
        senses = {item.name: "benefit" if item.is_value_given else item.sense for item in usable}
    criteria = Criteria.of(matrix, senses)
    scorer = Scorer(build_method(criteria, method, normalisation or "none", {}))
    if len(matrix) > 1 and criteria.is_constant.any():
        same = [item for item, flat in zip(usable, criteria.is_constant, strict=True) if flat]
        notes.append(Message("note.constant", {"criteria": _titles(same)}))
    given, ahp = _weights(weights, usable, valued)
    return Scored(
        chosen=tuple(usable),
        raw=raw[[item.name for item in usable]],
        matrix=matrix,
        scorer=scorer,
        method=method,
        normalisation=normalisation,
        weights=scorer.weights(given),
        weights_from=weights.method,
        ahp=ahp,
        notes=tuple(notes),
        unweighed=Unweighed(scorer, normalisation),
    )


def _notes_of_missing(
    raw: pd.DataFrame, chosen: Sequence[ChosenCriterion], usable: Sequence[ChosenCriterion]
) -> list[Message]:
    notes = []
    lost = [item for item in chosen if item not in usable]
    if lost:
        notes.append(Message("note.unmeasured", {"criteria": _titles(lost)}))
    partly = [item for item in usable if raw[item.name].isna().any()]
    if partly:
        notes.append(Message("note.missing_worst", {"criteria": _titles(partly)}))
    apart = [item for item in usable if np.isinf(raw[item.name]).any()]
    if apart:
        notes.append(Message("note.unreachable_worst", {"criteria": _titles(apart)}))
    return notes


def _titles(chosen: Sequence[ChosenCriterion]) -> list[Message]:
    return [item.criterion.title for item in chosen]


def _valued(item: ChosenCriterion, column: pd.Series) -> pd.Series:
    """Return values 0 to 1, a missing one as 0."""
    values = item.values(column.to_numpy(dtype=float))
    return pd.Series(np.nan_to_num(values, nan=0.0), index=column.index)


def _filled(item: ChosenCriterion, column: pd.Series) -> pd.Series:
    """Return the raw numbers, what is missing or out of reach as the worst of the others."""
    known = column[np.isfinite(column)]
    if known.empty:
        return pd.Series(0.0, index=column.index)
    worst = known.max() if item.sense == "cost" else known.min()
    return column.where(np.isfinite(column), worst)


def _weights(
    weights: Weights, usable: Sequence[ChosenCriterion], valued: pd.DataFrame
) -> tuple[Mapping[str, float] | pd.Series, AhpResult | None]:
    names = [item.name for item in usable]
    if weights.method == "equal":
        return equal_weights(names), None
    if weights.method == "entropy":
        return entropy_weights(valued) if len(valued) > 1 else equal_weights(names), None
    if weights.method == "ahp":
        result = _ahp(weights, names)
        return result.weights, result
    return {item.name: item.weight for item in usable}, None


def check_matrix(weights: Weights, chosen: Sequence[ChosenCriterion]) -> None:
    """Refuse pairwise comparisons that do not fit the criteria, before anything is measured.

    Raises
    ------
    ProjectError
        A criterion is missing or unknown among the rows or columns, or the matrix is not
        reciprocal or not consistent.
    """
    if weights.method == "ahp":
        _ahp(weights, [item.name for item in chosen], is_whole=True)


def _ahp(weights: Weights, names: Sequence[str], *, is_whole: bool = False) -> AhpResult:
    """Return the weights of the criteria named, of a matrix that may hold more."""
    matrix = weights.ahp_matrix or {}
    lacking = [name for name in names if name not in matrix]
    if lacking:
        raise _bad_matrix(
            found=said("fault.rows_for", names=list(matrix) or said("import.none")),
            expected=said("fault.a_row_for", name=lacking[0]),
        )
    named = [(said("fault.matrix_rows"), list(matrix))]
    named += [
        (said("fault.matrix_columns", row=row), list(columns)) for row, columns in matrix.items()
    ]
    for where, given in named:
        stranger = next((name for name in given if name not in names), None)
        if is_whole and stranger is not None:
            raise _bad_matrix(
                found=said("fault.matrix_stranger", where=where, name=repr(stranger)),
                expected=nearest_name(stranger, names),
            )
    square = {row: {name: matrix[row].get(name, np.nan) for name in names} for row in names}
    try:
        return ahp_weights(square, allow_inconsistent=weights.allow_inconsistent)
    except InvalidQueryError as error:
        raise _bad_matrix(
            found=refused_for(error), expected=said("fault.consistent_matrix")
        ) from None


def _bad_matrix(*, found: Message, expected: Message) -> ProjectError:
    return _unusable(column="weights.ahp_matrix", found=found, expected=expected)


def _unusable(*, column: str, found: Message, expected: Message) -> ProjectError:
    file = said("fault.project")
    return unusable_project([Fault(file=file, column=column, found=found, expected=expected)])
