"""A review in blocks of parcels is that of the whole, whatever lies where."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Language, Translator
from geo_service.plan import Layer, Plan
from geo_service.reports.finding_columns import finding_columns
from geo_service.spatial import pairs
from geo_service.zoning import measured
from geo_service.zoning.approvals import Approvals
from geo_service.zoning.blocks import (
    WholeFacts,
    blocks_of,
    can_be_cut,
    joined,
    review_block,
    review_rest,
)
from geo_service.zoning.review import Review, Terms, review
from geo_service.zoning.rulebook import default_rulebook
from geo_service.zoning.waivers import Waivers
from tests.depth import thorough

DAY = date(2026, 11, 30)
RULES = default_rulebook()


def terms_of(plan: Plan) -> Terms:
    return Terms(
        plan=plan,
        rules=RULES,
        day=DAY,
        park_ids=tuple(plan.frame("parks")["park_id"]),
        selected=None,
        waivers=Waivers(),
        approvals=Approvals(),
    )


def with_frames(plan: Plan, **frames: pd.DataFrame) -> Plan:
    """Return a plan of the same versions with other frames, as parts of a county are opened."""

    def layer_of(name: str, layer: Layer) -> Layer:
        frame = frames.get(name)
        return layer if frame is None else Layer(name, layer.version, lambda: frame, layer.number)

    layers = {name: layer_of(name, layer) for name, layer in plan.layers.items()}
    return Plan(layers, plan.settings)


def in_blocks(plan: Plan, most: int) -> tuple[int, Review]:
    """Review a plan in blocks of so many parcels; return their number and what was joined."""
    whole, blocks = WholeFacts.of(plan, RULES, DAY), blocks_of(plan, most)
    parcels, buildings = plan.frame("parcels"), plan.frame("buildings")
    rest = with_frames(plan, parcels=pd.DataFrame(parcels.drop(columns="geometry")))
    reviews = []
    for block in blocks:
        near = np.union1d(block.parcels, block.neighbours)
        own = with_frames(
            plan, parcels=parcels.iloc[near], buildings=buildings.iloc[block.buildings]
        )
        reviews.append(review_block(terms_of(own), whole, block))
    terms = terms_of(rest)
    return len(blocks), joined(terms, review_rest(terms, whole), reviews)


def unsettled(plan: Plan, rnd: random.Random) -> Plan:
    """Return a plan in which much lies in no park, on other ground, or nowhere."""
    parcels = plan.geo("parcels")
    shapes = np.array(parcels.geometry.array, dtype=object)
    for row in rnd.sample(range(len(parcels)), 12):
        shift = rnd.uniform(-3e-4, 3e-4), rnd.uniform(-3e-4, 3e-4)
        shapes[row] = shapely.affinity.translate(shapes[row], *shift)
    frames: dict[str, pd.DataFrame] = {
        "parcels": parcels.set_geometry(shapes, crs=parcels.crs),
        "buildings": plan.frame("buildings").copy(),
        "enterprises": plan.frame("enterprises").copy(),
    }

    def empty(name: str, column: str, count: int) -> None:
        frame = frames[name]
        rows = frame.index[rnd.sample(range(len(frame)), count)]
        frame.loc[rows, column] = None

    for name, share in (("parcels", 0.4), ("buildings", 0.3), ("enterprises", 0.1)):
        empty(name, "park_id", int(share * len(frames[name])))
    for column in ("parcel_id", "building_id"):
        empty("enterprises", column, 20)
    return plan.with_layers(frames, label=str(rnd.random()))


@pytest.fixture(scope="module")
def few(demo: Plan) -> Plan:
    """The demo with a sixth of its parks, and what lies in them."""
    chosen = demo.frame("parks")["park_id"].tolist()[::6]
    frames = {
        name: demo.frame(name)[demo.frame(name)["park_id"].isin(chosen)].reset_index(drop=True)
        for name in ("parks", "parcels", "buildings", "enterprises")
    }
    floors = demo.frame("floors")
    own = floors["building_id"].isin(frames["buildings"]["building_id"])
    return demo.with_layers({**frames, "floors": floors[own].reset_index(drop=True)}, label="few")


@given(
    seed=st.integers(0, 10**9),
    most=st.sampled_from([12, 40]),
    is_large=st.booleans(),
)
@thorough(20, in_deep=300)
def test_blocks_say_what_the_whole_says(
    few: Plan,
    seed: int,
    most: int,
    is_large: bool,  # noqa: FBT001 - drawn
) -> None:
    plan = unsettled(few, random.Random(seed))  # noqa: S311 - edits of a test
    with pytest.MonkeyPatch.context() as patch:
        if is_large:  # measured and searched as the layers of a large county are
            patch.setattr(measured, "MANY_SUBJECTS", 10)
            patch.setattr(pairs, "_MANY", 0)
        full = review(plan, RULES, as_of=DAY, waivers=Waivers(), approvals=Approvals())
        number, found = in_blocks(plan, most)
    assert number > 1
    translator = Translator(Language.EN, plan.settings.names_hant)
    expected = finding_columns(full.results, translator)
    for name, column in finding_columns(found.results, translator).items():
        assert column.tolist() == expected[name].tolist(), name
    assert (found.checks, found.judged) == (full.checks, full.judged)
    assert found.park_verdicts == full.park_verdicts
    assert found.verdicts_by_basis == full.verdicts_by_basis
    assert {name: told for name, told in found.facts.items() if told} == {
        name: told for name, told in full.facts.items() if told
    }
    assert (found.review_id, found.focus) == (full.review_id, full.focus)


def test_every_parcel_is_in_one_block_and_parks_are_not_divided(demo: Plan) -> None:
    plan = unsettled(demo, random.Random(4))  # noqa: S311 - edits of a test
    park_ids = plan.frame("parcels")["park_id"]
    blocks = blocks_of(plan, 30)
    rows = np.concatenate([block.parcels for block in blocks])
    assert sorted(rows) == list(range(len(park_ids)))
    for block in blocks:
        own = park_ids.iloc[block.parcels].dropna()
        assert set(own) <= block.parks
        largest = int(park_ids.value_counts().max())
        assert len(block.parcels) <= max(30, largest)
        assert not set(block.neighbours) & set(block.parcels)
    assert sum(len(block.parks) for block in blocks) == len(plan.frame("parks"))
    buildings = np.concatenate([block.buildings for block in blocks])
    assert sorted(buildings) == list(range(len(plan.frame("buildings"))))


def test_the_shipped_rules_can_be_cut_and_one_that_reads_all_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert can_be_cut(RULES, DAY)
    monkeypatch.setattr("geo_service.zoning.blocks.reading_of", lambda _rule: (None, None))
    assert not can_be_cut(RULES, DAY)
