"""Results as tables for a terminal; plain text when nobody's terminal is there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from geo_service.model import Verdict
from geo_service.plan import rows_of
from geo_service.reports.document import Document, basis_line, industry_name, is_illustrative

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WATCH: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}
_NAME_CELLS = 40
_ID_CELLS = 24


def verdict_table(review: Review, translator: Translator, *, width: int | None = None) -> str:
    """Return the verdict table of a review: one row a park, then the counts.

    `width` is the number of character cells; None asks the terminal and colours.
    """
    settings = review.plan.settings
    basis = settings.focus_basis
    title = translator.text(
        "table.title", county=translator.pick(settings.name), count=len(review.parks)
    )
    table = Table(title=Text(title), title_justify="left")
    widest_id = max((len(park_id) for park_id in review.parks["park_id"]), default=0)
    for key in ("tier", "park_id", "name", "leading_industry"):
        least = min(widest_id, _ID_CELLS) if key == "park_id" else None
        heading = translator.text(f"table.{key}")
        table.add_column(heading, overflow="ellipsis", no_wrap=True, min_width=least)
    for key in ("share", "verdict", "findings"):
        table.add_column(translator.text(f"table.{key}"), justify="right", no_wrap=True)
    for row in rows_of(review.parks):
        share, verdict = row[f"share_{basis}"], Verdict(row["verdict"])
        leading = row["leading_industry"]
        known = leading if isinstance(leading, str) else None
        shown = f"{known} {translator.convert(industry_name(known) or '')}" if known else "—"
        table.add_row(
            translator.text(f"tier.{row['tier']}"),
            Text(_one_line(row["park_id"])),
            Text(_one_line(translator.convert(row["name"]))),
            Text(_one_line(shown)),
            "—" if share is None or share != share else f"{share:.1%}",  # noqa: PLR0124 - NaN
            Text(translator.text(f"verdict.{verdict}"), style=_STYLES[verdict]),
            str(row["findings"]),
        )
    lines = [translator.text("table.counts", **review.verdicts), basis_line(review, translator)]
    if is_illustrative(review.plan):
        lines.append(translator.text("table.illustrative"))
    return _print(table, lines, width)


def layers_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return the layers of a workspace as a table."""
    table = Table()
    for key in ("layer", "features", "illustrative", "version", "sources"):
        is_number = key in {"features", "illustrative"}
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(translator.text(f"layers.{key}"), justify=justify)
    for layer in document["layers"]:
        table.add_row(
            Text(f"{layer['title']} ({layer['name']})"),
            f"{layer['features']:,}",
            f"{layer['illustrative']:,}",
            layer["version"],
            Text(_one_line("; ".join(layer["sources"][:2]))),
        )
    return _print(table, [], width)


def _one_line(text: str) -> str:
    """Text on one line, without control characters, cut to the column's width."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean if len(clean) <= _NAME_CELLS else clean[: _NAME_CELLS - 1] + "…"


def _print(table: Table, lines: list[str], width: int | None) -> str:
    stream = io.StringIO()
    console = (
        Console(file=stream, force_terminal=True, highlight=False)
        if width is None
        else Console(file=stream, width=width, no_color=True, highlight=False)
    )
    console.print(table)
    for line in lines:
        console.print(Text(line))
    return stream.getvalue()
