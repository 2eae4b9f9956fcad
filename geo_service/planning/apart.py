"""Long work in processes of its own: what the answering process orders, and what a child does.

One process (a `Crew`) has the plan open, and each piece of work is done in a child of it. What is
made comes back as a file: a review as columns, a ranking in a form of this run, an export as it is
sent. Tiles are made by a child that stays as long as somebody asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.crew import Crew, Talk
from geo_service.errors import BusyError, StoreError
from geo_service.language import Language, Translator
from geo_service.maps.tiles import LayerTiles, Tile, TileMaker
from geo_service.planning.downloads import Download
from geo_service.planning.kept_reviews import FOLDER, KeptReviews
from geo_service.planning.ranking_files import read_ranking, write_ranking
from geo_service.planning.ranking_records import save_ranking
from geo_service.planning.results import rulebook_recipe
from geo_service.planning.review_files import (
    MEDIA_TYPES,
    ExportFormat,
    export_name,
    write_review,
)
from geo_service.planning.review_records import save_review
from geo_service.planning.works import MadeRanking
from geo_service.scratch import ScratchFolder
from geo_service.stores.opening import STORE_FOLDER
from geo_service.suitability.project import project_of
from geo_service.suitability.rank import Ranking, rank_project
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.zoning.kept import KeptReviewError, keep_review, kept_review
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, parse_rulebook

if TYPE_CHECKING:
    from geo_service.crew import Chat
    from geo_service.plan import Plan
    from geo_service.stores.base import WorkspaceAt
    from geo_service.suitability.project import Project
    from geo_service.zoning.review import Progress

_log = logging.getLogger(__name__)
IDLE_SECONDS = 300.0
"""How long the child that makes tiles stays when nobody asks for one."""
_TILES_AT_ONCE = 2
_MODULE = __name__


class WorksApart:
    """Does long work in processes of its own. Methods are safe to call from several threads."""

    def __init__(self, at: WorkspaceAt) -> None:
        self._at = at
        self._scratch = ScratchFolder("works")
        self.kept = KeptReviews(at.folder / STORE_FOLDER / FOLDER)
        self._lock = threading.Lock()
        self._numbers = iter(range(1, 1 << 62))
        self._crew = Crew(f"{_MODULE}:open_plan", {"at": at, "versions": None})
        self._version: str | None = None
        """The plan that the crew has open; None for the newest one when it started."""
        self._crew.start()

    def _crew_of(self, plan: Plan) -> Crew:
        """Return the crew that has a plan open, which becomes the one that is used from now on."""
        with self._lock:
            if self._version == plan.version:
                return self._crew
            if self._version is None and self._crew.run(f"{_MODULE}:tell_version", {}) == (
                plan.version
            ):
                self._version = plan.version
                return self._crew
            previous = self._crew
            versions = {name: layer.version for name, layer in plan.layers.items()}
            arguments = {"at": self._at, "versions": versions, "plan_version": plan.version}
            self._crew = Crew(f"{_MODULE}:open_plan", arguments)
            self._version = plan.version
            self._crew.start()
        previous.retire()
        return self._crew

    def stand_on(self, plan: Plan) -> None:
        """Have another plan opened than before; work on the earlier one ends in peace."""
        self._crew_of(plan)

    @contextmanager
    def _file(self, suffix: str) -> Iterator[Path]:
        path = self._path(suffix)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _path(self, suffix: str) -> Path:
        with self._lock:
            return self._scratch.path / f"{next(self._numbers)}.{suffix}"

    # ---- reviews -----------------------------------------------------------------------------

    def review(
        self,
        plan: Plan,
        rulebook: Rulebook,
        *,
        parks: Iterable[str] | None = None,
        as_of: date | None = None,
        progress: Progress | None = None,
    ) -> Review:
        """Return the review that is kept of a plan, or have it reviewed."""
        chosen = None if parks is None else list(parks)
        day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
        found = self.kept.find(plan, rulebook, parks=chosen, as_of=day)
        if found is not None:
            return found
        folder = self.kept.folder
        with self._lock:
            path = folder / f"{next(self._numbers)}.{id(self):x}.made"
        try:
            review_id = self._crew_of(plan).run(
                f"{_MODULE}:make_review",
                {
                    "rulebook": _told(rulebook),
                    "parks": chosen,
                    "as_of": day,
                    "path": path,
                },
                progress=progress,
                watch=_watched(progress),
            )
            path.replace(self.kept.path(review_id))
        finally:
            path.unlink(missing_ok=True)
        self.kept.make_room()
        made = self.kept.read(review_id, plan, rulebook)
        if made is None:
            raise BusyError(said("problem.work_lost"))
        return made

    def save_review(self, opened: Workspace, made: Review, *, is_trial: bool) -> object:
        """Have a review saved in the store."""
        del opened  # a child opens its own
        return self._of_review(made, "store_review", is_trial=is_trial)

    def _of_review(self, made: Review, work: str, **arguments: Any) -> Any:  # noqa: ANN401 - by work
        """Have work done on a review that is kept."""
        path = self.kept.keep(made)
        given = {"path": path, "rulebook": _told(made.rulebook), **arguments}
        return self._crew_of_review(made).run(f"{_MODULE}:{work}", given)

    def _crew_of_review(self, made: Review) -> Crew:
        with self._lock:
            if self._version == made.plan.version:
                return self._crew
        # Of an earlier plan: a process for this once, which ends with the work.
        versions = {name: layer.version for name, layer in made.plan.layers.items()}
        crew = Crew(
            f"{_MODULE}:open_plan",
            {"at": self._at, "versions": versions, "plan_version": made.plan.version},
        )
        crew.start()
        crew.retire_after_work()
        return crew

    def download(
        self,
        made: Review,
        format: ExportFormat,  # noqa: A002 - the contract's word
        translator: Translator,
        more: Mapping[str, Any],
    ) -> Download:
        """Return a review as a file, which is written elsewhere and goes when it was sent."""
        target = self._path(format)
        self._of_review(
            made,
            "write_export",
            format=format,
            language=translator.language,
            more=dict(more),
            target=target,
        )
        name = export_name(made, format, translator)
        return Download(name, MEDIA_TYPES[format], b"", target)

    def tiles(self, made: Review) -> TileMaker:
        """Return what has the tiles of a review made."""
        return _TilesApart(self, made)

    # ---- rankings ----------------------------------------------------------------------------

    def rank(
        self,
        plan: Plan,
        project: Project,
        rulebook: Rulebook,
        *,
        progress: Progress | None = None,
    ) -> MadeRanking:
        """Have a project's sites ranked, and the ranking saved."""
        path = self._path("ranking")
        told = {
            "project": project.model_dump(mode="json"),
            "rulebook": _told(rulebook),
            "path": path,
        }
        crew = self._crew_of(plan)
        ranking_id, failure = crew.run(
            f"{_MODULE}:make_ranking", told, progress=progress, watch=_watched(progress)
        )
        file = _RankingFile(path, plan.layers, rulebook)

        def load() -> Ranking:
            return read_ranking(file.path, plan, rulebook)

        def save(_: Workspace) -> None:
            if failure is not None:
                raise failure

        return MadeRanking(ranking_id, plan.version, load, save)

    def close(self) -> None:
        """End all work and its processes."""
        with self._lock:
            crew = self._crew
        crew.close()
        self._scratch.close()
        self.kept.close()
