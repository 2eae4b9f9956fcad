"""The kinds of map that the command line draws, known before anything is loaded."""

from __future__ import annotations

from geo_service.maps.kinds import MapKind

__all__ = ["MapKind"]
