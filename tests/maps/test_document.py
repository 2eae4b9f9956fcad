from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import branca.colormap
import folium
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geo_service as gs
from geo_service import front
from geo_service.errors import AssetError, NotFoundError
from geo_service.language import Language, Translator, catalogue
from geo_service.maps import document as page
from geo_service.maps.draw import draw, draw_served
from geo_service.maps.kinds.overview import OverviewData
from geo_service.plan import Plan
from geo_service.zoning.review import Review, review
from tests.county import County
from tests.front.modules import reached
from tests.maps.hostile import TEXTS, hostile_county

Opened = Callable[[County], Plan]
OUTSIDE = re.compile(r"(?:https?:)?//")
CSS_LOADS = re.compile(r"url\(\s*['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Parsed(HTMLParser):
    """A page as a browser's parser sees it; written apart from the one under test."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}", {}, ""))

    def handle_data(self, data: str) -> None:
        if self.elements:
            tag, attrs, text = self.elements[-1]
            self.elements[-1] = (tag, attrs, text + data)

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attrs, text) for name, attrs, text in self.elements if name == tag]

    def island(self) -> dict[str, Any]:
        found = [text for attrs, text in self.of("script") if attrs.get("id") == page.ISLAND_ID]
        assert len(found) == 1
        read: dict[str, Any] = json.loads(found[0])
        return read

    def inline_scripts(self) -> list[str]:
        return [
            text
            for attrs, text in self.of("script")
            if "src" not in attrs and attrs.get("type") != "application/json"
        ]


def directives(policy: str) -> dict[str, list[str]]:
    parts = [part.split() for part in policy.split(";")]
    return {part[0]: part[1:] for part in parts}


def meta_policy(text: str) -> dict[str, list[str]]:
    found = [attrs for attrs, _ in Parsed(text).of("meta") if "http-equiv" in attrs]
    assert [attrs["http-equiv"] for attrs in found] == ["Content-Security-Policy"]
    return directives(str(found[0]["content"]))


def sha256_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def served(result: Review, language: Language = Language.ZH_HANS) -> page.ServedPage:
    names = result.plan.settings.names_hant
    return page.served_page(draw_served(OverviewData(result, Translator(language, names))))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Review:
    return review(gs.open_plan(hostile_county().write(tmp_path_factory.mktemp("hostile"))))


# ---- the island ----


@given(JSON_VALUES)
def test_an_island_reads_back_and_cannot_leave_its_element(value: object) -> None:
    text = page.island({"value": value})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"value": value}
    wrapped = Parsed(f'<body><script type="application/json">{text}</script><p>after</p>')
    assert [name for name, _, _ in wrapped.elements] == ["body", "script", "/script", "p", "/p"]


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_texts_survive_the_island_as_they_are(text: str) -> None:
    assert json.loads(page.island([text])) == [text]


# ---- both pages ----


def test_no_page_loads_anything_from_outside(demo_review: Review) -> None:
    for text in (served(demo_review).html, draw(demo_review).get_root().render()):
        for _, attrs, _ in Parsed(text).elements:
            for name in ("src", "href", "srcset", "action", "data", "poster"):
                assert not OUTSIDE.match(attrs.get(name) or "")
        for _, rules in Parsed(text).of("style"):
            for match in CSS_LOADS.finditer(rules):
                assert (match[1] or match[2]).startswith(("data:", "#"))


def test_the_served_page_lets_in_own_files_and_one_hashed_script(demo_review: Review) -> None:
    found = served(demo_review)
    rules = directives(found.policy)
    scripts = Parsed(found.html).inline_scripts()
    assert len(scripts) == 1
    assert rules["script-src"] == ["'self'", sha256_source(scripts[0])]
    assert rules["style-src"] == ["'self'"]
    assert Parsed(found.html).of("style") == []
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'self'"]
    assert rules["base-uri"] == rules["object-src"] == rules["form-action"] == ["'none'"]
    assert "unsafe" not in found.policy


def test_the_served_page_carries_no_feature(demo_review: Review) -> None:
    text = served(demo_review).html
    settings = Parsed(text).island()
    assert "collections" not in settings
    assert "YY-B-01" not in text
    assert all(source["address"].startswith("/api/layers/") for source in settings["sources"])
    # Without features a page stays small: about 35 kB with all texts, styles and layers.
    assert len(text.encode()) < 60_000


def test_the_served_page_has_its_documents_fetched_ahead(demo_review: Review) -> None:
    parsed = Parsed(served(demo_review).html)
    links = [attrs for attrs, _ in parsed.of("link") if attrs["rel"] == "preload"]
    scripts = [attrs["src"] for attrs, _ in parsed.of("script") if attrs.get("src")]
    assert [attrs["href"] for attrs in links if attrs["as"] == "script"] == scripts
    ahead = [attrs for attrs in links if attrs["as"] != "script"]
    assert [attrs["href"] for attrs in ahead] == [
        source["address"] for source in parsed.island()["sources"] if not source["tiles"]
    ]
    assert ahead
    # As `fetch` asks for them by itself; otherwise a browser would ask twice.
    assert {(attrs["as"], attrs["crossorigin"]) for attrs in ahead} == {("fetch", None)}


def test_two_states_have_what_they_share_fetched_once() -> None:
    content = page.Content(
        title="",
        language="en",
        no_script="",
        settings={
            "sources": [
                {"address": "/a?x=1&y=%22", "tiles": None},
                {"address": "/a?x=1&y=%22", "tiles": None},
                {"address": "/b", "tiles": "/tiles/b/{z}/{x}/{y}.mvt"},
            ]
        },
    )
    drawn = page.PlanningMap(content, kinds=["a", "b"], bounds=(108.0, 30.0, 109.0, 31.0))
    parsed = Parsed(page.served_page(drawn).html)
    links = [attrs for attrs, _ in parsed.of("link") if attrs.get("as") == "fetch"]
    assert [attrs["href"] for attrs in links] == ["/a?x=1&y=%22"]


def test_a_mount_path_stands_before_every_address(demo_review: Review) -> None:
    data = OverviewData(demo_review, Translator())
    found = page.served_page(draw_served(data, root="/geo"), root="/geo")
    parsed = Parsed(found.html)
    addresses = [attrs["src"] for attrs, _ in parsed.of("script") if attrs.get("src")]
    addresses += [source["address"] for source in parsed.island()["sources"]]
    assert addresses
    assert all(str(address).startswith("/geo/") for address in addresses)


def test_the_standalone_page_lets_in_exactly_what_is_inline(demo_review: Review) -> None:
    text = draw(demo_review).get_root().render()
    rules = meta_policy(text)
    parsed = Parsed(text)
    scripts = parsed.inline_scripts()
    styles = [content for _, content in parsed.of("style")]
    assert rules["script-src"] == [sha256_source(script) for script in scripts]
    assert rules["style-src"] == [sha256_source(style) for style in styles]
    assert rules["connect-src"] == ["'none'"]
    # A policy in the page cannot say this one, and browsers complain when it tries.
    assert "frame-ancestors" not in rules
    assert not [attrs for attrs, _ in parsed.of("script") if "src" in attrs]
    assert not [attrs for attrs, _ in parsed.of("link") if attrs.get("rel") == "stylesheet"]


def test_the_policy_of_a_standalone_page_stands_before_what_it_governs(
    demo_review: Review,
) -> None:
    text = draw(demo_review).get_root().render()
    assert text.index("Content-Security-Policy") < text.index("<style")
    assert text.index("Content-Security-Policy") < text.index("<script")


def test_no_element_has_a_style_or_handler_attribute(demo_review: Review) -> None:
    for text in (served(demo_review).html, draw(demo_review).get_root().render()):
        for _, attrs, _ in Parsed(text).elements:
            assert not [name for name in attrs if name == "style" or name.startswith("on")]


def test_pages_are_the_same_every_time(county: County, opened: Opened) -> None:
    plan = opened(county)
    first, second = review(plan), review(plan)
    assert served(first) == served(second)
    assert served(first).digest == served(second).digest
    assert draw(first).get_root().render() == draw(second).get_root().render()
    drawn = draw(first)
    assert drawn.get_root().render() == drawn.get_root().render()


def test_languages_give_different_pages_with_the_same_ids(demo_review: Review) -> None:
    pages = {language: served(demo_review, language) for language in Language}
    assert len({found.digest for found in pages.values()}) == len(Language)
    for language, found in pages.items():
        assert Parsed(found.html).of("html")[0][0]["lang"] == language.value
    traditional = Parsed(pages[Language.ZH_HANT].html).island()
    simplified = Parsed(pages[Language.ZH_HANS].html).island()
    assert simplified["title"] == "云阳县工业布局总览图"
    assert traditional["title"] == "雲陽縣工業佈局總覽圖"
    layers = [
        [layer["name"] for group in island["groups"] for layer in group["layers"]]
        for island in (simplified, traditional)
    ]
    assert layers[0] == layers[1]


def test_the_legend_names_every_symbol_from_the_style(demo_review: Review) -> None:
    settings = Parsed(served(demo_review).html).island()
    for group in settings["groups"]:
        for layer in group["layers"]:
            for key in layer["symbols"]:
                assert key in settings["symbols"]
                assert settings["labels"][key]["label"]
    assert settings["verdicts"] == dict(demo_review.verdicts)
    counted = {
        layer["name"]: layer["count"]
        for group in settings["groups"]
        if group["name"] == "verdicts"
        for layer in group["layers"]
    }
    for verdict, count in demo_review.verdicts.items():
        assert counted[f"parks.{verdict}"] == count


# ---- hostile values ----


def test_hostile_values_reach_no_page_unescaped(hostile: Review) -> None:
    text = draw(hostile).get_root().render()
    parsed = Parsed(text)
    # Outside the island, the page of the hostile county is that of any other.
    island = page.island(parsed.island())
    assert island in text
    frame = text.replace(island, "")
    for value in TEXTS:
        assert value not in frame or value in {"<!--", "__proto__"}
    assert "alert(" not in frame
    assert "49" not in [
        item["properties"]["name"] for item in parsed.island()["collections"]["parks"]["features"]
    ]


def test_hostile_values_come_through_as_they_were(hostile: Review) -> None:
    collections = Parsed(draw(hostile).get_root().render()).island()["collections"]
    names = [item["properties"]["name"] for item in collections["parks"]["features"]]
    assert names[: len(TEXTS)] == list(TEXTS)


def test_the_county_s_name_is_escaped_in_the_title(county: County, opened: Opened) -> None:
    plan = opened(county)
    name = "</title><script>alert(1)</script>{{7*7}}"
    settings = plan.settings
    changed = type(settings)(**{**vars(settings), "name": {"zh-Hans": name}})
    found = served(review(Plan(plan.layers, changed)))
    assert f"<title>{html.escape(name)}工业布局总览图</title>" in found.html
    assert len(Parsed(found.html).inline_scripts()) == 1


# ---- Folium ----


def test_save_and_notebook_give_the_standalone_page(demo_review: Review, tmp_path: Path) -> None:
    drawn = draw(demo_review)
    file = tmp_path / "map.html"
    drawn.save(str(file))
    assert file.read_text(encoding="utf-8") == drawn.get_root().render()
    assert html.escape(drawn.get_root().render()) in drawn._repr_html_()
    assert isinstance(drawn, folium.Map)


def test_other_folium_elements_keep_working_and_are_hashed(demo_review: Review) -> None:
    drawn = draw(demo_review)
    folium.CircleMarker([30.9, 108.7]).add_to(drawn)
    text = drawn.get_root().render()
    script = next(code for code in Parsed(text).inline_scripts() if "circleMarker(" in code)
    assert sha256_source(script) in meta_policy(text)["script-src"]


def test_an_element_that_needs_an_outside_file_is_refused(demo_review: Review) -> None:
    drawn = draw(demo_review)
    drawn.add_child(branca.colormap.linear.viridis.scale(0, 1))  # type: ignore[attr-defined]
    with pytest.raises(AssetError, match="must not load it from outside"):
        drawn.get_root().render()


def test_markup_that_loads_from_outside_is_refused(demo_review: Review) -> None:
    drawn = draw(demo_review)
    root: Any = drawn.get_root()
    root.header.add_child(folium.Element('<script src="https://cdn.example/x.js"></script>'))
    with pytest.raises(AssetError):
        root.render()


def test_maps_share_no_links(demo_review: Review) -> None:
    before = draw(demo_review)
    assert [name for name, _ in page.PlanningMap.default_js] == ["leaflet"]
    assert [name for name, _ in before.default_js] == ["leaflet"]


@pytest.mark.parametrize("code", ["x = '</SCRIPT>'", "<!-- x"])
def test_a_script_that_would_end_early_is_refused(code: str) -> None:
    with pytest.raises(AssetError, match="cannot be put inline"):
        page._script(code)


def test_only_listed_files_are_ours() -> None:
    ours = {name.removeprefix("map/") for name in front.names() if name.startswith("map/")}
    assert ours == set(page.STATIC_FILES)
    with pytest.raises(NotFoundError):
        page.static_file("../page.py")


def test_every_text_that_our_scripts_ask_for_is_in_the_catalogue() -> None:
    asked = {
        key
        for source in reached("map/program.js").values()
        for key in re.findall(r"\btext\(\s*'([a-z_]+)'", source)
    }
    assert len(asked) > 30
    assert {f"map.{key}" for key in asked} <= set(catalogue())
