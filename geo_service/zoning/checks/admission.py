"""Admission: chemical parks, the catalogue of industries, energy reviews."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import belongs_to
from geo_service.model import Message, Severity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.check import (
    FAR_M,
    Case,
    Check,
    Closure,
    IndustryPrefix,
    NoParameters,
    Outcome,
    Parameters,
    RawFinding,
    missing_value,
    text_or_none,
)

if TYPE_CHECKING:
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
    for row, shape in _rows(case):
        makes, code = _flag(row["hazardous_chemicals"]), text_or_none(row["industry_code"])
        is_likely = belongs_to(code, parameters.likely)
        if makes is False or (makes is None and not is_likely):
            continue
        park_id = text_or_none(row["park_id"])
        outcome.judge(park_id)
        subject = Subject("enterprises", row["enterprise_id"])
        in_one = False if park_id is None else is_chemical.get(park_id)
        if in_one:
            continue
        if makes is None:
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column="hazardous_chemicals")
            )
            continue
        if in_one is None:
            outcome.findings.append(_nobody_says(park_id, subject))
            continue
        values = {"name": row["name"]}
        outcome.findings.append(
            RawFinding(
                verdict=Verdict.FAIL,
                park_id=park_id,
                subject=subject,
                title=Message("finding.hazardous_outside", values),
                evidence={
                    "measure": "hazardous_chemicals",
                    "value": True,
                    "unit": None,
                    "is_chemical_park": False,
                },
                cure=Message("cure.hazardous_outside", values),
                geometry=shape,
            )
        )
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
    west, south, east, north = case.plan.metric("parks").total_bounds
    ground = shapely.box(west - FAR_M, south - FAR_M, east + FAR_M, north + FAR_M)
    features = gpd.GeoDataFrame(
        {"illustrative": [False]}, geometry=[ground], crs=case.plan.metric_crs
    )
    return [Closure(verdict=Verdict.FAIL, features=features)]


def others_in_chemical_park(case: Case, parameters: ChemicalParkParameters) -> Outcome:
    """A recognised chemical park holds no other enterprises than chemical ones."""
    outcome = Outcome()
    is_chemical = _chemical_parks(case)
    for row, shape in _rows(case):
        park_id = text_or_none(row["park_id"])
        if park_id is None or not is_chemical.get(park_id):
            continue
        outcome.judge(park_id)
        makes, code = _flag(row["hazardous_chemicals"]), text_or_none(row["industry_code"])
        if makes or belongs_to(code, parameters.chemical):
            continue
        subject = Subject("enterprises", row["enterprise_id"])
        if makes is None:
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column="hazardous_chemicals")
            )
            continue
        values = {"name": row["name"]}
        outcome.findings.append(
            RawFinding(
                verdict=Verdict.FAIL,
                park_id=park_id,
                subject=subject,
                title=Message("finding.other_in_chemical_park", values),
                evidence={
                    "measure": "hazardous_chemicals",
                    "value": False,
                    "unit": None,
                    "is_chemical_park": True,
                    "industry_code": code,
                },
                cure=Message("cure.other_in_chemical_park", values),
                geometry=shape,
            )
        )
    return outcome


def catalogue_class(case: Case, _: NoParameters) -> Outcome:
    """No new project is in a restricted or eliminated class of the catalogue of industries."""
    outcome = Outcome()
    for row, shape in _rows(case):
        if _flag(row["is_new"]) is False:
            continue
        letter = text_or_none(row["catalogue_class"])
        park_id = text_or_none(row["park_id"])
        outcome.judge(park_id)
        subject = Subject("enterprises", row["enterprise_id"])
        is_barred = letter in {"restricted", "eliminated"}
        lacking = "catalogue_class" if letter is None else "is_new"
        if letter is None or (is_barred and _flag(row["is_new"]) is None):
            outcome.findings.append(
                missing_value(
                    park_id=park_id, subject=subject, column=lacking, severity=Severity.INFO
                )
            )
        elif is_barred:
            values = {"name": row["name"], "class": Message(f"catalogue_class.{letter}")}
            outcome.findings.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.catalogue_class", values),
                    evidence={
                        "measure": "catalogue_class",
                        "value": letter,
                        "unit": None,
                        "threshold": ["encouraged", "permitted"],
                    },
                    cure=Message("cure.catalogue_class", values),
                    geometry=shape,
                )
            )
    return outcome


def energy_review(case: Case, parameters: EnergyParameters) -> Outcome:
    """A new project that uses much energy has the number of its review."""
    outcome = Outcome()
    for row, shape in _rows(case):
        is_new, used = _flag(row["is_new"]), row["energy_tce"]
        if is_new is False or pd.isna(used) or used < parameters.at_least_tce:
            continue
        park_id = text_or_none(row["park_id"])
        outcome.judge(park_id)
        subject = Subject("enterprises", row["enterprise_id"])
        number = text_or_none(row["energy_review_number"])
        if number is None or (is_none(number) and is_new is None):
            column = "energy_review_number" if number is None else "is_new"
            outcome.findings.append(missing_value(park_id=park_id, subject=subject, column=column))
        elif is_none(number):
            values = {"name": row["name"], "used": used, "least": parameters.at_least_tce}
            outcome.findings.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.energy_review", values),
                    evidence={
                        "measure": "energy_tce",
                        "value": float(used),
                        "unit": "tce",
                        "threshold": parameters.at_least_tce,
                        "energy_review_number": number,
                    },
                    cure=Message("cure.energy_review", values),
                    geometry=shape,
                )
            )
    return outcome


_NONE_WORDS = frozenset({"无", "没有", "未办理", "未取得", "未批复", "none", "no"})


def is_none(number: str) -> bool:
    """Return whether a document's number says that there is no document.

    >>> is_none("无"), is_none("2020 年第 1 号")
    (True, False)
    """
    return number.strip().lower() in _NONE_WORDS


def _rows(case: Case) -> Iterator[tuple[dict[str, Any], BaseGeometry | None]]:
    """Yield every enterprise in scope with its position."""
    active = active_enterprises(case.plan)
    if active.empty:
        return
    chosen = active[case.in_scope(active["park_id"])]
    shapes = case.plan.metric("enterprises").geometry.reindex(chosen.index)
    yield from zip(rows_of(chosen), shapes, strict=True)


def _chemical_parks(case: Case) -> dict[str, bool | None]:
    """Return for every park whether it is a recognised chemical park, None if nobody says."""
    parks = case.plan.frame("parks")
    return {
        park_id: _flag(cell)
        for park_id, cell in zip(parks["park_id"], parks["is_chemical_park"], strict=True)
    }


def _flag(cell: Any) -> bool | None:  # noqa: ANN401 - a cell
    return None if pd.isna(cell) else bool(cell)


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "hazardous_outside": Check(HazardousParameters, hazardous_outside, hazardous_closures),
        "others_in_chemical_park": Check(ChemicalParkParameters, others_in_chemical_park),
        "catalogue_class": Check(NoParameters, catalogue_class, catalogue_closures),
        "energy_review": Check(EnergyParameters, energy_review),
    }
)
