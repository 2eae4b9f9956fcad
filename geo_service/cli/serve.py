"""`geo-service serve`: the console, the maps and the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_service.cli.common import Lang, Workspace, app, say, show_progress
from geo_service.errors import InvalidQueryError
from geo_service.language import Language, Translator
from geo_service.settings import Settings
from geo_service.wording import said

if TYPE_CHECKING:
    from geo_service.web.connections import TlsFiles
    from geo_service.web.issuer import IssuerSettings


@app.command()
def serve(
    workspace: Workspace = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further name of the service; repeatable."),
    ] = None,
    province: Annotated[
        Path | None,
        typer.Option(metavar="PROVINCE.toml", help="Show the counties of this file at /province."),
    ] = None,
    province_results: Annotated[
        Path | None,
        typer.Option(help="Folder of their results; default province-review beside the file."),
    ] = None,
    lang: Lang = Language.ZH_HANS,
) -> None:
    """Serve the console, the maps and the API until Ctrl-C.

    It answers to localhost, to the address on which it listens, and to names given
    with --allow-host or GEO_ALLOWED_HOSTS. With --province the counties of a province are shown
    beside the workspace's own county, from what `province review` left.

    Example: geo-service serve layers/yunyang --port 8080
    """
    from geo_service.web.app import ServicePolicy  # noqa: PLC0415 - heavy, only here
    from geo_service.web.app import serve as run  # noqa: PLC0415 - as above
    from geo_service.web.connections import ConnectionLimits  # noqa: PLC0415 - as above
    from geo_service.web.metrics import MetricsPort  # noqa: PLC0415 - as above
    from geo_service.web.shares import ShareLimits  # noqa: PLC0415 - as above

    desk = None
    if province is not None:
        from geo_service.province.desk import ProvinceDesk  # noqa: PLC0415 - as above

        desk = ProvinceDesk(province, province_results)
    with show_progress("review") as progress:
        settings = Settings()
        run(
            settings.find_workspace(workspace),
            host=host,
            port=port,
            max_import_bytes=settings.max_import_bytes,
            access=ServicePolicy(
                names=(*settings.allowed_hosts, *(allow_host or ())),
                proxies=settings.trusted_proxies,
                root_path=settings.root_path,
                shares=ShareLimits(
                    at_once=settings.client_requests,
                    costly_at_once=settings.client_costly,
                    costly_a_second=settings.client_costly_rate,
                    costly_burst=int(10 * settings.client_costly_rate),
                ),
                connections=ConnectionLimits(
                    most=4 * settings.client_connections, most_each=settings.client_connections
                ),
                tls=_tls(settings),
                issuer=_issuer(settings),
                stop_seconds=settings.stop_seconds,
                metrics=None
                if settings.metrics_port is None
                else MetricsPort(port=settings.metrics_port, host=settings.metrics_host),
            ),
            log=settings.log_rules,
            province_desk=desk,
            progress=progress,
            say=say,
            translator=Translator(lang),
        )


def _tls(settings: Settings) -> TlsFiles | None:
    """Return the files for TLS; InvalidQueryError if only one of them is given."""
    from geo_service.web.connections import TlsFiles  # noqa: PLC0415 - as above

    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        name = "GEO_TLS_KEY" if key is None else "GEO_TLS_CERTIFICATE"
        raise InvalidQueryError(name, said("problem.tls_pair"))
    return TlsFiles(certificate=certificate, key=key)


def _issuer(settings: Settings) -> IssuerSettings | None:
    """Return the configured issuer, with the secret of its file."""
    from geo_service.web.issuer import IssuerSettings, role_map  # noqa: PLC0415 - as above

    if settings.oidc_issuer is None:
        return None
    file, secret = settings.oidc_client_secret_file, None
    if file is not None:
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            name, reason = "GEO_OIDC_CLIENT_SECRET_FILE", getattr(error, "strerror", "UTF-8")
            raise InvalidQueryError(
                name, said("cli.cannot_read", path=file, reason=reason)
            ) from None
    return IssuerSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        name_claim=settings.oidc_name_claim,
        role_claim=settings.oidc_role_claim,
        roles=role_map(settings.oidc_roles),
        title=settings.oidc_title,
        ca_file=settings.oidc_ca_file,
    )
