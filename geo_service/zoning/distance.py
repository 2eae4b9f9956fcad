"""How far measures lie from their thresholds, and which differences are none.

Two findings of one verdict differ by the distance of the measure from the threshold: more of what
is too much already is worse, as is less of what is too little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURE_PARTS = ("measure", "value", "unit", "threshold")
"""What of a finding's evidence its distance comes from."""
_SENSES: Mapping[str, int] = MappingProxyType(
    {"distance_to_management_boundary": -1, "distance": -1, "idle_years": 1}
)
"""Whether more (1) or less (-1) is worse, of measures that a finding may give on either side of
the threshold. Of others the finding's own side tells it."""
RELATIVE = 1e-6
_TOLERANCES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "m²": (1.0, 1e-4),
        "ha": (1e-4, 1e-4),
        "mu": (1.5e-3, 1e-4),
        "m": (0.05, 1e-5),
        "km": (5e-5, 1e-5),
        "share": (5e-5, 0.0),
        "years": (1e-6, 0.0),
    }
)
"""By unit, absolute and relative: what moving a boundary by millimetres and back changes, and
half of the last digit that a share is shown with. Other units have only `RELATIVE`."""


def is_equal(old: object, new: object, unit: object = None) -> bool:
    """Return whether two values of evidence are equal within the tolerance of a unit.

    >>> is_equal(15000.0041506, 15000.0041505, "m²"), is_equal(15000.0, 15100.0, "m²")
    (True, False)
    """
    if _is_number(old) and _is_number(new):
        absolute, relative = _tolerance(unit)
        one, other = float(old), float(new)  # type: ignore[arg-type]
        return abs(one - other) <= max(absolute, relative * max(abs(one), abs(other)))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(
            is_equal(old[name], new[name], _unit_of(name) or unit) for name in old
        )
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return len(old) == len(new) and all(
            is_equal(one, other, unit) for one, other in zip(old, new, strict=True)
        )
    return bool(old == new)


def changed_evidence(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs between the evidence of two findings."""
    return [
        name
        for name in sorted({*old, *new})
        if not is_equal(
            old.get(name),
            new.get(name),
            new.get("unit") if name in {"value", "threshold"} else _unit_of(name),
        )
    ]


def _unit_of(name: str) -> str | None:
    """Return the unit that the name of a number gives."""
    if name.endswith("_m2"):
        return "m²"
    if name.endswith("_m"):
        return "m"
    return "share" if "share" in name else None


def _tolerance(unit: object) -> tuple[float, float]:
    return _TOLERANCES.get(unit, (0.0, RELATIVE)) if isinstance(unit, str) else (0.0, RELATIVE)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


@dataclass(frozen=True)
class Distances:
    """How bad measures are: the further on the wrong side, the larger; NaN without a number."""

    beyond: NDArray[np.float64]
    """Value minus threshold."""
    senses: NDArray[np.int8]
    """1 where more is worse, -1 where less is; 0 where nothing tells."""
    slack: NDArray[np.float64]
    """Differences up to this are none."""

    @classmethod
    def of(cls, measures: Sequence[tuple[Any, ...]]) -> Distances:
        """Return the distances of the `MEASURE_PARTS` of findings."""
        values, thresholds = (
            np.array(
                [float(row[part]) if _is_number(row[part]) else np.nan for row in measures],
                dtype=np.float64,
            )
            for part in (1, 3)
        )
        beyond = values - thresholds
        known = np.array([_SENSES.get(row[0], 0) for row in measures], dtype=np.int8)
        side = np.nan_to_num(np.sign(beyond)).astype(np.int8)
        tolerances = [_tolerance(row[2]) for row in measures]
        absolute, relative = (
            np.array([pair[part] for pair in tolerances], dtype=np.float64) for part in (0, 1)
        )
        slack = np.maximum(absolute, relative * np.fmax(np.abs(values), np.abs(thresholds)))
        return cls(beyond, np.where(known == 0, side, known).astype(np.int8), slack)

    def steps_to(self, later: Distances) -> NDArray[np.int8]:
        """Return 1 where later measures are worse, -1 where better, 0 where neither."""
        senses = np.where(later.senses == 0, self.senses, later.senses)
        has_turned = (self.senses * later.senses) < 0
        with np.errstate(invalid="ignore"):
            grown = senses * (later.beyond - self.beyond)
            # On another side than before, the wrong side is not known: the nearer is the better.
            apart = np.abs(later.beyond) - np.abs(self.beyond)
            moved = np.where(has_turned, apart, grown)
            is_same = ~(np.abs(moved) > np.fmax(self.slack, later.slack))
        steps = np.sign(moved)
        steps[is_same] = 0
        return np.asarray(steps, dtype=np.int8)
