"""What the public is told of enterprises; numbers derived by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from geo_service.access import Sight
from geo_service.model import FocusBasis
from geo_service.plan import Plan
from geo_service.zoning.county_figures import FigureName
from geo_service.zoning.public_figures import PublicFigures
from geo_service.zoning.review import review
from geo_service.zoning.seen import seen_plan, seen_review
from tests.county import FEW_RULES, County, enterprise

Open = Callable[[County], Plan]
PUBLIC = Sight(is_public=True)


def of(plan: Plan) -> PublicFigures:
    """Return the public figures of a plan."""
    return PublicFigures.of(review(plan))


@pytest.fixture
def many(county: County) -> County:
    """P1: 6 of 13 with 10 each, 5 others with 8 each. P2: 7 of 36 with 10 each."""
    county.rules = FEW_RULES
    county.layers["enterprises"] = [
        *(enterprise(f"A{n}", "1311", 10.0, tax_cny=1.0) for n in range(6)),
        *(enterprise(f"B{n}", "1711", 8.0, tax_cny=1.0) for n in range(5)),
        *(enterprise(f"C{n}", "3670", 10.0, park_id="P2", tax_cny=1.0) for n in range(7)),
    ]
    return county


def test_what_may_be_told_is_told(many: County, opened: Open) -> None:
    found = of(opened(many))
    assert found.focus["P1"].enterprise_count == 11
    assert found.focus["P2"].enterprise_count == 7
    assert found.focus["P1"].shares[FocusBasis.OUTPUT] == pytest.approx(60 / 100)
    assert found.focus["P1"].shares[FocusBasis.ENTERPRISES] == pytest.approx(6 / 11)
    figures = {figure.name: figure for figure in found.county}
    assert figures[FigureName.ENTERPRISES].now.value == 18
    assert figures[FigureName.OUTPUT].now.value == 60 + 40 + 70
    assert not figures[FigureName.TAX].is_withheld


def test_a_share_of_one_is_withheld_since_the_rest_is_none(many: County, opened: Open) -> None:
    found = of(opened(many))
    assert found.focus["P2"].shares[FocusBasis.ENTERPRISES] is None


def test_a_median_of_fewer_parks_is_not_told_as_that_of_the_county(
    many: County, opened: Open
) -> None:
    figures = {figure.name: figure for figure in of(opened(many)).county}
    share = figures[FigureName.LEADING_SHARE]
    assert share.is_withheld  # that of P2 is withheld
    assert share.now.value is None


def test_concentration_is_never_told(many: County, opened: Open) -> None:
    focus = of(opened(many)).focus["P1"]
    assert (focus.hhi, focus.entropy, focus.top_industry, focus.total) == (None,) * 4
    assert not focus.uncoded
    assert not any(focus.missing.values())


def test_a_small_park_takes_the_total_or_another_park_with_it(many: County, opened: Open) -> None:
    """P2 has 3: beside 11 it may be 0 to 4 of 14, so both are withheld and the total is told."""
    many.layers["enterprises"] = many.layers["enterprises"][:-4]
    found = of(opened(many))
    assert {park_id: item.enterprise_count for park_id, item in found.focus.items()} == {
        "P1": None,
        "P2": None,
    }
    assert found.focus["P1"].shares[FocusBasis.OUTPUT] is None
    figures = {figure.name: figure for figure in found.county}
    assert figures[FigureName.ENTERPRISES].now.value == 14


def test_a_sum_that_two_make_up_is_withheld(many: County, opened: Open) -> None:
    """Output: 2 x 1000 of 2150 are more than 85 %; taxes are as even as before."""
    for row in many.layers["enterprises"][:2]:
        row["output_cny"] = 1000.0
    figures = {figure.name: figure for figure in of(opened(many)).county}
    assert figures[FigureName.OUTPUT].is_withheld
    assert figures[FigureName.OUTPUT].now.value is None
    assert not figures[FigureName.TAX].is_withheld


def test_of_some_parks_nothing_of_enterprises_is_told(many: County, opened: Open) -> None:
    found = of(opened(many))
    told = found.figures_of(found.county, is_whole=False)
    withheld = {figure.name for figure in told if figure.is_withheld}
    assert withheld == set(FigureName) - {FigureName.VACANT_FLOORS, FigureName.FREE_LAND}


# ---- the review that is seen --------------------------------------------------------------------


def test_the_public_gets_verdicts_and_no_finding_that_rests_on_enterprises(
    many: County, opened: Open
) -> None:
    plan = opened(many)
    whole = review(plan)
    seen = seen_review(whole, seen_plan(plan, PUBLIC), PUBLIC)
    assert seen.park_verdicts == whole.park_verdicts
    assert "focus.off_focus_enterprise" in set(whole.results.rule_ids)
    assert not {"focus.off_focus_enterprise"} & set(seen.results.rule_ids)
    assert not seen.plan.has("enterprises")
    assert plan.has("enterprises")


def test_a_restricted_column_leaves_a_verdict_and_takes_the_figures(
    many: County, opened: Open
) -> None:
    """The leading share of P1 is 60 %: told by its verdict once output is withheld."""
    plan = opened(many)
    whole = review(plan)
    sight = Sight(hidden=frozenset({"enterprises.output_cny"}))
    seen = seen_review(whole, seen_plan(plan, sight), sight)
    assert list(seen.results.ids) == list(whole.results.ids)
    told = {item.rule_id: item for item in seen.findings_of("P1")}
    before = {item.rule_id: item for item in whole.findings_of("P1")}
    assert before["focus.leading_share"].evidence["value"] == pytest.approx(0.6)
    assert told["focus.leading_share"].verdict is before["focus.leading_share"].verdict
    assert told["focus.leading_share"].title.key == "withheld.finding"
    assert not told["focus.leading_share"].evidence
    assert told["focus.off_focus_enterprise"] == before["focus.off_focus_enterprise"]
    assert seen.focus["P1"].shares[FocusBasis.OUTPUT] is None
    assert seen.focus["P1"].enterprise_count == 11
    assert plan.frame("enterprises")["output_cny"].notna().all()


def test_an_account_of_one_park_gets_its_rows_alone(many: County, opened: Open) -> None:
    plan = opened(many)
    sight = Sight(parks=frozenset({"P2"}))
    seen = seen_review(review(plan, parks=["P2"]), seen_plan(plan, sight), sight)
    assert seen.park_ids == ("P2",)
    assert set(seen.plan.frame("enterprises")["park_id"]) == {"P2"}
    assert set(seen.plan.frame("parks")["park_id"]) == {"P2"}
    assert {item.park_id for item in seen.results} <= {"P2"}
