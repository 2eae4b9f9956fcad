"""Report an import as a document: what was understood, repaired and refused, and sample rows.

`import --format json` and the API return this document: `layer, features, crs, columns,
repairs, refused, sample`, and fields that help to read them.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.language import Translator
from geo_service.schema import SCHEMAS
from geo_service.wording import tell_fault

if TYPE_CHECKING:
    from geo_service.ingest.run import Imported

Document = dict[str, Any]
SAMPLE_ROWS = 5
_DECIMALS = 7
"""Decimals of degrees in documents, about a centimetre."""


def import_document(imported: Imported, translator: Translator) -> Document:
    """Return an import's report as a document; texts in the translator's language."""
    ledger = imported.ledger
    return {
        "layer": imported.layer,
        "guessed": _guess_document(imported, translator),
        "file": imported.source.shown,
        "format": imported.source.format,
        "features": imported.features,
        "rows": imported.rows,
        "joined": imported.joined,
        "seconds": round(imported.seconds, 3),
        "rows_per_second": round(imported.rate, 1),
        "encoding": imported.source.encoding,
        "crs": _crs_document(imported, translator),
        "columns": _columns_document(imported, translator),
        "unused_columns": list(imported.columns.unused),
        "filled": dict(imported.filled),
        "scheme": imported.scheme,
        "words": [
            {"column": column, "word": word, "value": value, "count": count}
            for column, words in imported.translated.items()
            for (word, value), count in words.items()
        ],
        "notes": [translator.render(note) for note in imported.notes],
        "repair_counts": dict(ledger.repair_counts),
        "needs_look_count": ledger.needs_look_count,
        "repairs": [
            {
                "row": item.row,
                "feature": item.feature,
                "what": item.what,
                "text": translator.text(f"import.repair_{item.what}"),
                "column": item.column,
                "before": item.before,
                "after": item.after,
                "needs_look": item.needs_look,
            }
            for item in ledger.repairs
        ],
        "refused_count": ledger.refused_count,
        "refused": [
            {
                "row": item.row,
                "feature": item.feature,
                "column": item.column,
                "reason": item.reason.key.removeprefix("import."),
                "text": translator.render(item.reason),
            }
            for item in ledger.refused
        ],
        "breaks": [tell_fault(fault, translator) for fault in imported.breaks],
        "sample": features_of(imported.frame.head(SAMPLE_ROWS), imported.layer),
    }


def _guess_document(imported: Imported, translator: Translator) -> Document | None:
    guess = imported.guess
    if guess is None:
        return None
    columns = [{"column": item.field, "source": item.column} for item in guess.columns]
    return {"layer": guess.layer, "columns": columns, "text": translator.render(guess.note)}


def _crs_document(imported: Imported, translator: Translator) -> Document:
    placement = imported.placement
    if placement is None:
        return {"declared": None, "detected": None, "evidence": [], "axes_swapped": False}
    return {
        "declared": placement.declared,
        "detected": placement.label,
        "evidence": [translator.render(message) for message in placement.evidence],
        "axes_swapped": placement.is_swapped,
    }


def _columns_document(imported: Imported, translator: Translator) -> list[Document]:
    schema = SCHEMAS[imported.layer]
    return [
        {
            "column": item.field,
            "source": item.column,
            "how": item.how,
            "how_text": translator.text(f"import.how_{item.how}"),
            "unit": item.unit,
            "to_unit": schema.field(item.field).unit,
            "factor": item.factor,
            "unit_how": item.unit_how or None,
        }
        for item in imported.columns.matched
    ]


def features_of(frame: pd.DataFrame, layer: str) -> list[Document]:
    """Return rows as GeoJSON features (CRS84, to the centimetre); tables have null geometry."""
    key = SCHEMAS[layer].key
    table = frame.drop(columns="geometry", errors="ignore")
    shapes: list[Any] = [None] * len(frame)
    if isinstance(frame, gpd.GeoDataFrame):
        rounded = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.round(xy, _DECIMALS))
        shapes = [
            None if shape is None or shape.is_empty else json.loads(shapely.to_geojson(shape))
            for shape in rounded
        ]
    features = []
    for row, shape in zip(table.to_dict("records"), shapes, strict=True):
        properties = {str(name): _plain(value) for name, value in row.items()}
        identity = "/".join(str(properties[name]) for name in key)
        features.append(
            {"type": "Feature", "id": identity, "geometry": shape, "properties": properties}
        )
    return features


def refused_features(imported: Imported, translator: Translator) -> list[Document]:
    """Return the refused features whose shape a map can show, each with its reason."""
    return [
        {
            "type": "Feature",
            "id": f"refused/{item.row}",
            "geometry": json.loads(shapely.to_geojson(shapely.force_2d(shape))),
            "properties": {
                "row": item.row,
                "feature": item.feature,
                "refused": True,
                "reason": translator.render(item.reason),
            },
        }
        for item, shape in imported.ledger.refused_shapes
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of any kind
    """Return a cell as a JSON value; a missing value is null."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return str(value)
