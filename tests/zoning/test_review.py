"""The review of a small county: which rules speak, what they say, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import NotFoundError
from geo_service.model import Finding, Severity, Verdict, park_verdict
from geo_service.plan import Plan
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import parse_rulebook
from tests.county import County, box, enterprise, parcel, park, point
from tests.zoning.made import reviewed

Open = Callable[[County], Plan]


def said(result: Review, rule_id: str) -> list[tuple[str | None, str, str]]:
    """Return (park, subject, verdict) of every finding of a rule."""
    return [
        (item.park_id, item.subject.id, item.verdict.value)
        for item in result.results
        if item.rule_id == rule_id
    ]


def only(result: Review, rule_id: str) -> Finding:
    """Return the one finding of a rule."""
    (finding,) = [item for item in result.results if item.rule_id == rule_id]
    return finding


def test_a_county_in_order_passes(county: County, opened: Open) -> None:
    result = review(opened(county))
    assert result.verdicts == {"pass": 2, "watch": 0, "fail": 0, "unknown": 0}
    assert result.results == ()


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (214.0, "pass"),  # 500 / 714 = 0.7003
        (215.0, "watch"),  # 500 / 715 = 0.6993
        (500.0, "watch"),  # 500 / 1000 = 0.5 exactly
        (501.0, "fail"),  # 500 / 1001 = 0.4995
    ],
)
def test_the_leading_share_is_judged_by_its_thresholds(
    county: County, opened: Open, other: float, verdict: str
) -> None:
    county.layers["parks"][0]["supporting_industries"] = "36"
    county.layers["enterprises"].append(enterprise("Z", "3670", other))
    result = reviewed(opened(county), "focus.leading_share")
    findings = [item.verdict.value for item in result.results]
    assert findings == ([] if verdict == "pass" else [verdict])
    # The thresholds are this product's reference values: they never make a park fail.
    assert result.park_verdicts["P1"] == ("pass" if verdict == "pass" else "watch")


def test_the_cure_says_how_much_output_is_short(county: County, opened: Open) -> None:
    # 500 of 1000 at 70 %: growth g with (500 + g) / (1000 + g) = 0.7 gives g = 200 / 0.3;
    # moving out m with 500 / (1000 - m) = 0.7 gives m = 1000 - 500 / 0.7
    county.layers["parks"][0]["supporting_industries"] = "36"
    county.layers["enterprises"].append(enterprise("Z", "3670", 500.0))
    evidence = only(reviewed(opened(county), "focus.leading_share"), "focus.leading_share").evidence
    assert evidence["value"] == pytest.approx(0.5)
    assert evidence["growth_needed"] == pytest.approx(200 / 0.3)
    assert evidence["relocation_needed"] == pytest.approx(1000 - 500 / 0.7)


def test_missing_output_is_unknown_and_names_the_enterprise(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("N", "1311", None))
    result = review(opened(county))
    assert result.park_verdicts["P1"] == Verdict.UNKNOWN
    finding = only(result, "focus.leading_share")
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.evidence["missing_column"] == "enterprises.output_cny"
    assert finding.evidence["missing_rows"] == ["N"]


def test_no_leading_industry_is_unknown_and_two_fail(county: County, opened: Open) -> None:
    county.layers["parks"][0]["leading_industry"] = None
    county.layers["parks"][1]["leading_industry"] = "36;13"
    result = review(opened(county))
    assert said(result, "focus.declared") == [("P2", "P2", "fail"), ("P1", "P1", "unknown")]


def test_a_leading_industry_outside_the_groups_fails(county: County, opened: Open) -> None:
    county.layers["parks"][1]["leading_industry"] = "30"
    result = review(opened(county))
    assert ("P2", "P2", "fail") in said(result, "focus.in_group")


def test_another_top_industry_fails(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("Z", "3670", 5000.0))
    finding = only(reviewed(opened(county), "focus.is_top"), "focus.is_top")
    assert finding.evidence["value"] == "36"
    assert finding.evidence["top_share"] == pytest.approx(5000 / 5500)


def test_a_park_without_enterprises_is_unknown(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(4000, 0, 500, 500)))
    result = review(opened(county))
    assert result.park_verdicts["P3"] == Verdict.UNKNOWN


def test_few_enterprises_are_flagged(county: County, opened: Open) -> None:
    county.layers["enterprises"] = county.layers["enterprises"][1:]
    result = review(opened(county))
    assert said(result, "focus.few_enterprises") == [("P1", "P1", "watch")]
    assert result.park_verdicts["P1"] == Verdict.WATCH


def test_off_focus_enterprises_are_listed_one_by_one(county: County, opened: Open) -> None:
    county.layers["enterprises"] += [enterprise("Y", "3670", 1.0), enterprise("Z", "1711", 1.0)]
    result = review(opened(county))
    assert said(result, "focus.off_focus_enterprise") == [
        ("P1", "Y", "watch"),
        ("P1", "Z", "watch"),
    ] or sorted(said(result, "focus.off_focus_enterprise")) == [
        ("P1", "Y", "watch"),
        ("P1", "Z", "watch"),
    ]


def test_overlapping_parks_fail_with_exactly_the_overlap(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(900, 500, 400, 300)))  # 100 x 300 over P1
    result = review(opened(county))
    findings = [item for item in result.results if item.rule_id == "layout.overlap"]
    assert {item.park_id for item in findings} == {"P1", "P3"}
    for finding in findings:
        assert finding.evidence["value"] == pytest.approx(30_000, rel=1e-6)
        assert finding.geometry is not None
        assert finding.geometry.area == pytest.approx(30_000, rel=1e-6)
    assert findings[0].evidence["share"] == pytest.approx(0.03)  # of P1's 1,000,000 m2
    assert findings[1].evidence["share"] == pytest.approx(0.25)  # of P3's 120,000 m2


def test_a_sliver_below_both_tolerances_is_noise_and_counted(county: County, opened: Open) -> None:
    # 0.04 m x 300 m = 12 m2, 0.01 % of P3's 120,040 m2... below 50 m2 and 0.1 %
    county.layers["parks"].append(park("P3", box(999.96, 500, 400.04, 300)))
    result = review(opened(county))
    assert said(result, "layout.overlap") == []
    assert result.checks["layout.overlap"].below_tolerance == 1


def test_a_hosted_park_may_lie_in_its_host(county: County, opened: Open) -> None:
    county.layers["parks"].append(park("P3", box(10, 10, 100, 100), host_park_id="P1"))
    assert said(reviewed(opened(county), "layout.overlap"), "layout.overlap") == []


def test_a_building_park_must_lie_in_its_township(county: County, opened: Open) -> None:
    county.layers["townships"][0]["geometry"] = box(0, 0, 990, 2000)
    county.layers["parks"][0]["tier"] = "building_park"
    finding = only(reviewed(opened(county), "layout.in_township"), "layout.in_township")
    assert finding.evidence["value"] == pytest.approx(10 * 1000, rel=1e-6)  # 10 m x 1,000 m


def test_without_a_township_polygon_the_rule_is_unknown(county: County, opened: Open) -> None:
    county.layers["townships"][0]["geometry"] = point(500, 500)
    county.layers["parks"][0]["tier"] = "building_park"
    finding = only(reviewed(opened(county), "layout.in_township"), "layout.in_township")
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.evidence["missing_rows"] == ["T1"]


@pytest.mark.parametrize(
    ("use", "scheme", "tier", "verdict"),
    [
        ("100101", "planning2023", "building_park", None),
        ("100102", "planning2023", "building_park", "watch"),
        ("100103", "planning2023", "building_park", "fail"),
        ("1001", "planning2023", "building_park", "watch"),  # no class named
        ("1001", "survey3", "building_park", "unknown"),  # railway today, and nobody says what next
        ("0101", "survey3", "building_park", "unknown"),  # fields under a planned park
        ("0809", "survey3", "sme_cluster", None),
        ("0801", "planning2023", "municipal_park", "fail"),
        ("07", "planning2023", "sme_cluster", "fail"),
        ("13", "planning2023", "building_park", None),
        ("1208", "planning2023", "building_park", None),
        ("16", "planning2023", "sme_cluster", "watch"),
        ("0601", "survey3", "sme_cluster", None),
        ("M0", "local", "building_park", "watch"),
        (None, "planning2023", "sme_cluster", "unknown"),
    ],
)
def test_land_use_is_judged_by_tier_and_scheme(
    county: County, opened: Open, use: str | None, scheme: str, tier: str, verdict: str | None
) -> None:
    county.layers["parks"][0]["tier"] = tier
    county.layers["parcels"] = [
        parcel("A", box(10, 10, 50, 50), land_use=use, land_use_scheme=scheme)
    ]
    expected = [] if verdict is None else [("P1", "A", verdict)]
    assert said(reviewed(opened(county), "land_use.permitted"), "land_use.permitted") == expected


def test_the_planned_use_goes_before_the_present_one(county: County, opened: Open) -> None:
    county.layers["parcels"] = [
        parcel("A", box(10, 10, 50, 50), land_use="0101", land_use_scheme="survey3"),
        parcel("B", box(80, 10, 50, 50), land_use="0601", land_use_scheme="survey3"),
        parcel("C", box(150, 10, 50, 50), land_use="0601", land_use_scheme="survey3"),
    ]
    county.layers["parcels"][0]["planned_land_use"] = "100101"
    county.layers["parcels"][1]["planned_land_use"] = "0701"
    rule = "land_use.permitted"
    assert said(reviewed(opened(county), rule), rule) == [("P1", "B", "fail")]


@pytest.mark.parametrize(("width", "expected"), [(249.9, []), (250.1, [("P1", "P1", "watch")])])
def test_the_municipal_park_may_hold_housing_up_to_a_share(
    county: County, opened: Open, width: float, expected: list[tuple[str, str, str]]
) -> None:
    county.layers["parks"][0]["tier"] = "municipal_park"
    # 250 m of 1,250 m are a fifth of the parcels' land.
    county.layers["parcels"] = [
        parcel("A", box(0, 0, 1000, 100)),
        parcel("B", box(0, 200, width, 100), land_use="0701"),
    ]
    rule = "land_use.permitted"
    assert said(reviewed(opened(county), rule), rule) == expected


def test_checks_count_what_was_judged_and_passed(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0))
    checks = review(opened(county)).checks
    assert (
        checks["focus.off_focus_enterprise"].checked,
        checks["focus.off_focus_enterprise"].passed,
    ) == (11, 10)
    assert (checks["focus.declared"].checked, checks["focus.declared"].passed) == (2, 2)


def test_ids_are_stable_over_runs(county: County, opened: Open) -> None:
    county.layers["enterprises"].append(enterprise("Z", "1711", 1000.0))
    plan = opened(county)
    first, again = (review(plan, as_of=date(2026, 5, 1)) for _ in range(2))
    assert first.review_id == again.review_id
    assert [item.finding_id for item in first.results] == [
        item.finding_id for item in again.results
    ]
    assert len({item.finding_id for item in first.results}) == len(first.results)


def test_a_review_of_one_park_speaks_of_that_park_only(county: County, opened: Open) -> None:
    county.layers["enterprises"] += [
        enterprise("Y", "1711", 1.0),
        enterprise("Z", "1711", 1.0, park_id="P2"),
    ]
    result = review(opened(county), parks=["P2"])
    assert result.park_ids == ("P2",)
    assert {item.park_id for item in result.results} == {"P2"}


def test_an_unknown_park_is_refused(county: County, opened: Open) -> None:
    with pytest.raises(NotFoundError, match="no park 'P9'"):
        review(opened(county), parks=["P9"])


def test_rules_hold_only_between_their_dates(county: County, opened: Open) -> None:
    plan = opened(county)
    rulebook = parse_rulebook(
        'format: "1"\ntitle: {en: t}\nextends: default\nrules:\n'
        "  focus.declared: {effective_to: 2026-06-30}\n",
        "own.yaml",
    )
    assert "focus.declared" in review(plan, rulebook, as_of=date(2026, 6, 30)).checks
    assert "focus.declared" not in review(plan, rulebook, as_of=date(2026, 7, 1)).checks


_HEARD = st.tuples(
    st.sampled_from(Severity), st.sampled_from([Verdict.FAIL, Verdict.WATCH, Verdict.UNKNOWN])
)


@given(st.lists(_HEARD, max_size=6), _HEARD)
def test_another_finding_never_makes_a_verdict_better(
    heard: list[tuple[Severity, Verdict]], more: tuple[Severity, Verdict]
) -> None:
    order = [Verdict.PASS, Verdict.WATCH, Verdict.UNKNOWN, Verdict.FAIL]
    assert order.index(park_verdict([*heard, more])) >= order.index(park_verdict(heard))
