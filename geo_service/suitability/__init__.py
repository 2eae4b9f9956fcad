"""Where a project fits: candidates weighed by many criteria, and how sure the order is."""
