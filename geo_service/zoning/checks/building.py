"""Buildings: what an enterprise needs of its floor against what the floor has; vacancy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.domain.subjects import floor_id
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.plan import rows_of
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.bounds import BoundParameters, Measured, judge_bound
from geo_service.zoning.check import (
    Case,
    Check,
    NoParameters,
    Outcome,
    Parameters,
    missing_value,
    text_or_none,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class FloorBoundParameters(BoundParameters):
    """Which property of a floor is held against what its tenants' industries need."""

    column: Literal["load_kn_m2", "clear_height_m", "goods_lift_t"]
    above_ground_only: bool = False


_UNITS = MappingProxyType({"load_kn_m2": "kN/m²", "clear_height_m": "m", "goods_lift_t": "t"})
_GROUND_FLOOR = 1
Row = dict[str, Any]


def _tenants(case: Case) -> Iterator[tuple[Row, Row | None, BaseGeometry | None]]:
    """Every enterprise on a floor of a park in scope, with the floor's row or None."""
    active = case.own("enterprises")
    if active.empty:
        return
    in_scope = active[active["building_id"].notna().to_numpy(dtype=bool)]
    floors = rows_of(case.plan.frame("floors"))
    by_number = {(floor["building_id"], int(floor["floor_no"])): floor for floor in floors}
    buildings = case.plan.metric("buildings")
    shapes = dict(zip(buildings["building_id"], buildings.geometry, strict=True))
    for row in rows_of(in_scope):
        number = None if pd.isna(row["floor_no"]) else int(row["floor_no"])
        floor = None if number is None else by_number.get((row["building_id"], number))
        yield row, floor, shapes.get(row["building_id"])


def floor_bound(case: Case, parameters: FloorBoundParameters) -> Outcome:
    """A floor has what the industry of each enterprise on it needs."""
    outcome = Outcome()
    for row, floor, shape in _tenants(case):
        code = text_or_none(row["industry_code"])
        is_ground = floor is not None and int(floor["floor_no"]) <= _GROUND_FLOOR
        if code is None or (parameters.above_ground_only and is_ground):
            continue
        outcome.judge(Subject("enterprises", row["enterprise_id"]), row["park_id"])
        floor_name = _floor_name(row)
        measured = Measured(
            subject=Subject("enterprises", row["enterprise_id"]),
            park_id=text_or_none(row["park_id"]),
            column=parameters.column,
            value=None if floor is None else float(floor[parameters.column]),
            unit=_UNITS[parameters.column],
            code=code,
            computed=f"floor {floor_name}",
            missing_rows=[floor_name],
            name=Message("name.on_floor", {"name": row["name"], "floor": floor_name}),
        )
        finding = judge_bound(measured, parameters, shape)
        if finding is not None:
            outcome.singles.append(finding)
    return outcome


def _floor_name(row: Row) -> str:
    number = row["floor_no"]
    return f"{row['building_id']}/?" if pd.isna(number) else floor_id(row["building_id"], number)


class FireParameters(Parameters):
    """Which fire classes may not be above the ground floor, and which not under one roof.

    `alone` are the classes that a building with several tenants may hold on no floor at all.
    """

    not_upstairs: tuple[str, ...] = Field(default=("甲", "乙"), min_length=1)
    alone: tuple[str, ...] = ("甲",)


def fire_class(case: Case, parameters: FireParameters) -> Outcome:
    """No floor holds a fire class that must stay on the ground, or apart from other tenants."""
    outcome = Outcome()
    floors = case.plan.frame("floors")
    buildings = case.plan.metric("buildings")
    parks = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    shapes = dict(zip(buildings["building_id"], buildings.geometry, strict=True))
    wanted = set(case.parks["park_id"])
    counts = floors["building_id"].value_counts()
    storeys = {str(building_id): int(count) for building_id, count in counts.items()}
    shared = _shared_buildings(case, storeys)
    columns = ["building_id", "floor_no", "fire_class"]
    for building_id, number, letter in floors[columns].itertuples(index=False):
        park_id = parks.get(building_id)
        is_plain = number == _GROUND_FLOOR and not parameters.alone
        if park_id not in wanted or is_plain:
            continue
        subject = Subject("floors", floor_id(building_id, number))
        outcome.judge(subject, park_id)
        if not text_or_none(letter):
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="fire_class")
            )
            continue
        verdict, key = Verdict.FAIL, "fire_class_shared"
        if letter not in parameters.alone or building_id not in shared:
            is_upstairs = letter in parameters.not_upstairs and number != _GROUND_FLOOR
            is_tall = letter in parameters.alone and storeys[building_id] > 1
            if not is_upstairs and not is_tall:
                continue
            key = "fire_class" if is_upstairs else "fire_class_storeys"
            verdict = Verdict.FAIL if is_upstairs else Verdict.WATCH
        values = {"floor": subject.id, "fire_class": letter, "building": building_id}
        outcome.singles.append(
            RawFinding(
                verdict=verdict,
                park_id=park_id,
                subject=subject,
                title=Message(f"finding.{key}", values),
                evidence={
                    "measure": "fire_class",
                    "value": letter,
                    "unit": None,
                    "threshold": list(
                        parameters.alone if key != "fire_class" else parameters.not_upstairs
                    ),
                    "floor_no": int(number),
                    "storeys": storeys[building_id],
                    "is_shared": building_id in shared,
                },
                cure=Message("cure.fire_class", values),
                geometry=shapes.get(building_id),
            )
        )
    return outcome


def _shared_buildings(case: Case, storeys: Mapping[str, int]) -> set[str]:
    """Return the buildings that several tenants share.

    To a project every building is shared that it would not have for itself: one of several
    storeys, or one of which a part is let.
    """
    if case.applies_to == "new":
        floors = case.plan.frame("floors")
        is_part_let = (floors["vacant_m2"] < floors["area_m2"]).fillna(value=True)
        tall = {building_id for building_id, count in storeys.items() if count > 1}
        return tall | set(floors.loc[is_part_let.to_numpy(dtype=bool), "building_id"])
    active = active_enterprises(case.plan)
    if active.empty:
        return set()
    tenants = active.groupby("building_id")["enterprise_id"].nunique()
    return set(tenants.index[tenants > 1])


def dormitory(case: Case, _: NoParameters) -> Outcome:
    """No building has a dormitory among its workshops; those that do not say are left out."""
    buildings = case.own("buildings")
    own = buildings[buildings["has_dormitory"].notna().to_numpy(dtype=bool)]
    outcome = Outcome.of("buildings", own)
    found = own[own["has_dormitory"].to_numpy(dtype=bool)]
    columns = ["building_id", "park_id"]
    for (building_id, park_id), shape in zip(
        found[columns].itertuples(index=False), found.geometry, strict=True
    ):
        values = {"building": building_id}
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.FAIL,
                park_id=park_id,
                subject=Subject("buildings", building_id),
                title=Message("finding.dormitory", values),
                evidence={"measure": "has_dormitory", "value": True, "unit": None},
                cure=Message("cure.dormitory", values),
                geometry=shape,
            )
        )
    return outcome


class VacancyParameters(Parameters):
    """Above which vacant share a building is watched."""

    maximum: float = Field(default=0.4, ge=0, le=1)


def vacancy(case: Case, parameters: VacancyParameters) -> Outcome:
    """Not too much of a building's floor area is vacant."""
    outcome = Outcome()
    floors = case.plan.frame("floors")
    own = case.own("buildings")
    by_building = floors.groupby("building_id").indices if len(floors) else {}
    cells = {name: floors[name].to_numpy(dtype=float) for name in ("vacant_m2", "area_m2")}
    columns = ["building_id", "park_id"]
    for (building_id, park_id), shape in zip(
        own[columns].itertuples(index=False), own.geometry, strict=True
    ):
        rows = by_building.get(building_id)
        subject = Subject("buildings", building_id)
        outcome.judge(subject, park_id)
        if rows is None:
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="floors", rows=[building_id])
            )
            continue
        own_m2 = {name: column[rows] for name, column in cells.items()}
        lacking = [name for name, areas in own_m2.items() if np.isnan(areas).any()]
        if lacking:
            empty = rows[np.isnan(own_m2[lacking[0]])]
            gaps: list[int] = floors["floor_no"].iloc[empty].tolist()
            names = [floor_id(building_id, number) for number in gaps]
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column=lacking[0], rows=names)
            )
            continue
        vacant, total = (float(own_m2[name].sum()) for name in cells)
        share = vacant / total if total > 0 else 0.0
        if share <= parameters.maximum:
            continue
        values = {
            "building": building_id,
            "share": Quantity(share, "share", beside=parameters.maximum),
            "maximum": Quantity(parameters.maximum, "share"),
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=subject,
                title=Message("finding.vacancy", values),
                evidence={
                    "measure": "vacant_share",
                    "value": share,
                    "unit": "share",
                    "threshold": parameters.maximum,
                    "vacant_m2": vacant,
                    "floor_area_m2": total,
                    "computed": "sum(vacant_m2) / sum(area_m2) over the building's floors",
                },
                cure=Message("cure.vacancy", values),
                geometry=shape,
            )
        )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "floor_bound": Check(FloorBoundParameters, floor_bound),
        "fire_class": Check(FireParameters, fire_class),
        "dormitory": Check(NoParameters, dormitory),
        "vacancy": Check(VacancyParameters, vacancy),
    }
)
