"""Scenarios for a terminal: the list, one with its edits, what it does, conflicts, comparisons.

Each table is made of the document that JSON would give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from geo_service.reports.plain_text import with_minus
from geo_service.reports.terminal import one_line, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.language import Translator
    from geo_service.reports.document import Document

_ID, _NAME, _LONG = 16, 24, 60


def _table(translator: Translator, *keys: str) -> Table:
    table = Table()
    for key in keys:
        table.add_column(translator.text(f"compared.{key}"), overflow="ellipsis")
    return table


def scenarios_table(
    documents: Sequence[Document], translator: Translator, *, width: int | None = None
) -> str:
    """Return the list of scenarios."""
    table = _table(translator, "id", "name", "edits", "base", "changed_at", "reason")
    for item in documents:
        base = "base_now" if item["is_current"] else "base_moved"
        table.add_row(
            Text(item["scenario_id"]),
            one_line(item["name"], _NAME),
            f"{item['enabled_count']}/{item['edits_count']}",
            Text(translator.text(f"compared.{base}")),
            one_line(item["changed_at"][:19], _NAME),
            one_line(item["reason"], _NAME),
        )
    return print_table(table, [], width)


def scenario_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return a scenario: its name and base, and each edit with its reason."""
    table = _table(translator, "id", "edit", "reason", "author")
    for edit in document["edits"]:
        off = "" if edit["enabled"] else translator.text("compared.off")
        table.add_row(
            Text(edit["edit_id"]),
            one_line(edit["text"] + off, _LONG),
            one_line(edit["reason"], _NAME),
            one_line(edit["author"], _ID),
        )
    base = "base_now" if document.get("is_current", True) else "base_moved"
    lines = [
        f"{document['name']} {document.get('scenario_id', '')}".strip(),
        f"{translator.text('compared.base')}: {translator.text(f'compared.{base}')}",
    ]
    if document["reason"]:
        lines.append(f"{translator.text('compared.reason')}: {document['reason']}")
    return print_table(table, [_flat(line) for line in lines], width)


def changes_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return what a scenario does to findings, with the edits that do it."""
    table = _table(translator, "change", "park_id", "rule", "finding", "caused_by")
    for change in document["changes"]:
        ids = ", ".join(change["caused_by"])
        if change["is_together"]:
            ids = translator.text("compared.together", ids=ids)
        table.add_row(
            Text(translator.text(f"finding_kind.{change['kind']}")),
            one_line(str(change["park_id"] or "—"), _ID),
            one_line(change["rule_id"], _NAME),
            one_line(change["title"], _LONG),
            one_line(ids, _NAME),
        )
    lines = [translator.text("compared.counts", **document["counts"])]
    if "verdicts" in document:
        lines.append(translator.text("compared.verdict_line", **document["verdicts"]))
    return print_table(table, lines, width)


def conflicts_table(
    documents: Sequence[Document], translator: Translator, *, width: int | None = None
) -> str:
    """Return conflicts: base, ours and theirs of each value."""
    table = _table(translator, "id", "edit", "change")
    for item in documents:
        lines = [_value_line(value, translator) for value in item["values"]] + item["refusal"]
        table.add_row(
            Text(item["edit_id"]),
            one_line(item["text"], _NAME),
            Text("\n".join(_flat(line) for line in lines)),
        )
    return print_table(table, [], width)


def _value_line(value: Document, translator: Translator) -> str:
    if value["column"] is None:
        return translator.text("compared.conflict_gone", id=value["id"])
    sides = {side: _side(value[side], translator) for side in ("base", "ours", "theirs")}
    return translator.text("compared.conflict_value", label=value["label"], **sides)


def _side(value: Any, translator: Translator) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return "—"
    is_shape = isinstance(value, dict) or str(value).startswith("sha256:")
    return translator.text("compared.shape") if is_shape else str(value)


def side_by_side_table(
    document: Document, translator: Translator, *, width: int | None = None
) -> str:
    """Return scenarios side by side: measures, costs, and the parks on which they differ."""
    table = Table()
    table.add_column("")
    keys = [one["key"] for one in document["alternatives"]]
    for one in document["alternatives"]:
        is_plan = one["edits"] is None
        name = translator.text("edit.the_plan") if is_plan else one["name"]
        table.add_column(_flat(name), justify="right", overflow="ellipsis")
    for row in (*document["measures"], *document["costs"]):
        is_share = row["unit"] == "share"
        unit = f" ({'%' if is_share else row['unit']})" if row["unit"] else ""
        values = [_figure(row["values"][key], is_share=is_share) for key in keys]
        table.add_row(one_line(f"{row['label']}{unit}", 2 * _NAME), *values)
    for park in document["parks"]:
        if park["differs"]:
            verdicts = [park["verdicts"][key] for key in keys]
            told = ["—" if one is None else translator.text(f"verdict.{one}") for one in verdicts]
            table.add_row(one_line(park["name"], 2 * _NAME), *told)
    return print_table(table, [_flat(document["text"])], width)


def _figure(value: Any, *, is_share: bool) -> str:  # noqa: ANN401 - a number or none
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "—"
    return with_minus(f"{100 * value:.1f}" if is_share else f"{value:,.0f}")


def _flat(text: str) -> str:
    return one_line(text, 400).plain
