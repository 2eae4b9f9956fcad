"""The edits that a scenario is made of: one frozen model for each, and all of them by name.

An edit says what is to change, who wants it, when and why, and what it saw: the values that it
replaces. What it does to a plan is in `steps`; whether it may is asked there too.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from geo_service.errors import UnfitError
from geo_service.schema import ID_PATTERN, LAND_USE_SCHEMES, SCHEMAS, ColumnKind
from geo_service.suitability.project import Project
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TEXT = 2_000
"""Characters of a reason."""
MOST_NAME = 200
MOST_PARCELS = 20
"""Parcels that one edit puts together."""
MOST_POSITIONS = 20_000
"""Positions of a drawn shape."""
MOST_FLOORS = 250
_POSITION = 2
_EXACT = 2**53
_DEEPEST = 4

Id = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN.pattern}$")]
EditId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Short = Annotated[str, StringConstraints(max_length=MOST_NAME)]
Cell = str | bool | int | float | None
"""A value of a column as a document has it: a layer's schema says what it means."""


class ScenarioPart(BaseModel):
    """What is written of a scenario: frozen, and with no other names than these."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Seen(ScenarioPart):
    """The values of one feature that an edit found and replaces: its precondition."""

    layer: str
    id: Annotated[str, StringConstraints(max_length=300)]
    year: int | None = None
    values: dict[str, Any] = Field(
        description="By column; of a shape only a digest is told, under `geometry`."
    )

    @field_validator("values")
    @classmethod
    def _have_types(cls, values: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        layer = info.data.get("layer", "")
        return {name: typed(layer, name, value) for name, value in values.items()}


class DrawnFeature(ScenarioPart):
    """A GeoJSON feature of a layer: its columns, and its shape in CRS84."""

    type: Literal["Feature"] = "Feature"
    properties: dict[str, Any] = Field(default_factory=dict)
    geometry: dict[str, Any] | None = None

    @field_validator("geometry")
    @classmethod
    def _has_numbers(cls, geometry: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if geometry is None else plain_geometry(geometry)


class EditPart(ScenarioPart):
    """What every edit says besides what it does."""

    layer_of: ClassVar[str] = ""
    """The layer of what an edit is about."""
    id_field: ClassVar[str] = ""
    """The field that names it."""

    edit_id: EditId | None = Field(default=None, description="Given to it when left out.")
    reason: Annotated[
        str, Field(min_length=1, max_length=MOST_TEXT, description="Why, in the planner's words.")
    ]
    author: Short = Field(default="", description="Who wants it: free text.")
    at: datetime | None = Field(default=None, description="When it was made.")
    expects: tuple[Seen, ...] | None = Field(
        default=None, description="What it saw; filled in when left out."
    )
    enabled: bool = Field(default=True, description="Whether it counts; false switches it off.")

    @field_validator("reason", "author")
    @classmethod
    def _is_text(cls, text: str) -> str:
        return plain_text(text)

    @field_validator("reason")
    @classmethod
    def _is_not_blank(cls, text: str) -> str:
        if not text.strip():
            raise UnfitError(said("fault.blank"))
        return text

    @field_validator("at")
    @classmethod
    def _is_in_utc(cls, at: datetime | None) -> datetime | None:
        if at is None:
            return None
        try:
            known = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            return known.astimezone(UTC).replace(microsecond=0)
        except (OverflowError, ValueError):  # at the ends of the calendar
            raise UnfitError(said("fault.date_parsing")) from None


class AddingPart(EditPart):
    """What edits that bring a feature have in common."""

    feature: DrawnFeature

    @field_validator("feature")
    @classmethod
    def _has_typed_values(cls, feature: DrawnFeature) -> DrawnFeature:
        told = {name: typed(cls.layer_of, name, one) for name, one in feature.properties.items()}
        floors = told.get("floors")
        if cls.layer_of == "buildings" and isinstance(floors, list):
            told["floors"] = [
                {name: typed("floors", name, value) for name, value in floor.items()}
                if isinstance(floor, dict)
                else floor
                for floor in floors
            ]
        return feature.model_copy(update={"properties": told})


class MoveEnterprise(EditPart):
    """Move an enterprise to a park, onto a parcel, or to a floor of a building."""

    layer_of = "enterprises"
    id_field = "enterprise_id"
    op: Literal["move_enterprise"] = "move_enterprise"
    enterprise_id: Id
    park_id: Id | None = None
    parcel_id: Id | None = None
    building_id: Id | None = None
    floor_no: int | None = None

    @model_validator(mode="after")
    def _one_goal(self) -> MoveEnterprise:
        goals = (self.park_id, self.parcel_id, self.building_id)
        if sum(goal is not None for goal in goals) != 1:
            raise UnfitError(said("scenario.one_goal"))
        if (self.building_id is None) != (self.floor_no is None):
            raise UnfitError(said("scenario.floor_of_building"))
        return self


class AddEnterprise(AddingPart):
    """Add an enterprise."""

    layer_of = "enterprises"
    op: Literal["add_enterprise"] = "add_enterprise"


class CloseEnterprise(EditPart):
    """Close an enterprise: it no longer counts, and its floor is free."""

    layer_of = "enterprises"
    id_field = "enterprise_id"
    op: Literal["close_enterprise"] = "close_enterprise"
    enterprise_id: Id


class SetLeadingIndustry(EditPart):
    """Give a park another leading industry, and perhaps supporting ones and a speciality."""

    layer_of = "parks"
    id_field = "park_id"
    op: Literal["set_leading_industry"] = "set_leading_industry"
    park_id: Id
    leading_industry: str = Field(description="GB/T 4754 code of 2 to 4 digits, such as 1811.")
    supporting_industries: str | list[str] | None = None
    speciality: Annotated[str, Field(max_length=MOST_TEXT)] | None = None


class RezoneParcel(EditPart):
    """Give a parcel another land use."""

    layer_of = "parcels"
    id_field = "parcel_id"
    op: Literal["rezone_parcel"] = "rezone_parcel"
    parcel_id: Id
    land_use: Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
    land_use_scheme: Literal[LAND_USE_SCHEMES] | None = None  # type: ignore[valid-type]


class SplitParcel(EditPart):
    """Cut a parcel along a line; its pieces are new parcels."""

    layer_of = "parcels"
    id_field = "parcel_id"
    op: Literal["split_parcel"] = "split_parcel"
    parcel_id: Id
    line: dict[str, Any] = Field(description="A GeoJSON LineString in CRS84 that crosses it.")

    @field_validator("line")
    @classmethod
    def _has_numbers(cls, line: dict[str, Any]) -> dict[str, Any]:
        return plain_geometry(line)


class MergeParcels(EditPart):
    """Put neighbouring parcels of one park and one use together; the whole is a new parcel."""

    layer_of = "parcels"
    id_field = "parcel_ids"
    op: Literal["merge_parcels"] = "merge_parcels"
    parcel_ids: Annotated[list[Id], Field(min_length=2, max_length=MOST_PARCELS)]

    @field_validator("parcel_ids")
    @classmethod
    def _each_once(cls, ids: list[str]) -> list[str]:
        if len(set(ids)) != len(ids):
            raise UnfitError(said("fault.each_id_once"))
        return ids


class ReshapePark(EditPart):
    """Give a park another outline."""

    layer_of = "parks"
    id_field = "park_id"
    op: Literal["reshape_park"] = "reshape_park"
    park_id: Id
    geometry: dict[str, Any] = Field(description="A GeoJSON Polygon or MultiPolygon in CRS84.")

    @field_validator("geometry")
    @classmethod
    def _has_numbers(cls, geometry: dict[str, Any]) -> dict[str, Any]:
        return plain_geometry(geometry)


class AddPark(AddingPart):
    """Add a park."""

    layer_of = "parks"
    op: Literal["add_park"] = "add_park"


class ClosePark(EditPart):
    """Close a park; what stands in it stays."""

    layer_of = "parks"
    id_field = "park_id"
    op: Literal["close_park"] = "close_park"
    park_id: Id


class AddBuilding(AddingPart):
    """Add a building with its floors, which stand in its properties as `floors`."""

    layer_of = "buildings"
    op: Literal["add_building"] = "add_building"


class AddFacility(AddingPart):
    """Add a facility."""

    layer_of = "facilities"
    op: Literal["add_facility"] = "add_facility"


class AddRoad(AddingPart):
    """Add a road."""

    layer_of = "roads"
    op: Literal["add_road"] = "add_road"


class AddZone(AddingPart):
    """Add a control zone that is proposed, and marked so."""

    layer_of = "control_zones"
    op: Literal["add_zone"] = "add_zone"


class PlaceProject(EditPart):
    """Put a project on a candidate of its ranking: parcels, floors or new land."""

    layer_of = "enterprises"
    id_field = "candidate_id"
    op: Literal["place_project"] = "place_project"
    project: Project
    candidate_id: Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]
    geometry: dict[str, Any] | None = Field(
        default=None, description="The ground of a candidate that is new land, in CRS84."
    )

    @field_validator("geometry")
    @classmethod
    def _has_numbers(cls, geometry: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if geometry is None else plain_geometry(geometry)


class SetValue(EditPart):
    """Set one column of one feature."""

    id_field = "id"
    op: Literal["set_value"] = "set_value"
    layer: str
    id: Id | Annotated[str, StringConstraints(max_length=300)] = Field(
        description="The feature's id; of a floor building/number, of a chain supplier/customer."
    )
    year: int | None = Field(default=None, description="Of an enterprise; its latest if left out.")
    column: str
    value: Cell = Field(description="The value that the column gets; null for none.")

    @field_validator("value")
    @classmethod
    def _has_a_type(cls, value: Cell, info: ValidationInfo) -> Cell:
        found: Cell = typed(info.data.get("layer", ""), info.data.get("column", ""), value)
        return found


Edit = (
    MoveEnterprise
    | AddEnterprise
    | CloseEnterprise
    | SetLeadingIndustry
    | RezoneParcel
    | SplitParcel
    | MergeParcels
    | ReshapePark
    | AddPark
    | ClosePark
    | AddBuilding
    | AddFacility
    | AddRoad
    | AddZone
    | PlaceProject
    | SetValue
)
AnyEdit = Annotated[Edit, Field(discriminator="op")]

EDITS: Mapping[str, type[EditPart]] = MappingProxyType(
    {
        "move_enterprise": MoveEnterprise,
        "add_enterprise": AddEnterprise,
        "close_enterprise": CloseEnterprise,
        "set_leading_industry": SetLeadingIndustry,
        "rezone_parcel": RezoneParcel,
        "split_parcel": SplitParcel,
        "merge_parcels": MergeParcels,
        "reshape_park": ReshapePark,
        "add_park": AddPark,
        "close_park": ClosePark,
        "add_building": AddBuilding,
        "add_facility": AddFacility,
        "add_road": AddRoad,
        "add_zone": AddZone,
        "place_project": PlaceProject,
        "set_value": SetValue,
    }
)
"""Every kind of edit, by its `op`."""

META = ("edit_id", "reason", "author", "at", "expects", "enabled")
"""Fields that do not say what an edit does."""


def edit_document(edit: EditPart) -> dict[str, Any]:
    """Return an edit as JSON values: what it does first; fields without a value are left out."""
    whole = edit.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    does = deed(edit)
    told = {name: whole[name] for name in META if name in whole}
    return {"edit_id": told.pop("edit_id", None), **does, **told}


def deed(edit: EditPart) -> dict[str, Any]:
    """Return what an edit does as JSON values, without who, when and why."""
    whole = edit.model_dump(mode="json", exclude=set(META), exclude_none=True)
    if isinstance(edit, PlaceProject):
        project = edit.project.model_dump(mode="json", exclude_unset=True)
        whole["project"] = project
    if isinstance(edit, SetValue):
        whole["value"] = edit.value
    return {"op": whole.pop("op"), **whole}


def subject_of(edit: EditPart) -> tuple[str, tuple[str, ...]]:
    """Return the layer and the ids that an edit is about; no ids for one that adds a feature."""
    if isinstance(edit, SetValue):
        return edit.layer, (edit.id,)
    named = getattr(edit, edit.id_field) if edit.id_field else ()
    return edit.layer_of, (named,) if isinstance(named, str) else tuple(named)


def typed(layer: str, column: str, value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Return a value that a document has as text in the type of its column, where it fits that.

    What does not fit stays as it is: the step that reads it says so.
    """
    schema = SCHEMAS.get(layer)
    if not isinstance(value, str) or schema is None or column not in schema.columns:
        return value
    kind = schema.field(column).kind
    if kind is ColumnKind.BOOLEAN:
        return {"true": True, "false": False}.get(value.lower(), value)
    if kind not in {ColumnKind.NUMBER, ColumnKind.INTEGER}:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def plain_text(text: str) -> str:
    """Return a text for people; UnfitError where it holds control characters."""
    if any(ord(char) < ord(" ") and char not in "\n\t" for char in text) or "\x7f" in text:
        raise UnfitError(said("scenario.control_characters"))
    return text


def plain_geometry(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a GeoJSON geometry whose coordinates are numbers, whatever the document had.

    UnfitError where it is none: what shape a layer takes is asked later.
    """
    if set(geometry) - {"type", "coordinates", "bbox"} or not isinstance(geometry.get("type"), str):
        raise UnfitError(said("scenario.no_geometry"))
    counter = [0]
    return {
        "type": geometry["type"],
        "coordinates": _numbers(geometry.get("coordinates"), 0, counter),
    }


def _numbers(part: object, depth: int, counter: list[int]) -> Any:  # noqa: ANN401 - nested lists
    if isinstance(part, list) and part and depth < _DEEPEST:
        if not isinstance(part[0], list):
            return _position(part, counter)
        return [_numbers(item, depth + 1, counter) for item in part]
    raise UnfitError(said("scenario.no_geometry"))


def _position(part: list[Any], counter: list[int]) -> list[float]:
    counter[0] += 1
    if counter[0] > MOST_POSITIONS:
        raise UnfitError(said("scenario.most_positions", most=MOST_POSITIONS))
    flat = [item for item in part[:_POSITION] if not isinstance(item, (bool, list, dict))]
    try:
        numbers = [float(item) for item in flat]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) < _POSITION:
        raise UnfitError(said("scenario.no_geometry"))
    if not all(map(math.isfinite, numbers)):
        raise UnfitError(said("fault.finite_number"))
    return numbers
