"""Coordinates of tables: as people write them, read where they mean one thing only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from geo_service.ingest.coordinates import read_numbers
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.model import Message
from geo_service.plan import Plan
from tests.ingest.made import table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("１０８．５５", 108.55),
        (" 108.55 ", 108.55),
        ("552,600.000", 552_600),
        ("３，４２０，０００", 3_420_000),
        # 33 minutes and 36 seconds are 0.56 degrees.
        ("108°33′36″", 108.56),
        ("108°33'36\"", 108.56),
        ("108° 33' 36''", 108.56),
        ("108°33’36”", 108.56),
        ("108度33分36秒", 108.56),
        ("东经108度33分36秒", 108.56),
        ("108°33′36″E", 108.56),
        ("108°33.6′", 108.56),
        ("108.56°", 108.56),
        ("108:33:36", 108.56),
        ("108 33 36", 108.56),
        ("108 33 36.0", 108.56),
        ("108　33　36", 108.56),
        ("108-33-36", 108.56),
        ("108 33.6", 108.56),
        ("108.33.36", 108.56),
        ("108.33.36.0", 108.56),
        ("108º 33 36", 108.56),
        ("108º33’36”", 108.56),
        ("108˚33′36″", 108.56),
        ("108⁰33′36″", 108.56),
        ("108度33分36", 108.56),
        ("108° 33′ 36″", 108.56),
        ("108°33＇36＂", 108.56),
        ("E108°33′36″", 108.56),
        ("552 600.000", 552_600),
        ("3 420 000", 3_420_000),
    ],
)
def test_a_coordinate_that_is_no_plain_number(text: str, expected: float) -> None:
    found = read_numbers(pd.Series(["1.5", text, None]), "经度")
    assert found.numbers[:2].tolist() == pytest.approx([1.5, expected])
    assert found.change is None or found.change.before == [text.strip()]
    assert not found.unread


@pytest.mark.parametrize(
    "text",
    [
        *("abc", "1,2,3", "108,55", "108°33′36″W", "50°E 30°N", "108 33 36x"),
        *(
            "108.3.6",
            "108_33_36",
            "108-33",
            "108 33",
            "W108°33′",
            "108 33 36 12",
        ),
    ],
)
def test_a_cell_that_could_mean_anything_is_not_read(text: str) -> None:
    found = read_numbers(pd.Series([text]), "经度")
    assert found.unread == {0: Message("import.bad_coordinate", {"found": text})}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("108°75′00″", "sixty_minutes"),
        ("108°42′60″", "sixty_minutes"),
        ("108 75 00", "sixty_minutes"),
        ("108.33.75", "open_points"),
    ],
)
def test_a_refused_coordinate_says_why(text: str, reason: str) -> None:
    found = read_numbers(pd.Series([text]), "经度")
    assert found.unread == {0: Message(f"import.{reason}", {"found": text})}


def test_seconds_that_another_cell_does_not_have_are_not_read() -> None:
    found = read_numbers(pd.Series(["108.42.30", "108.42.75"]), "经度")
    assert {at: why.key for at, why in found.unread.items()} == {
        0: "import.open_points",
        1: "import.open_points",
    }


@pytest.mark.parametrize("text", ["", "-", "无", "nan", "NULL"])
def test_a_cell_that_says_there_is_nothing_is_empty(text: str) -> None:
    found = read_numbers(pd.Series([text], dtype="object"), "经度")
    assert (found.change, found.unread) == (None, {})


def test_rows_with_coordinates_that_cannot_be_read_say_so(plan: Plan, tmp_path: Path) -> None:
    x = ["500,100.0", "５００２００", "oops", "500400", "", "500600"]
    y = ["3420100", "3420100", "3420100", "", "", "3420100"]
    ids = [f"F{n}" for n in range(6)]
    path = table(tmp_path / "a.csv", facility_id=ids, kind="port", x=x, y=y)
    found = read_source(path, "facilities", plan=plan, options=ImportOptions())
    metres = found.frame.to_crs("EPSG:4545").geometry.x
    assert metres.tolist() == pytest.approx([500_100, 500_200, 500_600], abs=1e-3)
    assert {item.feature: item.reason.key for item in found.ledger.refused} == {
        "F2": "import.bad_coordinate",
        "F3": "import.half_place",
        "F4": "import.no_geometry",
    }
    repairs = [(item.feature, item.column, item.before) for item in found.ledger.repairs]
    assert ("F0", "x", "500,100.0") in repairs
    assert found.ledger.repair_counts["coordinate"] == 2


def test_a_place_that_cannot_be_read_is_not_taken_for_none(plan: Plan, tmp_path: Path) -> None:
    # An enterprise may be without a place; a typing error in it must not make it so.
    path = table(
        tmp_path / "a.csv",
        enterprise_id=["E1", "E2", "E3"],
        year=2024,
        name="甲",
        x=["500100", "5oo200", None],
        y=["3420100", "3420100", None],
    )
    found = read_source(path, "enterprises", plan=plan, options=ImportOptions())
    assert found.frame["enterprise_id"].tolist() == ["E1", "E3"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.bad_coordinate"]


def test_points_between_hundreds_are_no_minutes_and_seconds() -> None:
    # 75 can be no seconds, so the column is written in another way than degrees by points.
    found = read_numbers(pd.Series(["108.42.30", "108.42.75", "108.5"]), "经度")
    assert sorted(found.unread) == [0, 1]
    assert found.numbers[2] == 108.5
