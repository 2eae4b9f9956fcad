"""Signing in: passwords, sessions, tokens, and what happens after failed tries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest

from geo_service.access import Role
from geo_service.errors import ConflictError, InvalidQueryError, NotFoundError, StoreError
from geo_service.planning import accounts
from geo_service.planning.accounts import AccountDesk, parks_within
from geo_service.stores.base import Store
from geo_service.stores.opening import open_store
from geo_service.wording import said
from geo_service.workspace.opening import open_plan
from tests.suitability.made import five_sites

PASSWORD, OTHER = "a long password", "another password"
START = datetime(2026, 11, 30, 8, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        """Return the moment that was set."""
        return self.moment

    def forward(self, **parts: float) -> None:
        """Let time go on."""
        self.moment += timedelta(**parts)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    monkeypatch.setattr(accounts, "_LOOK_AGAIN_SECONDS", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path, "999999")) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(store: Store, clock: Clock) -> AccountDesk:
    """Return a desk with one account, li, a planner and reviewer."""
    made = AccountDesk(lambda: store.accounts, now=clock)
    made.add("li", [Role.PLANNER, Role.REVIEWER], PASSWORD)
    return made


def signed_in(desk: AccountDesk, password: str = PASSWORD) -> str:
    """Sign li in and return the cookie."""
    cookie = desk.sign_in("li", password).cookie
    assert cookie is not None
    return cookie


def test_the_store_holds_no_password_and_no_cookie(desk: AccountDesk, store: Store) -> None:
    cookie = signed_in(desk)
    token = desk.make_token("li", [Role.PLANNER])[1]
    kept = repr(store.rows_of_accounts()) + repr(store.accounts.find("li"))
    assert not any(secret in kept for secret in (PASSWORD, cookie, token))
    found = store.accounts.find("li")
    assert found is not None
    assert str(found.password).startswith("$argon2id$")


@pytest.mark.parametrize("name", ["", " ", "-li", "li wei", "a" * 61, "li\n", "<b>", "li/../x"])
def test_a_name_that_could_mislead_is_refused(desk: AccountDesk, name: str) -> None:
    if name.strip() == "li":
        with pytest.raises(ConflictError):
            desk.add(name, [Role.VIEWER], PASSWORD)
        return
    with pytest.raises(InvalidQueryError):
        desk.add(name, [Role.VIEWER], PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 201, "Wang.Fang.12"])
def test_a_weak_password_is_refused(desk: AccountDesk, password: str) -> None:
    with pytest.raises(InvalidQueryError):
        desk.add("wang.fang.12", [Role.VIEWER], password)


def test_an_account_needs_a_role(desk: AccountDesk) -> None:
    with pytest.raises(InvalidQueryError):
        desk.add("wang", [], PASSWORD)


def test_a_right_password_signs_in_and_a_wrong_one_does_not(desk: AccountDesk) -> None:
    who = desk.who_by_cookie(signed_in(desk))
    assert who is not None
    assert (who.account, set(who.roles), who.parks) == ("li", {Role.PLANNER, Role.REVIEWER}, None)
    for name, password in (("li", OTHER), ("nobody", PASSWORD), ("li", ""), ("li", "x" * 9_999)):
        assert desk.sign_in(name, password).cookie is None
    assert desk.who_by_cookie("made up") is None


def test_after_five_failures_a_name_waits_longer_each_time(desk: AccountDesk, clock: Clock) -> None:
    """30 s after the fifth, 60 s after the sixth, at most 15 minutes; the name need not exist."""
    for name in ("li", "nobody"):
        waits = [desk.sign_in(name, OTHER).wait_seconds for _ in range(5)]
        assert waits == [0, 0, 0, 0, 30]
        clock.forward(seconds=29)
        assert desk.sign_in(name, PASSWORD).wait_seconds == 1  # not even looked at
        clock.forward(seconds=1)
        assert desk.sign_in(name, OTHER).wait_seconds == 60
        for _ in range(10):
            clock.forward(seconds=900)
            desk.sign_in(name, OTHER)
        assert desk.sign_in(name, OTHER).wait_seconds == 900
        clock.forward(seconds=900)
    signed_in(desk)
    assert desk.sign_in("li", OTHER).wait_seconds == 0  # success has wiped the slate


def test_a_new_password_lifts_a_lock_and_ends_sessions(desk: AccountDesk) -> None:
    cookie = signed_in(desk)
    for _ in range(5):
        desk.sign_in("li", OTHER)
    desk.set_password("li", OTHER)
    assert desk.who_by_cookie(cookie) is None
    assert desk.sign_in("li", PASSWORD).cookie is None
    signed_in(desk, OTHER)


def test_a_session_ends_when_it_is_idle(desk: AccountDesk, clock: Clock) -> None:
    cookie = signed_in(desk)
    for _ in range(3):
        clock.forward(minutes=59)
        assert desk.who_by_cookie(cookie) is not None
    clock.forward(minutes=60)
    assert desk.who_by_cookie(cookie) is None
    clock.moment -= timedelta(minutes=30)
    assert desk.who_by_cookie(cookie) is None  # it is gone, not asleep


def test_a_session_ends_after_twelve_hours_in_use(desk: AccountDesk, clock: Clock) -> None:
    cookie = signed_in(desk)
    for _ in range(23):
        clock.forward(minutes=30)
        assert desk.who_by_cookie(cookie) is not None
    clock.forward(minutes=30)
    assert desk.who_by_cookie(cookie) is None


def test_a_clock_set_back_does_not_make_a_session_last(desk: AccountDesk, clock: Clock) -> None:
    cookie = signed_in(desk)
    clock.moment -= timedelta(days=1)
    assert desk.who_by_cookie(cookie) is None


def test_signing_out_ends_one_session_or_all(desk: AccountDesk) -> None:
    first, second, third = (signed_in(desk) for _ in range(3))
    desk.sign_out(first)
    assert desk.who_by_cookie(first) is None
    assert desk.who_by_cookie(second) is not None
    assert desk.sign_out_everywhere("li") == 2
    assert desk.who_by_cookie(second) is None
    assert desk.who_by_cookie(third) is None


def test_a_disabled_account_is_out_at_once_for_every_process(
    desk: AccountDesk, store: Store, clock: Clock
) -> None:
    cookie, token = signed_in(desk), desk.make_token("li", [Role.PLANNER])[1]
    other = AccountDesk(lambda: store.accounts, now=clock)
    other.set_disabled("li", is_disabled=True)
    assert desk.who_by_cookie(cookie) is None
    assert desk.who_by_token(token) is None
    assert desk.sign_in("li", PASSWORD).cookie is None
    assert desk.are_kept()
    other.set_disabled("li", is_disabled=False)
    assert desk.who_by_token(token) is not None
    signed_in(desk)


def test_one_changes_ones_password_by_the_old_one(desk: AccountDesk) -> None:
    cookie = signed_in(desk)
    assert desk.change_password("li", OTHER, OTHER) is None
    with pytest.raises(InvalidQueryError):
        desk.change_password("li", PASSWORD, "short")
    changed = desk.change_password("li", PASSWORD, OTHER)
    assert changed is not None
    assert changed.cookie is not None
    assert desk.who_by_cookie(cookie) is None
    assert desk.who_by_cookie(changed.cookie) is not None


# ---- tokens --------------------------------------------------------------------------------------


def test_a_token_has_the_roles_that_it_and_its_account_have(
    desk: AccountDesk, store: Store
) -> None:
    made, text = desk.make_token("li", [Role.PLANNER], days=1, note="nightly")
    who = desk.who_by_token(text)
    assert who is not None
    assert (who.account, set(who.roles), who.by_token) == ("li", {Role.PLANNER}, made.id)
    store.accounts.change("li", roles='["reviewer"]')
    narrowed = desk.who_by_token(text)
    assert narrowed is not None
    assert narrowed.roles == set()
    with pytest.raises(InvalidQueryError):
        desk.make_token("li", [Role.ADMIN])
    with pytest.raises(InvalidQueryError):
        desk.make_token("li", [])
    with pytest.raises(NotFoundError):
        desk.make_token("nobody", [Role.PLANNER])


def test_a_token_expires_is_revoked_and_says_when_it_was_used(
    desk: AccountDesk, clock: Clock
) -> None:
    made, text = desk.make_token("li", [Role.PLANNER], days=1)
    assert desk.tokens()[0].last_used_at is None
    clock.forward(hours=23)
    assert desk.who_by_token(text) is not None
    assert desk.tokens()[0].last_used_at == clock.moment
    clock.forward(hours=1)
    assert desk.who_by_token(text) is None
    other, text = desk.make_token("li", [Role.PLANNER])
    desk.revoke_token(other.id)
    assert desk.who_by_token(text) is None
    assert desk.who_by_token("gst_" + "x" * 43) is None
    assert desk.who_by_token(made.id) is None
    for days in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(InvalidQueryError):
            desk.make_token("li", [Role.PLANNER], days=days)


# ---- limits --------------------------------------------------------------------------------------


def test_a_clock_set_back_does_not_make_a_token_last(
    desk: AccountDesk, store: Store, clock: Clock
) -> None:
    """Of one day: used after 20 hours, over after 25, and not again when it is earlier."""
    _, text = desk.make_token("li", [Role.PLANNER], days=1)
    clock.forward(hours=20)
    assert desk.who_by_token(text) is not None
    clock.forward(hours=5)
    assert desk.who_by_token(text) is None
    clock.forward(hours=-3)  # 22 hours: this process knows that it was later
    assert desk.who_by_token(text) is None
    later = AccountDesk(lambda: store.accounts, now=clock)
    clock.forward(hours=-4)  # 18 hours: another one knows that the token was used later
    assert later.who_by_token(text) is None
    clock.forward(hours=3)
    assert later.who_by_token(text) is not None


@pytest.mark.parametrize("name", ["li", "nobody"])
def test_names_that_exist_and_others_cost_the_same(
    desk: AccountDesk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One hash is compared, made with the same cost; a password that is too long, too."""
    desk.sign_in("nobody", PASSWORD)  # the hash that stands for nobody's is made once
    compared: list[str] = []
    hasher = desk._hasher  # noqa: SLF001 - what is counted

    def verify(hashed: str, password: str) -> bool:
        compared.append(hashed.rsplit("$", 2)[0])
        return type(hasher).verify(hasher, hashed, password)

    monkeypatch.setattr(desk, "_hasher", Mock(wraps=hasher, verify=verify))
    for password in (OTHER, "x" * 1_000):
        assert desk.sign_in(name, password).cookie is None
    assert compared == ["$argon2id$v=19$m=64,t=1,p=1"] * 2


def test_limits_are_parks_and_all_parks_of_townships(tmp_path: Path) -> None:
    plan = open_plan(five_sites().write(tmp_path / "county"))
    assert parks_within(plan, ("P1",), ()) == {"P1"}
    assert parks_within(plan, (), ("nowhere",)) == frozenset()
    rows = plan.frame("parks")
    code = rows.loc[rows["park_id"] == "P2", "township_code"].iloc[0]
    within = set(rows.loc[rows["township_code"] == code, "park_id"])
    assert parks_within(plan, ("P1",), (code,)) == {"P1"} | within


def test_limits_that_name_nothing_are_refused(store: Store, tmp_path: Path) -> None:
    plan = open_plan(five_sites().write(tmp_path / "county"))
    desk = AccountDesk(lambda: store.accounts, plan=lambda: plan)
    for limits in ({"parks": ["P9"]}, {"townships": ["nowhere"]}):
        with pytest.raises(InvalidQueryError):
            desk.add("wang", [Role.PLANNER], PASSWORD, **limits)
    desk.add("wang", [Role.PLANNER], PASSWORD, parks=["P1", "P1"])
    cookie = desk.sign_in("wang", PASSWORD).cookie
    assert cookie is not None
    who = desk.who_by_cookie(cookie)
    assert who is not None
    assert who.parks == frozenset({"P1"})


# ---- a store that fails --------------------------------------------------------------------------


def test_a_store_that_fails_opens_no_door(
    desk: AccountDesk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = signed_in(desk)
    assert desk.are_kept()

    def fail(*_: object, **__: object) -> None:
        raise StoreError(said("problem.store_full_told"))

    for name in ("are_kept", "session", "find"):
        monkeypatch.setattr(store.accounts, name, fail)
    assert desk.are_kept()
    with pytest.raises(StoreError):
        desk.who_by_cookie(cookie)
