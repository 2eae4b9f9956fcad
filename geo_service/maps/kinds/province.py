"""The map of a province: counties by how many of their parks fail, and the parks of all.

Everything comes from what a run left of each county; no plan is open. Parks are drawn from tiles
on a served page, so that a hundred counties are one map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import shapely

from geo_service.industry import IndustryGroups
from geo_service.maps.kinds.plan import Maker, PlanData
from geo_service.maps.layers import Box, FeatureList, FeatureSource, ListGroup, MapLayer, PopupField
from geo_service.maps.style import COUNTY_CLASSES
from geo_service.model import Tier, Verdict
from geo_service.plan import Plan, PlanSettings
from geo_service.reports.document import Document, collection, industry_name, plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.language import Translator
    from geo_service.maps.kinds import MapInput, ProvinceOnMap
    from geo_service.maps.kinds.plan import Rows

COUNTIES = FeatureSource(
    name="counties",
    key="code",
    symbol="county_class",
    symbol_column="class",
    fields=(
        PopupField(key="state_name", label="county_state"),
        *(PopupField(key=verdict.value, label=f"parks_{verdict}", form="number") for verdict in (
            Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH, Verdict.PASS)),
        PopupField(key="findings", label="county_findings", form="number"),
        PopupField(key="enterprises", label="county_enterprises", form="number"),
        PopupField(key="year", label="county_year", form="number"),
        PopupField(key="code", label="id"),
    ),
)  # fmt: skip
PARKS = FeatureSource(
    name="province_parks",
    key="id",
    symbol="verdict",
    symbol_column="verdict",
    fields=(
        PopupField(key="county", label="county_of"),
        PopupField(key="verdict_name", label="park_verdict"),
        PopupField(key="tier_name", label="kind"),
        PopupField(key="leading_industry_name", label="industry"),
        PopupField(key="findings", label="county_findings", form="number"),
        PopupField(key="enterprise_count", label="county_enterprises", form="number"),
        PopupField(key="park_id", label="id"),
    ),
    is_detail=True,
)
TILE_COLUMNS = ("id", "park_id", "county_code", "name", "tier", "verdict", "illustrative", "source")
"""Columns of parks that go into tiles."""
_LISTED = ("most", "many", "some", "few", "none", "outdated", "without")
"""Classes of counties, the gravest first."""
_WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH, Verdict.PASS)


class ProvinceData(PlanData):
    """The sources of the map of a province."""

    kind: ClassVar[str] = "province"
    sources_by_name: Mapping[str, FeatureSource] = MappingProxyType(
        {COUNTIES.name: COUNTIES, PARKS.name: PARKS}
    )
    groups: ClassVar[tuple[str, ...]] = ("verdicts", "counties")

    def __init__(self, drawn: ProvinceOnMap, translator: Translator) -> None:
        """Draw what a run left; there is no plan, so that an empty one stands for it."""
        settings = PlanSettings(
            county_code="",
            name=drawn.name,
            metric_crs=drawn.metric_crs,
            groups=IndustryGroups(),
            digest=drawn.version,
        )
        super().__init__(Plan({}, settings), translator)
        self.drawn_of = drawn

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the counties and the parks."""
        return {
            COUNTIES.name: self._counties,
            PARKS.name: lambda: self._parks(np.arange(len(self.drawn_of.parks))),
        }

    def is_tiled(self, name: str) -> bool:
        """Return whether a served page draws a source from tiles: the parks, always."""
        return name == PARKS.name

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.province_title", name=self.county_name)

    def subtitle(self) -> str:
        """Say how many counties there are, and how many of them are drawn."""
        drawn, whole = self.drawn_of, self.drawn_of.counties
        count = int((whole["state"] == "whole").sum())
        return self.text("map.province_subtitle", counties=drawn.county_count, whole=count)

    def about(self) -> list[str]:
        """Say what the verdicts rest on."""
        drawn = self.drawn_of
        lines = [self.text("map.about_day", day=drawn.as_of)]
        if drawn.rulebook_version is not None:
            lines.append(self.text("map.about_rulebook", version=drawn.rulebook_version))
        lacking = drawn.county_count - len(drawn.counties)
        if lacking:
            lines.append(self.text("map.province_lacking", count=lacking))
        return lines

    def verdicts(self) -> dict[str, int] | None:
        """Return how many parks have each verdict."""
        found = self.drawn_of.parks["verdict"]
        return {verdict.value: int((found == verdict).sum()) for verdict in Verdict}

    def lists(self) -> list[FeatureList]:
        """Return the list of counties by class, the gravest first."""
        groups = tuple(
            ListGroup(value=name, label=self.text(f"county_class.{name}")) for name in _LISTED
        )
        return [
            FeatureList(
                source=COUNTIES.name, column="class", groups=groups, note="counties", more="more"
            )
        ]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield one line a verdict of parks, one a class of counties."""
        for verdict in (Verdict.PASS, Verdict.WATCH, Verdict.FAIL, Verdict.UNKNOWN):
            key = f"verdict.{verdict}"
            yield MapLayer(
                name=f"parks.{verdict}",
                group="verdicts",
                source=PARKS.name,
                title=key,
                where=("verdict", verdict.value),
                symbols=(key,),
            )
        present = set(self.drawn_of.counties["class"])
        for name in COUNTY_CLASSES:
            if name in present:
                key = f"county_class.{name}"
                yield MapLayer(
                    name=f"counties.{name}",
                    group="counties",
                    source=COUNTIES.name,
                    title=key,
                    where=("class", name),
                    symbols=(key,),
                )

    def bounds(self) -> Box:
        """Return the box of the counties and the parks."""
        shapes = np.concatenate([self._outlines, self._shapes])
        if not len(shapes):
            return super().bounds()
        west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
        return west, south, east, north

    def is_illustrative(self) -> bool:
        """Return whether anything in a county is made up."""
        return self.drawn_of.is_illustrative

    def credits(self) -> list[str]:
        """Return the sources that the counties' runs named."""
        return list(self.drawn_of.sources)

    # ---- features -------------------------------------------------------------------------------

    def count(self, name: str) -> int:
        """Return how many counties or parks have a place."""
        return len(self._outlines if name == COUNTIES.name else self._placed)

    def column(self, name: str, column: str) -> list[Any]:
        """Return one property of all features of a source; none is drawn for it."""
        if name == PARKS.name and column in self.drawn_of.parks:
            return [plain(cell) for cell in self.drawn_of.parks[column].iloc[self._placed]]
        return super().column(name, column)

    def document(
        self, name: str, *, bbox: Box | None = None, limit: int | None = None, offset: int = 0
    ) -> Document:
        """Return a source as a feature collection; of parks only the slice is drawn."""
        if name != PARKS.name:
            return super().document(name, bbox=bbox, limit=limit, offset=offset)
        positions = self._placed
        if bbox is not None:
            met = shapely.intersects(self._shapes[positions], shapely.box(*bbox))
            positions = positions[met]
        end = None if limit is None else offset + limit
        features, _ = self.drawn(PARKS, self._parks(positions[offset:end]))
        return collection(features, len(positions))

    @property
    def _outlines(self) -> NDArray[np.object_]:
        return np.asarray(self.drawn_of.counties.geometry.to_numpy(), dtype=object)

    @property
    def _shapes(self) -> NDArray[np.object_]:
        return np.asarray(self.drawn_of.parks.geometry.to_numpy(), dtype=object)

    @property
    def _placed(self) -> NDArray[np.intp]:
        shapes = self._shapes
        return np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))

    def _counties(self) -> Rows:
        rows = []
        for cells in self.drawn_of.counties.drop(columns="geometry").to_dict("records"):
            row: Document = plain(cells)
            name = self.translator.pick(row["name"])
            counts = [(verdict, row[verdict.value]) for verdict in _WORST_FIRST]
            row |= {
                "name": name,
                "class_name": self.text(f"county_class.{row['class']}"),
                "state_name": self.text(f"county_state.{row['state']}"),
                "more": " · ".join(
                    f"{self.text(f'verdict.{verdict}')} {count}"
                    for verdict, count in counts
                    if count
                ),
            }
            rows.append(self.titled(row["code"], row))
        return [row["code"] for row in rows], rows, self._outlines

    def _parks(self, positions: NDArray[np.intp]) -> Rows:
        names = {
            code: self.translator.pick(name)
            for code, name in zip(
                self.drawn_of.counties["code"], self.drawn_of.counties["name"], strict=True
            )
        }
        rows = []
        chosen = self.drawn_of.parks.iloc[positions]
        for cells in chosen.drop(columns="geometry").to_dict("records"):
            row: Document = plain(cells)
            identity = row["id"]
            row = {name: row[name] for name in (*TILE_COLUMNS, "findings", "enterprise_count")} | {
                "county": self.converted(names.get(row["county_code"], row["county_code"])),
                "verdict_name": self.text(f"verdict.{row['verdict']}"),
                "tier_name": self.text(f"tier.{Tier(row['tier'])}"),
                "leading_industry_name": industry_name(row["leading_industry"], self.translator)
                if row["leading_industry"]
                else None,
            }
            rows.append({**self.titled(row["park_id"], row), "id": identity})
        return [row["id"] for row in rows], rows, self._shapes[positions]


def states_of(subject: MapInput) -> tuple[ProvinceData]:
    """Return the data of the map of a province."""
    return (ProvinceData(subject.need("province"), subject.translator),)
