"""Portions of findings: what one rule said together, as columns that findings are sorted by.

A batch keeps its columns, so that a review made from an earlier one reads only what is new.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_service.model import Severity, Verdict
from geo_service.zoning.batch import LazyRows, RawBatch, RawFinding, bounds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.model import BasisTag, LegalBasis, Message

VERDICT_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH)
SEVERITY_ORDER = (Severity.MUST, Severity.SHOULD, Severity.INFO)
ID_LENGTH = 16
"""Digits of a finding's id after its prefix."""
FINDING_ID = re.compile(f"f-[0-9a-f]{{{ID_LENGTH}}}")
_ID_BYTES = ID_LENGTH // 2


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a rule puts on all its findings."""

    rule_id: str
    family: str
    severity: Severity
    legal_basis: LegalBasis
    basis_tag: BasisTag
    note: Mapping[str, str] | None
    area_method: str


@dataclass(frozen=True)
class Portion:
    """The findings of one rule that came together: a batch, or single ones."""

    stamp: Stamp
    raw: LazyRows | Sequence[RawFinding]

    def at(self, row: int) -> RawFinding:
        """Return one of them, a batch's without its geometry."""
        return self.raw.at(row) if isinstance(self.raw, LazyRows) else self.raw[row]

    def _items(self) -> Iterator[RawFinding]:
        return map(self.at, range(len(self.raw)))

    @cached_property
    def verdict(self) -> NDArray[np.int8]:
        """The verdict of each row, as its position in `VERDICT_ORDER`."""
        if isinstance(self.raw, RawBatch):
            return np.full(len(self.raw), VERDICT_ORDER.index(self.raw.verdict), dtype=np.int8)
        return np.array(
            [VERDICT_ORDER.index(item.verdict) for item in self._items()], dtype=np.int8
        )

    @cached_property
    def severity(self) -> NDArray[np.int8]:
        """The severity of each row, as its position in `SEVERITY_ORDER`."""
        own = self.stamp.severity
        if isinstance(self.raw, RawBatch):
            severity = self.raw.severity or own
            return np.full(len(self.raw), SEVERITY_ORDER.index(severity), dtype=np.int8)
        return np.array(
            [SEVERITY_ORDER.index(item.severity or own) for item in self._items()], dtype=np.int8
        )

    @cached_property
    def park_ids(self) -> NDArray[np.object_]:
        """The park of each row, None for none."""
        if isinstance(self.raw, RawBatch):
            found = np.array(self.raw.park_ids, dtype=object)
            found[pd.isna(found)] = None
            return found
        parks = np.empty(len(self.raw), dtype=object)
        parks[:] = [item.park_id for item in self._items()]
        return parks

    @cached_property
    def id_numbers(self) -> NDArray[np.uint64]:
        """The id of each row's finding as a number: ids in order are numbers in order."""
        rule_id = self.stamp.rule_id
        if not isinstance(self.raw, RawBatch):
            digests = (
                _digest(f"{rule_id}|{item.subject.layer}|{item.subject.id}|{item.key}")
                for item in self._items()
            )
            return _numbers(digests)
        return _batch_numbers(rule_id, self.raw)

    def title(self, row: int) -> Message:
        """Return a row's title alone."""
        return self.raw.title_of(row) if isinstance(self.raw, LazyRows) else self.raw[row].title

    def subject_ids(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the ids of these rows' subjects."""
        return self._subjects(rows)[1]

    def layers(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the layers of these rows' subjects."""
        return self._subjects(rows)[0]

    def _subjects(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        raw = self.raw
        if isinstance(raw, LazyRows):
            return raw.subjects_of(rows)
        subjects = [raw[row].subject for row in rows.tolist()]
        layers, ids = (np.empty(len(rows), dtype=object) for _ in range(2))
        layers[:] = [subject.layer for subject in subjects]
        ids[:] = [subject.id for subject in subjects]
        return layers, ids

    def evidence(self, row: int, names: Sequence[str]) -> tuple[Any, ...]:
        """Return parts of a row's evidence, None for one that it does not have."""
        if isinstance(self.raw, RawBatch):
            return self.raw.evidence_of(row, names)
        return tuple(map(self.at(row).evidence.get, names))

    def shapes(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the offending parts of these rows, None for none."""
        if not isinstance(self.raw, LazyRows):
            found = np.empty(len(rows), dtype=object)
            found[:] = [self.raw[row].geometry for row in rows]
            return found
        if self.raw.shapes is None:
            return np.full(len(rows), None, dtype=object)
        return self.raw.shapes.of(rows)

    def has_shapes(self) -> NDArray[np.bool_]:
        """Return which rows have an offending part."""
        if isinstance(self.raw, LazyRows):
            none = np.zeros(len(self.raw), dtype=bool)
            return none if self.raw.shapes is None else self.raw.shapes.exist()
        return np.array([item.geometry is not None for item in self.raw], dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        """Return boxes that hold the rows' parts, NaN for none."""
        if not isinstance(self.raw, LazyRows):
            return bounds_of(self.shapes(np.arange(len(self.raw))))
        if self.raw.shapes is None:
            return np.full((len(self.raw), 4), np.nan)
        return self.raw.shapes.bounds()


def finding_id_of(rule_id: str, layer: str, subject_id: str, key: str) -> str:
    """Return a finding's id, the same in every review of the same subject by the same rule.

    >>> finding_id_of("layout.overlap", "parks", "P1", "")
    'f-cfe5b6370cf0747d'
    """
    return "f-" + _digest(f"{rule_id}|{layer}|{subject_id}|{key}").hex()


def _digest(identity: str) -> bytes:
    return hashlib.sha256(identity.encode()).digest()[:_ID_BYTES]


def _numbers(digests: Iterable[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _batch_numbers(rule_id: str, batch: RawBatch) -> NDArray[np.uint64]:
    """Return the ids of a batch's findings as numbers, made once for a batch and its parts."""
    if batch.origin is not None:
        base, rows = batch.origin
        return _batch_numbers(rule_id, base)[rows]
    kept = batch.kept_ids
    if rule_id not in kept:
        start, end = f"{rule_id}|{batch.layer}|", f"|{batch.key}"
        kept[rule_id] = _numbers(_digest(f"{start}{each}{end}") for each in batch.subject_ids)
    return kept[rule_id]


@dataclass(frozen=True)
class Columns:
    """Where each finding's row is, and what findings are sorted and counted by."""

    part: NDArray[np.int32]
    row: NDArray[np.int64]
    id_number: NDArray[np.uint64]
    verdict: NDArray[np.int8]
    """Positions in `VERDICT_ORDER`."""
    severity: NDArray[np.int8]
    """Positions in `SEVERITY_ORDER`."""
    park_id: NDArray[np.object_]

    @classmethod
    def of(cls, parts: Sequence[Portion]) -> Columns:
        """Read the columns of raw findings and sort them, the gravest first."""
        sizes = [len(part.raw) for part in parts]
        columns = cls(
            part=np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
            row=np.concatenate([np.zeros(0, dtype=np.int64), *map(np.arange, sizes)]),
            id_number=_joined((part.id_numbers for part in parts), np.uint64),
            verdict=_joined((part.verdict for part in parts), np.int8),
            severity=_joined((part.severity for part in parts), np.int8),
            park_id=_joined((part.park_ids for part in parts), object),
        )
        return columns._in_order([part.stamp.rule_id for part in parts])

    @classmethod
    def merged(cls, several: Sequence[Columns], rule_ids: Sequence[str]) -> Columns:
        """Return the columns of findings whose parts follow each other, sorted together.

        `rule_ids` are the rules of all parts.
        """
        counts = [int(columns.part.max(initial=-1)) + 1 for columns in several]
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        moved = (columns.part + start for columns, start in zip(several, first, strict=False))
        names = [name for name in cls.__dataclass_fields__ if name != "part"]
        whole = cls(
            part=_joined(moved, np.int32),
            **{
                name: np.concatenate([getattr(columns, name) for columns in several])
                for name in names
            },
        )
        return whole._in_order(rule_ids)

    def _in_order(self, rule_ids: Sequence[str]) -> Columns:
        """Return the rows sorted, the gravest first; `rule_ids` are those of the parts."""
        # Parts of one rule have one rank, so that their ids decide.
        names = sorted(set(rule_ids))
        of_part = np.array([names.index(rule_id) for rule_id in rule_ids], dtype=np.int64)
        park_rank, parks = _ranks(self.park_id)
        rank = self.severity.astype(np.int64)
        rank = rank * len(VERDICT_ORDER) + self.verdict
        rank = rank * max(1, parks) + park_rank
        rank = rank * max(1, len(names)) + (of_part[self.part] if rule_ids else rank)
        order = np.lexsort((self.id_number, rank))
        return Columns(*(getattr(self, name)[order] for name in self.__dataclass_fields__))

    @property
    def finding_ids(self) -> NDArray[np.str_]:
        """The ids as texts."""
        digits = self.id_number.astype(">u8").tobytes().hex().encode()
        texts = np.frombuffer(digits, dtype=f"S{ID_LENGTH}").astype(f"U{ID_LENGTH}")
        return np.char.add("f-", texts)

    def finding_id(self, position: int) -> str:
        """Return the id of one finding."""
        return f"f-{int(self.id_number[position]):0{ID_LENGTH}x}"


def _joined(arrays: Iterator[NDArray[Any]], dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - of numpy
    return np.concatenate([np.zeros(0, dtype=dtype), *arrays])


def _ranks(park_ids: NDArray[np.object_]) -> tuple[NDArray[np.int64], int]:
    """Return the rank of each park's id among all, none coming first, and the number of ranks."""
    codes, names = pd.factorize(park_ids, use_na_sentinel=True)
    texts = [str(name) for name in names]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.zeros(len(texts) + 1, dtype=np.int64)
    rank[order] = np.arange(1, len(texts) + 1)
    return rank[codes], len(texts) + 1
