"""Each criterion by hand, on squares; travel and access are in `test_rank`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from geo_service.plan import Plan
from geo_service.suitability.candidates import combine, find_parts
from geo_service.suitability.choice import choose_criteria
from geo_service.suitability.criteria import CRITERIA
from geo_service.suitability.measures import measure
from geo_service.suitability.project import Project, parse_project
from geo_service.suitability.surroundings import Sites
from geo_service.workspace.opening import open_plan
from tests.county import ORIGIN_M, County, Row, box, enterprise, line, parcel, park, point, zone

Open = Callable[[County], Plan]
_MARK = {"source": "made for tests", "illustrative": True}


def vacant(name: str, x: float, y: float = 0.0, **values: object) -> Row:
    """Return a vacant square of 100 m."""
    return parcel(name, box(x, y, 100, 100), status="vacant", **values)


def project(code: str = "1311", needs: str = "land_m2: 5000") -> Project:
    """Return a project that looks for single parcels."""
    text = f"name: x\nindustry_code: '{code}'\nneeds: {{{needs}}}\ncandidates: [parcel, floors]\n"
    return parse_project(text)


def values(plan: Plan, name: str, asked: Project | None = None) -> dict[str, float]:
    """Return a criterion's values by the candidate's own id."""
    asked = asked or project()
    kinds = set(asked.candidates)
    found = [item for item in combine(find_parts(plan, asked), asked) if item.kind in kinds]
    series = measure(CRITERIA[name], Sites(plan, found, asked, {}))
    return {str(key).partition(":")[2]: float(value) for key, value in series.items()}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1311", {"A": 1.0, "B": 0.7}),  # leading in P1, supporting in P2
        ("1411", {"A": 0.4, "B": 0.0}),  # P1's group takes in 14
        ("3611", {"A": 0.0, "B": 1.0}),
    ],
)
def test_industry_fit(county: County, opened: Open, code: str, expected: dict[str, float]) -> None:
    county.groups = [("13", "consumer", "core"), ("14", "consumer", "core"),
                     ("36", "equipment", "core")]  # fmt: skip
    county.layers["parks"][1]["supporting_industries"] = "33;13"
    county.layers["parcels"] = [vacant("A", 0), vacant("B", 2000, park_id="P2")]
    assert values(opened(county), "industry_fit", project(code)) == expected


def test_chain_affinity_counts_both_sides_within_ten_km(county: County, opened: Open) -> None:
    county.layers["industry_chains"] = [
        {"supplier_code": "223", "customer_code": "13", "relation": "纸箱", **_MARK},
        {"supplier_code": "13", "customer_code": "14", "relation": "原料", **_MARK},
        {"supplier_code": "36", "customer_code": "37", "relation": None, **_MARK},
    ]
    far = {"park_id": None}
    county.layers["enterprises"] += [
        enterprise("S1", "2231", 1, geometry=point(5_000, 50), **far),  # supplier, 4,900 m
        enterprise("S2", "2239", 1, geometry=point(10_099, 50), **far),  # 9,999 m
        enterprise("S3", "2231", 1, geometry=point(10_101, 50), **far),  # 10,001 m
        enterprise("C1", "1411", 1, geometry=point(50, 50), **far),  # customer, inside
        enterprise("C2", "1411", 1, geometry=point(50, 50), status="closed", **far),
    ]
    for row in county.layers["enterprises"][:10]:
        row["geometry"] = point(500, 500)  # of 13 and 36: neither side of 13
    county.layers["parcels"] = [vacant("A", 0)]
    plan = opened(county)
    assert values(plan, "chain_affinity") == {"A": 3.0}
    # 36 supplies 37: a project of 36 has customers by the table, and none of them is there.
    assert values(plan, "chain_affinity", project("3611")) == {"A": 0.0}


def test_without_a_chain_table_the_affinity_is_unknown(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0)]
    assert np.isnan(values(opened(county), "chain_affinity")["A"])


def test_competition_counts_other_parks_of_the_industry_nearby(
    county: County, opened: Open
) -> None:
    county.layers["parks"] += [
        park("P3", box(4000, 0, 500, 500), leading_industry="131"),
        park("P4", box(16_000, 0, 500, 500), leading_industry="13"),  # over 15 km from A
    ]
    county.layers["parcels"] = [vacant("A", 0), vacant("B", 2000, park_id="P2")]
    found = values(opened(county), "competition")
    # A lies in P1 itself, so P3 alone; B in P2 has P1, P3 and, 13.9 km away, P4.
    assert found == {"A": 1.0, "B": 3.0}


def test_output_per_mu_of_the_park(county: County, opened: Open) -> None:
    for row in county.layers["enterprises"][:5]:
        row |= {"output_cny": 6e6, "land_m2": 2000}  # 30,000,000 CNY on 10,000 m² = 15 mu
    county.layers["parcels"] = [vacant("A", 0), vacant("B", 2000, park_id="P2")]
    found = values(opened(county), "per_mu_potential")
    assert found["A"] == pytest.approx(2e6)
    assert np.isnan(found["B"])  # no land known there


@pytest.mark.parametrize(
    ("grade", "width", "step"),
    [("low", 50, 1), ("mid", 50, 2), ("high", 50, 3), ("none", 50, 0), ("high", 0.5, 0)],
)
def test_geohazard_takes_the_worst_grade_on_more_than_one_percent(
    county: County, opened: Open, grade: str, width: float, step: float
) -> None:
    county.layers["parcels"] = [vacant("A", 0)]
    county.layers["control_zones"].append(
        zone("G", box(0, 0, width, 100), kind="geohazard", grade=grade)
    )
    assert values(opened(county), "geohazard_grade") == {"A": step}


def test_a_geohazard_without_grade_is_unknown(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0)]
    county.layers["control_zones"].append(zone("G", box(0, 0, 50, 100), kind="geohazard"))
    assert np.isnan(values(opened(county), "geohazard_grade")["A"])


def test_overlap_share_and_zones_that_nobody_mapped(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0)]
    county.layers["control_zones"] += [
        zone("W1", box(0, 0, 30, 100), kind="wetland"),
        zone("W2", box(20, 0, 20, 100), kind="wetland"),  # 10 m of it are counted once
    ]
    county.complete_zone_kinds = ["heritage"]
    plan = opened(county)
    assert values(plan, "overlap_share_wetland")["A"] == pytest.approx(0.4)
    assert values(plan, "overlap_share_heritage")["A"] == 0
    assert np.isnan(values(plan, "overlap_share_nature_reserve")["A"])


def test_slope_from_the_elevation_model(county: County, tmp_path: Path) -> None:
    # Heights rise 1 m in 10 to the east: 10 %, 5.71°; nowhere over 15 %.
    folder = tmp_path / "county"
    county.layers["parcels"] = [vacant("A", 0), vacant("B", 30_000, park_id=None)]
    county.extra += (
        '\n[dem]\nfile = "dem.tif"\nsource = "a plane"\nillustrative = true\n'
        'vertical_datum = "none"\n'
    )
    folder.mkdir()
    write_plane(folder / "dem.tif", rise=0.1)
    plan = open_plan(county.write(folder))
    percent = values(plan, "slope_mean_percent")
    assert percent["A"] == pytest.approx(10, rel=1e-6)
    assert np.isnan(percent["B"])  # beyond the model
    degrees = values(plan, "slope_mean_degrees")["A"]
    assert degrees == pytest.approx(np.degrees(np.arctan(0.1)), rel=1e-6)
    assert values(plan, "steep_share")["A"] == 0
    assert CRITERIA["slope_mean_degrees"].value.apply([degrees])[0] == 0.8  # 2 to 8 degrees


def write_plane(path: Path, *, rise: float) -> None:
    """Write a model of 10 m cells around the origin whose heights rise to the east."""
    columns = np.arange(200) * 10.0 * rise
    heights = np.tile(columns, (200, 1)).astype("float64")
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": 200,
        "height": 200,
        "count": 1,
        "dtype": "float64",
        "crs": "EPSG:4545",
        "transform": Affine(10, 0, ORIGIN_M[0] - 500, 0, -10, ORIGIN_M[1] + 1500),
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(heights, 1)


def test_distance_to_a_river(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0)]
    county.layers["rivers"] = [
        {
            "river_id": "R",
            "name": "河",
            "rank": "tributary",
            "is_management_boundary": True,
            "geometry": line((-2000, -1000), (4000, -1000)),
            **_MARK,
        }
    ]
    assert values(opened(county), "km_to_river")["A"] == pytest.approx(1.0, rel=1e-4)


def test_offers_of_parcels(county: County, opened: Open) -> None:
    county.layers["parcels"] = [vacant("A", 0, power_kva=1200, water_m3_d=None)]
    plan = opened(county)
    assert values(plan, "power_kva") == {"A": 1200}
    assert np.isnan(values(plan, "water_m3_d")["A"])


def test_the_default_criteria_follow_what_is_asked() -> None:
    land = {item.name for item in choose_criteria(project())}
    floors = {item.name for item in choose_criteria(project(needs="floor_area_m2: 500"))}
    assert land - floors == {"slope_mean_degrees", "steep_share"}
    text = "name: x\nindustry_code: '13'\nneeds: {land_m2: 1}\ncandidates: [land]\n"
    open_land = {item.name for item in choose_criteria(parse_project(text))}
    assert land - open_land == {"industry_fit", "focus_effect", "per_mu_potential"}
    assert open_land - land == {"overlap_share_development_boundary"}
    limited = parse_project(text + "access: {hospital: {max_km: 5}}\n")
    assert {item.name for item in choose_criteria(limited)} - open_land == {"km_to_hospital"}


def test_every_criterion_measures_the_demo_without_failing(demo: Plan) -> None:
    asked = parse_project("name: x\nindustry_code: '1311'\nneeds: {land_m2: 20000}\n")
    found = combine(find_parts(demo, asked), asked)
    sites = Sites(demo, found, asked, {})
    for criterion in CRITERIA.values():
        series = measure(criterion, sites)
        assert list(series.index) == [item.candidate_id for item in found]
        scaled = criterion.value.apply(series.to_numpy())
        assert ((scaled >= 0) & (scaled <= 1) | np.isnan(scaled)).all(), criterion.name
