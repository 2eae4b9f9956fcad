"""Whether a signed review still comes out the same: made again from what was recorded of it.

The plan's layers are read from the store at the versions that were signed; rulebook, register of
documents, waivers, approvals and settings are those of the record. What differs is named. Of a file
(JSON, XLSX, DOCX) it is told, too, whether it is of what was signed.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.table import Table

import geo_service
from geo_service.errors import (
    GeoServiceError,
    InvalidQueryError,
    NotFoundError,
    RulebookError,
    StoreError,
    WorkspaceError,
)
from geo_service.language import Language
from geo_service.planning.acts import ActHistory, ActState, record_of
from geo_service.planning.printable import Printable
from geo_service.planning.results import load_document
from geo_service.planning.review_records import WHOLE
from geo_service.reports.digest import Found
from geo_service.reports.terminal import one_line, print_table
from geo_service.stores.base import REVIEW
from geo_service.stores.ledger import Topic
from geo_service.wording import said
from geo_service.workspace.opening import Workspace, open_workspace
from geo_service.zoning.approvals import Approval, Approvals
from geo_service.zoning.laws import register_of
from geo_service.zoning.review import review
from geo_service.zoning.rulebook import parse_rulebook
from geo_service.zoning.waivers import Waiver, Waivers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from geo_service.language import Translator
    from geo_service.model import Message
    from geo_service.plan import Plan
    from geo_service.reports.document import Document
    from geo_service.stores.base import Store
    from geo_service.zoning.rulebook import Rulebook

SHOWN_FINDINGS = 10
"""How many differing findings are named."""
_MOST_BYTES = 600_000_000
_REVIEW_ID = re.compile(r"r-[0-9a-f]{12}")
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_WIDTH = 400


@dataclass
class Verification:
    """What was found of a signed review; it is the same if nothing differs."""

    review_id: str
    steps: list[Document]
    record: Mapping[str, Any]
    differences: list[tuple[str, Message]] = field(default_factory=list)
    """Where it differs (`ledger`, `saved`, `file`, `layer`, `settings`, `dem`, `rulebook`,
    `findings`), and how."""
    notes: list[Message] = field(default_factory=list)
    """What a reader has to know besides."""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def differs(self, where: str, key: str, **values: object) -> None:
        """Note that something differs."""
        self.differences.append((where, said(f"verify.{key}", **values)))

    def document(self, translator: Translator) -> Document:
        """Return what was found as JSON values."""
        return {
            "review_id": self.review_id,
            "same": self.is_same,
            "steps": self.steps,
            "findings_digest": self.record["findings_digest"],
            "software": {"signed": self.record["software"], "now": geo_service.__version__},
            "differences": [
                {"where": where, "text": translator.render(text)}
                for where, text in self.differences
            ],
            "notes": [translator.render(note) for note in self.notes],
        }

    def printable(self, translator: Translator) -> Printable:
        """Return what was found, for a terminal."""
        return Printable(lambda: self.document(translator), self._table)

    def _table(self, translator: Translator, width: int | None) -> str:
        table = Table(title=translator.text("verify.title", review=self.review_id))
        for name in ("step", "account", "at"):
            table.add_column(translator.text(f"verify.{name}"))
        for step in self.steps:
            words = translator.text(f"act_step.{step['step']}")
            table.add_row(words, one_line(step["account"], _WIDTH), step["at"])
        outcome = "verify.same" if self.is_same else "verify.other"
        lines = [
            translator.text(outcome, digest=self.record["findings_digest"]),
            *(f"- {translator.render(text)}" for _, text in self.differences),
            *(translator.render(note) for note in self.notes),
        ]
        return print_table(table, lines, width)


def verify_review(workspace: str | os.PathLike[str], subject: str) -> Verification:
    """Make a signed review again and return what differs; `subject` is its id or a file of it.

    Raises
    ------
    NotFoundError
        There is no such review, or nobody has signed it.
    InvalidQueryError
        The file cannot be read, or names no review.
    WorkspaceError, StoreError
        The workspace or its store cannot be used.
    """
    path = None if _REVIEW_ID.fullmatch(subject) else Path(subject)
    told = _ToldByFile(subject) if path is None else _read_file(path)
    with open_workspace(workspace) as opened:
        ledger = opened.store.ledger
        history = ActHistory(ledger.about(Topic.REVIEW, told.review_id))
        record = record_of(opened.store, told.review_id)
        if history.state is not ActState.SIGNED or record is None:
            raise NotFoundError(said("verify.not_signed", review=repr(told.review_id)))
        found = Verification(told.review_id, history.steps(), record)
        for fault in ledger.verify():
            found.differs("ledger", f"ledger_{fault.kind}", number=fault.number)
        _check_file(found, told)
        before = _saved_findings(opened.store, opened, found)
        _make_again(opened, found, before)
        return found


# ---- the file ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _ToldByFile:
    """What a file says that was given instead of an id."""

    review_id: str
    found: Found | None = None
    """All that it found, of a JSON."""
    digests: frozenset[str] | None = None
    """What is printed in a workbook or a text; None for other files."""


def _read_file(path: Path) -> _ToldByFile:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _unreadable(path)
        if zipfile.is_zipfile(path):
            return _read_archive(path)
        whole = orjson.loads(path.read_bytes())
        return _ToldByFile(_name_in(str(whole["review_id"]), path), Found.of_document(whole))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile):
        raise _unreadable(path) from None


def _read_archive(path: Path) -> _ToldByFile:
    """Return what is printed in a workbook or a text, whose rows are not compared."""
    names: dict[str, int] = {}
    digests: set[str] = set()
    for text in _texts(path):
        for name in _REVIEW_ID.findall(text):
            names[name] = names.get(name, 0) + 1
        digests |= set(_DIGEST.findall(text))
    if not names:
        raise _unreadable(path)
    return _ToldByFile(max(names, key=lambda name: names[name]), digests=frozenset(digests))


def _texts(path: Path) -> Iterator[str]:
    room = _MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if item.filename.endswith(".xml") and item.filename.startswith(("xl/", "word/")):
                room -= item.file_size
                if room < 0:
                    raise _unreadable(path)
                yield archive.read(item).decode("utf-8", "replace")


def _name_in(text: str, path: Path) -> str:
    if not _REVIEW_ID.fullmatch(text):
        raise _unreadable(path)
    return text


def _unreadable(path: Path) -> InvalidQueryError:
    parameter = "subject"
    return InvalidQueryError(parameter, said("verify.no_review", path=repr(path.name)))


def _check_file(found: Verification, told: _ToldByFile) -> None:
    signed = found.record["findings_digest"]
    if told.found is not None and told.found.digest != signed:
        found.differs("file", "file_findings", digest=told.found.digest)
    if told.digests is not None:
        if signed in told.digests:
            found.notes.append(said("verify.file_printed"))
        else:
            found.differs("file", "file_digest")


# ---- the store -----------------------------------------------------------------------------------


def _saved_findings(store: Store, opened: Workspace, found: Verification) -> Found | None:
    """Return what was saved with the review, if it is still what was signed."""
    try:
        saved = store.find(REVIEW, found.review_id)
        name = f"{WHOLE}.{Language.ZH_HANS}"
        whole = load_document(opened, REVIEW, found.review_id, name)
    except (NotFoundError, StoreError) as error:
        found.differs("saved", "saved_gone", reason=error.message)
        return None
    kept = Found.of_document(whole)
    if kept.digest != found.record["findings_digest"]:
        found.differs("saved", "saved_findings")
        return None
    if dict(saved.layer_versions) != found.record["layers"]:
        found.differs("saved", "saved_layers")
    return kept


def _make_again(opened: Workspace, found: Verification, before: Found | None) -> None:
    plan, rules = _plan(opened, found), _rulebook(found)
    if plan is None or rules is None:
        return
    recipe = found.record["recipe"]
    try:
        made = review(
            plan,
            rules,
            parks=_parks(plan, recipe["parks"]),
            as_of=date.fromisoformat(recipe["as_of"]),
            waivers=Waivers(_entries(Waiver, recipe["waivers"]), tuple(recipe["stale_waivers"])),
            approvals=Approvals(
                _entries(Approval, recipe["approvals"]), tuple(recipe["stale_approvals"])
            ),
        )
    except (GeoServiceError, ValueError) as error:
        found.differs("findings", "not_made", reason=type(error).__name__)
        return
    again = Found.of(made)
    if again.digest != found.record["findings_digest"]:
        _tell_findings(found, before, again)


def _parks(plan: Plan, parks: list[str]) -> list[str] | None:
    return None if parks == plan.frame("parks")["park_id"].tolist() else parks


def _entries(model: Any, items: list[Any]) -> tuple[Any, ...]:  # noqa: ANN401 - a model of entries
    return tuple(model.model_validate(item) for item in items)


def _plan(opened: Workspace, found: Verification) -> Plan | None:
    """Return the plan that was signed; None, and what is gone, if there is no such any more."""
    record = found.record
    is_whole = True
    for layer, version in record["layers"].items():
        try:
            opened.plan_rows(layer, version)
        except (NotFoundError, StoreError) as error:
            found.differs("layer", "layer", layer=repr(layer), reason=error.message)
            is_whole = False
    try:
        settings = opened.settings_of(record["settings"])
    except WorkspaceError:
        found.differs("settings", "settings")
        return None
    if not is_whole:
        return None
    plan = opened.plan_at(record["layers"], settings)
    dem = None if plan.dem is None else plan.dem.version
    if dem != record["dem"]:
        found.differs("dem", "dem")
    elif plan.version != record["plan_version"]:
        _tell_version(found, "settings", "plan_version")
    return plan


def _rulebook(found: Verification) -> Rulebook | None:
    record = found.record
    try:
        written = {**record["recipe"]["rulebook"], "documents": {}}
        base = register_of(record["register"])
        rules = parse_rulebook(orjson.dumps(written).decode(), "rulebook", base=base)
    except RulebookError:
        found.differs("rulebook", "rulebook")
        return None
    if rules.version != record["rulebook_version"]:
        _tell_version(found, "rulebook", "rulebook_version")
    return rules


def _tell_version(found: Verification, where: str, key: str) -> None:
    """Tell that a version is another: of one release a difference, of two a matter of form."""
    if found.record["software"] == geo_service.__version__:
        found.differs(where, key)
    else:
        found.notes.append(said(f"verify.{key}"))


def _tell_findings(found: Verification, before: Found | None, again: Found) -> None:
    made_by, now = found.record["software"], geo_service.__version__
    if made_by != now:
        found.differs("program", "program", made_by=made_by, now=now)
    found.differs("findings", "digest", digest=again.digest)
    if before is None:
        return
    for text in [*_differing(before, again)][:SHOWN_FINDINGS]:
        found.differences.append(("findings", text))


def _differing(before: Found, again: Found) -> Iterator[Message]:
    for name in sorted({*before.findings, *again.findings}):
        old, new = before.findings.get(name), again.findings.get(name)
        if old == new:
            continue
        told = old or new or {}
        about = {
            "finding": name,
            "rule": told["rule_id"],
            "subject": f"{told['subject']['layer']}/{told['subject']['id']}",
        }
        if old is None or new is None:
            yield said("verify.finding_new" if old is None else "verify.finding_gone", **about)
            continue
        fields = sorted(key for key in old if old[key] != new[key])
        yield said("verify.finding_changed", fields=fields, **about)
    for park_id in sorted({*before.verdicts, *again.verdicts}):
        was, now = before.verdicts.get(park_id), again.verdicts.get(park_id)
        if was != now:
            yield said("verify.park", park=park_id, before=str(was), after=str(now))
    for rule_id in sorted({*before.checks, *again.checks}):
        if before.checks.get(rule_id) != again.checks.get(rule_id):
            yield said("verify.counts", rule=rule_id)
