"""Everything that the environment may change, as one frozen value.

Built only by `web.app` and `cli`, then passed on as values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from geo_service.stores.base import KeepLimits, WorkspaceAt

WORKSPACE_FILE = "workspace.toml"
DEMO_WORKSPACE = Path("layers/yunyang")


_Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What the environment may set, each with the prefix GEO_ (such as GEO_WORKSPACE)."""

    model_config = SettingsConfigDict(env_prefix="GEO_", frozen=True, extra="ignore")

    workspace: Path | None = None
    store: str | None = Field(default=None, repr=False)
    """Address of the store in place of the workspace's own; it may hold a password."""
    max_import_bytes: int = Field(default=1_000_000_000, gt=0)
    """The largest file that the service takes for import."""
    allowed_hosts: _Names = ()
    """Names and addresses that the service goes by, parted by commas, besides the machine's own."""
    trusted_proxies: _Names = ()
    """Addresses of proxies that are believed when they say for whom they ask, parted by commas."""
    keep_results_days: float | None = Field(default=None, gt=0)
    """Saved reviews and rankings older than this go; without it age alone drops nothing."""
    keep_results_bytes: int = Field(default=5_000_000_000, ge=0)
    """Once saved results take more than this the oldest go; 0 is without a limit."""
    debug: bool = False
    """Show the trace of our own faults on stderr."""

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _parts(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        return tuple(part.strip() for part in given.split(",") if part.strip())

    def find_workspace(self, given: Path | None = None) -> WorkspaceAt:
        """Return the workspace: the one given, GEO_WORKSPACE, this folder, else the demo.

        It carries GEO_STORE, where that is set, and how long results are kept.
        """
        here = Path()
        folder = here if (here / WORKSPACE_FILE).is_file() else DEMO_WORKSPACE
        keep = KeepLimits(self.keep_results_days, self.keep_results_bytes or None)
        return WorkspaceAt(given or self.workspace or folder, self.store, keep)
