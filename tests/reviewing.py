"""Reviews that services and commands of tests begin from an earlier one of an equal plan.

Most tests are about no rule, and many open the same county: rules are put once in a process to a
plan of one version, by one rulebook and on one day. It is the product that takes over what they
said (`zoning/renewal.py`; `tests/zoning/test_renewal.py` compares that with a review in full).
Tests of rules call `zoning.review.review`, which begins anew; so do the processes that tests start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from cachetools import LRUCache

from geo_service.plan import Plan
from geo_service.planning import once, scenario_ground, works
from geo_service.zoning import renewal
from geo_service.zoning.check import Shared
from geo_service.zoning.reach import PlanChange
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import Rulebook

_MOST = 12
"""Reviews that are kept; each holds its plan."""
_is_alike = renewal._is_alike  # noqa: SLF001 - copies of a workspace differ in their folders alone


def _is_equal(one: Shared, other: Shared) -> bool:
    """Return whether two plans are of one day and alike, or of one version."""
    is_one_day = one.as_of == other.as_of
    return _is_alike(one, other) or (is_one_day and one.plan.version == other.plan.version)


_between = PlanChange.between


def _change(before: Plan, after: Plan) -> PlanChange:
    """Compare two plans; what services open under one version is one and the same."""
    return PlanChange({}) if before.version == after.version else _between(before, after)


@contextmanager
def reviewed_once() -> Iterator[None]:
    """Have services and commands of this process put no rule to equal plans a second time."""
    lock = threading.Lock()
    kept: LRUCache[str, Review] = LRUCache(_MOST)

    def begun(plan: Plan, rulebook: Rulebook | None = None, **options: Any) -> Review:  # noqa: ANN401 - those of `review`
        with lock:
            earlier = kept.get(plan.version)
        made = review(plan, rulebook, **{"earlier": earlier} | options)
        with lock:
            kept[plan.version] = made
        return made

    with ExitStack() as patches:
        patches.enter_context(patch.object(renewal, "_is_alike", _is_equal))
        patches.enter_context(patch.object(PlanChange, "between", _change))
        for module in (works, once, scenario_ground):
            patches.enter_context(patch.object(module, "review", begun))
        yield
