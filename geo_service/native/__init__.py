"""Find this machine's library of the compiled kernel, load it, and declare its functions.

hatch_build.py compiles the sources beside this file when the package is built. On a machine
for which no library was compiled `load` returns None, and callers fall back to shapely.
Calls release the interpreter's lock, so threads run in parallel.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import platform
import sys
from collections.abc import Mapping
from ctypes import POINTER, c_double, c_int32, c_int64, c_void_p
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

KERNEL_VERSION = 3
"""The GEO_KERNEL_VERSION (kernel.h) that is required; a library of another version is not used."""

OK = -1
"""What a call returns on success."""

_FOLDER = Path(__file__).parent / "lib"
_SUFFIXES = MappingProxyType({"darwin": ".dylib", "win32": ".dll"})
_MACHINES = MappingProxyType({"amd64": "x86_64", "arm64": "aarch64"})
_log = logging.getLogger(__name__)


class RaggedStruct(ctypes.Structure):
    """Addresses of geometry arrays in the kernel's form (geo_ragged in kernel.h)."""

    _fields_ = (
        ("xy", c_void_p),
        ("ring", c_void_p),
        ("part", c_void_p),
        ("geometry", c_void_p),
        ("dimension", c_void_p),
        ("count", c_int64),
    )


_SHAPES = POINTER(RaggedStruct)
_WHY = POINTER(c_int32)
_RANGE = (c_int64, c_int64)
_CALLS: Mapping[str, tuple[Any, tuple[Any, ...]]] = MappingProxyType(
    {
        "geo_wkb_count": (c_int64, (c_void_p, c_void_p, c_int64, c_void_p, _WHY)),
        "geo_wkb_fill": (c_int64, (c_void_p, c_void_p, c_int64, *[c_void_p] * 5, _WHY)),
        "geo_bounds": (None, (_SHAPES, c_void_p)),
        "geo_areas": (None, (_SHAPES, c_void_p)),
        "geo_zones_build": (c_void_p, (_SHAPES, c_double, c_double, c_double, c_int64, c_int64)),
        "geo_zones_free": (None, (c_void_p,)),
        "geo_zones_facts": (None, (c_void_p, c_void_p)),
        "geo_zones_covered": (c_int64, (c_void_p, _SHAPES, c_void_p, *_RANGE, c_void_p)),
        "geo_zones_largest": (c_int64, (c_void_p, _SHAPES, c_void_p, *_RANGE, c_void_p, c_void_p)),
        "geo_zones_shares": (
            c_int64,
            (c_void_p, _SHAPES, c_void_p, *_RANGE, c_int64, c_void_p, c_void_p, c_void_p),
        ),
        "geo_lines_build": (c_void_p, (_SHAPES,)),
        "geo_lines_free": (None, (c_void_p,)),
        "geo_lines_nearest": (c_int64, (c_void_p, _SHAPES, *_RANGE, c_void_p, c_void_p)),
        "geo_sides_build": (c_void_p, (_SHAPES,)),
        "geo_sides_free": (None, (c_void_p,)),
        "geo_sides_cut": (
            c_int64,
            (c_void_p, _SHAPES, *[c_void_p] * 2, *_RANGE, *_RANGE, *[c_void_p] * 3),
        ),
    }
)


def library_name() -> str:
    """Return the file name that hatch_build.py gives this machine's library."""
    machine = platform.machine().lower()
    suffix = _SUFFIXES.get(sys.platform, ".so")
    return f"kernel-{sys.platform}-{_MACHINES.get(machine, machine)}{suffix}"


@functools.cache
def load() -> ctypes.CDLL | None:
    """Return the kernel with its functions declared; None if this machine has none."""
    path = _FOLDER / library_name()
    try:
        library = ctypes.CDLL(str(path))
        version = library.geo_kernel_version()
        for name, (result, arguments) in _CALLS.items():
            call = getattr(library, name)
            call.restype, call.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        _log.warning("No compiled kernel, overlaps are measured with shapely: %s", error)
        return None
    if version != KERNEL_VERSION:
        message = "%s has version %s, not %s: overlaps are measured with shapely."
        _log.warning(message, path, version, KERNEL_VERSION)
        return None
    return library


def require() -> ctypes.CDLL:
    """Return the kernel; raises RuntimeError if this machine has none."""
    library = load()
    if library is None:
        msg = (
            f"The compiled kernel {library_name()} is not installed. Build the package again, "
            f"or measure with geo_service.spatial.overlay, which does without."
        )
        raise RuntimeError(msg)
    return library


def address(values: NDArray[Any]) -> int:
    """Return the address of an array's values; the caller keeps the array alive and contiguous."""
    return int(values.ctypes.data)
