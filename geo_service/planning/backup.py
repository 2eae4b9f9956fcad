"""Backups of a workspace: one file with its files and all that its store holds, and the way back.

A backup is made while the service runs and others publish: the store is copied as it is at one
moment, either store into the form of the embedded one. The file is a tar with a manifest of
digests; it is read again before it gets its name. A restore checks every digest, then the store.
Left out are caches and sessions.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import geo_service
from geo_service.errors import InvalidQueryError, StoreError
from geo_service.planning.auditing import AuditDesk
from geo_service.planning.imports import IMPORTS_FOLDER, MAPPINGS_FOLDER
from geo_service.planning.layers import name_store
from geo_service.stores.base import CATALOGUE
from geo_service.stores.local import LocalStore
from geo_service.stores.opening import EMBEDDED, STORE_FOLDER, open_store
from geo_service.stores.soundness import Holdings, check_store
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.workspace.own_files import SETTINGS_FILE

if TYPE_CHECKING:
    from geo_service.stores.base import WorkspaceAt

SUFFIX = ".tar"
MANIFEST = "manifest.json"
FORM = "1"
_LARGEST_MANIFEST = 50_000_000
_KEPT_BESIDE = (IMPORTS_FOLDER, MAPPINGS_FOLDER)
"""Folders of `store/` that belong to no store: reports of imports, remembered mappings."""
_TRIES = 3
_PIECE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was written, or restored: where it is, and what it holds."""

    path: Path
    digest: str
    """SHA-256 of its manifest, which tells those of all files: note it elsewhere."""
    files: int
    size: int
    holdings: Holdings


# ---- making --------------------------------------------------------------------------------------


def back_up(workspace: WorkspaceAt, target: Path) -> Backup:
    """Write a backup of a workspace to a file, or to a file of its own name in a folder.

    Raises
    ------
    InvalidQueryError
        There is such a file already, or it cannot be written.
    StoreError
        The store fails or is damaged: nothing is written.
    """
    with open_workspace(workspace) as opened:
        path = _named(opened, target)
        if opened.store.accounts.are_kept():
            AuditDesk(lambda: opened.store.audit).record("backup", subject=path.name)
        with _staging(opened) as staging:
            copy = staging / STORE_FOLDER
            copy.mkdir()
            opened.store.copy_to(copy)
            holdings = _checked(copy, opened.settings.county_code)
            _copy_files(opened.folder, staging)
            about = {
                "form": FORM,
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "software": geo_service.__version__,
                "county_code": opened.settings.county_code,
                "workspace": opened.folder.resolve().name,
                "holdings": _told(holdings),
            }
            return _written(path, staging, about, holdings)


def _named(opened: Workspace, target: Path) -> Path:
    """Return the file that a backup is written to; InvalidQueryError if it is there already."""
    path = target
    if target.is_dir() or target.suffix != SUFFIX:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        path = target / f"{opened.folder.resolve().name}-{stamp}{SUFFIX}"
    if path.exists():
        parameter = "target"
        raise InvalidQueryError(parameter, said("backup.exists", path=path))
    return path


@contextmanager
def _staging(opened: Workspace) -> Iterator[Path]:
    """Give a folder for the copy, beside the store if possible: there files can be linked."""
    store = opened.folder / STORE_FOLDER
    place = store if store.is_dir() and os.access(store, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=place) as folder:
        yield Path(folder)


def _checked(folder: Path, county_code: str) -> Holdings:
    """Read an embedded store whole; StoreError if anything is not as it was written."""
    store = LocalStore(folder, county_code)
    try:
        return check_store(store)
    finally:
        store.close()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a workspace that a backup holds, by their paths in it, in order."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        is_kept = inside.parts[0] != STORE_FOLDER or (
            len(inside.parts) > 2 and inside.parts[1] in _KEPT_BESIDE  # noqa: PLR2004 - store/x/file
        )
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
        if is_kept and not is_hidden and path.is_file() and not path.is_symlink():
            yield inside


def _copy_files(folder: Path, staging: Path) -> None:
    for inside in _files(folder):
        target = staging / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):  # somebody may be writing it just now
            before = (folder / inside).stat()
            shutil.copy2(folder / inside, target)
            after = (folder / inside).stat()
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                break
        else:
            raise StoreError(said("backup.changing", path=inside))


def _written(path: Path, staging: Path, about: dict[str, Any], holdings: Holdings) -> Backup:
    """Write the tar, read it again, and give it its name."""
    files: dict[str, dict[str, Any]] = {}
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for file in sorted(one for one in staging.rglob("*") if one.is_file()):
                    name = file.relative_to(staging).as_posix()
                    files[name] = {"size": file.stat().st_size, "sha256": _digest(file)}
                    with file.open("rb") as content:
                        tar.addfile(_member(name, files[name]["size"]), content)
                manifest = json.dumps({**about, "files": files}, ensure_ascii=False).encode()
                entry = _member(MANIFEST, len(manifest))
                tar.addfile(entry, cast("BinaryIO", _Bytes(manifest)))
            stream.flush()
            os.fsync(stream.fileno())
        digest = _read_again(part)
        part.rename(path)
    except OSError as error:
        parameter = "target"
        reason = said("cli.cannot_write", path=path, reason=error.strerror or "")
        raise InvalidQueryError(parameter, reason) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    size = path.stat().st_size
    return Backup(path=path, digest=digest, files=len(files), size=size, holdings=holdings)


class _Bytes:
    """Bytes as `tarfile` reads them."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        end = len(self._content) if size < 0 else size
        piece, self._content = self._content[:end], self._content[end:]
        return piece


def _member(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_again(path: Path) -> str:
    """Read a backup whole; return its manifest's digest."""
    found: dict[str, dict[str, Any]] = {}
    manifest = b""
    with _opened_tar(path) as tar:
        for entry, content in _members(tar):
            if entry.name == MANIFEST:
                manifest = content.read(_LARGEST_MANIFEST)
            else:
                found[entry.name] = _copied(content, None)
    _compare(found, _manifest_of(manifest))
    return hashlib.sha256(manifest).hexdigest()


# ---- restoring -----------------------------------------------------------------------------------


def restore(path: Path, folder: Path, *, store: str | None = None) -> Backup:
    """Make a workspace of a backup in a new or empty folder, and check all that it holds.

    The store goes into the folder, or into the shared store of an address, which must be empty.

    Raises
    ------
    InvalidQueryError
        The folder is not empty, or the file is no whole backup of a known form.
    StoreError, ConflictError
        The store in it is damaged or of a newer release; the shared store fails, or is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        parameter = "folder"
        raise InvalidQueryError(parameter, said("backup.not_empty", path=folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        told, digest = _extracted(path, part)
        holdings = _put_in_force(part, str(told["county_code"]), store)
        if _told(holdings) != told["holdings"]:
            raise _no_backup(path, "holdings")
        with suppress(OSError):
            folder.rmdir()
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    count, size = len(told["files"]), path.stat().st_size
    return Backup(path=folder, digest=digest, files=count, size=size, holdings=holdings)


def _extracted(path: Path, folder: Path) -> tuple[dict[str, Any], str]:
    """Take every file of a backup out, checked against the manifest; return that and its digest."""
    found: dict[str, dict[str, Any]] = {}
    manifest = b""
    with _opened_tar(path) as tar:
        for entry, content in _members(tar):
            if entry.name == MANIFEST:
                manifest = content.read(_LARGEST_MANIFEST)
                continue
            if entry.name in found or not _is_safe(entry.name):
                raise _no_backup(path, repr(entry.name[:100]))
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                found[entry.name] = _copied(content, stream)
    told = _manifest_of(manifest)
    _compare(found, told)
    return told, hashlib.sha256(manifest).hexdigest()


def _put_in_force(folder: Path, county_code: str, address: str | None) -> Holdings:
    """Check the store in a folder, move it to a shared one if that is wanted, and name it."""
    own = folder / STORE_FOLDER
    holdings = _checked(own, county_code)
    if address is not None and address != EMBEDDED:
        shared = open_store(folder, county_code, address)
        source = LocalStore(own, county_code)
        try:
            shared.take_over(source)
            holdings = check_store(shared)
        finally:
            source.close()
            shared.close()
        for one in own.iterdir():
            if one.name.startswith(CATALOGUE.partition(".")[0]):
                one.unlink()
        shutil.rmtree(own / "layers", ignore_errors=True)
    with open_workspace(folder) as opened:
        named = opened.at.store
    if (address or named) is not None:
        name_store(folder / SETTINGS_FILE, address or EMBEDDED)
    return holdings


@contextmanager
def _opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            yield tar
    except (OSError, tarfile.TarError, EOFError) as error:
        raise _no_backup(path, getattr(error, "strerror", None) or "tar") from None


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for entry in tar:
        content = tar.extractfile(entry) if entry.isreg() and not entry.issparse() else None
        if content is None:
            raise tarfile.ReadError(entry.name)
        yield entry, content


def _copied(content: IO[bytes], target: BinaryIO | None) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    while piece := content.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        if target is not None:
            target.write(piece)
    return {"size": size, "sha256": digest.hexdigest()}


def _is_safe(name: str) -> bool:
    """Whether a name stays inside the folder on every system."""
    path = PurePosixPath(name)
    has_odd = any(part in {"..", "."} or part.startswith(".") for part in name.split("/"))
    return (
        name.isprintable()
        and not path.is_absolute()
        and not has_odd
        and not set(name)
        & {
            "\\",
            ":",
        }
    )


def _manifest_of(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    needed = ("form", "files", "county_code", "holdings")
    if not isinstance(told, dict) or any(name not in told for name in needed):
        raise _no_backup(None, MANIFEST)
    if told["form"] != FORM:
        parameter = "file"
        raise InvalidQueryError(parameter, said("backup.newer", form=str(told["form"])[:20]))
    return told


def _compare(found: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Raise InvalidQueryError unless what was found is what the manifest tells."""
    if found != told["files"]:
        listed: dict[str, Any] = told["files"] if isinstance(told["files"], dict) else {}
        names = sorted({*found, *listed})
        first = next((name for name in names if found.get(name) != listed.get(name)), MANIFEST)
        raise _no_backup(None, repr(first))


def _no_backup(path: Path | None, reason: str) -> InvalidQueryError:
    parameter = "file"
    return InvalidQueryError(parameter, said("backup.unsound", path=path or "", reason=reason))


def _told(holdings: Holdings) -> dict[str, Any]:
    return {
        "versions": holdings.versions,
        "results": holdings.results,
        "accounts": holdings.accounts,
        "audit_lines": holdings.audit_lines,
        "audit_head": None if holdings.audit_head is None else str(holdings.audit_head),
    }
