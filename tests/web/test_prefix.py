"""Behind a proxy under a path, and TLS by files: links, redirects, cookies, maps, a process."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urljoin

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from geo_service.access import Role
from geo_service.errors import InvalidQueryError
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.connections import TlsFiles
from geo_service.web.prefix import checked_prefix
from tests.client import OWN, TestClient
from tests.patience import PATIENCE_S
from tests.suitability.made import asked, five_sites
from tests.terminal import run
from tests.web.served import served

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
HTML = {"accept": "text/html"}
PAGE = {"origin": OWN, "sec-fetch-site": "same-origin"}
PAGES = ("/", "/reviews", "/sites", "/scenarios", "/layouts", "/data", "/help", "/about", "/docs")
MAPS = ("/maps/overview", "/maps/review", "/maps/park?park_id=P1")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county, open."""
    folder = five_sites().write(tmp_path_factory.mktemp("prefix") / "county")
    running = PlanningService.open(folder)
    yield running
    running.close()


@pytest.fixture
def client(county: PlanningService) -> TestClient:
    """Return a client of a service under a path; the proxy keeps the prefix."""
    app = create_app(county, access=ServicePolicy(root_path="/plan/"))
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def addresses(text: str, path: str) -> set[str]:
    """Return what the page of a path links to, loads or sends to, on this host."""
    found = re.findall(r'(?:href|src|action)="([^"#:][^":]*)"', text)
    found += re.findall(r'"(/(?:api|maps|assets|static|tiles|pages)/[^"]*)"', text)
    return {urljoin(path, one) for one in found if not one.startswith("//")}


def test_every_link_of_every_page_stays_below_the_prefix(client: TestClient) -> None:
    seen: set[str] = set()
    for path in (*PAGES, *MAPS, "/parks/P1"):
        page = client.get(f"/plan{path}", headers=HTML)
        assert page.status_code == 200, path
        found = addresses(page.text, f"/plan{path}")
        assert found, path
        seen |= found
    assert all(one.startswith("/plan/") for one in seen), sorted(seen)
    for one in sorted(seen):
        answer = client.get(one.replace("&amp;", "&"), headers=HTML)
        assert answer.status_code == 200, one


def test_a_proxy_may_take_the_prefix_off(client: TestClient) -> None:
    kept, taken = client.get("/plan/reviews", headers=HTML), client.get("/reviews", headers=HTML)
    assert kept.status_code == taken.status_code == 200
    assert kept.text == taken.text
    assert client.get("/healthz").status_code == client.get("/plan/healthz").status_code == 200
    bare = client.get("/plan")
    assert (bare.status_code, bare.headers["location"]) == (308, "/plan/")
    assert "content-security-policy" in bare.headers
    assert client.get("/planning/reviews", headers=HTML).status_code == 404


def test_what_leads_on_leads_below_the_prefix(client: TestClient) -> None:
    made = client.post("/plan/api/scenarios", json={"name": "x", "edits": []})
    assert made.status_code == 201
    assert made.headers["location"].startswith("/plan/api/scenarios/")
    assert client.get(made.headers["location"]).status_code == 200
    ranked = client.post("/plan/api/rankings", json=asked())
    place = ranked.headers["location"]
    assert place.startswith("/plan/api/")
    assert client.get(place).status_code == 200
    slash = client.get("/plan/reviews/", headers=HTML)
    assert slash.headers.get("location", "/plan/").startswith("/plan/")
    listed = client.get("/plan/api/parks?limit=1").json()
    following = [one["href"] for one in listed.get("links", []) if one.get("rel") == "next"]
    assert all(one.startswith("/plan/") for one in following)
    chosen = client.get("/plan/help?lang=en", headers=HTML).headers["set-cookie"]
    assert "path=/plan" in chosen.lower()
    api = client.get("/plan/openapi.json").json()
    assert [one["url"] for one in api["servers"]] == ["/plan"]
    program = client.get("/plan/api/nothing")
    assert program.headers["content-type"] == "application/problem+json"


def test_sessions_stay_below_the_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    running = PlanningService.open(five_sites().write(tmp_path / "county"))
    running.accounts.add("li", [Role.PLANNER], PASSWORD)
    access = ServicePolicy(root_path="/plan", proxies=["10.0.0.1"])
    app = create_app(running, access=access)
    client = TestClient(app, follow_redirects=False, client=("10.0.0.1", 1))
    led = client.get("/plan/data?x=1", headers=HTML)
    assert (led.status_code, led.headers["location"]) == (303, "/plan/sign-in?next=/data%3Fx%3D1")
    form = client.get(led.headers["location"], headers=HTML).text
    assert 'action="/plan/sign-in"' in form
    sent = {"name": "li", "password": PASSWORD, "next": "/data?x=1"}
    tls = {"x-forwarded-proto": "https", "x-forwarded-for": "10.9.9.9"}
    page = {"origin": OWN.replace("http:", "https:"), "sec-fetch-site": "same-origin"}
    done = client.post("/plan/sign-in", data=sent, headers={**page, **tls})
    assert (done.status_code, done.headers["location"]) == (303, "/plan/data?x=1")
    cookie = done.headers["set-cookie"].lower()
    assert "path=/plan;" in cookie
    assert "secure" in cookie
    (line,) = [json.loads(one) for _, one in running.audit.records.last(1)]
    assert line["origin"] == "10.9.9.9"
    assert line["request"] == done.headers["x-request-id"]
    # Nobody else is believed about whom, or how, they ask.
    other = TestClient(app, follow_redirects=False, client=("10.0.0.2", 1))
    done = other.post("/plan/sign-in", data=sent, headers={**PAGE, **tls})
    assert done.status_code == 303
    assert "secure" not in done.headers["set-cookie"].lower()
    (line,) = [json.loads(one) for _, one in running.audit.records.last(1)]
    assert line["origin"] == "10.0.0.2"
    running.close()


@pytest.mark.parametrize("wrong", ["plan", "//x", "/a b", "/api", "/sign-in/x", "/../x", "/p?x"])
def test_a_prefix_that_cannot_be_is_refused(wrong: str, county: PlanningService) -> None:
    with pytest.raises(InvalidQueryError):
        create_app(county, access=ServicePolicy(root_path=wrong))
    assert checked_prefix(" /plan/a/ ") == "/plan/a"


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of 127.0.0.1 and its key; return the files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "tls.crt", folder / "tls.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.slow
def test_a_real_process_speaks_tls_under_a_prefix(tmp_path: Path) -> None:
    workspace = five_sites().write(tmp_path / "county")
    certificate, key = write_certificate(tmp_path)
    settings = {
        "GEO_TLS_CERTIFICATE": str(certificate),
        "GEO_TLS_KEY": str(key),
        "GEO_ROOT_PATH": "/plan",
    }
    with served(workspace, tmp_path, is_started=True, **settings) as running:
        assert f"https://127.0.0.1:{running.port}/plan/" in running.log
        trusting = ssl.create_default_context(cafile=str(certificate))
        mute = running.connect()  # says nothing: others are not kept waiting
        plain = running.connect(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection = HTTPSConnection(
            "127.0.0.1", running.port, timeout=PATIENCE_S, context=trusting
        )
        connection.request("GET", "/plan/", headers=HTML)
        answer = connection.getresponse()
        assert answer.status == 200
        assert 'href="/plan/' in answer.read().decode()
        connection.request("GET", "/plan/api/parks")
        assert connection.getresponse().read().startswith(b"{")
        connection.close()
        assert b"200" not in plain.recv(100)
        for one in (mute, plain):
            one.close()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(certificate)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with old.wrap_socket(running.connect(), server_hostname="127.0.0.1") as older:
            assert older.version() == "TLSv1.2"
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"https://127.0.0.1:{running.port}/healthz", timeout=PATIENCE_S)
        assert "Traceback" not in running.log


def test_files_that_do_not_serve_are_told(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    assert TlsFiles(certificate=certificate, key=key).context()
    nonsense = tmp_path / "none.key"
    nonsense.write_text("nonsense", encoding="utf-8")
    for file in (nonsense, tmp_path / "missing", certificate):
        with pytest.raises(InvalidQueryError):
            TlsFiles(certificate=certificate, key=file).context()
    workspace = five_sites().write(tmp_path / "county")
    half = run("serve", workspace, "--lang", "en", GEO_TLS_KEY=str(key))
    assert half.returncode == 2
    assert "Give certificate and key together" in half.stderr
    wrong = run("serve", workspace, "--port", "0", GEO_ROOT_PATH="/api")
    assert wrong.returncode == 2
