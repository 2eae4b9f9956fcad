"""The maps: their pages, the features behind their layers, and the files they load.

Routes parse, call and reply. A page and its features carry an ETag of their content;
scripts, styles and images carry a version in their address and are kept for a year.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import Language
from geo_service.maps import assets
from geo_service.maps import document as page
from geo_service.maps.archives import TileArchive, open_archive, picture_of
from geo_service.maps.document import ServedPage
from geo_service.maps.draw import (
    OVERVIEW,
    PREVIEW,
    RANKING,
    TIME,
    compare_states,
    draw_served,
    labels,
)
from geo_service.maps.kinds.compare import Side
from geo_service.maps.kinds.park import ParkData
from geo_service.maps.kinds.ranking import RankingData
from geo_service.maps.kinds.review import ReviewData
from geo_service.maps.kinds.time import TIMED_LAYERS, PreviewData, TimeData
from geo_service.maps.layers import MapData, PlanData
from geo_service.maps.relief import png_of, relief_of
from geo_service.maps.style import symbol_document
from geo_service.planning import County
from geo_service.planning.import_drafts import ImportDesk
from geo_service.planning.layers import latest_layer, timeline_of
from geo_service.planning.rankings import AS_KEPT, Weighing
from geo_service.reports.document import layers_document
from geo_service.web.answers import HTML, answers
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    BY_LANGUAGE,
    GEOJSON,
    BboxDep,
    CountyDep,
    Limit,
    Offset,
    json_reply,
    reply,
)
from geo_service.web.security import A_YEAR, AGAIN, AN_HOUR, SHARED_A_YEAR
from geo_service.web.weighing import WeighingDep
from geo_service.wording import said

router = APIRouter(tags=["maps"])

_KEPT = 24
"""How many maps, and pages, a service keeps drawn."""
_CLEAR = png_of(np.zeros((1, 1, 2), dtype=np.uint8))

FileVersion = Annotated[
    str | None, Query(alias="v", max_length=64, description="The file's version: kept for a year.")
]


class _Drawn:
    """The data and pages of maps drawn of late; what is asked for again is not made again."""

    def __init__(self, desk: ImportDesk) -> None:
        self._desk = desk
        self._lock = threading.RLock()
        self._states: OrderedDict[_Key, tuple[PlanData, ...]] = OrderedDict()
        self._pages: OrderedDict[tuple[_Key, str], ServedPage] = OrderedDict()

    def overview(self, county: County, language: Language) -> MapData:
        """Return the data of the overview of the county's current review."""
        review = county.review
        make = lambda: (MapData(review, county.translator(language)),)  # noqa: E731 - used once
        return cast("MapData", self._kept(_Key(OVERVIEW, review.review_id, language), make)[0])

    def states(self, county: County, asked: MapQuery, language: Language) -> tuple[PlanData, ...]:
        """Return the data of a map: one state, or two of a comparison."""
        if asked.kind == PREVIEW:
            self._desk.find(asked.need("import_id"))  # one that is forgotten is on no map either
        if asked.kind == OVERVIEW:
            return (self.overview(county, language),)
        return self._kept(asked.key(county, language), lambda: self._make(county, asked, language))

    def _make(self, county: County, asked: MapQuery, language: Language) -> tuple[PlanData, ...]:
        translator = county.translator(language)
        base = self.overview(county, language)
        if asked.kind == RANKING:
            ranking = county.rankings.weighed(asked.need("ranking_id"), asked.weighing)
            return (RankingData(ranking, translator, base),)
        if asked.kind == TIME:
            timeline = timeline_of(county.workspace, asked.need("layer"))
            return (TimeData(timeline, county.plan, translator, base, is_served=True),)
        if asked.kind == PREVIEW:
            timeline, draft = self._desk.preview_of(asked.need("import_id"), translator)
            plan = county.plan
            return (PreviewData(timeline, plan, translator, base, draft=draft, is_served=True),)
        review = county.find_review(asked.review_id) if asked.review_id else county.review
        if asked.kind == "park":
            return (ParkData(review, translator, park_id=asked.need("park_id")),)
        if asked.kind == "compare":
            before = county.find_review(asked.need("before"))
            bases = tuple(base if item.plan is base.plan else None for item in (before, review))
            return compare_states(before, review, translator, (bases[0], bases[1]))
        return (ReviewData(review, translator, base),)

    def page(self, county: County, asked: MapQuery, language: Language, root: str) -> ServedPage:
        """Return a map's page for a service mounted under `root`."""
        states = self.states(county, asked, language)
        key = (asked.key(county, language), root)
        with self._lock:
            if key not in self._pages:
                drawn = draw_served(states, root=root, query=asked.given(), plan=county.review.plan)
                basemaps = states[-1].plan.settings.basemaps
                pictures = [origin for basemap in basemaps for origin in basemap.origins]
                self._pages[key] = page.served_page(drawn, root=root, pictures=pictures)
                _forget(self._pages, _KEPT)
            return self._pages[key]

    def _kept(self, key: _Key, make: Callable[[], tuple[PlanData, ...]]) -> tuple[PlanData, ...]:
        with self._lock:
            if key not in self._states:
                self._states[key] = make()
                _forget(self._states, _KEPT)
            self._states.move_to_end(key)
            return self._states[key]


def _forget(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


@dataclass(frozen=True)
class _Key:
    """What a map is of: its kind, the ids that it was asked for by, and the language."""

    kind: str
    about: str
    language: Language


@dataclass(frozen=True)
class MapQuery:
    """Which map is asked for."""

    kind: str
    review_id: str | None = None
    ranking_id: str | None = None
    park_id: str | None = None
    before: str | None = None
    layer: str | None = None
    import_id: str | None = None
    weighing: Weighing = AS_KEPT

    def need(self, name: str) -> str:
        """Return a parameter that the kind needs; InvalidQueryError when it is missing."""
        value = getattr(self, name)
        if not value:
            raise InvalidQueryError(
                name, said("problem.map_needs", name=name, kind=repr(self.kind))
            )
        return str(value)

    def given(self) -> dict[str, str]:
        """Return the parameters that were given."""
        named = {name: getattr(self, name) for name in _PARAMETERS}
        given = self.weighing
        if given.weights is not None:
            named["weights"] = json.dumps(dict(given.weights), ensure_ascii=False)
        named |= {"method": given.method, "normalisation": given.normalisation}
        return {name: value for name, value in named.items() if value}

    def key(self, county: County, language: Language) -> _Key:
        """Return what tells this map from others; the current review where none is named."""
        about = {"review_id": county.review.review_id, **self.given()}
        if self.kind in {TIME, PREVIEW} and county.has_workspace:
            about["stamp"] = str(county.workspace.store.stamp())
        return _Key(self.kind, repr(sorted(about.items())), language)


_PARAMETERS = ("review_id", "ranking_id", "park_id", "before", "layer", "import_id")
_NEEDED = {
    "park": "park_id",
    "compare": "review_id",
    RANKING: "ranking_id",
    PREVIEW: "import_id",
}
_KINDS = (OVERVIEW, "review", RANKING, "park", "compare", TIME, PREVIEW)


def read_query(  # noqa: PLR0913 - one for each kind of map
    county: CountyDep,
    kind: str,
    weighing: WeighingDep,
    *,
    review_id: str | None = None,
    ranking_id: str | None = None,
    park_id: str | None = None,
    before: Annotated[
        str | None, Query(description="The earlier of two reviews that are compared.")
    ] = None,
    layer: Annotated[
        str | None, Query(description="Of `time`: " + ", ".join(TIMED_LAYERS) + ".")
    ] = None,
    import_id: Annotated[str | None, Query(description="Of `preview`: the import.")] = None,
) -> MapQuery:
    """Return which map is asked for: 404 for an unknown kind, 400 for a missing id."""
    if kind not in _KINDS:
        msg = said("problem.no_map", known=list(_KINDS))
        raise NotFoundError(msg)
    if kind == "compare" and before is None:
        # One review alone is compared with the current one.
        return MapQuery(kind, before=MapQuery(kind, review_id).need("review_id"))
    if kind == "review" and not review_id:
        review_id = county.review.review_id
    if kind == TIME and layer is None:
        layer = latest_layer(county.workspace, TIMED_LAYERS)
    asked = MapQuery(
        kind,
        review_id,
        ranking_id,
        park_id,
        before,
        layer,
        import_id,
        weighing if kind == RANKING else AS_KEPT,
    )
    if kind in _NEEDED:
        asked.need(_NEEDED[kind])
    return asked


MapQueryDep = Annotated[MapQuery, Depends(read_query)]


def drawn_maps(request: Request) -> _Drawn:
    """Return the maps that this service has drawn."""
    state = request.app.state
    if not hasattr(state, "drawn_maps"):
        state.drawn_maps = _Drawn(state.imports)
    drawn: _Drawn = state.drawn_maps
    return drawn


@router.get(
    "/maps/relief.png",
    summary="The relief under the maps",
    responses=answers(None, NotFoundError, media_type="image/png"),
)
def relief_png(request: Request, county: CountyDep, version: FileVersion = None) -> Response:
    """Return the shaded ground in web Mercator; 404 without an elevation model."""
    plan = county.plan
    found = relief_of(plan)
    if found is None or plan.dem is None:
        msg = said("problem.no_dem")
        raise NotFoundError(msg)
    keep = A_YEAR if version == plan.dem.version else AGAIN
    return _file(request, found.png, "image/png", keep)


@router.get(
    "/maps/{kind}",  # noqa: FAST003 - read_query takes it
    summary="A map as a page",
    response_class=HTMLResponse,
    responses=answers(None, NotFoundError, media_type=HTML),
)
def map_page(
    asked: MapQueryDep, request: Request, county: CountyDep, language: LanguageDep
) -> Response:
    """Return a map as a page that asks this service for its features.

    `overview`; `review` (of `review_id`, else the current one); `park` (needs `park_id`, by
    the current review or `review_id`); `compare` (from `before` to `review_id`, or from
    `review_id` to the current review); `ranking` (needs `ranking_id`); `time` (a `layer`
    through its versions);
    `preview` (what an import, `import_id`, would publish).
    """
    root = str(request.scope.get("root_path", ""))
    found = drawn_maps(request).page(county, asked, language, root)
    headers = {"content-security-policy": found.policy, **BY_LANGUAGE}
    content = found.html.encode()
    return reply(
        request,
        content,
        media_type="text/html; charset=utf-8",
        digest=found.digest,
        headers=headers,
    )


@router.get(
    "/maps/{kind}/features/{source}",  # noqa: FAST003 - read_query takes it
    summary="The features behind a map",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
def map_features(  # noqa: PLR0913 - what the contract of lists names
    source: str,
    asked: MapQueryDep,
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    side: Side = Side.AFTER,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a source of a map as a FeatureCollection; `side` tells two states apart."""
    states = drawn_maps(request).states(county, asked, language)
    data = states[0] if side is Side.BEFORE else states[-1]
    document = data.document(source, bbox=bbox, limit=limit, offset=offset)
    return json_reply(request, document, media_type=GEOJSON)


@router.get("/basemaps/{place}/{zoom}/{column}/{row}", include_in_schema=False)
def basemap_tile(
    place: int, zoom: int, column: int, row: int, request: Request, county: CountyDep
) -> Response:
    """Return a picture of a base map that lies in the workspace; clear where there is none."""
    basemaps = county.plan.settings.basemaps
    archive = basemaps[place].archive if 0 <= place < len(basemaps) else None
    if archive is None:
        msg = said("problem.no_basemap")
        raise NotFoundError(msg)
    found = picture_of(_archive(archive), zoom, column, row)
    content, kind = found or (_CLEAR, "image/png")
    return _file(request, content, kind, AN_HOUR)


@cache
def _archive(path: Path) -> TileArchive:
    return open_archive(path)


@router.get(
    "/api/symbols",
    summary="How the map draws: every symbol and its name",
    responses=answers("Any"),
)
def symbols(request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return the style table that maps draw by, and what each symbol is called."""
    document = {"symbols": symbol_document(), "labels": labels(county.translator(language))}
    return json_reply(request, document)


@router.get(
    "/api/layers", summary="The layers: counts, versions, sources", responses=answers("Layers")
)
def layers(request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return every layer of the plan: features, illustrative ones, version and sources."""
    states = county.workspace.own_states() if county.has_workspace else {}
    document = layers_document(county.plan, county.translator(language), states)
    return json_reply(request, document)


@router.get(
    "/api/layers/{layer}/features",
    summary="A layer's features, as the map draws them",
    responses=answers("Features", NotFoundError, media_type=GEOJSON),
)
def layer_features(  # noqa: PLR0913 - what the contract of lists names
    layer: str,
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    bbox: BboxDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a layer as a FeatureCollection with the columns that may go out."""
    data = drawn_maps(request).overview(county, language)
    document = data.document(layer, bbox=bbox, limit=limit, offset=offset)
    return json_reply(request, document, media_type=GEOJSON)


@router.get("/assets/{name:path}", include_in_schema=False)
def asset(name: str, request: Request, version: FileVersion = None) -> Response:
    """Return a third-party file that stands in the manifest."""
    if name not in assets.names():
        raise NotFoundError(said("problem.no_file"))
    keep = SHARED_A_YEAR if version == page.asset_version(name) else AN_HOUR
    return _file(request, _asset(name), assets.media_type(name), keep)


@router.get("/static/{name:path}", include_in_schema=False)
def static(name: str, request: Request, version: FileVersion = None) -> Response:
    """Return one of the map's own scripts or styles."""
    content = page.static_file(name)
    keep = SHARED_A_YEAR if version == page.static_version(name) else AGAIN
    reply = _file(request, content, page.media_type(name), keep)
    if name == page.WORKER:
        reply.headers["content-security-policy"] = page.WORKER_POLICY
    return reply


@cache
def _asset(name: str) -> bytes:
    return assets.path(name).read_bytes()


def _file(request: Request, content: bytes, media_type: str, keep: str) -> Response:
    """Reply with a file; kept for a year only when its address carries its version."""
    digest = hashlib.sha256(content).hexdigest()[:20]
    headers = {"cache-control": keep}
    return reply(request, content, media_type=media_type, digest=digest, headers=headers)
