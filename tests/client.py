"""The client of tests: it calls the service by a name that the service goes by."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, testclient

OWN = "http://localhost"


class TestClient(testclient.TestClient):
    """A client in the same process, at an address of this machine."""

    __test__ = False

    def __init__(self, app: FastAPI, **options: Any) -> None:  # noqa: ANN401 - the client's own
        super().__init__(app, **{"base_url": OWN, **options})
