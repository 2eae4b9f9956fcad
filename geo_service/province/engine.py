"""Dask distributed, the only place that knows it: tasks in, answers out as they come.

Without an address of a scheduler, worker processes of this machine are started, which end with
the call. As many tasks are handed out as there are threads, so that the death of a worker is held
against the county that it worked on alone. Leaves out what a task does.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from geo_service.errors import InvalidQueryError, StoreError
from geo_service.wording import said

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator

T = TypeVar("T")
R = TypeVar("R")
_log = logging.getLogger(__name__)
_CONNECT = "15s"
_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://\S+:[0-9]{1,5}")
_LOST = frozenset({"cancelled", "lost"})


@dataclass(frozen=True, kw_only=True)
class Done(Generic[T, R]):
    """A task that ended: with its answer, or with the name of what ended it."""

    task: T
    answer: R | None = None
    ended_by: str | None = None
    """The name of an error of our own."""
    is_worker_lost: bool = False
    """Whether the processes that worked on it died, again and again."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A scheduler and its workers."""

    client: Any
    address: str
    dashboard: str | None
    """Where to watch, None if the scheduler shows nothing."""

    def run(self, work: Callable[..., R], tasks: deque[T], **fixed: Any) -> Iterator[Done[T, R]]:  # noqa: ANN401 - arguments of whatever work
        """Do the work for every task; yield the tasks as they end, in no order.

        The tasks are taken away one by one; whoever gets what is yielded may add others.

        Raises
        ------
        StoreError
            The scheduler is gone; what was yielded, and what workers wrote, stays.
        """
        from distributed import as_completed  # noqa: PLC0415 - only with the extra `scale`

        running: dict[Any, T] = {}
        ended = as_completed(loop=self.client.loop)
        while True:
            room = max(1, sum(self._threads().values())) - len(running)
            for _ in range(min(room, len(tasks))):
                task = tasks.popleft()
                future = self.client.submit(work, task, pure=False, **fixed)
                running[future] = task
                ended.add(future)
            if not running:
                return
            future = next(ended)
            yield self._done(future, running.pop(future))

    def _threads(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self.client.nthreads()
        except Exception as error:
            raise StoreError(said("problem.scheduler_lost", address=self.address)) from error
        return found

    def _done(self, future: Any, task: T) -> Done[T, R]:  # noqa: ANN401 - a future
        from distributed.scheduler import KilledWorker  # noqa: PLC0415 - the same

        if future.status in _LOST:
            raise StoreError(said("problem.scheduler_lost", address=self.address))
        if future.status == "finished":
            return Done(task=task, answer=future.result())
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Done(task=task, is_worker_lost=True)
        _log.error("a task failed", exc_info=error)
        return Done(task=task, ended_by=type(error).__name__)


@contextmanager
def engine(scheduler: str | None, *, workers: int | None = None) -> Iterator[Engine]:
    """Give the scheduler at an address, or one of this machine with so many worker processes.

    Without a number there are as many as processors.

    Raises
    ------
    InvalidQueryError
        Dask is not installed, or nothing answers at the address.
    """
    _quiet()
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415 - only with the extra `scale`
    except ImportError as error:
        name = "scheduler"
        raise InvalidQueryError(name, said("problem.needs_scale")) from error
    _quiet_loggers()
    if scheduler is not None:
        if not _ADDRESS.fullmatch(scheduler):
            raise _unreachable(scheduler)
        try:
            client = Client(scheduler, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise _unreachable(scheduler) from error
        with client:
            yield Engine(client=client, address=scheduler, dashboard=_dashboard(client))
        return
    cluster = LocalCluster(
        n_workers=workers or os.cpu_count() or 1,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    )
    with cluster, Client(cluster, set_as_default=False) as client:
        address = cluster.scheduler_address
        yield Engine(client=client, address=address, dashboard=_dashboard(client))


def _unreachable(scheduler: str) -> InvalidQueryError:
    name = "scheduler"
    return InvalidQueryError(name, said("problem.no_scheduler", address=scheduler))


def _dashboard(client: Any) -> str | None:  # noqa: ANN401 - Dask's client
    """Return the dashboard's address; without bokeh there is none."""
    if importlib.util.find_spec("bokeh") is None:
        return None
    link: str | None = client.dashboard_link
    return link


def _quiet() -> None:
    """Keep Dask's own log to what ends a run; the workers of this machine inherit that."""
    try:
        import dask  # noqa: PLC0415 - only with the extra `scale`
    except ImportError:
        return
    dask.config.set({"logging": {"distributed": "critical"}})


def _quiet_loggers() -> None:
    """Silence the log in this process: what ends a run is said in our own words."""
    for name in logging.root.manager.loggerDict:
        if name.partition(".")[0] in {"distributed", "tornado", "bokeh"}:
            logging.getLogger(name).setLevel(logging.CRITICAL)
