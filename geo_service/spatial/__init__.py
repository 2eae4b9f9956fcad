"""Geometry at work: overlaps, distances, travel over roads, slope, and the live index."""
