"""Projects as people keep them: a file's text read for a form, and those that a county has.

Leaves out ranking a project (`rankings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.errors import ProjectError
from geo_service.suitability.project import open_project, parse_project

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.reports.document import Document

FOLDER = "projects"
"""Where a workspace's projects lie."""
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
MOST_LISTED = 200


def read_project_text(text: str, name: str) -> Document:
    """Return a project's text, YAML or JSON, as a JSON document with the fields that it gives.

    `name` is that of the file, told with faults; ProjectError lists what is wrong.
    """
    return parse_project(text, name).model_dump(mode="json", exclude_unset=True)


def county_projects(folder: Path) -> list[Document]:
    """Return the projects in a workspace's folder, by file; of one that is unusable only its file.

    Links that lead elsewhere are left out.
    """
    home = folder / FOLDER
    if not home.is_dir():
        return []
    files = sorted(
        path
        for path in home.iterdir()
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not path.is_symlink()
    )
    return [{"file": path.name, "project": _fields_of(path)} for path in files[:MOST_LISTED]]


def _fields_of(path: Path) -> Document | None:
    try:
        return open_project(path).model_dump(mode="json", exclude_unset=True)
    except ProjectError:
        return None
