"""What the console's pages read beside the lists: a park in full, a review in full, credits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.planning.exports import file_name
from geo_service.planning.pages.credits import credits_document
from geo_service.planning.pages.industries import find_industries
from geo_service.planning.pages.profile import park_profile
from geo_service.planning.pages.register import review_register
from geo_service.planning.ranking_files import (
    RANKING_MEDIA_TYPES,
    RankingFormat,
    export_ranking,
)
from geo_service.stores.base import REVIEW
from geo_service.web.answers import answers, files
from geo_service.web.language import LanguageDep
from geo_service.web.replies import BY_LANGUAGE, CountyDep, Limit, Offset, json_reply
from geo_service.web.routes.exports import attachment
from geo_service.web.weighing import WeighingDep

router = APIRouter(prefix="/api", tags=["console"])


@router.get(
    "/parks/{park_id}/profile", summary="A park in full", responses=answers("Any", NotFoundError)
)
def profile(park_id: str, request: Request, county: CountyDep, language: LanguageDep) -> Response:
    """Return a park's mix of industries, trend, enterprises, floors, parcels and findings."""
    county.check_parks([park_id])
    document = park_profile(county.review, park_id, county.translator(language))
    return json_reply(request, document)


@router.get(
    "/reviews/{review_id}/register",
    summary="A review in full, without geometry",
    responses=answers("Register", NotFoundError),
)
def register(
    review_id: str,
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a review's summary, parks and rules, and one page of its findings."""
    found = county.find_review(review_id)
    translator = county.translator(language)
    document = review_register(found, translator, limit=limit, offset=offset)
    document["summary"] |= county.keeper.members(REVIEW, review_id, translator)
    return json_reply(request, document)


@router.get(
    "/rankings/{ranking_id}/export",
    summary="A ranking as a file",
    responses=files(*RANKING_MEDIA_TYPES.values(), errors=(NotFoundError,)),
)
def export(
    ranking_id: str,
    county: CountyDep,
    language: LanguageDep,
    weighing: WeighingDep,
    format: Annotated[RankingFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a ranking, as it is kept or weighed anew, as a file in the language asked for."""
    found = county.rankings.weighed(ranking_id, weighing)
    content = export_ranking(found, format, county.translator(language))
    headers = {
        "content-disposition": attachment(
            file_name(f"{found.project.name[:60]} {ranking_id}", format)
        ),
        **BY_LANGUAGE,
    }
    return Response(content, headers=headers, media_type=RANKING_MEDIA_TYPES[format])


@router.get("/industries", summary="Industries by code or name", responses=answers("Industries"))
def industries(
    request: Request,
    county: CountyDep,
    language: LanguageDep,
    query: Annotated[str, Query(max_length=100, description="The start of a code, or words.")],
    *,
    limit: Limit = 20,
) -> Response:
    """Return the industries of GB/T 4754-2017 whose code starts so or whose name holds it."""
    found = find_industries(query, county.translator(language), limit=limit)
    return json_reply(request, {"industries": found})


@router.get("/about", summary="Versions and licences", responses=answers("Any"))
def about(request: Request) -> Response:
    """Return the product's version and what it is made of, with licences."""
    return json_reply(request, credits_document())
