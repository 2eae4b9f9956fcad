"""One park as its page shows it: mix of industries, trend, enterprises, floors, parcels.

Everything is read from a review and its plan. Amounts are sums over the park's enterprises
that are not closed; a share is None as soon as one of them lacks the value, as in the
review's own measures. Money is in CNY, areas are in m², shares are 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geo_service.domain.enterprises import active_enterprises, active_in
from geo_service.industry import DIVISION_DIGITS, Belonging
from geo_service.model import FocusBasis
from geo_service.plan import rows_of
from geo_service.planning.pages.park_chain import chain_document
from geo_service.planning.pages.park_verdict import pass_share_of, verdict_document
from geo_service.planning.pages.register import listed_finding
from geo_service.reports.document import (
    Document,
    focus_figures,
    industry_name,
    plain,
)
from geo_service.zoning.finding_table import FindingQuery
from geo_service.zoning.focus import BASIS_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.language import Translator
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.review import Review

_ENTERPRISE_COLUMNS = (
    "enterprise_id",
    "name",
    "industry_code",
    "status",
    "stage",
    "parcel_id",
    "building_id",
    "floor_no",
    "output_cny",
    "tax_cny",
    "land_m2",
    "floor_m2",
    "employees",
    "illustrative",
)
_FLOOR_COLUMNS = (
    "floor_no",
    "area_m2",
    "vacant_m2",
    "load_kn_m2",
    "clear_height_m",
    "goods_lift_t",
    "fire_class",
)
_ORDER = tuple(Belonging)


def park_profile(
    review: Review, park_id: str, translator: Translator, *, limit: int = 100
) -> Document:
    """Return all that the page of a park shows, as a document, with its first findings.

    Parameters
    ----------
    review
        A review that looked at the park.
    park_id
        Its id; the caller has made sure that there is such a park.
    translator
        Language of names, titles and cures.
    limit
        How many findings to tell, the gravest first; `numberMatched` tells how many there are.
    """
    register = review.plan.frame("enterprises")
    own = register[register["park_id"] == park_id]
    focus = review.focus[park_id]
    parts = _Roles(focus)
    latest = active_in(own, focus.year)
    parks = review.plan.frame("parks")
    found = review.table.chosen(FindingQuery(park=park_id))
    is_withheld = review.plan.is_withheld("enterprises")
    speciality = parks.loc[parks["park_id"] == park_id, "speciality"].iloc[0]
    return {
        "park_id": park_id,
        "review_id": review.review_id,
        "speciality": translator.convert(speciality) if isinstance(speciality, str) else None,
        "focus": focus_figures(focus, translator),
        "pass_share": pass_share_of(review),
        "withheld": sorted(review.plan.withheld),
        "mix": None if is_withheld else parts.mix(latest, translator),
        "trend": [
            {"year": year, **parts.totals(active_in(own, year))}
            for year in sorted({int(item) for item in own["year"].dropna()})
        ],
        "enterprises": _enterprises(review, latest, parts, translator),
        "grades": None if is_withheld else _grades(review, latest),
        "buildings": _buildings(review, park_id, parts, translator),
        "verdict": verdict_document(review, park_id, translator),
        "chain": chain_document(review, park_id, translator),
        "parcels": _parcels(review, park_id),
        "findings": [
            {
                **listed_finding(finding, translator),
                "rule_title": _rule_title(review, finding.rule_id, translator),
            }
            for finding in review.results.at(found[:limit].tolist())
        ],
        "numberMatched": len(found),
    }


class _Roles:
    """The parts that enterprises fall into: the leading industry, supporting ones, others."""

    def __init__(self, focus: Focus) -> None:
        self._leading = focus.leading
        self.role = focus.belonging
        """What an industry code is to the park."""

    def mix(self, frame: pd.DataFrame, translator: Translator) -> Document:
        """Return the leading industry and, by 2 digits, all others, with amounts and shares."""
        groups: dict[tuple[Belonging, str | None], list[int]] = {}
        for position, code in enumerate(frame["industry_code"]):
            role = self.role(code)
            key = _group_of(role, self._leading, code)
            groups.setdefault((role, key), []).append(position)
        whole = {basis: _amount(frame, basis) for basis in FocusBasis}
        entries = []
        for (role, code), positions in groups.items():
            amounts = {basis: _amount(frame.iloc[positions], basis) for basis in FocusBasis}
            entries.append(
                {
                    "role": role.value,
                    "code": code,
                    "name": industry_name(code, translator),
                    "amounts": plain(amounts),
                    "shares": plain(
                        {basis: _share(amounts[basis], whole[basis]) for basis in FocusBasis}
                    ),
                }
            )
        entries.sort(key=lambda item: (_ORDER.index(item["role"]), -item["amounts"]["enterprises"]))
        lacking = {
            basis: int(frame[column].isna().sum())
            for basis, column in BASIS_COLUMNS.items()
            if column is not None
        }
        return {"entries": entries, "totals": plain(whole), "missing": plain(lacking)}

    def totals(self, frame: pd.DataFrame) -> Document:
        """Return sums by basis and the leading industry's shares."""
        roles = [self.role(code) for code in frame["industry_code"]]
        leading = frame[[role is Belonging.LEADING for role in roles]]
        whole = {basis: _amount(frame, basis) for basis in FocusBasis}
        shares: dict[FocusBasis, float | None] = dict.fromkeys(FocusBasis)
        if self._leading is not None and Belonging.UNCODED not in roles:
            shares = {basis: _share(_amount(leading, basis), whole[basis]) for basis in FocusBasis}
        return {"totals": plain(whole), "leading_shares": plain(shares)}


def _group_of(role: Belonging, leading: str | None, code: object) -> str | None:
    """Return the code under which an enterprise is counted: the leading one's, or 2 digits."""
    if role is Belonging.UNCODED:
        return None
    return leading if role is Belonging.LEADING else str(code)[:DIVISION_DIGITS]


def _amount(frame: pd.DataFrame, basis: FocusBasis) -> float | None:
    """Return the sum of a basis, None when a value is missing; enterprises are counted."""
    column = BASIS_COLUMNS[basis]
    if column is None:
        return float(len(frame))
    values = frame[column].astype("float64")
    return None if values.isna().any() else float(values.sum())


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _rule_title(review: Review, rule_id: str, translator: Translator) -> str:
    return translator.pick(review.rulebook.rules[rule_id].part.title)


def _enterprises(
    review: Review, frame: pd.DataFrame, parts: _Roles, translator: Translator
) -> list[Document]:
    found = []
    for row in rows_of(frame):
        code = row["industry_code"] if isinstance(row["industry_code"], str) else None
        found.append(
            {
                **{column: plain(row[column]) for column in _ENTERPRISE_COLUMNS},
                "name": translator.convert(str(row["name"])),
                "industry_name": industry_name(code, translator),
                "role": parts.role(code).value,
                "grade": review.grades.get(str(row["enterprise_id"])),
            }
        )
    return found


def _grades(review: Review, frame: pd.DataFrame) -> dict[str, int]:
    counts = Counter(review.grades.get(str(item)) for item in frame["enterprise_id"])
    return {letter: counts[letter] for letter in ("A", "B", "C", "D")}


def _tenants(
    review: Review, park_id: str, parts: _Roles, translator: Translator
) -> dict[tuple[str, int], list[Document]]:
    """Return who is on which floor of the park's buildings, by building and number of floor."""
    active = active_enterprises(review.plan)
    own = active[(active["park_id"] == park_id).fillna(value=False)]
    own = own[own["building_id"].notna() & own["floor_no"].notna()]
    found: dict[tuple[str, int], list[Document]] = {}
    for row in rows_of(own):
        found.setdefault((str(row["building_id"]), int(row["floor_no"])), []).append(
            {
                "enterprise_id": row["enterprise_id"],
                "name": translator.convert(str(row["name"])),
                "role": parts.role(row["industry_code"]).value,
                "floor_m2": plain(row["floor_m2"]),
            }
        )
    return found


def _buildings(
    review: Review, park_id: str, parts: _Roles, translator: Translator
) -> list[Document]:
    """Return the park's buildings with their floors, the highest first, and who is on them."""
    tenants = _tenants(review, park_id, parts, translator)
    buildings = review.plan.frame("buildings")
    own = buildings[buildings["park_id"] == park_id]
    floors = review.plan.frame("floors")
    by_building: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(floors[floors["building_id"].isin(own["building_id"])]):
        by_building.setdefault(str(row["building_id"]), []).append(row)
    found = []
    for row in rows_of(own):
        building_id = str(row["building_id"])
        stack = sorted(by_building.get(building_id, []), key=lambda floor: -floor["floor_no"])
        name = row["name"] if isinstance(row["name"], str) else None
        found.append(
            {
                "building_id": building_id,
                "name": translator.convert(name) if name else None,
                "parcel_id": plain(row["parcel_id"]),
                "illustrative": plain(row["illustrative"]),
                "floors": [
                    {
                        **{column: plain(floor[column]) for column in _FLOOR_COLUMNS},
                        "tenants": tenants.get((building_id, int(floor["floor_no"])), []),
                    }
                    for floor in stack
                ],
            }
        )
    return found


def _parcels(review: Review, park_id: str) -> Document:
    """Return the park's parcels by status: how many, and their area in m²."""
    parcels = review.plan.frame("parcels")
    own = parcels[parcels["park_id"] == park_id]
    statuses = own["status"].fillna("other").astype(str)
    grouped = own["area_m2"].astype("float64").groupby(statuses)
    return {
        "count": len(own),
        "by_status": {
            str(status): {"count": int(areas.size), "area_m2": plain(float(areas.sum()))}
            for status, areas in grouped
        },
    }
