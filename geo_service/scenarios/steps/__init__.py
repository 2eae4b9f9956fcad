"""What each kind of edit does to rows, and what must hold before it may.

`STEPS` is the one list: an edit's class, and the function that makes it on a workbench. A step
checks first and writes then; where it cannot be made it raises `EditRefusal`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from geo_service.scenarios import edits
from geo_service.scenarios.steps import additions, enterprises, parcels, parks, projects, values
from geo_service.scenarios.workbench import Workbench

Step = Callable[[Workbench, Any], None]

STEPS: Mapping[type[edits.EditPart], Step] = MappingProxyType(
    {
        edits.MoveEnterprise: enterprises.move,
        edits.CloseEnterprise: enterprises.close,
        edits.SetLeadingIndustry: parks.set_leading_industry,
        edits.ReshapePark: parks.reshape,
        edits.ClosePark: parks.close,
        edits.RezoneParcel: parcels.rezone,
        edits.SplitParcel: parcels.split,
        edits.MergeParcels: parcels.merge,
        edits.AddEnterprise: additions.add_enterprise,
        edits.AddBuilding: additions.add_building,
        edits.AddPark: additions.add_feature,
        edits.AddFacility: additions.add_feature,
        edits.AddRoad: additions.add_feature,
        edits.AddZone: additions.add_feature,
        edits.PlaceProject: projects.place,
        edits.SetValue: values.set_value,
    }
)
