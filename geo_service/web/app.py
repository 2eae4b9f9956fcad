"""The application: settings and county in, FastAPI out; and how it is served."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.responses import Response
from starlette.middleware.gzip import GZipMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import geo_service
from geo_service.errors import InvalidQueryError
from geo_service.jobs import Cancelled
from geo_service.language import ENGLISH, Translator
from geo_service.logs import PLAIN_RULES, LogRules, logging_by
from geo_service.planning import PlanningService
from geo_service.planning.accounts import has_accounts
from geo_service.planning.uploads import UploadLimits
from geo_service.scratch import sweep_scratch
from geo_service.web.bodies import JsonLimit
from geo_service.web.connections import (
    BACKLOG,
    ConnectionDesk,
    ConnectionLimits,
    TimedServer,
    TlsFiles,
)
from geo_service.web.counted_log import CountedLines
from geo_service.web.decisions import DECISIONS
from geo_service.web.doors import Doors, allowed_name, is_loopback
from geo_service.web.errors import BodyLimit, Unexpected, add_error_handlers
from geo_service.web.gate import Gate, check_request
from geo_service.web.issuer import Issuer, IssuerSettings
from geo_service.web.loading import Loading
from geo_service.web.metrics import MetricsPort, ServiceMetrics
from geo_service.web.prefix import PathPrefix, checked_prefix
from geo_service.web.replies import COMPRESS_FROM_BYTES, COMPRESSION
from geo_service.web.routes import (
    accounts,
    console,
    health,
    identify,
    imports,
    layers,
    layouts,
    maps,
    overview,
    pages,
    parks,
    province,
    rankings,
    reviews,
    saved,
    scenario_pages,
    scenarios,
    tiles,
    work,
)
from geo_service.web.security import SecurityHeaders
from geo_service.web.shares import ShareLimits, Shares
from geo_service.web.slots import SlotLimits, Slots
from geo_service.web.tracing import NamedProxies, Traced
from geo_service.wording import said

if TYPE_CHECKING:
    import os

    from geo_service.province.desk import ProvinceDesk
    from geo_service.zoning.review import Progress

MAX_BODY_BYTES = 2_000_000
"""A larger request body is a 413; rulebooks and projects are a hundred times smaller."""
MAX_IMPORT_BYTES = 1_000_000_000
"""Of a file sent for import, unless the settings say otherwise."""


_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - how they are shown, not listened on
"""The address that means all of a machine's own: where a browser on it finds the service."""
LAST_SECONDS = 10
"""For answers to who waits for work that was ended."""
IMPORTS_AT_ONCE = 4
"""So many of the largest files may be on their way at once; half of them from one client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePolicy:
    """Who may ask, how much, and how slowly."""

    names: Sequence[str] = ()
    """What the service goes by, besides this machine's own names and the address that it has."""
    proxies: Sequence[str] = ()
    """Addresses of proxies that are believed when they say for whom they ask."""
    root_path: str = ""
    """The path under which a proxy has put the service, as `/plan`."""
    tls: TlsFiles | None = None
    shares: ShareLimits = field(default_factory=ShareLimits)
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    slots: SlotLimits = field(default_factory=SlotLimits)
    stop_seconds: float = 30.0
    """How long requests and jobs may go on once the service is told to stop."""
    issuer: IssuerSettings | None = None
    """Where accounts may sign in besides by a password."""
    metrics: MetricsPort | None = None
    """A port for figures alone, besides `/metrics`."""


def create_app(
    service: PlanningService | None,
    *,
    max_import_bytes: int = MAX_IMPORT_BYTES,
    access: ServicePolicy | None = None,
    province_desk: ProvinceDesk | None = None,
) -> FastAPI:
    """Return the application for a service that is open and reviewed, or is not yet (None).

    With `province_desk` it has the pages of a province as well. It closes a service that it is
    given; who has it `stand_by` for one later closes that.
    `/docs` is our own page with the Swagger UI that ships in the package, so that it
    works without internet; FastAPI's own, which load from outside, are off.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        if service is not None:
            stand_by(app, service)
        yield
        if service is not None:
            service.close()

    app = FastAPI(
        lifespan=running,
        title="geo_service",
        version=geo_service.__version__,
        summary="Industrial-layout planning for a county: parks, reviews, maps.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(check_request)],
        default_response_class=Response,
    )
    app.state.service = service
    app.state.province = province_desk
    app.state.max_import_bytes = max_import_bytes
    access = access or ServicePolicy()
    root = checked_prefix(access.root_path, {name.split("/")[1] for name in DECISIONS})
    app.state.slots = Slots(access.slots)
    app.state.issuer = None if access.issuer is None else Issuer(access.issuer)
    add_error_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESS_FROM_BYTES, compresslevel=COMPRESSION)
    uploads = {imports.UPLOAD_PATH: max_import_bytes}
    app.add_middleware(JsonLimit, uploads=uploads)
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES, uploads=uploads)
    app.add_middleware(Gate, state=app.state)
    app.add_middleware(Shares, limits=access.shares)
    app.add_middleware(Loading, state=app.state)
    app.add_middleware(Doors, names=access.names)
    app.add_middleware(Unexpected)
    if root:
        app.add_middleware(PathPrefix, root=root)
    app.add_middleware(SecurityHeaders)  # it marks every answer, and decides nothing
    if access.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(access.proxies))
    metrics = ServiceMetrics(lambda: app.state.service, app.state.slots)
    app.state.metrics = metrics
    app.add_middleware(Traced, proxies=NamedProxies(access.proxies), observe=metrics.observe)
    for part in (
        health,
        overview,
        parks,
        reviews,
        work,
        saved,
        rankings,
        scenario_pages,
        scenarios,
        layouts,
        imports,
        console,
        layers,
        province,
        maps,
        identify,
        tiles,
        pages,
        accounts,
    ):
        app.include_router(part.router)
    return app


def stand_by(app: FastAPI, service: PlanningService) -> None:
    """Answer for a service from now on, and make ahead what its first readers will ask for."""
    at_once = IMPORTS_AT_ONCE * app.state.max_import_bytes
    service.imports.limit(UploadLimits(most_bytes=at_once, most_bytes_each=at_once // 2))
    service.make_ahead()
    if app.state.province is not None:
        app.state.province.own_county = service.plan.settings.county_code
    app.state.service = service


def server_of(app: FastAPI, listener: socket.socket, access: ServicePolicy) -> TimedServer:
    """Return what serves an app on a socket, with connections bounded in time and number."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,
        proxy_headers=False,  # the application does it, and sees the connection's own end first
    )
    tls = None if access.tls is None else access.tls.context()
    desk = ConnectionDesk(access.connections, proxies=access.proxies, tls=tls)
    work = _WorkOf(app)
    return TimedServer(config, desk, listener, work=work, stop_seconds=access.stop_seconds)


class _WorkOf:
    """The long work of an application's service, if it has one by now."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    @property
    def _service(self) -> PlanningService | None:
        service: PlanningService | None = self._app.state.service
        return service

    def give_back(self) -> None:
        """Begin no job any more that waits."""
        if self._service is not None:
            self._service.jobs.give_back()

    def is_under_way(self) -> bool:
        """Return whether a job runs."""
        return self._service is not None and self._service.jobs.is_busy()

    def stop(self) -> None:
        """End long work."""
        if self._service is not None:
            self._service.stop_work()


def serve(  # noqa: PLR0913 - what may be said of it on the command line
    workspace: str | os.PathLike[str],
    *,
    host: str,
    port: int,
    max_import_bytes: int = MAX_IMPORT_BYTES,
    access: ServicePolicy | None = None,
    log: LogRules = PLAIN_RULES,
    province_desk: ProvinceDesk | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] = print,
    translator: Translator = ENGLISH,
) -> None:
    """Serve a workspace until it is told to stop; it is opened while health checks are answered.

    Raises
    ------
    InvalidQueryError
        The address cannot be listened on, or a name or proxy in `access` is none; or others can
        reach the address, and the workspace has no accounts.
    WorkspaceError, RulebookError
        The workspace or its rulebook is unusable.
    """
    access = _with_host(access or ServicePolicy(), host)
    listener = _listen(host, port)
    try:
        _check_open(listener, workspace, host)
    except BaseException:
        listener.close()
        raise
    try:
        app = create_app(
            None, max_import_bytes=max_import_bytes, access=access, province_desk=province_desk
        )
        server = server_of(app, listener, access)
    except BaseException:
        listener.close()
        raise

    def announce() -> None:
        address, listened = listener.getsockname()[:2]
        if not is_loopback(address):
            say(translator.text("cli.open_to_network", host=host))
        shown = _LOCAL.get(address, f"[{host}]" if ":" in host else host)
        scheme = "http" if access.tls is None else "https"
        root = access.root_path.rstrip("/")
        say(f"Serving on {scheme}://{shown}:{listened}{root}/  (Ctrl-C stops)")

    opening = _Opening(workspace, app, server, progress=progress, announce=announce)
    try:
        with _counted_log(log), _figures_told(app, access.metrics):
            sweep_scratch()
            opening.start()
            try:
                with _ends_in_peace(), suppress(KeyboardInterrupt):
                    server.run()  # at its end it raises the signal again that it was ended by
            finally:
                server.should_exit = True
                opening.end()
        say("Stopped.")
    finally:
        listener.close()


class _Opening(threading.Thread):
    """Opens a county while its server answers already."""

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        app: FastAPI,
        server: uvicorn.Server,
        *,
        progress: Progress | None,
        announce: Callable[[], None],
    ) -> None:
        super().__init__(name="opening")
        self._workspace = workspace
        self._app = app
        self._server = server
        self._progress = progress
        self._announce = announce
        self._service: PlanningService | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Open the county, and have it answer; a failure ends the server."""
        try:
            service = PlanningService.open(self._workspace, is_apart=True, progress=self._watched)
            self._service = service
            self._check()
            stand_by(self._app, service)
        except Cancelled:  # it was told to stop meanwhile
            return
        except BaseException as error:  # noqa: BLE001 - `end` raises it
            self._failure = error
            self._server.should_exit = True
            return
        self._announce()
        service.tell_own_files()

    def _check(self) -> None:
        if self._server.should_exit:
            raise Cancelled

    def _watched(self, done: int, total: int, step: str) -> None:
        self._check()
        if self._progress is not None:
            self._progress(done, total, step)

    def end(self) -> None:
        """Wait for the opening, and close what it opened; raise what it failed with."""
        self.join()
        if self._service is not None:
            self._service.close()
        if self._failure is not None:
            raise self._failure


@contextmanager
def _counted_log(rules: LogRules) -> Iterator[None]:
    """Write the log to stderr, lines that repeat by their count."""
    counted = CountedLines()
    with logging_by(rules, counted):
        try:
            yield
        finally:
            counted.flush()


@contextmanager
def _ends_in_peace() -> Iterator[None]:
    """Let SIGTERM end the service as Ctrl-C does, with all that it has to put away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _figures_told(app: FastAPI, at: MetricsPort | None) -> Iterator[None]:
    """Tell figures at a port of their own, if there is one."""
    if at is None:
        yield
        return
    end = app.state.metrics.serve(at)
    try:
        yield
    finally:
        end()


def _with_host(access: ServicePolicy, host: str) -> ServicePolicy:
    """Check names and proxies, and add the name or address that is listened on, if it is one."""
    named = [host] if host and host not in _LOCAL else []
    for proxy in access.proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            parameter = "proxies"
            raise InvalidQueryError(parameter, said("problem.proxy", found=proxy)) from None
    return replace(access, names=tuple(map(allowed_name, [*access.names, *named])))


def _check_open(listener: socket.socket, workspace: str | os.PathLike[str], host: str) -> None:
    """Refuse an address that others can reach for a workspace without accounts."""
    if not is_loopback(listener.getsockname()[0]) and not has_accounts(workspace):
        parameter = "host"
        raise InvalidQueryError(parameter, said("account.needed_to_serve", host=host))


def _listen(host: str, port: int) -> socket.socket:
    """Take the address first, so that a port in use is told before any work is done."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or "unknown address"
        name = "port"
        msg = said("problem.listen", host=host, port=port, reason=reason)
        raise InvalidQueryError(name, msg) from None
