"""What a report of a review says, before it is laid out as a workbook or a text document.

Everything is gathered once from a review, in one language, as plain documents; dividing
findings into lists and wording their evidence is done here, so that every format says the
same. How it looks, and what a file format allows, is left to those who lay it out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_service.crs import measure_area_m2
from geo_service.language import Language, Translator, catalogue
from geo_service.model import Quantity, Tier, Verdict
from geo_service.reports.act import act_facts, work_key
from geo_service.reports.document import (
    Document,
    basis_words,
    layers_document,
    park_features,
    plain,
    review_summary,
)
from geo_service.reports.finding_documents import FindingDocuments, list_numbers
from geo_service.reports.plain_text import one_line
from geo_service.reports.rules import rules_document
from geo_service.zoning.worklists import worklist_of

if TYPE_CHECKING:
    from geo_service.zoning.review import Review

VERDICTS = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WATCH, Verdict.PASS)
"""In the order in which a meeting goes through them."""
VerdictColours = Mapping[Verdict, str]
"""The map's colour (`#rrggbb`) of each verdict."""
_MOST_SHOWN = 40
_LONGEST = 2_000
_MEASURE_KEYS = ("measure", "value", "unit", "threshold", "total_unit")
"""What the evidence's first lines, or the unit of others, tell already."""


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """A review in one language: what stands in its reports."""

    translator: Translator
    summary: Document
    parks: Sequence[Document]
    findings: Sequence[Document]
    rules: Sequence[Document]
    documents: Sequence[Document]
    """The documents that rules rest on, each with its state on the day of the review."""
    layers: Sequence[Document]
    confidentiality: str | None
    map_approval: str | None
    is_trial: bool = False
    """Whether the review is no review of the county as it stands by its own rules."""
    act: Document | None = None
    """What was done with the review as an act; None if this is not known here."""
    work: Sequence[Document] = ()
    """What is done about findings, by rule and subject; empty if nobody has said anything."""

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
        """Return a text of the catalogue in the report's language."""
        return self.translator.text(f"report.{key}", **values)

    def word(self, section: str, code: object) -> str:
        """Return the name of an enum's value, else the value itself."""
        key = f"{section}.{code}"
        return self.translator.text(key) if key in catalogue() else one_line(str(code))

    @property
    def as_of(self) -> date:
        """The day that the review speaks of."""
        return date.fromisoformat(self.summary["as_of"])

    @property
    def title(self) -> str:
        """What the report is called."""
        title = self.text("title", county=self.summary["county"])
        return self.text("trial_title", title=title) if self.is_trial else title

    def park_name(self, park_id: str | None) -> str:
        """Return a park's name with its id, or only the id of a park that is not reviewed."""
        if park_id is None:
            return self.text("no_park")
        name = self._names.get(park_id)
        return park_id if name is None else self.text("park_name", name=name, park_id=park_id)

    def plain_name(self, park_id: str | None) -> str | None:
        """Return a park's name, None for a park that is not reviewed."""
        return None if park_id is None else self._names.get(park_id)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {park["park_id"]: one_line(park["name"]) for park in self.parks}

    def rule_title(self, rule_id: str) -> str:
        """Return what a rule is called."""
        return self._titles.get(rule_id, rule_id)

    @cached_property
    def _titles(self) -> Mapping[str, str]:
        return {rule["rule_id"]: one_line(rule["title"]) for rule in self.rules}

    def work_on(self, finding: Document) -> Document | None:
        """Return what is done about a finding; None if nobody has said anything."""
        return self._work.get(work_key(finding))

    @cached_property
    def _work(self) -> Mapping[tuple[str, str, str], Document]:
        return {work_key(item): item for item in self.work}

    def findings_of(self, park_id: str) -> list[Document]:
        """Return a park's findings that count, gravest first."""
        return self._by_park.get(park_id, [])

    @cached_property
    def _by_park(self) -> Mapping[str, list[Document]]:
        groups: dict[str, list[Document]] = {}
        for item in self.findings:
            if counts(item):
                groups.setdefault(item["park_id"], []).append(item)
        return groups

    @property
    def waived(self) -> list[Document]:
        """The findings that a waiver sets aside."""
        return [item for item in self.findings if aside_name(item) == "waived"]

    @property
    def approved(self) -> list[Document]:
        """The findings about what an authority has approved."""
        return [item for item in self.findings if aside_name(item) == "approved"]

    def rests_on(self, park: Document) -> str:
        """Return the kinds of basis that give a park its verdict, as words."""
        words = [self.word("rests_on", group) for group in park["rests_on"]]
        return self.translator.listed(words) if words else self.text("none")

    def lapsed_lines(self) -> list[str]:
        """Return the rules that were not applied since their documents had ended."""
        return [
            self.text(
                "lapsed_figure",
                title=item["title"],
                document=item["document"],
                ended=item["ended"] or self.text("ended_unknown"),
            )
            for item in self.summary["lapsed"]
        ]

    @property
    def idle_rules(self) -> str | None:
        """How many of the rules judged nothing since they are not in force on the day."""
        idle = [rule for rule in self.rules if rule["enabled"] and not rule["in_force"]]
        count = sum(rule["lapsed"] is None for rule in idle)
        if not count:
            return None
        return self.text("idle_rules_figure", count=count, all=len(self.rules))

    def list_of(self, name: str) -> list[Document]:
        """Return the findings of one of the three lists."""
        return [item for item in self.findings if list_name(item) == name]

    def verdicts_by_tier(self) -> dict[str, Counter[str]]:
        """Return how many parks of each tier have each verdict; tiers without parks left out."""
        counts: dict[str, Counter[str]] = {tier.value: Counter() for tier in Tier}
        for park in self.parks:
            counts[park["tier"]][park["verdict"]] += 1
        return {tier: count for tier, count in counts.items() if count}

    @property
    def product_defaults(self) -> int:
        """How many rules in force rest on a default of this product only."""
        return sum(
            rule["basis_tag"] == "product_default" and rule["rule_id"] in self.summary["checks"]
            for rule in self.rules
        )


def review_content(
    review: Review,
    translator: Translator,
    *,
    is_trial: bool = False,
    act: Document | None = None,
    work: Sequence[Document] = (),
) -> ReviewContent:
    """Gather what the reports of a review say, in the translator's language.

    That of a trial says so in its title, and so on every sheet and page. `act` is what was done
    with the review, `work` what is done about its findings.
    """
    settings = review.plan.settings
    metric = review.plan.metric("parks")
    positions = pd.Index(metric["park_id"]).get_indexer(review.parks["park_id"].tolist())
    shapes = metric.geometry.to_numpy()[positions]
    areas = measure_area_m2(shapes, method=settings.area_method, crs=review.plan.metric_crs)
    parks = [feature["properties"] for feature in park_features(review, translator)]
    number = list_numbers(review)
    register = rules_document(review.rulebook, review.as_of, translator)
    return ReviewContent(
        translator=translator,
        summary=review_summary(review, translator),
        parks=[
            {**park, "area_m2": float(area), **number(park["park_id"])}
            for park, area in zip(parks, areas, strict=True)
        ],
        findings=FindingDocuments(review, translator),
        rules=register["rules"],
        documents=register["documents"],
        layers=layers_document(review.plan, translator)["layers"],
        confidentiality=settings.confidentiality,
        map_approval=settings.map_approval,
        is_trial=is_trial,
        act=act,
        work=work,
    )


def aside_name(finding: Document) -> str | None:
    """Return why a finding does not count: `waived` or `approved`; None for one that counts."""
    if finding["approval"]:
        return "approved"
    return "waived" if finding["waived"] else None


def counts(finding: Document) -> bool:
    """Return whether a finding counts for its park's verdict."""
    return aside_name(finding) is None


def list_name(finding: Document) -> str | None:
    """Return which of the three lists a finding stands in; None for one that does not count."""
    if not counts(finding):
        return None
    return worklist_of(finding["severity"], finding["verdict"]).value


def legal_basis_line(finding: Document) -> str:
    """Return document, number and article of a finding's or rule's legal basis on one line."""
    return one_line(" · ".join(basis_words(finding["legal_basis"])))


def _groups_of(summary: Document, translator: Translator) -> str:
    """Return the version of the industry groups, and the county's scheme if it is named."""
    version = str(summary["industry_groups_version"])
    scheme = summary.get("industry_scheme")
    if not scheme:
        return version
    key = "report.scheme" if scheme["year"] else "report.undated_scheme"
    return translator.text(key, version=version, title=scheme["title"], year=str(scheme["year"]))


def cover_facts(content: ReviewContent) -> dict[str, str]:
    """Return what a review is of, label by label, as every report's first page shows it."""
    text, summary = content.text, content.summary
    blank = text("blank")
    facts = {
        "county": text("park_name", name=summary["county"], park_id=summary["county_code"]),
        "confidentiality": content.confidentiality or blank,
        "map_approval": content.map_approval or blank,
        "as_of": summary["as_of"],
        "review_id": summary["review_id"],
        "plan_version": summary["plan_version"],
        "rulebook_version": summary["rulebook_version"],
        "groups_version": _groups_of(summary, content.translator),
        "waivers_version": summary["waivers_version"] or text("none"),
        "approvals_version": summary["approvals_version"] or text("none"),
        "area_method": content.translator.text(
            f"area_method.{summary['area_method']}", crs=summary["metric_crs"]
        ),
        "focus_basis": text("basis_word", basis=content.word("basis", summary["focus_basis"])),
        "park_count": str(len(content.parks)),
        "findings_count": text(
            "findings_figure",
            count=summary["findings_count"],
            waived=summary["waived_count"],
            approved=summary["approved_count"],
        ),
    }
    for key in ("stale_waivers", "stale_approvals"):
        if summary[key]:
            facts[key] = ", ".join(map(str, summary[key]))
    facts |= act_facts(content.act, content.translator)
    lapsed = content.lapsed_lines()
    if lapsed:
        facts["lapsed_rules"] = content.translator.listed(lapsed)
    if content.idle_rules:
        facts["idle_rules"] = content.idle_rules
    return {text(key): one_line(value, most=2_000) for key, value in facts.items()}


def notes(content: ReviewContent) -> list[str]:
    """Return what every reader of a report must know before trusting it."""
    text = content.text
    found = [text("verdict_note"), text("lists_own"), text("few_note")]
    if content.product_defaults:
        found.insert(1, text("defaults_note", count=content.product_defaults))
    return found


def tint(colour: str, strength: float = 0.35) -> str:
    """Return a colour (`#rrggbb`) mixed with white, as `rrggbb`.

    >>> tint("#000000", 0.5)
    '808080'
    """
    parts = (int(colour[position : position + 2], 16) for position in (1, 3, 5))
    return "".join(f"{round(255 - (255 - part) * strength):02x}" for part in parts)


# ---- evidence ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class TableUnit:
    """How a measure stands in a table: times a factor, under a label, in a number format."""

    factor: float
    label: str
    number_format: str


_FORMATS = {
    "share": "0.00%",
    "share_change": "+0.00;-0.00;0",
    "m²": "#,##0.0",
    "ha": "#,##0.00",
    "m": "#,##0.00",
    "CNY": "#,##0",
    "CNY/mu": "#,##0",
    "count": "#,##0",
    "points": "0.0",
    "years": "0.00",
}
_FACTORS = {"share_change": 100.0}
_CHINESE = {"CNY": (1e-4, "#,##0.00"), "CNY/mu": (1e-4, "#,##0.00")}


def table_unit(unit: str | None, translator: Translator) -> TableUnit:
    """Return how a unit of the evidence is written in this language's tables.

    >>> table_unit("CNY/mu", Translator())
    TableUnit(factor=0.0001, label='万元/亩', number_format='#,##0.00')
    """
    if unit is None:
        return TableUnit(1.0, "", "General")
    key = f"unit.{unit}"
    label = translator.text(key) if key in catalogue() else one_line(unit)
    factor, number_format = _FACTORS.get(unit, 1.0), _FORMATS.get(unit, "#,##0.00")
    if translator.language is not Language.EN and unit in _CHINESE:
        factor, number_format = _CHINESE[unit]
    return TableUnit(factor, label, number_format)


def measure_name(measure: object, translator: Translator) -> str:
    """Return what a measure, or another member of the evidence, is called; else its own name."""
    for section in ("evidence", "measure", "column"):
        key = f"{section}.{measure}"
        if key in catalogue():
            name = translator.text(key)
            return name[:1].upper() + name[1:]
    return one_line(str(measure))


def worded(evidence: Document, key: str, translator: Translator) -> object:
    """Return a member of the evidence, in words if what is measured has codes of ours."""
    measure, value = str(evidence.get("measure")), evidence.get(key)
    if measure not in _NAMED_IN or not isinstance(value, (str, list, tuple)):
        return value
    names = [_named(measure, code, translator) for code in _listed(value)]
    return names[0] if isinstance(value, str) else names


def evidence_lines(finding: Document, translator: Translator) -> list[tuple[str, str]]:
    """Return a finding's evidence as labels and texts: measured, limit, then all the rest."""
    evidence = finding["evidence"]
    unit = evidence.get("unit")
    value, threshold = (worded(evidence, key, translator) for key in ("value", "threshold"))
    lines = []
    if evidence.get("measure") is not None:
        name = measure_name(evidence["measure"], translator)
        lines.append((name, _figure(value, unit, translator, beside=threshold)))
    if threshold is not None:
        label = measure_name("threshold", translator)
        lines.append((label, _figure(threshold, unit, translator)))
    for key, item in evidence.items():
        if key in _MEASURE_KEYS or item in (None, "", [], {}):
            continue
        lines.append((measure_name(key, translator), _extra(key, item, evidence, translator)))
    return [(label, one_line(text, most=_LONGEST)) for label, text in lines]


_NAMED_IN = {
    "scheme": "scheme",
    "tier": "tier",
    "kind": "zone",
    "basis": "basis",
    "missing": "column",
    "missing_column": "column",
    "count_supporting": "supporting",
    "limit_from": "limit_from",
    "open_ranks": "river",
    "bans": "parameter",
    "catalogue_class": "catalogue_class",
}
"""Members whose values are codes of ours, and the section that names them."""
_IN_UNIT = {"watch_threshold"}
_IN_TOTAL_UNIT = {"leading_total", "total", "growth_needed", "relocation_needed"}
_UNITS = {
    "share": "share",
    "top_share": "share",
    "supporting_share": "share",
    "subject_area_m2": "m²",
    "area_m2": "m²",
    "vacant_m2": "m²",
    "floor_area_m2": "m²",
    "ancillary_m2": "m²",
    "parcels_m2": "m²",
    "built_share": "share",
    "invested_share": "share",
    "rd_floor_share": "share",
    "declared_ha": "ha",
    "measured_ha": "ha",
}


_COMPUTED = {
    "planar distance to the nearest river management boundary": "river_distance",
    "area(park ∩ other park)": "overlap",
    "|declared - measured| / measured": "declared",
    "area(subject minus park) / area(subject)": "outside_park",
    "sum(vacant_m2) / sum(area_m2) over the building's floors": "vacancy",
    "area(subject ∩ union of zones)": "zones",
    "leading_total / total": "leading_share",
    "leading_total / total + half of supporting_share": "leading_share_half",
    "leading_total / total + full of supporting_share": "leading_share_full",
}
"""How the checks say that a value was computed, and the message that words it."""
_PARK_MINUS = re.compile(r"area\(park minus (?P<zone>\w+)\)")
_PER_MU = re.compile(r"(?P<amount>\w+) / \((?P<area>\w+) / 666\.67\)")
_FLOOR = re.compile(r"floor (?P<floor>.+)", re.DOTALL)


def _computation(text: str, translator: Translator) -> str:
    """Word how a value was computed; what no message words stays as it is."""
    name, values = _COMPUTED.get(text, ""), {}
    if found := _PARK_MINUS.fullmatch(text):
        name = f"park_minus_{found['zone']}"
    elif found := _PER_MU.fullmatch(text):
        name = "per_mu"
        columns = found.groupdict().items()
        values = {part: measure_name(column, translator) for part, column in columns}
    elif found := _FLOOR.fullmatch(text):
        name, values = "floor", found.groupdict()
    key = f"computed.{name}"
    return translator.text(key, **values) if key in catalogue() else text


def _extra(key: str, item: object, evidence: Document, translator: Translator) -> str:
    """One further piece of evidence as text."""
    if key == "area_method":
        return translator.text(f"evidence.area_{item}")
    if key == "computed":
        return _computation(str(item), translator)
    if key == "shares" and isinstance(item, Mapping):
        parts = [
            f"{translator.text(f'basis.{basis}')} {_figure(share, 'share', translator)}"
            for basis, share in item.items()
        ]
        return _joined(parts, translator)
    if key in _NAMED_IN:
        return _figure([_named(key, code, translator) for code in _listed(item)], None, translator)
    unit = _UNITS.get(key)
    if key in _IN_UNIT:
        unit = evidence.get("unit")
    elif key in _IN_TOTAL_UNIT:
        unit = evidence.get("total_unit")
    return _figure(item, unit, translator)


def _listed(item: object) -> list[str]:
    return [str(part) for part in (item if isinstance(item, (list, tuple)) else [item])]


def _named(key: str, code: str, translator: Translator) -> str:
    """Return a code's name, a column's with the column beside it."""
    name = f"{_NAMED_IN[key]}.{code.rpartition('.')[2]}"
    if name not in catalogue():
        return code
    shown = translator.text(name)
    if _NAMED_IN[key] != "column":
        return shown
    return translator.text("name.column", label=shown, column=code)


def _figure(
    value: object, unit: str | None, translator: Translator, *, beside: object = None
) -> str:
    """A value of any kind as text, numbers with their unit."""
    if value is None:
        return translator.text("evidence.none")
    if isinstance(value, bool):
        return translator.text(f"evidence.{'yes' if value else 'no'}")
    if isinstance(value, (int, float)):
        return _quantity(value, unit, translator, beside)
    if isinstance(value, Mapping):
        parts = [
            f"{measure_name(key, translator)} {_figure(item, _UNITS.get(str(key)), translator)}"
            for key, item in value.items()
        ]
        return _joined(parts, translator)
    if isinstance(value, (list, tuple)):
        shown = [_figure(item, unit, translator) for item in value[:_MOST_SHOWN]]
        if len(value) > len(shown):
            shown.append(translator.text("evidence.more", count=len(value) - len(shown)))
        is_rows = any(isinstance(item, Mapping) for item in value)
        chinese, english = ("；", "; ") if is_rows else ("、", ", ")
        return (chinese if _is_chinese(translator) else english).join(shown)
    return str(value)


def _quantity(value: float, unit: str | None, translator: Translator, beside: object) -> str:
    other = float(beside) if isinstance(beside, (int, float)) else None
    key = f"unit.{unit}"
    if unit in {"count", "points", "years"} and key in catalogue():
        figure = translator.quantity(Quantity(value, None, beside=other))
        is_counted = unit == "count" and not _is_chinese(translator)
        return figure if is_counted else f"{figure} {translator.text(key)}"
    if isinstance(value, int) and unit is None:
        return str(value)  # a year, a floor: no thousands
    return translator.quantity(Quantity(value, unit, beside=other))


def _joined(parts: Sequence[str], translator: Translator) -> str:
    return ("，" if _is_chinese(translator) else ", ").join(parts)


def _is_chinese(translator: Translator) -> bool:
    return translator.language is not Language.EN


def evidence_text(finding: Document, content: ReviewContent) -> str:
    """Return a finding's evidence as lines of label and value."""
    lines = evidence_lines(finding, content.translator)
    return "\n".join(
        content.text("evidence_line", label=label, value=value) for label, value in lines
    )


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Return parameters of a rule on one line, as a rulebook names them."""
    parts = [
        f"{name} = {_written(value)}" for name, value in parameters.items() if value is not None
    ]
    return one_line("; ".join(parts), most=_LONGEST)


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(
                f"{key}: {_written(item)}" for key, item in value.items() if item is not None
            )
            + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(plain(value))
