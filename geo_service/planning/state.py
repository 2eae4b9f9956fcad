"""What the desks of the service share: the plan, rulebook and review of now, its store, its jobs.

Knows no desk. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import shapely

from geo_service.errors import BusyError, NotFoundError
from geo_service.jobs import JobBoard
from geo_service.language import Language, Translator
from geo_service.planning.belongings import Belongings
from geo_service.planning.saving import Saver
from geo_service.planning.works import Works, WorksHere
from geo_service.spatial.live_index import Box, LiveIndex
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.workspace.opening import Workspace
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rulebook


class Standing:
    """A plan with its review and what was worked out from the two; replaced as a whole."""

    def __init__(self, plan: Plan, rulebook: Rulebook, current: Review) -> None:
        self.plan = plan
        self.rulebook = rulebook
        self.review = current
        self.features: dict[Language, list[Document]] = {}

    @cached_property
    def park_index(self) -> LiveIndex:
        """An index of the parks' boxes."""
        return LiveIndex(shapely.bounds(self.review.parks.geometry.to_numpy()))

    @cached_property
    def park_positions(self) -> dict[str, int]:
        """Where each park stands in the layer, by its id."""
        return {park_id: position for position, park_id in enumerate(self.review.parks["park_id"])}

    def meeting(self, bbox: Box) -> list[int]:
        """Return positions of parks that meet a box: by the live index, then by their shape."""
        shapes = self.review.parks.geometry.to_numpy()
        window = shapely.box(*bbox)
        return [
            position
            for position in self.park_index.query(bbox)
            if shapes[position].intersects(window)
        ]


class ServiceState:
    """What stands now in one workspace, and where its results are kept."""

    def __init__(
        self,
        now: Standing,
        workspace: Workspace | None,
        works: Works | None = None,
        *,
        jobs: JobBoard | None = None,
    ) -> None:
        self.now = now
        self.works: Works = works or WorksHere()
        self.jobs = jobs or JobBoard()
        kept_by = said("keeping.of_part") if now.plan.is_part else said("keeping.no_store")
        self.saver = Saver(workspace, current=lambda: self.review.review_id, without_store=kept_by)
        self.belongings = Belongings(None if workspace is None else lambda: workspace.store)
        self._workspace = workspace
        self._lock = threading.Lock()
        self._recorded_plans: set[str] = set()

    @property
    def plan(self) -> Plan:
        """The plan of the newest versions that were seen."""
        return self.now.plan

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in force."""
        return self.now.rulebook

    @property
    def review(self) -> Review:
        """The review of the plan by the rulebook in force."""
        return self.now.review

    @property
    def has_workspace(self) -> bool:
        """Whether there is a store to keep results in."""
        return self._workspace is not None

    @property
    def workspace(self) -> Workspace:
        """The workspace, open; NotFoundError for a service that was made from a bare plan."""
        if self._workspace is None:
            raise NotFoundError(said("problem.no_workspace"))
        return self._workspace

    def translator(self, language: Language) -> Translator:
        """Return a translator that knows this county's names."""
        return Translator(language, self.plan.settings.names_hant)

    def record_plan(self, plan: Plan) -> None:
        """Keep the layers that a saved result was made from, in the background."""
        with self._lock:
            if plan.version in self._recorded_plans:
                return
            self._recorded_plans.add(plan.version)
        with suppress(BusyError):  # the next result that is saved tries again
            self.jobs.start(lambda _: self.works.record_plan(self.workspace, plan))
