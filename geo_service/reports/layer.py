"""Histories and differences of layers, as documents, features and terminal tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
from rich.table import Table
from rich.text import Text

from geo_service.reports.document import Document, Slice, feature, geometry_json, plain
from geo_service.reports.terminal import one_line, print_table
from geo_service.schema import SCHEMAS
from geo_service.stores.difference import feature_ids
from geo_service.zoning.names import named_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from geo_service.language import Translator
    from geo_service.stores.base import Holding, LayerVersion, Outline
    from geo_service.stores.difference import Difference, FeatureChange, ShapeChange

_SHOWN_CELLS = 40
_SHOWN_COLUMNS = 6
_KINDS = ("added", "removed", "changed")


def version_document(entry: LayerVersion) -> Document:
    """Return one entry of a layer's history."""
    return {
        "number": entry.number,
        "version": entry.version,
        "made_at": entry.made_at.isoformat(timespec="seconds"),
        "features": entry.features,
        "source": entry.source,
        "as": entry.taken_as,
        "note": entry.note,
        "parent": entry.parent,
        "account": entry.account,
    }


def history_document(layer: str, history: Sequence[LayerVersion]) -> Document:
    """Return a layer's history, newest first."""
    return {"layer": layer, "versions": [version_document(entry) for entry in history]}


def history_table(
    layer: str,
    history: Sequence[LayerVersion],
    translator: Translator,
    *,
    width: int | None = None,
) -> str:
    """Return a layer's history as a table, newest first."""
    table = Table(title=Text(f"{translator.text(f'layer.{layer}')} ({layer})"))
    has_accounts = any(entry.account for entry in history)
    keys = ("number", "version", "made_at", "features", "source", "as", "note")
    for key in (*keys, *(("account",) if has_accounts else ())):
        justify: Any = "right" if key in {"number", "features"} else "left"
        table.add_column(translator.text(f"history.{key}"), justify=justify)
    for entry in history:
        table.add_row(
            str(entry.number),
            entry.version,
            entry.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            f"{entry.features:,}",
            one_line(entry.source, _SHOWN_CELLS),
            "" if entry.taken_as is None else translator.text(f"taken_as.{entry.taken_as}"),
            one_line(entry.note, _SHOWN_CELLS),
            *([one_line(entry.account or "", _SHOWN_CELLS)] if has_accounts else []),
        )
    return print_table(table, [], width)


def difference_document(
    before: LayerVersion,
    after: LayerVersion,
    difference: Difference,
    *,
    with_values: bool = True,
    slice_: Slice | None = None,
) -> Document:
    """Return what changed between two versions of a layer.

    Without values only the names of the columns that changed are told. `slice_` (limit,
    offset) cuts each of the three lists.
    """
    schema = SCHEMAS[difference.layer]
    limit, offset = slice_ or (None, 0)
    end = None if limit is None else offset + limit
    changed = difference.changed[offset:end]
    return {
        "layer": difference.layer,
        "before": version_document(before),
        "after": version_document(after),
        "counts": _counts(difference),
        "added": feature_ids(difference.added, schema).tolist()[offset:end],
        "removed": feature_ids(difference.removed, schema).tolist()[offset:end],
        "changed": [change_document(item, with_values=with_values) for item in changed],
    }


def _counts(difference: Difference) -> dict[str, int]:
    return {
        "added": len(difference.added),
        "removed": len(difference.removed),
        "changed": len(difference.changed),
        "unchanged": difference.unchanged,
    }


def change_document(item: FeatureChange, *, with_values: bool = True) -> Document:
    """Return a changed feature: its columns, with their values or not, and how its shape moved."""
    columns: Any = sorted(item.columns)
    if with_values:
        columns = {
            name: {"before": plain(old), "after": plain(new)}
            for name, (old, new) in item.columns.items()
        }
    return {"id": item.id, "columns": columns, "geometry": _shape_document(item.shape)}


def _shape_document(shape: ShapeChange | None) -> Document | None:
    if shape is None:
        return None
    document: Document = plain(
        {
            "area_before_m2": shape.area_before_m2,
            "area_after_m2": shape.area_after_m2,
            "moved_area_m2": shape.moved_area_m2,
            "hausdorff_m": shape.hausdorff_m,
        }
    )
    return document


def difference_features(difference: Difference) -> list[Document]:
    """Return added, removed and changed features with their shapes.

    A removed feature has the shape that it had, the others the one that they have. Of
    attributes only the names of the columns that changed are told.
    """
    schema = SCHEMAS[difference.layer]
    features: list[Document] = []
    parts = (difference.added, difference.removed, difference.changed_rows)
    for kind, frame in zip(_KINDS, parts, strict=True):
        shapes = _shapes(frame)
        for position, identity in enumerate(feature_ids(frame, schema)):
            properties: Document = {"change": kind, "layer": difference.layer}
            if kind == "changed":
                item = difference.changed[position]
                properties["columns"] = sorted(item.columns)
                properties.update(_shape_document(item.shape) or {})
            features.append(feature(str(identity), shapes[position], properties))
    return features


def _shapes(frame: pd.DataFrame) -> list[Document | None]:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        return [None] * len(frame)
    return geometry_json(frame.geometry)


def difference_table(
    difference: Difference, translator: Translator, *, width: int | None = None
) -> str:
    """Return what changed as a table: one row a feature, then the counts."""
    schema = SCHEMAS[difference.layer]
    table = Table(
        title=Text(f"{translator.text(f'layer.{difference.layer}')} ({difference.layer})")
    )
    for key in ("change", "id", "columns", "moved_area_m2", "hausdorff_m"):
        justify: Any = "right" if key in {"moved_area_m2", "hausdorff_m"} else "left"
        table.add_column(translator.text(f"diff.{key}"), justify=justify)
    for kind, frame in (("added", difference.added), ("removed", difference.removed)):
        for identity in feature_ids(frame, schema):
            table.add_row(
                translator.text(f"diff.{kind}"), one_line(str(identity), _SHOWN_CELLS), "", "", ""
            )
    for item in difference.changed:
        names = [translator.render(named_column(name)) for name in item.columns][:_SHOWN_COLUMNS]
        more = len(item.columns) - len(names)
        shape = item.shape
        table.add_row(
            translator.text("diff.changed"),
            one_line(item.id, _SHOWN_CELLS),
            Text(", ".join(names) + (f" +{more}" if more else "")),
            _figure(shape.moved_area_m2 if shape else None),
            _figure(shape.hausdorff_m if shape else None),
        )
    return print_table(table, [translator.text("diff.counts", **_counts(difference))], width)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


# ---- what is kept ----------------------------------------------------------------------------


def outline_document(item: Outline) -> Document:
    """Return a saved result, or an import's lists, as it is listed."""
    return {
        "kind": item.kind,
        "id": item.id,
        "made_at": item.made_at.isoformat(timespec="seconds"),
        "plan_version": item.plan_version or None,
        "bytes": item.size,
        "is_pinned": item.is_pinned,
        "is_held": item.is_held,
    }


def holding_document(results: Holding, slice_: Slice | None = None) -> Document:
    """Return what is kept, newest first, its bytes and its limits; `slice_` is limit and offset."""
    limit, offset = slice_ or (len(results.items), 0)
    shown = results.items[offset : offset + limit]
    return {
        "numberMatched": len(results.items),
        "numberReturned": len(shown),
        "bytes": results.size,
        "limits": {"days": results.limits.days, "bytes": results.limits.bytes},
        "is_nearly_full": results.is_nearly_full,
        "saved": [outline_document(item) for item in shown],
    }


def holding_table(
    items: Sequence[Outline], translator: Translator, *, width: int | None = None
) -> str:
    """Return what is kept as a table, newest first."""
    table = Table(title=Text(translator.text("kept.title")))
    for key in ("kind", "id", "made_at", "bytes", "is_pinned"):
        table.add_column(
            translator.text(f"kept.{key}"), justify="right" if key == "bytes" else "left"
        )
    for item in items:
        table.add_row(
            translator.text(f"kept.kind_{item.kind}"),
            one_line(item.id, _SHOWN_CELLS),
            item.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
            f"{item.size:,}",
            translator.listed(
                [
                    translator.text(f"kept.{word}")
                    for word, is_so in (("pinned", item.is_pinned), ("held", item.is_held))
                    if is_so
                ]
            ),
        )
    return print_table(table, [], width)
