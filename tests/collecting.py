"""What was loaded for tests is not looked through by Python's collector, however often it runs.

The modules and items of all tests are near a million objects, and to look through them takes most
of a second. The product settles its memory after each publication (`geo_service/memory.py`), which
looks through all that there is; so does the collector by itself, now and then.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from geo_service import halves, memory

_MIDDLE = 1
_USUAL = gc.get_threshold()
_RARELY = (10_000, 10, 10)
"""Fourteen times as seldom as Python by itself."""
FROZEN: Any = SimpleNamespace(
    collect=lambda: gc.collect(_MIDDLE),
    freeze=lambda: None,
    unfreeze=lambda: None,
    get_threshold=gc.get_threshold,
    set_threshold=lambda *_: None,
)
"""A collector that leaves frozen what was frozen, and freezes nothing more.

It looks at what is new alone: what fixtures and caches of tests hold is old, and looking through it
after each of many publications is a twentieth of what they cost. Python does so now and then.
"""


@contextmanager
def loading() -> Iterator[None]:
    """Collect nothing while tests are loaded, and freeze what there is afterwards."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        freeze()


def freeze() -> None:
    """Freeze all that is in use now."""
    gc.collect()
    gc.freeze()


@contextmanager
def kept_frozen() -> Iterator[None]:
    """Have the product collect, in this process, only what came after the tests were loaded."""
    with ExitStack() as patches:
        for module in (memory, halves):
            patches.enter_context(patch.object(module, "gc", FROZEN))
        gc.set_threshold(*_RARELY)
        yield


@contextmanager
def thawed() -> Iterator[None]:
    """Let the product freeze and unfreeze as it does for users."""
    with patch.object(memory, "gc", gc):
        gc.set_threshold(*_USUAL)
        yield
    freeze()
    gc.set_threshold(*_RARELY)
