"""Competition: parks of one county that do the same thing, alike or side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from pydantic import Field

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import DIVISION_DIGITS, GROUP_DIGITS, is_one_branch
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import (
    MOST_COUNTED,
    Case,
    Check,
    Outcome,
    Parameters,
    text_or_none,
)
from geo_service.zoning.focus import BASIS_COLUMNS
from geo_service.zoning.names import named_industry, named_park, named_parks

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SimilarityParameters(Parameters):
    """From which UNIDO similarity on two parks count as alike, and at how many digits."""

    similarity: float = Field(default=0.98, gt=0, le=1)
    digits: int = Field(default=GROUP_DIGITS, ge=2, le=4)


def unido_similarity(structures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the UNIDO coefficient between rows: sum of ab over root of (sum a² · sum b²).

    `structures` has one row a park and one column an industry, in shares or amounts;
    the result is square, 0 to 1, NaN for a row of zeros.

    >>> unido_similarity(np.array([[3.0, 4.0], [4.0, 3.0]])).round(2).tolist()
    [[1.0, 0.96], [0.96, 1.0]]
    """
    product: NDArray[np.float64] = structures @ structures.T
    length = np.sqrt(np.diag(product))
    with np.errstate(invalid="ignore", divide="ignore"):
        similarity: NDArray[np.float64] = product / np.outer(length, length)
    return similarity


def krugman_index(structures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Krugman's index between rows of shares: the sum of |a - b|, 0 (alike) to 2.

    >>> krugman_index(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist()
    [[0.0, 2.0], [2.0, 0.0]]
    """
    gaps = np.abs(structures[:, None, :] - structures[None, :, :])
    index: NDArray[np.float64] = gaps.sum(axis=2)
    return index


def similar_structure(case: Case, parameters: SimilarityParameters) -> Outcome:
    """No two parks have nearly the same mix of industries, by the basis, at 3 digits."""
    outcome = Outcome.of("parks", case.parks)
    structures = _structures(case, parameters.digits)
    parks = list(structures.index)
    shares = structures.to_numpy(dtype=np.float64)
    alike, apart = unido_similarity(shares), krugman_index(shares)
    positions = {park_id: position for position, park_id in enumerate(parks)}
    for park_id, shape in zip(case.parks["park_id"], case.parks.geometry, strict=True):
        if park_id not in positions:
            outcome.singles.append(_no_structure(case, park_id))
            continue
        row = alike[positions[park_id]]
        others = [
            {"park_id": parks[position], "unido": float(row[position]), "krugman": float(krugman)}
            for position, krugman in enumerate(apart[positions[park_id]])
            if parks[position] != park_id and row[position] >= parameters.similarity
        ]
        if not others:
            continue
        others.sort(key=lambda other: (-float(str(other["unido"])), str(other["park_id"])))
        values = {
            "others": named_parks(case.plan, [str(other["park_id"]) for other in others]),
            "similarity": others[0]["unido"],
            "digits": parameters.digits,
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=Subject("parks", park_id),
                title=Message("finding.similar_structure", values),
                evidence={
                    "measure": "unido_similarity",
                    "value": others[0]["unido"],
                    "unit": "share",
                    "threshold": parameters.similarity,
                    "digits": parameters.digits,
                    "industries": structures.shape[1],
                    "enterprise_count": case.shared.focus[park_id].enterprise_count,
                    "others": others,
                },
                cure=Message("cure.differentiate"),
                geometry=shape,
            )
        )
    return outcome


def _structures(case: Case, digits: int) -> pd.DataFrame:
    """Return shares by industry of every park whose data is complete; parks are the index."""
    active = active_enterprises(case.plan)
    basis = case.plan.settings.focus_basis
    complete = [
        park_id for park_id, focus in case.shared.focus.items() if focus.total not in {None, 0.0}
    ]
    own = active[active["park_id"].isin(complete)]
    column = BASIS_COLUMNS[basis]
    values = own[column] if column else pd.Series(1.0, index=own.index)
    table = pd.DataFrame(
        {"park": own["park_id"], "code": own["industry_code"].str[:digits], "value": values}
    )
    sums = table.pivot_table(
        index="park", columns="code", values="value", aggfunc="sum", fill_value=0.0
    )
    return sums.div(sums.sum(axis=1), axis=0)


def _no_structure(case: Case, park_id: str) -> RawFinding:
    focus = case.shared.focus[park_id]
    rows = sorted({*focus.missing[focus.basis], *focus.uncoded})
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=park_id,
        subject=Subject("parks", park_id),
        title=Message("finding.no_structure", {"rows": rows or ["—"]}),
        evidence={
            "measure": "unido_similarity",
            "value": None,
            "missing_column": f"enterprises.{BASIS_COLUMNS[focus.basis] or 'industry_code'}",
            "missing_rows": rows,
        },
        cure=Message("cure.complete_enterprises"),
        key="missing",
    )


class CrowdParameters(Parameters):
    """How many parks of a county may share one leading division."""

    maximum: int = Field(default=5, ge=1, le=MOST_COUNTED)


def same_type(case: Case, parameters: CrowdParameters) -> Outcome:
    """Not too many parks of the county have the same leading division."""
    outcome = Outcome()
    crowd: dict[str, list[str]] = defaultdict(list)
    for park_id, focus in case.shared.focus.items():
        if focus.leading is not None:
            crowd[focus.leading[:DIVISION_DIGITS]].append(park_id)
    for park_id, shape in zip(case.parks["park_id"], case.parks.geometry, strict=True):
        leading = case.shared.focus[park_id].leading
        if leading is None:
            continue
        outcome.judge_park(park_id)
        parks = crowd[leading[:DIVISION_DIGITS]]
        if len(parks) <= parameters.maximum:
            continue
        values = {
            "industry": named_industry(leading[:DIVISION_DIGITS]),
            "count": len(parks),
            "maximum": parameters.maximum,
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=park_id,
                subject=Subject("parks", park_id),
                title=Message("finding.same_type", values),
                evidence={
                    "measure": "parks_of_one_type",
                    "value": len(parks),
                    "unit": "count",
                    "threshold": parameters.maximum,
                    "division": leading[:DIVISION_DIGITS],
                    "parks": parks,
                },
                cure=Message("cure.differentiate"),
                geometry=shape,
            )
        )
    return outcome


class NearbyParameters(Parameters):
    """Within which distance two parks should not have the same leading industry."""

    distance_m: float = Field(default=3_000.0, gt=0)


def same_leading_nearby(case: Case, parameters: NearbyParameters) -> Outcome:
    """No other park with the same leading industry lies within a distance.

    A park and its host are not compared; the distance is between the footprints.
    """
    outcome = Outcome()
    parks = case.plan.metric("parks")
    ids, shapes = parks["park_id"].tolist(), parks.geometry.to_numpy()
    hosts = dict(zip(ids, map(text_or_none, parks["host_park_id"]), strict=True))
    leading = [case.shared.focus[park_id].leading for park_id in ids]
    selected = set(case.parks["park_id"])
    for park_id, code in zip(ids, leading, strict=True):
        if park_id in selected and code is not None:
            outcome.judge_park(park_id)
    one, two = shapely.STRtree(shapes).query(
        shapes, predicate="dwithin", distance=parameters.distance_m
    )
    for first, second in zip(one, two, strict=True):
        mine, other = ids[first], ids[second]
        is_pair = first != second and mine in selected and other != hosts[mine]
        if not is_pair or hosts[other] == mine:
            continue
        if not is_one_branch(leading[first], leading[second]):
            continue
        distance_m = float(shapely.distance(shapes[first], shapes[second]))
        values = {
            "other": named_park(case.plan, other),
            "distance": Quantity(distance_m, "m"),
            "industry": named_industry(leading[first] or ""),
        }
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=mine,
                subject=Subject("parks", mine),
                title=Message("finding.same_leading_nearby", values),
                evidence={
                    "measure": "distance",
                    "value": distance_m,
                    "unit": "m",
                    "threshold": parameters.distance_m,
                    "other_park_id": other,
                    "industry": leading[first],
                },
                cure=Message("cure.differentiate"),
                geometry=shapely.shortest_line(shapes[first], shapes[second]),
                key=other,
            )
        )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "similar_structure": Check(SimilarityParameters, similar_structure),
        "same_type": Check(CrowdParameters, same_type),
        "same_leading_nearby": Check(NearbyParameters, same_leading_nearby),
    }
)
