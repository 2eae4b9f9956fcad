"""Review the counties of a province: one task each, what is broken told, the others finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from geo_service import __version__
from geo_service.errors import StoreError
from geo_service.model import Verdict
from geo_service.province.blocks import Steps, do_step
from geo_service.province.county import (
    FORMAT,
    CountyAnswer,
    CountyTask,
    faults_told,
)
from geo_service.province.engine import engine
from geo_service.province.folder import drop_manifest, write_manifest, writing_alone
from geo_service.province.settings import open_province
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from geo_service.model import Message
    from geo_service.province.engine import Done, Engine
    from geo_service.province.folder import Record
    from geo_service.province.settings import Province
    from geo_service.zoning.review import Progress

DEFAULT_FOLDER = "province-review"
"""The folder of results beside `PROVINCE.toml`, unless another one is given."""


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """Where tasks run: at a scheduler's address, or in so many processes of this machine."""

    scheduler: str | None = None
    workers: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProvinceReview:
    """How a run ended: by county its record, or its faults by language."""

    folder: Path
    records: Mapping[str, Record]
    faults: Mapping[str, Mapping[str, str]]

    @property
    def is_failed(self) -> bool:
        """Whether some park fails."""
        return any(record["verdicts"][Verdict.FAIL] for record in self.records.values())

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many parks of the province have each verdict."""
        return {
            verdict.value: sum(record["verdicts"][verdict] for record in self.records.values())
            for verdict in Verdict
        }


def review_province(
    path: Path,
    folder: Path | None = None,
    *,
    runs_at: EngineChoice,
    as_of: date | None = None,
    is_resumed: bool = False,
    tell: tuple[Progress, Callable[[Message], None]],
) -> ProvinceReview:
    """Review every county of a `PROVINCE.toml` and write the results; see `folder` for their form.

    Parameters
    ----------
    path
        The file.
    folder
        Where results go: `province-review` beside the file if None. Workers must see it by the
        same path.
    runs_at
        The scheduler, or the processes of this machine.
    as_of
        The day of the review; today if None.
    is_resumed
        Whether to leave whole results of the same plan, rules and day.
    tell
        Who is told of progress by county, and where the tasks run.

    Raises
    ------
    WorkspaceError
        The file cannot be used.
    ConflictError
        Another run writes into the folder.
    StoreError
        The folder cannot be written, or the scheduler is gone: what is whole stays, and a
        resumed run goes on from it.
    """
    province = open_province(path)
    where = (folder or province.folder / DEFAULT_FOLDER).resolve()
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    progress, say = tell
    steps = Steps(
        CountyTask(
            county=county, rules=province.rules, as_of=day, most_parcels=province.parcels_per_block
        )
        for county in province.counties
    )
    total = len(province.counties)
    answers: dict[str, CountyAnswer] = {}
    with writing_alone(where), engine(runs_at.scheduler, workers=runs_at.workers) as running:
        drop_manifest(where)
        say_engine(running, say)
        progress(0, total, "")
        for done in running.run(do_step, steps.waiting, folder=str(where), is_resumed=is_resumed):
            step = done.task
            answer = steps.follow(step, done.answer or CountyAnswer(faults=ended(done)))
            if answer is not None:
                answers[step.code] = answer
            progress(len(answers), total, step.shown)
        return end_run(province, where, day, answers)


def end_run(
    province: Province, folder: Path, day: date, answers: Mapping[str, CountyAnswer]
) -> ProvinceReview:
    """Write the manifest of a run that has an answer for every county."""
    items = sorted(answers.items())
    result = ProvinceReview(
        folder=folder,
        records={code: answer.record for code, answer in items if answer.record is not None},
        faults={code: answer.faults for code, answer in items if answer.faults is not None},
    )
    head = {"name": dict(province.name), "rulebook_version": province.rulebook_version}
    write_manifest(folder, {**head, "as_of": day.isoformat(), **_manifest(result)})
    return result


def say_engine(running: Engine, say: Callable[[Message], None]) -> None:
    """Say where the tasks run and where they can be watched."""
    if running.dashboard is None:
        say(said("province.no_dashboard", address=running.address))
    else:
        say(said("province.dashboard", address=running.address, dashboard=running.dashboard))


def ended(done: Done[Any, Any]) -> dict[str, str]:
    """Return by language why a county has no answer."""
    key = "problem.worker_lost" if done.is_worker_lost else "problem.task_failed"
    return faults_told(StoreError(said(key, name=done.ended_by or "")))


def _manifest(result: ProvinceReview) -> dict[str, Any]:
    """Return which counties are whole, and which have faults."""
    named = ("review_id", "plan_version", "rulebook_version")
    return {
        "format": FORMAT,
        "release": __version__,
        "counties": {
            **{
                code: {"state": "whole", **{name: record[name] for name in named}}
                for code, record in result.records.items()
            },
            **{
                code: {"state": "faulty", "faults": dict(faults)}
                for code, faults in result.faults.items()
            },
        },
    }
