"""Many counties: reviewed as tasks on Dask, rolled up, and searched for a project's place."""
