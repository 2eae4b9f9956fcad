"""Many readers at once while somebody publishes, reviews and ranks; and ten thousand sign-ins.

`python -m benchmarks.load [--readers 200] [--seconds 60]` serves a copy of the demo county as a
process of its own with limits raised by settings, and reads pages, parks, findings, tiles and maps
over real connections, each reader with a pause of about a second. It fails for a 5xx other than
a 503 with Retry-After, and for a tag that two contents have. `--store postgresql://…` does it with
two processes, of which one is killed in the middle; `--sign-ins N` measures accounts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_service.access import Role
    from geo_service.stores.base import Store

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "layers" / "yunyang"
COMMAND = (sys.executable, "-c", "from geo_service.cli import main; main()")
LIMITS = {
    "GEO_CLIENT_REQUESTS": "400",
    "GEO_CLIENT_COSTLY": "200",
    "GEO_CLIENT_COSTLY_RATE": "1000",
    "GEO_CLIENT_CONNECTIONS": "500",
}
_PAUSE_SECONDS = (0.5, 1.5)


@dataclass
class Told:
    """What came of all requests."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)
    """The digest of the content that each tag of an address had."""


class Reader:
    """One connection to the service, opened again if it was closed."""

    def __init__(self, port: int, told: Told) -> None:
        self._port, self._told = port, told
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, kind: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and content."""
        began = time.monotonic()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        sent = head.encode() + b"Content-Type: application/json\r\n\r\n" + body
        for _ in range(2):  # a connection that was idle may be gone
            try:
                status, headers, content = await self._once(sent)
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                self._streams = None
        else:
            self._told.bad.append(f"{method} {path}: no answer")
            return 0, {}, b""
        if kind:
            self._note(kind, path, status, headers, content)
            self._told.seconds[kind].append(time.monotonic() - began)
        return status, headers, content

    def _note(
        self, kind: str, path: str, status: int, headers: dict[str, str], content: bytes
    ) -> None:
        told = self._told
        told.statuses[status] += 1
        is_told = status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers
        if status >= HTTPStatus.BAD_REQUEST and not is_told:
            told.bad.append(f"{kind} {path}: {status}")
        tag = headers.get("etag")
        if status == HTTPStatus.OK and tag:
            digest = sha256(content).hexdigest()
            if told.contents.setdefault((path, tag), digest) != digest:
                told.bad.append(f"{path}: two contents of one tag")

    async def _once(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int((await reader.readline()).strip() or b"0", 16):
                parts.append(await reader.readexactly(size))
                await reader.readline()
            await reader.readline()
            content = b"".join(parts)
        else:
            content = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            writer.close()
            self._streams = None
        return int(head[0].split()[1]), headers, content


async def read(port: int, told: Told, review_id: str, ends: float, seed: int) -> None:
    """Read one thing after another until the time is up."""
    chance, reader = random.Random(seed), Reader(port, told)  # noqa: S311 - which page comes next
    places = {
        "page": ["/", "/reviews", "/sites", "/data", "/parks/YY-B-32"],
        "parks": ["/api/parks", "/api/parks?verdict=fail", "/api/parks/YY-B-32/profile"],
        "findings": [
            f"/api/reviews/{review_id}/findings?limit=50&offset={offset}" for offset in (0, 50, 100)
        ],
        "tile": [f"/tiles/parcels/12/{x}/{y}.mvt" for x in (3275, 3276) for y in (1677, 1678)],
        "map": ["/maps/overview", "/maps/review", "/maps/park?park_id=YY-B-32"],
        "features": ["/api/layers/parks/features", "/api/overview"],
    }
    while time.monotonic() < ends:
        kind = chance.choice(list(places))
        await reader.ask("GET", chance.choice(places[kind]), kind=kind)
        await asyncio.sleep(chance.uniform(*_PAUSE_SECONDS))


async def meanwhile(port: int, told: Told, seconds: float) -> dict[str, float]:
    """Publish, review and rank in the middle; return how long each took."""
    writer = Reader(port, told)
    took: dict[str, float] = {}
    await asyncio.sleep(seconds * 0.25)
    began = time.monotonic()
    parcels = json.loads((DEMO / "parcels.geojson").read_text(encoding="utf-8"))
    states = [one["properties"].get("status") for one in parcels["features"]]
    vacant = states.index("vacant") if "vacant" in states else 0
    parcels["features"][vacant]["properties"]["status"] = "built"
    content = json.dumps(parcels, ensure_ascii=False).encode()
    path = "/api/imports?layer=parcels&filename=parcels.geojson&as=whole"
    draft = await finished(writer, await writer.ask("POST", path, content, kind="import"))
    path = f"/api/imports/{draft['import_id']}/publish?as=whole&note=load"
    await finished(writer, await writer.ask("POST", path, kind="publish"))
    took["publish"] = time.monotonic() - began
    began = time.monotonic()
    await finished(writer, await writer.ask("POST", "/api/reviews", b"{}", kind="review"))
    took["review"] = time.monotonic() - began
    began = time.monotonic()
    _, _, listed = await writer.ask("GET", "/api/projects")
    project = json.dumps(json.loads(listed)["projects"][0]["project"]).encode()
    await finished(writer, await writer.ask("POST", "/api/rankings", project, kind="ranking"))
    took["ranking"] = time.monotonic() - began
    return took


async def finished(reader: Reader, answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    """Return what an answer, or the job that it names, made."""
    document: dict[str, Any] = json.loads(answer[2] or b"{}")
    while answer[0] == HTTPStatus.ACCEPTED and document.get("status") in {"waiting", "running"}:
        await asyncio.sleep(0.5)
        _, _, content = await reader.ask("GET", f"/api/jobs/{document['job_id']}")
        document = json.loads(content)
    if answer[0] == HTTPStatus.ACCEPTED and document.get("result"):
        _, _, content = await reader.ask("GET", document["result"])
        document = json.loads(content)
    return document


async def load(port: int, readers: int, seconds: float) -> tuple[Told, dict[str, float]]:
    """Let readers read for a while, and work go on in the middle."""
    told = Told()
    _, _, ready = await Reader(port, told).ask("GET", "/readyz")
    review_id, ends = json.loads(ready)["review_id"], time.monotonic() + seconds
    reading = [read(port, told, review_id, ends, number) for number in range(readers)]
    work = asyncio.create_task(meanwhile(port, told, seconds))
    await asyncio.gather(*reading)
    return told, await work


@contextmanager
def serving(workspace: Path, log: Path, store: str | None) -> Iterator[tuple[Served, int]]:
    """Serve a workspace with limits raised; give the process and its port, and end it."""
    more = {} if store is None else {"GEO_STORE": store}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "serve", str(workspace), "--port", "0"],
            stderr=stderr,
            env={**os.environ, **LIMITS, **more},
            cwd=ROOT,
        )
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text("utf-8"))):
            if process.poll() is not None:
                sys.exit(log.read_text("utf-8"))
            time.sleep(0.2)
        yield process, int(found[1])
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


Served = subprocess.Popen[bytes]


async def load_two(ports: tuple[int, int], other: Served, readers: int, seconds: float) -> Told:
    """Let readers read from two processes; one is killed while it publishes, in the middle.

    What its readers are not answered after that is not counted.
    """
    told, of_killed = Told(), Told()
    _, _, ready = await Reader(ports[0], told).ask("GET", "/readyz")
    review_id, began = json.loads(ready)["review_id"], time.monotonic()
    reading = [
        read(ports[0], told, review_id, began + seconds, number) for number in range(readers // 2)
    ]
    reading += [
        read(ports[1], of_killed, review_id, began + seconds / 2, number)
        for number in range(readers // 2)
    ]
    everything = asyncio.gather(*reading)
    work = asyncio.create_task(meanwhile(ports[1], of_killed, seconds / 2))
    await asyncio.sleep(seconds / 2)
    other.kill()
    work.cancel()
    await everything
    told.bad += [one for one in of_killed.bad if not one.endswith("no answer")]
    for kind, times in of_killed.seconds.items():
        told.seconds[kind] += times
    told.statuses += of_killed.statuses
    for key, content in of_killed.contents.items():
        if told.contents.setdefault(key, content) != content:
            told.bad.append(f"{key[0]}: two contents of one tag in two processes")
    return told


def serve_two_and_load(readers: int, seconds: float, store: str) -> bool:
    """Serve one county twice on one store, kill one in the middle, and start it again."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder, "yunyang")
        shutil.copytree(DEMO, workspace, ignore=shutil.ignore_patterns("store"))
        with serving(workspace, Path(folder, "stays"), store) as (_, stays):
            with serving(workspace, Path(folder, "goes"), store) as (other, goes):
                told = asyncio.run(load_two((stays, goes), other, readers, seconds))
            with serving(workspace, Path(folder, "again"), store) as (_, again):
                answers = [
                    asyncio.run(Reader(port, told).ask("GET", "/api/layers/parcels/history"))
                    for port in (stays, again)
                ]
        versions = [json.loads(content)["versions"] for _, _, content in answers]
        if versions[0] != versions[1]:
            told.bad.append("the two processes know other versions")
    return tell(told, {})


def serve_and_load(readers: int, seconds: float) -> bool:
    """Serve a copy of the demo county, load it, print what came; return whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        workspace, log = Path(folder, "yunyang"), Path(folder, "log")
        shutil.copytree(DEMO, workspace, ignore=shutil.ignore_patterns("store"))
        with serving(workspace, log, None) as (process, port):
            told, took = asyncio.run(load(port, readers, seconds))
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=90)
        print(f"exit {code}; log: {log.read_text('utf-8')[-2_000:]}")
    return tell(told, took) and code == 0


def tell(told: Told, took: dict[str, float]) -> bool:
    """Print what came of all requests; return whether nothing is bad."""
    for kind, times in sorted(told.seconds.items()):
        times.sort()
        p50, p99 = (times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.99))
        print(f"{kind:10} {len(times):6}  p50 {p50:6.2f} s  p99 {p99:6.2f} s  max {times[-1]:6.2f}")
    every = sorted(one for times in told.seconds.values() for one in times)
    print(f"all        {len(every):6}  p99 {every[int(len(every) * 0.99)]:6.2f} s")
    print(
        "statuses", dict(sorted(told.statuses.items())), {k: round(v, 1) for k, v in took.items()}
    )
    print("bad", len(told.bad), told.bad[:10])
    return not told.bad


def sign_in_often(count: int, real: int) -> None:
    """Sign in so often, a few times with real hashes and else with cheap ones; print the rates.

    Each round ends after `_ROUND_SECONDS`, and says how far it came.
    """
    from geo_service.access import Role  # noqa: PLC0415 - only here
    from geo_service.planning import accounts  # noqa: PLC0415 - as above
    from geo_service.stores.local import LocalStore  # noqa: PLC0415 - as above

    cheap = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
    for hashing, times in ((accounts.HASHING, real), (cheap, count)):
        with tempfile.TemporaryDirectory() as folder:
            store = LocalStore(Path(folder), "999999")
            accounts.HASHING = hashing
            print(f"memory_cost {hashing['memory_cost']} KiB:")
            _rounds(store, times, [Role.PLANNER], is_cheap=hashing is cheap)
            size = sum(one.stat().st_size for one in Path(folder).rglob("catalogue.sqlite*"))
            print(f"  {size:,} bytes in the store")
            store.close()


def _rounds(store: Store, times: int, roles: list[Role], *, is_cheap: bool) -> None:
    from geo_service.planning.accounts import AccountDesk  # noqa: PLC0415 - as above

    password = "a long password"  # noqa: S105 - of a store that goes
    desk = AccountDesk(lambda: store.accounts)
    desk.add("li", roles, password)
    cookies: list[str] = []
    _round("right", times, lambda _: cookies.append(desk.sign_in("li", password).cookie or ""))
    _round("looked up", len(cookies), lambda one: desk.who_by_cookie(cookies[one]))
    few = min(times, 20)
    _round("wrong, known", few // 5, lambda _: desk.sign_in("li", "a wrong password"))
    _round("wrong, unknown", few, lambda one: desk.sign_in(f"nobody {one}", password))
    if is_cheap:
        _round("many names", times, lambda one: desk.sign_in(f"name {one}", password))


_ROUND_SECONDS = 120.0


def _round(name: str, times: int, work: Callable[[int], object]) -> None:
    """Do something so often, or until the time is up, and print how long each time took."""
    began, spent, done = time.monotonic(), time.process_time(), 0
    while done < times and time.monotonic() - began < _ROUND_SECONDS:
        work(done)
        done += 1
    took, spent = time.monotonic() - began, time.process_time() - spent
    each = f"{spent / max(1, done) * 1000:.1f} ms of CPU each"
    print(f"  {name:15} {done:6} of {times:6} in {took:6.1f} s, {each}")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure the service under load.")
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--sign-ins", type=int)
    parser.add_argument("--store", help="Address of PostgreSQL: two processes, one is killed.")
    asked = parser.parse_args()
    if asked.sign_ins:
        sign_in_often(asked.sign_ins, min(asked.sign_ins, 200))
    elif asked.store:
        if not serve_two_and_load(asked.readers, asked.seconds, asked.store):
            sys.exit(1)
    elif not serve_and_load(asked.readers, asked.seconds):
        sys.exit(1)


if __name__ == "__main__":
    main()
