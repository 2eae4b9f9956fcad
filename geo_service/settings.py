"""Everything that the environment may change, as one frozen value.

Built only by `web.app` and `cli`, then passed on as values.
"""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

WORKSPACE_FILE = "workspace.toml"
DEMO_WORKSPACE = Path("layers/yunyang")


class Settings(BaseSettings):
    """What the environment may set, each with the prefix GEO_ (such as GEO_WORKSPACE)."""

    model_config = SettingsConfigDict(env_prefix="GEO_", frozen=True, extra="ignore")

    workspace: Path | None = None
    debug: bool = False
    """Show the trace of our own faults on stderr."""

    def find_workspace(self, given: Path | None = None) -> Path:
        """Return the workspace: the one given, GEO_WORKSPACE, this folder, else the demo."""
        if given is not None:
            return given
        if self.workspace is not None:
            return self.workspace
        here = Path()
        return here if (here / WORKSPACE_FILE).is_file() else DEMO_WORKSPACE
