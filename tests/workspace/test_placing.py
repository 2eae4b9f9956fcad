"""Enterprises without a point or a park take those of what they stand on."""

from __future__ import annotations

from tests.county import County, box, enterprise, parcel, park
from tests.workspace.refusals import Open


def test_enterprises_take_place_and_park_from_their_parcel(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(100, 100, 200, 200))]
    county.layers["enterprises"].append(enterprise("G", "1311", 1.0, park_id=None, parcel_id="A"))
    plan = opened(county)
    row = plan.enterprises.set_index("enterprise_id").loc["G"]
    assert row["park_id"] == "P1"
    assert plan.parcels.geometry[0].contains(row.geometry)


def test_a_point_in_a_hosted_park_belongs_to_the_smaller_one(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(10, 10, 100, 100), host_park_id="P1"))
    county.layers["parcels"] = [parcel("A", box(20, 20, 20, 20), park_id=None)]
    county.layers["enterprises"].append(enterprise("G", "1311", 1.0, park_id=None, parcel_id="A"))
    plan = opened(county)
    assert plan.enterprises.set_index("enterprise_id").loc["G", "park_id"] == "P3"
