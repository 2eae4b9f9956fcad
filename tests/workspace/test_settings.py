"""What `workspace.toml` says is checked whole, each fault with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from geo_service.access import Role
from geo_service.documents import line_of, toml_lines
from geo_service.errors import WorkspaceError
from geo_service.planning.layers import export_plan, unpack_plan
from geo_service.spatial.raster import slope_of
from geo_service.workspace.opening import open_plan
from tests.county import ORIGIN_M, SETTINGS, County
from tests.workspace.refusals import Open, refusal


def test_an_unknown_setting_names_the_nearest(county: County, tmp_path: Path) -> None:
    county.extra = 'area_metod = "planar"'
    with pytest.raises(WorkspaceError, match=r"unknown name 'area_metod'; expected 'area_method'"):
        open_plan(county.write(tmp_path / "c"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("enterprise.tax_cny", "expected 'enterprises'"),
        ("enterprises.taxcny", "expected 'tax_cny'"),
        ("parks", "found 'parks'"),
        ("enterprises.enterprise_id", "found 'enterprises.enterprise_id'"),
        ("parcels.status", "found 'parcels.status'"),
    ],
)
def test_what_cannot_be_restricted_is_a_fault(
    county: County, tmp_path: Path, name: str, told: str
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_plan(with_restricted(county, tmp_path / "c", name))
    assert told in str(caught.value)


def test_a_restriction_is_read_and_changes_no_result(county: County, tmp_path: Path) -> None:
    name = "enterprises.tax_cny"
    plan = open_plan(with_restricted(county, tmp_path / "c", name))
    assert plan.settings.restricted == {name: frozenset({Role.REVIEWER})}
    assert plan.version == open_plan(county.write(tmp_path / "d")).version


def with_restricted(county: County, folder: Path, name: str) -> Path:
    """Write a county that keeps a layer or column from all but reviewers."""
    path = county.write(folder) / "workspace.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f'{text}\n[restricted]\n"{name}" = ["reviewer"]\n', encoding="utf-8")
    return folder


def test_a_file_outside_the_workspace_is_refused(county: County, tmp_path: Path) -> None:
    folder = county.write(tmp_path / "c")
    settings = (folder / "workspace.toml").read_text(encoding="utf-8")
    settings = settings.replace('"parks.geojson"', '"../../etc/passwd"')
    (folder / "workspace.toml").write_text(settings, encoding="utf-8")
    with pytest.raises(WorkspaceError, match="expected a file inside the folder"):
        open_plan(folder)


def test_a_code_in_two_groups_is_refused(county: County, opened: Open) -> None:
    county.groups.append(("13", "equipment", "core"))
    assert "13: in group consumer and in equipment; one group a code" in refusal(county, opened)


DEM = """
[dem]
file = "dem.tif"
source = "made for tests"
illustrative = true
vertical_datum = "none"
"""


def with_dem(county: County, folder: Path, *, unit: str = "m", first: float = 500.0) -> Path:
    """Write a county with an elevation model: 20 x 20 cells of 100 m, from its origin."""
    county.extra = f"{county.extra}\n{DEM}" if DEM not in county.extra else county.extra
    county.write(folder)
    heights = np.full((20, 20), first, dtype=np.float32)
    west, south = ORIGIN_M
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=20, height=20, count=1, dtype="float32",
        crs="EPSG:4545", transform=rasterio.Affine(100, 0, west, 0, -100, south + 2000),
    ) as target:  # fmt: skip
        target.write(heights, 1)
        target.set_band_unit(1, unit)
    return folder


def test_an_elevation_model_is_declared_and_read_when_needed(
    county: County, tmp_path: Path
) -> None:
    folder = with_dem(county, tmp_path / "c")
    plan = open_plan(folder)
    assert plan.dem is not None
    assert (plan.dem.source, plan.dem.illustrative) == ("made for tests", True)
    assert (plan.dem.vertical_datum, plan.dem.metric_crs) == ("none", "EPSG:4545")
    # P1 lies on it, 1 km x 1 km; P2 from 2 km east does not.
    found = slope_of(plan.dem, plan.metric("parks"))
    assert found["mean_percent"].tolist() == pytest.approx([0, np.nan], nan_ok=True)
    assert plan.with_layers({"parks": plan.frame("parks")}, label="same").dem == plan.dem


def test_a_county_without_an_elevation_model_has_none(county: County, opened: Open) -> None:
    assert opened(county).dem is None


def test_a_plan_s_version_changes_with_its_elevation_model(county: County, tmp_path: Path) -> None:
    plain = open_plan(county.write(tmp_path / "a")).version
    with_one = open_plan(with_dem(county, tmp_path / "b")).version
    again = open_plan(with_dem(county, tmp_path / "c")).version
    changed = open_plan(with_dem(county, tmp_path / "d", first=501.0)).version
    assert len({plain, with_one, changed}) == 3
    assert with_one == again


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('file = "dem.tif"', 'file = "no.tif"', "no.tif: found no such file; expected a GeoTIFF"),
        ('file = "dem.tif"', 'file = "../c.tif"', "column dem.file: found '../c.tif'; expected a"),
        ("illustrative = true\nv", "v", "column dem.illustrative: found nothing; expected"),
        ('"made for tests"', '" "', "column dem.source: found ' '; expected"),
        ("illustrative = true\nv", 'illustrative = "so so"\nv', "column dem.illustrative: found"),
        ("[dem]", "[dem]\nband = 2", "unknown name 'band'"),
        ("[dem]", "[layers.dem]", "expected [dem], a table of its own"),
    ],
)
def test_a_broken_declaration_of_the_elevation_model_is_refused(
    county: County, tmp_path: Path, line: str, instead: str, message: str
) -> None:
    folder = with_dem(county, tmp_path / "c")
    path = folder / "workspace.toml"
    text = path.read_text(encoding="utf-8").replace(line, instead)
    if instead == "[layers.dem]":
        text = "\n".join(
            row for row in text.splitlines() if not row.startswith(("source =", "ill", "vert"))
        )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        open_plan(folder)
    assert message in str(caught.value)


def test_an_elevation_model_in_feet_is_refused(county: County, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"dem\.tif: found heights in 'ft'; expected .*metres"):
        open_plan(with_dem(county, tmp_path / "c", unit="ft"))


def test_a_fault_in_the_settings_has_its_line(county: County, tmp_path: Path) -> None:
    folder = with_dem(county, tmp_path / "c")
    path = folder / "workspace.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("illustrative = true\nv", 'illustrative = "so so"\nv')
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index('illustrative = "so so"')
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column dem\.illus"):
        open_plan(folder)
    # A missing key has the line of its table.
    text = text.replace('illustrative = "so so"\n', "")
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index("[dem]")
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column dem\.illus"):
        open_plan(folder)
    text = text.replace("[dem]", "[dem]\nillustrative = true")
    text = text.replace('metric_crs = "EPSG:4545"', 'metric_crs = "EPSG:4490"')
    path.write_text(text, encoding="utf-8")
    number = 1 + text.splitlines().index('metric_crs = "EPSG:4490"')
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml:{number}, column metric_crs: "):
        open_plan(folder)


def test_keys_and_tables_of_toml_have_their_lines() -> None:
    text = (
        '# a note\na = 1\n\n[b."c.d"] # here\ne.f = { g = 2 }\n"h i" = [\n  3,\n]\n[[j]]\nk = 4\n'
    )
    lines = toml_lines(text)
    assert lines["a",] == 2
    assert lines["b", "c.d"] == 4
    assert lines["b", "c.d", "e", "f"] == 5
    assert lines["b", "c.d", "h i"] == 6
    # What stands inside has the line of what is around it.
    assert line_of(("b", "c.d", "e", "f", "g"), lines) == 5


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x = " + "[" * 100_000, "at most 40 levels"),
        ("x" + ".x" * 50_000 + " = 1", "at most 40 levels"),
        ("x = " + "9" * 7_000, "at most 100 digits"),
        ("x = 9223372036854775808", "a whole number of 64 bits"),
    ],
)
def test_settings_over_a_limit_are_a_fault(
    county: County, tmp_path: Path, line: str, told: str
) -> None:
    county.extra += f"\n{line}"
    with pytest.raises(WorkspaceError, match=rf"workspace\.toml.*{told}"):
        open_plan(county.write(tmp_path))


# ---- schemes of industry groups ---------------------------------------------------------------

ONE_TABLE = SETTINGS[SETTINGS.index("[industry_groups]") :]
LATER = """[industry_schemes.chains.title]
zh-Hans = "产业链"
en = "Chains"
[industry_schemes.chains.names.food]
zh-Hans = "食品"
en = "Food"
[industry_schemes.chains]
file = "chains.csv"
version = "later"
year = 2023
"""


def with_schemes(county: County, folder: Path, *, chosen: str | None) -> Path:
    """Write a county with two tables of groups, one of them chosen."""
    county.write(folder)
    path = folder / "workspace.toml"
    settings = path.read_text(encoding="utf-8")
    assert ONE_TABLE in settings
    tables = ONE_TABLE.replace("industry_groups.n", "industry_schemes.groups.n")
    tables = tables.replace("[industry_groups]", "[industry_schemes.groups]") + LATER
    line = f'industry_scheme = "{chosen}"\n' if chosen else ""
    path.write_text(line + settings.replace(ONE_TABLE, tables), encoding="utf-8")
    (folder / "chains.csv").write_text("code_prefix,group,strength\n13,food,core\n")
    return folder


def test_one_of_several_schemes_counts(county: County, tmp_path: Path) -> None:
    plan = open_plan(with_schemes(county, tmp_path / "c", chosen="chains"))
    groups = plan.settings.groups
    assert groups.group_of("1310") == "food"
    assert (groups.title["en"], groups.year) == ("Chains", 2023)
    plan = open_plan(with_schemes(county, tmp_path / "d", chosen="groups"))
    assert plan.settings.groups.group_of("1310") == "consumer"
    assert (plan.settings.groups.title, plan.settings.groups.year) == ({}, None)


def test_a_plan_is_the_same_however_its_only_table_is_written(
    county: County, tmp_path: Path
) -> None:
    """Neither the other tables nor what a scheme is called change what is found."""
    one = open_plan(county.write(tmp_path / "one"))
    several = open_plan(with_schemes(county, tmp_path / "several", chosen="groups"))
    assert several.version == one.version
    named = county.write(tmp_path / "named")
    settings = (named / "workspace.toml").read_text(encoding="utf-8")
    titled = settings.replace('version = "test"', 'version = "test"\nyear = 2020')
    (named / "workspace.toml").write_text(titled, encoding="utf-8")
    assert open_plan(named).version == one.version


def test_schemes_survive_an_export(county: County, tmp_path: Path) -> None:
    folder = with_schemes(county, tmp_path / "c", chosen="chains")
    copy = unpack_plan(export_plan(folder, tmp_path / "x.gpkg"), tmp_path / "copy")
    assert open_plan(copy).settings.groups.group_of("1310") == "food"
    assert {path.name for path in copy.glob("*.csv")} == {
        "industry_groups_1.csv",
        "industry_groups_2.csv",
    }


@pytest.mark.parametrize(
    ("chosen", "told"),
    [("chain", "expected 'chains'?"), (None, "industry_scheme: found nothing")],
)
def test_a_scheme_that_is_not_there_is_named(
    county: County, tmp_path: Path, chosen: str | None, told: str
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_plan(with_schemes(county, tmp_path / "c", chosen=chosen))
    assert told in str(caught.value)


def test_one_table_or_several_but_not_both_and_not_none(county: County, tmp_path: Path) -> None:
    both = county.write(tmp_path / "both")
    path = both / "workspace.toml"
    path.write_text('industry_scheme = "a"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="name industry_groups or industry_schemes"):
        open_plan(both)
    none = county.write(tmp_path / "none")
    path = none / "workspace.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(ONE_TABLE, ""), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="industry_groups"):
        open_plan(none)
