"""Why a candidate stands where it does: a sentence per criterion, from the figures themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from geo_service.language import Language, Translator
from geo_service.model import Message, Quantity
from geo_service.suitability.measures import chain_partners, industry_fit
from geo_service.suitability.scoring import cell
from geo_service.zoning.names import named_industry

if TYPE_CHECKING:
    from geo_service.suitability.certainty import Doubt
    from geo_service.suitability.choice import ChosenCriterion
    from geo_service.suitability.reasons import Reason
    from geo_service.suitability.scoring import Scored
    from geo_service.suitability.surroundings import Sites

_STRONG, _WEAK = 0.75, 0.35
"""From which value a criterion counts as a strength, and up to which as a weakness."""
_MOST_NAMED = 3
_SHARES = ("first", "in_top3")


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What one criterion says of a candidate, and what that is worth to it."""

    criterion: str
    text: Message
    value: float
    """The scaled value, 0 (worst) to 1 (best)."""
    contribution: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A candidate explained: summary first, then a sentence per criterion, heaviest first."""

    candidate_id: str
    summary: tuple[Message, ...]
    sentences: tuple[Sentence, ...]

    def text(self, lang: str = "zh-Hans") -> str:
        """Return the explanation in a language (`zh-Hans`, `zh-Hant`, `en`), a line a sentence."""
        translator = Translator(Language(lang))
        told = [*self.summary, *(sentence.text for sentence in self.sentences)]
        return "\n".join(map(translator.render, told))


def explain(
    candidate_id: str,
    sites: Sites,
    scored: Scored,
    doubt: Doubt,
    unknowns: Sequence[Reason],
) -> Explanation:
    """Return why a candidate stands where it does; `unknowns` could not be judged of it.

    NotFoundError for one that is not among the sites.
    """
    position = sites.position_of(candidate_id)
    sentences = [
        Sentence(
            criterion=criterion.name,
            text=_sentence(sites, scored, criterion, position),
            value=cell(scored.normalised, candidate_id, criterion.name),
            contribution=cell(scored.contributions, candidate_id, criterion.name),
        )
        for criterion in scored.chosen
    ]
    sentences.sort(key=lambda sentence: -float(scored.weights.loc[sentence.criterion]))
    summary = [_standing(scored, candidate_id), *_strengths(scored, sentences)]
    summary += _certainty(doubt, candidate_id)
    summary += [reason.detail for reason in unknowns]
    return Explanation(
        candidate_id=candidate_id, summary=tuple(summary), sentences=tuple(sentences)
    )


def _standing(scored: Scored, candidate_id: str) -> Message:
    values = {
        "rank": int(cell(scored.result, candidate_id, "rank")),
        "count": len(scored.raw),
        "score": 100 * cell(scored.result, candidate_id, "score"),
    }
    return Message("explain.rank", values)


def _strengths(scored: Scored, sentences: Sequence[Sentence]) -> list[Message]:
    """Name the heaviest criteria that speak for a candidate, and those that speak against it."""
    titles = {item.name: item.criterion.title for item in scored.chosen}
    counted = [item for item in sentences if scored.weights[item.criterion] > 0]
    found = []
    for key, named in (
        ("explain.strong", [item for item in counted if item.value >= _STRONG]),
        ("explain.weak", [item for item in counted if item.value <= _WEAK]),
    ):
        if named:
            values = {"criteria": [titles[item.criterion] for item in named[:_MOST_NAMED]]}
            found.append(Message(key, values))
    return found


def _certainty(doubt: Doubt, candidate_id: str) -> list[Message]:
    """Say how often a candidate leads with other weights, and whether it is tied with the first."""
    shares = {name: cell(doubt.acceptability, candidate_id, name) for name in _SHARES}
    found = [
        Message(
            "explain.stability",
            {
                "first": Quantity(shares["first"], "share"),
                "in_top3": Quantity(shares["in_top3"], "share"),
                "draws": doubt.draws,
            },
        )
    ]
    if candidate_id in doubt.tied:
        found.append(Message("explain.tied"))
    return found


def _sentence(sites: Sites, scored: Scored, chosen: ChosenCriterion, position: int) -> Message:
    candidate_id = str(sites.ids[position])
    raw = cell(scored.raw, candidate_id, chosen.name)
    common = {
        "criterion": chosen.criterion.title,
        "weight": Quantity(float(scored.weights[chosen.name]), "share"),
        "normalised": 100 * cell(scored.normalised, candidate_id, chosen.name),
    }
    if math.isnan(raw):
        return Message("explain.missing", common)
    if math.isinf(raw):
        return Message("explain.unreachable", common)
    fact = _fact(sites, chosen, position, raw)
    return Message("explain.criterion", {**common, "fact": fact})


def _fact(sites: Sites, chosen: ChosenCriterion, position: int, raw: float) -> Message:
    """Say what was measured, in words where there are better ones than a number."""
    value = Quantity(raw, chosen.criterion.unit)
    if chosen.name in _IN_WORDS:
        return _IN_WORDS[chosen.name](sites, position, value)
    facility = None
    if chosen.criterion.family in _TO_FACILITIES:
        facility = sites.nearest_name(chosen.criterion.subject or "", position)
    if facility is not None:
        return Message("fact.nearest", {"value": value, "facility": facility})
    return Message("fact.value", {"value": value})


_TO_FACILITIES = frozenset({"minutes_to", "km_to"})


def _say_fit(sites: Sites, position: int, _: Quantity) -> Message:
    fit = industry_fit(sites)[position] or "none"
    return Message(f"fact.fit_{fit}", {"industry": named_industry(sites.project.industry_code)})


def _say_focus(sites: Sites, position: int, _: Quantity) -> Message:
    effect = sites.effects[sites.candidates[position].park_id or ""]
    values = {
        "before": Quantity(effect.before.share or 0.0, "share"),
        "after": Quantity(effect.after.share or 0.0, "share"),
        "verdict": Message(f"verdict.{effect.after.verdict}"),
        "basis": Message(f"basis.{effect.basis}"),
    }
    return Message("fact.focus", values)


def _say_chain(sites: Sites, _: int, value: Quantity) -> Message:
    suppliers, customers = chain_partners(sites)
    links = len(suppliers) + len(customers)
    return Message("fact.chain", {"count": round(value.value), "links": links})


_IN_WORDS: Mapping[str, Callable[[Sites, int, Quantity], Message]] = MappingProxyType(
    {
        "industry_fit": _say_fit,
        "focus_effect": _say_focus,
        "chain_affinity": _say_chain,
        "capacity_fit": lambda _, __, value: Message("fact.capacity", {"value": value}),
        "competition": lambda _, __, value: Message("fact.rivals", {"value": value}),
        "geohazard_grade": lambda _, __, value: Message(f"fact.geohazard_{round(value.value)}"),
    }
)
