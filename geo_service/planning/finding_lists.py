"""Lists and counts of a review's findings, alike for one at hand and for one that was saved.

What a search needs (the texts of a review in a language) and what a saved review is read from are
made when they are first asked for and kept, the latest, up to a number of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo_service.language import Language, Translator
from geo_service.planning.finding_rows import FindingRows, LiveRows, SavedRows
from geo_service.planning.finding_words import FindingWords
from geo_service.planning.made_once import MadeOnce
from geo_service.zoning.finding_desk import (
    Group,
    GroupBy,
    Tally,
    groups_of,
    matrix_of,
    merged_rows,
)
from geo_service.zoning.portions import FINDING_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.reports.document import Document, Slice
    from geo_service.zoning.finding_table import FindingQuery
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rulebook

WORDS_BYTES = 200_000_000
"""How much of the texts that findings are searched by is kept."""
SAVED_BYTES = 200_000_000
"""How much of saved reviews that cannot be made again is kept, packed."""

MOST_REASONS = 20
"""Reasons that are named of a group, the gravest first."""


class FindingLists:
    """The findings of a county's reviews. Methods are safe to call from several threads."""

    def __init__(self) -> None:
        self._words = MadeOnce[FindingWords](WORDS_BYTES, lambda made: made.size)
        self._saved = MadeOnce[SavedRows](SAVED_BYTES, lambda made: made.size)

    def rows(
        self,
        review_id: str,
        language: Language,
        *,
        at_hand: Review | None,
        load: Callable[[], Document],
        rulebook: Rulebook,
    ) -> FindingRows:
        """Return the findings of a review at hand, else of the document that `load` returns."""
        if at_hand is not None:
            return LiveRows(at_hand)
        return self._saved.of((review_id, language), lambda: SavedRows(load(), rulebook))

    def asked(
        self,
        review_id: str,
        rows: FindingRows,
        query: FindingQuery,
        translator: Translator,
        own: NDArray[np.bool_] | None = None,
    ) -> AskedFindings:
        """Return the findings of a review that a query is about, among some or all."""
        fitting = None
        wanted = (query.words or "").strip()
        if FINDING_ID.fullmatch(wanted):
            fitting = rows.table.ids == wanted
        elif wanted:
            key = (review_id, *rows.words_key(translator.language))
            words = self._words.of(key, lambda: rows.make_words(translator))
            fitting = words.matches(wanted, rows.table)
        if own is not None:
            fitting = own if fitting is None else fitting & own
        if query.bbox is not None:
            near = rows.table.near(query)
            near = near if fitting is None else near[fitting[near]]
            fitting = np.zeros(len(rows.table), dtype=bool)
            fitting[near] = rows.meeting(query.bbox, near)
        return AskedFindings(rows, query, translator, fitting)


@dataclass(frozen=True)
class AskedFindings:
    """The findings of one review that a query is about."""

    rows: FindingRows
    query: FindingQuery
    translator: Translator
    fitting: NDArray[np.bool_] | None

    def positions(self) -> NDArray[np.intp]:
        """Return their positions in the review, in the query's order."""
        return self.rows.table.chosen(self.query, self.fitting)

    def page(self, slice_: Slice, *, has_geometry: bool) -> tuple[list[Document], int]:
        """Return a slice of them as features, and how many there are."""
        limit, offset = slice_
        found = self.positions()
        chosen: Sequence[int] = found[offset : offset + limit].tolist()
        features = self.rows.features(chosen, self.translator, has_geometry=has_geometry)
        return features, len(found)

    def counts(self) -> Document:
        """Return how many there are, and by facet under all other filters."""
        found = self.rows.table.counts(self.query, self.fitting)
        return {
            "numberMatched": found.matched,
            **{f"by_{name}": dict(counts) for name, counts in found.by.items()},
            **{f"without_{name}": count for name, count in found.without.items()},
        }

    def desk(self, by: GroupBy) -> Document:
        """Return the matrix of parks and families, and the groups of what the query means."""
        table = self.rows.table
        found = self.positions()
        cells = matrix_of(table, self.query, self.fitting)
        parks: list[str | None] = [*table.facets["park"].names, None]
        return {
            "numberMatched": len(found),
            "by": by.value,
            "families": list(table.facets["family"].names),
            "matrix": [_matrix_row(park, cells[park]) for park in parks if park in cells],
            "groups": [_group(group) for group in groups_of(table, found, by)],
        }

    def merged(self, slice_: Slice) -> Document:
        """Return a slice of the rows of what the query means, and how many rows and findings."""
        limit, offset = slice_
        found = self.positions()
        every = merged_rows(self.rows.table, found)
        rows = every.at(offset, limit)
        told = self.rows.features(
            [row.position for row in rows], self.translator, has_geometry=False
        )
        return {
            "numberMatched": len(every),
            "numberReturned": len(rows),
            "findings": len(found),
            "rows": [
                {
                    **feature["properties"],
                    "merged": {"findings": row.findings, "by_layer": dict(row.by_layer)},
                }
                for row, feature in zip(rows, told, strict=True)
            ],
        }


def _tally(tally: Tally) -> Document:
    verdict = tally.verdict.value
    return {"findings": tally.findings, "counting": tally.counting, "verdict": verdict}


def _matrix_row(park: str | None, cells: Mapping[str, Tally]) -> Document:
    return {"park_id": park, "cells": {family: _tally(cell) for family, cell in cells.items()}}


def _group(group: Group) -> Document:
    return {
        "key": group.key,
        **_tally(group.tally),
        "rows": group.rows,
        "to_rectify": group.to_rectify,
        "reasons": [
            {"key": key or None, **_tally(tally)}
            for key, tally in list(group.reasons.items())[:MOST_REASONS]
        ],
        "reasons_count": len(group.reasons),
    }
