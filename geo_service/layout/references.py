"""Hold goals against the plan: every name that the plan does not have, with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from geo_service.documents import nearest_name
from geo_service.domain.enterprises import active_enterprises
from geo_service.errors import GoalsError
from geo_service.layout.goals import goals_of, unusable_goals
from geo_service.wording import said, shorten

if TYPE_CHECKING:
    from geo_service.errors import Fault
    from geo_service.layout.goals import GoalsDocument
    from geo_service.plan import Plan

Location = tuple[str | int, ...]


def check_references(document: GoalsDocument, plan: Plan) -> None:
    """Raise GoalsError with every park, enterprise, project or group that is not there."""
    faults = list(_faults(document, plan))
    if faults:
        raise unusable_goals(faults)


def faults_of_rest(fields: Mapping[str, Any], faults: Iterable[Fault], plan: Plan) -> list[Fault]:
    """Return what the parts of goals that are without fault name and the plan does not have."""
    faulty = {(fault.column or "").partition(".")[0] for fault in faults}
    rest = {name: part for name, part in fields.items() if name not in faulty}
    try:
        document = goals_of({**rest, "moves": rest.get("moves") or {}})
    except GoalsError:
        return []
    found = _faults(document, plan)
    is_sure = "projects" not in faulty  # else a project that is named may be a faulty one
    return [one for one in found if is_sure or not (one.column or "").endswith(".project")]


def _faults(document: GoalsDocument, plan: Plan) -> Iterator[Fault]:
    known = {
        "park": plan.frame("parks")["park_id"].astype(str).tolist(),
        "enterprise": _enterprises_in_parks(plan),
        "project": [item.project.name for item in document.goals.projects],
        "group": sorted(set(plan.settings.groups.prefixes.values())),
    }
    sets = {kind: set(names) for kind, names in known.items()}
    for kind, name, where in _named(document):
        if name not in sets[kind]:
            found = said(f"fault.unknown_{kind}", name=repr(shorten(name)))
            few = sorted(known[kind]) if len(known[kind]) <= _MOST_NAMED else []
            expected = nearest_name(name, few) if few else said(f"fault.known_{kind}")
            yield document.fault(where, found, expected)


_MOST_NAMED = 12


def _enterprises_in_parks(plan: Plan) -> list[str]:
    active = active_enterprises(plan)
    return active.loc[active["park_id"].notna(), "enterprise_id"].astype(str).tolist()


def _named(document: GoalsDocument) -> Iterator[tuple[str, str, Location]]:
    """Yield what goals name: its kind, its name and where it stands."""
    goals = document.goals
    if goals.industries is not None and goals.industries.parks != "all":
        for number, park_id in enumerate(goals.industries.parks):
            yield "park", park_id, ("industries", "parks", number)
    if goals.moves is not None and not isinstance(goals.moves.who, str):
        for number, enterprise_id in enumerate(goals.moves.who):
            yield "enterprise", enterprise_id, ("moves", "who", number)
    for number, limit in enumerate(goals.limits.focus_share):
        for position, park_id in enumerate(limit.parks if limit.parks != "all" else ()):
            yield "park", park_id, ("limits", "focus_share", number, "parks", position)
    for number, target in enumerate(goals.targets.groups):
        yield "group", target.group, ("targets", "groups", number, "group")
    yield from _named_in_rules(document)


def _named_in_rules(document: GoalsDocument) -> Iterator[tuple[str, str, Location]]:
    for part in ("locks", "bans"):
        for number, item in enumerate(getattr(document.goals, part)):
            for kind in ("park", "enterprise", "project"):
                name = getattr(item, kind)
                if name is not None:
                    yield kind, name, (part, number, kind)
