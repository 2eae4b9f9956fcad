"""Memory of a process that lives long: what is there to stay, and what is given back.

Pages are answered while this runs: collecting takes as long as there are containers to look at.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_USUAL = gc.get_threshold()
_SELDOM = (1_000_000, 50, 100)


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Let the collector look rarely until the end, or until `collect_usually`.

    Looking through a hundred thousand findings again and again takes a quarter of its time.
    """
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        collect_usually()


def collect_usually() -> None:
    """Let the collector look as often as Python does by itself."""
    gc.set_threshold(*_USUAL)


def settle() -> None:
    """Collect what nothing refers to, leave out the rest from now on, and give memory back.

    The collector does not look at what was there at the last call, so that its pauses stay short
    however much was loaded. From now on it looks as often as usual.
    """
    collect_usually()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    give_back_free_pages()


def give_back_free_pages() -> None:
    """Give the system what was freed, which its library keeps for a later use."""
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], int]:
    """Return what gives free pages back to the system, where its library can."""
    if sys.platform == "linux":
        try:
            trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        except (OSError, AttributeError):
            return int
        return trim
    return int
