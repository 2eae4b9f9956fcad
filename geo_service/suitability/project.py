"""An investment project: what it makes, what it needs, and what it wishes for.

Written as YAML or JSON; an unknown name is refused with its line and the nearest known
one. Every field carries unit and example in its description, and `project_schema`
publishes them for editors. Which criteria there are is decided by `criteria`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from geo_service.documents import nearest_name, parse_model, read_text, read_yaml
from geo_service.errors import Fault, InvalidQueryError, ProjectError, UnfitError
from geo_service.industry import classification
from geo_service.mcda.value_functions import describe, parse_value_function, value_function_schema
from geo_service.schema import FACILITY_KINDS, FIRE_CLASSES
from geo_service.suitability.criteria import CRITERIA
from geo_service.wording import said, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FLOOR_NEEDS = ("floor_load_kn_m2", "clear_height_m", "goods_lift_t", "fire_class")
"""Needs that a floor must meet; land has none of them."""
KINDS_OF_LAND = ("parcel", "parcels", "park", "land")
KINDS_OF_FLOORS = ("floors",)
MOST = 1e15
"""Of any number of a project: far past all there is, and squares of it are still numbers."""
Positive = Annotated[float, Field(gt=0, le=MOST)]
NotNegative = Annotated[float, Field(ge=0, le=MOST)]


class _ProjectPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Needs(_ProjectPart):
    """What the project needs: land, or floor area with what each floor must offer."""

    land_m2: Positive | None = Field(
        default=None, description="Land in m²; 20000 is 30 mu. Leave out when floors are wanted."
    )
    floor_area_m2: Positive | None = Field(
        default=None, description="Floor area in m², such as 6000. Leave out when land is wanted."
    )
    contiguous_floors: bool = Field(
        default=True, description="Whether the floors must lie directly above each other."
    )
    floor_load_kn_m2: Positive | None = Field(
        default=None, description="Least floor load in kN/m², such as 10."
    )
    clear_height_m: Positive | None = Field(
        default=None, description="Least clear height in m, such as 5."
    )
    goods_lift_t: Positive | None = Field(
        default=None, description="Least goods lift in t, such as 3."
    )
    fire_class: Literal["甲", "乙", "丙", "丁", "戊"] | None = Field(
        default=None,
        description="Fire class that the floors must be built for, such as 丙; for land, name "
        "hazard_class.",
    )
    power_kva: NotNegative | None = Field(default=None, description="Power in kVA, such as 2000.")
    water_m3_d: NotNegative | None = Field(default=None, description="Water in m³/d, such as 200.")
    gas_m3_d: NotNegative | None = Field(default=None, description="Gas in m³/d, such as 500.")
    wastewater_m3_d: NotNegative | None = Field(
        default=None, description="Waste water in m³/d, such as 150."
    )

    @model_validator(mode="after")
    def _land_or_floors(self) -> Needs:
        if (self.land_m2 is None) == (self.floor_area_m2 is None):
            msg = said("fault.one_of_two", one="land_m2", other="floor_area_m2")
            raise UnfitError(msg)
        asked = [name for name in FLOOR_NEEDS if getattr(self, name) is not None]
        if not self.contiguous_floors:
            asked.append("contiguous_floors")
        if self.land_m2 is not None and asked:
            msg = said("fault.floors_only", names=asked)
            raise UnfitError(msg)
        return self


class Access(_ProjectPart):
    """How near a kind of facility must be, by travel time or by distance."""

    max_minutes: Positive | None = Field(
        default=None, description="Travel time over the roads in minutes, such as 20."
    )
    max_km: Positive | None = Field(default=None, description="Straight distance in km, such as 8.")

    @model_validator(mode="after")
    def _one_limit(self) -> Access:
        if (self.max_minutes is None) == (self.max_km is None):
            msg = said("fault.one_of_two", one="max_minutes", other="max_km")
            raise UnfitError(msg)
        return self


class Wish(_ProjectPart):
    """A criterion with what the planner sets of it; what is left out keeps its default."""

    weight: NotNegative | None = Field(default=None, description="Weight; they need not add to 1.")
    sense: Literal["benefit", "cost"] | None = Field(
        default=None, description="Whether more is better (benefit) or worse (cost)."
    )
    value_function: dict[str, Any] | None = Field(
        default=None,
        description='How a value counts, such as {"kind": "linear", "worst": 60, "best": 5}.',
        json_schema_extra=lambda schema: schema.update(value_function_schema()),
    )

    @field_validator("value_function")
    @classmethod
    def _usable_function(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            try:
                return describe(parse_value_function(value))
            except InvalidQueryError as error:
                raise UnfitError(error.message) from None
        return None


class Weights(_ProjectPart):
    """Where the weights come from."""

    method: Literal["given", "equal", "entropy", "ahp"] = Field(
        default="given", description="given (by the criteria), equal, entropy or ahp."
    )
    ahp_matrix: dict[str, dict[str, float]] | None = Field(
        default=None, description="Pairwise comparisons by criterion, for ahp."
    )
    allow_inconsistent: bool = Field(
        default=False, description="Accept a matrix whose consistency ratio is above 0.1."
    )

    @model_validator(mode="after")
    def _ahp_has_a_matrix(self) -> Weights:
        if (self.method == "ahp") != (self.ahp_matrix is not None):
            msg = said("fault.ahp_matrix")
            raise UnfitError(msg)
        return self


class Project(_ProjectPart):
    """An investment project that looks for a site."""

    name: Annotated[str, Field(min_length=1, max_length=200, description="What it is called.")]
    industry_code: str = Field(description="GB/T 4754-2017 code of 2 to 4 digits, such as 3841.")
    kind: Literal["new", "expansion"] = Field(
        default="new", description="A new project, or the expansion of one that stands."
    )
    hazard_class: Literal["甲", "乙", "丙", "丁", "戊"] | None = Field(
        default=None, description="Fire hazard of the production, such as 丙."
    )
    output_cny: NotNegative | None = Field(
        default=None, description="Yearly output in CNY once it runs, such as 200000000."
    )
    discharges_wastewater: bool | None = Field(
        default=None,
        description="Whether it discharges waste water, such as false; a need of more than 0 m³/d "
        "says that it does.",
    )
    heavy_polluter: bool | None = Field(
        default=None, description="Whether it counts as a heavy polluter, such as false."
    )
    tailings_pond: bool | None = Field(
        default=None, description="Whether it has a tailings pond; true for an ore mine with one."
    )
    mixing_only: bool | None = Field(
        default=None,
        description="Whether it merely mixes or packs chemicals; asked of household chemicals.",
    )
    hazardous_chemicals: bool | None = Field(
        default=None, description="Whether it makes hazardous chemicals."
    )
    catalogue_class: Literal["encouraged", "permitted", "restricted", "eliminated"] | None = Field(
        default=None, description="Class in the catalogue of industries, such as permitted."
    )
    energy_tce: NotNegative | None = Field(
        default=None, description="Yearly use of energy in tce, such as 1200."
    )
    energy_review_number: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Number of its energy review, where it has one."
    )
    needs: Needs
    access: dict[str, Access] = Field(
        default_factory=dict,
        description="Limits by kind of facility: " + ", ".join(FACILITY_KINDS) + ".",
        json_schema_extra={"propertyNames": {"enum": list(FACILITY_KINDS)}},
    )
    candidates: tuple[Literal["parcel", "parcels", "floors", "park", "land"], ...] = Field(
        default=("parcel", "parcels", "floors", "park"),
        min_length=1,
        description="Where to look: free parcels, neighbouring parcels together, floors, parks "
        "whose free land is scattered; land searches the whole county for new land. A project "
        "that needs land needs one other than floors, one that needs floor area needs floors.",
    )
    criteria: dict[str, Wish] = Field(
        default_factory=dict, description="Criteria by name; the default set when left out."
    )
    weights: Weights = Weights()
    method: Literal["weighted_sum", "topsis", "vikor", "promethee_ii"] = Field(
        default="weighted_sum", description="How scores are made of the criteria."
    )
    normalisation: Literal["minmax", "vector", "sum", "max"] | None = Field(
        default=None,
        description="How criteria are scaled over the candidates; when left out, each goes "
        "through its value function instead, under every method.",
    )
    unknown: Literal["keep", "exclude"] = Field(
        default="keep", description="Keep candidates whose exclusion cannot be judged, marked so."
    )

    @field_validator("name")
    @classmethod
    def _not_blank(cls, name: str) -> str:
        if not name.strip():
            msg = said("fault.blank")
            raise UnfitError(msg)
        return name

    @field_validator("industry_code")
    @classmethod
    def _known_code(cls, code: str) -> str:
        known = classification()
        if code not in known:
            near = known.nearest(code)
            msg = said("fault.no_industry")
            if near:
                msg = said("fault.no_industry_near", code=near, name=known.name(near))
            raise UnfitError(msg)
        return code

    @field_validator("access")
    @classmethod
    def _known_kinds(cls, access: dict[str, Access]) -> dict[str, Access]:
        unknown = sorted(set(access) - set(FACILITY_KINDS))
        if unknown:
            near = nearest_name(unknown[0], FACILITY_KINDS)
            msg = said("fault.unknown_facility", name=repr(shorten(unknown[0])), near=near)
            raise UnfitError(msg)
        return access

    @field_validator("candidates")
    @classmethod
    def _kinds_fit_the_need(cls, kinds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        needs = info.data.get("needs")
        if needs is None:
            return kinds  # refused for itself
        is_land = needs.land_m2 is not None
        name = "land_m2" if is_land else "floor_area_m2"
        fitting = KINDS_OF_LAND if is_land else KINDS_OF_FLOORS
        if not set(kinds) & set(fitting):
            msg = said(
                "fault.kinds_fit",
                each=list(fitting),
                name=f"needs.{name}",
            )
            raise UnfitError(msg)
        return kinds

    @field_validator("criteria")
    @classmethod
    def _known_criteria(cls, criteria: dict[str, Wish]) -> dict[str, Wish]:
        unknown = sorted(set(criteria) - set(CRITERIA))
        if unknown:
            near = nearest_name(unknown[0], list(CRITERIA))
            msg = said("fault.unknown_criterion", name=repr(shorten(unknown[0])), near=near)
            raise UnfitError(msg)
        return criteria

    @property
    def is_discharging(self) -> bool | None:
        """Whether the project discharges waste water; None if nobody knows."""
        return True if self.needs.wastewater_m3_d else self.discharges_wastewater

    @property
    def fire_class(self) -> str | None:
        """The stricter of the project's hazard class and the fire class that it needs."""
        named = [letter for letter in (self.hazard_class, self.needs.fire_class) if letter]
        return min(named, key=FIRE_CLASSES.index) if named else None


def parse_project(text: str, file: str | None = None) -> Project:
    """Return a project's text (YAML or JSON) as a checked value.

    Raises
    ------
    ProjectError
        Broken text, an unknown name, a missing or wrong value; every fault with its line.
    """
    data, lines, faults = read_yaml(text, file or said("fault.project"))
    if not faults:
        # Without a file its fields came as data: the lines of a text made of them say nothing.
        named = {"file": file, "lines": lines} if file else {"file": said("fault.project")}
        project, faults = parse_model(Project, data, **named)
        if project is not None and not faults:
            return project
    raise unusable_project(faults)


def project_of(fields: Mapping[str, Any]) -> Project:
    """Return a project given as plain data, such as a JSON body, as a checked value.

    Raises
    ------
    ProjectError
        As `parse_project`; also for a value that JSON does not have.
    """
    try:
        text = json.dumps(fields, ensure_ascii=False, default=_plain_number)
    except (TypeError, ValueError, RecursionError) as error:
        found = said("fault.json_says", words=shorten(str(error)))
        if isinstance(error, UnfitError):
            found = error.message
        expected = said("fault.plain_data")
        fault = Fault(file=said("fault.project"), found=found, expected=expected)
        raise unusable_project([fault]) from None
    return parse_project(text)


def _plain_number(value: object) -> object:
    """Return a number of numpy's as Python's; UnfitError for anything else."""
    if isinstance(value, np.generic):
        return value.item()
    msg = said("fault.value_of", type=type(value).__name__)
    raise UnfitError(msg)


def unusable_project(faults: Iterable[Fault]) -> ProjectError:
    """Return the error of a project with these faults."""
    return ProjectError(said("fault.project_unusable"), faults)


def open_project(path: Path) -> Project:
    """Return the project in a file; ProjectError lists what is wrong with it."""
    text, faults = read_text(path)
    if faults:
        raise unusable_project(faults)
    return parse_project(text, path.name)


def project_schema(*, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the JSON Schema of a project, for editors and for the form.

    `ref_template` says where the schemas of its parts will stand, for a document that holds them.
    """
    schema = Project.model_json_schema(ref_template=ref_template)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    names = {"propertyNames": {"enum": list(CRITERIA)}}
    schema["properties"]["criteria"] |= names
    matrix, _ = schema["$defs"]["Weights"]["properties"]["ahp_matrix"]["anyOf"]
    matrix |= names
    matrix["additionalProperties"] |= names
    return schema
