"""Units of area that people use beside m²: how many m² one of them is."""

from __future__ import annotations

M2_PER_MU = 2000 / 3
"""One mu (亩) is 666.67 m²."""
M2_PER_HA = 1e4
