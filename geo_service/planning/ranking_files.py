"""A ranking on its way from the process that made it to the one that answers.

What the plan and the rulebook hold is named, not written: shapes of the plan's features stay the
plan's own. The file is written and read by this program within one run, in a folder of its own,
and never kept: what is kept of a ranking are its answers in the store (`ranking_records`).
"""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from geo_service.plan import Plan
from geo_service.zoning.rulebook import Rulebook

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.suitability.rank import Ranking

_PLAN, _RULEBOOK, _STORED, _METRIC = "plan", "rulebook", "stored", "metric"
_LAYERS = ("parcels", "parks", "buildings", "enterprises")
"""Layers whose features candidates stand on."""


def write_ranking(ranking: Ranking, path: Path) -> None:
    """Write a ranking to a file; OSError if it cannot be written."""
    with path.open("wb") as file:
        _RankingWriter(file, ranking.plan, ranking.rulebook).dump(ranking)


def read_ranking(path: Path, plan: Plan, rulebook: Rulebook) -> Ranking:
    """Read a ranking of a plan by a rulebook that `write_ranking` wrote in this run."""
    with path.open("rb") as file:
        found: Ranking = _RankingReader(file, plan, rulebook).load()
        return found


def _proxy(content: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(content)


def _reduced(proxy: MappingProxyType[Any, Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return _proxy, (dict(proxy),)


class _RankingWriter(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table.copy()
    dispatch_table[MappingProxyType] = _reduced

    def __init__(self, file: Any, plan: Plan, rulebook: Rulebook) -> None:  # noqa: ANN401 - a file
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._plan = plan
        self._rulebook = rulebook
        self._places = {
            id(shape): (kind, layer, position)
            for layer in _LAYERS
            if isinstance(plan.frame(layer), gpd.GeoDataFrame)
            for kind, frame in ((_STORED, plan.geo(layer)), (_METRIC, plan.metric(layer)))
            for position, shape in enumerate(frame.geometry.to_numpy())
        }

    def persistent_id(self, obj: object) -> object:
        """Return the name of what the reader has as well; None for anything else."""
        if isinstance(obj, BaseGeometry):
            return self._places.get(id(obj))
        if obj is self._plan:
            return (_PLAN,)
        return (_RULEBOOK,) if obj is self._rulebook else None


class _RankingReader(pickle.Unpickler):
    def __init__(self, file: Any, plan: Plan, rulebook: Rulebook) -> None:  # noqa: ANN401 - a file
        super().__init__(file)
        self._whole = {(_PLAN,): plan, (_RULEBOOK,): rulebook}
        self._shapes = {
            (kind, layer): frame.geometry.to_numpy()
            for layer in _LAYERS
            if isinstance(plan.frame(layer), gpd.GeoDataFrame)
            for kind, frame in ((_STORED, plan.geo(layer)), (_METRIC, plan.metric(layer)))
        }

    def persistent_load(self, pid: Any) -> object:  # noqa: ANN401 - as written
        """Return what a name stands for."""
        if len(pid) == 1:
            return self._whole[pid]
        kind, layer, position = pid
        return self._shapes[kind, layer][position]
