"""Enterprises: zombies, and columns that must be filled; what is rare stands in other modules."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

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
    flag_or_none,
    missing_value,
    text_or_none,
)
from geo_service.zoning.checks import admission, idle_land
from geo_service.zoning.names import named_industry


class ZombieParameters(Parameters):
    """The four tests of a zombie enterprise, and how many of them make one."""

    tests: int = Field(default=2, ge=1, le=4)
    stopped_months: float = 6
    half_stopped_months: float = 12
    loss_years: float = 3


def zombie(case: Case, parameters: ZombieParameters) -> Outcome:
    """An enterprise that meets two of four tests may be a zombie; what cannot be told is `unknown`.

    The tests: stopped for 6 months or half-stopped for a year; three years of loss and debts
    above its assets; living on subsidies; long in arrears.
    """
    outcome = Outcome()
    chosen: pd.DataFrame = case.own("enterprises")
    shapes = case.plan.metric("enterprises").geometry.reindex(chosen.index)
    for row, shape in zip(rows_of(chosen), shapes, strict=True):
        outcome.judge(Subject("enterprises", row["enterprise_id"]), row["park_id"])
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
            outcome.singles.append(
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
            columns = tuple(column for name in unsure for column in _lacking(name, row))
            outcome.singles.append(
                missing_value(park_id=row["park_id"], subject=subject, column=columns)
            )
    return outcome


_ZOMBIE_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "stopped": "stopped_months",
        "subsidy": "subsidised",
        "arrears": "in_arrears",
    }
)


def _lacking(test: str, row: Mapping[str, Any]) -> list[str]:
    """Return the columns without which a test cannot be told."""
    if test == "loss":
        return [name for name in ("loss_years", "insolvent") if pd.isna(row[name])]
    return [_ZOMBIE_COLUMNS[test]]


def zombie_tests(row: Mapping[str, Any], parameters: ZombieParameters) -> dict[str, bool | None]:
    """Return whether each test is met by an enterprise's row; None where it cannot be told."""
    status, months = text_or_none(row["status"]), row["stopped_months"]
    stopped: bool | None = None
    if status == "operating":
        stopped = False
    elif status in {"stopped", "half_stopped"} and not pd.isna(months):
        limit = parameters.stopped_months if status == "stopped" else parameters.half_stopped_months
        stopped = bool(months >= limit)
    return {
        "stopped": stopped,
        "loss": _both(
            _reaches(row["loss_years"], parameters.loss_years), flag_or_none(row["insolvent"])
        ),
        "subsidy": flag_or_none(row["subsidised"]),
        "arrears": flag_or_none(row["in_arrears"]),
    }


def _reaches(cell: Any, limit: float) -> bool | None:  # noqa: ANN401 - a cell
    return None if pd.isna(cell) else bool(cell >= limit)


def _both(one: bool | None, other: bool | None) -> bool | None:  # noqa: FBT001 - two answers
    """Return whether both hold; None where that hangs on what nobody knows."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


class FilledParameters(Parameters):
    """Which column of the enterprises must be filled."""

    column: Literal["stage", "industry_code"]


def filled(case: Case, parameters: FilledParameters) -> Outcome:
    """A column of every enterprise in a park has a value; a missing one is `unknown`."""
    outcome = Outcome()
    rows: pd.DataFrame = case.own("enterprises")
    outcome.judge_rows("enterprises", rows)
    if rows.empty:
        return outcome
    for enterprise_id, park_id in rows.loc[
        rows[parameters.column].isna(), ["enterprise_id", "park_id"]
    ].itertuples(index=False):
        subject = Subject("enterprises", enterprise_id)
        outcome.singles.append(
            missing_value(park_id=park_id, subject=subject, column=parameters.column)
        )
    return outcome


def code_known(case: Case, _: NoParameters) -> Outcome:
    """Every industry code stands in GB/T 4754-2017."""
    outcome = Outcome()
    rows: pd.DataFrame = case.own("enterprises")
    if rows.empty:
        return outcome
    known = classification()
    coded = rows[rows["industry_code"].notna()]
    outcome.judge_rows("enterprises", coded)
    shapes = case.plan.metric("enterprises").geometry
    unknown = ~np.array([code in known for code in coded["industry_code"]], dtype=bool)
    columns = ["enterprise_id", "park_id", "name", "industry_code"]
    for index, enterprise_id, park_id, name, code in coded.loc[unknown, columns].itertuples():
        near = known.nearest(code)
        values = {"name": name, "code": code, "near": named_industry(near) if near else "—"}
        outcome.singles.append(
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
        "idle_land": idle_land.IDLE_LAND,
        "filled": Check(FilledParameters, filled),
        "code_known": Check(NoParameters, code_known),
        **admission.CHECKS,
    }
)
