"""One county as a task: what it writes, what a resumed run leaves, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from geo_service.errors import ConflictError
from geo_service.province.blocks import do_step
from geo_service.province.county import CountyTask
from geo_service.province.folder import RECORD, whole_record, writing_alone
from geo_service.province.settings import CountyAt, RulebookText
from tests.province.made import DAY, contents, off_focus, rulebook_of, write_county

CODE = "500101"


@pytest.fixture
def task(tmp_path: Path) -> CountyTask:
    """Return the task of a county of which one park fails."""
    home = write_county(tmp_path / "county", CODE, made=off_focus(CODE))
    return CountyTask(county=CountyAt(code=CODE, folder=str(home)), rules=None, as_of=DAY)


def test_a_county_is_written_whole_with_its_versions(task: CountyTask, tmp_path: Path) -> None:
    answer = do_step(task, str(tmp_path / "out"), is_resumed=False)
    record = answer.record
    assert record is not None
    assert record == whole_record(tmp_path / "out", CODE)
    # P1: 500 of 5,500 is of its leading industry, 9 %; P2 keeps to its own.
    assert record["verdicts"] == {"pass": 1, "watch": 1, "fail": 0, "unknown": 0}
    assert (record["parks"], record["enterprises"], record["as_of"]) == (2, 11, "2026-11-22")
    assert record["illustrative"] is True
    assert record["sources"] == ["made for tests"]
    home = tmp_path / "out" / f"county={CODE}"
    parks = gpd.read_parquet(home / record["files"]["parks"]["file"])
    assert parks.crs == "EPSG:4490"
    assert parks["verdict"].tolist() == ["watch", "pass"]
    findings = pd.read_parquet(home / record["files"]["findings"]["file"], partitioning=None)
    assert findings[["rule_id", "park_id", "verdict"]].to_numpy().tolist() == [
        ["focus.leading_share", "P1", "fail"]
    ]
    industries = pd.read_parquet(home / record["files"]["industries"]["file"], partitioning=None)
    columns = ["park_id", "industry_code", "enterprises", "output_cny", "output_cny_missing"]
    assert industries[columns].to_numpy().tolist() == [
        ["P1", "1311", 5, 500.0, 0],
        ["P1", "3670", 1, 5000.0, 0],
        ["P2", "3670", 5, 500.0, 0],
    ]


def test_only_what_is_missing_or_changed_is_done_again(task: CountyTask, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def stamps() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}

    do_step(task, str(out), is_resumed=True)
    first, before = contents(out), stamps()
    do_step(task, str(out), is_resumed=True)
    assert stamps() == before
    # Without `resume` it is done again, to the same bytes.
    do_step(task, str(out), is_resumed=False)
    assert contents(out) == first
    assert stamps() != before
    # Another day is another review; the files of the earlier one go.
    do_step(replace(task, as_of=DAY.replace(day=23)), str(out), is_resumed=True)
    assert len(contents(out)) == len(first)
    assert not contents(out).keys() & first.keys() - {f"county={CODE}/{RECORD}"}
    do_step(task, str(out), is_resumed=True)
    assert contents(out) == first
    # A damaged file is not whole.
    (damaged,) = out.rglob("findings-*.parquet")
    damaged.write_bytes(b"x")
    assert whole_record(out, CODE) is None
    do_step(task, str(out), is_resumed=True)
    assert contents(out) == first
    # A changed layer is another plan.
    table = Path(task.county.folder) / "enterprises.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("5000.0", "1.0"), encoding="utf-8")
    do_step(task, str(out), is_resumed=True)
    changed = whole_record(out, CODE)
    assert changed is not None
    assert changed["verdicts"]["pass"] == 2


def test_a_county_is_refused_with_its_faults_in_every_language(
    task: CountyTask, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def faults(changed: CountyTask) -> dict[str, str]:
        answer = do_step(changed, str(out), is_resumed=False)
        assert answer.record is None
        assert answer.faults is not None
        assert set(answer.faults) == {"zh-Hans", "zh-Hant", "en"}
        return dict(answer.faults)

    other = replace(task, county=replace(task.county, code="500199"))
    assert "500101" in faults(other)["en"]
    assert "0.0" in faults(replace(task, release="0.0"))["en"]
    gone = replace(task, county=replace(task.county, folder=str(tmp_path / "gone")))
    assert "gone" in faults(gone)["zh-Hans"]
    must = RulebookText(file="p.yaml", text=rulebook_of(focus__declared="must"))
    weak = replace(task, rules=must)
    rules = Path(task.county.folder) / "rulebook.yaml"
    rules.write_text(rulebook_of(focus__declared="info"), encoding="utf-8")
    told = faults(weak)
    assert "rules.focus.declared.severity" in told["en"]
    assert "比省里的宽松" in told["zh-Hans"]
    rules.write_text(rulebook_of(), encoding="utf-8")
    assert do_step(weak, str(out), is_resumed=False).record is not None


def test_a_county_without_rules_of_its_own_goes_by_the_provinces(
    task: CountyTask, tmp_path: Path
) -> None:
    settings = Path(task.county.folder) / "workspace.toml"
    text = settings.read_text(encoding="utf-8").replace('rulebook = "rulebook.yaml"', "")
    settings.write_text(text, encoding="utf-8")
    rules = RulebookText(file="p.yaml", text=rulebook_of())
    answer = do_step(replace(task, rules=rules), str(tmp_path / "out"), is_resumed=False)
    assert answer.record is not None
    assert answer.record["rulebook_version"] == rules.rulebook.version


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with (
        writing_alone(tmp_path / "out"),
        pytest.raises(ConflictError, match="Another run"),
        writing_alone(tmp_path / "out"),
    ):
        pass
    draft = tmp_path / "out" / "county=1"
    draft.mkdir()
    (draft / ".x.parquet.1.ab.part").write_bytes(b"half")
    with writing_alone(tmp_path / "out"):
        assert not list(draft.iterdir())
