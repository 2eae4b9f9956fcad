"""The HTTP contract: what is answered, how errors are told, and what never gets out."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo_service.errors import BusyError, NotFoundError
from geo_service.model import BasisTag
from geo_service.planning import PlanningService as RunningCounty
from geo_service.web.app import create_app
from geo_service.web.replies import COMPRESSION, Packed
from geo_service.web.routes import reviews as reviews_routes
from geo_service.wording import said
from tests.client import TestClient
from tests.county import County, enterprise
from tests.patience import eventually

HOSTILE = "{{7*7}}<script>alert(1)</script>"


@pytest.fixture(scope="module")
def running(demo_county: RunningCounty) -> RunningCounty:
    """Return the demo county, open and reviewed."""
    return demo_county


@pytest.fixture(scope="module")
def client(demo_client: TestClient) -> TestClient:
    """Return a client of the service that runs the demo county."""
    return demo_client


def get(client: TestClient, address: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of an answer that must be 200."""
    answer = client.get(address, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(client: TestClient, address: str, status: int) -> dict[str, Any]:
    """Return the problem document of an answer that must have this status."""
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    return found


def test_health_and_readiness(client: TestClient, running: RunningCounty) -> None:
    assert get(client, "/healthz") == {"status": "ok"}
    assert get(client, "/readyz")["plan_version"] == running.plan.version


def test_parks_are_features_that_say_how_many_there_are(client: TestClient) -> None:
    document = get(client, "/api/parks?limit=5&offset=2")
    assert (document["numberMatched"], document["numberReturned"]) == (48, 5)
    properties = document["features"][0]["properties"]
    assert {
        "park_id",
        "name",
        "tier",
        "township",
        "leading_industry",
        "industry_group",
        "verdict",
    } <= set(properties)
    assert document["features"][0]["geometry"]["type"] in {"Polygon", "MultiPolygon"}


def test_every_tier_has_its_parks(client: TestClient) -> None:
    counts = {
        tier: get(client, f"/api/parks?tier={tier}&limit=0")["numberMatched"]
        for tier in ("municipal_park", "sme_cluster", "building_park")
    }
    assert counts == {"municipal_park": 1, "sme_cluster": 5, "building_park": 42}


@pytest.mark.parametrize("township", ["江口镇", "江口鎮", "500235131", "500235113000"])
def test_a_township_is_a_name_or_a_code_of_either_set(client: TestClient, township: str) -> None:
    document = get(client, f"/api/parks?township={township}")
    assert {item["id"] for item in document["features"]} == {"YY-C-01", "YY-B-20"}


def test_code_sets_are_never_mixed(client: TestClient) -> None:
    # 500235001 is 双江 in one set and begins 青龙's 500235001000 in the other
    (one,) = get(client, "/api/parks?township=500235001&tier=building_park")["features"]
    (other,) = get(client, "/api/parks?township=500235001000&tier=building_park")["features"]
    assert one["properties"]["township"] == "双江街道"
    assert other["properties"]["township"] == "青龙街道"


def test_a_bbox_gives_the_parks_that_meet_it(client: TestClient, running: RunningCounty) -> None:
    bbox = (108.65, 30.9, 108.75, 31.0)
    found = get(client, "/api/parks?bbox=" + ",".join(map(str, bbox)) + "&limit=1000")
    parks = running.plan.parks
    meets = parks.geometry.intersects(shapely.box(*bbox))
    assert [item["id"] for item in found["features"]] == parks.loc[meets, "park_id"].tolist()
    assert 0 < len(found["features"]) < 48


@pytest.mark.parametrize(
    "bbox", ["1,2,3", "a,b,c,d", "1,2,3,nan", "3,0,1,1", "0,3,1,1", "1,2,inf,4"]
)
def test_a_bad_bbox_is_a_400_that_names_it(client: TestClient, bbox: str) -> None:
    assert problem(client, f"/api/parks?bbox={bbox}", 400)["parameter"] == "bbox"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=10001", "limit"),
        ("limit=-1", "limit"),
        ("offset=-1", "offset"),
        ("tier=city", "tier"),
        ("verdict=good", "verdict"),
        ("lang=fr", "lang"),
    ],
)
def test_a_bad_value_is_a_400_that_names_the_parameter(
    client: TestClient, query: str, name: str
) -> None:
    assert problem(client, f"/api/parks?{query}", 400)["parameter"] == name


def test_an_unknown_park_review_and_address_are_404(client: TestClient) -> None:
    assert "no park" in problem(client, "/api/parks/none", 404)["detail"]
    problem(client, "/api/parks/none/focus", 404)
    problem(client, "/api/reviews/none", 404)
    problem(client, "/api/jobs/none", 404)
    problem(client, "/nowhere", 404)


def test_problems_are_told_in_the_language_that_is_asked_for(client: TestClient) -> None:
    none = "/api/parks/none"
    detail = problem(client, f"{none}?lang=zh-Hans", 404)["detail"]
    assert detail == "此工作空间没有园区“none”。"
    assert problem(client, f"{none}?lang=zh-Hant", 404)["detail"] == "此工作空間沒有園區「none」。"
    assert problem(client, none, 404)["detail"] == "There is no park 'none' in this workspace."
    accepted = client.get(none, headers={"accept-language": "zh-CN,zh;q=0.9"}).json()
    assert accepted["detail"] == detail
    other = client.get(none, headers={"accept-language": "fr"}).json()
    assert other["detail"].startswith("There is no park")
    bad = problem(client, "/api/parks?limit=x&lang=zh-Hans", 400)
    assert (bad["parameter"], bad["errors"][0]["message"]) == (
        "limit",
        "一个整数，只用数字 0–9 写成，例如 10",
    )
    assert problem(client, "/api/nowhere?lang=zh-Hans", 404)["detail"] == "没有这个地址"


def test_a_trial_rulebooks_faults_are_listed_in_chinese(client: TestClient) -> None:
    text = (
        "format: '1'\ntitle: {en: x}\nextends: default\nrules:\n  focus.leading_share: {titel: x}\n"
    )
    answer = client.post("/api/reviews?lang=zh-Hans", json={"rulebook": text})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault.startswith("rulebook:5，")
    assert "没有“titel”这个名称；要求：最接近的是“title”" in fault


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_parks_are_found_by_industry_and_township_in_either_script(
    client: TestClient, language: str
) -> None:
    document = get(client, "/api/parks", params={"lang": language, "limit": 1000})
    words = {
        name: " ".join(item["properties"]["search"])
        for item in document["features"]
        for name in [item["id"]]
    }
    assert any("江口镇" in text and "江口鎮" in text for text in words.values())
    assert any("电池制造" in text and "電池製造" in text for text in words.values())


def test_findings_are_found_in_either_script(client: TestClient) -> None:
    review_id = get(client, "/api/reviews")["reviews"][0]["review_id"]
    hans, hant = (
        get(client, f"/api/reviews/{review_id}/register", params={"lang": lang})["findings"]
        for lang in ("zh-Hans", "zh-Hant")
    )
    assert [item["search"] for item in hans] == [item["title"] for item in hant]
    assert [item["search"] for item in hant] == [item["title"] for item in hans]


def test_focus_has_the_contract_s_members(client: TestClient) -> None:
    document = get(client, "/api/parks/YY-B-32/focus")
    assert set(document["shares"]) == {"output", "land", "floor_area", "enterprises"}
    assert document["shares"]["output"] == pytest.approx(0.62)  # planted, see SOURCES.md
    assert document["verdict"] == "watch"
    assert [item["rule_id"] for item in document["findings"]] == ["focus.leading_share"]
    for name in ("basis", "top_industry", "hhi", "entropy", "location_quotient"):
        assert document[name] is not None


def test_kinds_and_grades_are_told(client: TestClient) -> None:
    # 0.80 of its output is in the leading industry, and no other park has its speciality
    kinds = get(client, "/api/parks/YY-B-42/focus")["park_kinds"]
    assert {"professional", "characteristic"} <= set(kinds)
    assert get(client, "/api/parks/YY-B-39/focus")["park_kinds"] == ["characteristic"]  # 0.40
    grades = get(client, "/api/parks/YY-M-01/focus")["grades"]
    assert set(grades) == {"A", "B", "C", "D"}
    assert grades["D"] == 5  # E-M01-016 to 020, planted


def test_missing_output_is_null_and_named(client: TestClient) -> None:
    document = get(client, "/api/parks/YY-B-18/focus")
    assert document["shares"]["output"] is None
    assert document["missing"]["output"]
    share = next(item for item in document["findings"] if item["rule_id"] == "focus.leading_share")
    assert share["verdict"] == "unknown"


def test_parks_say_what_their_verdict_rests_on(client: TestClient) -> None:
    verdicts = {"pass", "watch", "fail", "unknown", None}
    for item in get(client, "/api/parks")["features"]:
        properties = item["properties"]
        by_basis = properties["verdict_by_basis"]
        assert list(by_basis) == ["law", "county", "reference"]
        assert set(by_basis.values()) <= verdicts
        assert by_basis["reference"] in {"pass", "watch", None}
        resting = [name for name, verdict in by_basis.items() if verdict == properties["verdict"]]
        assert properties["rests_on"] == ([] if properties["verdict"] == "pass" else resting)
        own = get(client, f"/api/parks/{item['id']}")["properties"]
        assert own["verdict_by_basis"] == by_basis
        assert not any(name.startswith("verdict_") for name in set(own) - {"verdict_by_basis"})


def test_rules_carry_their_basis(client: TestClient) -> None:
    document = get(client, "/api/rules?lang=en")
    assert document["rulebook_version"]
    for rule in document["rules"]:
        assert rule["legal_basis"]["document"]
        assert rule["basis_tag"] in {str(tag) for tag in BasisTag}
        assert rule["lapsed"] is None
    (share,) = [rule for rule in document["rules"] if rule["rule_id"] == "focus.leading_share"]
    assert share["parameters"]["pass_share"] == pytest.approx(0.7)


def test_rules_of_a_day_cite_the_documents_of_that_day(client: TestClient) -> None:
    # The Code took the place of the law on water pollution on 2026-08-15.
    for day, cited, state in (
        ("2026-08-14", "water_pollution_law", "in_force"),
        ("2026-08-15", "ecological_environment_code", "ended"),
    ):
        document = get(client, f"/api/rules?as_of={day}")
        assert document["as_of"] == day
        rules = {rule["rule_id"]: rule for rule in document["rules"]}
        basis = rules["control_zone.water_source_1"]["legal_basis"]
        assert basis["document_id"] == cited
        assert basis["demands"]
        old = {item["document_id"]: item for item in document["documents"]}["water_pollution_law"]
        assert old["state"] == state
        assert old["in_force_until"] == "2026-08-14"
        assert old["superseded_by"] == "ecological_environment_code"


def test_documents_that_nobody_has_read_for_long_are_marked(client: TestClient) -> None:
    # Read on 2026-11-30: stale after 12 months of 2027-11-30, not on that day itself.
    for day, months, is_stale in (
        ("2027-11-30", 12, False),
        ("2027-12-01", 12, True),
        ("2027-12-01", 24, False),
    ):
        documents = get(client, f"/api/rules?as_of={day}&stale={months}")["documents"]
        code = next(i for i in documents if i["document_id"] == "ecological_environment_code")
        assert code["looked_at"] == "2026-11-30"
        assert code["is_stale"] is is_stale


def test_a_review_may_be_as_of_a_day_and_is_then_a_trial(client: TestClient) -> None:
    body = {"parks": ["YY-B-32"], "as_of": "2026-08-01"}
    summary = client.post("/api/reviews", json=body).json()
    assert summary["as_of"] == "2026-08-01"
    assert summary["approved_count"] == 0
    assert summary["lapsed"] == []
    assert sum(summary["verdicts_by_basis"]["law"].values()) == 1
    (listed,) = [
        item
        for item in get(client, "/api/reviews")["reviews"]
        if item["review_id"] == summary["review_id"]
    ]
    assert listed["is_trial"] is True
    drawn = client.get(f"/maps/review?review_id={summary['review_id']}&lang=zh-Hans").text
    assert " · 试算" in drawn
    assert client.post("/api/reviews", json={"as_of": "yesterday"}).status_code == 422


def test_a_review_is_made_listed_and_read_back(client: TestClient) -> None:
    answer = client.post("/api/reviews", json={"parks": ["YY-B-32"]})
    assert answer.status_code == 201
    summary = answer.json()
    assert summary["verdicts"] == {"pass": 0, "watch": 1, "fail": 0, "unknown": 0}
    assert answer.headers["location"] == f"/api/reviews/{summary['review_id']}"
    listed = get(client, "/api/reviews")
    assert summary["review_id"] in {item["review_id"] for item in listed["reviews"]}
    again = get(client, answer.headers["location"])
    assert again["findings_count"] == summary["findings_count"]


def test_a_review_needs_no_body(client: TestClient) -> None:
    answer = client.post("/api/reviews")
    assert answer.status_code == 201
    assert sum(answer.json()["verdicts"].values()) == 48


def test_a_review_by_another_rulebook(client: TestClient) -> None:
    rulebook = (
        'format: "1"\ntitle: {en: strict}\nextends: default\n'
        "rules: {focus.leading_share: {parameters: {pass_share: 0.99}}}\n"
    )
    answer = client.post("/api/reviews", json={"rulebook": rulebook})
    assert answer.status_code == 201
    base = get(client, "/readyz")["review_id"]
    comparison = get(client, answer.headers["location"] + f"/comparison?before={base}")
    assert comparison["counts"]["new"]
    changed = [item for item in comparison["changes"] if item["kind"] == "new"]
    assert {item["rule_id"] for item in changed} == {"focus.leading_share"}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"rulebook": "rules: ["}, "rulebook:"),
        ({"rulebok": "x"}, "rulebok"),
        ({"parks": []}, "parks"),
        ({"parks": "all"}, "parks"),
    ],
)
def test_a_body_that_does_not_fit_is_a_422(
    client: TestClient, body: dict[str, object], part: str
) -> None:
    answer = client.post("/api/reviews", json=body)
    assert answer.status_code == 422
    assert part in answer.text


def test_a_review_of_an_unknown_park_is_a_404(client: TestClient) -> None:
    assert client.post("/api/reviews", json={"parks": ["none"]}).status_code == 404


def test_findings_are_filtered_and_paged(client: TestClient) -> None:
    review_id = get(client, "/readyz")["review_id"]
    address = f"/api/reviews/{review_id}/findings"
    every = get(client, address + "?limit=10000")
    assert every["numberMatched"] == every["numberReturned"] == len(every["features"])
    must = get(client, address + "?severity=must&limit=10000")
    assert {item["properties"]["severity"] for item in must["features"]} == {"must"}
    (low,) = get(client, address + "?rule=focus.leading_share&park=YY-B-32")["features"]
    assert low["properties"]["evidence"]["value"] == pytest.approx(0.62)
    assert low["properties"]["illustrative"] is True
    assert {
        "finding_id",
        "rule_id",
        "severity",
        "verdict",
        "park_id",
        "subject",
        "title",
        "evidence",
        "legal_basis",
        "basis_tag",
        "cure",
        "waived",
    } <= set(low["properties"])
    one, two = (get(client, address + f"?limit=3&offset={offset}") for offset in (0, 3))
    assert not {item["id"] for item in one["features"]} & {item["id"] for item in two["features"]}


def test_long_work_becomes_a_job_with_progress_and_cancel(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews_routes, "AT_ONCE_SECONDS", 0.0)
    answer = client.post("/api/reviews")
    assert answer.status_code == 202
    address = answer.headers["location"]
    assert address.startswith("/api/jobs/")
    first = get(client, address)
    assert first["status"] in {"waiting", "running", "done"}
    asked = client.post("/api/reviews")
    cancelled = client.delete(asked.headers["location"])
    assert cancelled.status_code == 200
    places = (address, asked.headers["location"])
    states: list[str] = []

    def are_ended() -> bool:
        states[:] = [get(client, place)["status"] for place in places]
        return not set(states) & {"waiting", "running"}

    eventually(are_ended, "both jobs end")
    assert states == ["done", "cancelled"]
    assert get(client, address)["result"].startswith("/api/reviews/")


def test_a_job_that_fails_at_once_is_answered_as_what_it_is(
    client: TestClient, running: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotFoundError(said("problem.no_file"))

    monkeypatch.setattr(running.reviews, "make", refuse)
    assert client.post("/api/reviews").status_code == 404


def test_too_many_jobs_are_a_503_that_says_when_to_come_back(
    client: TestClient, running: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise BusyError(said("problem.jobs", count=20))

    monkeypatch.setattr(running.jobs, "start", busy)
    answer = client.post("/api/reviews")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"


def test_a_body_that_is_too_large_is_a_413(client: TestClient) -> None:
    def in_pieces() -> Iterator[bytes]:
        yield from (b"x" * 100_000 for _ in range(30))

    for content in (b"x" * 3_000_000, in_pieces()):  # with its size said, and without
        answer = client.post("/api/reviews", content=content)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_rulebook_of_aliases_is_refused(client: TestClient) -> None:
    answer = client.post("/api/reviews", json={"rulebook": "a: &a [x]\nb: [*a, *a]\n"})
    assert answer.status_code == 422
    assert "aliases" in answer.text


def test_titles_follow_the_language_and_ids_do_not(client: TestClient) -> None:
    address = "/api/parks/YY-B-32/focus"
    by_language = {
        lang: get(client, address, headers={"accept-language": lang})["findings"][0]
        for lang in ("zh-CN", "zh-TW", "en")
    }
    assert "低于" in by_language["zh-CN"]["title"]
    assert "低於" in by_language["zh-TW"]["title"]
    assert "below" in by_language["en"]["title"]
    assert len({item["finding_id"] for item in by_language.values()}) == 1


def test_an_answer_that_the_client_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/api/parks")
    again = client.get("/api/parks", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_every_answer_has_its_security_headers(client: TestClient) -> None:
    for address in ("/", "/docs", "/api/parks", "/nowhere", "/maps/overview"):
        headers = client.get(address).headers
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        scripts = [part for part in policy.split(";") if "script-src" in part]
        assert all("unsafe-inline" not in part for part in scripts)


def test_an_unexpected_fault_never_shows_its_text(
    client: TestClient, running: RunningCounty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        msg = "secret path /srv/key"
        raise RuntimeError(msg)

    monkeypatch.setattr(running.parks, "features", broken)
    answer = client.get("/api/parks")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    for name in ("content-security-policy", "cross-origin-resource-policy", "vary"):
        assert name in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_static_names_are_never_paths(client: TestClient) -> None:
    for address in ("/pages/..%2fhome.html", "/pages/home.html", "/assets/../../pyproject.toml"):
        assert client.get(address).status_code == 404


def test_a_hostile_name_is_data_in_json_and_absent_from_pages(
    county: County, tmp_path: Path
) -> None:
    county.layers["parks"][0]["name"] = HOSTILE
    county.layers["enterprises"].append(enterprise("Z", "1711", 1.0, name=HOSTILE))
    app = create_app(RunningCounty.open(county.write(tmp_path / "c")))
    with TestClient(app) as client:
        assert get(client, "/api/parks/P1")["properties"]["name"] == HOSTILE
        for address in ("/", "/maps/overview"):
            text = client.get(address).text
            assert HOSTILE not in text
            assert "<script>alert" not in text
            assert "49" not in [part.strip() for part in text.split(">")]


@pytest.mark.parametrize("address", ["/api/layers/parks/features", "/static/map.css", "/api/rules"])
def test_a_text_goes_out_compressed_to_who_takes_it(client: TestClient, address: str) -> None:
    packed, again = (client.get(address, headers={"accept-encoding": "gzip"}) for _ in range(2))
    plain = client.get(address, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == again.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == again.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    for answer in (packed, plain):
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert answer.headers["etag"] == plain.headers["etag"]


def test_what_was_compressed_is_kept_up_to_a_size() -> None:
    texts = {str(number): bytes([number]) * 10_000 for number in range(40)}
    sizes = [len(gzip.compress(text, COMPRESSION, mtime=0)) for text in texts.values()]
    packed = Packed(sum(sizes[:10]))
    for _ in range(2):
        for digest, text in texts.items():
            assert gzip.decompress(packed.of(digest, text)) == text
    assert packed.size <= sum(sizes[:10])
    # What was asked for last is there, and not made again.
    assert packed.of("39", b"") is packed.of("39", b"")
    assert gzip.decompress(packed.of("39", b"")) == texts["39"]
