"""A small county made for tests: squares in metres, so that numbers can be derived by hand.

`County` holds rows by layer; tests change what they are about and `write` it as a workspace.
The origin is (500 000, 3 420 000) in EPSG:4545, on the central meridian.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from geo_service.data import data_file
from geo_service.documents import read_yaml
from geo_service.schema import RIVER_RANKS, ZONE_KINDS
from geo_service.zoning.rulebook import DEFAULT_FILE

ORIGIN_M = (500_000.0, 3_420_000.0)
_TO_DEGREES = pyproj.Transformer.from_crs("EPSG:4545", "EPSG:4490", always_xy=True)
_MARK = {"source": "made for tests", "illustrative": True}
Row = dict[str, Any]

SETTINGS = """
format = 1
county_code = "999999"
metric_crs = "EPSG:4545"
complete_zone_kinds = {complete}
complete_river_ranks = {rivers}
{extra}
[name]
zh-Hans = "测试县"
en = "Test County"
[platform]
municipal_park = 1
building_park = 2
[industry_map]
leading = {leading}
characteristic = {characteristic}
[industry_groups]
file = "industry_groups.csv"
version = "test"
[industry_groups.names.consumer]
zh-Hans = "消费品"
en = "Consumer goods"
[industry_groups.names.equipment]
zh-Hans = "装备"
en = "Equipment"
"""


def box(x: float, y: float, width: float, height: float) -> shapely.Polygon:
    """Return a rectangle with its lower left corner (x, y) metres from the origin."""
    west, south = ORIGIN_M[0] + x, ORIGIN_M[1] + y
    return shapely.box(west, south, west + width, south + height)


def point(x: float, y: float) -> shapely.Point:
    """Return a point (x, y) metres from the origin."""
    return shapely.Point(ORIGIN_M[0] + x, ORIGIN_M[1] + y)


def line(*places: tuple[float, float]) -> BaseGeometry:
    """Return a line through places given in metres from the origin."""
    return shapely.LineString([(ORIGIN_M[0] + x, ORIGIN_M[1] + y) for x, y in places])


def in_degrees(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape given in EPSG:4545 in longitude and latitude."""
    return shapely.transform(
        shape, lambda xy: np.column_stack(_TO_DEGREES.transform(xy[:, 0], xy[:, 1]))
    )


def park(park_id: str, shape: BaseGeometry, **values: object) -> Row:
    """Return a park's row."""
    return {
        "park_id": park_id,
        "name": f"{park_id} 园",
        "tier": "sme_cluster",
        "township_code": "T1",
        "leading_industry": "13",
        "supporting_industries": "",
        "speciality": f"{park_id} 特色",
        "host_park_id": None,
        "status": "operating",
        "declared_area_ha": shape.area / 1e4,
        "approval_number": "文 1",
        "approved_on": "2016-01-01",
        "plan_eia_number": "文 2",
        "plan_eia_on": "2016-02-01",
        "is_chemical_park": False,
        "geometry": shape,
        **_MARK,
        **values,
    }


def parcel(parcel_id: str, shape: BaseGeometry, **values: object) -> Row:
    """Return a parcel's row."""
    return {
        "parcel_id": parcel_id,
        "park_id": "P1",
        "land_use": "100101",
        "land_use_scheme": "planning2023",
        "status": "built",
        "area_m2": shape.area,
        "geometry": shape,
        **_MARK,
        **values,
    }


def zone(zone_id: str, shape: BaseGeometry, **values: object) -> Row:
    """Return a control zone's row, a red line unless told otherwise."""
    return {
        "zone_id": zone_id,
        "kind": "ecological_red_line",
        "grade": None,
        "name": zone_id,
        "legal_basis": "made for tests",
        "geometry": shape,
        **_MARK,
        **values,
    }


def enterprise(
    enterprise_id: str, code: str | None, output_cny: float | None, **values: object
) -> Row:
    """Return an enterprise's row for 2025, in park P1."""
    return {
        "enterprise_id": enterprise_id,
        "year": 2025,
        "name": f"企业{enterprise_id}",
        "industry_code": code,
        "park_id": "P1",
        "output_cny": output_cny,
        "land_m2": 0,
        "floor_m2": 2000,
        "status": "operating",
        "loss_years": 0,
        "subsidised": False,
        "in_arrears": False,
        "stage": "company",
        "is_new": False,
        **_MARK,
        **values,
    }


@cache
def _shipped_rules() -> dict[str, Any]:
    text = data_file(DEFAULT_FILE).read_text(encoding="utf-8")
    document: dict[str, Any] = read_yaml(text, DEFAULT_FILE)[0]
    return document


FEW_RULES = (
    "focus.declared",
    "focus.is_top",
    "focus.leading_share",
    "focus.off_focus_enterprise",
    "layout.declared_area",
    "land_use.permitted",
    "control_zone.ecological_red_line",
    "control_zone.geohazard",
    "enterprise.idle_land",
)
"""Rules of most families and of all severities, for tests that are about no rule."""


class County:
    """Rows by layer, and the settings of the workspace."""

    def __init__(self) -> None:
        """Make a county of one township, two parks and six enterprises."""
        self.complete_zone_kinds = [kind for kind in ZONE_KINDS if kind != "development_boundary"]
        self.complete_river_ranks = list(RIVER_RANKS)
        self.industry_map: tuple[list[str], list[str]] = (["13", "36"], [])
        """The industries that the county lists: leading, characteristic."""
        self.extra = 'land_use_scheme = "planning2023"'
        self.rules: tuple[str, ...] = ()
        """Ids of the shipped rules that alone the county goes by; all of them if empty."""
        self.layers: dict[str, list[Row]] = {
            "townships": [
                {
                    "code": "T1",
                    "code_scheme": "nbs",
                    "name": "甲镇",
                    "kind": "镇",
                    "geometry": box(-100, -100, 5_000, 5_000),
                    **_MARK,
                }
            ],
            "county": [
                {
                    "code": "999999",
                    "name": "测试县",
                    "geometry": box(-20_000, -20_000, 80_000, 80_000),
                    **_MARK,
                }
            ],
            "parks": [
                park("P1", box(0, 0, 1000, 1000)),
                park("P2", box(2000, 0, 1000, 1000), leading_industry="36"),
            ],
            "enterprises": [
                *(enterprise(f"E{n}", "1311", 100.0) for n in range(1, 6)),
                *(enterprise(f"F{n}", "3670", 100.0, park_id="P2") for n in range(1, 6)),
            ],
        }
        self.layers["control_zones"] = [
            zone("D", box(-20_000, -20_000, 50_000, 50_000), kind="development_boundary")
        ]
        self.groups = [("13", "consumer", "core"), ("36", "equipment", "core")]

    def write(self, folder: Path) -> Path:
        """Write the workspace and return its folder.

        Every park is approved as it is, unless the layer of approved areas says otherwise.
        """
        folder.mkdir(parents=True, exist_ok=True)
        leading, characteristic = self.industry_map
        settings = SETTINGS.format(
            extra="\n".join((self.extra, *self._write_rules(folder))),
            complete=json.dumps(self.complete_zone_kinds),
            rivers=json.dumps(self.complete_river_ranks),
            leading=json.dumps(leading),
            characteristic=json.dumps(characteristic),
        )
        parts = [settings]
        layers = {"approved_areas": self._approved_areas(), **self.layers}
        for name, rows in layers.items():
            is_table = not any("geometry" in row for row in rows)
            file = f"{name}.csv" if is_table else f"{name}.geojson"
            parts.append(f'[layers.{name}]\nfile = "{file}"\n')
            (_write_table if is_table else _write_features)(folder / file, rows)
        (folder / "workspace.toml").write_text("\n".join(parts), encoding="utf-8")
        with (folder / "industry_groups.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("code_prefix", "group", "strength"))
            writer.writerows(self.groups)
        return folder

    def _write_rules(self, folder: Path) -> list[str]:
        """Write the county's rulebook, if it has one of its own, and return its setting."""
        if not self.rules:
            return []
        shipped = _shipped_rules()
        chosen = {name: shipped["rules"][name] for name in self.rules}
        (folder / DEFAULT_FILE).write_text(
            json.dumps({**shipped, "rules": chosen}, ensure_ascii=False), encoding="utf-8"
        )
        return [f'rulebook = "{DEFAULT_FILE}"']

    def _approved_areas(self) -> list[Row]:
        return [
            {"park_id": row["park_id"], "geometry": row["geometry"], **_MARK}
            for row in self.layers.get("parks", [])
        ]


def _write_table(path: Path, rows: list[Row]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)


def _write_features(path: Path, rows: list[Row]) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name != "geometry"},
            "geometry": None
            if row["geometry"] is None
            else shapely.geometry.mapping(in_degrees(row["geometry"])),
        }
        for row in rows
    ]
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}},
        "features": features,
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
