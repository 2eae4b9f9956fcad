"""What is built with, and what the wheel holds and says of itself."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from deploy import front
from tests.conftest import ROOT

LOCKED = ("build.txt", "lock.txt", "run.txt", "bundle.txt", "dev.txt", "bench.txt")
ALL = (
    *("macosx_11_0_arm64", "macosx_11_0_x86_64", "manylinux_2_17_aarch64"),
    *("manylinux_2_17_x86_64", "win_amd64"),
)


def load(path: Path) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(f"tried_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return hatch_build.py; hatchling itself is only there in builds."""
    for name in ("hatchling", "hatchling.builders", "hatchling.builders.hooks"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for name in ("hatchling.builders.hooks.plugin", "hatchling.builders.hooks.plugin.interface"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["hatchling.builders.hooks.plugin.interface"].__dict__["BuildHookInterface"] = object
    return load(ROOT / "hatch_build.py")


@pytest.fixture
def build() -> ModuleType:
    """Return deploy/build.py."""
    return load(ROOT / "deploy" / "build.py")


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


# ---- what is built with ------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKED)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._\[\],-]+==[^ ]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line


def test_the_tools_are_named_alike_wherever_they_are_named(build: ModuleType) -> None:
    written = project()
    hook = written["tool"]["hatch"]["build"]["hooks"]["custom"]
    pins = build.read_pins((ROOT / "requirements" / "build.txt").read_text(encoding="utf-8"))
    named = [*written["build-system"]["requires"], hook["node"], hook["ziglang"]]
    assert set(named) <= set(written["dependency-groups"]["build"])
    for requirement in named:
        assert pins[requirement.partition("==")[0]].startswith(f"{requirement} ")
    assert build.lines_for([hook["node"], hook["ziglang"]], pins)
    assert set(build.ASKED_FOR) == {hook[name].partition("==")[0] for name in ("node", "ziglang")}


def test_a_tool_that_is_not_pinned_so_is_not_installed(build: ModuleType) -> None:
    pins = build.read_pins("ziglang==0.17.0 \\\n    --hash=sha256:ab\n    # via geo-service\n")
    assert build.lines_for(["ziglang==0.17.0"], pins) == ["ziglang==0.17.0      --hash=sha256:ab"]
    for other in ("ziglang==0.17.1", "ziglang", "cmake==4.0"):
        with pytest.raises(ValueError, match="make lock"):
            build.lines_for([other], pins)


def test_node_and_the_compiler_come_only_when_they_are_asked_for(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[list[str]] = []
    wanted: list[str] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        calls.append(command)
        if "--requirement" in command:
            wanted.append(Path(command[-1]).read_text(encoding="utf-8"))
        return SimpleNamespace(stdout=json.dumps(["ziglang==0.17.0", "editables~=0.3"]))

    monkeypatch.setattr(build.subprocess, "run", run)
    build.build("editable", tmp_path, tmp_path / "tools")
    always, asked = wanted
    assert "hatchling==" in always
    assert "editables==" in always
    assert "ziglang" not in always
    assert "nodejs" not in always
    assert [line.partition("=")[0] for line in asked.splitlines()] == ["ziglang"]
    installs = [call for call in calls if "install" in call]
    assert all("--require-hashes" in call or "--no-index" in call for call in installs)
    assert {"--no-build-isolation", "--no-index", "--no-deps"} <= set(installs[-1])


def test_node_is_asked_for_only_when_assets_or_scripts_are_to_be_made(
    hook: ModuleType, tmp_path: Path
) -> None:
    made = hook.GeoBuildHook()
    made.root = str(tmp_path)
    made.config = project()["tool"]["hatch"]["build"]["hooks"]["custom"]
    for name in ("deploy/front.py", "hatch_build.py", "package-lock.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("assets", "front", "native"):
        shutil.copytree(ROOT / "geo_service" / name, tmp_path / "geo_service" / name)
    made.assets.joinpath("manifest.json").write_text(
        json.dumps({"request": made.request(), "packages": []}), encoding="utf-8"
    )
    assert made.config["node"] not in made.dependencies()
    script = tmp_path / "geo_service" / "front" / "shared" / "dom.js"
    script.write_text(script.read_text("utf-8") + "\n", "utf-8")
    assert made.config["node"] in made.dependencies()


def test_make_builds_again_after_a_change_of_any_script() -> None:
    shown = subprocess.run(
        ["make", "--dry-run", "--print-data-base", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (packaging,) = re.findall(r"^PACKAGING := (.*)$", shown, re.MULTILINE)
    joined = {path.relative_to(ROOT).as_posix() for path in front.sources(ROOT)}
    assert joined <= set(packaging.split())


def test_the_front_end_is_checked_by_the_node_that_builds_it() -> None:
    written = project()
    node = written["tool"]["hatch"]["build"]["hooks"]["custom"]["node"]
    assert node in written["project"]["optional-dependencies"]["dev"]


def test_nothing_is_installed_without_its_hash() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.startswith("PIP :=")]
    installing = [line for line in lines if re.search(r"\$\(PIP\)|-m pip .*install", line)]
    assert len(installing) == 4  # run, dev, bench, and what `make lock` resolves with
    assert all("--require-hashes" in line for line in installing)


# ---- what the wheel says -----------------------------------------------------------------------


def test_the_tag_names_the_machines_that_the_libraries_are_for(hook: ModuleType) -> None:
    assert hook.platform_tag([]) == "any"
    assert hook.platform_tag(["kernel-linux-x86_64.so"]) == "manylinux_2_17_x86_64"
    assert hook.platform_tag(hook.TARGETS) == ".".join(ALL)
    assert set(hook.PLATFORMS) == set(hook.TARGETS)


def test_the_wheel_holds_what_its_tag_says_and_no_more(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = hook.GeoBuildHook()
    made.root = str(tmp_path)
    for asked, count in (("all", 5), ("", len(hook.wanted_libraries()))):
        monkeypatch.setenv("GEO_NATIVE_TARGETS", asked)
        data: dict[str, Any] = {"force_include": {}}
        made.pack(data)
        assert len(data["force_include"]) == count
        tags = data["tag"].removeprefix("py3-none-").split(".")
        assert len(tags) == max(count, 1)
        assert data["pure_python"] == (count == 0)
    assert ".so" not in str(project()["tool"]["hatch"]["build"]["targets"]["wheel"])


def test_a_linux_without_glibc_has_no_library(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook.sys, "platform", "linux")
    monkeypatch.setattr(hook.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(hook.os, "confstr", lambda _: "glibc 2.36", raising=False)
    assert hook.wanted_libraries() == ["kernel-linux-x86_64.so"]

    def unknown(_: str) -> str:
        msg = "unrecognized configuration name"
        raise ValueError(msg)

    monkeypatch.setattr(hook.os, "confstr", unknown, raising=False)
    assert hook.wanted_libraries() == []
    monkeypatch.setenv("GEO_NATIVE_TARGETS", "all")
    assert len(hook.wanted_libraries()) == 5


# ---- licences ----------------------------------------------------------------------------------


def test_the_licences_are_those_of_what_is_compiled_in(hook: ModuleType) -> None:
    assert set(hook.licences_of([])) == set()
    assert set(hook.licences_of(["kernel-darwin-aarch64.dylib"])) == {"zig.txt"}
    assert set(hook.licences_of(["kernel-linux-x86_64.so"])) == {"zig.txt", "glibc.txt"}
    assert set(hook.licences_of(["kernel-win32-x86_64.dll"])) == {"zig.txt", "mingw-w64.txt"}


def test_every_package_of_assets_brings_its_licence() -> None:
    for entry in project()["tool"]["hatch"]["build"]["hooks"]["custom"]["assets"]:
        assert entry["licences"], entry["package"]


def test_of_a_font_only_the_slices_that_are_wanted_are_taken(
    hook: ModuleType, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    for name, text in {
        "package.json": '{"name": "a", "version": "1", "license": "OFL-1.1"}',
        "css/a.css": "/* 1 */\n@font-face {\n  src: url('../one.woff2');\n}\n"
        "/* 2 */\n@font-face {\n  src: url(../two.woff2) format('woff2');\n}\nb {}\n",
        "one.woff2": "1",
        "two.woff2": "2",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    entry = {"folder": "chiron-hei-hk", "root": "", "files": ["css/a.css", "two.woff2"]}
    hook.take(package, {**entry, "licences": ["LICENSE"]}, tmp_path / "built")
    folder = tmp_path / "built" / "chiron-hei-hk"
    sheet = (folder / "css" / "a.css").read_text()
    assert sheet == "/* 2 */\n@font-face {\n  src: url(../two.woff2) format('woff2');\n}\nb {}\n"
    hook.check_stylesheets(tmp_path / "built")
    # The package has no licence's text; the one kept for it is taken.
    assert "SIL Open Font License" in (folder / "LICENSE").read_text()


def test_what_is_installed_here_has_its_licences(hook: ModuleType) -> None:
    patterns = project()["project"]["license-files"]
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    assets = ROOT / "geo_service" / "assets"
    manifest = json.loads((assets / "manifest.json").read_bytes())
    named = {assets / name for entry in manifest["packages"] for name in entry["licence_files"]}
    library = ROOT / "geo_service" / "native" / "lib"
    kernels = json.loads((library / "manifest.json").read_bytes())["files"]
    named |= {library / "licences" / name for name in hook.licences_of(kernels)}
    assert named == found
    assert all(path.stat().st_size for path in found)


def test_the_bundle_takes_each_licence_text_of_a_wheel_once(tmp_path: Path) -> None:
    about = "a-1.dist-info"
    with zipfile.ZipFile(tmp_path / "a-1-py3-none-any.whl", "w") as archive:
        archive.writestr("a/LICENSE", "one")
        archive.writestr(f"{about}/METADATA", "Name: a\nVersion: 1\nLicense: MIT\n")
        archive.writestr(f"{about}/licenses/a/LICENSE", "one")
        archive.writestr(f"{about}/licenses/lib/zig.txt", "two")
        archive.writestr(f"{about}/licenses/lib/", "")
    bundle = load(ROOT / "deploy" / "bundle.py")
    row = bundle._licence_row(tmp_path / "a-1-py3-none-any.whl", tmp_path / "licences")
    assert row == "a\t1\tMIT\t2"
    found = {path.name: path.read_text() for path in (tmp_path / "licences").iterdir()}
    assert found == {"00-LICENSE": "one", "01-zig.txt": "two"}


WHEELS = sorted((ROOT / "dist" / "bundle").glob("geo_service-*.whl"))


@pytest.mark.skipif(not WHEELS, reason="needs dist/bundle, which `make bundle` makes")
def test_the_bundled_wheel_is_whole(hook: ModuleType) -> None:
    (path,) = WHEELS
    assert path.name.endswith(f"-py3-none-{'.'.join(ALL)}.whl")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        (about,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        folder = about.removesuffix("METADATA")
        facts = Parser().parsestr(archive.read(about).decode())
        tags = Parser().parsestr(archive.read(f"{folder}WHEEL").decode())
        zig = archive.read(f"{folder}licenses/geo_service/native/lib/licences/zig.txt")
    libraries = {name for name in names if name.startswith("geo_service/native/lib/")}
    assert libraries == {f"geo_service/native/lib/{name}" for name in hook.TARGETS}
    assert sorted(tags.get_all("Tag") or []) == [f"py3-none-{name}" for name in ALL]
    assert tags["Root-Is-Purelib"] == "false"
    licences = facts.get_all("License-File") or []
    assert {f"{folder}licenses/{name}" for name in licences} <= names
    parts = {Path(name).parts[-2:] for name in licences}
    assert {(entry["folder"], entry["licences"][0]) for entry in entries()} <= parts
    assert {("licences", name) for name in hook.licences_of(hook.TARGETS)} <= parts
    assert b"Permission is hereby granted" in zig


def entries() -> list[dict[str, Any]]:
    """Return what is taken from npm packages."""
    found = project()["tool"]["hatch"]["build"]["hooks"]["custom"]["assets"]
    assert isinstance(found, list)
    return found
