"""Signing in at a real issuer of OpenID Connect that the test runs, honest and hostile."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from geo_service.access import Role
from geo_service.errors import InvalidQueryError
from geo_service.planning import PlanningService, accounts
from geo_service.web.app import ServicePolicy, create_app
from geo_service.web.issuer import Issuer, IssuerSettings, role_map
from tests.client import OWN, TestClient
from tests.suitability.made import five_sites

CLIENT, SECRET = "geo-service", "issuer secret/+"
PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes
PAGE = {"accept": "text/html", "sec-fetch-site": "cross-site"}
LINK = {**PAGE, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
Claims = dict[str, Any]


class RunningIssuer:
    """An issuer with keys of its own; what it says can be bent."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.bend: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "first"}, claims, self.key
        )
        self.codes: dict[str, dict[str, str]] = {}
        self.faults: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.get(self)

            def do_POST(self) -> None:
                issuer.post(self)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - as inherited
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.name = f"zhou.{self._server.server_port}"  # another issuer's people are others
        self.person: Claims = {
            "sub": "u1",
            "preferred_username": self.name,
            "groups": ["bureau"],
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, to: BaseHTTPRequestHandler, document: object, status: int = 200) -> None:
        content = json.dumps(document).encode()
        to.send_response(status)
        to.send_header("content-type", "application/json")
        to.send_header("content-length", str(len(content)))
        to.end_headers()
        to.wfile.write(content)

    def get(self, to: BaseHTTPRequestHandler) -> None:
        path, _, text = to.path.partition("?")
        query = dict(urllib.parse.parse_qsl(text))
        if path == "/.well-known/openid-configuration":
            places = {
                "authorization_endpoint": "/authorize",
                "token_endpoint": "/token",
                "jwks_uri": "/keys",
                "end_session_endpoint": "/out",
            }
            told = {name: f"{self.address}{place}" for name, place in places.items()}
            self.answer(to, {"issuer": self.address, **told})
        elif path == "/keys":
            self.answer(to, KeySet([self.key]).as_dict(private=False))
        elif path == "/authorize":
            code = f"code{len(self.codes)}"
            self.codes[code] = query
            back = urllib.parse.urlencode({"code": code, "state": query["state"]})
            to.send_response(302)
            to.send_header("location", f"{query['redirect_uri']}?{back}")
            to.end_headers()

    def post(self, to: BaseHTTPRequestHandler) -> None:
        length = int(to.headers["content-length"])
        form = dict(urllib.parse.parse_qsl(to.rfile.read(length).decode()))
        begun = self.codes.pop(form.get("code", ""), None)
        scheme, _, told = to.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(told).decode().partition(":")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_right = (
            begun is not None
            and scheme == "Basic"
            and (name, urllib.parse.unquote(secret)) == (CLIENT, SECRET)
            and begun["code_challenge_method"] == "S256"
            and begun["code_challenge"] == challenge
            and begun["redirect_uri"] == form["redirect_uri"]
        )
        if not is_right or begun is None:
            self.faults.append("token")
            self.answer(to, {"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        claims = {
            **self.person,
            "iss": self.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
        }
        token = self.sign(self.bend(claims))
        answer = {"access_token": "a", "token_type": "Bearer", "id_token": token}
        self.answer(to, answer)


@pytest.fixture
def issuer() -> Iterator[RunningIssuer]:
    """Return a running issuer."""
    made = RunningIssuer()
    yield made
    made.close()


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """Return a small county with an administrator who has a password."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        folder = five_sites().write(tmp_path_factory.mktemp("issuer") / "county")
        running = PlanningService.open(folder)
        running.accounts.add("admin", [Role.ADMIN], PASSWORD)
        yield running
        running.close()


def settings_of(issuer: RunningIssuer) -> IssuerSettings:
    return IssuerSettings(
        issuer=issuer.address,
        client_id=CLIENT,
        client_secret=SECRET,
        roles=role_map("bureau=planner+reviewer, data=steward"),
        title="统一认证 <b>",
    )


@pytest.fixture
def app(county: PlanningService, issuer: RunningIssuer) -> FastAPI:
    """Return the application that knows the issuer."""
    return create_app(county, access=ServicePolicy(issuer=settings_of(issuer)))


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """Return a browser that is not signed in."""
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def sent_back(address: str) -> str:
    """Open an address at the issuer as a browser does; return where it sends the browser."""
    try:
        urllib.request.build_opener(_Stay).open(address, timeout=60)
    except urllib.error.HTTPError as answer:
        return str(answer.headers["location"])
    raise AssertionError(address)


def begin(browser: TestClient, target: str = "/data") -> str:
    """Begin to sign in; return the address of ours that the issuer sends the browser back to."""
    begun = browser.get(f"/sign-in/issuer?next={target}", headers=LINK)
    assert begun.status_code == 303
    back = sent_back(begun.headers["location"])
    assert back.startswith(f"{OWN}/sign-in/issuer/back?")
    return back.removeprefix(OWN)


def sign_in(browser: TestClient, target: str = "/data") -> httpx2.Response:
    """Sign in at the issuer."""
    return browser.get(begin(browser, target), headers=LINK)


def test_who_the_issuer_knows_gets_an_account_a_session_and_the_mapped_roles(
    browser: TestClient, county: PlanningService, issuer: RunningIssuer
) -> None:
    door = browser.get("/sign-in?next=/data&lang=en", headers=LINK).text
    assert 'href="/sign-in/issuer?next=%2Fdata"' in door
    assert "Sign in with 统一认证 &lt;b&gt;" in door
    issuer.person["groups"] = ["bureau", "cooks", 7]
    done = sign_in(browser)
    assert (done.status_code, done.headers["location"]) == (303, "/data")
    cookies = done.headers.get_list("set-cookie")
    assert any("geo_session=" in one and "HttpOnly" in one for one in cookies)
    assert browser.get("/api/parks").status_code == 200
    made = county.accounts.records.find(issuer.name)
    assert made is not None
    assert made.roles == {Role.PLANNER, Role.REVIEWER}
    assert (made.password or "").startswith("oidc:")
    assert county.accounts.sign_in(issuer.name, made.password or "").cookie is None
    with pytest.raises(InvalidQueryError):
        county.accounts.set_password(issuer.name, PASSWORD)
    (line,) = [json.loads(one) for _, one in county.audit.records.last(1)]
    assert (line["action"], line["account"]) == ("GET /sign-in/issuer/back", issuer.name)
    # Another name of the same person, other groups: the same account, the roles of today alone.
    issuer.person |= {"preferred_username": "zhou.new", "groups": "data"}
    assert sign_in(browser).status_code == 303
    names = {one.name: one.roles for one in county.accounts.all()}
    assert names[issuer.name] == {Role.STEWARD}
    assert "zhou.new" not in names
    # Signed out here, then at the issuer.
    page = {"origin": OWN, "sec-fetch-site": "same-origin"}
    assert browser.post("/sign-out", headers=page).headers["location"] == "/sign-in"
    assert browser.get("/api/parks").status_code == 401
    out = browser.get("/sign-in/issuer/out", headers=LINK).headers["location"]
    assert out.startswith(f"{issuer.address}/out?client_id={CLIENT}&")
    assert urllib.parse.quote(f"{OWN}/sign-in", safe="") in out
    # Without a role there is no sign-in, and what was given before counts no longer.
    issuer.person["groups"] = ["cooks"]
    refused = sign_in(browser)
    assert refused.status_code == 403
    assert county.accounts.records.find(issuer.name).roles == frozenset()  # type: ignore[union-attr]  # it is there
    assert issuer.faults == []


def test_an_account_with_a_password_is_never_taken_over(
    browser: TestClient, county: PlanningService, issuer: RunningIssuer
) -> None:
    issuer.person |= {"sub": "other", "preferred_username": "admin"}
    assert sign_in(browser).status_code == 403
    assert browser.get("/api/parks").status_code == 401
    admin = county.accounts.records.find("admin")
    assert admin is not None
    assert admin.roles == {Role.ADMIN}
    issuer.person |= {"preferred_username": "a b\n<script>"}
    assert sign_in(browser).status_code == 403
    gone = f"gone.{issuer.name}"
    issuer.person |= {"preferred_username": gone, "sub": "gone"}
    assert sign_in(browser).status_code == 303
    county.accounts.set_disabled(gone, is_disabled=True)
    assert sign_in(browser).status_code == 403


def unsigned(claims: Claims) -> str:
    """Return a token that says it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join(text.rstrip("=") for text in texts) + "."


def by_public_key(claims: Claims, public: bytes) -> str:
    """Return a token that is "signed" symmetrically with what everybody knows."""
    parts = ({"alg": "HS256", "kid": "first"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    made = hmac.digest(public, b".".join(texts), "sha256")
    return b".".join([*texts, base64.urlsafe_b64encode(made).rstrip(b"=")]).decode()


def without(claims: Claims, name: str) -> Claims:
    """Return claims but one."""
    return {key: value for key, value in claims.items() if key != name}


HOSTILE: dict[str, Callable[[Claims], Claims]] = {
    "another issuer": lambda claims: claims | {"iss": "https://evil.example"},
    "another audience": lambda claims: claims | {"aud": "other"},
    "many audiences": lambda claims: claims | {"aud": [CLIENT, "other"]},
    "for another party": lambda claims: claims | {"azp": "other"},
    "another nonce": lambda claims: claims | {"nonce": "x"},
    "no nonce": lambda claims: without(claims, "nonce"),
    "expired": lambda claims: claims | {"exp": int(time.time()) - 120},
    "no end": lambda claims: without(claims, "exp"),
    "of the future": lambda claims: claims | {"iat": int(time.time()) + 600},
    "nobody": lambda claims: without(claims, "sub"),
    "nameless": lambda claims: without(claims, "preferred_username"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_token_that_is_not_for_us_now_signs_nobody_in(
    browser: TestClient, issuer: RunningIssuer, kind: str
) -> None:
    issuer.bend = HOSTILE[kind]
    refused = sign_in(browser)
    assert refused.status_code == 403, kind
    assert "geo_session=" not in str(refused.headers.get_list("set-cookie"))
    assert browser.get("/api/parks").status_code == 401


def test_a_token_without_the_issuers_signature_signs_nobody_in(
    browser: TestClient, issuer: RunningIssuer
) -> None:
    strange = RSAKey.generate_key(2048, {"kid": "first"})
    curve = ECKey.generate_key("P-256", {"kid": "first"})
    signers: list[Callable[[Claims], str]] = [
        unsigned,
        lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, strange),
        lambda claims: jwt.encode({"alg": "ES256", "kid": "first"}, claims, curve),
        lambda claims: by_public_key(claims, issuer.key.as_pem(private=False)),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "x"}, claims, strange),
        lambda _: "nonsense",
    ]
    for sign in signers:
        issuer.sign = sign
        assert sign_in(browser).status_code == 403
        assert browser.get("/api/parks").status_code == 401


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(
    app: FastAPI, browser: TestClient
) -> None:
    back = begin(browser)
    other = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    assert other.get(back, headers=LINK).status_code == 403  # it has not asked
    begin(other)
    assert other.get(back, headers=LINK).status_code == 403  # it has asked something else
    changed = back.replace("state=", "state=x")
    assert browser.get(changed, headers=LINK).status_code == 403
    back = begin(browser)
    assert browser.get(back, headers=LINK).status_code == 303
    assert browser.get(back, headers=LINK).status_code == 403  # the cookie went with the first
    error = begin(browser).partition("?")[0] + "?error=access_denied&state=x"
    assert browser.get(error, headers=LINK).status_code == 403
    for target in ("//evil.example/", "https://evil.example/"):
        assert sign_in(browser, urllib.parse.quote(target)).headers["location"] == "/"


def test_an_issuer_that_is_away_or_another_is_told(
    browser: TestClient, county: PlanningService, issuer: RunningIssuer
) -> None:
    other = IssuerSettings(issuer=f"{issuer.address}/", client_id=CLIENT)
    strange = TestClient(create_app(county, access=ServicePolicy(issuer=other)))
    assert strange.get("/sign-in/issuer", headers=LINK).status_code == 503  # it names itself so
    issuer.close()
    away = browser.get("/sign-in/issuer", headers=LINK)
    assert away.status_code == 503
    assert browser.get("/sign-in", headers=LINK).status_code == 200


def test_settings_that_cannot_be_are_refused() -> None:
    for wrong in ("http://id.example.gov.cn", "ftp://x", "nonsense", ""):
        with pytest.raises(InvalidQueryError, match="https"):
            Issuer(IssuerSettings(issuer=wrong, client_id="x"))
    for wrong in ("bureau", "=planner", "bureau=king", "bureau="):
        with pytest.raises(InvalidQueryError):
            role_map(wrong)
