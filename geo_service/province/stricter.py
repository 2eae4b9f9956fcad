"""Whether a county's rulebook is at least as strict as the province's, rule by rule.

At least as strict means: on the day, whatever the province's rule finds something about, the
county's finds something about too, of the same verdict or a graver one. `fail` is graver than
`watch` and than `unknown`; which of these two is graver depends on the rule's severity, so that
they cannot be compared. What cannot be judged is refused like what is weaker.

`MEANINGS` says of each parameter of each check in which direction it grows stricter; a parameter
that it does not name must be equal. Rules that the county alone has only add findings. Leaves
out waivers and approvals: they are counted in every result and shown there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geo_service.errors import Fault
from geo_service.model import BasisGroup, Severity, Verdict
from geo_service.schema import ZONE_GRADES
from geo_service.wording import quoted, said
from geo_service.zoning.checks.land_use import TierUses, by_table
from geo_service.zoning.zones import verdict_of

if TYPE_CHECKING:
    from datetime import date

    from geo_service.model import Message
    from geo_service.zoning.rulebook import Rule, Rulebook


class Stricter(Enum):
    """In which direction a value grows stricter."""

    HIGHER = auto()
    LOWER = auto()
    MORE = auto()
    """A list or a mapping: it has everything that the province's has, and may have more."""
    MORE_CODES = auto()
    """A list of prefixes: each of the province's is covered by one of the county's."""
    FEWER_CODES = auto()
    ALL_OR_MORE = auto()
    """A list of which an empty one means everything."""
    NONE_OR_SAME = auto()
    """A limit of the rule's reach: none at all is the strictest."""
    NONE_OR_LOWER = auto()
    SAME = auto()


Meaning = Stricter | tuple[Any, ...]
"""A direction, or the values from the mildest to the strictest."""

_VERDICTS = ("pass", "watch", "fail")
_BOUND: Mapping[str, Meaning] = {
    "at_least": Stricter.SAME,  # these three are compared together, by what they make of a code
    "at_most": Stricter.SAME,
    "by_industry": Stricter.SAME,
    "verdict": _VERDICTS,
}
_RIVERS: Mapping[str, Meaning] = {"ranks": Stricter.MORE, "distance_m": Stricter.HIGHER}
_NEAR: Mapping[str, Meaning] = {**_RIVERS, "new": _VERDICTS, "existing": _VERDICTS}

MEANINGS: Mapping[str, Mapping[str, Meaning]] = MappingProxyType(
    {
        "NoParameters": {},
        "HazardousParameters": {"likely": Stricter.MORE_CODES},
        "ChemicalParkParameters": {"chemical": Stricter.FEWER_CODES},
        "EnergyParameters": {"at_least_tce": Stricter.LOWER},
        "ApprovedParameters": {"needed": Stricter.MORE},
        "PaperParameters": {
            "number": Stricter.SAME,
            "day": Stricter.SAME,
            "tiers": Stricter.MORE,
        },
        "IndustryMapParameters": {
            "most_leading": Stricter.LOWER,
            "most_characteristic": Stricter.LOWER,
            "tiers": Stricter.MORE,
        },
        "BoundaryParameters": {
            "watch_industries": Stricter.FEWER_CODES,
            "existing": _VERDICTS,
        },
        "FloorBoundParameters": {
            **_BOUND,
            "column": Stricter.SAME,
            "above_ground_only": (True, False),
        },
        "FireParameters": {"not_upstairs": Stricter.MORE, "alone": Stricter.MORE},
        "VacancyParameters": {"maximum": Stricter.LOWER},
        "SimilarityParameters": {"similarity": Stricter.LOWER, "digits": Stricter.SAME},
        "CrowdParameters": {"maximum": Stricter.LOWER},
        "NearbyParameters": {"distance_m": Stricter.HIGHER},
        "ConversionParameters": {"farmland": Stricter.MORE_CODES},
        "ZombieParameters": dict.fromkeys(
            ("tests", "stopped_months", "half_stopped_months", "loss_years"), Stricter.LOWER
        ),
        "FilledParameters": {"column": Stricter.SAME},
        "TopParameters": {"digits": Stricter.SAME},
        "ShareParameters": {
            "pass_share": Stricter.HIGHER,
            "watch_share": Stricter.HIGHER,
            "basis": Stricter.SAME,
            "count_supporting": ("full", "half", "none"),
        },
        "MeasuredParameters": {"basis": Stricter.SAME},
        "FewParameters": {"minimum": Stricter.HIGHER},
        "KindParameters": {
            "professional_share": Stricter.HIGHER,
            "premium_output_cny_per_mu": Stricter.HIGHER,
            "premium_tax_cny_per_mu": Stricter.HIGHER,
        },
        "IdleParameters": {
            "watch_years": Stricter.LOWER,
            "fail_years": Stricter.LOWER,
            "stopped_years": Stricter.LOWER,
            "built_share": Stricter.HIGHER,
            "invested_share": Stricter.HIGHER,
        },
        "ParcelBoundParameters": {
            **_BOUND,
            "column": Stricter.SAME,
            "limit_column": Stricter.SAME,
            "reference": Stricter.SAME,
            "supplied_from": Stricter.NONE_OR_LOWER,
            "apart_at_most": Stricter.SAME,
        },
        "PerMuParameters": {**_BOUND, "amount": Stricter.SAME},
        "GradeParameters": dict.fromkeys(("weights", "cap", "grades", "watch"), Stricter.SAME),
        "UseParameters": {
            "uses": Stricter.SAME,  # compared by what each code means
            "ancillary_share": Stricter.LOWER,
        },
        "DeclaredAreaParameters": {"difference": Stricter.LOWER},
        "MinimumAreaParameters": {"minimum_ha": Stricter.HIGHER, "verdict": _VERDICTS},
        "EnclaveParameters": {"share": Stricter.LOWER},
        "PlacementParameters": {"share": Stricter.LOWER},
        "RiverParameters": {
            **_NEAR,
            "industries": Stricter.MORE_CODES,
            "mixing": Stricter.FEWER_CODES,
        },
        "NearParameters": _NEAR,
        "PondCodeParameters": {
            **_RIVERS,
            "industries": Stricter.MORE_CODES,
            "without": Stricter.FEWER_CODES,
        },
        "NewParkParameters": {**_RIVERS, "since": Stricter.LOWER},
        "StandardLandParameters": {"verdict": _VERDICTS},
        "ZoneParameters": {
            "kind": Stricter.SAME,
            "verdicts": Stricter.SAME,  # compared by what each grade means
            "subjects": Stricter.MORE,
            "exceptions": Stricter.SAME,
            "only": Stricter.NONE_OR_SAME,
            "parcel_statuses": Stricter.ALL_OR_MORE,
            "unmapped": ("pass", "unknown"),
            "cover_all": (False, True),
        },
        "ExceptionsPart": {
            "land_uses": Stricter.FEWER_CODES,
            "industries": Stricter.FEWER_CODES,
        },
        "Tolerance": {"area_m2": Stricter.LOWER, "share": Stricter.LOWER},
    }
)
"""What makes each parameter stricter, by the model that declares a check's parameters."""

_SEVERITIES = (Severity.INFO, Severity.SHOULD, Severity.MUST)


def weaker_rules(own: Rulebook, province: Rulebook, day: date, *, file: str) -> list[Fault]:
    """Return where a county's rulebook is weaker than the province's on a day, as faults.

    What cannot be judged stricter counts too. `file` names the county's rulebook.
    """
    faults = []
    for rule in province.in_force(day):
        for column, found, expected in _weaknesses(own.rules.get(rule.rule_id), rule, day):
            place = f"rules.{rule.rule_id}" + (f".{column}" if column else "")
            faults.append(Fault(file=file, column=place, found=found, expected=expected))
    return faults


Weakness = tuple[str, "Message", "Message"]
"""Which field of a rule is weaker, what was found there, and what was expected."""


def _weaknesses(own: Rule | None, rule: Rule, day: date) -> Iterator[Weakness]:
    if own is None or not own.is_in_force(day):
        found = said("fault.rule_absent" if own is None else "fault.rule_idle", day=day.isoformat())
        yield "", found, said("fault.rule_of_province")
        return
    if (own.part.family, own.part.check) != (rule.part.family, rule.part.check):
        yield "check", quoted(own.part.check), _same(f"{rule.part.family}, {rule.part.check}")
        return
    yield from _heads(own, rule, day)
    yield from _compared("tolerance", own.part.tolerance, rule.part.tolerance)
    yield from _compared("parameters", own.parameters, rule.parameters)


def _heads(own: Rule, rule: Rule, day: date) -> Iterator[Weakness]:
    """Yield what is weaker in how a rule binds and whom it is for."""
    ours, theirs = own.part, rule.part
    if _SEVERITIES.index(ours.severity) < _SEVERITIES.index(theirs.severity):
        yield "severity", quoted(ours.severity.value), _at_least(theirs.severity.value)
    if rule.tag_on(day).group is BasisGroup.LAW and own.tag_on(day).group is not BasisGroup.LAW:
        # Nobody can waive a law; a county could waive a rule of its own.
        yield "basis_tag", quoted(own.tag_on(day).value), _same(rule.tag_on(day).value)
    if ours.applies_to not in {"all", theirs.applies_to}:
        yield "applies_to", quoted(ours.applies_to), _at_least(theirs.applies_to)
    for name, is_met in (
        ("tiers", _is_all_or_more),
        ("parks", _is_all_or_more),
        ("industries", _covers_all),
    ):
        mine, wanted = getattr(ours.scope, name), getattr(theirs.scope, name)
        if not is_met(mine, wanted):
            yield f"scope.{name}", quoted(_plain(mine)), _at_least(_plain(wanted))


def _compared(place: str, own: Any, other: Any) -> Iterator[Weakness]:  # noqa: ANN401 - parameters of a check
    """Yield the parameters that are weaker, or that cannot be judged."""
    meanings = MEANINGS.get(type(own).__name__, {})
    together = _TOGETHER.get(type(own).__name__, {})
    for name in type(own).model_fields:
        mine, wanted = getattr(own, name), getattr(other, name)
        if mine == wanted:
            continue
        meaning = meanings.get(name, Stricter.SAME)
        special = together.get(name)
        is_met = special(own, other) if special else _is_met(meaning, mine, wanted)
        if not is_met:
            is_open = special is not None or meaning is not Stricter.SAME
            expected = _at_least(_plain(wanted)) if is_open else _same(_plain(wanted))
            yield f"{place}.{name}", quoted(_plain(mine)), expected


def _is_met(meaning: Meaning, own: Any, other: Any) -> bool:  # noqa: ANN401 - any value of a parameter
    """Return whether a value is at least as strict as the province's."""
    if isinstance(meaning, tuple):
        return own in meaning and other in meaning and meaning.index(own) >= meaning.index(other)
    return _TESTS[meaning](own, other)


def _is_higher(own: Any, other: Any) -> bool:  # noqa: ANN401 - a number, or numbers by name
    if isinstance(other, Mapping):
        return all(name in own and own[name] >= least for name, least in other.items())
    return bool(own >= other)


def _is_all_or_more(own: Sequence[Any], other: Sequence[Any]) -> bool:
    return not own or (bool(other) and set(own) >= set(other))


def _covers(own: Sequence[str], other: Sequence[str]) -> bool:
    return all(code.startswith(tuple(own)) for code in other)


def _covers_all(own: Sequence[str], other: Sequence[str]) -> bool:
    return not own or (bool(other) and _covers(own, other))


_TESTS: Mapping[Stricter, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        Stricter.HIGHER: _is_higher,
        Stricter.LOWER: lambda own, other: bool(own <= other),
        Stricter.MORE: lambda own, other: set(own) >= set(other),
        Stricter.MORE_CODES: _covers,
        Stricter.FEWER_CODES: lambda own, other: _covers(other, own),
        Stricter.ALL_OR_MORE: _is_all_or_more,
        Stricter.NONE_OR_SAME: lambda own, other: own is None or own == other,
        Stricter.NONE_OR_LOWER: lambda own, other: (
            own is None or (other is not None and own <= other)
        ),
        Stricter.SAME: lambda own, other: bool(own == other),
    }
)


# ---- parameters that mean something together only ----------------------------------------------


def _keeps_bounds(own: Any, other: Any) -> bool:  # noqa: ANN401 - bounds
    """Return whether limits are at least as strict for every industry code.

    The longest prefix decides, so that comparing at every prefix of either side is enough.
    """
    if own.is_minimum is not other.is_minimum:
        return False
    for code in (None, *own.by_industry, *other.by_industry):
        mine, wanted = own.limit_for(code), other.limit_for(code)
        if mine != wanted and (mine is None or wanted is None):
            return False
        if mine is not None and not (mine >= wanted if own.is_minimum else mine <= wanted):
            return False
    return True


def _is_as_grave(own: Verdict | None, other: Verdict | None) -> bool:
    return own is other or own is Verdict.FAIL or other is None


def _keeps_verdicts(own: Any, other: Any) -> bool:  # noqa: ANN401 - parameters of zones
    """Return whether every grade, a missing one and any other mean at least as much."""
    grades = {*own.verdicts, *other.verdicts, *ZONE_GRADES.get(other.kind, ("\0",)), None}
    return all(
        _is_as_grave(
            verdict_of(own.verdicts, grade, own.kind), verdict_of(other.verdicts, grade, other.kind)
        )
        for grade in grades
    )


def _keeps_exceptions(own: Any, other: Any) -> bool:  # noqa: ANN401 - parameters of zones
    return not any(_compared("", own.exceptions, other.exceptions))


_USES = {"": 0, "supporting": 1, "ancillary": 2}
"""How far a use that passes is held against a park, by the key of what is said of it."""


def _keeps_uses(own: Any, other: Any) -> bool:  # noqa: ANN401 - parameters of land uses
    """Return whether every code of every scheme and tier is at least as restricted.

    A scheme or tier without a table is `unknown`, so that both sides need the same ones. What a
    code means hangs on the listed prefixes that it begins with, and on whether it is too short.
    """
    tables = [
        {
            (scheme, tier): table
            for scheme, tiers in side.uses.items()
            for tier, table in tiers.items()
        }
        for side in (own, other)
    ]
    mine, wanted = tables
    return mine.keys() == wanted.keys() and all(
        _is_as_restricted(by_table(code, mine[name]), by_table(code, wanted[name]))
        for name in mine
        for code in _beginnings(mine[name], wanted[name])
    )


def _beginnings(*tables: TierUses) -> set[str]:
    listed = [
        code
        for table in tables
        for codes in (table.permitted, table.conditional, table.supporting, table.ancillary)
        for code in codes
    ]
    return {code[:length] for code in listed for length in range(1, len(code) + 1)} | {"\0"}


def _is_as_restricted(own: tuple[Verdict, str], other: tuple[Verdict, str]) -> bool:
    """Return whether a use is at least as restricted, for parcels that stand and for new ones.

    To a project supporting and ancillary uses are refused, to a park they pass: they cannot be
    compared with uses that are watched.
    """
    (mine, my_key), (wanted, key) = own, other
    if mine is Verdict.FAIL or wanted is mine is Verdict.WATCH:
        return True
    if wanted is not Verdict.PASS:
        return False
    return _USES[my_key] >= _USES[key] if mine is Verdict.PASS else not key


def _keeps_grades(own: Any, other: Any) -> bool:  # noqa: ANN401 - parameters of grades
    """Return whether every enterprise that is watched stays so, by the same score.

    That is so if no grade is easier to reach and the grades that are watched are the worst ones.
    """
    worst = "DCBA"
    is_tail = set(own.watch) == set(worst[: len(set(own.watch))])
    return (
        is_tail
        and set(own.watch) >= set(other.watch)
        and own.grades.keys() <= other.grades.keys()
        and all(least >= other.grades[letter] for letter, least in own.grades.items())
    )


_LIMITS = dict.fromkeys(("at_least", "at_most", "by_industry"), _keeps_bounds)
_TOGETHER: Mapping[str, Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        "FloorBoundParameters": _LIMITS,
        "ParcelBoundParameters": _LIMITS,
        "PerMuParameters": _LIMITS,
        "ZoneParameters": {"verdicts": _keeps_verdicts, "exceptions": _keeps_exceptions},
        "UseParameters": {"uses": _keeps_uses},
        "GradeParameters": {"grades": _keeps_grades, "watch": _keeps_grades},
    }
)


def _same(value: object) -> Message:
    return said("fault.same_as_province", value=quoted(value))


def _at_least(value: object) -> Message:
    return said("fault.strict_as_province", value=quoted(value))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a parameter
    """Return a value as a person writes it."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else getattr(value, "value", value)
