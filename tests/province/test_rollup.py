"""A province rolled up: figures by hand, and its forms."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
from shapely.affinity import translate

from tests.county import County
from tests.province.made import CODES, review_here, write_county, write_province
from tests.terminal import run, run_bytes


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a province of three counties and a broken one, reviewed.

    By output: 500101 has 500 of 13 in P1 and 500 of 36 in P2; 500102 has 5,000 more of 36 in P1;
    500103, far away, lacks the output of one of five in P2.
    """
    folder = tmp_path_factory.mktemp("province")
    path = write_province(folder, (*CODES, "500104"))
    far = County()
    for rows in far.layers.values():
        for row in rows:
            if "geometry" in row:
                row["geometry"] = translate(row["geometry"], xoff=100_000)
    far.layers["enterprises"][-1]["output_cny"] = None
    write_county(folder / CODES[2], CODES[2], made=far)
    (folder / "500104" / "parks.geojson").unlink()
    (folder / "groups.csv").write_text("code_prefix,group,strength\n13,food,core\n", "utf-8")
    groups = '[industry_groups]\nfile = "groups.csv"\nversion = "1"\nnames.food.en = "Food"\n'
    path.write_text(path.read_text("utf-8").replace("[counties]", f"{groups}[counties]"), "utf-8")
    review_here(path, folder / "province-review")
    return path


def test_a_province_is_rolled_up(reviewed: Path) -> None:
    done = run("province", "report", reviewed, "--format", "json", "--lang", "en")
    assert done.returncode == 2, done.stderr
    assert "County 500104:" in done.stderr
    found = json.loads(done.stdout)
    assert found["totals"] == {
        "counties": 4, "whole": 3, "parks": 6, "enterprises": 31, "findings": 2,
        "waived": 0, "approved": 0,
        "verdicts": {"pass": 5, "watch": 1, "fail": 0, "unknown": 0},
    }  # fmt: skip
    assert list(found["faulty"]) == ["500104"]
    share = next(rule for rule in found["rules"] if rule["rule_id"] == "focus.leading_share")
    # P1 of 500102 fails; P2 of 500103 is unknown, which only a `must` rule makes a verdict of.
    assert (share["checked"], share["fail"], share["unknown"], share["counties"]) == (6, 1, 1, 2)
    # 13: 3 × 500; 36: 500 + 5,500 + 400; together 7,900.
    assert found["left_out"] == 1
    by_division = {item["division"]: item for item in found["industries"]}
    assert by_division["13"]["amount"] == 1_500
    assert by_division["36"]["amount"] == 6_400
    assert by_division["36"]["share"] == pytest.approx(6_400 / 7_900)
    assert (by_division["36"]["enterprises"], by_division["36"]["counties"]) == (15, 3)
    hhi = (1_500 / 7_900) ** 2 + (6_400 / 7_900) ** 2
    assert found["hhi"] == {"divisions": pytest.approx(hhi), "groups": pytest.approx(hhi)}
    assert [(item["group"], item["amount"]) for item in found["groups"]] == [
        (None, 6_400), ("food", 1_500),
    ]  # fmt: skip


def test_quotients_are_against_the_province(reviewed: Path) -> None:
    found = json.loads(run("province", "report", reviewed, "--format", "json").stdout)
    quotients = {
        (item["county_code"], item["division"]): item["location_quotient"]
        for item in found["specialisations"]
    }
    # (500 / 1,000) / (1,500 / 7,900); a county that lacks a value has no share.
    assert quotients["500101", "13"] == pytest.approx(0.5 / (1_500 / 7_900))
    assert quotients["500102", "36"] == pytest.approx((5_500 / 6_000) / (6_400 / 7_900))
    assert quotients["500103", "13"] is None
    parks = {(park["county_code"], park["park_id"]): park for park in found["parks"]}
    assert parks["500101", "P1"]["province_location_quotient"] == pytest.approx(7_900 / 1_500)
    assert parks["500101", "P1"]["location_quotient"] == pytest.approx(2.0)
    assert parks["500102", "P1"]["leading_share"] == pytest.approx(500 / 5_500)
    assert parks["500103", "P2"]["province_location_quotient"] is None


def test_adjoining_counties_with_the_same_leading_industry_are_told(reviewed: Path) -> None:
    found = json.loads(run("province", "report", reviewed, "--format", "json").stdout)
    assert found["neighbours"] == {
        "within_m": 500.0,
        "pairs": 1,
        "without_boundary": [],
        "same_leading": [
            {"division": "13", "counties": ["500101", "500102"], "parks": [["P1"], ["P1"]]},
            {"division": "36", "counties": ["500101", "500102"], "parks": [["P2"], ["P2"]]},
        ],
    }


def test_a_roll_up_is_a_table_and_a_workbook(reviewed: Path) -> None:
    table = run("province", "report", reviewed)
    assert "测试省：各县审查汇总" in table.stdout
    assert "4 个县中 3 个已审查（2026-11-22）" in table.stdout
    content = run_bytes("province", "report", reviewed, "--format", "xlsx", "--lang", "en").stdout
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames[:3] == ["Counties", "Counties with faults", "Rules"]
    cells = [cell for row in book["Parks"].iter_rows(values_only=True) for cell in row]
    assert "13 Processing of farm products" in cells
    assert "attention" in cells


def test_a_roll_up_is_a_geopackage(reviewed: Path, tmp_path: Path) -> None:
    path = tmp_path / "province.gpkg"
    done = run("province", "report", reviewed, "--format", "gpkg", "-o", path)
    assert done.returncode == 2, done.stderr  # one county is faulty
    assert {name for name, _ in pyogrio.list_layers(path)} == {
        "counties", "parks", "rules", "industries", "groups", "specialisations", "neighbours",
        "province",
    }  # fmt: skip
    about = pyogrio.read_info(path, layer="parks")
    assert (about["crs"], about["features"], about["geometry_type"]) == (
        "EPSG:4490", 6, "MultiPolygon",
    )  # fmt: skip
    counties = pyogrio.read_dataframe(path, layer="counties").set_index("county_code")
    assert list(counties.index) == [*CODES, "500104"]
    assert counties.loc["500102", ["parks", "watch", "fail"]].tolist() == [2, 1, 0]
    assert counties.loc["500104", "state"] == "faulty"
    assert "parks.geojson" in counties.loc["500104", "faults"]
    assert counties.geometry.notna().tolist() == [True, True, True, False]
    facts = pyogrio.read_dataframe(path, layer="province", read_geometry=False)
    told = dict(zip(facts["item"], facts["value"], strict=True))
    assert (told["crs"], told["illustrative"]) == ("EPSG:4490", "true")
    assert json.loads(told["sources"]) == ["made for tests"]


def test_a_roll_up_is_geoparquet(reviewed: Path, tmp_path: Path) -> None:
    content = run_bytes("province", "report", reviewed, "--format", "geoparquet").stdout
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parks, counties = (
            gpd.read_parquet(archive.extract(f"{name}.parquet", tmp_path))
            for name in ("parks", "counties")
        )
        facts = json.loads(archive.read("province.json"))
    assert parks.crs == counties.crs == "EPSG:4490"
    assert facts["sources"] == ["made for tests"]
    own = parks[(parks["county_code"] == "500101") & (parks["park_id"] == "P1")]
    assert list(own["province_location_quotient"]) == [pytest.approx(7_900 / 1_500)]
    assert list(own["illustrative"]) == [True]
    assert counties.geometry.iloc[0].covers(own.geometry.iloc[0])
    assert counties.set_index("county_code")["state"].to_dict() == {
        **dict.fromkeys(CODES, "whole"), "500104": "faulty",
    }  # fmt: skip


def test_a_province_without_a_whole_review_is_told(reviewed: Path, tmp_path: Path) -> None:
    done = run("province", "report", reviewed, "--from", tmp_path, "--lang", "en")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no review of a province" in done.stderr
