from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from geo_service.language import Language
from geo_service.reports.geopackage import _of_one_kind, review_geopackage
from geo_service.zoning.review import Review
from tests.reports.conftest import colours, content_of
from tests.words import verdict_words

PLACES = {
    "findings_area": {"MultiPolygon"},
    "findings_line": {"MultiLineString"},
    "findings_point": {"MultiPoint"},
}
LAYERS = {"parks", *PLACES, "findings_without_place", "review", "layer_styles"}


def written(result: Review, folder: Path, language: Language = Language.ZH_HANS) -> Path:
    path = folder / "review.gpkg"
    path.write_bytes(review_geopackage(result, content_of(result, language), colours()))
    return path


@pytest.fixture(scope="module")
def package(demo_review: Review, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(demo_review, tmp_path_factory.mktemp("gpkg"))


def read(path: Path, layer: str) -> gpd.GeoDataFrame:
    frame: gpd.GeoDataFrame = pyogrio.read_dataframe(path, layer=layer)
    return frame


def test_every_layer_is_there(package: Path) -> None:
    assert {name for name, _ in pyogrio.list_layers(package)} == LAYERS


def test_findings_written_some_at_a_time_are_those_written_at_once(
    package: Path, demo_review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.reports.geopackage._AT_ONCE", 7)
    parted = written(demo_review, tmp_path)
    assert [name for name, _ in pyogrio.list_layers(parted)] == [
        name for name, _ in pyogrio.list_layers(package)
    ]
    for layer in (*PLACES, "findings_without_place"):
        assert read(parted, layer).equals(read(package, layer))


def test_parks_carry_their_verdicts_and_shapes(package: Path, demo_review: Review) -> None:
    parks = read(package, "parks")
    expected = demo_review.parks
    assert parks.crs == "EPSG:4490"
    assert list(parks["park_id"]) == list(expected["park_id"])
    assert list(parks["verdict"]) == list(expected["verdict"])
    np.testing.assert_allclose(
        parks["share_output"].to_numpy(), expected["share_output"].to_numpy(float), rtol=1e-9
    )
    assert shapely.equals_exact(
        shapely.normalize(parks.geometry.to_numpy()),
        shapely.normalize(expected.geometry.to_numpy()),
        tolerance=1e-12,
    ).all()
    assert parks["illustrative"].all()


def test_findings_lie_by_kind_of_geometry_and_none_is_lost(
    package: Path, demo_review: Review
) -> None:
    found = []
    for layer, kinds in PLACES.items():
        frame = read(package, layer)
        assert set(frame.geom_type) == kinds
        assert frame.crs == "EPSG:4490"
        found += list(frame["finding_id"])
    table = read(package, "findings_without_place")
    assert not isinstance(table, gpd.GeoDataFrame)
    without = [item.finding_id for item in demo_review.results if item.geometry is None]
    assert list(table["finding_id"]) == without
    assert sorted([*found, *without]) == sorted(item.finding_id for item in demo_review.results)


def test_a_finding_keeps_its_figures(package: Path, demo_review: Review) -> None:
    frame = read(package, "findings_area").set_index("finding_id")
    for item in demo_review.results:
        if item.finding_id not in frame.index or item.evidence.get("unit") != "m²":
            continue
        row = frame.loc[item.finding_id]
        if item.evidence["value"] is not None:
            assert row["value"] == pytest.approx(item.evidence["value"], rel=1e-9)
        assert json.loads(str(row["evidence"]))["measure"] == item.evidence["measure"]
        assert row["rule_id"] == item.rule_id


def test_the_package_says_what_it_is_of(package: Path, demo_review: Review) -> None:
    facts = read(package, "review")
    values = "\n".join(facts["value"])
    assert demo_review.review_id in values
    assert "均为演示虚构" in values


def test_styles_are_what_qgis_reads(package: Path) -> None:
    with closing(sqlite3.connect(f"file:{package}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
        columns = dict(
            connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns")
        )
        checked = connection.execute("PRAGMA integrity_check").fetchone()
        version = connection.execute("PRAGMA user_version").fetchone()
    assert checked == ("ok",)
    assert version == (10300,)
    assert {row[0] for row in rows} == {"parks", *PLACES}
    for layer, column, is_default, style in rows:
        assert columns[layer] == column
        assert is_default == 1
        root = ET.fromstring(style)  # noqa: S314 - made here
        categories = root.findall("renderer-v2/categories/category")
        assert [item.get("value") for item in categories] == ["fail", "unknown", "watch", "pass"]
        assert [item.get("label") for item in categories] == verdict_words()
        symbols = root.findall("renderer-v2/symbols/symbol")
        assert [item.get("name") for item in symbols] == [item.get("symbol") for item in categories]


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="ogrinfo is not installed")
def test_gdal_s_own_tool_reads_it_without_a_word(package: Path) -> None:
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", package], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.count("Layer name: ") == len(LAYERS)


def test_an_orderly_county_has_every_layer_with_its_columns(
    orderly_review: Review, tmp_path: Path
) -> None:
    path = written(orderly_review, tmp_path)
    assert {name for name, _ in pyogrio.list_layers(path)} == LAYERS
    frame = read(path, "findings_area")
    assert len(frame) == 0
    assert {"finding_id", "value", "threshold"} <= set(frame.columns)


@pytest.mark.parametrize("language", Language)
def test_hostile_texts_stand_as_text(
    hostile_review: Review, tmp_path: Path, language: Language
) -> None:
    path = written(hostile_review, tmp_path, language)
    names = list(read(path, "parks")["name"])
    assert names[0] == "=1+1"
    assert names[6] == "abc"
    assert "<!--" in names


def test_a_collection_keeps_its_parts_of_the_highest_dimension() -> None:
    area, line = shapely.box(0, 0, 2, 1), shapely.LineString([(5, 5), (6, 6)])
    mixed = shapely.GeometryCollection([line, area, shapely.Point(9, 9)])
    made = _of_one_kind(np.array([mixed, line, None], dtype=object))
    assert made[0].equals(area)
    assert made[1] is line
    assert made[2] is None
