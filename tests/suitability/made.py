"""A county of five sites, small enough to rank by hand.

Need: 8,000 m² for industry 1311. P1 leads in 13, P2 in 36 (another group).

site  park  m²      power  capacity (8000/m²)  industry  power (0..4000 kVA)
A     P1    10,000  1000   0.8                 1         0.25
B     P1    20,000  2000   0.4                 1         0.5
C     P2    10,000  3000   0.8                 0         0.75
D     P2    40,000   500   0.2                 0         0.125
E     P1     8,000  9000   1.0                 1         1 (beyond the best)

With weights 0.5 (industry), 0.3 (capacity), 0.2 (power): A 0.79, B 0.72, C 0.39, D 0.085,
E 1.0, but E lies in the red line.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.county import County, box, line, parcel, point, zone

DAY = date(2026, 6, 1)

_MARK = {"source": "made for tests", "illustrative": True}

WISHES = {
    "industry_fit": {"weight": 0.5},
    "capacity_fit": {"weight": 0.3},
    "power_kva": {"weight": 0.2, "value_function": {"kind": "linear", "worst": 0, "best": 4000}},
}


def site(name: str, x: float, width: float, height: float, **values: object) -> dict[str, object]:
    """Return a vacant parcel whose lower left corner is (x, 0)."""
    return parcel(name, box(x, 0, width, height), status="vacant", **values)


def five_sites() -> County:
    """Return the county of the table above, with a road to A and an interchange on it."""
    county = County()
    county.layers["parcels"] = [
        site("A", 0, 100, 100, power_kva=1000),
        site("B", 300, 200, 100, power_kva=2000),
        site("C", 2000, 100, 100, power_kva=3000, park_id="P2"),
        site("D", 2500, 400, 100, power_kva=500, park_id="P2"),
        site("E", 800, 80, 100, power_kva=9000),
    ]
    county.layers["control_zones"].append(zone("R", box(790, -10, 100, 200)))
    county.layers["roads"] = [
        {
            "road_id": "R1",
            "class": "county",
            "speed_km_h": 60,
            "geometry": line((50, -1000), (50, 0)),
            **_MARK,
        }
    ]
    county.layers["facilities"] = [
        {
            "facility_id": "X",
            "kind": "interchange",
            "name": "甲互通",
            "geometry": point(50, -1000),
            **_MARK,
        }
    ]
    return county


def asked(**values: object) -> dict[str, Any]:
    """Return the project, with other fields where given."""
    return {
        "name": "食品厂",
        "industry_code": "1311",
        "output_cny": 500.0,
        "needs": {"land_m2": 8000},
        "candidates": ["parcel"],
        "criteria": WISHES,
        **values,
    }
