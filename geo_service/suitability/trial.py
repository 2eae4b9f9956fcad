"""Trial plans: the project put on ground and into floors, so that the review's checks judge it.

A trial plan holds nothing but what is on trial and what lies around it. Nothing is judged
here: `exclusion` puts the rules to these plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.crs import STORAGE_CRS, projected
from geo_service.domain.enterprises import latest_year
from geo_service.domain.subjects import floor_id, subject_ids
from geo_service.plan import rows_of
from geo_service.schema import SCHEMAS
from geo_service.suitability.candidates import Candidate, CandidateKind
from geo_service.zoning.check import text_or_none

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.plan import Plan
    from geo_service.suitability.project import Project

TOLD_OF_ENTERPRISES = (
    "tailings_pond",
    "mixing_only",
    "hazardous_chemicals",
    "catalogue_class",
    "energy_tce",
    "energy_review_number",
)
"""What a project says of itself as an enterprise's columns do, under the same names."""
MARK = "\x1f"
"""What begins the mark of a project in a name: no id has it."""
ANY_YEAR = 2000
"""The year of the project's own row in a county that has no enterprises yet."""


NO_PARCEL = -1
_OF_PARCELS = frozenset({CandidateKind.PARCEL, CandidateKind.PARCELS, CandidateKind.PARK})


@dataclass(frozen=True, kw_only=True)
class Footing:
    """A piece of ground that candidates stand on, judged once however many do."""

    geometry: BaseGeometry
    park_id: str | None
    is_parcel: bool = False
    project: Project
    parcel: int = NO_PARCEL
    """The position of the parcel that it is, or that the building stands on."""


def footing_ids(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of the ground that a candidate stands on: parcels, a building, itself."""
    if candidate.kind is CandidateKind.FLOORS:
        return (f"building {candidate.building_id}",)
    if candidate.kind is CandidateKind.LAND:
        return (candidate.candidate_id,)
    return tuple(f"parcel {parcel_id}" for parcel_id in candidate.members)


def floor_ids(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of the floors that a candidate consists of; none of land."""
    if candidate.kind is not CandidateKind.FLOORS:
        return ()
    return tuple(f"floor {member}" for member in candidate.members)


@dataclass(frozen=True)
class Trials:
    """Projects on trial on what candidates consist of; each plan is made when it is asked for.

    Of several projects each is tried by itself: what stands on trial is named by what it is and,
    from the second project on, by a mark of the project.
    """

    plan: Plan
    asked: Sequence[tuple[Candidate, Project]]

    @cached_property
    def marks(self) -> dict[int, str]:
        """The mark of each project, by its identity; the first has none."""
        projects = {id(project): None for _, project in self.asked}
        return {one: f"{MARK}{number}" if number else "" for number, one in enumerate(projects)}

    @cached_property
    def footings(self) -> dict[str, Footing]:
        """The ground that the candidates stand on, by its name."""
        return _footings_of(self.plan, self)

    @cached_property
    def shapes(self) -> tuple[gpd.GeoSeries, NDArray[np.object_]]:
        """The shapes of the ground in the storage CRS, and from there in the metric one again.

        The rules are put to these: plans are kept in the storage CRS.
        """
        shapes = np.empty(len(self.footings), dtype=object)
        shapes[:] = [footing.geometry for footing in self.footings.values()]
        metric_crs = self.plan.metric_crs
        in_degrees = projected(shapes, metric_crs, STORAGE_CRS)
        in_metres = projected(in_degrees, STORAGE_CRS, metric_crs)
        return gpd.GeoSeries(in_degrees, crs=STORAGE_CRS), in_metres

    @cached_property
    def floors(self) -> dict[str, tuple[str, Project]]:
        """The floors that the candidates consist of, as building/number, by their name."""
        return {
            name + self.mark_of(project): (name.removeprefix("floor "), project)
            for candidate, project in self.asked
            for name in floor_ids(candidate)
        }

    @cached_property
    def footing_names(self) -> list[tuple[str, ...]]:
        """The names of the ground that each candidate stands on, marks included, as asked."""
        return [
            tuple(f"{name}{self.mark_of(project)}" for name in footing_ids(candidate))
            for candidate, project in self.asked
        ]

    @property
    def pieces(self) -> Iterator[tuple[str, ...]]:
        """The names of what each candidate consists of, as asked: its park, ground and floors."""
        for (candidate, project), footings in zip(self.asked, self.footing_names, strict=True):
            park = () if candidate.park_id is None else (f"park {candidate.park_id}",)
            mark = self.mark_of(project)
            yield (*park, *footings, *(f"{name}{mark}" for name in floor_ids(candidate)))

    def mark_of(self, project: Project) -> str:
        """Return what is added to the names of what a project is on trial on."""
        return self.marks[id(project)]

    @cached_property
    def on_ground(self) -> Plan:
        """The ground alone, each piece a parcel, with the project on each."""
        return _plan_of_parcels(self)

    @cached_property
    def as_parks(self) -> Plan:
        """Pieces of ground as new parks that the project leads."""
        return _plan_of_parks(self)

    @cached_property
    def on_floors(self) -> Plan:
        """The buildings of the floors, the project on each floor."""
        return self._tenancies[0]

    @property
    def floor_names(self) -> dict[str, tuple[str, ...]]:
        """What is on trial on each floor of `on_floors`, by the floor's id there."""
        return self._tenancies[1]

    @cached_property
    def _tenancies(self) -> tuple[Plan, dict[str, tuple[str, ...]]]:
        return _plan_of_tenancies(self.plan, self.floors)


def _footings_of(plan: Plan, trials: Trials) -> dict[str, Footing]:
    parcels, buildings = plan.metric("parcels"), plan.frame("buildings")
    # Of a county's rows only those that somebody stands on: a place is judged in a moment.
    built = {item.building_id for item, _ in trials.asked if item.kind is CandidateKind.FLOORS}
    own = buildings.loc[buildings["building_id"].isin(built), ["building_id", "parcel_id"]]
    parcel_of = dict(own.itertuples(index=False, name=None))
    asked = {name for item, _ in trials.asked if item.kind in _OF_PARCELS for name in item.members}
    asked |= set(own["parcel_id"].dropna())
    every = pd.Index(parcels["parcel_id"].to_numpy(dtype=object))
    positions = np.flatnonzero(every.isin(asked))
    position_of = dict(zip(every[positions], positions.tolist(), strict=True))
    park_ids = dict(zip(positions.tolist(), parcels["park_id"].iloc[positions], strict=True))
    shapes: dict[int, Any] = dict(
        zip(positions.tolist(), parcels.geometry.to_numpy()[positions], strict=True)
    )
    footings: dict[str, Footing] = {}
    for (candidate, project), names in zip(trials.asked, trials.footing_names, strict=True):
        of_parcels = candidate.kind in _OF_PARCELS
        for number, name in enumerate(names):
            shape, park_id = candidate.geometry, candidate.park_id
            parcel = NO_PARCEL
            if of_parcels:
                parcel = position_of[candidate.members[number]]
                shape, park_id = shapes[parcel], text_or_none(park_ids[parcel])
            elif candidate.kind is CandidateKind.LAND:
                park_id = None
            else:
                parcel = position_of.get(parcel_of.get(candidate.building_id), NO_PARCEL)
            footings[name] = Footing(
                geometry=shape,
                park_id=park_id,
                is_parcel=of_parcels,
                project=project,
                parcel=parcel,
            )
    return footings


def _plan_of_parcels(trials: Trials) -> Plan:
    """Return a plan of the ground alone, each piece a parcel, with the project on each.

    A free parcel counts as built, as it will be. A building stands for the floors in it: what
    a parcel must offer as a whole is not asked of them.
    """
    plan, ids, pieces = trials.plan, list(trials.footings), list(trials.footings.values())
    positions = np.array([footing.parcel for footing in pieces], dtype=np.intp)
    parcels = _columns_at(plan.metric("parcels"), SCHEMAS["parcels"].columns, positions)
    parcels |= {
        "parcel_id": ids,
        "park_id": [footing.park_id for footing in pieces],
        "status": ["built" if footing.is_parcel else "vacant" for footing in pieces],
        "investment_cny": [None] * len(ids),
    }
    tenants: dict[str, list[Any]] = {
        "park_id": [footing.park_id for footing in pieces],
        # A rule's exceptions for industries ask which enterprises a parcel holds.
        "parcel_id": ids,
        "output_cny": [footing.project.output_cny for footing in pieces],
        "land_m2": [
            footing.project.needs.land_m2 if footing.is_parcel else 0.0 for footing in pieces
        ],
    }
    in_degrees, in_metres = trials.shapes
    enterprises = _tenants(plan, [footing.project for footing in pieces], ids, tenants)
    frames = {
        "parcels": gpd.GeoDataFrame(
            _rows_like("parcels", parcels), geometry=in_degrees, crs=STORAGE_CRS
        ),
        "enterprises": gpd.GeoDataFrame(enterprises, geometry=in_degrees, crs=STORAGE_CRS),
    }
    names = dict.fromkeys(footing.project.name for footing in pieces)
    label, known = f"trial of {', '.join(names)}", dict.fromkeys(frames, in_metres)
    return plan.with_layers(frames, label=label, in_metric_crs=known)


def _columns_at(
    frame: pd.DataFrame, columns: Iterable[str], positions: NDArray[np.intp]
) -> dict[str, Any]:
    """Return columns of a frame at positions, without values at `NO_PARCEL`."""
    known = [name for name in columns if name in frame.columns]
    if frame.empty:
        return {name: [None] * len(positions) for name in known}
    rows = frame[known].iloc[positions].reset_index(drop=True)
    is_given = positions != NO_PARCEL
    if is_given.all():
        return {name: rows[name] for name in known}
    return {
        name: [cell if given else None for cell, given in zip(cells, is_given, strict=True)]
        for name, cells in ((name, _cells_of(rows, name)) for name in known)
    }


def _cells_of(frame: pd.DataFrame, name: str) -> list[Any]:
    return [row[name] for row in rows_of(frame[[name]])]


def _plan_of_parks(trials: Trials) -> Plan:
    """Return a plan whose parks are pieces of ground: new parks that the project leads.

    Each has the tier of the park that it lies in, which a rule's scope may ask for.
    """
    plan, footings = trials.plan, trials.footings
    rows = {row["park_id"]: row for row in rows_of(plan.frame("parks"))}
    around = [rows.get(footing.park_id, {}) for footing in footings.values()]
    values: dict[str, list[Any]] = {"park_id": list(footings), "name": list(footings)}
    values["tier"] = [row.get("tier") for row in around]
    values["leading_industry"] = [footing.project.industry_code for footing in footings.values()]
    values["status"] = ["planned"] * len(around)
    in_degrees, in_metres = trials.shapes
    parks = gpd.GeoDataFrame(_rows_like("parks", values), geometry=in_degrees, crs=STORAGE_CRS)
    known = {"parks": in_metres}
    return plan.with_layers({"parks": parks}, label="ground as parks", in_metric_crs=known)


def _plan_of_tenancies(
    plan: Plan, asked: Mapping[str, tuple[str, Project]]
) -> tuple[Plan, dict[str, tuple[str, ...]]]:
    """Return a plan of the buildings of these floors, a project on each, and what is on which.

    These floors are given over to the project's fire class, whatever they were built for; projects
    of another class than the first have the building for themselves, under another id.
    """
    by_class: dict[str | None, dict[str, tuple[str, Project]]] = {}
    for name, (member, project) in asked.items():
        by_class.setdefault(project.fire_class, {})[name] = (member, project)
    floors, buildings = plan.frame("floors"), plan.geo("buildings")
    members = pd.Series(subject_ids("floors", floors), index=floors.index, dtype="str")
    all_floors, all_buildings, all_tenants = [], [], []
    names: dict[str, tuple[str, ...]] = {}
    for number, (letter, tenancies) in enumerate(by_class.items()):
        mark = f"{MARK}{number}" if number else ""
        is_on_trial = members.isin([member for member, _ in tenancies.values()])
        touched = floors.loc[is_on_trial, "building_id"]
        standing = floors[floors["building_id"].isin(touched)]
        letters = standing["fire_class"].astype("object")
        letters = letters.mask(is_on_trial[standing.index], letter)
        own = buildings[buildings["building_id"].isin(touched)]
        if number:
            standing = standing.assign(building_id=standing["building_id"] + mark)
            own = own.assign(building_id=own["building_id"] + mark)
        all_floors.append(standing.assign(fire_class=letters))
        all_buildings.append(own)
        table, known = _tenancies_of(plan, floors[is_on_trial], members, tenancies, mark)
        all_tenants.append(table)
        names |= known
    table = (
        pd.concat(all_tenants, ignore_index=True)
        if all_tenants
        else _rows_like("enterprises", {"enterprise_id": []})
    )
    nowhere = gpd.GeoSeries(np.full(len(table), None), crs=STORAGE_CRS)
    frames: dict[str, pd.DataFrame] = {
        "floors": pd.concat(all_floors) if all_floors else floors.iloc[:0],
        "enterprises": gpd.GeoDataFrame(table, geometry=nowhere, crs=STORAGE_CRS),
    }
    if len(by_class) > 1:
        frames["buildings"] = pd.concat(all_buildings, ignore_index=True)
    label = ", ".join(dict.fromkeys(project.name for _, project in asked.values()))
    return plan.with_layers(frames, label=f"tenancy of {label}"), names


def _tenancies_of(
    plan: Plan,
    on_trial: pd.DataFrame,
    members: pd.Series[str],
    tenancies: Mapping[str, tuple[str, Project]],
    mark: str,
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Return projects of one fire class as tenants of their floors, and their names by floor."""
    buildings = plan.frame("buildings")
    parks = dict(zip(buildings["building_id"], buildings["park_id"], strict=True))
    where = {
        member: (building_id, number)
        for member, building_id, number in zip(
            members[on_trial.index], on_trial["building_id"], on_trial["floor_no"], strict=True
        )
    }
    by_member: dict[str, list[tuple[str, Project]]] = {member: [] for member in where}
    for name, (member, project) in tenancies.items():
        by_member[member].append((name, project))
    rows = [(member, name, project) for member in where for name, project in by_member[member]]
    values: dict[str, list[Any]] = {
        "park_id": [text_or_none(parks.get(where[member][0])) for member, _, _ in rows],
        "building_id": [where[member][0] + mark for member, _, _ in rows],
        "floor_no": [where[member][1] for member, _, _ in rows],
    }
    projects = [project for _, _, project in rows]
    table = _tenants(plan, projects, [name for _, name, _ in rows], values)
    names = {
        floor_id(f"{building_id}{mark}", number): tuple(name for name, _ in by_member[member])
        for member, (building_id, number) in where.items()
    }
    return table, names


def _tenants(
    plan: Plan, projects: Sequence[Project], ids: Sequence[str], values: Mapping[str, list[Any]]
) -> pd.DataFrame:
    """Return a project per piece as an enterprise of the latest year, without geometry."""
    several = {id(project): project for project in projects}
    told = {key: tenant_values(plan, project) for key, project in several.items()}
    every: dict[str, Any] = next(iter(told.values()), {})
    if len(told) > 1:
        rows = [told[id(project)] for project in projects]
        every = {name: [row[name] for row in rows] for name in rows[0]}
    return _rows_like("enterprises", {"enterprise_id": list(ids), **every, **values})


def tenant_values(plan: Plan, project: Project) -> dict[str, Any]:
    """Return what a project says of itself as an enterprise's row of the latest year does."""
    year = latest_year(plan)
    return {
        "year": ANY_YEAR if year is None else year,
        "name": project.name,
        "industry_code": project.industry_code,
        "status": "operating",
        # The law forbids expansion as it forbids new projects.
        "is_new": True,
        "discharges_wastewater": project.is_discharging,
        "heavy_polluter": project.heavy_polluter,
        **{name: getattr(project, name) for name in TOLD_OF_ENTERPRISES},
    }


def _rows_like(layer: str, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return rows with every column of a layer, those not given without values.

    The first of the columns given has a value for each row, another may be one value for all.
    """
    rows = pd.RangeIndex(len(next(iter(values.values()))))
    columns = SCHEMAS[layer].columns
    return pd.DataFrame({name: values.get(name) for name in columns}, index=rows)
