"""Judge a value against a minimum or maximum that may differ by industry.

Shared by the checks of indicators and buildings, which choose the subject and the column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from geo_service.errors import UnfitError
from geo_service.model import Message, Quantity, Subject, Verdict
from geo_service.wording import said
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import IndustryPrefix, Parameters, missing_value

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BoundParameters(Parameters):
    """A minimum or a maximum, with exceptions by prefix of the industry code.

    The longest matching prefix decides; without one, `at_least` or `at_most` applies.
    """

    at_least: float | None = None
    at_most: float | None = None
    by_industry: dict[IndustryPrefix, float] = Field(default_factory=dict)
    verdict: Literal["fail", "watch"] = "fail"

    @model_validator(mode="after")
    def _one_bound(self) -> BoundParameters:
        if (self.at_least is None) == (self.at_most is None):
            msg = said("fault.one_of_two", one="at_least", other="at_most")
            raise UnfitError(msg)
        return self

    def limit_for(self, code: str | None) -> float:
        """Return the limit for an industry code."""
        for length in range(len(code or ""), 0, -1):
            if code and code[:length] in self.by_industry:
                return self.by_industry[code[:length]]
        limit = self.at_least if self.at_least is not None else self.at_most
        return limit if limit is not None else 0.0

    def to_judge(self, values: NDArray[np.float64], codes: Sequence[str | None]) -> list[int]:
        """Return the positions of values that are missing or break their limit."""
        limit_of = {code: self.limit_for(code) for code in set(codes)}
        limits = np.array([limit_of[code] for code in codes], dtype=np.float64)
        is_met = values >= limits if self.at_least is not None else values <= limits
        return [int(position) for position in np.flatnonzero(~is_met)]

    def is_met(self, value: float, limit: float) -> bool:
        """Return whether a value keeps to the limit; an equal value does."""
        return value >= limit if self.at_least is not None else value <= limit


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One value to judge: its subject, its unit, and how it was derived."""

    subject: Subject
    park_id: str | None
    column: str
    value: float | None
    unit: str | None
    code: str | None = None
    computed: str | None = None
    missing_rows: list[str] | None = None
    name: str | Message | None = None


def judge_bound(
    measured: Measured,
    parameters: BoundParameters,
    geometry: Any,  # noqa: ANN401 - a shape or None
) -> RawFinding | None:
    """Return a bound's finding on a value: None if kept, `unknown` if the value is missing."""
    if measured.value is None or math.isnan(measured.value):
        return missing_value(
            park_id=measured.park_id,
            subject=measured.subject,
            column=measured.column,
            rows=measured.missing_rows,
        )
    limit = parameters.limit_for(measured.code)
    if parameters.is_met(measured.value, limit):
        return None
    side = "low" if parameters.at_least is not None else "high"
    values: Mapping[str, Any] = {
        "measure": Message(f"measure.{measured.column}"),
        "subject": measured.name or measured.subject.id,
        "value": Quantity(measured.value, measured.unit, beside=limit),
        "limit": Quantity(limit, measured.unit),
        "gap": Quantity(abs(limit - measured.value), measured.unit),
    }
    return RawFinding(
        verdict=Verdict(parameters.verdict),
        park_id=measured.park_id,
        subject=measured.subject,
        title=Message(f"finding.too_{side}", values),
        evidence={
            "measure": measured.column,
            "value": measured.value,
            "unit": measured.unit,
            "threshold": limit,
            "industry_code": measured.code,
            "computed": measured.computed,
        },
        cure=Message(f"cure.too_{side}", values),
        geometry=geometry,
        key=measured.column,
    )
