"""Idle land: land not built on in time, and works that were begun and stopped.

What an authority has declared idle is not known here: the product only suspects. A delay that
the government caused is exempt.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import Field

from geo_service.domain.vacancy import is_free
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import Case, Check, Outcome, Parameters, missing_value
from geo_service.zoning.checks.indicator import parcels_without_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry


class IdleParameters(Parameters):
    """After how many years idle land is watched, and fails; and when stopped works count.

    Works count as stopped for too long after `stopped_years` if less than `built_share` is built
    or less than `invested_share` invested.
    """

    watch_years: float = Field(default=1, ge=0)
    fail_years: float = Field(default=2, gt=0)
    stopped_years: float = Field(default=1, gt=0)
    built_share: float = Field(default=1 / 3, ge=0, le=1)
    invested_share: float = Field(default=0.25, ge=0, le=1)


def idle_land(case: Case, parameters: IdleParameters) -> Outcome:
    """No parcel of a park lies idle for long, counted to the day of the review.

    What stood on the land is known up to the day that the data speaks of: it ends the count.

    Land that is not begun counts from the agreed start of works; vacant land without one has not
    been supplied and is left out.
    """
    outcome = Outcome()
    known_until = case.plan.settings.data_date or case.shared.as_of
    day = min(known_until, case.shared.as_of)
    own = case.own("parcels")
    outcome.judge_rows("parcels", own)
    outcome.singles += parcels_without_status(own)
    begun = own["stopped_on"].notna() | (own["built_share"] > 0)
    is_waiting = (
        is_free(own) & (own["agreed_start_on"].notna() | (own["status"] == "idle")) & ~begun
    )
    for parcels_of_kind, judge in (
        (own[is_waiting], _not_begun),
        (own[own["stopped_on"].notna()], _stopped),
    ):
        exempt = parcels_of_kind["government_delay"].astype("boolean").fillna(value=False)
        left = parcels_of_kind[~exempt.to_numpy(dtype=bool)]
        for row, shape in zip(rows_of(left), left.geometry, strict=True):
            finding = judge(row, shape, day, parameters)
            if finding is not None:
                outcome.singles.append(finding)
    return outcome


def _not_begun(
    row: Mapping[str, Any], shape: BaseGeometry, day: date, parameters: IdleParameters
) -> RawFinding | None:
    """Return what is to be said of land on which nothing was begun."""
    subject = Subject("parcels", row["parcel_id"])
    since = row["agreed_start_on"]
    if pd.isna(since):
        return missing_value(park_id=row["park_id"], subject=subject, column="agreed_start_on")
    years = whole_years(since.date(), day)
    if years < parameters.watch_years:
        return None
    verdict = Verdict.FAIL if years >= parameters.fail_years else Verdict.WATCH
    values = {
        "parcel": subject.id,
        "years": Quantity(years, None, beside=parameters.fail_years),
        "day": since.date().isoformat(),
        "until": day.isoformat(),
    }
    return RawFinding(
        verdict=verdict,
        park_id=row["park_id"],
        subject=subject,
        title=Message("finding.idle_land", values),
        evidence={
            "measure": "idle_years",
            "value": years,
            "unit": "years",
            "threshold": parameters.fail_years,
            "watch_threshold": parameters.watch_years,
            "counted_from": values["day"],
            "counted_to": day.isoformat(),
        },
        cure=Message("cure.idle_land", values),
        geometry=shape,
    )


def _stopped(
    row: Mapping[str, Any], shape: BaseGeometry, day: date, parameters: IdleParameters
) -> RawFinding | None:
    """Return what is to be said of works that were begun and stopped."""
    subject = Subject("parcels", row["parcel_id"])
    since = row["stopped_on"].date()
    years = whole_years(since, day)
    if years < parameters.stopped_years:
        return None
    shares = {
        name: None if pd.isna(row[name]) else float(row[name])
        for name in ("built_share", "invested_share")
    }
    limits = {"built_share": parameters.built_share, "invested_share": parameters.invested_share}
    low = [name for name, share in shares.items() if share is not None and share < limits[name]]
    if not low:
        lacking = tuple(name for name, share in shares.items() if share is None)
        if not lacking:
            return None
        return missing_value(park_id=row["park_id"], subject=subject, column=lacking)
    values = {
        "parcel": subject.id,
        "years": Quantity(years, None, beside=parameters.stopped_years),
        "day": since.isoformat(),
        "until": day.isoformat(),
        "what": Message(f"column.{low[0]}"),
        "share": Quantity(float(shares[low[0]] or 0), "share", beside=limits[low[0]]),
        "limit": Quantity(limits[low[0]], "share"),
    }
    return RawFinding(
        verdict=Verdict.WATCH,
        park_id=row["park_id"],
        subject=subject,
        title=Message("finding.idle_stopped", values),
        evidence={
            "measure": "stopped_years",
            "value": years,
            "unit": "years",
            "threshold": parameters.stopped_years,
            "counted_from": since.isoformat(),
            "counted_to": day.isoformat(),
            **shares,
        },
        cure=Message("cure.idle_stopped", values),
        geometry=shape,
        key="stopped",
    )


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


IDLE_LAND = Check(IdleParameters, idle_land)
