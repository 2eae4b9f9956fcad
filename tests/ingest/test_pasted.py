"""Boundary points that somebody pasted: every form gives the square that they are of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import shapely

from geo_service.errors import InvalidQueryError
from geo_service.ingest.pasted import read_pasted
from geo_service.plan import Plan
from tests.county import County, box, in_degrees

SQUARE = box(100, 200, 300, 400)
DEGREES = shapely.get_coordinates(in_degrees(SQUARE)).tolist()
METRES = list(SQUARE.exterior.coords)
FULL = (
    "[属性描述]\n坐标系=2000国家大地坐标系\n几度分带=3\n投影类型=高斯克吕格\n计量单位=米\n带号=36\n"
    "[地块坐标]\n5,12,1,地块,面,,,,@\n"
)


@pytest.fixture
def plan(county: County, opened: Callable[[County], Plan]) -> Plan:
    """Return the small county: P1 is 1 000 m from its origin on."""
    return opened(county)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{lon:.9f},{lat:.9f}" for lon, lat in DEGREES),
        "\n".join(f"J{n} {lat:.9f} {lon:.9f}" for n, (lon, lat) in enumerate(DEGREES[:-1])),
        "\n".join(f"J{n}，1，{y:.3f}，{x:.3f}" for n, (x, y) in enumerate(METRES)),
        "\n".join(f"{x:.3f}\t{y:.3f}" for x, y in METRES[:-1]),
        "\n".join(f"{y:.3f},{x + 36e6:.3f}" for x, y in METRES),
        FULL + "\n".join(f"J{n},1,{y:.3f},{x:.3f}" for n, (x, y) in enumerate(METRES)),
    ],
    ids=["lon-lat", "labelled lat lon", "northing easting", "easting northing", "zone", "whole"],
)
def test_every_usual_form_is_the_square(plan: Plan, text: str) -> None:
    found, _ = read_pasted(text, plan)
    expected = in_degrees(SQUARE)
    # A millimetre is 1e-8 degrees.
    assert shapely.hausdorff_distance(found, expected) < 2e-8


def test_one_line_is_a_point(plan: Plan) -> None:
    lon, lat = DEGREES[0]
    found, _ = read_pasted(f"{lon}, {lat}", plan)
    assert found.geom_type == "Point"


@pytest.mark.parametrize("text", ["", "没有坐标", "108.7", "108.7,abc1", "108.7,30.9\n108.8,30.9"])
def test_what_is_no_place_is_refused(plan: Plan, text: str) -> None:
    with pytest.raises(InvalidQueryError):
        read_pasted(text, plan)


def test_a_ring_that_crosses_itself_is_refused(plan: Plan) -> None:
    order = [DEGREES[0], DEGREES[2], DEGREES[1], DEGREES[3]]
    with pytest.raises(InvalidQueryError):
        read_pasted("\n".join(f"{lon},{lat}" for lon, lat in order), plan)
