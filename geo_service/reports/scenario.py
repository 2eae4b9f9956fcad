"""Scenarios as JSON documents: edits in words, what becomes of findings, conflicts, comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shapely.geometry.base import BaseGeometry

from geo_service.model import Message
from geo_service.reports.document import finding_properties, geometry_json, review_summary
from geo_service.scenarios import edits as kinds
from geo_service.scenarios.causes import NOBODY, EditCause
from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.differences import FindingChange, count_kinds
from geo_service.scenarios.edits import EditPart, edit_document, subject_of
from geo_service.scenarios.expects import name_of, told_cell
from geo_service.scenarios.figures import room_of
from geo_service.schema import SCHEMAS
from geo_service.wording import said, tell_fault
from geo_service.zoning.names import named_column, named_industry, named_land_use

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.scenarios.compare import Alternative, SideBySide
    from geo_service.scenarios.rebase import Clash, Conflict, Resolution
    from geo_service.zoning.review import Review

_NAMED = {"enterprises": "enterprise_id", "parks": "park_id", "buildings": "building_id"}


class Names:
    """What features of a plan are called, for sentences about edits; an id without a name."""

    def __init__(self, plan: Plan | None) -> None:
        self._plan = plan
        self._known: dict[str, dict[str, str]] = {}

    def of(self, layer: str, identity: str) -> Message:
        """Return a feature's name with its id."""
        name = self._names(layer).get(identity)
        if not name or name == identity:
            return said("name.code", code=identity)
        return said("edit.named", name=name, id=identity)

    def _names(self, layer: str) -> dict[str, str]:
        key = _NAMED.get(layer)
        if self._plan is None or key is None:
            return {}
        if layer not in self._known:
            frame = self._plan.frame(layer)
            names = zip(frame[key].tolist(), frame["name"].tolist(), strict=True)
            self._known[layer] = {one: name for one, name in names if isinstance(name, str)}
        return self._known[layer]


def edit_message(edit: EditPart, names: Names) -> Message:
    """Return what an edit does, as a sentence."""
    told = _SENTENCES.get(type(edit))
    return said(f"edit.{edit.op}", **(told(edit, names) if told else {}))  # type: ignore[attr-defined]


def _of_move(edit: kinds.MoveEnterprise, names: Names) -> dict[str, object]:
    if edit.park_id is not None:
        place = names.of("parks", edit.park_id)
    elif edit.parcel_id is not None:
        place = said("edit.on_parcel", parcel=edit.parcel_id)
    else:
        building = names.of("buildings", edit.building_id or "")
        place = said("edit.on_floor", building=building, floor=edit.floor_no)
    return {"name": names.of("enterprises", edit.enterprise_id), "place": place}


def _of_feature(edit: kinds.AddingPart, _: Names) -> dict[str, object]:
    layer = edit.layer_of
    told = edit.feature.properties
    name = told.get("name") or next(
        (told[key] for key in ("park_id", "enterprise_id", "building_id") if key in told), ""
    )
    return {"label": said(f"layer.{layer}"), "name": str(name)}


def _of_industry(edit: kinds.SetLeadingIndustry, names: Names) -> dict[str, object]:
    park, industry = names.of("parks", edit.park_id), named_industry(edit.leading_industry)
    return {"name": park, "industry": industry}


def _of_value(edit: kinds.SetValue, names: Names) -> dict[str, object]:
    value = said("fault.no_value") if edit.value is None else str(edit.value)
    name = names.of(edit.layer, edit.id)
    return {"name": name, "column": _column(edit.layer, edit.column), "value": value}


def _column(layer: str, column: str) -> Message:
    """Return what a column is called; one that the layer does not have goes by its own name."""
    schema = SCHEMAS.get(layer)
    if column == GEOMETRY:
        return said("compared.shape")
    is_known = schema is not None and column in schema.columns
    return named_column(column) if is_known else said("name.code", code=column)


_SENTENCES: Mapping[type[EditPart], Any] = {
    kinds.MoveEnterprise: _of_move,
    kinds.CloseEnterprise: lambda edit, names: {
        "name": names.of("enterprises", edit.enterprise_id)
    },
    kinds.SetLeadingIndustry: _of_industry,
    kinds.RezoneParcel: lambda edit, _: {
        "parcel": edit.parcel_id,
        "use": named_land_use(edit.land_use_scheme or "planning2023", edit.land_use),
    },
    kinds.SplitParcel: lambda edit, _: {"parcel": edit.parcel_id},
    kinds.MergeParcels: lambda edit, _: {"parcels": list(edit.parcel_ids)},
    kinds.ReshapePark: lambda edit, names: {"name": names.of("parks", edit.park_id)},
    kinds.ClosePark: lambda edit, names: {"name": names.of("parks", edit.park_id)},
    kinds.PlaceProject: lambda edit, _: {
        "name": edit.project.name,
        "candidate": edit.candidate_id,
    },
    kinds.SetValue: _of_value,
    **dict.fromkeys(
        (
            kinds.AddEnterprise,
            kinds.AddPark,
            kinds.AddBuilding,
            kinds.AddFacility,
            kinds.AddRoad,
            kinds.AddZone,
        ),
        _of_feature,
    ),
}


def edit_documents(
    edits: Sequence[EditPart], plan: Plan | None, translator: Translator
) -> list[Document]:
    """Return edits as JSON values, each with a sentence of what it does (`text`)."""
    names = Names(plan)
    found = []
    for edit in edits:
        layer, ids = subject_of(edit)
        told = {**edit_document(edit), "text": translator.render(edit_message(edit, names))}
        told["subject"] = {"layer": layer, "ids": list(ids)}
        found.append(told)
    return found


def history_note(
    name: str, scenario_id: str, reason: str, edits: Sequence[EditPart], *, key: str
) -> str:
    """Return the note of a publication: the scenario, its edits and their reasons.

    It is kept as it is and never translated, so it holds the people's own words and plain names.
    """
    head = f"{key} {name} [{scenario_id}]" + (f": {reason}" if reason else "")
    lines = [f"{edit.edit_id} {edit.op}: {edit.reason}" for edit in edits]  # type: ignore[attr-defined]
    return "\n".join([head, *lines])


# ---- what becomes of findings -----------------------------------------------------------------


def changes_document(
    changes: Sequence[FindingChange],
    causes: Mapping[str, EditCause],
    translator: Translator,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Document:
    """Return what becomes of findings, each with the edits that bring it about."""
    listed = changes[offset:] if limit is None else changes[offset : offset + limit]
    return {
        "counts": count_kinds(changes),
        "numberMatched": len(changes),
        "numberReturned": len(listed),
        "changes": [_change(one, causes.get(one.key, NOBODY), translator) for one in listed],
    }


def _change(change: FindingChange, cause: EditCause, translator: Translator) -> Document:
    return {
        "kind": change.kind.value,
        **finding_properties(change.finding, translator),
        "before": _state(change.before),
        "after": _state(change.after),
        "caused_by": list(cause.edit_ids),
        "is_together": cause.is_together,
    }


def _state(finding: Any) -> Document | None:  # noqa: ANN401 - a finding or none
    if finding is None:
        return None
    evidence = {
        name: finding.evidence.get(name) for name in ("measure", "value", "unit", "threshold")
    }
    return {"verdict": finding.verdict.value, **evidence}


def outcome_document(
    before: Review, after: Review, translator: Translator, parks: Sequence[str]
) -> Document:
    """Return how a scenario's plan is judged, beside the plan it begins with.

    `parks` are those that it touches: their focus and what is free in them is told as well.
    """
    old, new = before.park_verdicts, after.park_verdicts
    names = _park_names(before) | _park_names(after)
    return {
        **review_summary(after, translator),
        "base_review_id": before.review_id,
        "base_verdicts": dict(before.verdicts),
        "base_findings_count": len(before.results),
        "parks": [
            {
                "park_id": park_id,
                "name": names[park_id],
                "before": _value(old.get(park_id)),
                "after": _value(new.get(park_id)),
                "is_touched": park_id in parks,
                "focus": {
                    "before": _focus(before, park_id),
                    "after": _focus(after, park_id),
                },
                "room": {"before": _room(before, park_id), "after": _room(after, park_id)},
            }
            for park_id in dict.fromkeys([*old, *new])
            if park_id in parks or old.get(park_id) is not new.get(park_id)
        ],
        "room": {"before": _room(before, None), "after": _room(after, None)},
    }


def _focus(review: Review, park_id: str) -> Document | None:
    found = review.focus.get(park_id)
    if found is None:
        return None
    return {
        "leading_industry": ";".join(found.declared) or None,
        "basis": found.basis.value,
        "share": found.shares[found.basis],
        "top_industry": found.top_industry,
        "hhi": found.hhi,
        "enterprise_count": found.enterprise_count,
        "verdict": review.focus_verdicts[park_id].value,
    }


def _room(review: Review, park_id: str | None) -> Document:
    found = room_of(review.plan, park_id)
    return {"free_land_m2": found.free_land_m2, "vacant_floor_m2": found.vacant_floor_m2}


def _park_names(review: Review) -> dict[str, str]:
    parks = review.plan.frame("parks")
    return dict(zip(parks["park_id"], parks["name"], strict=True))


def _value(verdict: Any) -> str | None:  # noqa: ANN401 - a verdict or none
    return None if verdict is None else str(verdict.value)


# ---- conflicts --------------------------------------------------------------------------------


def conflict_document(
    conflict: Conflict,
    reviews: Mapping[Resolution, Review | None],
    plan: Plan,
    translator: Translator,
) -> Document:
    """Return a conflict: base, ours and theirs of values, and the verdicts under each choice."""
    edit = conflict.edit
    return {
        "edit_id": edit.edit_id,
        "op": edit.op,  # type: ignore[attr-defined]
        "reason": edit.reason,
        "text": translator.render(edit_message(edit, Names(plan))),
        "can_stay": conflict.can_stay,
        "refusal": [tell_fault(fault, translator) for fault in conflict.refusal],
        "values": [_clash(clash, translator) for clash in conflict.clashes],
        "verdicts": {side.value: _judged(review) for side, review in reviews.items()},
        "parks": _disagreeing(reviews),
    }


def _clash(clash: Clash, translator: Translator) -> Document:
    told: Document = {"layer": clash.layer, **name_of(clash.layer, clash.key)}
    told["column"] = clash.column
    if clash.column is not None:
        told["label"] = translator.render(_column(clash.layer, clash.column))
    for side in ("base", "ours", "theirs"):
        told[side] = _side(getattr(clash, side))
    return told


def _side(value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return a value of one side; a shape as GeoJSON."""
    if isinstance(value, BaseGeometry):
        return geometry_json([value])[0]
    return told_cell(value)


def _judged(review: Review | None) -> Document | None:
    if review is None:
        return None
    return {"verdicts": dict(review.verdicts), "findings_count": len(review.results)}


def _disagreeing(reviews: Mapping[Resolution, Review | None]) -> list[Document]:
    """Return the parks whose verdict is another under each choice."""
    told = {side: review.park_verdicts for side, review in reviews.items() if review is not None}
    if len(told) != len(reviews):
        return []
    parks = dict.fromkeys(park for verdicts in told.values() for park in verdicts)
    return [
        {"park_id": park, **{side.value: _value(told[side].get(park)) for side in told}}
        for park in parks
        if len({told[side].get(park) for side in told}) > 1
    ]


# ---- side by side -----------------------------------------------------------------------------


def side_by_side_document(found: SideBySide, translator: Translator) -> Document:
    """Return alternatives beside each other: verdicts, measures, costs, what is in one only."""
    keys = [one.key for one in found.alternatives]
    verdicts = found.verdicts
    differing = set(found.differing.index)
    return {
        "alternatives": [_alternative(one) for one in found.alternatives],
        "parks": [
            {
                "park_id": park_id,
                "name": row["name"],
                "verdicts": {key: row[key] for key in keys},
                "differs": park_id in differing,
            }
            for park_id, row in verdicts.to_dict("index").items()
        ],
        "measures": _rows(found.measures.to_dict("index"), "measure", translator),
        "costs": _rows(found.costs.to_dict("index"), "cost", translator),
        "only_in": {
            one.key: [_change(change, NOBODY, translator) for change in found.only_in(one.key)]
            for one in found.alternatives
            if one.scenario is not None
        },
        "text": translator.render(compared_message(found)),
    }


def _alternative(one: Alternative) -> Document:
    return {
        "key": one.key,
        "name": one.name,
        "review_id": one.review.review_id,
        "plan_version": one.review.plan.version,
        "base_plan_version": one.base.plan.version,
        "verdicts": dict(one.review.verdicts),
        "findings_count": len(one.review.results),
        "changes": count_kinds(one.changes),
        "edits": None if one.scenario is None else len(one.scenario.enabled),
    }


def _rows(
    table: Mapping[Any, Mapping[Any, Any]], prefix: str, translator: Translator
) -> list[Document]:
    return [
        {
            prefix: str(name),
            "label": translator.text(f"{prefix}_of_plan.{name}"),
            "unit": unit_of(str(name)),
            "values": {str(key): value for key, value in row.items()},
        }
        for name, row in table.items()
    ]


def unit_of(name: str) -> str | None:
    """Return the unit of a measure or a cost, which its name ends with."""
    if name.endswith("_m2"):
        return "m²"
    if name.endswith("_cny"):
        return "CNY"
    return "share" if name == "leading_share" else None


def compared_message(found: SideBySide) -> Message:
    """Return in one sentence what a comparison shows."""
    parts = [
        said(
            "edit.compared_one",
            name=one.name if one.scenario is not None else said("edit.the_plan"),
            fail=one.review.verdicts["fail"],
            passed=one.review.verdicts["pass"],
        )
        for one in found.alternatives
    ]
    return said("edit.compared", parts=parts, parks=len(found.differing))
