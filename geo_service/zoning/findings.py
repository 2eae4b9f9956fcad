"""The findings of a review as columns, read one by one, sorted, counted and filtered.

A county with a hundred thousand parcels has as many findings. Verdicts, counts, filters and order
come from the columns; a `Finding` is made of a row when somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from geo_service.model import (
    BasisGroup,
    Finding,
    Severity,
    Verdict,
    park_verdict,
)
from geo_service.zoning.batch import RawBatch
from geo_service.zoning.portions import SEVERITY_ORDER, VERDICT_ORDER, Columns, Portion

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from geo_service.model import Message
    from geo_service.zoning.approvals import Approval
    from geo_service.zoning.batch import LazyRows, RawFinding
    from geo_service.zoning.portions import Stamp
    from geo_service.zoning.waivers import Waiver


_SOME = 100
"""Parts of which the first are cut by what is kept for the others."""


class Findings(Sequence[Finding]):
    """A review's findings, gravest first; equal to a tuple of `Finding`, made row by row."""

    def __init__(
        self,
        parts: Sequence[tuple[Stamp, LazyRows | Sequence[RawFinding]]],
        *,
        waiver_of: Callable[[Finding], Waiver | None],
        approval_of: Callable[[Finding], Approval | None],
        concerned: Collection[str],
        illustrative: Container[tuple[str, str]],
        columns: Mapping[str, NDArray[Any]] | None = None,
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
        columns
            The `columns` of the same findings, if they are known; all parts have findings then.
        """
        self._parts = [Portion(stamp, raw) for stamp, raw in parts if len(raw)]
        self.illustrative = illustrative
        """Layers and ids of subjects that are made up."""
        self._columns = Columns.of(self._parts) if columns is None else Columns(**columns)
        self._set_aside: dict[int, tuple[Waiver | None, Approval | None]] = {}
        is_concerned = np.array(
            [part.stamp.rule_id in concerned for part in self._parts], dtype=bool
        )
        for position in np.flatnonzero(is_concerned[self._columns.part]).tolist():
            bare = self._bare(position)
            entries = waiver_of(bare), approval_of(bare)
            if entries != (None, None):
                self._set_aside[position] = entries

    @property
    def parts(self) -> list[tuple[Stamp, LazyRows | Sequence[RawFinding]]]:
        """The raw findings of each rule that has any, with the rule's stamp."""
        return [(part.stamp, part.raw) for part in self._parts]

    def seen(
        self,
        keep: NDArray[np.bool_],
        masked: Callable[[Stamp, LazyRows | Sequence[RawFinding]], LazyRows | Sequence[RawFinding]],
    ) -> Findings:
        """Return some of the findings; `masked` returns what is told of a rule's raw findings.

        They count, are sorted and have ids as they do here.
        """
        used, part = np.unique(self._columns.part[keep], return_inverse=True)
        columns = {name: column[keep] for name, column in self.columns.items()}
        parts = [self._parts[number] for number in used.tolist()]
        shown = Findings(
            [(item.stamp, masked(item.stamp, item.raw)) for item in parts],
            waiver_of=lambda _: None,
            approval_of=lambda _: None,
            concerned=(),
            illustrative=self.illustrative,
            columns={**columns, "part": part.astype(np.int32)},
        )
        after = {before: at for at, before in enumerate(np.flatnonzero(keep).tolist())}
        set_aside = self._set_aside.items()
        shown._set_aside = {after[at]: entries for at, entries in set_aside if at in after}
        return shown

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Where each finding is among the parts, and what it is sorted and counted by."""
        return {name: getattr(self._columns, name) for name in Columns.__dataclass_fields__}

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

    def get_ready_to_cut(self) -> None:
        """Find what all parts of a portion need to be cut, which is kept."""
        for part in range(len(self._parts)):
            self.geometry(np.flatnonzero(self._columns.part == part)[:_SOME].tolist())

    def places(self, positions: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield for each position the number of its portion and its row in it."""
        chosen = np.asarray(positions, dtype=np.intp)
        yield from zip(
            self._columns.part[chosen].tolist(), self._columns.row[chosen].tolist(), strict=True
        )

    def batch(self, part: int) -> RawBatch | None:
        """Return the batch of a portion; None for single findings."""
        raw = self._parts[part].raw
        return raw if isinstance(raw, RawBatch) else None

    def sample(self, part: int) -> Finding:
        """Return one finding of a portion, as if nothing set it aside, without its geometry."""
        return self._bare(int(np.flatnonzero(self._columns.part == part)[0]))

    def is_set_aside(self, position: int) -> bool:
        """Return whether a finding is waived or approved."""
        return position in self._set_aside

    def id_of(self, position: int) -> str:
        """Return the id of a finding."""
        return self._columns.finding_id(position)

    def is_made_up(self, layer: str, subject_id: str) -> bool:
        """Return whether a subject is made up."""
        return (layer, subject_id) in self.illustrative

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
        value: Callable[[Portion, NDArray[np.intp]], NDArray[np.object_]],
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

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """The id of each finding."""
        return self._columns.finding_ids

    @cached_property
    def counting(self) -> NDArray[np.bool_]:
        """Which findings count for the verdict of their park: neither waived nor approved."""
        counts = np.ones(len(self), dtype=bool)
        counts[list(self._set_aside)] = False
        return counts

    @cached_property
    def by_park(self) -> Mapping[str, NDArray[np.intp]]:
        """The positions of each park's findings."""
        codes, names = pd.factorize(self.park_ids)
        order = np.argsort(codes, kind="stable")
        borders = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return {
            str(name): order[borders[number] : borders[number + 1]]
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
            finding_id=self._columns.finding_id(position),
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
            illustrative=(raw.subject.layer, raw.subject.id) in self.illustrative,
            note=stamp.note,
        )
