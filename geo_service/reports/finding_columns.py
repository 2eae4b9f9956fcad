"""Findings as columns of texts, made by batch: title, cure and evidence of a hundred thousand.

What is alike in a batch is made once; each row equals what its `Finding` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from geo_service.reports.document import plain
from geo_service.reports.finding_texts import Words
from geo_service.zoning.batch import PerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from geo_service.language import Translator
    from geo_service.model import Finding
    from geo_service.zoning.batch import RawBatch
    from geo_service.zoning.findings import Findings

Texts = tuple[str, str, str | None]
"""Title, evidence as JSON, and cure."""


def finding_columns(results: Findings, translator: Translator) -> dict[str, NDArray[Any]]:
    """Return the columns of a review's findings, each of `len(results)` cells, in their order.

    `waived`, `approved` and `illustrative` are booleans, `evidence` is JSON; a finding without a
    park or a cure has None there.
    """
    count = len(results)
    names = ("title", "evidence", "cure", "legal_basis", "basis_tag")
    told = {name: np.full(count, None, dtype=object) for name in names}
    part_of, row_of = results.columns["part"], results.columns["row"]
    for part in range(len(results.parts)):
        positions = np.flatnonzero(part_of == part)
        first = results.sample(part)
        told["legal_basis"][positions] = first.legal_basis.document
        told["basis_tag"][positions] = first.basis_tag.value
        batch = results.batch(part)
        if batch is None:
            for at in positions.tolist():
                texts = _single(results[at], translator)
                told["title"][at], told["evidence"][at], told["cure"][at] = texts
            continue
        text_of = _by_row(batch, first.evidence, translator)
        for at, row in zip(positions.tolist(), row_of[positions].tolist(), strict=True):
            told["title"][at], told["evidence"][at], told["cure"][at] = text_of(row)
    flags = {"waived": results.waived, "approved": results.approved}
    set_aside = {name: np.zeros(count, dtype=bool) for name in flags}
    for name, positions_of in flags.items():
        set_aside[name][positions_of] = True
    subjects = zip(results.subject_layers.tolist(), results.subject_ids.tolist(), strict=True)
    return {
        "finding_id": results.ids.astype(object),
        "rule_id": results.rule_ids,
        "severity": results.severities,
        "verdict": results.verdicts,
        "park_id": results.park_ids,
        "subject_layer": results.subject_layers,
        "subject_id": results.subject_ids,
        **told,
        **set_aside,
        "illustrative": np.array([results.is_made_up(*item) for item in subjects], dtype=bool),
    }


def _single(finding: Finding, translator: Translator) -> Texts:
    return (
        translator.render(finding.title),
        orjson.dumps(plain(finding.evidence)).decode(),
        translator.render(finding.cure) if finding.cure else None,
    )


def _by_row(
    batch: RawBatch, evidence: Mapping[str, Any], translator: Translator
) -> Callable[[int], Texts]:
    """Return a function that gives the texts of a row of a batch; `evidence` is that of any row."""
    title = Words.of(batch.title, batch, translator)
    cure = None if batch.cure is None else Words.of(batch.cure, batch, translator)
    cells = {name: value for name, value in batch.evidence.items() if isinstance(value, PerRow)}
    fixed = {name: None if name in cells else plain(value) for name, value in evidence.items()}

    def text_of(row: int) -> Texts:
        shown: dict[str, object] = {}
        own = {**fixed, **{name: plain(cell[row]) for name, cell in cells.items()}}
        return (
            title.text(row, shown),
            orjson.dumps(own).decode(),
            None if cure is None else cure.text(row, shown),
        )

    return text_of
