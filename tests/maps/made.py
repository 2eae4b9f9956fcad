"""What the tests of maps share: a small county, what is asked of it, and archives of pictures."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np

from geo_service.maps.relief import png_of
from geo_service.planning.layers import newest_layer, publish
from tests.county import County, box, enterprise, in_degrees, line, parcel, point, zone

KEY = "0123456789abcdef"

MARK = {"source": "made for tests", "illustrative": True}

STRICTER = """
format: "1"
title: {zh-Hans: 更严, en: stricter}
extends: default
rules:
  focus.leading_share:
    severity: must
    bases: [{document: county_layout_principle}]
    parameters: {pass_share: 0.9, watch_share: 0.85, count_supporting: none}
"""

PROJECT = {
    "name": "试点",
    "industry_code": "1311",
    "needs": {"land_m2": 5_000},
    "access": {"interchange": {"max_km": 50}},
}


def small_county() -> County:
    """Return a county of two parks: P1 is 80 % food by output, P2 in part in a red line."""
    county = County()
    county.layers["enterprises"] = [
        *(enterprise(f"E{n}", "1311", 100.0) for n in range(1, 5)),
        enterprise("E5", "3670", 100.0),
        enterprise("E6", None, 0.0, park_id="P2"),
        *(enterprise(f"F{n}", "3670", 100.0, park_id="P2") for n in range(1, 6)),
    ]
    for row in county.layers["enterprises"]:
        row["geometry"] = point(150, 150) if row["enterprise_id"] in {"E1", "E5"} else None
    county.layers["parcels"] = [
        parcel("L1", box(100, 100, 100, 100), status="vacant"),
        parcel("L2", box(300, 100, 100, 100), land_use="110101", status="vacant"),
        parcel("M1", box(2_100, 100, 100, 100), park_id="P2", land_use="100103", status="vacant"),
    ]
    county.layers["control_zones"].append(zone("Z1", box(2_900, 0, 100, 1_000)))
    county.layers["control_zones"].append(zone("FAR", box(20_000, 0, 100, 100), kind="wetland"))
    county.layers["roads"] = [
        {
            "road_id": "W1",
            "name": "路",
            "class": "county",
            "speed_km_h": 60,
            "geometry": line((0, 50), (3_000, 50)),
            **MARK,
        }
    ]
    county.layers["facilities"] = [
        {
            "facility_id": "I1",
            "kind": "interchange",
            "name": "互通",
            "geometry": point(3_000, 50),
            **MARK,
        }
    ]
    return county


def publish_history(workspace: Path) -> None:
    """Publish parcels twice: L1 becomes built and moves, L2 goes, N1 comes; then M1 changes."""
    now = newest_layer(workspace, "parcels")
    frame = now.frame.copy()
    frame.loc[frame["parcel_id"] == "L1", "status"] = "built"
    moved = frame["parcel_id"] == "L1"
    frame["geometry"] = frame.geometry.where(~moved, in_degrees(box(100, 100, 110, 100)))
    frame = frame[frame["parcel_id"] != "L2"].reset_index(drop=True)
    made = publish(
        workspace, "parcels", frame, expected=now.version, note="二季度", source="宗地.zip"
    )
    frame.loc[frame["parcel_id"] == "M1", "plot_ratio"] = 2.5
    publish(workspace, "parcels", frame, expected=made.version, note="三季度")


RED = png_of(np.full((2, 2, 2), 200, dtype=np.uint8))

BLUE = png_of(np.full((2, 2, 2), 90, dtype=np.uint8))


def write_mbtiles(path: Path, tiles: dict[tuple[int, int, int], bytes], kind: str = "png") -> Path:
    """Write tiles by zoom, column and row from the north."""
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
    base.execute("INSERT INTO metadata VALUES ('format', ?)", (kind,))
    base.execute(
        "CREATE TABLE tiles"
        " (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)"
    )
    for (zoom, column, row), content in tiles.items():
        flipped = 2**zoom - 1 - row
        base.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, column, flipped, content))
    base.commit()
    base.close()
    return path


def declared(folder: Path, *tables: str) -> Path:
    """Write a county whose settings declare base maps."""
    path = County().write(folder)
    settings = path / "workspace.toml"
    parts = [f"[[basemaps]]\n{table}\n" for table in tables]
    settings.write_text(settings.read_text(encoding="utf-8") + "\n".join(parts), encoding="utf-8")
    return path


TIANDITU = f'name = "天地图"\nkind = "tianditu"\ndatum = "cgcs2000"\nkey = "{KEY}"'
