"""Features that a scenario brings: parks, enterprises, buildings with floors, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_service.domain.subjects import floor_id
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.drawn import drawn_shape
from geo_service.scenarios.edits import MOST_FLOORS
from geo_service.scenarios.refusal import refuse
from geo_service.scenarios.steps.enterprises import fill_floor, take_parcel
from geo_service.scenarios.steps.known import new_id, read_row
from geo_service.schema import SCHEMAS
from geo_service.suitability.trial import ANY_YEAR
from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from geo_service.scenarios.edits import (
        AddBuilding,
        AddEnterprise,
        AddFacility,
        AddPark,
        AddRoad,
        AddZone,
        EditPart,
    )
    from geo_service.scenarios.workbench import Workbench

PROPERTIES = "feature.properties"
_FLOORS = "floors"
_NAMES = {"parks": "park", "enterprises": "enterprise", "buildings": "building"}


def add_feature(bench: Workbench, edit: AddPark | AddFacility | AddRoad | AddZone) -> None:
    """Add a feature to a layer; without an id of its own it gets one."""
    row = _new_row(bench, edit, edit.layer_of, edit.feature.properties)
    row[GEOMETRY] = drawn_shape(
        bench, edit.feature.geometry, edit.layer_of, field="feature.geometry"
    )
    bench.add(edit.layer_of, row[SCHEMAS[edit.layer_of].key[0]], row)


def add_enterprise(bench: Workbench, edit: AddEnterprise) -> None:
    """Add an enterprise in the year that counts; a parcel or floor that it names must have room."""
    given = dict(edit.feature.properties)
    if given.get("year") is None:
        given["year"] = bench.year or ANY_YEAR
    given.setdefault("status", "operating")
    row = _new_row(bench, edit, "enterprises", given)
    row[GEOMETRY] = drawn_shape(
        bench, edit.feature.geometry, "enterprises", field="feature.geometry"
    )
    key = f"{row['enterprise_id']}/{row['year']}"
    if bench.has("enterprises", key) or bench.latest(row["enterprise_id"]) is not None:
        refuse(
            f"{PROPERTIES}.enterprise_id", quoted(row["enterprise_id"]), said("scenario.free_id")
        )
    settle(bench, row)
    bench.add("enterprises", key, row)


def settle(bench: Workbench, row: dict[str, Any]) -> None:
    """Take the room that a new enterprise wants where its row says that it is; name its park."""
    building_id, floor_no = row["building_id"], row["floor_no"]
    if building_id is not None and floor_no is not None:
        floor = floor_id(building_id, floor_no)
        if not bench.has("floors", floor):
            refuse(f"{PROPERTIES}.floor_no", quoted(floor), said("scenario.known_floor"))
        if row["floor_m2"] is not None:
            fill_floor(bench, floor, row["floor_m2"], field=f"{PROPERTIES}.floor_no")
    elif row["parcel_id"] is not None:
        take_parcel(bench, row["parcel_id"], row["land_m2"], field=f"{PROPERTIES}.parcel_id")
    for layer, name in (("buildings", "building_id"), ("parcels", "parcel_id")):
        if row["park_id"] is None and row[name] is not None:
            row["park_id"] = bench.worked_out(layer, row[name], "park_id")


def add_building(bench: Workbench, edit: AddBuilding) -> None:
    """Add a building and its floors; a floor that does not say what is vacant is vacant."""
    given = dict(edit.feature.properties)
    floors = given.pop(_FLOORS, None) or []
    field = f"{PROPERTIES}.{_FLOORS}"
    if not isinstance(floors, list) or not all(isinstance(floor, dict) for floor in floors):
        refuse(field, said("scenario.no_list"), said("scenario.list_of_floors"))
    if len(floors) > MOST_FLOORS:
        refuse(
            field,
            said("scenario.floors", count=len(floors)),
            said("scenario.most_floors", most=MOST_FLOORS),
        )
    row = _new_row(bench, edit, "buildings", given)
    row[GEOMETRY] = drawn_shape(bench, edit.feature.geometry, "buildings", field="feature.geometry")
    building_id = row["building_id"]
    bench.add("buildings", building_id, row)
    for number, told in enumerate(floors):
        one = _with_marks(edit, told)
        one["building_id"] = building_id
        if one.get("vacant_m2") is None:
            one["vacant_m2"] = one.get("area_m2")
        made = read_row(bench, _FLOORS, one, field=f"{field}.{number}")
        key = floor_id(building_id, made["floor_no"])
        if bench.has(_FLOORS, key):
            refuse(f"{field}.{number}.floor_no", quoted(key), said("fault.each_id_once"))
        area, vacant = made["area_m2"], made["vacant_m2"]
        if area is not None and vacant is not None and vacant > area:
            refuse(f"{field}.{number}.vacant_m2", quoted(vacant), said("fault.no_more_vacant"))
        bench.add(_FLOORS, key, made)


def _new_row(bench: Workbench, edit: EditPart, layer: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a feature's row, with an id; refused where its id is another feature's."""
    name = SCHEMAS[layer].key[0]
    told = _with_marks(edit, given)
    if told.get(name) is None:
        told[name] = new_id(bench, edit, layer, _NAMES.get(layer, name.removesuffix("_id")))
    row = read_row(bench, layer, told, field=PROPERTIES)
    if layer != "enterprises" and bench.has(layer, row[name]):
        refuse(f"{PROPERTIES}.{name}", quoted(row[name]), said("scenario.free_id"))
    return row


def _with_marks(edit: EditPart, given: dict[str, Any]) -> dict[str, Any]:
    """Return a feature's values with where it is from: it is proposed, and marked so."""
    marks = {"source": proposed_by(edit), "illustrative": True}
    told = {name: value for name, value in given.items() if value is not None}
    return {**marks, **told}


def proposed_by(edit: EditPart) -> str:
    """Return the source of a feature that an edit brings."""
    return f"scenario edit {edit.edit_id}"
