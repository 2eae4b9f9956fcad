"""What the tests of workspaces share: opening a county, and how one is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from geo_service.errors import WorkspaceError
from geo_service.plan import Plan
from tests.county import County

Open = Callable[[County], Plan]


def refusal(county: County, opened: Open) -> str:
    """Return the message with which a county is refused."""
    with pytest.raises(WorkspaceError) as caught:
        opened(county)
    return str(caught.value)
