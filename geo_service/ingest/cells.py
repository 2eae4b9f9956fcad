"""Clean the cells of one column: blanks, full-width digits, units, codes, words, dates.

Each distinct value is processed once, however many rows have it. Changes are recorded in the
ledger, except those that a whole column shares (its unit, its words), which the report states
once.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.ingest.codes import Codes, industries, land_use, names_of
from geo_service.ingest.columns import Matched
from geo_service.ingest.commas import Commas, is_open, meaning_of, without_commas
from geo_service.ingest.days import day_written, why_no_day
from geo_service.ingest.ledger import Ledger
from geo_service.ingest.mojibake import misread
from geo_service.ingest.names import INVISIBLE, counters, plain, plain_unit, unit_of, units, words
from geo_service.model import Message
from geo_service.schema import SCHEMAS, ColumnKind, Field
from geo_service.workspace.days import days_of
from geo_service.workspace.reading import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EMPTY = frozenset({"", "null", "<null>", "none", "nan", "nat", "n/a", "#n/a", "<na>"})
_EMPTY_TOO = frozenset({"-", "--", "—", "——", "/", "\\", "无", "不详", "未知", "空"})
"""Words for "no value" in columns of numbers, codes and ids; a text may mean them literally."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]|[\t\n\r]+")
EMPTY_WORDS = _EMPTY | _EMPTY_TOO
_LONGEST_EMPTY = max(map(len, EMPTY_WORDS))
CLEARING = frozenset(
    {"清空", "<清空>", "(清空)", "（清空）", "[清空]", "【清空】", "<clear>", "[clear]"}
)
"""Words by which a cell of an update takes the published value away."""
_MAYBE_LOST = re.compile(r"\?\?|&#|\\u|%[0-9A-Fa-f]{2}%")
"""What texts beyond ASCII may have become: question marks, or codes of their letters."""
_FORMULA_ERRORS = frozenset({"#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!"})
_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_QUOTES = "=\"“'‘’`´"
_QUOTED = re.compile(r"""=?\s*["“](.*)["”]|['‘’`´](.*?)['’`´]?""", re.DOTALL)
"""What spreadsheets put around a code so that it stays a text: ="…", '… and the like."""
_QUOTED_TEXT = re.compile(r"""=\s*"(.*)\"""", re.DOTALL)
_EXPONENT = re.compile(r"[+-]?\d(?:\.\d+[eE]\+?|[eE]\+)\d{1,3}")
_EXACT_DIGITS = 15
"""How many digits of a number a spreadsheet keeps."""
_ONE_OF_CODES = re.compile(r"[^;；,，、/|\s]+")
_TOTALS = frozenset(
    {"合计", "合 计", "总计", "总 计", "小计", "小 计", "共计", "累计", "總計", "合計", "小計"}
    | {"total", "Total", "TOTAL", "subtotal", "Subtotal", "合　计", "总　计", "小　计"}
)
"""Names of rows that add up others, as they are written."""

_NAMES = frozenset({ColumnKind.ID, ColumnKind.CODE, ColumnKind.CODES})
"""Kinds of columns whose digits are no amounts."""


@dataclass
class CellContext:
    """What cleaning needs to know about the rows and the layer."""

    layer: str
    ledger: Ledger
    numbers: NDArray[np.int64]
    ids: NDArray[np.object_]
    scheme: str | None = None
    schemes: pd.Series[Any] | None = None
    """Each row's own scheme of land-use codes, where the file says it."""
    is_parted_by_semicolons: bool = False
    """Whether the cells of the file are, as where a comma is the decimal mark."""
    domains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For each column of the file, the words that its codes stand for."""
    mapped_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    references: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each column, the values of the layer that it refers to."""
    translated: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """For each column, the words translated into the layer's own, and how often."""
    cleared: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """For each column, which cells say that there is to be no value."""
    faults: list[tuple[str, dict[int, Message]]] = field(default_factory=list)
    """Columns, each with the reasons by position why its cells cannot be values."""

    def fault_at(self, column: str, reasons: dict[int, Message]) -> None:
        """Mark cells of a column that cannot be values, with the reasons by position."""
        if reasons:
            self.faults.append((column, reasons))


def clean_column(
    cells: pd.Series[Any], item: Field, matched: Matched, context: CellContext
) -> pd.Series[Any]:
    """Return the cells of one column in the form that the schema's check expects."""
    if pd.api.types.is_bool_dtype(cells):
        return cells
    if item.kind in {ColumnKind.NUMBER, ColumnKind.INTEGER} and pd.api.types.is_numeric_dtype(
        cells
    ):
        return cells if matched.factor == 1 else cells.astype("float64") * matched.factor
    if pd.api.types.is_datetime64_any_dtype(cells):
        return days_of(cells) if item.kind is ColumnKind.DATE else cells
    column = _Column(as_written_text(cells), item, context)
    if item.kind in _NAMES:
        context.fault_at(item.name, _inexact(cells))
    _clean_signs(column)
    if item.kind in _NAMES:
        _refuse_rounded(column)
    if item.name == SCHEMAS[context.layer].key[0]:
        _refuse_totals(column)
    if (item.kind is not ColumnKind.TEXT or item.choices) and not column.joined.isascii():
        column.change("full_width", _half_width)
        column.change("blanks", _stripped)
    if item.kind is not ColumnKind.ID:
        _take_words_of_codes(column, matched)
    _BY_KIND.get(item.kind, _unchanged)(column, item, matched)
    return column.cells


def _clean_signs(column: _Column) -> None:
    """Take off what is no part of a text, and mark texts that are no values.

    All texts are looked at together first: most columns have nothing of the kind.
    """
    item = column.item
    if not column.joined.isascii() or _MAYBE_LOST.search(column.joined):
        column.fault(_misread)  # before letters without a width go, which may be part of one
    if not column.joined.isprintable():
        column.change("control", _without_control)
    if not column.joined.isprintable() or column.joined.count(" ") >= len(column.distinct):
        column.change("blanks", _stripped)
    if "清空" in column.joined or "clear" in column.joined.casefold():
        column.clear()
    if min(map(len, column.distinct), default=0) <= _LONGEST_EMPTY:
        column.change("empty", lambda text: _emptied(text, item), is_quiet=True)
    if any(mark in column.joined for mark in _QUOTES):
        is_free = item.kind is ColumnKind.TEXT and not item.choices
        quoted = _QUOTED_TEXT if is_free else _QUOTED
        column.change("quoted", lambda text: _unquoted(text, quoted))
    if "#" in column.joined:
        column.fault(_formula_error)


def _take_words_of_codes(column: _Column, matched: Matched) -> None:
    """Replace codes by the words that the file gives for them, where words are wanted."""
    words_of_codes = column.context.domains.get(matched.column, {})
    item = column.item
    if not words_of_codes or item.choices or item.kind is ColumnKind.BOOLEAN:
        return  # choices are told as words, with those of the layer

    def rewrite(text: str) -> str:
        return words_of_codes.get(text, text)

    if item.kind is ColumnKind.TEXT:
        column.change("domain", rewrite)
    elif item.kind is ColumnKind.CODE:
        names = frozenset(names_of(item))
        column.change("domain", lambda text: text if text in names else rewrite(text))


def as_written_text(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells as texts, unchanged; whole numbers without `.0`."""
    if pd.api.types.is_numeric_dtype(cells):
        return as_text(cells).astype("object").where(cells.notna(), None)
    missing = cells.isna()
    if pd.api.types.is_string_dtype(cells) and cells.dtype != object:
        return cells.astype("object").where(~missing, None)
    values = [
        None if gone else _one_text(value)
        for value, gone in zip(cells.tolist(), missing.tolist(), strict=True)
    ]
    return pd.Series(values, index=cells.index, dtype="object")


def _one_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)


class _Column:
    """The cells of a column as texts, changed value by value."""

    def __init__(self, cells: pd.Series[Any], item: Field, context: CellContext) -> None:
        self.cells = cells
        self.item = item
        self.context = context
        self._distinct: list[str] = cells.dropna().unique().tolist()
        self._joined: str | None = None

    def part(self, positions: NDArray[np.intp]) -> _Column:
        """Return the cells at some positions as a column of their own."""
        context = replace(
            self.context,
            numbers=self.context.numbers[positions],
            ids=self.context.ids[positions],
            faults=[],
        )
        return _Column(self.cells.iloc[positions].reset_index(drop=True), self.item, context)

    def change(
        self, what: str, rewrite: Callable[[str], str | None], *, is_quiet: bool = False
    ) -> None:
        """Rewrite every distinct text; record changed rows as repairs unless `is_quiet`."""
        changed: dict[str, str | None] = {}
        for text in self._distinct:
            made = rewrite(text)
            if made != text:
                changed[text] = made
        if not changed:
            return
        values = self.cells.to_numpy(dtype=object, copy=True)
        positions = np.flatnonzero(self.cells.isin(list(changed)).to_numpy())
        before = values[positions].tolist()
        after = [changed[text] for text in before]
        if not is_quiet:
            context = self.context
            context.ledger.repair(
                what,
                context.numbers[positions],
                context.ids[positions].tolist(),
                before,
                after,
                column=self.item.name,
            )
        values[positions] = np.array(after, dtype=object)
        self.cells = pd.Series(values, index=self.cells.index, dtype="object")
        left = (changed.get(text, text) for text in self._distinct)
        self._distinct = [text for text in dict.fromkeys(left) if text is not None]
        self._joined = None

    @property
    def joined(self) -> str:
        """The column's distinct texts, parted by blanks."""
        if self._joined is None:
            self._joined = " ".join(self._distinct)
        return self._joined

    @property
    def distinct(self) -> Sequence[str]:
        """The column's distinct texts."""
        return self._distinct

    def fault(self, reason: Callable[[str], Message | None]) -> None:
        """Mark the cells of every distinct text that cannot be a value, with the reason."""
        found = {text: why for text in self._distinct if (why := reason(text)) is not None}
        if found:
            positions = np.flatnonzero(self.cells.isin(list(found)).to_numpy())
            values = self.cells.to_numpy(dtype=object)
            reasons = {int(position): found[values[position]] for position in positions}
            self.context.fault_at(self.item.name, reasons)

    def clear(self) -> None:
        """Empty the cells that say so, and note where."""
        words_there = [text for text in self._distinct if text.casefold() in CLEARING]
        if words_there:
            self.context.cleared[self.item.name] = self.cells.isin(words_there).to_numpy()
            self.change(
                "cleared", lambda text: None if text in words_there else text, is_quiet=True
            )

    def translate(self, meant: Mapping[str, str]) -> None:
        """Translate words into the layer's own; counted by word, not reported by row."""
        counts = self.cells.value_counts()
        taken = {
            text: meant[plain(text)]
            for text in counts.index
            if plain(text) in meant and meant[plain(text)] != text
        }
        if not taken:
            return
        tally = self.context.translated.setdefault(self.item.name, Counter())
        for text, value in taken.items():
            tally[text, value] += int(counts[text])
        self.cells = self.cells.map(lambda text: taken.get(text, text), na_action="ignore")


def _unchanged(_: _Column, __: Field, ___: Matched) -> None:
    """Leave a column unchanged."""


def _unquoted(text: str, quoted: re.Pattern[str]) -> str:
    match = quoted.fullmatch(text)
    return text if match is None else next(part for part in match.groups() if part is not None)


def _inexact(cells: pd.Series[Any]) -> dict[int, Message]:
    """Return the numbers that are too large to be exact, by position."""
    if not pd.api.types.is_float_dtype(cells):
        return {}
    large = np.flatnonzero((cells.abs() >= 10.0**_EXACT_DIGITS).to_numpy(dtype=bool))
    return {int(at): _rounded(f"{cells.iloc[at]:.15g}") for at in large}


def _rounded(found: str) -> Message:
    return Message("import.rounded_id", {"found": found[:60]})


def _refuse_rounded(column: _Column) -> None:
    """Refuse ids and codes that went through a spreadsheet's numbers, and lost their last digits.

    An exponent shows it; so do zeros after the fifteenth digit, if every long id ends in them.
    """
    if "." in column.joined or "+" in column.joined:
        column.fault(lambda text: _rounded(text) if _EXPONENT.fullmatch(text) else None)
    if max(map(len, column.distinct), default=0) <= _EXACT_DIGITS:
        return
    long = [text for text in column.distinct if len(text) > _EXACT_DIGITS and text.isdecimal()]
    if long and not any(text[_EXACT_DIGITS:].strip("0") for text in long):
        lost = frozenset(text for text in long if len(text) > _EXACT_DIGITS + 1)
        column.fault(lambda text: _rounded(text) if text in lost else None)


def _refuse_totals(column: _Column) -> None:
    """Refuse rows that are named after what they add up: sums are no features."""
    if any(word in column.joined for word in _TOTALS):
        column.fault(
            lambda text: (
                Message("import.total_row", {"found": text}) if plain(text) in _TOTALS else None
            )
        )


def _formula_error(text: str) -> Message | None:
    """Return why a text is no value: a formula's error."""
    is_error = text.startswith("#") and text.upper() in _FORMULA_ERRORS
    return Message("import.formula_error", {"found": text}) if is_error else None


def _misread(text: str) -> Message | None:
    """Return why a text is no value: it was read in a wrong encoding."""
    right = misread(text)
    if right is None:
        return None
    key = "import.misread" if right else "import.lost_letters"
    return Message(key, {"found": text[:60], "right": right[:60]})


def _without_control(text: str) -> str:
    if text.isprintable():
        return text
    return _CONTROL.sub(" ", INVISIBLE.sub("", text))


def _stripped(text: str) -> str:
    return text.strip()


def _emptied(text: str, item: Field) -> str | None:
    folded = text.casefold()
    free = item.kind is ColumnKind.TEXT and not item.choices
    if folded in _EMPTY or (
        not free and item.kind is not ColumnKind.BOOLEAN and folded in _EMPTY_TOO
    ):
        return None
    return text


def _half_width(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


# ---- by kind --------------------------------------------------------------------------------


def _clean_numbers(column: _Column, item: Field, matched: Matched) -> None:
    known = units(unit_of(item))
    counted = counters(item.name)
    commas = Commas.GROUPS
    if "," in column.joined:
        bare = (text.replace(" ", "") for text in column.distinct)
        commas = meaning_of(bare, is_parted_by_semicolons=column.context.is_parted_by_semicolons)
        if commas is Commas.UNKNOWN:
            column.fault(_open_comma)

    def rewrite(text: str) -> str:
        plain_text = text.replace(" ", "")
        number = without_commas(plain_text, commas)
        if number != plain_text:
            return number
        match = re.match(r"第?([+-]?[\d.,]+)(\D.{0,11})$", plain_text)
        if match and plain_unit(match[2]) in counted and _WHOLE.fullmatch(match[1]):
            return match[1]
        if match and plain_unit(match[2]) in known:
            number = without_commas(match[1], commas)
            if _NUMBER.fullmatch(number):
                # A unit in the cell overrides the column's unit, whose factor is applied below.
                factor = known[plain_unit(match[2])] / matched.factor
                return f"{float(number) * factor:.12g}"
        return text

    column.change("number", rewrite)
    numbers = pd.to_numeric(column.cells, errors="coerce").astype("float64")
    if matched.factor != 1:
        scaled = (numbers * matched.factor).astype("object")
        column.cells = scaled.where(numbers.notna(), column.cells)
    elif numbers.notna().sum() == column.cells.notna().sum():
        column.cells = numbers


def _open_comma(text: str) -> Message | None:
    if not is_open(text.replace(" ", "")):
        return None
    return Message("import.open_comma", {"found": text[:60]})


def _clean_booleans(column: _Column, item: Field, matched: Matched) -> None:
    column.translate(_meant(column, item, matched))


def _clean_texts(column: _Column, item: Field, matched: Matched) -> None:
    if not item.choices:
        return
    meaning = _meant(column, item, matched)
    coded = column.context.domains.get(matched.column, {})
    # A code whose word is not known is told by its word.
    column.change("domain", lambda text: text if plain(text) in meaning else coded.get(text, text))
    column.translate(_with_paths(column.distinct, meaning))


def _with_paths(texts: Sequence[str], meaning: Mapping[str, str]) -> Mapping[str, str]:
    """Return what words mean, and paths of folders: by their lowest part that is a word."""
    paths = {
        plain(text): meaning[known]
        for text in texts
        if "/" in text and plain(text) not in meaning
        for known in [next((p for p in map(plain, reversed(text.split("/"))) if p in meaning), "")]
        if known
    }
    return {**meaning, **paths}


def _meant(column: _Column, item: Field, matched: Matched) -> dict[str, str]:
    """Return what words mean: in the layer, by the file's own codes, as a mapping says."""
    known = dict(words(column.context.layer, item))
    mapped = column.context.mapped_words.get(item.name, {})
    own = {plain(word): value for word, value in mapped.items()}
    meaning = {**known, **own}
    coded = {
        plain(code): meaning[plain(word)]
        for code, word in column.context.domains.get(matched.column, {}).items()
        if plain(word) in meaning
    }
    return {**known, **coded, **own}


def _clean_dates(column: _Column, _: Field, __: Matched) -> None:
    column.change("date", day_written)
    column.fault(why_no_day)


def _clean_ids(column: _Column, item: Field, _: Matched) -> None:
    known = column.context.references.get(item.name, frozenset())
    if not known:
        return
    widths = {len(value) for value in known if value.isdecimal()}

    def rewrite(text: str) -> str:
        if text in known or not text.isdecimal():
            return text
        padded = {text.zfill(width) for width in widths} & known
        return padded.pop() if len(padded) == 1 else text

    column.change("zeros", rewrite)


def _clean_codes(column: _Column, item: Field, _: Matched) -> None:
    if item.name == "land_use":
        _cleanland_use(column)
    elif item.name == "planned_land_use":
        _clean_by(column, land_use("planning2023"))
    else:
        _clean_by(column, industries())


def _cleanland_use(column: _Column) -> None:
    """Repair land-use codes by the scheme of each row, else by the file's."""
    context = column.context
    if context.schemes is None:
        _clean_by(column, land_use(context.scheme))
        return
    schemes = context.schemes.astype("object").where(context.schemes.notna(), context.scheme)
    cells = column.cells.copy()
    for scheme in schemes.dropna().unique():
        positions = np.flatnonzero((schemes == scheme).to_numpy(dtype=bool))
        part = column.part(positions)
        _clean_by(part, land_use(str(scheme)))
        cells.iloc[positions] = part.cells.to_numpy(dtype=object)
    column.cells = cells


def _clean_by(column: _Column, codes: Codes) -> None:
    item = column.item

    def each(rewrite: Callable[[str], str]) -> Callable[[str], str]:
        """Return a function that rewrites a cell's one code, or each of several codes."""
        if item.kind is not ColumnKind.CODES:
            return rewrite
        return lambda text: _ONE_OF_CODES.sub(lambda match: rewrite(match[0]), text)

    column.change("section", each(codes.without_section))
    column.change("zeros", each(codes.padded))
    column.change("code", each(codes.named))


_BY_KIND: dict[ColumnKind, Callable[[_Column, Field, Matched], None]] = {
    ColumnKind.ID: _clean_ids,
    ColumnKind.TEXT: _clean_texts,
    ColumnKind.CODE: _clean_codes,
    ColumnKind.CODES: _clean_codes,
    ColumnKind.NUMBER: _clean_numbers,
    ColumnKind.INTEGER: _clean_numbers,
    ColumnKind.BOOLEAN: _clean_booleans,
    ColumnKind.DATE: _clean_dates,
}
