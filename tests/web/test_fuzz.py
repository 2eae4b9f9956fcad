"""Every operation, asked rightly and wrongly by its own description: nothing undocumented, no 5xx.

What is sent is drawn from the description with a fixed seed: its examples, the edges of every
parameter, and a few cases at random. The county is small, so that reviews and rankings are quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from geo_service.access import Role
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.description import describe
from geo_service.web.routes import imports, rankings, reviews
from geo_service.web.shares import ShareLimits
from tests.client import TestClient
from tests.depth import thorough
from tests.suitability.made import asked, five_sites

pytestmark = pytest.mark.slow

ACCESS = ServicePolicy(
    names=["testserver"],  # what Schemathesis calls a service in process
    shares=ShareLimits(costly_burst=1_000_000),
)
SEED = 20261123
RANDOM_CASES = 20
"""Of each operation, rightly or wrongly asked, beside its examples and the edges."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


KNOWN = {
    "park_id": "P1",
    "review_id": "a-review",
    "before": "a-review",
    "ranking_id": "a-ranking",
    "candidate": "a-candidate",
    "import_id": "0123456789abcdef",
    "layer": "parcels",
    "source": "parks",
    "version": "0",
    "kind": "overview",
    "query": "13",
    "bbox": "108,30,110,32",
    "where": "park_id:P1",
}
"""Examples of parameters; those that stand for an id are put in place when they are sent."""


class Running:
    """The app of the county that is open, reached in process; the fixture starts and ends it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        else:
            await self.app(scope, receive, send)


running = Running()


def described() -> Any:  # noqa: ANN401 - of no public type
    """Return the description of the service, with examples of what there is in the county.

    It hangs on no county. What would drop or publish the one import is given no example.
    """
    app = create_app(cast("PlanningService", None))
    document = describe(app)
    for path, methods in document["paths"].items():
        known = KNOWN | ({"before": "a-ranking"} if "/rankings/" in path else {})
        for method, operation in methods.items():
            is_kept = method != "delete" and not operation["operationId"].startswith("publish")
            for parameter in operation["parameters"]:
                if parameter["name"] in known and is_kept:
                    parameter["examples"] = {"there": {"value": known[parameter["name"]]}}
    project = document["components"]["schemas"]["Project"]
    project["examples"] = [asked()]
    found = schemathesis.openapi.from_dict(document, config=schemathesis.Config(seed=SEED))
    found.app = running
    return found


description = described()


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run the service of two parks and five sites; return the ids that examples stand for."""
    folder = five_sites().write(tmp_path_factory.mktemp("fuzz") / "county")
    app = create_app(PlanningService.open(folder), access=ACCESS)
    with pytest.MonkeyPatch.context() as patch, TestClient(app) as client:
        for module in (reviews, rankings, imports):  # a busy machine must not make jobs of work
            patch.setattr(module, "AT_ONCE_SECONDS", 120.0)
        running.app = app
        ranking = client.post("/api/rankings", json=asked()).json()
        parks = (folder / "parks.geojson").read_bytes()
        draft = client.post("/api/imports?layer=parks&filename=a.geojson", content=parks).json()
        yield {
            "a-review": client.get("/readyz").json()["review_id"],
            "a-ranking": ranking["ranking_id"],
            "a-candidate": ranking["candidates"][0]["candidate_id"],
            "0123456789abcdef": draft["import_id"],
        }
        shutdown_lifespans()


@description.parametrize()  # type: ignore[untyped-decorator]  # the description has no public type
@thorough(RANDOM_CASES, also_allowed=tuple(HealthCheck))
def test_what_is_answered_is_what_is_described(
    case: schemathesis.Case[Any], there: dict[str, str]
) -> None:
    for place in (case.path_parameters, case.query):
        for name, value in (place or {}).items():
            if isinstance(value, str):
                place[name] = there.get(value, value)
    case.call_and_validate(checks=CHECKS)


# ---- with accounts -------------------------------------------------------------------------------

SAMPLE = 4
"""One operation of so many is asked as well in a county with accounts, each for one role."""
sample = description.include(
    func=lambda context: crc32(context.operation.label.encode()) % SAMPLE == 0
)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Run the service with accounts; return what programs of each role, and of nobody, say."""
    folder = five_sites().write(tmp_path_factory.mktemp("fuzz_accounts") / "county")
    county = PlanningService.open(folder)
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        for role in Role:
            county.accounts.add(role.value, [role], "a long password")
    running.app = create_app(county, access=ACCESS)
    made = [county.accounts.make_token(role.value, [role])[1] for role in Role]
    yield [*(f"Bearer {one}" for one in made), "Bearer of nothing"]
    shutdown_lifespans()
    county.close()


@sample.parametrize()  # type: ignore[untyped-decorator]  # as above
@thorough(RANDOM_CASES // 4, also_allowed=tuple(HealthCheck))
def test_with_accounts_too_what_is_answered_is_what_is_described(
    case: schemathesis.Case[Any], tokens: list[str]
) -> None:
    who = tokens[crc32(case.operation.label[::-1].encode()) % len(tokens)]
    case.headers["authorization"] = who
    case.call_and_validate(checks=CHECKS)
