"""Processes of their own for tests, forked from one that has loaded the product.

To start Python and load the product takes longer than what most tests do with such a process. A
fork has its own memory, signals, files and environment, as has a process that was started; tests of
how the product is started start Python (`tests/terminal.py`). The fork server is the product's own.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from geo_service.forkserver import Forked, fork
from geo_service.gdal import restrict_drivers
from tests.conftest import ROOT

LOADED = ("geo_service.cli", "geo_service.web.app", "geo_service.planning.apart")


class WarmProcess:
    """A forked process, with the part of `subprocess.Popen` that tests and the product need."""

    def __init__(self, forked: Forked) -> None:
        """Take what was forked."""
        self.stdin, self.stdout = forked.stdin, forked.stdout
        self.pid, self.poll, self.wait, self.kill = (
            *(forked.pid, forked.poll, forked.wait),
            forked.kill,
        )

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


Process = subprocess.Popen[bytes] | WarmProcess


def start(arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> WarmProcess:
    """Start `python` with arguments in the project's folder; what it says is added to a file."""
    started = _forked(arguments, environment, log, is_talking=False)
    started.stdin.close()
    started.stdout.close()
    return started


def popen(command: Sequence[str], *, env: Mapping[str, str], **_: Any) -> WarmProcess:  # noqa: ANN401 - those of `Popen`
    """Stand for `subprocess.Popen` where the product starts a process that works for it."""
    arguments = [one for one in command[1:] if one != "-P"]
    return _forked(arguments, env, Path(f"/proc/{os.getpid()}/fd/2"), is_talking=True)


SUBPROCESS = SimpleNamespace(
    PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired, Popen=popen
)
"""Stands for `subprocess` in `geo_service.crew`."""


def _forked(
    arguments: Sequence[str], environment: Mapping[str, str], errors: Path, *, is_talking: bool
) -> WarmProcess:
    own = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    restrict_drivers(own)
    forked = fork("tests.warm:begin", LOADED, own)
    told = [list(arguments), dict(environment), str(errors), is_talking]
    forked.stdin.write(json.dumps(told).encode() + b"\n")
    forked.stdin.flush()
    return WarmProcess(forked)


# ---- in the fork ---------------------------------------------------------------------------------


def _told() -> list[Any]:
    """Read the one line that is for us; what follows is for the program."""
    line = bytearray()
    while not line.endswith(b"\n"):
        more = os.read(0, 1)
        if not more:  # who asked for it has ended
            os._exit(1)
        line += more
    found: list[Any] = json.loads(line)
    return found


def begin() -> NoReturn:
    """Become the process that was asked for, run its program, and end as Python does."""
    arguments, environment, errors, is_talking = _told()
    handle = os.open(errors, os.O_WRONLY | os.O_APPEND)
    os.dup2(handle, 2)
    if is_talking:
        os.setsid()
    else:
        os.dup2(handle, 1)
    os.close(handle)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    tempfile.tempdir = None
    kind, program, *rest = arguments
    sys.argv = [kind, *rest]
    code: object = 0
    try:
        if kind == "-m":
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            exec(program, {"__name__": "__main__"})  # noqa: S102 - the product's own
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - said as Python says it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as Python ends
    atexit._run_exitfuncs()  # noqa: SLF001 - the same
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
