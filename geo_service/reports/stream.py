"""A review's document in pieces: never the whole of it in memory, geometry made beside the text.

What comes out is, joined, byte for byte what `dump` makes of `review_document`: findings are
written a few thousand at a time while the geometry of the next ones is cut, moved to longitude and
latitude and written out in another thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.reports.document import (
    Document,
    dump,
    finding_properties,
    geometry_texts,
    review_head,
)

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review

CHUNK = 2_000
"""Findings that are written at once."""
_AHEAD = 2
"""Chunks whose geometry is made while another is written."""
_MEMBER = "findings"
_STEP = "  "
_DEPTH = 3
"""Levels of indentation of a finding's geometry in the document."""


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
    if not has_geometry:
        for chunk in chunks:
            yield _written(review, translator, chunk, [None] * len(chunk))
        return
    with ThreadPoolExecutor(_AHEAD) as pool:
        ahead = deque(pool.submit(_geometry, review, chunk) for chunk in chunks[:_AHEAD])
        for number, chunk in enumerate(chunks):
            shapes = ahead.popleft().result()
            if number + _AHEAD < len(chunks):
                ahead.append(pool.submit(_geometry, review, chunks[number + _AHEAD]))
            yield _written(review, translator, chunk, shapes)


def _written(
    review: Review, translator: Translator, chunk: range, shapes: Sequence[bytes | None]
) -> bytes:
    findings: list[Document] = [
        {
            **finding_properties(finding, translator),
            "geometry": None if shape is None else orjson.Fragment(shape),
        }
        for finding, shape in zip(review.results.at(chunk), shapes, strict=True)
    ]
    text = dump({_MEMBER: findings}, indent=True)
    return text[text.index(b"[") + 2 : text.rindex(b"\n  ]")]


def _geometry(review: Review, chunk: range) -> list[bytes | None]:
    texts = geometry_texts(review.geometry_of(chunk))
    return [None if text is None else indented(text, _DEPTH) for text in texts]


def indented(text: str, depth: int) -> bytes:
    r"""Return a GeoJSON geometry as `dump` indents it at a depth.

    >>> indented('{"type":"Point","coordinates":[1.5,2.0]}', 0).decode()
    '{\n  "type": "Point",\n  "coordinates": [\n    1.5,\n    2.0\n  ]\n}'
    """
    if not text.startswith('{"type":"') or '"geometries"' in text:
        return _indented_slowly(text, depth)
    kind, _, rest = text[len('{"type":"') :].partition('","coordinates":')
    inner = rest[:-1]
    levels = len(inner) - len(inner.lstrip("["))
    pads = ["\n" + _STEP * (depth + 1 + level) for level in range(levels + 1)]
    deepest = pads[levels]
    # From the borders of the largest parts to the comma between two numbers of one position.
    for inside in range(levels - 1, 0, -1):
        closing = "".join(pads[levels - level] + "]" for level in range(1, inside + 1))
        opening = "".join(pads[levels - level] + "[" for level in range(inside, 0, -1))
        border = "]" * inside + "," + "[" * inside
        inner = inner.replace(border, f"{closing};{opening}{deepest}")
    inner = inner.replace(",", f",{deepest}").replace(";", ",")
    opening = "[" + "".join(pads[level] + "[" for level in range(1, levels)) + deepest
    closing = "".join(pads[level] + "]" for level in range(levels - 1, -1, -1))
    inner = opening + inner[levels : len(inner) - levels] + closing
    start = "\n" + _STEP * (depth + 1)
    end = "\n" + _STEP * depth
    return f'{{{start}"type": "{kind}",{start}"coordinates": {inner}{end}}}'.encode()


def _indented_slowly(text: str, depth: int) -> bytes:
    written = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2)
    return written.replace(b"\n", b"\n" + (_STEP * depth).encode())
