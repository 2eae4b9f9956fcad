"""Geometry at work: overlaps with exact areas, and the live index."""
