"""The digest of what a review found: of the review, of its document, in every language."""

from __future__ import annotations

import json

from geo_service.language import Language, Translator
from geo_service.reports.digest import Found
from geo_service.reports.stream import review_pieces
from geo_service.zoning.review import Review


def test_a_review_and_its_documents_have_one_digest(demo_review: Review) -> None:
    found = Found.of(demo_review)
    assert len(found.findings) == len(demo_review.results)
    for language in Language:
        translator = Translator(language, demo_review.plan.settings.names_hant)
        pieces = review_pieces(demo_review, translator, has_geometry=False)
        whole = json.loads(b"".join(pieces))
        assert Found.of_document(whole).digest == found.digest, language


def test_whatever_was_found_otherwise_gives_another_digest(demo_review: Review) -> None:
    found = Found.of(demo_review)
    name = next(iter(found.findings))
    changes = (
        {name: {**found.findings[name], "verdict": "pass"}},
        {name: {**found.findings[name], "evidence": {}}},
        {name: {**found.findings[name], "waived": {"reason": "x"}}},
    )
    digests = {found.digest}
    digests |= {
        Found({**found.findings, **change}, found.verdicts, found.checks).digest
        for change in changes
    }
    digests.add(Found(dict([*found.findings.items()][1:]), found.verdicts, found.checks).digest)
    park = next(iter(found.verdicts))
    digests.add(Found(found.findings, {**found.verdicts, park: "none"}, found.checks).digest)
    digests.add(Found(found.findings, found.verdicts, {}).digest)
    assert len(digests) == 7  # the first, three changes, one gone, a park, no counts
    backwards = dict([*found.findings.items()][::-1])
    assert Found(backwards, found.verdicts, found.checks).digest == found.digest
