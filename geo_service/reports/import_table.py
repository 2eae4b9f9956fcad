"""An import's report as text for a terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geo_service.language import Translator
    from geo_service.reports.document import Document

_SHOWN = 20


def import_table(document: Document, translator: Translator, *, width: int | None = None) -> str:
    """Return an import's document (`ingest.report.import_document`) as text.

    `width` is the number of character cells; None asks the terminal and colours.
    """
    stream = io.StringIO()
    console = (
        Console(file=stream, width=width, force_terminal=False, color_system=None)
        if width is not None
        else Console(file=stream, force_terminal=True)
    )
    title = translator.text(
        "import.title",
        file=document["file"],
        layer=document["layer"],
        features=f"{document['features']:,}",
    )
    _say(console, title)
    rate = {
        "rows": f"{document['rows']:,}",
        "seconds": f"{document['seconds']:.1f}",
        "rate": f"{document['rows_per_second']:,.0f}",
    }
    _say(console, translator.text("import.rate", **rate))
    if document["joined"] is not None:
        _say(console, translator.text("import.joined", count=f"{document['joined']:,}"))
    if document["guessed"] is not None:
        _say(console, document["guessed"]["text"])
    way = translator.text(f"taken_as.{document['as']}")
    _say(console, translator.text("import.taken_as", way=way))
    _changes(console, document.get("changes"), translator)
    _emptied(console, document["emptied"], translator, "emptied")
    _emptied(console, document["lost_values"], translator, "lost_values")
    _effect(console, document["effect"], translator)
    _crs(console, document["crs"], translator)
    _columns(console, document, translator)
    for note in document["notes"]:
        _say(console, note)
    _repairs(console, document, translator)
    _refused(console, document, translator)
    if document["breaks"]:
        _say(console, f"\n{translator.text('import.part_breaks')}")
        for line in document["breaks"][:_SHOWN]:
            _say(console, f"  {line}")
    return stream.getvalue()


def _say(console: Console, text: str) -> None:
    console.print(Text(text))


def _changes(console: Console, changes: Document | None, translator: Translator) -> None:
    if changes is None:
        return
    figures = {key: f"{value:,}" for key, value in changes.items()}
    _say(console, translator.text("import.changes", **figures))
    if changes["moved"]:
        _say(console, translator.text("import.moved", **figures))
    if changes["is_mostly_removed"]:
        warning = translator.text("import.mostly_removed", **figures)
        console.print(Text(warning, style="bold red"))


def _emptied(
    console: Console, emptied: Sequence[Document], translator: Translator, what: str
) -> None:
    """Say which columns lose all of their values (`emptied`), or some (`lost_values`)."""
    if not emptied:
        return
    columns = [
        translator.text("import.emptied_column", label=item["label"], count=f"{item['count']:,}")
        for item in emptied
    ]
    told = translator.text(f"import.{what}", count=len(columns), columns=columns)
    console.print(Text(told, style="bold red"))


def _effect(console: Console, effect: Document | None, translator: Translator) -> None:
    if effect is None:
        return
    _say(console, effect["text"])
    for park in effect["parks"][:_SHOWN]:
        verdicts = {
            key: translator.text(f"verdict.{park[key]}" if park[key] else "import.none")
            for key in ("before", "after")
        }
        named = {"name": translator.convert(park["name"]), "park": park["park_id"]}
        _say(console, "  " + translator.text("import.effect_park", **named, **verdicts))
    _more(console, len(effect["parks"]) - _SHOWN, translator)


def _crs(console: Console, crs: dict[str, Any], translator: Translator) -> None:
    none = translator.text("import.none")
    _say(console, f"\n{translator.text('import.part_crs')}")
    for key in ("declared", "detected"):
        _say(console, "  " + translator.text(f"import.{key}", crs=crs[key] or none))
    for line in crs["evidence"]:
        _say(console, f"  {line}")


def _columns(console: Console, document: Document, translator: Translator) -> None:
    rows = []
    for item in document["columns"]:
        unit = ""
        if item["unit"] or item["factor"] != 1:
            unit = translator.text(
                "import.unit_line",
                unit=item["unit"] or item["to_unit"] or "",
                factor=f"{item['factor']:g}",
                how=translator.text(f"import.how_{item['unit_how'] or 'name'}"),
            )
        rows.append((item["source"], item["column"], item["how_text"], unit))
    _table(console, translator, "columns", ("source", "column", "how", "unit"), rows)
    for name, value in document["filled"].items():
        key = {"": "filled_empty", "measured": "filled_measured"}.get(value, "filled")
        _say(console, "  " + translator.text(f"import.{key}", column=name, value=value))
    for item in document["words"]:
        _say(console, "  " + translator.text("import.word_line", **item))
    if document["unused_columns"]:
        unused = document["unused_columns"][:_SHOWN]
        _say(console, "  " + translator.text("import.unused", columns=unused))


def _repairs(console: Console, document: Document, translator: Translator) -> None:
    if not document["repairs"]:
        return
    names = ("row", "feature", "what", "column", "before", "after", "needs_look")
    look = translator.text("import.needs_look")
    repairs = sorted(document["repairs"], key=lambda item: not item["needs_look"])
    rows = [
        (
            *(item[name] for name in ("row", "feature", "text", "column", "before", "after")),
            look if item["needs_look"] else "",
        )
        for item in repairs[:_SHOWN]
    ]
    _table(console, translator, "repairs", names, rows)
    _more(console, sum(document["repair_counts"].values()) - len(rows), translator)
    if document["needs_look_count"]:
        words = translator.text("import.looks", count=f"{document['needs_look_count']:,}")
        console.print(Text(f"  {words}", style="bold red"))


def _refused(console: Console, document: Document, translator: Translator) -> None:
    if not document["refused"]:
        return
    rows = [
        (item["row"], item["feature"], item["column"], item["text"])
        for item in document["refused"][:_SHOWN]
    ]
    _table(console, translator, "refused", ("row", "feature", "column", "reason"), rows)
    _more(console, document["refused_count"] - len({row[0] for row in rows}), translator)


def _more(console: Console, count: int, translator: Translator) -> None:
    if count > 0:
        _say(console, "  " + translator.text("import.more", count=f"{count:,}"))


def _table(
    console: Console,
    translator: Translator,
    part: str,
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    title = Text(translator.text(f"import.part_{part}"))
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(Text(translator.text(f"import.column_{name}")), overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print()
    console.print(table)
