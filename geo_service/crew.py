"""Long work in processes of its own: one opens what it needs, and forks a child for each piece.

What was opened is in memory once, however many pieces are worked on, and a piece's own memory is
given back when its child ends. A piece that is cancelled is killed; one that is killed from
outside fails alone. This is for systems that fork (`CAN_FORK`). Files from outside are read
elsewhere (`isolation`), with limits.

Both sides are this program, so that values go between them as pickles.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import logging
import os
import pickle
import queue
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

from geo_service.errors import BusyError, GeoServiceError
from geo_service.gdal import restrict_drivers
from geo_service.isolation import read_frame, write_frame
from geo_service.logs import current_rules, logging_by, request_id, rules_of, working_on
from geo_service.memory import collected_seldom
from geo_service.wording import said

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_log = logging.getLogger(__name__)
_START = "from geo_service.crew import serve; serve()"
_POLL_SECONDS = 0.2
_ORDERLY_SECONDS = 5.0
CAN_FORK = sys.platform == "linux"
"""Whether a child can be forked: elsewhere the systems' own libraries do not survive it."""
Watch = Callable[[], None]
Progress = Callable[[int, int, str], None]


class Chat:
    """The other side, as seen by a piece of work: it is told of progress, and may be asked."""

    def __init__(self, tell: Callable[[str, object], None], hear: Callable[[], Any]) -> None:
        self._tell = tell
        self.hear = hear
        """Waits for the next question; EOFError when no more will come."""

    def progress(self, done: int, total: int, step: str) -> None:
        """Say how far the work is."""
        self._tell("progress", (done, total, step))

    def answer(self, value: object) -> None:
        """Say something before the end of the work."""
        self._tell("answer", value)


@dataclass
class _Piece:
    """A piece of work under way, as its caller sees it."""

    number: int
    process: subprocess.Popen[bytes]
    is_over: bool = False
    news: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)


class Crew:
    """A process that holds something open, and works on it. Safe to use from several threads.

    The process starts with `start`, or with the first work; if it was killed, with the next.
    """

    def __init__(self, opener: str, arguments: Mapping[str, Any]) -> None:
        """Take what opens the thing: `module:function`, and the function's arguments."""
        self._opening = (opener, dict(arguments))
        self._users = 0
        self._is_retired = False
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._pieces: dict[int, _Piece] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        """The id of the process; None if it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process, which opens what it was given."""
        with self._lock:
            self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._is_closed:
            raise BusyError(said("problem.work_closed"))
        process = self._process
        if process is not None and process.poll() is None:
            return process
        environment = dict(os.environ)
        restrict_drivers(environment)
        ours = str(Path(__file__).parents[1])
        paths = [ours, environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        process = self._process = subprocess.Popen(  # noqa: S603 - this program's own interpreter
            [sys.executable, "-P", "-c", _START, current_rules().as_argument()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the service, which ends its workers
        )
        self._send(process, ("open", self._opening))
        self._listener = threading.Thread(
            target=self._listen, args=(process,), name="crew", daemon=True
        )
        self._listener.start()
        return process

    def _send(self, process: subprocess.Popen[bytes], message: object) -> None:
        stdin = process.stdin
        content = pickle.dumps(message)
        with self._sending, suppress(OSError, ValueError):
            if stdin is not None:
                write_frame(stdin, content)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Hand out what the process tells; at its end, tell all pieces that they are lost."""
        stdout = process.stdout
        with suppress(OSError, ValueError):
            while stdout is not None and (content := read_frame(stdout)) is not None:
                number, kind, value = pickle.loads(content)  # noqa: S301 - from this program
                if kind == "unopened":  # the next work has it opened again
                    self._process, kind = None, "failed"
                if (piece := self._pieces.get(number)) is not None:
                    piece.news.put((kind, value))
        process.wait()
        for piece in list(self._pieces.values()):
            if piece.process is process:
                piece.news.put(("lost", None))
        with self._sending, suppress(OSError, ValueError):
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    # ---- a piece of work ---------------------------------------------------------------------

    def run(
        self,
        work: str,
        arguments: Mapping[str, Any],
        *,
        progress: Progress | None = None,
        watch: Watch | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the work returns
        """Have `module:function` called with what is open, a chat and arguments; return its result.

        `progress` is called as the work goes on, `watch` also meanwhile; either may raise, which
        stops the work at once.

        Raises
        ------
        GeoServiceError
            As the work raises it.
        BusyError
            The process ended before the work did.
        """
        with Talk(self, work, arguments) as talk:
            return talk.result(progress=progress, watch=watch)

    def _begin(self, work: str, arguments: Mapping[str, Any]) -> _Piece:
        with self._lock:
            piece = _Piece(next(self._numbers), self._started())
            self._pieces[piece.number] = piece
        self._tell(piece, "work", (work, dict(arguments), request_id()))
        return piece

    def _tell(self, piece: _Piece, kind: str, value: object) -> None:
        if piece.process.poll() is not None:
            piece.news.put(("lost", None))
        else:
            self._send(piece.process, (kind, (piece.number, value)))

    def _end(self, piece: _Piece) -> None:
        if self._pieces.pop(piece.number, None) is None:
            return
        if not piece.is_over:
            self._tell(piece, "stop", None)

    @contextmanager
    def in_use(self) -> Iterator[Self]:
        """Keep the process from ending with `retire` while work is asked of it."""
        with self._lock:
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                is_over = self._is_retired and not self._users
            if is_over:
                self.close()

    def retire(self) -> None:
        """End the process when nobody has it in use any more."""
        with self._lock:
            self._is_retired = True
            is_over = not self._users
        if is_over:
            self.close()

    def close(self) -> None:
        """End the process and its children, whatever they are doing."""
        with self._lock:
            self._is_closed = True
            process = self._process
        if process is None:
            return
        with self._sending, suppress(OSError, ValueError):
            if process.stdin is not None:
                process.stdin.close()  # it ends its children, and itself
        try:
            process.wait(_ORDERLY_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # its children too
            process.wait()
        self._listener.join()


class Talk:
    """A piece of work that can be asked questions while it goes on; release it with `close`."""

    def __init__(self, crew: Crew, work: str, arguments: Mapping[str, Any]) -> None:
        self._crew = crew
        self._piece = crew._begin(work, arguments)  # noqa: SLF001 - of one module

    def __enter__(self) -> Self:
        """Return this; `__exit__` closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the work if it still goes on."""
        self.close()

    def ask(self, question: object) -> None:
        """Send a question."""
        self._crew._tell(self._piece, "ask", question)  # noqa: SLF001 - of one module

    def hear(self, watch: Watch | None = None) -> tuple[str, Any]:
        """Wait for the next news: their kind (`progress`, `answer`, `done`) and value.

        Raises as `Crew.run` does.
        """
        while True:
            if watch is not None:
                watch()
            try:
                kind, value = self._piece.news.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            self._piece.is_over = kind in {"done", "failed", "lost"}
            if kind == "lost":
                raise BusyError(said("problem.work_lost"))
            if kind == "failed":
                raise value
            return kind, value

    def result(self, *, progress: Progress | None = None, watch: Watch | None = None) -> Any:  # noqa: ANN401 - as `run`
        """Wait for the end of the work and return its result; raises as `Crew.run` does."""
        while True:
            kind, value = self.hear(watch)
            if kind == "done":
                return value
            if kind == "progress" and progress is not None:
                progress(*value)

    def close(self) -> None:
        """Stop the work, unless it has ended."""
        self._crew._end(self._piece)  # noqa: SLF001 - of one module


# ---- in the process ------------------------------------------------------------------------------


@dataclass
class _CrewChild:
    """A forked child with a piece of work."""

    number: int
    pid: int
    pipe: Connection


class _Host:
    """The process that holds something open: it takes orders, and relays what children tell."""

    def __init__(self, orders: IO[bytes], news: IO[bytes]) -> None:
        self._orders, self._news = orders, news
        self._children: dict[int, _CrewChild] = {}
        self._selector = selectors.DefaultSelector()
        self._opened: Any = None
        self._fault: BaseException | None = None
        self._is_done = False

    def serve(self) -> None:
        """Do what is ordered until no more orders come; then end the children."""
        first = self._next_order()
        if first is None:
            return
        self._open(*first[1])
        self._selector.register(self._orders, selectors.EVENT_READ)
        try:
            while not self._is_done:
                for key, _ in self._selector.select():
                    if key.data is not None:
                        if key.data.number in self._children:  # not ended by an order just now
                            self._relay(key.data)
                    elif (order := self._next_order()) is None:
                        return
                    else:
                        self._obey(*order)
        finally:
            for child in list(self._children.values()):
                self._kill(child)

    def _next_order(self) -> tuple[str, Any] | None:
        content = read_frame(self._orders)
        return None if content is None else pickle.loads(content)  # noqa: S301 - from this program

    def _obey(self, kind: str, value: Any) -> None:  # noqa: ANN401 - by kind
        number, what = value
        if kind == "work":
            self._work(number, *what)
            return
        child = self._children.get(number)
        if child is not None and kind == "stop":
            self._kill(child)
        elif child is not None:
            with suppress(OSError):
                child.pipe.send(what)

    def _open(self, opener: str, arguments: dict[str, Any]) -> None:
        try:
            with collected_seldom():  # what is loaded stays
                self._opened = _found(opener)(**arguments)
        except Exception as error:  # noqa: BLE001 - each piece of work is told
            self._fault = error
        gc.collect()
        gc.freeze()  # children share these pages as long as nobody writes into them

    def _tell(self, number: int, kind: str, value: object) -> None:
        write_frame(self._news, pickle.dumps((number, kind, value)))

    def _work(self, number: int, work: str, arguments: dict[str, Any], request: str | None) -> None:
        if self._fault is not None:
            self._tell(number, "unopened", passable(self._fault))
            self._is_done = True
            return
        ours, theirs = Pipe()
        pid = os.fork()
        if pid == 0:
            with working_on(request):
                self._be_child(theirs, work, arguments)
        theirs.close()
        child = _CrewChild(number, pid, ours)
        self._children[number] = child
        self._selector.register(ours, selectors.EVENT_READ, child)

    def _be_child(self, pipe: Connection, work: str, arguments: dict[str, Any]) -> NoReturn:
        """Do a piece of work in the child, and end without a trace of the parent's matters."""
        code = 1
        try:
            die_with_parent()
            for other in self._children.values():
                other.pipe.close()
            self._orders.close()
            chat = Chat(lambda kind, value: pipe.send((kind, value)), pipe.recv)
            pipe.send(_outcome(self._opened, chat, work, arguments))
            pipe.close()
            code = 0
        except (OSError, EOFError):
            pass  # nobody listens any more
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _relay(self, child: _CrewChild) -> None:
        try:
            kind, value = child.pipe.recv()
        except (OSError, EOFError):
            self._forget(child)
            self._tell(child.number, "lost", None)
            return
        self._tell(child.number, kind, value)
        if kind in {"done", "failed"}:
            self._forget(child)

    def _kill(self, child: _CrewChild) -> None:
        with suppress(OSError):
            os.kill(child.pid, signal.SIGKILL)
        self._forget(child)

    def _forget(self, child: _CrewChild) -> None:
        self._selector.unregister(child.pipe)
        child.pipe.close()
        del self._children[child.number]
        with suppress(OSError):
            os.waitpid(child.pid, 0)


def _outcome(
    opened: object, chat: Chat, work: str, arguments: dict[str, Any]
) -> tuple[str, object]:
    try:
        return "done", _found(work)(opened, chat, **arguments)
    except EOFError:
        raise
    except Exception as error:  # noqa: BLE001 - told to the other side
        return "failed", passable(error)


def passable(error: BaseException) -> BaseException:
    """Return an error that can be sent: a fault of our own as its trace in a log."""
    if isinstance(error, GeoServiceError):
        with suppress(Exception):
            pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
            return error
    _log.error("Work in a process of its own met a fault of our own", exc_info=error)
    return RuntimeError(type(error).__name__)


def _found(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the system end this process when the one that forked it ends."""
    import ctypes  # noqa: PLC0415 - only in a child

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve() -> None:
    """Take orders until no more come; this is what `Crew` starts."""
    news = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be read as news
    with logging_by(rules_of(sys.argv[1])):
        _Host(os.fdopen(os.dup(0), "rb", buffering=0), news).serve()
