"""The console's pages by address, and the files that they are made of."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from geo_service.errors import NotFoundError
from geo_service.planning import PlanningService
from geo_service.planning.pages.scenario_picks import form_values
from geo_service.web import shell
from geo_service.web.description import describe
from geo_service.web.language import PageLanguageDep
from geo_service.web.replies import OfScenario, ServiceDep, json_reply
from geo_service.web.security import AGAIN, PAGE_CSP, SHARED_A_YEAR
from geo_service.web.shell import Page
from geo_service.wording import said

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

# Swagger UI draws its icons from data addresses and sets style attributes.
_DOCS_CSP = PAGE_CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

_HOME = Page(name="home", nav_entry="home", texts=("home", "change", "change_hint"))
_PARK = Page(
    name="park",
    texts=("park", "park_verdict", "finding_words", "review"),
    is_charted=True,
)
_SHEET = Page(name="sheet", texts=("park", "sheet", "finding_words"))
_COMPARE = Page(name="compare", texts=("park", "compare"))
_REVIEWS = Page(
    name="reviews",
    nav_entry="reviews",
    texts=(
        *("review", "finding_words", "evidence_name", "measure", "parameter", "column"),
        *("change", "change_hint", "act_state", "act_page"),
    ),
)
_REVIEW = Page(
    name="review",
    nav_entry="reviews",
    texts=(
        *("review", "finding_words", "family", "act_state", "act_step", "act_page"),
        *("work_page", "work_state", "work_filter", "work_kind"),
    ),
)
_SITES = Page(
    name="sites",
    nav_entry="sites",
    texts=("sites", "facility", "finding_words"),
)
_SITES_SHEET = Page(name="sites_sheet", nav_entry="sites", texts=("sites",))
_HERE = Page(name="here", nav_entry="sites", texts=("here", "sites", "facility", "finding_words"))
_SCENARIOS = Page(name="scenarios", nav_entry="scenarios", texts=("scenarios",))
_SCENARIO = Page(
    name="scenario",
    nav_entry="scenarios",
    texts=(
        *("scenarios", "finding_kind", "column", "scheme", "status", "zone", "facility", "river"),
        *("op", "value_of", "measure"),
    ),
)
_COMPARED = Page(
    name="scenario_compare", nav_entry="scenarios", texts=("scenarios", "finding_kind")
)
_LAYOUTS = Page(
    name="layouts",
    nav_entry="layouts",
    texts=(
        *("layouts", "layout", "layout_term", "layout_unit", "scenarios", "sites", "facility"),
        "finding_words",
    ),
)
_LAYOUT = Page(
    name="layout",
    nav_entry="layouts",
    texts=("layouts", "layout", "layout_term", "layout_unit", "scenarios"),
)
_RULEBOOK = Page(
    name="rulebook",
    nav_entry="rulebook",
    texts=(
        *("rulebook", "family", "parameter", "column", "measure", "zone", "river"),
        *("scheme", "status"),
        *("document_kind", "document_state", "trust"),
    ),
)
_DATA = Page(
    name="data",
    nav_entry="data",
    texts=(
        *("data", "kept", "taken_as", "column", "status", "zone", "scheme", "facility", "river"),
    ),
)
_HELP = Page(name="help", nav_entry="help", body="help.html", texts=("help",))
_ABOUT = Page(name="about", texts=("about",))


@router.get("/", name="home")
def home(
    request: Request,
    service: ServiceDep,
    language: PageLanguageDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return 1 + 5 + 42 at a glance, as it is or as a scenario has it; what has changed.

    404 for an unknown scenario.
    """
    return shell.render(_HOME, request, language, values=_of_scenario(service, scenario))


@router.get("/parks/{park_id}")
def park(
    park_id: str,
    request: Request,
    service: ServiceDep,
    language: PageLanguageDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return one park's page, as it is or as a scenario has it.

    404 for an unknown park or scenario; whether a scenario has the park, its page finds out.
    """
    if scenario is None:
        service.parks.check(park_id)
    values = {"park_id": park_id, **_of_scenario(service, scenario)}
    return shell.render(_PARK, request, language, values=values)


@router.get("/parks/{park_id}/sheet")
def sheet(
    park_id: str, request: Request, service: ServiceDep, language: PageLanguageDep
) -> Response:
    """Return one park on one sheet of paper; a park that there is not is a 404."""
    service.parks.check(park_id)
    return shell.render(_SHEET, request, language, values={"park_id": park_id})


@router.get("/compare")
def compare(request: Request, language: PageLanguageDep) -> Response:
    """Return two to four parks side by side."""
    return shell.render(_COMPARE, request, language)


@router.get("/reviews")
def reviews(request: Request, language: PageLanguageDep) -> Response:
    """Return the kept reviews, and the way to review again and to compare."""
    return shell.render(_REVIEWS, request, language)


@router.get("/reviews/{review_id}")
def review(
    review_id: str, request: Request, service: ServiceDep, language: PageLanguageDep
) -> Response:
    """Return one review's page; a review that there is not is a 404."""
    service.reviews.check(review_id)
    return shell.render(_REVIEW, request, language, values={"shown_review_id": review_id})


@router.get("/sites")
def sites(
    request: Request,
    service: ServiceDep,
    language: PageLanguageDep,
    *,
    scenario: OfScenario = None,
) -> Response:
    """Return the page on which a site for a project is found, in the plan or in a scenario's.

    404 for an unknown scenario.
    """
    return shell.render(_SITES, request, language, values=_of_scenario(service, scenario))


def _of_scenario(service: PlanningService, scenario: str | None) -> dict[str, str | None]:
    """Return the scenario that a page is about, and its name; NotFoundError for an unknown one."""
    named = None if scenario is None else service.scenarios.find(scenario).scenario.name
    return {"scenario": scenario, "scenario_name": named}


@router.get("/sites/sheet")
def sites_sheet(request: Request, language: PageLanguageDep) -> Response:
    """Return candidates of a ranking on one sheet of paper."""
    return shell.render(_SITES_SHEET, request, language)


@router.get("/here")
def here(request: Request, language: PageLanguageDep) -> Response:
    """Return the page that says whether a project may be built at a place."""
    return shell.render(_HERE, request, language)


@router.get("/scenarios")
def scenarios(request: Request, language: PageLanguageDep) -> Response:
    """Return the scenarios, and the way to make one or take one in."""
    return shell.render(_SCENARIOS, request, language)


@router.get("/scenarios/compare")
def compared(request: Request, language: PageLanguageDep) -> Response:
    """Return scenarios and the plan side by side."""
    return shell.render(_COMPARED, request, language)


@router.get("/scenarios/{scenario_id}")
def scenario(
    scenario_id: str, request: Request, service: ServiceDep, language: PageLanguageDep
) -> Response:
    """Return one scenario's workbench; a scenario that there is not is a 404."""
    service.scenarios.find(scenario_id)
    values = {"scenario_id": scenario_id, "forms": form_values()}
    return shell.render(_SCENARIO, request, language, values=values)


@router.get("/layouts")
def layouts(request: Request, service: ServiceDep, language: PageLanguageDep) -> Response:
    """Return the layouts that were made, and the goals of a new one."""
    values = {"forms": service.layouts.form_values(language)}
    return shell.render(_LAYOUTS, request, language, values=values)


@router.get("/layouts/{layout_id}")
def layout(
    layout_id: str, request: Request, service: ServiceDep, language: PageLanguageDep
) -> Response:
    """Return one layout's page; a layout that there is not is a 404."""
    service.layouts.find(layout_id)
    return shell.render(_LAYOUT, request, language, values={"layout_id": layout_id})


@router.get("/rulebook")
def rulebook(request: Request, language: PageLanguageDep) -> Response:
    """Return the rules in force."""
    return shell.render(_RULEBOOK, request, language)


@router.get("/data")
def data(request: Request, language: PageLanguageDep) -> Response:
    """Return the layers, their versions and sources."""
    return shell.render(_DATA, request, language)


@router.get("/help")
def guide(request: Request, language: PageLanguageDep) -> Response:
    """Return how the console is used."""
    return shell.render(_HELP, request, language)


@router.get("/about")
def about(request: Request, language: PageLanguageDep) -> Response:
    """Return versions and licences."""
    return shell.render(_ABOUT, request, language)


@router.get("/docs", name="docs")
def docs(request: Request) -> Response:
    """Return the API's description as a page that needs nothing from outside."""
    del request
    headers = {"content-security-policy": _DOCS_CSP}
    return HTMLResponse(shell.read_file("docs.html"), headers=headers)


@router.get("/openapi.json", response_class=Response)
def openapi(request: Request) -> Response:
    """Return the API's description."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    root = request.scope.get("root_path")
    place = {"servers": [{"url": root}]} if root else {}
    return json_reply(request, {**app.openapi_schema, **place})


@router.get("/pages/{version}/{name}", response_class=Response)
def page_file(version: str, name: str) -> Response:
    """Return one of the console's scripts and styles; kept when its version is the current."""
    kind = shell.media_type(name)
    if kind is None:
        raise NotFoundError(said("problem.no_file"))
    headers = {"cache-control": SHARED_A_YEAR if version == shell.digest() else AGAIN}
    return Response(shell.read_file(name), media_type=kind, headers=headers)
