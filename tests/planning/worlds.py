"""Random small counties and rules on control zones, drawn around one place where much meets.

Shapes are rectangles on grids that never share an edge: zones on multiples of 10 m, parks 2 m,
parcels and buildings 5 m, drawn areas 9 m beside them, points 1.7 m before them. A rule differs
in few things from one that fails whatever touches a zone, so that each of them decides something.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

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
Path = tuple[str, ...]


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


def _rectangle(draw: Random, cell: Cell, offset_m: int, reach: int) -> shapely.Polygon:
    """Draw a rectangle, two times of three one around a cell's point."""
    if draw.random() < 2 / 3:
        before = [draw.randint(2, reach) for _ in cell]
        after = [draw.randint(0, reach) for _ in cell]
        west, south = (at - back for at, back in zip(cell, before, strict=True))
        width, height = (back + on for back, on in zip(before, after, strict=True))
    else:
        west, south = (draw.randrange(SIZE) for _ in cell)
        width, height = (draw.randint(1, 2 * reach) for _ in cell)
    return box(10 * west + offset_m, 10 * south + offset_m, 10 * width, 10 * height)


_PARK_IDS = ("P1", "P1", "P2", None)
_TIERS = ("municipal_park", "sme_cluster", "building_park")
_CODES = ("1311", "1311", "3670")
_TRUTH = (True, True, False, None)


def _county(draw: Random, cell: Cell) -> dict[str, list[Row]]:
    one = draw.choice
    return {
        "parks": [
            park(
                name,
                _rectangle(draw, cell, 2, 9),
                tier=one(_TIERS),
                leading_industry=one(_CODES)[:2],
            )
            for name in ("P1", "P2")
        ],
        "parcels": [
            parcel(
                f"L{n}",
                _rectangle(draw, cell, 5, 5),
                park_id=one(_PARK_IDS),
                land_use=one((None, "100101", "100101", "0701")),
                status=one(("vacant", "built", None)),
            )
            for n in range(draw.randint(1, 2))
        ],
        "control_zones": [
            zone(
                f"Z{n}",
                _rectangle(draw, cell, 0, 7),
                kind=one(MAPPED),
                grade=one((None, "low", "high")),
                banned_industries=one((None, "13", "36;26")),
            )
            for n in range(draw.randint(2, 5))
        ],
        "buildings": [
            {
                "building_id": f"B{n}",
                "park_id": one(_PARK_IDS),
                "parcel_id": one(("L0", "L0", "L1", None)),
                "geometry": _rectangle(draw, cell, 5, 3),
                "source": "made for tests",
                "illustrative": False,
            }
            for n in range(draw.randint(1, 2))
        ],
        "enterprises": [_enterprise(draw, cell, f"E{n}") for n in range(draw.randint(3, 6))],
    }


def _enterprise(draw: Random, cell: Cell, name: str) -> Row:
    """Draw an enterprise that stands on a parcel, in a building, or at a point."""
    one = draw.choice
    stands = one(("parcel", "building", "building", "point"))
    return enterprise(
        name,
        one(_CODES),
        1.0,
        park_id=one(_PARK_IDS),
        parcel_id=one(("L0", "L1")) if stands == "parcel" else None,
        building_id=one(("B0", "B1")) if stands == "building" else None,
        geometry=_at(cell) if stands == "point" else None,
        status=one(("operating", "operating", "operating", "closed", None)),
        year=one((2024, 2025, 2025, 2025)),
        is_new=one(_TRUTH),
        discharges_wastewater=one(_TRUTH),
        heavy_polluter=one(_TRUTH),
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
_ONLY = ("parameters", "only")
_UNMAPPED = ("parameters", "unmapped")
_SAYS: Mapping[Path, tuple[Any, ...]] = {
    ("severity",): ("should", "info"),
    ("enabled",): (False,),
    ("effective_from",): ("2026-12-01",),
    ("effective_to",): ("2026-11-01",),
    # No area or share of whole rectangles is exactly one of these.
    ("tolerance",): (
        {"area_m2": 3333.3, "share": 0.97531},
        {"area_m2": 33333.3, "share": 0.24681},
        {"area_m2": 33333.3, "share": 0.97531},
    ),
    ("scope",): (
        {"tiers": ["sme_cluster"]},
        {"tiers": ["building_park", "municipal_park"]},
        {"parks": ["P1"]},
        {"parks": ["P2"]},
        {"industries": ["13"]},
        {"industries": ["36"]},
    ),
    ("parameters", "verdicts"): (
        {"low": "watch"},
        {"high": "fail", "*": "watch"},
        {"low": "watch", "high": "unknown"},
        {"low": "unknown", "*": "fail"},
        {"*": "watch"},
        {"*": "unknown"},
    ),
    ("parameters", "subjects"): (
        ["parks"],
        ["parcels"],
        ["buildings"],
        ["enterprises", "parcels"],
        ["parks", "buildings"],
    ),
    _ONLY: ("discharging", "new_heavy_polluters", "listed_industries"),
    ("parameters", "parcel_statuses"): (["vacant"], ["built"]),
    _UNMAPPED: ("pass",),
    ("parameters", "cover_all"): (True,),
    ("parameters", "exceptions"): (
        {"land_uses": ["1001"]},
        {"land_uses": ["1001", "0701"]},
        {"industries": ["13"]},
        {"land_uses": ["1001"], "industries": ["36"]},
        {"land_uses": ["0701"], "industries": ["13"]},
    ),
}
"""What a rule may say besides the kind of zone, by its place in the rule."""


def _rule(draw: Random, says: Path) -> dict[str, Any]:
    """Draw a rule that says one thing, and often also what its zones ban, or one thing more."""
    every = {says, draw.choice((says, _ONLY, _ONLY, draw.choice(tuple(_SAYS))))}
    kind = KINDS[-1] if _UNMAPPED in every else draw.choice((*MAPPED, *KINDS))
    rule: dict[str, Any] = {**_PLAIN, "parameters": {**_PLAIN_PARAMETERS, "kind": kind}}
    for path in _SAYS:
        if path in every:
            *outer, last = path
            (rule[outer[0]] if outer else rule)[last] = draw.choice(_SAYS[path])
    return rule


def world_of(seed: int) -> World:
    """Return a county with six rules, and a place and an area where much of it meets."""
    draw = Random(seed)  # noqa: S311 - no secret
    cell = draw.randint(4, SIZE - 4), draw.randint(4, SIZE - 4)
    return World(
        rows=_county(draw, cell),
        rules={f"r.{n}": _rule(draw, says) for n, says in enumerate(draw.sample(list(_SAYS), 6))},
        complete=frozenset(kind for kind in KINDS if draw.random() < 1 / 2),
        place=_at(cell),
        area=_rectangle(draw, cell, 9, 4),
    )


# ---- the same world, with something left out -------------------------------------------------

Change = Callable[[World], World]


def _rules_without(*path: str) -> Change:
    """Return a change of all rules to what a plain one says, or does not say, at a place."""

    def changed(rule: dict[str, Any]) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(rule))
        held: dict[str, Any] = copy
        plain: Any = {**_PLAIN, "parameters": _PLAIN_PARAMETERS}
        *outer, last = path
        for name in outer:
            held, plain = held.get(name, {}), plain.get(name, {})
        held.pop(last, None)
        if last in plain:
            held[last] = plain[last]
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
    **{
        ".".join(path): _rules_without(*path)
        for path in (
            *(path for path in _SAYS if path[-1] not in {"scope", "exceptions"}),
            *(("scope", name) for name in ("tiers", "parks", "industries")),
            *(("parameters", "exceptions", name) for name in ("land_uses", "industries")),
        )
    },
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
