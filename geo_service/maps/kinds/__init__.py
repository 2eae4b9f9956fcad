"""The kinds of map: what each shows."""
