"""The sheet of a ranking's workbook on which every score is computed again, method by method.

Scaled values stand as numbers, everything after them is a formula: sums of weight × value; the
distances to the best and the worst of TOPSIS and their share; S, R and Q of VIKOR; the flows
of PROMETHEE II from comparing the values. A sheet that shows the best candidates alone takes
the ends of all others' figures from the ranking, as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from openpyxl.utils import get_column_letter

from geo_service.reports.workbook import Cell, Column, Formula, Styled

if TYPE_CHECKING:
    from geo_service.reports.document import Document

_SCORE = "0.0000"
_WEIGHT = "0.000000"
_FIRST_FIGURE = 7
"""The first column after rank, candidate, score, recomputed, difference and rank now."""
_MOST_COMPARED = 500
"""Candidates up to which flows are formulas: each compares a value with all of its column."""
_FIGURES = {"topsis": ("to_best", "to_worst"), "vikor": ("S", "R", "Q")}
_V = "0.5"
"""VIKOR's weight of S against R in a ranking."""
_ALIKE = "1E-13"


class Recomputation:
    """The cells of the sheet; `lay_out` says how many rows stand above it first."""

    def __init__(
        self, document: Document, *, label: Callable[[str], str], text: Callable[..., str]
    ) -> None:
        self._document = document
        self._method: str = document["method"]
        self._candidates: Sequence[Document] = document["candidates"]
        self._names: list[str] = list(document["weights"])
        self._label, self._text = label, text
        self._figures = _FIGURES.get(self._method, ())
        self._is_whole = len(self._candidates) == document["candidates_count"]
        self._has_flows = (
            self._method == "promethee_ii"
            and self._is_whole
            and len(self._candidates) <= _MOST_COMPARED
        )
        self.lay_out(above=0)

    def lay_out(self, *, above: int) -> None:
        """Fix the rows and columns, with so many rows of notes above."""
        count = len(self._names)
        self._weights_row = above + 1
        extra = {"topsis": 2, "vikor": 3}.get(self._method, 0)
        self._first_row = self._weights_row + extra + 2
        self._last_row = self._first_row + len(self._candidates) - 1
        self._start = _FIRST_FIGURE + len(self._figures)
        self._values_start = self._start + (count if self._has_flows else 0)

    def columns(self) -> list[Column]:
        """Return the columns of the table."""
        text = self._text
        values = [Column(self._label(name), 12, _SCORE) for name in self._names]
        flows = [
            Column(text("flow_of", criterion=self._label(name)), 12, _SCORE) for name in self._names
        ]
        return [
            Column(text("rank"), 7, "0"),
            Column(text("candidate"), 42),
            Column(text("score"), 11, _SCORE),
            Column(text("recomputed"), 11, _SCORE),
            Column(text("difference"), 11, "0.0E+00"),
            Column(text("rank_now"), 9, "0"),
            *(Column(text(f"figure_{name}"), 11, _SCORE) for name in self._figures),
            *(flows if self._has_flows else []),
            *values,
        ]

    def above(self) -> list[list[Cell]]:
        """Return the rows above the table: weights, and the ends of what the method compares."""
        weights = [self._document["weights"][name] for name in self._names]
        rows = [self._row("weights_row", [Styled(w, None, _WEIGHT, is_bold=True) for w in weights])]
        if self._figures:
            rows += [self._ends("best_row", is_best=True), self._ends("worst_row", is_best=False)]
        if self._method == "vikor":
            best, worst = self._weights_row + 1, self._weights_row + 2
            letters = [
                get_column_letter(self._start + position) for position in range(len(self._names))
            ]
            spans = [
                Formula(f"=IF({one}{best}={one}{worst},1,{one}{best}-{one}{worst})")
                for one in letters
            ]
            rows.append(self._row("span_row", [Styled(span, None, _SCORE) for span in spans]))
        return rows

    def _row(
        self, key: str, values: Sequence[Cell], figures: Sequence[Cell] | None = None
    ) -> list[Cell]:
        label = Styled(self._text(key), is_bold=True)
        before = figures or [None] * len(self._figures)
        after = [None] * len(self._names) if self._has_flows else []
        return [None, label, None, None, None, None, *before, *values, *after]

    def _ends(self, key: str, *, is_best: bool) -> list[Cell]:
        """Return the best or worst of each criterion and, for VIKOR, of S and R."""
        ranges = {item["name"]: item["scaled_range"] for item in self._document["criteria"]}
        values = [
            self._end(self._start + position, ranges[name], is_high=is_best)
            for position, name in enumerate(self._names)
        ]
        if self._method != "vikor":
            return self._row(key, values)
        own = self._document["figure_ranges"]
        figures = [
            self._end(_FIRST_FIGURE + position, own[name], is_high=not is_best)
            for position, name in enumerate(("S", "R"))
        ]
        return self._row(key, values, [*figures, None])

    def _end(self, column: int, values: Sequence[float], *, is_high: bool) -> Cell:
        if not self._is_whole:
            return Styled(values[1 if is_high else 0], None, _SCORE)
        function = "MAX" if is_high else "MIN"
        return Styled(Formula(f"={function}({self._down(column)})"), None, _SCORE)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Yield a row a candidate."""
        for row, item in enumerate(self._candidates, start=self._first_row):
            figures = [Formula(f"={formula}") for formula in self._figure_formulas(row)]
            flows = [self._flow(position, row) for position in range(len(self._names))]
            yield [
                item["rank"],
                item["label"],
                item["score"],
                Formula(f"={self._score(row)}"),
                Formula(f"=D{row}-C{row}"),
                Formula(f"=RANK(D{row},{self._down(4)})"),
                *figures,
                *(flows if self._has_flows else []),
                *(self._value(item["criteria"][name]) for name in self._names),
            ]

    def _value(self, figures: Document) -> float | None:
        if self._method == "promethee_ii" and not self._has_flows:
            return added_up(figures)
        value = figures["normalised"]
        return None if value is None else float(value)

    def _score(self, row: int) -> str:
        own = [f"{get_column_letter(_FIRST_FIGURE + position)}{row}" for position in range(3)]
        if self._method == "topsis":
            return f"IF({own[0]}+{own[1]}=0,0,{own[1]}/({own[0]}+{own[1]}))"
        if self._method == "vikor":
            return f"1-{own[2]}"
        weights = self._across(self._weights_row, is_fixed=True)
        return f"SUMPRODUCT({weights},{self._across(row)})/SUM({weights})"

    def _figure_formulas(self, row: int) -> list[str]:
        """Return the method's own figures for a candidate, in the order of their columns."""
        values = self._across(row)
        weights, best, worst, span = (
            self._across(self._weights_row + position, is_fixed=True) for position in range(4)
        )
        if self._method == "topsis":
            return [
                f"SQRT(SUMPRODUCT(({weights}*({end}-{values}))^2))/SUM({weights})"
                for end in (best, worst)
            ]
        if self._method == "vikor":
            regrets = f"({best}-{values})/{span}"
            parts = [self._part(position, row) for position in (0, 1)]
            return [
                f"SUMPRODUCT({weights},{regrets})/SUM({weights})",
                f"SUMPRODUCT(MAX({weights}*{regrets}))/SUM({weights})",
                f"{_V}*{parts[0]}+(1-{_V})*{parts[1]}",
            ]
        return []

    def _part(self, position: int, row: int) -> str:
        """Return where S or R stands between its least and its most; 0 if all are alike."""
        letter = get_column_letter(_FIRST_FIGURE + position)
        low = f"${letter}${self._weights_row + 1}"
        high = f"${letter}${self._weights_row + 2}"
        return f"IF({high}-{low}<={_ALIKE},0,({letter}{row}-{low})/({high}-{low}))"

    def _flow(self, position: int, row: int) -> Formula:
        """Return how many candidates a value is better than, less those it is worse than."""
        column = self._values_start + position
        cell, every = f"{get_column_letter(column)}{row}", self._down(column)
        ahead = f"SUMPRODUCT(({every}<{cell})*1)-SUMPRODUCT(({every}>{cell})*1)"
        return Formula(f"=({ahead})/{max(1, len(self._candidates) - 1)}")

    def _across(self, row: int, *, is_fixed: bool = False) -> str:
        first = get_column_letter(self._start)
        last = get_column_letter(self._start + len(self._names) - 1)
        return f"${first}${row}:${last}${row}" if is_fixed else f"{first}{row}:{last}{row}"

    def _down(self, column: int) -> str:
        letter = get_column_letter(column)
        return f"${letter}${self._first_row}:${letter}${self._last_row}"


def added_up(figures: Document) -> float | None:
    """Return what the method adds up, times the weight, to the score."""
    weight, contribution = figures["weight"], figures["contribution"]
    if weight and contribution is not None:
        return float(contribution) / float(weight)
    value = figures["normalised"]
    return None if value is None else float(value)
