"""Admission: chemical parks, the catalogue of industries, energy reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import are_within, belongs_to
from geo_service.model import Message, Severity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    IndustryPrefix,
    NoParameters,
    Outcome,
    Parameters,
    flag_or_none,
    missing_value,
    missing_values,
    text_or_none,
    whole_ground,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

Row = Mapping[str, Any]


class HazardousParameters(Parameters):
    """In which industries an enterprise may make hazardous chemicals though nobody says so."""

    likely: tuple[IndustryPrefix, ...] = ()


class ChemicalParkParameters(Parameters):
    """Which industries belong into a chemical park, whether or not their products are hazardous."""

    chemical: tuple[IndustryPrefix, ...] = Field(min_length=1)


class EnergyParameters(Parameters):
    """From which use of energy on a new project needs a review."""

    at_least_tce: float = Field(default=1_000, gt=0)


def hazardous_outside(case: Case, parameters: HazardousParameters) -> Outcome:
    """Who makes hazardous chemicals stands in a recognised chemical park."""
    outcome = Outcome()
    is_chemical = _chemical_parks(case)

    def may_make_them(rows: pd.DataFrame) -> NDArray[np.bool_]:
        is_likely = np.zeros(len(rows), dtype=bool)
        if parameters.likely:
            is_likely = are_within(rows["industry_code"], parameters.likely)
        is_silent = rows["hazardous_chemicals"].isna().to_numpy(dtype=bool)
        return _is(rows["hazardous_chemicals"], flag=True) | (is_silent & is_likely)

    for row, shape in _rows(case, may_make_them):
        makes = flag_or_none(row["hazardous_chemicals"])
        park_id = text_or_none(row["park_id"])
        subject = Subject("enterprises", row["enterprise_id"])
        outcome.judge(subject, park_id)
        in_one = False if park_id is None else is_chemical.get(park_id)
        if in_one:
            continue
        if makes is None:
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="hazardous_chemicals")
            )
            continue
        if in_one is None:
            outcome.singles.append(_nobody_says(park_id, subject))
            continue
        evidence = {"measure": "hazardous_chemicals", "value": True, "is_chemical_park": False}
        outcome.singles.append(_failed(row, shape, "hazardous_outside", evidence))
    return outcome


def _nobody_says(park_id: str | None, subject: Subject) -> RawFinding:
    """Return the `unknown` of an enterprise whose park may be a chemical park."""
    values = {"park": park_id}
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=subject,
        title=Message("finding.chemical_park_unknown", values),
        evidence={
            "measure": "hazardous_chemicals",
            "value": True,
            "missing_column": "parks.is_chemical_park",
            "missing_rows": [park_id],
        },
        cure=Message("cure.chemical_park_unknown", values),
        key="missing:is_chemical_park",
    )


def hazardous_closures(case: Case, parameters: HazardousParameters) -> list[Closure]:
    """Return what new land is to the case's enterprises: outside every chemical park."""
    found = hazardous_outside(case, parameters).findings
    return _everywhere(case, [finding for finding in found if finding.park_id is None])


def catalogue_closures(case: Case, parameters: NoParameters) -> list[Closure]:
    """Return what all land is to the case's enterprises: closed to a class that is barred."""
    found = catalogue_class(case, parameters).findings
    return _everywhere(case, [item for item in found if item.severity is not Severity.INFO])


def _everywhere(case: Case, findings: list[RawFinding]) -> list[Closure]:
    """Return closures of all ground for what a check says wherever an enterprise stands."""
    failed = [finding for finding in findings if finding.verdict is Verdict.FAIL]
    unsure = [finding for finding in findings if finding.verdict is Verdict.UNKNOWN]
    if not failed:
        return [
            Closure(verdict=Verdict.UNKNOWN, features=None, unknown=finding)
            for finding in unsure[:1]
        ]
    ground = whole_ground(case.plan.metric("parks"))
    features = gpd.GeoDataFrame(
        {"illustrative": [False]}, geometry=[ground], crs=case.plan.metric_crs
    )
    return [Closure(verdict=Verdict.FAIL, features=features)]


def others_in_chemical_park(case: Case, parameters: ChemicalParkParameters) -> Outcome:
    """A recognised chemical park holds no other enterprises than chemical ones."""
    outcome = Outcome()
    chemical = [park_id for park_id, is_one in _chemical_parks(case).items() if is_one]
    for row, shape in _rows(case, lambda rows: rows["park_id"].isin(chemical).to_numpy(dtype=bool)):
        park_id = text_or_none(row["park_id"])
        outcome.judge(Subject("enterprises", row["enterprise_id"]), park_id)
        makes, code = flag_or_none(row["hazardous_chemicals"]), text_or_none(row["industry_code"])
        if makes or belongs_to(code, parameters.chemical):
            continue
        subject = Subject("enterprises", row["enterprise_id"])
        if makes is None:
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="hazardous_chemicals")
            )
            continue
        evidence = {
            "measure": "hazardous_chemicals",
            "value": False,
            "is_chemical_park": True,
            "industry_code": code,
        }
        outcome.singles.append(_failed(row, shape, "other_in_chemical_park", evidence))
    return outcome


def catalogue_class(case: Case, _: NoParameters) -> Outcome:
    """No new project is in a restricted or eliminated class of the catalogue of industries."""
    outcome = Outcome()
    active = active_enterprises(case.plan)
    if active.empty:
        return outcome
    meant = active[case.in_scope(active["park_id"]) & ~_is(active["is_new"], flag=False)]
    outcome.judge_rows("enterprises", meant)
    letters = meant["catalogue_class"]
    is_barred = letters.isin(["restricted", "eliminated"])
    is_lacking = {"catalogue_class": letters.isna(), "is_new": is_barred & meant["is_new"].isna()}
    for column, mask in is_lacking.items():
        rows = meant[mask.to_numpy(dtype=bool)]
        if len(rows):
            outcome.batches.append(
                missing_values(
                    "enterprises",
                    rows["enterprise_id"],
                    rows["park_id"],
                    column,
                    severity=Severity.INFO,
                )
            )
    barred = meant[(is_barred & meant["is_new"].notna()).to_numpy(dtype=bool)]
    for row, shape in _with_shapes(case, barred):
        letter = row["catalogue_class"]
        evidence = {
            "measure": "catalogue_class",
            "value": letter,
            "threshold": ["encouraged", "permitted"],
        }
        told = Message(f"catalogue_class.{letter}")
        outcome.singles.append(_failed(row, shape, "catalogue_class", evidence, **{"class": told}))
    return outcome


def energy_review(case: Case, parameters: EnergyParameters) -> Outcome:
    """A new project that uses much energy has the number of its review.

    Whose use nobody gives may be one of them: that is told, and does not decide over the park.
    """
    outcome = Outcome()

    def uses_much(rows: pd.DataFrame) -> NDArray[np.bool_]:
        used = rows["energy_tce"].to_numpy(dtype=np.float64)
        has_number = rows["energy_review_number"].notna().to_numpy(dtype=bool)
        is_silent = np.isnan(used) & ~has_number & _is(rows["is_new"], flag=True)
        is_large = used >= parameters.at_least_tce
        found: NDArray[np.bool_] = is_silent | (is_large & ~_is(rows["is_new"], flag=False))
        return found

    for row, shape in _rows(case, uses_much):
        is_new, used = flag_or_none(row["is_new"]), row["energy_tce"]
        park_id = text_or_none(row["park_id"])
        subject = Subject("enterprises", row["enterprise_id"])
        outcome.judge(subject, park_id)
        number = text_or_none(row["energy_review_number"])
        if pd.isna(used) and number is None:
            outcome.singles.append(
                missing_value(
                    park_id=park_id, subject=subject, column="energy_tce", severity=Severity.INFO
                )
            )
        elif number is None or (is_none(number) and is_new is None):
            column = "energy_review_number" if number is None else "is_new"
            outcome.singles.append(missing_value(park_id=park_id, subject=subject, column=column))
        elif is_none(number):
            evidence = {
                "measure": "energy_tce",
                "value": float(used),
                "unit": "tce",
                "threshold": parameters.at_least_tce,
                "energy_review_number": number,
            }
            least = parameters.at_least_tce
            outcome.singles.append(
                _failed(row, shape, "energy_review", evidence, used=used, least=least)
            )
    return outcome


def _failed(
    row: Row, shape: BaseGeometry | None, key: str, evidence: Row, **values: object
) -> RawFinding:
    """Return the breach of an enterprise; `key` names its texts, `evidence` its measure."""
    told = {"name": row["name"], **values}
    return RawFinding(
        verdict=Verdict.FAIL,
        park_id=text_or_none(row["park_id"]),
        subject=Subject("enterprises", row["enterprise_id"]),
        title=Message(f"finding.{key}", told),
        evidence={"unit": None, **evidence},
        cure=Message(f"cure.{key}", told),
        geometry=shape,
    )


_NONE_WORDS = frozenset({"无", "没有", "未办理", "未取得", "未批复", "none", "no"})


def is_none(number: str) -> bool:
    """Return whether a document's number says that there is no document.

    >>> is_none("无"), is_none("2020 年第 1 号")
    (True, False)
    """
    return number.strip().lower() in _NONE_WORDS


def _rows(
    case: Case, is_meant: Callable[[pd.DataFrame], NDArray[np.bool_]]
) -> Iterator[tuple[dict[str, Any], BaseGeometry | None]]:
    """Yield every enterprise in scope that a rule may mean, with its position."""
    active = active_enterprises(case.plan)
    if active.empty:
        return
    yield from _with_shapes(case, active[case.in_scope(active["park_id"]) & is_meant(active)])


def _with_shapes(
    case: Case, chosen: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], BaseGeometry | None]]:
    """Yield enterprises with their positions."""
    if chosen.empty:
        return
    shapes = case.plan.metric("enterprises").geometry.reindex(chosen.index)
    yield from zip(rows_of(chosen), shapes, strict=True)


def _is(flags: pd.Series[Any], *, flag: bool) -> NDArray[np.bool_]:
    """Return which flags are given and as asked."""
    told = flags.astype("boolean")
    return (told == flag).fillna(value=False).to_numpy(dtype=bool)


def _chemical_parks(case: Case) -> dict[str, bool | None]:
    """Return for every park whether it is a recognised chemical park, None if nobody says."""
    parks = case.plan.frame("parks")
    return {
        park_id: flag_or_none(cell)
        for park_id, cell in zip(parks["park_id"], parks["is_chemical_park"], strict=True)
    }


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "hazardous_outside": Check(HazardousParameters, hazardous_outside, hazardous_closures),
        "others_in_chemical_park": Check(ChemicalParkParameters, others_in_chemical_park),
        "catalogue_class": Check(NoParameters, catalogue_class, catalogue_closures),
        "energy_review": Check(EnergyParameters, energy_review),
    }
)
