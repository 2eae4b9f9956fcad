"""A review as a GeoPackage: parks, findings by kind of geometry, and styles for QGIS.

Layers of mixed geometry open badly in GIS, so that findings lie in one layer for areas, one
for lines, one for points, and those without a place in a table. Every layer is always
there, an empty one with its columns. Coordinates are in CGCS2000 (EPSG:4490), names of
columns are the same in every language.

GDAL writes to a temporary folder of its own and has closed the file before it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.model import BasisGroup, FocusBasis, Verdict
from geo_service.reports.plain_text import clean
from geo_service.reports.review import (
    ReviewContent,
    VerdictColours,
    aside_name,
    cover_facts,
    legal_basis_line,
    list_name,
    notes,
)
from geo_service.scratch import scratch_folder

_AT_ONCE = 4_000
"""Findings that are in memory at once."""
_PIECE_BYTES = 1 << 20

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review

WITHOUT_SHAPE = "findings_without_place"
_KINDS = {
    "findings_area": ("MultiPolygon", (3, 6)),
    "findings_line": ("MultiLineString", (1, 2, 5)),
    "findings_point": ("MultiPoint", (0, 4)),
}
"""Layers of findings: the geometry type that each has, and shapely's type ids that go there."""
_OPTIONS = {"driver": "GPKG", "encoding": "UTF-8"}
_NUMBER = "float64"
_WHOLE = "Int64"
_TEXT = "object"
_TRUTH = "bool"

PARK_COLUMNS = {
    "park_id": _TEXT,
    "name": _TEXT,
    "tier": _TEXT,
    "township": _TEXT,
    "township_code": _TEXT,
    "verdict": _TEXT,
    "verdict_name": _TEXT,
    "rests_on": _TEXT,
    **{f"verdict_{group}": _TEXT for group in BasisGroup},
    "focus_verdict": _TEXT,
    "leading_industry": _TEXT,
    "leading_industry_name": _TEXT,
    "industry_group": _TEXT,
    "speciality": _TEXT,
    **{f"share_{basis}": _NUMBER for basis in FocusBasis},
    "top_industry": _TEXT,
    "hhi": _NUMBER,
    "entropy": _NUMBER,
    "location_quotient": _NUMBER,
    "enterprise_count": _WHOLE,
    "area_m2": _NUMBER,
    "declared_area_ha": _NUMBER,
    "rectify": _WHOLE,
    "watch": _WHOLE,
    "supplement": _WHOLE,
    "waived": _WHOLE,
    "approved": _WHOLE,
    "illustrative": _TRUTH,
    "source": _TEXT,
}
FINDING_COLUMNS = {
    "finding_id": _TEXT,
    "rule_id": _TEXT,
    "rule": _TEXT,
    "family": _TEXT,
    "severity": _TEXT,
    "verdict": _TEXT,
    "verdict_name": _TEXT,
    "list": _TEXT,
    "park_id": _TEXT,
    "subject_layer": _TEXT,
    "subject_id": _TEXT,
    "title": _TEXT,
    "measure": _TEXT,
    "value": _NUMBER,
    "value_text": _TEXT,
    "unit": _TEXT,
    "threshold": _NUMBER,
    "threshold_text": _TEXT,
    "share": _NUMBER,
    "evidence": _TEXT,
    "legal_basis": _TEXT,
    "basis_tag": _TEXT,
    "cure": _TEXT,
    "illustrative": _TRUTH,
    "waived": _TRUTH,
    "waived_reason": _TEXT,
    "approved": _TRUTH,
    "approval_number": _TEXT,
    "approval_authority": _TEXT,
    "approval_scope": _TEXT,
    "approval_until": _TEXT,
}


def review_geopackage(review: Review, content: ReviewContent, colours: VerdictColours) -> bytes:
    """Return a review as the bytes of a GeoPackage; `content` gives the texts of its language."""
    return b"".join(geopackage_pieces(review, content, colours))


def geopackage_pieces(
    review: Review, content: ReviewContent, colours: VerdictColours
) -> Iterator[bytes]:
    """Yield the bytes of the same in pieces, never the whole of it in memory."""
    parks = _frame([_park(item, content) for item in content.parks], PARK_COLUMNS)
    with scratch_folder("review") as folder:
        path = folder / "review.gpkg"
        _write(path, "parks", parks, review.parks.geometry.to_numpy(), "MultiPolygon")
        rows = (_finding(item, content) for item in content.findings)
        for start in range(0, max(1, len(content.findings)), _AT_ONCE):
            part = range(start, min(start + _AT_ONCE, len(content.findings)))
            frame = _frame(list(islice(rows, len(part))), FINDING_COLUMNS)
            _write_findings(path, frame, _of_one_kind(review.geometry_of(part).to_numpy()))
        _write_table(path, "review", _facts(content))
        _write_table(path, "layer_styles", _styles(content, colours), FID="id")
        with path.open("rb") as file:
            yield from iter(partial(file.read, _PIECE_BYTES), b"")


def _write(
    path: Path,
    layer: str,
    frame: pd.DataFrame,
    shapes: NDArray[np.object_],
    geometry_type: str,
) -> None:
    # Version 1.3, since GDAL before 3.7, as Debian 12 has it, warns of later ones.
    made = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index), crs=None)
    made = made.set_crs(STORAGE_CRS)
    pyogrio.write_dataframe(
        made,
        path,
        layer=layer,
        geometry_type=geometry_type,
        promote_to_multi=True,
        **({"append": True} if path.exists() else {"VERSION": "1.3"}),
        **_OPTIONS,
    )


def _write_findings(path: Path, frame: pd.DataFrame, shapes: NDArray[np.object_]) -> None:
    """Add findings to the layers of their kinds; the first ones make every layer."""
    is_first = not any(name in _KINDS for name, _ in pyogrio.list_layers(path))
    kinds = shapely.get_type_id(shapes)
    is_written = np.zeros(len(frame), dtype=bool)
    for layer, (geometry_type, ids) in _KINDS.items():
        chosen = np.isin(kinds, ids) & ~shapely.is_empty(shapes)
        is_written |= chosen
        if is_first or chosen.any():
            _write(path, layer, frame[chosen], shapes[chosen], geometry_type)
    if is_first or not is_written.all():
        _write_table(path, WITHOUT_SHAPE, frame[~is_written])


def _of_one_kind(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Shapes in which a collection keeps only its parts of the highest dimension."""
    made = shapes.copy()
    for position in np.flatnonzero(
        shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    ):
        parts = shapely.get_parts(shapes[position])
        dimensions = shapely.get_dimensions(parts)
        made[position] = shapely.union_all(parts[dimensions == dimensions.max(initial=0)])
    return made


def _write_table(path: Path, layer: str, frame: pd.DataFrame, **options: str) -> None:
    pyogrio.write_dataframe(frame, path, layer=layer, append=True, **_OPTIONS, **options)


def _frame(rows: Sequence[Document], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame with these columns and types, whatever the rows hold."""
    series = {
        name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in columns.items()
    }
    return pd.DataFrame(series)


def _park(park: Document, content: ReviewContent) -> Document:
    own = {name: park.get(name) for name in PARK_COLUMNS}
    shares = {f"share_{basis}": park["shares"][basis.value] for basis in FocusBasis}
    return _cleaned(
        {
            **own,
            **shares,
            **{f"verdict_{group}": park["verdict_by_basis"][group] for group in BasisGroup},
            "rests_on": ";".join(park["rests_on"]),
            "verdict_name": content.word("verdict", park["verdict"]),
            "illustrative": bool(park["illustrative"]),
        }
    )


def _finding(finding: Document, content: ReviewContent) -> Document:
    evidence, approval = finding["evidence"], finding["approval"] or {}
    return _cleaned(
        {
            **{name: finding.get(name) for name in FINDING_COLUMNS},
            "rule": content.rule_title(finding["rule_id"]),
            "verdict_name": content.word("verdict", finding["verdict"]),
            "list": list_name(finding),
            "subject_layer": finding["subject"]["layer"],
            "subject_id": finding["subject"]["id"],
            "measure": evidence.get("measure"),
            "value": _number(evidence.get("value")),
            "value_text": _text(evidence.get("value")),
            "unit": evidence.get("unit"),
            "threshold": _number(evidence.get("threshold")),
            "threshold_text": _text(evidence.get("threshold")),
            "share": _number(evidence.get("share")),
            "evidence": json.dumps(evidence, ensure_ascii=False),
            "legal_basis": legal_basis_line(finding),
            "illustrative": bool(finding["illustrative"]),
            "waived": aside_name(finding) == "waived",
            "waived_reason": (finding["waived"] or {}).get("reason"),
            "approved": aside_name(finding) == "approved",
            "approval_number": approval.get("document_number"),
            "approval_authority": approval.get("authority"),
            "approval_scope": approval.get("scope"),
            "approval_until": approval.get("expires_on"),
        }
    )


def _number(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]  # just looked at


def _text(value: object) -> str | None:
    if value is None or _number(value) is not None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cleaned(row: Document) -> Document:
    return {key: clean(value) if isinstance(value, str) else value for key, value in row.items()}


def _facts(content: ReviewContent) -> pd.DataFrame:
    """What the review is of, as a table of items and what they say."""
    facts = list(cover_facts(content).items())
    note = content.text("note")
    if content.summary["illustrative"]:
        facts.append((content.text("illustrative"), content.text("illustrative_note")))
    facts += [(note, line) for line in notes(content)]
    return pd.DataFrame(facts, columns=["item", "value"])


# ---- styles -----------------------------------------------------------------------------------


def _styles(content: ReviewContent, colours: VerdictColours) -> pd.DataFrame:
    """The table `layer_styles` as QGIS reads it, one style a layer, each the layer's default."""
    kinds = {"parks": "fill", "findings_area": "fill"}
    kinds |= {"findings_line": "line", "findings_point": "marker"}
    rows = [
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": "geom",
            "styleName": content.text("verdict"),
            "styleQML": _qml(kind, content, colours),
            "styleSLD": "",
            "useAsDefault": True,
            "description": content.text("verdict"),
            "owner": "",
            "ui": None,
            "update_time": pd.Timestamp(content.as_of, tz="UTC"),
        }
        for layer, kind in kinds.items()
    ]
    return pd.DataFrame(rows)


_SYMBOLS = {
    "fill": ("SimpleFill", "color", {"outline_width": "0.4", "style": "solid"}),
    "line": ("SimpleLine", "line_color", {"line_width": "0.8"}),
    "marker": ("SimpleMarker", "color", {"name": "circle", "size": "3"}),
}


def _qml(kind: str, content: ReviewContent, colours: VerdictColours) -> str:
    """Return a QGIS style that colours by verdict, its labels in the report's language."""
    root = ET.Element("qgis", version="3.28", styleCategories="Symbology")
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="verdict", enableorderby="0"
    )
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for position, verdict in enumerate(Verdict):
        number = str(position)
        label = content.word("verdict", verdict)
        ET.SubElement(
            categories, "category", value=verdict, symbol=number, label=label, render="true"
        )
        alpha = "0.5" if kind == "fill" else "1"
        symbol = ET.SubElement(symbols, "symbol", type=kind, name=number, alpha=alpha)
        name, colour_key, fixed = _SYMBOLS[kind]
        layer = ET.SubElement(symbol, "layer", {"class": name, "enabled": "1", "pass": "0"})
        colour = _rgba(colours[verdict])
        options: dict[str, Any] = {colour_key: colour, **fixed}
        if kind != "line":
            options["outline_color"] = colour
        group = ET.SubElement(layer, "Option", type="Map")
        for key, value in options.items():
            ET.SubElement(group, "Option", type="QString", name=key, value=value)
            # Older releases read `prop`, newer ones `Option`.
            ET.SubElement(layer, "prop", k=key, v=value)
    return ET.tostring(root, encoding="unicode")


def _rgba(colour: str) -> str:
    """Return `#rrggbb` as QGIS writes colours.

    >>> _rgba("#00ff10")
    '0,255,16,255'
    """
    return ",".join(
        [*(str(int(colour[position : position + 2], 16)) for position in (1, 3, 5)), "255"]
    )
