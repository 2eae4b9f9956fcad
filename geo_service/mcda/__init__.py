"""Multi-criteria decision analysis: from a table of criteria to scores, and how firm they are.

Frames and arrays in, frames and arrays out; no plan, no geometry.
"""
