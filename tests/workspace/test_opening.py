"""A broken workspace is refused with every fault at once; a good one is opened as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.errors import WorkspaceError
from geo_service.workspace.opening import open_plan
from tests.county import County
from tests.workspace.refusals import Open, refusal


def test_a_good_workspace_opens_with_every_column_of_the_schema(
    county: County, opened: Open
) -> None:
    plan = opened(county)
    assert plan.parks["park_id"].tolist() == ["P1", "P2"]
    assert plan.parks.crs.to_string() == "EPSG:4490"
    assert plan.enterprises["tax_cny"].isna().all()  # optional and absent: without values
    assert plan.parcels.empty
    assert not plan.has("parcels")


def test_areas_survive_the_way_through_degrees(county: County, opened: Open) -> None:
    # 1,000 m x 1,000 m in EPSG:4545
    assert opened(county).metric("parks").area.tolist() == pytest.approx([1e6, 1e6], rel=1e-9)


def test_a_missing_folder_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"workspace\.toml: found no such file"):
        open_plan(tmp_path / "nowhere")


def test_a_missing_layer_file_is_named(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    (folder / "parks.geojson").unlink()
    with pytest.raises(WorkspaceError, match=r"parks\.geojson, layer parks: found no such file"):
        open_plan(folder)


def test_every_fault_is_listed_at_once(county: County, opened: Open) -> None:
    county.layers["parks"][0]["tier"] = "sme_claster"
    county.layers["parks"][1]["park_id"] = None
    county.layers["enterprises"][2]["output_cny"] = "many"
    message = refusal(county, opened)
    assert "row 1 (P1), column tier: found 'sme_claster'; expected 'sme_cluster'?" in message
    assert "column park_id: found no value; expected a value" in message
    assert "row 4 (E3/2025), column output_cny: found 'many'; expected a number in CNY" in message


def test_a_plan_s_version_changes_with_its_data(county: County, tmp_path: Path) -> None:
    first = open_plan(county.write(tmp_path / "a")).version
    again = open_plan(county.write(tmp_path / "b")).version
    county.layers["enterprises"][0]["output_cny"] = 101.0
    changed = open_plan(county.write(tmp_path / "c")).version
    assert first == again
    assert first != changed
