"""Accounts, their tokens and sessions, and which results belong to them, in a store's catalogue.

Keeps digests only: of passwords what argon2 made of them, of tokens and cookies SHA-256. What
a password must be, how long a session lasts and when somebody is locked out is decided elsewhere
(`planning.accounts`). Nothing is written, and no catalogue is made, by reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo_service.access import Role
from geo_service.errors import ConflictError, NotFoundError
from geo_service.stores.tables import accounts, claims, sessions, tokens, tries
from geo_service.wording import said

_SHOWN = 80
MOST_TRIED = 10_000
"""Names whose failed tries are remembered at once, each in about 200 bytes: 2 MB in all."""


def digest_of(secret: str) -> str:
    """Return what is stored of a token or a cookie: it is random, so SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in."""

    name: str
    roles: frozenset[Role]
    parks: tuple[str, ...] = ()
    """Ids of parks that it is limited to, with those of `townships`; none for no limit."""
    townships: tuple[str, ...] = ()
    """Codes or names of townships that it is limited to."""
    is_disabled: bool = False
    made_at: datetime
    password: str | None = field(default=None, repr=False)
    """An argon2 hash; None if it cannot sign in by password."""

    @property
    def is_limited(self) -> bool:
        """Whether it may see some parks only."""
        return bool(self.parks or self.townships)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a program signs in with, without the token itself."""

    id: str
    account: str
    roles: frozenset[Role]
    note: str = ""
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, moment: datetime) -> bool:
        """Return whether it counts at a moment."""
        is_over = self.expires_at is not None and moment >= self.expires_at
        return self.revoked_at is None and not is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in."""

    digest: str
    account: str
    made_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class FailedTries:
    """How often signing in failed under a name without success in between, and when last."""

    failures: int
    last_at: datetime


Reading = Callable[[], AbstractContextManager[sa.Connection | None]]
Writing = Callable[[], AbstractContextManager[sa.Connection]]


class AccountRecords:
    """The accounts of one store. Methods raise StoreError as the store does."""

    def __init__(self, reading: Reading, writing: Writing) -> None:
        self._reading = reading
        self._writing = writing

    # ---- accounts -----------------------------------------------------------------------------

    def are_kept(self) -> bool:
        """Return whether there is any account, disabled ones included."""
        return bool(self._rows(sa.select(accounts.c.name).limit(1)))

    def all(self) -> list[Account]:
        """Return every account by name."""
        return [_account(row) for row in self._rows(sa.select(accounts).order_by(accounts.c.name))]

    def find(self, name: str) -> Account | None:
        """Return an account; None for an unknown name."""
        rows = self._rows(sa.select(accounts).where(accounts.c.name == name))
        return _account(rows[0]) if rows else None

    def add(self, account: Account) -> None:
        """Keep a new account; raises ConflictError if the name is taken."""
        with self._writing() as connection:
            query = sa.select(accounts.c.name).where(accounts.c.name == account.name)
            if connection.execute(query).first() is not None:
                raise ConflictError(said("account.taken", name=repr(account.name)))
            connection.execute(sa.insert(accounts).values(**_row_of(account)))

    def change(self, name: str, **values: Any) -> None:  # noqa: ANN401 - columns of the table
        """Set columns of an account, and end its sessions; raises NotFoundError for no such."""
        with self._writing() as connection:
            change = sa.update(accounts).where(accounts.c.name == name).values(**values)
            if not connection.execute(change).rowcount:
                raise _no_account(name)
            connection.execute(sa.delete(sessions).where(sessions.c.account == name))

    # ---- sessions and tries -------------------------------------------------------------------

    def begin_session(self, session: Session, *, before: datetime, idle_before: datetime) -> None:
        """Keep a session; drop those that began before a moment, or were idle since another."""
        is_over = (sessions.c.made_at < before) | (sessions.c.seen_at < idle_before)
        with self._writing() as connection:
            connection.execute(sa.delete(sessions).where(is_over))
            row = {
                "digest": session.digest,
                "account": session.account,
                "made_at": session.made_at,
                "seen_at": session.seen_at,
            }
            connection.execute(sa.insert(sessions).values(**row))

    def session(self, digest: str) -> Session | None:
        """Return a session; None if there is none."""
        rows = self._rows(sa.select(sessions).where(sessions.c.digest == digest))
        return Session(**rows[0]._mapping) if rows else None  # noqa: SLF001 - SQLAlchemy's own name

    def touch_session(self, digest: str, moment: datetime) -> None:
        """Record that a session was used."""
        change = sa.update(sessions).where(sessions.c.digest == digest)
        with self._writing() as connection:
            connection.execute(change.values(seen_at=moment))

    def end_session(self, digest: str) -> None:
        """Sign one browser out."""
        with self._writing() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.digest == digest))

    def end_sessions(self, name: str) -> int:
        """Sign an account out everywhere; return of how many browsers."""
        with self._writing() as connection:
            gone = connection.execute(sa.delete(sessions).where(sessions.c.account == name))
            return gone.rowcount

    def tries(self, name: str) -> FailedTries | None:
        """Return the failed tries under a name, an account's or not."""
        key = digest_of(name)
        rows = self._rows(sa.select(tries).where(tries.c.name == key))
        return FailedTries(rows[0].failures, rows[0].last_at) if rows else None

    def count_failure(self, name: str, moment: datetime, *, forget_before: datetime) -> int:
        """Count one more failed try under a name and return how many there are.

        Forgets tries that were made before a moment; of more than `MOST_TRIED` names the one
        with the fewest failures, of equal ones the oldest, so that no flood of names takes more
        room or lifts another name's wait cheaply.
        """
        key = digest_of(name)
        with self._writing() as connection:
            connection.execute(sa.delete(tries).where(tries.c.last_at < forget_before))
            query = sa.select(tries.c.failures).where(tries.c.name == key)
            failures = connection.execute(query).scalar()
            if failures is None:
                held = connection.execute(sa.select(sa.func.count()).select_from(tries)).scalar()
                if held is not None and held >= MOST_TRIED:
                    first = sa.select(tries.c.name).order_by(tries.c.failures, tries.c.last_at)
                    gone = connection.execute(first.limit(held - MOST_TRIED + 1)).scalars().all()
                    connection.execute(sa.delete(tries).where(tries.c.name.in_(gone)))
                connection.execute(sa.insert(tries).values(name=key, failures=1, last_at=moment))
                return 1
            change = sa.update(tries).where(tries.c.name == key)
            connection.execute(change.values(failures=failures + 1, last_at=moment))
            return int(failures) + 1

    def forget_tries(self, name: str) -> None:
        """Forget failed tries under a name."""
        with self._writing() as connection:
            connection.execute(sa.delete(tries).where(tries.c.name == digest_of(name)))

    # ---- tokens -------------------------------------------------------------------------------

    def add_token(self, token: Token, digest: str) -> None:
        """Keep a token by its digest; raises NotFoundError for an unknown account."""
        row = {
            "id": token.id,
            "account": token.account,
            "digest": digest,
            "roles": _listed(sorted(token.roles)),
            "note": token.note,
            "made_at": token.made_at,
            "expires_at": token.expires_at,
        }
        with self._writing() as connection:
            query = sa.select(accounts.c.name).where(accounts.c.name == token.account)
            if connection.execute(query).first() is None:
                raise _no_account(token.account)
            connection.execute(sa.insert(tokens).values(**row))

    def tokens(self) -> list[Token]:
        """Return every token, the newest first."""
        order = (tokens.c.made_at.desc(), tokens.c.id)
        return [_token(row) for row in self._rows(sa.select(tokens).order_by(*order))]

    def token(self, digest: str) -> Token | None:
        """Return a token by the digest of what was shown once; None for an unknown one."""
        rows = self._rows(sa.select(tokens).where(tokens.c.digest == digest))
        return _token(rows[0]) if rows else None

    def revoke_token(self, identity: str, moment: datetime) -> Token:
        """Make a token count no longer; raises NotFoundError for an unknown id."""
        with self._writing() as connection:
            own = tokens.c.id == identity
            row = connection.execute(sa.select(tokens).where(own)).first()
            if row is None:
                raise NotFoundError(said("account.no_token", name=repr(identity[:_SHOWN])))
            if row.revoked_at is None:
                connection.execute(sa.update(tokens).where(own).values(revoked_at=moment))
            return _token(connection.execute(sa.select(tokens).where(own)).one())

    def touch_token(self, identity: str, moment: datetime) -> None:
        """Record that a token was used."""
        with self._writing() as connection:
            change = sa.update(tokens).where(tokens.c.id == identity)
            connection.execute(change.values(last_used_at=moment))

    # ---- what belongs to whom -----------------------------------------------------------------

    def claim(self, kind: str, identity: str, account: str) -> None:
        """Record that a result belongs to an account, with those that it belongs to already."""
        row = {"kind": kind, "id": identity, "account": account}
        own = [column == row[name] for name, column in claims.c.items()]
        with self._writing() as connection:
            if connection.execute(sa.select(claims).where(*own)).first() is None:
                connection.execute(sa.insert(claims).values(**row))

    def owners(self, kind: str, identities: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the accounts that results belong to, by id; nobody's are left out."""
        ids = list(identities)
        if not ids:
            return {}
        query = sa.select(claims.c.id, claims.c.account)
        found: dict[str, set[str]] = {}
        for row in self._rows(query.where(claims.c.kind == kind, claims.c.id.in_(ids))):
            found.setdefault(row.id, set()).add(row.account)
        return {identity: frozenset(names) for identity, names in found.items()}

    def foreign(self, kind: str, account: str) -> frozenset[str]:
        """Return the ids of results that belong to other accounts only."""
        own = sa.select(claims.c.id).where(claims.c.kind == kind, claims.c.account == account)
        query = sa.select(claims.c.id).where(claims.c.kind == kind, claims.c.id.not_in(own))
        return frozenset(row.id for row in self._rows(query))

    def drop_claims(self, kind: str, identity: str) -> None:
        """Forget whose a result was, once it is gone."""
        with self._writing() as connection:
            is_meant = (claims.c.kind == kind) & (claims.c.id == identity)
            connection.execute(sa.delete(claims).where(is_meant))

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._reading() as connection:
            return [] if connection is None else connection.execute(query).all()


def _no_account(name: str) -> NotFoundError:
    return NotFoundError(said("account.unknown", name=repr(name[:_SHOWN])))


def _listed(items: Sequence[str]) -> str:
    return json.dumps(list(items), ensure_ascii=False)


def _roles(text: str) -> frozenset[Role]:
    """Return the roles of a list; those that this release does not know permit nothing."""
    known = set(Role)
    return frozenset(Role(name) for name in json.loads(text) if name in known)


def _row_of(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "password": account.password,
        "roles": _listed(sorted(account.roles)),
        "parks": _listed(account.parks) if account.parks else None,
        "townships": _listed(account.townships) if account.townships else None,
        "is_disabled": account.is_disabled,
        "made_at": account.made_at,
    }


def _account(row: sa.Row[Any]) -> Account:
    return Account(
        name=row.name,
        roles=_roles(row.roles),
        parks=tuple(json.loads(row.parks or "[]")),
        townships=tuple(json.loads(row.townships or "[]")),
        is_disabled=row.is_disabled,
        made_at=row.made_at,
        password=row.password,
    )


def _token(row: sa.Row[Any]) -> Token:
    return Token(
        id=row.id,
        account=row.account,
        roles=_roles(row.roles),
        note=row.note,
        made_at=row.made_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
