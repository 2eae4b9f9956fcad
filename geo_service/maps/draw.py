"""Draw results as maps: what a page is told about its layers, texts, style and legend.

`draw` gives a standalone Folium map; `draw_served` the same map for the service, which
carries no features. Both are functions of the result and the language alone, so that the
same result gives the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator, catalogue
from geo_service.layout.proposal import Proposal
from geo_service.maps.document import Content, PlanningMap
from geo_service.maps.kinds import KINDS, OVERVIEW, TIME, MapBasis, MapInput, kinds_of
from geo_service.maps.kinds.overview import FINDINGS_SOURCE, OverviewData
from geo_service.maps.kinds.park import ParkData
from geo_service.maps.kinds.plan import PlanData
from geo_service.maps.kinds.ranking import RankingData
from geo_service.maps.kinds.time import TIMED_LAYERS, TimeData
from geo_service.maps.layers import FeatureSource, MapLayer
from geo_service.maps.relief import relief_of
from geo_service.maps.style import SYMBOLS, symbol_document
from geo_service.maps.tiles import version_of
from geo_service.model import FocusBasis, Verdict
from geo_service.suitability.rank import Ranking
from geo_service.wording import said

if TYPE_CHECKING:
    import folium

    from geo_service.plan import Plan
    from geo_service.zoning.review import Review

MAX_FEATURES = 10_000
"""How many features a page asks for at most of one source."""
MAX_FINDINGS = 2_000
"""The same of findings, the gravest first: of more it asks for those in sight."""
TILED_EARLIER_ZOOMS = 4
"""So many zooms earlier than its features would a layer that is drawn from tiles show."""
_LANGUAGE_NAMES = {Language.ZH_HANS: "简", Language.ZH_HANT: "繁", Language.EN: "EN"}
_BASIC_LAYERS = ("county", "townships", "parks", "parcels", "control_zones")
"""What a map needs to say anything, in the order in which it is told of."""


def draw(
    drawn: Review | Ranking | Proposal,
    *,
    kind: str | None = None,
    park_id: str | None = None,
    before: Review | None = None,
    language: Language | str = Language.ZH_HANS,
) -> folium.Map:
    """Draw a review as a map of its county, its findings, one park or a change; or another result.

    Parameters
    ----------
    drawn
        The review, whose plan gives the layers and whose verdicts the colours; or a ranking, or
        the proposal of a layout.
    kind
        Of a review: `overview` (the one without a kind), `review`, `park` (which needs
        `park_id`) or `compare` (which needs `before`, the earlier review). Of a ranking:
        `ranking`. Of a proposal: `layout`.
    park_id
        The park of a park's map.
    before
        The earlier review of a comparison; of an overview, the one that its theme of changes
        compares with.
    language
        Language of every text; ids and enums do not change.

    Returns
    -------
    folium.Map
        `save()` and a notebook's display give one page that needs neither a service nor
        the internet, and in which no value of the data is ever run as code.

    Raises
    ------
    InvalidQueryError
        An unknown kind, or one whose parameter is missing.
    NotFoundError
        The review has no such park.

    Examples
    --------
    >>> import geo_service as gs
    >>> review = gs.review(gs.open_plan("layers/yunyang"))
    >>> type(gs.draw(review)).__name__
    'PlanningMap'
    """
    translator = Translator(Language(language), drawn.plan.settings.names_hant)
    basis = MapBasis.REVIEW
    if isinstance(drawn, (Ranking, Proposal)):
        basis = MapBasis.RANKING if isinstance(drawn, Ranking) else MapBasis.LAYOUT
    kinds = kinds_of(basis)
    kind = kind or kinds[0]
    if kind not in kinds:
        name = "kind"
        raise InvalidQueryError(name, said("problem.map_kind", known=list(kinds)))
    if isinstance(drawn, Ranking):
        subject = MapInput(translator=translator, ranking=drawn)
    elif isinstance(drawn, Proposal):
        subject = MapInput(translator=translator, layout=drawn)
    else:
        subject = MapInput(translator=translator, review=drawn, before=before, park_id=park_id)
    return draw_states(KINDS[kind].states(subject))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAddresses:
    """How a served page reaches the service: where it is mounted, and what names the map.

    `query` holds the parameters beside the language (`review_id`, `park_id`, ...); `plan` is
    the one whose layers the service has as tiles.
    """

    root: str = ""
    query: Mapping[str, str] | None = None
    plan: Plan | None = None

    def page_address(self, kind: str, language: Language) -> str:
        """Return the address of a map's page in a language, from the page itself."""
        del kind
        return "?" + urlencode({**(self.query or {}), "lang": language.value})

    def features(self, data: PlanData, name: str) -> str:
        """Return the address of a source's features."""
        fixed = {"lang": data.translator.language.value, "limit": str(_most(name))}
        is_of_now = not (self.query or {}).get("scenario")
        if data.kind == OVERVIEW and is_of_now:
            return f"{self.root}/api/layers/{name}/features?{urlencode(fixed)}"
        query = {**(self.query or {}), **fixed}
        if data.side is not None:
            query["side"] = data.side.value
        return f"{self.root}/maps/{data.kind}/features/{quote(name)}?{urlencode(query)}"

    def tiles(self, data: PlanData, name: str) -> str | None:
        """Return the address of a source's tiles, None if it is drawn from one document."""
        if (
            data.plan is not self.plan
            or name not in data.sources_by_name
            or not data.is_tiled(name)
        ):
            return None
        version = version_of(data.plan, name)
        return f"{self.root}/tiles/{quote(name)}/{{z}}/{{x}}/{{y}}.mvt?v={version}"


def _most(name: str) -> int:
    """Return how many features of a source a page asks for at once."""
    return MAX_FINDINGS if name == FINDINGS_SOURCE else MAX_FEATURES


def draw_served(
    data: PlanData | Sequence[PlanData],
    *,
    root: str = "",
    query: Mapping[str, str] | None = None,
    plan: Plan | None = None,
) -> PlanningMap:
    """Draw a map for the service mounted under `root`: features by address, not inside.

    Big layers of `plan`, whose tiles the service has, are drawn from tiles.
    """
    states = (data,) if isinstance(data, PlanData) else tuple(data)
    return draw_states(states, ServiceAddresses(root=root, query=query, plan=plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceAddresses(ServiceAddresses):
    """How the page of a province's map reaches the service: its parks come as tiles."""

    version: str

    def features(self, data: PlanData, name: str) -> str:
        """Return the address of a source's features."""
        query = urlencode({"lang": data.translator.language.value, "limit": str(_most(name))})
        return f"{self.root}/maps/province/features/{quote(name)}?{query}"

    def tiles(self, data: PlanData, name: str) -> str | None:
        """Return the address of a source's tiles, None if it is drawn from one document."""
        if not data.is_tiled(name):
            return None
        return f"{self.root}/tiles/province/{quote(name)}/{{z}}/{{x}}/{{y}}.mvt?v={self.version}"


def draw_province(data: PlanData, *, root: str, version: str) -> PlanningMap:
    """Draw the map of a province for the service mounted under `root`."""
    return draw_states((data,), ProvinceAddresses(root=root, version=version))


def draw_states(states: Sequence[PlanData], service: ServiceAddresses | None = None) -> PlanningMap:
    """Draw one state, or two side by side; without a service the page carries its features."""
    main = states[-1]
    kind = main.kind
    translator = main.translator
    names = (
        [kind] if len(states) == 1 else [f"{kind}_{position}" for position in range(len(states))]
    )
    settings = _settings(states, names, service)
    collections = None
    if service is None:
        collections = {
            document: data.document(source)
            for position, data in enumerate(states)
            for source, document in _documents(states, position).items()
        }
    content = Content(
        title=_title(main),
        language=translator.language.value,
        no_script=translator.text("map.no_script"),
        settings=settings,
        collections=collections,
    )
    return PlanningMap(content, kinds=names, bounds=main.bounds())


def _documents(states: Sequence[PlanData], position: int) -> dict[str, str]:
    """Return the names of the documents of one state's sources, shared where they are alike."""
    data = states[position]
    is_alike = position > 0 and data.plan is states[0].plan
    own = set(data.makers())
    return {
        source.name: source.name
        if position == 0 or (is_alike and source.name not in own)
        else f"{source.name}.{position}"
        for source in data.feature_sources()
    }


def _settings(
    states: Sequence[PlanData], names: Sequence[str], service: ServiceAddresses | None
) -> dict[str, Any]:
    main = states[-1]
    translator = main.translator
    west, south, east, north = main.bounds()
    layers = _merged(states)
    return {
        "kind": main.kind,
        "maps": [_map(data, name) for data, name in zip(states, names, strict=True)],
        "title": _title(main),
        "subtitle": main.subtitle(),
        "language": translator.language.value,
        "languages": None if service is None else _languages(service, main),
        "bounds": [[south, west], [north, east]],
        "texts": _texts_of(main),
        "symbols": symbol_document(),
        "labels": _labels(main, {key for layer in layers for key in layer.symbols}),
        "groups": [_group(states, name, layers, service) for name in main.groups],
        "backdrops": _backdrops(main, service),
        "sources": [
            _source(states, position, source, service)
            for position, data in enumerate(states)
            for source in data.feature_sources()
        ],
        "lists": [asdict(listed) for listed in main.lists()],
        "list_label": translator.text(KINDS[main.kind].list_label),
        "verdicts": main.verdicts(),
        "has_verdict_counts": KINDS[main.kind].has_verdict_counts,
        "park_id": main.park_id if isinstance(main, ParkData) else None,
        "point_zoom": KINDS[main.kind].point_zoom,
        "themes": _themes(main) if isinstance(main, OverviewData) else [],
        "park_page": None if service is None else f"{service.root}/parks/",
        "bases": [
            {"key": basis.value, "label": translator.text(f"basis.{basis}")} for basis in FocusBasis
        ],
        "about": main.about(),
        "help": _help(main, is_served=service is not None),
        "relief": _relief(main, service),
        "criteria": main.criteria() if isinstance(main, RankingData) else None,
        "routes": _routes(main, service) if isinstance(main, RankingData) else None,
        "timeline": _timeline(main, service) if isinstance(main, TimeData) else None,
        "places": None
        if service is None or not KINDS[main.kind].can_identify
        else _place_addresses(service, translator),
        "can_identify": KINDS[main.kind].can_identify,
        "approval_number": main.plan.settings.map_approval,
        "confidentiality": main.plan.settings.confidentiality,
        "credits": list(
            dict.fromkeys(translator.convert(text) for data in states for text in data.credits())
        ),
        "missing": _missing(main, service),
        "is_illustrative": any(data.is_illustrative() for data in states),
    }


def _themes(data: OverviewData) -> list[dict[str, Any]]:
    """Return what parks may be coloured by, with the classes that the legend shows."""
    return [
        {
            "name": theme.name,
            "label": data.text(f"theme.{theme.name}"),
            "note": None if theme.year is None else data.text("map.theme_year", year=theme.year),
            "form": theme.form,
            "classes": [
                {
                    "symbol": part.symbol,
                    "low": part.low,
                    "high": part.high,
                    "label": part.label
                    if part.low is not None
                    else part.label or data.text(part.symbol),
                    "count": part.count,
                }
                for part in theme.classes
            ],
        }
        for theme in data.themes
    ]


def _missing(data: PlanData, service: ServiceAddresses | None) -> dict[str, Any] | None:
    """Say what a map without parks lacks, and where to bring it in; None for one with parks."""
    if "parks" not in data.sources_by_name or data.count("parks"):
        return None
    wanted = [
        name for name in _BASIC_LAYERS if name in data.sources_by_name and not data.count(name)
    ]
    return {
        "is_all": not data.feature_sources(),
        "layers": [data.text(f"layer.{name}") for name in wanted],
        "address": None if service is None else f"{service.root}/data",
    }


def _map(data: PlanData, name: str) -> dict[str, Any]:
    label = data.label()
    shown = label if label is None or data.mark is None else data.mark
    return {"name": f"map_{name}", "label": shown, "note": data.note()}


def _title(data: PlanData) -> str:
    """Return a map's title; that of one state says what tells it from the county's current one."""
    is_one = data.mark is not None and data.label() is None
    return f"{data.title()} · {data.mark}" if is_one else data.title()


def _languages(service: ServiceAddresses, data: PlanData) -> list[dict[str, Any]]:
    current = data.translator.language
    return [
        {
            "code": language.value,
            "label": label,
            "address": service.page_address(data.kind, language),
            "is_current": language is current,
        }
        for language, label in _LANGUAGE_NAMES.items()
    ]


def _place_addresses(service: ServiceAddresses, translator: Translator) -> dict[str, str]:
    language = urlencode({"lang": translator.language.value})
    return {
        "identify": f"{service.root}/api/identify?{language}",
        "areas": f"{service.root}/api/areas?{language}",
        "here": f"{service.root}/here",
    }


def _relief(data: PlanData, service: ServiceAddresses | None) -> dict[str, Any] | None:
    """Say where the shaded ground is and which box it covers; None without elevations."""
    found = relief_of(data.plan)
    if found is None or data.plan.dem is None:
        return None
    west, south, east, north = found.bounds_deg
    address = found.data_uri
    if service is not None:
        address = f"{service.root}/maps/relief.png?v={data.plan.dem.version}"
    return {"address": address, "bounds": [[south, west], [north, east]]}


def _routes(data: RankingData, service: ServiceAddresses | None) -> dict[str, Any]:
    """Say where the ways from a candidate are: in the page, or at an address of the service."""
    if service is None:
        return {"carried": data.routes(data.best())}
    query = urlencode({"lang": data.translator.language.value})
    return {"address": f"{service.root}/api/rankings/{data.ranking.ranking_id}/routes?{query}"}


def _timeline(data: TimeData, service: ServiceAddresses | None) -> dict[str, Any]:
    """Return the versions that the slider goes through, and the layers to choose from."""
    layers = []
    if service is not None and data.kind == TIME:
        language = data.translator.language.value
        layers = [
            {
                "name": name,
                "label": _capital(data.text(f"layer.{name}")),
                "address": "?" + urlencode({"layer": name, "lang": language}),
            }
            for name in TIMED_LAYERS
            if data.plan.has(name)
        ]
    return {"layer": data.layer, "layers": layers, "steps": data.steps()}


def _help(data: PlanData, *, is_served: bool) -> list[str]:
    suffix = "" if is_served else "_standalone"
    keys = [f"help_click{suffix}", "help_measure", f"help_area{suffix}", "help_keys"]
    return [data.text(key) for key in (*(f"map.{key}" for key in keys), *KINDS[data.kind].helps)]


def _texts(translator: Translator) -> dict[str, str]:
    """Return the page's own texts; those with {fields} are filled by the page."""
    language = "en" if translator.language is Language.EN else "zh"
    return {
        key.removeprefix("map."): translator.convert(texts[language])
        for key, texts in catalogue().items()
        if key.startswith("map.")
    }


def labels(translator: Translator, keys: set[str] | None = None) -> dict[str, dict[str, str]]:
    """Return the name, and for some the glyph, of symbols; of every one without `keys`."""
    wanted = set(SYMBOLS) if keys is None else keys | {f"verdict.{verdict}" for verdict in Verdict}
    found: dict[str, dict[str, str]] = {}
    for key in sorted(wanted):
        found[key] = {"label": _capital(translator.text(key))}
        if SYMBOLS[key].has_glyph:
            found[key]["glyph"] = translator.text(f"{key}_glyph")
    return found


def _texts_of(data: PlanData) -> dict[str, str]:
    """Return the texts of a map's page; a figure of enterprises that are withheld says so."""
    texts = _texts(data.translator)
    if data.plan.is_withheld("enterprises"):
        texts |= {"unknown_value": data.translator.text("withheld.word")}
    return texts


def _labels(data: PlanData, keys: set[str]) -> dict[str, dict[str, str]]:
    """Return the names of a map's symbols, its own before those of the catalogue."""
    found = labels(data.translator, keys)
    for key, label in data.symbol_labels().items():
        if key in found:
            found[key]["label"] = label
    return found


def _capital(text: str) -> str:
    """Return a text that begins a line of a list."""
    return text[:1].upper() + text[1:]


def _merged(states: Sequence[PlanData]) -> list[MapLayer]:
    """Return the layers of all states, each once, with the symbols of all."""
    found: dict[str, MapLayer] = {}
    for data in reversed(states):
        for layer in data.layers():
            if layer.name in found:
                symbols = dict.fromkeys((*found[layer.name].symbols, *layer.symbols))
                found[layer.name] = replace(found[layer.name], symbols=tuple(symbols))
            else:
                found[layer.name] = layer
    return list(found.values())


def _group(
    states: Sequence[PlanData], name: str, layers: list[MapLayer], service: ServiceAddresses | None
) -> dict[str, Any]:
    return {
        "name": name,
        "label": states[-1].text(f"legend.{name}"),
        "layers": [_layer(states, layer, service) for layer in layers if layer.group == name],
    }


def _backdrops(data: PlanData, service: ServiceAddresses | None) -> list[dict[str, Any]]:
    """Return what may lie under the features, as lines of the layer control.

    A page that stands alone has no base map: its pictures would come from outside.
    """
    found: list[dict[str, Any]] = []
    if data.plan.dem is not None:
        found.append({"name": "relief", "label": data.text("map.relief"), "is_shown": True})
    if service is not None:
        found += [
            {
                "name": f"basemap.{position}",
                "label": data.text("map.base_map", name=basemap.name),
                "is_shown": False,
                "attribution": basemap.attribution,
                "max_zoom": basemap.max_zoom,
                "tiles": list(basemap.addresses)
                or [f"{service.root}/basemaps/{position}/{{z}}/{{x}}/{{y}}"],
            }
            for position, basemap in enumerate(data.plan.settings.basemaps)
        ]
    return found


def _layer(
    states: Sequence[PlanData], layer: MapLayer, service: ServiceAddresses | None
) -> dict[str, Any]:
    main = states[-1]
    described = {
        key: value for key, value in asdict(layer).items() if key not in {"group", "title", "text"}
    }
    label = layer.text if layer.text is not None else _capital(main.text(layer.title))
    is_tiled = any(service and service.tiles(data, layer.source) for data in states)
    return {
        **described,
        "label": label,
        "count": max(_count(data, layer) for data in states),
        "full_zoom": layer.min_zoom,
        "min_zoom": max(0, layer.min_zoom - TILED_EARLIER_ZOOMS) if is_tiled else layer.min_zoom,
    }


def _count(data: PlanData, layer: MapLayer) -> int:
    if layer.where is None:
        return data.count(layer.source)
    column, value = layer.where
    return sum(cell == value for cell in data.column(layer.source, column))


def _source(
    states: Sequence[PlanData],
    position: int,
    source: FeatureSource,
    service: ServiceAddresses | None,
) -> dict[str, Any]:
    data = states[position]
    count = data.count(source.name)
    address = _address(states, position, source.name, service)
    title = "map.findings" if source.name == "findings" else f"layer.{source.name}"
    return {
        "name": source.name,
        "map": position,
        "label": data.text(title),
        "key": source.key,
        "symbol": source.symbol,
        "symbol_column": source.symbol_column,
        "fields": [
            {"key": field.key, "form": field.form, "label": data.text(f"map.{field.label}")}
            for field in source.fields
        ],
        "count": count,
        "document": _documents(states, position)[source.name],
        "address": address,
        "has_unplaced": source.has_unplaced,
        "is_partial": service is not None and count > _most(source.name),
        "tiles": service.tiles(data, source.name) if service else None,
    }


def _address(
    states: Sequence[PlanData], position: int, name: str, service: ServiceAddresses | None
) -> str | None:
    if service is None:
        return None
    is_shared = position > 0 and _documents(states, position)[name] == name
    find: Callable[[PlanData], str] = lambda data: service.features(data, name)  # noqa: E731 - used twice
    return find(states[0]) if is_shared else find(states[position])
