"""The same job, done by the product and by each peer: from files to files.

For each parcel: the park with which it shares most area, and that area; its area and share in
each zone layer; its distance to the nearest river. For each park: the share of each industry
(first three digits) in the output of the enterprises on its parcels, and the sum of the squared
shares (HHI). A contender has `run(data, parcels, results)` and writes the two tables of `table.py`.
"""
