"""The review: apply every rule in force to a plan, and give a verdict for each park."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.domain.subjects import IllustrativeSubjects
from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator
from geo_service.model import (
    BasisGroup,
    Finding,
    FocusBasis,
    RuleCount,
    Verdict,
    rests_on,
)
from geo_service.notebook import small_table
from geo_service.plan import plan_of
from geo_service.wording import said
from geo_service.zoning.approvals import Approvals, open_approvals
from geo_service.zoning.batch import RawBatch, RawFinding
from geo_service.zoning.check import Shared
from geo_service.zoning.finding_table import FindingTable, boxes_meet
from geo_service.zoning.findings import Findings
from geo_service.zoning.portions import Stamp
from geo_service.zoning.ran_on import LookedAt, RanOn, SubjectList
from geo_service.zoning.renewal import Judges, Renewal, ReviewMemory
from geo_service.zoning.rulebook import Rule, Rulebook, open_rulebook
from geo_service.zoning.waivers import Waivers, open_waivers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import HasPlan, Plan
    from geo_service.zoning.check import Outcome
    from geo_service.zoning.finding_table import Box
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.laws import LegalDocument

FOCUS_FAMILY = "focus"
_CURVED = 0.01
"""By so much of its size a box in metres is widened, since its edges are curved in degrees."""
Progress = Callable[[int, int, str], None]
"""Called with the number of rules done, their total, and the next rule's id."""

FINDING_COLUMNS = (
    "finding_id",
    "rule_id",
    "severity",
    "verdict",
    "park_id",
    "subject_layer",
    "subject_id",
    "title",
    "evidence",
    "legal_basis",
    "basis_tag",
    "cure",
    "waived",
    "approved",
)


@dataclass(frozen=True)
class Review:
    """The result of applying the rules to a plan on a day.

    `parks` and `findings` are GeoDataFrames in the storage CRS (EPSG:4490).
    """

    review_id: str
    plan: Plan
    rulebook: Rulebook
    as_of: date
    park_ids: tuple[str, ...]
    results: Findings
    checks: Mapping[str, RuleCount]
    focus: Mapping[str, Focus]
    waivers: Waivers
    approvals: Approvals = field(default_factory=Approvals)
    judged: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By rule, the parks of which it judged anything."""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By rule and subject id, what was measured besides findings (kinds of parks, grades)."""
    looked_at: Mapping[str, LookedAt] = field(default_factory=dict, repr=False, compare=False)
    """By rule, the subjects that it ran on."""
    record: RanOn | None = field(default=None, repr=False, compare=False)
    """What `ran_on` is, of a review that was not made now but read."""
    memory: ReviewMemory | None = field(default=None, repr=False, compare=False)
    """What `review` needs to renew this review for a plan that differs little."""

    def __repr__(self) -> str:
        """Name the review, its day and how it came out."""
        counts = ", ".join(f"{count} {name}" for name, count in self.verdicts.items())
        return f"<Review {self.review_id} {self.as_of}: {counts}; {len(self.results)} findings>"

    def _repr_html_(self) -> str:
        """Return how many parks have each verdict, as a notebook shows it."""
        name = next(iter(self.plan.settings.name.values()), self.plan.settings.county_code)
        title = f"{name} · {self.review_id} · {self.as_of}"
        counts = self.verdicts
        row = [*counts.values(), len(self.results)]
        return small_table(title, [*counts, "findings"], [row])

    @cached_property
    def ran_on(self) -> RanOn | None:
        """The subjects that each rule ran on, whatever it found; None if nobody recorded it."""
        if self.record is not None or not self.looked_at:
            return self.record
        return RanOn.of(SubjectList.of(self.plan), self.looked_at)

    @cached_property
    def park_verdicts(self) -> Mapping[str, Verdict]:
        """The verdict of the whole review on each park."""
        return self.results.verdict_of_parks(self.park_ids)

    @cached_property
    def focus_verdicts(self) -> Mapping[str, Verdict]:
        """The verdict of the focus family alone on each park."""
        return self.results.verdict_of_parks(self.park_ids, self.results.of_family(FOCUS_FAMILY))

    @cached_property
    def verdicts_by_basis(self) -> Mapping[str, Mapping[BasisGroup, Verdict | None]]:
        """For each park, what it gets from rules on each kind of basis alone.

        None where no rule of the kind judged anything of the park.
        """
        judged: dict[BasisGroup, set[str]] = {group: set() for group in BasisGroup}
        for rule_id, parks in self.judged.items():
            judged[self.rulebook.rules[rule_id].tag_on(self.as_of).group] |= parks
        verdicts = {
            group: self.results.verdict_of_parks(self.park_ids, self.results.resting_on(group))
            for group in BasisGroup
        }
        return {
            park_id: {
                group: verdicts[group][park_id] if park_id in judged[group] else None
                for group in BasisGroup
            }
            for park_id in self.park_ids
        }

    @cached_property
    def rests_on(self) -> Mapping[str, tuple[BasisGroup, ...]]:
        """For each park, the kinds of basis that alone give it its verdict; none for `pass`."""
        return {
            park_id: rests_on(self.park_verdicts[park_id], by_basis)
            for park_id, by_basis in self.verdicts_by_basis.items()
        }

    @cached_property
    def lapsed(self) -> list[tuple[Rule, LegalDocument]]:
        """The rules that were not applied because their documents have ended, with these."""
        return self.rulebook.lapsed(self.as_of)

    @property
    def waived_count(self) -> int:
        """How many findings are waived."""
        return self.results.waived_count

    @property
    def approved_count(self) -> int:
        """How many findings are approved by law."""
        return self.results.approved_count

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many parks have each verdict."""
        counts = Counter(self.park_verdicts.values())
        return {
            verdict.value: counts[verdict]
            for verdict in (Verdict.PASS, Verdict.WATCH, Verdict.FAIL, Verdict.UNKNOWN)
        }

    def findings_of(self, park_id: str) -> tuple[Finding, ...]:
        """Return a park's findings, gravest first."""
        return tuple(self.results.at(self.results.by_park.get(park_id, ())))

    @cached_property
    def table(self) -> FindingTable:
        """The findings as a table to be filtered, counted and sorted."""
        known = self.rulebook.rules
        rules = {rule_id: known[rule_id].part.family for rule_id in self.checks}
        return FindingTable.of(self.results, self.plan, parks=self.park_ids, rules=rules)

    @cached_property
    def park_kinds(self) -> Mapping[str, tuple[str, ...]]:
        """The kinds (professional, characteristic, premium) that each measured park reaches."""
        return {
            park_id: tuple(kinds)
            for rule in self.rulebook.rules.values()
            if rule.part.check == "park_kind"
            for park_id, kinds in self.facts.get(rule.rule_id, {}).items()
        }

    @cached_property
    def grades(self) -> Mapping[str, str]:
        """The per-mu grade (A to D) of each graded enterprise, by its id."""
        return {
            enterprise_id: letter
            for rule in self.rulebook.rules.values()
            if rule.part.check == "grade"
            for enterprise_id, letter in self.facts.get(rule.rule_id, {}).items()
        }

    @cached_property
    def parks(self) -> gpd.GeoDataFrame:
        """One row per park: its own columns, verdicts, shares and number of findings.

        `verdict_law`, `verdict_county` and `verdict_reference` are what the park gets from rules
        on each kind of basis alone, None where none judged it; `rests_on` names the kinds that
        give the park its verdict, separated by `;`.
        """
        frame = self.plan.geo("parks")
        frame = frame[frame["park_id"].isin(self.park_ids)].reset_index(drop=True)
        ids = frame["park_id"].tolist()
        groups = self.plan.settings.groups
        measured = [self.focus[park_id] for park_id in ids]
        extra: dict[str, Any] = {
            "industry_group": [groups.group_of(item.leading) for item in measured],
            "verdict": [self.park_verdicts[park_id].value for park_id in ids],
            "rests_on": [";".join(self.rests_on[park_id]) for park_id in ids],
            "focus_verdict": [self.focus_verdicts[park_id].value for park_id in ids],
            "findings": [len(self.results.by_park.get(park_id, ())) for park_id in ids],
            "enterprise_count": [item.enterprise_count for item in measured],
            "park_kinds": [";".join(self.park_kinds.get(park_id, ())) for park_id in ids],
        }
        for group in BasisGroup:
            extra[f"verdict_{group}"] = [
                None if verdict is None else verdict.value
                for verdict in (self.verdicts_by_basis[park_id][group] for park_id in ids)
            ]
        for basis in FocusBasis:
            extra[f"share_{basis}"] = [item.shares[basis] for item in measured]
        for column in ("top_industry", "hhi", "entropy", "location_quotient"):
            extra[column] = [getattr(item, column) for item in measured]
        return frame.assign(**extra)

    @cached_property
    def findings(self) -> gpd.GeoDataFrame:
        """One row per finding, with texts in simplified Chinese and geometry in the storage CRS."""
        translator = Translator(Language.ZH_HANS, self.plan.settings.names_hant)
        rows = [
            {
                "finding_id": item.finding_id,
                "rule_id": item.rule_id,
                "severity": item.severity.value,
                "verdict": item.verdict.value,
                "park_id": item.park_id,
                "subject_layer": item.subject.layer,
                "subject_id": item.subject.id,
                "title": translator.render(item.title),
                "evidence": dict(item.evidence),
                "legal_basis": item.legal_basis.document,
                "basis_tag": item.basis_tag.value,
                "cure": translator.render(item.cure) if item.cure else None,
                "waived": item.waived is not None,
                "approved": item.approval is not None,
            }
            for item in self.results
        ]
        return gpd.GeoDataFrame(
            pd.DataFrame(rows, columns=FINDING_COLUMNS), geometry=self.geometry, crs=STORAGE_CRS
        )

    def geometry_of(self, positions: Sequence[int]) -> gpd.GeoSeries:
        """Return the geometry of the findings at these positions, in the storage CRS."""
        shapes = self.results.geometry(positions)
        return gpd.GeoSeries(shapes, crs=self.plan.settings.metric_crs).to_crs(STORAGE_CRS)

    def meeting(self, bbox: Box, positions: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of these findings' geometry meets a box in degrees.

        Only geometry whose box lies near is cut.
        """
        met = boxes_meet(self._bounds_deg[positions], bbox)
        near = np.flatnonzero(met)
        shapes = self.geometry_of(positions[near].tolist()).to_numpy()
        met[near] = shapely.intersects(shapes, shapely.box(*bbox))
        return met

    @cached_property
    def _bounds_deg(self) -> NDArray[np.float64]:
        """Boxes in degrees that hold the findings' geometry, NaN for none."""
        bounds = self.results.bounds
        margin = 1.0 + _CURVED * (bounds[:, 2:] - bounds[:, :2])
        wide = np.hstack([bounds[:, :2] - margin, bounds[:, 2:] + margin])
        corners = shapely.points(wide[:, [0, 2, 2, 0]].ravel(), wide[:, [1, 1, 3, 3]].ravel())
        moved = gpd.GeoSeries(corners, crs=self.plan.settings.metric_crs).to_crs(STORAGE_CRS)
        x, y = (part.to_numpy().reshape(-1, 4) for part in (moved.x, moved.y))
        return np.column_stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)])

    @cached_property
    def geometry(self) -> gpd.GeoSeries:
        """The findings' geometry in the storage CRS, in the order of `results`."""
        return gpd.GeoSeries(self.results.geometry(), crs=self.plan.settings.metric_crs).to_crs(
            STORAGE_CRS
        )


def review(  # noqa: PLR0913 - all but the plan have a default
    plan: Plan | HasPlan,
    rulebook: Rulebook | None = None,
    *,
    parks: Iterable[str] | None = None,
    as_of: date | None = None,
    waivers: Waivers | None = None,
    approvals: Approvals | None = None,
    progress: Progress | None = None,
    earlier: Review | None = None,
) -> Review:
    """Apply every rule in force to a plan and return verdicts, findings and counts.

    Given an earlier review of a plan that differs in a few rows, only what these can alter is
    judged again; the result is the same as without it, to the last digit.

    Parameters
    ----------
    plan
        The layers to review, which are not changed; or a scenario.
    rulebook
        The rules; if None, the workspace's own or else the shipped ones.
    parks
        Ids of the parks to review; all parks if None.
    as_of
        The day on which rules and waivers must be in force; today if None.
    waivers
        The waivers to apply; the workspace's own if None.
    approvals
        The approvals to apply; the workspace's own if None.
    progress
        Called before each rule with (done, total, rule id).
    earlier
        A review of a similar plan (`Plan.with_rows` makes one), by the same rules and of the same
        parks and day; any other is of no use and does no harm.

    Raises
    ------
    NotFoundError
        The plan does not have one of the parks.
    RulebookError
        The workspace's rulebook, waivers or approvals are invalid.

    Examples
    --------
    >>> import geo_service as gs
    >>> result = gs.review(gs.open_plan("layers/yunyang"))
    >>> sum(result.verdicts.values())
    48
    """
    plan = plan_of(plan)
    rules = rulebook or open_rulebook(plan.settings.rulebook_path)
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    park_ids = _chosen_parks(plan, parks)
    asked = Terms(
        plan=plan,
        rules=rules,
        day=day,
        park_ids=park_ids,
        selected=None if parks is None else frozenset(park_ids),
        waivers=waivers or open_waivers(plan.settings.waivers_path, rules, plan),
        approvals=approvals or open_approvals(plan.settings.approvals_path, rules, plan),
    )
    shared = Shared(plan, day)
    renewal = Renewal.of(earlier.memory if earlier else None, shared, rules, asked.selected)
    in_force = rules.in_force(day)
    judges = Judges(in_force, shared, asked.selected, renewal)
    outcomes: dict[str, Outcome] = {}
    for done, rule in enumerate(in_force):
        if progress is not None:
            progress(done, len(in_force), rule.rule_id)
        outcomes[rule.rule_id] = judges.outcome(rule)
    shared.forget_ragged()
    return replace(
        put_together(asked, outcomes),
        focus={park_id: shared.focus[park_id] for park_id in park_ids},
        memory=ReviewMemory(shared, rules, asked.selected, outcomes),
    )


def review_places(
    earlier: Review, plan: Plan, places: Mapping[str, Collection[str | None]]
) -> Review:
    """Return what some rules say of some parks of a plan that differs little from a reviewed one.

    `places` are the parks that are asked about, by rule; None stands for what lies in no park. The
    rules are those of the earlier review, on its day. One that says there what it said before is
    left out: the result has fewer rules, no focus, and no review can be renewed from it.
    """
    rules, day, memory = earlier.rulebook, earlier.as_of, earlier.memory
    shared = Shared(plan, day)
    selected = None if memory is None else memory.selected
    asked = Terms(
        plan=plan,
        rules=rules,
        day=day,
        park_ids=_chosen_parks(plan, selected),
        selected=selected,
        waivers=open_waivers(plan.settings.waivers_path, rules, plan),
        approvals=open_approvals(plan.settings.approvals_path, rules, plan),
    )
    renewal = Renewal.of(memory, shared, rules, selected)
    chosen = [
        rule
        for rule in rules.in_force(day)
        if rule.rule_id in places
        and (renewal is None or renewal.may_alter(rule, places[rule.rule_id]))
    ]
    judges = Judges(chosen, shared, selected, renewal)
    return put_together(asked, {rule.rule_id: judges.outcome(rule) for rule in chosen})


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is reviewed, by what and when."""

    plan: Plan
    rules: Rulebook
    day: date
    park_ids: tuple[str, ...]
    selected: frozenset[str] | None
    """The parks that were chosen; None for all."""
    waivers: Waivers
    approvals: Approvals


def put_together(asked: Terms, outcomes: Mapping[str, Outcome]) -> Review:
    """Return the review that outcomes of rules make."""
    plan, rules, day = asked.plan, asked.rules, asked.day
    found: list[tuple[Stamp, RawBatch | list[RawFinding]]] = []
    counts: dict[str, RuleCount] = {}
    for rule_id, outcome in outcomes.items():
        stamp = stamp_of(rules.rules[rule_id], plan, day)
        found += [(stamp, raw) for raw in outcome.raw]
        passed = max(0, outcome.checked - outcome.subjects_found())
        counts[rule_id] = RuleCount(outcome.checked, passed, outcome.below_tolerance)
    entries = (*asked.waivers.entries, *asked.approvals.entries)
    findings = Findings(
        found,
        waiver_of=asked.waivers.holding_on(day),
        approval_of=asked.approvals.holding_on(day),
        concerned={entry.rule_id for entry in entries},
        illustrative=IllustrativeSubjects(plan),
    )
    versions = asked.waivers.version + asked.approvals.version
    return Review(
        review_id=review_id_of(plan, rules, day, parks=asked.selected, entries=versions),
        plan=plan,
        rulebook=rules,
        as_of=day,
        park_ids=asked.park_ids,
        results=findings,
        checks=counts,
        focus={},
        waivers=asked.waivers,
        approvals=asked.approvals,
        judged={rule_id: frozenset(outcome.parks) for rule_id, outcome in outcomes.items()},
        facts={rule_id: outcome.facts for rule_id, outcome in outcomes.items()},
        looked_at={rule_id: outcome.looked_at for rule_id, outcome in outcomes.items()},
    )


def _chosen_parks(plan: Plan, parks: Iterable[str] | None) -> tuple[str, ...]:
    every = tuple(plan.frame("parks")["park_id"])
    if parks is None:
        return every
    wanted = set(parks)
    lost = sorted(wanted - set(every))
    if lost:
        msg = said("problem.no_park", park=repr(lost[0]))
        raise NotFoundError(msg)
    return tuple(park_id for park_id in every if park_id in wanted)


def stamp_of(rule: Rule, plan: Plan, day: date) -> Stamp:
    """Return what a rule puts on all its findings in a plan on a day."""
    return Stamp(
        rule_id=rule.rule_id,
        family=rule.part.family,
        severity=rule.part.severity,
        legal_basis=rule.cited(day).legal_basis,
        basis_tag=rule.tag_on(day),
        note=rule.part.note_by_language,
        area_method=plan.settings.area_method.value,
    )


def review_id_of(
    plan: Plan, rules: Rulebook, day: date, *, parks: Collection[str] | None, entries: str
) -> str:
    """Return a review's id, a hash of its inputs, so that equal inputs give the same id.

    `parks` is None for a review of all; `entries` is the version of waivers and approvals.
    """
    scope = "all" if parks is None else "|".join(sorted(parks))
    content = f"{plan.version}\n{rules.version}\n{scope}\n{day.isoformat()}\n{entries}"
    return "r-" + hashlib.sha256(content.encode()).hexdigest()[:12]
