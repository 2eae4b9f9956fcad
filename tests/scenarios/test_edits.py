"""What each edit does to rows, and what it is refused for."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely

import geo_service as gs
from geo_service.errors import ScenarioError
from geo_service.language import Translator
from geo_service.plan import Plan
from geo_service.scenarios.edits import EDITS
from geo_service.scenarios.steps import STEPS
from tests.county import box, line
from tests.scenarios.made import Document, a_point, applied, cut, edit, geojson, moved, row_of


def refusal(plan: Plan, *edits: Document) -> str:
    """Return why edits are refused, in English."""
    with pytest.raises(ScenarioError) as caught:
        applied(plan, *edits)
    return str(caught.value)


def test_every_kind_of_edit_has_a_step() -> None:
    assert set(STEPS) == set(EDITS.values())
    assert {op: model.model_fields["op"].default for op, model in EDITS.items()} == {
        op: op for op in EDITS
    }


# ---- enterprises ------------------------------------------------------------------------------


def test_an_enterprise_that_moves_to_a_park_has_no_place_in_it(plan: Plan) -> None:
    made = applied(plan, moved("E1", park_id="P2"))
    row = row_of(made, "enterprises", enterprise_id="E1", year=2025)
    assert (row["park_id"], row["geometry"]) == ("P2", None)
    assert pd.isna(row["parcel_id"])
    earlier = row_of(made, "enterprises", enterprise_id="E1", year=2024)
    assert (earlier["park_id"], earlier["parcel_id"]) == ("P1", "A")


def test_an_enterprise_that_moves_onto_a_parcel_lies_on_it_and_builds_on_it(plan: Plan) -> None:
    made = applied(plan, moved("E1", parcel_id="C"))
    row = row_of(made, "enterprises", enterprise_id="E1", year=2025)
    parcel = row_of(made, "parcels", parcel_id="C")
    assert (row["park_id"], row["parcel_id"], parcel["status"]) == ("P2", "C", "built")
    assert parcel["geometry"].contains(row["geometry"])


def test_a_move_to_a_floor_takes_its_room_and_frees_the_one_behind(plan: Plan) -> None:
    # E3 has 700 m² of floor 1, of which 300 of 1000 are vacant: 1000 are, once it has moved up.
    made = applied(plan, moved("E3", building_id="BD", floor_no=2))
    vacant = [row_of(made, "floors", floor_no=number)["vacant_m2"] for number in (1, 2)]
    assert vacant == [1000, 300]
    row = row_of(made, "enterprises", enterprise_id="E3", year=2025)
    assert (row["building_id"], row["floor_no"], row["park_id"]) == ("BD", 2, "P1")


def test_a_floor_without_room_refuses(plan: Plan) -> None:
    told = refusal(plan, moved("F1", building_id="BD", floor_no=1))
    assert "700 m² wanted on floor BD/1" in told
    assert "300 m² that are left" in told


def test_a_parcel_without_room_refuses(plan: Plan) -> None:
    # A has 10 000 m²; E1 and E2 have 4000 each, and 2000 are left.
    big = edit("set_value", layer="enterprises", id="F1", column="land_m2", value=2500)
    assert "2,000 m² that are left" in refusal(plan, big, moved("F1", parcel_id="A"))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (moved("E1", park_id="P9"), "an id that layer 'parks' has"),
        (moved("E9", park_id="P1"), "an id that layer 'enterprises' has"),
        (moved("E3", building_id="BD", floor_no=1), "there already"),
        (moved("E1", building_id="BD", floor_no=7), "an id that layer 'floors' has"),
        (moved("E1", park_id="P1", parcel_id="A"), "one of park_id"),
        (moved("E1", building_id="BD"), "building_id and floor_no together"),
        (edit("close_enterprise", enterprise_id="E1", more=1), "more"),
    ],
)
def test_a_move_that_cannot_be_is_refused_in_words(plan: Plan, one: Document, words: str) -> None:
    assert words in refusal(plan, one)


def test_an_enterprise_that_is_closed_counts_no_more_and_frees_its_floor(plan: Plan) -> None:
    made = applied(plan, edit("close_enterprise", enterprise_id="E3"))
    assert row_of(made, "enterprises", enterprise_id="E3")["status"] == "closed"
    assert row_of(made, "floors", floor_no=1)["vacant_m2"] == 1000
    again = edit("close_enterprise", enterprise_id="E3")
    assert "not closed" in refusal(plan, again, again)


def test_an_enterprise_that_is_added_takes_room_and_has_an_id(plan: Plan) -> None:
    told = {
        "name": "新企业",
        "industry_code": "1311",
        "building_id": "BD",
        "floor_no": 2,
        "floor_m2": 400,
    }
    made = applied(plan, edit("add_enterprise", feature={"properties": told}))
    row = made.enterprises.iloc[-1]
    assert (row["year"], row["park_id"], row["status"]) == (2025, "P1", "operating")
    assert row["enterprise_id"].startswith("enterprise~")
    assert row_of(made, "floors", floor_no=2)["vacant_m2"] == 600
    assert bool(row["illustrative"])


# ---- parks ------------------------------------------------------------------------------------


def test_a_park_gets_another_industry_and_keeps_what_is_not_given(plan: Plan) -> None:
    one = edit("set_leading_industry", park_id="P1", leading_industry="36")
    row = row_of(applied(plan, one), "parks", park_id="P1")
    assert (row["leading_industry"], row["speciality"]) == ("36", "P1 特色")
    two = {**one, "supporting_industries": ["18", "24"], "speciality": "服装"}
    row = row_of(applied(plan, two), "parks", park_id="P1")
    assert (row["supporting_industries"], row["speciality"]) == ("18;24", "服装")


def test_an_industry_that_there_is_not_is_refused(plan: Plan) -> None:
    one = edit("set_leading_industry", park_id="P1", leading_industry="9999")
    assert "'9999'" in refusal(plan, one)


def test_a_park_is_reshaped_added_and_closed(plan: Plan) -> None:
    outline = geojson(box(0, 0, 1200, 1000))
    added = {"name": "新园", "tier": "sme_cluster", "leading_industry": "13"}
    made = applied(
        plan,
        edit("reshape_park", park_id="P1", geometry=outline),
        edit("add_park", feature={"properties": added, "geometry": geojson(box(4000, 0, 9, 9))}),
        edit("close_park", park_id="P2"),
    )
    shapes = made.metric("parks").set_index("park_id").geometry
    assert shapes["P1"].area == pytest.approx(1_200_000, rel=1e-6)
    assert row_of(made, "parks", park_id="P2")["status"] == "closed"
    assert made.parks["park_id"].iloc[-1].startswith("park~")
    assert len(plan.parks) == 2


def test_a_shape_outside_the_county_or_across_itself_is_refused(plan: Plan) -> None:
    far = geojson(box(90_000, 0, 100, 100))
    assert "leaves the county" in refusal(plan, edit("reshape_park", park_id="P1", geometry=far))
    bow = geojson(
        shapely.Polygon(
            [(500_000, 3_420_000), (500_100, 3_420_100), (500_100, 3_420_000), (500_000, 3_420_100)]
        )
    )
    assert "invalid shape" in refusal(plan, edit("reshape_park", park_id="P1", geometry=bow))
    a_line = geojson(line((0, 0), (10, 10)))
    assert "LineString" in refusal(plan, edit("reshape_park", park_id="P1", geometry=a_line))


# ---- parcels ----------------------------------------------------------------------------------


def test_a_rezoned_parcel_has_a_code_of_its_scheme(plan: Plan) -> None:
    one = edit("rezone_parcel", parcel_id="A", land_use="100102")
    assert row_of(applied(plan, one), "parcels", parcel_id="A")["land_use"] == "100102"
    assert "a code of the scheme" in refusal(plan, {**one, "land_use": "990000"})
    local = {**one, "land_use": "甲类", "land_use_scheme": "local"}
    assert row_of(applied(plan, local), "parcels", parcel_id="A")["land_use"] == "甲类"


def test_pieces_of_a_parcel_add_up_and_what_stands_on_them_follows(plan: Plan) -> None:
    made = applied(plan, cut("A", (-10, 25), (110, 25)))
    pieces = made.parcels[made.parcels["parcel_id"].str.startswith("A~")]
    # A cut at 25 of 100 m: a quarter and three quarters of 10 000 m² and of 300.
    assert sorted(pieces["area_m2"]) == pytest.approx([2500, 7500], rel=1e-5)
    assert sorted(pieces["investment_cny"]) == pytest.approx([75, 225], rel=1e-5)
    whole = row_of(plan, "parcels", parcel_id="A")["geometry"]
    union = shapely.union_all(pieces.geometry.to_numpy())
    assert union.symmetric_difference(whole).area <= 1e-9 * whole.area
    assert "A" not in set(made.parcels["parcel_id"])
    assert set(pieces["park_id"]) == {"P1"}
    # E1 and E2 have no point of their own: both stand where the middle of A was.
    homes = set(
        made.enterprises.loc[made.enterprises["enterprise_id"].isin(["E1", "E2"]), "parcel_id"]
    )
    upper = pieces.loc[pieces["area_m2"].idxmax(), "parcel_id"]
    assert homes == {upper}


@pytest.mark.parametrize(
    "places",
    [((-10, 150), (110, 150)), ((50, 50), (60, 60)), ((-10, 99.9999), (110, 99.9999))],
)
def test_a_line_that_does_not_cut_is_refused(
    plan: Plan, places: tuple[tuple[float, float], ...]
) -> None:
    assert "a line from one side" in refusal(plan, cut("A", *places))


def test_parcels_put_together_add_up_and_weigh_their_ratios(plan: Plan) -> None:
    made = applied(plan, edit("merge_parcels", parcel_ids=["B", "A"]))
    row = made.parcels.iloc[-1]
    # 10 000 + 10 000 m²; 300 + 100; plot ratios 1 and 2 on equal ground.
    assert row["area_m2"] == pytest.approx(20_000)
    assert (row["investment_cny"], row["plot_ratio"]) == (400, pytest.approx(1.5, rel=1e-6))
    assert (row["status"], row["land_use"]) == ("built", "100101")
    assert made.metric("parcels").geometry.iloc[-1].area == pytest.approx(20_000, rel=1e-6)
    homes = made.enterprises["parcel_id"].dropna()
    assert set(homes) == {row["parcel_id"]}


def test_parcels_that_do_not_touch_or_differ_are_not_put_together(plan: Plan) -> None:
    assert "do not touch" in refusal(plan, edit("merge_parcels", parcel_ids=["A", "H"]))
    assert "differ in" in refusal(plan, edit("merge_parcels", parcel_ids=["A", "C"]))
    other = edit("rezone_parcel", parcel_id="B", land_use="100102")
    assert "differ in" in refusal(plan, other, edit("merge_parcels", parcel_ids=["A", "B"]))
    assert "each id once" in refusal(plan, edit("merge_parcels", parcel_ids=["A", "A"]))


# ---- other features ---------------------------------------------------------------------------


def test_a_building_comes_with_its_floors(plan: Plan) -> None:
    told: Document = {
        "park_id": "P2",
        "name": "二号楼",
        "floors": [
            {"floor_no": 1, "area_m2": 500, "load_kn_m2": 10},
            {"floor_no": 2, "area_m2": 400, "vacant_m2": 100},
        ],
    }
    one = edit(
        "add_building", feature={"properties": told, "geometry": geojson(box(2010, 10, 30, 30))}
    )
    made = applied(plan, one)
    building_id = made.buildings["building_id"].iloc[-1]
    floors = made.floors[made.floors["building_id"] == building_id]
    assert floors[["floor_no", "vacant_m2"]].to_numpy().tolist() == [[1, 500], [2, 100]]
    told["floors"].append({"floor_no": 2, "area_m2": 1})
    assert "each id once" in refusal(plan, one)


def test_facilities_roads_and_zones_are_added_and_marked(plan: Plan) -> None:
    made = applied(
        plan,
        edit(
            "add_facility",
            feature={
                "properties": {"kind": "substation", "name": "变电站"},
                "geometry": a_point(50, 50),
            },
        ),
        edit(
            "add_road",
            feature={
                "properties": {"class": "county", "speed_km_h": 60},
                "geometry": geojson(line((0, 0), (500, 500))),
            },
        ),
        edit(
            "add_zone",
            feature={
                "properties": {"kind": "ecological_red_line", "name": "拟划"},
                "geometry": geojson(box(0, 0, 50, 50)),
            },
        ),
    )
    for layer in ("facilities", "roads", "control_zones"):
        row = made.frame(layer).iloc[-1]
        assert row["source"].startswith("scenario edit ")
        assert bool(row["illustrative"])
    kinds = edit(
        "add_facility", feature={"properties": {"kind": "castle"}, "geometry": a_point(0, 0)}
    )
    assert "castle" in refusal(plan, kinds)


def test_a_feature_is_refused_with_every_reason(plan: Plan) -> None:
    told = {
        "name": "园",
        "tier": "castle",
        "leading_industry": "13",
        "colour": "red",
        "host_park_id": "P9",
    }
    said = refusal(
        plan, edit("add_park", feature={"properties": told, "geometry": geojson(box(0, 0, 9, 9))})
    )
    for words in ("castle", "colour", "'P9'"):
        assert words in said


def test_an_id_that_something_has_is_refused(plan: Plan) -> None:
    told = {"park_id": "P1", "name": "园", "tier": "sme_cluster"}
    one = edit("add_park", feature={"properties": told, "geometry": geojson(box(0, 0, 9, 9))})
    assert "an id that nothing has yet" in refusal(plan, one)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layer": "parcel"}, "parcels"),
        ({"column": "parcel_id"}, "parcel_id"),
        ({"column": "plot_ratio", "value": -1}, "≥ 0"),
        ({"column": "plot_ratio", "value": True}, "number"),
        ({"column": "plot_ratio", "value": "viel"}, "viel"),
        ({"column": "park_id", "value": "P9"}, "'P9'"),
        ({"column": "status", "value": "broken"}, "broken"),
        ({"id": "Z"}, "an id that layer 'parcels' has"),
        ({"layer": "floors", "id": "BD/1", "column": "vacant_m2", "value": 2000}, "no more vacant"),
        ({"layer": "control_zones", "id": "D", "column": "kind", "value": "x"}, "x"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(plan: Plan, fields: Document, words: str) -> None:
    one = edit("set_value", layer="parcels", id="A", column="plot_ratio", value=2)
    assert words in refusal(plan, {**one, **fields})


def test_a_value_is_set_and_taken_away(plan: Plan) -> None:
    one = edit("set_value", layer="parcels", id="A", column="plot_ratio", value=2.5)
    assert row_of(applied(plan, one), "parcels", parcel_id="A")["plot_ratio"] == 2.5
    none = applied(plan, {**one, "value": None})
    assert pd.isna(row_of(none, "parcels", parcel_id="A")["plot_ratio"])
    year = edit("set_value", layer="enterprises", id="E1", year=2024, column="output_cny", value=7)
    made = applied(plan, year)
    assert row_of(made, "enterprises", enterprise_id="E1", year=2024)["output_cny"] == 7
    assert row_of(made, "enterprises", enterprise_id="E1", year=2025)["output_cny"] == 100


# ---- projects ---------------------------------------------------------------------------------

LAND = {"name": "新项目", "industry_code": "1311", "needs": {"land_m2": 9000}, "output_cny": 5e6}
FLOOR = {"name": "新项目", "industry_code": "1311", "needs": {"floor_area_m2": 800}}


def test_a_project_takes_the_parcel_that_it_was_ranked_on(plan: Plan) -> None:
    one = edit("place_project", project=LAND, candidate_id="parcel:B")
    made = applied(plan, one)
    row = made.enterprises.iloc[-1]
    assert (row["name"], row["parcel_id"], row["park_id"]) == ("新项目", "B", "P1")
    assert (row["output_cny"], row["land_m2"], bool(row["is_new"])) == (5e6, 9000, True)
    assert row_of(made, "parcels", parcel_id="B")["status"] == "built"
    assert "a parcel that is free" in refusal(plan, one, one)
    assert "a parcel that is free" in refusal(plan, {**one, "candidate_id": "parcel:A"})


def test_a_project_takes_floors_and_gives_them_over_to_its_class(plan: Plan) -> None:
    project = {**FLOOR, "hazard_class": "丙", "needs": {"floor_area_m2": 1100}}
    made = applied(plan, edit("place_project", project=project, candidate_id="floors:BD/1+2"))
    floors = made.floors.set_index("floor_no")
    # 300 of floor 1, then 800 of floor 2.
    assert floors["vacant_m2"].tolist() == [0, 200]
    assert floors["fire_class"].tolist() == ["丙", "丙"]
    assert made.enterprises.iloc[-1]["floor_m2"] == 1100


@pytest.mark.parametrize(
    ("project", "candidate_id", "words"),
    [
        (FLOOR, "floors:BD/1", "at least the 800 m²"),
        (FLOOR, "floors:BD/9", "a floor with vacant area"),
        (FLOOR, "parcel:B", "land, or floors"),
        (LAND, "castle:B", "a candidate's id"),
        (LAND, "land:E1N1", "ground of a candidate"),
        ({**LAND, "needs": {"land_m2": 90_000}}, "parcel:B", "at least the 90,000 m²"),
        ({**LAND, "industry_code": "99x"}, "parcel:B", "99x"),
    ],
)
def test_a_place_that_does_not_do_is_refused(
    plan: Plan, project: Document, candidate_id: str, words: str
) -> None:
    assert words in refusal(plan, edit("place_project", project=project, candidate_id=candidate_id))


def test_a_project_on_a_park_takes_its_free_land(plan: Plan) -> None:
    made = applied(plan, edit("place_project", project=LAND, candidate_id="park:P2"))
    assert made.enterprises.iloc[-1]["parcel_id"] == "C"


def test_a_project_on_new_land_becomes_a_parcel(plan: Plan) -> None:
    ground = geojson(box(1200, 0, 100, 100))
    one = edit("place_project", project=LAND, candidate_id="land:E1N1", geometry=ground)
    made = applied(plan, one)
    row = made.parcels.iloc[-1]
    assert (row["status"], row["area_m2"]) == ("built", pytest.approx(10_000, rel=1e-6))
    assert pd.isna(row["park_id"])
    assert made.enterprises.iloc[-1]["parcel_id"] == row["parcel_id"]


def test_a_ranking_says_candidates_that_a_project_can_be_placed_on(plan: Plan) -> None:
    project = {**LAND, "needs": {"land_m2": 9000}}
    ranked = gs.rank(plan, project).candidates
    for candidate_id in ranked["candidate_id"]:
        one = edit("place_project", project=project, candidate_id=candidate_id)
        assert len(applied(plan, one).enterprises) == len(plan.enterprises) + 1
    assert len(ranked)


def test_refusals_are_told_in_chinese_too(plan: Plan) -> None:
    with pytest.raises(ScenarioError) as caught:
        applied(plan, moved("E1", park_id="P9"))
    assert "“园区”图层中已有的编号" in caught.value.tell(Translator())
