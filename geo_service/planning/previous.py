"""Which review the current one is to be compared with: the one whose data or rules it replaced.

After an earlier version was restored nothing has changed since the review before: the plan is what
it was. Leaves out the comparison itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_service.reports.document import Document
    from geo_service.stores.base import LayerVersion, Store

ROLLBACK = "rollback"
"""How the source of a version begins that restored an earlier one."""


@dataclass(frozen=True)
class Made:
    """A review of the county as it was: no trial."""

    review_id: str
    made_at: str
    plan_version: str
    rulebook_version: str
    layers: Mapping[str, str]
    """The version of each layer."""


@dataclass(frozen=True)
class Step:
    """One layer whose version differs: its numbers before and now, None for one not known."""

    layer: str
    before: int | None
    after: int | None
    is_restored: bool


def previous_of(current: Made, others: Iterable[Made]) -> Made | None:
    """Return the review that the current one replaced; None if there is none.

    That is the newest made after it of other data or rules (a restored plan has its first review
    back), else the newest made before it.
    """
    newest_first = sorted(others, key=lambda one: one.made_at, reverse=True)
    of_other = [
        one
        for one in newest_first
        if one.made_at > current.made_at
        and (one.plan_version, one.rulebook_version)
        != (current.plan_version, current.rulebook_version)
    ]
    earlier = [
        one
        for one in newest_first
        if one.made_at <= current.made_at and one.review_id != current.review_id
    ]
    return next(iter((*of_other, *earlier)), None)


def steps_between(before: Made, current: Made, store: Store | None) -> list[Step]:
    """Return the layers that differ between two reviews, with their numbers in the history."""
    names = [
        name
        for name in {**before.layers, **current.layers}
        if before.layers.get(name) != current.layers.get(name)
    ]
    steps = []
    for name in names:
        history = [] if store is None else store.history(name)
        now = _newest(history, current.layers.get(name))
        then = _newest(
            [entry for entry in history if now is None or entry.number < now.number],
            before.layers.get(name),
        )
        steps.append(
            Step(
                name,
                None if then is None else then.number,
                None if now is None else now.number,
                now is not None and now.source.startswith(ROLLBACK),
            )
        )
    return steps


def is_restored(current: Made, steps: Iterable[Step], store: Store | None) -> bool:
    """Return whether the newest change put the plan back to what it was before the last one.

    That is so if every layer that differs was restored to the version before the one that it
    replaced.
    """
    listed = list(steps)
    if store is None or not listed:
        return False
    return all(
        step.is_restored and _was_before_last(store.history(step.layer), current, step)
        for step in listed
    )


def _was_before_last(history: list[LayerVersion], current: Made, step: Step) -> bool:
    """Return whether a layer's version was in force right before the one that was replaced."""
    if step.before is None:
        return False
    version = current.layers.get(step.layer)
    return any(entry.number == step.before - 1 and entry.version == version for entry in history)


def _newest(history: Iterable[LayerVersion], version: str | None) -> LayerVersion | None:
    return next((entry for entry in history if entry.version == version), None)


def previous_document(
    before: Made, current: Made, steps: Iterable[Step], *, restored: bool
) -> Document:
    """Return what a review is compared with, and why."""
    return {
        "before": before.review_id,
        "before_made_at": before.made_at,
        "after": current.review_id,
        "after_made_at": current.made_at,
        "is_restored": restored,
        "is_other_rulebook": before.rulebook_version != current.rulebook_version,
        "layers": [
            {
                "layer": step.layer,
                "before": step.before,
                "after": step.after,
                "is_restored": step.is_restored,
            }
            for step in steps
        ],
    }
