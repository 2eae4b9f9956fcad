"""What stands on a piece of ground: whether it is something that a rule on control zones bans.

Some zones ban not all that lies in them, but what discharges, new heavy polluters, or the
industries of a list. What is not known of the enterprises on a piece of ground is unknown;
nothing here says what an overlap with a zone means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.placing import NOWHERE, holding_park
from geo_service.industry import are_within, belongs_to, split_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import Plan


class Ban(StrEnum):
    """What a zone bans, where it does not ban everything."""

    DISCHARGING = "discharging"
    """What discharges waste water."""
    NEW_HEAVY_POLLUTERS = "new_heavy_polluters"
    """New or expanded heavy polluters; those that stand are left alone."""
    LISTED_INDUSTRIES = "listed_industries"
    """The industries that the zone's own list names by code prefix."""


class Answer(IntEnum):
    """Whether something banned stands on a piece of ground; the larger answer prevails."""

    NO = 0
    UNKNOWN = 1
    YES = 2


KEY_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "parks": "park_id",
        "parcels": "parcel_id",
        "buildings": "building_id",
        "enterprises": "enterprise_id",
    }
)
"""The layers that zones may be about, with the column that names a feature of each."""
BAN_COLUMNS: Mapping[Ban, tuple[str, ...]] = MappingProxyType(
    {
        Ban.DISCHARGING: ("discharges_wastewater",),
        Ban.NEW_HEAVY_POLLUTERS: ("heavy_polluter", "is_new"),
        Ban.LISTED_INDUSTRIES: ("industry_code",),
    }
)
"""The columns of enterprises that tell whether an enterprise is banned."""


@dataclass(frozen=True)
class Answers:
    """For each row of a layer, whether something banned stands there, and which enterprises."""

    values: NDArray[np.int8]
    enterprises: tuple[tuple[str, ...], ...]
    """The enterprises that decide an answer of `YES` or `UNKNOWN`; none where nobody is known."""


@dataclass(frozen=True)
class Tenants:
    """The enterprises that count, with the parcel and building that each stands on."""

    plan: Plan

    def answer(
        self, layer: str, rows: gpd.GeoDataFrame, ban: Ban, listed: tuple[str, ...] | None
    ) -> Answers:
        """Return what a ban meets on rows of `parks`, `parcels`, `buildings` or `enterprises`.

        `listed` are the code prefixes of the zone's list, None if nobody knows the list. Ground
        on which no enterprise is known is `UNKNOWN`, since nobody knows its use; under a list of
        industries it is `NO`, since the list bans industries and there is none. A park is judged
        by the list for its leading industry.
        """
        if not len(rows):
            return Answers(np.zeros(0, dtype=np.int8), ())
        if layer == "parks" and ban is Ban.LISTED_INDUSTRIES:
            return _by_leading(rows, listed)
        each = self._kept.get((ban, listed))
        if each is None:
            each = self._kept[ban, listed] = pd.DataFrame(
                {
                    "answer": self._each(ban, listed),
                    "enterprise_id": self._rows["enterprise_id"].to_numpy(dtype=object),
                    **{name: self._rows[name].to_numpy(dtype=object) for name in _HOLDERS},
                }
            )
        bare = Answer.NO if ban is Ban.LISTED_INDUSTRIES else Answer.UNKNOWN
        if layer == "buildings":
            around = _Heard.of(each[each["building_id"].isna()], "parcel_id", rows["parcel_id"])
            return _Heard.of(each, "building_id", rows["building_id"]).completed(around, bare)
        key = KEY_COLUMNS[layer]
        return _Heard.of(each, key, rows[key]).completed(None, bare)

    def of(self, part: Plan, enterprise_ids: pd.Series[Any]) -> Tenants:
        """Return the tenants of a part of the plan, on the ground that they have in the whole."""
        found = Tenants(part)
        own = self._rows[self._rows["enterprise_id"].isin(enterprise_ids)]
        found.__dict__["_rows"] = own  # a cached property of a frozen value
        return found

    @cached_property
    def _kept(self) -> dict[tuple[Ban, tuple[str, ...] | None], pd.DataFrame]:
        """Whether each enterprise is banned, by the ban."""
        return {}

    @property
    def places(self) -> pd.DataFrame:
        """The enterprises that count, each with the parcel that it stands on, if any."""
        return self._rows

    @cached_property
    def alone(self) -> gpd.GeoDataFrame:
        """The enterprises that stand on no known parcel or building, by their points."""
        rows = self._rows
        shapes = np.asarray(self.plan.metric("enterprises").geometry[rows.index])
        has_no_home = (rows["parcel_id"].isna() & rows["building_id"].isna()).to_numpy(dtype=bool)
        is_alone = has_no_home & ~shapely.is_missing(shapes)
        found = rows.loc[is_alone, ["enterprise_id", "park_id", "name"]]
        return gpd.GeoDataFrame(found, geometry=shapes[is_alone], crs=self.plan.metric_crs)

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """The enterprises that count; each with the parcel of its building, or that holds it."""
        return self.plan.remember(_GROUND_KEY, _GROUND_READS, self._placed)

    def _placed(self) -> pd.DataFrame:
        active = active_enterprises(self.plan)
        buildings = self.plan.frame("buildings")
        parcel_of = dict(zip(buildings["building_id"], buildings["parcel_id"], strict=True))
        own = active["parcel_id"].astype("object")
        below = active["building_id"].map(parcel_of)
        parcel_ids = np.array(own.where(own.notna(), below), dtype=object)
        shapes = np.asarray(self.plan.metric("enterprises").geometry[active.index])
        is_lost = (
            pd.isna(parcel_ids)
            & active["building_id"].isna().to_numpy(dtype=bool)
            & ~shapely.is_missing(shapes)
        )
        if is_lost.any() and len(self.plan.frame("parcels")):
            parcels = self.plan.metric("parcels")
            position = holding_park(parcels.geometry.to_numpy(), shapes[is_lost])
            known = parcels["parcel_id"].to_numpy(dtype=object)
            found = known[position]
            found[position == NOWHERE] = None
            parcel_ids[is_lost] = found
        return _on_ground(active, parcel_ids)

    def _each(self, ban: Ban, listed: tuple[str, ...] | None) -> NDArray[np.int8]:
        """Return whether each enterprise is banned."""
        rows = self._rows
        if ban is Ban.LISTED_INDUSTRIES:
            codes = rows["industry_code"]
            if listed is None:
                return np.full(len(rows), Answer.UNKNOWN, dtype=np.int8)
            is_banned = are_within(codes, listed) if listed else np.zeros(len(rows), dtype=bool)
            return _answers(is_banned, ~is_banned & codes.notna().to_numpy(dtype=bool))
        flags = [rows[name].astype("boolean") for name in BAN_COLUMNS[ban]]
        is_yes = [flag.fillna(value=False).to_numpy(dtype=bool) for flag in flags]
        is_no = [(~flag).fillna(value=False).to_numpy(dtype=bool) for flag in flags]
        return _answers(np.logical_and.reduce(is_yes), np.logical_or.reduce(is_no))


_GROUND_KEY = "tenants"
_GROUND_READS: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        "enterprises": None,
        "parcels": frozenset({"parcel_id", "geometry"}),
        "buildings": frozenset({"building_id", "parcel_id"}),
    }
)


def _on_ground(active: pd.DataFrame, parcel_ids: NDArray[np.object_]) -> pd.DataFrame:
    return active.assign(parcel_id=pd.Series(parcel_ids, index=active.index, dtype="object"))


def set_ground(plan: Plan, parcel_ids: Sequence[str | None]) -> None:
    """Tell a plan that lacks parcels on which of them each enterprise that counts stands."""
    known = np.array(parcel_ids, dtype=object)
    plan.remember(_GROUND_KEY, _GROUND_READS, lambda: _on_ground(active_enterprises(plan), known))


_HOLDERS = ("park_id", "parcel_id", "building_id")


def _answers(is_yes: NDArray[np.bool_], is_no: NDArray[np.bool_]) -> NDArray[np.int8]:
    answers = np.full(len(is_yes), Answer.UNKNOWN, dtype=np.int8)
    answers[is_no] = Answer.NO
    answers[is_yes] = Answer.YES
    return answers


@dataclass(frozen=True)
class _Heard:
    """What the enterprises on each piece of ground amount to; -1 where there is none."""

    answers: NDArray[np.int8]
    enterprises: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, each: pd.DataFrame, key: str, ids: pd.Series[Any]) -> _Heard:
        """Return for each id the answer that prevails among its enterprises."""
        places = pd.Index(ids.astype("object").unique())
        position = places.get_indexer(each[key].astype("object"))
        is_here = (position >= 0) & each[key].notna().to_numpy(dtype=bool)
        position, answers = position[is_here], each["answer"].to_numpy()[is_here]
        worst = np.full(len(places), _NOBODY, dtype=np.int8)
        np.maximum.at(worst, position, answers)
        decides = (answers == worst[position]) & (answers != Answer.NO)
        deciding: dict[int, list[str]] = {}
        names = each["enterprise_id"].to_numpy(dtype=object)[is_here]
        for place, name in zip(position[decides].tolist(), names[decides], strict=True):
            deciding.setdefault(place, []).append(name)
        own = places.get_indexer(ids.astype("object"))
        told = {place: tuple(sorted(who)) for place, who in deciding.items()}
        return cls(worst[own], tuple(told.get(place, ()) for place in own.tolist()))

    def completed(self, other: _Heard | None, bare: Answer) -> Answers:
        """Return the answers: those of `other` where nobody is here, else `bare`."""
        values, enterprises = self.answers.copy(), list(self.enterprises)
        if other is not None:
            for row in np.flatnonzero(values == _NOBODY).tolist():
                values[row], enterprises[row] = other.answers[row], other.enterprises[row]
        values[values == _NOBODY] = bare
        return Answers(values, tuple(enterprises))


_NOBODY = -1


def _by_leading(parks: gpd.GeoDataFrame, listed: tuple[str, ...] | None) -> Answers:
    if listed is None:
        values = np.full(len(parks), Answer.UNKNOWN, dtype=np.int8)
    else:
        leading = [
            split_codes(cell if isinstance(cell, str) else None)
            for cell in parks["leading_industry"]
        ]
        values = np.array(
            [
                Answer.YES if any(belongs_to(code, listed) for code in codes) else Answer.NO
                for codes in leading
            ],
            dtype=np.int8,
        )
    return Answers(values, ((),) * len(parks))
