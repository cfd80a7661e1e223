"""The HTTP server: the application, and how it is run."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from .. import __version__
from .access import Access
from .api import router
from .guard import Guard, routed_path
from .head_requests import HeadRequests, with_head
from .head_timeout import HeadTimeoutProtocol
from .invalid import invalid_request
from .metrics import QueueCollector
from .pages.routes import Pages
from .problem import Problem
from .queues import Queues
from .sessions import Sessions
from .streams import Streams
from .trouble import TROUBLES, trouble_of

#: Connections above which requests are answered with 503, below the usual limit of open files, 1024.
_MOST_CONNECTIONS = 500

#: Seconds after which a connection is closed whose client reads nothing of what was sent.
_READ_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """Where to listen. Port 0: any free one."""

    host: str
    port: int


def application(queues: Queues, access: Access, read_only: bool) -> FastAPI:
    """Return the application. It opens no connection before the first request. SIGHUP reloads `access`."""
    sessions, streams = Sessions(), Streams()
    pages = Pages(queues, access, sessions, streams, read_only)
    app = FastAPI(
        title="preppath-workers",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name plain HTTP, although TLS may be in front
        lifespan=_reloading(access, streams),
    )
    app.state.must_reload = False  # `serve` sets it if a signal comes before the application starts
    app.state.streams = streams

    def refusal(request: Request, problem: Problem) -> Response:
        return problem.response() if _is_for_programs(request) else pages.problem(request, problem)

    app.add_middleware(HeadRequests)
    app.add_middleware(Guard, access=access, read_only=read_only, sessions=sessions, refusal=refusal)
    _add_error_handlers(app, refusal)
    app.include_router(router(queues, streams))
    _add_probes(app, queues)
    app.include_router(pages.router())
    return app


def _add_error_handlers(app: FastAPI, refusal: Callable[[Request, Problem], Response]) -> None:
    """Let each error end in a refusal."""

    def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return refusal(request, error)

    def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, TROUBLES)
        return refusal(request, Problem(503, trouble_of(error)))

    def bug(request: Request, error: Exception) -> Response:
        return refusal(request, Problem(500, "internal error, see the server's log"))

    def no_route(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        allowed = (error.headers or {}).get("Allow", "")
        return refusal(request, Problem(error.status_code, error.detail, with_head(allowed)))

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return invalid_request(request, error)

    app.add_exception_handler(Problem, problem)
    for trouble in TROUBLES:
        app.add_exception_handler(trouble, unreadable)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, no_route)
    app.add_exception_handler(Exception, bug)


def _add_probes(app: FastAPI, queues: Queues) -> None:
    """Add what monitors and load balancers ask for."""
    registry = CollectorRegistry()
    registry.register(QueueCollector(queues))

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/healthz", summary="Whether this process answers")
    async def alive() -> dict[str, str]:  # in no thread: all of them may wait for Redis
        return {"status": "ok"}

    @app.get("/readyz", summary="Whether Redis answers")
    def ready() -> dict[str, str]:
        for queue in queues.by_name.values():
            queue.redis.ping()
        return {"status": "ok"}


def _reloading(access: Access, streams: Streams) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    def reload() -> None:
        if access.reload():
            streams.end_all()  # a client whose token is gone must not go on reading

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
        if app.state.must_reload:
            reload()
        yield

    return lifespan


def listen(options: Options, read_seconds: int = _READ_SECONDS) -> socket.socket:
    """Return a socket whose connections are closed if their clients read nothing for some seconds. Raises
    OSError."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.create_server((options.host, options.port), family=family)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, read_seconds * 1000)
    return listening


class _Server(uvicorn.Server):
    """Ends the streams of events when it stops, which don't end by themselves."""

    def __init__(self, settings: uvicorn.Config, streams: Streams) -> None:
        super().__init__(settings)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, and wait for the requests in progress."""
        self._streams.end_all()
        await super().shutdown(sockets)


def serve(app: FastAPI, options: Options, output: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `output` is called with the address.

    Raises OSError if the address cannot be used.
    """
    listening = listen(options)
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        http=HeadTimeoutProtocol,
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=3,
    )
    server = _Server(settings, app.state.streams)

    def stop(*_: object) -> None:
        server.should_exit = True

    def reload_at_start(*_: object) -> None:
        app.state.must_reload = True

    # While uvicorn runs it has handlers of its own. Afterwards it raises the signal again, which would make
    # the exit a death; and before, a signal must not be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, reload_at_start)
    # The image's entrypoint blocks SIGTERM, because without a handler the kernel would drop it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    host, port = listening.getsockname()[:2]
    output(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}")
    server.run(sockets=[listening])


def _is_for_programs(request: Request) -> bool:
    return routed_path(request).startswith(("/api/", "/metrics", "/healthz", "/readyz", "/openapi.json"))
