"""A review's document in pieces: never the whole of it in memory, geometry made beside the text.

What comes out is, joined, byte for byte what `dump` makes of `review_document`: findings are
written a few thousand at a time while the geometry of the next ones is cut and moved to longitude
and latitude in another thread.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from geo_service.halves import can_halve, made_in_halves
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
_QUICK = 1


class KeptShapes:
    """The geometry of a review's findings as text, which documents in several languages share.

    What was cut for the first of them is kept in a temporary file, packed, until the last is done.
    """

    def __init__(self, review: Review) -> None:
        """Take the review; nothing is cut until a document asks for it."""
        self._review = review
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as this lives
        weakref.finalize(self, self._file.close)
        self._places: dict[range, tuple[int, int, list[int]]] = {}
        self._lock = threading.Lock()

    def of(self, chunk: range) -> list[bytes]:
        """Return the texts of the geometry of these findings."""
        with self._lock:
            place = self._places.get(chunk)
            if place is not None:
                self._file.seek(place[0])
                packed = self._file.read(place[1])
        if place is None:
            return self._keep(chunk, _geometry(self._review, chunk))
        text, start, texts = zlib.decompress(packed), 0, []
        for length in place[2]:
            texts.append(text[start : start + length])
            start += length
        return texts

    def _keep(self, chunk: range, texts: list[bytes]) -> list[bytes]:
        packed = zlib.compress(b"".join(texts), _QUICK)
        with self._lock:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(packed)
            self._places[chunk] = start, len(packed), list(map(len, texts))
        return texts


def review_pieces(  # noqa: PLR0913 - all but two have a default
    review: Review,
    translator: Translator,
    more: Mapping[str, Any] | None = None,
    *,
    has_geometry: bool = True,
    has_findings: bool = True,
    kept: KeptShapes | None = None,
    is_alone: bool = False,
) -> Iterator[bytes]:
    """Yield a review's document as indented JSON.

    `more` are members beside those of the review. Without `has_geometry` the geometry of findings
    is null; without `has_findings` their list is empty. `kept` is what documents of the same review
    in other languages share. A process that `is_alone` with this may be forked, so that two write.
    """
    head = {**review_head(review, translator), _MEMBER: [], **(more or {})}
    before, _, after = dump(head, indent=True).partition(f'"{_MEMBER}": []'.encode())
    count = len(review.results) if has_findings else 0
    if not count:
        yield before + f'"{_MEMBER}": []'.encode() + after
        return
    yield before + f'"{_MEMBER}": ['.encode()
    chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    shapes_of = _shapes_of(review, kept) if has_geometry else None
    texts_of = _halves if is_alone and can_halve(len(chunks)) else _chunk_texts
    for number, text in enumerate(texts_of(review, translator, chunks, shapes_of)):
        yield (b",\n" if number else b"\n") + text
    yield b"\n  ]" + after


def _shapes_of(review: Review, kept: KeptShapes | None) -> Callable[[range], list[bytes]]:
    return partial(_geometry, review) if kept is None else kept.of


def _chunk_texts(
    review: Review,
    translator: Translator,
    chunks: Sequence[range],
    shapes_of: Callable[[range], list[bytes]] | None,
) -> Iterator[bytes]:
    texts = FindingTexts(review.results, translator)
    if shapes_of is None:
        for chunk in chunks:
            yield b",\n".join(texts.of(chunk, [b"null"] * len(chunk)))
        return
    with ThreadPoolExecutor(_AHEAD) as pool:
        ahead = deque(pool.submit(shapes_of, chunk) for chunk in chunks[:_AHEAD])
        for number, chunk in enumerate(chunks):
            shapes = ahead.popleft().result()
            if number + _AHEAD < len(chunks):
                ahead.append(pool.submit(shapes_of, chunks[number + _AHEAD]))
            yield b",\n".join(texts.of(chunk, shapes))


def _halves(
    review: Review,
    translator: Translator,
    chunks: Sequence[range],
    shapes_of: Callable[[range], list[bytes]] | None,
) -> Iterator[bytes]:
    """Yield what `_chunk_texts` does, half of it made by a copy of this process."""
    texts = FindingTexts(review.results, translator)
    # What all findings share is made before there are two processes.
    with ThreadPoolExecutor(1) as pool:
        cutting = None if shapes_of is None else pool.submit(review.results.get_ready_to_cut)
        texts.get_ready()
        if cutting is not None:
            cutting.result()

    def make(number: int) -> bytes:
        chunk = chunks[number]
        shapes = [b"null"] * len(chunk) if shapes_of is None else shapes_of(chunk)
        return b",\n".join(texts.of(chunk, shapes))

    yield make(0)
    yield from made_in_halves(lambda number: make(number + 1), len(chunks) - 1)


def _geometry(review: Review, chunk: range) -> list[bytes]:
    return [geometry_text(shape) for shape in geometry_arrays(review.geometry_of(chunk))]
