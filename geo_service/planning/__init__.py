"""The use cases, in the words of the product; the one place that joins its parts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_service.planning.once import compare_files, rank_workspace, review_workspace
    from geo_service.planning.service import PlanningService
    from geo_service.reports.document import dump

_HOMES = {
    "PlanningService": "geo_service.planning.service",
    "compare_files": "geo_service.planning.once",
    "dump": "geo_service.reports.document",
    "rank_workspace": "geo_service.planning.once",
    "review_workspace": "geo_service.planning.once",
}

__all__ = ["PlanningService", "compare_files", "dump", "rank_workspace", "review_workspace"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever a use case is
    """Import a use case when it is first asked for: a review needs no travel times."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
