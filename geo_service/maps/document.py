"""The map's page: the only file that renders Folium.

A page is Folium's frame (the map's element and the script that makes it) with our own
scripts beside it. No value of the data goes through Folium, Jinja, a JavaScript literal or
HTML: settings and, in a standalone page, features lie in one JSON island that is put in
after Folium has rendered. Scripts and styles are let in by their hashes; whatever Folium
would load from outside is mapped to a local asset or refused.
Leaves out what the map shows (`layers`, `draw`) and answering HTTP (`web`).
"""

from __future__ import annotations

import base64
import hashlib
import html
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import folium
import orjson
from branca.element import CssLink, Figure, JavascriptLink
from folium.template import Template

from geo_service import front
from geo_service.errors import AssetError, NotFoundError
from geo_service.maps import assets
from geo_service.wording import said

ASSET = "asset:"
"""Marks an address as the name of a third-party asset."""

START = "start.js"
"""Runs before all others."""
PRELUDE = "prelude.js"
"""Runs between Leaflet and Folium's script."""
WORKER = "tile_worker.js"
"""Runs beside served pages that draw vector tiles."""
WORKER_POLICY = "default-src 'none'; connect-src 'self'"
"""A worker goes by the policy of its own file: this one may ask the service for tiles."""
STYLES = ("map.css",)
PROGRAM = "program.js"
"""Runs last: the map's page around Folium's maps."""
STATIC_FILES = frozenset((START, PRELUDE, PROGRAM, WORKER, *STYLES))

MIN_ZOOM = 3
MAX_ZOOM = 19
ISLAND_ID = "map-data"
_ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
_MARKER_IMAGES = ("marker-icon.png", "marker-icon-2x.png", "marker-shadow.png")
_CSS_ADDRESS = re.compile(r"url\(\s*['\"]?(?P<address>[^)'\"]+)['\"]?\s*\)")


# ---- our own files -----------------------------------------------------------------------


def static_file(name: str) -> bytes:
    """Return one of the page's own scripts or styles; NotFoundError for any other name."""
    if name not in STATIC_FILES:
        raise NotFoundError(said("problem.no_file"))
    return front.content(f"map/{name}")


@cache
def static_version(name: str) -> str:
    """Return a short hash of one of our own files, for its address."""
    return hashlib.sha256(static_file(name)).hexdigest()[:12]


@cache
def asset_version(name: str) -> str:
    """Return a short hash of a third-party asset, for its address."""
    return hashlib.sha256(assets.path(name).read_bytes()).hexdigest()[:12]


# ---- the island and the hashes -----------------------------------------------------------


def island(document: object) -> str:
    r"""Return a document as JSON that cannot end its script element or start another.

    >>> island({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    text = orjson.dumps(document, option=options).decode()
    return text.translate(_ESCAPES)


def csp_hash(content: str) -> str:
    """Return the source expression that lets in an inline script or style."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


class _Inventory(HTMLParser):
    """The inline scripts and styles of a page, and the addresses that it loads from."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.addresses: list[str] = []
        self._open: list[str] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._open = None
        for name in ("src", "href"):
            if given.get(name):
                self.addresses.append(given[name] or "")
        if tag == "style":
            self._open = self.styles
        elif tag == "script" and "src" not in given and given.get("type") != "application/json":
            self._open = self.scripts
        if self._open is not None:
            self._open.append("")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._open = None


def _policy(page: str, *, own: str, pictures: Iterable[str] = (), **more: str) -> str:
    """Return a Content-Security-Policy that lets in what a page has inline, and `own`.

    `pictures` are further origins from which pictures alone may be loaded.
    """
    found = _Inventory(page)

    def sources(inline: Iterable[str]) -> str:
        listed = [own, *dict.fromkeys(csp_hash(text) for text in inline if text)]
        return " ".join(filter(None, listed)) or "'none'"

    directives = {
        "default-src": "'none'",
        "script-src": sources(found.scripts),
        "style-src": sources(found.styles),
        "img-src": " ".join(filter(None, [own, "data:", "blob:", *pictures])),
        "font-src": f"{own} data:".strip(),
        "connect-src": own or "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "object-src": "'none'",
        **more,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


# ---- Folium ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a page carries beside Folium's frame.

    `settings` configure our scripts. `collections` are the features by source, or None for
    a page that asks the service for them.
    """

    title: str
    language: str
    no_script: str
    settings: Mapping[str, Any]
    collections: Mapping[str, Any] | None = None


class _PlanningFigure(Figure):
    """A figure that renders as our standalone page, and so do `save` and the notebook."""

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401 - Folium's signature
        """Return the standalone page of the map in this figure."""
        for child in list(self._children.values()):
            if isinstance(child, PlanningMap):
                return standalone_page(child)
        return str(super().render(**kwargs))


class PlanningMap(folium.Map):
    """A Folium map whose page is offline and safe: `save()` and a notebook show it so.

    Other Folium elements may be added; their scripts are let in by hash, and an element
    that needs a file from outside raises AssetError when the page is rendered. Folium
    itself does not guard the texts of such elements.
    """

    default_js = [("leaflet", f"{ASSET}leaflet/leaflet.js")]  # noqa: RUF012 - Folium's attribute
    default_css = [("leaflet_css", f"{ASSET}leaflet/leaflet.css")]  # noqa: RUF012 - the same

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <div class="folium-map" id={{ this.get_name()|tojson }}></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }},
            crs: L.CRS.{{ this.crs }},
            ...{{ this.options|tojavascript }}
        });
        {% endmacro %}
        """
    )

    def __init__(
        self,
        content: Content,
        *,
        kinds: Sequence[str],
        bounds: tuple[float, float, float, float],
    ) -> None:
        """Make a map over a box (west, south, east, north), or two side by side.

        `kinds` are the fixed ids; with two, a second map stands in the same figure.
        """
        west, south, east, north = bounds
        is_paired = len(kinds) > 1
        super().__init__(
            location=[round((south + north) / 2, 6), round((west + east) / 2, 6)],
            zoom_start=9,
            tiles=None,
            zoom_control=False,
            attribution_control=False,
            zoom_snap=0.25,
            zoom_delta=1,
            min_zoom=None,
            max_zoom=None,
        )
        # Folium hands these two to its tile layer only, and this map has none.
        self.options |= {"min_zoom": MIN_ZOOM, "max_zoom": MAX_ZOOM}
        # Tiles that fade in are composed a dozen times each while others wait to be painted.
        self.options |= {"fade_animation": False}
        if is_paired:
            # Each map follows the other at once; an animation would lag behind.
            self.options |= {"zoom_animation": False}
        self._id = kinds[0]
        self.content = content
        figure = _PlanningFigure()
        figure.add_child(self)
        for kind in kinds[1:]:
            other = PlanningMap(content, kinds=[kind], bounds=bounds)
            other.options |= self.options
            figure.add_child(other)


@dataclass(frozen=True, slots=True)
class _PageParts:
    """What Folium made of a map: assets by name, other markup for the head, element, script."""

    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    head: str
    body: str
    script: str


def _render_folium(drawn: PlanningMap) -> _PageParts:
    figure = cast("Figure", drawn.get_root())
    for child in list(figure._children.values()):  # noqa: SLF001 - Folium has no other way
        child.render()
    scripts, styles, fragments = [], [], []
    for name, item in figure.header._children.items():  # noqa: SLF001 - the same
        if isinstance(item, JavascriptLink):
            scripts.append(_asset_name(item.url))
        elif isinstance(item, CssLink):
            styles.append(_asset_name(item.url))
        elif name != "meta_http":
            fragments.append(item.render().strip())
    parts = _PageParts(
        tuple(scripts),
        tuple(styles),
        "\n".join(fragments),
        figure.html.render().strip(),
        figure.script.render().strip(),
    )
    for address in _Inventory(f"{parts.head}{parts.body}").addresses:
        if not address.startswith(("data:", "#")):
            _asset_name(address)
    return parts


def _asset_name(address: str) -> str:
    """Return the asset for an address in Folium's header; AssetError for an unknown one."""
    if address.startswith(ASSET):
        return address.removeprefix(ASSET)
    return assets.local_name(address)


# ---- whole pages -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServedPage:
    """A page for the service: its HTML and the Content-Security-Policy to send with it."""

    html: str
    policy: str

    @property
    def digest(self) -> str:
        """A hash of all of it; the same map gives the same."""
        return hashlib.sha256(f"{self.policy}\n{self.html}".encode()).hexdigest()[:32]


def served_page(drawn: PlanningMap, *, root: str = "", pictures: Iterable[str] = ()) -> ServedPage:
    """Return a map as a page that loads its scripts, styles and features from the service.

    Parameters
    ----------
    drawn
        The map; its content has no collections.
    root
        The path under which the service is mounted, without a slash at its end.
    pictures
        Origins of base maps, from which the page may load pictures and nothing else.

    Raises
    ------
    AssetError
        An element of the map needs a file that is not there.
    """
    parts = _render_folium(drawn)

    def asset(name: str) -> str:
        return f"{root}/assets/{name}?v={asset_version(name)}"

    def own(name: str) -> str:
        return f"{root}/static/{name}?v={static_version(name)}"

    styles = [_link(asset(name)) for name in (*parts.styles, *assets.font_sheets())]
    styles += [_link(own(name)) for name in STYLES]
    before = [own(START), *map(asset, parts.scripts), own(PRELUDE)]
    scripts = [*map(_source, before), _script(parts.script), _source(own(PROGRAM))]
    # Scripts first; features come while they are read.
    styles += [_preload(address, "script") for address in (*before, own(PROGRAM))]
    addresses = _document_addresses(drawn.content.settings)
    styles += [_preload(address, "fetch", " crossorigin") for address in addresses]
    settings = {
        **drawn.content.settings,
        "marker_images": f"{root}/assets/leaflet/images/",
        "tile_worker": own(WORKER),
    }
    page = _document(drawn.content, parts, styles=styles, scripts=scripts, island_of=settings)
    policy = _policy(page, own="'self'", pictures=pictures, **{"frame-ancestors": "'self'"})
    return ServedPage(page, policy)


def standalone_page(drawn: PlanningMap) -> str:
    """Return a map as one file that needs nothing else, neither a service nor the internet.

    Raises
    ------
    AssetError
        An element of the map needs a file that is not there.
    """
    parts = _render_folium(drawn)
    styles = [_style(_inlined_css(name)) for name in parts.styles]
    styles += [_style(static_file(name).decode()) for name in STYLES]
    scripts = [_script(static_file(START).decode())]
    scripts += [_script(assets.text(name)) for name in parts.scripts]
    scripts += [_script(static_file(PRELUDE).decode()), _script(parts.script)]
    scripts += [_script(static_file(PROGRAM).decode())]
    images = {name: assets.data_uri(f"leaflet/images/{name}") for name in _MARKER_IMAGES}
    carried = {
        **drawn.content.settings,
        "marker_images": images,
        "collections": drawn.content.collections or {},
    }
    content = drawn.content
    page = _document(content, parts, styles=styles, scripts=scripts, island_of=carried)
    policy = html.escape(_policy(page, own=""), quote=True)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return _document(content, parts, styles=[meta, *styles], scripts=scripts, island_of=carried)


def _document(
    content: Content,
    parts: _PageParts,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    island_of: Mapping[str, Any],
) -> str:
    lines = (
        "<!DOCTYPE html>",
        f'<html lang="{html.escape(content.language, quote=True)}">',
        "<head>",
        '<meta charset="utf-8">',
        *styles,
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<link rel="icon" href="data:,">',
        f"<title>{html.escape(content.title)}</title>",
        parts.head,
        "</head>",
        "<body>",
        f"<noscript>{html.escape(content.no_script)}</noscript>",
        parts.body,
        f'<script type="application/json" id="{ISLAND_ID}">{island(island_of)}</script>',
        *scripts,
        "</body>",
        "</html>",
        "",
    )
    return "\n".join(line.replace("\r\n", "\n") for line in lines)


def _link(address: str) -> str:
    return f'<link rel="stylesheet" href="{html.escape(address, quote=True)}">'


def _preload(address: str, kind: str, more: str = "") -> str:
    """Return what has something fetched before the page asks for it, as it will ask for it."""
    return f'<link rel="preload" as="{kind}"{more} href="{html.escape(address, quote=True)}">'


def _document_addresses(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the addresses of the sources that come as one document, each once."""
    sources = [source for source in settings.get("sources", ()) if not source.get("tiles")]
    return tuple(dict.fromkeys(source["address"] for source in sources))


def _source(address: str) -> str:
    return f'<script src="{html.escape(address, quote=True)}"></script>'


def _script(code: str) -> str:
    return f"<script>{_checked(code, '</script', '<!--')}</script>"


def _style(rules: str) -> str:
    return f"<style>{_checked(rules, '</style')}</style>"


def _checked(text: str, *ends: str) -> str:
    """Return a script or style that the parser will read to its end as one."""
    for end in ends:
        if end in text.lower():
            msg = said("problem.inline", found=repr(end))
            raise AssetError(msg)
    return text.replace("\r\n", "\n")


def _inlined_css(name: str) -> str:
    """Return an asset's stylesheet with the images it names put in as data."""
    folder = name.rpartition("/")[0]

    def inline(match: re.Match[str]) -> str:
        address = match["address"]
        if address.startswith(("data:", "#")):
            return match[0]
        return f'url("{assets.data_uri(f"{folder}/{address}")}")'

    return _CSS_ADDRESS.sub(inline, assets.text(name))


def media_type(name: str) -> str:
    """Return the media type of one of our own files."""
    return (
        assets.MEDIA_TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    )
