"""The kinds of map: what each is called, what it is of and needs, and how its data is made.

The one list of them: drawing, the service, the command line and the use cases read it. A kind's
module is imported when its data is first made, so that reading the list costs nothing; there
`states_of` makes the data of one state, or of two side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geo_service.errors import InvalidQueryError
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from geo_service.language import Translator
    from geo_service.layout.proposal import Proposal
    from geo_service.maps.kinds.plan import PlanData
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.stores.timeline import Timeline
    from geo_service.suitability.rank import Ranking
    from geo_service.zoning.review import Review


class MapKind(StrEnum):
    """Which map is drawn; those that need no running service."""

    OVERVIEW = "overview"
    REVIEW = "review"
    RANKING = "ranking"
    PARK = "park"
    COMPARE = "compare"
    TIME = "time"
    LAYOUT = "layout"


OVERVIEW = MapKind.OVERVIEW.value
REVIEW = MapKind.REVIEW.value
RANKING = MapKind.RANKING.value
PARK = MapKind.PARK.value
COMPARE = MapKind.COMPARE.value
TIME = MapKind.TIME.value
PREVIEW = "preview"
LAYOUT = MapKind.LAYOUT.value
PROVINCE = "province"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an import would publish: the file's name, and the features that it refuses."""

    file: str
    refused: Sequence[Document] = ()
    """GeoJSON features (CRS84) with `row`, `feature` and `reason` in their properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceOnMap:
    """What a run over many counties left, as a map draws it; shapes in EPSG:4490."""

    name: Mapping[str, str]
    metric_crs: str
    as_of: str
    rulebook_version: str | None
    version: str
    """Another one whenever anything here is."""
    county_count: int
    """How many counties the province has, those that cannot be drawn included."""
    counties: gpd.GeoDataFrame
    """`code`, `name` by language, `state`, `class`, `console` and figures; only those drawn."""
    parks: gpd.GeoDataFrame
    """`id` (county and park), `county_code` and columns of the run."""
    sources: tuple[str, ...]
    is_illustrative: bool


class MapBasis(Enum):
    """What a map is drawn of."""

    REVIEW = auto()
    RANKING = auto()
    LAYER = auto()
    """The versions of a layer."""
    IMPORT = auto()
    """What an import would change; only a running service has such."""
    LAYOUT = auto()
    """A layout; a running service remembers those that it made."""
    PROVINCE = auto()
    """What a run over many counties left; a service is told of one when it starts."""


@dataclass(frozen=True, kw_only=True)
class MapInput:
    """What one map is drawn of: each kind takes its part."""

    translator: Translator
    base: PlanData | None = None
    """Another map of the same plan, whose ground is taken where it is the same."""
    is_served: bool = False
    """Whether a service stands behind the page."""
    review: Review | None = None
    before: Review | None = None
    """The earlier of two reviews."""
    verdicts_before: Mapping[str, str] | None = None
    """The parks' verdicts in the review before, where that is all that is known of it."""
    park_id: str | None = None
    ranking: Ranking | None = None
    plan: Plan | None = None
    timeline: Timeline | None = None
    preview: ImportPreview | None = None
    layout: Proposal | None = None
    province: ProvinceOnMap | None = None
    marks: tuple[str | None, str | None] = (None, None)
    """By what `before` and the map's own state are told from the county's current one, if at all:
    that it is a scenario, and which, or a trial."""

    def need(self, name: str) -> Any:  # noqa: ANN401 - whatever the part is
        """Return a part; InvalidQueryError when it is missing."""
        value = getattr(self, name)
        if value is None:
            raise InvalidQueryError(name, said("problem.this_map_needs", name=name))
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of map; its module is that of its name."""

    name: str
    of: MapBasis
    list_label: str
    """What the list of its side panel is called: a key of the catalogue."""
    needs: str | None = None
    """The parameter without which the service cannot draw it."""
    helps: tuple[str, ...] = ()
    """What its help says beyond that of every map: keys of the catalogue."""
    point_zoom: int | None = None
    """How near its page goes to a point; None goes so that the point's township is in sight."""
    has_verdict_counts: bool = False
    """Whether the page counts parks by verdict."""
    can_identify: bool = True
    """Whether its page may ask what is at a place: there is a plan that knows."""

    def states(self, subject: MapInput) -> tuple[PlanData, ...]:
        """Return the data of the map: one state, or two of a comparison.

        InvalidQueryError when what the kind needs is missing; NotFoundError for a park that the
        review does not have.
        """
        states: tuple[PlanData, ...] = import_module(f"{__name__}.{self.name}").states_of(subject)
        for state, mark in zip(states, subject.marks[-len(states) :], strict=True):
            state.mark = mark
        return states


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                name=OVERVIEW,
                of=MapBasis.REVIEW,
                list_label="map.parks_tab",
                has_verdict_counts=True,
            ),
            Kind(name=REVIEW, of=MapBasis.REVIEW, list_label="map.findings_tab"),
            Kind(
                name=RANKING,
                of=MapBasis.RANKING,
                list_label="map.candidates_tab",
                needs="ranking_id",
            ),
            Kind(
                name=PARK,
                of=MapBasis.REVIEW,
                list_label="map.park_tab",
                needs="park_id",
                point_zoom=17,
            ),
            Kind(
                name=COMPARE,
                of=MapBasis.REVIEW,
                list_label="map.changes_tab",
                needs="review_id",
                helps=("map.help_compare",),
            ),
            Kind(
                name=TIME,
                of=MapBasis.LAYER,
                list_label="map.changes_tab",
                helps=("map.help_time",),
            ),
            Kind(
                name=PREVIEW,
                of=MapBasis.IMPORT,
                list_label="map.changes_tab",
                needs="import_id",
                helps=("map.help_time",),
            ),
            Kind(
                name=LAYOUT,
                of=MapBasis.LAYOUT,
                list_label="map.changes_tab",
                needs="layout_id",
                helps=("map.help_compare",),
            ),
            Kind(
                name=PROVINCE,
                of=MapBasis.PROVINCE,
                list_label="map.counties_tab",
                has_verdict_counts=True,
                can_identify=False,
            ),
        )
    }
)
"""Every kind by its name, in the order in which they are told."""


def kinds_of(*of: MapBasis) -> tuple[str, ...]:
    """Return the names of the kinds that are drawn of some things."""
    return tuple(kind.name for kind in KINDS.values() if kind.of in of)
