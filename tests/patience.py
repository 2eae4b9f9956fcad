"""Waiting for what must come about, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0
"""Seconds after which something hangs; on a busy machine all take far less."""
_PAUSE_S = 0.02


def eventually(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so; fail with `what` was awaited if that never happens."""
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(_PAUSE_S)
