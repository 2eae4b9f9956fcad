"""What a county's rules rest on: for a terminal, a page, an answer of the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from geo_service.language import Language, Translator
from geo_service.planning.printable import Printable
from geo_service.reports.rules import rules_document
from geo_service.reports.terminal import rules_table
from geo_service.workspace.opening import open_plan
from geo_service.zoning.laws import STALE_MONTHS
from geo_service.zoning.rulebook import Rulebook, open_rulebook

if TYPE_CHECKING:
    import os
    from pathlib import Path


def printable_rules(
    workspace: str | os.PathLike[str],
    language: Language,
    *,
    rulebook: Path | None = None,
    as_of: date | None = None,
    stale_months: int | None = None,
) -> tuple[Printable, Translator]:
    """Return the rules of a workspace and who translates them; what `geo-service rules` does.

    Parameters
    ----------
    workspace
        The county's folder.
    language
        The reader's language.
    rulebook
        A rulebook to use instead of the workspace's own.
    as_of
        The day that decides which documents are in force; today if None.
    stale_months
        Only rules of documents that nobody has looked at for so many months; all if None.

    Raises
    ------
    WorkspaceError, RulebookError
        The workspace or the rulebook is unusable.
    """
    plan = open_plan(workspace)
    translator = Translator(language, plan.settings.names_hant)
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    rules = open_rulebook(rulebook or plan.settings.rulebook_path)
    if stale_months is not None:
        rules = _stale_only(rules, day, stale_months)
    document = rules_document(
        rules, day, translator, stale_months=STALE_MONTHS if stale_months is None else stale_months
    )
    printable = Printable(
        lambda: document, lambda reader, width: rules_table(document, reader, width=width)
    )
    return printable, translator


def _stale_only(rulebook: Rulebook, day: date, months: int) -> Rulebook:
    """Return the rules of which some document is stale."""
    return replace(
        rulebook,
        rules={
            rule_id: rule
            for rule_id, rule in rulebook.rules.items()
            if any(item.document.is_stale(day, months) for item in rule.bases)
        },
    )
