"""Vector tiles of a running service: those of its current review."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from geo_service.errors import InvalidQueryError
from geo_service.maps.review_tiles import Tile, Tiles
from geo_service.maps.tiles import MAX_ZOOM, check_name
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.planning.state import ServiceState


class TileDesk:
    """The tiles of the county's review; others when the review changes."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._tiles: Tiles | None = None

    def current(self) -> Tiles:
        """Return the tiles of the review that is in force."""
        with self._lock:
            review = self._state.review
            if self._tiles is not None and self._tiles.review is review:
                return self._tiles
            previous, self._tiles = self._tiles, Tiles(review, self._state.works.tiles(review))
            current = self._tiles
        if previous is not None:
            previous.close()
            current.start()
        return current

    def held(self) -> tuple[int, int]:
        """Return how many tiles are remembered, and their bytes."""
        with self._lock:
            return (0, 0) if self._tiles is None else self._tiles.held()

    def stop(self) -> None:
        """Make no more tiles ahead than the one under way."""
        with self._lock:
            if self._tiles is not None:
                self._tiles.stop()

    def close(self) -> None:
        """Stop making tiles ahead."""
        with self._lock:
            tiles = self._tiles
        if tiles is not None:
            tiles.close()

    def made(self, layer: str, zoom: int, column: int, row: int) -> tuple[Tile | None, str] | None:
        """Return what `find` returns if the tile was made before; None if it has to be made."""
        tiles = self._asked(layer, zoom, column, row)
        is_made, tile = tiles.made(layer, zoom, column, row)
        return (tile, tiles.version(layer)) if is_made else None

    def find(self, layer: str, zoom: int, column: int, row: int) -> tuple[Tile | None, str]:
        """Return a tile, None where nothing is, and the layer's version.

        NotFoundError for a layer that has no tiles; InvalidQueryError for a number outside the
        pyramid.
        """
        tiles = self._asked(layer, zoom, column, row)
        return tiles.tile(layer, zoom, column, row), tiles.version(layer)

    def _asked(self, layer: str, zoom: int, column: int, row: int) -> Tiles:
        check_name(layer)
        for parameter, number in (("x", column), ("y", row)):
            if number >= 2**zoom:
                msg = said("problem.tile", name=parameter, zoom=zoom, last=2**zoom - 1)
                raise InvalidQueryError(parameter, msg)
        return self.current()


__all__ = ["MAX_ZOOM", "Tile", "TileDesk"]
