"""Import: read any file that a county sends, repair what can be repaired, and report all of it.

`run.read_source` turns a file into a frame that satisfies the layer's schema, and a report of
what was understood, repaired and refused. The caller publishes the frame.
"""
