"""Projects: every fault with its line and the nearest name; a schema for editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.errors import ProjectError
from geo_service.language import ENGLISH
from geo_service.suitability.project import (
    open_project,
    parse_project,
    project_of,
    project_schema,
)

GOOD = "name: 电池二期\nindustry_code: 3841\nneeds: {land_m2: 20000}\n"


def floors_only(needs: str) -> str:
    """Return what is said of needs that only floors can meet."""
    return ENGLISH.text("fault.floors_only", names=needs)


def refused(text: str) -> str:
    """Return the message with which a project is refused."""
    with pytest.raises(ProjectError) as caught:
        parse_project(text, "p.yaml")
    return str(caught.value)


def test_the_least_project_has_defaults() -> None:
    project = parse_project(GOOD)
    assert (project.kind, project.method, project.unknown) == ("new", "weighted_sum", "keep")
    assert project.needs.land_m2 == 20_000


def test_json_is_read_as_well() -> None:
    text = '{"name": "x", "industry_code": "3841", "needs": {"floor_area_m2": 3000}}'
    assert parse_project(text).needs.floor_area_m2 == 3000


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("needs: {land_m2: 20000}", "needs: {land_m: 1}", "p.yaml:3"),
        ("needs: {land_m2: 20000}", "needs: {land_m: 1}", "'land_m2'?"),
        ("land_m2: 20000", "land_m2: 20000, floor_area_m2: 1", "one of them"),
        ("land_m2: 20000", "", "one of them"),
        ("land_m2: 20000", "land_m2: -1", "greater than 0"),
        ("3841", "9999", "p.yaml:2"),
        ("name: 电池二期", "nam: x", "'name'?"),
        ("land_m2: 20000", "land_m2: inf", "needs.land_m2: found 'inf'; expected finite numbers"),
        ("land_m2: 20000", "land_m2: 20000, power_kva: nan", "needs.power_kva"),
        ("land_m2: 20000", "land_m2: 20000, floor_load_kn_m2: 5", floors_only("floor_load_kn_m2")),
        ("land_m2: 20000", "land_m2: 20000, fire_class: 丙", floors_only("fire_class")),
        (
            "land_m2: 20000",
            "land_m2: 1, contiguous_floors: false",
            floors_only("contiguous_floors"),
        ),
    ],
)
def test_a_fault_names_line_and_nearest(old: str, new: str, part: str) -> None:
    assert part in refused(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("needs", "kinds", "part"),
    [
        ("floor_area_m2: 6000", "[land]", "p.yaml:4, column candidates"),
        (
            "floor_area_m2: 6000",
            "[parcel, park]",
            "expected floors: only these can offer",
        ),
        ("land_m2: 6000", "[floors]", "expected parcel, parcels, park, land: only"),
    ],
)
def test_where_to_look_fits_what_is_needed(needs: str, kinds: str, part: str) -> None:
    text = f"name: x\nindustry_code: 3841\nneeds: {{{needs}}}\ncandidates: {kinds}\n"
    assert part in refused(text)


def test_a_number_that_json_cannot_hold_is_refused_not_dropped() -> None:
    fields = {"name": "x", "industry_code": 3841, "needs": {"land_m2": 1}, "output_cny": 1e999}
    with pytest.raises(ProjectError, match=r"output_cny: found 'Infinity'"):
        project_of(fields)


def test_the_same_value_function_in_yaml_and_json_is_the_same_project() -> None:
    wish = (
        "criteria: {capacity_fit: {value_function: {kind: stepped, bounds: [2], values: [1, 0]}}}"
    )
    told = {"kind": "stepped", "bounds": [2], "values": [1, 0]}
    fields = {"name": "电池二期", "industry_code": 3841, "needs": {"land_m2": 20000}}
    one = parse_project(GOOD + wish)
    assert one == project_of({**fields, "criteria": {"capacity_fit": {"value_function": told}}})
    assert one.criteria["capacity_fit"].value_function == {**told, "closed": "right"}


def test_an_unknown_facility_names_the_nearest() -> None:
    assert "'interchange'?" in refused(GOOD + "access: {intercange: {max_km: 3}}\n")


def test_access_takes_minutes_or_kilometres() -> None:
    assert "one of them" in refused(GOOD + "access: {port: {max_km: 3, max_minutes: 3}}\n")


def test_ahp_needs_its_matrix() -> None:
    assert "go together" in refused(GOOD + "weights: {method: ahp}\n")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no such file"):
        open_project(tmp_path / "none.yaml")


def test_the_schema_describes_every_field() -> None:
    schema = project_schema()
    needs = schema["$defs"]["Needs"]["properties"]
    assert all(field.get("description") for field in needs.values())
    assert schema["additionalProperties"] is False


def test_the_schema_lets_editors_flag_names() -> None:
    schema = project_schema()
    fields, parts = schema["properties"], schema["$defs"]
    assert "industry_fit" in fields["criteria"]["propertyNames"]["enum"]
    assert "interchange" in fields["access"]["propertyNames"]["enum"]
    matrix, _ = parts["Weights"]["properties"]["ahp_matrix"]["anyOf"]
    assert matrix["propertyNames"] == matrix["additionalProperties"]["propertyNames"]
    linear, stepped, target, nothing = parts["Wish"]["properties"]["value_function"]["anyOf"]
    assert linear["required"] == ["kind", "worst", "best"]
    assert stepped["properties"]["bounds"]["type"] == "array"
    assert "tolerance" not in target["required"]
    assert not any(form["additionalProperties"] for form in (linear, stepped, target))
    assert nothing == {"type": "null"}
