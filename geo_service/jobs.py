"""Start, watch and cancel long work in the background. Knows nothing of HTTP or the work itself.

Of each kind of work one worker runs the jobs in the order in which they were requested; kinds do
not wait for each other. A job is cancelled through its progress reports: the next report raises
`Cancelled` inside the work.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.access import acting_name
from geo_service.errors import BusyError, GeoServiceError, NotFoundError
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.model import Message

_log = logging.getLogger(__name__)

HELD_JOBS = 100
HELD_SECONDS = 86_400.0
"""How long an ended job is remembered."""
MAX_WAITING = 20
"""Jobs of one kind that may wait."""
_LONGEST_SECONDS = 3_600
_FIRST_GUESS_SECONDS = 10.0
"""How long a job takes of a kind of which none has ended yet."""
Progress = Callable[[int, int, str], None]


class JobStatus(StrEnum):
    """The state that a job is in."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(StrEnum):
    """Kinds of jobs, each with a worker of its own."""

    REVIEW = "review"
    RANKING = "ranking"
    IMPORT = "import"
    EFFECT = "effect"
    LAYOUT = "layout"
    KEEPING = "keeping"


class Cancelled(Exception):  # noqa: N818 - not an error: the caller asked for it
    """Raised inside work whose job was cancelled."""


@dataclass
class Job:
    """One piece of work: its status, how far it is, and its result when done."""

    job_id: str
    kind: JobKind = JobKind.KEEPING
    status: JobStatus = JobStatus.WAITING
    done: int = 0
    total: int = 0
    step: str = ""
    result: Any = None
    error: Message | None = None
    fault: GeoServiceError | None = field(default=None, repr=False)
    is_cancel_asked: bool = False
    future: Future[Any] | None = field(default=None, repr=False)
    account: str | None = None
    """Whose it is; None for nobody's, which everybody sees."""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    live: Callable[[], Mapping[str, Any]] | None = field(default=None, repr=False)
    """What the work tells of itself beside its step; None for work that tells nothing more."""

    @property
    def progress(self) -> float:
        """The part that is done, 0 to 1."""
        if self.status is JobStatus.DONE:
            return 1.0
        return self.done / self.total if self.total else 0.0

    def on_end(self, action: Callable[[], None]) -> None:
        """Call `action` when the job ends, even if it is cancelled before its work begins."""
        if self.future is not None:
            self.future.add_done_callback(lambda _: action())

    def report(self, done: int, total: int, step: str) -> None:
        """Record progress; raises Cancelled if the job was told to stop."""
        if self.is_cancel_asked:
            raise Cancelled
        self.done, self.total, self.step = done, total, step


@dataclass
class JobFigures:
    """How many jobs of a kind wait and run, and how those ended that did."""

    waiting: int = 0
    running: int = 0
    ended: dict[JobStatus, int] = field(default_factory=dict)
    """By how they ended, since the start."""
    seconds: float = 0.0
    """How long all that ended have run together."""


class JobBoard:
    """Runs jobs, one of a kind after another, and remembers the latest hundred, for a day."""

    def __init__(self) -> None:
        self._pools: dict[JobKind, ThreadPoolExecutor] = {}
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._ended = {kind: JobFigures() for kind in JobKind}

    def figures(self) -> dict[JobKind, JobFigures]:
        """Return by kind how many jobs wait, run and ended, whosever they are."""
        with self._lock:
            statuses = [(job.kind, job.status) for job in self._jobs.values()]
            return {
                kind: JobFigures(
                    waiting=statuses.count((kind, JobStatus.WAITING)),
                    running=statuses.count((kind, JobStatus.RUNNING)),
                    ended=dict(ended.ended),
                    seconds=ended.seconds,
                )
                for kind, ended in self._ended.items()
            }

    def start(
        self,
        work: Callable[[Progress], Any],
        kind: JobKind = JobKind.KEEPING,
        *,
        live: Callable[[], Mapping[str, Any]] | None = None,
    ) -> Job:
        """Queue work, to be called with a progress function, and return its job.

        `live` returns what the work tells of itself while it runs.

        Raises
        ------
        BusyError
            Too many jobs of the kind are already waiting; the error says when to come back. Or the
            board was closed.
        """
        with self._lock:
            if self._is_closed:
                raise BusyError(said("problem.work_closed"))
            waiting = sum(
                job.kind is kind and job.status is JobStatus.WAITING for job in self._jobs.values()
            )
            if waiting >= MAX_WAITING:
                msg = said("problem.jobs", count=waiting)
                raise BusyError(msg, seconds=self._seconds(kind))
            job = Job(secrets.token_hex(8), kind, live=live, account=acting_name())
            self._jobs[job.job_id] = job
            self._forget_old()
            if kind not in self._pools:
                self._pools[kind] = ThreadPoolExecutor(1, thread_name_prefix=f"job-{kind}")
            run = copy_context().run  # the work is done for the account that asks for it
            job.future = self._pools[kind].submit(run, self._run, job, work)
        return job

    def _seconds(self, kind: JobKind) -> int:
        """Return how long a job of a kind took on average: so soon there is a place."""
        took = [
            (job.ended_at - job.begun_at).total_seconds()
            for job in self._jobs.values()
            if job.kind is kind and job.ended_at is not None and job.begun_at is not None
        ]
        mean = sum(took) / len(took) if took else _FIRST_GUESS_SECONDS
        return max(1, min(_LONGEST_SECONDS, math.ceil(mean)))

    def place(self, job: Job) -> int | None:
        """Return how many jobs are done before a job begins; None for one that is not waiting."""
        if job.status is not JobStatus.WAITING:
            return None
        with self._lock:
            before = 0
            for other in self._jobs.values():
                if other is job:
                    break
                is_ahead = other.status in {JobStatus.WAITING, JobStatus.RUNNING}
                before += other.kind is job.kind and is_ahead
        return before

    def _run(self, job: Job, work: Callable[[Progress], Any]) -> None:
        try:
            job.report(0, 0, "")
            job.status, job.begun_at = JobStatus.RUNNING, datetime.now(UTC)
            job.result = work(job.report)
            job.status = JobStatus.DONE
        except Cancelled:
            job.status = JobStatus.CANCELLED
        except GeoServiceError as error:
            job.error, job.fault, job.status = error.message, error, JobStatus.FAILED
        except Exception:  # noqa: BLE001 - a job must not take the worker with it
            _log.exception("A job met a fault of our own")
            job.error, job.status = said("problem.own_fault"), JobStatus.FAILED
        finally:
            self._end(job)

    def _end(self, job: Job) -> None:
        """Note when a job ended, and how."""
        job.ended_at = now = datetime.now(UTC)
        with self._lock:
            figures = self._ended[job.kind]
            figures.ended[job.status] = figures.ended.get(job.status, 0) + 1
            if job.begun_at is not None:
                figures.seconds += max(0.0, (now - job.begun_at).total_seconds())

    def wait(self, job: Job, seconds: float) -> bool:
        """Wait for a job; return whether it ended in time."""
        if job.future is None:
            return False
        try:
            job.future.result(timeout=seconds)
        except NotYet:
            return False
        return True

    def jobs(self) -> list[Job]:
        """Return the remembered jobs, newest first; an account gets its own and nobody's."""
        with self._lock:
            self._forget_old()
            return [job for job in reversed(self._jobs.values()) if _is_shown(job)]

    def find(self, job_id: str) -> Job:
        """Return a job; raises NotFoundError for an unknown id or a job that was forgotten.

        So does the id of another account's job.
        """
        with self._lock:
            self._forget_old()
            job = self._jobs.get(job_id)
            if job is not None and _is_shown(job):
                return job
        msg = said("problem.no_job")
        raise NotFoundError(msg)

    def cancel(self, job_id: str) -> Job:
        """Tell a job to stop at its next report; an ended job does not change."""
        job = self.find(job_id)
        self._cancel(job)
        return job

    def _cancel(self, job: Job) -> None:
        job.is_cancel_asked = True
        if job.future is not None and job.future.cancel():
            job.status = JobStatus.CANCELLED
            self._end(job)

    def give_back(self) -> None:
        """Cancel jobs that wait, but those that keep what was made; those that run go on."""
        with self._lock:
            waiting = [
                job
                for job in self._jobs.values()
                if job.status is JobStatus.WAITING and job.kind is not JobKind.KEEPING
            ]
        for job in waiting:
            self._cancel(job)

    def is_busy(self) -> bool:
        """Return whether a job waits or runs."""
        with self._lock:
            return any(job.ended_at is None for job in self._jobs.values())

    def close(self) -> None:
        """Cancel waiting and running jobs and let the workers end."""
        with self._lock:
            self._is_closed = True
            for job in self._jobs.values():
                if job.ended_at is None:
                    _log.warning("The service ends: a job of kind %s is given back.", job.kind)
                job.is_cancel_asked = True
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def _forget_old(self) -> None:
        ended = {JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED}
        before = datetime.now(UTC) - timedelta(seconds=HELD_SECONDS)
        for key, job in list(self._jobs.items()):
            if job.ended_at is not None and job.ended_at < before:
                del self._jobs[key]
        while len(self._jobs) > HELD_JOBS:
            oldest = next((key for key, job in self._jobs.items() if job.status in ended), None)
            if oldest is None:
                return
            del self._jobs[oldest]


def _is_shown(job: Job) -> bool:
    """Return whether a job may be seen by the account that asks; without accounts all may."""
    name = acting_name()
    return name is None or job.account in {None, name}
