"""Provinces of tiny counties, and what a run left in its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from geo_service.province.blocks import do_step
from geo_service.province.county import CountyTask
from geo_service.province.folder import LOCK
from geo_service.province.review import end_run
from geo_service.province.settings import open_province
from tests.county import County, box, enterprise, parcel

DAY = date(2026, 11, 22)
RULES = ("focus.declared", "focus.leading_share", "layout.declared_area", "land_use.permitted")
CODES = ("500101", "500102", "500103")


def write_county(folder: Path, code: str, *, made: County | None = None) -> Path:
    """Write a tiny county with a code of its own; by few rules unless it was made with others."""
    county = made or County()
    county.rules = county.rules or RULES
    county.layers["county"][0]["code"] = code
    home = county.write(folder)
    settings = home / "workspace.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('"999999"', f'"{code}"'), encoding="utf-8")
    return home


def off_focus(code: str) -> County:
    """Return a county of which park P1 fails: most of its output is of another industry."""
    county = County()
    county.rules = RULES
    county.layers["enterprises"].append(enterprise(f"X{code}", "3670", 5_000.0))
    return county


def write_province(
    folder: Path,
    codes: Sequence[str] = CODES,
    *,
    rulebook: str | None = None,
    is_cut: bool = False,
) -> Path:
    """Write a province's file over folders of the counties' codes, and the counties themselves.

    If it `is_cut`, each has parcels enough for three blocks.
    """
    for position, code in enumerate(codes):
        made = off_focus(code) if position == 1 else County()
        if is_cut:
            made.layers["parcels"] = [
                parcel(f"L{n}", box(150 * n, 50, 90, 90), park_id="P1" if n < 3 else None)
                for n in range(1, 6)
            ]
        write_county(folder / code, code, made=made)
    lines = ["format = 1", 'metric_crs = "EPSG:4545"']
    lines += ["parcels_per_block = 2"] if is_cut else []
    if rulebook is not None:
        (folder / "province.yaml").write_text(rulebook, encoding="utf-8")
        lines.append('rulebook = "province.yaml"')
    lines += ["[name]", 'zh-Hans = "测试省"', 'en = "Test Province"', "[counties]"]
    lines += [f'{code} = "{code}"' for code in codes]
    path = folder / "PROVINCE.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rulebook_of(**severities: str) -> str:
    """Return a rulebook that has the few rules, some with another severity (`a__b` is `a.b`)."""
    from geo_service.zoning.rulebook import default_rulebook  # noqa: PLC0415 - beside its one use

    rules = {}
    for name in RULES:
        part = default_rulebook().rules[name].part.model_dump(mode="json")
        rules[name] = {key: value for key, value in part.items() if value is not None}
    for name, severity in severities.items():
        rules[name.replace("__", ".")]["severity"] = severity
    text = {"format": "1", "title": {"zh-Hans": "省规则集"}, "rules": rules}
    return json.dumps(text, ensure_ascii=False)


def review_here(path: Path, folder: Path) -> None:
    """Review a province's counties one after another in this process, without Dask."""
    province = open_province(path)
    answers = {}
    for county in province.counties:
        task = CountyTask(county=county, rules=province.rules, as_of=DAY)
        answers[county.code] = do_step(task, str(folder), is_resumed=False)
    end_run(province, folder, DAY, answers)


def contents(folder: Path, *, but: Sequence[str] = (LOCK,)) -> dict[str, bytes]:
    """Return the bytes of all files of a results folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in but
    }
