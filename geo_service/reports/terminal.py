"""Results as tables for a terminal; plain text when nobody's terminal is there."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geo_service.model import Verdict
from geo_service.plan import rows_of
from geo_service.reports.document import Document, basis_line, industry_name, is_illustrative

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.comparison import Comparison
    from geo_service.zoning.review import Review

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WATCH: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}
_NAME_CELLS = 44
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
    rows = [_verdict_row(row, basis, translator) for row in rows_of(review.parks)]
    table = Table(title=Text(title), title_justify="left")
    for place, key in enumerate(_COLUMNS):
        heading = translator.text(f"table.{key}")
        may_shrink = key in {"name", "leading_industry"}
        widest = max((row[place].cell_len for row in rows), default=0)
        table.add_column(
            heading,
            overflow="ellipsis",
            no_wrap=True,
            min_width=None if may_shrink else min(max(widest, cell_len(heading)), _ID_CELLS),
            justify="right" if key in {"share", "verdict", "findings"} else "left",
        )
    for row in rows:
        table.add_row(*row)
    lines = [translator.text("table.counts", **review.verdicts), basis_line(review, translator)]
    if is_illustrative(review.plan):
        lines.append(translator.text("table.illustrative"))
    return _print(table, lines, width)


_COLUMNS = ("tier", "park_id", "name", "leading_industry", "share", "verdict", "findings")


def _verdict_row(row: dict[str, Any], basis: str, translator: Translator) -> list[Text]:
    """One park's cells, in the order of `_COLUMNS`."""
    share, verdict = row[f"share_{basis}"], Verdict(row["verdict"])
    leading = row["leading_industry"] if isinstance(row["leading_industry"], str) else None
    industry = f"{leading} {industry_name(leading, translator) or ''}" if leading else "—"
    has_share = isinstance(share, float) and not math.isnan(share)
    return [
        Text(translator.text(f"tier.{row['tier']}")),
        _one_line(row["park_id"], _ID_CELLS),
        _one_line(translator.convert(row["name"]), _NAME_CELLS),
        _one_line(industry, _NAME_CELLS),
        Text(f"{share:.1%}" if has_share else "—"),
        Text(translator.text(f"verdict.{verdict}"), style=_STYLES[verdict]),
        Text(str(row["findings"])),
    ]


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
            _one_line("; ".join(layer["sources"][:2]), _NAME_CELLS),
        )
    return _print(table, [], width)


def comparison_table(
    comparison: Comparison, translator: Translator, *, width: int | None = None
) -> str:
    """Return two reviews compared: counts, then each finding that is not as it was."""
    table = Table()
    for key in ("state", "park", "rule", "verdict", "title"):
        table.add_column(translator.text(f"comparison.{key}"), overflow="ellipsis")
    changed = [item.after for item in comparison.changed]
    for state, findings in (
        ("new", comparison.new),
        ("cured", comparison.cured),
        ("changed", changed),
    ):
        for finding in findings:
            table.add_row(
                Text(translator.text(f"comparison.{state}")),
                _one_line(str(finding["park_id"] or "—"), _ID_CELLS),
                _one_line(str(finding["rule_id"]), _NAME_CELLS),
                _one_line(str(finding["verdict"]), _ID_CELLS),
                _one_line(str(finding["title"]), 2 * _NAME_CELLS),
            )
    counts = {
        name: len(getattr(comparison, name))
        for name in ("new", "cured", "changed", "persisting", "not_compared")
    }
    return _print(table, [translator.text("comparison.counts", **counts)], width)


def _one_line(text: str, cells: int) -> Text:
    """Text on one line, without control characters, cut to a number of character cells."""
    line = Text("".join(char if char.isprintable() else " " for char in text))
    line.truncate(cells, overflow="ellipsis")
    return line


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
