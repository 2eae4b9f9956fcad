"""The folder of a province's results: what is whole, and who may write.

Each county has a folder `county=CODE` with Parquet files and a record. Files are named by their
review, and written beside their place, synced and renamed; the record is written last and holds
their digests, so that a county is whole exactly if its record fits its files. An earlier result
stands until the next one is whole. The extracts of a large county lie in a folder of their own
until then. The manifest says which counties belong to the last run; it is taken away when a run
begins and written when it ends. What a county says of a project is a file of its own in the same
folder, named by the project.

Leaves out what stands in the files (`county`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.errors import ConflictError, NotFoundError, StoreError
from geo_service.scratch import lock_file
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
RECORD = "record.json"
LOCK = ".lock"
_RANKED = "ranked-{}.json"
_LIST = "ranking-{}.json"
_BLOCKS = "blocks-"
_DRAFT = ".part"
Record = dict[str, Any]


@contextmanager
def writing_alone(folder: Path) -> Iterator[None]:
    """Hold a results folder for one run; the lock dies with its process, however that ends.

    Raises
    ------
    ConflictError
        Another run writes there.
    StoreError
        The folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("ab")
    except OSError as error:
        raise _failed(folder, error) from error
    with lock:
        try:
            lock_file(lock)
        except OSError as error:
            msg = said("problem.province_busy", folder=str(folder))
            raise ConflictError(msg) from error
        for draft in folder.glob(f"**/.*{_DRAFT}"):
            with suppress(OSError):  # left by a process that was killed
                draft.unlink()
        yield


def county_folder(folder: Path, code: str) -> Path:
    """Return where a county's files are."""
    return folder / f"county={code}"


def blocks_folder(folder: Path, code: str, review_id: str) -> Path:
    """Return where the extracts of a large county are until its record is written."""
    return county_folder(folder, code) / f"{_BLOCKS}{review_id}"


def write_file(path: Path, content: bytes) -> None:
    """Write a file as a whole; raises StoreError if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(path, content)
    except OSError as error:
        raise _failed(path, error) from error


def read_json(path: Path) -> Record:
    """Read what `write_file` wrote as JSON; raises StoreError if it cannot be read."""
    try:
        content: Record = orjson.loads(path.read_bytes())
    except OSError as error:
        raise _failed(path, error) from error
    return content


def write_county(
    folder: Path, code: str, tables: Mapping[str, bytes], head: Mapping[str, Any]
) -> Record:
    """Write a county's files, then its record, and drop the files of earlier reviews.

    `tables` are the contents by name. Two processes may write the same result at once: what
    they write is equal. Raises StoreError if it cannot be written.
    """
    home = county_folder(folder, code)
    names = {name: f"{name}-{head['review_id']}.parquet" for name in tables}
    record = {
        **head,
        "files": {
            name: {"file": names[name], "bytes": len(content), "sha256": _digest(content)}
            for name, content in sorted(tables.items())
        },
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name, content in tables.items():
            _put(home / names[name], content)
        _put(home / RECORD, _json(record))
        for old in home.glob("*.parquet"):
            if old.name not in names.values():
                old.unlink(missing_ok=True)
        for extracts in home.glob(f"{_BLOCKS}*"):
            shutil.rmtree(extracts, ignore_errors=True)
    except OSError as error:
        raise _failed(home, error) from error
    return record


def whole_record(folder: Path, code: str, names: Iterable[str] | None = None) -> Record | None:
    """Return the record of a county whose files are there as written; None for any other.

    With `names` only these files are looked at, as a reader does who needs no others.
    """
    home = county_folder(folder, code)
    try:
        record: Record = orjson.loads((home / RECORD).read_bytes())
        for name in record["files"] if names is None else names:
            part = record["files"][name]
            if _digest((home / part["file"]).read_bytes()) != part["sha256"]:
                return None
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    return record


def write_ranked(folder: Path, code: str, project: str, record: Record) -> Record:
    """Write what a county says of a project, in place of what it said before.

    Returns it as it will be read, so that a list of both is written alike.
    """
    home = county_folder(folder, code)
    try:
        home.mkdir(parents=True, exist_ok=True)
        content = _json({"record": record, "sha256": _of(record)})
        _put(home / _RANKED.format(project), content)
    except OSError as error:
        raise _failed(home, error) from error
    written: Record = orjson.loads(content)["record"]
    return written


def ranked_record(folder: Path, code: str, project: str) -> Record | None:
    """Return what a county said of a project; None if there is nothing, or nothing sound."""
    try:
        kept = orjson.loads((county_folder(folder, code) / _RANKED.format(project)).read_bytes())
        record: Record = kept["record"]
        return record if kept["sha256"] == _of(record) else None
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def write_list(folder: Path, project: str, content: bytes) -> Path:
    """Write the list of a project over all counties; return where it is."""
    path = folder / _LIST.format(project)
    try:
        _put(path, content)
    except OSError as error:
        raise _failed(path, error) from error
    return path


def _of(record: Record) -> str:
    return _digest(orjson.dumps(record, option=orjson.OPT_SORT_KEYS))


def drop_manifest(folder: Path) -> None:
    """Say that no run has ended."""
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise _failed(folder, error) from error


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Say how the run ended."""
    try:
        _put(folder / MANIFEST, _json(manifest))
    except OSError as error:
        raise _failed(folder, error) from error


def read_manifest(folder: Path) -> Record:
    """Return how the last run ended; NotFoundError if none has."""
    try:
        manifest: Record = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        msg = said("problem.province_not_reviewed", folder=str(folder))
        raise NotFoundError(msg) from error
    return manifest


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def _put(path: Path, content: bytes) -> None:
    """Write a file as a whole: beside its place, synced, then renamed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{_DRAFT}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _failed(path: Path, error: OSError) -> StoreError:
    return StoreError(said("problem.file", path=str(path), reason=error.strerror or "?"))
