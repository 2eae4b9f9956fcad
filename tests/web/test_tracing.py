"""Request ids: whose counts, where they are told; lines of the log, as text and as JSON."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from geo_service.logs import LogForm, LogRules, levels_of, logging_by, new_request_id, working_on
from geo_service.planning import PlanningService
from geo_service.web.app import ServicePolicy, create_app
from tests.client import TestClient

PROXY = "10.20.0.1"
GIVEN = "proxy-4711.a_b"


@contextmanager
def writing(rules: LogRules) -> Iterator[io.StringIO]:
    """Write the log into a text."""
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        with logging_by(rules):
            yield stream


def id_of(county: PlanningService, given: str | None, *, peer: str = PROXY) -> str:
    """Return the id that an answer tells to somebody who brought one."""
    app = create_app(county, access=ServicePolicy(proxies=["10.20.0.0/16"]))
    client = TestClient(app, client=(peer, 5_000))
    answer = client.get("/healthz", headers={} if given is None else {"X-Request-Id": given})
    assert answer.status_code == 200
    (told,) = answer.headers.get_list("x-request-id")
    return str(told)


def test_a_named_proxys_id_is_kept_and_anybody_elses_is_not(demo_county: PlanningService) -> None:
    assert id_of(demo_county, GIVEN) == GIVEN
    for given, peer in ((GIVEN, "10.21.0.1"), (None, PROXY), ("short", PROXY), ("x" * 65, PROXY)):
        made = id_of(demo_county, given, peer=peer)
        assert len(made) == 32
        int(made, 16)
    assert id_of(demo_county, "a b{}'\"<script>", peer=PROXY) != "a b{}'\"<script>"
    assert id_of(demo_county, None) != id_of(demo_county, None)


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/api/parks?limit=x", 400), ("/readyz", 200)]
)
def test_every_answer_tells_its_id(demo_client: TestClient, path: str, status: int) -> None:
    answer = demo_client.get(path)
    assert answer.status_code == status
    assert len(answer.headers["x-request-id"]) == 32


def test_a_line_tells_route_status_and_id_but_nothing_of_the_address(
    demo_client: TestClient,
) -> None:
    with writing(LogRules(form=LogForm.JSON, level="info")) as log:
        answer = demo_client.get("/api/search?q=王芳的企业", headers={"cookie": "secret=4711"})
        gone = demo_client.get("/api/parks/王芳")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [line for line in lines if line["logger"] == "geo_service.requests"]
    assert [(line["route"], line["status"]) for line in told] == [
        ("/api/search", 200),
        ("/api/parks/{park_id}", 404),
    ]
    assert [line["request_id"] for line in told] == [
        one.headers["x-request-id"] for one in (answer, gone)
    ]
    assert told[0]["method"] == "GET"
    assert isinstance(told[0]["took_ms"], int)
    for word in ("王芳", "4711", "secret"):
        assert word not in log.getvalue()


def test_levels_are_chosen_for_all_and_for_single_loggers() -> None:
    level, by_name = levels_of("error, tests.loud=DEBUG")
    assert (level, by_name) == ("error", {"tests.loud": "debug"})
    with writing(LogRules(level=level, levels=by_name)) as log:
        logging.getLogger("tests.loud").debug("heard")
        logging.getLogger("tests.other").warning("not heard")
        logging.getLogger("tests.other").error("heard\nERROR forged: line")
    assert log.getvalue().splitlines() == [
        "DEBUG tests.loud: heard",
        "ERROR tests.other: heard ERROR forged: line",
    ]
    for wrong in ("loud", "a=loud", "=info", "a b=info"):
        with pytest.raises(ValueError, match=wrong):
            levels_of(wrong)


def test_a_trace_stands_in_its_lines_json() -> None:
    identity = new_request_id()
    with writing(LogRules(form=LogForm.JSON)) as log, working_on(identity):
        try:
            raise KeyError("x")  # noqa: EM101, TRY301 - as it comes
        except KeyError:
            logging.getLogger("tests").exception("It failed")
    (line,) = log.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["message"], told["request_id"]) == ("error", "It failed", identity)
    assert "KeyError" in told["trace"]
    assert told["at"].endswith("+00:00")
