"""What a check is given and what it answers.

A check is a pure function of a case (plan, rule, parks in scope) and its parameters. It
answers raw findings and how many subjects it looked at; the review stamps rule,
legal basis and ids on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
import pandas as pd
import shapely
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from geo_service.crs import measure_area_m2
from geo_service.domain.enterprises import active_enterprises
from geo_service.errors import UnfitError
from geo_service.industry import are_within, classification
from geo_service.model import Message, Severity, Subject, Tier, Verdict
from geo_service.schema import SCHEMAS
from geo_service.spatial.ragged import Ragged
from geo_service.wording import said
from geo_service.zoning.batch import PerRow, RawBatch, RawFinding
from geo_service.zoning.focus import FOCUS_READS, Focus, measure_focus
from geo_service.zoning.measured import MeasuredOverlaps, measure_overlaps
from geo_service.zoning.names import named_columns
from geo_service.zoning.ran_on import LookedAt
from geo_service.zoning.standing import Tenants

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.spatial.overlay import Coverage

_MANY_OF = 4
"""A layer is converted as a whole for no fewer than one row of so many."""

T = TypeVar("T")
F = TypeVar("F", bound=pd.DataFrame)


def _known_prefix(code: str) -> str:
    known = classification()
    if code not in known:
        near = known.nearest(code)
        msg = said("fault.no_prefix")
        if near:
            msg = said("fault.no_prefix_near", code=near, name=known.name(near))
        raise UnfitError(msg)
    return code


_FEW = 1_000
"""So many cells are counted faster one by one."""
_FAR_M = 200_000.0
"""Wider than any county: beyond it there is nothing to judge."""
MOST_COUNTED = 1_000_000
"""The most that a rule may ask a number of things to be; no county has as many."""

IndustryPrefix = Annotated[str, AfterValidator(_known_prefix)]
"""A code of the classification that stands for all codes which begin so."""


class Parameters(BaseModel):
    """Base of every check's parameters; an unknown name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoParameters(Parameters):
    """For checks that have nothing to set."""


class Tolerance(Parameters):
    """Below both limits an overlap is noise of the survey, not a finding."""

    area_m2: float = Field(default=50.0, ge=0)
    share: float = Field(default=0.001, ge=0, le=1)

    def is_noise(
        self, area_m2: NDArray[np.float64], share: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return where an overlap is below both limits."""
        return (area_m2 < self.area_m2) & (share < self.share)


class Scope(Parameters):
    """Which parks a rule is for; an empty list means all."""

    tiers: tuple[Tier, ...] = ()
    parks: tuple[str, ...] = ()
    industries: tuple[IndustryPrefix, ...] = ()


def count_parks(park_ids: Iterable[object]) -> Counter[str | None]:
    """Return how often each park occurs; whatever is no text is None."""
    if not isinstance(park_ids, pd.Series) or len(park_ids) < _FEW:
        return Counter(each if isinstance(each, str) else None for each in park_ids)
    counts = park_ids.value_counts(dropna=True)
    found: Counter[str | None] = Counter(
        {
            park_id: int(count)
            for park_id, count in zip(counts.index, counts.to_numpy(), strict=True)
            if isinstance(park_id, str)
        }
    )
    found[None] = len(park_ids) - found.total()
    return +found


@dataclass
class Outcome:
    """What a check found, and how many subjects it judged."""

    singles: list[RawFinding] = field(default_factory=list)
    batches: list[RawBatch] = field(default_factory=list)
    judged: Counter[str | None] = field(default_factory=Counter)
    """How many subjects were judged, by their park; None for those in no park."""
    below: Counter[str | None] = field(default_factory=Counter)
    """How many overlaps were taken for noise, by the park of their subject."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What was measured of a subject and is no finding, by its id: a park's kinds, a grade."""
    looked_at: LookedAt = field(default_factory=LookedAt)
    """The subjects that the check ran on."""
    counts: dict[str, Counter[str | None]] = field(default_factory=dict)
    """How many subjects there are of kinds whose number decides how they are measured, by park."""

    @classmethod
    def of(cls, layer: str, rows: pd.DataFrame) -> Outcome:
        """Return the outcome of a check that judges rows of a layer, which have a park."""
        outcome = cls()
        outcome.judge_rows(layer, rows)
        return outcome

    def judge(self, subject: Subject, park_id: object) -> None:
        """Count one subject of a park, or of none."""
        park = park_id if isinstance(park_id, str) else None
        self.judged[park] += 1
        self.looked_at.add(subject.layer, subject.id, park)

    def judge_park(self, park_id: str) -> None:
        """Count a park."""
        self.judge(Subject("parks", park_id), park_id)

    def judge_rows(self, layer: str, rows: pd.DataFrame) -> None:
        """Count the subjects that rows of a layer are, by their parks."""
        self.judged.update(count_parks(rows["park_id"]))
        self.looked_at.add_rows(layer, rows[SCHEMAS[layer].key[0]], rows["park_id"])

    def look_at_parks(self, park_ids: Iterable[str]) -> None:
        """Record parks that are judged too, beside the subjects that the rule counts."""
        for park_id in park_ids:
            self.looked_at.add("parks", park_id, park_id)

    @property
    def checked(self) -> int:
        """How many subjects were judged."""
        return self.judged.total()

    @property
    def parks(self) -> frozenset[str]:
        """The parks of what was judged."""
        return frozenset(park_id for park_id in self.judged if park_id is not None)

    @property
    def below_tolerance(self) -> int:
        """How many overlaps were taken for noise."""
        return self.below.total()

    @property
    def raw(self) -> list[RawBatch | list[RawFinding]]:
        """What was found, in batches and singly."""
        return [*self.batches, self.singles]

    @property
    def findings(self) -> list[RawFinding]:
        """What was found, one by one; those of batches are without their geometry."""
        rows = (batch.at(row) for batch in self.batches for row in range(len(batch)))
        return [*rows, *self.singles]

    def subjects_found(self) -> int:
        """Return of how many subjects something was found."""
        if not self.batches:
            return len({(item.subject.layer, item.subject.id) for item in self.singles})
        by_layer: dict[str, list[NDArray[np.object_]]] = {}
        for batch in self.batches:
            ids = np.asarray(batch.subject_ids, dtype=object)
            by_layer.setdefault(batch.layer, []).append(ids)
        for item in self.singles:
            own = np.array([item.subject.id], dtype=object)
            by_layer.setdefault(item.subject.layer, []).append(own)
        return sum(len(pd.unique(np.concatenate(ids))) for ids in by_layer.values())

    def add_judged(self, findings: Iterable[RawFinding]) -> None:
        """Add findings and count their subjects, one each."""
        for finding in findings:
            self.singles.append(finding)
            self.judge(finding.subject, finding.park_id)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """The area that a rule closes to what stands in a case (`fail`), or cannot judge (`unknown`).

    It is what lies nearer than `distance_m` to the features, or inside them for 0; without
    features the rule cannot be judged anywhere, and `unknown` says what is missing.
    """

    verdict: Verdict
    features: gpd.GeoDataFrame | None
    distance_m: float = 0.0
    unknown: RawFinding | None = None


def whole_ground(features: gpd.GeoDataFrame) -> BaseGeometry:
    """Return a box around features that reaches wider than any county, in their CRS."""
    west, south, east, north = features.total_bounds
    return shapely.box(west - _FAR_M, south - _FAR_M, east + _FAR_M, north + _FAR_M)


@dataclass(frozen=True)
class Shared:
    """What several checks measure alike, measured once for a review."""

    plan: Plan
    as_of: date

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What cases keep for others with the same scope."""
        return {}

    def ragged(self, layer: str, whole: gpd.GeoDataFrame, rows: gpd.GeoDataFrame) -> Ragged | None:
        """Return rows of a frame in the kernel's form, if the frame is the plan's own layer.

        The whole layer is converted once, unless that is not worth it for these rows: then None
        is returned. `forget_ragged` gives the memory back.
        """
        if whole is not self.plan.metric(layer):
            return None
        made = self._ragged.get(layer)
        if made is None:
            if len(rows) * _MANY_OF < len(whole):
                return None
            made = Ragged.from_shapely(whole.geometry.to_numpy())
            self._ragged[layer] = made
        if len(rows) == len(whole):
            return made
        return made.take(whole.index.get_indexer(rows.index))

    @cached_property
    def _ragged(self) -> dict[str, Ragged]:
        return {}

    def forget_ragged(self) -> None:
        """Give back what `ragged` keeps, once all rules have been judged."""
        self._ragged.clear()

    @cached_property
    def focus(self) -> dict[str, Focus]:
        """The focus of every park, on the workspace's basis."""
        return self.plan.remember("focus", FOCUS_READS, lambda: measure_focus(self.plan))

    @cached_property
    def park_area_m2(self) -> dict[str, float]:
        """The measured area of every park, by the workspace's method."""
        parks = self.plan.metric("parks")
        return dict(zip(parks["park_id"], self.area_m2(parks.geometry), strict=True))

    @cached_property
    def tenants(self) -> Tenants:
        """The enterprises that count, by where they stand."""
        return Tenants(self.plan)

    def area_m2(self, shapes: Any) -> NDArray[np.float64]:  # noqa: ANN401 - series or array
        """Return areas of shapes in the metric CRS, by the workspace's method."""
        method, crs = self.plan.settings.area_method, self.plan.metric_crs
        return measure_area_m2(np.asarray(shapes), method=method, crs=crs)

    def measured(
        self, covered: Coverage, mask: NDArray[np.bool_], count: int | None = None
    ) -> MeasuredOverlaps:
        """Return the overlaps of chosen subjects, measured by the workspace's method.

        `count` is how many subjects the layer has, if these are a part of them.
        """
        method = self.plan.settings.area_method
        return measure_overlaps(covered, mask, method, self.area_m2, count)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a plan that a change can reach, to be judged as the whole would be."""

    parks: frozenset[str]
    changed: Mapping[str, NDArray[np.intp]]
    """By layer, the positions of the rows that are not as in the other plan."""
    layers: frozenset[str] | None = None
    """The layers of which subjects are judged, where the check judges several; all if None."""
    is_alone: bool = False
    """Whether other parts tell of all rows that are not among the changed ones."""
    count: Callable[[str, Counter[str | None]], int] = lambda _name, here: here.total()
    """Returns how many subjects the whole has, by the name of the count and those here."""


@dataclass(frozen=True)
class Case:
    """One rule put to one plan: what a check may look at."""

    shared: Shared
    scope: Scope
    tolerance: Tolerance
    applies_to: str = "all"
    selected: frozenset[str] | None = None
    """Park ids that the caller asked for; None for all."""
    part: Part | None = None
    """The part of the plan to judge; the whole if None."""

    @property
    def plan(self) -> Plan:
        """The plan under review."""
        return self.shared.plan

    @property
    def parks(self) -> gpd.GeoDataFrame:
        """The parks in scope, in the metric CRS, with the index of the whole layer."""
        found: gpd.GeoDataFrame = self._once("parks", self._parks)
        return found

    def own(self, layer: str) -> Any:  # noqa: ANN401 - a frame, with geometry where it has some
        """Return a layer's rows that are in a park in scope, in the metric CRS.

        Of enterprises those that count, in the storage CRS.
        """

        def make() -> pd.DataFrame:
            is_register = layer == "enterprises"
            frame = active_enterprises(self.plan) if is_register else self.plan.metric(layer)
            return rows_where(frame, frame["park_id"].isin(self.parks["park_id"]))

        return self._once(layer, make)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Return what rules with the same scope look at alike, made once."""
        key = (name, self.scope, self.selected)
        kept = self.shared.kept
        if key not in kept:
            kept[key] = make()
        found: T = kept[key]
        return found

    def _parks(self) -> gpd.GeoDataFrame:
        parks = self.plan.metric("parks")
        mask = np.ones(len(parks), dtype=bool)
        if self.part is not None:
            mask &= parks["park_id"].isin(self.part.parks).to_numpy(dtype=bool)
        if self.selected is not None:
            mask &= parks["park_id"].isin(self.selected).to_numpy(dtype=bool)
        if self.scope.tiers:
            mask &= parks["tier"].isin(self.scope.tiers).to_numpy(dtype=bool)
        if self.scope.parks:
            mask &= parks["park_id"].isin(self.scope.parks).to_numpy(dtype=bool)
        if self.scope.industries:
            mask &= are_within(parks["leading_industry"], self.scope.industries)
        return parks if mask.all() else parks[mask]

    def judges(self, layer: str) -> bool:
        """Return whether subjects of a layer are to be judged."""
        return self.part is None or self.part.layers is None or layer in self.part.layers

    def count_elsewhere(self, name: str) -> int:
        """Return how many subjects the whole plan has of a layer that this part does not judge."""
        return 0 if self.part is None else self.part.count(name, Counter())

    def count(self, outcome: Outcome, name: str, park_ids: pd.Series[Any]) -> int:
        """Return how many subjects there are in the whole plan, given the parks of those here."""
        here = outcome.counts[name] = count_parks(park_ids)
        return here.total() if self.part is None else self.part.count(name, here)

    def in_scope(self, park_ids: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return which rows belong to a park in scope; rows without a park only if all are."""
        if self.selected is None and not (
            self.scope.tiers or self.scope.parks or self.scope.industries
        ):
            return np.ones(len(park_ids), dtype=bool)
        return park_ids.isin(self.parks["park_id"]).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Check:
    """A check by name: its parameters' model and its function.

    `closed` tells beforehand what `run` will say of new ground: the ground that a rule closes
    to the parcels and enterprises of a case. None for checks that close no ground.
    """

    parameters: type[Parameters]
    run: Callable[[Case, Any], Outcome]
    closed: Callable[[Case, Any], list[Closure]] | None = None


def rows_where(frame: F, mask: pd.Series[Any] | NDArray[np.bool_]) -> F:
    """Return the rows of a frame where a mask is true; the frame itself if it is everywhere."""
    which = np.asarray(mask, dtype=bool)
    rows: F = frame if which.all() else frame[which]
    return rows


def text_or_none(cell: object) -> str | None:
    """Return a cell's text, or None when it is missing."""
    return cell if isinstance(cell, str) and cell else None


def flag_or_none(cell: Any) -> bool | None:  # noqa: ANN401 - a cell of a column of flags
    """Return a cell's flag, or None when it is missing."""
    return None if pd.isna(cell) else bool(cell)


def park_unknown(
    park_id: str,
    *,
    measure: str,
    missing: tuple[str, str],
    title: str,
    cure: str,
    values: Mapping[str, Any],
) -> RawFinding:
    """Return the `unknown` of a park that nothing can be held against.

    `missing` is the `layer.column` and the row that are not there; `title` and `cure` are
    keys of the catalogue under `finding` and `cure`.
    """
    column, row = missing
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=Subject("parks", park_id),
        title=Message(f"finding.{title}", values),
        evidence={
            "measure": measure,
            "value": None,
            "missing_column": column,
            "missing_rows": [row],
        },
        cure=Message(f"cure.{cure}", values),
        key="missing",
    )


def no_zones(park_id: str, kind: str, *, measure: str) -> RawFinding:
    """Return the `unknown` of a park in a county of which no zone of a kind is mapped."""
    return park_unknown(
        park_id,
        measure=measure,
        missing=("control_zones.kind", kind),
        title="no_zones",
        cure="add_zones",
        values={"zone": Message(f"zone.{kind}"), "kind": kind},
    )


def missing_value(
    *,
    park_id: str | None,
    subject: Subject,
    column: str | tuple[str, ...],
    rows: list[str] | None = None,
    severity: Severity | None = None,
) -> RawFinding:
    """Return the `unknown` of a subject whose column, or one of several, has no value.

    `severity` is for a column that a county need not keep: what is missing is then told, and
    does not decide over the park.
    """
    columns = [column] if isinstance(column, str) else list(column)
    named = [f"{subject.layer}.{name}" for name in columns]
    evidence: dict[str, Any] = {
        "measure": columns[0],
        "value": None,
        "missing_column": named[0] if len(named) == 1 else named,
        "missing_rows": rows or [subject.id],
    }
    values = {"column": named_columns(columns), "rows": rows or [subject.id]}
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=subject,
        title=Message("finding.missing_value", values),
        evidence=evidence,
        cure=Message("cure.fill_value", values),
        key=f"missing:{'+'.join(columns)}",
        severity=severity,
    )


def missing_values(
    layer: str,
    subject_ids: pd.Series[str],
    park_ids: pd.Series[str],
    column: str,
    *,
    severity: Severity | None = None,
) -> RawBatch:
    """Return what `missing_value` says of many subjects whose column has no value."""
    rows = PerRow(subject_ids.tolist(), lambda subject_id: [subject_id])
    named = f"{layer}.{column}"
    return RawBatch(
        verdict=Verdict.UNKNOWN,
        layer=layer,
        subject_ids=subject_ids.to_numpy(object),
        park_ids=park_ids.to_numpy(object),
        title="finding.missing_value",
        values={"column": named_columns([column]), "rows": rows},
        evidence={
            "measure": column,
            "value": None,
            "missing_column": named,
            "missing_rows": rows,
        },
        cure="cure.fill_value",
        key=f"missing:{column}",
        severity=severity,
    )
