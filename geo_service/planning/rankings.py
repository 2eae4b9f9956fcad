"""Rankings of a county: made, kept, saved, weighed anew, compared, and handed out as files.

`RankingDesk` answers for one running service. A saved ranking outlives the process: it is looked
at by its documents, and made again from its recipe when a map or a file of it is wanted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cachetools import FIFOCache, LRUCache

import geo_service
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.jobs import JobKind
from geo_service.language import Language, Translator
from geo_service.mcda.sensitivity import first_order_sensitivity
from geo_service.planning.downloads import Download, file_name
from geo_service.planning.job_results import JobResultKind, MadeResult
from geo_service.planning.printable import Printable
from geo_service.planning.ranking_parts import document_of, ranking_parts, saved_parts
from geo_service.planning.ranking_records import (
    load_summary,
    ranking_bytes,
    ranking_from_recipe,
    save_ranking,
    save_workspace_ranking,
)
from geo_service.planning.saved import drop_result
from geo_service.planning.saving import members
from geo_service.planning.works import rank_here
from geo_service.reports.document import Slice, collection, dump
from geo_service.reports.plain_text import one_line
from geo_service.reports.ranking import (
    compare_rankings,
    criteria_document,
    explanation_document,
    ranking_document,
    ranking_excerpt,
    ranking_features,
    ranking_summary,
    route_features,
)
from geo_service.reports.terminal import SHOWN_CANDIDATES, ranking_table
from geo_service.stores.base import RANKING, SCENARIO, Saved
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.project import open_project, project_of, project_schema
from geo_service.suitability.rank import Ranking
from geo_service.wording import said
from geo_service.zoning.seen import judging_rules

if TYPE_CHECKING:
    from geo_service.jobs import Job
    from geo_service.plan import Plan
    from geo_service.planning.state import ServiceState
    from geo_service.planning.works import MadeRanking
    from geo_service.reports.document import Document
    from geo_service.suitability.project import Project
    from geo_service.zoning.review import Progress

_LONGEST_LINE = 2_000
_LONGEST_PROJECT = 60


# ---- as files ------------------------------------------------------------------------------------


class RankingFormat(StrEnum):
    """The formats of a ranking as a file; the value is also the file's extension."""

    JSON = "json"
    GEOJSON = "geojson"
    XLSX = "xlsx"


RANKING_MEDIA_TYPES = {
    RankingFormat.JSON: "application/json",
    RankingFormat.GEOJSON: "application/geo+json",
    RankingFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export_ranking(
    ranking: Ranking,
    format: RankingFormat,  # noqa: A002 - the contract's word
    translator: Translator,
    *,
    more: Mapping[str, Any] | None = None,
    top: int | None = None,
) -> bytes:
    """Return a ranking as a file of a format, its texts in the translator's language.

    `more` are members of its document beside those of the ranking: whether it is saved. With
    `top` a workbook or a document has only the best so many.
    """
    if format is RankingFormat.GEOJSON:
        features = ranking_features(ranking, translator)
        summary = {**ranking_summary(ranking, translator), **(more or {})}
        return dump(collection(features, len(features), ranking=summary))
    document = ranking_document(ranking, translator, top=top)
    if format is RankingFormat.JSON:
        return dump({**document, **(more or {})}, indent=True)
    from geo_service.reports.ranking_xlsx import ranking_xlsx  # noqa: PLC0415 - its library is heavy

    return ranking_xlsx(document, translator)


def ranking_text(
    ranking: Ranking, translator: Translator, *, top: int | None, width: int | None
) -> bytes:
    """Return a ranking as a table for a terminal of so many character cells."""
    excerpt = ranking_excerpt(ranking, translator, top=top, of_parks=SHOWN_CANDIDATES)
    return ranking_table(excerpt, translator, top=top, width=width).encode()


def printable_explanation(ranking: Ranking, candidate_id: str, translator: Translator) -> Printable:
    """Return why a candidate stands where it does: a line a criterion, or as a document.

    NotFoundError for an id that no candidate has.
    """
    told = explanation_document(ranking, candidate_id, translator)
    lines = [told["label"], *told["summary"], *(item["text"] for item in told["sentences"])]
    text = "\n".join(one_line(str(line), most=_LONGEST_LINE) for line in lines)
    return Printable(lambda: told, lambda *_: text)


# ---- of a running service ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weighing:
    """How a kept ranking's candidates are to be scored anew; what is None stays as it is."""

    weights: Mapping[str, float] | None = None
    method: str | None = None
    normalisation: str | None = None

    def of(self, ranking: Ranking) -> Ranking:
        """Return a ranking scored so; InvalidQueryError, NotFoundError as `Ranking.reweigh`."""
        return ranking.reweigh(self.weights, method=self.method, normalisation=self.normalisation)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this weighing from another one."""
        weights = None if self.weights is None else tuple(sorted(self.weights.items()))
        return weights, self.method, self.normalisation


AS_SAVED = Weighing()
CACHED_RANKINGS = 50
"""How many rankings a running service remembers."""
KEPT_OF_PART = 8
"""How many it remembers that were made of a part of the county: whole, since no store has them."""
RANKING_BYTES = 300_000_000
"""About how much memory rankings may take that are ready to be weighed anew."""
_CANDIDATE_BYTES = 24_000
_LEAST_BYTES = 100_000
WEIGHED = 8
"""How many it remembers as weighed: a page asks for the table, the reasons and the map of one."""


class RankingDesk:
    """The rankings of one county. Methods are safe to call from several threads."""

    def __init__(
        self, state: ServiceState, *, scenario_plan: Callable[[str], Plan] | None = None
    ) -> None:
        self._state = state
        self._scenario_plan = scenario_plan
        self._lock = threading.RLock()
        kept = KEPT_OF_PART if state.plan.is_part else CACHED_RANKINGS
        self._cache: FIFOCache[str, tuple[str, MadeRanking]] = FIFOCache(kept)
        self._loaded: LRUCache[str, Ranking] = LRUCache(RANKING_BYTES, getsizeof=_weight)
        self._weighed: LRUCache[tuple[object, ...], Ranking] = LRUCache(WEIGHED)

    def criteria(self, language: Language) -> Document:
        """Return every criterion with unit, sense, default weight and value function."""
        return criteria_document(self._state.translator(language))

    def start(self, document: Mapping[str, Any]) -> Job:
        """Begin to rank a project, given as a document; ProjectError says what is wrong with it.

        With a member `scenario`, its sites are sought in the plan of that scenario; NotFoundError
        for an unknown one.
        """
        fields = dict(document)
        scenario = fields.pop(SCENARIO, None)
        project = project_of(fields)
        self._check_asked(project)
        plan = None if scenario is None else self._plan_of(scenario)

        def work(progress: Progress) -> MadeResult:
            made = self.make(project, plan=plan, progress=progress)
            return MadeResult(JobResultKind.RANKINGS, made.ranking_id)  # the job outlives the plan

        return self._state.jobs.start(work, JobKind.RANKING)

    def _plan_of(self, scenario: object) -> Plan:
        is_masked = bool(self._state.plan.withheld)
        if not isinstance(scenario, str) or self._scenario_plan is None or is_masked:
            raise NotFoundError(said("problem.no_scenario", scenario=repr(str(scenario)[:80])))
        return self._scenario_plan(scenario)

    def _check_asked(self, project: Project) -> None:
        """Refuse what cannot be sought where a part of the county is seen."""
        if self._state.plan.is_part and CandidateKind.LAND in project.candidates:
            name = "candidates"
            raise InvalidQueryError(name, said("problem.land_of_part"))

    def rank(self, project: Project, *, progress: Progress | None = None) -> Ranking:
        """Return what `make` makes, ready to be weighed anew."""
        return self.find(self.make(project, progress=progress).ranking_id)

    def make(
        self, project: Project, *, plan: Plan | None = None, progress: Progress | None = None
    ) -> MadeRanking:
        """Rank a project's sites by the county's rulebook, and save the ranking.

        They are sought in the county's plan, or in another one that is given, which is at hand in
        this process alone.
        """
        state = self._state
        self._check_asked(project)
        rules = judging_rules(state.rulebook, state.plan)
        if plan is None:
            plan = state.plan
            made = state.works.rank(plan, project, rules, progress=progress)
        else:
            made = rank_here(plan, project, rules, progress=progress)
        state.belongings.claim(RANKING, made.ranking_id)
        self._cache_ranking(made, datetime.now(UTC).isoformat(timespec="seconds"))
        # Where it cannot be saved the answer stands; only a restart would lose it.
        if state.saver.save(RANKING, made.ranking_id, made.save):
            state.record_plan(plan)
        return made

    def _cache_ranking(self, made: MadeRanking, made_at: str) -> None:
        with self._lock:
            cached = self._cache.get(made.ranking_id, (made_at, made))
            self._cache[made.ranking_id] = cached  # the newest from now on

    def find(self, ranking_id: str) -> Ranking:
        """Return a kept ranking; one saved by an earlier process is made again.

        Raises
        ------
        NotFoundError
            The id is unknown, or the saved ranking cannot be made again.
        """
        self.check_seen(ranking_id)
        with self._lock:
            cached = self._cache.get(ranking_id)
            if ranking_id in self._loaded:
                return self._loaded[ranking_id]
        if cached is not None:
            found = cached[1].load()
        elif self._state.has_workspace:
            found = ranking_from_recipe(self._state.workspace, ranking_id)
        else:
            raise _no_such(ranking_id)
        with self._lock, suppress(ValueError):  # too large to be remembered
            self._loaded[ranking_id] = found
        return found

    def check_seen(self, ranking_id: str) -> None:
        """Raise NotFoundError for the id of a ranking that the account must not see."""
        self._state.belongings.check_seen(RANKING, ranking_id, _no_such)

    def held(self) -> tuple[int, int]:
        """Return how many rankings are in memory, and their bytes."""
        with self._lock:
            return len(self._loaded), int(self._loaded.currsize)

    def let_go(self) -> None:
        """Hold no plan any more but the one that counts; what is saved is read from the store."""
        plan, saver = self._state.plan, self._state.saver
        with self._lock:
            ids = list(self._cache)
            for ranking_id in [key for key, made in self._loaded.items() if made.plan is not plan]:
                del self._loaded[ranking_id]
            for asked in [key for key, made in self._weighed.items() if made.plan is not plan]:
                del self._weighed[asked]
        saved = saver.saved_among(RANKING, ids)
        with self._lock:
            for ranking_id in saved:
                cached = self._cache.get(ranking_id)
                if cached is not None and cached[1].plan_version != plan.version:
                    del self._cache[ranking_id]

    def summaries(
        self, language: Language, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return summaries of kept and saved rankings, newest first, and how many there are."""
        translator = self._state.translator(language)
        saver, hidden = self._state.saver, self._state.belongings.hidden(RANKING)
        with self._lock:
            cached = {name: one for name, one in self._cache.items() if name not in hidden}
        saved: dict[str, Saved] = {}
        count = 0
        if self._state.has_workspace:
            store = self._state.workspace.store
            count = store.count_saved(RANKING) - len(saver.saved_among(RANKING, hidden))
            entries = store.saved(RANKING, limit=limit + offset + len(hidden))
            saved = {item.id: item for item in entries if item.id not in hidden}
        known = saver.saved_among(RANKING, cached)
        times = {name: item.made_at.isoformat(timespec="seconds") for name, item in saved.items()}
        unsaved = {name: at for name, (at, _) in cached.items() if name not in known}
        rows = sorted({**times, **unsaved}.items(), key=lambda row: (row[1], row[0]), reverse=True)

        def summary(name: str) -> Document:
            if name in unsaved:
                found = ranking_summary(self.find(name), translator)
            else:
                found = load_summary(self._state.workspace, name, language)
            is_pinned = name in saved and saved[name].is_pinned
            reason = None if name in times else saver.why_not(RANKING, name)
            return {**found, **members(reason, translator), "is_pinned": is_pinned}

        listed = [{"made_at": at, **summary(name)} for name, at in rows[offset : offset + limit]]
        return listed, count + len(unsaved)

    def drop(self, ranking_id: str) -> None:
        """Forget a ranking, in memory and in the store.

        NotFoundError for an unknown id; ConflictError for a pinned one; ForeignError for one of
        another account.
        """
        self.check_seen(ranking_id)
        self._state.belongings.check_own(RANKING, ranking_id)
        is_saved = bool(self._state.saver.saved_among(RANKING, [ranking_id]))
        if is_saved:
            drop_result(self._state.workspace, RANKING, ranking_id)
            self._state.belongings.dropped(RANKING, ranking_id)
        if not self.forget(ranking_id) and not is_saved:
            raise _no_such(ranking_id)

    def forget(self, ranking_id: str) -> bool:
        """Remember a ranking no longer; return whether it was remembered."""
        with self._lock:
            self._loaded.pop(ranking_id, None)
            return self._cache.pop(ranking_id, None) is not None

    def document(
        self, ranking_id: str, language: Language, *, slice_: Slice | None = None
    ) -> Document:
        """Return a ranking as it was answered, or one page (limit, offset) of its candidates.

        NotFoundError for an unknown id.
        """
        return document_of(self.parts(ranking_id, language, slice_=slice_))

    def parts(
        self, ranking_id: str, language: Language, *, slice_: Slice | None = None
    ) -> Iterator[bytes]:
        """Return a ranking's document piece by piece, as JSON; NotFoundError for an unknown id."""
        self.check_seen(ranking_id)
        state = self._state
        translator = state.translator(language)
        more = state.saver.members(RANKING, ranking_id, translator)
        if self._is_live(ranking_id):
            return ranking_parts(self.find(ranking_id), translator, more, slice_=slice_)
        if not state.has_workspace:
            raise _no_such(ranking_id)
        content = ranking_bytes(state.workspace, ranking_id, language)
        return saved_parts(content, more, slice_=slice_)

    def tells(self, ranking_id: str, language: Language) -> tuple[object, ...]:
        """Return what the document of a ranking depends on: equal ones, equal documents."""
        self.check_seen(ranking_id)
        is_live = self._is_live(ranking_id)
        reason = self._state.saver.why_not(RANKING, ranking_id)
        return ranking_id, str(language), is_live, reason, geo_service.__version__

    def _is_live(self, ranking_id: str) -> bool:
        """Whether a ranking is answered from memory: it is there, or it is nowhere else."""
        with self._lock:
            if ranking_id in self._loaded:
                return True
            is_cached = ranking_id in self._cache
        return is_cached and not self._state.saver.saved_among(RANKING, [ranking_id])

    def weighed(self, ranking_id: str, weighing: Weighing = AS_SAVED) -> Ranking:
        """Return a ranking scored as it is asked for; the kept one stays as it is."""
        found = self.find(ranking_id)
        if weighing == AS_SAVED:
            return found
        key = (ranking_id, *weighing.key)
        with self._lock:
            known = self._weighed.get(key)
        if known is None:
            known = weighing.of(found)
            with self._lock:
                self._weighed[key] = known
        return known

    def reweigh(self, ranking_id: str, language: Language, weighing: Weighing) -> Document:
        """Return a ranking scored with other weights as it would be answered."""
        changed = self.weighed(ranking_id, weighing)
        translator = self._state.translator(language)
        tried = members(said("keeping.tried"), translator)
        return {**ranking_document(changed, translator), **tried}

    def run_again(
        self,
        ranking_id: str,
        weighing: Weighing = AS_SAVED,
        *,
        progress: Progress | None = None,
    ) -> MadeRanking:
        """Rank the same project in the plan and by the rulebook that are in force now.

        With a weighing, its weights become the project's own and the ranking is kept as such.
        """
        found = self.weighed(ranking_id, weighing)
        project = found.project if weighing == AS_SAVED else found.weighed_project
        return self.make(project, progress=progress)

    def compare(self, before: str, after: str, language: Language) -> Document:
        """Return how candidates moved from one ranking to another."""
        return compare_rankings(self.document(before, language), self.document(after, language))

    def explanation(
        self,
        ranking_id: str,
        candidate_id: str,
        language: Language,
        weighing: Weighing = AS_SAVED,
    ) -> Document:
        """Return why a candidate stands where it does, in words."""
        translator = self._state.translator(language)
        return explanation_document(self.weighed(ranking_id, weighing), candidate_id, translator)

    def features(
        self, ranking_id: str, language: Language, weighing: Weighing = AS_SAVED
    ) -> list[Document]:
        """Return a ranking's candidates, excluded ones too, as features."""
        found = self.weighed(ranking_id, weighing)
        return ranking_features(found, self._state.translator(language))

    def routes(self, ranking_id: str, candidate_id: str, language: Language) -> list[Document]:
        """Return the ways from a candidate to the nearest facilities as features."""
        translator = self._state.translator(language)
        return route_features(self.find(ranking_id), candidate_id, translator)

    def sensitivity(self, ranking_id: str) -> Document:
        """Return how much of the doubt about the first place each weight explains (Sobol)."""
        scored = self.find(ranking_id).scored
        if scored is None:
            msg = said("problem.no_candidates")
            raise NotFoundError(msg)
        table = first_order_sensitivity(scored.scorer, scored.weights)
        return {"ranking_id": ranking_id, "criteria": table.to_dict("index")}

    def file(
        self,
        ranking_id: str,
        format: RankingFormat,  # noqa: A002 - as above
        language: Language,
        weighing: Weighing = AS_SAVED,
    ) -> Download:
        """Return a ranking, as it is kept or weighed anew, as a file in a language."""
        found = self.weighed(ranking_id, weighing)
        name = file_name(f"{found.project.name[:_LONGEST_PROJECT]} {ranking_id}", format)
        content = export_ranking(found, format, self._state.translator(language))
        return Download(name, RANKING_MEDIA_TYPES[format], content)


def _weight(ranking: Ranking) -> int:
    """Return about how much memory a ranking takes besides its plan."""
    return _LEAST_BYTES + _CANDIDATE_BYTES * (len(ranking.sites) + len(ranking.excluded))


def _no_such(ranking_id: str) -> NotFoundError:
    return NotFoundError(said("problem.no_ranking", ranking=repr(ranking_id[:80])))


__all__ = [
    "AS_SAVED",
    "RANKING_MEDIA_TYPES",
    "Ranking",
    "RankingDesk",
    "RankingFormat",
    "Weighing",
    "export_ranking",
    "open_project",
    "printable_explanation",
    "project_schema",
    "ranking_from_recipe",
    "ranking_text",
    "save_ranking",
    "save_workspace_ranking",
]
