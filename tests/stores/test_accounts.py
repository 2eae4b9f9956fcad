"""Accounts, claims and the audit, in both stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo_service.access import Acting, Role, acting_as
from geo_service.errors import ConflictError, NotFoundError
from geo_service.stores import accounts as account_records
from geo_service.stores.accounts import Account, Session, Token, digest_of
from geo_service.stores.audit import AuditLine
from geo_service.stores.base import Store
from geo_service.stores.chain import Head
from geo_service.stores.opening import open_store
from tests.stores.conftest import COUNTY, Place
from tests.stores.made import catalogue_of
from tests.stores.rows import draft, parcels

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
LI = Account(name="li", roles=frozenset({Role.PLANNER}), made_at=NOW, password="$argon2id$x")  # noqa: S106 - no hash of anything


def test_reading_accounts_makes_no_catalogue(local_place: Place) -> None:
    with closing(local_place.open()) as store:
        assert not store.accounts.are_kept()
        assert store.accounts.all() == []
        assert store.audit.head() is None
        assert store.audit.verify() == []
    assert list(local_place.folder.iterdir()) == []


def test_an_account_is_kept_for_every_process(opening: Callable[[], Store]) -> None:
    store = opening()
    limited = Account(
        name="王",
        roles=frozenset({Role.VIEWER, Role.STEWARD}),
        parks=("P01",),
        townships=("青龙街道",),
        made_at=NOW,
    )
    store.accounts.add(LI)
    store.accounts.add(limited)
    other = opening()
    assert other.accounts.all() == [LI, limited]
    assert limited.is_limited
    assert not LI.is_limited
    with pytest.raises(ConflictError):
        other.accounts.add(LI)
    assert "argon2" not in repr(LI)


def test_a_change_of_an_account_ends_its_sessions(store: Store) -> None:
    store.accounts.add(LI)
    session = Session(digest=digest_of("cookie"), account="li", made_at=NOW, seen_at=NOW)
    long_ago = NOW - timedelta(days=1)
    store.accounts.begin_session(session, before=long_ago, idle_before=long_ago)
    assert store.accounts.session(session.digest) == session
    store.accounts.change("li", is_disabled=True)
    assert store.accounts.session(session.digest) is None
    found = store.accounts.find("li")
    assert found is not None
    assert found.is_disabled
    with pytest.raises(NotFoundError):
        store.accounts.change("nobody", is_disabled=True)


def test_sessions_that_are_over_go_with_the_next_one(store: Store) -> None:
    store.accounts.add(LI)
    long_ago = NOW - timedelta(days=1)
    for cookie, made, seen in (("old", long_ago, NOW), ("idle", NOW, long_ago), ("now", NOW, NOW)):
        session = Session(digest=digest_of(cookie), account="li", made_at=made, seen_at=seen)
        store.accounts.begin_session(
            session, before=NOW - timedelta(hours=12), idle_before=NOW - timedelta(hours=1)
        )
    store.accounts.begin_session(
        Session(digest=digest_of("last"), account="li", made_at=NOW, seen_at=NOW),
        before=NOW - timedelta(hours=12),
        idle_before=NOW - timedelta(hours=1),
    )
    kept = [store.accounts.session(digest_of(name)) for name in ("old", "idle", "now", "last")]
    assert [one is not None for one in kept] == [False, False, True, True]
    assert store.accounts.end_sessions("li") == 2


def test_a_token_is_stored_by_its_digest_alone(place: Place) -> None:
    token = Token(id="t1", account="li", roles=LI.roles, made_at=NOW, expires_at=NOW)
    with closing(place.open()) as store:
        with pytest.raises(NotFoundError):
            store.accounts.add_token(token, digest_of("secret"))
        store.accounts.add(LI)
        store.accounts.add_token(token, digest_of("secret"))
        assert store.accounts.token(digest_of("secret")) == token
        assert store.accounts.token(digest_of("other")) is None
        assert not token.is_valid(NOW)
        assert token.is_valid(NOW - timedelta(seconds=1))
        revoked = store.accounts.revoke_token("t1", NOW)
        assert store.accounts.revoke_token("t1", NOW + timedelta(days=1)) == revoked
        assert revoked.revoked_at == NOW
        store.accounts.touch_token("t1", NOW)
        assert store.accounts.tokens()[0].last_used_at == NOW
    with catalogue_of(place) as connection:
        rows = connection.execute(sa.text("SELECT * FROM account_tokens")).all()
        assert "secret" not in repr(rows)


def test_failures_are_counted_by_name_until_they_are_forgotten(store: Store) -> None:
    long_ago = NOW - timedelta(days=1)
    assert [store.accounts.count_failure("li", NOW, forget_before=long_ago) for _ in range(3)] == [
        1,
        2,
        3,
    ]
    assert store.accounts.tries("wang") is None
    later = NOW + timedelta(days=2)
    assert store.accounts.count_failure("wang", later, forget_before=NOW + timedelta(days=1)) == 1
    assert store.accounts.tries("li") is None
    store.accounts.forget_tries("wang")
    assert store.accounts.tries("wang") is None


def test_of_many_names_only_so_many_are_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four names in room for three: of those that failed once the oldest goes, none that waits."""
    monkeypatch.setattr(account_records, "MOST_TRIED", 3)
    long_ago = NOW - timedelta(days=1)

    def fail(name: str, minute: int) -> None:
        moment = NOW + timedelta(minutes=minute)
        store.accounts.count_failure(name, moment, forget_before=long_ago)

    for minute in range(5):
        fail("waits", minute)
    for number in range(50):
        fail(f"name {number}", 10 + number)
    kept = [f"name {number}" for number in range(50) if store.accounts.tries(f"name {number}")]
    assert kept == ["name 48", "name 49"]
    waiting = store.accounts.tries("waits")
    assert waiting is not None
    assert waiting.failures == 5


def test_lines_written_while_the_clock_ran_backwards_keep_their_order(store: Store) -> None:
    times = ["2026-11-30T10:00:00.000+00:00", "2026-11-30T08:00:00.000+00:00"]
    for number, at in enumerate(times):
        store.audit.append(AuditLine(at=at, account="li", action=str(number)))
    told = [json.loads(content) for _, content in store.audit.last(10)]
    assert [(line["action"], line["at"]) for line in told] == [("0", times[0]), ("1", times[1])]
    assert store.audit.verify() == []


def test_a_result_belongs_to_all_who_asked_for_it(store: Store) -> None:
    for name in ("li", "wang", "li"):
        store.accounts.claim("ranking", "k1", name)
    store.accounts.claim("ranking", "k2", "wang")
    assert store.accounts.owners("ranking", ["k1", "k2", "k3"]) == {
        "k1": {"li", "wang"},
        "k2": {"wang"},
    }
    assert store.accounts.foreign("ranking", "li") == {"k2"}
    assert store.accounts.foreign("review", "li") == frozenset()
    store.accounts.drop_claims("ranking", "k1")
    assert store.accounts.owners("ranking", ["k1"]) == {}


def test_a_version_names_the_account_that_published_it(opening: Callable[[], Store]) -> None:
    store = opening()
    store.publish([draft(parcels(1))])
    first = store.newest()["parcels"]
    with acting_as(Acting(account="li", roles=LI.roles)):
        (second,) = store.publish([draft(parcels(2), expected=first.version)])
        back = store.rollback("parcels", "1", expected=second.version)
    assert [one.account for one in opening().history("parcels")] == ["li", "li", None]
    assert back.account == "li"


# ---- the audit -----------------------------------------------------------------------------------


def written(store: Store, count: int) -> Head | None:
    """Write so many lines and return the head."""
    for number in range(count):
        store.audit.append(AuditLine(at=f"t{number}", account="li", action="POST /x"))
    return store.audit.head()


def faults_after(place: Place, *statements: str) -> list[tuple[int, str]]:
    """Write five lines, alter the catalogue, and return what `verify` finds."""
    with closing(place.open()) as store:
        written(store, 5)
        assert store.audit.verify() == []
    with catalogue_of(place) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    with closing(place.open()) as store:
        return [(fault.number, fault.kind) for fault in store.audit.verify()]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_lines SET content = replace(content, 'li', 'wu') WHERE number = 3"], 3),
        (["UPDATE audit_lines SET digest = 'x' WHERE number = 5"], 5),
    ],
)
def test_a_changed_line_is_found(place: Place, statements: list[str], found: int) -> None:
    faults = faults_after(place, *statements)
    assert (found, "changed") in faults


def test_a_missing_line_is_found(place: Place) -> None:
    assert faults_after(place, "DELETE FROM audit_lines WHERE number = 2") == [(2, "missing")]


def test_lines_missing_at_the_end_are_found(place: Place) -> None:
    assert faults_after(place, "DELETE FROM audit_lines WHERE number > 3") == [(4, "missing")]


def test_an_emptied_audit_is_found(place: Place) -> None:
    assert faults_after(place, "DELETE FROM audit_lines") == [(1, "missing")]


def test_a_moved_line_is_found(place: Place) -> None:
    faults = faults_after(
        place,
        "UPDATE audit_lines SET number = 99 WHERE number = 2",
        "UPDATE audit_lines SET number = 2 WHERE number = 3",
        "UPDATE audit_lines SET number = 3 WHERE number = 99",
    )
    assert [number for number, kind in faults if kind == "changed"] == [2, 3, 4]


def test_a_line_beyond_the_recorded_end_is_found(place: Place) -> None:
    assert faults_after(place, "UPDATE audit_head SET number = 4") == [(5, "beyond")]


def test_a_head_noted_elsewhere_finds_a_new_chain(place: Place) -> None:
    with closing(place.open()) as store:
        noted = written(store, 3)
    with catalogue_of(place) as connection:
        connection.execute(sa.text("DELETE FROM audit_lines"))
        connection.execute(sa.text("DELETE FROM audit_head"))
    with closing(place.open()) as store:
        for _ in range(4):
            store.audit.append(AuditLine(at="t", account="wu", action="POST /x"))
        assert store.audit.verify() == []
        assert [fault.kind for fault in store.audit.verify(noted)] == ["other_head"]
        assert store.audit.verify(store.audit.head()) == []


def test_the_last_lines_of_one_account_are_listed(store: Store) -> None:
    written(store, 2)
    store.audit.append(AuditLine(at="t", account="wu", action="POST /y"))
    assert [number for number, _ in store.audit.last(2)] == [2, 3]
    assert [number for number, _ in store.audit.last(1, account="li")] == [2]
    assert [number for number, _, _ in store.audit.every()] == [1, 2, 3]


# ---- moving --------------------------------------------------------------------------------------


def test_accounts_and_audit_move_with_the_store(place: Place) -> None:
    with closing(place.open()) as store:
        store.accounts.add(LI)
        store.accounts.claim("ranking", "k1", "li")
        head = written(store, 2)
        with closing(open_store(place.folder / "other", COUNTY)) as target:
            target.take_over(store)
            assert target.accounts.all() == [LI]
            assert target.audit.head() == head
            assert target.audit.verify() == []
            assert target.accounts.owners("ranking", ["k1"]) == {"k1": {"li"}}
            target.take_over(store)
            store.accounts.change("li", is_disabled=True)
            with pytest.raises(ConflictError):
                target.take_over(store)
