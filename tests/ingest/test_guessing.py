"""Which layer a file is, told from its columns; and the workbooks to fill in for each."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
from shapely.geometry.base import BaseGeometry

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.ingest.columns import match_columns
from geo_service.ingest.options import AUTO, ImportOptions
from geo_service.language import Language, Translator
from geo_service.planning.imports import import_file, read_import
from geo_service.reports.import_template import (
    import_template,
    place_headings,
    template_headings,
)
from geo_service.schema import SCHEMAS
from tests.county import County, box, line, parcel, point
from tests.ingest.made import gbk_shapefile, parcels, table
from tests.terminal import run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    county = County()
    county.layers["parcels"] = [parcel("A1", box(0, 0, 100, 100))]
    return county.write(tmp_path_factory.mktemp("county") / "county")


def guessed(workspace: Path, path: Path, **options: Any) -> str:  # noqa: ANN401 - options
    options = {"scheme": "planning2023", "crs": "EPSG:4545", **options}
    found = read_import(workspace, path, AUTO, ImportOptions(**options))
    assert found.imported.guess is not None
    assert found.imported.guess.layer == found.imported.layer
    return found.imported.layer


def drawn(folder: Path, shape: BaseGeometry, **columns: Any) -> Path:  # noqa: ANN401 - cells
    frame = gpd.GeoDataFrame(columns, geometry=[shape], crs="EPSG:4545")
    frame.to_file(folder / "图形.gpkg", layer="数据")
    return folder / "图形.gpkg"


def test_columns_tell_the_layer(workspace: Path, tmp_path: Path) -> None:
    box_, line_, point_ = box(0, 0, 50, 50), line((0, 0), (90, 0)), point(5, 5)
    found = {
        "parks": drawn(tmp_path, box_, 园区编号=["N"], 园区名称=["新"], 级别=["集聚区"]),
    }
    assert guessed(workspace, found["parks"]) == "parks"
    assert guessed(workspace, drawn(tmp_path, box_, 编号=["Z"], 管控类型=["生态保护红线"])) == (
        "control_zones"
    )
    roads = drawn(tmp_path, line_, 编号=["R"], 道路名称=["路"], 技术等级=["county"])
    assert guessed(workspace, roads) == "roads"
    facilities = drawn(tmp_path, point_, 编号=["F"], 设施类型=["port"], 设施名称=["港"])
    assert guessed(workspace, facilities) == "facilities"
    assert guessed(workspace, gbk_shapefile(parcels("EPSG:4545"), tmp_path)) == "parcels"


def test_a_table_of_four_columns_is_told_by_names_that_one_layer_has(
    workspace: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", 企业编号=["E1"], 年份=[2025], 税收万元=[1])
    options = ImportOptions(scheme="planning2023")
    with pytest.raises(SourceError, match="企业"):  # guessed, and then without a name: no layer
        read_import(workspace, path, AUTO, options)


def test_names_that_several_layers_have_are_asked(workspace: Path, tmp_path: Path) -> None:
    path = drawn(tmp_path, box(0, 0, 50, 50), 编号=["1"], 名称=["甲"])
    with pytest.raises(ChoiceNeededError) as caught:
        read_import(workspace, path, AUTO, ImportOptions())
    assert caught.value.parameter == "layer"
    offered = [choice.value for choice in caught.value.choices]
    assert {"parks", "buildings"} <= set(offered)
    assert not {"roads", "facilities", "floors"} & set(offered)  # no areas


def test_a_file_without_a_known_id_is_no_layer(workspace: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 甲=["1"], 乙=["2"])
    with pytest.raises(SourceError):
        read_import(workspace, path, AUTO, ImportOptions())


def test_the_command_says_why_and_publishes_only_what_is_named(
    workspace: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", 宗地编号=["A1"], 容积率=[2.0])
    looked = run("import", path, workspace, "--dry-run", "--format", "json", "--lang", "en")
    assert looked.returncode == 0, looked.stderr
    document = json.loads(looked.stdout)
    assert document["guessed"]["layer"] == "parcels"
    assert "2 columns fit" in document["guessed"]["text"]
    done = run("import", path, workspace, "--format", "json")
    assert done.returncode == 2
    asked = json.loads(done.stdout)["choice_needed"]
    assert (asked["parameter"], asked["choices"][0]["value"]) == ("layer", "parcels")


# ---- templates -------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", SCHEMAS)
@pytest.mark.parametrize("language", list(Language))
def test_a_template_s_headings_are_understood(layer: str, language: Language) -> None:
    schema = SCHEMAS[layer]
    headings = template_headings(layer, language)
    book = openpyxl.load_workbook(io.BytesIO(import_template(layer, Translator(language))))
    (sheet,) = book.worksheets
    written = [str(cell.value) for cell in sheet[1]]
    assert written == [*headings.values(), *place_headings(schema, language)]
    plan = match_columns(written, schema, mapping=None, shown="", has_geometry=False)
    assert {item.field: item.column for item in plan.matched} == headings
    assert plan.unused == ()
    assert plan.is_placed == (schema.geometry is not None)
    units = {item.field: item.factor for item in plan.matched}
    assert set(units.values()) == {1.0}
    if language is not Language.EN:
        assert not [text for text in written if text.isascii() and text != "WKT"]
    assert import_template(layer, Translator(language)) == import_template(
        layer, Translator(language)
    )


def test_a_template_that_was_filled_in_is_imported(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "企业.xlsx"
    done = run("template", "enterprises", "-o", path)
    assert done.returncode == 0, done.stderr
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    cells = {"enterprise_id": "91500235MA5U00010A", "year": 2025, "name": "新企业"}
    cells |= {"industry_code": "1311", "output_cny": 1_000_000, "status": "正常"}
    columns = list(template_headings("enterprises", Language.ZH_HANS))
    for name, value in cells.items():
        sheet.cell(2, columns.index(name) + 1, value)
    book.save(path)
    options = ImportOptions(taken_as=None)
    found = import_file(workspace, path, AUTO, options, dry_run=True).imported
    assert found.layer == "enterprises"
    row = found.frame.iloc[0]
    assert (row["enterprise_id"], row["output_cny"]) == ("91500235MA5U00010A", 1_000_000)
    assert row["status"] == "operating"


def test_there_is_no_template_for_a_layer_that_is_none(tmp_path: Path) -> None:
    done = run("template", "parcel", "-o", tmp_path / "a.xlsx")
    assert done.returncode == 2
