"""Enterprises: zombies, idle land, and columns that must be filled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import classification
from geo_service.model import Message, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    NoParameters,
    Outcome,
    Parameters,
    missing_value,
    text_or_none,
)
from geo_service.zoning.checks.indicator import parcels_without_status
from geo_service.zoning.names import named_industry


class ZombieParameters(Parameters):
    """The four tests of a zombie enterprise, and how many of them make one."""

    tests: int = Field(default=2, ge=1, le=4)
    stopped_months: float = 6
    half_stopped_months: float = 12
    loss_years: float = 3


def zombie(case: Case, parameters: ZombieParameters) -> Outcome:
    """An enterprise that meets two of four tests is a zombie; what cannot be told is `unknown`.

    The tests: stopped for 6 months or half-stopped for a year; three years of loss;
    living on subsidies; long in arrears.
    """
    outcome = Outcome()
    chosen = _in_parks(case)
    shapes = case.plan.metric("enterprises").geometry.reindex(chosen.index)
    for row, shape in zip(rows_of(chosen), shapes, strict=True):
        outcome.judge(row["park_id"])
        answers = zombie_tests(row, parameters)
        met = [name for name, answer in answers.items() if answer]
        unsure = [name for name, answer in answers.items() if answer is None]
        subject = Subject("enterprises", row["enterprise_id"])
        values = {
            "name": row["name"],
            "tests": [Message(f"zombie.{name}") for name in met],
            "count": len(met),
        }
        if len(met) >= parameters.tests:
            outcome.findings.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=row["park_id"],
                    subject=subject,
                    title=Message("finding.zombie", values),
                    evidence={
                        "measure": "zombie_tests_met",
                        "value": len(met),
                        "unit": "count",
                        "threshold": parameters.tests,
                        "tests": dict(answers),
                    },
                    cure=Message("cure.zombie", values),
                    geometry=shape,
                )
            )
        elif len(met) + len(unsure) >= parameters.tests:
            columns = tuple(_ZOMBIE_COLUMNS[name] for name in unsure)
            outcome.findings.append(
                missing_value(park_id=row["park_id"], subject=subject, column=columns)
            )
    return outcome


_ZOMBIE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "stopped": "stopped_months",
        "loss": "loss_years",
        "subsidy": "subsidised",
        "arrears": "in_arrears",
    }
)


def zombie_tests(row: Mapping[str, Any], parameters: ZombieParameters) -> dict[str, bool | None]:
    """Return whether each test is met by an enterprise's row; None where it cannot be told."""
    status, months = text_or_none(row["status"]), row["stopped_months"]
    stopped: bool | None = None
    if status == "operating":
        stopped = False
    elif status in {"stopped", "half_stopped"} and not pd.isna(months):
        limit = parameters.stopped_months if status == "stopped" else parameters.half_stopped_months
        stopped = bool(months >= limit)
    years = row["loss_years"]
    return {
        "stopped": stopped,
        "loss": None if pd.isna(years) else bool(years >= parameters.loss_years),
        "subsidy": None if pd.isna(row["subsidised"]) else bool(row["subsidised"]),
        "arrears": None if pd.isna(row["in_arrears"]) else bool(row["in_arrears"]),
    }


def _in_parks(case: Case) -> pd.DataFrame:
    active = active_enterprises(case.plan)
    if active.empty:
        return active
    chosen: pd.DataFrame = active[active["park_id"].isin(case.parks["park_id"])]
    return chosen


class IdleParameters(Parameters):
    """After how many years idle land is watched, and fails."""

    watch_years: float = Field(default=1, ge=0)
    fail_years: float = Field(default=2, gt=0)


def idle_land(case: Case, parameters: IdleParameters) -> Outcome:
    """No parcel of a park lies idle for long, counted to the day the data speaks of."""
    outcome = Outcome()
    day = case.plan.settings.data_date or case.shared.as_of
    parcels = case.plan.metric("parcels")
    is_own = parcels["park_id"].isin(case.parks["park_id"])
    outcome.judge_all(parcels.loc[is_own, "park_id"])
    outcome.findings += parcels_without_status(parcels[is_own])
    idle = parcels[is_own & (parcels["status"] == "idle")]
    columns = ["parcel_id", "park_id", "idle_since"]
    for (parcel_id, park_id, since), shape in zip(
        idle[columns].itertuples(index=False), idle.geometry, strict=True
    ):
        subject = Subject("parcels", parcel_id)
        if pd.isna(since):
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column="idle_since")
            )
            continue
        years = whole_years(since.date(), day)
        if years < parameters.watch_years:
            continue
        verdict = Verdict.FAIL if years >= parameters.fail_years else Verdict.WATCH
        outcome.findings.append(
            _idle_finding(subject, park_id, shape, years, day, verdict, parameters)
        )
    return outcome


def whole_years(since: date, until: date) -> float:
    """Return the years between two days by the calendar: anniversaries, then a fraction.

    >>> whole_years(date(2024, 1, 1), date(2026, 1, 1))
    2.0
    >>> whole_years(date(2024, 2, 29), date(2026, 3, 1))
    2.0
    """
    years = until.year - since.year - ((until.month, until.day) < (since.month, since.day))
    last = _anniversary(since, years)
    return years + (until - last).days / ((_anniversary(since, years + 1) - last).days)


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)


def _idle_finding(  # noqa: PLR0913, PLR0917 - the parts of one finding
    subject: Subject,
    park_id: str,
    shape: Any,  # noqa: ANN401 - a shape
    years: float,
    day: date,
    verdict: Verdict,
    parameters: IdleParameters,
) -> RawFinding:
    values = {"parcel": subject.id, "years": years}
    return RawFinding(
        verdict=verdict,
        park_id=park_id,
        subject=subject,
        title=Message("finding.idle_land", values),
        evidence={
            "measure": "idle_years",
            "value": years,
            "unit": "years",
            "threshold": parameters.fail_years,
            "watch_threshold": parameters.watch_years,
            "counted_to": day.isoformat(),
        },
        cure=Message("cure.idle_land", values),
        geometry=shape,
    )


class FilledParameters(Parameters):
    """Which column of the enterprises must be filled."""

    column: Literal["stage", "industry_code"]


def filled(case: Case, parameters: FilledParameters) -> Outcome:
    """A column of every enterprise in a park has a value; a missing one is `unknown`."""
    outcome = Outcome()
    rows = _in_parks(case)
    outcome.judge_all(rows["park_id"])
    if rows.empty:
        return outcome
    for enterprise_id, park_id in rows.loc[
        rows[parameters.column].isna(), ["enterprise_id", "park_id"]
    ].itertuples(index=False):
        subject = Subject("enterprises", enterprise_id)
        outcome.findings.append(
            missing_value(park_id=park_id, subject=subject, column=parameters.column)
        )
    return outcome


def code_known(case: Case, _: NoParameters) -> Outcome:
    """Every industry code stands in GB/T 4754-2017."""
    outcome = Outcome()
    rows = _in_parks(case)
    if rows.empty:
        return outcome
    known = classification()
    coded = rows[rows["industry_code"].notna()]
    outcome.judge_all(coded["park_id"])
    shapes = case.plan.metric("enterprises").geometry
    unknown = ~np.array([code in known for code in coded["industry_code"]], dtype=bool)
    columns = ["enterprise_id", "park_id", "name", "industry_code"]
    for index, enterprise_id, park_id, name, code in coded.loc[unknown, columns].itertuples():
        near = known.nearest(code)
        values = {"name": name, "code": code, "near": named_industry(near) if near else "—"}
        outcome.findings.append(
            RawFinding(
                verdict=Verdict.FAIL,
                park_id=park_id,
                subject=Subject("enterprises", enterprise_id),
                title=Message("finding.code_unknown", values),
                evidence={
                    "measure": "industry_code",
                    "value": code,
                    "unit": None,
                    "threshold": "GB/T 4754-2017",
                    "nearest": near,
                },
                cure=Message("cure.code_unknown", values),
                geometry=shapes[index],
            )
        )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "zombie": Check(ZombieParameters, zombie),
        "idle_land": Check(IdleParameters, idle_land),
        "filled": Check(FilledParameters, filled),
        "code_known": Check(NoParameters, code_known),
    }
)
