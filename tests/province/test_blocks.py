"""A large county as several tasks: the same bytes, whatever died in between."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from geo_service.province.blocks import PartTask, Step, Steps, do_step
from geo_service.province.county import CountyAnswer, CountyTask, Cut
from geo_service.province.folder import whole_record
from geo_service.province.settings import CountyAt
from tests.county import County, box, enterprise, parcel, zone
from tests.province.made import DAY, contents, write_county

CODE = "500101"
WAIVED = """format: 1
waivers:
  - rule_id: land_use.permitted
    subject: {layer: parcels, id: L5}
    reason: made for tests
    author: 甲
    granted_on: 2026-01-01
    expires_on: 2027-01-01
"""


def large() -> County:
    """Return a county of eleven parcels: in two parks, in none, and on each other."""
    county = County()
    parcels = [
        parcel(f"L{n}", box(100 * n, 50, 90, 90), land_use="0701" if n % 5 == 0 else "100101")
        for n in range(1, 7)
    ]
    parcels += [parcel("L7", box(2_050, 50, 300, 90), park_id="P2", status=None)]
    parcels += [parcel(f"N{n}", box(6_000 + 80 * n, 50, 90, 90), park_id=None) for n in range(1, 5)]
    county.layers["parcels"] = parcels
    county.layers["control_zones"].append(zone("R", box(150, 0, 6_000, 120)))
    county.layers["enterprises"].append(
        enterprise("X", "2614", 5_000.0, parcel_id="N2", park_id=None)
    )
    county.rules = (
        *("focus.leading_share", "layout.declared_area", "layout.parcels_overlap"),
        *("land_use.permitted", "control_zone.ecological_red_line", "indicator.plot_ratio"),
    )
    return county


@pytest.fixture
def task(tmp_path: Path) -> CountyTask:
    """Return the task of a county that is cut if it has more than three parcels a block."""
    home = write_county(tmp_path / "county", CODE, made=large())
    (home / "waivers.yaml").write_text(WAIVED, encoding="utf-8")
    settings = home / "workspace.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text('waivers = "waivers.yaml"\n' + text, encoding="utf-8")
    at = CountyAt(code=CODE, folder=str(home))
    return CountyTask(county=at, rules=None, as_of=DAY, most_parcels=3)


def done(
    task: CountyTask, out: Path, *, is_resumed: bool = False, most: int | None = None
) -> tuple[list[Step], CountyAnswer | None]:
    """Do a county's steps one after another, or so many; return them and what became of it."""
    steps, went, answer = Steps([task]), list[Step](), None
    while steps.waiting and (most is None or len(went) < most):
        step = steps.waiting.popleft()
        went.append(step)
        answer = steps.follow(step, do_step(step, str(out), is_resumed=is_resumed)) or answer
    return went, answer


@pytest.fixture
def whole(task: CountyTask, tmp_path: Path) -> dict[str, bytes]:
    """Return what the county in one piece leaves."""
    went, answer = done(replace(task, most_parcels=11), tmp_path / "whole")
    assert answer is not None
    assert answer.record is not None
    assert len(went) == 1
    # Red line: L1 to L6 in P1, L7, N1 (its west end); overlaps: N1 N2, N2 N3, N3 N4; one waived.
    assert answer.record["findings"] > 10
    assert answer.record["waived"] == 1
    return contents(tmp_path / "whole")


@pytest.mark.parametrize(("most", "blocks"), [(10, 2), (6, 2), (3, 3), (1, 6)])
def test_blocks_leave_the_same_bytes_as_the_county_in_one_piece(
    task: CountyTask, whole: dict[str, bytes], tmp_path: Path, most: int, blocks: int
) -> None:
    went, _ = done(replace(task, most_parcels=most), tmp_path / "out")
    assert len(went) == 1 + blocks + 1  # the whole is opened, blocks, the rest
    assert contents(tmp_path / "out") == whole


def test_a_resumed_run_does_only_what_is_missing(
    task: CountyTask, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done(task, out, most=3)  # opened, and two of three blocks; then whoever asked died
    extracts = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert len([path for path in extracts if path.suffix == ".review"]) == 2
    assert whole_record(out, CODE) is None
    done(task, out, is_resumed=True, most=3)
    assert {path: path.stat().st_mtime_ns for path in extracts} == extracts
    done(task, out, is_resumed=True)
    assert contents(out) == whole
    went, _ = done(task, out, is_resumed=True)
    assert len(went) == 1


def test_a_damaged_file_is_told_and_made_again(
    task: CountyTask, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    went, _ = done(task, out, most=4)
    (kept,) = out.rglob("found-1.review")
    kept.write_bytes(kept.read_bytes()[:-9])
    last = PartTask(whole=task, cut=cut_of(went), number=None)
    answer = do_step(last, str(out), is_resumed=True)
    assert answer.faults is not None
    assert set(answer.faults) == {"zh-Hans", "zh-Hant", "en"}
    done(task, out, is_resumed=True)
    assert contents(out) == whole


def cut_of(went: list[Step]) -> Cut:
    return next(step.cut for step in went if isinstance(step, PartTask))


def test_a_county_that_another_process_has_finished_is_no_fault(
    task: CountyTask, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    went, answer = done(task, out)
    assert answer is not None
    for step in went[1:]:  # a process that was taken for dead comes back
        assert do_step(step, str(out), is_resumed=False).record == answer.record
    assert contents(out) == whole
    shutil.rmtree(out)
    told = do_step(went[1], str(out), is_resumed=False)
    assert told.faults is not None


def test_a_fault_of_a_block_ends_its_county_alone(task: CountyTask, tmp_path: Path) -> None:
    other = replace(task, county=replace(task.county, code="500102"))
    steps = Steps([task, other])
    first = steps.waiting.popleft()
    assert steps.follow(first, do_step(first, str(tmp_path / "out"), is_resumed=False)) is None
    broken = CountyAnswer(faults={"en": "broken"})
    assert steps.follow(steps.waiting.popleft(), broken) is broken
    assert list(steps.waiting) == [other]
    # A block that was under way then ends nothing.
    assert steps.follow(went_on(first, tmp_path), CountyAnswer()) is None


def went_on(first: Step, tmp_path: Path) -> Step:
    assert isinstance(first, CountyTask)
    cut = do_step(first, str(tmp_path / "out"), is_resumed=True).cut
    assert cut is not None
    return PartTask(whole=first, cut=cut, number=2)
