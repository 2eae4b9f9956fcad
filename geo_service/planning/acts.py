"""Reviews as official acts: submitted by their author, then signed by somebody else or returned.

`submitted` follows `draft`, and `signed` or `draft` again follow `submitted`. What was submitted is
recorded whole: versions, rulebook, register of documents, settings, and the digest of what was
found. From then on nothing drops the review and the versions that it was made from. Whether a
signed review still comes out the same is `verification`'s question.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from geo_service.access import Action, acting
from geo_service.errors import ConflictError, ForeignError, NotFoundError
from geo_service.language import Language
from geo_service.planning.results import load_document, record_plan
from geo_service.planning.review_records import WHOLE
from geo_service.planning.state import ServiceState, Standing
from geo_service.reports.digest import Found
from geo_service.reports.document import iso_day, name_in
from geo_service.stores.base import REVIEW
from geo_service.stores.ledger import Topic
from geo_service.stores.opening import is_empty
from geo_service.wording import said
from geo_service.workspace.opening import open_workspace
from geo_service.zoning.laws import register_recipe

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from geo_service.access import Acting
    from geo_service.language import Translator
    from geo_service.reports.document import Document
    from geo_service.stores.base import Saved, Store
    from geo_service.stores.ledger import LedgerLine
    from geo_service.zoning.review import Review

_SHOWN = 80
READ_FINDINGS = 20_000
"""Findings above which the digest is of the review at hand, not of its saved document."""
_TOLD = (
    *("plan_version", "rulebook_version", "as_of", "software", "layers", "documents"),
    *("waivers_version", "approvals_version", "findings_count", "findings_digest"),
)
"""What an act's document tells of what was recorded."""


class ActState(StrEnum):
    """What a review is at."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SIGNED = "signed"


class ActStep(StrEnum):
    """What somebody did with a review."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    SIGNED = "signed"


@dataclass(frozen=True)
class ActHistory:
    """What was done with a review, in order."""

    lines: Sequence[LedgerLine]

    @property
    def last(self) -> LedgerLine | None:
        """The last thing that was done; None for a review that nobody has submitted."""
        return self.lines[-1] if self.lines else None

    @property
    def after(self) -> int:
        """The number of the last line, which the next one follows."""
        return self.last.number if self.last else 0

    @property
    def state(self) -> ActState:
        """What the review is at."""
        step = self.last.content["step"] if self.last else ActStep.RETURNED
        return ActState.DRAFT if step == ActStep.RETURNED else ActState(step)

    @property
    def author(self) -> str | None:
        """The account that has submitted it; None for a draft."""
        is_open = self.state is not ActState.DRAFT
        lines = [line for line in self.lines if line.content["step"] == ActStep.SUBMITTED]
        return lines[-1].account if is_open else None

    def steps(self) -> list[Document]:
        """Return what was done, as JSON values."""
        return [
            {
                "step": line.content["step"],
                "at": line.at,
                "account": line.account,
                "note": line.content["note"],
            }
            for line in self.lines
        ]


def record_of(store: Store, review_id: str) -> Document | None:
    """Return what was recorded of a review when it was last submitted; None if it never was."""
    lines = store.ledger.about(Topic.RECORD, review_id)
    return dict(lines[-1].content) if lines else None


class ActDesk:
    """The acts of one running county. Methods are safe to call from several threads."""

    def __init__(
        self,
        state: ServiceState,
        *,
        find: Callable[[str], Review],
        save: Callable[[Review], object],
        is_trial: Callable[[str], bool],
    ) -> None:
        self._state = state
        self._find = find
        self._save = save
        self._is_trial = is_trial

    # ---- what is done ------------------------------------------------------------------------

    def submit(self, review_id: str, note: str = "") -> None:
        """Submit a review for signature, with all that it was made from.

        NotFoundError for an unknown review, and for one that would not come out the same;
        ForeignError without accounts, and for who has not made it; ConflictError if it is no
        draft, a trial, or no longer the review of the plan and the rules that count.
        """
        who = self._who()
        result = self._find(review_id)
        history = self._history(review_id)
        if history.state is not ActState.DRAFT:
            raise _wrong_state(review_id, history.state)
        owners = self._state.belongings.owners(REVIEW, review_id)
        if owners and who.account not in owners:
            raise ForeignError(said("act.not_author", name=repr(review_id[:_SHOWN])))
        if self._is_trial(review_id):
            raise ConflictError(said("act.trial", name=repr(review_id[:_SHOWN])))
        self._check_current(result)
        self._save(result)
        opened = self._state.workspace
        record_plan(opened, result.plan)
        record = self._record(result)
        for layer, version in record["layers"].items():
            try:
                opened.store.entry(layer, version)
            except NotFoundError as error:
                raise self._replaced(review_id) from error
        opened.store.ledger.add_act(
            review_id,
            who.account,
            {"step": ActStep.SUBMITTED, "note": note},
            after=history.after,
            is_held=True,
            record=record,
            against=record["layers"],
        )

    def give_back(self, review_id: str, reason: str) -> None:
        """Return a submitted review with reasons: it is a draft again.

        ForeignError without accounts and for its author; ConflictError if it is not submitted.
        """
        self._judge(review_id, ActStep.RETURNED, reason, is_held=False)

    def sign(self, review_id: str, note: str = "") -> None:
        """Sign a submitted review; from then on nothing changes or drops it.

        ForeignError without accounts and for its author; ConflictError if it is not submitted.
        """
        self._judge(review_id, ActStep.SIGNED, note, is_held=True)

    def _judge(self, review_id: str, step: ActStep, note: str, *, is_held: bool) -> None:
        who = self._who()
        history = self._history(review_id)
        if not history.lines:
            self._find(review_id)  # an unknown one is told as such
        if history.state is not ActState.SUBMITTED:
            raise _wrong_state(review_id, history.state)
        if history.author == who.account:
            raise ForeignError(said("act.own", name=repr(review_id[:_SHOWN])))
        content = {"step": step, "note": note}
        ledger = self._state.workspace.store.ledger
        ledger.add_act(review_id, who.account, content, after=history.after, is_held=is_held)

    def _who(self) -> Acting:
        who = acting()
        if who is None:
            raise ForeignError(said("act.no_accounts"))
        if not who.may(Action.REVIEW):
            raise ForeignError(said("account.not_permitted", action=Action.REVIEW.value))
        return who

    def _check_current(self, result: Review) -> None:
        now = self._state.review
        is_same = (
            result.plan.version == now.plan.version
            and result.rulebook.version == now.rulebook.version
            and result.waivers.version == now.waivers.version
            and result.approvals.version == now.approvals.version
        )
        if not is_same:
            raise self._replaced(result.review_id)

    def _replaced(self, review_id: str) -> ConflictError:
        current = self._state.review.review_id
        return ConflictError(said("act.replaced", name=repr(review_id), current=repr(current)))

    def _record(self, result: Review) -> dict[str, Any]:
        """Return all that a review was made from; ConflictError if settings differ by now."""
        opened = self._state.workspace
        saved: Saved = opened.store.find(REVIEW, result.review_id)
        texts = opened.settings_texts()
        if opened.settings_of(texts).digest != result.plan.settings.digest:
            raise self._replaced(result.review_id)
        if len(result.results) > READ_FINDINGS:
            found = Found.of(result)
        else:
            name = f"{WHOLE}.{Language.ZH_HANS}"
            found = Found.of_document(load_document(opened, REVIEW, result.review_id, name))
        dem = result.plan.dem
        return {
            "plan_version": saved.plan_version,
            "rulebook_version": saved.rulebook_version,
            "as_of": result.as_of.isoformat(),
            "software": saved.software,
            "layers": dict(saved.layer_versions),
            "dem": None if dem is None else dem.version,
            "documents": [
                {
                    "document_id": document.document_id,
                    "name": dict(document.part.name),
                    "number": document.part.number,
                    "in_force_from": iso_day(document.first_day),
                    "in_force_until": iso_day(document.last_day),
                    "looked_at": iso_day(document.part.looked_at),
                    "state": document.state_on(result.as_of).value,
                }
                for document in result.rulebook.documents
            ],
            "waivers_version": result.waivers.version or None,
            "approvals_version": result.approvals.version or None,
            "findings_count": len(result.results),
            "findings_digest": found.digest,
            "verdicts": dict(result.verdicts),
            "recipe": dict(saved.recipe),
            "register": register_recipe(result.rulebook.register),
            "settings": texts,
        }

    # ---- what is told ------------------------------------------------------------------------

    def _history(self, review_id: str) -> ActHistory:
        if not self._state.has_workspace:
            return ActHistory(())
        return ActHistory(self._state.workspace.store.ledger.about(Topic.REVIEW, review_id))

    def states(self) -> dict[str, str]:
        """Return the state of each review that was ever submitted, by id."""
        return {name: history.state.value for name, history in self._histories().items()}

    def _histories(self) -> dict[str, ActHistory]:
        if not self._state.has_workspace:
            return {}
        found = self._state.workspace.store.ledger.of(Topic.REVIEW)
        return {name: ActHistory(lines) for name, lines in found.items()}

    def listed(self, state: ActState | None = None) -> list[Document]:
        """Return the reviews that were ever submitted, the last one done first; of one state."""
        found = [
            (history.after, {"review_id": name, "state": history.state, "steps": history.steps()})
            for name, history in self._histories().items()
            if state in {None, history.state}
        ]
        return [document for _, document in sorted(found, key=lambda one: -one[0])]

    def document(self, review_id: str, translator: Translator) -> Document:
        """Return a review's state, what was done, what was recorded, and what may be done.

        `may` are the steps that are open to the account that asks; `closed` says in words why
        there is no signing, None where there is.
        """
        history = self._history(review_id)
        is_draft = history.state is ActState.DRAFT
        record = None
        if not is_draft:
            record = record_of(self._state.workspace.store, review_id)
        who = acting()
        return {
            "state": history.state.value,
            "steps": history.steps(),
            "record": None if record is None else _told(record, translator),
            "is_outdated": self._is_outdated(record),
            "may": [] if who is None else self._open_to(who, review_id, history),
            "closed": translator.text("act.no_accounts") if who is None else None,
        }

    def _is_outdated(self, record: Mapping[str, Any] | None) -> bool | None:
        """Whether other data or rules count by now than those that were submitted."""
        if record is None:
            return None
        now = self._state.now
        versions = (record["plan_version"], record["rulebook_version"])
        return versions != (now.plan.version, now.rulebook.version)

    def _open_to(self, who: Acting, review_id: str, history: ActHistory) -> list[str]:
        if not who.may(Action.REVIEW) or who.parks is not None:
            return []
        if history.state is ActState.SUBMITTED:
            return [] if history.author == who.account else ["return", "sign"]
        if history.state is ActState.SIGNED or self._is_trial(review_id):
            return []
        owners = self._state.belongings.owners(REVIEW, review_id)
        return ["submit"] if not owners or who.account in owners else []


def act_of(workspace: str | os.PathLike[str], result: Review, translator: Translator) -> Document:
    """Return what was done with a review that was made anew, for the command line's files."""
    with open_workspace(workspace) as opened:
        kept = None if is_empty(opened.at.folder, opened.at.store) else opened
        state = ServiceState(Standing(result.plan, result.rulebook, result), kept)
        desk = ActDesk(state, find=lambda _: result, save=lambda _: None, is_trial=lambda _: False)
        document = desk.document(result.review_id, translator)
        if kept is not None and kept.store.accounts.are_kept():
            document["closed"] = None
        return document


def _told(record: Mapping[str, Any], translator: Translator) -> Document:
    documents = [
        {**item, "name": name_in(item["name"], translator)}
        for item in record["documents"]
        if item["state"] == "in_force"
    ]
    return {**{name: record[name] for name in _TOLD}, "documents": documents}


def _wrong_state(review_id: str, state: ActState) -> ConflictError:
    return ConflictError(said(f"act.is_{state}", name=repr(review_id[:_SHOWN])))
