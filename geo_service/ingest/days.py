"""Read days as people write them in tables; say why a text is none.

Chinese numerals, years of the Republic, weekdays and times of day are understood. A spreadsheet's
number of a day, and numbers in an open order, are never guessed at.
"""

from __future__ import annotations

import datetime as dt
import re

from geo_service.model import Message
from geo_service.workspace.days import day_of

_YEAR = re.compile(r"\d{4}\s*年?")
_FIRST_YEAR, _LAST_YEAR = 1949, 2200
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DIGITS = {letter: str(at) for at, letter in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "○": "0",
}
_NUMERAL = re.compile(r"[零〇○一二三四五六七八九十廿卅]+")
_WEEKDAY = re.compile(r"\s*[(（]?(?:星期|周|週|礼拜)[一二三四五六日天][)）]?")
_HALF_DAY = re.compile(r"\s*(?:上午|下午|凌晨|早上|中午|晚上?)\s*\d.*")
_REPUBLIC = re.compile(r"(?:中华|中華)?(?:民国|民國)\s*(\d{1,3})\s*年")
_REPUBLIC_FROM = 1911
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－", "-"))
_NUMBER = re.compile(r"[2-7]\d{4}(?:\.\d+)?")
"""Days of 1954 to 2118 as spreadsheets count them."""
_EPOCHS = (dt.date(1899, 12, 30), dt.date(1904, 1, 1))
_OPEN_ORDER = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?:\s.*)?")
_ORDERED = re.compile(r"\d{4}\s*[年/.\-]\s*\d{1,2}\s*[月/.\-]\s*\d{1,2}\s*日?(?:[T\s].*)?|\d{8}")


def day_written(text: str) -> str:
    """Return the day that a text says, as 2024-01-05; the text itself if it says none.

    >>> day_written("二〇二四年三月二十一日"), day_written("民国113年1月5号"), day_written("45292")
    ('2024-03-21', '2024-01-05', '45292')
    """
    day = day_of(text) or day_of(_plain(text))
    return text if day is None else day.isoformat()


def _plain(text: str) -> str:
    """Return a day with digits, in years of our era, without its weekday and its time of day."""
    short = _HALF_DAY.sub("", _WEEKDAY.sub("", text.translate(_DASHES)))
    counted = _NUMERAL.sub(lambda match: _digits(match[0]), short).replace("号", "日")
    return _REPUBLIC.sub(lambda match: f"{int(match[1]) + _REPUBLIC_FROM}年", counted.strip())


def _digits(numeral: str) -> str:
    """Return a numeral in digits: read one by one, or as tens and ones."""
    tens = numeral.replace("廿", "二十").replace("卅", "三十")
    if "十" not in tens:
        return "".join(_DIGITS[letter] for letter in tens)
    before, _, after = tens.partition("十")
    if len(before) > 1 or len(after) > 1:
        return numeral  # 一九十 is no number
    return f"{_DIGITS.get(before, '1')}{_DIGITS.get(after, '0')}"


def why_no_day(text: str) -> Message | None:
    """Return why a text that `day_written` left is no day; None if it may be one, or is unknown."""
    if _DAY.fullmatch(text):
        is_likely = _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR
        key = "no_such_day" if is_likely else "unlikely_day"
        return None if is_likely and day_of(text) else Message(f"import.{key}", {"found": text})
    if _YEAR.fullmatch(text):
        return Message("import.only_year", {"found": text})
    if _NUMBER.fullmatch(text):
        first, other = (epoch + dt.timedelta(int(float(text))) for epoch in _EPOCHS)
        values = {"found": text, "day": first.isoformat(), "other": other.isoformat()}
        return Message("import.day_number", values)
    if _OPEN_ORDER.fullmatch(text):
        return Message("import.day_order", {"found": text[:60]})
    if _ORDERED.fullmatch(text) and day_of(text) is None:
        return Message("import.no_such_day", {"found": text[:60]})
    return None
