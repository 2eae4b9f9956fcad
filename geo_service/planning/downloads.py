"""Results handed out as files, and what such files are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Download:
    """A file to save: what it is called, what it is, and what it holds."""

    name: str
    media_type: str
    content: bytes = b""
    path: Path | None = None
    """Where the content lies instead, in a file that is removed once it was sent."""


def file_name(words: str, extension: str) -> str:
    """Return words as a file's name: letters, digits, `.`, `-` and `_` of any script, no path.

    >>> file_name("../a: 云 b", "xlsx")
    'a_云_b.xlsx'
    """
    safe = _NOT_IN_NAMES.sub("_", words).strip("._-")[:_LONGEST_NAME]
    return f"{safe}.{extension}"
