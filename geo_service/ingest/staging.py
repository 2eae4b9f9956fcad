"""Put a file where GDAL may open it: in our own folder, under our own name, safely unpacked.

A file's format is recognised by its content. GDAL only gets paths made here, with the
extension of the recognised format, so that neither a file's name nor its content can lead
GDAL to another file, a network address or another driver.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from geo_service.errors import Choice, ChoiceNeededError, SourceError
from geo_service.ingest.formats.boundary_points import is_boundary_text
from geo_service.ingest.formats.letters import GB18030, UTF_8, wide_encoding
from geo_service.ingest.limits import Budget
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.ingest.options import ImportOptions

_HEAD = 65_536
_SHOWN_PATH = 200
_IS_UTF8 = 0x800
"""The flag of an archive's entry with a UTF-8 name."""
_COPY_BYTES = 1 << 20
_SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_GDB_FILE = re.compile(r"(?:a[0-9a-f]{8}\.[a-z0-9_.]{1,40}|gdb|timestamps)", re.IGNORECASE)
_TEXT_ENDINGS = frozenset({"", ".csv", ".txt", ".tsv", ".dat", ".asc", ".part", ".xls"})
_SQLITE_IDS = frozenset({b"GPKG", b"GP10", b"GP11", b"GP12"})
_OLE = b"\xd0\xcf\x11\xe0"
_SAY_INSTEAD = {
    _OLE: ("refusal.xls", "refusal.save_xlsx"),
    b"AC10": ("refusal.dwg", "refusal.save_dxf"),
    b"Rar!": ("refusal.rar", "refusal.zip"),
    b"7z\xbc\xaf": ("refusal.seven_zip", "refusal.zip"),
    b"\x1f\x8b": ("refusal.gzip", "refusal.zip"),
    b"%PDF": ("refusal.pdf", "refusal.data_itself"),
}


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A file in our folder: its recognised format, and the path to open."""

    format: str
    path: Path


def stage(path: Path, folder: Path, budget: Budget, *, file: str | None = None) -> Staged:
    """Put a file into `folder` under a name of our own and recognise its format.

    `file` names the file to import from an archive that contains several.

    Raises
    ------
    SourceError
        The file does not exist, is of no known format, or is an unsafe archive.
    ChoiceNeededError
        An archive contains several files to import.
    """
    if path.is_dir():
        return _stage_geodatabase(path, folder, budget)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise budget.refuse(said("refusal.no_regular_file"), said("refusal.a_file"))
        budget.check_size(size)
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        words = error.strerror
        reason = said("fault.system_says", words=words) if words else said("fault.unreadable")
        raise budget.refuse(reason, said("refusal.file_to_read")) from None
    if head.startswith(b"PK"):
        return _stage_archive(path, folder, budget, file)
    found = recognise(head, path.suffix.lower(), budget)
    if found != "shapefile":
        if found == "parquet":
            _check_tail(path, budget)
        target = folder / f"source{_ENDINGS[found]}"
        _place(path, target)
        return Staged(format=found, path=target)
    siblings = {
        other.suffix.lower(): other
        for other in path.parent.iterdir()
        if other.stem.casefold() == path.stem.casefold()
        and other.suffix.lower() in _SHAPE_PARTS
        and other.is_file()
    }
    siblings[".shp"] = path
    for suffix, sibling in siblings.items():
        _place(sibling, folder / f"source{suffix}")
    return Staged(format="shapefile", path=folder / "source.shp")


_ENDINGS = {
    "geopackage": ".gpkg",
    "flatgeobuf": ".fgb",
    "parquet": ".parquet",
    "geojson": ".geojson",
    "kml": ".kml",
    "dxf": ".dxf",
    "boundary_points": ".txt",
    "csv": ".csv",
    "xlsx": ".xlsx",
}


def recognise(head: bytes, suffix: str, budget: Budget) -> str:
    """Return the format shown by a file's first bytes; `suffix` only distinguishes texts."""
    if head.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in head:
        raise budget.refuse(said("refusal.xlsx_locked"), said("refusal.xlsx_unlocked"))
    for magic, (kind, instead) in _SAY_INSTEAD.items():
        if head.startswith(magic):
            raise budget.refuse(said(kind), said(instead))
    binary = _binary_format(head, budget)
    if binary is not None:
        return binary
    if not head.strip():
        raise budget.refuse(said("refusal.empty_file"), said("refusal.known_formats"))
    text = _as_text(head)
    if text is not None and not text.strip():  # a byte order mark alone
        raise budget.refuse(said("refusal.empty_file"), said("refusal.known_formats"))
    if text is None:
        found = (
            said("refusal.unknown_named", suffix=suffix)
            if suffix
            else said("refusal.unknown_format")
        )
        raise budget.refuse(found, said("refusal.known_formats"))
    return _text_format(text, suffix, budget)


def _binary_format(head: bytes, budget: Budget) -> str | None:
    if head.startswith(struct.pack(">i", 9994)):
        return "shapefile"
    if head.startswith(b"fgb"):
        return "flatgeobuf"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"AutoCAD Binary DXF"):
        raise budget.refuse(said("refusal.binary_dxf"), said("refusal.text_dxf"))
    if head.startswith(b"SQLite format 3\x00"):
        if head[68:72] in _SQLITE_IDS:
            return "geopackage"
        raise budget.refuse(said("refusal.sqlite"), said("refusal.geopackage"))
    return None


def _as_text(head: bytes) -> str | None:
    """Return the start of a text, decoded roughly; None if it is not a text."""
    wide = wide_encoding(head)
    if wide is not None:
        return head.decode(wide, errors="replace").lstrip("\ufeff")
    if b"\x00" in head:
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return head.removeprefix(b"\xef\xbb\xbf").decode("gb18030", errors="replace")


def _text_format(text: str, suffix: str, budget: Budget) -> str:
    start = text.lstrip()
    if start.startswith(("{", "[{")):
        return "geojson"
    if start.startswith("<"):
        if re.search(r"<(?:\w+:)?kml[\s>]", text):
            return "kml"
        raise _refuse_markup(text, budget)
    if re.match(r"(?:MIME-Version|From|Date|Subject):.{0,200}", start) and "text/html" in text:
        raise budget.refuse(said("refusal.web_page"), said("refusal.save_table"))
    lines = [line.strip() for line in start.splitlines()[:3]]
    if lines[0] in {"0", "999"} and (lines[0] == "999" or "SECTION" in lines):
        return "dxf"
    if is_boundary_text(text):
        return "boundary_points"
    if suffix in _TEXT_ENDINGS:
        return "csv"
    raise budget.refuse(said("refusal.plain_text", suffix=suffix), said("refusal.known_formats"))


def _refuse_markup(text: str, budget: Budget) -> SourceError:
    """Return the error for XML that is no KML: many systems call web pages .xls."""
    if "urn:schemas-microsoft-com:office:spreadsheet" in text and "<Workbook" in text:
        return budget.refuse(said("refusal.xml_sheet"), said("refusal.save_table"))
    if re.search(r"<(?:!doctype\s+html|html|head|body|table|meta)[\s>]", text, re.IGNORECASE):
        return budget.refuse(said("refusal.web_page"), said("refusal.save_table"))
    return budget.refuse(said("refusal.no_kml"), said("refusal.known_formats"))


def _check_tail(path: Path, budget: Budget) -> None:
    with path.open("rb") as stream:
        stream.seek(-4, os.SEEK_END)
        if stream.read(4) != b"PAR1":
            raise budget.refuse(said("refusal.cut_parquet"), said("refusal.whole_file"))


def _place(source: Path, target: Path) -> None:
    """Make `target` a link to a file if the system has links, else a copy."""
    try:
        target.symlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, target)


def _stage_geodatabase(path: Path, folder: Path, budget: Budget) -> Staged:
    files = [entry for entry in path.iterdir() if entry.is_file()]
    names = {entry.name.lower() for entry in files}
    if "a00000001.gdbtable" not in names:
        raise budget.refuse(said("refusal.no_geodatabase"), said("refusal.known_formats"))
    budget.check_archive(len(files), 1 << 62, sum(entry.stat().st_size for entry in files))
    budget.check_size(sum(entry.stat().st_size for entry in files))
    target = folder / "source.gdb"
    target.mkdir()
    for entry in files:
        if _GDB_FILE.fullmatch(entry.name):
            _place(entry, target / entry.name.lower())
    return Staged(format="filegdb", path=target)


# ---- archives -----------------------------------------------------------------------------


_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    ValueError,
    struct.error,
)
"""Errors of reading an archive that is damaged or compressed in an unknown way."""


def _damaged(budget: Budget) -> SourceError:
    return budget.refuse(said("refusal.damaged_zip"), said("refusal.sound_zip"))


def _stage_archive(path: Path, folder: Path, budget: Budget, file: str | None) -> Staged:
    try:
        archive = zipfile.ZipFile(path)
    except (*_DAMAGED, OSError):
        raise _damaged(budget) from None
    with archive:
        entries = _checked_entries(archive, path.stat().st_size, budget)
        return _unpack(archive, entries, path, folder, budget, file)


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return an entry's name: Chinese tools write GBK, for which the format has no flag."""
    if entry.flag_bits & _IS_UTF8 or entry.filename.isascii():
        return entry.filename
    try:
        written = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in (UTF_8, GB18030):
        try:
            return written.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _checked_entries(
    archive: zipfile.ZipFile, size: int, budget: Budget
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return an archive's files by their path in it; refuse an unsafe archive.

    `size` is the archive's own size: its table may claim larger packed sizes for its files.
    """
    entries: dict[PurePosixPath, zipfile.ZipInfo] = {}
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    packed = min(size, sum(entry.compress_size for entry in files))
    budget.check_archive(len(files), packed, sum(entry.file_size for entry in files))
    for entry in files:
        name = _name_of(entry).replace("\\", "/")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
            found = said("refusal.zip_path")
            raise budget.refuse(found, said("refusal.plain_paths"))
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise budget.refuse(said("refusal.zip_link"), said("refusal.files_only"))
        if entry.flag_bits & 1:
            raise budget.refuse(said("refusal.zip_encrypted"), said("refusal.zip_plain"))
        is_hidden = not path.name or path.name.startswith(".")
        if not is_hidden and "__MACOSX" not in path.parts:
            entries[path] = entry
    return entries


def _unpack(
    archive: zipfile.ZipFile,
    entries: dict[PurePosixPath, zipfile.ZipInfo],
    path: Path,
    folder: Path,
    budget: Budget,
    file: str | None,
) -> Staged:
    names = {str(entry_path) for entry_path in entries}
    if "xl/workbook.xml" in names:
        _check_markup(archive, entries, budget)
        target = folder / "source.xlsx"
        _place(path, target)
        return Staged(format="xlsx", path=target)
    _refuse_documents(names, budget)
    geodatabases = {
        parent
        for entry_path in entries
        for parent in entry_path.parents
        if entry_path.name.lower() == "a00000001.gdbtable" and parent == entry_path.parent
    }
    shapes = [entry_path for entry_path in entries if entry_path.suffix.lower() == ".shp"]
    others = [entry_path for entry_path in entries if entry_path.suffix.lower() in _INSIDE]
    found = [*sorted(geodatabases), *sorted(shapes), *sorted(others)]
    if not found:
        raise budget.refuse(said("refusal.zip_empty"), said("refusal.known_formats"))
    if file is not None:
        found = _matching(found, file, budget)
    if len(found) > 1 and shapes and not geodatabases and len(shapes) == 1:
        found = shapes  # a shapefile, accompanied by a note or a table
    if len(found) > 1 and all(entry_path.suffix.lower() == ".kml" for entry_path in found):
        found = _with_placemarks(archive, entries, found, budget)
    chosen = _choose(found, budget)
    if chosen in geodatabases:
        return _unpack_geodatabase(archive, entries, chosen, folder, budget)
    if chosen.suffix.lower() == ".shp":
        return _unpack_shapefile(archive, entries, chosen, folder, budget)
    inner = folder / f"unpacked{chosen.suffix.lower()}"
    _extract(archive, entries[chosen], inner, budget)
    with inner.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"PK"):
        raise budget.refuse(said("refusal.zip_nested"), said("refusal.zip_once"))
    found_format = recognise(head, inner.suffix, budget)
    if found_format == "parquet":
        _check_tail(inner, budget)
    target = folder / f"source{_ENDINGS[found_format]}"
    inner.rename(target)
    return Staged(format=found_format, path=target)


def _refuse_documents(names: set[str], budget: Budget) -> None:
    """Refuse workbooks of other programs, which are archives too."""
    if "xl/workbook.bin" in names:
        raise budget.refuse(said("refusal.xlsb"), said("refusal.save_table"))
    if {"content.xml", "mimetype"} <= names:
        raise budget.refuse(said("refusal.ods"), said("refusal.save_table"))


_INSIDE = frozenset(
    {".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".kml", ".dxf", ".txt", ".csv"}
)


def _with_placemarks(
    archive: zipfile.ZipFile,
    entries: dict[PurePosixPath, zipfile.ZipInfo],
    paths: list[PurePosixPath],
    budget: Budget,
) -> list[PurePosixPath]:
    """Return the documents of a KMZ that contain features; the others only refer to them."""
    budget.check_text(sum(entries[path].file_size for path in paths))
    holding = [
        path for path in paths if b"<Placemark" in b"".join(_pieces(archive, entries[path], budget))
    ]
    return holding or paths[:1]


def _matching(paths: list[PurePosixPath], file: str, budget: Budget) -> list[PurePosixPath]:
    """Return the requested file of an archive."""
    chosen = [path for path in paths if str(path)[:_SHOWN_PATH] == file]
    if not chosen:
        listed = [str(path)[:_SHOWN_PATH] for path in paths[:50]]
        raise budget.refuse(
            said("refusal.no_file_inside", file=repr(file[:_SHOWN_PATH])),
            said("fault.any_of", known=listed),
        )
    return chosen


def _choose(paths: list[PurePosixPath], budget: Budget) -> PurePosixPath:
    if len(paths) > 1:
        parameter = "file"
        message = said("import.which_file", file=budget.shown)
        choices = [
            Choice(value=str(path)[:_SHOWN_PATH], evidence=said("import.in_archive"))
            for path in paths
        ]
        raise ChoiceNeededError(parameter, message, choices[:50])
    return paths[0]


def _stem(path: PurePosixPath) -> str:
    """Return a path without its ending; some programs write endings and names in capitals."""
    return str(path.with_suffix("")).casefold()


def _unpack_shapefile(
    archive: zipfile.ZipFile,
    entries: dict[PurePosixPath, zipfile.ZipInfo],
    shapefile: PurePosixPath,
    folder: Path,
    budget: Budget,
) -> Staged:
    for path, entry in entries.items():
        suffix = path.suffix.lower()
        if _stem(path) == _stem(shapefile) and suffix in _SHAPE_PARTS:
            _extract(archive, entry, folder / f"source{suffix}", budget)
    target = folder / "source.shp"
    with target.open("rb") as stream:
        if recognise(stream.read(_HEAD), ".shp", budget) != "shapefile":
            raise budget.refuse(said("refusal.no_shapefile"), said("refusal.shapefile"))
    return Staged(format="shapefile", path=target)


def _unpack_geodatabase(
    archive: zipfile.ZipFile,
    entries: dict[PurePosixPath, zipfile.ZipInfo],
    geodatabase: PurePosixPath,
    folder: Path,
    budget: Budget,
) -> Staged:
    target = folder / "source.gdb"
    target.mkdir()
    for path, entry in entries.items():
        if path.parent == geodatabase and _GDB_FILE.fullmatch(path.name):
            _extract(archive, entry, target / path.name.lower(), budget)
    return Staged(format="filegdb", path=target)


def _extract(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: Budget
) -> None:
    """Unpack one file; a second file of the same name is refused."""
    try:
        unpacked = target.open("xb")
    except FileExistsError:
        found = said("refusal.zip_case")
        raise budget.refuse(found, said("refusal.zip_each_once")) from None
    with unpacked:
        for part in _pieces(archive, entry, budget):
            unpacked.write(part)


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: Budget) -> Iterator[bytes]:
    """Yield a packed file's content, which may not be larger than the archive's table says."""
    left = entry.file_size
    try:
        with archive.open(entry) as packed:
            while part := packed.read(_COPY_BYTES):
                left -= len(part)
                if left < 0:
                    raise budget.refuse(said("refusal.zip_size"), said("refusal.zip_honest"))
                yield part
                budget.check_time()
    except (*_DAMAGED, OSError):
        raise _damaged(budget) from None


def _check_markup(
    archive: zipfile.ZipFile, entries: Mapping[PurePosixPath, zipfile.ZipInfo], budget: Budget
) -> None:
    """Refuse a workbook whose XML declares entities or is too large for memory.

    Every part is checked, since the workbook itself decides which of them are read as XML,
    whatever their names.
    """
    budget.check_text(sum(entry.file_size for entry in entries.values()))
    for entry in entries.values():
        rest = b""
        for piece in _pieces(archive, entry, budget):
            refuse_entities(rest + piece, budget)
            rest = piece[-_DECLARATION_BYTES:]


def refuse_layer(options: ImportOptions, budget: Budget) -> None:
    """Refuse a request for a layer of a file without named layers; the file's name is allowed."""
    asked = options.source_layer
    if asked is not None and asked != PurePosixPath(budget.shown).stem:
        raise budget.refuse(
            said("refusal.no_layer", name=repr(asked)), said("refusal.single_layer")
        )


_DECLARATION_BYTES = 256
"""Number of bytes at the start of a declaration that may precede its type."""
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def refuse_entities(content: bytes, budget: Budget) -> None:
    """Refuse XML with a document type or entities, which could name files or grow without end."""
    plain = content.replace(b"\x00", b"")
    if _DECLARATION.search(plain):
        raise budget.refuse(said("refusal.xml_entities"), said("refusal.xml_plain"))
