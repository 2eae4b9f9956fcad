"""Approval: the limits and papers of parks, and the county's own list of industries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import pandas as pd
import shapely
from pydantic import Field

from geo_service.industry import belongs_to
from geo_service.model import Message, Subject, Tier, Verdict
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    Case,
    Check,
    Outcome,
    Parameters,
    missing_value,
    park_unknown,
    text_or_none,
)
from geo_service.zoning.checks.admission import is_none
from geo_service.zoning.checks.layout import add_outside
from geo_service.zoning.names import named_industry, named_park


class ApprovedParameters(Parameters):
    """Parks of which tiers must have approved limits; others are judged where they have some."""

    needed: tuple[Tier, ...] = ()


def approved_boundary(case: Case, parameters: ApprovedParameters) -> Outcome:
    """A park keeps within the polygon in which it was approved (四至)."""
    outcome = Outcome()
    approved = case.plan.metric("approved_areas")
    numbers = dict(zip(approved["park_id"], approved["approval_number"], strict=True))
    homes = {
        park_id: shapely.union_all(part.geometry.to_numpy())
        for park_id, part in approved.groupby("park_id")
    }
    for park_id, tier, shape in zip(
        case.parks["park_id"], case.parks["tier"], case.parks.geometry, strict=True
    ):
        home = homes.get(park_id)
        if home is None and tier not in parameters.needed:
            continue
        outcome.judge_park(park_id)
        if home is None:
            outcome.singles.append(_no_approved_area(case, park_id))
            continue
        code = text_or_none(numbers.get(park_id)) or ""
        add_outside(case, outcome, park_id, shape, home, kind="approved_area", code=code)
    return outcome


def _no_approved_area(case: Case, park_id: str) -> RawFinding:
    return park_unknown(
        park_id,
        measure="area_outside",
        missing=("approved_areas.geometry", park_id),
        title="no_approved_area",
        cure="add_approved_area",
        values={"park": named_park(case.plan, park_id)},
    )


class PaperParameters(Parameters):
    """Which paper of a park is asked for, by the columns of its number and its day."""

    number: Literal["approval_number", "plan_eia_number"]
    day: Literal["approved_on", "plan_eia_on"]
    tiers: tuple[Tier, ...] = Field(min_length=1)


def paper(case: Case, parameters: PaperParameters) -> Outcome:
    """A park of these tiers has a paper: its number and its day are given."""
    parks = case.parks[case.parks["tier"].isin(parameters.tiers)]
    outcome = Outcome.of("parks", parks)
    columns = ["park_id", parameters.number, parameters.day]
    for (park_id, number, day), shape in zip(
        parks[columns].itertuples(index=False), parks.geometry, strict=True
    ):
        subject = Subject("parks", park_id)
        text = text_or_none(number)
        if text is not None and is_none(text):
            values = {"paper": Message(f"column.{parameters.number}")}
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.no_paper", values),
                    evidence={"measure": parameters.number, "value": text, "unit": None},
                    cure=Message("cure.no_paper", values),
                    geometry=shape,
                )
            )
            continue
        lacking = tuple(
            name
            for name, cell in ((parameters.number, text), (parameters.day, day))
            if pd.isna(cell)
        )
        if lacking:
            outcome.singles.append(missing_value(park_id=park_id, subject=subject, column=lacking))
    return outcome


_Most = Annotated[int, Field(ge=1)]


class IndustryMapParameters(Parameters):
    """How many industries a county may list, and the parks of which tiers are held to the list."""

    most_leading: _Most = 2
    most_characteristic: _Most = 4
    tiers: tuple[Tier, ...] = ()


def industry_map(case: Case, parameters: IndustryMapParameters) -> Outcome:
    """The county lists few industries of its own, and parks of these tiers lead in one of them."""
    outcome = Outcome()
    code = case.plan.settings.county_code
    chosen = case.plan.settings.industry_map
    outcome.judge(Subject("county", code), None)
    found = _county_list(case, parameters)
    outcome.singles += [] if found is None else [found]
    if chosen is None:
        return outcome
    parks = case.parks[case.parks["tier"].isin(parameters.tiers)]
    outcome.judge_rows("parks", parks)
    for park_id, shape in zip(parks["park_id"], parks.geometry, strict=True):
        leading = case.shared.focus[park_id].leading
        subject = Subject("parks", park_id)
        if leading is None:
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="leading_industry")
            )
        elif not belongs_to(leading, chosen.every):
            values = {"industry": named_industry(leading)}
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.WATCH,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.outside_industry_map", values),
                    evidence={
                        "measure": "leading_industry",
                        "value": leading,
                        "unit": None,
                        "threshold": list(chosen.every),
                        "county_code": code,
                    },
                    cure=Message("cure.outside_industry_map", values),
                    geometry=shape,
                )
            )
    return outcome


def _county_list(case: Case, parameters: IndustryMapParameters) -> RawFinding | None:
    """Return what is to be said of the county's list itself."""
    code = case.plan.settings.county_code
    chosen = case.plan.settings.industry_map
    subject = Subject("county", code)
    if chosen is None:
        return RawFinding(
            verdict=Verdict.UNKNOWN,
            park_id=None,
            subject=subject,
            title=Message("finding.no_industry_map"),
            evidence={
                "measure": "industry_map",
                "value": None,
                "missing_column": "industry_map",
                "missing_rows": [code],
            },
            cure=Message("cure.no_industry_map"),
            key="missing",
        )
    counts = (len(chosen.leading), len(chosen.characteristic))
    most = (parameters.most_leading, parameters.most_characteristic)
    if counts[0] <= most[0] and counts[1] <= most[1]:
        return None
    values = {
        "leading": counts[0],
        "characteristic": counts[1],
        "most_leading": most[0],
        "most_characteristic": most[1],
    }
    return RawFinding(
        verdict=Verdict.WATCH,
        park_id=None,
        subject=subject,
        title=Message("finding.long_industry_map", values),
        evidence={
            "measure": "industry_map",
            "value": list(counts),
            "unit": None,
            "threshold": list(most),
        },
        cure=Message("cure.long_industry_map", values),
    )


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "approved_boundary": Check(ApprovedParameters, approved_boundary),
        "paper": Check(PaperParameters, paper),
        "industry_map": Check(IndustryMapParameters, industry_map),
    }
)
