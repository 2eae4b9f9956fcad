"""The map of a ranking: candidates by score and rank, excluded ones with their reasons.

The way from a candidate to the nearest facility of each kind is drawn when it is selected:
the service is asked for it, a standalone page carries those of the best candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
import shapely

from geo_service.maps.kinds.plan import Maker, PlanData
from geo_service.maps.layers import (
    FEATURE_SOURCES,
    FeatureList,
    FeatureSource,
    ListGroup,
    MapLayer,
    PopupField,
)
from geo_service.maps.style import SCORE_CLASSES
from geo_service.reports.ranking import ranking_features, route_features
from geo_service.suitability.candidates import CandidateKind

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import Rows
    from geo_service.reports.document import Document
    from geo_service.suitability.rank import Ranking

ROUTED = 10
"""For how many candidates, best first, a standalone page carries the ways to facilities."""
CANDIDATES = FeatureSource(
    name="candidates",
    key="candidate_id",
    symbol="candidate",
    symbol_column="class",
)
PARKS = FeatureSource(
    name="parks",
    key="park_id",
    columns=("park_id", "tier", "leading_industry", "status"),
    named_columns={"tier": "tier", "status": "status"},
    symbol="layer.parks",
    fields=(
        PopupField(key="tier_name", label="kind"),
        PopupField(key="leading_industry", label="leading_industry"),
        PopupField(key="status_name", label="status"),
        PopupField(key="park_id", label="id"),
    ),
)
_DROPPED = frozenset({"findings", "sub_areas"})


def _sources_by_name() -> Mapping[str, FeatureSource]:
    known: dict[str, FeatureSource] = {}
    for name, source in FEATURE_SOURCES.items():
        if name not in _DROPPED:
            known[name] = PARKS if name == "parks" else source
        if name == "buildings":
            known["candidates"] = CANDIDATES
    return MappingProxyType(known)


class RankingData(PlanData):
    """The sources of the map of one ranking."""

    kind: ClassVar[str] = "ranking"
    sources_by_name: Mapping[str, FeatureSource] = _sources_by_name()
    groups: ClassVar[tuple[str, ...]] = ("candidates", "parks", "land", "zones", "ground")

    def __init__(
        self, ranking: Ranking, translator: Translator, base: PlanData | None = None
    ) -> None:
        super().__init__(ranking.plan, translator, base)
        self.ranking = ranking

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the candidates and the parks."""
        return {"candidates": self._candidates, "parks": lambda: self.rows(PARKS)}

    def _candidates(self) -> Rows:
        """Candidates by rank, then excluded ones, with their class of score."""
        found = ranking_features(self.ranking, self.translator)
        scores = [
            item["properties"]["score"]
            for item in found
            if item["properties"]["status"] == "ranked"
        ]
        rows = []
        for item in found:
            given = item["properties"]
            is_ranked = given["status"] == "ranked"
            row = {
                **given,
                "name": given["label"],
                "kind_name": self.text(f"map.candidate_{given['kind']}"),
                "class": score_class(given["score"], scores) if is_ranked else "excluded",
                # Of the places in one park only the best has a mark in a view from afar.
                "is_foremost": is_ranked and given.get("place_in_park") in {1, None},
            }
            rows.append({**self.titled(given["candidate_id"], row), "name": given["label"]})
        shapes = [shapely.from_geojson(_json(item["geometry"])) for item in found]
        return [row["candidate_id"] for row in rows], rows, shapes

    def routes(self, candidate_ids: Sequence[str]) -> dict[str, list[Document]]:
        """Return the ways from candidates to the nearest facilities, by candidate id."""
        return {
            candidate_id: route_features(self.ranking, candidate_id, self.translator)
            for candidate_id in candidate_ids
        }

    def best(self) -> list[str]:
        """Return the ids of the best candidates, as many as a standalone page carries ways of."""
        return [
            str(item["id"])
            for item in self.features("candidates")[:ROUTED]
            if item["properties"]["status"] == "ranked"
        ]

    def criteria(self) -> list[dict[str, Any]]:
        """Return the name and label of every criterion that was scored, and how it is written."""
        scored = self.ranking.scored
        if scored is None:
            return []
        found = []
        for item in scored.chosen:
            factor, word = self.translator.unit(item.criterion.unit)
            label = self.translator.render(item.criterion.title)
            found.append({"name": item.name, "label": label, "factor": factor, "word": word})
        return found

    # ---- what the map has -------------------------------------------------------------------

    def title(self) -> str:
        """Return the map's title: the project's name."""
        return self.text(
            "map.ranking_title", county=self.county_name, project=self.ranking.project.name
        )

    def subtitle(self) -> str:
        """Say how many candidates stand and how many are excluded, and which ranking it is."""
        return self.text(
            "map.ranking_subtitle",
            ranked=len(self.ranking.sites),
            excluded=len(self.ranking.excluded),
            id=self.ranking.ranking_id,
        )

    def about(self) -> list[str]:
        """Say what the ranking rests on: day, rulebook, data."""
        return [
            self.text("map.about_ranked", day=self.ranking.as_of.isoformat()),
            self.text("map.about_rulebook", version=self.ranking.rulebook.version),
            *super().about(),
        ]

    def lists(self) -> list[FeatureList]:
        """Return the candidates by rank, then those that are excluded."""
        groups = tuple(
            ListGroup(value=status, label=self.text(f"map.candidates_{status}"))
            for status in ("ranked", "excluded")
        )
        return [
            FeatureList(
                source="candidates",
                column="status",
                groups=groups,
                note="candidate",
                more="score",
                form="score",
            )
        ]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield candidates by standing and kind, parks, land, zones and the ground."""
        classes = self.present("candidates", [f"class_{n}" for n in _descending()])
        yield MapLayer(
            name="candidates.ranked",
            group="candidates",
            source="candidates",
            title="map.candidates_ranked",
            where=("status", "ranked"),
            symbols=tuple(f"candidate.{name}" for name in classes),
        )
        yield MapLayer(
            name="candidates.excluded",
            group="candidates",
            source="candidates",
            title="map.candidates_excluded",
            where=("status", "excluded"),
            symbols=("candidate.excluded",),
        )
        kinds = {item["properties"]["kind"] for item in self.features("candidates")}
        for kind in CandidateKind:
            if kind in kinds:
                yield MapLayer(
                    name=f"candidates.{kind}",
                    group="candidates",
                    source="candidates",
                    title=f"map.candidate_{kind}",
                    where=("kind", kind.value),
                )
        yield from self.tier_layers()
        for name, zoom in (("parcels", 13), ("buildings", 14)):
            yield self.plan_layer(name, group="land", min_zoom=zoom, is_shown=False)
        yield from self.zone_layers()
        yield from self.context_layers(facilities_from=11)


def _descending() -> Iterable[int]:
    return range(SCORE_CLASSES, 0, -1)


def _json(geometry: Document) -> str:
    return orjson.dumps(geometry).decode()


def score_class(score: float, scores: Sequence[float]) -> str:
    """Return which of the equal classes between the lowest and the highest score it is in.

    >>> [score_class(score, [0.0, 1.0]) for score in (0.0, 0.2, 0.99, 1.0)]
    ['class_1', 'class_2', 'class_5', 'class_5']
    >>> score_class(0.4, [0.4])
    'class_5'
    """
    low, high = min(scores), max(scores)
    if high == low:
        return f"class_{SCORE_CLASSES}"
    step = int((score - low) / (high - low) * SCORE_CLASSES)
    return f"class_{min(step, SCORE_CLASSES - 1) + 1}"


def states_of(subject: MapInput) -> tuple[RankingData]:
    """Return the data of the map of a ranking."""
    return (RankingData(subject.need("ranking"), subject.translator, subject.base),)
