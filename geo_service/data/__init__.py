"""Data that ships with the package: classifications, the default rulebook, messages."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def data_file(name: str) -> Traversable:
    """Return a file that ships with the package, by name."""
    return files(__name__) / name
