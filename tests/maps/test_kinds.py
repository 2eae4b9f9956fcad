"""The maps beside the overview: what each has, and how they are asked for."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import geo_service as gs
from geo_service.cli.common import app
from geo_service.errors import InvalidQueryError, NotFoundError
from geo_service.language import Language, Translator, catalogue
from geo_service.maps.draw import draw
from geo_service.maps.kinds.compare import compare_states
from geo_service.maps.kinds.park import ParkData
from geo_service.maps.kinds.ranking import RankingData
from geo_service.maps.kinds.review import ReviewData
from geo_service.maps.relief import png_of, relief_of
from geo_service.plan import Plan
from geo_service.planning import PlanningService as Running
from geo_service.planning.drawn_maps import MapRequest, draw_workspace
from geo_service.suitability.project import parse_project
from geo_service.suitability.rank import Ranking, rank
from geo_service.web.app import create_app
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import parse_rulebook
from tests.client import TestClient
from tests.county import County
from tests.maps.made import PROJECT, STRICTER, small_county
from tests.words import word

Opened = Callable[[County], Plan]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_county().write(tmp_path_factory.mktemp("kinds"))


@pytest.fixture(scope="module")
def plan(workspace: Path) -> Plan:
    return gs.open_plan(workspace)


@pytest.fixture(scope="module")
def before(plan: Plan) -> Review:
    return review(plan)


@pytest.fixture(scope="module")
def after(plan: Plan) -> Review:
    return review(plan, parse_rulebook(STRICTER, "stricter"))


@pytest.fixture(scope="module")
def ranking(plan: Plan) -> Ranking:
    return rank(plan, PROJECT)


def by_id(data: Any, source: str) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - any map's data
    return {item["id"]: item["properties"] for item in data.features(source)}


# ---- the review's map -----------------------------------------------------------------------


def test_every_finding_is_listed_under_its_rule_s_number(before: Review) -> None:
    data = ReviewData(before, Translator())
    found = by_id(data, "findings")
    assert set(found) == {item.finding_id for item in before.results}
    [listed] = data.lists()
    numbers = {group.value: group.number for group in listed.groups}
    assert sorted(number for number in numbers.values() if number) == list(
        range(1, len(numbers) + 1)
    )
    for row in found.values():
        assert row["rule_no"] == numbers[row["rule_id"]]
    # The gravest rules come first.
    order = {"must": 0, "should": 1, "info": 2}
    gravest = [
        min(order[row["severity"]] for row in found.values() if row["rule_id"] == rule)
        for rule in numbers
    ]
    assert gravest == sorted(gravest)


def test_findings_without_a_place_go_out_without_geometry(before: Review) -> None:
    data = ReviewData(before, Translator())
    shapes = {item["id"]: item["geometry"] for item in data.features("findings")}
    unplaced = {item.finding_id for item in before.results if item.geometry is None}
    assert unplaced
    assert {identity for identity, shape in shapes.items() if shape is None} == unplaced


# ---- the park's map -------------------------------------------------------------------------


def test_a_park_s_map_has_its_own_land_and_what_is_near(before: Review) -> None:
    data = ParkData(before, Translator(), park_id="P1")
    assert set(by_id(data, "parcels")) == {"L1", "L2"}
    assert set(by_id(data, "parks")) == {"P1", "P2"}
    assert "FAR" not in by_id(data, "control_zones")
    assert "Z1" in by_id(data, "control_zones")
    uses = {identity: row["use"] for identity, row in by_id(data, "land_uses").items()}
    assert uses == {"L1": "industry_1", "L2": "logistics"}
    assert {row["park_id"] for row in by_id(data, "findings").values()} == {"P1"}


def test_enterprises_are_told_by_how_they_belong_and_never_by_what_they_earn(
    before: Review,
) -> None:
    rows = by_id(ParkData(before, Translator(), park_id="P1"), "enterprises")
    belonging = {identity: row["belonging"] for identity, row in rows.items()}
    assert belonging == {
        "E1": "leading",
        "E2": "leading",
        "E3": "leading",
        "E4": "leading",
        "E5": "other",
    }
    there = by_id(ParkData(before, Translator(), park_id="P2"), "enterprises")
    assert {there[name]["belonging"] for name in ("F1", "F5")} == {"leading"}
    assert there["E6"]["belonging"] == "uncoded"
    for row in rows.values():
        assert not {name for name in row if name.endswith(("_cny", "_tce"))}


def test_an_unknown_park_is_told(before: Review) -> None:
    with pytest.raises(NotFoundError, match="no park"):
        draw(before, kind="park", park_id="nowhere")


# ---- the comparison -------------------------------------------------------------------------


def test_findings_stand_by_what_became_of_them(before: Review, after: Review) -> None:
    earlier, later = compare_states(before, after, Translator())
    old, new = by_id(earlier, "findings"), by_id(later, "findings")
    # P1 has 400 of 500 in food: 80 % passes at 70 and fails below 85.
    changed = [row for row in new.values() if row["rule_id"] == "focus.leading_share"]
    assert [row["change"] for row in changed if row["park_id"] == "P1"] == ["new"]
    assert all(row["is_listed"] for row in new.values())
    assert {row["change"] for row in old.values() if row["is_listed"]} <= {"cured"}
    both = {name for name in new if name in old}
    assert both
    assert {new[name]["change"] for name in both} <= {"unchanged", "worse", "better"}
    assert not any(old[name]["is_listed"] for name in both)


def test_the_comparison_of_a_review_with_itself_is_at_rest(before: Review) -> None:
    _, later = compare_states(before, before, Translator())
    assert {row["change"] for row in by_id(later, "findings").values()} == {"unchanged"}
    parks = by_id(later, "parks").values()
    assert {row["verdict_change"] for row in parks} == {"same"}


def test_both_states_share_their_ground(before: Review, after: Review) -> None:
    content = draw(after, kind="compare", before=before).content  # type: ignore[attr-defined]
    documents = [item["document"] for item in content.settings["sources"]]
    assert documents.count("roads") == 2
    assert "findings" in documents
    assert "findings.1" in documents
    assert set(content.collections) == set(documents)


def test_the_lists_of_both_maps_have_each_finding_once(before: Review, after: Review) -> None:
    earlier, later = compare_states(before, after, Translator())
    rows = [*by_id(earlier, "findings").items(), *by_id(later, "findings").items()]
    listed = [name for name, row in rows if row["is_listed"]]
    assert sorted(listed) == sorted({name for name, _ in rows})
    assert sum(later.comparison.counts.values()) == len(listed)


# ---- the ranking ----------------------------------------------------------------------------


def test_candidates_are_drawn_by_class_of_score_and_excluded_ones_by_reason(
    ranking: Ranking,
) -> None:
    data = RankingData(ranking, Translator())
    rows = by_id(data, "candidates")
    ranked = [row for row in rows.values() if row["status"] == "ranked"]
    assert len(ranked) == len(ranking.sites)
    best = min(ranked, key=lambda row: row["rank"])
    assert best["class"] == "class_5"
    assert best["is_foremost"]
    excluded = [row for row in rows.values() if row["status"] == "excluded"]
    assert len(excluded) == len(ranking.excluded)
    assert all(row["class"] == "excluded" and row["reasons"] for row in excluded)


def test_a_standalone_ranking_carries_the_ways_of_the_best(ranking: Ranking) -> None:
    drawn = draw(ranking)
    carried = drawn.content.settings["routes"]["carried"]  # type: ignore[attr-defined]
    [first] = [ways for ways in carried.values() if ways][:1]
    assert first[0]["properties"]["facility_kind"] == "interchange"
    assert first[0]["geometry"]["type"] == "LineString"


# ---- drawing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parameter"),
    [({"kind": "atlas"}, "kind"), ({"kind": "park"}, "park_id"), ({"kind": "compare"}, "before")],
)
def test_what_a_kind_needs_is_asked_for_by_name(
    before: Review, options: dict[str, Any], parameter: str
) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        draw(before, **options)
    assert caught.value.parameter == parameter


def test_a_review_s_kind_is_refused_for_a_ranking(ranking: Ranking) -> None:
    with pytest.raises(InvalidQueryError, match="expected one of ranking"):
        draw(ranking, kind="park")


@pytest.mark.parametrize("language", list(Language))
def test_every_text_that_a_page_asks_for_is_in_the_catalogue(
    before: Review, after: Review, ranking: Ranking, language: Language
) -> None:
    pages = [
        draw(before, kind="review", language=language),
        draw(before, kind="park", park_id="P1", language=language),
        draw(after, kind="compare", before=before, language=language),
        draw(ranking, language=language),
    ]
    for drawn in pages:
        settings = drawn.content.settings  # type: ignore[attr-defined]
        assert settings["title"]
        for item in settings["lists"]:
            assert f"map.{item['note']}_count" in catalogue()
            assert f"map.{item['note']}_count_shown" in catalogue()


def test_the_service_s_parameters_and_the_library_s_are_one(workspace: Path) -> None:
    drawn = draw_workspace(workspace, MapRequest(kind="park", park_id="P1"))
    assert drawn.content.settings["park_id"] == "P1"  # type: ignore[attr-defined]
    for asked, parameter in (
        (MapRequest(kind="park"), "park"),
        (MapRequest(kind="compare"), "review"),
        (MapRequest(kind="ranking"), "ranking"),
    ):
        with pytest.raises(InvalidQueryError) as caught:
            draw_workspace(workspace, asked)
        assert caught.value.parameter == parameter


def test_the_command_line_draws_a_park_and_says_what_is_missing(
    workspace: Path, tmp_path: Path
) -> None:
    file = tmp_path / "made" / "park.html"
    options = ["map", str(workspace), "--kind", "park", "--standalone", "-o", str(file)]
    done = CliRunner().invoke(app, [*options, "--park", "P1", "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert '<html lang="en">' in file.read_text(encoding="utf-8")
    with pytest.raises(InvalidQueryError, match="--park"):
        CliRunner().invoke(app, options, catch_exceptions=False)


def test_a_comparison_is_from_the_workspace_s_rules_to_others(
    workspace: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text(
        'format: "1"\ntitle: {zh-Hans: 草案, en: Draft}\nextends: default\n'
        "rules: {focus.leading_share: {parameters: {pass_share: 0.85, watch_share: 0.5}}}\n",
        encoding="utf-8",
    )
    drawn = draw_workspace(workspace, MapRequest(kind="compare", rulebook=draft))
    collections = drawn.content.collections  # type: ignore[attr-defined]
    # P1 has 400 of 500 in food: 80 % passes at 70 by the workspace's rules, not at 85.
    changes = [
        [
            item["properties"]["change"]
            for item in collections[side]["features"]
            if item["properties"]["rule_id"] == "focus.leading_share"
            and item["properties"]["park_id"] == "P1"
        ]
        for side in ("findings", "findings.1")
    ]
    assert changes == [[], ["new"]]
    # Both are of one day: the rules tell them apart.
    notes = [item["note"] for item in drawn.content.settings["maps"]]  # type: ignore[attr-defined]
    assert notes[1].startswith("草案 · ")
    assert not notes[0].startswith("草案")


# ---- relief ---------------------------------------------------------------------------------


def test_a_plan_without_elevations_has_no_relief(plan: Plan) -> None:
    assert relief_of(plan) is None


def test_the_relief_is_clear_outside_the_county(demo: Plan) -> None:
    found = relief_of(demo)
    assert found is not None
    west, south, east, north = found.bounds_deg
    assert -0.1 < west - demo.county.total_bounds[0] < 0.1
    assert -0.1 < north - demo.county.total_bounds[3] < 0.1
    assert west < east
    assert south < north
    pixels = unpacked(found.png)
    assert pixels[0, 0, 1] == 0
    assert pixels[-1, -1, 1] == 0
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2 - 20 : pixels.shape[1] // 2 + 20]
    assert middle[:, 1].max() > 0


def test_a_picture_is_read_back_as_it_was_written() -> None:
    pixels = np.arange(5 * 3 * 2, dtype=np.uint8).reshape(5, 3, 2)
    assert (unpacked(png_of(pixels)) == pixels).all()


def unpacked(png: bytes) -> np.ndarray[Any, Any]:
    """Read the one kind of PNG that is written: grey and alpha, filter 2; checks its sums."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, parts = 8, {}
    while place < len(png):
        length = struct.unpack(">I", png[place : place + 4])[0]
        kind = png[place + 4 : place + 8]
        content = png[place + 8 : place + 8 + length]
        check = struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0]
        assert check == zlib.crc32(kind + content)
        parts[kind] = content
        place += length + 12
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 2).all()
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 2)


# ---- the service ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def county(workspace: Path) -> Running:
    return Running.open(workspace)


@pytest.fixture(scope="module")
def client(county: Running) -> Iterator[TestClient]:
    with TestClient(create_app(county)) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("/maps/atlas", 404, None),
        ("/maps/park", 400, "park_id"),
        ("/maps/compare", 400, "review_id"),
        ("/maps/ranking", 400, "ranking_id"),
        ("/maps/review?review_id=none", 404, None),
        ("/maps/park?park_id=none", 404, None),
        ("/maps/compare?review_id=none", 404, None),
        ("/maps/ranking?ranking_id=none", 404, None),
        ("/maps/relief.png", 404, None),
        ("/maps/park/features/nothing?park_id=P1", 404, None),
        ("/api/identify?lon=108", 400, "lat"),
        ("/api/identify?lon=x&lat=30", 400, "lon"),
        ("/api/identify?lon=nan&lat=30", 400, "lon"),
        ("/api/identify?lon=500&lat=30", 400, "lon"),
    ],
)
def test_bad_questions_get_a_problem_document(
    client: TestClient, path: str, status: int, parameter: str | None
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("parameter") == parameter


def test_every_kind_is_a_page_whose_features_answer(client: TestClient, county: Running) -> None:
    made = county.reviews.make(parse_rulebook(STRICTER, "stricter"))
    ranked = county.rankings.rank(parse_project(json.dumps(PROJECT)))
    pages = [
        f"/maps/review?review_id={made.review_id}",
        "/maps/park?park_id=P1",
        f"/maps/compare?review_id={made.review_id}&before={county.review.review_id}",
        f"/maps/ranking?ranking_id={ranked.ranking_id}",
    ]
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "unsafe" not in answer.headers["content-security-policy"]
        again = client.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        settings = island(answer.text)
        for source in settings["sources"]:
            found = client.get(source["address"])
            assert found.status_code == 200, source["address"]
            assert found.json()["numberReturned"] == source["count"]
        for language in settings["languages"]:
            assert client.get(address.split("?")[0] + language["address"]).status_code == 200


def island(text: str) -> dict[str, Any]:
    content = text.partition('id="map-data">')[2].partition("</script>")[0]
    read: dict[str, Any] = json.loads(content)
    return read


def test_one_review_alone_is_compared_with_the_current_one(
    client: TestClient, county: Running
) -> None:
    made = county.reviews.make(parse_rulebook(STRICTER, "stricter"))
    settings = island(client.get(f"/maps/compare?review_id={made.review_id}").text)
    notes = [part["note"] for part in settings["maps"]]
    assert made.review_id in notes[0]
    assert county.review.review_id in notes[1]


def test_places_and_areas_are_answered(client: TestClient) -> None:
    place = client.get("/api/identify?lon=108.0&lat=30.9&lang=en").json()
    assert place["zones"] == [] or isinstance(place["zones"], list)
    ring = [[108.0, 30.9], [108.01, 30.9], [108.01, 30.91], [108.0, 30.9]]
    answer = client.post("/api/areas", json={"type": "Polygon", "coordinates": [ring]})
    assert answer.status_code == 200
    assert answer.json()["area_m2"] > 0
    refused = client.post("/api/areas", json={"type": "Point", "coordinates": [1, 2]})
    assert refused.status_code == 400
    assert refused.json()["parameter"] == "geometry"


def test_the_symbols_go_out_with_their_names(client: TestClient) -> None:
    document = client.get("/api/symbols?lang=en").json()
    assert document["symbols"]["verdict.fail"]["fill"] == "#d55e00"
    named = document["labels"]["verdict.fail"]["label"]
    assert named == word("verdict.fail", Language.EN).capitalize()
    assert set(document["symbols"]) == set(document["labels"])


def test_a_review_without_an_id_is_the_current_one(client: TestClient, county: Running) -> None:
    answer = client.get("/maps/review")
    assert answer.status_code == 200
    addresses = [source["address"] for source in island(answer.text)["sources"]]
    assert all(f"review_id={county.review.review_id}" in address for address in addresses)
