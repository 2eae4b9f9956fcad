"""Layouts: the product beside heuristics and other solvers, judged by one evaluator."""
