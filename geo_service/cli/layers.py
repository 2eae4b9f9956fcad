"""`geo-service layers`, `history`, `diff`, `rollback`, `export`, ...: a workspace's data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo_service.cli.common import (
    Lang,
    ListFormat,
    Output,
    ScenarioOption,
    Workspace,
    app,
    say_text,
    write,
    write_json,
    write_printable,
)
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

LayerName = Annotated[str, typer.Argument(help="The layer's name, as `layers` lists it.")]
Version = Annotated[str, typer.Argument(help="A number or a version, as `history` lists them.")]
Format = Annotated[ListFormat, typer.Option("--format", help="Output format.")]
Note = Annotated[str, typer.Option(help="The reason, shown in the history.")]


_TOLD_STATES = frozenset({"changed", "broken", "missing", "unrecorded"})
"""States of own files that a person has to know of."""


class DiffOutput(StrEnum):
    """How a difference is written."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"


@app.command()
def layers(
    workspace: Workspace = None,
    *,
    format: Annotated[ListFormat, typer.Option(help="Output format.")] = ListFormat.TABLE,  # noqa: A002
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List the workspace's layers: features, illustrative ones, version, state of the own file.

    Example: geo-service layers layers/yunyang --format json
    """
    from geo_service.planning.layer_desk import list_layers, printable_layers  # noqa: PLC0415 - heavy

    document, states = list_layers(Settings().find_workspace(workspace), lang)
    if not document["is_published"]:
        say_text("cli.own_counts")
    for name, state in states.items():
        if state in _TOLD_STATES:
            say_text(f"cli.file_{state}", layer=name)
    write_printable(printable_layers(document), format, Translator(lang))


@app.command()
def history(
    layer: LayerName,
    workspace: Workspace = None,
    *,
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """List a layer's versions, newest first; number 0 is the workspace's own file.

    Example: geo-service history parcels layers/yunyang
    """
    from geo_service.planning.layer_desk import printable_history  # noqa: PLC0415 - heavy, only here

    told = printable_history(Settings().find_workspace(workspace), layer)
    write_printable(told, format, Translator(lang))


@app.command()
def diff(
    layer: LayerName,
    workspace: Workspace = None,
    *,
    before: Annotated[
        str | None, typer.Option(help="The earlier version; default: the one below.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="The later version; default: the newest.")
    ] = None,
    format: Annotated[DiffOutput, typer.Option(help="Output format.")] = DiffOutput.TABLE,  # noqa: A002
    output: Output = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Show what changed in a layer: features added, removed and changed, shapes moved.

    Example: geo-service diff parcels --before 0 --after 2 --format geojson -o changes.geojson
    """
    from geo_service.planning.layer_desk import (  # noqa: PLC0415 - heavy, only here
        changed_features,
        printable_difference,
    )

    workspace_at = Settings().find_workspace(workspace)
    if format is DiffOutput.GEOJSON:
        write_json(changed_features(workspace_at, layer, before, after), output)
        return
    told = printable_difference(workspace_at, layer, before, after)
    write_printable(told, ListFormat(format), Translator(lang), output)


@app.command()
def rollback(
    layer: LayerName,
    version: Version,
    workspace: Workspace = None,
    *,
    note: Note = "",
    format: Format = ListFormat.TABLE,  # noqa: A002 - the option's name
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Publish an earlier version's content as a new version; nothing is lost.

    Example: geo-service rollback parcels 2
    """
    from geo_service.planning.layer_desk import printable_publication  # noqa: PLC0415 - heavy, only here
    from geo_service.planning.layers import rollback as roll_back  # noqa: PLC0415

    entry = roll_back(Settings().find_workspace(workspace), layer, version, note=note)
    write_printable(printable_publication(entry), format, Translator(lang))


@app.command()
def retain(
    count: Annotated[int, typer.Argument(min=1, help="How many versions of each layer to keep.")],
    workspace: Workspace = None,
) -> None:
    """Drop old versions, except those that saved reviews and rankings were made from.

    Example: geo-service retain 20
    """
    from geo_service.planning.layers import retain as keep_newest  # noqa: PLC0415 - heavy

    dropped = keep_newest(Settings().find_workspace(workspace), count)
    say_text("cli.dropped", count=len(dropped))


class PlanFormat(StrEnum):
    """What `export` writes."""

    GPKG = "gpkg"
    BOUNDARY_POINTS = "boundary-points"


@app.command()
def export(
    workspace: Workspace = None,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    format: Annotated[  # noqa: A002 - the option's name
        PlanFormat, typer.Option(help="A GeoPackage, or 界址点 TXT as land surveys exchange it.")
    ] = PlanFormat.GPKG,
    layer: Annotated[
        str | None, typer.Option(help="For boundary points: the layer; default: parcels.")
    ] = None,
    park: Annotated[
        str | None, typer.Option(help="For boundary points: only features in this park.")
    ] = None,
    scenario: ScenarioOption = None,
) -> None:
    """Write the whole plan as one GeoPackage for QGIS: layers, settings, rulebook, waivers.

    `geo-service unpack` makes a workspace of it again. With --format boundary-points: the
    polygons of one layer as a boundary-point text in GB18030.
    Example: geo-service export layers/yunyang -o plan.gpkg
    Example: geo-service export --layer parcels --format boundary-points -o parcels.txt
    """
    workspace_at = Settings().find_workspace(workspace)
    if format is PlanFormat.BOUNDARY_POINTS:
        from geo_service.planning.layer_desk import (  # noqa: PLC0415 - heavy, only here
            workspace_boundary_points,
        )

        points = workspace_boundary_points(
            workspace_at, layer or "parcels", park_id=park, scenario=scenario
        )
        write(points, output)
        return
    for name, given in (("layer", layer), ("park", park)):
        if given is not None:
            msg = said("cli.boundary_only", option=f"--{name}")
            raise InvalidQueryError(name, msg)
    from geo_service.planning.once import export_workspace  # noqa: PLC0415 - heavy, only here

    say_text("cli.written", path=export_workspace(workspace_at, output, scenario=scenario))


@app.command()
def unpack(
    file: Annotated[Path, typer.Argument(help="A GeoPackage that `export` wrote.")],
    folder: Annotated[Path, typer.Argument(help="The new workspace's folder.")],
) -> None:
    """Make a workspace of an exported GeoPackage; its plan is the same.

    Example: geo-service unpack plan.gpkg layers/copy
    """
    from geo_service.planning.layers import unpack_plan  # noqa: PLC0415 - heavy, only here

    say_text("cli.unpacked", path=unpack_plan(file, folder))


@app.command("move-store")
def move_store(
    target: Annotated[
        str,
        typer.Argument(help="Address of a shared store (postgresql://USER@HOST/DB), or 'local'."),
    ],
    workspace: Workspace = None,
) -> None:
    """Move all versions and saved results to another store, and use that from now on.

    Put a password into ~/.pgpass; one in the address is not stored.
    Example: geo-service move-store postgresql://geo@db.example/planning
    """
    from geo_service.planning.layers import move_store as move  # noqa: PLC0415 - heavy, only here

    moved = move(Settings().find_workspace(workspace), target)
    say_text(
        "cli.moved",
        versions=moved.versions,
        results=moved.results,
        source=moved.source,
        target=moved.target,
    )
    if moved.is_password_left_out:
        say_text("cli.no_password")
    if Settings().store is not None:
        say_text("cli.store_set")
