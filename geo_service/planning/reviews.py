"""Reviews of a county: made, kept, saved, compared, listed, and handed out as files.

`ReviewDesk` answers for one running service. A saved review outlives the process: it is looked at
by its documents, and made again from its recipe when a map or a file of it is wanted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from geo_service.errors import ConflictError, NotFoundError
from geo_service.language import Language, Translator
from geo_service.planning.finding_lists import AskedFindings, FindingLists
from geo_service.planning.pages.register import review_register
from geo_service.planning.parks import check_parks
from geo_service.planning.printable import Printable
from geo_service.planning.results import (
    load_document,
    record_plan,
    rulebook_of,
    rulebook_recipe,
    save_result,
)
from geo_service.planning.review_files import (
    BINARY,
    MEDIA_TYPES,
    ExportFormat,
    export_name,
    export_review,
    review_download,
    saved_download,
)
from geo_service.planning.saved import drop_result, retain_within
from geo_service.planning.saved_reviews import (
    complete,
    feature_of,
    saved_register,
    summary_of,
)
from geo_service.planning.saving import members
from geo_service.reports.document import (
    Slice,
    comparison_document,
    finding_properties,
    review_document,
    review_summary,
)
from geo_service.reports.rules import rules_document
from geo_service.reports.stream import review_pieces
from geo_service.reports.terminal import comparison_table, verdict_table
from geo_service.stores.base import REVIEW, Saved
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.zoning.approvals import Approval, Approvals
from geo_service.zoning.comparison import ComparableReview, Comparison, compare_reviews
from geo_service.zoning.finding_table import EVERY_FINDING, FindingQuery, FindingSort
from geo_service.zoning.laws import STALE_MONTHS
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, parse_rulebook
from geo_service.zoning.waivers import Waiver, Waivers

if TYPE_CHECKING:
    import os

    from geo_service.jobs import Job
    from geo_service.model import Message
    from geo_service.planning.downloads import Download
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Progress

CACHED_REVIEWS = 50
"""How many reviews a running service remembers beside the current one."""
SUMMARY, WHOLE = "summary", "review"


# ---- for a terminal ------------------------------------------------------------------------------


def review_table(result: Review, translator: Translator, *, width: int | None) -> bytes:
    """Return the verdicts as a table for a terminal of so many character cells."""
    return verdict_table(result, translator, width=width).encode()


def printable_comparison(comparison: Comparison) -> Printable:
    """Return how two reviews differ, for a terminal."""
    return Printable(
        lambda: comparison_document(comparison),
        lambda translator, width: comparison_table(comparison, translator, width=width),
    )


# ---- in the store --------------------------------------------------------------------------------


def save_review(opened: Workspace, result: Review, *, is_trial: bool = False) -> Saved:
    """Save a review with its answers in the three languages; StoreError when that fails.

    `is_trial` marks one by another rulebook than the county's own, or of some parks only.
    """
    documents: dict[str, object] = {}
    for language in Language:
        translator = Translator(language, result.plan.settings.names_hant)
        whole = review_document(result, translator)
        documents[f"{WHOLE}.{language}"] = whole
        documents[f"{SUMMARY}.{language}"] = summary_of(whole)
    return save_result(
        opened,
        result.plan,
        kind=REVIEW,
        identity=result.review_id,
        rulebook_version=result.rulebook.version,
        recipe={**_recipe(result), "is_trial": is_trial},
        documents=documents,
    )


def save_workspace_review(
    workspace: str | os.PathLike[str], result: Review, *, is_trial: bool = False
) -> Saved:
    """Save a review of a workspace; what the command line's `review --save` does."""
    with open_workspace(workspace) as opened:
        saved = save_review(opened, result, is_trial=is_trial)
        record_plan(opened, result.plan)
        retain_within(opened, spared={(saved.kind, saved.id)})
        return saved


def _recipe(result: Review) -> dict[str, Any]:
    return {
        "as_of": result.as_of.isoformat(),
        "parks": list(result.park_ids),
        "rulebook": rulebook_recipe(result.rulebook),
        "waivers": [entry.model_dump(mode="json") for entry in result.waivers.entries],
        "stale_waivers": list(result.waivers.stale),
        "approvals": [entry.model_dump(mode="json") for entry in result.approvals.entries],
        "stale_approvals": list(result.approvals.stale),
    }


def review_from_recipe(opened: Workspace, identity: str) -> Review:
    """Make a saved review again from what it was made from.

    Raises
    ------
    NotFoundError
        There is no such review, or it would not come out the same: the workspace's settings
        have changed since, a version is not kept, or this release judges otherwise or does not
        take its rules any more.
    """
    saved = opened.store.find(REVIEW, identity)
    recipe = saved.recipe
    plan = opened.plan_at(saved.layer_versions)
    gone = said("problem.review_of_earlier_release", review=repr(identity))
    rules = rulebook_of(recipe, gone=gone)
    waivers = tuple(Waiver.model_validate(entry) for entry in recipe["waivers"])
    approvals = tuple(Approval.model_validate(entry) for entry in recipe.get("approvals", ()))
    is_whole = recipe["parks"] == plan.frame("parks")["park_id"].tolist()
    for parks in (None, recipe["parks"]) if is_whole else (recipe["parks"],):
        made = review(  # a review of all parks and one of each park by name have different ids
            plan,
            rules,
            parks=parks,
            as_of=date.fromisoformat(recipe["as_of"]),
            waivers=Waivers(waivers, tuple(recipe["stale_waivers"])),
            approvals=Approvals(approvals, tuple(recipe.get("stale_approvals", ()))),
        )
        if made.review_id == identity:
            break
    summary = load_document(opened, REVIEW, identity, f"{SUMMARY}.{Language.ZH_HANS}")
    is_same = (
        made.review_id == identity
        and dict(made.verdicts) == summary["verdicts"]
        and len(made.results) == summary["findings_count"]
    )
    if not is_same:
        msg = said("problem.review_gone", review=repr(identity))
        raise NotFoundError(msg)
    return made


# ---- of a running service ------------------------------------------------------------------------


class ReviewDesk:
    """The reviews of one county. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._lock = threading.RLock()
        self._reviews: OrderedDict[str, tuple[str, Review]] = OrderedDict()
        self._trials: set[str] = set()
        self._unlisted: set[str] = set()
        self._lists = FindingLists()
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
        return self._state.jobs.start(
            lambda progress: self.make(
                rules, parks=parks, as_of=as_of, progress=progress, is_trial=is_trial
            )
        )

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
        result = review(self._state.plan, rulebook, parks=parks, as_of=as_of, progress=progress)
        self.cache(result)
        with self._lock:
            (self._trials.add if is_trial else self._trials.discard)(result.review_id)
        # Where it cannot be saved the review stays in memory, and says so.
        if self._state.saver.save(
            REVIEW, result.review_id, lambda opened: save_review(opened, result, is_trial=is_trial)
        ):
            self._state.record_plan(result.plan)
        return result

    def cache(self, result: Review, at: datetime | None = None, *, is_listed: bool = True) -> None:
        """Remember a review; of more than fifty the oldest go, but never the current one.

        One that is not listed, such as a scenario's, is found by its id alone.
        """
        with self._lock:
            if is_listed:
                self._unlisted.discard(result.review_id)
            elif result.review_id not in self._reviews:
                self._unlisted.add(result.review_id)
            made = (at or datetime.now(UTC)).isoformat(timespec="seconds")
            self._reviews.setdefault(result.review_id, (made, result))
            self._reviews.move_to_end(result.review_id)
            current = self._state.review.review_id
            while len(self._reviews) > CACHED_REVIEWS + 1:
                old = next(key for key in self._reviews if key != current)
                del self._reviews[old]
                self._unlisted.discard(old)

    def is_saved(self, review_id: str) -> bool:
        """Return whether a review is in the store and outlives this process."""
        return self._state.saver.why_not(REVIEW, review_id) is None

    def drop(self, review_id: str) -> None:
        """Forget a review, in memory and in the store.

        NotFoundError for an unknown id; ConflictError for the current one, and for a pinned one.
        """
        is_saved = bool(self._state.saver.saved_among(REVIEW, [review_id]))
        if review_id == self._state.review.review_id:
            raise ConflictError(said("problem.current_review", name=repr(review_id)))
        if is_saved:
            drop_result(self._state.workspace, REVIEW, review_id)
        if not self.forget(review_id) and not is_saved:
            raise no_such_review(review_id)

    def forget(self, review_id: str) -> bool:
        """Remember a review no longer, unless it is current; return whether it was remembered."""
        if review_id == self._state.review.review_id:
            return False
        with self._lock:
            return self._reviews.pop(review_id, None) is not None

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
        with self._lock:
            cached = self._reviews.get(review_id)
        return None if cached is None else cached[1]

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

    def compare(self, before: str, after: str, language: Language) -> Comparison:
        """Return what is new, cured, persisting or changed from one kept review to another."""
        return compare_reviews(
            self._comparable(before, language), self._comparable(after, language)
        )

    def comparison(
        self, before: str, after: str, language: Language, *, limit: int | None = None
    ) -> Document:
        """Return `compare` as a document; `counts` are of all, `limit` is for each list."""
        told = comparison_document(self.compare(before, after, language))
        counts = {kind: len(items) for kind, items in told.items()}
        listed = {kind: items[:limit] for kind, items in told.items()}
        return {"before": before, "after": after, "counts": counts, **listed}

    def _comparable(self, review_id: str, language: Language) -> ComparableReview:
        result = self._in_memory(review_id)
        if result is not None:
            translator = self._state.translator(language)
            findings = [finding_properties(item, translator) for item in result.results]
            return ComparableReview(findings, frozenset(result.park_ids), frozenset(result.checks))
        whole = self._saved_whole(review_id, language)
        parks = frozenset(park["park_id"] for park in whole["parks"])
        findings = [feature_of(item)["properties"] for item in whole["findings"]]
        return ComparableReview(findings, parks, frozenset(whole["checks"]))

    def summary(self, review_id: str, language: Language) -> Document:
        """Return how a kept or saved review came out; NotFoundError for an unknown id."""
        return {**self._summary(review_id, language), **self._members(review_id, language)}

    def _members(self, review_id: str, language: Language) -> Document:
        translator = self._state.translator(language)
        return self._state.saver.members(REVIEW, review_id, translator)

    def _summary(self, review_id: str, language: Language) -> Document:
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
        with self._lock:
            cached = {
                review_id: made_at
                for review_id, (made_at, _) in self._reviews.items()
                if review_id not in self._unlisted
            }
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
        documents: list[Document] = [
            {
                "made_at": made_at,
                "is_trial": review_id in trials,
                "is_pinned": review_id in pinned,
                **self._summary(review_id, language),
                **members(self._reason(review_id, listed), translator),
            }
            for made_at, review_id in rows[offset : offset + limit]
        ]
        return documents, count + len(cached) - len(known)

    def _reason(self, review_id: str, saved: Collection[str]) -> Message | None:
        return None if review_id in saved else self._state.saver.why_not(REVIEW, review_id)

    def in_memory(self) -> list[tuple[str, Review]]:
        """Return the reviews in memory with the time each was made (UTC), newest first."""
        with self._lock:
            listed = [found for name, found in self._reviews.items() if name not in self._unlisted]
            return list(reversed(listed))

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

    def asked(self, review_id: str, language: Language, query: FindingQuery) -> AskedFindings:
        """Return the findings of a kept or saved review that a query is about."""
        rows = self._lists.rows(
            review_id,
            language,
            at_hand=self._in_memory(review_id),
            load=lambda: self._saved_whole(review_id, language),
            rulebook=self._state.rulebook,
        )
        return self._lists.asked(review_id, rows, query, self._state.translator(language))

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
        document["summary"] |= self._members(review_id, language)
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
        more = self._members(review_id, language)
        result, _ = self._try_to_find(review_id)
        if result is None:
            whole = self._saved_whole(review_id, language)
            return saved_download(whole, format, translator, more)
        return review_download(result, format, translator, more)


def no_such_review(review_id: str) -> NotFoundError:
    """Return the error of a review id that is neither kept nor saved."""
    return NotFoundError(said("problem.no_review", review=repr(review_id[:80])))


__all__ = [
    "BINARY",
    "CACHED_REVIEWS",
    "MEDIA_TYPES",
    "STALE_MONTHS",
    "ExportFormat",
    "FindingQuery",
    "FindingSort",
    "Review",
    "ReviewDesk",
    "export_name",
    "export_review",
    "printable_comparison",
    "review_from_recipe",
    "review_pieces",
    "review_table",
    "save_review",
    "save_workspace_review",
]
