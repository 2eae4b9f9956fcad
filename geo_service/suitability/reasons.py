"""Reasons: why a candidate is excluded, or why nobody can tell whether it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_service.model import LegalBasis, Message, Verdict

if TYPE_CHECKING:
    from geo_service.suitability.project import Project


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a candidate is excluded (`fail`), or why that cannot be told (`unknown`)."""

    rule_id: str
    verdict: Verdict
    detail: Message
    measure: Mapping[str, Any]
    legal_basis: LegalBasis | None = None


def each_once(*lists: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return the reasons of several lists in their order, equal ones once."""
    found: list[Reason] = []
    for reasons in lists:
        for reason in reasons:
            if reason not in found:
                found.append(reason)
    return tuple(found)


def is_excluded(reasons: Sequence[Reason], project: Project) -> bool:
    """Return whether reasons exclude a candidate.

    One that fails does; one that nobody can judge does if the project wants to be sure.
    """
    has_failed = any(reason.verdict is Verdict.FAIL for reason in reasons)
    return has_failed or (bool(reasons) and project.unknown == "exclude")
