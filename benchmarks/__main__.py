"""`python -m benchmarks [SUBJECT]`: measure, compare, print, write JSON."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import county
from benchmarks.mcda import bench_scoring
from benchmarks.nearest import bench_nearest
from benchmarks.overlay import PEERS, bench_overlay
from benchmarks.province import bench_province
from benchmarks.ranking import bench_ranking
from benchmarks.review import bench_review
from benchmarks.scenario import bench_scenario
from benchmarks.serving import bench_serving
from benchmarks.whole import PEER, bench_whole
from benchmarks.workspace import write_workspace

SUBJECTS = ("overlay", "review", "nearest", "scoring", "ranking", "scenario", "whole")


def main() -> int:
    """Run the requested benchmarks; return 1 if answers differ or a ratio misses its limit."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=(*SUBJECTS, "serve", "county", "province", "all"), default="all"
    )
    parser.add_argument("--parcels", type=int, choices=county.SIZES, default=100_000)
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=[name for name in PEERS if name != "product"],
        default=list(PEERS),
        help="whom to measure beside the product; without names none",
    )
    parser.add_argument("--data", type=Path, default=_cache(), help="folder of generated files")
    parser.add_argument("--report", type=Path, help="where to write the JSON")
    parser.add_argument("-o", "--output", type=Path, help="county: the folder of its workspace")
    parser.add_argument("--counties", type=int, default=4, help="province: how many counties")
    parser.add_argument("--publishes", type=int, default=20, help="serve: how many publications")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    if options.what == "county":
        if options.output is None:
            parser.error("county needs -o FOLDER")
        write_workspace(options.output, options.parcels, options.data)
        return 0
    if options.what == "serve":
        report = options.report or options.data / f"serve_{options.parcels}.json"
        bench_serving(options.data, options.parcels, options.publishes, report)
        return 0
    if options.what == "province":
        report = options.report or options.data / f"province_{options.parcels}.json"
        is_same = bench_province(options.data, options.parcels, options.counties, report)
        return 0 if is_same else 1
    return 0 if _run(options) else 1


def _run(options: argparse.Namespace) -> bool:
    """Run what is asked for; return whether answers agree and ratios keep to their limits."""
    is_agreed = True
    if options.what in {"overlay", "all"}:
        report = options.report or options.data / f"overlay_{options.parcels}.json"
        is_agreed = bench_overlay(options.data, options.parcels, options.peers, report)
    if options.what in {"review", "all"}:
        bench_review(options.data / "review.json")
    if options.what in {"nearest", "all"}:
        is_agreed &= bench_nearest(options.data, options.data / "nearest.json")
    if options.what in {"scoring", "all"}:
        is_agreed &= bench_scoring(options.data / "scoring.json")
    if options.what in {"ranking", "all"}:
        is_agreed &= bench_ranking(options.data / "ranking.json")
    if options.what in {"scenario", "all"}:
        bench_scenario(options.report or options.data / "scenario.json")
    if options.what == "whole":
        report = options.report or options.data / f"whole_{options.parcels}.json"
        bench_whole(options.data, options.parcels, report, has_peer=PEER in options.peers)
    return is_agreed


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "geo-service-benchmarks"


if __name__ == "__main__":
    sys.exit(main())
