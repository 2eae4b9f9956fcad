"""What layers mean, whoever asks: each rule of the domain that several parts need, once.

Pure functions of frames and plans, below everything that judges, ranks, draws or imports. What
a rulebook may change is not here but in `zoning`.
"""
