"""Goals of layouts as people keep them: read from a file's text, listed from a workspace, checked.

Leaves out proposing a layout for them (`layouts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geo_service.errors import GoalsError
from geo_service.layout.evaluate import PER
from geo_service.layout.goals import (
    Goals,
    GoalsDocument,
    IndustriesOpen,
    MovesOpen,
    TermName,
    goals_of,
    open_goals,
    parse_goals,
)
from geo_service.layout.goals import unusable_goals as unusable
from geo_service.layout.references import check_references, faults_of_rest
from geo_service.reports.layout import unit_of
from geo_service.wording import tell_fault

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.language import Translator
    from geo_service.plan import Plan
    from geo_service.reports.document import Document

FOLDER = "layouts"
"""Where a workspace keeps its goals."""
MOST_FILES = 50
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def read_goals_text(text: str, name: str) -> Document:
    """Return the text of goals, YAML or JSON, as a JSON document with the fields that it gives.

    `name` is that of the file, told with faults; GoalsError lists what is wrong.
    """
    return _told(parse_goals(text, name))


def goals_files(workspace: Path, translator: Translator) -> list[Document]:
    """Return the files of goals that a workspace keeps, by name; a faulty one with its faults."""
    folder = workspace / FOLDER
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    found: list[Document] = []
    for path in [one for one in paths if one.suffix in _SUFFIXES and one.is_file()][:MOST_FILES]:
        try:
            document = open_goals(path)
        except GoalsError as error:
            faults = [tell_fault(fault, translator) for fault in error.faults]
            found.append({"file": path.name, "name": None, "goals": None, "errors": faults})
        else:
            name = document.goals.name
            found.append({"file": path.name, "name": name, "goals": _told(document)})
    return found


def goals_for(plan: Plan, fields: Mapping[str, Any]) -> GoalsDocument:
    """Return goals given as plain data that name only what the plan has.

    GoalsError lists every fault: of the form, and of the names in all that is without fault.
    """
    try:
        document = goals_of(fields)
    except GoalsError as error:
        named = faults_of_rest(fields, error.faults, plan)
        raise unusable([*error.faults, *named]) from None
    check_references(document, plan)
    return document


def form_values(plan: Plan, translator: Translator) -> Document:
    """Return what a form of goals begins with: defaults, terms with their units, groups."""
    basis, groups = plan.settings.focus_basis, plan.settings.groups
    defaults = Goals(industries=IndustriesOpen(), moves=MovesOpen()).model_dump(mode="json")
    defaults["front"] = {"terms": ["moves", "focus", "chains"], "points": 4}
    defaults["same_industry"] = {"most": 6, "digits": 3}
    return {
        "defaults": defaults,
        "terms": {str(name): {"unit": unit_of(name, basis), "per": PER[name]} for name in TermName},
        "groups": [
            {"id": group, "name": translator.pick(groups.names.get(group, {})) or group}
            for group in sorted(set(groups.prefixes.values()))
        ],
    }


def _told(document: GoalsDocument) -> Document:
    return document.goals.model_dump(mode="json", exclude_unset=True)
