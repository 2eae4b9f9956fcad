"""Propose a layout: what each park leads, where projects go and which enterprises move.

A proposal is the best found by a solver for goals that a county sets, with a bound on how much
better any other could be. Law comes first: what a `must` rule forbids is no option. Knows no
store and no web.

The package has the name of its function: `geo_service.layout(plan, goals)` is
`geo_service.layout.propose.layout`, whether the package was imported before or not.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A package that may be called like the function of its name."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - of that function
        """Call `propose.layout`."""
        from geo_service.layout.propose import layout  # noqa: PLC0415 - heavy

        return layout(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
