"""Read GeoParquet in batches, and Parquet without shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from geo_service.ingest.formats.well_known import shapes_of_wkb
from geo_service.ingest.limits import Budget
from geo_service.ingest.sources import BATCH_ROWS, Batch, ImportSource
from geo_service.wording import said

_CRS84 = "OGC:CRS84"


def open_parquet(path: Path, budget: Budget) -> ImportSource:
    """Return a GeoParquet file as a source.

    Raises
    ------
    SourceError
        The file is damaged, or its geometry is not WKB.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError):
        raise budget.refuse(said("refusal.damaged_parquet"), said("refusal.geoparquet")) from None
    schema = file.schema_arrow
    rows = file.metadata.num_rows
    size = sum(
        file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups)
    )
    if rows > budget.limits.features or size > budget.limits.unpacked_bytes:
        raise budget.refuse(said("refusal.rows_bytes", rows=rows, size=size), said("refusal.fewer"))
    budget.check_columns(len(schema.names))
    geometry, crs, implied = _parquet_geometry(schema, budget)
    columns = [
        str(name)
        for name in schema.names
        if name != geometry and not pa.types.is_nested(schema.field(name).type)
    ]
    return ImportSource(
        format="parquet",
        shown=budget.shown,
        columns=tuple(columns),
        has_geometry=geometry is not None,
        rows=rows,
        crs=crs,
        implied_crs=implied,
        read=lambda: _parquet_batches(path, geometry, columns, budget),
    )


def _parquet_geometry(
    schema: Any,  # noqa: ANN401 - an Arrow schema; pyarrow has no types
    budget: Budget,
) -> tuple[str | None, pyproj.CRS | None, str | None]:
    text = (schema.metadata or {}).get(b"geo")
    if text is None:
        return None, None, None
    try:
        described = json.loads(text)
        name = described["primary_column"]
        column = described["columns"][name]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise budget.refuse(
            said("refusal.bad_geoparquet"), said("refusal.geoparquet_only")
        ) from None
    if column.get("encoding") != "WKB" or name not in schema.names:
        raise budget.refuse(said("refusal.not_wkb"), said("refusal.wkb"))
    if "crs" not in column:
        return str(name), None, _CRS84
    try:
        crs = None if column["crs"] is None else pyproj.CRS.from_json_dict(column["crs"])
    except (pyproj.exceptions.CRSError, TypeError):
        raise budget.refuse(said("refusal.bad_crs"), said("refusal.projjson")) from None
    return str(name), crs, None


def _parquet_batches(
    path: Path, geometry: str | None, columns: list[str], budget: Budget
) -> Iterator[Batch]:
    first = 1
    wanted = [*columns, geometry] if geometry is not None else columns
    try:
        with pq.ParquetFile(path) as file:
            for found in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                batch = found
                if batch.nbytes > budget.limits.text_bytes * 4:
                    raise budget.refuse(said("refusal.huge_rows"), said("refusal.plain_geoparquet"))
                budget.take(batch.num_rows)
                shapes = None
                if geometry is not None:
                    wkb = batch.column(geometry).to_numpy(zero_copy_only=False)
                    shapes = shapes_of_wkb(wkb, budget)
                    batch = batch.drop_columns([geometry])
                table = batch.to_pandas(integer_object_nulls=True)
                numbers = np.arange(first, first + len(table), dtype=np.int64)
                yield Batch(table=table, geometry=shapes, numbers=numbers)
                first += len(table)
    except (pa.ArrowException, OSError):
        raise budget.refuse(
            said("refusal.unreadable_after", row=first - 1), said("refusal.undamaged")
        ) from None
