"""Whatever the rules and the county, what a place is told of a feature is what a review finds."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.language import Language, Translator
from geo_service.model import Finding
from geo_service.plan import Plan
from geo_service.planning.identify import PointInquiry
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import review
from tests.county import County, Row, in_degrees, parcel
from tests.depth import DEPTH, examples
from tests.planning.worlds import LEFT_OUT, Rules, World, rulebook_of, with_rows, world_of

DAY = date(2026, 11, 23)
KEYS = {"parks": "park_id", "parcels": "parcel_id", "buildings": "building_id"}
Told = list[tuple[str, str]]
"""Rules by their ids, each with its verdict."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("base") / "county"))


# ---- what a place is told --------------------------------------------------------------------


def told(rules: Iterable[dict[str, Any]]) -> Told:
    return sorted((rule["rule_id"], rule["verdict"]) for rule in rules)


def answers(world: World, plan: Plan) -> dict[str, Any]:
    """Return what the world's place and area are told of rules, by what it is told about."""
    inquiry = PointInquiry(plan, world.rulebook(), Translator(Language.EN), DAY)
    degrees = in_degrees(world.place)
    assert isinstance(degrees, shapely.Point)
    here = inquiry.identify(degrees.x, degrees.y)
    ring = shapely.get_coordinates(in_degrees(world.area)).tolist()
    there = inquiry.describe({"type": "Polygon", "coordinates": [ring]})
    return {
        **{
            layer: {row[key]: told(row["rules"]) for row in here[layer]}
            for layer, key in KEYS.items()
        },
        "ground": None if here["ground"] is None else told(here["ground"]["rules"]),
        "zones": {row["zone_id"]: told(row["rules"]) for row in here["zones"]},
        "area": told(there["rules"]),
        "zones of the area": {
            tuple(sorted(row["zone_ids"])): told(row["rules"]) for row in there["zones"]
        },
    }


# ---- what a review finds ---------------------------------------------------------------------


def found_of(findings: Iterable[Finding]) -> Told:
    """Return what findings say; what a rule finds of one feature in two ways is told once."""
    return sorted({(item.rule_id, item.verdict.value) for item in findings})


def about(findings: Iterable[Finding], zone_ids: Iterable[str]) -> Told:
    """Return what findings say that are about some zones."""
    named = set(zone_ids)
    return found_of(item for item in findings if named & set(item.evidence.get("zone_ids", ())))


def holding(rows: list[Row], place: BaseGeometry) -> list[Row]:
    return [row for row in rows if row["geometry"].contains(place)]


def for_parcels_alone(rules: Rules) -> Rules:
    """Return the rules that judge parcels, as rules that judge nothing else."""
    return {
        name: {**rule, "parameters": {**rule["parameters"], "subjects": ["parcels"]}}
        for name, rule in rules.items()
        if "parcels" in rule["parameters"]["subjects"]
    }


def on_new_ground(
    world: World, plan: Plan, grounds: Mapping[str, tuple[BaseGeometry, str | None]]
) -> dict[str, list[Finding]]:
    """Return what a review finds of new parcels without enterprises, by rules for parcels alone.

    The parcels are shapes with their parks, by any name.
    """
    rules = for_parcels_alone(world.rules)
    if not rules:
        return {name: [] for name in grounds}
    parcels = [
        parcel(name, shape, park_id=park_id, land_use=None, status="vacant")
        for name, (shape, park_id) in grounds.items()
    ]
    changed = with_rows(plan, {"parcels": parcels, "enterprises": []})
    found = review(changed, rulebook_of(rules), as_of=DAY).results
    return {name: [item for item in found if item.subject.id == name] for name in grounds}


def park_at(world: World) -> str | None:
    """Return the smallest park that holds the place."""
    held = holding(world.rows["parks"], world.place)
    smallest = min(held, key=lambda row: row["geometry"].area, default=None)
    return None if smallest is None else smallest["park_id"]


def park_around(world: World) -> str | None:
    """Return the park that covers at least half of the area: most of it, or else the smallest."""
    shares = {
        row["park_id"]: (
            -round(world.area.intersection(row["geometry"]).area / world.area.area, 6),
            row["geometry"].area,
        )
        for row in world.rows["parks"]
    }
    mostly = [name for name in shares if shares[name][0] <= -0.5]
    return min(mostly, key=lambda name: shares[name], default=None)


def worst_of_must(findings: Iterable[Finding]) -> Told:
    worst: dict[str, str] = {}
    every = list(findings)
    for verdict in ("fail", "unknown", "watch"):
        for item in every:
            if item.verdict.value == verdict and item.severity.value == "must":
                worst.setdefault(item.rule_id, verdict)
    return sorted(worst.items())


def expected(world: World, plan: Plan) -> dict[str, Any]:
    """Return what `answers` should be, by reviews of the plan alone."""
    rows, place = world.rows, world.place
    findings = review(plan, world.rulebook(), as_of=DAY).results
    own = {
        layer: {
            row[key]: [f for f in findings if (f.subject.layer, f.subject.id) == (layer, row[key])]
            for row in holding(rows[layer], place)
        }
        for layer, key in KEYS.items()
    }
    here = [item for by_id in own.values() for items in by_id.values() for item in items]
    grounds = {"area": (world.area, park_around(world))}
    if not own["parcels"]:
        grounds["place"] = place.buffer(0.005, cap_style="square"), park_at(world)
    new = on_new_ground(world, plan, grounds)
    here += new.get("place", [])
    there = new["area"]
    met: dict[tuple[str, object], list[str]] = {}
    for row in rows["control_zones"]:
        if row["geometry"].intersection(world.area).area:
            met.setdefault((row["kind"], row["grade"]), []).append(row["zone_id"])
    return {
        **{
            layer: {name: found_of(some) for name, some in by_id.items()}
            for layer, by_id in own.items()
        },
        "ground": found_of(new["place"]) if "place" in new else None,
        "zones": {
            row["zone_id"]: about(here, [row["zone_id"]])
            for row in holding(rows["control_zones"], place)
        },
        "area": worst_of_must(there),
        "zones of the area": {tuple(sorted(ids)): about(there, ids) for ids in met.values()},
    }


# ---- the property ----------------------------------------------------------------------------


def of_rules(found: Any, names: Collection[str]) -> Any:  # noqa: ANN401 - answers, or a part of them
    """Return what some rules alone say in answers."""
    if isinstance(found, dict):
        return {key: of_rules(part, names) for key, part in found.items()}
    return None if found is None else [item for item in found if item[0] in names]


def would_tell(world: World, other: World, plan: Plan, true: dict[str, Any]) -> bool:
    """Return whether answers are not `true` where only what is in another world is looked at."""
    if (other.rows, other.complete) != (world.rows, world.complete):
        return answers(other, other.plan(plan)) != true
    changed = {name: rule for name, rule in other.rules.items() if rule != world.rules[name]}
    return bool(changed) and (
        answers(replace(other, rules=changed), plan) != of_rules(true, changed)
    )


def sample() -> range:
    """Return the seeds of the worlds: the same ones each time, other ones in `make test-deep`."""
    first = 0 if DEPTH == "small" else secrets.randbits(32)
    return range(first, first + examples(100))


@pytest.mark.deep
def test_a_place_and_an_area_are_told_what_the_review_finds(base: Plan) -> None:
    for seed in sample():
        world = world_of(seed)
        plan = world.plan(base)
        assert answers(world, plan) == expected(world, plan), f"world {seed}"


@pytest.mark.deep
@pytest.mark.slow
def test_whatever_identify_left_out_some_world_would_tell(base: Plan) -> None:
    unseen = dict(LEFT_OUT)
    for seed in sample():
        world = world_of(seed)
        plan = world.plan(base)
        true = expected(world, plan)
        for name, change in list(unseen.items()):
            if would_tell(world, change(world), plan, true):
                del unseen[name]
        if not unseen:
            return
    assert not unseen, "no world depends on these"
