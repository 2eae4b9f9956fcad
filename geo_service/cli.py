"""The command line: `geo-service review | compare | map | layers | serve`.

Results go to stdout, messages and progress to stderr. Exit 0 = done; 1 = some park
fails (with --strict: also watch or unknown); 2 = the input or the call is wrong;
3 = our own fault.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from geo_service.errors import GeoServiceError, InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings

if TYPE_CHECKING:
    from geo_service.zoning.review import Progress, Review

EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
EXIT_OUR_FAULT = 3
EXIT_STOPPED = 130
_PLAIN_WIDTH = 150

app = typer.Typer(
    name="geo-service",
    help="Industrial-layout planning for a county: review parks, draw maps, serve them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class ReviewFormat(StrEnum):
    """How a review is written."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"


class ListFormat(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"


class MapKind(StrEnum):
    """Which map is drawn."""

    OVERVIEW = "overview"


Workspace = Annotated[
    Path | None,
    typer.Argument(help="Folder with workspace.toml; default GEO_WORKSPACE, here, or the demo."),
]
Lang = Annotated[Language, typer.Option("--lang", help="Language of texts.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


def main() -> NoReturn:
    """Run the command line and exit with the code that the outcome has."""
    try:
        # Without standalone mode the exit code of `typer.Exit` comes back as the result.
        code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _say("Stopped.")
        sys.exit(EXIT_STOPPED)
    except typer.TyperException as error:
        _say(_wrong_call(error))
        sys.exit(EXIT_WRONG_INPUT)
    except GeoServiceError as error:
        _say(str(error))
        sys.exit(EXIT_WRONG_INPUT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if Settings().debug:
            raise
        name = type(error).__name__
        _say(f"A fault of geo-service itself: {name}. GEO_DEBUG=1 shows the trace.")
        sys.exit(EXIT_OUR_FAULT)
    sys.exit(code if isinstance(code, int) else 0)


def _wrong_call(error: typer.TyperException) -> str:
    """Say what is wrong with a call, and where its help is."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "geo-service"
    return f"{message}\nTry '{path} --help'."


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - messages belong on stderr


@contextmanager
def _progress(label: str) -> Iterator[Progress]:
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
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, name="")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, name=name)


def _write(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content + (b"" if content.endswith(b"\n") else b"\n"))
        sys.stdout.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        name, reason = "output", f"Cannot write {output}: {error.strerror}."
        raise InvalidQueryError(name, reason) from None
    _say(f"Written: {output}")


@app.command()
def review(
    workspace: Workspace = None,
    *,
    rulebook: Annotated[
        Path | None, typer.Option(help="Rulebook in place of the workspace's own.")
    ] = None,
    park: Annotated[list[str] | None, typer.Option(help="Only this park; may be repeated.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 on watch or unknown too.")
    ] = False,
    format: Annotated[ReviewFormat, typer.Option(help="How to write it.")] = ReviewFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Review every park against the rulebook and print the verdicts.

    Example: geo-service review layers/yunyang --format json -o review.json
    """
    from geo_service.planning import review_workspace  # noqa: PLC0415 - heavy, only here

    with _progress("review") as progress:
        result = review_workspace(
            Settings().find_workspace(workspace),
            rulebook=rulebook,
            parks=park or None,
            progress=progress,
        )
    translator = Translator(lang, result.plan.settings.names_hant)
    _write(_RENDERERS[format](result, translator, output), output)
    bad = {"fail", "watch", "unknown"} if strict else {"fail"}
    if any(result.verdicts[verdict] for verdict in bad):
        raise typer.Exit(EXIT_FAILED)


def _review_json(result: Review, translator: Translator, _: Path | None) -> bytes:
    from geo_service.reports.document import dump, review_document  # noqa: PLC0415

    return dump(review_document(result, translator), indent=True)


def _review_geojson(result: Review, translator: Translator, _: Path | None) -> bytes:
    from geo_service.reports.document import (  # noqa: PLC0415
        collection,
        dump,
        finding_features,
        park_features,
        review_summary,
    )

    features = [*park_features(result, translator), *finding_features(result, translator)]
    summary = review_summary(result, translator)
    return dump(collection(features, len(features), review=summary))


def _review_table(result: Review, translator: Translator, output: Path | None) -> bytes:
    from geo_service.reports.terminal import verdict_table  # noqa: PLC0415

    is_terminal = output is None and sys.stdout.isatty()
    return verdict_table(result, translator, width=None if is_terminal else _PLAIN_WIDTH).encode()


_RENDERERS = {
    ReviewFormat.TABLE: _review_table,
    ReviewFormat.JSON: _review_json,
    ReviewFormat.GEOJSON: _review_geojson,
}


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier review, saved with --format json.")],
    after: Annotated[Path, typer.Argument(help="The later review, saved with --format json.")],
    *,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Compare two saved reviews: findings new, cured, persisting, changed.

    Example: geo-service compare march.json june.json
    """
    from geo_service.planning import compare_files  # noqa: PLC0415 - heavy, only here
    from geo_service.reports.document import comparison_document, dump  # noqa: PLC0415
    from geo_service.reports.terminal import comparison_table  # noqa: PLC0415

    result = compare_files(before, after)
    if format is ListFormat.JSON:
        _write(dump(comparison_document(result), indent=True), output)
    else:
        is_terminal = output is None and sys.stdout.isatty()
        width = None if is_terminal else _PLAIN_WIDTH
        _write(comparison_table(result, Translator(lang), width=width).encode(), output)


@app.command("map")
def draw_map(
    workspace: Workspace = None,
    *,
    kind: Annotated[MapKind, typer.Option(help="Which map.")] = MapKind.OVERVIEW,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="One file that opens from disk without a server.")
    ] = False,
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Draw a map as one HTML file that opens from disk, without internet.

    A map written to a file has no service to ask, so it is standalone with or without the
    option. Example: geo-service map --standalone -o static/maps/overview.html
    """
    from geo_service.maps.draw import draw  # noqa: PLC0415 - heavy, only here
    from geo_service.planning import review_workspace  # noqa: PLC0415

    del standalone
    with _progress("review") as progress:
        result = review_workspace(Settings().find_workspace(workspace), progress=progress)
    path = output or Path("static/maps") / f"{kind}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw(result, language=lang)
    _write(drawn.get_root().render().encode(), path)


@app.command()
def layers(
    workspace: Workspace = None,
    *,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TABLE,  # noqa: A002
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List the workspace's layers: features, illustrative ones, version.

    Example: geo-service layers layers/yunyang --format json
    """
    from geo_service.reports.document import dump, layers_document  # noqa: PLC0415
    from geo_service.reports.terminal import layers_table  # noqa: PLC0415
    from geo_service.workspace import open_plan  # noqa: PLC0415

    plan = open_plan(Settings().find_workspace(workspace))
    document = layers_document(plan, Translator(lang, plan.settings.names_hant))
    if format is ListFormat.JSON:
        _write(dump(document, indent=True), None)
    else:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        _write(layers_table(document, Translator(lang), width=width).encode(), None)


@app.command()
def serve(
    workspace: Workspace = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Serve the console, the maps and the API until Ctrl-C.

    Example: geo-service serve layers/yunyang --port 8080
    """
    from geo_service.web.app import serve as run  # noqa: PLC0415 - heavy, only here

    with _progress("review") as progress:
        run(Settings().find_workspace(workspace), host=host, port=port, progress=progress, say=_say)
