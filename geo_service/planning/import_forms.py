"""Imports as commands and requests say them: options, templates, and reports for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.errors import NotFoundError
from geo_service.ingest.options import (
    AS,
    AUTO,
    COLUMN,
    UNIT,
    ImportOptions,
    parse_mapping,
    read_columns,
    read_mapping,
    read_taken_as,
    read_units,
    with_answer,
)
from geo_service.planning.downloads import Download, file_name
from geo_service.planning.printable import Printable
from geo_service.planning.review_files import MEDIA_TYPES, ExportFormat
from geo_service.reports.import_table import import_table
from geo_service.schema import SCHEMAS
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.planning.imports import ImportResult


def import_options(  # noqa: PLR0913 - one for each option
    *,
    crs: str,
    encoding: str | None,
    scheme: str | None,
    source_layer: str | None,
    file: str | None,
    units: Sequence[str],
    mapping: Path | str | None,
    translator: Translator,
    shown: str | None = None,
    taken_as: str | None = None,
    answers: Sequence[tuple[str, str]] = (),
) -> ImportOptions:
    """Return the options of an import as they were given.

    Parameters
    ----------
    units
        `COLUMN:UNIT` each.
    mapping
        Which column is which: the file that says so, or its text.
    taken_as
        What the file is for its layer: whole, add or update.
    answers
        Choices that were left open, by name, with what was chosen.

    Raises
    ------
    SourceError, InvalidQueryError
        The mapping, a unit or an answer cannot be read.
    """
    columns = None
    given = read_units(units)
    if isinstance(mapping, Path):
        columns = read_mapping(mapping)
    elif mapping is not None:
        columns = parse_mapping(mapping, "mapping")
    options = ImportOptions(
        crs=crs,
        encoding=encoding,
        scheme=scheme,
        source_layer=source_layer,
        file=file,
        units=given,
        mapping=columns,
        shown=shown,
        taken_as=read_taken_as(taken_as),
        translator=translator,
    )
    for name, value in answers:
        options = with_answer(options, name, value)
    return options


def template_file(layer: str, translator: Translator) -> Download:
    """Return an empty workbook for a layer; NotFoundError when there is none such."""
    if layer not in SCHEMAS:
        raise NotFoundError(said("problem.no_layer", name=repr(layer), known=list(SCHEMAS)))
    # Most of those who import need none.
    from geo_service.reports.import_template import import_template  # noqa: PLC0415

    words = f"{translator.text(f'layer.{layer}')}_{layer}"
    content = import_template(layer, translator)
    return Download(file_name(words, "xlsx"), MEDIA_TYPES[ExportFormat.XLSX], content)


def printable_import(result: ImportResult, translator: Translator) -> Printable:
    """Return what an import came to, for a terminal."""
    document = result.document(translator)
    return Printable(
        lambda: document,
        lambda _, width: import_table(document, translator, width=width),
    )


__all__ = [
    "AS",
    "AUTO",
    "COLUMN",
    "UNIT",
    "ImportOptions",
    "import_options",
    "printable_import",
    "read_columns",
    "template_file",
    "with_answer",
]
