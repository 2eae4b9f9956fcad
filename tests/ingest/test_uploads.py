"""Files on their way in count; one client's drafts and uploads do not block another's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from geo_service.errors import BusyError, NotFoundError
from geo_service.ingest.options import ImportOptions
from geo_service.jobs import JobKind
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning import import_drafts, uploads
from geo_service.planning.import_drafts import ImportDesk, ImportDraft
from geo_service.planning.uploads import UploadLimits
from geo_service.web.app import create_app
from geo_service.web.routes import imports as import_routes
from tests.client import TestClient
from tests.county import County

CSV = b"building_id,floor_no,area_m2,vacant_m2\nB1,1,100,50\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> RunningCounty:
    return RunningCounty.open(County().write(tmp_path_factory.mktemp("uploads") / "county"))


@pytest.fixture
def desk(running: RunningCounty) -> Iterator[ImportDesk]:
    made = running.open_imports(UploadLimits(most_bytes=1_000, most_bytes_each=600))
    yield made
    made.close()


def draft(desk: ImportDesk, client: str) -> ImportDraft:
    """Let a client send a small file."""
    upload = desk.receive("floors.csv", client)
    upload.write(CSV)
    upload.finish()
    return desk.read(upload, "floors", ImportOptions())


def kept(desk: ImportDesk) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in desk.folder.iterdir() if path.is_dir())


def test_bytes_on_their_way_count_until_they_are_read_or_given_up(desk: ImportDesk) -> None:
    first, second = desk.receive("a.csv", "one"), desk.receive("a.csv", "two")
    first.write(bytes(600))
    with pytest.raises(BusyError, match="no room"):
        first.write(b"x")  # 601 of one client's 600
    second.write(bytes(400))
    with pytest.raises(BusyError, match="no room"):
        second.write(b"x")  # 1,001 of 1,000
    first.close()
    first.close()
    second.write(bytes(200))
    assert kept(desk) == ["upload"]
    second.close()
    assert kept(desk) == []


def test_uploads_on_their_way_are_counted_for_each_client_and_for_all(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 5)
    monkeypatch.setattr(uploads, "MAX_UPLOADS_EACH", 3)
    mine = [desk.receive("a.csv", "one") for _ in range(3)]
    with pytest.raises(BusyError):
        desk.receive("a.csv", "one")
    theirs = [desk.receive("a.csv", "two") for _ in range(2)]
    with pytest.raises(BusyError):
        desk.receive("a.csv", "three")
    for upload in (*mine, *theirs):
        upload.close()
    desk.receive("a.csv", "three").close()


def test_a_disk_that_is_nearly_full_takes_no_upload(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FREE_BYTES", 1 << 62)
    upload = desk.receive("a.csv", "one")
    with pytest.raises(BusyError, match="no room"):
        upload.write(b"x")
    upload.close()


def test_twenty_drafts_of_one_client_do_not_block_another(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert import_drafts.HELD_DRAFTS == 20
    monkeypatch.setattr(import_drafts, "HELD_DRAFTS", 3)
    for _ in range(3):
        draft(desk, "one")
    with pytest.raises(BusyError, match="3 imports are waiting"):
        desk.receive("a.csv", "one")
    assert draft(desk, "two").features == 1


def test_uploads_on_their_way_count_with_a_client_s_drafts(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_drafts, "HELD_DRAFTS", 2)
    draft(desk, "one")
    upload = desk.receive("a.csv", "one")
    with pytest.raises(BusyError):
        desk.receive("a.csv", "one")
    upload.close()
    desk.receive("a.csv", "one").close()


def test_when_all_places_are_taken_who_holds_the_most_gives_way(
    desk: ImportDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_drafts, "MAX_DRAFTS", 4)
    other = draft(desk, "two")
    flood = [draft(desk, "one") for _ in range(3)]
    desk.find(flood[0].draft_id)  # somebody looked at it
    with pytest.raises(BusyError):
        desk.receive("a.csv", "one")
    new = draft(desk, "three")
    for known in (other, flood[0], flood[2], new):
        assert desk.find(known.draft_id) is known
    with pytest.raises(NotFoundError):
        desk.find(flood[1].draft_id)  # the oldest that nobody looked at
    assert not flood[1].folder.exists()


def test_a_job_that_is_cancelled_before_it_begins_lets_its_file_go(
    running: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_routes, "AT_ONCE_SECONDS", 0.0)
    app = create_app(running)
    desk = running.imports
    go_on = threading.Event()
    client = TestClient(app)
    busy = running.jobs.start(lambda _: go_on.wait(60), JobKind.IMPORT)
    try:
        answer = client.post("/api/imports?layer=floors&filename=a.csv", content=CSV)
        assert answer.status_code == 202
        assert kept(desk) == ["upload"]
        client.delete(answer.headers["location"])
        assert kept(desk) == []
    finally:
        go_on.set()
        running.jobs.wait(busy, 60)


def test_a_preview_of_a_draft_that_went_meanwhile_is_a_404(desk: ImportDesk) -> None:
    made = draft(desk, "one")
    (made.folder / "preview.json").unlink()
    with pytest.raises(NotFoundError):
        made.preview(1)
