"""One workspace at work: its plan, its reviews, and the questions asked of them.

A `County` is one workspace at work: its plan, its current review, the reviews that were
asked for, and a live index for bbox questions. The command line and the HTTP service call
it and reply; neither knows how an answer comes about. It follows its store: when a newer version
was published, by this process or another, it opens the plan again and reviews it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import shapely

from geo_service.documents import shorten
from geo_service.errors import BusyError, ConflictError, NotFoundError, WorkspaceError
from geo_service.jobs import JobBoard
from geo_service.language import Language, Translator, to_simplified
from geo_service.planning.following import Follower, edited_files
from geo_service.planning.keeping import Keeper, members
from geo_service.planning.rankings import RankingDesk
from geo_service.planning.retention import drop_kept
from geo_service.planning.saved import (
    SUMMARY,
    WHOLE,
    feature_of,
    keep_plan,
    load_document,
    review_from_recipe,
    save_review,
    saved_features,
)
from geo_service.reports.document import (
    Document,
    finding_features,
    finding_properties,
    park_features,
    review_summary,
)
from geo_service.spatial.live_index import Box, LiveIndex
from geo_service.stores.base import RANKING, REVIEW, Outline, Saved
from geo_service.wording import said
from geo_service.workspace.opening import Workspace
from geo_service.zoning.comparison import Comparison, Looked, compare_reviews
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook, open_rulebook, parse_rulebook

if TYPE_CHECKING:
    import os

    from geo_service.plan import Plan
    from geo_service.zoning.review import Progress

_log = logging.getLogger(__name__)
KEPT_REVIEWS = 50
"""How many reviews a running service remembers beside the current one."""


class _Standing:
    """A plan with its review and what was worked out from the two; replaced as a whole."""

    def __init__(self, plan: Plan, rulebook: Rulebook, current: Review) -> None:
        self.plan = plan
        self.rulebook = rulebook
        self.review = current
        self.features: dict[Language, list[Document]] = {}

    @cached_property
    def park_index(self) -> LiveIndex:
        return LiveIndex(shapely.bounds(self.review.parks.geometry.to_numpy()))

    @cached_property
    def park_places(self) -> dict[str, int]:
        return {park_id: place for place, park_id in enumerate(self.review.parks["park_id"])}

    def meeting(self, bbox: Box) -> list[int]:
        """Positions of parks that meet a box: by the live index, then by their shape."""
        shapes = self.review.parks.geometry.to_numpy()
        window = shapely.box(*bbox)
        return [place for place in self.park_index.query(bbox) if shapes[place].intersects(window)]


class County:
    """One workspace at work. Methods are safe to call from several threads."""

    def __init__(
        self,
        plan: Plan,
        rulebook: Rulebook,
        current: Review,
        *,
        workspace: Workspace | None = None,
        moment: tuple[object, ...] = (),
    ) -> None:
        self._now = _Standing(plan, rulebook, current)
        self._workspace = workspace
        self._lock = threading.RLock()
        self._reviews: OrderedDict[str, tuple[str, Review]] = OrderedDict()
        self.keeper = Keeper(workspace, current=lambda: self.review.review_id)
        self._trials: set[str] = set()
        self._kept_plans: set[str] = set()
        self.jobs = JobBoard()
        self._keep(current)
        self._follower = Follower(self, moment) if workspace is not None else None

    @classmethod
    def open(cls, workspace: str | os.PathLike[str], *, progress: Progress | None = None) -> County:
        """Open a workspace and review it by its own rulebook.

        Raises
        ------
        WorkspaceError, RulebookError
            The workspace or its rulebook is unusable; every fault is listed.
        StoreError
            Its store cannot be reached or read.
        """
        opened = Workspace(workspace)
        try:
            moment = opened.moment()  # before the plan: what is published in between is news
            plan = opened.plan()
            rulebook = open_rulebook(plan.settings.rulebook_path)
            current = review(plan, rulebook, progress=progress)
        except BaseException:
            opened.close()
            raise
        return cls(plan, rulebook, current, workspace=opened, moment=moment)

    @property
    def plan(self) -> Plan:
        """The plan of the newest versions that were seen."""
        return self._now.plan

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in force."""
        return self._now.rulebook

    @property
    def review(self) -> Review:
        """The review of the plan by the rulebook in force."""
        return self._now.review

    @property
    def has_workspace(self) -> bool:
        """Whether there is a store to keep results in."""
        return self._workspace is not None

    @property
    def workspace(self) -> Workspace:
        """The workspace, open; NotFoundError for a county that was made from a bare plan."""
        if self._workspace is None:
            msg = said("problem.no_workspace")
            raise NotFoundError(msg)
        return self._workspace

    def close(self) -> None:
        """Tell jobs to stop, wait for the one that runs, and close the store."""
        self.jobs.close()
        if self._follower is not None:
            self._follower.close()
        if self._workspace is not None:
            self._workspace.close()

    def refresh(self) -> bool:
        """Open the plan again if something was published; return whether it is another now.

        Called after publishing in this process. Raises as `open` does; the plan at hand then
        stays.
        """
        return self._follower.refresh() if self._follower is not None else False

    def tell_own_files(self) -> None:
        """Log that nothing was published, if so: the workspace's own files count."""
        if self._workspace is not None and self._workspace.store.stamp() == 0:
            name = self._workspace.folder.name
            _log.warning("Nothing was published in %s: its own files count.", name)

    def check_files(self) -> None:
        """Take up own files that count and were edited, before something is published.

        Raises ConflictError when there are any: what was looked at was checked with the old ones,
        and an edit never takes effect because another layer was published.
        """
        before = self.plan
        try:
            is_other = self.refresh()
        except WorkspaceError:  # a file that cannot be read: whoever publishes is told
            return
        edited = edited_files(before, self.plan) if is_other else []
        if edited:
            raise ConflictError(said("problem.files_edited", names=edited))

    def look_for_news(self) -> None:
        """Ask the store, at most each second and not in this thread, whether to refresh."""
        if self._follower is not None:
            self._follower.look()

    def stand_on(self, plan: Plan) -> None:
        """Work with another plan from now on; requests that are under way end on the old one."""
        rulebook = self.rulebook
        standing = _Standing(plan, rulebook, review(plan, rulebook))
        with self._lock:
            self._now = standing
            self._keep(standing.review)

    def translator(self, language: Language) -> Translator:
        """Return a translator that knows this county's names."""
        return Translator(language, self.plan.settings.names_hant)

    # ---- parks ----------------------------------------------------------------------------

    def park_features(
        self,
        language: Language,
        *,
        tier: str | None = None,
        township: str | None = None,
        verdict: str | None = None,
        bbox: Box | None = None,
    ) -> list[Document]:
        """Return the parks that pass every filter given, as features in the layer's order."""
        now = self._now
        features = self._park_features(now, language)
        places: Iterable[int] = range(len(features))
        if bbox is not None:
            places = now.meeting(bbox)
        codes = None if township is None else self.township_codes(township)

        def fits(properties: dict[str, Any]) -> bool:
            return (
                (tier is None or properties["tier"] == tier)
                and (verdict is None or properties["verdict"] == verdict)
                and (codes is None or properties["township_code"] in codes)
            )

        return [features[place] for place in places if fits(features[place]["properties"])]

    def park_feature(self, park_id: str, language: Language) -> Document:
        """Return one park as a feature; NotFoundError for an id that no park has."""
        now = self._now
        place = now.park_places.get(park_id)
        if place is None:
            raise no_such_park(park_id)
        return self._park_features(now, language)[place]

    def _park_features(self, now: _Standing, language: Language) -> list[Document]:
        with self._lock:
            if language not in now.features:
                now.features[language] = park_features(now.review, self.translator(language))
            return now.features[language]

    def township_codes(self, township: str) -> frozenset[str]:
        """Return the codes of the townships that a name or a code of either set means.

        A code is matched whole: the two code sets disagree, so no prefix is ever tried.
        """
        frame = self.plan.frame("townships")
        wanted = to_simplified(township.strip())
        codes: set[str] = set()
        for row in frame[["code", "alt_code", "name", "alt_name"]].itertuples(index=False):
            if wanted in {row.code, row.alt_code, row.name, row.alt_name}:
                codes |= {code for code in (row.code, row.alt_code) if isinstance(code, str)}
        return frozenset(codes)

    @cached_property
    def rankings(self) -> RankingDesk:
        """The rankings that were asked for."""
        return RankingDesk(self)

    # ---- reviews --------------------------------------------------------------------------

    def read_rulebook(self, text: str | None) -> Rulebook:
        """Return a rulebook given as text, or the county's own; RulebookError lists faults."""
        return parse_rulebook(text, "rulebook") if text else self.rulebook

    def check_parks(self, parks: Sequence[str] | None) -> None:
        """Raise NotFoundError for the first park id that no park has."""
        for park_id in parks or ():
            if park_id not in self._now.park_places:
                raise no_such_park(park_id)

    def review_again(
        self,
        rulebook: Rulebook,
        *,
        parks: Sequence[str] | None = None,
        progress: Progress | None = None,
        is_trial: bool = False,
    ) -> Review:
        """Review the plan by a rulebook and keep the review.

        A trial, by another rulebook than the county's or of some parks, is marked as such: what
        has changed in the county is not told from it.
        """
        result = review(self.plan, rulebook, parks=parks, progress=progress)
        self._keep(result)
        with self._lock:
            (self._trials.add if is_trial else self._trials.discard)(result.review_id)
        self._save(result, is_trial=is_trial)
        return result

    def _save(self, result: Review, *, is_trial: bool = False) -> None:
        """Save a review; where the store cannot be written it stays in memory, and says so."""
        if self.keeper.save(
            REVIEW, result.review_id, lambda opened: save_review(opened, result, is_trial=is_trial)
        ):
            self.keep_plan(result.plan)

    def keep_plan(self, plan: Plan) -> None:
        """Keep the layers that a saved result was made from, in the background."""
        with self._lock:
            if plan.version in self._kept_plans:
                return
            self._kept_plans.add(plan.version)
        with suppress(BusyError):  # the next result that is saved tries again
            self.jobs.start(lambda _: keep_plan(self.workspace, plan))

    def is_saved(self, review_id: str) -> bool:
        """Return whether a review is in the store and outlives this process."""
        return self.keeper.why_not(REVIEW, review_id) is None

    def drop_review(self, review_id: str) -> None:
        """Forget a review, in memory and in the store.

        NotFoundError for an unknown id; ConflictError for the current one, and for a pinned one.
        """
        is_saved = bool(self.keeper.saved_among(REVIEW, [review_id]))
        if review_id == self.review.review_id:
            raise ConflictError(said("problem.current_review", name=repr(review_id)))
        if is_saved:
            drop_kept(self.workspace, REVIEW, review_id)
        with self._lock:
            found = self._reviews.pop(review_id, None)
        if found is None and not is_saved:
            raise no_such_review(review_id)

    def forget(self, gone: Iterable[Outline]) -> None:
        """Forget reviews and rankings that were dropped from the store."""
        for item in gone:
            if item.kind == RANKING:
                self.rankings.forget(item.id)
            elif item.id != self.review.review_id:
                with self._lock:
                    self._reviews.pop(item.id, None)

    def _find_saved(self, review_id: str) -> Saved | None:
        if self._workspace is None:
            return None
        try:
            return self._workspace.store.find(REVIEW, review_id)
        except NotFoundError:
            return None

    def compare_reviews(self, before: str, after: str, language: Language) -> Comparison:
        """Return what is new, cured, persisting or changed from one kept review to another."""
        return compare_reviews(self._looked(before, language), self._looked(after, language))

    def _looked(self, review_id: str, language: Language) -> Looked:
        result = self._in_memory(review_id)
        if result is not None:
            translator = self.translator(language)
            findings = [finding_properties(item, translator) for item in result.results]
            return Looked(findings, frozenset(result.park_ids), frozenset(result.checks))
        whole = self._saved_document(review_id, WHOLE, language)
        parks = frozenset(park["park_id"] for park in whole["parks"])
        findings = [feature_of(item)["properties"] for item in whole["findings"]]
        return Looked(findings, parks, frozenset(whole["checks"]))

    def find_review(self, review_id: str) -> Review:
        """Return a kept review; one saved by an earlier process is made again.

        NotFoundError for an unknown id, or when it would not come out the same any more.
        """
        found = self._in_memory(review_id)
        if found is not None:
            return found
        saved = self._find_saved(review_id)
        if saved is None:
            raise no_such_review(review_id)
        made = review_from_recipe(self.workspace, review_id)
        self._keep(made, saved.made_at)
        return made

    def _in_memory(self, review_id: str) -> Review | None:
        with self._lock:
            kept = self._reviews.get(review_id)
        return None if kept is None else kept[1]

    def _saved_document(self, review_id: str, name: str, language: Language) -> Document:
        if self._find_saved(review_id) is None:
            raise no_such_review(review_id)
        document: Document = load_document(self.workspace, REVIEW, review_id, f"{name}.{language}")
        return document

    def review_summary(self, review_id: str, language: Language) -> Document:
        """Return how a kept or saved review came out; NotFoundError for an unknown id."""
        translator = self.translator(language)
        summary = self._summary(review_id, language)
        return {**summary, **self.keeper.members(REVIEW, review_id, translator)}

    def _summary(self, review_id: str, language: Language) -> Document:
        found = self._in_memory(review_id)
        if found is not None:
            return review_summary(found, self.translator(language))
        return self._saved_document(review_id, SUMMARY, language)

    def review_summaries(
        self, language: Language, *, limit: int = 100, offset: int = 0
    ) -> tuple[list[Document], int]:
        """Return summaries of kept and saved reviews, newest first, and how many there are.

        Each says when it was made (UTC), whether it is saved, and whether it is a trial.
        """
        with self._lock:
            kept = {review_id: made_at for review_id, (made_at, _) in self._reviews.items()}
            trials = set(self._trials)
        saved: list[Saved] = []
        count = 0
        if self._workspace is not None:
            saved = self._workspace.store.saved(REVIEW, limit=limit + offset)
            count = self._workspace.store.count_saved(REVIEW)
        known = self.keeper.saved_among(REVIEW, kept)
        rows = [(item.made_at.isoformat(timespec="seconds"), item.id) for item in saved]
        rows += [(made_at, name) for name, made_at in kept.items() if name not in known]
        rows.sort(key=lambda row: row[0], reverse=True)
        trials |= {item.id for item in saved if item.recipe.get("is_trial")}
        trials.discard(self.review.review_id)
        pinned = {item.id for item in saved if item.is_pinned}
        listed = {item.id for item in saved} | known
        translator = self.translator(language)
        page: list[Document] = [
            {
                "made_at": made_at,
                "is_trial": review_id in trials,
                "is_pinned": review_id in pinned,
                **self._summary(review_id, language),
                **members(self._reason(review_id, listed), translator),
            }
            for made_at, review_id in rows[offset : offset + limit]
        ]
        return page, count + len(kept) - len(known)

    def _reason(self, review_id: str, saved: Collection[str]) -> str | None:
        return None if review_id in saved else self.keeper.why_not(REVIEW, review_id)

    def reviews(self) -> list[tuple[str, Review]]:
        """Return the reviews in memory with the time each was made (UTC), newest first."""
        with self._lock:
            return list(reversed(self._reviews.values()))

    def _keep(self, result: Review, at: datetime | None = None) -> None:
        with self._lock:
            made = (at or datetime.now(UTC)).isoformat(timespec="seconds")
            self._reviews.setdefault(result.review_id, (made, result))
            self._reviews.move_to_end(result.review_id)
            while len(self._reviews) > KEPT_REVIEWS + 1:
                oldest = next(key for key in self._reviews if key != self.review.review_id)
                del self._reviews[oldest]

    def finding_features(  # noqa: PLR0913 - the filters of one list
        self,
        review_id: str,
        language: Language,
        *,
        rule: str | None = None,
        park: str | None = None,
        severity: str | None = None,
        bbox: Box | None = None,
        page: tuple[int, int] = (100, 0),
    ) -> tuple[list[Document], int]:
        """Return one page (limit, offset) of a review's findings, and how many match in all."""
        result = self._in_memory(review_id)
        limit, offset = page
        if result is None:
            whole = self._saved_document(review_id, WHOLE, language)
            found = saved_features(whole, rule=rule, park=park, severity=severity, bbox=bbox)
            return found[offset : offset + limit], len(found)
        keep: Callable[[int], bool] = lambda place: (  # noqa: E731 - one condition, used once
            (rule is None or result.results[place].rule_id == rule)
            and (park is None or result.results[place].park_id == park)
            and (severity is None or result.results[place].severity == severity)
        )
        places = [place for place in range(len(result.results)) if keep(place)]
        if bbox is not None:
            shapes = result.geometry.to_numpy()
            window = shapely.box(*bbox)
            places = [
                place
                for place in places
                if shapes[place] is not None and shapes[place].intersects(window)
            ]
        chosen = places[offset : offset + limit]
        return finding_features(result, self.translator(language), chosen), len(places)


def no_such_review(review_id: str) -> NotFoundError:
    """Return the error of a review id that is neither kept nor saved."""
    return NotFoundError(said("problem.no_review", review=repr(review_id[:80])))


def no_such_park(park_id: str) -> NotFoundError:
    """Return the error of a park id that the workspace does not have."""
    shown = shorten(park_id)
    return NotFoundError(said("problem.no_park", park=repr(shown)))
