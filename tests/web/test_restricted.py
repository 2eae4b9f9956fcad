"""What is restricted while the service runs: the next request goes by it, or nobody is answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from geo_service.access import Role
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.county import FEW_RULES, County, enterprise

TAX = 77_310_001
PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
RESTRICTED = """
[restricted]
"enterprises.tax_cny" = ["steward"]
"""


@pytest.fixture
def county(
    county: County, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlanningService]:
    """Return a county with a marked value and nothing restricted, running."""
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    county.layers["enterprises"].append(enterprise("Z", "3670", 900.0, tax_cny=TAX))
    county.rules = FEW_RULES
    running = PlanningService.open(county.write(tmp_path_factory.mktemp("edited") / "county"))
    running.accounts.add("wu", [Role.PLANNER], PASSWORD)
    running.accounts.add("li", [Role.STEWARD], PASSWORD)
    yield running
    running.close()


def test_an_edit_of_what_is_restricted_counts_from_the_next_request_on(
    county: PlanningService,
) -> None:
    headers = {
        name: {"authorization": f"Bearer {county.accounts.make_token(name, [role])[1]}"}
        for name, role in (("wu", Role.PLANNER), ("li", Role.STEWARD))
    }
    address = "/api/parks/P1/profile"
    file = county.workspace.folder / "workspace.toml"
    before = file.read_text(encoding="utf-8")
    with TestClient(create_app(county)) as client:

        def tells(name: str) -> bool:
            answer = client.get(address, headers=headers[name])
            assert answer.status_code == 200
            return str(TAX) in answer.text

        assert (tells("wu"), tells("li")) == (True, True)
        file.write_text(before + RESTRICTED, encoding="utf-8")
        assert (tells("wu"), tells("li")) == (False, True)
        file.write_text(before + RESTRICTED.replace("tax_cny", "taxes"), encoding="utf-8")
        for name in ("wu", "li"):
            refused = client.get(address, headers={**headers[name], "accept-language": "en"})
            assert refused.status_code == 503
            assert "workspace.toml was edited" in refused.json()["detail"]
        assert client.get("/healthz").status_code == 200
        file.write_text(before, encoding="utf-8")
        assert (tells("wu"), tells("li")) == (True, True)
