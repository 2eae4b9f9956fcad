"""The map of a layer through its versions: a slider goes from one to the next.

At each version stand its features, marked by what became of them since the version before;
what was removed stands there once more. Of a big layer only what changed is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator, catalogue
from geo_service.maps.kinds.plan import Maker, PlanData, is_big
from geo_service.maps.kinds.ranking import PARKS
from geo_service.maps.layers import (
    FEATURE_SOURCES,
    FeatureList,
    FeatureSource,
    ListGroup,
    MapLayer,
    PopupField,
)
from geo_service.maps.style import DIFFERENCES
from geo_service.model import Quantity
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.maps.kinds import MapInput
    from geo_service.maps.kinds.plan import Rows
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.stores.difference import FeatureChange
    from geo_service.stores.timeline import Step, Timeline

MOST_DRAWN = 8_000
"""Of more states than these an even sample is drawn."""
MOST_WORDS = 12
"""How many changed columns a popup spells out."""
STATES = "states"
_WORDED = {
    "status": ("status",),
    "tier": ("tier",),
    "kind": ("zone", "facility", "river"),
    "land_use_scheme": ("scheme",),
}
"""The sections of the catalogue that name the values of a column."""
_CONTEXT = ("county", "township_areas", "rivers", "roads", "parks", "facilities", "townships")
_DATE = "%Y-%m-%d %H:%M"

_ENTERPRISES = FeatureSource(
    name="enterprises",
    key="enterprise_id",
    columns=("enterprise_id", "year", "park_id", "industry_code", "status"),
    named_columns={"status": "status"},
    symbol="diff",
    fields=(
        PopupField(key="park", label="park"),
        PopupField(key="industry_code", label="industry"),
        PopupField(key="status_name", label="status"),
    ),
    has_unplaced=True,
)
_LAYERS: Mapping[str, FeatureSource] = MappingProxyType(
    {
        **{name: source for name, source in FEATURE_SOURCES.items() if name != "findings"},
        "parks": PARKS,
        "enterprises": _ENTERPRISES,
    }
)
TIMED_LAYERS = tuple(_LAYERS)
"""Layers whose versions can be drawn."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One state of a feature as it is drawn at some of the versions."""

    row: int
    feature_id: str
    change: str
    first_step: int
    last_step: int


class TimeData(PlanData):
    """The sources of the map of one layer through its versions."""

    kind: ClassVar[str] = "time"
    groups: ClassVar[tuple[str, ...]] = ("differences", "parks", "ground")

    def __init__(
        self,
        timeline: Timeline,
        plan: Plan,
        translator: Translator,
        base: PlanData | None = None,
        *,
        is_served: bool = False,
    ) -> None:
        """Draw over the ground of `plan`.

        A served page has a big layer as tiles under its changes. Raises InvalidQueryError for
        a layer that has no place on a map.
        """
        super().__init__(plan, translator, base)
        layer = timeline.layer
        if layer not in TIMED_LAYERS:
            name = "layer"
            msg = said("problem.not_timed", layer=repr(layer), known=list(TIMED_LAYERS))
            raise InvalidQueryError(name, msg)
        self.timeline = timeline
        self.layer = layer
        newest = timeline.newest
        self.is_partial = isinstance(newest, gpd.GeoDataFrame) and is_big(newest)
        self.has_newest = self.is_partial and is_served and plan.has(layer)
        self._layer_source = _LAYERS[layer]
        own = FeatureSource(
            name=STATES,
            key="state_id",
            columns=self._layer_source.columns,
            named_columns=self._layer_source.named_columns,
            symbol="diff",
            symbol_column="change",
            has_unplaced=self._layer_source.has_unplaced,
            fields=(
                PopupField(key="change_name", label="change"),
                PopupField(key="what", label="time_what"),
                *(item for item in self._layer_source.fields if item.key != "id"),
                PopupField(key="span", label="time_stands"),
                PopupField(key="feature_id", label="id"),
            ),
        )
        # The county lies under its own states too.
        context = {name for name in _CONTEXT if name != layer or name == "county"}
        if self.has_newest:
            context.add(layer)
        ordered = {name: source for name, source in _LAYERS.items() if name in context}
        self.sources_by_name = MappingProxyType(ordered | {STATES: own})

    def makers(self) -> Mapping[str, Maker]:
        """Return what makes the states and the parks."""
        return {STATES: self._states, "parks": lambda: self.rows(PARKS)}

    # ---- words ------------------------------------------------------------------------------

    @property
    def layer_title(self) -> str:
        """What the layer is called."""
        return self.text(f"layer.{self.layer}")

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.time_title", county=self.county_name, layer=self.layer_title)

    def subtitle(self) -> str:
        """Say which versions there are, and what of them is not drawn."""
        words = [self.span_text()]
        if self.is_partial:
            words.append(self.text("map.time_big"))
        total, drawn = len(self._every_way), len(self._ways)
        if drawn < total:
            words.append(self.text("map.time_sampled", shown=drawn, count=total))
        return " · ".join(words)

    def span_text(self) -> str:
        """Say how many versions there are, and from when to when."""
        steps = self.timeline.steps
        days = [step.entry.made_at.astimezone().strftime("%Y-%m-%d") for step in steps]
        if len(steps) == 1:
            return self.text("map.time_one", day=days[0])
        return self.text("map.time_subtitle", count=len(steps), first=days[0], last=days[-1])

    def about(self) -> list[str]:
        """Say which layer it is, and what lies under it."""
        named = self.text("map.about_layer", layer=self.layer_title, name=self.layer)
        return [named, *super().about()]

    def steps(self) -> list[Document]:
        """Return what the slider says of each version."""
        return [self._step(position, step) for position, step in enumerate(self.timeline.steps)]

    def step_label(self, position: int) -> str:
        """Return what a version is called."""
        entry = self.timeline.steps[position].entry
        day = entry.made_at.astimezone().strftime(_DATE)
        return self.text("map.time_step", number=entry.number, day=day)

    def _step(self, position: int, step: Step) -> Document:
        entry = step.entry
        counts = {
            "added": step.added,
            "changed": len(step.changed),
            "removed": len(step.removed),
        }
        told = "map.time_changes" if position else "map.time_first"
        return {
            "number": entry.number,
            "label": self.step_label(position),
            "counts": counts,
            "told": self.text(told, count=entry.features, **counts),
            "note": " · ".join(
                dict.fromkeys(filter(None, (one_line(entry.note), one_line(entry.source))))
            ),
        }

    # ---- features ---------------------------------------------------------------------------

    @cached_property
    def _every_way(self) -> list[_Way]:
        """Every way in which a state is drawn, the latest changes first."""
        frame = self.timeline.states
        steps = self.timeline.steps
        end = len(steps) - 1
        first, last = frame["first_step"].to_numpy(), frame["last_step"].to_numpy()
        ids = frame["feature_id"].astype("str").to_list()
        is_changing = (first > 0) | (last < end)
        found: list[_Way] = []
        wanted = np.flatnonzero(is_changing) if self.is_partial else np.arange(len(frame))
        for row in wanted.tolist():
            identity, begin, stop = ids[row], int(first[row]), int(last[row])
            if begin > 0:
                change = "changed" if identity in steps[begin].changed else "added"
                found.append(_Way(row, identity, change, begin, begin))
            quiet = begin + 1 if begin > 0 else 0
            if quiet <= stop and not self.is_partial:
                found.append(_Way(row, identity, "unchanged", quiet, stop))
            if stop < end and identity in steps[stop + 1].removed:
                found.append(_Way(row, identity, "removed", stop + 1, stop + 1))
        return sorted(found, key=lambda way: (way.change == "unchanged", -way.first_step))

    @cached_property
    def _ways(self) -> list[_Way]:
        """Those that are drawn: of too many an even sample."""
        every = self._every_way
        return every[:: max(1, -(-len(every) // MOST_DRAWN))]

    def _states(self) -> Rows:
        """Return each state once for every way in which it is drawn."""
        frame = self.timeline.states
        part = frame.iloc[[way.row for way in self._ways]].reset_index(drop=True)
        source = replace(self._layer_source, name=self.layer)
        if not isinstance(part, gpd.GeoDataFrame):
            part = gpd.GeoDataFrame(part, geometry=np.full(len(part), None, dtype=object))
        _, found, shapes = self.rows(source, frame=part)
        spans = part[["first_step", "last_step"]].to_numpy().tolist()
        for document, way, (first, last) in zip(found, self._ways, spans, strict=True):
            is_changed = way.change == "changed"
            changed = self.timeline.steps[way.first_step].changed
            document |= {
                "state_id": f"{way.feature_id}@{way.change}.{way.first_step}",
                "feature_id": way.feature_id,
                "name": document.get("name") or way.feature_id,
                "change": way.change,
                "change_name": self.text(f"diff.{way.change}"),
                "is_listed": way.change != "unchanged",
                "first_step": way.first_step,
                "last_step": way.last_step,
                "span": self.span(first, last),
                "what": self._what(changed[way.feature_id]) if is_changed else None,
            }
        return [document["state_id"] for document in found], found, shapes

    def span(self, first: int, last: int) -> str | None:
        """Say in which versions a state stood."""
        numbers = [self.timeline.steps[position].entry.number for position in (first, last)]
        return self.text("map.time_span", first=numbers[0], last=numbers[1])

    def _what(self, item: FeatureChange) -> str:
        """Spell out what changed: the columns that a map may show with their values."""
        shown = {"name", *self._layer_source.columns}
        words = []
        for name, (old, new) in sorted(item.columns.items()):
            label = self.text(f"column.{name}")
            if name in shown:
                cells = {"old": self._value_text(name, old), "new": self._value_text(name, new)}
                label = self.text("map.time_change", label=label, **cells)
            words.append(label)
        if len(words) > MOST_WORDS:
            words = [*words[:MOST_WORDS], "…"]
        shape = item.shape
        if shape is not None and shape.area_before_m2 != shape.area_after_m2:
            before, after = shape.area_before_m2, shape.area_after_m2
            areas = {"before": Quantity(before, "m²"), "after": Quantity(after, "m²")}
            words.append(self.text("map.time_moved", **areas))
        elif shape is not None and shape.hausdorff_m is not None:
            words.append(self.text("map.time_shifted", metres=f"{shape.hausdorff_m:,.1f}"))
        elif shape is not None:
            words.append(self.text("column.geometry"))
        joiner = "; " if self.translator.language is Language.EN else "；"
        return self.translator.convert(joiner.join(words))

    def _value_text(self, column: str, value: object) -> str:
        """Return a cell as the reader calls it, where it is one of the product's own words."""
        for section in _WORDED.get(column, ()):
            if f"{section}.{value}" in catalogue():
                return self.text(f"{section}.{value}")
        return _cell(value)

    def _extra(self, name: str) -> Mapping[str, Document]:
        """Leave out what other layers say now: it is not of the version that is drawn."""
        return super()._extra(name) if name == "township_areas" else {}

    # ---- layers and lists -------------------------------------------------------------------

    def every_layer(self) -> Iterable[MapLayer]:
        """Yield features by what became of them, parks and the ground."""
        present = set(self.column(STATES, "change"))
        for name in DIFFERENCES:
            if name in present:
                key = f"diff.{name}"
                yield MapLayer(
                    name=f"{STATES}.{name}",
                    group="differences",
                    source=STATES,
                    title=key,
                    where=("change", name),
                    symbols=(key,),
                )
        if "parks" in self.sources_by_name:
            yield self.plan_layer("parks", group="parks")
        if self.has_newest:
            yield self.plan_layer(self.layer, min_zoom=12)
        for name in ("county", "townships", "township_areas", "rivers", "roads", "facilities"):
            if name in self.sources_by_name and (name != self.layer or name == "county"):
                yield self.plan_layer(
                    name,
                    is_shown=name != "township_areas",
                    min_zoom=12 if name == "facilities" else 0,
                )

    def lists(self) -> list[FeatureList]:
        """Return the changes of the version that the slider stands at."""
        groups = tuple(
            ListGroup(value=name, label=self.text(f"diff.{name}"))
            for name in DIFFERENCES
            if name != "unchanged"
        )
        return [
            FeatureList(source=STATES, column="change", groups=groups, note="feature", more="park")
        ]


def states_of(subject: MapInput) -> tuple[TimeData]:
    """Return the data of the map of a layer through its versions."""
    timeline, plan = subject.need("timeline"), subject.need("plan")
    is_served = subject.is_served
    return (TimeData(timeline, plan, subject.translator, subject.base, is_served=is_served),)


def _cell(value: Any) -> str:  # noqa: ANN401 - any cell
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:,.10g}"
    text = value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)
    return one_line(text)


def one_line(text: str, most: int = 120) -> str:
    """Return a text of the data on one line, cut where it is too long."""
    words = " ".join(text.split())
    return words if len(words) <= most else words[: most - 1] + "…"
