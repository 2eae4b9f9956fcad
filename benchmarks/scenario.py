"""Scenarios of the demo county: making fifty edits, deriving the plan, judging it, finding causes.

Times are the process's own (CPU), the best of several, beside the full review in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson

import geo_service as gs
from geo_service.plan import Plan
from geo_service.scenarios.causes import find_causes
from geo_service.scenarios.changes import changed_plan
from geo_service.scenarios.differences import find_changes
from geo_service.scenarios.judging import Judge
from geo_service.scenarios.reading import edits_of
from geo_service.scenarios.scenario import make_scenario
from geo_service.zoning.review import review

DEMO = Path(__file__).parent.parent / "layers" / "yunyang"
DAY = date(2026, 11, 22)
EDITS = 50
TIMES = 5
CAUSES_OF = 6
"""How many edits causes are found for: each is left out once."""


def bench_scenario(report: Path) -> None:
    """Measure, print a table and write it as JSON."""
    plan = gs.open_plan(DEMO)
    base = review(plan, as_of=DAY)
    documents = fifty_edits(plan)
    edits = edits_of(documents)
    made = make_scenario(plan, edits, name="fifty")
    changed = made.plan
    few = make_scenario(plan, edits[:CAUSES_OF])

    def causes() -> object:
        judge = Judge(base)
        return find_causes(few, judge, find_changes(base, judge.review(few.plan)))

    figures = {
        f"{EDITS} edits read": _best(lambda: edits_of(documents)),
        f"{EDITS} edits made and checked": _best(lambda: make_scenario(plan, edits).applied),
        "the plan derived": _best(lambda: changed_plan(plan, made.applied.changes, label="b")),
        "review, renewed": _best(lambda: Judge(base).review(changed)),
        "review of one edit, renewed": _best(
            lambda: Judge(base).review(make_scenario(plan, edits[:1]).plan)
        ),
        "review in full": _best(lambda: review(changed, base.rulebook, as_of=DAY)),
        f"causes among {CAUSES_OF} edits": _best(causes, times=1),
    }
    size = len(orjson.dumps(made.document()))
    for name, seconds in figures.items():
        print(f"{name:<34} {1000 * seconds:8.0f} ms CPU")
    print(f"{f'file of {EDITS} edits':<34} {size / 1000:8.1f} kB")
    told = {"seconds": figures, "bytes": size}
    report.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))


def fifty_edits(plan: Plan) -> list[dict[str, Any]]:
    """Return moves, values and uses, as planners make them."""
    enterprises = plan.enterprises
    newest = enterprises[enterprises["year"] == enterprises["year"].max()]
    homes = dict(zip(newest["enterprise_id"], newest["park_id"], strict=True))
    free = newest[newest["status"] != "closed"]
    ids = free["enterprise_id"].tolist()
    parks, parcels = plan.parks["park_id"].tolist(), plan.parcels["parcel_id"].tolist()
    found: list[dict[str, Any]] = []
    for number in range(EDITS // 5):
        park_id = parks[(7 * number) % len(parks)]
        movers = (ids[(31 * number + k) % len(ids)] for k in (0, 400, 900))
        found += [
            {"op": "move_enterprise", "enterprise_id": name, "park_id": park_id, "reason": "试"}
            for name in movers
            if homes[name] != park_id
        ]
        found.append(
            {
                "op": "rezone_parcel",
                "parcel_id": parcels[13 * number],
                "land_use": "100102",
                "reason": "试",
            }
        )
        found.append(
            {
                "op": "set_value",
                "layer": "parks",
                "id": park_id,
                "column": "speciality",
                "value": f"特色 {number}",
                "reason": "试",
            }
        )
    return found


def _best(work: Callable[[], object], *, times: int = TIMES) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)
