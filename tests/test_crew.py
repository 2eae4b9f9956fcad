"""Long work in processes of its own: shared, watched, stopped, lost, and leaving nothing behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_service.crew import CAN_FORK, Crew, Talk
from geo_service.errors import BusyError, InvalidQueryError
from geo_service.jobs import Cancelled, JobBoard, JobKind, JobStatus
from tests.patience import PATIENCE_S, eventually

WORK = "tests.crewwork"


pytestmark = pytest.mark.skipif(not CAN_FORK, reason="no fork")


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Return a crew that notes when something is opened."""
    made = Crew(f"{WORK}:opened", {"path": str(tmp_path / "opened")})
    yield made
    made.close()


def is_alive(pid: int) -> bool:
    """Return whether a process runs (and is no zombie)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_one_process_opens_and_each_piece_finds_what_was_opened(crew: Crew, tmp_path: Path) -> None:
    first = crew.run(f"{WORK}:whose", {"note": "a"})
    second = crew.run(f"{WORK}:whose", {"note": "b"})
    assert first[0] == second[0] == crew.pid != os.getpid()
    assert (tmp_path / "opened").read_text().split() == [str(crew.pid)]


def test_what_a_piece_of_work_leaves_in_memory_goes_with_its_child(crew: Crew) -> None:
    workers = [crew.run(f"{WORK}:whose", {"note": note}) for note in ("a", "b")]
    assert [notes for _, _, notes in workers] == [["a"], ["b"]]
    assert len({worker for _, worker, _ in workers} | {workers[0][0]}) == 3


def test_progress_and_results_come_back(crew: Crew) -> None:
    seen: list[tuple[int, int, str]] = []
    result = crew.run(f"{WORK}:count", {"to": 3}, progress=lambda *step: seen.append(step))
    assert result == 3
    assert seen == [(0, 3, "step 0"), (1, 3, "step 1"), (2, 3, "step 2")]


def test_an_error_on_purpose_arrives_as_what_it_is_and_another_without_its_text(crew: Crew) -> None:
    with pytest.raises(InvalidQueryError) as ours:
        crew.run(f"{WORK}:fail", {"kind": "ours"})
    assert ours.value.parameter == "bbox"
    assert ours.value.message.key == "problem.bbox"
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError$"):
        crew.run(f"{WORK}:fail", {"kind": "not ours"})


def test_a_process_that_cannot_open_says_why_and_the_next_call_tries_again() -> None:
    crew = Crew(f"{WORK}:broken", {})
    for _ in range(2):
        with pytest.raises(InvalidQueryError):
            crew.run(f"{WORK}:count", {"to": 1})
    crew.close()


def test_work_that_hangs_is_ended_when_its_job_is_cancelled(crew: Crew, tmp_path: Path) -> None:
    board, told = JobBoard(), tmp_path / "worker"
    job = board.start(
        lambda progress: crew.run(
            f"{WORK}:hang",
            {"path": str(told)},
            progress=progress,
            watch=lambda: progress(0, 1, "hangs"),
        ),
        JobKind.REVIEW,
    )
    eventually(lambda: told.exists() and told.read_text(), "the work has begun")
    worker = int(told.read_text())
    board.cancel(job.job_id)
    assert board.wait(job, PATIENCE_S)
    assert job.status is JobStatus.CANCELLED
    eventually(lambda: not is_alive(worker), "its process has ended")
    assert crew.run(f"{WORK}:count", {"to": 1}) == 1  # and others go on
    board.close()


def test_a_worker_that_is_killed_fails_its_job_in_plain_words_and_no_other(
    crew: Crew, tmp_path: Path
) -> None:
    board, told = JobBoard(), tmp_path / "worker"
    job = board.start(lambda _: crew.run(f"{WORK}:hang", {"path": str(told)}), JobKind.REVIEW)
    eventually(lambda: told.exists() and told.read_text(), "the work has begun")
    os.kill(int(told.read_text()), signal.SIGKILL)
    assert board.wait(job, PATIENCE_S)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.key == "problem.work_lost"
    assert crew.run(f"{WORK}:count", {"to": 1}) == 1
    board.close()


def test_the_process_that_is_killed_is_started_again(crew: Crew, tmp_path: Path) -> None:
    crew.start()
    first = crew.pid
    assert first is not None
    with Talk(crew, f"{WORK}:hang", {"path": str(tmp_path / "worker")}) as talk:
        assert talk.hear()[0] == "progress"
        worker = int((tmp_path / "worker").read_text())
        os.kill(first, signal.SIGKILL)
        with pytest.raises(BusyError):
            talk.result()
    eventually(lambda: not is_alive(worker), "its child has ended with it")
    assert crew.run(f"{WORK}:count", {"to": 1}) == 1
    assert crew.pid != first


def test_work_can_be_asked_while_it_goes_on(crew: Crew) -> None:
    with Talk(crew, f"{WORK}:echo", {}) as talk:
        for question in ("one", "two"):
            talk.ask(question)
            assert talk.hear() == ("answer", f"{question}!")
        talk.ask("end")
        assert talk.result() == "ended"


def test_closing_ends_the_process_and_its_children(crew: Crew, tmp_path: Path) -> None:
    with Talk(crew, f"{WORK}:hang", {"path": str(tmp_path / "worker")}) as talk:
        assert talk.hear()[0] == "progress"
        worker, host = int((tmp_path / "worker").read_text()), crew.pid
        assert host is not None
        crew.close()
        eventually(lambda: not is_alive(worker) and not is_alive(host), "both have ended")
        with pytest.raises(BusyError):
            talk.result()
    with pytest.raises(BusyError):
        crew.run(f"{WORK}:count", {"to": 1})


def test_a_crew_that_retires_ends_with_its_last_user(crew: Crew) -> None:
    with crew.in_use():
        crew.retire()  # before who has it in use has asked
        with crew.in_use():
            assert crew.run(f"{WORK}:count", {"to": 1}) == 1
        talk = Talk(crew, f"{WORK}:echo", {})
        talk.ask("still")
        assert talk.hear() == ("answer", "still!")
        talk.ask("end")
        assert talk.result() == "ended"
        talk.close()
    assert crew.pid is None


def test_pieces_of_work_go_on_beside_each_other(crew: Crew, tmp_path: Path) -> None:
    with Talk(crew, f"{WORK}:hang", {"path": str(tmp_path / "worker")}) as talk:
        assert talk.hear()[0] == "progress"
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(crew.run(f"{WORK}:count", {"to": 2})))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert found == [2, 2, 2]


def test_cancelled_is_raised_to_the_caller(crew: Crew, tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        crew.run(f"{WORK}:hang", {"path": str(tmp_path / "worker")}, watch=stop)
