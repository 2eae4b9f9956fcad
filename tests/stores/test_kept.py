"""What is kept: results say so truthfully, are listed, pinned, dropped and kept within limits."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from geo_service import jobs as jobs_module
from geo_service.errors import StoreError
from geo_service.jobs import JobBoard
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning import import_drafts
from geo_service.planning.import_drafts import ImportDesk
from geo_service.planning.saved import holding, retain_results, retain_within
from geo_service.stores.base import RANKING, REVIEW, RetentionLimits, Saved, Store, WorkspaceAt
from geo_service.stores.catalogued import CataloguedStore
from geo_service.web.app import create_app
from geo_service.wording import said
from geo_service.workspace.opening import open_workspace
from tests.client import TestClient
from tests.county import FEW_RULES, County, box, parcel
from tests.patience import PATIENCE_S, eventually
from tests.stores.conftest import Place
from tests.stores.made import fill_up
from tests.terminal import run

PROJECT = {
    "name": "p",
    "industry_code": "13",
    "kind": "new",
    "needs": {"land_m2": 1000},
}


@pytest.fixture
def workspace(county: County, place: Place) -> WorkspaceAt:
    """Return a small county with vacant parcels, and either store."""
    county.layers["parcels"] = [
        parcel(f"L{n}", box(n * 100, 0, 90, 90), status="vacant") for n in range(5)
    ]
    county.rules = FEW_RULES
    return WorkspaceAt(county.write(place.folder / "county"), place.address)


@pytest.fixture
def client(workspace: WorkspaceAt) -> Iterator[TestClient]:
    """Return a client of a service on the county."""
    made = create_app(RunningCounty.open(workspace))
    with TestClient(made, raise_server_exceptions=False) as one:
        yield one


def finish(client: TestClient, answer: Any) -> Any:  # noqa: ANN401 - a response
    """Return the answer of long work once it is done, as it is or as its result."""
    if answer.status_code != 202:
        return answer
    job: dict[str, Any] = {}

    def is_done() -> bool:
        job.update(client.get(answer.headers["location"]).json())
        return job["status"] not in {"waiting", "running"}

    eventually(is_done, "the job is done")
    return client.get(job["result"])


def full(*_: object) -> None:
    msg = said("problem.store_full", store="/secret/place", reason="database or disk is full")
    raise StoreError(msg, is_full=True)


# ---- saved, or not --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [("/api/reviews", {}, "review"), ("/api/rankings", PROJECT, "ranking")],
)
def test_every_document_of_a_result_says_whether_it_is_kept(
    client: TestClient,
    workspace: WorkspaceAt,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, Any],
    kind: str,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(CataloguedStore, "save", full)
        answer = finish(client, client.post(f"{path}?lang=en", json=body))
    made = answer.json()
    assert answer.status_code == 200  # not 201: it was not kept
    assert made["saved"] is False
    assert "The disk is full" in made["not_saved"]
    assert "secret" not in answer.text
    identity = made[f"{kind}_id"]
    own = f"{path}/{identity}"
    for found in (client.get(own).json(), listed(client, path, identity)):
        assert (found["saved"], "磁盘已满" in found["not_saved"]) == (False, True)
    again = finish(client, client.post(path, json=body))
    assert again.status_code in {200, 201}
    for found in (client.get(own).json(), listed(client, path, identity)):
        assert (found["saved"], found["not_saved"]) == (True, None)
    with TestClient(create_app(RunningCounty.open(workspace))) as later:
        assert later.get(own).json()["saved"] is True


def listed(client: TestClient, path: str, identity: str) -> dict[str, Any]:
    kind = path.rpartition("/")[2]
    items = client.get(path).json()[kind]
    return next(item for item in items if identity in item.values())


def test_a_result_that_was_dropped_elsewhere_is_not_said_to_be_saved(
    client: TestClient, workspace: WorkspaceAt
) -> None:
    made = finish(client, client.post("/api/rankings", json=PROJECT)).json()
    with open_workspace(workspace) as opened:
        assert opened.store.drop([(RANKING, made["ranking_id"])]) == 1
    assert client.get(f"/api/rankings/{made['ranking_id']}").json()["saved"] is False


def test_what_nobody_asked_to_keep_and_what_is_tried_out_is_not_kept(client: TestClient) -> None:
    (current,) = client.get("/api/reviews?lang=en").json()["reviews"]
    assert current["saved"] is False
    assert current["not_saved"] == "Nobody asked for this result to be saved."
    made = finish(client, client.post("/api/rankings", json=PROJECT)).json()
    tried = client.post(f"/api/rankings/{made['ranking_id']}/weights", json={})
    assert tried.json()["saved"] is False


def test_a_ranking_on_a_full_disk_is_answered_200_and_says_so(
    county: County, small_disk: Path
) -> None:
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90), status="vacant")]
    workspace = WorkspaceAt(county.write(small_disk / "c"))
    with TestClient(create_app(RunningCounty.open(workspace))) as client:
        fill_up(small_disk / "fill")
        answer = finish(client, client.post("/api/rankings?lang=en", json=PROJECT))
        assert (answer.status_code, answer.json()["saved"]) == (200, False)
        assert "The disk is full" in answer.json()["not_saved"]


def test_save_on_a_full_disk_exits_2_with_words_and_the_result(
    county: County, small_disk: Path
) -> None:
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90), status="vacant")]
    folder = county.write(small_disk / "c")
    project = folder / "project.json"
    project.write_text(json.dumps(PROJECT))
    fill_up(small_disk / "fill")
    for command in (("review", folder), ("rank", project, folder)):
        done = run(*command, "--save", "--format", "json", "--lang", "en")
        assert done.returncode == 2
        assert "the disk is full" in done.stderr
        assert json.loads(done.stdout)["saved"] is False
    (small_disk / "fill").unlink()
    done = run("rank", project, folder, "--save", "--format", "json")
    assert json.loads(done.stdout)["saved"] is True


def test_a_draft_that_finds_no_room_is_told(
    client: TestClient, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ImportDesk, "_written", no_space)
    answer = send(client, workspace, language="en")
    if answer.status_code == 202:  # told by its job
        job = client.get(answer.headers["location"]).json()
        while job["status"] in {"waiting", "running"}:
            job = client.get(f"{answer.headers['location']}?lang=en").json()
        assert "disk is full" in job["error"]
    else:
        assert answer.status_code == 503
        assert "disk is full" in answer.json()["detail"]


def send(client: TestClient, workspace: WorkspaceAt, language: str = "zh-Hans") -> Any:  # noqa: ANN401
    content = (workspace.folder / "parcels.geojson").read_bytes()
    parameters = {"layer": "parcels", "filename": "a.geojson", "lang": language}
    return client.post("/api/imports", params=parameters, content=content)


# ---- a page of candidates -------------------------------------------------------------------


def test_a_ranking_s_candidates_come_by_page_or_all_together(
    client: TestClient, workspace: WorkspaceAt
) -> None:
    made = finish(client, client.post("/api/rankings", json=PROJECT)).json()
    path = f"/api/rankings/{made['ranking_id']}"
    count = len(made["candidates"])
    assert count > 2

    def check(asked: TestClient) -> None:
        answer = asked.get(path)
        whole = answer.json()
        assert whole == made
        assert (whole["numberMatched"], whole["numberReturned"]) == (count, count)
        page = asked.get(path, params={"limit": 2, "offset": 1}).json()
        assert page["candidates"] == made["candidates"][1:3]
        assert (page["numberMatched"], page["numberReturned"]) == (count, 2)
        assert page["excluded"] == made["excluded"]
        none = asked.get(path, params={"offset": 9_000}).json()
        assert (none["candidates"], none["numberReturned"]) == ([], 0)
        assert asked.get(path, params={"limit": 10_001}).status_code == 400
        etag = {"if-none-match": answer.headers["etag"]}
        assert asked.get(path, headers=etag).status_code == 304

    check(client)
    with TestClient(create_app(RunningCounty.open(workspace))) as later:  # as it was saved
        check(later)


# ---- listed, pinned, dropped ----------------------------------------------------------------


def keep(store: Store, identity: str, *, kind: str = REVIEW, days: float = 0.0) -> Saved:
    """Save a result of some bytes that was made some days ago."""
    made_at = datetime.now(UTC) - timedelta(days=days)
    saved = Saved(
        kind=kind,
        id=identity,
        made_at=made_at,
        plan_version="p",
        layer_versions={},
        rulebook_version="b",
        software="0",
    )
    return store.save(saved, {"d": b"".join(number.to_bytes(4) for number in range(2_000))})


@pytest.fixture
def stocked(workspace: WorkspaceAt) -> WorkspaceAt:
    """Return the county with results of ten days, the oldest pinned."""
    with open_workspace(workspace) as opened:
        for day in range(10):
            keep(opened.store, f"k{day}", kind=RANKING, days=day)
        keep(opened.store, "r1", days=1)
        keep(opened.store, "r2", days=20)
        keep(opened.store, "r3", days=30)
        opened.store.pin(RANKING, "k9", is_pinned=True)
    return workspace


def ids(opened: Any) -> set[str]:  # noqa: ANN401 - a workspace
    return {item.id for item in holding(opened).items}


def test_what_is_old_goes_but_for_what_is_pinned_or_compared_with(stocked: WorkspaceAt) -> None:
    with open_workspace(stocked) as opened:
        gone = retain_results(opened, RetentionLimits(days=5.5))
        assert {item.id for item in gone} == {"k6", "k7", "k8", "r3"}
        assert {"k9", "r1", "r2"} <= ids(opened)
        assert retain_results(opened, RetentionLimits(days=5.5)) == []


def test_the_oldest_go_until_the_rest_fits(stocked: WorkspaceAt) -> None:
    with open_workspace(stocked) as opened:
        items = holding(opened).items
        newest = sum(item.size for item in items if item.id in {"k9", "r1", "r2", "k0", "k1"})
        retain_results(opened, RetentionLimits(bytes=newest))
        assert ids(opened) == {"k9", "r1", "r2", "k0", "k1"}
        retain_results(opened, RetentionLimits(bytes=0))
        assert ids(opened) == {"k9", "r1", "r2"}


def test_limits_of_the_workspace_hold_by_themselves(
    stocked: WorkspaceAt, caplog: pytest.LogCaptureFixture
) -> None:
    with open_workspace(stocked) as opened:
        assert retain_within(opened) == []
        assert len(ids(opened)) == 13
    limited = WorkspaceAt(stocked.folder, stocked.store, RetentionLimits(days=2.5))
    county = RunningCounty.open(limited)
    try:
        made = county.reviews.make(county.reviews.read_rulebook(None))
        kept = ids(county.workspace)
        assert made.review_id in kept
        assert {"k0", "k1", "k2", "k9", "r1"} <= kept
        assert not {"k3", "k8", "r3"} & kept
        assert "ranking k8 went" in caplog.text
    finally:
        county.close()


def test_results_are_listed_pinned_and_dropped_over_http(
    stocked: WorkspaceAt, client: TestClient
) -> None:
    del stocked
    document = client.get("/api/saved?limit=2").json()
    assert (document["numberMatched"], document["numberReturned"]) == (13, 2)
    assert document["bytes"] > 13 * 100
    assert document["saved"][0]["id"] == "k0"
    assert client.get("/api/saved?kind=review").json()["numberMatched"] == 3
    assert client.get("/api/saved?kind=none").status_code == 400
    assert client.delete("/api/rankings/k9").status_code == 409  # pinned
    assert client.put("/api/saved/k1/pin").json()["is_pinned"] is True
    assert client.delete("/api/saved/k9/pin").json()["is_pinned"] is False
    for path, status in (
        ("/api/rankings/k9", 204),
        ("/api/rankings/k9", 404),
        ("/api/reviews/r3", 204),
        ("/api/reviews/none", 404),
        ("/api/saved/k8", 204),
        ("/api/saved/k1", 409),
        ("/api/saved/none", 404),
    ):
        assert client.delete(path).status_code == status, path
    current = client.app.state.service.review.review_id
    assert client.delete(f"/api/reviews/{current}").status_code == 409
    gone = client.post("/api/saved/retain", json={"days": 0.5, "kind": "ranking"}).json()
    assert {item["id"] for item in gone["dropped"]} == {f"k{n}" for n in range(2, 8)}
    assert client.post("/api/saved/retain", json={"days": -1}).status_code == 422
    assert client.get("/api/saved?kind=ranking").json()["numberMatched"] == 2


def test_the_command_lists_pins_drops_and_retains(stocked: WorkspaceAt) -> None:
    environment: dict[str, Any] = {"GEO_STORE": stocked.store} if stocked.store else {}

    def ask(*arguments: str | Path) -> Any:  # noqa: ANN401 - a finished process
        return run("saved", *arguments, **environment)

    done = ask("list", stocked.folder, "--format", "json")
    assert json.loads(done.stdout)["numberMatched"] == 13
    assert "共 13 项" in done.stderr
    assert ask("pin", "k8", stocked.folder).returncode == 0
    done = ask("drop", "k8", stocked.folder)
    assert (done.returncode, "已固定保存" in done.stderr) == (2, True)
    assert ask("unpin", "k8", stocked.folder).returncode == 0
    assert ask("drop", "k8", stocked.folder).returncode == 0
    assert ask("drop", "k8", stocked.folder).returncode == 2
    assert ask("retain", stocked.folder).returncode == 2
    assert ask("retain", stocked.folder, "--size", "many").returncode == 2
    done = ask("retain", stocked.folder, "--days", "3", "--size", "1G", "--format", "json")
    assert {item["id"] for item in json.loads(done.stdout)["dropped"]} == {
        *(f"k{n}" for n in range(3, 8)),
        "r3",
    }
    assert "已删除 6 项" in done.stderr


def test_the_lists_of_imports_are_kept_and_dropped_alike(county: County, tmp_path: Path) -> None:
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90))]
    folder = county.write(tmp_path / "c")
    file = folder / "parcels.geojson"
    assert run("import", file, "--layer", "parcels", folder, "--dry-run").returncode == 0
    with open_workspace(folder) as opened:
        (item,) = holding(opened, kind="import").items
        assert item.size > 100
    assert run("saved", "pin", item.id, folder).returncode == 2
    assert run("saved", "drop", item.id, folder).returncode == 0
    with open_workspace(folder) as opened:
        assert holding(opened).items == ()


def test_pins_and_sizes_move_with_the_store(local_place: Place, shared_place: Place) -> None:
    with closing(local_place.open()) as old, closing(shared_place.open()) as new:
        keep(old, "r1")
        old.pin(REVIEW, "r1", is_pinned=True)
        new.take_over(old)
        assert new.outlines() == old.outlines()
        assert new.outlines()[0].is_pinned


# ---- imports and jobs -----------------------------------------------------------------------


def test_published_imports_do_not_block_the_next(
    client: TestClient, workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_drafts, "HELD_DRAFTS", 1)
    monkeypatch.setattr(import_drafts, "HELD_PUBLISHED", 2)
    for _ in range(3):
        draft = finish(client, send(client, workspace)).json()
        assert (draft["status"], draft["saved"]) == ("draft", False)
        done = client.post(f"/api/imports/{draft['import_id']}/publish")
        assert done.status_code == 200
        assert (done.json()["saved"], done.json()["not_saved"]) == (True, None)
    listed_now = client.get("/api/imports").json()["imports"]
    assert [item["status"] for item in listed_now] == ["published"] * 2
    desk: ImportDesk = client.app.state.service.imports
    assert not list(desk.folder.rglob("rows.parquet"))
    assert finish(client, send(client, workspace)).status_code in {200, 201}
    assert send(client, workspace).status_code == 503
    waiting = [item for item in client.get("/api/imports").json()["imports"] if not item["saved"]]
    assert client.delete(f"/api/imports/{waiting[0]['import_id']}").status_code == 204
    assert finish(client, send(client, workspace)).status_code in {200, 201}


def test_jobs_are_listed_and_forgotten_by_age(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(client, client.post("/api/reviews", json={}))
    found = client.get("/api/jobs?limit=1").json()
    assert found["numberReturned"] == 1
    assert found["numberMatched"] >= 1
    done = [job for job in client.get("/api/jobs").json()["jobs"] if job["status"] == "done"]
    assert done[0]["ended_at"] >= done[0]["made_at"]
    monkeypatch.setattr(jobs_module, "HELD_SECONDS", -1.0)
    eventually(  # what is at work still is listed
        lambda: client.get("/api/jobs").json()["numberMatched"] == 0, "all jobs are forgotten"
    )
    assert client.get("/api/jobs").json()["jobs"] == []
    assert client.get(f"/api/jobs/{done[0]['job_id']}").status_code == 404


def test_a_job_that_is_at_work_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "HELD_SECONDS", -1.0)
    board = JobBoard()
    go = threading.Event()

    def wait_for_it(_: Callable[[int, int, str], None]) -> None:
        assert go.wait(PATIENCE_S)

    job = board.start(wait_for_it)
    assert board.find(job.job_id) is job
    go.set()
    assert board.wait(job, 60)
    board.close()
