"""A county whose every text is an attack, to be drawn and shown as the text that it is."""

from __future__ import annotations

from tests.county import County, box, line, parcel, park, point

LONG = "长" * 10_000
TEXTS = (
    "{{7*7}}",
    "{% raise %}",
    "{# note",
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "${alert(4)}",
    "`+alert(5)+`",
    "';alert(6);//",
    '"><svg onload=alert(7)>',
    "<!--",
    "map\u202egnp.exe\u202c",
    "line\u2028alert(8)\u2029break",
    "javascript:alert(9)",
    "&lt;b&gt;&amp;",
    "__proto__",
)
"""What must show as itself: templates, markup, script literals, marks of direction."""

_MARK = {"source": " ".join(TEXTS), "illustrative": True}


def hostile_county() -> County:
    """Return a county with the texts as names of parks, places, lines and areas."""
    county = County()
    names = (*TEXTS, LONG)
    county.layers["parks"] = [
        park(
            f"P{place}",
            box(2_000 * (place % 5), 2_000 * (place // 5), 1_000, 1_000),
            name=name,
            speciality=name,
            tier="municipal_park" if place == 0 else "sme_cluster",
            leading_industry="36" if place % 2 else "13",
            source=name,
        )
        for place, name in enumerate(names, start=0)
    ]
    county.layers["enterprises"] = [
        {**row, "park_id": "P0", "name": name, "geometry": point(200 + 40 * place, 300)}
        for place, (row, name) in enumerate(zip(county.layers["enterprises"], TEXTS, strict=False))
    ]
    county.layers["parcels"] = [
        parcel(
            name.replace("/", "|")[:128] if "\u202e" not in name else f"L{place}",
            box(150 * (place % 6), 500 + 60 * (place // 6), 120, 50),
            park_id="P0",
            land_use="100101",
            status="vacant" if place % 2 else "built",
        )
        for place, name in enumerate(TEXTS[:9])
    ]
    county.layers["buildings"] = [
        {
            "building_id": f"B{place}",
            "park_id": "P0",
            "name": name,
            "geometry": box(100 * place, 700, 60, 40),
            **_MARK,
        }
        for place, name in enumerate(TEXTS[:6])
    ]
    county.layers["facilities"] = [
        {
            "facility_id": f"F{place}",
            "kind": kind,
            "name": name,
            "geometry": point(300 + 400 * place, -200),
            **_MARK,
        }
        for place, (kind, name) in enumerate(
            zip(("interchange", "station", "port", "substation"), TEXTS[3:], strict=False)
        )
    ]
    county.layers["roads"] = [
        {
            "road_id": "W1",
            "name": TEXTS[5],
            "class": "county",
            "speed_km_h": 40,
            "geometry": line((-200, -200), (9_000, -200)),
            **_MARK,
        }
    ]
    county.layers["townships"] = [
        {
            "code": f"T{place}",
            "code_scheme": "nbs",
            "name": name,
            "kind": name,
            "geometry": point(2_000 * (place % 5), 2_000 * (place // 5) + 1_500),
            **_MARK,
        }
        for place, name in enumerate(names, start=1)
    ]
    county.layers["rivers"] = [
        {
            "river_id": "R1",
            "name": TEXTS[3],
            "rank": "main",
            "is_management_boundary": False,
            "geometry": line((-500, -500), (9_000, -400)),
            **_MARK,
        }
    ]
    county.layers["control_zones"] = [
        {
            "zone_id": f"Z{place}",
            "kind": "ecological_red_line",
            "grade": name,
            "name": name,
            "legal_basis": name,
            "geometry": box(2_000 * place, -1_500, 900, 700),
            **_MARK,
        }
        for place, name in enumerate(TEXTS[:5])
    ]
    return county


HOSTILE_RULES = """
format: "1"
title: {zh-Hans: "</script><script>alert(20)</script>", en: "${alert(21)}"}
extends: default
rules:
  focus.leading_share:
    title: {zh-Hans: "<img src=x onerror=alert(22)>{{7*7}}", en: "{% print(7) %}`+alert(23)+`"}
    legal_basis: {document: "</script><script>alert(24)</script>", article: "${alert(25)}"}
  control_zone.ecological_red_line:
    title: {zh-Hans: "{{7*7}}</script><img src=x onerror=alert(26)>", en: "<svg onload=alert(27)>"}
"""
"""A rulebook whose titles are attacks."""
HOSTILE_PROJECT = {
    "name": "</script><img src=x onerror=alert(28)>${alert(29)}{{7*7}}",
    "industry_code": "1311",
    "needs": {"land_m2": 1000},
    "access": {"interchange": {"max_km": 50}},
}
"""A project whose name is an attack."""
