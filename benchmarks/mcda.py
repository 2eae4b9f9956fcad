"""The scoring benchmark: scoring a million candidates, against bare numpy in one run.

Ratios, since the machine varies: CPU time of the product over that of the shortest numpy that
gives the same answer, the best of several runs each. Both take a DataFrame and give the best 100
in order; that they agree is checked. The full stable ranking is timed apart.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_service.mcda.robustness import draw_weights, rank_acceptability
from geo_service.mcda.scores import METHODS, prepare, score, top_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CANDIDATES, CRITERIA, TOP, RUNS = 1_000_000, 10, 100, 5
LIMIT = 1.5
"""How many times bare numpy the product may take."""

ROBUSTNESS_CANDIDATES = 10_000
INTERACTIVE_CANDIDATES, INTERACTIVE_MS = 1_000, 200
SEED = 20_240_814

NAMES = [f"criterion_{place}" for place in range(CRITERIA)]
SENSES = {name: "cost" if place % 3 == 0 else "benefit" for place, name in enumerate(NAMES)}
WEIGHTS = {name: float(place + 1) for place, name in enumerate(NAMES)}
IS_COST = np.array([sense == "cost" for sense in SENSES.values()])
SHARES = np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())


@dataclass(frozen=True, kw_only=True)
class Timing:
    """CPU and wall seconds, the best run; `ratio` to bare numpy's CPU where there is one."""

    name: str
    cpu_s: float
    wall_s: float
    ratio: float | None = None


def bare_weighted_sum(matrix: pd.DataFrame) -> NDArray[np.intp]:
    """Return the best rows by min-max and weighted sum, in numpy alone."""
    values = matrix.to_numpy()
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / (high - low)
    scaled[:, IS_COST] = 1 - scaled[:, IS_COST]
    return best_rows(scaled @ SHARES)


def bare_topsis(matrix: pd.DataFrame) -> NDArray[np.intp]:
    """Return the best rows by vector TOPSIS, in numpy alone."""
    values = matrix.to_numpy()
    weighted = values / np.sqrt((values**2).sum(axis=0)) * SHARES
    low, high = weighted.min(axis=0), weighted.max(axis=0)
    ideal, worst = np.where(IS_COST, low, high), np.where(IS_COST, high, low)
    near = np.sqrt(((weighted - ideal) ** 2).sum(axis=1))
    far = np.sqrt(((weighted - worst) ** 2).sum(axis=1))
    return best_rows(far / (near + far))


def best_rows(scores: Floats) -> NDArray[np.intp]:
    """Return the rows of the best, best first."""
    best = np.argpartition(-scores, TOP)[:TOP]
    ordered: NDArray[np.intp] = best[np.argsort(-scores[best])]
    return ordered


def timed(name: str, work: Callable[[], object], *, runs: int = RUNS) -> Timing:
    """Return the best of some runs."""
    found = []
    for _ in range(runs):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu_s, wall_s = (min(column) for column in zip(*found, strict=True))
    return Timing(name=name, cpu_s=round(cpu_s, 4), wall_s=round(wall_s, 4))


def against(bare: Timing, product: Timing) -> Timing:
    """Return the product's timing with its ratio to bare numpy."""
    ratio = round(product.cpu_s / bare.cpu_s, 2)
    return Timing(**{**asdict(product), "ratio": ratio})


def bench_scores() -> tuple[list[Timing], bool]:
    """Time a million candidates; return the timings and whether the answers agree."""
    values = np.random.default_rng(SEED).random((CANDIDATES, CRITERIA))
    matrix = pd.DataFrame(values, columns=NAMES)
    timings, agreed = [], True
    for method, bare in (("weighted_sum", bare_weighted_sum), ("topsis", bare_topsis)):
        found = top_scores(matrix, WEIGHTS, SENSES, top=TOP, method=method)
        agreed &= list(found.index) == bare(matrix).tolist()
        plain = timed(f"{method}: bare numpy, best {TOP}", lambda bare=bare: bare(matrix))  # type: ignore[misc]
        best = timed(
            f"{method}: top_scores",
            lambda method=method: top_scores(matrix, WEIGHTS, SENSES, top=TOP, method=method),  # type: ignore[misc]
        )
        full = timed(
            f"{method}: score, every candidate ranked",
            lambda method=method: score(matrix, WEIGHTS, SENSES, method=method),  # type: ignore[misc]
        )
        timings += [plain, against(plain, best), against(plain, full)]
    for method in ("vikor", "promethee_ii"):
        timings.append(
            timed(
                f"{method}: top_scores",
                lambda method=method: top_scores(matrix, WEIGHTS, SENSES, top=TOP, method=method),  # type: ignore[misc]
                runs=2,
            )
        )
    return timings, agreed


def bench_robustness() -> list[Timing]:
    """Time 10,000 sets of weights on 10,000 candidates, and one re-rank of a small matrix."""
    values = np.random.default_rng(SEED).random((ROBUSTNESS_CANDIDATES, CRITERIA))
    matrix = pd.DataFrame(values, columns=NAMES)
    timings = []
    for method in METHODS:
        scorer = prepare(matrix, SENSES, method=method)
        draws = draw_weights(scorer)
        name = f"{method}: acceptability, {len(draws):,} draws × {len(matrix):,} candidates"
        timings.append(
            timed(name, lambda one=scorer, two=draws: rank_acceptability(one, two), runs=1)  # type: ignore[misc]
        )
    small = matrix.head(INTERACTIVE_CANDIDATES)
    name = f"topsis: re-rank {len(small):,} candidates"
    timings.append(timed(name, lambda: score(small, WEIGHTS, SENSES, method="topsis")))
    return timings


def bench_scoring(report: Path) -> bool:
    """Print and write the timings; False if answers differ or a limit is missed."""
    timings, agreed = bench_scores()
    of_top = [item for item in timings if item.name.endswith("top_scores")]
    missed = [item.name for item in of_top if (item.ratio or 0) > LIMIT]
    timings += bench_robustness()
    if timings[-1].wall_s * 1000 > INTERACTIVE_MS:
        missed.append(timings[-1].name)
    for item in timings:
        ratio = "" if item.ratio is None else f"{item.ratio:6.2f} × bare numpy"
        print(f"scoring: {item.name:<70} {item.cpu_s:8.3f} s CPU {item.wall_s:8.3f} s {ratio}")
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"scoring: at most {memory_mb} MB; best {TOP} agree with bare numpy: {agreed}")
    for name in missed:
        print(f"scoring: over its limit: {name}")
    document = {"timings": [asdict(item) for item in timings], "memory_mb": memory_mb}
    report.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return agreed and not missed
