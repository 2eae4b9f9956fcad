"""One column of one feature set to a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.documents import nearest_name
from geo_service.scenarios.refusal import EditRefusal, refuse
from geo_service.scenarios.steps.known import lost_references, need
from geo_service.schema import ONCE_FREE_GRADES, SCHEMAS, ZONE_GRADES, ColumnKind
from geo_service.wording import quoted, said
from geo_service.workspace.reading import read_values

if TYPE_CHECKING:
    from geo_service.scenarios.edits import SetValue
    from geo_service.scenarios.workbench import Workbench


def set_value(bench: Workbench, edit: SetValue) -> None:
    """Set a column that is no part of the key; the schema says which values it takes."""
    if edit.layer not in SCHEMAS:
        refuse("layer", quoted(edit.layer), nearest_name(edit.layer, list(SCHEMAS)))
    schema = SCHEMAS[edit.layer]
    open_columns = [name for name in schema.columns if name not in schema.key]
    if edit.column not in open_columns:
        refuse("column", quoted(edit.column), nearest_name(edit.column, open_columns))
    key = row_of(bench, edit)
    item = schema.field(edit.column)
    given = edit.value
    if isinstance(given, bool) and item.kind is not ColumnKind.BOOLEAN:
        refuse("value", quoted(given), said("scenario.value_of_kind", kind=item.kind.value))
    values, faults = read_values({edit.column: given}, schema, is_whole=False)
    reasons = [("value", fault.found, fault.expected) for fault in faults]
    lost = lost_references(bench, edit.layer, values, field="")
    reasons += [("value", found, expected) for _, found, expected in lost]
    if reasons:
        raise EditRefusal(reasons)
    value = values[edit.column]
    _check_alone(bench, edit, key, value)
    bench.put(edit.layer, key, **{edit.column: value})


def row_of(bench: Workbench, edit: SetValue) -> str:
    """Return the id of the row that an edit sets a column of; refused where there is none."""
    if edit.layer == "enterprises" and "/" not in edit.id:
        latest = bench.latest(edit.id)
        key = latest if edit.year is None and latest else f"{edit.id}/{edit.year}"
    else:
        key = edit.id
    need(bench, edit.layer, key, field="id")
    return key


def _check_alone(bench: Workbench, edit: SetValue, key: str, value: object) -> None:
    """Refuse what no other value of the row goes with: a grade of another kind, too much room."""
    if edit.layer == "floors" and edit.column in {"area_m2", "vacant_m2"}:
        row = {name: bench.cell("floors", key, name) for name in ("area_m2", "vacant_m2")}
        row[edit.column] = value
        area, vacant = row["area_m2"], row["vacant_m2"]
        if area is not None and vacant is not None and vacant > area:
            refuse("value", quoted(value), said("fault.no_more_vacant"))
    if edit.layer == "control_zones" and edit.column in {"kind", "grade"}:
        row = {name: bench.cell("control_zones", key, name) for name in ("kind", "grade")}
        row[edit.column] = value
        grades = ZONE_GRADES.get(str(row["kind"]), ())
        is_free = row["kind"] in ONCE_FREE_GRADES or not grades
        if not is_free and row["grade"] is not None and row["grade"] not in grades:
            refuse("value", quoted(value), nearest_name(str(row["grade"]), list(grades)))
