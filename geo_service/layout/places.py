"""The second stage: which floor or parcel of its new park each enterprise that moves gets.

One assignment with capacities for each park, exact. Where what comes to a park does not fit,
the smallest set that does not is named, so that no later decision takes it together again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from geo_service.errors import InfeasibleError
from geo_service.layout.assignment import Task, read_task, solve_task
from geo_service.layout.model import HAZARDOUS

if TYPE_CHECKING:
    from geo_service.layout.model import Decision, LayoutModel, Piece
    from geo_service.layout.program import Key
    from geo_service.layout.solver import Solver

_SECONDS = 10.0


class CrowdedError(Exception):
    """Columns that do not fit together."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__(keys)
        self.keys = tuple(keys)


def place_moves(model: LayoutModel, decision: Decision, solver: Solver) -> dict[str, str]:
    """Return the floor or parcel of each enterprise that moves.

    Raises
    ------
    CrowdedError
        Some of what comes to a park does not fit there together.
    """
    by_park: dict[str, list[str]] = defaultdict(list)
    for one, park_id in sorted(decision.moves.items()):
        by_park[park_id].append(one)
    found: dict[str, str] = {}
    for park_id, moved in sorted(by_park.items()):
        keys: list[Key] = [("move", one, park_id) for one in moved]
        keys += [
            ("put", name, candidate_id)
            for name, candidate_id in sorted(decision.places.items())
            if model.newcomer[name].by_id[candidate_id].park_id == park_id
        ]
        own = _assigned(model, keys, solver)
        if own is None:
            raise CrowdedError(_smallest(model, keys, solver))
        found |= own
    return found


def _smallest(model: LayoutModel, keys: list[Key], solver: Solver) -> list[Key]:
    """Return columns of which none can be left out, or the rest would fit."""
    kept = list(keys)
    for key in keys:
        without = [one for one in kept if one != key]
        if _assigned(model, without, solver) is None:
            kept = without
    return kept


def _assigned(model: LayoutModel, keys: Sequence[Key], solver: Solver) -> dict[str, str] | None:
    """Return the pieces of what moves to one park beside the projects there; None for none."""
    moved = [key[1] for key in keys if key[0] == "move"]
    if not moved:
        return {}
    pieces = _free_pieces(model, keys)
    if not pieces:
        return None
    task = _task_of(model, moved, keys[0][2], pieces)
    try:
        chosen = solve_task(task, solver, _SECONDS)
    except InfeasibleError:
        return None
    return {
        one: pieces[agent].piece_id for one, agent in zip(moved, chosen.place.tolist(), strict=True)
    }


def _free_pieces(model: LayoutModel, keys: Sequence[Key]) -> list[Piece]:
    """Return the pieces of a park that no project takes, and that no hazard is beside."""
    spots = [
        (model.newcomer[key[1]], model.newcomer[key[1]].by_id[key[2]])
        for key in keys
        if key[0] == "put"
    ]
    taken = {member for _, spot in spots for member in spot.members}
    taken |= {ban.place for ban in model.goals.bans if ban.place is not None}
    hazards = set()
    if model.goals.limits.fire_apart:
        hazards = {spot.building_id for one, spot in spots if one.fire_class in HAZARDOUS} - {None}
    parks = {key[2] for key in keys if key[0] == "move"}
    return [
        piece
        for piece in model.pieces
        if piece.park_id in parks
        and piece.piece_id not in taken
        and piece.building_id not in hazards
    ]


def _task_of(
    model: LayoutModel, moved: Sequence[str], park_id: str, pieces: Sequence[Piece]
) -> Task:
    tenants = [model.tenant[one] for one in moved]
    rooms = np.array([piece.room_m2 for piece in pieces])
    size = np.tile([tenant.area_m2 for tenant in tenants], (len(pieces), 1))
    allowed = [
        [piece.piece_id in tenant.moves_to[park_id] for tenant in tenants] for piece in pieces
    ]
    # Small pieces first: what is left stays large. Later ids cost a little more, so that of
    # equal pieces the first is taken.
    worth = rooms[:, None] + np.arange(len(pieces))[:, None] * 1e-3
    value = np.tile(worth, (1, len(tenants)))
    return read_task(value, size, rooms, "min", allowed, _SECONDS)


def without_crowding(
    model: LayoutModel, decision: Decision, solver: Solver
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the moves that fit, dropping one after another where they do not, and their pieces."""
    moves = dict(decision.moves)
    while True:
        tried = type(decision)(leads=decision.leads, places=decision.places, moves=moves)
        try:
            return moves, place_moves(model, tried, solver)
        except CrowdedError as crowded:
            here = [key[1] for key in crowded.keys if key[0] == "move"]
            least = min(here, key=lambda one: (model.tenant[one].amount, one))
            del moves[least]
