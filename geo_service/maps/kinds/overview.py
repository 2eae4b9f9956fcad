"""The map of a county at a glance: parks with their verdicts, findings, and the ground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np

from geo_service.crs import STORAGE_CRS
from geo_service.domain.subjects import illustrative_subjects
from geo_service.language import Translator
from geo_service.maps.kinds.plan import Maker, PlanData, Rows, is_located
from geo_service.maps.layers import PARK_COLUMNS, Box, FeatureList, ListGroup, MapLayer
from geo_service.maps.style import OTHER
from geo_service.maps.themes import ParkTheme, themes_of
from geo_service.model import BasisGroup, Tier, Verdict
from geo_service.reports.document import (
    Document,
    basis_words,
    collection,
    finding_properties,
    focus_figures,
    plain,
)
from geo_service.zoning.names import township_names

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.maps.kinds import MapInput
    from geo_service.model import Finding
    from geo_service.zoning.review import Review

FINDINGS_SOURCE = "findings"
TOP_FINDINGS = 5
"""How many findings a park's popup spells out."""
FOCUS_FIGURES = ("basis", "year", "shares", "top_industry", "top_share", "hhi", "enterprise_count")
"""What a park shows on the map; of its enterprises only shares, counts and sums (`themes`)."""


class OverviewData(PlanData):
    """The sources of one review: parks with their verdicts, findings, and the ground."""

    kind: ClassVar[str] = "overview"
    groups: ClassVar[tuple[str, ...]] = ("parks", "verdicts", "bases", "land", "zones", "ground")
    has_themes: ClassVar[bool] = False
    """Whether parks may be coloured by more than their verdict."""

    def __init__(
        self,
        review: Review,
        translator: Translator,
        base: PlanData | None = None,
        *,
        verdicts_before: Mapping[str, str] | None = None,
    ) -> None:
        """Take a review; `verdicts_before` are its parks' verdicts in the one before."""
        super().__init__(review.plan, translator, base)
        self.review = review
        self._verdicts_before = verdicts_before

    @cached_property
    def themes(self) -> tuple[ParkTheme, ...]:
        """What parks may be coloured by beside their verdict."""
        if not self.has_themes:
            return ()
        return themes_of(self.review, self.translator, self._verdicts_before)

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the parks and the findings."""
        return {"parks": self._parks, "findings": self._findings}

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.title", county=self.county_name)

    def subtitle(self) -> str:
        """Say how many parks of each tier there are (1 + 5 + 42) and what they are."""
        counts = Counter(self.column("parks", "tier"))
        parts = []
        for tier in Tier:
            name = self.text(f"tier.{tier}" if counts[tier] == 1 else f"tier_many.{tier}")
            parts.append(self.text("map.tier_count", count=counts[tier], tier=name))
        return " + ".join(parts)

    def about(self) -> list[str]:
        """Say what the verdicts rest on: day, rulebook, data, basis of shares."""
        basis = self.text(f"basis.{self.plan.settings.focus_basis}")
        return [
            self.text("map.about_day", day=self.review.as_of.isoformat()),
            self.text("map.about_rulebook", version=self.review.rulebook.version),
            *super().about(),
            self.text("map.about_basis", basis=basis),
        ]

    def verdicts(self) -> dict[str, int] | None:
        """Return how many parks have each verdict."""
        return {str(name): count for name, count in self.review.verdicts.items()}

    def lists(self) -> list[FeatureList]:
        """Return the list of parks by tier."""
        groups = tuple(ListGroup(value=tier, label=self.text(f"tier.{tier}")) for tier in Tier)
        parks = FeatureList(
            source="parks", column="tier", groups=groups, note="park", more="share", form="share"
        )
        return [parks]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield parks by tier and verdict, findings, land, zones and the ground."""
        yield from self.tier_layers()
        yield from self.verdict_layers()
        yield from self.basis_layers()
        yield MapLayer(
            name="findings", group="verdicts", source="findings", title="map.findings", min_zoom=12
        )
        for name, zoom in (("sub_areas", 11), ("parcels", 13), ("buildings", 14)):
            yield self.plan_layer(name, group="land", min_zoom=zoom)
        yield from self.zone_layers()
        yield from self.context_layers()

    def verdict_layers(self) -> Iterable[MapLayer]:
        """Yield one line a verdict of parks."""
        for verdict in (Verdict.PASS, Verdict.WATCH, Verdict.FAIL, Verdict.UNKNOWN):
            key = f"verdict.{verdict}"
            yield MapLayer(
                name=f"parks.{verdict}",
                group="verdicts",
                source="parks",
                title=key,
                where=("verdict", verdict.value),
                symbols=(key,),
            )

    def basis_layers(self) -> Iterable[MapLayer]:
        """Yield one line a kind of basis on which verdicts rest, the most binding of each."""
        found = set(self.column("parks", "rests_on"))
        for group in BasisGroup:
            if group.value in found:
                key = f"rests_on.{group}"
                yield MapLayer(
                    name=f"parks.rests_on_{group}",
                    group="bases",
                    source="parks",
                    title=key,
                    where=("rests_on", group.value),
                    symbols=(key,),
                )

    def park_rows(self) -> gpd.GeoDataFrame:
        """Return the parks of this map with their verdicts."""
        return self.review.parks

    def park_extra(self, park_id: str) -> Document:
        """Return what a map says of a park beside what every map does."""
        del park_id
        return {}

    def _parks(self) -> Rows:
        """Parks with their verdicts, focus figures and gravest findings."""
        frame = self.park_rows()
        townships = township_names(self.plan)
        groups = self.plan.settings.groups.names
        rows = []
        for cells in frame[list(PARK_COLUMNS)].to_dict("records"):
            row: Document = plain(cells)
            park_id, group = row["park_id"], row["industry_group"]
            figures = focus_figures(self.review.focus[park_id], self.translator)
            row |= {
                "tier_name": self.text(f"tier.{row['tier']}"),
                "verdict_name": self.text(f"verdict.{row['verdict']}"),
                "status_name": self.text(f"status.{row['status'] or OTHER}"),
                "township": self.converted(townships.get(row["township_code"])),
                "speciality": self.converted(row["speciality"]),
                "leading_industry_name": figures["leading_industry_name"],
                "industry_group_name": self.translator.pick(groups[group]) if group else None,
                "top_industry_name": figures["top_industry_name"],
                "top_findings": self._top_findings(park_id),
                "short_name": self.short_name(row),
                "themes": {
                    theme.name: {
                        "symbol": theme.symbols[park_id],
                        "figure": theme.figures.get(park_id),
                    }
                    for theme in self.themes
                },
                **self._by_basis(park_id),
                **{name: figures[name] for name in FOCUS_FIGURES},
                **self.park_extra(park_id),
            }
            row = self.titled(park_id, row)
            # A park is found by what it makes as well.
            topics = (figures["leading_industry_name"], row["speciality"])
            row["search"] = "\n".join([row["search"], *self.forms(*topics)])
            rows.append(row)
        return [row["park_id"] for row in rows], rows, frame.geometry.to_numpy()

    def _by_basis(self, park_id: str) -> Document:
        """Return the most binding kind of basis that a verdict rests on, and what each gives."""
        groups = self.review.rests_on[park_id]
        return {
            "rests_on": groups[0].value if groups else None,
            "by_basis": [
                {
                    "name": self.text(f"basis_group.{group}"),
                    "verdict": None if verdict is None else verdict.value,
                    "verdict_name": self.text("rests_on.none")
                    if verdict is None
                    else self.text(f"verdict.{verdict}"),
                }
                for group, verdict in self.review.verdicts_by_basis[park_id].items()
            ],
        }

    def _top_findings(self, park_id: str) -> list[Document]:
        results = self.review.results
        own = results.by_park.get(park_id, np.zeros(0, dtype=np.intp))
        gravest = own[results.counting[own]][:TOP_FINDINGS]
        return [
            {
                "finding_id": item.finding_id,
                "verdict": item.verdict.value,
                "severity": self.text(f"severity.{item.severity}"),
                "title": self.translator.render(item.title),
            }
            for item in results.at(gravest.tolist())
        ]

    # ---- findings: counted by columns, drawn a slice at a time -------------------------------

    def shown_findings(self) -> NDArray[np.intp]:
        """Return the positions of this map's findings in the review, in its order."""
        return np.arange(len(self.review.results))

    @cached_property
    def _finding_positions(self) -> NDArray[np.intp]:
        """The positions of the findings that are drawn or listed."""
        shown = self.shown_findings()
        if self.sources_by_name[FINDINGS_SOURCE].has_unplaced:
            return shown
        return shown[self.review.results.has_geometry[shown]]

    def made_count(self, name: str) -> int:
        """Return how many parks or findings there are."""
        if name == FINDINGS_SOURCE:
            return len(self._finding_positions)
        if name == "parks":
            return int(is_located(self.park_rows()).sum())
        return super().made_count(name)

    def made_column(self, name: str, column: str) -> list[Any]:
        """Return one property of all parks or findings."""
        if name == FINDINGS_SOURCE:
            return self.finding_column(column)
        frame = self.park_rows()
        frame = frame[is_located(frame)]
        if name == "parks" and column == "rests_on":
            groups = [self.review.rests_on[park_id] for park_id in frame["park_id"]]
            return [found[0].value if found else None for found in groups]
        if name == "parks" and column in PARK_COLUMNS:
            return [plain(cell) for cell in frame[column]]
        return super().made_column(name, column)

    def finding_column(self, column: str) -> list[Any]:
        """Return one property of all findings, in their order."""
        results, positions = self.review.results, self._finding_positions
        names = {
            "severity": "severities",
            "verdict": "verdicts",
            "rule_id": "rule_ids",
            "finding_id": "ids",
        }
        if column in names:
            return [str(cell) for cell in getattr(results, names[column])[positions]]
        if column == "source":  # findings are nobody's data
            return [None] * len(positions)
        if column == "illustrative":
            layers, ids = results.subject_layers[positions], results.subject_ids[positions]
            marked = self._illustrative_subjects
            own = [subject in marked for subject in zip(layers, ids, strict=True)]
            parks = [("parks", park_id) in marked for park_id in results.park_ids[positions]]
            return [one or other for one, other in zip(own, parks, strict=True)]
        return super().made_column(FINDINGS_SOURCE, column)

    def document(
        self,
        name: str,
        *,
        bbox: Box | None = None,
        limit: int | None = None,
        offset: int = 0,
        chosen: NDArray[np.intp] | None = None,
    ) -> Document:
        """Return a source as a feature collection; of findings only the slice is drawn.

        `chosen` are positions in the review, of findings that fit a reader's filters. `counts`
        says by column and value how many findings there are in all.
        """
        if name != FINDINGS_SOURCE:
            return super().document(name, bbox=bbox, limit=limit, offset=offset)
        positions = self._finding_positions
        if chosen is not None:
            positions = chosen[np.isin(chosen, positions)]
        if bbox is not None:
            positions = positions[self.review.meeting(bbox, positions)]
        end = None if limit is None else offset + limit
        rows = self._finding_rows(positions[offset:end])
        features, _ = self.drawn(self.sources_by_name[FINDINGS_SOURCE], rows)
        return collection(features, len(positions), counts=self.finding_counts(positions))

    def finding_counts(self, positions: NDArray[np.intp]) -> Document:
        """Return how many of these findings there are by what maps list them by."""
        facets = self.review.table.facets
        mask = np.zeros(len(self.review.results), dtype=bool)
        mask[positions] = True
        named = (("rule_id", "rule"), ("severity", "severity"), ("verdict", "verdict"))
        return {column: facets[facet].counts(mask) for column, facet in named}

    def _findings(self) -> Rows:
        return self._finding_rows(self._finding_positions)

    def _finding_rows(self, positions: NDArray[np.intp]) -> Rows:
        """Findings with what they say and what would cure them."""
        chosen = positions.tolist()
        shapes = self.review.results.geometry(chosen)
        rows = [
            self.finding_row(item, shape)
            for item, shape in zip(self.review.results.at(chosen), shapes, strict=True)
        ]
        in_degrees = gpd.GeoSeries(shapes, crs=self.plan.settings.metric_crs).to_crs(STORAGE_CRS)
        return [row["finding_id"] for row in rows], rows, in_degrees.to_numpy()

    def finding_row(self, item: Finding, shape: BaseGeometry | None) -> Document:
        """Return a finding's properties; `shape` is its geometry in the metric CRS."""
        given = finding_properties(item, self.translator)
        row = {
            name: given[name]
            for name in ("finding_id", "rule_id", "family", "severity", "verdict", "park_id")
        }
        row |= {
            "subject": given["subject"],
            "title": given["title"],
            "cure": given["cure"],
            "severity_name": self.text(f"severity.{item.severity}"),
            "verdict_name": self.text(f"verdict.{item.verdict}"),
            "basis_tag_name": self.text(f"basis_tag.{item.basis_tag}"),
            "legal_basis": " ".join(basis_words(given["legal_basis"])),
            "is_waived": item.waived is not None,
            "is_approved": item.approval is not None,
            "set_aside": self._set_aside(item),
            "illustrative": item.illustrative
            or ("parks", item.park_id) in self._illustrative_subjects,
        }
        if shape is not None:
            park = self._park_shapes.get(item.park_id or "")
            # Such a finding is drawn as an outline, so that the park's land stays in sight.
            row["is_whole_park"] = park is not None and shape.equals_exact(park, 0.01)
        return {**self.titled(item.finding_id, row), "search": ""}

    def _set_aside(self, item: Finding) -> str | None:
        """Return why a finding does not count; None for one that does."""
        if item.approval is not None:
            number, authority = item.approval["document_number"], item.approval["authority"]
            return self.text("map.is_approved", number=number, authority=authority)
        if item.waived is not None:
            until, reason = item.waived["expires_on"], item.waived["reason"]
            return self.text("map.is_waived", until=until, reason=reason)
        return None

    @cached_property
    def _park_shapes(self) -> Mapping[str, Any]:
        parks = self.plan.metric("parks")
        return dict(zip(parks["park_id"], parks.geometry, strict=True))

    @cached_property
    def _illustrative_subjects(self) -> frozenset[tuple[str, str]]:
        return illustrative_subjects(self.plan)


class CountyData(OverviewData):
    """The sources of the map of the whole county."""

    has_themes: ClassVar[bool] = True


def states_of(subject: MapInput) -> tuple[CountyData]:
    """Return the data of the map of a review."""
    earlier = subject.verdicts_before
    if earlier is None and subject.before is not None:
        earlier = {name: str(found) for name, found in subject.before.park_verdicts.items()}
    review: Review = subject.need("review")
    return (CountyData(review, subject.translator, subject.base, verdicts_before=earlier),)
