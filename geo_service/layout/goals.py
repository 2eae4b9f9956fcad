"""The goals of a layout: what is open, what is fixed, which limits hold and what is wanted.

Written as YAML or JSON; an unknown name is refused with its line and the nearest known one.
`goals_schema` publishes the form. Whether the plan has what goals name is asked in `references`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from geo_service.documents import Lines, line_of, parse_model, read_text, read_yaml
from geo_service.errors import Fault, GoalsError, UnfitError
from geo_service.suitability.project import Project, project_schema
from geo_service.wording import said, shorten
from geo_service.zoning.check import IndustryPrefix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo_service.model import Message

MOST_PROJECTS = 200
MOST_RULES = 2_000
"""Of locks, of bans."""
MOST_SECONDS = 3_600.0
MOST_NUMBER = 1e15
Id = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(ge=0, le=MOST_NUMBER)]
Share = Annotated[float, Field(ge=0, le=1)]
Distance = Annotated[float, Field(gt=0, le=1_000)]


def _form_of(value: object) -> str:
    return "list" if isinstance(value, (list, tuple)) else "word"


Ids = Annotated[tuple[Id, ...], Field(max_length=100_000), Tag("list")]
ParksNamed = Annotated[Annotated[Literal["all"], Tag("word")] | Ids, Discriminator(_form_of)]
"""All parks, or some by their ids."""
Movers = Annotated[
    Annotated[Literal["off_focus", "all"], Tag("word")] | Ids, Discriminator(_form_of)
]
"""Which enterprises may move."""


class TermName(StrEnum):
    """What a layout can be judged by; the unit of each is in `terms`."""

    FOCUS = "focus"
    FIT = "fit"
    CHAINS = "chains"
    SUITABILITY = "suitability"
    SPREAD = "spread"
    PLACED = "placed"
    MOVES = "moves"
    MOVE_COST = "move_cost"
    COMPETITION = "competition"
    CHANGES = "changes"


class _GoalsPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class IndustriesOpen(_GoalsPart):
    """Which parks may get another leading industry, and from what."""

    parks: ParksNamed = Field(
        default="all", description="Parks whose leading industry is open: all, or their ids."
    )
    digits: tuple[Annotated[int, Field(ge=2, le=4)], ...] = Field(
        default=(2, 3), description="How precise a proposed industry is: 2 to 4."
    )
    also: tuple[IndustryPrefix, ...] = Field(
        default=(),
        description="Industries that may lead a park where none of their enterprises is.",
    )
    least_share: Share = Field(
        default=0.5,
        description="What a new leading industry must have of its park, such as 0.5; a product "
        "reference.",
    )
    speciality: bool = Field(
        default=True, description="Whether a park with a new leading industry gets a speciality."
    )


class MoveCost(_GoalsPart):
    """What moving an enterprise costs; a product reference, for the county to set."""

    fixed_cny: Amount = Field(default=200_000, description="For each move, in CNY.")
    per_m2_cny: Amount = Field(default=200, description="For each m² that it needs, in CNY.")


class MovesOpen(_GoalsPart):
    """Which enterprises may move, and how many."""

    most: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=10, description="At most so many enterprises move, such as 30."
    )
    who: Movers = Field(
        default="off_focus",
        description="off_focus: those outside what their park declares today; all; or ids.",
    )
    cost: MoveCost = MoveCost()


class Incoming(_GoalsPart):
    """A project that looks for a place."""

    project: Project
    required: bool = Field(default=True, description="Whether it must be placed.")


class Lock(_GoalsPart):
    """Something that is fixed: a park's industry, an enterprise's park, a project's place."""

    park: Id | None = None
    leading_industry: IndustryPrefix | None = None
    enterprise: Id | None = None
    project: Id | None = None
    candidate: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Lock:
        is_of_project = self.project is not None and self.enterprise is None
        is_of_project &= (self.park is None) != (self.candidate is None)
        is_of_enterprise = self.enterprise is not None and self.project is None
        is_of_enterprise &= self.candidate is None
        is_of_park = self.park is not None and self.project is None and self.enterprise is None
        is_of_park &= self.candidate is None
        has_code = self.leading_industry is not None
        if not (is_of_park or ((is_of_project or is_of_enterprise) and not has_code)):
            raise UnfitError(said("fault.lock_form"))
        return self


class Banned(_GoalsPart):
    """Something that must not be."""

    park: Id | None = None
    leading_industry: IndustryPrefix | None = None
    enterprise: Id | None = None
    project: Id | None = None
    candidate: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    place: Id | None = Field(default=None, description="A parcel's id, or building/floor number.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Banned:
        told = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if told not in _FORMS_OF_BANS:
            raise UnfitError(said("fault.ban_form"))
        return self


_FORMS_OF_BANS: tuple[set[str], ...] = (
    {"leading_industry"},
    {"park"},
    {"park", "leading_industry"},
    {"enterprise", "park"},
    {"project", "park"},
    {"project", "candidate"},
    {"place"},
)


class FocusShare(_GoalsPart):
    """The least share of the leading industry, of all parks or some."""

    share: Share
    parks: ParksNamed = "all"


class SameIndustry(_GoalsPart):
    """At most so many parks may lead in one industry, told by the first digits of its code."""

    most: Annotated[int, Field(ge=1, le=10_000)]
    digits: Annotated[int, Field(ge=2, le=4)] = 3


class LayoutLimits(_GoalsPart):
    """What must hold. Land, floors and utilities of places always do."""

    focus_share: tuple[FocusShare, ...] = Field(default=(), max_length=MOST_RULES)
    same_industry: SameIndustry | None = None
    fire_apart: bool = Field(
        default=True,
        description="No fire class 甲 or 乙 in a building together with anything else that comes.",
    )


class ComplyingParks(_GoalsPart):
    """At least so many parks reach a share of their leading industry."""

    least: Annotated[int, Field(ge=1, le=10_000)]
    share: Share = 0.7


class GroupAmount(_GoalsPart):
    """At least so much inside leading industries belongs to a group of the scheme."""

    group: Id
    least: Amount = Field(description="In the unit of the workspace's focus basis, such as CNY.")


class Targets(_GoalsPart):
    """What must be reached."""

    complying_parks: ComplyingParks | None = None
    groups: tuple[GroupAmount, ...] = Field(default=(), max_length=100)


class Term(_GoalsPart):
    """How much a term counts: `weight` points for each `per` of its unit."""

    weight: Amount = 1.0
    per: Annotated[float, Field(gt=0, le=MOST_NUMBER)] | None = Field(
        default=None, description="In the term's unit; each term has a plain one of its own."
    )


class Wanted(_GoalsPart):
    """What is wanted, and how it is put together."""

    method: Literal["weights", "lexicographic"] = "weights"
    terms: dict[TermName, Term] = Field(
        default_factory=lambda: {
            TermName.FOCUS: Term(),
            TermName.PLACED: Term(weight=10),
            TermName.SUITABILITY: Term(),
            TermName.MOVE_COST: Term(),
            TermName.CHANGES: Term(),
        },
        min_length=1,
        description="Terms by name; a lexicographic order is that of the document.",
    )
    within: Share = Field(
        default=0.001, description="Lexicographic: how much of each term later ones may give up."
    )
    chains_km: Distance = Field(default=10, description="How near chain partners must be, in km.")
    chains: tuple[tuple[IndustryPrefix, IndustryPrefix], ...] | None = Field(
        default=None,
        max_length=1_000,
        description="Pairs (supplier, customer) of industries; those of the plan when left out.",
    )
    competition_km: Distance = Field(
        default=3, description="How near parks of one industry compete, in km."
    )


class Solving(_GoalsPart):
    """How long and how exactly is solved. The same goals give the same answer in the time."""

    time_limit_s: Annotated[float, Field(ge=1, le=MOST_SECONDS)] = 30
    gap: Share = Field(default=0.001, description="Solving stops at this distance to the bound.")
    seed: Annotated[int, Field(ge=0, le=2**30)] = 20
    nodes: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        default=None, description="Stops after so many nodes of the search, on any machine alike."
    )


class AlternativesWanted(_GoalsPart):
    """Other layouts that are nearly as good and differ."""

    count: Annotated[int, Field(ge=0, le=10)] = 0
    within: Share = Field(default=0.02, description="How much worse than the best, as a share.")
    parks: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=2, description="In how many parks each differs from all others."
    )


class FrontWanted(_GoalsPart):
    """The exact front between two or three terms."""

    terms: tuple[TermName, ...] = Field(min_length=2, max_length=3)
    points: Annotated[int, Field(ge=2, le=20)] = 5
    point_limit_s: Annotated[float, Field(ge=0.1, le=3_600)] | None = Field(
        default=None,
        description="Seconds for each point; without it all points share the time limit.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> FrontWanted:
        if len(set(self.terms)) != len(self.terms):
            raise UnfitError(said("fault.each_term_once"))
        return self


class FirmnessWanted(_GoalsPart):
    """How firm decisions are: against other outputs, other weights, one that refuses."""

    draws: Annotated[int, Field(ge=0, le=50)] = 0
    output: Share = Field(default=0.1, description="Outputs are drawn within ± this share.")
    weights: Share = Field(default=0.2, description="Weights are drawn within ± this share.")
    refusals: bool = Field(default=False, description="Whether each move is tried as refused.")


class Goals(_GoalsPart):
    """What a county wants of a layout."""

    format: Literal["1"] = "1"
    name: Annotated[str, Field(min_length=1, max_length=200)] = "layout"
    industries: IndustriesOpen | None = Field(
        default=None, description="Leading industries that are open; none when left out."
    )
    moves: MovesOpen | None = Field(
        default=None, description="Moves that are open; none when left out."
    )
    projects: tuple[Incoming, ...] = Field(default=(), max_length=MOST_PROJECTS)
    locks: tuple[Lock, ...] = Field(default=(), max_length=MOST_RULES)
    bans: tuple[Banned, ...] = Field(default=(), max_length=MOST_RULES)
    limits: LayoutLimits = LayoutLimits()
    targets: Targets = Targets()
    wanted: Wanted = Wanted()
    solving: Solving = Solving()
    alternatives: AlternativesWanted = AlternativesWanted()
    front: FrontWanted | None = None
    firmness: FirmnessWanted = FirmnessWanted()

    @property
    def terms(self) -> Mapping[TermName, Term]:
        """The terms that count, in the order of the document."""
        return {name: term for name, term in self.wanted.terms.items() if term.weight > 0}

    def with_settings(
        self,
        *,
        max_moves: int | None = None,
        alternatives: int | None = None,
        time_limit_s: float | None = None,
    ) -> Goals:
        """Return the goals with what a call sets; GoalsError for a value out of its range."""
        told = self.model_dump(mode="json", exclude_unset=True)
        if max_moves is not None:
            told["moves"] = {**(told.get("moves") or {}), "most": max_moves}
        if alternatives is not None:
            told["alternatives"] = {**told.get("alternatives", {}), "count": alternatives}
        if time_limit_s is not None:
            told["solving"] = {**told.get("solving", {}), "time_limit_s": time_limit_s}
        return goals_of(told).goals


@dataclass(frozen=True)
class GoalsDocument:
    """Goals with where each of their parts stands, for faults that are found later."""

    goals: Goals
    file: str | Message = field(default_factory=lambda: said("fault.goals"))
    lines: Lines = field(default_factory=dict)

    def fault(self, location: tuple[str | int, ...], found: Message, expected: Message) -> Fault:
        """Return a fault at a place of the document."""
        return Fault(
            file=self.file,
            line=line_of(location, self.lines),
            column=".".join(map(str, location)),
            found=found,
            expected=expected,
        )


def unusable_goals(faults: Iterable[Fault]) -> GoalsError:
    """Return the error of goals with these faults."""
    return GoalsError(said("fault.goals_unusable"), faults)


def parse_goals(text: str, file: str | None = None, folder: Path | None = None) -> GoalsDocument:
    """Return goals written as YAML or JSON.

    With a folder, a project may be `{file: NAME}`, read from there; without one that is refused.

    Raises
    ------
    GoalsError
        Broken text, an unknown name, a missing or wrong value; every fault with its line.
    """
    data, lines, faults = read_yaml(text, file or said("fault.goals"))
    known = lines if file else {}
    document = GoalsDocument(Goals(), file or said("fault.goals"), known)
    if not faults and folder is not None:
        faults += list(_read_projects(document, data, folder))
    if not faults:
        goals, faults = parse_model(Goals, data, document.file, lines=known)
        if goals is not None:
            document = GoalsDocument(goals, document.file, known)
            faults = list(_faults_between(document))
    if faults:
        raise unusable_goals(faults)
    return document


def _read_projects(document: GoalsDocument, data: Any, folder: Path) -> Iterable[Fault]:  # noqa: ANN401 - plain data
    """Put projects of files into the goals' data; yield what is wrong with the files."""
    listed = data.get("projects") if isinstance(data, dict) else None
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        told = item.get("project") if isinstance(item, dict) else None
        if not isinstance(told, dict) or set(told) != {"file"} or not isinstance(told["file"], str):
            continue
        name = told["file"]
        path = folder / name
        if Path(name).is_absolute() or folder.resolve() not in path.resolve().parents:
            where = ("projects", number, "project", "file")
            found = said("fault.value", value=shorten(repr(name)))
            yield document.fault(where, found, said("fault.file_beside_goals"))
            continue
        text, faults = read_text(path)
        yield from faults
        content, _, faults = read_yaml(text, name)
        yield from faults
        item["project"] = content


def _faults_between(document: GoalsDocument) -> Iterable[Fault]:
    """Yield what does not go together within the goals."""
    goals = document.goals
    names: set[str] = set()
    for number, item in enumerate(goals.projects):
        where = ("projects", number, "project")
        if item.project.name in names:
            found = said("fault.second_time", name=repr(shorten(item.project.name)))
            yield document.fault((*where, "name"), found, said("fault.each_name_once"))
        names.add(item.project.name)
        if "land" in item.project.candidates:
            found = said("fault.value", value="'land'")
            yield document.fault((*where, "candidates"), found, said("fault.no_new_land"))
    if goals.industries is None and goals.moves is None and not goals.projects:
        yield document.fault((), said("fault.nothing_open"), said("fault.something_open"))


def goals_of(fields: Mapping[str, Any]) -> GoalsDocument:
    """Return goals given as plain data, such as a JSON body; raises as `parse_goals`."""
    try:
        text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        found = said("fault.json_says", words=shorten(str(error)))
        fault = Fault(file=said("fault.goals"), found=found, expected=said("fault.plain_data"))
        raise unusable_goals([fault]) from None
    return parse_goals(text)


def open_goals(path: Path) -> GoalsDocument:
    """Return the goals in a file; GoalsError lists what is wrong with it."""
    text, faults = read_text(path)
    if faults:
        raise unusable_goals(faults)
    return parse_goals(text, path.name, path.parent)


def read_goals(
    goals: Goals | GoalsDocument | Mapping[str, Any] | str | PathLike[str],
) -> GoalsDocument:
    """Return goals however they are given: as such, as plain data, or as a file's path."""
    if isinstance(goals, GoalsDocument):
        return goals
    if isinstance(goals, Goals):
        return GoalsDocument(goals)
    if isinstance(goals, Mapping):
        return goals_of(goals)
    return open_goals(Path(goals))


def goals_schema(*, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the JSON Schema of goals, for editors and for the form."""
    schema = Goals.model_json_schema(ref_template=ref_template)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    projects = project_schema(ref_template=ref_template)
    schema["$defs"] |= projects["$defs"]
    schema["$defs"]["Project"] = {
        name: part for name, part in projects.items() if name not in {"$defs", "$schema"}
    }
    return schema
