from __future__ import annotations

import ast
import re
from collections.abc import Callable
from string import Formatter

import pytest

from geo_service.data import data_file
from geo_service.industry import classification
from geo_service.language import Language, Translator, catalogue
from geo_service.model import Message, Quantity
from geo_service.plan import Plan
from geo_service.reports.document import focus_figures
from geo_service.schema import LAND_USE_SCHEMES, SCHEMAS
from geo_service.zoning.names import named_column, named_industry, named_land_use
from geo_service.zoning.review import Review, review
from geo_service.zoning.rulebook import parse_rulebook
from tests.conftest import ROOT
from tests.county import County

Open = Callable[[County], Plan]
SIMPLIFIED = Translator()
TRADITIONAL = Translator(Language.ZH_HANT, {"后叶": "后葉"})
ENGLISH = Translator(Language.EN)

COLUMNS = sorted({column for schema in SCHEMAS.values() for column in schema.columns})
BRACKETS = re.compile(r"（[^（）]*）|\([^()]*\)")
FAULTS = {
    "a raw identifier": re.compile(r"[a-z]+_[a-z]"),
    "a missing value": re.compile(r"\b(None|nan|NaT)\b|<NA>"),
    "an exponent": re.compile(r"[0-9]e[+-][0-9]"),
    "a double space": re.compile(r"  "),
    "a stray space": re.compile(r"\s[，。；：、）]|[，。；：、（]\s|^\s|\s$"),
    "an unfilled place": re.compile(r"[{}]"),
}


@pytest.fixture(scope="module")
def result(demo_review: Review) -> Review:
    """Return the review of the demo county on a fixed day."""
    return demo_review


def faults_of(text: str) -> list[str]:
    """Return what a reader would stumble over in a text."""
    bare = BRACKETS.sub("", BRACKETS.sub("", text))
    return [
        name
        for name, pattern in FAULTS.items()
        if pattern.search(bare if name == "a raw identifier" else text)
    ]


def texts_of(found: Review, translator: Translator) -> list[str]:
    messages = [text for item in found.results for text in (item.title, item.cure)]
    return [translator.render(message) for message in messages if message is not None]


# ---- the catalogue --------------------------------------------------------------------------


def test_every_text_is_there_in_both_languages_and_is_a_template() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == {"zh", "en"}, key
        for text in texts.values():
            assert text.strip() == text, key
            assert text, key
            list(Formatter().parse(text))


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_has_a_label_in_both_languages(column: str) -> None:
    message = named_column(column)
    assert SIMPLIFIED.render(message).endswith(f"（{column}）")
    assert re.search(r"[\u4e00-\u9fff]", SIMPLIFIED.render(message))
    assert ENGLISH.render(message).endswith(f" ({column})")


@pytest.mark.parametrize("scheme", LAND_USE_SCHEMES)
def test_every_land_use_scheme_has_a_name(scheme: str) -> None:
    assert scheme not in SIMPLIFIED.text(f"scheme.{scheme}")


def message_keys() -> list[tuple[str, bool]]:
    """Return every key that the review's messages are made with; and whether it is only a part."""
    found = []
    for path in sorted((ROOT / "geo_service" / "zoning").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Message"):
                continue
            first = node.args[0]
            parts = first.values[:1] if isinstance(first, ast.JoinedStr) else ast.walk(first)
            keys = [part.value for part in parts if isinstance(part, ast.Constant)]
            found += [
                (key, isinstance(first, ast.JoinedStr))
                for key in keys
                if isinstance(key, str) and "." in key
            ]
    return sorted(set(found))


@pytest.mark.parametrize(("key", "is_part"), message_keys())
def test_every_message_of_the_review_is_in_the_catalogue(key: str, is_part: bool) -> None:  # noqa: FBT001
    assert any(known.startswith(key) for known in catalogue()) if is_part else key in catalogue()


# ---- findings as a reader meets them ----------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_findings_of_the_demo_county_read_well(result: Review, language: Language) -> None:
    translator = Translator(language, result.plan.settings.names_hant)
    bad = {text: faults_of(text) for text in set(texts_of(result, translator))}
    assert {text: found for text, found in bad.items() if found} == {}


@pytest.mark.parametrize("language", Language)
def test_findings_of_a_bare_county_read_well(
    county: County, opened: Open, language: Language
) -> None:
    del county.layers["enterprises"]
    for park in county.layers["parks"]:
        park |= {"leading_industry": "18", "township_code": None, "speciality": None}
    texts = texts_of(review(opened(county)), Translator(language))
    assert [(text, faults_of(text)) for text in texts if faults_of(text)] == []


def test_an_empty_register_is_said_to_be_empty(county: County, opened: Open) -> None:
    del county.layers["enterprises"]
    assert "企业名录为空，无法计算" in texts_of(review(opened(county)), SIMPLIFIED)


def test_findings_name_what_the_official_knows(result: Review) -> None:
    texts = "\n".join(texts_of(result, SIMPLIFIED))
    assert "无法计算占比，缺少产值（output_cny）" in texts
    assert "未载明飞地合作方（enclave_partner）、飞地利益分享约定（enclave_terms）" in texts
    assert "距长江河道管理范围（示意）640 m，不足 1,000 m" in texts
    assert "沙市镇（500235123）" in texts
    assert "100102 二类工业用地（国土空间规划用地用海分类 2023 版）" in texts
    assert "地块" not in texts


# ---- quantities -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "chinese", "english"),
    [
        (Quantity(1_777_777.78, "CNY/mu"), "177.8 万元/亩", "1,777,778 CNY/mu"),
        (Quantity(2e6, "CNY/mu"), "200 万元/亩", "2,000,000 CNY/mu"),
        (Quantity(100_000_000, "CNY"), "10,000 万元", "100,000,000 CNY"),
        (Quantity(0.18, "share"), "18.0%", "18.0%"),
        (Quantity(0.65), "0.65", "0.65"),
        (Quantity(0.0), "0", "0"),
        (Quantity(6.5, "kN/m²"), "6.5 kN/m²", "6.5 kN/m²"),
        (Quantity(123_456_789.0, "kN/m²"), "123,456,789 kN/m²", "123,456,789 kN/m²"),
        (Quantity(9_999.94, "m²"), "9,999.9 m²", "9,999.9 m²"),
        (Quantity(38_400, "m²"), "38,400 m²（合 57.6 亩）", "38,400 m² (3.84 ha)"),
        (Quantity(1.5, "ha"), "1.5 公顷", "1.5 ha"),
        (Quantity(640.128, "m"), "640.13 m", "640.13 m"),
    ],
)
def test_quantities_are_written_as_the_reader_writes_them(
    quantity: Quantity, chinese: str, english: str
) -> None:
    assert SIMPLIFIED.quantity(quantity) == chinese
    assert ENGLISH.quantity(quantity) == english


@pytest.mark.parametrize(
    ("value", "limit", "unit", "shown"),
    [
        (0.699996, 0.7, None, "0.699996"),
        (0.6996, 0.7, "share", "69.96%"),
        (0.69999996, 0.7, "share", "69.999996%"),
        (999.9999, 1000.0, "m", "999.9999 m"),
        (0.7, 0.7, "share", "70.0%"),
    ],
)
def test_a_value_is_never_written_like_the_limit_that_it_misses(
    value: float, limit: float, unit: str | None, shown: str
) -> None:
    assert SIMPLIFIED.quantity(Quantity(value, unit, beside=limit)) == shown


def test_no_space_stands_where_chinese_meets_chinese_but_values_stay_as_they_are() -> None:
    values = {"subject": "甲 乙（一期）", "measure": "容积率", "value": Quantity(0.65)}
    message = Message("finding.too_low", {**values, "limit": Quantity(0.7)})
    assert SIMPLIFIED.render(message) == "甲 乙（一期）的容积率 0.65，低于 0.7"


# ---- traditional Chinese ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("云阳县", "雲陽縣"),
        ("乡镇", "鄉鎮"),
        ("里程", "里程"),
        ("后叶镇在云阳县之后", "后葉鎮在雲陽縣之後"),
        ("产业集群", "產業集群"),
        ("为", "為"),
        ("干流", "幹流"),
        ("对照表", "對照表"),
        ("污水处理厂", "污水處理廠"),
        ("不准入，准入", "不准入，准入"),
        ("平台", "平臺"),
        ("5 个中小企业集聚区", "5 個中小企業集聚區"),
        ("“菜单”，默认", "「選單」，預設"),
        ("软件和信息技术服务业", "軟件和信息技術服務業"),  # characters change, words do not
    ],
)
def test_traditional_characters_are_the_usual_ones(simplified: str, traditional: str) -> None:
    assert TRADITIONAL.convert(simplified) == traditional


def test_no_text_of_ours_gets_a_rare_character() -> None:
    rulebook = data_file("rulebook.yaml").read_text(encoding="utf-8")
    texts = [texts["zh"] for texts in catalogue().values()] + rulebook.splitlines()
    converted = "".join(TRADITIONAL.convert(text) for text in texts)
    assert not set("羣爲衆牀喫麪峯裏汙箇") & set(converted)


def test_no_text_of_ours_carries_marks_of_how_sure_its_author_was() -> None:
    # Such as [K 85 %] (known, not read at the source) or [V2] (seen in two copies).
    marks = re.compile(r"\[[KVSA]\d?(?: \d[^\]]*)?\]")
    rulebook = parse_rulebook(data_file("rulebook.yaml").read_text(encoding="utf-8"), "shipped")
    told = [text for rule in rulebook.rules.values() for text in _texts(rule.part.model_dump())]
    told += [text for texts in catalogue().values() for text in texts.values()]
    assert [text for text in told if marks.search(text)] == []


def _texts(value: object) -> list[str]:
    """Return every text of sentences in nested data; lists of codes are none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return []


# ---- names of codes -----------------------------------------------------------------------------


def test_every_section_and_division_has_an_english_name() -> None:
    known = classification()
    for code, entry in known.entries.items():
        if entry.level <= 2:
            assert known.english[code].isascii()
    assert len(known.english) == 117


@pytest.mark.parametrize(
    ("message", "chinese", "english"),
    [
        (
            named_industry("38"),
            "38 电气机械和器材制造业",
            "38 (Electrical machinery and equipment)",
        ),
        (
            named_industry("384"),
            "384 电池制造",
            "384 (Electrical machinery and equipment)",
        ),
        (named_industry("9999"), "9999", "9999"),
        (
            named_land_use("planning2023", "100103"),
            "100103 三类工业用地",
            "100103 (class 3 industrial land)",
        ),
        (named_land_use("survey3", "100103"), "100103", "100103"),
        (named_land_use(None, "M1"), "M1", "M1"),
    ],
)
def test_codes_come_with_their_names(message: Message, chinese: str, english: str) -> None:
    assert SIMPLIFIED.render(message) == chinese
    assert ENGLISH.render(message) == english


def test_names_of_industries_follow_the_language(result: Review) -> None:
    focus = next(item for item in result.focus.values() if item.declared == ("17",))
    names = {
        translator.language: focus_figures(focus, translator)["leading_industry_name"]
        for translator in (SIMPLIFIED, TRADITIONAL, ENGLISH)
    }
    assert names == {
        Language.ZH_HANS: "纺织业",
        Language.ZH_HANT: "紡織業",
        Language.EN: "Textiles",
    }
