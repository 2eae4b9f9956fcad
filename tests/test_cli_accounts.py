"""`geo-service account`, `token`, `audit`, and what may be served without accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from geo_service.access import Acting, Role, acting_as
from geo_service.planning import PlanningService, accounts
from geo_service.web import app as web
from geo_service.web.app import create_app
from tests.client import TestClient
from tests.conftest import ROOT
from tests.county import FEW_RULES, County
from tests.terminal import run

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
        patch.setattr(accounts, "HASHING", cheap)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a small county on disk."""
    county = County()
    county.rules = FEW_RULES
    return county.write(tmp_path / "county")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file with a password."""
    path = tmp_path / "password.txt"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return path


def test_accounts_are_made_listed_and_disabled(workspace: Path, secret: Path) -> None:
    given: tuple[str | Path, ...] = ("--password-file", secret, "--lang", "en")
    first = run("account", "add", "li", workspace, "--role", "planner", *given)
    assert first.returncode == 0, first.stderr
    assert "Account li is made (planner)" in first.stderr
    assert "first account" in first.stderr
    roles = ("--role", "admin", "--role", "steward", "--parks", "P1")
    second = run("account", "add", "王芳", workspace, *roles, *given)
    assert second.returncode == 0, second.stderr
    assert "first account" not in second.stderr
    again = run("account", "add", "li", workspace, "--role", "planner", *given)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    listed = json.loads(run("account", "list", workspace, "--format", "json").stdout)
    assert [(one["name"], one["roles"], one["parks"]) for one in listed["accounts"]] == [
        ("li", ["planner"], []),
        ("王芳", ["admin", "steward"], ["P1"]),
    ]
    assert "argon2" not in json.dumps(listed)
    assert run("account", "disable", "li", workspace).returncode == 0
    assert "已停用" in run("account", "list", workspace).stdout
    assert run("account", "disable", "li", workspace, "--undo").returncode == 0
    assert run("account", "password", "li", workspace, *given).returncode == 0
    assert run("account", "disable", "nobody", workspace).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("li",), "Give at least one role"),
        (("li", "--role", "king"), "Give at least one role"),
        (("li", "--role", "planner", "--parks", "P99"), "P99"),
        (("li", "--role", "planner", "--townships", "nowhere"), "nowhere"),
        (("a b", "--role", "planner"), "Account name"),
    ],
)
def test_a_wrong_account_exits_2_and_is_not_made(
    workspace: Path, secret: Path, arguments: tuple[str, ...], told: str
) -> None:
    name, *options = arguments
    given = ("--password-file", secret, "--lang", "en")
    done = run("account", "add", name, workspace, *options, *given)
    assert done.returncode == 2
    assert told in done.stderr
    assert not accounts.has_accounts(workspace)


def test_a_password_never_stands_in_the_call(workspace: Path, tmp_path: Path) -> None:
    without = run("account", "add", "li", workspace, "--role", "planner", "--lang", "en")
    assert (without.returncode, "--password-file" in without.stderr) == (2, True)
    missing = run(
        *("account", "add", "li", workspace, "--role", "planner"),
        *("--password-file", tmp_path / "none"),
    )
    assert missing.returncode == 2


def test_a_token_is_shown_once_and_works_until_it_is_revoked(workspace: Path, secret: Path) -> None:
    given: tuple[str | Path, ...] = ("--password-file", secret)
    run("account", "add", "li", workspace, "--role", "planner", "--role", "steward", *given)
    nobody = run("token", "create", workspace, "--role", "admin", "--lang", "en")
    assert (nobody.returncode, "account add" in nobody.stderr) == (2, True)
    made = run("token", "create", workspace, "--role", "planner", "--note", "nightly")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    listed = json.loads(run("token", "list", workspace, "--format", "json").stdout)["tokens"]
    assert [(one["account"], one["roles"], one["state"]) for one in listed] == [
        ("li", ["planner"], "active")
    ]
    assert token not in json.dumps(listed)
    with TestClient(create_app(PlanningService.open(workspace))) as client:
        headers = {"authorization": f"Bearer {token}"}
        assert client.get("/api/parks", headers=headers).status_code == 200
        assert client.get("/api/imports", headers=headers).status_code == 404
    assert run("token", "revoke", listed[0]["id"], workspace).returncode == 0
    with TestClient(create_app(PlanningService.open(workspace))) as client:
        assert client.get("/api/parks", headers=headers).status_code == 401
    assert "已撤销" in run("token", "list", workspace).stdout
    assert run("token", "revoke", "t0", workspace).returncode == 2
    run("account", "add", "wu", workspace, "--role", "planner", *given)
    open_choice = run("token", "create", workspace, "--role", "planner", "--lang", "en")
    assert open_choice.returncode == 2
    assert "li" in open_choice.stderr
    assert "wu" in open_choice.stderr
    chosen = run("token", "create", workspace, "--role", "planner", "--account", "wu")
    assert chosen.returncode == 0


def test_the_audit_is_shown_exported_and_verified(
    workspace: Path, secret: Path, tmp_path: Path
) -> None:
    run("account", "add", "li", workspace, "--role", "planner", "--password-file", secret)
    run("account", "disable", "li", workspace)
    shown = json.loads(run("audit", "show", workspace, "--format", "json").stdout)["lines"]
    assert [(one["number"], one["action"], one["subject"]) for one in shown] == [
        (1, "account add", "li planner"),
        (2, "account disable", "li"),
    ]
    assert "account disable" in run("audit", "show", workspace).stdout
    sound = run("audit", "verify", workspace, "--lang", "en")
    assert (sound.returncode, "2 lines" in sound.stderr) == (0, True)
    target = tmp_path / "audit.jsonl"
    assert run("audit", "export", workspace, "-o", target).returncode == 0
    exported = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    head = exported[-1]["head"]
    assert head == f"2:{exported[1]['digest']}"
    assert run("audit", "verify", workspace, "--head", head).returncode == 0
    other = run("audit", "verify", workspace, "--head", f"2:{'0' * 64}", "--lang", "en")
    assert (other.returncode, "noted head" in other.stderr) == (1, True)
    assert run("audit", "verify", workspace, "--head", "nonsense").returncode == 2


# ---- what may be served --------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.1.2.3"])  # noqa: S104 - not listened on
def test_others_are_not_served_without_accounts(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    listener = Mock(getsockname=lambda: (address, 8000))
    monkeypatch.setattr(web, "_listen", lambda *_: listener)
    monkeypatch.setattr(web, "server_of", Mock(side_effect=AssertionError("it must not serve")))
    done = run("serve", workspace, "--host", address, "--lang", "en")
    assert done.returncode == 2
    assert "geo-service account add" in done.stderr
    assert listener.close.called


def test_every_place_that_starts_the_service_says_its_host() -> None:
    """Makefile and bundle serve this machine; whoever serves others is told to make accounts."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "HOST ?= 127.0.0.1" in makefile


def test_files_of_the_command_line_say_what_a_review_is_at(workspace: Path, tmp_path: Path) -> None:
    def act(*more: str) -> dict[str, object]:
        found = run("review", workspace, "--format", "json", "--parks-only", *more)
        assert found.stdout, found.stderr
        told: dict[str, object] = json.loads(found.stdout)["act"]
        return told

    assert act()["state"] == "draft"
    assert not (workspace / "store").exists()  # to ask makes none
    running = PlanningService.open(workspace)
    for name in ("li", "wang"):
        running.accounts.add(name, [Role.REVIEWER], PASSWORD)
    li, wang = (Acting(account=one, roles=frozenset({Role.REVIEWER})) for one in ("li", "wang"))
    review_id = running.review.review_id
    with acting_as(li):
        running.reviews.acts.submit(review_id)
    with acting_as(wang):
        running.reviews.acts.sign(review_id)
    running.close()
    signed = act()
    assert (signed["state"], signed["closed"]) == ("signed", None)
    for form in ("xlsx", "docx", "json"):
        file = tmp_path / f"review.{form}"
        run("review", workspace, "--format", form, "-o", file)
        assert run("verify", file, workspace).returncode == 0, form
