"""Small layouts made up for tests, and the best of them by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from geo_service.layout.evaluate import Evaluation, evaluate
from geo_service.layout.goals import Goals
from geo_service.layout.model import (
    Decision,
    LayoutModel,
    Newcomer,
    ParkOptions,
    Piece,
    Spot,
    Tenant,
)

CODES = ("13", "131", "14", "18", "181", "38")
LEAVES = ("131", "132", "141", "181", "182", "384")
UNIT = {"per": 1}
"""Small models count in ones."""


def park(park_id: str, *choices: str, today: str | None = None, x: float = 0.0) -> ParkOptions:
    """Return a park at a place on a line, in km."""
    return ParkOptions(
        park_id=park_id,
        name=park_id,
        township=f"t{park_id}",
        point=(x * 1_000, 0.0),
        today=today,
        choices=choices,
    )


def tenant(name: str, home: str, code: str, amount: float, **more: Any) -> Tenant:  # noqa: ANN401 - fields of all kinds
    """Return an enterprise."""
    return Tenant(
        enterprise_id=name, name=name, home=home, code=code, amount=amount, group=code[:2], **more
    )


def newcomer(name: str, code: str, amount: float, *spots: Spot, **more: Any) -> Newcomer:  # noqa: ANN401 - fields of all kinds
    """Return a project."""
    told = {"is_required": True, **more}
    return Newcomer(name=name, code=code, amount=amount, group=code[:2], spots=spots, **told)


def spot(place: str, park_id: str, *, score: float = 0.5, **more: Any) -> Spot:  # noqa: ANN401 - fields of all kinds
    """Return a candidate of one place, or of several joined by +."""
    members = tuple(place.split("+"))
    return Spot(candidate_id=place, park_id=park_id, members=members, score=score, **more)


def model_of(goals: dict[str, Any], **parts: Any) -> LayoutModel:  # noqa: ANN401 - fields of all kinds
    """Return a model; terms of the goals count in ones unless they say otherwise."""
    empty: dict[str, Any] = {"parks": (), "tenants": (), "newcomers": (), "pieces": ()}
    return LayoutModel(goals=Goals.model_validate(goals), **{**empty, **parts})


TERMS = ("focus", "fit", "chains", "suitability", "spread", "placed", "moves", "move_cost")
MORE_TERMS = ("competition", "changes")


@st.composite
def models(draw: st.DrawFn) -> LayoutModel:
    """Draw a layout small enough to try everything."""
    number = st.integers(0, 9)
    parks = []
    for name in "ABC"[: draw(st.integers(1, 3))]:
        choices = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True))
        now = draw(st.sampled_from([None, choices[0]]))
        parks.append(park(name, *choices, today=now, x=draw(st.integers(0, 8))))
    ids = [one.park_id for one in parks]
    pieces = [
        Piece(
            piece_id=f"{home}/{floor}",
            park_id=home,
            room_m2=draw(st.integers(1, 6)),
            building_id=home,
            floor_no=floor,
        )
        for home in ids
        for floor in range(draw(st.integers(0, 2)))
    ]
    tenants = []
    for position in range(draw(st.integers(0, 4))):
        home, code = draw(st.sampled_from(ids)), draw(st.sampled_from(LEAVES))
        area = draw(st.integers(1, 4))
        to: dict[str, tuple[str, ...]] = {}
        for piece in pieces:
            may_lead = next(one.choices for one in parks if one.park_id == piece.park_id)
            fits = piece.park_id != home and piece.room_m2 >= area
            if fits and code.startswith(may_lead) and draw(st.booleans()):
                to[piece.park_id] = (*to.get(piece.park_id, ()), piece.piece_id)
        tenants.append(
            tenant(
                f"e{position}",
                home,
                code,
                draw(number),
                area_m2=float(area),
                cost_cny=float(draw(st.integers(0, 3))),
                fire_class=draw(st.sampled_from(["丙", None])),
                moves_to=to,
            )
        )
    places = [piece.piece_id for piece in pieces] + ["P1", "P2"]
    newcomers = []
    for name in ("x", "y")[: draw(st.integers(0, 2))]:
        spots = []
        for place in draw(st.lists(st.sampled_from(places), max_size=3, unique=True)):
            home = place[0] if "/" in place else ids[0]
            is_floor = "/" in place
            spots.append(
                spot(
                    place,
                    home,
                    score=draw(st.integers(0, 4)) / 4,
                    building_id=home if is_floor else None,
                    parcel_id="P0" if is_floor else None,
                )
            )
        newcomers.append(
            newcomer(
                name,
                draw(st.sampled_from(LEAVES)),
                draw(number),
                *spots,
                is_required=draw(st.booleans()),
                fire_class=draw(st.sampled_from(["甲", "丙"])),
                needs={"power_kva": float(draw(st.integers(1, 4)))},
            )
        )
    groups = {code: code[:2] for code in CODES if draw(st.booleans())}
    links = draw(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(LEAVES)), max_size=3))
    return LayoutModel(
        goals=draw(goals_for(ids)),
        parks=tuple(parks),
        tenants=tuple(tenants),
        newcomers=tuple(newcomers),
        pieces=tuple(pieces),
        utilities={("P0", "power_kva"): 5.0},
        chains=tuple(links),
        groups=groups,
    )


@st.composite
def goals_for(draw: st.DrawFn, parks: list[str]) -> Goals:
    """Draw goals for parks: terms, limits, targets, locks and bans."""
    names = draw(st.lists(st.sampled_from(TERMS + MORE_TERMS), min_size=1, max_size=4, unique=True))
    told: dict[str, Any] = {
        "industries": {"least_share": draw(st.sampled_from([0, 0, 0.5]))},
        "moves": {"most": draw(st.integers(0, 3))},
        "wanted": {
            "terms": {name: {"weight": draw(st.integers(1, 3)), **UNIT} for name in names},
            "chains_km": 4,
            "competition_km": 3,
        },
        "solving": {"gap": 0},
    }
    limits: dict[str, Any] = {}
    if draw(st.booleans()):
        share = draw(st.sampled_from([0.25, 0.5]))
        limits["focus_share"] = [{"share": share, "parks": [draw(st.sampled_from(parks))]}]
    if draw(st.booleans()):
        limits["same_industry"] = {"most": draw(st.integers(1, 2)), "digits": 2}
    if draw(st.integers(0, 3)) == 0:
        told["targets"] = {"complying_parks": {"least": 1, "share": 0.5}}
    elif draw(st.integers(0, 3)) == 0:
        told["targets"] = {"groups": [{"group": "13", "least": draw(st.integers(0, 6))}]}
    if draw(st.integers(0, 3)) == 0:
        told["bans"] = [{"leading_industry": draw(st.sampled_from(["13", "18"]))}]
    if draw(st.integers(0, 3)) == 0:
        told["locks"] = [{"park": draw(st.sampled_from(parks))}]
    return Goals.model_validate({**told, "limits": limits})


def everything(model: LayoutModel) -> Iterator[Decision]:
    """Yield every decision, whatever it breaks."""
    leads = [(None, *one.choices) for one in model.parks]
    places = [(None, *one.by_id) for one in model.newcomers]
    moves = [
        (None, *((park_id, piece) for park_id, own in one.moves_to.items() for piece in own))
        for one in model.tenants
    ]
    ids = [one.park_id for one in model.parks]
    for led in itertools.product(*leads):
        chosen = {name: code for name, code in zip(ids, led, strict=True) if code}
        for put in itertools.product(*places):
            placed = {
                one.name: place for one, place in zip(model.newcomers, put, strict=True) if place
            }
            for moved in itertools.product(*moves):
                going = {
                    one.enterprise_id: to
                    for one, to in zip(model.tenants, moved, strict=True)
                    if to
                }
                yield Decision(
                    leads=chosen,
                    places=placed,
                    moves={name: to[0] for name, to in going.items()},
                    pieces={name: to[1] for name, to in going.items()},
                )


def best_by_trying(model: LayoutModel) -> tuple[Decision, Evaluation] | None:
    """Return the best decision that breaks nothing, by trying every one; None if none does."""
    best = None
    for decision in everything(model):
        judged = evaluate(model, decision)
        if judged.is_met and (best is None or judged.objective > best[1].objective):
            best = decision, judged
    return best


def with_goals(model: LayoutModel, **changes: Any) -> LayoutModel:  # noqa: ANN401 - fields of all kinds
    """Return a model with some goals changed."""
    told = model.goals.model_dump(mode="json", exclude_unset=True)
    return replace(model, goals=Goals.model_validate({**told, **changes}))
