"""A review as a workbook: cover, parks, findings, three lists, rules, documents, sources.

Numbers are numbers, in the unit that their heading or the unit column names; verdicts show
by colour and by text. The same review in the same language gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from geo_service.model import BasisGroup, FocusBasis, Verdict
from geo_service.reports.plain_text import one_line
from geo_service.reports.review import (
    VERDICTS,
    ReviewContent,
    VerdictColours,
    aside_name,
    cover_facts,
    evidence_text,
    legal_basis_line,
    list_name,
    measure_name,
    notes,
    parameters_text,
    table_unit,
    tint,
    worded,
)
from geo_service.reports.workbook import Book, Cell, Column, Styled, Value, keyed
from geo_service.units import M2_PER_HA, M2_PER_MU
from geo_service.zoning.worklists import ASIDE, LISTS

if TYPE_CHECKING:
    from geo_service.reports.document import Document

_COVER_WIDTHS = (26.0, 15.0, 15.0, 15.0, 15.0, 15.0)
_TITLE_SIZE = 16
_PERCENT = "0.0%"
_AREA = "#,##0.00"
_RATIO = "0.000"


def review_workbook(content: ReviewContent, colours: VerdictColours) -> bytes:
    """Return a review as the bytes of an XLSX file."""
    text = content.text
    header = content.title
    if content.summary["illustrative"]:
        header += f" · {content.translator.text('map.has_illustrative')}"
    mark = content.confidentiality
    book = Book(
        title=content.title,
        language=content.translator.language,
        made_on=content.as_of,
        header=header,
        mark=f"{text('confidentiality')}: {mark}" if mark else "",
        page=text("page", page="&P", pages="&N"),
    )
    fills = {verdict.value: tint(colour) for verdict, colour in colours.items()}
    book.free_sheet(text("cover"), _COVER_WIDTHS, _cover(content, fills))
    book.table(text("parks"), _park_columns(content), _park_rows(content, fills))
    columns = _finding_columns(content)
    every = book.begin_table(text("findings"), columns)
    lists = {
        name.value: book.begin_table(
            text(f"list_{name}"), columns, notes=(text(f"list_{name}_note"), text("lists_own"))
        )
        for name in LISTS
    }
    for finding in content.findings:
        row = every.row(_finding_row(finding, content, fills))
        every.add(row)
        own = list_name(finding)
        if own is not None:
            lists[own].add(row)
    book.table(text("rules"), _rule_columns(content), _rule_rows(content))
    book.table(text("documents"), _document_columns(content), _document_rows(content))
    book.table(text("sources"), _source_columns(content), _source_rows(content))
    return book.content()


# ---- cover ------------------------------------------------------------------------------------


def _cover(content: ReviewContent, fills: Mapping[str, str]) -> Iterator[Sequence[Cell]]:
    text = content.text
    yield (Styled(content.title, is_bold=True, size=_TITLE_SIZE),)
    yield from keyed(cover_facts(content))
    if content.summary["illustrative"]:
        yield (Styled(text("illustrative_note"), fill=fills[Verdict.WATCH], is_bold=True),)
    yield ("",)
    yield _bold(text("tier"), *(content.word("verdict", item) for item in VERDICTS), text("total"))
    counts = content.verdicts_by_tier()
    for tier, count in counts.items():
        yield (
            content.word("tier", tier),
            *(Styled(count[item], fill=fills[item] if count[item] else None) for item in VERDICTS),
            count.total(),
        )
    verdicts = content.summary["verdicts"]
    yield _bold(text("total"), *(verdicts[item.value] for item in VERDICTS), sum(verdicts.values()))
    yield ("",)
    heads = (content.word("verdict", item) for item in VERDICTS)
    yield _bold(text("by_basis"), *heads, text("no_rule_applied"))
    for group in BasisGroup:
        by_verdict = content.summary["verdicts_by_basis"][group.value]
        yield (
            content.word("basis_group", group),
            *(
                Styled(by_verdict[item.value], fill=fills[item] if by_verdict[item.value] else None)
                for item in VERDICTS
            ),
            by_verdict["none"],
        )
    yield ("",)
    yield _bold(text("list"), text("findings"))
    for name in LISTS:
        yield (text(f"list_{name}"), f"{len(content.list_of(name))}  {text(f'list_{name}_note')}")
    for note in notes(content):
        yield (note,)
    yield ("",)
    yield _bold(text("sign_off"), "")
    for who in ("reviewer", "checker", "date"):
        yield (text(who), text("blank"))


def _bold(*values: Value) -> tuple[Styled, ...]:
    return tuple(Styled(value, is_bold=True) for value in values)


# ---- parks ------------------------------------------------------------------------------------


def _park_columns(content: ReviewContent) -> list[Column]:
    text = content.text
    judged = content.summary["focus_basis"]
    shares = [
        Column(
            text(
                "share_judged" if basis == judged else "share", basis=content.word("basis", basis)
            ),
            13,
            _PERCENT,
        )
        for basis in FocusBasis
    ]
    return [
        Column(text("park_id"), 14),
        Column(text("park"), 30),
        Column(text("tier"), 18),
        Column(text("township"), 12),
        Column(text("verdict"), 11),
        Column(text("rests_on"), 14),
        *(Column(text(f"verdict_{group}"), 13) for group in BasisGroup),
        Column(text("focus_verdict"), 11),
        *(Column(text(f"count_{name}"), 9, "0") for name in (*LISTS, *ASIDE)),
        Column(text("leading_industry"), 11),
        Column(text("leading_industry_name"), 24),
        Column(text("industry_group"), 14),
        Column(text("speciality"), 22),
        *shares,
        Column(text("top_industry"), 11),
        Column(text("hhi"), 10, _RATIO),
        Column(text("entropy"), 10, _RATIO),
        Column(text("location_quotient"), 10, "0.00"),
        Column(text("enterprise_count"), 10, "#,##0"),
        Column(text("area_ha"), 13, _AREA),
        Column(text("area_mu"), 13, "#,##0.0"),
        Column(text("declared_area_ha"), 13, _AREA),
        Column(text("illustrative"), 8),
        Column(text("source"), 40),
    ]


def _park_rows(content: ReviewContent, fills: Mapping[str, str]) -> Iterator[Sequence[Cell]]:
    for park in content.parks:
        yield [
            park["park_id"],
            park["name"],
            content.word("tier", park["tier"]),
            park["township"],
            _verdict(park["verdict"], content, fills),
            content.rests_on(park),
            *(_verdict(park["verdict_by_basis"][group], content, fills) for group in BasisGroup),
            _verdict(park["focus_verdict"], content, fills),
            *(park[name] for name in (*LISTS, *ASIDE)),
            park["leading_industry"],
            park["leading_industry_name"],
            park["industry_group_name"],
            park["speciality"],
            *(park["shares"][basis.value] for basis in FocusBasis),
            park["top_industry"],
            park["hhi"],
            park["entropy"],
            park["location_quotient"],
            park["enterprise_count"],
            park["area_m2"] / M2_PER_HA,
            park["area_m2"] / M2_PER_MU,
            park.get("declared_area_ha"),
            _yes_no(park["illustrative"], content),
            park["source"],
        ]


def _verdict(verdict: str | None, content: ReviewContent, fills: Mapping[str, str]) -> Cell:
    if verdict is None:
        return content.text("no_rule_applied")
    return Styled(content.word("verdict", verdict), fill=fills[verdict], is_bold=True)


def _yes_no(value: object, content: ReviewContent) -> str:
    return content.text("yes" if value else "no")


_WORK = (("state", 12), ("owner", 14), ("due", 12), ("note", 34))
"""The columns of what is done about findings, and their widths."""


# ---- findings ---------------------------------------------------------------------------------


def _finding_columns(content: ReviewContent) -> list[Column]:
    text = content.text
    return [
        Column(text("finding_id"), 20),
        Column(text("verdict"), 11),
        Column(text("severity"), 8),
        Column(text("list"), 14),
        Column(text("park_id"), 13),
        Column(text("park"), 26),
        Column(text("rule_id"), 24),
        Column(text("rule"), 26),
        Column(text("subject_layer"), 11),
        Column(text("subject_id"), 18),
        Column(text("finding"), 46),
        Column(text("measure"), 18),
        Column(text("value"), 13),
        Column(text("unit"), 9),
        Column(text("threshold"), 13),
        Column(text("value_ha"), 12, _AREA),
        Column(text("value_mu"), 12, "#,##0.0"),
        Column(text("share_of_subject"), 10, "0.00%"),
        Column(text("evidence"), 46),
        Column(text("legal_basis"), 34),
        Column(text("basis_tag"), 12),
        Column(text("cure"), 34),
        Column(text("illustrative"), 8),
        Column(text("waived_reason"), 28),
        Column(text("waived_by"), 12),
        Column(text("waived_until"), 12),
        Column(text("approval_number"), 20),
        Column(text("approval_authority"), 20),
        Column(text("approval_on"), 12),
        Column(text("approval_scope"), 30),
        Column(text("approval_until"), 12),
        *([Column(text(f"work_{name}"), width) for name, width in _WORK] if content.work else []),
    ]


def _finding_row(finding: Document, content: ReviewContent, fills: Mapping[str, str]) -> list[Cell]:
    evidence, translator = finding["evidence"], content.translator
    park_id, name = finding["park_id"], list_name(finding)
    area_m2 = evidence.get("value") if evidence.get("unit") == "m²" else None
    unit = table_unit(evidence.get("unit"), translator)
    waived, approval = finding["waived"] or {}, finding["approval"] or {}
    share = evidence.get("share")
    return [
        finding["finding_id"],
        _verdict(finding["verdict"], content, fills),
        content.word("severity", finding["severity"]),
        content.text(f"list_{name}" if name else f"count_{aside_name(finding)}"),
        park_id,
        content.plain_name(park_id),
        finding["rule_id"],
        content.rule_title(finding["rule_id"]),
        content.word("layer", finding["subject"]["layer"]),
        finding["subject"]["id"],
        finding["title"],
        measure_name(evidence["measure"], translator) if "measure" in evidence else None,
        _measured(worded(evidence, "value", translator), evidence, content),
        unit.label,
        _measured(worded(evidence, "threshold", translator), evidence, content),
        None if area_m2 is None else area_m2 / M2_PER_HA,
        None if area_m2 is None else area_m2 / M2_PER_MU,
        share if isinstance(share, (int, float)) else None,
        evidence_text(finding, content),
        legal_basis_line(finding),
        content.word("basis_tag", finding["basis_tag"]),
        finding["cure"],
        _yes_no(finding["illustrative"], content),
        waived.get("reason"),
        waived.get("author"),
        _day(waived.get("expires_on")),
        approval.get("document_number"),
        approval.get("authority"),
        _day(approval.get("approved_on")),
        approval.get("scope"),
        _day(approval.get("expires_on")),
        *(_work_cells(finding, content) if content.work else []),
    ]


def _work_cells(finding: Document, content: ReviewContent) -> list[Cell]:
    """What is done about a finding; blank where nobody has said anything."""
    told = content.work_on(finding)
    if told is None:
        return [None] * len(_WORK)
    state = content.word("work_state", told["state"])
    return [state, told["owner"], _day(told["due"]), told["note"]]


def _measured(value: object, evidence: Document, content: ReviewContent) -> Cell:
    """A value or limit of the evidence: a number in the table's unit, else its text."""
    if isinstance(value, bool):
        return _yes_no(value, content)
    if isinstance(value, (int, float)):
        unit = table_unit(evidence.get("unit"), content.translator)
        return Styled(value * unit.factor, number_format=unit.number_format)
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return one_line(", ".join(map(str, value)), most=2_000)
    return one_line(str(value), most=2_000)


def _day(text: str | None) -> Value:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return text


# ---- rules and sources ------------------------------------------------------------------------


def _rule_columns(content: ReviewContent) -> list[Column]:
    text = content.text
    return [
        Column(text("rule_id"), 28),
        Column(text("rule"), 34),
        Column(text("family"), 16),
        Column(text("severity"), 8),
        Column(text("in_force"), 8),
        Column(text("checked"), 9, "#,##0"),
        Column(text("passed"), 9, "#,##0"),
        Column(text("below_tolerance"), 9, "#,##0"),
        Column(text("legal_basis"), 44),
        Column(text("demands"), 50),
        Column(text("basis_tag"), 12),
        Column(text("looked_at"), 12),
        Column(text("parameters"), 50),
        Column(text("tolerance"), 22),
        Column(text("effective_from"), 12),
        Column(text("effective_to"), 12),
        Column(text("overridden"), 36),
        Column(text("note"), 40),
    ]


def _rule_rows(content: ReviewContent) -> Iterator[Sequence[Cell]]:
    for rule in content.rules:
        count: Mapping[str, Any] = content.summary["checks"].get(rule["rule_id"], {})
        yield [
            rule["rule_id"],
            rule["title"],
            rule["family"],
            content.word("severity", rule["severity"]),
            _yes_no(count, content),
            count.get("checked"),
            count.get("passed"),
            count.get("below_tolerance"),
            legal_basis_line(rule),
            rule["legal_basis"]["demands"],
            content.word("basis_tag", rule["basis_tag"]),
            _day(rule["looked_at"]),
            parameters_text(rule["parameters"]),
            parameters_text(rule["tolerance"]) if rule["has_tolerance"] else None,
            _day(rule["effective_from"]),
            _day(rule["effective_to"]),
            parameters_text(rule["overridden"]),
            rule["note"],
        ]


def _document_columns(content: ReviewContent) -> list[Column]:
    text = content.text
    return [
        Column(text("document"), 44),
        Column(text("document_number"), 24),
        Column(text("document_kind"), 14),
        Column(text("issuer"), 20),
        Column(text("state"), 14),
        Column(text("in_force_from"), 12),
        Column(text("in_force_until"), 12),
        Column(text("successor"), 30),
        Column(text("looked_at"), 12),
        Column(text("stale"), 9),
        Column(text("trust"), 14),
        Column(text("certainty"), 9, "0%"),
        Column(text("note"), 50),
        Column(text("document_id"), 32),
    ]


def _document_rows(content: ReviewContent) -> Iterator[Sequence[Cell]]:
    for item in content.documents:
        yield [
            item["name"],
            item["number"],
            content.word("document_kind", item["kind"]),
            item["issuer"],
            content.word("document_state", item["state"]),
            _day(item["in_force_from"]),
            _day(item["in_force_until"]),
            item["successor"],
            _day(item["looked_at"]),
            _yes_no(item["is_stale"], content),
            content.word("trust", item["trust"]),
            item["certainty"],
            item["note"],
            item["document_id"],
        ]


def _source_columns(content: ReviewContent) -> list[Column]:
    text = content.text
    return [
        Column(text("layer"), 22),
        Column(text("features"), 10, "#,##0"),
        Column(text("illustrative_count"), 10, "#,##0"),
        Column(text("version"), 16),
        Column(text("source"), 90),
    ]


def _source_rows(content: ReviewContent) -> Iterator[Sequence[Cell]]:
    for layer in content.layers:
        for source in layer["sources"] or [None]:
            yield [
                layer["title"],
                layer["features"],
                layer["illustrative"],
                layer["version"],
                source,
            ]
