"""Why an edit cannot be made: a field, what was found there, and what is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from geo_service.errors import Fault, ScenarioError
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo_service.model import Message


class EditRefusal(Exception):  # noqa: N818 - an edit that cannot be made is no error of ours
    """An edit cannot be made on a plan; all that stands against it."""

    def __init__(self, reasons: Sequence[tuple[str, Message, Message]]) -> None:
        super().__init__(reasons)
        self.reasons = tuple(reasons)
        """The field, what was found, what is expected."""

    def faults(self, edit_id: str, *, line: int | None = None) -> list[Fault]:
        """Return the reasons as faults of a scenario's edit."""
        file = said("fault.scenario")
        return [
            Fault(
                file=file,
                column=f"{edit_id}.{field}",
                line=line,
                found=found,
                expected=expected,
            )
            for field, found, expected in self.reasons
        ]


def refuse(field: str, found: Message, expected: Message) -> NoReturn:
    """Raise the refusal of an edit for one reason."""
    raise EditRefusal([(field, found, expected)])


def unusable_scenario(faults: Sequence[Fault], *, is_refused: bool = False) -> ScenarioError:
    """Return the error of a scenario with these faults; `is_refused` if edits cannot be made."""
    key = "scenario.refused" if is_refused else "scenario.unusable"
    return ScenarioError(said(key), faults)
