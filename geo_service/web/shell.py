"""The frame around every page: navigation, languages, footer, and the data that it carries.

A page is a shell of catalogue texts. What it shows it fetches as JSON; the few values that
it starts from (the county's name, versions, ids) stand in one JSON island, so that no value
of the data passes through a template. Leaves out which addresses there are.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from fastapi.responses import HTMLResponse, Response

import geo_service
from geo_service import front
from geo_service.access import Partial, acting, acting_name
from geo_service.errors import NotFoundError
from geo_service.language import Language, Translator, catalogue
from geo_service.maps.assets import font_sheets
from geo_service.maps.document import asset_version
from geo_service.maps.style import symbol_document
from geo_service.planning.rankings import KEPT_OF_PART
from geo_service.reports.document import is_illustrative
from geo_service.web.decisions import DECISIONS
from geo_service.web.language import set_language_cookie
from geo_service.web.security import PAGE_CSP
from geo_service.wording import said

if TYPE_CHECKING:
    from fastapi import Request

    from geo_service.plan import Plan
    from geo_service.planning import PlanningService

_SHELLS = files("geo_service") / "front" / "pages"
_MEDIA_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_SHARED_TEXTS = (
    *("console.", "verdict.", "tier.", "severity.", "basis.", "layer."),
    *("basis_tag.", "basis_group.", "rests_on.", "finder.", "account.sign_in", "withheld."),
)
_WITH_FORMS = {"referrer-policy": "same-origin"}
"""With `no-referrer` browsers send `Origin: null` with a form, and `doors` could not tell whose."""
_FINDER = "finder"
"""The program that every page has beside its own."""
_CHARTS = "echarts/echarts.min.js"
_LANGUAGE_NAMES = {
    Language.ZH_HANS: ("简", "简体中文"),
    Language.ZH_HANT: ("繁", "繁體中文"),
    Language.EN: ("EN", "English"),
}
NAVIGATION = {
    "home": "/",
    "reviews": "/reviews",
    "sites": "/sites",
    "layouts": "/layouts",
    "scenarios": "/scenarios",
    "province": "/province",
    "rulebook": "/rulebook",
    "data": "/data",
    "help": "/help",
}


_OFFERED = {
    "compare_reviews": "GET /api/reviews/{review_id}/comparison",
    "here": "GET /here",
    "import": "POST /api/imports",
    "make_layouts": "POST /api/layouts",
    "make_reviews": "POST /api/reviews",
    "make_scenarios": "POST /api/scenarios",
    "projects": "GET /api/projects",
    "publish": "POST /api/scenarios/{scenario_id}/publish",
    "rank": "POST /api/rankings",
    "retain": "POST /api/saved/retain",
    "sites": "GET /sites",
}
"""What pages lead to, or offer to do, where the account that asks gets it."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One kind of page: its program, where it stands in the navigation, what it needs."""

    name: str
    nav_entry: str = ""
    """The entry of the navigation that is marked as current."""
    texts: tuple[str, ...] = ()
    """Sections of the catalogue that its program uses beside the shared ones."""
    is_charted: bool = False
    body: str = ""
    """A file with the part that needs no program, for pages that are text."""


def render(
    page: Page,
    request: Request,
    language: Language,
    *,
    values: Mapping[str, Any] | None = None,
    marks: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """Return a page in a language; `values` are data for its program, never for the shell.

    `marks` are what a body without a program needs: HTML by name, every value in it escaped.
    """
    service = _seen_service(request)
    translator = service.translator(language)
    root = str(request.scope.get("root_path", ""))
    shell = {
        **_frame(request, language, translator, root),
        "version": html.escape(geo_service.__version__),
        "page": page.name,
        "frame": "is-framed" if request.headers.get("sec-fetch-dest") == "iframe" else "",
        "navigation": _navigation(
            page,
            service,
            translator,
            root,
            has_province=request.app.state.province is not None,
        ),
        "account": _account(translator, root),
        "scripts": _scripts(page, root),
        "island": _island(_start(page, service, translator, root, values or {})),
        **(marks or {}),
    }
    body = Template(read_file(page.body)).substitute(shell) if page.body else _loading(shell)
    title = html.escape(translator.text(f"console.{page.name}_title"))
    content = Template(read_file("shell.html")).substitute(shell, title=title, body=body)
    headers = _headers(PAGE_CSP) | (_WITH_FORMS if shell["account"] else {})
    reply = HTMLResponse(content, status, headers=headers)
    set_language_cookie(request, reply, language)
    return reply


def _seen_service(request: Request) -> PlanningService:
    """Return the service that answers the account that asks."""
    service: PlanningService = request.app.state.service
    return service.seen_by(acting())


def render_door(
    file: str,
    request: Request,
    language: Language,
    marks: Mapping[str, str],
    *,
    status: int = 200,
) -> Response:
    """Return a page for who is not signed in: it says nothing about the county.

    `marks` are as in `render`.
    """
    root = str(request.scope.get("root_path", ""))
    frame = _frame(request, language, Translator(language), root)
    content = Template(read_file(file)).substitute(frame, **marks)
    reply = HTMLResponse(content, status, headers=_headers(PAGE_CSP) | _WITH_FORMS)
    set_language_cookie(request, reply, language)
    return reply


def _frame(
    request: Request, language: Language, translator: Translator, root: str
) -> dict[str, str]:
    """Return what every page has."""
    return {
        "lang": language.value,
        "root": html.escape(root),
        "pages": html.escape(f"{root}/pages/{digest()}"),
        "fonts": _fonts(root),
        "languages": _languages(request, language),
        **_shell_texts(translator),
    }


def read_file(name: str) -> str:
    """Return one of the pages' own files; NotFoundError for a name that there is not."""
    found = _files().get(name)
    if found is None:
        raise NotFoundError(said("problem.no_file"))
    return found


def media_type(name: str) -> str | None:
    """Return the media type of a file that may be served, None for one that may not."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2])


@cache
def digest() -> str:
    """Return a short hash of all files: an address that carries it may be kept for ever."""
    parts = [f"{name}\0{content}" for name, content in sorted(_files().items())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@cache
def _files() -> Mapping[str, str]:
    """Return the joined scripts and styles, and beside them the files that are as they are."""
    joined = (name for name in front.names() if name.startswith("pages/"))
    return {name.removeprefix("pages/"): front.content(name).decode() for name in joined} | {
        item.name: item.read_text(encoding="utf-8")
        for item in _SHELLS.iterdir()
        if item.name.rpartition(".")[2] in {"html", "svg"}
    }


def _headers(policy: str) -> dict[str, str]:
    return {
        "content-security-policy": policy,
        "vary": "accept-language, cookie, sec-fetch-dest",
    }


def _shell_texts(translator: Translator) -> dict[str, str]:
    """Return the texts of shell and bodies without values: `console`, `help` and `account`."""
    return {
        key.replace(".", "_"): html.escape(translator.text(key))
        for key, texts in catalogue().items()
        if key.startswith(("console.", "help.", "account.")) and "{" not in texts["zh"]
    }


def _navigation(
    page: Page,
    service: PlanningService,
    translator: Translator,
    root: str,
    *,
    has_province: bool,
) -> str:
    """Return the links of the navigation, the current one marked."""
    links = []
    for name, address in NAVIGATION.items():
        is_none = name == "province" and not has_province
        if is_none or not _leads_somewhere(address, service):
            continue
        mark = ' aria-current="page"' if name == page.nav_entry else ""
        text = html.escape(translator.text(f"console.nav_{name}"))
        links.append(f'<a href="{html.escape(root + address)}"{mark}>{text}</a>')
    return "\n".join(links)


def _leads_somewhere(address: str, service: PlanningService) -> bool:
    """Return whether the account that asks gets a page at all; without accounts everybody does."""
    return _gets(f"GET {address}", service)


def _gets(route: str, service: PlanningService) -> bool:
    """Return whether the account that asks gets a route; without accounts everybody does."""
    who, decision = acting(), DECISIONS.get(route)
    if who is None or decision is None:
        return who is None
    return decision.lets(who, service.sight_of(who))


def _account(translator: Translator, root: str) -> str:
    """Return who is signed in, and the way out; nothing as long as nobody signs in."""
    name = acting_name()
    if name is None:
        return ""
    place, label = html.escape(root), html.escape(translator.text("account.sign_out"))
    return (
        f'<form class="account-mark" method="post" action="{place}/sign-out">'
        f'<a href="{place}/account" title="{html.escape(name)}">{html.escape(name)}</a>'
        f'<button type="submit">{label}</button></form>'
    )


def _languages(request: Request, current: Language) -> str:
    """Return links to the same page in each language; other parameters stay as they are."""
    others = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    links = []
    for language, (short, name) in _LANGUAGE_NAMES.items():
        address = html.escape("?" + urlencode([*others, ("lang", language.value)]))
        mark = ' aria-current="true"' if language is current else ""
        links.append(
            f'<a href="{address}" lang="{language.value}" hreflang="{language.value}"'
            f' title="{name}" aria-label="{name}"{mark}>{short}</a>'
        )
    return "\n".join(links)


def _scripts(page: Page, root: str) -> str:
    """Return the page's program, after the charts that it draws with, and the finder."""
    address = html.escape(f"{root}/assets/{_CHARTS}?v={asset_version(_CHARTS)}")
    charts = f'<script src="{address}" defer></script>\n' if page.is_charted else ""
    programs = (html.escape(f"{root}/pages/{digest()}/{name}.js") for name in (page.name, _FINDER))
    modules = (f'<script type="module" src="{program}"></script>' for program in programs)
    return charts + "\n".join(modules)


def _fonts(root: str) -> str:
    """Return the links to the stylesheets of Chinese letters."""
    sheets = (f"{root}/assets/{name}?v={asset_version(name)}" for name in font_sheets())
    return "\n".join(f'<link rel="stylesheet" href="{html.escape(sheet)}">' for sheet in sheets)


def _loading(shell: Mapping[str, str]) -> str:
    """Return what stands until the program has drawn: grey blocks, and words for a reader."""
    return Template(read_file("loading.html")).substitute(shell)


def _start(
    page: Page,
    service: PlanningService,
    translator: Translator,
    root: str,
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the program starts from."""
    language = "en" if translator.language is Language.EN else "zh"
    sections = (*_SHARED_TEXTS, *(f"{name}." for name in page.texts))
    return {
        "lang": translator.language.value,
        "root": root,
        "county": translator.pick(service.plan.settings.name),
        "illustrative": _is_illustrative(service.plan),
        "versions": {
            "product": geo_service.__version__,
            "plan": service.plan.version,
            "rulebook": service.rulebook.version,
        },
        "review_id": service.review.review_id,
        "as_of": service.review.as_of.isoformat(),
        **_withheld(service, translator, page, values),
        "may": {name: _gets(route, service) for name, route in _OFFERED.items()},
        "marks": {
            "confidentiality": service.plan.settings.confidentiality,
            "map_approval": service.plan.settings.map_approval,
        },
        "symbols": {
            key: symbol
            for key, symbol in symbol_document().items()
            if key.startswith(("verdict.", "tier."))
        },
        "texts": {
            key: translator.convert(texts[language])
            for key, texts in catalogue().items()
            if key.startswith(sections)
        },
        **values,
    }


def _withheld(
    service: PlanningService, translator: Translator, page: Page, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the account that asks does not see, and how a page says so."""
    who = acting()
    withheld = sorted(service.plan.withheld)
    partial = frozenset() if who is None else service.sight_of(who).partial
    named = translator.listed([_named(name, translator) for name in withheld])
    notes = [translator.text(f"withheld.{way}", names=named) for way in sorted(partial)]
    if partial and page.nav_entry == "sites" and Partial.PUBLIC not in partial:
        notes.append(translator.text("withheld.rankings", count=KEPT_OF_PART))
    is_scenario = page.nav_entry == "scenarios" or bool(values.get("scenario"))
    if is_scenario and service.plan.only_parks is not None:
        count, every = len(service.scenarios.rules), len(service.rulebook.rules)
        notes.append(translator.text("withheld.scenarios", count=count, every=every))
    return {
        "withheld": withheld,
        "is_public": Partial.PUBLIC in partial,
        "withheld_notes": notes,
    }


def _named(name: str, translator: Translator) -> str:
    """Return what a layer, or a column of one, is called."""
    layer, _, column = name.partition(".")
    values = {"layer": translator.text(f"layer.{layer}")}
    if not column:
        return translator.text("withheld.layer", **values)
    key = f"column.{column}"
    word = translator.text(key) if key in catalogue() else column
    return translator.text("withheld.column", **values, column=word)


_ILLUSTRATIVE: WeakKeyDictionary[Plan, bool] = WeakKeyDictionary()


def _is_illustrative(plan: Plan) -> bool:
    """Whether a plan holds anything made up; a plan is frozen, so this is found once."""
    if plan not in _ILLUSTRATIVE:
        _ILLUSTRATIVE[plan] = is_illustrative(plan)
    return _ILLUSTRATIVE[plan]


def _island(start: Mapping[str, Any]) -> str:
    """Return data as JSON that cannot end its script element."""
    text = json.dumps(start, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
