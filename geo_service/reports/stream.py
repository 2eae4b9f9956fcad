"""A review's document in pieces: never the whole of it in memory, geometry made beside the text.

What comes out is, joined, byte for byte what `dump` makes of `review_document`: findings are
written a few thousand at a time while the geometry of the next ones is cut and moved to longitude
and latitude in another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from geo_service.reports.document import (
    dump,
    geometry_arrays,
    review_head,
)
from geo_service.reports.finding_texts import FindingTexts, geometry_text

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review

CHUNK = 2_000
"""Findings that are written at once."""
_AHEAD = 2
"""Chunks whose geometry is made while another is written."""
_MEMBER = "findings"


def review_pieces(
    review: Review,
    translator: Translator,
    more: Mapping[str, Any] | None = None,
    *,
    has_geometry: bool = True,
    has_findings: bool = True,
) -> Iterator[bytes]:
    """Yield a review's document as indented JSON.

    `more` are members beside those of the review. Without `has_geometry` the geometry of findings
    is null; without `has_findings` their list is empty.
    """
    head = {**review_head(review, translator), _MEMBER: [], **(more or {})}
    before, _, after = dump(head, indent=True).partition(f'"{_MEMBER}": []'.encode())
    count = len(review.results) if has_findings else 0
    if not count:
        yield before + f'"{_MEMBER}": []'.encode() + after
        return
    yield before + f'"{_MEMBER}": ['.encode()
    chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    for number, text in enumerate(
        _chunk_texts(review, translator, chunks, has_geometry=has_geometry)
    ):
        yield (b",\n" if number else b"\n") + text
    yield b"\n  ]" + after


def _chunk_texts(
    review: Review, translator: Translator, chunks: Sequence[range], *, has_geometry: bool
) -> Iterator[bytes]:
    texts = FindingTexts(review.results, translator)
    if not has_geometry:
        for chunk in chunks:
            yield b",\n".join(texts.of(chunk, [b"null"] * len(chunk)))
        return
    with ThreadPoolExecutor(_AHEAD) as pool:
        ahead = deque(pool.submit(_geometry, review, chunk) for chunk in chunks[:_AHEAD])
        for number, chunk in enumerate(chunks):
            shapes = ahead.popleft().result()
            if number + _AHEAD < len(chunks):
                ahead.append(pool.submit(_geometry, review, chunks[number + _AHEAD]))
            yield b",\n".join(texts.of(chunk, shapes))


def _geometry(review: Review, chunk: range) -> list[bytes]:
    return [geometry_text(shape) for shape in geometry_arrays(review.geometry_of(chunk))]
