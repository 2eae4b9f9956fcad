"""Findings as indented JSON, written by batch: what is alike in a batch is written once.

The text of a finding is, byte for byte, what `dump` makes of `finding_properties` and its
geometry inside a list of a document; `stream` joins them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from geo_service.model import Subject
from geo_service.reports.document import dump, finding_properties, plain
from geo_service.zoning.batch import PerRow, RawBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geo_service.language import Translator
    from geo_service.model import Finding
    from geo_service.zoning.findings import Findings

MARGIN = b"    "
"""What stands before each line of a finding."""
_GEOMETRY_MARGIN = MARGIN + b"  "
_GAP = f"\x00{secrets.token_hex(8)}:{{}}\x00"
"""Stands in a template for a value; nobody who writes data can know it."""


class FindingTexts:
    """The texts of a review's findings in one language."""

    def __init__(self, results: Findings, translator: Translator) -> None:
        self._results = results
        self._translator = translator
        self._templates: dict[int, _Template] = {}

    def of(self, positions: Sequence[int], shapes: Sequence[bytes]) -> Iterator[bytes]:
        """Yield the text of each of these findings, given their geometry as `geometry_text`."""
        places = self._results.places(positions)
        for position, shape, (part, row) in zip(positions, shapes, places, strict=True):
            batch = self._results.batch(part)
            if batch is None or self._results.is_set_aside(position):
                yield self._single(self._results[position], shape)
                continue
            template = self._template(part, batch)
            finding_id = self._results.id_of(position)
            yield template.fill(row, finding_id, shape, self._results.is_made_up)

    def get_ready(self) -> None:
        """Make what the findings of each batch share."""
        for part in range(len(self._results.parts)):
            batch = self._results.batch(part)
            if batch is not None:
                self._template(part, batch)

    def _template(self, part: int, batch: RawBatch) -> _Template:
        template = self._templates.get(part)
        if template is None:
            template = _Template.of(self._results, part, batch, self._translator)
            self._templates[part] = template
        return template

    def _single(self, finding: Finding, shape: bytes) -> bytes:
        properties = {**finding_properties(finding, self._translator), "geometry": _token(0)}
        before, after = _split(MARGIN + _indented(properties, MARGIN), [0])[0]
        return before + shape + after


def geometry_text(shape: object) -> bytes:
    """Return a geometry as it stands in a finding's text."""
    return _indented(shape, _GEOMETRY_MARGIN)


def _indented(value: object, margin: bytes) -> bytes:
    text = dump(value, indent=True)
    return text.replace(b"\n", b"\n" + margin) if b"\n" in text else text


def _token(number: int) -> str:
    return _GAP.format(number)


@dataclass(frozen=True)
class _Cell:
    """A value that differs by row, and what stands before the lines of its text."""

    value: PerRow
    margin: bytes
    numbers: Sequence[bytes] | None
    """The texts of all rows, if they are numbers, which are written at once."""

    @classmethod
    def of(cls, value: PerRow, margin: bytes) -> _Cell:
        """Return a cell of a column."""
        return cls(value, margin, _number_texts(value.numbers))

    def text(self, row: int) -> bytes:
        """Return the text of a row's value."""
        if self.numbers is not None:
            return self.numbers[self.value.place(row)]
        value = plain(self.value[row])
        if isinstance(value, (list, dict)):
            return _indented(value, self.margin)
        return dump(value)


def _number_texts(numbers: Sequence[float] | None) -> Sequence[bytes] | None:
    if not numbers:
        return None
    return dump(plain(numbers))[1:-1].split(b",")


_FIXED = 6
"""Values beside those of the evidence: id, park, subject, title, cure, whether it is made up."""


@dataclass(frozen=True)
class _Template:
    """The text of a batch's findings with gaps."""

    batch: RawBatch
    pieces: tuple[bytes, ...]
    order: tuple[int, ...]
    cells: tuple[_Cell, ...]
    title: Words
    cure: Words | None

    @classmethod
    def of(cls, results: Findings, part: int, batch: RawBatch, translator: Translator) -> _Template:
        """Return the template of a batch."""
        first = results.sample(part)
        evidence = dict(first.evidence)
        cells: list[_Cell] = []
        for name, value in batch.evidence.items():
            if isinstance(value, PerRow):
                evidence[name] = _token(_FIXED + 1 + len(cells))
                cells.append(_Cell.of(value, MARGIN + b"    "))
        blank = replace(
            first,
            finding_id=_token(0),
            park_id=_token(1),
            subject=Subject(batch.layer, _token(2)),
            evidence=evidence,
        )
        document = finding_properties(blank, translator)
        document |= {
            "title": _token(3),
            "cure": None if batch.cure is None else _token(4),
            "illustrative": _token(5),
            "geometry": _token(_FIXED),
        }
        numbers = [0, 1, 2, 3, *([] if batch.cure is None else [4]), 5, _FIXED]
        numbers += range(_FIXED + 1, _FIXED + 1 + len(cells))
        text = MARGIN + _indented(document, MARGIN)
        pieces, order = _split(text, numbers)
        return cls(
            batch,
            tuple(pieces),
            tuple(order),
            tuple(cells),
            Words.of(batch.title, batch, translator),
            None if batch.cure is None else Words.of(batch.cure, batch, translator),
        )

    def fill(
        self, row: int, finding_id: str, shape: bytes, is_made_up: Callable[[str, str], bool]
    ) -> bytes:
        """Return the text of a row's finding."""
        batch = self.batch
        subject_id = batch.subject_ids[row]
        shown: dict[str, object] = {}
        values = [
            b'"%b"' % finding_id.encode(),
            dump(batch.park_of(row)),
            dump(subject_id),
            dump(self.title.text(row, shown)),
            b"null" if self.cure is None else dump(self.cure.text(row, shown)),
            b"true" if is_made_up(batch.layer, subject_id) else b"false",
            shape,
            *(cell.text(row) for cell in self.cells),
        ]
        parts = [self.pieces[0]]
        for number, piece in zip(self.order, self.pieces[1:], strict=True):
            parts += (values[number], piece)
        return b"".join(parts)


def _split(text: bytes, numbers: Sequence[int]) -> tuple[list[bytes], list[int]]:
    """Return the text around tokens, and the order in which these stand in it."""
    marks = {dump(_token(number)): number for number in numbers}
    places = sorted((text.index(mark), mark) for mark in marks)
    pieces, end = [], 0
    for place, mark in places:
        pieces.append(text[end:place])
        end = place + len(mark)
    return [*pieces, text[end:]], [marks[mark] for _, mark in places]


@dataclass(frozen=True)
class Words:
    """A text of the catalogue that is filled row by row."""

    key: str
    translator: Translator
    fixed: Mapping[str, object]
    """Values that are alike in all rows, as they are shown."""
    by_row: Mapping[str, PerRow]

    @classmethod
    def of(cls, key: str, batch: RawBatch, translator: Translator) -> Words:
        """Return a text with the values of a batch that it shows."""
        names = translator.names_in(key)
        own = {name: value for name, value in batch.values.items() if name in names}
        return cls(
            key,
            translator,
            {
                name: translator.shown(value)
                for name, value in own.items()
                if not isinstance(value, PerRow)
            },
            {name: value for name, value in own.items() if isinstance(value, PerRow)},
        )

    def text(self, row: int, shown: dict[str, object]) -> str:
        """Return the text of a row; `shown` keeps what another text of the row shows as well."""
        values = dict(self.fixed)
        for name, cell in self.by_row.items():
            if name not in shown:
                shown[name] = self.translator.shown(cell[row])
            values[name] = shown[name]
        return self.translator.filled(self.key, values)
