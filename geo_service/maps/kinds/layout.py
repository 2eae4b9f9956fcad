"""The map of a layout: parks by the group of their leading industry, today and as proposed.

Each state has its own map. Parks whose industry changes have a ring on the later one; there are
also the places of projects and an arrow for each pair of parks between which enterprises move.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
import shapely
from shapely.ops import substring

from geo_service.crs import STORAGE_CRS
from geo_service.maps.kinds.plan import Maker, PlanData, Side
from geo_service.maps.layers import (
    FEATURE_SOURCES,
    FeatureList,
    FeatureSource,
    ListGroup,
    MapLayer,
    PopupField,
)
from geo_service.maps.style import THEME_KINDS
from geo_service.reports.document import industry_name

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.language import Translator
    from geo_service.layout.proposal import Proposal
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import Rows
    from geo_service.reports.document import Document

PARKS = FeatureSource(
    name="parks",
    key="park_id",
    columns=("park_id", "tier", "status"),
    named_columns={"tier": "tier", "status": "status"},
    symbol="theme",
    symbol_column="class",
    fields=(
        PopupField(key="tier_name", label="kind"),
        PopupField(key="today", label="layout_today"),
        PopupField(key="proposed", label="layout_proposed"),
        PopupField(key="speciality", label="speciality"),
        PopupField(key="share_before", label="layout_share_today", form="share"),
        PopupField(key="share_after", label="layout_share_proposed", form="share"),
        PopupField(key="park_id", label="id"),
    ),
)
MOVES = FeatureSource(
    name="moves",
    key="move_id",
    symbol="layout_map.move",
    fields=(
        PopupField(key="count", label="layout_movers", form="number"),
        PopupField(key="who", label="layout_who"),
    ),
)
PLACEMENTS = FeatureSource(
    name="placements",
    key="project",
    symbol="layout_map.place",
    fields=(
        PopupField(key="park", label="park"),
        PopupField(key="candidate_id", label="layout_candidate"),
        PopupField(key="score", label="score", form="number"),
    ),
)
UNKNOWN = "unknown"
_DROPPED = frozenset({"findings", "sub_areas"})
_BEND = 0.14
"""How far a way bends to its left, as a share of its length: ways there and back lie apart."""
_POINTS = 16
_BARB_SHARE, _BARB_M = 0.16, 1_500.0
"""How long the barbs of an arrow are: a share of its length, at most so many metres."""
_BARB_ANGLE = math.radians(26)
_GAP_SHARE, _GAP_M = 0.2, 1_800.0
"""How far before its end an arrow stops, so that the park's sign does not cover its head."""
_MOST_NAMED = 12


def _sources_by_name() -> Mapping[str, FeatureSource]:
    known = {name: source for name, source in FEATURE_SOURCES.items() if name not in _DROPPED}
    return MappingProxyType({**known, "parks": PARKS, "placements": PLACEMENTS, "moves": MOVES})


class LayoutData(PlanData):
    """The sources of one state of a layout: today's, or the proposed one."""

    kind: ClassVar[str] = "layout"
    sources_by_name: Mapping[str, FeatureSource] = _sources_by_name()
    groups: ClassVar[tuple[str, ...]] = ("decisions", "industries", "parks", "zones", "ground")

    def __init__(
        self,
        proposal: Proposal,
        translator: Translator,
        base: PlanData | None = None,
        *,
        side: Side,
    ) -> None:
        super().__init__(proposal.plan, translator, base)
        self.proposal = proposal
        self.side = side

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes parks, moves and places."""
        return {"parks": self._parks, "placements": self._placements, "moves": self._moves}

    def label(self) -> str:
        """Return what the map of this state is headed by."""
        is_after = self.side is Side.AFTER
        return self.text("map.layout_proposed_state" if is_after else "map.layout_today_state")

    def note(self) -> str:
        """Return which layout it is of."""
        return self.proposal.layout_id

    # ---- features -----------------------------------------------------------------------------

    def _parks(self) -> Rows:
        ids, rows, shapes = self.rows(PARKS)
        told = {row["park_id"]: row for row in self.proposal.parks.to_dict("records")}
        lead = "proposed" if self.side is Side.AFTER else "leading_industry"
        for row in rows:
            found = told[row["park_id"]]
            is_changed = bool(found["is_changed"])
            code = found[lead]
            row |= {
                "class": self._class_of(code),
                "today": self._industry(found["leading_industry"]),
                "proposed": self._industry(found["proposed"]),
                "kind_name": self._industry(code),
                "speciality": self.converted(self.proposal.specialities.get(row["park_id"])),
                "share_before": _share(found["share_before"]),
                "share_after": _share(found["share_after"]),
                "standing": "changed" if is_changed else "kept",
                "is_changed": is_changed and self.side is Side.AFTER,
            }
        return ids, rows, shapes

    def _industry(self, code: object) -> str | None:
        if not isinstance(code, str):
            return None
        return f"{code} {industry_name(code, self.translator) or ''}".strip()

    def _class_of(self, code: object) -> str:
        group = self.plan.settings.groups.group_of(code) if isinstance(code, str) else None
        return UNKNOWN if group is None else f"kind_{self._places[group]}"

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """The number of each group of the scheme; the last ones share one."""
        names = self.plan.settings.groups.names
        known = [*names, *sorted(set(self.plan.settings.groups.prefixes.values()) - set(names))]
        return {group: min(place, THEME_KINDS) for place, group in enumerate(known, start=1)}

    def _placements(self) -> Rows:
        decision = self.proposal.decision
        rows: list[Document] = []
        shapes: list[BaseGeometry | None] = []
        if decision is not None and self.side is Side.AFTER:
            for name, candidate_id in sorted(decision.places.items()):
                spot = self.proposal.model.newcomer[name].by_id[candidate_id]
                sites = self.proposal.options.rankings[name].sites
                row = {
                    "project": name,
                    "name": name,
                    "park_id": spot.park_id,
                    "candidate_id": candidate_id,
                    "score": spot.score,
                    "standing": "placed",
                    "is_listed": True,
                }
                rows.append(self.titled(name, row))
                shapes.append(sites.shapes[sites.position_of(candidate_id)])
        return [row["project"] for row in rows], rows, self._in_degrees(shapes)

    def _moves(self) -> Rows:
        decision = self.proposal.decision
        rows: list[Document] = []
        shapes: list[BaseGeometry | None] = []
        if decision is not None and self.side is Side.AFTER:
            model = self.proposal.model
            ways: dict[tuple[str, str], list[str]] = defaultdict(list)
            for moved, park_id in sorted(decision.moves.items()):
                ways[model.tenant[moved].home, park_id].append(model.tenant[moved].name)
            for (home, park_id), names in sorted(ways.items()):
                identity = f"{home} → {park_id}"
                some = [self.converted(name) or "" for name in names[:_MOST_NAMED]]
                more = len(names) - len(some)
                row = {
                    "move_id": identity,
                    "name": f"{self.park_names.get(home, home)} → "
                    f"{self.park_names.get(park_id, park_id)}",
                    "park_id": park_id,
                    "count": len(names),
                    "who": self.translator.listed(some) + (f" +{more}" if more else ""),
                    "standing": "moves",
                }
                rows.append(self.titled(identity, row))
                shapes.append(arrow(model.park[home].point, model.park[park_id].point))
        return [row["move_id"] for row in rows], rows, self._in_degrees(shapes)

    def _in_degrees(self, shapes: list[BaseGeometry | None]) -> Any:  # noqa: ANN401 - an array
        found = np.array([*shapes, None], dtype=object)  # the last one keeps it a row of shapes
        metric = gpd.GeoSeries(found, crs=self.plan.settings.metric_crs)
        return np.asarray(metric.to_crs(STORAGE_CRS).to_numpy()[:-1])

    # ---- what the map has -----------------------------------------------------------------------

    def title(self) -> str:
        """Return the map's title: the name of the goals."""
        name = self.proposal.goals.name
        return self.text("map.layout_title", county=self.county_name, name=name)

    def subtitle(self) -> str:
        """Say how good the layout is, and what it changes."""
        parks = self.proposal.parks
        return self.text(
            "map.layout_subtitle",
            status=self.text(f"layout.status_{self.proposal.status}"),
            parks=int(parks["is_changed"].sum()),
            projects=int(self.proposal.projects["candidate_id"].notna().sum()),
            moves=len(self.proposal.moves),
        )

    def about(self) -> list[str]:
        """Say what the layout rests on: its id, day, rulebook, data."""
        return [
            self.text("map.about_layout", layout=self.proposal.layout_id),
            self.text("map.about_day", day=self.proposal.as_of.isoformat()),
            self.text("map.about_rulebook", version=self.proposal.rulebook.version),
            *super().about(),
        ]

    def symbol_labels(self) -> Mapping[str, str]:
        """Return what the colours of parks stand for: the groups of the scheme."""
        names = self.plan.settings.groups.names
        by_symbol: dict[str, list[str]] = defaultdict(list)
        for group, place in self._places.items():
            words = self.translator.pick(names[group]) if group in names else group
            by_symbol[f"theme.kind_{place}"].append(words)
        labels = {key: self.translator.listed(words) for key, words in by_symbol.items()}
        return {**labels, f"theme.{UNKNOWN}": self.text("map.layout_no_group")}

    def lists(self) -> list[FeatureList]:
        """Return parks whose industry changes, places of projects, and moves."""
        return [
            FeatureList(
                source=source,
                column="standing",
                groups=(ListGroup(value=standing, label=self.text(f"map.layout_{standing}")),),
                note="feature",
                more=more,
                form=form,
                maps=(1,),
            )
            for source, standing, more, form in (
                ("parks", "changed", "share_after", "share"),
                ("placements", "placed", "score", "number"),
                ("moves", "moves", "count", "number"),
            )
        ]

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield what is decided, parks by group and tier, zones and the ground."""
        for standing, symbols in (("changed", ("layout_map.changed",)), ("kept", ())):
            yield MapLayer(
                name=f"parks.{standing}",
                group="decisions",
                source="parks",
                title=f"map.layout_{standing}",
                where=("standing", standing),
                symbols=symbols,
            )
        for source, symbol in (("placements", "place"), ("moves", "move")):
            key = f"layout_map.{symbol}"
            yield MapLayer(name=source, group="decisions", source=source, title=key, symbols=(key,))
        labels = self.symbol_labels()
        found = set(self.column("parks", "class"))
        for key in labels:
            value = key.removeprefix("theme.")
            if value in found:
                yield MapLayer(
                    name=f"parks.{value}",
                    group="industries",
                    source="parks",
                    title=key,
                    where=("class", value),
                    symbols=(key,),
                    text=labels[key],
                )
        yield from self.tier_layers()
        yield from self.zone_layers()
        yield from self.context_layers(facilities_from=12)


def arrow(start: tuple[float, float], end: tuple[float, float]) -> BaseGeometry | None:
    """Return an arrow between two places in metres: a bent way with two barbs at its end.

    None if a place is unknown or both are one.

    >>> len(arrow((0, 0), (10_000, 0)).geoms)
    2
    >>> arrow((0, 0), (0, 0)) is None
    True
    """
    one, other = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    along = other - one
    length = float(np.hypot(*along))
    if not np.isfinite(length) or length == 0:
        return None
    left = np.array([-along[1], along[0]])
    bend = (one + other) / 2 + left * _BEND
    steps = np.linspace(0, 1, _POINTS)[:, None]
    whole = (1 - steps) ** 2 * one + 2 * steps * (1 - steps) * bend + steps**2 * other
    line = shapely.LineString(whole)
    reach = line.length - min(_GAP_M, length * _GAP_SHARE)
    way = shapely.get_coordinates(substring(line, 0, reach))
    tip, barb = way[-1], min(_BARB_M, length * _BARB_SHARE)
    back = math.atan2(*(way[-2] - tip)[::-1])
    barbs = [
        tip + barb * np.array([math.cos(back + turn), math.sin(back + turn)])
        for turn in (_BARB_ANGLE, -_BARB_ANGLE)
    ]
    return shapely.MultiLineString([way, [barbs[0], tip, barbs[1]]])


def _share(value: object) -> float | None:
    return float(value) if isinstance(value, float) and value == value else None  # noqa: PLR0124 - NaN


def states_of(subject: MapInput) -> tuple[LayoutData, LayoutData]:
    """Return the data of both maps of a layout: today, and as it is proposed."""
    proposal = subject.need("layout")
    before = LayoutData(proposal, subject.translator, subject.base, side=Side.BEFORE)
    shared = subject.base if subject.base and subject.base.plan is proposal.plan else before
    return before, LayoutData(proposal, subject.translator, shared, side=Side.AFTER)
