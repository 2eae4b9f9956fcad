"""What publishing a draft would do to the review: verdicts and findings, now and then.

The plan as it would be is reviewed by the rules in force; what comes of it is what the review
says once the draft is published.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_service.errors import SourceError, WorkspaceError
from geo_service.model import Message
from geo_service.wording import said
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import open_rulebook

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.ingest.run import Imported
    from geo_service.language import Translator
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.workspace.opening import Workspace
    from geo_service.zoning.review import Progress
    from geo_service.zoning.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class ImportEffect:
    """The review as it is, and as it would be with a draft."""

    draft_id: str
    layer: str
    before: Review
    after: Review

    def document(self, translator: Translator) -> Document:
        """Return verdicts and findings before and after, and the parks whose verdict changes."""
        old = {item.finding_id: item for item in self.before.results}
        new = {item.finding_id: item for item in self.after.results}
        both = old.keys() & new.keys()
        return {
            "import_id": self.draft_id,
            "layer": self.layer,
            "plan_version": self.before.plan.version,
            "as_of": self.after.as_of.isoformat(),
            "verdicts": _pair(dict(self.before.verdicts), dict(self.after.verdicts)),
            "findings": {
                **_pair(len(old), len(new)),
                "new": len(new.keys() - old.keys()),
                "gone": len(old.keys() - new.keys()),
                "changed": sum(old[key].verdict is not new[key].verdict for key in both),
                "by_verdict": _pair(_by_verdict(self.before), _by_verdict(self.after)),
            },
            "parks": self._parks(),
            "text": translator.render(self.told),
        }

    def _parks(self) -> list[Document]:
        """Return the parks whose verdict is another, or that come or go."""
        old, new = self.before.park_verdicts, self.after.park_verdicts
        names = _names(self.before) | _names(self.after)
        return [
            {
                "park_id": park_id,
                "name": names[park_id],
                "before": _value(old.get(park_id)),
                "after": _value(new.get(park_id)),
            }
            for park_id in dict.fromkeys([*old, *new])
            if old.get(park_id) is not new.get(park_id)
        ]

    @property
    def told(self) -> Message:
        """The effect in one sentence."""
        verdicts = [
            Message(
                "import.effect_verdict",
                {
                    "label": Message(f"verdict.{name}"),
                    "before": count,
                    "after": self.after.verdicts[name],
                },
            )
            for name, count in self.before.verdicts.items()
        ]
        values = {
            "verdicts": verdicts,
            "before": len(self.before.results),
            "after": len(self.after.results),
            "parks": len(self._parks()),
        }
        return Message("import.effect", values)


def _pair(before: Any, after: Any) -> Document:  # noqa: ANN401 - a number or a table of them
    return {"before": before, "after": after}


def _by_verdict(result: Review) -> dict[str, int]:
    counts = Counter(item.verdict.value for item in result.results)
    return dict(sorted(counts.items()))


def _names(result: Review) -> dict[str, str]:
    parks = result.plan.frame("parks")
    return dict(zip(parks["park_id"], parks["name"], strict=True))


def _value(verdict: Any) -> str | None:  # noqa: ANN401 - a verdict or none
    return None if verdict is None else str(verdict.value)


def effect_of(  # noqa: PLR0913 - the draft, and what it is reviewed by
    opened: Workspace,
    layer: str,
    frame: pd.DataFrame,
    *,
    before: Review,
    rulebook: Rulebook,
    draft_id: str = "",
    progress: Progress | None = None,
) -> ImportEffect:
    """Return what publishing rows as a layer would do to a review.

    Raises
    ------
    SourceError
        The rows do not fit the rest of the plan.
    """
    try:
        plan = opened.plan_with(layer, frame)
    except WorkspaceError as error:
        msg = said("refusal.unfit", layer=layer, label=Message(f"layer.{layer}"))
        raise SourceError(msg, error.faults) from error
    after = review(plan, rulebook, as_of=before.as_of, progress=progress)
    return ImportEffect(draft_id=draft_id, layer=layer, before=before, after=after)


def effect_on_review(opened: Workspace, plan: Plan, imported: Imported) -> ImportEffect:
    """Return what publishing an import would do to the review of a plan by the county's rules."""
    rulebook = open_rulebook(plan.settings.rulebook_path)
    before = review(plan, rulebook)
    return effect_of(opened, imported.layer, imported.frame, before=before, rulebook=rulebook)
