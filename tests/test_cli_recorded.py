"""Every command has a line that says what it changes, and what changes something is recorded."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from geo_service.access import Role
from geo_service.cli.common import app
from geo_service.cli.decisions import COMMANDS, Changes, commands_of
from geo_service.planning import PlanningService, accounts
from tests.county import FEW_RULES, County
from tests.terminal import run

PASSWORD = "a long password"  # noqa: S105 - of accounts that a test makes


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a small county on disk."""
    county = County()
    county.rules = FEW_RULES
    return county.write(tmp_path / "county")


@pytest.fixture
def _account(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    monkeypatch.setattr(accounts, "HASHING", cheap)
    running = PlanningService.open(workspace)
    running.accounts.add("li", [Role.ADMIN], PASSWORD)
    running.close()


def lines_of(workspace: Path) -> list[dict[str, str]]:
    """Return the lines of a workspace's audit, oldest first."""
    shown = run("audit", "show", workspace, "--count", "50", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    found: list[dict[str, str]] = json.loads(shown.stdout)["lines"]
    return sorted(found, key=lambda line: line["number"])


def test_every_command_has_a_line_and_every_line_a_command() -> None:
    names = [name for name, _ in commands_of(app)]
    assert len(names) == len(set(names))
    assert set(names) == set(COMMANDS)


def test_every_command_that_changes_something_can_be_recorded() -> None:
    """It is wrapped, and takes what the record needs: where, and whether it changes anything."""
    needed = {
        Changes.WORKSPACE: {"workspace"},
        Changes.IF_SAVED: {"workspace", "save"},
        Changes.UNLESS_DRY: {"workspace", "dry_run"},
    }
    for name, command in commands_of(app):
        callback = command.callback
        assert callback is not None
        wrapped = getattr(callback, "__wrapped__", None)
        own = needed.get(COMMANDS[name])
        assert (wrapped is not None) == (own is not None), name
        if wrapped is not None and own is not None:
            assert own <= set(wrapped.__annotations__), name


@pytest.mark.usefixtures("_account")
def test_what_commands_do_is_recorded_with_the_user_of_the_system(workspace: Path) -> None:
    kept = run("review", workspace, "--save", "--format", "json")
    review_id = json.loads(kept.stdout)["review_id"]
    assert run("review", workspace, "--format", "json").stdout  # looked at alone: no line
    assert run("saved", "pin", review_id, workspace).returncode == 0
    assert run("saved", "drop", review_id, workspace).returncode == 2  # it is pinned
    assert run("scenario", "new", "服装园", workspace, "--reason", "会议").returncode == 0
    assert run("rollback", "parks", "7", workspace).returncode == 2
    lines = lines_of(workspace)
    told = [(line["action"], line["subject"], line["outcome"]) for line in lines]
    assert told == [
        ("review", "", "exit 1" if kept.returncode else "done"),
        ("saved pin", f"identity={review_id}", "done"),
        ("saved drop", f"identity={review_id}", "refused"),
        ("scenario new", "", "done"),
        ("rollback", "layer=parks version=7", "refused"),
    ]
    assert {line["account"] for line in lines} == {f"cli:{getpass.getuser()}"}
    assert {line["origin"] for line in lines} == {"command line"}
    assert run("audit", "verify", workspace).returncode == 0


def test_without_accounts_nothing_is_recorded(workspace: Path) -> None:
    assert run("scenario", "new", "服装园", workspace).returncode == 0
    assert not lines_of(workspace)


@pytest.mark.usefixtures("_account")
def test_what_is_done_with_accounts_names_the_user_too(workspace: Path) -> None:
    assert run("account", "disable", "li", workspace).returncode == 0
    [line] = lines_of(workspace)
    assert (line["action"], line["account"]) == ("account disable", f"cli:{getpass.getuser()}")
