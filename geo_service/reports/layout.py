"""Layouts as JSON documents: terms, parks, projects and moves with reasons in words.

Every figure is in base units. Texts are made of the catalogue alone; what the data says is a
value of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geo_service.industry import classification
from geo_service.language import Language
from geo_service.layout.evaluate import SMALLER_IS_BETTER
from geo_service.layout.goals import TermName
from geo_service.layout.proposal import Proposal, verdicts_of
from geo_service.layout.solver import Status, gap_between
from geo_service.model import FocusBasis, Message, Quantity
from geo_service.reports.document import industry_name

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.layout.conflict import Clashing, ClashingSet
    from geo_service.layout.evaluate import Evaluation
    from geo_service.layout.explain import Why, WhyNotThere
    from geo_service.layout.fit import PlaceOffers
    from geo_service.layout.goals import Banned, Lock
    from geo_service.layout.model import Decision
    from geo_service.reports.document import Document
    from geo_service.zoning.review import Review

UNITS: Mapping[TermName, str] = {
    TermName.FIT: "parks",
    TermName.CHAINS: "pairs",
    TermName.SUITABILITY: "score",
    TermName.SPREAD: "townships",
    TermName.PLACED: "projects",
    TermName.MOVES: "enterprises",
    TermName.MOVE_COST: "CNY",
    TermName.COMPETITION: "pairs",
    TermName.CHANGES: "parks",
}
_FOCUS_UNITS = {
    FocusBasis.OUTPUT: "CNY",
    FocusBasis.LAND: "m²",
    FocusBasis.FLOOR_AREA: "m²",
    FocusBasis.ENTERPRISES: "enterprises",
}
_ROUND = 9


def unit_of(name: TermName, basis: FocusBasis) -> str:
    """Return the unit of a term."""
    return _FOCUS_UNITS[basis] if name is TermName.FOCUS else UNITS[name]


def layout_document(proposal: Proposal, translator: Translator) -> Document:
    """Return a layout, or why there is none, as the contract has it."""
    found, goals = proposal.found, proposal.goals
    return {
        **layout_summary(proposal, translator),
        "first_feasible_seconds": found.first_seconds,
        "nodes": found.nodes,
        "terms": _terms(proposal, translator),
        "stages": [
            {"name": one.name, "value": one.value, "bound": one.bound, "gap": one.gap}
            for one in found.stages
        ],
        "parks": _parks(proposal, translator),
        "projects": _projects(proposal, translator),
        "moves": _moves(proposal, translator),
        "firm": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "choice": one.choice,
                "share": round(one.share, _ROUND),
                "runs": one.runs,
                "is_firm": one.is_firm,
            }
            for one in proposal.firm
        ],
        "replacements": [
            {
                "kind": one.kind,
                "subject": one.subject,
                "choice": one.choice,
                "loses": _points(one.loses),
                "is_proven": one.is_proven,
            }
            for one in proposal.replacements
        ],
        "alternatives": [
            {
                "layout_id": f"{proposal.layout_id}.a{number}",
                "objective": other.evaluation.objective,
                "loss": _loss(proposal, other.evaluation),
                "parks": list(other.parks),
                "terms": _plain_terms(proposal, other.evaluation),
                **_decision_document(proposal, other.decision, translator),
            }
            for number, other in enumerate(proposal.alternatives, start=1)
        ],
        "front_lost": proposal.front_lost,
        "front": [
            {
                "layout_id": f"{proposal.layout_id}.f{number}",
                "terms": _plain_terms(proposal, point.evaluation),
                "is_proven": point.is_proven,
            }
            for number, point in enumerate(proposal.front, start=1)
        ],
        "conflict": [
            {
                "clash": number,
                "is_minimal": clash.is_minimal,
                **_clashing(proposal, one, translator),
            }
            for number, clash in enumerate(proposal.conflict, start=1)
            for one in clash.requirements
        ],
        "review": {
            "before": _verdicts(proposal.review_before),
            "after": _verdicts(proposal.review_after),
        },
        "notes": [translator.render(note) for note in _notes(proposal)],
        "goals": goals.model_dump(mode="json", exclude_unset=True),
    }


def layout_summary(proposal: Proposal, translator: Translator) -> Document:
    """Return what a list shows of a layout."""
    found, goals = proposal.found, proposal.goals
    return {
        "layout_id": proposal.layout_id,
        "name": goals.name,
        "plan_version": proposal.plan.version,
        "rulebook_version": proposal.rulebook.version,
        "as_of": proposal.as_of.isoformat(),
        "status": str(proposal.status),
        "status_words": translator.text(f"layout.status_{proposal.status}"),
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "seconds": round(proposal.seconds, 3),
        "seed": goals.solving.seed,
        "is_cut_short": found.is_cut_short,
    }


def _notes(proposal: Proposal) -> list[Message]:
    notes = [*proposal.options.notes]
    if proposal.found.is_cut_short and proposal.decision is not None:
        notes.append(Message("layout_note.cut_short"))
    unproven = sum(not point.is_proven for point in proposal.front)
    if unproven:
        notes.append(Message("layout_note.front_unproven", {"count": unproven}))
    if proposal.front_lost:
        notes.append(Message("layout_note.front_lost", {"count": proposal.front_lost}))
    if proposal.decision is not None:
        notes.append(Message("layout_note.freed_space"))
    return notes


def _terms(proposal: Proposal, translator: Translator) -> Document:
    basis = proposal.plan.settings.focus_basis
    return {
        str(name): {
            "label": translator.text(f"layout_term.{name}"),
            "before": proposal.before.terms[name],
            "after": None if proposal.after is None else proposal.after.terms[name],
            "unit": unit_of(name, basis),
            "is_wanted": name in proposal.goals.terms,
            "less_is_better": name in SMALLER_IS_BETTER,
        }
        for name in TermName
    }


def _plain_terms(proposal: Proposal, evaluation: Evaluation) -> Document:
    del proposal
    return {str(name): value for name, value in evaluation.terms.items()}


def _loss(proposal: Proposal, evaluation: Evaluation) -> float | None:
    return gap_between(proposal.after.objective if proposal.after else None, evaluation.objective)


def _decision_document(proposal: Proposal, decision: Decision, translator: Translator) -> Document:
    """Return what a decision changes; `names` are those of the industries and enterprises in it."""
    changed = {
        park.park_id: decision.leads[park.park_id]
        for park in proposal.model.parks
        if decision.leads.get(park.park_id) not in {None, park.today}
    }
    return {
        "leads": changed,
        "places": dict(sorted(decision.places.items())),
        "place_parks": {
            name: proposal.model.newcomer[name].by_id[place].park_id
            for name, place in sorted(decision.places.items())
        },
        "moves": dict(sorted(decision.moves.items())),
        "names": {
            **{code: industry_name(code, translator) for code in sorted({*changed.values()})},
            **{
                moved: translator.convert(proposal.model.tenant[moved].name)
                for moved in sorted(decision.moves)
            },
        },
    }


def _parks(proposal: Proposal, translator: Translator) -> list[Document]:
    specialities = dict(
        zip(
            proposal.plan.frame("parks")["park_id"],
            proposal.plan.frame("parks")["speciality"],
            strict=True,
        )
    )
    rows = []
    for row in proposal.parks.to_dict("records"):
        park_id = str(row["park_id"])
        why = proposal.why.get(("lead", park_id))
        now = specialities.get(park_id)
        proposed = _text(row["proposed"])
        said = proposal.specialities.get(park_id, _text(now))
        rows.append(
            {
                "park_id": park_id,
                "name": translator.convert(str(row["name"])),
                "leading_industry": _text(row["leading_industry"]),
                "leading_industry_name": industry_name(_text(row["leading_industry"]), translator),
                "proposed": proposed,
                "proposed_name": industry_name(proposed, translator),
                "is_changed": bool(row["is_changed"]),
                "speciality": None if said is None else translator.convert(said),
                "share_before": _number(row["share_before"]),
                "share_after": _number(row["share_after"]),
                "regret": None if why is None else _points(why.regret),
                "why": None if why is None else why_words(proposal, why, translator),
                "other": None if why is None else why.other,
            }
        )
    return rows


def _projects(proposal: Proposal, translator: Translator) -> list[Document]:
    rows = []
    for row in proposal.projects.to_dict("records"):
        why = proposal.why.get(("put", str(row["project"])))
        rows.append(
            {
                "project": row["project"],
                "candidate_id": _text(row["candidate_id"]),
                "park_id": _text(row["park_id"]),
                "score": _number(row["score"]),
                "regret": None if why is None else _points(why.regret),
                "why": translator.text("layout.not_placed")
                if why is None
                else why_words(proposal, why, translator),
                "other": None if why is None else why.other,
            }
        )
    return rows


def _moves(proposal: Proposal, translator: Translator) -> list[Document]:
    rows = []
    for row in proposal.moves.to_dict("records"):
        why = proposal.why.get(("move", str(row["enterprise_id"])))
        rows.append(
            {
                "enterprise_id": row["enterprise_id"],
                "name": translator.convert(str(row["name"])),
                "from": row["from"],
                "to": row["to"],
                "place": row["place"],
                "cost": row["cost_cny"],
                "regret": None if why is None else _points(why.regret),
                "why": None if why is None else why_words(proposal, why, translator),
            }
        )
    return rows


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) and cell == cell else None  # noqa: PLR0124 - NaN


def _points(value: float | None) -> float | None:
    return None if value is None else round(value, _ROUND) + 0.0


def why_words(proposal: Proposal, why: Why, translator: Translator) -> str:
    """Return why a decision was made: what it gains, and what the best other would lose."""
    gains = _gain_words(proposal, why.gains, translator)
    key = "why" if gains else "why_unchanged"
    first = translator.text(f"layout.{key}", gains=gains, points=_shown(why.points))
    gap = " " if translator.language is Language.EN else ""
    if why.other is None or why.regret is None:
        return first + gap + translator.text("layout.no_other")
    other: object = why.other
    if why.kind == "lead":
        other = _industry(why.other, translator)
    elif why.kind == "move" and why.other == proposal.model.tenant[why.subject].home:
        other = Message("layout.stays_in", {"park": why.other})
    regret = _shown(why.regret)
    key = "other" if regret else "other_equal"
    return first + gap + translator.text(f"layout.{key}", other=other, regret=regret)


def _industry(code: str, translator: Translator) -> str:
    return f"{code} {industry_name(code, translator) or classification().name(code)}"


def _gain_words(
    proposal: Proposal, gains: Mapping[TermName, float], translator: Translator
) -> list[str]:
    basis = proposal.plan.settings.focus_basis
    return [
        translator.text(
            "layout.gain",
            term=Message(f"layout_term.{name}"),
            sign="+" if amount > 0 else "\u2212",
            amount=Quantity(abs(amount), _word_unit(unit_of(name, basis))),
        )
        for name, amount in gains.items()
    ]


def _word_unit(unit: str) -> str | None:
    return unit if unit in {"CNY", "m²", "share"} else None


def _shown(points: float) -> float:
    return round(points, 3) + 0.0


def why_not_document(proposal: Proposal, found: WhyNotThere, translator: Translator) -> Document:
    """Return why a project is not in a park."""
    if found.reasons:
        text = translator.text("layout.why_not_law", park=found.park_id)
    elif found.candidate_id is None:
        text = _room_words(found, translator)
    elif found.occupied_by:
        text = translator.text("layout.why_not_taken", others=list(found.occupied_by))
    else:
        text = translator.text("layout.why_not_loses", points=_shown(found.loses or 0.0))
    return {
        "project": found.project,
        "park_id": found.park_id,
        "candidate_id": found.candidate_id,
        "why": text,
        "reasons": [
            {
                "rule_id": reason.rule_id,
                "detail": translator.render(reason.detail),
                "measure": dict(reason.measure),
            }
            for reason in found.reasons
        ],
        "room": None
        if found.room is None
        else {
            "largest": found.room.largest_m2,
            "whole": found.room.whole_m2,
            "needs": found.room.needs_m2,
            "unit": "m²",
        },
        "occupied_by": list(found.occupied_by),
        "loses": _points(found.loses),
        "terms": {str(name): value for name, value in found.terms.items()},
        "gains": _gain_words(proposal, found.terms, translator),
    }


def _room_words(found: WhyNotThere, translator: Translator) -> str:
    room = found.room
    if room is None or not room.whole_m2:
        needs = None if room is None else room.needs_m2
        return translator.text(
            "layout.why_not_full", park=found.park_id, needs=_figure(needs, "m²")
        )
    return translator.text(
        "layout.why_not_room",
        park=found.park_id,
        largest=Quantity(room.largest_m2, "m²"),
        whole=Quantity(room.whole_m2, "m²"),
        needs=Quantity(room.needs_m2, "m²"),
    )


def _verdicts(review: Review | None) -> Document | None:
    if review is None:
        return None
    return {str(verdict): count for verdict, count in verdicts_of(review).items()}


# ---- what clashes --------------------------------------------------------------------------------


def _clashing(proposal: Proposal, one: Clashing, translator: Translator) -> Document:
    unit = _clash_unit(proposal, one)
    return {
        "kind": one.kind,
        "subject": one.subject,
        "requirement": clash_words(proposal, one, translator),
        "has": one.has,
        "needs": one.needs,
        "unit": unit,
        "relaxation": one.relaxation,
        "relaxation_words": _relaxation_words(one, unit, translator),
    }


def _clash_unit(proposal: Proposal, one: Clashing) -> str | None:
    if one.kind == "group":
        return _FOCUS_UNITS[proposal.plan.settings.focus_basis]
    return one.unit


def clash_words(proposal: Proposal, one: Clashing, translator: Translator) -> str:
    """Return a requirement in words with its figures."""
    goals = proposal.goals
    values: dict[str, Any] = {
        "subject": one.subject,
        "has": _figure(one.has, _clash_unit(proposal, one)),
        "needs": _figure(one.needs, _clash_unit(proposal, one)),
    }
    if one.kind == "lock":
        values["subject"] = _told(goals.locks[int(one.subject)], translator)
    elif one.kind == "ban":
        values["subject"] = _told(goals.bans[int(one.subject)], translator)
    elif one.kind == "term":
        values["subject"] = Message(f"layout_term.{one.subject}")
    elif one.kind == "utility":
        parcel, _, column = one.subject.rpartition(" ")
        values |= {"subject": parcel, "column": Message(f"need.{column}")}
    elif one.kind == "room":
        park_id, _, kind = one.subject.rpartition(" ")
        values |= {"subject": park_id, "what": Message(f"layout_clash.{kind}")}
    return translator.text(f"layout_clash.{one.kind}", **values) + _law_words(
        proposal, one, translator
    )


def _law_words(proposal: Proposal, one: Clashing, translator: Translator) -> str:
    """Return the rule that makes a lock impossible, if one does."""
    if one.kind != "lock":
        return ""
    lock = proposal.goals.locks[int(one.subject)]
    found = proposal.options.unlawful.get((lock.park or "", lock.leading_industry or ""))
    if found is None:
        return ""
    gap = " " if translator.language is Language.EN else ""
    return gap + translator.text("layout_clash.by_law", rule=found.rule_id, detail=found.detail)


def _told(rule: Lock | Banned, translator: Translator) -> list[Message]:
    """Return a lock or ban as the words of its parts."""
    told = rule.model_dump(exclude_none=True)
    code = told.get("leading_industry")
    if code is not None:
        told["leading_industry"] = _industry(code, translator)
    return [Message(f"layout_clash.of_{name}", {"value": value}) for name, value in told.items()]


def _figure(value: float | None, unit: str | None) -> object:
    return "?" if value is None else Quantity(value, _word_unit(unit or ""))


def _relaxation_words(one: Clashing, unit: str | None, translator: Translator) -> str:
    if one.relaxation is None:
        return translator.text("layout_clash.no_relaxation")
    if one.kind in {"lock", "ban", "required", "fire", "option"}:
        return translator.text("layout_clash.drop")
    key = "raise" if one.kind in {"room", "utility", "moves", "same_industry", "place"} else "lower"
    return translator.text(f"layout_clash.{key}", amount=_figure(one.relaxation, unit))


def clash_lines(clash: ClashingSet, proposal: Proposal, translator: Translator) -> list[str]:
    """Return a clash as lines: each requirement, and the least that would cure it."""
    return [
        f"{clash_words(proposal, one, translator)} "
        f"{_relaxation_words(one, _clash_unit(proposal, one), translator)}"
        for one in clash.requirements
    ]


# ---- one more project ----------------------------------------------------------------------------


def offers_document(found: PlaceOffers, translator: Translator, *, top: int | None) -> Document:
    """Return the places of one more project, best first."""
    ranking = found.ranking
    basis = ranking.plan.settings.focus_basis
    return {
        "project": ranking.project.name,
        "plan_version": ranking.plan.version,
        "rulebook_version": ranking.rulebook.version,
        "as_of": ranking.as_of.isoformat(),
        "numberMatched": len(found.offers),
        "candidates": [
            {
                "rank": number,
                "candidate_id": offer.candidate_id,
                "park_id": offer.park_id,
                "score": offer.score,
                "points": _points(offer.points),
                "terms": {
                    str(name): {
                        "label": translator.text(f"layout_term.{name}"),
                        "gain": gain,
                        "unit": unit_of(name, basis),
                    }
                    for name, gain in offer.gains.items()
                },
            }
            for number, offer in enumerate(found.offers[:top], start=1)
        ],
        "excluded": len(ranking.excluded),
        "forbidden": len(found.forbidden),
    }


__all__ = [
    "Proposal",
    "Status",
    "clash_lines",
    "layout_document",
    "layout_summary",
    "offers_document",
    "why_not_document",
    "why_words",
]
