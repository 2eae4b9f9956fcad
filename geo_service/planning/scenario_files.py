"""Scenarios as the command line writes them: tables, JSON, and files for a meeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.planning.downloads import Download, file_name
from geo_service.planning.printable import Printable
from geo_service.reports.document import dump
from geo_service.reports.scenario import edit_documents, side_by_side_document
from geo_service.reports.scenario_report import (
    COMPARISON_MEDIA_TYPES,
    ComparisonFormat,
    comparison_page,
    comparison_text,
    comparison_workbook,
)
from geo_service.reports.scenario_table import (
    changes_table,
    conflicts_table,
    scenario_table,
    scenarios_table,
    side_by_side_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.language import Translator
    from geo_service.reports.document import Document
    from geo_service.scenarios.compare import SideBySide
    from geo_service.scenarios.scenario import Scenario


def printable_scenarios(documents: Sequence[Document]) -> Printable:
    """Return the list of scenarios, for a terminal."""
    return Printable(
        lambda: {"scenarios": list(documents)},
        lambda translator, width: scenarios_table(documents, translator, width=width),
    )


def printable_scenario(document: Document) -> Printable:
    """Return one scenario, for a terminal."""
    return Printable(
        lambda: document,
        lambda translator, width: scenario_table(document, translator, width=width),
    )


def file_document(scenario: Scenario, translator: Translator) -> Document:
    """Return a scenario of a file as a kept one is told, without what only kept ones have."""
    told = scenario.document()
    return {**told, "edits": edit_documents(scenario.edits, scenario.base_plan, translator)}


def printable_changes(document: Document) -> Printable:
    """Return what a scenario does to findings, for a terminal."""
    return Printable(
        lambda: document,
        lambda translator, width: changes_table(document, translator, width=width),
    )


def printable_conflicts(documents: Sequence[Document]) -> Printable:
    """Return open conflicts, for a terminal."""
    return Printable(
        lambda: {"conflicts": list(documents)},
        lambda translator, width: conflicts_table(documents, translator, width=width),
    )


def printable_comparison(found: SideBySide, translator: Translator) -> Printable:
    """Return scenarios side by side, for a terminal."""
    document = side_by_side_document(found, translator)
    return Printable(
        lambda: document,
        lambda told, width: side_by_side_table(document, told, width=width),
    )


def comparison_file(
    found: SideBySide,
    format: ComparisonFormat,  # noqa: A002 - the contract's word
    translator: Translator,
) -> Download:
    """Return scenarios side by side as a file of a format."""
    makers = {
        ComparisonFormat.XLSX: comparison_workbook,
        ComparisonFormat.DOCX: comparison_text,
        ComparisonFormat.HTML: comparison_page,
    }
    maker = makers.get(format)
    content = (
        dump(side_by_side_document(found, translator), indent=True)
        if maker is None
        else maker(found, translator)
    )
    names = " ".join(one.name for one in found.alternatives if one.scenario is not None)
    name = file_name(f"{translator.text('compared.scenario')} {names}", format.value)
    return Download(name, COMPARISON_MEDIA_TYPES[format], content)


__all__ = [
    "COMPARISON_MEDIA_TYPES",
    "ComparisonFormat",
    "comparison_file",
    "file_document",
    "printable_changes",
    "printable_comparison",
    "printable_conflicts",
    "printable_scenario",
    "printable_scenarios",
]
