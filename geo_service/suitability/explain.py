"""Why a candidate stands where it does: a sentence a criterion, from the ranking's own figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from geo_service.model import Message, Quantity
from geo_service.suitability.measures import chain_partners, industry_fit
from geo_service.suitability.scoring import cell
from geo_service.zoning.names import named_industry

if TYPE_CHECKING:
    from geo_service.suitability.choice import ChosenCriterion
    from geo_service.suitability.rank import Ranking
    from geo_service.suitability.scoring import Scored


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
    """A candidate explained: summary first, then a sentence a criterion, heaviest first."""

    candidate_id: str
    summary: tuple[Message, ...]
    sentences: tuple[Sentence, ...]


def explain(ranking: Ranking, candidate_id: str) -> Explanation:
    """Return why a candidate stands where it does; NotFoundError for one that is not ranked."""
    place = ranking.place_of(candidate_id)
    scored = ranking.scored
    assert scored is not None  # noqa: S101 - a ranked candidate has been scored
    sentences = [
        Sentence(
            criterion=item.name,
            text=_sentence(ranking, scored, item, place),
            value=cell(scored.normalised, candidate_id, item.name),
            contribution=cell(scored.contributions, candidate_id, item.name),
        )
        for item in scored.chosen
    ]
    sentences.sort(key=lambda sentence: -float(scored.weights.loc[sentence.criterion]))
    return Explanation(
        candidate_id=candidate_id,
        summary=_summary(ranking, scored, candidate_id, sentences),
        sentences=tuple(sentences),
    )


def _summary(
    ranking: Ranking, scored: Scored, candidate_id: str, sentences: list[Sentence]
) -> tuple[Message, ...]:
    titles = {item.name: item.criterion.title for item in scored.chosen}
    doubt = ranking.doubt
    assert doubt is not None  # noqa: S101 - as above
    found = [
        Message(
            "explain.rank",
            {
                "rank": int(cell(scored.result, candidate_id, "rank")),
                "count": len(scored.raw),
                "score": 100 * cell(scored.result, candidate_id, "score"),
            },
        )
    ]
    weight = scored.weights
    strong = [item for item in sentences if item.value >= _STRONG and weight[item.criterion] > 0]
    weak = [item for item in sentences if item.value <= _WEAK and weight[item.criterion] > 0]
    if strong:
        values = {"criteria": [titles[item.criterion] for item in strong[:3]]}
        found.append(Message("explain.strong", values))
    if weak:
        values = {"criteria": [titles[item.criterion] for item in weak[:3]]}
        found.append(Message("explain.weak", values))
    shares = {name: cell(doubt.acceptability, candidate_id, name) for name in _SHARES}
    found.append(
        Message(
            "explain.stability",
            {
                "first": Quantity(shares["first"], "share"),
                "in_top3": Quantity(shares["in_top3"], "share"),
                "draws": doubt.draws,
            },
        )
    )
    if candidate_id in doubt.tied:
        found.append(Message("explain.tied"))
    found += [reason.detail for reason in ranking.unknowns.get(candidate_id, ())]
    return tuple(found)


_STRONG, _WEAK = 0.75, 0.35
_SHARES = ("first", "in_top3")


def _sentence(ranking: Ranking, scored: Scored, item: ChosenCriterion, place: int) -> Message:
    identity = str(ranking.sites.ids[place])
    raw = cell(scored.raw, identity, item.name)
    common = {
        "criterion": item.criterion.title,
        "weight": Quantity(float(scored.weights[item.name]), "share"),
        "normalised": 100 * cell(scored.normalised, identity, item.name),
    }
    if math.isnan(raw):
        return Message("explain.missing", common)
    if math.isinf(raw):
        return Message("explain.unreachable", common)
    fact = _fact(ranking, item, place, raw)
    return Message("explain.criterion", {**common, "fact": fact})


def _fact(ranking: Ranking, item: ChosenCriterion, place: int, raw: float) -> Message:
    """What was measured, said in words where there are better ones than a number."""
    value = Quantity(raw, item.criterion.unit)
    name = item.name
    if name in _IN_WORDS:
        return _IN_WORDS[name](ranking, place, value)
    facility = None
    if name.startswith(("minutes_to_", "km_to_")):
        facility = ranking.sites.nearest_name(item.criterion.subject or "", place)
    if facility is not None:
        return Message("fact.nearest", {"value": value, "facility": facility})
    return Message("fact.value", {"value": value})


def _say_fit(ranking: Ranking, place: int, _: Quantity) -> Message:
    fit = industry_fit(ranking.sites)[place] or "none"
    return Message(f"fact.fit_{fit}", {"industry": named_industry(ranking.project.industry_code)})


def _say_focus(ranking: Ranking, place: int, _: Quantity) -> Message:
    effect = ranking.effects[ranking.sites.candidates[place].park_id or ""]
    values = {
        "before": Quantity(effect.before.share or 0.0, "share"),
        "after": Quantity(effect.after.share or 0.0, "share"),
        "verdict": Message(f"verdict.{effect.after.verdict}"),
        "basis": Message(f"basis.{effect.basis}"),
    }
    return Message("fact.focus", values)


def _say_chain(ranking: Ranking, _: int, value: Quantity) -> Message:
    suppliers, customers = chain_partners(ranking.sites)
    links = len(suppliers) + len(customers)
    return Message("fact.chain", {"count": round(value.value), "links": links})


_IN_WORDS: Mapping[str, Callable[[Ranking, int, Quantity], Message]] = MappingProxyType(
    {
        "industry_fit": _say_fit,
        "focus_effect": _say_focus,
        "chain_affinity": _say_chain,
        "capacity_fit": lambda _, __, value: Message("fact.capacity", {"value": value}),
        "competition": lambda _, __, value: Message("fact.rivals", {"value": value}),
        "geohazard_grade": lambda _, __, value: Message(f"fact.geohazard_{round(value.value)}"),
    }
)
