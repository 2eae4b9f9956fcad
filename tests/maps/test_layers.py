from __future__ import annotations

from collections.abc import Callable

import pytest

from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator
from geo_service.maps.kinds.overview import OverviewData
from geo_service.maps.layers import FEATURE_SOURCES
from geo_service.maps.style import SYMBOLS
from geo_service.model import Tier
from geo_service.plan import Plan
from geo_service.zoning.review import review
from tests.county import County, box, in_degrees, line, parcel, point, zone
from tests.words import word

Opened = Callable[[County], Plan]
MARK = {"source": "made for tests", "illustrative": True}
# Columns of enterprises and parcels that say what one enterprise earns or pays.
NEVER_OUT = {"output_cny", "tax_cny", "investment_cny", "value_added_cny", "enclave_terms"}


def map_data(plan: Plan, language: Language = Language.ZH_HANS) -> OverviewData:
    return OverviewData(review(plan), Translator(language, plan.settings.names_hant))


def with_places(county: County) -> County:
    county.layers["county"] = [
        {"code": "999999", "name": "测试县", "geometry": box(-1000, -1000, 5000, 4000), **MARK}
    ]
    county.layers["parcels"] = [parcel("L1", box(100, 100, 200, 200), investment_cny=5e6)]
    county.layers["buildings"] = [
        {
            "building_id": "B1",
            "park_id": "P1",
            "parcel_id": "L1",
            "name": "一号楼",
            "geometry": box(120, 120, 50, 50),
            **MARK,
        }
    ]
    county.layers["floors"] = [
        {"building_id": "B1", "floor_no": 1, "area_m2": 2500, "vacant_m2": 500, **MARK},
        {"building_id": "B1", "floor_no": 2, "area_m2": 2500, "vacant_m2": 0, **MARK},
    ]
    county.layers["control_zones"] = [
        {
            "zone_id": "Z1",
            "kind": "ecological_red_line",
            "grade": None,
            "name": "红线一",
            "legal_basis": "三区三线",
            "geometry": box(-500, -500, 300, 300),
            **MARK,
        }
    ]
    county.layers["roads"] = [
        {
            "road_id": "W1",
            "name": "乡路",
            "class": None,
            "speed_km_h": None,
            "geometry": line((0, 0), (500, 20)),
            **MARK,
            "illustrative": False,
            "source": "survey",
        }
    ]
    county.layers["facilities"] = [
        {"facility_id": "F1", "kind": "port", "name": "港", "geometry": point(10, 10), **MARK}
    ]
    return county


def test_a_park_carries_its_verdict_shares_and_names_in_both_scripts(
    county: County, opened: Opened
) -> None:
    county.layers["parks"][0]["name"] = "云阳园区"
    feature = map_data(opened(county), Language.ZH_HANT).features("parks")[0]
    properties = feature["properties"]
    assert feature["id"] == "P1"
    assert properties["name"] == "雲陽園區"
    # Its leading industry is 13, its speciality P1 特色.
    found_by = ["云阳园区", "雲陽園區", "p1", "农副食品加工业", "農副食品加工業", "p1 特色"]
    assert properties["search"].split("\n") == found_by
    # All five enterprises of P1 are in division 13, with equal output.
    assert properties["shares"]["output"] == 1.0
    assert properties["hhi"] == 1.0
    assert properties["verdict"] == "pass"
    assert properties["verdict_name"] == word("verdict.pass", Language.ZH_HANT)


def test_a_park_without_an_industry_group_is_drawn(county: County, opened: Opened) -> None:
    county.layers["parks"][1]["leading_industry"] = None
    properties = map_data(opened(county)).features("parks")[1]["properties"]
    assert properties["industry_group"] is None
    assert properties["industry_group_name"] is None


def test_top_findings_are_the_gravest_in_words(county: County, opened: Opened) -> None:
    county.layers["control_zones"].append(zone("R", box(2000, 0, 100, 100)))  # on P2
    properties = map_data(opened(county)).features("parks")[1]["properties"]
    assert properties["verdict"] == "fail"
    assert properties["rests_on"] == "law"
    law, county_policy, reference = properties["by_basis"]
    assert (law["verdict"], law["verdict_name"]) == ("fail", word("verdict.fail"))
    assert {item["verdict"] for item in (county_policy, reference)} <= {"pass", "watch", None}
    assert properties["top_findings"][0]["verdict"] == "fail"
    assert properties["top_findings"][0]["severity"] == word("severity.must")
    assert properties["findings"] >= len(properties["top_findings"]) > 0


def test_what_an_enterprise_earns_never_goes_out(county: County, opened: Opened) -> None:
    data = map_data(opened(with_places(county)))
    for source in data.feature_sources():
        for item in data.features(source.name):
            assert not NEVER_OUT & set(item["properties"]), source.name
    assert "enterprises" not in FEATURE_SOURCES


def test_every_feature_says_whether_it_is_made_up_and_what_it_is_found_by(
    county: County, opened: Opened
) -> None:
    data = map_data(opened(with_places(county)))
    for source in data.feature_sources():
        for item in data.features(source.name):
            assert isinstance(item["properties"]["illustrative"], bool)
            assert "search" in item["properties"]


def test_a_building_sums_its_floors(county: County, opened: Opened) -> None:
    properties = map_data(opened(with_places(county))).features("buildings")[0]["properties"]
    # Two floors of 2,500 m2, 500 m2 of the first vacant.
    assert (properties["floors"], properties["floor_area_m2"]) == (2, 5000.0)
    assert properties["vacant_m2"] == 500.0
    assert properties["park"] == "P1 园"


def test_a_floor_without_its_area_leaves_the_sum_unknown(county: County, opened: Opened) -> None:
    with_places(county).layers["floors"][1]["area_m2"] = None
    properties = map_data(opened(county)).features("buildings")[0]["properties"]
    assert properties["floor_area_m2"] is None


def test_a_class_that_is_missing_has_a_name_and_a_symbol(county: County, opened: Opened) -> None:
    data = map_data(opened(with_places(county)))
    assert data.features("roads")[0]["properties"]["class_name"] == "其他道路"
    road = next(layer for layer in data.layers() if layer.name == "roads")
    assert road.symbols == ("road.other",)


def test_a_township_given_as_an_area_is_drawn_as_a_point(county: County, opened: Opened) -> None:
    county.layers["townships"][0]["geometry"] = box(0, 0, 4000, 1500)
    feature = map_data(opened(county)).features("townships")[0]
    assert feature["geometry"]["type"] == "Point"


def test_only_layers_with_features_are_listed_each_with_known_symbols(
    county: County, opened: Opened
) -> None:
    layers = map_data(opened(with_places(county))).layers()
    names = [layer.name for layer in layers]
    assert "control_zones.ecological_red_line" in names
    assert "control_zones.wetland" not in names
    assert "rivers" not in names
    assert len(names) == len(set(names))
    assert all(key in SYMBOLS for layer in layers for key in layer.symbols)


def test_only_the_red_line_shows_among_zones(demo: Plan) -> None:
    zones = [layer for layer in map_data(demo).layers() if layer.group == "zones"]
    assert [layer.name for layer in zones if layer.is_shown] == [
        "control_zones.ecological_red_line"
    ]
    assert len(zones) > 3


def test_a_box_and_a_page_choose_features(county: County, opened: Opened) -> None:
    data = map_data(opened(county))
    # P1 lies from 0 to 1,000 m east of the origin, P2 from 2,000 to 3,000 m.
    west, south, east, north = in_degrees(box(1500, 0, 1000, 500)).bounds
    found = data.document("parks", bbox=(west, south, east, north))
    assert [item["id"] for item in found["features"]] == ["P2"]
    page = data.document("parks", limit=1, offset=1)
    assert [item["id"] for item in page["features"]] == ["P2"]
    assert (page["numberMatched"], page["numberReturned"]) == (2, 1)


def test_bounds_are_those_of_the_county_else_of_parks_and_townships(
    county: County, opened: Opened
) -> None:
    county.layers["townships"][0]["geometry"] = point(500, 500)
    del county.layers["county"]
    parks = map_data(opened(county)).bounds()
    # From the west edge of P1 (0 m) to the east edge of P2 (3,000 m).
    assert parks == pytest.approx(in_degrees(box(0, 0, 3000, 1000)).bounds, abs=1e-4)
    whole = map_data(opened(with_places(county))).bounds()
    assert whole[0] < parks[0]
    assert whole[3] > parks[3]


def test_an_unknown_layer_is_not_found_and_its_name_is_cut(county: County, opened: Opened) -> None:
    data = map_data(opened(county))
    with pytest.raises(NotFoundError, match="no layer 'enterprises'"):
        data.features("enterprises")
    with pytest.raises(NotFoundError) as caught:
        data.features("x" * 5000)
    assert len(str(caught.value)) < 500


def test_a_review_of_one_park_draws_that_park(county: County, opened: Opened) -> None:
    plan = opened(county)
    data = OverviewData(review(plan, parks=["P2"]), Translator())
    assert [item["id"] for item in data.features("parks")] == ["P2"]
    tiers = {layer.name for layer in data.layers() if layer.group == "parks"}
    assert tiers == {f"parks.{tier}" for tier in Tier}


def test_sources_of_made_up_features_and_mere_remarks_are_not_credited(
    county: County, opened: Opened
) -> None:
    with_places(county)
    first = county.layers["roads"][0]
    county.layers["roads"].append({**first, "road_id": "W2", "source": "survey; checked 2025"})
    assert map_data(opened(county)).credits() == ["survey"]


def test_findings_with_a_place_are_drawn_and_marked(demo: Plan) -> None:
    data = map_data(demo, Language.EN)
    findings = data.features("findings")
    assert findings
    for item in findings:
        assert item["geometry"] is not None
        assert item["properties"]["illustrative"] is True
        assert item["properties"]["verdict"] in {"fail", "watch", "unknown"}


def test_the_geonames_licence_is_credited(demo: Plan) -> None:
    credited = "\n".join(map_data(demo).credits())
    assert "GeoNames" in credited
    assert "CC BY 4.0" in credited
