"""Texts of which a forked copy makes every other one: the same ones, whatever becomes of the copy.

Each test forks from a process of its own, since that of the tests has threads.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from geo_service.crew import CAN_FORK
from tests.conftest import ROOT
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CAN_FORK, reason="no fork")]
two_cores = pytest.mark.skipif(not CAN_FORK or len(os.sched_getaffinity(0)) == 1, reason="one core")

ALL = """
import os
from geo_service.halves import made_in_halves
here = os.getpid()
def make(number):
    {first}
    return f"{{number}} {{os.getpid() == here}} {{'x' * 200_000}}".encode()
for text in made_in_halves(make, 7):
    print(*text.decode().split()[:2], len(text))
"""
IN_HALVES = [(number, number % 2 == 0) for number in range(7)]


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


def told(output: str) -> list[tuple[int, bool]]:
    rows = [line.split() for line in output.splitlines()]
    assert all(int(length) > 200_000 for _, _, length in rows)
    return [(int(number), is_here == "True") for number, is_here, _ in rows]


def test_a_copy_makes_every_other_text() -> None:
    assert told(run(ALL.format(first=""))) == IN_HALVES


@pytest.mark.parametrize("end", ["os._exit(3)", "raise ValueError", "os.kill(os.getpid(), 9)"])
def test_what_a_lost_copy_does_not_deliver_is_made_here(end: str) -> None:
    first = f"if os.getpid() != here and number == 3: {end}"
    expected = [(number, number != 1) for number in range(7)]
    assert told(run(ALL.format(first=first))) == expected


def test_a_reader_that_stops_leaves_no_copy_behind() -> None:
    code = """
import os
from geo_service.halves import made_in_halves
texts = made_in_halves(lambda number: b"text", 9)
next(texts)
texts.close()
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none")
"""
    assert run(code) == "none\n"


def test_a_review_written_in_halves_is_the_same(tmp_path: Path) -> None:
    code = """
import sys
from datetime import date
from pathlib import Path
import geo_service as gs
from geo_service.language import Language, Translator
from geo_service.reports import stream
stream.CHUNK = 20
halves, used = stream.made_in_halves, []
stream.made_in_halves = lambda *given: used.append(1) or halves(*given)
review = gs.review(gs.open_plan("layers/yunyang"), as_of=date(2026, 11, 30))
for number, is_alone in enumerate((False, True)):
    pieces = stream.review_pieces(review, Translator(Language.EN), is_alone=is_alone)
    Path(sys.argv[1], str(number)).write_bytes(b"".join(pieces))
print(len(used))
"""
    used = int(run(code, str(tmp_path)))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert used in {0, 1}  # one core has no use of two processes


SHARED = """
import os, signal, sys, time
from geo_service import halves
from geo_service.halves import SharedTasks, working_alone
here = os.getpid()
def task(number):
    def do():
        is_here = os.getpid() == here
        {first}
        return number, is_here, "x" * 200_000
    return do
tasks = [task(number) for number in range(7)]
"""
TOLD = """
for number, is_here, text in shared.results():
    print(number, is_here, len(text))
"""


def shared(rest: str, first: str = "") -> list[str]:
    return run(SHARED.format(first=first) + rest).splitlines()


ALONE = "with working_alone(), SharedTasks(tasks, is_large=True) as shared:"
COPY_ENDS = "os.waitid(os.P_PID, shared._pid, os.WEXITED | os.WNOWAIT)"
WAITED = "\n    ".join([ALONE, COPY_ENDS, *TOLD.strip().splitlines()])
"""What begins tasks, and takes part when the copy has ended."""


@two_cores
def test_a_copy_takes_tasks_while_this_process_is_busy() -> None:
    assert shared(WAITED) == [f"{number} False 200000" for number in range(7)]


@two_cores
@pytest.mark.parametrize("end", ["os._exit(3)", "raise ValueError", "os.kill(os.getpid(), 9)"])
def test_tasks_of_a_lost_copy_are_done_here(end: str) -> None:
    # It did 0, 1 and 2, and was lost with 3.
    expected = [f"{number} {number > 2} 200000" for number in range(7)]
    assert shared(WAITED, f"if not is_here and number == 3: {end}") == expected


@two_cores
def test_an_error_of_a_task_comes_out_as_without_a_copy() -> None:
    rest = f"""
try:
    {ALONE}
        {COPY_ENDS}
        shared.results()
except ValueError as error:
    print(error)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("none left")
"""
    assert shared(rest, "if number == 3: raise ValueError(number)") == ["3", "none left"]


@pytest.mark.parametrize(
    "alone",
    [
        "with SharedTasks(tasks, is_large=True) as shared:",
        "with working_alone(), SharedTasks(tasks, is_large=False) as shared:",
        f"os.sched_getaffinity = lambda _: {{0}}\n{ALONE}",
        f"halves.CAN_FORK = False\n{ALONE}",
        f"import threading\nthreading.Thread(target=time.sleep, args=(1,)).start()\n{ALONE}",
    ],
)
def test_nothing_forks_in_a_service_for_little_on_one_core_or_beside_threads(alone: str) -> None:
    rest = f"{alone}\n    print(shared.is_shared)\n" + "\n".join(
        f"    {line}" for line in TOLD.strip().splitlines()
    )
    assert shared(rest) == ["False", *(f"{number} True 200000" for number in range(7))]


COMMAND = """
import os, sys
from geo_service import halves
from geo_service.suitability import exclusion, surroundings
from geo_service.workspace import ahead
{more}
from geo_service.cli import main
sys.argv = ["geo-service", *sys.argv[1:]]
main()
"""
SMALL_IS_LARGE = "ahead._LARGE_BYTES = exclusion._MANY = surroundings._MANY = 0\n"
USED = """
results, used = halves.SharedTasks.results, []
def counted(self):
    used.append(self.is_shared)
    return results(self)
halves.SharedTasks.results = counted
import atexit
atexit.register(lambda: print(used, file=sys.stderr))
"""


@two_cores
@pytest.mark.parametrize("command", ["rank", "review"])
def test_a_command_of_two_processes_answers_as_one(command: str, tmp_path: Path) -> None:
    project = tmp_path / "project.yaml"
    project.write_text("name: P\nindustry_code: '2231'\nneeds:\n  land_m2: 20000\n")
    folder = ROOT / "layers" / "yunyang"
    given = {
        "rank": ["rank", str(project), str(folder), "--format", "json"],
        "review": ["review", str(folder), "--format", "json", "--as-of", "2026-11-30"],
    }[command]
    answers = []
    for more in (USED, SMALL_IS_LARGE + USED):
        code = COMMAND.format(more=more)
        done = subprocess.run(
            [sys.executable, "-c", code, *given], capture_output=True, text=True, check=False
        )
        assert done.returncode == {"rank": 0, "review": 1}[command]
        answers.append((done.stdout, done.stderr.splitlines()[-1]))
    assert answers[0][0] == answers[1][0]
    # Rules and roads; two processes read the files, too.
    assert answers[0][1] == {"rank": "[False, False]", "review": "[]"}[command]
    assert answers[1][1] == {"rank": "[True, True, True]", "review": "[True]"}[command]


@two_cores
def test_a_file_that_changed_after_it_was_read_ahead_is_read_again(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from geo_service.halves import SharedTasks
from geo_service.planning import alone_with
from geo_service.workspace import ahead
from geo_service.workspace.opening import open_plan
ahead._LARGE_BYTES = 0
folder, begun = Path(sys.argv[1]), []
fork = SharedTasks._fork
SharedTasks._fork = lambda self: (fork(self), begun.append(self._pid))
with alone_with(folder):
    os.waitid(os.P_PID, begun[0], os.WEXITED | os.WNOWAIT)
    file = folder / "floors.csv"
    lines = file.read_text().splitlines()
    file.write_text("\\n".join(lines[:-1]) + "\\n")
    plan = open_plan(folder)
print(len(lines) - 1, len(plan.floors), plan.version == open_plan(folder).version)
"""
    folder = tmp_path / "county"
    shutil.copytree(ROOT / "layers" / "yunyang", folder)
    before, after, is_same = run(code, str(folder)).split()
    assert (int(after), is_same) == (int(before) - 1, "True")


@two_cores
def test_ctrl_c_ends_a_command_and_its_copy() -> None:
    # Both say who they are, and never end their tasks.
    more = (
        SMALL_IS_LARGE
        + """
from geo_service.workspace import versions
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell may ignore it
def never(*_):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)
versions.read_layer = never
"""
    )
    code = COMMAND.format(more=more)
    process = subprocess.Popen(
        [sys.executable, "-c", code, "review", str(ROOT / "layers" / "yunyang")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            (copy,) = {int(process.stdout.readline()) for _ in range(2)} - {process.pid}
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in told
    with pytest.raises(ProcessLookupError):
        os.kill(copy, 0)
