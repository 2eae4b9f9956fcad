"""Parks given another industry or outline, or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.scenarios.changes import GEOMETRY
from geo_service.scenarios.drawn import drawn_shape
from geo_service.scenarios.refusal import EditRefusal, refuse
from geo_service.scenarios.steps.known import need
from geo_service.schema import SCHEMAS
from geo_service.wording import said
from geo_service.workspace.reading import read_values

if TYPE_CHECKING:
    from geo_service.scenarios.edits import ClosePark, ReshapePark, SetLeadingIndustry
    from geo_service.scenarios.workbench import Workbench

LAYER = "parks"
_CLOSED = "closed"


def set_leading_industry(bench: Workbench, edit: SetLeadingIndustry) -> None:
    """Set what leads a park; supporting industries and speciality only where they are given."""
    need(bench, LAYER, edit.park_id, field="park_id")
    supporting = edit.supporting_industries
    given: dict[str, object] = {"leading_industry": edit.leading_industry}
    if supporting is not None:
        given["supporting_industries"] = (
            ";".join(supporting) if isinstance(supporting, list) else supporting
        )
    if edit.speciality is not None:
        given["speciality"] = edit.speciality
    values, faults = read_values(given, SCHEMAS[LAYER], is_whole=False)
    if faults:
        raise EditRefusal([(fault.column or "", fault.found, fault.expected) for fault in faults])
    if values["leading_industry"] is None:
        refuse("leading_industry", said("fault.none_given"), said("fault.industry_codes"))
    bench.put(LAYER, edit.park_id, **values)


def reshape(bench: Workbench, edit: ReshapePark) -> None:
    """Give a park another outline; features in it stay whose park their own rows name."""
    need(bench, LAYER, edit.park_id, field="park_id")
    shape = drawn_shape(bench, edit.geometry, LAYER, field=GEOMETRY)
    bench.put(LAYER, edit.park_id, geometry=shape)


def close(bench: Workbench, edit: ClosePark) -> None:
    """Mark a park as closed."""
    need(bench, LAYER, edit.park_id, field="park_id")
    if bench.cell(LAYER, edit.park_id, "status") == _CLOSED:
        refuse("park_id", said("scenario.closed_already"), said("scenario.open_park"))
    bench.put(LAYER, edit.park_id, status=_CLOSED)
