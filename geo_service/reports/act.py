"""What reports say of a review as an act, and by what they find the work on a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.document import Document


def act_facts(act: Document | None, translator: Translator) -> dict[str, str]:
    """Return what a review is at, who did what, and the digest that was signed.

    Keys are those of the report's texts; nothing is known of a review that no workspace keeps.
    """
    if act is None:
        return {}
    facts = {"act_state": translator.text(f"act_state.{act['state']}")}
    steps = [
        translator.text(
            "report.act_step",
            step=translator.text(f"act_step.{step['step']}"),
            account=step["account"],
            day=step["at"][:10],
        )
        for step in act["steps"]
    ]
    if steps:
        facts["act_steps"] = translator.listed(steps)
    if act["record"]:
        facts["findings_digest"] = act["record"]["findings_digest"]
    return facts


def work_key(item: Document) -> tuple[str, str, str]:
    """Return rule and subject of a finding, or of what is done about it."""
    return item["rule_id"], item["subject"]["layer"], item["subject"]["id"]
