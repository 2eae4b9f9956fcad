"""Lists and counts of findings over HTTP: filters and facets against plain loops over the JSON."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest

from geo_service.language import Language, Translator
from geo_service.planning import PlanningService as Running
from geo_service.planning.made_once import MadeOnce
from geo_service.web.app import create_app
from geo_service.zoning.comparison import KINDS
from tests.client import TestClient
from tests.county import County, box, enterprise, in_degrees, parcel, zone

GROUPS = {"law": "law", "normative_document": "law", "county_policy": "county"}
TOWNSHIPS = {"P1": "T1", "P2": "T2"}
RED = "control_zone.ecological_red_line"
Finding = dict[str, Any]

FACETS: dict[str, Callable[[Finding], str | None]] = {
    "rule": lambda finding: finding["rule_id"],
    "family": lambda finding: finding["family"],
    "severity": lambda finding: finding["severity"],
    "verdict": lambda finding: finding["verdict"],
    "park": lambda finding: finding["park_id"],
    "township": lambda finding: TOWNSHIPS.get(finding["park_id"]),
    "basis": lambda finding: GROUPS.get(finding["basis_tag"], "reference"),
    "set_aside": lambda finding: (
        "approved" if finding["approval"] else "waived" if finding["waived"] else "no"
    ),
    "worklist": lambda finding: (
        "approved"
        if finding["approval"]
        else "waived"
        if finding["waived"]
        else "supplement"
        if finding["verdict"] == "unknown"
        else "rectify"
        if (finding["severity"], finding["verdict"]) == ("must", "fail")
        else "watch"
    ),
}
WAIVERS = """
format: "1"
waivers:
  - {rule_id: indicator.investment, subject: {layer: parcels, id: P1-00}, reason: 另有方案,
     author: 规划科, granted_on: 2026-01-01, expires_on: 2099-01-01}
"""


def made_county() -> County:
    """Return a county of two townships with a park each and parcels within and without zones."""
    made = County()
    first = made.layers["townships"][0]
    first |= {"geometry": box(-100, -100, 1_900, 5_000), "alt_code": "A1", "name": "甲镇"}
    second = {"code": "T2", "alt_code": "A2", "name": "云阳镇"}
    made.layers["townships"].append({**first, **second, "geometry": box(1_800, -100, 3_100, 5_000)})
    made.layers["parks"][1] |= {"township_code": "A2", "name": "雲陽园"}
    made.layers["control_zones"] += [
        zone("Z1", box(0, 0, 200, 1000), name="红线一"),
        zone("Z3", box(3500, 0, 200, 200), name="红线三"),
        zone("Z2", box(2000, 0, 100, 500), kind="permanent_farmland", name="农田一"),
    ]
    made.layers["enterprises"] += [enterprise(f"X{n}", "1711", 1.0, park_id="P2") for n in range(3)]
    made.layers["parcels"] = [
        parcel(f"{park}-{n:02}", box(west + 20 + n * 40, 20, 30, 30), park_id=park)
        for park, west, count in (("P1", 0, 9), ("P2", 2000, 5), (None, 3500, 3))
        for n in range(count)
    ]
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Return the county, open and reviewed."""
    made = made_county()
    made.extra += '\nwaivers = "waivers.yaml"'
    folder = made.write(tmp_path_factory.mktemp("lists"))
    (folder / "waivers.yaml").write_text(WAIVERS, encoding="utf-8")
    return Running.open(folder)


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[TestClient]:
    """Return a client of the service that runs it."""
    with TestClient(create_app(running), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def own(running: Running) -> str:
    """Return the address of its review."""
    return f"/api/reviews/{running.review.review_id}"


@pytest.fixture(scope="module")
def every(client: TestClient, own: str) -> list[Finding]:
    """Return all findings of the review's JSON."""
    found: list[Finding] = client.get(f"{own}/export?format=json&lang=zh-Hans").json()["findings"]
    assert {FACETS["township"](finding) for finding in found} == {"T1", "T2", None}
    assert sum(finding["waived"] is not None for finding in found) == 1
    return found


def get(client: TestClient, path: str) -> Any:  # noqa: ANN401 - a JSON document
    """Return what an address answers."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


QUERIES: list[dict[str, str]] = [
    {},
    {"rule": RED},
    {"family": "control_zone"},
    {"rule": RED, "park": "P1"},
    {"severity": "must", "verdict": "fail"},
    {"verdict": "unknown", "township": "T2"},
    {"basis": "law"},
    {"basis": "reference", "park": "P2", "verdict": "unknown"},
    {"set_aside": "waived"},
    {"worklist": "rectify"},
    {"worklist": "supplement", "park": "P1"},
    {"rule": "no.such", "park": "none"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_list_and_its_counts_are_those_of_the_json(
    client: TestClient, own: str, every: list[Finding], query: dict[str, str]
) -> None:
    asked = "&".join(f"{name}={value}" for name, value in query.items())

    def fits(finding: Finding, left_out: str | None = None) -> bool:
        return all(
            FACETS[name](finding) == value for name, value in query.items() if name != left_out
        )

    wanted = [finding["finding_id"] for finding in every if fits(finding)]
    listed = get(client, f"{own}/findings?limit=1000&{asked}")
    assert [item["id"] for item in listed["features"]] == wanted
    counts = get(client, f"{own}/counts?{asked}")
    assert counts["numberMatched"] == listed["numberMatched"] == len(wanted)
    for facet, value_of in FACETS.items():
        expected = Counter(value_of(item) for item in every if fits(item, facet))
        without = expected.pop(None, 0)
        found = {name: count for name, count in counts[f"by_{facet}"].items() if count}
        assert found == expected, facet
        if facet in {"park", "township"}:
            assert counts[f"without_{facet}"] == without
        else:
            assert without == 0


def test_every_rule_and_park_of_the_review_is_counted(
    client: TestClient, own: str, running: Running
) -> None:
    counts = get(client, f"{own}/counts")
    assert set(counts["by_rule"]) == set(running.review.checks)
    assert list(counts["by_park"]) == ["P1", "P2"]
    assert counts["by_township"].keys() == {"T1", "T2"}
    assert counts["by_verdict"].keys() == {"fail", "unknown", "watch"}
    assert counts["by_severity"].keys() == {"must", "should", "info"}


@pytest.mark.parametrize("township", ["T2", "A2", "云阳镇", "雲陽鎮"])
def test_a_township_is_a_name_or_a_code_of_either_set(
    client: TestClient, own: str, every: list[Finding], township: str
) -> None:
    expected = sum(finding["park_id"] == "P2" for finding in every)
    found = get(client, f"{own}/counts?township={quote(township)}")
    assert found["numberMatched"] == expected > 0


def test_a_rule_s_filter_takes_a_family(client: TestClient, own: str) -> None:
    one, other = (get(client, f"{own}/counts?{name}=control_zone") for name in ("rule", "family"))
    assert one["numberMatched"] == other["numberMatched"] > 0
    # The rules beside the family can still be told, since `rule` alone is left out.
    assert sum(one["by_rule"].values()) > one["numberMatched"]
    assert sum(other["by_rule"].values()) == other["numberMatched"]


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
def test_words_are_looked_for_in_titles_and_ids(
    client: TestClient, own: str, language: str
) -> None:
    every = get(client, f"{own}/export?format=json&lang={language}")["findings"]
    for words in (every[0]["title"], every[-1]["title"][3:9], "p1-0", every[5]["finding_id"]):
        wanted = {
            finding["finding_id"]
            for finding in every
            if any(
                words.lower() in text.lower()
                for text in (finding["title"], finding["subject"]["id"], finding["finding_id"])
            )
        }
        found = get(client, f"{own}/findings?limit=1000&lang={language}&q={quote(words)}")
        assert {item["id"] for item in found["features"]} == wanted, words


@pytest.mark.parametrize("words", ["雲陽园", "云阳园", "云阳镇", "P2", "特色"])
def test_words_are_looked_for_in_names_of_parks_in_either_script(
    client: TestClient, own: str, every: list[Finding], words: str
) -> None:
    found = get(client, f"{own}/counts?q={quote(words)}")
    in_p2 = sum(finding["park_id"] == "P2" for finding in every)
    assert found["by_park"]["P2"] == in_p2


def test_words_are_looked_for_in_a_rule_s_title(client: TestClient, own: str) -> None:
    title = get(client, f"{own}/register?limit=0&lang=en")["rules"][0]
    found = get(client, f"{own}/counts?lang=en&q={quote(title['title'].upper())}")
    assert (
        found["by_rule"][title["rule_id"]]
        == get(client, f"{own}/counts")["by_rule"][title["rule_id"]]
    )


def test_a_box_is_a_filter_of_list_and_counts(
    client: TestClient, own: str, every: list[Finding]
) -> None:
    west, south, east, north = in_degrees(box(15, 15, 40, 40)).bounds  # parcel P1-00 and its park
    bbox = f"bbox={west},{south},{east},{north}"
    listed = get(client, f"{own}/findings?limit=1000&{bbox}")
    subjects = {item["properties"]["subject"]["id"] for item in listed["features"]}
    assert subjects == {"P1-00", "P1"}
    counts = get(client, f"{own}/counts?{bbox}&rule={RED}")
    # The parcel and the park that lie on the red line.
    assert (counts["numberMatched"], counts["by_rule"][RED]) == (2, 2)
    assert sum(counts["by_rule"].values()) == listed["numberMatched"]
    assert get(client, f"{own}/counts?bbox=-170,-80,170,80")["numberMatched"] <= len(every)


def test_next_leads_through_the_whole_list_once(
    client: TestClient, own: str, every: list[Finding]
) -> None:
    address: str | None = f"{own}/findings?limit=20&sort=-severity&lang=en"
    seen: list[str] = []
    while address is not None:
        page = get(client, address)
        assert page["numberMatched"] == len(every)
        seen += [item["id"] for item in page["features"]]
        address = page["next"]
        assert address is None or "lang=en" in address
    assert seen == [finding["finding_id"] for finding in reversed(every)]
    assert get(client, f"{own}/findings?limit=0")["next"] is None


def test_next_is_an_address_below_the_root_path(running: Running) -> None:
    client = TestClient(create_app(running), root_path="/geo")
    path = f"/geo/api/reviews/{running.review.review_id}/findings?limit=1"
    assert client.get(path).json()["next"].startswith("/geo/api/reviews/")


def test_orders(client: TestClient, own: str, every: list[Finding]) -> None:
    def asked(sort: str) -> list[str]:
        found = get(client, f"{own}/findings?limit=1000&sort={sort}")["features"]
        return [item["id"] for item in found]

    def expected(key: Callable[[Finding], Any]) -> list[str]:
        return [finding["finding_id"] for finding in sorted(every, key=key)]

    verdicts = ["fail", "unknown", "watch"]
    severities = ["must", "should", "info"]
    assert asked("severity") == [finding["finding_id"] for finding in every]
    assert asked("verdict") == expected(
        lambda finding: (
            finding["waived"] is not None,
            verdicts.index(finding["verdict"]),
            severities.index(finding["severity"]),
        )
    )
    assert asked("rule") == expected(lambda finding: finding["rule_id"])
    assert asked("park") == expected(
        lambda finding: (finding["park_id"] is None, finding["park_id"] or "")
    )
    assert asked("subject") == expected(
        lambda finding: (finding["subject"]["layer"], finding["subject"]["id"])
    )


def test_without_geometry_findings_are_told_as_pages_list_them(
    client: TestClient, own: str
) -> None:
    whole = get(client, f"{own}/findings?limit=5")["features"]
    bare = get(client, f"{own}/findings?limit=5&geometry=false")["features"]
    for one, other in zip(whole, bare, strict=True):
        assert other["geometry"] is None
        assert other["properties"].items() >= one["properties"].items()
        assert other["properties"]["has_geometry"] == (one["geometry"] is not None)
        assert other["properties"]["evidence_lines"]
        assert other["properties"]["rule_title"]


@pytest.mark.parametrize(
    "query", ["verdict=good", "sort=size", "set_aside=yes", "basis=x", "q=" + "x" * 101, "wrd=x"]
)
def test_a_bad_filter_is_a_400_that_names_it(client: TestClient, own: str, query: str) -> None:
    answer = client.get(f"{own}/findings?{query}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == query.partition("=")[0]


def test_tabs_count_what_the_sheets_of_the_workbook_list(client: TestClient, own: str) -> None:
    counts = get(client, f"{own}/counts")["by_worklist"]
    answer = client.get(f"{own}/export?format=xlsx&lang=en")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    told = {
        name: sum(
            str(row[0]).startswith("f-")
            for row in book[Translator(Language.EN).text(f"report.list_{name}")].values
        )
        for name in ("rectify", "watch", "supplement")
    }
    assert told == {name: counts[name] for name in told}
    assert min(told.values()) > 0
    assert (counts["waived"], counts["approved"]) == (1, 0)


@pytest.mark.parametrize("query", ["", "worklist=rectify", "verdict=unknown&park=P2", "q=P1-0"])
def test_the_matrix_counts_parks_by_families(
    client: TestClient, own: str, every: list[Finding], query: str
) -> None:
    asked = dict(part.split("=") for part in query.split("&") if part)
    fitting = [
        finding
        for finding in every
        if ("worklist" not in asked or FACETS["worklist"](finding) == asked["worklist"])
        and ("verdict" not in asked or finding["verdict"] == asked["verdict"])
        and ("q" not in asked or "P1-0" in finding["subject"]["id"] + finding["title"])
    ]
    expected = Counter((item["park_id"], item["family"]) for item in fitting)  # whatever the park
    desk = get(client, f"{own}/desk?{query}")
    cells = {
        (row["park_id"], family): cell
        for row in desk["matrix"]
        for family, cell in row["cells"].items()
    }
    assert {key: cell["findings"] for key, cell in cells.items()} == expected
    for key, cell in cells.items():
        here = [
            (item["severity"], item["verdict"])
            for item in fitting
            if (item["park_id"], item["family"]) == key and not item["waived"]
        ]
        worst = (
            "fail"
            if ("must", "fail") in here
            else "unknown"
            if ("must", "unknown") in here
            else "watch"
            if {"fail", "watch"} & {verdict for _, verdict in here}
            else "pass"
        )
        assert cell["verdict"] == worst, key
    assert len(desk["matrix"]) > 0


@pytest.mark.parametrize("by", ["park", "rule"])
def test_groups_hold_all_findings_and_their_rows(
    client: TestClient, own: str, every: list[Finding], by: str
) -> None:
    groups = get(client, f"{own}/desk?by={by}")["groups"]
    name = f"{by}_id"
    assert {group["key"]: group["findings"] for group in groups} == Counter(
        finding[name] for finding in every
    )
    verdicts = ["fail", "unknown", "watch", "pass"]
    places = [verdicts.index(group["verdict"]) for group in groups]
    assert places == sorted(places)
    for group in groups:
        of_group = "without_park=true" if group["key"] is None else f"{by}={group['key']}"
        rows = get(client, f"{own}/rows?limit=1000&{of_group}")
        assert rows["findings"] == group["findings"]
        assert rows["numberMatched"] == len(rows["rows"]) == group["rows"]
        assert sum(row["merged"]["findings"] for row in rows["rows"]) == group["findings"]
        rectify = [
            item
            for item in every
            if item[name] == group["key"] and FACETS["worklist"](item) == "rectify"
        ]
        assert group["to_rectify"] == len(rectify)


def test_one_cause_on_a_park_and_its_parcels_is_one_row(client: TestClient, own: str) -> None:
    # The red line Z1 lies on P1 and on four of its parcels of 30 m, from x = 20, 60, 100 and 140;
    # the fifth begins at 180 and ends at 210: 20 m of it lie on the line, which ends at 200.
    rows = get(client, f"{own}/rows?rule={RED}&park=P1")
    assert (rows["numberMatched"], rows["findings"]) == (1, 6)
    (row,) = rows["rows"]
    assert row["subject"] == {"layer": "parks", "id": "P1"}
    assert row["merged"] == {"findings": 6, "by_layer": {"parks": 1, "parcels": 5}}
    # A parcel that is asked for alone is told alone.
    (row,) = get(client, f"{own}/rows?rule={RED}&q=P1-00")["rows"]
    assert row["merged"] == {"findings": 1, "by_layer": {"parcels": 1}}
    first, second = (
        get(client, f"{own}/rows?limit=3&offset={offset}")["rows"] for offset in (0, 3)
    )
    assert len({row["finding_id"] for row in first + second}) == 6


def test_counts_of_no_review_are_a_404(client: TestClient) -> None:
    assert client.get("/api/reviews/none/counts").status_code == 404


def test_focus_tells_its_first_findings_and_how_many_there_are(
    client: TestClient, every: list[Finding]
) -> None:
    own = [
        finding["finding_id"]
        for finding in every
        if finding["park_id"] == "P2" and finding["family"] == "focus"
    ]
    assert len(own) >= 2
    address: str | None = "/api/parks/P2/focus?limit=1"
    seen = []
    while address is not None:
        page = get(client, address)
        assert page["numberMatched"] == len(own)
        assert page["shares"].keys() == {"output", "land", "floor_area", "enterprises"}
        assert len(page["findings"]) == 1
        seen += [finding["finding_id"] for finding in page["findings"]]
        address = page["next"]
    assert seen == own
    assert get(client, "/api/parks/P2/focus")["next"] is None
    assert client.get("/api/parks/P2/focus?limit=10001").status_code == 400


def test_a_park_s_profile_tells_its_first_findings(
    client: TestClient, every: list[Finding]
) -> None:
    own = [finding["finding_id"] for finding in every if finding["park_id"] == "P1"]
    page = get(client, "/api/parks/P1/profile?limit=3")
    assert [finding["finding_id"] for finding in page["findings"]] == own[:3]
    assert page["numberMatched"] == len(own)


def test_a_map_s_findings_take_the_filters_and_other_sources_none(
    client: TestClient, own: str, every: list[Finding]
) -> None:
    review_id = own.rpartition("/")[2]
    path = f"/maps/review/features/findings?review_id={review_id}"
    for query in ("", "&verdict=unknown", f"&rule={RED}&q=P1"):
        listed = get(client, f"{own}/findings?limit=1000{query}")
        drawn = get(client, f"{path}&limit=5{query}")
        ids = [item["id"] for item in listed["features"]]
        assert [item["id"] for item in drawn["features"]] == ids[:5]
        assert drawn["numberMatched"] == len(ids)
        rules = Counter(item["properties"]["rule_id"] for item in listed["features"])
        counted = drawn["counts"]["rule_id"]
        assert {name: count for name, count in counted.items() if count} == rules
    in_park = get(client, "/maps/park/features/findings?park_id=P2&verdict=fail&limit=1000")
    assert {item["id"] for item in in_park["features"]} == {
        finding["finding_id"]
        for finding in every
        if finding["park_id"] == "P2" and finding["verdict"] == "fail"
    }
    answer = client.get(f"/maps/review/features/parks?review_id={review_id}&rule={RED}")
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "source"


def test_two_reviews_compared_tell_counts_and_the_first_of_each(
    client: TestClient, own: str, every: list[Finding]
) -> None:
    review_id = own.rpartition("/")[2]
    assert get(client, f"{own}/comparison?before={review_id}") == {
        "before": review_id,
        "after": review_id,
        "counts": dict.fromkeys(KINDS, 0) | {"unchanged": len(every)},
        "changes": [],
    }
    rulebook = (
        f'format: "1"\ntitle: {{en: off}}\nextends: default\nrules: {{{RED}: {{enabled: false}}}}\n'
    )
    made = client.post("/api/reviews", json={"rulebook": rulebook}).headers["location"]
    whole = get(client, f"{made}/comparison?before={review_id}")
    first = get(client, f"{made}/comparison?before={review_id}&limit=2")
    of_rule = [finding for finding in every if finding["rule_id"] == RED]
    assert whole["counts"]["not_compared"] == len(of_rule) > 2
    assert [item["before"]["finding_id"] for item in whole["changes"]] == [
        finding["finding_id"] for finding in of_rule
    ]
    assert first["counts"] == whole["counts"]
    assert first["changes"] == whole["changes"][:2]


# ---- what is kept ----


@dataclass(frozen=True)
class Thing:
    """Something of a size."""

    size: int


def test_what_is_kept_is_bounded_by_bytes() -> None:
    kept = MadeOnce[Thing](100, lambda made: made.size)
    made: list[object] = []

    def get_thing(key: object, size: int) -> None:
        def make() -> Thing:
            made.append(key)
            return Thing(size)

        kept.of(key, make)

    for key, size in (("a", 60), ("a", 60), ("b", 30), ("c", 50), ("b", 30), ("a", 60)):
        get_thing(key, size)
    assert made == ["a", "b", "c", "a"]  # c took the place of a
    get_thing("huge", 101)
    get_thing("huge", 101)
    assert made[-2:] == ["huge", "huge"]


def test_what_many_ask_for_at_once_is_made_once() -> None:
    kept = MadeOnce[Thing](100, lambda made: made.size)
    made: list[int] = []
    begun, may_end = threading.Event(), threading.Event()

    def make() -> Thing:
        made.append(1)
        begun.set()
        assert may_end.wait(60)
        return Thing(1)

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(kept.of, "key", make) for _ in range(4)]
        assert begun.wait(60)
        assert kept.of("other", lambda: Thing(2)) == Thing(2)  # others do not wait
        may_end.set()
        assert {item.result(60) for item in asked} == {Thing(1)}
    assert len(made) == 1
