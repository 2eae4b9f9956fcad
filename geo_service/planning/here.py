"""Whether a project may be built at a place: one answer, with reasons, as a document.

`suitability.here` judges; here a place is read (a click, a drawing, pasted points), a project
too, and the answer is told with what lies there and what is near. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo_service.crs import STORAGE_CRS
from geo_service.errors import InvalidQueryError
from geo_service.ingest.options import AUTO, MOST_CRS_CHARACTERS
from geo_service.ingest.pasted import MOST_CHARACTERS, read_pasted
from geo_service.model import Verdict
from geo_service.planning.identify import PointInquiry
from geo_service.reports.document import Document, geometry_json, industry_name, plain
from geo_service.reports.ranking import candidate_identity, effect_document, reason_document
from geo_service.suitability.candidates import CandidateKind
from geo_service.suitability.here import judge_place
from geo_service.suitability.project import project_of
from geo_service.units import M2_PER_MU
from geo_service.wording import said
from geo_service.zoning.seen import is_focus_withheld

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from geo_service.model import Message
    from geo_service.suitability.candidates import Candidate
    from geo_service.suitability.here import Nearby, PlaceAnswer
    from geo_service.suitability.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class PlaceGiven:
    """A place as somebody gives it: one of the three."""

    point: tuple[float, float] | None = None
    """Longitude and latitude."""
    geometry: object = None
    """A GeoJSON polygon in CRS84."""
    points: str | None = None
    """Pasted boundary points, in the CRS `crs`."""
    crs: str = AUTO


@dataclass(frozen=True)
class SiteInquiry:
    """What a plan, the rules in force and a language say of a project at a place."""

    places: PointInquiry

    def answer(self, fields: Mapping[str, Any], place: PlaceGiven) -> Document:
        """Return whether a project may be built at a place, why, and the nearest that would do.

        Raises
        ------
        ProjectError
            The project breaks its form.
        InvalidQueryError, SourceError, ChoiceNeededError
            The place is none, cannot be read, or its CRS is open.
        """
        places = self.places
        project = project_of(fields)
        shape, evidence = self._shape_of(place)
        found = judge_place(places.plan, shape, project, places.rulebook, as_of=places.as_of)
        return self._document(found, shape, evidence)

    def _shape_of(self, place: PlaceGiven) -> tuple[BaseGeometry, tuple[Message, ...]]:
        given = [place.point, place.geometry, place.points]
        if sum(item is not None for item in given) != 1:
            name = "place"
            raise InvalidQueryError(name, said("problem.one_place"))
        if place.points is not None:
            drawn, evidence = read_pasted(place.points, self.places.plan, crs=place.crs)
            return self.places.near_county(drawn), evidence
        if place.point is not None:
            return self.places.near_county(shapely.Point(*place.point)), ()
        return self.places.in_metres(place.geometry), ()

    # ---- the document ------------------------------------------------------------------------

    def _document(
        self, found: PlaceAnswer, shape: BaseGeometry, evidence: tuple[Message, ...]
    ) -> Document:
        places, translator = self.places, self.places.translator
        candidate, project = found.candidate, found.project
        conditions = [item for item in found.conditions if item.verdict is not Verdict.UNKNOWN]
        unchecked = [item for item in found.conditions if item.verdict is Verdict.UNKNOWN]
        zones_of = shape if shape.area else candidate.geometry
        is_withheld = is_focus_withheld(places.plan)
        document: Document = {
            "verdict": found.verdict.value,
            "answer": translator.text(f"here.answer_{found.verdict}"),
            "statement": self._statement(found.verdict),
            "project": project.model_dump(mode="json", exclude_none=True),
            "industry_name": industry_name(project.industry_code, translator),
            "place": self._place(candidate, shape),
            "reasons": [self._reason(item) for item in found.reasons],
            "conditions": [self._reason(item) for item in conditions],
            "unchecked": [self._reason(item) for item in unchecked],
            "focus_effect": None if is_withheld else effect_document(found.effect),
            "is_focus_worse": None if is_withheld else found.is_focus_worse,
            "nearest": self._nearest(found.nearest),
            "tried": found.tried,
            "facts": places.facts(zones_of),
            "evidence": [translator.render(message) for message in evidence],
            "as_of": places.as_of.isoformat(),
            "plan_version": places.plan.version,
            "rulebook_version": places.rulebook.version,
        }
        told: Document = plain(document)
        return told

    def _statement(self, verdict: Verdict) -> str:
        """Say what a verdict means, and how many rules could not be asked."""
        translator, left_out = self.places.translator, self.places.left_out
        told = translator.text(f"here.statement_{verdict}")
        return f"{told} {translator.text('withheld.rules', count=left_out)}" if left_out else told

    def _place(self, candidate: Candidate, shape: BaseGeometry) -> Document:
        """Return which place was judged, and as what: it may be more than what was drawn."""
        is_ground = candidate.kind is CandidateKind.LAND
        way = candidate.kind.value if shape.area or not is_ground else "square"
        return {
            **self._identified(candidate),
            "judged_as": self.places.translator.text(f"here.as_{way}"),
            "area_mu": candidate.area_m2 / M2_PER_MU,
            "drawn_m2": float(shape.area) if shape.area else None,
        }

    def _identified(self, candidate: Candidate) -> Document:
        parks = self.places.plan.frame("parks")
        own = parks[parks["park_id"] == candidate.park_id]
        convert = self.places.translator.convert
        names = {str(candidate.park_id): convert(str(name)) for name in own["name"][:1]}
        inside = candidate.geometry.representative_point()
        in_degrees = gpd.GeoSeries([candidate.geometry, inside], crs=self.places.plan.metric_crs)
        geometry, point = geometry_json(in_degrees.to_crs(STORAGE_CRS))
        identity = candidate_identity(candidate, names, self.places.translator)
        return {**identity, "geometry": geometry, "point": (point or {}).get("coordinates")}

    def _nearest(self, near: Nearby | None) -> Document | None:
        if near is None:
            return None
        return {
            **self._identified(near.candidate),
            "distance_m": near.distance_m,
            "unknowns": [self._reason(item) for item in near.unknowns],
        }

    def _reason(self, reason: Reason) -> Document:
        """Return a reason with its rule's title and how binding that is; a need has neither."""
        translator = self.places.translator
        rule = self.places.rulebook.rules.get(reason.rule_id)
        told = reason_document(reason, translator)
        if rule is None:
            return {**told, "title": None, "severity": None, "severity_name": None}
        severity = rule.part.severity
        return {
            **told,
            "title": translator.pick(rule.part.title),
            "severity": severity.value,
            "severity_name": translator.text(f"severity.{severity}"),
        }


__all__ = ["AUTO", "MOST_CHARACTERS", "MOST_CRS_CHARACTERS", "PlaceGiven", "SiteInquiry"]
