"""Draw the relief under a map: the plan's elevation model as a picture of light and shadow.

The picture is transparent on level ground and outside the county, so that what lies under it
keeps its colours. It is in web Mercator, in which maps place pictures.
"""

from __future__ import annotations

import base64
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from rasterio.features import geometry_mask
from rasterio.transform import from_bounds

from geo_service.spatial.raster import hillshade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.plan import DemFile, Plan

WEB_MERCATOR = "EPSG:3857"
SIDE = 900
"""Most cells along the longer side: for a county, cells of about 100 m."""
Z_FACTOR = 1.3
_LEVEL = 180
"""Brightness (of 255) of level ground under light from 45 degrees above the horizon."""
_DARKEST, _LIGHTEST = 105, 90
"""Opacity (of 255) of full shadow and of full light."""


@dataclass(frozen=True)
class ReliefPicture:
    """A PNG picture, and its west, south, east and north bounds in degrees."""

    png: bytes
    bounds_deg: tuple[float, float, float, float]

    @property
    def data_uri(self) -> str:
        """The picture as a data: address, for standalone pages."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


_pictures: WeakKeyDictionary[Plan, ReliefPicture] = WeakKeyDictionary()
_lock = threading.Lock()


def relief_of(plan: Plan) -> ReliefPicture | None:
    """Return the relief of a plan's county; None if the plan has no elevation model.

    It is made once per plan, in about a second, and freed with the plan.
    """
    if plan.dem is None:
        return None
    with _lock:
        if plan not in _pictures:
            _pictures[plan] = _picture(plan, plan.dem)
        return _pictures[plan]


def _picture(plan: Plan, dem: DemFile) -> ReliefPicture:
    relief = hillshade(dem, z_factor=Z_FACTOR, crs=WEB_MERCATOR, max_side=SIDE)
    shade = relief.image.astype(np.int16)
    is_dark = shade < _LEVEL
    light = np.where(is_dark, 30, 255)
    opaque = np.where(
        is_dark,
        (_LEVEL - shade) * _DARKEST // _LEVEL,
        (shade - _LEVEL) * _LIGHTEST // (255 - _LEVEL),
    )
    opaque[(shade == 0) | _outside(plan, shade.shape, relief.bounds)] = 0
    pixels = np.stack([light, opaque], axis=-1).astype(np.uint8)
    return ReliefPicture(png_of(pixels), relief.bounds_deg)


def _outside(
    plan: Plan, shape: tuple[int, ...], bounds: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """Return which cells lie outside the county; none do if the plan has no county layer."""
    boundary = plan.geo("county")
    if boundary.empty:
        return np.zeros(shape, dtype=bool)
    height, width = shape
    transform = from_bounds(*bounds, width, height)
    shapes = boundary.to_crs(WEB_MERCATOR).geometry.tolist()
    mask: NDArray[np.bool_] = geometry_mask(shapes, out_shape=(height, width), transform=transform)
    return mask


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    r"""Return grey and alpha values (rows, columns, 2) as a PNG file (ISO/IEC 15948).

    >>> png_of(np.zeros((1, 1, 2), dtype=np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)  # grey with alpha
    # Each row begins with its filter: 2, the difference from the row above, suits smooth shades.
    rows: Any = pixels.reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.hstack([np.full((height, 1), 2, dtype=np.uint8), rows - above])
    data = zlib.compress(filtered.tobytes(), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
