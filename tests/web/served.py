"""The command `geo-service serve` as a process of its own, for tests of whole processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.patience import PATIENCE_S, eventually
from tests.terminal import COMMAND
from tests.warm import Process, start


@dataclass
class ServedProcess:
    """A running service: its process, where it listens, and what it has written so far."""

    process: Process
    port: int
    file: Path

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return self.file.read_text(encoding="utf-8")

    def connect(self, sent: bytes = b"") -> socket.socket:
        """Return a connection on which something was sent."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        made.sendall(sent)
        return made

    def ends(self) -> int:
        """Wait for the end of the process; return its exit code."""
        return self.process.wait(timeout=PATIENCE_S)


@contextmanager
def served(
    workspace: Path, folder: Path, *, is_started: bool = False, **settings: str
) -> Iterator[ServedProcess]:
    """Serve a workspace on a free port with settings of the environment, and end it.

    The process is forked from one that has loaded the product; with `is_started` Python starts.
    """
    file = folder / "served.log"
    command = [*COMMAND, "serve", str(workspace), "--port", "0"]
    environment = {**os.environ, **settings}
    process: Process
    with file.open("wb") as stderr:
        if is_started:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr)
        else:
            process = start(command[1:], environment=environment, log=file)
    try:

        def found() -> re.Match[str] | None:
            assert process.poll() is None, file.read_text("utf-8")
            return re.search(r"https?://127\.0\.0\.1:(\d+)/", file.read_text("utf-8"))

        eventually(found, "it serves")
        said = found()
        assert said is not None
        yield ServedProcess(process, int(said[1]), file)
    finally:
        process.kill()
        process.wait()
