"""Scenarios: a plan and an ordered list of typed edits, never a copy of the plan.

Pure: plans and values in, plans and values out. Keeping scenarios and publishing them is
`planning`'s work.
"""
