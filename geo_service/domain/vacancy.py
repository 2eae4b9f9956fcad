"""Which ground and which floors are free."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

FREE_STATUSES = ("vacant", "idle")
"""What a parcel that may be built on says of itself; idle land is built on again."""


def is_free(parcels: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which parcels are free; one without a status is not."""
    return parcels["status"].isin(FREE_STATUSES).to_numpy(dtype=bool)


def has_room(floors: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which floors have vacant area; one that does not say has none."""
    return (floors["vacant_m2"] > 0).to_numpy(dtype=bool, na_value=False)


def is_overstated(floors: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which floors state more vacant area than they have; unknown areas do not."""
    return (floors["vacant_m2"] > floors["area_m2"]).to_numpy(dtype=bool, na_value=False)
