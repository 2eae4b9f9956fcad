"""Buildings: what an enterprise needs of its floor against what the floor has; vacancy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

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
    active = active_enterprises(case.plan)
    if active.empty:
        return
    in_scope = active[active["building_id"].notna() & active["park_id"].isin(case.parks["park_id"])]
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
        outcome.judge(row["park_id"])
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
            outcome.findings.append(finding)
    return outcome


def _floor_name(row: Row) -> str:
    number = row["floor_no"]
    return f"{row['building_id']}/?" if pd.isna(number) else floor_id(row["building_id"], number)


class FireParameters(Parameters):
    """Which fire classes may not be above the ground floor."""

    not_upstairs: tuple[str, ...] = Field(default=("甲", "乙"), min_length=1)


def fire_class(case: Case, parameters: FireParameters) -> Outcome:
    """No floor but the ground floor is given over to a fire class that must stay there."""
    outcome = Outcome()
    floors = case.plan.frame("floors")
    buildings = case.plan.metric("buildings")
    parks = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    shapes = dict(zip(buildings["building_id"], buildings.geometry, strict=True))
    wanted = set(case.parks["park_id"])
    columns = ["building_id", "floor_no", "fire_class"]
    for building_id, number, letter in floors[columns].itertuples(index=False):
        park_id = parks.get(building_id)
        if park_id not in wanted or number == _GROUND_FLOOR:
            continue
        outcome.judge(park_id)
        subject = Subject("floors", floor_id(building_id, number))
        if not text_or_none(letter):
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column="fire_class")
            )
        elif letter in parameters.not_upstairs:
            values = {"floor": subject.id, "fire_class": letter}
            outcome.findings.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.fire_class", values),
                    evidence={
                        "measure": "fire_class",
                        "value": letter,
                        "unit": None,
                        "threshold": list(parameters.not_upstairs),
                        "floor_no": int(number),
                    },
                    cure=Message("cure.fire_class", values),
                    geometry=shapes.get(building_id),
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
    buildings = case.plan.metric("buildings")
    own = buildings[buildings["park_id"].isin(case.parks["park_id"])]
    by_building = dict(tuple(floors.groupby("building_id"))) if len(floors) else {}
    columns = ["building_id", "park_id"]
    for (building_id, park_id), shape in zip(
        own[columns].itertuples(index=False), own.geometry, strict=True
    ):
        rows = by_building.get(building_id)
        outcome.judge(park_id)
        subject = Subject("buildings", building_id)
        if rows is None:
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column="floors", rows=[building_id])
            )
            continue
        lacking = [name for name in ("vacant_m2", "area_m2") if rows[name].isna().any()]
        if lacking:
            gaps: list[int] = rows.loc[rows[lacking[0]].isna(), "floor_no"].tolist()
            names = [floor_id(building_id, number) for number in gaps]
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column=lacking[0], rows=names)
            )
            continue
        total = float(rows["area_m2"].sum())
        share = float(rows["vacant_m2"].sum()) / total if total > 0 else 0.0
        if share <= parameters.maximum:
            continue
        values = {
            "building": building_id,
            "share": Quantity(share, "share", beside=parameters.maximum),
            "maximum": Quantity(parameters.maximum, "share"),
        }
        outcome.findings.append(
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
                    "vacant_m2": float(rows["vacant_m2"].sum()),
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
        "vacancy": Check(VacancyParameters, vacancy),
    }
)
