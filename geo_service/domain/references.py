"""What a column of one layer may refer to in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from geo_service.schema import Field

_SECOND_COLUMNS = {("parks", "township_code"): "alt_code"}
"""By layer and column, a second column of the other layer that may be meant as well."""


def target_of(item: Field) -> tuple[str, str] | None:
    """Return the layer and the column that a column refers to; None where it refers to none."""
    layer, _, column = (item.refers_to or "").partition(".")
    return (layer, column) if layer else None


def known_values(layer: str, item: Field, target: pd.DataFrame) -> pd.Series:
    """Return the values that a layer's column may have, from the layer that it refers to."""
    _, _, column = (item.refers_to or "").partition(".")
    second = _SECOND_COLUMNS.get((layer, item.name))
    known = target[column]
    return (known if second is None else pd.concat([known, target[second]])).dropna()
