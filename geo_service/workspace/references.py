"""What the layers of a workspace must satisfy together: references, extent, vacant floors.

What a layer must satisfy by itself is in `workspace.reading`; of that, only the scheme of
land-use codes stands here, since the settings decide about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from geo_service.domain.extent import boundary_box, is_far
from geo_service.domain.references import known_values, target_of
from geo_service.domain.subjects import floor_id
from geo_service.domain.vacancy import is_overstated
from geo_service.errors import Fault
from geo_service.model import Message
from geo_service.plan import rows_of
from geo_service.schema import LAND_USE_SCHEMES, SCHEMAS
from geo_service.wording import quoted, said
from geo_service.workspace.own_files import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray


def check_references(
    frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str | Message]
) -> Iterator[Fault]:
    """Yield what does not fit between layers; `shown` says how messages call their files."""
    for name, frame in frames.items():
        file = shown[name]
        for item in SCHEMAS[name].fields:
            target, column = target_of(item) or ("", "")
            if target not in frames:
                continue
            cells = frame[item.name]
            lost = cells.notna() & ~_are_among(cells, known_values(name, item, frames[target]))
            for row in np.flatnonzero(lost.to_numpy(dtype=bool)):
                yield Fault(
                    file=file,
                    layer=name,
                    row=str(frame[SCHEMAS[name].key[0]].iloc[int(row)]),
                    column=item.name,
                    found=quoted(cells.iloc[int(row)]),
                    expected=said(
                        "fault.reference",
                        column=column,
                        layer=target,
                        label=Message(f"layer.{target}"),
                    ),
                )
    yield from _check_extent(frames, shown)
    yield from _check_vacancy(frames, shown)


def _are_among(cells: pd.Series, known: pd.Series) -> NDArray[np.bool_]:
    """Return which cells are among known values; for many texts faster than a column's `isin`."""
    values = known.to_numpy(dtype=object)
    return cells.astype("object").isin(values).to_numpy(dtype=bool)


def _check_vacancy(
    frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str | Message]
) -> Iterator[Fault]:
    floors = frames.get("floors")
    if floors is None:
        return
    for row in rows_of(floors[is_overstated(floors)]):
        yield Fault(
            file=shown["floors"],
            layer="floors",
            row=floor_id(row["building_id"], row["floor_no"]),
            column="vacant_m2",
            found=said("fault.vacant", vacant=row["vacant_m2"], area=row["area_m2"]),
            expected=said("fault.no_more_vacant"),
        )


def _check_extent(
    frames: Mapping[str, pd.DataFrame], shown: Mapping[str, str | Message]
) -> Iterator[Fault]:
    box = boundary_box(frames.get("county"))
    if box is None:
        return
    west, south, east, north = box
    for name, frame in frames.items():
        if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
            continue
        bounds = shapely.bounds(frame.geometry.to_numpy())
        for row in np.flatnonzero(is_far(bounds, box)):
            x, y = bounds[row, :2]
            yield Fault(
                file=shown[name],
                layer=name,
                row=str(frame[SCHEMAS[name].key[0]].iloc[int(row)]),
                column="geometry",
                found=said("fault.far_outside", x=x, y=y),
                expected=said("fault.reach", west=west, east=east, south=south, north=north),
            )


def declare_scheme(
    frame: pd.DataFrame, default: str | None, problems: list[Fault], file: str | Message
) -> list[Fault]:
    """Fill the workspace's land-use scheme where a parcel names none; refuse if there is none.

    The same code means different things in different schemes (1001 is industry in the
    planning scheme and railway in the land survey), so none is ever guessed.
    """
    missing = frame["land_use_scheme"].isna()
    faults = [
        fault
        for fault in problems
        if not (fault.column == "land_use_scheme" and fault.found.key == "fault.no_such_column")
    ]
    if default is not None:
        frame["land_use_scheme"] = frame["land_use_scheme"].fillna(default)
        return faults
    if missing.any():
        rows = ", ".join(frame.loc[missing, "parcel_id"].astype(str).head(5))
        faults.append(
            Fault(
                file=file,
                layer="parcels",
                column="land_use_scheme",
                found=said("fault.no_scheme", count=int(missing.sum()), rows=rows),
                expected=said("fault.scheme", file=SETTINGS_FILE, known=list(LAND_USE_SCHEMES)),
            )
        )
    return faults
