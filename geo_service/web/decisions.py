"""Which action each route is: one line a route; a route that is missing here answers nobody.

`_SEE` are the routes of which the public gets its figures. Accounts that see a part of the county
(`access.Partial`) are answered by a service over that part, and get the routes that are listed for
their kind alone: what is not listed is refused rather than told in part.

With accounts, `web/gate.py` asks this table before a route works; `tests/web/test_permissions.py`
walks the routes of the application and fails for one without a line, and for a line without a
route. Which roles may do an action stands in `access.PERMITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geo_service.access import Acting, Action, Partial, Sight

_OPEN, _OWN, _LEARN, _LOOK = Action.OPEN, Action.OWN, Action.LEARN, Action.LOOK
_SEE = Action.SEE
_PLAN, _REVIEW, _IMPORT = Action.PLAN, Action.REVIEW, Action.IMPORT
_WORK = Action.WORK
_TIDY, _ADMINISTER = Action.TIDY, Action.ADMINISTER


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """What a route is, and which accounts get it that see only a part of the county."""

    action: Action
    partial: frozenset[Partial] = frozenset(Partial)
    """The kinds of part of which it answers."""

    def lets(self, who: Acting, sight: Sight) -> bool:
        """Return whether an account gets the route."""
        return who.may(self.action) and sight.partial <= self.partial


_ROUTES: Mapping[Action, tuple[str, ...]] = {
    _OPEN: (
        *("GET /healthz", "GET /readyz", "GET /sign-in", "POST /sign-in"),
        *("GET /sign-in/issuer", "GET /sign-in/issuer/back", "GET /sign-in/issuer/out"),
        *("GET /assets/{name:path}", "GET /static/{name:path}", "GET /pages/{version}/{name}"),
    ),
    _OWN: (
        *("GET /account", "POST /account/password"),
        *("POST /sign-out", "POST /sign-out/everywhere"),
    ),
    _LEARN: (
        *("GET /help", "GET /about", "GET /docs", "GET /openapi.json", "GET /rulebook"),
        *("GET /api/about", "GET /api/rules", "GET /api/industries", "GET /api/land-uses"),
        *("GET /api/criteria", "GET /api/symbols"),
        *("GET /api/project-schema", "GET /api/scenario-schema", "GET /api/goals-schema"),
    ),
    _SEE: (
        *("GET /", "GET /api/overview", "GET /api/changes", "GET /api/parks", "GET /api/search"),
        *("GET /parks/{park_id}", "GET /parks/{park_id}/sheet", "GET /api/parks/{park_id}"),
        *("GET /api/parks/{park_id}/focus", "GET /api/parks/{park_id}/profile"),
        *("GET /here", "POST /api/here", "GET /api/identify"),
        "GET /api/layers/{layer}/features",
        *("GET /api/reviews/{review_id}", "GET /api/reviews/{review_id}/findings"),
        *("GET /maps/relief.png", "GET /maps/{kind}", "GET /maps/{kind}/features/{source}"),
        "GET /basemaps/{place}/{zoom}/{column}/{row}",
        *("GET /tiles/{layer}/{z}/{x}/{y}.mvt", "HEAD /tiles/{layer}/{z}/{x}/{y}.mvt"),
    ),
    _LOOK: (
        *("GET /compare", "GET /reviews", "GET /reviews/{review_id}", "GET /sites"),
        *("GET /scenarios", "GET /scenarios/compare", "GET /scenarios/{scenario_id}", "GET /data"),
        *("GET /layouts", "GET /layouts/{layout_id}", "GET /api/goals", "GET /api/plan/features"),
        *("GET /api/overview/{figure}", "GET /api/overview/{figure}/export"),
        *("GET /api/reviews/{review_id}/desk", "GET /api/reviews/{review_id}/rows"),
        *("GET /sites/sheet", "GET /api/projects", "POST /api/areas"),
        "GET /api/reviews",
        *("GET /api/acts", "GET /api/work", "GET /api/work/of", "GET /api/entries"),
        "GET /api/reviews/{review_id}/comparison",
        "GET /api/reviews/{review_id}/counts",
        "GET /api/reviews/{review_id}/export",
        "GET /api/reviews/{review_id}/register",
        *("GET /api/jobs", "GET /api/jobs/{job_id}", "DELETE /api/jobs/{job_id}"),
        "GET /api/saved",
        *("GET /api/rankings", "GET /api/rankings/{ranking_id}"),
        "GET /api/rankings/{ranking_id}/comparison",
        "GET /api/rankings/{ranking_id}/explanation",
        "GET /api/rankings/{ranking_id}/features",
        "GET /api/rankings/{ranking_id}/routes",
        "GET /api/rankings/{ranking_id}/sensitivity",
        "GET /api/rankings/{ranking_id}/export",
        "POST /api/rankings/{ranking_id}/weights",  # weighed for this answer, kept nowhere
        *("GET /api/scenarios", "GET /api/scenarios/{scenario_id}"),
        *("GET /api/scenarios/compare", "GET /api/scenarios/compare/export"),
        "GET /api/scenarios/{scenario_id}/features",
        "GET /api/scenarios/{scenario_id}/review",
        "GET /api/scenarios/{scenario_id}/changes",
        "GET /api/scenarios/{scenario_id}/export",
        *("GET /api/layouts", "GET /api/layouts/{layout_id}"),
        "GET /api/layouts/{layout_id}/why-not",
        "GET /api/layouts/{layout_id}/export",
        "GET /api/layers",
        *("GET /api/layers/{layer}/history", "GET /api/layers/{layer}/diff"),
        "GET /api/layers/{layer}/history/{version}/features",
        "GET /api/layers/{layer}/boundary-points",
        *("GET /province", "GET /api/province", "GET /api/province/counties"),
        *("GET /api/province/export", "GET /maps/province"),
        "GET /maps/province/features/{source}",
        "GET /tiles/province/{layer}/{z}/{x}/{y}.mvt",
        "HEAD /tiles/province/{layer}/{z}/{x}/{y}.mvt",
    ),
    _PLAN: (
        "POST /api/goals/read",
        *("POST /api/projects/read", "POST /api/rankings", "POST /api/rankings/{ranking_id}/run"),
        *("POST /api/scenarios", "POST /api/scenarios/import"),
        *("PATCH /api/scenarios/{scenario_id}", "DELETE /api/scenarios/{scenario_id}"),
        "POST /api/scenarios/{scenario_id}/edits",
        "DELETE /api/scenarios/{scenario_id}/edits/{edit_id}",
        "POST /api/scenarios/{scenario_id}/rebase",
        *("POST /api/layouts", "POST /api/layouts/{layout_id}/scenario", "POST /api/places"),
        "POST /api/layouts/{layout_id}/replacements",
    ),
    _REVIEW: (
        *("POST /api/reviews", "POST /api/reviews/{review_id}/submit"),
        *("POST /api/reviews/{review_id}/return", "POST /api/reviews/{review_id}/sign"),
        *("POST /api/entries", "POST /api/entries/{entry_id}/revoke"),
        "POST /api/entries/effect",
    ),
    _WORK: ("POST /api/work",),
    _IMPORT: (
        *("POST /api/imports", "GET /api/imports", "GET /api/imports/{import_id}"),
        *("GET /api/imports/{import_id}/features", "GET /api/imports/{import_id}/changes"),
        *("GET /api/imports/{import_id}/effect", "POST /api/imports/{import_id}/effect"),
        *("GET /api/imports/{import_id}/refused", "GET /api/imports/{import_id}/repairs"),
        *("POST /api/imports/{import_id}/publish", "DELETE /api/imports/{import_id}"),
        "GET /api/imports/templates/{layer}",
        "POST /api/layers/{layer}/rollback",
        "POST /api/scenarios/{scenario_id}/publish",
        "POST /api/scenarios/{scenario_id}/undo",
    ),
    _TIDY: (
        *("PUT /api/saved/{identity}/pin", "DELETE /api/saved/{identity}/pin"),
        "DELETE /api/saved/{identity}",
        *("DELETE /api/reviews/{review_id}", "DELETE /api/rankings/{ranking_id}"),
    ),
    _ADMINISTER: ("POST /api/saved/retain", "GET /metrics"),
}

_OF_PARTS = frozenset(
    {
        *("GET /compare", "GET /reviews", "GET /reviews/{review_id}"),
        *("GET /api/overview/{figure}", "GET /api/overview/{figure}/export"),
        *("GET /api/reviews/{review_id}/desk", "GET /api/reviews/{review_id}/rows"),
        "GET /api/reviews",
        "GET /api/reviews/{review_id}/counts",
        "GET /api/reviews/{review_id}/export",
        "GET /api/reviews/{review_id}/register",
        "GET /api/layers/{layer}/boundary-points",
        *("GET /sites", "GET /sites/sheet", "GET /api/projects"),
        *("GET /api/jobs", "GET /api/jobs/{job_id}", "DELETE /api/jobs/{job_id}"),
        *("GET /api/rankings", "GET /api/rankings/{ranking_id}"),
        "GET /api/rankings/{ranking_id}/comparison",
        "GET /api/rankings/{ranking_id}/explanation",
        "GET /api/rankings/{ranking_id}/features",
        "GET /api/rankings/{ranking_id}/routes",
        "GET /api/rankings/{ranking_id}/sensitivity",
        "GET /api/rankings/{ranking_id}/export",
        "POST /api/rankings/{ranking_id}/weights",
        *("POST /api/projects/read", "POST /api/rankings", "POST /api/rankings/{ranking_id}/run"),
        "DELETE /api/rankings/{ranking_id}",
    }
)
"""Routes that answer of a part as of the whole: to look, and to rank on what is seen."""
_ABOUT_GROUND = frozenset({"GET /here", "POST /api/here", "GET /api/identify"})
"""What stands at a place: who sees only some parks would be told that the others are not there."""
_OF_MASKED = _OF_PARTS | {"POST /api/areas"}
_OF_LIMITED = _OF_PARTS | {
    *("GET /scenarios", "GET /scenarios/compare", "GET /scenarios/{scenario_id}"),
    *("GET /api/scenarios", "POST /api/scenarios", "POST /api/scenarios/import"),
    *("GET /api/scenarios/compare", "GET /api/scenarios/compare/export"),
    *("GET /api/scenarios/{scenario_id}", "PATCH /api/scenarios/{scenario_id}"),
    "DELETE /api/scenarios/{scenario_id}",
    "POST /api/scenarios/{scenario_id}/edits",
    "DELETE /api/scenarios/{scenario_id}/edits/{edit_id}",
    "POST /api/scenarios/{scenario_id}/rebase",
    "GET /api/scenarios/{scenario_id}/features",
    "GET /api/scenarios/{scenario_id}/review",
    "GET /api/scenarios/{scenario_id}/changes",
    "GET /api/scenarios/{scenario_id}/export",
}
"""Scenarios of own parks, on the plan of these parks; publishing them is for the whole county."""


def _partial_of(name: str, action: Action) -> frozenset[Partial]:
    if action in {_OPEN, _OWN, _LEARN} or name == "GET /metrics":  # nothing of the county
        return frozenset(Partial)
    if action is _SEE:
        return frozenset(Partial) - ({Partial.LIMITED} if name in _ABOUT_GROUND else set())
    allowed = {Partial.MASKED: name in _OF_MASKED, Partial.LIMITED: name in _OF_LIMITED}
    return frozenset(way for way, is_allowed in allowed.items() if is_allowed)


DECISIONS: Mapping[str, RouteDecision] = MappingProxyType(
    {
        name: RouteDecision(action, _partial_of(name, action))
        for action, names in _ROUTES.items()
        for name in names
    }
)
"""By method and path as the route writes it."""
