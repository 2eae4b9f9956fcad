"""Follow a layer through its versions: which versions contain each state of a feature.

The versions of a history, oldest first, are *steps* 0, 1, 2, ... A feature that changes has
several states, each from one step to another. Shapes are compared as in `difference`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from geo_service.schema import SCHEMAS
from geo_service.stores.difference import FeatureChange, feature_ids, find_differences

if TYPE_CHECKING:
    import pyproj

    from geo_service.stores.base import LayerVersion

MOST_STEPS = 24
MOST_ROWS = 2_000_000
"""Limits of versions and rows: of a longer history only the newest are used, at least two."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One version, and its changes since the previous one; none for the first."""

    entry: LayerVersion
    added: int = 0
    changed: Mapping[str, FeatureChange] = field(default_factory=dict)
    """By feature id."""
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A layer's versions, oldest first, and every state of its features in them."""

    layer: str
    steps: tuple[Step, ...]
    states: pd.DataFrame
    """The layer's columns, and for each state `feature_id`, `first_step` and `last_step`."""

    @property
    def newest(self) -> pd.DataFrame:
        """The states in the newest version."""
        states = self.states
        found: pd.DataFrame = states[states["last_step"] == len(self.steps) - 1]
        return found


def newest_entries(history: Sequence[LayerVersion]) -> list[LayerVersion]:
    """Return the versions of a history (newest first) that a timeline uses, oldest first."""
    taken: list[LayerVersion] = []
    rows = 0
    for entry in history[:MOST_STEPS]:
        rows += entry.features
        if len(taken) > 1 and rows > MOST_ROWS:
            break
        taken.append(entry)
    return taken[::-1]


def make_timeline(
    entries: Sequence[LayerVersion],
    frames: Iterable[pd.DataFrame],
    *,
    layer: str,
    metric_crs: pyproj.CRS | str,
) -> Timeline:
    """Return the timeline of a history.

    Parameters
    ----------
    entries, frames
        The versions, oldest first, and their rows in the form of `frames.canonical`; only two
        frames are in memory at a time.
    layer
        The layer's name.
    metric_crs
        The CRS in which shifts of shapes are measured.

    Notes
    -----
    States are in the order in which they end, and then in the order of their version's
    rows: the states of the newest version come last.
    """
    schema = SCHEMAS[layer]
    left = iter(frames)
    before = next(left)
    since = pd.Series(0, index=feature_ids(before, schema), dtype="int64")
    steps = [Step(entry=entries[0])]
    ended: list[pd.DataFrame] = []
    for position, after in enumerate(left, start=1):
        found = find_differences(before, after, layer=layer, metric_crs=metric_crs)
        step = Step(
            entry=entries[position],
            added=len(found.added),
            changed={item.id: item for item in found.changed},
            removed=frozenset(map(str, feature_ids(found.removed, schema))),
        )
        steps.append(step)
        is_gone = since.index.isin([*step.removed, *step.changed])
        ended.append(_states(before[is_gone], since[is_gone], last_step=position - 1))
        started = since.reindex(feature_ids(after, schema)).fillna(position).astype("int64")
        started[started.index.isin([*step.changed])] = position
        before, since = after, started
    ended.append(_states(before, since, last_step=len(steps) - 1))
    filled = [part for part in ended if len(part)] or ended[-1:]
    states = pd.concat(filled, ignore_index=True)
    return Timeline(layer=layer, steps=tuple(steps), states=states)


def _states(rows: pd.DataFrame, since: pd.Series[int], *, last_step: int) -> pd.DataFrame:
    return rows.assign(
        feature_id=since.index.to_numpy(), first_step=since.to_numpy(), last_step=last_step
    )
