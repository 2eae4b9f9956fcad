"""Zoning review: the measures of focus, rules as data, the checks, and the review."""
