"""Make a KML readable as one table: its folders become a column, its data keep their names.

GDAL makes a layer of each folder, and puts signs of one kind for all letters of a Chinese name,
so that two columns become one. A copy is written in which placemarks stand one after another
and data have plain names; shapes are left to GDAL, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from geo_service.errors import Choice, ChoiceNeededError
from geo_service.ingest.limits import Budget
from geo_service.wording import said

ALL = "*"
"""Names all folders at once."""
FOLDER = "folder"
_PREFIX = "data_of_placemark_"
_CONTAINERS = frozenset({"Document", "Folder"})
_LOOK_EVERY = 10_000
_MOST_CHOICES = 50


@dataclass
class _Placemark:
    """One placemark: where it stands in the text, in which folders, and its data."""

    start: int
    folders: tuple[str, ...]
    end: int = 0
    data: dict[str, str] = field(default_factory=dict)
    cut: list[tuple[int, int]] = field(default_factory=list)
    """Where its extended data stand, which are written anew."""


class _PlacemarkReader:
    """Collects the placemarks of a KML."""

    def __init__(self, content: bytes, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._finish
        self._parser.CharacterDataHandler = self._read
        self._open: list[str] = []
        self._names: list[str] = []
        self._is_document = False
        """Whether the outermost container is a document, whose name is no folder's."""
        self.title = ""
        self._placemark: _Placemark | None = None
        self._data_name: str | None = None
        self._cut_from = 0
        self._text: list[str] = []
        self.placemarks: list[_Placemark] = []
        self.root: bytes = b""
        self.prefix: bytes | None = None
        """What stands before the names of KML's own tags; None if the text is no KML."""

    def parse(self) -> None:
        """Read the whole text; raises ExpatError if it is no XML."""
        self._parser.Parse(self._content, True)  # noqa: FBT003 - expat's own

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        at = self._parser.CurrentByteIndex
        if not self._open:
            self.root = self._content[at : self._content.index(b">", at) + 1]
            prefix = tag.removesuffix("kml").encode()
            self.prefix = prefix if name == "kml" and not self.root.endswith(b"/>") else None
        if name in _CONTAINERS:
            self._is_document = name == "Document" if not self._names else self._is_document
            self._names.append("")
        elif name == "Placemark":
            inside = self._names[1:] if self._is_document else self._names
            self._placemark = _Placemark(at, tuple(filter(None, inside)))
        elif name == "ExtendedData":
            self._cut_from = at
        elif name in {"Data", "SimpleData"}:
            self._data_name = attributes.get("name", "")
        self._open.append(name)
        self._text.clear()

    def _read(self, text: str) -> None:
        self._text.append(text)

    def _finish(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        self._open.pop()
        text = "".join(self._text).strip()
        parent = self._open[-1] if self._open else ""
        if name == "name" and parent in _CONTAINERS and self._names:
            self._names[-1] = text.replace("/", "／")
            if len(self._names) == 1:
                self.title = text
        elif name in _CONTAINERS:
            self._names.pop()
        elif self._placemark is not None:
            self._finish_in(self._placemark, name, parent, text)
        if name != "name":
            self._text.clear()

    def _finish_in(self, placemark: _Placemark, name: str, parent: str, text: str) -> None:
        if self._data_name and (name == "SimpleData" or (name == "value" and parent == "Data")):
            placemark.data[self._data_name] = text
        if name in {"Data", "SimpleData"}:
            self._data_name = None
        elif name == "ExtendedData":
            placemark.cut.append((self._cut_from, self._end()))
        elif name == "Placemark":
            placemark.end = self._end()
            self.placemarks.append(placemark)
            self._placemark = None
            if not len(self.placemarks) % _LOOK_EVERY:
                self._budget.check_time()

    def _end(self) -> int:
        """Return where the element ends that is just being finished."""
        return self._content.index(b">", self._parser.CurrentByteIndex) + 1


@dataclass(frozen=True, kw_only=True)
class Flat:
    """A KML that was written anew as one table."""

    layer: str
    """The folder that its placemarks are from, or `*`."""
    names: dict[str, str]
    """The names of data by those in the copy."""


def flatten_kml(path: Path, source_layer: str | None, budget: Budget) -> Flat | None:
    """Rewrite a staged KML, UTF-8 without entities, as one folder.

    The staged file is replaced by a copy; the original file does not change. `source_layer` is a
    folder by its name or path, or `*` for all. Returns None if the text is no KML with
    placemarks, which GDAL will say.

    Raises
    ------
    ChoiceNeededError
        Several folders have placemarks and none was named.
    SourceError
        There is no such folder, or there are too many columns.
    """
    content = path.read_bytes()
    reader = _PlacemarkReader(content, budget)
    try:
        reader.parse()
    except expat.ExpatError:
        return None
    if not reader.placemarks or reader.prefix is None:
        return None
    layer, placemarks = _chosen(reader, source_layer, budget)
    depth = max(len(one.folders) for one in placemarks)
    levels = [f"{FOLDER}_{level}" for level in range(1, depth + 1)] if depth > 1 else []
    names = list(dict.fromkeys(name for one in placemarks for name in one.data))
    columns = list(dict.fromkeys([*names, *([FOLDER] if depth else []), *levels]))
    budget.check_columns(len(columns))
    plain = {name: f"{_PREFIX}{at}" for at, name in enumerate(columns)}
    document = reader.prefix + b"Document>"
    written = [reader.root, b"<", document]
    for one in placemarks:
        of_folder = dict(zip(levels, one.folders, strict=False))
        folder = {FOLDER: "/".join(one.folders)} if one.folders else {}
        data = {**folder, **of_folder, **one.data}
        written += _pieces(content, one, {plain[name]: text for name, text in data.items()})
    written += [b"</", document, b"</", reader.prefix, b"kml>"]
    path.unlink()
    path.write_bytes(b"".join(written))
    return Flat(layer=layer, names={made: name for name, made in plain.items()})


def _pieces(content: bytes, placemark: _Placemark, data: dict[str, str]) -> list[bytes]:
    """Return a placemark's text with its data under other names."""
    pieces, at = [], placemark.start
    for start, end in placemark.cut:
        pieces.append(content[at:start])
        at = end
    rest = content[at : placemark.end]
    if rest.endswith(b"/>"):
        return [*pieces, rest]
    close = rest.rindex(b"<")  # of </Placemark>
    prefix = rest[close + 2 : rest.rindex(b">")].strip().partition(b":")
    tag = (prefix[0] + b":").decode() if prefix[1] else ""
    cells = "".join(
        f'<{tag}Data name="{name}"><{tag}value>{escape(text)}</{tag}value></{tag}Data>'
        for name, text in data.items()
    )
    extended = f"<{tag}ExtendedData>{cells}</{tag}ExtendedData>".encode() if cells else b""
    return [*pieces, rest[:close], extended, rest[close:]]


def _chosen(
    reader: _PlacemarkReader, source_layer: str | None, budget: Budget
) -> tuple[str, list[_Placemark]]:
    """Return the name and placemarks of the named folder, of all, or of the only one."""
    placemarks = reader.placemarks
    counts: dict[tuple[str, ...], int] = {}
    for one in placemarks:
        counts[one.folders] = counts.get(one.folders, 0) + 1
    shown = _names_of(list(counts), reader.title)
    if source_layer == ALL:
        return ALL, list(placemarks)
    if source_layer is None and len(counts) == 1:
        return next(iter(shown.values())), list(placemarks)
    if source_layer is None:
        choices = [Choice(value=ALL, evidence=said("import.all_folders", count=len(placemarks)))]
        choices += [
            Choice(value=name, evidence=said("import.in_folder", count=counts[folders]))
            for folders, name in list(shown.items())[: _MOST_CHOICES - 1]
        ]
        parameter = "source_layer"
        raise ChoiceNeededError(parameter, said("import.which_layer", file=budget.shown), choices)
    wanted = [
        folders
        for folders, name in shown.items()
        if source_layer in {name, "/".join(folders), folders[-1] if folders else reader.title}
    ]
    if not wanted and len(counts) == 1 and source_layer == Path(budget.shown).stem:
        return source_layer, list(placemarks)
    if not wanted:
        raise budget.refuse(
            said("refusal.no_layer", name=repr(source_layer)),
            said("fault.any_of", known=[ALL, *shown.values()][:_MOST_CHOICES]),
        )
    return source_layer, [one for one in placemarks if one.folders in wanted]


def _names_of(folders: Sequence[tuple[str, ...]], title: str) -> dict[tuple[str, ...], str]:
    """Return each folder's own name, or its path where another has the same name."""
    own = [path[-1] if path else title for path in folders]
    return {
        path: name if name and own.count(name) == 1 else "/".join(path) or "Document"
        for path, name in zip(folders, own, strict=True)
    }
