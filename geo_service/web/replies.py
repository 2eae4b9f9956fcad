"""What routes share: the running service, paging, bbox, and replies with an ETag."""

from __future__ import annotations

import gzip
import hashlib
import math
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, cast
from urllib.parse import quote, urlencode

from cachetools import LRUCache
from fastapi import Depends, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from geo_service.access import acting
from geo_service.errors import InvalidQueryError
from geo_service.planning import PlanningService
from geo_service.reports.document import Document, collection, dump
from geo_service.spatial.live_index import Box
from geo_service.web.parameters import is_number
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.planning.downloads import Download

MAX_LIMIT = 10_000
MAX_OFFSET = 1_000_000_000
"""More than any list holds, and what every store can count to."""
GEOJSON = "application/geo+json"
BY_LANGUAGE: Mapping[str, str] = {"vary": "accept-language"}
"""Headers of an answer that is told in the language asked for."""
COMPRESS_FROM_BYTES = 1_000
COMPRESSION = 5
"""gzip's 9 takes six times as long for what is half a percent smaller."""
PACKED_BYTES = 32_000_000
"""How much of what was sent compressed is kept."""
_BOX_NUMBERS = 4
_BBOX = "bbox"


def running_service(request: Request) -> PlanningService:
    """Return what answers the account that asks: of the county that runs, what it may see.

    The county learns of newer versions by being asked.
    """
    service = service_of(request)
    service.look_for_news()
    return service.seen_by(acting())


def service_of(request: Request) -> PlanningService:
    """Return the county that this service runs, as it stands, whoever asks."""
    return cast("PlanningService", request.app.state.service)


async def seen_service(request: Request) -> PlanningService:
    """Return what answers the account that asks, as it stands; no thread without accounts."""
    service, who = service_of(request), acting()
    return service if who is None else await run_in_threadpool(service.seen_by, who)


ServiceDep = Annotated[PlanningService, Depends(running_service)]
Limit = Annotated[int, Query(ge=0, le=MAX_LIMIT, description="How many to return.")]
OfScenario = Annotated[
    str | None, Query(max_length=64, description="Answer of this scenario's plan.")
]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="How many to skip.")]


def read_bbox(
    bbox: Annotated[
        str | None,
        Query(max_length=500, description="west,south,east,north in degrees (CRS84)."),
    ] = None,
) -> Box | None:
    """Return a bbox parameter as four numbers; InvalidQueryError when it is none."""
    if bbox is None:
        return None
    parts = bbox.split(",")
    numbers = [float(part) for part in parts] if all(map(is_number, parts)) else []
    if len(numbers) != _BOX_NUMBERS or not all(map(math.isfinite, numbers)):
        raise InvalidQueryError(_BBOX, said("problem.bbox"))
    west, south, east, north = numbers
    if west > east or south > north:
        raise InvalidQueryError(_BBOX, said("problem.bbox_order"))
    return (west, south, east, north)


BboxDep = Annotated[Box | None, Depends(read_bbox)]


class Packed:
    """Contents compressed of late, up to a size: what is sent often is compressed once.

    Safe to use from several threads.
    """

    def __init__(self, room: int) -> None:
        self._lock = threading.Lock()
        self._cache: LRUCache[str, bytes] = LRUCache(room, getsizeof=len)

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return int(self._cache.currsize)

    def of(self, digest: str, content: bytes) -> bytes:
        """Return a content, told by its digest, compressed with gzip."""
        with self._lock:
            cached = self._cache.get(digest)
        if cached is not None:
            return cached
        packed = gzip.compress(content, COMPRESSION, mtime=0)
        if len(packed) <= self._cache.maxsize:
            with self._lock:
                self._cache[digest] = packed
        return packed


_packed = Packed(PACKED_BYTES)


def has_already(request: Request, etag: str) -> bool:
    """Return whether the client says that it has what an ETag stands for."""
    known = ",".join(request.headers.getlist("if-none-match"))
    return any(part.strip().removeprefix("W/") in {etag, "*"} for part in known.split(","))


def reply(
    request: Request,
    content: bytes,
    *,
    media_type: str,
    digest: str,
    headers: Mapping[str, str] = MappingProxyType({}),
    status: int = 200,
) -> Response:
    """Reply with a content and its ETag; 304 when the client has it already.

    Texts go out compressed to who takes that; other media types are as small as they get.
    """
    etag = f'"{digest}"'
    given = {**headers, "etag": etag}
    if status == 200 and has_already(request, etag):  # noqa: PLR2004 - OK
        return Response(status_code=304, headers=given)
    if media_type.startswith("text/") and "charset" not in media_type:
        media_type += "; charset=utf-8"
    is_text = media_type.startswith("text/") or media_type.endswith(("json", "xml", "javascript"))
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    if is_text and takes_gzip and len(content) >= COMPRESS_FROM_BYTES:
        given["content-encoding"] = "gzip"
        content = _packed.of(digest, content)
    return Response(content, status, headers=given, media_type=media_type)


class WholeFile(FileResponse):
    """A file sent from the disk as a whole; a request for parts of it gets all of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, whatever ranges were asked for."""
        self.headers["accept-ranges"] = "none"
        other_headers = [
            item for item in scope["headers"] if item[0] not in {b"range", b"if-range"}
        ]
        await super().__call__({**scope, "headers": other_headers}, receive, send)


def json_reply(
    request: Request, document: object, *, media_type: str = "application/json", status: int = 200
) -> Response:
    """Return a document as JSON with an ETag; 304 when the client has it already."""
    content = dump(document)
    return reply(
        request,
        content,
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest()[:20],
        headers=BY_LANGUAGE,
        status=status,
    )


def next_address(request: Request, limit: int, offset: int, matched: int) -> str | None:
    """Return the address of the next slice of a list, from this one's; None after the last."""
    if limit == 0 or offset + limit >= matched:
        return None
    given = [
        item for item in request.query_params.multi_items() if item[0] not in {"limit", "offset"}
    ]
    query = urlencode([*given, ("limit", limit), ("offset", offset + limit)])
    return f"{request.url.path}?{query}"


def features_reply(
    request: Request,
    features: list[Document],
    matched: int,
    **members: Any,  # noqa: ANN401 - members of a JSON document
) -> Response:
    """Return one page of features as a collection that says how many match in all."""
    document = collection(features, matched, **members)
    return json_reply(request, document, media_type=GEOJSON)


def download_reply(download: Download) -> Response:
    """Return a file that a browser saves under its name."""
    headers = {"content-disposition": attachment(download.name), **BY_LANGUAGE}
    if download.path is not None:
        gone = BackgroundTask(download.path.unlink, missing_ok=True)
        return WholeFile(
            download.path, headers=headers, media_type=download.media_type, background=gone
        )
    return Response(download.content, headers=headers, media_type=download.media_type)


def attachment(name: str) -> str:
    r"""Return a Content-Disposition that saves a file under a name of any script (RFC 6266, 8187).

    Whatever the name holds, quotes and line ends included, the header is one line of ASCII.

    >>> attachment("云 a.xlsx")
    'attachment; filename="_ a.xlsx"; filename*=UTF-8\'\'%E4%BA%91%20a.xlsx'
    """
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_"
        for char in name
    )
    coded = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"
