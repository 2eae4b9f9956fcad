"""A layout for a terminal, as a workbook and as a text: made from its document alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from geo_service.reports.plain_text import one_line
from geo_service.reports.terminal import print_table
from geo_service.reports.workbook import Book, Cell, Column, keyed

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.document import Document

_MOST = 2_000
_SHARE = "0.0%"


class LayoutWords:
    """A layout's document in a language: headings, cells and lines."""

    def __init__(self, document: Document, translator: Translator) -> None:
        self.document = document
        self.translator = translator

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
        """Return a text of layouts."""
        return self.translator.text(f"layout.{key}", **values)

    @property
    def title(self) -> str:
        """The title of a report."""
        return self.text("title", name=one_line(str(self.document["name"]), most=200))

    @property
    def head(self) -> list[tuple[str, str]]:
        """What was solved, and how well."""
        document = self.document
        rows = [("status", str(document["status_words"]))]
        if document["objective"] is not None:
            rows.append(("objective", _number(document["objective"])))
            bound = document["bound"]
            rows.append(("bound", "—" if bound is None else _number(bound)))
            gap = document["gap"]
            rows.append(("gap", "—" if gap is None else f"{gap:.2%}"))
        rows.append(("seconds", f"{document['seconds']:.1f}"))
        rows.append(("seed", str(document["seed"])))
        rows.append(("as_of", str(document["as_of"])))
        rows.append(("plan_version", str(document["plan_version"])))
        rows.append(("rulebook_version", str(document["rulebook_version"])))
        return [(self.text(key), value) for key, value in rows]

    def terms(self) -> Iterator[Sequence[Cell]]:
        """Yield each term before and after."""
        for term in self.document["terms"].values():
            unit = self.translator.text(f"layout_unit.{term['unit']}")
            yield [term["label"], unit, term["before"], term["after"]]

    def parks(self, *, is_whole: bool) -> Iterator[Sequence[Cell]]:
        """Yield each park, or each whose industry changes."""
        for park in self.document["parks"]:
            if is_whole or park["is_changed"]:
                yield [
                    park["park_id"],
                    _line(park["name"]),
                    _line(park["leading_industry"]),
                    _line(park["proposed"]),
                    _line(park["proposed_name"]),
                    _line(park["speciality"]),
                    park["share_before"],
                    park["share_after"],
                    park["regret"],
                    _line(park["why"]),
                ]

    def projects(self) -> Iterator[Sequence[Cell]]:
        """Yield each project with its place."""
        for item in self.document["projects"]:
            yield [
                _line(item["project"]),
                _line(item["park_id"]),
                _line(item["candidate_id"]),
                item["score"],
                item["regret"],
                _line(item["why"]),
            ]

    def moves(self) -> Iterator[Sequence[Cell]]:
        """Yield each move."""
        for item in self.document["moves"]:
            yield [
                item["enterprise_id"],
                _line(item["name"]),
                item["from"],
                item["to"],
                _line(item["place"]),
                item["cost"],
                item["regret"],
                _line(item["why"]),
            ]

    def alternatives(self) -> Iterator[Sequence[Cell]]:
        """Yield each other layout, nearly as good."""
        for item in self.document["alternatives"]:
            parks = self.translator.listed(item["parks"])
            yield [item["layout_id"], item["objective"], item["loss"], _line(parks)]

    def front(self) -> Iterator[Sequence[Cell]]:
        """Yield each point of the front, with the terms that it is between."""
        for item in self.document["front"]:
            figures = [
                self.text(
                    "figure",
                    label=self.document["terms"][name]["label"],
                    value=_number(item["terms"][name]),
                )
                for name in self.document["goals"]["front"]["terms"]
            ]
            proven = self.text("on_front" if item["is_proven"] else "not_proven")
            yield [item["layout_id"], _line(self.translator.listed(figures)), proven]

    def firm(self) -> Iterator[Sequence[Cell]]:
        """Yield each decision with the share of the layouts tried in which it stands."""
        for item in self.document["firm"]:
            yield [
                self.text(f"decision_{item['kind']}"),
                _line(item["subject"]),
                _line(item["choice"]),
                item["share"],
                self.text("is_firm" if item["is_firm"] else "is_open"),
            ]

    def replacements(self) -> Iterator[Sequence[Cell]]:
        """Yield each decision with what the whole layout loses without it."""
        for item in self.document["replacements"]:
            if item["loses"] is None:
                key = "none" if item["is_proven"] else "not_found"
            else:
                key = "solved" if item["is_proven"] else "cut_short"
            yield [
                self.text(f"decision_{item['kind']}"),
                _line(item["subject"]),
                _line(item["choice"]),
                item["loses"],
                self.text(f"replacement_{key}"),
            ]

    def conflict(self) -> Iterator[Sequence[Cell]]:
        """Yield each requirement of each clash."""
        for item in self.document["conflict"]:
            unit = item["unit"]
            yield [
                item["clash"],
                _line(item["requirement"]),
                item["has"],
                item["needs"],
                "" if unit is None else self.translator.text(f"layout_unit.{unit}"),
                item["relaxation"],
                _line(item["relaxation_words"]),
            ]

    def review_lines(self) -> list[str]:
        """Return the verdicts before and after."""
        lines = []
        for key in ("before", "after"):
            counts = self.document["review"][key]
            if counts is not None:
                told = [
                    f"{self.translator.text(f'verdict.{name}')} {count}"
                    for name, count in counts.items()
                ]
                lines.append(self.text(f"review_{key}", counts=told))
        return lines


def _line(value: object) -> str:
    return "" if value is None else one_line(str(value), most=_MOST)


def _number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _shown(cell: Cell) -> str:
    if cell is None:
        return "—"
    return _number(cell) if isinstance(cell, float) else str(cell)


HEADS = {
    "terms": ("term", "unit", "before", "after"),
    "parks": (
        *("park_id", "park", "today", "proposed", "industry", "speciality"),
        *("share_before", "share_after", "regret", "reason"),
    ),
    "projects": ("project", "park_id", "candidate", "score", "regret", "reason"),
    "moves": ("enterprise_id", "enterprise", "from", "to", "place", "cost", "regret", "reason"),
    "alternatives": ("layout", "objective", "loss", "differs"),
    "front": ("layout", "figures", "proven"),
    "firm": ("decision", "subject", "choice", "stands", "firm"),
    "replacements": ("decision", "subject", "choice", "loses", "certainty"),
    "conflict": ("clash", "requirement", "has", "needs", "unit", "relaxation", "cure"),
}
_FOUND = ("terms", "parks", "projects", "moves", "alternatives", "front", "firm", "replacements")
_WIDTHS = {
    "reason": 70.0,
    "requirement": 70.0,
    "cure": 40.0,
    "layout": 20.0,
    "differs": 60.0,
    "figures": 60.0,
    "proven": 24.0,
    "certainty": 30.0,
    "subject": 32.0,
    "choice": 30.0,
    "project": 32.0,
    "park": 30.0,
    "candidate": 30.0,
    "industry": 26.0,
    "speciality": 26.0,
    "enterprise": 24.0,
    "term": 26.0,
    "cost": 16.0,
}
_FORMATS = {
    "loss": "0.00%",
    "stands": "0%",
    "share_before": _SHARE,
    "share_after": _SHARE,
    "regret": "0.000",
    "loses": "0.000",
    "score": "0.000",
}


def rows_of(words: LayoutWords, part: str, *, is_whole: bool = True) -> list[Sequence[Cell]]:
    """Return the rows of a part of a layout."""
    if part == "parks":
        return list(words.parks(is_whole=is_whole))
    found: Iterator[Sequence[Cell]] = getattr(words, part)()
    return list(found)


def layout_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return a layout as tables for a terminal of so many character cells."""
    words = LayoutWords(document, translator)
    lines = [words.title, *(f"{name}: {value}" for name, value in words.head)]
    lines += words.review_lines()
    texts = ["\n".join(one_line(line, most=_MOST) for line in lines)]
    is_found = document["objective"] is not None
    for part in _FOUND if is_found else ("conflict",):
        rows = rows_of(words, part, is_whole=False)
        if not rows:
            continue
        table = Table(title=words.text(part), title_justify="left")
        for head in HEADS[part]:
            table.add_column(words.text(f"head_{head}"), overflow="fold")
        for row in rows:
            table.add_row(*(Text(_shown(cell)) for cell in row))
        texts.append(print_table(table, [], width))
    notes = [one_line(note, most=_MOST) for note in document["notes"]]
    return "\n".join([*texts, *notes])


def offers_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return the places of one more project as a table."""
    table = Table()
    for head in ("rank", "candidate", "park_id", "score", "points", "reason"):
        table.add_column(translator.text(f"layout.head_{head}"), overflow="fold")
    for item in document["candidates"]:
        gains = [f"{term['label']} {_number(term['gain'])}" for term in item["terms"].values()]
        cells = (
            str(item["rank"]),
            one_line(item["candidate_id"], most=_MOST),
            item["park_id"] or "—",
            f"{item['score']:.3f}",
            f"{item['points']:.3f}",
            translator.listed(gains),
        )
        table.add_row(*map(Text, cells))
    count = document["numberMatched"]
    line = translator.text("layout.offers", project=one_line(document["project"]), count=count)
    return f"{line}\n{print_table(table, [], width)}"


def layout_xlsx(document: Document, translator: Translator) -> bytes:
    """Return a layout as the bytes of an XLSX file."""
    words = LayoutWords(document, translator)
    book = Book(
        title=words.title,
        language=translator.language,
        made_on=date.fromisoformat(document["as_of"]),
        header=words.title,
        page=translator.text("report.page", page="&P", pages="&N"),
    )
    head = dict(words.head) | {
        words.text("verdicts"): "; ".join(words.review_lines()),
        **{f"{words.text('note')} {n}": note for n, note in enumerate(document["notes"], 1)},
    }
    book.free_sheet(words.text("summary"), (30.0, 90.0), list(keyed(head)))
    for part, heads in HEADS.items():
        rows = rows_of(words, part)
        if rows:
            columns = [
                Column(words.text(f"head_{name}"), _WIDTHS.get(name, 14.0), _FORMATS.get(name))
                for name in heads
            ]
            book.table(words.text(part), columns, rows)
    return book.content()
