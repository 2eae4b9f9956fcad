"""Everything that environment variables can set, as one frozen value.

Only `web.app` and `cli` build it; they pass its values on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from geo_service.logs import LogForm, LogRules, levels_of
from geo_service.stores.base import RetentionLimits, WorkspaceAt
from geo_service.stores.opening import without_password

WORKSPACE_FILE = "workspace.toml"
DEMO_WORKSPACE = Path("layers/yunyang")
MASK: Final = "***"
"""Shown in place of what is secret, or not known to be none."""


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
    root_path: str = ""
    """The path under which a proxy has put the service, such as /plan."""
    tls_certificate: Path | None = None
    """Certificate by which the service itself speaks TLS, as PEM."""
    tls_key: Path | None = None
    """Its key, as PEM."""
    oidc_issuer: str | None = None
    """Address of an OpenID Connect issuer where accounts may sign in."""
    oidc_client_id: str = "geo-service"
    """The name by which the issuer knows this service."""
    oidc_client_secret_file: Path | None = None
    """A file with the secret that the issuer gave this service."""
    oidc_name_claim: str = "preferred_username"
    """The claim that becomes an account's name."""
    oidc_role_claim: str = "groups"
    """The claim that roles are taken from."""
    oidc_roles: str = ""
    """The roles that values of the claim give: VALUE=ROLE+ROLE, separated by commas."""
    oidc_title: str | None = None
    """How people know the issuer."""
    oidc_ca_file: Path | None = None
    """Certificates by which the issuer's own is checked."""
    client_requests: int = Field(default=24, ge=1, le=10_000)
    """Requests that one client (address) may have at once."""
    client_costly: int = Field(default=8, ge=1, le=10_000)
    """Of these, requests that change something or take long."""
    client_costly_rate: float = Field(default=20.0, gt=0, le=100_000)
    """Such requests a second in the long run; ten times as many in a row."""
    client_connections: int = Field(default=100, ge=1, le=100_000)
    """Connections of one client; four times as many of all."""
    stop_seconds: float = Field(default=30.0, ge=0, le=3_600)
    """How long answers and jobs may go on once the service is told to stop."""
    metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """A port for figures alone, without accounts; if not set, they stand at /metrics only."""
    metrics_host: str = "127.0.0.1"
    """The address that the port for figures listens on."""
    log_format: LogForm = LogForm.PLAIN
    """How lines of the log are written: plain or json."""
    log_level: str = "warning"
    """From which level on lines are written; of single loggers too: info,geo_service.crew=debug."""
    debug: bool = False
    """Print the traceback of internal errors on stderr."""

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _parts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("log_level")
    @classmethod
    def _levels(cls, value: str) -> str:
        levels_of(value)
        return value

    @property
    def log_rules(self) -> LogRules:
        """How lines of the log are written, and from which level on."""
        level, levels = levels_of(self.log_level)
        return LogRules(form=self.log_format, level=level, levels=levels)

    def listed(self, environment: Mapping[str, str]) -> list[tuple[str, object, str]]:
        """Return name, value and source of every setting, secrets masked; then unknown names."""
        prefix = "GEO_"
        given = {name.upper(): name for name in environment if name.upper().startswith(prefix)}
        found: list[tuple[str, object, str]] = []
        for field, value in self.model_dump(mode="json").items():
            name = f"{prefix}{field.upper()}"
            source = "environment" if given.pop(name, None) else "default"
            shown = without_password(value) if field == "store" and value else value
            found.append((name, shown, source))
        return found + [(name, MASK, "unknown") for name in sorted(given)]

    def find_workspace(self, argument: Path | None = None) -> WorkspaceAt:
        """Return the workspace: the given one, else GEO_WORKSPACE, the current folder or the demo.

        The result includes GEO_STORE, if set, and how long results are kept.
        """
        here = Path()
        folder = here if (here / WORKSPACE_FILE).is_file() else DEMO_WORKSPACE
        retention = RetentionLimits(self.keep_results_days, self.keep_results_bytes or None)
        return WorkspaceAt(argument or self.workspace or folder, self.store, retention)
