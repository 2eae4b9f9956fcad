"""A result written to a file, in the format that the file's suffix names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.planning.rankings import RankingFormat, export_ranking
from geo_service.planning.review_files import ExportFormat, export_review
from geo_service.wording import said
from geo_service.zoning.review import Review

if TYPE_CHECKING:
    import os

    from geo_service.suitability.rank import Ranking


def write(
    result: Review | Ranking,
    path: str | os.PathLike[str],
    *,
    lang: Language | str = Language.ZH_HANS,
) -> Path:
    """Write a review or a ranking to a file, and return its path.

    Parameters
    ----------
    result
        What to write.
    path
        The file; its suffix names the format: `.json`, `.geojson` and `.xlsx`, for a review also
        `.docx` and `.gpkg`. A file that is there is replaced.
    lang
        Language of the texts: `zh-Hans`, `zh-Hant` or `en`.

    Raises
    ------
    InvalidQueryError
        The suffix names no format of the result.
    ValueError
        There is no such language.
    """
    file = Path(path)
    formats = ExportFormat if isinstance(result, Review) else RankingFormat
    known = [item.value for item in formats]
    suffix = file.suffix.removeprefix(".").lower()
    if suffix not in known:
        name = "path"
        raise InvalidQueryError(name, said("problem.suffix", found=suffix or "—", known=known))
    translator = Translator(Language(lang), result.plan.settings.names_hant)
    content = (
        export_review(result, ExportFormat(suffix), translator)
        if isinstance(result, Review)
        else export_ranking(result, RankingFormat(suffix), translator)
    )
    file.write_bytes(content)
    return file
