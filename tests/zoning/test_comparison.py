"""What became of findings between two reviews, by rule and subject. Numbers derived by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.language import Translator
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.reports.comparison import ComparedReviews, ReviewSide, comparison_document
from geo_service.reports.document import review_document
from geo_service.zoning.comparable import ComparableReview
from geo_service.zoning.comparison import (
    KINDS,
    ChangeKind,
    Comparison,
    compare_reviews,
)
from geo_service.zoning.distance import MEASURE_PARTS, Distances, changed_evidence, is_equal
from geo_service.zoning.ran_on import LookedAt, RanOn, SubjectList
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, default_rulebook
from tests.county import County, box, enterprise, parcel, zone
from tests.depth import thorough
from tests.zoning.made import RED, reviewed

Open = Callable[[County], Plan]
DAY = date(2026, 3, 1)
OFF_FOCUS = "focus.off_focus_enterprise"
PLOT_RATIO = "indicator.plot_ratio"
DORMITORY = "building.dormitory"


def compared(before: Review, after: Review) -> Comparison:
    """Compare two reviews at hand."""
    return compare_reviews(ComparableReview.of(before), ComparableReview.of(after))


def told(before: Review, after: Review) -> dict[str, list[str]]:
    """Return the ids of subjects by what became of their findings, unchanged ones too."""
    sides = [ReviewSide.of(item, Translator()) for item in (before, after)]
    result = ComparedReviews.of(*sides)
    found: dict[str, list[str]] = {}
    for item in result.documents(KINDS):
        found.setdefault(item["kind"], []).append(item["subject"]["id"])
    return {kind: sorted(ids) for kind, ids in found.items()}


def reasons(before: Review, after: Review) -> set[str | None]:
    """Return why findings are not compared."""
    return {change.reason for change in compared(before, after).changes([ChangeKind.NOT_COMPARED])}


def saved(result: Review) -> dict[str, Any]:
    """Return a review as it is read from a file."""
    document: dict[str, Any] = orjson.loads(
        orjson.dumps(review_document(result, Translator()), option=orjson.OPT_SERIALIZE_NUMPY)
    )
    return document


def test_every_kind_of_change_of_enterprises(county: County, opened: Open) -> None:
    rows = county.layers["enterprises"]
    rows += [enterprise(name, "1711", 1.0) for name in ("STAYS", "FITS", "LEAVES", "SILENT")]
    rows.append(enterprise("SPEAKS", None, 1.0))
    before = reviewed(opened(county), OFF_FOCUS)
    by_id = {row["enterprise_id"]: row for row in rows}
    rows.remove(by_id["LEAVES"])
    by_id["FITS"]["industry_code"] = "1311"  # P1 leads in 13
    by_id["SILENT"]["industry_code"] = None
    by_id["SPEAKS"]["industry_code"] = "1311"
    by_id["E1"]["industry_code"] = None  # passed before: nothing is known of it any more
    rows.append(enterprise("COMES", "1711", 1.0))
    assert told(before, reviewed(opened(county), OFF_FOCUS)) == {
        "new": ["COMES"],
        "became_unknown": ["E1", "SILENT"],
        "cured": ["FITS", "SPEAKS"],
        "subject_gone": ["LEAVES"],
        "unchanged": ["STAYS"],
    }


def test_a_file_that_lacks_a_column_cures_nothing(county: County, opened: Open) -> None:
    # The least plot ratio of each parcel is 1.0: A fails, B passes.
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100), plot_ratio=0.65, plot_ratio_min=1.0),
        parcel("B", box(200, 0, 100, 100), plot_ratio=1.4, plot_ratio_min=1.0),
    ]
    before = reviewed(opened(county), PLOT_RATIO)
    for row in county.layers["parcels"]:
        row["plot_ratio"] = None
    after = reviewed(opened(county), PLOT_RATIO)
    assert told(before, after) == {"became_unknown": ["A", "B"]}
    # The column comes back: A is known to fail again, B passes.
    assert told(after, before) == {"worse": ["A"], "cured": ["B"]}


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0.5, "worse"), (0.9, "better"), (0.65000001, "unchanged"), (1.0, "cured")],
)
def test_the_distance_from_the_least_tells_worse_from_better(
    county: County, opened: Open, value: float, kind: str
) -> None:
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 100, 100), plot_ratio=0.65, plot_ratio_min=1.0)
    ]
    before = reviewed(opened(county), PLOT_RATIO)
    county.layers["parcels"][0]["plot_ratio"] = value
    assert told(before, reviewed(opened(county), PLOT_RATIO)) == {kind: ["A"]}


@pytest.mark.parametrize(
    ("width", "kind"),
    # 50 m × 100 m lie in the zone. 1 cm more is 1 m²: what re-projecting a boundary may change.
    [(50.0, "unchanged"), (50.009, "unchanged"), (60.0, "worse"), (20.0, "better")],
)
def test_an_area_is_equal_within_what_measuring_is_exact(
    county: County, opened: Open, width: float, kind: str
) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["control_zones"] += [zone("R", box(50, 0, 50, 100))]
    before = reviewed(opened(county), RED)
    county.layers["control_zones"][-1] = zone("R", box(100 - width, 0, width, 100))
    found = told(before, reviewed(opened(county), RED))
    assert "A" in found[kind]
    assert not {"new", "cured"} & found.keys()


def test_a_zone_drawn_anew_is_the_same_finding(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["control_zones"] += [zone("R", box(50, 0, 50, 100))]
    before = reviewed(opened(county), RED)
    county.layers["control_zones"][-1] = zone("NAMED ANEW", box(50, 0, 50, 100))
    found = told(before, reviewed(opened(county), RED))
    assert found == {"unchanged": ["A", "P1"]}


def test_what_only_one_review_looked_at_is_not_compared(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    plan = opened(county)
    shipped = default_rulebook()
    rules = Rulebook(shipped.title, {OFF_FOCUS: shipped.rules[OFF_FOCUS]})
    others = Rulebook(shipped.title, {"focus.declared": shipped.rules["focus.declared"]})
    whole, part, other = (
        review(plan, rules),
        review(plan, rules, parks=["P2"]),
        review(plan, others),
    )
    for one, two, reason in (
        (whole, part, "park"),
        (part, whole, "park"),
        (whole, other, "rule"),
        (other, whole, "rule"),
    ):
        assert told(one, two) == {"not_compared": ["Z"]}
        assert reasons(one, two) == {reason}


def test_what_a_rule_no_longer_asks_is_no_cure(county: County, opened: Open) -> None:
    county.layers["parcels"] = [parcel("A", box(0, 0, 100, 100))]
    county.layers["buildings"] = [
        {
            "building_id": "B",
            "park_id": "P1",
            "parcel_id": "A",
            "has_dormitory": True,
            "geometry": box(0, 0, 50, 50),
            "source": "made for tests",
            "illustrative": True,
        }
    ]
    before = reviewed(opened(county), DORMITORY)
    county.layers["buildings"][0]["has_dormitory"] = None  # nobody says: the rule leaves it out
    after = reviewed(opened(county), DORMITORY)
    assert told(before, after) == {"not_compared": ["B"]}
    assert reasons(before, after) == {"subject"}
    county.layers["buildings"][0]["has_dormitory"] = False
    assert told(before, reviewed(opened(county), DORMITORY)) == {"cured": ["B"]}


def test_a_park_that_is_added_or_closed_is_compared(county: County, opened: Open) -> None:
    county.layers["parks"][1]["leading_industry"] = None
    with_p2 = reviewed(opened(county), "focus.declared")
    county.layers["parks"].pop()
    county.layers["enterprises"] = county.layers["enterprises"][:5]
    without = reviewed(opened(county), "focus.declared")
    assert told(with_p2, without) == {"subject_gone": ["P2"]}
    assert told(without, with_p2) == {"new": ["P2"]}


def test_a_saved_review_is_compared_as_one_at_hand(county: County, opened: Open) -> None:
    rows = county.layers["enterprises"]
    rows += [enterprise("Z", "1711", 1.0), enterprise("Y", "1711", 1.0)]
    before = reviewed(opened(county), OFF_FOCUS, RED)
    rows[-1]["industry_code"] = "1311"
    after = reviewed(opened(county), OFF_FOCUS, RED)
    live = ComparedReviews.of(*(ReviewSide.of(item, Translator()) for item in (before, after)))
    read = ComparedReviews.of(*(ReviewSide.of_document(saved(item)) for item in (before, after)))
    assert orjson.dumps(comparison_document(live)) == orjson.dumps(comparison_document(read))
    assert live.comparison.counts["cured"] == 1


@pytest.mark.parametrize("record", [None, [], {}, {"subjects": {}, "rules": {"x": 1}}, "0-3"])
def test_without_a_record_nothing_is_said_to_be_cured(
    county: County, opened: Open, record: object
) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    before = saved(reviewed(opened(county), OFF_FOCUS))
    county.layers["enterprises"].pop()
    county.layers["enterprises"].append(enterprise("Y", "1711", 1.0))
    after = saved(reviewed(opened(county), OFF_FOCUS)) | {"ran_on": record}
    found = ComparedReviews.of(ReviewSide.of_document(before), ReviewSide.of_document(after))
    kinds = {(item["kind"], item["reason"]) for item in found.documents()}
    assert kinds == {("not_compared", "record"), ("new", None)}


def test_a_waiver_makes_a_finding_lighter(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    before = saved(reviewed(opened(county), OFF_FOCUS))
    after = copy.deepcopy(before)
    after["findings"][0]["waived"] = {"reason": "agreed"}
    there = ComparedReviews.of(ReviewSide.of_document(before), ReviewSide.of_document(after))
    assert [(item["kind"], item["changed"]) for item in there.documents()] == [
        ("better", ["waived"])
    ]
    back = ComparedReviews.of(ReviewSide.of_document(after), ReviewSide.of_document(before))
    assert [item["kind"] for item in back.documents()] == ["worse"]


def test_more_findings_on_one_subject_are_worse_and_fewer_better(
    county: County, opened: Open
) -> None:
    # Two of four values of the contract are missed, then three.
    county.layers["parcels"] = [
        parcel(
            "A",
            box(0, 0, 100, 100),
            plot_ratio=1.0,
            contract_plot_ratio=1.5,
            building_coefficient=0.2,
            contract_building_coefficient=0.4,
            investment_cny=1e6,
        )
    ]
    rule = "indicator.standard_land"
    two = reviewed(opened(county), rule)
    county.layers["parcels"][0]["contract_investment_cny_per_mu"] = 1e6
    three = reviewed(opened(county), rule)
    assert (len(two.results), len(three.results)) == (2, 3)
    assert told(two, three) == {"worse": ["A"], "unchanged": ["A", "A"]}
    assert told(three, two) == {"better": ["A"], "unchanged": ["A", "A"]}


def test_parts_that_are_judged_anew_take_the_place_of_those_before() -> None:
    def looked(*subjects: tuple[str, str | None]) -> LookedAt:
        found = LookedAt()
        ids, parks = zip(*subjects, strict=True) if subjects else ((), ())
        found.add_rows("parcels", pd.Series(ids, dtype="str"), pd.Series(parks, dtype="str"))
        return found

    def ids(of: LookedAt) -> list[str]:
        return sorted(name for piece in of.ids_by_layer()["parcels"] for name in piece)

    before = looked(("A", "P"), ("B", "P"), ("C", "Q"), ("D", None), ("E", "P"), ("E", "Q"))
    new = looked(("B", "P"), ("F", "P"), ("C", "Q"))
    assert ids(before.with_parks(new, {"P"})) == ["B", "C", "D", "E", "F"]
    old = looked(("A", "P"), ("E", "P"), ("D", None), ("C", "P"))
    # C of park Q was judged apart from a C of park P; E stays for its other park.
    assert ids(before.exchanged(old, looked(("G", "P")))) == ["B", "C", "E", "G"]


def test_every_finding_of_the_demo_is_of_a_subject_that_its_rule_ran_on(
    demo_review: Review,
) -> None:
    assert demo_review.ran_on is not None
    found = demo_review.results
    for rule, layer, subject in zip(
        found.rule_ids, found.subject_layers, found.subject_ids, strict=True
    ):
        assert demo_review.ran_on.covers(rule, layer, [subject]).all(), (rule, layer, subject)
    for rule, count in demo_review.checks.items():
        marked = sum(int(mask.sum()) for mask in demo_review.ran_on.masks[rule].values())
        # Some subjects are counted twice (an enterprise of two floors), or looked at besides.
        assert bool(marked) == bool(count.checked), rule


def test_projecting_a_layer_to_metres_and_back_changes_nothing(demo: Plan) -> None:
    rules = (RED, "control_zone.permanent_farmland", "control_zone.water_source_1")
    before = reviewed(demo, *rules)
    zones = demo.geo("control_zones")
    there_and_back = zones.to_crs("EPSG:4526").to_crs("EPSG:4490")
    assert not there_and_back.geometry.geom_equals(zones.geometry).all()
    moved = there_and_back[["zone_id", "geometry"]]
    after = reviewed(demo.with_rows("control_zones", moved, label="projected"), *rules)
    assert before.results
    assert set(told(before, after)) == {"unchanged"}


def test_the_demo_compared_with_itself_is_unchanged(demo_review: Review) -> None:
    result = compared(demo_review, demo_review)
    assert result.counts == {
        kind: len(demo_review.results) if kind == "unchanged" else 0
        for kind in (item.value for item in KINDS)
    }


def test_a_record_is_written_as_ranges_and_read_again() -> None:
    subjects = SubjectList({"parcels": ("A", "B", "C", "D", "E"), "parks": ("P",)})
    looked = LookedAt()
    for parcel_id in ("E", "A", "B", "A"):
        looked.add("parcels", parcel_id, "P")
    record = RanOn.of(subjects, {"one": looked, "none": LookedAt()})
    document = record.document()
    assert document["rules"] == {"one": {"parcels": "0-1 4"}, "none": {}}
    again = RanOn.from_document(orjson.loads(orjson.dumps(document)))
    assert again is not None
    assert again.document() == document
    assert again.covers("one", "parcels", ["A", "C", "E", "X"]).tolist() == [1, 0, 1, 0]
    assert again.covers("other", "parcels", ["A"]).tolist() == [0]
    assert again.has("roads", ["A"]).tolist() == [0]


@pytest.mark.parametrize(
    ("measure", "before", "after", "limit", "step"),
    [
        ("area_inside", 100.0, 140.0, 0, 1),
        ("area_inside", 100.0, 60.0, 0, -1),
        ("share_output", 0.60, 0.55, 0.70, 1),
        ("share_output", 0.55, 0.60, 0.70, -1),
        # A river nearer than before is worse, also beyond the distance that the rule asks for.
        ("distance_to_management_boundary", 1250.0, 1100.0, 1000.0, 1),
        ("distance_to_management_boundary", 1100.0, 1250.0, 1000.0, -1),
        # Idle for longer is worse, also before land counts as idle.
        ("idle_years", 1.2, 1.5, 2.0, 1),
        ("industry_code", "1711", "1721", ["13"], 0),
        ("plot_ratio", None, 0.5, 1.0, 0),
        ("parks_of_one_type", 6, 7, 5, 1),
    ],
)
def test_more_of_too_much_and_less_of_too_little_is_worse(
    measure: str, before: object, after: object, limit: object, step: int
) -> None:
    assert MEASURE_PARTS == ("measure", "value", "unit", "threshold")
    one, two = (Distances.of([(measure, value, None, limit)]) for value in (before, after))
    assert one.steps_to(two).tolist() == [step]


def test_a_threshold_that_moved_counts_as_the_value_would() -> None:
    one, two = (Distances.of([("share_output", 0.6, "share", limit)]) for limit in (0.7, 0.8))
    assert one.steps_to(two).tolist() == [1]


def test_numbers_are_equal_within_their_unit() -> None:
    assert is_equal(15000.0041506, 15000.0041505, "m²")
    assert is_equal({"zones": [{"area_m2": 10.0}]}, {"zones": [{"area_m2": 10.4}]})
    assert not is_equal("1.5", 1.5)
    assert not is_equal([1], [1, 2])
    assert not is_equal(0.6, 0.61, "share")
    assert changed_evidence(
        {"value": 15000.0, "unit": "m²", "share": 0.1}, {"value": 15000.4, "unit": "m²"}
    ) == ["share"]


# ---- of any findings ------------------------------------------------------------------------

IDS = st.sampled_from("ABCD")
FINDINGS = st.dictionaries(
    st.tuples(st.sampled_from(["one", "two"]), IDS, st.sampled_from(["", "x"])),
    st.tuples(st.sampled_from(list(Verdict)[1:]), st.integers(0, 3)),
    max_size=8,
)
PASSED = st.sets(st.tuples(st.sampled_from(["one", "two"]), IDS))


def made_up(
    findings: dict[tuple[str, str, str], tuple[Verdict, int]], passed: Iterable[tuple[str, str]]
) -> ComparableReview:
    """Return a review of two rules with these findings, which also ran on what passed."""
    subjects = SubjectList({"parcels": ("A", "B", "C", "D"), "parks": ("P",)})
    keys = list(findings)
    looked_at = {"one": LookedAt(), "two": LookedAt()}
    for rule, subject, *_ in [*keys, *passed]:
        looked_at[rule].add("parcels", subject, "P")
    document = {
        "checks": dict.fromkeys(("one", "two")),
        "parks": [{"park_id": "P"}],
        "ran_on": RanOn.of(subjects, looked_at).document(),
        "findings": [
            {
                "finding_id": "|".join(key),
                "rule_id": key[0],
                "subject": {"layer": "parcels", "id": key[1]},
                "park_id": "P",
                "verdict": verdict.value,
                "severity": "must",
                "evidence": {"measure": "m", "value": value + 1, "unit": None, "threshold": 0},
            }
            for key, (verdict, value) in findings.items()
        ],
    }
    return ComparableReview.of_document(document)


@thorough(200)
@given(FINDINGS, PASSED, FINDINGS, PASSED)
def test_each_finding_stands_in_one_row_and_back_is_the_opposite(
    one: dict[Any, Any], passed_one: set[Any], two: dict[Any, Any], passed_two: set[Any]
) -> None:
    before, after = made_up(one, passed_one), made_up(two, passed_two)
    there, back = compare_reviews(before, after), compare_reviews(after, before)
    for result, first, second in ((there, one, two), (back, two, one)):
        for at, size in ((result.before, len(first)), (result.after, len(second))):
            assert sorted(at[at >= 0].tolist()) == list(range(size))
        earlier, later = result.kinds_of_findings()
        assert (len(earlier), len(later)) == (len(first), len(second))
        assert set(np.unique(np.concatenate([earlier, later]))) <= set(range(len(KINDS)))
        assert sum(result.counts.values()) == len(result.kinds)
    assert there.counts["unchanged"] == back.counts["unchanged"]
    assert there.counts["subject_gone"] == back.counts["subject_gone"] == 0  # all four are there
    for change in there.changes([ChangeKind.CURED]):
        assert change.before is not None
        rule, _, subject = before.group_of(change.before)
        assert (rule, subject) in passed_two
        assert all(key[:2] != (rule, subject) for key in two)
