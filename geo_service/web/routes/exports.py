"""Reviews as files to take away: workbook, text document, GeoPackage, GeoJSON, JSON."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.planning.exports import MEDIA_TYPES, ExportFormat, export_name, export_review
from geo_service.stores.base import REVIEW
from geo_service.web.answers import files
from geo_service.web.language import LanguageDep
from geo_service.web.replies import BY_LANGUAGE, CountyDep

router = APIRouter(prefix="/api", tags=["reviews"])


@router.get(
    "/reviews/{review_id}/export",
    summary="A review as a file",
    responses=files(*MEDIA_TYPES.values(), errors=(NotFoundError,)),
)
def export(
    review_id: str,
    county: CountyDep,
    language: LanguageDep,
    format: Annotated[ExportFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a review as a file with a name of its own; texts in the language asked for."""
    result = county.find_review(review_id)
    translator = county.translator(language)
    headers = {
        "content-disposition": attachment(export_name(result, format, translator)),
        **BY_LANGUAGE,
    }
    more = county.keeper.members(REVIEW, review_id, translator)
    content = export_review(result, format, translator, more)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[format])


def attachment(name: str) -> str:
    r"""Return a Content-Disposition that saves a file under a name of any script (RFC 6266, 8187).

    Whatever the name holds, quotes and line ends included, the header is one line of ASCII.

    >>> attachment("云 a.xlsx")
    'attachment; filename="_ a.xlsx"; filename*=UTF-8\'\'%E4%BA%91%20a.xlsx'
    """
    plain = "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\%' else "_"
        for char in name
    )
    coded = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}"
