"""The shape of the code is itself tested: imports run downward, and some stay in their place."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import geo_service
from geo_service.maps.kinds import KINDS, MapBasis, MapKind, kinds_of
from tests.conftest import ROOT

PACKAGE = ROOT / "geo_service"

LEVELS = (
    (
        *("errors", "wording", "language", "model", "crs", "units", "data"),
        *("native", "front", "gdal", "isolation", "forkserver", "crew", "halves", "memory"),
        *("notebook", "pinyin", "access", "scratch", "logs"),
    ),
    ("schema", "industry", "document_limits", "documents", "jobs", "basemaps"),
    ("plan", "plan_rows", "domain", "mcda"),
    ("workspace", "spatial", "stores"),
    ("zoning",),
    ("suitability", "ingest"),
    ("scenarios",),
    ("layout",),
    ("reports",),
    ("maps",),
    ("planning",),
    ("province",),
    ("settings",),
    ("web", "cli"),
    ("__main__",),
)
"""Lower first; a part imports from its own level or from below, `docs/architecture.md` shows it."""

MOST_LINES = 600

COUNTY_WORDS = ("云阳", "yunyang", "500235")

RANK = {part: level for level, parts in enumerate(LEVELS) for part in parts}


@cache
def modules() -> list[Path]:
    """Return every module of the package, the collected assets left out."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "assets" not in path.parts[-2:-1]]


@dataclass(frozen=True, slots=True)
class Source:
    """What a module's text holds of that which is tested here; its tree is let go."""

    imports: tuple[str, ...]
    """The full names that it imports, those for types only too."""
    run_time_imports: tuple[str, ...]
    calls: frozenset[str]
    """The last name of every function that it calls."""
    classes: tuple[tuple[str, int], ...]
    """Name and line of every class, nested ones too."""
    texts: tuple[str, ...]
    """Every text in the code that documents nothing."""
    is_documented: bool


def last_name(node: ast.AST) -> str:
    """Return the last name of what is called or looked up: `b` of `a.b`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@cache
def source(path: Path) -> Source:
    """Parse a module once, however many tests look at it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types: set[ast.AST] = set()
    docstrings: set[ast.AST] = set()
    imports: list[tuple[str, bool]] = []
    calls: set[str] = set()
    classes: list[tuple[str, int]] = []
    texts: list[str] = []
    for node in ast.walk(tree):  # what holds a node comes before it
        match node:
            case ast.If() if "TYPE_CHECKING" in map(last_name, ast.walk(node.test)):
                for_types |= set(ast.walk(node))
            case ast.Import():
                imports += [(name.name, node in for_types) for name in node.names]
            case ast.ImportFrom() if node.module:
                full = [f"{node.module}.{name.name}" for name in node.names]
                imports += [(name, node in for_types) for name in full]
            case ast.Call():
                calls.add(last_name(node.func))
            case ast.Constant() if isinstance(node.value, str) and node not in docstrings:
                texts.append(node.value)
        if isinstance(node, ast.ClassDef):
            classes.append((node.name, node.lineno))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            docstrings.add(node.body[0].value)  # type: ignore[attr-defined]
    return Source(
        imports=tuple(name for name, _ in imports),
        run_time_imports=tuple(name for name, is_type in imports if not is_type),
        calls=frozenset(calls),
        classes=tuple(classes),
        texts=tuple(texts),
        is_documented=ast.get_docstring(tree) is not None,
    )


def imports(path: Path) -> tuple[str, ...]:
    """Return the full names that a module imports, those for types only too."""
    return source(path).imports


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


def modules_needed() -> dict[str, set[str]]:
    """Return by module, named from the package down, the modules that it imports.

    Every import counts: one for types only, and one inside a function, ties two modules
    together as well; neither can be read, or moved, without the other.
    """
    names = {name_of(path): path for path in modules()}

    def home_of(imported: str) -> str | None:
        """Return the module that an imported name stands in."""
        name = imported.removeprefix("geo_service.") if "." in imported else ""
        while name and name not in names:
            name = name.rpartition(".")[0]
        return name or None

    return {
        name: {
            home
            for imported in imports(path)
            if imported.startswith("geo_service.")
            and (home := home_of(imported)) not in {None, name}
        }
        for name, path in names.items()
    }


def name_of(path: Path) -> str:
    """Return a module's name from the package down; a package's own is that of its folder."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(needed: dict[str, set[str]]) -> list[frozenset[str]]:
    """Return the sets of modules of which each needs all others, directly or not."""
    reached = {name: set(others) for name, others in needed.items()}
    for between in needed:
        for others in reached.values():
            if between in others:
                others.update(reached[between])
    return sorted(
        {
            frozenset(other for other in reached[name] if name in reached[other])
            for name in needed
            if name in reached[name]
        },
        key=sorted,
    )


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(modules_needed())
    assert not [sorted(circle) for circle in found]


def test_a_circle_is_found_through_any_number_of_modules() -> None:
    needed = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert circles(needed) == [frozenset("abc")]
    assert circles({**needed, "c": {"d"}}) == []
    two = {"a": {"b"}, "b": {"a"}, "c": {"a", "d"}, "d": {"c"}}
    assert circles(two) == [frozenset("ab"), frozenset("cd")]


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("fastapi", ("web",)),
        ("starlette", ("web",)),
        ("folium", ("maps/document.py", "maps/draw.py")),
        ("branca", ("maps/document.py",)),
        ("rtree", ("spatial/live_index.py",)),
        ("typer", ("cli/",)),
        ("rasterio", ("spatial/raster.py", "spatial/cell_grid.py", "maps/relief.py")),
        ("exactextract", ("spatial/raster.py",)),
        ("opencc", ("language.py",)),
        ("subprocess", ("isolation.py", "forkserver.py", "crew.py")),
        ("highspy", ("layout/highs.py",)),
        ("argon2", ("planning/accounts.py",)),
        ("dask", ("province/engine.py",)),
        ("distributed", ("province/engine.py",)),
    ],
)
def test_a_library_stays_in_its_place(library: str, home: tuple[str, ...]) -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(name.split(".")[0] == library for name in source(path).run_time_imports)
    }
    strangers = {user for user in users if not user.startswith(home)}
    assert not strangers
    assert users


EDGE_PARTS = frozenset(
    {
        *("planning", "province", "language", "errors", "model", "wording", "settings", "gdal"),
        "memory",
        "web",
        "cli",
    }
)
"""What a route or a command may know: it parses, asks a use case and replies."""


@pytest.mark.parametrize(
    "path",
    [*sorted((PACKAGE / "web" / "routes").glob("*.py")), *sorted((PACKAGE / "cli").glob("*.py"))],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_routes_and_commands_only_parse_and_reply(path: Path) -> None:
    known = {part for part in map(part_of, imports(path)) if part is not None}
    assert known <= EDGE_PARTS, f"a use case of planning/ gives {known - EDGE_PARTS}"


def test_every_kind_of_map_stands_in_one_list() -> None:
    """Each has a module of its name, whose data says the same name; no other module says one."""
    modules_of_kinds = {path.stem for path in (PACKAGE / "maps" / "kinds").glob("*.py")}
    assert modules_of_kinds - {"__init__", "plan"} == set(KINDS)
    assert {str(kind) for kind in MapKind} == set(
        kinds_of(MapBasis.REVIEW, MapBasis.RANKING, MapBasis.LAYER, MapBasis.LAYOUT)
    )
    for name in KINDS:
        module = import_module(f"geo_service.maps.kinds.{name}")
        said_kinds = {
            found.kind
            for found in vars(module).values()
            if isinstance(found, type) and found.__module__ == module.__name__
            if hasattr(found, "kind")
        }
        assert said_kinds == {name}
        assert callable(module.states_of)


def test_no_module_is_long() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long


def circles_in(room: str) -> list[list[str]]:
    """Return the circles of imports between a room's modules, those for types only too."""
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in (PACKAGE / room).rglob("*.py")
        if path.name != "__init__.py"
    }
    leads = {
        name: {other for other in names for found in imports(path) if found.startswith(f"{other}.")}
        for name, path in names.items()
    }
    found = []
    for start, first in leads.items():
        reached: set[str] = set()
        following = set(first)
        while following:
            name = following.pop()
            if name not in reached:
                reached.add(name)
                following |= leads[name]
        if start in reached:
            found.append(sorted(name for name in reached if name == start or start in leads[name]))
    return found


@pytest.mark.parametrize("room", ["planning", "maps", "reports", "cli"])
def test_no_room_has_a_circle(room: str) -> None:
    assert not circles_in(room)


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
        for text in source(path).texts:
            found = [word for word in COUNTY_WORDS if word in text.lower()]
            assert text in allowed or not found, f"{path.name}: {text}"


def test_nothing_about_the_demo_county_stands_in_the_shipped_data() -> None:
    for path in (PACKAGE / "data").iterdir():
        if path.suffix in {".yaml", ".toml"}:
            text = path.read_text(encoding="utf-8").lower()
            assert not [word for word in COUNTY_WORDS if word in text], path.name


def test_the_exported_names_are_what_they_should_be() -> None:
    assert set(geo_service.__all__) == {
        "Plan",
        "Proposal",
        "Ranking",
        "Review",
        "Scenario",
        "SideBySide",
        "__version__",
        "compare",
        "draw",
        "layout",
        "open_plan",
        "rank",
        "review",
        "scenario",
        "write",
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


def test_the_command_line_of_one_county_loads_no_engine_for_many() -> None:
    loaded = "print({'dask', 'distributed'} & {*sys.modules})"
    code = f"import sys, geo_service.cli, geo_service.planning.once; {loaded}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "set()"


def modules_of_tests() -> list[Path]:
    """Return every module of tests and of what they share."""
    return sorted((ROOT / "tests").rglob("*.py"))


def test_no_test_module_imports_another() -> None:
    for path in modules_of_tests():
        for name in imports(path):
            pieces = name.split(".")
            is_test = pieces[0] == "tests" and any(piece.startswith("test_") for piece in pieces)
            assert not is_test, f"{path.name} imports {name}: move it to a module of its own"


def test_the_profile_alone_sets_numbers_of_examples() -> None:
    users = {path.name for path in modules_of_tests() if "settings" in source(path).calls}
    assert users == {"depth.py"}


WAITS = {
    "patience.py": "the one loop that waits for something to come about",
    "pictures.py": "the tool that takes pictures",
    "test_crash.py": "the moment of a kill is drawn by lot",
    "test_shares.py": "gives way to the other tasks, without waiting",
    "test_connections.py": "a service at rest must not spin; a sender that drips; a start",
    "test_tiles.py": "a tile that takes long, for those who ask meanwhile",
}
"""Who may wait for a time, and why; others wait for what must come about."""


def test_no_test_waits_for_a_time_alone() -> None:
    waiting = {"sleep", "wait_for_timeout"}
    users = {path.name for path in modules_of_tests() if waiting & source(path).calls}
    assert users == {*WAITS}


def test_no_two_classes_have_one_name() -> None:
    """Nested and private classes included: a name leads to one class."""
    homes: dict[str, list[str]] = {}
    for path in modules():
        for name, line in source(path).classes:
            homes.setdefault(name, []).append(f"{name_of(path)}:{line}")
    assert not {name: where for name, where in homes.items() if len(where) > 1}


def test_every_module_says_what_it_does() -> None:
    for path in modules():
        assert source(path).is_documented, path
