from __future__ import annotations

import copy
import io
import re
from typing import Any, ClassVar

import numpy as np
import openpyxl
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from geo_service.language import Language, Translator
from geo_service.reports.ranking import ranking_document
from geo_service.reports.ranking_xlsx import ranking_xlsx
from geo_service.suitability.rank import Ranking, rank
from geo_service.workspace.opening import open_plan
from tests.suitability.made import DAY, WISHES, asked, five_sites

CRITERION = {
    "unit": "share",
    "sense": "benefit",
    "scaled_range": [0, 1],
    "value_function": {"curve": [[0, 0], [1, 1]]},
}
FORMULA = re.compile(r"=SUMPRODUCT\((\S+?),(\S+?)\)/SUM\((\S+?)\)$")


def candidate(place: int, fit: float, near: float | None) -> dict[str, Any]:
    """Weights .6 and .4: the score is .6 × fit + .4 × near; a missing value counts 0."""
    parts = {"fit": (fit, 0.6, "share"), "near": (near, 0.4, "min")}
    return {
        "candidate_id": f"parcel:C{place}",
        "kind": "parcel",
        "park_id": "P1",
        "label": f"=1+{place}",
        "area_m2": 20_000.0 / 3,  # 10 mu
        "members": [f"C{place}"],
        "illustrative": True,
        "rank": place,
        "score": 0.6 * fit + 0.4 * (near or 0),
        "method_figures": {},
        "criteria": {
            name: {
                "raw": value,
                "unit": unit,
                "normalised": value or 0.0,
                "weight": weight,
                "contribution": weight * (value or 0.0),
            }
            for name, (value, weight, unit) in parts.items()
        },
        "stability": {"first": 0.9, "in_top3": 1.0},
        "focus_effect": None,
        "unknowns": [],
    }


DOCUMENT: dict[str, Any] = {
    "ranking_id": "s-1",
    "plan_version": "p",
    "rulebook_version": "r",
    "as_of": "2026-11-22",
    "county": "测试县",
    "project": {"name": "=HYPERLINK(1)", "industry_code": "3841"},
    "industry_name": "锂离子电池制造",
    "method": "weighted_sum",
    "normalisation": "value_function",
    "weights_from": "given",
    "unknown": "keep",
    "consistency_ratio": None,
    "candidates_count": 2,
    "excluded_count": 1,
    "illustrative": True,
    "weights": {"fit": 0.6, "near": 0.4},
    "criteria": [
        {"name": "fit", "label": "@产业匹配", **CRITERION},
        {"name": "near", "label": "车程", **CRITERION, "unit": "min", "sense": "cost"},
    ],
    "candidates": [candidate(1, 1.0, 0.5), candidate(2, 0.25, None)],
    "excluded": [
        {
            "candidate_id": "parcel:X",
            "label": "=X",
            "park_id": None,
            "illustrative": True,
            "reasons": [
                {
                    "rule_id": "control_zone.wetland",
                    "verdict": "fail",
                    "detail": "=占用湿地",
                    "measure": {
                        "measure": "area_inside",
                        "value": 500.0,
                        "unit": "m²",
                        "threshold": 0,
                    },
                    "legal_basis": {"document": "湿地保护法", "number": None, "article": "x"},
                },
                {"rule_id": "need.area", "detail": "too small", "measure": None},
            ],
        }
    ],
    "notes": ["=note"],
}


def workbook(document: dict[str, Any], language: Language = Language.ZH_HANS) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(ranking_xlsx(document, Translator(language))))


def changed(**members: object) -> dict[str, Any]:
    return {**copy.deepcopy(DOCUMENT), **members}


def numbers(sheet: Worksheet, area: str) -> list[float]:
    return [float(cell.value) for row in sheet[area.replace("$", "")] for cell in row]


def computed(sheet: Worksheet, formula: str) -> float:
    """Work out the one kind of formula that recomputes a score."""
    match = FORMULA.match(formula)
    assert match, formula
    weights, values = numbers(sheet, match[1]), numbers(sheet, match[2])
    assert match[3] == match[1]
    return sum(map(float.__mul__, weights, values)) / sum(weights)


@pytest.fixture(scope="module")
def book() -> Workbook:
    return workbook(DOCUMENT)


def test_every_sheet_is_there(book: Workbook) -> None:
    assert book.sheetnames == ["排序结果", "得分复算", "准则明细", "排除", "方法"]


def test_candidates_stand_best_first_with_numbers(book: Workbook) -> None:
    rows = list(book["排序结果"].iter_rows(values_only=True))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["名次"], first["候选地编号"], first["种类"]) == (1, "parcel:C1", "宗地")
    assert first["得分"] == pytest.approx(0.8)  # .6 × 1 + .4 × .5
    assert first["面积（亩）"] == pytest.approx(10)
    assert first["权重扰动后排第一的比例"] == 0.9


def test_formulas_give_the_scores_that_stand_beside_them(book: Workbook) -> None:
    sheet = book["得分复算"]
    rows = list(sheet.iter_rows(min_row=4))
    assert [row[2].value for row in rows] == pytest.approx([0.8, 0.15])  # .6 × .25 = .15
    for row in rows:
        assert row[3].data_type == "f"
        assert computed(sheet, str(row[3].value)) == pytest.approx(row[2].value)
    sheet["G2"].value = 1.2  # weights 1.2 and .4: .75 × 1 + .25 × .5
    assert computed(sheet, str(rows[0][3].value)) == pytest.approx(0.875)
    assert rows[0][5].value == "=RANK(D4,$D$4:$D$5)"


def test_formulas_hold_cells_and_functions_only(book: Workbook) -> None:
    found = [
        str(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert len(found) == 6 + 4 + 2 + 2  # recomputed; criteria; the example's steps; its sums
    allowed = re.compile(r"=(?:SUMPRODUCT|SUM|RANK|[A-Z]{1,2}\d+|[$():,*/\-]|\$?[A-Z]{1,2}\$?\d+)+")
    assert all(allowed.fullmatch(formula) for formula in found)


def test_texts_of_the_data_are_texts(book: Workbook) -> None:
    assert book["排序结果"]["B2"].data_type == "s"
    assert book["排序结果"]["B2"].value == "=1+1"
    texts = {str(cell.value) for row in book["方法"].iter_rows() for cell in row}
    assert {"=HYPERLINK(1)", "=note"} <= texts
    assert [cell.data_type for cell in book["排除"][2]][:2] == ["s", "s"]


def test_criteria_say_what_is_missing(book: Workbook) -> None:
    rows = list(book["准则明细"].iter_rows(values_only=True))
    last = dict(zip(rows[0], rows[4], strict=True))
    assert (last["候选地编号"], last["准则代号"]) == ("parcel:C2", "near")
    assert last["原始值"] is None
    assert last["说明"] == "无数据，按最差计"
    assert last["权重 × 标准化值"] == "=H5*I5"


def test_exclusions_stand_a_row_a_reason(book: Workbook) -> None:
    rows = list(book["排除"].iter_rows(values_only=True))
    assert len(rows) == 3
    first = dict(zip(rows[0], rows[1], strict=True))
    assert (first["规则"], first["指标"], first["实测值"]) == (
        "control_zone.wetland",
        "占用面积",
        500,
    )
    assert first["依据"] == "湿地保护法 · x"


def test_the_example_s_formulas_point_at_its_steps(book: Workbook) -> None:
    sheet = book["方法"]
    rows = {row[0].value: row for row in sheet.iter_rows()}
    total = rows["合计"][3]
    match = re.fullmatch(r"=SUM\(D(\d+):D(\d+)\)", str(total.value))
    assert match
    steps = range(int(match[1]), int(match[2]) + 1)
    assert [sheet.cell(row, 1).value for row in steps] == ["@产业匹配", "车程"]
    assert [sheet.cell(row, 4).value for row in steps] == [f"=B{row}*C{row}" for row in steps]
    by_hand = sum(
        float(str(sheet.cell(row, 2).value)) * float(str(sheet.cell(row, 3).value)) for row in steps
    )
    assert by_hand == pytest.approx(0.8)
    assert total.row == steps[-1] + 1


class Calculator:
    """Works out the formulas of a sheet as a spreadsheet does, arrays included."""

    FUNCTIONS: ClassVar = {
        "SUM": lambda *values: float(np.sum([np.sum(value) for value in values])),
        "SUMPRODUCT": lambda *values: float(np.sum(np.prod(np.broadcast_arrays(*values), axis=0))),
        "SQRT": np.sqrt,
        "MAX": np.max,
        "MIN": np.min,
        "IF": lambda test, one, other: one if test else other,
        "RANK": lambda value, values: 1 + int(np.sum(np.asarray(values) > value)),
    }

    def __init__(self, sheet: Worksheet) -> None:
        self.sheet = sheet
        self.known: dict[str, float] = {}

    def value(self, name: str) -> float:
        """Return a cell's number, worked out if it is a formula."""
        if name not in self.known:
            cell = self.sheet[name]
            is_formula = cell.data_type == "f"
            self.known[name] = self.result(cell.value[1:]) if is_formula else float(cell.value)
        return self.known[name]

    def area(self, area: str) -> np.ndarray:
        """Return the numbers of an area."""
        return np.array([[self.value(cell.coordinate) for cell in row] for row in self.sheet[area]])

    def result(self, formula: str) -> float:
        """Return what a formula gives; `IF` works out both ways, so that 0/0 is let pass."""
        text = formula.replace("$", "").replace("^", "**")
        text = re.sub(r"(?<![<>=])=", "==", text)
        text = re.sub(r"([A-Z]+[0-9]+:[A-Z]+[0-9]+)", r"area('\1')", text)
        text = re.sub(r"(?<![':A-Z])([A-Z]+[0-9]+)(?![':0-9])", r"value('\1')", text)
        names = {
            **self.FUNCTIONS,
            "area": self.area,
            "value": lambda name: Number(self.value(name)),
        }
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(eval(text, {"__builtins__": {}}, names))  # noqa: S307 - our own formulas


class Number(np.float64):
    """A number that may be divided by 0, as in a spreadsheet."""


def heading_row(sheet: Worksheet) -> int:
    """Return the row of the table's heading, below notes and weights."""
    return next(place for place, row in enumerate(sheet.rows, 1) if row[0].value == "名次")


METHODS = ["weighted_sum", "topsis", "vikor", "promethee_ii"]


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    """Return the ranking of five sites, with a criterion that is the same for all."""
    plan = open_plan(five_sites().write(tmp_path_factory.mktemp("sites")))
    same = {"overlap_share_wetland": {"weight": 0.1}}
    return rank(plan, asked(criteria={**WISHES, **same}), as_of=DAY)


@pytest.mark.parametrize("top", [None, 2])
@pytest.mark.parametrize("normalisation", [None, "vector", "minmax"])
@pytest.mark.parametrize("method", METHODS)
def test_every_methods_scores_are_recomputed_by_its_formulas(
    ranking: Ranking, method: str, normalisation: str | None, top: int | None
) -> None:
    changed = ranking.reweigh(method=method, normalisation=normalisation)
    document = ranking_document(changed, Translator(), top=top)
    sheet = workbook(document)["得分复算"]
    found = Calculator(sheet)
    head = heading_row(sheet)
    shown = document["candidates"]
    rows = [head + 1 + place for place in range(len(shown))]
    assert [found.value(f"D{row}") for row in rows] == pytest.approx(
        [item["score"] for item in shown], abs=1e-9
    )
    assert [found.value(f"F{row}") for row in rows] == [item["rank"] for item in shown]
    assert all(sheet[f"D{row}"].data_type == "f" for row in rows)
    heads = {cell.value: get_column_letter(place) for place, cell in enumerate(sheet[head], 1)}
    for item, row in zip(shown, rows, strict=True):
        for name, figure in item["method_figures"].items():
            letter = next((col for text, col in heads.items() if str(text)[:1] == name), None)
            if method == "vikor":
                assert letter is not None
                assert found.value(f"{letter}{row}") == pytest.approx(figure, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_scores_follow_when_a_weight_is_changed(ranking: Ranking, method: str) -> None:
    document = ranking_document(ranking.reweigh(method=method), Translator())
    sheet = workbook(document)["得分复算"]
    place = list(document["weights"]).index("power_kva")
    weights = [cell for cell in sheet[2] if cell.data_type == "n" and cell.value is not None]
    for cell in weights:
        cell.value = 0
    weights[place].value = 7
    found = Calculator(sheet)
    head = heading_row(sheet)
    zero = dict.fromkeys(document["weights"], 0.0)
    expected = ranking.reweigh({**zero, "power_kva": 1}, method=method)
    scored = expected.scored
    assert scored is not None
    by_id = scored.result["score"]
    assert [found.value(f"D{head + 1 + n}") for n in range(4)] == pytest.approx(
        [float(by_id[item["candidate_id"]]) for item in document["candidates"]], abs=1e-9
    )


def test_flows_of_a_cut_ranking_are_added_up_by_what_the_method_adds() -> None:
    document = changed(method="promethee_ii", candidates_count=9)
    document["candidates"][0]["criteria"]["fit"] |= {"normalised": 1.0, "contribution": 0.3}
    document["candidates"][0]["score"] = 0.3 + 0.4 * 0.5
    sheet = workbook(document)["得分复算"]
    assert sheet["G5"].value == pytest.approx(0.5)  # .3 / .6
    assert computed(sheet, str(sheet["D5"].value)) == pytest.approx(0.5)


def test_a_cut_ranking_says_so() -> None:
    sheet = workbook(changed(candidates_count=9))["得分复算"]
    assert "前 2 个候选地（共 9 个）" in str(sheet["A2"].value)
    assert computed(sheet, str(sheet["D5"].value)) == pytest.approx(0.8)


@pytest.mark.parametrize("language", Language)
def test_nothing_ranked_still_makes_a_workbook(language: Language) -> None:
    book = workbook(changed(candidates=[], weights={}, criteria=[], candidates_count=0), language)
    assert len(book.sheetnames) == 4


def test_the_same_document_gives_the_same_bytes() -> None:
    assert ranking_xlsx(DOCUMENT, Translator()) == ranking_xlsx(DOCUMENT, Translator())


def test_the_secrecy_mark_stands_on_every_sheet_and_among_the_facts(ranking: Ranking) -> None:
    given = ranking_document(ranking, Translator(Language.ZH_HANS))
    assert given["confidentiality"] is None
    given |= {"confidentiality": "内部资料", "map_approval": "渝S(2026)001号"}
    book = openpyxl.load_workbook(io.BytesIO(ranking_xlsx(given, Translator(Language.ZH_HANS))))
    assert all("内部资料" in str(sheet.oddHeader and sheet.oddHeader.right.text) for sheet in book)
    cells = [cell.value for row in book.worksheets[-1].iter_rows() for cell in row]
    assert {"内部资料", "渝S(2026)001号"} <= set(cells)
