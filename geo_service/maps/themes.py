"""What thematic maps colour parks by: their industry group, shares, output, taxes, vacancy, change.

A theme gives each park a class, or none where its figure is unknown: unknown is a class of its own.
Figures are those of a review and its plan, for enterprises of its year that are not closed; one
missing value makes a park's figure unknown. Money is in CNY, areas in m², shares are 0 to 1.
Figures fall into at most five classes of about equally many parks, with limits of two digits; a
class holds its lower limit, and the last one its upper limit too. Leaves out colours (`style`) and
how a figure is written (the page).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.domain.enterprises import latest_year
from geo_service.domain.park_sums import enterprise_sums, floor_vacancies, per_mu
from geo_service.maps.style import THEME_CLASSES, THEME_KINDS
from geo_service.model import Verdict

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review

UNKNOWN = "theme.unknown"
"""The symbol of parks whose figure is unknown."""
_DIGITS = 2
_HAIR = 1e-9
_GRAVITY = {Verdict.PASS: 0, Verdict.WATCH: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeClass:
    """One class of a theme: a span of figures, or one value and what it is called."""

    symbol: str
    low: float | None = None
    high: float | None = None
    label: str | None = None
    """None for a span, which the page writes."""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkTheme:
    """What parks are coloured by: the classes, and each park's symbol and figure.

    `form` says how a figure is written: `share`, `money`, `money_per_mu`, or `text` for a class
    that has a name.
    """

    name: str
    form: str
    classes: tuple[ThemeClass, ...]
    symbols: Mapping[str, str]
    figures: Mapping[str, float | None]
    year: int | None = None


def themes_of(
    review: Review, translator: Translator, verdicts_before: Mapping[str, str] | None = None
) -> tuple[ParkTheme, ...]:
    """Return the themes of a review's parks, in the order of the menu.

    `verdicts_before` are the parks' verdicts in the review before; without them there is no theme
    of changes.
    """
    ids = list(review.parks["park_id"])
    year = latest_year(review.plan)
    shares = {
        park_id: review.focus[park_id].shares.get(review.focus[park_id].basis) for park_id in ids
    }
    sums = enterprise_sums(review.plan, ids)
    found = [
        _groups(review, ids, translator),
        _figures("leading_share", "share", shares, year),
        _figures("output", "money", sums["output_cny"], year),
        _figures("tax_per_mu", "money_per_mu", per_mu(sums["tax_cny"], sums["land_m2"]), year),
        _figures("vacancy", "share", floor_vacancies(review.plan, ids), None),
    ]
    if verdicts_before is not None:
        found.append(_changes(review, ids, verdicts_before, translator))
    return tuple(found)


def class_limits(values: Iterable[float], count: int = THEME_CLASSES) -> list[float]:
    """Return the limits of classes of about equally many values, each of two digits.

    The first is at most the least value and the last at least the greatest; limits that would
    be the same stand once. No values give no limits, values that are all alike two equal ones.

    >>> class_limits([1.04, 2, 3, 4, 5, 6, 7, 8, 9, 10.2])
    [1.0, 2.8, 4.6, 6.4, 8.2, 11.0]
    """
    known = np.sort(np.fromiter(values, dtype=float))
    if not len(known):
        return []
    if known[0] == known[-1]:
        return [float(known[0]), float(known[0])]
    inner = np.quantile(known, np.arange(1, count) / count)
    limits = [_rounded(float(value)) for value in inner]
    low, high = _rounded(float(known[0]), down=True), _rounded(float(known[-1]), down=False)
    return sorted({low, high, *(value for value in limits if low < value < high)})


def _rounded(value: float, *, down: bool | None = None) -> float:
    """Round to two digits; up or down if `down` is given."""
    if value == 0 or not isfinite(value):
        return value
    unit = 10.0 ** (floor(log10(abs(value))) - _DIGITS + 1)
    steps = value / unit
    nearest = round(steps)
    # What is two digits already stays, whatever the last bit of the division says.
    if abs(steps - nearest) > _HAIR and down is not None:
        nearest = floor(steps) if down else floor(steps) + 1
    return float(f"{nearest * unit:.{_DIGITS}g}")


def _figures(
    name: str, form: str, figures: Mapping[str, float | None], year: int | None
) -> ParkTheme:
    known = {park_id: value for park_id, value in figures.items() if value is not None}
    limits = class_limits(known.values())
    spans = list(pairwise(limits))
    ramp = _spread(len(spans))
    symbols = {
        park_id: UNKNOWN if value is None else ramp[_position(value, limits)]
        for park_id, value in figures.items()
    }
    classes = [
        ThemeClass(symbol=symbol, low=low, high=high)
        for (low, high), symbol in zip(spans, ramp, strict=True)
    ]
    return ParkTheme(
        name=name,
        form=form,
        classes=_counted(classes, symbols),
        symbols=symbols,
        figures=figures,
        year=year,
    )


def _spread(count: int) -> list[str]:
    """Return the symbols of so many classes, from light to dark over the whole ramp."""
    if count == 1:
        return [f"theme.class_{(THEME_CLASSES + 1) // 2}"]
    places = np.linspace(1, THEME_CLASSES, count).round().astype(int)
    return [f"theme.class_{place}" for place in places]


def _position(value: float, limits: Sequence[float]) -> int:
    """Return which span a figure is in."""
    inner = limits[1:-1]
    return int(np.searchsorted(inner, value, side="right"))


def _counted(classes: Sequence[ThemeClass], symbols: Mapping[str, str]) -> tuple[ThemeClass, ...]:
    """Return the classes with how many parks each has, and the one of unknown figures last."""
    named = [*classes, ThemeClass(symbol=UNKNOWN)]
    numbers = pd.Series(symbols, dtype=object).value_counts()
    return tuple(
        ThemeClass(
            symbol=item.symbol,
            low=item.low,
            high=item.high,
            label=item.label,
            count=int(numbers.get(item.symbol, 0)),
        )
        for item in named
    )


def _groups(review: Review, ids: Sequence[str], translator: Translator) -> ParkTheme:
    """Colour parks by industry group; of more than eight groups the last ones share a colour."""
    names = review.plan.settings.groups.names
    column = dict(zip(review.parks["park_id"], review.parks["industry_group"], strict=True))
    order = [group for group in names if group in set(column.values())]
    place = {group: min(position, THEME_KINDS) for position, group in enumerate(order, start=1)}
    symbols = {
        park_id: f"theme.kind_{place[column[park_id]]}" if column[park_id] in place else UNKNOWN
        for park_id in ids
    }
    by_symbol: dict[str, list[str]] = {}
    for group in order:
        words = translator.pick(names[group])
        by_symbol.setdefault(f"theme.kind_{place[group]}", []).append(words)
    classes = [
        ThemeClass(symbol=symbol, label=translator.listed(words))
        for symbol, words in by_symbol.items()
    ]
    return ParkTheme(
        name="industry_group",
        form="text",
        classes=_counted(classes, symbols),
        symbols=symbols,
        figures={},
    )


def _changes(
    review: Review,
    ids: Sequence[str],
    verdicts_before: Mapping[str, str],
    translator: Translator,
) -> ParkTheme:
    """Colour parks by whether their verdict is worse or better than in the review before."""
    symbols = {
        park_id: _change(verdicts_before.get(park_id), review.park_verdicts[park_id])
        for park_id in ids
    }
    classes = [
        ThemeClass(symbol=f"theme.{name}", label=translator.text(f"theme.{name}"))
        for name in ("worse", "better", "became_unknown", "unchanged")
    ]
    return ParkTheme(
        name="change",
        form="text",
        classes=_counted(classes, symbols),
        symbols=symbols,
        figures={},
    )


def _change(before: str | None, after: Verdict) -> str:
    if before is None:
        return UNKNOWN
    if before == after:
        return "theme.unchanged"
    if after is Verdict.UNKNOWN:
        return "theme.became_unknown"
    # What was unknown and is known now is better if it complies, else worse.
    then = _GRAVITY.get(Verdict(before), 0 if after is not Verdict.PASS else 1)
    return "theme.worse" if _GRAVITY[after] > then else "theme.better"
