from __future__ import annotations

import re
from functools import cache

import pytest

from deploy import front as joiner
from geo_service import front
from geo_service.errors import AssetError
from tests.conftest import ROOT
from tests.front.modules import IMPORT, imported, reached, scripts, source

ENTRIES = [name for names in joiner.PROGRAMS.values() for name in names if name.endswith(".js")]
MOST_LINES = 500
LONGEST_LINE = 100
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|srcdoc|document\.write|\beval\(|new Function"
    r"|setTimeout\(\s*['\"`]|setAttribute\('style'|localStorage"
    r"|https?://(?!www\.w3\.org/2000/svg)"
)


def test_what_browsers_load_is_joined_from_the_sources_as_they_are() -> None:
    assert joiner.is_joined(ROOT), "Join them again: make front"


def test_every_module_is_reached_from_an_entry() -> None:
    known = {name for entry in ENTRIES for name in reached(entry)}
    assert set(scripts()) == known
    assert len(known) > len(ENTRIES)


@pytest.mark.parametrize("name", scripts())
def test_a_module_sets_no_markup_and_runs_no_text(name: str) -> None:
    assert not FORBIDDEN.search(source(name))


@pytest.mark.parametrize("name", scripts())
def test_a_module_is_short_enough_to_be_read(name: str) -> None:
    lines = source(name).splitlines()
    assert len(lines) <= MOST_LINES
    # A path of an icon or a shape is one word, which no line break can shorten.
    assert not [
        line
        for line in lines
        if len(line) > LONGEST_LINE
        and " d: 'M" not in line
        and not re.match(r"^\s+\w+: 'M[^']*',$", line)
    ]


@pytest.mark.parametrize("name", scripts())
def test_a_module_is_checked_for_types(name: str) -> None:
    assert "@ts-nocheck" not in source(name)
    assert "@ts-ignore" not in source(name)
    for reason in re.findall(r"@ts-expect-error(.*)", source(name)):
        assert len(reason) > 10, "say why"


def test_shared_modules_know_neither_maps_nor_pages_and_these_not_each_other() -> None:
    for name in scripts():
        folder = name.partition("/")[0]
        homes = {other.partition("/")[0] for other in imported(name)}
        assert homes <= {folder, "shared"}, name


def test_no_module_imports_itself_by_a_detour() -> None:
    @cache
    def below(name: str, above: tuple[str, ...] = ()) -> None:
        assert name not in above, " -> ".join([*above, name])
        for other in imported(name):
            below(other, (*above, name))

    for entry in ENTRIES:
        below(entry)


def test_a_module_imports_only_files_beside_it() -> None:
    for name in scripts():
        text = source(name)
        assert len(IMPORT.findall(text)) == len(re.findall(r"^import\b", text, re.MULTILINE))
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)  # types name modules in comments
        assert "import(" not in code
        assert "require(" not in text


@pytest.mark.parametrize("name", sorted(front.names()))
def test_a_joined_file_leads_nowhere_and_can_stand_in_a_page(name: str) -> None:
    text = front.content(name).decode()
    assert not re.search(r"sourceMappingURL|</script|<!--|\r", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert not re.search(r"innerHTML|document\.write|\beval\(|new Function|Function\(", text)
    if name in joiner.PROGRAMS["iife"] and name.endswith(".js"):
        assert text.startswith('"use strict";')


def test_only_listed_files_are_given_out() -> None:
    with pytest.raises(AssetError, match="There is no script"):
        front.content("../__init__.py")
