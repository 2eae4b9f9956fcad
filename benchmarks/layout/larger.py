"""Several copies of a county side by side, so near that projects and enterprises may cross over."""

from __future__ import annotations

from dataclasses import replace

from geo_service.layout.goals import Incoming
from geo_service.layout.model import LayoutModel, Spot

APART_M = 40_000.0


def larger(model: LayoutModel, times: int) -> LayoutModel:
    """Return a model of so many copies; each project and enterprise may go to the next one too."""
    if times == 1:
        return model
    marks = [f"#{number}" for number in range(times)]
    after = dict(zip(marks, [*marks[1:], marks[0]], strict=True))
    goals = model.goals
    moves = goals.moves
    projects = [
        Incoming(
            project=item.project.model_copy(update={"name": f"{item.project.name}{mark}"}),
            required=item.required,
        )
        for mark in marks
        for item in goals.projects
    ]
    update = {
        "projects": tuple(projects),
        "locks": (),
        "limits": goals.limits.model_copy(update={"same_industry": None}),
        "moves": None if moves is None else moves.model_copy(update={"most": moves.most * times}),
    }
    return replace(
        model,
        goals=goals.model_copy(update=update),
        parks=tuple(
            replace(
                park,
                park_id=park.park_id + mark,
                township=None if park.township is None else park.township + mark,
                point=(park.point[0] + APART_M * number, park.point[1]),
            )
            for number, mark in enumerate(marks)
            for park in model.parks
        ),
        tenants=tuple(
            replace(
                tenant,
                enterprise_id=tenant.enterprise_id + mark,
                home=tenant.home + mark,
                moves_to={
                    park_id + where: tuple(piece + where for piece in pieces)
                    for where in (mark, after[mark])
                    for park_id, pieces in tenant.moves_to.items()
                },
            )
            for mark in marks
            for tenant in model.tenants
        ),
        newcomers=tuple(
            replace(
                newcomer,
                name=newcomer.name + mark,
                spots=tuple(
                    _copy(spot, where) for where in (mark, after[mark]) for spot in newcomer.spots
                ),
            )
            for mark in marks
            for newcomer in model.newcomers
        ),
        pieces=tuple(
            replace(
                piece,
                piece_id=piece.piece_id + mark,
                park_id=piece.park_id + mark,
                building_id=None if piece.building_id is None else piece.building_id + mark,
            )
            for mark in marks
            for piece in model.pieces
        ),
        utilities={
            (parcel + mark, column): offered
            for mark in marks
            for (parcel, column), offered in model.utilities.items()
        },
    )


def _copy(spot: Spot, mark: str) -> Spot:
    return replace(
        spot,
        candidate_id=spot.candidate_id + mark,
        park_id=None if spot.park_id is None else spot.park_id + mark,
        members=tuple(member + mark for member in spot.members),
        building_id=None if spot.building_id is None else spot.building_id + mark,
        parcel_id=None if spot.parcel_id is None else spot.parcel_id + mark,
    )
