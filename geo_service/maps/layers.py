"""What a map shows: its layers in groups, its lists, and the features behind them.

A *source* is one GeoJSON document: the rows of a plan's layer with the columns that may
go out, and nothing else. A *map layer* is what a reader switches on and off: a source, or
the part of it with one value in one column. Geometry is in longitude and latitude (CRS84),
rounded to 6 decimals (about a decimetre): these documents are for drawing, not for
measuring. Here are the ground that every map has and the overview; the other maps are
`review_map`, `park_map`, `compare_map` and `ranking_map`. Leaves out symbols (`style`) and
the page (`page`).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson
import shapely

from geo_service.documents import shorten
from geo_service.domain.subjects import illustrative_subjects
from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator, to_simplified
from geo_service.maps.style import MANAGEMENT_BOUNDARY, OTHER, SYMBOLS
from geo_service.model import Tier, Verdict
from geo_service.reports.document import (
    Document,
    collection,
    feature,
    finding_properties,
    focus_figures,
    is_illustrative,
    plain,
)
from geo_service.schema import ZONE_KINDS
from geo_service.wording import said
from geo_service.zoning.names import township_names

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_service.model import Finding
    from geo_service.plan import Plan
    from geo_service.zoning.review import Review

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

COORDINATE_DECIMALS = 6
TOP_FINDINGS = 5
"""How many findings a park's popup spells out."""
TILED_ABOVE_FEATURES = 4_000
"""Features of a detail layer above which served pages draw it from tiles."""
TILED_ABOVE_VERTICES = 200_000
"""The same for vertices: some hundred outlines may be too much for one document."""
MAX_SOURCES = 20
"""How many sources of data the map names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line of a popup: a property and how to write it.

    `form` is `text`, `number`, `share`, `grade`, `floor_m2`, `area_m2` or `area_ha` (of
    land); the label is the message `map.<label>`.
    """

    key: str
    label: str
    form: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document of features.

    `columns` are those that go out as they are; `named` those that go out with a second
    property `<column>_name`, whose text is the message `<section>.<value>`. `symbol` is
    the column that chooses among the symbols `<section>.<value>`, or the key of the one
    symbol.
    """

    name: str
    key: str
    columns: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    symbol: str
    symbol_column: str | None = None
    fields: tuple[Field, ...] = ()
    has_unplaced: bool = False
    """Whether features without a place go out too, to stand in lists."""
    is_detail: bool = False
    """Whether it may be too much for one document, so that served pages draw it from tiles."""


_ID = Field(key="id", label="id")
_PARK = Field(key="park", label="park")

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            Source(name="county", key="code", columns=("code",), symbol="layer.county"),
            Source(
                name="township_areas",
                key="township_code",
                columns=("township_code",),
                symbol="layer.township_areas",
            ),
            Source(
                name="control_zones",
                key="zone_id",
                columns=("zone_id", "kind", "grade", "legal_basis"),
                named={"kind": "zone"},
                symbol="zone",
                symbol_column="kind",
                fields=(
                    Field(key="kind_name", label="kind"),
                    Field(key="grade", label="grade", form="grade"),
                    Field(key="legal_basis", label="legal_basis"),
                    _ID,
                ),
                is_detail=True,
            ),
            Source(
                name="rivers",
                key="river_id",
                columns=("river_id", "rank", "is_management_boundary"),
                named={"kind": "river"},
                symbol="river",
                symbol_column="kind",
                fields=(Field(key="kind_name", label="kind"),),
                is_detail=True,
            ),
            Source(
                name="roads",
                key="road_id",
                columns=("road_id", "class", "speed_km_h"),
                named={"class": "road"},
                symbol="road",
                symbol_column="class",
                fields=(
                    Field(key="class_name", label="kind"),
                    Field(key="speed_km_h", label="speed_km_h", form="number"),
                ),
                is_detail=True,
            ),
            Source(
                name="sub_areas",
                key="sub_area_id",
                columns=("sub_area_id", "park_id"),
                symbol="layer.sub_areas",
                fields=(_PARK, _ID),
            ),
            Source(name="parks", key="park_id", symbol="verdict", symbol_column="verdict"),
            Source(
                name="parcels",
                key="parcel_id",
                columns=(
                    "parcel_id",
                    "park_id",
                    "land_use",
                    "land_use_scheme",
                    "status",
                    "idle_since",
                    "area_m2",
                    "plot_ratio",
                    "building_coefficient",
                ),
                named={"status": "status"},
                symbol="status",
                symbol_column="status",
                fields=(
                    _PARK,
                    Field(key="status_name", label="status"),
                    Field(key="land_use", label="land_use"),
                    Field(key="land_use_scheme", label="land_use_scheme"),
                    Field(key="area_m2", label="area", form="area_m2"),
                    Field(key="plot_ratio", label="plot_ratio", form="number"),
                    Field(key="building_coefficient", label="building_coefficient", form="share"),
                    Field(key="idle_since", label="idle_since"),
                ),
                is_detail=True,
            ),
            Source(
                name="buildings",
                key="building_id",
                columns=("building_id", "park_id", "parcel_id"),
                symbol="layer.buildings",
                fields=(
                    _PARK,
                    Field(key="parcel_id", label="parcel"),
                    Field(key="floors", label="floors", form="number"),
                    Field(key="floor_area_m2", label="floor_area", form="floor_m2"),
                    Field(key="vacant_m2", label="vacant", form="floor_m2"),
                    _ID,
                ),
                is_detail=True,
            ),
            Source(
                name="findings",
                key="finding_id",
                symbol="verdict",
                symbol_column="verdict",
                fields=(
                    _PARK,
                    Field(key="severity_name", label="severity"),
                    Field(key="cure", label="cure"),
                    Field(key="legal_basis", label="legal_basis"),
                    Field(key="basis_tag_name", label="basis_tag"),
                    Field(key="rule_id", label="rule"),
                ),
            ),
            Source(
                name="facilities",
                key="facility_id",
                columns=("facility_id", "kind"),
                named={"kind": "facility"},
                symbol="facility",
                symbol_column="kind",
                fields=(Field(key="kind_name", label="kind"),),
            ),
            Source(
                name="townships",
                key="code",
                columns=("code", "code_scheme", "kind", "alt_code", "position_quality"),
                symbol="layer.townships",
                fields=(
                    Field(key="kind", label="kind"),
                    Field(key="code", label="code"),
                    Field(key="alt_code", label="alt_code"),
                ),
            ),
        )
    }
)
"""Every source by name, from the bottom of the map to its top."""

PARK_COLUMNS = (
    "park_id",
    "name",
    "tier",
    "township_code",
    "leading_industry",
    "industry_group",
    "speciality",
    "status",
    "declared_area_ha",
    "verdict",
    "focus_verdict",
    "findings",
    "illustrative",
    "source",
)
FOCUS_FIGURES = ("basis", "year", "shares", "top_industry", "top_share", "hhi", "enterprise_count")
"""What a park shows on the map; figures of its enterprises only as shares and counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayer:
    """One line of the layer control.

    A feature shows when every layer that its `source` and `where` match is on: a park is
    matched by its tier's layer and by its verdict's.
    """

    name: str
    group: str
    source: str
    title: str
    where: tuple[str, Any] | None = None
    is_shown: bool = True
    min_zoom: int = 0
    symbols: tuple[str, ...] = ()
    """Keys of the symbols that the legend lists for it."""
    text: str | None = None
    """What the line says where that is no message: a rule's title."""
    number: int | None = None
    """The number that stands for it on the map: a rule's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListGroup:
    """One heading of a list: the value that its features have, and what it says."""

    value: str
    label: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureList:
    """One list of the side panel: the features of a source in groups by a column.

    `note` begins the keys of the messages that count the lines (`map.<note>_count`);
    `more` and `form` say what stands at the end of a line; `maps` are the positions of the
    maps whose features are listed.
    """

    source: str
    column: str
    groups: tuple[ListGroup, ...]
    note: str
    more: str
    form: str = "text"
    maps: tuple[int, ...] = (0,)


_Made = tuple[list[Document], "np.ndarray[Any, Any]"]
Maker = Callable[[], "Rows"]


class PlanData:
    """The sources of one plan in one language; each is made once, when first asked for.

    Safe to use from several threads. Names come in the translator's language; each
    feature's `search` holds its names in simplified and traditional characters, and its id.
    """

    kind: ClassVar[str]
    """Which map it is for."""
    known: Mapping[str, Source] = SOURCES
    groups: ClassVar[tuple[str, ...]] = ("parks", "land", "zones", "ground")
    """The groups of the layer control, in order."""

    def __init__(self, plan: Plan, translator: Translator, base: PlanData | None = None) -> None:
        """Take the sources that are alike from `base`, if it is of the same plan."""
        self.translator = translator
        self.plan = plan
        self._base = base
        self._traditional = Translator(Language.ZH_HANT, plan.settings.names_hant)
        self._lock = threading.RLock()
        self._made: dict[str, _Made] = {}

    def sources(self) -> tuple[Source, ...]:
        """Return the sources that have features, from the bottom of the map to its top."""
        return tuple(source for source in self.known.values() if self.count(source.name))

    def is_tiled(self, name: str) -> bool:
        """Return whether a served page draws a source from tiles: all of a big layer."""
        if not self.known[name].is_detail or name in self.makers():
            return False
        frame = self.frame(name)
        return len(frame) == len(self.plan.geo(name)) and is_big(frame)

    def count(self, name: str) -> int:
        """Return how many features a source has."""
        if self.is_tiled(name):
            return int(_is_placed(self.frame(name)).sum())
        return len(self.features(name))

    def column(self, name: str, column: str) -> list[Any]:
        """Return one property of all features of a source; of a big layer without making them."""
        if self.is_tiled(name) and column in self.frame(name).columns:
            frame = self.frame(name)
            cells = frame.loc[_is_placed(frame), column].astype(object)
            return list(cells.where(cells.notna(), None))
        return [item["properties"].get(column) for item in self.features(name)]

    def features(self, name: str) -> list[Document]:
        """Return a source's features; NotFoundError for a name that is no source."""
        return self._source(name)[0]

    def document(
        self, name: str, *, bbox: Box | None = None, limit: int | None = None, offset: int = 0
    ) -> Document:
        """Return a source as a feature collection: the features whose shape meets a box.

        `numberMatched` counts all that meet the box, before `limit` and `offset`.
        """
        if bbox is not None and name in self.known and self.is_tiled(name):
            frame = self.frame(name)
            is_met = shapely.intersects(frame.geometry.to_numpy(), shapely.box(*bbox))
            features = self._make(self.known[name], frame[is_met])[0]
        else:
            features, shapes = self._source(name)
            if bbox is not None:
                met = np.flatnonzero(shapely.intersects(shapes, shapely.box(*bbox)))
                features = [features[place] for place in met]
        end = None if limit is None else offset + limit
        return collection(features[offset:end], len(features))

    def bounds(self) -> Box:
        """Return the box of the county, else of its parks and townships."""
        for names in (("county",), ("parks", "townships")):
            found = [self._source(name)[1] for name in names if name in self.known]
            shapes = np.concatenate([*found, np.empty(0, dtype=object)])
            if len(shapes):
                west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
                return west, south, east, north
        return -170.0, -60.0, 170.0, 75.0

    def _source(self, name: str) -> _Made:
        if name not in self.known:
            shown = shorten(name)
            msg = said("problem.no_map_layer", layer=repr(shown), known=list(self.known))
            raise NotFoundError(msg)
        if self._base is not None and name not in self.makers() and self._is_alike(name):
            return self._base._source(name)  # noqa: SLF001 - of the same class
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(self.known[name])
            return self._made[name]

    def _is_alike(self, name: str) -> bool:
        """Whether a source of the plan is drawn just as on the map that this one is based on."""
        base = self._base
        return base is not None and base.plan is self.plan and base.known.get(name) == SOURCES[name]

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the sources that are not simply a layer of the plan."""
        return {}

    def frame(self, name: str) -> gpd.GeoDataFrame:
        """Return the features of a layer of the plan that this map may show."""
        return self.plan.geo(name)

    def _make(self, source: Source, frame: gpd.GeoDataFrame | None = None) -> _Made:
        make = self.makers().get(source.name)
        ids, rows, shapes = make() if make else self.rows(source, frame=frame)
        if source.name == "townships":
            shapes = shapely.point_on_surface(shapes)
        shapes = np.asarray(shapes, dtype=object)
        drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        if source.has_unplaced:
            drawn[:] = True
        places = np.flatnonzero(drawn)
        made = [
            feature(identity, shape, row)
            for identity, row, shape in zip(
                (ids[place] for place in places),
                (rows[place] for place in places),
                _geometry(shapes[places]),
                strict=True,
            )
        ]
        return made, shapes[places]

    def rows(
        self, source: Source, layer: str | None = None, *, frame: gpd.GeoDataFrame | None = None
    ) -> Rows:
        """Return the rows of a plan's layer, or of a part, with the columns that may go out."""
        frame = self.frame(layer or source.name) if frame is None else frame
        kept = [name for name in ("name", *source.columns) if name in frame.columns]
        columns = [*kept, "illustrative", "source"]
        rows = []
        extra = self._extra(source.name)
        for cells in zip(*(frame[name] for name in columns), strict=True):
            row = plain(dict(zip(columns, cells, strict=True)))
            identity = row[source.key]
            row |= extra.get(identity, {})
            rows.append(self.worded(source, identity, row))
        return [row[source.key] for row in rows], rows, frame.geometry.to_numpy()

    def worded(self, source: Source, identity: str, row: Document) -> Document:
        """Add to a row what its classes are called and what it is found by."""
        if source.name == "rivers":
            is_boundary = row["is_management_boundary"]
            row["kind"] = MANAGEMENT_BOUNDARY if is_boundary else row["rank"]
        for column, section in source.named.items():
            value = row.get(column)
            row[f"{column}_name"] = self.text(f"{section}.{value or OTHER}")
        return self.titled(identity, row)

    def text(self, key: str, **values: object) -> str:
        """Return a text of the catalogue in the map's language."""
        return self.translator.text(key, **values)

    def titled(self, identity: str, row: Document) -> Document:
        """Put the name into the page's language, and give the row what it is found by."""
        name = row.get("name") or ""
        forms = (
            to_simplified(name),
            self._traditional.convert(to_simplified(name)),
            name,
            identity,
        )
        if name:
            row["name"] = self.translator.convert(name)
        row["search"] = "\n".join(dict.fromkeys(form.lower() for form in forms if form))
        park_id = row.get("park_id")
        if park_id is not None and park_id != identity:
            row["park"] = self.park_names.get(park_id, park_id)
        return row

    @cached_property
    def park_names(self) -> Mapping[str, str]:
        """Names of parks by id, in the map's language."""
        parks = self.plan.frame("parks")
        return dict(zip(parks["park_id"], map(self.translator.convert, parks["name"]), strict=True))

    def converted(self, text: str | None) -> str | None:
        """Return a name of the data in the map's script; None for none."""
        return self.translator.convert(text) if text else None

    def _extra(self, name: str) -> Mapping[str, Document]:
        """Properties of a source that come from other layers, by id."""
        if name == "township_areas":
            return {code: {"name": found} for code, found in township_names(self.plan).items()}
        if name == "buildings" and self.plan.has("floors"):
            floors = self.plan.frame("floors")
            sums = floors.groupby("building_id").agg(
                floors=("floor_no", "size"),
                floor_area_m2=("area_m2", lambda cells: cells.sum(skipna=False)),
                vacant_m2=("vacant_m2", lambda cells: cells.sum(skipna=False)),
            )
            return {str(key): plain(row) for key, row in sums.to_dict("index").items()}
        return {}

    # ---- what the map has -----------------------------------------------------------------

    @property
    def county(self) -> str:
        """The county's name in the map's language."""
        return self.translator.pick(self.plan.settings.name)

    def title(self) -> str:
        """Return the map's title."""
        raise NotImplementedError

    def subtitle(self) -> str:
        """Return the line under the title."""
        raise NotImplementedError

    def about(self) -> list[str]:
        """Say what the map rests on: day, rulebook, data."""
        return [self.text("map.about_plan", version=self.plan.version)]

    def lists(self) -> list[FeatureList]:
        """Return the lists of the side panel."""
        return []

    def layers(self) -> list[MapLayer]:
        """Return the layer control's lines: only layers that have features."""
        present = {source.name for source in self.sources()}
        return [layer for layer in self.every_layer() if layer.source in present]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield the lines of the layer control that this map knows."""
        yield from self.ground_layers()

    def tier_layers(self) -> Iterable[MapLayer]:
        """Yield one line a tier of parks."""
        for tier in Tier:
            key = f"tier.{tier}"
            yield MapLayer(
                name=f"parks.{tier}",
                group="parks",
                source="parks",
                title=key,
                where=("tier", tier.value),
                symbols=(key,),
            )

    def zone_layers(self, shown: Sequence[str] = ("ecological_red_line",)) -> Iterable[MapLayer]:
        """Yield one line a kind of control zone that there is."""
        for kind in self.present("control_zones", ZONE_KINDS):
            yield MapLayer(
                name=f"control_zones.{kind}",
                group="zones",
                source="control_zones",
                title=f"zone.{kind}",
                where=("kind", kind),
                is_shown=kind in shown,
                symbols=(f"zone.{kind}",),
            )

    def ground_layers(self, *, facilities_from: int = 10) -> Iterable[MapLayer]:
        """Yield the lines of the ground: county, townships, water, roads, facilities."""
        yield self.plan_layer("county")
        yield self.plan_layer("townships")
        yield self.plan_layer("township_areas", is_shown=False)
        yield self.plan_layer("rivers")
        yield self.plan_layer("roads")
        yield self.plan_layer("facilities", min_zoom=facilities_from)

    def plan_layer(
        self, name: str, *, group: str = "ground", is_shown: bool = True, min_zoom: int = 0
    ) -> MapLayer:
        """Return the line of a whole layer of the plan."""
        source = self.known[name]
        symbols: tuple[str, ...] = (source.symbol,)
        if source.symbol_column is not None:
            prefix = f"{source.symbol}."
            known = [key.removeprefix(prefix) for key in SYMBOLS if key.startswith(prefix)]
            symbols = tuple(prefix + value for value in self.present(name, known))
        return MapLayer(
            name=name,
            group=group,
            source=name,
            title=f"layer.{name}",
            is_shown=is_shown,
            min_zoom=min_zoom,
            symbols=symbols,
        )

    def present(self, name: str, known: Sequence[str]) -> list[str]:
        """Return the classes that the features of a source have, in the order of `known`."""
        column = self.known[name].symbol_column or ""
        found = {value or OTHER for value in self.column(name, column)}
        return [value for value in known if value in found]

    def is_illustrative(self) -> bool:
        """Return whether anything in the plan is made up."""
        return is_illustrative(self.plan)

    def credits(self) -> list[str]:
        """Return the sources of what the map draws, but for made-up features, each once.

        A source that only adds a remark to another one (`A; remark` beside `A`) is left out.
        """
        named = {
            text
            for source in self.sources()
            for text, is_made_up in zip(
                self.column(source.name, "source"),
                self.column(source.name, "illustrative"),
                strict=True,
            )
            if text and not is_made_up
        }
        if self.plan.dem is not None and not self.plan.dem.illustrative:
            named.add(self.plan.dem.source)
        whole = [
            text
            for text in sorted(named)
            if text.partition("; ")[0] == text
            or not any(text.startswith(f"{other}; ") for other in named)
        ]
        return whole[:MAX_SOURCES]


class MapData(PlanData):
    """The sources of one review: parks with their verdicts, findings, and the ground."""

    kind: ClassVar[str] = "overview"
    groups: ClassVar[tuple[str, ...]] = ("parks", "verdicts", "land", "zones", "ground")

    def __init__(
        self, review: Review, translator: Translator, base: PlanData | None = None
    ) -> None:
        super().__init__(review.plan, translator, base)
        self.review = review

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the parks and the findings."""
        return {"parks": self._parks, "findings": self._findings}

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.title", county=self.county)

    def subtitle(self) -> str:
        """Say how many parks of each tier there are (1 + 5 + 42) and what they are."""
        counts = Counter(item["properties"]["tier"] for item in self.features("parks"))
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
        yield MapLayer(
            name="findings", group="verdicts", source="findings", title="map.findings", min_zoom=12
        )
        for name, zoom in (("sub_areas", 11), ("parcels", 13), ("buildings", 14)):
            yield self.plan_layer(name, group="land", min_zoom=zoom)
        yield from self.zone_layers()
        yield from self.ground_layers()

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
                **{name: figures[name] for name in FOCUS_FIGURES},
                **self.park_extra(park_id),
            }
            rows.append(self.titled(park_id, row))
        return [row["park_id"] for row in rows], rows, frame.geometry.to_numpy()

    def _top_findings(self, park_id: str) -> list[Document]:
        active = [item for item in self.review.findings_of(park_id) if item.waived is None]
        return [
            {
                "finding_id": item.finding_id,
                "verdict": item.verdict.value,
                "severity": self.text(f"severity.{item.severity}"),
                "title": self.translator.render(item.title),
            }
            for item in active[:TOP_FINDINGS]
        ]

    def shown_findings(self) -> list[Finding]:
        """Return the findings of this map, in the order of the review."""
        return list(self.review.results)

    def _findings(self) -> Rows:
        """Findings with what they say and what would cure them."""
        found = self.shown_findings()
        ids = [item.finding_id for item in found]
        places = {item.finding_id: place for place, item in enumerate(self.review.results)}
        chosen = [places[identity] for identity in ids]
        shapes = self.review.geometry.to_numpy()[chosen]
        return ids, [self.finding_row(item) for item in found], shapes

    def finding_row(self, item: Finding) -> Document:
        """Return a finding's properties."""
        given = finding_properties(item, self.translator)
        basis = item.legal_basis
        words = (basis.document, basis.number, basis.article)
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
            "legal_basis": self.translator.convert(" ".join(filter(None, words))),
            "is_waived": item.waived is not None,
            "illustrative": item.illustrative
            or ("parks", item.park_id) in self._illustrative_subjects,
        }
        if item.geometry is not None:
            park = self._park_shapes.get(item.park_id or "")
            # Such a finding is drawn as an outline, so that the park's land stays in sight.
            row["is_whole_park"] = park is not None and item.geometry.equals_exact(park, 0.01)
        return {**self.titled(item.finding_id, row), "search": ""}

    @cached_property
    def _park_shapes(self) -> Mapping[str, Any]:
        parks = self.plan.metric("parks")
        return dict(zip(parks["park_id"], parks.geometry, strict=True))

    @cached_property
    def _illustrative_subjects(self) -> frozenset[tuple[str, str]]:
        return illustrative_subjects(self.plan)


Rows = tuple[list[str], list[Document], Any]
"""Ids, properties and shapes, in one order."""


def is_big(frame: gpd.GeoDataFrame) -> bool:
    """Return whether a layer is too much for one document."""
    if len(frame) > TILED_ABOVE_FEATURES:
        return True
    vertices = shapely.get_num_coordinates(frame.geometry.to_numpy())
    return int(vertices.sum()) > TILED_ABOVE_VERTICES


def _is_placed(frame: gpd.GeoDataFrame) -> Any:  # noqa: ANN401 - a mask
    shapes = frame.geometry.to_numpy()
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _geometry(shapes: np.ndarray[Any, Any]) -> list[Document | None]:
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, COORDINATE_DECIMALS))
    texts = shapely.to_geojson(shapely.orient_polygons(rounded))
    return [None if text is None else orjson.loads(text) for text in texts]
