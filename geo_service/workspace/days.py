"""Read days as people and programs write them, none of them moved by a time zone.

A time of day is dropped. An offset says where the writer was, so the day is the one written; an
instant in UTC, as programs keep it, is told in China's time.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd

_CHINA = dt.timezone(dt.timedelta(hours=8))
_DAY = re.compile(
    r"(?P<year>\d{4})(?:\s*[年/.\-]\s*(?P<month>\d{1,2})"
    r"(?:\s*[月/.\-]\s*(?P<day>\d{1,2})\s*日?|\s*月?)|(?P<months>\d{2})(?P<days>\d{2}))"
    r"(?:[T\s]*(?P<hour>\d{1,2})[:时](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2})(?:\.\d*)?秒?|分)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|[+\-]\d{2}(?::?\d{2})?)?)?"
)
_LOST_ZERO = re.compile(r"\d{4}\.\d")
"""A year and a month of one digit after a point: 2024.1 is what is left of the number 2024.10."""
_LOOSE = re.compile(r"[:. ]")
"""What pandas would read otherwise than `day_of`: times by their zone, 2024.1 as January."""
_UTC_ZONES = frozenset({"UTC", "UTC+00:00", "+00:00"})
_UTC = frozenset({"Z", "UTC", "GMT", "+00", "+0000", "-00", "-0000"})


def day_of(text: str) -> dt.date | None:
    """Return the day that a text says, the first of a month without one; None if it is none.

    >>> day_of("2024年1月5日"), day_of("2024-01-05T00:00:00+08:00"), day_of("2024-02-30")
    (datetime.date(2024, 1, 5), datetime.date(2024, 1, 5), None)
    >>> day_of("2024-01-04T16:00:00Z")
    datetime.date(2024, 1, 5)
    """
    match = _DAY.fullmatch(text.strip())
    if match is None or _LOST_ZERO.fullmatch(text.strip()):
        return None
    part = {name: value or "" for name, value in match.groupdict().items()}
    month, day = part["month"] or part["months"], part["day"] or part["days"] or "1"
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    try:
        date = dt.date(int(part["year"]), int(month), int(day))
        time = dt.time(hour, minute, second, tzinfo=dt.UTC)
        is_instant = part["zone"].upper().replace(":", "") in _UTC
        found = dt.datetime.combine(date, time)
        return found.astimezone(_CHINA).date() if is_instant else date
    except (ValueError, OverflowError):
        return None


def days_of(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells as days without a time of day; NaT where a cell is empty or no day."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        days: pd.Series[Any] = cells
        if cells.dt.tz is not None:
            is_utc = str(cells.dt.tz) in _UTC_ZONES
            days = (cells.dt.tz_convert(_CHINA) if is_utc else cells).dt.tz_localize(None)
        return pd.Series(days.dt.normalize().dt.as_unit("us"))
    if not cells.notna().any():
        return pd.Series(pd.NaT, index=cells.index, dtype="datetime64[s]")
    text = cells.astype("str").str.strip().where(cells.notna(), None)
    loose = text.str.contains(_LOOSE, na=False).to_numpy(dtype=bool)
    if loose.any():
        values = text.to_numpy(dtype=object, copy=True)
        values[loose] = [day_of(one) for one in values[loose]]
        text = (
            pd.Series(values, index=cells.index, dtype="object")
            .astype("str")
            .where(pd.notna(values), None)
        )
    return pd.Series(pd.to_datetime(text, errors="coerce", format="ISO8601"))
