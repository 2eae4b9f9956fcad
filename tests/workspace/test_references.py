"""Layers that do not fit together, or parcels whose codes could mean two things, are refused."""

from __future__ import annotations

from tests.county import County, box, parcel
from tests.workspace.refusals import Open, refusal


def test_land_use_without_a_scheme_is_refused(county: County, opened: Open) -> None:
    county.extra = ""
    county.layers["parcels"] = [parcel("A", box(0, 0, 10, 10), land_use_scheme=None)]
    message = refusal(county, opened)
    assert "1 parcels with no land-use scheme (first: A)" in message


def test_the_workspace_s_scheme_fills_in_for_parcels_that_name_none(
    county: County, opened: Open
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 10, 10), land_use_scheme=None)]
    assert opened(county).parcels["land_use_scheme"].tolist() == ["planning2023"]


def test_a_reference_to_nothing_is_refused(county: County, opened: Open) -> None:
    county.layers["enterprises"][0]["park_id"] = "P9"
    assert "column park_id: found 'P9'; expected a park_id that layer parks has" in refusal(
        county, opened
    )
