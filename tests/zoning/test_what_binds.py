"""No opinion of this product's, and no practice elsewhere, ever makes a park fail."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.errors import RulebookError
from geo_service.model import BasisGroup, BasisTag, Severity, Verdict, park_verdict
from geo_service.schema import ZONE_GRADES, ZONE_KINDS
from geo_service.workspace.opening import open_plan
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import default_rulebook, parse_rulebook
from tests.county import County, box, enterprise, line, parcel, point, zone
from tests.depth import thorough
from tests.zoning.made import river

DAY = date(2026, 11, 30)
RULES = list(default_rulebook().rules)
CODES = st.sampled_from(["1311", "3670", "2611", "2710", "0810", "9999", None])
USES = st.sampled_from(["100101", "100103", "0701", "0601", None])


@st.composite
def counties(draw: st.DrawFn) -> County:
    """Return a county with some zones, parcels, enterprises and rivers wherever they fall."""
    made = County()
    place = st.tuples(st.integers(-500, 3200), st.integers(-500, 1200))
    for number, (x, y) in enumerate(draw(st.lists(place, max_size=4))):
        kind = draw(st.sampled_from(ZONE_KINDS))
        grade = draw(st.sampled_from([None, *ZONE_GRADES.get(kind, ("1",))]))
        made.layers["control_zones"].append(
            zone(f"Z{number}", box(x, y, 300, 300), kind=kind, grade=grade)
        )
    parcels = [
        parcel(
            f"L{number}",
            box(x, y, 60, 60),
            land_use=draw(USES),
            status=draw(st.sampled_from(["vacant", "built", "idle"])),
            plot_ratio=draw(st.sampled_from([None, 0.1, 1.5])),
        )
        for number, (x, y) in enumerate(draw(st.lists(place, max_size=3)))
    ]
    if parcels:
        made.layers["parcels"] = parcels
    for number, (x, y) in enumerate(draw(st.lists(place, max_size=3))):
        spot = point(x, y)
        made.layers["enterprises"].append(
            enterprise(
                f"X{number}",
                draw(CODES),
                draw(st.sampled_from([None, 1.0, 900.0])),
                park_id=draw(st.sampled_from(["P1", "P2"])),
                is_new=draw(st.sampled_from([True, False, None])),
                loss_years=draw(st.sampled_from([None, 0, 4])),
                stage=draw(st.sampled_from([None, "company"])),
            )
        )
        made.layers["rivers"] = [river("R", line((spot.x - 500_000, -3000), (0, 3000)))]
    for row in made.layers["parks"]:
        row["leading_industry"] = draw(st.sampled_from(["13", "36", "13;36", None]))
        row["tier"] = draw(st.sampled_from(["sme_cluster", "building_park", "municipal_park"]))
        row["declared_area_ha"] = draw(st.sampled_from([row["declared_area_ha"], 1.0, None]))
    return made


@st.composite
def rulebooks(draw: st.DrawFn) -> str:
    """Return a rulebook's text over the shipped one that raises rules as counties might."""
    rules: dict[str, dict[str, Any]] = {}
    for rule_id in draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique=True)):
        change: dict[str, Any] = {"severity": draw(st.sampled_from(["must", "should", "info"]))}
        if draw(st.booleans()):
            change["basis_tag"] = draw(st.sampled_from([str(tag) for tag in BasisTag]))
        basis = draw(st.sampled_from([None, "product_default", "water_law", "ours", "words"]))
        if basis == "words":
            change["legal_basis"] = {"document": "a paper of the county"}
        elif basis is not None:
            change["bases"] = [{"document": basis}]
        rules[rule_id] = change
    return json.dumps(
        {
            "format": "1",
            "title": {"en": "made"},
            "extends": "default",
            "documents": {
                "ours": {"name": {"en": "Ours"}, "kind": "county_policy", "trust": "read"}
            },
            "rules": rules,
        }
    )


def reviewed(county: County, text: str) -> Review:
    """Return the review of a county by a rulebook, by the shipped one where that is refused."""
    try:
        rules = parse_rulebook(text, "made.json")
    except RulebookError:
        rules = default_rulebook()
    with tempfile.TemporaryDirectory() as folder:
        plan = open_plan(county.write(Path(folder) / "county"))
        return review(plan, rules, as_of=DAY)


@pytest.mark.slow
@thorough(60)
@given(counties(), rulebooks())
def test_only_a_law_or_the_county_makes_a_park_fail(county: County, rules: str) -> None:
    """Also, a park's verdict is the worst of those that it has by kinds of basis."""
    worst_first = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH, Verdict.PASS)
    result = reviewed(county, rules)
    for finding in result.results:
        if not finding.basis_tag.is_binding:
            assert finding.severity is not Severity.MUST, finding.rule_id
    for park_id, verdict in result.park_verdicts.items():
        by_basis = result.verdicts_by_basis[park_id]
        assert by_basis[BasisGroup.REFERENCE] in {None, Verdict.PASS, Verdict.WATCH}
        binding = [
            (item.severity, item.verdict)
            for item in result.findings_of(park_id)
            if item.counts and item.basis_tag.is_binding
        ]
        assert (verdict is Verdict.FAIL) == (park_verdict(binding) is Verdict.FAIL)
        given_by = [item for item in by_basis.values() if item is not None]
        assert min(given_by, key=worst_first.index) is verdict
        assert bool(result.rests_on[park_id]) == (verdict is not Verdict.PASS)
