"""Which action each route is: one line a route; a route that is missing here answers nobody.

With accounts, `web/gate.py` asks this table before a route works; `tests/web/test_permissions.py`
walks the routes of the application and fails for one without a line, and for a line without a
route. Which roles may do an action stands in `access.PERMITS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geo_service.access import Action

_OPEN, _OWN, _LEARN, _LOOK = Action.OPEN, Action.OWN, Action.LEARN, Action.LOOK
_PLAN, _REVIEW, _IMPORT = Action.PLAN, Action.REVIEW, Action.IMPORT
_WORK = Action.WORK
_TIDY, _ADMINISTER = Action.TIDY, Action.ADMINISTER


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """What a route is, and whether its answer is about one park alone."""

    action: Action
    park: str | None = None
    """The part of the path that names the one park that an answer is about. Accounts that are
    limited to parks get these routes for their parks, and no others that show data."""


_ROUTES: Mapping[Action, tuple[str, ...]] = {
    _OPEN: (
        *("GET /healthz", "GET /readyz", "GET /sign-in", "POST /sign-in"),
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
    _LOOK: (
        *("GET /", "GET /compare", "GET /reviews", "GET /reviews/{review_id}", "GET /sites"),
        *("GET /scenarios", "GET /scenarios/compare", "GET /scenarios/{scenario_id}", "GET /data"),
        *("GET /layouts", "GET /layouts/{layout_id}", "GET /api/goals", "GET /api/plan/features"),
        *("GET /api/overview", "GET /api/overview/{figure}"),
        *("GET /api/reviews/{review_id}/desk", "GET /api/reviews/{review_id}/rows"),
        *("GET /here", "POST /api/here", "GET /sites/sheet", "GET /api/projects"),
        *("GET /api/parks", "GET /api/search", "GET /api/identify", "POST /api/areas"),
        *("GET /api/reviews", "GET /api/reviews/{review_id}", "GET /api/changes"),
        *("GET /api/acts", "GET /api/work", "GET /api/work/of", "GET /api/entries"),
        "GET /api/reviews/{review_id}/comparison",
        "GET /api/reviews/{review_id}/findings",
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
        *("GET /api/layers", "GET /api/layers/{layer}/features"),
        *("GET /api/layers/{layer}/history", "GET /api/layers/{layer}/diff"),
        "GET /api/layers/{layer}/history/{version}/features",
        "GET /api/layers/{layer}/boundary-points",
        *("GET /province", "GET /api/province", "GET /api/province/counties"),
        *("GET /api/province/export", "GET /maps/province"),
        "GET /maps/province/features/{source}",
        "GET /tiles/province/{layer}/{z}/{x}/{y}.mvt",
        "HEAD /tiles/province/{layer}/{z}/{x}/{y}.mvt",
        *("GET /maps/relief.png", "GET /maps/{kind}", "GET /maps/{kind}/features/{source}"),
        "GET /basemaps/{place}/{zoom}/{column}/{row}",
        *("GET /tiles/{layer}/{z}/{x}/{y}.mvt", "HEAD /tiles/{layer}/{z}/{x}/{y}.mvt"),
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
    _ADMINISTER: ("POST /api/saved/retain",),
}

_OF_ONE_PARK: Mapping[str, str] = {
    "GET /parks/{park_id}": "park_id",
    "GET /parks/{park_id}/sheet": "park_id",
    "GET /api/parks/{park_id}": "park_id",
    "GET /api/parks/{park_id}/focus": "park_id",
    "GET /api/parks/{park_id}/profile": "park_id",
}
"""Routes whose answer is about one park: everybody who may look gets them, limited or not."""

DECISIONS: Mapping[str, RouteDecision] = MappingProxyType(
    {name: RouteDecision(action) for action, names in _ROUTES.items() for name in names}
    | {name: RouteDecision(_LOOK, park) for name, park in _OF_ONE_PARK.items()}
)
"""By method and path as the route writes it."""
