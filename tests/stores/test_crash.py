"""A process is killed at random points of its writes; what it acknowledged is there, whole.

The child does one write after another and says each once the store has returned; it is killed
(SIGKILL) at a random moment, more often in the deep profile. GEO_CRASHES=100 does it a hundred
times a store.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from geo_service.stores.base import REVIEW, SCENARIO, Store
from geo_service.stores.frames import content_digest
from tests.conftest import ROOT
from tests.county import County, box, parcel, park
from tests.depth import examples
from tests.stores.conftest import Place

pytestmark = [pytest.mark.slow, pytest.mark.deep]

CRASHES = int(os.environ.get("GEO_CRASHES", examples(30)))
KINDS = frozenset({"publish", "save", "rollback", "import", "scenario"})
"""Five seeds in a row begin with a kind of write each."""
MOST_WRITES = 5
MOST_CRASHES = 50
"""So many more are made until every kind of write was acknowledged once."""
Write = dict[str, Any]


@contextmanager
def nursery(place: Place) -> Iterator[subprocess.Popen[str]]:
    """Start the process that makes children for each line it is given."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("GEO_STORE", None)
    if place.address is not None:
        environment["GEO_STORE"] = place.address
    command = [sys.executable, "-m", "tests.stores.writer", str(place.folder)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def crash(process: subprocess.Popen[str], seed: int) -> list[Write]:
    """Let a child write, kill it at a random moment, and return what it had acknowledged."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(seed, file=process.stdin, flush=True)
    said: list[Write] = []
    child = None
    seen_s = []
    wanted = random.randint(1, MOST_WRITES)  # noqa: S311 - a moment, not a secret
    # It says that it was made, that it begins, and then each write.
    while child is None or len(said) < 1 + wanted:
        said.append(json.loads(process.stdout.readline()))
        seen_s.append(time.monotonic())
        child = child or said[-1].get("pid")
    took_s = (seen_s[-1] - seen_s[0]) / len(seen_s)
    time.sleep(random.uniform(0, 2 * took_s))  # noqa: S311 - in the middle of the next ones
    os.kill(child, signal.SIGKILL)
    while said[-1]["did"] != "gone":
        said.append(json.loads(process.stdout.readline()))
    assert said[-1]["status"] == signal.SIGKILL, "the child met a fault before it was killed"
    return said


class Ledger:
    """What was acknowledged so far, and what was looked at already."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self._read: set[int] = set()

    def check(self, store: Store, place: Place, *, all_over: bool = False) -> None:
        """Make sure that every acknowledged write is there, and nothing by half.

        Rows are read of versions that were not read yet; with `all_over` of every one.
        """
        history = {entry.number: entry for entry in store.history("parcels")}
        saved = {item.id for item in store.saved(REVIEW, limit=100_000)}
        for write in self.writes:
            if write["did"] == "save":
                assert write["id"] in saved
            elif "number" in write:
                entry = history[write["number"]]
                assert (entry.version, entry.features) == (write["version"], write["features"])
        for identity in saved:
            assert json.loads(store.document(REVIEW, identity, "d")) == {"id": identity}
        numbers = sorted(number for number in history if number)
        assert numbers == list(range(1, len(numbers) + 1))
        assert not numbers or store.newest()["parcels"].number == numbers[-1]
        for number in sorted(history if all_over else set(history) - self._read):
            frame = store.read("parcels", str(number))
            assert content_digest(frame, "parcels") == history[number].digest
        self._read |= set(history)
        self._check_scenarios(store)
        if place.address is None and history:
            check_files(place.folder / "store")

    def _check_scenarios(self, store: Store) -> None:
        """Make sure that what scenarios published is in both layers, or in neither, and noted."""
        of_layer = [
            Counter(entry.note for entry in store.history(layer) if entry.source.startswith("sc"))
            for layer in ("parks", "parcels")
        ]
        assert of_layer[0] == of_layer[1]
        published = {
            item.id: [one["publication_id"] for one in item.recipe["published"]]
            for item in store.saved(SCENARIO, limit=100_000)
        }
        for identity, publications in published.items():
            count = sum(number for note, number in of_layer[0].items() if identity in note)
            assert len(publications) == count
        for write in self.writes:
            if write["did"] == "scenario":
                assert published[write["scenario"]] == [write["publication"]]


def check_files(folder: Path) -> None:
    """Make sure that the catalogue and every file that it names are intact."""
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        places = [row[0] for row in base.execute("SELECT DISTINCT place FROM layer_versions")]
    for name in places:
        pq.read_table(folder / "layers" / name, page_checksum_verification=True)


def county() -> County:
    """Return a county with two hundred parcels."""
    made = County()
    made.layers["parks"].append(park("P3", box(0, 5000, 3000, 3000)))
    made.layers["parcels"] = [
        parcel(
            f"L{number}", box(number % 20 * 100, 5000 + number // 20 * 100, 90, 90), park_id="P3"
        )
        for number in range(200)
    ]
    return made


def test_a_killed_process_loses_nothing_that_it_acknowledged(place: Place) -> None:
    county().write(place.folder)
    ledger = Ledger()
    with nursery(place) as process:
        done: set[str] = set()
        seeds = itertools.count()
        # Where each came too early for some kind of write, there are more.
        while (seed := next(seeds)) < CRASHES or not done >= KINDS:
            assert seed < MOST_CRASHES + CRASHES, f"never done: {KINDS - done}"
            ledger.writes += crash(process, seed)
            with closing(place.open()) as store:
                ledger.check(store, place)
            done = {write["did"] for write in ledger.writes}
        assert process.stdin is not None
        process.stdin.close()
    with closing(place.open()) as store:
        ledger.check(store, place, all_over=True)
        newest = store.newest()["parcels"]  # and it goes on
        after = store.rollback("parcels", "1", expected=newest.version)
        assert after.number == newest.number + 1
