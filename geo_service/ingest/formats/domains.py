"""Read the words that geodatabases and GeoPackages give for the codes of a column (domains)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyogrio

from geo_service import gdal

Domains = dict[str, dict[str, str]]
"""For each column, the word of each code."""
_MOST_CODES = 10_000
_FAILED = (
    gdal.ForeignFileError,
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    RuntimeError,
)
_HAS_CODES = "SELECT name FROM sqlite_master WHERE name = 'gpkg_data_column_constraints'"
_CODES = (
    "SELECT table_name, column_name, value, c.description AS word FROM gpkg_data_columns AS d "
    "JOIN gpkg_data_column_constraints AS c ON c.constraint_name = d.constraint_name "
    "WHERE constraint_type = 'enum' AND c.description IS NOT NULL"
)
_ITEMS = "SELECT Name, Definition FROM GDB_Items"


def read_domains(path: Path, kind: str, layer: str) -> Domains:
    """Return the words for the codes of a layer's columns; empty if the file has none."""
    try:
        if kind == "geopackage":
            return _of_geopackage(path, layer)
        return _of_geodatabase(path, layer) if kind == "filegdb" else {}
    except _FAILED:
        return {}


def _rows(path: Path, kind: str, sql: str) -> Iterator[dict[str, Any]]:
    options = {"IMMUTABLE": "YES"} if kind == "geopackage" else {}
    with gdal.open_arrow(path, kind, sql=sql, **options) as (_, reader):
        for batch in reader:
            yield from batch.to_pylist()


def _of_geopackage(path: Path, layer: str) -> Domains:
    found: Domains = {}
    if not list(_rows(path, "geopackage", _HAS_CODES)):
        return found
    for row in _rows(path, "geopackage", _CODES):
        if str(row["table_name"]).casefold() == layer.casefold():
            codes = found.setdefault(str(row["column_name"]), {})
            if len(codes) < _MOST_CODES:
                codes[str(row["value"])] = str(row["word"])
    return found


def _of_geodatabase(path: Path, layer: str) -> Domains:
    used: dict[str, str] = {}
    words: Domains = {}
    for row in _rows(path, "filegdb", _ITEMS):
        tree = _parsed(row["Definition"])
        if tree is None:
            continue
        if _local(tree.tag).startswith("GPCodedValueDomain"):
            name = _text(tree, "DomainName") or str(row["Name"])
            words[name] = {
                _text(one, "Code"): _text(one, "Name")
                for one in _all(tree, "CodedValue")
                if _text(one, "Name")
            }
        elif row["Name"] == layer:
            used |= {
                _text(one, "Name"): _text(one, "DomainName")
                for one in _all(tree, "GPFieldInfoEx")
                if _text(one, "DomainName")
            }
    return {column: words[name] for column, name in used.items() if words.get(name)}


def _parsed(text: object) -> ET.Element | None:
    """Return XML of a geodatabase; None if it is none, or declares entities."""
    if not isinstance(text, str) or "<!" in text:
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 - without entities
    except ET.ParseError:
        return None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2]


def _all(tree: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in tree.iter() if _local(one.tag) == name]


def _text(tree: ET.Element, name: str) -> str:
    """Return the text of an element's child, which has the prefix of its namespace or none."""
    return next(((one.text or "").strip() for one in tree if _local(one.tag) == name), "")
