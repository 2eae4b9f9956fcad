"""What the crash test kills: imports, publishes, saves and rolls back until it is no more.

`python -m tests.stores.writer FOLDER SEED` prints one JSON line for each write, once the store
has returned; the first line says only that the work begins.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from geo_service.planning.data import newest_layer, publish, rollback
from geo_service.settings import Settings
from geo_service.stores.base import REVIEW, LayerVersion, Saved
from geo_service.stores.opening import open_store

LAYER = "parcels"


def say(did: str, **values: object) -> None:
    """Acknowledge a write."""
    print(json.dumps({"did": did, **values}), flush=True)  # noqa: T201 - the parent reads it


def tell(did: str, entry: LayerVersion) -> None:
    """Acknowledge a new version."""
    say(did, number=entry.number, version=entry.version, features=entry.features)


def write_for_ever(folder: Path, seed: int) -> None:
    """Write until killed."""
    place = Settings().find_workspace(folder)
    chance = random.Random(seed)  # noqa: S311 - which write comes next
    store = open_store(folder, "999999", place.store)
    for number in itertools.count():
        did = chance.choice(("publish", "save", "rollback"))
        if number == 0:
            newest_layer(place, LAYER)
            say("begin")
            did = "publish"
        if did == "publish":
            now = newest_layer(place, LAYER)
            frame = now.frame.copy()
            frame["plot_ratio"] = np.full(len(frame), chance.random())
            tell(did, publish(place, LAYER, frame, expected=now.version, source="test"))
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


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), int(sys.argv[2]))
