"""Readers of formats: each takes a staged file to a `sources.Source`."""
