"""A province's roll-up as files for GIS: a GeoPackage, and two GeoParquet files in one archive.

Both hold the counties and the parks with their shapes in CGCS2000 (EPSG:4490); the GeoPackage has
the other tables of the roll-up too, and one that says what everything rests on. Names of columns
are the same in every language. Leaves out tables for people (`report`).
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geo_service.crs import STORAGE_CRS
from geo_service.model import Verdict
from geo_service.reports.plain_text import clean
from geo_service.scratch import scratch_folder

if TYPE_CHECKING:
    from geo_service.province.folder import Record
    from geo_service.province.rollup import RolledUp

TABLES = ("rules", "industries", "groups", "specialisations")
"""Members of the roll-up that are tables as they are."""
_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The time of a member of the archive, so that equal results give equal bytes."""
_COUNTS = {"parks", "findings", "waived", "approved", "enterprises", "year", *Verdict}
_NUMBERS = {"leading_share", "province_location_quotient"}


def counties_frame(rolled_up: RolledUp, document: Record) -> gpd.GeoDataFrame:
    """Return each county's row with its outline; a faulty one has its faults and no figures."""
    rows: list[Record] = [
        {
            **{key: value for key, value in county.items() if key not in {"verdicts", "lapsed"}},
            **county["verdicts"],
            "name": _told(county["name"]),
            "lapsed": ";".join(county["lapsed"]),
            "sources": _told(rolled_up.records[county["county_code"]]["sources"]),
            "state": "whole",
            "faults": None,
        }
        for county in document["counties"]
    ]
    rows += [
        {"county_code": code, "state": "faulty", "faults": _told(faults)}
        for code, faults in document["faulty"].items()
    ]
    rows.sort(key=lambda row: str(row["county_code"]))
    frame = pd.DataFrame(rows)
    for name in sorted(_COUNTS & {*frame.columns}):
        frame[name] = frame[name].astype("Int64")
    frame["illustrative"] = frame["illustrative"].astype("boolean")
    shapes = np.asarray(rolled_up.outlines().reindex(frame["county_code"]), dtype=object)
    return gpd.GeoDataFrame(_texts(frame), geometry=shapes, crs=STORAGE_CRS)


def parks_frame(rolled_up: RolledUp, document: Record) -> gpd.GeoDataFrame:
    """Return the parks with verdicts, shares, and what the roll-up says of each."""
    parks = rolled_up.park_shapes()
    told = pd.DataFrame(
        [[row[name] for name in sorted(_NUMBERS)] for row in document["parks"]],
        columns=sorted(_NUMBERS),
        dtype=float,
        index=parks.index,
    )
    return gpd.GeoDataFrame(_texts(parks.join(told)), geometry="geometry", crs=STORAGE_CRS)


def geoparquet_archive(rolled_up: RolledUp, document: Record) -> bytes:
    """Return an archive with `counties.parquet`, `parks.parquet` and what they rest on."""
    stream = io.BytesIO()
    frames = {
        "counties.parquet": counties_frame(rolled_up, document),
        "parks.parquet": parks_frame(rolled_up, document),
    }
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, frame in frames.items():
            content = io.BytesIO()
            frame.to_parquet(content, compression="zstd", index=False)
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), content.getvalue())
        facts = json.dumps(_facts(document), ensure_ascii=False, indent=1)
        archive.writestr(zipfile.ZipInfo("province.json", _MOMENT), facts.encode())
    return stream.getvalue()


def geopackage(rolled_up: RolledUp, document: Record) -> bytes:
    """Return the roll-up as the bytes of a GeoPackage."""
    tables = {name: pd.DataFrame(document[name]) for name in TABLES}
    tables["neighbours"] = pd.DataFrame(
        [
            {
                "division": item["division"],
                "county_code": item["counties"][0],
                "other_county": item["counties"][1],
                "parks": ";".join(item["parks"][0]),
                "other_parks": ";".join(item["parks"][1]),
            }
            for item in document["neighbours"]["same_leading"]
        ]
    )
    facts = _facts(document).items()
    tables["province"] = pd.DataFrame([(key, _told(value)) for key, value in facts])
    tables["province"].columns = ["item", "value"]
    with scratch_folder("province") as folder:
        path = folder / "province.gpkg"
        # Version 1.3, since GDAL before 3.7, as Debian 12 has it, warns of later ones.
        options: dict[str, Any] = {"driver": "GPKG", "encoding": "UTF-8", "VERSION": "1.3"}
        for layer, frame in (
            ("counties", counties_frame(rolled_up, document)),
            ("parks", parks_frame(rolled_up, document)),
        ):
            pyogrio.write_dataframe(
                frame,
                path,
                layer=layer,
                geometry_type="MultiPolygon",
                promote_to_multi=True,
                **options,
            )
            options = {"driver": "GPKG", "encoding": "UTF-8", "append": True}
        for layer, table in tables.items():
            if len(table.columns):
                pyogrio.write_dataframe(_texts(table), path, layer=layer, **options)
        return path.read_bytes()


def _facts(document: Record) -> Record:
    """Return what the figures rest on."""
    named = ("name", "as_of", "rulebook_version", "basis", "illustrative", "sources")
    return {
        **{name: document[name] for name in named},
        "crs": STORAGE_CRS,
        "totals": document["totals"],
        "hhi": document["hhi"],
        "left_out": document["left_out"],
        "without_boundary": document["neighbours"]["without_boundary"],
    }


def _told(value: object) -> str | None:
    """Return a value as a text; names by language and lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts hold no signs that a file may not have."""
    for name in frame.columns:
        column = frame[name]
        if name != "geometry" and not (
            pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
        ):
            cleaned = [clean(cell) if isinstance(cell, str) else None for cell in column]
            frame[name] = pd.Series(cleaned, dtype=object, index=frame.index)
    return frame
