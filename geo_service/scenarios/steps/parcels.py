"""Parcels rezoned, cut and put together; what stands on them follows.

Cuts and unions are made in the storage CRS, so that no vertex moves. Pieces add up to the parcel
that they were cut from, in ground and in figures.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import split as cut

from geo_service.model import Message
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.drawn import check_valid, read_shape
from geo_service.scenarios.refusal import refuse
from geo_service.scenarios.steps.known import need, new_id
from geo_service.schema import SCHEMAS
from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.scenarios.edits import MergeParcels, RezoneParcel, SplitParcel
    from geo_service.scenarios.workbench import Workbench

LAYER = "parcels"
MOST_PIECES = 20
SLIVER_M2 = 1.0
"""A piece of no more ground than this is a slip of the line."""
SAME_AREA = 1e-6
"""Share by which the areas of pieces and whole may differ."""
AMOUNTS = ("area_m2", "investment_cny", "power_kva", "water_m3_d", "gas_m3_d", "wastewater_m3_d")
"""Columns of a parcel that are divided among pieces by their ground, and added up in a union."""
CODE_FORMS = MappingProxyType(
    {
        "planning2023": re.compile(r"(?:0[1-9]|1[0-9]|2[0-4])(?:[0-9]{2}){0,2}"),
        "survey3": re.compile(r"(?:0[0-9]|1[0-2])(?:[0-9]{2})?[A-Z]?"),
        "gb50137": re.compile(r"[A-Z][0-9]{0,2}"),
    }
)
"""What codes of a scheme look like; a scheme of the county's own may have any. Not all codes ship:
what an unknown one means, the review says."""


def rezone(bench: Workbench, edit: RezoneParcel) -> None:
    """Give a parcel another land use, of its own scheme unless another is named."""
    need(bench, LAYER, edit.parcel_id, field="parcel_id")
    scheme = edit.land_use_scheme or bench.cell(LAYER, edit.parcel_id, "land_use_scheme")
    code = edit.land_use.strip()
    form = CODE_FORMS.get(scheme or "")
    if not code or (form is not None and not form.fullmatch(code)):
        expected = said("scenario.known_land_use", scheme=Message(f"scheme.{scheme}"))
        refuse("land_use", quoted(edit.land_use), expected)
    if edit.land_use_scheme is None:
        bench.put(LAYER, edit.parcel_id, land_use=code)
    else:
        bench.put(LAYER, edit.parcel_id, land_use=code, land_use_scheme=scheme)


def split(bench: Workbench, edit: SplitParcel) -> None:
    """Cut a parcel; buildings and enterprises belong to the piece that holds most of them."""
    need(bench, LAYER, edit.parcel_id, field="parcel_id")
    line = read_shape(edit.line, ["LineString"], field="line")
    row = bench.row(LAYER, edit.parcel_id)
    pieces = _pieces(bench, row[GEOMETRY], line)
    bench.see(LAYER, edit.parcel_id, GEOMETRY)
    metric = [bench.to_metric(piece) for piece in pieces]
    shares = [one.area if one is not None else 0.0 for one in metric]
    whole = sum(shares)
    park_id = bench.worked_out(LAYER, edit.parcel_id, "park_id")
    ids = []
    for number, (piece, area) in enumerate(zip(pieces, shares, strict=True)):
        own = dict(row)
        own["parcel_id"] = new_id(bench, edit, LAYER, edit.parcel_id, number)
        own |= {"park_id": park_id, GEOMETRY: piece}
        for name in AMOUNTS:
            own[name] = None if row[name] is None else row[name] * area / whole
        ids.append(own["parcel_id"])
        bench.add(LAYER, own["parcel_id"], own)
    old = bench.metric_shape(LAYER, edit.parcel_id)
    _follow(bench, [edit.parcel_id], ids, [one for one in metric if one is not None], old)
    bench.remove(LAYER, [edit.parcel_id])


def _pieces(bench: Workbench, shape: BaseGeometry, line: BaseGeometry) -> list[BaseGeometry]:
    """Return the pieces that a line cuts a parcel into, from west to east; refused for one."""
    try:
        found = [part for part in cut(shape, line).geoms if part.geom_type == "Polygon"]
    except (ValueError, shapely.errors.GEOSException):
        refuse("line", said("scenario.cannot_cut"), said("scenario.crossing_line"))
    if len(found) <= len(shapely.get_parts(shape)):
        refuse("line", said("scenario.no_crossing"), said("scenario.crossing_line"))
    if len(found) > MOST_PIECES:
        expected = said("scenario.most_pieces", most=MOST_PIECES)
        refuse("line", said("scenario.pieces", count=len(found)), expected)
    for piece in found:
        check_valid(piece, field="line")
        metric = bench.to_metric(piece)
        if metric is None or metric.area <= SLIVER_M2:
            refuse("line", said("scenario.sliver"), said("scenario.crossing_line"))
    if abs(sum(piece.area for piece in found) - shape.area) > SAME_AREA * shape.area:
        refuse("line", said("scenario.cannot_cut"), said("scenario.crossing_line"))
    return sorted(found, key=lambda piece: piece.bounds)


def merge(bench: Workbench, edit: MergeParcels) -> None:
    """Put parcels together that touch, of one park and one use."""
    for parcel_id in edit.parcel_ids:
        need(bench, LAYER, parcel_id, field="parcel_ids")
    ids = sorted(edit.parcel_ids)
    rows = [bench.row(LAYER, parcel_id) for parcel_id in ids]
    for parcel_id, row in zip(ids, rows, strict=True):
        row["park_id"] = bench.worked_out(LAYER, parcel_id, "park_id")
    for name in ("park_id", "land_use", "land_use_scheme"):
        if len({row[name] for row in rows}) > 1:
            refuse(
                "parcel_ids",
                said("scenario.differing", column=Message(f"column.{name}")),
                said("scenario.same_column"),
            )
    shapes = [row[GEOMETRY] for row in rows]
    whole = shapely.union_all(shapes)
    if whole.geom_type != "Polygon":
        refuse("parcel_ids", said("scenario.apart"), said("scenario.touching"))
    check_valid(whole, field="parcel_ids")
    metric = [bench.to_metric(shape) for shape in (*shapes, whole)]
    *parts, total = [0.0 if one is None else float(one.area) for one in metric]
    if sum(parts) - total > max(SLIVER_M2, SAME_AREA * total):
        refuse("parcel_ids", said("scenario.overlapping"), said("scenario.touching"))
    for parcel_id in ids:
        bench.see(LAYER, parcel_id, GEOMETRY)
    made = _together(rows, parts)
    made["parcel_id"] = new_id(bench, edit, LAYER, ids[0])
    made[GEOMETRY] = whole
    bench.add(LAYER, made["parcel_id"], made)
    _follow(bench, ids, [made["parcel_id"]], [m for m in metric[-1:] if m is not None], None)
    bench.remove(LAYER, ids)


def _together(rows: Sequence[dict[str, Any]], areas: Sequence[float]) -> dict[str, Any]:
    """Return the figures of parcels put together.

    Amounts are added; shares and ratios are weighed by ground; of all else stands what all have
    in common. Where one lacks a figure, the whole does.
    """
    numbers = {item.name for item in SCHEMAS[LAYER].fields if item.kind == "number"}
    made: dict[str, Any] = {}
    for name in SCHEMAS[LAYER].columns:
        cells = [row[name] for row in rows]
        is_lacking = any(cell is None for cell in cells)
        if name in AMOUNTS:
            made[name] = None if is_lacking else sum(cells)
        elif len(set(cells)) == 1:
            made[name] = cells[0]
        elif name in numbers and not is_lacking:
            weighed = sum(cell * area for cell, area in zip(cells, areas, strict=True))
            made[name] = weighed / sum(areas)
        else:
            made[name] = None
    made["status"] = made["status"] or "built"
    made["source"] = made["source"] or "; ".join(dict.fromkeys(row["source"] for row in rows))
    made["illustrative"] = any(row["illustrative"] for row in rows)
    return made


def _follow(
    bench: Workbench,
    old: Sequence[str],
    new: Sequence[str],
    shapes: Sequence[BaseGeometry],
    whole: BaseGeometry | None,
) -> None:
    """Let buildings and enterprises of parcels name the new ones that they stand on."""
    for parcel_id in old:
        for key in bench.keys_of("buildings", "parcel_id", parcel_id):
            ground = bench.metric_shape("buildings", key)
            bench.follow("buildings", key, parcel_id=new[_home(shapes, ground or whole)])
    for parcel_id in old:
        for key in bench.keys_of("enterprises", "parcel_id", parcel_id):
            building_id = bench.cell("enterprises", key, "building_id")
            if building_id is not None and bench.has("buildings", building_id):
                home = bench.cell("buildings", building_id, "parcel_id")
                if home in new:
                    bench.follow("enterprises", key, parcel_id=home)
                    continue
            point = bench.to_metric(bench.cell("enterprises", key, GEOMETRY)) or (
                None if whole is None else whole.point_on_surface()
            )
            bench.follow("enterprises", key, parcel_id=new[_home(shapes, point)])


def _home(shapes: Sequence[BaseGeometry], thing: BaseGeometry | None) -> int:
    """Return which of some shapes holds most of a thing, or is nearest to it."""
    if thing is None or len(shapes) == 1:
        return 0
    overlaps = [float(shape.intersection(thing).area) for shape in shapes]
    if max(overlaps) > 0:
        return overlaps.index(max(overlaps))
    distances = [float(shape.distance(thing)) for shape in shapes]
    return distances.index(min(distances))
