"""Conversion: vacant parcels whose present use, by the land survey, is still farmland.

The survey shows the present use, not the planned one: such a parcel is no breach, its farmland
has to have been converted. Mapped farmland under parcels is a control zone (`control_zone`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from geo_service.industry import are_within
from geo_service.model import Message, Subject, Verdict
from geo_service.zoning.batch import RawFinding
from geo_service.zoning.check import Case, Check, Outcome, Parameters, text_or_none
from geo_service.zoning.names import named_land_use

if TYPE_CHECKING:
    import geopandas as gpd

_SURVEY = "survey3"


class ConversionParameters(Parameters):
    """Which codes of the land survey are farmland (农用地), by prefix."""

    farmland: tuple[str, ...] = Field(min_length=1)


def unconverted(case: Case, parameters: ConversionParameters) -> Outcome:
    """A vacant parcel is not farmland by the survey, or somebody looks at its conversion."""
    parcels = case.plan.metric("parcels")
    asked = parcels[
        case.in_scope(parcels["park_id"])
        & (parcels["status"] == "vacant").to_numpy(dtype=bool)
        & (parcels["land_use_scheme"] == _SURVEY).to_numpy(dtype=bool)
    ]
    outcome = Outcome.of("parcels", asked)
    found: gpd.GeoDataFrame = asked[are_within(asked["land_use"], parameters.farmland)]
    areas_m2 = case.shared.area_m2(found.geometry)
    for parcel_id, park_id, code, shape, area_m2 in zip(
        found["parcel_id"],
        found["park_id"],
        found["land_use"],
        found.geometry,
        areas_m2,
        strict=True,
    ):
        values = {"use": named_land_use(_SURVEY, code)}
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=text_or_none(park_id),
                subject=Subject("parcels", parcel_id),
                title=Message("finding.unconverted", values),
                evidence={
                    "measure": "land_use",
                    "value": code,
                    "unit": None,
                    "threshold": [],
                    "scheme": _SURVEY,
                    "subject_area_m2": float(area_m2),
                },
                cure=Message("cure.zone_conversion", values),
                geometry=shape,
            )
        )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {"unconverted": Check(ConversionParameters, unconverted)}
)
