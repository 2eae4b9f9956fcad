"""A review in blocks of parcels, for a county that is too large to be judged in one piece.

A block is some parks with all parcels and buildings in them, and a share of those in no park. Rules
that look at the ground of parcels judge it block by block; all others judge the rest: the county
without the shapes of its parcels. Joined, both are the review of the whole, to the last digit.
What a part has to know of the whole (`WholeFacts`) is worked out once, without measuring a shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import shapely

from geo_service.domain.subjects import IllustrativeSubjects
from geo_service.model import RuleCount
from geo_service.zoning.check import Part, Shared
from geo_service.zoning.checks.control_zone import count_subjects
from geo_service.zoning.findings import Findings
from geo_service.zoning.portions import Columns
from geo_service.zoning.reach import PartPlan, PartShared
from geo_service.zoning.reads import RuleReach, reading_of
from geo_service.zoning.renewal import case_of
from geo_service.zoning.review import put_together
from geo_service.zoning.standing import set_ground

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.zoning.check import Outcome
    from geo_service.zoning.checks.zone_parameters import ZoneParameters
    from geo_service.zoning.review import Review, Terms
    from geo_service.zoning.rulebook import Rule, Rulebook

_ZONES = ("control_zone", "overlap")
_OF_BLOCKS = frozenset({"parcels", "buildings"})
_OF_THE_REST = frozenset({"parks", "enterprises"})
"""The subjects that rules on control zones judge in blocks, and in the rest."""
_MARGIN_DEG = 1e-6
"""Parcels whose boxes come so near may lie on each other in the metric CRS."""
_STRIPS = 64
"""Strips of a county in which parcels of no park follow each other."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One part of a county, by the positions of its rows in the whole layers."""

    parks: frozenset[str]
    parcels: NDArray[np.intp]
    buildings: NDArray[np.intp]
    neighbours: NDArray[np.intp]
    """Parcels of other blocks that may lie on one of this block."""


@dataclass(frozen=True, kw_only=True)
class WholeFacts:
    """What each part has to know of the whole county; plain values, as JSON has them."""

    counts: Mapping[str, Mapping[str, int]]
    """By rule and name, how many subjects there are, where their number decides how to measure."""
    ground: Sequence[str | None]
    """The parcel that each enterprise that counts stands on."""

    @classmethod
    def of(cls, plan: Plan, rules: Rulebook, day: date) -> WholeFacts:
        """Work it out of a whole plan."""
        shared = Shared(plan, day)
        ground = shared.tenants.places["parcel_id"].astype("object")
        return cls(
            counts={
                rule.rule_id: count_subjects(case_of(rule, shared, None), _zone_parameters(rule))
                for rule in rules.in_force(day)
                if _is_on_zones(rule)
            },
            ground=ground.where(ground.notna(), None).tolist(),
        )


def can_be_cut(rules: Rulebook, day: date) -> bool:
    """Return whether every rule in force can be put to blocks, or to the rest."""
    for rule in rules.in_force(day):
        reads, reach = reading_of(rule)
        if reads is None or (_is_on_ground(rule) and reach is RuleReach.PLAN):
            return False
    return True


def _zone_parameters(rule: Rule) -> ZoneParameters:
    return cast("ZoneParameters", rule.parameters)


def _is_on_zones(rule: Rule) -> bool:
    return (rule.part.family, rule.part.check) == _ZONES


def _is_on_ground(rule: Rule) -> bool:
    """Return whether a rule looks at the ground of parcels."""
    reads, _ = reading_of(rule)
    names = None if reads is None else reads.get("parcels", frozenset())
    return names is None or "geometry" in names


def blocks_of(plan: Plan, most: int) -> list[Block]:
    """Cut a county into blocks of about so many parcels; a park is never divided."""
    parcels, buildings = plan.frame("parcels"), plan.frame("buildings")
    shapes = plan.geo("parcels").geometry.to_numpy()
    parks = plan.frame("parks")["park_id"].tolist()
    size = parcels["park_id"].value_counts()
    block_of_park: dict[Any, int] = {}
    number, room = 0, most
    for park_id in parks:
        own = int(size.get(park_id, 0))
        if own > room and room < most:
            number, room = number + 1, most
        block_of_park[park_id] = number
        room -= own
    block = _numbers(parcels["park_id"], block_of_park)
    loose = np.flatnonzero(block < 0)
    loose = loose[_in_strips(shapes[loose])]
    place = max(0, most - room) + np.arange(len(loose))
    block[loose] = number + place // most
    of_building = _numbers(buildings["park_id"], block_of_park)
    home = dict(zip(parcels["parcel_id"], block.tolist(), strict=True))
    below = buildings["parcel_id"].astype("object").map(home).fillna(0).to_numpy(dtype=np.intp)
    of_building = np.where(of_building < 0, below, of_building)
    near = _NearShapes(shapes)
    return [
        Block(
            parks=frozenset(name for name, at in block_of_park.items() if at == here),
            parcels=np.flatnonzero(block == here),
            buildings=np.flatnonzero(of_building == here),
            neighbours=near.others(block == here),
        )
        for here in range(int(max(block.max(initial=0), number)) + 1)
    ]


def _numbers(park_ids: pd.Series[Any], block_of_park: Mapping[Any, int]) -> NDArray[np.intp]:
    """Return the block of each row's park, -1 for a row in no park."""
    found = park_ids.astype("object").map(block_of_park).fillna(-1)
    return np.array(found, dtype=np.intp)


def _in_strips(shapes: NDArray[np.object_]) -> NDArray[np.intp]:
    """Return an order in which neighbours mostly follow each other: strip by strip."""
    if not len(shapes):
        return np.zeros(0, dtype=np.intp)
    corner = np.nan_to_num(shapely.bounds(shapes)[:, :2])
    low, high = corner[:, 0].min(), corner[:, 0].max()
    strip = ((corner[:, 0] - low) / max(high - low, 1e-9) * _STRIPS).astype(np.intp)
    return np.lexsort((corner[:, 1], strip))


class _NearShapes:
    """Which shapes lie near others, by the boxes of their parts."""

    def __init__(self, shapes: NDArray[np.object_]) -> None:
        parts, self._owner = shapely.get_parts(shapes, return_index=True)
        wide = shapely.bounds(parts) + np.array([-1, -1, 1, 1]) * _MARGIN_DEG
        self._boxes: NDArray[np.object_] = np.asarray(shapely.box(*wide.T), dtype=object)
        self._tree = shapely.STRtree(self._boxes)

    def others(self, is_own: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Return the shapes near chosen ones that are not chosen themselves."""
        near = self._tree.query(self._boxes[is_own[self._owner]])[1]
        found = np.unique(self._owner[near])
        return np.asarray(found[~is_own[found]], dtype=np.intp)


def review_block(
    terms: Terms,
    whole: WholeFacts,
    block: Block,
    progress: Callable[[str], None] = lambda _rule: None,
) -> Review:
    """Return what the rules on the ground of parcels say of a block.

    The plan of `terms` has of parcels and buildings those of the block and its neighbours alone,
    labelled by their positions in the whole county; of other layers it has all.
    """
    near = terms.plan
    set_ground(near, whole.ground)
    around = Shared(near, terms.day)
    here = {
        name: np.flatnonzero(near.frame(name).index.isin(rows))
        for name, rows in (("parcels", block.parcels), ("buildings", block.buildings))
    }
    own = PartShared(PartPlan(near, here), terms.day, around)
    outcomes: dict[str, Outcome] = {}
    for rule in terms.rules.in_force(terms.day):
        if not _is_on_ground(rule):
            continue
        progress(rule.rule_id)
        part = Part(parks=block.parks, changed={}, count=_counted(rule, whole))
        shared: Shared = own
        if _is_on_zones(rule):
            part = replace(part, layers=_OF_BLOCKS)
        elif reading_of(rule)[1] is RuleReach.ROW:
            part = Part(parks=_parks(near), changed=here, is_alone=True)
            shared = around
        outcomes[rule.rule_id] = rule.check.run(case_of(rule, shared, None, part), rule.parameters)
    return put_together(terms, outcomes)


def review_rest(terms: Terms, whole: WholeFacts) -> Review:
    """Return what all other rules say; the plan of `terms` needs no shapes of parcels."""
    plan = terms.plan
    set_ground(plan, whole.ground)
    shared = Shared(plan, terms.day)
    outcomes: dict[str, Outcome] = {}
    for rule in terms.rules.in_force(terms.day):
        part = None
        if _is_on_zones(rule):
            part = Part(
                parks=_parks(plan), changed={}, layers=_OF_THE_REST, count=_counted(rule, whole)
            )
        elif _is_on_ground(rule):
            continue
        outcomes[rule.rule_id] = rule.check.run(case_of(rule, shared, None, part), rule.parameters)
    focus = {park_id: shared.focus[park_id] for park_id in terms.park_ids}
    return replace(put_together(terms, outcomes), focus=focus)


def _counted(rule: Rule, whole: WholeFacts) -> Callable[[str, Counter[str | None]], int]:
    """Return what counts the subjects of the whole county; points all stand in the rest."""
    counts = whole.counts.get(rule.rule_id, {})
    return lambda name, here: counts.get(name, here.total())


def _parks(plan: Plan) -> frozenset[str]:
    return frozenset(plan.frame("parks")["park_id"])


def joined(terms: Terms, rest: Review, blocks: Sequence[Review]) -> Review:
    """Return the review of the whole, given those of the rest and of every block."""
    every = (rest, *blocks)
    entries = (*terms.waivers.entries, *terms.approvals.entries)
    rules = [rule.rule_id for rule in terms.rules.in_force(terms.day)]
    parts = [part for review in every for part in review.results.parts]
    columns = vars(
        Columns.merged(
            [Columns(**review.results.columns) for review in every],
            [stamp.rule_id for stamp, _ in parts],
        )
    )
    return replace(
        rest,
        results=Findings(
            parts,
            waiver_of=terms.waivers.holding_on(terms.day),
            approval_of=terms.approvals.holding_on(terms.day),
            concerned={entry.rule_id for entry in entries},
            illustrative=IllustrativeSubjects(terms.plan),
            columns=columns,
        ),
        checks={
            rule_id: _added(review.checks.get(rule_id) for review in every) for rule_id in rules
        },
        judged={
            rule_id: frozenset[str]().union(*(review.judged.get(rule_id, ()) for review in every))
            for rule_id in rules
        },
        facts={
            rule_id: dict(_chained(review.facts.get(rule_id, {}) for review in every))
            for rule_id in rules
        },
        looked_at={},
    )


def _added(counts: Iterable[RuleCount | None]) -> RuleCount:
    known = [count for count in counts if count is not None]
    return RuleCount(
        sum(count.checked for count in known),
        sum(count.passed for count in known),
        sum(count.below_tolerance for count in known),
    )


def _chained(tables: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for table in tables:
        yield from table.items()
