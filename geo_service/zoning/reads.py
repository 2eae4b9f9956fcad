"""What each check reads of a plan, and whether it judges park by park.

A review of a changed plan (`renewal`) runs a check again only if something that it reads has
changed, and one that judges park by park only for what the change can reach. A check that is not
listed reads everything. What a rule's scope reads is added for every check; settings, the day and
parameters do not change between a review and its renewal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geo_service.schema import CONTRACT_VALUES
from geo_service.zoning.focus import FOCUS_READS
from geo_service.zoning.standing import BAN_COLUMNS, Ban

if TYPE_CHECKING:
    from geo_service.plan import Reads
    from geo_service.zoning.rulebook import Rule


class RuleReach(Enum):
    """How far a change of one row can alter what a check says."""

    PLAN = "plan"
    """Anything may change: the check is run on the whole plan."""
    PARK = "park"
    """What is said of a park, and of what is in no park, depends on rows of that park, on rows
    that stand on the same ground, and on layers that have no parks."""
    ROW = "row"
    """What is said of a row depends on it and on single other rows: the check itself finds them."""


@dataclass(frozen=True)
class Reading:
    """What a check reads with some parameters, and its reach."""

    reads: Callable[[Any], Reads]
    reach: RuleReach = RuleReach.PARK


def reading_of(rule: Rule) -> tuple[Reads | None, RuleReach]:
    """Return the layers and columns that a rule reads, None for all, and its reach."""
    known = READINGS.get((rule.part.family, rule.part.check))
    if known is None:
        return None, RuleReach.PLAN
    scope = rule.part.scope
    columns = {"park_id"}
    columns |= {"tier"} if scope.tiers else set()
    columns |= {"leading_industry"} if scope.industries else set()
    return joined(known.reads(rule.parameters), {"parks": frozenset(columns)}), known.reach


def columns(**layers: str) -> Reads:
    """Return reads from the names of columns by layer, separated by blanks; `*` for all."""
    return {
        layer: None if names == "*" else frozenset(names.split()) for layer, names in layers.items()
    }


def joined(*several: Reads) -> Reads:
    """Return everything that several reads name."""
    whole: dict[str, frozenset[str] | None] = {}
    for reads in several:
        for layer, names in reads.items():
            known = whole.get(layer, frozenset())
            whole[layer] = None if names is None or known is None else known | names
    return whole


ACTIVE = columns(enterprises="enterprise_id year status park_id")
"""Which enterprises count."""
FOCUS: Reads = FOCUS_READS
"""What the focus of parks is measured of."""
LEADING = columns(parks="leading_industry")
"""What tells a park's leading industry."""
TENANTS = joined(
    ACTIVE,
    columns(
        enterprises="name parcel_id building_id geometry",
        parcels="parcel_id geometry",
        buildings="building_id parcel_id",
    ),
)
"""What tells on which ground an enterprise stands."""
_ENCLAVE = columns(parks="geometry enclave_partner enclave_terms", county="*")
_RIVERS = columns(rivers="*")
_PARCEL_CODES = joined(ACTIVE, columns(enterprises="parcel_id industry_code output_cny"), LEADING)


def _fixed(*several: Reads) -> Callable[[Any], Reads]:
    reads = joined(*several)
    return lambda _: reads


def _with(*several: Reads, **more: Callable[[Any], str]) -> Callable[[Any], Reads]:
    """Return what reads certain columns, and others that parameters name, by layer."""
    always = joined(*several)
    return lambda parameters: joined(
        always, columns(**{layer: names(parameters) for layer, names in more.items()})
    )


def _zone_reads(parameters: Any) -> Reads:  # noqa: ANN401 - parameters of the check
    return joined(*(_zone_reads_of(parameters, layer) for layer in parameters.subjects))


def _zone_reads_of(parameters: Any, layer: str) -> Reads:  # noqa: ANN401 - parameters of the check
    """Return what is read to judge the subjects of one layer."""
    only, exceptions = parameters.only, parameters.exceptions
    is_listed = only is Ban.LISTED_INDUSTRIES
    reads = [columns(control_zones="zone_id kind grade banned_industries geometry")]
    if layer == "parks":
        reads.append(columns(parks="geometry" + " leading_industry" * is_listed))
    elif layer == "parcels":
        names = "parcel_id park_id geometry"
        names += " status" * bool(parameters.parcel_statuses)
        names += " land_use" * bool(exceptions.land_uses)
        reads.append(columns(parcels=names))
    elif layer == "buildings":
        reads.append(columns(buildings="building_id park_id geometry"))
    if layer == "enterprises" or (only is not None and not (is_listed and layer == "parks")):
        reads.append(TENANTS)
    if only is not None and not (is_listed and layer == "parks"):
        reads.append(columns(enterprises=" ".join(BAN_COLUMNS[only])))
    if exceptions.industries and layer in {"parcels", "buildings"}:
        reads += [ACTIVE, columns(enterprises="industry_code parcel_id building_id")]
    return joined(*reads)


def layers_to_judge(rule: Rule, touches: Callable[[Reads], bool]) -> frozenset[str] | None:
    """Return the layers of which a rule on control zones may say something else after a change.

    `touches` returns whether the change touches reads. None if that is not known: for other
    rules, or if the change decides which subjects the rule judges.
    """
    if (rule.part.family, rule.part.check) != ("control_zone", "overlap"):
        return None
    parameters: Any = rule.parameters
    chosen = columns(
        parks="park_id tier leading_industry" if _has_scope(rule) else "park_id",
        parcels="parcel_id park_id status land_use",
        buildings="building_id park_id",
    )
    if "enterprises" in parameters.subjects or parameters.cover_all:
        chosen = joined(chosen, TENANTS, columns(enterprises="*"))
    if parameters.exceptions.industries:
        chosen = joined(chosen, columns(enterprises="*"))
    if touches(chosen):
        return None
    subjects: tuple[str, ...] = parameters.subjects
    return frozenset(layer for layer in subjects if touches(_zone_reads_of(parameters, layer)))


def _has_scope(rule: Rule) -> bool:
    scope = rule.part.scope
    return bool(scope.tiers or scope.parks or scope.industries)


def _parcel_bound_reads(parameters: Any) -> Reads:  # noqa: ANN401 - parameters of the check
    names = f"parcel_id park_id status geometry {parameters.column}"
    names += f" {parameters.limit_column}" if parameters.limit_column else ""
    names += " supplied_on" if parameters.supplied_from else ""
    names += " rd_floor_share" if parameters.apart_at_most is not None else ""
    return joined(_PARCEL_CODES, columns(parcels=names))


def _per_mu_reads(parameters: Any) -> Reads:  # noqa: ANN401 - parameters of the check
    if parameters.amount == "investment_cny":
        names = "parcel_id park_id status investment_cny area_m2 geometry"
        return joined(_PARCEL_CODES, columns(parcels=names))
    names = f"name industry_code land_m2 geometry {parameters.amount}"
    return joined(ACTIVE, LEADING, columns(enterprises=names))


_CONTRACTS = " ".join(f"contract_{name}" for name in CONTRACT_VALUES)
_REACHED = " ".join(name for name in CONTRACT_VALUES if not name.endswith("_per_mu"))
_DISTANCE = columns(enterprises="name is_new geometry")
_ENTERPRISE = joined(ACTIVE, columns(enterprises="name geometry"))
_OF_FLOOR = columns(floors="building_id floor_no", buildings="building_id geometry")
_OF_BUILDING = columns(buildings="building_id park_id geometry")
_GRADED = "value_added_cny tax_cny energy_tce rd_cny output_cny land_m2"

READINGS: Mapping[tuple[str, str], Reading] = MappingProxyType(
    {
        ("focus", "declared"): Reading(_fixed(LEADING, columns(parks="geometry"))),
        ("focus", "in_group"): Reading(_fixed(LEADING, columns(parks="geometry"))),
        ("focus", "is_top"): Reading(_fixed(FOCUS, columns(parks="geometry"))),
        ("focus", "measured"): Reading(_fixed(FOCUS)),
        ("focus", "leading_share"): Reading(_fixed(FOCUS, columns(parks="geometry"))),
        ("focus", "few_enterprises"): Reading(_fixed(ACTIVE)),
        ("focus", "off_focus_enterprise"): Reading(
            _fixed(
                _ENTERPRISE,
                columns(
                    enterprises="industry_code", parks="leading_industry supporting_industries"
                ),
            )
        ),
        ("focus", "speciality"): Reading(
            _fixed(columns(parks="speciality name geometry")), RuleReach.PLAN
        ),
        ("focus", "park_kind"): Reading(
            _fixed(FOCUS, columns(parks="speciality geometry", enterprises="tax_cny")),
            RuleReach.PLAN,
        ),
        ("focus", "reported"): Reading(_fixed(ACTIVE, columns(enterprises="name"))),
        ("competition", "similar_structure"): Reading(
            _fixed(FOCUS, columns(parks="name geometry")), RuleReach.PLAN
        ),
        ("competition", "same_type"): Reading(
            _fixed(LEADING, columns(parks="geometry")), RuleReach.PLAN
        ),
        ("competition", "same_leading_nearby"): Reading(
            _fixed(LEADING, columns(parks="host_park_id name geometry")), RuleReach.PLAN
        ),
        ("layout", "overlap"): Reading(
            _fixed(columns(parks="host_park_id name geometry")), RuleReach.PLAN
        ),
        ("layout", "in_township"): Reading(
            _fixed(
                _ENCLAVE,
                columns(
                    parks="tier township_code host_park_id",
                    townships="code alt_code name geometry",
                    township_areas="township_code geometry",
                ),
            )
        ),
        ("layout", "in_county"): Reading(_fixed(_ENCLAVE)),
        ("layout", "in_host"): Reading(_fixed(columns(parks="host_park_id name geometry"))),
        ("layout", "declared_area"): Reading(_fixed(columns(parks="declared_area_ha geometry"))),
        ("layout", "minimum_area"): Reading(_fixed(columns(parks="tier geometry"))),
        ("layout", "enclave"): Reading(_fixed(_ENCLAVE)),
        ("layout", "placement"): Reading(
            _fixed(
                _OF_BUILDING,
                columns(parks="name geometry", parcels="parcel_id park_id geometry"),
            )
        ),
        ("layout", "in_development_boundary"): Reading(
            _fixed(
                columns(
                    parks="leading_industry status geometry",
                    control_zones="kind geometry",
                    county="geometry",
                )
            ),
            RuleReach.PLAN,
        ),
        ("layout", "approved_boundary"): Reading(
            _fixed(
                columns(
                    parks="tier name geometry",
                    approved_areas="park_id approval_number geometry",
                )
            )
        ),
        ("layout", "paper"): Reading(
            _with(
                columns(parks="tier geometry"),
                parks=lambda parameters: f"{parameters.number} {parameters.day}",
            )
        ),
        ("layout", "industry_map"): Reading(_fixed(LEADING, columns(parks="tier geometry"))),
        ("layout", "parcels_overlap"): Reading(
            _fixed(columns(parcels="parcel_id park_id geometry")), RuleReach.ROW
        ),
        ("land_use", "permitted"): Reading(
            _fixed(
                columns(
                    parks="tier geometry",
                    parcels="parcel_id park_id land_use_scheme land_use planned_land_use geometry",
                )
            )
        ),
        ("land_use", "unconverted"): Reading(
            _fixed(columns(parcels="parcel_id park_id status land_use_scheme land_use geometry"))
        ),
        ("control_zone", "overlap"): Reading(_zone_reads),
        ("river_distance", "distance"): Reading(
            _fixed(
                ACTIVE,
                _DISTANCE,
                _RIVERS,
                columns(
                    enterprises="industry_code mixing_only",
                    parks="leading_industry status name geometry",
                ),
            )
        ),
        ("river_distance", "tailings"): Reading(
            _fixed(
                ACTIVE,
                _DISTANCE,
                _RIVERS,
                columns(
                    enterprises="industry_code mixing_only tailings_pond",
                    facilities="*",
                    parks="geometry",
                ),
            ),
            RuleReach.PLAN,
        ),
        ("river_distance", "tailings_by_code"): Reading(
            _fixed(
                ACTIVE,
                _DISTANCE,
                _RIVERS,
                columns(enterprises="industry_code mixing_only tailings_pond"),
            )
        ),
        ("river_distance", "new_park"): Reading(
            _fixed(_RIVERS, columns(parks="name approved_on geometry"))
        ),
        ("indicator", "parcel_bound"): Reading(_parcel_bound_reads),
        ("indicator", "standard_land"): Reading(
            _fixed(
                ACTIVE,
                columns(
                    enterprises="parcel_id building_id output_cny tax_cny",
                    buildings="building_id parcel_id",
                    parcels="parcel_id park_id status area_m2 investment_cny geometry "
                    f"{_CONTRACTS} {_REACHED}",
                ),
            )
        ),
        ("indicator", "per_mu"): Reading(_per_mu_reads),
        ("indicator", "grade"): Reading(
            _fixed(_ENTERPRISE, columns(enterprises=_GRADED)), RuleReach.PLAN
        ),
        ("building", "floor_bound"): Reading(
            _with(
                ACTIVE,
                _OF_FLOOR,
                columns(enterprises="name industry_code building_id floor_no"),
                floors=lambda parameters: parameters.column,
            )
        ),
        ("building", "fire_class"): Reading(
            _fixed(
                ACTIVE,
                _OF_FLOOR,
                columns(
                    enterprises="building_id",
                    floors="fire_class vacant_m2 area_m2",
                    buildings="park_id",
                ),
            )
        ),
        ("building", "dormitory"): Reading(
            _fixed(_OF_BUILDING, columns(buildings="has_dormitory"))
        ),
        ("building", "vacancy"): Reading(
            _fixed(_OF_BUILDING, columns(floors="building_id floor_no vacant_m2 area_m2"))
        ),
        ("enterprise", "zombie"): Reading(
            _fixed(
                _ENTERPRISE,
                columns(enterprises="stopped_months loss_years insolvent subsidised in_arrears"),
            )
        ),
        ("enterprise", "idle_land"): Reading(
            _fixed(
                columns(
                    parcels="parcel_id park_id status stopped_on built_share invested_share "
                    "agreed_start_on government_delay geometry"
                )
            )
        ),
        ("enterprise", "filled"): Reading(
            _with(ACTIVE, enterprises=lambda parameters: str(parameters.column))
        ),
        ("enterprise", "code_known"): Reading(
            _fixed(_ENTERPRISE, columns(enterprises="industry_code"))
        ),
        ("enterprise", "hazardous_outside"): Reading(
            _fixed(
                _ENTERPRISE,
                columns(enterprises="industry_code hazardous_chemicals", parks="is_chemical_park"),
            )
        ),
        ("enterprise", "others_in_chemical_park"): Reading(
            _fixed(
                _ENTERPRISE,
                columns(enterprises="industry_code hazardous_chemicals", parks="is_chemical_park"),
            )
        ),
        ("enterprise", "catalogue_class"): Reading(
            _fixed(_ENTERPRISE, columns(enterprises="is_new catalogue_class"))
        ),
        ("enterprise", "energy_review"): Reading(
            _fixed(_ENTERPRISE, columns(enterprises="is_new energy_tce energy_review_number"))
        ),
    }
)
"""Readings by family and check."""
