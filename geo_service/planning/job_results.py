"""What a job made: which kind of result, and under which id it is found.

A job is remembered for a day, its result as long as it may take up memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JobResultKind(StrEnum):
    """Kinds of results, as addresses name them."""

    REVIEWS = "reviews"
    RANKINGS = "rankings"
    IMPORTS = "imports"
    LAYOUTS = "layouts"


@dataclass(frozen=True, slots=True)
class MadeResult:
    """What a job made."""

    kind: JobResultKind
    identity: str
