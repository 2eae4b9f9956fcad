"""Rulebooks as JSON documents: each rule with what it rests on, each document with its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.reports.document import Document, basis_document, iso_day, name_in, plain
from geo_service.zoning.checks import TOLERANT_CHECKS
from geo_service.zoning.laws import STALE_MONTHS

if TYPE_CHECKING:
    from datetime import date

    from geo_service.language import Translator
    from geo_service.zoning.laws import LegalDocument, Register
    from geo_service.zoning.rulebook import Rule, Rulebook


def register_document(
    document: LegalDocument,
    day: date,
    translator: Translator,
    *,
    register: Register,
    stale_months: int = STALE_MONTHS,
) -> Document:
    """Return a document of the register with its state on a day; its successor also by name."""
    part = document.part
    successor = register.get(part.superseded_by or "")
    return {
        "document_id": document.document_id,
        "name": name_in(part.name, translator),
        "kind": part.kind.value,
        "number": part.number,
        "issuer": name_in(part.issuer, translator) if part.issuer else None,
        "in_force_from": iso_day(document.first_day),
        "in_force_until": iso_day(document.last_day),
        "superseded_by": part.superseded_by,
        "successor": None if successor is None else name_in(successor.part.name, translator),
        "looked_at": iso_day(part.looked_at),
        "trust": part.trust.value,
        "certainty": part.certainty,
        "note": translator.pick(part.note) if part.note else None,
        "state": document.state_on(day).value,
        "is_stale": document.is_stale(day, stale_months),
    }


def rule_document(rule: Rule, day: date, translator: Translator) -> Document:
    """Return one rule with its bases on a day, and what a county's rulebook changed of it."""
    part = rule.part
    cited = rule.cited(day)
    lapsed = rule.lapsed_on(day)
    return {
        "rule_id": rule.rule_id,
        "family": part.family,
        "check": part.check,
        "title": translator.pick(part.title),
        "severity": part.severity.value,
        "legal_basis": {
            **basis_document(cited.legal_basis, translator),
            "demands": translator.pick(cited.demands) if cited.demands else None,
            "in_force_from": iso_day(cited.document.first_day),
            "in_force_until": iso_day(cited.document.last_day),
        },
        "bases": [
            {
                "document_id": item.document.document_id,
                "article": item.article,
                "demands": translator.pick(item.demands) if item.demands else None,
            }
            for item in rule.bases
        ],
        "basis_tag": rule.tag_on(day).value,
        "lapsed": None
        if lapsed is None
        else {
            "document": name_in(lapsed.part.name, translator),
            "ended": iso_day(lapsed.last_day),
        },
        "effective_from": part.effective_from.isoformat(),
        "effective_to": part.effective_to.isoformat() if part.effective_to else None,
        "applies_to": part.applies_to,
        "scope": part.scope.model_dump(mode="json"),
        "tolerance": part.tolerance.model_dump(mode="json"),
        "has_tolerance": (part.family, part.check) in TOLERANT_CHECKS,
        "parameters": rule.parameters.model_dump(mode="json"),
        "looked_at": iso_day(cited.document.part.looked_at),
        "note": translator.pick(part.note_by_language or {}) or None,
        "enabled": part.enabled,
        "in_force": rule.is_in_force(day),
        "overridden": plain(rule.overridden),
    }


def rules_document(
    rulebook: Rulebook, day: date, translator: Translator, *, stale_months: int = STALE_MONTHS
) -> Document:
    """Return a rulebook with its version, every rule, and the documents that rules rest on.

    The bases are those of a day; a document that nobody has looked at for so many months is
    marked as stale.
    """
    return {
        "rulebook_version": rulebook.version,
        "as_of": day.isoformat(),
        "title": translator.pick(rulebook.title),
        "rules": [rule_document(rule, day, translator) for rule in rulebook.rules.values()],
        "documents": [
            register_document(
                document,
                day,
                translator,
                register=rulebook.register,
                stale_months=stale_months,
            )
            for document in rulebook.documents
        ],
    }
