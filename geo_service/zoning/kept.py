"""A review as a file: its findings as columns, read again without applying a rule.

The file holds what does not follow from the plan and the rulebook: the findings with their order,
and what each rule counted. Rows stay as they are written until somebody looks at
them; offending parts that are cut out of the plan's own features are cut again. Nothing is
unpickled. Leaves out which reviews are kept, and where (`planning`).
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pyarrow as pa
import shapely

from geo_service.model import RuleCount
from geo_service.zoning.approvals import Approval, Approvals
from geo_service.zoning.batch import LazyRows, PerRow, RawBatch, RawFinding, Shapes, SomeShapes
from geo_service.zoning.check import Shared
from geo_service.zoning.findings import Findings
from geo_service.zoning.kept_rows import (
    CELLS,
    ID,
    LAYER,
    ROW,
    SHAPE,
    SUBJECT,
    CutOfPlan,
    KeptRows,
    PartsInFile,
)
from geo_service.zoning.kept_values import dumped, restored
from geo_service.zoning.measured import CutLater
from geo_service.zoning.portions import Stamp
from geo_service.zoning.ran_on import RanOn
from geo_service.zoning.review import Review, stamp_of
from geo_service.zoning.waivers import Waiver, Waivers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from geo_service.plan import Plan
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.rulebook import Rulebook

_MAGIC = b"GEOREV02"
_PREFIX_BYTES = 64
"""The head of the file: its magic number and the checksum of the rest, at an even address."""
_CHUNK = 1 << 20
_NO_PLACE = -1
_COLUMN = "column."


class KeptFault(StrEnum):
    """Why a file is not used."""

    GONE = "gone"
    DAMAGED = "damaged"
    FORMAT = "format"
    OTHER = "other"
    """It is the review of another plan or by another rulebook."""


class KeptReviewError(Exception):
    """A file cannot be used; whoever asked reviews again."""

    def __init__(self, fault: KeptFault) -> None:
        super().__init__(fault)
        self.fault = fault


# ---- writing -------------------------------------------------------------------------------------


def keep_review(review: Review, path: Path) -> None:
    """Write a review to a file; an earlier one of that name is replaced as a whole.

    Raises OSError if it cannot be written.
    """
    places = _Places(review.plan)
    portions, tables = [], []
    for stamp, raw in review.results.parts:
        head, table = _portion(stamp, raw, places)
        portions.append(head)
        tables.append(table)
    table = pa.concat_tables(tables) if tables else _table([], [], [], ([], []))
    for name, values in review.results.columns.items():
        table = table.append_column(_COLUMN + name, pa.array(values.tolist(), _type(values)))
    head = {
        "review_id": review.review_id,
        "plan_version": review.plan.version,
        "rulebook_version": review.rulebook.version,
        "as_of": review.as_of.isoformat(),
        "park_ids": list(review.park_ids),
        "checks": {name: asdict(count) for name, count in review.checks.items()},
        "judged": {name: sorted(parks) for name, parks in review.judged.items()},
        "facts": review.facts,
        "ran_on": None if review.ran_on is None else review.ran_on.document(),
        "waivers": _entries(review.waivers),
        "approvals": _entries(review.approvals),
        "portions": portions,
    }
    made_up = _MadeUp.among(review.results)
    table = table.replace_schema_metadata(
        {"review": dumped(head), "made_up": made_up.hashes.tobytes()}
    )
    _write(table, path)


def _entries(entries: Waivers | Approvals) -> dict[str, Any]:
    return {
        "entries": [entry.model_dump(mode="json") for entry in entries.entries],
        "stale": list(entries.stale),
    }


def _type(values: NDArray[Any]) -> pa.DataType:
    return pa.from_numpy_dtype(values.dtype) if values.dtype.kind in "iu" else pa.string()


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb+") as file:
            file.write(bytes(_PREFIX_BYTES))
            with pa.ipc.new_file(pa.PythonFile(file, mode="w"), table.schema) as writer:
                writer.write_table(table.combine_chunks())
            checksum = _checksum(file)
            file.seek(0)
            file.write(_MAGIC + checksum)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _checksum(file: Any) -> bytes:  # noqa: ANN401 - a binary file
    file.seek(_PREFIX_BYTES)
    value = 0
    while chunk := file.read(_CHUNK):
        value = zlib.crc32(chunk, value)
    return value.to_bytes(4, "big")


def _portion(
    stamp: Stamp, raw: LazyRows | Sequence[RawFinding], places: _Places
) -> tuple[dict[str, Any], pa.Table]:
    """Return what all rows of a part share, and its rows."""
    head: dict[str, Any] = {"rule_id": stamp.rule_id, "count": len(raw)}
    if isinstance(raw, RawBatch):
        common, rows = _batch_rows(raw)
        head["batch"] = common
    else:
        at = raw.at if isinstance(raw, LazyRows) else raw.__getitem__
        rows = [_single_row(at(row)) for row in range(len(raw))]
    every = np.arange(len(raw))
    layers, ids = _subjects(raw, every)
    wkb: list[bytes | None] = [None] * len(raw)
    subject = [_NO_PLACE] * len(raw)
    if isinstance(raw, LazyRows):
        cut = places.of(raw.shapes)
        if cut is not None:
            head["cut"], subject = cut
        elif raw.shapes is not None:
            wkb = shapely.to_wkb(raw.shapes.of(every)).tolist()
    else:
        wkb = [None if item.geometry is None else shapely.to_wkb(item.geometry) for item in raw]
    return head, _table(rows, wkb, subject, (layers, ids))


def _subjects(
    raw: LazyRows | Sequence[RawFinding], rows: NDArray[np.intp]
) -> tuple[list[str], list[str]]:
    if isinstance(raw, LazyRows):
        layers, ids = raw.subjects_of(rows)
        return layers.tolist(), list(map(str, ids.tolist()))
    return [item.subject.layer for item in raw], [item.subject.id for item in raw]


def _table(
    rows: list[bytes],
    wkb: list[bytes | None],
    subject: list[int],
    names: tuple[list[str], list[str]],
) -> pa.Table:
    layers, ids = names
    return pa.table(
        {
            LAYER: pa.array(layers, pa.string()),
            ID: pa.array(ids, pa.string()),
            ROW: pa.array(rows, pa.large_binary()),
            SHAPE: pa.array(wkb, pa.large_binary()),
            SUBJECT: pa.array(subject, pa.int32()),
        }
    )


def _batch_rows(raw: RawBatch) -> tuple[dict[str, Any], list[bytes]]:
    """Return what is alike in a batch, with the names of what is not, and each row's cells."""
    common: dict[str, Any] = {
        "verdict": raw.verdict,
        "layer": raw.layer,
        "title": raw.title,
        "cure": raw.cure,
        "key": raw.key,
        "severity": raw.severity,
    }
    cells: list[PerRow] = []
    for part in CELLS:
        given: Mapping[str, Any] = getattr(raw, part)
        told: dict[str, Any] = {}
        for name, cell in given.items():
            if isinstance(cell, PerRow):
                told[name] = len(cells)  # a member of each row, by the number of its cell
                cells.append(cell)
            else:
                told[name] = {"=": cell}
        common[part] = told
    rows = [
        dumped([str(raw.subject_ids[row]), raw.park_of(row), *(cell[row] for cell in cells)])
        for row in range(len(raw))
    ]
    return common, rows


def _single_row(item: RawFinding) -> bytes:
    return dumped(
        {
            "verdict": item.verdict,
            "park_id": item.park_id,
            "layer": item.subject.layer,
            "id": item.subject.id,
            "title": item.title,
            "evidence": dict(item.evidence),
            "cure": item.cure,
            "key": item.key,
            "severity": item.severity,
        }
    )


class _Places:
    """Where shapes stand in the plan's layers, in the metric CRS, by the shape itself."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[str, dict[int, int]] = {}

    def of(self, shapes: Shapes | None) -> tuple[dict[str, Any], list[int]] | None:
        """Return of which features parts are cut; None for parts that are not cut of the plan."""
        rows: NDArray[np.intp] | None = None
        while isinstance(shapes, SomeShapes):
            rows = shapes.rows if rows is None else shapes.rows[rows]
            shapes = shapes.shapes
        if isinstance(shapes, CutOfPlan):
            subject = shapes.subject if rows is None else shapes.subject[rows]
            return {**shapes.head}, subject.tolist()
        if not isinstance(shapes, CutLater):
            return None
        subjects = shapes.subjects.geometry.to_numpy()
        subjects = subjects if rows is None else subjects[rows]
        zones = self._find(shapes.zones.geometry.to_numpy())
        found = self._find(subjects)
        if found is None or zones is None:
            return None
        return {"subjects": found[0], "zones": zones[0], "positions": zones[1]}, found[1]

    def _find(self, shapes: NDArray[np.object_]) -> tuple[str, list[int]] | None:
        for layer in self._plan.layers:
            if layer not in self._known:
                self._known[layer] = self._positions(layer)
            known = self._known[layer]
            if len(shapes) and id(shapes[0]) in known:
                places = [known.get(id(shape), _NO_PLACE) for shape in shapes]
                return None if _NO_PLACE in places else (layer, places)
        return None

    def _positions(self, layer: str) -> dict[int, int]:
        if not isinstance(self._plan.frame(layer), gpd.GeoDataFrame):
            return {}
        shapes = self._plan.metric(layer).geometry.to_numpy()
        return {id(shape): position for position, shape in enumerate(shapes)}


# ---- reading -------------------------------------------------------------------------------------


def kept_review(
    path: Path, plan: Plan, rulebook: Rulebook, *, focus: Mapping[str, Focus] | None = None
) -> Review:
    """Read the review of a plan by a rulebook from a file.

    `focus` is that of the plan's parks, measured if None.

    Raises
    ------
    KeptReviewError
        The file is not there, is damaged, or holds the review of another plan or rulebook.
    """
    try:
        table = _table_of(path)
        head = restored(orjson.loads(table.schema.metadata[b"review"]))
        is_same = (head["plan_version"], head["rulebook_version"]) == (
            plan.version,
            rulebook.version,
        )
        if not is_same:
            raise KeptReviewError(KeptFault.OTHER)
        return _review(head, table, plan, rulebook, focus)
    except FileNotFoundError as error:
        raise KeptReviewError(KeptFault.GONE) from error
    except (OSError, KeyError, ValueError, TypeError, IndexError, pa.ArrowException) as error:
        raise KeptReviewError(KeptFault.DAMAGED) from error


def is_sound(path: Path) -> bool:
    """Return whether there is a file with a review, as it was written."""
    try:
        _table_of(path)
    except (KeptReviewError, OSError, ValueError, pa.ArrowException):
        return False
    return True


def _table_of(path: Path) -> pa.Table:
    content = memoryview(path.read_bytes())  # not mapped: whoever cuts the file cannot crash us
    if content[: len(_MAGIC)] != _MAGIC:
        raise KeptReviewError(KeptFault.FORMAT)
    body = content[_PREFIX_BYTES:]
    if content[len(_MAGIC) : len(_MAGIC) + 4] != zlib.crc32(body).to_bytes(4, "big"):
        raise KeptReviewError(KeptFault.DAMAGED)
    return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(body))).read_all().combine_chunks()


def _review(
    head: dict[str, Any],
    table: pa.Table,
    plan: Plan,
    rulebook: Rulebook,
    focus: Mapping[str, Focus] | None,
) -> Review:
    day = date.fromisoformat(head["as_of"])
    waivers = Waivers(
        tuple(map(Waiver.model_validate, head["waivers"]["entries"])),
        tuple(head["waivers"]["stale"]),
    )
    approvals = Approvals(
        tuple(map(Approval.model_validate, head["approvals"]["entries"])),
        tuple(head["approvals"]["stale"]),
    )
    measured = Shared(plan, day).focus if focus is None else focus
    findings = Findings(
        list(_parts(head, table, plan, rulebook, day)),
        waiver_of=waivers.holding_on(day),
        approval_of=approvals.holding_on(day),
        concerned={entry.rule_id for entry in (*waivers.entries, *approvals.entries)},
        illustrative=_MadeUp(np.frombuffer(table.schema.metadata[b"made_up"], dtype=np.int64)),
        columns={
            name.removeprefix(_COLUMN): _column(table[name])
            for name in table.column_names
            if name.startswith(_COLUMN)
        },
    )
    return Review(
        review_id=head["review_id"],
        plan=plan,
        rulebook=rulebook,
        as_of=day,
        park_ids=tuple(head["park_ids"]),
        results=findings,
        checks={name: RuleCount(**count) for name, count in head["checks"].items()},
        focus={park_id: measured[park_id] for park_id in head["park_ids"]},
        waivers=waivers,
        approvals=approvals,
        judged={name: frozenset(parks) for name, parks in head["judged"].items()},
        facts=head["facts"],
        record=RanOn.from_document(head["ran_on"]),
    )


def _column(values: pa.ChunkedArray) -> NDArray[Any]:
    if not pa.types.is_string(values.type):
        return np.asarray(values.to_numpy())
    listed = values.to_pylist()
    if None not in listed and listed:
        return np.array(listed)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def _parts(
    head: dict[str, Any], table: pa.Table, plan: Plan, rulebook: Rulebook, day: date
) -> Iterator[tuple[Stamp, LazyRows]]:
    first = 0
    for portion in head["portions"]:
        rows = table.slice(first, portion["count"])
        first += portion["count"]
        cut = portion.get("cut")
        shapes: Shapes = (
            PartsInFile(rows[SHAPE])
            if cut is None
            else CutOfPlan(plan, cut, rows[SUBJECT].to_numpy())
        )
        stamp = stamp_of(rulebook.rules[portion["rule_id"]], plan, day)
        yield stamp, KeptRows(rows, portion.get("batch"), shapes)


class _MadeUp(Container[tuple[str, str]]):
    """The subjects of a review's findings that are made up, known by hashes."""

    def __init__(self, hashes: NDArray[np.int64]) -> None:
        self.hashes = hashes

    @classmethod
    def among(cls, findings: Findings) -> _MadeUp:
        """Return those that the subjects of findings are among."""
        known = findings.illustrative
        if isinstance(known, _MadeUp):
            return known
        subjects: set[tuple[str, str]] = set()
        for _, raw in findings.parts:
            layers, ids = _subjects(raw, np.arange(len(raw)))
            subjects.update(zip(layers, ids, strict=True))
        hashes = [cls._hash(subject) for subject in subjects if subject in known]
        return cls(np.array(sorted(hashes), dtype=np.int64))

    @staticmethod
    def _hash(subject: tuple[str, str]) -> int:
        digest = hashlib.blake2b("|".join(subject).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def __contains__(self, subject: object) -> bool:
        if not isinstance(subject, tuple):
            return False
        value = self._hash(subject)
        place = int(np.searchsorted(self.hashes, value))
        return place < len(self.hashes) and int(self.hashes[place]) == value
