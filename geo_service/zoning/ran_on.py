"""Which subjects each rule of a review ran on: what tells a cured finding from one not looked at.

Checks say it by the columns of the rows that they judge (`LookedAt`); a record (`RanOn`) is made
of these when somebody asks: one mask per rule and layer over the layer's subjects, written as
ranges. Leaves out what the rules found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.domain.subjects import SUBJECT_LAYERS, subject_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan

_LAYERS = (*SUBJECT_LAYERS, "facilities")
_COUNTY = "county"
Masks = Mapping[str, "NDArray[np.bool_]"]


@dataclass(frozen=True)
class _Chunk:
    """Subjects of one layer that were judged together, with the park of each."""

    layer: str
    ids: pd.Series[str]
    parks: pd.Series[str]

    def where(self, mask: NDArray[np.bool_]) -> _Chunk:
        """Return some of them; the very same if they are all."""
        return self if mask.all() else replace(self, ids=self.ids[mask], parks=self.parks[mask])


class LookedAt:
    """Subjects that a check ran on, with their parks; columns are shared with the plan's frames."""

    def __init__(self, chunks: Iterable[_Chunk] = ()) -> None:
        """Begin with what was judged before."""
        self._chunks = list(chunks)
        self._singles: dict[str, tuple[list[str], list[str | None]]] = {}

    def add(self, layer: str, subject_id: str, park_id: str | None) -> None:
        """Add one subject."""
        ids, parks = self._singles.setdefault(layer, ([], []))
        ids.append(subject_id)
        parks.append(park_id)

    def add_rows(self, layer: str, ids: pd.Series[str], parks: pd.Series[str]) -> None:
        """Add the subjects of rows."""
        self._chunks.append(_Chunk(layer, ids, parks))

    def chunks(self) -> list[_Chunk]:
        """Return the subjects, those that came together in one piece."""
        singles = [
            _Chunk(layer, pd.Series(ids, dtype="object"), pd.Series(parks, dtype="object"))
            for layer, (ids, parks) in self._singles.items()
        ]
        return [*self._chunks, *singles]

    def exchanged(self, old: LookedAt, new: LookedAt) -> LookedAt:
        """Return the subjects without those of an old part, and with those of a new one."""
        gone: dict[str, set[tuple[str, str | None]]] = {}
        for chunk in old.chunks():
            gone.setdefault(chunk.layer, set()).update(_pairs(chunk))
        return LookedAt([*(_without(chunk, gone) for chunk in self.chunks()), *new.chunks()])

    def with_parks(self, new: LookedAt, parks: Collection[str]) -> LookedAt:
        """Return the subjects with all of some parks replaced by those of another part."""
        kept = [chunk.where(~_are_in(chunk, parks)) for chunk in self.chunks()]
        return LookedAt([*kept, *(chunk.where(_are_in(chunk, parks)) for chunk in new.chunks())])

    def ids_by_layer(self) -> dict[str, list[pd.Series[str]]]:
        """Return the ids of the subjects by layer, in pieces."""
        found: dict[str, list[pd.Series[str]]] = {}
        for chunk in self.chunks():
            found.setdefault(chunk.layer, []).append(chunk.ids)
        return found


def _are_in(chunk: _Chunk, parks: Collection[str]) -> NDArray[np.bool_]:
    return np.asarray(chunk.parks.isin(list(parks)), dtype=bool)


def _pairs(chunk: _Chunk) -> Iterator[tuple[str, str | None]]:
    for subject_id, park_id in zip(chunk.ids.tolist(), chunk.parks.tolist(), strict=True):
        yield subject_id, park_id if isinstance(park_id, str) else None


def _without(chunk: _Chunk, gone: Mapping[str, set[tuple[str, str | None]]]) -> _Chunk:
    """Return a piece without subjects that are gone from their park."""
    pairs = gone.get(chunk.layer)
    if not pairs:
        return chunk
    near = np.flatnonzero(chunk.ids.isin([subject_id for subject_id, _ in pairs]))
    kept = np.ones(len(chunk.ids), dtype=bool)
    own = _Chunk(chunk.layer, chunk.ids.iloc[near], chunk.parks.iloc[near])
    kept[near] = [pair not in pairs for pair in _pairs(own)]
    return chunk.where(kept)


@dataclass(frozen=True)
class SubjectList:
    """The ids of everything in a plan that a finding may be about, by layer."""

    ids: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, plan: Plan) -> SubjectList:
        """Return the subjects of a plan, each once, in the order of its layer."""
        ids = {name: tuple(dict.fromkeys(subject_ids(name, plan.frame(name)))) for name in _LAYERS}
        return cls({**ids, _COUNTY: (plan.settings.county_code,)})

    @cached_property
    def _indexes(self) -> dict[str, pd.Index[str]]:
        return {layer: _index(ids) for layer, ids in self.ids.items()}

    def positions(self, layer: str, ids: Sequence[str]) -> NDArray[np.intp]:
        """Return where ids stand in a layer's list, -1 for one that the plan does not have."""
        if layer not in self.ids:
            return np.full(len(ids), -1, dtype=np.intp)
        found: NDArray[np.intp] = self._indexes[layer].get_indexer(_index(ids))
        return found

    def mask(self, layer: str, pieces: Sequence[pd.Series[str]]) -> NDArray[np.bool_]:
        """Return which subjects of a layer are among ids."""
        known = self.ids.get(layer, ())
        if len(pieces) == 1 and len(pieces[0]) == len(known) and pieces[0].is_unique:
            return np.ones(len(known), dtype=bool)  # as many as there are, each once: all
        mask = np.zeros(len(known), dtype=bool)
        for ids in pieces:
            places = self.positions(layer, ids.tolist())
            mask[places[places >= 0]] = True
        return mask


@dataclass(frozen=True)
class RanOn:
    """For each rule of a review, the subjects that it ran on, whatever it found."""

    subjects: SubjectList
    masks: Mapping[str, Masks]
    """By rule and layer, over the layer's subjects; a layer that is not there has none."""

    @classmethod
    def of(cls, subjects: SubjectList, looked_at: Mapping[str, LookedAt]) -> RanOn:
        """Return the record of what each rule ran on in a plan with these subjects."""
        return cls(
            subjects,
            {
                rule_id: {
                    layer: subjects.mask(layer, pieces)
                    for layer, pieces in sorted(looked.ids_by_layer().items())
                    if any(len(piece) for piece in pieces)
                }
                for rule_id, looked in looked_at.items()
            },
        )

    def has(self, layer: str, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of these subjects of a layer the plan has."""
        return self.subjects.positions(layer, ids) >= 0

    def covers(self, rule_id: str, layer: str, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return on which of these subjects of a layer a rule ran."""
        mask = self.masks.get(rule_id, {}).get(layer)
        places = self.subjects.positions(layer, ids)
        if mask is None or not len(mask):
            return np.zeros(len(ids), dtype=bool)
        covered: NDArray[np.bool_] = (places >= 0) & mask[places]
        return covered

    def document(self) -> dict[str, Any]:
        """Return the record as JSON values, of which `from_document` makes the same."""
        return {
            "subjects": {name: list(ids) for name, ids in self.subjects.ids.items() if ids},
            "rules": {
                rule_id: {layer: _ranges(mask) for layer, mask in sorted(masks.items())}
                for rule_id, masks in self.masks.items()
            },
        }

    @classmethod
    def from_document(cls, document: object) -> RanOn | None:
        """Read a record; None for a review that does not have one, or not of this form."""
        try:
            return cls._read(document)
        except (TypeError, ValueError, AttributeError, KeyError):
            return None

    @classmethod
    def _read(cls, document: Any) -> RanOn | None:  # noqa: ANN401 - JSON from a file
        if not isinstance(document, dict):
            return None
        ids = {str(name): tuple(map(str, own)) for name, own in document["subjects"].items()}
        masks = {
            str(rule_id): {
                str(layer): _mask(text, len(ids.get(layer, ()))) for layer, text in own.items()
            }
            for rule_id, own in document["rules"].items()
        }
        return cls(SubjectList(ids), masks)


def _index(ids: Sequence[str]) -> pd.Index[str]:
    index: pd.Index[str] = pd.Index(np.array(ids, dtype=object))
    return index


def _ranges(mask: NDArray[np.bool_]) -> str:
    """Return the positions that a mask has, as ranges: `0-4 7 9-12`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    pairs = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in pairs)


def _mask(ranges: str, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=bool)
    for text in ranges.split():
        first, _, last = text.partition("-")
        mask[int(first) : int(last or first) + 1] = True
    return mask
