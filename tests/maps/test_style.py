from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from geo_service.language import catalogue
from geo_service.maps.style import OTHER, SYMBOLS, Geometry, symbol_document
from geo_service.model import Tier, Verdict
from geo_service.schema import (
    FACILITY_KINDS,
    PARCEL_STATUSES,
    RIVER_RANKS,
    ROAD_CLASSES,
    ZONE_KINDS,
)

# Machado, Oliveira and Fernandes (2009): full loss of one cone, on linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
PROTANOPIA = np.array(
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
)
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def lab(colour: str, seen_as: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a #rrggbb colour as someone with this vision sees it."""
    value = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = TO_XYZ @ np.clip(seen_as @ linear, 0, 1) / WHITE
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("vision", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_verdicts_can_be_told_apart_by_colour_in_every_vision(vision: np.ndarray) -> None:
    fills = [str(SYMBOLS[f"verdict.{verdict}"].fill) for verdict in Verdict]
    for one, other in itertools.combinations(fills, 2):
        # A difference of about 10 is plain to see side by side.
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 10, (one, other)


def test_verdicts_can_be_told_apart_without_colour() -> None:
    symbols = [SYMBOLS[f"verdict.{verdict}"] for verdict in Verdict]
    assert len({symbol.sign for symbol in symbols}) == len(symbols)
    assert len({(symbol.dash, symbol.hatch, symbol.width) for symbol in symbols}) == len(symbols)


def test_tiers_differ_in_shape_and_size() -> None:
    symbols = [SYMBOLS[f"tier.{tier}"] for tier in Tier]
    assert len({symbol.shape for symbol in symbols}) == len(symbols)
    sizes = [symbol.size for symbol in symbols]
    assert sizes == sorted(sizes, reverse=True)


def test_zone_kinds_differ_in_more_than_colour_from_their_neighbours() -> None:
    marks = [(s.hatch, s.dash, s.stroke) for s in (SYMBOLS[f"zone.{kind}"] for kind in ZONE_KINDS)]
    assert len(set(marks)) == len(ZONE_KINDS)


@pytest.mark.parametrize(
    ("section", "classes"),
    [
        ("verdict", tuple(Verdict)),
        ("tier", tuple(Tier)),
        ("zone", ZONE_KINDS),
        ("facility", FACILITY_KINDS),
        ("river", (*RIVER_RANKS, OTHER)),
        ("road", (*ROAD_CLASSES, OTHER)),
        ("status", (*PARCEL_STATUSES, OTHER)),
    ],
)
def test_every_class_of_the_schema_has_a_symbol(section: str, classes: tuple[str, ...]) -> None:
    assert all(f"{section}.{name}" in SYMBOLS for name in classes)


def test_every_symbol_has_a_name_and_a_glyph_where_it_carries_one() -> None:
    for key, symbol in SYMBOLS.items():
        assert key in catalogue()
        assert not symbol.has_glyph or f"{key}_glyph" in catalogue()


def test_symbols_say_what_their_geometry_needs() -> None:
    for key, symbol in SYMBOLS.items():
        if symbol.geometry is Geometry.POINT:
            assert symbol.shape, key
            assert symbol.size > 0, key
        else:
            assert symbol.width > 0, key


def test_the_table_goes_out_as_plain_json_without_empty_fields() -> None:
    document = symbol_document()
    assert set(document) == set(SYMBOLS)
    assert json.loads(json.dumps(document)) == document
    assert "hatch" not in document["verdict.pass"]
    assert document["verdict.fail"]["hatch"] == "diagonal"
