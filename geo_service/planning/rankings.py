"""Rankings asked of a county: made, kept, weighed anew, run again, compared."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from geo_service.errors import NotFoundError
from geo_service.reports.ranking import (
    compare_rankings,
    explanation_document,
    ranking_document,
    ranking_features,
    ranking_summary,
    route_features,
)
from geo_service.suitability.rank import Ranking, rank
from geo_service.suitability.sensitivity import first_order_sensitivity

if TYPE_CHECKING:
    from geo_service.language import Language
    from geo_service.planning.county import County
    from geo_service.reports.document import Document
    from geo_service.suitability.project import Project
    from geo_service.zoning.review import Progress

KEPT_RANKINGS = 50
"""How many rankings a running service remembers ready to be weighed anew."""


class RankingDesk:
    """The rankings of one county. Methods are safe to call from several threads."""

    def __init__(self, county: County) -> None:
        self._county = county
        self._lock = threading.RLock()
        self._kept: OrderedDict[str, tuple[str, Ranking]] = OrderedDict()

    def rank(self, project: Project, *, progress: Progress | None = None) -> Ranking:
        """Rank a project's sites in the county's plan by its rulebook, and keep the ranking."""
        county = self._county
        made = rank(county.plan, project, county.rulebook, progress=progress)
        with self._lock:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._kept.setdefault(made.ranking_id, (at, made))
            self._kept.move_to_end(made.ranking_id)
            while len(self._kept) > KEPT_RANKINGS:
                self._kept.popitem(last=False)
        return made

    def find(self, ranking_id: str) -> Ranking:
        """Return a kept ranking; NotFoundError for an unknown id."""
        with self._lock:
            if ranking_id in self._kept:
                return self._kept[ranking_id][1]
        msg = f"There is no ranking {ranking_id[:80]!r}."
        raise NotFoundError(msg)

    def summaries(self, language: Language) -> list[Document]:
        """Return summaries of the kept rankings with the time each was made, newest first."""
        translator = self._county.translator(language)
        with self._lock:
            kept = list(reversed(self._kept.values()))
        return [{"made_at": at, **ranking_summary(item, translator)} for at, item in kept]

    def document(self, ranking_id: str, language: Language) -> Document:
        """Return a kept ranking as a document."""
        return ranking_document(self.find(ranking_id), self._county.translator(language))

    def reweigh(
        self,
        ranking_id: str,
        language: Language,
        *,
        weights: Mapping[str, float] | None,
        method: str | None = None,
        normalisation: str | None = None,
    ) -> Document:
        """Return a kept ranking scored with other weights; the kept one stays as it is."""
        changed = self.find(ranking_id).reweigh(weights, method=method, normalisation=normalisation)
        return ranking_document(changed, self._county.translator(language))

    def run_again(self, ranking_id: str, *, progress: Progress | None = None) -> Ranking:
        """Rank the same project in the plan and by the rulebook that are in force now."""
        return self.rank(self.find(ranking_id).project, progress=progress)

    def compare(self, before: str, after: str, language: Language) -> Document:
        """Return how candidates moved from one ranking to another."""
        return compare_rankings(self.document(before, language), self.document(after, language))

    def explanation(self, ranking_id: str, candidate_id: str, language: Language) -> Document:
        """Return why a candidate stands where it does, in words."""
        translator = self._county.translator(language)
        return explanation_document(self.find(ranking_id), candidate_id, translator)

    def features(self, ranking_id: str, language: Language) -> list[Document]:
        """Return a ranking's candidates, excluded ones too, as features."""
        return ranking_features(self.find(ranking_id), self._county.translator(language))

    def routes(self, ranking_id: str, candidate_id: str, language: Language) -> list[Document]:
        """Return the ways from a candidate to the nearest facilities as features."""
        translator = self._county.translator(language)
        return route_features(self.find(ranking_id), candidate_id, translator)

    def sensitivity(self, ranking_id: str) -> Document:
        """Return how much of the doubt about the first place each weight explains (Sobol)."""
        scored = self.find(ranking_id).scored
        if scored is None:
            msg = "The ranking has no candidates."
            raise NotFoundError(msg)
        table = first_order_sensitivity(scored.scorer, scored.weights)
        return {"ranking_id": ranking_id, "criteria": table.to_dict("index")}
