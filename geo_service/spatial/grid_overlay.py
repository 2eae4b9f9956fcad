"""Exact overlap areas and distances for very many subjects, computed by the compiled kernel.

Areas are summed over pairs of edges without constructing overlaps (see native/overlay.c).
Coordinates are planar and in metres; polygons are valid (layers are checked when they are
loaded). `geo_service.spatial.overlay` gives the overlapping parts themselves.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from geo_service import native
from geo_service.spatial.ragged import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""Called with the number of subjects done and their total."""

EDGES_PER_CELL = 16
"""How many edges of a boundary should lie in each cell that it crosses."""

CELL_RANGE_M = (150.0, 300.0)
"""Smallest and largest cell size that is chosen from the zones."""

MAX_CELLS = 4_000_000
"""Most cells of a grid: beyond it a chosen cell size grows, a given one is refused."""

_SAMPLE = 10_000
_SHARES_PER_SUBJECT = 4
"""How many zones of a layer a subject has room for at first."""
_CHUNK_VERTICES = 1 << 16
_CHUNK_SUBJECTS = 1 << 13


def is_available() -> bool:
    """Return whether this machine has the compiled kernel."""
    return native.load() is not None


class ZoneGrid:
    """The zones of one layer, cut into cells, to measure how much of each subject they cover.

    Build it once per layer version; it does not change and may be used from several threads.
    """

    def __init__(self, zones: Ragged, west: float, south: float, cell_m: float) -> None:
        """Cut zones into cells counted from a corner; `build` chooses corner and size."""
        kernel = native.require()
        bounds = zones.bounds()
        corner = np.array([west, south])
        surface = (zones.dimension == 2) & np.isfinite(bounds[:, 0])  # noqa: PLR2004 - surfaces
        shape = np.zeros(2)
        if surface.any():
            shape = np.floor((bounds[surface, 2:].max(axis=0) - corner) / cell_m) + 1
        if shape.prod() > MAX_CELLS:
            msg = (
                f"Cells of {cell_m} m make {shape[0]:.0f} x {shape[1]:.0f}, more than "
                f"{MAX_CELLS:,}. Leave cell_m out, or give a larger one."
            )
            raise ValueError(msg)
        self.cell_m = cell_m
        self.columns, self.rows = (int(number) for number in shape)
        self.zones = len(zones)
        handle = kernel.geo_zones_build(
            ctypes.byref(zones.struct), west, south, cell_m, self.columns, self.rows
        )
        if handle is None:
            raise MemoryError
        self._handle = handle
        self._kernel = kernel
        weakref.finalize(self, kernel.geo_zones_free, handle)

    @classmethod
    def build(cls, polygons: NDArray[np.object_] | Ragged, *, cell_m: float | None = None) -> Self:
        """Cut the zones of a layer into cells.

        Parameters
        ----------
        polygons
            Valid polygons and multipolygons in a metric CRS; they may overlap each other.
            Geometry that is empty, missing or without area counts as nothing.
        cell_m
            Size of a cell in metres; by default chosen by the length of edges.

        Raises
        ------
        ValueError
            A geometry is refused, or `cell_m` gives too many cells.
        RuntimeError
            This machine has no compiled kernel.
        """
        zones = polygons if isinstance(polygons, Ragged) else Ragged.from_shapely(polygons)
        if cell_m is not None and not (np.isfinite(cell_m) and cell_m > 0):
            msg = f"cell_m has to be a positive number of metres, found {cell_m}."
            raise ValueError(msg)
        bounds = zones.bounds()[zones.dimension == 2]  # noqa: PLR2004 - surfaces
        bounds = bounds[np.isfinite(bounds[:, 0])]
        if not len(bounds):
            return cls(zones, 0.0, 0.0, cell_m or 1.0)
        low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
        size = cell_m or _choose_cell(zones, high - low)
        west, south = np.floor(low / size) * size
        return cls(zones, float(west), float(south), size)

    def facts(self) -> dict[str, int]:
        """Return what the grid holds, to tune by: entries, edges, bytes and the like."""
        numbers = np.zeros(4, dtype=np.int64)
        self._kernel.geo_zones_facts(self._handle, native.address(numbers))
        names = ("entries", "edges", "overlapping_cells", "bytes")
        return dict(zip(names, numbers.tolist(), strict=True))

    def covered_area(
        self,
        subjects: Ragged,
        *,
        threads: int = 2,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> NDArray[np.float64]:
        """Return the area in m² of each subject that zones cover, in the subjects' order.

        Zones that overlap each other count once; touching borders count 0, and so do subjects
        without area. Setting `cancel` ends the work with CancelledError.
        """
        area, whole = np.zeros(len(subjects)), subjects.areas()

        def measure(first: int, end: int) -> int:
            arguments = native.address(whole), first, end, native.address(area)
            shapes = ctypes.byref(subjects.struct)
            return int(self._kernel.geo_zones_covered(self._handle, shapes, *arguments))

        _in_chunks(measure, subjects, threads=threads, progress=progress, cancel=cancel)
        return area

    def largest_zone(
        self,
        subjects: Ragged,
        *,
        threads: int = 2,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the zone with which each subject shares most area, and that area in m².

        The zone is given by its position in the layer, the first of equal ones; -1 with 0 m² if
        a subject shares no area with any. Setting `cancel` ends the work with CancelledError.
        """
        zone = np.full(len(subjects), -1, dtype=np.int32)
        area, whole = np.zeros(len(subjects)), subjects.areas()

        def measure(first: int, end: int) -> int:
            results = native.address(zone), native.address(area)
            shapes = ctypes.byref(subjects.struct)
            return int(
                self._kernel.geo_zones_largest(
                    self._handle, shapes, native.address(whole), first, end, *results
                )
            )

        _in_chunks(measure, subjects, threads=threads, progress=progress, cancel=cancel)
        return zone, area

    def shares(
        self,
        subjects: Ragged,
        *,
        threads: int = 2,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Return the zones with which each subject shares area, and these areas in m².

        The first array has one more position than there are subjects: zones and areas of subject
        i lie from position i to before position i + 1 of it, zones in the layer's order. Setting
        `cancel` ends the work with CancelledError.
        """
        count, whole = np.zeros(len(subjects), dtype=np.int64), subjects.areas()
        chunks: dict[int, tuple[NDArray[np.int32], NDArray[np.float64]]] = {}

        def measure(first: int, end: int) -> int:
            shapes, position = ctypes.byref(subjects.struct), first
            room = max(_SHARES_PER_SUBJECT * (end - first), self.zones)
            while position < end:
                zone, area = np.empty(room, dtype=np.int32), np.empty(room)
                done = self._kernel.geo_zones_shares(
                    self._handle,
                    shapes,
                    native.address(whole),
                    position,
                    end,
                    room,
                    native.address(count),
                    native.address(zone),
                    native.address(area),
                )
                if done < 0:
                    return int(done)
                used = int(count[position:done].sum())
                chunks[position] = zone[:used].copy(), area[:used].copy()
                position = int(done)
            return native.OK

        _in_chunks(measure, subjects, threads=threads, progress=progress, cancel=cancel)
        found = [chunks[first] for first in sorted(chunks)]
        border = np.concatenate([[0], np.cumsum(count)])
        zone = np.concatenate([np.zeros(0, dtype=np.int32), *(one for one, _ in found)])
        area = np.concatenate([np.zeros(0), *(one for _, one in found)])
        return border, zone, area


class LineGrid:
    """The lines of one layer, indexed by boxes of short runs, to find each subject's nearest line.

    It does not change once built and may be used from several threads.
    """

    def __init__(self, lines: Ragged) -> None:
        """Index the lines; use `build`."""
        kernel = native.require()
        handle = kernel.geo_lines_build(ctypes.byref(lines.struct))
        if handle is None:
            raise MemoryError
        self.lines = len(lines)
        self._handle = handle
        self._kernel = kernel
        weakref.finalize(self, kernel.geo_lines_free, handle)

    @classmethod
    def build(cls, lines: NDArray[np.object_] | Ragged) -> Self:
        """Index lines, surfaces (whose inside is at distance 0) or points in a metric CRS.

        Raises
        ------
        ValueError
            A geometry is refused.
        RuntimeError
            This machine has no compiled kernel.
        """
        return cls(lines if isinstance(lines, Ragged) else Ragged.from_shapely(lines))

    def nearest(
        self,
        subjects: Ragged,
        *,
        threads: int = 2,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return each subject's distance in m to the nearest line, and that line's position.

        The distance is 0 if a line crosses the subject or lies in it, or if the subject lies in
        a surface among the lines. Of equally near lines the first counts. NaN and -1 if the
        subject is empty or there are no lines. Setting `cancel` ends the work with CancelledError.
        """
        distance = np.full(len(subjects), np.nan)
        line = np.full(len(subjects), -1, dtype=np.int32)

        def measure(first: int, end: int) -> int:
            results = native.address(distance), native.address(line)
            shapes = ctypes.byref(subjects.struct)
            return int(self._kernel.geo_lines_nearest(self._handle, shapes, first, end, *results))

        _in_chunks(measure, subjects, threads=threads, progress=progress, cancel=cancel)
        return distance, line


def _choose_cell(zones: Ragged, extent: NDArray[np.float64]) -> float:
    """Return a cell size by the mean length of edges; above one metre, whole metres."""
    is_edge = np.ones(len(zones.xy), dtype=bool)
    is_edge[zones.ring[1:] - 1] = False
    start = np.flatnonzero(is_edge)
    start = start[:: max(1, len(start) // _SAMPLE)]
    step_m = np.hypot(*(zones.xy[start + 1] - zones.xy[start]).T).mean()
    size = float(np.ceil(np.clip(EDGES_PER_CELL * step_m, *CELL_RANGE_M)))
    while (np.floor(extent / size) + 2).prod() > MAX_CELLS:
        size = float(np.ceil(size * 1.25))
    return size


def _in_chunks(
    measure: Callable[[int, int], int],
    subjects: Ragged,
    *,
    threads: int,
    progress: Progress | None,
    cancel: threading.Event | None,
) -> None:
    """Measure ranges of subjects in threads; results do not depend on their number."""
    borders = _chunk_borders(subjects)
    total, done = len(subjects), 0
    is_one = len(borders) <= 2  # noqa: PLR2004 - both ends of one chunk
    if is_one and progress is None and cancel is None:
        # Starting a thread takes longer than measuring few subjects.
        if total and measure(0, total) != native.OK:
            raise MemoryError
        return
    with ThreadPoolExecutor(max(1, threads)) as pool:
        try:
            jobs = {
                pool.submit(measure, first, end): end - first for first, end in pairwise(borders)
            }
            for job in as_completed(jobs):
                if job.result() != native.OK:
                    raise MemoryError
                if cancel is not None and cancel.is_set():
                    msg = f"Cancelled after {done:,} of {total:,} subjects."
                    raise CancelledError(msg)
                done += jobs[job]
                if progress is not None:
                    progress(done, total)
        finally:
            # After an error, Ctrl-C or cancellation no further chunk is started.
            pool.shutdown(wait=True, cancel_futures=True)


def _chunk_borders(subjects: Ragged) -> list[int]:
    """Return positions that split the subjects into chunks of bounded work, both ends included."""
    step = max(1, min(_CHUNK_SUBJECTS, len(subjects)))
    heavy = np.arange(_CHUNK_VERTICES, len(subjects.xy), _CHUNK_VERTICES)
    by_vertices = np.searchsorted(subjects.vertex_end, heavy)
    by_count = np.arange(0, len(subjects), step)
    ends = np.array([len(subjects)])
    return [int(each) for each in np.unique(np.concatenate([by_vertices, by_count, ends]))]
