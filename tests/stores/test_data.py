"""Data of a workspace: published, looked back at, rolled back, exported and moved."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sqlite3
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from pandas.testing import assert_frame_equal

from geo_service.documents import as_toml
from geo_service.errors import ConflictError, NotFoundError, StoreError, WorkspaceError
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import read_source
from geo_service.plan import Plan
from geo_service.planning import layers
from geo_service.planning.layers import (
    changed_files,
    export_plan,
    layer_difference,
    layer_history,
    move_store,
    newest_layer,
    plan_at,
    publish,
    publish_together,
    retain,
    rollback,
    unpack_plan,
)
from geo_service.planning.once import review_workspace
from geo_service.planning.reviews import save_workspace_review
from geo_service.stores import geopackage
from geo_service.stores.base import REVIEW, VERSION_LENGTH, LayerContent, WorkspaceAt
from geo_service.stores.frames import canonical, content_digest
from geo_service.workspace.opening import Workspace, open_plan, open_workspace
from geo_service.zoning.review import review
from tests.conftest import DEMO
from tests.county import County, box, parcel
from tests.stores.conftest import Place
from tests.stores.rows import as_frame
from tests.terminal import run

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(county: County, place: Place) -> WorkspaceAt:
    """Return a county with four parcels, and either store."""
    county.layers["parcels"] = [
        parcel(f"L{number}", box(number * 100, 0, 90, 90)) for number in range(4)
    ]
    return WorkspaceAt(county.write(place.folder / "county"), place.address)


def publish_parcels(workspace: WorkspaceAt, **values: Any) -> str:  # noqa: ANN401 - of the first row
    """Publish the parcels with some values of the first row changed."""
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    for name, value in values.items():
        frame.loc[0, name] = value
    return publish(workspace, "parcels", frame, expected=now.version, note="n").version


# ---- the plan -------------------------------------------------------------------------------


def test_the_newest_version_is_what_the_plan_holds(workspace: WorkspaceAt) -> None:
    before = open_plan(workspace)
    version = publish_parcels(workspace, status="idle")
    after = open_plan(workspace)
    assert after.layers["parcels"].version == version
    assert (before.layers["parcels"].number, after.layers["parcels"].number) == (0, 1)
    assert after.parcels["status"].tolist() == ["idle", "built", "built", "built"]
    assert before.parcels["status"].tolist() == ["built"] * 4  # a plan at hand stays as it is
    assert before.version != after.version
    rollback(workspace, "parcels", "0")
    assert open_plan(workspace).version == before.version


def test_a_published_plan_is_the_one_of_its_files(workspace: WorkspaceAt) -> None:
    before = open_plan(workspace)
    for name in before.layers:
        now = newest_layer(workspace, name)
        publish(workspace, name, now.frame, expected=now.version)
    after = open_plan(workspace)
    assert after.version == before.version
    for name in before.layers:
        assert after.layers[name].number == 1
        assert_frame_equal(after.frame(name), before.frame(name))


def test_a_layer_that_the_workspace_did_not_have_can_be_published(workspace: WorkspaceAt) -> None:
    now = newest_layer(workspace, "sub_areas")
    assert (now.version, len(now.frame)) == (None, 0)
    row = {
        "sub_area_id": "S1",
        "park_id": "P1",
        "name": "一期",
        "source": "made for tests",
        "illustrative": True,
        "geometry": open_plan(workspace).parks.geometry.iloc[0],
    }
    publish(workspace, "sub_areas", as_frame("sub_areas", [row]), expected=None)
    assert open_plan(workspace).sub_areas["name"].tolist() == ["一期"]


def test_who_publishes_over_another_s_work_is_told(workspace: WorkspaceAt) -> None:
    mine = newest_layer(workspace, "parcels")
    theirs = publish_parcels(workspace, status="idle")
    with pytest.raises(ConflictError, match=theirs):
        publish(workspace, "parcels", mine.frame, expected=mine.version)
    with pytest.raises(ConflictError):
        publish(workspace, "parks", newest_layer(workspace, "parks").frame, expected="0" * 12)
    with pytest.raises(ConflictError):
        rollback(workspace, "parcels", "0", expected=mine.version)
    assert newest_layer(workspace, "parcels").version == theirs


def test_rows_that_break_the_schema_are_refused_with_every_fault(workspace: WorkspaceAt) -> None:
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    frame.loc[0, "status"] = "ruined"
    frame.loc[1, "parcel_id"] = "L2"
    frame.loc[3, "geometry"] = None
    with pytest.raises(WorkspaceError, match="cannot be published") as raised:
        publish(workspace, "parcels", frame, expected=now.version)
    assert {fault.column for fault in raised.value.faults} == {"status", "parcel_id", "geometry"}
    assert newest_layer(workspace, "parcels").number == 0


def test_what_other_layers_refer_to_cannot_be_taken_away_but_together(
    workspace: WorkspaceAt,
) -> None:
    parks, parcels = (newest_layer(workspace, name) for name in ("parks", "parcels"))
    people, approved = (newest_layer(workspace, name) for name in ("enterprises", "approved_areas"))
    fewer = parks.frame[parks.frame["park_id"] != "P1"]
    with pytest.raises(WorkspaceError, match="could no longer be opened"):
        publish(workspace, "parks", fewer, expected=parks.version)
    renamed = [
        LayerContent(
            layer=name,
            frame=state.frame.assign(park_id=state.frame["park_id"].replace("P1", "P9")),
            expected=state.version,
        )
        for name, state in (
            ("parks", parks),
            ("parcels", parcels),
            ("enterprises", people),
            ("approved_areas", approved),
        )
    ]
    entries = publish_together(workspace, renamed)
    assert [entry.number for entry in entries] == [1, 1, 1, 1]
    assert set(open_plan(workspace).parcels["park_id"]) == {"P9"}
    with pytest.raises(WorkspaceError):  # the old parcels do not fit the new parks
        rollback(workspace, "parcels", "0")


def test_a_publish_meets_another_of_a_layer_that_it_was_checked_with(
    workspace: WorkspaceAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between checking and writing, somebody publishes the parks that the parcels refer to."""
    parcels, parks = (newest_layer(workspace, name) for name in ("parcels", "parks"))
    check = Workspace.check_together

    def meanwhile(self: Any, newest: Any, changed: Any) -> None:  # noqa: ANN401 - passed on
        check(self, newest, changed)
        if "parcels" in changed:
            frame = parks.frame.assign(speciality="新")
            publish(workspace, "parks", frame, expected=parks.version)

    monkeypatch.setattr(Workspace, "check_together", meanwhile)
    with pytest.raises(ConflictError, match="'parks'"):
        publish(workspace, "parcels", parcels.frame, expected=parcels.version)


def test_a_file_changed_after_publishing_is_told_and_does_not_count(
    workspace: WorkspaceAt, county: County, caplog: pytest.LogCaptureFixture
) -> None:
    publish_parcels(workspace, status="idle")
    assert changed_files(workspace) == ()
    county.layers["parcels"][1]["status"] = "vacant"
    county.write(workspace.folder)
    assert changed_files(workspace) == ("parcels",)
    with caplog.at_level(logging.WARNING):
        plan = open_plan(workspace)
    assert "parcels.geojson was changed" in caplog.text
    assert plan.parcels["status"].tolist() == ["idle", "built", "built", "built"]
    # What the first publish found is kept as number 0, whatever the file holds by now.
    rollback(workspace, "parcels", "0")
    assert open_plan(workspace).parcels["status"].tolist() == ["built"] * 4


def test_a_plan_of_old_versions_can_be_opened_again(workspace: WorkspaceAt) -> None:
    first = open_plan(workspace)
    publish_parcels(workspace, status="idle")
    second = open_plan(workspace)
    for plan in (first, second):
        versions = {name: layer.version for name, layer in plan.layers.items()}
        again = plan_at(workspace, versions)
        assert again.version == plan.version
        assert_frame_equal(again.parcels, plan.parcels)
    with pytest.raises(NotFoundError):
        plan_at(workspace, {"parks": "0" * 12})


# ---- history --------------------------------------------------------------------------------


def test_the_history_ends_with_the_workspace_s_own_file(workspace: WorkspaceAt) -> None:
    (own,) = layer_history(workspace, "parcels")
    assert (own.number, own.source, own.features) == (0, "parcels.geojson", 4)
    version = publish_parcels(workspace, status="idle")
    entries = layer_history(workspace, "parcels")
    assert [(entry.number, entry.version) for entry in entries] == [(1, version), (0, own.version)]
    assert entries[0].parent == own.version
    with pytest.raises(NotFoundError):
        layer_history(workspace, "roads")
    with pytest.raises(NotFoundError):
        layer_history(workspace, "none")


def test_versions_are_compared_by_number_or_name(workspace: WorkspaceAt) -> None:
    before, after, found = layer_difference(workspace, "parcels")
    assert (before.number, after.number, found.unchanged) == (0, 0, 4)
    version = publish_parcels(workspace, status="idle")
    publish_parcels(workspace, geometry=shapely.box(108, 31, 108.001, 31.001))
    before, after, found = layer_difference(workspace, "parcels")
    assert (before.number, after.number) == (1, 2)
    assert [item.id for item in found.changed] == ["L0"]
    assert found.changed[0].shape is not None
    _, _, found = layer_difference(workspace, "parcels", "0", version)
    assert found.changed[0].columns == {"status": ("built", "idle")}
    with pytest.raises(NotFoundError, match="no version '9'"):
        layer_difference(workspace, "parcels", "9")


def test_nothing_can_be_rolled_back_where_nothing_was_published(workspace: WorkspaceAt) -> None:
    with pytest.raises(ConflictError, match="Nothing was published"):
        rollback(workspace, "parcels", "0")
    publish_parcels(workspace, status="idle")
    with pytest.raises(NotFoundError):
        rollback(workspace, "parcels", "7")


def test_old_versions_are_dropped(workspace: WorkspaceAt) -> None:
    for status in ("idle", "vacant", "built"):
        publish_parcels(workspace, status=status)
    assert [entry.number for entry in retain(workspace, 1)] == [1, 2]
    assert [entry.number for entry in layer_history(workspace, "parcels")] == [3, 0]
    assert len(open_plan(workspace).parcels) == 4


# ---- one file -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo county's plan as a GeoPackage."""
    return export_plan(DEMO, tmp_path_factory.mktemp("export") / "plan.gpkg")


def test_a_plan_that_was_exported_and_unpacked_is_the_same(
    exported: Path, tmp_path: Path, demo: Plan
) -> None:
    again = open_plan(unpack_plan(exported, tmp_path / "copy"))
    assert again.version == demo.version
    assert set(again.layers) == set(demo.layers)
    for name in demo.layers:
        assert_frame_equal(again.frame(name), demo.frame(name))
    before, after = review(demo), review(again)
    assert after.review_id == before.review_id
    assert after.park_verdicts == before.park_verdicts
    assert [item.finding_id for item in after.results] == [
        item.finding_id for item in before.results
    ]


def test_an_export_imported_layer_by_layer_gives_the_same_versions(
    exported: Path, demo: Plan
) -> None:
    versions = {}
    for name in demo.layers:
        options = ImportOptions(source_layer=name)
        imported = read_source(exported, name, plan=demo, options=options)
        versions[name] = content_digest(canonical(imported.frame, name), name)[:VERSION_LENGTH]
    assert versions == {name: layer.version for name, layer in demo.layers.items()}


def test_published_versions_are_what_is_exported(workspace: WorkspaceAt, tmp_path: Path) -> None:
    publish_parcels(workspace, status="idle", source="'); DROP TABLE {{7*7}} \x7f\"\n甲")
    export_plan(workspace, tmp_path / "x.gpkg")
    again = open_plan(unpack_plan(tmp_path / "x.gpkg", tmp_path / "copy"))
    plan = open_plan(workspace)
    assert again.version == plan.version
    assert_frame_equal(again.parcels, plan.parcels)


def test_debian_s_gdal_reads_the_export_without_a_complaint(
    exported: Path, tmp_path: Path, demo: Plan
) -> None:
    try:
        info = subprocess.run(
            ["ogrinfo", "-so", "-al", str(exported)], capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("gdal-bin is not installed (tests/system_packages.sh)")
    assert info.stderr == ""
    for name, layer in demo.layers.items():
        part = info.stdout.partition(f"Layer name: {name}\n")[2]
        assert part, name
        count = int(part.partition("Feature Count: ")[2].split()[0])
        assert count == len(layer.read())
    assert info.stdout.count('ID["EPSG",4490]') == sum(
        "geometry" in demo.frame(name) for name in demo.layers
    )
    target = tmp_path / "parks.geojson"
    subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", str(target), str(exported), "parks"],
        capture_output=True,
        check=True,
    )
    names = {item["properties"]["name"] for item in json.loads(target.read_text())["features"]}
    assert names == set(demo.parks["name"])


def test_styles_go_along_for_qgis(tmp_path: Path, county: County) -> None:
    folder = county.write(tmp_path / "c")
    export_plan(folder, tmp_path / "x.gpkg", styles={"parks": "<qgis/>", "none": "x"})
    styles = pyogrio.read_dataframe(tmp_path / "x.gpkg", layer="layer_styles")
    assert styles[["f_table_name", "styleQML"]].to_numpy().tolist() == [["parks", "<qgis/>"]]
    assert open_plan(unpack_plan(tmp_path / "x.gpkg", tmp_path / "copy")).parks is not None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("[" * 100_000, "at most 40 levels"),
        ('{"a": ' + "9" * 7_000 + "}", "at most 100 digits"),
        ('{"a": NaN}', "finite numbers"),
        ("{", "valid JSON"),
    ],
)
def test_settings_in_a_geopackage_are_not_trusted(
    exported: Path, tmp_path: Path, settings: str, told: str
) -> None:
    changed = Path(shutil.copy(exported, tmp_path / "changed.gpkg"))
    with contextlib.closing(sqlite3.connect(changed)) as base, base:
        base.execute(
            "UPDATE geo_service_files SET content = ? WHERE name = 'settings'", (settings,)
        )
    with pytest.raises(WorkspaceError, match=told):
        unpack_plan(changed, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_sql_of_an_export_does_not_get_into_a_workspace(tmp_path: Path, county: County) -> None:
    folder = county.write(tmp_path / "c")
    path = export_plan(folder, tmp_path / "x.gpkg")
    with sqlite3.connect(path) as base:
        base.execute("CREATE VIEW hidden AS SELECT * FROM parks")
        base.execute("CREATE TRIGGER hook AFTER INSERT ON parks BEGIN DELETE FROM parcels; END")
    base.close()
    copy = unpack_plan(path, tmp_path / "copy")
    with sqlite3.connect(copy / "layers.gpkg") as base:
        names = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
    base.close()
    assert "parks" in names
    assert not names & {"hidden", "hook", "geo_service_files"}
    assert open_plan(copy).version == open_plan(folder).version


def test_an_export_with_a_view_without_end_is_refused(
    tmp_path: Path, county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export_plan(county.write(tmp_path / "c"), tmp_path / "x.gpkg")
    with sqlite3.connect(path) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("ALTER TABLE parks RENAME TO seed")
        base.execute(
            "CREATE VIEW parks AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
            "SELECT s.* FROM r, seed s WHERE r.n < 0"
        )
    base.close()
    limits = replace(geopackage.UNPACKING, seconds=3.0)
    monkeypatch.setattr(geopackage, "UNPACKING", limits)
    with pytest.raises(WorkspaceError, match="exceeds a limit"):
        unpack_plan(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "settings", ["[]", "{}", '{"industry_groups": 3}', "[" * 5_000, '{"a":' * 5_000, "9" * 5_000]
)
def test_settings_that_export_never_wrote_are_refused(
    tmp_path: Path, county: County, settings: str
) -> None:
    path = export_plan(county.write(tmp_path / "c"), tmp_path / "x.gpkg")
    with sqlite3.connect(path) as base:
        change = "UPDATE geo_service_files SET content = ? WHERE name = 'settings'"
        assert base.execute(change, (settings,)).rowcount == 1
    base.close()
    with pytest.raises(WorkspaceError):
        open_plan(unpack_plan(path, tmp_path / "copy"))


def test_what_cannot_be_written_or_unpacked_is_told(
    tmp_path: Path, county: County, exported: Path
) -> None:
    folder = county.write(tmp_path / "c")
    with pytest.raises(StoreError, match="Cannot write"):
        export_plan(folder, tmp_path / "none" / "x.gpkg")
    with pytest.raises(WorkspaceError, match="a folder with files"):
        unpack_plan(exported, folder)
    with pytest.raises(WorkspaceError, match="no such file"):
        unpack_plan(tmp_path / "none.gpkg", tmp_path / "new")
    with pytest.raises(WorkspaceError, match="no settings of a plan"):
        unpack_plan(folder / "parks.geojson", tmp_path / "new")
    assert not list(tmp_path.glob("geo-service-*"))
    assert not (tmp_path / "new").exists()


def test_any_text_survives_the_settings() -> None:
    text = "甲\"\\\n\t\x7f\x01'''😀{{x}}"
    data = {"a": text, "n": 1, "f": 1.5, "t": True, "l": ["x", text], "区": {"b": {text: "y"}}}
    assert tomllib.loads(as_toml({**data, "none": None})) == data


def test_tables_in_a_list_survive_the_settings() -> None:
    data = {"basemaps": [{"name": {"en": "Map"}, "zoom": 3}, {"name": {"en": "Other"}}], "n": 1}
    assert tomllib.loads(as_toml(data)) == data


STORE = 'store = "postgresql://geo@db/x"'


@pytest.mark.parametrize(
    ("before", "named", "without"),
    [
        # Where there is none it is added behind the format, and goes without a trace (None).
        ("format = 1\n\n# of it\n[name]\n", f"format = 1\n{STORE}\n\n# of it\n[name]\n", None),
        ("format = 1 # a\r\nb = 2\r\n", f"format = 1 # a\r\n{STORE}\r\nb = 2\r\n", None),
        (
            "b = [\n[1],\n]\nformat = 1",
            f"b = [\n[1],\n]\nformat = 1\n{STORE}\n",
            "b = [\n[1],\n]\nformat = 1\n",
        ),
        # A file may begin with a mark that its bytes are UTF-8.
        ("\ufeffformat = 1\n", f"\ufeffformat = 1\n{STORE}\n", None),
        # Another one gives way; the comment beside it stays.
        (
            'format = 1\nstore = "x" # ours\nb = 2\n',
            f"format = 1\n{STORE} # ours\nb = 2\n",
            "format = 1\nb = 2\n",
        ),
        # A text or a table's own setting is no store, whatever it looks like.
        (
            'n = """\nstore = 1\n[x]\n"""\nformat = 1\n[layers]\nstore = 1\n',
            f'n = """\nstore = 1\n[x]\n"""\nformat = 1\n{STORE}\n[layers]\nstore = 1\n',
            None,
        ),
    ],
)
def test_only_the_store_of_the_settings_is_changed(
    tmp_path: Path, before: str, named: str, without: str | None
) -> None:
    path = tmp_path / "workspace.toml"
    path.write_bytes(before.encode())
    layers.name_store(path, "postgresql://geo:secret@db/x")
    assert path.read_bytes().decode() == named
    layers.name_store(path, "local")
    assert path.read_bytes().decode() == (without or before)


def test_settings_that_are_no_toml_any_more_are_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "workspace.toml"
    path.write_bytes(b"format = = 1\n")
    with pytest.raises(StoreError, match=r"workspace\.toml"):
        layers.name_store(path, "local")
    assert path.read_bytes() == b"format = = 1\n"


# ---- moving ---------------------------------------------------------------------------------


def test_a_workspace_moves_to_a_server_and_back(
    county: County, shared_place: Place, tmp_path: Path
) -> None:
    county.layers["parcels"] = [parcel("L0", box(0, 0, 90, 90))]
    folder = county.write(tmp_path / "county")
    settings = (folder / "workspace.toml").read_text()
    publish_parcels(WorkspaceAt(folder), status="idle")
    save_workspace_review(folder, review_workspace(folder))
    before = open_plan(folder)
    address = str(shared_place.address)
    with_password = address.replace("postgres@", "postgres:hunter2@")
    moved = move_store(folder, with_password)
    # The parcels once as they were and once published; the other layers for the saved review.
    assert (moved.versions, moved.results) == (1 + len(before.layers), 1)
    assert moved.is_password_left_out
    text = (folder / "workspace.toml").read_text()
    assert "hunter2" not in text
    assert text.replace(text[text.index("store =") : text.index("county_code")], "") == settings
    after = open_plan(folder)
    assert after.version == before.version
    assert after.layers["parcels"].number == 1
    publish_parcels(WorkspaceAt(folder), status="vacant")
    with pytest.raises(ConflictError, match="already"):
        move_store(folder, address)
    assert move_store(folder, "local").results == 1
    assert (folder / "workspace.toml").read_text() == settings
    assert open_plan(folder).layers["parcels"].number == 2
    with open_workspace(folder) as opened:
        assert opened.store.count_saved(REVIEW) == 1


def test_a_password_in_the_settings_is_refused_and_not_shown(
    county: County, tmp_path: Path
) -> None:
    county.extra += '\nstore = "postgresql://geo:hunter2@db/planning"'
    with pytest.raises(WorkspaceError, match="GEO_STORE") as raised:
        open_plan(county.write(tmp_path / "c"))
    assert "hunter2" not in str(raised.value)


def test_a_workspace_that_publishes_nothing_makes_no_files(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    open_plan(folder)
    layer_history(folder, "parks")
    assert not (folder / "store").exists()


# ---- the command line -----------------------------------------------------------------------


def test_the_commands_tell_the_history_and_change_it(workspace: WorkspaceAt) -> None:
    environment: dict[str, Any] = {}
    if workspace.store is not None:
        environment["GEO_STORE"] = workspace.store
    folder = workspace.folder
    publish_parcels(workspace, status="idle")

    def ask(*arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
        done = run(*arguments, "--format", "json", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    versions = ask("history", "parcels", folder)["versions"]
    assert [version["number"] for version in versions] == [1, 0]
    found = ask("diff", "parcels", folder)
    assert found["changed"] == [
        {"id": "L0", "columns": {"status": {"before": "built", "after": "idle"}}, "geometry": None}
    ]
    back = ask("rollback", "parcels", "0", folder)
    assert (back["layer"], back["number"], back["version"]) == (
        "parcels",
        2,
        versions[1]["version"],
    )
    numbers = {item["name"]: item["number"] for item in ask("layers", folder)["layers"]}
    assert (numbers["parcels"], numbers["parks"]) == (2, 0)
    done = run("rollback", "parcels", "9", folder, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "没有版本“9”" in done.stderr


def test_export_unpack_and_save_on_the_command_line(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    assert run("export", folder, "-o", tmp_path / "x.gpkg").returncode == 0
    points = ("--format", "boundary-points", "--layer", "parks", "--park", "P1")
    assert run("export", folder, *points, "-o", tmp_path / "x.txt").returncode == 0
    text = (tmp_path / "x.txt").read_text(encoding="GB18030")
    assert text.startswith("[属性描述]")
    assert text.count("@") == 1
    assert run("export", folder, "--park", "P1", "-o", tmp_path / "y.gpkg").returncode == 2
    done = run("unpack", tmp_path / "x.gpkg", tmp_path / "copy")
    assert (done.returncode, done.stdout) == (0, "")
    done = run("review", tmp_path / "copy", "--save", "--format", "json")
    assert done.returncode == 0
    identity = json.loads(done.stdout)["review_id"]
    with open_workspace(tmp_path / "copy") as opened:
        assert opened.store.find(REVIEW, identity).plan_version == open_plan(folder).version


def test_a_server_that_is_not_there_is_a_wrong_call_without_its_password(
    county: County, tmp_path: Path
) -> None:
    folder = county.write(tmp_path / "c")
    address = "postgresql://geo:hunter2@127.0.0.1:1/none"
    done = run("layers", folder, GEO_STORE=address)
    assert done.returncode == 2
    assert "failed" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
