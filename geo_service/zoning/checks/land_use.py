"""Land use: which codes a tier permits, permits on conditions, or refuses, by scheme.

One code means different things in different schemes, so a parcel is only ever judged by
the table of its own scheme.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from geo_service.model import Message, Subject, Verdict
from geo_service.zoning.case import (
    Case,
    Check,
    Draft,
    Outcome,
    Parameters,
    missing_value,
    text_or_none,
)


class TierUses(Parameters):
    """Codes of one scheme that a tier permits or permits on conditions; all others are refused.

    `unclassified` are codes too coarse to judge, such as 1001 with no class.
    """

    permitted: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    unclassified: tuple[str, ...] = ()


class UseParameters(Parameters):
    """By scheme and tier, the codes that are permitted or conditional."""

    uses: dict[str, dict[str, TierUses]] = Field(min_length=1)


def permitted(case: Case, parameters: UseParameters) -> Outcome:
    """Each parcel of a park has a land use that the park's tier permits.

    A code is matched exactly, then by its listed prefixes within the same scheme.
    """
    outcome = Outcome()
    parcels = case.plan.metric("parcels")
    tiers = dict(zip(case.parks["park_id"], case.parks["tier"], strict=True))
    own = parcels[parcels["park_id"].isin(tiers)]
    columns = ["parcel_id", "park_id", "land_use", "land_use_scheme"]
    for (parcel_id, park_id, use, scheme), shape in zip(
        own[columns].itertuples(index=False), own.geometry, strict=True
    ):
        subject = Subject("parcels", parcel_id)
        outcome.checked += 1
        code = text_or_none(use)
        if code is None:
            outcome.drafts.append(
                missing_value(park_id=park_id, subject=subject, column="land_use")
            )
            continue
        table = parameters.uses.get(scheme, {}).get(tiers[park_id])
        verdict, key = _judge(code, table)
        if verdict is Verdict.PASS:
            continue
        values = {"code": code, "scheme": scheme, "tier": Message(f"tier.{tiers[park_id]}")}
        allowed = [*table.permitted, *table.conditional] if table else []
        outcome.drafts.append(
            Draft(
                verdict=verdict,
                park_id=park_id,
                subject=subject,
                title=Message(f"finding.{key}", values),
                evidence={
                    "measure": "land_use",
                    "value": code,
                    "unit": None,
                    "threshold": allowed,
                    "scheme": scheme,
                    "tier": tiers[park_id],
                },
                cure=Message(f"cure.{key}", values),
                geometry=shape,
            )
        )
    return outcome


def _judge(code: str, table: TierUses | None) -> tuple[Verdict, str]:
    if table is None:
        return Verdict.UNKNOWN, "land_use_no_table"
    if code.startswith(table.permitted):
        return Verdict.PASS, ""
    if code.startswith(table.conditional):
        return Verdict.WATCH, "land_use_conditional"
    if code in table.unclassified:
        return Verdict.WATCH, "land_use_unclassified"
    return Verdict.FAIL, "land_use_refused"


CHECKS: Mapping[str, Check] = MappingProxyType({"permitted": Check(UseParameters, permitted)})
