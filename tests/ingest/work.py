"""What tests let a process of its own do: answer with what it sees, or go past a limit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from geo_service.isolation import Channel


def drivers(channel: Channel) -> None:
    """Answer with the vector drivers that GDAL has registered."""
    import pyogrio  # noqa: PLC0415 - as the product does

    channel.send(json.dumps(sorted(pyogrio.list_drivers())).encode())


def hoard(channel: Channel) -> None:
    """Take memory without end."""
    held = [bytearray(10_000_000) for _ in itertools.count()]
    channel.send(str(len(held)).encode())


def spin(channel: Channel) -> None:
    """Compute without end."""
    for _ in itertools.count():
        pass
    channel.send(b"")


def sleep(channel: Channel) -> None:
    """Wait without end, which costs no time on the processor."""
    channel.receive()


def flood(channel: Channel, *, size: int) -> None:
    """Answer with so many bytes."""
    channel.send(bytes(size))


def fill(channel: Channel, *, path: str, size: int) -> None:
    """Write a file of so many bytes."""
    Path(path).write_bytes(bytes(size))
    channel.send(b"written")


def open_many(channel: Channel, *, count: int) -> None:
    """Hold so many files open at once."""
    held = [Path(__file__).open("rb") for _ in range(count)]  # noqa: SIM115 - to have too many
    channel.send(str(len(held)).encode())


def echo(channel: Channel) -> None:
    """Answer with what was asked."""
    while (question := channel.receive()) is not None:
        channel.send(question)


def fail(_: Channel) -> None:
    """Meet a fault of our own."""
    msg = "a mistake of ours"
    raise LookupError(msg)
