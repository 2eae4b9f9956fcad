"""A signed review made again years later: the same, or what differs, in both stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

import geo_service
from geo_service.access import acting_as
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import ENGLISH, Language
from geo_service.planning import PlanningService, verification
from geo_service.planning.reviews import ExportFormat
from geo_service.planning.verification import Verification, verify_review
from geo_service.stores.base import WorkspaceAt
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import DEFAULT_FILE
from tests.stores.conftest import Place
from tests.stores.made import WANG, catalogue_of, publish_parcels, submitted
from tests.terminal import run

Start = Callable[[], PlanningService]
PARTLY = {"parks": ["P2"]}
"""What makes a review answer otherwise."""


@pytest.fixture
def signed(start: Start, workspace: WorkspaceAt) -> str:
    """Return the id of a review that was signed; its parcels are a published version."""
    publish_parcels(workspace)
    service = start()
    review_id = submitted(service)
    with acting_as(WANG):
        service.reviews.acts.sign(review_id)
    return review_id


def told(found: Verification) -> set[str]:
    return {where for where, _ in found.differences}


def test_it_is_the_same_whatever_was_changed_since(signed: str, workspace: WorkspaceAt) -> None:
    publish_parcels(workspace, "vacant")
    settings = workspace.folder / "workspace.toml"
    text = settings.read_text(encoding="utf-8")
    assert "format = 1" in text
    settings.write_text(
        text.replace("format = 1", 'format = 1\narea_method = "ellipsoid"'), encoding="utf-8"
    )
    groups = workspace.folder / "industry_groups.csv"
    groups.write_text("code_prefix,group,strength\n13,equipment,core\n", encoding="utf-8")
    (workspace.folder / DEFAULT_FILE).write_text(
        'format: "1"\ntitle: {en: none}\nextends: default\nrules: {}\n', encoding="utf-8"
    )
    found = verify_review(workspace, signed)
    assert [text.key for _, text in found.differences] == []
    document = found.document(ENGLISH)
    assert document["same"]
    assert [step["step"] for step in document["steps"]] == ["submitted", "signed"]


def test_files_of_it_are_told_from_others(
    signed: str, start: Start, workspace: WorkspaceAt, tmp_path: Path
) -> None:
    desk = start().reviews
    for form in (ExportFormat.JSON, ExportFormat.XLSX, ExportFormat.DOCX):
        path = tmp_path / f"signed.{form}"
        path.write_bytes(desk.file(signed, form, Language.EN).content)
        found = verify_review(workspace, str(path))
        assert (found.review_id, told(found)) == (signed, set())
        assert len(found.notes) == (0 if form is ExportFormat.JSON else 1)
    whole = json.loads((tmp_path / "signed.json").read_bytes())
    assert whole["act"]["state"] == "signed"
    whole["findings"][0]["verdict"] = "pass"
    (tmp_path / "other.json").write_text(json.dumps(whole), encoding="utf-8")
    found = verify_review(workspace, str(tmp_path / "other.json"))
    assert told(found) == {"file"}
    for content in (b"", b"{}", b'{"review_id": "x"}', b"PK"):
        (tmp_path / "no.json").write_bytes(content)
        with pytest.raises(InvalidQueryError):
            verify_review(workspace, str(tmp_path / "no.json"))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("DELETE FROM saved_documents", {"saved"}),
        ("UPDATE saved_result_layers SET version = 'x' WHERE layer = 'parks'", {"saved"}),
        ("DELETE FROM layer_versions WHERE layer = 'parcels' AND number = 1", {"layer"}),
        ("UPDATE ledger_lines SET content = replace(content, 'wang', 'zhao')", {"ledger"}),
    ],
)
def test_what_was_altered_is_named(
    signed: str, workspace: WorkspaceAt, place: Place, change: str, where: set[str]
) -> None:
    publish_parcels(workspace, "vacant")
    with catalogue_of(Place(workspace.folder, place.address)) as connection:
        connection.execute(sa.text(change))
    assert told(verify_review(workspace, signed)) == where


def test_another_program_that_answers_otherwise_is_named(
    signed: str, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geo_service, "__version__", "99.0")
    monkeypatch.setattr(
        verification, "review", lambda plan, rules, **more: review(plan, rules, **more | PARTLY)
    )
    found = verify_review(workspace, signed)
    assert told(found) == {"program", "findings"}
    keys = [text.key for _, text in found.differences]
    assert keys[:2] == ["verify.program", "verify.digest"]
    assert "verify.finding_gone" in keys
    assert len(keys) <= 2 + verification.SHOWN_FINDINGS


def test_the_command_says_same_or_what_differs(
    signed: str, workspace: WorkspaceAt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if workspace.store is not None:
        monkeypatch.setenv("GEO_STORE", workspace.store)
    same = run("verify", signed, workspace.folder, "--lang", "en")
    assert same.returncode == 0, same.stderr
    assert "Same" in same.stdout
    (tmp_path / "other.json").write_text(
        json.dumps({"review_id": signed, "findings": [], "parks": [], "checks": {}}),
        encoding="utf-8",
    )
    given = (tmp_path / "other.json", workspace.folder, "--format", "json")
    other = run("verify", *given)
    assert other.returncode == 1, other.stderr
    assert [one["where"] for one in json.loads(other.stdout)["differences"]] == ["file"]
    assert run("audit", "verify", workspace.folder).returncode == 0
    with catalogue_of(Place(workspace.folder, workspace.store)) as connection:
        connection.execute(sa.text("DELETE FROM ledger_lines WHERE number = 1"))
    altered = run("audit", "verify", workspace.folder, "--lang", "en")
    assert (altered.returncode, "ledger" in altered.stderr) == (1, True)
    unknown = run("verify", "r-000000000000", workspace.folder, "--lang", "en")
    assert (unknown.returncode, "not signed" in unknown.stderr) == (2, True)


def test_a_review_that_nobody_signed_is_not_verified(start: Start, workspace: WorkspaceAt) -> None:
    service = start()
    with pytest.raises(NotFoundError):
        verify_review(workspace, service.review.review_id)
    with pytest.raises(NotFoundError):
        verify_review(workspace, submitted(service))
