"""Signing in at an issuer of OpenID Connect: where a browser is sent, and what comes back.

The code flow with PKCE. State, nonce and verifier are random and travel in a cookie of the
browser that began, so that any process may end what another began. Of the issuer's ID token the
signature, issuer, audience, time and nonce are checked; then its claims become a name and roles by
the configured map, and by nothing else. Which account that is, `planning/accounts` decides.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import importlib.util
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from geo_service.access import Role
from geo_service.errors import BusyError, InvalidQueryError
from geo_service.planning.accounts import roles_of
from geo_service.web.doors import is_loopback
from geo_service.wording import said

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""Signatures that are taken: no symmetric ones, and never none."""
COOKIE_SECONDS = 600
_LEEWAY_SECONDS = 60
"""How far the issuer's clock may be from ours."""
_REQUEST_SECONDS = 5.0
_MOST_BYTES = 1_000_000
_KEPT_SECONDS = 3_600.0
"""How long the issuer's description and keys are believed."""
_ASK_AGAIN_SECONDS = 30.0
"""How soon they are asked for again because of an unknown key."""
_LONGEST = 200
_SECRETS = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSettings:
    """An issuer, how this service is known there, and what its claims are taken for."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    """The roles that each value of the claim gives; values that are not here give none."""
    title: str | None = None
    ca_file: Path | None = None
    """Certificates that the issuer's own is checked by, in place of the shipped ones."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an issuer says of who signed in."""

    subject: str
    """Issuer and subject: who it is, whatever the name becomes."""
    name: str
    roles: frozenset[Role]


class Flaw(StrEnum):
    """What is wrong with what came back from an issuer, for the log."""

    COOKIE = "the browser has no cookie of ours"
    STATE = "the state is another"
    ISSUER = "the issuer is another"
    ERROR = "the issuer reports an error"
    ANSWER = "the answer is no JSON"
    ADDRESSES = "the description lacks addresses"
    KEYS = "the keys cannot be read"
    CODE = "the code gave no token"
    TOKEN = "the token is not signed by the issuer"  # noqa: S105 - what is wrong with one
    CLAIMS = "the claims are not for us, or not for now"
    PARTY = "the token is for another party"
    NONCE = "the nonce is another"
    NAME = "a claim is missing"


class IssuerRefusedError(Exception):
    """What came back from the issuer is not what was asked for; `reason` is for the log."""

    def __init__(self, flaw: Flaw, detail: object = "") -> None:
        self.reason = f"{flaw}: {detail}"[:_LONGEST] if detail else str(flaw)
        super().__init__(self.reason)


def role_map(text: str) -> dict[str, frozenset[Role]]:
    """Return the roles by value of a claim: `value=role+role`, separated by commas.

    InvalidQueryError for what is none.

    >>> sorted(role_map("Planning Bureau=planner+reviewer")["Planning Bureau"])
    [<Role.PLANNER: 'planner'>, <Role.REVIEWER: 'reviewer'>]
    """
    found: dict[str, frozenset[Role]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        value, is_pair, roles = part.rpartition("=")
        if not (is_pair and value.strip()):
            parameter = "GEO_OIDC_ROLES"
            raise InvalidQueryError(parameter, said("account.issuer_roles", found=part[:_LONGEST]))
        found[value.strip()] = frozenset(roles_of(roles.split("+")))
    return found


class Issuer:
    """One issuer. Safe to use from several threads; methods ask over the network.

    They raise BusyError if the issuer does not answer, IssuerRefusedError for a wrong answer.
    """

    def __init__(self, settings: IssuerSettings) -> None:
        address = urlsplit(settings.issuer)
        is_near = address.scheme == "http" and is_loopback(address.hostname or "")
        if not address.hostname or not (address.scheme == "https" or is_near):
            parameter = "GEO_OIDC_ISSUER"
            told = said("account.issuer_address", found=settings.issuer[:_LONGEST])
            raise InvalidQueryError(parameter, told)
        if importlib.util.find_spec("authlib") is None:
            parameter = "GEO_OIDC_ISSUER"
            raise InvalidQueryError(parameter, said("account.issuer_extra"))
        self.settings = settings
        self._lock = threading.Lock()
        self._described: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, Any] | None = None

    @property
    def title(self) -> str:
        """How people know it."""
        return self.settings.title or urlsplit(self.settings.issuer).hostname or "?"

    def begin(self, back: str, target: str) -> tuple[str, str]:
        """Return the address to send a browser to, and the content of its cookie.

        `back` is the address of ours that the issuer sends it back to, `target` the path after.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(_SECRETS))
        with self._session(back) as session:
            address, _ = session.create_authorization_url(
                self._description()["authorization_endpoint"],
                state=state,
                code_verifier=verifier,
                nonce=nonce,
            )
        told = json.dumps([state, nonce, verifier, target[:2_000]]).encode()
        return str(address), base64.urlsafe_b64encode(told).decode()

    def end(self, back: str, cookie: str, query: Mapping[str, str]) -> tuple[Claimed, str]:
        """Return who signed in, and the path to go on to."""
        try:
            state, nonce, verifier, target = map(str, json.loads(base64.urlsafe_b64decode(cookie)))
        except (ValueError, TypeError, binascii.Error):
            raise IssuerRefusedError(Flaw.COOKIE) from None
        if not hmac.compare_digest(state.encode(), query.get("state", "").encode()):
            raise IssuerRefusedError(Flaw.STATE)
        if query.get("iss", self.settings.issuer) != self.settings.issuer:
            raise IssuerRefusedError(Flaw.ISSUER)
        if "error" in query or not query.get("code"):
            raise IssuerRefusedError(Flaw.ERROR)
        token = self._token(back, query["code"], verifier)
        return self._claimed(self._checked(token, nonce)), target

    def sign_out_address(self, back: str) -> str | None:
        """Return where one signs out at the issuer too; None if it has no such place."""
        place = self._description().get("end_session_endpoint")
        if not isinstance(place, str):
            return None
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"

    # ---- asking ---------------------------------------------------------------------------------

    def _session(self, back: str | None = None) -> Any:  # noqa: ANN401 - Authlib's
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415 - an extra

        settings = self.settings
        session = OAuth2Session(
            settings.client_id,
            settings.client_secret,
            scope="openid profile",
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
            default_timeout=_REQUEST_SECONDS,
        )
        session.trust_env = False  # no proxy and no password of a user's own files
        session.max_redirects = 0
        if settings.ca_file is not None:
            session.verify = str(settings.ca_file)
        return session

    def _get(self, address: str) -> dict[str, Any]:
        from requests import RequestException  # noqa: PLC0415 - comes with the extra

        try:
            with (
                self._session() as session,
                session.get(
                    address, withhold_token=True, stream=True, allow_redirects=False
                ) as answer,
            ):
                content = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
                if answer.status_code != 200 or len(content) > _MOST_BYTES:  # noqa: PLR2004 - HTTP's own
                    raise IssuerRefusedError(Flaw.ANSWER, answer.status_code)
                found = json.loads(content)
        except (RequestException, OSError) as error:
            _log.warning("The issuer does not answer: %s", type(error).__name__)
            raise BusyError(said("account.issuer_away"), seconds=10) from None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise IssuerRefusedError(Flaw.ANSWER)
        return found

    def _description(self) -> dict[str, Any]:
        with self._lock:
            if self._described is None or time.monotonic() - self._described[0] > _KEPT_SECONDS:
                issuer = self.settings.issuer
                found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != issuer:
                    raise IssuerRefusedError(Flaw.ISSUER)
                needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
                places = [found.get(name) for name in needed]
                if not all(isinstance(place, str) and _is_near(place, issuer) for place in places):
                    raise IssuerRefusedError(Flaw.ADDRESSES)
                self._described = time.monotonic(), found
            return self._described[1]

    def _key_set(self, *, is_again: bool = False) -> Any:  # noqa: ANN401 - joserfc's
        from joserfc.errors import JoseError  # noqa: PLC0415 - comes with the extra
        from joserfc.jwk import KeySet  # noqa: PLC0415 - as above

        place = self._description()["jwks_uri"]
        with self._lock:
            kept_for = _ASK_AGAIN_SECONDS if is_again else _KEPT_SECONDS
            if self._keys is None or time.monotonic() - self._keys[0] > kept_for:
                try:
                    keys = KeySet.import_key_set(self._get(place))
                except (JoseError, ValueError, KeyError, TypeError):
                    raise IssuerRefusedError(Flaw.KEYS) from None
                self._keys = time.monotonic(), keys
            return self._keys[1]

    def _token(self, back: str, code: str, verifier: str) -> str:
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - an extra
        from requests import RequestException  # noqa: PLC0415 - comes with the extra

        try:
            with self._session(back) as session:
                told = session.fetch_token(
                    self._description()["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    allow_redirects=False,
                )
        except AuthlibBaseError as error:
            raise IssuerRefusedError(Flaw.CODE, error.error) from None
        except (RequestException, OSError) as error:
            _log.warning("The issuer does not answer: %s", type(error).__name__)
            raise BusyError(said("account.issuer_away"), seconds=10) from None
        except ValueError:
            raise IssuerRefusedError(Flaw.CODE) from None
        token = told.get("id_token")
        if not isinstance(token, str):
            raise IssuerRefusedError(Flaw.CODE)
        return token

    # ---- looking --------------------------------------------------------------------------------

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token after every check."""
        from joserfc import jwt  # noqa: PLC0415 - comes with the extra
        from joserfc.errors import JoseError  # noqa: PLC0415 - as above

        settings = self.settings
        for is_again in (False, True):  # keys are changed now and then
            try:
                found = jwt.decode(token, self._key_set(is_again=is_again), list(ALGORITHMS))
                break
            except (JoseError, ValueError, TypeError, KeyError) as error:
                reason = type(error).__name__
        else:
            raise IssuerRefusedError(Flaw.TOKEN, reason)
        claims: dict[str, Any] = dict(found.claims)
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise IssuerRefusedError(Flaw.CLAIMS, error) from None
        is_ours = claims.get("azp", settings.client_id) == settings.client_id
        has_many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if not is_ours or (has_many and "azp" not in claims):
            raise IssuerRefusedError(Flaw.PARTY)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise IssuerRefusedError(Flaw.NONCE)
        return claims

    def _claimed(self, claims: Mapping[str, Any]) -> Claimed:
        settings = self.settings
        subject, name = claims["sub"], claims.get(settings.name_claim)
        if not (isinstance(subject, str) and subject and isinstance(name, str) and name):
            raise IssuerRefusedError(Flaw.NAME, settings.name_claim)
        told = claims.get(settings.role_claim)
        values = told if isinstance(told, list) else [told]
        given = (settings.roles.get(one, frozenset()) for one in values if isinstance(one, str))
        return Claimed(f"{settings.issuer}\n{subject}", name, frozenset().union(*given))


def _is_near(place: str, issuer: str) -> bool:
    """Whether an address is as well protected as the issuer's own."""
    address = urlsplit(place)
    own = urlsplit(issuer)
    return bool(address.hostname) and address.scheme in {"https", own.scheme}
