"""The register of documents: in force to the day, stale by calendar months, faults with lines."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_service.data import data_file
from geo_service.documents import read_yaml
from geo_service.errors import RulebookError
from geo_service.language import Language, Translator, catalogue
from geo_service.model import BasisTag
from geo_service.zoning.laws import (
    KIND_TAGS,
    DocumentKind,
    Register,
    Trust,
    can_carry,
    default_register,
    parse_documents,
    parse_register,
)
from tests.depth import thorough

CODE = "ecological_environment_code"
BARE = {"name": {"zh-Hans": "甲"}, "kind": "law", "trust": "read"}


def register_of(**documents: dict[str, Any]) -> Register:
    """Return a register of documents that are alike but for these values."""
    table = {name: BARE | values for name, values in documents.items()}
    register, faults = parse_documents(table, "own.yaml", {})
    assert not faults
    assert register is not None
    return register


def told(text: str, base: Register | None = None) -> str:
    """Return what is wrong with a table of documents, written as YAML."""
    data, lines, faults = read_yaml(text, "own.yaml")
    assert not faults
    register, faults = parse_documents(data["documents"], "own.yaml", lines, base=base)
    assert register is None
    return "\n".join(str(fault) for fault in faults)


# ---- the shipped register ---------------------------------------------------------------------


def test_every_shipped_document_has_a_name_and_a_label_of_its_kind() -> None:
    for document in default_register().values():
        part = document.part
        assert part.name.get("zh-Hans")
        assert f"document_kind.{part.kind}" in catalogue()
        assert f"trust.{part.trust}" in catalogue()
        if part.kind in {DocumentKind.COUNTY_POLICY, DocumentKind.PRACTICE, DocumentKind.PRODUCT}:
            assert part.name.get("en")  # the wording is ours or the county's
        else:
            assert set(part.name) == {"zh-Hans"}  # names of laws are not translated
        if part.note is not None:
            assert {"zh-Hans", "en"} <= set(part.note)


def test_what_was_read_says_when_and_what_is_only_known_does_not_look_read() -> None:
    for document in default_register().values():
        if document.part.trust is not Trust.KNOWN:
            assert document.part.looked_at is not None, document.document_id


def test_no_shipped_text_gets_a_rare_character() -> None:
    translator = Translator(Language.ZH_HANT)
    texts = data_file("laws.yaml").read_text(encoding="utf-8").splitlines()
    converted = "".join(translator.convert(text) for text in texts)
    assert not set("羣爲衆牀喫麪峯裏汙") & set(converted)


@pytest.mark.parametrize(
    ("day", "in_force"),
    [
        (date(2026, 8, 1), "water_pollution_law"),
        (date(2026, 8, 14), "water_pollution_law"),  # its last day
        (date(2026, 8, 15), CODE),  # the Code's first day
        (date(2026, 9, 1), CODE),
    ],
)
def test_the_day_decides_between_the_old_water_law_and_the_code(day: date, in_force: str) -> None:
    register = default_register()
    both = ("water_pollution_law", CODE)
    assert [name for name in both if register[name].is_in_force(day)] == [in_force]


@pytest.mark.parametrize(
    ("day", "in_force"),
    [
        (date(2026, 3, 14), "nature_reserve_regulations_1994"),
        (date(2026, 3, 15), "nature_reserve_regulations_2026"),
    ],
)
def test_the_day_decides_between_two_texts_of_one_name(day: date, in_force: str) -> None:
    register = default_register()
    both = ("nature_reserve_regulations_1994", "nature_reserve_regulations_2026")
    assert [name for name in both if register[name].is_in_force(day)] == [in_force]
    assert register[both[0]].part.name == register[both[1]].part.name


def test_the_boundary_measures_begin_while_the_opinions_go_on() -> None:
    register = default_register()
    eve, first = date(2026, 2, 10), date(2026, 2, 11)
    assert not register["urban_development_boundary_measures"].is_in_force(eve)
    assert register["urban_development_boundary_measures"].is_in_force(first)
    assert register["three_control_lines_opinions"].is_in_force(eve)
    assert register["three_control_lines_opinions"].is_in_force(first)


def test_a_document_replaced_nobody_knows_when_is_in_force_on_no_day() -> None:
    register = default_register()
    old, new = register["land_control_indicators_2008"], register["land_control_indicators_2023"]
    for day in (date(2010, 1, 1), date(2026, 11, 30)):
        assert not old.is_in_force(day)
        assert old.ended_before(day)
        assert new.is_in_force(day)


# ---- days -------------------------------------------------------------------------------------


def test_a_document_is_in_force_from_its_first_to_its_last_day() -> None:
    document = register_of(a={"in_force_from": "2025-03-01", "in_force_until": "2025-04-30"})["a"]
    in_force = [date(2025, 2, 28), date(2025, 3, 1), date(2025, 4, 30), date(2025, 5, 1)]
    assert [document.is_in_force(day) for day in in_force] == [False, True, True, False]
    assert [document.ended_before(day) for day in in_force] == [False, False, False, True]


def test_a_document_without_a_last_day_ends_on_the_eve_of_its_successor() -> None:
    register = register_of(a={"superseded_by": "b"}, b={"in_force_from": "2025-03-01"})
    assert register["a"].last_day == date(2025, 2, 28)
    assert register["a"].is_in_force(date(2025, 2, 28))
    assert not register["a"].is_in_force(date(2025, 3, 1))


@pytest.mark.parametrize(
    ("looked_at", "months", "last_fresh"),
    [
        ("2025-11-30", 12, date(2026, 11, 30)),
        ("2024-02-29", 12, date(2025, 2, 28)),  # 2025 has no 29 February
        ("2025-01-31", 1, date(2025, 2, 28)),
        ("2025-08-31", 6, date(2026, 2, 28)),
        ("2025-12-15", 1, date(2026, 1, 15)),
        ("2025-12-15", 0, date(2025, 12, 15)),
    ],
)
def test_a_document_is_stale_after_calendar_months(
    looked_at: str, months: int, last_fresh: date
) -> None:
    document = register_of(a={"looked_at": looked_at})["a"]
    assert not document.is_stale(last_fresh, months)
    assert document.is_stale(last_fresh + timedelta(days=1), months)


def test_a_document_that_nobody_read_is_stale_from_the_start() -> None:
    document = register_of(a={"trust": "known", "certainty": "0.9"})["a"]
    assert document.is_stale(date(2000, 1, 1), 1200)


def test_staleness_is_a_year_unless_told_otherwise() -> None:
    document = register_of(a={"looked_at": "2025-11-30"})["a"]
    assert not document.is_stale(date(2026, 11, 30))
    assert document.is_stale(date(2026, 12, 1))


DAYS = st.dates(date(2020, 1, 1), date(2020, 12, 31))


@given(st.data())
@thorough(200)
def test_never_two_documents_of_one_succession_are_in_force_on_one_day(data: st.DataObject) -> None:
    names = [f"d{number}" for number in range(data.draw(st.integers(2, 4)))]
    days = data.draw(st.lists(DAYS, min_size=2 * len(names), max_size=2 * len(names)))
    if data.draw(st.booleans()):
        days.sort()  # else nearly every succession would be refused
    table = {}
    for number, name in enumerate(names):
        entry: dict[str, Any] = dict(BARE)
        fields = data.draw(st.sets(st.sampled_from(["in_force_from", "in_force_until"])))
        entry |= dict(
            zip(sorted(fields), (day.isoformat() for day in days[2 * number :]), strict=False)
        )
        if number + 1 < len(names):
            entry["superseded_by"] = data.draw(st.sampled_from(names[number + 1 :]))
        table[name] = entry
    register, faults = parse_documents(table, "own.yaml", {})
    assert (register is None) == bool(faults)
    if register is None:
        return
    asked = data.draw(DAYS)
    for name in names:
        later = name
        while (successor := register[later].part.superseded_by) is not None:
            later = successor
            assert not (register[name].is_in_force(asked) and register[later].is_in_force(asked))


# ---- what a rule may claim ---------------------------------------------------------------------


def test_every_kind_has_a_strongest_tag_and_may_always_claim_less() -> None:
    assert set(KIND_TAGS) == set(DocumentKind)
    for kind, tag in KIND_TAGS.items():
        assert can_carry(kind, tag)
        assert can_carry(kind, BasisTag.PRODUCT_DEFAULT)
    assert not can_carry(DocumentKind.STANDARD, BasisTag.LAW)
    assert not can_carry(DocumentKind.PRODUCT, BasisTag.PUBLISHED_PRACTICE)
    assert can_carry(DocumentKind.REGULATION, BasisTag.LAW)


# ---- faults -----------------------------------------------------------------------------------

HEAD = "documents:\n"
ONE = "{name: {zh-Hans: 甲}, kind: law, trust: read"


def test_a_county_adds_documents_over_the_shipped() -> None:
    text = f"{HEAD}  county_rule: {ONE}, in_force_until: 2026-08-14, superseded_by: {CODE}}}\n"
    data, lines, _ = read_yaml(text, "own.yaml")
    shipped = default_register()
    register, faults = parse_documents(data["documents"], "own.yaml", lines, base=shipped)
    assert not faults
    assert register is not None
    assert list(register)[:-1] == list(shipped)
    assert register["county_rule"].last_day == date(2026, 8, 14)
    assert "county_rule" not in shipped


def test_a_county_does_not_redefine_a_shipped_document() -> None:
    found = told(f"{HEAD}  {CODE}: {ONE}}}\n", default_register())
    assert "own.yaml:2" in found
    assert "which ships with the product" in found


def test_an_unknown_successor_names_line_and_nearest() -> None:
    found = told(f"{HEAD}  first: {ONE}, superseded_by: secnd}}\n  second: {ONE}}}\n")
    assert "own.yaml:2" in found
    assert "unknown document 'secnd'; expected 'second'?" in found


def test_documents_that_supersede_each_other_in_a_circle_are_refused() -> None:
    found = told(
        f"{HEAD}  a: {ONE}, superseded_by: b}}\n"
        f"  b: {ONE}, superseded_by: c}}\n"
        f"  c: {ONE}, superseded_by: b}}\n"
    )
    assert [line.split(",")[0] for line in found.splitlines()] == ["own.yaml:3", "own.yaml:4"]


def test_a_document_does_not_supersede_itself() -> None:
    assert "superseded by itself" in told(f"{HEAD}  a: {ONE}, superseded_by: a}}\n")


def test_a_last_day_before_the_first_is_refused() -> None:
    found = told(f"{HEAD}  a: {ONE}, in_force_from: 2026-01-02, in_force_until: 2026-01-01}}\n")
    assert "in_force_until must not be before in_force_from" in found


@pytest.mark.parametrize("follows", ["in_force_from: 2026-08-14, ", ""])
def test_a_successor_begins_after_the_last_day(follows: str) -> None:
    second = ONE.replace("{name", "{" + follows + "name")
    found = told(
        f"{HEAD}  a: {ONE}, in_force_until: 2026-08-14, superseded_by: b}}\n  b: {second}}}\n"
    )
    assert "after 2026-08-14" in found


def test_certainty_belongs_to_general_knowledge_alone() -> None:
    assert "certainty only with trust: known" in told(f"{HEAD}  a: {ONE}, certainty: 0.9}}\n")


def test_a_document_without_a_name_is_refused() -> None:
    found = told(f"{HEAD}  a: {{name: {{zh-Hant: 甲}}, kind: law, trust: read}}\n")
    assert "a name in Chinese" in found


@pytest.mark.parametrize("document_id", ["A", "1a", "a-b", "a" * 65, "甲"])
def test_an_id_is_small_letters_digits_and_underscores(document_id: str) -> None:
    assert "small letters" in told(f"{HEAD}  {document_id}: {ONE}}}\n")


def test_unknown_fields_and_wrong_values_are_all_listed() -> None:
    found = told(f"{HEAD}  a:\n    name: {{zh-Hans: 甲}}\n    kind: lore\n    trst: read\n")
    assert "own.yaml:4" in found
    assert "'trust'?" in found


def test_many_faults_are_counted_rather_than_listed() -> None:
    table = HEAD + "".join(f"  a{number}: {{}}\n" for number in range(1000))
    assert len(told(table).splitlines()) < 300


def test_a_whole_register_says_its_form() -> None:
    with pytest.raises(RulebookError) as caught:
        parse_register('format: "2"\ndocuments: {}\n', "laws.yaml")
    assert "laws.yaml:1" in str(caught.value)
    assert parse_register('format: "1"\ndocuments: {}\n', "laws.yaml") == Register({})
