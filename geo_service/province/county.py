"""One county of a province as a task: opened, held against the province's rules, reviewed, written.

A task runs in a worker, on any machine that sees the same folders. What it writes follows from
the county's plan, the rules and the day alone. A county that cannot be used is answered with its
faults in every language. Geometry of findings is left out: the county's own review draws it.
How a large county becomes several tasks stands in `blocks`.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from geo_service import __version__
from geo_service.crs import STORAGE_CRS
from geo_service.domain.enterprises import active_enterprises, latest_year
from geo_service.errors import Fault, GeoServiceError, RulebookError, WorkspaceError
from geo_service.language import Language, Translator
from geo_service.model import FocusBasis
from geo_service.province.folder import (
    ranked_record,
    whole_record,
    write_county,
    write_ranked,
)
from geo_service.province.settings import PARCELS_PER_BLOCK
from geo_service.province.stricter import weaker_rules
from geo_service.reports.document import is_illustrative, plain
from geo_service.reports.finding_columns import finding_columns
from geo_service.stores.base import WorkspaceAt
from geo_service.wording import quoted, said, tell_error
from geo_service.workspace.opening import open_plan
from geo_service.workspace.own_files import SETTINGS_FILE
from geo_service.zoning.approvals import open_approvals
from geo_service.zoning.review import FINDING_COLUMNS, review, review_id_of
from geo_service.zoning.rulebook import default_rulebook, open_rulebook
from geo_service.zoning.waivers import open_waivers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from geo_service.plan import Plan, PlanSettings
    from geo_service.province.folder import Record
    from geo_service.province.settings import CountyAt, RulebookText
    from geo_service.suitability.project import Project
    from geo_service.zoning.approvals import Approvals
    from geo_service.zoning.review import Review
    from geo_service.zoning.rulebook import Rulebook
    from geo_service.zoning.waivers import Waivers

FORMAT = 1
"""The form of the files; results of another form are made again."""
OUT_OF_REACH = "out_of_reach"
AMOUNTS = {
    FocusBasis.OUTPUT: "output_cny",
    FocusBasis.LAND: "land_m2",
    FocusBasis.FLOOR_AREA: "floor_m2",
}
"""The columns of enterprises that are summed by industry; numbers of enterprises are counted."""

_TEXT, _COUNT, _NUMBER, _FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_FINDINGS = pa.schema(
    [
        *((name, _TEXT) for name in FINDING_COLUMNS if name not in {"waived", "approved"}),
        *((name, _FLAG) for name in ("waived", "approved", "illustrative")),
    ]
)
_PARK_TEXTS = (
    *("park_id", "name", "tier", "township_code", "leading_industry", "industry_group"),
    *("verdict", "rests_on", "verdict_law", "verdict_county", "verdict_reference"),
    *("focus_verdict", "top_industry", "source"),
)
_PARK_NUMBERS = (
    *(f"share_{basis}" for basis in FocusBasis),
    *("hhi", "entropy", "location_quotient"),
)
_PARKS = pa.schema(
    [
        *((name, _TEXT) for name in _PARK_TEXTS),
        *((name, _COUNT) for name in ("findings", "enterprise_count")),
        *((name, _NUMBER) for name in _PARK_NUMBERS),
        ("illustrative", _FLAG),
        ("geometry", pa.binary()),
    ]
)
_INDUSTRIES = pa.schema(
    [
        ("park_id", _TEXT),
        ("industry_code", _TEXT),
        ("enterprises", _COUNT),
        *((column, _NUMBER) for column in AMOUNTS.values()),
        *((f"{column}_missing", _COUNT) for column in AMOUNTS.values()),
    ]
)
_BOUNDARY = pa.schema([("geometry", pa.binary())])


@dataclass(frozen=True, kw_only=True)
class CountyTask:
    """What a worker is told of one county; the same task gives the same answer anywhere."""

    county: CountyAt
    rules: RulebookText | None
    as_of: date
    most_parcels: int = PARCELS_PER_BLOCK
    """A county of more parcels is reviewed in blocks of about so many."""
    release: str = __version__

    @property
    def code(self) -> str:
        """The code of the county."""
        return self.county.code

    @property
    def shown(self) -> str:
        """How progress names it."""
        return self.code


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How a large county was cut: what the tasks of its parts need besides the extracts."""

    review_id: str
    settings: PlanSettings
    layers: Mapping[str, tuple[str, int]]
    """The version and number of each layer."""
    blocks: int


@dataclass(frozen=True, kw_only=True)
class CountyAnswer:
    """What became of a county: its record, its faults by language, or how it was cut.

    Nothing of these is the answer of a block, which ends no county.
    """

    record: Record | None = None
    faults: Mapping[str, str] | None = None
    cut: Cut | None = None


def rank_county(
    task: CountyTask, project: Project, most: int, folder: str, *, is_resumed: bool
) -> CountyAnswer:
    """Rank a project's sites in a county and write the best ones with their raw measures.

    With `is_resumed` what it said of the same plan, rules, project and day is answered as it is.
    """
    try:
        return CountyAnswer(
            record=_ranked(task, project, most, Path(folder), is_resumed=is_resumed)
        )
    except GeoServiceError as error:
        return CountyAnswer(faults=faults_told(error))


def _ranked(
    task: CountyTask, project: Project, most: int, folder: Path, *, is_resumed: bool
) -> Record:
    # A review does not need it: it starts faster without its libraries.
    from geo_service.suitability.rank import rank_project, ranking_id_of  # noqa: PLC0415

    plan, rules = open_county(task)
    same = {
        "format": FORMAT,
        "release": __version__,
        "ranking_id": ranking_id_of(plan, rules, project, task.as_of),
        "most": most,
    }
    name = project_name(project)
    if is_resumed:
        kept = ranked_record(folder, task.county.code, name)
        if kept is not None and all(kept.get(key) == value for key, value in same.items()):
            return kept
    ranking = rank_project(plan, project, rules, as_of=task.as_of)
    columns = ["candidate_id", "kind", "park_id", "area_m2", "illustrative", "has_unknowns"]
    best = ranking.candidates.head(most)
    criteria = [] if ranking.scored is None else [item.name for item in ranking.scored.chosen]
    record = {
        **same,
        "county_code": task.county.code,
        "name": dict(plan.settings.name),
        "plan_version": plan.version,
        "rulebook_version": rules.version,
        "focus_basis": plan.settings.focus_basis.value,
        "candidates": len(ranking.sites),
        "excluded": len(ranking.excluded),
        "best": [
            {
                **{name: plain(row[name]) for name in columns},
                "raw": {name: raw_told(float(row[name])) for name in criteria},
            }
            for row in best.to_dict("records")
        ],
    }
    return write_ranked(folder, task.county.code, name, record)


def raw_told(value: float) -> float | str | None:
    """Return a measure as JSON can say it: None if missing, a word if out of reach."""
    if math.isnan(value):
        return None
    return OUT_OF_REACH if math.isinf(value) else value


def project_name(project: Project) -> str:
    """Return by what name a project's files are known: a digest of all that it asks for."""
    asked = orjson.dumps(project.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).hexdigest()[:12]


def faults_told(error: GeoServiceError) -> dict[str, str]:
    """Return what is wrong, by language."""
    return {str(language): tell_error(error, Translator(language)) for language in Language}


def open_county(task: CountyTask) -> tuple[Plan, Rulebook]:
    """Open a county with the rules that it is held to: its own if it has some.

    Raises
    ------
    WorkspaceError
        The county cannot be used, is another one, or the worker is of another release.
    RulebookError
        The county's rulebook is broken, weaker than the province's, or cannot be judged so.
    """
    if task.release != __version__:
        msg = said("problem.other_release", worker=__version__, client=task.release)
        raise WorkspaceError(msg)
    county = task.county
    plan = open_plan(WorkspaceAt(Path(county.folder), county.store))
    if plan.settings.county_code != county.code:
        found, expected = (
            quoted(plan.settings.county_code),
            said("fault.county_code", code=county.code),
        )
        fault = Fault(file=SETTINGS_FILE, column="county_code", found=found, expected=expected)
        msg = said("fault.workspace_one", name=repr(Path(county.folder).name), count=1)
        raise WorkspaceError(msg, [fault])
    return plan, county_rules(task, plan.settings)


def county_rules(task: CountyTask, settings: PlanSettings) -> Rulebook:
    """Return the rules that a county is held to; raises RulebookError as `open_county`."""
    path = settings.rulebook_path
    if path is None:
        return default_rulebook() if task.rules is None else task.rules.rulebook
    rules = open_rulebook(path)
    if task.rules is not None:
        weaker = weaker_rules(rules, task.rules.rulebook, task.as_of, file=path.name)
        if weaker:
            raise RulebookError(said("fault.county_rulebook"), weaker)
    return rules


def entries_of(plan: Plan, rules: Rulebook) -> tuple[Waivers, Approvals]:
    """Return the waivers and approvals of a county."""
    return (
        open_waivers(plan.settings.waivers_path, rules, plan),
        open_approvals(plan.settings.approvals_path, rules, plan),
    )


def same_of(task: CountyTask, plan: Plan, rules: Rulebook) -> dict[str, Any]:
    """Return what a record says if its county is the same, by the same rules, on the same day."""
    waivers, approvals = entries_of(plan, rules)
    return {
        "format": FORMAT,
        "release": __version__,
        "review_id": review_id_of(
            plan, rules, task.as_of, parks=None, entries=waivers.version + approvals.version
        ),
    }


def record_of(folder: Path, code: str, same: Mapping[str, Any]) -> Record | None:
    """Return the record of a county that is whole and the same; None for any other."""
    record = whole_record(folder, code)
    if record is not None and all(record.get(name) == value for name, value in same.items()):
        return record
    return None


def reviewed(task: CountyTask, plan: Plan, rules: Rulebook) -> Review:
    """Review a county in one piece."""
    waivers, approvals = entries_of(plan, rules)
    result = review(plan, rules, as_of=task.as_of, waivers=waivers, approvals=approvals)
    plan.forget()
    return result


def finding_rows(result: Review) -> pa.Table:
    """Return the findings of a review as they stand in the file."""
    translator = Translator(Language.ZH_HANS, result.plan.settings.names_hant)
    return pa.table(dict(finding_columns(result.results, translator)), schema=_FINDINGS)


def write_review(task: CountyTask, result: Review, findings: pa.Table, folder: Path) -> Record:
    """Write a county's review and its findings' rows; return its record."""
    plan = result.plan
    tables = {
        "findings": parquet(findings),
        "parks": _content(_park_rows(result), _PARKS),
        "industries": _content(_industry_rows(plan), _INDUSTRIES),
        "boundary": _content(_boundary_rows(plan), _BOUNDARY),
    }
    head = {**same_of(task, plan, result.rulebook), **_head(task, result)}
    return write_county(folder, task.code, tables, head)


def _head(task: CountyTask, result: Review) -> dict[str, Any]:
    """Return what is said of a county in one line."""
    settings = result.plan.settings
    severity = {rule_id: result.rulebook.rules[rule_id].part.severity for rule_id in result.checks}
    return {
        "county_code": task.county.code,
        "name": dict(settings.name),
        "plan_version": result.plan.version,
        "rulebook_version": result.rulebook.version,
        "as_of": result.as_of.isoformat(),
        "data_date": None if settings.data_date is None else settings.data_date.isoformat(),
        "area_method": settings.area_method.value,
        "focus_basis": settings.focus_basis.value,
        "year": latest_year(result.plan),
        "verdicts": dict(result.verdicts),
        "parks": len(result.park_ids),
        "enterprises": len(active_enterprises(result.plan)),
        "findings": len(result.results),
        "waived": result.waived_count,
        "approved": result.approved_count,
        "illustrative": is_illustrative(result.plan),
        "sources": _sources(result.plan),
        "rules": {
            rule_id: {"severity": severity[rule_id].value, "checked": count.checked}
            for rule_id, count in result.checks.items()
        },
        "lapsed": [rule.rule_id for rule, _ in result.lapsed],
    }


def _sources(plan: Plan) -> list[str]:
    found: set[str] = set()
    for name in plan.layers:
        frame = plan.frame(name)
        if "source" in frame:
            found.update(map(str, frame["source"].dropna().unique()))
    return sorted(found)


def _park_rows(result: Review) -> dict[str, list[Any]]:
    frame = result.parks
    rows = {
        name: [plain(cell) for cell in frame[name]] for name in _PARKS.names if name != "geometry"
    }
    return {**rows, "geometry": shapely.to_wkb(frame.geometry.to_numpy()).tolist()}


def _industry_rows(plan: Plan) -> dict[str, list[Any]]:
    """Return the enterprises that count, summed by park and industry code, either of them None."""
    columns = ["park_id", "industry_code", *AMOUNTS.values()]
    counts: Counter[tuple[Any, Any]] = Counter()
    sums: dict[tuple[Any, Any], list[float]] = {}
    missing: dict[tuple[Any, Any], list[int]] = {}
    for row in active_enterprises(plan)[columns].itertuples(index=False):
        park_id, code, *amounts = (plain(cell) for cell in row)
        key = (park_id, code)
        counts[key] += 1
        total = sums.setdefault(key, [0.0] * len(amounts))
        lacking = missing.setdefault(key, [0] * len(amounts))
        for position, amount in enumerate(amounts):
            if amount is None:
                lacking[position] += 1
            else:
                total[position] += amount
    keys = sorted(counts, key=lambda key: (key[0] or "", key[1] or ""))
    rows: dict[str, list[Any]] = {
        "park_id": [park_id for park_id, _ in keys],
        "industry_code": [code for _, code in keys],
        "enterprises": [counts[key] for key in keys],
    }
    for position, column in enumerate(AMOUNTS.values()):
        rows[column] = [sums[key][position] for key in keys]
        rows[f"{column}_missing"] = [missing[key][position] for key in keys]
    return rows


def _boundary_rows(plan: Plan) -> dict[str, list[Any]]:
    """Return the county's polygon, no row if it has none."""
    frame = plan.frame("county")
    if not len(frame):
        return {"geometry": []}
    return {"geometry": [shapely.to_wkb(shapely.union_all(plan.geo("county").geometry.to_numpy()))]}


_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {
            "encoding": "WKB",
            "geometry_types": [],
            "crs": pyproj.CRS.from_user_input(STORAGE_CRS).to_json_dict(),
        }
    },
}
"""The metadata of GeoParquet."""


def _content(rows: Mapping[str, Any], schema: pa.Schema) -> bytes:
    """Return rows as a Parquet file, GeoParquet if they have geometry."""
    if "geometry" in schema.names:
        schema = schema.with_metadata({"geo": orjson.dumps(_GEO)})
    return parquet(pa.table(dict(rows), schema=schema))


def parquet(table: pa.Table) -> bytes:
    """Return a table as a Parquet file; the same rows are the same bytes."""
    stream = io.BytesIO()
    pq.write_table(table.combine_chunks(), stream, compression="zstd")
    return stream.getvalue()
