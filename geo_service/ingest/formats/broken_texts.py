"""Read texts that are not all in the encoding that their file is read in, cell by cell.

What cannot be read becomes the sign of a lost character, by which its row is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from geo_service.ingest.formats.letters import UTF_8, decode_cut, fits, settle_encoding
from geo_service.ingest.sources import Change

BYTES = "ISO-8859-1"
"""The encoding in which GDAL hands on every byte as a letter, and drops none."""


def decoded_bytes(table: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """Return a table whose texts were read as `BYTES` in their own encoding."""

    def decode(text: object) -> object:
        if not isinstance(text, str) or text.isascii():
            return text
        return decode_cut(text.encode(BYTES, errors="replace"), encoding)

    for name in table.columns:
        cells = table[name]
        if cells.dtype == object or pd.api.types.is_string_dtype(cells):
            table[name] = cells.astype("object").map(decode, na_action="ignore")
    return table


def with_valid_texts(batch: Any) -> tuple[Any, tuple[Change, ...]]:  # noqa: ANN401 - an Arrow record batch; pyarrow has no types
    """Return a batch whose texts are UTF-8, and what was changed for it.

    Texts of other bytes are read in the encoding that they are in.
    """
    changes = []
    for position, name in enumerate(batch.schema.names):
        column = batch.column(position)
        is_large = pa.types.is_large_string(column.type)
        if not (is_large or pa.types.is_string(column.type)) or _is_valid(column):
            continue
        cells = column.view(pa.large_binary() if is_large else pa.binary()).to_pylist()
        odd = [at for at, cell in enumerate(cells) if cell is not None and not fits([cell], UTF_8)]
        encoding, _ = settle_encoding([cells[at] for at in odd], None)
        texts = [None if cell is None else decode_cut(cell, UTF_8) for cell in cells]
        before = [texts[at] or "" for at in odd]
        for at in odd:
            texts[at] = decode_cut(cells[at], encoding)
        changes.append(
            Change(
                what="encoding",
                column=name,
                positions=np.array(odd, dtype=np.intp),
                before=before,
                after=[texts[at] or "" for at in odd],
            )
        )
        batch = batch.set_column(position, name, pa.array(texts, type=pa.large_string()))
    return batch, tuple(changes)


def _is_valid(column: Any) -> bool:  # noqa: ANN401 - an Arrow array
    try:
        column.validate(full=True)
    except pa.ArrowException:
        return False
    return True
