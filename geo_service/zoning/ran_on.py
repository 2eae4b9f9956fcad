"""Which subjects each rule of a review ran on: what tells a cured finding from one not looked at.

Kept as one mask per rule and layer over the layer's subjects, so that a county of a hundred
thousand parcels costs little; written as ranges. Leaves out what the rules found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    def masks(self, looked_at: Mapping[str, Sequence[str]]) -> Masks:
        """Return which subjects are among ids by layer, over the layers' subjects."""
        return {layer: self._mask(layer, ids) for layer, ids in looked_at.items()}

    def _mask(self, layer: str, ids: Sequence[str]) -> NDArray[np.bool_]:
        known = self.ids.get(layer, ())
        if len(ids) == len(known) and tuple(ids) == known:
            return np.ones(len(known), dtype=bool)
        mask = np.zeros(len(known), dtype=bool)
        places = self.positions(layer, ids)
        mask[places[places >= 0]] = True
        return mask


@dataclass(frozen=True)
class RanOn:
    """For each rule of a review, the subjects that it ran on, whatever it found."""

    subjects: SubjectList
    masks: Mapping[str, Masks]
    """By rule and layer, over the layer's subjects; a layer that is not there has none."""

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
