"""Results as tables for a terminal; plain text when nobody's terminal is there."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geo_service.model import Message, Quantity, Verdict
from geo_service.plan import rows_of
from geo_service.reports.document import (
    Document,
    basis_line,
    basis_words,
    industry_name,
    is_illustrative,
)
from geo_service.units import M2_PER_MU
from geo_service.zoning.laws import DocumentState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.language import Translator
    from geo_service.reports.comparison import ComparedReviews
    from geo_service.zoning.review import Review

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WATCH: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
}
_NAME_CELLS = 44
_ID_CELLS = 24
_FEW_CELLS, _LEAST_CELLS = 10, 4


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
        max(cell_len(heading), *(row[position].cell_len for row in rows), 0)
        for position, heading in enumerate(headings)
    ]
    for key, heading, cells in zip(_COLUMNS, headings, _fitted(widest, width), strict=True):
        table.add_column(
            heading,
            overflow="ellipsis",
            no_wrap=True,
            width=cells,
            justify="right" if key in {"share", "verdict", "findings"} else "left",
        )
    for row in rows:
        table.add_row(*row)
    lines = [translator.text("table.counts", **review.verdicts), basis_line(review, translator)]
    if review.approved_count:
        lines.append(translator.text("table.approved", count=review.approved_count))
    if review.lapsed:
        lapsed = translator.listed(rule.rule_id for rule, _ in review.lapsed)
        day = review.as_of.isoformat()
        lines.append(translator.text("rules.lapsed", day=day, rules=lapsed))
    if is_illustrative(review.plan):
        lines.append(translator.text("table.illustrative"))
    return print_table(table, lines, width)


def _fitted(widest: Sequence[int], width: int | None) -> list[int]:
    """Return the columns' widths within a table's: names are narrowed first, then other words."""
    wide = [
        min(cells, _ID_CELLS if key == "park_id" else _NAME_CELLS)
        for key, cells in zip(_COLUMNS, widest, strict=True)
    ]
    # Three cells of frame and padding a column, and one for the last edge.
    room = (Console().width if width is None else width) - 3 * len(wide) - 1
    for keys, least in ((_NAMES, _FEW_CELLS), (_WORDS, _LEAST_CELLS)):
        columns = [_COLUMNS.index(key) for key in keys]
        while sum(wide) > room and max(wide[column] for column in columns) > least:
            wide[max(columns, key=lambda column: wide[column])] -= 1
    return wide


_COLUMNS = (
    "tier",
    "park_id",
    "name",
    "leading_industry",
    "share",
    "verdict",
    "rests_on",
    "findings",
)
_NAMES = ("name", "leading_industry")
_WORDS = (*_NAMES, "tier", "rests_on")
"""The columns that may be narrowed; ids, figures and verdicts stay whole."""


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
        Text(_basis_words(row["rests_on"], translator)),
        Text(str(row["findings"])),
    ]


def _basis_words(groups: str, translator: Translator) -> str:
    """Return what a verdict rests on, as words; nothing for a verdict that rests on nothing."""
    return translator.listed(
        translator.text(f"rests_on.{group}") for group in filter(None, groups.split(";"))
    )


def rules_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return a rulebook as two tables: its rules, then the documents that they rest on.

    A rule that is not applied since its document ended says so in place of its severity; below
    stands how many documents nobody has read for long.
    """
    if not document["rules"]:
        return translator.text("rules.no_rules") + "\n"
    rules = _folded(translator, "rule", "severity", "tag", "document")
    rules.columns[0].no_wrap = True
    for rule in document["rules"]:
        rules.add_row(*(Text(cell) for cell in _rule_cells(rule, translator)))
    documents = _folded(translator, "document", "state", "looked_at", "trust")
    for item in document["documents"]:
        documents.add_row(*(Text(cell) for cell in _document_cells(item, translator)))
    count = sum(item["is_stale"] for item in document["documents"])
    lines = [translator.text("rules.line", day=document["as_of"], stale=count)]
    return print_table(rules, [], width) + print_table(documents, lines, width)


def _folded(translator: Translator, *keys: str) -> Table:
    table = Table(show_lines=False)
    for key in keys:
        table.add_column(translator.text(f"rules.{key}"), overflow="fold")
    return table


def _rule_cells(rule: Document, translator: Translator) -> tuple[str, ...]:
    severity = translator.text(f"severity.{rule['severity']}")
    if not rule["enabled"]:
        severity = translator.text("rulebook.off")
    elif rule["lapsed"]:
        severity = _lapsed_words(rule["lapsed"], translator)
    elif not rule["in_force"]:
        severity = translator.text("rulebook.not_in_force")
    return (
        rule["rule_id"],
        severity,
        translator.text(f"basis_tag.{rule['basis_tag']}"),
        " ".join(basis_words(rule["legal_basis"])),
    )


def _lapsed_words(lapsed: Document, translator: Translator) -> str:
    ended = lapsed["ended"] or translator.text("report.ended_unknown")
    return translator.text("rules.state_lapsed", day=ended)


def _document_cells(item: Document, translator: Translator) -> tuple[str, ...]:
    named = " ".join(basis_words({"document": item["name"], "number": item["number"]}))
    if item["successor"]:
        named += f"\n{translator.text('rules.successor', document=item['successor'])}"
    looked_at = item["looked_at"] or translator.text("rules.never")
    if item["is_stale"]:
        looked_at += f"\n{translator.text('rules.stale')}"
    return named, _state_line(item, translator), looked_at, _trust_line(item, translator)


def _state_line(item: Document, translator: Translator) -> str:
    state = translator.text(f"document_state.{item['state']}")
    if item["state"] == DocumentState.ENDED:
        until = item["in_force_until"]
        return translator.text("rules.state_until", state=state, until=until) if until else state
    begins = item["in_force_from"]
    return translator.text("rules.state_from", state=state, **{"from": begins}) if begins else state


def _trust_line(item: Document, translator: Translator) -> str:
    trust = translator.text(f"trust.{item['trust']}")
    if item["certainty"] is None:
        return trust
    share = translator.quantity(Quantity(item["certainty"], "share"))
    return translator.text("rules.certain", trust=trust, share=share)


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
    compared: ComparedReviews, translator: Translator, *, width: int | None = None
) -> str:
    """Return two reviews compared: each finding that is not as it was, then how many there are."""
    table = Table()
    for key in ("state", "park", "rule", "verdict", "title"):
        table.add_column(translator.text(f"comparison.{key}"), overflow="ellipsis")
    for item in compared.documents():
        before, after = item["before"], item["after"]
        shown = after or before
        table.add_row(
            Text(translator.text(f"change.{item['kind']}")),
            one_line(str(item["park_id"] or "—"), _ID_CELLS),
            one_line(str(item["rule_id"]), _NAME_CELLS),
            one_line(_verdicts_said(before, after, translator), _NAME_CELLS),
            one_line(str(shown["title"]), 2 * _NAME_CELLS),
        )
    counts = [
        Message("comparison.count", {"kind": Message(f"change.{kind}"), "count": count})
        for kind, count in compared.comparison.counts.items()
    ]
    return print_table(table, [translator.listed(counts)], width)


def _verdicts_said(before: Document | None, after: Document | None, translator: Translator) -> str:
    verdicts = [translator.text(f"verdict.{one['verdict']}") for one in (before, after) if one]
    return " → ".join(dict.fromkeys(verdicts))


SHOWN_CANDIDATES = 10


def ranking_table(
    excerpt: Document,
    translator: Translator,
    *,
    top: int | None = None,
    width: int | None = None,
) -> str:
    """Return a ranking as a table: the best candidates, what is excluded, what to know.

    `excerpt` is a `ranking_excerpt` with the same `top`.
    """
    name, code = excerpt["project"]["name"], excerpt["project"]["industry_code"]
    industry = f"{code} {excerpt['industry_name']}"
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
    shown = excerpt["candidates"]
    for item in shown:
        table.add_row(*_candidate_row(item, translator))
    lines = [
        translator.text(
            "ranking.counts" if top else "ranking.counts_by_park",
            ranked=excerpt["ranked"],
            shown=len(shown),
            excluded=excerpt["excluded"],
        ),
        _method_line(excerpt, translator),
    ]
    lines += [
        translator.text(
            "ranking.excluded_by",
            rule=item["rule_id"],
            count=item["count"],
            example=_plain(item["example"]),
        )
        for item in excerpt["excluded_by"]
    ]
    lines += [f"· {note}" for note in excerpt["notes"]]
    if not excerpt["ranked"]:
        lines += _miss_lines(excerpt["nearest_misses"], translator)
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
