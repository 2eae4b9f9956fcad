"""The program of a layout's first stage: parks, projects and moves as columns and rows.

Linear throughout. An industry leads a park or not, a project takes a candidate or not, an
enterprise moves to a park or not; what counts only if two of these hold is a column that is at
most each of them. Moves take room of a park as a whole here; `places` puts them on floors and
parcels. Every row that a county could ask to be relaxed has a tag that names its requirement.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from geo_service.industry import belongs_to
from geo_service.layout.evaluate import PER, SMALLER_IS_BETTER
from geo_service.layout.goals import TermName
from geo_service.layout.milp import LinearProgram, matrix_of
from geo_service.layout.model import HAZARDOUS, Decision, LayoutModel, compete

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.layout.model import Newcomer, Tenant

Key = tuple[str, ...]
Row = dict[Key, float]
INFINITY = math.inf
_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a row stands for: its kind and subject, what is there and what is asked."""

    kind: str
    subject: str
    has: float | None = None
    needs: float | None = None
    scale: float = 1.0
    """How much of the requirement's unit one of the row is."""


@dataclass(frozen=True, kw_only=True)
class TaggedRow:
    """A row with the requirement that it stands for; None for what only gives columns a meaning."""

    coefficients: Mapping[Key, float]
    lower: float
    upper: float
    tag: Requirement | None = None


@dataclass
class Expression:
    """A linear expression of columns."""

    terms: dict[Key, float] = field(default_factory=dict)
    constant: float = 0.0

    def add(self, key: Key, value: float) -> None:
        """Add a multiple of a column."""
        self.terms[key] = self.terms.get(key, 0.0) + value

    def plus(self, other: Expression, factor: float = 1.0) -> Expression:
        """Return this and a multiple of another."""
        made = Expression(dict(self.terms), self.constant + factor * other.constant)
        for key, value in other.terms.items():
            made.add(key, factor * value)
        return made


class LayoutProgram:
    """Columns by name, rows with tags, and each term as an expression of the columns."""

    def __init__(self, model: LayoutModel) -> None:
        self.model = model
        self.columns: dict[Key, tuple[float, float, bool]] = {}
        """Lower and upper bound of each column, and whether it is whole."""
        self.rows: list[TaggedRow] = []
        self.terms: dict[TermName, Expression] = {name: Expression() for name in TermName}
        self._leading: dict[str, Expression] = defaultdict(Expression)
        self._total: dict[str, Expression] = defaultdict(Expression)
        self._groups: dict[str, Expression] = defaultdict(Expression)
        self._arrivals: dict[str, Expression] = defaultdict(Expression)
        self._add_parks()
        for tenant in model.tenants:
            self._add_tenant(tenant)
        for newcomer in model.newcomers:
            self._add_newcomer(newcomer)
        self._add_sharing()
        self._add_room()
        self._add_limits()
        self._add_targets()
        self._add_locks()
        wanted = set(model.goals.terms) | set(model.goals.front.terms if model.goals.front else ())
        if TermName.CHAINS in wanted:
            self._add_chains()
        if TermName.COMPETITION in wanted:
            self._add_competition()
        self.position = {key: number for number, key in enumerate(self.columns)}

    # ---- columns ---------------------------------------------------------------------------------

    def _column(self, key: Key, *, whole: bool = False) -> Key:
        self.columns[key] = (0.0, 1.0, whole)
        return key

    def _row(
        self,
        coefficients: Mapping[Key, float],
        lower: float,
        upper: float,
        tag: Requirement | None = None,
    ) -> None:
        self.rows.append(
            TaggedRow(coefficients=dict(coefficients), lower=lower, upper=upper, tag=tag)
        )

    def _both(self, key: Key, *sides: Iterable[Key]) -> Key:
        """Add a column that is at most the sum of each side."""
        self._column(key)
        for side in sides:
            self._row({key: 1.0, **dict.fromkeys(side, -1.0)}, -INFINITY, 0.0)
        return key

    def _leads(self, park_id: str, code: str | None) -> list[Key]:
        """Return the columns by which a park leads in an industry that a code belongs to."""
        choices = self.model.park[park_id].choices
        return [("lead", park_id, choice) for choice in choices if belongs_to(code, choice)]

    def _add_parks(self) -> None:
        terms = self.terms
        for park in self.model.parks:
            keys = [self._column(("lead", park.park_id, code), whole=True) for code in park.choices]
            least = 0.0 if park.today is None else 1.0
            if keys:
                self._row(dict.fromkeys(keys, 1.0), least, 1.0)
            for code, key in zip(park.choices, keys, strict=True):
                if code in self.model.groups:
                    terms[TermName.FIT].add(key, 1.0)
                if code != park.today:
                    terms[TermName.CHANGES].add(key, 1.0)

    def _add_tenant(self, tenant: Tenant) -> None:
        home, amount = tenant.home, tenant.amount
        at_home = self._leads(home, tenant.code)
        self._total[home].constant += amount
        if not tenant.moves_to:
            for key in at_home:
                self._leading[home].add(key, amount)
                self._add_to_group(tenant.group, key, amount)
            self._arrivals[home].constant += 1.0
            return
        moves = []
        for park_id in tenant.moves_to:
            key = self._column(("move", tenant.enterprise_id, park_id), whole=True)
            moves.append(key)
            into = self._leads(park_id, tenant.code)
            self._row({key: 1.0, **dict.fromkeys(into, -1.0)}, -INFINITY, 0.0)
            self._leading[park_id].add(key, amount)
            self._add_to_group(tenant.group, key, amount)
            self._total[park_id].add(key, amount)
            self._total[home].add(key, -amount)
            self._arrivals[park_id].add(key, 1.0)
            self._arrivals[home].add(key, -1.0)
            self.terms[TermName.MOVES].add(key, 1.0)
            self.terms[TermName.MOVE_COST].add(key, tenant.cost_cny)
        self._arrivals[home].constant += 1.0
        self._row(dict.fromkeys(moves, 1.0), -INFINITY, 1.0)
        if at_home:
            key = self._both(("stays", tenant.enterprise_id), at_home)
            self._row({key: 1.0, **dict.fromkeys(moves, 1.0)}, -INFINITY, 1.0)
            self._leading[home].add(key, amount)
            self._add_to_group(tenant.group, key, amount)

    def _add_newcomer(self, newcomer: Newcomer) -> None:
        keys = []
        by_park: dict[str, list[Key]] = defaultdict(list)
        by_township: dict[str, list[Key]] = defaultdict(list)
        for spot in newcomer.spots:
            key = self._column(("put", newcomer.name, spot.candidate_id), whole=True)
            keys.append(key)
            self.terms[TermName.SUITABILITY].add(key, spot.score)
            self.terms[TermName.PLACED].add(key, 1.0)
            if spot.park_id is None:
                continue
            by_park[spot.park_id].append(key)
            self._total[spot.park_id].add(key, newcomer.amount)
            self._arrivals[spot.park_id].add(key, 1.0)
            township = self.model.park[spot.park_id].township
            if township is not None:
                by_township[township].append(key)
        self._row(dict.fromkeys(keys, 1.0), -INFINITY, 1.0)
        if newcomer.is_required:
            tag = Requirement(kind="required", subject=newcomer.name, has=len(keys), needs=1)
            self._row(dict.fromkeys(keys, 1.0), 1.0, INFINITY, tag)
        for park_id, puts in by_park.items():
            leads = self._leads(park_id, newcomer.code)
            if leads:
                key = self._both(("fits", newcomer.name, park_id), puts, leads)
                self._leading[park_id].add(key, newcomer.amount)
                self._add_to_group(newcomer.group, key, newcomer.amount)
        for township, puts in by_township.items():
            spread = ("spread", township)
            self._column(spread)
            self.terms[TermName.SPREAD].terms[spread] = 1.0
            self._spread.setdefault(township, []).extend(puts)

    @property
    def _spread(self) -> dict[str, list[Key]]:
        found: dict[str, list[Key]] = self.__dict__.setdefault("_puts_by_township", {})
        return found

    def _add_to_group(self, group: str | None, key: Key, amount: float) -> None:
        if group is not None:
            self._groups[group].add(key, amount)

    # ---- rows ------------------------------------------------------------------------------------

    def _add_sharing(self) -> None:
        """Give each parcel and floor to one project, and what a parcel offers to those on it."""
        users: dict[str, list[Key]] = defaultdict(list)
        hazards: dict[str, list[tuple[Key, str, bool]]] = defaultdict(list)
        for newcomer in self.model.newcomers:
            for spot in newcomer.spots:
                key = ("put", newcomer.name, spot.candidate_id)
                for member in spot.members:
                    users[member].append(key)
                if spot.building_id is not None:
                    is_hazard = newcomer.fire_class in HAZARDOUS
                    hazards[spot.building_id].append((key, newcomer.name, is_hazard))
        for township, puts in self._spread.items():
            self._row({("spread", township): 1.0, **dict.fromkeys(puts, -1.0)}, -INFINITY, 0.0)
        for member, keys in sorted(users.items()):
            if len({key[1] for key in keys}) > 1:
                tag = Requirement(kind="place", subject=member, has=1, needs=len(keys))
                self._row(dict.fromkeys(keys, 1.0), -INFINITY, 1.0, tag)
        self._add_utilities()
        if self.model.goals.limits.fire_apart:
            for building_id, inside in sorted(hazards.items()):
                self._add_fire(building_id, inside)

    def _add_utilities(self) -> None:
        """Let projects on one parcel draw no more than it offers."""
        drawn: dict[tuple[str, str], Row] = defaultdict(dict)
        for newcomer in self.model.newcomers:
            for spot in newcomer.spots:
                if spot.parcel_id is not None:
                    for column, need in newcomer.needs.items():
                        key = ("put", newcomer.name, spot.candidate_id)
                        drawn[spot.parcel_id, column][key] = need
        for (parcel_id, column), row in sorted(drawn.items()):
            offered = self.model.utilities.get((parcel_id, column))
            if offered is not None and any(need > 0 for need in row.values()):
                subject = f"{parcel_id} {column}"
                scale = max(1.0, offered)
                tag = Requirement(kind="utility", subject=subject, has=offered, scale=scale)
                scaled = {key: need / scale for key, need in row.items()}
                self._row(scaled, -INFINITY, offered / scale, tag)

    def _add_fire(self, building_id: str, inside: list[tuple[Key, str, bool]]) -> None:
        names = list(dict.fromkeys(name for _, name, _ in inside))
        hazardous = {name for _, name, is_hazard in inside if is_hazard}
        tag = Requirement(kind="fire", subject=building_id, has=1, needs=2)
        for one, other in combinations(names, 2):
            if hazardous & {one, other}:
                keys = [key for key, name, _ in inside if name in {one, other}]
                self._row(dict.fromkeys(keys, 1.0), -INFINITY, 1.0, tag)

    def _add_room(self) -> None:
        """Let what moves to a park fit into its floors, and into its parcels, as a whole."""
        room: dict[tuple[str, bool], float] = defaultdict(float)
        taken: dict[tuple[str, bool], Row] = defaultdict(dict)
        for piece in self.model.pieces:
            room[piece.park_id, piece.is_floor] += piece.room_m2
        for tenant in self.model.tenants:
            for park_id, piece_ids in tenant.moves_to.items():
                is_floor = self.model.piece[piece_ids[0]].is_floor
                key = ("move", tenant.enterprise_id, park_id)
                taken[park_id, is_floor][key] = tenant.area_m2
        for newcomer in self.model.newcomers:
            for spot in newcomer.spots:
                own = [self.model.piece[one] for one in spot.members if one in self.model.piece]
                if own:
                    pool = (own[0].park_id, own[0].is_floor)
                    key = ("put", newcomer.name, spot.candidate_id)
                    taken[pool][key] = sum(piece.room_m2 for piece in own)
        for pool, row in sorted(taken.items()):
            if any(key[0] == "move" for key in row):
                scale = max(1.0, room[pool])
                kind = "floors" if pool[1] else "parcels"
                subject = f"{pool[0]} {kind}"
                tag = Requirement(kind="room", subject=subject, has=room[pool], scale=scale)
                scaled = {key: area / scale for key, area in row.items()}
                self._row(scaled, -INFINITY, room[pool] / scale, tag)
        moves = self.terms[TermName.MOVES].terms
        if moves:
            most = float(self.model.goals.moves.most if self.model.goals.moves else 0)
            tag = Requirement(kind="moves", subject="", has=most)
            self._row(moves, -INFINITY, most, tag)

    def _add_limits(self) -> None:
        limits = self.model.goals.limits
        for limit in limits.focus_share:
            for park in self.model.parks:
                if limit.parks == "all" or park.park_id in limit.parks:
                    tag = Requirement(kind="focus_share", subject=park.park_id, needs=limit.share)
                    surplus = self._surplus(park.park_id, limit.share)
                    self._at_least(surplus, 0.0, tag)
        self._add_least_share()
        if limits.same_industry is not None:
            digits, most = limits.same_industry.digits, limits.same_industry.most
            by_prefix: dict[str, list[Key]] = defaultdict(list)
            for park in self.model.parks:
                for code in park.choices:
                    by_prefix[code[:digits]].append(("lead", park.park_id, code))
            for prefix, keys in sorted(by_prefix.items()):
                if len({key[1] for key in keys}) > most:
                    tag = Requirement(kind="same_industry", subject=prefix, has=most)
                    self._row(dict.fromkeys(keys, 1.0), -INFINITY, float(most), tag)
        self.terms[TermName.FOCUS] = Expression()
        for expression in self._leading.values():
            self.terms[TermName.FOCUS] = self.terms[TermName.FOCUS].plus(expression)

    def _add_least_share(self) -> None:
        """Let a new leading industry have its least share of the park."""
        open_ = self.model.goals.industries
        for park in self.model.parks if open_ is not None else ():
            new = [("lead", park.park_id, code) for code in park.choices if code != park.today]
            if open_ is None or not new or open_.least_share <= 0:
                continue
            surplus = self._surplus(park.park_id, open_.least_share)
            low = surplus.constant + sum(min(0.0, value) for value in surplus.terms.values())
            # The row is slack for a park that keeps what leads it.
            surplus.constant -= min(0.0, low)
            for key in new:
                surplus.add(key, min(0.0, low))
            tag = Requirement(kind="new_share", subject=park.park_id, needs=open_.least_share)
            self._at_least(surplus, 0.0, tag)

    def _surplus(self, park_id: str, share: float) -> Expression:
        """Return by how much a park's leading industry exceeds a share, in parts of its size."""
        surplus = self._leading[park_id].plus(self._total[park_id], -share)
        scale = max(1.0, *map(abs, surplus.terms.values()), abs(surplus.constant))
        return Expression().plus(surplus, 1 / scale)

    def _at_least(self, expression: Expression, least: float, tag: Requirement | None) -> None:
        self._row(expression.terms, least - expression.constant, INFINITY, tag)

    def _add_targets(self) -> None:
        targets = self.model.goals.targets
        if targets.complying_parks is not None:
            keys = []
            for park in self.model.parks:
                key = self._column(("complies", park.park_id), whole=True)
                keys.append(key)
                surplus = self._surplus(park.park_id, targets.complying_parks.share)
                low = surplus.constant + sum(min(0.0, value) for value in surplus.terms.values())
                # Only a park that complies has to reach the share: the row is slack for others.
                surplus.add(key, min(0.0, low))
                surplus.constant -= min(0.0, low)
                self._at_least(surplus, 0.0, None)
                total = self._total[park.park_id]
                if total.constant <= 0:
                    amounts = {name: 1.0 for name, amount in total.terms.items() if amount > 0}
                    self._row({key: -1.0, **amounts}, 0.0, INFINITY)
                elif any(amount < 0 for amount in total.terms.values()):
                    scale = total.constant
                    least = min(
                        [tenant.amount for tenant in self.model.tenants if tenant.amount > 0]
                        or [1.0]
                    )
                    present = {name: amount / scale for name, amount in total.terms.items()}
                    present[key] = -min(1.0, least / scale) * _HALF
                    self._row(present, -1.0, INFINITY)
            least_parks = float(targets.complying_parks.least)
            tag = Requirement(kind="complying_parks", subject="", needs=least_parks)
            self._row(dict.fromkeys(keys, 1.0), least_parks, INFINITY, tag)
        for target in targets.groups:
            amount = self._groups[target.group]
            scale = max(1.0, target.least)
            tag = Requirement(kind="group", subject=target.group, needs=target.least, scale=scale)
            self._at_least(Expression().plus(amount, 1 / scale), target.least / scale, tag)

    def _add_locks(self) -> None:
        for number, lock in enumerate(self.model.goals.locks):
            tag = Requirement(kind="lock", subject=str(number), has=0, needs=1)
            if lock.project is not None:
                keys = self._puts(lock.project, park=lock.park, candidate=lock.candidate)
            elif lock.enterprise is not None:
                home = self.model.tenant[lock.enterprise].home
                if lock.park in {None, home}:
                    moves = self._moves(lock.enterprise)
                    self._row(dict.fromkeys(moves, 1.0), -INFINITY, 0.0, tag)
                    continue
                keys = self._moves(lock.enterprise, lock.park)
            else:
                park = self.model.park[lock.park or ""]
                wanted = lock.leading_industry or park.today
                if wanted is None:
                    continue
                key = ("lead", park.park_id, wanted)
                keys = [key] if key in self.columns else []
            self._row(dict.fromkeys(keys, 1.0), 1.0, INFINITY, tag)
        for number in range(len(self.model.goals.bans)):
            tag = Requirement(kind="ban", subject=str(number), has=1, needs=0)
            keys = self._banned(number)
            if keys:
                self._row(dict.fromkeys(keys, 1.0), -INFINITY, 0.0, tag)

    def _banned(self, number: int) -> list[Key]:
        ban = self.model.goals.bans[number]
        if ban.place is not None:
            return [
                ("put", newcomer.name, spot.candidate_id)
                for newcomer in self.model.newcomers
                for spot in newcomer.spots
                if ban.place in spot.members
            ]
        if ban.project is not None:
            return self._puts(ban.project, park=ban.park, candidate=ban.candidate)
        if ban.enterprise is not None:
            return self._moves(ban.enterprise, ban.park)
        if ban.leading_industry is not None:
            return [
                key
                for key in self.columns
                if key[0] == "lead"
                and key[2] == ban.leading_industry
                and key[1] == (ban.park or key[1])
            ]
        puts = [
            key
            for newcomer in self.model.newcomers
            for key in self._puts(newcomer.name, park=ban.park)
        ]
        return [*puts, *(key for key in self.columns if key[0] == "move" and key[2] == ban.park)]

    def _puts(
        self, name: str, *, park: str | None = None, candidate: str | None = None
    ) -> list[Key]:
        return [
            ("put", name, spot.candidate_id)
            for spot in self.model.newcomer[name].spots
            if (spot.park_id == park if candidate is None else spot.candidate_id == candidate)
        ]

    def _moves(self, enterprise_id: str, park_id: str | None = None) -> list[Key]:
        to = self.model.tenant[enterprise_id].moves_to
        return [("move", enterprise_id, other) for other in to if park_id in {None, other}]

    def _add_chains(self) -> None:
        model, term = self.model, self.terms[TermName.CHAINS]
        codes = {code for park in model.parks for code in park.choices}
        codes |= {newcomer.code for newcomer in model.newcomers}
        partners = {
            code: {other for other in codes if model.are_linked(code, other)} for code in codes
        }

        def linked(code: str, park_id: str) -> list[Key]:
            choices = model.park[park_id].choices
            return [("lead", park_id, other) for other in choices if other in partners[code]]

        for one, other in model.near_pairs(model.goals.wanted.chains_km):
            for code in model.park[one].choices:
                if others := linked(code, other):
                    key = self._both(("link", one, code, other), [("lead", one, code)], others)
                    term.add(key, 1.0)
        near = {park.park_id: {park.park_id} for park in model.parks}
        for one, other in model.near_pairs(model.goals.wanted.chains_km):
            near[one].add(other)
            near[other].add(one)
        for newcomer in model.newcomers:
            for park in model.parks:
                puts = [
                    ("put", newcomer.name, spot.candidate_id)
                    for spot in newcomer.spots
                    if spot.park_id in near[park.park_id]
                ]
                leads = linked(newcomer.code, park.park_id)
                if puts and leads:
                    key = self._both(("joins", newcomer.name, park.park_id), puts, leads)
                    term.add(key, 1.0)

    def _add_competition(self) -> None:
        model, term = self.model, self.terms[TermName.COMPETITION]
        for one, other in model.near_pairs(model.goals.wanted.competition_km):
            key: Key = ("rivals", one, other)
            is_used = False
            for code in model.park[one].choices:
                rivals: list[Key] = [
                    ("lead", other, rival)
                    for rival in model.park[other].choices
                    if compete(code, rival)
                ]
                if rivals:
                    if not is_used:
                        self._column(key)
                        is_used = True
                    row: Row = {("lead", one, code): 1.0, key: -1.0}
                    row.update(dict.fromkeys(rivals, 1.0))
                    self._row(row, -INFINITY, 1.0)
            if is_used:
                term.add(key, 1.0)

    # ---- out -------------------------------------------------------------------------------------

    def objective(self, weights: Mapping[TermName, float] | None = None) -> Expression:
        """Return the points of all terms, more is better; with other weights if they are given."""
        made = Expression()
        for name, term in self.model.goals.terms.items():
            weight = term.weight if weights is None else weights.get(name, 0.0)
            made = made.plus(self.terms[name], self.sign(name) * weight / (term.per or PER[name]))
        return made

    def sign(self, name: TermName) -> int:
        """Return -1 for a term of which less is better."""
        return -1 if name in SMALLER_IS_BETTER else 1

    def linear(
        self,
        objective: Expression,
        *,
        extra: Iterable[TaggedRow] = (),
        keep: Callable[[TaggedRow], bool] = lambda _: True,
    ) -> LinearProgram:
        """Return the program that maximises an expression (by minimising its negative)."""
        rows = [row for row in (*self.rows, *extra) if keep(row)]
        cost = np.zeros(len(self.columns))
        for key, value in objective.terms.items():
            cost[self.position[key]] -= value
        bounds = list(self.columns.values())
        return LinearProgram(
            cost=cost,
            lower=np.array([low for low, _, _ in bounds], dtype=float),
            upper=np.array([high for _, high, _ in bounds], dtype=float),
            is_integer=np.array([whole for _, _, whole in bounds], dtype=bool),
            matrix=matrix_of(
                [
                    {self.position[key]: value for key, value in row.coefficients.items()}
                    for row in rows
                ],
                len(self.columns),
            ),
            row_lower=np.array([row.lower for row in rows], dtype=float),
            row_upper=np.array([row.upper for row in rows], dtype=float),
        )

    def decision(self, values: NDArray[np.float64]) -> Decision:
        """Return what a solution decides."""
        leads, places, moves = {}, {}, {}
        for key, number in self.position.items():
            if not self.columns[key][2] or values[number] < _HALF:
                continue
            if key[0] == "lead":
                leads[key[1]] = key[2]
            elif key[0] == "put":
                places[key[1]] = key[2]
            elif key[0] == "move":
                moves[key[1]] = key[2]
        return Decision(leads=leads, places=places, moves=moves)

    def chosen(self, decision: Decision) -> list[Key]:
        """Return the whole columns that a decision sets to one."""
        keys: list[Key] = [("lead", *item) for item in decision.leads.items()]
        keys += [("put", *item) for item in decision.places.items()]
        keys += [("move", *item) for item in decision.moves.items()]
        return [key for key in keys if key in self.columns]
