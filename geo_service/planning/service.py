"""One workspace at work: opened, reviewed, followed, and the desks that answer for it.

The command line and the web layer ask a desk and reply; neither knows how an answer comes about.
The service follows its store: when a newer version was published, by this process or another, it
opens the plan again and reviews it.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from geo_service.access import Partial
from geo_service.crew import CAN_FORK
from geo_service.errors import BusyError
from geo_service.memory import collect_usually, settle
from geo_service.planning.accounts import AccountDesk
from geo_service.planning.apart import WorksApart
from geo_service.planning.auditing import AuditDesk
from geo_service.planning.finder import Finder
from geo_service.planning.finding_work import WorkDesk
from geo_service.planning.following import Follower
from geo_service.planning.grants import GrantDesk
from geo_service.planning.import_drafts import ImportDesk
from geo_service.planning.layer_desk import LayerDesk
from geo_service.planning.layouts import LayoutDesk
from geo_service.planning.maps import MapDesk
from geo_service.planning.pages.overview import OverviewDesk
from geo_service.planning.parks import ParkDesk
from geo_service.planning.rankings import RankingDesk
from geo_service.planning.restrictions import Restrictions
from geo_service.planning.reviews import ReviewDesk
from geo_service.planning.saved_desk import SavedDesk
from geo_service.planning.scenario_ground import ScenarioGround, ServiceGround
from geo_service.planning.scenario_parts import PartGround
from geo_service.planning.scenarios import ScenarioDesk
from geo_service.planning.sights import SightDesk
from geo_service.planning.state import ServiceState, Standing
from geo_service.planning.tiles import TileDesk
from geo_service.planning.works import Works, WorksHere
from geo_service.workspace.opening import Workspace
from geo_service.zoning.rulebook import Rulebook, open_rulebook
from geo_service.zoning.seen import judging_rules

if TYPE_CHECKING:
    import os

    from geo_service.access import Acting, Sight
    from geo_service.jobs import JobBoard
    from geo_service.language import Language, Translator
    from geo_service.plan import Plan
    from geo_service.planning.uploads import UploadLimits
    from geo_service.zoning.review import Progress, Review

_log = logging.getLogger(__name__)


class PlanningService:
    """One workspace at work. Methods are safe to call from several threads."""

    def __init__(  # noqa: PLR0913 - what a service is made of
        self,
        plan: Plan,
        rulebook: Rulebook,
        current: Review,
        *,
        workspace: Workspace | None = None,
        moment: tuple[object, ...] = (),
        works: Works | None = None,
        jobs: JobBoard | None = None,
        part_of: tuple[PlanningService, Sight] | None = None,
    ) -> None:
        self._state = ServiceState(Standing(plan, rulebook, current), workspace, works, jobs=jobs)
        self.follower = Follower(self._state, moment=moment, stand_on=self._stand_on)
        self.parks = ParkDesk(self._state, scenarios=lambda: self.scenarios)
        self.overview = OverviewDesk(self._state, scenarios=lambda: self.scenarios)
        self.accounts = AccountDesk(
            None if workspace is None else lambda: workspace.store.accounts,
            plan=lambda: self.plan,
        )
        self.audit = AuditDesk(None if workspace is None else lambda: workspace.store.audit)
        self.work = WorkDesk(
            self._state,
            accounts=lambda: [one.name for one in self.accounts.all() if not one.is_disabled],
        )
        self.grants = GrantDesk(self._state)
        self.reviews = ReviewDesk(
            self._state,
            work=self.work,
            scenarios=lambda: self.scenarios,
        )
        self.finder = Finder(self._state)
        self.rankings = RankingDesk(
            self._state, scenario_plan=lambda name: self.scenarios.judged(name).review.plan
        )
        self.layers = LayerDesk(self._state, self.follower)
        self.saved = SavedDesk(self._state, reviews=self.reviews, rankings=self.rankings)
        self.maps = MapDesk(
            self._state,
            reviews=self.reviews,
            rankings=self.rankings,
            imports=lambda: self.imports,
            scenarios=lambda: self.scenarios,
            layouts=lambda: self.layouts,
        )
        self.tiles = TileDesk(self._state)
        self._sights = SightDesk(self._state)
        self._restrictions = Restrictions(
            None if workspace is None else workspace.folder, plan.settings.restricted
        )
        self.scenarios = ScenarioDesk(self._ground(part_of), remember=self.reviews.lend)
        self.layouts = LayoutDesk(self._state, self.scenarios)
        self._imports: ImportDesk | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        workspace: str | os.PathLike[str],
        *,
        is_apart: bool = False,
        progress: Progress | None = None,
    ) -> PlanningService:
        """Open a workspace and review it by its own rulebook.

        With `is_apart`, long work is done in processes of its own, where the system forks them,
        and a review of the same plan and rules that was made before is read instead of made.

        Raises
        ------
        WorkspaceError, RulebookError
            The workspace or its rulebook is unusable; every fault is listed.
        StoreError
            Its store cannot be reached or read.
        """
        opened = Workspace(workspace)
        works: Works = WorksApart(opened.at) if is_apart and CAN_FORK else WorksHere()
        try:
            moment = opened.moment()  # before the plan: what is published in between is news
            plan = opened.plan()
            rulebook = open_rulebook(plan.settings.rulebook_path)
            works.stand_on(plan)
            current = works.review(plan, rulebook, progress=progress)
        except BaseException:
            works.close()
            opened.close()
            raise
        if is_apart:
            settle()
        else:
            collect_usually()
        return cls(plan, rulebook, current, workspace=opened, moment=moment, works=works)

    @property
    def imports(self) -> ImportDesk:
        """The files that wait to be published; the desk opens when it is first asked for."""
        with self._lock:
            if self._imports is None:
                self._imports = self.open_imports()
            return self._imports

    def open_imports(self, limits: UploadLimits | None = None) -> ImportDesk:
        """Open one more desk for files, with limits of its own; whoever opens it closes it."""
        return ImportDesk(self._state, self.follower, limits)

    @property
    def plan(self) -> Plan:
        """The plan of the newest versions that were seen."""
        return self._state.plan

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in force."""
        return self._state.rulebook

    @property
    def review(self) -> Review:
        """The review of the plan by the rulebook in force."""
        return self._state.review

    def sight_of(self, who: Acting) -> Sight:
        """Return what of the county an account may see; WorkspaceError as `Restrictions.now`."""
        return who.sight(self._restrictions.now())

    def seen_by(self, who: Acting | None) -> PlanningService:
        """Return the service that answers an account: itself, or one over what it may see."""
        if who is None:
            return self
        sight = self.sight_of(who)
        if not sight.partial:
            return self
        return self._sights.service(
            sight,
            lambda now: PlanningService(
                now.plan, now.rulebook, now.review, jobs=self.jobs, part_of=(self, sight)
            ),
        )

    def _ground(self, part_of: tuple[PlanningService, Sight] | None) -> ScenarioGround:
        """Return what its scenarios stand on: none are kept where anything is masked."""
        if part_of is not None and part_of[1].partial == {Partial.LIMITED}:
            whole, sight = part_of
            if whole.has_workspace:
                return PartGround(self._state, sight, whole=whole._state)  # noqa: SLF001 - of its own class
        return ServiceGround(self._state, self.follower)

    @property
    def judging_rules(self) -> Rulebook:
        """The rules in force that can be judged by what the plan holds."""
        return judging_rules(self.rulebook, self.plan)

    @property
    def jobs(self) -> JobBoard:
        """Its long work in the background."""
        return self._state.jobs

    @property
    def workspace(self) -> Workspace:
        """The workspace, open; NotFoundError for a service that was made from a bare plan."""
        return self._state.workspace

    @property
    def has_workspace(self) -> bool:
        """Whether there is a folder and a store behind it."""
        return self._state.has_workspace

    def translator(self, language: Language) -> Translator:
        """Return a translator that knows this county's names."""
        return self._state.translator(language)

    def stop_work(self) -> None:
        """End long work, whoever waits for it."""
        self.tiles.stop()
        self._state.works.stop()

    def close(self) -> None:
        """Tell jobs to stop, wait for the one that runs, and close desks and the store."""
        self.stop_work()
        self.tiles.close()
        self._state.works.close()
        self.jobs.close()
        self.follower.close()
        if self._imports is not None:
            self._imports.close()
        if self._state.has_workspace:
            self.workspace.close()

    def refresh(self) -> bool:
        """Open the plan again if something was published; return whether it is another now.

        Called after publishing in this process. Raises as `open` does; the plan at hand then
        stays.
        """
        return self.follower.refresh()

    def check_files(self) -> None:
        """Take up own files that count and were edited; ConflictError when there are any."""
        self.follower.check_files()

    def make_ahead(self) -> None:
        """Make in the background what the first readers will ask for."""
        self.tiles.current().start()
        with suppress(BusyError):  # whoever looks first has it made
            self.jobs.start(lambda _: self.finder.make())

    def look_for_news(self) -> None:
        """Ask the store, at most each second and not in this thread, whether to refresh."""
        self.follower.look()

    def tell_own_files(self) -> None:
        """Log that nothing was published, if so: the workspace's own files count."""
        if self._state.has_workspace and self.workspace.store.stamp() == 0:
            name = self.workspace.folder.name
            _log.warning("Nothing was published in %s: its own files count.", name)

    def _stand_on(self, plan: Plan) -> None:
        """Work with another plan from now on; requests that are under way end on the old one."""
        rulebook = self.rulebook
        works = self._state.works
        works.stand_on(plan)
        current = works.review(plan, rulebook)
        self.reviews.cache(current)  # first, so that whoever sees it as the current one finds it
        self._state.now = Standing(plan, rulebook, current)
        with suppress(BusyError):  # the next publication tries again
            self.jobs.start(lambda _: self._let_go())

    def _let_go(self) -> None:
        """Hold in memory what the plan needs that counts, and nothing of earlier ones."""
        self.maps.let_go()
        self.rankings.let_go()
        self.scenarios.let_go()
        self.finder.make()
        self.tiles.current()
        self._sights.let_go()
        self.reviews.shelf.rest()
        settle()
