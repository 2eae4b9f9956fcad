"""Draw results as maps: what a page is told about its layers, texts, style and legend.

`draw` gives a standalone Folium map; `draw_served` the same map for the service, which
carries no features. Both are functions of the review and the language alone, so that the
same review gives the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from geo_service.language import Language, Translator, catalogue
from geo_service.maps.layers import GROUPS, MapData, MapLayer, Source
from geo_service.maps.page import Content, PlanningMap
from geo_service.maps.style import SYMBOLS, symbol_document
from geo_service.model import FocusBasis, Verdict

if TYPE_CHECKING:
    import folium

    from geo_service.zoning.review import Review

OVERVIEW = "overview"
MAX_FEATURES = 10_000
"""How many features a page asks for at most of one source."""
BY_VIEW_ABOVE = 4_000
"""Features of a detail layer above which a served page asks for what it shows only."""
_LANGUAGE_NAMES = {Language.ZH_HANS: "简", Language.ZH_HANT: "繁", Language.EN: "EN"}


def draw(review: Review, *, language: Language | str = Language.ZH_HANS) -> folium.Map:
    """Draw a review as the overview map of its county.

    Parameters
    ----------
    review
        The review; its plan gives the layers, its verdicts the colours.
    language
        Language of every text; ids and enums do not change.

    Returns
    -------
    folium.Map
        `save()` and a notebook's display give one page that needs neither a service nor
        the internet, and in which no value of the data is ever run as code.

    Examples
    --------
    >>> import geo_service as gs
    >>> review = gs.review(gs.open_plan("layers/yunyang"))
    >>> type(gs.draw(review)).__name__
    'PlanningMap'
    """
    translator = Translator(Language(language), review.plan.settings.names_hant)
    data = MapData(review, translator)
    collections = {source.name: data.document(source.name) for source in data.sources()}
    return _draw(data, addresses=None, collections=collections)


def draw_served(data: MapData, *, root: str = "") -> PlanningMap:
    """Draw a review for the service mounted under `root`: features by address, not inside."""
    query = f"lang={data.translator.language.value}&limit={MAX_FEATURES}"
    addresses = {
        source.name: f"{root}/api/layers/{source.name}/features?{query}"
        for source in data.sources()
    }
    return _draw(data, addresses=addresses, collections=None)


def _draw(
    data: MapData, *, addresses: Mapping[str, str] | None, collections: Mapping[str, Any] | None
) -> PlanningMap:
    translator = data.translator
    title = translator.text("map.title", county=translator.pick(data.plan.settings.name))
    content = Content(
        title=title,
        language=translator.language.value,
        no_script=translator.text("map.no_script"),
        settings=_settings(data, title, addresses),
        collections=collections,
    )
    return PlanningMap(content, kind=OVERVIEW, bounds=data.bounds())


def _settings(data: MapData, title: str, addresses: Mapping[str, str] | None) -> dict[str, Any]:
    west, south, east, north = data.bounds()
    layers = data.layers()
    return {
        "map": f"map_{OVERVIEW}",
        "title": title,
        "subtitle": _subtitle(data),
        "language": data.translator.language.value,
        "languages": None if addresses is None else _languages(data.translator.language),
        "bounds": [[south, west], [north, east]],
        "texts": _texts(data.translator),
        "symbols": symbol_document(),
        "labels": _labels(data.translator, layers),
        "groups": [_group(data, name, layers) for name in GROUPS],
        "sources": [_source(data, source, addresses) for source in data.sources()],
        "verdicts": dict(data.review.verdicts),
        "bases": [
            {"key": basis.value, "label": data.translator.text(f"basis.{basis}")}
            for basis in FocusBasis
        ],
        "about": _about(data),
        "credits": [data.translator.convert(text) for text in data.credits()],
        "is_illustrative": data.is_illustrative(),
    }


def _subtitle(data: MapData) -> str:
    """Say how many parks of each tier there are (1 + 5 + 42) and what they are."""
    tiers = [item["properties"]["tier"] for item in data.features("parks")]
    parts = [
        data.translator.text(
            "map.tier_count", count=tiers.count(tier), tier=data.translator.text(f"tier.{tier}")
        )
        for tier in ("municipal_park", "sme_cluster", "building_park")
    ]
    return " + ".join(parts)


def _languages(current: Language) -> list[dict[str, Any]]:
    return [
        {"code": language.value, "label": label, "is_current": language is current}
        for language, label in _LANGUAGE_NAMES.items()
    ]


def _texts(translator: Translator) -> dict[str, str]:
    """Return the page's own texts; those with {fields} are filled by the page."""
    language = "en" if translator.language is Language.EN else "zh"
    return {
        key.removeprefix("map."): translator.convert(texts[language])
        for key, texts in catalogue().items()
        if key.startswith("map.")
    }


def _labels(translator: Translator, layers: list[MapLayer]) -> dict[str, dict[str, str]]:
    """Return the name, and for some the glyph, of every symbol that the map may use."""
    keys = {key for layer in layers for key in layer.symbols}
    keys |= {f"verdict.{verdict}" for verdict in Verdict}
    found: dict[str, dict[str, str]] = {}
    for key in sorted(keys):
        found[key] = {"label": _capital(translator.text(key))}
        if SYMBOLS[key].has_glyph:
            found[key]["glyph"] = translator.text(f"{key}_glyph")
    return found


def _capital(text: str) -> str:
    """Return a text that begins a line of a list."""
    return text[:1].upper() + text[1:]


def _group(data: MapData, name: str, layers: list[MapLayer]) -> dict[str, Any]:
    return {
        "name": name,
        "label": data.translator.text(f"legend.{name}"),
        "layers": [_layer(data, layer) for layer in layers if layer.group == name],
    }


def _layer(data: MapData, layer: MapLayer) -> dict[str, Any]:
    features = data.features(layer.source)
    if layer.where is not None:
        column, value = layer.where
        features = [item for item in features if item["properties"][column] == value]
    described = {
        key: value for key, value in asdict(layer).items() if key not in {"group", "title"}
    }
    return {
        **described,
        "label": _capital(data.translator.text(layer.title)),
        "count": len(features),
    }


def _source(data: MapData, source: Source, addresses: Mapping[str, str] | None) -> dict[str, Any]:
    count = len(data.features(source.name))
    return {
        "name": source.name,
        "label": data.translator.text(
            "map.findings" if source.name == "findings" else f"layer.{source.name}"
        ),
        "key": source.key,
        "symbol": source.symbol,
        "symbol_column": source.symbol_column,
        "fields": [
            {
                "key": field.key,
                "form": field.form,
                "label": data.translator.text(f"map.{field.label}"),
            }
            for field in source.fields
        ],
        "count": count,
        "address": addresses[source.name] if addresses else None,
        "is_by_view": bool(addresses) and source.is_detail and count > BY_VIEW_ABOVE,
    }


def _about(data: MapData) -> list[str]:
    """Say what the verdicts rest on: day, rulebook, data."""
    review, translator = data.review, data.translator
    settings = review.plan.settings
    return [
        translator.text("map.about_day", day=review.as_of.isoformat()),
        translator.text("map.about_rulebook", version=review.rulebook.version),
        translator.text("map.about_plan", version=review.plan.version),
        translator.text("map.about_basis", basis=translator.text(f"basis.{settings.focus_basis}")),
    ]
