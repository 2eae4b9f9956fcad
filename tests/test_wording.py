"""Faults and errors in the reader's language: told once, and in full."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo_service.errors import (
    Fault,
    GeoServiceError,
    InvalidQueryError,
    ProjectError,
    RulebookError,
    SourceError,
)
from geo_service.ingest.limits import Budget
from geo_service.language import Language, Translator
from geo_service.mcda.scores import ahp_weights
from geo_service.suitability.project import project_of
from geo_service.wording import said, tell, tell_error, tell_fault
from geo_service.zoning.rulebook import parse_rulebook
from tests.conftest import ROOT

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
        ({"nam": "y"}, "项目，字段 nam：没有 'nam' 这个名称；要求：最接近的是 'name'；可用的有："),
        ({"needs": {"land_m2": -1}}, "用地面积（needs.land_m2）：'-1'；要求：大于 0"),
        ({"needs": {"land_m2": "much"}}, "用地面积（needs.land_m2）：'much'；要求：一个数"),
        ({"kind": "other"}, "类别（kind）：'other'；要求：以下之一：'new'、'expansion'"),
        ({"industry_code": "38419"}, "GB/T 4754-2017 中有的代码；最接近的是 3841 "),
        ({"needs": {}}, "land_m2 和 floor_area_m2 只能填一个，也必须填一个"),
        ({"name": " "}, "名称（name）：' '；要求：不能为空白"),
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
    assert str(fault) == "project, column industry_code: found nothing; expected Field required"


def test_traditional_chinese_is_derived() -> None:
    assert "用地面積（needs.land_m2）" in told({"needs": {"land_m2": -1}}, TRADITIONAL)


def test_a_rulebook_names_its_line_in_every_language() -> None:
    text = "format: '1'\ntitle: {en: x}\nextends: default\nrules:\n  focus.leading_shar: {}\n"
    with pytest.raises(RulebookError) as caught:
        parse_rulebook(text, "trial.yaml")
    told = tell_error(caught.value, SIMPLIFIED)
    assert told.startswith("规则集有误，不能使用：\n  - trial.yaml:5：没有规则 ")
    assert "最接近的是 'focus.leading_share'" in told
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
    faults = [
        Fault(file="p.csv", column="year", row=str(n), found="'x'", expected=said("fault.a_value"))
        for n in range(23)
    ]
    lines = tell_error(SourceError("坏", faults), SIMPLIFIED).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  - p.csv, year：另有 3 处同样的问题"  # 23 - 20


def test_a_text_without_a_key_is_told_as_it_is() -> None:
    assert tell_error(GeoServiceError("as it is"), SIMPLIFIED) == "as it is"


def test_what_is_said_survives_a_copy() -> None:
    text = said("problem.no_park", park="'P1'")
    copy = pickle.loads(pickle.dumps(text))  # noqa: S301 - our own bytes
    assert copy == "There is no park 'P1' in this workspace."
    assert tell(copy, SIMPLIFIED) == "此工作空间没有园区 'P1'。"


TOLD_ERRORS = {"InvalidQueryError", "NotFoundError", "ConflictError"}
TOLD_PARTS = ("web", "planning", "suitability", "maps", "stores", "ingest")


def untold(path: Path) -> Iterator[str]:
    """Yield where a file raises an error of a request in words that have no translation."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        words = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TOLD_ERRORS:
                given = node.args[-1] if node.args else None
                meant = words.get(given.id) if isinstance(given, ast.Name) else given
                if isinstance(meant, ast.JoinedStr) or (
                    isinstance(meant, ast.Constant) and " " in str(meant.value)
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_whatever_a_request_is_refused_with_can_be_told_in_chinese() -> None:
    files = [path for part in TOLD_PARTS for path in (ROOT / "geo_service" / part).rglob("*.py")]
    assert len(files) > 100
    assert [place for path in files for place in untold(path)] == []


def test_untold_words_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "x.py"
    path.write_text('def f(a):\n    msg = f"no {a}"\n    raise NotFoundError(msg)\n')
    assert list(untold(path)) == ["x.py:3"]
    path.write_text('def f(a):\n    raise NotFoundError(said("problem.no_tile"))\n')
    assert list(untold(path)) == []


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
