"""Findings as columns: a batch says what its rows say singly, and parts cut later are the same."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_service import open_plan
from geo_service import review as review_plan
from geo_service.language import Language, Translator
from geo_service.model import BasisTag, LegalBasis, Message, Severity, Subject, Verdict
from geo_service.planning import dump
from geo_service.reports import stream
from geo_service.reports.document import review_document
from geo_service.reports.stream import KeptShapes, review_pieces
from geo_service.spatial.grid_overlay import is_available
from geo_service.suitability.reasons import Reason, each_once
from geo_service.zoning import measured
from geo_service.zoning.batch import GivenShapes, PerRow, RawBatch, RawFinding
from geo_service.zoning.check import Outcome, missing_value, missing_values, no_zones
from geo_service.zoning.findings import Findings
from geo_service.zoning.portions import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geo_service.plan import Plan
    from geo_service.zoning.review import Review

DAY = date(2026, 11, 30)
STAMP = Stamp(
    rule_id="control_zone.red_line",
    family="control_zone",
    severity=Severity.MUST,
    legal_basis=LegalBasis(document="某法", number=None, article="1"),
    basis_tag=BasisTag.LAW,
    note=None,
    area_method="planar",
)


def batch(rows: Sequence[tuple[str, str | None, float]], shapes: Any = None) -> RawBatch:  # noqa: ANN401
    """A batch of parcels: id, park and area of each."""
    areas = np.array([area for _, _, area in rows])
    parks = np.empty(len(rows), dtype=object)
    parks[:] = [park for _, park, _ in rows]
    return RawBatch(
        verdict=Verdict.FAIL,
        layer="parcels",
        subject_ids=[parcel for parcel, _, _ in rows],
        park_ids=parks,
        title="finding.in_zone",
        values={"area": PerRow(areas), "zones": PerRow(range(len(rows)), lambda row: [f"Z{row}"])},
        evidence={"measure": "area_inside", "value": PerRow(areas), "unit": "m²"},
        cure="cure.cut_area",
        shapes=shapes,
        key="fail",
    )


def found(*raw: RawBatch | Sequence[RawFinding]) -> Findings:
    """Findings that nothing sets aside."""
    return Findings(
        [(STAMP, part) for part in raw],
        waiver_of=lambda _: None,
        approval_of=lambda _: None,
        concerned=(),
        illustrative=(),
    )


ROWS = st.lists(
    st.tuples(
        st.text("ABC123", min_size=1, max_size=3),
        st.sampled_from(["P1", "P2", None]),
        st.floats(0.01, 1e6),
    ),
    unique_by=lambda row: row[0],
    max_size=12,
)


@given(ROWS)
def test_a_batch_says_what_its_rows_say_singly(rows: list[tuple[str, str | None, float]]) -> None:
    together = batch(rows)
    singly = [together.at(row) for row in range(len(rows))]
    columns, single = found(together), found(singly)
    assert list(columns) == list(single)
    assert columns.ids.tolist() == [item.finding_id for item in single]
    assert columns.verdict_of_parks(["P1", "P2"]) == single.verdict_of_parks(["P1", "P2"])
    by_hand = {park for _, park, _ in rows}
    assert columns.verdict_of_parks(["P1", "P2"]) == {
        park: Verdict.FAIL if park in by_hand else Verdict.PASS for park in ("P1", "P2")
    }


def test_a_row_is_told_with_its_own_figures() -> None:
    first, second = found(batch([("A", "P1", 12.5), ("B", None, 700.0)])).at([1, 0])
    by_id = {first.subject.id: first, second.subject.id: second}
    assert by_id["A"].evidence["value"] == 12.5
    assert by_id["A"].title == Message("finding.in_zone", {"area": 12.5, "zones": ["Z0"]})
    assert by_id["B"].evidence == {
        "area_method": "planar",
        "measure": "area_inside",
        "value": 700.0,
        "unit": "m²",
    }
    assert by_id["B"].title.values["zones"] == ["Z1"]  # noqa: PD011 - a message's
    assert by_id["B"].park_id is None


def test_a_shape_is_made_when_it_is_asked_for() -> None:
    class Counted(GivenShapes):
        """Shapes that say which rows were asked for."""

        asked: list[int] = []  # noqa: RUF012 - of this test alone

        def of(self, rows: Any) -> Any:  # noqa: ANN401
            self.asked.extend(rows.tolist())
            return super().of(rows)

    squares = np.array([shapely.box(0, 0, 1, 1), shapely.box(5, 0, 7, 1)], dtype=object)
    shapes = Counted(squares)
    findings = found(batch([("A", "P1", 1.0), ("B", "P1", 2.0)], shapes))
    items = {item.subject.id: item for item in findings}
    assert shapes.asked == []
    geometry = items["B"].geometry
    assert geometry is not None
    assert geometry.area == 2.0
    assert shapes.asked == [1]


def test_an_outcome_is_read_whole() -> None:
    """Rules that are put to trial plans read findings of batches as well as single ones."""
    outcome = Outcome(batches=[batch([("A", "P1", 1.0), ("B", "P2", 2.0)])])
    outcome.singles.append(batch([("C", "P1", 3.0)]).at(0))
    assert [item.subject.id for item in outcome.findings] == ["A", "B", "C"]
    assert outcome.subjects_found() == 3


@pytest.fixture(scope="module")
def cut_later(demo_folder: Path) -> Review:
    """The demo's review made as that of a county with very many parcels."""
    assert is_available()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured, "MANY_SUBJECTS", 0)
        return review_plan(open_plan(demo_folder), as_of=DAY)


@pytest.fixture(scope="module")
def cut_at_once(demo: Plan) -> Review:
    return review_plan(demo, as_of=DAY)


def test_parts_that_are_cut_later_are_the_same(cut_later: Review, cut_at_once: Review) -> None:
    """0.01 m² or a millionth is what the kernel and GEOS may differ by."""
    assert cut_later.results.ids.tolist() == cut_at_once.results.ids.tolist()
    assert cut_later.park_verdicts == cut_at_once.park_verdicts
    shapes = zip(cut_later.results.geometry(), cut_at_once.results.geometry(), strict=True)
    for one, other in shapes:
        assert (one is None) == (other is None)
        assert one is None or one.equals(other)
    overlaps = 0
    for one, other in zip(cut_later.results, cut_at_once.results, strict=True):
        assert (one.verdict, one.park_id, one.title.key) == (
            other.verdict,
            other.park_id,
            other.title.key,
        )
        if other.evidence["measure"] == "area_inside" and other.evidence["value"] is not None:
            overlaps += 1
            for name in ("value", "share", "subject_area_m2"):
                assert one.evidence[name] == pytest.approx(other.evidence[name], rel=1e-6)
            assert one.evidence["zone_ids"] == other.evidence["zone_ids"]
    assert overlaps > 20


@pytest.mark.parametrize("has_geometry", [True, False])
def test_a_streamed_document_is_the_whole_one(
    *, cut_at_once: Review, has_geometry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of seven findings, of which the last is not full."""
    monkeypatch.setattr("geo_service.reports.stream.CHUNK", 7)
    translator = Translator(Language.EN)
    document = review_document(cut_at_once, translator)
    if not has_geometry:
        for item in document["findings"]:
            item["geometry"] = None
    pieces = review_pieces(cut_at_once, translator, has_geometry=has_geometry)
    assert b"".join(pieces) == dump(document, indent=True)


def test_documents_in_three_languages_share_what_was_cut_once(
    cut_at_once: Review, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_service.reports.stream.CHUNK", 50)
    translators = [Translator(language) for language in Language]
    alone = [b"".join(review_pieces(cut_at_once, each)) for each in translators]
    cut: list[range] = []
    make = stream._geometry  # noqa: SLF001 - what cuts is counted

    def made(result: Review, chunk: range) -> list[bytes]:
        cut.append(chunk)
        return make(result, chunk)

    monkeypatch.setattr(stream, "_geometry", made)
    kept = KeptShapes(cut_at_once)
    together = [b"".join(review_pieces(cut_at_once, each, kept=kept)) for each in translators]
    assert together == alone
    assert len(cut) == len(set(cut)) == -(-len(cut_at_once.results) // 50)


def test_a_streamed_document_may_leave_out_findings(cut_at_once: Review) -> None:
    translator = Translator()
    pieces = review_pieces(cut_at_once, translator, has_findings=False)
    document = review_document(cut_at_once, translator)
    assert b"".join(pieces) == dump({**document, "findings": []}, indent=True)


def test_what_is_missing_of_many_is_what_is_missing_of_each() -> None:
    ids, parks = pd.Series(["E1", "E2"], dtype="str"), pd.Series(["P1", None], dtype="str")
    together = missing_values("enterprises", ids, parks, "tax_cny", severity=Severity.INFO)
    singly = [
        missing_value(
            park_id=park_id,
            subject=Subject("enterprises", enterprise_id),
            column="tax_cny",
            severity=Severity.INFO,
        )
        for enterprise_id, park_id in (("E1", "P1"), ("E2", None))
    ]
    assert [together.at(row) for row in range(2)] == singly
    said = [together.said_at(row) for row in range(2)]
    assert said == [(item.title, item.evidence) for item in singly]


def test_a_finding_said_of_many_is_alike_in_all_rows() -> None:
    alike = no_zones("", "heritage", measure="area_inside")
    ids, parks = pd.Series(["L1", "L2"], dtype="str"), pd.Series([None, "P1"], dtype="str")
    together = RawBatch.alike(alike, "parcels", ids, parks)
    assert together.is_alike
    assert not batch([("L1", "P1", 2.0)]).is_alike
    expected = [
        replace(alike, subject=Subject("parcels", "L1"), park_id=None),
        replace(alike, subject=Subject("parcels", "L2"), park_id="P1"),
    ]
    assert [together.at(row) for row in range(2)] == expected


def test_some_rows_say_what_they_say_in_the_whole() -> None:
    whole = batch([("L1", "P1", 2.0), ("L2", None, 3.0), ("L3", "P1", 4.0)])
    some = whole.of(np.array([2, 0]))
    assert [some.said_at(row) for row in (0, 1)] == [whole.said_at(row) for row in (2, 0)]
    assert whole.said_at(0) != whole.said_at(2)


def test_a_reason_of_a_row_says_what_the_row_does_once_somebody_looks() -> None:
    whole = batch([("L1", "P1", 2.0), ("L2", None, 3.0)])
    basis = LegalBasis(document="x", article="1")
    rows = [Reason.of_row("control_zone.red_line", whole, row, basis) for row in (0, 1)]
    alone = [
        Reason("control_zone.red_line", Verdict.FAIL, *whole.said_at(row), basis) for row in (0, 1)
    ]
    travelled = pickle.loads(pickle.dumps(rows[1]))  # noqa: S301 - made on the line itself
    assert rows == alone
    assert travelled == alone[1]
    assert travelled.measure["value"] == 3.0
    assert each_once(rows, [alone[0]]) == tuple(alone)
    assert replace(rows[0], rule_id="other").measure == alone[0].measure
    with pytest.raises(AttributeError):
        _ = rows[0].no_such_field
