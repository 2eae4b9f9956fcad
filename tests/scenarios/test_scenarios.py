"""Scenarios as a whole: applied, judged, equal to what a full review says, read and written."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geo_service as gs
from geo_service.errors import ScenarioError
from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.reports.scenario import edit_documents
from geo_service.scenarios.apply import apply_edits
from geo_service.scenarios.causes import find_causes
from geo_service.scenarios.differences import CHANGING, find_changes
from geo_service.scenarios.judging import Judge, review_like
from geo_service.scenarios.reading import (
    MOST_EDITS,
    edits_of,
    kept_edits,
    parse_scenario,
    scenario_schema,
)
from geo_service.scenarios.scenario import base_of
from geo_service.zoning.review import Review, review
from tests.conftest import DEMO_DAY
from tests.county import box
from tests.depth import thorough
from tests.scenarios.made import Document, cut, edit, geojson, moved, told

HOSTILE = (
    "{{ 7*7 }} ${alert(1)} <script>alert(1)</script>",
    "'; DROP TABLE layer_versions; --",
    "../../etc/passwd\u202e\u2028%00",
    '=HYPERLINK("http://x")',
    "&lt;b&gt; ]]> --> \\u0000 {name} {0} %s",
)


# ---- laws -------------------------------------------------------------------------------------

PARKS, PARCELS = ("P1", "P2"), ("A", "B", "C", "H")
ENTERPRISES = tuple(f"{letter}{number}" for letter in "EF" for number in range(1, 6))
CODES = ("13", "36", "18", "1311")


def one_edit() -> st.SearchStrategy[Document]:
    """Return edits of the small county, most of which can be made."""
    names, parks = st.sampled_from(ENTERPRISES), st.sampled_from(PARKS)
    parcels, codes = st.sampled_from(PARCELS), st.sampled_from(CODES)
    size = st.integers(1, 9)
    return st.one_of(
        st.builds(lambda name, park: moved(name, park_id=park), names, parks),
        st.builds(lambda name, parcel: moved(name, parcel_id=parcel), names, parcels),
        st.builds(
            lambda name, number: moved(name, building_id="BD", floor_no=number),
            names,
            st.integers(1, 2),
        ),
        st.builds(lambda name: edit("close_enterprise", enterprise_id=name), names),
        st.builds(
            lambda park, code: edit("set_leading_industry", park_id=park, leading_industry=code),
            parks,
            codes,
        ),
        st.builds(
            lambda parcel, use: edit("rezone_parcel", parcel_id=parcel, land_use=use),
            parcels,
            st.sampled_from(("100101", "100103", "0701")),
        ),
        st.builds(
            lambda parcel, at: cut(parcel, (-50, 10.0 * at), (2500, 10.0 * at + 5)), parcels, size
        ),
        st.just(edit("merge_parcels", parcel_ids=["A", "B"])),
        st.builds(
            lambda park, at: edit(
                "reshape_park",
                park_id=park,
                geometry=geojson(box(2000.0 if park == "P2" else 0.0, 0, 100.0 * at + 100, 1000)),
            ),
            parks,
            size,
        ),
        st.builds(
            lambda at: edit(
                "add_zone",
                feature={
                    "properties": {"kind": "ecological_red_line", "name": "拟划"},
                    "geometry": geojson(box(0, 0, 20.0 * at, 300)),
                },
            ),
            size,
        ),
        st.builds(
            lambda name, value: edit(
                "set_value", layer="enterprises", id=name, column="output_cny", value=value
            ),
            names,
            st.one_of(st.none(), st.integers(0, 1000)),
        ),
    )


def makeable(plan: Plan, documents: list[Document]) -> list[Document]:
    """Return the edits that can be made one after another."""
    named = [{**one, "edit_id": f"e{number}"} for number, one in enumerate(documents)]
    return makeable_as_named(plan, named)


@given(documents=st.lists(one_edit(), min_size=1, max_size=5))
@thorough(50, in_deep=1_000)
def test_a_scenario_is_judged_as_its_plan_would_be_in_full(
    plan: Plan, base_review: Review, documents: list[Document]
) -> None:
    made = gs.scenario(plan, makeable(plan, documents))
    quick = review_like(base_review, made.plan)
    assert told(quick) == told(review(made.plan, base_review.rulebook, as_of=DEMO_DAY))


def outcome_of(
    plan: Plan, base: Review, documents: list[Document]
) -> dict[str, tuple[object, ...]] | None:
    """Return what becomes of findings by edits, each plan reviewed in full; None: cannot be."""
    try:
        changed = apply_edits(plan, edits_of(documents)).plan
    except ScenarioError:
        return None
    after = review(changed, base.rulebook, as_of=DEMO_DAY)
    return {change.key: change.state for change in find_changes(base, after, CHANGING)}


def causes_in_full(plan: Plan, base: Review, documents: list[Document]) -> dict[str, set[str]]:
    """Return which edits bring each change about: without them it stays away, or alone they do."""
    whole = outcome_of(plan, base, documents) or {}
    without = {}
    for document in documents:
        rest = [one for one in documents if one is not document]
        found = outcome_of(plan, base, rest)
        without[document["edit_id"]] = (
            outcome_of(plan, base, makeable_as_named(plan, rest)) if found is None else found
        )
    needed = {
        key: {name for name, found in without.items() if (found or {}).get(key) != state}
        for key, state in whole.items()
    }
    alone = {
        document["edit_id"]: outcome_of(plan, base, [document]) or {} for document in documents
    }
    return {
        key: names or {name for name, found in alone.items() if found.get(key) == whole[key]}
        for key, names in needed.items()
    }


def makeable_as_named(plan: Plan, documents: list[Document]) -> list[Document]:
    """Return those of edits with ids that can be made one after another."""
    chosen: list[Document] = []
    for one in documents:
        if outcome_is_makeable(plan, [*chosen, one]):
            chosen.append(one)
    return chosen


def outcome_is_makeable(plan: Plan, documents: list[Document]) -> bool:
    """Return whether edits can be made."""
    try:
        apply_edits(plan, edits_of(documents))
    except ScenarioError:
        return False
    return True


@given(documents=st.lists(one_edit(), min_size=2, max_size=4))
@thorough(15, in_deep=300)
def test_the_edits_that_are_named_as_causes_are_those_that_full_reviews_tell(
    plan: Plan, base_review: Review, documents: list[Document]
) -> None:
    edits = makeable(plan, documents)
    made = gs.scenario(plan, edits)
    judge = Judge(base_review)
    changes = find_changes(base_review, judge.review(made.plan), CHANGING)
    found = find_causes(made, judge, changes)
    assert {key: set(cause.edit_ids) for key, cause in found.items()} == causes_in_full(
        plan, base_review, edits
    )


@given(documents=st.lists(one_edit(), min_size=1, max_size=5))
@thorough(20)
def test_taking_every_edit_out_gives_the_plan_again(plan: Plan, documents: list[Document]) -> None:
    made = gs.scenario(plan, makeable(plan, documents))
    while made.edits:
        made = made.without(made.edits[-1].edit_id or "")
    assert made.plan is plan


@given(order=st.permutations(range(4)))
@thorough(20)
def test_the_order_of_independent_edits_does_not_matter(
    plan: Plan, base_review: Review, order: list[int]
) -> None:
    edits = [
        {**one, "edit_id": f"e{number}"}
        for number, one in enumerate(
            (
                moved("E1", park_id="P2"),
                edit("rezone_parcel", parcel_id="B", land_use="100103"),
                cut("C", (1990, 50), (2300, 50)),
                edit("set_leading_industry", park_id="P2", leading_industry="13"),
            )
        )
    ]
    straight = gs.scenario(plan, edits).plan
    shuffled = gs.scenario(plan, [edits[position] for position in order]).plan
    assert straight.version == shuffled.version
    for layer in straight.layers:
        assert straight.frame(layer).equals(shuffled.frame(layer))
    assert told(review_like(base_review, straight)) == told(review_like(base_review, shuffled))


def test_layers_that_no_edit_touches_are_shared(plan: Plan) -> None:
    made = gs.scenario(plan, [edit("rezone_parcel", parcel_id="A", land_use="100103")]).plan
    others = [name for name in plan.layers if name != "parcels"]
    assert all(made.frame(name) is plan.frame(name) for name in others)
    assert made.version != plan.version
    assert {
        name for name in plan.layers if made.layers[name].version != plan.layers[name].version
    } == {"parcels"}


def test_an_edit_that_sets_what_is_there_changes_nothing(plan: Plan) -> None:
    one = edit("set_value", layer="parks", id="P1", column="name", value="P1 园")
    assert gs.scenario(plan, [one]).plan is plan


def test_everything_that_takes_a_plan_takes_a_scenario(plan: Plan) -> None:
    made = gs.scenario(plan, [edit("set_leading_industry", park_id="P1", leading_industry="36")])
    judged = gs.review(made)
    assert judged.plan is made.plan
    assert judged.parks.set_index("park_id").loc["P1", "verdict"] != "pass"
    project = {"name": "p", "industry_code": "1311", "needs": {"land_m2": 9000}}
    assert gs.rank(made, project).plan is made.plan
    assert made.apply(plan).version == made.plan.version


# ---- ids, times, what was seen -----------------------------------------------------------------


def test_ids_times_and_what_was_seen_are_filled_in_the_same_way_each_time(plan: Plan) -> None:
    documents = [moved("E1", park_id="P2"), cut("A", (-10, 50), (110, 50))]
    one, two = (gs.scenario(plan, documents) for _ in range(2))
    assert [edit.edit_id for edit in one.edits] == [edit.edit_id for edit in two.edits]
    assert one.plan.version == two.plan.version
    seen = one.document()["edits"][0]["expects"]
    assert (
        seen
        == [
            {
                "layer": "enterprises",
                "id": "E1",
                "year": 2025,
                "values": {
                    "park_id": None,
                    "parcel_id": "A",
                    "building_id": None,
                    "floor_no": None,
                    "geometry": None,
                },
            }
        ]
        or seen[0]["values"]["park_id"] == "P1"
    )
    shape = one.document()["edits"][1]["expects"][0]["values"]["geometry"]
    assert shape.startswith("sha256:")
    assert one.base == base_of(plan)


def test_the_same_edit_in_two_scenarios_makes_features_of_different_ids(plan: Plan) -> None:
    documents = [{**cut("A", (-10, 50), (110, 50)), "edit_id": name} for name in ("e1", "e2")]
    ids = [set(gs.scenario(plan, [one]).plan.parcels["parcel_id"]) for one in documents]
    assert ids[0] & ids[1] == {"B", "C", "H"}


def test_a_file_whose_edits_saw_something_else_is_refused(plan: Plan) -> None:
    one = edit("rezone_parcel", parcel_id="A", land_use="100103")
    seen = {"layer": "parcels", "id": "A", "values": {"land_use": "100101"}}
    assert gs.scenario(plan, [{**one, "expects": [seen]}]).plan is not plan
    for wrong in (
        {**seen, "values": {"land_use": "100102"}},
        {**seen, "id": "Z"},
        {**seen, "layer": "enterprises", "id": "E1"},
        {**seen, "layer": "floors", "id": "BD/1", "values": {"geometry": "sha256:0"}},
        {**seen, "layer": "nothing"},
    ):
        with pytest.raises(ScenarioError, match="as the edit saw it"):
            gs.scenario(plan, [{**one, "expects": [wrong]}])


def test_an_edit_that_is_switched_off_is_kept_and_does_nothing(plan: Plan) -> None:
    made = gs.scenario(plan, [{**moved("E1", park_id="P2"), "enabled": False}])
    assert made.plan is plan
    assert made.document()["edits"][0]["enabled"] is False
    assert made.edits[0].expects


def test_edits_that_build_on_another_keep_it(plan: Plan) -> None:
    first = {**cut("A", (-10, 50), (110, 50)), "edit_id": "e1"}
    piece = gs.scenario(plan, [first]).plan.parcels["parcel_id"].iloc[-1]
    made = gs.scenario(plan, [first, edit("rezone_parcel", parcel_id=piece, land_use="100103")])
    with pytest.raises(ScenarioError, match="parcels"):
        made.without("e1")


# ---- documents --------------------------------------------------------------------------------

FILE = """
name: 方案甲
reason: 会议讨论
edits:
  - op: move_enterprise
    enterprise_id: E1
    building_id: BD
    floor_no: 2
    reason: 扩产
  - op: set_value
    layer: parcels
    id: A
    column: plot_ratio
    value: 1.5
    reason: 复核
"""


def test_a_file_needs_no_more_than_op_fields_and_reason(plan: Plan) -> None:
    read = parse_scenario(FILE, "a.yaml")
    made = gs.scenario(plan, read.edits, name=read.name)
    assert [edit.reason for edit in made.edits] == ["扩产", "复核"]
    assert made.document()["edits"][1]["value"] == 1.5
    assert parse_scenario(json.dumps(made.document())).edits == made.edits
    assert kept_edits(made.document()["edits"]) == made.edits


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("op: set_value", "op: set_values", 10, "set_value"),
        ("floor_no: 2", "flor_no: 2", 8, "flor_no"),
        ("    reason: 复核\n", "", 10, "nothing"),
        ("reason: 复核", "reason: '  '", 15, "blank"),
        ("value: 1.5", "value: [1]", 14, "value"),
        ("name: 方案甲", "title: x", 2, "title"),
        ("edits:", "edits: 3\nmore:", 4, "list"),
    ],
)
def test_a_fault_of_a_file_has_its_line(old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(FILE.replace(old, new), "a.yaml")
    assert any(fault.line == line for fault in caught.value.faults), str(caught.value)
    assert words in str(caught.value)


def test_the_schema_takes_what_a_scenario_writes(plan: Plan) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = scenario_schema()
    documents = [
        moved("E1", park_id="P2"),
        cut("A", (-10, 50), (110, 50)),
        edit(
            "add_facility",
            feature={"properties": {"kind": "port"}, "geometry": geojson(box(0, 0, 1, 1).centroid)},
        ),
        edit(
            "place_project",
            candidate_id="parcel:B",
            project={"name": "p", "industry_code": "1311", "needs": {"land_m2": 9000}},
        ),
    ]
    jsonschema.validate(gs.scenario(plan, documents, name="a").document(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "edits": [{"op": "nothing", "reason": "x"}]}, schema)


def test_fifty_edits_are_a_small_file(plan: Plan) -> None:
    documents: list[Document] = []
    for number in range(25):
        name = ENTERPRISES[number % 5]
        documents.append(moved(name, park_id=PARKS[(number // 5 + 1) % 2]))
        documents.append(
            edit("set_value", layer="enterprises", id=name, column="output_cny", value=number)
        )
    content = orjson.dumps(gs.scenario(plan, documents, name="五十条").document())
    assert len(content) <= 20_000


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", Language)
def test_hostile_texts_come_back_as_they_are(plan: Plan, text: str, language: Language) -> None:
    one = {**moved("E1", park_id="P2"), "reason": text, "author": text[:100]}
    made = gs.scenario(plan, [one], name=text, reason=text)
    document = made.document()
    assert (document["name"], document["edits"][0]["reason"]) == (text, text)
    again = parse_scenario(json.dumps(document))
    assert again.edits == made.edits
    assert edit_documents(made.edits, plan, Translator(language))[0]["reason"] == text


def test_an_edit_that_is_off_may_name_what_there_is_not(plan: Plan) -> None:
    one = edit("set_value", layer="", id="0", column="", value=None, enabled=False)
    made = gs.scenario(plan, [one])
    for language in Language:
        assert edit_documents(made.edits, plan, Translator(language))[0]["text"]


@pytest.mark.parametrize("text", ["a\x00b", "\x07", "\x1b[31m", ""])
def test_texts_with_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ScenarioError):
        edits_of([{**moved("E1", park_id="P2"), "reason": text}])


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Point", "coordinates": [1e400, 1]},
        {"type": "Point"},
        {"type": "Polygon", "coordinates": [[[[[[1, 2]]]]]]},
        {"type": 5, "coordinates": [1, 2]},
        {"type": "Point", "coordinates": [108, 30], "crs": {"name": "x"}},
        {"type": "Polygon", "coordinates": [[[108, 30], [108.1, 30]]]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Nothing", "coordinates": [1, 2]},
    ],
)
def test_geometry_that_is_none_is_refused(plan: Plan, geometry: Any) -> None:  # noqa: ANN401
    one = edit("add_facility", feature={"properties": {"kind": "port"}, "geometry": geometry})
    with pytest.raises(ScenarioError):
        gs.scenario(plan, edits_of([one]))


def test_too_many_edits_are_refused() -> None:
    with pytest.raises(ScenarioError, match="at most"):
        edits_of([moved("E1", park_id="P2")] * (MOST_EDITS + 1))


# ---- compared ---------------------------------------------------------------------------------


def test_scenarios_stand_side_by_side(plan: Plan) -> None:
    a = gs.scenario(
        plan, [edit("set_leading_industry", park_id="P1", leading_industry="36")], name="甲"
    )
    b = gs.scenario(plan, [moved("E1", parcel_id="C"), moved("E2", park_id="P2")], name="乙")
    found = gs.compare([a, b])
    assert found.verdicts.columns.tolist() == ["name", "plan", "甲", "乙"]
    assert list(found.costs.loc["moves"]) == [0, 0, 2]
    assert list(found.costs.loc["parks_changed"]) == [0, 1, 0]
    # C, of 20 000 m², was free and is built on.
    assert found.costs.loc["land_taken_m2", "乙"] == pytest.approx(20_000, rel=1e-6)
    assert found.measures.loc["free_land_m2", "plan"] == pytest.approx(30_000, rel=1e-6)
    assert "P1" in found.differing.index
    only = {change.finding.rule_id for change in found.only_in("甲")}
    assert "focus.is_top" in only
    assert set(found.changes["甲"].dropna()) == {"new"}
