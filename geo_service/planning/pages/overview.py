"""The county on one screen: key figures, which parks need a decision, shares against their line.

Figures are of the parks that fit the filters. Each tells its year, the years before, how many rows
say their value, and leads to these rows.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetools import LRUCache

from geo_service.errors import NotFoundError
from geo_service.model import Tier, Verdict
from geo_service.planning.downloads import Download, file_name
from geo_service.planning.pages.park_verdict import ParkReason, decisive_reason, pass_share_of
from geo_service.planning.review_files import MEDIA_TYPES, ExportFormat
from geo_service.reports.document import Document, is_illustrative, plain
from geo_service.wording import said, shorten
from geo_service.zoning.county_figures import (
    CountyFigure,
    FigureName,
    county_figures,
    figure_rows,
)
from geo_service.zoning.seen import SeenReview

if TYPE_CHECKING:
    from geo_service.language import Language
    from geo_service.planning.scenarios import ScenarioDesk
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Slice
    from geo_service.zoning.review import Review

_KEPT = 64
_TIERS = list(Tier)


@dataclass(frozen=True)
class ParkFilter:
    """Which parks are asked for; None for what does not matter."""

    tier: str | None = None
    verdict: str | None = None
    basis: str | None = None

    def ids(self, review: Review) -> list[str]:
        """Return the parks of a review that fit, in the order of the layer."""
        parks = review.plan.frame("parks")
        return [
            park_id
            for park_id, tier in zip(parks["park_id"].astype(str), parks["tier"], strict=True)
            if (self.tier is None or tier == self.tier)
            and (self.verdict is None or review.park_verdicts[park_id] == self.verdict)
            and (self.basis is None or self.basis in review.rests_on[park_id])
        ]


class OverviewDesk:
    """The leader's page of the current review. Methods are safe to call from several threads.

    With the id of a `scenario`, of its review; NotFoundError for an unknown one.
    """

    def __init__(self, state: ServiceState, *, scenarios: Callable[[], ScenarioDesk]) -> None:
        self._state = state
        self._scenarios = scenarios
        self._lock = threading.Lock()
        self._figures: LRUCache[object, list[CountyFigure]] = LRUCache(_KEPT)
        self._reasons: LRUCache[object, Mapping[str, ParkReason]] = LRUCache(_KEPT)

    def document(
        self, language: Language, asked: ParkFilter, *, scenario: str | None = None
    ) -> Document:
        """Return the figures of the parks that are asked for, and the reason of each verdict.

        `decisions` are the parks that fail, or that have the verdict that is asked for, the worst
        first.
        """
        review = self._review_of(scenario)
        chosen = asked.ids(review)
        reasons = self._reasons_of(review, language)
        wanted = asked.verdict or Verdict.FAIL.value
        return {
            "review_id": review.review_id,
            "parks": len(chosen),
            "figures": [_figure(figure) for figure in self._figures_of(review, asked, chosen)],
            "focus_basis": review.plan.settings.focus_basis.value,
            "pass_share": pass_share_of(review),
            "decided_on": wanted,
            "decisions": _worst_first(
                review, [name for name in chosen if review.park_verdicts[name] == wanted], reasons
            ),
            "reasons": {park_id: _reason(reason) for park_id, reason in reasons.items()},
        }

    def rows(
        self,
        name: str,
        language: Language,
        asked: ParkFilter,
        slice_: Slice,
        *,
        scenario: str | None = None,
    ) -> Document:
        """Return a page of the rows behind a figure, the greatest first, unknown ones last.

        NotFoundError for a name that no figure has.
        """
        if name not in set(FigureName):
            raise NotFoundError(said("problem.no_figure", figure=repr(shorten(name))))
        review = self._review_of(scenario)
        translator = self._state.translator(language)
        limit, offset = slice_
        chosen = asked.ids(review)
        figures = self._figures_of(review, asked, chosen)
        rows = figure_rows(review, FigureName(name), chosen)
        parks = review.plan.frame("parks")
        names = dict(zip(parks["park_id"], parks["name"], strict=True))
        shown = rows.iloc[offset : offset + limit].to_dict("records")
        return {
            **_figure(next(figure for figure in figures if figure.name == name)),
            "numberMatched": len(rows),
            "numberReturned": len(shown),
            "rows": [
                {
                    "id": row["id"],
                    "label": translator.convert(str(row["label"])),
                    "park_id": row["park_id"],
                    "park": translator.convert(str(names.get(row["park_id"], row["park_id"]))),
                    "value": plain(row["value"]),
                }
                for row in shown
            ],
        }

    def export(
        self, name: str, language: Language, asked: ParkFilter, *, scenario: str | None = None
    ) -> Download:
        """Return all rows behind a figure as a workbook; raises as `rows`."""
        # Its library is heavy, and most who look at figures save none.
        from geo_service.reports.figure_xlsx import figure_xlsx  # noqa: PLC0415

        review = self._review_of(scenario)
        translator = self._state.translator(language)
        every = (sys.maxsize, 0)
        document = self.rows(name, language, asked, every, scenario=scenario) | {
            "as_of": review.as_of.isoformat(),
            "illustrative": is_illustrative(review.plan),
            "confidentiality": review.plan.settings.confidentiality,
        }
        county = translator.pick(review.plan.settings.name)
        words = f"{county}_{translator.text(f'home.figure_{name}')}_{review.as_of.isoformat()}"
        content = figure_xlsx(document, translator, county=county)
        return Download(file_name(words, "xlsx"), MEDIA_TYPES[ExportFormat.XLSX], content)

    def _review_of(self, scenario: str | None) -> Review:
        return self._state.review if scenario is None else self._scenarios().judged(scenario).review

    def _figures_of(
        self, review: Review, asked: ParkFilter, chosen: Sequence[str]
    ) -> list[CountyFigure]:
        key = (review.review_id, asked)
        with self._lock:
            kept = self._figures.get(key)
        if kept is None:
            kept = county_figures(review, frozenset(chosen))
            public = review.public if isinstance(review, SeenReview) else None
            if public is not None:
                is_whole = asked == ParkFilter() and len(chosen) == len(public.focus)
                kept = public.figures_of(kept, is_whole=is_whole)
            with self._lock:
                self._figures[key] = kept
        return kept

    def _reasons_of(self, review: Review, language: Language) -> Mapping[str, ParkReason]:
        key = (review.review_id, language)
        with self._lock:
            kept = self._reasons.get(key)
        if kept is None:
            translator = self._state.translator(language)
            told = {name: decisive_reason(review, name, translator) for name in review.park_ids}
            kept = {name: reason for name, reason in told.items() if reason is not None}
            with self._lock:
                self._reasons[key] = kept
        return kept


def _figure(figure: CountyFigure) -> Document:
    now = figure.now
    return {
        "name": figure.name.value,
        "value": plain(now.value),
        "year": figure.year,
        "counted": now.counted,
        "of": now.rows,
        "change": plain(figure.change),
        "withheld": figure.is_withheld,
        "series": [
            {"year": year, "value": plain(found.value), "counted": found.counted}
            for year, found in figure.by_year.items()
            if year is not None
        ],
    }


def _reason(reason: ParkReason) -> Document:
    return {
        "rule_id": reason.rule_id,
        "text": reason.text,
        "rules": reason.rules,
        "findings": reason.findings,
    }


def _worst_first(
    review: Review, park_ids: Sequence[str], reasons: Mapping[str, ParkReason]
) -> list[Document]:
    """Return parks with their reasons: those of most rules first, then of most findings."""
    parks = review.plan.frame("parks")
    tiers = dict(zip(parks["park_id"].astype(str), parks["tier"], strict=True))

    def gravity(park_id: str) -> tuple[int, int, int, str]:
        reason = reasons.get(park_id)
        rules, findings = (reason.rules, reason.findings) if reason else (0, 0)
        return (-rules, -findings, _TIERS.index(Tier(tiers[park_id])), park_id)

    return [
        {"park_id": park_id, **(_reason(reasons[park_id]) if park_id in reasons else {})}
        for park_id in sorted(park_ids, key=gravity)
    ]


__all__ = ["FigureName", "OverviewDesk", "ParkFilter"]
