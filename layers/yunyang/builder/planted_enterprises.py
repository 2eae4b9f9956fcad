"""Planted enterprises: parks whose enterprises are listed one by one, and single changes.

Outputs are in units of 10,000 CNY. The sums are written out in SOURCES.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.frame import Properties
from builder.geography import EAST_BANK_Y, WEST_BANK_Y

GIVEN: dict[str, tuple[tuple[str, int], ...]] = {
    "YY-B-01": (
        ("3971", 1200), ("3972", 900), ("3973", 1000), ("3974", 800), ("3975", 1100),
        ("3976", 700), ("3561", 600), ("3824", 500), ("3979", 900), ("3974", 800),
        ("3971", 1500), ("3823", 400), ("3973", 1100),
    ),
    "YY-B-04": (
        ("2926", 2000), ("2926", 1800), ("2926", 1500), ("2926", 1700),
        ("2651", 800), ("2641", 700), ("2652", 500), ("2682", 100), ("2681", 100),
    ),
    "YY-B-06": (
        ("3074", 2500), ("3073", 1500), ("3071", 1500), ("3075", 1000),
        ("2642", 700), ("1020", 900), ("1020", 600), ("1020", 400), ("1020", 50), ("1019", 50),
        ("2645", 50),
    ),
    "YY-B-08": (
        ("2031", 3000), ("2041", 2000), ("2110", 1500), ("2110", 1000), ("2231", 1500),
        ("2239", 1000),
    ),
    "YY-B-09": (
        ("1411", 2500), ("1419", 1500), ("1453", 3000), ("1439", 1000), ("2231", 1200),
        ("2239", 800),
    ),
    "YY-B-14": (
        ("1411", 2400), ("1419", 2000), ("1453", 2400), ("1499", 800), ("2231", 1600),
        ("2239", 800),
    ),
    "YY-B-15": (
        ("3031", 3000), ("3032", 2000), ("3033", 1500), ("3034", 800), ("1012", 1200),
        ("2231", 1500),
    ),
    "YY-B-26": (
        ("1371", 4000), ("1372", 2000), ("1361", 2000), ("2231", 1000), ("2926", 1000),
    ),
    "YY-B-32": (
        ("1821", 3000), ("1829", 2000), ("1821", 1200), ("1751", 1500), ("1951", 1300),
        ("1752", 1000), ("1829", 4000),
    ),
    "YY-B-33": (
        ("1371", 4200), ("1372", 2000), ("1361", 1800), ("2231", 1000), ("2926", 1000),
    ),
    "YY-B-34": (("1321", 2000), ("1329", 1500), ("1321", 1200), ("1751", 800)),
    "YY-B-38": (
        ("1951", 3000), ("1952", 2500), ("1953", 1500), ("1931", 1600), ("2921", 1400),
    ),
    "YY-B-39": (
        ("1711", 2000), ("1751", 1500), ("1752", 500), ("1811", 2800), ("1821", 2000),
        ("2921", 1200),
    ),
    "YY-B-42": (
        ("1530", 2500), ("1530", 2000), ("1530", 2000), ("1530", 1500), ("2231", 1200),
        ("2041", 800),
    ),
}  # fmt: skip
"""Code and output of every enterprise of a park in 2025, in the order of their numbers."""

Place = tuple[str, int, float, int]
"""Building, lowest floor, floor space in m2, and number of floors."""

PLACES: dict[str, tuple[Place, ...]] = {
    "YY-B-01": (
        *(("YY-BD-B01-1", number, 2_000.0, 1) for number in range(1, 8)),
        ("YY-BD-B01-2", 2, 2_000.0, 1),
        ("YY-BD-B01-2", 3, 2_000.0, 1),
        ("YY-BD-B01-2", 1, 2_000.0, 1),
        ("YY-BD-B01-3", 1, 4_000.0, 2),
        ("YY-BD-B01-3", 3, 400.0, 1),
        ("YY-BD-B01-4", 1, 6_000.0, 3),
    )
}
"""Where the enterprises of a park with planted floors are, in the same order."""


@dataclass(frozen=True)
class Spot:
    """A point at a given distance from a straight bank."""

    x: float
    bank_y: float
    distance_m: float

    @property
    def xy(self) -> tuple[float, float]:
        """The point, due south of the bank."""
        return self.x, self.bank_y - self.distance_m


SPOTS: dict[str, Spot] = {
    "YY-E-B04-05": Spot(568_300.0, WEST_BANK_Y, 640.0),
    "YY-E-B04-06": Spot(568_400.0, WEST_BANK_Y, 700.0),
    "YY-E-B04-07": Spot(568_500.0, WEST_BANK_Y, 800.0),
    "YY-E-B04-08": Spot(568_350.0, WEST_BANK_Y, 750.0),
    "YY-E-B04-09": Spot(568_450.0, WEST_BANK_Y, 780.0),
    "YY-E-B06-05": Spot(603_650.0, EAST_BANK_Y, 1_250.0),
    "YY-E-B06-06": Spot(603_700.0, EAST_BANK_Y, 1_300.0),
    "YY-E-B06-07": Spot(603_750.0, EAST_BANK_Y, 1_400.0),
    "YY-E-B06-08": Spot(603_800.0, EAST_BANK_Y, 1_350.0),
    "YY-E-B06-09": Spot(603_680.0, EAST_BANK_Y, 1_320.0),
    "YY-E-B06-10": Spot(603_720.0, EAST_BANK_Y, 1_360.0),
    "YY-E-B06-11": Spot(603_780.0, EAST_BANK_Y, 1_380.0),
    "YY-E-B15-05": Spot(572_000.0, WEST_BANK_Y, 4_300.0),
}
"""Enterprises placed by coordinates, south of a straight reach of the Yangtze."""

PLANTED_PARCEL_TENANTS = 20
"""Enterprises YY-E-M01-001 to 020 are on parcels YY-P-M01-P01 to P20, in this order."""

_MUNICIPAL: dict[int, Properties] = {
    1: {"subsidised": None},
    2: {"output_cny": 148_500_000, "tax_cny": 6_300_000},
    3: {"status": "half_stopped", "stopped_months": None, "loss_years": 3, "insolvent": True},
    4: {"is_new": True, "energy_tce": 1_200.0, "energy_review_number": "示例能审字 2025-1 号"},
    5: {"output_cny": 121_500_000},
    6: {"stage": None},
    7: {"is_new": True, "energy_tce": 1_000.0, "catalogue_class": "encouraged"},
    8: {"tax_cny": 4_500_000},
    9: {"status": "half_stopped", "stopped_months": 11, "in_arrears": True},
    10: {"loss_years": 3, "insolvent": False, "in_arrears": True},
    11: {"tax_cny": None},
    12: {"subsidised": True, "in_arrears": True},
    13: {"loss_years": 3, "insolvent": None, "in_arrears": True},
    14: {"land_m2": None},
    15: {"is_new": True, "energy_tce": 1_100.0, "energy_review_number": "无"},
    16: {"status": "stopped", "stopped_months": 8, "loss_years": 3, "insolvent": True},
    17: {"status": "half_stopped", "stopped_months": 12, "in_arrears": True},
    18: {"status": "stopped", "stopped_months": 7},
    19: {"status": "stopped", "stopped_months": None, "loss_years": None, "insolvent": None},
    20: {
        "status": "stopped", "stopped_months": None, "loss_years": 4, "insolvent": True,
        "in_arrears": True,
    },
}  # fmt: skip

CHANGES: dict[str, Properties] = {
    **{f"YY-E-M01-{number:03d}": change for number, change in _MUNICIPAL.items()},
    "YY-E-B04-04": {"hazardous_chemicals": None},
    "YY-E-B04-05": {"is_new": True, "hazardous_chemicals": True, "catalogue_class": "restricted"},
    "YY-E-B04-06": {"is_new": False},
    "YY-E-B04-07": {"is_new": None, "hazardous_chemicals": None},
    "YY-E-B04-08": {"is_new": True, "mixing_only": True},
    "YY-E-B04-09": {"is_new": True, "mixing_only": None},
    "YY-E-B06-05": {"is_new": True, "hazardous_chemicals": True},
    "YY-E-B06-06": {"is_new": True, "tailings_pond": True, "catalogue_class": None},
    "YY-E-B06-07": {"is_new": None, "tailings_pond": True},
    "YY-E-B06-08": {"is_new": False, "tailings_pond": True},
    "YY-E-B06-09": {"is_new": True, "tailings_pond": None},
    "YY-E-B06-10": {"is_new": True, "tailings_pond": None},
    "YY-E-B06-11": {"is_new": False, "hazardous_chemicals": None},
    "YY-E-B15-05": {"is_new": True, "tailings_pond": True},
    "YY-E-B16-01": {"industry_code": "1338"},
    "YY-E-B16-02": {"discharges_wastewater": True},
    "YY-E-B18-02": {"output_cny": None},
    "YY-E-B25-03": {"industry_code": None},
    "YY-E-B27-06": {"is_new": True, "heavy_polluter": True},
    "YY-E-B32-07": {"status": "closed"},
    **{
        f"YY-E-B42-{number:02d}": {"discharges_wastewater": False, "heavy_polluter": False}
        for number in range(1, 7)
    },
}
"""Changes to enterprises' rows of the latest year."""

SILENT_ID, SILENT_LIKE = "YY-E-B31-08", "YY-E-B31-01"
"""An enterprise that reported like another one until the year before the latest, then no more.

Nobody says that it closed. Its park has no leading industry, so no share is measured there.
"""
UNREVIEWED = frozenset({"YY-E-M01-007"})
"""New enterprises whose energy review is not given."""
IDLE_OUTPUT_CNY = 4_000_000
"""Outputs of the stopped enterprises on the idle parcels P16 to P20."""

IDLE_TENANTS = frozenset(f"YY-E-M01-{number:03d}" for number in range(16, 21))
