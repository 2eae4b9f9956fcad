"""Declare the layers: their columns, units and geometry types; and check a frame against them.

A number's unit is part of its column's name (`_m2`, `_ha`, `_cny`, `_kn_m2`, ...). Every
feature has `source` and `illustrative`. Columns are declared only in the tables below;
import, tiles and documents read them too. Reading files and judging zoning rules happen
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from geo_service.model import Tier

STORED_GEOMETRY = MappingProxyType(
    {
        "polygon": frozenset({"Polygon", "MultiPolygon"}),
        "line": frozenset({"LineString", "MultiLineString"}),
        "point": frozenset({"Point"}),
        "point_or_polygon": frozenset({"Point", "Polygon", "MultiPolygon"}),
        "line_or_polygon": frozenset({"LineString", "MultiLineString", "Polygon", "MultiPolygon"}),
    }
)


class ColumnKind(StrEnum):
    """The type of a column's values."""

    ID = "id"
    TEXT = "text"
    CODE = "code"
    CODES = "codes"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"


class Need(StrEnum):
    """Whether a column, and its values, must be present."""

    VALUE = "value"
    """The column must be present, with a value in every row."""
    COLUMN = "column"
    """The column must be present; where a row lacks its value, rules give `unknown`."""
    OPTIONAL = "optional"
    """The column may be missing, which is the same as having no values."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a layer."""

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    need: Need = Need.COLUMN
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    refers_to: str | None = None
    """The `layer.column` whose values this column may contain."""
    is_later: bool = False
    """Whether the column came after layers were first kept: what was kept before lacks it."""

    @property
    def unit(self) -> str | None:
        """The unit in the column's name; None if it has none."""
        for suffix, unit in _UNITS.items():
            if self.name.endswith(suffix):
                return unit
        return None


_UNITS = {
    "_cny_per_mu": "CNY/mu",
    "_kn_m2": "kN/m²",
    "_km_h": "km/h",
    "_m3_d": "m³/d",
    "_m2": "m²",
    "_ha": "ha",
    "_cny": "CNY",
    "_kva": "kVA",
    "_tce": "tce",
    "_t": "t",
    "_m": "m",
    "_months": "months",
    "_years": "years",
}


@dataclass(frozen=True, slots=True)
class LayerSchema:
    """One layer: its geometry, its key and its columns."""

    name: str
    geometry: str | None
    """A key of `STORED_GEOMETRY`, or None for a table."""
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    is_required: bool = False
    is_geometry_optional: bool = False
    """Whether rows may get their position from other columns (enterprises)."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns except the geometry."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a column by name; raises KeyError if the layer has no such column."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


def _provenance() -> tuple[Field, ...]:
    return (Field("source", need=Need.VALUE), Field("illustrative", ColumnKind.BOOLEAN, Need.VALUE))


def _key(name: str, *, refers_to: str | None = None) -> Field:
    return Field(name, ColumnKind.ID, Need.VALUE, refers_to=refers_to)


def _link(name: str, target: str, need: Need = Need.OPTIONAL) -> Field:
    return Field(name, ColumnKind.ID, need, refers_to=target)


LARGEST = 1e15
"""No county's amounts are larger; below it sums are exact to the cent."""


def _amount(
    name: str,
    need: Need = Need.OPTIONAL,
    *,
    minimum: float | None = 0,
    maximum: float = LARGEST,
) -> Field:
    return Field(name, ColumnKind.NUMBER, need, minimum=minimum, maximum=maximum)


def _choice(name: str, choices: tuple[str, ...], need: Need = Need.COLUMN) -> Field:
    return Field(name, ColumnKind.TEXT, need, choices=choices)


def _later(*fields: Field) -> tuple[Field, ...]:
    """Return optional columns that came after layers were first kept."""
    return tuple(replace(field, need=Need.OPTIONAL, is_later=True) for field in fields)


def _flags(*names: str) -> tuple[Field, ...]:
    return _later(*(Field(name, ColumnKind.BOOLEAN) for name in names))


def _days(*names: str) -> tuple[Field, ...]:
    return _later(*(Field(name, ColumnKind.DATE) for name in names))


def _texts(*names: str) -> tuple[Field, ...]:
    return _later(*(Field(name) for name in names))


def _shares(*names: str) -> tuple[Field, ...]:
    return _later(*(_amount(name, maximum=1) for name in names))


TIERS = tuple(tier.value for tier in Tier)
LAND_USE_SCHEMES = ("planning2023", "survey3", "gb50137", "local")
PARK_STATUSES = ("planned", "under_construction", "operating", "closed")
PARCEL_STATUSES = ("vacant", "built", "idle")
ENTERPRISE_STATUSES = ("operating", "half_stopped", "stopped", "closed")
LADDER_STAGES = ("individual", "company", "above_scale", "joint_stock", "listed")
"""The enterprise ladder: 个体户, 企业, 规上, 股份制, 上市."""
FIRE_CLASSES = ("甲", "乙", "丙", "丁", "戊")
UTILITIES = ("power_kva", "water_m3_d", "gas_m3_d", "wastewater_m3_d")
"""Columns of parcels that say what utilities they have."""
FLOOR_PROPERTIES = ("load_kn_m2", "clear_height_m", "goods_lift_t")
"""Columns of floors that say what they bear, are high, and lift."""
ZONE_KINDS = (
    "ecological_red_line",
    "permanent_farmland",
    "development_boundary",
    "water_source",
    "river_management",
    "reservoir_line",
    "geohazard",
    "geohazard_danger",
    "geohazard_risk",
    "geohazard_prone",
    "nature_reserve",
    "wetland",
    "heritage",
    "slope",
    "eco_unit",
    "village_construction_land",
    "agricultural_land",
)
"""`geohazard` is the kind of older data, which do not say which of the three zonings they are."""
ZONE_GRADES = MappingProxyType(
    {
        "water_source": ("1", "2", "quasi"),
        "geohazard": ("none", "low", "mid", "high"),
        "geohazard_risk": ("low", "mid", "high", "extreme"),
        "geohazard_prone": ("low", "mid", "high"),
        "nature_reserve": ("core", "general"),
        "wetland": ("national", "provincial", "general"),
        "heritage": ("protection", "control"),
        "eco_unit": ("priority", "key", "general"),
    }
)
"""The grades of the kinds that have fixed ones; other kinds may have any text as grade."""
ONCE_FREE_GRADES = frozenset({"nature_reserve", "wetland", "heritage"})
"""Kinds whose grade could be any text once: any other than the fixed ones counts as unknown."""
RIVER_RANKS = ("main", "important_tributary", "tributary")
FACILITY_KINDS = (
    "interchange",
    "station",
    "port",
    "substation",
    "treatment_plant",
    "water_plant",
    "gas_station",
    "airport",
    "fire_station",
    "hospital",
    "tailings_pond",
)
CATALOGUE_CLASSES = ("encouraged", "permitted", "restricted", "eliminated")
"""Classes of the catalogue of industries: 鼓励类, 允许类, 限制类, 淘汰类."""
CONTRACT_VALUES = (
    "plot_ratio",
    "building_coefficient",
    "ancillary_land_share",
    "investment_cny_per_mu",
    "output_cny_per_mu",
    "tax_cny_per_mu",
)
"""Indicators of standard land (标准地); a parcel's contract sets `contract_` and the name."""
ROAD_CLASSES = ("expressway", "national", "provincial", "county", "township", "urban", "village")
TOWNSHIP_CODE_SCHEMES = ("nbs", "mca")
"""Codes of the statistics bureau (9 digits are used here) and of civil affairs (12 digits)."""

_SCHEMAS = (
    LayerSchema(
        "county",
        "polygon",
        ("code",),
        (_key("code"), Field("name", need=Need.VALUE), *_provenance()),
    ),
    LayerSchema(
        "townships",
        "point_or_polygon",
        ("code",),
        (
            _key("code"),
            _choice("code_scheme", TOWNSHIP_CODE_SCHEMES, Need.VALUE),
            Field("name", need=Need.VALUE),
            Field("kind"),
            Field("alt_code", ColumnKind.ID, Need.OPTIONAL),
            _choice("alt_code_scheme", TOWNSHIP_CODE_SCHEMES, Need.OPTIONAL),
            Field("alt_name", need=Need.OPTIONAL),
            _choice("position_quality", ("seat", "approximate"), Need.OPTIONAL),
            *_provenance(),
        ),
        is_required=True,
    ),
    LayerSchema(
        "township_areas",
        "polygon",
        ("township_code",),
        (_key("township_code", refers_to="townships.code"), *_provenance()),
    ),
    LayerSchema(
        "parks",
        "polygon",
        ("park_id",),
        (
            _key("park_id"),
            Field("name", need=Need.VALUE),
            _choice("tier", TIERS, Need.VALUE),
            _link("township_code", "townships.code", Need.COLUMN),
            Field("leading_industry", ColumnKind.CODES),
            Field("supporting_industries", ColumnKind.CODES),
            Field("speciality"),
            _link("host_park_id", "parks.park_id"),
            _choice("status", PARK_STATUSES),
            _amount("declared_area_ha"),
            Field("enclave_partner", need=Need.OPTIONAL),
            Field("enclave_terms", need=Need.OPTIONAL),
            *_texts("approval_number"),
            *_days("approved_on"),
            *_texts("plan_eia_number"),
            *_days("plan_eia_on"),
            *_flags("is_chemical_park"),
            *_provenance(),
        ),
        is_required=True,
    ),
    LayerSchema(
        "approved_areas",
        "polygon",
        ("park_id",),
        (
            _key("park_id", refers_to="parks.park_id"),
            Field("approval_number", need=Need.OPTIONAL),
            Field("approved_on", ColumnKind.DATE, Need.OPTIONAL),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "sub_areas",
        "polygon",
        ("sub_area_id",),
        (
            _key("sub_area_id"),
            _link("park_id", "parks.park_id", Need.VALUE),
            Field("name", need=Need.VALUE),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "parcels",
        "polygon",
        ("parcel_id",),
        (
            _key("parcel_id"),
            _link("park_id", "parks.park_id"),
            Field("land_use", ColumnKind.CODE),
            _choice("land_use_scheme", LAND_USE_SCHEMES),
            _choice("status", PARCEL_STATUSES),
            Field("idle_since", ColumnKind.DATE, Need.OPTIONAL),
            _amount("area_m2", Need.COLUMN),
            _amount("plot_ratio"),
            _amount("building_coefficient", maximum=1),
            _amount("ancillary_land_share", maximum=1),
            _amount("ancillary_floor_share", maximum=1),
            _amount("investment_cny"),
            _amount("power_kva"),
            _amount("water_m3_d"),
            _amount("gas_m3_d"),
            _amount("wastewater_m3_d"),
            *_later(Field("planned_land_use", ColumnKind.CODE)),
            *_days("supplied_on"),
            *_later(_amount("plot_ratio_min")),
            *_shares("rd_floor_share"),
            *_days("agreed_start_on"),
            *_shares("built_share", "invested_share"),
            *_days("stopped_on"),
            *_flags("government_delay"),
            *_later(_amount("contract_plot_ratio")),
            *_shares("contract_building_coefficient", "contract_ancillary_land_share"),
            *_later(
                _amount("contract_investment_cny_per_mu"),
                _amount("contract_output_cny_per_mu"),
                _amount("contract_tax_cny_per_mu"),
            ),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "buildings",
        "polygon",
        ("building_id",),
        (
            _key("building_id"),
            _link("park_id", "parks.park_id", Need.COLUMN),
            _link("parcel_id", "parcels.parcel_id"),
            Field("name", need=Need.OPTIONAL),
            *_flags("has_dormitory"),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "floors",
        None,
        ("building_id", "floor_no"),
        (
            _key("building_id", refers_to="buildings.building_id"),
            Field("floor_no", ColumnKind.INTEGER, Need.VALUE, minimum=-5, maximum=200),
            _amount("area_m2", Need.COLUMN),
            _amount("vacant_m2", Need.COLUMN),
            _amount("load_kn_m2"),
            _amount("clear_height_m"),
            _amount("goods_lift_t"),
            _choice("fire_class", FIRE_CLASSES, Need.OPTIONAL),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "enterprises",
        "point",
        ("enterprise_id", "year"),
        (
            _key("enterprise_id"),
            Field("year", ColumnKind.INTEGER, Need.VALUE, minimum=1949, maximum=2200),
            Field("name", need=Need.VALUE),
            Field("industry_code", ColumnKind.CODE),
            _link("park_id", "parks.park_id"),
            _link("parcel_id", "parcels.parcel_id"),
            _link("building_id", "buildings.building_id"),
            Field("floor_no", ColumnKind.INTEGER, Need.OPTIONAL, minimum=-5, maximum=200),
            _amount("output_cny"),
            _amount("land_m2"),
            _amount("floor_m2"),
            _amount("tax_cny", minimum=None),
            _amount("value_added_cny", minimum=None),
            _amount("energy_tce"),
            _amount("rd_cny"),
            _amount("employees"),
            _choice("status", ENTERPRISE_STATUSES),
            _amount("stopped_months"),
            _amount("loss_years"),
            Field("subsidised", ColumnKind.BOOLEAN, Need.OPTIONAL),
            Field("in_arrears", ColumnKind.BOOLEAN, Need.OPTIONAL),
            _choice("stage", LADDER_STAGES, Need.OPTIONAL),
            Field("is_new", ColumnKind.BOOLEAN, Need.OPTIONAL),
            *_flags("discharges_wastewater", "heavy_polluter"),
            *_flags("insolvent", "tailings_pond", "mixing_only", "hazardous_chemicals"),
            *_later(_choice("catalogue_class", CATALOGUE_CLASSES)),
            *_texts("energy_review_number"),
            *_provenance(),
        ),
        is_geometry_optional=True,
    ),
    LayerSchema(
        "control_zones",
        "polygon",
        ("zone_id",),
        (
            _key("zone_id"),
            _choice("kind", ZONE_KINDS, Need.VALUE),
            Field("grade", need=Need.OPTIONAL),
            Field("name"),
            Field("legal_basis"),
            *_later(Field("banned_industries", ColumnKind.CODES)),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "rivers",
        "line_or_polygon",
        ("river_id",),
        (
            _key("river_id"),
            Field("name"),
            _choice("rank", RIVER_RANKS),
            Field("is_management_boundary", ColumnKind.BOOLEAN),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "facilities",
        "point",
        ("facility_id",),
        (
            _key("facility_id"),
            _choice("kind", FACILITY_KINDS, Need.VALUE),
            Field("name"),
            *_flags("is_new"),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "roads",
        "line",
        ("road_id",),
        (
            _key("road_id"),
            Field("name", need=Need.OPTIONAL),
            _choice("class", ROAD_CLASSES),
            _amount("speed_km_h", Need.COLUMN),
            *_provenance(),
        ),
    ),
    LayerSchema(
        "industry_chains",
        None,
        ("supplier_code", "customer_code"),
        (
            Field("supplier_code", ColumnKind.CODE, Need.VALUE),
            Field("customer_code", ColumnKind.CODE, Need.VALUE),
            Field("relation", need=Need.OPTIONAL),
            *_provenance(),
        ),
    ),
)

SCHEMAS: Mapping[str, LayerSchema] = MappingProxyType({item.name: item for item in _SCHEMAS})
"""Every vector layer and table by name, in the order in which they are checked."""

ID_PATTERN = re.compile(r"[^\x00-\x1f\x7f/\\]{1,128}")
"""Ids: any text of 1 to 128 characters without control characters and slashes."""


_ALWAYS_SEEN = frozenset({"county", "townships", "township_areas", "parks"})
"""Layers that everything else is told by."""
_DECIDING = frozenset({"status", "tier", "kind"})
"""Columns that decide what counts: without them other figures would be wrong, not withheld."""
NAME = "name"
HIDDEN_TEXT = "***"
"""What stands for a name that is withheld, in every language."""


def may_be_hidden(layer: str, column: str | None = None) -> bool:
    """Return whether a workspace may keep a layer, or one of its columns, from some roles.

    Keys, links between layers, and columns that decide what counts may not be left out alone.
    """
    if column is None:
        return layer not in _ALWAYS_SEEN
    schema = SCHEMAS[layer]
    field = schema.field(column)
    if column in schema.key or column in _DECIDING or field.refers_to is not None:
        return False
    return field.need is not Need.VALUE or column == NAME
