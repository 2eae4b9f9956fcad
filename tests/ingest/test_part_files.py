"""Files that are the whole layer, an addition or an update; and losses that have to be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pytest
import shapely

from geo_service.errors import ChoiceNeededError, InvalidQueryError, SourceError
from geo_service.ingest.options import ImportOptions, read_mapping
from geo_service.language import Language, Translator
from geo_service.model import TakenAs
from geo_service.planning.imports import ImportResult, import_file, publish_import, read_import
from geo_service.planning.layers import layer_history, newest_layer, rollback
from geo_service.reports.import_table import import_table
from tests.county import County, box, in_degrees, parcel
from tests.ingest.made import table
from tests.terminal import run

pytestmark = pytest.mark.slow

Import = Callable[..., ImportResult]
WHOLE, ADD, UPDATE = TakenAs.WHOLE, TakenAs.ADD, TakenAs.UPDATE


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a county of three parcels in two parks, with a value in most columns."""
    county = County()
    county.layers["parcels"] = [
        parcel("A1", box(0, 0, 100, 100), plot_ratio=1.2, power_kva=500, idle_since="2024-05-01"),
        parcel("A2", box(200, 0, 100, 100), plot_ratio=0.9, power_kva=600, idle_since=None),
        parcel("B1", box(2000, 0, 100, 100), park_id="P2", plot_ratio=1.0, idle_since=None),
    ]
    return county.write(tmp_path / "county")


@pytest.fixture
def take(workspace: Path) -> Import:
    """Return a function that imports a file and publishes it unless told not to."""

    def take_(path: Path, layer: str, taken_as: TakenAs | None = None, **more: Any) -> ImportResult:  # noqa: ANN401 - options
        dry_run = more.pop("dry_run", False)
        more = {"scheme": "planning2023", "translator": Translator(Language.EN), **more}
        options = ImportOptions(taken_as=taken_as, **more)
        return import_file(workspace, path, layer, options, dry_run=dry_run)

    return take_


def rows_of(workspace: Path, layer: str) -> dict[str, dict[str, Any]]:
    """Return a layer's rows as they are kept, by the first column of their key."""
    frame = newest_layer(workspace, layer).frame.astype("object")
    frame = frame.where(frame.notna(), None)
    rows = [{str(name): cell for name, cell in row.items()} for row in frame.to_dict("records")]
    return {str(row[str(frame.columns[0])]): row for row in rows}


def shapes_file(folder: Path, rows: dict[str, Any], **columns: Any) -> Path:  # noqa: ANN401 - cells
    """Write parcels with shapes; `rows` are shapes in metres by id."""
    path = folder / "part.gpkg"
    frame = gpd.GeoDataFrame(
        {"宗地编号": list(rows), **columns}, geometry=list(rows.values()), crs="EPSG:4545"
    )
    frame.to_file(path)
    return path


def refusals(result: ImportResult) -> dict[str, str]:
    return {item.feature: item.reason.key for item in result.imported.ledger.refused}


# ---- update ----------------------------------------------------------------------------------


def test_four_columns_of_a_workbook_change_two_of_the_enterprises(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    before = newest_layer(workspace, "enterprises").frame
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["企业编号", "年份", "产值（万元）", "税收（万元）"])
    sheet.append(["E1", 2025, 12.5, 3])
    sheet.append(["F2", 2025, 7, None])
    book.save(tmp_path / "产值.xlsx")
    done = take(tmp_path / "产值.xlsx", "enterprises", UPDATE)
    assert done.version is not None
    assert (done.changes.altered, done.changes.moved, done.changes.unchanged) == (2, 0, 8)
    after = newest_layer(workspace, "enterprises").frame
    rows = after.set_index("enterprise_id")
    # 12.5 万元 are 125,000 yuan; the blank cell changes nothing.
    assert rows.loc["E1", ["output_cny", "tax_cny"]].tolist() == [125_000, 30_000]
    assert rows.loc["F2", "output_cny"] == 70_000
    assert np.isnan(rows.loc["F2", "tax_cny"])
    others = [name for name in before.columns if name not in {"output_cny", "tax_cny"}]
    assert after[others].equals(before[others])
    assert after["enterprise_id"].tolist() == before["enterprise_id"].tolist()


def test_an_enterprise_of_another_year_is_another_row(tmp_path: Path, take: Import) -> None:
    path = table(tmp_path / "a.csv", 企业编号=["E1", "E1"], 年份=[2025, 2024], 从业人员=[9, 8])
    done = take(path, "enterprises", UPDATE)
    assert refusals(done) == {"E1": "import.unknown_id"}
    assert done.imported.ledger.refused[0].reason.values["id"] == "E1/2024"


def test_a_year_of_a_workbook_is_told_without_decimals(tmp_path: Path, take: Import) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["企业编号", "年份", "从业人员"], ["E1", 2025, 9], ["E1", 2031, 8]):
        book.active.append(row)
    book.save(path)
    done = take(path, "enterprises", UPDATE)
    assert done.imported.ledger.refused[0].reason.values["id"] == "E1/2031"


def test_an_update_of_enterprises_needs_the_year(tmp_path: Path, take: Import) -> None:
    path = table(tmp_path / "a.csv", 企业编号=["E1"], 从业人员=[9])
    with pytest.raises(SourceError) as caught:
        take(path, "enterprises", UPDATE)
    assert [fault.column for fault in caught.value.faults] == ["year"]
    (tmp_path / "m.toml").write_text("[values]\nyear = 2025\n")
    mapping = read_mapping(tmp_path / "m.toml")
    assert take(path, "enterprises", UPDATE, mapping=mapping).changes.altered == 1


def test_a_year_that_is_no_number_refuses_its_row(tmp_path: Path, take: Import) -> None:
    path = table(
        tmp_path / "a.csv",
        企业编号=["E1", "E2", ""],
        年份=["2025年", "去年", "2025"],
        从业人员=[9, 8, 7],
    )
    done = take(path, "enterprises", UPDATE, dry_run=True)
    assert done.changes.altered == 1
    found = [item.reason.key for item in done.imported.ledger.refused]
    assert found == ["import.bad_missing", "import.bad_value"]


def test_a_park_s_own_file_changes_that_park_alone(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    before = rows_of(workspace, "parcels")
    path = shapes_file(
        tmp_path,
        {"A1": box(0, 0, 100, 100), "A2": box(200, 0, 100, 110)},
        状态=["空闲", "已建"],
    )
    done = take(path, "parcels", UPDATE)
    assert done.version is not None
    assert (done.changes.removed, done.changes.moved, done.changes.altered) == (0, 1, 1)
    after = rows_of(workspace, "parcels")
    assert after["B1"] == before["B1"]
    assert after["A1"]["status"] == "vacant"
    # The shape came back from metres with another last digit, and stays as it was, bit by bit.
    assert shapely.equals_identical(after["A1"]["geometry"], before["A1"]["geometry"])
    assert after["A1"]["plot_ratio"] == 1.2
    assert after["A2"]["area_m2"] == before["A2"]["area_m2"]
    assert [note.key for note in done.imported.notes].count("import.area_kept") == 1
    # 100 x 110 m are 11,000 m², and 10,000 stay: somebody should look at A2.
    kept = [item for item in done.imported.ledger.repairs if item.what == "area_kept"]
    assert [(item.feature, item.needs_look) for item in kept] == [("A2", True)]


@pytest.mark.parametrize("word", ["清空", " 清空 ", "（清空）", "<clear>", "<CLEAR>"])
def test_an_update_takes_a_value_away_where_a_cell_says_so(
    workspace: Path, tmp_path: Path, take: Import, word: str
) -> None:
    path = table(
        tmp_path / "a.csv",
        宗地编号=["A1", "A2"],
        容积率=[word, ""],
        闲置起始日期=[word, ""],
        状态=["已建", word],
    )
    done = take(path, "parcels", UPDATE)
    after = rows_of(workspace, "parcels")
    assert (after["A1"]["plot_ratio"], after["A1"]["idle_since"]) == (None, None)
    assert (after["A2"]["plot_ratio"], after["A1"]["power_kva"]) == (0.9, 500)
    # A status may be missing as well.
    (note,) = (note for note in done.imported.notes if note.key == "import.cleared")
    assert note.values["count"] == "3"
    lost = {item["column"]: item["count"] for item in done.document(Translator())["lost_values"]}
    # A1 had the only date, so that column is emptied; two plot ratios and statuses stay.
    assert lost == {"plot_ratio": 1, "status": 1}
    assert dict(done.emptied) == {"idle_since": 1}


def test_what_must_have_a_value_is_not_taken_away(tmp_path: Path, take: Import) -> None:
    path = table(tmp_path / "a.csv", 企业编号=["E1", "F2"], 年份=2025, 企业名称=["清空", "乙"])
    done = take(path, "enterprises", UPDATE, dry_run=True)
    assert refusals(done) == {"E1": "import.bad_missing"}


def test_values_that_a_whole_layer_lacks_are_counted_by_column(
    tmp_path: Path, take: Import
) -> None:
    shapes = {"A1": box(0, 0, 100, 100), "A2": box(200, 0, 100, 100), "B1": box(2000, 0, 100, 100)}
    path = shapes_file(
        tmp_path,
        shapes,
        地类编码=["100101"] * 3,
        状态=["已建"] * 3,
        园区编号=["P1", "P1", "P2"],
        容积率=[None, 0.9, None],
    )
    done = take(path, "parcels", WHOLE, dry_run=True)
    document = done.document(Translator(Language.EN))
    # Of three plot ratios one stays; the other columns are emptied.
    assert [(one["column"], one["count"]) for one in document["lost_values"]] == [("plot_ratio", 2)]
    assert "lost_values" not in document["changes"]
    assert "loses some values of 1 columns" in import_table(document, Translator(Language.EN))


def test_measured_areas_that_are_the_published_ones_change_nothing(
    tmp_path: Path, take: Import
) -> None:
    shapes = {"A1": box(0, 0, 100, 100), "A2": box(200, 0, 100, 100), "B1": box(2000, 0, 100, 100)}
    path = shapes_file(
        tmp_path, shapes, 地类编码=["100101"] * 3, 状态=["已建"] * 3, 园区编号=["P1", "P1", "P2"]
    )
    done = take(path, "parcels", WHOLE, dry_run=True)
    assert done.imported.frame["area_m2"].tolist() == [10_000] * 3


def test_an_update_without_a_shape_in_some_rows_keeps_those(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    before = rows_of(workspace, "parcels")
    moved = in_degrees(box(200, 0, 50, 100)).wkt
    path = table(tmp_path / "a.csv", 宗地编号=["A1", "A2"], 容积率=[2.0, 2.5], wkt=["", moved])
    done = take(path, "parcels", UPDATE, crs="EPSG:4490")
    assert (done.changes.moved, done.changes.altered) == (1, 2)
    after = rows_of(workspace, "parcels")
    assert shapely.equals_identical(after["A1"]["geometry"], before["A1"]["geometry"])
    assert after["A2"]["plot_ratio"] == 2.5


def test_a_scheme_that_is_given_counts_for_codes_of_the_file_alone(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    path = table(tmp_path / "a.csv", 宗地编号=["A1", "A2"], 地类编码=["0601", ""])
    take(path, "parcels", UPDATE, scheme="survey3")
    after = rows_of(workspace, "parcels")
    assert (after["A1"]["land_use"], after["A1"]["land_use_scheme"]) == ("0601", "survey3")
    assert (after["A2"]["land_use"], after["A2"]["land_use_scheme"]) == ("100101", "planning2023")


def test_a_row_may_refer_to_one_of_its_layer_that_the_file_lacks(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    path = table(tmp_path / "a.csv", park_id=["P1"], host_park_id=["P2"])
    assert take(path, "parks", UPDATE).version is not None
    assert rows_of(workspace, "parks")["P1"]["host_park_id"] == "P2"


def test_a_kind_that_tells_its_grade_updates_both(tmp_path: Path) -> None:
    county = County()
    county.layers["control_zones"][0] |= {"kind": "water_source", "grade": "2"}
    workspace = county.write(tmp_path / "c2")
    path = table(tmp_path / "a.csv", zone_id=["D"], 管控类型=["饮用水水源一级保护区"])
    import_file(workspace, path, "control_zones", ImportOptions(taken_as=UPDATE))
    found = rows_of(workspace, "control_zones")["D"]
    assert (found["kind"], found["grade"]) == ("water_source", "1")


@pytest.mark.parametrize(
    ("taken_as", "ids", "offered"),
    [(UPDATE, ["N1", "N2"], ["add", "whole"]), (ADD, ["A1", "A2"], ["update", "whole"])],
)
def test_a_file_that_cannot_be_taken_so_asks_how(
    tmp_path: Path, take: Import, taken_as: TakenAs, ids: list[str], offered: list[str]
) -> None:
    path = shapes_file(tmp_path, {ids[0]: box(500, 0, 9, 9), ids[1]: box(520, 0, 9, 9)})
    with pytest.raises(ChoiceNeededError) as caught:
        take(path, "parcels", taken_as)
    assert caught.value.parameter == "as"
    assert [choice.value for choice in caught.value.choices] == offered


def test_an_empty_layer_cannot_be_updated(tmp_path: Path) -> None:
    workspace = County().write(tmp_path / "c2")
    path = shapes_file(tmp_path, {"A1": box(0, 0, 10, 10)})
    with pytest.raises(ChoiceNeededError) as caught:
        import_file(workspace, path, "parcels", ImportOptions(taken_as=UPDATE))
    assert [choice.value for choice in caught.value.choices] == ["add", "whole"]
    done = import_file(workspace, path, "parcels", ImportOptions(taken_as=ADD))
    assert done.changes.added == 1


# ---- add -------------------------------------------------------------------------------------


def test_an_addition_leaves_what_is_there_and_refuses_it(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    before = rows_of(workspace, "parcels")
    path = shapes_file(
        tmp_path,
        {"A2": box(200, 0, 50, 50), "C1": box(400, 0, 50, 50), "C2": box(500, 0, 50, 50)},
        容积率=[9.0, 1.5, 1.6],
    )
    done = take(path, "parcels", ADD)
    assert refusals(done) == {"A2": "import.id_there"}
    assert (done.changes.added, done.changes.changed, done.changes.removed) == (2, 0, 0)
    after = rows_of(workspace, "parcels")
    assert list(after) == ["A1", "A2", "B1", "C1", "C2"]
    assert {name: after[name] for name in before} == before
    assert after["C1"]["area_m2"] == pytest.approx(2_500, abs=0.01)


def test_an_addition_needs_what_a_new_feature_must_have(tmp_path: Path, take: Import) -> None:
    path = table(tmp_path / "a.csv", 企业编号=["N1"], 年份=[2025], 产值=[1])
    with pytest.raises(SourceError) as caught:
        take(path, "enterprises", ADD)
    assert "name" in [fault.column for fault in caught.value.faults]
    with pytest.raises(SourceError, match="coordinates"):
        take(table(tmp_path / "b.csv", 宗地编号=["N1"], 状态=["已建"]), "parcels", ADD)


# ---- whole, and what is not said -------------------------------------------------------------


def test_rows_without_places_are_an_update_unless_said_otherwise(
    tmp_path: Path, take: Import
) -> None:
    path = table(tmp_path / "a.csv", 宗地编号=["A1"], 容积率=[2.0])
    done = take(path, "parcels", dry_run=True)
    assert (done.imported.taken_as, done.imported.is_said) == (UPDATE, False)
    assert done.obstacle is None
    with pytest.raises(SourceError, match="coordinates"):
        take(path, "parcels", WHOLE)


@pytest.mark.parametrize("format_", ["json", "table"])
def test_a_loss_that_nobody_said_is_told_and_not_published(
    workspace: Path, tmp_path: Path, format_: str
) -> None:
    shapes = {"A1": box(0, 0, 100, 100), "A2": box(200, 0, 100, 100), "B1": box(2000, 0, 100, 100)}
    path = shapes_file(
        tmp_path, shapes, 地类编码=["100101"] * 3, 状态=["已建"] * 3, 园区编号=["P1", "P1", "P2"]
    )
    call = ("import", path, workspace, "--layer", "parcels", "--scheme", "planning2023")
    asked = (*call, "--format", format_, "--lang", "en")
    looked = run(*asked, "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "--as whole" in looked.stderr
    if format_ == "json":
        document = json.loads(looked.stdout)
        emptied = {item["column"]: item["count"] for item in document["emptied"]}
        # Three plot ratios, two powers and one date are there; the file has none.
        assert emptied == {"plot_ratio": 3, "power_kva": 2, "idle_since": 1}
        assert (document["as"], document["as_said"]) == ("whole", False)
        assert document["obstacle"] == "unsaid"
    else:
        assert "empties 3 columns" in looked.stdout
    done = run(*asked)
    assert done.returncode == 2
    assert "Not published" in done.stderr
    assert newest_layer(workspace, "parcels").number == 0
    assert run(*asked, "--as", "whole").returncode == 0
    assert newest_layer(workspace, "parcels").number == 1


def test_a_dry_run_ends_as_wrong_input_where_others_refer_to_what_goes(tmp_path: Path) -> None:
    county = County()
    county.layers["parcels"] = [parcel("A1", box(0, 0, 10, 10), power_kva=5.0)]
    county.layers["enterprises"][0]["parcel_id"] = "A1"
    workspace = county.write(tmp_path / "county")
    frame = gpd.GeoDataFrame({"parcel_id": ["B"]}, geometry=[box(0, 0, 9, 9)], crs="EPSG:4545")
    frame.to_file(tmp_path / "a.gpkg")
    # It would empty power_kva, too, which alone is no fault of a dry run.
    looked = run("import", tmp_path / "a.gpkg", workspace, "--layer", "parcels", "--dry-run")
    assert looked.returncode == 2, looked.stderr


def test_a_park_s_file_in_the_place_of_the_county_s_is_not_published(
    workspace: Path, tmp_path: Path, take: Import
) -> None:
    path = shapes_file(
        tmp_path,
        {"A1": box(0, 0, 100, 100)},
        园区编号=["P1"],
        地类编码=["100101"],
        状态=["已建"],
        容积率=[1.0],
        供电容量=[1.0],
        闲置起始日期=["2024-01-01"],
    )
    done = take(path, "parcels")
    assert (done.obstacle, done.version, dict(done.emptied)) == ("unsaid", None, {})
    assert done.changes.removed == 2  # of three
    text = import_table(done.document(Translator(Language.EN)), Translator(Language.EN), width=90)
    assert "removes more than half" in text
    with pytest.raises(ChoiceNeededError) as caught:
        publish_import(workspace, done)
    assert [choice.value for choice in caught.value.choices] == ["whole", "add", "update"]
    assert publish_import(workspace, done, taken_as="whole").version is not None


def test_what_was_read_as_one_thing_is_not_published_as_another(
    workspace: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", 宗地编号=["A1"], 容积率=[2.0])
    found = read_import(workspace, path, "parcels", ImportOptions(taken_as=UPDATE))
    for wrong in ("whole", "all"):
        with pytest.raises(InvalidQueryError) as caught:
            publish_import(workspace, found, taken_as=wrong)
        assert caught.value.parameter == "as"
    assert publish_import(workspace, found, taken_as="update").version is not None


def test_the_history_says_what_a_file_was(workspace: Path, tmp_path: Path, take: Import) -> None:
    take(table(tmp_path / "a.csv", 宗地编号=["A1"], 容积率=[2.0]), "parcels")
    take(shapes_file(tmp_path, {"C1": box(400, 0, 50, 50)}), "parcels", ADD)
    rollback(workspace, "parcels", "1")
    found = [entry.taken_as for entry in layer_history(workspace, "parcels")]
    assert found == [None, ADD, UPDATE, None]
    told = json.loads(run("history", "parcels", workspace, "--format", "json").stdout)
    assert [entry["as"] for entry in told["versions"]] == [None, "add", "update", None]
    assert "按编号更新" in run("history", "parcels", workspace).stdout


def test_an_unknown_way_is_refused_with_the_known_ones(workspace: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 宗地编号=["A1"], 容积率=[2.0])
    done = run("import", path, workspace, "--layer", "parcels", "--as", "updte", "--lang", "en")
    assert done.returncode == 2
    assert "update" in done.stderr
