"""Ground that several parcels lie on counts once; roads that are cut off cut no site off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from geo_service.language import Language, Translator
from geo_service.plan import Plan
from geo_service.suitability.candidates import Candidate, combine, find_parts, largest_groups
from geo_service.suitability.project import Project, parse_project
from geo_service.suitability.rank import Ranking, rank
from geo_service.suitability.surroundings import Sites
from tests.county import County, Row, box, line, parcel
from tests.suitability.made import DAY, asked, five_sites, site

Open = Callable[[County], Plan]
_ROAD = {"class": "county", "speed_km_h": 60, "source": "made for tests", "illustrative": True}


def project(land_m2: float) -> Project:
    return parse_project(f"name: x\nindustry_code: 1311\nneeds: {{land_m2: {land_m2}}}\n")


def vacant(parcel_id: str, x: float, width: float = 100.0, **values: object) -> Row:
    return parcel(parcel_id, box(x, 0, width, 100), status="vacant", **values)


def offered(plan: Plan, land_m2: float) -> dict[str, Candidate]:
    found = combine(find_parts(plan, project(land_m2)), project(land_m2))
    return {item.candidate_id: item for item in found}


def test_two_records_of_one_parcel_are_no_larger_place(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, 150, power_kva=9), vacant("A-OLD", 0, 150)]
    plan = opened(county)
    assert offered(plan, 20_000) == {}
    assert set(offered(plan, 14_000)) == {"parcel:A", "parcel:A-OLD", "park:P1"}
    park = offered(plan, 14_000)["park:P1"]
    assert park.members == ("A",)
    assert park.area_m2 == pytest.approx(15_000, rel=1e-6)
    assert park.offers["power_kva"] == 9
    assert list(largest_groups(find_parts(plan, project(1)))) == []


def test_neighbours_that_overlap_offer_their_union(county: County, opened: Open) -> None:
    # A and B are 15,000 m2 each and share 20 x 100 m.
    county.layers["parcels"] = [vacant("A", 0, 150), vacant("B", 130, 150)]
    plan = opened(county)
    for land_m2 in (20_000, 27_900):
        found = offered(plan, land_m2)
        assert set(found) == {"parcels:A+B", "park:P1"}
        assert [item.area_m2 for item in found.values()] == pytest.approx([28_000] * 2, rel=1e-6)
    assert offered(plan, 28_100) == {}


def test_an_outdated_parcel_is_not_taken_together_with_what_replaced_it(
    county: County, opened: Open
) -> None:
    # OLD is the ground of A and B; C lies beside B, OLD beside C.
    county.layers["parcels"] = [
        vacant("A", 0),
        vacant("B", 100),
        vacant("C", 200),
        vacant("OLD", 0, 200),
    ]
    found = offered(opened(county), 25_000)
    assert set(found) == {"parcels:A+B+C", "parcels:C+OLD", "park:P1"}
    for candidate in found.values():
        assert candidate.area_m2 == pytest.approx(30_000, rel=1e-6)
    assert found["park:P1"].members == ("A", "B", "C")


def test_hairline_overlaps_are_noise(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0), vacant("B", 99.995)]  # 0.5 m2
    (found,) = [item for item in offered(opened(county), 15_000).values() if len(item.members) > 1][
        :1
    ]
    assert found.area_m2 == pytest.approx(20_000, rel=1e-6)


# ---- roads -------------------------------------------------------------------------------------


def ranked(plan: Plan, most_minutes: float = 30) -> Ranking:
    access = {"interchange": {"max_minutes": most_minutes}}
    return rank(plan, asked(access=access), as_of=DAY)


@pytest.fixture
def stubbed() -> County:
    """Return the five sites; A's road leads to the interchange, 20 m of another pass by B."""
    county = five_sites()
    county.layers["roads"].append(
        {"road_id": "STUB", "name": "断头路", "geometry": line((300, 100), (320, 100)), **_ROAD}
    )
    return county


def test_a_piece_joined_to_nothing_excludes_no_site(stubbed: County, opened: Open) -> None:
    with_stub = ranked(opened(stubbed))
    stubbed.layers["roads"].pop()
    without = ranked(opened(stubbed))
    standing = [set(result.sites.ids) for result in (with_stub, without)]
    assert standing[0] == standing[1]
    assert "parcel:B" in standing[0]
    position = with_stub.sites.position_of("parcel:B")
    # 250 m off the road at 20 km/h are 0.75 min, a kilometre of road one.
    assert with_stub.sites.minutes("interchange")[position] == pytest.approx(1.75, abs=1e-6)


def test_a_note_names_roads_that_are_cut_off(stubbed: County, opened: Open) -> None:
    english = Translator(Language.EN)
    notes = [english.render(note) for note in ranked(opened(stubbed)).notes()]
    (told,) = [note for note in notes if "STUB" in note]
    assert told.startswith("1 roads do not hang together")
    assert "STUB 断头路 (20 m)" in told
    stubbed.layers["roads"].pop()
    assert not [note for note in ranked(opened(stubbed)).notes() if "cut_off" in note.key]
    # A project that asks for no travel is told nothing of roads.
    plain = rank(opened(stubbed), asked(), as_of=date(2026, 6, 1))
    assert not [note for note in plain.notes() if "cut_off" in note.key]


def test_an_exclusion_names_the_cut_off_road(stubbed: County, opened: Open) -> None:
    far = site("Z", 6_000, 100, 100)
    stubbed.layers["parcels"].append(far)
    stubbed.layers["roads"].append(
        {"road_id": "FAR", "name": "", "geometry": line((6_000, 100), (6_030, 100)), **_ROAD}
    )
    result = ranked(opened(stubbed))
    reasons = {item.candidate.candidate_id: item.by_access for item in result.excluded}
    (reason,) = reasons["parcel:Z"]
    assert reason.detail.key == "reason.access_cut_off"
    assert reason.measure["road_id"] == "FAR"
    text = Translator(Language.EN).render(reason.detail)
    assert "FAR (30 m)" in text
    assert "None" not in text


def test_ways_that_are_known_of_some_places_are_those_of_each_alone(opened: Open) -> None:
    plan = opened(five_sites())
    asked_for = parse_project(
        "name: x\nindustry_code: 1311\nneeds: {land_m2: 8_000}\n"
        "access: {interchange: {max_minutes: 60}}\n"
    )
    parts = find_parts(plan, asked_for)
    known = Sites(plan, [*parts[3:], parts[0]], asked_for)
    known.meet_roads()
    fresh = Sites(plan, parts, asked_for)
    after = Sites(plan, parts, asked_for, ahead=known)
    unknown = Sites(plan, parts, asked_for, ahead=Sites(plan, parts, asked_for))
    expected = fresh.minutes("interchange").tolist()
    assert len(set(expected)) > 1
    assert after.minutes("interchange").tolist() == expected
    assert unknown.minutes("interchange").tolist() == expected
