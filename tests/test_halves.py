"""Texts of which a forked copy makes every other one: the same ones, whatever becomes of the copy.

Each test forks from a process of its own, since that of the tests has threads.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from geo_service.crew import CAN_FORK

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CAN_FORK, reason="no fork")]

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
