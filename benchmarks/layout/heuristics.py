"""Heuristics as peers: greedy by regret, simulated annealing, and NSGA-II of pymoo.

Each gets CPU seconds and is judged by the product's evaluator: the objective of the best decision
that breaks nothing.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace

import numpy as np

from geo_service.layout.evaluate import Evaluation, evaluate
from geo_service.layout.goals import TermName
from geo_service.layout.model import Decision, LayoutModel, today

Found = tuple[Decision, Evaluation] | None
_PENALTY = 20.0


def _worth(judged: Evaluation) -> float:
    """Return an objective from which breaches are taken off, so that a search can pass them."""
    return judged.objective - _PENALTY * len(judged.breaches)


def _free(model: LayoutModel, decision: Decision) -> dict[str, float]:
    """Return the room that is left of each piece."""
    left = {piece.piece_id: piece.room_m2 for piece in model.pieces}
    for name, place in decision.places.items():
        for member in model.newcomer[name].by_id[place].members:
            left[member] = -1.0
    for moved, piece_id in decision.pieces.items():
        left[piece_id] -= model.tenant[moved].area_m2
    return left


def _with_lead(model: LayoutModel, decision: Decision, park_id: str, code: str) -> Decision:
    """Return another industry in a park; who came for the old one goes home."""
    gone = {
        one
        for one, to in decision.moves.items()
        if to == park_id and not (model.tenant[one].code or "").startswith(code)
    }
    return replace(
        decision,
        leads={**decision.leads, park_id: code},
        moves={one: to for one, to in decision.moves.items() if one not in gone},
        pieces={one: to for one, to in decision.pieces.items() if one not in gone},
    )


def _moved(model: LayoutModel, decision: Decision, one: str, park_id: str | None) -> Decision:
    """Return an enterprise in another park, on the first piece with room; at home for None."""
    moves = {name: to for name, to in decision.moves.items() if name != one}
    pieces = {name: to for name, to in decision.pieces.items() if name != one}
    home = replace(decision, moves=moves, pieces=pieces)
    if park_id is None:
        return home
    left = _free(model, home)
    tenant = model.tenant[one]
    for piece_id in tenant.moves_to[park_id]:
        if left.get(piece_id, 0.0) >= tenant.area_m2:
            return replace(home, moves={**moves, one: park_id}, pieces={**pieces, one: piece_id})
    return home


def greedy(model: LayoutModel, seconds: float) -> Found:
    """Place projects by regret, then take the best single change until none helps."""
    end = time.process_time() + seconds
    decision = today(model)
    waiting = [one for one in model.newcomers if one.spots]
    while waiting:
        choices = {}
        for newcomer in waiting:
            taken = {
                member
                for name, place in decision.places.items()
                for member in model.newcomer[name].by_id[place].members
            }
            best: dict[str | None, tuple[float, str]] = {}
            for spot in newcomer.spots:
                if taken & set(spot.members) or spot.park_id in best:
                    continue
                placed = {**decision.places, newcomer.name: spot.candidate_id}
                value = _worth(evaluate(model, replace(decision, places=placed)))
                best[spot.park_id] = (value, spot.candidate_id)
            ranked = sorted(best.values(), reverse=True)
            if ranked:
                second = ranked[1][0] if len(ranked) > 1 else -math.inf
                choices[newcomer.name] = (ranked[0][0] - second, *ranked[0])
        if not choices:
            break
        name = max(choices, key=lambda one: (choices[one][0], one))
        decision = replace(decision, places={**decision.places, name: choices[name][2]})
        waiting = [one for one in waiting if one.name != name]
    value = _worth(evaluate(model, decision))
    while time.process_time() < end:
        better = max(
            (
                (_worth(evaluate(model, changed)), number, changed)
                for number, changed in enumerate(_neighbours(model, decision))
            ),
            default=None,
        )
        if better is None or better[0] <= value + 1e-9:
            break
        value, _, decision = better
    judged = evaluate(model, decision)
    return (decision, judged) if judged.is_met else None


def _neighbours(model: LayoutModel, decision: Decision) -> list[Decision]:
    found = [
        _with_lead(model, decision, park.park_id, code)
        for park in model.parks
        for code in park.choices
        if code != decision.leads.get(park.park_id)
    ]
    for tenant in model.tenants:
        for park_id in tenant.moves_to:
            lead = decision.leads.get(park_id)
            if lead is not None and (tenant.code or "").startswith(lead):
                found.append(_moved(model, decision, tenant.enterprise_id, park_id))
        if tenant.enterprise_id in decision.moves:
            found.append(_moved(model, decision, tenant.enterprise_id, None))
    return found


def annealing(model: LayoutModel, seconds: float, *, seed: int = 1) -> Found:
    """Anneal from the greedy placement of projects: random single changes, cooling."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    start = greedy(model, 0.0)
    decision = today(model) if start is None else start[0]
    judged = evaluate(model, decision)
    value = _worth(judged)
    best: Found = start
    begun = time.process_time()
    while (spent := time.process_time() - begun) < seconds:
        heat = 3.0 * (1 - spent / seconds) ** 2 + 1e-3
        changed = _random_change(model, decision, chance)
        judged = evaluate(model, changed)
        worth = _worth(judged)
        if worth >= value or chance.random() < math.exp((worth - value) / heat):
            decision, value = changed, worth
            if judged.is_met and (best is None or judged.objective > best[1].objective):
                best = decision, judged
    return best


def _random_change(model: LayoutModel, decision: Decision, chance: random.Random) -> Decision:
    kind = chance.random()
    if kind < 0.3:  # noqa: PLR2004 - shares of the kinds of change
        park = chance.choice([one for one in model.parks if len(one.choices) > 1])
        return _with_lead(model, decision, park.park_id, chance.choice(park.choices))
    if kind < 0.5:  # noqa: PLR2004 - as above
        newcomer = chance.choice(model.newcomers)
        spot = chance.choice(newcomer.spots)
        places = {**decision.places, newcomer.name: spot.candidate_id}
        return replace(decision, places=places)
    movable = [one for one in model.tenants if one.moves_to]
    tenant = chance.choice(movable)
    to = [
        park_id
        for park_id in tenant.moves_to
        if (tenant.code or "").startswith(decision.leads.get(park_id, "-"))
    ]
    return _moved(model, decision, tenant.enterprise_id, chance.choice([None, *to]))


def _genes(model: LayoutModel, decision: Decision) -> list[int]:
    """Return a decision without moves as NSGA-II's genes: leads, places, moves."""
    parks = [one for one in model.parks if one.choices]
    chosen = [(list(one.choices), decision.leads.get(one.park_id)) for one in parks]
    places = [[spot.candidate_id for spot in one.spots] for one in model.newcomers]
    chosen += [
        (spots, decision.places.get(one.name))
        for spots, one in zip(places, model.newcomers, strict=True)
    ]
    movable = [one for one in model.tenants if one.moves_to]
    return [*(own.index(one) if one in own else 0 for own, one in chosen), *(0 for _ in movable)]


def _first_hundred(model: LayoutModel, upper: list[int], seed: int) -> np.ndarray:
    """Return the genes that NSGA-II begins with."""
    chance = np.random.default_rng(seed)
    first = chance.integers(0, np.array(upper) + 1, size=(100, len(upper)))
    start = greedy(model, 0.0)
    if start is not None:
        is_kept = chance.random((50, len(upper))) > 3 / len(upper)
        is_kept[0] = True
        first[:50] = np.where(is_kept, _genes(model, start[0]), first[:50])
    return first


def nsga2(model: LayoutModel, seconds: float, *, seed: int = 1) -> Found:
    """Search with NSGA-II for the objective and the cost of moves, 100 at a time.

    Half of the first hundred are the greedy placement of projects with a few genes changed: from
    random ones alone it does not come to a layout that breaks nothing.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: PLC0415 - a peer
    from pymoo.core.callback import Callback  # noqa: PLC0415
    from pymoo.core.problem import ElementwiseProblem  # noqa: PLC0415
    from pymoo.operators.crossover.sbx import SBX  # noqa: PLC0415
    from pymoo.operators.mutation.pm import PM  # noqa: PLC0415
    from pymoo.operators.repair.rounding import RoundingRepair  # noqa: PLC0415
    from pymoo.optimize import minimize  # noqa: PLC0415

    parks = [one for one in model.parks if one.choices]
    movable = [one for one in model.tenants if one.moves_to]
    upper = [len(one.choices) - 1 for one in parks]
    upper += [max(0, len(one.spots) - 1) for one in model.newcomers]
    upper += [len(one.moves_to) for one in movable]
    best: dict[str, tuple[Decision, Evaluation]] = {}

    def decode(genes: np.ndarray) -> Decision:
        values = iter(genes.astype(int).tolist())
        leads = {one.park_id: one.choices[next(values)] for one in parks}
        places = {one.name: one.spots[next(values)].candidate_id for one in model.newcomers}
        decision = Decision(leads=leads, places=places)
        most = model.goals.moves.most if model.goals.moves else 0
        for tenant in movable:
            chosen = next(values)
            if chosen and len(decision.moves) < most:
                park_id = list(tenant.moves_to)[chosen - 1]
                if (tenant.code or "").startswith(leads.get(park_id, "-")):
                    decision = _moved(model, decision, tenant.enterprise_id, park_id)
        return decision

    class Layout(ElementwiseProblem):  # type: ignore[misc]  # pymoo has no types
        def __init__(self) -> None:
            super().__init__(n_var=len(upper), n_obj=2, n_ieq_constr=1, xl=0, xu=np.array(upper))

        def _evaluate(self, genes: np.ndarray, out: dict[str, object]) -> None:
            decision = decode(genes)
            judged = evaluate(model, decision)
            out["F"] = [-judged.objective, judged.terms[TermName.MOVE_COST]]
            out["G"] = [float(len(judged.breaches))]
            known = best.get("")
            if judged.is_met and (known is None or judged.objective > known[1].objective):
                best[""] = decision, judged

    class UntilEnd(Callback):  # type: ignore[misc]  # as above
        def notify(self, algorithm: object) -> None:
            if time.process_time() > end:
                algorithm.termination.force_termination = True  # type: ignore[attr-defined]

    end = time.process_time() + seconds
    first = _first_hundred(model, upper, seed)
    minimize(
        Layout(),
        NSGA2(
            pop_size=100,
            sampling=first,
            crossover=SBX(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
            mutation=PM(prob=1.0, eta=3.0, vtype=float, repair=RoundingRepair()),
        ),
        ("n_gen", 1_000_000),
        callback=UntilEnd(),
        seed=seed,
    )
    return best.get("")
