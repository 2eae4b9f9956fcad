"""Geometry: overlaps, distances, travel over roads, slope, and the live index."""
