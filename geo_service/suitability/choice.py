"""Which criteria a ranking uses, with the weights, senses and value functions it uses them with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo_service.mcda.value_functions import parse_value_function
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.criteria import CRITERIA, AnyValue, Criterion, Sense

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geo_service.suitability.project import Project

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ChosenCriterion:
    """A criterion as one ranking uses it."""

    criterion: Criterion
    weight: float
    sense: Sense
    value: AnyValue
    is_value_given: bool = field(default=False)
    """Whether the project set the value function itself."""
    is_asked: bool = False
    """Whether the project named the criterion."""

    @property
    def name(self) -> str:
        """The criterion's name."""
        return self.criterion.name

    def values(self, raw: Floats) -> Floats:
        """Return values from 0 (worst) to 1 (best); a changed sense turns the scale round."""
        found = self.value.apply(raw)
        is_turned = not self.is_value_given and self.sense != self.criterion.sense
        return 1.0 - found if is_turned else found


def choose_criteria(project: Project) -> tuple[ChosenCriterion, ...]:
    """Return the criteria that a project names, or the default ones for what it looks for.

    Without any named: those with a weight of their own, and the facilities that the project
    sets limits for. Floors have no slope; a search for open land alone has no park, but asks
    how much of the land lies in the development boundary.
    """
    chosen = []
    for name in project.criteria or _default_names(project):
        criterion = CRITERIA[name]
        wish = project.criteria.get(name)
        is_given = wish is not None and wish.value_function is not None
        weight = wish.weight if wish is not None else None
        chosen.append(
            ChosenCriterion(
                criterion=criterion,
                weight=(criterion.weight or 5.0) if weight is None else weight,
                sense=(wish.sense if wish is not None else None) or criterion.sense,
                value=parse_value_function(wish.value_function)
                if wish is not None and wish.value_function is not None
                else criterion.value,
                is_value_given=is_given,
                is_asked=wish is not None,
            )
        )
    return tuple(chosen)


_IN_BOUNDARY = "overlap_share_development_boundary"


def _default_names(project: Project) -> list[str]:
    is_land = project.needs.land_m2 is not None
    is_open_land = set(project.candidates) == {CandidateKind.LAND}
    limited = {
        f"{'minutes' if limit.max_minutes is not None else 'km'}_to_{kind}"
        for kind, limit in project.access.items()
    }
    wanted = limited | ({_IN_BOUNDARY} if is_open_land else set())
    return [
        name
        for name, criterion in CRITERIA.items()
        if (criterion.weight > 0 or name in wanted)
        and (is_land or not criterion.needs_land)
        and not (is_open_land and criterion.needs_park)
    ]
