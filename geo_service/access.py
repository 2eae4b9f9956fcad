"""Who may do what: roles, actions, the one table of both, and the account for which work is done.

`PERMITS` is the only home of the question which role may do which action; which action a route
is stands in `web/decisions.py`. Where accounts are kept, and how somebody signs in, is decided
elsewhere. Work done for nobody (the command line, a service without accounts) may do everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What an account is for; an account may have several roles."""

    VIEWER = "viewer"
    PLANNER = "planner"
    REVIEWER = "reviewer"
    STEWARD = "steward"
    ADMIN = "admin"


class Action(StrEnum):
    """What a request does, as far as permission is concerned."""

    OPEN = "open"
    """Answered to anybody: the sign-in page, styles, fonts, signs of life."""
    OWN = "own"
    """One's own account: who am I, sign out, change the password."""
    LEARN = "learn"
    """Texts that contain no data of the county: help, licences, the rulebook, classifications."""
    SEE = "see"
    """Look at public figures of the county: no single enterprise's, no small counts."""
    LOOK = "look"
    """Look at the county's data, single enterprises included."""
    PLAN = "plan"
    """Make and change rankings, scenarios and layouts."""
    REVIEW = "review"
    """Review the plan; submit and sign reviews, grant and revoke waivers and approvals."""
    WORK = "work"
    """Say what is done about findings."""
    IMPORT = "import"
    """Import files, roll layers back, publish scenarios."""
    TIDY = "tidy"
    """Pin or drop saved results; those of others only if one administers."""
    ADMINISTER = "administer"
    """Limits of what is saved."""


_EVERYBODY = frozenset(Role)
_STAFF = _EVERYBODY - {Role.VIEWER}

PERMITS: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.OPEN: _EVERYBODY,
        Action.OWN: _EVERYBODY,
        Action.LEARN: _EVERYBODY,
        Action.SEE: _EVERYBODY,
        Action.LOOK: _STAFF,
        Action.PLAN: frozenset({Role.PLANNER}),
        Action.REVIEW: frozenset({Role.REVIEWER}),
        Action.WORK: frozenset({Role.PLANNER, Role.REVIEWER, Role.STEWARD}),
        Action.IMPORT: frozenset({Role.STEWARD}),
        Action.TIDY: frozenset({Role.PLANNER, Role.REVIEWER, Role.ADMIN}),
        Action.ADMINISTER: frozenset({Role.ADMIN}),
    }
)
"""The roles that may do each action; one of an account's roles is enough."""

OVERSEERS = frozenset({Role.REVIEWER, Role.STEWARD, Role.ADMIN})
"""Who may look at rankings, scenarios and layouts of other accounts: they judge and publish them.

Planners see their own, and what nobody owns.
"""


class Partial(StrEnum):
    """Why an account sees only a part of the county."""

    PUBLIC = "public"
    """It gets public figures only."""
    LIMITED = "limited"
    """It gets its own parks only."""
    MASKED = "masked"
    """The workspace keeps layers or columns from its roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What of a county an account may see; equal sights get the same answers."""

    is_public: bool = False
    """Whether only what is public may be seen."""
    parks: frozenset[str] | None = None
    """Ids of the only parks; None for all."""
    hidden: frozenset[str] = frozenset()
    """Layers (`enterprises`) and columns (`enterprises.tax_cny`) that are kept from it."""

    @property
    def partial(self) -> frozenset[Partial]:
        """In which ways it is a part; none if everything may be seen."""
        ways = {
            Partial.PUBLIC: self.is_public,
            Partial.LIMITED: self.parks is not None,
            Partial.MASKED: bool(self.hidden) and not self.is_public,
        }
        return frozenset(way for way, is_so in ways.items() if is_so)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """The account for which something is done, as it stood when the work began."""

    account: str
    roles: frozenset[Role]
    """Roles that count now: of a token, those that both it and its account have."""
    parks: frozenset[str] | None = None
    """Ids of the only parks that it may see; None if it may see all."""
    by_token: str | None = None
    """The id of the token that the request carried; None for a session."""

    def may(self, action: Action) -> bool:
        """Return whether one of the roles permits an action."""
        return not self.roles.isdisjoint(PERMITS[action])

    @property
    def sees_all(self) -> bool:
        """Whether the whole county may be looked at."""
        return self.may(Action.LOOK) and self.parks is None

    def sight(self, restricted: Mapping[str, frozenset[Role]]) -> Sight:
        """Return what may be seen where layers and columns are restricted to some roles."""
        hidden = (name for name, roles in restricted.items() if self.roles.isdisjoint(roles))
        is_public = not self.may(Action.LOOK)
        return Sight(is_public=is_public, parks=self.parks, hidden=frozenset(hidden))

    @property
    def is_overseer(self) -> bool:
        """Whether work of other accounts may be looked at."""
        return not self.roles.isdisjoint(OVERSEERS)


_acting: ContextVar[Acting | None] = ContextVar("_acting", default=None)


def acting() -> Acting | None:
    """Return the account that this work is done for; None if it is done for nobody."""
    return _acting.get()


def acting_name() -> str | None:
    """Return the name of the account that this work is done for."""
    found = _acting.get()
    return None if found is None else found.account


@contextmanager
def acting_as(who: Acting | None) -> Iterator[None]:
    """Do what is inside for an account."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)
