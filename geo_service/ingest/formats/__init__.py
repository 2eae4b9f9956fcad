"""Readers of formats: each turns a staged file into a `sources.ImportSource`."""
