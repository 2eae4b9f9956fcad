"""Terrain: from which slope on ground is steep. Slopes are measured in `spatial.raster`."""

from __future__ import annotations

STEEP_PERCENT = 15.0
"""Slope above which ground counts as steep; 15 % is 8.53 degrees."""
