"""The use cases, in the words of the product; the one place that joins its parts."""

from geo_service.planning.county import County, no_such_park
from geo_service.planning.files import compare_files, rank_workspace, review_workspace

__all__ = ["County", "compare_files", "no_such_park", "rank_workspace", "review_workspace"]
