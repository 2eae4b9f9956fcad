"""A review as a formal text document: outcome, failing parks with evidence, lists, annexes.

Headings are real styles, so that a reader can jump between them; tables repeat their
heading row on each page. The same review in the same language gives the same bytes. What
the report says is gathered in `content`; here it is laid out.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from geo_service.language import Language
from geo_service.model import BasisGroup, Quantity, Verdict
from geo_service.reports.archive import pack_again
from geo_service.reports.plain_text import clean, one_line
from geo_service.reports.review import (
    VERDICTS,
    ReviewContent,
    VerdictColours,
    cover_facts,
    evidence_text,
    legal_basis_line,
    notes,
    tint,
)
from geo_service.zoning.worklists import LISTS

if TYPE_CHECKING:
    from docx.document import Document as Text
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

    from geo_service.reports.document import Document

FONTS = {
    Language.ZH_HANS: ("宋体", "黑体"),
    Language.ZH_HANT: ("新細明體", "微軟正黑體"),
    Language.EN: ("宋体", "黑体"),  # for Chinese names inside the English text
}
"""Fonts of East Asian characters: of the text, and of headings."""
LATIN = "Times New Roman"
_TAGS = {Language.ZH_HANS: "zh-CN", Language.ZH_HANT: "zh-TW", Language.EN: "en-GB"}
_MOST = 4_000
"""Characters of one text; evidence is shorter, and hostile names are not."""
MOST_OF_A_PARK = 50
"""Findings of one park that a list of the report has; the workbook has them all."""
_WIDTH_MM = 166
_PLACEHOLDER = re.compile(r"(\{page\}|\{pages\})")


def review_text(content: ReviewContent, colours: VerdictColours) -> bytes:
    """Return a review as the bytes of a DOCX file."""
    report = _Report(content, {key.value: tint(colour) for key, colour in colours.items()})
    report.front()
    report.outcome()
    report.failing_parks()
    report.other_lists()
    report.set_aside()
    report.lapsed()
    report.sign_off()
    report.annexes()
    return report.content_bytes()


class _Report:
    """A report in the making; each method adds a part."""

    def __init__(self, content: ReviewContent, fills: Mapping[str, str]) -> None:
        self._content = content
        self._fills = fills
        self._text: Text = docx.Document()
        self._set_page()
        self._set_styles()
        self._failing = {
            park["park_id"] for park in content.parks if park["verdict"] == Verdict.FAIL
        }

    # ---- parts --------------------------------------------------------------------------------

    def front(self) -> None:
        """Title, marks, and what the review is of."""
        text, content = self._content.text, self._content
        mark = self._paragraph(
            f"{text('confidentiality')}: {content.confidentiality or text('blank')}"
        )
        mark.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self._text.add_paragraph(one_line(content.title, most=_MOST), style="Title")
        if content.summary["illustrative"]:
            note = self._text.add_paragraph()
            note.add_run(text("illustrative_note")).bold = True
        self._heading(text("basis"), 1)
        self._table((40, 126), None, list(cover_facts(content).items()))
        for line in notes(content):
            self._paragraph(line, style="List Bullet")

    def outcome(self) -> None:
        """How many parks of each tier have each verdict, and how long each list is."""
        text, content = self._content.text, self._content
        self._heading(text("summary"), 1)
        heads = [text("tier"), *(content.word("verdict", item) for item in VERDICTS), text("total")]
        rows = [
            (
                content.word("tier", tier),
                *(str(count[item]) for item in VERDICTS),
                str(count.total()),
            )
            for tier, count in content.verdicts_by_tier().items()
        ]
        verdicts = content.summary["verdicts"]
        totals = [str(verdicts[item.value]) for item in VERDICTS]
        rows.append((text("total"), *totals, str(sum(verdicts.values()))))
        table = self._table((46, 24, 24, 24, 24, 24), heads, rows)
        for cell, verdict in zip(table.rows[0].cells[1:5], VERDICTS, strict=True):
            _shade(cell, self._fills[verdict])
        counts = [
            (text(f"list_{name}"), str(len(content.list_of(name))), text(f"list_{name}_note"))
            for name in LISTS
        ]
        self._paragraph(text("by_basis"))
        heads = [text("rests_on"), *heads[1:-1], text("no_rule_applied")]
        by_basis = content.summary["verdicts_by_basis"]
        rows = [
            (
                content.word("basis_group", group),
                *(str(by_basis[group.value][item.value]) for item in VERDICTS),
                str(by_basis[group.value]["none"]),
            )
            for group in BasisGroup
        ]
        table = self._table((46, 24, 24, 24, 24, 24), heads, rows)
        for cell, verdict in zip(table.rows[0].cells[1:5], VERDICTS, strict=True):
            _shade(cell, self._fills[verdict])
        self._paragraph("")
        self._table((36, 20, 110), (text("list"), text("findings"), text("note")), counts)

    def failing_parks(self) -> None:
        """Each failing park with all its findings that count, and their evidence."""
        text, content = self._content.text, self._content
        self._heading(text("failing"), 1)
        failing = [park for park in content.parks if park["park_id"] in self._failing]
        self._paragraph(
            text("failing_intro", count=len(failing), most=MOST_OF_A_PARK)
            if failing
            else text("nothing")
        )
        for park in failing:
            self._heading(content.park_name(park["park_id"]), 2)
            self._paragraph(self._park_line(park))
            self._findings(content.findings_of(park["park_id"]), has_park=False)

    def other_lists(self) -> None:
        """What to watch and what to supplement in the parks that do not fail."""
        for title, name in (("watch_list", "watch"), ("data_gaps", "supplement")):
            self._heading(self._content.text(title), 1)
            rest = [
                item for item in self._content.list_of(name) if item["park_id"] not in self._failing
            ]
            self._findings(rest, has_park=True)

    def set_aside(self) -> None:
        """The findings that do not count: approved ones by which document, waived ones by whom."""
        text, content = self._content.text, self._content
        self._heading(text("approved_findings"), 1)
        approved = [
            (
                content.park_name(item["park_id"]),
                item["title"],
                f"{item['approval']['document_number']}\n{item['approval']['authority']}",
                item["approval"]["scope"],
                item["approval"]["approved_on"],
                item["approval"]["expires_on"],
            )
            for item in content.approved
        ]
        if approved:
            self._paragraph(text("approved_intro"))
        names = ("park", "finding", "approval_number", "approval_scope")
        heads = [text(head) for head in (*names, "approval_on", "approval_until")]
        self._list((28, 40, 34, 28, 18, 18), heads, approved)
        self._heading(text("waived_findings"), 1)
        rows = [
            (
                content.park_name(item["park_id"]),
                item["title"],
                item["waived"].get("reason"),
                item["waived"].get("author"),
                item["waived"].get("expires_on"),
            )
            for item in content.waived
        ]
        heads = [
            text(head) for head in ("park", "finding", "waived_reason", "waived_by", "waived_until")
        ]
        self._list((32, 46, 46, 20, 22), heads, rows)

    def lapsed(self) -> None:
        """The rules that were not applied since their documents had ended, if there are any."""
        lines = self._content.lapsed_lines()
        if lines:
            self._heading(self._content.text("lapsed_rules"), 1)
            self._paragraph(self._content.text("lapsed_intro"))
        for line in lines:
            self._paragraph(one_line(line, most=_MOST), style="List Bullet")

    def sign_off(self) -> None:
        """Blank lines for those who sign."""
        text = self._content.text
        self._heading(text("sign_off"), 1)
        rows = [
            (text(who), text("blank"), text("date"), text("blank"))
            for who in ("reviewer", "checker")
        ]
        table = self._table((30, 60, 26, 50), None, rows)
        for row in table.rows:
            row.height = Mm(14)

    def annexes(self) -> None:
        """The rules with their basis, and where the data comes from."""
        text, content = self._content.text, self._content
        self._text.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        self._heading(text("annex_rules"), 1)
        checks = content.summary["checks"]
        rules = [
            (
                f"{one_line(rule['title'])}\n{rule['rule_id']}",
                content.word("severity", rule["severity"]),
                legal_basis_line(rule),
                content.word("basis_tag", rule["basis_tag"]),
                rule["looked_at"],
                f"{checks[rule['rule_id']]['passed']} / {checks[rule['rule_id']]['checked']}",
            )
            for rule in content.rules
            if rule["rule_id"] in checks
        ]
        heads = ("rule", "severity", "legal_basis", "basis_tag", "looked_at")
        last = f"{text('passed')} / {text('checked')}"
        self._list((48, 14, 50, 20, 20, 14), [*(text(head) for head in heads), last], rules)
        self._documents()
        self._heading(text("annex_sources"), 1)
        layers = [
            (
                layer["title"],
                str(layer["features"]),
                str(layer["illustrative"]),
                layer["version"],
                "\n".join(one_line(source, most=300) for source in layer["sources"][:8]),
            )
            for layer in content.layers
        ]
        heads = ("layer", "features", "illustrative_count", "version", "source")
        self._list((26, 16, 16, 28, 80), [text(head) for head in heads], layers)

    def _documents(self) -> None:
        """The documents that rules rest on, with their days in force and how they were read."""
        text, content = self._content.text, self._content
        self._heading(text("annex_documents"), 1)
        rows = [
            (
                "\n".join(filter(None, (one_line(item["name"]), item["number"]))),
                content.word("document_kind", item["kind"]),
                content.word("document_state", item["state"]),
                f"{item['in_force_from'] or '—'}\n{item['in_force_until'] or '—'}",
                item["looked_at"] or content.text("none"),
                content.word("trust", item["trust"]),
            )
            for item in content.documents
        ]
        days = f"{text('in_force_from')}\n{text('in_force_until')}"
        heads = [text("document"), text("document_kind"), text("state"), days]
        self._list((62, 22, 20, 24, 20, 18), [*heads, text("looked_at"), text("trust")], rows)

    def content_bytes(self) -> bytes:
        """Return the report as the bytes of a DOCX file."""
        about = self._text.core_properties
        day = self._content.as_of
        about.created = about.modified = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a day
        about.title = one_line(self._content.title, most=255)
        about.author = about.last_modified_by = "geo-service"
        about.comments = ""
        about.language = _TAGS[self._content.translator.language]
        stream = io.BytesIO()
        self._text.save(stream)
        return pack_again(stream.getvalue())

    # ---- pieces -------------------------------------------------------------------------------

    def _park_line(self, park: Document) -> str:
        content, translator = self._content, self._content.translator
        basis = content.summary["focus_basis"]
        share = park["shares"][basis]
        leading = park["leading_industry_name"]
        verdict = content.word("verdict", park["verdict"])
        if park["rests_on"]:
            basis_words = content.rests_on(park)
            verdict = content.text("verdict_by", verdict=verdict, basis=basis_words)
        return content.text(
            "park_line",
            verdict=verdict,
            tier=content.word("tier", park["tier"]),
            industry=f"{park['leading_industry']} {leading}" if leading else content.text("none"),
            basis=content.word("basis", basis),
            share=translator.text("evidence.none")
            if share is None
            else translator.quantity(Quantity(share, "share")),
            count=park["enterprise_count"],
            area=translator.quantity(Quantity(park["area_m2"], "m²")),
        )

    def _findings(self, findings: Sequence[Document], *, has_park: bool) -> None:
        text, content = self._content.text, self._content
        heads = [text("number"), text("finding"), text("measured_and_limit")]
        heads.append(text("basis_and_cure"))
        rows = []
        told: Counter[str | None] = Counter()
        for position, item in enumerate(findings, start=1):
            told[item["park_id"]] += 1
            if told[item["park_id"]] > MOST_OF_A_PARK:
                continue
            title = text(
                "cell_finding",
                verdict=content.word("verdict", item["verdict"]),
                severity=content.word("severity", item["severity"]),
                title=one_line(item["title"], most=_MOST),
            )
            if has_park:
                title = f"{content.park_name(item['park_id'])}\n{title}"
            title = "\n".join(part for part in (title, self._work_on(item)) if part)
            rows.append((str(position), title, evidence_text(item, content), self._basis_of(item)))
        self._list((11, 50, 55, 50), heads, rows, total=len(findings))

    def _work_on(self, finding: Document) -> str:
        """Return what is done about a finding, by whom and until when; empty if nobody said."""
        content = self._content
        told = content.work_on(finding)
        if told is None:
            return ""
        parts = [f"{content.text('work_state')}: {content.word('work_state', told['state'])}"]
        parts += [
            f"{content.text(f'work_{name}')}: {one_line(told[name], most=_MOST)}"
            for name in ("owner", "due", "note")
            if told[name]
        ]
        return " · ".join(parts)

    def _basis_of(self, finding: Document) -> str:
        text = self._content.text
        tag = self._content.word("basis_tag", finding["basis_tag"])
        lines = [text("cell_basis", basis=legal_basis_line(finding), tag=tag)]
        if finding["cure"]:
            lines.append(text("cell_cure", cure=one_line(finding["cure"], most=_MOST)))
        if finding["illustrative"]:
            lines.append(f"【{text('illustrative')}】")
        return "\n".join(lines)

    def _list(
        self,
        widths_mm: Sequence[int],
        heads: Sequence[str],
        rows: Sequence[Sequence[str | None]],
        *,
        total: int | None = None,
    ) -> None:
        """A table, or the word that there is nothing; a cut one says so."""
        if not rows:
            self._paragraph(self._content.text("nothing"))
            return
        self._table(widths_mm, heads, rows)
        if total is not None and total > len(rows):
            more = total - len(rows)
            self._paragraph(self._content.text("more_elsewhere", count=more, most=MOST_OF_A_PARK))

    def _table(
        self,
        widths_mm: Sequence[int],
        heads: Sequence[str] | None,
        rows: Sequence[Sequence[str | None]],
    ) -> Table:
        count = len(rows) + (heads is not None)
        table: Table = self._text.add_table(count, len(widths_mm), style="Table Grid")
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        table.autofit = False
        # The cells as they lie in the XML: `table.cell` looks through the whole table each time.
        lines = list(table.rows)
        shown: Iterable[Sequence[str | None]] = [heads, *rows] if heads is not None else rows
        for position, (line, values) in enumerate(zip(lines, shown, strict=True)):
            is_head = heads is not None and position == 0
            for cell, value, width in zip(line.cells, values, widths_mm, strict=True):
                cell.width = Mm(width)
                _fill(cell, value, is_bold=is_head)
                if is_head:
                    _shade(cell, "dce3e8")
            properties = line._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no call for it
            properties.append(_element("w:cantSplit"))
            if is_head:
                properties.append(_element("w:tblHeader"))
        for column, width in zip(table.columns, widths_mm, strict=True):
            column.width = Mm(width)
        return table

    def _heading(self, text: str, level: int) -> None:
        self._text.add_heading(one_line(text, most=300), level=level)

    def _paragraph(self, text: str, style: str | None = None) -> Paragraph:
        return self._text.add_paragraph(clean(text, most=_MOST), style=style)

    # ---- page and styles ----------------------------------------------------------------------

    def _set_page(self) -> None:
        section = self._text.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm((210 - _WIDTH_MM) / 2)
        section.top_margin = section.bottom_margin = Mm(25)
        content = self._content
        mark = content.confidentiality
        parts = [content.summary["county"]]
        if content.is_trial:
            parts.append(content.text("trial"))
        if content.summary["illustrative"]:
            parts.append(content.translator.text("map.has_illustrative"))
        if mark:
            parts.append(f"{content.text('confidentiality')}: {mark}")
        header = section.header.paragraphs[0]
        header.text = one_line("　".join(parts), most=200)
        header.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        footer = section.footer.paragraphs[0]
        footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
        line = content.text("page", page="{page}", pages="{pages}")
        if content.is_trial:
            line = f"{content.text('trial')} · {line}"
        for part in _PLACEHOLDER.split(line):
            code = {"{page}": "PAGE", "{pages}": "NUMPAGES"}.get(part)
            if code:
                _add_field(footer, code)
            elif part:
                footer.add_run(part)

    def _set_styles(self) -> None:
        language = self._content.translator.language
        body, heading = FONTS[language]
        sizes = {"Normal": 10.5, "Title": 20, "Heading 1": 15, "Heading 2": 12.5}
        for name, size in sizes.items():
            style: Any = self._text.styles[name]
            style.font.name = LATIN
            style.font.size = Pt(size)
            style.font.color.rgb = RGBColor(0, 0, 0)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme's font would win
            fonts.set(qn("w:eastAsia"), body if name == "Normal" else heading)
            style.paragraph_format.space_after = Pt(4)
        normal: Any = self._text.styles["Normal"]
        tag = _element("w:lang")
        tag.set(qn("w:val"), _TAGS[language] if language is Language.EN else "en-US")
        east_asian = "zh-CN" if language is Language.EN else _TAGS[language]
        tag.set(qn("w:eastAsia"), east_asian)
        normal.element.get_or_add_rPr().append(tag)
        title: Any = self._text.styles["Title"]
        title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
        borders = title.element.get_or_add_pPr().find(qn("w:pBdr"))
        if borders is not None:
            borders.getparent().remove(borders)


def _fill(cell: _Cell, value: str | None, *, is_bold: bool = False) -> None:
    """Write a text into a cell, each of its lines a line."""
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(clean(str(value if value is not None else ""), most=_MOST))
    run.font.size = Pt(9)
    run.bold = is_bold


def _shade(cell: _Cell, fill: str) -> None:
    shading = _element("w:shd")
    shading.set(qn("w:val"), "clear")
    shading.set(qn("w:color"), "auto")
    shading.set(qn("w:fill"), fill)
    properties = cell._tc.get_or_add_tcPr()  # noqa: SLF001 - python-docx has no call for it
    for old in properties.findall(qn("w:shd")):
        properties.remove(old)
    properties.append(shading)


def _add_field(paragraph: Paragraph, code: str) -> None:
    """Add a field that the reader's program works out, such as PAGE."""
    field = _element("w:fldSimple")
    field.set(qn("w:instr"), code)
    run = _element("w:r")
    text = _element("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no call for it


def _element(name: str) -> Any:  # noqa: ANN401 - lxml's element
    return OxmlElement(name)
