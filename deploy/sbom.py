"""Write what the product consists of as CycloneDX 1.6 (JSON): the pinned packages of both kinds.

Python packages are those of requirements/bundle.txt with the digests of their files; scripts,
styles and fonts those of package-lock.json that run in browsers. The same inputs give the same
bytes.

    python deploy/sbom.py --output sbom.cdx.json
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements" / "bundle.txt"
LOCK = ROOT / "package-lock.json"
_SPACE = uuid.UUID("6f1c2f0e-5d0b-4f6c-9a53-2b7f5b1f7c55")
Component = dict[str, Any]


def main() -> None:
    """Write the file that the command line names."""
    parser = argparse.ArgumentParser(description="Write the bill of materials.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--release", default="0.1.0")
    asked = parser.parse_args()
    asked.output.write_bytes(sbom(asked.release))


def sbom(release: str) -> bytes:
    """Return the bill of materials of a release."""
    components = [*python_components(), *browser_components()]
    content: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "geo-service", "version": release}
        },
        "components": sorted(components, key=lambda one: str(one["purl"])),
    }
    told = json.dumps(content, sort_keys=True)
    content["serialNumber"] = f"urn:uuid:{uuid.uuid5(_SPACE, told)}"
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def pins(path: Path = REQUIREMENTS) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, version and SHA-256 digests of every pinned Python package."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        pinned, *hashes = line.split("--hash=sha256:")
        if hashes:
            requirement = Requirement(pinned.strip())
            version = str(requirement.specifier).removeprefix("==")
            yield canonicalize_name(requirement.name), version, [one.strip() for one in hashes]


def python_components() -> Iterator[Component]:
    """Yield what runs in Python."""
    for name, version, digests in pins():
        yield {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{quote(version)}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(digests)],
        }


def browser_packages(path: Path = LOCK) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Yield name, version, licence and integrity of every npm package that is not for tools."""
    packages: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["packages"]
    for place, package in packages.items():
        name = re.sub(r"^.*node_modules/", "", place)
        if name and not package.get("dev") and not package.get("optional"):
            yield name, package["version"], package.get("license"), package.get("integrity")


def browser_components() -> Iterator[Component]:
    """Yield what runs in browsers, and what joins it."""
    for name, version, licence, integrity in browser_packages():
        made: Component = {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:npm/{quote(name, safe='/')}@{quote(version)}",
        }
        if licence:
            made["licenses"] = [{"expression": licence}]
        if integrity and integrity.startswith("sha512-"):
            digest = base64.b64decode(integrity.removeprefix("sha512-")).hex()
            made["hashes"] = [{"alg": "SHA-512", "content": digest}]
        yield made


if __name__ == "__main__":
    main()
