"""Limits of an import: bytes, files, features, vertices, depth, memory and time.

Exceeding a limit raises `SourceError`, which names the limit and what was found.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo_service.errors import Fault, SourceError
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.model import Message

_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that one import may use."""

    file_bytes: int = 4_000 * _MB
    unpacked_bytes: int = 8_000 * _MB
    unpacked_ratio: float = 200.0
    """Ratio of an archive's unpacked to its packed size, checked from 50 MB unpacked on."""
    archive_files: int = 2_000
    text_bytes: int = 300 * _MB
    """Bytes of formats that are read whole into memory: KML, DXF, XLSX, boundary points."""
    rows: int = 20_000_000
    """Rows of a table, including empty ones."""
    features: int = 5_000_000
    vertices: int = 400_000_000
    vertices_per_feature: int = 2_000_000
    columns: int = 500
    cell_characters: int = 20_000
    json_depth: int = 64
    seconds: float = 3_600.0
    least_seconds: float = 60.0
    """Time of the process that reads even the smallest file; `seconds` is the most."""
    bytes_a_second: float = 100_000.0
    """File size, in bytes, for which the process may take one more second."""
    memory_bytes: int = 4_000 * _MB
    """Memory of the process that reads a file."""
    batch_bytes: int = 800 * _MB
    """Size in memory of the rows that it hands over at once."""


_RATIO_FROM_BYTES = 50 * _MB


@dataclass
class Budget:
    """The remaining limits while one file is read; `shown` is the file's name in messages."""

    shown: str
    limits: Limits = field(default_factory=Limits)
    features: int = 0
    vertices: int = 0
    started: float = field(default_factory=time.monotonic)
    watch: Callable[[], None] = lambda: None
    """Called whenever the time is checked; may raise to stop the import."""

    def refuse(self, found: Message, expected: Message) -> SourceError:
        """Return the error for a file that cannot be used."""
        return source_error(self.shown, found, expected)

    def check_size(self, size: int) -> None:
        """Refuse a file that is too large."""
        if size > self.limits.file_bytes:
            raise self.refuse(
                said("fault.bytes", size=size),
                said("refusal.most_bytes", most=self.limits.file_bytes),
            )

    def check_text(self, size: int) -> None:
        """Refuse a text that is too large to be read whole into memory."""
        if size > self.limits.text_bytes:
            raise self.refuse(
                said("refusal.text_bytes", size=size),
                said("refusal.most_text_bytes", most=self.limits.text_bytes),
            )

    def check_archive(self, files: int, packed: int, unpacked: int) -> None:
        """Refuse an archive that unpacks to too much."""
        limits = self.limits
        if files > limits.archive_files:
            raise self.refuse(
                said("refusal.zip_files", count=files),
                said("refusal.at_most", most=limits.archive_files),
            )
        if unpacked > limits.unpacked_bytes:
            raise self.refuse(
                said("refusal.zip_bytes", size=unpacked),
                said("refusal.at_most", most=limits.unpacked_bytes),
            )
        if unpacked > _RATIO_FROM_BYTES and unpacked > packed * limits.unpacked_ratio:
            raise self.refuse(
                said("refusal.zip_ratio", ratio=unpacked / max(packed, 1)),
                said("refusal.most_times", most=limits.unpacked_ratio),
            )

    def check_columns(self, columns: int) -> None:
        """Refuse a table that is too wide."""
        if columns > self.limits.columns:
            raise self.refuse(
                said("refusal.columns", count=columns),
                said("refusal.at_most", most=self.limits.columns),
            )

    def take(self, features: int, vertices: int = 0) -> None:
        """Count features and vertices read, and check the time."""
        self.features += features
        self.vertices += vertices
        if self.features > self.limits.features:
            raise self.refuse(
                said("refusal.features", most=self.limits.features), said("refusal.fewer")
            )
        if self.vertices > self.limits.vertices:
            raise self.refuse(
                said("refusal.vertices", most=self.limits.vertices), said("refusal.fewer")
            )
        self.check_time()

    def check_rows(self, rows: int) -> None:
        """Refuse a table with too many rows, including empty ones, and check the time."""
        if rows > self.limits.rows:
            raise self.refuse(
                said("refusal.many_rows", most=self.limits.rows), said("refusal.fewer")
            )
        self.check_time()

    def check_time(self) -> None:
        """Stop when the time is up; `watch` may stop the import too."""
        self.watch()
        if time.monotonic() - self.started > self.limits.seconds:
            raise self.refuse(
                said("refusal.seconds", most=self.limits.seconds), said("refusal.smaller")
            )


def source_error(
    shown: str, found: Message, expected: Message, *, line: int | None = None
) -> SourceError:
    """Return the error for one fault in a file to be imported."""
    fault = Fault(file=shown, found=found, expected=expected, line=line)
    msg = said("refusal.file", file=shown)
    return SourceError(msg, [fault])
