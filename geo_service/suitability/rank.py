"""Where a project fits: candidates excluded or ranked, with reasons, figures and doubts.

`rank(plan, project)` screens candidates once (`screening`), measures the criteria of those
that stand, and scores them. What comes out is frozen; `reweigh` scores the same measures anew,
which takes milliseconds.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd

from geo_service.crs import STORAGE_CRS
from geo_service.errors import Fault, NotFoundError
from geo_service.mcda.robustness import DRAWS
from geo_service.model import FocusBasis, Message, Verdict
from geo_service.notebook import small_table
from geo_service.plan import plan_of
from geo_service.spatial.cut_off import cut_off_note
from geo_service.suitability.certainty import QUICK_DRAWS, Doubt, doubt_of
from geo_service.suitability.choice import choose_criteria
from geo_service.suitability.effect import FocusEffect, amount_of, focus_effects
from geo_service.suitability.explain import Explanation, explain
from geo_service.suitability.measures import measure
from geo_service.suitability.misses import Miss, nearest_misses
from geo_service.suitability.project import (
    Project,
    Weights,
    Wish,
    open_project,
    project_of,
    unusable_project,
)
from geo_service.suitability.reasons import Reason
from geo_service.suitability.scoring import Scored, check_matrix, score_table
from geo_service.suitability.screening import Judged, Screened, Screening, screen
from geo_service.suitability.surroundings import Sites
from geo_service.wording import said
from geo_service.zoning.rulebook import Rulebook, open_rulebook
from geo_service.zoning.seen import is_focus_withheld

if TYPE_CHECKING:
    from geo_service.plan import HasPlan, Plan
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.choice import ChosenCriterion
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.surroundings import Sites
    from geo_service.zoning.review import Progress

_STEPS = ("candidates", "exclusion", "access", "focus", "criteria", "score")


_SHOWN = 10
"""How many of the best a notebook shows."""


def _rounded(cell: object) -> object:
    return f"{cell:.2f}" if isinstance(cell, float) else cell


@dataclass(frozen=True)
class Ranking:
    """Where a project fits in a plan, best first.

    `screening` says what stands and what is out, and why. `scored` is None when no candidate
    stands; `misses` then says what comes nearest.
    """

    ranking_id: str
    plan: Plan
    rulebook: Rulebook
    project: Project
    as_of: date
    screening: Screening
    scored: Scored | None
    misses: tuple[Miss, ...] = ()
    draws: int = DRAWS
    """How many random weights the doubts are found from."""
    is_reweighed: bool = False
    """Whether it is scored otherwise than the ranking that its id names."""
    _prepared: dict[tuple[str, str | None], Scored] = field(
        default_factory=dict, repr=False, compare=False
    )
    """The same measures by other methods, as `reweigh` was asked for them."""

    def __repr__(self) -> str:
        """Name the ranking, its project and how many candidates there are."""
        counts = f"{len(self.order)} candidates, {len(self.excluded)} excluded"
        return f"<Ranking {self.ranking_id} {self.project.name}: {counts}>"

    def _repr_html_(self) -> str:
        """Return the best candidates, as a notebook shows them."""
        title = f"{self.project.name} · {self.ranking_id} · {self.as_of}"
        best = self.candidates.head(_SHOWN)
        columns = [name for name in ("rank", "candidate_id", "park_id", "score") if name in best]
        rows = best[columns].itertuples(index=False)
        return small_table(title, columns, ([_rounded(cell) for cell in row] for row in rows))

    @property
    def sites(self) -> Sites:
        """The candidates that stand, with what is around them."""
        return self.screening.sites

    @property
    def unknowns(self) -> Mapping[str, tuple[Reason, ...]]:
        """By candidate id, what could not be judged of candidates that stand all the same."""
        return self.screening.unknowns

    @property
    def excluded(self) -> tuple[Screened, ...]:
        """The candidates that are out, and every reason why."""
        return self.screening.excluded

    @property
    def land(self) -> LandSearch | None:
        """The search for open land, where the project asks for it."""
        return self.screening.land

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Positions of the candidates in `sites`, best first, equal ones by their ids."""
        if self.scored is None:
            return ()
        ranks = self.scored.result["rank"].to_numpy()
        return tuple(np.lexsort((self.sites.ids.to_numpy().astype(str), ranks)).tolist())

    @property
    def effects(self) -> Mapping[str, FocusEffect]:
        """The project's effect on the focus of each candidate's park, by park id."""
        return self.sites.effects

    @cached_property
    def doubt(self) -> Doubt | None:
        """How sure the order is; None without candidates."""
        return None if self.scored is None else doubt_of(self.scored, draws=self.draws)

    @cached_property
    def candidates(self) -> gpd.GeoDataFrame:
        """One row a candidate, best first, in the storage CRS.

        Columns: `candidate_id, kind, park_id, rank, score, area_m2, members, illustrative,
        has_unknowns, first, in_top3`, the focus effect (`focus_share_before`,
        `focus_share_after`, `focus_verdict_before`, `focus_verdict_after`) and each
        criterion's raw value under its name, in its unit.
        """
        order = list(self.order)
        rows = [self._row(self.sites.candidates[position]) for position in order]
        frame = pd.DataFrame(rows, columns=_COLUMNS)
        if self.scored is not None and self.doubt is not None:
            ids = self.sites.ids[order]
            result = self.scored.result.loc[ids]
            frame["rank"] = result["rank"].to_numpy()
            frame["score"] = result["score"].to_numpy()
            for name in ("first", "in_top3"):
                frame[name] = self.doubt.acceptability.loc[ids, name].to_numpy()
            for name in self.scored.raw.columns:
                frame[name] = self.scored.raw.loc[ids, name].to_numpy()
        shapes = gpd.GeoSeries(list(self.sites.shapes[order]), crs=self.plan.metric_crs)
        return gpd.GeoDataFrame(frame, geometry=shapes.to_crs(STORAGE_CRS), crs=STORAGE_CRS)

    def _row(self, candidate: Candidate) -> dict[str, Any]:
        effect = self.effects.get(candidate.park_id or "")
        return {
            "candidate_id": candidate.candidate_id,
            "kind": candidate.kind.value,
            "park_id": candidate.park_id,
            "area_m2": candidate.area_m2,
            "members": ";".join(candidate.members),
            "illustrative": candidate.illustrative,
            "has_unknowns": candidate.candidate_id in self.unknowns,
            "focus_share_before": effect.before.share if effect else None,
            "focus_share_after": effect.after.share if effect else None,
            "focus_verdict_before": effect.before.verdict.value if effect else None,
            "focus_verdict_after": effect.after.verdict.value if effect else None,
        }

    @cached_property
    def ranks_in_parks(self) -> Mapping[str, int]:
        """By candidate id, its place among the candidates of its park, 1 the best there."""
        seen: Counter[str] = Counter()
        ranks = {}
        for position in self.order:
            candidate = self.sites.candidates[position]
            if candidate.park_id is not None:
                seen[candidate.park_id] += 1
                ranks[candidate.candidate_id] = seen[candidate.park_id]
        return ranks

    def explain(self, candidate_id: str) -> Explanation:
        """Return why a candidate stands where it does; NotFoundError for one that is not ranked."""
        self.sites.position_of(candidate_id)
        assert self.scored is not None  # noqa: S101 - what is ranked has been scored
        assert self.doubt is not None  # noqa: S101 - as above
        unknowns = self.unknowns.get(candidate_id, ())
        return explain(candidate_id, self.sites, self.scored, self.doubt, unknowns)

    def notes(self) -> tuple[Message, ...]:
        """Return what a reader must know of how the figures came about."""
        found = list(self.scored.notes) if self.scored else []
        if self.is_reweighed:
            found.insert(0, Message("note.reweighed", {"ranking": self.ranking_id}))
        basis = self.plan.settings.focus_basis
        if self.effects and amount_of(self.project, basis) is None:
            values = {"basis": Message(f"basis.{basis}"), "field": _AMOUNT_FIELDS[basis]}
            found.append(Message("note.no_amount", values))
        if self.sites.has_travelled and self.sites.cut_off:
            found.append(cut_off_note(self.sites.cut_off))
        if self.plan.withheld:
            found.append(Message("note.of_what_is_seen"))
        if self.plan.only_parks is not None:
            found.append(Message("note.of_own_parks"))
        if any(candidate.illustrative for candidate in self.sites.candidates):
            found.append(Message("note.illustrative"))
        return tuple(found)

    def reweigh(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        method: str | None = None,
        normalisation: str | None = None,
    ) -> Ranking:
        """Return the same candidates scored with other weights, method or normalisation.

        Weights that are left out stay as they are; nothing is measured again.

        Raises
        ------
        InvalidQueryError
            A weight, method or normalisation that cannot be used.
        NotFoundError
            A weight for a criterion that the ranking does not have.
        """
        wanted = dict(weights or {})
        project = self.project.model_copy(
            update={
                "method": method or self.project.method,
                "normalisation": normalisation or self.project.normalisation,
                "weights": self.project.weights if weights is None else Weights(),
            }
        )
        if self.scored is None:
            return replace(self, project=project, is_reweighed=True)
        names = {item.name for item in self.scored.chosen}
        for name in wanted:
            if name not in names:
                msg = said("problem.no_criterion", name=repr(name[:80]))
                raise NotFoundError(msg)
        now = self.scored
        scored = self._by(project)
        if weights is None:
            scored = replace(
                scored, weights=now.weights, weights_from=now.weights_from, ahp=now.ahp
            )
        else:
            own_weights = {name: float(now.weights[name]) for name in names}
            scored = scored.weighed({**own_weights, **wanted})
        return replace(self, project=project, scored=scored, draws=QUICK_DRAWS, is_reweighed=True)

    @property
    def weighed_project(self) -> Project:
        """The project with the weights that the ranking is scored by, as its own wishes."""
        if self.scored is None:
            return self.project
        criteria = {
            str(name): self.project.criteria.get(str(name), Wish()).model_copy(
                update={"weight": float(weight)}
            )
            for name, weight in self.scored.weights.items()
        }
        return self.project.model_copy(update={"criteria": criteria, "weights": Weights()})

    def _by(self, project: Project) -> Scored:
        """Return the same measures by a project's method, made ready once, with some weights."""
        scored = self.scored
        assert scored is not None  # noqa: S101 - asked only of a ranking with candidates
        wanted = (project.method, project.normalisation)
        if wanted == (scored.method, scored.normalisation):
            return scored
        if wanted not in self._prepared:
            made = score_table(
                scored.raw,
                scored.chosen,
                method=project.method,
                normalisation=project.normalisation,
                weights=Weights(method="equal"),
            )
            self._prepared[wanted] = replace(made, notes=scored.notes)
        return self._prepared[wanted]


_COLUMNS = [
    "candidate_id",
    "kind",
    "park_id",
    "rank",
    "score",
    "area_m2",
    "members",
    "illustrative",
    "has_unknowns",
    "first",
    "in_top3",
    "focus_share_before",
    "focus_share_after",
    "focus_verdict_before",
    "focus_verdict_after",
]
_AMOUNT_FIELDS = {
    FocusBasis.OUTPUT: "output_cny",
    FocusBasis.LAND: "needs.land_m2",
    FocusBasis.FLOOR_AREA: "needs.floor_area_m2",
    FocusBasis.ENTERPRISES: "",
}


def rank(
    plan: Plan | HasPlan,
    project: Project | Mapping[str, Any] | str | PathLike[str],
    rulebook: Rulebook | None = None,
    *,
    as_of: date | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Return where a project fits in a plan: candidates by rank, and what is excluded and why.

    Parameters
    ----------
    plan
        The layers to search, never changed; or a scenario.
    project
        The project: a `Project`, its fields as a mapping, or the path of its YAML or JSON file.
    rulebook
        The rules that forbid places; the workspace's own, or the shipped ones, when None.
    as_of
        The day on which rules must be in force; today when None.
    progress
        Called before each step with (done, total, name of the step).

    Raises
    ------
    ProjectError
        The project breaks its form; every fault is listed.
    RulebookError
        The workspace's rulebook breaks its form.

    Examples
    --------
    >>> import geo_service as gs
    >>> project = {"name": "Packaging", "industry_code": "2231", "needs": {"land_m2": 20000}}
    >>> ranking = gs.rank(gs.open_plan("layers/yunyang"), project)
    >>> bool(ranking.candidates["rank"].is_monotonic_increasing)
    True
    """
    return rank_project(plan, _read_project(project), rulebook, as_of=as_of, progress=progress)


def rank_project(
    plan: Plan | HasPlan,
    project: Project,
    rulebook: Rulebook | None = None,
    *,
    as_of: date | None = None,
    progress: Progress | None = None,
    judged: Judged | None = None,
) -> Ranking:
    """Return where a project that was read already fits in a plan; see `rank`.

    `judged` is what the rules say against its parts, where that is known (`judge_parts`).
    """
    plan = plan_of(plan)
    rules = rulebook or open_rulebook(plan.settings.rulebook_path)
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    tell = _teller(progress)

    chosen = choose_criteria(project)
    check_matrix(project.weights, chosen)
    screening = screen(plan, project, rules, as_of=day, tell=tell, judged=judged)
    tell("focus")
    standing = screening.sites.candidates
    park_ids = list(dict.fromkeys(item.park_id for item in standing if item.park_id))
    told = [] if is_focus_withheld(plan) else park_ids
    effects = focus_effects(plan, project, rules, told, as_of=day)
    screening = replace(screening, sites=screening.sites.with_effects(effects))
    tell("criteria")
    raw = pd.DataFrame({item.name: measure(item.criterion, screening.sites) for item in chosen})
    if project.unknown == "exclude":
        screening = screening.without(_unmeasured(raw, chosen))
        raw = raw.loc[screening.sites.ids]
    tell("score")
    scored = None
    if len(screening.sites):
        scored = score_table(
            raw,
            chosen,
            method=project.method,
            normalisation=project.normalisation,
            weights=project.weights,
        )
    return Ranking(
        ranking_id=ranking_id_of(plan, rules, project, day),
        plan=plan,
        rulebook=rules,
        project=project,
        as_of=day,
        screening=screening,
        scored=scored,
        misses=() if scored is not None else nearest_misses(screening, project),
    )


def _read_project(project: Project | Mapping[str, Any] | str | PathLike[str]) -> Project:
    if isinstance(project, Project):
        return project
    if isinstance(project, Mapping):
        return project_of(project)
    if isinstance(project, (str, PathLike)):
        return open_project(Path(project))
    found, expected = type(project).__name__, said("fault.a_project")
    raise unusable_project([Fault(file=said("fault.project"), found=found, expected=expected)])


def _teller(progress: Progress | None) -> Callable[[str], None]:
    def tell(step: str) -> None:
        if progress is not None:
            progress(_STEPS.index(step), len(_STEPS), step)

    return tell


def _unmeasured(
    raw: pd.DataFrame, chosen: Sequence[ChosenCriterion]
) -> dict[str, tuple[Reason, ...]]:
    """Return by candidate id the criteria that it lacks the value of and others have."""
    is_lacking = raw.isna() & ~raw.isna().all()
    return {
        str(candidate_id): tuple(
            Reason(
                rule_id=f"project.criteria.{item.name}",
                verdict=Verdict.UNKNOWN,
                detail=Message("reason.criterion_unknown", {"criterion": item.criterion.title}),
                measure={"measure": item.name, "value": None},
            )
            for item in chosen
            if is_lacking.loc[candidate_id, item.name]
        )
        for candidate_id in raw.index[is_lacking.any(axis=1)]
    }


def ranking_id_of(plan: Plan, rules: Rulebook, project: Project, day: date) -> str:
    """Return a ranking's id, a hash of its inputs, so that the same question has the same id."""
    asked = orjson.dumps(project.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    content = f"{plan.version}\n{rules.version}\n{day.isoformat()}\n".encode() + asked
    return "s-" + hashlib.sha256(content).hexdigest()[:12]
