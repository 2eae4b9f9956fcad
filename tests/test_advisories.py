"""The bill of materials, and the comparison of the pins with advisories."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


def compare(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run the comparison."""
    command = [sys.executable, str(DEPLOY / "advisories.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def bill(folder: Path) -> dict[str, Any]:
    """Return the bill of materials."""
    file = folder / "sbom.json"
    command = [sys.executable, str(DEPLOY / "sbom.py"), "--output", str(file), "--release", "9.8"]
    subprocess.run(command, check=True)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def advisory(name: str, ecosystem: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an advisory on a range of versions."""
    package = {"ecosystem": ecosystem, "name": name}
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = [{"package": package, "ranges": ranges}]
    return {"id": f"T-{name}", "summary": "a\nweakness", "affected": affected, **more}


def test_the_bill_lists_what_runs_with_digests_and_is_the_same_each_time(tmp_path: Path) -> None:
    found = bill(tmp_path)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["version"] == "9.8"
    by_name = {one["name"]: one for one in found["components"]}
    assert {"shapely", "fastapi", "leaflet", "echarts"} <= set(by_name)
    assert "eslint" not in by_name  # a tool
    assert by_name["leaflet"]["purl"] == "pkg:npm/leaflet@1.9.4"
    assert all(len(one["content"]) in {64, 128} for one in by_name["leaflet"]["hashes"])
    assert by_name["shapely"]["hashes"]
    assert bill(tmp_path) == found


def test_an_advisory_on_a_pinned_version_is_told_and_others_are_not(tmp_path: Path) -> None:
    parts = {one["name"]: one["version"] for one in bill(tmp_path)["components"]}
    own = parts["shapely"]
    everything = {"introduced": "0"}
    file = tmp_path / "all.zip"
    concern = [
        advisory("Shapely", "PyPI", everything, {"fixed": "999"}),
        advisory("leaflet", "npm", everything),
        advisory("pyproj", "PyPI", everything, {"last_affected": parts["pyproj"]}),
    ]
    others = [
        advisory("pandas", "PyPI", everything, {"fixed": parts["pandas"]}),
        advisory("numpy", "PyPI", {"introduced": "999"}),
        advisory("rich", "PyPI", everything, withdrawn="2026-01-01T00:00:00Z"),
        advisory("fastapi", "npm", everything),
        advisory("nobody-has-it", "PyPI", everything),
    ]
    with zipfile.ZipFile(file, "w") as archive:
        for number, one in enumerate([*concern, *others]):
            archive.writestr(f"{number}.json", json.dumps(one))
    done = compare(file)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["T-Shapely", "T-leaflet", "T-pyproj"]
    assert lines[0] == f"T-Shapely\tshapely {own}\tmended in: 999\ta weakness"
    single = tmp_path / "one.json"
    single.write_text(json.dumps(others), encoding="utf-8")
    assert compare(single).returncode == 0
    single.write_text("nonsense", encoding="utf-8")
    assert compare(single).returncode == 2
