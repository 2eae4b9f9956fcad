"""A process is killed at random points of its writes; what it acknowledged is there, whole.

The child does one write after another and says each on its stdout once the store has returned;
it is killed (SIGKILL) at a random moment. GEO_CRASHES=100 does it a hundred times a store.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from geo_service.stores.base import REVIEW, Store
from geo_service.stores.frames import content_digest
from tests.conftest import ROOT
from tests.county import County, box, parcel, park
from tests.stores.conftest import Place

CRASHES = int(os.environ.get("GEO_CRASHES", "10"))
LONGEST_S = 1.5


@contextmanager
def writing(folder: Path, address: str | None, first: int) -> Iterator[subprocess.Popen[str]]:
    """Start a child that writes until it is killed."""
    command = [sys.executable, "-m", "tests.stores.writer", str(folder), str(first)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if address is not None:
        environment["GEO_STORE"] = address
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def acknowledged(child: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Kill the child at a random moment, and return what it had acknowledged."""
    assert child.stdout is not None
    said = [child.stdout.readline()]  # it is at work from here on
    time.sleep(random.uniform(0, LONGEST_S))  # noqa: S311 - a moment, not a secret
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    lines = [line for line in (said[0] + rest).splitlines(keepends=True) if line.endswith("\n")]
    child.wait()
    return [json.loads(line) for line in lines]


def check(store: Store, place: Place, writes: list[dict[str, Any]]) -> None:
    """Make sure that every acknowledged write is there, and nothing by half."""
    history = {entry.number: entry for entry in store.history("parcels")}
    saved = {item.id for item in store.saved(REVIEW, limit=100_000)}
    for write in writes:
        if write["did"] == "save":
            assert write["id"] in saved
            assert json.loads(store.document(REVIEW, write["id"], "d")) == {"id": write["id"]}
        elif write["did"] in {"publish", "import", "rollback"}:
            entry = history[write["number"]]
            assert (entry.version, entry.features) == (write["version"], write["features"])
    newest = max(history)
    assert sorted(number for number in history if number) == list(range(1, newest + 1))
    for entry in history.values():
        frame = store.read("parcels", str(entry.number))
        assert content_digest(frame, "parcels") == entry.digest
    if place.address is None:
        check_files(place.folder / "store")


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
    writes: list[dict[str, Any]] = []
    for crash in range(CRASHES):
        with writing(place.folder, place.address, crash) as child:
            writes += acknowledged(child)
        with closing(place.open()) as store:
            check(store, place, writes)
            newest = store.newest().get("parcels")
            if newest is None:  # killed before its first publish was acknowledged
                assert not [write for write in writes if write["did"] != "save"]
                continue
            store.rollback("parcels", "1", expected=newest.version)
    assert {write["did"] for write in writes} >= {"publish", "save", "rollback"}
