"""A review made from an earlier one is the one that is made anew, to the last byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.reports.stream import review_pieces
from geo_service.schema import SCHEMAS
from geo_service.zoning import measured
from geo_service.zoning.check import Outcome, Shared
from geo_service.zoning.checks import FAMILIES
from geo_service.zoning.reads import READINGS, reading_of
from geo_service.zoning.renewal import case_of
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import open_rulebook
from tests.depth import thorough

DAY = date(2026, 11, 30)
CHAINED = 0.3
"""The share of examples in which a renewed review is renewed again."""
Edit = Callable[[Plan, random.Random], Plan]


def document(result: Review) -> bytes:
    """Return a review's JSON."""
    translator = Translator(Language.EN, result.plan.settings.names_hant)
    return b"".join(review_pieces(result, translator))


def one_of(plan: Plan, layer: str, rnd: random.Random, count: int = 1) -> pd.DataFrame:
    """Return some rows of a layer."""
    frame = plan.frame(layer)
    return frame.iloc[rnd.sample(range(len(frame)), min(count, len(frame)))]


def other_values(plan: Plan, layer: str, rnd: random.Random) -> Plan:
    """Give rows the values that others have in some columns, or none."""
    frame = plan.frame(layer)
    rows = one_of(plan, layer, rnd, rnd.choice((1, 1, 3, 20))).copy()
    key = SCHEMAS[layer].key
    columns = [name for name in frame.columns if name not in {*key, "geometry"}]
    for column in rnd.sample(columns, rnd.choice((1, 2, 5))):
        donor = frame[column].iloc[rnd.randrange(len(frame))]
        is_needed = frame[column].dtype == "bool" or column in {"tier", "area_m2", "name"}
        cell = None if not is_needed and rnd.random() < 0.2 else donor
        rows[column] = pd.Series([cell] * len(rows), index=rows.index, dtype=frame[column].dtype)
    return plan.with_rows(layer, rows, label=str(rnd.random()))


def other_shapes(plan: Plan, layer: str, rnd: random.Random) -> Plan:
    """Move some features by some hundred metres."""
    rows = one_of(plan, layer, rnd, rnd.choice((1, 1, 3, 20)))
    east, north = rnd.uniform(-0.005, 0.005), rnd.uniform(-0.005, 0.005)
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [
        shape if shape is None else shapely.affinity.translate(shape, east, north)
        for shape in rows["geometry"]
    ]
    return plan.with_rows(layer, rows.assign(geometry=shapes), label=str(rnd.random()))


def new_row(plan: Plan, layer: str, rnd: random.Random) -> Plan:
    """Add a row like another one."""
    row = one_of(plan, layer, rnd).copy()
    name = SCHEMAS[layer].key[0]
    if layer == "floors":
        row["floor_no"] = 99
    else:
        row[name] = f"new{rnd.randrange(10**9)}"
    return plan.with_rows(layer, row, label=str(rnd.random()))


def fewer_rows(plan: Plan, layer: str, rnd: random.Random) -> Plan:
    """Leave out some rows."""
    rows = one_of(plan, layer, rnd, rnd.choice((1, 4)))
    key = list(SCHEMAS[layer].key)
    keys = [tuple(cells) if len(key) > 1 else cells[0] for cells in rows[key].to_numpy().tolist()]
    return plan.with_rows(layer, removed=keys, label=str(rnd.random()))


def moved_enterprise(plan: Plan, _: str, rnd: random.Random) -> Plan:
    """Move an enterprise into another park, onto one of its parcels or none."""
    latest = plan.frame("enterprises")
    latest = latest[latest["year"] == latest["year"].max()]
    row = latest.iloc[[rnd.randrange(len(latest))]].copy()
    parcel = one_of(plan, "parcels", rnd).iloc[0]
    row["park_id"] = parcel["park_id"]
    row["building_id"] = None
    row["parcel_id"] = parcel["parcel_id"] if rnd.random() < 0.5 else None
    row["geometry"] = np.array([parcel["geometry"].representative_point()], dtype=object)
    return plan.with_rows("enterprises", row, label=str(rnd.random()))


EDITS = [
    *[(moved_enterprise, "enterprises")] * 4,
    *[(other_values, layer) for layer in ("parks", "parcels", "enterprises")] * 3,
    *[(other_values, layer) for layer in ("buildings", "floors", "control_zones", "townships")],
    *[(other_shapes, layer) for layer in ("parks", "parcels", "buildings", "enterprises")] * 2,
    *[(other_shapes, layer) for layer in ("control_zones", "rivers", "facilities")],
    *[(new_row, layer) for layer in ("parks", "parcels", "buildings", "enterprises", "floors")],
    *[(fewer_rows, layer) for layer in ("parcels", "buildings", "enterprises", "floors")],
]


def edited(plan: Plan, rnd: random.Random) -> Plan:
    """Return a plan with one to three edits."""
    for _ in range(rnd.choice((1, 1, 2, 3))):
        edit, layer = rnd.choice(EDITS)
        plan = edit(plan, layer, rnd)
    return plan


@pytest.fixture(scope="module")
def few(demo: Plan) -> Plan:
    """The demo with nine parks of all tiers, and what lies in them: a review takes a third."""
    ids = demo.frame("parks")["park_id"].tolist()
    chosen = {*ids[:2], *ids[5::7]}
    layers = ("parks", "parcels", "buildings", "enterprises")
    frames = {name: demo.frame(name) for name in layers}
    frames = {name: frame[frame["park_id"].isin(chosen)] for name, frame in frames.items()}
    floors = demo.frame("floors")
    frames["floors"] = floors[floors["building_id"].isin(frames["buildings"]["building_id"])]
    frames = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
    return demo.with_layers(frames, label="nine parks")


@pytest.fixture(scope="module")
def bases() -> dict[tuple[bool, int], Review]:
    """Reviews of whole demo and part, by the size of layer from which on parts are cut later."""
    return {}


@pytest.mark.slow
@given(
    seed=st.integers(0, 10**9),
    many=st.sampled_from([20_000, 20_000, 100]),
    is_whole=st.sampled_from([False] * 9 + [True]),
)
@thorough(50, in_deep=1_000)
def test_a_renewed_review_equals_a_full_one(
    demo: Plan,
    few: Plan,
    bases: dict[tuple[bool, int], Review],
    seed: int,
    many: int,
    is_whole: bool,  # noqa: FBT001 - drawn
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "MANY_SUBJECTS", many)
        first = demo if is_whole else few
        base = bases.get((is_whole, many))
        if base is None:
            base = bases[is_whole, many] = review(first, as_of=DAY)
        rnd = random.Random(seed)  # noqa: S311 - edits of a test
        plan = edited(first, rnd)
        renewed = review(plan, as_of=DAY, earlier=base)
        if rnd.random() < CHAINED:
            plan = edited(plan, rnd)
            renewed = review(plan, as_of=DAY, earlier=renewed)
        assert document(renewed) == document(review(plan, as_of=DAY))


@pytest.fixture(scope="module")
def mixed(demo: Plan) -> Plan:
    """The demo with every column of every layer moved down by one row."""
    return demo.with_layers(
        {name: rolled(demo.frame(name), frozenset()) for name in demo.layers}, label="mixed"
    )


def rolled(frame: pd.DataFrame, kept: frozenset[str]) -> pd.DataFrame:
    """Return a frame in which all columns but these are moved down by one row."""
    order = np.roll(np.arange(len(frame)), 1)
    moved = frame.iloc[order].reset_index(drop=True)
    return moved.assign(**{name: frame[name] for name in frame.columns if name in kept})


def told(outcome: Outcome) -> tuple[object, ...]:
    """Return all that an outcome says."""
    singles = [(repr(replace(item, geometry=None)), item.geometry) for item in outcome.singles]
    batches = [
        (repr(batch.at(row)), None if batch.shapes is None else batch.shapes.of(np.array([row]))[0])
        for batch in outcome.batches
        for row in range(len(batch))
    ]
    return singles, batches, outcome.judged, outcome.below, outcome.facts


def test_a_check_reads_what_is_told_of_it(demo: Plan, mixed: Plan) -> None:
    """What a rule says stays the same whatever stands in columns that it is said not to read."""
    rules = open_rulebook(demo.settings.rulebook_path)
    whole = Shared(demo, DAY)
    for rule in rules.in_force(DAY):
        reads, _ = reading_of(rule)
        assert reads is not None, rule.rule_id
        frames = {
            name: demo.frame(name) if columns is None else rolled(demo.frame(name), columns)
            for name, columns in reads.items()
            if demo.has(name)
        }
        other = Shared(mixed.with_layers(frames, label=rule.rule_id), DAY)
        found, expected = (
            told(rule.check.run(case_of(rule, shared, None), rule.parameters))
            for shared in (other, whole)
        )
        assert found == expected, rule.rule_id


def test_every_check_is_listed() -> None:
    assert set(READINGS) == {
        (family, name) for family, checks in FAMILIES.items() for name in checks
    }


def test_a_review_of_another_day_or_scope_is_of_no_use(demo: Plan, demo_review: Review) -> None:
    other = review(demo, as_of=date(2020, 1, 1), earlier=demo_review)
    assert other.as_of == date(2020, 1, 1)
    day, two = demo_review.as_of, demo_review.park_ids[:2]
    some = review(demo, as_of=day, parks=two, earlier=demo_review)
    assert some.park_ids == two
    assert {item.park_id for item in some.results} <= {*two, None}


def test_what_reads_nothing_that_changed_is_kept(demo: Plan, demo_review: Review) -> None:
    row = demo.frame("parcels").iloc[[0]]
    plan = demo.with_rows("parcels", row.assign(power_kva=1.0), label="power")
    renewed = review(plan, as_of=demo_review.as_of, earlier=demo_review)
    assert renewed.memory is not None
    assert demo_review.memory is not None
    assert all(
        renewed.memory.outcomes[rule_id] is outcome
        for rule_id, outcome in demo_review.memory.outcomes.items()
    )
    assert renewed.plan is plan
