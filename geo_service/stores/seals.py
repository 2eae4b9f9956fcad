"""Detect damage of a catalogue: each row has a seal, a digest of its values.

SQLite has no checksums of its own, and manual edits of a database leave no trace: a flipped bit
in a note, a number or a digest would give a wrong answer. Rows of older releases have no seal.
A seal does not protect against somebody who makes a new seal.
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
"""What was wrong: a row was altered, or a row is missing."""


class DamageError(Exception):
    """Data read differ from those written; the store turns this into StoreError."""

    def __init__(
        self, reason: str, *, layer: str | None = None, version: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.layer = layer
        self.version = version


def seal_of(values: Mapping[str, Any]) -> str:
    """Return the seal of a row: a digest of its values by name."""
    plain = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    content = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def is_sound(values: Mapping[str, Any], seal: str | None) -> bool:
    """Return whether a row is as it was when sealed; an unsealed row counts as sound."""
    return seal is None or seal == seal_of(values)
