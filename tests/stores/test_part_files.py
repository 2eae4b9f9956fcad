"""Part files in both stores: what is published, what the history says, what is taken back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from geo_service.errors import ConflictError
from geo_service.ingest.options import ImportOptions
from geo_service.model import TakenAs
from geo_service.planning.imports import import_file, publish_import, read_import
from geo_service.planning.layers import layer_history, newest_layer, publish, rollback
from geo_service.stores.base import WorkspaceAt
from tests.county import County, box, parcel
from tests.ingest.made import table
from tests.stores.conftest import Place
from tests.stores.made import catalogue_of, without_accounts
from tests.stores.rows import draft, parcels


@pytest.fixture
def workspace(place: Place) -> WorkspaceAt:
    """Return a county of two parcels, kept in either store."""
    county = County()
    county.layers["parcels"] = [
        parcel(name, box(x, 0, 100, 100), plot_ratio=1.0) for name, x in (("A1", 0), ("A2", 200))
    ]
    return WorkspaceAt(county.write(place.folder / "county"), place.address)


def test_an_update_and_an_addition_are_kept_as_such(workspace: WorkspaceAt, tmp_path: Path) -> None:
    update = table(tmp_path / "u.csv", parcel_id=["A2"], plot_ratio=[2.0])
    wkt = newest_layer(workspace, "parcels").frame.geometry.iloc[0].wkt
    new = table(tmp_path / "n.csv", parcel_id=["A3"], wkt=[wkt])
    import_file(workspace, update, "parcels", ImportOptions(taken_as=TakenAs.UPDATE))
    options = ImportOptions(taken_as=TakenAs.ADD, crs="EPSG:4490")
    done = import_file(workspace, new, "parcels", options)
    found = newest_layer(workspace, "parcels").frame
    assert found["parcel_id"].tolist() == ["A1", "A2", "A3"]
    assert found["plot_ratio"].tolist()[:2] == [1.0, 2.0]
    # A3 lies on A1.
    assert [(pair.first, pair.second) for pair in done.findings.overlaps] == [("A1", "A3")]
    history = layer_history(workspace, "parcels")
    assert [(entry.number, entry.taken_as, entry.source) for entry in history] == [
        (2, TakenAs.ADD, "n.csv"),
        (1, TakenAs.UPDATE, "u.csv"),
        (0, None, "parcels.geojson"),
    ]
    back = rollback(workspace, "parcels", history[2].version, expected=history[0].version)
    assert (back.number, back.taken_as) == (3, None)
    assert newest_layer(workspace, "parcels").version == history[2].version


def test_an_update_of_a_layer_that_was_changed_meanwhile_is_a_conflict(
    workspace: WorkspaceAt, tmp_path: Path
) -> None:
    path = table(tmp_path / "u.csv", parcel_id=["A2"], plot_ratio=[2.0])
    read = read_import(workspace, path, "parcels", ImportOptions(taken_as=TakenAs.UPDATE))
    now = newest_layer(workspace, "parcels")
    publish(workspace, "parcels", now.frame.assign(plot_ratio=3.0), expected=now.version)
    with pytest.raises(ConflictError):
        publish_import(workspace, read)
    assert newest_layer(workspace, "parcels").frame["plot_ratio"].tolist() == [3.0, 3.0]


def test_versions_of_the_second_form_stay_sound(place: Place) -> None:
    with closing(place.open()) as store:
        store.publish([draft(parcels(1))])
        (entry,) = store.history("parcels")
    with catalogue_of(place) as connection:
        without_accounts(connection)
        connection.execute(sa.text("ALTER TABLE layer_versions DROP COLUMN taken_as"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    with closing(place.open()) as store:
        store.publish([draft(parcels(2), expected=entry.version)])
        assert [one.taken_as for one in store.history("parcels")] == [None, None]
        assert store.history("parcels")[1] == entry
