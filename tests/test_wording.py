"""Faults and errors in the reader's language: told once, and in full."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo_service.crs import require_metric
from geo_service.errors import (
    Fault,
    GeoServiceError,
    InvalidQueryError,
    NotFoundError,
    ProjectError,
    RulebookError,
    SourceError,
    WorkspaceError,
)
from geo_service.ingest.limits import Budget
from geo_service.language import Language, Translator, catalogue
from geo_service.maps import assets
from geo_service.mcda.scores import ahp_weights
from geo_service.model import Message
from geo_service.plan import Plan
from geo_service.spatial.network import TravelAssumptions
from geo_service.stores.frames import canonical
from geo_service.suitability.project import project_of
from geo_service.wording import quoted, said, tell_error, tell_fault
from geo_service.workspace.opening import open_plan
from geo_service.zoning.rulebook import parse_rulebook
from tests.county import County, box, parcel, park, point

SIMPLIFIED = Translator()
TRADITIONAL = Translator(Language.ZH_HANT)
ENGLISH = Translator(Language.EN)
NEEDS = {"name": "x", "industry_code": "3841", "needs": {"land_m2": 900}}


def told(changes: dict[str, object], translator: Translator = SIMPLIFIED) -> str:
    with pytest.raises(ProjectError) as caught:
        project_of({**NEEDS, **changes})
    (fault,) = caught.value.faults
    return tell_fault(fault, translator)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"nam": "y"}, "项目，字段 nam：没有“nam”这个名称；要求：最接近的是“name”；可用的有："),
        ({"needs": {"land_m2": -1}}, "用地面积（needs.land_m2）：“-1”；要求：大于 0"),
        ({"needs": {"land_m2": "much"}}, "用地面积（needs.land_m2）：“much”；要求：一个数"),
        (
            {"kind": "other"},
            "类别（kind）：“other”；要求：以下之一：“new”（新建）、“expansion”（改建、扩建、技术改造）",
        ),
        ({"industry_code": "38419"}, "GB/T 4754-2017 中有的代码；最接近的是 3841 "),
        ({"needs": {}}, "land_m2 和 floor_area_m2 只能填一个，也必须填一个"),
        ({"name": " "}, "名称（name）：“ ”；要求：不能为空白"),
    ],
)
def test_a_projects_faults_are_told_in_chinese(changes: dict[str, object], text: str) -> None:
    assert text in told(changes)


def test_a_missing_field_is_told() -> None:
    with pytest.raises(ProjectError) as caught:
        project_of({"name": "x", "needs": {"land_m2": 1}})
    (fault,) = caught.value.faults
    assert tell_fault(fault, SIMPLIFIED) == (
        "项目，行业代码（industry_code）：没有填写；要求：必须填写"
    )
    assert (
        str(fault)
        == "project, column industry_code: found nothing; expected a value, which is required"
    )


def test_traditional_chinese_is_derived() -> None:
    assert "用地面積（needs.land_m2）" in told({"needs": {"land_m2": -1}}, TRADITIONAL)


def test_a_rulebook_names_its_line_in_every_language() -> None:
    text = "format: '1'\ntitle: {en: x}\nextends: default\nrules:\n  focus.leading_shar: {}\n"
    with pytest.raises(RulebookError) as caught:
        parse_rulebook(text, "trial.yaml")
    told = tell_error(caught.value, SIMPLIFIED)
    assert told.startswith("规则集有误，不能使用：\n  - trial.yaml:5：没有规则“")
    assert "最接近的是“focus.leading_share”" in told
    assert tell_error(caught.value, ENGLISH) == str(caught.value)


def test_a_refused_file_is_told_without_names_of_options() -> None:
    error = Budget("a.zip").refuse(said("refusal.zip_encrypted"), said("refusal.zip_plain"))
    assert isinstance(error, SourceError)
    assert tell_error(error, SIMPLIFIED) == (
        "a.zip 无法导入：\n  - a.zip：加密的压缩包；要求：没有密码的压缩包"
    )
    assert str(error) == (
        "a.zip cannot be imported:\n"
        "  - a.zip: found an encrypted archive; expected an archive without a password"
    )


def test_many_faults_of_a_kind_are_counted() -> None:
    where: dict[str, Any] = {"file": "p.csv", "column": "year"}
    what: dict[str, Any] = {"found": quoted("x"), "expected": said("fault.a_value")}
    faults = [Fault(**where, **what, row=str(n)) for n in range(23)]
    error = SourceError(said("refusal.file", file="p.csv"), faults)
    lines = tell_error(error, SIMPLIFIED).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  - p.csv, year：另有 3 处同样的问题"  # 23 - 20


def test_an_error_is_english_for_logs_and_survives_a_copy() -> None:
    error = NotFoundError(said("problem.no_park", park="'P1'"))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(copy) == "There is no park 'P1' in this workspace."
    assert copy.message == error.message
    assert tell_error(copy, SIMPLIFIED) == "此工作空间没有园区“P1”。"


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ({"a": {"a": 1, "b": 3}, "b": {"a": 3, "b": 1}}, "matrix：a / b：3 × 3 = 9，须为 1。"),
        ({"a": {"a": 2, "b": 0}, "b": {"a": 3, "b": 1}}, "a / a：2，须为 1；a / b：0 与 3"),
        (
            [[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]],
            "一致性比率 6.130 超过 0.1；与其他判断相差最大的是",
        ),
    ],
)
def test_judgements_are_refused_in_chinese(matrix: Any, words: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidQueryError) as caught:
        ahp_weights(matrix)
    assert words in tell_error(caught.value, SIMPLIFIED)


# ---- no English rest ------------------------------------------------------------------------

SPOKEN = ("fault.", "refusal.", "problem.", "keeping.")
ENGLISH_WORDS = re.compile(r"(?<![\w`./-])[a-z]{2,} [a-z]{2,}(?![\w`./-])")
"""Two plain words in a row: one alone may be a name, such as that of a setting."""
OTHERS = {"words", "reason"}
"""Values that are what another program says; the text around introduces them."""


def english_rest(message: Message) -> list[str]:
    """Return English words that a message keeps in Chinese, names and values left out."""
    found = []
    values: dict[str, Any] = {}
    for name, value in message.values.items():
        if isinstance(value, Message):
            found += english_rest(value)
        elif isinstance(value, str) and name not in OTHERS:
            found += [] if value[:1] in {"'", '"'} else ENGLISH_WORDS.findall(value)
        values[name] = "□" if isinstance(value, (str, Message)) else value
    template = re.sub("`[^`]*`", "", SIMPLIFIED.render(Message(message.key, values)))
    return found + ENGLISH_WORDS.findall(template)


def test_no_text_of_an_error_is_half_english() -> None:
    for key, texts in catalogue().items():
        if key.startswith(SPOKEN):
            template = re.sub(r"\{[^}]*\}|`[^`]*`", "□", texts["zh"])
            assert not ENGLISH_WORDS.findall(template), key


def broken_county(folder: Path) -> Path:
    county = County()
    parks, zones = county.layers["parks"], county.layers["control_zones"]
    parks[0]["geometry"] = point(1, 1)
    parks += [{**park("P1", box(0, 0, 9, 9)), "tier": "big", "leading_industry": "9999x"}]
    parks += [park("P/1", shapely.Point(1, 1)), {**park("P3", box(0, 0, 9, 9)), "geometry": None}]
    zones[0]["kind"] = "no such kind"
    return county.write(folder)


def faulty_settings(folder: Path) -> Path:
    place = County().write(folder)
    path = place / "workspace.toml"
    tables = [
        'name = "a"\nkind = "xyz"\ndatum = "gcj02"\nattribution = "a"',
        'name = "b"\nkind = "xyz"\ndatum = "wgs84"\nattribution = "a"\nurl = "ftp://{x}"',
        'name = "c"\nkind = "tianditu"\ndatum = "cgcs2000"',
        'name = "d"\nkind = "mbtiles"\ndatum = "wgs84"\nattribution = "a"\npath = "none.mbtiles"',
    ]
    maps = "".join(f"[[basemaps]]\n{table}\n" for table in tables)
    dem = '[dem]\nfile = "none.tif"\nsource = "a"\nillustrative = true\nvertical_datum = "a"\n'
    text = path.read_text(encoding="utf-8").replace("EPSG:4545", "EPSG:4490")
    path.write_text(f'store = "postgresql://a:b@c/d"\n{text}\n{dem}{maps}', encoding="utf-8")
    (place / "industry_groups.csv").write_text(
        "code_prefix,group,strength\n13,consumer,core\n13,equipment,some\n9999,lost,core\n"
    )
    return place


def lone_faults(folder: Path) -> Path:
    """Layers that satisfy their schemas and not each other."""
    county = County()
    county.layers["parks"] += [park("FAR", box(900_000, 0, 9, 9))]
    county.layers["parcels"] = [{**parcel("A1", box(0, 0, 10, 10)), "park_id": "none"}]
    return county.write(folder)


@pytest.mark.parametrize("make", [broken_county, faulty_settings, lone_faults])
def test_a_broken_workspace_is_told_without_english(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_plan(make(tmp_path / "county"))
    faults = caught.value.faults
    assert len(faults) > 1
    for fault in faults:
        assert english_rest(fault.found) + english_rest(fault.expected) == [], str(fault)
    assert english_rest(caught.value.message) == []


RULES = "format: '1'\ntitle: {en: x}\nextends: default\nrules:\n"


@pytest.mark.parametrize(
    "parse",
    [
        lambda: parse_rulebook("a: [1, 2", "a.yaml"),
        lambda: parse_rulebook("a: *b", "a.yaml"),
        lambda: parse_rulebook("a: 1\n---\nb: 2", "a.yaml"),
        lambda: parse_rulebook("- 1", "a.yaml"),
        lambda: parse_rulebook(RULES + "  a.b: {family: c}\n", "a.yaml"),
        lambda: parse_rulebook(
            RULES + "  focus.leading_share: {parameters: {pass_share: 0.1, watch_share: 0.9}}\n",
            "a.yaml",
        ),
        lambda: project_of({**NEEDS, "x": {1, 2}}),
        lambda: project_of({**NEEDS, "access": {"rail station": {}}}),
        lambda: project_of({**NEEDS, "criteria": {"park_focus": {"value_function": {}}}}),
        lambda: project_of({**NEEDS, "weights": {"method": "ahp"}, "candidates": ["floors"]}),
    ],
)
def test_documents_are_refused_without_english(parse: Callable[[], object]) -> None:
    with pytest.raises((RulebookError, ProjectError)) as caught:
        parse()
    assert caught.value.faults
    for fault in caught.value.faults:
        assert english_rest(fault.found) + english_rest(fault.expected) == [], str(fault)


@pytest.mark.parametrize(
    "ask",
    [
        lambda plan: canonical(plan.parks.drop(columns="name").assign(more=1), "parks"),
        lambda plan: canonical(plan.parks.to_crs("EPSG:4545"), "parks"),
        lambda plan: require_metric(plan.parks),
        lambda plan: require_metric(plan.metric("parks"), plan.metric("parks").to_crs(4546)),
        lambda _: TravelAssumptions(off_road_km_h=0),
        lambda _: TravelAssumptions(snap_m=-1),
        lambda _: assets.path("none"),
        lambda _: assets.local_name("https://example.org/a@1/b.js"),
        lambda _: ahp_weights([[1, 2], [3, 1]]),
    ],
)
def test_what_programs_ask_wrongly_is_told_without_english(
    ask: Callable[[Plan], object], county: County, opened: Callable[[County], Plan]
) -> None:
    with pytest.raises(GeoServiceError) as caught:
        ask(opened(county))
    assert english_rest(caught.value.message) == []
    for fault in getattr(caught.value, "faults", ()):
        assert english_rest(fault.found) + english_rest(fault.expected) == []


def test_the_words_of_a_parser_are_introduced() -> None:
    with pytest.raises(RulebookError) as caught:
        parse_rulebook("a: [1, 2", "a.yaml")
    assert "YAML 解析程序报告：did not find" in tell_error(caught.value, SIMPLIFIED)
    assert "what the YAML parser calls: did not find" in str(caught.value)
