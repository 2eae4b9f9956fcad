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
        has_neither = self.at_least is None and self.at_most is None
        has_both = self.at_least is not None and self.at_most is not None
        if has_both or (has_neither and not self.has_other_limits):
            msg = said("fault.one_of_two", one="at_least", other="at_most")
            raise UnfitError(msg)
        return self

    @property
    def has_other_limits(self) -> bool:
        """Whether limits come from elsewhere too, so that none need be given for the rest."""
        return False

    @property
    def is_minimum(self) -> bool:
        """Whether values must reach the limit, and not keep below it."""
        return self.at_most is None

    def limit_for(self, code: str | None) -> float | None:
        """Return the limit for an industry code; None if the rule has none for it."""
        for length in range(len(code or ""), 0, -1):
            if code and code[:length] in self.by_industry:
                return self.by_industry[code[:length]]
        return self.at_least if self.at_least is not None else self.at_most

    def limits_for(self, codes: Sequence[str | None]) -> NDArray[np.float64]:
        """Return the limit for each code; NaN where the rule has none."""
        limit_of = {code: self.limit_for(code) for code in set(codes)}
        return np.array([limit_of[code] for code in codes], dtype=np.float64)

    def to_judge(self, values: NDArray[np.float64], limits: NDArray[np.float64]) -> list[int]:
        """Return the positions of values that are missing or break their limit, or have none."""
        is_met = values >= limits if self.is_minimum else values <= limits
        return [int(position) for position in np.flatnonzero(~is_met)]

    def is_met(self, value: float, limit: float) -> bool:
        """Return whether a value keeps to the limit; an equal value does."""
        return value >= limit if self.is_minimum else value <= limit


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
    limit: float | None = None
    """The limit that holds for this value alone, whatever the rule says of its industry."""
    limit_from: str | None = None
    """Where the limit comes from, where it can come from several places."""
    limit_column: str | None = None
    """The column that would give the limit."""


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
    limit = parameters.limit_for(measured.code) if measured.limit is None else measured.limit
    if limit is None:
        column = measured.limit_column or measured.column
        return missing_value(park_id=measured.park_id, subject=measured.subject, column=column)
    if parameters.is_met(measured.value, limit):
        return None
    side = "low" if parameters.is_minimum else "high"
    values: Mapping[str, Any] = {
        "measure": Message(f"measure.{measured.column}"),
        "subject": measured.name or measured.subject.id,
        "value": Quantity(measured.value, measured.unit, beside=limit),
        "limit": _limit_said(Quantity(limit, measured.unit), measured.limit_from),
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
        }
        | ({} if measured.limit_from is None else {"limit_from": measured.limit_from}),
        cure=Message(f"cure.too_{side}", values),
        geometry=geometry,
        key=measured.column,
    )


def _limit_said(limit: Quantity, limit_from: str | None) -> Quantity | Message:
    """Return a limit as a title says it: with where it comes from, if it may be several places."""
    if limit_from is None:
        return limit
    return Message("name.limit", {"limit": limit, "from": Message(f"limit_from.{limit_from}")})
