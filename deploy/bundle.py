"""Make the offline bundle: everything to install and try the product without internet.

The folder contains the wheel of geo-service (with assets and the kernels of all machines), the
wheels of its dependencies for each requested system and Python, their required hashes, install
scripts, the demo workspace, licences and checksums. It is not sent anywhere.

    python deploy/bundle.py --output dist/bundle --systems linux windows --pythons 3.11 3.12
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # it is run as a script
from deploy.sbom import sbom

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "deploy" / "bundle"
REQUIREMENTS = ROOT / "requirements" / "bundle.txt"
DEMO = ROOT / "layers" / "yunyang"
DOCUMENTS = (
    "offline.md",
    "console.md",
    "workspace.md",
    "rules.md",
    "import.md",
    "siting.md",
    "basemaps.md",
    "stores.md",
    "scenarios.md",
    "layout.md",
    "running.md",
    "accounts.md",
    "acts.md",
    "security.md",
)
NOT_FOR_USERS = shutil.ignore_patterns("store", "builder", "rebuild.py", "__pycache__")

# glibc 2.28 is that of the oldest systems on intranets that can run these wheels.
LINUX = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"),
)
PLATFORMS = {"linux": LINUX, "windows": ("win_amd64",)}
MARKERS = {
    "linux": {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    },
    "windows": {
        "os_name": "nt",
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
    },
}
PYTHONS = ("3.11", "3.12", "3.13")
LICENCE_FILE = re.compile(
    r"(licen[cs]e|copying|notice|authors)[^/]*$|\.dist-info/licenses/.*[^/]$", re.IGNORECASE
)
CHECKSUMS = "SHA256SUMS"


def main() -> None:
    """Make the bundle that the command line requests."""
    parser = argparse.ArgumentParser(description="Make the offline bundle.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "bundle")
    parser.add_argument("--systems", nargs="+", choices=tuple(PLATFORMS), default=list(PLATFORMS))
    parser.add_argument("--pythons", nargs="+", choices=PYTHONS, default=list(PYTHONS))
    asked = parser.parse_args()
    make_bundle(asked.output, asked.systems, asked.pythons)


def make_bundle(output: Path, systems: list[str], pythons: list[str]) -> None:
    """Fill a new folder; an existing one is replaced only on success."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".bundle-") as temporary:
        made = Path(temporary, "bundle")
        wheels = made / "wheels"
        wheels.mkdir(parents=True)
        build_own_wheel(made)
        for system in systems:
            for python in pythons:
                say(f"wheels for {system}, Python {python}")
                download(wheels, system, python)
        copy_texts(made, systems, pythons)
        collect_licences(made)
        write_sbom(made)
        write_checksums(made)
        made.chmod(0o755)
        shutil.rmtree(output, ignore_errors=True)
        shutil.move(made, output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    count = len(list((output / "wheels").iterdir()))
    say(f"{output} holds {count} wheels of others, {size / 1e6:,.0f} MB in all")


def say(text: str) -> None:
    """Print the current step."""
    print(f"bundle: {text}", flush=True)


def build_own_wheel(made: Path) -> None:
    """Build the wheel of geo-service with the kernels of all machines."""
    say("the wheel of geo-service")
    environment = {**os.environ, "GEO_NATIVE_TARGETS": "all"}
    command = [sys.executable, str(ROOT / "deploy" / "build.py"), "wheel", "--output", str(made)]
    subprocess.run(command, check=True, env=environment)


def pip(*arguments: str) -> None:
    """Run pip quietly; if it fails it prints the reason, and no bundle is made."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    subprocess.run(command, check=True)


def download(wheels: Path, system: str, python: str) -> None:
    """Download the pinned wheels of one system and Python, each with a known hash.

    pip evaluates markers for the machine it runs on, so they are evaluated here and removed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary, "wanted.txt")
        wanted.write_text("\n".join(requirements_for(system, python)) + "\n", encoding="utf-8")
        short = python.replace(".", "")
        pip(
            "download",
            *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
            *(part for name in PLATFORMS[system] for part in ("--platform", name)),
            *("--implementation", "cp", "--python-version", python),
            *("--abi", f"cp{short}", "--abi", "abi3", "--abi", "none"),
            *("--dest", str(wheels), "--requirement", str(wanted)),
        )


def requirements_for(system: str, python: str) -> Iterator[str]:
    """Yield the pins for one system and Python, with hashes, without markers."""
    target = {
        **MARKERS[system],
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    text = REQUIREMENTS.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        pinned, *hashes = line.split("--hash=")
        if not hashes:
            continue  # a comment or an empty line
        requirement = Requirement(pinned.strip())
        if requirement.marker is None or requirement.marker.evaluate(target):
            requirement.marker = None
            yield " ".join([str(requirement), *(f"--hash={item.strip()}" for item in hashes)])


def copy_texts(made: Path, systems: list[str], pythons: list[str]) -> None:
    """Copy install scripts, readmes, documents, pins and the demo workspace."""
    say("scripts, documents, demo workspace")
    for path in sorted(TEXTS.iterdir()):
        shutil.copy(path, made / path.name)
    (made / "install.sh").chmod(0o755)
    for name in ("systemd", "container", "proxy"):
        shutil.copytree(ROOT / "deploy" / name, made / name)
    shutil.copy(REQUIREMENTS, made / "requirements.txt")
    shutil.copytree(DEMO, made / "demo", ignore=NOT_FOR_USERS)
    (made / "docs").mkdir()
    for name in DOCUMENTS:
        shutil.copy(ROOT / "docs" / name, made / "docs" / name)
    lines = [f"systems: {' '.join(systems)}", f"pythons: {' '.join(pythons)}"]
    (made / "CONTENTS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def collect_licences(made: Path) -> None:
    """Write each package's licence texts, and a table of them."""
    say("licences")
    rows: dict[str, str] = {}
    for path in sorted([*made.glob("*.whl"), *(made / "wheels").iterdir()]):
        name = "-".join(path.name.split("-")[:2])
        if name not in rows:
            rows[name] = _licence_row(path, made / "licences" / name)
    lines = ["name\tversion\tlicence\tfiles", *(rows[name] for name in sorted(rows))]
    table = made / "licences" / "licences.tsv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _licence_row(wheel: Path, folder: Path) -> str:
    """Extract a wheel's licence texts to a folder and return its row of the table."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        facts = Parser().parsestr(archive.read(about).decode("utf-8"))
        taken = {archive.read(name): name for name in names if LICENCE_FILE.search(name)}
        for place, (text, name) in enumerate(taken.items()):
            folder.mkdir(parents=True, exist_ok=True)
            # Flat and numbered, since a name from an archive is never used as a path.
            safe = re.sub(r"[^A-Za-z0-9.]+", "-", Path(name).name)[:80]
            (folder / f"{place:02}-{safe}").write_bytes(text)
    classifiers = [
        item.rsplit("::", 1)[-1].strip()
        for item in facts.get_all("Classifier", [])
        if item.startswith("License")
    ]
    said = facts["License-Expression"] or "; ".join(classifiers) or (facts["License"] or "").strip()
    first = " ".join(str(said or "see files").splitlines()[0].split())
    return f"{facts['Name']}\t{facts['Version']}\t{first}\t{len(taken)}"


def write_sbom(made: Path) -> None:
    """Write what the product consists of, in CycloneDX's form."""
    say("bill of materials")
    (own,) = made.glob("*.whl")
    (made / "sbom.cdx.json").write_bytes(sbom(own.name.split("-")[1]))


def write_checksums(made: Path) -> None:
    """Write the SHA-256 of every file in the format of `sha256sum -c`."""
    say("checksums")
    lines = []
    for path in sorted(made.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            lines.append(f"{digest}  {path.relative_to(made).as_posix()}")
    (made / CHECKSUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
