"""Scenarios of a county: made, edited, judged, compared, put on newer plans, published, undone.

`ScenarioDesk` answers for a running service and for the command line alike: what it stands on is
its ground (`scenario_ground`). Scenarios are in the store; who changes one may say which state of
it was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_service.access import acting_name
from geo_service.errors import ConflictError, StaleError
from geo_service.planning.belongings import Belongings
from geo_service.planning.made_once import MadeOnce
from geo_service.planning.scenario_edits import ScenarioPatch, by_account, patched, with_random_ids
from geo_service.planning.scenario_files import file_document
from geo_service.planning.scenario_ground import FolderGround, base_plan_of
from geo_service.planning.scenario_publishing import Published, publish_edits, undo_publication
from geo_service.planning.scenario_records import (
    ScenarioRecord,
    check_tag,
    create,
    drop_record,
    find_record,
    list_records,
    no_such_scenario,
    now,
    revise,
)
from geo_service.reports.document import dump
from geo_service.reports.scenario import (
    changes_document,
    conflict_document,
    edit_documents,
    outcome_document,
    side_by_side_document,
)
from geo_service.scenarios.causes import EditCause, find_causes
from geo_service.scenarios.compare import PLAN, Alternative, SideBySide, check_count
from geo_service.scenarios.differences import (
    CHANGING,
    FindingChange,
    count_kinds,
    find_changes,
)
from geo_service.scenarios.edits import edit_document
from geo_service.scenarios.reading import (
    edits_of,
    open_scenario,
    parse_scenario,
    scenario_of,
    scenario_schema,
)
from geo_service.scenarios.rebase import Rebased, Resolution, rebase, reviews_under
from geo_service.scenarios.scenario import Scenario, base_document, make_scenario
from geo_service.scenarios.touched import parks_touched
from geo_service.stores.base import SCENARIO
from geo_service.wording import said
from geo_service.workspace.opening import open_workspace
from geo_service.zoning.comparison import ChangeKind

if TYPE_CHECKING:
    import os

    from geo_service.language import Translator
    from geo_service.plan import Plan
    from geo_service.planning.scenario_ground import ScenarioGround
    from geo_service.reports.document import Document
    from geo_service.scenarios.judging import Judge
    from geo_service.zoning.review import Review

FILE_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What is taken for a scenario's file, and not for an id."""
TRIES = 5
"""How often a change is made anew when somebody else changed the scenario in between."""
CACHED = 32
"""How many scenarios are remembered as applied and judged."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A scenario applied to its base and judged, beside its base."""

    record: ScenarioRecord
    scenario: Scenario
    judge: Judge
    review: Review
    changes: tuple[FindingChange, ...]

    @property
    def base_plan(self) -> Plan:
        """The plan that the scenario begins with."""
        return self.judge.base.plan


class ScenarioDesk:
    """The scenarios of one county. Methods are safe to call from several threads."""

    def __init__(
        self,
        ground: ScenarioGround,
        *,
        remember: Callable[[Review, str | None], None] = lambda *_: None,
    ) -> None:
        self._ground = ground
        self._remember = remember
        self._belongings = Belongings(lambda: ground.opened.store)
        self._judged = MadeOnce[Judged](CACHED)
        self._causes = MadeOnce[dict[str, EditCause]](CACHED)

    @property
    def rules(self) -> Mapping[str, object]:
        """The rules by which scenarios are judged here, by id: on a part, not all of them."""
        return self._ground.rulebook().rules

    # ---- kept ---------------------------------------------------------------------------------

    def schema(self) -> Document:
        """Return the JSON Schema of a scenario's file."""
        return scenario_schema()

    def listed(self, *, limit: int = 100, offset: int = 0) -> tuple[list[Document], int]:
        """Return scenarios, the one that was changed last first, and how many there are."""
        opened, plan = self._ground.opened, self._ground.plan()
        if self._ground.only_parks is not None:
            own = [one for one in list_records(opened) if self._is_shown(one)]
            return [self._outline(one, plan) for one in own[offset : offset + limit]], len(own)
        hidden = self._belongings.hidden(SCENARIO)
        found = list_records(opened, limit=limit + offset + len(hidden))
        found = [one for one in found if one.scenario_id not in hidden][offset : offset + limit]
        count = opened.store.count_saved(SCENARIO)
        count -= len(opened.store.saved_among(SCENARIO, list(hidden)))
        return [self._outline(one, plan) for one in found], count

    def make(self, document: Mapping[str, Any], *, author: str = "") -> ScenarioRecord:
        """Keep a new scenario given as JSON values; ScenarioError says what is wrong with it."""
        told = scenario_of(document)
        return self._kept(replace(told, edits=by_account(told.edits)), author=author)

    def _kept(self, told: Scenario, *, author: str) -> ScenarioRecord:
        plan = self.base_plan_of(told)
        made = make_scenario(plan, told.edits, name=told.name, reason=told.reason)
        self._ground.keep_base(plan)
        record = create(
            self._ground.opened,
            made,
            author=acting_name() or author,
            parks=self._ground.only_parks,
        )
        self._belongings.claim(SCENARIO, record.scenario_id)
        return record

    def base_plan_of(self, told: Scenario) -> Plan:
        """Return the plan that a scenario's file begins with; ScenarioError if it is not here."""
        return base_plan_of(self._ground, told)

    def named(self, named: str) -> Scenario:
        """Return a scenario that can be applied: a kept one by its id, or one of a file."""
        if is_file(named):
            read = open_scenario(Path(named))
            plan = self.base_plan_of(read)
            return make_scenario(plan, read.edits, name=read.name, reason=read.reason)
        return self._ground.on_base(self.find(named).scenario)

    def shown(self, named: str, translator: Translator) -> Document:
        """Return a kept scenario, or one of a file, as a document."""
        if is_file(named):
            return file_document(self.named(named), translator)
        return self.document(self.find(named), translator)

    def take_in(self, text: str, file: str, *, author: str = "") -> ScenarioRecord:
        """Keep a scenario of a file's text; ScenarioError as `take_in_file`."""
        return self._kept(parse_scenario(text, file), author=author)

    def take_in_file(self, path: Path, *, author: str = "") -> ScenarioRecord:
        """Keep a scenario of a file; ScenarioError also where its base is another than here."""
        return self._kept(open_scenario(path), author=author)

    def find(self, scenario_id: str) -> ScenarioRecord:
        """Return a kept scenario; NotFoundError for an unknown id."""
        self._belongings.check_seen(SCENARIO, scenario_id, no_such_scenario)
        record = find_record(self._ground.opened, scenario_id)
        if not self._is_shown(record):
            raise no_such_scenario(scenario_id)
        return record

    def _is_shown(self, record: ScenarioRecord) -> bool:
        """Whether a scenario concerns nothing but what is seen here: on a part, one's own on it."""
        if self._ground.only_parks is None:
            return True
        owners = self._belongings.owners(SCENARIO, record.scenario_id)
        return record.parks == self._ground.only_parks and acting_name() in owners

    def _find_own(self, scenario_id: str) -> ScenarioRecord:
        """Return a kept scenario to be changed; ForeignError for one of another account."""
        record = self.find(scenario_id)
        self._belongings.check_own(SCENARIO, scenario_id)
        return record

    def document(self, record: ScenarioRecord, translator: Translator) -> Document:
        """Return a scenario with every edit, in words too, and what of it was published."""
        plan = self._ground.plan()
        scenario = record.scenario
        names = plan if scenario.base is None or not scenario.base.differing(plan) else None
        if names is None:
            names = self._ground.plan_of(scenario.base)
        return {
            **self._outline(record, plan),
            "edits": edit_documents(scenario.edits, names, translator),
            "published": [one.document() for one in record.published],
        }

    def _outline(self, record: ScenarioRecord, plan: Plan) -> Document:
        scenario = record.scenario
        base = scenario.base
        return {
            "scenario_id": record.scenario_id,
            "name": scenario.name,
            "reason": scenario.reason,
            "author": record.author,
            "made_at": record.made_at,
            "changed_at": record.changed_at,
            "base": None if base is None else base_document(base),
            "is_current": base is None or not base.differing(plan),
            "moved_layers": [] if base is None else base.differing(plan),
            "edits_count": len(scenario.edits),
            "enabled_count": len(scenario.enabled),
            "published_count": sum(one.undone_at is None for one in record.published),
            "etag": record.tag,
        }

    def export(self, scenario_id: str) -> bytes:
        """Return a scenario as one file that opens wherever its base is."""
        return dump(self.find(scenario_id).scenario.document(), indent=True)

    def drop(self, scenario_id: str, *, expected: str | None = None) -> None:
        """Drop a scenario; NotFoundError for an unknown id, StaleError if it has changed."""
        self._find_own(scenario_id)
        drop_record(self._ground.opened, scenario_id, expected=expected)
        self._belongings.dropped(SCENARIO, scenario_id)

    # ---- edited -------------------------------------------------------------------------------

    def patch(
        self, scenario_id: str, patch: ScenarioPatch, *, expected: str | None = None
    ) -> ScenarioRecord:
        """Change name, reason, and the order of edits, which count, and why.

        Raises ScenarioError where an edit could not be made then, NotFoundError for unknown
        edits, StaleError if the scenario has changed.
        """
        return self._change(scenario_id, lambda one: patched(one, patch), expected)

    def add(
        self,
        scenario_id: str,
        documents: Sequence[Mapping[str, Any]],
        *,
        at: int | None = None,
        expected: str | None = None,
    ) -> ScenarioRecord:
        """Add edits given as JSON values, at the end or before the one at a position."""
        given = by_account(edits_of([_without_told(one) for one in documents]))

        def change(scenario: Scenario) -> Scenario:
            taken = [edit.edit_id or "" for edit in scenario.edits]
            again = [one.edit_id for one in given if one.edit_id in taken]
            if again:
                raise ConflictError(said("problem.edit_there", edit=repr(again[0])))
            fresh = with_random_ids(given, taken)
            edits = list(scenario.edits)
            position = len(edits) if at is None else max(0, min(at, len(edits)))
            edits[position:position] = fresh
            return scenario.with_edits(edits)

        return self._change(scenario_id, change, expected)

    def drop_edit(
        self, scenario_id: str, edit_id: str, *, expected: str | None = None
    ) -> ScenarioRecord:
        """Take an edit out; ScenarioError where others build on it."""

        def change(scenario: Scenario) -> Scenario:
            scenario.position(edit_id)
            return scenario.without(edit_id)

        return self._change(scenario_id, change, expected)

    def _change(
        self, scenario_id: str, change: Callable[[Scenario], Scenario], expected: str | None
    ) -> ScenarioRecord:
        for _ in range(TRIES):
            record = self._find_own(scenario_id)
            check_tag(record, expected)
            changed = change(self._ground.on_base(record.scenario))
            try:
                return self._revised(replace(record, scenario=changed))
            except StaleError:
                if expected is not None:
                    raise
        raise StaleError(said("problem.stale", name=repr(scenario_id)))

    def _revised(self, record: ScenarioRecord) -> ScenarioRecord:
        return revise(self._ground.opened, replace(record, parks=self._ground.only_parks))

    # ---- judged -------------------------------------------------------------------------------

    def plan(self, scenario_id: str) -> Plan:
        """Return a scenario's plan, without judging it."""
        record = self.find(scenario_id)
        known = [one for one in self._judged.kept() if one.record == record]
        return (known[0].scenario if known else self._ground.on_base(record.scenario)).plan

    def names_of(self, review_id: str, scenario_id: str | None = None) -> tuple[str, ...]:
        """Return the newest names of the scenarios that a review is of, as far as they were judged.

        Given a scenario's id, of that one. Those that the account which asks must not see are
        left out.
        """
        judged = [one.record for one in self._judged.kept() if one.review.review_id == review_id]
        if not judged:
            return ()
        judged.sort(key=lambda record: record.changed_at)
        names = {one.scenario_id: one.scenario.name for one in judged if self._is_shown(one)}
        hidden = self._belongings.hidden(SCENARIO)
        wanted = names.keys() - hidden if scenario_id is None else names.keys() & {scenario_id}
        return tuple(sorted({names[one] for one in wanted}))

    def judged(self, scenario_id: str) -> Judged:
        """Return a scenario applied to its base and judged."""
        return self.judged_record(self.find(scenario_id))

    def judged_record(self, record: ScenarioRecord) -> Judged:
        """Return a record's scenario applied to its base and judged."""
        return self._judge(record, self._ground.on_base(record.scenario))

    def _judge(self, record: ScenarioRecord, scenario: Scenario) -> Judged:
        assert scenario.base_plan is not None  # noqa: S101 - whoever calls has given it
        judge = self._ground.judge_of(scenario.base_plan)
        key = (record.scenario_id, record.tag, judge.base.review_id)

        def make() -> Judged:
            made = judge.review(scenario.plan)
            return Judged(
                record=record,
                scenario=scenario,
                judge=judge,
                review=made,
                changes=find_changes(judge.base, made),
            )

        known = self._judged.of(key, make)
        self._remember(known.review, record.scenario_id)
        self._remember(judge.base, None)
        return known

    def _judged_by_name(self, named: str) -> Judged:
        """Return a scenario, kept or of a file, applied to its base and judged."""
        if not is_file(named):
            return self.judged(named)
        scenario = self.named(named)
        moment = now()
        record = ScenarioRecord(
            scenario_id=named, scenario=scenario, author="", made_at=moment, changed_at=moment
        )
        return self._judge(record, scenario)

    def told(self, named: str, translator: Translator, *, has_causes: bool = True) -> Document:
        """Return what a scenario, kept or of a file, does to findings, with its verdicts."""
        found = self._judged_by_name(named)
        causes = self.causes(found) if has_causes else {}
        listed = [change for change in found.changes if change.kind in CHANGING]
        told = changes_document(listed, causes, translator)
        return {
            "scenario_id": named,
            "name": found.scenario.name,
            "review_id": found.review.review_id,
            "plan_version": found.review.plan.version,
            "verdicts": dict(found.review.verdicts),
            "base_verdicts": dict(found.judge.base.verdicts),
            **told,
            "counts": count_kinds(found.changes),
        }

    def outcome(self, scenario_id: str, translator: Translator) -> Document:
        """Return how a scenario's plan is judged beside its base: verdicts, focus, room."""
        found = self.judged(scenario_id)
        parks = parks_touched(found.scenario)
        told = outcome_document(found.judge.base, found.review, translator, parks)
        return {"scenario_id": scenario_id, **told}

    def changes(
        self,
        scenario_id: str,
        translator: Translator,
        *,
        kinds: Sequence[str] | None = None,
        has_causes: bool = True,
        slice_: tuple[int | None, int] = (None, 0),
    ) -> Document:
        """Return what becomes of findings, of some kinds, with the edits that bring it about."""
        found = self.judged(scenario_id)
        wanted = CHANGING if kinds is None else tuple(ChangeKind(kind) for kind in kinds)
        causes = self.causes(found) if has_causes else {}
        limit, offset = slice_
        listed = [change for change in found.changes if change.kind in wanted]
        told = changes_document(listed, causes, translator, limit=limit, offset=offset)
        return {
            "scenario_id": scenario_id,
            "plan_version": found.review.plan.version,
            "review_id": found.review.review_id,
            "base_review_id": found.judge.base.review_id,
            **told,
            "counts": count_kinds(found.changes),
        }

    def let_go(self) -> None:
        """Hold no plan and no review any more; they are made again when they are asked for."""
        self._ground.let_go()
        self._judged.clear()
        self._causes.clear()

    def causes(self, found: Judged) -> dict[str, EditCause]:
        """Return by finding id which edits bring its change about."""
        key = (found.record.scenario_id, found.record.tag, found.judge.base.review_id)
        return self._causes.of(key, lambda: find_causes(found.scenario, found.judge, found.changes))

    def compared(self, ids: Sequence[str]) -> SideBySide:
        """Return scenarios, and the plan where `plan` is among the ids, side by side."""
        check_count(len([one for one in ids if one != PLAN]))
        found = []
        for identity in dict.fromkeys(ids):
            if identity == PLAN:
                base = self._ground.judge_of(self._ground.plan()).base
                self._remember(base, None)
                found.append(Alternative(key=PLAN, name=PLAN, review=base, base=base))
                continue
            one = self.judged(identity)
            found.append(_alternative(identity, one))
        return SideBySide(alternatives=tuple(found))

    def compared_by_name(self, names: Sequence[str], *, has_plan: bool = True) -> SideBySide:
        """Return scenarios, kept or of files, side by side; beside the plan too, unless not."""
        check_count(len(names))
        found = []
        if has_plan:
            base = self._ground.judge_of(self._ground.plan()).base
            found.append(Alternative(key=PLAN, name=PLAN, review=base, base=base))
        found += [_alternative(name, self._judged_by_name(name)) for name in dict.fromkeys(names)]
        return SideBySide(alternatives=tuple(found))

    def comparison(self, ids: Sequence[str], translator: Translator) -> Document:
        """Return `compared` as a document."""
        return side_by_side_document(self.compared(ids), translator)

    # ---- the plan moves on --------------------------------------------------------------------

    def rebase(
        self,
        scenario_id: str,
        *,
        choices: Mapping[str, str] | None = None,
        expected: str | None = None,
    ) -> tuple[ScenarioRecord, Rebased]:
        """Put a scenario on the plan of now; what came of it is kept unless conflicts are open.

        ScenarioError where `ours` was chosen for an edit that cannot be made.
        """
        record = self._find_own(scenario_id)
        check_tag(record, expected)
        told = {name: Resolution(side) for name, side in (choices or {}).items()}
        for edit_id in told:
            record.scenario.position(edit_id)
        plan = self._ground.plan()
        done = rebase(self._ground.on_base(record.scenario), plan, choices=told)
        if done.scenario is None:
            return record, done
        self._ground.keep_base(plan)
        return self._revised(replace(record, scenario=done.scenario)), done

    def conflicts(self, done: Rebased, translator: Translator) -> list[Document]:
        """Return open conflicts with the verdicts under each choice."""
        judge = self._ground.judge_of(done.plan)
        return [
            conflict_document(one, reviews_under(done, one, judge), done.plan, translator)
            for one in done.conflicts
        ]

    def publish(
        self,
        scenario_id: str,
        *,
        edit_ids: Sequence[str] | None = None,
        plan_version: str | None = None,
        author: str = "",
        expected: str | None = None,
    ) -> Published:
        """Publish some or all edits; as `scenario_publishing.publish_edits`."""
        self._ground.before_publishing()
        record = self.find(scenario_id)
        check_tag(record, expected)
        done = publish_edits(
            self._ground.opened,
            record,
            self._ground.plan(),
            edit_ids=edit_ids,
            plan_version=plan_version,
            author=acting_name() or author,
        )
        self._ground.published()
        return done

    def undo(
        self,
        scenario_id: str,
        *,
        publication_id: str | None = None,
        plan_version: str | None = None,
        expected: str | None = None,
    ) -> Published:
        """Undo a publication; as `scenario_publishing.undo_publication`."""
        self._ground.before_publishing()
        record = self.find(scenario_id)
        check_tag(record, expected)
        done = undo_publication(
            self._ground.opened,
            record,
            self._ground.plan(),
            publication_id=publication_id,
            plan_version=plan_version,
        )
        self._ground.published()
        return done


def _without_told(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an edit without what `document` says of it besides: it may come back as it went."""
    return {name: value for name, value in document.items() if name not in {"text", "subject"}}


def _alternative(key: str, one: Judged) -> Alternative:
    return Alternative(
        key=key,
        name=one.scenario.name,
        review=one.review,
        base=one.judge.base,
        scenario=one.scenario,
    )


def is_file(named: str) -> bool:
    """Return whether a scenario is named by a file, and not by an id."""
    path = Path(named)
    return path.suffix.lower() in FILE_SUFFIXES or path.is_file()


def edits_in_file(path: Path) -> list[dict[str, Any]]:
    """Return the edits of a scenario's file as JSON values, without ids; ScenarioError as usual."""
    edits = open_scenario(path).edits
    return [
        {name: value for name, value in edit_document(edit).items() if value is not None}
        for edit in edits
    ]


@contextmanager
def open_desk(workspace: str | os.PathLike[str]) -> Iterator[ScenarioDesk]:
    """Give the scenarios of a workspace's folder; its store is closed at the end."""
    with open_workspace(workspace) as opened:
        yield ScenarioDesk(FolderGround(opened))


def scenario_of_workspace(workspace: str | os.PathLike[str], named: str) -> Scenario:
    """Return a scenario that can be applied: one that is kept, by its id, or one of a file.

    Raises NotFoundError for an unknown id, ScenarioError where a file cannot be used, or begins
    with other data than there are here.
    """
    with open_workspace(workspace) as opened:
        ground = FolderGround(opened)
        return ScenarioDesk(ground).named(named)


__all__ = [
    "Judged",
    "Published",
    "ScenarioDesk",
    "ScenarioPatch",
    "ScenarioRecord",
    "edits_in_file",
    "open_desk",
    "scenario_of_workspace",
    "scenario_schema",
]
