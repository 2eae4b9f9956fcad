"""The modules of maps and pages as a graph, found in their sources without Node."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

FRONT = ROOT / "geo_service" / "front"
IMPORT = re.compile(r"^(?:import|export)\s[^;]*?from\s+'([^']+)';", re.MULTILINE)


def scripts() -> list[str]:
    """Return the names of all modules, such as "shared/dom.js"."""
    folders = ("shared", "map", "pages")
    return sorted(
        path.relative_to(FRONT).as_posix()
        for folder in folders
        for path in (FRONT / folder).rglob("*.js")
    )


@cache
def source(name: str) -> str:
    """Return a module's text."""
    return (FRONT / name).read_text(encoding="utf-8")


def imported(name: str) -> list[str]:
    """Return the names of the modules that a module imports."""
    folder = (FRONT / name).parent
    found = IMPORT.findall(source(name))
    return [(folder / path).resolve().relative_to(Path(FRONT)).as_posix() for path in found]


def reached(entry: str) -> dict[str, str]:
    """Return the texts of a program's modules by name: the entry and all that it imports."""
    found: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = source(name)
            waiting += imported(name)
    return found
