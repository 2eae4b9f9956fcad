"""A project ranked over counties: each county's best in one list that is normalised over all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geo_service.language import Translator
from geo_service.province.county import CountyAnswer, CountyTask, rank_county
from geo_service.province.ranking import ranked_together
from geo_service.province.settings import CountyAt
from geo_service.suitability.project import project_of
from tests.province.made import DAY, write_county
from tests.suitability.made import asked, five_sites

PROJECT = project_of(
    asked(criteria={"power_kva": {"weight": 1}}, normalisation="minmax", method="weighted_sum")
)


def answer(folder: Path, code: str, power_kva: float, most: int = 1) -> CountyAnswer:
    """Rank in a county whose parcel C has so much power."""
    county = five_sites()
    county.layers["parcels"][2]["power_kva"] = power_kva
    home = write_county(folder / code, code, made=county)
    task = CountyTask(county=CountyAt(code=code, folder=str(home)), rules=None, as_of=DAY)
    return rank_county(task, PROJECT, most)


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
