"""Errors raised on purpose; nothing here knows HTTP or exit codes.

GeoServiceError
├── NotFoundError        a park, layer, review or asset that does not exist
├── InvalidQueryError    a value in a call outside its range
├── BusyError            too much is being done already; later it may go
├── ChoiceNeededError    a call that leaves something open which only its caller knows
├── ConflictError        somebody else was first; look again, then decide
│   └── StaleError       what is to be changed is not in the state that the call has seen
├── ForeignError         what is to be changed belongs to another account
├── StoreError           the store failed, is full, read-only or cannot be reached
├── WorkspaceError       a workspace that cannot be used: every fault is listed
│   └── CrsError         no CRS, or one without metres where metres are needed
├── SourceError          a file that cannot be imported: every fault is listed
├── RulebookError        a rulebook (or waiver file) that breaks its form
├── ProjectError         a project that breaks its form
├── ScenarioError        a scenario that breaks its form, or an edit that cannot be made
├── GoalsError           goals of a layout that break their form
├── InfeasibleError      no solution meets every requirement
├── OutOfTimeError       the time ended before any solution was found
└── AssetError           a file of the map's page that is not installed

An error holds what is wrong as a `Message`: a key of the catalogue and values. It becomes text at
the edge, in the reader's language; `str` of an error is the English text, for logs and programs.
Whoever asks what an error says compares keys, never texts.

A broken *zoning rule* is a finding, not an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geo_service.language import ENGLISH, Language, Translator, catalogue
from geo_service.model import Message

_SHOWN_PER_KIND = 20
"""How many faults of one kind a message spells out before it counts the rest."""


class GeoServiceError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message
        """What is wrong in one sentence, without the faults or choices below it."""

    def tell(self, translator: Translator) -> str:
        """Return in a language what is wrong, and below it every fault or choice."""
        return translator.render(self.message)

    def __str__(self) -> str:
        """Return the English text."""
        return self.tell(ENGLISH)

    def __reduce__(self) -> tuple[object, ...]:
        """Return what another process makes the same error of."""
        return _revived, (type(self), self.args, vars(self))


def _revived(
    kind: type[GeoServiceError], args: tuple[object, ...], members: dict[str, object]
) -> GeoServiceError:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(members)
    return error


class NotFoundError(GeoServiceError):
    """Something was asked for by name and is not there."""


class InvalidQueryError(GeoServiceError):
    """A value in a call is outside its range; `parameter` names it."""

    def __init__(self, parameter: str, message: Message) -> None:
        super().__init__(message)
        self.parameter = parameter


class BusyError(GeoServiceError):
    """Too much work is waiting already; the same call may go through in so many `seconds`."""

    def __init__(self, message: Message, *, seconds: int | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class ConflictError(GeoServiceError):
    """Somebody else changed what was to be changed; nothing was written."""


class StaleError(ConflictError):
    """What is to be changed is no longer in the state that the call has seen."""


class ForeignError(GeoServiceError):
    """Something that may be seen belongs to another account, which alone may change it."""


class StoreError(GeoServiceError):
    """The store could not do its work; what it held before is still there.

    `public_message` is what anybody may be told about it: its own text names folders and servers.
    """

    def __init__(
        self, message: Message, *, public_message: Message | None = None, is_full: bool = False
    ) -> None:
        super().__init__(message)
        self.public_message = public_message
        self.is_full = is_full
        """Whether there was no room left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to settle what a call left open: the value to give, and what speaks for it."""

    value: str
    evidence: Message


class ChoiceNeededError(GeoServiceError):
    """Something is open that nobody but the caller can settle.

    `parameter` names what has to be given, `choices` the values it may take.
    """

    def __init__(self, parameter: str, message: Message, choices: Sequence[Choice]) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.choices = tuple(choices)

    def tell(self, translator: Translator) -> str:
        """Return what is open, and below it each choice with what speaks for it."""
        colon = ": " if translator.language is Language.EN else "："
        lines = [
            f"\n  - {choice.value}{colon}{translator.render(choice.evidence)}"
            for choice in self.choices
        ]
        return super().tell(translator) + "".join(lines)


class AssetError(GeoServiceError):
    """A script, style or font that a page needs is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a file: where, what was found, what was expected.

    A `file` that is a message stands for something without a name, such as a project in a call.
    """

    file: str | Message
    found: Message
    expected: Message
    layer: str | None = None
    row: str | None = None
    column: str | None = None
    line: int | None = None

    def tell(self, translator: Translator) -> str:
        """Return the fault as one line that says where, what was found and what is wanted."""
        is_english = translator.language is Language.EN
        file = translator.render_any(self.file)
        where = [file if self.line is None else f"{file}:{self.line}"]
        if self.layer:
            label = self.layer if is_english else _layer_label(self.layer)
            where.append(translator.text("fault.at_layer", value=label))
        if self.row:
            where.append(translator.text("fault.at_row", value=self.row))
        if self.column:
            called = None if is_english else _column_label(self.column, self.layer)
            key = "fault.at_column" if called is None else "fault.at_named"
            where.append(translator.text(key, label=called, column=self.column))
        return translator.text(
            "fault.whole",
            where=(", " if is_english else "，").join(where),
            found=self.found,
            expected=self.expected,
        )

    def __str__(self) -> str:
        """Return the English line."""
        return self.tell(ENGLISH)

    @property
    def kind(self) -> tuple[str | Message, str | None, str | None, Message]:
        """What faults that differ only in their row have in common."""
        return (self.file, self.layer, self.column, self.expected)


def _layer_label(layer: str) -> str | Message:
    key = f"layer.{layer}"
    return Message(key) if key in catalogue() else layer


def _column_label(column: str, layer: str | None) -> Message | None:
    """Return what a column, or a field of a document, is called; None if it has no other name."""
    last = column.rpartition(".")[2]
    keys = (f"field.{layer}_{last}", f"field.{last}", f"column.{last}")
    return next((Message(key) for key in keys if key in catalogue()), None)


def list_faults(faults: Sequence[Fault], translator: Translator = ENGLISH) -> str:
    """Return the faults as lines; past twenty of one kind the rest are counted."""
    seen: Counter[tuple[str | Message, str | None, str | None, Message]] = Counter()
    lines = []
    for fault in faults:
        seen[fault.kind] += 1
        if seen[fault.kind] <= _SHOWN_PER_KIND:
            lines.append(f"  - {fault.tell(translator)}")
    for (file, layer, column, _), count in seen.items():
        if count > _SHOWN_PER_KIND:
            parts = (translator.render_any(file), layer, column)
            location = ", ".join(part for part in parts if part)
            more = translator.text("fault.more", place=location, count=count - _SHOWN_PER_KIND)
            lines.append(f"  - {more}")
    return "\n".join(lines)


class _FaultyFileError(GeoServiceError):
    """An error that carries every fault found, not the first one."""

    def __init__(self, message: Message, faults: Iterable[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    def tell(self, translator: Translator) -> str:
        """Return what is wrong, and below it every fault."""
        text = super().tell(translator)
        return f"{text}\n{list_faults(self.faults, translator)}" if self.faults else text


class WorkspaceError(_FaultyFileError):
    """A workspace or one of its layers cannot be used."""


class CrsError(WorkspaceError):
    """A layer has no CRS, or one that does not fit the work."""


class SourceError(_FaultyFileError):
    """A file that was to be imported cannot be."""


class RulebookError(_FaultyFileError):
    """A rulebook or waiver file breaks its form."""


class ProjectError(_FaultyFileError):
    """An investment project breaks its form."""


class ScenarioError(_FaultyFileError):
    """A scenario breaks its form, or an edit cannot be made on its plan."""


class GoalsError(_FaultyFileError):
    """The goals of a layout break their form, or name what the plan does not have."""


class InfeasibleError(GeoServiceError):
    """No solution meets every requirement."""


class OutOfTimeError(GeoServiceError):
    """The time ended before any solution was found; there may be one."""


class UnfitError(ValueError):
    """A value that a model does not take, raised by a validator of that model.

    pydantic catches it as any ValueError; `wording.said_of` finds the message in what it reports.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """Return the English text."""
        return ENGLISH.render(self.message)
