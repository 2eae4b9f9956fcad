"""Land use: which codes a tier permits, permits on conditions, or refuses, by scheme.

One code means different things in different schemes, so a parcel is only ever judged by
the table of its own scheme.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from geo_service.model import Message, Subject, Tier, Verdict
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Outcome,
    Parameters,
    missing_value,
    text_or_none,
)
from geo_service.zoning.names import named_land_use

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


Scheme = Literal["planning2023", "survey3", "gb50137", "local"]


class TierUses(Parameters):
    """Codes of one scheme that a tier permits or permits on conditions; all others are refused.

    `supporting` are uses that every park has: its roads, utilities and green space. A code
    that is only the beginning of a listed one (1001 with no class) is too coarse to judge.
    """

    permitted: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    supporting: tuple[str, ...] = ()


class UseParameters(Parameters):
    """By scheme and tier, the codes that are permitted or conditional."""

    uses: dict[Scheme, dict[Tier, TierUses]] = Field(min_length=1)


def permitted(case: Case, parameters: UseParameters) -> Outcome:
    """Each parcel of a park has a land use that the park's tier permits.

    A code is matched exactly, then by its listed prefixes within the same scheme.
    """
    parcels = case.plan.metric("parcels")
    tiers = dict(zip(case.parks["park_id"], case.parks["tier"], strict=True))
    own = parcels[parcels["park_id"].isin(tiers)]
    outcome = Outcome.of(own["park_id"])
    # Few combinations of tier, scheme and code stand for many parcels: each is judged once.
    kinds = own[["land_use_scheme", "land_use"]].assign(tier=own["park_id"].map(tiers))
    numbers = kinds.groupby(list(kinds.columns), dropna=False, sort=False).ngroup().to_numpy()
    for number, first in enumerate(np.unique(numbers, return_index=True)[1]):
        scheme, use, tier = kinds.iloc[int(first)].tolist()
        rows = np.flatnonzero(numbers == number)
        code = text_or_none(use)
        table = parameters.uses.get(scheme, {}).get(tier)
        lacks = "land_use" if code is None else None if text_or_none(scheme) else "land_use_scheme"
        verdict, key = (Verdict.UNKNOWN, "") if lacks else _judge(str(code), scheme, table)
        if verdict is Verdict.PASS:
            continue
        chosen = own.iloc[rows]
        for parcel_id, park_id, shape in zip(
            chosen["parcel_id"], chosen["park_id"], chosen.geometry, strict=True
        ):
            subject = Subject("parcels", parcel_id)
            outcome.findings.append(
                missing_value(park_id=park_id, subject=subject, column=lacks)
                if lacks
                else _finding(
                    subject, park_id, shape, _Use(str(use), scheme, tier), table, verdict, key
                )
            )
    return outcome


@dataclass(frozen=True)
class _Use:
    code: str
    scheme: str
    tier: str


def _finding(  # noqa: PLR0913, PLR0917 - the parts of one finding
    subject: Subject,
    park_id: str,
    shape: BaseGeometry,
    use: _Use,
    table: TierUses | None,
    verdict: Verdict,
    key: str,
) -> RawFinding:
    values = {
        "use": named_land_use(use.scheme, use.code),
        "scheme": Message(f"scheme.{use.scheme}"),
        "tier": Message(f"tier.{use.tier}"),
    }
    return RawFinding(
        verdict=verdict,
        park_id=park_id,
        subject=subject,
        title=Message(f"finding.{key}", values),
        evidence={
            "measure": "land_use",
            "value": use.code,
            "unit": None,
            "threshold": [*table.permitted, *table.conditional] if table else [],
            "scheme": use.scheme,
            "tier": use.tier,
        },
        cure=Message(f"cure.{key}", values),
        geometry=shape,
    )


CODE_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "planning2023": re.compile(r"(0[1-9]|1[0-9]|2[0-4])([0-9]{2}){0,2}"),
        "survey3": re.compile(r"(0[0-9]|1[0-2])([0-9][0-9A-Z]|[A-Z][0-9])?[A-Z]?"),
        "gb50137": re.compile(r"[A-Z][0-9]{0,2}"),
        "local": re.compile(r".+"),
    }
)
"""What a code of each scheme looks like; anything else is not a code of it."""


def _judge(code: str, scheme: str, table: TierUses | None) -> tuple[Verdict, str]:
    if not CODE_SHAPES[scheme].fullmatch(code):
        return Verdict.UNKNOWN, "land_use_no_code"
    if table is None:
        return Verdict.UNKNOWN, "land_use_no_table"
    if code.startswith((*table.permitted, *table.supporting)):
        return Verdict.PASS, ""
    if code.startswith(table.conditional):
        return Verdict.WATCH, "land_use_conditional"
    if any(listed.startswith(code) for listed in (*table.permitted, *table.conditional)):
        return Verdict.WATCH, "land_use_unclassified"
    return Verdict.FAIL, "land_use_refused"


CHECKS: Mapping[str, Check] = MappingProxyType({"permitted": Check(UseParameters, permitted)})
