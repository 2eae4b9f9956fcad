"""A review as a file: read again it is the same, whatever its findings hold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import orjson
import pytest

from geo_service.language import Language, Translator
from geo_service.model import Message, Quantity
from geo_service.plan import Plan
from geo_service.reports.stream import review_pieces
from geo_service.zoning import kept, measured
from geo_service.zoning.batch import SomeShapes
from geo_service.zoning.kept import KeptFault, KeptReviewError, keep_review, kept_review
from geo_service.zoning.kept_rows import CutOfPlan
from geo_service.zoning.kept_values import dumped, restored
from geo_service.zoning.review import Review, review


def whole(found: Review, language: Language) -> bytes:
    translator = Translator(language, found.plan.settings.names_hant)
    return b"".join(review_pieces(found, translator))


def test_a_review_is_the_same_to_the_last_byte_in_every_language(
    demo: Plan, demo_review: Review, tmp_path: Path
) -> None:
    keep_review(demo_review, tmp_path / "a.review")
    again = kept_review(tmp_path / "a.review", demo, demo_review.rulebook)
    for language in Language:
        assert whole(again, language) == whole(demo_review, language)
    assert again.checks == demo_review.checks
    assert again.judged == demo_review.judged
    assert again.waived_count == demo_review.waived_count
    assert again.approved_count == demo_review.approved_count
    assert np.array_equal(again.results.bounds, demo_review.results.bounds, equal_nan=True)
    assert list(again.results.subject_ids) == list(demo_review.results.subject_ids)
    assert list(again.results.titles()) == list(demo_review.results.titles())


def test_a_review_that_was_read_can_be_kept_again(
    demo: Plan, demo_review: Review, tmp_path: Path
) -> None:
    keep_review(demo_review, tmp_path / "a.review")
    once = kept_review(tmp_path / "a.review", demo, demo_review.rulebook)
    keep_review(once, tmp_path / "b.review")
    twice = kept_review(tmp_path / "b.review", demo, demo_review.rulebook)
    assert whole(twice, Language.EN) == whole(demo_review, Language.EN)


def test_parts_that_are_cut_later_stand_as_places_and_are_cut_again(
    demo: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "MANY_SUBJECTS", 1)
    monkeypatch.setattr("geo_service.spatial.overlay.VERTICES_PER_SUBJECT", 10**9)
    made = review(demo, as_of=date(2026, 11, 22))
    later = [raw.shapes for _, raw in made.results.parts if hasattr(raw, "shapes")]
    assert any(isinstance(shapes, SomeShapes) for shapes in later)
    keep_review(made, tmp_path / "a.review")
    again = kept_review(tmp_path / "a.review", demo, made.rulebook)
    places = [raw.shapes for _, raw in again.results.parts if hasattr(raw, "shapes")]
    assert any(isinstance(shapes, CutOfPlan) for shapes in places)
    keep_review(again, tmp_path / "b.review")
    twice = kept_review(tmp_path / "b.review", demo, made.rulebook)
    for found in (again, twice):
        assert whole(found, Language.EN) == whole(made, Language.EN)
        assert np.array_equal(found.results.bounds, made.results.bounds, equal_nan=True)


def test_whatever_byte_is_changed_or_missing_the_file_is_refused_or_read_as_it_was(
    demo: Plan, demo_review: Review, tmp_path: Path
) -> None:
    path = tmp_path / "a.review"
    keep_review(demo_review, path)
    content = path.read_bytes()
    size = len(content)
    places = sorted({*range(0, 72, 4), *range(72, size, size // 60), size - 9, size - 1})
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 0x55
        for spoiled in (bytes(changed), content[:place]):
            path.write_bytes(spoiled)
            if len(spoiled) == size and 12 <= place < 64:  # after the checksum nothing is written
                assert len(kept_review(path, demo, demo_review.rulebook).results) > 0
                continue
            with pytest.raises(KeptReviewError) as refused:
                kept_review(path, demo, demo_review.rulebook)
            assert refused.value.fault in {KeptFault.DAMAGED, KeptFault.FORMAT}


def test_a_file_of_another_form_is_refused(
    demo: Plan, demo_review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.review"
    with monkeypatch.context() as before:
        before.setattr(kept, "_MAGIC", b"GEOREV00")
        keep_review(demo_review, path)
    with pytest.raises(KeptReviewError) as refused:
        kept_review(path, demo, demo_review.rulebook)
    assert refused.value.fault is KeptFault.FORMAT


@pytest.mark.parametrize(
    "value",
    [
        Message("a.b", {"c": Quantity(1.5, "m²"), "d": Message("e.f", {"g": [1, None, "x"]})}),
        Quantity(0.1 + 0.2, None, 3.0),
        {"day": date(2026, 2, 28), "of": {"n": [Quantity(1.0, "m")]}},
        [1e-17, 12345678901234567, True, "有"],
    ],
)
def test_values_of_findings_come_back_as_they_were(value: object) -> None:
    assert restored(orjson.loads(dumped(value))) == value


def test_the_review_of_something_else_is_refused(
    demo: Plan, demo_review: Review, tmp_path: Path
) -> None:
    path = tmp_path / "a.review"
    keep_review(demo_review, path)
    other = demo.with_layers({"parks": demo.frame("parks")}, label="other")
    with pytest.raises(KeptReviewError) as refused:
        kept_review(path, other, demo_review.rulebook)
    assert refused.value.fault is KeptFault.OTHER
    with pytest.raises(KeptReviewError) as missing:
        kept_review(tmp_path / "none.review", demo, demo_review.rulebook)
    assert missing.value.fault is KeptFault.GONE
