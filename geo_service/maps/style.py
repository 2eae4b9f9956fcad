"""Define how everything on a map is drawn: one table, used by the map and its legend.

A symbol's key is the key of the message that names it (`verdict.pass`, `road.county`), so a
legend needs nothing else. A verdict is shown by colour, by outline and hatch, and by a sign,
so that it can be recognised without colours; what it rests on by a ring around it; a park's tier
by the marker's shape and size.
Colours follow Okabe and Ito. Which layers a map has is defined elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from geo_service.model import BasisGroup, Tier, Verdict
from geo_service.schema import (
    FACILITY_KINDS,
    PARCEL_STATUSES,
    RIVER_RANKS,
    ROAD_CLASSES,
    ZONE_KINDS,
)


class Geometry(StrEnum):
    """The geometry that a symbol draws; in the legend a patch, a stroke or a marker."""

    AREA = "area"
    LINE = "line"
    POINT = "point"


class Hatch(StrEnum):
    """A pattern over an area's fill."""

    DIAGONAL = "diagonal"
    BACKWARD = "backward"
    CROSS = "cross"
    HORIZONTAL = "horizontal"
    DOTS = "dots"


class Shape(StrEnum):
    """The outline of a marker."""

    STAR = "star"
    DIAMOND = "diamond"
    CIRCLE = "circle"
    SQUARE = "square"


class Sign(StrEnum):
    """A sign inside a marker."""

    CHECK = "check"
    BANG = "bang"
    CROSS = "cross"
    QUESTION = "question"
    PLUS = "plus"
    MINUS = "minus"
    WAVE = "wave"
    UP = "up"
    DOWN = "down"
    EQUALS = "equals"
    DOT = "dot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """How one kind of thing is drawn. Widths and sizes are CSS pixels."""

    geometry: Geometry
    stroke: str = "#5c6670"
    width: float = 1.0
    dash: str | None = None
    """Lengths of dashes and gaps, as in SVG; None for a solid outline."""
    fill: str | None = None
    fill_opacity: float = 1.0
    hatch: Hatch | None = None
    casing: str | None = None
    """Colour of a line's edges, or of the glow around an area."""
    shape: Shape | None = None
    size: float = 0.0
    """The marker's extent; of a park's tier, that of its outline without the halo around it."""
    sign: Sign | None = None
    ink: str | None = None
    """Colour of a marker's sign, where white could not be seen."""
    ring: str | None = None
    """Colour of a second outline, around a marker and around the area that it stands for."""
    ring_dash: str | None = None
    has_glyph: bool = False
    """Whether the marker shows the character in the message `<key>_glyph`."""


def _area(stroke: str, fill: str | None, fill_opacity: float = 1.0, **more: Any) -> Symbol:  # noqa: ANN401 - fields of Symbol
    return Symbol(
        geometry=Geometry.AREA, stroke=stroke, fill=fill, fill_opacity=fill_opacity, **more
    )


def _line(stroke: str, width: float, **more: Any) -> Symbol:  # noqa: ANN401 - fields of Symbol
    return Symbol(geometry=Geometry.LINE, stroke=stroke, width=width, **more)


def _marker(shape: Shape, size: float, fill: str = "#54606b", **more: Any) -> Symbol:  # noqa: ANN401 - fields of Symbol
    return Symbol(
        geometry=Geometry.POINT, shape=shape, size=size, fill=fill, stroke="#ffffff", **more
    )


MANAGEMENT_BOUNDARY = "management_boundary"
"""Class of a line or area that is a river's management boundary, whatever the river's rank."""

_VERDICTS = {
    Verdict.PASS: _area("#00795a", "#009e73", 0.32, width=1.6, sign=Sign.CHECK),
    Verdict.WATCH: _area("#b57600", "#e69f00", 0.3, width=2.2, dash="6 4", sign=Sign.BANG),
    Verdict.FAIL: _area(
        "#a63c00", "#d55e00", 0.32, width=3.2, hatch=Hatch.DIAGONAL, sign=Sign.CROSS
    ),
    Verdict.UNKNOWN: _area("#5f6870", "#8f989f", 0.3, width=1.8, dash="1 4", sign=Sign.QUESTION),
}
_BASES = {
    BasisGroup.LAW: _marker(Shape.CIRCLE, 16, "#8f989f", ring="#10181f"),
    BasisGroup.COUNTY: _marker(Shape.CIRCLE, 16, "#8f989f", ring="#10181f", ring_dash="5 4"),
    BasisGroup.REFERENCE: _marker(Shape.CIRCLE, 16, "#8f989f"),
}
_TIERS = {
    Tier.MUNICIPAL_PARK: _marker(Shape.STAR, 36),
    Tier.SME_CLUSTER: _marker(Shape.DIAMOND, 26),
    Tier.BUILDING_PARK: _marker(Shape.CIRCLE, 16),
}
_STATUSES = {
    "vacant": _area("#56788f", "#d7ebf7", 0.75, width=1.0, dash="4 2"),
    "built": _area("#7d7568", "#e4ddcf", 0.85, width=0.8),
    "idle": _area("#82596f", "#ecd4e0", 0.85, width=1.2, hatch=Hatch.BACKWARD),
    "other": _area("#8a9097", "#eceeef", 0.7, width=0.8, dash="1 3"),
}
_ZONES = {
    # Quiet, since it covers much of a county: parks are what a map of one is about.
    "ecological_red_line": _area("#b3261e", "#d9544d", 0.12, width=1.0),
    "permanent_farmland": _area("#7d8a00", "#c8cf5a", 0.28, width=1.2, hatch=Hatch.HORIZONTAL),
    "development_boundary": _area("#6a3d9a", None, 0.0, width=2.4, dash="12 4 2 4"),
    "water_source": _area("#0072b2", "#56b4e9", 0.22, width=1.6, hatch=Hatch.BACKWARD),
    "river_management": _area("#2f7fb5", "#8cc4e6", 0.25, width=1.2, dash="5 3"),
    "reservoir_line": _area("#08519c", "#6baed6", 0.2, width=2.0, dash="8 3"),
    "geohazard": _area("#7f4f24", "#b08968", 0.25, width=1.4, hatch=Hatch.DOTS),
    "geohazard_danger": _area("#7a1f0b", "#c4553a", 0.3, width=2.2, hatch=Hatch.CROSS),
    "geohazard_risk": _area("#7f4f24", "#c08a52", 0.25, width=1.6, hatch=Hatch.DIAGONAL),
    "geohazard_prone": _area("#8a6a45", "#d9bf9c", 0.2, width=1.2, dash="3 3", hatch=Hatch.DOTS),
    "nature_reserve": _area("#386641", "#6a994e", 0.25, width=1.6, hatch=Hatch.CROSS),
    "wetland": _area("#2a9d8f", "#7fd1c7", 0.28, width=1.2, hatch=Hatch.HORIZONTAL),
    "heritage": _area("#8e5ea2", "#cbb2d8", 0.3, width=1.4, hatch=Hatch.DOTS),
    "slope": _area("#8c6d46", "#d8c3a5", 0.25, width=1.0, hatch=Hatch.BACKWARD),
    "eco_unit": _area("#1b7837", None, 0.0, width=1.8, dash="2 4"),
    "village_construction_land": _area("#9c6644", "#ddb892", 0.25, width=1.2, dash="6 2"),
    "agricultural_land": _area("#6b8e23", "#c5d86d", 0.2, width=1.0, hatch=Hatch.BACKWARD),
}
_RIVERS = {
    "main": _line("#7db4d9", 5.0, fill="#a9d1ea"),
    "important_tributary": _line("#8cbedd", 2.6, fill="#b7daef"),
    "tributary": _line("#9cc9e4", 1.6, fill="#c6e2f2"),
    MANAGEMENT_BOUNDARY: _line("#4d90bf", 1.2, dash="6 3", fill="#cfe6f4"),
    "other": _line("#9cc9e4", 1.2, fill="#c6e2f2"),
}
_ROADS = {
    "expressway": _line("#f4ecfb", 2.6, casing="#8d78a6"),
    "national": _line("#f3eee6", 2.0, casing="#a08d78"),
    "provincial": _line("#f5f2ec", 1.5, casing="#b0a595"),
    "county": _line("#b9b1a6", 1.4),
    "township": _line("#c6c0b7", 1.1),
    "urban": _line("#c6c0b7", 1.2),
    "village": _line("#cfcac2", 0.9, dash="4 2"),
    "other": _line("#cfcac2", 0.9),
}
_PLAN_LAYERS = {
    "layer.county": _area("#8b949c", "#faf8f2", 1.0, width=1.6, casing="#d3dce1"),
    "layer.townships": _marker(Shape.CIRCLE, 5, "#6c757d"),
    "layer.township_areas": _area("#a9a294", None, 0.0, width=1.0, dash="2 3"),
    "layer.sub_areas": _area("#54606b", "#9aa5ae", 0.12, width=1.2, dash="8 3"),
    "layer.approved_areas": _area("#7a3e9d", None, 0.0, width=1.6, dash="6 4"),
    "layer.parks": _area("#4a5560", "#8f989f", 0.12, width=1.8),
    "layer.buildings": _area("#5a5148", "#b7aa98", 0.95, width=0.8),
}
_BELONGINGS = {
    "leading": _marker(Shape.CIRCLE, 14, "#0072b2", sign=Sign.CHECK),
    "supporting": _marker(Shape.DIAMOND, 14, "#3f8fc4", sign=Sign.DOT),
    "other": _marker(Shape.SQUARE, 13, "#c25700", sign=Sign.CROSS),
    "uncoded": _marker(Shape.CIRCLE, 13, "#6d767e", sign=Sign.QUESTION),
}
BELONGINGS = tuple(_BELONGINGS)
"""How an enterprise fits its park: by the leading industry, by a supporting one, or not."""

_LAND_USES = {
    "industry": _area("#8a6d3b", "#d8c096", 0.9, width=0.9),
    "industry_1": _area("#8a6d3b", "#f0e2c0", 0.9, width=0.9),
    "industry_2": _area("#7a5a2b", "#cfa766", 0.9, width=0.9, hatch=Hatch.BACKWARD),
    "industry_3": _area("#5e3f16", "#a87436", 0.9, width=1.2, hatch=Hatch.CROSS),
    "logistics": _area("#6b4f8a", "#cdbde0", 0.9, width=0.9, hatch=Hatch.HORIZONTAL),
    "research": _area("#1f6f8b", "#b5dbe6", 0.9, width=0.9, hatch=Hatch.DOTS),
    "other": _area("#8a9097", "#eceeef", 0.8, width=0.8, dash="1 3"),
}
LAND_USE_CLASSES = tuple(name for name in _LAND_USES if name != "other")
"""Broad classes of land use that a park's map distinguishes."""

_CHANGES = {
    "new": _area("#a63c00", "#d55e00", 0.35, width=3.0, hatch=Hatch.DIAGONAL, sign=Sign.PLUS),
    "worse": _area("#8f4a00", "#e69f00", 0.4, width=2.6, hatch=Hatch.DOTS, sign=Sign.UP),
    "became_unknown": _area("#6a3d9a", "#b79ad6", 0.4, width=2.2, dash="2 3", sign=Sign.WAVE),
    "better": _area("#08466b", "#56b4e9", 0.35, width=2.2, sign=Sign.DOWN),
    "cured": _area("#00795a", "#009e73", 0.35, width=2.4, dash="6 4", sign=Sign.CHECK),
    "subject_gone": _area("#5f6870", "#c3c9ce", 0.35, width=2.0, dash="6 4", sign=Sign.MINUS),
    "unchanged": _area("#5f6870", "#c3c9ce", 0.4, width=1.2, sign=Sign.EQUALS),
    "not_compared": _area("#5f6870", "#eceeef", 0.5, width=1.2, dash="1 4", sign=Sign.QUESTION),
}
CHANGES = tuple(_CHANGES)
"""What became of a finding between two reviews."""

_DIFFERENCES = {
    "added": _area("#00795a", "#009e73", 0.4, width=2.6, hatch=Hatch.DIAGONAL, sign=Sign.PLUS),
    "changed": _area("#6a3d9a", "#b79ad6", 0.4, width=2.4, hatch=Hatch.DOTS, sign=Sign.WAVE),
    "moved": _area("#08466b", "#56b4e9", 0.4, width=2.6, hatch=Hatch.HORIZONTAL, sign=Sign.DOT),
    "removed": _area("#a63c00", "#d55e00", 0.18, width=2.4, dash="6 4", sign=Sign.MINUS),
    "refused": _area("#1f2a33", "#f0e442", 0.5, width=2.4, hatch=Hatch.CROSS, sign=Sign.CROSS),
    "unchanged": _area("#7d7568", "#d9d2c4", 0.7, width=0.9, sign=Sign.EQUALS),
}
DIFFERENCES = tuple(_DIFFERENCES)
"""What happened to a feature between one version of its layer and the next."""

SCORE_CLASSES = 5
"""Number of equal classes, from lowest to highest score, in which a ranking is drawn."""
_RAMP = (
    ("#7a7350", "#f4e37a", "#1f2a33"),
    ("#6f6b4a", "#c9bd6c", "#1f2a33"),
    ("#4d4f55", "#8e8d78", "#ffffff"),
    ("#2b3a5c", "#4f5f80", "#ffffff"),
    ("#001a40", "#00336e", "#ffffff"),
)
"""Stroke, fill and ink from the lowest class to the highest, light to dark (as Cividis)."""
_CANDIDATES = {
    **{
        f"class_{position}": Symbol(
            geometry=Geometry.AREA,
            stroke=stroke,
            width=1.6,
            fill=fill,
            fill_opacity=0.85,
            shape=Shape.CIRCLE,
            size=22,
            ink=ink,
        )
        for position, (stroke, fill, ink) in enumerate(_RAMP, start=1)
    },
    "excluded": _area("#5f6870", "#d9dde0", 0.5, width=1.2, dash="3 3", hatch=Hatch.CROSS),
}
THEME_CLASSES = 5
"""Number of classes, from lowest to highest, of a thematic map of figures."""
THEME_KINDS = 8
"""Number of groups that a thematic map of groups can tell apart."""


def _theme(stroke: str, fill: str, ink: str, **more: Any) -> Symbol:  # noqa: ANN401 - fields of Symbol
    return Symbol(
        geometry=Geometry.AREA,
        stroke=stroke,
        width=1.6,
        fill=fill,
        fill_opacity=0.6,
        shape=Shape.CIRCLE,
        size=16,
        ink=ink,
        **more,
    )


_UNKNOWN_THEME = _theme("#5f6870", "#e3e6e8", "#3a434b", dash="1 4", sign=Sign.QUESTION)
_THEMES = {
    **{
        f"class_{position}": _theme(stroke, fill, ink)
        for position, (stroke, fill, ink) in enumerate(_RAMP, start=1)
    },
    # Okabe and Ito's colours; each group also has its number, on the map and in the legend.
    **{
        f"kind_{position}": _theme("#3a434b", fill, ink)
        for position, (fill, ink) in enumerate(
            (
                ("#0072b2", "#ffffff"),
                ("#e69f00", "#1f2a33"),
                ("#009e73", "#1f2a33"),
                ("#cc79a7", "#1f2a33"),
                ("#56b4e9", "#1f2a33"),
                ("#d55e00", "#1f2a33"),
                ("#f0e442", "#1f2a33"),
                ("#7a7f85", "#ffffff"),
            ),
            start=1,
        )
    },
    "worse": _theme("#a63c00", "#d55e00", "#ffffff", sign=Sign.MINUS),
    "better": _theme("#00795a", "#009e73", "#ffffff", sign=Sign.PLUS),
    "became_unknown": _theme("#6a3d9a", "#b79ad6", "#1f2a33", sign=Sign.QUESTION),
    "unchanged": _theme("#5f6870", "#d3d9dd", "#3a434b", sign=Sign.EQUALS),
    "unknown": _UNKNOWN_THEME,
}
_LAYOUTS = {
    "changed": _marker(Shape.CIRCLE, 16, "#8f989f", ring="#10181f"),
    "place": Symbol(
        geometry=Geometry.AREA,
        stroke="#4a1267",
        width=2.2,
        fill="#7a1fa2",
        fill_opacity=0.5,
        shape=Shape.SQUARE,
        size=17,
        ink="#ffffff",
        sign=Sign.PLUS,
    ),
    "move": _line("#7a1fa2", 2.8, casing="#ffffff"),
}
"""What a layout decides: another industry of a park, a project's place, moves."""
_COUNTIES = {
    **{
        name: _area(stroke, fill, 0.55, width=1.4)
        for name, (stroke, fill, _) in zip(
            ("none", "few", "some", "many", "most"), _RAMP, strict=True
        )
    },
    "outdated": _area("#6a3d9a", "#e3e6e8", 0.5, width=1.8, dash="8 4", hatch=Hatch.BACKWARD),
    "without": _area("#5f6870", "#e3e6e8", 0.5, width=1.4, dash="1 4", hatch=Hatch.CROSS),
}
COUNTY_CLASSES = tuple(_COUNTIES)
"""How many of a county's parks fail, as a share; or why that cannot be told."""
_TOOLS = {
    "tool.selection": _line("#c2007a", 3.5),
    "tool.draft": _area("#c2007a", "#e7298a", 0.12, width=2.4, dash="7 4"),
    "tool.route": _line("#c2007a", 3.4, casing="#ffffff"),
}


def _facility(kind: str) -> Symbol:
    is_water = kind in {"port", "treatment_plant", "water_plant"}
    is_urgent = kind in {"fire_station", "hospital"}
    fill = "#2f6f9f" if is_water else "#8a4f5d" if is_urgent else "#4f5b66"
    return _marker(Shape.SQUARE, 17, fill, has_glyph=True)


SYMBOLS: Mapping[str, Symbol] = MappingProxyType(
    {
        **{f"verdict.{verdict}": symbol for verdict, symbol in _VERDICTS.items()},
        **{f"rests_on.{group}": symbol for group, symbol in _BASES.items()},
        **{f"tier.{tier}": symbol for tier, symbol in _TIERS.items()},
        **{f"status.{name}": _STATUSES[name] for name in (*PARCEL_STATUSES, "other")},
        **{f"zone.{kind}": _ZONES[kind] for kind in ZONE_KINDS},
        **{f"river.{rank}": _RIVERS[rank] for rank in (MANAGEMENT_BOUNDARY, *RIVER_RANKS, "other")},
        **{f"road.{name}": _ROADS[name] for name in (*ROAD_CLASSES, "other")},
        **{f"facility.{kind}": _facility(kind) for kind in FACILITY_KINDS},
        **{f"belonging.{name}": symbol for name, symbol in _BELONGINGS.items()},
        **{f"use.{name}": symbol for name, symbol in _LAND_USES.items()},
        **{f"change.{name}": symbol for name, symbol in _CHANGES.items()},
        **{f"diff.{name}": symbol for name, symbol in _DIFFERENCES.items()},
        **{f"candidate.{name}": symbol for name, symbol in _CANDIDATES.items()},
        **{f"theme.{name}": symbol for name, symbol in _THEMES.items()},
        **{f"layout_map.{name}": symbol for name, symbol in _LAYOUTS.items()},
        **{f"county_class.{name}": symbol for name, symbol in _COUNTIES.items()},
        **_PLAN_LAYERS,
        **_TOOLS,
    }
)
"""Every symbol by the key of the message that names it."""

OTHER = "other"
"""Ending of the key of the symbol for features whose class is missing."""


def symbol_document() -> dict[str, dict[str, Any]]:
    """Return the whole table as plain data for the page, without fields that have no value."""
    return {
        key: {name: value for name, value in asdict(symbol).items() if value not in (None, False)}
        for key, symbol in SYMBOLS.items()
    }
