"""Replies with a result that was made: whether it was kept decides the status."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from geo_service.web.replies import BY_LANGUAGE, has_already, json_reply

_CREATED, _OK = 201, 200


def made_reply(request: Request, document: Mapping[str, Any], path: str) -> Response:
    """Reply with a result: 201 when it was kept, else 200; either way with its address.

    What was not kept can be asked for at that address until the service ends.
    """
    status = _CREATED if document["saved"] else _OK
    answer = json_reply(request, document, status=status)
    answer.headers["location"] = path
    return answer


def streamed_reply(request: Request, parts: Iterable[bytes], *tells: object) -> Response:
    """Reply with a JSON document piece by piece; `tells` are what it depends on, for its ETag."""
    digest = hashlib.sha256("|".join(map(repr, tells)).encode()).hexdigest()[:20]
    etag = f'"{digest}"'
    headers = {**BY_LANGUAGE, "etag": etag}
    if has_already(request, etag):
        return Response(status_code=304, headers=headers)
    return StreamingResponse(parts, headers=headers, media_type="application/json")
