"""A province's roll-up in every form: tables for a terminal, a workbook, JSON, files for GIS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from geo_service.province.files import geopackage, geoparquet_archive
from geo_service.province.folder import Record
from geo_service.province.review import DEFAULT_FOLDER
from geo_service.province.rollup import RolledUp
from geo_service.province.settings import open_province
from geo_service.reports.document import dump, industry_name, name_in
from geo_service.reports.terminal import print_table
from geo_service.reports.workbook import Book, Cell, Column

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.language import Translator
    from geo_service.province.settings import Province

_MOST = 10
"""How many rows of a kind a terminal shows."""
_VERDICTS = ("pass", "watch", "fail", "unknown")
_WORDS = {
    "verdict": "verdict",
    "severity": "severity",
    "tier": "tier",
    "focus_basis": "basis",
}
"""Columns whose values are words of the catalogue, with where these stand there."""
_SHARE = "0.0%"
_FORMATS = {"share": _SHARE, "province_share": _SHARE, "leading_share": _SHARE}
_QUOTIENTS = frozenset({"location_quotient", "province_location_quotient"})
_NAMED = frozenset({"division", "leading_industry"})


class ProvinceReport:
    """A roll-up with what the forms of it need."""

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        """Read a province's file and its results; `province-review` beside the file if None."""
        self._province: Province = open_province(path)
        where = folder or self._province.folder / DEFAULT_FOLDER
        self.rolled_up = RolledUp.of(self._province, where.resolve())
        self.document = self.rolled_up.document()

    def json(self) -> bytes:
        """Return the roll-up as JSON."""
        return dump(self.document, indent=True)

    def gpkg(self) -> bytes:
        """Return the roll-up as the bytes of a GeoPackage."""
        return geopackage(self.rolled_up, self.document)

    def geoparquet(self) -> bytes:
        """Return counties and parks as the bytes of an archive of GeoParquet files."""
        return geoparquet_archive(self.rolled_up, self.document)

    def text(self, translator: Translator, *, width: int | None) -> bytes:
        """Return the counties, and the rules with most findings, as tables."""
        tables = [
            (self._counties(translator), self._lines(translator)),
            (self._rows("rules", self._worst_rules(), translator), []),
            (self._rows("industries", self._largest(), translator), []),
        ]
        return "".join(print_table(table, lines, width) for table, lines in tables).encode()

    def xlsx(self, translator: Translator) -> bytes:
        """Return the roll-up as the bytes of a workbook."""
        title = translator.text("province.title", name=name_in(self.document["name"], translator))
        book = Book(
            title=title,
            language=translator.language,
            made_on=date.fromisoformat(self.document["as_of"]),
            header=title,
            page=translator.text("report.page", page="&P", pages="&N"),
        )
        notes = self._lines(translator)
        for name, rows in self._sheets():
            columns = list(dict.fromkeys(key for row in rows for key in row))
            heads = [Column(_head(key, translator), 16.0, _FORMATS.get(key)) for key in columns]
            if heads:
                cells = (
                    [self._cell(key, row.get(key), translator) for key in columns] for row in rows
                )
                book.table(translator.text(f"province.{name}"), heads, cells, notes=notes)
                notes = []
        return book.content()

    def _sheets(self) -> Iterator[tuple[str, list[Record]]]:
        document = self.document
        yield "counties", [_flat(county) for county in document["counties"]]
        yield (
            "faults",
            [{"county_code": code, "faults": told} for code, told in document["faulty"].items()],
        )
        for name in ("rules", "industries", "groups", "specialisations", "parks"):
            yield name, document[name]
        yield (
            "neighbours",
            [
                {
                    "division": item["division"],
                    "county_code": item["counties"][0],
                    "parks": "; ".join(item["parks"][0]),
                    "other_county": item["counties"][1],
                    "other_parks": "; ".join(item["parks"][1]),
                }
                for item in document["neighbours"]["same_leading"]
            ],
        )

    def _cell(self, key: str, value: Any, translator: Translator) -> Cell:  # noqa: ANN401 - of a document
        if isinstance(value, dict):
            return name_in(value, translator)
        if isinstance(value, list):
            return "; ".join(map(str, value))
        if key in _WORDS and value is not None:
            return translator.text(f"{_WORDS[key]}.{value}")
        if key == "group":
            names = self._province.groups.names.get(value or "", {})
            return name_in(names, translator) if names else translator.text("province.no_group")
        if key in _NAMED and isinstance(value, str):
            return f"{value} {industry_name(value, translator) or ''}".strip()
        return value  # type: ignore[no-any-return] # a text, a number, a flag or None

    def _counties(self, translator: Translator) -> Table:
        title = translator.text("province.title", name=name_in(self.document["name"], translator))
        rows = [_flat(county) for county in self.document["counties"]]
        shown = ("county_code", "name", "parks", *_VERDICTS, "findings", "enterprises")
        table = self._table(shown, rows, translator)
        table.title, table.title_justify = Text(title), "left"
        return table

    def _rows(self, name: str, rows: list[Record], translator: Translator) -> Table:
        table = self._table(tuple(rows[0]) if rows else (), rows, translator)
        table.title, table.title_justify = Text(translator.text(f"province.{name}")), "left"
        return table

    def _table(self, keys: Sequence[str], rows: Sequence[Record], translator: Translator) -> Table:
        table = Table()
        for key in keys:
            is_number = any(isinstance(row.get(key), int | float) for row in rows)
            table.add_column(_head(key, translator), justify="right" if is_number else "left")
        for row in rows:
            cells = ((key, self._cell(key, row.get(key), translator)) for key in keys)
            table.add_row(*(Text(_shown(key, cell)) for key, cell in cells))
        return table

    def _worst_rules(self) -> list[Record]:
        found = [rule for rule in self.document["rules"] if rule["findings"]]
        return sorted(found, key=lambda rule: (-rule["findings"], rule["rule_id"]))[:_MOST]

    def _largest(self) -> list[Record]:
        found = self.document["industries"]
        return sorted(found, key=lambda item: (-item["amount"], item["division"]))[:_MOST]

    def _lines(self, translator: Translator) -> list[str]:
        """Return what a reader must know of the figures."""
        document = self.document
        totals, hhi = document["totals"], document["hhi"]["divisions"]
        lines = [
            translator.text(
                "province.counted",
                whole=totals["whole"],
                counties=totals["counties"],
                day=document["as_of"],
                **totals["verdicts"],
            ),
            translator.text(
                "province.measured",
                basis=translator.text(f"basis.{document['basis']}"),
                hhi="—" if hhi is None else f"{hhi:.3f}",
                left_out=document["left_out"],
            ),
            translator.text(
                "province.adjoining",
                count=len(document["neighbours"]["same_leading"]),
                within=int(document["neighbours"]["within_m"]),
                unknown=len(document["neighbours"]["without_boundary"]),
            ),
        ]
        if document["illustrative"]:
            lines.append(translator.text("table.illustrative"))
        return lines


def _flat(county: Record) -> Record:
    """Return a county's row with its verdicts as columns."""
    left_out = {"verdicts", "area_method"}
    own = {key: value for key, value in county.items() if key not in left_out}
    return {**own, **county["verdicts"]}


def _head(key: str, translator: Translator) -> str:
    return translator.text(f"province_head.{key}")


def _shown(key: str, cell: Cell) -> str:
    if cell is None:
        return "—"
    if key in _FORMATS and isinstance(cell, float):
        return f"{cell:.1%}"
    if isinstance(cell, float):
        return f"{cell:.3f}" if key in _QUOTIENTS else f"{cell:,.0f}"
    return str(cell)
