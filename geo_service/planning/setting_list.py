"""The settings of a call as a table and a document: value, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from geo_service.planning.printable import Printable
from geo_service.reports.terminal import print_table

if TYPE_CHECKING:
    from geo_service.language import Translator


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingShown:
    """One setting; a secret's value is masked already."""

    name: str
    value: object
    source: str
    """`environment`, `default`, or `unknown` for a variable that no setting has."""


def settings_table(settings: Sequence[SettingShown], translator: Translator) -> Printable:
    """Return settings for a terminal, with a sentence on each."""

    def meaning(one: SettingShown) -> str:
        key = one.name.removeprefix("GEO_").lower()
        return translator.text("setting.unknown" if one.source == "unknown" else f"setting.{key}")

    def table(_: Translator, width: int | None) -> str:
        made = Table(title=translator.text("setting.title"), title_justify="left")
        for name in ("name", "value", "source", "meaning"):
            made.add_column(translator.text(f"setting.column_{name}"), overflow="fold")
        for one in settings:
            value = "" if one.value is None else str(one.value)
            source = translator.text(f"setting.source_{one.source}")
            made.add_row(one.name, value, source, meaning(one))
        return print_table(made, [], width)

    return Printable(
        lambda: {
            "settings": [
                {
                    "name": one.name,
                    "value": one.value,
                    "source": one.source,
                    "meaning": meaning(one),
                }
                for one in settings
            ]
        },
        table,
    )
