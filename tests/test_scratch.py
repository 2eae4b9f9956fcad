"""Temporary folders: those of killed processes go, those of living ones and others' stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geo_service import scratch
from geo_service.scratch import OWNER, ScratchFolder, scratch_folder, sweep_scratch

MAKER = """
import sys
from pathlib import Path
from geo_service.scratch import ScratchFolder
kept = ScratchFolder("test", parent=Path(sys.argv[1]))
(kept.path / "rows").write_text("x")
print(kept.path, flush=True)
sys.stdin.read()
"""


def maker(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that holds a folder until it is told to end, or killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder("rows", parent=tmp_path) as folder:
        assert folder.name.startswith("geo-service-rows-")
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "a").write_bytes(b"a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_gone_when_it_is_forgotten_or_closed_twice(tmp_path: Path) -> None:
    made = ScratchFolder("rows", parent=tmp_path)
    del made
    assert list(tmp_path.iterdir()) == []
    again = ScratchFolder("rows", parent=tmp_path)
    again.close()
    again.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_has_is_not(
    tmp_path: Path,
) -> None:
    (killed, left), (living, kept) = maker(tmp_path), maker(tmp_path)
    with killed, living:
        killed.kill()
        killed.wait()
        with scratch_folder("own", parent=tmp_path) as own:
            assert sweep_scratch(tmp_path) == 1
            assert not left.exists()
            assert (kept / "rows").read_text(encoding="utf-8") == "x"
            assert own.exists()
        living.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / OWNER).touch()
    (tmp_path / "geo-service-link").symlink_to(target)
    (tmp_path / "geo-service-source").mkdir()
    (tmp_path / "geo-service-source" / "README").touch()
    (tmp_path / "geo-service-file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / OWNER).touch()
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    before = sorted(tmp_path.rglob("*"))
    assert sweep_scratch(tmp_path) == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_left_to_who_may_be_making_it(tmp_path: Path) -> None:
    young, old = tmp_path / "geo-service-a-1", tmp_path / "geo-service-b-2"
    young.mkdir()
    old.mkdir()
    day_before = time.time() - scratch.UNOWNED_SECONDS - 60
    os.utime(old, (day_before, day_before))
    assert sweep_scratch(tmp_path) == 1
    assert young.exists()
    assert not old.exists()


def test_a_sweeper_that_is_quicker_costs_a_second_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks: list[object] = []
    lock = scratch.lock_file

    def swept_first(file: object) -> None:
        if not locks:
            locks.append(file)
            sweep_scratch(tmp_path)
        lock(file)  # type: ignore[arg-type]  # whatever is given

    monkeypatch.setattr(scratch, "lock_file", swept_first)
    with scratch_folder("rows", parent=tmp_path) as folder:
        assert (folder / OWNER).exists()
        assert list(tmp_path.iterdir()) == [folder]


def test_nowhere_to_sweep_is_no_fault(tmp_path: Path) -> None:
    assert sweep_scratch(tmp_path / "none") == 0
