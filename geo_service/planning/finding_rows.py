"""The findings of one review, live or as it was saved: a table to ask, and rows to show.

A live review makes rows of its columns. Of a saved one only the documents are there: they are kept
packed, and unpacked a block at a time when they are shown. Both answer alike.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson
import shapely

from geo_service.language import Language, Translator
from geo_service.plan import rows_of
from geo_service.planning.finding_words import FindingWords
from geo_service.planning.pages.register import listed_finding
from geo_service.planning.saved_reviews import feature_of, listed_saved
from geo_service.reports.document import Document, finding_features, park_words
from geo_service.zoning.finding_table import Box, FindingTable, boxes_meet
from geo_service.zoning.names import township_names
from geo_service.zoning.rulebook import default_rulebook

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rule, Rulebook

_BLOCK = 200
"""Saved findings that are packed together."""


class FindingRows(Protocol):
    """The findings of one review."""

    table: FindingTable

    def words_key(self, language: Language) -> tuple[str, Language]:
        """Return what tells the texts of this review in a language from others of it."""
        ...

    def features(
        self, positions: Sequence[int], translator: Translator, *, has_geometry: bool
    ) -> list[Document]:
        """Return findings as features; without geometry, as pages list them."""
        ...

    def make_words(self, translator: Translator) -> FindingWords:
        """Return what findings are searched by."""
        ...

    def meeting(self, bbox: Box, positions: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of these findings' offending parts meet a box."""
        ...


class LiveRows:
    """The findings of a review that is at hand."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self.table = review.table

    def features(
        self, positions: Sequence[int], translator: Translator, *, has_geometry: bool
    ) -> list[Document]:
        """Return findings as features; without geometry, as pages list them."""
        if has_geometry:
            return finding_features(self._review, translator, positions)
        rules = self._review.rulebook.rules
        return [
            _bare_feature(
                listed_finding(finding, translator),
                translator.pick(rules[finding.rule_id].part.title),
            )
            for finding in self._review.results.at(positions)
        ]

    def words_key(self, language: Language) -> tuple[str, Language]:
        """Return the kind of rows, and the language that titles are searched in."""
        return "live", _searched(language)

    def make_words(self, translator: Translator) -> FindingWords:
        """Return titles and ids of findings; names, townships and industries of their parks."""
        review, found = self._review, self._review.results
        plain = Translator(_searched(translator.language), translator.names_hant)
        townships = township_names(review.plan)
        parks = {}
        for row in rows_of(review.parks):
            leading = row["leading_industry"] if isinstance(row["leading_industry"], str) else None
            words = park_words(row, townships.get(row["township_code"]), leading, plain)
            parks[row["park_id"]] = "\n".join((row["park_id"], *words))
        return FindingWords(
            (
                f"{plain.render(title)}\n{subject_id}\n{finding_id}"
                for title, subject_id, finding_id in zip(
                    found.titles(), found.subject_ids, found.ids, strict=True
                )
            ),
            parks=parks,
            rules=_rule_texts(review.rulebook.rules, review.checks, plain),
        )

    def meeting(self, bbox: Box, positions: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of these findings' offending parts meet a box."""
        return self._review.meeting(bbox, positions)


class SavedRows:
    """The findings of a saved review's document in one language."""

    def __init__(self, whole: Mapping[str, Any], rulebook: Rulebook) -> None:
        """Take what is needed of a document; nothing of it is kept unpacked."""
        findings = whole["findings"]
        self._rules = {**default_rulebook().rules, **rulebook.rules}
        self._parks = {park["park_id"]: park["name"] for park in whole["parks"]}
        self._checked = list(whole["checks"])
        self._blocks = [
            zlib.compress(orjson.dumps(findings[first : first + _BLOCK]), 1)
            for first in range(0, len(findings), _BLOCK)
        ]
        self.table = FindingTable.of_documents(findings, rules=self._checked, parks=self._parks)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return sum(map(len, self._blocks)) + 200 * len(self.table)

    def features(
        self, positions: Sequence[int], translator: Translator, *, has_geometry: bool
    ) -> list[Document]:
        """Return findings as features; without geometry, as pages list them."""
        found = self._at(positions)
        if has_geometry:
            return [feature_of(item) for item in found]
        return [
            _bare_feature(
                listed_saved(item, translator),
                _rule_title(self._rules.get(item["rule_id"]), item["rule_id"], translator),
            )
            for item in found
        ]

    def words_key(self, language: Language) -> tuple[str, Language]:
        """Return the kind of rows, and the language that they were saved in."""
        return "saved", language

    def make_words(self, translator: Translator) -> FindingWords:
        """Return titles and ids of findings and names of their parks, as they were saved."""
        return FindingWords(
            (
                f"{item['title']}\n{item['subject']['id']}\n{item['finding_id']}"
                for item in self._at(range(len(self.table)))
            ),
            parks={park_id: f"{park_id}\n{name}" for park_id, name in self._parks.items()},
            rules=_rule_texts(self._rules, self._checked, translator),
        )

    def meeting(self, bbox: Box, positions: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of these findings' offending parts meet a box."""
        met = boxes_meet(self._bounds[positions], bbox)
        near = np.flatnonzero(met)
        shapes = [_shape(item) for item in self._at(positions[near].tolist())]
        met[near] = shapely.intersects(np.array(shapes, dtype=object), shapely.box(*bbox))
        return met

    @cached_property
    def _bounds(self) -> NDArray[np.float64]:
        shapes = [_shape(item) for item in self._at(range(len(self.table)))]
        found: NDArray[np.float64] = shapely.bounds(np.array(shapes, dtype=object))
        return found.reshape(-1, 4)

    def _at(self, positions: Iterable[int]) -> list[Document]:
        """Return the documents at these positions, a block unpacked once for its neighbours."""
        found: list[Document] = []
        for number, members in groupby(positions, key=lambda position: position // _BLOCK):
            block = orjson.loads(zlib.decompress(self._blocks[number]))
            found += [block[position % _BLOCK] for position in members]
        return found


def _shape(finding: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a shape or None
    geometry = finding["geometry"]
    return None if geometry is None else shapely.from_geojson(orjson.dumps(geometry))


def _searched(language: Language) -> Language:
    """Return the language in which titles are searched: both scripts of Chinese are one."""
    return language if language is Language.EN else Language.ZH_HANS


def _rule_texts(
    rules: Mapping[str, Rule], checked: Iterable[str], translator: Translator
) -> dict[str, str]:
    return {
        rule_id: f"{rule_id}\n{_rule_title(rules.get(rule_id), rule_id, translator)}"
        for rule_id in checked
    }


def _rule_title(rule: Rule | None, rule_id: str, translator: Translator) -> str:
    return rule_id if rule is None else translator.pick(rule.part.title)


def _bare_feature(listed: Document, rule_title: str) -> Document:
    return {
        "type": "Feature",
        "id": listed["finding_id"],
        "geometry": None,
        "properties": {**listed, "rule_title": rule_title},
    }
