"""Rankings of the county of five sites (tests/suitability/made.py), derived by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import InvalidQueryError, NotFoundError, ProjectError
from geo_service.language import Language, Translator
from geo_service.model import FocusBasis, Verdict
from geo_service.plan import Plan
from geo_service.reports.ranking import (
    compare_rankings,
    explanation_document,
    ranking_document,
    ranking_features,
    route_features,
)
from geo_service.suitability import screening
from geo_service.suitability.candidates import Candidate
from geo_service.suitability.exclusion import judge_by_rules
from geo_service.suitability.rank import Ranking, rank
from tests.county import County
from tests.suitability.made import DAY, WISHES, asked, five_sites

Open = Callable[[County], Plan]
FAR = {"interchange": {"max_km": 0.1}}
"""A limit that no site keeps: A, the nearest, is 1 km from the interchange."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Return the plan of the county of five sites."""
    from geo_service.workspace.opening import open_plan  # noqa: PLC0415 - next to its one use

    return open_plan(five_sites().write(tmp_path_factory.mktemp("sites")))


def ranked(plan: Plan, **values: object) -> Ranking:
    return rank(plan, asked(**values), as_of=DAY)


def scores(ranking: Ranking) -> dict[str, float]:
    frame = ranking.candidates
    names = frame["candidate_id"].str.removeprefix("parcel:")
    return dict(zip(names, frame["score"], strict=True))


def test_the_ranking_derived_by_hand(plan: Plan) -> None:
    ranking = ranked(plan)
    expected = {"A": 0.79, "B": 0.72, "C": 0.39, "D": 0.085}
    assert scores(ranking) == pytest.approx(expected)
    assert list(scores(ranking)) == list(expected)
    assert ranking.candidates["rank"].tolist() == [1, 2, 3, 4]


def test_the_excluded_one_is_named_with_rule_measure_and_basis(plan: Plan) -> None:
    (out,) = ranked(plan).excluded
    assert out.candidate.candidate_id == "parcel:E"
    (reason,) = out.reasons
    assert reason.rule_id == "control_zone.ecological_red_line"
    assert reason.verdict is Verdict.FAIL
    assert reason.measure["value"] == pytest.approx(8000, abs=0.5)
    assert reason.legal_basis is not None


def test_every_figure_lets_a_reader_recompute_the_score(plan: Plan) -> None:
    document = ranking_document(ranked(plan), Translator())
    assert sum(document["weights"].values()) == pytest.approx(1)
    assert document["normalisation"] == "value_function"
    for candidate in document["candidates"]:
        figures = candidate["criteria"].values()
        assert sum(item["contribution"] for item in figures) == pytest.approx(candidate["score"])
        for item in figures:
            assert item["contribution"] == pytest.approx(item["weight"] * item["normalised"])
    first = document["candidates"][0]["criteria"]["power_kva"]
    assert (first["raw"], first["unit"], first["normalised"]) == (1000, "kVA", 0.25)


def test_minmax_as_the_project_asks(plan: Plan) -> None:
    # power: A 500/2500 = 0.2, B 0.6, C 1, D 0 after scaling; but its value function is given,
    # so values 0.25, 0.5, 0.75, 0.125 are scaled: 0.125/0.625 = 0.2, 0.6, 1, 0. The same.
    # capacity: A 0.6/0.6 = 1, B 0.2/0.6 = 1/3, C 1, D 0. industry: 1, 1, 0, 0.
    expected = {
        "A": 0.5 + 0.3 + 0.2 * 0.2,
        "B": 0.5 + 0.1 + 0.2 * 0.6,
        "C": 0.3 + 0.2,
        "D": 0.0,
    }
    ranking = ranked(plan, normalisation="minmax")
    assert scores(ranking) == pytest.approx(expected)
    assert ranking_document(ranking, Translator())["normalisation"] == "minmax"


@pytest.mark.parametrize("method", ["weighted_sum", "topsis", "vikor", "promethee_ii"])
def test_every_method_ranks_what_dominates_first(plan: Plan, method: str) -> None:
    # B is no better than A on industry and worse on capacity; power decides between A and B.
    wishes = {"industry_fit": {"weight": 1}, "capacity_fit": {"weight": 1}}
    ranking = ranked(plan, method=method, criteria=wishes)
    assert next(iter(scores(ranking))) == "A"
    assert list(scores(ranking))[-1] == "D"


def test_effect_on_the_park_by_hand(plan: Plan) -> None:
    # P1: 5 enterprises of 13 with 100 each; the project adds 500 of 13: 1 stays 1.
    # P2: 500 of 36; the project adds 500 of 13: 500/1000, HHI 0.5² + 0.5².
    effects = ranked(plan).effects
    assert effects["P1"].before.share == effects["P1"].after.share == 1
    assert effects["P2"].before.share == 1
    assert effects["P2"].after.share == pytest.approx(0.5)
    assert effects["P2"].change == pytest.approx(-0.5)
    assert effects["P2"].before.hhi == 1
    assert effects["P2"].after.hhi == pytest.approx(0.5)
    assert effects["P2"].after.shares[FocusBasis.ENTERPRISES] == pytest.approx(5 / 6)
    assert effects["P2"].before.verdict is Verdict.PASS
    assert effects["P2"].after.verdict is Verdict.WATCH


def test_a_project_without_output_says_what_it_lacks(plan: Plan) -> None:
    ranking = ranked(plan, output_cny=None)
    assert ranking.effects["P2"].change is None
    notes = ranking_document(ranking, Translator(Language.EN))["notes"]
    assert any("output_cny" in note for note in notes)


def test_access_limits_exclude_and_say_how_far(plan: Plan) -> None:
    # A touches the road's end; 1,000 m at 60 km/h are 1 minute. The others lie off the road.
    ranking = ranked(plan, access={"interchange": {"max_minutes": 1.01}})
    assert list(scores(ranking)) == ["A"]
    reasons = {
        item.candidate.candidate_id: [reason.rule_id for reason in item.reasons]
        for item in ranking.excluded
    }
    assert reasons["parcel:B"] == ["project.access.interchange"]
    # E lies 1,000 m down and 750 m across from the interchange: 1,250 m; B 250 m across.
    ranking = ranked(plan, access={"interchange": {"max_km": 1.2}})
    assert list(scores(ranking)) == ["A", "B"]
    far = {
        item.candidate.candidate_id: item.reasons[-1].measure["value"] for item in ranking.excluded
    }
    assert far["parcel:E"] == pytest.approx(1.25, rel=1e-4)


def test_travel_times_and_a_site_without_road(plan: Plan) -> None:
    wishes = {"minutes_to_interchange": {"weight": 1}}
    ranking = ranked(plan, criteria=wishes)
    minutes = ranking.candidates.set_index("candidate_id")["minutes_to_interchange"]
    assert minutes["parcel:A"] == pytest.approx(1.0, rel=1e-4)
    # B: 250 m across at 20 km/h are 0.75 minutes more.
    assert minutes["parcel:B"] == pytest.approx(1.75, rel=1e-4)
    assert np.isinf(minutes["parcel:D"])  # 2,450 m from the road
    document = ranking_document(ranking, Translator(Language.EN))
    last = document["candidates"][-1]
    assert last["criteria"]["minutes_to_interchange"] == {
        "raw": None,
        "unit": "min",
        "normalised": 0,
        "weight": 1,
        "contribution": 0,
        "is_unreachable": True,
    }
    (sentence,) = explanation_document(ranking, "parcel:D", Translator(Language.EN))["sentences"]
    assert "no road" in sentence["text"]


def test_the_way_to_the_facility_is_drawn(plan: Plan) -> None:
    ranking = ranked(plan, access={"interchange": {"max_minutes": 60}})
    (route,) = route_features(ranking, "parcel:A", Translator())
    assert route["properties"]["facility"] == "甲互通"
    assert route["properties"]["minutes"] == pytest.approx(1.0, rel=1e-4)
    assert route["geometry"]["type"] == "LineString"


def test_missing_power_is_the_worst_and_said_or_excludes(opened: Open) -> None:
    county = five_sites()
    county.layers["parcels"][0]["power_kva"] = None
    plan = opened(county)
    ranking = ranked(plan)
    assert scores(ranking)["A"] == pytest.approx(0.74)  # 0.79 less the 0.05 of its power
    notes = ranking_document(ranking, Translator(Language.EN))["notes"]
    assert any("power" in note and "worst" in note for note in notes)
    strict = ranked(plan, unknown="exclude")
    assert "A" not in scores(strict)
    out = {item.candidate.candidate_id: item.reasons[0] for item in strict.excluded}
    assert out["parcel:A"].rule_id == "project.criteria.power_kva"
    assert out["parcel:A"].verdict is Verdict.UNKNOWN


def test_a_need_without_data_is_kept_and_marked_or_excluded(opened: Open) -> None:
    county = five_sites()
    county.layers["parcels"][0]["power_kva"] = None
    plan = opened(county)
    needs = {"land_m2": 8000, "power_kva": 700}
    kept = ranked(plan, needs=needs)
    assert "parcel:A" in kept.unknowns
    assert "D" not in scores(kept)  # 500 kVA
    document = ranking_document(kept, Translator(Language.EN))
    (marked,) = [item for item in document["candidates"] if item["unknowns"]]
    assert marked["candidate_id"] == "parcel:A"
    assert "A" not in scores(ranked(plan, needs=needs, unknown="exclude"))


def test_a_criterion_that_nothing_has_is_left_out_and_said(plan: Plan) -> None:
    ranking = ranked(plan, criteria={**WISHES, "slope_mean_percent": {"weight": 3}})
    assert scores(ranking) == pytest.approx({"A": 0.79, "B": 0.72, "C": 0.39, "D": 0.085})
    notes = ranking_document(ranking, Translator(Language.EN))["notes"]
    assert any("slope" in note for note in notes)
    with pytest.raises(ProjectError, match="none that any candidate"):
        ranked(plan, criteria={"slope_mean_percent": {"weight": 3}})


def test_weighing_anew_measures_nothing_again(plan: Plan) -> None:
    ranking = ranked(plan)
    power = ranking.reweigh({"industry_fit": 0, "capacity_fit": 0, "power_kva": 1})
    assert list(scores(power)) == ["C", "B", "A", "D"]
    assert power.sites is ranking.sites
    assert scores(ranking)["A"] == pytest.approx(0.79)  # the first ranking is as it was
    same = ranking.reweigh({"industry_fit": 0.5})
    assert scores(same) == pytest.approx(scores(ranking))
    with pytest.raises(NotFoundError, match="no criterion"):
        ranking.reweigh({"beauty": 1})
    with pytest.raises(InvalidQueryError):
        ranking.reweigh({"industry_fit": 0, "capacity_fit": 0, "power_kva": 0})


@pytest.mark.parametrize("method", ["weighted_sum", "topsis", "vikor", "promethee_ii"])
def test_weighing_anew_gives_what_ranking_anew_gives(plan: Plan, method: str) -> None:
    first = ranked(plan)
    changed = first.reweigh({"industry_fit": 0.2}, method=method)
    # The other weights stay .3 and .2; of .7 in all.
    wishes = {**WISHES, "industry_fit": {"weight": 0.2}}
    again = ranked(plan, method=method, criteria=wishes)
    assert scores(changed) == pytest.approx(scores(again))
    assert changed.doubt is not None
    assert changed.doubt.swap is not None
    assert changed.doubt.swap.is_exact == (method in {"weighted_sum", "promethee_ii"})
    # What was prepared for one set of weights is not taken for another.
    kept = first.reweigh(method=method)
    assert scores(kept) == pytest.approx(scores(ranked(plan, method=method)))
    assert scores(changed.reweigh(method="weighted_sum")) == pytest.approx(
        scores(ranked(plan, criteria=wishes))
    )


def test_ahp_weights_and_a_matrix_that_does_not_fit(plan: Plan) -> None:
    # industry twice capacity, four times power: consistent, so 4/7, 2/7, 1/7.
    matrix: dict[str, dict[str, float]] = {
        "industry_fit": {"industry_fit": 1, "capacity_fit": 2, "power_kva": 4},
        "capacity_fit": {"industry_fit": 0.5, "capacity_fit": 1, "power_kva": 2},
        "power_kva": {"industry_fit": 0.25, "capacity_fit": 0.5, "power_kva": 1},
    }
    document = ranking_document(
        ranked(plan, weights={"method": "ahp", "ahp_matrix": matrix}), Translator()
    )
    assert document["weights"] == pytest.approx(
        {"industry_fit": 4 / 7, "capacity_fit": 2 / 7, "power_kva": 1 / 7}
    )
    assert document["consistency_ratio"] == pytest.approx(0, abs=1e-9)
    weights = {"method": "ahp", "ahp_matrix": matrix}
    more = {**matrix, "bogus_crit": matrix["power_kva"]}
    with pytest.raises(ProjectError, match=r"weights\.ahp_matrix: found the row 'bogus_crit'"):
        ranked(plan, weights={"method": "ahp", "ahp_matrix": more})
    wide = {**matrix, "capacity_fit": {**matrix["capacity_fit"], "power_kwa": 9.0}}
    with pytest.raises(ProjectError, match="'power_kva'\\? Known"):
        ranked(plan, weights={"method": "ahp", "ahp_matrix": wide})
    uneven = {**matrix, "power_kva": {**matrix["power_kva"], "industry_fit": 4}}
    with pytest.raises(ProjectError, match=r"weights\.ahp_matrix: found industry_fit / power_kva"):
        ranked(plan, weights={"method": "ahp", "ahp_matrix": uneven})
    del matrix["power_kva"]
    with pytest.raises(ProjectError, match="power_kva"):
        ranked(plan, weights=weights)


def test_a_sense_turned_round_turns_the_values(plan: Plan) -> None:
    wishes = {"capacity_fit": {"weight": 1, "sense": "cost"}}
    assert scores(ranked(plan, criteria=wishes)) == pytest.approx(
        {"D": 0.8, "B": 0.6, "A": 0.2, "C": 0.2}
    )


def test_equal_scores_share_the_rank_and_keep_the_order_of_ids(plan: Plan) -> None:
    ranking = ranked(plan, criteria={"capacity_fit": {"weight": 1}})
    frame = ranking.candidates
    assert frame["candidate_id"].tolist()[:2] == ["parcel:A", "parcel:C"]
    assert frame["rank"].tolist() == [1, 1, 3, 4]
    assert ranking.doubt is not None
    assert ranking.doubt.tied == ("parcel:C",)
    notes = ranking_document(ranking, Translator(Language.EN))["notes"]
    assert "not distinguishable" in notes[0]


def test_the_order_of_rows_does_not_matter(plan: Plan, opened: Open) -> None:
    county = five_sites()
    county.layers["parcels"].reverse()
    assert scores(ranked(opened(county))) == pytest.approx(scores(ranked(plan)))


def test_the_same_question_has_the_same_id(plan: Plan) -> None:
    first, again, other = ranked(plan), ranked(plan), ranked(plan, output_cny=1.0)
    assert first.ranking_id == again.ranking_id != other.ranking_id
    left, right = (ranking_document(item, Translator()) for item in (first, again))
    assert left == right


def test_a_park_is_a_candidate_where_its_free_land_is_enough_only_in_all(plan: Plan) -> None:
    # C and D do not touch; together they are 50,000 m². P1 has 38,000 m².
    kinds = ["parcel", "parcels", "park"]
    whole = ranked(plan, needs={"land_m2": 50_000}, candidates=kinds)
    assert whole.candidates["candidate_id"].tolist() == ["park:P2"]
    part = ranked(plan, needs={"land_m2": 8_000}, candidates=kinds)
    assert set(part.candidates["kind"]) == {"parcel"}


@pytest.mark.parametrize("odd", [42, None, {"name": {1, 2}}, {"needs": {"land_m2": np.inf}}])
def test_what_is_no_project_is_refused_as_one(plan: Plan, odd: object) -> None:
    with pytest.raises(ProjectError):
        rank(plan, odd)  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers(plan: Plan) -> None:
    ranking = ranked(plan, needs={"land_m2": np.int64(8000)}, output_cny=np.float32(500))
    assert scores(ranking)["A"] == pytest.approx(0.79)


def test_nearest_misses_by_hand(plan: Plan) -> None:
    ranking = ranked(plan, needs={"land_m2": 100_000}, candidates=["parcel", "park"])
    assert ranking.candidates.empty
    gaps = {miss.candidate.candidate_id: miss.distance for miss in ranking.misses}
    # Of 100,000 m²: P2's free land 50,000 lacks 0.5, D 0.6, P1's 30,000 (E is forbidden) 0.7,
    # B 0.8.
    assert list(gaps)[:4] == ["park:P2", "parcel:D", "park:P1", "parcel:B"]
    assert list(gaps.values())[:4] == pytest.approx([0.5, 0.6, 0.7, 0.8], abs=1e-4)
    document = ranking_document(ranking, Translator(Language.EN))
    (first, *_) = document["nearest_misses"]
    assert "50,000 m²" in first["reasons"][0]["cure"]
    assert document["candidates"] == []


def test_where_nothing_fits_no_rule_is_judged_twice(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[list[str]] = []

    def counted(plan: Plan, parts: list[Candidate], *args: Any, **options: Any) -> Any:
        judged.append([part.candidate_id for part in parts])
        return judge_by_rules(plan, parts, *args, **options)

    monkeypatch.setattr(screening, "judge_by_rules", counted)
    ranking = ranked(plan, needs={"land_m2": 30_000}, candidates=["parcel"], access=FAR)
    assert ranking.scored is None
    # D alone is large enough, and too far; what comes nearest is told of the same record.
    assert judged == [[f"parcel:{name}" for name in "ABCDE"]]
    against = {item.candidate.candidate_id: item for item in ranking.screening.parts}
    assert [item.rule_id for item in against["parcel:E"].by_rules] == [
        "control_zone.ecological_red_line"
    ]
    (out,) = ranking.excluded
    assert out.candidate.candidate_id == "parcel:D"
    assert (out.by_rules, out.by_needs) == ((), ())
    assert [reason.rule_id for reason in out.by_access] == ["project.access.interchange"]


def test_misses_name_the_need_that_falls_short(plan: Plan) -> None:
    ranking = ranked(plan, needs={"land_m2": 8000, "power_kva": 8000})
    nearest = {miss.candidate.candidate_id: miss for miss in ranking.misses}
    (reason,) = nearest["parcel:C"].reasons
    assert (reason.rule_id, reason.measure["value"]) == ("project.power_kva", 3000)
    assert nearest["parcel:C"].distance == pytest.approx(5 / 8)


def test_explanations_speak_both_languages_from_the_same_figures(plan: Plan) -> None:
    ranking = ranked(plan)
    chinese = explanation_document(ranking, "parcel:A", Translator())
    english = explanation_document(ranking, "parcel:A", Translator(Language.EN))
    assert [item["criterion"] for item in chinese["sentences"]] == [
        "industry_fit",
        "capacity_fit",
        "power_kva",
    ]
    assert "主导产业" in chinese["sentences"][0]["text"]
    assert "leading industry" in english["sentences"][0]["text"]
    assert "80.0%" in chinese["sentences"][1]["text"]
    assert "79.0 of 100" in english["summary"][0]
    with pytest.raises(NotFoundError):
        ranking.explain("parcel:E")


def test_features_carry_ranked_and_excluded(plan: Plan) -> None:
    features = ranking_features(ranked(plan), Translator())
    states = {item["id"]: item["properties"]["status"] for item in features}
    assert states == {
        "parcel:A": "ranked",
        "parcel:B": "ranked",
        "parcel:C": "ranked",
        "parcel:D": "ranked",
        "parcel:E": "excluded",
    }


def test_two_rankings_compared(plan: Plan) -> None:
    before = ranking_document(ranked(plan), Translator())
    only_power = {"power_kva": WISHES["power_kva"]}
    limits = {"interchange": {"max_km": 1.2}}
    after = ranking_document(ranked(plan, criteria=only_power, access=limits), Translator())
    found = compare_rankings(before, after)
    assert found["moved"] == [
        {"candidate_id": "parcel:B", "before": 2, "after": 1},
        {"candidate_id": "parcel:A", "before": 1, "after": 2},
    ]
    assert found["newly_excluded"] == ["parcel:C", "parcel:D"]
    assert found["new"] == found["gone"] == found["no_longer_excluded"] == []
    assert found["is_same_plan"] is True


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("criteria", {"industry_fitt": {"weight": 1}}, "industry_fit"),
        ("criteria", {"capacity_fit": {"value_function": {"kind": "lineer"}}}, "linear"),
        ("candidates", ["parcles"], "parcels"),
        ("name", "  ", "blank"),
        ("access", {"interchanges": {"max_km": 1}}, "interchange"),
    ],
)
def test_what_is_wrong_in_a_project_is_named(
    plan: Plan, field: str, value: object, expected: str
) -> None:
    with pytest.raises(ProjectError, match=expected):
        ranked(plan, **{field: value})


@given(power=st.floats(min_value=0, max_value=1e5), more=st.floats(min_value=0, max_value=1e5))
def test_more_of_a_benefit_never_lowers_a_score(power: float, more: float) -> None:
    from geo_service.suitability.criteria import CRITERIA  # noqa: PLC0415 - next to its use

    value = CRITERIA["power_kva"].value
    low, high = value.apply(np.array([power, power + more]))
    assert low <= high
