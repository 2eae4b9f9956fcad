"""Rankings asked of a county: made, kept, saved, weighed anew, run again, compared."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import geo_service
from geo_service.errors import NotFoundError
from geo_service.mcda.sensitivity import first_order_sensitivity
from geo_service.planning.keeping import members
from geo_service.planning.ranking_parts import document_of, ranking_parts, saved_parts
from geo_service.planning.retention import drop_kept
from geo_service.planning.saved_rankings import (
    load_summary,
    ranking_bytes,
    ranking_from_recipe,
    save_ranking,
)
from geo_service.reports.ranking import (
    compare_rankings,
    explanation_document,
    ranking_document,
    ranking_features,
    ranking_summary,
    route_features,
)
from geo_service.stores.base import RANKING
from geo_service.suitability.rank import Ranking, rank
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.language import Language
    from geo_service.planning.county import County
    from geo_service.reports.document import Document
    from geo_service.stores.base import Saved
    from geo_service.suitability.project import Project
    from geo_service.zoning.review import Progress


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


AS_KEPT = Weighing()
KEPT_RANKINGS = 50
"""How many rankings a running service remembers ready to be weighed anew."""
WEIGHED = 8
"""How many it remembers as weighed: a page asks for the table, the reasons and the map of one."""


class RankingDesk:
    """The rankings of one county. Methods are safe to call from several threads."""

    def __init__(self, county: County) -> None:
        self._county = county
        self._lock = threading.RLock()
        self._kept: OrderedDict[str, tuple[str, Ranking]] = OrderedDict()
        self._weighed: OrderedDict[tuple[object, ...], Ranking] = OrderedDict()

    def rank(self, project: Project, *, progress: Progress | None = None) -> Ranking:
        """Rank a project's sites in the county's plan by its rulebook, and save the ranking."""
        county = self._county
        made = rank(county.plan, project, county.rulebook, progress=progress)
        self._keep(made, datetime.now(UTC).isoformat(timespec="seconds"))
        # Where it cannot be saved the answer stands; only a restart would lose it.
        if county.keeper.save(RANKING, made.ranking_id, lambda opened: save_ranking(opened, made)):
            county.keep_plan(made.plan)
        return made

    def _keep(self, ranking: Ranking, made_at: str) -> None:
        with self._lock:
            self._kept.setdefault(ranking.ranking_id, (made_at, ranking))
            self._kept.move_to_end(ranking.ranking_id)
            while len(self._kept) > KEPT_RANKINGS:
                self._kept.popitem(last=False)

    def find(self, ranking_id: str) -> Ranking:
        """Return a kept ranking; one saved by an earlier process is made again.

        Raises
        ------
        NotFoundError
            The id is unknown, or the saved ranking cannot be made again.
        """
        with self._lock:
            if ranking_id in self._kept:
                return self._kept[ranking_id][1]
        if not self._county.has_workspace:
            raise _no_such(ranking_id)
        opened = self._county.workspace
        saved = opened.store.find(RANKING, ranking_id)
        made = ranking_from_recipe(opened, ranking_id)
        self._keep(made, saved.made_at.isoformat(timespec="seconds"))
        return made

    def summaries(
        self, language: Language, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return summaries of kept and saved rankings, newest first, and how many there are."""
        translator = self._county.translator(language)
        with self._lock:
            kept = {name: (at, item) for name, (at, item) in self._kept.items()}
        saved: dict[str, Saved] = {}
        count = 0
        if self._county.has_workspace:
            store = self._county.workspace.store
            count = store.count_saved(RANKING)
            entries = store.saved(RANKING, limit=limit + offset)
            saved = {item.id: item for item in entries}
        keeper = self._county.keeper
        known = keeper.saved_among(RANKING, kept)
        times = {name: item.made_at.isoformat(timespec="seconds") for name, item in saved.items()}
        unsaved = {name: at for name, (at, _) in kept.items() if name not in known}
        rows = sorted({**times, **unsaved}.items(), key=lambda row: (row[1], row[0]), reverse=True)

        def summary(name: str) -> Document:
            if name in kept:
                found = ranking_summary(kept[name][1], translator)
            else:
                found = load_summary(self._county.workspace, name, language)
            is_pinned = name in saved and saved[name].is_pinned
            reason = None if name in times else keeper.why_not(RANKING, name)
            return {**found, **members(reason, translator), "is_pinned": is_pinned}

        page = [{"made_at": at, **summary(name)} for name, at in rows[offset : offset + limit]]
        return page, count + len(unsaved)

    def drop(self, ranking_id: str) -> None:
        """Forget a ranking, in memory and in the store.

        NotFoundError for an unknown id; ConflictError for a pinned one.
        """
        is_saved = bool(self._county.keeper.saved_among(RANKING, [ranking_id]))
        if is_saved:
            drop_kept(self._county.workspace, RANKING, ranking_id)
        if not self.forget(ranking_id) and not is_saved:
            raise _no_such(ranking_id)

    def forget(self, ranking_id: str) -> bool:
        """Remember a ranking no longer; return whether it was remembered."""
        with self._lock:
            return self._kept.pop(ranking_id, None) is not None

    def document(
        self, ranking_id: str, language: Language, *, page: tuple[int, int] | None = None
    ) -> Document:
        """Return a ranking as it was answered, or one page (limit, offset) of its candidates.

        NotFoundError for an unknown id.
        """
        return document_of(self.parts(ranking_id, language, page=page))

    def parts(
        self, ranking_id: str, language: Language, *, page: tuple[int, int] | None = None
    ) -> Iterator[bytes]:
        """Return a ranking's document piece by piece, as JSON; NotFoundError for an unknown id."""
        county = self._county
        translator = county.translator(language)
        with self._lock:
            kept = self._kept.get(ranking_id)
        more = county.keeper.members(RANKING, ranking_id, translator)
        if kept is not None:
            return ranking_parts(kept[1], translator, more, page=page)
        if not county.has_workspace:
            raise _no_such(ranking_id)
        content = ranking_bytes(county.workspace, ranking_id, language)
        return saved_parts(content, more, page=page)

    def tells(self, ranking_id: str, language: Language) -> tuple[object, ...]:
        """Return what the document of a ranking depends on: equal ones, equal documents."""
        with self._lock:
            is_live = ranking_id in self._kept
        reason = self._county.keeper.why_not(RANKING, ranking_id)
        return ranking_id, str(language), is_live, reason, geo_service.__version__

    def weighed(self, ranking_id: str, weighing: Weighing = AS_KEPT) -> Ranking:
        """Return a ranking scored as it is asked for; the kept one stays as it is."""
        found = self.find(ranking_id)
        if weighing == AS_KEPT:
            return found
        key = (ranking_id, *weighing.key)
        with self._lock:
            known = self._weighed.get(key)
        if known is None:
            known = weighing.of(found)
            with self._lock:
                self._weighed[key] = known
                while len(self._weighed) > WEIGHED:
                    self._weighed.popitem(last=False)
        return known

    def reweigh(self, ranking_id: str, language: Language, weighing: Weighing) -> Document:
        """Return a ranking scored with other weights as it would be answered."""
        changed = self.weighed(ranking_id, weighing)
        translator = self._county.translator(language)
        tried = members(said("keeping.tried"), translator)
        return {**ranking_document(changed, translator), **tried}

    def run_again(
        self,
        ranking_id: str,
        weighing: Weighing = AS_KEPT,
        *,
        progress: Progress | None = None,
    ) -> Ranking:
        """Rank the same project in the plan and by the rulebook that are in force now.

        With a weighing, its weights become the project's own and the ranking is kept as such.
        """
        found = self.weighed(ranking_id, weighing)
        project = found.project if weighing == AS_KEPT else found.weighed_project
        return self.rank(project, progress=progress)

    def compare(self, before: str, after: str, language: Language) -> Document:
        """Return how candidates moved from one ranking to another."""
        return compare_rankings(self.document(before, language), self.document(after, language))

    def explanation(
        self,
        ranking_id: str,
        candidate_id: str,
        language: Language,
        weighing: Weighing = AS_KEPT,
    ) -> Document:
        """Return why a candidate stands where it does, in words."""
        translator = self._county.translator(language)
        return explanation_document(self.weighed(ranking_id, weighing), candidate_id, translator)

    def features(
        self, ranking_id: str, language: Language, weighing: Weighing = AS_KEPT
    ) -> list[Document]:
        """Return a ranking's candidates, excluded ones too, as features."""
        found = self.weighed(ranking_id, weighing)
        return ranking_features(found, self._county.translator(language))

    def routes(self, ranking_id: str, candidate_id: str, language: Language) -> list[Document]:
        """Return the ways from a candidate to the nearest facilities as features."""
        translator = self._county.translator(language)
        return route_features(self.find(ranking_id), candidate_id, translator)

    def sensitivity(self, ranking_id: str) -> Document:
        """Return how much of the doubt about the first place each weight explains (Sobol)."""
        scored = self.find(ranking_id).scored
        if scored is None:
            msg = said("problem.no_candidates")
            raise NotFoundError(msg)
        table = first_order_sensitivity(scored.scorer, scored.weights)
        return {"ranking_id": ranking_id, "criteria": table.to_dict("index")}


def _no_such(ranking_id: str) -> NotFoundError:
    return NotFoundError(said("problem.no_ranking", ranking=repr(ranking_id[:80])))
