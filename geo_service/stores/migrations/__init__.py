"""How the catalogue's tables came to be, step by step; `tables.upgrade` takes the steps."""
