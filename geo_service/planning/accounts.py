"""Accounts of a county: added, signed in by password or token, signed out, disabled.

`AccountDesk` answers for a running service and for the command line alike. Passwords are hashed by
argon2; tokens and cookies are random and stored as digests. Which role may do what stands in
`access`; how a request says who it is, in `web`.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from geo_service.access import Acting, Role
from geo_service.errors import InvalidQueryError, NotFoundError, StoreError
from geo_service.planning.auditing import AuditDesk
from geo_service.stores.accounts import Account, AccountRecords, Session, Token, digest_of
from geo_service.wording import said
from geo_service.workspace.opening import open_workspace
from geo_service.zoning.names import township_codes

if TYPE_CHECKING:
    import os

    from argon2 import PasswordHasher

    from geo_service.plan import Plan

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
IDLE = timedelta(hours=1)
"""A session ends if it was not used for so long."""
LONGEST_SESSION = timedelta(hours=12)
FREE_TRIES = 5
"""Failed tries after which a name has to wait."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
"""The wait after that many failures; it doubles with each further one."""
TRIES_FORGOTTEN = timedelta(days=1)
LONGEST_TOKEN = timedelta(days=3_650)
OF_ISSUER = "oidc:"
"""How what stands in place of a password begins for accounts of an issuer; no password fits it."""
_LOOK_AGAIN_SECONDS = 2.0
"""How long it is believed who signed in, and that there are no accounts, before the store is asked
again: changes by other processes are seen after that."""
_TOUCH = timedelta(minutes=1)
"""How exact it is recorded when a session or token was used last."""
_REMEMBERED = 10_000
_TOKEN = re.compile(r"gst_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[\w][\w.@-]{0,59}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What came of a try to sign in: a cookie's value, or None and how long to wait."""

    cookie: str | None
    wait_seconds: int = 0


class AccountDesk:
    """The accounts of one county. Methods are safe to call from several threads.

    They raise StoreError if the store fails.
    """

    def __init__(
        self,
        records: Callable[[], AccountRecords] | None,
        *,
        plan: Callable[[], Plan] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._open = records
        self._plan = plan
        self._now = now
        self._lock = threading.Lock()
        self._seen: TTLCache[str, Acting | None] = TTLCache(_REMEMBERED, _LOOK_AGAIN_SECONDS)
        self._latest = datetime.min.replace(tzinfo=UTC)
        """The latest time that the clock has said."""
        self._are_kept = False
        self._look_at = 0.0
        self._limits: tuple[str, dict[tuple[str, ...], frozenset[str]]] = ("", {})

    @property
    def records(self) -> AccountRecords:
        """The store's records; NotFoundError for a service that was made from a bare plan."""
        if self._open is None:
            raise NotFoundError(said("problem.no_workspace"))
        return self._open()

    # ---- whether there are any ----------------------------------------------------------------

    @property
    def is_known(self) -> bool:
        """Whether `are_kept` can be answered without asking the store."""
        return self._open is None or self._are_kept or time.monotonic() < self._look_at

    def are_kept(self) -> bool:
        """Return whether there are accounts: then nobody does anything without one.

        Accounts are disabled, never removed, so that this does not change back. If the store
        cannot be asked, the last answer counts.
        """
        if not self.is_known:
            with suppress(StoreError):
                self._are_kept = self.records.are_kept()
            self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS
        return self._are_kept

    # ---- kept ---------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        roles: Sequence[Role],
        password: str,
        *,
        parks: Sequence[str] = (),
        townships: Sequence[str] = (),
    ) -> Account:
        """Keep a new account.

        Raises
        ------
        InvalidQueryError
            The name or the password is not allowed, no role is given, or a park or township that
            it is limited to does not exist.
        ConflictError
            The name is taken.
        """
        name = account_name(name)
        if not roles:
            parameter = "role"
            raise InvalidQueryError(parameter, said("account.no_role"))
        check_password(password, name)
        self._check_limits(parks, townships)
        account = Account(
            name=name,
            roles=frozenset(roles),
            parks=tuple(dict.fromkeys(parks)),
            townships=tuple(dict.fromkeys(townships)),
            made_at=self._now(),
            password=self._hasher.hash(password),
        )
        self.records.add(account)
        self._forget()
        return replace(account, password=None)

    def _check_limits(self, parks: Sequence[str], townships: Sequence[str]) -> None:
        if not (parks or townships) or self._plan is None:
            return
        plan = self._plan()
        known = set(plan.parks["park_id"])
        unknown = [one for one in parks if one not in known]
        if unknown:
            parameter = "parks"
            raise InvalidQueryError(parameter, said("problem.no_park", park=repr(unknown[0][:80])))
        for one in townships:
            if not parks_within(plan, (), (one,)):
                parameter = "townships"
                told = said("account.no_park_in", township=repr(one[:80]))
                raise InvalidQueryError(parameter, told)

    def all(self) -> list[Account]:
        """Return every account by name, without hashes."""
        return [replace(account, password=None) for account in self.records.all()]

    def set_disabled(self, name: str, *, is_disabled: bool) -> None:
        """Let an account sign in no longer, or again; its sessions end at once."""
        self.records.change(account_name(name), is_disabled=is_disabled)
        self._forget()

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; its sessions end, failed tries are forgotten."""
        name = account_name(name)
        check_password(password, name)
        account = self.records.find(name)
        if account is not None and (account.password or "").startswith(OF_ISSUER):
            parameter = "name"
            raise InvalidQueryError(parameter, said("account.of_issuer", name=repr(name)))
        self.records.change(name, password=self._hasher.hash(password))
        self.records.forget_tries(name)
        self._forget()

    # ---- signing in ---------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> SignedIn:
        """Begin a session if the password is right; count a failed try if not.

        After `FREE_TRIES` failures a name has to wait, longer each time, whether the account
        exists or not; what is tried meanwhile is not looked at.
        """
        name, now = unicodedata.normalize("NFC", name.strip())[:LONGEST_PASSWORD], self._now()
        wait = self._wait(name, now)
        if wait > 0:
            return SignedIn(None, wait)
        account = self.records.find(name)
        is_right = self._is_right(None if account is None else account.password, password)
        if account is None or account.is_disabled or not is_right:
            forgotten = now - TRIES_FORGOTTEN
            self.records.count_failure(name, now, forget_before=forgotten)
            return SignedIn(None, self._wait(name, now))
        if self.records.tries(name) is not None:
            self.records.forget_tries(name)
        return self._begun(name, now)

    def sign_in_from(self, subject: str, name: str, roles: frozenset[Role]) -> Account | None:
        """Return the account of somebody whom an issuer knows, made or with other roles if need be.

        It is found by the subject, whatever the name; its roles are the given ones from now on.
        None if there are no roles, the account is disabled, or another one has the name: an
        account with a password is never taken over.
        """
        key = f"{OF_ISSUER}{digest_of(subject)}"
        found = next((one for one in self.records.all() if one.password == key), None)
        if found is None:
            if not roles or self.records.find(account_name(name)) is not None:
                return None
            made = Account(name=account_name(name), roles=roles, made_at=self._now(), password=key)
            self.records.add(made)
            self._forget()
            return replace(made, password=None)
        if found.roles != roles:
            self.records.change(found.name, roles=json.dumps(sorted(roles)))
            self._forget()
        is_refused = found.is_disabled or not roles
        return None if is_refused else replace(found, roles=roles, password=None)

    def begin_session(self, name: str) -> SignedIn:
        """Begin a session of an account that was signed in elsewhere."""
        return self._begun(name, self._now())

    def _begun(self, name: str, now: datetime) -> SignedIn:
        cookie = secrets.token_urlsafe(32)
        session = Session(digest=digest_of(cookie), account=name, made_at=now, seen_at=now)
        before, idle_before = now - LONGEST_SESSION, now - IDLE
        self.records.begin_session(session, before=before, idle_before=idle_before)
        return SignedIn(cookie)

    def known_name(self, name: str) -> str | None:
        """Return a name as it is kept if an account has it, for the audit; else None."""
        account = self.records.find(unicodedata.normalize("NFC", name.strip()))
        return None if account is None else account.name

    def _wait(self, name: str, now: datetime) -> int:
        """Return for how many seconds nothing is tried under a name."""
        failed = self.records.tries(name)
        if failed is None or failed.failures < FREE_TRIES:
            return 0
        doubled = min(failed.failures - FREE_TRIES, 10)
        ends = failed.last_at + min(LONGEST_WAIT, FIRST_WAIT * 2**doubled)
        return max(0, -int((now - ends).total_seconds() // 1))

    def change_password(self, name: str, old: str, new: str) -> SignedIn | None:
        """Change one's own password and begin a new session; None if the old one is wrong.

        InvalidQueryError for a new one that is not allowed.
        """
        check_password(new, name)
        result = self.sign_in(name, old)
        if result.cookie is None:
            return None
        self.set_password(name, new)
        return self.sign_in(name, new)

    def who_by_cookie(self, cookie: str) -> Acting | None:
        """Return who is signed in with a cookie; None if nobody is any more."""
        return self._who(digest_of(cookie), self._by_session)

    def who_by_token(self, text: str) -> Acting | None:
        """Return whose a token is; None if it is none, or counts no longer."""
        return self._who(digest_of(text), self._by_token) if _TOKEN.fullmatch(text) else None

    def is_remembered(self, secret: str) -> bool:
        """Whether a cookie or token was looked up just now."""
        with self._lock:
            return digest_of(secret) in self._seen

    def _who(self, digest: str, find: Callable[[str], Acting | None]) -> Acting | None:
        with self._lock:
            if digest in self._seen:
                return self._seen[digest]
        found = find(digest)
        with self._lock:
            self._seen[digest] = found
        return found

    def _by_session(self, digest: str) -> Acting | None:
        session, now = self.records.session(digest), self._now()
        if session is None:
            return None
        is_begun = session.made_at <= now and session.seen_at <= now + _TOUCH
        is_over = now - session.made_at >= LONGEST_SESSION or now - session.seen_at >= IDLE
        if is_over or not is_begun:  # a clock that was set back must not make it last longer
            self.records.end_session(digest)
            return None
        if now - session.seen_at >= _TOUCH:
            self._touch(lambda: self.records.touch_session(digest, now))
        return self._acting(session.account, None, None)

    def _by_token(self, digest: str) -> Acting | None:
        token, now = self.records.token(digest), self._now()
        with self._lock:
            self._latest = max(self._latest, now)
            latest = self._latest
        if token is None or not token.is_valid(latest):
            return None
        if max(token.made_at, token.last_used_at or token.made_at) > now + _TOUCH:
            return None  # a clock that was set back must not make it last longer
        if token.last_used_at is None or abs(now - token.last_used_at) >= _TOUCH:
            self._touch(lambda: self.records.touch_token(token.id, now))
        return self._acting(token.account, token.roles, token.id)

    def _touch(self, work: Callable[[], None]) -> None:
        """Record a use; a store that is full must not sign anybody out."""
        try:
            work()
        except StoreError as error:
            _log.warning("It was not recorded that somebody is signed in: %s", error)

    def _acting(self, name: str, scope: frozenset[Role] | None, token: str | None) -> Acting | None:
        account = self.records.find(name)
        if account is None or account.is_disabled:
            return None
        roles = account.roles if scope is None else account.roles & scope
        return Acting(account=name, roles=roles, parks=self._parks_of(account), by_token=token)

    def _parks_of(self, account: Account) -> frozenset[str] | None:
        if not account.is_limited:
            return None
        if self._plan is None:
            return frozenset(account.parks)
        plan = self._plan()
        key = (*account.parks, "", *account.townships)
        version, known = self._limits
        if version != plan.version:
            known = {}
            self._limits = (plan.version, known)
        if key not in known:
            known[key] = parks_within(plan, account.parks, account.townships)
        return known[key]

    # ---- signing out --------------------------------------------------------------------------

    def sign_out(self, cookie: str) -> None:
        """End one session."""
        self.records.end_session(digest_of(cookie))
        self._forget()

    def sign_out_everywhere(self, name: str) -> int:
        """End every session of an account; return how many there were."""
        count = self.records.end_sessions(name)
        self._forget()
        return count

    def _forget(self) -> None:
        with self._lock:
            self._seen.clear()
        self._look_at = 0.0

    # ---- tokens -------------------------------------------------------------------------------

    def make_token(
        self,
        name: str,
        roles: Sequence[Role],
        *,
        days: float | None = None,
        note: str = "",
    ) -> tuple[Token, str]:
        """Make a token for some of an account's roles; return it, and what is shown once.

        Raises
        ------
        NotFoundError
            There is no such account.
        InvalidQueryError
            The account does not have one of the roles, or the time is out of range.
        """
        account = self.records.find(account_name(name))
        if account is None:
            raise NotFoundError(said("account.unknown", name=repr(name[:80])))
        lacking = [role for role in roles if role not in account.roles]
        if lacking or not roles:
            parameter = "role"
            lacks = said("account.lacks_role", name=account.name, role=", ".join(lacking))
            raise InvalidQueryError(parameter, lacks if lacking else said("account.no_role"))
        now = self._now()
        if days is not None and not 0 < days <= LONGEST_TOKEN.days:
            parameter = "days"
            raise InvalidQueryError(parameter, said("account.token_days", most=LONGEST_TOKEN.days))
        text = f"gst_{secrets.token_urlsafe(32)}"
        token = Token(
            id=f"t{secrets.token_hex(6)}",
            account=account.name,
            roles=frozenset(roles),
            note=note[:200],
            made_at=now,
            expires_at=None if days is None else now + timedelta(days=days),
        )
        self.records.add_token(token, digest_of(text))
        return token, text

    def tokens(self) -> list[Token]:
        """Return every token, the newest first; none of them can be shown again."""
        return self.records.tokens()

    def revoke_token(self, identity: str) -> Token:
        """Make a token count no longer; NotFoundError for an unknown id."""
        revoked = self.records.revoke_token(identity, self._now())
        self._forget()
        return revoked

    # ---- passwords ----------------------------------------------------------------------------

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # noqa: PLC0415 - only where there are accounts

        return PasswordHasher(**HASHING)

    @cached_property
    def _nobodys(self) -> str:
        """A hash that no password has: an unknown name takes as long as a known one."""
        return self._hasher.hash(secrets.token_urlsafe(32))

    def _is_right(self, hashed: str | None, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as above

        is_possible = hashed is not None and len(password) <= LONGEST_PASSWORD
        try:
            self._hasher.verify(hashed or self._nobodys, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return False
        return is_possible


HASHING: dict[str, Any] = {"time_cost": 3, "memory_cost": 65_536, "parallelism": 1}
"""Argon2id with the second recommended choice of RFC 9106: 64 MiB, three passes."""


def account_name(name: str) -> str:
    """Return an account's name as it is kept: letters of any script, digits, `._@-`.

    Raises InvalidQueryError for another one.
    """
    plain = unicodedata.normalize("NFC", name.strip())
    if not _NAME.fullmatch(plain):
        parameter = "name"
        raise InvalidQueryError(parameter, said("account.name", name=repr(name[:80])))
    return plain


def check_password(password: str, name: str) -> None:
    """Raise InvalidQueryError for a password that is too short or long, or is the name."""
    is_long_enough = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    if not is_long_enough or password.casefold() == name.casefold():
        parameter = "password"
        limits = {"least": SHORTEST_PASSWORD, "most": LONGEST_PASSWORD}
        raise InvalidQueryError(parameter, said("account.password", **limits))


def parks_within(plan: Plan, parks: Sequence[str], townships: Sequence[str]) -> frozenset[str]:
    """Return the ids of some parks, and of all parks in some townships (codes or names)."""
    codes = {code for one in townships for code in township_codes(plan, one)}
    found = {
        str(park_id)
        for park_id, code in zip(plan.parks["park_id"], plan.parks["township_code"], strict=True)
        if code in codes
    }
    return frozenset({*parks, *found})


@contextmanager
def open_accounts(workspace: str | os.PathLike[str]) -> Iterator[AccountDesk]:
    """Give the accounts of a workspace, for the command line; its store is closed at the end."""
    with open_workspace(workspace) as opened:
        yield AccountDesk(lambda: opened.store.accounts)


def has_accounts(workspace: str | os.PathLike[str]) -> bool:
    """Return whether a workspace has accounts."""
    with open_accounts(workspace) as desk:
        return desk.records.are_kept()


# ---- what the command line asks ------------------------------------------------------------------


def make_account(
    workspace: str | os.PathLike[str],
    name: str,
    roles: Sequence[str],
    password: str,
    *,
    parks: Sequence[str] = (),
    townships: Sequence[str] = (),
) -> tuple[Account, bool]:
    """Keep a new account of a workspace; return it, and whether it is the first one.

    Raises as `AccountDesk.add` does.
    """
    wanted = roles_of(roles)
    with _recorded(workspace, has_plan=bool(parks or townships)) as (desk, audit):
        is_first = not desk.records.are_kept()
        made = desk.add(name, wanted, password, parks=parks, townships=townships)
        audit.record("account add", subject=f"{made.name} {' '.join(sorted(made.roles))}")
        return made, is_first


def disable(workspace: str | os.PathLike[str], name: str, *, is_disabled: bool) -> None:
    """Let an account of a workspace sign in no longer, or again; NotFoundError for none such."""
    with _recorded(workspace) as (desk, audit):
        desk.set_disabled(name, is_disabled=is_disabled)
        audit.record("account disable" if is_disabled else "account enable", subject=name)


def reset_password(workspace: str | os.PathLike[str], name: str, password: str) -> None:
    """Give an account of a workspace another password; NotFoundError for none such."""
    with _recorded(workspace) as (desk, audit):
        desk.set_password(name, password)
        audit.record("account password", subject=name)


def make_token(
    workspace: str | os.PathLike[str],
    roles: Sequence[str],
    *,
    name: str | None = None,
    days: float | None = None,
    note: str = "",
) -> tuple[Token, str] | list[Account]:
    """Make a token for an account of a workspace; return it, and what is shown once.

    Without a name, the one account that has all of the roles is meant; if there are several,
    they are returned instead. Raises as `AccountDesk.make_token` does.
    """
    wanted = roles_of(roles)
    with _recorded(workspace) as (desk, audit):
        if name is None:
            able = [
                one for one in desk.all() if not one.is_disabled and one.roles.issuperset(wanted)
            ]
            if len(able) > 1 and wanted:
                return able
            if not able:
                parameter = "role"
                told = said("account.token_nobody", role=", ".join(wanted))
                raise InvalidQueryError(parameter, told)
            name = able[0].name
        made, text = desk.make_token(name, wanted, days=days, note=note)
        subject = f"{made.id} {made.account} {' '.join(sorted(made.roles))}"
        audit.record("token create", subject=subject)
        return made, text


def revoke(workspace: str | os.PathLike[str], identity: str) -> None:
    """Make a token of a workspace count no longer; NotFoundError for an unknown id."""
    with _recorded(workspace) as (desk, audit):
        revoked = desk.revoke_token(identity)
        audit.record("token revoke", subject=f"{revoked.id} {revoked.account}")


def roles_of(names: Sequence[str]) -> list[Role]:
    """Return roles by name, each once; InvalidQueryError for one that there is not."""
    try:
        return list(dict.fromkeys(Role(name.strip().lower()) for name in names))
    except ValueError:
        parameter = "role"
        raise InvalidQueryError(parameter, said("account.no_role")) from None


@contextmanager
def _recorded(
    workspace: str | os.PathLike[str], *, has_plan: bool = False
) -> Iterator[tuple[AccountDesk, AuditDesk]]:
    with open_workspace(workspace) as opened:
        plan = opened.plan() if has_plan else None
        desk = AccountDesk(
            lambda: opened.store.accounts, plan=None if plan is None else lambda: plan
        )
        yield desk, AuditDesk(lambda: opened.store.audit)


__all__ = ["AccountDesk", "Acting", "Role", "SignedIn", "has_accounts", "open_accounts"]
