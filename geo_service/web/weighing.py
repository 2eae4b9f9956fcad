"""Other weights for a kept ranking: as a body, and in an address."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from geo_service.documents import read_json
from geo_service.errors import InvalidQueryError
from geo_service.planning.rankings import Weighing
from geo_service.wording import said

_Weights = dict[str, Annotated[float, Field(ge=0, le=1e6)]]
_Method = Literal["weighted_sum", "topsis", "vikor", "promethee_ii"]
_Normalisation = Literal["minmax", "vector", "sum", "max"]
_WEIGHTS = TypeAdapter(
    Annotated[_Weights, Field(max_length=100)], config=ConfigDict(allow_inf_nan=False)
)


_PARAMETER = "weights"


class NewWeights(BaseModel):
    """Weights, method or normalisation with which to score the same candidates."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    weights: _Weights | None = Field(
        default=None, description="Weight by criterion; criteria left out keep theirs."
    )
    method: _Method | None = None
    normalisation: _Normalisation | None = None

    @property
    def weighing(self) -> Weighing:
        """What is asked of a ranking."""
        return Weighing(self.weights, self.method, self.normalisation)


def read_weighing(
    weights: Annotated[
        str | None,
        Query(
            max_length=8_000,
            description="Other weights than the ranking's, as JSON by criterion: "
            '{"industry_fit": 0.4}; criteria left out keep theirs.',
        ),
    ] = None,
    method: _Method | None = None,
    normalisation: _Normalisation | None = None,
) -> Weighing:
    """Return how an address asks for a ranking to be scored; InvalidQueryError if it cannot be."""
    if weights is None:
        return Weighing(None, method, normalisation)
    given, faults = read_json(weights, _PARAMETER)
    if faults:
        msg = said("problem.field", name=_PARAMETER, reason=faults[0].expected)
        raise InvalidQueryError(_PARAMETER, msg)
    try:
        return Weighing(_WEIGHTS.validate_python(given), method, normalisation)
    except ValidationError:
        raise InvalidQueryError(_PARAMETER, said("problem.weights")) from None


WeighingDep = Annotated[Weighing, Depends(read_weighing)]
