"""The shapes of answers as JSON Schemas, by name: the members that scripts rely on.

An object may hold more members than are named; those named are always there, null where their
shape allows it. Bodies of requests are described by their models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo_service.jobs import JobKind, JobStatus
from geo_service.model import BasisGroup, BasisTag, Severity, Tier, Verdict
from geo_service.scenarios.reading import scenario_schema
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.project import project_schema
from geo_service.zoning.comparison import ChangeKind, WhyNot
from geo_service.zoning.finding_table import FACETS
from geo_service.zoning.laws import DocumentKind, DocumentState, Trust

Shape = dict[str, Any]
PREFIX = "#/components/schemas/"
_TEXT: Shape = {"type": "string"}
_WHOLE: Shape = {"type": "integer"}
_COUNT: Shape = {"type": "integer", "minimum": 0}
_NUMBER: Shape = {"type": "number"}
_SHARE: Shape = {"type": "number", "minimum": 0, "maximum": 1}
_FLAG: Shape = {"type": "boolean"}
_ANY: Shape = {}
_DATE: Shape = {"type": "string", "format": "date"}


def shapes() -> dict[str, Shape]:
    """Return every shape by its name, with those that a project is made of."""
    project = project_schema(ref_template=f"{PREFIX}{{model}}")
    parts: dict[str, Shape] = project.pop("$defs")
    project.pop("$schema")
    scenario = scenario_schema(ref_template=f"{PREFIX}{{model}}")
    parts |= scenario.pop("$defs")
    scenario.pop("$schema")
    return {**_PARTS, **_ANSWERS, **parts, "Project": project, "ScenarioFile": scenario}


def _ref(name: str) -> Shape:
    return {"$ref": PREFIX + name}


def _or_null(shape: Shape) -> Shape:
    if isinstance(shape.get("type"), str):
        return {**shape, "type": [shape["type"], "null"]}
    return {"anyOf": [shape, {"type": "null"}]}


def _list(shape: Shape) -> Shape:
    return {"type": "array", "items": shape}


def _by_name(shape: Shape) -> Shape:
    return {"type": "object", "additionalProperties": shape}


def _enum(values: Any) -> Shape:  # noqa: ANN401 - an enumeration
    return {"type": "string", "enum": [value.value for value in values]}


def _object(members: Mapping[str, Shape], *, optional: Mapping[str, Shape] | None = None) -> Shape:
    """Return an object that has every one of `members`, and perhaps the others."""
    properties = {**members, **(optional or {})}
    return {"type": "object", "required": sorted(members), "properties": properties}


def _feature(properties: Shape) -> Shape:
    return _object(
        {
            "type": {"const": "Feature"},
            "geometry": _or_null(_ref("Geometry")),
            "properties": properties,
        },
        optional={"id": _TEXT},
    )


def _slice(name: str, items: Shape) -> Shape:
    """Return a list that says how many there are and how many it holds."""
    return _object({"numberMatched": _COUNT, "numberReturned": _COUNT, name: _list(items)})


def _with(shape: Shape, **members: Shape) -> Shape:
    """Return an object's shape with more members that it has."""
    shape["properties"] |= members
    shape["required"] = sorted((*shape["required"], *members))
    return shape


def _collection(properties: Shape) -> Shape:
    properties_slice = _slice("features", _feature(properties))
    properties_slice["properties"]["type"] = {"const": "FeatureCollection"}
    properties_slice["required"].append("type")
    return properties_slice


_VERDICT = _enum(Verdict)
_RULE_BASIS = _object(
    {"document": _TEXT, "number": _or_null(_TEXT), "article": _or_null(_TEXT)},
    optional={"document_id": _or_null(_TEXT)},
)
_DATE_OR_NULL = _or_null(_DATE)
_APPROVAL = _object(
    {
        "document_number": _TEXT,
        "authority": _TEXT,
        "approved_on": _DATE,
        "scope": _TEXT,
        "expires_on": _DATE_OR_NULL,
    }
)
_VERDICT_BY_BASIS = _object({group.value: _or_null(_VERDICT) for group in BasisGroup})
_LAPSED = _object({"rule_id": _TEXT, "document": _TEXT, "ended": _DATE_OR_NULL})
_LEGAL_DOCUMENT = _object(
    {
        "document_id": _or_null(_TEXT),
        "name": _TEXT,
        "kind": _enum(DocumentKind),
        "number": _or_null(_TEXT),
        "in_force_from": _DATE_OR_NULL,
        "in_force_until": _DATE_OR_NULL,
        "superseded_by": _or_null(_TEXT),
        "looked_at": _DATE_OR_NULL,
        "trust": _enum(Trust),
        "state": _enum(DocumentState),
        "is_stale": _FLAG,
    }
)
_FINDING_MEMBERS: Mapping[str, Shape] = {
    "finding_id": _TEXT,
    "rule_id": _TEXT,
    "severity": _enum(Severity),
    "verdict": _VERDICT,
    "park_id": _or_null(_TEXT),
    "subject": _object({"layer": _TEXT, "id": _TEXT}),
    "title": _TEXT,
    "evidence": _by_name(_ANY),
    "legal_basis": _RULE_BASIS,
    "basis_tag": _enum(BasisTag),
    "cure": _or_null(_TEXT),
    "waived": _or_null(_by_name(_ANY)),
    "approval": _or_null(_APPROVAL),
}
_SHARES = _by_name(_or_null(_SHARE))
_REVIEW_MEMBERS: Mapping[str, Shape] = {
    "review_id": _TEXT,
    "plan_version": _TEXT,
    "rulebook_version": _TEXT,
    "as_of": _DATE,
    "verdicts": _by_name(_COUNT),
    "findings_count": _COUNT,
    "waived_count": _COUNT,
    "approved_count": _or_null(_COUNT),
    "lapsed": _or_null(_list(_LAPSED)),
    "checks": _by_name(_object({"checked": _COUNT, "passed": _COUNT})),
}
_RANKING_MEMBERS: Mapping[str, Shape] = {
    "ranking_id": _TEXT,
    "plan_version": _TEXT,
    "rulebook_version": _TEXT,
    "method": _TEXT,
    "normalisation": _or_null(_TEXT),
}
_LAYOUT_MEMBERS: Mapping[str, Shape] = {
    "layout_id": _TEXT,
    "plan_version": _TEXT,
    "rulebook_version": _TEXT,
    "status": {"type": "string", "enum": ["optimal", "feasible", "infeasible"]},
    "objective": _or_null(_NUMBER),
    "bound": _or_null(_NUMBER),
    "gap": _or_null(_NUMBER),
    "seconds": _NUMBER,
    "seed": _WHOLE,
}
_CANDIDATE_MEMBERS: Mapping[str, Shape] = {
    "candidate_id": _TEXT,
    "kind": _enum(CandidateKind),
    "park_id": _or_null(_TEXT),
}
_VERSION = _object(
    {"number": _COUNT, "version": _TEXT, "features": _COUNT, "source": _TEXT, "note": _TEXT}
)
_CRITERION = _object(
    {"raw": _ANY, "unit": _ANY, "normalised": _or_null(_NUMBER), "weight": _NUMBER}
)
_REASON = _object({"rule_id": _or_null(_TEXT), "detail": _TEXT, "measure": _ANY})
_IMPORT_MEMBERS: Mapping[str, Shape] = {
    "import_id": _TEXT,
    "layer": _TEXT,
    "file": _TEXT,
    "features": _COUNT,
    "refused_count": _COUNT,
    "status": _TEXT,
    "version": _or_null(_TEXT),
    "made_at": _TEXT,
    "expires_at": _TEXT,
}
_PARTS: Mapping[str, Shape] = {
    "Geometry": _object(
        {"type": _TEXT}, optional={"coordinates": {"type": "array"}, "geometries": _list(_ANY)}
    ),
    "Polygon": {
        "description": "A GeoJSON Polygon or MultiPolygon, or a Feature of one, in CRS84.",
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": ["Polygon", "MultiPolygon", "Feature"]}},
        "examples": [
            {
                "type": "Polygon",
                "coordinates": [[[108.7, 30.9], [108.72, 30.9], [108.72, 30.92], [108.7, 30.9]]],
            }
        ],
    },
    "Finding": _object(_FINDING_MEMBERS),
    "ParkProperties": _object(
        {
            "park_id": _TEXT,
            "name": _TEXT,
            "tier": _enum(Tier),
            "township": _or_null(_TEXT),
            "leading_industry": _or_null(_TEXT),
            "industry_group": _or_null(_TEXT),
            "verdict": _VERDICT,
            "verdict_by_basis": _VERDICT_BY_BASIS,
            "focus_verdict": _VERDICT,
            "shares": _SHARES,
        }
    ),
    "Problem": _object(
        {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
        },
        optional={
            "parameter": _TEXT,
            "errors": _list({"type": ["string", "object"]}),
            "choices": _list(_object({"value": _TEXT, "evidence": _TEXT})),
            "faults": _list(_object({"field": _or_null(_TEXT), "message": _TEXT})),
        },
    ),
}
_JOB = _object(
    {
        "job_id": _TEXT,
        "kind": _enum(JobKind),
        "status": _enum(JobStatus),
        "place": _or_null(_COUNT),
        "progress": _SHARE,
        "step": _TEXT,
        "error": _or_null(_TEXT),
    },
    optional={"result": _TEXT, "errors": _list(_TEXT), "parameter": _TEXT, "search": _ANY},
)
_SAVED_RESULT = _object(
    {
        "kind": _TEXT,
        "id": _TEXT,
        "made_at": _TEXT,
        "plan_version": _or_null(_TEXT),
        "bytes": _COUNT,
        "is_pinned": _FLAG,
    }
)
_COMPARISON: dict[str, Shape] = {
    "counts": _by_name(_COUNT),
    "changes": _list(
        _object(
            {
                "kind": _enum(ChangeKind),
                "reason": _or_null(_enum(WhyNot)),
                "rule_id": _TEXT,
                "park_id": _or_null(_TEXT),
                "subject": _object({"layer": _TEXT, "id": _TEXT}),
                "changed": _list(_TEXT),
                "before": _or_null(_ANY),
                "after": _or_null(_ANY),
            }
        )
    ),
}
_SCENARIO_MEMBERS: Mapping[str, Shape] = {
    **dict.fromkeys(("scenario_id", "name", "reason", "author", "etag"), _TEXT),
    **dict.fromkeys(("made_at", "changed_at"), _TEXT),
    "base": _or_null(_object({"plan_version": _TEXT, "layers": _by_name(_TEXT)})),
    "is_current": _FLAG,
    "moved_layers": _list(_TEXT),
    **dict.fromkeys(("edits_count", "enabled_count", "published_count"), _COUNT),
}
_EDIT = _object(
    {**dict.fromkeys(("edit_id", "op", "reason", "author", "text"), _TEXT), "enabled": _FLAG}
)
_SCENARIO = _object(
    {**_SCENARIO_MEMBERS, "edits": _list(_EDIT), "published": _list(_by_name(_ANY))}
)
_FINDING_CHANGE = _object(
    {
        "kind": _enum(ChangeKind),
        "finding_id": _TEXT,
        "rule_id": _TEXT,
        "before": _or_null(_by_name(_ANY)),
        "after": _or_null(_by_name(_ANY)),
        "caused_by": _list(_TEXT),
        "is_together": _FLAG,
    }
)
_ANSWERS: Mapping[str, Shape] = {
    "Any": {"type": "object"},
    "Alive": _object({"status": {"const": "ok"}}),
    "Ready": _object(
        {"status": {"enum": ["ready", "loading", "no_store"]}},
        optional=dict.fromkeys(("plan_version", "rulebook_version", "review_id", "store"), _TEXT)
        | dict.fromkeys(("layers", "queue"), _by_name(_ANY)),
    ),
    "Features": _collection(_by_name(_ANY)),
    "Park": _feature(_ref("ParkProperties")),
    "Parks": _collection(_ref("ParkProperties")),
    "Focus": _object(
        {
            "park_id": _TEXT,
            "leading_industry": _or_null(_TEXT),
            "basis": _TEXT,
            "shares": _SHARES,
            "top_industry": _or_null(_TEXT),
            "hhi": _or_null(_NUMBER),
            "entropy": _or_null(_NUMBER),
            "location_quotient": _or_null(_NUMBER),
            "enterprise_count": _or_null(_COUNT),
            "verdict": _VERDICT,
            "findings": _list(_ref("Finding")),
            "numberMatched": _COUNT,
            "next": _or_null(_TEXT),
        }
    ),
    "Rules": _object(
        {
            "rulebook_version": _TEXT,
            "as_of": _DATE,
            "rules": _list(
                _object(
                    {
                        "rule_id": _TEXT,
                        "family": _TEXT,
                        "title": _TEXT,
                        "severity": _enum(Severity),
                        "legal_basis": _RULE_BASIS,
                        "basis_tag": _enum(BasisTag),
                        "lapsed": _or_null(_object({"document": _TEXT, "ended": _DATE_OR_NULL})),
                        "effective_from": _ANY,
                        "in_force": _FLAG,
                        "has_tolerance": _FLAG,
                        "parameters": _by_name(_ANY),
                    }
                )
            ),
            "documents": _list(_LEGAL_DOCUMENT),
        }
    ),
    "Review": _object(
        _REVIEW_MEMBERS,
        optional={"is_trial": _FLAG, "saved": _FLAG, "not_saved": _or_null(_TEXT), "act": _ANY},
    ),
    "Acts": _slice("acts", _object({"review_id": _TEXT, "state": _TEXT, "steps": _list(_ANY)})),
    "Reviews": _slice("reviews", _object(_REVIEW_MEMBERS)),
    "Findings": _with(_collection(_ref("Finding")), next=_or_null(_TEXT)),
    "FindingCounts": _object(
        {
            "review_id": _TEXT,
            "numberMatched": _COUNT,
            **{f"by_{facet}": _by_name(_COUNT) for facet in FACETS},
            "without_park": _COUNT,
            "without_township": _COUNT,
        }
    ),
    "ReviewComparison": _object({"before": _TEXT, "after": _TEXT, **_COMPARISON}),
    "Changes": _object({"before": _or_null(_TEXT), "after": _TEXT}),
    "ProjectRead": _object({"project": _ref("Project")}),
    "Register": _object({"summary": _object(_REVIEW_MEMBERS), "findings": _list(_ANY)}),
    "Ranking": _object(
        {
            **_RANKING_MEMBERS,
            "weights": _by_name(_NUMBER),
            "candidates": _list(
                _object(
                    {
                        **_CANDIDATE_MEMBERS,
                        "rank": _WHOLE,
                        "score": _NUMBER,
                        "criteria": _by_name(_CRITERION),
                        "stability": _ANY,
                        "focus_effect": _ANY,
                    }
                )
            ),
            "excluded": _list(_object({**_CANDIDATE_MEMBERS, "reasons": _list(_REASON)})),
        }
    ),
    "Rankings": _slice("rankings", _object(_RANKING_MEMBERS)),
    "Criteria": _object(
        {"criteria": _list(_object({"name": _TEXT, "label": _TEXT, "sense": _TEXT}))}
    ),
    "Layout": _object(
        {
            **_LAYOUT_MEMBERS,
            "terms": _by_name(
                _object({"before": _NUMBER, "after": _or_null(_NUMBER), "unit": _TEXT})
            ),
            "parks": _list(
                _object(
                    {
                        "park_id": _TEXT,
                        "leading_industry": _or_null(_TEXT),
                        "proposed": _or_null(_TEXT),
                        "speciality": _or_null(_TEXT),
                        "share_before": _or_null(_NUMBER),
                        "share_after": _or_null(_NUMBER),
                        "regret": _or_null(_NUMBER),
                        "why": _or_null(_TEXT),
                    }
                )
            ),
            "projects": _list(
                _object(
                    {
                        "project": _TEXT,
                        "candidate_id": _or_null(_TEXT),
                        "park_id": _or_null(_TEXT),
                        "why": _TEXT,
                    }
                )
            ),
            "moves": _list(
                _object(
                    {
                        "enterprise_id": _TEXT,
                        "from": _TEXT,
                        "to": _TEXT,
                        "cost": _NUMBER,
                        "why": _or_null(_TEXT),
                    }
                )
            ),
            "firm": _list(_ANY),
            "alternatives": _list(_ANY),
            "front": _list(_object({"terms": _by_name(_NUMBER), "layout_id": _TEXT})),
            "conflict": _list(
                _object(
                    {
                        "requirement": _TEXT,
                        "has": _or_null(_NUMBER),
                        "needs": _or_null(_NUMBER),
                        "unit": _or_null(_TEXT),
                        "relaxation": _or_null(_NUMBER),
                    }
                )
            ),
            "review": _by_name(_or_null(_by_name(_COUNT))),
        }
    ),
    "Layouts": _slice("layouts", _object(_LAYOUT_MEMBERS)),
    "Scenario": _SCENARIO,
    "Scenarios": _slice("scenarios", _object(_SCENARIO_MEMBERS)),
    "ScenarioReview": _object(
        {
            **_REVIEW_MEMBERS,
            "scenario_id": _TEXT,
            "base_review_id": _TEXT,
            "base_verdicts": _by_name(_COUNT),
            "parks": _list(_by_name(_ANY)),
            "room": _by_name(_ANY),
        }
    ),
    "ScenarioChanges": _object(
        {
            "scenario_id": _TEXT,
            "plan_version": _TEXT,
            "review_id": _TEXT,
            "base_review_id": _TEXT,
            "counts": _by_name(_COUNT),
            "numberMatched": _COUNT,
            "numberReturned": _COUNT,
            "changes": _list(_FINDING_CHANGE),
        }
    ),
    "ScenarioComparison": _object(
        {
            "alternatives": _list(_by_name(_ANY)),
            "parks": _list(_by_name(_ANY)),
            "measures": _list(_by_name(_ANY)),
            "costs": _list(_by_name(_ANY)),
            "only_in": _by_name(_list(_FINDING_CHANGE)),
        }
    ),
    "Picks": _with(_slice("features", _object({"id": _TEXT})), layer=_TEXT),
    "LandUses": _object(
        {"scheme": _TEXT, "land_uses": _list(_object({"code": _TEXT, "name": _TEXT}))}
    ),
    "ScenarioPublished": _object(
        {
            "publication_id": _TEXT,
            "plan_version": _TEXT,
            "layers": _list(_by_name(_ANY)),
            "scenario": _SCENARIO,
        }
    ),
    "Job": _JOB,
    "Jobs": _slice("jobs", _JOB),
    "KeptResult": _SAVED_RESULT,
    "Kept": _object(
        {
            "numberMatched": _COUNT,
            "numberReturned": _COUNT,
            "bytes": _COUNT,
            "limits": _object({"days": _or_null(_NUMBER), "bytes": _or_null(_NUMBER)}),
            "is_nearly_full": _FLAG,
            "saved": _list(_SAVED_RESULT),
        }
    ),
    "Dropped": _object({"dropped": _list(_SAVED_RESULT)}),
    "Import": _object(
        {
            **_IMPORT_MEMBERS,
            "crs": _ANY,
            "columns": _list(_ANY),
            "repairs": _list(_ANY),
            "refused": _list(_ANY),
            "sample": _list(_ANY),
        }
    ),
    "ImportChanges": _object(
        {
            "layer": _TEXT,
            "counts": _by_name(_COUNT),
            "altered": _list(_ANY),
            "moved": _list(_ANY),
            "added": _list(_TEXT),
            "removed": _list(_TEXT),
        }
    ),
    "ImportEffect": _object(
        {
            "import_id": _TEXT,
            "layer": _TEXT,
            "verdicts": _ANY,
            "findings": _ANY,
            "parks": _list(_ANY),
            "text": _TEXT,
        }
    ),
    "Imports": _slice("imports", _object(_IMPORT_MEMBERS)),
    "Layers": _object({"plan_version": _TEXT, "layers": _list(_object({"name": _TEXT}))}),
    "History": _object({"layer": _TEXT, "versions": _list(_VERSION)}),
    "Published": _object({"layer": _TEXT, "number": _COUNT, "version": _TEXT}),
    "Difference": _object(
        {"layer": _TEXT, "before": _VERSION, "after": _VERSION, "counts": _by_name(_COUNT)}
    ),
    "Hits": _object(
        {
            "hits": _list(
                _object(
                    {
                        "kind": _TEXT,
                        "id": _TEXT,
                        "label": _TEXT,
                        "detail": _TEXT,
                        "page": _TEXT,
                        "map": _or_null(_TEXT),
                    }
                )
            )
        }
    ),
    "Industries": _object({"industries": _list(_object({"code": _TEXT, "name": _TEXT}))}),
    "Place": _object(
        {
            "lon": _NUMBER,
            "lat": _NUMBER,
            "is_in_county": _or_null(_FLAG),
            "township": _ANY,
            "ground": _ANY,
            **dict.fromkeys(("parks", "parcels", "buildings", "zones", "facilities"), _list(_ANY)),
        }
    ),
    "SiteAnswer": _object({"verdict": _enum(Verdict), "reasons": _list(_REASON), "nearest": _ANY}),
    "Area": _object(
        {
            "area_m2": _NUMBER,
            "share_in_county": _or_null(_SHARE),
            "zones": _list(_ANY),
            "rules": _list(_ANY),
        }
    ),
}
