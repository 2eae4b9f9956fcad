"""Long work in processes of its own: what the answering process orders, and what a child does.

One process (a `Crew`) has the plan open, and each piece of work is done in a child of it. What is
made comes back as a file: a review as columns, a ranking in a form of this run, an export as it is
sent. Tiles are made by a child that stays as long as somebody asks.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from geo_service.crew import Crew, Talk, passable
from geo_service.errors import BusyError, StoreError
from geo_service.language import Language, Translator
from geo_service.maps.review_tiles import LayerTiles, Tile, TileMaker
from geo_service.planning.downloads import Download
from geo_service.planning.kept_reviews import FOLDER, KeptReviews
from geo_service.planning.ranking_files import read_ranking, write_ranking
from geo_service.planning.ranking_records import save_ranking
from geo_service.planning.results import record_plan, rulebook_recipe
from geo_service.planning.review_files import (
    MEDIA_TYPES,
    ExportFormat,
    export_name,
    write_review,
)
from geo_service.planning.review_records import save_review
from geo_service.planning.review_shelf import outline_of
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

IDLE_SECONDS = 1_800.0
"""How long the child that makes tiles stays when nobody asks for one."""
_TILES_AT_ONCE = 2


class WorksApart:
    """Does long work in processes of its own. Methods are safe to call from several threads."""

    def __init__(self, at: WorkspaceAt) -> None:
        self._at = at
        self._scratch = ScratchFolder("works")
        self.kept = KeptReviews(at.folder / STORE_FOLDER / FOLDER)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._crews: weakref.WeakSet[Crew] = weakref.WeakSet()
        self._crew = self._made_crew("open_newest")
        self._version: str | None = None
        """The version of the plan that the crew has open; None until it was asked."""
        self._wanted: str | None = None
        """The version of the plan that most work is on."""
        if not self.kept.were_used_today():  # else this process is ready soon: it goes first
            self._crew.start()

    def stand_on(self, plan: Plan) -> None:
        """Have another plan opened than before; work on the earlier one ends in peace."""
        with self._lock:
            is_first, self._wanted = self._wanted is None, plan.version
            is_open = self._version == plan.version
        if not (is_first or is_open):  # the first is most likely what the crew opens anyhow
            self._open(plan)

    def _open(self, plan: Plan) -> None:
        with self._lock:
            if self._version == plan.version:
                return
            previous, self._crew = self._crew, self._crew_at(plan)
            self._version = plan.version
            self._crew.start()
        previous.retire()

    def _has_open(self, plan: Plan) -> bool:
        with self._lock:
            crew, version = self._crew, self._version
        if version is None:
            version = crew.run(f"{__name__}:tell_version", {})
            with self._lock:
                if crew is self._crew:
                    self._version = version
        return version == plan.version

    def _crew_at(self, plan: Plan) -> Crew:
        versions = {name: layer.version for name, layer in plan.layers.items()}
        return self._made_crew("open_versions", versions=versions)

    def _made_crew(self, opener: str, **more: object) -> Crew:
        crew = Crew(f"{__name__}:{opener}", {"at": self._at, **more})
        self._crews.add(crew)
        return crew

    def _run(
        self,
        plan: Plan,
        work: str,
        arguments: Mapping[str, Any],
        progress: Progress | None = None,
    ) -> Any:  # noqa: ANN401 - by work
        """Have work done on a plan: an earlier one than now is opened for this once."""
        given = {"plan_version": plan.version, **arguments}
        watch = None if progress is None else _Watch(progress)
        with self._with_open(plan) as crew:
            return crew.run(f"{__name__}:{work}", given, progress=watch, watch=watch)

    @contextmanager
    def _with_open(self, plan: Plan) -> Iterator[Crew]:
        if not self._has_open(plan) and plan.version == self._wanted:
            self._open(plan)
        with ExitStack() as uses:
            with self._lock:
                crew = self._crew if plan.version == self._version else self._crew_at(plan)
                uses.enter_context(crew.in_use())  # before another plan takes its place
                if crew is not self._crew:
                    crew.retire()
            yield crew

    def _path(self, folder: Path, suffix: str) -> Path:
        return folder / f"{os.getpid()}-{next(self._numbers)}.{suffix}"

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
        with self._lock:
            self._crew.start()
        if found is not None:
            return found
        path = self._path(self.kept.folder, "made")
        told = {
            "rulebook": _told(rulebook),
            "parks": chosen,
            "as_of": day,
            "path": path,
            "granted": dict(plan.settings.granted),
        }
        try:
            review_id: str = self._run(plan, "make_review", told, progress)
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
        return self._run(
            made.plan, "store_review", {**self._kept(made), "at": self._at, "is_trial": is_trial}
        )

    def record_plan(self, opened: Workspace, plan: Plan) -> None:
        """Have a plan's own layers kept in the store."""
        del opened  # a child opens its own
        self._run(plan, "record_layers", {"at": self._at})

    def _kept(self, made: Review) -> dict[str, Any]:
        """Return what a child reads a review from."""
        return {"path": self.kept.keep(made), "rulebook": _told(made.rulebook)}

    def download(
        self,
        made: Review,
        format: ExportFormat,  # noqa: A002 - the contract's word
        translator: Translator,
        more: Mapping[str, Any],
    ) -> Download:
        """Return a review as a file, written by a child."""
        target = self._path(self._scratch.path, format)
        told = {
            "format": format,
            "language": translator.language,
            "more": dict(more),
            "target": target,
        }
        try:
            self._run(made.plan, "write_export", {**self._kept(made), **told})
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        name = export_name(made, format, translator)
        return Download(name, MEDIA_TYPES[format], path=target)

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
        file = _OwnFile(self._path(self._scratch.path, "ranking"))
        told = {
            "at": self._at,
            "project": project.model_dump(mode="json"),
            "rulebook": _told(rulebook),
            "path": file.path,
        }
        ranking_id, failure = self._run(plan, "make_ranking", told, progress)
        again, known = outline_of(plan, self._plan_at), weakref.ref(plan)

        def load() -> Ranking:
            return read_ranking(file.path, known() or again(), rulebook)

        def save(_: Workspace) -> None:
            if failure is not None:
                raise failure

        return MadeRanking(ranking_id, plan.version, load, save)

    def _plan_at(self, versions: Mapping[str, str]) -> Plan:
        with open_workspace(self._at) as opened:
            return opened.plan_at(versions)

    # ---- tiles -------------------------------------------------------------------------------

    def tiles(self, made: Review) -> TileMaker:
        """Return what has the tiles of a review made."""
        return TilesApart(made, self._with_open, self._kept)

    def stop(self) -> None:
        """End all work and its processes; BusyError is raised to who waits, and who asks later."""
        with self._lock:
            crews = list(self._crews)
        for crew in crews:
            crew.close()

    def close(self) -> None:
        """Stop all work, and remove its files."""
        self.stop()
        self._scratch.close()
        self.kept.close()


class _Watch:
    """Passes progress on, and the latest again while nothing is heard, so that a job can stop."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._latest = (0, 0, "")

    def __call__(self, *step: Any) -> None:  # noqa: ANN401 - done, total and name, or nothing
        self._latest = step or self._latest
        self._progress(*self._latest)


class _OwnFile:
    """A file that goes with the last who may read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._finalizer = weakref.finalize(self, path.unlink, missing_ok=True)


class TilesApart:
    """Has tiles made by a child that stays as long as somebody asks."""

    def __init__(
        self,
        made: Review,
        with_open: Callable[[Plan], AbstractContextManager[Crew]],
        kept: Callable[[Review], dict[str, Any]],
    ) -> None:
        self._review = made
        self._with_open = with_open
        self._kept = kept
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[tuple[object, ...], Future[Any]]] = {}
        self._talk: Talk | None = None
        self._is_running = False
        self._may_end = False

    def make(self, name: str, zoom: int, x: int, y: int) -> Tile | None:
        """Return a tile of a layer, None if empty."""
        found: Tile | None = self._ask("make", name, zoom, x, y)
        return found

    def low_zooms(self, name: str) -> Iterable[tuple[int, int, int]]:
        """Return the tiles of a layer that have many features, lowest zooms first."""
        found: list[tuple[int, int, int]] = self._ask("low_zooms", name)
        return found

    def _ask(self, *question: object) -> Any:  # noqa: ANN401 - by question
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = question, answer
            if self._talk is not None:
                self._talk.ask((number, question))
            elif not self._is_running:
                self._is_running = True
                threading.Thread(target=self._converse, name="tiles-apart", daemon=True).start()
        return answer.result()

    def _converse(self) -> None:
        """Talk with a child until nobody has asked for long."""
        try:
            told = {"plan_version": self._review.plan.version, **self._kept(self._review)}
            with (
                self._with_open(self._review.plan) as crew,
                Talk(crew, f"{__name__}:make_tiles", told) as talk,
            ):
                self._pass_on(talk)
        except _Over:  # nobody waits; who asks from now on begins anew
            return
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            with self._lock:
                self._is_running, self._talk = False, None
                waiting, self._waiting = self._waiting, {}
            for _, answer in waiting.values():
                answer.set_exception(error)

    def _pass_on(self, talk: Talk) -> NoReturn:
        """Give answers to who waits for them."""
        with self._lock:
            self._talk = talk
            for number, (question, _) in self._waiting.items():
                talk.ask((number, question))
        ends = time.monotonic() + IDLE_SECONDS

        def watch() -> None:
            nonlocal ends
            with self._lock:
                if self._waiting:
                    ends = time.monotonic() + IDLE_SECONDS
                elif self._may_end or time.monotonic() > ends:
                    self._is_running, self._talk = False, None
                    raise _Over

        while True:
            _, (number, value, error) = talk.hear(watch)
            with self._lock:
                _, answer = self._waiting.pop(number)
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(value)

    def pause(self) -> None:
        """Have the child give back what it only needs while many tiles of a zoom are made."""
        self._ask("pause")

    def close(self) -> None:
        """Let the child end as soon as nobody waits; who asks even now has another one started."""
        with self._lock:
            self._may_end = True


class _Over(Exception):  # noqa: N818 - no error: nobody asks any more
    """A conversation has come to its end."""


def _told(rulebook: Rulebook) -> bytes:
    return orjson.dumps(rulebook_recipe(rulebook))


# ---- in the processes ----------------------------------------------------------------------------


def open_newest(at: WorkspaceAt) -> Plan:
    """Open the newest plan of a workspace."""
    with open_workspace(at) as opened:  # closed before a child is forked
        return opened.plan()


def open_versions(at: WorkspaceAt, versions: Mapping[str, str]) -> Plan:
    """Open the plan of these versions."""
    with open_workspace(at) as opened:
        return opened.plan_at(versions)


def tell_version(plan: Plan, _: Chat) -> str:
    """Return the version of the plan that is open."""
    return plan.version


def _check(plan: Plan, version: str) -> None:
    if plan.version != version:  # the settings were changed meanwhile
        raise BusyError(said("problem.work_lost"))


def make_review(  # noqa: PLR0913 - what a review is made of
    plan: Plan,
    chat: Chat,
    *,
    plan_version: str,
    rulebook: bytes,
    parks: list[str] | None,
    as_of: date,
    path: Path,
    granted: Mapping[str, tuple[Mapping[str, Any], ...]],
) -> str:
    """Review a plan and write the review to a file; return its id.

    `granted` are the waivers and approvals by form that count: this process may have opened the
    plan before they did.
    """
    _check(plan, plan_version)
    plan = plan.with_granted(granted)
    rules = parse_rulebook(rulebook.decode(), "rulebook")
    made = review(plan, rules, parks=parks, as_of=as_of, progress=chat.progress)
    keep_review(made, path)
    return made.review_id


def _opened_review(plan: Plan, plan_version: str, rulebook: bytes, path: Path) -> Review:
    _check(plan, plan_version)
    try:
        return kept_review(path, plan, parse_rulebook(rulebook.decode(), "rulebook"))
    except KeptReviewError as error:
        raise BusyError(said("problem.work_lost")) from error


def store_review(
    plan: Plan,
    _: Chat,
    *,
    plan_version: str,
    rulebook: bytes,
    path: Path,
    at: WorkspaceAt,
    is_trial: bool,
) -> None:
    """Save a review in the store of its workspace."""
    made = _opened_review(plan, plan_version, rulebook, path)
    with open_workspace(at) as opened:
        save_review(opened, made, is_trial=is_trial)


def record_layers(plan: Plan, _: Chat, *, plan_version: str, at: WorkspaceAt) -> None:
    """Keep a plan's own layers in the store."""
    _check(plan, plan_version)
    with open_workspace(at) as opened:
        record_plan(opened, plan)


def write_export(  # noqa: PLR0913 - what is written, and how
    plan: Plan,
    _: Chat,
    *,
    plan_version: str,
    rulebook: bytes,
    path: Path,
    format: ExportFormat,  # noqa: A002 - the contract's word
    language: Language,
    more: dict[str, Any],
    target: Path,
) -> None:
    """Write a review to a file of a format."""
    made = _opened_review(plan, plan_version, rulebook, path)
    translator = Translator(language, plan.settings.names_hant)
    write_review(made, format, translator, more, target)


def make_ranking(  # noqa: PLR0913 - what a ranking is made of
    plan: Plan,
    chat: Chat,
    *,
    plan_version: str,
    at: WorkspaceAt,
    project: dict[str, Any],
    rulebook: bytes,
    path: Path,
) -> tuple[str, StoreError | None]:
    """Rank a project, write the ranking to a file and save it; return its id, or why it was not."""
    _check(plan, plan_version)
    rules = parse_rulebook(rulebook.decode(), "rulebook")
    made = rank_project(plan, project_of(project), rules, progress=chat.progress)
    write_ranking(made, path)
    try:
        with open_workspace(at) as opened:
            save_ranking(opened, made)
    except StoreError as error:
        return made.ranking_id, error
    return made.ranking_id, None


def make_tiles(plan: Plan, chat: Chat, *, plan_version: str, rulebook: bytes, path: Path) -> None:
    """Make the tiles that are asked for until no more questions come."""
    tiles = LayerTiles(_opened_review(plan, plan_version, rulebook, path))
    speaking = threading.Lock()

    def answer(number: int, question: tuple[Any, ...]) -> None:
        name, *arguments = question
        value, error = None, None
        try:
            value = getattr(tiles, name)(*arguments)
        except Exception as fault:  # noqa: BLE001 - told to who asked
            error = passable(fault)
        with speaking, suppress(OSError):  # nobody may be listening any more
            chat.answer((number, value if name == "make" else list(value or ()), error))

    with ThreadPoolExecutor(_TILES_AT_ONCE) as pool, suppress(EOFError):
        while True:
            number, question = chat.hear()
            pool.submit(answer, number, question)
