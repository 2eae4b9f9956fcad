"""A layer's file that breaks its schema is refused with the row and the reason."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from geo_service import gdal
from geo_service.errors import WorkspaceError
from geo_service.schema import SCHEMAS, ColumnKind
from geo_service.workspace.opening import open_plan
from tests.county import County, box, enterprise, parcel, park, point
from tests.workspace.refusals import Open, refusal


def test_a_wrong_geometry_type_is_refused(county: County, opened: Open) -> None:
    county.layers["parks"][0]["geometry"] = point(1, 1)
    told = "row 1 (P1), column geometry: found Point; expected one of MultiPolygon, Polygon"
    assert told in refusal(county, opened)


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


@pytest.mark.parametrize("layer", ["enterprises", "parcels"])
def test_a_column_that_is_not_there_is_read_as_one_of_blanks(
    county: County, tmp_path: Path, layer: str
) -> None:
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90))]
    bare = open_plan(county.write(tmp_path / "bare")).frame(layer)
    given = county.layers[layer][0]
    blanks = {item.name: " " for item in SCHEMAS[layer].fields if item.name not in given}
    assert {item.kind for item in SCHEMAS[layer].fields if item.name in blanks} >= {
        ColumnKind.NUMBER,
        ColumnKind.BOOLEAN,
    }
    for row in county.layers[layer]:
        row.update(blanks)
    blank = open_plan(county.write(tmp_path / "blank")).frame(layer)
    pd.testing.assert_frame_equal(blank, bare)


def test_columns_of_a_layer_hold_what_its_features_do(tmp_path: Path) -> None:
    plain = gpd.GeoDataFrame(
        {
            "text": ["一", None, ""],
            "number": [1.5, None, 3.0],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
        },
        geometry=[shapely.box(x, 0, x + 1, 1) for x in (0, 2, 4)],
        crs="EPSG:4490",
    )
    # GDAL's columns of shapes are broken where one is missing: then features are read.
    gap = plain.set_geometry(plain.geometry.where(np.array([True, False, True])))
    dated = plain.assign(day=pd.to_datetime(["2026-02-03", "", "2026-02-04"]))
    for name, written in {"plain": plain, "gap": gap, "dated": dated}.items():
        path = tmp_path / f"{name}.fgb"
        written.to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")
        columns = gdal.read_frame(path, "flatgeobuf")
        features = pyogrio.read_dataframe(path)
        # Flags with a gap are numbers where features are read one by one.
        assert (columns["flag"].dtype == features["flag"].dtype) is (name != "plain")
        assert list(columns) == list(features)
        assert list(columns.geometry.to_wkb()) == list(features.geometry.to_wkb())
        assert columns.crs == features.crs
        for column in set(features) - {"geometry"}:
            is_there = features[column].notna()
            assert columns[column].notna().tolist() == is_there.tolist()
            assert columns[column][is_there].tolist() == features[column][is_there].tolist()
