"""The same job, done by the product and by each peer: from the files to the files.

For each parcel: the park that it shares most area with and that area, area and share in each
zone layer, distance to the nearest river. For each park: the share of each industry (first three
digits) in the output of the enterprises on its parcels, and the sum of the squares of the shares
(HHI). A contender has `run(data, parcels, results)` and writes the two tables of `table.py`.
"""
