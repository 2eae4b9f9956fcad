"""Work that the tests of `crew` have done in processes of their own."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from geo_service.crew import Chat
from geo_service.errors import InvalidQueryError
from geo_service.wording import said

FOREVER_S = 600.0


def opened(path: str) -> dict[str, Any]:
    """Note that something was opened, and by whom."""
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return {"pid": os.getpid(), "notes": []}


def broken() -> None:
    """Refuse to open."""
    parameter = "path"
    raise InvalidQueryError(parameter, said("problem.no_job"))


def whose(held: dict[str, Any], _: Chat, *, note: str) -> tuple[int, int, list[str]]:
    """Return who opened, who works, and what was noted before."""
    held["notes"].append(note)
    return held["pid"], os.getpid(), list(held["notes"])


def count(_: object, chat: Chat, *, to: int) -> int:
    """Report some steps."""
    for number in range(to):
        chat.progress(number, to, f"step {number}")
    return to


def fail(_: object, __: Chat, *, kind: str) -> None:
    """Fail, on purpose or not."""
    if kind == "ours":
        parameter = "bbox"
        raise InvalidQueryError(parameter, said("problem.bbox"))
    raise ZeroDivisionError


def hang(_: object, chat: Chat, *, path: str) -> None:
    """Say who works, and never end."""
    Path(path).write_text(str(os.getpid()))
    chat.progress(0, 1, "hangs")
    threading.Event().wait(FOREVER_S)


def echo(_: object, chat: Chat) -> str:
    """Answer questions until told to end."""
    while (question := chat.hear()) != "end":
        chat.answer(f"{question}!")
    return "ended"
