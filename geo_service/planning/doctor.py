"""Whether a workspace and the machine under it are well: each point with what to do about it.

Nothing is changed, and nothing is fetched. What a service is doing just now is in `condition`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from geo_service.errors import AssetError, GeoServiceError
from geo_service.gdal import DRIVERS
from geo_service.maps.assets import names, path
from geo_service.native import library_name, load
from geo_service.planning.printable import Printable
from geo_service.reports.terminal import print_table
from geo_service.scratch import PREFIX
from geo_service.stores.opening import STORE_FOLDER, is_empty
from geo_service.stores.soundness import check_store
from geo_service.wording import said, tell_error
from geo_service.workspace.opening import Workspace

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.model import Message
    from geo_service.stores.base import Store, WorkspaceAt

LEAST_FREE_BYTES = 2_000_000_000
"""Free space below which a disk is told: an import may need so much."""
LOCK_SECONDS = 10.0
"""How long another writer may hold the store before that is told."""
_AHEAD = timedelta(minutes=5)
"""How far a recorded time may lie in the future: clocks of several machines differ."""
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right says an earlier time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One thing that was looked at."""

    name: str
    is_well: bool
    found: Message
    cure: Message | None = None
    """What to do; None for a point that is well."""
    error: GeoServiceError | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All points."""

    points: tuple[Point, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done."""
        return all(point.is_well for point in self.points)

    def printable(self, translator: Translator) -> Printable:
        """Return the points for a terminal."""

        def found(point: Point) -> str:
            if point.error is not None:
                return tell_error(point.error, translator)
            return translator.render(point.found)

        def document() -> dict[str, Any]:
            return {
                "is_well": self.is_well,
                "points": [
                    {
                        "point": point.name,
                        "is_well": point.is_well,
                        "found": found(point),
                        "cure": None if point.cure is None else translator.render(point.cure),
                    }
                    for point in self.points
                ],
            }

        def table(_: Translator, width: int | None) -> str:
            made = Table(title=translator.text("doctor.title"), title_justify="left")
            for name in ("point", "state", "found", "cure"):
                made.add_column(translator.text(f"doctor.column_{name}"), overflow="fold")
            for point in self.points:
                made.add_row(
                    translator.text(f"doctor.point_{point.name}"),
                    translator.text("doctor.well" if point.is_well else "doctor.not_well"),
                    found(point),
                    "" if point.cure is None else translator.render(point.cure),
                )
            return print_table(made, [], width)

        return Printable(document, table)


def diagnose(at: WorkspaceAt) -> Diagnosis:
    """Look at a workspace, its store and this machine."""
    return Diagnosis((*_of_workspace(at), *_of_machine(at)))


def _of_workspace(at: WorkspaceAt) -> Iterator[Point]:
    try:
        opened = Workspace(at)
    except GeoServiceError as error:
        yield _bad("workspace", error, "doctor.cure_workspace")
        return
    try:
        try:
            store = opened.store
            yield from _of_store(store, opened.at)
        except GeoServiceError as error:
            yield _bad("store", error, "doctor.cure_store")
            return
        yield _tried("workspace", "doctor.cure_workspace", lambda: _plan_of(opened))
    finally:
        opened.close()


def _plan_of(opened: Workspace) -> Message:
    plan = opened.plan()
    rows = sum(len(plan.frame(name)) for name in plan.layers)
    return said("doctor.workspace", layers=len(plan.layers), rows=rows, version=plan.version)


def _of_store(store: Store, at: WorkspaceAt) -> Iterator[Point]:
    if is_empty(at.folder, at.store) and store.stamp() == 0:
        yield _good("store", said("doctor.store_new"))
        return

    def read() -> Message:
        holdings = check_store(store, only_newest=True)
        return said(
            "doctor.store",
            versions=len(store.entries()),
            results=holdings.results,
            lines=holdings.audit_lines,
        )

    yield _tried("store", "doctor.cure_store", read)
    yield _clock(store)
    yield _lock(store)  # last: what waits for a lock in vain keeps the store busy


def _lock(store: Store) -> Point:
    """Wait for the store's lock for a while, in a thread that may be left behind."""
    is_free = threading.Event()

    def take() -> None:
        with suppress(GeoServiceError), store.closed_to_others():
            is_free.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(LOCK_SECONDS)
    if is_free.is_set():
        return _good("lock", said("doctor.lock_free"))
    return _wrong("lock", said("doctor.lock_held", seconds=LOCK_SECONDS), "doctor.cure_lock")


def _clock(store: Store) -> Point:
    """Compare the clock with the newest times that were recorded, in the audit, too."""
    now = datetime.now(UTC)
    times = [entry.made_at for entry in store.newest().values()]
    times += [one.made_at for one in store.outlines()]
    last = store.audit.last(1)
    times += [datetime.fromisoformat(json.loads(content)["at"]) for _, content in last]
    newest = max(times, default=_BEGINNING)
    if now < max(newest - _AHEAD, _BEGINNING):
        found = said("doctor.clock_back", now=_text(now), newest=_text(newest))
        return _wrong("clock", found, "doctor.cure_clock")
    return _good("clock", said("doctor.clock", now=_text(now)))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _of_machine(at: WorkspaceAt) -> Iterator[Point]:
    yield from _disks(at.folder)
    yield _writing(at.folder)
    yield _tried("fonts", "doctor.cure_package", _fonts)
    yield _kernel()
    yield _drivers()


def _disks(folder: Path) -> Iterator[Point]:
    for name, place in (("disk", folder), ("scratch", Path(tempfile.gettempdir()))):
        try:
            free = shutil.disk_usage(place).free
        except OSError:
            found = said("doctor.no_folder", path=place)
            yield _wrong(name, found, "doctor.cure_rights", path=place)
            continue
        found = said("doctor.free", path=place, bytes=f"{free:,}")
        if free >= LEAST_FREE_BYTES:
            yield _good(name, found)
        else:
            least = f"{LEAST_FREE_BYTES:,}"
            yield _wrong(name, found, f"doctor.cure_{name}", least=least)


def _writing(folder: Path) -> Point:
    """Try whether files can be made where the store, caches and drafts are."""
    store = folder / STORE_FOLDER
    for place in (store if store.is_dir() else folder, Path(tempfile.gettempdir())):
        try:
            with tempfile.TemporaryFile(prefix=PREFIX, dir=place):
                pass
        except OSError as error:
            found = said("doctor.not_writable", path=place, reason=error.strerror or "")
            return _wrong("rights", found, "doctor.cure_rights", path=place)
    return _good(
        "rights", said("doctor.writable", user=os.getuid() if hasattr(os, "getuid") else 0)
    )


def _fonts() -> Message:
    wanted = [name for name in names() if name.endswith((".woff2", ".css", ".js"))]
    files = [path(name) for name in wanted]
    if not any(file.suffix == ".woff2" for file in files):
        raise AssetError(said("doctor.no_fonts"))
    return said("doctor.fonts", count=len(files))


def _kernel() -> Point:
    name = library_name()
    if load() is None:
        return _wrong("kernel", said("doctor.no_kernel", name=name), "doctor.cure_package")
    return _good("kernel", said("doctor.kernel", name=name))


def _drivers() -> Point:
    import pyogrio  # noqa: PLC0415 - heavy

    there = set(pyogrio.list_drivers())
    lacking = sorted(kind for kind, drivers in DRIVERS.items() if not drivers & there)
    version = ".".join(map(str, pyogrio.__gdal_version__))
    if lacking:
        found = said("doctor.no_drivers", formats=lacking, version=version)
        return _wrong("drivers", found, "doctor.cure_package")
    return _good("drivers", said("doctor.drivers", count=len(DRIVERS), version=version))


def _tried(name: str, cure: str, look: Callable[[], Message]) -> Point:
    try:
        return _good(name, look())
    except GeoServiceError as error:
        return _bad(name, error, cure)


def _good(name: str, found: Message) -> Point:
    return Point(name=name, is_well=True, found=found)


def _wrong(name: str, found: Message, cure: str, **values: object) -> Point:
    return Point(name=name, is_well=False, found=found, cure=said(cure, **values))


def _bad(name: str, error: GeoServiceError, cure: str) -> Point:
    return Point(name=name, is_well=False, found=error.message, cure=said(cure), error=error)
