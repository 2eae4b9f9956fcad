"""The tiles of one review: made by who makes them, each once, and cached up to a total size.

What is in a tile is said in `tiles`; here is only which are made, when, and what stays.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cachetools import LRUCache

from geo_service.maps.layers import FEATURE_SOURCES
from geo_service.maps.tiles import MAX_ZOOM, TileLayer, check_name, is_tiled, version_of
from geo_service.memory import settle

if TYPE_CHECKING:
    from geo_service.zoning.review import Review

CACHE_BYTES = 64_000_000
_AHEAD_FEATURES = 1_500
"""Zooms whose tiles have more features than this on average are made in advance."""
_COMPRESSION = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its content, compressed with gzip, and the content's hash."""

    content: bytes
    digest: str

    def plain(self) -> bytes:
        """Return the content, uncompressed."""
        return gzip.decompress(self.content)


_TileKey = tuple[str, int, int, int]
"""A layer, zoom, column and row."""


class TileMaker(Protocol):
    """Makes the tiles of a review. Methods are safe to call from several threads."""

    def make(self, name: str, zoom: int, x: int, y: int) -> Tile | None:
        """Return a tile of a layer, None if empty."""
        ...

    def low_zooms(self, name: str) -> Iterable[tuple[int, int, int]]:
        """Return the tiles of a layer that have many features, lowest zooms first."""
        ...

    def pause(self) -> None:
        """Give back what is only needed while many tiles of a zoom are made."""
        ...

    def close(self) -> None:
        """Make no more tiles."""
        ...


class LayerTiles:
    """Makes tiles of a review's layers in memory, each layer when it is first asked for."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._lock = threading.Lock()
        self._layers: dict[str, Future[TileLayer]] = {}

    def layer(self, name: str) -> TileLayer:
        """Return a layer; raises NotFoundError if the map has no layer of this name."""
        check_name(name)
        with self._lock:
            is_first = name not in self._layers
            waiting = self._layers.setdefault(name, Future())
        if is_first:
            _settle(waiting, lambda: TileLayer.of(self._review, name))
            if waiting.exception() is not None:
                with self._lock:
                    del self._layers[name]
        return waiting.result()

    def make(self, name: str, zoom: int, x: int, y: int) -> Tile | None:
        """Return a tile of a layer, None if empty; raises NotFoundError as `layer` does."""
        return packed_tile(self.layer(name).tile(zoom, x, y))

    def low_zooms(self, name: str) -> Iterable[tuple[int, int, int]]:
        """Return the tiles of a layer that have many features, lowest zooms first."""
        return _low_zooms(self.layer(name))

    def pause(self) -> None:
        """Let the zooms' shapes go; layers stay for the next tile."""
        with self._lock:
            layers = [made for made in self._layers.values() if made.done()]
        for made in layers:
            if made.exception() is None:
                made.result().forget_zooms()
        settle()

    def close(self) -> None:
        """Do nothing: a tile under way is made."""


class Tiles:
    """The tiles of one review, cached up to a total size.

    Safe to use from several threads; a tile that several threads request is made once.
    """

    def __init__(
        self, review: Review, maker: TileMaker | None = None, *, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self.review = review
        self._maker: TileMaker = LayerTiles(review) if maker is None else maker
        self._lock = threading.Lock()
        self._cache: LRUCache[_TileKey, Tile | None] = LRUCache(cache_bytes, getsizeof=weight_of)
        self._making: dict[_TileKey, Future[Tile | None]] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def version(self, name: str) -> str:
        """Return `version_of` a layer; raises NotFoundError if the map has no such layer."""
        check_name(name)
        return version_of(self.review.plan, name, self.review.review_id)

    def held(self) -> tuple[int, int]:
        """Return how many tiles are cached, and their bytes."""
        with self._lock:
            return len(self._cache), int(self._cache.currsize)

    def made(self, name: str, zoom: int, x: int, y: int) -> tuple[bool, Tile | None]:
        """Return whether a tile is cached, and the tile; nothing is made."""
        key = (name, zoom, x, y)
        with self._lock:
            return key in self._cache, self._cache.get(key)

    def tile(self, name: str, zoom: int, x: int, y: int) -> Tile | None:
        """Return a tile of a layer, None if empty; raises NotFoundError for an unknown layer."""
        key = (name, zoom, x, y)
        with self._lock:
            if key in self._cache:
                return self._cache[key]
            is_first = key not in self._making
            waiting = self._making.setdefault(key, Future())
        if is_first:
            _settle(waiting, lambda: self._maker.make(name, zoom, x, y))
            with self._lock:
                del self._making[key]
                if waiting.exception() is None:
                    self._cache_tile(key, waiting.result())
        return waiting.result()

    def _cache_tile(self, key: _TileKey, tile: Tile | None) -> None:
        if weight_of(tile) <= self._cache.maxsize:
            self._cache[key] = tile

    # ---- making tiles in advance ----

    def make_ahead(self) -> None:
        """Make the low zooms' tiles of every tiled layer, until stopped."""
        for name in FEATURE_SOURCES:
            if is_tiled(self.review.plan, name):
                for zoom, x, y in self._maker.low_zooms(name):
                    if self._stopped.is_set():
                        return
                    self.tile(name, zoom, x, y)
                self._maker.pause()

    def start(self) -> None:
        """Start a thread that makes the low zooms' tiles in advance, if any layer is tiled."""
        if self._thread is None and any(
            is_tiled(self.review.plan, name) for name in FEATURE_SOURCES
        ):
            self._thread = threading.Thread(target=self._run, name="tiles-ahead", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self.make_ahead()
        except Exception:  # noqa: BLE001 - whatever it is, it must not go lost with the thread
            # A failure here does no harm: tiles are still made on request.
            if not self._stopped.is_set():
                _log.exception("Tiles could not be made ahead.")

    def stop(self) -> None:
        """Make no more tiles in advance than the one under way."""
        self._stopped.set()

    def close(self) -> None:
        """Stop making tiles in advance, and wait for the one being made."""
        self.stop()
        self._maker.close()
        if self._thread is not None:
            self._thread.join()


def _low_zooms(layer: TileLayer) -> Iterator[tuple[int, int, int]]:
    """Yield the tiles of zooms at which tiles have many features, lowest zooms first."""
    if layer.bounds is None:
        return
    for zoom in range(MAX_ZOOM + 1):
        last = 2**zoom - 1
        west, north, east, south = (min(last, int(side * 2**zoom)) for side in layer.bounds)
        count = (east - west + 1) * (south - north + 1)
        if count > 1 and len(layer) / count < _AHEAD_FEATURES:
            return
        for x in range(west, east + 1):
            for y in range(north, south + 1):
                yield zoom, x, y


def _settle(waiting: Future[Any], make: Callable[[], Any]) -> None:
    """Give a future its result, or the error that was raised instead."""
    try:
        waiting.set_result(make())
    except BaseException as error:
        waiting.set_exception(error)
        if not isinstance(error, Exception):
            raise


def packed_tile(content: bytes) -> Tile | None:
    """Return a tile's content compressed; None if it is empty."""
    if not content:
        return None
    packed = gzip.compress(content, _COMPRESSION, mtime=0)
    return Tile(packed, hashlib.sha256(content).hexdigest()[:20])


def weight_of(tile: Tile | None) -> int:
    """Return the approximate memory that a cached tile takes, bookkeeping included."""
    return 200 + (len(tile.content) if tile else 0)
