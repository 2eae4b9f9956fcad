"""Coordinates that fit the county by luck are hinted at."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from geo_service.ingest import hints as hints_module
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.model import Message
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from tests.county import County, box, parcel
from tests.ingest.made import parcels, table

PLACES = [(0, 0), (310, 40), (70, 520), (660, 330), (240, 770), (480, 150)]
"""Where published parcels lie: no grid, so that only one move can bring shapes upon them."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    county = County()
    county.layers["parcels"] = [
        parcel(f"A{at}", box(x, y, 60 + 7 * at, 50 + 5 * at)) for at, (x, y) in enumerate(PLACES, 1)
    ]
    return open_plan(county.write(tmp_path_factory.mktemp("county") / "county"))


def hints(found: Imported) -> list[Message]:
    return [note for note in found.notes if note.key.startswith("import.hint_")]


def moved(tmp_path: Path, east: float, north: float, *, prefix: str = "A") -> Path:
    """Write the published parcels again, moved as a whole."""
    shapes = [
        box(x + east, y + north, 60 + 7 * at, 50 + 5 * at) for at, (x, y) in enumerate(PLACES, 1)
    ]
    ids = [f"{prefix}{at}" for at in range(1, len(PLACES) + 1)]
    frame = parcels().iloc[[0] * len(ids)].reset_index(drop=True).set_geometry(shapes)
    frame = frame.assign(宗地编号=ids).set_crs("EPSG:4545", allow_override=True)
    frame.drop(columns="面积(亩)").to_file(tmp_path / "a.gpkg")
    return tmp_path / "a.gpkg"


def read(plan: Plan, path: Path, layer: str = "parcels", **options: object) -> Imported:
    return read_source(path, layer, plan=plan, options=ImportOptions(**options))


@pytest.mark.parametrize("prefix", ["A", "N"])
def test_a_constant_offset_is_hinted_at(plan: Plan, tmp_path: Path, prefix: str) -> None:
    found = read(plan, moved(tmp_path, 120, -36, prefix=prefix), scheme="planning2023")
    (hint,) = hints(found)
    assert hint.key == "import.hint_offset"
    assert float(str(hint.values["east"])) == pytest.approx(120, abs=2)
    assert float(str(hint.values["north"])) == pytest.approx(-36, abs=2)
    assert hint.values["layer"] == Message("layer.parcels")


def test_a_constant_offset_against_a_large_layer_is_hinted_at(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More is published than is looked at: what lies around some rows of the file decides.
    monkeypatch.setattr(hints_module, "_MOST_PUBLISHED", 3)
    (hint,) = hints(read(plan, moved(tmp_path, 120, -36, prefix="N"), scheme="planning2023"))
    assert float(str(hint.values["east"])) == pytest.approx(120, abs=2)
    assert not hints(read(plan, moved(tmp_path, 0, 0, prefix="N"), scheme="planning2023"))


@pytest.mark.parametrize("prefix", ["A", "N"])
def test_shapes_in_their_place_are_not(plan: Plan, tmp_path: Path, prefix: str) -> None:
    assert not hints(read(plan, moved(tmp_path, 0, 0, prefix=prefix), scheme="planning2023"))


def test_points_beside_what_they_refer_to_are_hinted_at(plan: Plan, tmp_path: Path) -> None:
    xs = [500_000 + x + 30 + 300 for x, _ in PLACES]
    ys = [3_420_000 + y + 25 for _, y in PLACES]
    ids = [f"A{at}" for at in range(1, len(PLACES) + 1)]
    path = table(
        tmp_path / "a.csv", enterprise_id=ids, year=2025, name=ids, parcel_id=ids, x=xs, y=ys
    )
    (hint,) = hints(read(plan, path, "enterprises"))
    assert hint.values["layer"] == Message("layer.parcels")
    # The middles of the parcels lie 3.5 m more to the east with each, at 30 m first.
    assert float(str(hint.values["east"])) == pytest.approx(300, abs=25)


def test_points_in_what_they_refer_to_are_not(plan: Plan, tmp_path: Path) -> None:
    xs = [500_000 + x + 30 for x, _ in PLACES]
    ys = [3_420_000 + y + 25 for _, y in PLACES]
    ids = [f"A{at}" for at in range(1, len(PLACES) + 1)]
    path = table(
        tmp_path / "a.csv", enterprise_id=ids, year=2025, name=ids, parcel_id=ids, x=xs, y=ys
    )
    assert not hints(read(plan, path, "enterprises"))


def test_points_all_in_one_place_are_hinted_at(plan: Plan, tmp_path: Path) -> None:
    ids = [f"F{at}" for at in range(6)]
    xs = [500_100, 500_100, 500_100, 500_100, 500_300, 500_700]
    path = table(tmp_path / "a.csv", facility_id=ids, kind="port", name="x", x=xs, y=3_420_100)
    (hint,) = hints(read(plan, path, "facilities"))
    assert (hint.key, hint.values) == ("import.hint_one_place", {"count": "4", "all": "6"})


def test_points_here_and_there_are_not(plan: Plan, tmp_path: Path) -> None:
    ids = [f"F{at}" for at in range(6)]
    xs = [500_100 + 300 * at for at in range(6)]
    path = table(tmp_path / "a.csv", facility_id=ids, kind="port", name="x", x=xs, y=3_420_100)
    assert not hints(read(plan, path, "facilities"))


@pytest.mark.parametrize(
    ("lon", "lat", "is_hinted"),
    [
        # 108.0012 may be 108°00′12″, 30.5430 may be 30°54′30″: both readings lie in the county.
        ([108.0012, 108.0135], [30.5430, 30.5515], True),
        # 73 can be no seconds.
        ([108.0073, 108.0135], [30.5430, 30.5515], False),
        # 30.80 as minutes is no time.
        ([108.0012, 108.0135], [30.8030, 30.8515], False),
    ],
)
def test_degrees_that_could_be_minutes_and_seconds(
    tmp_path: Path, lon: list[float], lat: list[float], *, is_hinted: bool
) -> None:
    county = County()
    (row,) = county.layers["county"]
    row["geometry"] = shapely.box(450_000, 3_360_000, 560_000, 3_440_000)
    plan = open_plan(county.write(tmp_path / "county"))
    path = table(
        tmp_path / "a.csv", facility_id=["A", "B"], kind="port", name="x", lon=lon, lat=lat
    )
    found = [hint.key for hint in hints(read(plan, path, "facilities", crs="EPSG:4490"))]
    assert found == (["import.hint_minutes"] if is_hinted else [])
