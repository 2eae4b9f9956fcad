"""Waivers set the county's own rules aside; what a law lets an authority allow is an approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from geo_service.errors import RulebookError
from geo_service.model import Verdict
from geo_service.plan import Plan
from geo_service.workspace.opening import open_plan
from geo_service.zoning.approvals import open_approvals
from geo_service.zoning.review import Review, review
from geo_service.zoning.waivers import open_waivers
from tests.county import County, box, zone
from tests.zoning.made import LAW, POLICY, of_rule, three_bases

Open = Callable[[County], Plan]
APPROVAL = """format: "1"
approvals:
  - rule_id: {rule}
    subject: {{layer: parks, id: {park}}}
    document_number: 渝府地 12 号
    authority: 重庆市人民政府
    approved_on: 2026-03-01
    scope: 100 m × 100 m
    {more}
"""
WAIVER = """format: "1"
waivers:
  - rule_id: {rule}
    subject: {{layer: parks, id: P1}}
    reason: second workshop under construction
    author: 张三
    granted_on: 2026-01-05
    expires_on: 2026-12-31
"""


@pytest.fixture
def plan(county: County, opened: Open) -> Plan:
    """Return a county with a red line over 100 × 100 m of P1."""
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    return opened(county)


def approved(
    plan: Plan, folder: Path, day: date, *, rule: str = LAW, park: str = "P1", more: str = ""
) -> Review:
    """Review with one approval on a day."""
    path = folder / "approvals.yaml"
    path.write_text(APPROVAL.format(rule=rule, park=park, more=more), encoding="utf-8")
    rules = three_bases()
    return review(plan, rules, as_of=day, approvals=open_approvals(path, rules, plan))


@pytest.mark.parametrize(
    ("day", "more", "verdict"),
    [
        (date(2026, 2, 28), "", "fail"),  # the day before the approval
        (date(2026, 3, 1), "", "pass"),  # its first day
        (date(2099, 1, 1), "", "pass"),  # it has no end
        (date(2026, 9, 30), "expires_on: 2026-09-30", "pass"),  # its last day
        (date(2026, 10, 1), "expires_on: 2026-09-30", "fail"),  # the day after
    ],
)
def test_an_approval_holds_from_its_day_to_its_last(
    plan: Plan, tmp_path: Path, day: date, more: str, verdict: str
) -> None:
    result = approved(plan, tmp_path, day, more=more)
    (finding,) = of_rule(result, LAW)
    assert result.park_verdicts["P1"] == verdict
    assert (finding.approval is not None) == (verdict == "pass")
    assert finding.counts == (verdict == "fail")
    assert result.verdicts_by_basis["P1"]["law"] == verdict  # type: ignore[index]  # a StrEnum's key


def test_an_approved_finding_is_listed_with_the_approval(plan: Plan, tmp_path: Path) -> None:
    (finding,) = of_rule(approved(plan, tmp_path, date(2026, 4, 1)), LAW)
    assert finding.verdict is Verdict.FAIL
    assert finding.approval == {
        "document_number": "渝府地 12 号",
        "authority": "重庆市人民政府",
        "approved_on": "2026-03-01",
        "scope": "100 m × 100 m",
        "expires_on": None,
    }
    assert finding.waived is None


def test_an_approval_is_for_its_subject_alone(plan: Plan, tmp_path: Path) -> None:
    result = approved(plan, tmp_path, date(2026, 4, 1), park="P2")
    assert result.park_verdicts["P1"] is Verdict.FAIL
    assert result.approvals.stale == ()


def test_an_approval_of_what_is_not_there_is_listed_as_stale(plan: Plan, tmp_path: Path) -> None:
    result = approved(plan, tmp_path, date(2026, 4, 1), park="P9")
    assert result.approvals.stale == ("parks/P9",)
    assert result.park_verdicts["P1"] is Verdict.FAIL


def test_the_review_s_id_follows_its_approvals(plan: Plan, tmp_path: Path) -> None:
    day = date(2026, 4, 1)
    plain = review(plan, three_bases(), as_of=day)
    assert approved(plan, tmp_path, day).review_id != plain.review_id


def faults_of(read: Callable[[], Any]) -> str:
    with pytest.raises(RulebookError) as caught:
        read()
    return str(caught.value)


def test_nobody_waives_a_law_and_is_told_the_way(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(WAIVER.format(rule=LAW), encoding="utf-8")
    message = faults_of(lambda: open_waivers(path, three_bases(), plan))
    assert "waivers.yaml:3" in message
    assert "approvals.yaml" in message
    path.write_text(WAIVER.format(rule=POLICY), encoding="utf-8")
    assert len(open_waivers(path, three_bases(), plan).entries) == 1


def test_a_law_that_only_advises_may_be_waived(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(WAIVER.format(rule=LAW), encoding="utf-8")
    assert len(open_waivers(path, three_bases(severity="should"), plan).entries) == 1


def test_the_county_s_own_rules_are_not_approved(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "approvals.yaml"
    path.write_text(APPROVAL.format(rule=POLICY, park="P1", more=""), encoding="utf-8")
    message = faults_of(lambda: open_approvals(path, three_bases(), plan))
    assert "approvals.yaml:3" in message
    assert "waivers.yaml" in message


def test_every_fault_of_approvals_is_listed_with_its_line(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "approvals.yaml"
    text = APPROVAL.format(rule="lw", park="P1", more="expires_on: 2026-02-01")
    path.write_text(text, encoding="utf-8")
    assert "approved_on" in faults_of(lambda: open_approvals(path, three_bases(), plan))
    path.write_text(APPROVAL.format(rule="lw", park="P1", more=""), encoding="utf-8")
    message = faults_of(lambda: open_approvals(path, three_bases(), plan))
    assert "rule 'lw'" in message
    path.write_text(text.replace("    authority: 重庆市人民政府\n", ""), encoding="utf-8")
    assert "authority" in faults_of(lambda: open_approvals(path, three_bases(), plan))


def test_a_workspace_names_its_approvals(county: County, tmp_path: Path) -> None:
    rule = "control_zone.ecological_red_line"
    county.layers["control_zones"].append(zone("R", box(0, 0, 100, 100)))
    folder = county.write(tmp_path / "county")
    day = date(2026, 11, 30)
    assert review(open_plan(folder), as_of=day).park_verdicts["P1"] is Verdict.FAIL
    (folder / "approvals.yaml").write_text(
        APPROVAL.format(rule=rule, park="P1", more=""), encoding="utf-8"
    )
    settings = folder / "workspace.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("format = 1\n", 'format = 1\napprovals = "approvals.yaml"\n'), encoding="utf-8"
    )
    result = review(open_plan(folder), as_of=day)
    assert result.park_verdicts["P1"] is not Verdict.FAIL
    assert [item.approval is not None for item in of_rule(result, rule)] == [True]
    row = result.findings.set_index("rule_id").loc[rule]
    assert (bool(row["approved"]), bool(row["waived"])) == (True, False)
