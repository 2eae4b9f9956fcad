"""Store versions of layers and saved results: one protocol, two stores."""
