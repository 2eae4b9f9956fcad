"""Where a project fits in a province: each county's best, then one list over all of them.

A county ranks its own sites as `rank` does and answers with the raw measures of its best ones.
These are normalised and weighed together, so that a score compares sites of all counties; it
differs from that of a county's own ranking. Leaves out everything but the best of each county.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from geo_service.language import Translator
from geo_service.province.county import CountyAnswer, CountyTask, project_name, rank_county
from geo_service.province.engine import engine
from geo_service.province.folder import write_list, writing_alone
from geo_service.province.review import EngineChoice, ended, say_engine
from geo_service.province.settings import open_province
from geo_service.reports.document import dump, name_in, plain
from geo_service.reports.terminal import print_table
from geo_service.suitability.choice import choose_criteria
from geo_service.suitability.project import Project, open_project
from geo_service.suitability.scoring import Scored, score_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from geo_service.model import Message
    from geo_service.province.folder import Record
    from geo_service.zoning.review import Progress

DEFAULT_FOLDER = "province-ranking"
"""The folder of results beside `PROVINCE.toml`, unless another one is given."""


@dataclass(frozen=True, kw_only=True)
class ProvinceRanking:
    """One list of the best sites of all counties."""

    name: Mapping[str, str]
    project: Project
    as_of: date
    records: Mapping[str, Record]
    faults: Mapping[str, Mapping[str, str]]
    scored: Scored | None
    """None if no county has a site."""
    folder: Path | None = None
    """Where what each county said is kept."""

    def document(self, translator: Translator) -> Record:
        """Return the list, best first, with every criterion of every site."""
        scored = self.scored
        head = ("county_code", "name", "plan_version", "rulebook_version", "focus_basis")
        return {
            "name": dict(self.name),
            "project": self.project.name,
            "as_of": self.as_of.isoformat(),
            "method": self.project.method,
            "normalisation": None if scored is None else scored.normalisation_name,
            "weights": {}
            if scored is None
            else {str(name): plain(float(weight)) for name, weight in scored.weights.items()},
            "notes": [] if scored is None else [translator.render(note) for note in scored.notes],
            "counties": [
                {key: item[key] for key in (*head, "candidates", "excluded")}
                for item in self.records.values()
            ],
            "faulty": {code: dict(told) for code, told in self.faults.items()},
            "candidates": [] if scored is None else self._candidates(scored),
        }

    def _candidates(self, scored: Scored) -> list[Record]:
        sites = dict(_sites(self.records))
        order = np.lexsort((scored.result.index.to_numpy().astype(str), scored.result["rank"]))
        units = {item.name: item.criterion.unit for item in scored.chosen}
        rows = []
        for position in order.tolist():
            key = str(scored.result.index[position])
            code, place, site = sites[key]
            rows.append(
                {
                    "rank": int(scored.result["rank"].iloc[position]),
                    "score": plain(float(scored.result["score"].iloc[position])),
                    "county_code": code,
                    "rank_in_county": place,
                    **{name: value for name, value in site.items() if name != "raw"},
                    "criteria": {
                        name: {
                            "raw": plain(site["raw"].get(name)),
                            "unit": units[name],
                            "normalised": plain(float(scored.normalised[name].iloc[position])),
                            "weight": plain(float(scored.weights[name])),
                            "contribution": plain(float(scored.contributions[name].iloc[position])),
                        }
                        for name in units
                    },
                }
            )
        return rows

    def json(self, translator: Translator) -> bytes:
        """Return the list as JSON."""
        return dump(self.document(translator), indent=True)

    def text(self, translator: Translator, *, width: int | None) -> bytes:
        """Return the list as a table."""
        document = self.document(translator)
        title = translator.text("province.ranked", project=self.project.name)
        table = Table(title=Text(title), title_justify="left")
        keys = ("rank", "score", "county_code", "county", "candidate_id", "park_id")
        for key in keys:
            table.add_column(translator.text(f"province_head.{key}"))
        for item in document["candidates"]:
            county = name_in(self.records[item["county_code"]]["name"], translator)
            row = {**item, "county": county, "score": f"{item['score']:.3f}"}
            table.add_row(*(Text("—" if row[key] is None else str(row[key])) for key in keys))
        lines = [translator.text("province.ranked_over", counties=len(self.records))]
        if any(item["illustrative"] for item in document["candidates"]):
            lines.append(translator.text("table.illustrative"))
        return print_table(table, [*lines, *document["notes"]], width).encode()


def rank_province(  # noqa: PLR0913 - as `review_province`
    project_path: Path,
    path: Path,
    folder: Path | None = None,
    *,
    runs_at: EngineChoice,
    most: int,
    as_of: date | None = None,
    is_resumed: bool = False,
    tell: tuple[Progress, Callable[[Message], None]],
) -> ProvinceRanking:
    """Rank a project's sites over all counties: the best `most` of each, then one list.

    Each county's answer is written into `folder` (`province-ranking` beside the file if None) when
    it is known; a run that is resumed asks only counties whose plan, rules, project or day differ.

    Raises
    ------
    ProjectError, WorkspaceError
        The project or the province's file cannot be used.
    ConflictError
        Another run writes into the folder.
    StoreError
        The folder cannot be written, or the scheduler is gone: what was answered stays, and a
        resumed run goes on from it.
    """
    project, province = open_project(project_path), open_province(path)
    where = (folder or province.folder / DEFAULT_FOLDER).resolve()
    day = as_of or date.today()  # noqa: DTZ011 - the county's calendar day
    progress, say = tell
    total = len(province.counties)
    tasks = deque(
        CountyTask(county=county, rules=province.rules, as_of=day) for county in province.counties
    )
    answers: dict[str, CountyAnswer] = {}
    given = {"project": project, "most": most, "folder": str(where), "is_resumed": is_resumed}
    with writing_alone(where), engine(runs_at.scheduler, workers=runs_at.workers) as running:
        say_engine(running, say)
        progress(0, total, "")
        for done in running.run(rank_county, tasks, **given):
            code = done.task.county.code
            answers[code] = done.answer or CountyAnswer(faults=ended(done))
            progress(len(answers), total, code)
        ranking = replace(ranked_together(province.name, project, day, answers), folder=where)
        write_list(where, project_name(project), ranking.json(Translator()))
        return ranking


def ranked_together(
    name: Mapping[str, str], project: Project, day: date, answers: Mapping[str, CountyAnswer]
) -> ProvinceRanking:
    """Normalise, weigh and order the counties' best sites together."""
    items = sorted(answers.items())
    records = {code: answer.record for code, answer in items if answer.record is not None}
    chosen = choose_criteria(project)
    raw = pd.DataFrame(
        {
            key: {name: measured(cell) for name, cell in site["raw"].items()}
            for key, (_, _, site) in _sites(records)
        },
        dtype=float,
    ).T.reindex(columns=[item.name for item in chosen])
    scored = None
    if len(raw):
        scored = score_table(
            raw,
            chosen,
            method=project.method,
            normalisation=project.normalisation,
            weights=project.weights,
        )
    return ProvinceRanking(
        name=name,
        project=project,
        as_of=day,
        records=records,
        faults={code: answer.faults for code, answer in items if answer.faults is not None},
        scored=scored,
    )


def _sites(records: Mapping[str, Record]) -> list[tuple[str, tuple[str, int, dict[str, Any]]]]:
    """Return the counties' best sites by an id of their own: county, place there, site."""
    return [
        (f"{code}/{site['candidate_id']}", (code, place, site))
        for code, record in records.items()
        for place, site in enumerate(record["best"], start=1)
    ]


def measured(cell: float | str | None) -> float:
    """Return a county's measure as a number: NaN if missing, infinite if out of reach."""
    if isinstance(cell, str):
        return math.inf
    return math.nan if cell is None else cell
