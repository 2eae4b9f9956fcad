"""Propose a layout: what each park leads, where projects go and which enterprises move.

A proposal is the best found by a solver for goals that a county sets, with a bound on how much
better any other could be. Law comes first: what a `must` rule forbids is no option. Knows no
store and no web.
"""
