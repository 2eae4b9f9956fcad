"""Compare the pinned packages with a file of advisories, without network.

The file holds advisories in OSV's form: one JSON document, a list of them, or a ZIP of many, as
osv.dev offers for each ecosystem (PyPI, npm). Exit 0: none fits; 1: some do, each is printed with
its package and the release that mends it; 2: the file cannot be read.

    python deploy/advisories.py pypi-all.zip npm-all.zip
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it is run as a script
from deploy.sbom import browser_packages, pins

_MOST_BYTES = 50_000_000
Advisory = dict[str, Any]


def main() -> None:
    """Look through the files that the command line names."""
    parser = argparse.ArgumentParser(description="Compare the pins with advisories.")
    parser.add_argument("files", nargs="+", type=Path)
    asked = parser.parse_args()
    try:
        found = sorted({line for file in asked.files for line in hits(file)})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        print(f"advisories: the file cannot be read: {error}", file=sys.stderr)
        sys.exit(2)
    for line in found:
        print(line)
    print(f"advisories: {len(found)} of them concern pinned packages", file=sys.stderr)
    sys.exit(1 if found else 0)


def hits(file: Path) -> Iterator[str]:
    """Yield a line for each advisory of a file that concerns a pinned package."""
    pinned = {("PyPI", name): version for name, version, _ in pins()}
    pinned |= {("npm", name): version for name, version, *_ in browser_packages()}
    for advisory in advisories(file):
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            if ecosystem == "PyPI":
                name = canonicalize_name(name)
            version = pinned.get((ecosystem, name))
            if version is not None and is_affected(version, affected):
                mended = ", ".join(sorted(set(_events(affected, "fixed")))) or "none yet"
                summary = " ".join(str(advisory.get("summary", "")).split())[:120]
                yield f"{advisory['id']}\t{name} {version}\tmended in: {mended}\t{summary}"


def advisories(file: Path) -> Iterator[Advisory]:
    """Yield every advisory of a file."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(".json") and entry.file_size <= _MOST_BYTES:
                    yield json.loads(archive.read(entry))
        return
    told = json.loads(file.read_text(encoding="utf-8"))
    yield from told if isinstance(told, list) else [told]


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Return whether a version is listed, or lies in a range; what cannot be compared counts."""
    if version in affected.get("versions", ()):
        return True
    return any(
        _is_within(version, one.get("events", ()))
        for one in affected.get("ranges", ())
        if one.get("type") in {"ECOSYSTEM", "SEMVER"}
    )


def _is_within(version: str, events: Any) -> bool:  # noqa: ANN401 - of a foreign document
    try:
        own = Version(version)
        marks = sorted(
            (Version(str(value)), kind)
            for event in events
            for kind, value in event.items()
            if kind in {"introduced", "fixed", "last_affected"}
        )
    except InvalidVersion:
        return True
    is_inside = False
    for mark, kind in marks:
        if kind == "introduced" and own >= mark:
            is_inside = True
        elif (kind == "fixed" and own >= mark) or (kind == "last_affected" and own > mark):
            is_inside = False
    return is_inside


def _events(affected: dict[str, Any], kind: str) -> Iterator[str]:
    for one in affected.get("ranges", ()):
        for event in one.get("events", ()):
            if kind in event:
                yield str(event[kind])


if __name__ == "__main__":
    main()
