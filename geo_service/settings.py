"""Everything that environment variables can set, as one frozen value.

Only `web.app` and `cli` build it; they pass its values on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from geo_service.stores.base import RetentionLimits, WorkspaceAt

WORKSPACE_FILE = "workspace.toml"
DEMO_WORKSPACE = Path("layers/yunyang")


_Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The environment variables, each with the prefix GEO_ (such as GEO_WORKSPACE)."""

    model_config = SettingsConfigDict(env_prefix="GEO_", frozen=True, extra="ignore")

    workspace: Path | None = None
    store: str | None = Field(default=None, repr=False)
    """Address of a store to use instead of the workspace's own; it may contain a password."""
    max_import_bytes: int = Field(default=1_000_000_000, gt=0)
    """Size of the largest file that the service accepts for import."""
    allowed_hosts: _Names = ()
    """Host names and addresses of the service besides the machine's own, separated by commas."""
    trusted_proxies: _Names = ()
    """Addresses of proxies whose X-Forwarded headers are trusted, separated by commas."""
    keep_results_days: float | None = Field(default=None, gt=0)
    """Saved reviews and rankings older than this are dropped; if not set, age drops nothing."""
    keep_results_bytes: int = Field(default=5_000_000_000, ge=0)
    """When saved results exceed this size the oldest are dropped; 0 means no limit."""
    debug: bool = False
    """Print the traceback of internal errors on stderr."""

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _parts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    def find_workspace(self, argument: Path | None = None) -> WorkspaceAt:
        """Return the workspace: the given one, else GEO_WORKSPACE, the current folder or the demo.

        The result includes GEO_STORE, if set, and how long results are kept.
        """
        here = Path()
        folder = here if (here / WORKSPACE_FILE).is_file() else DEMO_WORKSPACE
        retention = RetentionLimits(self.keep_results_days, self.keep_results_bytes or None)
        return WorkspaceAt(argument or self.workspace or folder, self.store, retention)
