"""Results as JSON documents: pure functions from results to plain data.

Geometry goes out as GeoJSON in longitude and latitude (CRS84), rounded to 8 decimals
(about a millimetre), shells counter-clockwise. Ids and enums are the same in every
language; titles, names and cures follow the translator.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import shapely

from geo_service.domain.subjects import illustrative_features, is_any_illustrative
from geo_service.industry import classification, split_codes
from geo_service.language import Language, Translator, to_simplified
from geo_service.model import BasisGroup, FocusBasis, Verdict
from geo_service.plan import rows_of
from geo_service.schema import SCHEMAS
from geo_service.zoning.finding_table import FindingQuery
from geo_service.zoning.names import township_names
from geo_service.zoning.review import FOCUS_FAMILY

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_service.industry import IndustryGroups
    from geo_service.model import Finding, LegalBasis
    from geo_service.plan import Plan
    from geo_service.zoning.focus import Focus
    from geo_service.zoning.review import Review

COORDINATE_DECIMALS = 8
_ONE_EACH = ("share_", *(f"verdict_{group}" for group in BasisGroup))
"""Beginnings of a park's columns that stand for the members of one table."""
_VERDICTS_SHOWN = tuple(
    verdict.value for verdict in (Verdict.PASS, Verdict.WATCH, Verdict.FAIL, Verdict.UNKNOWN)
)
_SIGNIFICANT = 12
Document = dict[str, Any]
Slice = tuple[int, int]
"""A part of a list: limit and offset."""


def dump(document: object, *, indent: bool = False) -> bytes:
    """Return a document as UTF-8 JSON; a number that is not finite becomes null."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(document, option=options | (orjson.OPT_INDENT_2 if indent else 0))


def geometry_json(
    shapes: Sequence[Any] | NDArray[np.object_] | gpd.GeoSeries,
) -> list[Document | None]:
    """Return shapes in longitude and latitude as GeoJSON geometries, None for none."""
    texts = shapely.to_geojson(_for_json(shapes))
    return [None if text is None else orjson.loads(text) for text in texts]


def geometry_arrays(
    shapes: Sequence[Any] | NDArray[np.object_] | gpd.GeoSeries,
) -> list[Document | None]:
    """Return the same geometries for `dump` alone: rings are arrays of positions, not lists."""
    ready = _for_json(shapes)
    written: list[Document | None] = [None] * len(ready)
    kinds = shapely.get_type_id(ready)
    for kind in _ARRAYS:
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            for row, shape in zip(rows.tolist(), _ARRAYS[kind](ready[rows]), strict=True):
                written[row] = shape
    others = np.flatnonzero((kinds >= 0) & ~np.isin(kinds, list(_ARRAYS)))
    for row, text in zip(others.tolist(), shapely.to_geojson(ready[others]), strict=True):
        written[row] = orjson.loads(text)
    return written


def _polygons(shapes: NDArray[np.object_]) -> Iterator[Document]:
    _, positions, (of_ring, of_shape) = shapely.to_ragged_array(shapes, include_z=False)
    rings = _split(positions, of_ring)
    for first, end in pairwise(of_shape.tolist()):
        yield {"type": "Polygon", "coordinates": rings[first:end]}


def _multipolygons(shapes: NDArray[np.object_]) -> Iterator[Document]:
    _, positions, (of_ring, of_part, of_shape) = shapely.to_ragged_array(shapes, include_z=False)
    parts = _split(_split(positions, of_ring), of_part)
    for first, end in pairwise(of_shape.tolist()):
        yield {"type": "MultiPolygon", "coordinates": parts[first:end]}


def _split(items: Any, offsets: NDArray[np.signedinteger[Any]]) -> list[Any]:  # noqa: ANN401 - array or list
    return [items[first:end] for first, end in pairwise(offsets.tolist())]


_ARRAYS: Mapping[int, Callable[[NDArray[np.object_]], Iterator[Document]]] = MappingProxyType(
    {shapely.GeometryType.POLYGON: _polygons, shapely.GeometryType.MULTIPOLYGON: _multipolygons}
)


def _for_json(shapes: Sequence[Any] | NDArray[np.object_] | gpd.GeoSeries) -> NDArray[np.object_]:
    array = np.array(shapes, dtype=object)
    array[shapely.is_empty(array)] = None
    rounded = shapely.transform(array, lambda xy: np.round(xy, COORDINATE_DECIMALS))
    found: NDArray[np.object_] = shapely.orient_polygons(rounded)
    return found


def plain(value: object) -> Any:  # noqa: ANN401, PLR0911 - any JSON value, one line a type
    """Return a cell as a JSON value: missing as None, numbers to 12 significant digits."""
    kind = type(value)  # exact types first, since these are by far the most
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return float(f"{value:.{_SIGNIFICANT}g}") if math.isfinite(value) else None  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return float(f"{number:.{_SIGNIFICANT}g}") if math.isfinite(number) else None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return str(value)


def feature(identity: str, geometry: Document | None, properties: Mapping[str, Any]) -> Document:
    """Return one GeoJSON feature."""
    return {
        "type": "Feature",
        "id": identity,
        "geometry": geometry,
        "properties": plain(properties),
    }


def collection(features: Sequence[Document], matched: int, **members: Any) -> Document:  # noqa: ANN401
    """Return a GeoJSON feature collection that says how many there are."""
    return {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(features),
        "features": list(features),
        **members,
    }


def industry_name(code: str | None, translator: Translator) -> str | None:
    """Return the names of a cell of industry codes; in English those of their divisions."""
    codes = split_codes(code)
    if not codes:
        return None
    known = classification()
    if translator.language is Language.EN:
        return ", ".join(dict.fromkeys(known.english_name(item) for item in codes))
    return translator.convert("、".join(known.name(item) for item in codes))


def park_words(
    row: Mapping[str, Any], township: str | None, leading: str | None, hant: Translator
) -> list[str]:
    """Return what a park is found by, as it is and in both scripts of Chinese, each once.

    That is its name, speciality, township and leading industry (given by its code); what is
    missing is left out.
    """
    texts = (row["name"], row["speciality"], township, industry_name(leading, Translator()))
    given = [text for text in texts if isinstance(text, str)]
    return sorted(
        {form for text in given for form in (text, to_simplified(text), hant.convert(text))}
    )


def park_features(review: Review, translator: Translator) -> list[Document]:
    """Return every park of a review as a feature with its verdicts and shares."""
    parks = review.parks
    names = township_names(review.plan)
    groups = review.plan.settings.groups
    hant = Translator(Language.ZH_HANT, review.plan.settings.names_hant)
    features = []
    shapes = geometry_json(parks.geometry)
    for row, shape in zip(rows_of(parks), shapes, strict=True):
        leading = row["leading_industry"] if isinstance(row["leading_industry"], str) else None
        group = groups.group_of(review.focus[row["park_id"]].leading)
        township = names.get(row["township_code"])
        fields = {key: row[key] for key in row if not key.startswith(_ONE_EACH)}
        properties: Document = {
            **fields,
            "search": park_words(row, township, leading, hant),
            "name": translator.convert(row["name"]),
            "township": translator.convert(township) if township else None,
            "leading_industry_name": industry_name(leading, translator),
            "industry_group_name": translator.pick(groups.names[group]) if group else None,
            "shares": {basis.value: row[f"share_{basis}"] for basis in FocusBasis},
            **basis_members(review, row["park_id"]),
        }
        features.append(feature(row["park_id"], shape, properties))
    return features


def focus_document(review: Review, park_id: str, translator: Translator, slice_: Slice) -> Document:
    """Return one park's focus with a slice of the focus family's findings, and their number."""
    focus = review.focus[park_id]
    found = review.table.chosen(FindingQuery(park=park_id, family=FOCUS_FAMILY))
    limit, offset = slice_
    return {
        **focus_figures(focus, translator),
        "park_kinds": list(review.park_kinds.get(park_id, ())),
        "grades": _grade_counts(review, park_id),
        "verdict": review.focus_verdicts[park_id].value,
        "findings": [
            finding_properties(finding, translator)
            for finding in review.results.at(found[offset : offset + limit].tolist())
        ],
        "numberMatched": len(found),
    }


def _grade_counts(review: Review, park_id: str) -> dict[str, int | None]:
    """How many enterprises of a park have each per-mu grade; None where it is withheld."""
    if review.plan.is_withheld("enterprises"):
        return dict.fromkeys(("A", "B", "C", "D"))
    frame = review.plan.frame("enterprises")
    own = set(frame.loc[frame["park_id"] == park_id, "enterprise_id"])
    counts = Counter(letter for name, letter in review.grades.items() if name in own)
    return {letter: counts[letter] for letter in ("A", "B", "C", "D")}


def focus_figures(focus: Focus, translator: Translator) -> Document:
    """Return the figures of a park's focus, with the names of its industries."""
    figures: Document = plain(
        {
            "park_id": focus.park_id,
            "leading_industry": ";".join(focus.declared) or None,
            "leading_industry_name": industry_name(";".join(focus.declared), translator),
            "supporting_industries": list(focus.supporting),
            "basis": focus.basis.value,
            "year": focus.year,
            "shares": {basis.value: share for basis, share in focus.shares.items()},
            "supporting_share": focus.supporting_share,
            "top_industry": focus.top_industry,
            "top_industry_name": industry_name(focus.top_industry, translator),
            "top_share": focus.top_share,
            "hhi": focus.hhi,
            "entropy": focus.entropy,
            "location_quotient": focus.location_quotient,
            "enterprise_count": focus.enterprise_count,
            "missing": {basis.value: list(ids) for basis, ids in focus.missing.items() if ids},
            "uncoded": list(focus.uncoded),
        }
    )
    return figures


def basis_document(basis: LegalBasis, translator: Translator) -> Document:
    """Return where a rule comes from; laws stay as they are written, in their own script."""
    names = {"zh-Hans": basis.document, "en": basis.document_en}
    return {
        "document": name_in({key: text for key, text in names.items() if text}, translator),
        "number": basis.number,
        "article": basis.article,
        "document_id": basis.document_id,
    }


def basis_words(basis: Mapping[str, Any]) -> list[str]:
    """Return document, number and article of a basis; a document known by its number, once."""
    document, number, article = (basis.get(key) for key in ("document", "number", "article"))
    every = (document, None if number == document else number, article)
    return [str(word) for word in every if word]


def name_in(names: Mapping[Any, str], translator: Translator) -> str:
    """Return a name; one that exists in Chinese only stays as it is written, in its own script."""
    return translator.pick(names) if "en" in names else names["zh-Hans"]


def iso_day(day: date | None) -> str | None:
    """Return a day as text; None for none."""
    return None if day is None else day.isoformat()


def basis_members(review: Review, park_id: str) -> Document:
    """Return what a park's verdict rests on, and its verdict by rules on each kind of basis.

    A verdict is null where no rule on such a basis judged the park.
    """
    verdicts = review.verdicts_by_basis[park_id]
    return {
        "rests_on": [group.value for group in review.rests_on[park_id]],
        "verdict_by_basis": {
            group.value: None if verdict is None else verdict.value
            for group, verdict in verdicts.items()
        },
    }


def verdict_counts_by_basis(review: Review) -> Document:
    """Return how many parks have each verdict by rules on each kind of basis alone.

    A park of which no rule on such a basis judged anything is counted as `none`.
    """
    counts: Document = {
        group.value: dict.fromkeys((*_VERDICTS_SHOWN, "none"), 0) for group in BasisGroup
    }
    for verdicts in review.verdicts_by_basis.values():
        for group, verdict in verdicts.items():
            counts[group.value]["none" if verdict is None else verdict.value] += 1
    return counts


def finding_properties(finding: Finding, translator: Translator) -> Document:
    """Return a finding's fields without its geometry."""
    return {
        "finding_id": finding.finding_id,
        "rule_id": finding.rule_id,
        "family": finding.family,
        "severity": finding.severity.value,
        "verdict": finding.verdict.value,
        "park_id": finding.park_id,
        "subject": {"layer": finding.subject.layer, "id": finding.subject.id},
        "title": translator.render(finding.title),
        "evidence": plain(finding.evidence),
        "legal_basis": basis_document(finding.legal_basis, translator),
        "basis_tag": finding.basis_tag.value,
        "note": translator.pick(finding.note) if finding.note else None,
        "illustrative": finding.illustrative,
        "cure": translator.render(finding.cure) if finding.cure else None,
        "waived": dict(finding.waived) if finding.waived else None,
        "approval": dict(finding.approval) if finding.approval else None,
    }


def finding_features(
    review: Review, translator: Translator, positions: Sequence[int] | None = None
) -> list[Document]:
    """Return findings as features; `positions` are those in the review's results."""
    chosen = range(len(review.results)) if positions is None else positions
    shapes = geometry_json(
        review.geometry.to_numpy() if positions is None else review.geometry_of(positions)
    )
    return [
        {
            "type": "Feature",
            "id": finding.finding_id,
            "geometry": shape,
            "properties": finding_properties(finding, translator),
        }
        for finding, shape in zip(review.results.at(chosen), shapes, strict=True)
    ]


def review_summary(review: Review, translator: Translator) -> Document:
    """Return what a review is of and how it came out, without its findings."""
    settings = review.plan.settings
    return {
        "review_id": review.review_id,
        "plan_version": review.plan.version,
        "rulebook_version": review.rulebook.version,
        "as_of": review.as_of.isoformat(),
        "county": translator.pick(settings.name),
        "county_code": settings.county_code,
        "area_method": settings.area_method.value,
        "metric_crs": settings.metric_crs,
        "focus_basis": settings.focus_basis.value,
        "industry_groups_version": settings.groups.version,
        "industry_scheme": _scheme_document(settings.groups, translator),
        "verdicts": dict(review.verdicts),
        "verdicts_by_basis": verdict_counts_by_basis(review),
        "findings_count": len(review.results),
        "waived_count": review.waived_count,
        "approved_count": review.approved_count,
        "waivers_version": review.waivers.version or None,
        "stale_waivers": list(review.waivers.stale),
        "approvals_version": review.approvals.version or None,
        "stale_approvals": list(review.approvals.stale),
        "lapsed": [
            {
                "rule_id": rule.rule_id,
                "title": translator.pick(rule.part.title),
                "document": name_in(document.part.name, translator),
                "ended": iso_day(document.last_day),
            }
            for rule, document in review.lapsed
        ],
        "illustrative": is_illustrative(review.plan),
        "confidentiality": settings.confidentiality,
        "map_approval": settings.map_approval,
        "basis_line": basis_line(review, translator),
        "checks": {
            rule_id: {
                "checked": count.checked,
                "passed": count.passed,
                "below_tolerance": count.below_tolerance,
            }
            for rule_id, count in review.checks.items()
        },
    }


def _scheme_document(groups: IndustryGroups, translator: Translator) -> Document | None:
    """Return which scheme of the county the industry groups are of; None if it says nothing."""
    if not groups.title and groups.year is None:
        return None
    return {"title": translator.pick(groups.title), "year": groups.year}


def basis_line(review: Review, translator: Translator) -> str:
    """Return how shares and areas were measured, and on which versions, as one line."""
    settings = review.plan.settings
    years = {focus.year for focus in review.focus.values()}
    line = translator.text(
        "table.basis",
        basis=translator.text(f"basis.{settings.focus_basis}"),
        year=next(iter(years), None) or "—",
        area=translator.text(f"area_method.{settings.area_method}", crs=settings.metric_crs),
        rulebook=review.rulebook.version,
        plan=review.plan.version,
    )
    rules, idle = review.rulebook.rules, review.rulebook.idle(review.as_of)
    if not idle:
        return line
    counts = {"count": len(idle), "all": len(rules), "day": review.as_of.isoformat()}
    return translator.text("table.basis_idle", basis=line, **counts)


def is_illustrative(plan: Plan) -> bool:
    """Return whether any feature of the plan is marked as made up."""
    return any(is_any_illustrative(plan.frame(name)) for name in plan.layers if name != "dem")


def review_document(review: Review, translator: Translator) -> Document:
    """Return a whole review as one document (`review --format json`)."""
    findings = [
        {**item["properties"], "geometry": item["geometry"]}
        for item in finding_features(review, translator)
    ]
    return {**review_head(review, translator), "findings": findings}


def review_head(review: Review, translator: Translator) -> Document:
    """Return a review's document without its findings: the summary, parks, what rules ran on."""
    parks = [
        {
            "park_id": row["park_id"],
            "name": translator.convert(row["name"]),
            "tier": row["tier"],
            "leading_industry": plain(row["leading_industry"]),
            "verdict": row["verdict"],
            **basis_members(review, row["park_id"]),
            "findings": row["findings"],
            "focus": {
                **focus_figures(review.focus[row["park_id"]], translator),
                "verdict": row["focus_verdict"],
            },
        }
        for row in rows_of(review.parks)
    ]
    ran_on = None if review.ran_on is None else review.ran_on.document()
    return {**review_summary(review, translator), "parks": parks, "ran_on": ran_on}


def layers_document(
    plan: Plan, translator: Translator, own_files: Mapping[str, str] | None = None
) -> Document:
    """Return every layer of a plan: how many features, how many illustrative, which sources.

    `own_files` says by layer what became of its own file (`own_files.OwnFileState`); null for a
    layer without one. `is_published` is whether anything was published in the workspace.
    `elevation` tells of the elevation model, which is no layer; null without one.
    """
    entries = []
    for name, layer in plan.layers.items():
        frame = plan.frame(name)
        entries.append(
            {
                "name": name,
                "title": translator.text(f"layer.{name}"),
                "features": len(frame),
                "has_geometry": SCHEMAS[name].geometry is not None,
                "illustrative": int(illustrative_features(frame).sum()),
                "version": layer.version,
                "number": layer.number,
                "own_file": (own_files or {}).get(name),
                "sources": sorted(frame["source"].dropna().unique().tolist())[:20],
            }
        )
    dem = plan.dem
    elevation = dem and {
        "title": translator.text("layers.elevation"),
        "illustrative": dem.illustrative,
        "version": dem.version,
        "source": dem.source,
        "vertical_datum": dem.vertical_datum,
    }
    is_published = "counts" not in (own_files or {}).values() and bool(own_files)
    return {
        "plan_version": plan.version,
        "is_published": is_published,
        "layers": entries,
        "elevation": elevation,
    }
