from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from geo_service.reports.plain_text import clean, one_line

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@given(ANY_TEXT)
def test_a_clean_text_can_stand_in_xml_and_stays_as_it_is(text: str) -> None:
    made = clean(text)
    element = ET.Element("a")
    element.text = made
    again = ET.fromstring(ET.tostring(element, encoding="utf-8"))  # noqa: S314 - made here
    assert (again.text or "") == made
    assert clean(made) == made


@given(ANY_TEXT, st.integers(2, 20))
def test_a_text_is_never_longer_than_asked(text: str, most: int) -> None:
    assert len(clean(text, most=most)) <= most
    assert "\n" not in one_line(text)


def test_what_says_something_is_kept() -> None:
    assert clean("云阳县 {{7*7}}\t<b>&amp;</b>\n𠮷") == "云阳县 {{7*7}}\t<b>&amp;</b>\n𠮷"
    assert clean("map\u202egnp.exe") == "mapgnp.exe"
