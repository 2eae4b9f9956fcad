"""Open any file as a source: staged safely, recognised by content, read by its format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from geo_service.ingest.formats.boundary_points import open_boundary_points
from geo_service.ingest.formats.drawings import open_drawing
from geo_service.ingest.formats.encodings import known_encoding
from geo_service.ingest.formats.parquet import open_parquet
from geo_service.ingest.formats.tables import open_csv
from geo_service.ingest.formats.vectors import open_vector
from geo_service.ingest.formats.workbooks import open_xlsx
from geo_service.ingest.limits import Budget
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.sources import ImportSource
from geo_service.ingest.staging import Staged, refuse_layer, stage
from geo_service.model import Message

_KNOW_THEIR_ENCODING = frozenset({"geopackage", "filegdb", "flatgeobuf", "parquet", "xlsx"})
_SINGLE_TABLES = frozenset({"csv", "parquet", "boundary_points"})


def open_source(
    path: Path, layer: str, folder: Path, *, options: ImportOptions, budget: Budget
) -> ImportSource:
    """Return a file as a source of rows for a layer; `folder` is an empty folder of ours.

    Raises
    ------
    SourceError
        The file is of no known format, damaged, unsafe or too large.
    ChoiceNeededError
        The file contains several layers, sheets or files.
    """
    staged = stage(path, folder, budget, file=options.file)
    if staged.format in _SINGLE_TABLES:
        refuse_layer(options, budget)
    source = _open(staged, layer, options, budget)
    if options.encoding is None or staged.format not in _KNOW_THEIR_ENCODING:
        return source
    values = {"format": staged.format, "encoding": known_encoding(options.encoding, budget)}
    return replace(source, notes=(*source.notes, Message("import.encoding_own", values)))


def _open(staged: Staged, layer: str, options: ImportOptions, budget: Budget) -> ImportSource:
    if staged.format == "csv":
        return open_csv(staged.path, layer, options, budget)
    if staged.format == "xlsx":
        return open_xlsx(staged.path, layer, options, budget)
    if staged.format == "parquet":
        return open_parquet(staged.path, budget)
    if staged.format == "boundary_points":
        return open_boundary_points(staged.path, options, budget)
    if staged.format == "dxf":
        return open_drawing(staged, layer, options, budget)
    return open_vector(staged, options, budget)
