"""A KML as one table: folders as a column, Chinese names of data, shapes as they are."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.ingest.options import ImportOptions, SourceMapping
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan

NAMESPACE = "http://www.opengis.net/kml/2.2"


def placemark(name: str, data: str = "") -> str:
    """Return a placemark at the county's origin."""
    point = "<Point><coordinates>108.0,30.9,0</coordinates></Point>"
    extended = f"<ExtendedData>{data}</ExtendedData>" if data else ""
    return f"<Placemark><name>{name}</name>{extended}{point}</Placemark>"


def folder(name: str, *inside: str) -> str:
    return f"<Folder><name>{name}</name>{''.join(inside)}</Folder>"


def data(**values: str) -> str:
    return "".join(
        f'<Data name="{name}"><value>{text}</value></Data>' for name, text in values.items()
    )


def write(path: Path, *inside: str, prefix: str = "") -> Path:
    text = f"<Document><name>设施</name>{''.join(inside)}</Document>"
    mark = f"{prefix}:" if prefix else ""
    if prefix:
        text = text.replace("</", f"</{mark}").replace("<", f"<{mark}")
        text = text.replace(f"<{mark}/{mark}", f"</{mark}")
    name = f"xmlns:{prefix}" if prefix else "xmlns"
    root = f'<{mark}kml {name}="{NAMESPACE}">{text}</{mark}kml>'
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{root}', encoding="utf-8")
    return path


FOLDERS = (
    folder("港口", placemark("一码头"), placemark("二码头"), folder("拟建", placemark("三码头"))),
    folder("变电站", placemark("甲站")),
)
MAPPING = SourceMapping(columns={"facility_id": "Name"})


def read(plan: Plan, path: Path, **options: object) -> Imported:
    chosen = ImportOptions(crs="EPSG:4490", **options)
    return read_source(path, "facilities", plan=plan, options=chosen)


def test_chinese_names_of_data_stay_apart(plan: Plan, tmp_path: Path) -> None:
    cells = data(facility_id="SS-1", 设施类型="港口", 建设状态="已建")
    found = read(plan, write(tmp_path / "a.kml", folder("a", placemark("双江码头", cells))))
    row = found.frame.iloc[0]
    assert (row["facility_id"], row["name"], row["kind"]) == ("SS-1", "双江码头", "port")
    assert "建设状态" in found.columns.unused


def test_simple_data_of_a_schema_with_chinese_names(plan: Plan, tmp_path: Path) -> None:
    cells = (
        '<SchemaData schemaUrl="#s"><SimpleData name="设施编号">SS-1</SimpleData>'
        '<SimpleData name="设施类型">变电站</SimpleData></SchemaData>'
    )
    schema = '<Schema id="s"><SimpleField type="string" name="设施编号"/></Schema>'
    found = read(plan, write(tmp_path / "a.kml", schema, placemark("甲站", cells)))
    assert found.frame.iloc[0]["kind"] == "substation"


def test_signs_of_markup_in_data_stay(plan: Plan, tmp_path: Path) -> None:
    cells = data(设施编号="A&amp;B &lt;1&gt;", 设施类型="港口")
    found = read(plan, write(tmp_path / "a.kml", placemark("x", cells)))
    assert found.frame["facility_id"].tolist() == ["A&B <1>"]


@pytest.mark.parametrize("name", ["a.kml", "a.kmz"])
def test_all_folders_at_once_with_their_path(plan: Plan, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.kml", *FOLDERS)
    if name == "a.kmz":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(path, "doc.kml")
    found = read(plan, tmp_path / name, source_layer="*", mapping=MAPPING)
    rows = found.frame.set_index("facility_id")["kind"].to_dict()
    # A folder below another has the kind of that one: 港口/拟建 is a port.
    assert rows == {"一码头": "port", "二码头": "port", "三码头": "port", "甲站": "substation"}
    assert {"folder_1", "folder_2"} <= set(found.source.columns)


def test_a_level_of_folders_can_be_mapped(plan: Plan, tmp_path: Path) -> None:
    mapping = SourceMapping(columns={"facility_id": "Name", "kind": "folder_1"})
    path = write(tmp_path / "a.kml", *FOLDERS)
    found = read(plan, path, source_layer="*", mapping=mapping)
    assert found.frame["kind"].tolist() == ["port", "port", "port", "substation"]


def test_folders_are_asked_for(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ChoiceNeededError) as asked:
        read(plan, write(tmp_path / "a.kml", *FOLDERS))
    assert asked.value.parameter == "source_layer"
    assert [choice.value for choice in asked.value.choices] == ["*", "港口", "拟建", "变电站"]


@pytest.mark.parametrize(("name", "count"), [("港口", 2), ("拟建", 1), ("港口/拟建", 1)])
def test_one_folder_can_be_named(plan: Plan, tmp_path: Path, name: str, count: int) -> None:
    path = write(tmp_path / "a.kml", *FOLDERS)
    assert read(plan, path, source_layer=name, mapping=MAPPING).features == count


def test_folders_of_one_name_are_told_apart_by_their_path(plan: Plan, tmp_path: Path) -> None:
    inside = [folder(town, folder("港口", placemark(f"{town}码头"))) for town in ("甲镇", "乙镇")]
    path = write(tmp_path / "a.kml", *inside)
    with pytest.raises(ChoiceNeededError) as asked:
        read(plan, path)
    assert [one.value for one in asked.value.choices] == ["*", "甲镇/港口", "乙镇/港口"]
    found = read(plan, path, source_layer="乙镇/港口", mapping=MAPPING)
    assert found.frame["facility_id"].tolist() == ["乙镇码头"]


def test_an_unknown_folder_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="变电站"):
        read(plan, write(tmp_path / "a.kml", *FOLDERS), source_layer="车站")


def test_tags_with_a_prefix(plan: Plan, tmp_path: Path) -> None:
    cells = data(设施编号="SS-1", 设施类型="港口")
    path = write(tmp_path / "a.kml", placemark("x", cells), prefix="kml")
    found = read(plan, path)
    assert found.frame["kind"].tolist() == ["port"]
