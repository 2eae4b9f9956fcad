"""The province from what its counties' runs left: counts, shares, concentration, neighbours.

Everything is read from the results folder; no county is opened. Shares, HHI and location
quotients are over enterprises in parks by the province's basis. In sums of the province those
without a code or a value are left out and counted; a county or park with one such enterprise has
no share of its own. Leaves out how it is shown (`report`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.errors import NotFoundError
from geo_service.industry import DIVISION_DIGITS, split_codes
from geo_service.model import Verdict
from geo_service.province.county import AMOUNTS
from geo_service.province.folder import county_folder, read_manifest, whole_record
from geo_service.reports.document import plain
from geo_service.wording import said
from geo_service.zoning.focus import herfindahl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geo_service.province.folder import Record
    from geo_service.province.settings import Province

NEIGHBOUR_M = 500.0
"""Counties whose boundaries come this near adjoin: boundaries of two sources do not meet."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class RolledUp:
    """The results of the counties that were whole when the last run ended."""

    province: Province
    folder: Path
    manifest: Record
    records: dict[str, Record]

    @classmethod
    def of(cls, province: Province, folder: Path) -> RolledUp:
        """Read a results folder; NotFoundError if its last run did not end, or is damaged."""
        manifest = read_manifest(folder)
        records = {}
        for code, county in sorted(manifest["counties"].items()):
            if county["state"] != "whole":
                continue
            record = whole_record(folder, code)
            if record is None or record["review_id"] != county["review_id"]:
                msg = said("problem.province_not_reviewed", folder=str(folder))
                raise NotFoundError(msg)
            records[code] = record
        return cls(province, folder, manifest, records)

    @property
    def faults(self) -> dict[str, dict[str, str]]:
        """By county that is left out, its faults by language."""
        counties = self.manifest["counties"].items()
        return {code: county["faults"] for code, county in counties if county["state"] == "faulty"}

    def document(self) -> dict[str, Any]:
        """Return the roll-up as plain data."""
        known, basis = self._known, self.province.focus_basis
        return {
            "name": dict(self.manifest["name"]),
            "as_of": self.manifest["as_of"],
            "rulebook_version": self.manifest["rulebook_version"],
            "basis": basis.value,
            "illustrative": any(record["illustrative"] for record in self.records.values()),
            "sources": sorted({one for item in self.records.values() for one in item["sources"]}),
            "totals": self._totals(),
            "counties": self._counties(),
            "faulty": self.faults,
            "rules": self._rules(),
            "left_out": int(self._in_parks["enterprises"].sum() - known["enterprises"].sum()),
            "hhi": {"divisions": self._hhi("division"), "groups": self._hhi("group")},
            "industries": self._shares("division"),
            "groups": self._shares("group"),
            "specialisations": self._specialisations(),
            "parks": self._parks(),
            "neighbours": {"within_m": NEIGHBOUR_M, **self._neighbours()},
        }

    # ---- counts -----------------------------------------------------------------------------

    def _totals(self) -> dict[str, Any]:
        records = self.records.values()
        summed = ("parks", "enterprises", "findings", "waived", "approved")
        return {
            "counties": len(self.manifest["counties"]),
            "whole": len(records),
            **{name: sum(record[name] for record in records) for name in summed},
            "verdicts": {
                verdict.value: sum(record["verdicts"][verdict] for record in records)
                for verdict in (Verdict.PASS, Verdict.WATCH, Verdict.FAIL, Verdict.UNKNOWN)
            },
        }

    def _counties(self) -> Rows:
        named = (
            *("county_code", "name", "review_id", "plan_version", "rulebook_version", "data_date"),
            *("year", "focus_basis", "area_method", "parks", "verdicts", "findings", "waived"),
            *("approved", "enterprises", "illustrative", "lapsed"),
        )
        return [{name: record[name] for name in named} for record in self.records.values()]

    def _rules(self) -> Rows:
        """Return what was found by each rule that any county judged by."""
        checked: dict[str, int] = defaultdict(int)
        severity: dict[str, str] = {}
        for record in self.records.values():
            for rule_id, rule in record["rules"].items():
                checked[rule_id] += rule["checked"]
                severity.setdefault(rule_id, rule["severity"])
                if severity[rule_id] != rule["severity"]:
                    severity[rule_id] = "mixed"
        counted = self._counted_findings()
        rows = []
        for rule_id in sorted(checked):
            own = counted[counted["rule_id"] == rule_id]
            counts = own[~own["set_aside"]].groupby("verdict")["count"].sum()
            rows.append(
                {
                    "rule_id": rule_id,
                    "severity": severity[rule_id],
                    "checked": checked[rule_id],
                    "findings": int(own["count"].sum()),
                    **{verdict: int(counts.get(verdict, 0)) for verdict in _FOUND},
                    "set_aside": int(own["count"][own["set_aside"]].sum()),
                    "counties": int(own["county_code"].nunique()),
                }
            )
        return rows

    def _counted_findings(self) -> pd.DataFrame:
        """Return how many findings of each kind each county has: its rows are never in memory."""
        keys = ["rule_id", "verdict", "waived", "approved"]
        frames = []
        for code, path in self._files("findings"):
            groups = pq.ParquetFile(path).read(columns=keys).group_by(keys)
            counted = groups.aggregate([([], "count_all")]).to_pandas()
            frames.append(counted.assign(county_code=code))
        found: pd.DataFrame = pd.concat(frames, ignore_index=True)
        found = found.rename(columns={"count_all": "count"})
        set_aside = found["waived"].astype(bool) | found["approved"].astype(bool)
        return found.assign(set_aside=set_aside)

    # ---- industries ---------------------------------------------------------------------------

    @cached_property
    def _in_parks(self) -> pd.DataFrame:
        """Sums by county, park and code, with the amount by the province's basis."""
        frame = self._table("industries")
        frame = frame[frame["park_id"].notna()].reset_index(drop=True)
        column = AMOUNTS.get(self.province.focus_basis)
        codes = frame["industry_code"]
        group_of = {code: self.province.groups.group_of(code) for code in codes.dropna().unique()}
        return frame.assign(
            amount=frame[column or "enterprises"].astype(float),
            missing=frame[f"{column}_missing"] if column else 0,
            division=codes.str[:DIVISION_DIGITS],
            group=pd.Series([group_of.get(code) for code in codes], index=frame.index, dtype="str"),
        )

    @cached_property
    def _known(self) -> pd.DataFrame:
        """The same of enterprises with a code and a value."""
        frame = self._in_parks[self._in_parks["industry_code"].notna()]
        return frame.assign(enterprises=frame["enterprises"] - frame["missing"])

    @cached_property
    def _total(self) -> float:
        return float(self._known["amount"].sum())

    def _amounts(self, column: str) -> pd.Series:
        """Return the amount of each class; enterprises of no group are one class of their own."""
        known = self._known
        return known.groupby(known[column].fillna(""), sort=True)["amount"].sum()

    def _hhi(self, column: str) -> float | None:
        if self._total <= 0 or (column == "group" and not self.province.groups.prefixes):
            return None
        return plain(herfindahl([float(x) / self._total for x in self._amounts(column)]))  # type: ignore[no-any-return]

    def _shares(self, column: str) -> Rows:
        if column == "group" and not self.province.groups.prefixes:
            return []
        known = self._known
        classes = known[column].fillna("")
        return [
            {
                column: name or None,
                "amount": plain(float(amount)),
                "share": plain(float(amount) / self._total) if self._total > 0 else None,
                "enterprises": int(known["enterprises"][classes == name].sum()),
                "counties": int(known["county_code"][classes == name].nunique()),
            }
            for name, amount in self._amounts(column).items()
        ]

    def _complete(self, *keys: str) -> pd.Series:
        """Return whether each county, or park, has a code and a value of every enterprise."""
        frame = self._in_parks
        lacks = frame["industry_code"].isna() | (frame["missing"] > 0)
        return ~lacks.groupby([frame[key] for key in keys]).any()

    def _specialisations(self) -> Rows:
        """Return each county's divisions with their location quotient against the province."""
        everywhere = self._amounts("division").to_dict()
        complete = self._complete("county_code").to_dict()
        rows: Rows = []
        for code, own in self._known.groupby("county_code"):
            total = float(own["amount"].sum())
            if total <= 0:
                continue
            for division, amount in own.groupby("division")["amount"].sum().items():
                share = float(amount) / total if complete[code] else None
                whole = float(everywhere[division]) / self._total
                rows.append(
                    {
                        "county_code": code,
                        "division": division,
                        "share": plain(share),
                        "province_share": plain(whole),
                        "location_quotient": plain(share / whole) if share and whole else None,
                    }
                )
        return rows

    def _parks(self) -> Rows:
        """Return each park with its location quotient against all parks of the province."""
        columns = ["park_id", "name", "tier", "leading_industry", "verdict", "location_quotient"]
        parks = self._table("parks", [*columns, "findings", "enterprise_count"])
        known = dict(iter(self._known.groupby(["county_code", "park_id"])))
        complete = self._complete("county_code", "park_id").to_dict()
        everywhere: dict[str, float | None] = {}
        rows: Rows = []
        for park in parks.to_dict("records"):
            key = (park["county_code"], park["park_id"])
            declared = split_codes(_text(park["leading_industry"]))
            share = quotient = None
            if len(declared) == 1 and complete.get(key, False) and key in known:
                share = _share_of(known[key], declared[0])
                whole = everywhere.get(declared[0])
                if declared[0] not in everywhere:
                    whole = everywhere[declared[0]] = _share_of(self._known, declared[0])
                quotient = share / whole if share is not None and whole else None
            rows.append(
                {
                    **{str(name): plain(value) for name, value in park.items()},
                    "leading_share": plain(share),
                    "province_location_quotient": plain(quotient),
                }
            )
        return rows

    # ---- neighbours -----------------------------------------------------------------------------

    def _neighbours(self) -> dict[str, Any]:
        """Return the leading divisions that parks of adjoining counties share."""
        codes, shapes = self._boundaries()
        parks = self._table("parks", ["park_id", "leading_industry"])
        leads: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for code, park_id, cell in parks[["county_code", "park_id", "leading_industry"]].itertuples(
            index=False
        ):
            declared = split_codes(_text(cell))
            if len(declared) == 1:
                leads[code][declared[0][:DIVISION_DIGITS]].append(park_id)
        one, two = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEIGHBOUR_M)
        pairs = sorted(
            (codes[first], codes[second])
            for first, second in zip(one, two, strict=True)
            if codes[first] < codes[second]
        )
        return {
            "pairs": len(pairs),
            "without_boundary": sorted(set(self.records) - set(codes)),
            "same_leading": [
                {
                    "division": division,
                    "counties": list(pair),
                    "parks": [leads[code][division] for code in pair],
                }
                for pair in pairs
                for division in sorted(leads[pair[0]].keys() & leads[pair[1]].keys())
            ],
        }

    def _boundaries(self) -> tuple[list[str], Any]:
        found = self.outlines()
        return list(found.index), found.to_crs(self.province.metric_crs).to_numpy()

    # ---- shapes ---------------------------------------------------------------------------------

    def outlines(self) -> gpd.GeoSeries:
        """Return the polygon of each county that has one, by its code (EPSG:4490)."""
        frame = self._table("boundary").set_index("county_code")
        return gpd.GeoSeries.from_wkb(frame["geometry"], crs=STORAGE_CRS)

    def park_shapes(self) -> gpd.GeoDataFrame:
        """Return the parks of all counties as their runs left them (EPSG:4490)."""
        frame = self._table("parks")
        shapes = gpd.GeoSeries.from_wkb(frame.pop("geometry"), crs=STORAGE_CRS)
        return gpd.GeoDataFrame(frame, geometry=shapes)

    def _files(self, name: str) -> Iterator[tuple[str, Path]]:
        """Give the file of this name of each county; NotFoundError if there is no county."""
        if not self.records:
            msg = said("problem.province_not_reviewed", folder=str(self.folder))
            raise NotFoundError(msg)
        for code, record in self.records.items():
            yield code, county_folder(self.folder, code) / record["files"][name]["file"]

    def _table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Return the files of a name as one frame, with the county of each row."""
        frames = [
            pq.ParquetFile(path).read(columns=columns).to_pandas().assign(county_code=code)
            for code, path in self._files(name)
        ]
        whole: pd.DataFrame = pd.concat(frames, ignore_index=True)
        return whole


_FOUND = (Verdict.FAIL.value, Verdict.WATCH.value, Verdict.UNKNOWN.value)


def _share_of(rows: pd.DataFrame, prefix: str) -> float | None:
    total = float(rows["amount"].sum())
    own = float(rows["amount"][rows["industry_code"].str.startswith(prefix)].sum())
    return own / total if total > 0 else None


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None
