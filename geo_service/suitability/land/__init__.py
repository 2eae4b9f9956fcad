"""New land for a project: where it may lie, seeds of sites, sites grown from them."""
