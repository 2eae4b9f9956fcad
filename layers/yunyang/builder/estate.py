"""Parcels, buildings and floors as values, and as features of their layers."""

from __future__ import annotations

from dataclasses import dataclass, field

import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from builder.frame import ILLUSTRATIVE, Feature, Properties
from builder.shapes import Point, turned_rectangle

MU_M2 = 2_000.0 / 3.0
"""Area of one mu in m2."""


@dataclass
class Parcel:
    """One rectangular parcel; `values` are its attributes other than ids and land use."""

    parcel_id: str
    park_id: str
    centre: Point
    size: Point
    angle_deg: float
    status: str = "vacant"
    land_use: str | None = "100101"
    scheme: str = "planning2023"
    values: Properties = field(default_factory=dict)

    @property
    def shape(self) -> Polygon:
        """The parcel's polygon in metres."""
        return turned_rectangle(self.centre, *self.size, self.angle_deg)

    @property
    def area_m2(self) -> float:
        """Planar area in m2."""
        return self.size[0] * self.size[1]


@dataclass
class Floor:
    """One floor; `vacant_m2` shrinks as tenants move in."""

    number: int
    area_m2: float
    vacant_m2: float | None
    load_kn_m2: float | None
    clear_height_m: float | None
    goods_lift_t: float | None
    fire_class: str | None = "丙"


@dataclass
class Building:
    """One building with its floors, ground floor first."""

    building_id: str
    park_id: str
    parcel_id: str
    name: str
    shape: Polygon
    floors: list[Floor]
    has_dormitory: bool | None = None

    @property
    def is_hall(self) -> bool:
        """Whether it has a single storey, so that its tenant is placed by the parcel."""
        return len(self.floors) == 1


@dataclass
class Estate:
    """All parcels and buildings, in the order in which they are written."""

    parcels: list[Parcel] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)

    def parcels_of(self, park_id: str) -> list[Parcel]:
        """Return a park's parcels."""
        return [parcel for parcel in self.parcels if parcel.park_id == park_id]

    def buildings_of(self, park_id: str) -> list[Building]:
        """Return a park's buildings."""
        return [building for building in self.buildings if building.park_id == park_id]

    def buildings_on(self, parcel_id: str) -> list[Building]:
        """Return the buildings that stand on a parcel."""
        return [building for building in self.buildings if building.parcel_id == parcel_id]

    def ground(self) -> BaseGeometry:
        """Return all parcels as one shape."""
        return shapely.union_all([parcel.shape for parcel in self.parcels])


_PARCEL_VALUES = (
    "idle_since", "planned_land_use", "supplied_on", "agreed_start_on", "stopped_on", "built_share",
    "invested_share", "government_delay", "area_m2", "plot_ratio_min", "rd_floor_share",
    "contract_plot_ratio", "contract_building_coefficient", "contract_ancillary_land_share",
    "contract_investment_cny_per_mu", "contract_output_cny_per_mu", "contract_tax_cny_per_mu",
    "plot_ratio", "building_coefficient", "ancillary_land_share", "ancillary_floor_share",
    "investment_cny", "power_kva", "water_m3_d", "gas_m3_d", "wastewater_m3_d",
)  # fmt: skip


def parcel_features(estate: Estate) -> list[Feature]:
    """Return the layer `parcels`."""
    return [
        Feature(
            {
                "parcel_id": parcel.parcel_id,
                "park_id": parcel.park_id,
                "land_use": parcel.land_use,
                "land_use_scheme": parcel.scheme,
                "status": parcel.status,
                **{name: parcel.values.get(name) for name in _PARCEL_VALUES},
                "area_m2": round(parcel.area_m2, 2),
                "source": ILLUSTRATIVE,
                "illustrative": True,
            },
            parcel.shape,
        )
        for parcel in estate.parcels
    ]


def building_features(estate: Estate) -> list[Feature]:
    """Return the layer `buildings`."""
    return [
        Feature(
            {
                "building_id": building.building_id,
                "park_id": building.park_id,
                "parcel_id": building.parcel_id,
                "name": building.name,
                "has_dormitory": building.has_dormitory,
                "source": ILLUSTRATIVE,
                "illustrative": True,
            },
            building.shape,
        )
        for building in estate.buildings
    ]


FLOOR_COLUMNS = (
    "building_id", "floor_no", "area_m2", "vacant_m2", "load_kn_m2", "clear_height_m",
    "goods_lift_t", "fire_class", "source", "illustrative",
)  # fmt: skip


def floor_rows(estate: Estate) -> list[Properties]:
    """Return the table `floors`."""
    return [
        {
            "building_id": building.building_id,
            "floor_no": floor.number,
            "area_m2": floor.area_m2,
            "vacant_m2": None if floor.vacant_m2 is None else round(floor.vacant_m2, 1),
            "load_kn_m2": floor.load_kn_m2,
            "clear_height_m": floor.clear_height_m,
            "goods_lift_t": floor.goods_lift_t,
            "fire_class": floor.fire_class,
            "source": ILLUSTRATIVE,
            "illustrative": True,
        }
        for building in estate.buildings
        for floor in building.floors
    ]
