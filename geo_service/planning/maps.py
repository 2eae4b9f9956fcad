"""Maps of a running service, kept drawn for a while; `drawn_maps` draws one of a folder.

What kinds there are and what each needs is in `maps.kinds`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from cachetools import LRUCache

from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import Language, Translator
from geo_service.maps.archives import TileArchive, open_archive, picture_of
from geo_service.maps.document import ServedPage, served_page
from geo_service.maps.draw import draw_served, labels
from geo_service.maps.kinds import (
    COMPARE,
    KINDS,
    LAYOUT,
    OVERVIEW,
    PREVIEW,
    REVIEW,
    MapBasis,
    MapInput,
)
from geo_service.maps.kinds.overview import FINDINGS_SOURCE, OverviewData
from geo_service.maps.kinds.plan import Side
from geo_service.maps.kinds.time import TIMED_LAYERS
from geo_service.maps.relief import png_of, relief_of
from geo_service.maps.style import symbol_document
from geo_service.planning.drawn_maps import scenario_mark
from geo_service.planning.layers import latest_layer, timeline_of
from geo_service.planning.rankings import AS_SAVED, Weighing
from geo_service.wording import said
from geo_service.zoning.finding_table import EVERY_FINDING, FindingQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from geo_service.maps.kinds.plan import PlanData
    from geo_service.planning.import_drafts import ImportDesk
    from geo_service.planning.layouts import LayoutDesk
    from geo_service.planning.rankings import RankingDesk
    from geo_service.planning.reviews import ReviewDesk
    from geo_service.planning.scenarios import ScenarioDesk
    from geo_service.planning.state import ServiceState
    from geo_service.reports.document import Document, Slice
    from geo_service.spatial.live_index import Box

CACHED_MAPS = 24
"""Of how many maps a service keeps the data."""
STATE_BYTES = 200_000_000
"""About how much memory their features may take."""
PAGE_BYTES = 30_000_000
"""How many bytes of drawn pages it keeps."""
PNG = "image/png"
_SOURCE = "source"
_CLEAR = png_of(np.zeros((1, 1, 2), dtype=np.uint8))
Marks = tuple[str | None, str | None]
_PARAMETERS = (
    *("review_id", "ranking_id", "park_id", "before", "layer", "import_id", "scenario"),
    "layout_id",
)


@dataclass(frozen=True)
class MapQuery:
    """Which map is asked for."""

    kind: str
    review_id: str | None = None
    ranking_id: str | None = None
    park_id: str | None = None
    before: str | None = None
    layer: str | None = None
    import_id: str | None = None
    scenario: str | None = None
    """The scenario whose plan is drawn; of a comparison, beside the plan that it begins with."""
    layout_id: str | None = None
    weighing: Weighing = AS_SAVED

    def need(self, name: str) -> str:
        """Return a parameter that the kind needs; InvalidQueryError when it is missing."""
        value = getattr(self, name)
        if not value:
            raise InvalidQueryError(
                name, said("problem.map_needs", name=name, kind=repr(self.kind))
            )
        return str(value)

    def parameters(self) -> dict[str, str]:
        """Return the parameters that were given."""
        named = {name: getattr(self, name) for name in _PARAMETERS}
        given = self.weighing
        if given.weights is not None:
            named["weights"] = json.dumps(dict(given.weights), ensure_ascii=False)
        named |= {"method": given.method, "normalisation": given.normalisation}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class _Key:
    """What a map is of: its kind, the ids that it was asked for by, and the language."""

    kind: str
    about: str
    language: Language


class MapDesk:
    """The maps of one county; what is asked for again is not made again.

    Methods are safe to call from several threads.
    """

    def __init__(
        self,
        state: ServiceState,
        *,
        reviews: ReviewDesk,
        rankings: RankingDesk,
        imports: Callable[[], ImportDesk],
        scenarios: Callable[[], ScenarioDesk],
        layouts: Callable[[], LayoutDesk],
    ) -> None:
        self._layouts = layouts
        self._scenarios = scenarios
        self._state = state
        self._reviews = reviews
        self._rankings = rankings
        self._imports = imports
        self._lock = threading.RLock()
        self._states: OrderedDict[_Key, tuple[PlanData, ...]] = OrderedDict()
        self._pages: LRUCache[tuple[_Key, str], ServedPage] = LRUCache(
            PAGE_BYTES, getsizeof=lambda page: len(page.html)
        )

    def settle(self, query: MapQuery) -> MapQuery:
        """Return a query with what it leaves open: the current review, the newest layer.

        NotFoundError for an unknown kind; InvalidQueryError when what it needs is missing.
        """
        kind = KINDS.get(query.kind)
        if kind is None:
            raise NotFoundError(said("problem.no_map", known=list(KINDS)))
        if query.scenario:
            query = self._of_scenario(query)
        if kind.name == COMPARE and query.before is None:
            # One review alone is compared with the current one.
            return MapQuery(kind.name, before=query.need("review_id"))
        if kind.name == REVIEW and not query.review_id:
            query = replace(query, review_id=self._state.review.review_id)
        if kind.of is MapBasis.LAYER and query.layer is None:
            query = replace(query, layer=latest_layer(self._state.workspace, TIMED_LAYERS))
        if kind.of is not MapBasis.RANKING:
            query = replace(query, weighing=AS_SAVED)
        if kind.needs is not None:
            query.need(kind.needs)
        if query.ranking_id:  # a map that is remembered asks nobody else
            self._rankings.check_seen(query.ranking_id)
        if kind.name == COMPARE:
            query.need("before")
        return query

    def _of_scenario(self, query: MapQuery) -> MapQuery:
        """Return a query about a scenario's review; NotFoundError for an unknown scenario."""
        if KINDS[query.kind].of is not MapBasis.REVIEW:
            parameter = "scenario"
            raise InvalidQueryError(
                parameter, said("problem.no_map_of_scenario", kind=repr(query.kind))
            )
        judged = self._scenarios().judged(str(query.scenario))
        before = query.before
        if query.kind == COMPARE and before is None:
            before = judged.judge.base.review_id
        return replace(query, review_id=judged.review.review_id, before=before)

    def _check_remembered(self, query: MapQuery) -> None:
        """Raise NotFoundError for a forgotten import or layout: it is on no map either."""
        if query.kind == PREVIEW:
            self._imports().find(query.need("import_id"))
        elif query.kind == LAYOUT:
            self._layouts().find(query.need("layout_id"))

    def page(self, query: MapQuery, language: Language, root: str) -> ServedPage:
        """Return a map's page for a service mounted under `root`."""
        self._check_remembered(query)
        key = (self._key(query, language), root)
        with self._lock:
            if key in self._pages:
                return self._pages[key]
        states = self._states_of(query, language)
        plan = self._state.review.plan
        drawn = draw_served(states, root=root, query=query.parameters(), plan=plan)
        basemaps = states[-1].plan.settings.basemaps
        pictures = [origin for basemap in basemaps for origin in basemap.origins]
        page = served_page(drawn, root=root, pictures=pictures)
        with self._lock, suppress(ValueError):  # too large to be remembered
            self._pages[key] = page
        return page

    def features(  # noqa: PLR0913 - what a list takes
        self,
        query: MapQuery,
        source: str,
        language: Language,
        *,
        side: Side = Side.AFTER,
        filters: FindingQuery = EVERY_FINDING,
        bbox: Box | None = None,
        slice_: Slice = (100, 0),
    ) -> Document:
        """Return features of a source of a map (limit, offset); `side` tells two states apart.

        `filters` are for findings; InvalidQueryError when they are put to another source.
        """
        states = self._states_of(query, language)
        limit, offset = slice_
        data = states[0] if side is Side.BEFORE else states[-1]
        if filters == EVERY_FINDING:
            return data.document(source, bbox=bbox, limit=limit, offset=offset)
        if source != FINDINGS_SOURCE or not isinstance(data, OverviewData):
            raise InvalidQueryError(_SOURCE, said("problem.filters_of_findings"))
        asked = self._reviews.asked(data.review.review_id, language, filters)
        chosen = asked.positions()
        return data.document(source, bbox=bbox, limit=limit, offset=offset, chosen=chosen)

    def layer_features(
        self,
        layer: str,
        language: Language,
        *,
        bbox: Box | None = None,
        slice_: Slice = (100, 0),
    ) -> Document:
        """Return features of a layer as the overview draws them."""
        limit, offset = slice_
        data = self._overview(language)
        return data.document(layer, bbox=bbox, limit=limit, offset=offset)

    def symbols(self, language: Language) -> Document:
        """Return the style table that maps draw by, and what each symbol is called."""
        names = labels(self._state.translator(language))
        return {"symbols": symbol_document(), "labels": names}

    def relief(self) -> tuple[bytes, str]:
        """Return the shaded ground as a PNG, and the elevation model's version.

        NotFoundError without an elevation model.
        """
        plan = self._state.plan
        found = relief_of(plan)
        if found is None or plan.dem is None:
            raise NotFoundError(said("problem.no_dem"))
        return found.png, plan.dem.version

    def basemap_picture(self, number: int, zoom: int, column: int, row: int) -> tuple[bytes, str]:
        """Return a picture of a base map in the workspace and its media type; clear without one.

        NotFoundError for a base map that there is not.
        """
        basemaps = self._state.plan.settings.basemaps
        archive = basemaps[number].archive if 0 <= number < len(basemaps) else None
        if archive is None:
            raise NotFoundError(said("problem.no_basemap"))
        return picture_of(_archive(archive), zoom, column, row) or (_CLEAR, PNG)

    def _key(self, query: MapQuery, language: Language) -> _Key:
        """Return what tells this map from others; the current review where none is named."""
        about = {"review_id": self._state.review.review_id, **query.parameters()}
        about["names"] = repr(self._names(query))
        if KINDS[query.kind].of in {MapBasis.LAYER, MapBasis.IMPORT} and self._state.has_workspace:
            about["stamp"] = str(self._state.workspace.store.stamp())
        return _Key(query.kind, repr(sorted(about.items())), language)

    def _names(self, query: MapQuery) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the scenarios that the reviews of a map are of."""
        if KINDS[query.kind].of is not MapBasis.REVIEW:
            return (), ()

        def names(review_id: str | None, scenario: str | None) -> tuple[str, ...]:
            if review_id is None or review_id == self._state.review.review_id:
                return ()
            return self._scenarios().names_of(review_id, scenario)

        return names(query.before, None), names(query.review_id, query.scenario)

    def _marks(self, query: MapQuery, translator: Translator) -> Marks:
        """Say of the reviews of a map which scenario they are of, or that they are trials."""

        def mark(review_id: str | None, names: Sequence[str]) -> str | None:
            if names:
                return scenario_mark(names, translator)
            is_trial = review_id is not None and self._reviews.is_trial(review_id)
            return translator.text("map.trial") if is_trial else None

        if KINDS[query.kind].of is not MapBasis.REVIEW:
            return None, None
        before, own = self._names(query)
        return mark(query.before, before), mark(query.review_id, own)

    def _overview(self, language: Language) -> OverviewData:
        """Return the data of the overview of the county's current review."""
        current = self._state.review
        key = _Key(OVERVIEW, current.review_id, language)

        def make() -> tuple[PlanData, ...]:
            before = self._reviews.verdicts_before()
            translator = self._state.translator(language)
            subject = MapInput(translator=translator, review=current, verdicts_before=before)
            return KINDS[OVERVIEW].states(subject)

        made = self._cached(key, make)
        return cast("OverviewData", made[0])

    def _states_of(self, query: MapQuery, language: Language) -> tuple[PlanData, ...]:
        """Return the data of a map: one state, or two of a comparison."""
        if query.kind == OVERVIEW and not query.scenario:
            return (self._overview(language),)
        self._check_remembered(query)
        return self._cached(
            self._key(query, language),
            lambda: KINDS[query.kind].states(self._input(query, language)),
        )

    def _input(self, query: MapQuery, language: Language) -> MapInput:
        """Return what a map is drawn of, made or taken from where it is kept."""
        translator = self._state.translator(language)
        parts: dict[str, Any] = {}
        of = KINDS[query.kind].of
        if of is MapBasis.REVIEW:
            find = self._reviews.find
            parts["review"] = find(query.review_id) if query.review_id else self._state.review
            parts["before"] = find(query.before) if query.before else None
            parts["park_id"] = query.park_id
        elif of is MapBasis.RANKING:
            ranking_id = query.need("ranking_id")
            parts["ranking"] = self._rankings.weighed(ranking_id, query.weighing)
        elif of is MapBasis.LAYER:
            parts["timeline"] = timeline_of(self._state.workspace, query.need("layer"))
        elif of is MapBasis.LAYOUT:
            parts["layout"] = self._layouts().find(query.need("layout_id"))
        else:
            imports, import_id = self._imports(), query.need("import_id")
            parts["timeline"], parts["preview"] = imports.preview_of(import_id, translator)
        return MapInput(
            translator=translator,
            base=self._overview(language),
            is_served=True,
            marks=self._marks(query, translator),
            plan=self._state.plan,
            **parts,
        )

    def _cached(self, key: _Key, make: Callable[[], tuple[PlanData, ...]]) -> tuple[PlanData, ...]:
        with self._lock:
            if key not in self._states:
                self._states[key] = make()
            self._states.move_to_end(key)
            states = self._states[key]
            self._make_room(key)
            return states

    def _make_room(self, spared: _Key) -> None:
        """Let the data go that was asked for longest ago, while it is too much."""
        sizes = {key: sum(data.size for data in states) for key, states in self._states.items()}
        for key in list(self._states):
            is_over = len(sizes) > CACHED_MAPS or sum(sizes.values()) > STATE_BYTES
            if is_over and key != spared:
                del self._states[key], sizes[key]

    def held(self) -> tuple[int, int]:
        """Return how many pages and data of maps are remembered, and their bytes."""
        with self._lock:
            data = [one for states in self._states.values() for one in states]
            return len(self._pages) + len(data), int(self._pages.currsize) + sum(
                one.size for one in data
            )

    def let_go(self) -> None:
        """Hold no plan any more but the one that counts."""
        plan = self._state.plan
        with self._lock:
            for key, states in list(self._states.items()):
                if any(data.plan is not plan for data in states):
                    del self._states[key]


@cache
def _archive(path: Path) -> TileArchive:
    return open_archive(path)


__all__ = [
    "PNG",
    "TIMED_LAYERS",
    "MapDesk",
    "MapQuery",
    "Side",
]
