"""The command line: each module here holds the commands of one subject.

Results go to stdout, messages and progress to stderr. Exit 0 = done; 1 = some park
fails (with --strict: also watch or unknown), or no candidate fits; 2 = the input or the
call is wrong, or a choice must be made; 3 = our own fault.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from geo_service.cli import (
    accounts,
    backup,
    imports,
    layers,
    layout,
    maps,
    province,
    rank,
    review,
    saved,
    scenario,
    serve,
    upkeep,
    verify,
)
from geo_service.cli.common import (
    EXIT_OUR_FAULT,
    EXIT_STOPPED,
    EXIT_WRONG_INPUT,
    app,
    say,
    say_error,
    say_text,
)
from geo_service.cli.decisions import record_changes
from geo_service.errors import GeoServiceError
from geo_service.gdal import restrict_drivers
from geo_service.memory import collected_seldom
from geo_service.settings import Settings

SUBJECTS = (
    *(
        imports,
        review,
        rank,
        maps,
        scenario,
        layout,
        province,
        layers,
        saved,
        accounts,
        backup,
        upkeep,
        verify,
        serve,
    ),
)
"""Importing a module adds its commands to the app."""
record_changes(app)


@collected_seldom()
def main() -> NoReturn:
    """Run the command line and exit with the code that the outcome has."""
    restrict_drivers(os.environ)
    atexit.register(gc.freeze)  # the system takes all of it back: nothing is looked through
    try:
        # Without standalone mode the exit code of `typer.Exit` comes back as the result.
        code = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        say_text("cli.stopped")
        sys.exit(EXIT_STOPPED)
    except typer.TyperException as error:
        say(_wrong_call(error))
        sys.exit(EXIT_WRONG_INPUT)
    except GeoServiceError as error:
        say_error(error)
        sys.exit(EXIT_WRONG_INPUT)
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        for fault in error.errors(include_url=False, include_input=False):
            name = f"GEO_{'.'.join(map(str, fault['loc'])).upper()}"
            say_text("cli.wrong_setting", name=name, reason=fault["msg"])
        sys.exit(EXIT_WRONG_INPUT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if Settings().debug:
            raise
        name = type(error).__name__
        say_text("cli.own_fault", name=name)
        sys.exit(EXIT_OUR_FAULT)
    sys.exit(code if isinstance(code, int) else 0)


def _wrong_call(error: typer.TyperException) -> str:
    """Say what is wrong with a call, and where its help is."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "geo-service"
    return f"{message}\nTry '{path} --help'."
