"""Why no layout meets the goals: the smallest sets of requirements that clash, and what cures each.

HiGHS names no such set for integer programs. Requirements are taken away until the rest can be met
and every one that is left is needed for the clash (QuickXplain, a deletion filter by halves).
Of each requirement of a set, the least by which it would have to give way is then sought with
the others as they are (an elastic row). Locks that clash by themselves are told before any
solving.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geo_service.layout.evaluate import evaluate
from geo_service.layout.places import CrowdedError, place_moves
from geo_service.layout.program import Expression, TaggedRow
from geo_service.layout.solve import room_of
from geo_service.layout.solver import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.layout.goals import Banned, Lock
    from geo_service.layout.model import Decision, LayoutModel
    from geo_service.layout.options import LayoutOptions
    from geo_service.layout.program import Key, LayoutProgram, Requirement
    from geo_service.layout.solve import LayoutSearch

Name = tuple[str, str]
"""Kind and subject of a requirement."""
_CHECK_SECONDS = 10.0
AT_MOST = frozenset({"room", "utility", "moves", "same_industry", "place"})
"""Requirements that give way upwards: the limit is what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clashing:
    """One requirement of a clash: what is there, what is needed, by how much it had to give way.

    `relaxation` is None if giving way alone does not help, or the time ended.
    """

    kind: str
    subject: str
    has: float | None
    needs: float | None
    unit: str | None
    relaxation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashingSet:
    """Requirements that cannot be met together; without any one of them the others can.

    `is_minimal` is false if the time ended before every one was tried.
    """

    requirements: tuple[Clashing, ...]
    is_minimal: bool = True


# ---- before solving ------------------------------------------------------------------------------


def clashing_locks(options: LayoutOptions) -> list[ClashingSet]:
    """Return the locks that no layout can keep, whatever else it does."""
    model = options.model
    goals = model.goals
    clashes: list[ClashingSet] = []
    for one, lock in enumerate(goals.locks):
        name = ("lock", str(one))
        if not _can_be_kept(model, lock):
            clashes.append(_clash_of(name))
        clashes += [
            _clash_of(name, ("lock", str(other)))
            for other in range(one + 1, len(goals.locks))
            if _exclude(model, lock, goals.locks[other])
        ]
        clashes += [
            _clash_of(name, ("ban", str(number)))
            for number in range(len(goals.bans))
            if _is_banned(model, lock, number)
        ]
    moved = [
        number
        for number, lock in enumerate(goals.locks)
        if lock.enterprise is not None
        and lock.park not in {None, model.tenant[lock.enterprise].home}
    ]
    most = goals.moves.most if goals.moves is not None else 0
    if len(moved) > most:
        few = moved[: most + 1]
        limit = Clashing(
            kind="moves", subject="", has=most, needs=most + 1, unit="moves", relaxation=1.0
        )
        locks = [_lock(("lock", str(number))) for number in few]
        clashes.append(ClashingSet(requirements=(limit, *locks)))
    return clashes


def _lock(name: Name) -> Clashing:
    kind, subject = name
    return Clashing(kind=kind, subject=subject, has=0, needs=1, unit=None, relaxation=1.0)


def _clash_of(*names: Name) -> ClashingSet:
    return ClashingSet(requirements=tuple(map(_lock, names)))


def _can_be_kept(model: LayoutModel, lock: Lock) -> bool:
    if lock.project is not None:
        return bool(_spots_of(model, lock))
    if lock.enterprise is not None:
        tenant = model.tenant[lock.enterprise]
        return lock.park in {None, tenant.home, *tenant.moves_to}
    park = model.park[lock.park or ""]
    wanted = lock.leading_industry or park.today
    return wanted is None or wanted in park.choices


def _spots_of(model: LayoutModel, lock: Lock) -> list[str]:
    return [
        spot.candidate_id
        for spot in model.newcomer[lock.project or ""].spots
        if (spot.candidate_id == lock.candidate if lock.candidate else spot.park_id == lock.park)
    ]


def _exclude(model: LayoutModel, one: Lock, other: Lock) -> bool:
    """Return whether two locks, each possible, cannot both be kept."""
    if not (_can_be_kept(model, one) and _can_be_kept(model, other)):
        return False
    if one.project is not None and other.project is not None:
        return _exclude_projects(model, one, other)
    if one.enterprise is not None and one.enterprise == other.enterprise:
        home = model.tenant[one.enterprise].home
        return (one.park or home) != (other.park or home)
    is_of_parks = not (one.project or other.project or one.enterprise or other.enterprise)
    if is_of_parks and one.park == other.park:
        now = model.park[one.park or ""].today
        return (one.leading_industry or now) != (other.leading_industry or now)
    return False


def _exclude_projects(model: LayoutModel, one: Lock, other: Lock) -> bool:
    """Return whether locks of projects leave them no places beside each other."""
    if one.project == other.project:
        return not set(_spots_of(model, one)) & set(_spots_of(model, other))
    if one.candidate is None or other.candidate is None:
        return False
    first, second = (
        model.newcomer[lock.project or ""].by_id[lock.candidate or ""] for lock in (one, other)
    )
    return bool(set(first.members) & set(second.members))


def _is_banned(model: LayoutModel, lock: Lock, number: int) -> bool:
    """Return whether a ban forbids all that a possible lock asks for."""
    ban = model.goals.bans[number]
    if not _can_be_kept(model, lock):
        return False
    if lock.project is not None:
        return _is_project_banned(model, lock, ban)
    is_of_park = ban.park is not None and not (
        ban.enterprise or ban.leading_industry or ban.project
    )
    if lock.enterprise is not None:
        is_move = lock.park not in {None, model.tenant[lock.enterprise].home}
        is_meant = ban.enterprise == lock.enterprise or is_of_park
        return is_move and is_meant and ban.park == lock.park
    wanted = lock.leading_industry or model.park[lock.park or ""].today
    return ban.leading_industry == wanted and ban.park in {None, lock.park} and wanted is not None


def _is_project_banned(model: LayoutModel, lock: Lock, ban: Banned) -> bool:
    spots = [model.newcomer[lock.project or ""].by_id[one] for one in _spots_of(model, lock)]
    if ban.place is not None:
        return all(ban.place in spot.members for spot in spots)
    if ban.leading_industry is not None or ban.enterprise is not None:
        return False
    if ban.project not in {None, lock.project}:
        return False
    if ban.candidate is not None:
        return all(spot.candidate_id == ban.candidate for spot in spots)
    return all(spot.park_id == ban.park for spot in spots)


# ---- by solving ----------------------------------------------------------------------------------


def find_clashes(search: LayoutSearch, *, seconds: float) -> list[ClashingSet]:
    """Return disjoint smallest sets of requirements that clash, each with its relaxations.

    After one set was found its requirements are left out, and the next is sought, until the rest
    can be met or the time ends.
    """
    filter_ = _Filter(search, time.monotonic() + seconds)
    rows = [*search.program.rows, *search.cuts]
    left = list(dict.fromkeys(_name(row.tag) for row in rows if not _always_counts(row)))
    sets: list[tuple[list[Name], bool]] = []
    while left and filter_.is_in_time and not filter_.can_meet(left):
        found = filter_.smallest(left)
        if not found or filter_.can_meet(found, is_confirmed=True):
            break  # nobody is to blame, or the solver was wrong
        sets.append((found, filter_.is_in_time))
        left = [name for name in left if name not in found]
    return [
        ClashingSet(
            requirements=tuple(
                filter_.relaxed(name, [*left, *(one for one in found if one != name)])
                for name in found
            ),
            is_minimal=is_minimal,
        )
        for found, is_minimal in sets
    ]


def _always_counts(row: TaggedRow) -> bool:
    """Return whether nobody can ask for a row to give way."""
    return row.tag is None or row.tag.kind in {"law", "wrong", "refused"}


def _name(tag: Requirement | None) -> Name:
    return ("", "") if tag is None else (tag.kind, tag.subject)


class _Filter:
    """Asks whether requirements can be met together."""

    def __init__(self, search: LayoutSearch, end: float) -> None:
        self._search = search
        self._end = end
        self._known: dict[frozenset[Name], bool] = {}
        self.values = _zeros(search)

    @property
    def is_in_time(self) -> bool:
        return time.monotonic() < self._end

    def can_meet(self, names: Iterable[Name], *, is_confirmed: bool = False) -> bool:
        """Return whether some layout meets these requirements; true if the time ends."""
        asked = frozenset(names)
        if asked not in self._known or is_confirmed:
            if not self.is_in_time:
                return True
            program = self._search.program
            made = self._solve(asked, Expression(), program, is_confirmed=is_confirmed)
            self._known[asked] = made is not None
        return self._known[asked]

    def _solve(
        self,
        names: frozenset[Name],
        objective: Expression,
        asked: LayoutProgram,
        *,
        is_confirmed: bool = False,
    ) -> Decision | None:
        search = self._search
        while True:
            solved = search.solver.solve(
                asked.linear(
                    objective,
                    extra=search.cuts,
                    keep=lambda row: _always_counts(row) or _name(row.tag) in names,
                ),
                time_limit_s=max(0.1, min(_CHECK_SECONDS, self._end - time.monotonic())),
                gap=1e-6,
                is_confirmed=is_confirmed,
            )
            if solved.values is None:
                if solved.status is Status.INFEASIBLE:
                    return None
                self._end = 0.0  # nobody knows: what follows is not minimal
                return search.program.decision(_zeros(search))
            decision = asked.decision(solved.values)
            self.values = solved.values
            try:
                pieces = place_moves(search.model, decision, search.solver)
            except CrowdedError as crowded:
                if _name(room_of(search.model, crowded.keys)) not in names:
                    return decision
                search.forbid(crowded.keys)
                continue
            return replace(decision, pieces=pieces)

    def smallest(self, names: Sequence[Name]) -> list[Name]:
        """Return a smallest set of requirements that cannot be met (QuickXplain)."""
        return self._explain([], [], list(names))

    def _explain(self, background: list[Name], added: list[Name], names: list[Name]) -> list[Name]:
        if added and not self.can_meet(background):
            return []
        if len(names) == 1:
            return names
        half = len(names) // 2
        first, second = names[:half], names[half:]
        of_second = self._explain([*background, *first], first, second)
        of_first = self._explain([*background, *of_second], of_second, first)
        return [*of_first, *of_second]

    def relaxed(self, name: Name, others: Sequence[Name]) -> Clashing:
        """Return a requirement with the least by which it must give way to the others."""
        search = self._search
        rows = [*search.program.rows, *search.cuts]
        tag = next(row.tag for row in rows if row.tag and _name(row.tag) == name)
        program = copy.copy(search.program)
        slack: Key = ("slack", *name)
        program.columns = {**program.columns, slack: (0.0, math.inf, False)}
        program.position = {key: number for number, key in enumerate(program.columns)}
        program.rows = [
            _elastic(row, slack) if row.tag and _name(row.tag) == name else row
            for row in program.rows
        ]
        amount = None
        decision = None
        if self.is_in_time:
            cuts = search.cuts
            search.cuts = [cut for cut in cuts if cut.tag is None or _name(cut.tag) != name]
            asked = frozenset(others) if tag.kind == "room" else frozenset([*others, name])
            decision = self._solve(asked, Expression({slack: -1.0}), program)
            search.cuts = cuts
            if decision is not None and self.is_in_time:
                amount = float(self.values[program.position[slack]]) * tag.scale
        return _told(search.model, tag, amount, decision)


def _zeros(search: LayoutSearch) -> NDArray[np.float64]:
    return np.zeros(len(search.program.columns))


def _elastic(row: TaggedRow, slack: Key) -> TaggedRow:
    """Return a row that gives way by a slack; it always counts."""
    sign = -1.0 if math.isfinite(row.upper) else 1.0
    return replace(row, coefficients={**row.coefficients, slack: sign}, tag=None)


def _told(
    model: LayoutModel, tag: Requirement, amount: float | None, decision: Decision | None
) -> Clashing:
    has, needs = tag.has, tag.needs
    if amount is not None:
        if tag.kind in {"focus_share", "new_share"} and decision is not None:
            has = evaluate(model, decision).parks[tag.subject].share or 0.0
            amount = max(0.0, (needs or 0.0) - has)
        elif tag.kind == "room" and decision is not None and has is not None:
            needs = max(has + amount, _moved_to(model, decision, tag.subject))
            amount = needs - has
        elif tag.kind in AT_MOST and has is not None:
            needs = has + amount
        elif needs is not None and tag.kind in {"group", "complying_parks"}:
            has = needs - amount
    return Clashing(
        kind=tag.kind,
        subject=tag.subject,
        has=has,
        needs=needs,
        unit=UNITS.get(tag.kind),
        relaxation=amount,
    )


def _moved_to(model: LayoutModel, decision: Decision, subject: str) -> float:
    """Return the area of what moves to the floors, or the parcels, of a park."""
    park_id, _, kind = subject.rpartition(" ")
    moved = [model.tenant[one] for one, to in decision.moves.items() if to == park_id]
    return math.fsum(
        one.area_m2
        for one in moved
        if model.piece[one.moves_to[park_id][0]].is_floor is (kind == "floors")
    )


UNITS = {
    "room": "m²",
    "moves": "moves",
    "same_industry": "parks",
    "focus_share": "share",
    "new_share": "share",
    "complying_parks": "parks",
    "required": "candidates",
    "place": "projects",
}
"""In what a requirement is counted; of groups and utilities it depends on their subject."""


def subjects(clash: ClashingSet) -> Iterator[Name]:
    """Yield what a clash is between."""
    for one in clash.requirements:
        yield one.kind, one.subject
