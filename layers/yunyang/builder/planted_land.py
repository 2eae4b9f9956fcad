"""Planted cases on land: parcels, floors and the rectangles that zones reach into.

Sizes are in metres from a park's south-west corner. The sums are written out in
SOURCES.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.estate import Floor, Parcel
from builder.frame import Properties

Box = tuple[float, float, float, float]
"""West, south, width, height in metres from the park's south-west corner."""

_FOUR_CORNERS: tuple[Box, ...] = (
    (0, 0, 150, 100),
    (170, 0, 150, 100),
    (0, 120, 150, 100),
    (170, 120, 150, 100),
)
"""Four parcels of 15,000 m2 in a park of 320 x 220 m; the fourth is built."""

_TWO_IN_THE_SOUTH: tuple[Box, ...] = ((10, 10, 135, 100), (155, 10, 135, 100))

_OTHER_PARCELS: dict[str, tuple[Box, ...]] = {
    "YY-B-01": ((12, 12, 100, 90), (124, 12, 100, 90)),
    "YY-B-04": _TWO_IN_THE_SOUTH,
    "YY-B-06": _TWO_IN_THE_SOUTH,
    "YY-B-13": ((10, 15, 100, 130), (130, 15, 100, 130)),
    "YY-B-15": _TWO_IN_THE_SOUTH,
    "YY-B-34": ((5, 5, 90, 80),),
}


def parcel_boxes(park_id: str) -> tuple[Box, ...]:
    """Return the parcels of a planted park."""
    return _OTHER_PARCELS.get(park_id, _FOUR_CORNERS)


def is_vacant(park_id: str, number: int) -> bool:
    """Return whether a planted park's parcel is vacant: the first three of four corners."""
    return park_id not in _OTHER_PARCELS and number < len(_FOUR_CORNERS)


BLOCKS_PER_PARCEL = {"YY-B-01": 2}
BLOCK_SIZES = {"YY-B-01": (50.0, 40.0)}


def _floor(number: int, **other: float | str | None) -> Floor:
    """Return a sound floor of 2,000 m2, fully let, with the given differences."""
    values: Properties = {
        "area_m2": 2_000.0, "vacant_m2": 0.0, "load_kn_m2": 12.0 if number == 1 else 8.0,
        "clear_height_m": 6.0 if number == 1 else 4.8, "goods_lift_t": 2.0, "fire_class": "丙",
    }  # fmt: skip
    return Floor(number, **{**values, **other})


FLOORS: dict[str, list[Floor]] = {
    "YY-BD-B01-1": [
        _floor(1, fire_class="乙"),
        _floor(2, load_kn_m2=6.0),
        _floor(3, clear_height_m=3.8),
        _floor(4, fire_class="乙"),
        _floor(5, load_kn_m2=6.5, clear_height_m=4.0, goods_lift_t=2.0),
        _floor(6, load_kn_m2=None, clear_height_m=None),
        _floor(7, load_kn_m2=8.0, clear_height_m=4.6, goods_lift_t=2.0),
        _floor(8, vacant_m2=2_000.0),
    ],
    "YY-BD-B01-2": [
        _floor(1, fire_class="甲"),
        _floor(2, goods_lift_t=1.6),
        _floor(3, goods_lift_t=None, fire_class=None),
        _floor(4, vacant_m2=2_000.0),
        _floor(5, vacant_m2=2_000.0),
    ],
    "YY-BD-B01-3": [
        _floor(1),
        _floor(2),
        _floor(3, vacant_m2=1_600.0),
        _floor(4, vacant_m2=2_000.0),
    ],
    "YY-BD-B01-4": [_floor(1, fire_class="甲"), _floor(2), _floor(3), _floor(4, vacant_m2=None)],
}
"""The four buildings of 双江's park, floor by floor; their tenants are planted too."""


DORMITORIES = {"YY-BD-B01-1": False, "YY-BD-B04-1": True}
"""Buildings that say whether there is a dormitory inside."""


@dataclass(frozen=True)
class Change:
    """The changes to one parcel after its layout."""

    land_use: tuple[str | None, str] | None = None
    """Land-use code and scheme."""
    status: str | None = None
    values: tuple[tuple[str, float | str | bool | None], ...] = ()


def _use(code: str | None, scheme: str = "planning2023") -> Change:
    return Change(land_use=(code, scheme))


def _set(name: str, value: float | None) -> Change:
    return Change(values=((name, value),))


def _idle(since: str | None) -> Change:
    return Change(status="idle", values=(("idle_since", since), ("agreed_start_on", since)))


def _values(**values: float | str | bool | None) -> Change:
    return Change(values=tuple(values.items()))


NEW, OLD = "2024-03-20", "2017-06-30"
"""Days of supply after and before the indicators of 2023."""

CHANGES: dict[str, Change] = {
    "YY-P-B08-1": _use("100103"),
    "YY-P-B08-2": _use("1001", "survey3"),
    "YY-P-B08-3": _use("0601", "survey3"),
    "YY-P-B09-1": Change(land_use=("0101", "survey3"), values=(("planned_land_use", "100101"),)),
    "YY-P-B09-4": _values(plot_ratio_min=None),
    "YY-P-B10-1": _use(None),
    "YY-P-B30-1": _use("100102"),
    "YY-P-B30-2": _use("110101"),
    "YY-P-B30-3": _use("0802"),
    "YY-P-B30-4": _use("M0", "local"),
    "YY-P-B34-1": _use("1001"),
    "YY-P-C01-02": _use("100103"),
    "YY-P-C01-03": _use("110102"),
    "YY-P-M01-003": _use("100103"),
    "YY-P-M01-004": Change(
        land_use=("110103", "planning2023"),
        values=(("agreed_start_on", "2022-06-01"), ("government_delay", True)),
    ),
    "YY-P-M01-005": _use("0103", "survey3"),
    "YY-P-M01-010": _use("16"),
    "YY-P-M01-011": _use("07"),
    "YY-P-M01-017": _use("0804"),
    "YY-P-C04-02": _use("07"),
    "YY-P-M01-P01": _values(
        plot_ratio=0.65, plot_ratio_min=None, building_coefficient=0.35, supplied_on=None
    ),
    "YY-P-M01-P02": _values(
        plot_ratio=0.70, plot_ratio_min=None, building_coefficient=0.35, supplied_on=OLD
    ),
    "YY-P-M01-P03": _values(plot_ratio=None, contract_plot_ratio=1.0),
    "YY-P-M01-P04": _values(building_coefficient=0.35, supplied_on=NEW),
    "YY-P-M01-P05": _values(building_coefficient=0.40, supplied_on=NEW),
    "YY-P-M01-P06": _values(building_coefficient=None, supplied_on=NEW),
    "YY-P-M01-P07": _values(ancillary_land_share=0.09, supplied_on=NEW),
    "YY-P-M01-P08": _values(
        ancillary_land_share=0.07,
        contract_plot_ratio=1.0,
        contract_building_coefficient=0.5,
        contract_ancillary_land_share=0.07,
        contract_investment_cny_per_mu=2_000_000.0,
    ),
    "YY-P-M01-P09": _values(ancillary_land_share=None, supplied_on=NEW, contract_plot_ratio=1.5),
    "YY-P-M01-P10": _values(ancillary_floor_share=0.18, supplied_on=NEW),
    "YY-P-M01-P11": _values(ancillary_floor_share=0.15, supplied_on=NEW),
    "YY-P-M01-P12": _values(ancillary_floor_share=None, stopped_on="2024-06-01", built_share=0.2),
    "YY-P-M01-P13": _values(investment_cny=80_000_000.0, plot_ratio_min=1.5),
    "YY-P-M01-P14": _values(
        investment_cny=99_000_000.0,
        plot_ratio_min=1.2,
        ancillary_floor_share=0.2,
        rd_floor_share=0.08,
        supplied_on=NEW,
    ),
    "YY-P-M01-P15": _set("investment_cny", None),
    "YY-P-M01-P16": _idle("2023-06-30"),
    "YY-P-M01-P17": _idle("2024-07-01"),
    "YY-P-M01-P18": _idle("2025-06-30"),
    "YY-P-M01-P19": _idle(None),
    "YY-P-M01-P20": _idle("2024-01-02"),
    "YY-P-C01-04": _set("plot_ratio", 0.65),
}
"""Changes by parcel id."""


def change_parcels(parcels: list[Parcel]) -> None:
    """Apply the planted changes; every parcel that they name must exist."""
    by_id = {parcel.parcel_id: parcel for parcel in parcels}
    for parcel_id, change in CHANGES.items():
        parcel = by_id[parcel_id]
        if change.land_use:
            parcel.land_use, parcel.scheme = change.land_use
        parcel.status = change.status or parcel.status
        parcel.values.update(dict(change.values))


@dataclass(frozen=True)
class ZoneCase:
    """A control zone that reaches into a planted park by exactly one rectangle."""

    number: int
    kind: str
    grade: str | None
    park_id: str
    side: str
    """The side from which the zone comes: W, E, S or N."""
    reach: Box
    """The rectangle of the park that it covers."""


ZONE_CASES: tuple[ZoneCase, ...] = (
    ZoneCase(1, "ecological_red_line", None, "YY-B-27", "W", (0, 0, 40, 100)),
    ZoneCase(2, "ecological_red_line", None, "YY-B-27", "S", (30, 0, 40, 100)),
    ZoneCase(3, "permanent_farmland", None, "YY-B-27", "E", (300, 0, 20, 100)),
    ZoneCase(4, "nature_reserve", "core", "YY-B-27", "W", (0, 120, 0.4, 100)),
    ZoneCase(5, "wetland", "national", "YY-B-27", "N", (200, 210, 50, 10)),
    ZoneCase(6, "water_source", "1", "YY-B-16", "W", (0, 0, 15, 100)),
    ZoneCase(7, "river_management", None, "YY-B-16", "E", (305, 0, 15, 100)),
    ZoneCase(8, "reservoir_line", None, "YY-B-16", "W", (0, 120, 25, 100)),
    ZoneCase(9, "geohazard_danger", None, "YY-B-19", "W", (0, 0, 30, 100)),
    ZoneCase(10, "geohazard_risk", "high", "YY-B-19", "E", (300, 0, 20, 100)),
    ZoneCase(11, "water_source", "2", "YY-B-19", "W", (0, 120, 10, 100)),
    ZoneCase(12, "geohazard_prone", "high", "YY-B-19", "N", (200, 210, 50, 10)),
    ZoneCase(13, "water_source", None, "YY-B-10", "E", (310, 0, 10, 100)),
    ZoneCase(14, "geohazard", None, "YY-B-10", "W", (0, 120, 10, 100)),
    ZoneCase(15, "ecological_red_line", None, "YY-B-14", "W", (0, 0, 0.1, 100)),
    ZoneCase(16, "permanent_farmland", None, "YY-B-14", "E", (319.9, 0, 0.1, 100)),
    ZoneCase(17, "river_management", None, "YY-B-23", "W", (0, 0, 0.1, 100)),
    ZoneCase(18, "water_source", "1", "YY-B-23", "E", (319.9, 0, 0.1, 100)),
    ZoneCase(19, "reservoir_line", None, "YY-B-23", "W", (0, 120, 0.1, 100)),
    ZoneCase(20, "nature_reserve", "general", "YY-B-28", "W", (0, 0, 0.1, 100)),
    ZoneCase(21, "wetland", "national", "YY-B-28", "E", (319.9, 0, 0.1, 100)),
    ZoneCase(22, "geohazard_danger", None, "YY-B-42", "W", (0, 0, 0.1, 100)),
    ZoneCase(23, "water_source", "2", "YY-B-42", "E", (319.9, 0, 0.1, 100)),
)
"""One more case is in `zones`: 60 m2 of farmland in 平安's cluster."""

LATER_ZONE_CASES: tuple[ZoneCase, ...] = (
    ZoneCase(25, "water_source", "2", "YY-B-16", "N", (200, 210, 50, 10)),
    ZoneCase(26, "water_source", "2", "YY-B-42", "N", (200, 210, 50, 10)),
    ZoneCase(27, "water_source", "quasi", "YY-B-27", "N", (260, 210, 50, 10)),
    ZoneCase(28, "water_source", "quasi", "YY-B-42", "N", (260, 210, 50, 10)),
    ZoneCase(29, "water_source", "quasi", "YY-B-10", "W", (0, 0, 10, 100)),
    ZoneCase(30, "reservoir_line", None, "YY-B-23", "N", (200, 210, 50, 10)),
    ZoneCase(31, "wetland", "general", "YY-B-30", "N", (200, 210, 50, 10)),
    ZoneCase(32, "wetland", None, "YY-B-10", "S", (50, 0, 50, 10)),
    ZoneCase(33, "geohazard_risk", None, "YY-B-10", "N", (200, 210, 50, 10)),
    ZoneCase(34, "heritage", "protection", "YY-B-08", "W", (0, 0, 10, 100)),
    ZoneCase(35, "heritage", "control", "YY-B-35", "W", (0, 120, 10, 100)),
    ZoneCase(36, "heritage", None, "YY-B-10", "S", (200, 0, 50, 10)),
    ZoneCase(37, "agricultural_land", None, "YY-B-35", "S", (200, 0, 50, 10)),
)
"""Cases that came later; the random numbers of the zones before them stay the same."""
