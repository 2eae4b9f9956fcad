"""Measure the product against its peers, on generated data or the demo workspace."""

LAYERS = ("red_line", "farmland", "river_buffer", "slope")
"""The zone layers of the generated county."""
