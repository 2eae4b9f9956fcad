"""What a service shows of a province: the counties as the last run left them, their map and tiles.

Everything comes from the files of a run (docs/scale.md) and from `PROVINCE.toml`; no county is
opened. It is read again when one of these files is another. While a run is under way, which has
no manifest, what was read before stands. Leaves out the roll-up's figures (`rollup`, `report`).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
from cachetools import LRUCache

from geo_service import __version__
from geo_service.crs import STORAGE_CRS
from geo_service.errors import InvalidQueryError, NotFoundError, WorkspaceError
from geo_service.language import Language, Translator, to_simplified
from geo_service.maps.document import ServedPage, served_page
from geo_service.maps.draw import draw_province
from geo_service.maps.kinds import KINDS, PROVINCE, MapInput, ProvinceOnMap
from geo_service.maps.kinds.province import PARKS, TILE_COLUMNS, ProvinceData
from geo_service.maps.review_tiles import CACHE_BYTES, Tile, packed_tile, weight_of
from geo_service.maps.tiles import TileLayer
from geo_service.model import Verdict
from geo_service.pinyin import spelled
from geo_service.planning.downloads import Download, file_name
from geo_service.province.folder import read_manifest, whole_record
from geo_service.province.report import ProvinceReport
from geo_service.province.review import DEFAULT_FOLDER
from geo_service.province.rollup import RolledUp
from geo_service.province.settings import open_province
from geo_service.wording import said, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo_service.province.folder import Record
    from geo_service.province.settings import CountyAt, Province
    from geo_service.reports.document import Document, Slice
    from geo_service.spatial.live_index import Box

STATES = ("whole", "outdated", "broken", "missing")
"""How a county stands: `outdated` is whole, but of other rules or another release than now."""
EXPORTS = {
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
    "geoparquet": "application/zip",
}
_EXTENSIONS = {"geoparquet": "zip"}
_CLASSES = ((0.0, "none"), (0.1, "few"), (0.25, "some"), (0.5, "many"), (1.0, "most"))
"""Up to which share of failing parks a county is of a class."""
_FIGURES = ("parks", "findings", "waived", "approved", "enterprises")
_VERSIONS = ("review_id", "plan_version", "rulebook_version", "as_of", "data_date", "year")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A province as its files were at one moment."""

    stamp: tuple[object, ...]
    province: Province
    folder: Path
    counties: tuple[Document, ...]
    """One for each county of `PROVINCE.toml`, by code."""
    on_map: ProvinceOnMap
    as_of: str | None
    rulebook_version: str | None
    """Those of the run; None without one."""
    tiles: TileLayer
    states: dict[Language, ProvinceData] = field(default_factory=dict)
    pages: dict[tuple[Language, str], ServedPage] = field(default_factory=dict)


class ProvinceDesk:
    """The province that a service was told of. Methods are safe to call from several threads."""

    def __init__(self, path: Path, folder: Path | None = None, *, own_county: str = "") -> None:
        """Read `PROVINCE.toml`; WorkspaceError if it cannot be used.

        `folder` is that of the results, `province-review` beside the file if None. The county of
        the code `own_county` is the one whose console this is.
        """
        self._path = path
        self._given = folder
        self.own_county = own_county
        self._lock = threading.Lock()
        self._now: Snapshot | None = None
        self._tiles: LRUCache[tuple[str, int, int, int], Tile | None] = LRUCache(
            CACHE_BYTES, getsizeof=weight_of
        )
        self._province = open_province(path)

    # ---- reading --------------------------------------------------------------------------------

    def now(self) -> Snapshot:
        """Return the province as its files are, read again if one of them has changed."""
        with self._lock:
            stamp = self._stamp()
            if self._now is None or (self._now.stamp != stamp and not self._is_between(stamp)):
                try:
                    self._province = open_province(self._path)
                    self._now = self._read(self._stamp())
                except (WorkspaceError, OSError):  # it is being written
                    if self._now is None:
                        raise
                    _log.exception("The province cannot be read; it stays as it was.")
                self._tiles.clear()
            return self._now

    @property
    def folder(self) -> Path:
        """Where a run leaves its results."""
        return (self._given or self._province.folder / DEFAULT_FOLDER).resolve()

    def _stamp(self) -> tuple[object, ...]:
        return tuple(
            _stamp_of(path) for path in (self.folder / "manifest.json", *self._province.files)
        )

    def _is_between(self, stamp: tuple[object, ...]) -> bool:
        """Whether only the manifest is away: a run is under way."""
        return self._now is not None and stamp[0] is None and self._now.stamp[1:] == stamp[1:]

    def is_running(self) -> bool:
        """Whether a run began after the one that is shown and has not ended."""
        now = self.now()
        return now.as_of is not None and _stamp_of(self.folder / "manifest.json") is None

    def _read(self, stamp: tuple[object, ...]) -> Snapshot:
        province = self._province
        try:
            manifest: Record | None = read_manifest(self.folder)
        except NotFoundError:
            manifest = None
        rolled_up = _whole_counties(province, self.folder, manifest or {"counties": {}})
        earlier = {
            county.code: record
            for county in province.counties
            if county.code not in rolled_up.records
            and (record := whole_record(self.folder, county.code, ("boundary",))) is not None
        }
        counties = tuple(
            _county(county, rolled_up, province, manifest, earlier.get(county.code))
            for county in province.counties
        )
        drawn = _on_map(province, self.folder, counties, rolled_up, earlier)
        table = pd.DataFrame(drawn.parks[list(TILE_COLUMNS)])
        return Snapshot(
            stamp=stamp,
            province=province,
            folder=self.folder,
            counties=counties,
            on_map=drawn,
            as_of=None if manifest is None else manifest["as_of"],
            rulebook_version=None if manifest is None else manifest["rulebook_version"],
            tiles=TileLayer(PARKS, table, np.asarray(drawn.parks.geometry.to_numpy())),
        )

    # ---- what is told ---------------------------------------------------------------------------

    def summary(self, language: Language) -> Document:
        """Return the province in figures, and what they rest on."""
        now, translator = self.now(), Translator(language)
        counted = [county for county in now.counties if county["verdicts"] is not None]
        return {
            "name": translator.pick(now.province.name),
            "as_of": now.as_of,
            "rulebook_version": now.rulebook_version,
            "province_rulebook_version": now.province.rulebook_version,
            "is_running": self.is_running(),
            "illustrative": now.on_map.is_illustrative,
            "sources": list(now.on_map.sources),
            "states": {
                state: sum(county["state"] == state for county in now.counties) for state in STATES
            },
            "verdicts": {
                verdict.value: sum(county["verdicts"][verdict] for county in counted)
                for verdict in Verdict
            },
            "totals": {name: sum(county[name] for county in counted) for name in _FIGURES},
        }

    def counties(
        self, language: Language, *, state: str | None = None, slice_: Slice = (100, 0)
    ) -> tuple[list[Document], int]:
        """Return counties (limit, offset) in order of codes, and how many there are in all."""
        translator, now = Translator(language), self.now()
        found = [one for one in now.counties if state in {None, one["state"]}]
        limit, offset = slice_
        rows = [self._told(one, translator) for one in found[offset : offset + limit]]
        return rows, len(found)

    def _told(self, county: Document, translator: Translator) -> Document:
        names = county["name"]
        name = translator.pick(names) if names else None
        faults = county["faults"]
        is_own = county["county_code"] == self.own_county
        return {
            **county,
            "name": name,
            "faults": faults[translator.language] if faults else None,
            "is_own": is_own,
            "words": _words(county["county_code"], names or {}),
        }

    def export(self, form: str, language: Language) -> Download:
        """Return the roll-up as a file; NotFoundError if no run has ended."""
        now = self.now()
        report = ProvinceReport(self._path, now.folder)
        content = {
            "json": report.json,
            "xlsx": lambda: report.xlsx(Translator(language)),
            "gpkg": report.gpkg,
            "geoparquet": report.geoparquet,
        }[form]()
        words = f"{Translator(language).pick(now.province.name)}-{report.document['as_of']}"
        return Download(
            file_name(words, _EXTENSIONS.get(form, form)), EXPORTS[form], content=content
        )

    # ---- map and tiles --------------------------------------------------------------------------

    def map_page(self, language: Language, root: str) -> ServedPage:
        """Return the page of the map for a service mounted under `root`."""
        now = self.now()
        key = (language, root)
        if key not in now.pages:
            drawn = draw_province(self._data(language), root=root, version=now.on_map.version)
            now.pages[key] = served_page(drawn, root=root)
        return now.pages[key]

    def features(
        self, source: str, language: Language, *, bbox: Box | None, slice_: Slice
    ) -> Document:
        """Return features of the map; NotFoundError for a source that it does not have."""
        limit, offset = slice_
        return self._data(language).document(source, bbox=bbox, limit=limit, offset=offset)

    def _data(self, language: Language) -> ProvinceData:
        now = self.now()
        if language not in now.states:
            subject = MapInput(translator=Translator(language), province=now.on_map, is_served=True)
            (made,) = KINDS[PROVINCE].states(subject)
            now.states[language] = cast("ProvinceData", made)
        return now.states[language]

    def tile(self, layer: str, zoom: int, column: int, row: int) -> tuple[Tile | None, str]:
        """Return a tile of the parks, None where nothing is, and the version of all tiles.

        NotFoundError for a layer that has no tiles; InvalidQueryError for a number outside the
        pyramid.
        """
        if layer != PARKS.name:
            shown = repr(shorten(layer))
            raise NotFoundError(said("problem.no_map_layer", layer=shown, known=[PARKS.name]))
        for parameter, number in (("x", column), ("y", row)):
            if number >= 2**zoom:
                msg = said("problem.tile", name=parameter, zoom=zoom, last=2**zoom - 1)
                raise InvalidQueryError(parameter, msg)
        now = self.now()
        key = (now.on_map.version, zoom, column, row)
        with self._lock:
            if key in self._tiles:
                return self._tiles[key], now.on_map.version
        made = packed_tile(now.tiles.tile(zoom, column, row))
        with self._lock:
            if weight_of(made) <= self._tiles.maxsize:
                self._tiles[key] = made
        return made, now.on_map.version


def _stamp_of(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _whole_counties(province: Province, folder: Path, manifest: Record) -> RolledUp:
    """Return what the last run left whole of the province's counties; the rest is missing."""
    records = {}
    for county in province.counties:
        told = manifest["counties"].get(county.code)
        if told is not None and told["state"] == "whole":
            record = whole_record(folder, county.code, ("parks", "boundary"))
            if record is not None and record["review_id"] == told["review_id"]:
                records[county.code] = record
    return RolledUp(province, folder, manifest, records)


def _county(
    county: CountyAt,
    rolled_up: RolledUp,
    province: Province,
    manifest: Record | None,
    earlier: Record | None,
) -> Document:
    """Return how a county stands, and its figures if the last run has some of it."""
    record = rolled_up.records.get(county.code)
    faults = rolled_up.faults.get(county.code)
    state, reasons = "broken" if faults else "missing", []
    if record is not None and manifest is not None:
        if manifest["rulebook_version"] != province.rulebook_version:
            reasons.append("rulebook")
        if record["release"] != __version__:
            reasons.append("release")
        state = "outdated" if reasons else "whole"
    named = record or earlier or {}
    return {
        "county_code": county.code,
        "name": named.get("name"),
        "state": state,
        "outdated_by": reasons,
        "faults": faults,
        "console": county.console,
        "verdicts": None if record is None else record["verdicts"],
        **{name: None if record is None else record[name] for name in (*_VERSIONS, *_FIGURES)},
        "illustrative": None if record is None else record["illustrative"],
        "sources": [] if record is None else record["sources"],
    }


def class_of(county: Mapping[str, Any]) -> str:
    """Return the class in which a county is drawn: by the share of its parks that fail."""
    if county["state"] == "outdated":
        return "outdated"
    if county["state"] != "whole" or not county["parks"]:
        return "without"
    share = county["verdicts"][Verdict.FAIL] / county["parks"]
    return next(name for most, name in _CLASSES if share <= most)


def _on_map(
    province: Province,
    folder: Path,
    counties: tuple[Document, ...],
    rolled_up: RolledUp,
    earlier: Mapping[str, Record],
) -> ProvinceOnMap:
    """Return what is drawn: of a county without a result the outline of an earlier one."""
    known = {**earlier, **rolled_up.records}
    listed = {county["county_code"]: county for county in counties}
    outlines: Mapping[str, Any] = {}
    parks = gpd.GeoDataFrame(
        {name: [] for name in (*TILE_COLUMNS, "leading_industry", "findings", "enterprise_count")},
        geometry=[],
        crs=STORAGE_CRS,
    )
    if known:
        every = RolledUp(province, folder, rolled_up.manifest, known)
        outlines = {str(code): shape for code, shape in every.outlines().items()}
    current = rolled_up.records
    if current:
        parks = rolled_up.park_shapes()
        parks = parks.assign(id=parks["county_code"] + ":" + parks["park_id"])
    rows = [
        {
            "code": code,
            "name": dict(known[code]["name"]),
            "state": listed[code]["state"],
            "class": class_of(listed[code]),
            **{verdict.value: (listed[code]["verdicts"] or {}).get(verdict) for verdict in Verdict},
            **{name: listed[code][name] for name in ("findings", "enterprises", "year")},
            "illustrative": bool(known[code]["illustrative"]),
            "geometry": shape,
        }
        for code, shape in sorted(outlines.items())
    ]
    columns = ["code", "name", "state", "class", *(verdict.value for verdict in Verdict)]
    columns += ["findings", "enterprises", "year", "illustrative", "geometry"]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    records = current.values()
    digest = hashlib.sha256("\n".join(sorted(_identity(one) for one in counties)).encode())
    return ProvinceOnMap(
        name=province.name,
        metric_crs=province.metric_crs,
        as_of=str(rolled_up.manifest.get("as_of", "")),
        rulebook_version=rolled_up.manifest.get("rulebook_version"),
        version=digest.hexdigest()[:16],
        county_count=len(counties),
        counties=gpd.GeoDataFrame(frame, geometry="geometry", crs=STORAGE_CRS),
        parks=parks,
        sources=tuple(sorted({source for record in records for source in record["sources"]})),
        is_illustrative=any(record["illustrative"] for record in records),
    )


def _identity(county: Document) -> str:
    return f"{county['county_code']} {county['state']} {county['review_id']}"


def _words(code: str, names: Mapping[str, str]) -> list[str]:
    """Return what a county is found by: its code, its names in both scripts, and pinyin."""
    found = [code]
    hant = Translator(Language.ZH_HANT)
    for name in names.values():
        simplified = to_simplified(name)
        found += [simplified, hant.convert(simplified), name, *(spelled(simplified) or ())]
    return list(dict.fromkeys(form.lower() for form in found))
