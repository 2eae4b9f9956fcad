"""What every map has: the sources of a plan in one language, its ground and its credits.

The kinds of map are built on it (see `kinds`); none of them is this alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson
import shapely

from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator, to_simplified
from geo_service.maps.layers import FEATURE_SOURCES, Box, FeatureList, FeatureSource, MapLayer
from geo_service.maps.style import MANAGEMENT_BOUNDARY, OTHER, SYMBOLS
from geo_service.model import Tier
from geo_service.reports.document import (
    Document,
    collection,
    feature,
    is_illustrative,
    plain,
)
from geo_service.schema import ZONE_KINDS
from geo_service.wording import said, shorten
from geo_service.zoning.names import short_park_name, township_names

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_service.plan import Plan

COORDINATE_DECIMALS = 6
TILED_ABOVE_FEATURES = 4_000
"""Features of a detail layer above which served pages draw it from tiles."""
TILED_ABOVE_VERTICES = 200_000
"""The same for vertices: some hundred outlines may be too much for one document."""
FEATURE_BYTES = 4_000
"""About how much memory one feature of a document takes, its geometry included."""
MAX_FEATURE_SOURCES = 20
"""How many sources of data the map names."""

Rows = tuple[list[str], list[Document], Any]
"""Ids, properties and shapes, in one order."""
Maker = Callable[[], Rows]
_DrawnRows = tuple[list[Document], "np.ndarray[Any, Any]"]


class Side(StrEnum):
    """Which of two states."""

    BEFORE = "before"
    AFTER = "after"


class PlanData:
    """The sources of one plan in one language; each is made once, when first asked for.

    Safe to use from several threads. Names come in the translator's language; each
    feature's `search` holds its names in simplified and traditional characters, and its id.
    """

    kind: ClassVar[str]
    """Which map it is for."""
    sources_by_name: Mapping[str, FeatureSource] = FEATURE_SOURCES
    groups: ClassVar[tuple[str, ...]] = ("parks", "land", "zones", "ground")
    """The groups of the layer control, in order."""
    side: Side | None = None
    """Which of two states it is; None for a map of one."""

    def __init__(self, plan: Plan, translator: Translator, base: PlanData | None = None) -> None:
        """Take the sources that are alike from `base`, if it is of the same plan."""
        self.translator = translator
        self.plan = plan
        self.mark: str | None = None
        """By what the map is told from the county's current one, if at all."""
        self._base = base
        self._traditional = Translator(Language.ZH_HANT, plan.settings.names_hant)
        self._lock = threading.RLock()
        self._rows_by_source: dict[str, _DrawnRows] = {}
        self._located_by_source: dict[str, gpd.GeoDataFrame] = {}

    @property
    def size(self) -> int:
        """About how many bytes the features take that were made."""
        return FEATURE_BYTES * sum(len(rows) for rows, _ in self._rows_by_source.values())

    def feature_sources(self) -> tuple[FeatureSource, ...]:
        """Return the sources that have features, from the bottom of the map to its top."""
        return tuple(source for source in self.sources_by_name.values() if self.count(source.name))

    def is_tiled(self, name: str) -> bool:
        """Return whether a served page draws a source from tiles: all of a big layer."""
        if not self.sources_by_name[name].is_detail or name in self.makers():
            return False
        frame = self.frame(name)
        return len(frame) == len(self.plan.geo(name)) and is_big(frame)

    def count(self, name: str) -> int:
        """Return how many features a source has; none is drawn for it."""
        return self.made_count(name) if name in self.makers() else len(self._located(name))

    def column(self, name: str, column: str) -> list[Any]:
        """Return one property of all features of a source; none is drawn for it."""
        if name in self.makers():
            return self.made_column(name, column)
        frame = self._located(name)
        if name == "rivers" and column == "kind":
            is_boundary = frame["is_management_boundary"].fillna(value=False).astype(bool)
            cells = frame["rank"].astype(object).where(~is_boundary, MANAGEMENT_BOUNDARY)
        elif column in {*self.sources_by_name[name].columns, "name", "illustrative", "source"}:
            cells = frame[column].astype(object)
        else:
            return [item["properties"].get(column) for item in self.features(name)]
        return list(cells.where(cells.notna(), None))

    def made_count(self, name: str) -> int:
        """Return how many features a source has that a maker makes."""
        return len(self.features(name))

    def made_column(self, name: str, column: str) -> list[Any]:
        """Return one property of all features of a source that a maker makes."""
        return [item["properties"].get(column) for item in self.features(name)]

    def _located(self, name: str) -> gpd.GeoDataFrame:
        """Return the rows of a layer of the plan that have a place."""
        if name not in self._located_by_source:
            frame = self.frame(name)
            self._located_by_source[name] = frame[is_located(frame)]
        return self._located_by_source[name]

    def features(self, name: str) -> list[Document]:
        """Return a source's features; NotFoundError for a name that is no source."""
        return self._rows_of(name)[0]

    def document(
        self, name: str, *, bbox: Box | None = None, limit: int | None = None, offset: int = 0
    ) -> Document:
        """Return a source as a feature collection: the features whose shape meets a box.

        `numberMatched` counts all that meet the box, before `limit` and `offset`.
        """
        if bbox is not None and name in self.sources_by_name and self.is_tiled(name):
            frame = self.frame(name)
            is_met = shapely.intersects(frame.geometry.to_numpy(), shapely.box(*bbox))
            features = self._draw_rows(self.sources_by_name[name], frame=frame[is_met])[0]
        else:
            features, shapes = self._rows_of(name)
            if bbox is not None:
                met = np.flatnonzero(shapely.intersects(shapes, shapely.box(*bbox)))
                features = [features[position] for position in met]
        end = None if limit is None else offset + limit
        return collection(features[offset:end], len(features))

    def bounds(self) -> Box:
        """Return the box of the county, else of its parks and townships."""
        for names in (("county",), ("parks", "townships")):
            found = [self._rows_of(name)[1] for name in names if name in self.sources_by_name]
            shapes = np.concatenate([*found, np.empty(0, dtype=object)])
            if len(shapes):
                west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
                return west, south, east, north
        return -170.0, -60.0, 170.0, 75.0

    def _rows_of(self, name: str) -> _DrawnRows:
        if name not in self.sources_by_name:
            shown = shorten(name)
            msg = said("problem.no_map_layer", layer=repr(shown), known=list(self.sources_by_name))
            raise NotFoundError(msg)
        if self._base is not None and name not in self.makers() and self._is_alike(name):
            return self._base._rows_of(name)  # noqa: SLF001 - of the same class
        with self._lock:
            if name not in self._rows_by_source:
                self._rows_by_source[name] = self._draw_rows(self.sources_by_name[name])
            return self._rows_by_source[name]

    def _is_alike(self, name: str) -> bool:
        """Whether a source of the plan is drawn just as on the map that this one is based on."""
        base = self._base
        return (
            base is not None
            and base.plan is self.plan
            and base.sources_by_name.get(name) == FEATURE_SOURCES[name]
        )

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the sources that are not simply a layer of the plan."""
        return {}

    def frame(self, name: str) -> gpd.GeoDataFrame:
        """Return the features of a layer of the plan that this map may show."""
        return self.plan.geo(name)

    def _draw_rows(
        self, source: FeatureSource, *, frame: gpd.GeoDataFrame | None = None
    ) -> _DrawnRows:
        make = self.makers().get(source.name)
        return self.drawn(source, make() if make else self.rows(source, frame=frame))

    def drawn(self, source: FeatureSource, made: Rows) -> _DrawnRows:
        """Return rows as features, and their shapes; those without a place are left out."""
        ids, rows, shapes = made
        if source.name == "townships":
            shapes = shapely.point_on_surface(shapes)
        shapes = np.asarray(shapes, dtype=object)
        drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        if source.has_unplaced:
            drawn[:] = True
        positions = np.flatnonzero(drawn)
        features = [
            feature(identity, shape, row)
            for identity, row, shape in zip(
                (ids[position] for position in positions),
                (rows[position] for position in positions),
                _geometry(shapes[positions]),
                strict=True,
            )
        ]
        return features, shapes[positions]

    def rows(
        self,
        source: FeatureSource,
        layer: str | None = None,
        *,
        frame: gpd.GeoDataFrame | None = None,
    ) -> Rows:
        """Return the rows of a plan's layer, or of a part, with the columns that may go out."""
        frame = self.frame(layer or source.name) if frame is None else frame
        names = [name for name in ("name", *source.columns) if name in frame.columns]
        columns = [*names, "illustrative", "source"]
        rows = []
        extra = self._extra(source.name)
        for cells in zip(*(frame[name] for name in columns), strict=True):
            row = plain(dict(zip(columns, cells, strict=True)))
            identity = row[source.key]
            row |= extra.get(identity, {})
            rows.append(self.worded(source, identity, row))
        return [row[source.key] for row in rows], rows, frame.geometry.to_numpy()

    def worded(self, source: FeatureSource, identity: str, row: Document) -> Document:
        """Add to a row what its classes are called and what it is found by."""
        if source.name == "rivers":
            is_boundary = row["is_management_boundary"]
            row["kind"] = MANAGEMENT_BOUNDARY if is_boundary else row["rank"]
        for column, section in source.named_columns.items():
            value = row.get(column)
            row[f"{column}_name"] = self.text(f"{section}.{value or OTHER}")
        if source.name == "parks" and row.get("tier"):
            row["short_name"] = self.short_name(row)
        return self.titled(identity, row)

    def short_name(self, row: Document) -> str:
        """Return what a park is called beside its sign; the one of its tier keeps its name."""
        name, tier = str(row["name"] or row["park_id"]), Tier(row["tier"])
        word = "" if tier is Tier.MUNICIPAL_PARK else Translator().text(f"tier.{tier}")
        return self.translator.convert(short_park_name(name, word))

    def text(self, key: str, **values: object) -> str:
        """Return a text of the catalogue in the map's language."""
        return self.translator.text(key, **values)

    def titled(self, identity: str, row: Document) -> Document:
        """Put the name into the page's language, and give the row what it is found by."""
        name = row.get("name") or ""
        if name:
            row["name"] = self.translator.convert(name)
        row["search"] = "\n".join(dict.fromkeys([*self.forms(name), identity.lower()]))
        park_id = row.get("park_id")
        if park_id is not None and park_id != identity:
            row["park"] = self.park_names.get(park_id, park_id)
        return row

    def forms(self, *names: str | None) -> list[str]:
        """Return names as a search compares them: in both scripts of Chinese, in lower case."""
        found: list[str] = []
        for name in filter(None, names):
            simplified = to_simplified(name)
            found += [simplified, self._traditional.convert(simplified), name]
        return list(dict.fromkeys(form.lower() for form in found))

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
    def county_name(self) -> str:
        """The county's name in the map's language."""
        return self.translator.pick(self.plan.settings.name)

    def title(self) -> str:
        """Return the map's title."""
        raise NotImplementedError

    def subtitle(self) -> str:
        """Return the line under the title."""
        raise NotImplementedError

    def label(self) -> str | None:
        """Return what the map of one of two states is headed by."""
        return None

    def note(self) -> str | None:
        """Return which state it is, in small print."""
        return None

    def symbol_labels(self) -> Mapping[str, str]:
        """Return what symbols are called on this map, where that is not what the catalogue says."""
        return {}

    def about(self) -> list[str]:
        """Say what the map rests on: day, rulebook, data."""
        return [self.text("map.about_plan", version=self.plan.version)]

    def verdicts(self) -> dict[str, int] | None:
        """Return how many parks have each verdict; None for a map that does not tell."""
        return None

    def lists(self) -> list[FeatureList]:
        """Return the lists of the side panel."""
        return []

    def layers(self) -> list[MapLayer]:
        """Return the layer control's lines: only layers that have features."""
        present = {source.name for source in self.feature_sources()}
        return [layer for layer in self.every_layer() if layer.source in present]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield the lines of the layer control that this map knows."""
        yield from self.context_layers()

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

    def context_layers(self, *, facilities_from: int = 11) -> Iterable[MapLayer]:
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
        source = self.sources_by_name[name]
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

    def present(self, name: str, names: Sequence[str]) -> list[str]:
        """Return the classes that the features of a source have, in the order of `names`."""
        column = self.sources_by_name[name].symbol_column or ""
        found = {value or OTHER for value in self.column(name, column)}
        return [value for value in names if value in found]

    def is_illustrative(self) -> bool:
        """Return whether anything in the plan is made up."""
        return is_illustrative(self.plan)

    def credits(self) -> list[str]:
        """Return the sources of what the map draws, but for made-up features, each once.

        A source that only adds a remark to another one (`A; remark` beside `A`) is left out.
        """
        named = {
            text
            for source in self.feature_sources()
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
        return whole[:MAX_FEATURE_SOURCES]


def is_big(frame: gpd.GeoDataFrame) -> bool:
    """Return whether a layer is too much for one document."""
    if len(frame) > TILED_ABOVE_FEATURES:
        return True
    vertices = shapely.get_num_coordinates(frame.geometry.to_numpy())
    return int(vertices.sum()) > TILED_ABOVE_VERTICES


def is_located(frame: gpd.GeoDataFrame) -> Any:  # noqa: ANN401 - a mask
    """Return which rows have a place."""
    shapes = frame.geometry.to_numpy()
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _geometry(shapes: np.ndarray[Any, Any]) -> list[Document | None]:
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, COORDINATE_DECIMALS))
    texts = shapely.to_geojson(shapely.orient_polygons(rounded))
    return [None if text is None else orjson.loads(text) for text in texts]
