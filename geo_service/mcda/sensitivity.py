"""Measure which criterion's weight the first candidate's lead depends on (Sobol's indices).

Uses SALib, an optional dependency that is imported only when needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.errors import InvalidQueryError
from geo_service.mcda.robustness import SEED, find_row, scored
from geo_service.mcda.scaling import (
    ROUNDING,
    check_number,
    check_weights,
    check_whole,
    refuse,
)
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.mcda.scores import Scorer

    Floats = NDArray[np.float64]
    Weights = Mapping[str, float] | pd.Series

_FIGURES = {
    "first_order": "S1",
    "first_order_error": "S1_conf",
    "total": "ST",
    "total_error": "ST_conf",
}
"""Our column names and SALib's."""


def first_order_sensitivity(
    scorer: Scorer,
    weights: Weights,
    *,
    spread: float = 0.5,
    samples: int = 1024,
    seed: int = SEED,
) -> pd.DataFrame:
    """Return how much of the uncertainty of the lead comes from each criterion's weight.

    Every weight is varied on its own, uniformly within ±`spread` of its value, before the
    weights are normalised again. The measured figure is the lead: the score of the candidate
    that is first under `weights`, minus the best score of any other; below zero it has lost
    first place. Sobol's first-order index is the share of the lead's variance that one weight
    explains alone; the total index includes its interactions with
    others. Needs SALib (the extra `sensitivity`).

    Parameters
    ----------
    scorer
        The matrix and the method; at least two candidates.
    weights
        The weights in force; a criterion of weight zero has index 0.
    spread
        Above 0, at most 1.
    samples
        A power of two; `samples` × (criteria + 2) rankings are computed.
    seed
        The same seed gives the same figures.

    Returns
    -------
    A frame indexed by criterion with the columns `first_order`, `first_order_error`, `total`
    and `total_error`; errors are half-widths of 95 % intervals. Small negative figures are
    noise. All figures are 0 if the lead does not change.
    """
    current = check_weights(weights, scorer.names)
    if len(scorer.ids) < 2:  # noqa: PLR2004 - a lead is over another
        refuse("matrix", "problem.no_lead")
    check_number("spread", spread, low=1e-6, high=1.0)
    check_whole("samples", samples)
    if samples & (samples - 1):
        refuse("samples", "problem.power_of_two", found=samples)
    varied = np.flatnonzero(current)
    names = [scorer.names[position] for position in varied]
    problem = {
        "num_vars": len(varied),
        "names": names,
        "bounds": [[1 - spread, 1 + spread]] * len(names),
    }
    sampler, analyser = _salib("sample"), _salib("analyze")
    factors = sampler.sample(problem, samples, calc_second_order=False, seed=seed)
    draws = np.zeros((len(factors), len(current)))
    draws[:, varied] = current[varied] * factors
    draws /= draws.sum(axis=1, keepdims=True)
    lead = _lead(scorer, draws, find_row(scorer, "first", scorer.top(weights, 1).index[0]))
    index = pd.Index(scorer.names, name="criterion")
    result = pd.DataFrame(0.0, index=index, columns=list(_FIGURES))
    if np.ptp(lead) > ROUNDING:
        found = analyser.analyze(problem, lead, calc_second_order=False, seed=seed)
        result.loc[names] = np.column_stack([found[key] for key in _FIGURES.values()])
    return result


def _salib(part: str) -> ModuleType:
    """Import a part of SALib, which takes a second and may not be installed."""
    try:
        return importlib.import_module(f"SALib.{part}.sobol")
    except ImportError as error:
        parameter = "sensitivity"
        raise InvalidQueryError(parameter, said("problem.needs_salib")) from error


def _lead(scorer: Scorer, draws: Floats, row: int) -> Floats:
    leads = []
    for scores in scored(scorer, draws):
        own = scores[:, row].copy()
        scores[:, row] = -np.inf
        leads.append(own - scores.max(axis=1))
    return np.concatenate(leads)
