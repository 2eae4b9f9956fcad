"""Land use: which codes a tier permits, permits on conditions, or refuses, by scheme.

One code means different things in different schemes, so a parcel is only ever judged by
the table of its own scheme. What counts is the planned use; where only the present use is
known (third land survey), a use that the table does not permit is no breach but `unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from geo_service.model import Message, Quantity, Subject, Tier, Verdict
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
    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry


Scheme = Literal["planning2023", "survey3", "gb50137", "local"]
PLANNING_SCHEME = "planning2023"
"""The scheme of `planned_land_use`."""
PRESENT_SCHEMES = frozenset({"survey3"})
"""Schemes that say how land is used today, and nothing of what is planned."""


class TierUses(Parameters):
    """Codes of one scheme that a tier permits or permits on conditions; all others are refused.

    `supporting` are uses that every park has: its roads, utilities and green space. `ancillary`
    are housing, schools and shops, up to a share of the park. A code that is only the beginning
    of a listed one (1001 with no class) is too coarse to judge.
    """

    permitted: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()
    supporting: tuple[str, ...] = ()
    ancillary: tuple[str, ...] = ()


class UseParameters(Parameters):
    """By scheme and tier, the codes that are permitted or conditional.

    `ancillary_share` is the most of a park's parcels, by area, that ancillary uses may take.
    """

    uses: dict[Scheme, dict[Tier, TierUses]] = Field(min_length=1)
    ancillary_share: Annotated[float, Field(gt=0, le=1)] = 0.2


def permitted(case: Case, parameters: UseParameters) -> Outcome:
    """Each parcel of a park has a land use that the park's tier permits.

    A code is matched exactly, then by its listed prefixes within the same scheme. Ancillary
    uses are judged for the park as a whole. To a project (a case of new development) land for
    ancillary and supporting uses is refused: it is not for industry.
    """
    own: gpd.GeoDataFrame = case.own("parcels")
    tiers = dict(zip(case.parks["park_id"], case.parks["tier"], strict=True))
    outcome = Outcome.of("parcels", own)
    # Few combinations of tier, scheme and code stand for many parcels: each is judged once.
    kinds = _uses_of(own).assign(tier=own["park_id"].map(tiers))
    numbers = kinds.groupby(list(kinds.columns), dropna=False, sort=False).ngroup().to_numpy()
    ancillary = np.zeros(len(own), dtype=bool)
    for number, first in enumerate(np.unique(numbers, return_index=True)[1]):
        scheme, code, is_planned, tier = kinds.iloc[int(first)].tolist()
        rows = np.flatnonzero(numbers == number)
        use = _Use(text_or_none(code), text_or_none(scheme), tier, bool(is_planned))
        table = parameters.uses.get(use.scheme, {}).get(tier)  # type: ignore[call-overload]
        verdict, key = _judge(use, table)
        if key == _ANCILLARY:
            ancillary[rows] = True
        if case.applies_to == "new" and key in {_ANCILLARY, _SUPPORTING}:
            verdict, key = Verdict.FAIL, "land_use_not_industry"
        if verdict is Verdict.PASS:
            continue
        chosen = own.iloc[rows]
        for parcel_id, park_id, shape in zip(
            chosen["parcel_id"], chosen["park_id"], chosen.geometry, strict=True
        ):
            subject = Subject("parcels", parcel_id)
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column=key)
                if use.is_blank
                else _finding(subject, park_id, shape, use, table, verdict, key)
            )
    if case.applies_to != "new":
        outcome.look_at_parks(own["park_id"].unique())
        outcome.singles += _too_much_ancillary(case, own, ancillary, parameters)
    return outcome


@dataclass(frozen=True)
class _Use:
    code: str | None
    scheme: str | None
    tier: str
    is_planned: bool

    @property
    def is_blank(self) -> bool:
        """Whether the code or its scheme is not given."""
        return self.code is None or self.scheme is None


def _uses_of(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return scheme, code and whether the use is a planned one, the planned use going first."""
    table = parcels[["land_use_scheme", "land_use"]]
    planned = parcels["planned_land_use"].notna()
    return pd.DataFrame(
        {
            "scheme": table["land_use_scheme"].astype("object").mask(planned, PLANNING_SCHEME),
            "code": table["land_use"]
            .astype("object")
            .mask(planned, parcels["planned_land_use"].astype("object")),
            "is_planned": planned | ~table["land_use_scheme"].isin(PRESENT_SCHEMES),
        }
    )


def _too_much_ancillary(
    case: Case, own: gpd.GeoDataFrame, ancillary: NDArray[np.bool_], parameters: UseParameters
) -> list[RawFinding]:
    """Return the parks whose housing, schools and shops take more than their share."""
    if not ancillary.any():
        return []
    areas = own.assign(area=case.shared.area_m2(own.geometry), taken=np.where(ancillary, 1.0, 0.0))
    areas["taken"] *= areas["area"]
    sums = areas.groupby("park_id")[["area", "taken"]].sum()
    over = sums[sums["taken"] > parameters.ancillary_share * sums["area"]]
    shapes = dict(zip(case.parks["park_id"], case.parks.geometry, strict=True))
    findings = []
    for park_id, whole_m2, taken_m2 in over.itertuples():
        share = float(taken_m2 / whole_m2)
        values = {
            "share": Quantity(share, "share", beside=parameters.ancillary_share),
            "most": Quantity(parameters.ancillary_share, "share"),
        }
        findings.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=Subject("parks", park_id),
                title=Message("finding.land_use_ancillary", values),
                evidence={
                    "measure": "ancillary_share",
                    "value": share,
                    "unit": "share",
                    "threshold": parameters.ancillary_share,
                    "ancillary_m2": float(taken_m2),
                    "parcels_m2": float(whole_m2),
                },
                cure=Message("cure.land_use_ancillary", values),
                geometry=shapes.get(park_id),
                key=_ANCILLARY,
            )
        )
    return findings


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
        "use": named_land_use(use.scheme, str(use.code)),
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
            "is_planned": use.is_planned,
        }
        | ({} if use.is_planned else _no_plan(subject)),
        cure=Message(f"cure.{key}", values),
        geometry=shape,
    )


def _no_plan(subject: Subject) -> dict[str, object]:
    return {"missing_column": "parcels.planned_land_use", "missing_rows": [subject.id]}


CODE_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "planning2023": re.compile(r"(0[1-9]|1[0-9]|2[0-4])([0-9]{2}){0,2}"),
        "survey3": re.compile(r"(0[0-9]|1[0-2])([0-9][0-9A-Z]|[A-Z][0-9])?[A-Z]?"),
        "gb50137": re.compile(r"[A-Z][0-9]{0,2}"),
        "local": re.compile(r".+"),
    }
)
"""What a code of each scheme looks like; anything else is not a code of it."""


_ANCILLARY = "ancillary"
_SUPPORTING = "supporting"


def _judge(use: _Use, table: TierUses | None) -> tuple[Verdict, str]:
    """Return what a use means and the message that says so; for a blank one the column."""
    if use.code is None or use.scheme is None:
        return Verdict.UNKNOWN, "land_use" if use.code is None else "land_use_scheme"
    if not CODE_SHAPES[use.scheme].fullmatch(use.code):
        return Verdict.UNKNOWN, "land_use_no_code"
    if table is None:
        return Verdict.UNKNOWN, "land_use_no_table"
    verdict, key = by_table(use.code, table)
    if verdict is not Verdict.PASS and not use.is_planned:
        return Verdict.UNKNOWN, "land_use_present"
    return verdict, key


def by_table(code: str, table: TierUses) -> tuple[Verdict, str]:
    """Return what a code means by a tier's lists, and the message that says so."""
    if code.startswith(table.permitted):
        return Verdict.PASS, ""
    if code.startswith(table.supporting):
        return Verdict.PASS, _SUPPORTING
    if code.startswith(table.ancillary):
        return Verdict.PASS, _ANCILLARY
    if code.startswith(table.conditional):
        return Verdict.WATCH, "land_use_conditional"
    if any(listed.startswith(code) for listed in (*table.permitted, *table.conditional)):
        return Verdict.WATCH, "land_use_unclassified"
    return Verdict.FAIL, "land_use_refused"


CHECKS: Mapping[str, Check] = MappingProxyType({"permitted": Check(UseParameters, permitted)})
