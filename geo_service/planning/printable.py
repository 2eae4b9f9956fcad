"""An answer for a terminal: as a table that a person reads, or as JSON that a script reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.reports.document import dump

if TYPE_CHECKING:
    from geo_service.language import Translator


@dataclass(frozen=True, slots=True)
class Printable:
    """The two ways to tell one answer; each is made only when it is asked for."""

    document: Callable[[], object]
    table: Callable[[Translator, int | None], str]
    """In the translator's language, of so many character cells; None asks the terminal."""

    def json(self) -> bytes:
        """Return the answer as JSON."""
        return dump(self.document(), indent=True)

    def text(self, translator: Translator, *, width: int | None) -> bytes:
        """Return the answer as a table."""
        return self.table(translator, width).encode()
