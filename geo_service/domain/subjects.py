"""Features as findings name them: the id of each, and whether it is made up."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from geo_service.schema import SCHEMAS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.plan import Plan

SUBJECT_LAYERS = ("parks", "parcels", "buildings", "enterprises", "floors")
"""The layers whose features a finding may be about."""


def floor_id(building_id: str, floor_no: float) -> str:
    """Return the id of a floor: a building's id and the number of the floor in it.

    >>> floor_id("B1", 2.0)
    'B1/2'
    """
    return f"{building_id}/{int(floor_no)}"


def subject_ids(layer: str, frame: pd.DataFrame) -> list[str]:
    """Return the id of each row; all years of an enterprise have the same one."""
    first, *_ = SCHEMAS[layer].key
    ids = [str(identity) for identity in frame[first]]
    if layer != "floors":
        return ids
    return [floor_id(*both) for both in zip(ids, frame["floor_no"], strict=True)]


def illustrative_features(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which features are marked as made up; one without a mark is not."""
    return frame["illustrative"].fillna(value=False).to_numpy(dtype=bool)


def is_any_illustrative(frame: pd.DataFrame) -> bool:
    """Return whether any feature is marked as made up."""
    return bool(illustrative_features(frame).any())


def illustrative_subjects(plan: Plan) -> frozenset[tuple[str, str]]:
    """Return layer and id of every feature that is made up and that a finding may be about."""
    return frozenset(
        (layer, identity)
        for layer in SUBJECT_LAYERS
        for identity in subject_ids(layer, _marked(plan.frame(layer)))
    )


class IllustrativeSubjects(Container[tuple[str, str]]):
    """Layers and ids of the features that are made up, found when somebody asks for a layer's."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._of_layer: dict[object, frozenset[str]] = {}

    def __contains__(self, item: object) -> bool:
        """Return whether a layer's feature, by its id, is made up."""
        layer, identity = item if isinstance(item, tuple) else (None, None)
        if layer not in self._of_layer:
            self._of_layer[layer] = self._found(layer)
        return identity in self._of_layer[layer]

    def _found(self, layer: object) -> frozenset[str]:
        if not isinstance(layer, str) or layer not in SUBJECT_LAYERS:
            return frozenset()
        return self._plan.remember(
            ("illustrative", layer),
            {layer: None},
            lambda: frozenset(subject_ids(layer, _marked(self._plan.frame(layer)))),
        )


def _marked(frame: pd.DataFrame) -> pd.DataFrame:
    marked: pd.DataFrame = frame[illustrative_features(frame)]
    return marked
