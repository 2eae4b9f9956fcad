"""Random small counties and rules on control zones, drawn around one place where much meets.

Shapes are rectangles on grids that never share an edge: zones on multiples of 10 m, parks 2 m,
parcels and buildings 5 m, drawn areas 9 m beside them, points 1.7 m before them. A rule differs
in few things from one that fails whatever touches a zone, so that each of them decides something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from hypothesis import strategies as st

from geo_service.crs import STORAGE_CRS
from geo_service.plan import Plan
from geo_service.schema import SCHEMAS
from geo_service.zoning.rulebook import Rulebook, parse_rulebook
from tests.county import Row, box, enterprise, parcel, park, point, zone

SIZE = 20
"""Cells of 10 m to a side of the ground on which things are drawn."""
MAPPED = ("geohazard", "ecological_red_line", "wetland")
KINDS = (*MAPPED, "eco_unit")
"""Kinds of zones that rules go by; of the last no zone is mapped."""
Rules = dict[str, dict[str, Any]]
Cell = tuple[int, int]


@dataclass(frozen=True)
class World:
    """A county and rules for it, with the place and the area that are asked about."""

    rows: dict[str, list[Row]]
    rules: Rules
    complete: frozenset[str]
    place: shapely.Point
    area: shapely.Polygon

    def plan(self, base: Plan) -> Plan:
        """Return the county as a plan, made of a plan that has all layers."""
        chosen = replace(base.settings, complete_zone_kinds=self.complete)
        return with_rows(Plan(base.layers, chosen), self.rows)

    def rulebook(self) -> Rulebook:
        """Return the rules."""
        return rulebook_of(self.rules)


def frame_of(layer: str, rows: list[Row]) -> gpd.GeoDataFrame:
    """Return rows as a layer's frame, with all its columns."""
    table = pd.DataFrame([{**dict.fromkeys(SCHEMAS[layer].columns), **row} for row in rows])
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs="EPSG:4545")
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=shapes.to_crs(STORAGE_CRS))


def with_rows(plan: Plan, rows: dict[str, list[Row]]) -> Plan:
    """Return a plan with these rows in place of its own."""
    frames = {
        name: frame_of(name, some) if some else plan.frame(name).iloc[:0]
        for name, some in rows.items()
    }
    return plan.with_layers(frames, label="random")


def rulebook_of(rules: Rules) -> Rulebook:
    """Return rules as a rulebook; what is None is not written."""
    plain = {
        name: {key: value for key, value in rule.items() if value is not None}
        for name, rule in rules.items()
    }
    return parse_rulebook(
        json.dumps({"format": "1", "title": {"en": "Random"}, "rules": plain}), "random.yaml"
    )


# ---- counties --------------------------------------------------------------------------------


def _at(cell: Cell) -> shapely.Point:
    return point(10 * cell[0] - 1.7, 10 * cell[1] - 1.7)


@st.composite
def _rectangles(draw: st.DrawFn, cell: Cell, offset_m: int, reach: int) -> shapely.Polygon:
    """Draw a rectangle, two times of three one around a cell's point."""
    if draw(st.sampled_from((True, True, False))):
        before = [draw(st.integers(2, reach)) for _ in cell]
        after = [draw(st.integers(0, reach)) for _ in cell]
        west, south = (at - back for at, back in zip(cell, before, strict=True))
        width, height = (back + on for back, on in zip(before, after, strict=True))
    else:
        west, south = (draw(st.integers(0, SIZE - 1)) for _ in cell)
        width, height = (draw(st.integers(1, 2 * reach)) for _ in cell)
    return box(10 * west + offset_m, 10 * south + offset_m, 10 * width, 10 * height)


_PARK_IDS = st.sampled_from(("P1", "P1", "P2", None))
_TIERS = st.sampled_from(("municipal_park", "sme_cluster", "building_park"))
_CODES = st.sampled_from(("1311", "1311", "3670"))
_USES = st.sampled_from((None, "100101", "100101", "0701"))
_TRUTH = st.sampled_from((True, True, False, None))
_GRADES = st.sampled_from((None, "low", "high"))
_LISTS = st.sampled_from((None, "13", "36;26"))


@st.composite
def _counties(draw: st.DrawFn, cell: Cell) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {
        "parks": [
            park(
                name,
                draw(_rectangles(cell, 2, 9)),
                tier=draw(_TIERS),
                leading_industry=draw(_CODES)[:2],
            )
            for name in ("P1", "P2")
        ],
        "parcels": [
            parcel(
                f"L{n}",
                draw(_rectangles(cell, 5, 5)),
                park_id=draw(_PARK_IDS),
                land_use=draw(_USES),
                status=draw(st.sampled_from(("vacant", "built", None))),
            )
            for n in range(draw(st.integers(1, 2)))
        ],
        "control_zones": [
            zone(
                f"Z{n}",
                draw(_rectangles(cell, 0, 7)),
                kind=draw(st.sampled_from(MAPPED)),
                grade=draw(_GRADES),
                banned_industries=draw(_LISTS),
            )
            for n in range(draw(st.integers(1, 5)))
        ],
        "buildings": [
            {
                "building_id": f"B{n}",
                "park_id": draw(_PARK_IDS),
                "parcel_id": draw(st.sampled_from(("L0", "L1", None))),
                "geometry": draw(_rectangles(cell, 5, 3)),
                "source": "made for tests",
                "illustrative": False,
            }
            for n in range(draw(st.integers(1, 2)))
        ],
    }
    found["enterprises"] = [
        draw(_enterprises(cell, f"E{n}")) for n in range(draw(st.integers(2, 6)))
    ]
    return found


@st.composite
def _enterprises(draw: st.DrawFn, cell: Cell, name: str) -> Row:
    """Draw an enterprise that stands on a parcel, in a building, or at a point."""
    stands = draw(st.sampled_from(("parcel", "building", "point")))
    return enterprise(
        name,
        draw(_CODES),
        1.0,
        park_id=draw(_PARK_IDS),
        parcel_id=draw(st.sampled_from(("L0", "L1"))) if stands == "parcel" else None,
        building_id=draw(st.sampled_from(("B0", "B1"))) if stands == "building" else None,
        geometry=_at(cell) if stands == "point" else None,
        status=draw(st.sampled_from(("operating", "operating", "operating", "closed", None))),
        year=draw(st.sampled_from((2024, 2025, 2025, 2025))),
        is_new=draw(_TRUTH),
        discharges_wastewater=draw(_TRUTH),
        heavy_polluter=draw(_TRUTH),
    )


# ---- rules -----------------------------------------------------------------------------------

_PLAIN: Mapping[str, Any] = {
    "title": {"en": "A rule"},
    "family": "control_zone",
    "check": "overlap",
    "severity": "must",
    "effective_from": "2020-01-01",
    "legal_basis": {"document": "made for tests"},
    "basis_tag": "product_default",
    "tolerance": {"area_m2": 0.0, "share": 0.0},
}
_PLAIN_PARAMETERS: Mapping[str, Any] = {
    "verdicts": {"*": "fail"},
    "subjects": ["parks", "parcels", "buildings"],
}


def _chosen(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_PARTS: Mapping[tuple[str, ...], st.SearchStrategy[Any]] = {
    ("severity",): _chosen("should", "info"),
    ("enabled",): st.just(value=False),
    ("effective_from",): st.just("2026-12-01"),
    ("effective_to",): st.just("2026-11-01"),
    # No area or share of whole rectangles is exactly one of these.
    ("tolerance",): st.fixed_dictionaries(
        {"area_m2": _chosen(3333.3, 33333.3), "share": _chosen(0.24681, 0.97531)}
    ),
    ("scope", "tiers"): _chosen(["sme_cluster"], ["building_park", "municipal_park"]),
    ("scope", "parks"): _chosen(["P1"], ["P2"]),
    ("scope", "industries"): _chosen(["13"], ["36"]),
    ("parameters", "verdicts"): st.dictionaries(
        _chosen("low", "high", "*"), _chosen("fail", "watch", "unknown"), min_size=1
    ),
    ("parameters", "subjects"): st.lists(
        _chosen("parks", "parcels", "buildings", "enterprises"),
        min_size=1,
        max_size=2,
        unique=True,
    ),
    ("parameters", "only"): _chosen("discharging", "new_heavy_polluters", "listed_industries"),
    ("parameters", "parcel_statuses"): _chosen(["vacant"], ["built"]),
    ("parameters", "unmapped"): st.just("pass"),
    ("parameters", "cover_all"): st.just(value=True),
    ("parameters", "exceptions", "land_uses"): _chosen(["1001"], ["1001", "0701"]),
    ("parameters", "exceptions", "industries"): _chosen(["13"], ["13"], ["36"]),
}
"""What a rule may say besides the kind of zone, by its place in the rule."""


def _set(document: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    *outer, last = path
    for name in outer:
        document = document.setdefault(name, {})
    document[last] = value


_UNMAPPED = ("parameters", "unmapped")
_ONLY = ("parameters", "only")
_SAID = st.lists(st.sampled_from(tuple(_PARTS)), min_size=8, max_size=8, unique=True)
_KINDS = st.sampled_from((*MAPPED, *KINDS))


@st.composite
def _rules(draw: st.DrawFn, said: tuple[str, ...]) -> dict[str, Any]:
    """Draw a rule that says one thing, and often also what its zones ban, or one thing more."""
    more = draw(st.sampled_from(((), (_ONLY,), (_ONLY,), tuple(_PARTS))))
    every = {said, *([draw(st.sampled_from(more))] if more else ())}
    rule: dict[str, Any] = {
        **_PLAIN,
        "parameters": {
            **_PLAIN_PARAMETERS,
            "kind": KINDS[-1] if _UNMAPPED in every else draw(_KINDS),
        },
    }
    for path in _PARTS:
        if path in every:
            _set(rule, path, draw(_PARTS[path]))
    return rule


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a county with eight rules, and a place and an area where much of it meets."""
    cell = draw(st.integers(4, SIZE - 4)), draw(st.integers(4, SIZE - 4))
    return World(
        rows=draw(_counties(cell)),
        rules={f"r.{n}": draw(_rules(path)) for n, path in enumerate(draw(_SAID))},
        complete=draw(st.frozensets(st.sampled_from(KINDS))),
        place=_at(cell),
        area=draw(_rectangles(cell, 9, 4)),
    )


# ---- the same world, with something left out -------------------------------------------------

Change = Callable[[World], World]


def _rules_without(path: tuple[str, ...]) -> Change:
    """Return a change that drops from all rules what they say at a place."""

    def changed(rule: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(rule))
        *outer, last = path
        held = copy
        for name in outer:
            held = held.get(name, {})
        held.pop(last, None)
        plain = {**_PLAIN, "parameters": _PLAIN_PARAMETERS}
        for name in path:
            plain = plain.get(name)  # type: ignore[assignment] # a document down to its values
            if plain is None:
                return copy
        held[last] = plain
        return copy

    return lambda world: replace(
        world, rules={name: changed(rule) for name, rule in world.rules.items()}
    )


def _rows_with(layer: str, **values: object) -> Change:
    """Return a change that gives all rows of a layer a value where they have none or another."""
    return lambda world: replace(
        world,
        rows={**world.rows, layer: [{**row, **values} for row in world.rows[layer]]},
    )


def _ungraded_are_low(world: World) -> World:
    rows = [{**row, "grade": row["grade"] or "low"} for row in world.rows["control_zones"]]
    return replace(world, rows={**world.rows, "control_zones": rows})


LEFT_OUT: Mapping[str, Change] = {
    **{".".join(path): _rules_without(path) for path in _PARTS if path != ("severity",)},
    "severity": _rules_without(("severity",)),
    "zones without a grade": _ungraded_are_low,
    "grades": _rows_with("control_zones", grade="low"),
    "lists of industries": _rows_with("control_zones", banned_industries=None),
    "parcels of enterprises": _rows_with("enterprises", parcel_id=None),
    "buildings of enterprises": _rows_with("enterprises", building_id=None),
    "points of enterprises": _rows_with("enterprises", geometry=None),
    "parcels of buildings": _rows_with("buildings", parcel_id=None),
    "closed enterprises": _rows_with("enterprises", status="operating"),
    "years of enterprises": _rows_with("enterprises", year=2025),
    "kinds declared complete": lambda world: replace(world, complete=frozenset()),
    "kinds not declared complete": lambda world: replace(world, complete=frozenset(KINDS)),
}
"""What somebody who asks about a place might forget, by name."""
