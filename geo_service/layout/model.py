"""What may be decided in a layout, and a decision, as plain data: no frame, no geometry, no solver.

Amounts are by the workspace's focus basis (CNY, m² or a number of enterprises), areas in m²,
positions in metres.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from geo_service.industry import belongs_to, is_one_branch
from geo_service.layout.goals import Goals

NOTHING: Mapping[str, str] = MappingProxyType({})
HAZARDOUS = frozenset({"甲", "乙"})
"""Fire classes that share no building with anything else that comes."""


@dataclass(frozen=True, kw_only=True)
class ParkOptions:
    """A park and what may lead it; one that declares none, or several, today may stay so."""

    park_id: str
    name: str
    township: str | None
    point: tuple[float, float]
    today: str | None
    """Its leading industry; None if it declares none or several."""
    choices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An enterprise that stands in a park, and where it may move: pieces by park."""

    enterprise_id: str
    name: str
    home: str
    code: str | None
    amount: float
    group: str | None
    area_m2: float = 0.0
    fire_class: str | None = None
    cost_cny: float = 0.0
    moves_to: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A vacant floor or free parcel that enterprises may move to."""

    piece_id: str
    park_id: str
    room_m2: float
    building_id: str | None = None
    floor_no: int | None = None

    @property
    def is_floor(self) -> bool:
        """Whether it is a floor."""
        return self.building_id is not None


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A candidate of a project's ranking, with its score of 0 to 1."""

    candidate_id: str
    park_id: str | None
    members: tuple[str, ...]
    score: float
    building_id: str | None = None
    parcel_id: str | None = None
    """The parcel whose utilities it draws on, where others may draw on it as well."""


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """A project and the places that are lawful and large enough for it."""

    name: str
    code: str
    amount: float
    group: str | None
    is_required: bool
    fire_class: str | None = None
    needs: Mapping[str, float] = field(default_factory=dict)
    """Utilities that it needs, by column."""
    spots: tuple[Spot, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Spot]:
        """Its places by the candidate's id."""
        return {spot.candidate_id: spot for spot in self.spots}


@dataclass(frozen=True, kw_only=True)
class LayoutModel:
    """Everything that a layout decides on, with the goals that judge it."""

    goals: Goals
    parks: tuple[ParkOptions, ...]
    tenants: tuple[Tenant, ...]
    newcomers: tuple[Newcomer, ...]
    pieces: tuple[Piece, ...]
    utilities: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """What a parcel offers, by parcel and column."""
    chains: tuple[tuple[str, str], ...] = ()
    """Industries that supply each other: supplier, customer."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """The group of each industry that may lead, by code."""

    @cached_property
    def park(self) -> Mapping[str, ParkOptions]:
        """The parks by id."""
        return {park.park_id: park for park in self.parks}

    @cached_property
    def piece(self) -> Mapping[str, Piece]:
        """The pieces by id."""
        return {piece.piece_id: piece for piece in self.pieces}

    @cached_property
    def tenant(self) -> Mapping[str, Tenant]:
        """The enterprises by id."""
        return {tenant.enterprise_id: tenant for tenant in self.tenants}

    @cached_property
    def newcomer(self) -> Mapping[str, Newcomer]:
        """The projects by name."""
        return {newcomer.name: newcomer for newcomer in self.newcomers}

    def distance_km(self, one: str, other: str) -> float:
        """Return how far two parks are apart, between points inside them."""
        return self._distances_km[one, other]

    @cached_property
    def _distances_km(self) -> Mapping[tuple[str, str], float]:
        return {
            (one.park_id, other.park_id): math.dist(one.point, other.point) / 1_000
            for one in self.parks
            for other in self.parks
        }

    def near_pairs(self, most_km: float) -> list[tuple[str, str]]:
        """Return the pairs of parks that lie within a distance, each once."""
        if most_km not in self._near:
            ids = [park.park_id for park in self.parks]
            self._near[most_km] = [
                (one, other)
                for position, one in enumerate(ids)
                for other in ids[position + 1 :]
                if self.distance_km(one, other) <= most_km
            ]
        return self._near[most_km]

    @cached_property
    def _near(self) -> dict[float, list[tuple[str, str]]]:
        return {}

    def are_linked(self, one: str, other: str) -> bool:
        """Return whether one of two industries supplies the other."""
        known = self._links.get((one, other))
        if known is None:
            known = self._links[one, other] = any(
                (belongs_to(one, supplier) and belongs_to(other, customer))
                or (belongs_to(other, supplier) and belongs_to(one, customer))
                for supplier, customer in self.chains
            )
        return known

    @cached_property
    def _links(self) -> dict[tuple[str, str], bool]:
        return {}


def compete(one: str, other: str) -> bool:
    """Return whether two leading industries are the same, or one takes in the other."""
    return is_one_branch(one, other)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is decided: the industry of each park, the place of each project, the moves.

    What is not named stays as it is: a park without a leading industry, a project without a
    place, an enterprise at home.
    """

    leads: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)
    """The candidate of each project that is placed, by its name."""
    moves: Mapping[str, str] = field(default_factory=dict)
    """The park of each enterprise that moves, by its id."""
    pieces: Mapping[str, str] = field(default_factory=dict)
    """The floor or parcel of each enterprise that moves, once that is decided."""


def today(model: LayoutModel) -> Decision:
    """Return the decision that changes nothing."""
    return Decision(leads={park.park_id: park.today for park in model.parks if park.today})
