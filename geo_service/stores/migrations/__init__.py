"""Migrations of the catalogue's tables, step by step; `tables.upgrade` runs them."""
