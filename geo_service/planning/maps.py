"""What the command line asks for a map: the result that it is of, made or taken from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.maps.draw import RANKING, TIME, draw, draw_states
from geo_service.maps.kinds.time import TIMED_LAYERS, TimeData
from geo_service.planning.layers import latest_layer, timeline_of
from geo_service.planning.once import review_workspace
from geo_service.planning.saved import review_from_recipe
from geo_service.planning.saved_rankings import ranking_from_recipe
from geo_service.suitability.project import open_project
from geo_service.suitability.rank import rank
from geo_service.wording import said
from geo_service.workspace.opening import open_plan, open_workspace
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import open_rulebook

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import folium

    from geo_service.suitability.rank import Ranking
    from geo_service.zoning.review import Progress, Review

OVERVIEW, REVIEW, PARK, COMPARE = "overview", "review", "park", "compare"
KINDS = (OVERVIEW, REVIEW, RANKING, PARK, COMPARE, TIME)


@dataclass(frozen=True, kw_only=True)
class MapRequest:
    """Which map, and what it is of.

    Without `review_id` the workspace is reviewed now. A comparison is from `before` to
    `review_id`; with one of the two, from that review to one made now. A review made now goes by
    `rulebook` instead of the workspace's own; a comparison with nothing else is from the one to
    the other. A ranking is a saved one, or made now of a project's file. A time map is of
    `layer`, or of the one published last.
    """

    kind: str = OVERVIEW
    review_id: str | None = None
    before: str | None = None
    rulebook: Path | None = None
    ranking_id: str | None = None
    project: Path | None = None
    park_id: str | None = None
    layer: str | None = None
    language: Language = Language.ZH_HANS


def draw_workspace(
    workspace: str | os.PathLike[str], asked: MapRequest, *, progress: Progress | None = None
) -> folium.Map:
    """Return a map of a workspace that stands alone.

    Raises
    ------
    InvalidQueryError
        What the kind needs is not given.
    NotFoundError
        There is no such park, or no such saved review or ranking.
    WorkspaceError, RulebookError, ProjectError
        The workspace, its rulebook or the project is unusable.
    """
    if asked.kind == TIME:
        return _draw_time(workspace, asked)
    if asked.kind == RANKING:
        return draw(_ranking(workspace, asked, progress), language=asked.language)
    if asked.kind == COMPARE:
        return _draw_comparison(workspace, asked, progress)
    if asked.kind == PARK and asked.park_id is None:
        name = "park"
        raise InvalidQueryError(name, said("problem.park_needs"))
    result = _review(workspace, asked.review_id, asked.rulebook, progress)
    return draw(result, kind=asked.kind, park_id=asked.park_id, language=asked.language)


def _draw_comparison(
    workspace: str | os.PathLike[str], asked: MapRequest, progress: Progress | None
) -> folium.Map:
    first = asked.before or asked.review_id
    later = asked.review_id if asked.before else None
    if first is None and asked.rulebook is None:
        name = "review"
        raise InvalidQueryError(name, said("problem.compare_needs"))
    if first is None:
        # Both are of one plan, which is read once, and so are the documents that they share.
        plan = open_plan(workspace)
        before = review(plan, progress=progress)
        after = review(plan, open_rulebook(asked.rulebook), progress=progress)
    else:
        before = _review(workspace, first, None, progress)
        after = _review(workspace, later, asked.rulebook, progress)
    return draw(after, kind=COMPARE, before=before, language=asked.language)


def _draw_time(workspace: str | os.PathLike[str], asked: MapRequest) -> folium.Map:
    with open_workspace(workspace) as opened:
        plan = opened.plan()
        timeline = timeline_of(opened, asked.layer or latest_layer(opened, TIMED_LAYERS))
    translator = Translator(asked.language, plan.settings.names_hant)
    return draw_states((TimeData(timeline, plan, translator),))


def _review(
    workspace: str | os.PathLike[str],
    review_id: str | None,
    rulebook: Path | None,
    progress: Progress | None,
) -> Review:
    if review_id is None:
        return review_workspace(workspace, rulebook=rulebook, progress=progress)
    with open_workspace(workspace) as opened:
        return review_from_recipe(opened, review_id)


def _ranking(
    workspace: str | os.PathLike[str], asked: MapRequest, progress: Progress | None
) -> Ranking:
    with open_workspace(workspace) as opened:
        if asked.ranking_id is not None:
            return ranking_from_recipe(opened, asked.ranking_id)
        if asked.project is None:
            name = "ranking"
            raise InvalidQueryError(name, said("problem.ranking_needs"))
        return rank(opened.plan(), open_project(asked.project), progress=progress)
