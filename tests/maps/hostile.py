"""A county whose every text is an attack, to be drawn and shown as the text that it is."""

from __future__ import annotations

from tests.county import County, box, line, park, point

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
        {**row, "park_id": "P0", "name": name}
        for row, name in zip(county.layers["enterprises"], TEXTS, strict=False)
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
