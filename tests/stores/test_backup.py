"""Backups: made while others publish, whole or refused, and restored to either kind of store."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geo_service.access import Role
from geo_service.errors import ConflictError, InvalidQueryError, StoreError
from geo_service.language import Language
from geo_service.planning import PlanningService, accounts
from geo_service.planning.backup import back_up, restore
from geo_service.stores.base import REVIEW, SCENARIO, WorkspaceAt
from geo_service.workspace.opening import open_workspace
from tests.stores.conftest import Place
from tests.stores.made import publish_parcels
from tests.terminal import run

pytestmark = pytest.mark.slow

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
Start = Callable[[], PlanningService]


@pytest.fixture
def lived_in(start: Start, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch) -> WorkspaceAt:
    """Return a county with two versions, a review, a scenario, accounts, a session and an audit."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    publish_parcels(workspace, "built")
    county = start()
    county.accounts.add("li", [Role.REVIEWER], PASSWORD, parks=["P1"])
    county.accounts.make_token("li", [Role.REVIEWER], note="nightly")
    county.accounts.sign_in("li", PASSWORD)
    county.reviews.make(county.reviews.read_rulebook(None), parks=["P1"])
    county.scenarios.make({"name": "kept", "edits": []})
    for number in range(3):
        county.audit.record("POST /x", subject=f"x={number}")
    publish_parcels(workspace, "vacant")
    folder = workspace.folder / "store" / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text("{}", encoding="utf-8")
    return workspace


def told(workspace: WorkspaceAt) -> dict[str, Any]:
    """Return all that a store holds, as one compares it."""
    with open_workspace(workspace) as opened:
        store = opened.store
        results = [one for kind in (REVIEW, SCENARIO) for one in store.saved(kind)]
        kept = {name: list(rows) for name, rows in store.rows_of_accounts().items()}
        return {
            "histories": store.entries(),
            "files": store.recorded(),
            "results": results,
            "documents": {
                (one.id, name): json.loads(store.document(one.kind, one.id, name))
                for one in results
                for name in store.document_names(one.kind, one.id)
            },
            "rows": {
                (entry.layer, entry.number): store.read(entry.layer, entry.version).to_csv()
                for entry in store.entries()
            },
            "accounts": kept,
            "audit": (store.audit.verify(), str(store.audit.head())),
            "plan": opened.plan().version,
        }


def test_a_backup_restored_elsewhere_is_the_same(
    lived_in: WorkspaceAt, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = back_up(lived_in, tmp_path / "backups")
    assert made.path.stat().st_mode & 0o077 == 0  # it holds hashes of passwords
    before = told(lived_in)
    assert made.holdings.versions == len(before["histories"])
    assert (made.holdings.accounts, made.holdings.audit_lines) == (1, 4)  # three, and the backup
    assert before["audit"][0] == []
    places = [WorkspaceAt(tmp_path / "here")]
    if lived_in.store is not None:
        shared: Place = request.getfixturevalue("shared_place")
        places.append(WorkspaceAt(tmp_path / "shared", f"{shared.address}_two"))
    for place in places:
        back = restore(made.path, place.folder, store=place.store)
        assert (back.digest, back.holdings) == (made.digest, made.holdings)
        assert told(place) == before
        assert (place.folder / "store" / "imports" / "report.json").exists()
        county = PlanningService.open(place)
        assert county.accounts.sign_in("li", PASSWORD).cookie is not None
        (review_id,) = (one.id for one in before["results"] if one.kind == REVIEW)
        assert county.reviews.summary(review_id, Language.EN)["review_id"] == review_id
        county.close()
        publish_parcels(place, "idle")  # and it lives on


def test_what_is_published_meanwhile_is_in_the_backup_whole_or_not_at_all(
    lived_in: WorkspaceAt, tmp_path: Path
) -> None:
    is_over, failures = threading.Event(), []

    def publish() -> None:
        states = ["idle", "built", "vacant"]
        while not is_over.is_set():
            states.append(states.pop(0))
            try:
                publish_parcels(lived_in, states[0])
                with open_workspace(lived_in) as opened:
                    opened.store.retain(1)
            except Exception as error:  # noqa: BLE001 - told below
                failures.append(error)
                return

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        made = [back_up(lived_in, tmp_path / f"{number}.tar") for number in range(3)]
    finally:
        is_over.set()
        publisher.join()
    assert not failures
    for number, backup in enumerate(made):
        restore(backup.path, tmp_path / f"back{number}")
        now = told(WorkspaceAt(tmp_path / f"back{number}"))
        assert now["audit"][0] == []
        numbers = [one.number for one in now["histories"] if one.layer == "parcels"]
        assert numbers == sorted(numbers)


def repacked(path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """Write a backup again with some members changed or left out."""
    other = path.with_name("other.tar")
    with tarfile.open(path) as old, tarfile.open(other, "w") as new:
        for entry in old:
            stream = old.extractfile(entry)
            assert stream is not None
            changed = change(entry.name, stream.read())
            if changed is not None:
                made = tarfile.TarInfo(changed[0])
                made.size = len(changed[1])
                new.addfile(made, io.BytesIO(changed[1]))
    return other


def test_a_changed_cut_or_hostile_backup_restores_nothing(
    lived_in: WorkspaceAt, tmp_path: Path
) -> None:
    if lived_in.store is not None:
        pytest.skip("the file is the same for both stores")
    made = back_up(lived_in, tmp_path / "a.tar")
    with pytest.raises(InvalidQueryError, match=r"a\.tar"):
        back_up(lived_in, made.path)
    whole = made.path.read_bytes()
    cut = tmp_path / "cut.tar"
    hostile: list[Callable[[str, bytes], tuple[str, bytes] | None]] = [
        lambda name, content: None if name == "workspace.toml" else (name, content),
        lambda name, content: (name, content + b"#" * (name == "workspace.toml")),
        lambda name, content: (name.replace("workspace.toml", "../evil.toml"), content),
        lambda name, content: (name.replace("workspace.toml", "/evil.toml"), content),
        lambda name, content: None if name == "manifest.json" else (name, content),
        lambda name, content: (
            name,
            content.replace(b'"form": "1"', b'"form": "2"') if name == "manifest.json" else content,
        ),
    ]
    target = tmp_path / "there"
    for change in hostile:
        with pytest.raises(InvalidQueryError):
            restore(repacked(made.path, change), target)
    for length in (0, 100, len(whole) // 2):
        cut.write_bytes(whole[:length])
        with pytest.raises(InvalidQueryError):
            restore(cut, target)
    assert not target.exists()
    assert not list(tmp_path.glob("evil*"))
    assert not list(tmp_path.glob(".there*"))
    target.mkdir()
    (target / "mine").write_text("x", encoding="utf-8")
    with pytest.raises(InvalidQueryError, match="there"):
        restore(made.path, target)


def test_a_damaged_store_is_not_backed_up(lived_in: WorkspaceAt, tmp_path: Path) -> None:
    if lived_in.store is not None:
        pytest.skip("a file is damaged")
    file = next((lived_in.folder / "store" / "layers" / "parcels").glob("*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError):
        back_up(lived_in, tmp_path / "a.tar")
    assert not list(tmp_path.glob("a.tar*"))
    assert not list((lived_in.folder / "store").glob(".backup*"))


def test_a_full_disk_leaves_nothing_and_is_told(lived_in: WorkspaceAt, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * (small_disk_bytes(small_disk) - 50_000))
    with pytest.raises(InvalidQueryError, match="No space"):
        back_up(lived_in, small_disk / "a.tar")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def small_disk_bytes(folder: Path) -> int:
    """Return how many bytes are free."""
    return shutil.disk_usage(folder).free


def test_a_shared_store_that_is_not_empty_is_refused(lived_in: WorkspaceAt, tmp_path: Path) -> None:
    if lived_in.store is None:
        pytest.skip("a shared store is restored to")
    made = back_up(lived_in, tmp_path / "a.tar")
    publish_parcels(lived_in, "idle")
    with pytest.raises(ConflictError):
        restore(made.path, tmp_path / "there", store=lived_in.store)
    assert not (tmp_path / "there").exists()


def test_the_commands_say_what_they_made(workspace: WorkspaceAt, tmp_path: Path) -> None:
    if workspace.store is not None:
        pytest.skip("the words are the same")
    done = run("backup", tmp_path / "b", workspace.folder, "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert "was read again" in done.stderr
    (file,) = (tmp_path / "b").glob("county-*.tar")
    done = run("restore", file, tmp_path / "there", "--lang", "en")
    assert done.returncode == 0, done.stderr
    digest = done.stderr.partition("manifest: ")[2].partition(";")[0]
    assert len(digest) == 64
    assert run("restore", file, tmp_path / "there").returncode == 2
