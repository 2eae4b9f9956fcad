"""A ranking's document piece by piece: a large one is never held whole as text beside its rows.

The pieces put together are the JSON of one document, with `numberMatched` and `numberReturned` of
its candidates beside the members of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from geo_service.reports.document import Slice, dump
from geo_service.reports.ranking import candidate_lists, excluded_lists, ranking_frame

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.reports.document import Document
    from geo_service.suitability.rank import Ranking

AT_ONCE = 200
"""Candidates in a piece."""
_PIECE_BYTES = 262_144


def ranking_parts(
    ranking: Ranking,
    translator: Translator,
    more: Mapping[str, Any],
    *,
    slice_: Slice | None = None,
) -> Iterator[bytes]:
    """Return the document of a ranking in memory, with more members, piece by piece."""
    limit, offset = slice_ or (len(ranking.order), 0)
    order = ranking.order[offset : offset + limit]
    frame = {
        **ranking_frame(ranking, translator),
        **more,
        "numberMatched": len(ranking.order),
        "numberReturned": len(order),
    }
    candidates = candidate_lists(ranking, translator, order, size=AT_ONCE)
    excluded = excluded_lists(ranking, translator, size=AT_ONCE)
    return chain(
        [dump(frame)[:-1], b',"candidates":['],
        _listed(candidates),
        [b'],"excluded":['],
        _listed(excluded),
        [b"]}"],
    )


def _listed(lists: Iterable[list[Document]]) -> Iterator[bytes]:
    """Yield the items of several lists as those of one, without its brackets."""
    is_first = True
    for items in lists:
        yield (b"" if is_first else b",") + dump(items)[1:-1]
        is_first = False


def saved_parts(
    content: bytes, more: Mapping[str, Any], *, slice_: Slice | None = None
) -> Iterator[bytes]:
    """Return the document of a saved ranking, given as it was kept, piece by piece."""
    document = orjson.loads(content)
    candidates = document["candidates"]
    limit, offset = slice_ or (len(candidates), 0)
    shown = candidates[offset : offset + limit]
    more = {**more, "numberMatched": len(candidates), "numberReturned": len(shown)}
    if slice_ is None:  # as it was kept, behind what is said of it now
        whole = dump(more)[:-1] + b"," + content[1:]
    else:
        whole = dump({**document, **more, "candidates": shown})
    return (whole[start : start + _PIECE_BYTES] for start in range(0, len(whole), _PIECE_BYTES))


def document_of(parts: Iterable[bytes]) -> Document:
    """Return pieces as the document that they make."""
    document: Document = orjson.loads(b"".join(parts))
    return document
