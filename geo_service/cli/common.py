"""What the commands share: the app, exit codes, options, progress and output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from geo_service.errors import GeoServiceError, InvalidQueryError, StoreError
from geo_service.language import Language, Translator
from geo_service.wording import said, tell_error

if TYPE_CHECKING:
    from geo_service.planning.printable import Printable

EXIT_NONE_FITS = EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
EXIT_OUR_FAULT = 3
EXIT_STOPPED = 130
_PLAIN_WIDTH = 200

Progress = Callable[[int, int, str], None]
"""Called with how many steps are done, how many there are, and the name of the step."""

app = typer.Typer(
    name="geo-service",
    help="Industrial-layout planning for a county: review parks, draw maps, serve them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class ListFormat(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"


Workspace = Annotated[
    Path | None,
    typer.Argument(help="Folder with workspace.toml; default GEO_WORKSPACE, here, or the demo."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day that decides which rules apply."),
]
_spoken: ContextVar[Language] = ContextVar("_spoken", default=Language.ZH_HANS)
"""The language of this call, known even to who tells why it failed."""


def _speak(language: Language) -> Language:
    _spoken.set(language)
    return language


Lang = Annotated[
    Language, typer.Option("--lang", help="Language of texts.", callback=_speak, is_eager=True)
]
ScenarioOption = Annotated[
    str | None, typer.Option("--scenario", help="With the edits of this scenario: an id or a file.")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


def say(text: str) -> None:
    """Write a message to stderr."""
    print(text, file=sys.stderr)  # noqa: T201 - messages belong on stderr


def say_text(key: str, **values: object) -> None:
    """Write a text of the catalogue to stderr, in the language of the call."""
    say(Translator(_spoken.get()).text(key, **values))


def say_error(error: GeoServiceError) -> None:
    """Write what is wrong to stderr, in the language of the call."""
    say(tell_error(error, Translator(_spoken.get())))


def day_of(moment: datetime | None) -> date | None:
    """Return the day that an option gives; None if it was left out."""
    return None if moment is None else moment.date()


def table_width(output: Path | None = None) -> int | None:
    """Return how wide a table may be: the terminal's width (None), or a plain page's."""
    return None if output is None and sys.stdout.isatty() else _PLAIN_WIDTH


@contextmanager
def show_progress(label: str) -> Iterator[Progress]:
    """Show progress on stderr when a person is looking."""
    if not sys.stderr.isatty():
        yield lambda done, total, name: None  # noqa: ARG005 - nobody is looking
        return
    from rich import progress  # noqa: PLC0415

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[name]}"),
    )
    # Without a thread that draws, a second process can take half of the work (`halves`).
    screen = Console(stderr=True)
    with progress.Progress(*columns, console=screen, transient=True, auto_refresh=False) as bar:
        task = bar.add_task(label, total=None, name="")
        yield lambda done, total, name: bar.update(
            task, completed=done, total=total, name=name, refresh=True
        )


def try_to_save(work: Callable[[], object]) -> StoreError | None:
    """Save a result; return why it could not be, so that the result itself is still written."""
    try:
        work()
    except StoreError as error:
        return error
    return None


def saving_members(
    translator: Translator, *, is_asked: bool, failure: StoreError | None
) -> dict[str, object]:
    """Return what a document says of a result that was saved, or was not."""
    from geo_service.planning.saving import members, reason_of  # noqa: PLC0415 - heavy

    if failure is not None:
        return members(reason_of(failure), translator)
    return members(None if is_asked else said("keeping.not_asked"), translator)


def write(
    content: bytes | Iterable[bytes], output: Path | None, *, is_binary: bool = False
) -> None:
    """Write a result, whole or in pieces, to a file or to stdout.

    A text on stdout ends with a line end; what `is_binary` is written as it is.

    Raises
    ------
    InvalidQueryError
        The file cannot be written.
    """
    pieces = (content,) if isinstance(content, bytes) else content
    if output is None:
        last = b""
        for piece in pieces:
            last = piece or last
            sys.stdout.buffer.write(piece)
        if not is_binary and not last.endswith(b"\n"):
            sys.stdout.buffer.write(b"\n")
        sys.stdout.flush()
        return
    try:
        with output.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        name, reason = "output", said("cli.cannot_write", path=output, reason=error.strerror)
        raise InvalidQueryError(name, reason) from None
    say_text("cli.written", path=output)


def write_printable(
    printable: Printable, form: ListFormat, translator: Translator, output: Path | None = None
) -> None:
    """Write an answer as a table or as JSON."""
    is_json = form is ListFormat.JSON
    write(
        printable.json() if is_json else printable.text(translator, width=table_width(output)),
        output,
    )


def write_json(document: object, output: Path | None = None) -> None:
    """Write a document as JSON."""
    from geo_service.planning import dump  # noqa: PLC0415 - heavy, only here

    write(dump(document, indent=True), output)


def check_binary(format_name: str, output: Path | None) -> None:
    """Raise InvalidQueryError when a file that is no text would go to somebody's terminal."""
    if output is None and sys.stdout.isatty():
        name, reason = "output", said("cli.no_text", format=format_name)
        raise InvalidQueryError(name, reason)
