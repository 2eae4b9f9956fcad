"""Read vector files through GDAL in Arrow batches: shapefile to FlatGeobuf, KML and DXF.

Only paths that `staging` made come here, each with the format that its content showed.
Shapes arrive as WKB and become shapely geometries batch by batch.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pyproj

from geo_service import gdal
from geo_service.errors import Choice, ChoiceNeededError
from geo_service.gdal import ForeignFileError
from geo_service.ingest.datums import old_datum
from geo_service.ingest.formats.broken_texts import BYTES, decoded_bytes, with_valid_texts
from geo_service.ingest.formats.dates import (
    Written,
    dates_of_dbf,
    dates_of_geopackage,
    put_back,
)
from geo_service.ingest.formats.dbf import DbfText, read_dbf_text
from geo_service.ingest.formats.domains import Domains, read_domains
from geo_service.ingest.formats.encodings import make_utf8, with_heading
from geo_service.ingest.formats.geojson import check_json, ends_of, implies_its_crs
from geo_service.ingest.formats.kml import Flat, flatten_kml
from geo_service.ingest.formats.letters import UTF_8
from geo_service.ingest.formats.shape_index import check_records
from geo_service.ingest.formats.well_known import nest_records, shapes_of_wkb
from geo_service.ingest.limits import Budget
from geo_service.ingest.sources import BATCH_ROWS, Batch, Change, ImportSource, ReadShapes
from geo_service.ingest.staging import Staged, refuse_entities, refuse_layer
from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions

_CRS84 = "OGC:CRS84"
_FEW_FEATURES_TEXT = frozenset({"kml", "dxf"})
_EXACT = 10**15
"""From here on numbers of JSON may have lost digits: most programs keep them as floats."""
_COUNTED = frozenset({"flatgeobuf", "filegdb", "geojson", "geopackage"})
"""Formats that say how many features they have."""
_FEW_WORDS = 8
_UNREMARKABLE = frozenset({"import.encoding_declared", "import.encoding_guessed"})
"""Notes that are not worth saying of a text in UTF-8."""
_OWN_NAME = "source"
"""GDAL's name for the only layer of a file that names none: the staged file's name."""
_GDAL_ERRORS = (
    ForeignFileError,
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    RuntimeError,
)


def open_vector(staged: Staged, options: ImportOptions, budget: Budget) -> ImportSource:
    """Return a vector file as a source.

    Raises
    ------
    SourceError
        GDAL cannot read the file, or it exceeds a limit.
    ChoiceNeededError
        The file has several layers and none was named.
    """
    encoding, notes = _check_text_formats(staged, options, budget)
    dbf = None
    if staged.format == "shapefile":
        notes = tuple(check_records(staged.path, budget))
        dbf = read_dbf_text(staged.path, options.encoding, budget)
    read_in = dbf.encoding if dbf else None
    flat = None
    if staged.format == "kml":
        flat = flatten_kml(staged.path, options.source_layer, budget)
    layer = _choose_layer(
        staged, read_in, options if flat is None else replace(options, source_layer=None), budget
    )
    info = _info(staged, layer, read_in, budget)
    fields = [str(name) for name in info["fields"]]
    budget.check_columns(len(fields))
    renamed = _names(fields, dbf, flat)
    crs = _declared(info["crs"])
    is_implied = staged.format == "kml"
    if staged.format == "geojson":
        is_implied, unknown = implies_its_crs(staged.path)
        notes = (*notes, *unknown)
    written = _written_dates(staged, layer, info, fields)
    domains = read_domains(staged.path, staged.format, layer)
    count = int(info["features"])
    if count > budget.limits.features:
        raise budget.refuse(
            said("refusal.features_count", count=count),
            said("refusal.at_most", most=budget.limits.features),
        )
    return ImportSource(
        format=staged.format,
        shown=budget.shown,
        layer=_layer_shown(layer, flat),
        columns=tuple(renamed.values()),
        has_geometry=info["geometry_type"] is not None,
        rows=count if count >= 0 else None,
        crs=None if is_implied else crs,
        implied_crs=_CRS84 if is_implied else None,
        encoding=read_in or encoding,
        domains=domains,
        notes=(*(dbf.notes if dbf else ()), *notes, *_told(domains), *_cut_short(staged)),
        cut_names=staged.format == "shapefile",
        announced=_announced(staged)
        or (count if staged.format in _COUNTED and count >= 0 else None),
        read=lambda: _batches(
            staged,
            layer,
            BYTES if dbf and dbf.is_damaged else read_in,
            renamed,
            budget,
            written=written,
            decode=read_in if dbf and dbf.is_damaged else None,
        ),
    )


def _check_text_formats(
    staged: Staged, options: ImportOptions, budget: Budget
) -> tuple[str | None, tuple[Message, ...]]:
    """Refuse texts that are unsafe to read; return the encoding of one converted to UTF-8."""
    if staged.format in _FEW_FEATURES_TEXT:
        budget.check_text(staged.path.stat().st_size)
    if staged.format not in {"dxf", "kml", "geojson"}:
        return None, ()
    encoding, note = make_utf8(staged.path, options.encoding, budget)
    if staged.format == "kml":
        refuse_entities(staged.path.read_bytes(), budget)
    elif staged.format == "dxf":
        with_heading(staged.path)
    else:
        check_json(staged.path, budget)
    is_plain = encoding == UTF_8 and note.key in _UNREMARKABLE
    return (None, ()) if is_plain else (encoding, (note,))


def _choose_layer(
    staged: Staged, encoding: str | None, options: ImportOptions, budget: Budget
) -> str:
    try:
        layers = gdal.list_layers(staged.path, staged.format, encoding=encoding)
    except LookupError:
        raise budget.refuse(
            said("refusal.encoding", name=repr(encoding)), said("refusal.encoding_like")
        ) from None
    except _GDAL_ERRORS:
        raise budget.refuse(said("refusal.unreadable_format"), said("refusal.undamaged")) from None
    if not layers:
        raise budget.refuse(said("refusal.no_layers"), said("refusal.one_layer"))
    if options.source_layer is not None:
        if options.source_layer in layers:
            return options.source_layer
        names = [name for name in layers if name != _OWN_NAME]
        if not names:
            refuse_layer(options, budget)
            return layers[0]
        raise budget.refuse(
            said("refusal.no_layer", name=repr(options.source_layer)),
            said("fault.any_of", known=names[:50]),
        )
    if len(layers) > 1:
        parameter = "source_layer"
        message = said("import.which_layer", file=budget.shown)
        choices = [Choice(value=name, evidence=said("import.in_file")) for name in layers[:50]]
        raise ChoiceNeededError(parameter, message, choices)
    return layers[0]


def _info(staged: Staged, layer: str, encoding: str | None, budget: Budget) -> dict[str, Any]:
    try:
        return gdal.read_info(staged.path, staged.format, layer=layer, encoding=encoding)
    except _GDAL_ERRORS:
        raise budget.refuse(said("refusal.unreadable_content"), said("refusal.undamaged")) from None


def _declared(text: str | None) -> pyproj.CRS | None:
    if not text:
        return None
    try:
        crs = pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError:
        return None
    name = crs.name.lower()
    unnamed = name.startswith(("undefined", "unknown", "unnamed")) and crs.to_epsg() is None
    # A meaningless name counts as none, unless the ellipsoid shows a datum that must be refused.
    return None if unnamed and old_datum(crs) is None else crs


def _layer_shown(layer: str, flat: Flat | None) -> str | None:
    """Return the name of a layer in reports; None if the file names none."""
    if flat is not None:
        return flat.layer
    return None if layer == _OWN_NAME else layer


def _names(fields: list[str], dbf: DbfText | None, flat: Flat | None) -> dict[str, str]:
    """Map GDAL's names of columns to the intended ones (without a cut-off character)."""
    if flat is not None:
        names: dict[str, str] = {}
        for name in fields:
            intended = flat.names.get(name, name)
            is_free = intended not in names.values()
            names[name] = intended if is_free else f"{intended} {len(names) + 1}"
        return names
    if dbf is None or len(dbf.names) != len(fields):
        return {name: name for name in fields}
    return dict(zip(fields, dbf.names, strict=True))


def _written_dates(staged: Staged, layer: str, info: dict[str, Any], fields: list[str]) -> Written:
    """Return the cells of date columns that GDAL would read as other days than they say."""
    dates = [
        name
        for name, kind in zip(fields, info["dtypes"], strict=True)
        if str(kind).startswith("datetime64[D")
    ]
    if not dates:
        return {}
    if staged.format == "shapefile":
        return dates_of_dbf(staged.path.with_suffix(".dbf"), fields)
    return dates_of_geopackage(staged.path, layer, dates) if staged.format == "geopackage" else {}


def _told(domains: Domains) -> Iterator[Message]:
    """Yield a note for each column whose codes have words in the file."""
    for column, words in domains.items():
        shown = [f"{code} {word}" for code, word in list(words.items())[:_FEW_WORDS]]
        yield Message("import.domain", {"column": column, "words": ", ".join(shown)})


_TOTAL = re.compile(rb'"(?:numberMatched|totalFeatures)"\s*:\s*(\d{1,12})')


_CUT_SHORT = re.compile(rb'"exceededTransferLimit"\s*:\s*true')


def _cut_short(staged: Staged) -> Iterator[Message]:
    """Yield the note about a GeoJSON whose service says that it stopped at its limit."""
    if staged.format == "geojson" and _CUT_SHORT.search(ends_of(staged.path)):
        yield Message("import.cut_short", {})


def _announced(staged: Staged) -> int | None:
    """Return how many features a GeoJSON from a service says that there are; else None."""
    if staged.format != "geojson":
        return None
    found = _TOTAL.search(ends_of(staged.path))
    return int(found[1]) if found else None


def _batches(  # noqa: PLR0913 - a layer, and how to read it
    staged: Staged,
    layer: str,
    encoding: str | None,
    renamed: dict[str, str],
    budget: Budget,
    *,
    written: Written,
    decode: str | None = None,
) -> Iterator[Batch]:
    options = {"IMMUTABLE": "YES"} if staged.format == "geopackage" else {}
    first = 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with gdal.open_arrow(
                staged.path,
                staged.format,
                layer=layer,
                encoding=encoding,
                batch_size=BATCH_ROWS,
                **options,
            ) as (meta, reader):
                for found in reader:
                    name = meta["geometry_name"] or "wkb_geometry"
                    table, shapes, changes = _split(found, name, budget)
                    if staged.format == "shapefile" and shapes is not None:
                        shapes = nest_records(shapes)
                    numbers = np.arange(first, first + len(table), dtype=np.int64)
                    if staged.format == "geojson":
                        table = _inexact(table)
                    if decode is not None:
                        table = decoded_bytes(table, decode).set_axis(list(renamed), axis="columns")
                    table = put_back(table, written, first - 1).rename(columns=renamed)
                    yield Batch(table=table, geometry=shapes, numbers=numbers, changes=changes)
                    first += len(table)
    except _GDAL_ERRORS:
        raise budget.refuse(
            said("refusal.unreadable_after", row=first - 1), said("refusal.undamaged")
        ) from None


def _split(
    batch: Any,  # noqa: ANN401 - an Arrow record batch; pyarrow has no types
    geometry_name: str,
    budget: Budget,
) -> tuple[pd.DataFrame, ReadShapes | None, tuple[Change, ...]]:
    names = batch.schema.names
    shapes = None
    if geometry_name in names:
        wkb = batch.column(geometry_name)
        shapes = shapes_of_wkb(_stored(wkb).to_numpy(zero_copy_only=False), budget)
        batch = batch.drop_columns([geometry_name])
    for position, name in enumerate(batch.schema.names):
        if isinstance(batch.schema.field(position).type, pa.BaseExtensionType):
            batch = batch.set_column(position, name, _stored(batch.column(position)))
        if pa.types.is_dictionary(batch.schema.field(position).type):
            # Codes with words in a geodatabase: a code without one would be lost.
            batch = batch.set_column(position, name, batch.column(position).indices)
    budget.take(batch.num_rows)
    batch, changes = with_valid_texts(batch)
    table = batch.to_pandas(integer_object_nulls=True, split_blocks=True)
    if shapes is None and batch.num_columns == 0:
        table = pd.DataFrame(index=range(batch.num_rows))
    return table, shapes, changes


def _inexact(table: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers of JSON that are too large to be exact as floats, which shows it."""
    for name in table.columns:
        cells = table[name]
        is_whole = pd.api.types.infer_dtype(cells, skipna=True) == "integer"
        if is_whole and cells.dropna().abs().max() >= _EXACT:
            table[name] = cells.astype("float64")
    return table


def _stored(column: Any) -> Any:  # noqa: ANN401 - an Arrow array; pyarrow has no types
    """Return a column in its storage type: JSON as text, a known extension as its plain type."""
    return column.storage if isinstance(column.type, pa.BaseExtensionType) else column
