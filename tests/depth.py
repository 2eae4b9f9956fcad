"""How deep the property-based tests look: the profiles of hypothesis.

`small` (in `make test`) tries few examples, the same ones each time, so that two runs of the same
code agree. `deep` (in `make test-deep`) tries many, other ones each time. The environment variable
`GEO_TEST_DEPTH` chooses; every number of examples in the tests goes through `thorough`.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

DEPTH = os.environ.get("GEO_TEST_DEPTH", "small")
SMALL_SHARE = 5
"""One example in so many of those that a test names is tried in the small profile."""
DEEP_FACTOR = 4
FEWEST = 4

# A slow or busy machine is no fault: examples have no time limit.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("small", max_examples=20, derandomize=True, database=None, **PATIENT)
settings.register_profile("deep", max_examples=400, print_blob=True, **PATIENT)
settings.load_profile(DEPTH)


def examples(number: int) -> int:
    """Return how many examples the profile in force tries where a test names a number."""
    return number * DEEP_FACTOR if DEPTH == "deep" else max(FEWEST, -(-number // SMALL_SHARE))


def thorough(
    number: int,
    *,
    steps: int | None = None,
    also_allowed: tuple[HealthCheck, ...] = (),
    in_deep: int | None = None,
) -> settings:
    """Return the settings of a test whose number of examples is scaled by the profile.

    `steps` bounds what a state machine does in one example; `in_deep` is the number of examples
    in the deep profile, if it is to be another.
    """
    more: dict[str, Any] = {} if steps is None else {"stateful_step_count": steps}
    allowed = {HealthCheck.too_slow, *also_allowed}
    count = in_deep if in_deep is not None and DEPTH == "deep" else examples(number)
    return settings(max_examples=count, suppress_health_check=list(allowed), **more)
