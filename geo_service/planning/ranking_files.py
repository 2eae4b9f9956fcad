"""A ranking handed out as a file: workbook, GeoJSON, or its document."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from geo_service.reports.document import collection, dump
from geo_service.reports.ranking import ranking_document, ranking_features, ranking_summary

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.suitability.rank import Ranking


class RankingFormat(StrEnum):
    """The formats of a ranking as a file; the value is also the file's extension."""

    JSON = "json"
    GEOJSON = "geojson"
    XLSX = "xlsx"


RANKING_MEDIA_TYPES = {
    RankingFormat.JSON: "application/json",
    RankingFormat.GEOJSON: "application/geo+json",
    RankingFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export_ranking(ranking: Ranking, kind: RankingFormat, translator: Translator) -> bytes:
    """Return a ranking as a file of a format, its texts in the translator's language."""
    if kind is RankingFormat.GEOJSON:
        features = ranking_features(ranking, translator)
        summary = ranking_summary(ranking, translator)
        return dump(collection(features, len(features), ranking=summary))
    document = ranking_document(ranking, translator)
    if kind is RankingFormat.JSON:
        return dump(document, indent=True)
    from geo_service.reports.ranking_xlsx import ranking_xlsx  # noqa: PLC0415 - its library is heavy

    return ranking_xlsx(document, translator)
