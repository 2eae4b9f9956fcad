"""A plan and its review as somebody sees them from whom a part of the county is withheld.

The one home of the rule which values go and what is told of findings that rest on them: every
answer to such an account is made of what `seen_review` returns, which holds nothing else. A
finding of a rule that reads what is withheld is told by its verdict alone, or not at all;
verdicts of parks are those of the whole review. Which accounts see what stands in `access`;
which counts may be told to the public, in `domain.disclosure`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_service.model import Message
from geo_service.schema import HIDDEN_TEXT, NAME, SCHEMAS
from geo_service.zoning.approvals import Approvals
from geo_service.zoning.batch import GivenShapes, LazyRows, RawFinding
from geo_service.zoning.focus import FOCUS_READS, measure_focus
from geo_service.zoning.public_figures import PublicFigures
from geo_service.zoning.reads import reading_of
from geo_service.zoning.review import Review
from geo_service.zoning.rulebook import Rulebook
from geo_service.zoning.waivers import Waivers

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.access import Sight
    from geo_service.model import BasisGroup, Verdict
    from geo_service.plan import Plan, Reads
    from geo_service.zoning.batch import Shapes
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.portions import Stamp
    from geo_service.zoning.rulebook import Rule

_EVERY = ("county", "townships", "township_areas", "parks", "approved_areas", "sub_areas")
_PUBLIC: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        **dict.fromkeys((*_EVERY, "buildings", "floors", "control_zones", "rivers")),
        **dict.fromkeys(("facilities", "roads", "industry_chains")),
        "parcels": frozenset(
            {"parcel_id", "park_id", "land_use", "land_use_scheme", "planned_land_use"}
            | {"status", "area_m2", "source", "illustrative"}
        ),
    }
)
"""Layers and columns that are public, None for all columns; what is not listed is not."""
_OF_PARKS = ("parks", "approved_areas", "sub_areas", "parcels", "buildings", "enterprises")
"""Layers whose rows belong to a park by `park_id`."""


def withheld_by(sight: Sight) -> frozenset[str]:
    """Return the layers and columns that a sight leaves out."""
    if not sight.is_public:
        return sight.hidden
    names = set(sight.hidden)
    for layer, schema in SCHEMAS.items():
        public = _PUBLIC.get(layer, frozenset())
        if layer not in _PUBLIC:
            names.add(layer)
        elif public is not None:
            names |= {f"{layer}.{column}" for column in schema.columns if column not in public}
    return frozenset(names)


# ---- the plan ------------------------------------------------------------------------------------


def seen_plan(plan: Plan, sight: Sight) -> Plan:
    """Return a plan without the layers, columns and parks that a sight does not reach."""
    withheld = withheld_by(sight)
    frames = {}
    for name in plan.layers:
        columns = [column for column in SCHEMAS[name].columns if f"{name}.{column}" in withheld]
        if name not in withheld and (columns or sight.parks is not None):
            frames[name] = _seen_frame(plan, name, columns, sight.parks)
    told = (sorted(withheld), None if sight.parks is None else sorted(sight.parks))
    label = hashlib.sha256(repr(told).encode()).hexdigest()[:12]
    return plan.seen(frames, withheld=withheld, label=label, only_parks=sight.parks)


def _seen_frame(
    plan: Plan, name: str, columns: Sequence[str], parks: frozenset[str] | None
) -> pd.DataFrame:
    frame = plan.frame(name)
    if parks is not None:
        frame = frame[_is_of(plan, name, frame, parks)]
    for column in columns:
        if column in frame:
            blank = HIDDEN_TEXT if column == NAME else None
            frame = frame.assign(**{column: _blank(frame[column], blank)})
    return frame


def _blank(column: pd.Series[Any], text: str | None) -> pd.Series[Any]:
    """Return a column of the same type without its values, or with one text in their place."""
    if text is not None:
        return column.where(column.isna(), text)
    return column.mask(np.ones(len(column), dtype=bool))


def _is_of(plan: Plan, name: str, frame: pd.DataFrame, parks: frozenset[str]) -> NDArray[np.bool_]:
    """Return which rows are of these parks; layers that belong to no park are seen whole."""
    if name in _OF_PARKS:
        owner = frame["park_id"]
    elif name == "floors":
        buildings = plan.frame("buildings")
        owner = frame["building_id"].map(
            dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
        )
    else:
        return np.ones(len(frame), dtype=bool)
    return owner.isin(parks).to_numpy(dtype=bool, na_value=False)


# ---- the review ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _ParkVerdicts:
    """What the whole review says of parks."""

    of_review: Mapping[str, Verdict]
    of_focus: Mapping[str, Verdict]
    by_basis: Mapping[str, Mapping[BasisGroup, Verdict | None]]


@dataclass(frozen=True)
class SeenReview(Review):
    """A review of which a part is withheld: of some findings, all but the verdict."""

    parks_told: _ParkVerdicts | None = field(default=None, repr=False, compare=False)
    public: PublicFigures | None = field(default=None, repr=False, compare=False)
    """What is told of enterprises to the public; None for an account that is told of each."""

    @cached_property
    def park_verdicts(self) -> Mapping[str, Verdict]:
        """The verdict of the whole review on each park."""
        told = self._told.of_review
        return {park_id: told[park_id] for park_id in self.park_ids}

    @cached_property
    def focus_verdicts(self) -> Mapping[str, Verdict]:
        """The verdict of the focus family alone on each park."""
        told = self._told.of_focus
        return {park_id: told[park_id] for park_id in self.park_ids}

    @cached_property
    def verdicts_by_basis(self) -> Mapping[str, Mapping[BasisGroup, Verdict | None]]:
        """For each park, what it gets from rules on each kind of basis alone."""
        told = self._told.by_basis
        return {park_id: told[park_id] for park_id in self.park_ids}

    @property
    def _told(self) -> _ParkVerdicts:
        assert self.parks_told is not None  # noqa: S101 - `seen_review` gives it
        return self.parks_told


def seen_review(review: Review, plan: Plan, sight: Sight) -> SeenReview:
    """Return a review as it is seen with a plan that `seen_plan` made of its own.

    Of a sight that is limited to parks, the review is of these parks alone.
    """
    touched = {
        rule_id: _touched_layers(rule, plan) for rule_id, rule in review.rulebook.rules.items()
    }
    kept = _kept_findings(review, plan, sight, touched)

    def masked(stamp: Stamp, raw: LazyRows | Sequence[RawFinding]) -> Any:  # noqa: ANN401 - of either kind
        layers = touched.get(stamp.rule_id)
        return raw if layers is None else MaskedRows(raw, has_shapes=not layers)

    park_ids = tuple(name for name in review.park_ids if sight.parks is None or name in sight.parks)
    public = PublicFigures.of(review) if sight.is_public else None
    told = {
        "plan": plan,
        "park_ids": park_ids,
        "results": review.results.seen(kept, masked),
        "checks": {
            rule_id: count
            for rule_id, count in review.checks.items()
            if touched.get(rule_id) is None or not sight.is_public
        },
        "focus": _seen_focus(review, plan, public, park_ids),
        "waivers": Waivers() if plan.withheld else review.waivers,
        "approvals": Approvals() if plan.withheld else review.approvals,
        "facts": {
            rule_id: facts
            for rule_id, facts in review.facts.items()
            if touched.get(rule_id) is None
        },
        "looked_at": {},
        "record": None,
        "memory": None,
    }
    given = {item.name: getattr(review, item.name) for item in fields(Review)}
    return SeenReview(
        **{**given, **told},
        parks_told=_ParkVerdicts(
            of_review=review.park_verdicts,
            of_focus=review.focus_verdicts,
            by_basis=review.verdicts_by_basis,
        ),
        public=public,
    )


def judging_rules(rulebook: Rulebook, plan: Plan) -> Rulebook:
    """Return the rules that read nothing that is withheld: the others cannot be judged here."""
    if not plan.withheld:
        return rulebook
    rules = {
        rule_id: rule
        for rule_id, rule in rulebook.rules.items()
        if _touched_layers(rule, plan) is None
    }
    return replace(rulebook, rules=rules)


def is_focus_withheld(plan: Plan) -> bool:
    """Return whether something is withheld that the focus of parks is measured of."""
    return _touches(FOCUS_READS, plan.withheld)


def _touched_layers(rule: Rule, plan: Plan) -> frozenset[str] | None:
    """Return the withheld layers that a rule reads, which may be none; None if it is untouched.

    A rule of which it is not known what it reads counts as one that reads everything.
    """
    if not plan.withheld:
        return None
    reads, _ = reading_of(rule)
    if reads is None:
        return frozenset(name for name in plan.withheld if "." not in name)
    return frozenset(reads) & plan.withheld if _touches(reads, plan.withheld) else None


def _touches(reads: Reads, withheld: frozenset[str]) -> bool:
    for name in withheld:
        layer, _, column = name.partition(".")
        if layer in reads:
            columns = reads[layer]
            if not column or columns is None or column in columns:
                return True
    return False


def _kept_findings(
    review: Review, plan: Plan, sight: Sight, touched: Mapping[str, frozenset[str] | None]
) -> NDArray[np.bool_]:
    """Return which findings are told, if only by their verdict.

    None of a layer that is withheld, and none of other parks. The public gets none that rests on
    what is withheld, and none that is set aside, of which the reasons are not for it.
    """
    results = review.results
    keep = ~np.isin(results.subject_layers.astype(str), sorted(plan.withheld))
    if sight.parks is not None:
        keep &= np.array([name in sight.parks for name in results.park_ids], dtype=bool)
    if sight.is_public:
        touching = [rule_id for rule_id, layers in touched.items() if layers is not None]
        keep &= ~np.isin(results.rule_ids.astype(str), touching) & results.counting
    return keep


def _seen_focus(
    review: Review, plan: Plan, public: PublicFigures | None, park_ids: Sequence[str]
) -> Mapping[str, Focus]:
    if public is not None:
        return {park_id: public.focus[park_id] for park_id in park_ids}
    if not is_focus_withheld(plan):
        return {park_id: review.focus[park_id] for park_id in park_ids}
    measured = measure_focus(plan)
    if plan.is_withheld("enterprises"):
        measured = {
            park_id: replace(item, enterprise_count=None) for park_id, item in measured.items()
        }
    return {park_id: measured[park_id] for park_id in park_ids}


@dataclass(frozen=True)
class MaskedRows(LazyRows):
    """Findings of which only subject and verdict are told."""

    raw: LazyRows | Sequence[RawFinding] = field(repr=False)
    has_shapes: bool
    """Whether the ground that they concern says nothing of a layer that is withheld."""

    @cached_property
    def shapes(self) -> Shapes | None:  # type: ignore[override] # made when it is first asked for
        """The offending parts, if they may be told."""
        if not self.has_shapes:
            return None
        if isinstance(self.raw, LazyRows):
            return self.raw.shapes
        shapes = np.empty(len(self.raw), dtype=object)
        shapes[:] = [item.geometry for item in self.raw]
        return GivenShapes(shapes)

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self.raw)

    def at(self, row: int) -> RawFinding:
        """Return one row: its verdict, park and subject."""
        own = self.raw.at(row) if isinstance(self.raw, LazyRows) else self.raw[row]
        title = self.title_of(row)
        return replace(own, title=title, evidence={}, cure=None, geometry=None)

    def title_of(self, _row: int) -> Message:
        """Return what stands for every title."""
        return Message("withheld.finding", {})

    def subjects_of(
        self, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        """Return the layers and the ids of the subjects of rows."""
        if isinstance(self.raw, LazyRows):
            return self.raw.subjects_of(rows)
        layers, ids = (np.empty(len(rows), dtype=object) for _ in range(2))
        subjects = [self.raw[row].subject for row in rows.tolist()]
        layers[:] = [subject.layer for subject in subjects]
        ids[:] = [subject.id for subject in subjects]
        return layers, ids
