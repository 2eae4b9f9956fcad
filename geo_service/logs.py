"""Log lines: what each says, as plain text or as JSON, and the request that it belongs to.

A line carries the id of the request that is worked on and the name of its account, in threads and
processes too. It never carries an address's query, a body, a header or a value of the data. What
a client may send as an id is decided in `web`; lines that repeat are counted there.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from geo_service.access import acting_name

LEVELS = ("debug", "info", "warning", "error", "critical")
_LOGGER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,80}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_FIELDS = "fields"

_request: ContextVar[str | None] = ContextVar("_request", default=None)


class LogForm(StrEnum):
    """How a line is written."""

    PLAIN = "plain"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRules:
    """How lines are written, and from which level on."""

    form: LogForm = LogForm.PLAIN
    level: str = "warning"
    levels: Mapping[str, str] = field(default_factory=dict)
    """For single loggers, by name."""

    def as_argument(self) -> str:
        """Return the rules as one word for another process of this program."""
        levels = ",".join([self.level, *(f"{name}={level}" for name, level in self.levels.items())])
        return f"{self.form}:{levels}"


PLAIN_RULES = LogRules()
_rules = PLAIN_RULES


def rules_of(text: str) -> LogRules:
    """Return what `LogRules.as_argument` told.

    >>> rules_of("json:info,uvicorn.error=debug").levels
    {'uvicorn.error': 'debug'}
    """
    form, _, levels = text.partition(":")
    level, by_name = levels_of(levels)
    return LogRules(form=LogForm(form), level=level, levels=by_name)


def levels_of(text: str) -> tuple[str, dict[str, str]]:
    """Return the level of all loggers and those of single ones: `info,geo_service.crew=debug`.

    ValueError names a part that is neither.
    """
    level, by_name = PLAIN_RULES.level, {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, is_single, named = part.rpartition("=")
        if named.lower() not in LEVELS or (is_single and not _LOGGER.fullmatch(name)):
            raise ValueError(part[:100])
        if name:
            by_name[name] = named.lower()
        else:
            level = named.lower()
    return level, by_name


def new_request_id() -> str:
    """Return an id for a request that brings none: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def request_id() -> str | None:
    """Return the id of the request that is worked on; None for other work."""
    return _request.get()


@contextmanager
def working_on(identity: str | None) -> Iterator[None]:
    """Do what is inside for a request."""
    token = _request.set(identity)
    try:
        yield
    finally:
        _request.reset(token)


def with_fields(**values: object) -> dict[str, object]:
    """Return the `extra` of a line that has members of its own in JSON."""
    return {_FIELDS: values, "is_every": True}


class LineFormatter(logging.Formatter):
    """Writes a record as one line of text (and a trace below it), or as one line of JSON."""

    def __init__(self, form: LogForm) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        message = _CONTROL.sub(" ", record.getMessage())
        request, account = request_id(), acting_name()
        trace = self.formatException(record.exc_info) if record.exc_info else None
        if self._form is LogForm.PLAIN:
            marked = f" [{request}]" if request else ""
            line = f"{record.levelname} {record.name}: {message}{marked}"
            return line if trace is None else f"{line}\n{trace}"
        members: dict[str, object | None] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            "request_id": request,
            "account": account,
            "trace": trace,
            "process": record.process,
            **getattr(record, _FIELDS, {}),
        }
        told = {name: value for name, value in members.items() if value is not None}
        return json.dumps(told, ensure_ascii=False, default=str)


def current_rules() -> LogRules:
    """Return the rules that this process writes by: those of `logging_by`, else plain ones."""
    return _rules


@contextmanager
def logging_by(rules: LogRules, *filters: logging.Filter) -> Iterator[None]:
    """Write lines to stderr by some rules, while the context lasts."""
    global _rules  # noqa: PLW0603 - as `logging` itself, one of a process
    root, handler = logging.getLogger(), logging.StreamHandler()
    handler.setFormatter(LineFormatter(rules.form))
    for one in filters:
        handler.addFilter(one)
    wanted = {"": rules.level, **rules.levels}
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, level in wanted.items():
        logging.getLogger(name).setLevel(level.upper())
    earlier, _rules = _rules, rules
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        _rules = earlier
        for name, number in before.items():
            logging.getLogger(name).setLevel(number)
