"""Which enterprises count: those of the latest year that are not closed.

An enterprise has a row for each year. An unknown status counts as not closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.plan import Plan

CLOSED = "closed"
ACTIVE_KEY, YEAR_KEY = "active enterprises", "latest year"
"""Under these keys a plan remembers what this module finds."""


def active_enterprises(plan: Plan) -> pd.DataFrame:
    """Return the enterprises of a plan that count; the index is that of `plan.enterprises`."""

    def make() -> pd.DataFrame:
        frame = plan.frame("enterprises")
        return frame if frame.empty else active_in(frame, latest_year(plan))

    return plan.remember(ACTIVE_KEY, {"enterprises": None}, make)


def active_in(enterprises: pd.DataFrame, year: int | None) -> pd.DataFrame:
    """Return the rows of a year whose enterprise is not closed; none for None."""
    is_open = (enterprises["status"] != CLOSED).fillna(value=True)
    active: pd.DataFrame = enterprises[(enterprises["year"] == year) & is_open]
    return active


def latest_year(plan: Plan) -> int | None:
    """Return the year that a plan's enterprises are counted in; None without enterprises."""

    def make() -> int | None:
        years = plan.frame("enterprises")["year"]
        return int(years.max()) if len(years) else None

    return plan.remember(YEAR_KEY, {"enterprises": frozenset({"year"})}, make)
