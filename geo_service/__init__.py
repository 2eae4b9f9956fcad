"""Planning service for a county's industrial platform: zoning review, siting, maps.

>>> import geo_service as gs
>>> plan = gs.open_plan("layers/yunyang")
>>> review = gs.review(plan)
>>> review.parks[["park_id", "verdict"]].shape
(48, 2)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_service.layout.proposal import Proposal
    from geo_service.layout.propose import layout
    from geo_service.maps.draw import draw
    from geo_service.plan import Plan
    from geo_service.planning.writing import write
    from geo_service.scenarios.compare import SideBySide
    from geo_service.scenarios.library import compare, scenario
    from geo_service.scenarios.scenario import Scenario
    from geo_service.suitability.rank import Ranking, rank
    from geo_service.workspace.opening import open_plan
    from geo_service.zoning.review import Review, review

__version__ = "0.1.0"

_HOMES = {
    "Plan": "geo_service.plan",
    "Proposal": "geo_service.layout.proposal",
    "Ranking": "geo_service.suitability.rank",
    "Review": "geo_service.zoning.review",
    "Scenario": "geo_service.scenarios.scenario",
    "SideBySide": "geo_service.scenarios.compare",
    "compare": "geo_service.scenarios.library",
    "draw": "geo_service.maps.draw",
    "layout": "geo_service.layout.propose",
    "open_plan": "geo_service.workspace.opening",
    "rank": "geo_service.suitability.rank",
    "review": "geo_service.zoning.review",
    "scenario": "geo_service.scenarios.library",
    "write": "geo_service.planning.writing",
}

__all__ = [
    "Plan",
    "Proposal",
    "Ranking",
    "Review",
    "Scenario",
    "SideBySide",
    "__version__",
    "compare",
    "draw",
    "layout",
    "open_plan",
    "rank",
    "review",
    "scenario",
    "write",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the library exports
    """Import a public name when it is first used, so that importing the package is quick."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
