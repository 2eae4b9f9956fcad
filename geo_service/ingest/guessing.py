"""Guess which layer a file is, from the names of its columns and the kind of its shapes.

A column speaks for a layer the more, the fewer layers know its name; what a layer must have and
the file lacks speaks against it. Where two layers fit about alike, nobody guesses: the caller is
asked. No cell is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.columns import match_columns
from geo_service.ingest.limits import source_error
from geo_service.ingest.names import plain
from geo_service.language import Language, Translator
from geo_service.model import Message
from geo_service.schema import SCHEMAS, STORED_GEOMETRY, LayerSchema, Need
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.ingest.columns import Matched
    from geo_service.ingest.sources import Batch, ImportSource

LAYER = "layer"
"""The name of the choice of a layer."""
_PROVENANCE = frozenset({"source", "illustrative"})
_NAMED = 1.5
"""What the layer's own name in the name of the file or its table counts, in columns."""
_LACKING = 0.5
"""What a column that every row must fill counts against a layer that the file lacks it for."""
_CLEAR = 0.5
"""By how much the best layer must be better than the next."""
_TOLD = 6
_POLYGON, _LINE, _POINT = "Polygon", "LineString", "Point"
_MADE_OF = {_POLYGON: {_POLYGON, _LINE}, _LINE: {_LINE}, _POINT: {_POINT}}
"""By shapes that a layer keeps, those that a file may have for them: closed lines become areas."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A layer that a file fits, and by which of its columns."""

    layer: str
    columns: tuple[Matched, ...]
    """Those that tell most, first."""
    score: float

    @property
    def evidence(self) -> Message:
        """Why the file fits the layer."""
        columns = [
            Message("import.guess_column", {"column": item.column, "label": _label(item.field)})
            for item in self.columns[:_TOLD]
        ]
        return Message("import.guess_columns", {"count": len(self.columns), "columns": columns})

    @property
    def note(self) -> Message:
        """What the report says of the guess."""
        values = {"layer": self.layer, "label": Message(f"layer.{self.layer}")}
        return Message("import.guessed", {**values, "evidence": self.evidence})


def _label(field: str) -> Message:
    return Message(f"column.{field}")


def guess_layer(source: ImportSource, first: Batch | None, *, may_guess: bool) -> Guess:
    """Return the layer that a file fits.

    Raises
    ------
    SourceError
        It fits none.
    ChoiceNeededError
        It fits several about alike, or the caller wants to be asked in any case.
    """
    found = sorted(_guesses(source, first), key=lambda guess: -guess.score)
    if not found:
        columns = ", ".join(source.columns)[:300] or said("import.none")
        raise source_error(
            source.shown, said("refusal.no_column", columns=columns), said("refusal.any_layer")
        )
    best = found[0]
    is_clear = best.score > 0 and all(best.score >= other.score + _CLEAR for other in found[1:])
    if is_clear and may_guess:
        return best
    choices = [Choice(value=guess.layer, evidence=guess.evidence) for guess in found]
    raise ChoiceNeededError(LAYER, said("import.which_target", file=source.shown), choices)


def _guesses(source: ImportSource, first: Batch | None) -> list[Guess]:
    """Return every layer whose key the file has, with what speaks for it."""
    shapes = _shapes_of(first)
    plans = {
        schema.name: match_columns(
            source.columns,
            schema,
            mapping=None,
            shown=source.shown,
            cut_in=source.encoding if source.cut_names else None,
            has_geometry=source.has_geometry,
        )
        for schema in SCHEMAS.values()
    }
    known: dict[str, int] = {}
    for plan in plans.values():
        for item in plan.matched:
            known[item.column] = known.get(item.column, 0) + 1
    found = []
    for name, plan in plans.items():
        schema = SCHEMAS[name]
        fields = {item.field for item in plan.matched}
        if not fields.issuperset(schema.key) or not _fits(schema, shapes, source.has_geometry):
            continue
        own = [item for item in plan.matched if item.field not in _PROVENANCE]
        own.sort(key=lambda item: known[item.column])
        lacking = sum(
            item.need is Need.VALUE and item.name not in {*fields, *_PROVENANCE}
            for item in schema.fields
        )
        score = sum(1 / known[item.column] for item in own) - _LACKING * lacking
        score += _NAMED * _is_named(name, source)
        found.append(Guess(layer=name, columns=tuple(own), score=score))
    return found


def _shapes_of(first: Batch | None) -> frozenset[str]:
    """Return the kinds of a batch's shapes, single ones; none for a table or unknown ones."""
    if first is None or first.geometry is None:
        return frozenset()
    shapes = first.geometry.shapes
    parts = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
    types = np.unique(shapely.get_type_id(parts))
    names = {int(shapely.GeometryType[name.upper()]): name for name in _MADE_OF}
    return frozenset(names[int(each)] for each in types if int(each) in names)


def _fits(schema: LayerSchema, shapes: frozenset[str], has_geometry: bool) -> bool:  # noqa: FBT001 - a fact of the file
    if not shapes:
        return True
    if schema.geometry is None:
        return not has_geometry
    kept = STORED_GEOMETRY[schema.geometry]
    return any(shapes & made for stored, made in _MADE_OF.items() if stored in kept)


def _is_named(layer: str, source: ImportSource) -> bool:
    """Return whether the name of the file or of its table says the layer's name."""
    names = [plain(text) for text in (source.shown, source.layer or "")]
    words = (layer, *_titles(layer))
    return any(plain(word) in name for word in words for name in names)


def _titles(layer: str) -> Sequence[str]:
    return [Translator(language).text(f"layer.{layer}") for language in Language]
