"""Documents say what is true: names of columns, checks, settings and files exist in the code."""

from __future__ import annotations

import re
from pathlib import Path

from geo_service.language import Translator
from geo_service.plan import Plan
from geo_service.reports.terminal import verdict_table
from geo_service.schema import SCHEMAS
from geo_service.suitability.criteria import CRITERIA
from geo_service.suitability.project import Access, Needs, Project
from geo_service.workspace.settings import SETTING_NAMES
from geo_service.zoning.approvals import open_approvals
from geo_service.zoning.checks import FAMILIES
from geo_service.zoning.review import Review
from geo_service.zoning.rulebook import parse_rulebook
from geo_service.zoning.waivers import open_waivers
from tests.conftest import DEMO_DAY, ROOT

SHOWN_PARKS = ("YY-M-01", "YY-C-02", "YY-B-39")
"""The parks of which the readmes show the rows."""


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


def test_the_examples_of_the_guide_to_rules_are_read(demo: Plan, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", read("docs/rules.md"), flags=re.DOTALL)
    by_kind = {
        name: next(block for block in blocks if f"\n{name}:" in block)
        for name in ("rules", "approvals", "waivers")
    }
    assert len(blocks) == len(by_kind)
    rulebook = parse_rulebook(by_kind.pop("rules"), "rules.md")
    assert rulebook.rules["focus.leading_share"].part.severity == "must"
    for name, text in by_kind.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        open_entries = open_approvals if name == "approvals" else open_waivers
        assert len(open_entries(path, rulebook, demo).entries) == 1


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


def test_the_readmes_show_the_table_that_the_program_prints(demo_review: Review) -> None:
    printed = verdict_table(demo_review, Translator(), width=200).splitlines()
    rows = [line for park in SHOWN_PARKS for line in printed if f" {park} " in line]
    counts = next(line for line in printed if line.startswith("符合 "))
    expected = "\n".join(["```", *rows, "...", counts, "```"])
    for name in ("README.md", "README.zh.md"):
        assert expected in read(name), f"{name} should show:\n{expected}"
        assert DEMO_DAY.isoformat() in read(name)
