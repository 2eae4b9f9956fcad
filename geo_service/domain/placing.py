"""Which park something lies in, where its row does not say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOSTLY = 0.5
"""From this share on a shape lies in the park that covers it."""
NOWHERE = -1


def covering_park(parks: NDArray[np.object_], shapes: NDArray[np.object_]) -> NDArray[np.intp]:
    """Return for each shape the position of the park that covers most of it, `NOWHERE` for none.

    Of parks that cover as much the smallest counts; a shape that none covers by half lies
    outside them. Both are in one CRS.
    """
    which, park = shapely.STRtree(parks).query(shapes, predicate="intersects")
    covered = shapely.area(shapely.intersection(shapes[which], parks[park]))
    share = covered / shapely.area(shapes[which])
    is_inside = share >= MOSTLY
    which, park, share = which[is_inside], park[is_inside], share[is_inside]
    order = np.lexsort((shapely.area(parks)[park], -np.round(share, 6), which))
    return _first(which[order], park[order], len(shapes))


def holding_park(parks: NDArray[np.object_], points: NDArray[np.object_]) -> NDArray[np.intp]:
    """Return for each point the position of the smallest park it lies in, `NOWHERE` for none."""
    which, park = shapely.STRtree(parks).query(points, predicate="within")
    order = np.lexsort((shapely.area(parks)[park], which))
    return _first(which[order], park[order], len(points))


def _first(which: NDArray[np.intp], park: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return the first park of each of `count` things; `which` is in ascending order."""
    found = np.full(count, NOWHERE, dtype=np.intp)
    things, first = np.unique(which, return_index=True)
    found[things] = park[first]
    return found
