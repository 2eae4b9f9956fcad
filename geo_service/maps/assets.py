"""Find the third-party scripts, styles and fonts that maps and pages load.

The files are collected when the package is built (hatch_build.py) and described by a manifest;
only names that stand in the manifest are ever given out. Leaves out serving them over HTTP and
writing the page that loads them.
"""

import base64
import json
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from geo_service.errors import AssetError
from geo_service.model import Message
from geo_service.wording import said

FONT_FOLDERS = ("noto-sans-sc", "chiron-hei-hk")
"""Fonts of pages; the second has letters of place names that the first lacks."""
HOW_TO_BUILD = Message("problem.build_assets")
# What a machine's own table may not know, or may know by an older name.
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
# The part of a CDN's address that names a file of an npm package: name@version/path.
PACKAGE_PATH = re.compile(r"/(?P<name>(?:@[^/@]+/)?[^/@]+)@(?P<version>[^/]+)/(?P<path>[^?#]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetPackage:
    """One npm package of which files are shipped.

    `files` and `licence_files` are asset names such as "leaflet/leaflet.js"; `root` is the
    folder inside the npm package that corresponds to `folder` here.
    """

    name: str
    version: str
    licence: str
    folder: str
    root: str
    files: tuple[str, ...]
    licence_files: tuple[str, ...]


def directory() -> Path:
    """Return the folder that holds the assets; it may be missing."""
    return Path(__file__).parents[1] / "assets"


@cache
def packages() -> tuple[AssetPackage, ...]:
    """Return the packages of the manifest, in its order.

    Raises
    ------
    AssetError
        If there is no manifest or it cannot be read.

    Examples
    --------
    >>> [package.licence for package in packages() if package.name == "leaflet"]
    ['BSD-2-Clause']
    """
    manifest = directory() / "manifest.json"
    try:
        entries = json.loads(manifest.read_text(encoding="utf-8"))["packages"]
        return tuple(
            AssetPackage(
                name=entry["name"],
                version=entry["version"],
                licence=entry["licence"],
                folder=entry["folder"],
                root=entry["root"],
                files=tuple(entry["files"]),
                licence_files=tuple(entry["licence_files"]),
            )
            for entry in entries
        )
    except (OSError, ValueError, KeyError) as error:
        msg = said("problem.no_assets", manifest=str(manifest), then=HOW_TO_BUILD)
        raise AssetError(msg) from error


@cache
def names() -> frozenset[str]:
    """Return the names of all assets."""
    return frozenset(name for package in packages() for name in package.files)


def font_sheets() -> tuple[str, ...]:
    """Return the stylesheets with Chinese letters for machines that lack them.

    A browser loads only the slices that a page needs.

    Examples
    --------
    >>> font_sheets()[0]
    'noto-sans-sc/index.css'
    """
    sheets = sorted(name for name in names() if name.endswith(".css"))
    return tuple(
        name for folder in FONT_FOLDERS for name in sheets if name.startswith(f"{folder}/")
    )


def path(name: str) -> Path:
    """Return the file of one asset.

    Raises
    ------
    AssetError
        If `name` does not stand in the manifest or its file is missing.

    Examples
    --------
    >>> path("leaflet/leaflet.js").is_file()
    True
    """
    if name not in names():
        msg = said("problem.no_asset", name=repr(name), then=HOW_TO_BUILD)
        raise AssetError(msg)
    file = directory() / name
    if not file.is_file():
        msg = said(
            "problem.asset_gone", name=repr(name), folder=str(directory()), then=HOW_TO_BUILD
        )
        raise AssetError(msg)
    return file


def text(name: str) -> str:
    """Return the content of a script, style or licence; raises as `path` does."""
    return path(name).read_text(encoding="utf-8")


def media_type(name: str) -> str:
    """Return the media type of an asset, known or not, by its ending.

    Examples
    --------
    >>> media_type("leaflet/leaflet.js"), media_type("leaflet/LICENSE")
    ('text/javascript', 'text/plain')
    """
    known = MEDIA_TYPES.get(Path(name).suffix)
    return known or mimetypes.guess_type(name)[0] or "text/plain"


def data_uri(name: str) -> str:
    """Return an asset as a data: address, for pages that stand alone; raises as `path` does.

    Examples
    --------
    >>> data_uri("leaflet/images/marker-icon.png")[:22]
    'data:image/png;base64,'
    """
    content = base64.b64encode(path(name).read_bytes()).decode("ascii")
    return f"data:{media_type(name)};base64,{content}"


def local_name(url: str) -> str:
    """Return the asset that stands in for a CDN's address of a file in an npm package.

    The address must say package, version and path (`.../leaflet@1.9.3/dist/leaflet.js`), and
    its major version must be that of the package shipped here.

    Raises
    ------
    AssetError
        If no asset stands in for the address.

    Examples
    --------
    >>> local_name("https://cdn.example/npm/leaflet@1.9.3/dist/leaflet.js")
    'leaflet/leaflet.js'
    """
    if match := PACKAGE_PATH.search(url):
        for package in packages():
            root = f"{package.root}/" if package.root else ""
            name = f"{package.folder}/{match['path'].removeprefix(root)}"
            same_major = match["version"].split(".")[0] == package.version.split(".")[0]
            if match["name"] == package.name and same_major and name in package.files:
                return name
    msg = said("problem.outside_asset", url=repr(url))
    raise AssetError(msg)
