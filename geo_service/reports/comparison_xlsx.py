"""Two reviews compared, as a workbook: how many findings of each kind, and each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from geo_service.language import catalogue
from geo_service.reports.plain_text import one_line
from geo_service.reports.review import evidence_lines
from geo_service.reports.workbook import Book, Cell, Column, Styled
from geo_service.zoning.comparison import KINDS

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.comparison import ComparedReviews
    from geo_service.reports.document import Document

_WIDTHS = (22, 12, 70)
_TITLE_SIZE = 16
_NO_DAY = date(2000, 1, 1)
"""The day of a workbook whose later review does not say its own."""


def comparison_workbook(compared: ComparedReviews, translator: Translator) -> bytes:
    """Return a comparison as the bytes of an XLSX file."""
    text = translator.text
    made_on = _NO_DAY
    with suppress(ValueError):
        made_on = date.fromisoformat(compared.after.as_of)
    book = Book(
        title=text("comparison.heading"),
        language=translator.language,
        made_on=made_on,
        header=text("comparison.heading"),
        page=text("report.page", page="&P", pages="&N"),
    )
    book.free_sheet(text("comparison.summary"), _WIDTHS, _summary(compared, translator))
    columns = [
        Column(text("comparison.state"), 16),
        Column(text("comparison.more"), 30),
        Column(text("comparison.park"), 14),
        Column(text("comparison.rule"), 34),
        Column(text("comparison.subject"), 26),
        Column(text("comparison.verdict_before"), 16),
        Column(text("comparison.verdict_after"), 16),
        Column(text("comparison.title_before"), 60),
        Column(text("comparison.title_after"), 60),
        Column(text("comparison.evidence_before"), 50),
        Column(text("comparison.evidence_after"), 50),
    ]
    rows = (_row(item, translator) for item in compared.documents())
    book.table(text("comparison.changes"), columns, rows)
    return book.content()


def _summary(compared: ComparedReviews, translator: Translator) -> Iterator[Sequence[Cell]]:
    text = translator.text
    yield (Styled(text("comparison.heading"), is_bold=True, size=_TITLE_SIZE),)
    for side, key in ((compared.before, "before"), (compared.after, "after")):
        yield (text(f"review.{key}"), one_line(f"{side.as_of} {side.review_id}"))
    yield ("",)
    counts = compared.comparison.counts
    for kind in KINDS:
        yield (text(f"change.{kind}"), counts[kind], text(f"change_hint.{kind}"))


def _row(change: Document, translator: Translator) -> list[Cell]:
    before, after = change["before"], change["after"]
    subject = change["subject"]
    reason = change["reason"]
    return [
        translator.text(f"change.{change['kind']}"),
        translator.text(f"change_hint.why_{reason}") if reason else "",
        change["park_id"],
        change["rule_id"],
        f"{_layer_name(subject['layer'], translator)} {subject['id']}",
        *(_verdict(one, translator) for one in (before, after)),
        *(None if one is None else one["title"] for one in (before, after)),
        *(_evidence(one, translator) for one in (before, after)),
    ]


def _layer_name(layer: str, translator: Translator) -> str:
    key = f"layer.{layer}"
    return translator.text(key) if key in catalogue() else layer


def _verdict(finding: Document | None, translator: Translator) -> str | None:
    return None if finding is None else translator.text(f"verdict.{finding['verdict']}")


def _evidence(finding: Document | None, translator: Translator) -> str | None:
    if finding is None:
        return None
    lines = evidence_lines(finding, translator)
    return "\n".join(
        translator.text("report.evidence_line", label=label, value=value) for label, value in lines
    )
