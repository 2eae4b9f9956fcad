"""One map of a workspace's folder, as the command line draws it: a page that stands alone.

Maps of a running service are in `maps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.maps.draw import draw_states
from geo_service.maps.kinds import COMPARE, KINDS, OVERVIEW, PARK, MapBasis, MapInput
from geo_service.maps.kinds.time import TIMED_LAYERS
from geo_service.planning.layers import latest_layer, timeline_of
from geo_service.planning.once import open_plan_with, review_workspace
from geo_service.planning.rankings import ranking_from_recipe
from geo_service.planning.reviews import review_from_recipe
from geo_service.planning.scenarios import scenario_of_workspace
from geo_service.suitability.project import open_project
from geo_service.suitability.rank import rank_project
from geo_service.wording import said
from geo_service.workspace.opening import open_plan, open_workspace
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import open_rulebook

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    import folium

    from geo_service.plan import Plan
    from geo_service.suitability.rank import Ranking
    from geo_service.zoning.review import Progress, Review


@dataclass(frozen=True, kw_only=True)
class MapRequest:
    """Which map, and what it is of.

    Without `review_id` the workspace is reviewed now. A comparison is from `before` to
    `review_id`; with one of the two, from that review to one made now. A review made now goes by
    `rulebook` instead of the workspace's own; a comparison with nothing else is from the one to
    the other. A ranking is a saved one, or made now of a project's file; a layout is made now of a
    goals file. A time map is of `layer`, or of the one published last.
    """

    kind: str = OVERVIEW
    review_id: str | None = None
    before: str | None = None
    rulebook: Path | None = None
    ranking_id: str | None = None
    project: Path | None = None
    park_id: str | None = None
    layer: str | None = None
    goals: Path | None = None
    scenarios: tuple[str, ...] = ()
    """Scenarios, by id or file: the one that is drawn, or the two that are compared."""
    language: Language = Language.ZH_HANS


def draw_workspace(
    workspace: str | os.PathLike[str], request: MapRequest, *, progress: Progress | None = None
) -> folium.Map:
    """Return a map of a workspace that stands alone.

    Raises
    ------
    InvalidQueryError
        What the kind needs is not given.
    NotFoundError
        There is no such park, or no such saved review or ranking.
    WorkspaceError, RulebookError, ProjectError, GoalsError
        The workspace, its rulebook, the project or the goals are unusable.
    InfeasibleError
        No layout meets the goals.
    """
    kind = KINDS[request.kind]
    is_ranked = kind.of is MapBasis.RANKING and request.project is not None
    is_made = is_ranked or kind.of in {MapBasis.REVIEW, MapBasis.LAYOUT}
    if request.scenarios and not is_made:
        name = "scenario"
        raise InvalidQueryError(name, said("problem.no_map_of_scenario", kind=repr(request.kind)))
    if kind.of is MapBasis.LAYER:
        parts = _layer_parts(workspace, request)
    elif kind.of is MapBasis.RANKING:
        parts = _ranking_parts(workspace, request, progress)
    elif kind.of is MapBasis.LAYOUT:
        parts = _layout_parts(workspace, request, progress)
    else:
        parts = _review_parts(workspace, request, progress)
    result: Review | Ranking | None = parts.get("review") or parts.get("ranking")
    plan: Plan = parts["plan"] if result is None else result.plan
    translator = Translator(request.language, plan.settings.names_hant)
    names = parts.pop("names", (None, None))
    earlier, later = (None if name is None else scenario_mark([name], translator) for name in names)
    subject = MapInput(translator=translator, marks=(earlier, later), **parts)
    return draw_states(kind.states(subject))


def scenario_mark(names: Sequence[str], translator: Translator) -> str:
    """Say which scenario a map shows, by its names; those of the same edits are told together."""
    shown = " / ".join(name or translator.text("map.unnamed") for name in names)
    return translator.text("map.scenario", name=shown)


def map_page(drawn: folium.Map) -> bytes:
    """Return a map as the HTML of one page."""
    return drawn.get_root().render().encode()


def _layer_parts(workspace: str | os.PathLike[str], request: MapRequest) -> dict[str, Any]:
    with open_workspace(workspace) as opened:
        plan = opened.plan()
        timeline = timeline_of(opened, request.layer or latest_layer(opened, TIMED_LAYERS))
    return {"plan": plan, "timeline": timeline}


def _review_parts(
    workspace: str | os.PathLike[str], request: MapRequest, progress: Progress | None
) -> dict[str, Any]:
    if request.scenarios:
        return _scenario_parts(workspace, request, progress)
    if request.kind == COMPARE:
        before, after = _compared(workspace, request, progress)
        return {"before": before, "review": after}
    if request.kind == PARK and request.park_id is None:
        name = "park"
        raise InvalidQueryError(name, said("problem.park_needs"))
    made = _review(workspace, request.review_id, request.rulebook, progress)
    return {"review": made, "park_id": request.park_id}


def _scenario_parts(
    workspace: str | os.PathLike[str], request: MapRequest, progress: Progress | None
) -> dict[str, Any]:
    """Return the review of a scenario's plan; of a comparison, also that of the base or another."""
    scenarios = [scenario_of_workspace(workspace, name) for name in request.scenarios]
    rules = None if request.rulebook is None else open_rulebook(request.rulebook)
    reviews = [review(one, rules, progress=progress) for one in scenarios]
    if request.kind != COMPARE:
        if len(reviews) > 1:
            name = "scenario"
            raise InvalidQueryError(name, said("problem.given_once"))
        own = scenarios[0].name
        return {"review": reviews[0], "park_id": request.park_id, "names": (None, own)}
    base = scenarios[0].applied.bench.plan
    is_of_two = len(reviews) > 1
    before = reviews[0] if is_of_two else review(base, rules, progress=progress)
    names = (scenarios[0].name if is_of_two else None, scenarios[-1].name)
    return {"before": before, "review": reviews[-1], "names": names}


def _compared(
    workspace: str | os.PathLike[str], request: MapRequest, progress: Progress | None
) -> tuple[Review, Review]:
    first = request.before or request.review_id
    later = request.review_id if request.before else None
    if first is None and request.rulebook is None:
        name = "review"
        raise InvalidQueryError(name, said("problem.compare_needs"))
    if first is not None:
        before = _review(workspace, first, None, progress)
        return before, _review(workspace, later, request.rulebook, progress)
    # Both are of one plan, which is read once, and so are the documents that they share.
    plan = open_plan(workspace)
    before = review(plan, progress=progress)
    return before, review(plan, open_rulebook(request.rulebook), progress=progress)


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


def _ranking_parts(
    workspace: str | os.PathLike[str], request: MapRequest, progress: Progress | None
) -> dict[str, Any]:
    with open_workspace(workspace) as opened:
        if request.ranking_id is not None:
            return {"ranking": ranking_from_recipe(opened, request.ranking_id)}
        if request.project is None:
            name = "ranking"
            raise InvalidQueryError(name, said("problem.ranking_needs"))
        project = open_project(request.project)
        if request.scenarios:
            made = scenario_of_workspace(workspace, request.scenarios[0])
            ranking = rank_project(made, project, progress=progress)
            return {"ranking": ranking, "names": (None, made.name)}
        return {"ranking": rank_project(opened.plan(), project, progress=progress)}


def _layout_parts(
    workspace: str | os.PathLike[str], request: MapRequest, progress: Progress | None
) -> dict[str, Any]:
    # Other maps do not need it: they start faster without its libraries.
    from geo_service.planning.layouts import layout_to_draw  # noqa: PLC0415

    if len(request.scenarios) > 1:
        name = "scenario"
        raise InvalidQueryError(name, said("problem.given_once"))
    plan = open_plan_with(workspace, next(iter(request.scenarios), None))
    return {"layout": layout_to_draw(plan, request.goals, progress=progress), "plan": plan}
