"""The map of one park: its land by status and by use, buildings, enterprises, findings.

What surrounds it (control zones, water, roads, neighbours) is drawn within some kilometres;
facilities within more. Of enterprises only what they are goes out, never what they earn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.domain.enterprises import active_enterprises
from geo_service.errors import NotFoundError
from geo_service.maps.kinds.review import FINDINGS, ReviewData
from geo_service.maps.layers import (
    FEATURE_SOURCES,
    Box,
    FeatureList,
    FeatureSource,
    ListGroup,
    MapLayer,
    PopupField,
)
from geo_service.maps.style import BELONGINGS, LAND_USE_CLASSES, OTHER
from geo_service.model import Severity
from geo_service.schema import ZONE_KINDS
from geo_service.wording import said, shorten
from geo_service.zoning.names import named_industry, named_land_use

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.language import Translator
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import Maker, PlanData
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review

NEAR_M = 3_000.0
"""How far around a park its map shows zones, water, roads and neighbours."""
FACILITIES_NEAR_M = 12_000.0
_OWN = frozenset({"parcels", "buildings", "sub_areas", "approved_areas"})

ENTERPRISES = FeatureSource(
    name="enterprises",
    key="enterprise_id",
    columns=("enterprise_id", "park_id", "industry_code", "status", "parcel_id", "building_id"),
    named_columns={"status": "status"},
    symbol="belonging",
    symbol_column="belonging",
    has_unplaced=True,
    fields=(
        PopupField(key="belonging_name", label="belonging"),
        PopupField(key="industry_name", label="industry"),
        PopupField(key="status_name", label="status"),
        PopupField(key="parcel_id", label="parcel"),
        PopupField(key="building_id", label="building"),
        PopupField(key="enterprise_id", label="id"),
    ),
)
_PARCEL_FIELDS = tuple(
    PopupField(key="land_use_name", label="land_use") if field.key == "land_use" else field
    for field in FEATURE_SOURCES["parcels"].fields
)
PARCELS = replace(FEATURE_SOURCES["parcels"], fields=_PARCEL_FIELDS, is_detail=False)
LAND_USES = replace(PARCELS, name="land_uses", symbol="use", symbol_column="use")


def _sources_by_name() -> Mapping[str, FeatureSource]:
    known: dict[str, FeatureSource] = {}
    for name, source in FEATURE_SOURCES.items():
        known[name] = source
        if name == "parcels":
            known |= {"parcels": PARCELS, "land_uses": LAND_USES}
        if name == "buildings":
            known[name] = replace(source, is_detail=False)
    return MappingProxyType({**known, "findings": FINDINGS, "enterprises": ENTERPRISES})


class ParkData(ReviewData):
    """The sources of the map of one park under one review."""

    kind: ClassVar[str] = "park"
    sources_by_name: Mapping[str, FeatureSource] = _sources_by_name()
    groups: ClassVar[tuple[str, ...]] = (
        "enterprises",
        "land",
        "land_uses",
        "rules",
        "verdicts",
        "bases",
        "finding_verdicts",
        "zones",
        "parks",
        "ground",
    )
    finding_zoom: ClassVar[int] = 0

    def __init__(
        self,
        review: Review,
        translator: Translator,
        base: PlanData | None = None,
        *,
        park_id: str,
    ) -> None:
        """Take one park; NotFoundError for an id that the review has no park of."""
        del base  # every source is cut to the park's surroundings
        super().__init__(review, translator)
        if park_id not in review.park_ids:
            shown = shorten(park_id)
            msg = said("problem.no_park_here", park=repr(shown))
            raise NotFoundError(msg)
        self.park_id = park_id
        parks = review.plan.metric("parks")
        self._own = parks.geometry[parks["park_id"] == park_id].iloc[0]

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the sources that only a park's map has."""
        return {
            **super().makers(),
            "enterprises": lambda: self.rows(ENTERPRISES),
            "land_uses": lambda: self.rows(LAND_USES, "parcels"),
        }

    # ---- what is near -----------------------------------------------------------------------

    def _window(self, far_m: float) -> Box:
        """The box around the park in degrees, `far_m` wider than it on each side."""
        west, south, east, north = self._own.bounds
        window = shapely.box(west - far_m, south - far_m, east + far_m, north + far_m)
        import geopandas as gpd  # noqa: PLC0415 - one use

        found = gpd.GeoSeries([window], crs=self.plan.metric_crs).to_crs(STORAGE_CRS).total_bounds
        return float(found[0]), float(found[1]), float(found[2]), float(found[3])

    def bounds(self) -> Box:
        """Return the box of the park with a little room around it."""
        width = max(self._own.bounds[2] - self._own.bounds[0], 200.0)
        return self._window(0.12 * width)

    def frame(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer's features that are the park's, or lie near it."""
        if name == "enterprises":
            return self._enterprises
        frame = self.plan.geo(name)
        if name in _OWN:
            return frame[frame["park_id"] == self.park_id]
        if name == "county":
            return frame
        window = shapely.box(*self._window(FACILITIES_NEAR_M if name == "facilities" else NEAR_M))
        return frame[shapely.intersects(frame.geometry.to_numpy(), window)]

    @cached_property
    def _enterprises(self) -> gpd.GeoDataFrame:
        """The park's enterprises of the latest year that are not closed."""
        active = active_enterprises(self.plan)
        frame = self.plan.geo("enterprises").loc[active.index]
        return frame[(frame["park_id"] == self.park_id).fillna(value=False)]

    def shown_findings(self) -> NDArray[np.intp]:
        """Return the positions of the park's findings in the review, in its order."""
        return self.review.results.by_park.get(self.park_id, np.zeros(0, dtype=np.intp))

    def park_rows(self) -> gpd.GeoDataFrame:
        """Return the park and its neighbours with their verdicts."""
        parks = self.review.parks
        window = shapely.box(*self._window(NEAR_M))
        is_near = shapely.intersects(parks.geometry.to_numpy(), window)
        is_own = (parks["park_id"] == self.park_id).to_numpy(dtype=bool)
        return parks[np.logical_or(is_near, is_own)]

    def worded(self, source: FeatureSource, identity: str, row: Document) -> Document:
        """Add how an enterprise belongs, and which class of use a parcel is of."""
        if source.name == "enterprises":
            focus = self.review.focus[self.park_id]
            row["belonging"] = focus.belonging(row["industry_code"]).value
            row["belonging_name"] = self.text(f"belonging.{row['belonging']}")
            code = row["industry_code"]
            row["industry_name"] = self.translator.render(named_industry(code)) if code else None
        if source.name in {"parcels", "land_uses"} and row.get("land_use"):
            code, scheme = row["land_use"], row.get("land_use_scheme")
            row["land_use_name"] = self.translator.render(named_land_use(scheme, code))
            row["use"] = _use_class(scheme, code)
        return super().worded(source, identity, row)

    # ---- what the map has -------------------------------------------------------------------

    def title(self) -> str:
        """Return the map's title: the park's name."""
        name = str(self.park_names.get(self.park_id) or self.park_id)
        return self.text("map.park_title", park=name)

    def subtitle(self) -> str:
        """Say what the map shows and by which review."""
        return self.text("map.park_subtitle", county=self.county_name, id=self.review.review_id)

    def verdicts(self) -> None:
        """Leave out the verdicts of parks: there is one."""

    def lists(self) -> list[FeatureList]:
        """Return the park's findings by severity and its enterprises by belonging."""
        findings = FeatureList(
            source="findings",
            column="severity",
            groups=tuple(
                ListGroup(value=name.value, label=self.text(f"severity.{name}"))
                for name in Severity
            ),
            note="finding",
            more="rule_no",
        )
        enterprises = FeatureList(
            source="enterprises",
            column="belonging",
            groups=tuple(
                ListGroup(value=name, label=self.text(f"belonging.{name}")) for name in BELONGINGS
            ),
            note="enterprises",
            more="industry_code",
        )
        return [findings, enterprises]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield enterprises, land by status and by use, findings, and the surroundings."""
        for name in self.present("enterprises", BELONGINGS):
            key = f"belonging.{name}"
            yield MapLayer(
                name=f"enterprises.{name}",
                group="enterprises",
                source="enterprises",
                title=key,
                where=("belonging", name),
                symbols=(key,),
            )
        for name, zoom in (("parcels", 0), ("buildings", 0), ("sub_areas", 0)):
            yield self.plan_layer(name, group="land", min_zoom=zoom)
        yield self.plan_layer("approved_areas", group="land", is_shown=False)
        for name in self.present("land_uses", (*LAND_USE_CLASSES, OTHER)):
            yield MapLayer(
                name=f"land_uses.{name}",
                group="land_uses",
                source="land_uses",
                title=f"use.{name}",
                where=("use", name),
                is_shown=False,
                symbols=(f"use.{name}",),
            )
        for layer in self.finding_layers():
            if layer.group in self.groups:
                yield layer
        yield from self.zone_layers(shown=ZONE_KINDS)
        yield from self.verdict_layers()
        yield from self.basis_layers()
        yield from self.tier_layers()
        yield from self.context_layers(facilities_from=0)


def _use_class(scheme: str | None, code: str) -> str:
    """Return the broad class of a land-use code, each scheme by its own numbering."""
    prefixes = _CLASS_PREFIXES.get(scheme or "", {})
    return next((name for prefix, name in prefixes.items() if code.startswith(prefix)), OTHER)


_CLASS_PREFIXES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "planning2023": {
            "100101": "industry_1",
            "100102": "industry_2",
            "100103": "industry_3",
            "1001": "industry",
            "11": "logistics",
            "0802": "research",
        },
        "survey3": {"0601": "industry", "0508": "logistics"},
        "gb50137": {
            "M1": "industry_1",
            "M2": "industry_2",
            "M3": "industry_3",
            "M": "industry",
            "W": "logistics",
        },
        "local": {"M0": "research"},
    }
)


def states_of(subject: MapInput) -> tuple[ParkData]:
    """Return the data of the map of one park."""
    park_id = subject.need("park_id")
    return (ParkData(subject.need("review"), subject.translator, park_id=park_id),)
