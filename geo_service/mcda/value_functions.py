"""Value functions: map a measure in its own unit to a value from 0 (worst) to 1 (best).

Each is a frozen value with `apply`, for an array, and `curve`, points to draw. In the result
more is always better, whatever the measure's own sense: such criteria are `benefit` and need
the normalisation `none`. The scale does not depend on which candidates are compared, so adding
or removing a candidate does not change the others' values. A missing value (NaN) stays
missing; an infinite one (a facility out of reach) gets the end of the scale.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from geo_service.documents import nearest_name
from geo_service.mcda.scaling import refuse
from geo_service.wording import said, said_all, shorten

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Points = tuple[tuple[float, float], ...]

_PARAMETER = "value_function"


class ValueFunction(Protocol):
    """What every value function provides."""

    def apply(self, values: ArrayLike) -> Floats:
        """Return values from 0 to 1, in the shape of the input."""

    def curve(self, low: float | None = None, high: float | None = None) -> Points:
        """Return (measure, value) points to join by lines, in ascending order of the measure.

        From `low` to `high`, or past the function's own corners where these are None.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """0 at `worst` and beyond, 1 at `best` and beyond, linear between.

    For a cost `best` is the smaller of the two.
    """

    worst: float
    best: float

    def __post_init__(self) -> None:
        """Refuse two equal ends."""
        _check_numbers(self)
        if self.worst == self.best:
            refuse(_PARAMETER, "problem.worst_best", value=self.best)

    def apply(self, values: ArrayLike) -> Floats:
        """Return values from 0 to 1, in the shape of the input."""
        given = np.asarray(values, dtype=np.float64)
        return np.clip((given - self.worst) / (self.best - self.worst), 0.0, 1.0)

    def curve(self, low: float | None = None, high: float | None = None) -> Points:
        """Return the points of the line and of its flat ends."""
        return _curve(self, sorted((self.worst, self.best)), low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """One value up to each bound and one beyond the last: `values` has one more than `bounds`.

    A measure on a bound belongs to the step that ends there (`closed="right"`, 8 is in 2-8)
    or to the one that begins there (`closed="left"`).
    """

    bounds: tuple[float, ...]
    values: tuple[float, ...]
    closed: Literal["right", "left"] = "right"

    def __post_init__(self) -> None:
        """Refuse bounds that do not ascend and values outside 0 to 1."""
        _check_numbers(self)
        if not self.bounds or any(np.diff(self.bounds) <= 0):
            refuse(_PARAMETER, "problem.steps_rise", bounds=str(self.bounds))
        if len(self.values) != len(self.bounds) + 1:
            counts = {"bounds": len(self.bounds), "values": len(self.values)}
            refuse(_PARAMETER, "problem.steps_count", **counts)
        if not all(0 <= value <= 1 for value in self.values):
            refuse(_PARAMETER, "problem.steps_share", values=str(self.values))
        if self.closed not in {"right", "left"}:
            near = nearest_name(str(self.closed), ["right", "left"])
            refuse(_PARAMETER, "problem.named", name="closed", reason=near)

    def apply(self, values: ArrayLike) -> Floats:
        """Return values from 0 to 1, in the shape of the input."""
        given = np.asarray(values, dtype=np.float64)
        side: Literal["left", "right"] = "left" if self.closed == "right" else "right"
        step = np.searchsorted(np.array(self.bounds), given, side=side)
        return np.where(np.isnan(given), np.nan, np.array(self.values)[step])

    def curve(self, low: float | None = None, high: float | None = None) -> Points:
        """Return the corners of the steps, two points at each bound."""
        start, end = _ends(self.bounds, low, high)
        inside = [bound for bound in self.bounds if start < bound < end]
        edges = [start, *(bound for bound in inside for _ in range(2)), end]
        middles = np.add(edges[::2], edges[1::2]) / 2
        return tuple(zip(edges, np.repeat(self.apply(middles), 2).tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """1 within `tolerance` of `target`, falling linearly to 0 at `reach` from it."""

    target: float
    reach: float
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a reach that does not exceed the tolerance."""
        _check_numbers(self)
        if not 0 <= self.tolerance < self.reach:
            given = {"tolerance": self.tolerance, "reach": self.reach}
            refuse(_PARAMETER, "problem.target_reach", **given)

    def apply(self, values: ArrayLike) -> Floats:
        """Return values from 0 to 1, in the shape of the input."""
        away = np.abs(np.asarray(values, dtype=np.float64) - self.target)
        return np.clip((self.reach - away) / (self.reach - self.tolerance), 0.0, 1.0)

    def curve(self, low: float | None = None, high: float | None = None) -> Points:
        """Return the corners of the hill."""
        offsets = sorted({-self.reach, -self.tolerance, self.tolerance, self.reach})
        return _curve(self, [self.target + offset for offset in offsets], low, high)


_LISTS = frozenset({"bounds", "values"})
"""Fields that contain several numbers."""
_KINDS: Mapping[str, type[Linear | Stepped | Target]] = {
    "linear": Linear,
    "stepped": Stepped,
    "target": Target,
}


def describe(function: Linear | Stepped | Target) -> dict[str, Any]:
    """Return the mapping from which `parse_value_function` makes this function.

    >>> describe(Linear(worst=60, best=5))
    {'kind': 'linear', 'worst': 60, 'best': 5}
    """
    kind = next(name for name, known in _KINDS.items() if isinstance(function, known))
    fields = dataclasses.asdict(function).items()
    return {"kind": kind, **{name: _listed(value) for name, value in fields}}


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def value_function_schema() -> dict[str, Any]:
    """Return the JSON Schema of a project's `value_function`: one form per kind, or null."""
    number = {"type": "number"}
    forms: dict[str, Any] = {"number": number, "list": {"type": "array", "items": number}}
    kinds = []
    for kind, known in _KINDS.items():
        properties: dict[str, Any] = {"kind": {"const": kind}}
        for field in dataclasses.fields(known):
            is_list = field.name in _LISTS
            properties[field.name] = forms["list" if is_list else "number"]
        if "closed" in properties:
            properties["closed"] = {"enum": ["right", "left"], "default": "right"}
        needed = [
            field.name
            for field in dataclasses.fields(known)
            if field.default is dataclasses.MISSING
        ]
        kinds.append(
            {
                "type": "object",
                "title": kind,
                "properties": properties,
                "required": ["kind", *needed],
                "additionalProperties": False,
            }
        )
    return {"anyOf": [*kinds, {"type": "null"}]}


def parse_value_function(mapping: Mapping[str, object]) -> Linear | Stepped | Target:
    """Return the value function that a project's `value_function` describes.

    Parameters
    ----------
    mapping
        `kind` and the fields of that kind, numbers as numbers or text:
        `{kind: linear, worst: 60, best: 10}`;
        `{kind: stepped, bounds: [2, 8, 15], values: [1, 0.8, 0.6, 0.4], closed: right}`;
        `{kind: target, target: 5, reach: 4, tolerance: 1}`.

    Raises
    ------
    InvalidQueryError
        A field is unknown (the nearest known name is given), missing, not a finite number, or
        inconsistent with the others.
    """
    if not isinstance(mapping, Mapping):
        refuse(_PARAMETER, "problem.value_mapping", found=repr(mapping))
    kind = mapping.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        near = nearest_name(str(kind), list(_KINDS))
        refuse(_PARAMETER, "problem.value_kind", kind=repr(kind), near=near)
    fields = {field.name: field for field in dataclasses.fields(_KINDS[kind])}
    given = {str(name): value for name, value in mapping.items() if name != "kind"}
    faults = [
        said(
            "problem.value_field",
            name=repr(name),
            kind=kind,
            near=nearest_name(name, list(fields)),
        )
        for name in given
        if name not in fields
    ]
    faults += [
        said("problem.missing", name=name)
        for name, field in fields.items()
        if name not in given and field.default is dataclasses.MISSING
    ]
    if faults:
        refuse(_PARAMETER, said_all(faults))
    return _KINDS[kind](**{name: _parse_field(name, value) for name, value in given.items()})


def _parse_field(name: str, value: object) -> Any:  # noqa: ANN401 - checked by the class
    is_list = name in _LISTS
    items = list(value) if is_list and isinstance(value, (list, tuple)) else [value]
    numbers = [_number(item) for item in items]
    if name == "closed":
        return value
    if is_list and not isinstance(value, (list, tuple)):
        refuse(_PARAMETER, "problem.numbers", name=name, found=repr(value))
    if None in numbers:
        found = shorten(repr(items[numbers.index(None)]))
        refuse(_PARAMETER, "problem.not_number", of=f"{name}: ", found=found)
    return tuple(numbers) if is_list else numbers[0]


def _number(item: object) -> float | None:
    """Return a number that is given as one or as text; None for anything else."""
    if isinstance(item, bool) or not isinstance(item, (str, int, float)):
        return None
    try:
        return float(item)
    except (ValueError, OverflowError):  # the second from an integer too large for a float
        return None


def _check_numbers(function: Linear | Stepped | Target) -> None:
    for field in dataclasses.fields(function):
        found = getattr(function, field.name)
        for number in found if isinstance(found, tuple) else (found,):
            if isinstance(number, float) and not math.isfinite(number):
                refuse(_PARAMETER, "problem.not_finite", of=f"{field.name}: ", found=number)


def _ends(corners: tuple[float, ...], low: float | None, high: float | None) -> tuple[float, float]:
    """Return the range to draw: by default a quarter of the corners' width beyond them."""
    margin = (corners[-1] - corners[0]) / 4 or abs(corners[0]) or 1.0
    start = corners[0] - margin if low is None else low
    end = corners[-1] + margin if high is None else high
    if not start < end:
        refuse("low", "problem.low_high", low=start, high=end)
    return start, end


def _curve(
    function: Linear | Target, corners: list[float], low: float | None, high: float | None
) -> Points:
    start, end = _ends(tuple(corners), low, high)
    measures = [start, *(corner for corner in corners if start < corner < end), end]
    return tuple(zip(measures, function.apply(measures).tolist(), strict=True))


SLOPE_DEG = Stepped(bounds=(2.0, 8.0, 15.0), values=(1.0, 0.8, 0.6, 0.4))
"""Published slope scoring, in degrees: 0-2 100, 2-8 80, 8-15 60, over 15 40.

Since 40 applies *over* 15, each bound belongs to the gentler step: 2 scores 100, 15 scores 60.
"""
