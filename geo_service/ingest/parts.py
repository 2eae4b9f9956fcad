"""Part files: rows that are added to the published ones, or that change some of them by id.

A file that is the whole layer needs none of this. Ids are compared as the layer's key, which may
have several columns (enterprise and year). Rows are completed, refused and merged here; what a
caller chose, and whether the rows have places, is known before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.options import AS
from geo_service.model import Message, TakenAs
from geo_service.schema import ColumnKind, Field, LayerSchema
from geo_service.stores.difference import are_same_shapes
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from geo_service.ingest.ledger import Ledger
    from geo_service.ingest.shapes import Rows

_SCHEME, _CODE, _AREA = "land_use_scheme", "land_use", "area_m2"
_NONE_THERE = {TakenAs.UPDATE: "unknown_id", TakenAs.ADD: "id_there"}
"""By what a file is taken as, the reason of a refusal that speaks for another way to take it."""
_OTHERS = {
    TakenAs.UPDATE: (TakenAs.ADD, TakenAs.WHOLE),
    TakenAs.ADD: (TakenAs.UPDATE, TakenAs.WHOLE),
}


@dataclass(frozen=True)
class Beside:
    """The published rows that a part file's rows come to stand among."""

    taken_as: TakenAs
    """`ADD` or `UPDATE`."""
    published: pd.DataFrame
    schema: LayerSchema

    @cached_property
    def _ids(self) -> pd.Index:
        keys = [_key_texts(self.published[name], self.schema.field(name)) for name in self.key]
        return pd.MultiIndex.from_arrays(keys) if len(keys) > 1 else pd.Index(keys[0])

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return self.schema.key

    def positions_of(self, frame: pd.DataFrame) -> NDArray[np.intp]:
        """Return each row's position among the published ones; -1 for one that is not there."""
        keys = [_key_texts(frame[name], self.schema.field(name)) for name in self.key]
        wanted = pd.MultiIndex.from_arrays(keys) if len(keys) > 1 else pd.Index(keys[0])
        found = self._ids.get_indexer(wanted)
        for texts in keys:
            found[pd.isna(texts)] = -1
        return found

    def settled(
        self,
        raw: pd.DataFrame,
        rows: Rows,
        fixed: Mapping[str, object],
        cleared: Mapping[str, NDArray[np.bool_]],
    ) -> pd.DataFrame:
        """Refuse rows that do not fit what the file is; complete those that change published ones.

        `fixed` are values that are the same for every row; `cleared` says by column which cells
        take the published value away.
        """
        self._refuse_without_key(raw, rows)
        position = self.positions_of(raw)
        ids = _shown_ids(raw, self.schema)
        if self.taken_as is TakenAs.ADD:
            reason, unfit = "import.id_there", position >= 0
        else:
            reason, unfit = "import.unknown_id", position < 0
        label = Message(f"layer.{self.schema.name}")
        rows.refuse(
            unfit,
            lambda at: Message(reason, {"id": ids[at], "layer": self.schema.name, "label": label}),
            column=self.key[0],
        )
        if self.taken_as is TakenAs.ADD:
            return raw
        return self._completed(raw, rows, position, fixed, cleared)

    def _refuse_without_key(self, raw: pd.DataFrame, rows: Rows) -> None:
        for name in self.key:
            item = self.schema.field(name)
            cells = raw[name].astype("object")
            gone = cells.isna().to_numpy()
            missing = Message("import.bad_missing", {"column": name})
            rows.refuse(
                gone, dict.fromkeys(np.flatnonzero(gone).tolist(), missing).__getitem__, name
            )
            unread = pd.isna(_key_texts(cells, item)) & ~gone
            expected = said("fault.int_parsing")
            bad = {
                at: Message(
                    "import.bad_value",
                    {"column": name, "found": repr(cells.iloc[at]), "expected": expected},
                )
                for at in np.flatnonzero(unread).tolist()
            }
            rows.refuse(unread, bad.__getitem__, name)

    def _completed(
        self,
        raw: pd.DataFrame,
        rows: Rows,
        position: NDArray[np.intp],
        fixed: Mapping[str, object],
        cleared: Mapping[str, NDArray[np.bool_]],
    ) -> pd.DataFrame:
        """Return the published rows with the file's filled cells; blank ones change nothing."""
        published = self.published.iloc[np.maximum(position, 0)].reset_index(drop=True)
        if _SCHEME in fixed and _CODE in raw.columns:
            # A scheme that was given for the file says what its codes mean, where it has one.
            raw[_SCHEME] = raw[_SCHEME].astype("object").where(raw[_CODE].notna(), None)
        columns = {}
        for name in self.schema.columns:
            old = published[name].astype("object")
            if name in raw.columns and name not in self.key:
                new = raw[name].astype("object")
                old = new.where(new.notna(), old)
                if name in cleared:
                    old = old.mask(cleared[name], None)
            columns[name] = old
        if isinstance(published, gpd.GeoDataFrame):
            there = published.geometry.to_numpy()
            lacks = shapely.is_missing(rows.shapes) | shapely.is_empty(rows.shapes)
            # A shape that is the same but for rounding stays as it is, to the last bit.
            is_kept = lacks | are_same_shapes(there, rows.shapes)
            rows.shapes = np.where(is_kept, there, rows.shapes)
            if _AREA in columns and _AREA not in raw.columns:
                rows.tell_kept_areas(columns[_AREA], ~is_kept)
        return pd.DataFrame(columns)

    def merged(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the published rows with the file's: changed in their places, or added below."""
        published = self.published
        position = self.positions_of(rows)
        is_left = np.ones(len(published), dtype=bool)
        is_left[position[position >= 0]] = False
        both = pd.concat([published[is_left], rows[published.columns]], ignore_index=True)
        new = np.where(position >= 0, position, len(published) + np.arange(len(rows)))
        order = np.concatenate([np.flatnonzero(is_left), new])
        both = both.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)
        if isinstance(published, gpd.GeoDataFrame):
            return gpd.GeoDataFrame(both, geometry="geometry", crs=STORAGE_CRS)
        return both

    def require_other(self, ledger: Ledger, rows: int, shown: str) -> None:
        """Ask for another way to take a file of which every row is refused for this one's sake.

        Raises
        ------
        ChoiceNeededError
            Every row is refused because its id is not there, or is there.
        """
        if set(ledger.reason_counts) == {_NONE_THERE[self.taken_as]}:
            raise other_way(self.taken_as, self.schema, rows, shown)


def other_way(taken_as: TakenAs, schema: LayerSchema, rows: int, shown: str) -> ChoiceNeededError:
    """Return the question how to take a file that cannot be taken as asked."""
    label = Message(f"layer.{schema.name}")
    asked = said(f"import.none_to_{taken_as}", file=shown, count=rows, label=label)
    return ChoiceNeededError(AS, asked, ways(_OTHERS[taken_as], label))


def ways(offered: Sequence[TakenAs], label: Message) -> list[Choice]:
    """Return choices of what a file is for its layer."""
    return [
        Choice(value=way.value, evidence=said(f"import.as_{way}", label=label)) for way in offered
    ]


def _key_texts(cells: pd.Series, item: Field) -> NDArray[np.object_]:
    """Return the cells of a key's column as comparable texts; None for one that is none."""
    if item.kind is ColumnKind.INTEGER:
        numbers = pd.to_numeric(cells, errors="coerce").astype("float64").to_numpy()
        is_whole = np.isfinite(numbers) & (numbers % 1 == 0)
        texts = np.full(len(numbers), None, dtype=object)
        texts[is_whole] = numbers[is_whole].astype("int64").astype(str)
        return texts
    missing = cells.isna().to_numpy()
    texts = cells.astype("object").astype(str).to_numpy(dtype=object)
    texts[missing] = None
    return texts


def _shown_ids(frame: pd.DataFrame, schema: LayerSchema) -> list[str]:
    parts = [
        [str(text or "") for text in _key_texts(frame[name], schema.field(name))]
        for name in schema.key
    ]
    return ["/".join(one) for one in zip(*parts, strict=True)]
