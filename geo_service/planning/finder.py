"""One box for parks, enterprises, parcels, buildings, industries, rules, findings and pages.

What is typed may be a name in either script of Chinese, pinyin or its first letters, an id or a
code. A hit says which page and which map show it. The index is made of a plan and of a review,
ahead or when it is first asked for, and kept until these change. Addresses begin at the service's
root.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pandas as pd

from geo_service.industry import DIVISION_DIGITS, classification
from geo_service.language import Language, Translator, catalogue, to_simplified
from geo_service.pinyin import spelled
from geo_service.planning.word_index import WordFit, WordIndex, normalised
from geo_service.reports.document import Document, industry_name

if TYPE_CHECKING:
    from geo_service.plan import Plan
    from geo_service.planning.state import ServiceState
    from geo_service.zoning.review import Review

MOST_TYPED = 100
"""Characters of what is typed that are looked at."""
MOST_OF_A_KIND = 8
_LOOKED_AT = 40
_PARCEL_ZOOM = 16


class HitKind(StrEnum):
    """What a hit is, in the order in which kinds come among hits that fit alike."""

    PARK = "park"
    PAGE = "page"
    INDUSTRY = "industry"
    RULE = "rule"
    ENTERPRISE = "enterprise"
    PARCEL = "parcel"
    BUILDING = "building"
    FINDING = "finding"


PAGES: Mapping[str, str] = {
    "home": "/",
    "reviews": "/reviews",
    "sites": "/sites",
    "layouts": "/layouts",
    "rulebook": "/rulebook",
    "data": "/data",
    "compare": "/compare",
    "help": "/help",
}
"""The pages that can be found, by the end of the key of their name."""


@dataclass(frozen=True)
class _Shelf:
    """The entries of one kind, and how one of them is told."""

    kind: HitKind
    index: WordIndex
    tell: Callable[[int, Translator], Document]
    is_secondary: bool = False
    """Whether its entries are found by what they are about, not by their names."""


class Finder:
    """Looks for what is typed in one county. Methods are safe to call from several threads."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._of_plan: tuple[str, list[_Shelf]] | None = None
        self._of_review: tuple[str, list[_Shelf]] | None = None

    def find(self, typed: str, language: Language, *, limit: int = 20) -> list[Document]:
        """Return the best hits, up to `limit`; nothing typed makes the index and finds nothing."""
        shelves = self._shelves()
        wanted = to_simplified(typed.strip()[:MOST_TYPED])
        if not wanted:
            return []
        ranked: list[tuple[tuple[Any, ...], _Shelf, int]] = []
        for shelf in shelves:
            order = list(HitKind).index(shelf.kind)
            for fit, position in shelf.index.find(wanted, _LOOKED_AT):
                key = (shelf.is_secondary, _grade(shelf.kind, fit), order, position)
                ranked.append((key, shelf, position))
        ranked.sort(key=lambda item: item[0])
        translator = self._state.translator(language)
        hits: list[Document] = []
        seen: set[tuple[HitKind, str]] = set()
        numbers = dict.fromkeys(HitKind, 0)
        for _, shelf, position in ranked:
            if len(hits) >= limit:
                break
            if numbers[shelf.kind] >= MOST_OF_A_KIND:
                continue
            hit = {"kind": shelf.kind.value, **shelf.tell(position, translator)}
            identity = (shelf.kind, str(hit["id"]))
            if identity not in seen:
                seen.add(identity)
                numbers[shelf.kind] += 1
                hits.append(hit)
        return hits

    @property
    def is_made(self) -> bool:
        """Whether the index of what counts now is there."""
        review, plan, of_review = self._state.review, self._of_plan, self._of_review
        is_of_plan = plan is not None and plan[0] == review.plan.version
        return is_of_plan and of_review is not None and of_review[0] == review.review_id

    def make(self) -> None:
        """Make the index of what counts now, unless it is there: whoever looks first need not wait.

        Of what counted before nothing is held any more.
        """
        self._shelves()

    def _shelves(self) -> list[_Shelf]:
        review = self._state.review
        with self._lock:
            if self._of_plan is None or self._of_plan[0] != review.plan.version:
                self._of_plan = (review.plan.version, plan_shelves(review.plan))
            if self._of_review is None or self._of_review[0] != review.review_id:
                self._of_review = (review.review_id, review_shelves(review))
            return [*self._of_plan[1], *self._of_review[1]]


def _grade(kind: HitKind, fit: WordFit) -> int:
    """Return how good a fit is; where in its name a word of an industry or rule stands is chance.

    Its name is a phrase, not a proper name.
    """
    is_phrase = kind in {HitKind.INDUSTRY, HitKind.RULE}
    return WordFit.BEGINS if is_phrase and fit is WordFit.CONTAINS else fit


def forms_of(identity: str, *names: str | None) -> list[str]:
    """Return what an entry is found by: its id, and its names in simplified script and pinyin."""
    found = [identity]
    for name in filter(None, names):
        simplified = to_simplified(name)
        found += [simplified, *(spelled(simplified) or ())]
    return list(dict.fromkeys(found))


# ---- of a plan ---------------------------------------------------------------------------------


def plan_shelves(plan: Plan) -> list[_Shelf]:
    """Return what is found of a plan: parks, enterprises, parcels, buildings, industries, pages."""
    return [
        *_parks(plan),
        _Things(plan, HitKind.ENTERPRISE, "enterprises", "enterprise_id").shelf(),
        _Things(plan, HitKind.PARCEL, "parcels", "parcel_id").shelf(),
        _Things(plan, HitKind.BUILDING, "buildings", "building_id").shelf(),
        _industries(plan),
        _pages(),
    ]


def _parks(plan: Plan) -> list[_Shelf]:
    parks = plan.frame("parks")
    ids = [str(cell) for cell in parks["park_id"]]
    names = [_text(cell) or park_id for park_id, cell in zip(ids, parks["name"], strict=True)]
    known = classification()

    def tell(position: int, translator: Translator) -> Document:
        park_id = ids[position]
        return {
            "id": park_id,
            "label": translator.convert(names[position]),
            "detail": translator.text(f"tier.{parks['tier'].iloc[position]}"),
            "page": f"/parks/{quote(park_id)}",
            "map": "/maps/overview#" + urlencode({"at": f"parks:{park_id}"}),
        }

    topics = []
    for leading, speciality in zip(parks["leading_industry"], parks["speciality"], strict=True):
        code = _text(leading)
        name = known.name(code) if code and code in known else None
        topics.append(forms_of(code or "", name, _text(speciality)))
    by_name = [forms_of(park_id, name) for park_id, name in zip(ids, names, strict=True)]
    return [
        _Shelf(HitKind.PARK, WordIndex(by_name), tell),
        _Shelf(HitKind.PARK, WordIndex(topics), tell, is_secondary=True),
    ]


class _Things:
    """Enterprises, parcels or buildings: what a park has on its ground."""

    def __init__(self, plan: Plan, kind: HitKind, layer: str, key: str) -> None:
        self.plan = plan
        self.kind = kind
        self.layer = layer
        frame = plan.frame(layer) if plan.has(layer) else pd.DataFrame({key: []})
        if "year" in frame:
            frame = frame.sort_values("year", kind="stable").drop_duplicates(key, keep="last")
        self._rows = frame.index
        self._ids = [str(cell) for cell in frame[key]]
        self._names = self._column(frame, "name")
        self._parks = self._column(frame, "park_id")

    def _column(self, frame: pd.DataFrame, name: str) -> list[str | None]:
        if name not in frame:
            return [None] * len(frame)
        return [_text(cell) for cell in frame[name]]

    def shelf(self) -> _Shelf:
        """Return them as a shelf."""
        forms = [forms_of(*pair) for pair in zip(self._ids, self._names, strict=True)]
        return _Shelf(self.kind, WordIndex(forms), self.tell)

    def tell(self, position: int, translator: Translator) -> Document:
        """Return one as a hit: on its park's page and map, or where it lies."""
        identity, name = self._ids[position], self._names[position]
        park_id = self._parks[position]
        at = f"{self.layer}:{identity}"
        if park_id:
            page = f"/parks/{quote(park_id)}?" + urlencode({"at": at})
            shown = "/maps/park?" + urlencode({"park_id": park_id}) + "#" + urlencode({"at": at})
        else:
            page = shown = self._place(position, at)
        return {
            "id": identity,
            "label": translator.convert(name) if name else identity,
            "detail": " · ".join(filter(None, (identity if name else None, park_id))),
            "page": page,
            "map": shown,
        }

    def _place(self, position: int, at: str) -> str:
        """Return the address of the overview at a thing's place."""
        shape = self.plan.geo(self.layer).geometry.loc[self._rows[position]]
        if shape is None or shape.is_empty:
            return "/maps/overview"
        point = shape.representative_point()
        view = f"{_PARCEL_ZOOM}/{point.y:.5f}/{point.x:.5f}"
        return "/maps/overview#" + urlencode({"view": view, "at": at})


def _industries(plan: Plan) -> _Shelf:
    """Industries by code and name: those that the county has first, then the broader ones."""
    known = classification()
    codes = plan.frame("enterprises")["industry_code"].dropna().astype(str).unique()
    present = {code[:digits] for code in codes for digits in range(DIVISION_DIGITS, len(code) + 1)}
    every = [code for code in known.entries if len(code) >= DIVISION_DIGITS]
    every.sort(key=lambda code: (code not in present, len(code), code))

    def tell(position: int, translator: Translator) -> Document:
        code = every[position]
        return {
            "id": code,
            "label": f"{code} {industry_name(code, translator)}",
            "detail": translator.text("finder.in_county" if code in present else "finder.not_here"),
            "page": "/?" + urlencode({"words": code}),
            "map": "/maps/overview#" + urlencode({"theme": "industry_group"}),
        }

    forms = [forms_of(code, known.name(code), known.english.get(code)) for code in every]
    return _Shelf(HitKind.INDUSTRY, WordIndex(forms), tell)


def _pages() -> _Shelf:
    names = list(PAGES)
    texts = [catalogue()[f"console.nav_{name}"] for name in names]

    def tell(position: int, translator: Translator) -> Document:
        name = names[position]
        return {
            "id": name,
            "label": translator.text(f"console.nav_{name}"),
            "detail": "",
            "page": PAGES[name],
            "map": None,
        }

    forms = [
        forms_of(name, text["zh"], text["en"]) for name, text in zip(names, texts, strict=True)
    ]
    return _Shelf(HitKind.PAGE, WordIndex(forms), tell)


# ---- of a review -------------------------------------------------------------------------------


def review_shelves(review: Review) -> list[_Shelf]:
    """Return what is found of a review: its rules, and its findings by rule and by id."""
    return [_rules(review), _findings(review)]


def _rules(review: Review) -> _Shelf:
    rules = list(review.rulebook.rules.values())
    numbers = review.table.facets["rule"].counts(review.table.facets["rule"].codes >= 0)

    def tell(position: int, translator: Translator) -> Document:
        rule = rules[position]
        found = numbers.get(rule.rule_id, 0)
        listed = "?" + urlencode({"rule": rule.rule_id})
        address = f"/reviews/{quote(review.review_id)}{listed}"
        return {
            "id": rule.rule_id,
            "label": translator.pick(rule.part.title),
            "detail": translator.text("finder.findings", count=found),
            "page": address if found else f"/rulebook#{quote(rule.rule_id)}",
            "map": "/maps/review" if found else None,
        }

    forms = [forms_of(rule.rule_id, *rule.part.title.values()) for rule in rules]
    return _Shelf(HitKind.RULE, WordIndex(forms), tell)


def _findings(review: Review) -> _Shelf:
    """Findings by their ids; their words are found in the list of a review."""
    ids = review.results.ids

    def tell(position: int, translator: Translator) -> Document:
        finding = next(iter(review.results.at([position])))
        query = urlencode({"finding": finding.finding_id})
        return {
            "id": finding.finding_id,
            "label": translator.render(finding.title),
            "detail": " · ".join(filter(None, (finding.finding_id, finding.park_id))),
            "page": f"/reviews/{quote(review.review_id)}?{query}",
            "map": "/maps/review#" + urlencode({"at": f"findings:{finding.finding_id}"}),
        }

    return _Shelf(HitKind.FINDING, WordIndex([str(name)] for name in ids), tell)


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) and cell else None


__all__ = ["MOST_TYPED", "Finder", "HitKind", "forms_of", "normalised"]
