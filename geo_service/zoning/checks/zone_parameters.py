"""The parameters of a rule about control zones."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from geo_service.documents import nearest_name
from geo_service.errors import UnfitError
from geo_service.schema import ZONE_KINDS
from geo_service.wording import said
from geo_service.zoning.check import IndustryPrefix, Parameters
from geo_service.zoning.standing import Ban


class ExceptionsPart(Parameters):
    """What may lie in a zone all the same: land uses, and industries by code prefix."""

    land_uses: tuple[str, ...] = ()
    industries: tuple[IndustryPrefix, ...] = ()


def _known_kind(kind: str) -> str:
    if kind not in ZONE_KINDS:
        msg = said("fault.unknown_zone_kind", near=nearest_name(kind, ZONE_KINDS))
        raise UnfitError(msg)
    return kind


class ZoneParameters(Parameters):
    """Which zones, by kind and grade, which subjects, and what an overlap means.

    `verdicts` maps a grade to what an overlap with it means; the grade `*` stands for
    any. A zone without a grade gives `unknown` where grades are told apart.
    """

    kind: Annotated[str, AfterValidator(_known_kind)]
    verdicts: dict[str, Literal["fail", "watch", "unknown"]] = Field(min_length=1)
    subjects: tuple[Literal["parks", "parcels", "buildings", "enterprises"], ...] = (
        "parks",
        "parcels",
        "buildings",
    )
    """Of enterprises those that stand on no known parcel or building."""
    exceptions: ExceptionsPart = ExceptionsPart()
    only: Ban | None = None
    """What the zones ban; everything if None."""
    parcel_statuses: tuple[Literal["vacant", "built", "idle"], ...] = ()
    """The statuses of parcels that the rule is about; all if empty."""
    unmapped: Literal["unknown", "pass"] = "unknown"
    """What it means that no zone of the kind is mapped, unless the layer is said to be complete."""
    cover_all: bool = False
    """Whether zones of the kind cover the whole county, so that ground in none is `unknown`."""
