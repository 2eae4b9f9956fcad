"""The map: its page, the features behind its layers, and the files it loads.

Routes parse, call and reply. A page and its features carry an ETag of their content;
scripts, styles and images carry a version in their address and are kept for a year.
"""

from __future__ import annotations

import hashlib
import threading
from functools import cache

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import NotFoundError
from geo_service.language import Language
from geo_service.maps import assets, page
from geo_service.maps.draw import draw_served
from geo_service.maps.layers import MapData
from geo_service.maps.page import ServedPage
from geo_service.planning import County
from geo_service.reports.document import layers_document
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    GEOJSON,
    BboxDep,
    CountyDep,
    Limit,
    Offset,
    json_reply,
)

router = APIRouter(tags=["maps"])

_A_YEAR = "public, max-age=31536000, immutable"


class _Drawn:
    """The map data of the running review, by language; made again when the review changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._review_id = ""
        self._data: dict[Language, MapData] = {}
        self._pages: dict[tuple[Language, str], ServedPage] = {}

    def data(self, county: County, language: Language) -> MapData:
        """Return the map data of the county's review in a language."""
        with self._lock:
            review = county.review
            if review.review_id != self._review_id:
                self._data, self._pages, self._review_id = {}, {}, review.review_id
            if language not in self._data:
                self._data[language] = MapData(review, county.translator(language))
            return self._data[language]

    def page(self, county: County, language: Language, root: str) -> ServedPage:
        """Return the overview's page for a service mounted under `root`."""
        data = self.data(county, language)
        key = (language, root)
        if key not in self._pages:
            self._pages[key] = page.served_page(draw_served(data, root=root), root=root)
        return self._pages[key]


def _drawn(request: Request) -> _Drawn:
    state = request.app.state
    if not hasattr(state, "drawn_maps"):
        state.drawn_maps = _Drawn()
    drawn: _Drawn = state.drawn_maps
    return drawn


@router.get("/maps/overview", summary="The overview map", response_class=HTMLResponse)
def overview(request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return the overview map as a page that asks this service for its features."""
    root = str(request.scope.get("root_path", ""))
    found = _drawn(request).page(county, language, root)
    headers = {
        "content-security-policy": found.policy,
        "cache-control": "no-cache",
        "vary": "accept-language",
    }
    content = found.html.encode()
    return _reply(request, content, "text/html; charset=utf-8", found.digest, headers)


@router.get("/api/layers", summary="The layers: counts, versions, sources")
def layers(request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return every layer of the plan: features, illustrative ones, version and sources."""
    return json_reply(request, layers_document(county.plan, county.translator(language)))


@router.get("/api/layers/{layer}/features", summary="A layer's features, as the map draws them")
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
    data = _drawn(request).data(county, language)
    document = data.document(layer, bbox=bbox, limit=limit, offset=offset)
    return json_reply(request, document, media_type=GEOJSON)


@router.get("/assets/{name:path}", include_in_schema=False)
def asset(name: str, request: Request) -> Response:
    """Return a third-party file that stands in the manifest."""
    if name not in assets.names():
        msg = "There is no such file."
        raise NotFoundError(msg)
    content = _asset(name)
    return _file(request, content, assets.media_type(name))


@router.get("/static/{name:path}", include_in_schema=False)
def static(name: str, request: Request) -> Response:
    """Return one of the map's own scripts or styles."""
    return _file(request, page.static_file(name), page.media_type(name))


@cache
def _asset(name: str) -> bytes:
    return assets.path(name).read_bytes()


def _file(request: Request, content: bytes, media_type: str) -> Response:
    """Reply with a file; kept for a year only when its address carries its version."""
    digest = hashlib.sha256(content).hexdigest()[:20]
    is_versioned = bool(request.query_params.get("v"))
    headers = {"cache-control": _A_YEAR if is_versioned else "public, max-age=3600"}
    return _reply(request, content, media_type, digest, headers)


def _reply(
    request: Request, content: bytes, media_type: str, digest: str, headers: dict[str, str]
) -> Response:
    """Reply with content and its ETag; 304 when the client has it already."""
    etag = f'"{digest}"'
    headers = {**headers, "etag": etag}
    known = request.headers.get("if-none-match", "")
    if any(part.strip().removeprefix("W/") in {etag, "*"} for part in known.split(",")):
        return Response(status_code=304, headers=headers)
    if media_type.startswith("text/") and "charset" not in media_type:
        media_type += "; charset=utf-8"
    return Response(content, headers=headers, media_type=media_type)
