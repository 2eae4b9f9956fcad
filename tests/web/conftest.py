"""What the tests of the service share."""

from __future__ import annotations

import pytest

from geo_service.web.routes import rankings, reviews


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer with the result however long it takes: a busy machine must not turn it into a job."""
    for module in (reviews, rankings):
        monkeypatch.setattr(module, "AT_ONCE_SECONDS", 120.0)
