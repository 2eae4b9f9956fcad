"""What a draft changes, feature by feature: values before and after, and shapes that move.

The first features of each kind are listed; the counts are those of all. A page asks for them
when somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.reports.layer import change_document
from geo_service.schema import SCHEMAS
from geo_service.stores.difference import feature_ids, find_differences

if TYPE_CHECKING:
    import pandas as pd
    import pyproj

    from geo_service.reports.document import Document

LISTED = 500
"""How many features of each kind are listed."""


def changes_document(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    layer: str,
    metric_crs: pyproj.CRS | str,
) -> Document:
    """Return the first features that are altered, moved, added and removed, and their counts.

    A feature that is altered and moved is in both lists.
    """
    found = find_differences(before, after, layer=layer, metric_crs=metric_crs)
    altered = [item for item in found.changed if item.columns]
    moved = [item for item in found.changed if item.shape is not None]
    added, removed = (
        feature_ids(rows, SCHEMAS[layer]).tolist() for rows in (found.added, found.removed)
    )
    return {
        "layer": layer,
        "counts": {
            "altered": len(altered),
            "moved": len(moved),
            "added": len(added),
            "removed": len(removed),
        },
        "altered": [
            {"id": item.id, "columns": change_document(item)["columns"]}
            for item in altered[:LISTED]
        ],
        "moved": [
            {"id": item.id, "geometry": change_document(item)["geometry"]}
            for item in moved[:LISTED]
        ],
        "added": added[:LISTED],
        "removed": removed[:LISTED],
    }
