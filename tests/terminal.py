"""The command line as a user has it, without starting Python and its libraries for each call."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

from geo_service.cli import main
from tests.conftest import ROOT

COMMAND = (sys.executable, "-m", "geo_service")
"""The command, for tests that need a process of its own."""


@contextmanager
def standing(arguments: list[str], cwd: Path, environment: dict[str, str]) -> Iterator[None]:
    """Let this process look like one that was started so."""
    before, folder, variables = sys.argv, Path.cwd(), dict(os.environ)
    sys.argv = ["geo-service", *arguments]
    os.chdir(cwd)
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv = before
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)


def run_bytes(
    *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command, not at a terminal, and return its exit code and what it wrote."""
    written = io.BytesIO(), io.BytesIO()
    streams = [io.TextIOWrapper(target, encoding="utf-8") for target in written]
    given = list(map(str, arguments))
    code: object = None
    kept = sys.stdin, sys.stdout, sys.stderr
    with standing(given, cwd, environment):
        sys.stdin = io.StringIO()
        sys.stdout, sys.stderr = streams
        try:
            copy_context().run(main)  # so that the language of the call ends with it
        except SystemExit as end:
            code = end.code
        finally:
            sys.stdin, sys.stdout, sys.stderr = kept
    for stream in streams:
        stream.flush()
    found = [target.getvalue() for target in written]
    return subprocess.CompletedProcess(given, code if isinstance(code, int) else 0, *found)


def run(
    *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as `run_bytes` does, and return what it printed."""
    done = run_bytes(*arguments, cwd=cwd, **environment)
    printed, said = (part.decode("utf-8") for part in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, printed, said)
