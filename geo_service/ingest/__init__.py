"""Import: read anything that a county sends, repair what can be repaired, and say all of it.

`run.read_source` takes a file to a frame that satisfies the layer's schema, and a report of
what was understood, repaired and refused. Publishing the frame is the caller's work.
"""
