"""The files that maps' pages load: our own scripts and styles, and those of others.

Each has a version that stands in its address, so that a client may keep it for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from geo_service.errors import NotFoundError
from geo_service.maps import assets, document
from geo_service.wording import said


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file that a page loads."""

    content: bytes
    media_type: str
    version: str
    policy: str | None = None
    """The Content-Security-Policy of a script that runs by itself, a worker."""


def asset(name: str) -> PageFile:
    """Return a third-party file that stands in the manifest; NotFoundError for another."""
    if name not in assets.names():
        raise NotFoundError(said("problem.no_file"))
    return PageFile(_asset(name), assets.media_type(name), document.asset_version(name))


def own_file(name: str) -> PageFile:
    """Return one of the map's own scripts or styles; NotFoundError for another."""
    content = document.static_file(name)
    policy = document.WORKER_POLICY if name == document.WORKER else None
    kind, version = document.media_type(name), document.static_version(name)
    return PageFile(content, kind, version, policy)


@cache
def _asset(name: str) -> bytes:
    return assets.path(name).read_bytes()
