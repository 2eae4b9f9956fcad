"""Indicators of industrial land: plot ratio and its kin, per-mu figures, the A to D grade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.model import Message, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.units import M2_PER_MU
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.bounds import BoundParameters, Measured, judge_bound
from geo_service.zoning.check import (
    Case,
    Check,
    Outcome,
    Parameters,
    missing_value,
    text_or_none,
)
from geo_service.zoning.checks import standard_land
from geo_service.zoning.names import named_columns

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.plan import Plan


APART_COLUMN = "rd_floor_share"
"""R&D, testing and pilot floors, which are counted apart from administrative and service floors."""


class ParcelBoundParameters(BoundParameters):
    """Which column of built parcels is held against the bound.

    `limit_column` gives a parcel's own limit, from its planning conditions; without it the
    limits of the rule stand in, as those of `reference`. `supplied_from` is the day from which on
    the bound holds for land that is supplied. Of the share of ancillary floors, R&D floors up to
    `apart_at_most` are left out.
    """

    column: Literal[
        "plot_ratio", "building_coefficient", "ancillary_land_share", "ancillary_floor_share"
    ]
    limit_column: Literal["plot_ratio_min"] | None = None
    reference: Literal["reference_2008"] | None = None
    supplied_from: date | None = None
    apart_at_most: float | None = Field(default=None, ge=0, le=1)

    @property
    def has_other_limits(self) -> bool:
        """Whether parcels have limits of their own."""
        return self.limit_column is not None


def parcel_bound(case: Case, parameters: ParcelBoundParameters) -> Outcome:
    """A column of each built parcel of a park keeps to its bound, by the parcel's industry."""
    parcels = _meant(_built_parcels(case), parameters)
    unsure = parcels_without_status(case.own("parcels"))
    outcome = Outcome.of("parcels", parcels)
    outcome.add_judged(unsure)
    by_parcel = _parcel_codes(case)
    codes = [
        by_parcel.get(parcel_id) or _leading(case, park_id)
        for parcel_id, park_id in zip(parcels["parcel_id"], parcels["park_id"], strict=True)
    ]
    values = parcels[parameters.column].to_numpy(dtype=np.float64)
    if parameters.apart_at_most is not None:
        apart = parcels[APART_COLUMN].to_numpy(dtype=np.float64)
        # Shares are given in whole numbers of some digit: what is left is not a hair above it.
        values = np.round(values - np.minimum(np.nan_to_num(apart), parameters.apart_at_most), 9)
    given = np.full(len(parcels), np.nan)
    if parameters.limit_column is not None:
        given = parcels[parameters.limit_column].to_numpy(dtype=np.float64)
    limits = np.where(np.isnan(given), parameters.limits_for(codes), given)
    unit = "share" if parameters.column != "plot_ratio" else None
    positions = parameters.to_judge(values, limits)
    chosen = parcels.iloc[positions]
    rows = rows_of(chosen[["parcel_id", "park_id", "supplied_on", APART_COLUMN]])
    for position, row, shape in zip(positions, rows, chosen.geometry.to_numpy(), strict=True):
        is_given = not np.isnan(given[position])
        measured = Measured(
            subject=Subject("parcels", row["parcel_id"]),
            park_id=row["park_id"],
            column=parameters.column,
            value=float(values[position]),
            unit=unit,
            code=codes[position],
            name=Message("name.parcel", {"parcel": row["parcel_id"]}),
            limit=float(given[position]) if is_given else None,
            limit_from="planning_conditions" if is_given else parameters.reference,
            limit_column=parameters.limit_column,
        )
        finding = judge_bound(measured, parameters, shape)
        if finding is not None:
            outcome.singles.append(_of_its_day(finding, row, parameters))
    return outcome


def _meant(parcels: gpd.GeoDataFrame, parameters: ParcelBoundParameters) -> gpd.GeoDataFrame:
    """Return the parcels that the bound holds for: not those supplied before its first day."""
    if parameters.supplied_from is None:
        return parcels
    first = pd.Timestamp(parameters.supplied_from)
    meant: gpd.GeoDataFrame = parcels[~(pd.to_datetime(parcels["supplied_on"]) < first)]
    return meant


def _of_its_day(
    finding: RawFinding, row: Mapping[str, Any], parameters: ParcelBoundParameters
) -> RawFinding:
    """Return a finding as it counts: `unknown` where the day of supply decides and is not given."""
    evidence = dict(finding.evidence)
    if parameters.apart_at_most is not None and not pd.isna(row[APART_COLUMN]):
        evidence[APART_COLUMN] = float(row[APART_COLUMN])
    if parameters.supplied_from is None:
        return replace(finding, evidence=evidence)
    evidence["supplied_from"] = parameters.supplied_from.isoformat()
    if finding.verdict is Verdict.UNKNOWN or not pd.isna(row["supplied_on"]):
        return replace(finding, evidence=evidence)
    missing = missing_value(park_id=finding.park_id, subject=finding.subject, column="supplied_on")
    return replace(missing, evidence={**evidence, **_without_value(missing.evidence)})


def _without_value(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in evidence.items() if key not in {"measure", "value"}}


def parcels_without_status(parcels: pd.DataFrame) -> list[RawFinding]:
    """Return the `unknown` of parcels that do not say whether they are vacant, built or idle."""
    lacking = parcels.loc[parcels["status"].isna(), ["parcel_id", "park_id"]]
    return [
        missing_value(park_id=park_id, subject=Subject("parcels", parcel_id), column="status")
        for parcel_id, park_id in lacking.itertuples(index=False)
    ]


def _built_parcels(case: Case) -> gpd.GeoDataFrame:
    parcels = case.own("parcels")
    chosen: gpd.GeoDataFrame = parcels[(parcels["status"] == "built").to_numpy(dtype=bool)]
    return chosen


def _parcel_codes(case: Case) -> dict[str, str]:
    """The industry of each parcel: that of its enterprise with the largest output."""
    columns = ("enterprise_id", "year", "status", "parcel_id", "industry_code", "output_cny")
    reads = {"enterprises": frozenset(columns)}
    return case.plan.remember("parcel codes", reads, lambda: _codes_of(case.plan))


def _codes_of(plan: Plan) -> dict[str, str]:
    active = active_enterprises(plan)
    own = active[active["parcel_id"].notna() & active["industry_code"].notna()]
    ranked = own.sort_values(["output_cny", "enterprise_id"], ascending=[False, True])
    first = ranked.drop_duplicates("parcel_id")
    return dict(zip(first["parcel_id"], first["industry_code"], strict=True))


def _leading(case: Case, park_id: object) -> str | None:
    focus = case.shared.focus.get(str(park_id))
    return focus.leading if focus else None


class PerMuParameters(BoundParameters):
    """Which amount is taken per mu, and of which layer."""

    amount: Literal["investment_cny", "output_cny", "tax_cny"]


def per_mu(case: Case, parameters: PerMuParameters) -> Outcome:
    """An amount per mu keeps to its minimum: per built parcel, or per enterprise with land."""
    outcome = Outcome()
    is_parcel = parameters.amount == "investment_cny"
    layer, area_column = ("parcels", "area_m2") if is_parcel else ("enterprises", "land_m2")
    frame: pd.DataFrame = _built_parcels(case) if is_parcel else case.own("enterprises")
    key = "parcel_id" if is_parcel else "enterprise_id"
    codes = _parcel_codes(case) if is_parcel else {}
    shapes = case.plan.metric(layer).geometry
    columns = [key, "park_id", parameters.amount, area_column]
    none = [None] * len(frame)
    own_codes = none if is_parcel else frame["industry_code"].tolist()
    own_names = none if is_parcel else frame["name"].tolist()
    for (index, identity, park_id, amount, area_m2), own_code, own_name in zip(
        frame[columns].itertuples(), own_codes, own_names, strict=True
    ):
        if area_m2 == 0:
            continue
        outcome.judge(Subject(layer, identity), park_id)
        code = codes.get(identity) if is_parcel else text_or_none(own_code)
        lacks = [
            name
            for name, cell in ((parameters.amount, amount), (area_column, area_m2))
            if pd.isna(cell)
        ]
        measured = Measured(
            subject=Subject(layer, identity),
            park_id=park_id,
            column=lacks[0] if lacks else f"{parameters.amount}_per_mu",
            value=None if lacks else amount / (area_m2 / M2_PER_MU),
            unit="CNY/mu",
            code=code or _leading(case, park_id),
            computed=f"{parameters.amount} / ({area_column} / 666.67)",
            name=Message("name.parcel", {"parcel": identity})
            if is_parcel
            else text_or_none(own_name),
        )
        finding = judge_bound(measured, parameters, shapes[index])
        if finding is not None:
            outcome.singles.append(finding)
    return outcome


GRADE_COLUMNS = ("value_added_cny", "tax_cny", "energy_tce", "rd_cny", "output_cny", "land_m2")


class GradeParameters(Parameters):
    """Weights of the four core indicators, the cap, and from which score each grade starts.

    Each indicator is divided by the county's own average (sum over sum) and capped; the
    score is 100 times the weighted sum.
    """

    weights: dict[
        Literal["value_added_per_mu", "tax_per_mu", "value_added_per_tce", "rd_intensity"],
        Annotated[float, Field(gt=0)],
    ] = Field(min_length=1)
    cap: float = Field(default=1.5, gt=0)
    grades: dict[Literal["A", "B", "C"], float]
    watch: tuple[Literal["A", "B", "C", "D"], ...] = ("D",)


def grade(case: Case, parameters: GradeParameters) -> Outcome:
    """Each enterprise with land is graded A to D by per-mu figures; D is watched."""
    outcome = Outcome()
    active = active_enterprises(case.plan)
    if active.empty:
        return outcome
    scores, figures = grade_scores(active, parameters)
    shapes = case.plan.metric("enterprises").geometry
    in_scope = active["park_id"].isin(case.parks["park_id"]).to_numpy(dtype=bool)
    has_land = (active["land_m2"].isna() | (active["land_m2"] > 0)).to_numpy(dtype=bool)
    chosen = np.flatnonzero(in_scope & has_land)
    for position, row in zip(chosen, rows_of(active.iloc[chosen]), strict=True):
        subject = Subject("enterprises", row["enterprise_id"])
        outcome.judge(subject, row["park_id"])
        score = float(scores[position])
        if np.isnan(score):
            lacks = [name for name in GRADE_COLUMNS if pd.isna(row[name])] or [
                name for name in ("energy_tce", "output_cny") if not row[name] > 0
            ]
            outcome.singles.append(_ungraded(subject, row["park_id"], lacks))
            continue
        letter = letter_of(score, parameters.grades)
        outcome.facts[subject.id] = letter
        if letter not in parameters.watch:
            continue
        values = {"name": row["name"], "grade": letter, "score": score}
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=row["park_id"],
                subject=subject,
                title=Message("finding.grade", values),
                evidence={
                    "measure": "per_mu_score",
                    "value": score,
                    "unit": "points",
                    "threshold": parameters.grades.get("C"),
                    "grade": letter,
                    "relative_to_county": {
                        name: float(column[position]) for name, column in figures.items()
                    },
                    "weights": dict(parameters.weights),
                },
                cure=Message("cure.grade", values),
                geometry=shapes[active.index[int(position)]],
            )
        )
    return outcome


def grade_scores(
    active: pd.DataFrame, parameters: GradeParameters
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return scores and each indicator relative to the county's average; NaN where missing."""
    column = {name: active[name].to_numpy(dtype=np.float64) for name in GRADE_COLUMNS}
    mu = column["land_m2"] / M2_PER_MU
    parts = {
        "value_added_per_mu": (column["value_added_cny"], mu),
        "tax_per_mu": (column["tax_cny"], mu),
        "value_added_per_tce": (column["value_added_cny"], column["energy_tce"]),
        "rd_intensity": (column["rd_cny"], column["output_cny"]),
    }
    figures: dict[str, NDArray[np.float64]] = {}
    scores = np.zeros(len(active))
    for name, weight in parameters.weights.items():
        above, below = parts[name]
        both = ~np.isnan(above) & ~np.isnan(below) & (below > 0)
        average = above[both].sum() / below[both].sum() if both.any() else np.nan
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.where(below > 0, above / below, np.nan) / average
        figures[name] = relative
        scores += weight * np.minimum(relative, parameters.cap)
    return 100 * scores / sum(parameters.weights.values()), figures


def letter_of(score: float, grades: Mapping[Any, float]) -> str:
    """Return the first grade, from A on, whose score is reached; D when none is.

    >>> letter_of(80, {"A": 110, "B": 80, "C": 50}), letter_of(49.9, {"A": 110, "C": 50})
    ('B', 'D')
    """
    for letter in ("A", "B", "C"):
        if letter in grades and score >= grades[letter]:
            return letter
    return "D"


def _ungraded(subject: Subject, park_id: str, lacks: list[str]) -> RawFinding:
    values = {"column": named_columns(lacks), "rows": [subject.id]}
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=subject,
        title=Message("finding.missing_value", values),
        evidence={
            "measure": "per_mu_score",
            "value": None,
            "missing_column": [f"enterprises.{name}" for name in lacks],
            "missing_rows": [subject.id],
        },
        cure=Message("cure.fill_value", values),
        key="missing",
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "parcel_bound": Check(ParcelBoundParameters, parcel_bound),
        "standard_land": standard_land.STANDARD_LAND,
        "per_mu": Check(PerMuParameters, per_mu),
        "grade": Check(GradeParameters, grade),
    }
)
