"""A ranking as documents: what `rank --format json` and `POST /api/rankings` answer.

Numbers are those of the ranking; labels, reasons and notes follow the translator. A facility
that no road reaches has `raw` null and `is_unreachable` true; a missing value has `raw` null.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.model import Message
from geo_service.reports.document import (
    Document,
    basis_document,
    feature,
    geometry_json,
    industry_name,
    plain,
)
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.criteria import CRITERIA
from geo_service.zoning.names import township_names

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.language import Translator
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.certainty import Doubt
    from geo_service.suitability.criteria import Criterion
    from geo_service.suitability.effect import FocusEffect
    from geo_service.suitability.land.search import LandSearch
    from geo_service.suitability.rank import Ranking
    from geo_service.suitability.reasons import Reason
    from geo_service.suitability.scoring import Scored

_SHOWN_PARCELS = 4


def ranking_document(
    ranking: Ranking, translator: Translator, *, top: int | None = None
) -> Document:
    """Return a ranking as one document; `top` limits the candidates, best first."""
    order = ranking.order if top is None else ranking.order[:top]
    size = len(order) + len(ranking.excluded) + 1
    return {
        **ranking_frame(ranking, translator),
        "candidates": next(candidate_lists(ranking, translator, order, size=size), []),
        "excluded": next(excluded_lists(ranking, translator, size=size), []),
    }


def ranking_excerpt(
    ranking: Ranking, translator: Translator, *, top: int | None, of_parks: int
) -> Document:
    """Return what a table tells of a ranking: the best candidates, and how many each rule excludes.

    With `top` these are the best so many wherever they lie, else the best of each park, `of_parks`
    at most. `excluded_by` has the rules that exclude the most first, with an example each.
    """
    order: Sequence[int] = ranking.order
    if top is None:
        candidates, places = ranking.sites.candidates, ranking.ranks_in_parks
        of_park = (places.get(candidates[position].candidate_id) for position in order)
        best = [each for each, place in zip(order, of_park, strict=True) if place in {None, 1}]
        order = best[:of_parks]
    else:
        order = order[:top]
    counts: Counter[str] = Counter()
    examples: dict[str, tuple[Candidate, Reason]] = {}
    for item in ranking.excluded:
        for reason in item.reasons:
            counts[reason.rule_id] += 1
            examples.setdefault(reason.rule_id, (item.candidate, reason))
    names = _names(ranking, translator)

    def told(candidate: Candidate, reason: Reason) -> str:
        label = candidate_identity(candidate, names, translator)["label"]
        return f"{label}: {translator.render(reason.detail)}"

    return {
        **ranking_frame(ranking, translator),
        "candidates": next(candidate_lists(ranking, translator, order, size=len(order) + 1), []),
        "ranked": 0 if ranking.scored is None or ranking.doubt is None else len(ranking.order),
        "excluded": len(ranking.excluded),
        "excluded_by": [
            {"rule_id": rule_id, "count": count, "example": told(*examples[rule_id])}
            for rule_id, count in counts.most_common()
        ],
    }


def candidate_lists(
    ranking: Ranking, translator: Translator, order: Sequence[int], *, size: int
) -> Iterator[list[Document]]:
    """Yield a ranking's candidates at these places, so many at a time."""
    if ranking.scored is None or ranking.doubt is None:
        return
    names = _names(ranking, translator)
    # A few of many are read alone.
    some = None if len(order) == len(ranking.order) else ranking.sites.ids[list(order)]
    tables = _Tables.of(ranking.scored, ranking.doubt, some)
    for start in range(0, len(order), size):
        part = order[start : start + size]
        yield [_candidate(ranking, tables, position, names, translator) for position in part]


def excluded_lists(
    ranking: Ranking, translator: Translator, *, size: int
) -> Iterator[list[Document]]:
    """Yield what a ranking excluded with the reasons, so many at a time."""
    names = _names(ranking, translator)
    for start in range(0, len(ranking.excluded), size):
        yield [
            {
                **candidate_identity(item.candidate, names, translator),
                "reasons": [reason_document(reason, translator) for reason in item.reasons],
            }
            for item in ranking.excluded[start : start + size]
        ]


def ranking_frame(ranking: Ranking, translator: Translator) -> Document:
    """Return a ranking as one document, but for its candidates and what was excluded."""
    names = _names(ranking, translator)
    scored = ranking.scored
    return {
        **ranking_summary(ranking, translator),
        "weights": {} if scored is None else plain(scored.weights.to_dict()),
        "criteria": [] if scored is None else _criteria(scored, translator),
        "figure_ranges": {} if scored is None else _figure_ranges(scored),
        "robustness": _robustness(ranking),
        "notes": _notes(ranking, names, translator),
        "land_search": _land_search(ranking.land, translator),
        "nearest_misses": [
            {
                **candidate_identity(miss.candidate, names, translator),
                "reasons": [
                    {**reason_document(reason, translator), "cure": translator.render(cure)}
                    for reason, cure in zip(miss.reasons, miss.cures, strict=True)
                ],
            }
            for miss in ranking.misses
        ],
    }


def ranking_summary(ranking: Ranking, translator: Translator) -> Document:
    """Return what a ranking is of and how it was made, without its candidates."""
    project, settings, scored = ranking.project, ranking.plan.settings, ranking.scored
    return {
        "ranking_id": ranking.ranking_id,
        "plan_version": ranking.plan.version,
        "rulebook_version": ranking.rulebook.version,
        "as_of": ranking.as_of.isoformat(),
        "county": translator.pick(settings.name),
        "county_code": settings.county_code,
        "metric_crs": settings.metric_crs,
        "area_method": settings.area_method.value,
        "focus_basis": settings.focus_basis.value,
        "project": project.model_dump(mode="json", exclude_none=True),
        "industry_name": industry_name(project.industry_code, translator),
        "method": project.method,
        "normalisation": scored.normalisation_name if scored else project.normalisation,
        "weights_from": scored.weights_from if scored else project.weights.method,
        "consistency_ratio": scored.ahp.consistency_ratio if scored and scored.ahp else None,
        "unknown": project.unknown,
        "candidates_count": len(ranking.sites),
        "excluded_count": len(ranking.excluded),
        "illustrative": any(item.illustrative for item in ranking.sites.candidates),
        "confidentiality": settings.confidentiality,
        "map_approval": settings.map_approval,
    }


def _names(ranking: Ranking, translator: Translator) -> Mapping[str, str]:
    """Names of parks by their id, and of the township that new land lies in, by candidate id."""
    parks = ranking.plan.frame("parks")
    names = {
        park_id: translator.convert(name)
        for park_id, name in zip(parks["park_id"], parks["name"], strict=True)
    }
    land = [item for item in ranking.sites.candidates if item.kind is CandidateKind.LAND]
    areas = ranking.plan.metric("township_areas")
    if land and len(areas):
        townships = township_names(ranking.plan)
        tree = shapely.STRtree(areas.geometry.to_numpy())
        centres = shapely.centroid([item.geometry for item in land])
        rows, positions = tree.query(centres, predicate="within")
        codes = areas["township_code"].to_numpy()
        for row, position in zip(rows.tolist(), positions.tolist(), strict=True):
            name = townships.get(codes[position])
            if name:
                names[land[row].candidate_id] = translator.convert(name)
    return names


def candidate_identity(
    candidate: Candidate, names: Mapping[str, str], translator: Translator
) -> dict[str, Any]:
    """Return a candidate's id, kind, park, label, area and members; `names` are those of parks."""
    park = names.get(candidate.park_id or "")
    around = park or names.get(candidate.candidate_id)
    location = _location_in_park(candidate, translator)
    return {
        "candidate_id": candidate.candidate_id,
        "kind": candidate.kind.value,
        "park_id": candidate.park_id,
        "park_name": park,
        "label": translator.text("candidate.in_park", park=around, place=location)
        if around
        else location,
        "area_m2": plain(candidate.area_m2),
        "members": list(candidate.members),
        "illustrative": candidate.illustrative,
    }


def _location_in_park(candidate: Candidate, translator: Translator) -> str:
    if candidate.kind is CandidateKind.FLOORS:
        if not candidate.members:
            return candidate.candidate_id.partition(":")[2]
        building = candidate.members[0].rpartition("/")[0]
        floors = [member.rpartition("/")[2] for member in candidate.members]
        return translator.text("candidate.floors", building=building, floors=floors)
    if candidate.kind is CandidateKind.PARK:
        return translator.text("candidate.park", count=len(candidate.members))
    if candidate.kind is CandidateKind.LAND:
        return translator.text("candidate.land", cell=candidate.candidate_id.partition(":")[2])
    shown = list(candidate.members[:_SHOWN_PARCELS])
    if len(candidate.members) > _SHOWN_PARCELS:
        shown.append("…")
    return translator.text(f"candidate.{candidate.kind}", members=shown)


def _land_search(land: LandSearch | None, translator: Translator) -> Document | None:
    """How much of the county is closed to the project, by what, and what would come nearest."""
    if land is None:
        return None
    miss = land.nearest_miss
    return {
        "cell_m": land.cell_m,
        "county": land.county_source,
        "closed": [
            {
                "cause": item.cause.value,
                "name": item.name,
                "verdict": item.verdict.value,
                "area_m2": plain(item.area_m2),
                "share": plain(item.share),
            }
            for item in land.closed
        ],
        "unjudged": [reason_document(reason, translator) for reason in land.unjudged],
        "largest_free_m2": None if miss is None else plain(miss.area_m2),
        "illustrative": land.illustrative,
    }


def reason_document(reason: Reason, translator: Translator) -> Document:
    """Return what speaks against a candidate, with its rule, measure and legal basis."""
    basis = reason.legal_basis
    return {
        "rule_id": reason.rule_id,
        "verdict": reason.verdict.value,
        "detail": translator.render(reason.detail),
        "measure": plain(reason.measure),
        "legal_basis": None if basis is None else basis_document(basis, translator),
    }


def _figure_ranges(scored: Scored) -> Document:
    """The least and the most of each of the method's own figures, over all candidates."""
    own = scored.result.drop(columns=["score", "rank"])
    return {
        str(name): [plain(float(column.min())), plain(float(column.max()))]
        for name, column in own.items()
    }


def _criteria(scored: Scored, translator: Translator) -> list[Document]:
    low, high = scored.normalised.min(), scored.normalised.max()
    return [
        {
            "name": item.name,
            "label": translator.render(item.criterion.title),
            "unit": item.criterion.unit,
            "sense": item.sense,
            "weight": plain(float(scored.weights[item.name])),
            "scaled_range": [plain(float(low[item.name])), plain(float(high[item.name]))],
            "value_function": None
            if scored.normalisation is not None and not item.is_value_given
            else {"curve": [list(point) for point in item.value.curve()]},
        }
        for item in scored.chosen
    ]


def _rows(frame: pd.DataFrame, some: pd.Index | None) -> Mapping[str, Mapping[str, float]]:
    if some is not None:
        frame = frame.loc[some]
    names = [str(name) for name in frame.columns]
    rows = frame.to_numpy(dtype=float).tolist()
    return {
        str(identity): dict(zip(names, row, strict=True))
        for identity, row in zip(frame.index, rows, strict=True)
    }


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """The frames of a ranking as rows by candidate id: reading a frame cell by cell is slow."""

    result: Mapping[str, Mapping[str, float]]
    raw: Mapping[str, Mapping[str, float]]
    normalised: Mapping[str, Mapping[str, float]]
    contributions: Mapping[str, Mapping[str, float]]
    stability: Mapping[str, Mapping[str, float]]
    weights: Mapping[str, float]
    units: Mapping[str, str]

    @classmethod
    def of(cls, scored: Scored, doubt: Doubt, some: pd.Index | None) -> _Tables:
        """Return the rows of everything that was scored, or of some candidates."""
        return cls(
            result=_rows(scored.result, some),
            raw=_rows(scored.raw, some),
            normalised=_rows(scored.normalised, some),
            contributions=_rows(scored.contributions, some),
            stability=_rows(doubt.acceptability, some),
            weights={str(name): plain(weight) for name, weight in scored.weights.items()},
            units={item.name: item.criterion.unit for item in scored.chosen},
        )

    def figures(self, identity: str) -> Document:
        """Return the figures of a candidate by criterion."""
        found: Document = {}
        raws, scaled = self.raw[identity], self.normalised[identity]
        contributions = self.contributions[identity]
        for name, unit in self.units.items():
            raw = raws[name]
            found[name] = {
                "raw": plain(raw),
                "unit": unit,
                "normalised": plain(scaled[name]),
                "weight": self.weights[name],
                "contribution": plain(contributions[name]),
            }
            if math.isinf(raw):
                found[name]["is_unreachable"] = True
        return found


def _candidate(
    ranking: Ranking,
    tables: _Tables,
    position: int,
    names: Mapping[str, str],
    translator: Translator,
) -> Document:
    candidate = ranking.sites.candidates[position]
    identity = candidate.candidate_id
    result = tables.result[identity]
    return {
        **candidate_identity(candidate, names, translator),
        "rank": int(result["rank"]),
        "place_in_park": ranking.ranks_in_parks.get(identity),
        "score": plain(result["score"]),
        "method_figures": {
            name: plain(value) for name, value in result.items() if name not in {"score", "rank"}
        },
        "criteria": tables.figures(identity),
        "stability": plain(tables.stability[identity]),
        "focus_effect": effect_document(ranking.effects.get(candidate.park_id or "")),
        "unknowns": [
            reason_document(reason, translator) for reason in ranking.unknowns.get(identity, ())
        ],
    }


def effect_document(effect: FocusEffect | None) -> Document | None:
    """Return what a project does to a park's focus: before, after, and the change."""
    if effect is None:
        return None
    return {
        "basis": effect.basis.value,
        "change": plain(effect.change),
        **{
            name: {
                "share": plain(state.share),
                "shares": {basis.value: plain(share) for basis, share in state.shares.items()},
                "hhi": plain(state.hhi),
                "verdict": state.verdict.value,
            }
            for name, state in (("before", effect.before), ("after", effect.after))
        },
    }


def _robustness(ranking: Ranking) -> Document | None:
    doubt = ranking.doubt
    if doubt is None:
        return None
    swap = doubt.swap
    return {
        "draws": doubt.draws,
        "tied_with_first": list(doubt.tied),
        "first_by_method": dict(doubt.firsts),
        "agreement": [
            {
                "methods": list(pair),
                "kendall_tau": plain(row["kendall_tau"]),
                "top3_overlap": plain(row["top_overlap"]),
            }
            for pair, row in zip(
                doubt.agreement.index, doubt.agreement.to_dict("records"), strict=True
            )
        ],
        "smallest_swap": None
        if swap is None
        else {
            "first": swap.first,
            "second": swap.second,
            "change": plain(swap.change),
            "weights": None if swap.weights is None else plain(swap.weights.to_dict()),
            "single": None if swap.single is None else plain(swap.single.to_dict()),
            "is_exact": swap.is_exact,
        },
    }


def _notes(ranking: Ranking, names: Mapping[str, str], translator: Translator) -> list[str]:
    notes = list(ranking.notes())
    if ranking.doubt is not None and ranking.doubt.tied:
        labels = {
            item.candidate_id: candidate_identity(item, names, translator)["label"]
            for item in ranking.sites.candidates
        }
        first = ranking.sites.candidates[ranking.order[0]].candidate_id
        others = [labels[identity] for identity in ranking.doubt.tied]
        notes.insert(0, Message("note.tied", {"first": labels[first], "others": others}))
    return [translator.render(note) for note in notes]


def explanation_document(ranking: Ranking, candidate_id: str, translator: Translator) -> Document:
    """Return why a candidate stands where it does, a sentence a criterion."""
    found = ranking.explain(candidate_id)
    candidate = ranking.sites.candidates[ranking.sites.position_of(candidate_id)]
    return {
        **candidate_identity(candidate, _names(ranking, translator), translator),
        "summary": [translator.render(message) for message in found.summary],
        "sentences": [
            {
                "criterion": sentence.criterion,
                "text": translator.render(sentence.text),
                "normalised": plain(sentence.value),
                "contribution": plain(sentence.contribution),
            }
            for sentence in found.sentences
        ],
    }


def ranking_features(ranking: Ranking, translator: Translator) -> list[Document]:
    """Return ranked candidates, best first, then excluded ones, as features in CRS84.

    `status` is `ranked` or `excluded`; of ranked ones `criteria` holds the figures.
    """
    names = _names(ranking, translator)
    size = len(ranking.order) or 1
    ranked = next(candidate_lists(ranking, translator, ranking.order, size=size), [])
    shapes = _shapes(ranking, [ranking.sites.candidates[position] for position in ranking.order])
    features = [
        feature(item["candidate_id"], shape, {"status": "ranked", **item})
        for item, shape in zip(ranked, shapes, strict=True)
    ]
    shapes = _shapes(ranking, [item.candidate for item in ranking.excluded])
    features += [
        feature(
            item.candidate.candidate_id,
            shape,
            {
                "status": "excluded",
                **candidate_identity(item.candidate, names, translator),
                "reasons": [reason_document(reason, translator) for reason in item.reasons],
            },
        )
        for item, shape in zip(ranking.excluded, shapes, strict=True)
    ]
    return features


def route_features(ranking: Ranking, candidate_id: str, translator: Translator) -> list[Document]:
    """Return the ways from a candidate to the facilities that it reaches soonest, in CRS84."""
    position = ranking.sites.position_of(candidate_id)
    sites, scored = ranking.sites, ranking.scored
    kinds = dict.fromkeys(ranking.project.access)
    if scored is not None:
        kinds |= dict.fromkeys(
            item.criterion.subject or ""
            for item in scored.chosen
            if item.name.startswith("minutes_to_")
        )
    features = []
    for kind in kinds:
        reach = sites.reach(kind)
        route = None if reach is None else reach.route(sites.shapes[position])
        if reach is None or route is None:
            continue
        properties = {
            "facility_kind": kind,
            "facility": translator.convert(sites.nearest_name(kind, position) or ""),
            "kind_name": translator.text(f"facility.{kind}"),
            "minutes": float(reach.minutes(sites.shapes[[position]])[0]),
            "candidate_id": candidate_id,
        }
        line = gpd.GeoSeries([route], crs=ranking.plan.metric_crs).to_crs(STORAGE_CRS)
        features.append(feature(f"{candidate_id}→{kind}", geometry_json(line)[0], properties))
    return features


def _shapes(ranking: Ranking, candidates: Sequence[Candidate]) -> list[Document | None]:
    shapes = [candidate.geometry for candidate in candidates]
    in_degrees = gpd.GeoSeries(shapes, crs=ranking.plan.metric_crs).to_crs(STORAGE_CRS)
    return geometry_json(in_degrees)


def criteria_document(translator: Translator) -> Document:
    """Return every criterion that a project may name, with its defaults."""
    return {"criteria": [_described(item, translator) for item in CRITERIA.values()]}


def _described(criterion: Criterion, translator: Translator) -> Document:
    return {
        "name": criterion.name,
        "label": translator.render(criterion.title),
        "unit": criterion.unit,
        "sense": criterion.sense,
        "default_weight": criterion.weight,
        "needs_park": criterion.needs_park,
        "needs_land": criterion.needs_land,
        "value_function": {"curve": [list(point) for point in criterion.value.curve()]},
    }


def compare_rankings(before: Document, after: Document) -> Document:
    """Return how candidates moved between two documents of rankings, by candidate id."""
    ranks = [
        {item["candidate_id"]: item["rank"] for item in document["candidates"]}
        for document in (before, after)
    ]
    out = [{item["candidate_id"] for item in document["excluded"]} for document in (before, after)]
    moved = [
        {"candidate_id": identity, "before": ranks[0][identity], "after": ranks[1][identity]}
        for identity in ranks[1]
        if identity in ranks[0] and ranks[0][identity] != ranks[1][identity]
    ]
    return {
        "before": before["ranking_id"],
        "after": after["ranking_id"],
        "is_same_plan": before["plan_version"] == after["plan_version"],
        "is_same_rulebook": before["rulebook_version"] == after["rulebook_version"],
        "moved": moved,
        "unmoved": _sorted(
            identity for identity in ranks[1] if ranks[0].get(identity) == ranks[1][identity]
        ),
        "new": _sorted(set(ranks[1]) - set(ranks[0]) - out[0]),
        "gone": _sorted(set(ranks[0]) - set(ranks[1]) - out[1]),
        "newly_excluded": _sorted(set(ranks[0]) & out[1]),
        "no_longer_excluded": _sorted(set(ranks[1]) & out[0]),
    }


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names)
