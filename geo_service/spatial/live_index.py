"""A live index of boxes: bbox and point queries on a plan that is being edited.

It uses rtree, since entries can be added and removed while it is in use. One lock guards
every access: concurrent reads of one rtree index crash the process. The index is in memory,
never persisted, and can be rebuilt at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from rtree import index

if TYPE_CHECKING:
    from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""West, south, east, north, in the CRS of the indexed layer."""


class LiveIndex:
    """Positions by bounding box; every method is safe to call from several threads."""

    def __init__(self, bounds: NDArray[np.float64]) -> None:
        """Index rows of (west, south, east, north) by position, leaving out rows without a box."""
        self._lock = threading.Lock()
        self._boxes: dict[int, Box] = {
            position: (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
            for position, row in enumerate(bounds)
            if np.isfinite(row).all()
        }
        self._tree = index.Index(self._stream()) if self._boxes else index.Index()

    def _stream(self) -> Iterator[tuple[int, Box, None]]:
        for position, box in self._boxes.items():
            yield position, box, None

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._boxes)

    def query(self, box: Box) -> list[int]:
        """Return the positions whose box meets the given box, in order.

        >>> boxes = np.array([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
        >>> LiveIndex(boxes).query((0.5, 0.5, 2, 2))
        [0]
        """
        with self._lock:
            return sorted(self._tree.intersection(box))

    def insert(self, position: int, box: Box) -> None:
        """Add an entry, or replace the box of the entry with this position."""
        with self._lock:
            if position in self._boxes:
                self._tree.delete(position, self._boxes[position])
            self._tree.insert(position, box)
            self._boxes[position] = box

    def remove(self, positions: Iterable[int]) -> None:
        """Remove entries; unknown positions are ignored."""
        with self._lock:
            for position in positions:
                box = self._boxes.pop(position, None)
                if box is not None:
                    self._tree.delete(position, box)
