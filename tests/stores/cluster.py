"""A PostgreSQL cluster that only this test session knows, with PostGIS."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = Path("/usr/lib/postgresql/15/bin")
# A cluster of tests need not survive the machine: what it writes is not waited for.
QUICK = ("fsync=off", "full_page_writes=off")
SETTINGS = (*QUICK, "listen_addresses=''", "shared_buffers=64MB", "max_connections=60", "jit=off")


def is_installed() -> bool:
    """Return whether the server and PostGIS are there."""
    return (BINARIES / "postgres").exists() and bool(
        list(Path("/usr/share/postgresql/15/extension").glob("postgis.control"))
    )


@contextmanager
def running_cluster() -> Iterator[Path]:
    """Start a cluster on a socket in a new folder, and give the folder; all is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server does not run as root
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"
    options = " ".join(f"-c {item}" for item in (*SETTINGS, f"unix_socket_directories={folder}"))
    control = [*as_user, str(BINARIES / "pg_ctl"), "-D", str(data), "-s", "-w"]
    initdb = [*as_user, str(BINARIES / "initdb"), "-D", str(data), "-A", "trust", "-N"]
    initdb += ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
    try:
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        start = [*control, "-o", options, "-l", str(folder / "log"), "start"]
        subprocess.run(start, check=True, cwd=folder)
        yield folder
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


def address(folder: Path, schema: str) -> str:
    """Return the address of a store in a schema of the cluster's database."""
    return f"postgresql://postgres@/postgres?host={folder}&schema={schema}"
