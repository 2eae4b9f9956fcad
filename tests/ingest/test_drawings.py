"""Drawings: the layer with the shapes, labels in them, and texts in any encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.errors import ChoiceNeededError, SourceError
from geo_service.ingest.options import ImportOptions, SourceMapping
from geo_service.ingest.run import Imported, read_source
from geo_service.plan import Plan
from tests.county import ORIGIN_M

X, Y = (int(number) for number in ORIGIN_M)
HANDLES = iter(range(0x50, 0x10_000))


def area(layer: str, x: int, side: int = 100) -> str:
    """Return a closed line around a square, x metres east of the origin."""
    corners = ((0, 0), (0, side), (side, side), (side, 0))
    points = "".join(f"10\n{X + x + east}\n20\n{Y + north}\n" for east, north in corners)
    head = f"0\nLWPOLYLINE\n5\n{next(HANDLES):X}\n100\nAcDbEntity\n8\n{layer}\n"
    return f"{head}100\nAcDbPolyline\n90\n4\n70\n1\n{points}"


def text(layer: str, words: str, x: int, y: int = 50) -> str:
    """Return a text whose place is (x, y) metres from the origin."""
    head = f"0\nTEXT\n5\n{next(HANDLES):X}\n100\nAcDbEntity\n8\n{layer}\n"
    return f"{head}100\nAcDbText\n10\n{X + x}\n20\n{Y + y}\n30\n0\n40\n5\n1\n{words}\n"


def write(path: Path, *entities: str, encoding: str = "gbk", head: str = "") -> Path:
    body = f"0\nSECTION\n2\nENTITIES\n{''.join(entities)}0\nENDSEC\n0\nEOF\n"
    path.write_bytes((head + body).encode(encoding))
    return path


def heading(version: str, page: str) -> str:
    return (
        f"0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\n{version}\n9\n$DWGCODEPAGE\n3\n{page}\n0\nENDSEC\n"
    )


def read(plan: Plan, path: Path, **options: object) -> Imported:
    return read_source(path, "parcels", plan=plan, options=ImportOptions(**options))


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize(
    "head",
    [
        "",
        heading("AC1015", "ANSI_936"),
        heading("AC1015", "ANSI_1252"),
        heading("AC1021", "ANSI_1252"),
        heading("AC1021", "ANSI_936"),
    ],
)
def test_texts_are_read_by_their_bytes(
    plan: Plan, tmp_path: Path, encoding: str, head: str
) -> None:
    drawn = [area("宗地", 0), text("注记", "黄岭一号", 50)]
    found = read(plan, write(tmp_path / "a.dxf", *drawn, encoding=encoding, head=head))
    assert found.frame["parcel_id"].tolist() == ["黄岭一号"]
    assert found.source.layer == "宗地"


def test_labels_that_name_each_area_are_its_id(plan: Plan, tmp_path: Path) -> None:
    drawn = [
        area("宗地", 0),
        area("宗地", 200),
        text("注记", "DK-2", 250),
        text("注记", "DK-1", 50),
    ]
    found = read(plan, write(tmp_path / "a.dxf", *drawn))
    assert found.frame["parcel_id"].tolist() == ["DK-1", "DK-2"]
    assert found.frame["area_m2"].tolist() == pytest.approx([10_000] * 2, rel=1e-6)
    assert "import.drawing_labels" in [note.key for note in found.notes]
    assert found.ledger.refused_count == 0


def test_layers_of_texts_are_columns(plan: Plan, tmp_path: Path) -> None:
    drawn = [area("宗地", 0), text("地块编号", "DK-1", 50), text("地类编码", "0601", 20)]
    drawn += [area("宗地", 200), text("地块编号", "DK-2", 250), text("地类编码", "0508", 220)]
    found = read(plan, write(tmp_path / "a.dxf", *drawn), scheme="survey3")
    assert found.frame["parcel_id"].tolist() == ["DK-1", "DK-2"]
    assert found.frame["land_use"].tolist() == ["0601", "0508"]


def test_labels_that_do_not_name_every_area_are_no_ids(plan: Plan, tmp_path: Path) -> None:
    drawn = [area("宗地", 0), area("宗地", 200), text("注记", "工业", 50)]
    found = read(plan, write(tmp_path / "a.dxf", *drawn))
    assert "工业" not in found.frame["parcel_id"].tolist()
    assert "注记" in found.columns.unused


def test_a_label_belongs_to_the_smallest_area_around_it(plan: Plan, tmp_path: Path) -> None:
    drawn = [
        area("宗地", -50, 1_000),
        area("宗地", 0),
        text("注记", "DK-2", 50),
        text("注记", "DK-1", 800),
    ]
    found = read(plan, write(tmp_path / "a.dxf", *drawn))
    assert found.frame["parcel_id"].tolist() == ["DK-1", "DK-2"]


def test_layers_with_areas_are_asked_for(plan: Plan, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dxf", area("宗地", 0), area("宗地", 200), area("建筑", 10, 30))
    with pytest.raises(ChoiceNeededError) as asked:
        read(plan, path)
    assert asked.value.parameter == "source_layer"
    assert [choice.value for choice in asked.value.choices] == ["*", "宗地", "建筑"]
    assert read(plan, path, source_layer="建筑").features == 1
    assert read(plan, path, source_layer="*").features == 3
    with pytest.raises(SourceError, match="宗地"):
        read(plan, path, source_layer="道路")


def test_what_is_no_area_is_left_out_and_told(plan: Plan, tmp_path: Path) -> None:
    ends = f"10\n{X}\n20\n{Y}\n30\n0\n11\n{X + 9}\n21\n{Y}\n31\n0\n"
    line = f"0\nLINE\n5\n40\n100\nAcDbEntity\n8\n图框\n100\nAcDbLine\n{ends}"
    found = read(plan, write(tmp_path / "a.dxf", area("宗地", 0), line))
    assert (found.features, found.ledger.refused_count) == (1, 0)
    (note,) = (note for note in found.notes if note.key == "import.drawing_left")
    assert note.values == {"count": "1"}


def test_a_column_of_labels_can_be_mapped(plan: Plan, tmp_path: Path) -> None:
    drawn = [area("宗地", 0), text("注记", "A", 30), text("注记", "B", 60)]
    mapping = SourceMapping(columns={"parcel_id": "注记"})
    found = read(plan, write(tmp_path / "a.dxf", *drawn), mapping=mapping)
    assert found.frame["parcel_id"].tolist() in (["A B"], ["B A"])
