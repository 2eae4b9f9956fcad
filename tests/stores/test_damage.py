"""Damage of a store is told as StoreError with the ways out; no other answer, no trace."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from geo_service.errors import NotFoundError, StoreError
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning.layers import (
    export_plan,
    layer_history,
    newest_layer,
    publish,
    rollback,
)
from geo_service.planning.once import review_workspace
from geo_service.planning.reviews import save_workspace_review
from geo_service.stores.base import CATALOGUE, CREATED_MARK, REVIEW, Store, WorkspaceAt
from geo_service.stores.frames import content_digest
from geo_service.stores.opening import open_store
from geo_service.web.app import create_app
from geo_service.workspace.opening import open_plan
from tests.client import TestClient
from tests.county import FEW_RULES, County, box, parcel
from tests.depth import examples
from tests.stores.conftest import COUNTY, Place
from tests.stores.made import catalogue_of
from tests.terminal import run

pytestmark = pytest.mark.slow

FLIPS, CUTS = examples(60), examples(20)
"""How many times bytes are changed, and files are cut short."""


def fill(workspace: WorkspaceAt) -> WorkspaceAt:
    """Publish the parcels twice and save a review in between."""
    for status in ("idle", "vacant"):
        now = newest_layer(workspace, "parcels")
        frame = now.frame.assign(status=status)
        publish(workspace, "parcels", frame, expected=now.version, note="季度更新")
        if status == "idle":
            save_workspace_review(workspace, review_workspace(workspace))
    return workspace


@pytest.fixture
def made(county: County) -> County:
    """Return a county with parcels."""
    county.layers["parcels"] = [parcel(f"L{n}", box(n * 100, 0, 90, 90)) for n in range(4)]
    county.rules = FEW_RULES
    return county


@pytest.fixture
def workspace(made: County, place: Place) -> WorkspaceAt:
    """Return a county in which something was published, in either store."""
    return fill(WorkspaceAt(made.write(place.folder / "county"), place.address))


def answers(workspace: WorkspaceAt) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield questions to a store and a workspace, each by a name."""

    def asked(ask: Callable[[Store], Any]) -> Callable[[], Any]:
        def ask_it() -> Any:  # noqa: ANN401 - any answer
            with closing(open_store(workspace.folder, COUNTY, workspace.store)) as store:
                return ask(store)

        return ask_it

    yield "newest", asked(lambda store: dict(store.newest()))
    yield "entries", asked(lambda store: store.entries())
    yield "recorded", asked(lambda store: dict(store.recorded()))
    yield "history", asked(lambda store: store.history("parcels"))
    yield "saved", asked(lambda store: store.saved(REVIEW))
    yield "outlines", asked(lambda store: store.outlines())
    yield "documents", asked(_documents)
    for version in ("0", "1", "2"):
        yield f"rows {version}", asked(lambda store, at=version: _digest(store.read("parcels", at)))
    yield "some rows", asked(lambda store: len(store.read("parcels", "2", where={"park_id": "P1"})))
    yield "plan", lambda: open_plan(workspace).version
    yield "export", lambda: _exported(workspace)


def _digest(frame: pd.DataFrame) -> str:
    return content_digest(frame, "parcels")


def _documents(store: Store) -> list[bytes]:
    return [
        store.document(item.kind, item.id, name)
        for item in store.outlines()
        for name in store.document_names(item.kind, item.id)
    ]


def _exported(workspace: WorkspaceAt) -> bool:
    path = workspace.folder.parent / f"{workspace.folder.name}.gpkg"
    export_plan(workspace, path)
    path.unlink()
    return True


@pytest.mark.deep
def test_whatever_byte_is_damaged_the_answer_is_right_or_an_error_of_the_store(
    made: County, tmp_path: Path
) -> None:
    """Also of own files: they hold other rows, so that falling back on them would be seen."""
    whole = fill(WorkspaceAt(made.write(tmp_path / "whole")))
    right = {name: ask() for name, ask in answers(whole)}
    for name in ("parcels", "control_zones", "parks"):  # nothing falls back on a file
        (whole.folder / f"{name}.geojson").write_text("edited")
    files = sorted(
        path.relative_to(whole.folder)
        for path in (whole.folder / "store").rglob("*")
        if path.is_file() and path.stat().st_size
    )
    sizes = [(whole.folder / path).stat().st_size for path in files]
    chance = random.Random(20_260_101)  # noqa: S311 - which byte is damaged
    told = 0
    for number in range(FLIPS + CUTS):
        copy = WorkspaceAt(tmp_path / "copy")
        shutil.copytree(whole.folder, copy.folder)
        path = copy.folder / chance.choices(files, sizes)[0]
        content = bytearray(path.read_bytes())
        if number < FLIPS:
            for _ in range(chance.choice((1, 1, 3))):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        else:
            del content[chance.randrange(len(content)) :]
        path.write_bytes(content)
        for name, ask in answers(copy):
            try:
                found = ask()
            except (StoreError, NotFoundError):
                told += 1
                continue
            assert found == right[name], (number, str(path), name)
        shutil.rmtree(copy.folder)
    assert told > FLIPS


def place_file(workspace: WorkspaceAt, place: Place, number: int = 2) -> str:
    """Return the file or table of a number of the parcels."""
    with catalogue_of(Place(workspace.folder, place.address)) as connection:
        query = sa.text("SELECT place FROM layer_versions WHERE layer = 'parcels' AND number = :n")
        found: str = connection.execute(query, {"n": number}).scalar_one()
        return found


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE {}",
        "ALTER TABLE {} DROP COLUMN status",
        "UPDATE {} SET status = 'built' WHERE row_no = 0",
        "DELETE FROM {} WHERE row_no = 1",
        "UPDATE {} SET geometry = NULL WHERE row_no = 0",
        "UPDATE {} SET geometry = ST_Translate(geometry, 1, 0) WHERE row_no = 0",
        "ALTER TABLE {} ALTER COLUMN area_m2 TYPE text USING 'wide'",
    ],
)
def test_a_table_that_was_dropped_or_altered_by_hand_is_told(
    made: County, shared_place: Place, harm: str
) -> None:
    workspace = fill(WorkspaceAt(made.write(shared_place.folder / "c"), shared_place.address))
    table = place_file(workspace, shared_place)
    with catalogue_of(shared_place) as connection:
        connection.execute(sa.text(harm.format(table)))
    check_told(workspace)


@pytest.mark.parametrize("harm", ["unlink", "empty", "other", "folder"])
def test_a_file_that_is_gone_or_another_one_is_told(
    made: County, local_place: Place, harm: str
) -> None:
    workspace = fill(WorkspaceAt(made.write(local_place.folder / "c")))
    layers = workspace.folder / "store" / "layers"
    path = layers / place_file(workspace, local_place)
    path.unlink()
    if harm == "empty":
        path.touch()
    elif harm == "other":
        shutil.copy(layers / place_file(workspace, local_place, 1), path)
    elif harm == "folder":
        path.mkdir()
    check_told(workspace)


def check_told(workspace: WorkspaceAt) -> None:
    """Layer, version and ways out are told; the command line exits 2; a rollback helps."""
    environment: dict[str, Any] = {"GEO_STORE": workspace.store} if workspace.store else {}
    version = layer_history(workspace, "parcels")[0].version
    with pytest.raises(StoreError) as raised:
        open_plan(workspace)
    assert f"version {version} of layer 'parcels' is damaged" in str(raised.value)
    assert "geo-service rollback parcels NUMBER" in str(raised.value)
    assert "restore the store" in str(raised.value)
    done = run("layers", workspace.folder, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"版本 {version} 已损坏" in done.stderr
    done = run("rollback", "parcels", "1", workspace.folder, **environment)
    assert done.returncode == 0, done.stderr
    assert set(open_plan(workspace).parcels["status"]) == {"idle"}


def test_a_service_answers_503_with_words_and_without_paths(
    workspace: WorkspaceAt, place: Place
) -> None:
    county = RunningCounty.open(workspace)
    with TestClient(create_app(county)) as client:
        where = place_file(workspace, place, 1)
        if place.address is None:
            (workspace.folder / "store" / "layers" / where).write_bytes(b"x")
        else:
            with catalogue_of(place) as connection:
                connection.execute(sa.text(f"ALTER TABLE {where} DROP COLUMN status"))
        answer = client.get("/api/layers/parcels/history/1/features")
        assert answer.status_code == 503
        detail = answer.json()["detail"]
        assert "of layer 'parcels' is damaged" in detail
        assert "rollback" in detail
        assert str(workspace.folder) not in answer.text
        assert "postgresql" not in answer.text


def test_a_damaged_number_0_is_read_from_the_own_file_that_holds_the_same(
    made: County, tmp_path: Path
) -> None:
    workspace = fill(WorkspaceAt(made.write(tmp_path / "c")))
    for path in (workspace.folder / "store" / "layers" / "parks").iterdir():
        path.write_bytes(b"")
    assert len(open_plan(workspace).parks) == 2
    file = workspace.folder / "parks.geojson"
    file.write_text(file.read_text().replace("P1 园", "P1 区"))
    with pytest.raises(StoreError, match="of layer 'parks' is damaged"):
        open_plan(workspace)


@pytest.mark.parametrize("harm", ["gone", "empty", "no database", "other tables"])
def test_a_catalogue_that_is_gone_is_not_an_empty_store(
    made: County, tmp_path: Path, harm: str
) -> None:
    workspace = fill(WorkspaceAt(made.write(tmp_path / "c")))
    path = workspace.folder / "store" / CATALOGUE
    if harm == "gone":
        path.unlink()
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "no database":
        path.write_bytes(b"no database" * 500)
    else:
        path.unlink()
        with catalogue_of(Place(workspace.folder, None)) as connection:
            connection.execute(sa.text("CREATE TABLE x (y)"))
    for ask in (
        lambda: open_plan(workspace),
        lambda: newest_layer(workspace, "parcels"),
        lambda: rollback(workspace, "parcels", "1"),
    ):
        with pytest.raises(StoreError, match="Restore the store from a backup"):
            ask()
    done = run("layers", workspace.folder)
    assert done.returncode == 2
    assert "请从备份恢复" in done.stderr
    # Who wants to begin anew puts the store away.
    shutil.rmtree(workspace.folder / "store")
    assert open_plan(workspace).layers["parcels"].number == 0


def test_a_store_leaves_its_mark_once_it_was_written(made: County, tmp_path: Path) -> None:
    workspace = WorkspaceAt(made.write(tmp_path / "c"))
    assert not (workspace.folder / "store").exists()
    fill(workspace)
    assert (workspace.folder / "store" / CREATED_MARK).exists()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE layer_versions SET note = 'x' WHERE number = 2",
        "UPDATE layer_versions SET features = 3 WHERE number = 2",
        "UPDATE layer_versions SET digest = 'f' || substr(digest, 2) WHERE number = 2",
        "UPDATE own_files SET digest = 'f' || substr(digest, 2)",
        "DELETE FROM layer_versions WHERE number = 0 AND layer = 'parks'",
    ],
)
def test_a_row_that_was_changed_by_hand_is_told(
    workspace: WorkspaceAt, place: Place, harm: str
) -> None:
    with catalogue_of(Place(workspace.folder, place.address)) as connection:
        connection.execute(sa.text(harm))
    with pytest.raises(StoreError, match="is damaged"):
        open_plan(workspace)


def test_a_damaged_result_is_told_and_can_be_dropped(workspace: WorkspaceAt, place: Place) -> None:
    with catalogue_of(Place(workspace.folder, place.address)) as connection:
        connection.execute(sa.text("UPDATE saved_documents SET content = '\\x00'"))
        connection.execute(sa.text("UPDATE saved_results SET plan_version = 'x'"))
    with closing(open_store(workspace.folder, COUNTY, workspace.store)) as store:
        (item,) = store.outlines()
        name = store.document_names(REVIEW, item.id)[0]
        for ask in (
            lambda: store.saved(REVIEW),
            lambda: store.find(REVIEW, item.id),
            lambda: store.document(REVIEW, item.id, name),
        ):
            with pytest.raises(StoreError, match="is damaged"):
                ask()
        assert store.drop([(REVIEW, item.id)]) == 1
        assert store.saved(REVIEW) == []
