"""The findings of a review as columns, read one by one, sorted, counted and filtered.

A county with a hundred thousand parcels has as many findings. Verdicts, counts, filters and order
come from the columns; a `Finding` is made of a row when somebody looks at it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from geo_service.model import (
    BasisGroup,
    Finding,
    Severity,
    Verdict,
    park_verdict,
)
from geo_service.zoning.batch import RawBatch, RawFinding, bounds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.model import BasisTag, LegalBasis, Message
    from geo_service.zoning.approvals import Approval
    from geo_service.zoning.waivers import Waiver

VERDICT_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH)
SEVERITY_ORDER = (Severity.MUST, Severity.SHOULD, Severity.INFO)
ID_LENGTH = 16
"""Digits of a finding's id after its prefix."""
FINDING_ID = re.compile(f"f-[0-9a-f]{{{ID_LENGTH}}}")


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
class _Portion:
    """The findings of one rule that came together: a batch, or single ones."""

    stamp: Stamp
    raw: RawBatch | Sequence[RawFinding]

    def at(self, row: int) -> RawFinding:
        return self.raw.at(row) if isinstance(self.raw, RawBatch) else self.raw[row]

    def rows(self) -> Iterator[tuple[Verdict, Severity, str | None, str, str, str]]:
        """Yield verdict, severity, park, layer, subject's id and key of each row."""
        own = self.stamp.severity
        if isinstance(self.raw, RawBatch):
            raw = self.raw
            severity = raw.severity or own
            for row, subject_id in enumerate(raw.subject_ids):
                yield raw.verdict, severity, raw.park_of(row), raw.layer, subject_id, raw.key
            return
        for item in self.raw:
            severity = item.severity or own
            subject = item.subject
            yield item.verdict, severity, item.park_id, subject.layer, subject.id, item.key

    def title(self, row: int) -> Message:
        return self.raw.title_of(row) if isinstance(self.raw, RawBatch) else self.raw[row].title

    def subject_ids(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        found = np.empty(len(rows), dtype=object)
        if isinstance(self.raw, RawBatch):
            ids: Any = self.raw.subject_ids
            found[:] = [ids[row] for row in rows.tolist()]
        else:
            found[:] = [self.raw[row].subject.id for row in rows.tolist()]
        return found

    def layers(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        found = np.empty(len(rows), dtype=object)
        if isinstance(self.raw, RawBatch):
            found[:] = self.raw.layer
        else:
            found[:] = [self.raw[row].subject.layer for row in rows.tolist()]
        return found

    def evidence(self, row: int, names: Sequence[str]) -> tuple[Any, ...]:
        if isinstance(self.raw, RawBatch):
            return self.raw.evidence_of(row, names)
        return tuple(map(self.at(row).evidence.get, names))

    def shapes(self, rows: NDArray[np.intp]) -> NDArray[np.object_]:
        if not isinstance(self.raw, RawBatch):
            found = np.empty(len(rows), dtype=object)
            found[:] = [self.raw[row].geometry for row in rows]
            return found
        if self.raw.shapes is None:
            return np.full(len(rows), None, dtype=object)
        return self.raw.shapes.of(rows)

    def has_shapes(self) -> NDArray[np.bool_]:
        if isinstance(self.raw, RawBatch):
            none = np.zeros(len(self.raw), dtype=bool)
            return none if self.raw.shapes is None else self.raw.shapes.exist()
        return np.array([item.geometry is not None for item in self.raw], dtype=bool)

    def bounds(self) -> NDArray[np.float64]:
        if not isinstance(self.raw, RawBatch):
            return bounds_of(self.shapes(np.arange(len(self.raw))))
        if self.raw.shapes is None:
            return np.full((len(self.raw), 4), np.nan)
        return self.raw.shapes.bounds()


@dataclass(frozen=True)
class _Columns:
    """Where each finding's row is, and what findings are sorted and counted by."""

    part: NDArray[np.int32]
    row: NDArray[np.int64]
    finding_id: NDArray[np.str_]
    verdict: NDArray[np.int8]
    """Positions in `VERDICT_ORDER`."""
    severity: NDArray[np.int8]
    """Positions in `SEVERITY_ORDER`."""
    park_id: NDArray[np.object_]

    @classmethod
    def of(cls, parts: Sequence[_Portion]) -> _Columns:
        """Read the columns of raw findings and sort them, the gravest first."""
        verdict, severity, park_id, finding_id = [], [], [], []
        for part in parts:
            rule_id = part.stamp.rule_id
            for one, binding, park, layer, subject_id, key in part.rows():
                verdict.append(VERDICT_ORDER.index(one))
                severity.append(SEVERITY_ORDER.index(binding))
                park_id.append(park)
                finding_id.append(finding_id_of(rule_id, layer, subject_id, key))
        sizes = [len(part.raw) for part in parts]
        rule_ids = [part.stamp.rule_id for part in parts]
        rule_rank = np.argsort(np.argsort(rule_ids)) if rule_ids else np.zeros(0, dtype=int)
        parks = np.empty(len(park_id), dtype=object)
        parks[:] = park_id
        columns = cls(
            part=np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
            row=np.concatenate([np.zeros(0, dtype=np.int64), *map(np.arange, sizes)]),
            finding_id=np.array(finding_id, dtype=f"U{ID_LENGTH + 2}"),
            verdict=np.array(verdict, dtype=np.int8),
            severity=np.array(severity, dtype=np.int8),
            park_id=parks,
        )
        # Parts of one rule have one rank, so that their ids decide.
        ranks = dict(zip(rule_ids, rule_rank.tolist(), strict=True))
        of_part = np.array([ranks[rule_id] for rule_id in rule_ids], dtype=np.int64)
        park_rank = np.unique([park or "" for park in park_id], return_inverse=True)[1]
        order = np.lexsort(
            (
                columns.finding_id,
                of_part[columns.part] if len(parts) else columns.row,
                park_rank,
                columns.verdict,
                columns.severity,
            )
        )
        return cls(*(getattr(columns, name)[order] for name in cls.__dataclass_fields__))


def finding_id_of(rule_id: str, layer: str, subject_id: str, key: str) -> str:
    """Return a finding's id, the same in every review of the same subject by the same rule."""
    identity = f"{rule_id}|{layer}|{subject_id}|{key}"
    return "f-" + hashlib.sha256(identity.encode()).hexdigest()[:ID_LENGTH]


class Findings(Sequence[Finding]):
    """A review's findings, gravest first; equal to a tuple of `Finding`, made row by row."""

    def __init__(
        self,
        parts: Sequence[tuple[Stamp, RawBatch | Sequence[RawFinding]]],
        *,
        waiver_of: Callable[[Finding], Waiver | None],
        approval_of: Callable[[Finding], Approval | None],
        concerned: Collection[str],
        illustrative: Collection[tuple[str, str]],
    ) -> None:
        """Sort raw findings.

        Parameters
        ----------
        parts
            The raw findings of each rule, with the rule's stamp.
        waiver_of, approval_of
            Find what sets a finding aside.
        concerned
            Ids of the rules of which a finding may be set aside; others are not asked about.
        illustrative
            Layers and ids of subjects that are made up.
        """
        self._parts = [_Portion(stamp, raw) for stamp, raw in parts if len(raw)]
        self._illustrative = illustrative
        columns = _Columns.of(self._parts)
        self._columns = columns
        self._set_aside: dict[int, tuple[Waiver | None, Approval | None]] = {}
        for position, part in enumerate(columns.part.tolist()):
            if self._parts[part].stamp.rule_id in concerned:
                bare = self._bare(position)
                entries = waiver_of(bare), approval_of(bare)
                if entries != (None, None):
                    self._set_aside[position] = entries

    def __len__(self) -> int:
        """Return the number of findings."""
        return len(self._columns.part)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        """Return a finding, or several."""
        if isinstance(index, slice):
            return tuple(self.at(range(*index.indices(len(self)))))
        position = range(len(self))[index]
        return self._finding(position)

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings; the geometry of each is made when it is asked for."""
        return self.at(range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Findings equal any sequence of equal findings."""
        if not isinstance(other, (Findings, tuple, list)):
            return NotImplemented
        return len(self) == len(other) and all(
            one == two for one, two in zip(self, other, strict=True)
        )

    __hash__ = None  # type: ignore[assignment] # equal to a list, which has none

    def at(self, positions: Iterable[int]) -> Iterator[Finding]:
        """Yield the findings at these positions, in their order."""
        for position in positions:
            yield self._finding(position)

    def geometry(self, positions: Sequence[int] | None = None) -> NDArray[np.object_]:
        """Return the offending parts at these positions (all if None), in the metric CRS."""
        chosen = np.arange(len(self)) if positions is None else np.asarray(positions, dtype=np.intp)
        return self._gathered(chosen, lambda part, rows: part.shapes(rows))

    def titles(self) -> Iterator[Message]:
        """Yield the title of each finding, without the rest of it."""
        parts = self._parts
        for part, row in zip(self._columns.part.tolist(), self._columns.row.tolist(), strict=True):
            yield parts[part].title(row)

    def evidence(self, positions: NDArray[np.intp], names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return parts of the evidence of findings, None for one that a finding does not have."""
        parts, columns = self._parts, self._columns
        part_of, row_of = columns.part[positions].tolist(), columns.row[positions].tolist()
        return [parts[part].evidence(row, names) for part, row in zip(part_of, row_of, strict=True)]

    def _gathered(
        self,
        chosen: NDArray[np.intp],
        value: Callable[[_Portion, NDArray[np.intp]], NDArray[np.object_]],
    ) -> NDArray[np.object_]:
        """Return what the portions say of their rows, in the order of these positions."""
        found = np.full(len(chosen), None, dtype=object)
        part_of, row_of = self._columns.part[chosen], self._columns.row[chosen]
        for part in np.unique(part_of):
            mask = part_of == part
            found[mask] = value(self._parts[part], row_of[mask])
        return found

    @cached_property
    def has_geometry(self) -> NDArray[np.bool_]:
        """Which findings have geometry."""
        found = np.zeros(len(self), dtype=bool)
        for part, item in enumerate(self._parts):
            mask = self._columns.part == part
            found[mask] = item.has_shapes()[self._columns.row[mask]]
        return found

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """Boxes in the metric CRS that hold the findings' geometry, NaN for none; none is cut."""
        found = np.full((len(self), 4), np.nan)
        for part, item in enumerate(self._parts):
            mask = self._columns.part == part
            found[mask] = item.bounds()[self._columns.row[mask]]
        return found

    @property
    def waived(self) -> list[int]:
        """The positions of the findings that are waived."""
        return [at for at, (waiver, _) in self._set_aside.items() if waiver is not None]

    @property
    def approved(self) -> list[int]:
        """The positions of the findings that are approved."""
        return [at for at, (_, approval) in self._set_aside.items() if approval is not None]

    @property
    def waived_count(self) -> int:
        """How many findings are waived."""
        return len(self.waived)

    @property
    def approved_count(self) -> int:
        """How many findings are approved."""
        return len(self.approved)

    @property
    def severity_codes(self) -> NDArray[np.int8]:
        """The severity of each finding, as its position in `SEVERITY_ORDER`."""
        return self._columns.severity

    @property
    def verdict_codes(self) -> NDArray[np.int8]:
        """The verdict of each finding, as its position in `VERDICT_ORDER`."""
        return self._columns.verdict

    @cached_property
    def subject_ids(self) -> NDArray[np.object_]:
        """The id of each finding's subject."""
        return self._gathered(np.arange(len(self)), lambda part, rows: part.subject_ids(rows))

    @cached_property
    def subject_layers(self) -> NDArray[np.object_]:
        """The layer of each finding's subject."""
        return self._gathered(np.arange(len(self)), lambda part, rows: part.layers(rows))

    def coded(self, value: Callable[[Stamp], str]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """Return what a value of the rules' stamps can be, and each finding's position in it."""
        of_part = [value(part.stamp) for part in self._parts]
        names = tuple(dict.fromkeys(of_part))
        codes = np.array([names.index(name) for name in of_part], dtype=np.intp)
        return names, codes[self._columns.part]

    @cached_property
    def rule_ids(self) -> NDArray[np.object_]:
        """The rule of each finding."""
        return self._of_stamp(lambda stamp: stamp.rule_id)

    @cached_property
    def severities(self) -> NDArray[np.object_]:
        """The severity of each finding."""
        return np.array(SEVERITY_ORDER, dtype=object)[self._columns.severity]

    @cached_property
    def verdicts(self) -> NDArray[np.object_]:
        """The verdict of each finding."""
        return np.array(VERDICT_ORDER, dtype=object)[self._columns.verdict]

    @property
    def park_ids(self) -> NDArray[np.object_]:
        """The park of each finding, None for one without."""
        return self._columns.park_id

    @property
    def ids(self) -> NDArray[np.str_]:
        """The id of each finding."""
        return self._columns.finding_id

    @cached_property
    def counting(self) -> NDArray[np.bool_]:
        """Which findings count for the verdict of their park: neither waived nor approved."""
        counts = np.ones(len(self), dtype=bool)
        counts[list(self._set_aside)] = False
        return counts

    @cached_property
    def by_park(self) -> Mapping[str, NDArray[np.intp]]:
        """The positions of each park's findings."""
        known = np.array([park_id is not None for park_id in self.park_ids], dtype=bool)
        positions = np.flatnonzero(known)
        names, codes = np.unique(self.park_ids[positions].astype(str), return_inverse=True)
        order = np.argsort(codes, kind="stable")
        borders = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return {
            str(name): positions[order[borders[number] : borders[number + 1]]]
            for number, name in enumerate(names)
        }

    def verdict_of_parks(
        self, park_ids: Sequence[str], chosen: NDArray[np.bool_] | None = None
    ) -> dict[str, Verdict]:
        """Return each park's verdict from those of its findings that count, or of these chosen."""
        counts = self.counting if chosen is None else self.counting & chosen
        pairs: dict[str, list[tuple[Severity, Verdict]]] = {}
        for park_id in park_ids:
            own = self.by_park.get(park_id, np.zeros(0, dtype=np.intp))
            own = own[counts[own]]
            codes = np.unique(
                self._columns.severity[own].astype(int) * len(VERDICT_ORDER)
                + self._columns.verdict[own]
            )
            pairs[park_id] = [
                (
                    SEVERITY_ORDER[code // len(VERDICT_ORDER)],
                    VERDICT_ORDER[code % len(VERDICT_ORDER)],
                )
                for code in codes.tolist()
            ]
        return {park_id: park_verdict(found) for park_id, found in pairs.items()}

    def of_family(self, family: str) -> NDArray[np.bool_]:
        """Return which findings are of a family of rules."""
        return np.asarray(self._of_stamp(lambda stamp: stamp.family) == family, dtype=bool)

    def resting_on(self, group: BasisGroup) -> NDArray[np.bool_]:
        """Return which findings rest on a kind of basis."""
        groups = self._of_stamp(lambda stamp: stamp.basis_tag.group)
        return np.asarray(groups == group, dtype=bool)

    def _of_stamp(self, value: Callable[[Stamp], Any]) -> NDArray[np.object_]:
        values = np.empty(len(self._parts), dtype=object)
        values[:] = [value(part.stamp) for part in self._parts]
        found: NDArray[np.object_] = values[self._columns.part]
        return found

    def _finding(self, position: int) -> Finding:
        shape = self._shape_at(position) if self.has_geometry[position] else None
        return self._bare(position, *self._set_aside.get(position, (None, None)), shape)

    def _shape_at(self, position: int) -> Callable[[], BaseGeometry | None]:
        def make() -> BaseGeometry | None:
            shape: BaseGeometry | None = self.geometry([position])[0]
            return shape

        return make

    def _bare(
        self,
        position: int,
        waiver: Waiver | None = None,
        approval: Approval | None = None,
        shape: Callable[[], BaseGeometry | None] | None = None,
    ) -> Finding:
        part = self._parts[self._columns.part[position]]
        raw = part.at(int(self._columns.row[position]))
        stamp = part.stamp
        evidence = dict(raw.evidence)
        if evidence.get("unit") == "m²":
            evidence = {"area_method": stamp.area_method, **evidence}
        return Finding(
            finding_id=str(self._columns.finding_id[position]),
            rule_id=stamp.rule_id,
            family=stamp.family,
            severity=raw.severity or stamp.severity,
            verdict=raw.verdict,
            park_id=raw.park_id,
            subject=raw.subject,
            title=raw.title,
            evidence=evidence,
            legal_basis=stamp.legal_basis,
            basis_tag=stamp.basis_tag,
            cure=raw.cure,
            waived=None if waiver is None else waiver.shown,
            approval=None if approval is None else approval.shown,
            shape=shape,
            illustrative=(raw.subject.layer, raw.subject.id) in self._illustrative,
            note=stamp.note,
        )
