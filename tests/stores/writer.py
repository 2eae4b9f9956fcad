"""What the crash test kills: imports, publishes (scenarios too), saves and rolls back for ever.

`python -m tests.stores.writer FOLDER` forks a child for every line of its stdin, a seed, and
says its process id; the child prints one JSON line for each write, once the store has returned.
Forking spares the hundred children the start of the interpreter; before it, one round of writes in
a copy of the workspace has loaded what they need, and no store is open.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from geo_service.ingest.options import ImportOptions
from geo_service.model import TakenAs
from geo_service.planning.imports import import_file
from geo_service.planning.layers import newest_layer, publish, rollback
from geo_service.planning.scenarios import open_desk
from geo_service.settings import Settings
from geo_service.stores.base import REVIEW, LayerVersion, Saved, WorkspaceAt
from geo_service.stores.opening import open_store

LAYER = "parcels"
WRITES = ("publish", "save", "rollback", "import", "scenario")


def say(did: str, **values: object) -> None:
    """Acknowledge a write, in one piece."""
    os.write(1, (json.dumps({"did": did, **values}) + "\n").encode())


def write_for_ever(folder: Path, seed: int) -> None:
    """Write until killed."""
    work(Settings().find_workspace(folder), seed, itertools.count(), say)


def warm_up(folder: Path) -> None:
    """Do each kind of write once, somewhere else."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy"
        shutil.copytree(folder, copy)
        work(WorkspaceAt(copy), 0, range(len(WRITES) + 1), lambda *_, **__: None)


def work(place: WorkspaceAt, seed: int, numbers: Iterable[int], say: Callable[..., None]) -> None:
    """Write once for each number, the kinds in turn, and say each."""
    folder = place.folder

    def tell(did: str, entry: LayerVersion) -> None:
        say(did, number=entry.number, version=entry.version, features=entry.features)

    chance = random.Random(seed)  # noqa: S311 - which write comes next
    store = open_store(folder, "999999", place.store)
    say("begin")
    for number in numbers:
        is_first = not store.newest()
        did = "publish" if is_first else WRITES[(seed + number) % len(WRITES)]
        if did == "publish":
            now = newest_layer(place, LAYER)
            frame = now.frame.copy()
            frame["plot_ratio"] = np.full(len(frame), chance.random())
            tell(did, publish(place, LAYER, frame, expected=now.version, source="test"))
        elif did == "import":
            done = import_file(
                place, folder / f"{LAYER}.geojson", LAYER, ImportOptions(taken_as=TakenAs.WHOLE)
            )
            assert done.version is not None, done.obstacle
            tell(did, done.version)
        elif did == "scenario":
            say(did, **publish_scenario(place, f"s-{seed}-{number}"))
        elif did == "save":
            identity = f"r-{seed}-{number}"
            saved = Saved(
                kind=REVIEW,
                id=identity,
                made_at=datetime.now(UTC),
                plan_version="p",
                layer_versions={LAYER: store.newest()[LAYER].version},
                rulebook_version="b",
                software="0.1.0",
            )
            store.save(saved, {"d": json.dumps({"id": identity}).encode()})
            say(did, id=identity)
        else:
            tell(did, rollback(place, LAYER, str(chance.choice((0, 1)))))
    store.close()


def publish_scenario(place: WorkspaceAt, text: str) -> dict[str, str]:
    """Publish a scenario that touches two layers, and return its id and publication."""
    edits = [
        {"op": "set_value", "layer": layer, "id": identity, "column": column, "value": text}
        for layer, identity, column in (
            ("parks", "P3", "speciality"),
            (LAYER, "L0", "planned_land_use"),
        )
    ]
    with open_desk(place) as desk:
        told = {"name": text, "edits": [{**edit, "reason": "test"} for edit in edits]}
        record = desk.make(told)
        done = desk.publish(record.scenario_id)
    return {"scenario": record.scenario_id, "publication": done.publication_id}


def main(folder: Path) -> None:
    """Fork a child for every seed, one after another."""
    warm_up(folder)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                write_for_ever(folder, int(line))
            finally:
                os._exit(1)  # a child that ends by itself has failed; its trace is on stderr
        say("child", pid=child)
        say("gone", status=os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
