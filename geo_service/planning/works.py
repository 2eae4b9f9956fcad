"""Where long work is done: here, in the process that answers, or apart (`apart`).

Reviews, rankings, exports and tiles are the same wherever they are made. Leaves out when they are
made and what is kept of them (`reviews`, `rankings`, `tiles`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from geo_service.maps.review_tiles import LayerTiles, TileMaker
from geo_service.planning.kept_reviews import KeptReviews
from geo_service.planning.ranking_records import save_ranking
from geo_service.planning.results import record_plan
from geo_service.planning.review_files import ExportFormat, review_download
from geo_service.planning.review_records import save_review
from geo_service.suitability.rank import Ranking, rank_project
from geo_service.zoning.review import Review, review

if TYPE_CHECKING:
    from datetime import date

    from geo_service.language import Translator
    from geo_service.plan import Plan
    from geo_service.planning.downloads import Download
    from geo_service.suitability.project import Project
    from geo_service.workspace.opening import Workspace
    from geo_service.zoning.review import Progress
    from geo_service.zoning.rulebook import Rulebook


@dataclass(frozen=True)
class MadeRanking:
    """A ranking that was made: its id, what returns it, and what saves it in the store."""

    ranking_id: str
    plan_version: str
    load: Callable[[], Ranking]
    save: Callable[[Workspace], object]


def rank_here(
    plan: Plan, project: Project, rulebook: Rulebook, *, progress: Progress | None = None
) -> MadeRanking:
    """Rank a project's sites in this process."""
    made = rank_project(plan, project, rulebook, progress=progress)
    return MadeRanking(
        made.ranking_id, plan.version, lambda: made, lambda opened: save_ranking(opened, made)
    )


class Works(Protocol):
    """Does long work. Methods are safe to call from several threads."""

    kept: KeptReviews
    """The reviews that lie as files."""

    def review(
        self,
        plan: Plan,
        rulebook: Rulebook,
        *,
        parks: Iterable[str] | None = None,
        as_of: date | None = None,
        progress: Progress | None = None,
    ) -> Review:
        """Review a plan, as `zoning.review.review` does."""
        ...

    def save_review(self, opened: Workspace, made: Review, *, is_trial: bool) -> object:
        """Save a review in the store, as `review_records.save_review` does."""
        ...

    def record_plan(self, opened: Workspace, plan: Plan) -> None:
        """Keep a plan's own layers in the store, as `results.record_plan` does."""
        ...

    def rank(
        self,
        plan: Plan,
        project: Project,
        rulebook: Rulebook,
        *,
        progress: Progress | None = None,
    ) -> MadeRanking:
        """Rank a project's sites, as `suitability.rank.rank_project` does."""
        ...

    def download(
        self,
        made: Review,
        format: ExportFormat,  # noqa: A002 - the contract's word
        translator: Translator,
        more: Mapping[str, Any],
    ) -> Download:
        """Return a review as a file, as `review_files.review_download` does."""
        ...

    def tiles(self, made: Review) -> TileMaker:
        """Return what makes the tiles of a review."""
        ...

    def stand_on(self, plan: Plan) -> None:
        """Get ready to work on another plan than before."""
        ...

    def stop(self) -> None:
        """End work that goes on apart, whoever waits for it."""
        ...

    def close(self) -> None:
        """Stop all work, and remove its files."""
        ...


class WorksHere:
    """Does long work in the process and thread that asks."""

    def __init__(self) -> None:
        self.kept = KeptReviews()

    def review(
        self,
        plan: Plan,
        rulebook: Rulebook,
        *,
        parks: Iterable[str] | None = None,
        as_of: date | None = None,
        progress: Progress | None = None,
    ) -> Review:
        """Review a plan."""
        return review(plan, rulebook, parks=parks, as_of=as_of, progress=progress)

    def save_review(self, opened: Workspace, made: Review, *, is_trial: bool) -> object:
        """Save a review in the store."""
        return save_review(opened, made, is_trial=is_trial)

    def record_plan(self, opened: Workspace, plan: Plan) -> None:
        """Keep a plan's own layers in the store."""
        record_plan(opened, plan)

    def rank(
        self,
        plan: Plan,
        project: Project,
        rulebook: Rulebook,
        *,
        progress: Progress | None = None,
    ) -> MadeRanking:
        """Rank a project's sites."""
        return rank_here(plan, project, rulebook, progress=progress)

    def download(
        self,
        made: Review,
        format: ExportFormat,  # noqa: A002 - the contract's word
        translator: Translator,
        more: Mapping[str, Any],
    ) -> Download:
        """Return a review as a file."""
        return review_download(made, format, translator, more)

    def tiles(self, made: Review) -> TileMaker:
        """Return what makes the tiles of a review."""
        return LayerTiles(made)

    def stand_on(self, plan: Plan) -> None:
        """Do nothing: every plan is at hand."""

    def stop(self) -> None:
        """Do nothing: work ends with who asked for it."""

    def close(self) -> None:
        """Remove files."""
        self.kept.close()
