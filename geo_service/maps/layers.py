"""What a map shows: its layers in groups, its lists, and the sources of their features.

A *source* is one GeoJSON document: the rows of a plan's layer with the columns that may
go out, and nothing else. A *map layer* is what a reader switches on and off: a source, or
the part of it with one value in one column. Geometry is in longitude and latitude (CRS84),
rounded to 6 decimals (about a decimetre): these documents are for drawing, not for
measuring. Here stands what the sources of the plan are; `kinds` makes their features. Leaves
out symbols (`style`) and the page (`document`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopupField:
    """One line of a popup: a property and how to write it.

    `form` is `text`, `number`, `share`, `grade`, `floor_m2`, `area_m2` or `area_ha` (of
    land); the label is the message `map.<label>`.
    """

    key: str
    label: str
    form: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSource:
    """One document of features.

    `columns` are those that go out as they are; `named_columns` those that go out with a second
    property `<column>_name`, whose text is the message `<section>.<value>`. `symbol` is
    the column that chooses among the symbols `<section>.<value>`, or the key of the one
    symbol.
    """

    name: str
    key: str
    columns: tuple[str, ...] = ()
    named_columns: Mapping[str, str] = field(default_factory=dict)
    symbol: str
    symbol_column: str | None = None
    fields: tuple[PopupField, ...] = ()
    has_unplaced: bool = False
    """Whether features without a place go out too, to stand in lists."""
    is_detail: bool = False
    """Whether it may be too much for one document, so that served pages draw it from tiles."""


_ID = PopupField(key="id", label="id")
_PARK = PopupField(key="park", label="park")

FEATURE_SOURCES: Mapping[str, FeatureSource] = MappingProxyType(
    {
        source.name: source
        for source in (
            FeatureSource(name="county", key="code", columns=("code",), symbol="layer.county"),
            FeatureSource(
                name="township_areas",
                key="township_code",
                columns=("township_code",),
                symbol="layer.township_areas",
            ),
            FeatureSource(
                name="control_zones",
                key="zone_id",
                columns=("zone_id", "kind", "grade", "legal_basis"),
                named_columns={"kind": "zone"},
                symbol="zone",
                symbol_column="kind",
                fields=(
                    PopupField(key="kind_name", label="kind"),
                    PopupField(key="grade", label="grade", form="grade"),
                    PopupField(key="legal_basis", label="legal_basis"),
                    _ID,
                ),
                is_detail=True,
            ),
            FeatureSource(
                name="rivers",
                key="river_id",
                columns=("river_id", "rank", "is_management_boundary"),
                named_columns={"kind": "river"},
                symbol="river",
                symbol_column="kind",
                fields=(PopupField(key="kind_name", label="kind"),),
                is_detail=True,
            ),
            FeatureSource(
                name="roads",
                key="road_id",
                columns=("road_id", "class", "speed_km_h"),
                named_columns={"class": "road"},
                symbol="road",
                symbol_column="class",
                fields=(
                    PopupField(key="class_name", label="kind"),
                    PopupField(key="speed_km_h", label="speed_km_h", form="number"),
                ),
                is_detail=True,
            ),
            FeatureSource(
                name="sub_areas",
                key="sub_area_id",
                columns=("sub_area_id", "park_id"),
                symbol="layer.sub_areas",
                fields=(_PARK, _ID),
            ),
            FeatureSource(
                name="approved_areas",
                key="park_id",
                columns=("park_id", "approval_number", "approved_on"),
                symbol="layer.approved_areas",
                fields=(_PARK, _ID),
            ),
            FeatureSource(name="parks", key="park_id", symbol="verdict", symbol_column="verdict"),
            FeatureSource(
                name="parcels",
                key="parcel_id",
                columns=(
                    "parcel_id",
                    "park_id",
                    "land_use",
                    "land_use_scheme",
                    "status",
                    "idle_since",
                    "area_m2",
                    "plot_ratio",
                    "building_coefficient",
                ),
                named_columns={"status": "status"},
                symbol="status",
                symbol_column="status",
                fields=(
                    _PARK,
                    PopupField(key="status_name", label="status"),
                    PopupField(key="land_use", label="land_use"),
                    PopupField(key="land_use_scheme", label="land_use_scheme"),
                    PopupField(key="area_m2", label="area", form="area_m2"),
                    PopupField(key="plot_ratio", label="plot_ratio", form="number"),
                    PopupField(
                        key="building_coefficient", label="building_coefficient", form="share"
                    ),
                    PopupField(key="idle_since", label="idle_since"),
                ),
                is_detail=True,
            ),
            FeatureSource(
                name="buildings",
                key="building_id",
                columns=("building_id", "park_id", "parcel_id"),
                symbol="layer.buildings",
                fields=(
                    _PARK,
                    PopupField(key="parcel_id", label="parcel"),
                    PopupField(key="floors", label="floors", form="number"),
                    PopupField(key="floor_area_m2", label="floor_area", form="floor_m2"),
                    PopupField(key="vacant_m2", label="vacant", form="floor_m2"),
                    _ID,
                ),
                is_detail=True,
            ),
            FeatureSource(
                name="findings",
                key="finding_id",
                symbol="verdict",
                symbol_column="verdict",
                fields=(
                    _PARK,
                    PopupField(key="severity_name", label="severity"),
                    PopupField(key="set_aside", label="set_aside"),
                    PopupField(key="cure", label="cure"),
                    PopupField(key="legal_basis", label="legal_basis"),
                    PopupField(key="basis_tag_name", label="basis_tag"),
                    PopupField(key="rule_id", label="rule"),
                ),
            ),
            FeatureSource(
                name="facilities",
                key="facility_id",
                columns=("facility_id", "kind"),
                named_columns={"kind": "facility"},
                symbol="facility",
                symbol_column="kind",
                fields=(PopupField(key="kind_name", label="kind"),),
            ),
            FeatureSource(
                name="townships",
                key="code",
                columns=("code", "code_scheme", "kind", "alt_code", "position_quality"),
                symbol="layer.townships",
                fields=(
                    PopupField(key="kind", label="kind"),
                    PopupField(key="code", label="code"),
                    PopupField(key="alt_code", label="alt_code"),
                ),
            ),
        )
    }
)
"""Every source by name, from the bottom of the map to its top."""

PARK_COLUMNS = (
    "park_id",
    "name",
    "tier",
    "township_code",
    "leading_industry",
    "industry_group",
    "speciality",
    "status",
    "declared_area_ha",
    "verdict",
    "focus_verdict",
    "findings",
    "illustrative",
    "source",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayer:
    """One line of the layer control.

    A feature shows when every layer that its `source` and `where` match is on: a park is
    matched by its tier's layer and by its verdict's.
    """

    name: str
    group: str
    source: str
    title: str
    where: tuple[str, Any] | None = None
    is_shown: bool = True
    min_zoom: int = 0
    symbols: tuple[str, ...] = ()
    """Keys of the symbols that the legend lists for it."""
    text: str | None = None
    """What the line says where that is no message: a rule's title."""
    number: int | None = None
    """The number that stands for it on the map: a rule's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroup:
    """One heading of a list: the value that its features have, and what it says."""

    value: str
    label: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureList:
    """One list of the side panel: the features of a source in groups by a column.

    `note` begins the keys of the messages that count the lines (`map.<note>_count`);
    `more` and `form` say what stands at the end of a line; `maps` are the positions of the
    maps whose features are listed.
    """

    source: str
    column: str
    groups: tuple[ListGroup, ...]
    note: str
    more: str
    form: str = "text"
    maps: tuple[int, ...] = (0,)
