"""A workspace: one county's folder of layers and settings, read, checked and opened as a plan."""
