"""Scenarios read from YAML or JSON, with a line for each fault; and the schema of their form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from geo_service.documents import (
    Location,
    faults_of,
    nearest_name,
    parse_model,
    read_text,
    read_yaml,
)
from geo_service.errors import Fault, UnfitError
from geo_service.scenarios.edits import EDITS, MOST_NAME, MOST_TEXT, AnyEdit, EditPart, plain_text
from geo_service.scenarios.refusal import unusable_scenario
from geo_service.scenarios.scenario import Scenario, ScenarioBase
from geo_service.wording import quoted, said, shorten

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.model import Message

MOST_EDITS = 500
"""Edits of one scenario."""
Version = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]


class BaseFile(BaseModel):
    """The plan that a scenario's file begins with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan_version: Version
    layers: dict[str, Version] = Field(default_factory=dict)


class ScenarioFile(BaseModel):
    """A scenario as its file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str, Field(min_length=1, max_length=MOST_NAME, description="What it is called.")
    ]
    base: BaseFile | None = Field(
        default=None, description="The plan that it begins with; without it, the one given."
    )
    reason: Annotated[str, Field(max_length=MOST_TEXT, description="What it is for.")] = ""
    edits: list[AnyEdit] = Field(default_factory=list, max_length=MOST_EDITS)

    @field_validator("name", "reason")
    @classmethod
    def _is_text(cls, text: str) -> str:
        return plain_text(text)

    @field_validator("name")
    @classmethod
    def _is_not_blank(cls, text: str) -> str:
        if not text.strip():
            raise UnfitError(said("fault.blank"))
        return text

    @field_validator("base", mode="before")
    @classmethod
    def _may_be_a_version(cls, base: object) -> object:
        return {"plan_version": base} if isinstance(base, str) else base


def parse_scenario(text: str, file: str | None = None) -> Scenario:
    """Return a scenario's text (YAML or JSON) as a checked value; it is not applied yet.

    Raises
    ------
    ScenarioError
        Broken text, an unknown name, a missing or wrong value; every fault with its line.
    """
    name = file or said("fault.scenario")
    data, lines, faults = read_yaml(text, name)
    if not faults:
        known = lines if file else {}
        made, faults = _parsed(data, name, known)
        if made is not None and not faults:
            return made
    raise unusable_scenario(faults)


def open_scenario(path: Path) -> Scenario:
    """Return the scenario in a file; ScenarioError lists what is wrong with it."""
    text, faults = read_text(path)
    if faults:
        raise unusable_scenario(faults)
    return parse_scenario(text, path.name)


def scenario_of(document: Mapping[str, Any]) -> Scenario:
    """Return a scenario given as JSON values; ScenarioError as `parse_scenario`."""
    return parse_scenario(_as_text(document))


def edits_of(documents: Sequence[Mapping[str, Any]]) -> list[EditPart]:
    """Return edits given as JSON values; ScenarioError lists what is wrong with them."""
    return list(scenario_of({"name": "-", "edits": list(documents)}).edits)


def kept_edits(documents: Sequence[Mapping[str, Any]]) -> tuple[EditPart, ...]:
    """Return edits as `edit_document` told them; for documents that were checked before."""
    return tuple(EDITS[document["op"]].model_validate(document) for document in documents)


def _as_text(document: object) -> str:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        found = said("fault.json_says", words=shorten(str(error)))
        expected = said("fault.plain_data")
        raise unusable_scenario(
            [Fault(file=said("fault.scenario"), found=found, expected=expected)]
        ) from None


def _parsed(
    data: Any,  # noqa: ANN401 - plain data
    file: str | Message,
    lines: Mapping[Location, int],
) -> tuple[Scenario | None, list[Fault]]:
    """Return a scenario of plain data, or its faults; each edit is read by its own model."""
    whole = dict(data) if isinstance(data, dict) else data
    told = whole.pop("edits", None) if isinstance(whole, dict) else None
    head, faults = parse_model(ScenarioFile, whole, file, lines=lines)
    edits: list[EditPart] = []
    if told is not None and not isinstance(told, list):
        faults.append(_fault(file, lines, ("edits",), quoted(told), said("fault.list_type")))
        told = None
    if told is not None and len(told) > MOST_EDITS:
        found = said("scenario.edits_count", count=len(told))
        expected = said("scenario.most_edits", most=MOST_EDITS)
        return None, [*faults, _fault(file, lines, ("edits",), found, expected)]
    ids: set[str] = set()
    for number, item in enumerate(told or ()):
        made, wrong = _edit_of(item, file, lines, ("edits", number))
        faults += wrong
        if made is not None:
            if made.edit_id in ids:
                where = ("edits", number, "edit_id")
                expected = said("fault.each_id_once")
                faults.append(_fault(file, lines, where, quoted(made.edit_id), expected))
            ids |= {made.edit_id} if made.edit_id else set()
            edits.append(made)
    if head is None or faults:
        return None, faults
    base = None
    if head.base is not None:
        base = ScenarioBase(plan_version=head.base.plan_version, layers=head.base.layers)
    return Scenario(name=head.name, reason=head.reason, base=base, edits=tuple(edits)), []


def _edit_of(
    item: object,
    file: str | Message,
    lines: Mapping[Location, int],
    under: Location,
) -> tuple[EditPart | None, list[Fault]]:
    """Return one edit, by the model that its `op` names."""
    if not isinstance(item, dict):
        return None, [_fault(file, lines, under, quoted(item), said("fault.dict_type"))]
    op = item.get("op")
    model = EDITS.get(op) if isinstance(op, str) else None
    if model is None:
        found = said("fault.none_given") if op is None else quoted(op)
        expected = nearest_name(str(op or ""), list(EDITS))
        return None, [_fault(file, lines, (*under, "op"), found, expected)]
    try:
        return model.model_validate(item), []
    except ValueError as error:  # pydantic's
        return None, list(faults_of(error, model, file, lines=lines, under=under))  # type: ignore[arg-type]


def _fault(
    file: str | Message,
    lines: Mapping[Location, int],
    where: Location,
    found: Message,
    expected: Message,
) -> Fault:
    line = next((lines[where[:n]] for n in range(len(where), -1, -1) if where[:n] in lines), None)
    name = ".".join(str(part) for part in where)
    return Fault(file=file, line=line, column=name, found=found, expected=expected)


def scenario_schema(*, ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Return the JSON Schema of a scenario's file, for editors and forms."""
    schema = ScenarioFile.model_json_schema(ref_template=ref_template)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
