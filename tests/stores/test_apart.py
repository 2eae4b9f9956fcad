"""A county with long work in processes of its own: the same answers, nothing left behind."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from geo_service import crew
from geo_service.access import acting_as
from geo_service.errors import BusyError
from geo_service.language import Language
from geo_service.model import Finding, Severity
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning import kept_reviews
from geo_service.planning.apart import TilesApart, WorksApart
from geo_service.planning.grants import GrantForm, GrantKind
from geo_service.planning.rankings import RankingFormat
from geo_service.planning.review_files import ExportFormat
from geo_service.planning.verification import verify_review
from geo_service.stores.base import WorkspaceAt
from geo_service.web.app import create_app
from geo_service.zoning.review import review
from tests.client import TestClient
from tests.county import County, box, enterprise, parcel
from tests.patience import PATIENCE_S, eventually
from tests.stores.made import LI, WANG, publish_parcels
from tests.warm import SUBPROCESS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    """Have the processes of these tests begin with the product loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "subprocess", SUBPROCESS)
        yield


PROJECT: dict[str, Any] = {
    "name": "p",
    "industry_code": "3670",
    "kind": "new",
    "needs": {"land_m2": 50},
}


def written(folder: Path) -> Path:
    """Write a county in which not all is well."""
    county = County()
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90)), parcel("L1", box(100, 0, 90, 90))]
    county.layers["enterprises"].append(enterprise("Z", "3670", 900.0))
    return county.write(folder / "county")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a county in which not all is well."""
    return written(tmp_path)


@dataclass(frozen=True)
class OpenedBefore:
    """A county that a service opened apart and closed, and what it told."""

    folder: Path
    review_id: str
    english: bytes
    results: list[Finding]


@pytest.fixture(scope="module")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> OpenedBefore:
    """Return the county of all tests that begin with what an opening leaves."""
    folder = written(tmp_path_factory.mktemp("opened"))
    with closing(RunningCounty.open(WorkspaceAt(folder), is_apart=True)) as first:
        told = whole(first, first.review.review_id, Language.EN)
        return OpenedBefore(folder, first.review.review_id, told, list(first.review.results))


@pytest.fixture
def before(opened_once: OpenedBefore, folder: Path) -> OpenedBefore:
    """Return the same of a copy in place of `folder`, to be changed."""
    shutil.rmtree(folder)
    return replace(opened_once, folder=Path(shutil.copytree(opened_once.folder, folder)))


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., RunningCounty]]:
    """Return a function that starts one more process' county."""
    running: list[RunningCounty] = []

    def one_more(*, is_apart: bool = True) -> RunningCounty:
        running.append(RunningCounty.open(WorkspaceAt(folder), is_apart=is_apart))
        return running[-1]

    yield one_more
    for county in running:
        county.close()


Start = Callable[..., RunningCounty]


def refuse(*_: object, **__: object) -> None:
    message = "this is not to be done here"
    raise AssertionError(message)


def whole(county: RunningCounty, review_id: str, language: Language) -> bytes:
    made = county.reviews.file(review_id, ExportFormat.JSON, language)
    return made.content if made.path is None else made.path.read_bytes()


def test_a_review_made_apart_is_the_same_to_the_last_byte(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start(is_apart=False)
    expected = [whole(here, here.review.review_id, language) for language in Language]
    monkeypatch.setattr("geo_service.planning.works.review", refuse)
    monkeypatch.setattr("geo_service.planning.works.review_download", refuse)
    apart = start()
    assert [whole(apart, apart.review.review_id, language) for language in Language] == expected
    assert apart.review.facts.keys() == here.review.facts.keys()
    assert apart.review.judged == here.review.judged
    assert list(apart.review.results) == list(here.review.results)


def test_a_trial_by_other_parks_is_made_apart_and_saved(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.planning.works.record_plan", refuse)
    monkeypatch.setattr("geo_service.planning.apart.record_plan", refuse)
    apart = start()
    made = apart.reviews.make(apart.rulebook, parks=["P1"], is_trial=True)
    assert apart.reviews.is_saved(made.review_id)
    summary = apart.reviews.summary(made.review_id, Language.EN)
    assert summary["saved"]
    wait_until_settled(apart)  # what it was made from is kept as well, by a process of its own
    recorded = {(entry.layer, entry.version) for entry in apart.workspace.store.entries()}
    assert recorded == {(name, layer.version) for name, layer in apart.plan.layers.items()}
    later = start(is_apart=False)
    assert later.reviews.summary(made.review_id, Language.EN) == summary


def test_a_ranking_made_apart_answers_as_one_made_here(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = start(is_apart=False)
    app = create_app(here)
    made = TestClient(app).post("/api/rankings?lang=en", json=PROJECT)
    monkeypatch.setattr("geo_service.planning.works.rank_project", refuse)
    monkeypatch.setattr("geo_service.planning.rankings.ranking_from_recipe", refuse)
    apart = start()
    ranking = apart.rankings.rank(here.rankings.find(made.json()["ranking_id"]).project)
    assert ranking.plan is apart.plan
    identity = ranking.ranking_id
    for language in Language:
        files = [
            county.rankings.file(identity, RankingFormat.JSON, language).content
            for county in (here, apart)
        ]
        assert files[0] == files[1]
    weighed = [
        county.rankings.find(identity).reweigh(None, method="topsis") for county in (here, apart)
    ]
    assert weighed[0].order == weighed[1].order


def test_tiles_made_apart_are_the_same(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    here, apart = start(is_apart=False), start()
    addresses = [
        ("parks", 0, 0, 0),
        ("findings", 0, 0, 0),
        ("parcels", 0, 0, 0),
        ("roads", 0, 0, 0),
    ]
    expected = [here.tiles.find(*address) for address in addresses]
    monkeypatch.setattr("geo_service.maps.tiles.TileLayer.of", refuse)
    assert [apart.tiles.find(*address) for address in addresses] == expected
    assert apart.tiles.made(*addresses[0]) == expected[0]
    assert any(tile is not None for tile, _ in expected)


def test_the_child_that_makes_tiles_ends_when_it_may_and_the_next_tile_starts_another(
    start: Start,
) -> None:
    apart = start()
    tiles = apart.tiles.current()
    maker = tiles._maker  # noqa: SLF001 - whose child ends
    works = apart._state.works  # noqa: SLF001 - as above
    assert isinstance(works, WorksApart)
    made = [maker.make("parks", 0, 0, 0)]
    pid = works._crew.pid  # noqa: SLF001 - as above
    children = Path(f"/proc/{pid}/task/{pid}/children")
    (first,) = children.read_text().split()
    maker.pause()
    assert children.read_text().split() == [first]
    maker.close()
    eventually(lambda: not children.read_text(), "the child has ended")
    made.append(maker.make("parks", 0, 0, 0))
    assert made[0] == made[1]
    assert children.read_text().split() != [first]


def test_an_unchanged_county_is_opened_from_its_kept_review(
    start: Start, monkeypatch: pytest.MonkeyPatch, before: OpenedBefore
) -> None:
    kept = list((before.folder / "store" / "reviews").iterdir())
    assert [path.suffix for path in kept] == [".review"]
    monkeypatch.setattr(WorksApart, "_run", refuse)
    again = start()
    assert again.review.review_id == before.review_id
    assert again.reviews.register(again.review.review_id, Language.EN)["numberMatched"] > 0
    monkeypatch.undo()
    assert whole(again, again.review.review_id, Language.EN) == before.english


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_kept_review_that_is_damaged_is_made_again(
    start: Start, before: OpenedBefore, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = (before.folder / "store" / "reviews").iterdir()
    content = path.read_bytes()
    other = bytearray(content)
    other[len(content) // 2] ^= 1
    spoiled = {"cut": content[:-9], "changed": bytes(other), "empty": b"", "other": b"x" * 500}
    path.write_bytes(spoiled[damage])
    again = start()
    assert list(again.review.results) == before.results
    assert path.read_bytes() == content
    reason = {"cut": "damaged", "changed": "damaged", "empty": "format", "other": "format"}[damage]
    assert caplog.messages == [f"A kept review cannot be used and is made again: {reason}"]


def test_a_kept_review_of_something_else_is_made_again(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    first = start()
    first.reviews.make(first.rulebook, parks=["P1"])
    kept = first._state.works.kept  # noqa: SLF001 - whose files are exchanged
    (other,) = set(kept.folder.iterdir()) - {kept.path(first.review.review_id)}
    other.replace(kept.path(first.review.review_id))
    again = start()
    assert list(again.review.results) == list(first.review.results)
    assert caplog.messages == ["A kept review cannot be used and is made again: other"]


def test_another_installation_makes_its_own_review(
    start: Start, before: OpenedBefore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = (before.folder / "store" / "reviews").iterdir()
    monkeypatch.setattr(kept_reviews, "installation", lambda: "other")
    start()
    names = [found.name for found in (before.folder / "store" / "reviews").iterdir()]
    assert len(names) == 1  # what nobody reads any more is made room for
    assert names != [path.name]


def test_a_killed_process_fails_what_it_did_and_the_next_goes_well(start: Start) -> None:
    apart = start()
    works = apart._state.works  # noqa: SLF001 - whose process is killed
    assert isinstance(works, WorksApart)
    apart.tiles.find("parks", 0, 0, 0)  # a child talks
    pid = works._crew.pid  # noqa: SLF001 - as above
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: works._crew.pid is None, "it has ended")  # noqa: SLF001 - as above
    made = apart.reviews.make(apart.rulebook, parks=["P1"])
    assert made.park_ids == ("P1",)
    maker = apart.tiles.current()._maker  # noqa: SLF001 - as above
    assert isinstance(maker, TilesApart)
    eventually(lambda: not maker._is_running, "the talk is over")  # noqa: SLF001 - as above
    assert apart.tiles.find("parcels", 0, 0, 0)[0] is not None


def test_closing_leaves_no_process_and_no_file(folder: Path) -> None:
    apart = RunningCounty.open(WorkspaceAt(folder), is_apart=True)
    works = apart._state.works  # noqa: SLF001 - what it leaves
    assert isinstance(works, WorksApart)
    apart.tiles.find("parks", 0, 0, 0)
    pid, scratch = works._crew.pid, works._scratch.path  # noqa: SLF001 - as above
    apart.close()
    assert not scratch.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(pid or 0, 0)
    with pytest.raises(BusyError):
        apart.tiles.find("parcels", 1, 0, 0)


@pytest.mark.parametrize("is_apart", [False, True])
def test_plans_that_no_longer_count_are_not_held(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_apart: bool
) -> None:
    monkeypatch.setattr("geo_service.maps.kinds.plan.TILED_ABOVE_FEATURES", 0)  # so tiles are made
    monkeypatch.setattr("geo_service.planning.works.review", review)  # which other tests keep
    county = start(is_apart=is_apart)
    county.tiles.current().start()
    client = TestClient(create_app(county))
    plans = []
    reviews = []
    for status in ("idle", "vacant"):
        plans.append(weakref.ref(county.plan))
        reviews.append(county.review.review_id)
        assert client.get("/maps/overview").status_code == 200
        assert client.get("/api/layers/parcels/features").status_code == 200
        assert client.get(f"/maps/review?review_id={county.review.review_id}").status_code == 200
        assert client.post("/api/reviews", json={"parks": ["P1"]}).status_code in {200, 201, 202}
        client.post("/api/rankings", json=PROJECT)
        publish_parcels(WorkspaceAt(folder), status)
        county.refresh()
        wait_until_settled(county)

    def are_gone() -> bool:
        gc.collect()
        return all(plan() is None for plan in plans)

    eventually(are_gone, "no earlier plan is held")  # a crew that ends holds its own for a moment
    own = county.workspace._own  # noqa: SLF001 - what it holds of files that are recorded by now
    assert not own._read  # noqa: SLF001 - as above
    # What was reviewed then is still told, and its geometry too: versions are kept.
    for review_id in reviews:
        summary = county.reviews.summary(review_id, Language.EN)
        found, matched = county.reviews.findings(review_id, Language.EN, slice_=(1000, 0))
        assert matched == summary["findings_count"] == len(found)
        assert any(item["geometry"] is not None for item in found)
        assert county.reviews.comparison(review_id, reviews[0], Language.EN)["before"] == review_id
    gc.collect()
    assert sum(plan() is not None for plan in plans) == 0


def wait_until_settled(county: RunningCounty) -> None:
    """Let the background keep and let go what it has to."""
    done = county.jobs.start(lambda _: None)
    assert county.jobs.wait(done, PATIENCE_S)
    for job in county.jobs.jobs():
        county.jobs.wait(job, PATIENCE_S)


def test_a_waiver_by_form_counts_in_other_processes_and_what_they_make_is_signed(
    start: Start, folder: Path
) -> None:
    service = start()
    finding = next(one for one in service.review.results if one.severity is not Severity.MUST)
    service.grants.grant(
        GrantForm(
            kind=GrantKind.WAIVER,
            rule_id=finding.rule_id,
            layer=finding.subject.layer,
            subject_id=finding.subject.id,
            document_number="9",
            reason="moving",
            authority="the county",
            expires_on=date.max,
        )
    )
    assert service.refresh()
    aside = {one.rule_id for one in service.review.results if one.waived is not None}
    assert aside == {finding.rule_id}
    assert finding.park_id == "P1"
    again = service.reviews.make(service.rulebook, parks=["P1"], is_trial=True)
    assert again.waived_count == service.review.waived_count  # all of it is in P1
    review_id = service.review.review_id
    with acting_as(LI):
        service.reviews.acts.submit(review_id)
    with acting_as(WANG):
        service.reviews.acts.sign(review_id)
    assert verify_review(folder, review_id).differences == []
