"""Whatever the rules and the county, what a place is told of a feature is what a review finds.

Counties are rectangles on grids that never share an edge: zones on multiples of 10 m, parks 2 m,
parcels and buildings 5 m beside them, drawn areas 1 m and points 1.7 m before them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo_service.crs import STORAGE_CRS
from geo_service.language import Language, Translator
from geo_service.model import Finding
from geo_service.plan import Plan
from geo_service.planning.identify import PointInquiry
from geo_service.schema import SCHEMAS
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import Rulebook, parse_rulebook
from tests.county import County, Row, box, enterprise, in_degrees, parcel, park, point, zone
from tests.depth import thorough

DAY = date(2026, 11, 23)
SIZE = 20
"""Cells of 10 m to a side of the county that is drawn."""
KINDS = ("geohazard", "ecological_red_line", "wetland", "geohazard_risk", "eco_unit")
GRADES = (None, "low", "high")
NEW = "NEW"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("base") / "county"))


# ---- random counties -------------------------------------------------------------------------


def rectangles(offset_m: int, most: int = SIZE) -> st.SearchStrategy[BaseGeometry]:
    places, sizes = st.integers(0, SIZE - 1), st.integers(1, most)
    return st.builds(
        lambda x, y, width, height: box(
            10 * x + offset_m, 10 * y + offset_m, 10 * width, 10 * height
        ),
        places,
        places,
        sizes,
        sizes,
    )


PARK_IDS = st.sampled_from(("P1", "P2", None))
TIERS = st.sampled_from(("municipal_park", "sme_cluster", "building_park"))
CODES = st.sampled_from(("1311", "3670", "2614"))
TRUTH = st.sampled_from((True, False, None))
USES = st.sampled_from((None, "100101", "0701"))


@st.composite
def layers(draw: st.DrawFn) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {
        "parks": [
            park(name, draw(rectangles(2)), tier=draw(TIERS), leading_industry=draw(CODES)[:2])
            for name in ("P1", "P2")
        ],
        "parcels": [
            parcel(
                f"L{n}",
                shape,
                park_id=draw(PARK_IDS),
                land_use=draw(USES),
                status=draw(st.sampled_from(("vacant", "built", None))),
            )
            for n, shape in enumerate(draw(st.lists(rectangles(5, 8), max_size=4)))
        ],
        "control_zones": [
            zone(
                f"Z{n}",
                shape,
                kind=draw(st.sampled_from(KINDS)),
                grade=draw(grades),
                banned_industries=draw(st.sampled_from((None, "13", "36;26"))),
            )
            for grades in [st.sampled_from(GRADES)]
            for n, shape in enumerate(draw(st.lists(rectangles(0), max_size=5)))
        ],
    }
    found["buildings"] = [
        {
            "building_id": f"B{n}",
            "park_id": draw(PARK_IDS),
            "geometry": shape,
            "source": "made for tests",
            "illustrative": False,
        }
        for n, shape in enumerate(draw(st.lists(rectangles(5, 4), max_size=3)))
    ]
    found["enterprises"] = [
        enterprise(
            f"E{n}",
            draw(CODES),
            1.0,
            parcel_id=draw(st.sampled_from(("L0", "L1", "L2", None))),
            building_id=draw(st.sampled_from(("B0", "B1", None))),
            status=draw(st.sampled_from(("operating", "closed", None))),
            year=draw(st.sampled_from((2024, 2025))),
            is_new=draw(TRUTH),
            discharges_wastewater=draw(TRUTH),
            heavy_polluter=draw(TRUTH),
            geometry=None,
        )
        for n in range(draw(st.integers(0, 6)))
    ]
    return found


def frame_of(layer: str, rows: list[Row]) -> gpd.GeoDataFrame:
    table = pd.DataFrame([{**dict.fromkeys(SCHEMAS[layer].columns), **row} for row in rows])
    shapes = gpd.GeoSeries([row["geometry"] for row in rows], crs="EPSG:4545")
    return gpd.GeoDataFrame(table.drop(columns="geometry"), geometry=shapes.to_crs(STORAGE_CRS))


def with_rows(plan: Plan, rows: dict[str, list[Row]]) -> Plan:
    frames = {
        name: frame_of(name, some) if some else plan.frame(name).iloc[:0]
        for name, some in rows.items()
    }
    return plan.with_layers(frames, label="random")


# ---- random rulebooks ------------------------------------------------------------------------

MEANINGS = st.dictionaries(
    st.sampled_from(("low", "high", "*")),
    st.sampled_from(("fail", "fail", "watch", "unknown")),
    min_size=1,
)
SUBJECTS = st.lists(
    st.sampled_from(("parks", "parcels", "buildings", "enterprises")),
    min_size=1,
    max_size=4,
    unique=True,
)


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=1)


RULES = st.fixed_dictionaries(
    {
        "title": st.just({"en": "A rule"}),
        "family": st.just("control_zone"),
        "check": st.just("overlap"),
        "severity": st.sampled_from(("must", "must", "should", "info")),
        "parameters": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(KINDS),
                "verdicts": MEANINGS,
                "subjects": SUBJECTS,
                "only": st.sampled_from(
                    (None, None, "discharging", "new_heavy_polluters", "listed_industries")
                ),
                "parcel_statuses": some("vacant", "built"),
                "unmapped": st.sampled_from(("unknown", "unknown", "pass")),
                "cover_all": st.booleans(),
                "exceptions": st.fixed_dictionaries(
                    {"land_uses": some("1001", "0701"), "industries": some("13", "36")}
                ),
            }
        ),
        "scope": st.one_of(
            st.just({}),
            st.fixed_dictionaries(
                {
                    "tiers": some("sme_cluster", "building_park"),
                    "parks": some("P1", "P2"),
                    "industries": some("13", "36"),
                }
            ),
        ),
        "enabled": st.sampled_from((True, True, True, False)),
        "effective_from": st.sampled_from(("2020-01-01", "2020-01-01", "2026-12-01")),
        "effective_to": st.sampled_from((None, None, "2026-11-01")),
        # No area or share of whole rectangles is exactly one of these.
        "tolerance": st.fixed_dictionaries(
            {
                "area_m2": st.sampled_from((0.0, 333.3, 3333.3)),
                "share": st.sampled_from((0.0, 0.01357, 0.24681)),
            }
        ),
        "legal_basis": st.just({"document": "made for tests"}),
        "basis_tag": st.just("product_default"),
    }
)


def rulebook_of(rules: dict[str, dict[str, Any]]) -> Rulebook:
    plain = {
        name: {key: value for key, value in rule.items() if value is not None}
        for name, rule in rules.items()
    }
    return parse_rulebook(
        json.dumps({"format": "1", "title": {"en": "Random"}, "rules": plain}), "random.yaml"
    )


def for_parcels_alone(rules: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rules that judge parcels, as rules that judge nothing else."""
    return {
        name: {**rule, "parameters": {**rule["parameters"], "subjects": ["parcels"]}}
        for name, rule in rules.items()
        if "parcels" in rule["parameters"]["subjects"]
    }


@dataclass(frozen=True)
class World:
    """A county and rules for it, as they are drawn."""

    rows: dict[str, list[Row]]
    rules: dict[str, dict[str, Any]]
    complete: frozenset[str]

    def plan(self, base: Plan) -> Plan:
        chosen = replace(base.settings, complete_zone_kinds=self.complete)
        return with_rows(Plan(base.layers, chosen), self.rows)

    def on_new_ground(
        self, plan: Plan, shape: BaseGeometry, park_id: str | None
    ) -> Iterable[Finding]:
        """Return what a review finds of a new parcel, by rules that judge parcels alone."""
        rules = for_parcels_alone(self.rules)
        if not rules:
            return []
        ground = parcel(NEW, shape, park_id=park_id, land_use=None, status="vacant")
        changed = with_rows(plan, {"parcels": [ground]})
        found = review(changed, rulebook_of(rules), as_of=DAY)
        return [item for item in found.results if item.subject.id == NEW]


WORLDS = st.builds(
    World,
    rows=layers(),
    rules=st.dictionaries(st.sampled_from(("r.1", "r.2", "r.3")), RULES, min_size=1),
    complete=st.frozensets(st.sampled_from(KINDS)),
)
MANY = thorough(125, also_allowed=(HealthCheck.function_scoped_fixture,))


# ---- the property ----------------------------------------------------------------------------


def told(rules: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((rule["rule_id"], rule["verdict"]) for rule in rules)


def found_of(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return sorted((item.rule_id, item.verdict.value) for item in findings)


def about(findings: Iterable[Finding], zone_ids: Iterable[str]) -> list[tuple[str, str]]:
    """Return what findings say that are about some zones, each once."""
    named = set(zone_ids)
    met = [item for item in findings if named & set(item.evidence.get("zone_ids", ()))]
    return sorted(set(found_of(met)))


def holding(rows: list[Row], place: BaseGeometry) -> list[Row]:
    return [row for row in rows if row["geometry"].contains(place)]


@MANY
@given(world=WORLDS, x=st.integers(0, SIZE), y=st.integers(0, SIZE))
def test_a_place_is_told_what_the_review_finds(base: Plan, world: World, x: int, y: int) -> None:
    plan, rules = world.plan(base), rulebook_of(world.rules)
    place = point(10 * x - 1.7, 10 * y - 1.7)
    degrees = in_degrees(place)
    assert isinstance(degrees, shapely.Point)
    found = PointInquiry(plan, rules, Translator(Language.EN), DAY).identify(degrees.x, degrees.y)
    findings = review(plan, rules, as_of=DAY).results
    here = []
    for layer, key in (
        ("parks", "park_id"),
        ("parcels", "parcel_id"),
        ("buildings", "building_id"),
    ):
        rows = holding(world.rows[layer], place)
        assert [item[key] for item in found[layer]] == [row[key] for row in rows]
        for item in found[layer]:
            own = [f for f in findings if (f.subject.layer, f.subject.id) == (layer, item[key])]
            assert told(item["rules"]) == found_of(own)
            here += own
    parks = sorted(holding(world.rows["parks"], place), key=lambda row: row["geometry"].area)
    assert (found["ground"] is None) == bool(found["parcels"])
    if found["ground"] is not None:
        square = place.buffer(0.005, cap_style="square")
        park_id = parks[0]["park_id"] if parks else None
        new = world.on_new_ground(plan, square, park_id)
        assert told(found["ground"]["rules"]) == found_of(new)
        here += new
    zones = holding(world.rows["control_zones"], place)
    assert [item["zone_id"] for item in found["zones"]] == [row["zone_id"] for row in zones]
    for item in found["zones"]:
        assert told(item["rules"]) == about(here, [item["zone_id"]])


@MANY
@given(world=WORLDS, shape=rectangles(9))
def test_an_area_is_told_what_the_review_finds(
    base: Plan, world: World, shape: BaseGeometry
) -> None:
    plan, rules = world.plan(base), rulebook_of(world.rules)
    found = PointInquiry(plan, rules, Translator(Language.EN), DAY).describe(
        {
            "type": "Polygon",
            "coordinates": [shapely.get_coordinates(in_degrees(shape)).tolist()],
        }
    )
    shares = {
        row["park_id"]: (
            -round(shape.intersection(row["geometry"]).area / shape.area, 6),
            row["geometry"].area,
        )
        for row in world.rows["parks"]
    }
    mostly = [name for name in shares if shares[name][0] <= -0.5]
    park_id = min(mostly, key=lambda name: shares[name], default=None)
    findings = list(world.on_new_ground(plan, shape, park_id))
    worst: dict[str, str] = {}
    for verdict in ("fail", "unknown", "watch"):
        for item in findings:
            if item.verdict.value == verdict and item.severity.value == "must":
                worst.setdefault(item.rule_id, verdict)
    assert told(found["rules"]) == sorted(worst.items())
    for item in found["zones"]:
        assert told(item["rules"]) == about(findings, item["zone_ids"])
