"""A ranking as a workbook: order, recomputation, criteria, exclusions, method.

It is made from the ranking's document alone. Scores stand a second time as live formulas,
method by method (`recomputation`), so that a reader sees them follow when a weight is changed;
formulas are made of cell references only, never of values of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from geo_service.language import catalogue
from geo_service.reports.document import basis_words
from geo_service.reports.plain_text import one_line
from geo_service.reports.recomputation import Recomputation, added_up
from geo_service.reports.review import measure_name, table_unit
from geo_service.reports.workbook import Book, Cell, Column, Formula, Styled, keyed
from geo_service.units import M2_PER_HA, M2_PER_MU

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.document import Document

SUMS = frozenset({"weighted_sum", "promethee_ii"})
"""Methods whose score is a sum over criteria."""
_STABILITY = ("first", "in_top3", "first_any", "in_top3_any")
_SCORE = "0.0000"
_SHARE = "0.0%"
_AREA = "#,##0.0"
_METHOD_WIDTHS = (30.0, 16.0, 16.0, 16.0, 60.0)
_LONGEST = 2_000


def ranking_xlsx(document: Document, translator: Translator) -> bytes:
    """Return a ranking's document as the bytes of an XLSX file."""
    return _Workbook(document, translator).content()


class _Workbook:
    """A ranking's workbook in the making."""

    def __init__(self, document: Document, translator: Translator) -> None:
        self._document = document
        self._translator = translator
        self._candidates: Sequence[Document] = document["candidates"]
        self._names: list[str] = list(document["weights"])
        self._criteria = {item["name"]: item for item in document["criteria"]}
        self._is_sum = document["method"] in SUMS
        self._is_product = document["method"] != "promethee_ii"  # which adds up flows instead

    def content(self) -> bytes:
        """Lay out every sheet and return the file's bytes."""
        text, document = self._text, self._document
        project = one_line(str(document["project"]["name"]), most=200)
        title = text("title", county=document["county"], project=project)
        if document["illustrative"]:
            title += f" · {self._translator.text('map.has_illustrative')}"
        mark = document.get("confidentiality")
        book = Book(
            title=title,
            language=self._translator.language,
            made_on=date.fromisoformat(document["as_of"]),
            header=title,
            mark=f"{self._translator.text('report.confidentiality')}: {mark}" if mark else "",
            page=self._translator.text("report.page", page="&P", pages="&N"),
        )
        book.table(text("ranking"), self._ranking_columns(), self._ranking_rows())
        if self._candidates:
            self._add_recomputation(book)
        book.table(text("criteria"), self._criteria_columns(), self._criteria_rows())
        book.table(text("exclusions"), self._exclusion_columns(), self._exclusion_rows())
        rows = list(self._method_rows(title))
        rows += self._worked_example(len(rows))
        book.free_sheet(text("method"), _METHOD_WIDTHS, rows)
        return book.content()

    def _text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
        return self._translator.text(f"ranking_report.{key}", **values)

    def _word(self, key: str, fallback: object) -> str:
        return self._translator.text(key) if key in catalogue() else one_line(str(fallback))

    def _label(self, name: str) -> str:
        criterion = self._criteria.get(name)
        return one_line(criterion["label"] if criterion else name, most=200)

    def _yes_no(self, value: object) -> str:
        return self._translator.text(f"report.{'yes' if value else 'no'}")

    # ---- ranking ------------------------------------------------------------------------------

    def _ranking_columns(self) -> list[Column]:
        text = self._text
        figures = self._figure_names()
        return [
            Column(text("rank"), 7, "0"),
            Column(text("candidate"), 42),
            Column(text("candidate_id"), 24),
            Column(text("kind"), 10),
            Column(text("park_id"), 13),
            Column(text("score"), 10, _SCORE),
            *(Column(one_line(name, most=40), 11, _SCORE) for name in figures),
            Column(text("place_in_park"), 9, "0"),
            Column(text("area_m2"), 13, _AREA),
            Column(text("area_ha"), 11, "#,##0.00"),
            Column(text("area_mu"), 11, _AREA),
            *(Column(text(name), 12, _SHARE) for name in _STABILITY),
            Column(text("share_before"), 11, _SHARE),
            Column(text("share_after"), 11, _SHARE),
            Column(text("verdict_after"), 12),
            Column(text("unknowns"), 40),
            Column(text("illustrative"), 8),
            Column(text("members"), 40),
        ]

    def _figure_names(self) -> list[str]:
        found = (name for item in self._candidates for name in item.get("method_figures") or {})
        return list(dict.fromkeys(found))

    def _ranking_rows(self) -> Iterator[Sequence[Cell]]:
        figures = self._figure_names()
        for item in self._candidates:
            own = item.get("method_figures") or {}
            area_m2 = item.get("area_m2")
            stability = item.get("stability") or {}
            effect = item.get("focus_effect") or {}
            after = effect.get("after") or {}
            verdict = after.get("verdict")
            yield [
                item.get("rank"),
                item.get("label"),
                item["candidate_id"],
                self._word(f"ranking_report.kind_{item['kind']}", item["kind"]),
                item["park_id"],
                item.get("score"),
                *(own.get(name) for name in figures),
                item.get("place_in_park"),
                area_m2,
                None if area_m2 is None else area_m2 / M2_PER_HA,
                None if area_m2 is None else area_m2 / M2_PER_MU,
                *(stability.get(name) for name in _STABILITY),
                (effect.get("before") or {}).get("share"),
                after.get("share"),
                self._word(f"verdict.{verdict}", verdict) if verdict else None,
                "\n".join(one_line(str(reason["detail"])) for reason in item.get("unknowns") or ()),
                self._yes_no(item.get("illustrative")),
                "; ".join(map(str, item.get("members") or ())),
            ]

    # ---- recomputation ------------------------------------------------------------------------

    def _add_recomputation(self, book: Book) -> None:
        """Weights that may be changed, and scores that follow by the method's own formulas."""
        text = self._text
        sheet = Recomputation(self._document, label=self._label, text=text)
        notes = [text(f"recompute_note_{self._document['method']}")]
        shown, total = len(self._candidates), self._document["candidates_count"]
        if shown < total:
            notes.append(text("top_note", count=shown, total=total))
        sheet.lay_out(above=len(notes))
        book.table(
            text("recompute"), sheet.columns(), sheet.rows(), notes=notes, above=sheet.above()
        )

    # ---- criteria -----------------------------------------------------------------------------

    def _criteria_columns(self) -> list[Column]:
        text = self._text
        return [
            Column(text("rank"), 7, "0"),
            Column(text("candidate_id"), 24),
            Column(text("candidate"), 42),
            Column(text("criterion"), 26),
            Column(text("criterion_id"), 22),
            Column(text("raw"), 14),
            Column(text("unit"), 11),
            Column(text("normalised"), 12, _SCORE),
            Column(text("weight"), 10, _SCORE),
            Column(text("contribution"), 12, _SCORE),
            Column(text("raw_note"), 24),
            *([Column(text("contribution_check"), 12, _SCORE)] if self._is_product else []),
        ]

    def _criteria_rows(self) -> Iterator[Sequence[Cell]]:
        row = 1
        for item in self._candidates:
            for name in self._names:
                row += 1
                figures = item["criteria"][name]
                yield [
                    item["rank"],
                    item["candidate_id"],
                    item["label"],
                    self._label(name),
                    name,
                    self._amount(figures["raw"], figures["unit"]),
                    self._unit_label(figures["unit"]),
                    figures["normalised"],
                    figures["weight"],
                    figures["contribution"],
                    self._raw_note(figures),
                    *([Formula(f"=H{row}*I{row}")] if self._is_product else []),
                ]

    def _amount(self, value: object, unit: str | None) -> Cell:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            parts = value if isinstance(value, (list, tuple)) else [value]
            shown = ", ".join(map(str, parts))
            return None if value is None else one_line(shown, most=_LONGEST)
        form = table_unit(_base_unit(unit), self._translator)
        return Styled(value * form.factor, number_format=form.number_format)

    def _unit_label(self, unit: str | None) -> str:
        return table_unit(_base_unit(unit), self._translator).label

    def _raw_note(self, figures: Document) -> str | None:
        if figures.get("is_unreachable"):
            return self._text("unreachable")
        return self._text("missing") if figures["raw"] is None else None

    def _curve_text(self, criterion: Document) -> str:
        """The points of a criterion's value function, in the unit of the table."""
        function = criterion.get("value_function")
        if not function:
            return ""
        factor = table_unit(_base_unit(criterion["unit"]), self._translator).factor
        points = (f"{raw * factor:,.6g} → {abs(value):.6g}" for raw, value in function["curve"])
        return "; ".join(points)

    # ---- exclusions ---------------------------------------------------------------------------

    def _exclusion_columns(self) -> list[Column]:
        text = self._text
        return [
            Column(text("candidate_id"), 24),
            Column(text("candidate"), 42),
            Column(text("park_id"), 13),
            Column(text("rule_id"), 26),
            Column(text("verdict"), 10),
            Column(text("reason"), 56),
            Column(text("measure"), 20),
            Column(text("value"), 14),
            Column(text("threshold"), 14),
            Column(text("unit"), 11),
            Column(text("legal_basis"), 44),
            Column(text("illustrative"), 8),
        ]

    def _exclusion_rows(self) -> Iterator[Sequence[Cell]]:
        for item in self._document["excluded"]:
            for reason in item["reasons"]:
                measure = reason.get("measure")
                measure = measure if isinstance(measure, Mapping) else {}
                unit = measure.get("unit")
                verdict = reason.get("verdict")
                named = measure.get("measure")
                yield [
                    item["candidate_id"],
                    item.get("label"),
                    item.get("park_id"),
                    reason["rule_id"],
                    self._word(f"verdict.{verdict}", verdict) if verdict else None,
                    reason["detail"],
                    measure_name(named, self._translator) if named else None,
                    self._amount(measure.get("value"), unit),
                    self._amount(measure.get("threshold"), unit),
                    self._unit_label(unit),
                    _basis_line(reason.get("legal_basis")),
                    self._yes_no(item.get("illustrative")),
                ]

    # ---- method -------------------------------------------------------------------------------

    def _method_rows(self, title: str) -> Iterator[Sequence[Cell]]:
        text, document = self._text, self._document
        yield (Styled(title, is_bold=True, size=14),)
        yield from keyed(self._facts())
        if document["illustrative"]:
            note = self._translator.text("report.illustrative_note")
            yield (Styled(note, is_bold=True),)
        for key in (document["method"], document["normalisation"]):
            if f"ranking_report.how_{key}" in catalogue():
                yield (text(f"how_{key}"),)
        if not self._is_sum:
            method = self._word(f"method.{document['method']}", document["method"])
            yield (text("not_a_sum", method=method),)
        for note in document.get("notes") or ():
            yield (one_line(str(note), most=_LONGEST),)
        yield ("",)
        heads = ("criterion", "weight", "sense", "unit", "value_function")
        yield [Styled(text(head), is_bold=True) for head in heads]
        for name in self._names:
            item = self._criteria.get(name, {})
            sense = item.get("sense")
            yield [
                self._label(name),
                Styled(document["weights"][name], number_format="0.000000"),
                self._word(f"ranking_report.sense_{sense}", sense or ""),
                self._unit_label(item.get("unit")),
                self._curve_text(item),
            ]

    def _worked_example(self, above: int) -> Iterator[Sequence[Cell]]:
        """The first candidate's score, step by step, with formulas; `above` rows stand above."""
        if not self._is_sum or not self._candidates:
            return
        text, first = self._text, self._candidates[0]
        yield ("",)
        yield (Styled(text("worked"), is_bold=True),)
        yield (one_line(first["label"], most=200), "", "", "", "")
        heads = ("criterion", "weight", "normalised", "contribution")
        yield [*(Styled(text(head), is_bold=True) for head in heads), None]
        start = above + 5
        for position, name in enumerate(self._names):
            figures, row = first["criteria"][name], start + position
            yield [
                self._label(name),
                Styled(figures["weight"], number_format="0.000000"),
                Styled(added_up(figures), number_format="0.000000"),
                Styled(Formula(f"=B{row}*C{row}"), number_format="0.000000"),
                None,
            ]
        end = start + len(self._names) - 1
        yield [
            Styled(text("sum"), is_bold=True),
            Styled(Formula(f"=SUM(B{start}:B{end})"), number_format="0.000000"),
            None,
            Styled(Formula(f"=SUM(D{start}:D{end})"), number_format="0.000000", is_bold=True),
            None,
        ]

    def _facts(self) -> dict[str, Cell]:
        text, document = self._text, self._document
        project = document["project"]
        industry = " ".join(
            str(part) for part in (project["industry_code"], document.get("industry_name")) if part
        )
        facts: dict[str, Cell] = {
            "project": one_line(str(project["name"]), most=_LONGEST),
            "industry": one_line(industry, most=_LONGEST),
            "ranking_id": document["ranking_id"],
            "method": self._word(f"method.{document['method']}", document["method"]),
            "normalisation": self._word(
                f"normalisation.{document['normalisation']}", document["normalisation"]
            ),
            "weights_from": self._word(
                f"ranking_report.weights_{document['weights_from']}", document["weights_from"]
            ),
            "unknown": self._word(
                f"ranking_report.unknown_{document['unknown']}", document["unknown"]
            ),
            "candidates_count": document["candidates_count"],
            "excluded_count": document["excluded_count"],
        }
        if document.get("consistency_ratio") is not None:
            facts["consistency_ratio"] = document["consistency_ratio"]
        shown: dict[str, Cell] = {
            self._translator.text(f"report.{key}"): document.get(key)
            or self._translator.text("report.blank")
            for key in ("confidentiality", "map_approval")
        }
        shown |= {text(key): value for key, value in facts.items()}
        for key in ("as_of", "plan_version", "rulebook_version"):
            shown[self._translator.text(f"report.{key}")] = document[key]
        return shown


def _base_unit(unit: str | None) -> str | None:
    return None if unit in {None, "1"} else unit


def _basis_line(basis: Mapping[str, Any] | None) -> str | None:
    if not basis:
        return None
    return one_line(" · ".join(basis_words(basis)))
