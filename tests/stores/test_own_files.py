"""A workspace's own files: they count until something is published, then an edit waits."""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geo_service.errors import ConflictError, WorkspaceError
from geo_service.planning import PlanningService as RunningCounty
from geo_service.planning.layers import (
    changed_files,
    layer_history,
    move_store,
    newest_layer,
    publish,
    retain,
    rollback,
)
from geo_service.stores.base import WorkspaceAt
from geo_service.stores.opening import open_store
from geo_service.web.app import create_app
from geo_service.workspace.opening import open_plan, open_workspace
from geo_service.workspace.own_files import OwnFileState
from tests.client import TestClient
from tests.county import FEW_RULES, County, box, parcel, zone
from tests.stores.conftest import Place
from tests.stores.made import catalogue_of, publish_parcels
from tests.terminal import run

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(county: County, place: Place) -> WorkspaceAt:
    """Return a county with two parcels and three control zones, and either store."""
    county.layers["parcels"] = [parcel(f"L{n}", box(n * 100, 0, 90, 90)) for n in range(2)]
    county.layers["control_zones"] = [zone(f"Z{n}", box(n * 100, 900, 90, 90)) for n in range(3)]
    county.rules = FEW_RULES
    return WorkspaceAt(county.write(place.folder / "county"), place.address)


def halve_zones(workspace: WorkspaceAt, keep: int = 1) -> None:
    """Edit the file of the control zones: only the first ones stay."""
    path = workspace.folder / "control_zones.geojson"
    document = json.loads(path.read_text())
    document["features"] = document["features"][:keep]
    path.write_text(json.dumps(document))


def states(workspace: WorkspaceAt) -> dict[str, str]:
    with open_workspace(workspace) as opened:
        return {name: state.value for name, state in opened.own_states().items()}


def test_while_nothing_is_published_an_edited_file_counts(workspace: WorkspaceAt) -> None:
    assert set(states(workspace).values()) == {OwnFileState.COUNTS}
    halve_zones(workspace)
    assert len(open_plan(workspace).control_zones) == 1
    assert changed_files(workspace) == ()


def test_an_edit_never_takes_effect_because_another_layer_is_published(
    workspace: WorkspaceAt, caplog: pytest.LogCaptureFixture
) -> None:
    publish_parcels(workspace)
    halve_zones(workspace)
    publish_parcels(workspace, "vacant")
    with caplog.at_level(logging.WARNING):
        plan = open_plan(workspace)
    assert len(plan.control_zones) == 3
    assert (plan.layers["control_zones"].number, plan.layers["parcels"].number) == (0, 2)
    assert "control_zones.geojson was changed" in caplog.text
    assert changed_files(workspace) == ("control_zones",)
    # It waits for an import, which publishes it against what was recorded.
    environment: dict[str, Any] = {"GEO_STORE": workspace.store} if workspace.store else {}
    done = run(
        *("import", workspace.folder / "control_zones.geojson", "--layer", "control_zones"),
        *("--as", "whole", workspace.folder),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    after = open_plan(workspace)
    assert (len(after.control_zones), after.layers["control_zones"].number) == (1, 1)
    history = layer_history(workspace, "control_zones")
    assert [(entry.number, entry.features) for entry in history] == [(1, 1), (0, 3)]


@pytest.mark.parametrize("damage", ["broken", "gone"])
def test_a_broken_file_stops_neither_the_plan_nor_another_publication(
    workspace: WorkspaceAt, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish_parcels(workspace)
    path = workspace.folder / "control_zones.geojson"
    if damage == "gone":
        path.unlink()
    else:
        path.write_text('{"type": "FeatureCollection"')
    with caplog.at_level(logging.WARNING):
        assert len(open_plan(workspace).control_zones) == 3
    assert "control_zones.geojson" in caplog.text
    publish_parcels(workspace, "vacant")
    rollback(workspace, "parcels", "0")
    assert len(open_plan(workspace).control_zones) == 3
    found = states(workspace)
    assert found["control_zones"] == ("missing" if damage == "gone" else "broken")
    assert found["townships"] == "same"


def test_before_the_first_publication_a_broken_file_is_told_with_its_faults(
    workspace: WorkspaceAt,
) -> None:
    now = newest_layer(workspace, "parcels")
    (workspace.folder / "control_zones.geojson").write_text("broken")
    with pytest.raises(WorkspaceError, match="control_zones"):
        publish(workspace, "parcels", now.frame.assign(status="idle"), expected=now.version)


def test_the_layers_command_and_the_api_tell_what_became_of_files(
    workspace: WorkspaceAt,
) -> None:
    environment: dict[str, Any] = {"GEO_STORE": workspace.store} if workspace.store else {}

    def listed() -> tuple[dict[str, Any], str]:
        done = run("layers", workspace.folder, "--format", "json", "--lang", "en", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    document, told = listed()
    assert not document["is_published"]
    assert "its own files are in force" in told
    publish_parcels(workspace)
    halve_zones(workspace)
    (workspace.folder / "parks.geojson").write_text("broken")
    document, told = listed()
    assert document["is_published"]
    found = {item["name"]: item["own_file"] for item in document["layers"]}
    assert (found["control_zones"], found["parks"]) == ("changed", "broken")
    assert found["parcels"] == found["townships"] == "same"
    assert "control_zones: its file was changed" in told
    assert "parks: its file was changed and cannot be read" in told
    county = RunningCounty.open(workspace)
    with TestClient(create_app(county)) as client:
        assert told_by(client) == found


# ---- a running service ----------------------------------------------------------------------


def test_a_service_takes_up_an_edit_by_itself_and_not_by_a_publication(
    workspace: WorkspaceAt, caplog: pytest.LogCaptureFixture
) -> None:
    county = RunningCounty.open(workspace)
    try:
        halve_zones(workspace)
        # What was checked with the old file is not published over the edited one.
        with caplog.at_level(logging.WARNING), pytest.raises(ConflictError, match="control_zones"):
            county.check_files()
        assert "control_zones: its own file was edited and counts" in caplog.text
        assert len(county.plan.control_zones) == 1
        county.check_files()
        publish_parcels(workspace)
        assert county.refresh()
        halve_zones(workspace, keep=0)
        assert not county.refresh()
        assert len(county.plan.control_zones) == 1
    finally:
        county.close()


def test_a_service_stays_on_its_plan_while_a_file_that_counts_is_broken(
    workspace: WorkspaceAt, caplog: pytest.LogCaptureFixture
) -> None:
    county = RunningCounty.open(workspace)
    before = county.plan
    path = workspace.folder / "control_zones.geojson"
    content = path.read_bytes()
    path.write_text("broken")
    with TestClient(create_app(county)) as client:
        county.look_for_news()
        county.follower.wait()
        assert county.plan is before
        assert "the one before it is" in caplog.text
        assert told_by(client)["control_zones"] == "broken"
        path.write_bytes(content)
        county.refresh()
        assert told_by(client)["control_zones"] == "counts"


def told_by(client: TestClient) -> dict[str, str]:
    layers = client.get("/api/layers").json()["layers"]
    return {item["name"]: item["own_file"] for item in layers}


# ---- records --------------------------------------------------------------------------------


def test_a_store_that_published_before_records_the_others_next_time(
    workspace: WorkspaceAt, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    publish_parcels(workspace)
    with catalogue_of(place_of(workspace, place)) as connection:  # as an older release left it
        connection.execute(sa.text("DELETE FROM own_files WHERE layer <> 'parcels'"))
        connection.execute(sa.text("DELETE FROM layer_versions WHERE layer <> 'parcels'"))
    halve_zones(workspace)
    with caplog.at_level(logging.WARNING):
        assert len(open_plan(workspace).control_zones) == 1
    assert "nothing is recorded of its own file control_zones.geojson" in caplog.text
    assert states(workspace)["control_zones"] == "unrecorded"
    publish_parcels(workspace, "vacant")
    assert states(workspace)["control_zones"] == "same"
    halve_zones(workspace, keep=0)
    assert len(open_plan(workspace).control_zones) == 1


def place_of(workspace: WorkspaceAt, place: Place) -> Place:
    return Place(workspace.folder, place.address)


def test_a_layer_named_later_counts_until_the_next_publication(workspace: WorkspaceAt) -> None:
    settings = workspace.folder / "workspace.toml"
    text = settings.read_text()
    part = text[text.index("[layers.control_zones]") :].partition("\n[")[0]
    settings.write_text(text.replace(part, ""))
    publish_parcels(workspace)
    assert not len(open_plan(workspace).control_zones)
    settings.write_text(text)
    assert states(workspace)["control_zones"] == "unrecorded"
    halve_zones(workspace, keep=2)
    assert len(open_plan(workspace).control_zones) == 2
    publish_parcels(workspace, "vacant")
    halve_zones(workspace)
    assert len(open_plan(workspace).control_zones) == 2
    settings.write_text(text.replace(part, ""))  # named no more: an edit of the settings counts
    assert not len(open_plan(workspace).control_zones)


def test_how_a_file_is_read_is_recorded_too(workspace: WorkspaceAt) -> None:
    publish_parcels(workspace)
    settings = workspace.folder / "workspace.toml"
    text = settings.read_text()
    head = "[layers.control_zones]\n"
    settings.write_text(text.replace(head, head + 'values = { legal_basis = "x" }\n'))
    assert changed_files(workspace) == ("control_zones",)
    assert "x" not in set(open_plan(workspace).control_zones["legal_basis"])


def test_a_file_that_was_only_touched_or_copied_is_the_same(workspace: WorkspaceAt) -> None:
    publish_parcels(workspace)
    path = workspace.folder / "control_zones.geojson"
    os.utime(path, (1, 1))
    assert states(workspace)["control_zones"] == "same"


def test_an_edit_in_the_same_moment_and_of_the_same_size_is_seen(workspace: WorkspaceAt) -> None:
    path = workspace.folder / "control_zones.geojson"
    size = path.stat().st_size
    moment = time.time_ns() + 60 * 10**9  # a slow machine reads the file within this moment too
    os.utime(path, ns=(moment, moment))
    publish_parcels(workspace)
    path.write_bytes(path.read_bytes().replace(b'"Z0"', b'"Y0"'))
    os.utime(path, ns=(moment, moment))
    assert path.stat().st_size == size
    assert changed_files(workspace) == ("control_zones",)


def test_the_number_0_in_force_is_rolled_back_to_and_never_dropped(
    workspace: WorkspaceAt,
) -> None:
    path = workspace.folder / "control_zones.geojson"
    whole = path.read_text()
    # Three zones, then two, kept for saved results; three again when something is published.
    for edit in (lambda: None, lambda: halve_zones(workspace, keep=2)):
        edit()
        with open_workspace(workspace) as opened:
            opened.store.record_originals([opened.own_layer("control_zones").content()])
    path.write_text(whole)
    now = newest_layer(workspace, "control_zones")
    publish(workspace, "control_zones", now.frame.iloc[:1], expected=now.version)
    numbers = [(item.number, item.features) for item in layer_history(workspace, "control_zones")]
    assert numbers == [(1, 1), (0, 3), (0, 2)]
    assert [item.features for item in retain(workspace, 1)] == [2]
    rollback(workspace, "control_zones", "0")
    assert len(open_plan(workspace).control_zones) == 3
    numbers = [(item.number, item.features) for item in layer_history(workspace, "control_zones")]
    assert numbers == [(2, 3), (1, 1), (0, 3)]


def test_what_was_recorded_moves_with_the_store(
    county: County, shared_place: Place, tmp_path: Path
) -> None:
    workspace = WorkspaceAt(county.write(tmp_path / "county"))
    now = newest_layer(workspace, "parks")
    publish(workspace, "parks", now.frame, expected=now.version)
    move_store(workspace, str(shared_place.address))
    (workspace.folder / "townships.geojson").write_text("broken")
    assert states(workspace)["townships"] == "broken"
    assert len(open_plan(workspace).townships)


def test_of_two_first_publications_the_second_keeps_the_first_s_record(
    workspace: WorkspaceAt,
) -> None:
    """Both have read the files; between the two the zones are edited."""
    with open_workspace(workspace) as one:
        own = one.counting_files({})
        halve_zones(workspace)
        publish_parcels(workspace)
        drafts = [file.content() for file in own.values()]
        with closing(open_store(workspace.folder, "999999", workspace.store)) as store:
            draft = next(item for item in drafts if item.layer == "parks")
            expected = own["parks"].version
            store.publish(
                [type(draft)(layer="parks", frame=draft.frame, expected=expected)],
                against={"county": own["county"].version},
                own=drafts,
            )
            with pytest.raises(ConflictError, match="control_zones"):
                store.publish(
                    [type(draft)(layer="parks", frame=draft.frame, expected=expected)],
                    against={"control_zones": own["control_zones"].version},
                    own=drafts,
                )
    assert len(open_plan(workspace).control_zones) == 1
