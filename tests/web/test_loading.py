"""While a county is opened everybody is told so, and who watches over the service is answered."""

from __future__ import annotations

from geo_service.planning import PlanningService as RunningCounty
from geo_service.web.app import create_app
from tests.client import TestClient


def test_before_there_is_a_county_health_is_told_and_all_else_is_told_to_wait(
    demo_county: RunningCounty,
) -> None:
    app = create_app(None)
    client = TestClient(app)
    assert client.get("/healthz").json() == {"status": "ok"}
    early = client.get("/readyz")
    assert (early.status_code, early.json()) == (503, {"status": "loading"})
    assert early.headers["retry-after"] == "10"
    for path in ("/api/parks", "/api/reviews", "/tiles/parks/0/0/0.mvt", "/openapi.json"):
        answer = client.get(path, headers={"accept-language": "en"})
        assert answer.status_code == 503, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "3"
        assert "being opened" in answer.json()["detail"]
    page = client.get("/", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert page.headers["refresh"] == "3"
    assert "正在打开" in page.text or "being opened" in page.text
    assert "content-security-policy" in page.headers
    app.state.service = demo_county
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/api/parks").status_code == 200
