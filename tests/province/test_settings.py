from __future__ import annotations

from pathlib import Path

import pytest

from geo_service.errors import WorkspaceError
from geo_service.language import Language, Translator
from geo_service.model import FocusBasis
from geo_service.province.settings import CountyAt, open_province

WHOLE = """
format = 1
metric_crs = "EPSG:4545"
focus_basis = "land"
rulebook = "rules.yaml"
[name]
zh-Hans = "测试省"
[industry_groups]
file = "groups.csv"
version = "1"
names = {food = {zh-Hans = "食品"}}
[counties]
500102 = "b"
500101 = {folder = "/data/a", store = "postgresql://host/a"}
"""


def write(folder: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    path = folder / "PROVINCE.toml"
    path.write_text(text, encoding="utf-8")
    return path


RULES = """format: '1'
title: {zh-Hans: 省}
extends: default
rules:
  focus.declared: {severity: must}
"""
GROUPS = "code_prefix,group,strength\n13,food,core\n"


def test_a_province_names_counties_rules_and_groups(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE, rules_yaml=RULES, groups_csv=GROUPS)
    province = open_province(path)
    assert province.counties == (
        CountyAt(code="500101", folder="/data/a", store="postgresql://host/a"),
        CountyAt(code="500102", folder=str(tmp_path / "b")),
    )
    assert province.focus_basis is FocusBasis.LAND
    assert province.groups.group_of("1311") == "food"
    assert province.rulebook_version is not None


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = """
format = 1
metric_crs = "EPSG:4490"
rulebook = "rules.yaml"
colour = "red"
[name]
zh-Hans = "测试省"
[counties]
1 = "a"
"""
    with pytest.raises(WorkspaceError) as caught:
        open_province(write(tmp_path, text))
    assert {(fault.column, fault.line) for fault in caught.value.faults} == {
        ("colour", 5),
        ("counties.1.[key]", 9),
    }
    text = """
format = 1
metric_crs = "EPSG:4490"
rulebook = "rules.yaml"
[name]
zh-Hans = "测试省"
[industry_groups]
file = "groups.csv"
version = "1"
names = {}
[counties]
500101 = "a"
500102 = "./a"
500103 = {folder = "c", store = "postgresql://me:secret@host/c"}
"""
    path = write(tmp_path, text, rules_yaml=RULES.replace("focus.declared", "focus.declare"))
    with pytest.raises(WorkspaceError) as caught:
        open_province(path)
    places = {(fault.file, fault.column, fault.line) for fault in caught.value.faults}
    assert ("PROVINCE.toml", "metric_crs", 3) in places
    assert ("PROVINCE.toml", "counties.500102", 13) in places
    assert ("PROVINCE.toml", "counties.500103.store", 14) in places
    assert any(file == "rules.yaml" and line == 5 for file, _, line in places)
    assert any(str(file).endswith("groups.csv") for file, _, _ in places)
    assert "secret" not in str(caught.value)
    chinese = caught.value.tell(Translator(Language.ZH_HANS))
    assert chinese.startswith("“PROVINCE.toml”不能使用，有 5 处问题：")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_province(tmp_path / "PROVINCE.toml")
    assert len(caught.value.faults) == 1
