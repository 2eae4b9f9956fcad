"""Documents say what is true: names of columns, checks, settings and files exist in the code."""

from __future__ import annotations

import re

from geo_service.schema import SCHEMAS
from geo_service.suitability.criteria import CRITERIA
from geo_service.suitability.project import Access, Needs, Project
from geo_service.workspace.opening import SETTING_NAMES
from geo_service.zoning.checks import FAMILIES
from tests.conftest import ROOT


def read(name: str) -> str:
    """Return the text of a document."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_layer_and_column_is_documented() -> None:
    sections = re.split(r"^## ", read("docs/workspace.md"), flags=re.MULTILINE)
    by_layer = {section.split()[0]: section for section in sections[1:]}
    assert set(by_layer) == set(SCHEMAS)
    for name, schema in SCHEMAS.items():
        documented = set(re.findall(r"^\| `(\w+)` \|", by_layer[name], flags=re.MULTILINE))
        assert documented == set(schema.columns), name


def test_every_setting_is_documented() -> None:
    text = read("docs/workspace.md")
    assert not [name for name in SETTING_NAMES if name not in text]


def test_every_family_and_check_is_documented() -> None:
    text = read("docs/rules.md")
    for family, checks in FAMILIES.items():
        assert f"`{family}`" in text
        assert not [name for name in checks if f"`{name}`" not in text], family


def test_every_linked_file_exists() -> None:
    for document in ("README.md", "README.zh.md", "docs/workspace.md", "CONTRIBUTING.md"):
        folder = (ROOT / document).parent
        for target in re.findall(r"\]\(([^)#:]+)\)", read(document)):
            assert (folder / target).exists(), f"{document}: {target}"


def test_the_architecture_page_names_every_part() -> None:
    text = read("docs/architecture.md")
    for path in (ROOT / "geo_service").iterdir():
        is_part = path.suffix == ".py" or (path / "__init__.py").exists()
        if is_part and path.name not in {"__init__.py", "assets"}:
            assert path.name in text, path.name


def test_both_readmes_have_the_same_sections_and_commands() -> None:
    english, chinese = read("README.md"), read("README.zh.md")
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(
        re.findall(r"^## ", chinese, re.MULTILINE)
    )
    commands = re.findall(r"^(?:make|curl|\.venv\S+ \w+)", english, re.MULTILINE)
    assert commands == re.findall(r"^(?:make|curl|\.venv\S+ \w+)", chinese, re.MULTILINE)


def test_every_criterion_and_project_key_stands_in_the_siting_guide() -> None:
    text = (ROOT / "docs" / "siting.md").read_text(encoding="utf-8")
    for name, criterion in CRITERIA.items():
        stem = name.removesuffix(criterion.subject or "") if criterion.subject != name else name
        assert f"`{stem}…`" in text or f"`{name}`" in text, name
    for model in (Project, Needs, Access):
        for key in model.model_fields:
            assert f"`{key}`" in text, key
