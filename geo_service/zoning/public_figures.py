"""What the public is told of enterprises: counts of parks, leading shares, sums of the county.

Of a whole review, with everything withheld that `domain.disclosure` withholds. Counts are told
of each park and of the county together, and of no other group of parks: what can be told of a
group tells of those outside it. Amounts are in CNY and m², shares 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geo_service.domain.disclosure import (
    LEAST_COUNT,
    is_share_told,
    is_sum_told,
    told_counts,
)
from geo_service.domain.enterprises import active_in
from geo_service.industry import Belonging
from geo_service.model import FocusBasis
from geo_service.zoning.county_figures import (
    CountyFigure,
    FigureName,
    FigureValue,
    county_figures,
)
from geo_service.zoning.focus import BASIS_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.zoning.focus import Focus
    from geo_service.zoning.review import Review

WITHHELD = FigureValue(None, 0, 0)
OF_ENTERPRISES = frozenset(FigureName) - {FigureName.VACANT_FLOORS, FigureName.FREE_LAND}
"""The figures that rest on enterprises."""
_SUMMED: Mapping[FigureName, tuple[str, ...]] = {
    FigureName.OUTPUT: ("output_cny",),
    FigureName.TAX: ("tax_cny",),
    FigureName.OUTPUT_PER_MU: ("output_cny", "land_m2"),
}


@dataclass(frozen=True)
class PublicFigures:
    """Focus by park, and figures of the county, as they may be told to everybody."""

    focus: Mapping[str, Focus]
    county: Sequence[CountyFigure]

    @classmethod
    def of(cls, review: Review) -> PublicFigures:
        """Return what a review's figures come to for the public."""
        frame = review.plan.frame("enterprises")
        frame = frame[frame["park_id"].isin(review.park_ids).to_numpy(dtype=bool, na_value=False)]
        ids = list(review.park_ids)
        # Every park of the county is a cell of the table, whichever are told of.
        told = told_counts([review.focus[park_id].enterprise_count or 0 for park_id in ids])
        focus = {
            park_id: _public_focus(review.focus[park_id], frame, count)
            for park_id, count in zip(ids, told.cells, strict=True)
        }
        whole = county_figures(review, frozenset(ids))
        county = [_public_figure(figure, frame, told.total, focus) for figure in whole]
        return cls(focus, county)

    def figures_of(self, own: Sequence[CountyFigure], *, is_whole: bool) -> list[CountyFigure]:
        """Return figures of some parks: those of enterprises only of the county as a whole."""
        public = {figure.name: figure for figure in self.county}
        return [
            figure
            if figure.name not in OF_ENTERPRISES
            else (public[figure.name] if is_whole else _withheld(public[figure.name]))
            for figure in own
        ]


def _public_focus(focus: Focus, frame: pd.DataFrame, count: int | None) -> Focus:
    """Return a park's focus with what may be told: its count, and the leading shares."""
    own = active_in(frame, focus.year)
    own = own[(own["park_id"] == focus.park_id).to_numpy(dtype=bool, na_value=False)]
    is_leading = np.array(
        [focus.belonging(code) is Belonging.LEADING for code in own["industry_code"]], dtype=bool
    )
    shares: dict[FocusBasis, float | None] = dict.fromkeys(FocusBasis)
    for basis, column in BASIS_COLUMNS.items():
        amounts = (
            np.ones(len(own))
            if column is None
            else own[column].to_numpy("float64", na_value=np.nan)
        )
        if count is not None and is_share_told(amounts[is_leading], amounts[~is_leading]):
            shares[basis] = focus.shares[basis]
    return replace(
        focus,
        enterprise_count=count,
        shares=shares,
        supporting_shares=dict.fromkeys(FocusBasis),
        leading_total=None,
        total=None,
        top_industry=None,
        top_industries=(),
        top_share=None,
        hhi=None,
        entropy=None,
        location_quotient=None,
        missing=dict.fromkeys(FocusBasis, ()),
        uncoded=(),
    )


def _public_figure(
    figure: CountyFigure, frame: pd.DataFrame, total: int | None, focus: Mapping[str, Focus]
) -> CountyFigure:
    if figure.name not in OF_ENTERPRISES:
        return figure
    if figure.name is FigureName.LEADING_SHARE:
        return _public_median(figure, focus)
    by_year = {}
    for year, value in figure.by_year.items():
        own = active_in(frame, year)
        if figure.name is FigureName.ENTERPRISES:
            is_told = len(own) >= LEAST_COUNT and (year != figure.year or total is not None)
        else:
            columns = (
                own[name].to_numpy("float64", na_value=np.nan) for name in _SUMMED[figure.name]
            )
            is_told = all(is_sum_told(column[~np.isnan(column)]) for column in columns)
        by_year[year] = FigureValue(value.value, 0, 0) if is_told else WITHHELD
    return replace(figure, by_year=by_year, is_withheld=by_year[figure.year].value is None)


def _public_median(figure: CountyFigure, focus: Mapping[str, Focus]) -> CountyFigure:
    """Return the median of this year if every share that it rests on is told, else none.

    It is some park's own share, or the middle of two; of fewer parks it is another figure.
    """
    shares = [item.shares[item.basis] for item in focus.values()]
    told = [share for share in shares if share is not None]
    now = figure.by_year[figure.year]
    if len(told) < now.counted or len(told) < LEAST_COUNT:
        return _withheld(figure)
    return replace(figure, by_year={figure.year: now}, is_withheld=False)


def _withheld(figure: CountyFigure) -> CountyFigure:
    return replace(figure, by_year={figure.year: WITHHELD}, is_withheld=True)
