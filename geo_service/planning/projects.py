"""Projects as people keep them: a file's text, read for a form.

Leaves out ranking a project (`rankings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.suitability.project import parse_project

if TYPE_CHECKING:
    from geo_service.reports.document import Document


def read_project_text(text: str, name: str) -> Document:
    """Return a project's text, YAML or JSON, as a JSON document with the fields that it gives.

    `name` is that of the file, told with faults; ProjectError lists what is wrong.
    """
    return parse_project(text, name).model_dump(mode="json", exclude_unset=True)
