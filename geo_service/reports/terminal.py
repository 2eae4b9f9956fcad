"""Results as tables for a terminal; plain text when nobody's terminal is there."""

from __future__ import annotations

import io
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geo_service.model import Quantity, Verdict
from geo_service.plan import rows_of
from geo_service.reports.document import Document, basis_line, industry_name, is_illustrative
from geo_service.units import M2_PER_MU

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
    headings = [translator.text(f"table.{key}") for key in _COLUMNS]
    widest = [
        max([cell_len(heading), *(row[position].cell_len for row in rows)])
        for position, heading in enumerate(headings)
    ]
    most = _fitted(widest, Console().width if width is None else width)
    for key, heading, cells in zip(_COLUMNS, headings, most, strict=True):
        table.add_column(
            heading,
            overflow="ellipsis",
            no_wrap=True,
            min_width=None if key in _SHRINKING else min(cells, _ID_CELLS),
            max_width=cells,
            justify="right" if key in {"share", "verdict", "findings"} else "left",
        )
    for row in rows:
        table.add_row(*row)
    lines = [translator.text("table.counts", **review.verdicts), basis_line(review, translator)]
    if is_illustrative(review.plan):
        lines.append(translator.text("table.illustrative"))
    return print_table(table, lines, width)


_COLUMNS = ("tier", "park_id", "name", "leading_industry", "share", "verdict", "findings")
_SHRINKING = ("name", "leading_industry")
"""Columns that are cut where a table is wider than its page: no other says less without its end."""


def _fitted(widest: list[int], width: int) -> list[int]:
    """Return how many cells each column takes so that the table fits the width, if it can."""
    borders = 3 * len(_COLUMNS) + 1
    wanted = {key: widest[_COLUMNS.index(key)] for key in _SHRINKING}
    room = max(0, width - borders - sum(widest) + sum(wanted.values()))
    first, second = wanted.values()
    first_cells = min(first, max(room - second, room // 2))
    cells = dict(zip(_SHRINKING, (first_cells, min(second, room - first_cells)), strict=True))
    return [max(1, cells.get(key, most)) for key, most in zip(_COLUMNS, widest, strict=True)]


def _verdict_row(row: dict[str, Any], basis: str, translator: Translator) -> list[Text]:
    """One park's cells, in the order of `_COLUMNS`."""
    share, verdict = row[f"share_{basis}"], Verdict(row["verdict"])
    leading = row["leading_industry"] if isinstance(row["leading_industry"], str) else None
    industry = f"{leading} {industry_name(leading, translator) or ''}" if leading else "—"
    has_share = isinstance(share, float) and not math.isnan(share)
    return [
        Text(translator.text(f"tier.{row['tier']}")),
        one_line(row["park_id"], _ID_CELLS),
        one_line(translator.convert(row["name"]), _NAME_CELLS),
        one_line(industry, _NAME_CELLS),
        Text(f"{share:.1%}" if has_share else "—"),
        Text(translator.text(f"verdict.{verdict}"), style=_STYLES[verdict]),
        Text(str(row["findings"])),
    ]


def rules_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return a rulebook as a table: each rule with its document and the document's state."""
    table = Table()
    for key in ("rule", "severity", "tag", "document", "article", "state", "looked_at"):
        table.add_column(translator.text(f"rules.{key}"), overflow="fold")
    documents = {item["document_id"]: item for item in document["documents"]}
    for rule in document["rules"]:
        basis = rule["legal_basis"]
        about = documents.get(basis["document_id"])
        state = "lapsed" if rule["lapsed"] else "in_force"
        named = " ".join(part for part in (basis["document"], basis["number"]) if part)
        table.add_row(
            Text(rule["rule_id"]),
            Text(translator.text(f"severity.{rule['severity']}")),
            Text(translator.text(f"basis_tag.{rule['basis_tag']}")),
            Text(named),
            Text(basis["article"] or "—"),
            Text(_state_line(rule, state, translator)),
            Text(_looked_at(rule, about, translator)),
        )
    count = sum(item["is_stale"] for item in document["documents"])
    lines = [translator.text("rules.line", day=document["as_of"], stale=count)]
    return print_table(table, lines, width)


def _state_line(rule: Document, state: str, translator: Translator) -> str:
    basis = rule["legal_basis"]
    day = rule["lapsed"] if state == "lapsed" else basis["in_force_from"]
    words = translator.text(f"document_state.{'ended' if state == 'lapsed' else state}")
    return f"{words} {day}" if day else words


def _looked_at(rule: Document, about: Document | None, translator: Translator) -> str:
    day = rule["looked_at"] or translator.text("rules.never")
    is_stale = about is not None and about["is_stale"]
    return f"{day} {translator.text('rules.stale')}" if is_stale else day


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
            f"{layer['number']} · {layer['version']}",
            one_line("; ".join(layer["sources"][:2]), _NAME_CELLS),
        )
    return print_table(table, [], width)


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
                one_line(str(finding["park_id"] or "—"), _ID_CELLS),
                one_line(str(finding["rule_id"]), _NAME_CELLS),
                one_line(str(finding["verdict"]), _ID_CELLS),
                one_line(str(finding["title"]), 2 * _NAME_CELLS),
            )
    counts = {
        name: len(getattr(comparison, name))
        for name in ("new", "cured", "changed", "persisting", "not_compared")
    }
    return print_table(table, [translator.text("comparison.counts", **counts)], width)


SHOWN_CANDIDATES = 10


def ranking_table(
    document: Document,
    translator: Translator,
    *,
    top: int | None = None,
    width: int | None = None,
) -> str:
    """Return a ranking as a table: the best candidates, what is excluded, what to know.

    `document` is a whole `ranking_document`. Shown are the best candidate of each park, ten at
    most, or with `top` the best so many wherever they lie.
    """
    name, code = document["project"]["name"], document["project"]["industry_code"]
    industry = f"{code} {document['industry_name']}"
    title = translator.text("ranking.title", project=name, industry=industry)
    table = Table(title=one_line(title, 3 * _NAME_CELLS), title_justify="left")
    for key in ("rank", "candidate", "area", "score", "in_top3", "focus"):
        is_text = key == "candidate"
        table.add_column(
            translator.text(f"ranking.{key}"),
            justify="left" if is_text else "right",
            overflow="ellipsis",
            no_wrap=True,
        )
    candidates = document["candidates"]
    best = [item for item in candidates if item["place_in_park"] in {None, 1}]
    shown = best[:SHOWN_CANDIDATES] if top is None else candidates[:top]
    for item in shown:
        table.add_row(*_candidate_row(item, translator))
    lines = [
        translator.text(
            "ranking.counts" if top else "ranking.counts_by_park",
            ranked=len(candidates),
            shown=len(shown),
            excluded=len(document["excluded"]),
        ),
        _method_line(document, translator),
    ]
    lines += _excluded_lines(document["excluded"], translator)
    lines += [f"· {note}" for note in document["notes"]]
    if not candidates:
        lines += _miss_lines(document["nearest_misses"], translator)
    return print_table(table, lines, width)


def _candidate_row(item: Document, translator: Translator) -> list[Text]:
    effect, area = item["focus_effect"], Quantity(item["area_m2"] / M2_PER_MU, None)
    shares = "—"
    if effect is not None and effect["change"] is not None:
        before, after = effect["before"]["share"], effect["after"]["share"]
        shares = f"{before:.1%} → {after:.1%}"
    mark = " ?" if item["unknowns"] else ""
    return [
        Text(str(item["rank"])),
        one_line(item["label"] + mark, 2 * _NAME_CELLS),
        Text(f"{item['area_m2']:,.0f} m² / {translator.quantity(area)}"),
        Text(f"{100 * item['score']:.1f}"),
        Text(f"{item['stability']['in_top3']:.0%}"),
        Text(shares),
    ]


def _method_line(document: Document, translator: Translator) -> str:
    weights = ", ".join(
        f"{item['label']} {document['weights'][item['name']]:.1%}" for item in document["criteria"]
    )
    return translator.text(
        "ranking.method",
        method=translator.text(f"method.{document['method']}"),
        normalisation=translator.text(f"normalisation.{document['normalisation'] or 'none'}"),
        weights=weights or "—",
        plan=document["plan_version"],
        rulebook=document["rulebook_version"],
    )


def _excluded_lines(excluded: list[Document], translator: Translator) -> list[str]:
    """How many candidates each rule excludes, the most first, with an example each."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for item in excluded:
        for reason in item["reasons"]:
            counts[reason["rule_id"]] += 1
            examples.setdefault(reason["rule_id"], f"{item['label']}: {reason['detail']}")
    return [
        translator.text(
            "ranking.excluded_by", rule=rule_id, count=count, example=_plain(examples[rule_id])
        )
        for rule_id, count in counts.most_common()
    ]


def _miss_lines(misses: list[Document], translator: Translator) -> list[str]:
    lines = [translator.text("ranking.none_fits")]
    for miss in misses:
        lines.append(f"  {_plain(miss['label'])}")
        lines += [
            f"    - {_plain(reason['detail'])}  →  {reason['cure']}" for reason in miss["reasons"]
        ]
    return lines


def _plain(text: str) -> str:
    return one_line(text, 3 * _NAME_CELLS).plain


def one_line(text: str, cells: int) -> Text:
    """Text on one line, without control characters, cut to a number of character cells."""
    line = Text("".join(char if char.isprintable() else " " for char in text))
    line.truncate(cells, overflow="ellipsis")
    return line


def print_table(table: Table, lines: list[str], width: int | None) -> str:
    """Return a table and the lines below it as text; without a width in colour."""
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
