"""Goals: every fault at once with its line, references to the plan, files, the schema."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from geo_service.errors import GoalsError
from geo_service.layout.goals import Goals, goals_of, goals_schema, open_goals, parse_goals
from geo_service.layout.references import check_references
from geo_service.plan import Plan
from tests.conftest import ROOT

BAD = """format: "1"
nam: x
industries: {digits: [7]}
moves: {most: -2, who: some}
locks:
  - {candidate: a}
bans:
  - {place: x, park: y}
wanted: {terms: {focusx: {weight: 1}}}
projects:
  - project: {name: Huge, industry_code: "9999", needs: {land_m2: 1}}
"""
PROJECT = "{name: %s, industry_code: '3841', needs: {land_m2: 1}}"


def faults(text: str, folder: Path | None = None) -> list[tuple[int | None, str | None]]:
    with pytest.raises(GoalsError) as caught:
        parse_goals(text, "goals.yaml", folder)
    return sorted((fault.line, fault.column) for fault in caught.value.faults)


def test_every_fault_is_told_at_once_with_its_line() -> None:
    assert [line for line, _ in faults(BAD)] == [2, 3, 4, 4, 6, 8, 9, 11]


def test_names_that_the_plan_does_not_have_are_told_at_once(demo: Plan) -> None:
    text = """industries: {parks: [YY-B-01, NOPE]}
moves: {who: [E1]}
locks: [{park: NOPE}, {project: p, park: YY-B-01}]
bans: [{enterprise: E2, park: YY-B-01}]
limits: {focus_share: [{share: 0.5, parks: [NOPE]}]}
targets: {groups: [{group: nothing, least: 1}]}
"""
    with pytest.raises(GoalsError) as caught:
        check_references(parse_goals(text, "goals.yaml"), demo)
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [
        (1, "industries.parks.1"),
        (2, "moves.who.0"),
        (5, "limits.focus_share.0.parks.0"),
        (6, "targets.groups.0.group"),
        (3, "locks.0.park"),
        (3, "locks.1.project"),
        (4, "bans.0.enterprise"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: x", 1),  # nothing is open
        (f"projects:\n  - project: {PROJECT % 'a'}\n  - project: {PROJECT % 'a'}", 3),
        (f"projects:\n  - project: {(PROJECT % 'a')[:-1]}, candidates: [land]}}", 2),
        ("moves: {}\nfront: {terms: [focus, focus]}", 2),
    ],
)
def test_what_does_not_go_together_is_refused(text: str, line: int) -> None:
    assert {line for line, _ in faults(text)} == {line}


def test_a_project_may_stand_in_a_file_beside_the_goals(tmp_path: Path) -> None:
    (tmp_path / "battery.yaml").write_text(PROJECT % "battery", encoding="utf-8")
    (tmp_path / "goals.yaml").write_text("projects: [{project: {file: battery.yaml}}]")
    assert open_goals(tmp_path / "goals.yaml").goals.projects[0].project.name == "battery"


@pytest.mark.parametrize("name", ["../x.yaml", "/etc/passwd", "none.yaml"])
def test_no_other_file_is_read(name: str, tmp_path: Path) -> None:
    assert faults(f"projects: [{{project: {{file: {name}}}}}]", tmp_path)


def test_goals_of_a_body_read_no_file() -> None:
    with pytest.raises(GoalsError):
        goals_of({"projects": [{"project": {"file": "battery.yaml"}}]})


def test_a_call_may_set_moves_alternatives_and_time() -> None:
    goals = parse_goals("moves: {most: 5, who: all}").goals
    changed = goals.with_settings(max_moves=2, alternatives=4, time_limit_s=7)
    assert changed.moves is not None
    assert (changed.moves.most, changed.moves.who) == (2, "all")
    assert (changed.alternatives.count, changed.solving.time_limit_s) == (4, 7)


def test_the_demo_goals_fit_the_published_schema() -> None:
    goals = open_goals(ROOT / "layers/yunyang/layouts/goals.yaml").goals
    assert len(goals.projects) == 12
    assert all("示意" in item.project.name for item in goals.projects)
    schema = goals_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(goals.model_dump(mode="json", exclude_unset=True), schema)
    assert Goals.model_validate(goals.model_dump(mode="json")) == goals
