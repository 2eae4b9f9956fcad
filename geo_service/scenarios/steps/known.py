"""What steps ask again and again: that a feature is there, and new ids that no other one has."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from geo_service.domain.enterprises import CLOSED
from geo_service.model import Message
from geo_service.scenarios.refusal import EditRefusal, refuse
from geo_service.schema import SCHEMAS
from geo_service.wording import quoted, said
from geo_service.workspace.reading import read_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_service.scenarios.edits import EditPart
    from geo_service.scenarios.workbench import Workbench

_LONGEST_ID = 128
_TAG = 8


def need(bench: Workbench, layer: str, key: str, *, field: str) -> None:
    """Refuse an edit of a feature that is not there."""
    if not bench.has(layer, key):
        expected = said("scenario.known_feature", label=Message(f"layer.{layer}"), layer=layer)
        refuse(field, quoted(key), expected)


def need_enterprise(bench: Workbench, enterprise_id: str, *, field: str = "enterprise_id") -> str:
    """Return the row of an enterprise that is open; refused when there is none such."""
    key = bench.latest(enterprise_id)
    if key is None:
        expected = said(
            "scenario.known_feature", label=Message("layer.enterprises"), layer="enterprises"
        )
        refuse(field, quoted(enterprise_id), expected)
    if bench.cell("enterprises", key, "status") == CLOSED:
        refuse(field, quoted(enterprise_id), said("scenario.open_enterprise"))
    return key


def new_id(bench: Workbench, edit: EditPart, layer: str, stem: str, number: int = 0) -> str:
    """Return an id for a feature that an edit makes, which no other edit can make.

    It is made of the edit's own id, so that the same edit makes the same features anywhere.
    """
    told = f"{edit.edit_id}|{layer}|{stem}|{number}"
    tag = hashlib.sha256(told.encode()).hexdigest()[:_TAG]
    found = f"{stem[: _LONGEST_ID - _TAG - 1]}~{tag}"
    if bench.has(layer, found):
        refuse("edit_id", quoted(edit.edit_id), said("scenario.free_id"))
    return found


def read_row(
    bench: Workbench, layer: str, given: Mapping[str, Any], *, field: str
) -> dict[str, Any]:
    """Return a whole row of a layer from a feature's properties.

    Refused, with every reason: a name that is no column, values that the schema does not take,
    references to what is not there.
    """
    schema = SCHEMAS[layer]
    strange = sorted(set(given) - set(schema.columns))
    reasons = [
        (f"{field}.{name}"[:120], said("fault.other_column"), said("fault.own_columns"))
        for name in strange
    ]
    row, faults = read_values(given, schema, is_whole=True)
    reasons += [(f"{field}.{one.column}", one.found, one.expected) for one in faults]
    reasons += lost_references(bench, layer, row, field=field)
    if reasons:
        raise EditRefusal(reasons)
    return row


def lost_references(
    bench: Workbench, layer: str, row: Mapping[str, Any], *, field: str
) -> list[tuple[str, Message, Message]]:
    """Return the reasons against values that refer to what is not there."""
    reasons = []
    for item in SCHEMAS[layer].fields:
        value = row.get(item.name)
        if value is None or item.refers_to is None or bench.refers(layer, item.name, value):
            continue
        other, _, column = item.refers_to.partition(".")
        expected = said(
            "fault.reference", column=column, layer=other, label=Message(f"layer.{other}")
        )
        reasons.append((f"{field}.{item.name}" if field else item.name, quoted(value), expected))
    return reasons
