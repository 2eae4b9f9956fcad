"""Control zones: area and share of every parcel, building and park inside each kind of zone.

Zones of one kind that overlap are counted once. A kind of which the plan has no zone
is `unknown`, unless the workspace says that its layer of that kind is complete. What stands on
the ground counts where zones ban only some of it (`standing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import are_within
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.spatial.overlay import ZoneOverlay
from geo_service.zoning.batch import GivenShapes, PerRow, RawBatch, RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Closure,
    Outcome,
    count_parks,
    no_zones,
    rows_where,
    text_or_none,
)
from geo_service.zoning.checks.zone_groups import ZonesByMeaning, group_zones, groups_of
from geo_service.zoning.checks.zone_parameters import ExceptionsPart, ZoneParameters
from geo_service.zoning.measured import MeasuredOverlaps
from geo_service.zoning.names import named_zone
from geo_service.zoning.standing import BAN_COLUMNS, KEY_COLUMNS, Answer, Answers, Ban
from geo_service.zoning.zones import mapped_zones

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.spatial.overlay import Coverage
    from geo_service.zoning.checks.zone_groups import ZoneGroup

ID_COLUMNS: Mapping[str, str] = MappingProxyType(
    {layer: KEY_COLUMNS[layer] for layer in ("parks", "parcels", "buildings")}
)
"""The layers of areas that zones are about, with the column that names a feature."""
POINTS = "enterprises"
"""The layer whose features are judged by a point: it lies in a zone, no area of it does."""


def overlap(case: Case, parameters: ZoneParameters) -> Outcome:
    """No parcel, building or park lies in a control zone of this kind, tolerance apart."""
    layers: dict[str, Callable[[], gpd.GeoDataFrame]] = {
        "parks": lambda: case.parks,
        "parcels": lambda: case.plan.metric("parcels"),
        "buildings": lambda: case.plan.metric("buildings"),
        "enterprises": lambda: case.shared.tenants.alone,
    }
    subjects = {str(layer): layers[layer]() for layer in parameters.subjects if case.judges(layer)}
    return judge(case, parameters, subjects, *group_zones(case.plan, parameters))


def count_subjects(case: Case, parameters: ZoneParameters) -> dict[str, int]:
    """Return how many subjects `overlap` counts in a whole plan, by name; measures nothing."""
    outcome = Outcome()
    is_covering = _must_cover(case, parameters)
    for layer in map(str, parameters.subjects):
        if layer == POINTS:
            continue
        rows = _in_scope(case, parameters, layer, case.plan.geo(layer))
        own = rows_where(rows, ~_excepted(case, layer, rows, parameters.exceptions))
        case.count(outcome, layer, own["park_id"])
        if is_covering:
            asked = rows_where(own, _answers(case, parameters, layer, own).values != Answer.NO)
            case.count(outcome, _not_covered(layer), asked["park_id"])
    return {name: found.total() for name, found in outcome.counts.items()}


def _must_cover(case: Case, parameters: ZoneParameters) -> bool:
    """Return whether ground outside all zones of the kind is unknown."""
    return parameters.cover_all and parameters.kind not in case.plan.settings.complete_zone_kinds


def _not_covered(layer: str) -> str:
    return f"{layer} not covered"


def judge(
    case: Case,
    parameters: ZoneParameters,
    subjects: Mapping[str, gpd.GeoDataFrame],
    zones: gpd.GeoDataFrame | None,
    grouped: ZonesByMeaning | None = None,
) -> Outcome:
    """Judge features by layer against the zones of a rule's kind, as `overlap` judges them all.

    Features out of the rule's scope, and those of layers that it does not judge, are left
    out. `zones` may be those near the features alone; None says that nobody knows them. `grouped`
    are the same zones, if they have been grouped before.
    """
    outcome = Outcome()
    layers = [layer for layer in parameters.subjects if layer in subjects]
    in_scope: dict[str, gpd.GeoDataFrame] = {
        layer: _in_scope(case, parameters, layer, subjects[layer]) for layer in layers
    }
    if zones is None:
        if parameters.unmapped == "unknown":
            _add_unmapped(case, parameters, outcome, in_scope)
        return outcome
    known = grouped or ZonesByMeaning(ZoneOverlay(zones), groups_of(zones, parameters))
    has_grid = [False] * len(known.groups)
    for layer in parameters.subjects:
        if layer not in in_scope:
            if layer != POINTS and not case.judges(layer):
                count = case.count_elsewhere(layer)
                for number, group in enumerate(known.groups):
                    has_grid[number] |= group.overlay.suits_grid(count, has_grid=has_grid[number])
            continue
        rows = in_scope[layer]
        outcome.judge_rows(layer, rows)
        own = rows_where(rows, ~_excepted(case, layer, rows, parameters.exceptions))
        count = case.count(outcome, layer, own["park_id"])
        for number, group in enumerate(known.groups):
            if layer == POINTS:
                outcome.batches += _points_inside(case, parameters, own, group)
                continue
            # A part of a layer is measured as the whole would be, to the last digit.
            has_grid[number] |= group.overlay.suits_grid(count, has_grid=has_grid[number])
            ragged = partial(case.shared.ragged, layer, subjects[layer], own)
            covered = group.overlay.over(own, by_grid=has_grid[number], ragged=ragged)
            _judge(case, parameters, outcome, _Covered(layer, covered, count), group)
        if _must_cover(case, parameters):
            outcome.singles += _uncovered(case, parameters, outcome, layer, own, known.every)
    return outcome


@dataclass(frozen=True)
class _Covered:
    """How much of the subjects of a layer zones cover."""

    layer: str
    coverage: Coverage
    count: int
    """How many subjects the whole layer has."""


def _in_scope(
    case: Case, parameters: ZoneParameters, layer: str, subjects: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    if layer == "parks":
        return rows_where(subjects, subjects["park_id"].isin(case.parks["park_id"]))
    rows = rows_where(subjects, case.in_scope(subjects["park_id"]))
    if layer == "parcels" and parameters.parcel_statuses:
        rows = rows_where(rows, rows["status"].isin(parameters.parcel_statuses))
    return rows


def _answers(
    case: Case,
    parameters: ZoneParameters,
    layer: str,
    rows: gpd.GeoDataFrame,
    listed: tuple[str, ...] | None = None,
) -> Answers:
    """Return whether what the zones ban stands on rows of a layer."""
    if parameters.only is None:
        return Answers(np.full(len(rows), Answer.YES, dtype=np.int8), ((),) * len(rows))
    return case.shared.tenants.answer(layer, rows, parameters.only, listed)


def _add_unmapped(
    case: Case,
    parameters: ZoneParameters,
    outcome: Outcome,
    subjects: Mapping[str, gpd.GeoDataFrame],
) -> None:
    """Add the `unknown` of every park, or of what else is judged where parks are not."""
    has_parks = "parks" in parameters.subjects
    for layer, every in subjects.items():
        if has_parks and layer != "parks":
            continue
        rows = rows_where(every, ~_excepted(case, layer, every, parameters.exceptions))
        is_asked = _answers(case, parameters, layer, rows).values != Answer.NO
        own = rows_where(rows, is_asked)
        if own.empty:
            continue
        outcome.judge_rows(layer, own)
        alike = no_zones("", parameters.kind, measure=_measure(layer))
        outcome.batches.append(
            RawBatch.alike(alike, layer, own[KEY_COLUMNS[layer]], own["park_id"])
        )


def _uncovered(
    case: Case,
    parameters: ZoneParameters,
    outcome: Outcome,
    layer: str,
    rows: gpd.GeoDataFrame,
    overlay: ZoneOverlay,
) -> Iterator[RawFinding]:
    """Yield the `unknown` of what lies mostly outside zones that should cover the county."""
    asked = rows_where(rows, _answers(case, parameters, layer, rows).values != Answer.NO)
    zones = overlay.zones
    if layer == POINTS:
        is_bare = np.ones(len(asked), dtype=bool)
        is_bare[zones.sindex.query(asked.geometry.to_numpy(), predicate="intersects")[0]] = False
    else:
        count = case.count(outcome, _not_covered(layer), asked["park_id"])
        by_grid = overlay.suits_grid(count, has_grid=False)
        covered_m2 = overlay.over(asked, by_grid=by_grid).area_m2
        is_bare = covered_m2 < _MOSTLY * shapely.area(asked.geometry.to_numpy())
    bare = asked[is_bare]
    for identity, park_id in zip(bare[KEY_COLUMNS[layer]], bare["park_id"], strict=True):
        values = {"zone": Message(f"zone.{parameters.kind}")}
        yield RawFinding(
            verdict=Verdict.UNKNOWN,
            park_id=text_or_none(park_id),
            subject=Subject(layer, identity),
            title=Message("finding.zone_uncovered", values),
            evidence={
                "measure": _measure(layer),
                "value": None,
                "kind": parameters.kind,
                "missing_column": "control_zones.geometry",
                "missing_rows": [identity],
            },
            cure=Message("cure.zone_uncovered", values),
            key="uncovered",
        )


_MOSTLY = 0.5
"""Ground of which zones cover less than this share counts as being in none."""


def _measure(layer: str) -> str:
    return "point_inside" if layer == POINTS else "area_inside"


def zone_closures(case: Case, parameters: ZoneParameters) -> list[Closure]:
    """Return the zones that `overlap` forbids to the case's parcels, or cannot judge."""
    parcels = _in_scope(case, parameters, "parcels", case.plan.metric("parcels"))
    own = parcels[~_excepted(case, "parcels", parcels, parameters.exceptions)]
    if own.empty:
        return []  # no parcel in scope, or all of them excepted
    zones = mapped_zones(case.plan, parameters.kind)
    if zones is None:
        is_asked = (_answers(case, parameters, "parcels", own).values != Answer.NO).any()
        if parameters.unmapped == "pass" or not is_asked:
            return []
        unknown = no_zones("", parameters.kind, measure="area_inside")
        return [Closure(verdict=Verdict.UNKNOWN, features=None, unknown=unknown)]
    closures = []
    for group in groups_of(zones, parameters):
        answer = Answer(int(_answers(case, parameters, "parcels", own, group.listed).values.max()))
        verdict = _meaning(parameters, "parcels", group.verdict, answer)
        if verdict in {Verdict.FAIL, Verdict.UNKNOWN}:
            closures.append(Closure(verdict=verdict, features=group.overlay.zones))
    return closures


def _meaning(
    parameters: ZoneParameters, layer: str, verdict: Verdict, answer: Answer
) -> Verdict | None:
    """Return what lying in zones of a verdict means to ground with this answer; None for nothing.

    Of a park it is known that something banned stands in it, not that it stands in the zone.
    """
    if answer is Answer.NO:
        return None
    if answer is Answer.UNKNOWN or verdict is Verdict.UNKNOWN:
        return Verdict.UNKNOWN
    is_somewhere = layer == "parks" and parameters.only in _BANS_OF_TENANTS
    return Verdict.WATCH if is_somewhere else verdict


_BANS_OF_TENANTS = frozenset({Ban.DISCHARGING, Ban.NEW_HEAVY_POLLUTERS})


def _excepted(
    case: Case, layer: str, subjects: gpd.GeoDataFrame, exceptions: ExceptionsPart
) -> NDArray[np.bool_]:
    allowed = np.zeros(len(subjects), dtype=bool)
    if layer == "parcels" and exceptions.land_uses:
        allowed |= are_within(subjects["land_use"], exceptions.land_uses)
    if exceptions.industries and layer in {"parcels", "buildings"}:
        active = active_enterprises(case.plan)
        inside = are_within(active["industry_code"], exceptions.industries)
        key = ID_COLUMNS[layer]
        only = set(active.loc[inside, key].dropna()) - set(active.loc[~inside, key].dropna())
        allowed |= subjects[key].isin(only).to_numpy(dtype=bool)
    return allowed


def _judge(
    case: Case,
    parameters: ZoneParameters,
    outcome: Outcome,
    own: _Covered,
    group: ZoneGroup,
) -> None:
    layer, covered = own.layer, own.coverage
    subjects = covered.subjects
    with np.errstate(invalid="ignore", divide="ignore"):
        share = covered.area_m2 / shapely.area(subjects.geometry.to_numpy())
    has_overlap = covered.area_m2 > 0
    if not has_overlap.any():
        return
    has_overlap[has_overlap] = (
        _answers(case, parameters, layer, subjects[has_overlap], group.listed).values != Answer.NO
    )
    is_noise = has_overlap & case.tolerance.is_noise(covered.area_m2, share)
    if is_noise.any():
        outcome.below.update(count_parks(subjects["park_id"][is_noise]))
    found = case.shared.measured(covered, has_overlap & ~is_noise, own.count)
    rows = subjects.iloc[found.subject]
    answers = _answers(case, parameters, layer, rows, group.listed)
    outcome.batches += _batches(parameters, group, _Overlaps(layer, rows, found, answers))


def _points_inside(
    case: Case, parameters: ZoneParameters, subjects: gpd.GeoDataFrame, group: ZoneGroup
) -> list[RawBatch]:
    """Return the findings of points in zones; no tolerance of areas excuses them."""
    zones = group.overlay.zones
    shapes = subjects.geometry.to_numpy()
    point, zone = zones.sindex.query(shapes, predicate="intersects", sort=True)
    if not len(point):
        return []
    subject, count = np.unique(point, return_counts=True)
    nothing = np.zeros(len(subject))
    found = MeasuredOverlaps(
        subject,
        inside_m2=nothing,
        whole_m2=nothing,
        border=np.concatenate([[0], np.cumsum(count)]),
        zone=zone,
        zone_m2=np.zeros(len(zone)),
        parts=GivenShapes(shapes[subject]),
    )
    rows = subjects.iloc[subject]
    answers = _answers(case, parameters, POINTS, rows, group.listed)
    return _batches(parameters, group, _Overlaps(POINTS, rows, found, answers))


@dataclass(frozen=True)
class _Overlaps:
    """Subjects of one layer that lie in zones which mean the same; points have no areas."""

    layer: str
    rows: gpd.GeoDataFrame
    measured: MeasuredOverlaps
    answers: Answers

    def parted(self, kind: str, grades: Sequence[object]) -> Iterator[_Alike]:
        """Yield the overlaps with the same answer in zones of the same name."""
        named = cache(partial(named_zone, kind))
        alone = [named(frozenset([grade])) for grade in grades]
        names = [
            alone[zones[0]] if len(zones) == 1 else named(frozenset(grades[zone] for zone in zones))
            for zones in map(self.measured.zones_of, range(len(self.rows)))
        ]
        keys = np.array([name.key for name in names], dtype=object)
        for answer in (Answer.YES, Answer.UNKNOWN):
            for key in dict.fromkeys(keys[self.answers.values == answer]):
                chosen = np.flatnonzero((self.answers.values == answer) & (keys == key))
                yield _Alike(
                    self.layer,
                    self.rows.iloc[chosen],
                    self.measured.of(chosen),
                    answer,
                    [self.answers.enterprises[row] for row in chosen.tolist()],
                    names[int(chosen[0])],
                )


@dataclass(frozen=True)
class _Alike:
    """Overlaps with the same answer in zones of the same name."""

    layer: str
    rows: gpd.GeoDataFrame
    measured: MeasuredOverlaps
    answer: Answer
    enterprises: Sequence[tuple[str, ...]]
    """The enterprises that decide the answer of each."""
    zone: Message


def _batches(parameters: ZoneParameters, group: ZoneGroup, found: _Overlaps) -> list[RawBatch]:
    """Return the findings of overlaps, parted by what they are called and what stands there."""
    grades = group.overlay.zones["grade"].tolist()
    return [_batch_of(parameters, group, alike) for alike in found.parted(parameters.kind, grades)]


def _batch_of(parameters: ZoneParameters, group: ZoneGroup, found: _Alike) -> RawBatch:
    verdict = _meaning(parameters, found.layer, group.verdict, found.answer)
    measured, zones = found.measured, group.overlay.zones
    zone_ids = _ZoneIds(zones["zone_id"].tolist(), measured, measured.whole_m2.tolist())
    title, cure, key = _words(parameters, group, found, verdict)
    rows = range(len(found.rows))
    enterprises = PerRow(found.enterprises, list)
    values = {
        "zone": found.zone,
        "zones": PerRow(rows, zone_ids.at),
        "enterprises": enterprises,
        "industries": list(group.listed or ()),
        **_figures(found),
    }
    evidence = _extent(parameters, found, zone_ids)
    if parameters.only is not None:
        evidence |= {"bans": parameters.only.value, "enterprise_ids": enterprises}
        if group.listed is not None:
            evidence["banned_industries"] = list(group.listed)
    subject_ids = found.rows[KEY_COLUMNS[found.layer]].to_numpy(dtype=object)
    if verdict is Verdict.UNKNOWN:
        evidence |= _missing(parameters, group, found, PerRow(rows, zone_ids.at))
    return RawBatch(
        verdict=verdict or Verdict.UNKNOWN,
        layer=found.layer,
        subject_ids=subject_ids,
        park_ids=found.rows["park_id"].to_numpy(dtype=object),
        title=f"finding.{title}",
        values=values,
        evidence=evidence,
        cure=f"cure.{cure}",
        shapes=measured.parts,
        key=key,
    )


@dataclass(frozen=True)
class _ZoneIds:
    """The zones that each subject meets."""

    zone_ids: Sequence[str]
    measured: MeasuredOverlaps
    whole_m2: Sequence[float]

    def at(self, row: int) -> list[str]:
        """Return the ids of the zones that a row meets."""
        return [self.zone_ids[zone] for zone in self.measured.zones_of(row)]

    def measured_at(self, row: int) -> list[dict[str, Any]]:
        """Return the same with the area that the row shares with each."""
        whole_m2 = self.whole_m2[row]
        return [
            {"zone_id": self.zone_ids[zone], "area_m2": area_m2, "share": area_m2 / whole_m2}
            for zone, area_m2 in zip(
                self.measured.zones_of(row), self.measured.areas_of(row), strict=True
            )
        ]


def _figures(found: _Alike) -> dict[str, Any]:
    """Return what a title says of the size of an overlap: nothing of a point's."""
    if found.layer == POINTS:
        return {}
    measured = found.measured
    return {
        "area": PerRow(measured.inside_m2, lambda area: Quantity(area, "m²")),
        "share": PerRow(measured.inside_m2 / measured.whole_m2),
    }


def _extent(parameters: ZoneParameters, found: _Alike, zone_ids: _ZoneIds) -> dict[str, Any]:
    """Return the evidence for an overlap: areas and shares, of a point only that it lies inside."""
    rows = range(len(found.rows))
    where = {"kind": parameters.kind, "zone_ids": PerRow(rows, zone_ids.at)}
    if found.layer == POINTS:
        return {"measure": _measure(POINTS), "value": True, "unit": None, **where}
    measured = found.measured
    return {
        "measure": _measure(found.layer),
        "value": PerRow(measured.inside_m2),
        "unit": "m²",
        "threshold": 0,
        "share": PerRow(measured.inside_m2 / measured.whole_m2),
        "subject_area_m2": PerRow(measured.whole_m2),
        **where,
        "zones": PerRow(rows, zone_ids.measured_at),
        "computed": "area(subject ∩ union of zones)",
    }


def _words(
    parameters: ZoneParameters, group: ZoneGroup, found: _Alike, verdict: Verdict | None
) -> tuple[str, str, str]:
    """Return the names of a finding's title and cure, and its key among those of one subject."""
    title, cure, key = _words_of_ground(parameters, group, found, verdict)
    if found.layer == POINTS:
        return f"{title}_point", "zone_point" if cure in _CURES_BY_AREA else cure, key
    return title, cure, key


def _words_of_ground(
    parameters: ZoneParameters, group: ZoneGroup, found: _Alike, verdict: Verdict | None
) -> tuple[str, str, str]:
    plain_key = "" if verdict is None else verdict.value
    if group.verdict is Verdict.UNKNOWN:
        if _is_declared_unknown(parameters):
            cure = "zone_geohazard" if parameters.kind == "geohazard" else "zone_unsettled"
            return "zone_unsettled", cure, plain_key
        return "zone_no_grade", "zone_grade", plain_key
    if parameters.only is None:
        graded = found.zone.key.rpartition(".")[2]
        cure = _CURES.get(graded) or _CURES.get(parameters.kind, "cut_area")
        return "in_zone", cure, plain_key
    # Of a park it is said that something stands in it; of all else that it stands in the zone.
    is_here = found.layer != "parks" or parameters.only not in _BANS_OF_TENANTS
    told = "fail" if verdict is Verdict.WATCH and is_here else plain_key
    name = f"zone_{parameters.only}_{told}"
    if parameters.only is Ban.LISTED_INDUSTRIES:
        if found.answer is Answer.UNKNOWN and group.listed is None:
            name = "zone_no_list"
        is_leading = found.layer == "parks" and found.answer is Answer.YES
        title = "zone_listed_industries_leading" if is_leading else name
        return title, name, f"{plain_key}:{';'.join(group.listed or ())}"
    return name, name, f"{plain_key}:{parameters.only}"


def _is_declared_unknown(parameters: ZoneParameters) -> bool:
    return Verdict.UNKNOWN.value in parameters.verdicts.values()


def _missing(
    parameters: ZoneParameters, group: ZoneGroup, found: _Alike, zone_ids: PerRow
) -> dict[str, Any]:
    """Return what would have to be known to judge an overlap."""
    if group.verdict is Verdict.UNKNOWN:
        column = "kind" if _is_declared_unknown(parameters) else "grade"
        return {"missing_column": f"control_zones.{column}", "missing_rows": zone_ids}
    if parameters.only is Ban.LISTED_INDUSTRIES and group.listed is None:
        return {"missing_column": "control_zones.banned_industries", "missing_rows": zone_ids}
    columns = [f"enterprises.{name}" for name in BAN_COLUMNS[parameters.only or Ban.DISCHARGING]]
    subject_ids = found.rows[KEY_COLUMNS[found.layer]].to_numpy(dtype=object)
    return {
        "missing_column": columns[0] if len(columns) == 1 else columns,
        "missing_rows": PerRow(
            range(len(subject_ids)), lambda row: list(found.enterprises[row]) or [subject_ids[row]]
        ),
    }


_CURES: Mapping[str, str] = MappingProxyType(
    {
        "river_management": "zone_river_works",
        "reservoir_line": "zone_reservoir_approval",
        "heritage": "zone_heritage_approval",
        "geohazard_risk": "zone_hazard_risk",
        "geohazard_prone": "zone_hazard_assessment",
        "wetland": "zone_wetland",
        "agricultural_land": "zone_conversion",
        "water_source_1": "zone_water_source_1",
    }
)
"""What cures an overlap with kinds of zones that a law lets an authority allow, or the like.

A grade of a kind goes before the kind.
"""
_CURES_BY_AREA = frozenset({"cut_area", "zone_wetland"})
"""The cures that name an area, which a point does not have."""


CHECKS: Mapping[str, Check] = MappingProxyType(
    {"overlap": Check(ZoneParameters, overlap, zone_closures)}
)
