"""Look at a GeoJSON before GDAL does: how deep it is, whether it is one, which CRS it names."""

from __future__ import annotations

import mmap
import re
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyproj

from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    from pathlib import Path

    from geo_service.ingest.limits import Budget

_CRS_MEMBER = re.compile(rb'"crs"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PIECE = 1 << 22
_HEAD = 65_536


def check_json(path: Path, budget: Budget) -> None:
    """Refuse JSON that is nested too deeply or not GeoJSON (some JSON is a recipe to GDAL)."""
    depth = deepest = texts = 0
    rest = b""
    is_geojson = False
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            text = rest + piece
            if b"gdal_streamed_alg" in text:
                raise budget.refuse(said("refusal.no_geojson"), said("refusal.feature_collection"))
            is_geojson = is_geojson or b'"Feature' in text or b'"coordinates"' in text
            bare = _STRING.sub(b"", text)
            cut = bare.rfind(b'"')
            if cut >= 0:
                rest = b'"' + bare[cut + 1 :]  # a string that continues in the next piece
                bare = bare[:cut]
                if len(rest) > budget.limits.text_bytes // 10:
                    raise budget.refuse(said("refusal.endless_text"), said("refusal.geojson"))
            else:
                rest = b""
            depth, deepest, ended = _depth(bare, depth, deepest)
            texts += ended
            if deepest > budget.limits.json_depth:
                raise budget.refuse(
                    said("refusal.deep_json"),
                    said("fault.most_levels", most=budget.limits.json_depth),
                )
            budget.check_time()
    if texts > 1:
        raise budget.refuse(said("refusal.json_lines"), said("refusal.feature_collection"))
    if not is_geojson:
        raise budget.refuse(said("refusal.no_geojson"), said("refusal.feature_collection"))


def _depth(text: bytes, depth: int, deepest: int) -> tuple[int, int, int]:
    """Return the depth after a piece, the deepest so far, and how many texts end in the piece."""
    marks = np.frombuffer(text, dtype=np.uint8)
    steps = np.isin(marks, (0x5B, 0x7B)).astype(np.int64) - np.isin(marks, (0x5D, 0x7D))
    if not len(steps):
        return depth, deepest, 0
    levels = np.cumsum(steps) + depth
    ended = int(((levels == 0) & (steps < 0)).sum())
    return int(levels[-1]), max(deepest, int(levels.max())), ended


def implies_its_crs(path: Path) -> tuple[bool, list[Message]]:
    """Return whether a GeoJSON leaves its CRS to RFC 7946, and the note if it means another.

    Before that standard it named one. GDAL takes a name that it does not know for WGS 84.
    """
    named = _CRS_MEMBER.search(ends_of(path))
    if named is None:
        return True, []
    try:
        described = orjson.loads(named[1])["properties"]
        name = str(described.get("name") or f"EPSG:{described['code']}")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        name = named[1].decode(errors="replace")
    try:
        pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError:
        return True, [Message("import.crs_unknown", {"name": repr(name[:60])})]
    return False, []


def ends_of(path: Path) -> bytes:
    """Return the first and last bytes of a text, where a GeoJSON says something of its features."""
    if not path.stat().st_size:
        return b""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return text[:_HEAD] + b" " + text[-_HEAD:]
