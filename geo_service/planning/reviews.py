"""Reviews of a county: made, kept, saved, compared, listed, and handed out as files.

`ReviewDesk` answers for one running service. A saved review outlives the process: it is looked at
by its documents, and made again from its recipe when a map or a file of it is wanted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from cachetools import LRUCache

from geo_service.errors import ConflictError, NotFoundError
from geo_service.jobs import JobKind
from geo_service.language import Language, Translator
from geo_service.planning.acts import ActDesk, ActState
from geo_service.planning.finding_lists import AskedFindings, FindingLists
from geo_service.planning.finding_work import WorkFilter
from geo_service.planning.job_results import JobResultKind, MadeResult
from geo_service.planning.pages.register import review_register
from geo_service.planning.parks import check_parks
from geo_service.planning.previous import (
    Made,
    is_restored,
    previous_document,
    previous_of,
    steps_between,
)
from geo_service.planning.printable import Printable
from geo_service.planning.results import load_document
from geo_service.planning.review_files import (
    BINARY,
    MEDIA_TYPES,
    ExportFormat,
    export_name,
    export_pieces,
    export_review,
    review_download,
    saved_download,
)
from geo_service.planning.review_records import (
    SUMMARY,
    WHOLE,
    review_from_recipe,
    save_review,
    save_workspace_review,
)
from geo_service.planning.review_shelf import CACHED_REVIEWS, ReviewShelf
from geo_service.planning.saved import drop_result
from geo_service.planning.saved_reviews import (
    complete,
    saved_register,
)
from geo_service.planning.saving import members
from geo_service.reports.comparison import ComparedReviews, ReviewSide, comparison_document
from geo_service.reports.document import (
    Slice,
    review_summary,
)
from geo_service.reports.rules import rules_document
from geo_service.reports.stream import review_pieces
from geo_service.reports.terminal import comparison_table, verdict_table
from geo_service.stores.base import REVIEW, Saved
from geo_service.wording import said
from geo_service.zoning.finding_desk import GroupBy
from geo_service.zoning.finding_table import EVERY_FINDING, FindingQuery, FindingSort
from geo_service.zoning.laws import STALE_MONTHS
from geo_service.zoning.review import Review
from geo_service.zoning.rulebook import Rulebook, parse_rulebook

if TYPE_CHECKING:
    from geo_service.jobs import Job
    from geo_service.model import Message
    from geo_service.planning.downloads import Download
    from geo_service.planning.finding_work import WorkDesk
    from geo_service.planning.scenarios import ScenarioDesk
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Progress

_LOOKED_AT = 20
"""Among how many reviews, the newest, the one before the current is looked for."""

LENT_REVIEWS = 12
"""How many reviews of scenarios are found by their ids; one is made again when it is asked for."""


# ---- for a terminal ------------------------------------------------------------------------------


def review_table(result: Review, translator: Translator, *, width: int | None) -> bytes:
    """Return the verdicts as a table for a terminal of so many character cells."""
    return verdict_table(result, translator, width=width).encode()


def printable_comparison(compared: ComparedReviews) -> Printable:
    """Return how two reviews differ, for a terminal."""
    return Printable(
        lambda: comparison_document(compared),
        lambda translator, width: comparison_table(compared, translator, width=width),
    )


# ---- of a running service ------------------------------------------------------------------------

RECENT_REVIEWS = 20
"""How many reviews, trials among them, are looked through for the one before the current."""
READABLE_FINDINGS = 20_000
"""Findings above which a saved review is not read only for its parks' verdicts."""


class ReviewDesk:
    """The reviews of one county. Methods are safe to call from several threads."""

    def __init__(
        self,
        state: ServiceState,
        *,
        work: WorkDesk,
        scenarios: Callable[[], ScenarioDesk],
    ) -> None:
        self._state = state
        self._work = work
        self._scenarios = scenarios
        self._lock = threading.RLock()
        plan_at = state.workspace.plan_at if state.has_workspace else None
        self.shelf = ReviewShelf(state.works.kept, current=lambda: state.review, plan_at=plan_at)
        self._trials: set[str] = set()
        self._lent: LRUCache[str, tuple[Review, frozenset[str | None]]] = LRUCache(LENT_REVIEWS)
        self._lists = FindingLists()
        self.acts = ActDesk(state, find=self.find, save=self._save, is_trial=self.is_trial)
        self.cache(state.review)

    def read_rulebook(self, text: str | None) -> Rulebook:
        """Return a rulebook given as text, or the county's own; RulebookError lists faults."""
        return parse_rulebook(text, "rulebook") if text else self._state.rulebook

    def rules(
        self, language: Language, *, as_of: date | None = None, stale_months: int = STALE_MONTHS
    ) -> Document:
        """Return the rulebook: every rule with parameters and what it rests on, on a day."""
        day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
        translator = self._state.translator(language)
        return rules_document(self._state.rulebook, day, translator, stale_months=stale_months)

    def start(
        self,
        rulebook: str | None = None,
        parks: Sequence[str] | None = None,
        as_of: date | None = None,
    ) -> Job:
        """Begin to review the plan, by the county's rulebook or one given as text, as of a day.

        RulebookError and NotFoundError say at once what is wrong with the rulebook or a park.
        """
        rules = self.read_rulebook(rulebook)
        check_parks(self._state.now, parks)
        is_trial = rulebook is not None or parks is not None or as_of is not None

        def work(progress: Progress) -> MadeResult:
            made = self.make(rules, parks=parks, as_of=as_of, progress=progress, is_trial=is_trial)
            return MadeResult(JobResultKind.REVIEWS, made.review_id)  # the job outlives the plan

        return self._state.jobs.start(work, JobKind.REVIEW)

    def make(
        self,
        rulebook: Rulebook,
        *,
        parks: Sequence[str] | None = None,
        as_of: date | None = None,
        progress: Progress | None = None,
        is_trial: bool = False,
    ) -> Review:
        """Review the plan by a rulebook and keep the review.

        A trial, by another rulebook than the county's, of some parks or as of a given day, is
        marked as such: what has changed in the county is not told from it.
        """
        works = self._state.works
        result = works.review(
            self._state.plan, rulebook, parks=parks, as_of=as_of, progress=progress
        )
        self._state.belongings.claim(REVIEW, result.review_id)
        self.cache(result)
        with self._lock:
            (self._trials.add if is_trial else self._trials.discard)(result.review_id)
        # Where it cannot be saved the review stays in memory, and says so.
        if self._state.saver.save(
            REVIEW,
            result.review_id,
            lambda opened: works.save_review(opened, result, is_trial=is_trial),
        ):
            self._state.record_plan(result.plan)
        return result

    def _save(self, result: Review) -> None:
        """Save a review unless it is saved; StoreError when that fails."""
        if not self.is_saved(result.review_id):
            self._state.works.save_review(self._state.workspace, result, is_trial=False)

    def cache(self, result: Review, at: datetime | None = None) -> None:
        """Remember a review; of more than fifty the oldest go, but never the current one."""
        self.shelf.put(result, at)

    def lend(self, result: Review, scenario_id: str | None = None) -> None:
        """Have a review found by its id for a while that is in no list: a scenario's.

        Then only by who may see the scenario; of equal scenarios, one of them.
        """
        with self._lock:
            known = self._lent.get(result.review_id)
            others = frozenset[str | None]() if known is None else known[1]
            self._lent[result.review_id] = (result, others | {scenario_id})

    def is_saved(self, review_id: str) -> bool:
        """Return whether a review is in the store and outlives this process."""
        return self._state.saver.why_not(REVIEW, review_id) is None

    def drop(self, review_id: str) -> None:
        """Forget a review, in memory and in the store.

        NotFoundError for an unknown id; ConflictError for the current one, for a pinned one and
        for one that an act rests on; ForeignError for one of another account.
        """
        self._state.belongings.check_own(REVIEW, review_id)
        is_saved = bool(self._state.saver.saved_among(REVIEW, [review_id]))
        if review_id == self._state.review.review_id:
            raise ConflictError(said("problem.current_review", name=repr(review_id)))
        if is_saved:
            drop_result(self._state.workspace, REVIEW, review_id)
            self._state.belongings.dropped(REVIEW, review_id)
        if not self.forget(review_id) and not is_saved:
            raise no_such_review(review_id)

    def forget(self, review_id: str) -> bool:
        """Remember a review no longer, unless it is current; return whether it was remembered."""
        return review_id != self._state.review.review_id and self.shelf.pop(review_id)

    def check(self, review_id: str) -> None:
        """Raise NotFoundError for the id of a review that is neither kept nor saved."""
        if self._in_memory(review_id) is None and self._find_saved(review_id) is None:
            raise no_such_review(review_id)

    def find(self, review_id: str) -> Review:
        """Return a kept review; one saved by an earlier process is made again.

        NotFoundError for an unknown id, or when it would not come out the same any more.
        """
        found = self._in_memory(review_id)
        if found is not None:
            return found
        saved = self._find_saved(review_id)
        if saved is None:
            raise no_such_review(review_id)
        made = review_from_recipe(self._state.workspace, review_id)
        self.cache(made, saved.made_at)
        return made

    def _in_memory(self, review_id: str) -> Review | None:
        return self.shelf.get(review_id) or self._lent_review(review_id)

    def _lent_review(self, review_id: str) -> Review | None:
        with self._lock:
            lent = self._lent.get(review_id)
        return lent[0] if lent is not None and any(map(self._may_see, lent[1])) else None

    def _may_see(self, scenario_id: str | None) -> bool:
        """Whether the account that asks may see a scenario; None stands for the plan itself."""
        if scenario_id is None:
            return True
        try:
            self._scenarios().find(scenario_id)
        except NotFoundError:
            return False
        return True

    def _find_saved(self, review_id: str) -> Saved | None:
        if not self._state.has_workspace:
            return None
        try:
            return self._state.workspace.store.find(REVIEW, review_id)
        except NotFoundError:
            return None

    def _saved_document(self, review_id: str, name: str, language: Language) -> Document:
        if self._find_saved(review_id) is None:
            raise no_such_review(review_id)
        opened = self._state.workspace
        return complete(load_document(opened, REVIEW, review_id, f"{name}.{language}"))

    def compare(self, before: str, after: str, language: Language) -> ComparedReviews:
        """Return what became of each finding from one kept review to another."""
        return ComparedReviews.of(self._side(before, language), self._side(after, language))

    def comparison(
        self, before: str, after: str, language: Language, *, limit: int | None = None
    ) -> Document:
        """Return `compare` as a document; `counts` are of all, `limit` is for each kind."""
        compared = self.compare(before, after, language)
        return {"before": before, "after": after, **comparison_document(compared, limit=limit)}

    def since_previous(self, language: Language, *, limit: int | None = None) -> Document:
        """Return the comparison of the current review with the one that it replaced.

        `before` is null if there is none. `is_restored` says that the plan was put back to what
        it was before the last change; `layers` names the versions before and now.
        """
        review_id = self._state.review.review_id
        made = self._made(review_id)
        current = made.pop(review_id)
        before = previous_of(current, made.values())
        if before is None:
            return {"before": None, "after": current.review_id}
        store = self._state.workspace.store if self._state.has_workspace else None
        steps = steps_between(before, current, store)
        about = previous_document(
            before, current, steps, restored=is_restored(current, steps, store)
        )
        compared = self.compare(before.review_id, current.review_id, language)
        return {**about, **comparison_document(compared, limit=limit)}

    def _made(self, current: str) -> dict[str, Made]:
        """Return the newest reviews that are no trials, and the current one, by their ids."""
        made: dict[str, Made] = {}
        with self._lock:
            trials = set(self._trials)
        if self._state.has_workspace:
            for item in self._state.workspace.store.saved(REVIEW, limit=_LOOKED_AT):
                if item.recipe.get("is_trial"):
                    trials.add(item.id)
                else:
                    made_at = item.made_at.isoformat(timespec="seconds")
                    versions = (item.plan_version, item.rulebook_version)
                    made[item.id] = Made(item.id, made_at, *versions, item.layer_versions)
        for review_id, made_at, plan, rules in self.shelf.outlines():
            is_news = review_id == current or review_id not in trials
            if review_id not in made and is_news:
                layers = {name: layer.version for name, layer in plan.layers.items()}
                made[review_id] = Made(review_id, made_at, plan.version, rules, layers)
        return made

    def is_trial(self, review_id: str) -> bool:
        """Return whether a review is a trial: by other rules, of some parks or of a given day."""
        if review_id == self._state.review.review_id:
            return False
        with self._lock:
            if review_id in self._trials:
                return True
        saved = self._find_saved(review_id)
        return saved is not None and bool(saved.recipe.get("is_trial"))

    def _side(self, review_id: str, language: Language) -> ReviewSide:
        result = self._in_memory(review_id)
        if result is not None:
            return ReviewSide.of(result, self._state.translator(language))
        return ReviewSide.of_document(self._saved_whole(review_id, language))

    def summary(self, review_id: str, language: Language) -> Document:
        """Return how a kept or saved review came out; NotFoundError for an unknown id."""
        return {
            **self._summary(review_id, language),
            "is_trial": self.is_trial(review_id),
            **self._members(review_id, language),
        }

    def _members(self, review_id: str, language: Language) -> Document:
        translator = self._state.translator(language)
        return {
            **self._state.saver.members(REVIEW, review_id, translator),
            "act": self.acts.document(review_id, translator),
        }

    def _summary(self, review_id: str, language: Language) -> Document:
        resting = self.shelf.summary(review_id, language)
        if resting is not None:
            return resting
        found = self._in_memory(review_id)
        if found is not None:
            return review_summary(found, self._state.translator(language))
        return self._saved_document(review_id, SUMMARY, language)

    def summaries(
        self, language: Language, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return summaries of kept and saved reviews, newest first, and how many there are.

        Each says when it was made (UTC), whether it is saved, and whether it is a trial.
        """
        cached = self.shelf.times()
        with self._lock:
            trials = set(self._trials)
        saved: list[Saved] = []
        count = 0
        if self._state.has_workspace:
            saved = self._state.workspace.store.saved(REVIEW, limit=limit + offset)
            count = self._state.workspace.store.count_saved(REVIEW)
        known = self._state.saver.saved_among(REVIEW, cached)
        rows = [(item.made_at.isoformat(timespec="seconds"), item.id) for item in saved]
        rows += [(made_at, name) for name, made_at in cached.items() if name not in known]
        rows.sort(key=lambda row: row[0], reverse=True)
        trials |= {item.id for item in saved if item.recipe.get("is_trial")}
        trials.discard(self._state.review.review_id)
        pinned = {item.id for item in saved if item.is_pinned}
        listed = {item.id for item in saved} | known
        translator = self._state.translator(language)
        states = self.acts.states()
        documents: list[Document] = [
            {
                "made_at": made_at,
                "is_trial": review_id in trials,
                "is_pinned": review_id in pinned,
                "act_state": states.get(review_id, ActState.DRAFT.value),
                **self._summary(review_id, language),
                **members(self._reason(review_id, listed), translator),
            }
            for made_at, review_id in rows[offset : offset + limit]
        ]
        return documents, count + len(cached) - len(known)

    def verdicts_before(self) -> dict[str, str] | None:
        """Return the parks' verdicts in the county's review before the current one.

        None if there is none, or if it cannot be read, or not only for this since it is too big.
        """
        current = self._state.review.review_id
        recent, _ = self.summaries(Language.ZH_HANS, limit=RECENT_REVIEWS)
        official = [item for item in recent if not item["is_trial"]]
        earlier = [item for item in official if item["review_id"] != current]
        if not earlier:
            return None
        review_id = earlier[0]["review_id"]
        at_hand = self._in_memory(review_id)
        if at_hand is not None:
            return {park_id: found.value for park_id, found in at_hand.park_verdicts.items()}
        if earlier[0]["findings_count"] > READABLE_FINDINGS:
            return None
        try:
            whole = self._saved_whole(review_id, Language.ZH_HANS)
        except NotFoundError:  # a map of today does not need it
            return None
        return {park["park_id"]: park["verdict"] for park in whole["parks"]}

    def _reason(self, review_id: str, saved: Collection[str]) -> Message | None:
        return None if review_id in saved else self._state.saver.why_not(REVIEW, review_id)

    def in_memory(self) -> list[tuple[str, Review]]:
        """Return the reviews in memory with the time each was made (UTC), newest first."""
        return list(self.shelf.items())

    def findings(
        self,
        review_id: str,
        language: Language,
        query: FindingQuery = EVERY_FINDING,
        *,
        slice_: Slice = (100, 0),
        has_geometry: bool = True,
    ) -> tuple[list[Document], int]:
        """Return one page of a review's findings as features, and how many match in all.

        Without geometry each is told as pages list it: `has_geometry`, `evidence_lines` and
        `rule_title` stand beside its fields.
        """
        return self.asked(review_id, language, query).page(slice_, has_geometry=has_geometry)

    def counts(self, review_id: str, language: Language, query: FindingQuery) -> Document:
        """Return how many findings match, and by facet under all filters but the facet's own."""
        counts = self.asked(review_id, language, query).counts()
        return {"review_id": review_id, **counts}

    def desk(
        self, review_id: str, language: Language, query: FindingQuery, by: GroupBy
    ) -> Document:
        """Return a review's matrix of parks and families, and what a query means in groups."""
        return {"review_id": review_id, **self.asked(review_id, language, query).desk(by)}

    def merged(
        self, review_id: str, language: Language, query: FindingQuery, *, slice_: Slice = (100, 0)
    ) -> Document:
        """Return one page of the rows of findings that a query means, with what is done."""
        found = self.asked(review_id, language, query).merged(slice_)
        self._work.mark(found["rows"])
        return found

    def asked(self, review_id: str, language: Language, query: FindingQuery) -> AskedFindings:
        """Return the findings of a kept or saved review that a query is about."""
        rows = self._lists.rows(
            review_id,
            language,
            at_hand=self._in_memory(review_id),
            load=lambda: self._saved_whole(review_id, language),
            rulebook=self._state.rulebook,
        )
        own = None if query.work is None else self._work.mask(rows.table, WorkFilter(query.work))
        return self._lists.asked(review_id, rows, query, self._state.translator(language), own)

    def register(self, review_id: str, language: Language, *, slice_: Slice = (100, 0)) -> Document:
        """Return a review's summary, parks and rules, and one slice of its findings.

        One that cannot be made again is told as it was saved; `gone` says why, else it is null.
        """
        limit, offset = slice_
        translator = self._state.translator(language)
        result, reason = self._try_to_find(review_id)
        if result is None:
            whole, rulebook = self._saved_whole(review_id, language), self._state.rulebook
            document = saved_register(whole, rulebook, translator, limit=limit, offset=offset)
        else:
            document = review_register(result, translator, limit=limit, offset=offset)
        document["gone"] = None if reason is None else translator.render(reason)
        document["summary"] |= {
            "is_trial": self.is_trial(review_id),
            **self._members(review_id, language),
        }
        return document

    def _try_to_find(self, review_id: str) -> tuple[Review | None, Message | None]:
        """Return a review; or None, for one that is saved, and why it cannot be made again."""
        try:
            return self.find(review_id), None
        except NotFoundError as error:
            if self._find_saved(review_id) is None:
                raise
            return None, error.message

    def _saved_whole(self, review_id: str, language: Language) -> Document:
        return self._saved_document(review_id, WHOLE, language)

    def file(self, review_id: str, format: ExportFormat, language: Language) -> Download:  # noqa: A002 - as above
        """Return a review as a file of a format, its texts in a language.

        One that cannot be made again goes out as it was saved, as JSON or GeoJSON; NotFoundError
        for other formats of it.
        """
        translator = self._state.translator(language)
        more = {
            **self._members(review_id, language),
            "is_trial": self.is_trial(review_id),
            "work": self._work.listed(),
        }
        result, _ = self._try_to_find(review_id)
        if result is None:
            whole = self._saved_whole(review_id, language)
            return saved_download(whole, format, translator, more)
        if self._lent_review(review_id) is not None:  # its plan is at hand in this process alone
            return review_download(result, format, translator, more)
        return self._state.works.download(result, format, translator, more)


def no_such_review(review_id: str) -> NotFoundError:
    """Return the error of a review id that is neither kept nor saved."""
    return NotFoundError(said("problem.no_review", review=repr(review_id[:80])))


__all__ = [
    "BINARY",
    "CACHED_REVIEWS",
    "MEDIA_TYPES",
    "STALE_MONTHS",
    "ActState",
    "ExportFormat",
    "FindingQuery",
    "FindingSort",
    "GroupBy",
    "Review",
    "ReviewDesk",
    "export_name",
    "export_pieces",
    "export_review",
    "printable_comparison",
    "review_from_recipe",
    "review_pieces",
    "review_table",
    "save_review",
    "save_workspace_review",
]
