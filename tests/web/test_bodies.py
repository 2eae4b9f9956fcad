"""What would crash or hang the service is refused with a limit in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from geo_service.web.bodies import JsonLimit
from tests.conftest import copy_demo

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ENDS_WITHIN_S = 600
"""Ten times what all of it takes on a busy machine."""
Answers = dict[str, tuple[int, str, str]]

BODIES = {
    "rulebook of block lists": (422, "at most 40 levels"),
    "rulebook of flow lists": (422, "at most 40 levels"),
    "rulebook of unknown rules": (422, "more than 200 faults"),
    "rulebook with a count of 400 digits": (422, "1,000,000"),
    "lists to the last byte": (422, "at most 500,000 values and names"),
    "objects": (422, "at most 40 levels"),
    "lists after a text": (422, "at most 40 levels"),
    "UTF-16": (422, "UTF-8 text"),
    "no UTF-8": (422, "UTF-8 text"),
    "400 digits": (422, "numbers of at most 100 digits"),
    "5,000 digits": (422, "numbers of at most 100 digits"),
    "400 digits in a text": (422, "finite number"),
    "99 digits": (422, "less than or equal to 1,000,000,000,000,000"),
    "1e400": (422, "finite number"),
    "1e308": (422, "less than or equal to 1,000,000,000,000,000"),
    "NaN": (422, "finite number"),
    "-Infinity": (422, "finite number"),
    "half a character": (422, "UTF-8 text"),
    "weight of 400 digits": (422, "numbers of at most 100 digits"),
    "weight of 99 digits": (422, "less than or equal to 1,000,000"),
    "weight NaN": (422, "finite number"),
    "weight 1e400": (422, "finite number"),
    "area of lists": (422, "at most 40 levels"),
    "area of 400 digits": (422, "numbers of at most 100 digits"),
    "area of NaN": (400, "longitude and latitude"),
    "weights of lists": (400, "at most 40 levels"),
    "weights of 400 digits": (400, "numbers of at most 100 digits"),
    "weights of NaN": (400, "finite number"),
    "weights of 1e400": (400, "finite number"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Return what a service in a process of its own answered."""
    demo = copy_demo(tmp_path_factory.mktemp("attacked"))
    done = subprocess.run(
        [sys.executable, str(HERE / "hostile_bodies.py"), str(demo)],
        timeout=ENDS_WITHIN_S,
        check=False,
        capture_output=True,
        text=True,
        cwd=HERE.parent.parent,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return {name: tuple(answer) for name, answer in json.loads(done.stdout).items()}


@pytest.mark.parametrize("attack", BODIES)
def test_a_body_over_a_limit_is_told_the_limit(attack: str, answers: Answers) -> None:
    status, kind, text = answers[attack]
    assert (status, kind) == (BODIES[attack][0], "application/problem+json")
    assert BODIES[attack][1] in text


def test_no_number_in_an_address_is_a_fault_of_ours(answers: Answers) -> None:
    asked = {name: answer for name, answer in answers.items() if "=" in name}
    assert len(asked) > 50
    assert not {name: answer for name, answer in asked.items() if answer[0] >= 500}


@pytest.mark.parametrize("name", ["offset", "limit"])
@pytest.mark.parametrize("number", ["9" * 20, "9223372036854775808"])
def test_a_page_past_all_lists_is_refused(name: str, number: str, answers: Answers) -> None:
    assert answers[f"get /api/reviews {name}={number}"][0] == 400


def test_a_body_is_passed_on_unchanged_and_judged_once_whole() -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        read, is_read = b"", False
        while not is_read:
            message = await receive()
            read += message.get("body", b"")
            is_read = not message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": read})

    client = TestClient(JsonLimit(echo, uploads=("/files",)))
    honest = [b'{"a": "[', b"[[\\", b'"", "b": [1, 2]}']
    assert client.post("/", content=iter(honest)).content == b"".join(honest)
    deep = [b"[" * 20] * 3
    assert client.post("/files", content=iter(deep)).content == b"".join(deep)
    with pytest.raises(HTTPException, match="422"):
        client.post("/", content=iter(deep))
