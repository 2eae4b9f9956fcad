"""Memory of a process that lives long: what is there to stay, and what is given back.

Pages are answered while this runs: collecting takes as long as there are containers to look at.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable


def settle() -> None:
    """Collect what nothing refers to, leave out the rest from now on, and give memory back.

    The collector does not look at what was there at the last call, so that its pauses stay short
    however much was loaded.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
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
