"""What the command line asks of a workspace: review it, rank a project, compare saved files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.document_limits import json_limit
from geo_service.errors import InvalidQueryError
from geo_service.memory import give_back_free_pages
from geo_service.model import Severity, Verdict
from geo_service.planning.layers import export_plan
from geo_service.reports.comparison import ComparedReviews, ReviewSide
from geo_service.wording import said
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import open_rulebook

if TYPE_CHECKING:
    import os
    from datetime import date

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project
    from geo_service.suitability.rank import Ranking
    from geo_service.zoning.review import Progress


def review_workspace(
    workspace: str | os.PathLike[str],
    *,
    rulebook: Path | None = None,
    parks: Sequence[str] | None = None,
    as_of: date | None = None,
    scenario: str | None = None,
    progress: Progress | None = None,
) -> Review:
    """Open a workspace and review it; what the command line's `review` does.

    `as_of` is the day of the review; today if None. With `scenario`, the id of one or the path of
    a file, its plan is reviewed. Saving it is `reviews.save_workspace_review`.

    Raises
    ------
    WorkspaceError, RulebookError, NotFoundError, ScenarioError
        The workspace, rulebook or scenario is unusable, or a park does not exist.
    """
    plan = open_plan_with(workspace, scenario)
    rules = open_rulebook(rulebook or plan.settings.rulebook_path)
    result = review(plan, rules, parks=parks, as_of=as_of, progress=progress)
    plan.forget()  # nobody renews this review
    result = replace(result, memory=None)
    give_back_free_pages()
    return result


def rank_workspace(
    workspace: str | os.PathLike[str],
    project: Project,
    *,
    scenario: str | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Open a workspace and rank a project's sites; what the command line's `rank` does.

    Saving it is `rankings.save_workspace_ranking`.

    Raises
    ------
    WorkspaceError, RulebookError, ProjectError, ScenarioError
        The workspace, its rulebook, the project or the scenario is unusable.
    """
    # A review does not need it: it starts faster without its libraries.
    from geo_service.suitability.rank import rank_project  # noqa: PLC0415

    plan = open_plan_with(workspace, scenario)
    rules = open_rulebook(plan.settings.rulebook_path)
    return rank_project(plan, project, rules, progress=progress)


def open_plan_with(workspace: str | os.PathLike[str], scenario: str | None) -> Plan:
    """Return the plan of a workspace, or that of a scenario: an id, or the path of a file."""
    if scenario is None:
        plan = open_plan(workspace)
        plan.project_ahead("control_zones", "rivers")  # while the parcels are looked at
        return plan
    # A plain review does not need it.
    from geo_service.planning.scenarios import scenario_of_workspace  # noqa: PLC0415

    return scenario_of_workspace(workspace, scenario).plan


def export_workspace(
    workspace: str | os.PathLike[str], path: Path, *, scenario: str | None = None
) -> Path:
    """Write a workspace's plan, or that of a scenario, as one GeoPackage."""
    plan = None if scenario is None else open_plan_with(workspace, scenario)
    return export_plan(workspace, path, plan=plan)


def compare_files(before: Path, after: Path) -> ComparedReviews:
    """Return how the findings of two saved reviews (`review --format json`) differ.

    Raises
    ------
    InvalidQueryError
        A file cannot be read or is no review.
    """
    return ComparedReviews.of(_saved_review(before), _saved_review(after))


_PIECE = 1 << 22
_FINDING_MEMBERS = frozenset(
    {
        "finding_id",
        "rule_id",
        "subject",
        "verdict",
        "severity",
        "waived",
        "evidence",
        "title",
        "park_id",
    }
)


def _saved_review(path: Path) -> ReviewSide:
    name = "file"
    try:
        content = path.read_bytes()
        # The review of a million parcels is large; what counts is how deep its values are compared.
        pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
        is_deep = json_limit(pieces, most_values=len(content)) is not None
        document: Any = None if is_deep else orjson.loads(content)
    except OSError as error:
        reason = error.strerror or "?"
        msg = said("problem.file", path=str(path), reason=reason)
        raise InvalidQueryError(name, msg) from None
    except orjson.JSONDecodeError:
        document = None
    if not _is_review(document):
        msg = said("problem.no_review_file", path=str(path))
        raise InvalidQueryError(name, msg)
    return ReviewSide.of_document(document)


_VERDICTS = [verdict.value for verdict in Verdict]
_SEVERITIES = [severity.value for severity in Severity]


def _is_review(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    parks, findings = document.get("parks"), document.get("findings")
    return (
        isinstance(document.get("checks"), dict)
        and isinstance(parks, list)
        and all(isinstance(park, dict) and isinstance(park.get("park_id"), str) for park in parks)
        and isinstance(findings, list)
        and all(map(_is_finding, findings))
    )


def _is_finding(item: object) -> bool:
    return (
        isinstance(item, dict)
        and set(item) >= _FINDING_MEMBERS
        and isinstance(item["evidence"], dict)
        and isinstance(item["subject"], dict)
        and all(isinstance(item["subject"].get(name), str) for name in ("layer", "id"))
        and all(isinstance(item[name], str) for name in ("finding_id", "rule_id", "title"))
        and isinstance(item["park_id"], str | None)
        and item["verdict"] in _VERDICTS
        and item["severity"] in _SEVERITIES
    )
