"""Read the scripts and styles of maps and pages as browsers load them.

They are joined from the modules beside this file when the package is built (deploy/front.py); only
names in the manifest are ever given out. Leaves out third-party files (`maps/assets.py`) and
serving.
"""

import json
from functools import cache
from pathlib import Path

from geo_service.errors import AssetError
from geo_service.model import Message
from geo_service.wording import said

HOW_TO_BUILD = Message("problem.build_scripts")


def folder() -> Path:
    """Return the folder that holds the joined files; it may be missing."""
    return Path(__file__).parent / "built"


@cache
def names() -> frozenset[str]:
    """Return the names of all files, such as "map/program.js".

    Raises
    ------
    AssetError
        If there is no manifest or it cannot be read.
    """
    manifest = folder() / "manifest.json"
    try:
        return frozenset(json.loads(manifest.read_bytes())["files"])
    except (OSError, ValueError, KeyError) as error:
        msg = said("problem.no_scripts", manifest=str(manifest), then=HOW_TO_BUILD)
        raise AssetError(msg) from error


@cache
def content(name: str) -> bytes:
    """Return one file.

    Raises
    ------
    AssetError
        If `name` is not in the manifest or its file cannot be read.

    Examples
    --------
    >>> content("map/program.js").count(b"</script")
    0
    """
    if name not in names():
        msg = said("problem.no_script", name=repr(name), then=HOW_TO_BUILD)
        raise AssetError(msg)
    try:
        return (folder() / name).read_bytes()
    except OSError as error:
        msg = said("problem.script_gone", name=repr(name), folder=str(folder()), then=HOW_TO_BUILD)
        raise AssetError(msg) from error
