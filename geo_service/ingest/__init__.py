"""Import: read anything that a county sends, repair what can be repaired, and say all of it.

`read_source` takes a file to a frame that satisfies the layer's schema, and a report of
what was understood, repaired and refused. Publishing the frame is the caller's work.
"""

from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source

__all__ = ["ImportOptions", "Imported", "read_source"]
