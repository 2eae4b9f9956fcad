"""What the console's pages read beside the lists: a park in full, a review in full, credits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from geo_service.errors import NotFoundError
from geo_service.planning.finder import MOST_TYPED
from geo_service.planning.pages.credits import credits_document
from geo_service.planning.pages.industries import find_industries
from geo_service.planning.rankings import RANKING_MEDIA_TYPES, RankingFormat
from geo_service.web.answers import answers, files
from geo_service.web.language import LanguageDep
from geo_service.web.replies import (
    Limit,
    Offset,
    OfScenario,
    ServiceDep,
    download_reply,
    json_reply,
)
from geo_service.web.slots import WorkKind, in_turn
from geo_service.web.weighing import WeighingDep

router = APIRouter(prefix="/api", tags=["console"])

MOST_HITS = 50


@router.get(
    "/parks/{park_id}/profile", summary="A park in full", responses=answers("Any", NotFoundError)
)
@in_turn(WorkKind.PARKS)
def profile(
    park_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    scenario: OfScenario = None,
    limit: Limit = 100,
) -> Response:
    """Return a park's mix of industries, trend, enterprises, floors, parcels and first findings."""
    found = service.parks.profile(park_id, language, limit=limit, scenario=scenario)
    return json_reply(request, found)


@router.get(
    "/reviews/{review_id}/register",
    summary="A review in full, without geometry",
    responses=answers("Register", NotFoundError),
)
@in_turn(WorkKind.REVIEWS)
def register(
    review_id: str,
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    *,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Return a review's summary, parks and rules, and one page of its findings."""
    return json_reply(
        request, service.reviews.register(review_id, language, slice_=(limit, offset))
    )


@router.get(
    "/rankings/{ranking_id}/export",
    summary="A ranking as a file",
    responses=files(*RANKING_MEDIA_TYPES.values(), errors=(NotFoundError,)),
)
@in_turn(WorkKind.FILES, is_shared=False)
def export(
    ranking_id: str,
    service: ServiceDep,
    language: LanguageDep,
    weighing: WeighingDep,
    format: Annotated[RankingFormat, Query(description="The file's format.")],  # noqa: A002 - the contract's word
) -> Response:
    """Return a ranking, as it is kept or weighed anew, as a file in the language asked for."""
    return download_reply(service.rankings.file(ranking_id, format, language, weighing))


@router.get("/industries", summary="Industries by code or name", responses=answers("Industries"))
def industries(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    query: Annotated[
        str, Query(max_length=100, description="The start of a code, or part of a name.")
    ],
    *,
    limit: Limit = 20,
) -> Response:
    """Return GB/T 4754-2017 industries whose code starts with, or name contains, the query."""
    found = find_industries(query, service.translator(language), limit=limit)
    return json_reply(request, {"industries": found})


@router.get(
    "/search", summary="Everything that a name, pinyin or id finds", responses=answers("Hits")
)
def search(
    request: Request,
    service: ServiceDep,
    language: LanguageDep,
    q: Annotated[
        str,
        Query(
            max_length=MOST_TYPED,
            description="A name in either script, pinyin or its first letters, an id or a code.",
        ),
    ],
    *,
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
) -> Response:
    """Return parks, enterprises, parcels, buildings, industries, rules, findings and pages.

    The best hit comes first. `page` and `map` are addresses within the service that show a hit.
    """
    return json_reply(request, {"hits": service.finder.find(q, language, limit=limit)})


@router.get("/about", summary="Versions and licences", responses=answers("Any"))
def about(request: Request) -> Response:
    """Return the product's version and its components, with licences."""
    return json_reply(request, credits_document())
