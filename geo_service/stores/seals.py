"""What tells that a catalogue was damaged: a digest in each row over what the row says.

SQLite has no checksums of its own, and a hand in a database leaves no trace: a flipped bit in a
note, a number or a digest would be a wrong answer. A row that an older release wrote has no seal.
Nothing here protects against somebody who makes a new seal.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS = 16
SEAL, ENTRY = "seal", "entry"
"""What was wrong: a row that was changed, a row that is gone."""


class DamageError(Exception):
    """What was read is not what was written; the store tells it as StoreError."""

    def __init__(
        self, reason: str, *, layer: str | None = None, version: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.layer = layer
        self.version = version


def seal_of(values: Mapping[str, Any]) -> str:
    """Return the seal of a row: a digest over its values by name."""
    plain = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    content = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def is_sound(values: Mapping[str, Any], seal: str | None) -> bool:
    """Return whether a row says what it said when it was sealed, if it was."""
    return seal is None or seal == seal_of(values)
