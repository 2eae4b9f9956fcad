"""What cannot be met: seeded clashes are all named, each set minimal, with what would cure it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from geo_service.layout.conflict import ClashingSet, find_clashes
from geo_service.layout.milp import LinearProgram
from geo_service.layout.model import LayoutModel, Piece
from geo_service.layout.solve import LayoutSearch, find_layout
from geo_service.layout.solver import Solver, Status
from tests.layout.made import model_of, newcomer, park, spot, tenant


@pytest.fixture(scope="module")
def solver() -> Iterator[Solver]:
    """Return one process for all small layouts."""
    with Solver() as running:
        yield running


def county(goals: dict[str, Any], **parts: Any) -> LayoutModel:  # noqa: ANN401 - fields of all kinds
    told: dict[str, Any] = {
        "industries": {"least_share": 0},
        "moves": {"most": 2},
        "wanted": {"terms": {"focus": {"per": 1}}},
    }
    made: dict[str, Any] = {
        "parks": (park("A", "13", "18", today="13"), park("B", "18", today="18", x=2)),
        "tenants": (tenant("a1", "A", "1311", 6), tenant("a2", "A", "1811", 4)),
    }
    return model_of({**told, **goals}, **{**made, **parts})


def clashes(model: LayoutModel, solver: Solver) -> list[ClashingSet]:
    search = LayoutSearch(model, solver, end=time.monotonic() + 60)
    assert find_layout(search).status is Status.INFEASIBLE
    return find_clashes(search, seconds=60)


def names(found: list[ClashingSet]) -> list[set[tuple[str, str]]]:
    return [{(one.kind, one.subject) for one in clash.requirements} for clash in found]


def test_a_share_that_no_industry_reaches_is_named_with_its_figures(solver: Solver) -> None:
    model = county({"limits": {"focus_share": [{"share": 0.9, "parks": ["A"]}]}})
    (clash,) = clashes(model, solver)
    (one,) = clash.requirements
    # The best that A reaches is 6 of 10, with 13.
    assert (one.kind, one.subject, one.needs) == ("focus_share", "A", 0.9)
    assert one.has == pytest.approx(0.6)
    assert one.relaxation == pytest.approx(0.3)
    assert clash.is_minimal


def test_a_lock_and_a_share_clash_together_only(solver: Solver) -> None:
    goals = {
        "locks": [{"park": "A", "leading_industry": "18"}, {"park": "B"}],
        "limits": {"focus_share": [{"share": 0.5, "parks": ["A"]}]},
    }
    assert names(clashes(county(goals), solver)) == [{("lock", "0"), ("focus_share", "A")}]


def test_separate_clashes_are_all_named(solver: Solver) -> None:
    goals = {
        "limits": {"focus_share": [{"share": 0.9, "parks": ["A"]}]},
        "targets": {"groups": [{"group": "38", "least": 5}]},
    }
    no_place = newcomer("p", "1311", 1)
    found = clashes(county(goals, newcomers=(no_place,)), solver)
    assert {frozenset(own) for own in names(found)} == {
        frozenset({("focus_share", "A")}),
        frozenset({("group", "38")}),
        frozenset({("required", "p")}),
    }
    group = next(one for clash in found for one in clash.requirements if one.kind == "group")
    assert [group.has, group.needs, group.relaxation] == pytest.approx([0, 5, 5])


def test_two_projects_on_one_parcel_clash_with_it(solver: Solver) -> None:
    both = [newcomer(name, "1311", 1, spot("P1", "A")) for name in ("p", "q")]
    assert names(clashes(county({}, newcomers=tuple(both)), solver)) == [
        {("required", "p"), ("required", "q"), ("place", "P1")}
    ]


def test_utilities_that_do_not_suffice_are_named_in_their_unit(solver: Solver) -> None:
    both = [
        newcomer(name, "1311", 1, spot(place, "A", parcel_id="P0"), needs={"power_kva": 300.0})
        for name, place in (("p", "F1"), ("q", "F2"))
    ]
    model = county({}, newcomers=tuple(both), utilities={("P0", "power_kva"): 500.0})
    (clash,) = clashes(model, solver)
    power = next(one for one in clash.requirements if one.kind == "utility")
    # 300 + 300 against 500.
    assert [power.has, power.needs, power.relaxation] == pytest.approx([500, 600, 100])


def test_room_that_does_not_suffice_is_named(solver: Solver) -> None:
    goals = {
        "locks": [{"enterprise": "a2", "park": "B"}, {"enterprise": "a3", "park": "B"}],
    }
    movers = tuple(
        tenant(name, "A", "1811", 4, area_m2=8.0, moves_to={"B": ("F1",)}) for name in ("a2", "a3")
    )
    floor = Piece(piece_id="F1", park_id="B", room_m2=10.0, building_id="B1", floor_no=1)
    model = county(goals, tenants=movers, pieces=(floor,))
    (clash,) = clashes(model, solver)
    assert names([clash]) == [{("lock", "0"), ("lock", "1"), ("room", "B floors")}]
    room = next(one for one in clash.requirements if one.kind == "room")
    assert [room.has, room.needs] == pytest.approx([10, 16])


def without(search: LayoutSearch, left_out: set[tuple[str, str]]) -> LinearProgram:
    """Return a search's program without some requirements."""
    return search.program.linear(
        search.program.objective(),
        keep=lambda row: row.tag is None or (row.tag.kind, row.tag.subject) not in left_out,
    )


@pytest.mark.parametrize(
    "goals",
    [
        {
            "limits": {"same_industry": {"most": 1, "digits": 2}},
            "locks": [{"park": "B"}, {"park": "A", "leading_industry": "18"}],
        },
        {"targets": {"complying_parks": {"least": 2, "share": 0.5}}},
        {"bans": [{"leading_industry": "18"}]},
    ],
)
def test_no_requirement_of_a_clash_can_be_left_out(goals: dict[str, Any], solver: Solver) -> None:
    """Without any one of a set the others, with all that is outside the sets, can be met."""
    model = county(goals)
    search = LayoutSearch(model, solver, end=time.monotonic() + 60)
    found = find_clashes(search, seconds=60)
    assert found
    every = {name for own in names(found) for name in own}
    for own in names(found):
        for left_out in own:
            program = without(search, (every - own) | {left_out})
            assert solver.solve(program, time_limit_s=60).values is not None
