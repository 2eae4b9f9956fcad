"""Build the demo county: real reference data, and illustrative features around it.

Everything is built in metres (EPSG:4545) and written in degrees (EPSG:4490). The package
does not import the product.
"""
