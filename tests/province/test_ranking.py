"""A project ranked over counties: each county's best in one list that is normalised over all."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from geo_service.errors import StoreError
from geo_service.language import Translator
from geo_service.province import ranking
from geo_service.province.county import CountyAnswer, CountyTask, rank_county, raw_told
from geo_service.province.engine import Done
from geo_service.province.ranking import measured, ranked_together
from geo_service.province.settings import CountyAt
from geo_service.suitability.project import project_of
from geo_service.wording import said
from tests.province.made import DAY, contents, write_county
from tests.suitability.made import asked, five_sites
from tests.terminal import run

PROJECT = project_of(
    asked(criteria={"power_kva": {"weight": 1}}, normalisation="minmax", method="weighted_sum")
)


JSON = ("--format", "json")


def sited(folder: Path, code: str, power_kva: float) -> CountyTask:
    """Write a county whose parcel C has so much power, and return its task."""
    county = five_sites()
    county.layers["parcels"][2]["power_kva"] = power_kva
    home = write_county(folder / code, code, made=county)
    return CountyTask(county=CountyAt(code=code, folder=str(home)), rules=None, as_of=DAY)


def answer(folder: Path, code: str, power_kva: float, most: int = 1) -> CountyAnswer:
    """Rank in such a county."""
    task = sited(folder, code, power_kva)
    return rank_county(task, PROJECT, most, str(folder / "out"), is_resumed=False)


def test_the_best_of_each_county_are_normalised_over_all(tmp_path: Path) -> None:
    powers = {"500101": 9_500.0, "500102": 9_000.0, "500103": 11_000.0}
    answers = {code: answer(tmp_path, code, kva) for code, kva in powers.items()}
    answers["500104"] = CountyAnswer(faults={"zh-Hans": "坏", "zh-Hant": "壞", "en": "broken"})
    found = ranked_together({"en": "P"}, PROJECT, DAY, answers)
    document = json.loads(found.json(Translator()))
    sites = document["candidates"]
    assert [item["county_code"] for item in sites] == ["500103", "500101", "500102"]
    assert [item["rank"] for item in sites] == [1, 2, 3]
    raws = [item["criteria"]["power_kva"]["raw"] for item in sites]
    low, high = min(raws), max(raws)
    # by minmax: the best of all is 1, the least 0, and the third where it lies between
    assert [item["score"] for item in sites] == pytest.approx(
        [(raw - low) / (high - low) for raw in raws]
    )
    assert list(document["faulty"]) == ["500104"]
    assert [item["candidates"] for item in document["counties"]] == [5, 5, 5]
    text = found.text(Translator(), width=120).decode()
    assert "食品厂：全省候选地" in text


def test_more_of_a_county_are_asked_for_and_none_is_no_list(tmp_path: Path) -> None:
    two = answer(tmp_path, "500101", 9_500.0, most=2)
    found = ranked_together({"en": "P"}, PROJECT, DAY, {"500101": two})
    places = [item["rank_in_county"] for item in found.document(Translator())["candidates"]]
    assert places == [1, 2]
    nothing = ranked_together({"en": "P"}, PROJECT, DAY, {})
    assert nothing.scored is None
    assert nothing.document(Translator())["candidates"] == []


def test_a_county_that_has_answered_is_asked_again_only_if_something_differs(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    task = sited(tmp_path, "500101", 9_500.0)

    def asked_again(task: CountyTask, most: int = 1) -> tuple[CountyAnswer, bool]:
        before = path.stat().st_mtime_ns
        found = rank_county(task, PROJECT, most, str(out), is_resumed=True)
        return found, path.stat().st_mtime_ns != before

    first = rank_county(task, PROJECT, 1, str(out), is_resumed=False)
    (path,) = out.rglob("ranked-*.json")
    assert asked_again(task) == (first, False)
    assert asked_again(task, most=2)[1]
    assert asked_again(replace(task, as_of=DAY + timedelta(days=1)), most=2)[1]
    assert asked_again(task) == (first, True)
    damaged = path.read_bytes().replace(b"9500", b"9999")
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    assert asked_again(task) == (first, True)
    changed, is_asked = asked_again(sited(tmp_path, "500101", 10_000.0))
    assert (is_asked, changed.record == first.record) == (True, False)


def test_a_measure_out_of_reach_or_missing_is_kept_as_it_is() -> None:
    given = (math.inf, math.nan, 0.1 + 0.2)
    kept = json.loads(json.dumps([raw_told(value) for value in given], allow_nan=False))
    assert kept == ["out_of_reach", None, 0.1 + 0.2]
    assert [measured(cell) for cell in kept] == pytest.approx(given, nan_ok=True, abs=0)


class EngineHere:
    """An engine whose tasks run in this process, as Dask's do in workers; one may be stopped."""

    address, dashboard = "here", None

    def __init__(self, stops_before: str | None = None) -> None:
        self.stops_before = stops_before

    @contextmanager
    def __call__(self, _: str | None, *, workers: int | None = None) -> Iterator[EngineHere]:
        """Give the engine."""
        assert workers == 1
        yield self

    def run(
        self, work: Callable[..., CountyAnswer], tasks: list[CountyTask], **fixed: object
    ) -> Iterator[Done[CountyTask, CountyAnswer]]:
        """Do the work for every task; its answer is sent, as between processes."""
        for task in tasks:
            if task.county.code == self.stops_before:
                raise StoreError(said("problem.scheduler_lost", address="here"))
            yield Done(task=task, answer=pickle.loads(pickle.dumps(work(task, **fixed))))  # noqa: S301 - our own


def test_a_run_that_was_stopped_goes_on_to_the_same_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = ("500101", "500102")
    for code, power in zip(codes, (9_500.0, 11_000.0), strict=True):
        sited(tmp_path, code, power)
    lines = ["format = 1", 'metric_crs = "EPSG:4545"', "[name]", 'en = "P"', 'zh-Hans = "省"']
    lines += ["[counties]", *(f'{code} = "{code}"' for code in (*codes, "500103"))]
    path = tmp_path / "PROVINCE.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    project = tmp_path / "project.json"
    project.write_text(PROJECT.model_dump_json(exclude_none=True), encoding="utf-8")
    given = ("province", "rank", project, path, "--as-of", str(DAY), "--workers", "1", *JSON)

    monkeypatch.setattr(ranking, "engine", EngineHere())
    whole = run(*given, "-o", tmp_path / "whole")
    assert whole.returncode == 2  # a county is not there
    assert "500103" in whole.stderr
    assert [item["county_code"] for item in json.loads(whole.stdout)["candidates"]] == [
        "500102",
        "500101",
    ]
    monkeypatch.setattr(ranking, "engine", EngineHere(stops_before="500102"))
    assert run(*given).returncode == 2
    out = tmp_path / "province-ranking"
    assert not list(out.glob("ranking-*.json"))
    (one,) = out.rglob("ranked-*.json")
    was = one.stat().st_mtime_ns
    monkeypatch.setattr(ranking, "engine", EngineHere())
    resumed = run(*given, "--resume")
    assert resumed.stdout == whole.stdout
    assert contents(out) == contents(tmp_path / "whole")
    assert one.stat().st_mtime_ns == was
