"""Any order of publishing, rolling back, keeping, saving and retaining leaves a sound history."""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from geo_service.errors import ConflictError
from geo_service.stores.base import REVIEW, Saved
from geo_service.stores.opening import open_store
from tests.depth import thorough
from tests.stores.cluster import address
from tests.stores.rows import draft, parcels

LAYER = "parcels"
COUNTS = st.integers(0, 4)


class History(RuleBasedStateMachine):
    """A store beside a plain list of what was done to it; a version stands for its row count."""

    cluster: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        schema = f"s_{secrets.token_hex(6)}"
        where = None if self.cluster is None else address(self.cluster, schema)
        self.open = lambda: open_store(self.folder, "999999", where)
        self.store = self.open()
        self.counts: dict[int, int] = {}
        """Rows by number, of the versions that are there."""
        self.originals: list[int] = []
        self.used: set[int] = set()
        self.last = 0
        self.ids = itertools.count()

    @property
    def expected(self) -> str | None:
        newest = self.store.newest().get(LAYER)
        return newest.version if newest else None

    @rule(count=COUNTS)
    def publish(self, count: int) -> None:
        (entry,) = self.store.publish([draft(parcels(count), expected=self.expected)])
        self.last += 1
        assert entry.number == self.last
        self.counts[self.last] = count

    @rule(count=COUNTS)
    def publish_against_another(self, count: int) -> None:
        with pytest.raises(ConflictError):
            self.store.publish([draft(parcels(count), expected="f" * 12)])

    @precondition(lambda self: self.counts)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.counts)))
        entry = self.store.rollback(LAYER, str(number), expected=self.expected)
        self.last += 1
        assert entry.number == self.last
        self.counts[self.last] = self.counts[number]

    @rule(count=COUNTS)
    def keep(self, count: int) -> None:
        self.store.record_originals([draft(parcels(count))])
        if count not in self.originals:
            self.originals.append(count)

    @precondition(lambda self: self.counts)
    @rule(data=st.data())
    def save(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.counts)))
        version = self.store.entry(LAYER, str(number)).version
        saved = Saved(
            kind=REVIEW,
            id=f"r{next(self.ids)}",
            made_at=datetime.now(UTC),
            plan_version="p",
            layer_versions={LAYER: version},
            rulebook_version="b",
            software="0.1.0",
        )
        self.store.save(saved, {"d": b"{}"})
        self.used.add(self.counts[number])

    @rule(count=st.integers(1, 3))
    def retain(self, count: int) -> None:
        self.store.retain(count)
        self.counts = {
            number: rows
            for number, rows in self.counts.items()
            if number > self.last - count or rows in self.used
        }
        self.originals = [
            rows for rows in self.originals if rows == self.originals[-1] or rows in self.used
        ]

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.open()

    @invariant()
    def the_history_is_what_was_done(self) -> None:
        history = self.store.history(LAYER)
        numbers = [entry.number for entry in history if entry.number]
        assert numbers == sorted(self.counts, reverse=True)
        for entry in history:
            if entry.number:
                assert entry.features == self.counts[entry.number]
        kept = {entry.features for entry in history if not entry.number}
        assert kept == set(self.originals)

    @invariant()
    def every_version_can_be_read(self) -> None:
        for rows in {*self.counts.values(), *self.originals}:
            version = next(
                entry.version for entry in self.store.history(LAYER) if entry.features == rows
            )
            assert self.store.read(LAYER, version)["parcel_id"].tolist() == [
                f"L{number}" for number in range(rows)
            ]

    def teardown(self) -> None:
        """Put everything away; nothing is left lying in the folder that no entry names."""
        if self.cluster is None and (self.folder / "store").exists():
            files = {path.name for path in (self.folder / "store").rglob("*.parquet")}
            with closing(self.store):
                assert len(files) <= len(self.store.entries())
        self.store.close()
        shutil.rmtree(self.folder)


STEPS = 12
"""How many calls a history has at most."""


class LocalHistory(History):
    """The embedded store."""


@pytest.mark.slow
class TestLocal(LocalHistory.TestCase):
    """Any order of calls on the embedded store."""

    settings = thorough(20, steps=STEPS, also_allowed=tuple(HealthCheck))


@pytest.mark.deep
def test_any_order_of_calls_on_the_shared_store(cluster: Path) -> None:
    class SharedHistory(History):
        pass

    SharedHistory.cluster = cluster
    case = SharedHistory.TestCase()
    case.settings = thorough(20, steps=STEPS, also_allowed=tuple(HealthCheck))
    case.runTest()
