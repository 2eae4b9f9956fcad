"""A large county as several tasks: its layers written in extracts, judged block by block, joined.

The first task opens and checks the whole county, works out what each part has to know of it, and
writes its layers: parcels and buildings by block, the rest once, parcels there without
shapes. A task judges a block and keeps what it found; the last one judges the rest and joins all
to what the county in one piece would have said, byte for byte. The extracts lie in the county's
folder of results until its record is written. What the files of a county hold stands in `county`.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geo_service.errors import GeoServiceError, StoreError
from geo_service.plan import Layer, Plan
from geo_service.province.county import (
    CountyAnswer,
    CountyTask,
    Cut,
    county_rules,
    entries_of,
    faults_told,
    finding_rows,
    open_county,
    parquet,
    record_of,
    reviewed,
    same_of,
    write_review,
)
from geo_service.province.folder import blocks_folder, read_json, whole_record, write_file
from geo_service.wording import said
from geo_service.zoning.approvals import Approvals
from geo_service.zoning.blocks import (
    Block,
    WholeFacts,
    blocks_of,
    can_be_cut,
    joined,
    review_block,
    review_rest,
)
from geo_service.zoning.kept import KeptReviewError, is_sound, keep_review, kept_review
from geo_service.zoning.review import Terms
from geo_service.zoning.waivers import Waivers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo_service.province.folder import Record
    from geo_service.zoning.findings import Findings
    from geo_service.zoning.rulebook import Rulebook

_HEAD = "cut.json"
_CUT_UP = ("parcels", "buildings")


@dataclass(frozen=True, kw_only=True)
class PartTask:
    """What a worker is told of a part of a county."""

    whole: CountyTask
    cut: Cut
    number: int | None
    """The block; None for the rest, with which all are joined."""

    @property
    def code(self) -> str:
        """The code of the county."""
        return self.whole.code

    @property
    def shown(self) -> str:
        """How progress names it: the county and which part of how many."""
        parts = self.cut.blocks + 1
        return f"{self.code} {parts if self.number is None else self.number + 1}/{parts}"


Step = CountyTask | PartTask


def do_step(step: Step, folder: str, *, is_resumed: bool) -> CountyAnswer:
    """Review a county, or a part of one; `county` says what is written."""
    where = Path(folder)
    try:
        if isinstance(step, CountyTask):
            return _begun(step, where, is_resumed=is_resumed)
        return _part_done(step, where, is_resumed=is_resumed)
    except (GeoServiceError, KeptReviewError, OSError) as error:
        # Another process may have done the same county meanwhile, and cleared its extracts away.
        record = whole_record(where, step.code)
        review_id = step.cut.review_id if isinstance(step, PartTask) else None
        if record is not None and record["review_id"] == review_id:
            return CountyAnswer(record=record)
        if isinstance(error, GeoServiceError):
            return CountyAnswer(faults=faults_told(error))
        msg = said("problem.file", path=step.code, reason=str(error) or type(error).__name__)
        return CountyAnswer(faults=faults_told(StoreError(msg)))


class Steps:
    """The tasks of counties that are still to be handed out, and which of them follow others."""

    def __init__(self, tasks: Iterable[CountyTask]) -> None:
        self.waiting: deque[Step] = deque(tasks)
        """What can be done now, in order."""
        self._left: dict[str, int] = {}

    def follow(self, step: Step, answer: CountyAnswer) -> CountyAnswer | None:
        """Add what follows an answer; return it if it ends the county."""
        if isinstance(step, CountyTask):
            if answer.cut is None:
                return answer
            self._left[step.code] = answer.cut.blocks
            parts = [
                PartTask(whole=step, cut=answer.cut, number=number)
                for number in range(answer.cut.blocks)
            ]
            self.waiting.extendleft(reversed(parts))
            return None
        if step.code not in self._left:
            return None  # another part has ended the county
        if answer.faults is not None or answer.record is not None:
            del self._left[step.code]
            for part in [each for each in self.waiting if each.code == step.code]:
                self.waiting.remove(part)
            return answer
        self._left[step.code] -= 1
        if not self._left[step.code]:
            self.waiting.appendleft(PartTask(whole=step.whole, cut=step.cut, number=None))
        return None


# ---- the whole -----------------------------------------------------------------------------------


def _begun(task: CountyTask, folder: Path, *, is_resumed: bool) -> CountyAnswer:
    plan, rules = open_county(task)
    same = same_of(task, plan, rules)
    if is_resumed:
        record = record_of(folder, task.code, same)
        if record is not None:
            return CountyAnswer(record=record)
    is_large = len(plan.frame("parcels")) > task.most_parcels
    if not (is_large and can_be_cut(rules, task.as_of)):
        result = reviewed(task, plan, rules)
        return CountyAnswer(record=write_review(task, result, finding_rows(result), folder))
    home = blocks_folder(folder, task.code, same["review_id"])
    if not (is_resumed and (home / _HEAD).exists()):
        _write_extracts(plan, rules, task, home)
    head = read_json(home / _HEAD)
    return CountyAnswer(
        cut=Cut(
            review_id=same["review_id"],
            settings=plan.settings,
            layers={name: (layer.version, layer.number) for name, layer in plan.layers.items()},
            blocks=len(head["blocks"]),
        )
    )


def _write_extracts(plan: Plan, rules: Rulebook, task: CountyTask, home: Path) -> None:
    """Write a county's layers in extracts, and last what its parts have to know of the whole."""
    blocks = blocks_of(plan, task.most_parcels)
    whole = WholeFacts.of(plan, rules, task.as_of)
    for name in plan.layers:
        frame = plan.frame(name)
        if name == "parcels":
            frame = pd.DataFrame(frame.drop(columns="geometry"))
        _write(home, _extract(name), frame)
    for number, block in enumerate(blocks):
        rows = {
            "parcels": np.union1d(block.parcels, block.neighbours),
            "buildings": block.buildings,
        }
        for name in _CUT_UP:
            if name in plan.layers:
                _write(home, _extract(name, number), plan.frame(name).iloc[rows[name]])
    head = {
        "counts": whole.counts,
        "ground": whole.ground,
        "blocks": [
            {"parks": sorted(block.parks), "neighbours": block.neighbours.tolist()}
            for block in blocks
        ],
    }
    write_file(home / _HEAD, orjson.dumps(head))


def _extract(layer: str, number: int | None = None) -> str:
    return f"{layer}.parquet" if number is None else f"{layer}-{number}.parquet"


def _write(home: Path, name: str, frame: pd.DataFrame) -> None:
    stream = io.BytesIO()
    frame.to_parquet(stream, compression="zstd")
    write_file(home / name, stream.getvalue())


# ---- the parts -----------------------------------------------------------------------------------


def _part_done(part: PartTask, folder: Path, *, is_resumed: bool) -> CountyAnswer:
    home = blocks_folder(folder, part.code, part.cut.review_id)
    rules = county_rules(part.whole, part.cut.settings)
    head = read_json(home / _HEAD)
    whole = WholeFacts(counts=head["counts"], ground=head["ground"])
    if part.number is None:
        return CountyAnswer(record=_joined(part, folder, home, rules, whole))
    kept = home / _found(part.number)
    if is_resumed and is_sound(kept):
        return CountyAnswer()
    plan = _plan_of(part.cut, home, part.number)
    told = head["blocks"][part.number]
    terms = _terms(plan, rules, part, Waivers(), Approvals())  # set aside when all are joined
    result = review_block(terms, whole, _block_of(plan, told))
    write_file(home / _rows(part.number), parquet(finding_rows(result)))
    keep_review(result, kept)
    return CountyAnswer()


def _block_of(plan: Plan, told: Mapping[str, Any]) -> Block:
    rows = {name: plan.frame(name).index.to_numpy(dtype=np.intp) for name in _CUT_UP}
    neighbours: NDArray[np.intp] = np.array(told["neighbours"], dtype=np.intp)
    return Block(
        parks=frozenset(told["parks"]),
        parcels=np.setdiff1d(rows["parcels"], neighbours),
        buildings=rows["buildings"],
        neighbours=neighbours,
    )


def _found(number: int) -> str:
    return f"found-{number}.review"


def _rows(number: int) -> str:
    return f"found-{number}.parquet"


def _joined(part: PartTask, folder: Path, home: Path, rules: Rulebook, whole: WholeFacts) -> Record:
    plan = _plan_of(part.cut, home, None)
    waivers, approvals = entries_of(plan, rules)
    terms = _terms(plan, rules, part, waivers, approvals)
    rest = review_rest(terms, whole)
    blocks = [
        kept_review(home / _found(number), plan, rules, focus=rest.focus)
        for number in range(part.cut.blocks)
    ]
    result = joined(terms, rest, blocks)
    tables = [pq.read_table(home / _rows(number)) for number in range(part.cut.blocks)]
    rows = _in_order(pa.concat_tables([finding_rows(rest), *tables]), result.results)
    return write_review(part.whole, result, rows, folder)


def _in_order(rows: pa.Table, results: Findings) -> pa.Table:
    """Return rows of findings in a review's order, and what it sets aside."""
    place = pd.Index(rows["finding_id"].to_pandas()).get_indexer(results.ids)
    rows = rows.take(pa.array(place))
    for name, positions in (("waived", results.waived), ("approved", results.approved)):
        flags = np.zeros(len(results), dtype=bool)
        flags[positions] = True
        column = rows.schema.get_field_index(name)
        rows = rows.set_column(column, rows.schema.field(name), pa.array(flags))
    return rows


def _terms(
    plan: Plan, rules: Rulebook, part: PartTask, waivers: Waivers, approvals: Approvals
) -> Terms:
    return Terms(
        plan=plan,
        rules=rules,
        day=part.whole.as_of,
        park_ids=tuple(plan.frame("parks")["park_id"]),
        selected=None,
        waivers=waivers,
        approvals=approvals,
    )


def _plan_of(cut: Cut, home: Path, number: int | None) -> Plan:
    """Return the plan of a part of a county, from its extracts; None for the rest."""
    layers = {}
    for name, (version, place) in cut.layers.items():
        own = number if name in _CUT_UP else None
        layers[name] = Layer(name, version, _reading(home / _extract(name, own)), place)
    return Plan(layers, cut.settings)


def _reading(path: Path) -> Callable[[], pd.DataFrame]:
    def read() -> pd.DataFrame:
        has_shapes = b"geo" in (pq.read_schema(path).metadata or {})
        frame: pd.DataFrame = (gpd.read_parquet if has_shapes else pd.read_parquet)(path)
        return frame

    return read
