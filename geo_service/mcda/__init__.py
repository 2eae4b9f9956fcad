"""Multi-criteria decision analysis: from a table of criteria to scores, and how robust they are.

Functions take and return frames and arrays; they know neither plans nor geometry.
"""
