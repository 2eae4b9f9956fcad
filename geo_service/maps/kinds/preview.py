"""The map of an import that is not published: what it would change, and what it refuses.

What it would publish is the last version of a map through versions (`time`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson
import shapely

from geo_service.maps.kinds.time import TimeData, one_line
from geo_service.reports.document import Document

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.maps.kinds import ImportPreview, MapInput
    from geo_service.maps.kinds.plan import PlanData, Rows
    from geo_service.plan import Plan
    from geo_service.stores.timeline import Timeline


class PreviewData(TimeData):
    """The sources of the map of an import that is not published: what it would change."""

    kind: ClassVar[str] = "preview"

    def __init__(
        self,
        timeline: Timeline,
        plan: Plan,
        translator: Translator,
        base: PlanData | None = None,
        *,
        preview: ImportPreview,
        is_served: bool = False,
    ) -> None:
        """Draw `preview`, which is the last step of the timeline, against the step before."""
        super().__init__(timeline, plan, translator, base, is_served=is_served)
        self.preview = preview

    def title(self) -> str:
        """Return the map's title."""
        return self.text("map.preview_title", county=self.county_name, layer=self.layer_title)

    def span_text(self) -> str:
        """Say that nothing is published, and which file it is."""
        return self.text("map.preview_subtitle", file=one_line(self.preview.file))

    def step_label(self, position: int) -> str:
        """Return what a step is called."""
        return self.text("map.preview_step" if position else "map.preview_now")

    def span(self, first: int, last: int) -> str | None:
        """Leave out in which versions a state stood."""
        del first, last
        return None

    def _states(self) -> Rows:
        """Return what would change, moved shapes apart, and then what the import refuses."""
        ids, rows, shapes = super()._states()
        changed = self.timeline.steps[-1].changed
        for row in rows:
            item = changed.get(row["feature_id"])
            if row["change"] == "changed" and item is not None and item.shape is not None:
                row |= {"change": "moved", "change_name": self.text("diff.moved")}
        refused = [self._refused(item) for item in self.preview.refused]
        found = [
            shapely.from_geojson(orjson.dumps(item["geometry"])) for item in self.preview.refused
        ]
        return [*ids, *(row["state_id"] for row in refused)], [*rows, *refused], [*shapes, *found]

    def _refused(self, item: Document) -> Document:
        given = item["properties"]
        identity = str(given["feature"] or self.text("map.preview_row", row=given["row"]))
        end = len(self.timeline.steps) - 1
        row = {
            "state_id": str(item["id"]),
            "feature_id": identity,
            "name": identity,
            "change": "refused",
            "change_name": self.text("diff.refused"),
            "is_listed": True,
            "first_step": end,
            "last_step": end,
            "what": given["reason"],
            "source": self.preview.file,
            "illustrative": False,
        }
        return self.titled(identity, row)


def states_of(subject: MapInput) -> tuple[PreviewData]:
    """Return the data of the map of what an import would change."""
    data = PreviewData(
        subject.need("timeline"),
        subject.need("plan"),
        subject.translator,
        subject.base,
        preview=subject.need("preview"),
        is_served=subject.is_served,
    )
    return (data,)
