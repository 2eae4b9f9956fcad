"""Base maps that a workspace declares: what may lie under its maps, and on which datum.

A base map on GCJ-02 or BD-09 is hundreds of metres off from layers in CGCS2000. So every base map
declares its datum. One on a shifted datum, or from a service known to use one, is refused:
nothing is moved silently. `maps.archives` reads tiles from archives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from geo_service.wording import quoted, said

if TYPE_CHECKING:
    from geo_service.model import Message

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{8,64}$")]

SHIFTED_HOSTS = (
    "amap.com",
    "autonavi.com",
    "gaode.com",
    "gtimg.com",
    "map.qq.com",
    "google.cn",
    "bdimg.com",
    "map.baidu.com",
)
"""Hosts whose tiles are on GCJ-02 or BD-09, whatever the workspace declares."""
TIANDITU_LAYERS = ("vec", "img", "ter")
_TIANDITU = "https://t0.tianditu.gov.cn"
_LABELS = {"vec": "cva", "img": "cia", "ter": "cta"}
_PLACEHOLDERS = ("{z}", "{x}", "{y}")
MAX_ZOOM = 18
_ARCHIVES = (b"SQLite format 3\x00", b"PMTiles\x03")


class BasemapPart(BaseModel):
    """One `[[basemaps]]` of a workspace's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    kind: Literal["xyz", "wmts", "mbtiles", "pmtiles", "tianditu"]
    datum: Literal["wgs84", "cgcs2000", "gcj02"]
    url: Address | None = None
    path: Line | None = None
    layer: Literal["vec", "img", "ter"] = "vec"
    key: Key | None = None
    attribution: Line | None = None
    max_zoom: Annotated[int, Field(ge=1, le=22)] = MAX_ZOOM


@dataclass(frozen=True, kw_only=True)
class Basemap:
    """A base map that may be used: tiles at addresses of another service, or in an archive.

    `addresses` contain the placeholders `{z}`, `{x}` and `{y}`; several are drawn on top of
    each other.
    """

    name: str
    addresses: tuple[str, ...] = ()
    archive: Path | None = None
    attribution: str = ""
    max_zoom: int = MAX_ZOOM

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins from which pages must be allowed to load pictures."""
        parts = [urlsplit(address) for address in self.addresses]
        return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))


def basemap_faults(part: BasemapPart, folder: Path) -> Iterator[tuple[str, Message, Message]]:
    """Yield what makes a base map unusable: the setting, its value, and what is expected."""
    if part.datum == "gcj02":
        yield "datum", said("fault.value", value=part.datum), said("fault.true_datum")
    if part.kind == "tianditu":
        if part.key is None:
            yield "key", said("fault.none_given"), said("fault.tianditu_key")
    elif part.kind in {"xyz", "wmts"}:
        yield from _address_faults(part.url)
    else:
        yield from _path_faults(part.path, folder)


def _address_faults(url: str | None) -> Iterator[tuple[str, Message, Message]]:
    if url is None:
        yield "url", said("fault.none_given"), said("fault.tile_address")
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable():
        yield "url", quoted(url), said("fault.web_address")
    elif any(letter in parts.netloc for letter in "{};, '\"@*"):
        yield "url", quoted(url), said("fault.plain_host")
    if not all(placeholder in url for placeholder in _PLACEHOLDERS):
        yield "url", quoted(url), said("fault.address_with", places=list(_PLACEHOLDERS))
    if any(host == known or host.endswith(f".{known}") for known in SHIFTED_HOSTS):
        yield "url", quoted(host), said("fault.true_service")


def _path_faults(path: str | None, folder: Path) -> Iterator[tuple[str, Message, Message]]:
    if path is None:
        yield "path", said("fault.none_given"), said("fault.archive_path")
    elif not (folder / path).resolve().is_relative_to(folder.resolve()):
        yield "path", quoted(path), said("fault.inside_folder")
    elif not (folder / path).is_file():
        yield "path", quoted(path), said("fault.file_there")
    else:
        with (folder / path).open("rb") as stream:
            if not stream.read(16).startswith(_ARCHIVES):
                yield "path", quoted(path), said("fault.picture_archive")


def basemap_of(part: BasemapPart, folder: Path) -> Basemap:
    """Return a base map whose declaration has no faults."""
    addresses: tuple[str, ...] = ()
    credit = part.attribution or ""
    if part.kind == "tianditu":
        addresses = tuple(
            _tianditu(layer, part.key or "") for layer in (part.layer, _LABELS[part.layer])
        )
        credit = credit or "天地图"
    elif part.kind in {"xyz", "wmts"}:
        addresses = (part.url or "",)
    return Basemap(
        name=part.name,
        addresses=addresses,
        archive=folder / part.path if part.path and not addresses else None,
        attribution=credit,
        max_zoom=part.max_zoom,
    )


def _tianditu(layer: str, key: str) -> str:
    """Return the address of a layer in web Mercator; anyone can see the key in it."""
    return (
        f"{_TIANDITU}/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
        "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
        f"&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
    )
