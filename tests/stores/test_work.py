"""Work on findings, and waivers and approvals by form, in both stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from io import BytesIO
from threading import Barrier

import docx
import pytest
from openpyxl import load_workbook

from geo_service.access import acting_as
from geo_service.errors import (
    ConflictError,
    InvalidQueryError,
    NotFoundError,
    RulebookError,
)
from geo_service.language import Language
from geo_service.model import BasisGroup, Severity
from geo_service.planning import PlanningService, finding_work
from geo_service.planning.finding_work import WorkChange, WorkFilter, WorkKey, WorkState
from geo_service.planning.grants import GrantForm, GrantKind
from geo_service.planning.reviews import ExportFormat
from geo_service.stores import ledger
from geo_service.stores.ledger import Topic
from geo_service.zoning.finding_table import FindingQuery
from tests.stores.made import LI, WANG

Start = Callable[[], PlanningService]
TODAY = date.today()  # noqa: DTZ011 - the county's calendar day
YESTERDAY = TODAY - timedelta(days=1)
IN_WORK = WorkChange(state=WorkState.IN_WORK, owner=None, due=YESTERDAY, note="先去现场")


def first_key(service: PlanningService) -> WorkKey:
    """Return rule and subject of the gravest finding."""
    finding = service.review.results[0]
    return WorkKey(finding.rule_id, finding.subject.layer, finding.subject.id)


def waiver_of(service: PlanningService) -> GrantForm:
    """Return a form for a finding by a rule that may be set aside."""
    finding = next(
        one
        for one in service.review.results
        if one.basis_tag.group is not BasisGroup.LAW or one.severity is not Severity.MUST
    )
    return GrantForm(
        kind=GrantKind.WAIVER,
        rule_id=finding.rule_id,
        layer=finding.subject.layer,
        subject_id=finding.subject.id,
        document_number="云府[2026]9号",
        reason="搬迁中",
        authority="县政府",
        expires_on=TODAY + timedelta(days=30),
    )


def test_what_was_last_said_of_a_finding_stands_and_all_is_kept(start: Start) -> None:
    service = start()
    key = first_key(service)
    service.accounts.add("li", [*LI.roles], "a long password")
    with acting_as(LI):
        service.work.change(key, replace(IN_WORK, owner="li"))
        told = service.work.listed(WorkFilter.MINE)
    assert [(one["rule_id"], one["is_overdue"]) for one in told] == [(key.rule_id, True)]
    other = start()
    with acting_as(WANG):
        assert other.work.listed(WorkFilter.MINE) == []
        assert len(other.work.listed(WorkFilter.OVERDUE)) == 1
        with pytest.raises(ConflictError):  # somebody said something since
            other.work.change(key, IN_WORK)
        done = WorkChange(state=WorkState.DONE, note="已拆除", after=told[0]["last"])
        now = other.work.change(key, done)
    assert (now["state"], now["owner"], now["is_overdue"]) == ("done", None, False)
    log = [(line["account"], line["state"], line["note"]) for line in now["log"]]
    assert log == [("li", "in_work", "先去现场"), ("wang", "done", "已拆除")]
    assert other.work.listed(WorkFilter.OVERDUE) == []
    with pytest.raises(InvalidQueryError):
        service.work.change(key, replace(IN_WORK, owner="nobody", after=now["last"]))
    with pytest.raises(NotFoundError):
        service.work.change(WorkKey("no.rule", "parks", "P1"), IN_WORK)


def test_findings_are_filtered_by_what_is_done_about_them(start: Start) -> None:
    service = start()
    key = first_key(service)
    service.work.change(key, IN_WORK)
    review_id = service.review.review_id
    expected = sum(
        (one.rule_id, one.subject.layer, one.subject.id) == (key.rule_id, key.layer, key.subject_id)
        for one in service.review.results
    )
    for asked, count in (("in_work", expected), ("overdue", expected), ("done", 0), ("mine", 0)):
        found, matched = service.reviews.findings(
            review_id, Language.EN, FindingQuery(work=asked), slice_=(1000, 0)
        )
        assert (len(found), matched) == (count, count), asked
    assert expected >= 1
    rows = service.reviews.merged(review_id, Language.EN, FindingQuery())["rows"]
    marked = [row["work"] for row in rows if row["work"] is not None]
    assert marked
    assert {(one["state"], one["is_overdue"]) for one in marked} == {("in_work", True)}


def set_clock(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Have the ledger and the work on findings take a day for today."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Moment:
            return cls(day.year, day.month, day.day, 9, tzinfo=tz)

    class Day(date):
        @classmethod
        def today(cls) -> Day:
            return cls(day.year, day.month, day.day)

    monkeypatch.setattr(ledger, "datetime", Moment)
    monkeypatch.setattr(finding_work, "date", Day)


def test_what_was_said_last_stands_though_the_clock_was_set_back(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines keep their order, who speaks after one that was not seen is told, nothing is faulty."""
    service = start()
    key = first_key(service)
    set_clock(monkeypatch, TODAY)
    first = service.work.change(key, replace(IN_WORK, note="先"))
    set_clock(monkeypatch, TODAY - timedelta(days=400))
    again = service.work.change(key, replace(IN_WORK, note="后", after=first["last"]))
    assert again["note"] == "后"
    assert [line["note"] for line in again["log"]] == ["先", "后"]
    assert again["log"][0]["at"] > again["log"][1]["at"]
    with pytest.raises(ConflictError):
        service.work.change(key, replace(IN_WORK, after=first["last"]))
    assert service.workspace.store.ledger.verify() == []


def test_a_due_day_is_over_by_the_day_that_the_clock_says(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on the day itself, nor with the clock set back; again once that is right."""
    service = start()
    key = first_key(service)
    service.work.change(key, replace(IN_WORK, due=TODAY))
    found = {}
    for days in (0, 1, -30, 2):
        set_clock(monkeypatch, TODAY + timedelta(days=days))
        found[days] = (
            service.work.one(key)["is_overdue"],
            len(service.work.listed(WorkFilter.OVERDUE)),
        )
    assert found == {0: (False, 0), 1: (True, 1), -30: (False, 0), 2: (True, 1)}


def test_one_of_two_who_speak_at_once_is_heard(start: Start) -> None:
    service, other = start(), start()
    key, ready = first_key(service), Barrier(2)

    def speak(one: PlanningService) -> bool:
        ready.wait()
        try:
            one.work.change(key, IN_WORK)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(speak, (service, other))) == [False, True]
    assert len(service.work.one(key)["log"]) == 1


def test_a_finding_that_is_gone_is_cured_only_if_its_rule_ran(start: Start) -> None:
    service = start()
    review = service.review
    found = {(one.rule_id, one.subject.id) for one in review.results}
    rule_id = next(name for name in review.checks if review.ran_on and name.startswith("focus."))
    key = next(
        WorkKey(rule_id, "parks", park_id)
        for park_id in review.park_ids
        if (rule_id, park_id) not in found
    )
    ledger = service.workspace.store.ledger
    content = {"state": "done", "owner": None, "due": None, "note": ""}
    for gone in (key, WorkKey("old.rule", "parks", "P1"), WorkKey(rule_id, "parks", "P9")):
        ledger.add(Topic.FINDING, str(gone), "li", content, after=0)
    told = {
        (one["rule_id"], one["subject"]["id"]): one["presence"] for one in service.work.listed()
    }
    assert told[rule_id, key.subject_id] == "cured"
    assert told["old.rule", "P1"] == "unchecked"
    assert told[rule_id, "P9"] == "unchecked"


def test_a_waiver_by_form_counts_for_every_review_until_it_is_revoked(start: Start) -> None:
    service = start()
    form = waiver_of(service)
    before = service.review
    effect = service.grants.effect(form)
    assert len(effect["findings"]) >= 1
    with acting_as(LI):
        told = service.grants.grant(form)
    assert (told["holds_today"], told["log"][0]["account"]) == (True, "li")
    assert service.refresh()
    aside = {one.finding_id for one in service.review.results if one.waived is not None}
    assert aside == set(effect["findings"])
    assert service.review.review_id != before.review_id
    shown = next(one.waived for one in service.review.results if one.waived is not None)
    assert shown["document_number"] == "云府[2026]9号"
    assert shown["author"] == "li"
    for park in effect["parks"]:
        assert service.review.park_verdicts[park["park_id"]].value == park["after"]
    other = start()
    assert other.review.review_id == service.review.review_id
    with acting_as(WANG):
        ended = other.grants.revoke(told["entry_id"], "搬迁已完成")
        with pytest.raises(NotFoundError):
            other.grants.revoke(told["entry_id"], "again")
    assert (ended["is_revoked"], len(ended["log"])) == (True, 2)
    assert service.refresh()
    assert service.review.review_id == before.review_id
    assert len(other.grants.listed()) == 1


def test_a_form_that_the_law_does_not_allow_is_refused(start: Start) -> None:
    service = start()
    form = waiver_of(service)
    statute = next(
        one
        for one, rule in service.rulebook.rules.items()
        if rule.part.severity is Severity.MUST and rule.part.basis_tag.group is BasisGroup.LAW
    )
    for wrong in (
        replace(form, rule_id=statute),
        replace(form, expires_on=None),
        replace(form, expires_on=TODAY - timedelta(days=1)),
        replace(form, kind=GrantKind.APPROVAL, rule_id="focus.declared"),
        replace(form, rule_id="no.rule"),
    ):
        with pytest.raises(RulebookError):
            service.grants.grant(wrong)
    with pytest.raises(NotFoundError):
        service.grants.grant(replace(form, subject_id="nobody"))
    assert service.grants.listed() == []


def test_what_is_done_stands_in_workbook_and_json(start: Start) -> None:
    service = start()
    key = first_key(service)
    service.work.change(key, IN_WORK)
    files = {
        form: service.reviews.file(service.review.review_id, form, Language.EN).content
        for form in (ExportFormat.XLSX, ExportFormat.DOCX, ExportFormat.JSON)
    }
    (told,) = json.loads(files[ExportFormat.JSON])["work"]
    assert (told["rule_id"], told["state"], told["due"]) == (
        key.rule_id,
        "in_work",
        YESTERDAY.isoformat(),
    )
    sheet = load_workbook(BytesIO(files[ExportFormat.XLSX]))["Findings"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(row for row in rows if "Owner" in row)
    at, rule = head.index("Work"), head.index("Rule id")
    worked = [row for row in rows[rows.index(head) + 1 :] if row[at]]
    assert {(row[rule], row[at], row[at + 3]) for row in worked} == {
        (key.rule_id, "in work", "先去现场")
    }
    lists = docx.Document(BytesIO(files[ExportFormat.DOCX])).tables
    cells = {cell.text for table in lists for row in table.rows for cell in row.cells}
    said = f"Work: in work · Due: {YESTERDAY.isoformat()} · Note: 先去现场"
    assert len([text for text in cells if said in text]) == 1
