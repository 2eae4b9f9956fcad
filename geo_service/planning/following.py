"""Keeping up with the workspace: a running county notices what was published, by whomever.

While nothing was published the workspace's own files count, and an edit of one is noticed as well.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from geo_service.errors import ConflictError, GeoServiceError, WorkspaceError
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_service.plan import Plan
    from geo_service.planning.state import ServiceState

_log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
"""How often requests make the store be asked for news, at most."""


def edited_files(before: Plan, after: Plan) -> list[str]:
    """Return the layers whose own file counts in both plans and holds something else now."""
    now = after.layers
    return [
        name
        for name, layer in before.layers.items()
        if name in now
        and layer.number == now[name].number == 0
        and layer.version != now[name].version
    ]


class Follower:
    """Opens a county's plan again when its store has newer versions."""

    def __init__(
        self,
        state: ServiceState,
        *,
        moment: tuple[object, ...],
        stand_on: Callable[[Plan], None],
    ) -> None:
        self._state = state
        self._stand_on = stand_on
        self._work = threading.Lock()
        self._gate = threading.Lock()
        self._moment = moment
        self._next_look = 0.0
        self._thread: threading.Thread | None = None
        self._is_closed = not state.has_workspace
        self.is_behind = False
        """Whether something newer was published that could not be opened."""

    def refresh(self) -> bool:
        """Open the plan again if what counts has changed; return whether it is another now."""
        if not self._state.has_workspace:
            return False
        with self._work:
            workspace = self._state.workspace
            moment = workspace.moment()
            if moment == self._moment:
                return False
            # Seen even if the plan cannot be opened: the next try is for the next publish or edit.
            self._moment = moment
            self.is_behind = True
            plan = workspace.plan()
            before = self._state.plan
            is_same = plan.settings.granted == before.settings.granted
            if plan.version == before.version and is_same:
                self.is_behind = False
                return False
            for name in edited_files(before, plan):
                _log.warning("Layer %s: its own file was edited and counts; the plan has it.", name)
            self._stand_on(plan)
            self.is_behind = False
            return True

    def check_files(self) -> None:
        """Take up own files that count and were edited, before something is published.

        Raises ConflictError when there are any: what was looked at was checked with the old ones,
        and an edit never takes effect because another layer was published.
        """
        before = self._state.plan
        try:
            is_other = self.refresh()
        except WorkspaceError:  # a file that cannot be read: whoever publishes is told
            return
        edited = edited_files(before, self._state.plan) if is_other else []
        if edited:
            raise ConflictError(said("problem.files_edited", names=edited))

    def look(self) -> None:
        """Refresh in the background, unless the last look was less than a second ago."""
        with self._gate:
            now = time.monotonic()
            is_busy = self._thread is not None and self._thread.is_alive()
            if self._is_closed or is_busy or now < self._next_look:
                return
            self._next_look = now + LOOK_EVERY_SECONDS
            self._thread = threading.Thread(target=self._look, name="follow", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        try:
            self.refresh()
        except GeoServiceError as error:
            _log.error("The newest plan cannot be used; the one before it is: %s", error)
        except Exception:  # noqa: BLE001 - a request is being answered beside this
            _log.exception("Looking for newer versions met a fault of our own")

    def close(self) -> None:
        """Look no more, and wait for the look that is under way."""
        with self._gate:
            self._is_closed = True
        self.wait()

    def wait(self) -> None:
        """Wait for the look that is under way, if one is."""
        if self._thread is not None:
            self._thread.join()
