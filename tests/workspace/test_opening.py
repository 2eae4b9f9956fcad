"""A broken workspace is refused with every fault at once; a good one is opened as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from geo_service.documents import line_of, toml_lines
from geo_service.errors import WorkspaceError
from geo_service.plan import Plan
from geo_service.spatial.raster import slope_of
from geo_service.workspace.opening import open_plan
from tests.county import ORIGIN_M, County, box, enterprise, parcel, park, point

Open = Callable[[County], Plan]


def refusal(county: County, opened: Open) -> str:
    """Return the message with which a county is refused."""
    with pytest.raises(WorkspaceError) as caught:
        opened(county)
    return str(caught.value)


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


def test_a_wrong_geometry_type_is_refused(county: County, opened: Open) -> None:
    county.layers["parks"][0]["geometry"] = point(1, 1)
    assert "row 1 (P1), column geometry: found Point; expected MultiPolygon or Polygon" in refusal(
        county, opened
    )


def test_an_invalid_polygon_is_refused_with_the_reason(county: County, opened: Open) -> None:
    bow = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    shifted = shapely.transform(bow, lambda xy: np.add(xy, (500_000, 3_420_000)))
    county.layers["parks"][0]["geometry"] = shifted
    assert "found an invalid shape (Self-intersection" in refusal(county, opened)


def test_a_layer_without_crs_is_refused(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    plan = open_plan(folder)
    bare = gpd.GeoDataFrame(
        plan.parks.drop(columns="geometry"), geometry=plan.parks.geometry.to_numpy()
    )
    with pytest.warns(UserWarning, match="crs"):
        bare.to_file(folder / "parks.gpkg", driver="GPKG")
    settings = (folder / "workspace.toml").read_text(encoding="utf-8")
    settings = settings.replace("parks.geojson", "parks.gpkg")
    (folder / "workspace.toml").write_text(settings, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"layer parks: found no CRS; expected .*EPSG"):
        open_plan(folder)


def test_swapped_longitude_and_latitude_are_recognised(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    path = folder / "parks.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    ring = document["features"][0]["geometry"]["coordinates"][0]
    document["features"][0]["geometry"]["coordinates"][0] = [[y, x] for x, y in ring]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"row 1 \(P1\).*longitude and latitude look swapped"):
        open_plan(folder)


def test_metres_under_a_geographic_crs_are_recognised(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    path = folder / "parks.geojson"
    document = json.loads(path.read_text(encoding="utf-8"))
    ring = [[566_902, 3_423_423], [566_990, 3_423_423], [566_990, 3_423_490], [566_902, 3_423_423]]
    document["features"][0]["geometry"]["coordinates"] = [ring]
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="degrees, or a projected CRS declared"):
        open_plan(folder)


def test_an_unknown_leading_industry_is_refused_with_the_nearest_code(
    county: County, opened: Open
) -> None:
    county.layers["parks"][0]["leading_industry"] = "1899"
    message = refusal(county, opened)
    assert "column leading_industry: found industry code '1899'" in message
    assert "nearest: 18 纺织服装、服饰业" in message


def test_a_malformed_enterprise_code_is_refused(county: County, opened: Open) -> None:
    county.layers["enterprises"][0]["industry_code"] = "C13"
    assert "column industry_code: found 'C13'; expected a GB/T 4754 code" in refusal(county, opened)


def test_duplicate_ids_are_refused_in_both_rows(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P1", box(5000, 0, 100, 100)))
    message = refusal(county, opened)
    assert "row 1 (P1), column park_id: found 'P1'; expected each id once" in message
    assert "row 3 (P1), column park_id: found 'P1'; expected each id once" in message


def test_one_enterprise_may_stand_in_several_years(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("E1", "1311", 90.0, year=2024))
    assert len(opened(county).enterprises) == 11


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


def test_an_unknown_setting_names_the_nearest(county: County, tmp_path: Path) -> None:
    county.extra = 'area_metod = "planar"'
    with pytest.raises(WorkspaceError, match=r"unknown name 'area_metod'; expected 'area_method'"):
        open_plan(county.write(tmp_path / "c"))


def test_a_file_outside_the_workspace_is_refused(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    settings = (folder / "workspace.toml").read_text(encoding="utf-8")
    settings = settings.replace('"parks.geojson"', '"../../etc/passwd"')
    (folder / "workspace.toml").write_text(settings, encoding="utf-8")
    with pytest.raises(WorkspaceError, match="expected a file inside the folder"):
        open_plan(folder)


def test_a_code_in_two_groups_is_refused(county: County, opened: Open) -> None:
    county.groups.append(("13", "equipment", "core"))
    assert "13: in group consumer and in equipment; one group a code" in refusal(county, opened)


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


def test_a_plan_s_version_changes_with_its_data(county: County, tmp_path: Path) -> None:
    first = open_plan(county.write(tmp_path / "a")).version
    again = open_plan(county.write(tmp_path / "b")).version
    county.layers["enterprises"][0]["output_cny"] = 101.0
    changed = open_plan(county.write(tmp_path / "c")).version
    assert first == again
    assert first != changed


DEM = """
[dem]
file = "dem.tif"
source = "made for tests"
illustrative = true
vertical_datum = "none"
"""


def with_dem(county: County, folder: Path, *, unit: str = "m", first: float = 500.0) -> Path:
    """Write a county with an elevation model: 20 x 20 cells of 100 m, from its origin."""
    county.extra = f"{county.extra}\n{DEM}" if DEM not in county.extra else county.extra
    county.write(folder)
    heights = np.full((20, 20), first, dtype=np.float32)
    west, south = ORIGIN_M
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=20, height=20, count=1, dtype="float32",
        crs="EPSG:4545", transform=rasterio.Affine(100, 0, west, 0, -100, south + 2000),
    ) as target:  # fmt: skip
        target.write(heights, 1)
        target.set_band_unit(1, unit)
    return folder


def test_an_elevation_model_is_declared_and_read_when_needed(
    county: County, tmp_path: Path
) -> None:
    folder = with_dem(county, tmp_path / "c")
    plan = open_plan(folder)
    assert plan.dem is not None
    assert (plan.dem.source, plan.dem.illustrative) == ("made for tests", True)
    assert (plan.dem.vertical_datum, plan.dem.metric_crs) == ("none", "EPSG:4545")
    # P1 lies on it, 1 km x 1 km; P2 from 2 km east does not.
    found = slope_of(plan.dem, plan.metric("parks"))
    assert found["mean_percent"].tolist() == pytest.approx([0, np.nan], nan_ok=True)
    assert plan.with_layers({"parks": plan.frame("parks")}, label="same").dem == plan.dem


def test_a_county_without_an_elevation_model_has_none(county: County, opened: Open) -> None:
    assert opened(county).dem is None


def test_a_plan_s_version_changes_with_its_elevation_model(county: County, tmp_path: Path) -> None:
    plain = open_plan(county.write(tmp_path / "a")).version
    with_one = open_plan(with_dem(county, tmp_path / "b")).version
    again = open_plan(with_dem(county, tmp_path / "c")).version
    changed = open_plan(with_dem(county, tmp_path / "d", first=501.0)).version
    assert len({plain, with_one, changed}) == 3
    assert with_one == again


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('file = "dem.tif"', 'file = "no.tif"', "no.tif: found no such file; expected a GeoTIFF"),
        ('file = "dem.tif"', 'file = "../c.tif"', "column dem.file: found '../c.tif'; expected a"),
        ("illustrative = true\nv", "v", "column dem.illustrative: found nothing; expected"),
        ('"made for tests"', '" "', "column dem.source: found ' '; expected"),
        ("illustrative = true\nv", 'illustrative = "so so"\nv', "column dem.illustrative: found"),
        ("[dem]", "[dem]\nband = 2", "unknown name 'band'"),
        ("[dem]", "[layers.dem]", "expected [dem], a table of its own"),
    ],
)
def test_a_broken_declaration_of_the_elevation_model_is_refused(
    county: County, tmp_path: Path, line: str, instead: str, message: str
) -> None:
    folder = with_dem(county, tmp_path / "c")
    path = folder / "workspace.toml"
    text = path.read_text(encoding="utf-8").replace(line, instead)
    if instead == "[layers.dem]":
        text = "\n".join(
            row for row in text.splitlines() if not row.startswith(("source =", "ill", "vert"))
        )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        open_plan(folder)
    assert message in str(caught.value)


def test_an_elevation_model_in_feet_is_refused(county: County, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"dem\.tif: found heights in 'ft'; expected .*metres"):
        open_plan(with_dem(county, tmp_path / "c", unit="ft"))


def test_a_fault_in_the_settings_has_its_line(county: County, tmp_path: Path) -> None:
    folder = with_dem(county, tmp_path / "c")
    path = folder / "workspace.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("illustrative = true\nv", 'illustrative = "so so"\nv')
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index('illustrative = "so so"')
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column dem\.illus"):
        open_plan(folder)
    # A missing key has the line of its table.
    text = text.replace('illustrative = "so so"\n', "")
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index("[dem]")
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column dem\.illus"):
        open_plan(folder)
    text = text.replace("[dem]", "[dem]\nillustrative = true")
    text = text.replace('metric_crs = "EPSG:4545"', 'metric_crs = "EPSG:4490"')
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index('metric_crs = "EPSG:4490"')
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column metric_crs: "):
        open_plan(folder)


def test_keys_and_tables_of_toml_have_their_lines() -> None:
    text = (
        '# a note\na = 1\n\n[b."c.d"] # here\ne.f = { g = 2 }\n"h i" = [\n  3,\n]\n[[j]]\nk = 4\n'
    )
    lines = toml_lines(text)
    assert lines["a",] == 2
    assert lines["b", "c.d"] == 4
    assert lines["b", "c.d", "e", "f"] == 5
    assert lines["b", "c.d", "h i"] == 6
    # What stands inside has the line of what is around it.
    assert line_of(("b", "c.d", "e", "f", "g"), lines) == 5


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x = " + "[" * 100_000, "at most 40 levels"),
        ("x" + ".x" * 50_000 + " = 1", "at most 40 levels"),
        ("x = " + "9" * 7_000, "at most 100 digits"),
        ("x = 9223372036854775808", "a whole number of 64 bits"),
    ],
)
def test_settings_over_a_limit_are_a_fault(
    county: County, tmp_path: Path, line: str, told: str
) -> None:
    county.extra += f"\n{line}"
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml.*{told}"):
        open_plan(county.write(tmp_path))
