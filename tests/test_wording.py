"""Faults and errors in the reader's language: told once, and in full."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from geo_service.errors import (
    Fault,
    InvalidQueryError,
    NotFoundError,
    ProjectError,
    RulebookError,
    SourceError,
)
from geo_service.ingest.limits import Budget
from geo_service.language import Language, Translator
from geo_service.mcda.scores import ahp_weights
from geo_service.suitability.project import project_of
from geo_service.wording import quoted, said, tell_error, tell_fault
from geo_service.zoning.rulebook import parse_rulebook

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
    assert tell_error(copy, SIMPLIFIED) == "此工作空间没有园区 'P1'。"


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
