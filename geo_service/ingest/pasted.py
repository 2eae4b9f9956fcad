"""Read boundary points that somebody pasted, as one shape in longitude and latitude (CGCS2000).

Either a whole boundary-point text (`formats/boundary_points`), or a line for each point whose last
two numbers are its coordinates: longitude and latitude, or northing and easting in a
Gauss-Krueger zone, in either order. Metres are placed as an import places them (`placement`);
degrees without a named CRS are taken as CGCS2000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.errors import InvalidQueryError
from geo_service.ingest.coordinates import read_numbers
from geo_service.ingest.formats.boundary_points import is_boundary_text, shapes_in_text
from geo_service.ingest.limits import Budget
from geo_service.ingest.options import AUTO
from geo_service.ingest.placement import Sample, are_degrees, decide_placement, sample_points
from geo_service.ingest.sources import ImportSource
from geo_service.wording import said

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.ingest.sources import Batch
    from geo_service.model import Message
    from geo_service.plan import Plan

MOST_CHARACTERS = 200_000
MOST_POINTS = 5_000
_NAME = "points"
_PARTS = re.compile(r"[,，;；、\s]+")
_CORNERS = 3


def read_pasted(
    text: str, plan: Plan, *, crs: str = AUTO
) -> tuple[BaseGeometry, tuple[Message, ...]]:
    """Return the shape of pasted points in degrees, and how their CRS was told.

    A shape of one point is a point. Raises InvalidQueryError for a line that is no point, for two
    points, too many, or a ring that crosses itself; as `decide_placement` where the CRS is open or
    nothing lies in the county.
    """
    declared, shapes = None, np.zeros(0, dtype=object)
    if is_boundary_text(text):
        declared, shapes = shapes_in_text(text, Budget(_NAME))
    else:
        shapes = _shape_of_lines(text)
    if shapely.get_num_coordinates(shapes).sum() > MOST_POINTS:
        raise _refused(said("problem.vertices", most=MOST_POINTS))
    source = ImportSource(
        format="points", shown=_NAME, columns=(), has_geometry=True, crs=declared, read=_no_rows
    )
    if crs == AUTO and declared is None and are_degrees(sample_points(shapes)):
        crs = STORAGE_CRS
    placement = decide_placement(
        source, Sample(shapes=shapes), plan=plan, layer="parcels", crs_option=crs
    )
    placed = placement.place(shapes)
    whole = placed[0] if len(placed) == 1 else shapely.union_all(placed)
    if not shapely.is_valid(whole) or (whole.geom_type != "Point" and whole.area == 0):
        raise _refused(said("problem.crosses"))
    return whole, placement.evidence


def _no_rows() -> Iterator[Batch]:
    return iter(())


def _shape_of_lines(text: str) -> NDArray[np.object_]:
    """Return a point or a ring, from the last two numbers of each line that has digits."""
    pairs: list[list[str]] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell for cell in _PARTS.split(line.strip()) if cell]
        if not any(letter.isdigit() for letter in line):
            continue
        if len(cells) < 2:  # noqa: PLR2004 - a pair
            raise _refused(said("problem.pasted_line", line=number))
        pairs.append(cells[-2:])
        lines.append(number)
    if not pairs:
        raise _refused(said("problem.no_points"))
    table = pd.DataFrame(pairs, columns=["x", "y"], dtype="object")
    columns = [read_numbers(table[name], name) for name in ("x", "y")]
    xy = np.column_stack([column.numbers for column in columns])
    wrong = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(wrong):
        raise _refused(said("problem.pasted_line", line=lines[int(wrong[0])]))
    if len(xy) > 1 and (xy[0] == xy[-1]).all():
        xy = xy[:-1]
    found = np.empty(1, dtype=object)
    if len(xy) == 1:
        found[0] = shapely.Point(xy[0])
        return found
    if len(xy) < _CORNERS:
        raise _refused(said("problem.two_points"))
    found[0] = shapely.Polygon(xy)
    return found


def _refused(reason: Message) -> InvalidQueryError:
    return InvalidQueryError(_NAME, said("problem.named", name=_NAME, reason=reason))
