"""Where versions of layers, and results that were saved, are kept: one protocol, two stores."""
