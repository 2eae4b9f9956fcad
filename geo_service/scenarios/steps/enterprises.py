"""Enterprises moved and closed, and the room that they take and leave on floors and parcels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.domain.enterprises import CLOSED
from geo_service.domain.subjects import floor_id
from geo_service.domain.vacancy import FREE_STATUSES
from geo_service.scenarios.refusal import refuse
from geo_service.scenarios.steps.known import need, need_enterprise
from geo_service.scenarios.workbench import Workbench
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.scenarios.edits import CloseEnterprise, MoveEnterprise

LAYER = "enterprises"
PLACE = ("park_id", "parcel_id", "building_id", "floor_no")
ROUNDING = 0.005
"""Share of an area by which what stands on it may exceed it: figures are rounded."""


def move(bench: Workbench, edit: MoveEnterprise) -> None:
    """Move an enterprise; its floor is free behind it, and its new one has room before it."""
    key = need_enterprise(bench, edit.enterprise_id)
    place = _goal(bench, edit)
    if tuple(bench.cell(LAYER, key, name) for name in PLACE) == place:
        refuse("enterprise_id", said("scenario.there_already"), said("scenario.another_place"))
    leave_floor(bench, key)
    park_id, parcel_id, building_id, floor_no = place
    if building_id is not None and floor_no is not None:
        take_floor(bench, key, building_id, floor_no)
    elif parcel_id is not None:
        take_parcel(bench, parcel_id, bench.cell(LAYER, key, "land_m2"), but=key)
    bench.put(
        LAYER,
        key,
        park_id=park_id,
        parcel_id=parcel_id,
        building_id=building_id,
        floor_no=floor_no,
        geometry=None,
    )


def close(bench: Workbench, edit: CloseEnterprise) -> None:
    """Close an enterprise."""
    key = need_enterprise(bench, edit.enterprise_id)
    leave_floor(bench, key)
    bench.put(LAYER, key, status=CLOSED)


def _goal(
    bench: Workbench, edit: MoveEnterprise
) -> tuple[str | None, str | None, str | None, int | None]:
    """Return park, parcel, building and floor of an enterprise's new place."""
    if edit.park_id is not None:
        need(bench, "parks", edit.park_id, field="park_id")
        return edit.park_id, None, None, None
    if edit.parcel_id is not None:
        need(bench, "parcels", edit.parcel_id, field="parcel_id")
        park_id = bench.worked_out("parcels", edit.parcel_id, "park_id")
        return park_id, edit.parcel_id, None, None
    building_id, floor_no = edit.building_id or "", edit.floor_no or 0
    need(bench, "buildings", building_id, field="building_id")
    need(bench, "floors", floor_id(building_id, floor_no), field="floor_no")
    park_id = bench.worked_out("buildings", building_id, "park_id")
    return park_id, None, building_id, floor_no


def leave_floor(bench: Workbench, key: str) -> None:
    """Count the floor of an enterprise as vacant by what the enterprise has of it."""
    building_id = bench.cell(LAYER, key, "building_id")
    number, area_m2 = bench.cell(LAYER, key, "floor_no"), bench.cell(LAYER, key, "floor_m2")
    if building_id is None or number is None or area_m2 is None:
        return
    floor = floor_id(building_id, number)
    if not bench.has("floors", floor):
        return
    whole, vacant = (bench.cell("floors", floor, name) for name in ("area_m2", "vacant_m2"))
    if vacant is not None:
        most = vacant + area_m2
        bench.follow("floors", floor, vacant_m2=most if whole is None else min(whole, most))


def take_floor(bench: Workbench, key: str, building_id: str, number: int) -> None:
    """Give an enterprise what it has of floor area on a floor; refused where that is not vacant."""
    area_m2 = bench.cell(LAYER, key, "floor_m2")
    if area_m2 is not None:
        fill_floor(bench, floor_id(building_id, number), area_m2, field="floor_no")


def fill_floor(bench: Workbench, floor: str, area_m2: float, *, field: str) -> None:
    """Take area of a floor; refused where so much is not vacant. Unknown room is no limit."""
    whole, vacant = (bench.cell("floors", floor, name) for name in ("area_m2", "vacant_m2"))
    room = whole if vacant is None else vacant
    if room is not None and area_m2 > room * (1 + ROUNDING):
        found = said("scenario.wants_floor", needed=area_m2, floor=floor)
        refuse(field, found, said("scenario.room_left", room=room))
    if vacant is not None:
        bench.follow("floors", floor, vacant_m2=max(0.0, vacant - area_m2))


def take_parcel(
    bench: Workbench,
    parcel_id: str,
    land_m2: float | None,
    *,
    but: str = "",
    field: str = "parcel_id",
) -> None:
    """Let something stand on a parcel; refused where those on it leave too little ground.

    A free parcel is built from then on.
    """
    whole = bench.cell("parcels", parcel_id, "area_m2")
    if whole is not None and land_m2 is not None:
        taken = sum(
            bench.cell(LAYER, key, "land_m2") or 0.0
            for key in bench.keys_of(LAYER, "parcel_id", parcel_id)
            if key != but and is_standing(bench, key)
        )
        if land_m2 + taken > whole * (1 + ROUNDING):
            found = said("scenario.wants_land", needed=land_m2, parcel=parcel_id)
            refuse(field, found, said("scenario.room_left", room=max(0.0, whole - taken)))
    if bench.cell("parcels", parcel_id, "status") in FREE_STATUSES:
        bench.follow("parcels", parcel_id, status="built", idle_since=None)


def is_standing(bench: Workbench, key: str) -> bool:
    """Return whether a row is of the year that counts, and its enterprise is open."""
    status, year = (bench.cell(LAYER, key, name) for name in ("status", "year"))
    return bool(status != CLOSED and year == bench.year)
