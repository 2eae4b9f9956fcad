"""The shape of the code is itself tested: imports run downward, and some stay in their place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import geo_service
from tests.conftest import ROOT

PACKAGE = ROOT / "geo_service"

LEVELS = (
    ("errors", "model", "crs", "data", "native", "front", "gdal", "isolation", "scratch"),
    (
        *("schema", "industry", "language", "wording"),
        *("document_limits", "documents", "jobs", "basemaps"),
    ),
    ("plan", "reading"),
    ("workspace", "spatial", "stores"),
    ("zoning",),
    ("suitability", "ingest"),
    ("reports",),
    ("maps",),
    ("planning",),
    ("settings",),
    ("web", "cli"),
)
"""Lower first; a part imports from its own level or from below, `docs/architecture.md` shows it."""

COUNTY_WORDS = ("云阳", "yunyang", "500235")

RANK = {part: level for level, parts in enumerate(LEVELS) for part in parts}


def modules() -> list[Path]:
    """Return every module of the package, the collected assets left out."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "assets" not in path.parts[-2:-1]]


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Yield the full names that a module imports; with `at_run_time`, not those for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= set(ast.walk(node))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part_of(name: str) -> str | None:
    """Return the top-level part of the package that an imported name lies in."""
    pieces = name.split(".")
    if pieces[0] != "geo_service" or len(pieces) < 2:
        return None
    return pieces[1] if pieces[1] in RANK else None


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path != PACKAGE / "__init__.py"],  # it names its parts lazily
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_run_downward(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert own in RANK, f"{own} has no place in LEVELS"
    for name in imports(path):
        part = part_of(name)
        if part is not None:
            assert RANK[part] <= RANK[own], f"{own} must not import {name}"


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("fastapi", ("web",)),
        ("starlette", ("web",)),
        ("folium", ("maps/page.py", "maps/draw.py")),
        ("branca", ("maps/page.py",)),
        ("rtree", ("spatial/live_index.py",)),
        ("typer", ("cli/",)),
        ("rasterio", ("spatial/raster.py", "spatial/cell_grid.py", "maps/relief.py")),
        ("exactextract", ("spatial/raster.py",)),
        ("opencc", ("language.py",)),
        ("subprocess", ("isolation.py",)),
    ],
)
def test_a_library_stays_in_its_place(library: str, home: tuple[str, ...]) -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(name.split(".")[0] == library for name in imports(path, at_run_time=True))
    }
    strangers = {user for user in users if not user.startswith(home)}
    assert not strangers
    assert users


def test_settings_are_read_at_the_edge_only() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(part_of(name) == "settings" for name in imports(path))
    }
    assert {user for user in users if not user.startswith("cli/")} <= {"web/app.py"}


def test_nothing_about_the_demo_county_stands_in_the_code() -> None:
    allowed = {"layers/yunyang"}  # the contract's last default for the workspace
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = [
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        ]
        docstrings = {node.body[0].value for node in documented if ast.get_docstring(node)}  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = [word for word in COUNTY_WORDS if word in node.value.lower()]
                example = node in docstrings or node.value in allowed
                assert example or not found, f"{path.name}: {node.value}"


def test_nothing_about_the_demo_county_stands_in_the_shipped_data() -> None:
    for path in (PACKAGE / "data").iterdir():
        if path.suffix in {".yaml", ".toml"}:
            text = path.read_text(encoding="utf-8").lower()
            assert not [word for word in COUNTY_WORDS if word in text], path.name


def test_the_exported_names_are_what_they_should_be() -> None:
    assert set(geo_service.__all__) == {
        "Plan",
        "Ranking",
        "Review",
        "__version__",
        "draw",
        "open_plan",
        "rank",
        "review",
    }
    for name in geo_service.__all__:
        assert getattr(geo_service, name) is not None
    with pytest.raises(AttributeError):
        _ = geo_service.nothing


def test_importing_the_package_is_quick_because_it_loads_nothing() -> None:
    code = "import sys, geo_service; print('pandas' in sys.modules, 'folium' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_every_module_says_what_it_does() -> None:
    for path in modules():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
